"""The master index on real stores: what is linked, proposed, remembered, and what undoing gives back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from chassis import audit
from chassis.db.migrations import schema_sql
from chassis.db.queries import load_queries
from chassis.db.schema_text import for_engine, statements
from chassis.db.sqlite_module import choose_sqlite
from chassis.errors import AppError
from identity_svc.domain.index_errors import (
    CitizenAlreadyMerged,
    CitizenNotMerged,
    DuplicateNotProposed,
    FactsIncomplete,
    MergeHasConflicts,
    MergePlanOutdated,
    MergeWithItself,
    RematchRunning,
    UnmergeSurvivorFirst,
)
from identity_svc.domain.linking import Conflict, LinkReason
from identity_svc.domain.match_scoring import MatchClass, Rule
from identity_svc.domain.matching import MatchFacts
from identity_svc.domain.model import Gender, IdentifierKind
from identity_svc.operations.merge import Duplicates
from identity_svc.operations.rematch import Rematch
from identity_svc.store.index_store import BLOCK_MAX, INDEX_QUERIES
from identity_svc.store.link_store import PairState
from tests.support.identity import CLERK, QUERIES_FILES, Identity, card_text
from tests.support.index_people import (
    DUMP_QUERIES,
    STEWARD,
    add_person,
    citizen_number,
    dump,
    match_all,
    request,
)
from tests.support.stores import OpenStore

FIRST = ("", "", "")


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=(*QUERIES_FILES, DUMP_QUERIES)), tmp_path)


@pytest.fixture
def duplicates(identity: Identity) -> Duplicates:
    return identity.doubles.duplicates


async def merged(duplicates: Duplicates, citizen_id: str, survivor_id: str) -> None:
    plan = await duplicates.plan(citizen_id, survivor_id)
    await duplicates.merge(
        citizen_id, survivor_id, digest=plan.digest, accept_conflicts=True, key=request(), caller=STEWARD
    )


async def owner(identity: Identity, number: str) -> str | None:
    kind = IdentifierKind.CITIZEN_NUMBER
    return await identity.db.read(lambda tx: identity.store.find_owner(tx, kind, number))


async def test_an_equal_strong_identity_is_linked_by_itself_and_reversibly(
    identity: Identity, duplicates: Duplicates
) -> None:
    first = await add_person(identity, citizen=citizen_number())
    second = await add_person(identity, name="Tẩn Thị Mỉ")

    await match_all(identity)

    (link,) = await duplicates.links_of(second, before_id="~", page_size=10)
    assert (link.survivor_id, link.reason) == (first, LinkReason.AUTOMATIC)
    await duplicates.unmerge(second, key=request(), caller=STEWARD)
    await match_all(identity)
    again = await duplicates.links_of(second, before_id="~", page_size=10)
    assert [each.end_time is None for each in again] == [False]


async def test_different_citizen_numbers_are_never_linked_but_proposed_with_evidence(
    identity: Identity, duplicates: Duplicates
) -> None:
    first = await add_person(identity, citizen="099190123456")
    second = await add_person(identity, citizen="099190654321")

    await match_all(identity)

    (pair,) = await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10)
    assert {pair.citizen_id, pair.other_citizen_id} == {first, second}
    assert Rule.CITIZEN_NUMBERS_DIFFER in pair.rules
    assert {each.field for each in pair.evidence} >= {"full_name", "birth_date", "citizen_number"}
    cases = await identity.db.read(lambda tx: tx.all("quality_open_cases_of", citizen_id=first, page_size=10))
    assert [case["cause"] for case in cases] == ["POSSIBLE_DUPLICATE"]


async def test_matching_both_of_a_pair_opens_one_case(identity: Identity, duplicates: Duplicates) -> None:
    await add_person(identity, name="Nguyễn Văn Đức", gender=Gender.MALE)
    await add_person(identity, name="Nguyen Van Duc", gender=Gender.MALE)

    for _ in range(3):
        await identity.doubles.rematch.start(key=request(), caller=STEWARD)
        await match_all(identity)

    assert len(await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10)) == 1


async def test_a_rejected_pair_stays_apart_until_facts_change(
    identity: Identity, duplicates: Duplicates
) -> None:
    first = await add_person(identity, citizen="099190123456")
    second = await add_person(identity, citizen="099190654321")
    await match_all(identity)

    rejected = await duplicates.reject(second, first, key=request(), caller=STEWARD)
    await identity.doubles.rematch.start(key=request(), caller=STEWARD)
    await match_all(identity)
    quiet = await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10)
    moved = MatchFacts(
        full_name="Tẩn Thị Mỷ",
        birth_date="1990-03-02",
        gender="female",
        identifiers=((IdentifierKind.CITIZEN_NUMBER, "099190654321"),),
    )
    await identity.db.write(lambda tx: identity.index.note(tx, second, moved, now=identity.clock.now()))
    await match_all(identity)

    assert rejected.state is PairState.REJECTED
    assert quiet == []
    assert len(await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10)) == 1


async def test_a_proposal_goes_away_when_facts_no_longer_suggest_it(
    identity: Identity, duplicates: Duplicates
) -> None:
    await add_person(identity, citizen="099190123456")
    second = await add_person(identity, citizen="099190654321")
    await match_all(identity)

    other = MatchFacts(full_name="Lầu A Páo", birth_date="1961-11-30", gender="male")
    await identity.db.write(lambda tx: identity.index.note(tx, second, other, now=identity.clock.now()))
    await match_all(identity)

    assert await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10) == []
    assert len(await duplicates.pairs(PairState.GONE, after=FIRST, page_size=10)) == 1


async def test_confirming_links_and_closes_the_case_and_a_conflict_needs_a_plan(
    identity: Identity, duplicates: Duplicates
) -> None:
    first = await add_person(identity, name="Nguyễn Văn Đức", gender=Gender.MALE, citizen=citizen_number())
    second = await add_person(identity, name="Nguyen Van Duc", gender=Gender.MALE)
    third = await add_person(identity, citizen="099190123456")
    fourth = await add_person(identity, citizen="099190654321")
    await match_all(identity)

    link = await duplicates.confirm(first, second, key=request(), caller=STEWARD)
    with pytest.raises(DuplicateNotProposed):
        await duplicates.confirm(first, second, key=request(), caller=STEWARD)
    with pytest.raises(MergeHasConflicts):
        await duplicates.confirm(third, fourth, key=request(), caller=STEWARD)

    assert (link.citizen_id, link.survivor_id, link.reason) == (second, first, LinkReason.STEWARD)
    assert not await identity.db.read(
        lambda tx: tx.all("quality_open_cases_of", citizen_id=first, page_size=10)
    )


async def test_a_plan_counts_rows_and_names_conflicts_and_an_outdated_one_is_refused(
    identity: Identity, duplicates: Duplicates
) -> None:
    first = await add_person(identity, citizen="099190123456", insurance="9900000001")
    second = await add_person(identity, name="Lầu Thị Mỷ", citizen="099190654321", insurance="9900000002")

    plan = await duplicates.plan(second, first)
    with pytest.raises(MergeHasConflicts):
        await duplicates.merge(
            second, first, digest=plan.digest, accept_conflicts=False, key=request(), caller=STEWARD
        )
    third = await add_person(identity, name="Sùng Thị Say", birth="1950-01-01")
    await merged(duplicates, third, second)
    with pytest.raises(MergePlanOutdated):
        await duplicates.merge(
            second, first, digest=plan.digest, accept_conflicts=True, key=request(), caller=STEWARD
        )

    assert plan.row_counts["identifier"] == 2
    assert len(plan.moved_hashes) == 2
    assert Conflict.CITIZEN_NUMBERS_DIFFER in plan.conflicts


async def test_a_merge_moves_numbers_and_unmerge_gives_them_back_also_along_a_chain(
    identity: Identity, duplicates: Duplicates
) -> None:
    numbers = [citizen_number() for _ in range(3)]
    a, b, c = [
        await add_person(identity, name=name, citizen=number)
        for name, number in zip(("Lầu Thị A", "Sùng Thị B", "Giàng Thị C"), numbers, strict=True)
    ]
    before = await dump(identity)

    await merged(duplicates, a, b)
    after_first = await dump(identity)
    await merged(duplicates, b, c)

    assert [await owner(identity, number) for number in numbers] == [c, c, c]
    with pytest.raises(UnmergeSurvivorFirst):
        await duplicates.unmerge(a, key=request(), caller=STEWARD)
    with pytest.raises(CitizenAlreadyMerged):
        await duplicates.plan(a, c)
    await duplicates.unmerge(b, key=request(), caller=STEWARD)
    assert await dump(identity) == after_first
    await duplicates.unmerge(a, key=request(), caller=STEWARD)
    assert await dump(identity) == before
    with pytest.raises(CitizenNotMerged):
        await duplicates.unmerge(a, key=request(), caller=STEWARD)
    with pytest.raises(MergeWithItself):
        await duplicates.plan(a, a)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_legal_sequence_of_merges_is_undone_to_the_same_bytes(
    identity: Identity, duplicates: Duplicates, seed: int
) -> None:
    rng = Random(seed)
    people = [
        await add_person(
            identity, name=f"Nông Thị {word}", citizen=citizen_number(), insurance=f"99{index:08d}"
        )
        for index, word in enumerate(["Lan", "Hoa", "Mai", "Cúc", "Đào", "Sen"])
    ]
    before = await dump(identity)
    linked: list[str] = []
    refused = 0
    for _ in range(25):
        first, second = rng.sample(people, 2)
        try:
            if rng.random() < 0.6:
                await merged(duplicates, first, second)
                linked.append(first)
            else:
                await duplicates.unmerge(first, key=request(), caller=STEWARD)
                linked.remove(first)
        except AppError:
            refused += 1
    for citizen_id in reversed(linked):
        await duplicates.unmerge(citizen_id, key=request(), caller=STEWARD)

    assert await dump(identity) == before
    assert refused, "some steps must have been illegal"


async def test_two_stewards_merging_at_once_make_one_link(identity: Identity, duplicates: Duplicates) -> None:
    first = await add_person(identity, name="Lầu Thị Mai", citizen=citizen_number())
    second = await add_person(identity, name="Lầu Thị Cúc", citizen=citizen_number())
    plans = [await duplicates.plan(first, second), await duplicates.plan(second, first)]

    done = await asyncio.gather(
        *(
            duplicates.merge(
                plan.citizen_id,
                plan.survivor_id,
                digest=plan.digest,
                accept_conflicts=True,
                key=request(),
                caller=STEWARD,
            )
            for plan in plans * 4
        ),
        return_exceptions=True,
    )

    refusals = [each for each in done if isinstance(each, BaseException)]
    assert len(refusals) == 7
    assert all(isinstance(each, CitizenAlreadyMerged) for each in refusals)


async def test_a_repeated_request_does_nothing_twice(identity: Identity, duplicates: Duplicates) -> None:
    first = await add_person(identity, name="Lầu Thị Mai")
    second = await add_person(identity, name="Lầu Thị Cúc")
    plan, key = await duplicates.plan(first, second), request()

    links = [
        await duplicates.merge(
            first, second, digest=plan.digest, accept_conflicts=True, key=key, caller=STEWARD
        )
        for _ in range(2)
    ]

    assert links[0] == links[1]


async def test_a_preview_writes_nothing_but_who_was_shown(identity: Identity) -> None:
    known = await add_person(identity, citizen=citizen_number())
    before = await dump(identity)
    facts = MatchFacts(full_name="Tẩn Thị Mỷ", birth_date="1990-03-02", gender="female", ward_code="01906")

    matches = await identity.doubles.preview.of_facts(facts, CLERK)

    assert [(each.citizen_id, each.result.match_class) for each in matches.found] == [
        (known, MatchClass.AUTOMATIC)
    ]
    assert await dump(identity) == before
    entries = await identity.db.read(lambda tx: audit.entries_of(tx, subject=known))
    assert [entry.action for entry in entries] == ["preview_match"]
    with pytest.raises(FactsIncomplete):
        await identity.doubles.preview.of_facts(MatchFacts(full_name="", birth_date="1990"), CLERK)


async def test_a_common_block_is_cut_to_its_newest_and_says_so(identity: Identity) -> None:
    people = [
        await add_person(identity, name="Nguyễn Văn Hùng", birth="1950", gender=Gender.MALE, ward="")
        for _ in range(BLOCK_MAX + 5)
    ]
    facts = MatchFacts(full_name="Nguyễn Văn Hùng", birth_date="1950", gender="male")

    matches = await identity.doubles.preview.of_facts(facts, CLERK)

    assert matches.is_capped
    assert matches.compared_count == BLOCK_MAX + 1
    assert {each.citizen_id for each in matches.found} <= set(people[4:])


async def test_a_worker_that_is_killed_in_between_goes_on_and_does_nothing_twice(
    identity: Identity, duplicates: Duplicates
) -> None:
    for index in range(30):
        await add_person(identity, name=f"Nông Văn {'ABCDEFGHIJ'[index % 10]}", gender=Gender.MALE)
    await identity.doubles.rematch.step()
    worker = asyncio.create_task(identity.doubles.rematch.run())
    await asyncio.sleep(0.02)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    await match_all(identity)

    progress = await identity.doubles.rematch.progress()
    linked = await duplicates.pairs(PairState.LINKED, after=FIRST, page_size=100)
    assert progress.pending_count == 0
    assert len({pair.citizen_id for pair in linked} | {pair.other_citizen_id for pair in linked}) <= 30


async def test_a_run_over_everybody_tells_how_far_it_is(identity: Identity) -> None:
    for name in ("Lầu Thị Mai", "Lầu Thị Cúc", "Sùng A Páo"):
        await add_person(identity, name=name)
    await match_all(identity)

    started = await identity.doubles.rematch.start(key=request(), caller=STEWARD)
    with pytest.raises(RematchRunning):
        await identity.doubles.rematch.start(key=request(), caller=STEWARD)
    identity.clock.advance(timedelta(seconds=2))
    await match_all(identity)
    sweep = (await identity.doubles.rematch.progress()).sweep

    assert started.sweep is not None
    assert started.sweep.total_count == 3
    assert sweep is not None
    assert (sweep.matched_count, sweep.end_time is None) == (3, False)


async def test_two_workers_count_a_page_once(identity: Identity) -> None:
    for index in range(20):
        await add_person(identity, name=f"Lầu Thị {'ABCDEFGHIJKLMNOPQRST'[index]}")
    await match_all(identity)
    await identity.doubles.rematch.start(key=request(), caller=STEWARD)

    async def work(rematch: Rematch) -> None:
        for _ in range(6):
            await rematch.step()

    await asyncio.gather(work(identity.doubles.rematch), work(identity.doubles.rematch))

    sweep = (await identity.doubles.rematch.progress()).sweep
    assert sweep is not None
    assert sweep.matched_count == 20


async def test_a_linked_citizen_is_answered_by_the_survivor_with_all_numbers(
    identity: Identity, duplicates: Duplicates
) -> None:
    numbers = [citizen_number() for _ in range(3)]
    a, b, c = [
        await add_person(identity, name=name, citizen=number)
        for name, number in zip(("Lầu Thị A", "Sùng Thị B", "Giàng Thị C"), numbers, strict=True)
    ]
    await merged(duplicates, a, b)
    await merged(duplicates, b, c)

    by_id = await identity.read_citizen.get(a, CLERK)
    by_number = await identity.read_citizen.resolve_at(IdentifierKind.CITIZEN_NUMBER, numbers[0], CLERK)

    assert by_id.citizen_id == by_number.citizen.citizen_id == c
    assert {each.value for each in by_id.identifiers} == set(numbers)
    assert set(by_id.merged_ids) == {a, b}
    assert by_number.identifier.value == numbers[0]


async def test_64_registrations_under_two_spellings_open_one_case(
    identity: Identity, duplicates: Duplicates
) -> None:
    cards = [
        card_text(number="099190000017", name="Nguyễn Thị Hòa"),
        card_text(number="099190000025", name="NGUYEN THI HOA"),
    ]

    done = await asyncio.gather(*(identity.scan(cards[turn % 2]) for turn in range(64)))
    await asyncio.gather(*(identity.doubles.rematch.step() for _ in range(8)))

    people = sorted({each.citizen.citizen_id for each in done})
    pairs = await duplicates.pairs(PairState.PROPOSED, after=FIRST, page_size=10)
    cases = await identity.db.read(
        lambda tx: tx.all("quality_open_cases_of", citizen_id=people[0], page_size=100)
    )
    assert len(people) == 2
    assert [(pair.citizen_id, pair.other_citizen_id) for pair in pairs] == [tuple(people)]
    assert [case["cause"] for case in cases].count("POSSIBLE_DUPLICATE") == 1


def test_every_read_of_the_index_goes_by_a_key_or_an_index() -> None:
    connection = choose_sqlite().connect(":memory:")
    for statement in statements(schema_sql("identity_svc")):
        connection.execute(for_engine(statement, "sqlite"))
    whole = {
        "index_count_profiles",
        "index_newest_sweep",
    }  # A count at the start of a run; a handful of runs.
    scanned = set()
    for query in load_queries([INDEX_QUERIES], engine="sqlite"):
        if query.name.startswith("index_") and query.sql.lstrip().startswith("SELECT"):
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.names, 1))
            steps = [row[3] for row in plan]
            if any(step.startswith("SCAN match_") and "INDEX" not in step for step in steps):
                scanned.add(query.name)
            assert not any("TEMP B-TREE" in step for step in steps), query.name

    assert scanned == whole
