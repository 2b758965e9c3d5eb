"""An address as words, and the index of unit names that those words are looked up in."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from standards.admin_units.register import AdminUnit, Register, load_register
from standards.names import unify_characters
from standards.syllables import WORDS_KEPT, fold, i_for_y, place_tone

MAX_NAME_WORDS = 6
"""Longest unit name in words; "Văn Miếu - Quốc Tử Giám" has five."""

# "M'Đrắk" and "H' Neng" are one word each; "P5" and "Q1" are two.
_WORD = re.compile(
    r"(?P<glued>[PpQqFf])(?=[0-9]+\b)|[^\W_]+(?:'\s?[^\W_]+)*|(?P<hard>[,;|\n\t])|(?P<soft>[-–—/])"
)

_PREFIXES: dict[str, frozenset[str]] = {
    "tỉnh": frozenset({"Tỉnh"}),
    "t": frozenset({"Tỉnh"}),
    "thành phố": frozenset({"Thành phố"}),
    "tp": frozenset({"Thành phố"}),
    "t p": frozenset({"Thành phố"}),
    "huyện": frozenset({"Huyện"}),
    "h": frozenset({"Huyện"}),
    "quận": frozenset({"Quận"}),
    "q": frozenset({"Quận"}),
    "thị xã": frozenset({"Thị xã"}),
    "tx": frozenset({"Thị xã"}),
    "t x": frozenset({"Thị xã"}),
    "xã": frozenset({"Xã"}),
    "x": frozenset({"Xã"}),
    "phường": frozenset({"Phường"}),
    "p": frozenset({"Phường"}),
    "f": frozenset({"Phường"}),
    "thị trấn": frozenset({"Thị trấn"}),
    "tt": frozenset({"Thị trấn"}),
    "t t": frozenset({"Thị trấn"}),
    "đặc khu": frozenset({"Đặc khu"}),
    "đk": frozenset({"Đặc khu"}),
}
# "thị" with one letter left out, doubled, swapped or replaced, without accents.
_NEAR_TOWN = frozenset(
    {"thi", "hi", "ti", "th", "tthi", "thhi", "thii", "hti", "tih"}
    | {f"{letter}hi" for letter in "abcdeghklmnopqrsuvx"}
    | {f"t{letter}i" for letter in "abcdegiklmnopqrstuvx"}
    | {f"th{letter}" for letter in "abcdeghklmnopqrstuvx"}
)
_PROVINCE_ALIASES = {
    "hcm": "Hồ Chí Minh",
    "tphcm": "Hồ Chí Minh",
    "sài gòn": "Hồ Chí Minh",
    "hn": "Hà Nội",
    "bắc cạn": "Bắc Kạn",
    "thừa thiên huế": "Huế",
    "thừa thiên - huế": "Huế",
    "tt huế": "Huế",
    "đắc lắc": "Đắk Lắk",
    "đăklăk": "Đắk Lắk",
    "đắc nông": "Đắk Nông",
    "brvt": "Bà Rịa - Vũng Tàu",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an address."""

    key: str
    """Without accents, y as i, leading zeros of numbers off."""
    text: str
    """As written, small letters."""
    position: int
    """Where it starts in the cleaned address."""
    is_hard_start: bool
    """First of the address or after a comma."""
    is_soft_start: bool
    """After a hyphen or slash; names may run over these."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words that names a unit, with the kind that a prefix word states."""

    start: int
    """First word, the prefix included."""
    name_start: int
    end: int
    """One past the last word."""
    kinds: frozenset[str] | None
    """Kinds that the prefix allows, or None when there is none."""
    key: str
    is_shadowed: bool = False
    """What stands before may be a prefix word that was typed without its accents: a second choice."""


@lru_cache(maxsize=WORDS_KEPT)
def _key(word: str) -> str:
    folded = fold(word).replace("'", "").replace(" ", "").replace("y", "i")
    return folded.lstrip("0") or "0" if folded.isdigit() else folded


def clean_address(text: str) -> str:
    """Unify the characters of an address and drop the unseen ones; offsets of `Word` count in this text."""
    return re.sub("[\u00ad\u200b-\u200f\u2060\ufeff]", "", unify_characters(text))


def tokenise(cleaned: str) -> tuple[Word, ...]:
    """Cut a cleaned address into words."""
    words: list[Word] = []
    is_hard, is_soft = True, False
    for match in _WORD.finditer(cleaned):
        if match["hard"]:
            is_hard = True
        elif match["soft"]:
            is_soft = True
        else:
            words.append(Word(_key(match[0]), match[0].casefold(), match.start(), is_hard, is_soft))
            is_hard, is_soft = False, False
    return tuple(words)


def name_key(name: str) -> str:
    """Give the look-up key of a unit's name."""
    return " ".join(word.key for word in tokenise(clean_address(name)))


def accent_form(text: str) -> str:
    """Give the form in which names that differ only in i/y and the tone mark's place are equal."""
    return " ".join(i_for_y(place_tone(word)) for word in text.replace("'", "").split())


@lru_cache(maxsize=32_768)
def unit_accent_form(name: str) -> str:
    """Give the accent form of a unit's name by letters alone: hyphens and dots inside a name come and go.

    Kept, for there are only 13,356 communes; no word of a patient's address gets in here.
    """
    return accent_form(" ".join(word.text for word in tokenise(clean_address(name))))


@lru_cache(maxsize=1)
def _prefixes() -> dict[tuple[str, ...], tuple[str, frozenset[str]]]:
    return {
        tuple(_key(word) for word in prefix.split()): (prefix, kinds) for prefix, kinds in _PREFIXES.items()
    }


def _may_be_town(words: tuple[Word, ...], second: int) -> bool:
    """Say whether the word before "xã" or "trấn" opens its part of the address and may be a misspelt "thị".

    Else the town's name is taken for the commune of that name: "Xã Mường Hoa, Tị xã Sa Pa".
    """
    return (
        words[second].key in ("xa", "x", "tran")
        and second > 0
        and not words[second].is_hard_start
        and words[second - 1].is_hard_start
        and words[second - 1].key in _NEAR_TOWN
    )


@dataclass(frozen=True, slots=True)
class Prefix:
    """A kind word before a name."""

    word_count: int
    kinds: frozenset[str]
    is_certain: bool
    """Written in full with its accents."""


def prefix_starting(words: tuple[Word, ...], start: int, end: int) -> Prefix | None:
    """Give the kind word that stands from `start` on, if a name follows it before `end`."""
    for count in (2, 1):
        last = start + count
        if last >= end or any(word.is_hard_start for word in words[start + 1 : last + 1]):
            continue
        found = _prefixes().get(tuple(word.key for word in words[start:last]))
        if found is not None:
            written = " ".join(word.text for word in words[start:last])
            return Prefix(count, found[1], written == found[0] and len(written) > 1)
    return None


def _prefix_before(words: tuple[Word, ...], name_start: int) -> tuple[int, frozenset[str], bool] | None:
    """Give (first word, kinds, certain) of the prefix words before a name, or None.

    Phương and Xà are no prefixes, phuong and xa may be, phường and xã are for certain.
    """
    if words[name_start].is_hard_start:
        return None
    for count in (2, 1):
        first = name_start - count
        if first < 0 or any(word.is_hard_start for word in words[first + 1 : name_start]):
            continue
        found = _prefixes().get(tuple(word.key for word in words[first:name_start]))
        if found is None:
            continue
        written = " ".join(word.text for word in words[first:name_start])
        if count == 1 and _may_be_town(words, first):
            return first - 1, frozenset({"Thị xã", "Thị trấn"}), True
        if written == found[0]:
            return first, found[1], True
        if fold(written) == written:
            return first, found[1], False
    return None


@dataclass(frozen=True, slots=True)
class NameIndex:
    """Unit names → units. Scopes are new province codes, so that half-updated addresses are found as well."""

    register: Register
    provinces: dict[str, list[AdminUnit]] = field(default_factory=lambda: defaultdict(list))
    districts: dict[str, list[AdminUnit]] = field(default_factory=lambda: defaultdict(list))
    old_wards_by_district: dict[tuple[str, str], list[AdminUnit]] = field(
        default_factory=lambda: defaultdict(list)
    )
    old_wards_by_scope: dict[tuple[str, str], list[AdminUnit]] = field(
        default_factory=lambda: defaultdict(list)
    )
    new_wards_by_scope: dict[tuple[str, str], list[AdminUnit]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ward_keys: set[str] = field(default_factory=set)

    def scope_of(self, unit: AdminUnit) -> str:
        """Give the new province of a unit of either vintage."""
        if unit.code in self.register.new_provinces and unit is self.register.new_provinces[unit.code]:
            return unit.code
        return self.register.successor_of_province[unit.province_code]


@lru_cache(maxsize=1)
def load_index() -> NameIndex:
    """Build the index once per process (about 0.3 s with the register)."""
    register = load_register()
    index = NameIndex(register)
    for province in (*register.old_provinces.values(), *register.new_provinces.values()):
        index.provinces[name_key(province.base_name)].append(province)
    for alias, name in _PROVINCE_ALIASES.items():
        index.provinces[name_key(alias)] = index.provinces[name_key(name)]
    for district in register.districts.values():
        index.districts[name_key(district.base_name)].append(district)
    for ward in register.old_wards.values():
        key = name_key(ward.base_name)
        index.ward_keys.add(key)
        index.old_wards_by_district[ward.district_code, key].append(ward)
        # A commune's own rows say where it went, so no province rule is assumed.
        for scope in {
            register.new_wards[row.new_code].province_code for row in register.rows_by_old[ward.code]
        }:
            index.old_wards_by_scope[scope, key].append(ward)
    for ward in register.new_wards.values():
        keys = {name_key(ward.base_name)}
        keys.update(name_key(name.split(" ", 1)[1]) for name in register.former_names.get(ward.code, ()))
        for key in keys:
            index.ward_keys.add(key)
            index.new_wards_by_scope[ward.province_code, key].append(ward)
    return index


def pieces_ending(
    words: tuple[Word, ...], end: int, known: set[str] | dict[str, list[AdminUnit]]
) -> Iterator[Piece]:
    """Give every run of words up to `end` that is a known name, longest first.

    A run never crosses a comma. It starts after a prefix word, or at a comma or hyphen; in an address
    without any comma it may start anywhere.
    """
    is_unpunctuated = not any(word.is_hard_start for word in words[1:])
    start = end
    lengths = []
    while start > 0 and end - start < MAX_NAME_WORDS:
        start -= 1
        lengths.append(start)
        if words[start].is_hard_start:
            break
    for name_start in reversed(lengths):
        key = " ".join(word.key for word in words[name_start:end])
        if key not in known:
            continue
        prefix = _prefix_before(words, name_start)
        if prefix is not None:
            yield Piece(prefix[0], name_start, end, prefix[1], key)
            if prefix[2]:
                continue
        is_edge = words[name_start].is_hard_start or words[name_start].is_soft_start
        if is_edge or is_unpunctuated:
            yield Piece(name_start, name_start, end, None, key, is_shadowed=prefix is not None)
