"""Estimate what planned services will cost, by the visit's newest coverage; nothing is written."""

from __future__ import annotations

from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.estimate import Estimate, estimate_cost
from insurance_svc.domain.model import Finding, SplitCommand
from insurance_svc.domain.split_lines import check_lines
from insurance_svc.domain.tables import Rules
from insurance_svc.operations.published_copay import PublishedCopay
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import Store


class EstimateCost:
    """The verb behind EstimateCost."""

    def __init__(
        self, *, db: Database, store: Store, rules: Rules, published_copay: PublishedCopay | None = None
    ) -> None:
        """Take what the verb needs.

        Args:
            published_copay: Fills the year's copayments that the portal published; None leaves them to the caller.
        """
        self._db = db
        self._store = store
        self._rules = rules
        self._published_copay = published_copay

    async def __call__(self, command: SplitCommand, *, caller: Caller) -> Estimate:
        """Estimate; a visit that is not open yet, or stands elsewhere, has no coverage here.

        Raises:
            TooManyLines, LineMalformed, VisitCodeUnknown: of the planned lines.
        """
        check_lines(command.lines)

        async def work(tx: Tx) -> tuple[SplitCommand, Finding | None, str]:
            visit = await visible_visit(tx, self._store, command.visit_id, caller)
            if visit is None or not visit.coverage_id:
                return command, None, caller.facility
            coverage = await self._store.coverage(
                tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id
            )
            assert coverage is not None, "a visit points to a coverage that exists"
            filled = command
            if self._published_copay is not None:
                filled = await self._published_copay.fill(
                    tx, command, coverage.finding, citizen_id=visit.citizen_id
                )
            return filled, coverage.finding, visit.facility

        filled, finding, facility = await self._db.read(work)
        return estimate_cost(filled, finding, facility=facility, rules=self._rules)
