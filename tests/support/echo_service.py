"""A small gRPC service for tests of the frame: its descriptor is built at run time, its handlers plugged in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from chassis.rpc.binding import ServiceBinding, collect
from lienthong.options.v1 import options_pb2

PACKAGE = "tests.echo.v1"
SERVICE = f"{PACKAGE}.EchoService"
Field = descriptor_pb2.FieldDescriptorProto


def _message(file: descriptor_pb2.FileDescriptorProto, name: str, *fields: tuple[str, int, int, str]) -> Any:
    message = file.message_type.add(name=name)
    for number, (field, kind, label, of_type) in enumerate(fields, start=1):
        added = message.field.add(name=field, number=number, type=kind, label=label)
        if of_type:
            added.type_name = f".{PACKAGE}.{of_type}"
    return message


def _method(service: Any, name: str, request: str, *, access: dict[str, Any] | None, **more: Any) -> None:
    method = service.method.add(
        name=name, input_type=f".{PACKAGE}.{request}", output_type=f".{PACKAGE}.EchoReply"
    )
    method.client_streaming = more.get("client_streaming", False)
    method.server_streaming = more.get("server_streaming", False)
    method.options.idempotency_level = more.get("idempotency", 0)
    if access is not None:
        method.options.Extensions[options_pb2.access].CopyFrom(options_pb2.Access(**access))


def _build() -> None:
    one, many = Field.LABEL_OPTIONAL, Field.LABEL_REPEATED
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/echo/v1/echo.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["lienthong/options/v1/options.proto"],
    )
    color = file.enum_type.add(name="Color")
    color.value.add(name="COLOR_UNSPECIFIED", number=0)
    color.value.add(name="COLOR_RED", number=1)
    _message(
        file, "Leaf", ("color", Field.TYPE_ENUM, one, "Color"), ("leaf", Field.TYPE_MESSAGE, one, "Leaf")
    )
    request = _message(
        file,
        "EchoRequest",
        ("text", Field.TYPE_STRING, one, ""),
        ("color", Field.TYPE_ENUM, one, "Color"),
        ("colors", Field.TYPE_ENUM, many, "Color"),
        ("leaf", Field.TYPE_MESSAGE, one, "Leaf"),
        ("leaves", Field.TYPE_MESSAGE, many, "Leaf"),
        ("by_name", Field.TYPE_MESSAGE, many, "EchoRequest.ByNameEntry"),
    )
    entry = request.nested_type.add(name="ByNameEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=Field.TYPE_STRING, label=one)
    entry.field.add(name="value", number=2, type=Field.TYPE_MESSAGE, label=one, type_name=f".{PACKAGE}.Leaf")
    _message(
        file, "WriteRequest", ("request_id", Field.TYPE_STRING, one, ""), ("text", Field.TYPE_STRING, one, "")
    )
    _message(file, "EchoReply", ("text", Field.TYPE_STRING, one, ""), ("count", Field.TYPE_INT32, one, ""))
    service = file.service.add(name="EchoService")
    clerk = {"roles": [options_pb2.ROLE_CLERK, options_pb2.ROLE_SERVICE], "cap_ms": 5_000}
    _method(service, "Echo", "EchoRequest", access=clerk, idempotency=1)
    _method(service, "Write", "WriteRequest", access=clerk)
    _method(service, "Count", "EchoRequest", access=clerk, server_streaming=True)
    _method(service, "Gather", "EchoRequest", access=clerk, client_streaming=True)
    _method(service, "Chat", "EchoRequest", access=clerk, client_streaming=True, server_streaming=True)
    _method(service, "Open", "EchoRequest", access={"public": True})
    _method(service, "Bare", "EchoRequest", access=None)
    _method(service, "Nobody", "EchoRequest", access={})
    descriptor_pool.Default().Add(file)


_build()
_pool = descriptor_pool.Default()
# Any: classes made at run time have no static type.
EchoRequest: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.EchoRequest"))
WriteRequest: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.WriteRequest"))
EchoReply: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.EchoReply"))
Leaf: Any = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.Leaf"))


async def echo(request: Any) -> Any:
    """The handler that is there until a test plugs another in."""
    return EchoReply(text=request.text)


async def count(request: Any) -> AsyncIterator[Any]:
    """Three replies."""
    for number in range(3):
        yield EchoReply(text=request.text, count=number)


async def gather(requests: AsyncIterator[Any]) -> Any:
    """One reply with all texts."""
    texts = [request.text async for request in requests]
    return EchoReply(text=",".join(texts), count=len(texts))


class EchoServicer:
    """Calls whatever the test has plugged in."""

    def __init__(self) -> None:
        self.on_call: Callable[[Any], Awaitable[Any]] = echo
        self.on_count: Callable[[Any], AsyncIterator[Any]] = count
        self.on_gather: Callable[[Any], Awaitable[Any]] = gather
        self.calls = 0

    async def Echo(self, request: Any, context: object) -> Any:
        self.calls += 1
        return await self.on_call(request)

    Write = Open = Bare = Nobody = Echo

    async def Count(self, request: Any, context: object) -> AsyncIterator[Any]:
        self.calls += 1
        async for reply in self.on_count(request):
            yield reply

    async def Gather(self, requests: AsyncIterator[Any], context: object) -> Any:
        self.calls += 1
        return await self.on_gather(requests)

    async def Chat(self, requests: AsyncIterator[Any], context: object) -> AsyncIterator[Any]:
        async for request in requests:
            yield EchoReply(text=request.text)


def add_servicer_to_server(servicer: EchoServicer, server: Any) -> None:
    """What the generator would have written."""
    handlers = {}
    for method in _pool.FindServiceByName(SERVICE).methods:
        make: Any = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        handlers[method.name] = make(
            getattr(servicer, method.name),
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=EchoReply.SerializeToString,
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_registered_method_handlers(SERVICE, handlers)


def bindings_of(servicer: EchoServicer) -> list[ServiceBinding]:
    """What a service's assemble would return."""
    return [collect(add_servicer_to_server, servicer)]


class EchoStub:
    """What the generator would have written."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        for method in _pool.FindServiceByName(SERVICE).methods:
            make: Any = {
                (False, False): channel.unary_unary,
                (False, True): channel.unary_stream,
                (True, False): channel.stream_unary,
                (True, True): channel.stream_stream,
            }[method.client_streaming, method.server_streaming]
            input_class: Any = message_factory.GetMessageClass(method.input_type)
            call = make(
                f"/{SERVICE}/{method.name}",
                request_serializer=input_class.SerializeToString,
                response_deserializer=EchoReply.FromString,
                _registered_method=True,
            )
            setattr(self, method.name, call)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)
