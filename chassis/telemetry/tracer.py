"""Telemetry of one service: starts spans, decides what is sampled, and owns the queue they end in."""

import re
from pathlib import Path
from typing import Final

from chassis.telemetry.propagation import SpanContext, parse_traceparent, trace_id_number
from chassis.telemetry.records import SpanKind, SpanSink
from chassis.telemetry.redaction import AttributeValue
from chassis.telemetry.span_store import SpanFile
from chassis.telemetry.spans import NO_SPAN, Span, current_span_or_none, random_bits
from chassis.telemetry.spooler import SinkFactory, Spooler, TelemetryCounts

QUEUE_LIMIT: Final = 20_000
"""Spans waiting to be written: above a second of the busiest service."""
ROWS_MAX: Final = 500_000
BYTES_MAX: Final = 256 << 20
FLUSH_TIMEOUT_S: Final = 5.0
# A trace id may be a time-ordered record id, whose upper bits are a clock: only its last 56 bits are random.
_SAMPLE_BITS: Final = 56
# It becomes part of a file name.
_SERVICE: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)
_SAMPLE_MASK: Final = (1 << _SAMPLE_BITS) - 1


class Telemetry:
    """What a service uses to trace its work; one object per service, built in its wiring."""

    def __init__(
        self,
        service: str,
        span_dir: Path | None = None,
        otlp_endpoint: str | None = None,
        sample: float = 1.0,
        enabled: bool = True,
        *,
        queue_limit: int = QUEUE_LIMIT,
        rows_max: int = ROWS_MAX,
        bytes_max: int = BYTES_MAX,
        sink: SpanSink | None = None,
    ) -> None:
        """Opens no file and starts no thread before the first span ends.

        Args:
            service: A name of code, such as "identity".
            span_dir: Where the local span store is; None for none.
            otlp_endpoint: "http://host:4317" of a collector; None or "" for none. Needs the extra `otlp`.
            sample: Share of the traces begun here that are kept, 0.0 to 1.0.
            enabled: False makes `span` cost next to nothing and passes no trace on.
            queue_limit: Spans waiting in memory, at least 512.
            rows_max: Spans kept in the local store, at least 1,000.
            bytes_max: Bytes of the local store, at least 1 MiB.
            sink: One more place to write to, such as a list in a test.
        Raises:
            OtlpMissing: an endpoint is given and the extra is not installed.
        """
        assert 0.0 <= sample <= 1.0, sample
        assert _SERVICE.fullmatch(service), service
        self.service = service
        self.enabled = enabled
        self._sample_below = round(sample * (1 << _SAMPLE_BITS))
        sinks: list[SinkFactory] = []
        if enabled and span_dir is not None:
            directory = Path(span_dir)
            sinks.append(lambda: SpanFile(directory, service, rows_max=rows_max, bytes_max=bytes_max))
        if enabled and otlp_endpoint:
            from chassis.telemetry.export import otlp_sink_factory  # noqa: PLC0415  (an extra, seldom wanted)

            sinks.append(otlp_sink_factory(otlp_endpoint, service))
        if enabled and sink is not None:
            extra = sink
            sinks.append(lambda: extra)
        self._spooler = Spooler(service, sinks, queue_limit=queue_limit)
        # Without a sink spans still carry the trace on to the next service, and are then forgotten.
        self._queue = self._spooler if sinks else None

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = "internal",
        trace_id: int | str | None = None,
        parent: str | SpanContext | None = None,
        **attributes: AttributeValue,
    ) -> Span:
        """Begin one piece of work: `with telemetry.span("identity.VerifyCard", kind="server") as span:`.

        Args:
            name: What the code does, 1 to 80 of `a-zA-Z0-9_./:-`; anything else is written as "[masked]".
            kind: Its side of a call.
            trace_id: Begin this trace (128 bits, or 32 hex digits), whatever span is current; a value that is
                neither begins a new one. A `parent` that is a traceparent goes before it.
            parent: A `traceparent` that is trusted. None hangs the span below the current one; "" or a value
                that is no traceparent begins a new trace.
            attributes: Keys of `redaction.ATTRIBUTES`, dots written as underscores.
        """
        if not self.enabled:
            return NO_SPAN
        if parent is None and trace_id is None:
            above = current_span_or_none()
            if above.trace_number:
                trace_number, parent_number = above.trace_number, above.span_number
                return Span(self._queue, name, kind, trace_number, parent_number, above.sampled, attributes)
        elif parent:
            context = parse_traceparent(parent) if isinstance(parent, str) else parent
            if context is not None:
                return Span(self._queue, name, kind, *context, attributes)
        trace_number = (trace_id_number(trace_id) if trace_id is not None else None) or random_bits(128) or 1
        sampled = trace_number & _SAMPLE_MASK < self._sample_below
        return Span(self._queue, name, kind, trace_number, 0, sampled, attributes)

    @property
    def counts(self) -> TelemetryCounts:
        """What happened to the spans so far; `Metrics.watch` shows it."""
        return self._spooler.counts

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> bool:
        """Wait until each span that has ended is written; blocks, so an event loop calls it through a thread.

        Returns:
            False when that took longer than `timeout_s` seconds.
        """
        return self._spooler.flush(timeout_s)

    def close(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Write what waits and let go of the files; blocks for at most `timeout_s` seconds."""
        self._spooler.close(timeout_s)
