"""Re-codings of the register on real stores: what is counted, what is never chosen, what an undo restores."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chassis import audit
from chassis.db.queries import load_queries
from identity_svc.domain.model import TextQuality
from identity_svc.domain.recoding import Finding, RecodingState
from identity_svc.domain.residence import residence_of_code
from identity_svc.domain.units_errors import RecodingNotFound, RecodingStateWrong, RecodingUnderWay
from identity_svc.operations import recode_walk
from standards.admin_units import Vintage
from tests.support.identity import QUERIES_FILES, Identity, card_text
from tests.support.residents import (
    GIA_SANG,
    NAM_MAU,
    NOWHERE,
    STEWARD,
    TAN_THINH,
    applied,
    counted,
    fresh_key,
    lives,
    old_code,
    settle,
    undone,
    walk,
)
from tests.support.stores import OpenStore

OLD = Vintage.BEFORE_2025_07


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


async def test_a_dry_run_counts_and_changes_nobody(identity: Identity) -> None:
    ids = await settle(identity, [NAM_MAU, NAM_MAU, GIA_SANG, TAN_THINH, NOWHERE, ""])

    report = await counted(identity)

    assert report.recoding.state is RecodingState.COUNTED
    assert (report.recoding.done_count, report.recoding.total_count) == (6, 6)
    assert report.totals == {
        Finding.MERGED: 2,
        Finding.SPLIT: 1,
        Finding.AMBIGUOUS: 1,
        Finding.UNRESOLVED: 2,
    }
    assert [await lives(identity, each) for each in ids] == [None] * 6
    figures = await identity.units.recodings.figures(
        report.recoding.recoding_id, after=("", ""), page_size=50
    )
    assert (Finding.MERGED, "01909", 2) in figures
    assert (Finding.SPLIT, "05461", 1) in figures
    items = await identity.units.recodings.items(
        report.recoding.recoding_id, after="", page_size=50, caller=STEWARD
    )
    assert [item.citizen_id for item in items] == ids[2:]
    assert items[0].candidates == ("05443", "05467")
    assert [item.reason for item in items] == [
        "SPLIT_COMMUNE",
        "SEVERAL_COMMUNES",
        "PROVINCE_NOT_RECOGNISED",
        "ADDRESS_EMPTY",
    ]
    assert {item.case_id for item in items} == {""}


async def test_applying_settles_what_can_be_decided_and_opens_cases_for_the_rest(identity: Identity) -> None:
    ids = await settle(identity, [NAM_MAU, GIA_SANG, NOWHERE])
    (by_code,) = await settle(identity, [""], residence=old_code("01909"))
    dry = await counted(identity)

    report = await applied(identity, dry.recoding)

    assert report.recoding.state is RecodingState.APPLIED
    assert report.totals == {Finding.MERGED: 2, Finding.SPLIT: 1, Finding.UNRESOLVED: 1}
    for settled in (ids[0], by_code):
        residence = await lives(identity, settled)
        assert residence is not None
        assert residence.ward_in_force == "01906"
    split = await lives(identity, ids[1])
    assert split is not None
    assert (split.ward_in_force, split.ward_code, split.vintage) == ("", "05461", OLD)
    items = await identity.units.recodings.items(
        report.recoding.recoding_id, after="", page_size=50, caller=STEWARD
    )
    assert [item.citizen_id for item in items] == ids[1:]
    assert all(item.case_id for item in items)
    entries = await identity.db.read(lambda tx: tx.one("units_newest_residence", citizen_id=ids[0]))
    assert entries is not None
    assert (entries["source"], entries["batch_id"]) == ("RECODING", report.recoding.recoding_id)
    assert (await audit.verify(identity.db)).is_intact


async def test_a_second_recoding_finds_everybody_in_force_and_opens_no_second_case(
    identity: Identity,
) -> None:
    await settle(identity, [NAM_MAU, GIA_SANG])
    first = await applied(identity, (await counted(identity)).recoding)
    first_items = await identity.units.recodings.items(
        first.recoding.recoding_id, after="", page_size=9, caller=STEWARD
    )

    second = await applied(identity, (await counted(identity)).recoding)

    assert second.totals == {Finding.IN_FORCE: 1, Finding.SPLIT: 1}
    second_items = await identity.units.recodings.items(
        second.recoding.recoding_id, after="", page_size=9, caller=STEWARD
    )
    assert [item.case_id for item in second_items] == [item.case_id for item in first_items]


async def test_an_undo_restores_exactly_the_former_residences(identity: Identity) -> None:
    unknown = await settle(identity, [NAM_MAU, GIA_SANG])
    coded = await settle(identity, ["", ""], residence=old_code("01909"))
    settled = await settle(identity, [NAM_MAU], residence=residence_of_code("01888", OLD))
    everybody = [*unknown, *coded, *settled]
    before = [await lives(identity, each) for each in everybody]
    run = await applied(identity, (await counted(identity)).recoding)
    assert [await lives(identity, each) for each in everybody] != before

    report = await undone(identity, run.recoding)

    assert report.recoding.state is RecodingState.UNDONE
    assert report.totals == {Finding.RESTORED: 4}
    assert [await lives(identity, each) for each in everybody] == before


async def test_an_undo_keeps_what_somebody_changed_since_and_reports_it(identity: Identity) -> None:
    ids = await settle(identity, [NAM_MAU, GIA_SANG])
    run = await applied(identity, (await counted(identity)).recoding)
    await identity.units.residences.choose(ids[1], "05443", key=fresh_key("ChooseResidence"), caller=STEWARD)

    report = await undone(identity, run.recoding)

    assert report.totals == {Finding.RESTORED: 1, Finding.CHANGED_SINCE: 1}
    assert await lives(identity, ids[0]) is None
    kept = await lives(identity, ids[1])
    assert kept is not None
    assert kept.ward_in_force == "05443"
    (item,) = await identity.units.recodings.items(
        run.recoding.recoding_id, after="", page_size=9, caller=STEWARD
    )
    assert (item.citizen_id, item.reason) == (ids[1], "CHANGED_BY_STEWARD")


async def test_an_undone_recoding_can_be_repeated_by_a_new_one(identity: Identity) -> None:
    (citizen_id,) = await settle(identity, [NAM_MAU])
    run = await applied(identity, (await counted(identity)).recoding)
    await undone(identity, run.recoding)

    again = await applied(identity, (await counted(identity)).recoding)

    assert again.totals == {Finding.MERGED: 1}
    residence = await lives(identity, citizen_id)
    assert residence is not None
    assert residence.ward_in_force == "01906"


async def test_a_damaged_address_is_not_read(identity: Identity) -> None:
    await settle(identity, [NAM_MAU], quality=TextQuality.DAMAGED)

    report = await counted(identity)

    (item,) = await identity.units.recodings.items(
        report.recoding.recoding_id, after="", page_size=9, caller=STEWARD
    )
    assert item.reason == "ADDRESS_UNREADABLE"


async def test_steps_have_their_order_and_one_recoding_walks_at_a_time(identity: Identity) -> None:
    await settle(identity, [NAM_MAU])
    recodings = identity.units.recodings
    run = await recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)
    recoding_id = run.recoding.recoding_id

    with pytest.raises(RecodingUnderWay):
        await recodings.start(key=fresh_key("StartRecoding"), caller=STEWARD)
    await walk(identity)
    with pytest.raises(RecodingStateWrong):
        await recodings.undo(recoding_id, key=fresh_key("UndoRecoding"), caller=STEWARD)
    with pytest.raises(RecodingNotFound):
        await recodings.apply("nothing", key=fresh_key("ApplyRecoding"), caller=STEWARD)
    await applied(identity, (await recodings.get(recoding_id)).recoding)
    with pytest.raises(RecodingStateWrong):
        await recodings.apply(recoding_id, key=fresh_key("ApplyRecoding"), caller=STEWARD)


async def test_a_repeated_order_starts_nothing_again(identity: Identity) -> None:
    key = fresh_key("StartRecoding")
    first = await identity.units.recodings.start(key=key, caller=STEWARD)
    again = await identity.units.recodings.start(key=key, caller=STEWARD)
    await walk(identity)

    assert again.recoding.recoding_id == first.recoding.recoding_id
    assert len(await identity.units.recodings.page(before="", page_size=9)) == 1


async def test_a_person_registered_while_pages_go_by_keeps_what_the_card_says(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recode_walk, "PAGE_SIZE", 2)
    await settle(identity, [NAM_MAU] * 4)
    dry = await counted(identity)
    await identity.units.recodings.apply(
        dry.recoding.recoding_id, key=fresh_key("ApplyRecoding"), caller=STEWARD
    )
    await identity.units.walker.step()
    done = await identity.scan(card_text(address="Xã Chợ Rã, Tỉnh Thái Nguyên"))
    await walk(identity)

    residence = await lives(identity, done.citizen.citizen_id)
    assert residence is not None
    assert residence.ward_in_force == "01912"
    report = await identity.units.recodings.get(dry.recoding.recoding_id)
    assert report.totals == {Finding.MERGED: 4, Finding.IN_FORCE: 1}


async def test_who_is_listed_can_read_later_who_saw_them(identity: Identity) -> None:
    (citizen_id,) = await settle(identity, [NOWHERE])
    report = await counted(identity)
    await identity.units.recodings.items(report.recoding.recoding_id, after="", page_size=9, caller=STEWARD)

    rows = await identity.db.read(
        lambda tx: tx.all("frame_audit_page", writer_id=tx.writer_id, after_seq=0, page_size=99)
    )
    assert (citizen_id, "list_recoding_items") in {(row["subject"], row["action"]) for row in rows}


@pytest.mark.parametrize("store_engine", ["sqlite"])  # PostgreSQL reads small tables whole, index or not.
@pytest.mark.parametrize(
    "name",
    [
        "units_newest_residence",
        "units_page_of_register",
        "units_page_of_batch",
        "units_walking_recoding",
        "units_list_figures",
        "units_list_items",
        "units_list_recodings",
        "units_owners_of_code",
        "units_list_facility_codes",
        "units_list_facilities",
    ],
)
async def test_a_page_is_found_by_an_index_and_never_by_reading_a_table(
    identity: Identity, name: str
) -> None:
    query = load_queries(QUERIES_FILES, engine="sqlite")[name]
    with closing(sqlite3.connect(identity.db.url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(
            f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.names, "1")
        ).fetchall()

    # "SCAN c" walks over the page that was found before.
    assert [step for *_, step in rows if step.startswith("SCAN") and step != "SCAN c"] == []


async def test_who_is_linked_into_another_person_is_left_out_and_answered_by_the_other(
    identity: Identity,
) -> None:
    survivor = (await identity.scan(card_text())).citizen.citizen_id
    linked = (await identity.scan(card_text(number="099190000018", address=GIA_SANG))).citizen.citizen_id
    duplicates = identity.doubles.duplicates
    plan = await duplicates.plan(linked, survivor)
    await duplicates.merge(
        linked,
        survivor,
        digest=plan.digest,
        accept_conflicts=True,
        key=fresh_key("MergeCitizens"),
        caller=STEWARD,
    )

    report = await counted(identity)
    done = await identity.units.residences.choose(
        linked, "01912", key=fresh_key("ChooseResidence"), caller=STEWARD
    )

    assert report.totals == {Finding.IN_FORCE: 1}
    assert await lives(identity, survivor) == done.kept.residence
    split = await lives(identity, linked)
    assert split is not None
    assert split.ward_code == "05461"
