"""Vietnamese letters as the outside systems treat them: folding, tone marks, how two names differ."""

from __future__ import annotations

import unicodedata

_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_CROSSED_D = str.maketrans({"đ": "d", "Đ": "D"})


def fold_marks(text: str) -> str:
    """Drop every mark, also the bar of đ, which NFD leaves alone; case and spaces stay."""
    decomposed = unicodedata.normalize("NFD", text.translate(_CROSSED_D))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _letters_and_tones(word: str) -> tuple[str, str]:
    decomposed = unicodedata.normalize("NFD", word.casefold())
    letters = "".join(sign for sign in decomposed if sign not in _TONES)
    tones = "".join(sign for sign in decomposed if sign in _TONES)
    return unicodedata.normalize("NFC", letters), tones


def differs_in_tone_place_only(left: str, right: str) -> bool:
    """True when the same tones stand on other vowels of the same words: Hoà and Hòa."""
    if left == right:
        return False
    return [_letters_and_tones(word) for word in left.split()] == [
        _letters_and_tones(word) for word in right.split()
    ]


def compare_names(claimed: str, held: str) -> tuple[str, str]:
    """Compare a claimed name with a held one, caseless and in NFC.

    Returns:
        (MATCH, "") or (PARTIAL, TONE_PLACE | MARKS_MISSING | MARKS_DIFFER | WORDS_MISSING)
        or (MISMATCH, DIFFERENT).
    Source: our own; no public description of the register's comparing exists.
    """
    left = " ".join(unicodedata.normalize("NFC", claimed).casefold().split())
    right = " ".join(unicodedata.normalize("NFC", held).casefold().split())
    if left == right:
        return "MATCH", ""
    if differs_in_tone_place_only(left, right):
        return "PARTIAL", "TONE_PLACE"
    if fold_marks(left) == fold_marks(right):
        return "PARTIAL", "MARKS_MISSING" if left == fold_marks(left) else "MARKS_DIFFER"
    fewer, more = sorted((left.split(), right.split()), key=len)
    if len(fewer) >= 2 and len(fewer) < len(more) and set(fewer) <= set(more):
        return "PARTIAL", "WORDS_MISSING"
    return "MISMATCH", "DIFFERENT"


def same_initials(left: str, right: str) -> bool:
    """True when both names have as many words and each word begins with the same letter, marks aside."""
    initials = [[fold_marks(word[:1]).casefold() for word in name.split()] for name in (left, right)]
    return initials[0] == initials[1]


def bank_ascii(text: str) -> str:
    """What a bank's core makes of a transfer text: no marks, nothing outside printable ASCII."""
    return "".join(sign if " " <= sign <= "~" or sign == "\n" else " " for sign in fold_marks(text))
