"""Store a coverage with its evidence, put its re-check, and bring the visit's split up to date, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import structlog

from chassis import audit, outbox
from chassis.clock import Clock, Ids
from chassis.crypto import FieldCipher
from chassis.db import Tx
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.correction import Correction, cause_of, tells_the_same
from insurance_svc.domain.errors import VisitCodeUnknown, VisitOfOtherCitizen
from insurance_svc.domain.model import Coverage, Finding, Moment, PortalCall, Question, StoredSplit
from insurance_svc.domain.split import split_cost
from insurance_svc.domain.tables import Rules
from insurance_svc.ports import EvidenceBook, Store, VisitPointer

DESTINATION = "portal"
"""Name of the outbox queue of re-checks."""

_log = structlog.get_logger("insurance.coverage")


class CoverageKeeper:
    """What CheckCoverage and the re-check do alike."""

    def __init__(
        self,
        *,
        store: Store,
        book: EvidenceBook,
        cipher: FieldCipher,
        rules: Rules,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._book = book
        self._cipher = cipher
        self._rules = rules
        self._clock = clock
        self._ids = ids

    async def visit_of(self, tx: Tx, *, visit_id: str, citizen_id: str, facility: str) -> VisitPointer:
        """The visit's pointer, a fresh one for a visit seen first.

        Raises:
            OtherFacility: the visit stands at another facility.
            VisitOfOtherCitizen: it has the coverage of another citizen.
        """
        visit = await self._store.visit(tx, visit_id)
        if visit is None:
            return VisitPointer(visit_id=visit_id, facility=facility)
        require_same_facility(visit.facility)
        if visit.citizen_id and visit.citizen_id != citizen_id:
            raise VisitOfOtherCitizen
        return visit

    async def keep(
        self,
        tx: Tx,
        visit: VisitPointer,
        *,
        citizen_id: str,
        service_date: date,
        finding: Finding,
        question: Question | None,
        calls: Sequence[PortalCall],
        caller: Caller,
        action: str,
        moment: Moment = Moment.ARRIVAL,
    ) -> Coverage:
        """Store a coverage as the newest of its visit; an UNVERIFIED one is checked again by the worker.

        Where it says something else than the one before, the visit's split is computed again and a notice is kept.
        """
        now = self._clock.now()
        before = await self._before(tx, visit)
        coverage_id = self._ids.new()
        coverage = Coverage(
            coverage_id=coverage_id,
            citizen_id=citizen_id,
            visit_id=visit.visit_id,
            facility=visit.facility,
            service_date=service_date,
            check_number=visit.check_count + 1,
            finding=finding,
            question=question,
            as_of_time=calls[-1].receive_time if calls else now,
            moment=moment,
            evidence_ids=await self.keep_evidence(
                tx,
                visit.visit_id,
                citizen_id,
                calls,
                coverage_id=coverage_id,
                caller=caller,
                moment=moment,
            ),
        )
        old_visit = visit
        visit = replace(
            visit, citizen_id=citizen_id, check_count=coverage.check_number, coverage_id=coverage_id
        )
        if before is None or not tells_the_same(before, finding):
            visit = await self._split_again(tx, visit, coverage, caller=caller, now=now)
            if before is not None:
                await self._notice(tx, old_visit, visit, before=before, coverage=coverage, now=now)
        # The pointer first: two checks at once meet at its row, where PostgreSQL repeats the later one,
        # and not at the unique check number, where it would fail.
        await self._store.save_visit(tx, visit)
        await self._store.add_coverage(tx, coverage, now=now)
        if finding.needs_recheck:
            await self._put_recheck(tx, coverage, now=now)
        await audit.record(
            tx,
            action=action,
            resource=f"visits/{visit.visit_id}/coverages/{coverage_id}",
            subject=citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
        return coverage

    async def keep_evidence(
        self,
        tx: Tx,
        visit_id: str,
        citizen_id: str,
        calls: Sequence[PortalCall],
        *,
        coverage_id: str,
        caller: Caller,
        moment: Moment = Moment.ARRIVAL,
    ) -> tuple[str, ...]:
        """Store every call with its raw reply; returns their ids in order."""
        evidence_ids = []
        for call in calls:
            evidence_id = self._ids.new()
            await self._store.add_evidence(
                tx,
                citizen_id=citizen_id,
                coverage_id=coverage_id,
                evidence_id=evidence_id,
                visit_id=visit_id,
                call=call,
                caller=caller.subject,
                moment=moment,
            )
            evidence_ids.append(evidence_id)
        return tuple(evidence_ids)

    async def _before(self, tx: Tx, visit: VisitPointer) -> Coverage | None:
        """The coverage that is being followed by another one; a first check reads nothing."""
        if not visit.coverage_id:
            return None
        return await self._store.coverage(tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id)

    async def _notice(
        self,
        tx: Tx,
        old_visit: VisitPointer,
        visit: VisitPointer,
        *,
        before: Coverage,
        coverage: Coverage,
        now: datetime,
    ) -> None:
        """Keep what changed for whoever has already told the patient something else."""
        correction = Correction(
            correction_id=self._ids.new(),
            citizen_id=coverage.citizen_id,
            visit_id=visit.visit_id,
            facility=visit.facility,
            cause=cause_of(before.finding),
            before_coverage_id=before.coverage_id,
            coverage_id=coverage.coverage_id,
            before_outcome=before.finding.outcome,
            outcome=coverage.finding.outcome,
            before_patient_vnd=await self._patient_vnd(tx, old_visit),
            patient_vnd=await self._patient_vnd(tx, visit),
            create_time=now,
        )
        await self._book.add_correction(tx, correction)
        _log.info("a coverage was corrected", reason=correction.cause.value)

    async def _patient_vnd(self, tx: Tx, visit: VisitPointer) -> int | None:
        if not visit.split_id:
            return None
        stored = await self._store.split(tx, citizen_id=visit.split_citizen_id, split_id=visit.split_id)
        return None if stored is None else stored.split.patient_vnd

    async def _put_recheck(self, tx: Tx, coverage: Coverage, *, now: datetime) -> None:
        place = {"citizen_id": coverage.citizen_id, "coverage_id": coverage.coverage_id}
        await outbox.put(
            tx,
            destination=DESTINATION,
            order_key=coverage.visit_id,
            payload=json.dumps(place).encode("utf-8"),
            message_id=f"recheck-{coverage.coverage_id}",
            now=now,
            cipher=self._cipher,
        )

    async def _split_again(
        self, tx: Tx, visit: VisitPointer, coverage: Coverage, *, caller: Caller, now: datetime
    ) -> VisitPointer:
        """Compute the visit's split from its stored lines by the new coverage; nothing without a split."""
        if not visit.split_id:
            return visit
        before = await self._store.split(tx, citizen_id=visit.split_citizen_id, split_id=visit.split_id)
        assert before is not None, "a visit points to a split that exists"
        try:
            split = split_cost(before.command, coverage.finding, facility=visit.facility, rules=self._rules)
        except VisitCodeUnknown as error:
            # The coverage is the finding and is kept; the cashier splits again with a code that counts.
            _log.warning("the split was not brought up to date", reason=error.reason)
            return visit
        stored = StoredSplit(
            split_id=self._ids.new(),
            citizen_id=coverage.citizen_id,
            facility=visit.facility,
            coverage_id=coverage.coverage_id,
            split_number=visit.split_count + 1,
            command=before.command,
            split=split,
            create_time=now,
        )
        await self._store.add_split(tx, stored)
        await audit.record(
            tx,
            action="split_again",
            resource=f"visits/{visit.visit_id}/splits/{stored.split_id}",
            subject=coverage.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
        return replace(
            visit,
            split_count=stored.split_number,
            split_citizen_id=stored.citizen_id,
            split_id=stored.split_id,
        )
