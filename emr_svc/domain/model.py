"""The visit, its entries and its place in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum


class VisitKind(Enum):
    """Kind of stay."""

    OUTPATIENT = "OUTPATIENT"
    INPATIENT = "INPATIENT"
    EMERGENCY = "EMERGENCY"


class VisitState(Enum):
    """State of a visit; see domain.visit for its moves."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    CLOSED = "CLOSED"


class EntryKind(Enum):
    """What an entry is about."""

    NOTE = "NOTE"
    VITAL_SIGNS = "VITAL_SIGNS"
    DIAGNOSIS = "DIAGNOSIS"
    SERVICE = "SERVICE"


class PriorityClass(IntEnum):
    """Who is called first; a higher one goes before."""

    NORMAL = 1
    PRIORITY = 2
    EMERGENCY = 3


class TicketState(Enum):
    """State of a queue ticket."""

    WAITING = "WAITING"
    CALLED = "CALLED"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTicket:
    """A place in the queue of one room on one day."""

    visit_id: str
    room: str
    number: int
    """From 1, in the room and on the day."""
    priority_class: PriorityClass
    state: TicketState
    queue_date: date
    """Day in Asia/Ho_Chi_Minh."""
    create_time: datetime
    call_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing written into a visit; never changed afterwards."""

    number: int
    """From 1 in the visit."""
    kind: EntryKind
    code: str
    """ICD-10 for a diagnosis, the facility's code for a service, "" for a note."""
    text: str
    record_time: datetime
    author: str
    """Subject of the author's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay of one citizen at one facility."""

    visit_id: str
    citizen_id: str
    facility_code: str
    claim_link_id: str
    """MA_LK of the claim tables, unique in the facility."""
    kind: VisitKind
    state: VisitState
    reason_text: str
    open_time: datetime
    ticket: QueueTicket
    version: int
    """Counts every change from 1."""
    close_time: datetime | None = None
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPage:
    """Visits of one page, and where the next begins."""

    visits: tuple[Visit, ...]
    next_before: tuple[datetime, str] | None
    """(open_time, visit_id) of the last visit when more follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What somebody wants to write into a visit."""

    kind: EntryKind
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVisit:
    """What is told when a visit opens."""

    visit_id: str
    citizen_id: str
    kind: VisitKind
    reason_text: str
    room: str
    priority_class: PriorityClass
