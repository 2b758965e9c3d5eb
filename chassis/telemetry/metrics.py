"""Prometheus metrics of one service, in a registry of its own, with labels that cannot grow without bound."""

import asyncio
import ipaddress
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from chassis.telemetry.redaction import GROUPED_DIGITS
from chassis.telemetry.spooler import TelemetryCounts

LABEL_VALUES_MAX: Final = 200
"""Different values of one label; more are counted under "other"."""
LAG_EVERY_S: Final = 0.5
OTHER: Final = "other"

BREAKER_STATES: Final = ("closed", "half_open", "open")
"""Shown as 0, 1, 2."""

_LABEL = re.compile(r"[A-Za-z0-9_./:-]{1,96}", re.ASCII)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Labels:
    """Lets a label have names of code only, and not too many of them."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, value: str) -> str:
        """The value, or "other" when it is no name of code, holds a long number, or is one too many."""
        if value in self._known:
            return value
        if (
            len(self._known) >= LABEL_VALUES_MAX
            or _LABEL.fullmatch(value) is None
            or GROUPED_DIGITS.search(value)
        ):
            return OTHER
        self._known.add(value)
        return value


class Metrics:
    """What one service counts and measures; every method is cheap enough for each call."""

    def __init__(self, service: str) -> None:
        """Make the registry.

        Args:
            service: A name of code, the label `service` of each metric's target.
        """
        self.service = service
        self.registry = CollectorRegistry()
        self._methods, self._codes, self._names = Labels(), Labels(), Labels()
        # Looked up by hand, since `labels()` takes a lock and builds a key for each call.
        self._started: dict[str, Counter] = {}
        self._handled: dict[tuple[str, str], Histogram] = {}
        registry = self.registry
        Gauge("service_info", "1, with the name of the service.", ["service"], registry=registry).labels(
            service
        ).set(1)
        self._rpc_started = Counter("rpc_started", "Calls that arrived.", ["method"], registry=registry)
        self._rpc_handled = Histogram(
            "rpc_handled_seconds",
            "Calls answered, by code.",
            ["method", "code"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._breaker = Gauge(
            "breaker_state", "0 closed, 1 half open, 2 open.", ["breaker"], registry=registry
        )
        self._outbox_depth = Gauge("outbox_depth", "Messages waiting.", ["destination"], registry=registry)
        self._outbox_parked = Gauge(
            "outbox_parked", "Messages set aside for a person.", ["destination"], registry=registry
        )
        self._outbox_age = Gauge(
            "outbox_oldest_age_seconds",
            "Age of the oldest message waiting.",
            ["destination"],
            registry=registry,
        )
        self._lag = Histogram(
            "event_loop_lag_seconds", "How late the event loop woke up.", registry=registry, buckets=_SECONDS
        )

    def rpc_started(self, method: str) -> None:
        """Count a call that arrived; `method` is a full method name."""
        child = self._started.get(method)
        if child is None:
            label = self._methods.of(method)
            child = self._rpc_started.labels(label)
            if label is not OTHER:
                self._started[method] = child
        child.inc()

    def rpc_handled(self, method: str, code: str, seconds: float) -> None:
        """Record a call that was answered; `code` is a gRPC code's name such as "OK"."""
        child = self._handled.get((method, code))
        if child is None:
            labels = self._methods.of(method), self._codes.of(code)
            child = self._rpc_handled.labels(*labels)
            if OTHER not in labels:
                self._handled[method, code] = child
        child.observe(seconds)

    def breaker_state(self, breaker: str, state: str) -> None:
        """Show a breaker's state: closed, half_open or open, in either case."""
        assert state.lower() in BREAKER_STATES, state
        self._breaker.labels(self._names.of(breaker)).set(BREAKER_STATES.index(state.lower()))

    def outbox(self, destination: str, *, depth: int, oldest_age_s: float, parked: int = 0) -> None:
        """Show how much an outbox holds for one destination; the age is 0 when nothing waits."""
        label = self._names.of(destination)
        self._outbox_depth.labels(label).set(depth)
        self._outbox_age.labels(label).set(oldest_age_s)
        self._outbox_parked.labels(label).set(parked)

    def watch(self, counts: Callable[[], TelemetryCounts]) -> None:
        """Show what happened to the spans: `metrics.watch(lambda: telemetry.counts)`."""
        self.registry.register(_SpanCounts(counts))

    async def sample_loop_lag(self, every_s: float = LAG_EVERY_S) -> None:
        """Measure for ever how late this event loop wakes; a task with an owner, ended by cancelling it."""
        while True:
            due = time.perf_counter() + every_s
            await asyncio.sleep(every_s)
            self._lag.observe(max(0.0, time.perf_counter() - due))

    def serve(self, listen: str) -> "MetricsServer":
        """Answer `GET /metrics` at `listen`, such as "127.0.0.1:9101"; port 0 takes any free one.

        Raises:
            OSError: the address is taken or not this machine's.
        """
        host, _, port = listen.rpartition(":")
        host = host.strip("[]")
        if host != "localhost":
            ipaddress.ip_address(host)
        server, thread = start_http_server(int(port), addr=host, registry=self.registry)
        return MetricsServer(server, thread)


class MetricsServer:
    """The running HTTP server of `Metrics.serve`."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop answering and give the port back; blocks for at most a second."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1.0)


class _SpanCounts(Collector):
    """Reads the counts of a `Telemetry` when Prometheus asks."""

    def __init__(self, counts: Callable[[], TelemetryCounts]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """The counts of now."""
        counts = self._counts()
        yield CounterMetricFamily(
            "spans_written", "Spans handed to the store or collector.", value=counts.written
        )
        yield CounterMetricFamily(
            "spans_dropped", "Spans lost: queue or disk full, or no collector.", value=counts.dropped
        )
        yield CounterMetricFamily(
            "span_keys_dropped", "Attributes that are not listed.", value=counts.dropped_keys
        )
        yield CounterMetricFamily(
            "span_values_masked", "Attributes that did not look like their key.", value=counts.masked_values
        )
