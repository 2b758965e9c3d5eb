"""Read what is known about a visit's insurance, and the evidence behind it."""

from __future__ import annotations

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.errors import CoverageNotFound, EvidenceNotFound
from insurance_svc.domain.model import Coverage, Evidence
from insurance_svc.ports import Store, VisitPointer


class ReadCoverage:
    """The verbs behind GetCoverage, ListEvidence and GetEvidence; another facility's visit is not there."""

    def __init__(self, *, db: Database, store: Store, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def newest(self, visit_id: str, caller: Caller) -> Coverage:
        """The newest coverage of a visit; raises CoverageNotFound."""

        async def work(tx: Tx) -> Coverage:
            visit = await visible_visit(tx, self._store, visit_id, caller)
            if visit is None or not visit.coverage_id:
                raise CoverageNotFound
            coverage = await self._store.coverage(
                tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id
            )
            assert coverage is not None, "a visit points to a coverage that exists"
            return coverage

        return await self._db.read(work)

    async def evidence_of(self, visit_id: str, caller: Caller) -> list[Evidence]:
        """The calls of a visit without their replies, oldest first; empty for a visit never checked."""

        async def work(tx: Tx) -> list[Evidence]:
            visit = await visible_visit(tx, self._store, visit_id, caller)
            if visit is None:
                return []
            return await self._store.evidence_of_visit(tx, citizen_id=visit.citizen_id, visit_id=visit_id)

        return await self._db.read(work)

    async def evidence(self, visit_id: str, evidence_id: str, caller: Caller) -> Evidence:
        """One call with its raw reply; who read it is recorded. Raises EvidenceNotFound."""

        async def work(tx: Tx) -> Evidence:
            visit = await visible_visit(tx, self._store, visit_id, caller)
            if visit is None:
                raise EvidenceNotFound
            evidence = await self._store.evidence(
                tx, citizen_id=visit.citizen_id, visit_id=visit_id, evidence_id=evidence_id
            )
            if evidence is None:
                raise EvidenceNotFound
            await audit.record(
                tx,
                action="get_evidence",
                resource=f"visits/{visit_id}/evidence/{evidence_id}",
                subject=visit.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            return evidence

        return await self._db.write(work)


async def visible_visit(tx: Tx, store: Store, visit_id: str, caller: Caller) -> VisitPointer | None:
    """The visit if the caller may know of it: services, and people of its facility."""
    visit = await store.visit(tx, visit_id)
    if visit is None or (caller.facility and caller.facility != visit.facility):
        return None
    return visit
