"""Rows of the record's database to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, optional_text, optional_time, to_date, to_text, to_time
from emr_svc.domain.model import (
    Entry,
    EntryKind,
    PriorityClass,
    QueueTicket,
    TicketState,
    Visit,
    VisitKind,
    VisitPage,
    VisitState,
)

QUERIES = Path(__file__).with_name("queries.sql")
TICKETS_MAX = 1_000
_AFTER_ALL_TIMES = "~"
"""Sorts behind every moment and id, so that one statement serves the first page too."""


class EmrStore:
    """Reads and writes visits; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def claim_visit_id(self, tx: Tx, *, visit_id: str, citizen_id: str) -> bool:
        """Whether the id was free and is now this citizen's."""
        return await tx.execute("emr_claim_visit", visit_id=visit_id, citizen_id=citizen_id) == 1

    async def read(self, tx: Tx, visit_id: str) -> Visit | None:
        """The visit with its ticket and entries, or None."""
        row = await tx.one("emr_read_visit", visit_id=visit_id)
        if row is None:
            return None
        rows = await tx.all("emr_read_entries", citizen_id=row["citizen_id"], visit_id=visit_id)
        return self._visit(row, tuple(self._entry(visit_id, entry) for entry in rows))

    async def add(self, tx: Tx, visit: Visit) -> None:
        """Keep a new visit and its ticket."""
        await tx.execute(
            "emr_add_visit",
            citizen_id=visit.citizen_id,
            visit_id=visit.visit_id,
            facility_code=visit.facility_code,
            claim_link_id=visit.claim_link_id,
            kind=visit.kind.value,
            state=visit.state.value,
            reason_text=self._cipher.seal(
                visit.reason_text, place=_place("visit|reason_text", visit.visit_id)
            ),
            open_time=to_text(visit.open_time),
            version=visit.version,
            room=visit.ticket.room,
            queue_date=date_to_text(visit.ticket.queue_date),
            ticket_number=visit.ticket.number,
            priority_class=int(visit.ticket.priority_class),
            ticket_state=visit.ticket.state.value,
        )

    async def next_ticket_number(self, tx: Tx, *, facility_code: str, room: str, queue_date: date) -> int:
        """Take the next number of a room on a day, from 1."""
        row = await tx.one(
            "emr_next_ticket_number",
            facility_code=facility_code,
            room=room,
            queue_date=date_to_text(queue_date),
        )
        assert row is not None, "RETURNING answers the row it wrote"
        return int(row["last_number"])

    async def add_entries(self, tx: Tx, visit: Visit, entries: Sequence[Entry]) -> None:
        """Append entries of a visit."""
        await tx.execute_many(
            "emr_add_entry",
            [
                {
                    "citizen_id": visit.citizen_id,
                    "visit_id": visit.visit_id,
                    "number": entry.number,
                    "kind": entry.kind.value,
                    "code": self._seal("code", visit.visit_id, entry.number, entry.code),
                    "text": self._seal("text", visit.visit_id, entry.number, entry.text),
                    "record_time": to_text(entry.record_time),
                    "author": entry.author,
                }
                for entry in entries
            ],
        )

    async def change(self, tx: Tx, before: Visit, after: Visit) -> None:
        """Write what changed of a visit that was read in this transaction."""
        changed = await tx.execute(
            "emr_change_visit",
            citizen_id=after.citizen_id,
            visit_id=after.visit_id,
            state=after.state.value,
            close_time=optional_text(after.close_time),
            version=after.version,
            ticket_state=after.ticket.state.value,
            call_time=optional_text(after.ticket.call_time),
            read_version=before.version,
        )
        assert changed == 1, "the visit was read in this very transaction"

    async def first_waiting(self, tx: Tx, *, facility_code: str, room: str, queue_date: date) -> str | None:
        """Id of the visit whose ticket is called next, or None."""
        row = await tx.one(
            "emr_first_waiting", facility_code=facility_code, room=room, queue_date=date_to_text(queue_date)
        )
        return None if row is None else str(row["visit_id"])

    async def tickets(
        self, tx: Tx, *, facility_code: str, room: str, queue_date: date
    ) -> tuple[QueueTicket, ...]:
        """The tickets of a room and day in calling order, at most 1,000."""
        rows = await tx.all(
            "emr_list_tickets",
            facility_code=facility_code,
            room=room,
            queue_date=date_to_text(queue_date),
            page_size=TICKETS_MAX,
        )
        return tuple(_ticket(row) for row in rows)

    async def page(
        self,
        tx: Tx,
        *,
        facility_code: str,
        citizen_id: str,
        state: VisitState | None,
        before: tuple[datetime, str] | None,
        page_size: int,
    ) -> VisitPage:
        """A page of a facility's visits, newest first, without entries."""
        rows = await tx.all(
            "emr_list_visits",
            facility_code=facility_code,
            any_citizen=0 if citizen_id else 1,
            citizen_id=citizen_id,
            any_state=0 if state else 1,
            state=state.value if state else "",
            before_time=to_text(before[0]) if before else _AFTER_ALL_TIMES,
            before_id=before[1] if before else "",
            page_size=page_size + 1,
        )
        visits = tuple(self._visit(row, ()) for row in rows[:page_size])
        more = len(rows) > page_size
        return VisitPage(
            visits=visits, next_before=(visits[-1].open_time, visits[-1].visit_id) if more else None
        )

    def _visit(self, row: Row, entries: tuple[Entry, ...]) -> Visit:
        visit_id = str(row["visit_id"])
        return Visit(
            visit_id=visit_id,
            citizen_id=str(row["citizen_id"]),
            facility_code=str(row["facility_code"]),
            claim_link_id=str(row["claim_link_id"]),
            kind=VisitKind(row["kind"]),
            state=VisitState(row["state"]),
            reason_text=self._cipher.open(
                row["reason_text"], place=_place("visit|reason_text", visit_id)
            ).decode(),
            open_time=to_time(row["open_time"]),
            close_time=optional_time(row["close_time"]),
            ticket=_ticket(row),
            version=int(row["version"]),
            entries=entries,
        )

    def _entry(self, visit_id: str, row: Row) -> Entry:
        number = int(row["number"])
        return Entry(
            number=number,
            kind=EntryKind(row["kind"]),
            code=self._open("code", visit_id, number, row["code"]),
            text=self._open("text", visit_id, number, row["text"]),
            record_time=to_time(row["record_time"]),
            author=str(row["author"]),
        )

    def _seal(self, column: str, visit_id: str, number: int, value: str) -> bytes:
        return self._cipher.seal(value, place=_place(f"entry|{column}", f"{visit_id}/{number}"))

    def _open(self, column: str, visit_id: str, number: int, blob: bytes) -> str:
        return self._cipher.open_text(blob, place=_place(f"entry|{column}", f"{visit_id}/{number}"))


def _place(column: str, row_id: str) -> str:
    """Where a sealed value stands; moved elsewhere it cannot be opened."""
    return f"{column}|{row_id}"


def _ticket(row: Row) -> QueueTicket:
    return QueueTicket(
        visit_id=str(row["visit_id"]),
        room=str(row["room"]),
        number=int(row["ticket_number"]),
        priority_class=PriorityClass(int(row["priority_class"])),
        state=TicketState(row["ticket_state"]),
        queue_date=to_date(row["queue_date"]),
        create_time=to_time(row["open_time"]),
        call_time=optional_time(row["call_time"]),
    )
