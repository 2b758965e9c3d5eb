"""The two fronts of the gateway as a foreign client sees them: raw gRPC and plain HTTP, one way to ask both."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import aiohttp
import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chassis.rpc.server import Server
from gateway.servicer import journey_trace_id
from lienthong.gateway.v1 import gateway_pb2 as pb
from station.layout import Layout
from station.onebox import OneBox

SERVICE = "/lienthong.gateway.v1.GatewayService"
DEADLINE_S = 5.0

# Written by hand from gateway.proto, so that a changed or lost address is seen.
ROUTES: dict[str, tuple[str, str]] = {
    "CheckIn": ("POST", "/v1/visits:checkIn"),
    "GetVisit": ("GET", "/v1/{name}"),
    "WatchVisit": ("GET", "/v1/{name}:watch"),
    "ListVisits": ("GET", "/v1/visits"),
    "RecordEntries": ("POST", "/v1/{visit}:recordEntries"),
    "CallNextTicket": ("POST", "/v1/rooms/{room}:callNext"),
    "Discharge": ("POST", "/v1/{visit}:discharge"),
    "PayVisit": ("POST", "/v1/{visit}:pay"),
    "GetEvidence": ("GET", "/v1/{name}"),
    "ResolveAdministrativeUnit": ("GET", "/v1/administrativeUnits:resolve"),
    "ImportStatement": ("POST", "/v1/statements:import"),
    "Reconcile": ("POST", "/v1/statements:reconcile"),
    "ListBreaks": ("GET", "/v1/breaks"),
    "ResolveBreak": ("POST", "/v1/{name}:resolve"),
    "ListBalances": ("GET", "/v1/balances"),
    "GetTrace": ("GET", "/v1/traces/{code}"),
}
"""Verb and address of every method; a name in braces is a field of the request."""
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PRECONDITION": 409,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE": 504,
}
"""HTTP status by kind of error."""
_KIND = {
    "PERMISSION_DENIED": "PERMISSION",
    "FAILED_PRECONDITION": "PRECONDITION",
    "DEADLINE_EXCEEDED": "DEADLINE",
}
T = TypeVar("T", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a front answered in place of a result."""

    front: str
    kind: str
    reason: str
    field: str
    message: str
    message_vi: str
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    raw: bytes = b""
    """Everything that came over the wire: status text and trailers, or status line, headers and body."""


class Refused(Exception):
    """A call that was refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Front(Protocol):
    """One of the two."""

    name: str

    async def call(
        self, method: str, request: Message, *, token: str = "", deadline_ms: int | None = 5_000
    ) -> Any:
        """The answer's message; raises Refused. Without a deadline none is sent."""

    async def watch(self, request: pb.WatchVisitRequest, *, token: str, deadline_ms: int) -> list[Any]:
        """Every message of a watched visit until the stream ends; raises Refused."""

    async def upload(self, parts: Sequence[pb.ImportStatementRequest], *, token: str) -> Any:
        """Import a statement; raises Refused."""


class GrpcFront:
    """A client that knows nothing of our own channel, so that it sees the bare status and trailers."""

    name = "grpc"

    def __init__(self, target: str) -> None:
        self.target = target
        self._channel = grpc.aio.insecure_channel(target)

    async def close(self) -> None:
        await self._channel.close()

    async def call(
        self, method: str, request: Message, *, token: str = "", deadline_ms: int | None = 5_000
    ) -> Any:
        if method == "ImportStatement":
            return await self.upload([], token=token)
        if method == "WatchVisit":
            assert isinstance(request, pb.WatchVisitRequest)
            return await self.watch(request, token=token, deadline_ms=deadline_ms or 5_000)
        return await self.call_bytes(
            method, request.SerializeToString(), token=token, deadline_ms=deadline_ms
        )

    async def call_bytes(
        self, method: str, request: bytes, *, token: str = "", deadline_ms: int | None = 5_000
    ) -> Any:
        """Send bytes that need not be a message."""
        send = self._channel.unary_unary(
            f"{SERVICE}/{method}", response_deserializer=_answer_type(method).FromString
        )
        return await _or_refused(send(request, timeout=_seconds(deadline_ms), metadata=_metadata(token)))

    async def watch(self, request: pb.WatchVisitRequest, *, token: str, deadline_ms: int) -> list[Any]:
        send = self._channel.unary_stream(
            f"{SERVICE}/WatchVisit",
            request_serializer=pb.WatchVisitRequest.SerializeToString,
            response_deserializer=pb.WatchVisitResponse.FromString,
        )

        async def read() -> list[Any]:
            stream = send(request, timeout=deadline_ms / 1000, metadata=_metadata(token))
            return [answer async for answer in stream]

        return await _or_refused(read())

    async def upload(self, parts: Sequence[pb.ImportStatementRequest], *, token: str) -> Any:
        send = self._channel.stream_unary(
            f"{SERVICE}/ImportStatement",
            request_serializer=pb.ImportStatementRequest.SerializeToString,
            response_deserializer=pb.ImportStatementResponse.FromString,
        )

        async def sent() -> AsyncIterator[pb.ImportStatementRequest]:
            for part in parts:
                yield part

        return await _or_refused(send(sent(), timeout=DEADLINE_S, metadata=_metadata(token)))


class HttpFront:
    """A client of the HTTP/JSON front."""

    name = "http"

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    async def close(self) -> None:
        await self.session.close()

    async def call(
        self, method: str, request: Message, *, token: str = "", deadline_ms: int | None = 5_000
    ) -> Any:
        if method == "ImportStatement":
            return await self.upload([], token=token)
        if method == "WatchVisit":
            assert isinstance(request, pb.WatchVisitRequest)
            return await self.watch(request, token=token, deadline_ms=deadline_ms or 5_000)
        verb, template = ROUTES[method]
        values = MessageToDict(request, preserving_proto_field_name=True)
        path = template
        for name in [part.partition("}")[0] for part in template.split("{")[1:]]:
            path = path.replace(f"{{{name}}}", quote(str(values.pop(name, "")), safe="/"))
        sent: dict[str, Any] = {"json": values} if verb == "POST" else {"params": _as_texts(values)}
        body = await self.send(verb, path, token=token, deadline_ms=deadline_ms, **sent)
        return ParseDict(json.loads(body), _answer_type(method)())

    async def send(
        self, verb: str, path: str, *, token: str = "", deadline_ms: int | None = None, **more: Any
    ) -> bytes:
        """Send anything; the body of a good answer, else raises Refused."""
        headers = {**_http_headers(token, deadline_ms), **more.pop("headers", {})}
        async with self.session.request(verb, self.url + path, headers=headers, **more) as response:
            body = await response.read()
            if response.status != 200:
                raise Refused(_of_http(response, body))
            return body

    async def watch(self, request: pb.WatchVisitRequest, *, token: str, deadline_ms: int) -> list[Any]:
        body = await self.send("GET", f"/v1/{request.name}:watch", token=token, deadline_ms=deadline_ms)
        return [ParseDict(json.loads(line), pb.WatchVisitResponse()) for line in body.splitlines()]

    async def upload(self, parts: Sequence[pb.ImportStatementRequest], *, token: str) -> Any:
        query: dict[str, str] = {}
        for part in parts:
            if part.HasField("header"):
                query |= _as_texts(MessageToDict(part.header, preserving_proto_field_name=True))
        content = b"".join(part.content for part in parts)
        body = await self.send("POST", "/v1/statements:import", token=token, params=query, data=content)
        return ParseDict(json.loads(body), pb.ImportStatementResponse())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fronts:
    """Both fronts of one suite."""

    grpc: GrpcFront
    http: HttpFront

    def named(self, name: str) -> Front:
        """The front of a parametrised test."""
        return self.grpc if name == "grpc" else self.http


@asynccontextmanager
async def fronts_at(*, grpc_target: str, http_url: str) -> AsyncIterator[Fronts]:
    """Clients of a running gateway."""
    async with AsyncExitStack() as ends:
        found = Fronts(grpc=GrpcFront(grpc_target), http=HttpFront(http_url))
        ends.push_async_callback(found.grpc.close)
        ends.push_async_callback(found.http.close)
        yield found


@asynccontextmanager
async def fronts_of(box: OneBox, place: Layout) -> AsyncIterator[Fronts]:
    """The fronts of a suite in this process; its gRPC front listens on a real socket, as when deployed."""
    assert box.gateway.verifier is not None
    server = Server(
        "gateway",
        box.gateway.bindings,
        listen="127.0.0.1:0",
        verifier=box.gateway.verifier,
        telemetry=box.telemetry,
        drain_ms=0,
        stop_grace_ms=200,
        trace_id_of=journey_trace_id,
    )
    port = await server.start()
    try:
        target = f"127.0.0.1:{port}"
        async with fronts_at(grpc_target=target, http_url=place.url("gateway_http")) as found:
            yield found
    finally:
        await server.stop()


async def refusal(call: Awaitable[object]) -> Refusal:
    """The refusal a call must end with."""
    try:
        answer = await call
    except Refused as refused:
        return refused.refusal
    raise AssertionError(f"not refused: {type(answer).__name__}")


async def _or_refused(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise Refused(_of_grpc(error)) from None


def _of_grpc(error: grpc.aio.AioRpcError) -> Refusal:
    """The refusal of a status and its trailers, read with Google's own messages alone."""
    trailers = [(key, value) for key, value in error.trailing_metadata() or ()]
    details = next((value for key, value in trailers if key == "grpc-status-details-bin"), b"")
    status = status_pb2.Status.FromString(details if isinstance(details, bytes) else b"")
    info = error_details_pb2.ErrorInfo()
    localized = error_details_pb2.LocalizedMessage()
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, localized, bad):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    assert localized.locale in ("", "vi"), localized.locale
    texts = [error.details() or "", error.debug_error_string() or "", *(f"{k}: {v!r}" for k, v in trailers)]
    code = error.code().name
    return Refusal(
        front="grpc",
        kind=_KIND.get(code, code),
        reason=info.reason,
        field=bad.field_violations[0].field if bad.field_violations else "",
        message=error.details() or "",
        message_vi=localized.message,
        facts=dict(info.metadata),
        raw="\n".join(texts).encode() + details if isinstance(details, bytes) else b"",
    )


def _of_http(response: aiohttp.ClientResponse, body: bytes) -> Refusal:
    raw = f"{response.status} {response.reason}\n{dict(response.headers)}\n".encode() + body
    try:
        document = json.loads(body)
        error = document["error"]
    except (ValueError, KeyError, TypeError):
        return Refusal(
            front="http", kind=str(response.status), reason="", field="", message="", message_vi="", raw=raw
        )
    assert set(document) == {"error"}, document
    assert error["code"] == response.status, error
    assert response.status == HTTP_STATUS[error["status"]], error
    assert response.content_type == "application/json"
    return Refusal(
        front="http",
        kind=error["status"],
        reason=error["reason"],
        field=error.get("field", ""),
        message=error["message"],
        message_vi=error["message_vi"],
        facts=error["facts"],
        raw=raw,
    )


def _answer_type(method: str) -> type[Message]:
    found: type[Message] = getattr(pb, f"{method}Response")
    return found


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


def _http_headers(token: str, deadline_ms: int | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return headers if deadline_ms is None else {**headers, "X-Deadline-Ms": str(deadline_ms)}


def _as_texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _seconds(deadline_ms: int | None) -> float | None:
    return None if deadline_ms is None else deadline_ms / 1000


class Held:
    """Keeps an async context open in one task of its own, whoever enters and leaves it.

    A fixture's two halves may run in two tasks, and a TaskGroup or a timeout belongs to the task that made it.
    """

    def __init__(self) -> None:
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def enter(self, context: Any) -> Any:
        """Open the context and return what it yields."""
        entered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def hold() -> None:
            try:
                async with context as value:
                    entered.set_result(value)
                    await self._leave.wait()
            except BaseException as error:
                if entered.done():
                    raise
                entered.set_exception(error)

        self._task = asyncio.create_task(hold())
        return await entered

    async def leave(self) -> None:
        """Close it; raises what its end raised."""
        self._leave.set()
        if self._task is not None:
            await self._task


NUMBER = "099190000017"
"""The citizen number that bad input carries and no refusal may repeat."""


def assert_advises(refused: Refusal) -> None:
    """Every refusal says what to do in both languages, and never repeats what was sent."""
    assert refused.reason
    assert refused.message
    assert refused.message_vi
    assert refused.message_vi != refused.message
    assert not {NUMBER, "Nguyễn", "Nà Phại"} & set(refused.raw.decode("utf-8", "replace").split('"'))
    assert NUMBER.encode() not in refused.raw
    assert "Hòa".encode() not in refused.raw
