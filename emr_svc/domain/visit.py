"""The life of a visit: open, in progress, closed; it moves only forward.

OPEN --call, record--> IN_PROGRESS --close--> CLOSED
  \\------------------close-------------------/
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from emr_svc.domain.errors import EntriesRequired, EntryCodeMalformed, RoomMalformed, TextTooLong, VisitClosed
from emr_svc.domain.model import (
    Entry,
    EntryKind,
    NewEntry,
    OpenVisit,
    QueueTicket,
    TicketState,
    Visit,
    VisitState,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
REASON_CHARS_MAX = 500
TEXT_CHARS_MAX = 4_000
ENTRIES_MAX = 100
_ROOM = re.compile(r"[A-Z0-9-]{1,16}", re.ASCII)
_ICD10 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?[*†]?", re.ASCII)
_SERVICE_CODE = re.compile(r"[0-9A-Za-z._-]{1,50}", re.ASCII)


def vietnam_date(moment: datetime) -> date:
    """The calendar day of a moment in Viet Nam."""
    return moment.astimezone(VIETNAM).date()


def check_opening(command: OpenVisit) -> None:
    """Refuse what cannot open a visit; raises RoomMalformed or TextTooLong."""
    check_room(command.room)
    if len(command.reason_text) > REASON_CHARS_MAX:
        raise TextTooLong("reason_text", REASON_CHARS_MAX)


def check_room(room: str) -> None:
    """Refuse a room that is not 1 to 16 characters of A-Z, 0-9 and hyphen."""
    if _ROOM.fullmatch(room) is None:
        raise RoomMalformed


def opened(command: OpenVisit, *, facility_code: str, ticket_number: int, now: datetime) -> Visit:
    """A new visit with its ticket."""
    ticket = QueueTicket(
        visit_id=command.visit_id,
        room=command.room,
        number=ticket_number,
        priority_class=command.priority_class,
        state=TicketState.WAITING,
        queue_date=vietnam_date(now),
        create_time=now,
    )
    return Visit(
        visit_id=command.visit_id,
        citizen_id=command.citizen_id,
        facility_code=facility_code,
        # The law asks that it be unique in the facility; the day in front helps people who read it out.
        claim_link_id=f"{vietnam_date(now):%y%m%d}-{command.visit_id}",
        kind=command.kind,
        state=VisitState.OPEN,
        reason_text=command.reason_text,
        open_time=now,
        ticket=ticket,
        version=1,
    )


def check_entries(entries: Sequence[NewEntry]) -> None:
    """Refuse entries that cannot be written; the field in the error names the row."""
    if not 1 <= len(entries) <= ENTRIES_MAX:
        raise EntriesRequired(ENTRIES_MAX)
    for row, entry in enumerate(entries):
        if len(entry.text) > TEXT_CHARS_MAX:
            raise TextTooLong(f"entries[{row}].text", TEXT_CHARS_MAX)
        form = {EntryKind.DIAGNOSIS: _ICD10, EntryKind.SERVICE: _SERVICE_CODE}.get(entry.kind)
        if form is not None and form.fullmatch(entry.code) is None:
            raise EntryCodeMalformed(f"entries[{row}].code")


def with_entries(visit: Visit, entries: Sequence[NewEntry], *, author: str, now: datetime) -> Visit:
    """The visit with entries appended; raises VisitClosed."""
    if visit.state is VisitState.CLOSED:
        raise VisitClosed(visit.visit_id)
    first = len(visit.entries) + 1
    added = tuple(
        Entry(
            number=first + place,
            kind=entry.kind,
            code=entry.code,
            text=entry.text,
            record_time=now,
            author=author,
        )
        for place, entry in enumerate(entries)
    )
    return replace(
        visit,
        state=VisitState.IN_PROGRESS,
        entries=(*visit.entries, *added),
        version=visit.version + 1,
    )


def called(visit: Visit, *, now: datetime) -> Visit:
    """The visit whose ticket was called to the room."""
    assert visit.ticket.state is TicketState.WAITING, visit.ticket.state
    ticket = replace(visit.ticket, state=TicketState.CALLED, call_time=now)
    return replace(visit, state=VisitState.IN_PROGRESS, ticket=ticket, version=visit.version + 1)


def closed(visit: Visit, *, now: datetime) -> Visit:
    """The closed visit; raises VisitClosed when it was closed before."""
    if visit.state is VisitState.CLOSED:
        raise VisitClosed(visit.visit_id)
    ticket = replace(visit.ticket, state=TicketState.DONE)
    return replace(visit, state=VisitState.CLOSED, close_time=now, ticket=ticket, version=visit.version + 1)
