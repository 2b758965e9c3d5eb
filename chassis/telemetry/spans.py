"""The span in flight: a light record of about two microseconds, found again through a context variable.

An OpenTelemetry SDK span costs several times as much (docs/decisions/0007-light-spans.md); everything that
can wait (redaction, text of ids, JSON, SQL) is done by the thread that writes.
"""

import os
import random
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Protocol

from chassis.telemetry.propagation import SpanContext, format_traceparent, parse_traceparent
from chassis.telemetry.redaction import AttributeValue, is_reason

REASON_INTERNAL = "INTERNAL"
REASON_REFUSED = "REASON_REFUSED"
"""Stands for a reason that was not UPPER_SNAKE: its text may hold anything, so it is not shown."""

# Ids need to be unlike each other, not secret: seeded from the system once per process, and again in a forked
# child.
_random = random.Random(os.urandom(32))  # noqa: S311
random_bits = _random.getrandbits


def _reseed() -> None:
    _random.seed(os.urandom(32))


os.register_at_fork(after_in_child=_reseed)


class SpanQueue(Protocol):
    """Where a finished span goes."""

    def record(self, span: "Span", /) -> None: ...


class Span:
    """One piece of work. Use it as a context manager; read its ids to put them beside an audit row.

    Values given to `set` are checked when the span is written: keys outside `redaction.ATTRIBUTES` are
    dropped.
    """

    __slots__ = (
        "_queue", "_started", "_token", "attributes", "duration_ns", "kind", "name", "parent_number",
        "reason", "sampled", "span_number", "start_ns", "status", "trace_number",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917
        self,
        queue: SpanQueue | None,
        name: str,
        kind: str,
        trace_number: int,
        parent_number: int,
        sampled: bool,
        attributes: dict[str, AttributeValue],
    ) -> None:
        # Positional on purpose: `Telemetry.span` is the only caller and keywords cost a tenth of the budget
        # here.
        self._queue = queue
        self.name = name
        self.kind = kind
        self.trace_number = trace_number
        self.parent_number = parent_number
        self.sampled = sampled
        self.attributes = attributes
        self.span_number = random_bits(64) or 1
        self.status = "ok"
        self.reason = ""
        self.duration_ns = -1

    @property
    def trace_id(self) -> str:
        """32 hex digits, "" when nothing is traced."""
        return f"{self.trace_number:032x}" if self.trace_number else ""

    @property
    def span_id(self) -> str:
        """16 hex digits, "" when nothing is traced."""
        return f"{self.span_number:016x}" if self.trace_number else ""

    @property
    def context(self) -> SpanContext | None:
        """What a child in another process needs; None when nothing is traced."""
        if not self.trace_number:
            return None
        return SpanContext(self.trace_number, self.span_number, self.sampled)

    def traceparent(self) -> str:
        """The `traceparent` value for a call made inside this span, "" when nothing is traced."""
        if not self.trace_number:
            return ""
        return format_traceparent(self.trace_number, self.span_number, sampled=self.sampled)

    def set(self, key: str, value: str | int | bool) -> None:
        """Put one attribute on the span; ignored once the span has ended."""
        if self.duration_ns < 0:
            self.attributes[key] = value

    def fail(self, reason: str) -> None:
        """Mark the work as failed for an UPPER_SNAKE reason; ignored once the span has ended."""
        if self.duration_ns < 0:
            self.status = "error"
            self.reason = reason if is_reason(reason) else REASON_REFUSED

    def link(self, traceparent: str) -> None:
        """Name the trace of an outside client, which asked for this one but is not trusted as its parent."""
        if parse_traceparent(traceparent) is not None:
            self.set("link.traceparent", traceparent[:55])

    def __enter__(self) -> "Span":
        self._token: Token[Span] | None = _current.set(self)
        self.start_ns = time_ns()
        self._started = perf_counter_ns()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._classify(error)
        self.duration_ns = perf_counter_ns() - self._started
        token, self._token = self._token, None
        assert token is not None, "A span is entered once and left once."
        try:  # noqa: SIM105  (contextlib.suppress costs half a microsecond here)
            _current.reset(token)
        except ValueError:
            # A generator that holds a span was closed from another context: that one never saw this span.
            pass
        if self.sampled and self._queue is not None:
            self._queue.record(self)

    def _classify(self, error: BaseException) -> None:
        """Keep what kind of end it was; never a word of the exception's text."""
        if isinstance(error, (CancelledError, GeneratorExit)):
            self.status = "cancelled"
        else:
            self.fail(_reason_of(error))


class _NoSpan(Span):
    """Stands where nothing is traced: it can be entered by many at once and keeps nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(None, "none", "internal", 0, 0, False, {})

    def set(self, key: str, value: str | int | bool) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class _RemoteSpan(_NoSpan):
    """The parent that lives in another process: children hang below it, nothing is kept of it here."""

    __slots__ = ()

    def __init__(self, context: SpanContext) -> None:
        super().__init__()
        self.trace_number = context.trace_id
        self.span_number = context.span_id
        self.sampled = context.sampled


NO_SPAN: Span = _NoSpan()
_current: ContextVar[Span] = ContextVar("chassis_current_span", default=NO_SPAN)
# Looked up once: `span()` calls it for each span.
current_span_or_none = _current.get


def current_span() -> Span:
    """The span this task or thread works in; when there is none, a span that keeps nothing."""
    return _current.get()


def current_trace_id() -> str:
    """The trace this task or thread works in: 32 hex digits, "" when there is none."""
    return _current.get().trace_id


def traceparent() -> str:
    """The `traceparent` value for a call made here and now, "" when nothing is traced."""
    return _current.get().traceparent()


@contextmanager
def continue_from(parent: str) -> Iterator[None]:
    """Work inside the trace whose `traceparent` was kept, such as that of the request that filled the outbox.

    A value that is not a traceparent (also "") changes nothing: the next span then begins a trace of its own.
    """
    context = parse_traceparent(parent)
    if context is None:
        yield
        return
    token = _current.set(_RemoteSpan(context))
    try:
        yield
    finally:
        _current.reset(token)


def _reason_of(error: BaseException) -> str:
    """The typed reason of an error; of a group the first typed one, since a fan-out fails with several."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, str) and is_reason(reason):
        return reason
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _reason_of(inner)
            if found != REASON_INTERNAL:
                return found
    return REASON_INTERNAL
