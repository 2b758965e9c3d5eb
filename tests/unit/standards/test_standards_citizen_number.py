"""Personal numbers: what is read, what is refused, what is only doubted."""

from datetime import date

import pytest

from standards.citizen_number import (
    CitizenNumberWarning,
    cross_check,
    known_prefixes,
    parse_citizen_number,
    parse_old_number,
)
from standards.errors import LetterInNumber, NotTwelveDigits, OldNumberNotNineDigits


@pytest.mark.parametrize(
    ("text", "year", "gender"),
    [
        ("099085000001", 1985, "male"),
        ("099185000001", 1985, "female"),
        ("099215000001", 2015, "male"),
        ("099300000001", 2000, "female"),
        ("099499000001", 2199, "male"),
        ("099999000001", 2399, "female"),
    ],
)
def test_fourth_digit_gives_century_and_gender(text: str, year: int, gender: str) -> None:
    number = parse_citizen_number(text)
    assert (number.birth_year, number.gender, number.province_prefix) == (year, gender, "099")


def test_spaces_dots_and_hyphens_between_digits_are_skipped() -> None:
    assert parse_citizen_number(" 099 085.000-001\u200b\r\n").digits == "099085000001"


@pytest.mark.parametrize("text", ["09908500000", "0990850000012", "", "  "])
def test_other_than_twelve_digits_is_refused_with_the_count(text: str) -> None:
    with pytest.raises(NotTwelveDigits) as caught:
        parse_citizen_number(text)
    assert caught.value.facts == {"digit_count": len(text.strip())}
    assert text.strip() == "" or text not in str(caught.value)


@pytest.mark.parametrize("text", ["09908500000O", "٠٩٩٠٨٥٠٠٠٠٠١", "０９９０８５０００００１", "099085²00001"])
def test_anything_but_ascii_digits_is_refused(text: str) -> None:
    with pytest.raises(LetterInNumber):
        parse_citizen_number(text)


def test_the_number_is_left_out_of_repr() -> None:
    assert "099085000001" not in repr(parse_citizen_number("099085000001"))


def test_there_are_63_prefixes_and_099_is_none_of_them() -> None:
    assert len(known_prefixes()) == 63
    assert "099" not in known_prefixes()


def test_the_prefix_of_a_province_that_is_no_more_stays_known() -> None:
    assert known_prefixes()["006"] == "Tỉnh Bắc Kạn"
    number = parse_citizen_number("006085000001")
    assert cross_check(number, birth_date=date(1985, 12, 31), gender="male") == ()


def test_unknown_prefix_is_a_warning_only() -> None:
    assert cross_check(parse_citizen_number("099085000001")) == (CitizenNumberWarning.PREFIX_UNKNOWN,)


def test_year_and_gender_that_disagree_are_warnings_only() -> None:
    warnings = cross_check(parse_citizen_number("019085000001"), birth_date=date(1986, 1, 1), gender="female")
    assert warnings == (CitizenNumberWarning.BIRTH_YEAR_DIFFERS, CitizenNumberWarning.GENDER_DIFFERS)


@pytest.mark.parametrize("gender", ["unknown", "other", None])
def test_a_gender_that_is_not_stated_is_not_compared(gender: str | None) -> None:
    assert cross_check(parse_citizen_number("019085000001"), gender=gender) == ()


def test_old_number_has_nine_digits() -> None:
    assert parse_old_number("099 123 456") == "099123456"
    with pytest.raises(OldNumberNotNineDigits) as caught:
        parse_old_number("09912345")
    assert caught.value.facts == {"digit_count": 8}
    with pytest.raises(LetterInNumber):
        parse_old_number("09912345A")
