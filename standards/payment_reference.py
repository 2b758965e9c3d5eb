"""The reference code that a payer's bank carries in the transfer text, made to survive what banks do to
text."""

import hashlib
import re

from standards.check_character import UNAMBIGUOUS31, append_checks31, is_valid31, repair31

PREFIX = "LT"
_BODY_LENGTH = 8
REFERENCE_LENGTH = len(PREFIX) + _BODY_LENGTH + 2
"""12 characters: LT, eight of the unambiguous alphabet, two check characters."""
_NOT_ALPHANUMERIC = re.compile("[^0-9A-Z]+")
# What OCR and people read for the two letters of the prefix.
_PREFIX_LOOK_ALIKES = frozenset(first + second for first in "LI1" for second in "T7")


def make_reference(seed_bytes: bytes) -> str:
    """Make the reference code of one payment intent from a seed; the same seed gives the same code.

    Args:
        seed_bytes: At least 8 bytes that are the intent's alone, such as its UUID. Two seeds share a code
            once in 31**8 (8.5e11), so the store keeps codes unique and asks again with another seed on a
            clash.
    Returns:
        12 characters A-Z and 2-9 without 0, 1, I, L, O after the prefix LT; fits VietQR 62.08 and 62.01 (25
        each).
    """
    assert len(seed_bytes) >= 8, "the seed is shorter than 8 bytes"
    number = int.from_bytes(hashlib.sha256(b"payment reference\0" + seed_bytes).digest(), "big")
    body = ""
    for _ in range(_BODY_LENGTH):
        number, value = divmod(number, len(UNAMBIGUOUS31))
        body += UNAMBIGUOUS31[value]
    return PREFIX + append_checks31(body)


def is_reference(text: str) -> bool:
    """Say whether the text is one sound reference code, exactly as printed."""
    return len(text) == REFERENCE_LENGTH and text.startswith(PREFIX) and is_valid31(text[len(PREFIX) :])


def _squeeze(text: str) -> str:
    """Upper-case and keep 0-9 and A-Z alone: banks wrap, lower-case, and put signs into text."""
    # Characters that only upper() would turn into ASCII (ı, ſ) are not what we printed, so they go first.
    return _NOT_ALPHANUMERIC.sub("", "".join(c for c in text if c.isascii()).upper())


def find_references(text: str) -> tuple[str, ...]:
    """Find every sound reference code in a bank's transfer text, at any offset, in order, each once.

    Spaces, line ends, small letters, punctuation and prefixes do not hide a code. A chance text that begins
    with LT passes the two check characters once in 961.
    """
    squeezed = _squeeze(text)
    found: dict[str, None] = {}
    start = squeezed.find(PREFIX)
    while start >= 0:
        window = squeezed[start : start + REFERENCE_LENGTH]
        if is_reference(window):
            found[window] = None
        start = squeezed.find(PREFIX, start + 1)
    return tuple(found)


def find_damaged_references(text: str) -> tuple[str, ...]:
    """Find codes with exactly one wrong character and give them repaired, in order, each once.

    The wrong character may be in the code (two check characters of distance 3 make the repair unique) or
    the prefix may be read as a look-alike (I or 1 for L, 7 for T). A proposal, never proof: about one
    chance text in three that begins with LT can be "repaired", so the caller accepts one only if the code
    was issued and the amount agrees.
    """
    squeezed = _squeeze(text)
    intact = find_references(text)
    found: dict[str, None] = {}
    for start in range(len(squeezed) - REFERENCE_LENGTH + 1):
        prefix = squeezed[start : start + len(PREFIX)]
        if prefix not in _PREFIX_LOOK_ALIKES:
            continue
        code = squeezed[start + len(PREFIX) : start + REFERENCE_LENGTH]
        # One error in all: a damaged prefix leaves none for the code.
        repaired = repair31(code) if prefix == PREFIX else (code if is_valid31(code) else None)
        if repaired is not None and PREFIX + repaired not in intact:
            found[PREFIX + repaired] = None
    return tuple(found)
