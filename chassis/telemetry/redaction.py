"""Decides what may leave the process in a span or a log line: a frozen list of keys, each with its shape.

Everything not named here is dropped and counted. A value of a named key that does not fit its shape, or that
holds nine or more digits in a row (a citizen number has 12, an insurance card 10 or 15, a phone 10, an old
identity card 9), is masked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

MASK: Final = "[masked]"
TEXT_LENGTH_MAX: Final = 64
NUMBER_MAX: Final = 10**8 - 1
"""The largest whole number shown: eight digits, so that no identifier fits."""

DIGIT_RUN = re.compile(r"\d{9,}")
GROUPED_DIGITS = re.compile(r"\d(?:[\s.,_/:;()\-\u00a0\u2010-\u2015]{0,2}\d){8,}")
_SPAN_NAME = re.compile(r"[a-zA-Z0-9_./:-]{1,80}", re.ASCII)
_REASON = re.compile(r"[A-Z][A-Z0-9_]{1,63}", re.ASCII)

AttributeValue = str | int | bool


class Shape(Enum):
    """What a value of a key may look like: never a space or an accented letter, so no full name fits."""

    WORD = r"[a-z][a-z0-9_.:-]*"
    WORDS = r"[a-z][a-z0-9_.,]*"
    CODE = r"[A-Z][A-Z0-9_]*"
    METHOD = r"/?[A-Za-z][A-Za-z0-9_./-]*"
    ROUTE = r"/[A-Za-z0-9_./{}*:=$-]*"
    ADDRESS = (
        r"(?:ipv4:)?(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?::\d{1,5})?"
        r"|(?:ipv6:)?(?:\[|%5B)[0-9a-f:]{2,39}(?:\]|%5D)(?::\d{1,5})?"
        r"|(?:dns:(?:///)?)?[a-z][a-z0-9.-]*(?::\d{1,5})?"
        r"|unix:[a-zA-Z0-9_./-]*"
    )
    FACILITY = r"[A-Za-z0-9_.-]{1,32}"
    TRACEPARENT = r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    NAME = r"[A-Za-z_][A-Za-z0-9_.<>]*"
    PLACE = r"[A-Za-z0-9_./<>-]+:\d{1,6}"
    TRACE_ID = r"[0-9a-f]{16}|[0-9a-f]{32}"
    NUMBER = "a whole number of at most eight digits"
    TRUTH = "true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRule:
    """What one key of a span or a log line may hold."""

    key: str
    shape: Shape
    length_max: int = TEXT_LENGTH_MAX
    """Characters; texts only."""


def _table(**keys: str) -> Mapping[str, AttributeRule]:
    """Build the look-up of keys; `rpc_method` is accepted for `rpc.method`, since keywords have no dot."""
    rules: dict[str, AttributeRule] = {}
    for shape_name, names in keys.items():
        shape = Shape[shape_name]
        for key in names.split():
            rule = AttributeRule(key=key, shape=shape)
            rules[key] = rule
            rules[key.replace(".", "_")] = rule
    return MappingProxyType(rules)


ATTRIBUTES: Final[Mapping[str, AttributeRule]] = _table(
    METHOD="rpc.method rpc.service db.operation http.method",
    ROUTE="http.route",
    ADDRESS="peer target listen",
    WORD="""
        leg outcome journey step worker caller purpose system environment version cache document.kind
        db.engine db.system breaker.name breaker.state outbox.destination outbox.outcome
    """,
    WORDS="db.queries",
    CODE="rpc.status rpc.code error.reason error.kind degraded.reason",
    FACILITY="facility station",
    TRACEPARENT="client.traceparent link.traceparent",
    NUMBER="""
        db.group_size db.rows db.wait_ms db.attempt http.status retry.attempt deadline_ms remaining_ms
        duration_ms bytes request.bytes response.bytes rows stream.messages page_size count pending queue.wait_ms lag_ms
        outbox.attempt outbox.depth outbox.age_s port signal
    """,
    TRUTH="degraded cached replayed retried idempotent cancelled",
)
"""Every key a span may carry, under its own name and under its keyword spelling."""

LOG_KEYS: Final[Mapping[str, AttributeRule]] = MappingProxyType(
    {
        **ATTRIBUTES,
        **_table(
            NAME="error_type logger setting",
            PLACE="location",
            TRACE_ID="trace_id span_id",
            WORD="service state name engine kind peer.name chain migration",
            CODE="reason code",
            METHOD="method",
            NUMBER="""
                left_ms elapsed_ms wait_ms retry_ms attempt failures size depth age_s dropped workers tasks
            """,
        ),
    }
)
"""Every key a line of a log may carry: those of spans, and what only logs need."""

_PATTERNS: Final = {
    shape: re.compile(shape.value, re.ASCII) for shape in Shape if shape not in (Shape.NUMBER, Shape.TRUTH)
}
# Where digits are part of the shape, not each grouping of them is suspicious:
_DIGITS: Final[Mapping[Shape, re.Pattern[str] | None]] = MappingProxyType(
    {
        # Blocks of an address are set apart by dots and colons: an unbroken run only.
        Shape.ADDRESS: DIGIT_RUN,
        # Of random ids 18 % have nine digits in a row, 4 % twelve, the length of a citizen number.
        Shape.TRACEPARENT: re.compile(r"\d{12,}"),
        # Ids of our own traces are our own random numbers.
        Shape.TRACE_ID: None,
    }
)


@dataclass(slots=True)
class RedactionCounts:
    """How often something was kept back; counted by the one thread that writes."""

    dropped_keys: int = 0
    masked_values: int = 0
    masked_names: int = 0


def is_span_name(name: str) -> bool:
    """True when `name` may name a span: 1 to 80 of `a-zA-Z0-9_./:-`, and no run of nine digits."""
    return _SPAN_NAME.fullmatch(name) is not None and GROUPED_DIGITS.search(name) is None


def is_reason(reason: str) -> bool:
    """True when `reason` is UPPER_SNAKE, 2 to 64 characters, and no run of nine digits."""
    return _REASON.fullmatch(reason) is not None and GROUPED_DIGITS.search(reason) is None


def clean_value(rule: AttributeRule, value: object) -> AttributeValue | None:
    """Return what may leave under this key: the value, the mask, or None when its type is not the key's."""
    if rule.shape is Shape.TRUTH:
        return value if isinstance(value, bool) else None
    if rule.shape is Shape.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        number = int.__add__(value, 0)
        return number if -NUMBER_MAX <= number <= NUMBER_MAX else MASK
    if not isinstance(value, str):
        return None
    # The base class's own method: a subclass could show one text to this check and another to the encoder.
    text = value if type(value) is str else str.__str__(value)
    if len(text) > rule.length_max or _PATTERNS[rule.shape].fullmatch(text) is None:
        return MASK
    digits = _DIGITS.get(rule.shape, GROUPED_DIGITS)
    return MASK if digits is not None and digits.search(text) else text


def clean_attributes(attributes: Mapping[str, object], counts: RedactionCounts) -> dict[str, AttributeValue]:
    """Return the attributes that may leave, in key order of arrival; count what was dropped or masked."""
    clean: dict[str, AttributeValue] = {}
    for key, value in attributes.items():
        rule = ATTRIBUTES.get(key)
        kept = None if rule is None else clean_value(rule, value)
        if rule is None or kept is None:
            counts.dropped_keys += 1
            continue
        if kept is MASK:
            counts.masked_values += 1
        clean[rule.key] = kept
    return clean


def mask_digits(text: str) -> str:
    """Replace each run of nine or more digits, also one grouped by blanks, dots or dashes, with the mask."""
    return GROUPED_DIGITS.sub(MASK, text)
