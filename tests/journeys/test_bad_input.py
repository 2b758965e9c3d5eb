"""Each kind of bad input through both fronts: a typed refusal with advice in two languages, and nothing stored."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from chassis.errors import from_format_error
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from standards import vietqr
from standards.errors import FormatError
from station.demo.desk import ACCOUNT
from station.demo.patients import LINES
from tests.support.edge import Edge
from tests.support.fronts import NUMBER, assert_advises, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_fronts = pytest.mark.parametrize("front", ["grpc", "http"])

CARD = f"{NUMBER}||Nguyễn Thị Hòa|02031990|Nữ|Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn|15062022"
BAD_CARDS = {
    "truncated QR": (CARD[:34], "CARD_QR_TRUNCATED", "card_qr"),
    "eleven digits": (CARD[1:], "NOT_TWELVE_DIGITS", "personal_number"),
    "a letter in the number": (CARD.replace("000017", "00001O"), "NOT_A_CARD_QR", "card_qr"),
    "impossible date": (CARD.replace("02031990", "31021990"), "IMPOSSIBLE_DATE", "birth_date"),
    "foreign text": ("https://example.vn/menu?ban=7", "NOT_A_CARD_QR", "card_qr"),
    "an insurance card": ("GD4069912345678", "NOT_A_CARD_QR", "card_qr"),
    "nothing": ("", "NOT_A_CARD_QR", "card_qr"),
    "an empty name": (CARD.replace("Nguyễn Thị Hòa", ""), "CARD_QR_FIELD_EMPTY", "full_name"),
    "a card as long as a book": (CARD.replace("Hòa", "Hòa" * 1_000), "CARD_QR_TOO_LONG", "card_qr"),
    "control characters": ("\x00" * 40, "NOT_A_CARD_QR", "card_qr"),
}


@both_fronts
@pytest.mark.parametrize("bad", BAD_CARDS)
@pytest.mark.usefixtures("untouched")
async def test_a_bad_card_text_is_refused_with_its_rule_and_field(edge: Edge, front: str, bad: str) -> None:
    text, reason, field = BAD_CARDS[bad]
    request = await edge.admission()
    request.card_qr = text

    refused = await refusal(edge.front(front).call("CheckIn", request, token=await edge.token()))

    assert (refused.kind, refused.reason, refused.field) == ("INVALID_ARGUMENT", reason, field)
    assert_advises(refused)


BAD_ADMISSIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no request_id": ({"request_id": ""}, "REQUEST_ID_REQUIRED", "request_id"),
    "malformed request_id": ({"request_id": "7"}, "REQUEST_ID_MALFORMED", "request_id"),
    "request_id with a blank": ({"request_id": f"{uuid.uuid4()} "}, "REQUEST_ID_MALFORMED", "request_id"),
    "unknown kind": ({"kind": 99}, "UNKNOWN_ENUM_VALUE", "kind"),
    "unknown priority": ({"priority_class": -1}, "UNKNOWN_ENUM_VALUE", "priority_class"),
    "reason too long": ({"reason_text": "đ" * 501}, "TEXT_TOO_LONG", "reason_text"),
    "room of another form": ({"room": "phòng khám số một"}, "ROOM_MALFORMED", "room"),
}


@both_fronts
@pytest.mark.parametrize("bad", BAD_ADMISSIONS)
@pytest.mark.usefixtures("untouched")
async def test_a_bad_field_of_an_admission_is_refused_before_anything_is_done(
    edge: Edge, front: str, bad: str
) -> None:
    changes, reason, field = BAD_ADMISSIONS[bad]
    request = await edge.admission(**changes)

    refused = await refusal(edge.front(front).call("CheckIn", request, token=await edge.token()))

    assert (refused.kind, refused.reason, refused.field) == ("INVALID_ARGUMENT", reason, field)
    assert_advises(refused)


VISIT = "visits/" + "0" * 32
ONE_LINE = LINES[0]
NOTE = emr.Entry(kind=emr.ENTRY_KIND_NOTE, text="ho")
BAD_CALLS: dict[str, tuple[str, str, Any, str, str]] = {
    "visit name": ("GetVisit", "clerk", {"name": "visits/7"}, "VISIT_NAME_MALFORMED", "name"),
    "upper case": ("GetVisit", "clerk", {"name": "visits/" + "A" * 32}, "VISIT_NAME_MALFORMED", "name"),
    "dots for a name": ("GetVisit", "clerk", {"name": "visits/%2e%2e"}, "VISIT_NAME_MALFORMED", "name"),
    "watched": ("WatchVisit", "clerk", {"name": "visits/7"}, "VISIT_NAME_MALFORMED", "name"),
    "discharged": ("Discharge", "cashier", {"visit": "visits/7"}, "VISIT_NAME_MALFORMED", "visit"),
    "paid": ("PayVisit", "cashier", {"visit": "visits/7"}, "VISIT_NAME_MALFORMED", "visit"),
    "recorded": (
        "RecordEntries",
        "clinician",
        {"visit": "visits/7", "entries": [NOTE]},
        "NAME_MALFORMED",
        "visit",
    ),
    "no entries": ("RecordEntries", "clinician", {"visit": VISIT}, "TOO_MANY_ENTRIES", "entries"),
    "an entry of no kind": (
        "RecordEntries",
        "clinician",
        {"visit": VISIT, "entries": [NOTE, emr.Entry(text="x")]},
        "KIND_REQUIRED",
        "entries[1].kind",
    ),
    "an entry of an unknown kind": (
        "RecordEntries",
        "clinician",
        {"visit": VISIT, "entries": [NOTE, emr.Entry(kind=77)]},  # type: ignore[arg-type]
        "UNKNOWN_ENUM_VALUE",
        "entries[1].kind",
    ),
    "a diagnosis without its code": (
        "RecordEntries",
        "clinician",
        {"visit": VISIT, "entries": [emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code="ho")]},
        "ENTRY_CODE_MALFORMED",
        "entries[0].code",
    ),
    "a book in an entry": (
        "RecordEntries",
        "clinician",
        {"visit": VISIT, "entries": [emr.Entry(kind=emr.ENTRY_KIND_NOTE, text="x" * 4_001)]},
        "TEXT_TOO_LONG",
        "entries[0].text",
    ),
    "a page of a thousand": (
        "ListVisits",
        "clerk",
        {"page_size": 1_000},
        "PAGE_SIZE_OUT_OF_RANGE",
        "page_size",
    ),
    "a page of less than none": (
        "ListVisits",
        "clerk",
        {"page_size": -1},
        "PAGE_SIZE_OUT_OF_RANGE",
        "page_size",
    ),
    "a made-up page": ("ListVisits", "clerk", {"page_token": "next"}, "PAGE_TOKEN_MALFORMED", "page_token"),
    "a made-up page of breaks": (
        "ListBreaks",
        "cashier",
        {"page_token": "2"},
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
    "an unknown state of breaks": ("ListBreaks", "cashier", {"state": 42}, "UNKNOWN_ENUM_VALUE", "state"),
    "a break's name": (
        "ResolveBreak",
        "cashier",
        {"name": "breaks/%00", "resolution": 3},
        "NAME_MALFORMED",
        "name",
    ),
    "room": ("CallNextTicket", "clinician", {"room": "phòng 1"}, "ROOM_MALFORMED", "room"),
    # The same as for evidence that is not there or not the caller's.
    "evidence name": ("GetEvidence", "clerk", {"name": "visits/7/evidence/1"}, "EVIDENCE_NOT_FOUND", "name"),
    "no place": ("ResolveAdministrativeUnit", "clerk", {}, "PLACE_REQUIRED", "text"),
    "half a place": (
        "ResolveAdministrativeUnit",
        "clerk",
        {"ward_code": "1906", "vintage": "from-2025-07"},
        "WARD_CODE_MALFORMED",
        "ward_code",
    ),
    "a mistyped trace code": (
        "GetTrace",
        "operator",
        {"code": "0000-0000-00A"},
        "TRACE_CODE_MISTYPED",
        "trace_code",
    ),
    "no account": ("Reconcile", "cashier", {"account": ""}, "STATEMENT_ACCOUNT_UNKNOWN", "account"),
    "somebody else's account": (
        "Reconcile",
        "cashier",
        {"account": "1019998000001"},
        "STATEMENT_ACCOUNT_UNKNOWN",
        "account",
    ),
}


@both_fronts
@pytest.mark.parametrize("bad", BAD_CALLS)
@pytest.mark.usefixtures("untouched")
async def test_a_bad_field_of_any_call_is_refused(edge: Edge, front: str, bad: str) -> None:
    method, client_id, values, reason, field = BAD_CALLS[bad]
    request = getattr(pb, f"{method}Request")(**values)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = str(uuid.uuid4())

    refused = await refusal(edge.front(front).call(method, request, token=await edge.token(client_id)))

    assert (refused.reason, refused.field) == (reason, field)
    assert refused.kind in ("INVALID_ARGUMENT", "PRECONDITION", "NOT_FOUND")
    assert_advises(refused)


BAD_LINES: dict[str, tuple[list[insurance.CostLine], str]] = {
    "no line": ([], "lines"),
    "a quantity in words": ([insurance.CostLine(line_id="1", quantity="hai", unit_price_vnd=1)], "lines[0]"),
    "a negative price": ([insurance.CostLine(line_id="1", quantity="1", unit_price_vnd=-5)], "lines[0]"),
}


@both_fronts
@pytest.mark.parametrize("bad", BAD_LINES)
async def test_bad_cost_lines_leave_the_visit_open_and_without_a_bill(
    edge: Edge, front: str, bad: str
) -> None:
    lines, field = BAD_LINES[bad]
    admitted = await edge.check_in()
    before = edge.row_counts()
    request = pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=admitted.name, lines=lines)

    refused = await refusal(edge.front(front).call("Discharge", request, token=await edge.token("cashier")))

    assert refused.kind == "INVALID_ARGUMENT"
    assert refused.field.startswith(field)
    assert_advises(refused)
    after = edge.row_counts()
    assert {name for name in after if after[name] != before[name]} <= {
        # Who looked at the record is noted, and what the portal said at the end is kept; nothing else.
        "emr.audit_log",
        "identity.audit_log",
        "insurance.audit_log",
        "insurance.coverages",
        "insurance.evidence",
        "insurance.copayments",
        "insurance.idempotency_keys",
    }
    assert (await edge.desk.read(admitted.name)).visit.state == emr.VISIT_STATE_OPEN


@both_fronts
@pytest.mark.parametrize(
    "other", [{"reason_text": "khác"}, {"room": "KHAM-2"}, {"self_pay": True}, {"card_qr": CARD}], ids=str
)
async def test_a_request_id_with_another_body_is_refused(
    edge: Edge, front: str, other: dict[str, Any]
) -> None:
    first = await edge.admission()
    clerk = await edge.token()
    admitted = (await edge.front(front).call("CheckIn", first, token=clerk)).view
    before = edge.row_counts()
    again = pb.CheckInRequest()
    again.CopyFrom(first)
    again.MergeFrom(pb.CheckInRequest(**other))

    refused = await refusal(edge.front(front).call("CheckIn", again, token=clerk))

    assert (refused.kind, refused.reason, refused.field) == (
        "ALREADY_EXISTS",
        "REQUEST_ID_REUSED",
        "request_id",
    )
    assert_advises(refused)
    assert edge.row_counts() == before
    assert (await edge.desk.read(admitted.name)).visit.reason_text == first.reason_text


@both_fronts
@pytest.mark.parametrize("method", ["RecordEntries", "CallNextTicket", "Discharge"])
async def test_every_write_refuses_its_request_id_with_another_body(
    edge: Edge, front: str, method: str
) -> None:
    visit = (await edge.check_in()).name
    bodies: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "RecordEntries": ({"visit": visit, "entries": [NOTE]}, {"visit": visit, "entries": [NOTE, NOTE]}),
        "CallNextTicket": ({"room": "KHAM-1"}, {"room": "KHAM-2"}),
        "Discharge": ({"visit": visit, "lines": LINES}, {"visit": visit, "lines": LINES[:1]}),
    }
    first, other = bodies[method]
    request_type, request_id = getattr(pb, f"{method}Request"), str(uuid.uuid4())
    clerk = await edge.token()
    await edge.front(front).call(method, request_type(request_id=request_id, **first), token=clerk)

    refused = await refusal(
        edge.front(front).call(method, request_type(request_id=request_id, **other), token=clerk)
    )

    assert (refused.kind, refused.reason, refused.field) == (
        "ALREADY_EXISTS",
        "REQUEST_ID_REUSED",
        "request_id",
    )
    assert_advises(refused)


def header(**changes: Any) -> payment.ImportStatementHeader:
    values = {
        "request_id": str(uuid.uuid4()),
        "format": payment.STATEMENT_FORMAT_CAMT053,
        "account": ACCOUNT,
    }
    return payment.ImportStatementHeader(**(values | changes))


def part(content: bytes) -> pb.ImportStatementRequest:
    return pb.ImportStatementRequest(content=content)


BAD_STATEMENTS: dict[str, tuple[list[pb.ImportStatementRequest], str, str]] = {
    "no request_id": (
        [pb.ImportStatementRequest(header=header(request_id="")), part(b"x")],
        "REQUEST_ID_REQUIRED",
        "request_id",
    ),
    "no file": ([pb.ImportStatementRequest(header=header())], "STATEMENT_UNREADABLE", "content"),
    "a picture": (
        [pb.ImportStatementRequest(header=header()), part(b"\x89PNG\r\n\x1a\n" * 9)],
        "STATEMENT_UNREADABLE",
        "content",
    ),
    "another form": (
        [
            pb.ImportStatementRequest(header=header(format=payment.STATEMENT_FORMAT_CAMT053)),
            part(b":20:STARTUMS\r\n:25:970436/1019999000001\r\n:28C:1/1\r\n:60F:C260701VND0,\r\n"),
        ],
        "STATEMENT_UNREADABLE",
        "content",
    ),
    "an entity bomb": (
        [
            pb.ImportStatementRequest(header=header()),
            part(b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Document>&b;</Document>'),
        ],
        "STATEMENT_UNREADABLE",
        "content",
    ),
    "no form": (
        [pb.ImportStatementRequest(header=header(format=0)), part(b"x")],
        "INVALID_ARGUMENT",
        "header.format",
    ),
    "an unknown form": (
        [pb.ImportStatementRequest(header=header(format=9)), part(b"x")],
        "UNKNOWN_ENUM_VALUE",
        "header.format",
    ),
    "another facility's account": (
        [pb.ImportStatementRequest(header=header(account="1019998000001")), part(b"x")],
        "STATEMENT_ACCOUNT_UNKNOWN",
        "account",
    ),
    "a request_id of another form": (
        [pb.ImportStatementRequest(header=header(request_id="7")), part(b"x")],
        "REQUEST_ID_MALFORMED",
        "request_id",
    ),
}


@both_fronts
@pytest.mark.parametrize("bad", BAD_STATEMENTS)
@pytest.mark.usefixtures("untouched")
async def test_a_bad_statement_is_refused_whole(edge: Edge, front: str, bad: str) -> None:
    parts, reason, field = BAD_STATEMENTS[bad]

    refused = await refusal(edge.front(front).upload(parts, token=await edge.token("cashier")))

    assert refused.reason == reason
    assert refused.field == field
    assert_advises(refused)


@both_fronts
@pytest.mark.parametrize("parts", [[], [part(b"<Document/>")]], ids=["nothing", "content alone"])
@pytest.mark.usefixtures("untouched")
async def test_a_statement_without_its_header_is_refused(
    edge: Edge, front: str, parts: list[pb.ImportStatementRequest]
) -> None:
    refused = await refusal(edge.front(front).upload(parts, token=await edge.token("cashier")))

    # Over HTTP the header is the query, and the first thing missing in it is named.
    reason, field = {
        "grpc": ("STATEMENT_HEADER_MISSING", "header"),
        "http": ("REQUEST_ID_REQUIRED", "request_id"),
    }[front]
    assert (refused.kind, refused.reason, refused.field) == ("INVALID_ARGUMENT", reason, field)
    assert_advises(refused)


@pytest.mark.usefixtures("untouched")
async def test_an_unknown_parameter_of_an_upload_is_named(edge: Edge) -> None:
    path = f"/v1/statements:import?request_id={uuid.uuid4()}&format=STATEMENT_FORMAT_CSV&account={ACCOUNT}&bank=VCB"

    refused = await refusal(edge.fronts.http.send("POST", path, token=await edge.token("cashier"), data=b"x"))

    assert (refused.reason, refused.field) == ("UNKNOWN_PARAMETER", "bank")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"), "VIETQR_WRONG_CRC"),
        (lambda text: text[:20], "VIETQR_BAD_STRUCTURE"),
        (lambda _: "0002010102115802VN530370463041D92", "NOT_A_VIETQR"),
    ],
)
async def test_a_bad_vietqr_has_its_own_typed_error(spoil: Any, reason: str) -> None:
    # No method of the suite takes a VietQR: banks' apps read the ones it shows. The format's error is ready to travel.
    good = vietqr.encode(vietqr.VietQr(payee_bin="970436", account_number=ACCOUNT, amount_vnd=1_000))
    with pytest.raises(FormatError) as caught:
        vietqr.decode(spoil(good))

    left = from_format_error(caught.value)

    assert left is not None
    assert left.reason == reason
    assert left.field
    assert left.vi
    assert left.message
    assert good[10:20] not in f"{left} {left.facts}"
