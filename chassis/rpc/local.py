"""A network without sockets: the same stubs, pipeline, deadlines and errors inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
import grpc.aio

from chassis.breaker import State
from chassis.errors import AppError, MessageTooLarge
from chassis.rpc.binding import ServiceBinding
from chassis.rpc.channel import Channel, OutboundMetadata, StreamCall, UnaryCall
from chassis.rpc.context import Isolated, isolated_stream
from chassis.rpc.errors import DETAILS_KEY, encode
from chassis.rpc.pipeline import Dispatcher, Inbound, TraceIdOf
from chassis.rpc.server import Limits
from chassis.rpc.tokens import Authenticator
from chassis.telemetry import Telemetry
from chassis.telemetry.metrics import Metrics

T = TypeVar("T")


class LocalNetwork:
    """The services of one process, found by name; a service may be registered after its channels exist."""

    def __init__(self, *, limits: Limits | None = None) -> None:
        self._dispatchers: dict[str, Dispatcher] = {}
        self._max_bytes = (limits or Limits()).max_message_bytes

    def register(
        self,
        service_name: str,
        bindings: Sequence[ServiceBinding],
        *,
        verifier: Authenticator,
        telemetry: Telemetry,
        metrics: Metrics | None = None,
        trace_id_of: TraceIdOf | None = None,
    ) -> Dispatcher:
        """Put a service on the network; see chassis.rpc.server.Server for the arguments."""
        dispatcher = Dispatcher(
            service_name,
            bindings,
            verifier=verifier,
            telemetry=telemetry,
            metrics=metrics,
            trace_id_of=trace_id_of,
        )
        self._dispatchers[service_name] = dispatcher
        return dispatcher

    def unregister(self, service_name: str) -> None:
        """Take a service off the network: calls to it then fail like those to a stopped server."""
        self._dispatchers.pop(service_name, None)

    def channel(
        self,
        name: str,
        *,
        telemetry: Telemetry,
        sender: str,
        on_breaker: Callable[[str, State], None] | None = None,
    ) -> Channel:
        """A channel to a service of this network; see chassis.rpc.dial.dial for the arguments."""
        transport = _LocalTransport(name, self._dispatchers, self._max_bytes)
        return Channel(name, transport, telemetry=telemetry, sender=sender, on_breaker=on_breaker)


class _LocalTransport:
    """Hands calls to the dispatcher of the same process."""

    def __init__(self, name: str, dispatchers: dict[str, Dispatcher], max_bytes: int) -> None:
        self._name = name
        self._dispatchers = dispatchers
        self._max_bytes = max_bytes

    def unary(self, method: str, request_streaming: bool, serialize: Any, deserialize: Any) -> UnaryCall:
        """A callable for a method with one response."""

        async def send(request: Any, timeout_s: float, metadata: OutboundMetadata) -> Any:
            dispatcher = self._find(method)
            try:
                request = self._copies(request) if request_streaming else self._copy(request)
                call = dispatcher.methods[method].unary(request, Inbound(metadata, timeout_s))
                response = await _within(timeout_s, Isolated(call))
                return self._copy(response)
            except AppError as error:
                raise _wire(error, dispatcher.service_name) from None

        return send

    def stream(self, method: str, request_streaming: bool, serialize: Any, deserialize: Any) -> StreamCall:
        """A callable for a method with a stream of responses."""

        async def send(request: Any, timeout_s: float, metadata: OutboundMetadata) -> AsyncIterator[Any]:
            dispatcher = self._find(method)
            deadline_s = asyncio.get_running_loop().time() + timeout_s
            try:
                request = self._copies(request) if request_streaming else self._copy(request)
                inbound = Inbound(metadata, timeout_s)
                async with aclosing(
                    isolated_stream(dispatcher.methods[method].stream(request, inbound))
                ) as responses:
                    while True:
                        left_s = deadline_s - asyncio.get_running_loop().time()
                        try:
                            response = await _within(left_s, responses.__anext__())
                        except StopAsyncIteration:
                            return
                        yield self._copy(response)
            except AppError as error:
                raise _wire(error, dispatcher.service_name) from None

        return send

    def _find(self, method: str) -> Dispatcher:
        dispatcher = self._dispatchers.get(self._name)
        if dispatcher is None:
            raise _status(grpc.StatusCode.UNAVAILABLE)
        if method not in dispatcher.methods:
            raise _status(grpc.StatusCode.UNIMPLEMENTED)
        return dispatcher

    def _copy(self, message: Any) -> Any:
        """A message of one's own, as a wire would give; caller and handler may each change theirs."""
        if message.ByteSize() > self._max_bytes:
            raise MessageTooLarge(self._max_bytes)
        copy = type(message)()
        copy.CopyFrom(message)
        return copy

    async def _copies(self, messages: Any) -> AsyncIterator[Any]:
        if hasattr(messages, "__aiter__"):
            async for message in messages:
                yield self._copy(message)
        else:
            for message in messages:
                yield self._copy(message)

    async def close(self) -> None:
        """Nothing to let go of."""


async def _within(seconds: float, work: Awaitable[T]) -> T:
    """What `work` returns, or the status gRPC answers with when the deadline passes."""
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await work
    except TimeoutError:
        if scope.expired():
            raise _status(grpc.StatusCode.DEADLINE_EXCEEDED) from None
        raise


def _wire(error: AppError, domain: str) -> grpc.aio.AioRpcError:
    code, message, details = encode(error, domain=domain)
    return _status(code, message, details)


def _status(code: grpc.StatusCode, message: str = "", details: bytes = b"") -> grpc.aio.AioRpcError:
    trailers = grpc.aio.Metadata((DETAILS_KEY, details)) if details else grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details=message)
