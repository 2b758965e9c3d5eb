"""Declare places of care and their dated codes, and find one by any code it ever had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.facility import Facility, FacilityCodeAlias, FacilityName
from identity_svc.domain.model import VIETNAM
from identity_svc.domain.units_errors import (
    DaysReversed,
    FacilityCodeAmbiguous,
    FacilityCodeNotOpen,
    FacilityCodeTaken,
    FacilityNameDatedTwice,
    FacilityNotFound,
)
from identity_svc.store.units_facilities import FacilityStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFacility:
    """The facility of a code on a day."""

    facility: Facility
    day: date
    in_force: bool
    """Whether the code counts on that day; else it was given up before or begins later."""


class Facilities:
    """The verbs about facilities."""

    def __init__(self, *, db: Database, store: FacilityStore, clock: Clock, ids: Ids) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._ids = ids

    async def declare(
        self, name: FacilityName, alias: FacilityCodeAlias, *, key: RequestKey, caller: Caller
    ) -> Facility:
        """Declare a facility with its name and first code.

        Raises:
            FacilityCodeTaken: somebody has the code on one of its days.
        """
        fresh_id = self._ids.new()

        async def change(tx: Tx, facility_id: str) -> None:
            await self._store.add(tx, facility_id, now=self._clock.now())
            await self._store.add_name(tx, facility_id, name)
            await self._add_code(tx, facility_id, alias)

        return await self._write(fresh_id, change, action="declare_facility", key=key, caller=caller)

    async def rename(
        self, facility_id: str, name: FacilityName, *, key: RequestKey, caller: Caller
    ) -> Facility:
        """Give a facility another name from a day on.

        Raises:
            FacilityNotFound, FacilityNameDatedTwice.
        """

        async def change(tx: Tx, facility_id: str) -> None:
            await self._existing(tx, facility_id)
            if not await self._store.add_name(tx, facility_id, name):
                raise FacilityNameDatedTwice

        return await self._write(facility_id, change, action="rename_facility", key=key, caller=caller)

    async def add_code(
        self, facility_id: str, alias: FacilityCodeAlias, *, key: RequestKey, caller: Caller
    ) -> Facility:
        """Add a code; the facility's other codes stay as they are.

        Raises:
            FacilityNotFound, FacilityCodeTaken.
        """

        async def change(tx: Tx, facility_id: str) -> None:
            await self._existing(tx, facility_id)
            await self._add_code(tx, facility_id, alias)

        return await self._write(facility_id, change, action="add_facility_code", key=key, caller=caller)

    async def end_code(
        self, facility_id: str, code: str, *, last_date: date, key: RequestKey, caller: Caller
    ) -> Facility:
        """Give a code its last day.

        Raises:
            FacilityNotFound, FacilityCodeNotOpen, DaysReversed.
        """

        async def change(tx: Tx, facility_id: str) -> None:
            facility = await self._existing(tx, facility_id)
            started = [each.start_date for each in facility.codes if each.code == code and not each.last_date]
            if not started:
                raise FacilityCodeNotOpen
            if last_date < started[0]:
                raise DaysReversed
            await self._store.end_code(tx, facility_id, code, last_date=last_date)

        return await self._write(facility_id, change, action="end_facility_code", key=key, caller=caller)

    async def get(self, facility_id: str) -> Facility:
        """Read a facility.

        Raises:
            FacilityNotFound: nobody has this id.
        """
        return await self._db.read(lambda tx: self._existing(tx, facility_id))

    async def page(self, *, after: str, page_size: int) -> list[Facility]:
        """Facilities after an id, in the order they were declared."""
        return await self._db.read(lambda tx: self._store.page(tx, after=after, page_size=page_size))

    async def resolve(self, code: str, day: date | None = None) -> FoundFacility:
        """Find the facility of a code on a day.

        A code that nobody has on that day finds the one facility that ever had it: registers and cards keep old
        codes for years. Several such facilities are never cut down to one.

        Args:
            code: Five characters or thirteen digits, in capitals.
            day: Today in Vietnam unless told.
        Raises:
            FacilityNotFound: nobody ever had the code.
            FacilityCodeAmbiguous: see above.
        """
        asked = day or self._clock.now().astimezone(VIETNAM).date()

        async def find(tx: Tx) -> FoundFacility:
            owners = await self._store.owners(tx, code)
            now_owners = [facility_id for facility_id, alias in owners if alias.is_in_force(asked)]
            # Checked when it was written, and again here: a claim for the wrong hospital is worse than an error.
            assert len(now_owners) <= 1, "one code has one facility on one day"
            candidates = now_owners or sorted({facility_id for facility_id, _ in owners})
            if not candidates:
                raise FacilityNotFound
            if len(candidates) > 1:
                raise FacilityCodeAmbiguous(facility_count=len(candidates))
            facility = await self._existing(tx, candidates[0])
            return FoundFacility(facility=facility, day=asked, in_force=bool(now_owners))

        return await self._db.read(find)

    async def _existing(self, tx: Tx, facility_id: str) -> Facility:
        facility = await self._store.read(tx, facility_id)
        if facility is None:
            raise FacilityNotFound
        return facility

    async def _add_code(self, tx: Tx, facility_id: str, alias: FacilityCodeAlias) -> None:
        for owner_id, taken in await self._store.owners(tx, alias.code):
            if taken.shares_a_day(alias):
                raise FacilityCodeTaken(
                    facility_id=owner_id, start_date=taken.start_date, last_date=taken.last_date
                )
        await self._store.add_code(tx, facility_id, alias, now=self._clock.now())

    async def _write(
        self,
        facility_id: str,
        change: Callable[[Tx, str], Awaitable[None]],
        *,
        action: str,
        key: RequestKey,
        caller: Caller,
    ) -> Facility:
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Facility:
            if (done := await recall(tx, key)) is not None:
                return await self._existing(tx, done)
            await change(tx, facility_id)
            await audit.record(
                tx,
                action=action,
                resource=f"facilities/{facility_id}",
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=self._clock.now(),
            )
            await remember(tx, key, facility_id)
            return await self._existing(tx, facility_id)

        return await self._db.write(work)
