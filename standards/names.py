"""Vietnamese names: one spelling, one search key, and a comparison that says how two names differ."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from standards.errors import NameTooLong
from standards.syllables import dialect_form, fold, i_for_y, parse_syllable, place_tone

MAX_NAME_CHARS = 200
"""Longest name read; the longest in public records is far below 100."""

_LOOK_ALIKES = str.maketrans(
    # Eth and African D for Đ; Cyrillic letters that look Latin.
    "ÐðƉɖАВСЕНІЈКМОРЅТХУаеіјорсухѕ",
    "ĐđĐđABCEHIJKMOPSTXYaeijopcyxs",
)
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛ʼʻʹ′´`＇ꞌ", "'"))
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]+")
_VOWEL_GROUP = re.compile("[aeiouy]+")
_NOT_A_WORD = re.compile(r"[^\w\s]|_")


class NameClass(StrEnum):
    """How alike two names are, from alike to different."""

    SAME = "SAME"
    """The same name; at most spacing, case, code points or the tone mark's place differ."""
    EQUIVALENT = "EQUIVALENT"
    """The i/y spelling or an apostrophe differs."""
    NEAR = "NEAR"
    """One letter, a dialect's spelling, an ethnic name's accents, or a word boundary differs: review."""
    ACCENTLESS = "ACCENTLESS"
    """One side has no accents at all and the letters agree: supports, cannot confirm (Đức and Dực fall
    together)."""
    DIFFERENT_ACCENT = "DIFFERENT_ACCENT"
    """The letters agree and the accents do not: Lan and Lân are different people."""
    MISSING_MIDDLE = "MISSING_MIDDLE"
    """One side lacks middle words."""
    ABBREVIATED = "ABBREVIATED"
    """A word is only its initial on one side."""
    REORDERED = "REORDERED"
    """The same words in another order."""
    DIFFERENT = "DIFFERENT"
    """Different names."""


class DifferenceKind(StrEnum):
    """What differs at one place."""

    I_OR_Y = "I_OR_Y"
    APOSTROPHE = "APOSTROPHE"
    DIALECT = "DIALECT"
    ONE_LETTER = "ONE_LETTER"
    ETHNIC_ACCENT = "ETHNIC_ACCENT"
    WORD_BOUNDARY = "WORD_BOUNDARY"
    ACCENTS_MISSING = "ACCENTS_MISSING"
    ACCENT = "ACCENT"
    WORD_MISSING = "WORD_MISSING"
    INITIAL = "INITIAL"
    ORDER = "ORDER"
    WORD = "WORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameDifference:
    """One difference, told without the name."""

    kind: DifferenceKind
    word_index: int
    """Word of the longer name, from 0; -1 for the name as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameComparison:
    """How two names compare, and where they differ."""

    cls: NameClass
    differences: tuple[NameDifference, ...]


def unify_characters(text: str) -> str:
    """Compose (NFC) and map look-alike letters and apostrophes to the ones that Vietnamese text uses."""
    return unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES).translate(_APOSTROPHES)


def _close_unseen(match: re.Match[str]) -> str:
    """Say whether unseen characters stood between two words (a space) or inside one (nothing)."""
    text = match.string
    before = text[: match.start()].rsplit(None, 1)[-1] if text[: match.start()].strip() else ""
    after = text[match.end() :].split(None, 1)[0] if text[match.end() :].strip() else ""
    if not before or not after or text[match.start() - 1].isspace() or text[match.end()].isspace():
        return ""
    if before[-1].islower() and after[0].isupper():
        return " "
    # A Vietnamese syllable has one group of vowels, so two groups are two words (NGUYỄN|VĂN, not NGUY|ỄN).
    joined = fold(_UNSEEN.sub("", before + after)).removeprefix("gi").removeprefix("qu")
    return " " if len(_VOWEL_GROUP.findall(joined)) > 1 else ""


def normalise_name(text: str) -> str:
    """Give the one spelling in which a name is kept and compared.

    NFC; look-alike letters (Ð U+00D0, Ɖ, Cyrillic) become the Vietnamese ones; every space is one plain
    space; unseen characters go, and become a space between words; apostrophes become '; the tone mark
    stands at its canonical letter. Case is kept. Doing it twice changes nothing.

    Raises:
        NameTooLong: more than MAX_NAME_CHARS after composition.
    """
    composed = unify_characters(text)
    if len(composed) > MAX_NAME_CHARS:
        raise NameTooLong("full_name", limit_chars=MAX_NAME_CHARS)
    if _UNSEEN.search(composed):
        composed = unicodedata.normalize("NFC", _UNSEEN.sub(_close_unseen, composed))
    return " ".join(place_tone(word) for word in composed.split())


def search_key(text: str) -> str:
    """Give small letters without accents, marks or punctuation: "ĐẶNG Thị H’Hen" → "dang thi hhen".

    For finding candidates only: equal keys do not make equal names.
    Raises:
        NameTooLong: as normalise_name.
    """
    folded = fold(normalise_name(text)).replace("'", "")
    return " ".join(_NOT_A_WORD.sub(" ", folded).split())


def _words(name: str) -> list[str]:
    """Cut a normalised name into small-letter words; the dot of an initial goes."""
    return [word for raw in name.casefold().replace(".", " ").split() if (word := raw.strip(",;-"))]


def _is_within_one_edit(first: str, second: str) -> bool:
    """Say whether one typed letter (added, lost, changed, or swapped with its neighbour) explains the
    difference."""
    if len(first) > len(second):
        first, second = second, first
    if len(second) - len(first) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    if len(first) < len(second):
        return first[start:] == second[start + 1 :]
    swapped = first[start + 1 : start + 2] + first[start : start + 1] + first[start + 2 :]
    return first[start + 1 :] == second[start + 1 :] or swapped == second[start:]


def _compare_word(first: str, second: str, *, is_plain: bool) -> DifferenceKind | None:
    """Name the difference of two words, or None when they are the same."""
    if first == second:
        return None
    if first.replace("'", "") == second.replace("'", ""):
        return DifferenceKind.APOSTROPHE
    first_folded, second_folded = fold(first), fold(second)
    if len(first) == 1 or len(second) == 1:
        is_initial = len(first) != len(second) and first_folded[0] == second_folded[0]
        if is_initial:
            return DifferenceKind.INITIAL
    if is_plain:
        first, second = first_folded, second_folded
        if first == second:
            return DifferenceKind.ACCENTS_MISSING
    if i_for_y(first) == i_for_y(second):
        return DifferenceKind.I_OR_Y
    if first_folded == second_folded:
        is_syllable = parse_syllable(first) is not None and parse_syllable(second) is not None
        return DifferenceKind.ACCENT if is_syllable else DifferenceKind.ETHNIC_ACCENT
    if dialect_form(first) == dialect_form(second):
        return DifferenceKind.DIALECT
    # Two-letter words one letter apart (Hà, Hồ; Lê, Lý) are simply other words.
    if max(len(first), len(second)) > 2 and _is_within_one_edit(first, second):
        return DifferenceKind.ONE_LETTER
    return DifferenceKind.WORD


_CLASS_OF = {
    DifferenceKind.I_OR_Y: NameClass.EQUIVALENT,
    DifferenceKind.APOSTROPHE: NameClass.EQUIVALENT,
    DifferenceKind.DIALECT: NameClass.NEAR,
    DifferenceKind.ONE_LETTER: NameClass.NEAR,
    DifferenceKind.ETHNIC_ACCENT: NameClass.NEAR,
    DifferenceKind.ACCENTS_MISSING: NameClass.ACCENTLESS,
    DifferenceKind.ACCENT: NameClass.DIFFERENT_ACCENT,
    DifferenceKind.INITIAL: NameClass.ABBREVIATED,
    DifferenceKind.WORD: NameClass.DIFFERENT,
}
_WEAKEST_FIRST = (
    NameClass.DIFFERENT,
    NameClass.ABBREVIATED,
    NameClass.DIFFERENT_ACCENT,
    NameClass.NEAR,
    NameClass.ACCENTLESS,
    NameClass.EQUIVALENT,
)


def _compare_in_place(first: list[str], second: list[str], *, is_plain: bool) -> NameComparison:
    """Compare two names of equally many words, word by word; the weakest word decides."""
    kinds = [_compare_word(a, b, is_plain=is_plain) for a, b in zip(first, second, strict=True)]
    differences = tuple(
        NameDifference(kind=kind, word_index=index) for index, kind in enumerate(kinds) if kind is not None
    )
    found = {_CLASS_OF[difference.kind] for difference in differences}
    cls = next((candidate for candidate in _WEAKEST_FIRST if candidate in found), NameClass.SAME)
    # One typing error is an error; two are another name.
    if kinds.count(DifferenceKind.ONE_LETTER) > 1:
        cls = NameClass.DIFFERENT
    return NameComparison(cls=cls, differences=differences)


def _missing_words(longer: list[str], shorter: list[str], *, is_plain: bool) -> tuple[int, ...] | None:
    """Say which middle words of the longer name the shorter lacks, or None if that does not explain the
    difference."""

    def key(word: str) -> str:
        return i_for_y(fold(word) if is_plain else word)

    long_keys, short_keys = [key(word) for word in longer], [key(word) for word in shorter]
    if len(shorter) < 2 or long_keys[0] != short_keys[0] or long_keys[-1] != short_keys[-1]:
        return None
    missing, position = [], 1
    for index, word in enumerate(long_keys[1:-1], start=1):
        if position < len(short_keys) - 1 and short_keys[position] == word:
            position += 1
        else:
            missing.append(index)
    return tuple(missing) if position == len(short_keys) - 1 else None


def _whole(cls: NameClass, kind: DifferenceKind) -> NameComparison:
    return NameComparison(cls=cls, differences=(NameDifference(kind=kind, word_index=-1),))


def compare_names(a: str, b: str) -> NameComparison:
    """Say how two Vietnamese names compare; the order of the two does not matter for the class.

    Returns:
        The class and the differences, which hold word positions and no part of a name.
    Raises:
        NameTooLong: as normalise_name.
    """
    first, second = _words(normalise_name(a)), _words(normalise_name(b))
    if not first or not second:
        return _whole(NameClass.DIFFERENT, DifferenceKind.WORD)
    if first == second:
        return NameComparison(cls=NameClass.SAME, differences=())
    first_text, second_text = " ".join(first), " ".join(second)
    # Only a side without any accent lost them; "Lan" beside "Thị" was meant.
    is_plain = (fold(first_text) == first_text) != (fold(second_text) == second_text)
    in_place = _compare_in_place(first, second, is_plain=is_plain) if len(first) == len(second) else None
    if in_place is not None and in_place.cls is not NameClass.DIFFERENT:
        return in_place
    if first_text.replace("'", "").replace(" ", "") == second_text.replace("'", "").replace(" ", ""):
        return _whole(NameClass.NEAR, DifferenceKind.WORD_BOUNDARY)
    first_keys = Counter(i_for_y(fold(word) if is_plain else word) for word in first)
    if first_keys == Counter(i_for_y(fold(word) if is_plain else word) for word in second):
        return _whole(NameClass.REORDERED, DifferenceKind.ORDER)
    if in_place is not None:
        return in_place
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    missing = _missing_words(longer, shorter, is_plain=is_plain)
    if missing is None:
        return _whole(NameClass.DIFFERENT, DifferenceKind.WORD)
    differences = [NameDifference(kind=DifferenceKind.WORD_MISSING, word_index=index) for index in missing]
    if is_plain:
        differences.append(NameDifference(kind=DifferenceKind.ACCENTS_MISSING, word_index=-1))
    return NameComparison(cls=NameClass.MISSING_MIDDLE, differences=tuple(differences))
