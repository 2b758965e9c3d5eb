"""Sends spans to an OpenTelemetry collector over OTLP; needs the extra `otlp` of this package."""

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.telemetry.records import SpanRow, SpanSink

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

EXPORT_TIMEOUT_S = 5
"""One batch waits at most this long for the collector; the queue behind it is bounded."""

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    # A database call is a client span in OpenTelemetry's semantic conventions.
    "db": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_STATUSES = {"ok": StatusCode.OK, "error": StatusCode.ERROR, "cancelled": StatusCode.UNSET}
_EXPORTER_MODULE = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
_SCOPE = InstrumentationScope("chassis.telemetry")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtlpMissing(Exception):
    """An OTLP endpoint is set, and the exporter is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The OTLP exporter is not installed; install lienthong[otlp], or unset the endpoint."
        )


class OtlpSink:
    """The sink that hands spans to an OpenTelemetry exporter."""

    def __init__(self, exporter: "SpanExporter", service: str) -> None:
        """Take over the exporter: `close` shuts it down."""
        self._exporter = exporter
        self._resource = Resource({"service.name": service, "service.namespace": "lienthong"})

    def write(self, rows: Sequence[SpanRow]) -> int:
        """Send the rows; return how many were lost, which is all or none."""
        spans = [to_readable_span(row, self._resource) for row in rows]
        # By name, since the enumeration stands in a module that is loaded with the exporter only.
        return 0 if self._exporter.export(spans).name == "SUCCESS" else len(rows)

    def close(self) -> None:
        """Close the line to the collector."""
        self._exporter.shutdown()


class _ExporterModule(Protocol):
    """What is used of `opentelemetry.exporter.otlp.proto.grpc.trace_exporter`."""

    OTLPSpanExporter: "Callable[..., SpanExporter]"


def otlp_sink_factory(endpoint: str, service: str) -> Callable[[], SpanSink]:
    """Prepare a sink for a collector at `endpoint`, such as "http://localhost:4317" ("https://…" uses TLS).

    Raises:
        OtlpMissing: the extra is not installed.
    """
    try:
        module = cast(
            _ExporterModule, importlib.import_module(_EXPORTER_MODULE)
        )  # a module, seen as a Protocol
    except ImportError as error:
        raise OtlpMissing from error
    insecure = not endpoint.startswith("https://")

    def build() -> SpanSink:
        exporter = module.OTLPSpanExporter(endpoint=endpoint, insecure=insecure, timeout=EXPORT_TIMEOUT_S)
        return OtlpSink(exporter, service)

    return build


def to_readable_span(row: SpanRow, resource: Resource) -> ReadableSpan:
    """Turn a row into the SDK's finished span; no description, event or exception ever goes with it."""
    trace_id = int(row.trace_id, 16)
    parent = None
    if row.parent_id:
        parent = SpanContext(
            trace_id, int(row.parent_id, 16), is_remote=row.kind == "server", trace_flags=_SAMPLED
        )
    attributes = dict(row.attributes)
    if row.status == "cancelled":
        # The SDK knows two ends only; "cancelled" is one of our own making, not of the caller's input.
        attributes["cancelled"] = True
    return ReadableSpan(
        name=row.name,
        context=SpanContext(trace_id, int(row.span_id, 16), is_remote=False, trace_flags=_SAMPLED),
        parent=parent,
        resource=resource,
        attributes=attributes,
        kind=_KINDS.get(row.kind, SpanKind.INTERNAL),
        status=Status(_STATUSES.get(row.status, StatusCode.UNSET)),
        start_time=row.start_ns,
        end_time=row.start_ns + row.duration_ns,
        instrumentation_scope=_SCOPE,
    )
