"""Reads and writes the W3C `traceparent` value that carries a trace from one process to the next."""

import re
from typing import NamedTuple

# W3C Trace Context, level 1 (recommendation of 2021-11-23), section 3.2: lower-case hex only, a later version
# may append.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_TRACEPARENT_LENGTH = 55
_TRACEPARENT_LENGTH_MAX = 256
_TRACE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class SpanContext(NamedTuple):
    """Where a span stands: enough to start a child of it in another process.

    A NamedTuple, since a frozen dataclass costs three times as much to build and this is built once per call.
    """

    trace_id: int
    """128 bits, never 0."""
    span_id: int
    """64 bits, never 0."""
    sampled: bool
    """Decided once, where the trace began."""


def parse_traceparent(text: str) -> SpanContext | None:
    """Read a `traceparent` value; None when it is not one, so that a bad header only starts a new trace.

    Source: W3C Trace Context level 1, section 3.2, 2021-11-23.
    """
    if not _TRACEPARENT_LENGTH <= len(text) <= _TRACEPARENT_LENGTH_MAX:
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_text, span_text, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    trace_id, span_id = int(trace_text, 16), int(span_text, 16)
    if trace_id == 0 or span_id == 0:
        return None
    return SpanContext(trace_id, span_id, bool(int(flags, 16) & 1))


def format_traceparent(trace_id: int, span_id: int, *, sampled: bool) -> str:
    """Write a version 00 `traceparent` value: 55 characters."""
    return f"00-{trace_id:032x}-{span_id:016x}-{'01' if sampled else '00'}"


def trace_id_number(trace_id: int | str) -> int | None:
    """Read a trace id given as a number or as 32 hex digits (dashes of a UUID are allowed).

    Returns:
        128 bits, never 0; None when it is no trace id: it often comes out of a request, and may be anything.
    """
    if isinstance(trace_id, str):
        text = trace_id.replace("-", "").lower()
        if _TRACE_ID.fullmatch(text) is None:
            return None
        trace_id = int(text, 16)
    return trace_id if 0 < trace_id < 1 << 128 else None
