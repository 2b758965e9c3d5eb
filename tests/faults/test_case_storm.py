"""Many clerks see one doubt at one instant: exactly one case comes of it, on both databases."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from chassis import audit
from chassis.clock import SystemIds
from identity_svc.domain.cases import Case, CaseCause, CaseStep
from identity_svc.operations.cases import CaseDesk
from identity_svc.store.quality_store import CaseFilter, QualityStore
from tests.support.identity import QUERIES_FILES, START, Identity
from tests.support.stores import OpenStore

STORM = 64


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
def store(identity: Identity) -> QualityStore:
    return QualityStore(identity.store.cipher)


@pytest.fixture
def desk(store: QualityStore) -> CaseDesk:
    return CaseDesk(store, SystemIds())


async def _person(identity: Identity, name: str) -> str:
    await identity.db.write(lambda tx: identity.store.add_citizen(tx, f"citizen-{name}", now=START))
    return f"citizen-{name}"


async def _queue(identity: Identity, store: QualityStore) -> list[Case]:
    return await identity.db.read(
        lambda tx: store.page(tx, CaseFilter(), after=("", ""), page_size=500, now=START)
    )


async def test_64_sightings_of_one_doubt_open_one_case_and_are_all_counted(
    identity: Identity, store: QualityStore, desk: CaseDesk
) -> None:
    citizen_id = await _person(identity, "1")

    async def see() -> str:
        return await identity.db.write(
            lambda tx: desk.open(
                tx, cause=CaseCause.NAME_DIFFERS, citizen_id=citizen_id, field="full_name", now=START
            )
        )

    case_ids = await asyncio.gather(*(see() for _ in range(STORM)))

    (case,) = await _queue(identity, store)
    assert set(case_ids) == {case.case_id}
    assert case.seen_count == STORM
    history = await identity.db.read(lambda tx: store.events(tx, citizen_id, case.case_id))
    assert [event.step for event in history] == [CaseStep.OPENED]
    entries = await identity.db.read(lambda tx: audit.entries_of(tx, subject=citizen_id))
    assert [entry.action for entry in entries].count("case_opened") == 1


async def test_a_pair_seen_from_both_sides_64_times_opens_one_case(
    identity: Identity, store: QualityStore, desk: CaseDesk
) -> None:
    one, two = await _person(identity, "1"), await _person(identity, "2")

    async def see(citizen_id: str, other_citizen_id: str) -> str:
        return await identity.db.write(
            lambda tx: desk.open(
                tx,
                cause=CaseCause.POSSIBLE_DUPLICATE,
                citizen_id=citizen_id,
                other_citizen_id=other_citizen_id,
                now=START,
            )
        )

    pairs = [(one, two), (two, one)] * (STORM // 2)
    await asyncio.gather(*(see(*pair) for pair in pairs))

    (case,) = await _queue(identity, store)
    assert (case.citizen_id, case.other_citizen_id) == tuple(sorted((one, two)))
    assert case.seen_count == STORM


async def test_cases_closed_while_they_are_seen_again_leave_one_open_that_points_back(
    identity: Identity, store: QualityStore, desk: CaseDesk
) -> None:
    citizen_id = await _person(identity, "1")

    async def see() -> str:
        return await identity.db.write(
            lambda tx: desk.open(tx, cause=CaseCause.CHIP_INVALID, citizen_id=citizen_id, now=START)
        )

    async def close() -> int:
        return await identity.db.write(
            lambda tx: desk.close(
                tx,
                cause=CaseCause.CHIP_INVALID,
                citizen_id=citizen_id,
                resolution="CLEAN_CHECK",
                now=START,
            )
        )

    await asyncio.gather(*(each() for _ in range(STORM // 4) for each in (see, close)))
    last_id = await see()

    (case,) = await _queue(identity, store)
    assert case.case_id == last_id
    seen_count, earlier_id = case.seen_count, case.earlier_case_id
    while earlier_id:
        earlier = await identity.db.read(partial(store.read, citizen_id=citizen_id, case_id=earlier_id))
        assert earlier is not None
        assert not earlier.state.is_open
        seen_count, earlier_id = seen_count + earlier.seen_count, earlier.earlier_case_id
    assert seen_count == STORM // 4 + 1
