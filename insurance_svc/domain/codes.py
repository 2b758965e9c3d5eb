"""What each result code of the insurer's portal means and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from insurance_svc.domain.tables import packaged


class CodeClass(StrEnum):
    """Sort of answer; what the ladder does next hangs on it."""

    OK = "OK"
    OK_MANUAL = "OK_MANUAL"
    CARD_CHANGED = "CARD_CHANGED"
    REJECT = "REJECT"
    NOT_FOUND = "NOT_FOUND"
    BAD_INPUT = "BAD_INPUT"
    MISMATCH = "MISMATCH"
    CONFIG = "CONFIG"
    TRANSIENT = "TRANSIENT"
    MANUAL = "MANUAL"
    AUTH = "AUTH"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """One result code with its class and wording."""

    code: str
    cls: CodeClass
    sub_class: str
    """Finer sort: NAME or DOB of a mismatch, PARAM of bad input."""
    meaning_en: str
    meaning_vi: str
    action_vi: str


class PortalCodes:
    """The table of codes; a code nobody wrote down has a rule of class UNKNOWN."""

    def __init__(self, rules: Iterable[CodeRule]) -> None:
        self._rules: Mapping[str, CodeRule] = {rule.code: rule for rule in rules}

    def __len__(self) -> int:
        return len(self._rules)

    def rule(self, code: str) -> CodeRule:
        """The rule of a code; an unknown one admits unverified and tells the operator."""
        known = self._rules.get(code)
        if known is not None:
            return known
        return CodeRule(
            code=code,
            cls=CodeClass.UNKNOWN,
            sub_class="UNKNOWN",
            meaning_en="a result code that is in no list",
            meaning_vi="Cổng BHXH trả về mã chưa có trong danh mục",
            action_vi="Tiếp nhận; báo quản trị hệ thống; hệ thống tự tra lại.",
        )


def load_codes() -> PortalCodes:
    """The codes of Annex 03 of letter 1923/BHXH-CNTT (20/06/2024) and four seen in hospital code only."""
    return PortalCodes(
        CodeRule(
            code=row["code"],
            cls=CodeClass(row["class"]),
            sub_class=row["sub_class"],
            meaning_en=row["meaning_en"],
            meaning_vi=row["meaning_vi"],
            action_vi=row["action_vi"],
        )
        for row in packaged("portal_codes.csv")
    )
