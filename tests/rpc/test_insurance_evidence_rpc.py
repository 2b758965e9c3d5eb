"""Later look-ups, exports and corrections through the whole pipeline: what callers get, and each typed error."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from lienthong.insurance.v1 import insurance_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.fake_portal import CARD, copayments, refusal, reply
from tests.support.insurance import FACILITY, QUERIES_FILES, Insurance, check_request, insurance_stub
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceAsyncStub

TIMEOUT_S = 5.0
VISIT = "visits/v1"


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
    named = Caller(
        subject="persons/1", roles=frozenset(roles or {"CLERK"}), facility=facility, purpose="treatment"
    )
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=facility,
        purpose="treatment",
        token=Minter(keys.gateway).mint(named),
    )


def look_up(**fields: Any) -> pb.LookUpAgainRequest:
    whole = {"request_id": str(uuid.uuid4()), "visit": VISIT, "moment": pb.LOOK_UP_MOMENT_END}
    return pb.LookUpAgainRequest(**{**whole, **fields})


def export(**fields: Any) -> pb.ExportEvidenceRequest:
    whole = {"request_id": str(uuid.uuid4()), "visit": VISIT, "format": pb.EVIDENCE_FORMAT_JSON}
    return pb.ExportEvidenceRequest(**{**whole, **fields})


def corrections(**fields: Any) -> pb.ListCorrectionsRequest:
    return pb.ListCorrectionsRequest(**fields)


async def test_a_later_look_up_tells_coverage_evidence_and_copayments(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    insurance.scripted.published = lambda _: copayments(700_000)
    with acting_as(signed(keys)):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        found = await stub.LookUpAgain(look_up(), timeout=TIMEOUT_S)
        listed = await stub.ListEvidence(pb.ListEvidenceRequest(visit=VISIT), timeout=TIMEOUT_S)

    assert found.coverage.moment == pb.LOOK_UP_MOMENT_END
    assert found.failure_reason == ""
    assert [each.name for each in listed.evidence][1:] == list(found.evidence)
    assert found.copayments.accumulated_vnd == 700_000
    assert found.copayments.evidence == found.evidence[-1]
    assert all(each.exchange for each in listed.evidence)


async def test_a_coverage_tells_all_cards_the_reason_and_the_last_day_of_grace(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda _: reply(
        "004", maTheMoi="CN3060600000001", gtTheTuMoi="01/08/2026", gtTheDenMoi="31/07/2027"
    )
    with acting_as(signed(keys)):
        changed = (await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)).coverage
        insurance.scripted.lookup = lambda _: refusal("120")
        refused = (await stub.CheckCoverage(check_request(visit="visits/v2"), timeout=TIMEOUT_S)).coverage

    assert [card.number for card in changed.cards] == ["CN3060600000001", CARD]
    assert changed.grace_end_date == "2027-08-15"
    assert (refused.outcome, refused.reason) == (pb.COVERAGE_OUTCOME_NOT_VALID, "REDUCED")


async def test_further_numbers_and_the_printed_name_are_used(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    insurance.scripted.lookup = lambda rung: refusal("060" if rung.identifier == CARD else "050")
    with acting_as(signed(keys)):
        await stub.CheckCoverage(
            check_request(other_identifiers=[CARD, "?"], printed_name="Nông Thị Hoa"), timeout=TIMEOUT_S
        )

    assert [rung.identifier[-10:] for rung in insurance.scripted.rungs][1:] == ["0600000001"] * 3


@pytest.mark.parametrize("chosen", [pb.EVIDENCE_FORMAT_PDF, pb.EVIDENCE_FORMAT_JSON])
async def test_a_paper_proves_the_failed_look_up_and_repeats_byte_for_byte(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys, chosen: pb.EvidenceFormat.ValueType
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    request = export(format=chosen, contact_phone="0900 000 000", contact_address="Xã Nam Mẫu")
    with acting_as(signed(keys)):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        first = await stub.ExportEvidence(request, timeout=TIMEOUT_S)
        again = await stub.ExportEvidence(request, timeout=TIMEOUT_S)
        other = await stub.ExportEvidence(
            export(format=chosen, contact_phone="0900 000 000", contact_address="Xã Nam Mẫu"),
            timeout=TIMEOUT_S,
        )

    assert first.content == again.content == other.content
    assert first.content_sha256 == sha256(first.content).hexdigest()
    assert first.file_name.endswith(".pdf" if chosen == pb.EVIDENCE_FORMAT_PDF else ".json")
    if chosen == pb.EVIDENCE_FORMAT_JSON:
        document = json.loads(first.content)
        assert document["look_ups"][0]["failure_reason"] == "PORTAL_TIMEOUT"
        assert document["contact"]["phone"] == "0900 000 000"
        assert document["evidence_sha256"] == first.evidence_sha256


async def test_what_changed_is_listed_in_both_languages(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    with acting_as(signed(keys)):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        insurance.scripted.down = ""
        await insurance.worker.step()
        page = await stub.ListCorrections(pb.ListCorrectionsRequest(page_size=1), timeout=TIMEOUT_S)
        rest = await stub.ListCorrections(
            pb.ListCorrectionsRequest(page_size=1, page_token=page.next_page_token), timeout=TIMEOUT_S
        )

    (notice,) = page.corrections
    assert notice.cause == pb.CORRECTION_CAUSE_OUTAGE_OVER
    assert not notice.HasField("patient_vnd")
    assert "gián đoạn" in notice.notice_vi
    assert "outage" in notice.notice_en
    assert len(rest.corrections) == 0


@pytest.mark.parametrize(
    ("method", "request_message", "kind", "reason", "field"),
    [
        ("LookUpAgain", look_up(moment=pb.LOOK_UP_MOMENT_ARRIVAL), Kind.INVALID_ARGUMENT, "MOMENT_MISSING", "moment"),
        ("LookUpAgain", look_up(moment=0), Kind.INVALID_ARGUMENT, "MOMENT_MISSING", "moment"),
        ("LookUpAgain", look_up(visit="v1"), Kind.INVALID_ARGUMENT, "RESOURCE_NAME_MALFORMED", "visit"),
        ("LookUpAgain", look_up(), Kind.NOT_FOUND, "COVERAGE_NOT_FOUND", "visit"),
        ("LookUpAgain", look_up(request_id=""), Kind.INVALID_ARGUMENT, "REQUEST_ID_REQUIRED", "request_id"),
        ("ExportEvidence", export(format=0), Kind.INVALID_ARGUMENT, "EXPORT_FORMAT_MISSING", "format"),
        ("ExportEvidence", export(contact_phone="0" * 101), Kind.INVALID_ARGUMENT, "CONTACT_TOO_LONG", "contact_phone"),
        ("ExportEvidence", export(contact_note="x" * 301), Kind.INVALID_ARGUMENT, "CONTACT_TOO_LONG", "contact_note"),
        ("ExportEvidence", export(), Kind.NOT_FOUND, "EVIDENCE_NOT_FOUND", "name"),
        ("ListCorrections", corrections(page_size=201), Kind.INVALID_ARGUMENT, "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
        ("ListCorrections", corrections(page_token="x"), Kind.INVALID_ARGUMENT, "PAGE_TOKEN_MALFORMED", "page_token"),
    ],
)  # fmt: skip
async def test_a_bad_request_is_refused_with_reason_and_field(
    stub: CoverageServiceAsyncStub,
    keys: Keys,
    *,
    method: str,
    request_message: Any,
    kind: Kind,
    reason: str,
    field: str,
) -> None:
    with acting_as(signed(keys)), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.kind, caught.value.reason, caught.value.field) == (kind, reason, field)
    assert caught.value.vi


async def test_an_auditor_without_facility_names_one(stub: CoverageServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "AUDITOR", facility="")):
        page = await stub.ListCorrections(pb.ListCorrectionsRequest(facility=FACILITY), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as caught:
            await stub.ListCorrections(pb.ListCorrectionsRequest(), timeout=TIMEOUT_S)

    assert len(page.corrections) == 0
    assert caught.value.reason == "FACILITY_MISSING"


@pytest.mark.parametrize("role", ["CITIZEN", "DEVICE", "OPERATOR", "CLINICIAN"])
async def test_papers_are_made_by_who_may_read_raw_replies(
    stub: CoverageServiceAsyncStub, keys: Keys, role: str
) -> None:
    with acting_as(signed(keys, role)), pytest.raises(AppError) as caught:
        await stub.ExportEvidence(export(), timeout=TIMEOUT_S)

    assert caught.value.kind is Kind.PERMISSION


async def test_a_reused_request_id_with_another_contact_is_refused(
    insurance: Insurance, stub: CoverageServiceAsyncStub, keys: Keys
) -> None:
    first = export()
    with acting_as(signed(keys)):
        await stub.CheckCoverage(check_request(), timeout=TIMEOUT_S)
        await stub.ExportEvidence(first, timeout=TIMEOUT_S)
        first.contact_phone = "1"
        with pytest.raises(AppError) as caught:
            await stub.ExportEvidence(first, timeout=TIMEOUT_S)

    assert caught.value.reason == "REQUEST_ID_REUSED"
