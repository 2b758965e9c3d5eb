"""All five services in one process, wired by a network without sockets: a commune station's small box."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import emr_svc.__main__
import gateway.__main__
import identity_svc.__main__
import insurance_svc.__main__
import payment_svc.__main__
from chassis import lifecycle
from chassis.lifecycle import Assembly, ServiceMain
from chassis.rpc.channel import Channel
from chassis.rpc.local import LocalNetwork
from chassis.rpc.pipeline import Dispatcher
from chassis.rpc.tokens import Verifier
from chassis.settings import ProcessSettings, load
from chassis.telemetry import Telemetry, logs
from chassis.telemetry.metrics import Metrics

SERVICES: tuple[ServiceMain, ...] = (
    identity_svc.__main__.SERVICE,
    emr_svc.__main__.SERVICE,
    insurance_svc.__main__.SERVICE,
    payment_svc.__main__.SERVICE,
)
"""The services below the gateway, each before those that may call it."""
GATEWAY: ServiceMain = gateway.__main__.SERVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBox:
    """A whole suite in this process."""

    network: LocalNetwork
    gateway: Assembly
    """The gateway with the workers and stores of all services."""
    settings: ProcessSettings
    """The gateway's."""
    telemetry: Telemetry
    """The gateway's."""

    def channel(self) -> Channel:
        """A channel to the gateway for a client in this process, such as a test."""
        return self.network.channel("gateway", telemetry=self.telemetry, sender="client")


@asynccontextmanager
async def assembled(environ: Mapping[str, str] = os.environ) -> AsyncIterator[OneBox]:
    """Assemble all services over one local network; spans are flushed at the end, stores by whoever runs it."""
    network = LocalNetwork()
    async with AsyncExitStack() as ends:
        parts: list[Assembly] = []
        counted: list[Dispatcher] = []
        for service in (*SERVICES, GATEWAY):
            settings = load(service.settings_class, environ)
            telemetry = Telemetry(
                service.name, settings.span_dir, settings.otlp_endpoint or None, sample=settings.trace_sample
            )
            ends.callback(telemetry.close)
            assembly = await service.assemble(settings, _dial(network, service.name, telemetry), telemetry)
            dispatcher = network.register(
                service.name,
                assembly.bindings,
                verifier=assembly.verifier or Verifier.from_file(settings.token_key_file),
                telemetry=telemetry,
                trace_id_of=assembly.trace_id_of,
            )
            parts.append(assembly)
            if service is not GATEWAY:
                # The gateway's own server counts its calls; these have no server.
                counted.append(dispatcher)
        whole = replace(
            parts[-1],
            workers=[worker for part in parts for worker in part.workers],
            close=[close for part in parts for close in part.close],
            databases=[database for part in parts for database in part.databases],
            dispatchers=[*counted, *parts[-1].dispatchers],
            breakers=[breaker for part in parts for breaker in part.breakers],
            collectors=[collector for part in parts for collector in part.collectors],
        )
        yield OneBox(network=network, gateway=whole, settings=settings, telemetry=telemetry)


async def serve(environ: Mapping[str, str] = os.environ) -> None:
    """Serve the gateway's two fronts with everything behind them in this process, until a signal."""
    logs.configure("onebox")
    async with assembled(environ) as box:
        lifecycle.settle_memory()
        await lifecycle.run(box.gateway, box.settings, telemetry=box.telemetry, metrics=Metrics(GATEWAY.name))


def _dial(network: LocalNetwork, sender: str, telemetry: Telemetry) -> Callable[[str], Channel]:
    channels: dict[str, Channel] = {}

    def dial(name: str) -> Channel:
        name = name.removesuffix("_svc")
        if name not in channels:
            channels[name] = network.channel(name, telemetry=telemetry, sender=sender)
        return channels[name]

    return dial
