"""Re-code the whole register: order a dry run, apply it, take it back, and read how far it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.recoding import WALK_OF, Finding, Recoding, RecodingItem, RecodingState
from identity_svc.domain.units_errors import RecodingNotFound, RecodingStateWrong, RecodingUnderWay
from identity_svc.store.units_recoding import RecodingStore

TOPIC = "recoding"
"""Wakes the walker of this process when a walk was ordered."""
NEWEST = "~"
"""Sorts behind every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecodingReport:
    """A re-coding with the people per finding of its newest walk."""

    recoding: Recoding
    totals: dict[Finding, int]


class Recodings:
    """The verbs about re-codings; the walks themselves are `recode_walk.Walker`'s."""

    def __init__(self, *, db: Database, store: RecodingStore, clock: Clock, ids: Ids) -> None:
        self._db = db
        self._store = store
        self._clock = clock
        self._ids = ids

    async def start(self, *, key: RequestKey, caller: Caller) -> RecodingReport:
        """Order a re-coding, which begins with its dry run.

        Raises:
            RecodingUnderWay: another one walks through the register.
        """
        total_count = await self._db.read(self._store.count_citizens)
        fresh_id = self._ids.new()

        async def order(tx: Tx) -> None:
            await self._store.add(
                tx, fresh_id, total_count=total_count, requester=caller.subject, now=self._clock.now()
            )

        return await self._order(fresh_id, order, action="start_recoding", key=key, caller=caller)

    async def apply(self, recoding_id: str, *, key: RequestKey, caller: Caller) -> RecodingReport:
        """Order that a counted re-coding be applied.

        Raises:
            RecodingNotFound, RecodingStateWrong, RecodingUnderWay.
        """
        total_count = await self._db.read(self._store.count_citizens)

        async def order(tx: Tx) -> None:
            await self._begin(
                tx,
                recoding_id,
                wanted=RecodingState.COUNTED,
                state=RecodingState.APPLYING,
                total_count=total_count,
                caller=caller,
            )

        return await self._order(recoding_id, order, action="apply_recoding", key=key, caller=caller)

    async def undo(self, recoding_id: str, *, key: RequestKey, caller: Caller) -> RecodingReport:
        """Order that an applied re-coding be taken back; its cases stay, for the doubts do.

        Raises:
            RecodingNotFound, RecodingStateWrong, RecodingUnderWay.
        """
        total_count = await self._db.read(lambda tx: self._store.count_batch(tx, recoding_id))

        async def order(tx: Tx) -> None:
            await self._begin(
                tx,
                recoding_id,
                wanted=RecodingState.APPLIED,
                state=RecodingState.UNDOING,
                total_count=total_count,
                caller=caller,
            )

        return await self._order(recoding_id, order, action="undo_recoding", key=key, caller=caller)

    async def get(self, recoding_id: str) -> RecodingReport:
        """Read a re-coding.

        Raises:
            RecodingNotFound: nobody ordered it.
        """
        return await self._db.read(lambda tx: self._report(tx, recoding_id))

    async def page(self, *, before: str, page_size: int) -> list[RecodingReport]:
        """Re-codings made before an id, newest first; `before` empty for the newest."""

        async def read(tx: Tx) -> list[RecodingReport]:
            found = await self._store.page(tx, before=before or NEWEST, page_size=page_size)
            return [await self._with_totals(tx, each) for each in found]

        return await self._db.read(read)

    async def figures(
        self, recoding_id: str, *, after: tuple[str, str], page_size: int
    ) -> list[tuple[Finding, str, int]]:
        """People per finding and old commune of the newest walk, after a (finding, old commune).

        Raises:
            RecodingNotFound: nobody ordered it.
        """

        async def read(tx: Tx) -> list[tuple[Finding, str, int]]:
            recoding = await self._existing(tx, recoding_id)
            walk = WALK_OF[recoding.state]
            return await self._store.figures(tx, recoding_id, walk, after=after, page_size=page_size)

        return await self._db.read(read)

    async def items(
        self, recoding_id: str, *, after: str, page_size: int, caller: Caller
    ) -> list[RecodingItem]:
        """People of the newest walk that a person has to look at; each of them reads later who saw them.

        Raises:
            RecodingNotFound: nobody ordered it.
        """
        trace_id = current_trace_id()

        async def disclose(tx: Tx) -> list[RecodingItem]:
            recoding = await self._existing(tx, recoding_id)
            walk = WALK_OF[recoding.state]
            items = await self._store.items(tx, recoding_id, walk, after=after, page_size=page_size)
            for item in items:
                await audit.record(
                    tx,
                    action="list_recoding_items",
                    resource=f"recodings/{recoding_id}",
                    subject=item.citizen_id,
                    caller=caller,
                    outcome="ok",
                    trace_id=trace_id,
                    now=self._clock.now(),
                )
            return items

        return await self._db.write(disclose)

    async def _existing(self, tx: Tx, recoding_id: str) -> Recoding:
        recoding = await self._store.read(tx, recoding_id)
        if recoding is None:
            raise RecodingNotFound
        return recoding

    async def _begin(
        self,
        tx: Tx,
        recoding_id: str,
        *,
        wanted: RecodingState,
        state: RecodingState,
        total_count: int,
        caller: Caller,
    ) -> None:
        recoding = await self._existing(tx, recoding_id)
        if recoding.state is not wanted:
            raise RecodingStateWrong(state=recoding.state, wanted=wanted)
        await self._store.begin_walk(
            tx,
            recoding_id,
            state,
            total_count=total_count,
            requester=caller.subject,
            now=self._clock.now(),
        )

    async def _order(
        self,
        recoding_id: str,
        order: Callable[[Tx], Awaitable[None]],
        *,
        action: str,
        key: RequestKey,
        caller: Caller,
    ) -> RecodingReport:
        trace_id = current_trace_id()

        async def work(tx: Tx) -> RecodingReport:
            if (done := await recall(tx, key)) is not None:
                return await self._report(tx, done)
            walking = await self._store.walking(tx)
            if walking is not None:
                raise RecodingUnderWay(walking.recoding_id)
            await order(tx)
            await audit.record(
                tx,
                action=action,
                resource=f"recodings/{recoding_id}",
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=self._clock.now(),
            )
            await remember(tx, key, recoding_id)
            tx.topics.add(TOPIC)
            return await self._report(tx, recoding_id)

        return await self._db.write(work)

    async def _report(self, tx: Tx, recoding_id: str) -> RecodingReport:
        return await self._with_totals(tx, await self._existing(tx, recoding_id))

    async def _with_totals(self, tx: Tx, recoding: Recoding) -> RecodingReport:
        totals = await self._store.totals(tx, recoding.recoding_id, WALK_OF[recoding.state])
        return RecodingReport(recoding=recoding, totals=totals)
