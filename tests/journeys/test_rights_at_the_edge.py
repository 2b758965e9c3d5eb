"""Who may do what at the two fronts: the token, the role, the facility; and a refusal that tells nothing more."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment
from station.demo.desk import ACCOUNT
from station.demo.patients import LINES
from tests.support.edge import Edge, open_edge
from tests.support.fronts import ROUTES, Held, Refusal, Refused, refusal
from tests.support.services_down import down

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_fronts = pytest.mark.parametrize("front", ["grpc", "http"])

# By hand from the rights of gateway.proto, so that a widened right is seen.
RIGHTS = {
    "CheckIn": "clerk device",
    "GetVisit": "clerk clinician cashier device",
    "WatchVisit": "clerk clinician cashier device",
    "ListVisits": "clerk clinician cashier",
    "RecordEntries": "clerk clinician",
    "CallNextTicket": "clerk clinician",
    "Discharge": "clerk clinician cashier",
    "PayVisit": "clerk cashier device",
    "GetEvidence": "clerk cashier auditor",
    "ResolveAdministrativeUnit": "citizen clerk clinician cashier steward operator device",
    "ImportStatement": "cashier",
    "Reconcile": "cashier",
    "ListBreaks": "cashier auditor",
    "ResolveBreak": "cashier",
    "ListBalances": "cashier auditor",
    "GetTrace": "operator",
}
ROLES = ("citizen", "clerk", "clinician", "cashier", "steward", "operator", "auditor", "kiosk")
MISSING = "visits/" + "0" * 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite")))
    await held.leave()


def harmless(method: str) -> Any:
    """A request that is refused for its content wherever the rights let it through."""
    request = getattr(pb, f"{method}Request")()
    names = request.DESCRIPTOR.fields_by_name
    if "visit" in names:
        request.visit = "visits/7"
    if "name" in names:
        request.name = {"GetEvidence": "visits/7/evidence/1", "ResolveBreak": "breaks/7"}.get(
            method, "visits/7"
        )
    if "room" in names and method == "CallNextTicket":
        request.room = "x"
    if "code" in names:
        request.code = "0000"
    if "page_token" in names:
        request.page_token = "7"
    return request


@both_fronts
@pytest.mark.parametrize("method", RIGHTS)
async def test_a_method_is_open_to_its_roles_and_to_nobody_else(edge: Edge, front: str, method: str) -> None:
    allowed = {role.replace("device", "kiosk") for role in RIGHTS[method].split()}
    refused_with: dict[str, tuple[str, str]] = {}
    for role in ROLES:
        try:
            await edge.front(front).call(method, harmless(method), token=await edge.token(role))
        except Refused as refused:
            refused_with[role] = (refused.refusal.kind, refused.refusal.reason)

    not_allowed = {role for role, why in refused_with.items() if why == ("PERMISSION", "ROLE_NOT_ALLOWED")}
    assert set(ROLES) - not_allowed == allowed
    assert {role for role, (kind, _) in refused_with.items() if kind == "PERMISSION"} == not_allowed


async def test_the_table_of_rights_names_every_method() -> None:
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["GatewayService"].methods}

    assert set(RIGHTS) == set(ROUTES) == methods


async def bad_token(edge: Edge, kind: str) -> str:
    sandbox = edge.desk.sandbox
    if kind == "expired":
        return await sandbox.token("clerk", expires_in_s=-3_600)
    if kind == "forged":
        return await sandbox.token("clerk", forged=True)
    if kind == "of another audience":
        return await sandbox.token("clerk", audience="another-app")
    if kind == "of another issuer":
        return await sandbox.token("clerk", issuer="https://sign-in.example.vn")
    good = await edge.token("clerk")
    head, body, signature = good.split(".")
    if kind == "with another facility written in":
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        body = (
            base64.urlsafe_b64encode(json.dumps(claims | {"facility": "19998"}).encode()).decode().rstrip("=")
        )
    if kind == "without a signature":
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        signature = ""
    if kind == "cut short":
        return good[:-20]
    if kind == "of our own inside":
        assert edge.box.gateway.verifier is not None
        return edge.box.gateway.verifier.verify(good).token
    return {"of no form": "x", "as long as a book": "x" * 5_000}.get(kind, f"{head}.{body}.{signature}")


BAD_TOKENS = {
    "expired": "TOKEN_EXPIRED",
    "forged": "TOKEN_REFUSED",
    "of another audience": "TOKEN_REFUSED",
    "of another issuer": "TOKEN_REFUSED",
    "with another facility written in": "TOKEN_REFUSED",
    "without a signature": "TOKEN_REFUSED",
    "cut short": "TOKEN_REFUSED",
    "of no form": "TOKEN_REFUSED",
    "as long as a book": "TOKEN_REFUSED",
    "of our own inside": "TOKEN_REFUSED",
}


def assert_signs_in(refused: Refusal) -> None:
    assert refused.kind == "UNAUTHENTICATED"
    assert refused.message
    assert refused.message_vi
    if refused.front == "http":
        assert b"'WWW-Authenticate': 'Bearer'" in refused.raw


@both_fronts
@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_admits_nobody(edge: Edge, front: str, kind: str) -> None:
    token = await bad_token(edge, kind)
    before = edge.row_counts()

    refused = await refusal(edge.front(front).call("CheckIn", await edge.admission(), token=token))

    assert refused.reason == BAD_TOKENS[kind]
    assert_signs_in(refused)
    assert len(token) < 9 or token.encode() not in refused.raw
    assert edge.row_counts() == before


@both_fronts
@pytest.mark.parametrize("method", RIGHTS)
async def test_no_method_answers_without_a_token(edge: Edge, front: str, method: str) -> None:
    refused = await refusal(edge.front(front).call(method, harmless(method)))

    assert refused.reason == "TOKEN_MISSING"
    assert_signs_in(refused)


@pytest.mark.parametrize("header", ["Basic Y2xlcms6eA==", "Bearer", "bearer  ", "Token abc", "Bearer a b"])
async def test_another_kind_of_authorization_is_no_token(edge: Edge, header: str) -> None:
    refused = await refusal(edge.fronts.http.send("GET", "/v1/visits", headers={"Authorization": header}))

    assert refused.reason == "TOKEN_MISSING"
    assert_signs_in(refused)


async def test_a_token_in_the_address_is_no_token(edge: Edge) -> None:
    path = f"/v1/visits?access_token={await edge.token()}"

    refused = await refusal(edge.fronts.http.send("GET", path))

    # The address ends up in logs of proxies; the parameter is not even known.
    assert refused.reason == "UNKNOWN_PARAMETER"


@both_fronts
async def test_a_role_that_an_issuer_may_not_give_gives_no_right(edge: Edge, front: str) -> None:
    token = await edge.desk.sandbox.token("clerk", roles=[])

    refused = await refusal(edge.front(front).call("ListVisits", pb.ListVisitsRequest(), token=token))

    assert (refused.kind, refused.reason) == ("PERMISSION", "ROLE_NOT_ALLOWED")


@both_fronts
@pytest.mark.parametrize("method", ["CheckIn", "ListVisits"])
async def test_staff_without_a_facility_admit_and_see_nobody(edge: Edge, front: str, method: str) -> None:
    token = await edge.desk.sandbox.token("clerk", facility="")
    request = await edge.admission() if method == "CheckIn" else pb.ListVisitsRequest()
    before = edge.row_counts()

    refused = await refusal(edge.front(front).call(method, request, token=token))

    assert (refused.kind, refused.reason) == ("PERMISSION", "FACILITY_MISSING")
    assert refused.message_vi
    assert edge.row_counts() == before


def what_it_tells(refused: Refusal) -> tuple[object, ...]:
    """All of a refusal that the client can tell apart."""
    return (refused.kind, refused.reason, refused.field, refused.message, refused.message_vi, refused.facts)


def about(visit: str) -> dict[str, tuple[str, Any]]:
    """Every call about one visit, with who makes it."""
    fresh = str(uuid.uuid4())
    return {
        "GetVisit": ("district-clerk", pb.GetVisitRequest(name=visit)),
        "WatchVisit": ("district-clerk", pb.WatchVisitRequest(name=visit)),
        "RecordEntries": (
            "district-clerk",
            pb.RecordEntriesRequest(
                request_id=fresh, visit=visit, entries=[emr.Entry(kind=emr.ENTRY_KIND_NOTE, text="x")]
            ),
        ),
        "Discharge": ("district-clerk", pb.DischargeRequest(request_id=fresh, visit=visit, lines=LINES)),
        "PayVisit": ("district-clerk", pb.PayVisitRequest(request_id=fresh, visit=visit)),
        "GetEvidence": ("district-clerk", pb.GetEvidenceRequest(name=f"{visit}/evidence/1")),
    }


@both_fronts
@pytest.mark.parametrize("method", about(""))
async def test_another_facilitys_visit_is_answered_like_one_that_is_not_there(
    edge: Edge, front: str, method: str
) -> None:
    admitted = await edge.check_in()
    await edge.desk.discharge(admitted.name, LINES)
    theirs = dict(about(admitted.name))
    if method == "GetEvidence":
        theirs[method] = ("district-clerk", pb.GetEvidenceRequest(name=admitted.coverage.evidence[0]))
    before = edge.row_counts()
    client_id, request = theirs[method]
    other = await refusal(edge.front(front).call(method, request, token=await edge.token(client_id)))

    client_id, request = about(MISSING)[method]
    missing = await refusal(edge.front(front).call(method, request, token=await edge.token(client_id)))

    assert what_it_tells(other) == what_it_tells(missing)
    assert other.kind == "NOT_FOUND"
    assert other.message_vi
    assert edge.row_counts() == before


@both_fronts
async def test_with_the_record_down_another_facilitys_visit_still_looks_like_none(
    edge: Edge, front: str
) -> None:
    admitted = await edge.check_in()
    await edge.desk.discharge(admitted.name, LINES)
    token = await edge.token("district-clerk")

    async def seen(visit: str) -> pb.VisitView:
        answer = await edge.front(front).call("GetVisit", pb.GetVisitRequest(name=visit), token=token)
        view: pb.VisitView = answer.view
        for leg in view.legs:
            leg.ClearField("duration_ms")
        view.legs.sort(key=lambda leg: leg.leg)
        view.ClearField("name")
        view.ClearField("trace_code")
        return view

    with down(edge.box, "emr"):
        other, missing = await seen(admitted.name), await seen(MISSING)

    assert other == missing
    assert not other.HasField("bill")
    assert not other.HasField("coverage")


async def test_a_facilitys_list_holds_its_own_visits_alone(edge: Edge) -> None:
    ours = await edge.check_in()
    theirs = await edge.check_in(client_id="district-clerk")

    async def listed(client_id: str) -> set[str]:
        page = await edge.fronts.grpc.call(
            "ListVisits", pb.ListVisitsRequest(page_size=200), token=await edge.token(client_id)
        )
        return {visit.name for visit in page.visits}

    assert ours.name in await listed("clerk")
    assert await listed("district-clerk") == {theirs.name}


@both_fronts
async def test_money_of_another_facility_is_neither_seen_nor_matched(edge: Edge, front: str) -> None:
    admitted = await edge.check_in()
    ended = await edge.desk.discharge(admitted.name, LINES)
    await edge.desk.transfer(ended.bill.patient_vnd, ended.bill.intents[-1].reference_code)
    await edge.desk.transfer(33_000, "khong ro noi dung")
    (row, *_) = await edge.desk.open_breaks()
    token = await edge.desk.sandbox.token("cashier", facility="19998")

    balances = await edge.front(front).call("ListBalances", pb.ListBalancesRequest(), token=token)
    breaks = await edge.front(front).call("ListBreaks", pb.ListBreaksRequest(), token=token)
    reconciled = await refusal(
        edge.front(front).call(
            "Reconcile", pb.ReconcileRequest(request_id=str(uuid.uuid4()), account=ACCOUNT), token=token
        )
    )
    resolved = await refusal(
        edge.front(front).call(
            "ResolveBreak",
            pb.ResolveBreakRequest(
                request_id=str(uuid.uuid4()), name=row.name, resolution=payment.BREAK_RESOLUTION_EXPLAINED
            ),
            token=token,
        )
    )

    assert {balance.balance_vnd for balance in balances.balances} <= {0}
    assert len(breaks.breaks) == 0
    assert reconciled.reason == "STATEMENT_ACCOUNT_UNKNOWN"
    assert (resolved.kind, resolved.reason) == ("NOT_FOUND", "BREAK_NOT_FOUND")


@both_fronts
async def test_a_citizen_may_ask_for_a_place_and_nothing_of_a_visit(edge: Edge, front: str) -> None:
    citizen = await edge.token("citizen")
    admitted = await edge.check_in()

    answer = await edge.front(front).call(
        "ResolveAdministrativeUnit",
        pb.ResolveAdministrativeUnitRequest(text="Xã Ba Bể, Tỉnh Thái Nguyên"),
        token=citizen,
    )
    refused = await refusal(
        edge.front(front).call("GetVisit", pb.GetVisitRequest(name=admitted.name), token=citizen)
    )

    assert answer.resolution.candidates
    assert refused.reason == "ROLE_NOT_ALLOWED"
