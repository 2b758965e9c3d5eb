"""Check characters: ISO 7064 MOD 37,36, and field codes that miss no typing error of one character or one
swap."""

from collections.abc import Sequence

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The alphabet of ISO 7064 MOD 37,36, in its order."""
UNAMBIGUOUS31 = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""31 characters without 0, 1, I, L, O; 31 is a prime, so the characters are a field under arithmetic modulo
31."""
CROCKFORD32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O, U."""


def mod37_36_check_character(body: str) -> str:
    """Compute the ISO 7064 MOD 37,36 check character.

    Args:
        body: At least one character of ALPHANUMERIC.
    Raises:
        ValueError: another character is in it.
    Source: ISO/IEC 7064:2003, hybrid system MOD 37,36. It finds every single wrong character, and all but 1
        in 630 swaps of two neighbours (counted: 36 of 22,680 state and pair combinations pass).
    """
    state = 36
    for character in body:
        state = (state + _value(character, ALPHANUMERIC)) % 36 or 36
        state = state * 2 % 37
    return ALPHANUMERIC[(37 - state) % 36]


def is_valid_mod37_36(text: str) -> bool:
    """Say whether the last character is the MOD 37,36 check character of those before it."""
    if len(text) < 2 or any(character not in ALPHANUMERIC for character in text):
        return False
    return mod37_36_check_character(text[:-1]) == text[-1]


def _value(character: str, alphabet: str) -> int:
    value = alphabet.find(character)
    if value < 0 or len(character) != 1:
        raise ValueError("the text holds a character outside the alphabet")
    return value


# --- Two check characters over the field of 31 elements: a Reed-Solomon code of distance 3 ----------------
# 3 generates the multiplicative group modulo 31, so the weights 3**i of up to 30 places are all different.
_GENERATOR31 = 3
_PRIME = 31
MAX_LENGTH31 = 30


def _syndromes31(values: Sequence[int]) -> tuple[int, int]:
    """Give the two sums that are zero for a sound code: plain, and weighted by powers of 3."""
    plain = sum(values) % _PRIME
    weighted = sum(value * pow(_GENERATOR31, index, _PRIME) for index, value in enumerate(values)) % _PRIME
    return plain, weighted


def append_checks31(body: str) -> str:
    """Append the two check characters to a body over UNAMBIGUOUS31.

    The result differs from every other such text of its length in at least three places: any two wrong
    characters and any swap of two different characters is seen, and one wrong character can be put right
    (`repair31`).
    Args:
        body: 1 to 28 characters of UNAMBIGUOUS31.
    Raises:
        ValueError: another character is in it.
    """
    assert 1 <= len(body) <= MAX_LENGTH31 - 2, "body length is outside 1 to 28"
    values = [_value(character, UNAMBIGUOUS31) for character in body]
    plain, weighted = _syndromes31(values)
    # Solve c1 + c2 = -plain and w1*c1 + w2*c2 = -weighted with w2 = 3*w1.
    weight = pow(_GENERATOR31, len(body), _PRIME)
    second = (weight * plain - weighted) * pow(weight * (_GENERATOR31 - 1), -1, _PRIME) % _PRIME
    first = (-plain - second) % _PRIME
    assert _syndromes31([*values, first, second]) == (0, 0)
    return body + UNAMBIGUOUS31[first] + UNAMBIGUOUS31[second]


def is_valid31(text: str) -> bool:
    """Say whether the last two characters are the check characters of those before them."""
    if not 3 <= len(text) <= MAX_LENGTH31 or any(character not in UNAMBIGUOUS31 for character in text):
        return False
    return _syndromes31([UNAMBIGUOUS31.index(character) for character in text]) == (0, 0)


def repair31(text: str) -> str | None:
    """Give the one sound text that differs from this in at most one place, or None if there is none.

    The text may hold one character outside the alphabet: its place is then known to be the wrong one.
    """
    if not 3 <= len(text) <= MAX_LENGTH31:
        return None
    values = [UNAMBIGUOUS31.find(character) for character in text]
    unknown_count = values.count(-1)
    if unknown_count > 1:
        return None
    known = [max(value, 0) for value in values]
    plain, weighted = _syndromes31(known)
    if unknown_count == 1:
        place = values.index(-1)
    elif (plain, weighted) == (0, 0):
        return text
    elif plain == 0 or weighted == 0:
        return None
    else:
        # A single error e at place p gives plain = e and weighted = e * 3**p.
        ratio = weighted * pow(plain, -1, _PRIME) % _PRIME
        place = next(index for index in range(_PRIME - 1) if pow(_GENERATOR31, index, _PRIME) == ratio)
        if place >= len(text):
            return None
    known[place] = (known[place] - plain) % _PRIME
    return "".join(UNAMBIGUOUS31[value] for value in known) if _syndromes31(known) == (0, 0) else None


# --- One check character over the field of 32 elements ----------------------------------------------------
_POLYNOMIAL32 = 0b100101  # x**5 + x**2 + 1 is primitive, so x generates all 31 nonzero elements.
MAX_LENGTH32 = 31


def _times_x(value: int) -> int:
    """Multiply an element of the field of 32 by x."""
    doubled = value << 1
    return doubled ^ _POLYNOMIAL32 if doubled & 0b100000 else doubled


def check_character32(body: str) -> str:
    """Compute the check character of a text over CROCKFORD32, itself in CROCKFORD32.

    Every single wrong character and every swap of two different characters is seen. MOD 37,36 is not used
    for this
    alphabet: its check character may be I, L, O or U, which the alphabet leaves out because they are misread.
    Args:
        body: 1 to 30 characters of CROCKFORD32.
    Raises:
        ValueError: another character is in it.
    """
    assert 1 <= len(body) <= MAX_LENGTH32 - 1, "body length is outside 1 to 30"
    state = 0
    for character in body:
        state = _times_x(state ^ _value(character, CROCKFORD32))
    return CROCKFORD32[state]


def is_valid32(text: str) -> bool:
    """Say whether the last character is the check character of those before it."""
    if not 2 <= len(text) <= MAX_LENGTH32 or any(character not in CROCKFORD32 for character in text):
        return False
    return check_character32(text[:-1]) == text[-1]
