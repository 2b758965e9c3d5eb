"""The texts people agree to, and which purposes need an agreement at all; both dated data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from hashlib import sha256

from identity_svc.domain.tables import in_force, is_in_force, read_rows, read_text


class Purpose(StrEnum):
    """Why data is used; the words stand in the store, never change one."""

    TREATMENT = "TREATMENT"
    INSURANCE_CLAIM = "INSURANCE_CLAIM"
    SHARING = "SHARING"
    RESEARCH = "RESEARCH"
    CHIP_READING = "CHIP_READING"
    CONTACT = "CONTACT"
    PAPER_COPY = "PAPER_COPY"


class Scope(StrEnum):
    """What kind of data, by FHIR's words where there is one; the words stand in the store, never change one."""

    PATIENT = "PATIENT"
    ENCOUNTER = "ENCOUNTER"
    CONDITION = "CONDITION"
    OBSERVATION = "OBSERVATION"
    MEDICATION = "MEDICATION"
    PROCEDURE = "PROCEDURE"
    IMMUNIZATION = "IMMUNIZATION"
    ALLERGY = "ALLERGY"
    DOCUMENT = "DOCUMENT"
    COVERAGE = "COVERAGE"
    CONTACT_POINT = "CONTACT_POINT"
    CARD_CHIP = "CARD_CHIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeRule:
    """On what a use of data rests."""

    purpose: Purpose
    is_by_law: bool
    """Permitted without a consent, which then may not be asked for."""
    legal_reference: str
    discloses: bool
    """The data reaches somebody else than the facility that holds it."""
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """One version of a text in one language; its words never change once shown."""

    text_id: str
    version: int
    language: str
    """`vi` or `en`."""
    purpose: Purpose
    scopes: tuple[Scope, ...]
    content: str
    valid_from_date: date
    valid_to_date: date | None
    lasting_days: int
    """How long a consent lasts; 0 until it is withdrawn."""

    @property
    def content_hash(self) -> str:
        """SHA-256 of the words in UTF-8, 64 hexadecimal digits."""
        return sha256(self.content.encode("utf-8")).hexdigest()


class ConsentTexts:
    """The texts of an installation."""

    def __init__(self, texts: Sequence[ConsentText]) -> None:
        self._texts = tuple(texts)

    def shown(self, *, on: date, purpose: Purpose | None = None, language: str = "") -> list[ConsentText]:
        """The texts that may be shown on a day, by id, the newest version first."""
        found = [
            text
            for text in self._texts
            if is_in_force(text, on=on)
            and purpose in (None, text.purpose)
            and language in ("", text.language)
        ]
        return sorted(found, key=lambda text: (text.text_id, -text.version, text.language))

    def find(self, text_id: str, *, version: int, language: str) -> ConsentText | None:
        """One text, in force or not, or None."""
        wanted = (text_id, version, language)
        return next((t for t in self._texts if (t.text_id, t.version, t.language) == wanted), None)


@cache
def shipped_texts() -> ConsentTexts:
    """The texts of this package; ValueError if one is not what its index says."""
    texts = []
    for row in read_rows("consent_texts/index.csv"):
        text = ConsentText(
            text_id=row["text_id"],
            version=int(row["version"]),
            language=row["language"],
            purpose=Purpose(row["purpose"]),
            scopes=tuple(Scope(scope) for scope in row["scopes"].split()),
            content=read_text(f"consent_texts/{row['text_id']}.{row['version']}.{row['language']}.txt"),
            valid_from_date=date.fromisoformat(row["valid_from"]),
            valid_to_date=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            lasting_days=int(row["lasting_days"]),
        )
        if text.content_hash != row["sha256"]:
            raise ValueError(f"the words of {text.text_id} {text.version} {text.language} were changed")
        texts.append(text)
    return ConsentTexts(texts)


def purpose_rule(purpose: Purpose, *, on: date) -> PurposeRule:
    """On what a purpose rests on a day; before its first row the first row counts."""
    rows = [row for row in _purpose_rules() if row.purpose is purpose]
    return in_force(rows, on=on) or rows[0]


@cache
def _purpose_rules() -> tuple[PurposeRule, ...]:
    return tuple(
        PurposeRule(
            purpose=Purpose(row["purpose"]),
            is_by_law=row["basis"] == "LAW",
            legal_reference=row["legal_reference"],
            discloses=row["discloses"] == "yes",
            valid_from_date=date.fromisoformat(row["valid_from"]),
            valid_to_date=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in read_rows("consent_purposes.csv")
    )
