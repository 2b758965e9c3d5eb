"""Count records into figures page by page, and read the figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.db.columns import to_text, to_time
from chassis.errors import AppError
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.quality_figures import (
    Days,
    QualityFigure,
    Record,
    Slot,
    Source,
    Tally,
    figures_of,
    in_order,
)
from identity_svc.store.figures_store import FiguresStore, Place, Position

LAG = timedelta(minutes=2)
"""Records younger than this wait: a moment is taken before its transaction ends, and no call lasts that long."""
WAIT_S = 30.0
"""How long the worker sleeps when everything is counted."""
RECORDS_PAGE = 500
COUNTERS_PAGE = 1_000
_log = structlog.get_logger("identity.quality_figures")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The figures of a place and a time."""

    days: Days
    total: QualityFigure
    wards: tuple[QualityFigure, ...]
    trend: tuple[QualityFigure, ...]
    counted_time: datetime | None
    """Everything before it is counted; None before the first whole pass and while a new count runs."""


class QualityCounter:
    """The worker that counts; beside it check-ins pay nothing for the figures.

    Each page of records is counted in one transaction with the position behind it: killed anywhere, it goes on
    where it stood, and of two workers one counts a page.
    """

    def __init__(self, *, db: Database, store: FiguresStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Count for ever."""
        while True:
            try:
                has_more = await self.count_page()
            except AppError as error:
                _log.warning("quality figures not counted", reason=error.reason)
                has_more = False
            await asyncio.sleep(0 if has_more else WAIT_S)

    async def count_all(self) -> None:
        """Count until nothing is left that is old enough."""
        while await self.count_page():
            pass

    async def count_page(self) -> bool:
        """Count one page; False when everything old enough is counted."""
        before_time = self._clock.now() - LAG
        position, records = await self._db.read(partial(self._next, before_time=before_time))
        if position.is_clearing:
            await self._db.write(partial(self._clear, position=position))
            return True
        if records:
            # Not serializable: the changed position says whose page it is, and what was read never changes.
            await self._db.write(partial(self._count, position=position, records=records), serializable=False)
            return True
        counted = replace(position, counted_time=to_text(before_time))
        if position != counted:
            await self._db.write(lambda tx: self._store.move(tx, former=position, position=counted))
        return False

    async def _next(self, tx: Tx, *, before_time: datetime) -> tuple[Position, list[tuple[Source, Record]]]:
        position = await self._store.position(tx)
        pages = {
            source: await self._store.records(
                tx, source, position, before_time=before_time, page_size=RECORDS_PAGE
            )
            for source in Source
        }
        return position, in_order(pages, page_size=RECORDS_PAGE)

    async def _count(self, tx: Tx, *, position: Position, records: list[tuple[Source, Record]]) -> None:
        keys = dict(position.keys)
        keys.update({source.value: list(record.key) for source, record in records})
        moved = replace(position, keys=keys)
        if not await self._store.move(tx, former=position, position=moved):
            return
        citizen_ids = {record.citizen_id for _, record in records}
        tally = Tally(await self._store.standings(tx, citizen_ids))
        for source, record in records:
            tally.add(source, record)
        await self._store.apply(tx, tally)

    async def _clear(self, tx: Tx, *, position: Position) -> None:
        # Moved first, as in _count: a worker that is late must not remove what is being counted anew.
        moved = replace(position, cleared_count=position.cleared_count + 1)
        if not await self._store.move(tx, former=position, position=moved):
            return
        if await self._store.clear(tx, page_size=RECORDS_PAGE):
            await self._store.move(tx, former=moved, position=Position())


class QualityFigures:
    """The verbs that read the figures or have them counted anew."""

    def __init__(self, *, db: Database, store: FiguresStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def get(self, place: Place, days: Days) -> QualityReport:
        """The figures of a place and a time."""

        async def work(tx: Tx) -> QualityReport:
            position = await self._store.position(tx)
            before, by_ward, by_day = await self._store.sums(tx, place, days)
            total, wards, trend = figures_of(days, before=before, by_ward=by_ward, by_day=by_day)
            return QualityReport(
                days=days,
                total=total,
                wards=tuple(wards),
                trend=tuple(trend),
                counted_time=to_time(position.counted_time) if position.counted_time else None,
            )

        return await self._db.read(work)

    async def export(self, place: Place, days: Days) -> AsyncIterator[list[tuple[Slot, int]]]:
        """The counters of a place and a time, page by page."""
        after: Slot | None = None
        while True:
            page = await self._db.read(
                partial(self._store.counters, place=place, days=days, after=after, page_size=COUNTERS_PAGE)
            )
            if page:
                yield page
            if len(page) < COUNTERS_PAGE:
                return
            after = page[-1][0]

    async def rebuild(self, key: RequestKey, caller: Caller) -> None:
        """Have everything counted again from the records, by the worker; until then the figures are partial.

        People are counted in today's commune: after a re-coding the past is told in the new communes.
        """

        async def work(tx: Tx) -> None:
            if await recall(tx, key) is not None:
                return
            former = await self._store.position(tx)
            await self._store.move(tx, former=former, position=Position(is_clearing=True))
            await audit.record(
                tx,
                action="rebuild_quality_figures",
                resource="qualityFigures",
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            await remember(tx, key, "done")

        await self._db.write(work)
