"""Insurance numbers in their three forms, facility codes, and the error family."""

import pytest

from standards import errors
from standards.errors import (
    BenefitLevelUnknown,
    FacilityCodeForm,
    FormatError,
    InsuranceNumberForm,
    InsuranceNumberLength,
)
from standards.facility_code import parse_facility_code
from standards.insurance_card import (
    InsuranceNumberKind,
    InsuranceNumberWarning,
    object_groups,
    parse_insurance_number,
)


def test_fifteen_characters_are_group_level_province_and_bhxh_number() -> None:
    number = parse_insurance_number("gd 4 06 9912345678")
    assert number.kind is InsuranceNumberKind.CARD15
    assert (number.object_group, number.benefit_level, number.issuing_province) == ("GD", 4, "06")
    assert number.bhxh_number == "9912345678"
    assert number.text == "GD4069912345678"
    assert number.warnings == ()


def test_ten_digits_are_a_bhxh_number_without_group_and_level() -> None:
    number = parse_insurance_number("9912345678")
    assert (number.kind, number.bhxh_number, number.object_group) == (
        InsuranceNumberKind.BHXH10,
        "9912345678",
        None,
    )


def test_twelve_digits_are_a_personal_number() -> None:
    number = parse_insurance_number("099 085 000 001")
    assert (number.kind, number.text, number.bhxh_number) == (
        InsuranceNumberKind.CITIZEN12,
        "099085000001",
        None,
    )


@pytest.mark.parametrize("length", [0, 1, 9, 11, 13, 14, 16])
def test_other_lengths_are_refused_with_the_count(length: int) -> None:
    with pytest.raises(InsuranceNumberLength) as caught:
        parse_insurance_number("9" * length)
    assert caught.value.facts == {"char_count": length}


@pytest.mark.parametrize(
    "text", ["99123456A8", "09908500000A", "G44069912345678", "GD4069912345A78", "ıd4069912345678"]
)
def test_a_letter_at_the_wrong_place_is_refused(text: str) -> None:
    with pytest.raises(InsuranceNumberForm):
        parse_insurance_number(text)


@pytest.mark.parametrize("level", "06789")
def test_a_level_outside_one_to_five_is_refused(level: str) -> None:
    with pytest.raises(BenefitLevelUnknown):
        parse_insurance_number(f"GD{level}069912345678")


def test_unknown_group_and_province_are_warnings() -> None:
    number = parse_insurance_number("ZZ4999912345678")
    assert number.warnings == (
        InsuranceNumberWarning.OBJECT_GROUP_UNKNOWN,
        InsuranceNumberWarning.ISSUING_PROVINCE_UNKNOWN,
    )


def test_all_46_groups_are_known() -> None:
    assert len(object_groups()) == 46
    for group in object_groups():
        assert parse_insurance_number(f"{group}4199912345678").warnings == ()


def test_no_number_stands_in_repr() -> None:
    for text in ("GD4069912345678", "9912345678", "099085000001"):
        assert text[-8:] not in repr(parse_insurance_number(text))


@pytest.mark.parametrize("text", ["19001", "01A3B", " 06k1z "])
def test_facility_codes_may_hold_letters_in_the_last_three(text: str) -> None:
    assert parse_facility_code(text).code == text.strip().upper()


@pytest.mark.parametrize("text", ["1900", "190011", "A9001", "19-01", "", "1900ı", "１9001"])
def test_other_facility_codes_are_refused(text: str) -> None:
    with pytest.raises(FacilityCodeForm):
        parse_facility_code(text)


def _all_errors() -> list[type[FormatError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, FormatError) and value is not FormatError
    ]


def test_every_error_can_be_built_bare_and_has_its_own_reason() -> None:
    kinds = _all_errors()
    assert len(kinds) >= 20
    for kind in kinds:
        error = kind()
        assert error.reason.isupper()
        assert error.vi.endswith(".")
        assert str(error) == error.en
        assert error.field == kind.default_field
        assert kind("other", count=1).field == "other"
    assert len({kind.reason for kind in kinds}) == len(kinds)
    assert len({kind.vi for kind in kinds}) == len(kinds)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert errors.__doc__ is not None
    for kind in _all_errors():
        assert kind.__name__ in errors.__doc__
