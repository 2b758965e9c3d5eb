"""Measures what tracing costs: our light spans, the OpenTelemetry SDK's, and none, in turns within one run.

Run `python -m bench.tracing`. Only the ratios count: the machine is shared, so each round runs every case once, and
the median of the rounds is shown. The last line measures the writer beside a busy thread, where `executemany` loses.
"""

import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from chassis.telemetry import SpanRow, Telemetry
from chassis.telemetry.span_store import SpanFile, insert_statement

ROUNDS = 7
SPANS = 5_000
SPAN_BUDGET_NS = 3_000
"""A full span: start, end, two attributes; 1,000 check-ins a second have about 14,000 of them in five processes."""
BUSY_S = 1.0

Case = Callable[[], None]


class Forget(SpanExporter):
    """An exporter that costs nothing, so that the SDK is measured without a line to a collector."""

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def light(telemetry: Telemetry) -> Case:
    """One span of ours with two attributes."""

    def case() -> None:
        with telemetry.span("identity.VerifyCard", kind="server", rpc_method="VerifyCard") as span:
            span.set("rpc.status", "OK")

    return case


def sdk(provider: TracerProvider) -> Case:
    """The same span with the OpenTelemetry SDK."""
    tracer = provider.get_tracer("bench")

    def case() -> None:
        attributes = {"rpc.method": "VerifyCard"}
        with tracer.start_as_current_span(
            "identity.VerifyCard", kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            span.set_attribute("rpc.status", "OK")

    return case


def nothing() -> None:
    """The call around a span, without one."""


def cost_ns(case: Case) -> float:
    """Mean nanoseconds of the calling thread's own processor time for one span."""
    started = time.thread_time_ns()
    for _ in range(SPANS):
        case()
    return (time.thread_time_ns() - started) / SPANS


def measure_spans(span_dir: Path) -> dict[str, float]:
    """Median cost of one span on the call path, in nanoseconds, by case."""
    telemetry = Telemetry("bench", span_dir)
    unsampled = Telemetry("unsampled", span_dir, sample=0.0)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Forget(), max_queue_size=2 * SPANS))
    cases: dict[str, tuple[Case, Callable[[], object]]] = {
        "none": (nothing, lambda: None),
        "off": (light(Telemetry("off", enabled=False)), lambda: None),
        "light, not sampled": (light(unsampled), lambda: None),
        "light, into the store": (light(telemetry), telemetry.flush),
        "SDK, exporter that forgets": (sdk(provider), provider.force_flush),
    }
    seen: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (case, settle) in cases.items():
            seen[name].append(cost_ns(case))
            settle()
    telemetry.close()
    unsampled.close()
    provider.shutdown()
    return {name: statistics.median(costs) for name, costs in seen.items()}


def measure_store(span_dir: Path) -> float:
    """Median spans a second that go from the queue into the file, redaction included."""
    telemetry = Telemetry("store", span_dir)
    case = light(telemetry)
    case()
    telemetry.flush()
    seen = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(SPANS):
            case()
        telemetry.flush(60)
        seen.append(SPANS / (time.perf_counter() - started))
    telemetry.close()
    return statistics.median(seen)


class RowByRow(SpanFile):
    """The store as it would be with `executemany`: one transaction, but a wait for the lock for each row."""

    def _insert_rows(self, connection: sqlite3.Connection, rows: Sequence[SpanRow]) -> None:
        connection.execute("BEGIN")
        connection.executemany(insert_statement(1), [(*row[:9], json.dumps(row.attributes)) for row in rows])
        connection.execute("COMMIT")


def measure_beside_busy_thread(span_dir: Path, kind: type[SpanFile]) -> float:
    """Rows a second that a writer keeps while another thread computes without a pause, as a full event loop does."""
    file = kind(span_dir, f"busy-{kind.__name__}".lower(), rows_max=1_000_000, bytes_max=1 << 28)
    rows = [
        SpanRow(f"{n:032x}", f"{n:016x}", "", "bench", "call", "server", n, n, "ok", {"rpc.status": "OK"})
        for n in range(1, 257)
    ]
    kept = 0
    stop = threading.Event()

    def write() -> None:
        nonlocal kept
        while not stop.is_set():
            kept += len(rows) - file.write(rows)
        file.close()

    thread = threading.Thread(target=write)
    thread.start()
    until = time.perf_counter() + BUSY_S
    while time.perf_counter() < until:
        sum(range(200))
    stop.set()
    thread.join()
    return kept / BUSY_S


def main() -> int:
    """Print the tables; 1 when a span is over its budget."""
    with tempfile.TemporaryDirectory() as directory:
        span_dir = Path(directory)
        costs = measure_spans(span_dir)
        per_second = measure_store(span_dir)
        batched = measure_beside_busy_thread(span_dir, SpanFile)
        row_by_row = measure_beside_busy_thread(span_dir, RowByRow)
    ours = costs["light, into the store"]
    print(f"{'one span on the call path':<30} {'us':>7} {'to ours':>8}")
    for name, cost in costs.items():
        print(f"{name:<30} {cost / 1000:>7.2f} {cost / ours:>8.2f}")
    print(f"into the store, spans/s        {per_second:>7.0f}")
    print(f"writer beside a busy thread, rows/s: batched {batched:.0f}, row by row {row_by_row:.0f}")
    print(f"budget of one span {SPAN_BUDGET_NS / 1000} us: {'held' if ours <= SPAN_BUDGET_NS else 'BROKEN'}")
    return 0 if ours <= SPAN_BUDGET_NS else 1


if __name__ == "__main__":
    sys.exit(main())
