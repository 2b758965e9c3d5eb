"""The steward's verbs on doubles; every change is one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.index_errors import (
    DuplicateNotFound,
    DuplicateNotProposed,
    MergeHasConflicts,
    MergePlanOutdated,
)
from identity_svc.domain.linking import Link, LinkReason, MergePlan, choose_survivor
from identity_svc.domain.match_scoring import MatchResult
from identity_svc.domain.matching import MatchFacts
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.link import Linker
from identity_svc.store.link_store import LinkStore, Pair, PairState

LINKED = "LINKED"
REJECTED = "REJECTED"
"""Resolutions of the pair's case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """A pair with both people and the evidence as of now."""

    pair: Pair
    result: MatchResult
    facts: MatchFacts
    other_facts: MatchFacts


class Duplicates:
    """The verbs ListDuplicates, GetDuplicate, ConfirmLink, RejectLink, PlanMerge, Merge, Unmerge and ListLinks."""

    def __init__(
        self, *, db: Database, links: LinkStore, linker: Linker, cases: CaseDesk, clock: Clock
    ) -> None:
        self._db = db
        self._links = links
        self._linker = linker
        self._cases = cases
        self._clock = clock

    async def pairs(self, state: PairState, *, after: tuple[str, str, str], page_size: int) -> list[Pair]:
        """Pairs of a state, longest waiting first; ids and codes only, so that nobody is disclosed."""
        return await self._db.read(lambda tx: self._links.pairs(tx, state, after=after, page_size=page_size))

    async def show(self, first_id: str, second_id: str, caller: Caller) -> PairView:
        """Show a pair and compare it anew.

        Raises:
            DuplicateNotFound: it was never looked at.
        """
        trace_id, now = current_trace_id(), self._clock.now()

        async def work(tx: Tx) -> PairView | None:
            pair = await self._links.pair(tx, first_id, second_id)
            if pair is None:
                return None
            ids = (pair.citizen_id, pair.other_citizen_id)
            facts, other = [await self._linker.facts(tx, each) for each in ids]
            result, _ = await self._linker.compare(tx, *ids)
            for subject in ids:
                await audit.record(
                    tx,
                    action="get_duplicate",
                    resource=f"citizens/{ids[0]}/duplicates/{ids[1]}",
                    subject=subject,
                    caller=caller,
                    outcome="ok",
                    trace_id=trace_id,
                    now=now,
                )
            return PairView(pair=pair, result=result, facts=facts, other_facts=other)

        view = await self._db.write(work)
        if view is None:
            raise DuplicateNotFound
        return view

    async def confirm(self, first_id: str, second_id: str, *, key: RequestKey, caller: Caller) -> Link:
        """Link a proposed pair; who answers for both is chosen as for an automatic link.

        Raises:
            DuplicateNotFound, DuplicateNotProposed, MergeHasConflicts, CitizenAlreadyMerged.
        """

        async def work(tx: Tx) -> Link:
            if (done := await recall(tx, key)) is not None:
                return await self._replay(tx, done)
            pair = await self._proposed(tx, first_id, second_id)
            ids = (pair.citizen_id, pair.other_citizen_id)
            survivor = choose_survivor([(each, await self._linker.facts(tx, each)) for each in ids])
            (citizen_id,) = set(ids) - {survivor}
            plan = await self._linker.plan(tx, citizen_id, survivor)
            if plan.conflicts:
                raise MergeHasConflicts(plan.conflicts)
            return await self._link(tx, plan, key=key, caller=caller)

        return await self._db.write(work)

    async def reject(self, first_id: str, second_id: str, *, key: RequestKey, caller: Caller) -> Pair:
        """Say that a proposed pair is two people; remembered until the facts of one change.

        Raises:
            DuplicateNotFound, DuplicateNotProposed.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Pair:
            if await recall(tx, key, result=REJECTED) is None:
                now = self._clock.now()
                pair = await self._proposed(tx, first_id, second_id)
                await self._links.set_state(tx, pair, PairState.REJECTED, now=now)
                await self._close_case(tx, pair.citizen_id, pair.other_citizen_id, resolution=REJECTED)
                for subject in (pair.citizen_id, pair.other_citizen_id):
                    await audit.record(
                        tx,
                        action="reject_link",
                        resource=f"citizens/{pair.citizen_id}/duplicates/{pair.other_citizen_id}",
                        subject=subject,
                        caller=caller,
                        outcome="ok",
                        trace_id=trace_id,
                        now=now,
                    )
            rejected = await self._links.pair(tx, first_id, second_id)
            assert rejected is not None, "a pair is kept"
            return rejected

        return await self._db.write(work)

    async def plan(self, citizen_id: str, survivor_id: str) -> MergePlan:
        """What a merge would do; counts and codes only.

        Raises:
            CitizenNotFound, MergeWithItself, CitizenAlreadyMerged.
        """
        return await self._db.read(lambda tx: self._linker.plan(tx, citizen_id, survivor_id))

    async def merge(
        self,
        citizen_id: str,
        survivor_id: str,
        *,
        digest: bytes,
        accept_conflicts: bool,
        key: RequestKey,
        caller: Caller,
    ) -> Link:
        """Link one citizen into another as planned.

        Raises:
            CitizenNotFound, MergeWithItself, CitizenAlreadyMerged, MergePlanOutdated, MergeHasConflicts.
        """

        async def work(tx: Tx) -> Link:
            if (done := await recall(tx, key)) is not None:
                return await self._replay(tx, done)
            plan = await self._linker.plan(tx, citizen_id, survivor_id)
            if plan.digest != digest:
                raise MergePlanOutdated
            if plan.conflicts and not accept_conflicts:
                raise MergeHasConflicts(plan.conflicts)
            return await self._link(tx, plan, key=key, caller=caller)

        return await self._db.write(work)

    async def unmerge(self, citizen_id: str, *, key: RequestKey, caller: Caller) -> Link:
        """End a citizen's link.

        Raises:
            CitizenNotFound, CitizenNotMerged, UnmergeSurvivorFirst.
        """

        async def work(tx: Tx) -> Link:
            if (done := await recall(tx, key)) is not None:
                return await self._replay(tx, done)
            link = await self._linker.unlink(tx, citizen_id, caller=caller, now=self._clock.now())
            await remember(tx, key, _result_of(link))
            return link

        return await self._db.write(work)

    async def links_of(self, citizen_id: str, *, before_id: str, page_size: int) -> list[Link]:
        """Links of a citizen in both directions, newest first.

        Raises:
            CitizenNotFound: nobody has this id.
        """

        async def work(tx: Tx) -> list[Link] | None:
            if await self._links.newest_version(tx, citizen_id) is None:
                return None
            return await self._links.links(tx, citizen_id, before_id=before_id, page_size=page_size)

        links = await self._db.read(work)
        if links is None:
            raise CitizenNotFound
        return links

    async def _proposed(self, tx: Tx, first_id: str, second_id: str) -> Pair:
        pair = await self._links.pair(tx, first_id, second_id)
        if pair is None:
            raise DuplicateNotFound
        if pair.state is not PairState.PROPOSED:
            raise DuplicateNotProposed(pair.state)
        return pair

    async def _link(self, tx: Tx, plan: MergePlan, *, key: RequestKey, caller: Caller) -> Link:
        now = self._clock.now()
        link = await self._linker.link(tx, plan, reason=LinkReason.STEWARD, caller=caller, now=now)
        await self._close_case(tx, plan.citizen_id, plan.survivor_id, resolution=LINKED)
        await remember(tx, key, _result_of(link))
        return link

    async def _close_case(self, tx: Tx, first_id: str, second_id: str, *, resolution: str) -> None:
        await self._cases.close(
            tx,
            cause=CaseCause.POSSIBLE_DUPLICATE,
            citizen_id=first_id,
            other_citizen_id=second_id,
            resolution=resolution,
            now=self._clock.now(),
        )

    async def _replay(self, tx: Tx, result: str) -> Link:
        citizen_id, link_id = result.split("/")
        link = await self._links.link(tx, citizen_id, link_id)
        assert link is not None, "a remembered link is kept"
        return link


def _result_of(link: Link) -> str:
    """What is kept of an answer for a repeat of the request."""
    return f"{link.citizen_id}/{link.link_id}"
