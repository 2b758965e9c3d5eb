"""Bad deadlines, bodies and bytes through both fronts: a typed refusal, and nothing stored."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.edge import Edge
from tests.support.fronts import NUMBER, assert_advises, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_fronts = pytest.mark.parametrize("front", ["grpc", "http"])


@pytest.mark.usefixtures("untouched")
async def test_a_grpc_call_without_a_deadline_is_refused(edge: Edge) -> None:
    call = edge.fronts.grpc.call(
        "CheckIn", await edge.admission(), token=await edge.token(), deadline_ms=None
    )

    refused = await refusal(call)

    assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "DEADLINE_REQUIRED")
    assert_advises(refused)


async def test_an_http_call_without_a_deadline_has_the_methods_own(edge: Edge) -> None:
    answer = await edge.fronts.http.call(
        "CheckIn", await edge.admission(), token=await edge.token(), deadline_ms=None
    )

    assert answer.view.visit.ticket.number >= 1


@pytest.mark.usefixtures("untouched")
async def test_a_deadline_too_short_to_begin_is_refused_over_http(edge: Edge) -> None:
    call = edge.fronts.http.call("CheckIn", await edge.admission(), token=await edge.token(), deadline_ms=60)

    refused = await refusal(call)

    assert (refused.kind, refused.reason) == ("DEADLINE", "DEADLINE_TOO_SHORT")
    assert_advises(refused)


@pytest.mark.usefixtures("untouched")
async def test_a_deadline_too_short_to_begin_is_refused_over_grpc(edge: Edge) -> None:
    request, token = await edge.admission(), await edge.token()
    # The client's own clock may end the call before the refusal is back: then the status comes without a reason.
    seen = set()
    for _ in range(50):
        refused = await refusal(edge.fronts.grpc.call("CheckIn", request, token=token, deadline_ms=95))
        assert refused.kind == "DEADLINE"
        seen.add(refused.reason)
        if refused.reason:
            break

    assert "DEADLINE_TOO_SHORT" in seen
    assert_advises(refused)


@both_fronts
@pytest.mark.usefixtures("untouched")
async def test_a_deadline_too_short_for_the_first_leg_says_so_and_stores_nothing(
    edge: Edge, front: str
) -> None:
    request = await edge.admission()

    refused = await refusal(
        edge.front(front).call("CheckIn", request, token=await edge.token(), deadline_ms=240)
    )

    if refused.reason:  # else the client's own clock was first
        assert (refused.kind, refused.reason) == ("UNAVAILABLE", "VISIT_LEG_FAILED")
        assert refused.facts == {"cause": "BUDGET_USED_UP"}


@pytest.mark.parametrize("text", ["soon", "-5", "1.5", "1" * 10, "١٢"])
@pytest.mark.usefixtures("untouched")
async def test_an_unreadable_deadline_header_is_refused(edge: Edge, text: str) -> None:
    call = edge.fronts.http.send(
        "GET", "/v1/visits", token=await edge.token(), headers={"X-Deadline-Ms": text}
    )

    refused = await refusal(call)

    assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "DEADLINE_MALFORMED")
    assert refused.field == "X-Deadline-Ms"
    assert_advises(refused)


@pytest.mark.usefixtures("untouched")
async def test_an_oversized_message_is_refused_over_grpc(edge: Edge) -> None:
    request = await edge.admission(reason_text="x" * (1 << 20))
    refused = await refusal(edge.fronts.grpc.call("CheckIn", request, token=await edge.token()))

    assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE")
    assert_advises(refused)


@pytest.mark.usefixtures("untouched")
async def test_a_message_far_too_large_is_refused_before_it_is_read(edge: Edge) -> None:
    request = await edge.admission(reason_text="x" * (5 << 20))

    refused = await refusal(edge.fronts.grpc.call("CheckIn", request, token=await edge.token()))

    assert refused.kind == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("chunked", [False, True], ids=["with-length", "chunked"])
@pytest.mark.usefixtures("untouched")
async def test_a_huge_body_is_refused_over_http(edge: Edge, chunked: bool) -> None:
    body = json.dumps({"request_id": str(uuid.uuid4()), "card_qr": "x" * (2 << 20)}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    data: Any = pieces() if chunked else body
    refused = await refusal(
        edge.fronts.http.send("POST", "/v1/visits:checkIn", token=await edge.token(), data=data)
    )

    assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "BODY_TOO_LARGE")
    assert_advises(refused)


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{", ""),
    "a list": (b"[]", ""),
    "a text": (b'"x"', ""),
    "null": (b"null", ""),
    "not UTF-8": (b'{"reason_text": "\xff"}', ""),
    "too deep": (b'{"card_qr":' * 50_000, ""),
    "an unknown field": (b'{"card_qr": "x", "mask": true}', "mask"),
    "an unknown field that is a number": (f'{{"{NUMBER}": 1}}'.encode(), ""),
    "an enum nobody knows": (b'{"kind": "VISIT_KIND_MOON"}', "kind"),
    "a text for a switch": (b'{"self_pay": "maybe"}', "self_pay"),
    "an object for a text": (b'{"card_qr": {}}', "card_qr"),
    "half a surrogate": (b'{"card_qr": "\\ud800"}', "card_qr"),
    "not a number": (b'{"kind": NaN}', "kind"),
    "beyond every number": (b'{"kind": 1e999}', ""),
}


@pytest.mark.parametrize("bad", BAD_BODIES)
@pytest.mark.usefixtures("untouched")
async def test_a_body_that_is_not_the_message_is_refused(edge: Edge, bad: str) -> None:
    body, field = BAD_BODIES[bad]

    refused = await refusal(
        edge.fronts.http.send("POST", "/v1/visits:checkIn", token=await edge.token(), data=body)
    )

    assert (refused.kind, refused.reason, refused.field) == ("INVALID_ARGUMENT", "BODY_MALFORMED", field)
    assert_advises(refused)


@pytest.mark.usefixtures("untouched")
async def test_bytes_that_are_no_message_are_refused_over_grpc(edge: Edge) -> None:
    refused = await refusal(
        edge.fronts.grpc.call_bytes("CheckIn", b"\xff\xff\xff\xff", token=await edge.token())
    )

    assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "MALFORMED_MESSAGE")
    assert_advises(refused)


@pytest.mark.parametrize(
    ("verb", "path", "field"),
    [
        ("GET", "/v1/visits?facility=19998", "facility"),
        ("GET", "/v1/visits?page_size=5&Page_Size=5", "Page_Size"),
        ("POST", "/v1/visits:checkIn?card_qr=x", "card_qr"),
        ("GET", f"/v1/visits?{NUMBER}=1", ""),
    ],
)
@pytest.mark.usefixtures("untouched")
async def test_an_unknown_query_parameter_is_refused(edge: Edge, verb: str, path: str, field: str) -> None:
    refused = await refusal(edge.fronts.http.send(verb, path, token=await edge.token()))

    assert (refused.kind, refused.reason, refused.field) == ("INVALID_ARGUMENT", "UNKNOWN_PARAMETER", field)
    assert_advises(refused)


RAW_REQUESTS = {
    "a header without a colon": f"GET /v1/visits HTTP/1.1\r\nHost: x\r\n{NUMBER} Nguyen\r\n\r\n",
    "a header name of another form": f"GET /v1/visits HTTP/1.1\r\nHost: x\r\nX-({NUMBER}): 1\r\n\r\n",
    "a header as long as a book": f"GET /v1/visits HTTP/1.1\r\nHost: x\r\nX-A: {NUMBER * 4_000}\r\n\r\n",
    "an address as long as a book": f"GET /v1/visits?{NUMBER * 4_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP at all": f"{NUMBER}|Nguyễn Thị Hòa\r\n\r\n",
    "an unknown expectation": f"POST /v1/visits:checkIn HTTP/1.1\r\nHost: x\r\nExpect: {NUMBER}\r\n\r\n",
    "two lengths": f"POST /v1/breaks HTTP/1.1\r\nHost: x\r\nContent-Length: {NUMBER}\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("bad", RAW_REQUESTS)
@pytest.mark.usefixtures("untouched")
async def test_what_is_not_http_is_refused_without_being_repeated(edge: Edge, bad: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.place.ports["gateway_http"])
    writer.write(RAW_REQUESTS[bad].encode())

    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()

    assert NUMBER.encode() not in answer
    assert b"Traceback" not in answer
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), head[:20]
    error = json.loads(body)["error"]
    assert error["reason"]
    assert error["message"]
    assert error["message_vi"]


async def test_after_all_that_both_fronts_serve(edge: Edge) -> None:
    for front in ("grpc", "http"):
        assert (await edge.check_in(front)).visit.ticket.number >= 1
    async with aiohttp.ClientSession() as session, session.get(edge.fronts.http.url + "/healthz") as answer:
        assert answer.status == 200
