"""A service's gRPC server: limits, health, reflection, the pipeline around handlers, an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from chassis.errors import AppError, MessageTooLarge
from chassis.rpc.binding import ServiceBinding
from chassis.rpc.credentials import Tls, peer_service, server_credentials
from chassis.rpc.errors import MESSAGE_BYTES_MAX, abort
from chassis.rpc.pipeline import MALFORMED, Dispatcher, Inbound, Method, TraceIdOf, Unread
from chassis.rpc.tokens import Authenticator
from chassis.settings import is_loopback
from chassis.telemetry import Telemetry
from chassis.telemetry.metrics import Metrics

GENERATIONS_OF_PENDING = 2
UNREAD_FACTOR = 4
"""Messages up to this many times the limit are taken off the wire, to be refused with a reason and advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every limit of a server; the reasons stand in docs/decisions/0003."""

    max_pending_calls: int = 64
    """Calls that wait inside gRPC for the event loop; beyond twice this number none is let in at all."""
    max_message_bytes: int = MESSAGE_BYTES_MAX
    max_metadata_bytes: int = 8 << 10
    max_streams_per_connection: int = 1_000
    """Not the 100 of most servers: grpcio 1.83 refuses what a burst holds above it instead of queueing (195 of
    600 calls failed); load is shed by the pending cap."""
    max_connections: int = 1_000
    handshake_timeout_ms: int = 5_000
    connection_idle_ms: int = 300_000
    connection_age_ms: int = 60_000
    """A client reconnects this often, so that load moves and certificates rotate."""
    connection_age_grace_ms: int = 30_000
    """Time for calls under way on an old connection; raised to the longest cap of the server's methods."""
    keepalive_min_ms: int = 10_000
    """Pings more often than this are rude; our channels send one every 20 s."""

    def options(self, *, longest_call_ms: int = 0) -> list[tuple[str, int]]:
        """The arguments of the gRPC core.

        Args:
            longest_call_ms: The longest deadline a method may have; a stream of ten minutes outlives its
                connection's age by as much.
        """
        return [
            ("grpc.so_reuseport", 0),
            # Private to the gRPC core and pinned by a test: without them an overloaded asyncio server answers
            # 40 of 2,000 calls a second, with them 220 of a capacity of 230 (measured, decision 0003).
            ("grpc.server.max_pending_requests", self.max_pending_calls),
            ("grpc.server.max_pending_requests_hard_limit", self.max_pending_calls * GENERATIONS_OF_PENDING),
            # The core refuses what is far too large without a word; what is a little too large gets our reason.
            ("grpc.max_receive_message_length", self.max_message_bytes * UNREAD_FACTOR),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_metadata_size", self.max_metadata_bytes),
            ("grpc.absolute_max_metadata_size", self.max_metadata_bytes * 2),
            ("grpc.max_concurrent_streams", self.max_streams_per_connection),
            ("grpc.max_allowed_incoming_connections", self.max_connections),
            ("grpc.server_handshake_timeout_ms", self.handshake_timeout_ms),
            ("grpc.max_connection_idle_ms", self.connection_idle_ms),
            ("grpc.max_connection_age_ms", self.connection_age_ms),
            ("grpc.max_connection_age_grace_ms", max(self.connection_age_grace_ms, longest_call_ms)),
            ("grpc.http2.min_ping_interval_without_data_ms", self.keepalive_min_ms),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    """What turns a gRPC call into one of the pipeline and back."""

    domain: str
    with_tls: bool
    max_message_bytes: int
    methods: dict[str, Method] = field(default_factory=dict)

    def inbound(self, context: Any) -> Inbound:  # Any: grpc's context class is not in its stubs' runtime
        peer = peer_service(context.auth_context()) if self.with_tls else ""
        return Inbound(context.invocation_metadata(), context.time_remaining(), peer)


class Server:
    """One gRPC server.

    Args:
        service_name: Domain of the errors and name of the service, such as `identity`.
        bindings: What `chassis.rpc.binding.collect` gave.
        listen: host:port; port 0 takes a free one. Beyond this machine only with `tls`.
        tls: Files of mutual TLS, None on a loopback address.
        verifier: Checks tokens.
        telemetry: Makes spans.
        limits: See Limits.
        drain_ms: Time between NOT_SERVING and the stop; longer than clients need to notice.
        stop_grace_ms: Time running calls get after that.
        trace_id_of: See Dispatcher; the gateway's front alone.
    """

    def __init__(
        self,
        service_name: str,
        bindings: Sequence[ServiceBinding],
        *,
        listen: str,
        verifier: Authenticator,
        telemetry: Telemetry,
        tls: Tls | None = None,
        limits: Limits | None = None,
        drain_ms: int = 1_000,
        stop_grace_ms: int = 5_000,
        metrics: Metrics | None = None,
        trace_id_of: TraceIdOf | None = None,
    ) -> None:
        self.dispatcher = Dispatcher(
            service_name,
            bindings,
            verifier=verifier,
            telemetry=telemetry,
            metrics=metrics,
            trace_id_of=trace_id_of,
        )
        self.port = 0
        self._bindings = bindings
        self._listen = listen
        self._tls = tls
        self._limits = limits or Limits()
        self._drain_ms = drain_ms
        self._stop_grace_ms = stop_grace_ms
        self._health = health_aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Bind, serve and return the port.

        Raises:
            OSError: the address is taken.
            ValueError: the address leaves this machine and there is no TLS.
        """
        if self._tls is None and not is_loopback(self._listen):
            raise ValueError("a server that is reachable from other machines needs mutual TLS")
        caps = [method.policy.cap_ms for method in self.dispatcher.methods.values() if method.policy]
        options = self._limits.options(longest_call_ms=max(caps, default=0))
        server = self._server = grpc.aio.server(options=options)
        edge = _Edge(
            domain=self.dispatcher.service_name,
            with_tls=self._tls is not None,
            max_message_bytes=self._limits.max_message_bytes,
        )
        for binding in self._bindings:
            handlers = {
                name: _wrapped(edge, self.dispatcher.methods[f"/{binding.service}/{name}"])
                for name in binding.handlers
            }
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(binding.service, handlers),)
            )
            server.add_registered_method_handlers(binding.service, handlers)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = [binding.service for binding in self._bindings]
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflection.enable_server_reflection([*names, health_name, reflection.SERVICE_NAME], server)
        try:
            if self._tls is None:
                self.port = server.add_insecure_port(self._listen)
            else:
                self.port = server.add_secure_port(self._listen, server_credentials(self._tls))
        except RuntimeError as cause:
            raise OSError(f"cannot listen on {self._listen}") from cause
        await server.start()
        for name in ("", *names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return self.port

    async def stop(self) -> None:
        """Say NOT_SERVING, wait until clients have noticed, then end; running calls get the grace."""
        server, self._server = self._server, None
        if server is None:
            return
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._drain_ms / 1000)
        await server.stop(self._stop_grace_ms / 1000)


def _wrapped(edge: _Edge, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
    """The handler to register: the pipeline between gRPC's context and our own."""
    behaviour = _stream(edge, method) if method.response_streaming else _unary(edge, method)
    make: Callable[..., grpc.RpcMethodHandler[Any, Any]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.request_streaming, method.response_streaming]
    return make(
        behaviour,
        request_deserializer=_tolerant(method.handler.request_deserializer, edge.max_message_bytes),
        response_serializer=method.handler.response_serializer,
    )


def _unary(edge: _Edge, method: Method) -> Callable[[Any, Any], Any]:
    call, inbound_of, domain = method.unary, edge.inbound, edge.domain

    async def behaviour(request: Any, context: Any) -> Any:
        try:
            return await call(request, inbound_of(context))
        except AppError as error:
            await abort(context, error, domain=domain)

    return behaviour


def _stream(edge: _Edge, method: Method) -> Callable[[Any, Any], AsyncIterator[Any]]:
    call, inbound_of, domain = method.stream, edge.inbound, edge.domain

    async def behaviour(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async for response in call(request, inbound_of(context)):
                yield response
        except AppError as error:
            await abort(context, error, domain=domain)

    return behaviour


def _tolerant(deserialize: Callable[[bytes], Any], max_bytes: int) -> Callable[[bytes], Any]:
    """Let bytes that are no message, or too many, through to the pipeline, which refuses them with a reason."""
    oversized = Unread(lambda: MessageTooLarge(max_bytes))

    def read(data: bytes) -> Any:
        if len(data) > max_bytes:
            return oversized
        try:
            return deserialize(data)
        except DecodeError:
            return MALFORMED

    return read
