"""Puts the gateway together; the only place that picks implementations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from chassis.lifecycle import Assembly
from chassis.rpc.binding import collect
from chassis.rpc.channel import Channel
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter, load_signing_key
from chassis.telemetry import Telemetry
from chassis.telemetry.records import SpanRow
from chassis.telemetry.store import SpanReader
from gateway.config import Settings
from gateway.external.oidc import OidcVerifier
from gateway.forwarding import FORWARDED, forward
from gateway.http.app import HttpFront, application
from gateway.http.webhooks import Webhooks
from gateway.peers import connect
from gateway.servicer import GatewayServicer, journey_trace_id
from lienthong.gateway.v1 import gateway_pb2
from lienthong.gateway.v1.gateway_pb2_grpc import add_GatewayServiceServicer_to_server

OWN_SERVICE = gateway_pb2.DESCRIPTOR.services_by_name["GatewayService"]


async def assemble(settings: Settings, dial: Callable[[str], Channel], telemetry: Telemetry) -> Assembly:
    """The gateway's gRPC methods, its HTTP front as a worker, and the checker of clients' tokens."""
    assert settings.token_signing_key_file is not None, "the setting is required"
    minter = Minter(load_signing_key(settings.token_signing_key_file))
    verifier = OidcVerifier(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        refresh_s=settings.oidc_refresh_s,
        minter=minter,
    )
    peers = connect(dial)
    servicer = GatewayServicer(
        peers=peers,
        telemetry=telemetry,
        spans=_Spans(settings.span_dir) if settings.span_dir else None,
        watch_poll_interval_ms=settings.watch_poll_interval_ms,
    )
    bindings = [
        collect(add_GatewayServiceServicer_to_server, servicer),
        *(each for name, services in FORWARDED.items() for each in forward(dial(name), services)),
    ]
    own = LocalNetwork()
    http = own.register(
        "gateway", bindings, verifier=verifier, telemetry=telemetry, trace_id_of=journey_trace_id
    )
    front = HttpFront(
        application(
            own.channel("gateway", telemetry=telemetry, sender="http"),
            [OWN_SERVICE, *(each for services in FORWARDED.values() for each in services)],
            webhooks=Webhooks(peers=peers, minter=minter),
            version=version("lienthong"),
            body_max_bytes=settings.http_body_max_bytes,
            upload_max_bytes=settings.upload_max_bytes,
        ),
        listen=settings.http_listen,
    )
    return Assembly(
        name="gateway",
        bindings=bindings,
        workers=[verifier.run, lambda: _while_running(front)],
        dispatchers=[http],
        verifier=verifier,
        trace_id_of=journey_trace_id,
    )


async def _while_running(front: HttpFront) -> None:
    """Serve HTTP until the gateway ends."""
    await front.start()
    try:
        await asyncio.Event().wait()
    finally:
        await front.stop()


class _Spans:
    """The span store of this machine; a reader is made for each question, as files come and go."""

    def __init__(self, span_dir: Path) -> None:
        self._span_dir = span_dir

    def trace(self, trace_id: str, /) -> list[SpanRow]:
        """The spans of a trace by its id or the beginning of it."""
        return SpanReader(self._span_dir).trace(trace_id)
