"""How likely two records are one person: Fellegi–Sunter weights per field, and rules that no score can overrule.

The weight of a field is log2(m / u): how much likelier its level is for one person than for two people who meet by
chance. Source: I. P. Fellegi, A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969). The weights are data
(`match_weights.json`); the rules are here, because each keeps two people apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from identity_svc.domain.match_weights import MatchWeights
from identity_svc.domain.matching import MatchFacts, has_no_day
from identity_svc.domain.model import IdentifierKind
from standards.names import NameClass, compare_prepared, prepare_name
from standards.syllables import fold_word, i_for_y

SIMILAR_RATIO = 85.0
"""From here on two different names are called similar, 0 to 100 of the folded letters."""


class MatchClass(StrEnum):
    """What may be done with a pair."""

    AUTOMATIC = "AUTOMATIC"
    """Linked without a person looking."""
    REVIEW = "REVIEW"
    """A steward decides."""
    NONE = "NONE"
    """Not proposed."""


class Rule(StrEnum):
    """Why a pair is never linked automatically, whatever its score."""

    CITIZEN_NUMBERS_DIFFER = "CITIZEN_NUMBERS_DIFFER"
    """Both hold a citizen number that is in use and was read or checked, and the two differ."""
    NUMBER_EQUAL_PERSON_DIFFERS = "NUMBER_EQUAL_PERSON_DIFFERS"
    """A number is equal, and the name or the birth date is another person's."""
    INSURANCE_NUMBER_ALONE = "INSURANCE_NUMBER_ALONE"
    """Only the insurance number is equal, which relatives lend, and name or birth date do not agree fully."""
    NO_NUMBER_AND_NO_DAY = "NO_NUMBER_AND_NO_DAY"
    """Without an equal number, name and birth year are too little: 3,187 chance meetings among 20,000 people."""
    NO_NUMBER_AND_NAME_UNSURE = "NO_NUMBER_AND_NAME_UNSURE"
    """Without an equal number the names have to be the same with their accents: Đức and Dực fold together."""
    NO_NUMBER_AND_OTHER_PLACE = "NO_NUMBER_AND_OTHER_PLACE"
    """Without an equal number the gender has to be equal and the commune must not be another one."""


class Level(StrEnum):
    """How a field compares; names use the words of standards.names.NameClass and the first three here."""

    ABSENT = "ABSENT"
    SIMILAR = "SIMILAR"
    MIDDLE_DIFFERS = "MIDDLE_DIFFERS"
    """Family and given name agree, the middle does not."""
    SAME = "SAME"
    DAY_MONTH_SWAPPED = "DAY_MONTH_SWAPPED"
    ONE_DIGIT = "ONE_DIGIT"
    YEAR_ONLY = "YEAR_ONLY"
    """One side knows only the year, or 1 January, and the years agree."""
    SAME_YEAR = "SAME_YEAR"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """What one field says about a pair."""

    field: str
    """full_name, birth_date, gender, ward, or a kind of number in small letters."""
    level: str
    weight_bits: float
    """Positive speaks for one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResult:
    """The verdict on a pair."""

    match_class: MatchClass
    weight_bits: float
    evidence: tuple[FieldEvidence, ...]
    rules: tuple[Rule, ...]
    """Those that forbid an automatic link."""


class Compared:
    """One side of comparisons, taken apart once."""

    __slots__ = ("facts", "name", "numbers", "strong", "words")

    def __init__(self, facts: MatchFacts) -> None:
        self.facts = facts
        self.name = prepare_name(facts.full_name)
        self.words = tuple(i_for_y(fold_word(word)) for word in self.name.words)
        self.strong = _by_kind(facts.identifiers)
        self.numbers = _by_kind(facts.identifiers + facts.weak_identifiers)


def score(first: Compared, second: Compared, weights: MatchWeights) -> MatchResult:
    """Compare two records field by field and class the pair; the order of the two does not matter."""
    name = _name_level(first, second)
    date = _date_level(first.facts.birth_date, second.facts.birth_date)
    gender = _plain_level(first.facts.gender, second.facts.gender)
    ward = _plain_level(first.facts.ward_code, second.facts.ward_code)
    numbers = {
        kind: _number_level(first, second, kind)
        for kind in sorted(first.numbers.keys() | second.numbers.keys())
    }
    levels = {"birth_date": date, "gender": gender, "ward": ward}
    levels |= {kind.lower(): level for kind, level in numbers.items()}
    evidence = (
        FieldEvidence(field="full_name", level=name, weight_bits=_name_weight(first, second, name, weights)),
        *(
            FieldEvidence(field=field, level=level, weight_bits=weights.of(field, level))
            for field, level in levels.items()
        ),
    )
    weight_bits = sum(each.weight_bits for each in evidence)
    equal = {kind for kind, level in numbers.items() if level == Level.SAME}
    if equal:
        rules = _rules_of_equal_numbers(equal, first=first, second=second, name=name, date=date)
    else:
        rules = _rules_without_number(name=name, date=date, gender=gender, ward=ward)
    if numbers.get(IdentifierKind.CITIZEN_NUMBER) is Level.DIFFERENT:
        rules = (Rule.CITIZEN_NUMBERS_DIFFER, *rules)
    return MatchResult(
        match_class=_class_of(weight_bits, rules=rules, has_equal_number=bool(equal), weights=weights),
        weight_bits=weight_bits,
        evidence=evidence,
        rules=rules,
    )


def _class_of(
    weight_bits: float, *, rules: tuple[Rule, ...], has_equal_number: bool, weights: MatchWeights
) -> MatchClass:
    if weight_bits >= weights.automatic_bits and not rules:
        return MatchClass.AUTOMATIC
    # An equal number of two citizens is always somebody's mistake, so somebody looks.
    if weight_bits >= weights.review_bits or has_equal_number:
        return MatchClass.REVIEW
    return MatchClass.NONE


def _rules_of_equal_numbers(
    equal: set[str], *, first: Compared, second: Compared, name: str, date: str
) -> tuple[Rule, ...]:
    is_other_name = name in _OTHER_NAMES and _given_distance(first, second) > 1
    is_other_date = date in (Level.DIFFERENT, Level.SAME_YEAR)
    if is_other_name or (is_other_date and name not in _SURE_NAMES):
        return (Rule.NUMBER_EQUAL_PERSON_DIFFERS,)
    # A father lends his card to the son of his name, a twin to the other: day, year and given name have to agree.
    is_same_year = first.facts.birth_date[:4] == second.facts.birth_date[:4]
    if equal == {IdentifierKind.INSURANCE_NUMBER} and (
        name == NameClass.DIFFERENT
        or is_other_date
        or not is_same_year
        or not _is_same_given(first, second, name)
    ):
        return (Rule.INSURANCE_NUMBER_ALONE,)
    return ()


def _is_same_given(first: Compared, second: Compared, name: str) -> bool:
    """Whether the given names are one: with their accents where both have them."""
    if name == NameClass.REORDERED:
        return True
    if name in _WHOLE_NAME:
        return _given_distance(first, second) == 0
    return first.name.words[-1:] == second.name.words[-1:]


def _rules_without_number(*, name: str, date: str, gender: str, ward: str) -> tuple[Rule, ...]:
    rules = []
    if date != Level.SAME:
        rules.append(Rule.NO_NUMBER_AND_NO_DAY)
    if name not in _SURE_NAMES:
        rules.append(Rule.NO_NUMBER_AND_NAME_UNSURE)
    if gender != Level.SAME or ward == Level.DIFFERENT:
        rules.append(Rule.NO_NUMBER_AND_OTHER_PLACE)
    return tuple(rules)


_SURE_NAMES = frozenset({NameClass.SAME, NameClass.EQUIVALENT})
_OTHER_NAMES = frozenset(
    {NameClass.DIFFERENT, NameClass.DIFFERENT_ACCENT, Level.SIMILAR, Level.MIDDLE_DIFFERS}
)


def _name_level(first: Compared, second: Compared) -> str:
    if not first.words or not second.words:
        return Level.ABSENT
    found = compare_prepared(first.name, second.name).cls
    if found is not NameClass.DIFFERENT:
        return found
    if first.words[0] == second.words[0] and first.words[-1] == second.words[-1]:
        return Level.MIDDLE_DIFFERS
    is_similar = ratio(" ".join(first.words), " ".join(second.words)) >= SIMILAR_RATIO
    return Level.SIMILAR if is_similar else NameClass.DIFFERENT


def _given_distance(first: Compared, second: Compared) -> int:
    """Typing errors between the folded given names; 2 stands for more."""
    if not first.words or not second.words:
        return 2
    return OSA.distance(first.words[-1], second.words[-1], score_cutoff=1)


def _name_weight(first: Compared, second: Compared, level: str, weights: MatchWeights) -> float:
    """The weight of a name: agreeing in Nguyễn Văn Hùng says less than agreeing in Tẩn A Páo."""
    if level in _WHOLE_NAME:
        words = first.words if len(first.words) <= len(second.words) else second.words
        chance_bits = min(weights.name_bits(first.words), weights.name_bits(second.words))
        if level in (NameClass.MISSING_MIDDLE, NameClass.ABBREVIATED):
            chance_bits = weights.name_bits((words[0], words[-1]))
        return weights.match_bits("full_name", level) + chance_bits
    return weights.of("full_name", level)


_WHOLE_NAME = frozenset({
    NameClass.SAME, NameClass.EQUIVALENT, NameClass.NEAR, NameClass.ACCENTLESS, NameClass.REORDERED,
    NameClass.MISSING_MIDDLE, NameClass.ABBREVIATED,
})  # fmt: skip
"""Levels at which (nearly) the whole name agrees, so that its own frequency and not the level's counts."""


def _date_level(first: str, second: str) -> Level:
    if not first or not second:
        return Level.ABSENT
    if has_no_day(first) or has_no_day(second):
        return Level.YEAR_ONLY if first[:4] == second[:4] else _by_digits(first[:4], second[:4])
    if first == second:
        return Level.SAME
    if first[:4] == second[:4] and first[5:] == f"{second[8:]}-{second[5:7]}":
        return Level.DAY_MONTH_SWAPPED
    digits = _by_digits(first, second)
    return digits if digits is Level.ONE_DIGIT or first[:4] != second[:4] else Level.SAME_YEAR


def _by_digits(first: str, second: str) -> Level:
    return Level.ONE_DIGIT if OSA.distance(first, second) == 1 else Level.DIFFERENT


def _plain_level(first: str, second: str) -> Level:
    if not first or not second:
        return Level.ABSENT
    return Level.SAME if first == second else Level.DIFFERENT


def _number_level(first: Compared, second: Compared, kind: str) -> Level:
    """Equal if any two are; different if both are strong; a typed one may be one digit off, and else says nothing.

    Twins registered together hold numbers one digit apart, so a digit is a typing error only where somebody typed.
    """
    mine, others = first.numbers.get(kind), second.numbers.get(kind)
    if not mine or not others:
        return Level.ABSENT
    if mine & others:
        return Level.SAME
    if kind in first.strong and kind in second.strong:
        return Level.DIFFERENT
    is_near = any(OSA.distance(a, b) == 1 for a in mine for b in others)
    return Level.ONE_DIGIT if is_near else Level.ABSENT


def _by_kind(identifiers: tuple[tuple[str, str], ...]) -> dict[str, frozenset[str]]:
    """Numbers by kind; an insurance card holds the insurance number in its last ten characters."""
    found: dict[str, set[str]] = {}
    for kind, value in identifiers:
        if kind == IdentifierKind.INSURANCE_CARD:
            found.setdefault(IdentifierKind.INSURANCE_NUMBER, set()).add(value[-10:])
        else:
            found.setdefault(kind, set()).add(value)
    return {kind: frozenset(values) for kind, values in found.items()}
