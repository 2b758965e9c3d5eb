"""The verbs of the record: each is one transaction that can be repeated with its request_id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from emr_svc.domain import visit as rules
from emr_svc.domain.errors import FacilityMissing, QueueEmpty, VisitIdTaken, VisitNotFound
from emr_svc.domain.model import NewEntry, OpenVisit, QueueTicket, Visit, VisitPage, VisitState
from emr_svc.store.store import EmrStore


class Operations:
    """Opens, records, closes and reads visits; issues and calls queue tickets."""

    def __init__(self, *, database: Database, store: EmrStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def open_visit(self, command: OpenVisit, *, caller: Caller, key: RequestKey) -> Visit:
        """Open a visit at the caller's facility and issue its ticket.

        Raises:
            FacilityMissing, RoomMalformed, TextTooLong.
            VisitIdTaken: the id is another citizen's or facility's visit.
        """
        facility_code = _facility(caller)
        rules.check_opening(command)
        now = self._clock.now()

        async def work(tx: Tx) -> Visit:
            if await recall(tx, key, result=command.visit_id) is not None:
                return await self._known(tx, command.visit_id, facility_code)
            if not await self._store.claim_visit_id(
                tx, visit_id=command.visit_id, citizen_id=command.citizen_id
            ):
                visit = await self._same_visit(tx, command, facility_code)
            else:
                number = await self._store.next_ticket_number(
                    tx,
                    facility_code=facility_code,
                    room=command.room,
                    queue_date=rules.vietnam_date(now),
                )
                visit = rules.opened(command, facility_code=facility_code, ticket_number=number, now=now)
                await self._store.add(tx, visit)
                await self._note(tx, "open_visit", visit, caller, now)
            return visit

        # No read here decides a write, and the counter's row lock orders the tickets.
        return await self._database.write(work, serializable=False)

    async def record_entries(
        self, visit_id: str, entries: Sequence[NewEntry], *, caller: Caller, key: RequestKey
    ) -> Visit:
        """Append entries; raises VisitNotFound, VisitClosed and the refusals of the entries."""
        facility_code = _facility(caller)
        rules.check_entries(entries)
        now = self._clock.now()

        async def work(tx: Tx) -> Visit:
            if await recall(tx, key) is not None:
                return await self._known(tx, visit_id, facility_code)
            before = await self._known(tx, visit_id, facility_code)
            after = rules.with_entries(before, entries, author=caller.subject, now=now)
            await self._store.add_entries(tx, after, after.entries[len(before.entries) :])
            await self._store.change(tx, before, after)
            await self._note(tx, "record_entries", after, caller, now)
            await remember(tx, key, visit_id)
            return after

        return await self._database.write(work)

    async def close_visit(self, visit_id: str, *, caller: Caller, key: RequestKey) -> Visit:
        """Close a visit; raises VisitNotFound, VisitClosed."""
        facility_code = _facility(caller)
        now = self._clock.now()

        async def work(tx: Tx) -> Visit:
            if await recall(tx, key) is not None:
                return await self._known(tx, visit_id, facility_code)
            before = await self._known(tx, visit_id, facility_code)
            after = rules.closed(before, now=now)
            await self._store.change(tx, before, after)
            await self._note(tx, "close_visit", after, caller, now)
            await remember(tx, key, visit_id)
            return after

        return await self._database.write(work)

    async def call_next_ticket(self, room: str, *, caller: Caller, key: RequestKey) -> QueueTicket:
        """Call the next waiting ticket of a room today; raises QueueEmpty, RoomMalformed."""
        facility_code = _facility(caller)
        rules.check_room(room)
        now = self._clock.now()

        async def work(tx: Tx) -> QueueTicket:
            done = await recall(tx, key)
            if done is not None:
                return (await self._known(tx, done, facility_code)).ticket
            visit_id = await self._store.first_waiting(
                tx, facility_code=facility_code, room=room, queue_date=rules.vietnam_date(now)
            )
            if visit_id is None:
                raise QueueEmpty(room)
            before = await self._known(tx, visit_id, facility_code)
            after = rules.called(before, now=now)
            await self._store.change(tx, before, after)
            await self._note(tx, "call_ticket", after, caller, now)
            await remember(tx, key, visit_id)
            return after.ticket

        return await self._database.write(work)

    async def get_visit(self, visit_id: str, *, caller: Caller) -> Visit:
        """Read one visit; another facility's is not found. The reading is audited before the answer leaves."""
        now = self._clock.now()

        async def work(tx: Tx) -> Visit:
            visit = await self._known(tx, visit_id, caller.facility)
            await self._note(tx, "get_visit", visit, caller, now)
            return visit

        return await self._database.write(work, serializable=False)

    async def list_visits(
        self,
        *,
        caller: Caller,
        citizen_id: str,
        state: VisitState | None,
        before: tuple[datetime, str] | None,
        page_size: int,
    ) -> VisitPage:
        """A page of the facility's visits, newest first."""
        facility_code = _facility(caller)
        return await self._database.read(
            lambda tx: self._store.page(
                tx,
                facility_code=facility_code,
                citizen_id=citizen_id,
                state=state,
                before=before,
                page_size=page_size,
            )
        )

    async def list_tickets(
        self, room: str, queue_date: date | None, *, caller: Caller
    ) -> tuple[QueueTicket, ...]:
        """The tickets of a room and day (today when None) in calling order."""
        facility_code = _facility(caller)
        rules.check_room(room)
        day = queue_date or rules.vietnam_date(self._clock.now())
        return await self._database.read(
            lambda tx: self._store.tickets(tx, facility_code=facility_code, room=room, queue_date=day)
        )

    async def _known(self, tx: Tx, visit_id: str, facility_code: str) -> Visit:
        visit = await self._store.read(tx, visit_id)
        if visit is None or visit.facility_code != facility_code:
            raise VisitNotFound
        return visit

    async def _same_visit(self, tx: Tx, command: OpenVisit, facility_code: str) -> Visit:
        """The visit that has the id already, when it is the one asked for (a clerk took over from another)."""
        visit = await self._store.read(tx, command.visit_id)
        if visit is None or (visit.citizen_id, visit.facility_code) != (command.citizen_id, facility_code):
            raise VisitIdTaken
        return visit

    async def _note(self, tx: Tx, action: str, visit: Visit, caller: Caller, now: datetime) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"visits/{visit.visit_id}",
            subject=visit.citizen_id,
            caller=caller,
            outcome="ok",
            now=now,
            trace_id=current_trace_id(),
        )


def _facility(caller: Caller) -> str:
    if not caller.facility:
        raise FacilityMissing
    return caller.facility
