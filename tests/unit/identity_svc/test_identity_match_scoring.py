"""What a pair of records is worth, field by field, and the rules that no score overrules."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_svc.domain.linking import Conflict, choose_survivor, conflicts_of
from identity_svc.domain.match_scoring import Compared, Level, MatchClass, MatchResult, Rule, score
from identity_svc.domain.match_weights import WEIGHTS_FILE, load_weights
from identity_svc.domain.match_words import explain_evidence, explain_rule
from identity_svc.domain.matching import MatchFacts, block_keys, pack, pair_digest, unpack
from standards.names import NameClass

WEIGHTS = load_weights()
CITIZEN, INSURANCE = "CITIZEN_NUMBER", "INSURANCE_NUMBER"
RARE = MatchFacts(full_name="Tẩn Thị Mỷ", birth_date="1990-03-02", gender="female", ward_code="01906")
COMMON = replace(RARE, full_name="Nguyễn Văn Hùng", gender="male")


def compare(first: MatchFacts, second: MatchFacts) -> MatchResult:
    return score(Compared(first), Compared(second), WEIGHTS)


def with_number(facts: MatchFacts, kind: str, value: str) -> MatchFacts:
    return replace(facts, identifiers=((kind, value),))


def test_a_rare_name_with_day_gender_and_commune_is_linked_and_a_common_one_is_not() -> None:
    assert compare(RARE, RARE).match_class is MatchClass.AUTOMATIC
    assert compare(COMMON, COMMON).match_class is MatchClass.REVIEW


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (replace(RARE, birth_date="1990"), Rule.NO_NUMBER_AND_NO_DAY),
        (replace(RARE, birth_date="1990-01-01"), Rule.NO_NUMBER_AND_NO_DAY),
        (replace(RARE, full_name="Tan Thi My"), Rule.NO_NUMBER_AND_NAME_UNSURE),
        (replace(RARE, full_name="Tẩn Mỷ"), Rule.NO_NUMBER_AND_NAME_UNSURE),
        (replace(RARE, gender="male"), Rule.NO_NUMBER_AND_OTHER_PLACE),
        (replace(RARE, ward_code="05443"), Rule.NO_NUMBER_AND_OTHER_PLACE),
    ],
)
def test_without_an_equal_number_each_of_these_keeps_two_people_apart(other: MatchFacts, rule: Rule) -> None:
    result = compare(RARE, other)

    assert rule in result.rules
    assert result.match_class is not MatchClass.AUTOMATIC


def test_name_and_birth_year_alone_never_link_whatever_the_weights_say() -> None:
    generous = replace(WEIGHTS, automatic_bits=-100.0)
    facts = MatchFacts(full_name="Tẩn Thị Mỷ", birth_date="1990")

    assert score(Compared(facts), Compared(facts), generous).match_class is MatchClass.REVIEW


def test_two_citizen_numbers_in_use_go_to_a_person_even_when_all_else_agrees() -> None:
    first = replace(RARE, identifiers=((CITIZEN, "099190000017"), (INSURANCE, "9900000001")))
    second = replace(RARE, identifiers=((CITIZEN, "099190000025"), (INSURANCE, "9900000001")))

    result = compare(first, second)

    assert Rule.CITIZEN_NUMBERS_DIFFER in result.rules
    assert result.match_class is MatchClass.REVIEW
    assert Conflict.CITIZEN_NUMBERS_DIFFER in conflicts_of(result)


def test_a_typed_or_ended_number_supports_and_never_contradicts() -> None:
    typed = replace(RARE, weak_identifiers=((CITIZEN, "099190000025"),))

    assert compare(with_number(RARE, CITIZEN, "099190000017"), typed).match_class is MatchClass.AUTOMATIC
    assert (
        compare(
            with_number(COMMON, CITIZEN, "099190000025"), replace(typed, full_name="Nguyễn Văn Hùng")
        ).rules
        == ()
    )


def test_an_equal_number_with_another_name_and_day_goes_to_a_person() -> None:
    other = replace(RARE, full_name="Lầu A Páo", birth_date="1961-11-30")

    result = compare(with_number(RARE, CITIZEN, "099190000017"), with_number(other, CITIZEN, "099190000017"))

    assert result.rules == (Rule.NUMBER_EQUAL_PERSON_DIFFERS,)
    assert result.match_class is MatchClass.REVIEW


@pytest.mark.parametrize(
    "other",
    [
        replace(COMMON, birth_date="1965-03-02"),
        replace(COMMON, full_name="Nguyễn Văn Dũng"),
        replace(COMMON, full_name="Nguyễn Văn Hưng"),
    ],
    ids=["father and son of one name", "twins", "twins a mark apart"],
)
def test_a_lent_insurance_card_does_not_link_relatives(other: MatchFacts) -> None:
    result = compare(
        with_number(COMMON, INSURANCE, "9900000001"), with_number(other, INSURANCE, "9900000001")
    )

    assert result.match_class is MatchClass.REVIEW
    assert result.rules


def test_an_insurance_card_and_its_number_are_one_number() -> None:
    card = with_number(RARE, "INSURANCE_CARD", "GD4199900000001")

    levels = {
        each.field: each.level for each in compare(card, with_number(RARE, INSURANCE, "9900000001")).evidence
    }

    assert levels["insurance_number"] == Level.SAME


@pytest.mark.parametrize(
    ("first", "second", "level"),
    [
        ("1990-03-02", "1990-03-02", Level.SAME),
        ("1990-03-02", "1990-02-03", Level.DAY_MONTH_SWAPPED),
        ("1990-03-02", "1990-03-12", Level.ONE_DIGIT),
        ("1990-03-02", "1990", Level.YEAR_ONLY),
        ("1990-03-02", "1990-01-01", Level.YEAR_ONLY),
        ("1990-01-01", "1990-01-01", Level.YEAR_ONLY),
        ("1990-03-02", "1990-11-25", Level.SAME_YEAR),
        ("1990-03-02", "1961-11-30", Level.DIFFERENT),
        ("1990", "1961", Level.DIFFERENT),
        ("1990-03-02", "", Level.ABSENT),
    ],
)
def test_birth_dates_compare_in_these_levels_from_both_sides(first: str, second: str, level: Level) -> None:
    sides = replace(RARE, birth_date=first), replace(RARE, birth_date=second)

    for pair in (sides, sides[::-1]):
        assert {each.field: each.level for each in compare(*pair).evidence}["birth_date"] == level


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    rare, common = [
        next(each.weight_bits for each in compare(facts, facts).evidence if each.field == "full_name")
        for facts in (RARE, COMMON)
    ]

    assert rare > common + 5


FACTS = st.builds(
    MatchFacts,
    full_name=st.sampled_from(
        ["Nguyễn Văn Hùng", "NGUYEN VAN HUNG", "Hùng Nguyễn Văn", "Tẩn Thị Mỷ", "Lò", "", "?"]
    ),
    birth_date=st.sampled_from(
        ["", "1990", "1990-03", "1990-03-02", "1990-02-03", "1991-03-02", "1990-01-01"]
    ),
    gender=st.sampled_from(["", "male", "female"]),
    ward_code=st.sampled_from(["", "01906", "05443"]),
    identifiers=st.lists(
        st.tuples(
            st.sampled_from([CITIZEN, INSURANCE, "PASSPORT"]), st.sampled_from(["099190000017", "9900000001"])
        ),
        max_size=3,
        unique=True,
    ).map(tuple),
)


@given(FACTS, FACTS)
def test_the_order_of_two_records_does_not_matter(first: MatchFacts, second: MatchFacts) -> None:
    one, other = compare(first, second), compare(second, first)

    assert one.match_class is other.match_class
    assert one.weight_bits == pytest.approx(other.weight_bits)
    assert set(one.rules) == set(other.rules)
    assert pair_digest(first, second) == pair_digest(second, first)


@given(FACTS)
def test_facts_come_back_from_their_packed_form(facts: MatchFacts) -> None:
    assert pack(unpack(pack(facts))) == pack(facts)
    assert len(block_keys(facts)) <= 4


def test_records_with_every_usual_error_share_a_key() -> None:
    keys = set(block_keys(RARE))
    for other in (
        replace(RARE, full_name="TAN THI MY"),
        replace(RARE, full_name="Mỷ Tẩn Thị", birth_date="1990-02-03"),
        replace(RARE, full_name="Tẩn Mỉ"),
        replace(RARE, full_name="Tẩn Thị Mỹ Lan"),
        replace(RARE, birth_date="1990"),
    ):
        assert keys & set(block_keys(other)), other.birth_date


def test_every_level_and_rule_has_words_in_both_languages() -> None:
    content = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    for field, levels in content["chances"].items():
        for level in (*levels, Level.ABSENT):
            assert all(explain_evidence(field, level))
    for level in NameClass:
        assert all(explain_evidence("full_name", level))
    for rule in Rule:
        assert all(explain_rule(rule))


def test_who_has_a_citizen_number_survives_then_the_older() -> None:
    with_one = with_number(RARE, CITIZEN, "099190000017")

    assert choose_survivor([("a", RARE), ("b", with_one)]) == "b"
    assert choose_survivor([("b", with_one), ("a", with_one)]) == "a"
