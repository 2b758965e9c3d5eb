"""Claims through the whole pipeline: what callers get, the typed error of each bad input, and who may call."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.access import policy_of
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from insurance_svc.store.claims_store import CLAIM_QUERIES
from lienthong.insurance.v1 import claims_pb2 as pb
from standards.claims import read_claim_file
from tests.support.claims import Claims, claim_stub, refused, visit_record
from tests.support.echo_network import Keys
from tests.support.insurance import FACILITY, QUERIES_FILES
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceAsyncStub

TIMEOUT_S = 10.0
VISIT = "visits/v1"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def claims(open_store: OpenStore, tmp_path: Path) -> Claims:
    files = tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))
    return Claims(await open_store("insurance_svc", queries=files), tmp_path)


@pytest.fixture
async def stub(claims: Claims, keys: Keys) -> AsyncIterator[ClaimServiceAsyncStub]:
    async with claim_stub(claims, keys) as made:
        yield made


def signed(keys: Keys, *roles: str, facility: str = FACILITY) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=facility, purpose="payment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=facility,
        purpose="payment",
        token=Minter(keys.gateway).mint(named),
    )


def request_id() -> str:
    return str(uuid.uuid4())


async def build(stub: ClaimServiceAsyncStub, **fields: Any) -> pb.BuildClaimResponse:
    request = pb.BuildClaimRequest(**{"request_id": request_id(), "visit": VISIT, **fields})
    return await stub.BuildClaim(request, timeout=TIMEOUT_S)


async def submit(stub: ClaimServiceAsyncStub, **fields: Any) -> pb.SubmitClaimResponse:
    request = pb.SubmitClaimRequest(**{"request_id": request_id(), "visit": VISIT, **fields})
    return await stub.SubmitClaim(request, timeout=TIMEOUT_S)


async def upload(
    stub: ClaimServiceAsyncStub, content: bytes, *, month: str | None = "2026-09"
) -> pb.Settlement:
    header = pb.ImportSettlementHeader(request_id=request_id(), month=month or "")
    parts: Sequence[pb.ImportSettlementRequest] = [
        *([] if month is None else [pb.ImportSettlementRequest(header=header)]),
        pb.ImportSettlementRequest(content=content[:7]),
        pb.ImportSettlementRequest(content=content[7:]),
    ]

    async def sent() -> AsyncIterator[pb.ImportSettlementRequest]:
        for part in parts:
            yield part

    return (await stub.ImportSettlement(sent(), timeout=TIMEOUT_S)).settlement


async def test_a_discharge_builds_checks_signs_submits_and_tracks(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.cover()

    with acting_as(signed(keys, "CLINICIAN")):
        built = await build(stub)
        linted = (await stub.LintClaim(pb.LintClaimRequest(visit=VISIT), timeout=TIMEOUT_S)).report
        submitted = await submit(stub)
    await claims.worker.step()
    with acting_as(signed(keys, "CASHIER")):
        claim = (await stub.GetClaim(pb.GetClaimRequest(visit=VISIT), timeout=TIMEOUT_S)).claim

    assert (built.readiness, built.new_version, list(built.lacks)) == (pb.CLAIM_READINESS_READY, True, [])
    assert linted.clean
    assert {"drugs", "icd10", "staff"} <= set(linted.missing_lists)
    assert not {"coverage", "base_salaries", "today"} & set(linted.missing_lists)
    assert submitted.report.clean
    assert submitted.claim.state == pb.CLAIM_STATE_SIGNED
    assert (claim.name, claim.link_id, claim.settlement_month) == ("visits/v1/claim", "260901-v1", "2026-09")
    assert (claim.state, claim.version, claim.counted_version) == (pb.CLAIM_STATE_ACCEPTED, 1, 1)
    (version,) = claim.versions
    assert (version.total_amount, version.fund_amount, version.fund_vnd) == ("75620", "75620", 75_620)
    assert version.split.startswith("visits/v1/splits/")
    assert version.submission.signed
    assert (version.submission.transaction_number, version.submission.portal_code) == ("GD0001", "200")
    assert [each.state for each in claim.events] == [
        pb.CLAIM_STATE_READY, pb.CLAIM_STATE_SIGNED, pb.CLAIM_STATE_SENT, pb.CLAIM_STATE_ACCEPTED,
    ]  # fmt: skip
    assert claim.events[-1].actor == "services/insurance"


async def test_lacks_are_typed_and_speak_both_languages(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.cover()
    claims.record.record = visit_record(close_time=None, entries=())

    with acting_as(signed(keys, "CASHIER")):
        built = await build(stub)
        items = (await stub.ListWorkItems(pb.ListWorkItemsRequest(), timeout=TIMEOUT_S)).work_items

    assert built.readiness == pb.CLAIM_READINESS_NOT_READY
    found = {(lack.code, lack.field): lack for lack in built.lacks}
    assert ("VISIT_OPEN", "") in found
    weight = found["FIELD_NOT_RECORDED", "CAN_NANG"]
    assert (weight.table, weight.row, weight.holder) == ("XML1", 1, "RECORD")
    assert weight.message_vi == "Thiếu CAN_NANG của XML1; hãy bổ sung trong hồ sơ lượt khám."
    assert weight.message_en == "CAN_NANG of XML1 is not recorded; record it in the visit's record."
    assert items[0].cause == pb.WORK_ITEM_CAUSE_NOT_READY
    assert len(items[0].lacks) == len(built.lacks)


async def test_the_file_comes_in_pieces_and_is_the_one_that_was_sent(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.ready()

    with acting_as(signed(keys, "AUDITOR")):
        pieces = [
            each.content
            async for each in stub.GetClaimFile(pb.GetClaimFileRequest(visit=VISIT), timeout=TIMEOUT_S)
        ]

    file = read_claim_file(b"".join(pieces))
    assert file.is_signed
    assert file.records[0].visit_link == "260901-v1"


async def test_a_refused_claim_is_listed_with_the_portals_words_and_resolved(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.ready()
    claims.scripted.answers = [refused("202", "Sai mã bệnh")]
    await claims.worker.step()

    with acting_as(signed(keys, "CASHIER")):
        (item,) = (await stub.ListWorkItems(pb.ListWorkItemsRequest(), timeout=TIMEOUT_S)).work_items
        resolved = (
            await stub.ResolveWorkItem(
                pb.ResolveWorkItemRequest(
                    request_id=request_id(),
                    name=item.name,
                    resolution=pb.WORK_ITEM_RESOLUTION_DISMISSED,
                    note="gửi lại sau",
                ),
                timeout=TIMEOUT_S,
            )
        ).work_item
        left = (await stub.ListWorkItems(pb.ListWorkItemsRequest(), timeout=TIMEOUT_S)).work_items
        every = (
            await stub.ListWorkItems(pb.ListWorkItemsRequest(show_resolved=True), timeout=TIMEOUT_S)
        ).work_items

    assert (item.cause, item.portal_code, item.portal_message) == (
        pb.WORK_ITEM_CAUSE_REJECTED, "202", "Sai mã bệnh",
    )  # fmt: skip
    assert (resolved.resolution, resolved.note) == (pb.WORK_ITEM_RESOLUTION_DISMISSED, "gửi lại sau")
    assert list(left) == []
    assert [each.name for each in every] == [item.name]


async def test_a_month_is_settled_and_compared(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.ready()
    await claims.worker.step()

    with acting_as(signed(keys, "CASHIER")):
        taken = await upload(stub, "maLK,soTienDuyet,lyDo\n260901-v1,75000.5,Sai giá\nlạ,5,\n".encode())
        found = await stub.CompareSettlement(pb.CompareSettlementRequest(month="2026-09"), timeout=TIMEOUT_S)
        listed = await stub.ListClaims(pb.ListClaimsRequest(state=pb.CLAIM_STATE_SETTLED), timeout=TIMEOUT_S)

    assert (taken.line_count, taken.unmatched_count) == (2, 1)
    assert (found.totals.claimed_amount, found.totals.accepted_amount) == ("75620", "75000.5")
    assert (found.totals.refused_amount, found.totals.foreign_amount) == ("619.5", "5")
    assert [(each.cause, each.refused_amount) for each in found.refused] == [("Sai giá", "619.5")]
    short, foreign = found.differences
    assert (short.visit, short.kind, short.difference_vnd) == (VISIT, pb.DIFFERENCE_KIND_AMOUNT, -620)
    assert (foreign.link_id, foreign.kind, foreign.difference_vnd) == (
        "lạ",
        pb.DIFFERENCE_KIND_NOT_CLAIMED,
        5,
    )
    assert [each.name for each in listed.claims] == ["visits/v1/claim"]


async def test_claims_are_listed_page_by_page(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    from tests.support.claims import other_visit

    for number in range(2, 6):
        other_visit(claims, f"v{number}", f"c{number}")
        await claims.cover(visit=f"v{number}", citizen=f"c{number}")
        await claims.build(f"v{number}")
        claims.pass_time(seconds=1)
    found, token = [], ""
    with acting_as(signed(keys, "CASHIER")):
        while True:
            page = await stub.ListClaims(
                pb.ListClaimsRequest(page_size=3, page_token=token), timeout=TIMEOUT_S
            )
            found += [each.visit for each in page.claims]
            token = page.next_page_token
            if not token:
                break

    assert found == [f"visits/v{number}" for number in (5, 4, 3, 2)]


BAD: dict[str, tuple[str, Any, str, Kind]] = {
    "no visit": (
        "BuildClaim",
        pb.BuildClaimRequest(visit="v1"),
        "RESOURCE_NAME_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "month": (
        "BuildClaim",
        pb.BuildClaimRequest(visit=VISIT, settlement_month="2026-13"),
        "SETTLEMENT_MONTH_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "unknown claim": ("GetClaim", pb.GetClaimRequest(visit="visits/v9"), "CLAIM_NOT_FOUND", Kind.NOT_FOUND),
    "unknown lint": ("LintClaim", pb.LintClaimRequest(visit="visits/v9"), "CLAIM_NOT_FOUND", Kind.NOT_FOUND),
    "submit nothing": ("SubmitClaim", pb.SubmitClaimRequest(visit=VISIT), "CLAIM_NOT_FOUND", Kind.NOT_FOUND),
    "page token": (
        "ListClaims",
        pb.ListClaimsRequest(page_token="?"),
        "PAGE_TOKEN_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "page token of another list": (
        "CompareSettlement",
        pb.CompareSettlementRequest(month="2026-09", page_token="eHx5"),
        "PAGE_TOKEN_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "page size": (
        "ListWorkItems",
        pb.ListWorkItemsRequest(page_size=201),
        "PAGE_SIZE_OUT_OF_RANGE",
        Kind.INVALID_ARGUMENT,
    ),
    "work item token": (
        "ListWorkItems",
        pb.ListWorkItemsRequest(page_token="MjAyNg"),
        "PAGE_TOKEN_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "compare month": (
        "CompareSettlement",
        pb.CompareSettlementRequest(month=""),
        "SETTLEMENT_MONTH_MALFORMED",
        Kind.INVALID_ARGUMENT,
    ),
    "replace without reason": (
        "ReplaceClaim",
        pb.ReplaceClaimRequest(visit=VISIT),
        "REASON_REQUIRED",
        Kind.INVALID_ARGUMENT,
    ),
    "replace nothing": (
        "ReplaceClaim",
        pb.ReplaceClaimRequest(visit=VISIT, reason="x"),
        "CLAIM_NOT_FOUND",
        Kind.NOT_FOUND,
    ),
    "reverse nothing": (
        "ReverseClaim",
        pb.ReverseClaimRequest(visit=VISIT, reason="x"),
        "CLAIM_NOT_FOUND",
        Kind.NOT_FOUND,
    ),
    "work item": (
        "ResolveWorkItem",
        pb.ResolveWorkItemRequest(
            name="claimWorkItems/9", note="x", resolution=pb.WORK_ITEM_RESOLUTION_DISMISSED
        ),
        "WORK_ITEM_NOT_FOUND",
        Kind.NOT_FOUND,
    ),
    "resolution": (
        "ResolveWorkItem",
        pb.ResolveWorkItemRequest(
            name="claimWorkItems/9", note="x", resolution=pb.WORK_ITEM_RESOLUTION_OVERTAKEN
        ),
        "RESOLUTION_NOT_POSSIBLE",
        Kind.INVALID_ARGUMENT,
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_with_its_reason_in_both_languages(
    name: str, stub: ClaimServiceAsyncStub, keys: Keys
) -> None:
    method, request, reason, kind = BAD[name]
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id()

    with pytest.raises(AppError) as refusal, acting_as(signed(keys, "CASHIER")):
        await getattr(stub, method)(request, timeout=TIMEOUT_S)

    assert (refusal.value.reason, refusal.value.kind) == (reason, kind)
    assert refusal.value.vi
    assert refusal.value.message


async def test_an_unknown_version_has_no_file(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.ready()

    with pytest.raises(AppError) as refusal, acting_as(signed(keys, "CASHIER")):
        async for _ in stub.GetClaimFile(pb.GetClaimFileRequest(visit=VISIT, version=7), timeout=TIMEOUT_S):
            pass

    assert (refusal.value.reason, refusal.value.field) == ("CLAIM_NOT_FOUND", "version")


@pytest.mark.parametrize(
    ("content", "month", "reason"),
    [
        (b"maLK,soTienDuyet\nA,x\n", "2026-09", "SETTLEMENT_FILE_UNREADABLE"),
        (b"maLK,soTienDuyet\nA,1\n", "9/2026", "SETTLEMENT_MONTH_MALFORMED"),
        (b"maLK,soTienDuyet\nA,1\n", None, "SETTLEMENT_HEADER_MISSING"),
    ],
)
async def test_a_bad_result_file_is_refused(
    stub: ClaimServiceAsyncStub, keys: Keys, content: bytes, month: str | None, reason: str
) -> None:
    with pytest.raises(AppError) as refusal, acting_as(signed(keys, "CASHIER")):
        await upload(stub, content, month=month)

    assert refusal.value.reason == reason


async def test_a_claim_that_is_not_ready_is_not_submitted(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    await claims.cover()
    claims.record.record = visit_record(close_time=None)
    with acting_as(signed(keys, "CASHIER")):
        await build(stub)

        with pytest.raises(AppError) as refusal:
            await submit(stub)

    assert (refusal.value.reason, refusal.value.kind) == ("CLAIM_NOT_READY", Kind.PRECONDITION)


async def test_a_check_in_that_lacks_a_field_names_it(
    stub: ClaimServiceAsyncStub, claims: Claims, keys: Keys
) -> None:
    claims.insurance.scripted.down = "PORTAL_TIMEOUT"
    await claims.insurance.check()

    with pytest.raises(AppError) as refusal, acting_as(signed(keys, "CLERK")):
        await stub.SubmitCheckIn(
            pb.SubmitCheckInRequest(request_id=request_id(), visit=VISIT), timeout=TIMEOUT_S
        )

    assert refusal.value.reason == "CHECK_IN_NOT_READY"
    assert refusal.value.facts == {"fields": "MA_DOITUONG_KCB"}


async def test_people_without_the_role_are_refused(stub: ClaimServiceAsyncStub, keys: Keys) -> None:
    with pytest.raises(AppError) as refusal, acting_as(signed(keys, "DEVICE")):
        await build(stub)

    assert refusal.value.kind is Kind.PERMISSION


def test_every_method_says_who_may_call_it_and_citizens_may_call_none() -> None:
    service = pb.DESCRIPTOR.services_by_name["ClaimService"]

    for method in service.methods:
        policy = policy_of(f"/{service.full_name}/{method.name}")
        assert policy is not None
        assert policy.roles
        assert "CITIZEN" not in policy.roles
        has_id = "request_id" in method.input_type.fields_by_name or method.client_streaming
        assert has_id == (method.GetOptions().idempotency_level == 2), method.name
