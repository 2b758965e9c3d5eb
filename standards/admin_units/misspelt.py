"""An address with one misspelt unit name, put right: a variant for every unit the writer may have meant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from standards.admin_units.address_text import Word, load_index, name_key, prefix_starting
from standards.admin_units.reader import Reader
from standards.admin_units.register import AdminLevel, AdminUnit

MAX_VARIANTS = 40
MIN_NAME_LETTERS = 3
"""Below it one letter is too large a part of a name."""
_DIGITS = re.compile("[0-9]")
# Initials and letters that dialects and the writing of ethnic names exchange, in words without accents.
_SAME_INITIALS = (("gi", "d"), ("tr", "ch"), ("r", "d"), ("s", "x"), ("n", "l"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A unit's name in the forms that are compared."""

    written: str
    """The full official name, which stands in the variant."""
    full: str
    """With its kind, words run together."""
    key: str
    base: str
    """Without its kind, words run together."""
    dialect: str
    kind: str
    level: AdminLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A part of the address in the same forms."""

    start: int
    end: int
    full: str
    key: str
    base: str
    dialect: str
    kinds: frozenset[str] | None
    """What its kind word allows, or None when it has none that is known."""
    is_kind_certain: bool


def variants(reader: Reader) -> Iterator[str]:
    """Give the address with one name replaced by a unit's official one that differs in a letter, at most
    MAX_VARIANTS.

    Where the province is recognised the district and the commune before it are tried, else the province itself.
    """
    place = next(reader.places(kinds_must_fit=False), None)
    parts = _segments(reader.words, len(reader.words) if place is None else place.end)
    names = _names("" if place is None else place.scope)
    # A last part that is a name as it stands is what the writer meant.
    last = [segment for segment in parts[-1:] if not _is_known(segment, names)]
    if place is None:
        tried = [(last, {AdminLevel.PROVINCE})]
    else:
        tried = [(last, {AdminLevel.DISTRICT}), (parts[-2:-1] + last, {AdminLevel.WARD})]
    meant = (
        _replaced(reader, segment, name.written)
        for part, levels in tried
        for segment in part
        for name in names
        if name.level in levels and _is_meant(name, segment)
    )
    return islice(meant, MAX_VARIANTS)


def _segments(words: tuple[Word, ...], end: int) -> list[_Segment]:
    """Cut words[:end] where a comma stands or a kind word begins a name; without commas hyphens cut as well."""
    has_commas = any(word.is_hard_start for word in words[1:end])
    starts = []
    at = 0
    while at < end:
        prefix = prefix_starting(words, at, end)
        is_soft = words[at].is_soft_start and not has_commas
        is_kind = prefix is not None and (prefix.is_certain or not has_commas)
        if at == 0 or words[at].is_hard_start or is_soft or is_kind:
            starts.append(at)
        # A name has a word of its own, which may look like a kind: "Huyện Quản Bạ".
        at += 1 if prefix is None else prefix.word_count + 1
    return [_segment(words, start, stop) for start, stop in pairwise([*starts, end])]


def _segment(words: tuple[Word, ...], start: int, end: int) -> _Segment:
    prefix = prefix_starting(words, start, end)
    rest = words[start if prefix is None else start + prefix.word_count : end]
    return _Segment(
        start=start,
        end=end,
        full="".join(word.key for word in words[start:end]),
        key=" ".join(word.key for word in rest),
        base="".join(word.key for word in rest),
        dialect="".join(_dialect_word(word.key) for word in rest),
        kinds=None if prefix is None else prefix.kinds,
        is_kind_certain=prefix is not None and prefix.is_certain,
    )


def _replaced(reader: Reader, segment: _Segment, name: str) -> str:
    before = reader.cleaned[: reader.words[segment.start].position].rstrip(" ,")
    after = reader.cleaned[reader.words[segment.end].position :] if segment.end < len(reader.words) else ""
    return ", ".join(part for part in (before, name, after) if part)


def _is_known(segment: _Segment, names: tuple[_Name, ...]) -> bool:
    if segment.kinds is not None and not segment.is_kind_certain:
        return False
    return any(name.key == segment.key for name in names)


def _is_meant(name: _Name, segment: _Segment) -> bool:
    """Say whether a segment may be this name, in its kind word or in the name proper, but not both."""
    if not segment.is_kind_certain and _is_near(segment.full, name.full):
        return True
    if segment.kinds is not None and name.kind not in segment.kinds:
        return False
    if segment.key == name.key:
        return False
    return _is_near(segment.base, name.base) or segment.dialect == name.dialect


def _is_near(written: str, name: str) -> bool:
    """Say whether two words run together are equal but for one letter, or two neighbours swapped; digits never."""
    if written == name:
        return True
    difference = len(written) - len(name)
    if abs(difference) > 1 or min(len(written), len(name)) < MIN_NAME_LETTERS:
        return False
    at = 0
    while at < min(len(written), len(name)) and written[at] == name[at]:
        at += 1
    is_near = written[at + (difference >= 0) :] == name[at + (difference <= 0) :] or (
        difference == 0
        and written[at : at + 2] == name[at : at + 2][::-1]
        and written[at + 2 :] == name[at + 2 :]
    )
    return is_near and _DIGITS.findall(written) == _DIGITS.findall(name)


def _dialect_word(key: str) -> str:
    key = key.replace("k", "c") if "kh" not in key else key
    for initial, same in _SAME_INITIALS:
        if key.startswith(initial) and key[len(initial) : len(initial) + 1] in "aeiouy":
            return same + key[len(initial) :]
    return key


@lru_cache(maxsize=64)
def _names(scope: str) -> tuple[_Name, ...]:
    """The districts and communes of both vintages in a new province; of "" all provinces."""
    index = load_index()
    register = index.register
    found: dict[tuple[AdminLevel, str], AdminUnit] = {}
    if not scope:
        units = [*register.old_provinces.values(), *register.new_provinces.values()]
    else:
        old_codes = {old for old, new in register.successor_of_province.items() if new == scope}
        units = [
            *(each for each in register.districts.values() if each.province_code in old_codes),
            *(each for each in register.old_wards.values() if each.province_code in old_codes),
            *(each for each in register.new_wards.values() if each.province_code == scope),
        ]
    for unit in units:
        found.setdefault((unit.level, unit.name), unit)
    return tuple(_name(unit) for unit in found.values())


def _name(unit: AdminUnit) -> _Name:
    key = name_key(unit.base_name)
    return _Name(
        written=unit.name,
        key=key,
        base=key.replace(" ", ""),
        full=name_key(unit.name).replace(" ", ""),
        dialect="".join(_dialect_word(word) for word in key.split()),
        kind=unit.kind,
        level=unit.level,
    )
