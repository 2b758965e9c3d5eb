"""Match one person against everybody filed: who it may be, and why; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.index_errors import FactsIncomplete
from identity_svc.domain.match_scoring import Compared, MatchClass, MatchResult, score
from identity_svc.domain.match_weights import MatchWeights
from identity_svc.domain.matching import MatchFacts
from identity_svc.store.index_store import Candidate, IndexStore
from identity_svc.store.link_store import LinkStore

PREVIEW_MAX = 20
"""Candidates shown of one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Somebody who may be the same person."""

    citizen_id: str
    """Who answers for the record: the record itself, or whom it is linked into."""
    candidate: Candidate
    result: MatchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Everybody who may be the same person, the likeliest first, one match for each who answers."""

    found: tuple[Match, ...]
    compared_count: int
    is_capped: bool


class Matcher:
    """Finds and scores candidates inside a transaction."""

    def __init__(self, index: IndexStore, links: LinkStore, weights: MatchWeights) -> None:
        self._index = index
        self._links = links
        self._weights = weights

    def compare(self, first: MatchFacts, second: MatchFacts) -> MatchResult:
        """The verdict on two records."""
        return score(Compared(first), Compared(second), self._weights)

    async def match(self, tx: Tx, facts: MatchFacts, *, own_id: str = "") -> Matches:
        """Match facts against everybody but `own_id` and who answers for it."""
        candidates = await self._index.candidates(tx, facts, own_id=own_id)
        own = Compared(facts)
        own_survivor = await self._links.survivor_of(tx, own_id) if own_id else ""
        best: dict[str, Match] = {}
        for each in candidates.people:
            result = score(own, Compared(each.facts), self._weights)
            if result.match_class is MatchClass.NONE:
                continue
            survivor = (
                await self._links.survivor_of(tx, each.linked_to) if each.linked_to else each.citizen_id
            )
            known = best.get(survivor)
            if survivor != own_survivor and (known is None or _rank(result) > _rank(known.result)):
                best[survivor] = Match(citizen_id=survivor, candidate=each, result=result)
        return Matches(
            found=tuple(
                sorted(best.values(), key=lambda each: (_rank(each.result), each.citizen_id), reverse=True)
            ),
            compared_count=len(candidates.people),
            is_capped=candidates.is_capped,
        )


class PreviewMatch:
    """The verb PreviewMatch."""

    def __init__(self, *, db: Database, matcher: Matcher, index: IndexStore, clock: Clock) -> None:
        self._db = db
        self._matcher = matcher
        self._index = index
        self._clock = clock

    async def of_citizen(self, citizen_id: str, caller: Caller) -> Matches:
        """Match somebody who is registered.

        Raises:
            CitizenNotFound: nobody filed has this id.
        """

        async def find(tx: Tx) -> tuple[MatchFacts | None, Matches | None]:
            facts = await self._index.facts(tx, citizen_id)
            if facts is None:
                return None, None
            return facts, await self._matcher.match(tx, facts, own_id=citizen_id)

        _, matches = await self._db.read(find)
        if matches is None:
            raise CitizenNotFound
        return await self._disclose(matches, caller)

    async def of_facts(self, facts: MatchFacts, caller: Caller) -> Matches:
        """Match somebody who is not registered.

        Raises:
            FactsIncomplete: there is no name or no birth year.
        """
        if not facts.full_name or not facts.birth_date:
            raise FactsIncomplete
        matches = await self._db.read(lambda tx: self._matcher.match(tx, facts))
        return await self._disclose(matches, caller)

    async def _disclose(self, matches: Matches, caller: Caller) -> Matches:
        """Keep who was shown to whom; the preview changes nothing else."""
        shown = Matches(
            found=matches.found[:PREVIEW_MAX],
            compared_count=matches.compared_count,
            is_capped=matches.is_capped,
        )
        trace_id = current_trace_id()

        async def work(tx: Tx) -> None:
            for subject in [each.citizen_id for each in shown.found] or [""]:
                await audit.record(
                    tx,
                    action="preview_match",
                    resource=f"citizens/{subject}" if subject else "citizens",
                    subject=subject,
                    caller=caller,
                    outcome="ok",
                    trace_id=trace_id,
                    now=self._clock.now(),
                )

        await self._db.write(work)
        return shown


def _rank(result: MatchResult) -> tuple[bool, float]:
    return (result.match_class is MatchClass.AUTOMATIC, result.weight_bits)
