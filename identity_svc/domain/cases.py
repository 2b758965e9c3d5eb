"""Cases of the data-quality queue: causes, states, and the words a steward reads; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import cache
from importlib import resources

from identity_svc.domain.case_errors import CaseClosed

EVIDENCE_MAX = 20
_EVIDENCE_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
_EVIDENCE_VALUE = re.compile(r"[A-Za-z0-9_./:,+-]{0,300}", re.ASCII)
_IDENTIFIER_LIKE = re.compile(r"(?<![0-9A-Za-z])[0-9]{9,15}(?![0-9A-Za-z])", re.ASCII)


class CaseCause(StrEnum):
    """Why a case was opened; the words stand in the store and on the wire, never change one."""

    NAME_DIFFERS = "NAME_DIFFERS"
    BIRTH_DATE_DIFFERS = "BIRTH_DATE_DIFFERS"
    GENDER_DIFFERS = "GENDER_DIFFERS"
    NUMBER_NOT_IN_REGISTER = "NUMBER_NOT_IN_REGISTER"
    STORED_PERSON_DIFFERS = "STORED_PERSON_DIFFERS"
    OLD_NUMBER_OF_OTHER_PERSON = "OLD_NUMBER_OF_OTHER_PERSON"
    TWO_PEOPLE_ONE_IDENTIFIER = "TWO_PEOPLE_ONE_IDENTIFIER"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    TEXT_DAMAGED = "TEXT_DAMAGED"
    TEXT_WITHOUT_ACCENTS = "TEXT_WITHOUT_ACCENTS"
    ADDRESS_UNRESOLVED = "ADDRESS_UNRESOLVED"
    ADDRESS_SPLIT = "ADDRESS_SPLIT"
    CHIP_INVALID = "CHIP_INVALID"
    TEMPORARY_IDENTITY = "TEMPORARY_IDENTITY"
    CORRECTION_REQUESTED = "CORRECTION_REQUESTED"


PAIR_CAUSES = frozenset({CaseCause.POSSIBLE_DUPLICATE, CaseCause.TWO_PEOPLE_ONE_IDENTIFIER})
"""Causes about two people of equal standing: the pair has no order, the smaller id stands first."""


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    """A steward works on it."""
    RESOLVED = "RESOLVED"
    """The record was repaired, or a clean check answered the doubt."""
    DISMISSED = "DISMISSED"
    """Somebody looked and there was nothing to repair."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to work on it."""
        return self in (CaseState.OPEN, CaseState.ASSIGNED)


class CaseStep(StrEnum):
    """What happened to a case; the rows of its history."""

    OPENED = "OPENED"
    ASSIGNED = "ASSIGNED"
    NOTED = "NOTED"
    RESOLVED = "RESOLVED"
    DISMISSED = "DISMISSED"


_STATE_AFTER = {
    CaseStep.ASSIGNED: CaseState.ASSIGNED,
    CaseStep.RESOLVED: CaseState.RESOLVED,
    CaseStep.DISMISSED: CaseState.DISMISSED,
}


class Severity(IntEnum):
    """How much harm a case can do while it waits."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class AgeClass(StrEnum):
    """How long a case has waited, in whole periods of 24 hours since it was opened."""

    DAY = "DAY"
    """Less than 1."""
    WEEK = "WEEK"
    """1 to 6."""
    MONTH = "MONTH"
    """7 to 29."""
    OLDER = "OLDER"
    """30 or more."""


AGE_STARTS = {AgeClass.DAY: 0, AgeClass.WEEK: 1, AgeClass.MONTH: 7, AgeClass.OLDER: 30}
"""First day of each age class, oldest class last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """What the queue knows of a cause; the rows stand in data/case_causes.json."""

    cause: CaseCause
    severity: Severity
    due_day_count: int
    """Days a steward should need at most; the province's own aim, no law."""
    dirt_class: str
    """The class of dirt it counts as in the figures, UPPER_SNAKE."""
    is_answered_by_check: bool
    """A later clean check against the register closes it."""
    label_vi: str
    label_en: str
    advice_vi: str
    """What the steward does."""
    advice_en: str
    why_vi: str
    """Why it is as severe as it is."""
    why_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One doubt about one record that a person has to settle."""

    citizen_id: str
    """For a pair the smaller id."""
    case_id: str
    cause: CaseCause
    other_citizen_id: str
    """The second person, or empty."""
    field: str
    """The field of the record in doubt, such as full_name; empty for the whole person."""
    state: CaseState
    facility_code: str
    """Where it was seen first; empty when no facility was involved."""
    ward_code: str
    """Commune of the person when it was opened, vintage from-2025-07; empty while unknown."""
    evidence: Mapping[str, str]
    """Codes and figures of the newest sighting; never personal data."""
    seen_count: int
    """How often the same doubt came up while the case was open, at least 1."""
    open_time: datetime
    last_seen_time: datetime
    assignee: str
    """Subject of the steward, or empty."""
    resolution: str
    """How it ended, UPPER_SNAKE; empty while open."""
    close_time: datetime | None
    earlier_case_id: str
    """The closed case of the same doubt, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvent:
    """One step of a case."""

    seq: int
    """1 for the opening."""
    step: CaseStep
    actor: str
    """Subject of who did it."""
    note: str = field(repr=False)
    """Free words of the steward; sealed at rest, never logged."""
    code: str
    """New assignee of ASSIGNED, resolution of RESOLVED and DISMISSED, else empty."""
    event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseKey:
    """What makes two sightings one case."""

    cause: CaseCause
    citizen_id: str
    other_citizen_id: str
    field: str


def case_key(cause: CaseCause, *, citizen_id: str, other_citizen_id: str = "", field: str = "") -> CaseKey:
    """The key of a sighting; for a pair the order in which the two were named does not matter."""
    assert citizen_id, "a case is about somebody"
    assert citizen_id != other_citizen_id, "a pair has two people"
    if cause in PAIR_CAUSES:
        assert other_citizen_id, "a pair has two people"
        citizen_id, other_citizen_id = sorted((citizen_id, other_citizen_id))
    return CaseKey(cause=cause, citizen_id=citizen_id, other_citizen_id=other_citizen_id, field=field)


def state_after(case: Case, step: CaseStep) -> CaseState:
    """The state a step leads to; OPEN ↔ ASSIGNED → RESOLVED or DISMISSED, and nothing leads out of those.

    Raises:
        CaseClosed: the case has ended; a new sighting opens a new one that points back.
    """
    assert step is not CaseStep.OPENED, "a case is opened once"
    if not case.state.is_open:
        raise CaseClosed(case.citizen_id, case.case_id)
    return _STATE_AFTER.get(step, case.state)


def age_class(open_time: datetime, now: datetime) -> AgeClass:
    """The class of a case's age."""
    day_count = (now - open_time).days
    return next(each for each in reversed(AgeClass) if day_count >= AGE_STARTS[each] or each is AgeClass.DAY)


def opened_between(age: AgeClass, now: datetime) -> tuple[datetime | None, datetime | None]:
    """The moments (after, until] in which a case of this age class was opened; None has no bound."""
    starts = list(AGE_STARTS.values())
    index = list(AGE_STARTS).index(age)
    until = now - timedelta(days=starts[index]) if index else None
    after = now - timedelta(days=starts[index + 1]) if index + 1 < len(starts) else None
    return after, until


def due_time(cause: CaseCause, open_time: datetime) -> datetime:
    """The moment by which a steward should have settled it."""
    return open_time + timedelta(days=cause_rules()[cause].due_day_count)


def check_evidence(evidence: Mapping[str, str]) -> dict[str, str]:
    """The evidence, after asserting that it holds codes and figures and nothing that looks like a person's number."""
    assert len(evidence) <= EVIDENCE_MAX, len(evidence)
    for key, value in evidence.items():
        assert _EVIDENCE_KEY.fullmatch(key), key
        assert _EVIDENCE_VALUE.fullmatch(value), f"evidence {key} holds more than a code"
        assert not _IDENTIFIER_LIKE.search(value), f"evidence {key} looks like an identifier"
    return dict(sorted(evidence.items()))


@cache
def cause_rules() -> Mapping[CaseCause, CauseRule]:
    """Every cause with what the queue knows of it."""
    text = resources.files(__package__).joinpath("data/case_causes.json").read_text(encoding="utf-8")
    rules = [
        CauseRule(**{**row, "cause": CaseCause(row["cause"]), "severity": Severity[row["severity"]]})
        for row in json.loads(text)["causes"]
    ]
    found = {rule.cause: rule for rule in rules}
    assert list(found) == list(CaseCause), "each cause has one rule, in the order of the enum"
    return found
