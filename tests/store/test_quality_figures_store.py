"""The quality figures on both databases: every record is counted once, whatever befalls the worker."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

from chassis.db import Tx
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.linking import LinkReason
from identity_svc.domain.model import Outcome
from identity_svc.domain.quality_figures import Days, Tally
from identity_svc.operations.quality_figures import QualityCounter
from identity_svc.store.figures_store import FiguresStore, Place
from tests.support.identity import START, card_text
from tests.support.quality import QUALITY_QUERIES_FILES, STEWARD, Quality, fresh_key
from tests.support.stores import OpenStore

DAY = date(2026, 3, 2)
MISMATCH = {"full_name": ("MISMATCH", "DIFFERENT")}


@pytest.fixture
async def quality(open_store: OpenStore, tmp_path: Path) -> Quality:
    return Quality(await open_store("identity_svc", queries=QUALITY_QUERIES_FILES), tmp_path)


async def test_every_record_is_counted_once_though_the_worker_dies_between_pages(
    quality: Quality, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_svc.operations.quality_figures.RECORDS_PAGE", 1)
    await _some_days(quality)
    quality.clock.advance(timedelta(days=1))

    # A worker for each page: each starts with nothing but what the last one committed.
    page_count = 0
    while await _worker(quality).count_page():
        page_count += 1

    assert page_count > 4
    await _assert_figures_of_some_days(quality)


async def test_a_worker_killed_inside_a_page_leaves_nothing_of_it(
    quality: Quality, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_svc.operations.quality_figures.RECORDS_PAGE", 1)
    await _some_days(quality)
    quality.clock.advance(timedelta(days=1))
    apply = FiguresStore.apply

    async def apply_and_die(self: FiguresStore, tx: Tx, tally: Tally) -> None:
        await apply(self, tx, tally)
        raise KeyError("killed after the counters were written and before the end of the transaction")

    death_count = 0
    for _ in range(20):
        monkeypatch.setattr(FiguresStore, "apply", apply_and_die)
        try:
            await _worker(quality).count_page()
        except KeyError:
            death_count += 1
            monkeypatch.setattr(FiguresStore, "apply", apply)
            await _worker(quality).count_page()

    assert death_count > 3
    await _assert_figures_of_some_days(quality)


async def test_two_workers_side_by_side_count_every_record_once(
    quality: Quality, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity_svc.operations.quality_figures.RECORDS_PAGE", 2)
    await _some_days(quality)
    quality.clock.advance(timedelta(days=1))

    await asyncio.gather(*(_worker(quality).count_all() for _ in range(4)))

    await _assert_figures_of_some_days(quality)


async def test_a_rebuild_gives_the_same_counters(quality: Quality, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity_svc.operations.quality_figures.RECORDS_PAGE", 3)
    days = Days(from_date=DAY, to_date=DAY + timedelta(days=30))
    await _some_days(quality)
    await quality.count()
    counted = [page async for page in quality.figures.export(Place(), days)]

    await quality.figures.rebuild(fresh_key(), STEWARD)
    assert (await quality.figures.get(Place(), days)).counted_time is None
    await asyncio.gather(*(_worker(quality).count_all() for _ in range(3)))

    assert [page async for page in quality.figures.export(Place(), days)] == counted
    assert counted


async def test_a_merged_record_counts_nowhere_until_it_is_taken_apart(quality: Quality) -> None:
    one = (await quality.scan(card_text())).citizen.citizen_id
    two = (await quality.scan(card_text(number="099190000025", birth="05061985"))).citizen.citizen_id

    async def merge(tx: Tx) -> None:
        plan = await quality.linker.plan(tx, two, one)
        await quality.linker.link(
            tx, plan, reason=LinkReason.STEWARD, caller=STEWARD, now=quality.clock.now()
        )

    await quality.count()
    counts = [await _people(quality)]
    await quality.db.write(merge)
    await quality.count()
    counts.append(await _people(quality))
    await quality.db.write(lambda tx: quality.linker.unlink(tx, two, caller=STEWARD, now=quality.clock.now()))
    await quality.count()
    counts.append(await _people(quality))

    assert counts == [(2, 2), (1, 1), (2, 2)]


async def _people(quality: Quality) -> tuple[int, int]:
    total = (await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY))).total
    return total.people_count, total.people_with(Outcome.VERIFIED)


async def test_what_is_too_young_is_counted_later(quality: Quality) -> None:
    await quality.scan(card_text())

    await quality.parts.counter.count_all()
    early = await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY))
    await quality.count()
    late = await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY))

    assert (early.total.checks_count, late.total.checks_count) == (0, 1)


def _worker(quality: Quality) -> QualityCounter:
    """A worker that knows nothing yet, as after a restart."""
    return QualityCounter(db=quality.db, store=FiguresStore(), clock=quality.clock)


async def _some_days(quality: Quality) -> None:
    """Day 0: one verified, one disputed. Day 1: the second verified, its case closed. Day 2: nobody."""
    first = card_text()
    second = card_text(number="099190000025", name="Trần Thị Bình", birth="05061985", issue="")
    await quality.scan(first)
    quality.register.results = MISMATCH
    await quality.scan(second)
    quality.register.results = {}
    quality.clock.advance(timedelta(days=1))
    await quality.scan(second)
    for index in range(5):
        await quality.see(CaseCause.CHIP_INVALID, await quality.person(f"person-{index}"))
    quality.clock.advance(timedelta(days=1))


async def _assert_figures_of_some_days(quality: Quality) -> None:
    report = await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY + timedelta(days=2)))
    days = report.trend
    assert START.date() == DAY
    assert [day.people_count for day in days] == [2, 7, 7]
    assert [day.checks_count for day in days] == [2, 1, 0]
    assert [day.stock.get("PEOPLE_DISPUTED", 0) for day in days] == [1, 0, 0]
    assert [day.confirmed_pct for day in days] == [50.0, 28.57, 28.57]
    names = [next(each for each in day.dirt if each.dirt_class == "NAME") for day in days]
    assert [(each.opened_count, each.closed_count, each.open_count) for each in names] == [
        (1, 0, 1),
        (0, 1, 0),
        (0, 0, 0),
    ]
    chips = [next(each for each in day.dirt if each.dirt_class == "CHIP").open_count for day in days]
    assert chips == [0, 5, 5]
    assert sum(ward.people_count for ward in report.wards) == report.total.people_count == 7
