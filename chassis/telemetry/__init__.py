"""Traces, logs and metrics of a service, none of which can hold a word about a person.

`Telemetry.span` starts a span, `current_span` finds it again, `traceparent` carries it to the next process,
`continue_from` takes it up later. `logs.configure` and `Metrics` do the rest; `store.SpanReader` and
`waterfall` read what was written.
"""

from chassis.telemetry.propagation import SpanContext, parse_traceparent
from chassis.telemetry.records import SpanKind, SpanRow, SpanSink, SpanStatus
from chassis.telemetry.sensitive import Sensitive
from chassis.telemetry.spans import NO_SPAN, Span, continue_from, current_span, current_trace_id, traceparent
from chassis.telemetry.spooler import TelemetryCounts
from chassis.telemetry.tracer import Telemetry

__all__ = [
    "NO_SPAN",
    "Sensitive",
    "Span",
    "SpanContext",
    "SpanKind",
    "SpanRow",
    "SpanSink",
    "SpanStatus",
    "Telemetry",
    "TelemetryCounts",
    "continue_from",
    "current_span",
    "current_trace_id",
    "parse_traceparent",
    "traceparent",
]
