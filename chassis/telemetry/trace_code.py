"""The short code of a trace that is printed on a receipt, with a check character for those who read it out.

It is the first 60 bits of the trace id in Crockford's base 32, which for a time-ordered id are its millisecond and
twelve random bits, and one character that finds every single wrong character and every swap of neighbours.
"""

from typing import Final

from chassis.errors import AppError, Kind

# Crockford's alphabet (https://www.crockford.com/base32.html): no I, L, O and U.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX_HEX: Final = 15
_CODE_LENGTH: Final = 12
_VALUES: Final = {char: number for number, char in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
# x^5 + x^2 + 1: doubling walks through all 31 values that are not 0, so twelve places have twelve different weights.
_POLYNOMIAL: Final = 0b100101


class TraceCodeMistyped(AppError):
    """A trace code does not hold together: a character is wrong, missing or in another's place."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TRACE_CODE_MISTYPED"
    vi = "Mã tra cứu không đúng; hãy xem lại mã in trên biên lai, gồm 13 ký tự."

    def __init__(self) -> None:
        super().__init__("The trace code has 13 characters, as printed on the receipt; look at it again.")


def trace_code(trace_id: str) -> str:
    """The code of a trace, such as "0KDM-5YXZ-7AQ2-T".

    Args:
        trace_id: 32 hex digits.
    """
    assert len(trace_id) == 32, trace_id
    number = int(trace_id[:PREFIX_HEX], 16)
    values = [number >> shift & 31 for shift in range(55, -1, -5)]
    text = "".join(ALPHABET[value] for value in [*values, _check(values)])
    return f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12]}"


def trace_prefix(code: str) -> str:
    """The first 15 hex digits of the trace a code belongs to, for `SpanReader.trace`.

    Args:
        code: As printed, in either case, with or without dashes and blanks; O, I and L are read as 0, 1 and 1.
    Raises:
        TraceCodeMistyped: its check character does not fit.
    """
    text = code.upper().replace("-", "").replace(" ", "")
    if len(text) != _CODE_LENGTH + 1 or any(char not in _VALUES for char in text):
        raise TraceCodeMistyped
    *values, check = (_VALUES[char] for char in text)
    if check != _check(values):
        raise TraceCodeMistyped
    number = 0
    for value in values:
        number = number << 5 | value
    return f"{number:0{PREFIX_HEX}x}"


def _check(values: list[int]) -> int:
    """The weighted sum of the characters in the field of 32 elements; the weights are powers of two, all different."""
    total = 0
    for value in values:
        total = _double(total ^ value)
    return total


def _double(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 32 else value
