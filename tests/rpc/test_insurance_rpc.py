"""Insurance through the whole pipeline: what callers get, and the typed error of each bad input."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from lienthong.insurance.v1 import insurance_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.fake_portal import CARD, refusal, reply
from tests.support.insurance import (
    FACILITY,
    QUERIES_FILES,
    Insurance,
    check_request,
    cost_line,
    insurance_stub,
    split_request,
)
from tests.support.stores import OpenStore

if TYPE_CHECKING:
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
async def stub(insurance: Insurance, keys: Keys) -> AsyncIterator[CoverageServiceAsyncStub]:
    async with insurance_stub(insurance, keys) as made:
        yield made


def signed(keys: Keys, *roles: str, facility: str = FACILITY) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=facility, purpose="treatment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=facility,
        purpose="treatment",
        token=Minter(keys.gateway).mint(named),
    )


async def test_a_valid_card_is_told_with_its_dates_and_its_evidence(
    stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        coverage = (await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)).coverage
        listed = (
            await stub.ListEvidence(pb.ListEvidenceRequest(visit="visits/v1"), timeout=TIMEOUT_S)
        ).evidence
        whole = (
            await stub.GetEvidence(pb.GetEvidenceRequest(name=coverage.evidence[0]), timeout=TIMEOUT_S)
        ).evidence

    assert coverage.outcome == pb.COVERAGE_OUTCOME_VALID
    assert coverage.name.startswith("visits/v1/coverages/")
    assert (coverage.visit, coverage.citizen) == ("visits/v1", "citizens/c1")
    assert coverage.card.number == CARD
    assert (coverage.card.valid_from_date, coverage.card.valid_to_date) == ("2026-01-01", "2026-12-31")
    assert coverage.card.five_year_date == "2025-06-01"
    assert coverage.as_of_time.ToDatetime().isoformat() == "2026-09-01T02:00:00"
    assert [each.name for each in listed] == list(coverage.evidence)
    assert listed[0].reply == b""
    assert CARD.encode() in whole.reply
    assert whole.reply_sha256 == listed[0].reply_sha256


async def test_a_replaced_card_stands_beside_the_new_one(
    stub: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(
        "003",
        gtTheDen="31/07/2026",
        maTheMoi="CN3060600000001",
        gtTheTuMoi="01/08/2026",
        gtTheDenMoi="31/07/2027",
    )

    with acting_as(signed(keys, "CLERK")):
        coverage = (await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)).coverage

    assert coverage.outcome == pb.COVERAGE_OUTCOME_CARD_CHANGED
    assert coverage.portal_code == "003"
    assert coverage.card.number == "CN3060600000001"
    assert coverage.replaced_card.number == CARD


async def test_an_outage_is_no_error_and_the_split_is_provisional(
    stub: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"

    with acting_as(signed(keys, "CLERK")):
        coverage = (await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)).coverage
        split = (await stub.SplitCost(split_request(), timeout=TIMEOUT_S)).split

    assert coverage.outcome == pb.COVERAGE_OUTCOME_UNVERIFIED
    assert coverage.degraded_reason == "PORTAL_TIMEOUT"
    assert coverage.recheck_pending
    assert "Điều 38" in coverage.explanation_vi
    assert split.provisional
    assert split.coverage == coverage.name
    assert (split.total_vnd, split.patient_vnd, split.fund_vnd) == (1_000_000, 1_000_000, 0)
    assert split.lines[0].rule_id == "UNVERIFIED_PENDING"


async def test_a_split_names_rate_rule_article_and_day_of_each_line(
    stub: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(maThe="HT3060600000001")

    with acting_as(signed(keys, "CLERK")):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        made = (await stub.SplitCost(split_request(), timeout=TIMEOUT_S)).split
        read = (await stub.GetSplit(pb.GetSplitRequest(visit="visits/v1"), timeout=TIMEOUT_S)).split

    (line,) = made.lines
    assert (line.rate_pct, line.rule_id) == ("95", "VISIT_CODE_1.12")
    assert "3276/QĐ-BYT" in line.legal_reference
    assert line.rule_valid_from_date == "2025-07-01"
    assert "95%" in line.explanation_vi
    assert (line.fund_vnd, line.copay_vnd) == (950_000, 50_000)
    assert read == made
    assert made.split_number == 1


async def test_a_rate_of_47_and_a_half_is_paid_exactly_and_explained(
    stub: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(maThe="HT3060600000001")

    with acting_as(signed(keys, "CLERK")):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        split = (await stub.SplitCost(split_request(visit_code="1.14"), timeout=TIMEOUT_S)).split

    assert split.fund_vnd == 475_000
    assert "47,5%" in split.lines[0].explanation_vi


BAD_CHECKS: list[tuple[dict[str, Any], str, str]] = [
    ({"request_id": ""}, "REQUEST_ID_REQUIRED", "request_id"),
    ({"request_id": "no-uuid"}, "REQUEST_ID_MALFORMED", "request_id"),
    ({"citizen": ""}, "CITIZEN_NOT_FOUND", "citizen"),
    ({"citizen": "people/1"}, "RESOURCE_NAME_MALFORMED", "citizen"),
    ({"visit": "v1"}, "RESOURCE_NAME_MALFORMED", "visit"),
    ({"identifier": ""}, "PERSONAL_NUMBER_MISSING", "identifier"),
    ({"identifier": "09919000001"}, "INSURANCE_NUMBER_LENGTH", "insurance_number"),
    ({"identifier": "DT9060600000001"}, "BENEFIT_LEVEL_UNKNOWN", "insurance_number"),
    ({"full_name": " "}, "FULL_NAME_MISSING", "full_name"),
    ({"full_name": "x" * 201}, "NAME_TOO_LONG", "full_name"),
    ({"birth_date": "05/03/1990"}, "BIRTH_DATE_MALFORMED", "birth_date"),
    ({"service_date": "2026-02-30"}, "SERVICE_DATE_MALFORMED", "service_date"),
]


@pytest.mark.parametrize(("fields", "reason", "field"), BAD_CHECKS)
async def test_a_bad_check_is_refused_with_reason_field_and_advice_and_nothing_is_asked(
    *,
    stub: CoverageServiceAsyncStub,
    insurance: Insurance,
    keys: Keys,
    fields: dict[str, Any],
    reason: str,
    field: str,
) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await stub.CheckCoverage(check_request(**fields), timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.vi
    assert insurance.scripted.rungs == []


BAD_SPLITS: list[tuple[pb.SplitCostRequest, str, str]] = [
    (pb.SplitCostRequest(request_id=str(uuid.uuid4()), visit="visits/v1"), "TOO_MANY_LINES", "lines"),
    (split_request(cost_line(quantity="1e3")), "LINE_MALFORMED", "lines[0].quantity"),
    (split_request(cost_line(quantity="-1")), "LINE_MALFORMED", "lines[0].quantity"),
    (split_request(cost_line(quantity="0.0001")), "LINE_MALFORMED", "lines[0].quantity"),
    (split_request(cost_line(quantity="NaN")), "LINE_MALFORMED", "lines[0].quantity"),
    (split_request(cost_line(), cost_line()), "LINE_MALFORMED", "lines[1].line_id"),
    (
        split_request(cost_line(covered_unit_price_vnd=2_000_000)),
        "LINE_MALFORMED",
        "lines[0].covered_unit_price_vnd",
    ),
    (split_request(visit_code="1.99"), "VISIT_CODE_UNKNOWN", "visit_code"),
    (
        split_request(*(cost_line(line_id=str(number)) for number in range(2_001))),
        "TOO_MANY_LINES",
        "lines",
    ),
]


@pytest.mark.parametrize(("request_message", "reason", "field"), BAD_SPLITS)
async def test_a_bad_bill_is_refused_with_reason_and_field(
    stub: CoverageServiceAsyncStub, keys: Keys, request_message: pb.SplitCostRequest, reason: str, field: str
) -> None:
    with acting_as(signed(keys, "CASHIER")), pytest.raises(AppError) as caught:
        await stub.SplitCost(request_message, timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.kind is Kind.INVALID_ARGUMENT


async def test_what_does_not_exist_has_its_own_reason(stub: CoverageServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLERK")):
        with pytest.raises(AppError) as no_coverage:
            await stub.GetCoverage(pb.GetCoverageRequest(visit="visits/v9"), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as no_evidence:
            await stub.GetEvidence(pb.GetEvidenceRequest(name="visits/v9/evidence/e9"), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as no_split:
            await stub.GetSplit(pb.GetSplitRequest(visit="visits/v9"), timeout=TIMEOUT_S)
        listed = await stub.ListEvidence(pb.ListEvidenceRequest(visit="visits/v9"), timeout=TIMEOUT_S)

    assert no_coverage.value.reason == "COVERAGE_NOT_FOUND"
    assert no_evidence.value.reason == "EVIDENCE_NOT_FOUND"
    assert no_split.value.reason == "SPLIT_NOT_FOUND"
    assert len(listed.evidence) == 0


async def test_another_facilitys_visit_looks_like_a_missing_one(
    stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)

    with acting_as(signed(keys, "CLERK", facility="19998")), pytest.raises(AppError) as caught:
        await stub.GetCoverage(pb.GetCoverageRequest(visit="visits/v1"), timeout=TIMEOUT_S)

    assert caught.value.reason == "COVERAGE_NOT_FOUND"


@pytest.mark.parametrize("role", ["CITIZEN", "STEWARD", "OPERATOR"])
async def test_roles_without_the_right_are_refused(
    stub: CoverageServiceAsyncStub, keys: Keys, role: str
) -> None:
    with acting_as(signed(keys, role)), pytest.raises(AppError) as caught:
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)

    assert caught.value.kind is Kind.PERMISSION


async def test_a_clinician_may_not_read_raw_replies(stub: CoverageServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLINICIAN")), pytest.raises(AppError) as caught:
        await stub.GetEvidence(pb.GetEvidenceRequest(name="visits/v1/evidence/e1"), timeout=TIMEOUT_S)

    assert caught.value.kind is Kind.PERMISSION


async def test_a_card_the_portal_does_not_know_is_not_found_and_no_proof(
    stub: CoverageServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: refusal("050")

    with acting_as(signed(keys, "DEVICE")):
        coverage = (await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)).coverage

    assert coverage.outcome == pb.COVERAGE_OUTCOME_NOT_FOUND
    assert not coverage.HasField("card")
    assert "Chưa chứng minh" in coverage.explanation_vi
