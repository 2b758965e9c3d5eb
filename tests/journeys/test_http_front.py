"""The HTTP front: every annotated method answers as gRPC does, the page describes it, and webhooks are taken in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from google.protobuf.json_format import Parse

from gateway.forwarding import FORWARDED, is_for_clients
from gateway.server import OWN_SERVICE
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment
from station.demo.desk import ACCOUNT
from station.demo.patients import LINES
from tests.support.edge import Edge, open_edge
from tests.support.fronts import ROUTES, Held, refusal
from tests.support.services_down import down

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite")))
    await held.leave()


def clients_methods() -> set[str]:
    """Service.Method of everything a client may call."""
    services = [OWN_SERVICE, *(each for group in FORWARDED.values() for each in group)]
    return {
        f"{service.name}.{method.name}"
        for service in services
        for method in service.methods
        if is_for_clients(method)
    }


async def get_json(edge: Edge, path: str) -> Any:
    return json.loads(await edge.fronts.http.send("GET", path))


async def discharged(edge: Edge) -> pb.VisitView:
    admitted = await edge.check_in("http")
    return await edge.desk.discharge(admitted.name, LINES)


async def test_a_whole_visit_goes_through_http_alone(edge: Edge) -> None:
    http, clerk, cashier = edge.fronts.http, await edge.token("clerk"), await edge.token("cashier")
    clinician, operator = await edge.token("clinician"), await edge.token("operator")

    admitted = (await http.call("CheckIn", await edge.admission(room="HTTP-1"), token=clerk)).view
    called = await http.call(
        "CallNextTicket",
        pb.CallNextTicketRequest(request_id=str(uuid.uuid4()), room="HTTP-1"),
        token=clinician,
    )
    entries = [emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code="J06.9", text="viêm họng")]
    recorded = await http.call(
        "RecordEntries",
        pb.RecordEntriesRequest(request_id=str(uuid.uuid4()), visit=admitted.name, entries=entries),
        token=clinician,
    )
    ended = await http.call(
        "Discharge",
        pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=admitted.name, lines=LINES),
        token=cashier,
    )
    bill = ended.view.bill
    await edge.desk.transfer(10_000, bill.intents[-1].reference_code)
    asked = await http.call(
        "PayVisit", pb.PayVisitRequest(request_id=str(uuid.uuid4()), visit=admitted.name), token=cashier
    )
    await edge.desk.transfer(bill.patient_vnd - 10_000, asked.bill.intents[-1].reference_code)
    await edge.desk.transfer(41_000, "khong ro")
    read = await http.call("GetVisit", pb.GetVisitRequest(name=admitted.name), token=clerk)
    evidence = await http.call(
        "GetEvidence", pb.GetEvidenceRequest(name=admitted.coverage.evidence[0]), token=clerk
    )
    listed = await http.call("ListVisits", pb.ListVisitsRequest(page_size=200), token=clerk)
    breaks = await http.call(
        "ListBreaks", pb.ListBreaksRequest(state=payment.BREAK_STATE_OPEN), token=cashier
    )
    resolved = await http.call(
        "ResolveBreak",
        pb.ResolveBreakRequest(
            request_id=str(uuid.uuid4()),
            name=breaks.breaks[0].name,
            resolution=payment.BREAK_RESOLUTION_REFUND_PAYABLE,
            note="khách chuyển nhầm",
        ),
        token=cashier,
    )
    balances = await http.call("ListBalances", pb.ListBalancesRequest(), token=cashier)

    assert called.ticket.name == f"{admitted.name}/ticket"
    assert recorded.visit.entries[0].text == "viêm họng"
    assert read.view.bill.state == payment.BILL_STATE_PAID
    assert [receipt.trace_code for receipt in read.view.bill.receipts] == [admitted.trace_code] * 2
    assert hashlib.sha256(evidence.evidence.reply).hexdigest() == evidence.evidence.reply_sha256
    assert admitted.name in {visit.name for visit in listed.visits}
    assert resolved.resolved_break.state == payment.BREAK_STATE_RESOLVED
    assert balances.sum_vnd == 0
    await edge.spans(
        admitted.name.removeprefix("visits/"), until=lambda spans: len({span.service for span in spans}) == 5
    )
    found = await http.call("GetTrace", pb.GetTraceRequest(code=admitted.trace_code), token=operator)
    assert {span.service for span in found.spans} == {"gateway", "identity", "emr", "insurance", "payment"}


async def test_both_fronts_answer_the_same(edge: Edge) -> None:
    ended = await discharged(edge)
    for method, request, client_id in (
        ("GetVisit", pb.GetVisitRequest(name=ended.name), "clerk"),
        ("ListVisits", pb.ListVisitsRequest(page_size=3), "clerk"),
        ("GetEvidence", pb.GetEvidenceRequest(name=ended.coverage.evidence[0]), "auditor"),
        ("ListBalances", pb.ListBalancesRequest(), "auditor"),
        (
            "ResolveAdministrativeUnit",
            pb.ResolveAdministrativeUnitRequest(text="Xã Ba Bể, Thái Nguyên"),
            "citizen",
        ),
    ):
        answers = []
        for front in ("grpc", "http"):
            answer = await edge.front(front).call(method, request, token=await edge.token(client_id))
            if method == "GetVisit":
                answer.view.legs.sort(key=lambda leg: leg.leg)
                for leg in answer.view.legs:
                    leg.ClearField("duration_ms")
            answers.append(answer)
        assert answers[0] == answers[1], method


async def test_pages_continue_over_http(edge: Edge) -> None:
    for _ in range(3):
        await edge.check_in("http")
    seen: list[str] = []
    token = ""
    while True:
        page = await edge.fronts.http.call(
            "ListVisits", pb.ListVisitsRequest(page_size=2, page_token=token), token=await edge.token()
        )
        assert len(page.visits) <= 2
        seen += [visit.name for visit in page.visits]
        token = page.next_page_token
        if not token:
            break

    assert len(seen) == len(set(seen)) == edge.row_counts()["emr.visit"]


def references(node: Any) -> set[str]:
    """Every $ref in a JSON document."""
    if isinstance(node, dict):
        found = {node["$ref"]} if "$ref" in node else set()
        return found.union(*(references(child) for child in node.values()))
    return set().union(*(references(child) for child in node)) if isinstance(node, list) else set()


async def test_the_openapi_page_is_sound_and_names_exactly_what_is_served(edge: Edge) -> None:
    page = await get_json(edge, "/openapi.json")

    assert page["openapi"].startswith("3.1")
    operations = {
        (verb, path): operation for path, verbs in page["paths"].items() for verb, operation in verbs.items()
    }
    assert len(operations) == len(clients_methods())
    assert ("get", "/v1/visits/{visit}") in operations
    assert ("get", "/v1/visits/{visit}/evidence/{evidence}") in operations
    assert ("get", "/v1/visits/{visit}:watch") in operations
    assert ("post", "/v1/breaks/{break}:resolve") in operations
    assert ("post", "/v1/rooms/{room}:callNext") in operations
    for (verb, path), operation in operations.items():
        in_path = {name["name"] for name in operation["parameters"] if name["in"] == "path"}
        assert in_path == {part.partition("}")[0] for part in path.split("{")[1:]}, path
        assert set(operation["responses"]) == {"200", "default"}
        assert ("requestBody" in operation) == (verb == "post"), path
    used = references(page)
    assert used
    for reference in used:
        node = page
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node["type"] == "object", reference
    defined = {f"#/components/schemas/{name}" for name in page["components"]["schemas"]}
    assert defined == used


async def test_every_method_stands_on_the_openapi_page(edge: Edge) -> None:
    page = await get_json(edge, "/openapi.json")

    named = {operation["operationId"] for verbs in page["paths"].values() for operation in verbs.values()}

    assert named == clients_methods()
    assert {f"GatewayService.{name}" for name in ROUTES} <= named


async def test_an_answer_over_http_fits_its_description(edge: Edge) -> None:
    page = await get_json(edge, "/openapi.json")
    ended = await discharged(edge)
    body = json.loads(await edge.fronts.http.send("GET", f"/v1/{ended.name}", token=await edge.token()))

    def check(value: Any, schema: dict[str, Any], where: str) -> None:
        if "$ref" in schema:
            schema = page["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        kind = schema["type"]
        expected = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}[kind]
        assert isinstance(value, expected), where
        if kind == "array":
            for row in value:
                check(row, schema["items"], f"{where}[]")
        if kind == "string" and "enum" in schema:
            assert value in schema["enum"], where
        if kind == "object":
            known = schema.get("properties")
            for name, child in value.items():
                check(child, known[name] if known else schema["additionalProperties"], f"{where}.{name}")

    check(body, {"$ref": "#/components/schemas/gateway.v1.GetVisitResponse"}, "answer")
    assert isinstance(body["view"]["bill"]["patient_vnd"], str)


async def test_a_watched_visit_comes_line_by_line_until_it_is_over(edge: Edge) -> None:
    ended = await discharged(edge)
    headers = {"Authorization": f"Bearer {await edge.token()}", "X-Deadline-Ms": "20000"}
    path = f"{edge.fronts.http.url}/v1/{ended.name}:watch"
    async with asyncio.timeout(20), edge.fronts.http.session.get(path, headers=headers) as stream:
        assert stream.status == 200
        assert stream.content_type == "application/x-ndjson"
        first = Parse(await stream.content.readline(), pb.WatchVisitResponse())
        await edge.desk.transfer(ended.bill.patient_vnd, ended.bill.intents[-1].reference_code)
        second = Parse(await stream.content.readline(), pb.WatchVisitResponse())
        stream.close()

    assert first.view.bill.paid_vnd == 0
    assert second.view.bill.state == payment.BILL_STATE_PAID


async def test_a_watch_ends_by_itself_before_its_deadline(edge: Edge) -> None:
    admitted = await edge.check_in()

    seen = await edge.fronts.http.watch(
        pb.WatchVisitRequest(name=admitted.name), token=await edge.token(), deadline_ms=1_400
    )

    assert [change.view.name for change in seen] == [admitted.name]


async def test_a_statement_is_uploaded_as_the_body_and_a_repeat_answers_the_same(edge: Edge) -> None:
    ended = await discharged(edge)
    await edge.desk.transfer(ended.bill.patient_vnd, ended.bill.intents[-1].reference_code)
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    content = await edge.desk.sandbox.statement(ACCOUNT, today, "camt053")
    query = {"request_id": str(uuid.uuid4()), "format": "STATEMENT_FORMAT_CAMT053", "account": ACCOUNT}
    path = f"/v1/statements:import?{urlencode(query)}"
    cashier = await edge.token("cashier")

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 700):
            yield content[start : start + 700]

    body = await edge.fronts.http.send("POST", path, token=cashier, data=slowly())
    again = await edge.fronts.http.send("POST", path, token=cashier, data=content)
    run = await edge.fronts.http.call(
        "Reconcile", pb.ReconcileRequest(request_id=str(uuid.uuid4()), account=ACCOUNT), token=cashier
    )

    statement = Parse(body, pb.ImportStatementResponse()).statement
    assert statement.line_count >= 1
    assert statement.balance_proved
    assert Parse(again, pb.ImportStatementResponse()).statement.name == statement.name
    assert run.run.matched_by_bank_reference_count >= 1
    assert (await edge.desk.read(ended.name)).bill.reconciled


def notification(edge: Edge, *, secret: str = "", **changes: object) -> str:
    """The query of a bank's signed notification, as HDBank's page of 28 June 2024 has it."""
    document = {
        "merchantId": "",
        "invoiceId": "",
        "transactionId": f"FT{uuid.uuid4().hex[:14]}",
        "accountNumber": ACCOUNT,
        "transactionAmount": 1_000,
        "paidAmount": 1_000,
        "transactionDescription": "",
        "paidDescription": "khong ro",
        "paidTime": datetime.now(UTC).strftime("%Y%m%d%H%M%S"),
        "status": "00",
    }
    data = base64.b64encode(json.dumps(document | changes).encode()).decode()
    key = (secret or edge.place.secret("bank")).encode()
    sign = hmac.new(key, data.encode(), hashlib.sha256).hexdigest()
    return urlencode({"data": data, "sign": sign})


async def told(edge: Edge, query: str) -> str:
    """The two-digit code the bank is answered."""
    return str((await get_json(edge, f"/webhooks/hdbank?{query}"))["code"])


async def test_a_payment_told_by_the_bank_is_taken_in_once(edge: Edge) -> None:
    ended = await discharged(edge)
    intent = ended.bill.intents[-1].reference_code
    half = ended.bill.patient_vnd // 2
    first = notification(edge, paidAmount=half, paidDescription=f"MBVCB {intent} CT")
    rest = notification(edge, paidAmount=ended.bill.patient_vnd - half, paidDescription=intent)

    codes = [await told(edge, query) for query in (first, first, rest, rest, first)]

    # 03 taken in, yet less than was asked; 05 a repeat while money is still due, 02 one once the bill is paid.
    assert codes == ["03", "05", "00", "02", "02"]
    bill = (await edge.desk.read(ended.name)).bill
    assert bill.paid_vnd == bill.patient_vnd
    assert len(bill.receipts) == 2


async def test_a_notification_that_is_not_the_banks_changes_nothing(edge: Edge) -> None:
    ended = await discharged(edge)
    intent = ended.bill.intents[-1].reference_code
    good = notification(edge, paidAmount=ended.bill.patient_vnd, paidDescription=intent)
    forged = notification(edge, secret="guess", paidAmount=ended.bill.patient_vnd, paidDescription=intent)
    tampered = good.replace("sign=", "sign=00")
    malformed = {
        "nothing": "",
        "no signature": good.partition("&")[0],
        "twice": f"{good}&{good}",
        "one more": f"{good}&mask=1",
        "no amount": notification(edge, paidAmount="một"),
        "half a dong": notification(edge, paidAmount=1.5),
        "less than nothing": notification(edge, paidAmount=-1_000),
        "no day": notification(edge, paidTime="31/02/2026"),
    }

    assert await told(edge, forged) == "01"
    assert await told(edge, tampered) == "01"
    assert {name: await told(edge, query) for name, query in malformed.items()} == dict.fromkeys(
        malformed, "04"
    )
    assert (await edge.desk.read(ended.name)).bill.paid_vnd == 0


async def test_with_payment_down_the_bank_is_asked_to_tell_again(edge: Edge) -> None:
    ended = await discharged(edge)
    query = notification(
        edge, paidAmount=ended.bill.patient_vnd, paidDescription=ended.bill.intents[-1].reference_code
    )

    with down(edge.box, "payment"):
        first = await told(edge, query)
    again = await told(edge, query)

    assert (first, again) == ("99", "00")
    assert (await edge.desk.read(ended.name)).bill.state == payment.BILL_STATE_PAID


async def test_a_notification_as_long_as_a_book_is_malformed(edge: Edge) -> None:
    assert await told(edge, "data=" + "A" * 7_000 + "&sign=00") == "01"


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2/visits"),
        ("GET", "/v1/visits/"),
        ("GET", "/v1/visits/7/8"),
        ("DELETE", "/v1/visits"),
        ("POST", "/v1/visits"),
        ("GET", "/v1/visits:checkIn"),
        ("POST", "/webhooks/hdbank"),
        ("GET", "/v1/../openapi.json%00"),
        ("PUT", "/healthz"),
        ("GET", "/099190000017"),
    ],
)
async def test_an_address_where_nothing_is_served_is_a_typed_404(edge: Edge, verb: str, path: str) -> None:
    refused = await refusal(edge.fronts.http.send(verb, path, token=await edge.token()))

    assert (refused.kind, refused.reason) == ("NOT_FOUND", "ROUTE_NOT_FOUND")
    assert refused.message
    assert refused.message_vi
    assert b"099190000017" not in refused.raw


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json", "/v1/visits", "/nowhere", "/webhooks/hdbank"])
async def test_every_answer_carries_the_security_headers_and_no_server_details(edge: Edge, path: str) -> None:
    async with edge.fronts.http.session.get(edge.fronts.http.url + path) as answer:
        headers = answer.headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "aiohttp" not in headers.get("Server", "")


async def test_answers_about_patients_are_not_kept_by_anybody_on_the_way(edge: Edge) -> None:
    admitted = await edge.check_in()
    headers = {"Authorization": f"Bearer {await edge.token()}"}
    for path in (f"/v1/{admitted.name}", "/v1/visits", "/v1/visits/7"):
        async with edge.fronts.http.session.get(edge.fronts.http.url + path, headers=headers) as answer:
            assert answer.headers["Cache-Control"] == "no-store", path


async def test_health_is_answered_without_a_token(edge: Edge) -> None:
    assert await get_json(edge, "/healthz") == {"status": "serving"}


async def test_a_client_that_waits_for_100_continue_may_go_on(edge: Edge) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.place.ports["gateway_http"])
    body = json.dumps({"request_id": "7"}).encode()
    head = (
        f"POST /v1/visits:checkIn HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {await edge.token()}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        writer.write(body)
        answer = await reader.read()
    writer.close()

    assert b"REQUEST_ID_MALFORMED" in answer
