"""The short code on a patient's receipt that leads support to the trace of the visit."""

import re

from standards.check_character import CROCKFORD32, check_character32, is_valid32
from standards.errors import TraceCodeMistyped

_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_PREFIX_HEX = 12
"""48 bits: among a million kept traces, a chance of about one in 560 that any two share a code."""
_BODY_LENGTH = 10
# Crockford's rule for reading: O is zero, I and L are one.
_READ_AS = str.maketrans("OIL", "011")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2013._]+")


def trace_code(trace_id_hex: str) -> str:
    """Shorten a trace id for print.

    Args:
        trace_id_hex: W3C trace id, 32 small hexadecimal digits.
    Returns:
        XXXX-XXXX-XXX: the first 48 bits in Crockford's base 32 (ten characters, without I, L, O, U) and one
        check character, which sees every single wrong character and every swap.
    Raises:
        ValueError: not a trace id; a mistake of the program, not of a person.
    """
    if not _TRACE_ID.fullmatch(trace_id_hex):
        raise ValueError("a trace id has 32 small hexadecimal digits")
    bits = int(trace_id_hex[:_PREFIX_HEX], 16)
    body = "".join(CROCKFORD32[bits >> shift & 31] for shift in range(5 * (_BODY_LENGTH - 1), -1, -5))
    code = body + check_character32(body)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def parse_trace_code(text: str) -> str:
    """Read a trace code as a person types it: small letters, missing or other separators, O for 0, I or L
    for 1.

    Returns:
        The first 12 hexadecimal digits of the trace id, in small letters.
    Raises:
        TraceCodeMistyped: the form or the check character is wrong.
    """
    code = _SEPARATORS.sub("", text)
    code = code.upper().translate(_READ_AS) if code.isascii() else ""
    if len(code) != _BODY_LENGTH + 1 or not is_valid32(code):
        raise TraceCodeMistyped("trace_code")
    bits = 0
    for character in code[:_BODY_LENGTH]:
        bits = bits << 5 | CROCKFORD32.index(character)
    if bits >> 48:
        raise TraceCodeMistyped("trace_code")
    return f"{bits:012x}"
