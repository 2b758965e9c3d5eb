"""Database spans that name queries and never hold SQL text or a value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from chassis.telemetry import current_trace_id

_NAMES_CHARS_MAX = 64


class SpanSource(Protocol):
    """The part of chassis.telemetry.Telemetry that a database needs."""

    def span(self, name: str, *, kind: Any = ..., **attributes: Any) -> AbstractContextManager[Any]:
        """A context manager yielding an object with `set(key, value)`."""
        ...


class Spans:
    """Opens a span per transaction that is part of a trace, or none without telemetry."""

    def __init__(self, telemetry: SpanSource | None, engine: str) -> None:
        self._telemetry = telemetry
        self._engine = engine

    @contextmanager
    def span(self, name: str) -> Iterator[list[str]]:
        """Record a transaction; the list it yields takes the names of its queries."""
        names: list[str] = []
        # A worker's idle look is part of no trace and would fill the span store with traces of its own.
        if self._telemetry is None or not current_trace_id():
            yield names
            return
        with self._telemetry.span(name, kind="db", db_system=self._engine) as span:
            try:
                yield names
            finally:
                span.set("db.queries", _summary(names))


def _summary(names: list[str]) -> str:
    """The queries of a transaction, the service's own where there are any, as many as fit."""
    told = ""
    for name in dict.fromkeys([each for each in names if not each.startswith("frame_")] or names):
        longer = f"{told},{name}" if told else name
        if len(longer) > _NAMES_CHARS_MAX:
            break
        told = longer
    return told or "none"
