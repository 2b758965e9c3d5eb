"""The client side of every call, in one fixed order, for both transports.

    deadline -> caller's token -> span and traceparent -> breaker -> transport -> error decoding

The steps stand inline around the transport's callable: a grpc.aio interceptor costs a task per call.
A Channel is what generated stubs take; errors come out typed, so no caller knows gRPC.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Protocol, Self

import grpc
import grpc.aio

from chassis.breaker import Breaker, State
from chassis.errors import AppError, DeadlineTooShort, Kind, Overloaded, RemoteError
from chassis.rpc.access import cap_ms_of
from chassis.rpc.context import current_call, isolated_stream
from chassis.rpc.errors import decode
from chassis.rpc.pipeline import AUTHORIZATION_KEY, LEFT_MS_MIN, SERVICE_KEY, TRACEPARENT_KEY
from chassis.telemetry import Span, Telemetry, current_span

HOP_MS = 20
"""Taken off the deadline per hop: gRPC rounds a timeout up by as much as 10 ms below 10 s."""

OutboundMetadata = tuple[tuple[str, str], ...]
# Any below: each method has its own message types, which the generated stubs know.
UnaryCall = Callable[[Any, float, OutboundMetadata], Awaitable[Any]]
StreamCall = Callable[[Any, float, OutboundMetadata], AsyncIterator[Any]]


class Transport(Protocol):
    """Carries calls; failed ones raise grpc.aio.AioRpcError, whatever the transport is."""

    def unary(self, method: str, request_streaming: bool, serialize: Any, deserialize: Any) -> UnaryCall:
        """A callable for a method with one response."""

    def stream(self, method: str, request_streaming: bool, serialize: Any, deserialize: Any) -> StreamCall:
        """A callable for a method with a stream of responses."""

    async def close(self) -> None:
        """Let the connections go."""


class Peer:
    """What the calls of one channel share."""

    __slots__ = ("name", "on_breaker", "sender", "telemetry")

    def __init__(
        self,
        name: str,
        telemetry: Telemetry,
        sender: str,
        on_breaker: Callable[[str, State], None] | None,
    ) -> None:
        self.name = name
        self.telemetry = telemetry
        self.sender = sender
        self.on_breaker = on_breaker


def peer_is_in_trouble(error: BaseException) -> bool:
    """Whether a call's failure speaks of the peer: trouble of the line, overload, or no answer in time.

    A typed answer of the peer is an answer, also when it passes on that a system behind it is down.
    """
    if isinstance(error, RemoteError):
        return error.reason == Overloaded.reason or error.reason.startswith("TRANSPORT_")
    return isinstance(error, AppError) and error.kind in (Kind.UNAVAILABLE, Kind.DEADLINE)


class _Call:
    """The steps before and after one method's transport."""

    __slots__ = ("_breaker", "_cap_s", "_method", "_peer", "_sender", "_span_name")

    def __init__(self, peer: Peer, method: str) -> None:
        self._peer = peer
        self._method = method
        self._span_name = method[1:]
        self._cap_s: float | None = None
        self._sender = (SERVICE_KEY, peer.sender)
        self._breaker = Breaker(
            f"{peer.name}.{method.rpartition('/')[2].lower()}",
            open_s=2.0,
            counts=peer_is_in_trouble,
            on_change=peer.on_breaker,
        )

    def _timeout_s(self, asked_s: float | None) -> float:
        """The time for the child call: the method's cap, what the caller asked, what is left less the hop."""
        if self._cap_s is None:
            self._cap_s = cap_ms_of(self._method) / 1000  # at the first call: by then the proto is loaded
        timeout_s = self._cap_s if asked_s is None else min(self._cap_s, asked_s)
        call = current_call()
        if call is not None and call.deadline_s is not None:
            timeout_s = min(timeout_s, call.deadline_s - time.monotonic() - HOP_MS / 1000)
        if timeout_s * 1000 < LEFT_MS_MIN:
            raise DeadlineTooShort(int(timeout_s * 1000), LEFT_MS_MIN)
        return timeout_s

    def _metadata(self, traceparent: str, more: Any) -> OutboundMetadata:
        call = current_call()
        pairs = [self._sender]
        if traceparent:
            pairs.append((TRACEPARENT_KEY, traceparent))
        if more:
            pairs.extend(more)
            if any(key == AUTHORIZATION_KEY for key, _ in more):
                return tuple(pairs)
        if call is not None and call.caller.token:
            pairs.append((AUTHORIZATION_KEY, f"Bearer {call.caller.token}"))
        return tuple(pairs)

    def _around(self) -> AbstractContextManager[Span]:
        """A span around the call; a client span that is open already stands for it, as a journey's leg does."""
        outer = current_span()
        if outer.kind == "client":
            return nullcontext(outer)
        return self._peer.telemetry.span(self._span_name, kind="client")

    def _decoded(self, error: grpc.aio.AioRpcError) -> AppError:
        return decode(error, peer=self._peer.name)


class _Unary(_Call):
    """Stands where a stub expects a multicallable with one response."""

    __slots__ = ("_send",)

    def __init__(self, peer: Peer, method: str, send: UnaryCall) -> None:
        super().__init__(peer, method)
        self._send = send

    async def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        **_: Any,  # what else stubs may pass (credentials, compression) is the channel's business
    ) -> Any:
        timeout_s = self._timeout_s(timeout)
        breaker = self._breaker
        with self._around() as span:
            entered = breaker.enter()
            try:
                response = await self._send(request, timeout_s, self._metadata(span.traceparent(), metadata))
            except grpc.aio.AioRpcError as wire:
                error = self._decoded(wire)
                breaker.failed(error, entered)
                raise error from None
            except BaseException:
                breaker.left(entered)
                raise
            breaker.passed(entered)
            return response


class _Stream(_Call):
    """Stands where a stub expects a multicallable with a stream of responses."""

    __slots__ = ("_send",)

    def __init__(self, peer: Peer, method: str, send: StreamCall) -> None:
        super().__init__(peer, method)
        self._send = send

    def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        **_: Any,  # as above
    ) -> AsyncIterator[Any]:
        # In a context of its own: a span left open between two messages is no business of the reader's.
        return isolated_stream(self._responses(request, timeout, metadata))

    async def _responses(
        self, request: Any, timeout: float | None, metadata: Any
    ) -> AsyncGenerator[Any, None]:
        timeout_s = self._timeout_s(timeout)
        breaker = self._breaker
        with self._peer.telemetry.span(self._span_name, kind="client") as span:
            entered = breaker.enter()
            try:
                async for response in self._send(
                    request, timeout_s, self._metadata(span.traceparent(), metadata)
                ):
                    yield response
            except grpc.aio.AioRpcError as wire:
                error = self._decoded(wire)
                breaker.failed(error, entered)
                raise error from None
            except BaseException:
                breaker.left(entered)
                raise
            breaker.passed(entered)


class Channel(grpc.aio.Channel):
    """A way to one service; generated stubs take it for a grpc.aio.Channel.

    Args:
        name: The service at the other end, such as `identity`.
        transport: `GrpcTransport` or the one of a LocalNetwork.
        telemetry: Makes the client spans.
        sender: The service that calls, such as `emr`.
        on_breaker: Told of every breaker's change of state.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        *,
        telemetry: Telemetry,
        sender: str,
        on_breaker: Callable[[str, State], None] | None = None,
    ) -> None:
        self.name = name
        self._transport = transport
        self._peer = Peer(name, telemetry, sender, on_breaker)

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        """Called by generated stubs."""
        return self._unary(method, False, request_serializer, response_deserializer)  # type: ignore[return-value]

    def stream_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamUnaryMultiCallable[Any, Any]:
        """Called by generated stubs."""
        return self._unary(method, True, request_serializer, response_deserializer)  # type: ignore[return-value]

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.UnaryStreamMultiCallable[Any, Any]:
        """Called by generated stubs."""
        return self._stream(method, False, request_serializer, response_deserializer)  # type: ignore[return-value]

    def stream_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        _registered_method: bool | None = False,
    ) -> grpc.aio.StreamStreamMultiCallable[Any, Any]:
        """Called by generated stubs."""
        return self._stream(method, True, request_serializer, response_deserializer)  # type: ignore[return-value]

    # Ignored above: our callables answer like grpc's without being its classes, which nobody else can build.

    def _unary(self, method: str, streaming: bool, serialize: Any, deserialize: Any) -> _Unary:
        return _Unary(self._peer, method, self._transport.unary(method, streaming, serialize, deserialize))

    def _stream(self, method: str, streaming: bool, serialize: Any, deserialize: Any) -> _Stream:
        return _Stream(self._peer, method, self._transport.stream(method, streaming, serialize, deserialize))

    async def close(self, grace: float | None = None) -> None:
        """Let the connections go."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Demanded by the base class; connection states are the transport's own business."""
        return grpc.ChannelConnectivity.IDLE

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Demanded by the base class; never changes."""
        await asyncio.Event().wait()

    async def channel_ready(self) -> None:
        """Demanded by the base class; calls connect by themselves."""
