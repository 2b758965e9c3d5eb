"""Compare what a month claimed with what the insurer accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.claim_values import Settlement
from insurance_svc.store.settlement_store import Difference, MonthTotals, SettlementStore

_PAGE = 500
CLAIMS, FOREIGN = "c", "l"
"""Which list a page goes on in: claims of ours, then results that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Refused amounts of one cause, hundredths of a dong."""

    cause: str
    claim_count: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a month came to."""

    settlement: Settlement | None
    totals: MonthTotals
    refused: tuple[Refused, ...]
    differences: tuple[Difference, ...]
    next_page: tuple[str, str] | None
    """List and key after which the next page begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Month:
    """What is compared with what."""

    facility: str
    month: str
    settlement_id: str
    """Empty while no file was taken in."""


class CompareSettlement:
    """The verb behind CompareSettlement."""

    def __init__(self, *, db: Database, store: SettlementStore) -> None:
        self._db = db
        self._store = store

    async def __call__(
        self, month: str, caller: Caller, *, after: tuple[str, str], page_size: int
    ) -> Comparison:
        """Totals, causes and a page of differences; all of one moment."""

        async def work(tx: Tx) -> Comparison:
            settlement = await self._store.newest(tx, facility=caller.facility, month=month)
            asked = _Month(
                facility=caller.facility,
                month=month,
                settlement_id=settlement.settlement_id if settlement else "",
            )
            page, next_page = await self._page(tx, asked, after, page_size)
            return Comparison(
                settlement=settlement,
                totals=await self._store.totals(
                    tx, facility=asked.facility, month=month, settlement_id=asked.settlement_id
                ),
                refused=await self._refused(tx, asked),
                differences=tuple(page),
                next_page=next_page,
            )

        return await self._db.read(work)

    async def _page(
        self, tx: Tx, asked: _Month, after: tuple[str, str], page_size: int
    ) -> tuple[list[Difference], tuple[str, str] | None]:
        place, key = after
        found: list[Difference] = []
        if place == CLAIMS:
            found = await self._claims(tx, asked, key, page_size + 1)
            if len(found) > page_size:
                return found[:page_size], (CLAIMS, found[page_size - 1].key)
            key = "0"
        left = page_size - len(found)
        more = await self._store.foreign(
            tx,
            month=asked.month,
            settlement_id=asked.settlement_id,
            after_number=int(key),
            page_size=left + 1,
        )
        whole = [*found, *more[:left]]
        if len(more) <= left:
            return whole, None
        return whole, (FOREIGN, more[left - 1].key if left else key)

    async def _refused(self, tx: Tx, asked: _Month) -> tuple[Refused, ...]:
        """Refused amounts by the insurer's cause, largest first; causes are sealed, so they are read one by one."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        async for each in self._told(tx, asked):
            short = (each.claimed or 0) - (each.accepted or 0)
            if short > 0:
                sums[each.cause][0] += 1
                sums[each.cause][1] += short
        found = [
            Refused(cause=cause, claim_count=count, amount=amount) for cause, (count, amount) in sums.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.amount, each.cause)))

    async def _told(self, tx: Tx, asked: _Month) -> AsyncIterator[Difference]:
        """Every claim of the month that the file holds with another amount."""
        after_id = ""
        while asked.settlement_id:
            page = await self._claims(tx, asked, after_id, _PAGE)
            for each in page:
                if each.accepted is not None:
                    yield each
            if len(page) < _PAGE:
                return
            after_id = page[-1].key

    async def _claims(self, tx: Tx, asked: _Month, after_id: str, page_size: int) -> list[Difference]:
        return await self._store.differences(
            tx,
            facility=asked.facility,
            month=asked.month,
            settlement_id=asked.settlement_id,
            after_id=after_id,
            page_size=page_size,
        )
