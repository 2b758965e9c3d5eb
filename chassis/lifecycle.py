"""Starts, runs and ends one service: the only place that knows the order of things."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import structlog
import uvloop
from prometheus_client.registry import Collector

from chassis import audit, idempotency, outbox
from chassis.breaker import Breaker, State
from chassis.db import Database, open_database
from chassis.db.migrations import upgrade
from chassis.errors import AppError, leaves
from chassis.rpc.binding import ServiceBinding
from chassis.rpc.channel import Channel
from chassis.rpc.credentials import tls_of
from chassis.rpc.dial import dial
from chassis.rpc.pipeline import Dispatcher, TraceIdOf
from chassis.rpc.server import Limits, Server
from chassis.rpc.tokens import Authenticator, Verifier
from chassis.settings import ProcessSettings, SettingsInvalid, load
from chassis.telemetry import Telemetry, logs
from chassis.telemetry.metrics import Metrics

EXIT_CONFIGURATION = 2
EXIT_FAILED = 1
OUTBOX_SAMPLE_S = 5.0
PURGE_EVERY_S = 3_600.0
# Health checks of a supervisor end after 30 s; a hung end is worse than a hard one, which is always safe.
END_MS_MAX = 30_000
GC_OBJECTS = 10_000
"""New containers between two runs of the collector: some hundred calls."""

_log = structlog.get_logger("chassis.lifecycle")

Worker = Callable[[], Awaitable[None]]
Dial = Callable[[str], Channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of one service, put together by its server.py."""

    name: str
    """Such as `identity`: the domain of its errors and the name on its certificate."""
    bindings: Sequence[ServiceBinding]
    workers: Sequence[Worker] = ()
    """Run until cancelled; one that fails ends the service, and its supervisor starts it anew."""
    close: Sequence[Worker] = ()
    """Called in reverse order after the server and the workers have ended."""
    databases: Sequence[Database] = ()
    """Closed after everything else; the depth of their outboxes is shown as metrics."""
    dispatchers: Sequence[Dispatcher] = ()
    """Of fronts beside the gRPC server, such as HTTP; their calls are counted with the server's."""
    breakers: Sequence[Breaker] = ()
    """Of the systems outside the suite; their state is shown as a metric, like that of the channels'."""
    collectors: Sequence[Collector] = ()
    """Prometheus metrics of the service's own, made without a registry."""
    verifier: Authenticator | None = None
    """Where callers prove themselves otherwise than with internal tokens: the gateway's front."""
    trace_id_of: TraceIdOf | None = None
    """See chassis.rpc.pipeline.Dispatcher; the gateway's front alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMain:
    """What `python -m <package>` needs to know."""

    name: str
    settings_class: type[ProcessSettings]
    assemble: Callable[[Any, Dial, Telemetry], Awaitable[Assembly]]
    """`server.assemble`; Any: the service's own settings class, which is `settings_class`."""
    package: str
    """Where the migrations are, such as `identity_svc`."""


class Channels:
    """Opens one channel per sibling and closes them all."""

    def __init__(self, name: str, settings: ProcessSettings, telemetry: Telemetry, metrics: Metrics) -> None:
        self._name = name
        self._settings = settings
        self._telemetry = telemetry
        self._metrics = metrics
        self._open: dict[str, Channel] = {}

    def __call__(self, name: str) -> Channel:
        """The channel to a sibling, whose address is the setting `<name>_target`."""
        name = name.removesuffix("_svc")
        if name not in self._open:
            settings = self._settings
            self._open[name] = dial(
                name,
                settings.peer_target(name),
                telemetry=self._telemetry,
                sender=self._name,
                tls=tls_of(settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file),
                on_breaker=self._show,
            )
        return self._open[name]

    async def close(self) -> None:
        """Let all connections go."""
        for channel in self._open.values():
            await channel.close()

    def _show(self, breaker: str, state: State) -> None:
        self._metrics.breaker_state(breaker, state.name)


async def serve(
    service: ServiceMain, settings: ProcessSettings, *, stop: asyncio.Event | None = None
) -> None:
    """Assemble a service and run it until a signal, or until `stop` is set."""
    logs.configure(service.name, level=cast(Literal["debug", "info", "warning", "error"], settings.log_level))
    telemetry = Telemetry(
        service.name, settings.span_dir, settings.otlp_endpoint or None, sample=settings.trace_sample
    )
    metrics = Metrics(service.name)
    metrics.watch(lambda: telemetry.counts)
    async with AsyncExitStack() as ends:
        ends.push_async_callback(asyncio.to_thread, telemetry.close)
        channels = Channels(service.name, settings, telemetry, metrics)
        ends.push_async_callback(channels.close)
        assembly = await service.assemble(settings, channels, telemetry)
        settle_memory()
        await run(assembly, settings, telemetry=telemetry, metrics=metrics, stop=stop)


async def run(
    assembly: Assembly,
    settings: ProcessSettings,
    *,
    telemetry: Telemetry,
    metrics: Metrics,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then drain, end workers, close stores, in this order.

    A second signal ends the process at once: the stores are built for that.

    Raises:
        ExceptionGroup: a worker failed.
        OSError: an address is taken.
    """
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as ends:
        ends.callback(_listen_to_signals(stop))
        for database in assembly.databases:
            ends.push_async_callback(database.close)
        for close in assembly.close:
            ends.push_async_callback(close)
        for breaker in assembly.breakers:
            breaker.watch(lambda name, state: metrics.breaker_state(name, state.name))
        for collector in assembly.collectors:
            metrics.registry.register(collector)
        for dispatcher in assembly.dispatchers:
            dispatcher.count_in(metrics)
        page = metrics.serve(settings.metrics_listen)
        ends.push_async_callback(asyncio.to_thread, page.close)
        server = _server(assembly, settings, telemetry, metrics)
        async with asyncio.TaskGroup() as group:
            owned = [
                group.create_task(_endless(worker), name=f"{assembly.name} worker {number}")
                for number, worker in enumerate((*assembly.workers, *_own_workers(assembly, metrics)))
            ]
            try:
                port = await server.start()
                _log.info("serving", port=port)
                await stop.wait()
            finally:
                # Shielded: a failed worker cancels this task, and running calls still get their grace.
                await asyncio.shield(server.stop())
                for task in owned:
                    task.cancel()
    _log.info("ended")


def settle_memory() -> None:
    """Hide what the start built (modules, tables, descriptors) from the collector, and let it come less often.

    A call leaves few cycles; the default threshold of 700 objects made the collector 4 % of a check-in (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 20)


def _server(assembly: Assembly, settings: ProcessSettings, telemetry: Telemetry, metrics: Metrics) -> Server:
    return Server(
        assembly.name,
        assembly.bindings,
        listen=settings.listen,
        verifier=assembly.verifier or Verifier.from_file(settings.token_key_file),
        telemetry=telemetry,
        metrics=metrics,
        tls=tls_of(settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file),
        limits=Limits(max_pending_calls=settings.max_pending_calls),
        drain_ms=settings.drain_ms,
        stop_grace_ms=settings.stop_grace_ms,
        trace_id_of=assembly.trace_id_of,
    )


class WorkerEnded(RuntimeError):
    """A worker returned, though workers run until they are cancelled."""


async def _endless(worker: Worker) -> None:
    await worker()
    raise WorkerEnded


def _own_workers(assembly: Assembly, metrics: Metrics) -> list[Worker]:
    seen: set[str] = set()

    async def outboxes() -> None:
        while True:
            for database in assembly.databases:
                try:
                    depths = await outbox.depths(database)
                except AppError as error:
                    _log.warning("outbox depth unknown", reason=error.reason)
                    continue
                seen.update(depth.destination for depth in depths)
                for destination in seen:
                    _show_outbox(metrics, destination, [d for d in depths if d.destination == destination])
            await asyncio.sleep(OUTBOX_SAMPLE_S)

    async def purge() -> None:
        while True:
            for database in assembly.databases:
                try:
                    await idempotency.purge(database, now=datetime.now(UTC))
                except AppError as error:
                    _log.warning("old request keys not purged", reason=error.reason)
            await asyncio.sleep(PURGE_EVERY_S)

    return [metrics.sample_loop_lag, *([outboxes, purge] if assembly.databases else [])]


def _show_outbox(metrics: Metrics, destination: str, depths: Sequence[outbox.QueueDepth]) -> None:
    """Show one destination's queue; nothing left shows as zero."""
    waiting = [depth for depth in depths if depth.state != "parked"]
    now = datetime.now(UTC)
    metrics.outbox(
        destination,
        depth=sum(depth.message_count for depth in waiting),
        oldest_age_s=max(((now - depth.oldest_time).total_seconds() for depth in waiting), default=0.0),
        parked=sum(depth.message_count for depth in depths if depth.state == "parked"),
    )


def _listen_to_signals(stop: asyncio.Event) -> Callable[[], None]:
    """Let the first signal ask for an orderly end and the second end the process; returns how to let go."""
    timers: list[asyncio.TimerHandle] = []

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)
        _log.info("ending", signal=int(number))
        stop.set()
        timers.append(loop.call_later(END_MS_MAX / 1000, os._exit, EXIT_FAILED))

    def let_go() -> None:
        for timer in timers:
            timer.cancel()
        for number in numbers:
            loop.remove_signal_handler(number)

    numbers = (signal.SIGTERM, signal.SIGINT)
    loop = asyncio.get_running_loop()
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    return let_go


async def _serve(service: ServiceMain, settings: ProcessSettings) -> int:
    code = 0
    try:
        await serve(service, settings)
    except* AppError as group:
        for error in leaves(group):
            print(f"{service.name} cannot run: {error}", file=sys.stderr)
        code = EXIT_FAILED
    except* Exception as group:
        for error in leaves(group):
            _log.error("the service failed", exc_info=error)
        code = EXIT_FAILED
    return code


async def _migrate(service: ServiceMain, settings: ProcessSettings) -> int:
    url = getattr(settings, "database_url", "")
    if not url:
        print(f"{service.name} has no database")
        return 0
    revision = await upgrade(url, package=service.package)
    print(f"{service.name}: the schema is at {revision}")
    return 0


async def _check(service: ServiceMain, _: ProcessSettings) -> int:
    print(f"{service.name}: the settings are complete")
    return 0


async def _verify_audit(service: ServiceMain, settings: ProcessSettings) -> int:
    """Walk every audit chain of the service's store and name the first row of each that does not fit."""
    url = getattr(settings, "database_url", "")
    if not url:
        print(f"{service.name} has no database")
        return 0
    database = await open_database(url, queries=(), package=service.package)
    try:
        report = await audit.verify(database)
    finally:
        await database.close()
    for found in report.breaks:
        print(f"{service.name}: chain {found.writer_id} row {found.seq}: {found.why}")
    print(f"{service.name}: {report.row_count} audit rows, {len(report.breaks)} breaks")
    return 0 if report.is_intact else EXIT_FAILED


COMMANDS: dict[str, Callable[[ServiceMain, ProcessSettings], Coroutine[Any, Any, int]]] = {
    "serve": _serve,
    "migrate": _migrate,
    "check-config": _check,
    "verify-audit": _verify_audit,
}
"""What `python -m <service>` can be told to do."""


def main(service: ServiceMain, arguments: Sequence[str] | None = None) -> int:
    """The command line of a service: `serve`, `migrate`, `check-config` or `verify-audit`; returns the exit code.

    Use in __main__.py: `sys.exit(main(ServiceMain(...)))`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service.package}", description=service.name)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(arguments).command
    try:
        settings = load(service.settings_class)
    except SettingsInvalid as invalid:
        for fault in invalid.faults:
            print(fault, file=sys.stderr)
        return EXIT_CONFIGURATION
    return uvloop.run(COMMANDS[command](service, settings))
