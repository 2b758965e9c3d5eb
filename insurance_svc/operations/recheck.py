"""Repeat a coverage check that the portal did not answer, once the portal is back."""

from __future__ import annotations

import json

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.errors import AppError, Kind
from chassis.outbox import Message, RetryLater
from chassis.rpc.context import current_caller
from insurance_svc.domain.finding import ANSWERED_BADLY, PORTAL_ERROR
from insurance_svc.domain.model import Coverage, Finding, Outcome, PortalCall
from insurance_svc.operations.ask_portal import PortalQuestioner
from insurance_svc.operations.keep_coverage import CoverageKeeper
from insurance_svc.ports import Store

FAILURES_KEPT_MAX = 40
"""Calls kept per visit from which on further failures of re-checks leave no row: a long outage proves itself."""
BREAKER_OPEN = "BREAKER_OPEN"
GROWTH = 0.5
WAIT_MAX_S = 1_800.0
"""Of a card the portal keeps answering with its own error."""


class PortalAnsweredBadly(AppError):
    """The portal lives and says nothing about the citizen; the fact `why` is the degraded reason."""

    kind = Kind.UNAVAILABLE
    reason = "PORTAL_ANSWERED_BADLY"
    vi = "Cổng BHXH trả lời nhưng chưa xác minh được thẻ; hãy báo quản trị kiểm tra cấu hình cổng."

    def __init__(self, why: str) -> None:
        super().__init__("Correct the portal account or staff registration, then retry the message.", why=why)


class Recheck:
    """Delivers the messages of the queue `portal`."""

    def __init__(
        self,
        *,
        db: Database,
        store: Store,
        questioner: PortalQuestioner,
        keeper: CoverageKeeper,
        clock: Clock,
        wait_s: float,
    ) -> None:
        """Take what the verb needs.

        Args:
            wait_s: Seconds before the portal is asked again after it was not heard.
        """
        self._db = db
        self._store = store
        self._questioner = questioner
        self._keeper = keeper
        self._clock = clock
        self._wait_s = wait_s

    async def __call__(self, message: Message) -> None:
        """Check the coverage of one message again; a newer check of the visit makes it void.

        Raises:
            RetryLater: the portal is still not heard; the try does not count, so an outage never parks it.
            PortalAnsweredBadly: time alone does not mend it; the message is parked after its tries.
        """
        place = json.loads(message.payload)
        visit_id, citizen_id = message.order_key, place["citizen_id"]
        coverage_id = place["coverage_id"]
        pending = await self._db.read(lambda tx: self._pending(tx, visit_id, citizen_id, coverage_id))
        if pending is None:
            return
        assert pending.question is not None, "only what was asked is asked again"
        finding, calls = await self._questioner.ask(
            pending.question, facility=pending.facility, citizen_id=pending.citizen_id
        )
        if finding.outcome is Outcome.UNVERIFIED:
            await self._db.write(lambda tx: self._note_failure(tx, pending, calls))
            if finding.degraded_reason in ANSWERED_BADLY:
                raise PortalAnsweredBadly(finding.degraded_reason)
            raise RetryLater(self._wait_of(finding, message))
        await self._db.write(lambda tx: self._settle(tx, pending, finding, calls))

    def _wait_of(self, finding: Finding, message: Message) -> float:
        """Seconds until the next try: an outage is probed by the breaker, so short.

        A portal that answers "error" for one card may do so for days, and blind repeats may restrict the account
        (letter 1839/CNTT-PM): there the wait grows with the age of the question.
        """
        if finding.degraded_reason != PORTAL_ERROR:
            return self._wait_s
        age_s = (self._clock.now() - message.create_time).total_seconds()
        return max(self._wait_s, min(age_s * GROWTH, WAIT_MAX_S))

    async def _pending(self, tx: Tx, visit_id: str, citizen_id: str, coverage_id: str) -> Coverage | None:
        """The coverage if it is still the newest of its visit."""
        visit = await self._store.visit(tx, visit_id)
        if visit is None or visit.coverage_id != coverage_id:
            return None
        coverage = await self._store.coverage(tx, citizen_id=citizen_id, coverage_id=coverage_id)
        return coverage if coverage is not None and coverage.finding.needs_recheck else None

    async def _note_failure(self, tx: Tx, pending: Coverage, calls: tuple[PortalCall, ...]) -> None:
        sent = [call for call in calls if call.failure_reason != BREAKER_OPEN]
        kept = await self._store.evidence_count(tx, citizen_id=pending.citizen_id, visit_id=pending.visit_id)
        if kept + len(sent) > FAILURES_KEPT_MAX:
            return
        await self._keeper.keep_evidence(
            tx, pending.visit_id, pending.citizen_id, sent, coverage_id="", caller=current_caller()
        )

    async def _settle(
        self, tx: Tx, pending: Coverage, finding: Finding, calls: tuple[PortalCall, ...]
    ) -> None:
        visit = await self._store.visit(tx, pending.visit_id)
        assert visit is not None, "a visit with a coverage stays"
        if visit.coverage_id != pending.coverage_id:
            # Somebody checked meanwhile: that answer counts, ours is evidence.
            await self._keeper.keep_evidence(
                tx, pending.visit_id, pending.citizen_id, calls, coverage_id="", caller=current_caller()
            )
            return
        await self._keeper.keep(
            tx,
            visit,
            citizen_id=pending.citizen_id,
            service_date=pending.service_date,
            finding=finding,
            question=pending.question,
            calls=calls,
            caller=current_caller(),
            action="recheck_coverage",
            moment=pending.moment,
        )
