"""Ask the portal again during or at the end of a treatment; every reply is kept, a silent portal changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.copayment import Copayments, CopaymentsKept, read_copayments
from insurance_svc.domain.days import vietnam_date
from insurance_svc.domain.errors import CoverageNotFound
from insurance_svc.domain.evidence_errors import NothingWasAsked
from insurance_svc.domain.model import INSURED, Coverage, Finding, Moment, Outcome, PortalCall, Question
from insurance_svc.domain.treatment import during_treatment
from insurance_svc.operations.ask_portal import PortalQuestioner
from insurance_svc.operations.keep_coverage import CoverageKeeper
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import EvidenceBook, Store, VisitPointer


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpCommand:
    """What LookUpAgain is asked to do."""

    visit_id: str
    moment: Moment
    with_copayments: bool = False
    """Also what the portal publishes about copayments; at END without being told, once five years are complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What came of it."""

    coverage: Coverage
    """The newest; an older one where the portal was not heard."""
    failure_reason: str
    evidence_ids: tuple[str, ...]
    copayments: CopaymentsKept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What the portal was asked outside any transaction."""

    finding: Finding | None = None
    """None: the request had been answered before, nothing was asked."""
    calls: tuple[PortalCall, ...] = ()
    copayment_calls: tuple[PortalCall, ...] = ()


class LookUpAgain:
    """The verb behind LookUpAgain."""

    def __init__(
        self,
        *,
        db: Database,
        store: Store,
        book: EvidenceBook,
        questioner: PortalQuestioner,
        keeper: CoverageKeeper,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._book = book
        self._questioner = questioner
        self._keeper = keeper
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: LookUpCommand, *, key: RequestKey, caller: Caller) -> LookedUp:
        """Ask and keep; a repeat of the request answers what was kept, without asking.

        Raises:
            CoverageNotFound: the visit was never checked, or is another facility's.
            NothingWasAsked: it is self-pay.
        """

        async def known(tx: Tx) -> tuple[Coverage, bool]:
            _, coverage = await self._newest(tx, command.visit_id, caller)
            return coverage, await self._store.answered(tx, key)

        coverage, is_answered = await self._db.read(known)
        if coverage.question is None:
            raise NothingWasAsked
        heard = _Heard()
        if not is_answered:
            heard = await self._ask(command, coverage, coverage.question)

        async def work(tx: Tx) -> LookedUp:
            visit, before = await self._newest(tx, command.visit_id, caller)
            done = await recall(tx, key)
            if done is not None:
                return await self._again(tx, before, done)
            looked_up = await self._keep(tx, command, visit, before=before, heard=heard, caller=caller)
            await remember(tx, key, _result(looked_up), "90d")
            return looked_up

        return await self._db.write(work)

    async def _ask(self, command: LookUpCommand, coverage: Coverage, question: Question) -> _Heard:
        finding, calls = await self._questioner.ask(
            question, facility=coverage.facility, citizen_id=coverage.citizen_id
        )
        known = coverage.finding if finding.outcome is Outcome.UNVERIFIED else finding
        copayment_calls: tuple[PortalCall, ...] = ()
        if command.with_copayments or self._wants_copayments(command, known):
            copayment_calls = await self._questioner.ask_copayments(question, facility=coverage.facility)
        return _Heard(finding=finding, calls=calls, copayment_calls=copayment_calls)

    def _wants_copayments(self, command: LookUpCommand, finding: Finding) -> bool:
        """Whether the five-year exemption may hang on the year's copayments (Health Insurance Law art. 22 k1 d)."""
        card = finding.card
        if command.moment is not Moment.END or finding.outcome not in INSURED or card is None:
            return False
        today = vietnam_date(self._clock.now())
        return card.five_year_date is not None and card.five_year_date <= today

    async def _newest(self, tx: Tx, visit_id: str, caller: Caller) -> tuple[VisitPointer, Coverage]:
        visit = await visible_visit(tx, self._store, visit_id, caller)
        if visit is None or not visit.coverage_id:
            raise CoverageNotFound
        coverage = await self._store.coverage(tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id)
        assert coverage is not None, "a visit points to a coverage that exists"
        return visit, coverage

    async def _keep(
        self,
        tx: Tx,
        command: LookUpCommand,
        visit: VisitPointer,
        *,
        before: Coverage,
        heard: _Heard,
        caller: Caller,
    ) -> LookedUp:
        assert heard.finding is not None, "what was not answered before was asked"
        failure_reason = ""
        if heard.finding.outcome is Outcome.UNVERIFIED:
            failure_reason = heard.finding.degraded_reason
            coverage = before
            ids = await self._keep_silence(tx, command, before, heard.calls, caller)
        else:
            coverage = await self._keeper.keep(
                tx,
                visit,
                citizen_id=before.citizen_id,
                service_date=before.service_date,
                finding=during_treatment(before.finding, heard.finding),
                question=before.question,
                calls=heard.calls,
                caller=caller,
                action="look_up_again",
                moment=command.moment,
            )
            ids = coverage.evidence_ids
        copayment_ids = await self._keeper.keep_evidence(
            tx,
            visit.visit_id,
            visit.citizen_id,
            heard.copayment_calls,
            coverage_id="",
            caller=caller,
            moment=command.moment,
        )
        return LookedUp(
            coverage=coverage,
            failure_reason=failure_reason,
            evidence_ids=(*ids, *copayment_ids),
            copayments=await self._keep_copayments(tx, before, heard.copayment_calls, copayment_ids),
        )

    async def _keep_silence(
        self,
        tx: Tx,
        command: LookUpCommand,
        before: Coverage,
        calls: Sequence[PortalCall],
        caller: Caller,
    ) -> tuple[str, ...]:
        """Keep the proof that the portal was asked; what was known before stands."""
        await audit.record(
            tx,
            action="look_up_again",
            resource=f"visits/{before.visit_id}/coverages/{before.coverage_id}",
            subject=before.citizen_id,
            caller=caller,
            outcome="not_heard",
            trace_id=current_trace_id(),
            now=self._clock.now(),
        )
        return await self._keeper.keep_evidence(
            tx,
            before.visit_id,
            before.citizen_id,
            calls,
            coverage_id="",
            caller=caller,
            moment=command.moment,
        )

    async def _keep_copayments(
        self, tx: Tx, coverage: Coverage, calls: Sequence[PortalCall], evidence_ids: Sequence[str]
    ) -> CopaymentsKept | None:
        if not calls or not calls[-1].code:
            return None
        call, question = calls[-1], coverage.question
        assert question is not None, "copayments are asked for with a question"
        # A refused token comes with an empty body.
        said = read_copayments(call.reply, question) if call.reply else Copayments(code=call.code)
        kept = CopaymentsKept(
            copayment_id=self._ids.new(),
            visit_id=coverage.visit_id,
            evidence_id=evidence_ids[-1],
            as_of_time=call.receive_time,
            copayments=said,
        )
        await self._book.add_copayments(tx, kept, citizen_id=coverage.citizen_id)
        return kept

    async def _again(self, tx: Tx, newest: Coverage, done: str) -> LookedUp:
        """What an earlier run of the request answered."""
        document = json.loads(done)
        coverage = await self._store.coverage(
            tx, citizen_id=newest.citizen_id, coverage_id=document["coverage_id"]
        )
        assert coverage is not None, "a remembered coverage exists"
        copayments = None
        if document["copayment_id"]:
            copayments = await self._book.copayments(
                tx, citizen_id=newest.citizen_id, copayment_id=document["copayment_id"]
            )
        return LookedUp(
            coverage=coverage,
            failure_reason=document["failure_reason"],
            evidence_ids=tuple(document["evidence_ids"]),
            copayments=copayments,
        )


def _result(looked_up: LookedUp) -> str:
    return json.dumps(
        {
            "coverage_id": looked_up.coverage.coverage_id,
            "failure_reason": looked_up.failure_reason,
            "evidence_ids": looked_up.evidence_ids,
            "copayment_id": looked_up.copayments.copayment_id if looked_up.copayments else "",
        }
    )
