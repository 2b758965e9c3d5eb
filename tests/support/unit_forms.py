"""Every old commune written in the forms that registers hold, and how often the right answer is found.

Run: `python -m tests.support.unit_forms` prints the table for all 10,035 communes.
"""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from standards.admin_units import Vintage, convert_ward, resolve_address
from standards.admin_units.register import load_register
from standards.syllables import fold

SEED = 20_250_701
_LETTERS = "abcdeghiklmnopqrstuvxy"
# Lý, Mỹ, Quý and the like, where i and y are the same sound; mây and thủy are not.
_LONE_Y = re.compile(r"\b([BCĐGHKLMNPQRSTVX][hgu]?h?)([yýỳỷỹỵ])\b")
_I_FOR_Y = str.maketrans("yýỳỷỹỵ", "iíìỉĩị")
_SHORT = {
    "Tỉnh": "T.",
    "Thành phố": "TP.",
    "Huyện": "H.",
    "Quận": "Q.",
    "Thị xã": "TX.",
    "Xã": "X.",
    "Phường": "P.",
    "Thị trấn": "TT.",
    "Đặc khu": "ĐK.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAddress:
    """An old commune with the names around it and the communes in force it went to."""

    ward_code: str
    ward: str
    district: str
    province: str
    new_province: str
    expected: frozenset[str]


class Verdict(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    """Exactly the communes in force that the old one went to."""
    SEVERAL = "several"
    """Those among others: a person chooses."""
    WRONG = "wrong"
    """A single commune that is not among them, or several without them."""
    NONE = "none"
    """No answer: a person types it anew."""


def old_addresses() -> Iterator[OldAddress]:
    """All 10,035 communes of the table."""
    register = load_register()
    for ward in register.old_wards.values():
        successors = convert_ward(ward.code, Vintage.BEFORE_2025_07)
        yield OldAddress(
            ward_code=ward.code,
            ward=ward.name,
            district=register.districts[ward.district_code].name,
            province=register.old_provinces[ward.province_code].name,
            new_province=successors[0].province.name,
            expected=frozenset(each.ward.code for each in successors),
        )


def short(name: str) -> str:
    """A unit's name with its kind abbreviated: "Thị trấn Chợ Rã" → "TT. Chợ Rã"."""
    kind = next(kind for kind in sorted(_SHORT, key=len, reverse=True) if name.startswith(kind))
    return f"{_SHORT[kind]} {name[len(kind) :].strip()}"


def mistyped(text: str, chance: random.Random) -> str:
    """One letter replaced, left out, doubled or swapped with the next; not in a number."""
    places = [at for at, letter in enumerate(text) if letter.isalpha()]
    at = chance.choice(places)
    slip = chance.randrange(4)
    if slip == 0:
        return text[:at] + chance.choice(_LETTERS) + text[at + 1 :]
    if slip == 1:
        return text[:at] + text[at + 1 :]
    if slip == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]


def _with_i(match: re.Match[str]) -> str:
    return match[1] + match[2].translate(_I_FOR_Y)


def _full(each: OldAddress, _: random.Random) -> str:
    return f"Thôn 1, {each.ward}, {each.district}, {each.province}"


def _half_updated(each: OldAddress, _: random.Random) -> str:
    return f"{each.ward}, {each.district}, {each.new_province}"


FORMS: dict[str, Callable[[OldAddress, random.Random], str]] = {
    "full, as on a card": _full,
    "capitals": lambda each, chance: _full(each, chance).upper(),
    "NFD": lambda each, chance: unicodedata.normalize("NFD", _full(each, chance)),
    "abbreviated": lambda each, _: f"{short(each.ward)}, {short(each.district)}, {short(each.province)}",
    "hyphens": lambda each, _: f"{each.ward} - {each.district} - {each.province}",
    "without accents": lambda each, chance: fold(_full(each, chance)),
    "i for y": lambda each, chance: _LONE_Y.sub(_with_i, _full(each, chance)),
    "new province": _half_updated,
    "new province, without accents": lambda each, chance: fold(_half_updated(each, chance)),
    "without district": lambda each, _: f"{each.ward}, {each.province}",
    "without district, new province": lambda each, _: f"{each.ward}, {each.new_province}",
    "one slip in the commune": lambda each, chance: (
        f"{mistyped(each.ward, chance)}, {each.district}, {each.province}"
    ),
    "one slip in the district": lambda each, chance: (
        f"{each.ward}, {mistyped(each.district, chance)}, {each.province}"
    ),
    "one slip in the province": lambda each, chance: (
        f"{each.ward}, {each.district}, {mistyped(each.province, chance)}"
    ),
    "one slip, new province": lambda each, chance: (
        f"{mistyped(each.ward, chance)}, {each.district}, {each.new_province}"
    ),
    "one slip, without district": lambda each, chance: f"{mistyped(each.ward, chance)}, {each.province}",
}
"""The forms, by the name they have in the table."""


def verdict_on(each: OldAddress, text: str) -> tuple[Verdict, bool]:
    """What the answer is worth, and whether it was given as sure."""
    found = resolve_address(text)
    codes = {unit.code for unit in found.new_wards}
    is_sure = found.sure_ward is not None
    if not codes:
        return Verdict.NONE, is_sure
    if codes == each.expected:
        return Verdict.RIGHT, is_sure
    return (Verdict.SEVERAL if each.expected <= codes else Verdict.WRONG), is_sure


def measure(form: str, *, step: int = 1) -> tuple[Counter[Verdict], int]:
    """Count the verdicts of one form over every step-th commune, and the wrong answers that were given as sure."""
    chance = random.Random(f"{SEED} {form}")
    counts: Counter[Verdict] = Counter()
    surely_wrong = 0
    for each in list(old_addresses())[::step]:
        verdict, is_sure = verdict_on(each, FORMS[form](each, chance))
        counts[verdict] += 1
        surely_wrong += is_sure and verdict is Verdict.WRONG
    return counts, surely_wrong


def main() -> int:
    """Print the table."""
    print("| form | right | several | wrong | none | wrong and sure |\n|---|---|---|---|---|---|")
    for form in FORMS:
        counts, surely_wrong = measure(form)
        total = counts.total()
        shares = " | ".join(f"{100 * counts[verdict] / total:.2f} %" for verdict in Verdict)
        print(f"| {form} | {shares} | {surely_wrong} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
