"""What the portal's answers to a submission mean, and whether its list of receipts holds a file whose answer was lost.

No public text says how the portal treats a repeated file: hospitals rely on a resend with the same MA_LK taking the
place of the one before. So a file whose fate is not known is looked for among the day's receipts before it goes again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache

from insurance_svc.domain.claim_facts import VIETNAM
from insurance_svc.domain.tables import packaged

CLOCK_SKEW = timedelta(minutes=2)
"""A receipt this much older than our sending may still be of it: two clocks."""
MESSAGE_MAX_CHARS = 2_000


class FileKind(StrEnum):
    """What is sent, each through its own service."""

    CLAIM = "CLAIM"
    CHECK_IN = "CHECK_IN"


class SendOutcome(StrEnum):
    """What became of one sending."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    NOT_TAKEN = "NOT_TAKEN"
    """Certainly not processed: not reached, not signed in, or turned away at the door."""
    UNKNOWN = "UNKNOWN"
    """It may have been processed."""


class CodeClass(StrEnum):
    """What a result code says; `claim_portal_codes.csv` has them."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    LOGIN = "LOGIN"
    ACCOUNT = "ACCOUNT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalAnswer:
    """What the portal said to one sending."""

    outcome: SendOutcome
    code: str = ""
    """maKetQua; empty without a readable answer."""
    transaction_number: str = ""
    """maGiaoDich."""
    message: str = field(default="", repr=False)
    """thongDiep, in the portal's words; it may name a patient."""
    failure_reason: str = ""
    """Why there was no answer, UPPER_SNAKE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One transaction in the portal's list of a day."""

    transaction_number: str
    receive_time: datetime | None
    record_count: int
    good_count: int | None
    """None: the portal does not say."""
    wrong_count: int
    total: Decimal | None
    description: str = field(repr=False)


class Fate(StrEnum):
    """What the receipts say about a file whose answer was lost."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    PENDING = "PENDING"
    """The portal has it and did not decide yet."""
    NOT_THERE = "NOT_THERE"
    CANNOT_TELL = "CANNOT_TELL"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFate:
    """The fate and the transaction that proves it."""

    fate: Fate
    transaction_number: str = ""
    message: str = field(default="", repr=False)
    """What the portal says about it."""


def read_answer(reply: bytes) -> PortalAnswer | None:
    """The meaning of a submission's reply; None when it is no JSON object with a result code."""
    try:
        document = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    code = _text(document.get("maKetQua"))
    if not code:
        return None
    number = _text(document.get("maGiaoDich"))
    known = class_of(code)
    outcome = {
        CodeClass.ACCEPTED: SendOutcome.ACCEPTED,
        CodeClass.REFUSED: SendOutcome.REFUSED,
        CodeClass.LOGIN: SendOutcome.NOT_TAKEN,
        CodeClass.ACCOUNT: SendOutcome.NOT_TAKEN,
    }.get(known, SendOutcome.UNKNOWN)
    if outcome is SendOutcome.ACCEPTED and not number:
        # "Good" without a number proves nothing that could be shown later.
        outcome = SendOutcome.UNKNOWN
    return PortalAnswer(
        outcome=outcome,
        code=code[:20],
        transaction_number=number[:100],
        message=_text(document.get("thongDiep"))[:MESSAGE_MAX_CHARS],
        failure_reason="PORTAL_ACCOUNT_REFUSED" if known is CodeClass.ACCOUNT else "",
    )


def class_of(code: str) -> CodeClass:
    """What a code says; one that no source names says nothing."""
    return _codes().get(code, CodeClass.UNKNOWN)


def read_receipts(reply: bytes) -> tuple[Receipt, ...] | None:
    """The transactions of a day; None when the reply is not a good list."""
    try:
        document = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    rows = document.get("dsHoSo") if isinstance(document, dict) else None
    if not isinstance(rows, list) or class_of(_text(document.get("maKetQua"))) is not CodeClass.ACCEPTED:
        return None
    return tuple(_receipt(row) for row in rows if isinstance(row, dict) and _text(row.get("maGiaoDich")))


def fate_of(
    receipts: Sequence[Receipt],
    *,
    link_id: str,
    total: Decimal | None,
    sent_after: datetime,
    known_numbers: Iterable[str],
    has_rivals: bool = False,
) -> FoundFate:
    """Whether one of the receipts is of our file.

    Args:
        receipts: Of the day of the sending.
        link_id: MA_LK; a receipt whose description names it is certainly ours.
        total: T_TONGCHI_BV of the claim; None for a check-in, whose receipts carry no amount.
        sent_after: When the file was sent first.
        known_numbers: Transactions of other files of ours.
        has_rivals: The fate of another file of ours with the same total is not known either: stations charge many
            patients the same, and a receipt must not be taken for the wrong one.
    """
    others = set(known_numbers)
    fresh = [
        each
        for each in receipts
        if each.transaction_number not in others
        and (each.receive_time is None or each.receive_time >= sent_after - CLOCK_SKEW)
    ]
    if named := [each for each in fresh if link_id and link_id in each.description]:
        return _fate(named[-1])
    found = [each for each in fresh if each.record_count == 1 and (total is None or each.total == total)]
    if not found:
        return FoundFate(fate=Fate.NOT_THERE)
    if len(found) > 1 or has_rivals or total is None:
        return FoundFate(fate=Fate.CANNOT_TELL)
    return _fate(found[0])


def _fate(receipt: Receipt) -> FoundFate:
    return FoundFate(
        fate=decided(receipt),
        transaction_number=receipt.transaction_number,
        message=receipt.description[:MESSAGE_MAX_CHARS],
    )


def decided(receipt: Receipt) -> Fate:
    """What the portal decided about a file it has."""
    if receipt.wrong_count:
        return Fate.REFUSED
    return Fate.PENDING if receipt.good_count == 0 else Fate.ACCEPTED


def _receipt(row: Mapping[str, object]) -> Receipt:
    return Receipt(
        transaction_number=_text(row.get("maGiaoDich"))[:100],
        receive_time=_moment(_text(row.get("ngayGui"))),
        record_count=_count(row.get("soLuongHoSo")),
        good_count=_count(row["slHoSoDung"]) if "slHoSoDung" in row else None,
        wrong_count=_count(row.get("slHoSoLoi")),
        total=_amount(row.get("tongTien")),
        description=_text(row.get("mieuTa")),
    )


def _moment(text: str) -> datetime | None:
    """A moment in one of the forms that occur; a day alone tells nothing about the order."""
    for form in ("%Y%m%d%H%M%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
    return None


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(_text(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _count(value: object) -> int:
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return str(value).strip() if isinstance(value, str | int | float) else ""


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, CodeClass]:
    return {row["code"]: CodeClass(row["outcome"]) for row in packaged("claim_portal_codes.csv")}
