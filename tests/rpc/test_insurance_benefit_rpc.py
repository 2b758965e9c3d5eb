"""Rights and estimates through the whole pipeline: what a rule says on any day, what planned services will cost."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from lienthong.insurance.v1 import benefit_pb2 as pb
from lienthong.insurance.v1 import insurance_pb2
from tests.support.benefit import benefit_stub
from tests.support.echo_network import Keys
from tests.support.fake_portal import reply
from tests.support.insurance import (
    FACILITY,
    QUERIES_FILES,
    Insurance,
    check_request,
    cost_line,
    insurance_stub,
)
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.insurance.v1.benefit_pb2_grpc import BenefitServiceAsyncStub
    from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceAsyncStub

TIMEOUT_S = 5.0


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def insurance(open_store: OpenStore, tmp_path: Path) -> Insurance:
    return Insurance(await open_store("insurance_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def stub(insurance: Insurance, keys: Keys) -> AsyncIterator[BenefitServiceAsyncStub]:
    async with benefit_stub(insurance, keys) as made:
        yield made


@pytest.fixture
async def coverage(insurance: Insurance, keys: Keys) -> AsyncIterator[CoverageServiceAsyncStub]:
    async with insurance_stub(insurance, keys) as made:
        yield made


def signed(keys: Keys, *roles: str) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=FACILITY, purpose="treatment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=FACILITY,
        purpose="treatment",
        token=Minter(keys.gateway).mint(named),
    )


def question(**fields: Any) -> pb.EvaluateBenefitRequest:
    whole: dict[str, Any] = {
        "service_date": "2025-08-14",
        "facility": "19999",
        "cards": [pb.CardFacts(object_group="GD", benefit_level=4, registered_facility_code="19888")],
    }
    return pb.EvaluateBenefitRequest(**{**whole, **fields})


def planned(*lines: insurance_pb2.CostLine, **fields: Any) -> pb.EstimateCostRequest:
    return pb.EstimateCostRequest(**{"visit": "visits/v1", **fields}, lines=lines or (cost_line(),))


async def test_what_the_rule_says_on_the_fourteenth_of_august_2025_is_told_with_every_candidate(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CASHIER")):
        told = await stub.EvaluateBenefit(question(), timeout=TIMEOUT_S)

    assert (told.service_date, told.visit_code, told.rate_pct) == ("2025-08-14", "1.12", "80")
    assert told.rule_id == "VISIT_CODE_1.12"
    assert "điều 19 khoản 1" in told.legal_reference
    assert told.rule_valid_from_date == "2025-07-01"
    assert (told.reference_level_vnd, told.low_cost_limit_vnd) == (2_340_000, 351_000)
    by_rule = {each.rule_id: each for each in told.candidates}
    assert by_rule["VISIT_CODE_1.12"].state == pb.CANDIDATE_STATE_WON
    assert by_rule["VISIT_CODE_3.3"].state == pb.CANDIDATE_STATE_LOWER
    assert by_rule["VISIT_CODE_1.1"].state == pb.CANDIDATE_STATE_NOT_MET
    assert "registered at another facility" in by_rule["VISIT_CODE_1.1"].why_en
    assert "đăng ký ban đầu ở cơ sở khác" in by_rule["VISIT_CODE_1.1"].why_vi
    assert by_rule["BELOW_15_PERCENT"].state == pb.CANDIDATE_STATE_NOT_MET
    assert by_rule["COPAY_EXEMPT"].state == pb.CANDIDATE_STATE_NOT_MET


async def test_a_past_day_is_judged_by_its_own_law_and_says_what_is_not_certain(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "AUDITOR")):
        told = await stub.EvaluateBenefit(question(service_date="2015-12-31"), timeout=TIMEOUT_S)

    assert (told.visit_code, told.rate_pct, told.rule_id) == ("", "56", "FORMER_SELF_DISTRICT")
    assert [note.code for note in told.notes] == ["FORMER_LAW"]


async def test_of_several_cards_the_highest_right_counts_and_the_threshold_is_told(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    cards = [
        pb.CardFacts(object_group="GD", benefit_level=4, registered_facility_code="19999"),
        pb.CardFacts(object_group="HT", benefit_level=3, five_year_date="2020-01-01"),
    ]
    copay = insurance_pb2.CopayRecord(accumulated_vnd=13_500_000, before_change_vnd=13_000_000)

    with acting_as(signed(keys, "CLERK")):
        told = await stub.EvaluateBenefit(
            question(
                service_date="2026-07-01",
                cards=cards,
                circumstances=insurance_pb2.VisitCircumstances(copay=copay),
            ),
            timeout=TIMEOUT_S,
        )

    assert told.rate_pct == "95"
    # (6 - 13,000,000 / 2,340,000) x 2,530,000 + 13,000,000, Decree 188/2025 art. 18 k2 c.
    assert told.copay_threshold == "14124444.44"
    assert [note.code for note in told.notes] == ["COPAY_CONVERSION"]


async def test_a_named_code_is_judged_and_a_better_right_is_shown(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        told = await stub.EvaluateBenefit(
            question(service_date="2026-09-01", visit_code="1.13"), timeout=TIMEOUT_S
        )

    assert told.rate_pct == "40"
    better = [each.visit_code for each in told.candidates if each.state == pb.CANDIDATE_STATE_NOT_CHOSEN]
    assert better == ["1.12", "3.3"]


async def test_a_pick_up_of_medicine_takes_the_rate_of_the_visit_behind_it(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    told_of = insurance_pb2.VisitCircumstances(original_visit_code="1.14")

    with acting_as(signed(keys, "CLERK")):
        told = await stub.EvaluateBenefit(
            question(service_date="2026-09-01", visit_code="10", circumstances=told_of), timeout=TIMEOUT_S
        )

    assert (told.visit_code, told.rule_id, told.rate_pct) == ("10", "VISIT_CODE_10", "40")
    assert "mã 1.14" in told.why_vi


BAD_QUESTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"service_date": "14/08/2025"}, "SERVICE_DATE_MALFORMED", "service_date"),
    ({"service_date": "2014-12-31"}, "VISIT_CODE_UNKNOWN", "visit_code"),
    ({"visit_code": "1.99"}, "VISIT_CODE_UNKNOWN", "visit_code"),
    ({"visit_code": "10"}, "VISIT_CODE_UNKNOWN", "visit_code"),
    ({"facility": "x"}, "CARD_FACTS_MALFORMED", "facility"),
    ({"covered_vnd": -1}, "CARD_FACTS_MALFORMED", "covered_vnd"),
    ({"cards": [pb.CardFacts(object_group="gd")]}, "CARD_FACTS_MALFORMED", "cards[0].object_group"),
    ({"cards": [pb.CardFacts(benefit_level=6)]}, "CARD_FACTS_MALFORMED", "cards[0].benefit_level"),
    ({"cards": [pb.CardFacts(area_code="K4")]}, "CARD_FACTS_MALFORMED", "cards[0].area_code"),
    (
        {"cards": [pb.CardFacts(five_year_date="x")]},
        "CIRCUMSTANCE_MALFORMED",
        "cards[0].five_year_date",
    ),
    ({"cards": [pb.CardFacts()] * 11}, "CARD_FACTS_MALFORMED", "cards"),
    (
        {"circumstances": insurance_pb2.VisitCircumstances(serious_disease_annexes=["III"])},
        "CIRCUMSTANCE_MALFORMED",
        "circumstances.serious_disease_annexes",
    ),
    (
        {"circumstances": insurance_pb2.VisitCircumstances(principal_diagnosis="cúm")},
        "CIRCUMSTANCE_MALFORMED",
        "circumstances.principal_diagnosis",
    ),
    (
        {"circumstances": insurance_pb2.VisitCircumstances(age_years=200)},
        "CIRCUMSTANCE_MALFORMED",
        "circumstances.age_years",
    ),
    (
        {
            "circumstances": insurance_pb2.VisitCircumstances(
                copay=insurance_pb2.CopayRecord(accumulated_vnd=1, before_change_vnd=2)
            )
        },
        "CIRCUMSTANCE_MALFORMED",
        "circumstances.copay.before_change_vnd",
    ),
]


@pytest.mark.parametrize(("fields", "reason", "field"), BAD_QUESTIONS)
async def test_a_bad_question_is_refused_with_reason_and_field_in_both_languages(
    *, stub: BenefitServiceAsyncStub, keys: Keys, fields: dict[str, Any], reason: str, field: str
) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await stub.EvaluateBenefit(question(**fields), timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.kind is Kind.INVALID_ARGUMENT
    assert caught.value.vi
    assert caught.value.message


@pytest.mark.parametrize("role", ["CITIZEN", "STEWARD"])
async def test_roles_without_the_right_are_refused(
    stub: BenefitServiceAsyncStub, keys: Keys, role: str
) -> None:
    with acting_as(signed(keys, role)), pytest.raises(AppError) as caught:
        await stub.EvaluateBenefit(question(), timeout=TIMEOUT_S)

    assert caught.value.kind is Kind.PERMISSION


async def test_an_estimate_before_any_check_counts_both_ways_and_says_so(
    stub: BenefitServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        told = await stub.EstimateCost(planned(), timeout=TIMEOUT_S)

    assert (told.total_vnd, told.patient_vnd, told.fund_vnd) == (1_000_000, 1_000_000, 0)
    assert (told.patient_low_vnd, told.patient_high_vnd) == (0, 1_100_000)
    assert [each.code for each in told.uncertainties] == ["COVERAGE_NOT_CHECKED", "PRICES_MAY_CHANGE"]
    assert all(each.text_vi and each.text_en for each in told.uncertainties)


async def test_an_estimate_takes_the_newest_coverage_and_writes_nothing(
    stub: BenefitServiceAsyncStub, coverage: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(maThe="GD4060600000001", ngayDu5Nam="")

    with acting_as(signed(keys, "CLERK")):
        await coverage.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        told = await stub.EstimateCost(planned(), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as caught:
            await coverage.GetSplit(insurance_pb2.GetSplitRequest(visit="visits/v1"), timeout=TIMEOUT_S)

    assert (told.visit_code, told.patient_vnd) == ("1.12", 200_000)
    assert (told.patient_low_vnd, told.patient_high_vnd) == (180_000, 220_000)
    assert [each.code for each in told.uncertainties] == ["PRICES_MAY_CHANGE"]
    assert caught.value.reason == "SPLIT_NOT_FOUND"


async def test_an_estimate_of_no_lines_is_refused(stub: BenefitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await stub.EstimateCost(pb.EstimateCostRequest(visit="visits/v1"), timeout=TIMEOUT_S)

    assert caught.value.reason == "TOO_MANY_LINES"


async def test_a_split_keeps_every_fact_of_its_lines_and_circumstances(
    coverage: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(maThe="HT3060600000001", ngayDu5Nam="")
    order_time = Timestamp(seconds=1_788_220_800)
    drug = cost_line(
        line_id="2",
        kind=insurance_pb2.LINE_KIND_DRUG,
        cost_group=4,
        unit_price_vnd=333_333,
        covered_unit_price_vnd=333_333,
        exact_unit_price="333333.333",
        exact_covered_unit_price="333333.333",
        in_scope_pct=50,
        other_funding_vnd=100,
        other_state_vnd=60,
        other_rest_vnd=40,
        order_time=order_time,
        prescriber_licence="000000/TEST-GPHN",
        department_code="K01",
        unit="Lọ",
        diagnosis_codes=["J00"],
        claim_fields={"HAM_LUONG": "10mg/ml", "DUONG_DUNG": "2.10"},
    )
    request = insurance_pb2.SplitCostRequest(
        request_id=str(uuid.uuid4()),
        visit="visits/v1",
        visit_code="1.3",
        circumstances=insurance_pb2.VisitCircumstances(referral_slip=True, age_years=40),
        lines=[cost_line(), drug],
    )

    with acting_as(signed(keys, "CASHIER")):
        await coverage.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        made = (await coverage.SplitCost(request, timeout=TIMEOUT_S)).split
        read = (
            await coverage.GetSplit(insurance_pb2.GetSplitRequest(visit="visits/v1"), timeout=TIMEOUT_S)
        ).split
    stored = await insurance.db.read(
        lambda tx: insurance.store.split(tx, citizen_id="c1", split_id=read.name.rpartition("/")[2])
    )

    assert read == made
    assert made.visit_code == "1.3"
    assert made.rounding.closing == "0.01"
    assert made.lines[1].in_scope_pct == 50
    assert made.lines[0].explanation_en.startswith("The fund pays 95%")
    assert stored is not None
    kept = stored.command.lines[1]
    assert str(kept.exact_unit_price) == "333333.333"
    assert (kept.other_state_vnd, kept.other_rest_vnd) == (60, 40)
    assert kept.order_time is not None
    assert int(kept.order_time.timestamp()) == order_time.seconds
    assert kept.claim_fields == (("DUONG_DUNG", "2.10"), ("HAM_LUONG", "10mg/ml"))
    assert kept.diagnosis_codes == ("J00",)
    assert stored.command.circumstances.has_referral_slip
    assert stored.command.circumstances.age_years == 40
