"""Lays the spans of one trace out as the rows of a waterfall, for the operator page and `lienthong trace`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chassis.telemetry.records import SpanRow

DEPTH_MAX = 64
"""Deeper spans are shown at this depth: a page has a width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallRow:
    """One line of the picture."""

    depth: int
    """0 for a span that began the trace, or whose parent is lost."""
    service: str
    name: str
    kind: str
    span_id: str
    offset_ms: float
    """From the start of the trace's earliest span."""
    duration_ms: float
    status: str
    """ok, error or cancelled."""
    reason: str
    """UPPER_SNAKE when it failed, else ""."""
    bar_start: float
    """Share of the whole width, 0.0 to 1.0."""
    bar_width: float
    """Share of the whole width; bar_start + bar_width is at most 1.0."""
    is_orphan: bool
    """It has a parent, and the parent's span is not there (lost, or dropped by age)."""
    is_critical: bool
    """The trace would have ended sooner had this span been faster."""


def waterfall(spans: Sequence[SpanRow]) -> list[WaterfallRow]:
    """Lay out one trace: roots by time, below each its children by time; [] for no spans.

    A span whose parent is missing, or which is its own ancestor, stands as a root with `is_orphan` set. A
    span kept twice is shown once.
    """
    unique = {span.span_id: span for span in sorted(spans, key=lambda span: (-span.start_ns, span.span_id))}
    ordered = sorted(unique.values(), key=lambda span: (span.start_ns, span.span_id))
    if not ordered:
        return []
    children: dict[str, list[SpanRow]] = {}
    tops: list[SpanRow] = []
    for span in ordered:
        if span.parent_id in unique and span.parent_id != span.span_id:
            children.setdefault(span.parent_id, []).append(span)
        else:
            tops.append(span)
    laid = _in_depth_order(tops, children)
    placed = {span.span_id for _, span in laid}
    for span in ordered:
        if span.span_id not in placed:
            # A circle of parents, which only damaged data has: cut at its earliest span.
            part = [
                (depth, inner)
                for depth, inner in _in_depth_order([span], children)
                if inner.span_id not in placed
            ]
            placed.update(inner.span_id for _, inner in part)
            laid += part
            tops.append(span)
    critical = _critical(tops, children)
    top_ids = {span.span_id for span in tops}
    start_ns = ordered[0].start_ns
    whole_ns = max(1, max(span.start_ns + span.duration_ns for span in ordered) - start_ns)
    return [
        _row(
            span,
            depth=depth,
            start_ns=start_ns,
            whole_ns=whole_ns,
            is_orphan=bool(span.parent_id) and span.span_id in top_ids,
            is_critical=span.span_id in critical,
        )
        for depth, span in laid
    ]


def _in_depth_order(tops: Iterable[SpanRow], children: dict[str, list[SpanRow]]) -> list[tuple[int, SpanRow]]:
    """Walk down from the tops, without recursion: a trace may be deeper than the interpreter's stack."""
    laid: list[tuple[int, SpanRow]] = []
    seen: set[str] = set()
    waiting = [(0, span) for span in reversed(list(tops))]
    while waiting:
        depth, span = waiting.pop()
        if span.span_id in seen:
            continue
        seen.add(span.span_id)
        laid.append((depth, span))
        waiting += [(depth + 1, child) for child in reversed(children.get(span.span_id, []))]
    return laid


def _critical(tops: Sequence[SpanRow], children: dict[str, list[SpanRow]]) -> set[str]:
    """Walk back from the end of the top that ended last, each time to the child that ended last before."""
    last = max(tops, key=lambda span: span.start_ns + span.duration_ns)
    critical: set[str] = set()
    waiting = [last]
    while waiting:
        span = waiting.pop()
        if span.span_id in critical:
            continue
        critical.add(span.span_id)
        until_ns = span.start_ns + span.duration_ns
        by_end = sorted(
            children.get(span.span_id, []), key=lambda child: child.start_ns + child.duration_ns, reverse=True
        )
        for child in by_end:
            # Work that went on after its parent had answered held nobody up.
            if child.start_ns + child.duration_ns <= until_ns:
                waiting.append(child)
                until_ns = child.start_ns
    return critical


def _row(
    span: SpanRow, *, depth: int, start_ns: int, whole_ns: int, is_orphan: bool, is_critical: bool
) -> WaterfallRow:
    bar_start = min(1.0, max(0.0, (span.start_ns - start_ns) / whole_ns))
    return WaterfallRow(
        depth=min(depth, DEPTH_MAX),
        service=span.service,
        name=span.name,
        kind=span.kind,
        span_id=span.span_id,
        offset_ms=(span.start_ns - start_ns) / 1e6,
        duration_ms=span.duration_ns / 1e6,
        status=span.status,
        reason=str(span.attributes.get("error.reason", "")),
        bar_start=bar_start,
        bar_width=min(1.0 - bar_start, max(0.0, span.duration_ns / whole_ns)),
        is_orphan=is_orphan,
        is_critical=is_critical,
    )
