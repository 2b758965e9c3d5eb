"""Split a visit's bill by its newest coverage and keep the result with its lines."""

from __future__ import annotations

from dataclasses import replace

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.errors import SplitNotFound
from insurance_svc.domain.model import Finding, SplitCommand, StoredSplit
from insurance_svc.domain.split import check_lines, split_cost
from insurance_svc.domain.tables import Rules
from insurance_svc.operations.published_copay import PublishedCopay
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import Store, VisitPointer


class SplitCost:
    """The verbs behind SplitCost and GetSplit."""

    def __init__(
        self,
        *,
        db: Database,
        store: Store,
        rules: Rules,
        clock: Clock,
        ids: Ids,
        published_copay: PublishedCopay | None = None,
    ) -> None:
        """Take what the verb needs.

        Args:
            published_copay: Fills the year's copayments that the portal published; None leaves them to the caller.
        """
        self._db = db
        self._store = store
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._published_copay = published_copay

    async def __call__(self, command: SplitCommand, *, key: RequestKey, caller: Caller) -> StoredSplit:
        """Split and store; a repeat of the request answers what was stored.

        Raises:
            TooManyLines, LineMalformed, VisitCodeUnknown: of the bill.
            OtherFacility: the visit stands at another facility.
        """
        check_lines(command.lines)

        async def work(tx: Tx) -> StoredSplit:
            done = await recall(tx, key)
            if done is not None:
                citizen_id, _, split_id = done.rpartition("/")
                stored = await self._store.split(tx, citizen_id=citizen_id, split_id=split_id)
                assert stored is not None, "a remembered split exists"
                return stored
            stored = await self._split(tx, command, caller)
            await remember(tx, key, f"{stored.citizen_id}/{stored.split_id}", "90d")
            return stored

        return await self._db.write(work)

    async def newest(self, visit_id: str, caller: Caller) -> StoredSplit:
        """The newest split of a visit; raises SplitNotFound."""

        async def work(tx: Tx) -> StoredSplit:
            visit = await visible_visit(tx, self._store, visit_id, caller)
            if visit is None or not visit.split_id:
                raise SplitNotFound
            stored = await self._store.split(tx, citizen_id=visit.split_citizen_id, split_id=visit.split_id)
            assert stored is not None, "a visit points to a split that exists"
            return stored

        return await self._db.read(work)

    async def _split(self, tx: Tx, command: SplitCommand, caller: Caller) -> StoredSplit:
        visit = await self._store.visit(tx, command.visit_id)
        if visit is None:
            visit = VisitPointer(visit_id=command.visit_id, facility=caller.facility)
        require_same_facility(visit.facility)
        finding = await self._finding(tx, visit)
        if self._published_copay is not None:
            command = await self._published_copay.fill(tx, command, finding, citizen_id=visit.citizen_id)
        now = self._clock.now()
        stored = StoredSplit(
            split_id=self._ids.new(),
            citizen_id=visit.citizen_id,
            facility=visit.facility,
            coverage_id=visit.coverage_id,
            split_number=visit.split_count + 1,
            command=command,
            split=split_cost(command, finding, facility=visit.facility, rules=self._rules),
            create_time=now,
        )
        await self._store.add_split(tx, stored)
        await self._store.save_visit(
            tx,
            replace(
                visit,
                split_count=stored.split_number,
                split_citizen_id=stored.citizen_id,
                split_id=stored.split_id,
            ),
        )
        await audit.record(
            tx,
            action="split_cost",
            resource=f"visits/{command.visit_id}/splits/{stored.split_id}",
            subject=visit.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
        return stored

    async def _finding(self, tx: Tx, visit: VisitPointer) -> Finding | None:
        if not visit.coverage_id:
            return None
        coverage = await self._store.coverage(tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id)
        assert coverage is not None, "a visit points to a coverage that exists"
        return coverage.finding
