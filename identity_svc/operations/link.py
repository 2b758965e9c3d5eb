"""Link one citizen into another and end links, inside the transaction they are given; no record is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chassis import audit
from chassis.clock import Ids
from chassis.db import Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.index_errors import (
    CitizenAlreadyMerged,
    CitizenNotMerged,
    MergeWithItself,
    UnmergeSurvivorFirst,
)
from identity_svc.domain.linking import Conflict, Link, LinkReason, MergePlan, conflicts_of
from identity_svc.domain.match_scoring import MatchResult
from identity_svc.domain.matching import MatchFacts, facts_of, pair_digest
from identity_svc.domain.model import Identifier
from identity_svc.operations.match import Matcher
from identity_svc.store.index_store import IndexStore
from identity_svc.store.link_store import LinkStore, PairState
from identity_svc.store.store import IdentityStore


class Linker:
    """Plans, makes and ends links."""

    def __init__(
        self, *, store: IdentityStore, index: IndexStore, links: LinkStore, matcher: Matcher, ids: Ids
    ) -> None:
        self._store = store
        self._index = index
        self._links = links
        self._matcher = matcher
        self._ids = ids

    async def plan(self, tx: Tx, citizen_id: str, survivor_id: str) -> MergePlan:
        """What linking a citizen into another would do, as this transaction sees it.

        Raises:
            MergeWithItself, CitizenNotFound, CitizenAlreadyMerged.
        """
        if citizen_id == survivor_id:
            raise MergeWithItself
        for each in (citizen_id, survivor_id):
            link = await self._links.current_link(tx, each)
            if link is not None:
                raise CitizenAlreadyMerged(await self._links.survivor_of(tx, link.survivor_id))
        version = await self._links.newest_version(tx, survivor_id)
        if version is None or await self._links.newest_version(tx, citizen_id) is None:
            raise CitizenNotFound
        followers = await self._links.members(tx, citizen_id)
        numbers = await self._own_numbers(tx, (citizen_id, *followers))
        return MergePlan(
            citizen_id=citizen_id,
            survivor_id=survivor_id,
            row_counts=await self._links.row_counts(tx, citizen_id),
            follower_ids=followers,
            moved_hashes=tuple(await self._links.owned_hashes(tx, citizen_id, numbers)),
            conflicts=await self._conflicts(tx, citizen_id, survivor_id),
            survivor_version=version,
        )

    async def link(
        self, tx: Tx, plan: MergePlan, *, reason: LinkReason, caller: Caller, now: datetime
    ) -> Link:
        """Do what a plan of this same transaction says."""
        link = Link(
            citizen_id=plan.citizen_id,
            link_id=self._ids.new(),
            survivor_id=plan.survivor_id,
            reason=reason,
            link_time=now,
            end_time=None,
        )
        await self._links.add_link(
            tx, link, plan_digest=plan.digest, moved=plan.moved_hashes, members=plan.follower_ids
        )
        ids = (plan.citizen_id, plan.survivor_id)
        result, digest = await self.compare(tx, *ids)
        await self._links.put_pair(tx, ids, result, state=PairState.LINKED, digest=digest, now=now)
        await _note(tx, link, action="merge_citizens", caller=caller, now=now)
        return link

    async def unlink(self, tx: Tx, citizen_id: str, *, caller: Caller, now: datetime) -> Link:
        """End the link of a citizen; the two count as different people until the facts of one change.

        Raises:
            CitizenNotMerged: there is none.
            UnmergeSurvivorFirst: the survivor was linked on.
        """
        link = await self._links.current_link(tx, citizen_id)
        if link is None:
            if await self._links.newest_version(tx, citizen_id) is None:
                raise CitizenNotFound
            raise CitizenNotMerged
        if await self._links.current_link(tx, link.survivor_id) is not None:
            raise UnmergeSurvivorFirst(link.survivor_id)
        members = await self._links.members(tx, citizen_id)
        await self._links.end_link(tx, link, members=members, now=now)
        result, digest = await self.compare(tx, citizen_id, link.survivor_id)
        await self._links.put_pair(
            tx, (citizen_id, link.survivor_id), result, state=PairState.REJECTED, digest=digest, now=now
        )
        await _note(tx, link, action="unmerge_citizens", caller=caller, now=now)
        ended = await self._links.link(tx, citizen_id, link.link_id)
        assert ended is not None, "a link is ended and never removed"
        return ended

    async def compare(self, tx: Tx, first_id: str, second_id: str) -> tuple[MatchResult, bytes]:
        """The verdict on two citizens as of now, and the keyed digest of the facts it rests on.

        Raises:
            CitizenNotFound: nobody has one of the ids.
        """
        first, second = [await self.facts(tx, each) for each in (first_id, second_id)]
        return self._matcher.compare(first, second), self._links.digest(pair_digest(first, second))

    async def facts(self, tx: Tx, citizen_id: str) -> MatchFacts:
        """The facts of a citizen: as filed, or as stored where nobody filed them yet.

        Raises:
            CitizenNotFound: nobody has this id.
        """
        filed = await self._index.facts(tx, citizen_id)
        if filed is not None:
            return filed
        citizen = await self._store.read(tx, citizen_id)
        if citizen is None:
            raise CitizenNotFound
        return facts_of(citizen.demographics, citizen.identifiers, ward_code="", at=citizen.update_time)

    async def _own_numbers(self, tx: Tx, citizen_ids: Sequence[str]) -> list[Identifier]:
        """Every number of these records."""
        found: list[Identifier] = []
        for citizen_id in citizen_ids:
            citizen = await self._store.read(tx, citizen_id)
            assert citizen is not None, "a linked citizen has a record"
            found += citizen.identifiers
        return found

    async def _conflicts(self, tx: Tx, citizen_id: str, survivor_id: str) -> tuple[Conflict, ...]:
        """What contradicts between the two, and between the numbers of all who stand behind them."""
        result, _ = await self.compare(tx, citizen_id, survivor_id)
        found = set(conflicts_of(result))
        for one in (citizen_id, *await self._links.members(tx, citizen_id)):
            for other in (survivor_id, *await self._links.members(tx, survivor_id)):
                result, _ = await self.compare(tx, one, other)
                found |= {Conflict.CITIZEN_NUMBERS_DIFFER} & set(conflicts_of(result))
        return tuple(each for each in Conflict if each in found)


async def _note(tx: Tx, link: Link, *, action: str, caller: Caller, now: datetime) -> None:
    """Leave an audit row with each of the two."""
    for subject in (link.citizen_id, link.survivor_id):
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{link.citizen_id}/links/{link.link_id}",
            subject=subject,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
