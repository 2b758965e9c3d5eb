"""The data-quality queue on both databases: cases, figures, correction requests."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.db import open_database
from chassis.db.queries import load_queries
from chassis.db.sqlite_module import choose_sqlite
from chassis.rpc.context import Caller
from identity_svc.domain.case_errors import (
    CaseClosed,
    CaseNotFound,
    CaseOfCorrection,
    CaseOfOtherSteward,
    CorrectionDecided,
    CorrectionOpen,
    CorrectionValueWrong,
)
from identity_svc.domain.cases import AgeClass, CaseCause, CaseState, CaseStep
from identity_svc.domain.correction import CorrectionState
from identity_svc.domain.delegation_errors import AccountNotLinked, NotAllowedToAct
from identity_svc.domain.explanations import explain
from identity_svc.domain.model import FieldCheck
from identity_svc.domain.quality_figures import Days
from identity_svc.operations.quality_figures import QualityReport
from identity_svc.store.figures_store import Place
from identity_svc.store.quality_store import CaseFilter
from tests.support.identity import CLERK, FACILITY, START, card_text
from tests.support.quality import (
    CITIZEN,
    OTHER_STEWARD,
    QUALITY_QUERIES_FILES,
    STEWARD,
    Quality,
    fresh_key,
)
from tests.support.stores import OpenStore, StoreMaker

DAY = date(2026, 3, 2)
MISMATCH = {"full_name": ("MISMATCH", "DIFFERENT")}


@pytest.fixture
async def quality(open_store: OpenStore, tmp_path: Path) -> Quality:
    return Quality(await open_store("identity_svc", queries=QUALITY_QUERIES_FILES), tmp_path)


# Cases


async def test_a_case_goes_from_open_to_assigned_to_resolved_and_keeps_its_history(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    case_id = await quality.see(CaseCause.NAME_DIFFERS, citizen_id, field="full_name")

    taken = await quality.queue.assign(
        fresh_key(), STEWARD, citizen_id=citizen_id, case_id=case_id, assignee="", take_over=False
    )
    await quality.queue.take_step(
        fresh_key(), STEWARD, citizen_id=citizen_id, case_id=case_id, step=CaseStep.NOTED, note="Đã gọi điện"
    )
    done = await quality.queue.take_step(
        fresh_key(),
        STEWARD,
        citizen_id=citizen_id,
        case_id=case_id,
        step=CaseStep.RESOLVED,
        code="RECORD_REPAIRED",
        note="",
    )

    assert (taken.state, taken.assignee) == (CaseState.ASSIGNED, STEWARD.subject)
    assert (done.state, done.resolution, done.assignee) == (
        CaseState.RESOLVED,
        "RECORD_REPAIRED",
        STEWARD.subject,
    )
    view = await quality.queue.get(citizen_id, case_id, STEWARD)
    assert [(event.seq, event.step) for event in view.events] == [
        (1, CaseStep.OPENED),
        (2, CaseStep.ASSIGNED),
        (3, CaseStep.NOTED),
        (4, CaseStep.RESOLVED),
    ]
    assert view.events[2].note == "Đã gọi điện"
    entries = await quality.db.read(lambda tx: audit.entries_of(tx, subject=citizen_id))
    assert [entry.action for entry in reversed(entries)] == [
        "case_opened",
        "case_assigned",
        "case_noted",
        "case_resolved",
        "get_case",
    ]


async def test_an_ended_case_takes_no_step_and_a_new_sighting_points_back(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    first = await quality.see(CaseCause.CHIP_INVALID, citizen_id)
    await quality.end(CaseCause.CHIP_INVALID, citizen_id)

    with pytest.raises(CaseClosed):
        await quality.queue.take_step(
            fresh_key(), STEWARD, citizen_id=citizen_id, case_id=first, step=CaseStep.NOTED, note="x"
        )
    second = await quality.see(CaseCause.CHIP_INVALID, citizen_id)

    (case,) = await quality.open_cases()
    assert (case.case_id, case.earlier_case_id, case.seen_count) == (second, first, 1)


async def test_a_case_of_another_steward_is_taken_only_on_purpose(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    case_id = await quality.see(CaseCause.NAME_DIFFERS, citizen_id)
    await quality.queue.assign(
        fresh_key(), STEWARD, citizen_id=citizen_id, case_id=case_id, assignee="", take_over=False
    )

    with pytest.raises(CaseOfOtherSteward):
        await quality.queue.assign(
            fresh_key(), OTHER_STEWARD, citizen_id=citizen_id, case_id=case_id, assignee="", take_over=False
        )
    taken = await quality.queue.assign(
        fresh_key(), OTHER_STEWARD, citizen_id=citizen_id, case_id=case_id, assignee="", take_over=True
    )

    assert taken.assignee == OTHER_STEWARD.subject


async def test_a_repeated_step_takes_effect_once(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    case_id = await quality.see(CaseCause.NAME_DIFFERS, citizen_id)
    key = fresh_key()

    for _ in range(2):
        done = await quality.queue.take_step(
            key,
            STEWARD,
            citizen_id=citizen_id,
            case_id=case_id,
            step=CaseStep.DISMISSED,
            code="NO_EVIDENCE",
            note="",
        )
        assert done.state is CaseState.DISMISSED

    view = await quality.queue.get(citizen_id, case_id, STEWARD)
    assert [event.step for event in view.events] == [CaseStep.OPENED, CaseStep.DISMISSED]


async def test_a_clean_check_closes_what_it_answers_and_nothing_else(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    for cause in (CaseCause.NAME_DIFFERS, CaseCause.TEXT_DAMAGED, CaseCause.CHIP_INVALID):
        await quality.see(cause, citizen_id)

    closed_count = await quality.end(None, citizen_id)

    assert closed_count == 2
    assert [case.cause for case in await quality.open_cases()] == [CaseCause.CHIP_INVALID]


async def test_a_pair_is_closed_from_either_side_and_only_that_pair(quality: Quality) -> None:
    for each in "abc":
        await quality.person(each)
    await quality.see(CaseCause.POSSIBLE_DUPLICATE, "b", other_citizen_id="a")
    await quality.see(CaseCause.POSSIBLE_DUPLICATE, "b", other_citizen_id="c")

    closed_count = await quality.end(CaseCause.POSSIBLE_DUPLICATE, "b", other_citizen_id="a")

    assert closed_count == 1
    (left,) = await quality.open_cases()
    assert (left.citizen_id, left.other_citizen_id) == ("b", "c")


async def test_the_queue_narrows_by_each_filter_and_pages_in_order(quality: Quality) -> None:
    wanted = {
        "cause": CaseCause.GENDER_DIFFERS,
        "ward_code": "01840",
        "facility_code": "19007",
        "assignee": STEWARD.subject,
    }
    target = await quality.person("target")
    case_id = await quality.see(
        CaseCause.GENDER_DIFFERS, target, ward_code="01840", facility_code="19007", field="gender"
    )
    await quality.queue.assign(
        fresh_key(), STEWARD, citizen_id=target, case_id=case_id, assignee="", take_over=False
    )
    others = [await quality.person(f"person-{index}") for index in range(7)]
    for index, citizen_id in enumerate(others):
        quality.clock.advance(timedelta(days=index))
        await quality.see(CaseCause.NAME_DIFFERS, citizen_id, ward_code="01843", facility_code=FACILITY)

    for name, value in wanted.items():
        assert [case.case_id for case in await quality.open_cases(**{name: value})] == [case_id], name
    assert [case.case_id for case in await quality.open_cases(**wanted, state=CaseState.ASSIGNED)] == [
        case_id
    ]
    assert await quality.open_cases(**wanted, state=CaseState.OPEN) == []
    # Opened 0, 0, 1, 3, 6, 10, 15 and 21 days after the start, looked at on day 21.
    ages = {age: len(await quality.open_cases(age=age)) for age in AgeClass}
    assert ages == {AgeClass.DAY: 1, AgeClass.WEEK: 1, AgeClass.MONTH: 6, AgeClass.OLDER: 0}

    found, token = [], ""
    while True:
        page = await quality.queue.list(CaseFilter(), STEWARD, page_size=3, page_token=token)
        found += [case.citizen_id for case in page.cases]
        token = page.next_page_token
        if not token:
            break
    assert found == [target, *others]


async def test_the_map_of_the_queue_counts_every_open_case(quality: Quality) -> None:
    for index, age_days in enumerate((0, 3, 3, 40)):
        citizen_id = await quality.person(f"person-{index}")
        quality.clock.advance(timedelta(days=age_days))
        await quality.see(CaseCause.NAME_DIFFERS, citizen_id, ward_code="01840", facility_code=FACILITY)
    await quality.end(CaseCause.NAME_DIFFERS, "person-1")

    found = await quality.queue.count(STEWARD)

    assert {age.key: age.case_count for age in found.ages} == {AgeClass.DAY: 1, AgeClass.OLDER: 2}
    assert [(each.key, each.case_count) for each in found.wards] == [("01840", 3)]
    assert [(each.key, each.case_count) for each in found.causes] == [(CaseCause.NAME_DIFFERS, 3)]
    assert found.causes[0].oldest_time == START
    assert await quality.queue.count(CLERK) == found
    for facility in ("19999", ""):
        other = Caller(subject="persons/2", roles=frozenset({"CLERK"}), facility=facility)
        assert (await quality.queue.count(other)).case_count == 0


async def test_a_clerk_reads_no_case_of_another_facility(quality: Quality) -> None:
    citizen_id = await quality.person("a")
    case_id = await quality.see(CaseCause.NAME_DIFFERS, citizen_id, facility_code="19999")

    with pytest.raises(CaseNotFound):
        await quality.queue.get(citizen_id, case_id, CLERK)

    assert (await quality.queue.get(citizen_id, case_id, STEWARD)).case.case_id == case_id


LISTS = (
    "quality_list_open",
    "quality_list_open_by_ward",
    "quality_list_open_by_facility",
    "quality_list_open_by_assignee",
    "quality_list_open_by_cause",
    "quality_list_closed",
    "quality_open_cases_of",
    "quality_open_cases_of_other",
    "quality_list_events",
    "quality_list_corrections",
    "quality_page_citizens",
    "quality_page_checks",
    "quality_page_case_steps",
    "quality_page_repairs",
    "quality_page_merges",
    "quality_page_unmerges",
    "quality_page_counters",
)


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_comes_in_order_from_its_index(name: str, store_maker: StoreMaker) -> None:
    url = await store_maker.migrated_url("sqlite", "identity_svc")
    query = load_queries(QUALITY_QUERIES_FILES, engine="sqlite")[name]
    connection = choose_sqlite().connect(url.removeprefix("sqlite:///"))

    plan = [
        row[3]
        for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.names, ""))
    ]

    connection.close()
    assert [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step] == [], plan


async def test_notes_values_and_reasons_are_sealed_at_rest(store_maker: StoreMaker, tmp_path: Path) -> None:
    url = await store_maker.migrated_url("sqlite", "identity_svc")
    quality = Quality(
        await open_database(url, queries=QUALITY_QUERIES_FILES, package="identity_svc"), tmp_path
    )
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    case_id = await quality.see(CaseCause.CHIP_INVALID, citizen_id)
    await quality.queue.take_step(
        fresh_key(), STEWARD, citizen_id=citizen_id, case_id=case_id, step=CaseStep.NOTED, note="PLANTED-note"
    )
    request = await quality.corrections.request(
        fresh_key(caller=CLERK),
        CLERK,
        citizen_id=citizen_id,
        field="full_name",
        value="Planted Tên",
        why="PLANTED-why",
    )
    await quality.corrections.refuse(
        fresh_key(),
        STEWARD,
        citizen_id=citizen_id,
        correction_id=request.correction_id,
        answer="PLANTED-answer",
    )
    await quality.db.close()

    place = Path(quality.db.url.removeprefix("sqlite:///"))
    stored = b"".join(path.read_bytes() for path in place.parent.glob(f"{place.name}*"))
    assert b"PLANTED" not in stored
    assert "Planted Tên".encode() not in stored


# The whole path


async def test_a_mismatch_becomes_a_case_a_repair_a_clean_queue_and_a_figure(quality: Quality) -> None:
    quality.register.results = MISMATCH
    scanned = await quality.scan(card_text())
    citizen_id = scanned.citizen.citizen_id
    (case,) = await quality.open_cases(cause=CaseCause.NAME_DIFFERS)
    await quality.count()
    before = await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY))

    view = await quality.queue.get(citizen_id, case.case_id, STEWARD)
    assert view.finding is not None
    await quality.repair_verbs.apply(
        citizen_id,
        view.verification_id,
        field=view.finding.field,
        code="KEEP_CARD_VALUE" if _has(view.finding, "KEEP_CARD_VALUE") else "ADD_NAME_ALIAS",
        value="",
        key=fresh_key("ApplyRepair"),
        caller=STEWARD,
    )
    await quality.count()
    after = await quality.figures.get(Place(), Days(from_date=DAY, to_date=DAY))

    assert await quality.open_cases(cause=CaseCause.NAME_DIFFERS) == []
    closed = (await quality.queue.get(citizen_id, case.case_id, STEWARD)).case
    assert (closed.state, closed.resolution) == (CaseState.RESOLVED, "REPAIR_APPLIED")
    assert (_open_names(before), _open_names(after)) == (1, 0)
    assert (before.total.repairs_count, after.total.repairs_count) == (0, 1)
    assert after.total.people_count == 1
    assert after.total.checks_count == 1


def _has(finding: FieldCheck, code: str) -> bool:
    return code in {repair.code for repair in explain(finding).repairs}


def _open_names(report: QualityReport) -> int:
    return next(each.open_count for each in report.total.dirt if each.dirt_class == "NAME")


# Correction requests


async def test_a_citizens_request_is_accepted_into_the_record_and_can_be_taken_back(quality: Quality) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    await quality.link_account(citizen_id)

    request = await quality.corrections.request(
        fresh_key(caller=CITIZEN),
        CITIZEN,
        citizen_id="",
        field="birth_date",
        value="1990-03-03",
        why="Sai ngày",
    )
    (case,) = await quality.open_cases(cause=CaseCause.CORRECTION_REQUESTED)
    done = await quality.corrections.accept(
        fresh_key(), STEWARD, citizen_id=citizen_id, correction_id=request.correction_id
    )

    assert (request.state, request.is_on_behalf) == (CorrectionState.REQUESTED, False)
    assert done.state is CorrectionState.ACCEPTED
    closed = (await quality.queue.get(citizen_id, case.case_id, STEWARD)).case
    assert (closed.state, closed.resolution) == (CaseState.RESOLVED, "CORRECTION_ACCEPTED")
    citizen = await quality.read_citizen.get(citizen_id, STEWARD)
    assert citizen.demographics.birth_date == "1990-03-03"
    assert [each.state for each in await quality.corrections.list_own(CITIZEN, citizen_id="")] == [
        CorrectionState.ACCEPTED
    ]
    await quality.repair_verbs.undo(citizen_id, done.repair_id, key=fresh_key("UndoRepair"), caller=STEWARD)
    citizen = await quality.read_citizen.get(citizen_id, STEWARD)
    assert citizen.demographics.birth_date == "1990-03-02"


async def test_a_refusal_reaches_the_citizen_with_its_reason_and_is_final(quality: Quality) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    await quality.link_account(citizen_id)
    request = await quality.corrections.request(
        fresh_key(caller=CLERK), CLERK, citizen_id=citizen_id, field="gender", value="male", why="Ghi nhầm"
    )

    await quality.corrections.refuse(
        fresh_key(), STEWARD, citizen_id=citizen_id, correction_id=request.correction_id, answer="Thẻ ghi Nữ"
    )

    (shown,) = await quality.corrections.list_own(CITIZEN, citizen_id="")
    assert (shown.state, shown.answer, shown.is_on_behalf) == (CorrectionState.REFUSED, "Thẻ ghi Nữ", True)
    with pytest.raises(CorrectionDecided):
        await quality.corrections.accept(
            fresh_key(), STEWARD, citizen_id=citizen_id, correction_id=request.correction_id
        )
    citizen = await quality.read_citizen.get(citizen_id, STEWARD)
    assert citizen.demographics.gender == "female"


async def test_a_request_waits_alone_for_its_field_and_differs_from_the_record(quality: Quality) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    ask = {"citizen_id": citizen_id, "field": "full_name", "value": "Nguyễn Thị Hoa", "why": "Thiếu dấu"}
    await quality.corrections.request(fresh_key(caller=CLERK), CLERK, **ask)

    with pytest.raises(CorrectionOpen):
        await quality.corrections.request(fresh_key(caller=CLERK), CLERK, **ask)
    with pytest.raises(CorrectionValueWrong):
        await quality.corrections.request(
            fresh_key(caller=CLERK), CLERK, **(ask | {"field": "gender", "value": "female"})
        )


async def test_a_request_is_answered_and_not_merely_closed(quality: Quality) -> None:
    citizen_id = (await quality.scan(card_text())).citizen.citizen_id
    request = await quality.corrections.request(
        fresh_key(caller=CLERK), CLERK, citizen_id=citizen_id, field="gender", value="male", why="Ghi nhầm"
    )

    with pytest.raises(CaseOfCorrection):
        await quality.queue.take_step(
            fresh_key(),
            STEWARD,
            citizen_id=citizen_id,
            case_id=request.case_id,
            step=CaseStep.DISMISSED,
            code="NO_EVIDENCE",
            note="",
        )


async def test_a_citizen_asks_for_nobody_they_may_not_act_for(quality: Quality) -> None:
    own = (await quality.scan(card_text())).citizen.citizen_id
    other = (await quality.scan(card_text(number="099190000025", name="Trần Văn Bình"))).citizen.citizen_id
    ask = {"field": "gender", "value": "male", "why": "Ghi nhầm"}

    with pytest.raises(AccountNotLinked):
        await quality.corrections.request(fresh_key(caller=CITIZEN), CITIZEN, citizen_id="", **ask)
    await quality.link_account(own)
    with pytest.raises(NotAllowedToAct):
        await quality.corrections.request(fresh_key(caller=CITIZEN), CITIZEN, citizen_id=other, **ask)
    with pytest.raises(NotAllowedToAct):
        await quality.corrections.list_own(CITIZEN, citizen_id=other)
