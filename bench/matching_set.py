"""A labelled set of made-up person records: who is who is known, and each kind of error comes at a stated rate.

`build(seed, people_count)` gives records as different systems of one province would hold them. Families share an
address, fathers and sons a name now and then, twins all but the given name, relatives borrow an insurance card, and
common names meet on one birthday: everything that makes an automatic link wrong is there on purpose.

Run: `python -m bench.matching_set --people 1000` prints what was made.
"""

from __future__ import annotations

import argparse
import csv
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random

from bench.matching_names import DIALECT, FAMILY, GIVEN, I_OR_Y, MIDDLE, TONE_PLACE
from identity_svc.domain.matching import MatchFacts
from standards.names import normalise_name
from standards.syllables import fold

TRAIN_SEED = 20_260_301
TEST_SEED = 20_260_302
PEOPLE_COUNT = 20_000
TODAY = date(2026, 3, 2)
_WARDS = Path(__file__).parent.parent / "standards/data/admin_units/vn_admin_ward_old_to_new_2025.csv"
_HOME_PROVINCES = ("06", "19")
"""Bắc Kạn and Thái Nguyên before July 2025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often each thing happens: people first, then each record of a person independently."""

    second_record: float = 0.35
    third_record: float = 0.08
    twin: float = 0.012
    """Of births."""
    son_named_as_father: float = 0.004
    same_name_same_day: float = 0.004
    """People made to share name, gender and birthday with an unrelated one; a quarter of them the commune too."""
    no_known_day: float = 0.15
    """Of people born before 1955: papers carry 1 January."""
    has_citizen_number: float = 0.90
    """A record carries it."""
    has_insurance_number: float = 0.90
    has_old_number: float = 0.30
    """Of people born before 2003."""
    number_typed_wrong: float = 0.01
    """One digit of a typed number; a typed number is weak."""
    number_typed: float = 0.15
    """Typed and not read from a card."""
    number_reissued: float = 0.004
    """The person got another citizen number; the older record holds the old one."""
    borrowed_insurance: float = 0.003
    """The record carries the insurance number of a relative in the same house."""
    typing_error: float = 0.04
    accents_lost: float = 0.06
    accent_wrong: float = 0.01
    tone_place: float = 0.15
    i_or_y: float = 0.20
    """Of names that have two spellings, as tone_place."""
    dialect: float = 0.04
    """Of names that a dialect writes otherwise."""
    capitals: float = 0.25
    decomposed: float = 0.05
    missing_middle: float = 0.03
    reordered: float = 0.015
    year_only: float = 0.03
    day_month_swapped: float = 0.015
    """Where the day is at most 12."""
    date_digit: float = 0.015
    wrong_gender: float = 0.005
    moved: float = 0.08
    no_ward: float = 0.05
    """Beside those whose old commune was split, for whom the new one is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a record is about."""

    person_id: int
    house: int
    full_name: str
    birth_date: date
    gender: str
    ward_index: int
    citizen_number: str
    old_number: str
    insurance_number: str
    is_day_known: bool = True
    reissued_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record with its label."""

    record_id: int
    person_id: int
    facts: MatchFacts = field(repr=False)
    errors: tuple[str, ...]
    """What was done to it, for the report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """Records, and which of them are one person."""

    people: tuple[Person, ...] = field(repr=False)
    records: tuple[Record, ...] = field(repr=False)

    def true_pairs(self) -> set[tuple[int, int]]:
        """Every pair of records of one person, smaller id first."""
        by_person: dict[int, list[int]] = {}
        for record in self.records:
            by_person.setdefault(record.person_id, []).append(record.record_id)
        return {
            (first, second)
            for ids in by_person.values()
            for index, first in enumerate(ids)
            for second in ids[index + 1 :]
        }


def build(seed: int = TEST_SEED, people_count: int = PEOPLE_COUNT, rates: Rates | None = None) -> LabelledSet:
    """Make the set; the same seed, count and rates give the same records."""
    rates = rates or Rates()
    rng = Random(seed)
    people = tuple(people_of(rng, people_count, rates))
    by_house: dict[int, list[Person]] = {}
    for person in people:
        by_house.setdefault(person.house, []).append(person)
    records: list[Record] = []
    for person in people:
        count = 1 + (rng.random() < rates.second_record)
        count += count == 2 and rng.random() < rates.third_record
        for turn in range(count):
            records.append(_record(rng, rates, person, by_house[person.house], (len(records), turn)))
    return LabelledSet(people=people, records=tuple(records))


def people_of(rng: Random, count: int, rates: Rates) -> Iterator[Person]:
    """House by house: a father, often a mother, children with the father's family name, sometimes twins."""
    made = 0
    kept: list[Person] = []
    """People whom others are made to meet; a few hundred are enough."""
    house = 0
    while made < count:
        house += 1
        for person in _house(rng, rates, house, made):
            made_person = person
            if len(kept) >= 50 and rng.random() < rates.same_name_same_day:
                made_person = _double_of(rng, max(rng.sample(kept, 8), key=_commonness), person)
            if len(kept) < 50 or (len(kept) < 5_000 and rng.random() < 0.02):
                kept.append(made_person)
            yield made_person
            made += 1
            if made == count:
                return


def _house(rng: Random, rates: Rates, house: int, first_id: int) -> Iterator[Person]:
    ward_index = rng.choices(range(len(_wards())), cum_weights=_ward_weights())[0]
    family, year = _pick(rng, FAMILY), rng.randint(1938, 2000)
    father = _person(rng, rates, first_id, house, ward_index, family=family, gender="male", year=year)
    yield father
    next_id = first_id + 1
    if rng.random() < 0.75:
        mother_year = min(year + rng.randint(-3, 6), 2004)
        yield _person(
            rng,
            rates,
            next_id,
            house,
            ward_index,
            family=_pick(rng, FAMILY),
            gender="female",
            year=mother_year,
        )
        next_id += 1
    for _ in range(rng.choice((0, 1, 2, 2, 3))):
        child_year = min(year + rng.randint(20, 36), TODAY.year - 1)
        gender = rng.choice(("male", "female"))
        child = _person(rng, rates, next_id, house, ward_index, family=family, gender=gender, year=child_year)
        if gender == "male" and rng.random() < rates.son_named_as_father:
            child = replace(child, full_name=father.full_name)
        yield child
        next_id += 1
        if rng.random() < rates.twin:
            twin = _person(
                rng, rates, next_id, house, ward_index, family=family, gender=gender, year=child_year
            )
            middle = " ".join(child.full_name.split()[1:-1])
            given = twin.full_name.split()[-1]
            if given == child.full_name.split()[-1]:
                given = "Bình" if given != "Bình" else "Sáng"
            # Registered together: their numbers follow each other.
            number = f"{child.citizen_number[:6]}{(int(child.citizen_number[6:]) + 1) % 10**6:06d}"
            yield replace(
                twin,
                full_name=f"{family} {middle} {given}",
                birth_date=child.birth_date,
                citizen_number=number,
            )
            next_id += 1


def _person(
    rng: Random,
    rates: Rates,
    person_id: int,
    house: int,
    ward_index: int,
    *,
    family: str,
    gender: str,
    year: int,
) -> Person:
    birth_date = date(year, 1, 1) + timedelta(days=rng.randrange(365))
    is_day_known = not (year < 1955 and rng.random() < rates.no_known_day)
    name = f"{family} {_pick(rng, MIDDLE[gender])} {_pick(rng, GIVEN[gender])}"
    century = 2 * (year >= 2000) + (gender == "female")
    return Person(
        person_id=person_id,
        house=house,
        full_name=name,
        birth_date=birth_date if is_day_known else date(year, 1, 1),
        gender=gender,
        ward_index=ward_index,
        citizen_number=f"099{century}{year % 100:02d}{rng.randrange(10**6):06d}",
        old_number=f"09{rng.randrange(10**7):07d}" if year < 2003 else "",
        insurance_number=f"99{rng.randrange(10**8):08d}",
        is_day_known=is_day_known,
        reissued_number=f"099{century}{year % 100:02d}{rng.randrange(10**6):06d}"
        if rng.random() < rates.number_reissued
        else "",
    )


def _commonness(person: Person) -> float:
    """How common a name is, to compare with others: chance meetings are those of common names."""
    family, *middle, given = person.full_name.split()
    middles, givens = MIDDLE[person.gender], GIVEN[person.gender]
    return FAMILY[family] * middles.get(" ".join(middle), 0.0) * givens.get(given, 0.0)


def _double_of(rng: Random, known: Person, person: Person) -> Person:
    """An unrelated person with the name and the birthday of another."""
    return replace(
        person,
        full_name=known.full_name,
        birth_date=known.birth_date,
        is_day_known=known.is_day_known,
        gender=known.gender,
        ward_index=known.ward_index if rng.random() < 0.25 else person.ward_index,
    )


def _record(rng: Random, rates: Rates, person: Person, house: list[Person], place: tuple[int, int]) -> Record:
    record_id, turn = place
    errors: list[str] = []
    name = _spoil_name(rng, rates, person.full_name, errors)
    strong, weak = _numbers(rng, rates, person, house, turn=turn, errors=errors)
    gender = person.gender
    if rng.random() < rates.wrong_gender:
        gender = "male" if gender == "female" else "female"
        errors.append("wrong_gender")
    facts = MatchFacts(
        full_name=normalise_name(name),
        birth_date=_spoil_date(rng, rates, person, errors),
        gender=gender,
        ward_code=_ward(rng, rates, person, errors),
        identifiers=tuple(strong),
        weak_identifiers=tuple(weak),
    )
    return Record(record_id=record_id, person_id=person.person_id, facts=facts, errors=tuple(errors))


def _spoil_name(rng: Random, rates: Rates, name: str, errors: list[str]) -> str:
    def happens(rate: float, error: str) -> bool:
        if rng.random() < rate:
            errors.append(error)
            return True
        return False

    words = name.split()
    for pairs, rate, error in (
        (I_OR_Y, rates.i_or_y, "i_or_y"),
        (TONE_PLACE, rates.tone_place, "tone_place"),
        (DIALECT, rates.dialect, "dialect"),
    ):
        other = dict(pairs)
        if any(word in other for word in words) and happens(rate, error):
            words = [other.get(word, word) for word in words]
    if len(words) > 2 and happens(rates.missing_middle, "missing_middle"):
        words = (
            [words[0], *words[2:-1][: len(words) - 3], words[-1]] if len(words) > 3 else [words[0], words[-1]]
        )
    if happens(rates.reordered, "reordered"):
        words = [words[-1], *words[:-1]] if rng.random() < 0.7 else [words[0], *words[:0:-1]]
    if happens(rates.typing_error, "typing_error"):
        index = rng.randrange(len(words))
        words[index] = _mistype(rng, words[index])
    if happens(rates.accent_wrong, "accent_wrong"):
        index = rng.randrange(len(words))
        words[index] = unicodedata.normalize(
            "NFC", fold(words[index]).capitalize() + rng.choice("\u0301\u0300")
        )
    if happens(rates.accents_lost, "accents_lost"):
        words = [fold(word).capitalize() for word in words]
    text = " ".join(words)
    if happens(rates.capitals, "capitals"):
        text = text.upper()
    return unicodedata.normalize("NFD", text) if happens(rates.decomposed, "decomposed") else text


def _mistype(rng: Random, word: str) -> str:
    """One letter lost, doubled, changed, or swapped with its neighbour."""
    if len(word) < 2:
        return word + rng.choice("nht")
    index = rng.randrange(len(word) - 1)
    return rng.choice(
        (
            word[:index] + word[index + 1 :],
            word[: index + 1] + word[index:],
            word[:index] + rng.choice("aeiunhtgcm") + word[index + 1 :],
            word[:index] + word[index + 1] + word[index] + word[index + 2 :],
        )
    )


def _spoil_date(rng: Random, rates: Rates, person: Person, errors: list[str]) -> str:
    day = person.birth_date
    if not person.is_day_known:
        return rng.choice((f"{day:%Y}", f"{day:%Y}-01-01"))
    if rng.random() < rates.year_only:
        errors.append("year_only")
        return rng.choice((f"{day:%Y}", f"{day:%Y}-01-01"))
    if day.day <= 12 and day.day != day.month and rng.random() < rates.day_month_swapped:
        errors.append("day_month_swapped")
        return date(day.year, day.day, day.month).isoformat()
    if rng.random() < rates.date_digit:
        errors.append("date_digit")
        for _ in range(20):
            text = list(day.isoformat())
            text[rng.choice((2, 3, 5, 6, 8, 9))] = rng.choice("0123456789")
            try:
                other = date.fromisoformat("".join(text))
            except ValueError:
                continue
            if other != day and other <= TODAY:
                return other.isoformat()
    return day.isoformat()


def ward_of(person: Person) -> str:
    """The new commune of a person's home; empty where the old one was split."""
    targets = _wards()[person.ward_index]
    return targets[0] if len(targets) == 1 else ""


def record_of(rng: Random, rates: Rates, person: Person) -> Record:
    """One spoiled record of a person who lends nobody's card."""
    return _record(rng, rates, person, [person], (0, 1))


def _ward(rng: Random, rates: Rates, person: Person, errors: list[str]) -> str:
    """The new commune of a record that held an old one; a split one has no answer."""
    index = person.ward_index
    if rng.random() < rates.moved:
        errors.append("moved")
        index = rng.choices(range(len(_wards())), cum_weights=_ward_weights())[0]
    if rng.random() < rates.no_ward:
        errors.append("no_ward")
        return ""
    targets = _wards()[index]
    return targets[0] if len(targets) == 1 else ""


def _numbers(
    rng: Random, rates: Rates, person: Person, house: list[Person], *, turn: int, errors: list[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    strong: list[tuple[str, str]] = []
    weak: list[tuple[str, str]] = []

    def add(kind: str, value: str) -> None:
        if rng.random() >= rates.number_typed:
            strong.append((kind, value))
            return
        if rng.random() < rates.number_typed_wrong / rates.number_typed:
            index = rng.randrange(3, len(value))
            value = value[:index] + rng.choice("0123456789".replace(value[index], "")) + value[index + 1 :]
            errors.append("number_typed_wrong")
        weak.append((kind, value))

    if rng.random() < rates.has_citizen_number:
        number = person.reissued_number if person.reissued_number and turn else person.citizen_number
        add("CITIZEN_NUMBER", number)
        if person.reissued_number and turn and rng.random() < 0.5:
            weak.append(("CITIZEN_NUMBER", person.citizen_number))
    if person.old_number and rng.random() < rates.has_old_number:
        add("OLD_IDENTITY_NUMBER", person.old_number)
    if rng.random() < rates.has_insurance_number:
        owner = person
        if len(house) > 1 and rng.random() < rates.borrowed_insurance:
            owner = rng.choice([other for other in house if other is not person])
            errors.append("borrowed_insurance")
        add("INSURANCE_NUMBER", owner.insurance_number)
    return strong, weak


def _pick(rng: Random, weights: dict[str, float]) -> str:
    names, cumulative = _cumulative(id(weights), tuple(weights.items()))
    return rng.choices(names, cum_weights=cumulative)[0]


_TABLES: dict[int, tuple[list[str], list[float]]] = {}


def _cumulative(key: int, items: tuple[tuple[str, float], ...]) -> tuple[list[str], list[float]]:
    if key not in _TABLES:
        _TABLES[key] = ([name for name, _ in items], list(accumulate(weight for _, weight in items)))
    return _TABLES[key]


@cache
def _wards() -> tuple[tuple[str, ...], ...]:
    """Of each old commune of the two former provinces, the new communes it went to."""
    targets: dict[str, list[str]] = {}
    with _WARDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["old_province_code"] in _HOME_PROVINCES:
                targets.setdefault(row["old_ward_code"], []).append(row["new_ward_code"])
    return tuple(tuple(codes) for codes in targets.values())


@cache
def _ward_weights() -> tuple[float, ...]:
    """Communes differ in size: the largest has some ten times the people of the smallest."""
    rng = Random(7)
    return tuple(accumulate(rng.uniform(0.3, 3.0) for _ in _wards()))


def main() -> int:
    """Print what a set holds."""
    parser = argparse.ArgumentParser(prog="python -m bench.matching_set", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE_COUNT)
    parser.add_argument("--seed", type=int, default=TEST_SEED)
    given = parser.parse_args()
    made = build(given.seed, given.people)
    errors = Counter(error for record in made.records for error in record.errors)
    pairs = made.true_pairs()
    print(f"{len(made.people):,} people, {len(made.records):,} records, {len(pairs):,} pairs of one person")
    for error, count in errors.most_common():
        print(f"| {error} | {count:,} | {count / len(made.records):.2%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
