"""What a citizen wants corrected: which fields, in which form, and by when they are answered; pure."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources

from identity_svc.domain.case_errors import CorrectionFieldWrong, CorrectionValueWrong
from identity_svc.domain.model import Demographics, Gender, Source
from identity_svc.domain.repairing import NAME_CHARS_MAX, value_of
from standards.admin_units import MAX_ADDRESS_CHARS
from standards.names import normalise_name

FIELDS = ("full_name", "birth_date", "gender", "address")
"""What may be asked for; numbers come from documents and are scanned."""
_FHIR_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}){0,2}", re.ASCII)
_MISSING_PARTS = {len("YYYY"): "-01-01", len("YYYY-MM"): "-01", len("YYYY-MM-DD"): ""}
_FIRST_YEAR = 1900
CODE = "CITIZEN_CORRECTION"
"""Code of the repair that an accepted request makes."""


class CorrectionState(StrEnum):
    """Where a request stands."""

    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A request to change one field of a record."""

    citizen_id: str
    correction_id: str
    case_id: str
    field: str
    value: str = dataclasses.field(repr=False)
    """The value asked for, in the form the field is kept in."""
    why: str = dataclasses.field(repr=False)
    """The citizen's words."""
    state: CorrectionState
    requester: str
    """Subject of who sent it: the citizen, a representative, or a clerk."""
    is_on_behalf: bool
    """A clerk sent it for the citizen."""
    facility_code: str
    request_time: datetime
    answer_due_date: date
    """Last day for the answer, in Asia/Ho_Chi_Minh."""
    answer_time: datetime | None
    answer: str = dataclasses.field(repr=False)
    """The steward's words to the citizen; empty until refused."""
    repair_id: str
    """The repair that wrote it; empty until accepted."""

    @property
    def name(self) -> str:
        """The resource name."""
        return f"citizens/{self.citizen_id}/corrections/{self.correction_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimit:
    """How soon a request has to be answered."""

    valid_from_date: date
    working_day_count: int
    legal_reference: str


def proposed_value(name: str, value: str, stored: Demographics, *, today: date) -> str:
    """The value of a field in the form it is kept in.

    Args:
        name: One of FIELDS.
        value: As sent: a name, a FHIR date not in the future, male or female, an address.
        stored: The facts in force.
        today: The day in Viet Nam.
    Raises:
        CorrectionFieldWrong: the field cannot be corrected by a request.
        CorrectionValueWrong: the value has not the field's form, or is the one on record.
    """
    if name not in FIELDS:
        raise CorrectionFieldWrong
    text = " ".join(value.split())
    match name:
        case "full_name":
            text = normalise_name(text)
            is_right = 1 <= len(text) <= NAME_CHARS_MAX and any(each.isalpha() for each in text)
        case "birth_date":
            is_right = _is_past(text, today)
        case "gender":
            is_right = text in (Gender.MALE, Gender.FEMALE)
        case _:
            is_right = 1 <= len(text) <= MAX_ADDRESS_CHARS
    if not is_right or text == value_of(stored, name):
        raise CorrectionValueWrong
    return text


def corrected(stored: Demographics, *, name: str, value: str, repair_id: str) -> Demographics:
    """The next version of the facts, with one field as a steward accepted it."""
    facts = replace(stored, version=stored.version + 1, source=Source.TYPED, repair_id=repair_id)
    match name:
        case "full_name":
            return replace(facts, full_name=value)
        case "birth_date":
            return replace(facts, birth_date=value, is_birth_date_estimated=False)
        case "gender":
            return replace(facts, gender=Gender(value))
        case _:
            return replace(facts, address=value)


def answer_limit(day: date) -> AnswerLimit:
    """The rule in force on a day; before the first rule the first one."""
    limits = answer_limits()
    return next((each for each in reversed(limits) if each.valid_from_date <= day), limits[0])


def answer_due_date(request_date: date) -> date:
    """The last day for the answer: working days after the day of the request, Monday to Friday.

    Source: Decree 356/2025/NĐ-CP, in force 2026-01-01 (two working days), read from secondary sources.
    """
    day, left = request_date, answer_limit(request_date).working_day_count
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


@cache
def answer_limits() -> tuple[AnswerLimit, ...]:
    """Every rule, oldest first."""
    text = resources.files(__package__).joinpath("data/answer_limits.json").read_text(encoding="utf-8")
    return tuple(
        AnswerLimit(
            valid_from_date=date.fromisoformat(row["valid_from_date"]),
            working_day_count=row["working_day_count"],
            legal_reference=row["legal_reference"],
        )
        for row in json.loads(text)["limits"]
    )


def _is_past(text: str, today: date) -> bool:
    """Whether it is a FHIR date (YYYY, YYYY-MM or YYYY-MM-DD) since 1900 and not in the future."""
    if not _FHIR_DATE.fullmatch(text):
        return False
    try:
        first_day = date.fromisoformat(text + _MISSING_PARTS[len(text)])
    except ValueError:
        return False
    return first_day.year >= _FIRST_YEAR and first_day <= today
