"""Claims about the FHIR views: R4 holds for each, money adds up, and no view names a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from insurance_svc.codec.fhir import write_fhir
from insurance_svc.domain.claim import Claim, ClaimState
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_values import ClaimVersion, ClaimView, Submission
from insurance_svc.domain.fhir_facts import (
    FhirFacts,
    FhirType,
    ShownClaim,
    diagnosis_codes,
    stay_of,
    written_systems,
)
from insurance_svc.domain.model import (
    Benefit,
    CostLine,
    CostSplit,
    Coverage,
    Finding,
    InsuranceCard,
    Outcome,
    Question,
    SplitCommand,
    SplitLine,
    StoredSplit,
)
from tests.support.fhir_rules import mistakes

NOW = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
SECRETS = ("DN4999900000001", "TRIỆU THỊ BÍ MẬT", "1990-02-03", "099190000001")
CARD = InsuranceCard(
    number=SECRETS[0],
    object_group="DN",
    benefit_level=4,
    valid_from_date=date(2026, 1, 1),
    valid_to_date=date(2026, 12, 31),
    registered_facility_code="19999",
    area_code="K1",
)
BENEFIT = Benefit(
    rate_pct=Decimal("47.5"),
    rule_id="VISIT_CODE_3.2",
    legal_reference="Luật BHYT, Điều 22",
    rule_valid_from_date=date(2025, 7, 1),
    is_insured=True,
    why_vi="Hưởng 95 % của một nửa.",
)


def coverage(
    outcome: Outcome = Outcome.VALID, *, card: InsuranceCard | None = CARD, code: str = "000"
) -> Coverage:
    question = Question(
        identifier=SECRETS[3], full_name=SECRETS[1], birth_date=SECRETS[2], service_date=date(2026, 9, 1)
    )
    finding = Finding(
        outcome=outcome, portal_code=code, explanation_vi="Thẻ hợp lệ.", explanation_en="Valid.", card=card
    )
    return Coverage(
        coverage_id="cov1",
        citizen_id="c1",
        visit_id="v1",
        facility="19999",
        service_date=date(2026, 9, 1),
        check_number=2,
        finding=finding,
        question=question,
        as_of_time=NOW,
    )


def split(*, is_inpatient: bool = False, is_provisional: bool = False) -> StoredSplit:
    lines = (
        CostLine(
            line_id="a",
            service_code="02.1896",
            display_name="Khám Nội",
            quantity=Decimal("1"),
            unit_price_vnd=50_600,
            covered_unit_price_vnd=50_600,
            cost_group=13,
            # 23:30 UTC is the next day in Vietnam.
            perform_time=datetime(2026, 8, 31, 23, 30, tzinfo=UTC),
            diagnosis_codes=("J00",),
        ),
        CostLine(
            line_id="b",
            service_code="",
            display_name="Vật tư",
            quantity=Decimal("0.125"),
            unit_price_vnd=80_000,
            covered_unit_price_vnd=0,
            unit="hộp",
        ),
    )
    done = (
        SplitLine(
            line_id="a", display_name="Khám Nội", total_vnd=50_600, covered_vnd=50_600, fund_vnd=24_035,
            copay_vnd=26_565, self_pay_vnd=0, other_funding_vnd=0, explanation_vi="Quỹ trả 47,5 %.",
        ),
        SplitLine(
            line_id="b", display_name="Vật tư", total_vnd=10_000, covered_vnd=0, fund_vnd=0, copay_vnd=0,
            self_pay_vnd=7_000, other_funding_vnd=3_000, explanation_vi="Ngoài phạm vi.",
        ),
    )  # fmt: skip
    cost = CostSplit(
        visit_code="3.2",
        benefit=replace(BENEFIT, is_provisional=is_provisional),
        lines=done,
        total_vnd=60_600,
        fund_vnd=24_035,
        patient_vnd=33_565,
        other_funding_vnd=3_000,
    )
    command = SplitCommand(
        visit_id="v1",
        service_date=date(2026, 9, 1),
        visit_code="3.2",
        is_inpatient=is_inpatient,
        is_emergency=False,
        lines=lines,
    )
    return StoredSplit(
        split_id="s1",
        citizen_id="c1",
        facility="19999",
        coverage_id="cov1",
        split_number=3,
        command=command,
        split=cost,
        create_time=NOW,
    )


def shown(state: ClaimState, *, code: str = "", settled_hundredths: int | None = None) -> ShownClaim:
    claim = Claim(
        claim_id="k1",
        citizen_id="c1",
        visit_id="v1",
        facility="19999",
        link_id="LK0001",
        month="2026-09",
        states=(state,),
        create_time=NOW,
        update_time=NOW,
    )
    version = ClaimVersion(
        claim_id="k1",
        citizen_id="c1",
        version=1,
        schema_version="3176",
        month="2026-09",
        split_id="s1",
        coverage_id="cov1",
        total_hundredths=6_060_000,
        covered_hundredths=5_060_000,
        fund_hundredths=2_403_450,
        fund_vnd=24_035,
        lacks=(),
        reason="",
        facts_sha256="0" * 64,
        file_sha256="0" * 64,
        caller="persons/1",
        create_time=NOW,
    )
    submission = Submission(
        submission_id="u1",
        citizen_id="c1",
        kind=FileKind.CLAIM,
        visit_id="v1",
        facility="19999",
        link_id="LK0001",
        claim_id="k1",
        version=1,
        state=ClaimState.REJECTED if state is ClaimState.REJECTED else ClaimState.ACCEPTED,
        is_signed=True,
        file_sha256="0" * 64,
        answer_time=NOW if code else None,
        transaction_number="GD1" if code else "",
        portal_code=code,
        message=f"Hồ sơ của {SECRETS[1]} sai",
        create_time=NOW,
        update_time=NOW,
    )
    view = ClaimView(
        claim=claim, versions=(version,), submissions=(submission,), settled_hundredths=settled_hundredths
    )
    return ShownClaim(
        view=view,
        split=split(),
        diagnosis_codes=("J00", "I10"),
        open_time=datetime(2026, 9, 1, 1, 0, tzinfo=UTC),
        close_time=datetime(2026, 9, 1, 3, 0, tzinfo=UTC),
    )


def facts(**changed: Any) -> FhirFacts:
    whole: dict[str, Any] = {
        "visit_id": "v1",
        "citizen_id": "c1",
        "facility": "19999",
        "coverage": coverage(),
        "split": split(),
        "claim": shown(ClaimState.SETTLED, code="200", settled_hundredths=2_400_050),
    }
    return FhirFacts(**{**whole, **changed})


def every_kind_of_facts() -> list[FhirFacts]:
    cards = {Outcome.NOT_FOUND: None, Outcome.UNVERIFIED: None, Outcome.SELF_PAY: None}
    by_outcome = [
        facts(coverage=coverage(outcome, card=cards.get(outcome, CARD)), claim=None) for outcome in Outcome
    ]
    by_state = [facts(claim=shown(state, code="200")) for state in ClaimState]
    bare_card = InsuranceCard(number="", object_group="TE", benefit_level=0)
    return [
        *by_outcome,
        *by_state,
        facts(),
        facts(coverage=None),
        facts(coverage=coverage(card=bare_card)),
        facts(split=split(is_inpatient=True, is_provisional=True), claim=None),
        facts(claim=replace(shown(ClaimState.READY), diagnosis_codes=(), open_time=None, close_time=None)),
    ]


def views(of: FhirFacts) -> dict[FhirType, dict[str, Any]]:
    return {kind: json.loads(json.dumps(write_fhir(kind, of))) for kind in of.types()}


def test_every_view_of_every_outcome_and_state_is_r4() -> None:
    for of in every_kind_of_facts():
        for kind, view in views(of).items():
            assert mistakes(view) == [], (kind, of.coverage and of.coverage.finding.outcome)


def test_no_view_names_a_person() -> None:
    for of in every_kind_of_facts():
        text = json.dumps(views(of), ensure_ascii=False)
        for secret in SECRETS:
            assert secret not in text


def test_each_view_that_is_referred_to_is_there() -> None:
    for of in every_kind_of_facts():
        text = json.dumps(views(of))
        for kind in FhirType:
            if f'"{kind}/v1"' in text:
                assert kind in of.types(), kind


@pytest.mark.parametrize(
    ("changed", "types"),
    [
        ({"coverage": None, "split": None, "claim": None}, set()),
        (
            {"coverage": coverage(Outcome.SELF_PAY, card=None), "claim": None},
            {FhirType.COVERAGE, FhirType.EXPLANATION},
        ),
        (
            {"coverage": coverage(Outcome.NOT_FOUND, card=None), "split": None, "claim": None},
            {FhirType.ELIGIBILITY_REQUEST, FhirType.ELIGIBILITY_RESPONSE},
        ),
        ({}, set(FhirType)),
        ({"claim": shown(ClaimState.SENT)}, set(FhirType) - {FhirType.CLAIM_RESPONSE}),
        ({"claim": shown(ClaimState.UNKNOWN, code="500")}, set(FhirType) - {FhirType.CLAIM_RESPONSE}),
    ],
)
def test_a_view_is_there_only_when_something_is_known(changed: dict[str, Any], types: set[FhirType]) -> None:
    assert set(facts(**changed).types()) == types


@pytest.mark.parametrize(
    ("outcome", "told", "in_force"),
    [
        (Outcome.VALID, "complete", True),
        (Outcome.CARD_CHANGED, "complete", True),
        (Outcome.NOT_VALID, "complete", False),
        (Outcome.DISPUTED, "partial", None),
        (Outcome.PERSON_MISMATCH, "error", None),
    ],
)
def test_eligibility_follows_the_outcome(outcome: Outcome, told: str, in_force: bool | None) -> None:
    view = views(facts(coverage=coverage(outcome, code="060")))[FhirType.ELIGIBILITY_RESPONSE]

    assert view["outcome"] == told
    assert view["insurance"][0].get("inforce") is in_force
    codes = [error["code"]["coding"][0]["code"] for error in view.get("error", [])]
    assert codes == (["060"] if told == "error" else [])


def test_an_outage_is_queued_and_says_nothing_about_the_card() -> None:
    view = views(facts(coverage=coverage(Outcome.UNVERIFIED, card=None, code="")))[
        FhirType.ELIGIBILITY_RESPONSE
    ]

    assert view["outcome"] == "queued"
    assert "insurance" not in view
    assert "error" not in view


def test_a_card_that_ended_is_a_cancelled_coverage_with_its_period() -> None:
    view = views(facts(coverage=coverage(Outcome.NOT_VALID)))[FhirType.COVERAGE]

    assert view["status"] == "cancelled"
    assert view["period"] == {"start": "2026-01-01", "end": "2026-12-31"}
    assert [(each["type"]["coding"][0]["code"], each["value"]) for each in view["class"]] == [
        ("group", "DN"),
        ("plan", "4"),
        ("subplan", "K1"),
    ]


def test_the_shares_of_a_line_add_up_to_what_was_submitted() -> None:
    view = views(facts())[FhirType.EXPLANATION]

    def amounts(rows: list[dict[str, Any]]) -> dict[str, int]:
        return {
            row["category"]["coding"][0]["code"]: row["amount"]["value"] for row in rows if "amount" in row
        }

    shares = [amounts(item["adjudication"]) for item in view["item"]] + [amounts(view["total"])]
    assert [share["submitted"] for share in shares] == [50_600, 10_000, 60_600]
    for share in shares:
        parts = share["benefit"] + share["copay"] + share["self-pay"] + share["other-funding"]
        assert parts == share["submitted"]
        assert all(isinstance(amount, int) for amount in share.values())


def test_rates_and_quantities_are_exact_numbers() -> None:
    text = json.dumps(write_fhir(FhirType.EXPLANATION, facts()))

    assert '"value": 47.5' in text
    assert '"value": 0.125' in text


def test_a_line_is_served_on_the_day_in_vietnam() -> None:
    item = views(facts())[FhirType.CLAIM]["item"][0]

    assert item["servicedDate"] == "2026-09-01"
    assert item["diagnosisSequence"] == [1]


def test_the_principal_diagnosis_is_marked_and_first() -> None:
    told = views(facts())[FhirType.CLAIM]["diagnosis"]

    assert [each["diagnosisCodeableConcept"]["coding"][0]["code"] for each in told] == ["J00", "I10"]
    assert ["type" in each for each in told] == [True, False]


@pytest.mark.parametrize(
    ("state", "code", "settled", "outcome", "totals"),
    [
        (ClaimState.ACCEPTED, "200", None, "queued", {"submitted": 24_035}),
        (ClaimState.SETTLED, "200", 2_400_050, "complete", {"submitted": 24_035, "benefit": 24_001}),
        (ClaimState.REJECTED, "202", None, "error", {}),
    ],
)
def test_the_insurers_answer_follows_the_claim(
    state: ClaimState, code: str, settled: int | None, outcome: str, totals: dict[str, int]
) -> None:
    of = facts(claim=shown(state, code=code, settled_hundredths=settled))
    view = views(of)[FhirType.CLAIM_RESPONSE]

    told = {row["category"]["coding"][0]["code"]: row["amount"]["value"] for row in view.get("total", [])}
    assert (view["outcome"], told) == (outcome, totals)
    assert ("error" in view) == (outcome == "error")


def test_a_taken_back_claim_is_cancelled_and_an_unsent_one_is_a_draft() -> None:
    status = {
        state: views(facts(claim=shown(state, code="200")))[FhirType.CLAIM]["status"] for state in ClaimState
    }

    assert {state for state, told in status.items() if told == "draft"} == {
        ClaimState.DRAFT,
        ClaimState.READY,
    }
    assert {state for state, told in status.items() if told == "cancelled"} == {
        ClaimState.REPLACED,
        ClaimState.REVERSED,
    }


def test_a_change_of_state_is_another_version() -> None:
    accepted = views(facts(claim=shown(ClaimState.ACCEPTED, code="200")))
    settled = views(facts())

    for kind in (FhirType.CLAIM, FhirType.CLAIM_RESPONSE):
        assert accepted[kind]["meta"]["versionId"] != settled[kind]["meta"]["versionId"]
    assert settled[FhirType.CLAIM]["meta"] == {
        "versionId": "1.settled",
        "lastUpdated": "2026-09-01T02:00:00Z",
    }


def test_only_the_facility_and_the_link_number_are_written_as_identifiers() -> None:
    assert written_systems("FACILITY") == ("http://fhir.hl7.org.vn/core/sid/ma-cskcb",)
    assert written_systems("LINK") == ("http://fhir.hl7.org.vn/core/sid/ma-lk",)
    for kind in ("CITIZEN", "INSURANCE", "PASSPORT", "PATIENT", "STAFF_LICENCE"):
        assert written_systems(kind) == ()


def test_the_summary_of_a_claim_tells_diagnoses_and_stay() -> None:
    row = {"MA_BENH_CHINH": "J00", "MA_BENH_KT": "I10; E11;I10;", "NGAY_VAO": "202609010800", "NGAY_RA": ""}

    assert diagnosis_codes(row) == ("J00", "I10", "E11")
    begin, end = stay_of(row)
    assert begin is not None
    assert begin.astimezone(UTC) == datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
    assert end is None


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (FhirType.COVERAGE, {"status": "on"}, "Coverage.status: not in fm-status"),
        (FhirType.COVERAGE, {"payor": []}, "Coverage.payor: a list is wanted"),
        (FhirType.COVERAGE, {"beneficiary": None}, "Coverage.beneficiary: an element is an object"),
        (FhirType.CLAIM, {"outcome": "complete"}, "Claim.outcome: not an element of Claim"),
        (FhirType.CLAIM, {"created": "01/09/2026"}, "Claim.created: not a dateTime"),
        (FhirType.CLAIM, {"total": {"value": "1", "currency": "VND"}}, "Claim.total.value: not a decimal"),
        (FhirType.CLAIM, {"insurance": [{"focal": True}]}, "Claim.insurance[0].sequence: required"),
        (FhirType.CLAIM, {"diagnosis": [{"sequence": 1}]}, "Claim.diagnosis[0]: 1 to 1 of"),
    ],
)
def test_the_checker_of_r4_finds_what_is_wrong(kind: FhirType, change: dict[str, Any], told: str) -> None:
    found = mistakes({**views(facts())[kind], **change})

    assert any(line.startswith(told) for line in found), found


def test_a_library_of_others_reads_every_view() -> None:
    for of in every_kind_of_facts():
        for kind, view in views(of).items():
            model = get_fhir_model_class(kind.value)
            assert model.model_validate(view).get_resource_type() == kind.value
