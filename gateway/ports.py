"""What the gateway needs from outside itself, as Protocols; the sibling services are in `peers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chassis.telemetry.records import SpanRow


class Spans(Protocol):
    """Reads the spans of finished calls."""

    def trace(self, trace_id: str, /) -> Sequence[SpanRow]:
        """The spans of a trace by its id or the beginning of it, oldest first."""
