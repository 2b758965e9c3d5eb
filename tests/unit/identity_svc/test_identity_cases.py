"""The rules of the data-quality queue: keys, states, ages, evidence, words and correction requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from identity_svc.domain.case_errors import CaseClosed, CorrectionFieldWrong, CorrectionValueWrong
from identity_svc.domain.case_words import (
    age_label,
    correction_sentence,
    dirt_label,
    evidence_label,
    proposals_of,
    ward_label,
)
from identity_svc.domain.cases import (
    PAIR_CAUSES,
    AgeClass,
    Case,
    CaseCause,
    CaseState,
    CaseStep,
    age_class,
    case_key,
    cause_rules,
    check_evidence,
    due_time,
    opened_between,
    state_after,
)
from identity_svc.domain.correction import (
    FIELDS,
    Correction,
    CorrectionState,
    answer_due_date,
    answer_limit,
    corrected,
    proposed_value,
)
from identity_svc.domain.model import Demographics, FieldCheck, FieldResult, Gender, Source, TextQuality
from identity_svc.domain.quality_figures import dirt_classes

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
STORED = Demographics(
    version=3,
    full_name="Nguyễn Thị Hòa",
    birth_date="1990-03-02",
    gender=Gender.FEMALE,
    address="Xã Ba Bể, Tỉnh Thái Nguyên",
    text_quality=TextQuality.GOOD,
    issue_date="2022-06-15",
)
TODAY = date(2026, 3, 2)


def case(cause: CaseCause = CaseCause.NAME_DIFFERS, **changes: object) -> Case:
    made = Case(
        citizen_id="a",
        case_id="1",
        cause=cause,
        other_citizen_id="",
        field="full_name",
        state=CaseState.OPEN,
        facility_code="19001",
        ward_code="01840",
        evidence={},
        seen_count=1,
        open_time=NOW,
        last_seen_time=NOW,
        assignee="",
        resolution="",
        close_time=None,
        earlier_case_id="",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the fields of a case


@pytest.mark.parametrize("cause", PAIR_CAUSES)
def test_a_pair_has_one_key_in_either_order(cause: CaseCause) -> None:
    assert case_key(cause, citizen_id="b", other_citizen_id="a") == case_key(
        cause, citizen_id="a", other_citizen_id="b"
    )


def test_who_stands_first_matters_where_the_two_are_not_alike() -> None:
    cause = CaseCause.OLD_NUMBER_OF_OTHER_PERSON

    assert case_key(cause, citizen_id="b", other_citizen_id="a").citizen_id == "b"


@pytest.mark.parametrize(
    ("state", "step", "after"),
    [
        (CaseState.OPEN, CaseStep.ASSIGNED, CaseState.ASSIGNED),
        (CaseState.OPEN, CaseStep.NOTED, CaseState.OPEN),
        (CaseState.OPEN, CaseStep.RESOLVED, CaseState.RESOLVED),
        (CaseState.OPEN, CaseStep.DISMISSED, CaseState.DISMISSED),
        (CaseState.ASSIGNED, CaseStep.ASSIGNED, CaseState.ASSIGNED),
        (CaseState.ASSIGNED, CaseStep.NOTED, CaseState.ASSIGNED),
        (CaseState.ASSIGNED, CaseStep.RESOLVED, CaseState.RESOLVED),
        (CaseState.ASSIGNED, CaseStep.DISMISSED, CaseState.DISMISSED),
    ],
)
def test_a_step_leads_where_the_machine_says(state: CaseState, step: CaseStep, after: CaseState) -> None:
    assert state_after(case(state=state), step) is after


@pytest.mark.parametrize("state", [CaseState.RESOLVED, CaseState.DISMISSED])
@pytest.mark.parametrize("step", [each for each in CaseStep if each is not CaseStep.OPENED])
def test_nothing_leads_out_of_an_ended_case(state: CaseState, step: CaseStep) -> None:
    with pytest.raises(CaseClosed):
        state_after(case(state=state), step)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (-1, AgeClass.DAY),
        (0, AgeClass.DAY),
        (23.999, AgeClass.DAY),
        (24, AgeClass.WEEK),
        (7 * 24 - 0.001, AgeClass.WEEK),
        (7 * 24, AgeClass.MONTH),
        (30 * 24 - 0.001, AgeClass.MONTH),
        (30 * 24, AgeClass.OLDER),
        (9_999 * 24, AgeClass.OLDER),
    ],
)
def test_a_case_is_in_exactly_the_age_class_that_its_list_shows(hours: float, expected: AgeClass) -> None:
    open_time = NOW - timedelta(hours=hours)

    assert age_class(open_time, NOW) is expected
    for age in AgeClass:
        after, until = opened_between(age, NOW)
        is_listed = (after is None or open_time > after) and (until is None or open_time <= until)
        assert is_listed == (age is expected)


def test_evidence_is_codes_and_never_a_number_or_a_name() -> None:
    fine = {"reason": "NAME_DIFFERS", "verification": "0192a7b4000070008000000000000001", "score": "12.5"}

    assert check_evidence(fine) == fine
    for wrong in (
        {"number": "099190000017"},
        {"number": "x:099123456"},
        {"name": "Nguyễn Thị Hòa"},
        {"full name": "X"},
        {"name": "NGUYEN THI HOA"},
    ):
        with pytest.raises(AssertionError):
            check_evidence(wrong)


def test_every_cause_has_words_a_severity_and_a_due_day() -> None:
    for cause, rule in cause_rules().items():
        texts = (rule.label_vi, rule.label_en, rule.advice_vi, rule.advice_en, rule.why_vi, rule.why_en)
        assert all(texts), cause
        assert due_time(cause, NOW) > NOW
        assert dirt_label(rule.dirt_class).vi


def test_every_cause_is_in_one_class_of_dirt() -> None:
    assert sorted(cause for causes in dirt_classes().values() for cause in causes) == sorted(CaseCause)


def test_ages_evidence_and_communes_have_words() -> None:
    assert all(age_label(age).vi and age_label(age).en for age in AgeClass)
    assert evidence_label("reason").vi == "Lý do"
    assert evidence_label("new_key").en == "new_key"
    assert ward_label("01840").vi != ward_label("").vi
    assert ward_label("99999").en == "Unknown"


# Ways out


def test_a_check_born_case_offers_what_the_check_proposes() -> None:
    finding = FieldCheck(field="full_name", result=FieldResult.MISMATCH, reason="NAME_DIFFERS_IN_ACCENTS")

    ways = proposals_of(case(), verification_id="v1", finding=finding, candidates=())

    assert {(way.action, way.verification_id, way.field) for way in ways} == {
        ("APPLY_REPAIR", "v1", "full_name")
    }
    assert "ADD_NAME_ALIAS" in {way.code for way in ways}


def test_a_duplicate_offers_the_merge_plan_and_an_address_its_communes() -> None:
    pair = case(CaseCause.POSSIBLE_DUPLICATE, other_citizen_id="b", field="")
    split = case(CaseCause.ADDRESS_SPLIT, field="address")

    merges = proposals_of(pair, verification_id="", finding=None, candidates=())
    communes = proposals_of(split, verification_id="", finding=None, candidates=("01840", "01843"))

    assert [way.method for way in merges] == ["/lienthong.identity.v1.MasterIndexService/PlanMerge"]
    assert [way.ward_code for way in communes] == ["01840", "01843"]
    assert ward_label("01840").vi in communes[0].words.vi


def test_an_ended_case_offers_nothing() -> None:
    ended = case(CaseCause.POSSIBLE_DUPLICATE, other_citizen_id="b", state=CaseState.RESOLVED)

    assert proposals_of(ended, verification_id="", finding=None, candidates=()) == ()


# Correction requests


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("full_name", "  Nguyễn  Thị Hoa ", "Nguyễn Thị Hoa"),
        ("birth_date", "1990", "1990"),
        ("birth_date", "1990-02", "1990-02"),
        ("birth_date", "2026-03-02", "2026-03-02"),
        ("gender", "male", "male"),
        ("address", "Xã Chợ Rã", "Xã Chợ Rã"),
    ],
)
def test_a_value_is_kept_in_the_form_of_its_field(field: str, value: str, kept: str) -> None:
    assert proposed_value(field, value, STORED, today=TODAY) == kept


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", ""),
        ("full_name", "123"),
        ("full_name", "X" * 101),
        ("full_name", "Nguyễn Thị Hòa"),
        ("birth_date", "1990-02-30"),
        ("birth_date", "2026-03-03"),
        ("birth_date", "1899-12-31"),
        ("birth_date", "02/03/1990"),
        ("birth_date", "1990-03-02"),
        ("gender", "unknown"),
        ("gender", "female"),
        ("address", " "),
        ("address", "x" * 501),
    ],
)
def test_a_wrong_or_equal_value_is_refused(field: str, value: str) -> None:
    with pytest.raises(CorrectionValueWrong):
        proposed_value(field, value, STORED, today=TODAY)


def test_a_number_is_no_field_to_correct() -> None:
    with pytest.raises(CorrectionFieldWrong):
        proposed_value("personal_number", "099190000017", STORED, today=TODAY)


def test_an_accepted_value_changes_its_field_alone_and_its_source() -> None:
    values = {"full_name": "Nguyễn Thị Hoa", "birth_date": "1991", "gender": "male", "address": "Xã Chợ Rã"}
    assert tuple(values) == FIELDS
    for field, value in values.items():
        after = corrected(STORED, name=field, value=value, repair_id="r1")

        assert getattr(after, field) == value
        assert (after.version, after.source, after.repair_id) == (4, Source.TYPED, "r1")
        unchanged = [name for name in FIELDS if name != field]
        assert [getattr(after, name) for name in unchanged] == [getattr(STORED, name) for name in unchanged]


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 4)),
        (date(2026, 3, 5), date(2026, 3, 9)),
        (date(2026, 3, 6), date(2026, 3, 10)),
        (date(2026, 3, 7), date(2026, 3, 10)),
        (date(2026, 3, 8), date(2026, 3, 10)),
    ],
)
def test_a_request_is_due_after_two_working_days(asked: date, due: date) -> None:
    assert answer_due_date(asked) == due


def test_a_request_before_the_first_rule_takes_the_first() -> None:
    assert answer_limit(date(2020, 1, 1)) == answer_limit(date(2026, 1, 1))


def test_the_citizen_reads_where_a_request_stands() -> None:
    request = Correction(
        citizen_id="a",
        correction_id="c",
        case_id="1",
        field="gender",
        value="male",
        why="x",
        state=CorrectionState.REQUESTED,
        requester="persons/1",
        is_on_behalf=False,
        facility_code="",
        request_time=NOW,
        answer_due_date=date(2026, 3, 4),
        answer_time=None,
        answer="",
        repair_id="",
    )

    assert "04/03/2026" in correction_sentence(request).vi
    for state in CorrectionState:
        words = correction_sentence(replace(request, state=state))
        assert words.vi
        assert "{" not in words.vi + words.en
    assert "male" not in repr(request)
