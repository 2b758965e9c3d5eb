"""Takes finished spans off the call path: a bounded queue, and one thread that redacts and writes them."""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.telemetry.records import SpanRow, SpanSink
from chassis.telemetry.redaction import MASK, RedactionCounts, clean_attributes, is_span_name
from chassis.telemetry.spans import Span

WAKE_EVERY_S = 0.25
"""What a killed process loses at most."""
WAKE_AT_SPANS = 512
BATCH_SPANS = 256
"""Spans redacted in one step: about a millisecond of the interpreter lock, which the event loop waits for."""
NAME_CACHE_MAX = 4_096

SinkFactory = Callable[[], SpanSink]


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryCounts:
    """What happened to the spans of this process so far; each number only grows."""

    written: int
    """Spans handed to every sink."""
    dropped: int
    """Spans lost: the queue was full, the disk was full, or the collector did not answer."""
    dropped_keys: int
    """Attributes outside the allow-list."""
    masked_values: int
    """Attributes whose value did not fit the shape of its key."""
    masked_names: int
    """Span names that were refused."""


class Spooler:
    """The queue of one service and the thread that empties it."""

    def __init__(self, service: str, sinks: Sequence[SinkFactory], *, queue_limit: int) -> None:
        """Nothing is opened and no thread is started before the first span.

        Args:
            service: Written on each row.
            sinks: Built by the thread itself, since an SQLite connection belongs to its thread.
            queue_limit: Spans waiting at most; the oldest is dropped beyond it.
        """
        assert queue_limit >= WAKE_AT_SPANS, queue_limit
        self._service = service
        self._factories = tuple(sinks)
        self._queue_limit = queue_limit
        self._names: dict[str, str] = {}
        self._closed = False
        self._reset()
        _living.add(self)

    def _reset(self) -> None:
        """Begin anew: in the constructor, and in a forked child, where the thread does not exist."""
        self._queue: deque[Span] = deque(maxlen=self._queue_limit)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._flushes: deque[threading.Event] = deque()
        self._thread: threading.Thread | None = None
        self._counts = RedactionCounts()
        self._written = 0
        self._lost = 0
        self._overflowed = 0
        # The first span is above it, and so starts the thread; a comparison is cheaper than asking for the
        # thread each time.
        self._crowded_at = 0

    def record(self, span: Span, /) -> None:
        """Take a finished span; called on the event loop and on database threads, never waits."""
        queue = self._queue
        if len(queue) >= self._crowded_at:
            self._crowded(len(queue))
        queue.append(span)

    def _crowded(self, waiting: int) -> None:
        """The uncommon cases of `record`: no thread yet, time to wake it, or no room."""
        if self._thread is None:
            self._start()
        elif waiting >= self._queue_limit:
            with self._lock:
                self._overflowed += 1
        elif waiting < WAKE_AT_SPANS + 8:
            # Some more than one, since two threads may step over the mark at once.
            self._wake.set()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._closed:
                return
            self._thread = threading.Thread(target=self._run, name=f"spans-{self._service}", daemon=True)
            self._thread.start()
            self._crowded_at = WAKE_AT_SPANS

    @property
    def counts(self) -> TelemetryCounts:
        """What happened so far."""
        counts = self._counts
        return TelemetryCounts(
            written=self._written,
            dropped=self._overflowed + self._lost,
            dropped_keys=counts.dropped_keys,
            masked_values=counts.masked_values,
            masked_names=counts.masked_names,
        )

    def flush(self, timeout_s: float) -> bool:
        """Wait until each span that ended before this call is with the sinks; False when it took too long."""
        if self._thread is None:
            return not self._queue
        done = threading.Event()
        self._flushes.append(done)
        self._wake.set()
        return done.wait(timeout_s)

    def close(self, timeout_s: float) -> None:
        """Write what waits and end the thread; spans that end later are dropped without a count."""
        self._closed = True
        thread = self._thread
        if thread is not None:
            self._wake.set()
            thread.join(timeout_s)

    def _run(self) -> None:
        """The thread: sleep, take everything, write it in steps."""
        sinks = [factory() for factory in self._factories]
        try:
            while True:
                self._wake.wait(WAKE_EVERY_S)
                self._wake.clear()
                closing = self._closed
                flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
                self._drain(sinks)
                for done in flushes:
                    done.set()
                if closing:
                    return
        finally:
            for sink in sinks:
                sink.close()

    def _drain(self, sinks: Sequence[SpanSink]) -> None:
        """Write what is in the queue now; what arrives meanwhile waits a turn, so that a flush ends."""
        left = len(self._queue)
        while left > 0 and self._queue:
            rows: list[SpanRow] = []
            for _ in range(min(left, BATCH_SPANS)):
                try:
                    rows.append(self._row(self._queue.popleft()))
                except IndexError:
                    break
            left -= len(rows)
            for sink in sinks:
                self._lost += _write(sink, rows)
            self._written += len(rows)

    def _row(self, span: Span) -> SpanRow:
        attributes = clean_attributes(dict(span.attributes), self._counts) if span.attributes else {}
        if span.reason:
            attributes["error.reason"] = span.reason
        return SpanRow(
            f"{span.trace_number:032x}",
            f"{span.span_number:016x}",
            f"{span.parent_number:016x}" if span.parent_number else "",
            self._service,
            self._names.get(span.name) or self._checked_name(span.name),
            span.kind,
            span.start_ns,
            span.duration_ns,
            span.status,
            attributes,
        )

    def _checked_name(self, name: str) -> str:
        """The name, or the mask for what is no name of code; names are few, so the answers are kept."""
        if not is_span_name(name):
            self._counts.masked_names += 1
            return MASK
        if len(self._names) < NAME_CACHE_MAX:
            self._names[name] = name
        return name

    def after_fork_in_child(self) -> None:
        """Forget the parent's thread and queue: those spans are the parent's; the child has its own file."""
        self._reset()


def _write(sink: SpanSink, rows: Sequence[SpanRow]) -> int:
    """Write to one sink; one that breaks its contract loses its spans, and neither thread nor other sinks."""
    try:
        return sink.write(rows)
    except Exception:
        return len(rows)


# Spoolers alive in this process, so that a forked child can begin anew.
_living: "weakref.WeakSet[Spooler]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for spooler in list(_living):
        spooler.after_fork_in_child()


os.register_at_fork(after_in_child=_after_fork_in_child)
