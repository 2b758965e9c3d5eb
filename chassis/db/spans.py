"""Database spans that name queries and never hold SQL text or a value."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol

from chassis.telemetry import current_span

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

    def span(self, name: str) -> AbstractContextManager[list[str]]:
        """Record a transaction; the list it yields takes the names of its queries."""
        # A worker's idle look is part of no trace and would fill the span store with traces of its own.
        if self._telemetry is None or not current_span().trace_number:
            return nullcontext([])
        return _TransactionSpan(self._telemetry.span(name, kind="db", db_system=self._engine))


class _TransactionSpan:
    """A span that hears its queries when it ends; a generator would cost thrice as much, seven times a check-in."""

    __slots__ = ("_around", "_names", "_span")

    def __init__(self, around: AbstractContextManager[Any]) -> None:  # Any: as SpanSource yields it
        self._around = around
        self._names: list[str] = []

    def __enter__(self) -> list[str]:
        self._span = self._around.__enter__()
        return self._names

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._span.set("db.queries", _summary(tuple(self._names)))
        self._around.__exit__(error_type, error, trace)


@lru_cache(maxsize=512)
def _summary(names: tuple[str, ...]) -> str:
    """The queries of a transaction, the service's own where there are any, as many as fit."""
    told = ""
    for name in dict.fromkeys([each for each in names if not each.startswith("frame_")] or names):
        longer = f"{told},{name}" if told else name
        if len(longer) > _NAMES_CHARS_MAX:
            break
        told = longer
    return told or "none"
