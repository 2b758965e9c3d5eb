"""Vietnamese names: one spelling, one search key, and a comparison that says how two names differ.

Comparing one name with many: `prepare_name` once each, then `compare_prepared` (three times the speed of
`compare_names`, which prepares both each time). Scanned or imported text goes through
`standards.legacy_text.repair_legacy_text` first; damage of an old code page is not a difference of names.

How the class is found. Words are compared in place; the weakest word decides, in this order from weak to strong:
DIFFERENT, DIFFERENT_ACCENT, ABBREVIATED, NEAR, ACCENTLESS, EQUIVALENT, SAME. Names whose words do not fit in place are
tried as one text with other spaces (NEAR), as the same words in another order (REORDERED), and as one name without
some middle words (MISSING_MIDDLE, where every other word has to agree). So two weaknesses never give the stronger
class: accents lost and a middle word missing is MISSING_MIDDLE, accents lost and a dialect's spelling is NEAR, and the
differences list both. A missing first or last word is DIFFERENT: families share all but the last word.

Southern and northern forms of one name (Huỳnh and Hoàng, Vũ and Võ) and the tones hỏi and ngã, which some dialects
confuse, are different names here: both forms stand in civil status papers of different people.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import chain, repeat
from typing import NamedTuple

from standards.errors import NameTooLong
from standards.syllables import (
    WORDS_KEPT,
    fold,
    fold_word,
    i_for_y,
    is_dialect_pair,
    is_vietnamese,
    place_tone,
    split_tone,
)

MAX_NAME_CHARS = 200
"""Longest name read; the longest in public records is far below 100."""
_MAX_RAW_CHARS = 4 * MAX_NAME_CHARS
"""At most four code points compose into one, so a longer text is refused before any work is done on it."""
_PAIRS_KEPT = 65_536
"""Pairs of single words whose difference is kept; two words do not tell a name."""

_LOOK_ALIKES = str.maketrans(
    # Eth and African D for Đ; Cyrillic letters that look Latin; letters with a caron for those with a breve.
    "ÐðƉɖАВСЕНІЈКМОРЅТХУаеіјорсухѕǍǎĚěǏǐǑǒǓǔ",
    "ĐđĐđABCEHIJKMOPSTXYaeijopcyxsĂăĔĕĬĭŎŏŬŭ",
) | {0xFF01 + offset: 0x21 + offset for offset in range(94)}  # full-width forms of ASCII
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛ʼʻʹ′´`＇ꞌ", "'"))
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]+")
_VOWEL_GROUP = re.compile("[aeiouy]+")
_NOT_A_WORD = re.compile(r"[^\w\s]|_")
_BETWEEN_WORDS = re.compile(r"[-.,;:/\\()\[\]{}_\"“”|‐-―]+")
_ABBREVIATION = re.compile("[^\\W\\d_]|ngh?|nh|th|ph|tr|kh|ch|gh|gi|qu")


class NameClass(StrEnum):
    """How alike two names are, from alike to different."""

    SAME = "SAME"
    """The same name; at most spacing, case, punctuation, code points or the tone mark's place differ. Two names that
    both lack their accents can be SAME: `PreparedName.has_accents` tells."""
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
    """A word is only its first letter or consonants on one side."""
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
    """Word of the longer name, from 0 (an apostrophe opens no word, a hyphen does); -1 for the name as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameComparison:
    """How two names compare, and where they differ."""

    cls: NameClass
    differences: tuple[NameDifference, ...]


class PreparedName(NamedTuple):
    """A name made ready for many comparisons; holds the name, so it is kept no longer than the work lasts.

    A tuple, for it is built twice in every `compare_names`, and a dataclass takes three times as long.
    """

    words: tuple[str, ...]
    """Small letters, NFC, tone marks in place, no punctuation but the apostrophe; empty when the text has no word."""
    letters: str
    """The words without spaces and apostrophes."""
    has_accents: bool
    """Some word has a mark or a đ: the accents were not lost as a whole."""

    def __repr__(self) -> str:
        """Show no part of the name."""
        return f"PreparedName(has_accents={self.has_accents})"


def unify_characters(text: str) -> str:
    """Compose (NFC) and map look-alike letters and apostrophes to the ones that Vietnamese text uses."""
    composed = unicodedata.normalize("NFC", text)
    if composed.isascii():
        return composed.replace("`", "'")
    # A mapped letter may take up a mark that followed it: Cyrillic а and an acute are á.
    return unicodedata.normalize("NFC", composed.translate(_LOOK_ALIKES).translate(_APOSTROPHES))


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


@lru_cache(maxsize=WORDS_KEPT)
def _spell(raw: str) -> str | None:
    """Spell one written word, or give None when it holds unseen characters, which its neighbours explain."""
    word = unify_characters(raw)
    return None if _UNSEEN.search(word) else "-".join(place_tone(part) for part in word.split("-"))


def normalise_name(text: str) -> str:
    """Give the one spelling in which a name is kept and compared.

    NFC; look-alike letters (Ð U+00D0, Ɖ, Cyrillic) become the Vietnamese ones; every space is one plain
    space; unseen characters go, and become a space between words; apostrophes become '; the tone mark
    stands at its canonical letter. Case is kept. Doing it twice changes nothing.

    Raises:
        NameTooLong: the result has more than MAX_NAME_CHARS, or the text more than four times as many.
    """
    if len(text) > _MAX_RAW_CHARS:
        raise NameTooLong("full_name", limit_chars=MAX_NAME_CHARS)
    words = [_spell(raw) for raw in text.split()]
    if None in words:
        words = [_spell(raw) for raw in _UNSEEN.sub(_close_unseen, unify_characters(text)).split()]
    name = " ".join(filter(None, words))
    if len(name) > MAX_NAME_CHARS:
        raise NameTooLong("full_name", limit_chars=MAX_NAME_CHARS)
    return name


@lru_cache(maxsize=WORDS_KEPT)
def _search_words(spelled: str) -> str:
    return " ".join(_NOT_A_WORD.sub(" ", fold(spelled).replace("'", "")).split())


def search_key(text: str) -> str:
    """Give small letters without accents, marks or punctuation: "ĐẶNG Thị H’Hen" → "dang thi hhen".

    For finding candidates only: equal keys do not make equal names.
    Raises:
        NameTooLong: as normalise_name.
    """
    return " ".join(filter(None, map(_search_words, normalise_name(text).split())))


@lru_cache(maxsize=WORDS_KEPT)
def _words_in(spelled: str) -> tuple[str, ...]:
    """Cut one spelled word into the words that are compared: Công-Tằng is two, V. is v, a lone dash is none."""
    words = _BETWEEN_WORDS.split(unicodedata.normalize("NFC", spelled.casefold()))
    return tuple(place_tone(word) for word in words if word.strip("'"))


@lru_cache(maxsize=WORDS_KEPT)
def _read(raw: str) -> tuple[str, ...] | None:
    """Give the words in one written word, or None when its neighbours have to be looked at."""
    spelled = _spell(raw)
    return None if spelled is None or spelled.endswith("'") else _words_in(spelled)


@lru_cache(maxsize=WORDS_KEPT)
def _has_mark(word: str) -> bool:
    return fold(word) != word


def prepare_name(text: str) -> PreparedName:
    """Make a name ready for `compare_prepared`.

    Raises:
        NameTooLong: as normalise_name.
    """
    found: list[tuple[str, ...] | None] = [None]
    if len(text) <= MAX_NAME_CHARS:
        found = list(map(_read, text.split()))
    if None in found:
        # H' Hen is H'Hen: the apostrophe of ethnic names never ends a word.
        found = [_words_in(word) for word in normalise_name(text).replace("' ", "'").split()]
    words = tuple(chain.from_iterable(filter(None, found)))
    letters = "".join(words).replace("'", "")
    return PreparedName(words, letters, not letters.isascii() and any(map(_has_mark, words)))


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


def _is_one_letter_off(first: str, second: str) -> bool:
    """Say whether two words of one tone differ by one typed letter: Hoàn, Hoàng; not Hồng, Hằng (letter and mark)."""
    # Words of two letters one letter apart (Hà, Hồ; Lê, Lý) are simply other words.
    if max(len(first), len(second)) < 3:
        return False
    (first_letters, first_tone), (second_letters, second_tone) = split_tone(first), split_tone(second)
    return first_tone == second_tone and _is_within_one_edit(
        unicodedata.normalize("NFD", first_letters), unicodedata.normalize("NFD", second_letters)
    )


def _is_abbreviation(first: str, second: str) -> bool:
    """Say whether one word is the first letter or consonants of the other, its own mark included: Đ. is not Dũng."""
    short, full = (first, second) if len(first) < len(second) else (second, first)
    if len(short) == len(full) or _ABBREVIATION.fullmatch(short) is None:
        return False
    return full.startswith(short) or (fold_word(short) == short and fold_word(full).startswith(short))


@lru_cache(maxsize=_PAIRS_KEPT)
def _difference(first: str, second: str, is_plain: bool) -> DifferenceKind | None:
    """Name the difference of two words, or None when they are the same; is_plain: one whole name lacks its accents."""
    if first == second:
        return None
    if _is_abbreviation(first, second):
        return DifferenceKind.INITIAL
    if is_plain and (first, second) != (fold_word(first), fold_word(second)):
        # What the lost accents would say is not known, so a spelling that differs as well weighs no more than they do.
        bare = _difference(fold_word(first), fold_word(second), False)
        is_spelling = bare in (None, DifferenceKind.APOSTROPHE, DifferenceKind.I_OR_Y)
        return DifferenceKind.ACCENTS_MISSING if is_spelling else bare
    if first.replace("'", "") == second.replace("'", ""):
        return DifferenceKind.APOSTROPHE
    if i_for_y(first) == i_for_y(second):
        return DifferenceKind.I_OR_Y
    if fold_word(first) == fold_word(second):
        is_syllable = is_vietnamese(first) and is_vietnamese(second)
        return DifferenceKind.ACCENT if is_syllable else DifferenceKind.ETHNIC_ACCENT
    if is_dialect_pair(first, second):
        return DifferenceKind.DIALECT
    return DifferenceKind.ONE_LETTER if _is_one_letter_off(first, second) else DifferenceKind.WORD


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
    NameClass.DIFFERENT_ACCENT,
    NameClass.ABBREVIATED,
    NameClass.NEAR,
    NameClass.ACCENTLESS,
    NameClass.EQUIVALENT,
)


def _whole(cls: NameClass, kind: DifferenceKind, *, is_plain: bool = False) -> NameComparison:
    kinds = (kind, DifferenceKind.ACCENTS_MISSING) if is_plain else (kind,)
    return NameComparison(
        cls=cls, differences=tuple(NameDifference(kind=kind, word_index=-1) for kind in kinds)
    )


_SAME = NameComparison(cls=NameClass.SAME, differences=())
_DIFFERENT = _whole(NameClass.DIFFERENT, DifferenceKind.WORD)


@lru_cache(maxsize=4_096)
def _judge(kinds: tuple[DifferenceKind | None, ...], *, is_plain: bool) -> NameComparison:
    """Put the differences of words in place together; the weakest word decides."""
    differences = [
        NameDifference(kind=kind, word_index=index) for index, kind in enumerate(kinds) if kind is not None
    ]
    found = {_CLASS_OF[difference.kind] for difference in differences}
    cls = next((candidate for candidate in _WEAKEST_FIRST if candidate in found), NameClass.SAME)
    # One typing error is an error; two are another name.
    if kinds.count(DifferenceKind.ONE_LETTER) > 1:
        cls = NameClass.DIFFERENT
    if is_plain and DifferenceKind.ACCENTS_MISSING not in kinds:
        differences.append(NameDifference(kind=DifferenceKind.ACCENTS_MISSING, word_index=-1))
    return NameComparison(cls=cls, differences=tuple(differences))


def _keys(name: PreparedName, *, is_plain: bool) -> list[str]:
    """Give words as they are compared out of place: i for y, no apostrophes, accents only if both names have them."""
    return [i_for_y((fold_word(word) if is_plain else word).replace("'", "")) for word in name.words]


def _missing_words(longer: Sequence[str], shorter: Sequence[str]) -> tuple[int, ...] | None:
    """Say which middle words of the longer name the shorter lacks, or None if that does not explain the
    difference."""
    if len(shorter) < 2 or longer[0] != shorter[0] or longer[-1] != shorter[-1]:
        return None
    missing, position = [], 1
    for index, word in enumerate(longer[1:-1], start=1):
        if position < len(shorter) - 1 and shorter[position] == word:
            position += 1
        else:
            missing.append(index)
    return tuple(missing) if position == len(shorter) - 1 else None


def _compare_lengths(a: PreparedName, b: PreparedName, *, is_plain: bool) -> NameComparison:
    """Compare two names of unequally many words."""
    longer, shorter = (a, b) if len(a.words) > len(b.words) else (b, a)
    missing = _missing_words(_keys(longer, is_plain=is_plain), _keys(shorter, is_plain=is_plain))
    if missing is None:
        return _DIFFERENT
    differences = [NameDifference(kind=DifferenceKind.WORD_MISSING, word_index=index) for index in missing]
    if is_plain:
        differences.append(NameDifference(kind=DifferenceKind.ACCENTS_MISSING, word_index=-1))
    return NameComparison(cls=NameClass.MISSING_MIDDLE, differences=tuple(differences))


def compare_prepared(a: PreparedName, b: PreparedName) -> NameComparison:
    """Say how two prepared names compare, as `compare_names` does."""
    if not a.words or not b.words:
        return _DIFFERENT
    if a.words == b.words:
        return _SAME
    is_plain = a.has_accents is not b.has_accents
    in_place = None
    if len(a.words) == len(b.words):
        kinds = tuple(map(_difference, a.words, b.words, repeat(is_plain)))
        in_place = _judge(kinds, is_plain=is_plain)
        if in_place.cls is not NameClass.DIFFERENT and in_place.cls is not NameClass.NEAR:
            return in_place
    if is_plain or len(a.letters) == len(b.letters):
        if a.letters == b.letters or (is_plain and fold(a.letters) == fold(b.letters)):
            return _whole(NameClass.NEAR, DifferenceKind.WORD_BOUNDARY, is_plain=is_plain)
        if in_place and sorted(_keys(a, is_plain=is_plain)) == sorted(_keys(b, is_plain=is_plain)):
            return _whole(NameClass.REORDERED, DifferenceKind.ORDER, is_plain=is_plain)
    return in_place or _compare_lengths(a, b, is_plain=is_plain)


def compare_names(a: str, b: str) -> NameComparison:
    """Say how two Vietnamese names compare; the order of the two does not matter.

    Returns:
        The class and the differences, which hold word positions and no part of a name.
    Raises:
        NameTooLong: as normalise_name.
    """
    return compare_prepared(prepare_name(a), prepare_name(b))
