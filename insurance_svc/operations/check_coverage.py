"""Check a citizen's coverage for one visit: ask the portal, keep what it said, admit whoever it does not know."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.finding import SELF_PAY
from insurance_svc.domain.ladder import make_question
from insurance_svc.domain.model import Coverage, Finding, PortalCall, Question
from insurance_svc.operations.ask_portal import PortalQuestioner
from insurance_svc.operations.keep_coverage import CoverageKeeper
from insurance_svc.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommand:
    """What CheckCoverage is asked to do."""

    visit_id: str
    citizen_id: str
    identifier: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    service_date: date
    self_pay: bool
    other_identifiers: tuple[str, ...] = field(default=(), repr=False)
    printed_name: str = field(default="", repr=False)


class CheckCoverage:
    """The verb behind CheckCoverage."""

    def __init__(
        self,
        *,
        db: Database,
        store: Store,
        questioner: PortalQuestioner,
        keeper: CoverageKeeper,
    ) -> None:
        self._db = db
        self._store = store
        self._questioner = questioner
        self._keeper = keeper

    async def __call__(self, command: CheckCommand, *, key: RequestKey, caller: Caller) -> Coverage:
        """Find out and store the coverage; a repeat of the request answers what was stored, without asking.

        Raises:
            PersonalNumberMissing, NameMissing, BirthDateMalformed, FormatError: there is nothing to ask with.
            OtherFacility, VisitOfOtherCitizen: the visit is not this caller's or this citizen's.
        """
        question = None if command.self_pay else _question(command)
        finding: Finding = SELF_PAY
        calls: tuple[PortalCall, ...] = ()
        if question is not None and not await self._db.read(lambda tx: self._known(tx, command, key, caller)):
            # Outside any transaction: a slow portal must not hold the store.
            finding, calls = await self._questioner.ask(
                question, facility=caller.facility, citizen_id=command.citizen_id
            )

        async def work(tx: Tx) -> Coverage:
            return await self._keep(tx, command, key, caller, finding=finding, question=question, calls=calls)

        return await self._db.write(work)

    async def _known(self, tx: Tx, command: CheckCommand, key: RequestKey, caller: Caller) -> bool:
        """Whether the request was answered before; refuses a wrong visit before the portal is troubled."""
        await self._keeper.visit_of(
            tx, visit_id=command.visit_id, citizen_id=command.citizen_id, facility=caller.facility
        )
        return await self._store.answered(tx, key)

    async def _keep(
        self,
        tx: Tx,
        command: CheckCommand,
        key: RequestKey,
        caller: Caller,
        *,
        finding: Finding,
        question: Question | None,
        calls: tuple[PortalCall, ...],
    ) -> Coverage:
        visit = await self._keeper.visit_of(
            tx, visit_id=command.visit_id, citizen_id=command.citizen_id, facility=caller.facility
        )
        done = await recall(tx, key)
        if done is not None:
            coverage = await self._store.coverage(tx, citizen_id=command.citizen_id, coverage_id=done)
            assert coverage is not None, "a remembered coverage exists"
            # Two runs at once both asked: the second's replies are evidence as well.
            await self._keeper.keep_evidence(
                tx, visit.visit_id, command.citizen_id, calls, coverage_id="", caller=caller
            )
            if visit.coverage_id != coverage.coverage_id:
                # A newer check answered meanwhile; nothing waits for this one any more.
                return replace(coverage, finding=replace(coverage.finding, needs_recheck=False))
            return coverage
        coverage = await self._keeper.keep(
            tx,
            visit,
            citizen_id=command.citizen_id,
            service_date=command.service_date,
            finding=finding,
            question=question,
            calls=calls,
            caller=caller,
            action="check_coverage",
        )
        await remember(tx, key, coverage.coverage_id, "90d")
        return coverage


def _question(command: CheckCommand) -> Question:
    return make_question(
        identifier=command.identifier,
        full_name=command.full_name,
        birth_date=command.birth_date,
        service_date=command.service_date,
        other_identifiers=command.other_identifiers,
        printed_name=command.printed_name,
    )
