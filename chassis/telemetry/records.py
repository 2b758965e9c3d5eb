"""The finished span as it is written, read and exported, and the port of whatever takes it."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from chassis.telemetry.redaction import AttributeValue

SpanKind = Literal["internal", "server", "client", "db", "producer", "consumer"]
SpanStatus = Literal["ok", "error", "cancelled"]


class SpanRow(NamedTuple):
    """One finished span, already redacted.

    A NamedTuple, since thousands a second are built and a frozen dataclass costs three times as much.
    """

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_id: str
    """16 hex digits, or "" when the span began its trace."""
    service: str
    name: str
    kind: str
    """One of SpanKind."""
    start_ns: int
    """Wall clock, nanoseconds since 1970-01-01 UTC."""
    duration_ns: int
    """Monotonic clock."""
    status: str
    """One of SpanStatus."""
    attributes: Mapping[str, AttributeValue]
    """Only keys of `redaction.ATTRIBUTES`."""


class SpanSink(Protocol):
    """Takes finished spans; called by one thread only, never by the event loop."""

    def write(self, rows: Sequence[SpanRow]) -> int:
        """Keep the rows; return how many were lost. Must not raise for a full disk or a lost line."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
