"""The FHIR views through the whole pipeline: what is shown when, to whom, and what is recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from chassis import audit
from chassis.crypto import KeyRing, LookupHash
from chassis.db import Tx
from chassis.errors import AppError
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.telemetry import Telemetry
from insurance_svc.domain.claim import Claim, ClaimState, moved, with_version
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_values import ClaimVersion, Submission
from insurance_svc.domain.model import StoredSplit
from insurance_svc.operations.fhir_views import FhirViews
from insurance_svc.servicer.fhir import InsuranceFhirServicer
from insurance_svc.store.claims_store import CLAIM_QUERIES, ClaimStore
from lienthong.insurance.v1 import fhir_pb2 as pb
from lienthong.insurance.v1.fhir_pb2_grpc import (
    InsuranceFhirServiceStub,
    add_InsuranceFhirServiceServicer_to_server,
)
from tests.support.claim_xml import claim_tables, envelope
from tests.support.echo_network import Keys
from tests.support.fake_portal import CARD, CITIZEN, NAME
from tests.support.fhir_rules import mistakes
from tests.support.insurance import FACILITY, QUERIES_FILES, START, Insurance, check_request
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.insurance.v1.fhir_pb2_grpc import InsuranceFhirServiceAsyncStub

TIMEOUT_S = 5.0
ALL_QUERIES = tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def insurance(open_store: OpenStore, tmp_path: Path) -> Insurance:
    return Insurance(await open_store("insurance_svc", queries=ALL_QUERIES), tmp_path)


@pytest.fixture
def claims(insurance: Insurance, tmp_path: Path) -> ClaimStore:
    ring = KeyRing.from_file(tmp_path / "field-keys.json")
    return ClaimStore(insurance.cipher, LookupHash(ring))


@pytest.fixture
async def stub(
    insurance: Insurance, claims: ClaimStore, keys: Keys
) -> AsyncIterator[InsuranceFhirServiceAsyncStub]:
    telemetry = Telemetry("insurance")
    views = FhirViews(db=insurance.db, store=insurance.store, claims=claims, clock=insurance.clock)
    network = LocalNetwork()
    network.register(
        "insurance",
        [collect(add_InsuranceFhirServiceServicer_to_server, InsuranceFhirServicer(views))],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("insurance", telemetry=telemetry, sender="gateway")
    # The generated stub answers awaitables on any channel of ours; only the .pyi tells two classes.
    yield cast("InsuranceFhirServiceAsyncStub", InsuranceFhirServiceStub(cast("Any", channel)))
    await channel.close()


def signed(keys: Keys, *roles: str, facility: str = FACILITY) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=facility, purpose="treatment")
    return replace(named, token=Minter(keys.gateway).mint(named))


async def get(
    stub: InsuranceFhirServiceAsyncStub,
    keys: Keys,
    name: str,
    *,
    role: str = "CLERK",
    facility: str = FACILITY,
) -> pb.FhirResource:
    with acting_as(signed(keys, role, facility=facility)):
        answer = await stub.GetFhirResource(pb.GetFhirResourceRequest(name=name), timeout=TIMEOUT_S)
    return answer.resource


async def listed(stub: InsuranceFhirServiceAsyncStub, keys: Keys) -> dict[str, dict[str, Any]]:
    with acting_as(signed(keys, "CASHIER")):
        answer = await stub.ListFhirResources(
            pb.ListFhirResourcesRequest(visit="visits/v1"), timeout=TIMEOUT_S
        )
    return {each.type: json.loads(each.json) for each in answer.resources}


async def keep_claim(
    insurance: Insurance, claims: ClaimStore, split: StoredSplit, *, code: str = "200"
) -> None:
    """A claim that the portal answered, kept as the operations keep it."""
    now = insurance.clock.now()
    fresh = Claim(
        claim_id="k1",
        citizen_id="c1",
        visit_id="v1",
        facility=FACILITY,
        link_id="LK0001",
        month="2026-09",
        create_time=now,
        update_time=now,
    )
    ready = with_version(fresh, is_ready=True, month="2026-09", now=now)
    end = ClaimState.ACCEPTED if code == "200" else ClaimState.REJECTED
    claim = ready
    for state in (ClaimState.SIGNED, ClaimState.SENT, end):
        claim = moved(claim, 1, state, now=now)
    file = envelope(claim_tables(MA_BENH_KT="I10"))
    version = ClaimVersion(
        claim_id="k1",
        citizen_id="c1",
        version=1,
        schema_version="3176",
        month="2026-09",
        split_id=split.split_id,
        coverage_id=split.coverage_id,
        total_hundredths=split.split.total_vnd * 100,
        covered_hundredths=split.split.total_vnd * 100,
        fund_hundredths=split.split.fund_vnd * 100,
        fund_vnd=split.split.fund_vnd,
        lacks=(),
        reason="",
        facts_sha256="0" * 64,
        file_sha256=sha256(file).hexdigest(),
        file=file,
        caller="persons/1",
        create_time=now,
    )
    sent = Submission(
        submission_id="u1",
        citizen_id="c1",
        kind=FileKind.CLAIM,
        visit_id="v1",
        facility=FACILITY,
        link_id="LK0001",
        claim_id="k1",
        version=1,
        state=end,
        is_signed=False,
        file_sha256=version.file_sha256,
        file=file,
        send_count=1,
        first_send_time=now,
        last_send_time=now,
        answer_time=now,
        transaction_number="GD1",
        portal_code=code,
        message="",
        create_time=now,
        update_time=now,
    )

    async def work(tx: Tx) -> None:
        await claims.add(tx, ready)
        counted = claim.counted_version > 0
        await claims.change(
            tx,
            ready,
            claim,
            counted_month="2026-09" if counted else "",
            counted_hundredths=version.fund_hundredths if counted else 0,
        )
        await claims.add_version(tx, version)
        await claims.add_submission(tx, sent)

    await insurance.db.write(work)


async def test_the_views_of_a_visit_grow_with_what_is_known(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, claims: ClaimStore, keys: Keys
) -> None:
    before = await listed(stub, keys)
    await insurance.check()
    checked = await listed(stub, keys)
    split = await insurance.split()
    billed = await listed(stub, keys)
    await keep_claim(insurance, claims, split)
    claimed = await listed(stub, keys)

    asked = ["Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse"]
    assert list(before) == []
    assert list(checked) == asked
    assert list(billed) == [*asked, "ExplanationOfBenefit"]
    assert list(claimed) == [*asked, "Claim", "ClaimResponse", "ExplanationOfBenefit"]
    for kind, view in claimed.items():
        assert mistakes(view) == [], kind
    told = [each["diagnosisCodeableConcept"]["coding"][0]["code"] for each in claimed["Claim"]["diagnosis"]]
    assert told == ["J00", "I10"]
    assert claimed["Claim"]["billablePeriod"]["start"] == "2026-11-02T01:00:00Z"
    assert claimed["ClaimResponse"]["outcome"] == "queued"


async def test_a_view_comes_with_its_version_and_time_and_names_nobody(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    await insurance.check()

    resource = await get(stub, keys, "fhir/Coverage/v1")

    view = json.loads(resource.json)
    assert (resource.name, resource.visit, resource.type) == ("fhir/Coverage/v1", "visits/v1", "Coverage")
    assert (resource.version_id, view["meta"]["versionId"]) == ("1", "1")
    assert resource.last_update_time.ToDatetime().isoformat() == START.replace(tzinfo=None).isoformat()
    assert view["beneficiary"] == {"reference": "Patient/c1"}
    for secret in (CARD, NAME, CITIZEN):
        assert secret not in resource.json


async def test_a_correction_is_the_next_version(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    waiting = await get(stub, keys, "fhir/CoverageEligibilityResponse/v1")
    insurance.scripted.down = ""
    await insurance.check(check_request())
    known = await get(stub, keys, "fhir/CoverageEligibilityResponse/v1")

    outcomes = [json.loads(each.json)["outcome"] for each in (waiting, known)]
    assert (outcomes, waiting.version_id, known.version_id) == (["queued", "complete"], "1", "2")


async def test_a_refused_claim_tells_the_code_and_no_words_of_the_portal(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, claims: ClaimStore, keys: Keys
) -> None:
    await insurance.check()
    await keep_claim(insurance, claims, await insurance.split(), code="202")

    view = (await listed(stub, keys))["ClaimResponse"]

    assert view["outcome"] == "error"
    assert view["error"][0]["code"]["coding"][0]["code"] == "202"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fhir/Coverage/v9", "FHIR_RESOURCE_NOT_FOUND"),
        ("fhir/Claim/v1", "FHIR_RESOURCE_NOT_FOUND"),
        ("fhir/Patient/v1", "FHIR_TYPE_UNKNOWN"),
        ("fhir/coverage/v1", "FHIR_TYPE_UNKNOWN"),
        ("fhir/Coverage", "FHIR_NAME_MALFORMED"),
        ("fhir/Coverage/../v1", "FHIR_NAME_MALFORMED"),
        ("", "FHIR_NAME_MALFORMED"),
    ],
)
async def test_what_cannot_be_shown_is_a_typed_error(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys, name: str, reason: str
) -> None:
    await insurance.check()

    with pytest.raises(AppError) as refused:
        await get(stub, keys, name)

    assert refused.value.reason == reason
    assert refused.value.vi


async def test_another_facility_sees_nothing(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    await insurance.check()

    with pytest.raises(AppError) as refused:
        await get(stub, keys, "fhir/Coverage/v1", facility="19998")
    with acting_as(signed(keys, "CLERK", facility="19998")):
        answer = await stub.ListFhirResources(
            pb.ListFhirResourcesRequest(visit="visits/v1"), timeout=TIMEOUT_S
        )

    assert refused.value.reason == "FHIR_RESOURCE_NOT_FOUND"
    assert len(answer.resources) == 0


@pytest.mark.parametrize("role", ["DEVICE", "CITIZEN", "OPERATOR", "STEWARD"])
async def test_other_roles_are_refused(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys, role: str
) -> None:
    await insurance.check()

    with pytest.raises(AppError) as refused:
        await get(stub, keys, "fhir/Coverage/v1", role=role)

    assert refused.value.reason == "ROLE_NOT_ALLOWED"


async def test_each_reading_is_recorded_with_what_was_read(
    stub: InsuranceFhirServiceAsyncStub, insurance: Insurance, keys: Keys
) -> None:
    await insurance.check()
    await get(stub, keys, "fhir/Coverage/v1")
    await listed(stub, keys)

    rows = await insurance.db.read(lambda tx: audit.entries_of(tx, subject="c1", page_size=100))
    read = [row.resource for row in rows if row.action == "get_fhir_resource"]
    assert sorted(read) == ["fhir/Coverage/v1", "visits/v1/fhirResources"]
