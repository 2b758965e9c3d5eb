"""A re-coding that is killed between or inside pages goes on where it stood, and no person is done twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chassis.clock import SystemIds
from chassis.db import Tx
from identity_svc.domain.recoding import Finding, RecodingState
from identity_svc.operations import recode_walk
from identity_svc.server.parts import unit_parts
from tests.support.identity import QUERIES_FILES, Identity
from tests.support.residents import (
    GIA_SANG,
    NAM_MAU,
    NOWHERE,
    STEWARD,
    UNITS,
    applied,
    counted,
    fresh_key,
    lives,
    settle,
    walk,
)
from tests.support.stores import OpenStore

PEOPLE = [NAM_MAU, GIA_SANG, NOWHERE, NAM_MAU, NAM_MAU] * 8
TOTALS = {Finding.MERGED: 24, Finding.SPLIT: 8, Finding.UNRESOLVED: 8}


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    monkeypatch.setattr(recode_walk, "PAGE_SIZE", 7)
    monkeypatch.setattr(recode_walk, "PAUSE_S", 0.0)
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


def restart(identity: Identity) -> None:
    """Build the parts anew, as a new process does: nothing but the store is remembered."""
    identity.units = unit_parts(
        db=identity.db,
        store=identity.store,
        desk=identity.desk,
        index=identity.index,
        clock=identity.clock,
        ids=SystemIds(),
    )


async def versions(identity: Identity, ids: list[str]) -> list[int]:
    """How many residences each person has."""

    async def work(tx: Tx) -> list[int]:
        return [len(await UNITS.history(tx, each)) for each in ids]

    return await identity.db.read(work)


async def run_with_kills(identity: Identity, *, kills: int) -> None:
    """Run the worker and cancel it again and again at other moments, each time with new parts."""
    for number in range(kills):
        worker = asyncio.create_task(identity.units.walker.run())
        for _ in range(number * 7 % 31):
            await asyncio.sleep(0.001)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        restart(identity)


async def test_a_killed_walk_goes_on_and_does_everybody_once(identity: Identity) -> None:
    ids = await settle(identity, PEOPLE)
    order = await identity.units.recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)
    recoding_id = order.recoding.recoding_id

    await run_with_kills(identity, kills=12)
    await walk(identity)
    dry = await identity.units.recodings.get(recoding_id)
    await identity.units.recodings.apply(recoding_id, key=fresh_key("ApplyRecoding"), caller=STEWARD)
    await run_with_kills(identity, kills=12)
    await walk(identity)
    done = await identity.units.recodings.get(recoding_id)
    after_apply = await versions(identity, ids)
    await identity.units.recodings.undo(recoding_id, key=fresh_key("UndoRecoding"), caller=STEWARD)
    await run_with_kills(identity, kills=12)
    await walk(identity)
    undone = await identity.units.recodings.get(recoding_id)

    assert dry.totals == done.totals == TOTALS
    assert (dry.recoding.done_count, done.recoding.done_count) == (40, 40)
    assert after_apply == [1] * 40
    assert undone.recoding.state is RecodingState.UNDONE
    assert undone.totals == {Finding.RESTORED: 40}
    assert await versions(identity, ids) == [2] * 40
    assert [await lives(identity, each) for each in ids] == [None] * 40


async def test_progress_is_seen_between_the_pages(identity: Identity) -> None:
    await settle(identity, PEOPLE)
    order = await identity.units.recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)

    seen = []
    while await identity.units.walker.step():
        report = await identity.units.recodings.get(order.recoding.recoding_id)
        seen.append((report.recoding.state, report.recoding.done_count, report.recoding.total_count))

    assert [done for _, done, _ in seen] == [7, 14, 21, 28, 35, 40]
    assert {total for _, _, total in seen} == {40}
    assert [state for state, _, _ in seen] == [RecodingState.COUNTING] * 5 + [RecodingState.COUNTED]


async def test_two_walkers_share_the_pages_and_do_nobody_twice(identity: Identity) -> None:
    ids = await settle(identity, PEOPLE)
    run = await counted(identity)
    await identity.units.recodings.apply(
        run.recoding.recoding_id, key=fresh_key("ApplyRecoding"), caller=STEWARD
    )
    first = identity.units.walker
    restart(identity)
    second = identity.units.walker

    async def to_the_end(walker: recode_walk.Walker) -> None:
        while await walker.step():
            pass

    await asyncio.gather(to_the_end(first), to_the_end(second))

    report = await identity.units.recodings.get(run.recoding.recoding_id)
    assert report.recoding.state is RecodingState.APPLIED
    assert report.totals == TOTALS
    assert await versions(identity, ids) == [1] * 40


async def test_the_worker_sleeps_until_a_walk_is_ordered(identity: Identity) -> None:
    await settle(identity, PEOPLE)
    worker = asyncio.create_task(identity.units.walker.run())
    await asyncio.sleep(0.05)

    order = await identity.units.recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)
    async with asyncio.timeout(recode_walk.IDLE_S * 0.8):
        while True:
            report = await identity.units.recodings.get(order.recoding.recoding_id)
            if report.recoding.state is RecodingState.COUNTED:
                break
            await asyncio.sleep(0.01)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    assert report.totals == TOTALS
    assert (await applied(identity, report.recoding)).totals == TOTALS
