"""Messages of the record to values and back; pure."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime

from chassis.db.columns import to_text, to_time
from chassis.paging import PageTokenMalformed, page_size_of
from chassis.rpc.timestamps import to_timestamp
from emr_svc.domain.errors import DateMalformed, KindRequired, NameMalformed
from emr_svc.domain.model import (
    Entry,
    EntryKind,
    NewEntry,
    OpenVisit,
    PriorityClass,
    QueueTicket,
    Visit,
    VisitKind,
    VisitPage,
    VisitState,
)
from lienthong.emr.v1 import emr_pb2 as pb

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 200
_VISIT = re.compile(r"visits/([0-9a-f]{32})", re.ASCII)
_VISIT_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CITIZEN = re.compile(r"citizens/([0-9A-Za-z-]{1,64})", re.ASCII)


def visit_id(name: str, *, field: str) -> str:
    """The id in "visits/{visit}"; raises NameMalformed."""
    found = _VISIT.fullmatch(name)
    if found is None:
        raise NameMalformed(field, '"visits/{visit}"')
    return found[1]


def citizen_id(name: str, *, field: str = "citizen") -> str:
    """The id in "citizens/{citizen}"; raises NameMalformed."""
    found = _CITIZEN.fullmatch(name)
    if found is None:
        raise NameMalformed(field, '"citizens/{citizen}"')
    return found[1]


def open_visit(request: pb.OpenVisitRequest) -> OpenVisit:
    """The command of an OpenVisit; raises NameMalformed, KindRequired."""
    if _VISIT_ID.fullmatch(request.visit_id) is None:
        raise NameMalformed("visit_id", "32 lower-case hexadecimal characters")
    if request.kind == pb.VISIT_KIND_UNSPECIFIED:
        raise KindRequired("kind")
    return OpenVisit(
        visit_id=request.visit_id,
        citizen_id=citizen_id(request.citizen),
        kind=VisitKind(pb.VisitKind.Name(request.kind).removeprefix("VISIT_KIND_")),
        reason_text=request.reason_text,
        room=request.room,
        priority_class=PriorityClass(request.priority_class or PriorityClass.NORMAL),
    )


def new_entries(request: pb.RecordEntriesRequest) -> list[NewEntry]:
    """The entries of a RecordEntries; raises KindRequired with the row."""
    entries = []
    for row, entry in enumerate(request.entries):
        if entry.kind == pb.ENTRY_KIND_UNSPECIFIED:
            raise KindRequired(f"entries[{row}].kind")
        kind = EntryKind(pb.EntryKind.Name(entry.kind).removeprefix("ENTRY_KIND_"))
        entries.append(NewEntry(kind=kind, code=entry.code, text=entry.text))
    return entries


def state_filter(state: pb.VisitState.ValueType) -> VisitState | None:
    """The state to list, None for all."""
    if state == pb.VISIT_STATE_UNSPECIFIED:
        return None
    return VisitState(pb.VisitState.Name(state).removeprefix("VISIT_STATE_"))


def page_size(asked: int) -> int:
    """Rows of a page; raises PageSizeOutOfRange."""
    return page_size_of(asked, usual=PAGE_SIZE_DEFAULT, largest=PAGE_SIZE_MAX)


def page_start(token: str) -> tuple[datetime, str] | None:
    """Where a page begins; raises PageTokenMalformed."""
    if not token:
        return None
    try:
        time_text, _, last_id = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii").partition("|")
        before = to_time(time_text), last_id
    except (ValueError, binascii.Error) as cause:
        raise PageTokenMalformed from cause
    if _VISIT_ID.fullmatch(last_id) is None:
        raise PageTokenMalformed
    return before


def queue_date(text: str) -> date | None:
    """The day asked for, None for today; raises DateMalformed."""
    if not text:
        return None
    if _DATE.fullmatch(text) is None:  # fromisoformat alone takes 20260701 and 2026-W27 as well
        raise DateMalformed("queue_date")
    try:
        return date.fromisoformat(text)
    except ValueError as cause:
        raise DateMalformed("queue_date") from cause


def visit_message(visit: Visit) -> pb.Visit:
    """A visit as its message."""
    return pb.Visit(
        name=f"visits/{visit.visit_id}",
        citizen=f"citizens/{visit.citizen_id}",
        facility_code=visit.facility_code,
        claim_link_id=visit.claim_link_id,
        kind=pb.VisitKind.Value(f"VISIT_KIND_{visit.kind.value}"),
        state=pb.VisitState.Value(f"VISIT_STATE_{visit.state.value}"),
        reason_text=visit.reason_text,
        open_time=to_timestamp(visit.open_time),
        close_time=None if visit.close_time is None else to_timestamp(visit.close_time),
        entries=[_entry_message(entry) for entry in visit.entries],
        ticket=ticket_message(visit.ticket),
        version=visit.version,
    )


def ticket_message(ticket: QueueTicket) -> pb.QueueTicket:
    """A ticket as its message."""
    return pb.QueueTicket(
        name=f"visits/{ticket.visit_id}/ticket",
        room=ticket.room,
        number=ticket.number,
        priority_class=pb.PriorityClass.Value(f"PRIORITY_CLASS_{ticket.priority_class.name}"),
        state=pb.TicketState.Value(f"TICKET_STATE_{ticket.state.value}"),
        queue_date=ticket.queue_date.isoformat(),
        create_time=to_timestamp(ticket.create_time),
        call_time=None if ticket.call_time is None else to_timestamp(ticket.call_time),
    )


def page_message(page: VisitPage) -> pb.ListVisitsResponse:
    """A page of visits as its message."""
    token = ""
    if page.next_before is not None:
        text = f"{to_text(page.next_before[0])}|{page.next_before[1]}"
        token = base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii")
    return pb.ListVisitsResponse(
        visits=[visit_message(visit) for visit in page.visits], next_page_token=token
    )


def _entry_message(entry: Entry) -> pb.Entry:
    return pb.Entry(
        number=entry.number,
        kind=pb.EntryKind.Value(f"ENTRY_KIND_{entry.kind.value}"),
        code=entry.code,
        text=entry.text,
        record_time=to_timestamp(entry.record_time),
        author=entry.author,
    )
