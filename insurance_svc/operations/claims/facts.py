"""Gathers what a claim is built from: the record, the index, and our own coverage and split."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.claim_facts import ClaimFacts, FacilityFacts, day_of
from insurance_svc.domain.model import Coverage, StoredSplit
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import PersonReader, Store, VisitReader


class FactsReader:
    """Reads the facts of one visit on behalf of a caller."""

    def __init__(
        self,
        *,
        db: Database,
        store: Store,
        visits: VisitReader,
        people: PersonReader,
        facilities: Mapping[str, FacilityFacts],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._visits = visits
        self._people = people
        self._facilities = facilities
        self._clock = clock

    async def read(self, visit_id: str, *, caller: Caller, month: str = "") -> ClaimFacts:
        """Everything that is known about a visit; raises what the record and the index answer."""
        visit = await self._visits.visit(visit_id)
        person = await self._people.person(visit.citizen_id)
        coverage, split = await self._db.read(lambda tx: self.covered(tx, visit_id, caller))
        return ClaimFacts(
            visit=visit,
            person=person,
            coverage=coverage,
            split=split,
            facility=self._facilities.get(visit.facility),
            month=month,
            today=day_of(self._clock.now()),
        )

    async def covered(
        self, tx: Tx, visit_id: str, caller: Caller
    ) -> tuple[Coverage | None, StoredSplit | None]:
        """The newest coverage and split of a visit."""
        pointer = await visible_visit(tx, self._store, visit_id, caller)
        if pointer is None:
            return None, None
        coverage = split = None
        if pointer.coverage_id:
            coverage = await self._store.coverage(
                tx, citizen_id=pointer.citizen_id, coverage_id=pointer.coverage_id
            )
        if pointer.split_id:
            split = await self._store.split(
                tx, citizen_id=pointer.split_citizen_id, split_id=pointer.split_id
            )
        return coverage, split

    def province_of(self, facility: str) -> str:
        """maTinh of a facility."""
        facts = self._facilities.get(facility)
        return facts.province_code if facts else facility[:2]
