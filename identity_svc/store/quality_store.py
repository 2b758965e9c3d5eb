"""Cases of the data-quality queue: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.cases import (
    AgeClass,
    Case,
    CaseCause,
    CaseEvent,
    CaseKey,
    CaseState,
    CaseStep,
    opened_between,
)

QUALITY_QUERIES = Path(__file__).with_name("quality.sql")
CASES_OF_PERSON_MAX = 500
"""Open cases read of one person; each cause and field gives at most one a pair."""
EVENTS_MAX = 500
"""Steps shown of one case."""
_FIRST, _LAST = "", "~"
"""Before and behind every moment and code of a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases a list holds; an empty field does not narrow."""

    state: CaseState | None = None
    """None: all that are open or assigned."""
    cause: CaseCause | None = None
    ward_code: str = ""
    facility_code: str = ""
    assignee: str = ""
    age: AgeClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCount:
    """The open cases of one group."""

    key: str
    """Cause, commune code, facility code or age class; empty for an unknown commune or facility."""
    case_count: int
    oldest_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMap:
    """The same open cases counted by each of four keys, the greatest count first."""

    causes: tuple[CaseCount, ...]
    wards: tuple[CaseCount, ...]
    facilities: tuple[CaseCount, ...]
    ages: tuple[CaseCount, ...]

    @property
    def case_count(self) -> int:
        """All of them."""
        return sum(each.case_count for each in self.causes)


class QualityStore:
    """Reads and writes cases; holds the key, no connection and no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def open_or_see(
        self,
        tx: Tx,
        key: CaseKey,
        *,
        case_id: str,
        facility_code: str,
        ward_code: str,
        evidence: Mapping[str, str],
        now: datetime,
    ) -> tuple[str, bool]:
        """Open a case under `case_id`, or count a sighting of the open one; gives its id and whether it is new."""
        row = await tx.one(
            "quality_open_or_see",
            citizen_id=key.citizen_id,
            case_id=case_id,
            cause=key.cause,
            other_citizen_id=key.other_citizen_id,
            field=key.field,
            facility_code=facility_code,
            ward_code=ward_code,
            evidence=json.dumps(evidence),
            now=to_text(now),
        )
        assert row is not None, "an upsert returns its row"
        return str(row["case_id"]), row["seen_count"] == 1

    async def read(self, tx: Tx, citizen_id: str, case_id: str) -> Case | None:
        """One case, or None."""
        row = await tx.one("quality_read_case", citizen_id=citizen_id, case_id=case_id)
        return None if row is None else _case(row)

    async def open_cases_of(self, tx: Tx, citizen_id: str, *, as_other: bool) -> list[Case]:
        """A person's open cases; `as_other` adds those in which they are the second of a pair."""
        page = {"citizen_id": citizen_id, "page_size": CASES_OF_PERSON_MAX}
        rows = await tx.all("quality_open_cases_of", **page)
        if as_other:
            rows = [*rows, *await tx.all("quality_open_cases_of_other", **page)]
        return [_case(row) for row in rows]

    async def set_state(
        self,
        tx: Tx,
        case: Case,
        *,
        state: CaseState,
        assignee: str,
        resolution: str,
        close_time: datetime | None,
    ) -> None:
        """Move an open case."""
        changed = await tx.execute(
            "quality_set_state",
            citizen_id=case.citizen_id,
            case_id=case.case_id,
            state=state,
            assignee=assignee,
            resolution=resolution,
            close_time=optional_text(close_time),
        )
        assert changed == 1, "the case was read open in this transaction"

    async def add_event(
        self,
        tx: Tx,
        *,
        citizen_id: str,
        case_id: str,
        step: CaseStep,
        actor: str,
        code: str = "",
        note: str = "",
        now: datetime,
    ) -> None:
        """Add a step to a case's history."""
        sealed = self._cipher.seal(note, place=_note_place(case_id)) if note else None
        await tx.execute(
            "quality_add_event",
            citizen_id=citizen_id,
            case_id=case_id,
            step=step,
            actor=actor,
            code=code,
            note_sealed=sealed,
            event_time=to_text(now),
        )

    async def events(self, tx: Tx, citizen_id: str, case_id: str) -> list[CaseEvent]:
        """The history of a case, oldest first."""
        rows = await tx.all(
            "quality_list_events", citizen_id=citizen_id, case_id=case_id, page_size=EVENTS_MAX
        )
        return [self._event(row, case_id) for row in rows]

    async def page(
        self, tx: Tx, wanted: CaseFilter, *, after: tuple[str, str], page_size: int, now: datetime
    ) -> list[Case]:
        """A page of cases, oldest first, behind `after` = (open_time as text, case_id); ("", "") starts."""
        query, names = _list_query(wanted)
        after_time, until_time = (None, None) if wanted.age is None else opened_between(wanted.age, now)
        values = {
            "ward_code": wanted.ward_code,
            "facility_code": wanted.facility_code,
            "assignee": wanted.assignee,
            "cause": wanted.cause or "",
        }
        rows = await tx.all(
            query,
            **{name: values[name] for name in names},
            state=wanted.state or "",
            after_time=optional_text(after_time) or _FIRST,
            until_time=optional_text(until_time) or _LAST,
            page_time=after[0],
            page_id=after[1],
            page_size=page_size,
        )
        return [_case(row) for row in rows]

    async def count_open(self, tx: Tx, *, facility_code: str, now: datetime) -> QueueMap:
        """The map of the open queue of a facility, or of all for an empty code."""
        facility = {"facility_first": facility_code, "facility_last": facility_code or _LAST}
        starts = {
            f"{age.lower()}_time": optional_text(opened_between(age, now)[0])
            for age in (AgeClass.DAY, AgeClass.WEEK, AgeClass.MONTH)
        }
        return QueueMap(
            causes=_counts(await tx.all("quality_count_by_cause", **facility)),
            wards=_counts(await tx.all("quality_count_by_ward", **facility)),
            facilities=_counts(await tx.all("quality_count_by_facility", **facility)),
            ages=_counts(await tx.all("quality_count_by_age", **facility, **starts)),
        )

    def _event(self, row: Row, case_id: str) -> CaseEvent:
        sealed = row["note_sealed"]
        return CaseEvent(
            seq=row["seq"],
            step=CaseStep(row["step"]),
            actor=row["actor"],
            note="" if sealed is None else self._cipher.open_text(sealed, place=_note_place(case_id)),
            code=row["code"],
            event_time=to_time(row["event_time"]),
        )


def page_key(case: Case) -> tuple[str, str]:
    """Where a page ends that ends with this case."""
    return to_text(case.open_time), case.case_id


def _list_query(wanted: CaseFilter) -> tuple[str, tuple[str, ...]]:
    """The statement whose index narrows most, and the filters it takes."""
    if wanted.state is not None and not wanted.state.is_open:
        return "quality_list_closed", ("ward_code", "facility_code", "assignee", "cause")
    if wanted.ward_code:
        return "quality_list_open_by_ward", ("ward_code", "facility_code", "assignee", "cause")
    if wanted.facility_code:
        return "quality_list_open_by_facility", ("facility_code", "assignee", "cause")
    if wanted.assignee:
        return "quality_list_open_by_assignee", ("assignee", "cause")
    if wanted.cause:
        return "quality_list_open_by_cause", ("cause",)
    return "quality_list_open", ()


def _counts(rows: Sequence[Row]) -> tuple[CaseCount, ...]:
    found = [
        CaseCount(key=row["group_key"], case_count=row["case_count"], oldest_time=to_time(row["oldest_time"]))
        for row in rows
    ]
    return tuple(sorted(found, key=lambda each: (-each.case_count, each.key)))


def _note_place(case_id: str) -> str:
    return f"quality_case_event|note_sealed|{case_id}"


def _case(row: Row) -> Case:
    return Case(
        citizen_id=row["citizen_id"],
        case_id=row["case_id"],
        cause=CaseCause(row["cause"]),
        other_citizen_id=row["other_citizen_id"],
        field=row["field"],
        state=CaseState(row["state"]),
        facility_code=row["facility_code"],
        ward_code=row["ward_code"],
        evidence=json.loads(row["evidence"]),
        seen_count=row["seen_count"],
        open_time=to_time(row["open_time"]),
        last_seen_time=to_time(row["last_seen_time"]),
        assignee=row["assignee"],
        resolution=row["resolution"],
        close_time=optional_time(row["close_time"]),
        earlier_case_id=row["earlier_case_id"],
    )
