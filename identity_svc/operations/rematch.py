"""Matches people whose facts changed, and on demand everybody: links what is sure, proposes what is likely.

A page is read and scored outside any write; each person is then settled in a transaction of its own, which checks that
the facts are still those that were scored. So a worker that is killed, or two of them, do nothing twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

import structlog

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.errors import AppError
from chassis.idempotency import RequestKey, recall
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.index_errors import RematchRunning
from identity_svc.domain.linking import LinkReason, choose_survivor
from identity_svc.domain.match_scoring import MatchClass, MatchResult
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import PENDING
from identity_svc.operations.link import Linker
from identity_svc.operations.match import Match, Matcher
from identity_svc.store.index_store import Filed, IndexStore
from identity_svc.store.link_store import LinkStore, Pair, PairState, Sweep

PAGE = 8
"""People read and scored at once: some ten milliseconds of a reader's thread, which others share."""
IDLE_S = 5.0
"""How long the worker sleeps where no commit wakes it: another process may have written."""
RETRY_S = 1.0
PENDING_COUNT_MAX = 100_000
FACTS_CHANGED = "FACTS_CHANGED"
LINKED = "LINKED"
MATCHER = Caller(
    subject="services/identity", roles=frozenset({"SERVICE"}), purpose="matching", service="identity"
)
"""On whose behalf links are made automatically."""

_log = structlog.get_logger("identity.rematch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of matching some people."""

    matched_count: int = 0
    linked_count: int = 0
    proposed_count: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(
            matched_count=self.matched_count + other.matched_count,
            linked_count=self.linked_count + other.linked_count,
            proposed_count=self.proposed_count + other.proposed_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the newest run over everybody is."""

    sweep: Sweep | None
    pending_count: int
    """People waiting because their facts changed, counted up to PENDING_COUNT_MAX."""


class Rematch:
    """The worker, and the verbs StartRematch and GetRematchProgress."""

    def __init__(
        self,
        *,
        db: Database,
        index: IndexStore,
        links: LinkStore,
        matcher: Matcher,
        linker: Linker,
        cases: CaseDesk,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._index = index
        self._links = links
        self._matcher = matcher
        self._linker = linker
        self._cases = cases
        self._clock = clock
        self._ids = ids

    async def run(self) -> None:
        """Match until cancelled; a store that is away is waited for."""
        woken = asyncio.Event()
        self._db.subscribe(PENDING, woken.set)
        while True:
            woken.clear()
            try:
                while (await self.step()).matched_count:
                    pass
            except AppError as error:
                _log.warning("matching waits", reason=error.reason)
                await asyncio.sleep(RETRY_S)
                continue
            try:
                async with asyncio.timeout(IDLE_S):
                    await woken.wait()
            except TimeoutError:
                pass

    async def step(self) -> Settled:
        """Match one page: of those who changed, else of the run over everybody."""
        pending = await self._db.read(lambda tx: self._index.pending(tx, page_size=PAGE))
        if pending:
            return await self._settle_page(pending)
        return await self._sweep_page()

    async def start(self, *, key: RequestKey, caller: Caller) -> Progress:
        """Begin a run over everybody.

        Raises:
            RematchRunning: one has not ended.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Progress:
            if await recall(tx, key, result="started") is None:
                newest = await self._links.newest_sweep(tx)
                if newest is not None and newest.end_time is None:
                    raise RematchRunning
                sweep_id, now = self._ids.new(), self._clock.now()
                await self._links.start_sweep(tx, sweep_id, now=now)
                await audit.record(
                    tx,
                    action="start_rematch",
                    resource=f"rematches/{sweep_id}",
                    caller=caller,
                    outcome="ok",
                    trace_id=trace_id,
                    now=now,
                )
                tx.topics.add(PENDING)
            return await self._progress(tx)

        return await self._db.write(work)

    async def progress(self) -> Progress:
        """How far the newest run is."""
        return await self._db.read(self._progress)

    async def _progress(self, tx: Tx) -> Progress:
        return Progress(
            sweep=await self._links.newest_sweep(tx),
            pending_count=await self._index.pending_count(tx, count_max=PENDING_COUNT_MAX),
        )

    async def _sweep_page(self) -> Settled:
        sweep = await self._db.read(self._links.newest_sweep)
        if sweep is None or sweep.end_time is not None:
            return Settled()
        page = await self._db.read(lambda tx: self._index.after(tx, sweep.cursor_id, page_size=PAGE))
        settled = await self._settle_page(page)
        cursor_id = page[-1].citizen_id if page else sweep.cursor_id
        counts = (len(page), settled.linked_count, settled.proposed_count)
        await self._db.write(
            lambda tx: self._links.advance_sweep(
                tx, sweep, cursor_id=cursor_id, counts=counts, is_end=not page, now=self._clock.now()
            )
        )
        return Settled(
            matched_count=len(page),
            linked_count=settled.linked_count,
            proposed_count=settled.proposed_count,
        )

    async def _settle_page(self, page: list[Filed]) -> Settled:
        total = Settled()
        for filed in page:
            matches = await self._db.read(
                partial(self._matcher.match, facts=filed.facts, own_id=filed.citizen_id)
            )
            total += await self._db.write(partial(self._settle, filed=filed, found=matches.found))
        return total

    async def _settle(self, tx: Tx, filed: Filed, found: tuple[Match, ...]) -> Settled:
        """Link, propose, or take back what was proposed of one person."""
        if not await self._index.is_current(tx, filed):
            return Settled(matched_count=1)
        stale = {
            (pair.citizen_id, pair.other_citizen_id): pair
            for pair in await self._links.proposed_of(tx, filed.citizen_id)
        }
        linked_count = proposed_count = 0
        for match in found:
            survivor = await self._links.survivor_of(tx, filed.citizen_id)
            other = await self._links.survivor_of(tx, match.citizen_id)
            if survivor == other:
                continue
            _, digest = await self._linker.compare(tx, survivor, other)
            before = await self._links.pair(tx, survivor, other)
            if before is not None and before.state is PairState.REJECTED and before.facts_digest == digest:
                continue
            if match.result.match_class is MatchClass.AUTOMATIC and await self._link(tx, survivor, other):
                linked_count += 1
                continue
            proposed_count += await self._propose(tx, (survivor, other), match.result, before, digest)
            stale.pop((min(survivor, other), max(survivor, other)), None)
        for ids, pair in stale.items():
            current = await self._links.pair(tx, *ids)
            if current is not None and current.state is PairState.PROPOSED:
                await self._links.set_state(tx, pair, PairState.GONE, now=self._clock.now())
                await self._close_case(tx, ids, FACTS_CHANGED)
        await self._index.settle(tx, filed)
        return Settled(matched_count=1, linked_count=linked_count, proposed_count=proposed_count)

    async def _link(self, tx: Tx, first_id: str, second_id: str) -> bool:
        """Link two who answer for themselves, unless all that stands behind them contradicts."""
        now = self._clock.now()
        people = [(each, await self._linker.facts(tx, each)) for each in (first_id, second_id)]
        survivor = choose_survivor(people)
        citizen_id = second_id if survivor == first_id else first_id
        plan = await self._linker.plan(tx, citizen_id, survivor)
        if plan.conflicts:
            return False
        await self._linker.link(tx, plan, reason=LinkReason.AUTOMATIC, caller=MATCHER, now=now)
        await self._close_case(tx, (citizen_id, survivor), LINKED)
        return True

    async def _propose(
        self, tx: Tx, ids: tuple[str, str], result: MatchResult, before: Pair | None, digest: bytes
    ) -> int:
        """Keep a pair for a steward and open its case; 1 when it was not waiting already."""
        is_waiting = before is not None and before.state is PairState.PROPOSED
        if is_waiting and before is not None and before.facts_digest == digest:
            return 0
        now = self._clock.now()
        await self._links.put_pair(tx, ids, result, state=PairState.PROPOSED, digest=digest, now=now)
        await self._cases.open(
            tx,
            cause=CaseCause.POSSIBLE_DUPLICATE,
            citizen_id=min(ids),
            other_citizen_id=max(ids),
            evidence=_evidence(result),
            now=now,
        )
        return int(not is_waiting)

    async def _close_case(self, tx: Tx, ids: tuple[str, str], resolution: str) -> None:
        await self._cases.close(
            tx,
            cause=CaseCause.POSSIBLE_DUPLICATE,
            citizen_id=ids[0],
            other_citizen_id=ids[1],
            resolution=resolution,
            now=self._clock.now(),
        )


def _evidence(result: MatchResult) -> dict[str, str]:
    """The codes of a verdict for its case; no value of anybody."""
    levels = {each.field: str(each.level) for each in result.evidence}
    return {**levels, "weight_bits": f"{result.weight_bits:.1f}", "rules": ",".join(result.rules)}
