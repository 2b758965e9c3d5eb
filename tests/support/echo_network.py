"""The echo service behind either transport, with keys, tokens and spans at hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet

from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller
from chassis.rpc.dial import dial
from chassis.rpc.local import LocalNetwork
from chassis.rpc.server import Limits, Server
from chassis.rpc.tokens import Minter, Verifier, generate_token_keys, load_signing_key
from chassis.telemetry import SpanRow, Telemetry
from tests.support.echo_service import EchoServicer, EchoStub, bindings_of


class Keys:
    """The gateway's and one service's signing keys, and the public file of both."""

    def __init__(self, folder: Path) -> None:
        self.public = folder / "public.json"
        for issuer in ("gateway", "emr"):
            generate_token_keys(folder / f"{issuer}.json", self.public, issuer=issuer)
        self.gateway = load_signing_key(folder / "gateway.json")
        self.emr = load_signing_key(folder / "emr.json")

    def verifier(self, **more: Any) -> Verifier:
        return Verifier(KeySet.import_key_set(json.loads(self.public.read_text())), **more)

    def caller(self, *roles: str, facility: str = "79001") -> Caller:
        named = Caller(
            subject="persons/1", roles=frozenset(roles or ("CLERK",)), facility=facility, purpose="treatment"
        )
        return Caller(
            subject=named.subject,
            roles=named.roles,
            facility=facility,
            purpose="treatment",
            token=Minter(self.gateway).mint(named),
        )


class Spans:
    """Keeps finished spans."""

    def __init__(self) -> None:
        self.rows: list[SpanRow] = []

    def write(self, rows: Sequence[SpanRow]) -> int:
        self.rows.extend(rows)
        return 0

    def close(self) -> None:
        pass


class Network:
    """The echo service behind one of the transports, and a channel to it."""

    def __init__(self, transport: str, keys: Keys) -> None:
        self.transport = transport
        self.keys = keys
        self.spans = Spans()
        self.telemetry = Telemetry("echo", sink=self.spans)
        self.servicer = EchoServicer()
        self.server: Server | None = None
        self.channel: Channel

    async def start(self, limits: Limits | None = None, **more: Any) -> EchoStub:
        bindings = bindings_of(self.servicer)
        if self.transport == "local":
            network = self.local = LocalNetwork(limits=limits)
            network.register(
                "echo", bindings, verifier=self.keys.verifier(), telemetry=self.telemetry, **more
            )
            self.channel = network.channel("echo", telemetry=self.telemetry, sender="emr")
        else:
            self.server = Server(
                "echo",
                bindings,
                listen="127.0.0.1:0",
                verifier=self.keys.verifier(),
                telemetry=self.telemetry,
                limits=limits,
                drain_ms=0,
                stop_grace_ms=200,
                **more,
            )
            port = await self.server.start()
            self.channel = dial("echo", f"127.0.0.1:{port}", telemetry=self.telemetry, sender="emr")
        return EchoStub(self.channel)

    async def stop(self) -> None:
        await self.channel.close()
        if self.server is not None:
            await self.server.stop()

    async def finished_spans(self) -> list[SpanRow]:
        await asyncio.to_thread(self.telemetry.flush)
        return self.spans.rows
