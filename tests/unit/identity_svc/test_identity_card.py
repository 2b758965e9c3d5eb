"""From a card's QR text to facts: what is cleaned, what is doubted, what the register is asked."""

from __future__ import annotations

import unicodedata

import pytest

from identity_svc.domain.card import claim_of, facts_text, is_same_day_or_coarser, read_card
from identity_svc.domain.model import CardWarning, Gender, TextQuality
from standards.errors import FormatError
from tests.support.identity import card_text


def test_the_seven_fields_become_facts() -> None:
    card = read_card(card_text(old_number="099123456"))

    assert (card.citizen_number, card.old_number) == ("099190000017", "099123456")
    assert (card.full_name, card.birth_date, card.gender) == ("Nguyễn Thị Hòa", "1990-03-02", Gender.FEMALE)
    assert card.issue_date == "2022-06-15"
    assert card.text_quality is TextQuality.GOOD


def test_the_name_is_kept_canonical_and_asked_as_printed() -> None:
    card = read_card(card_text(name="Nguyễn Thị Hoà"))

    assert card.full_name == "Nguyễn Thị Hòa"
    assert claim_of(card).full_name == "Nguyễn Thị Hoà"


@pytest.mark.parametrize(
    "name",
    ["Nguyễn\u00a0Thị \u200bĐức", unicodedata.normalize("NFD", "Nguyễn Thị Đức"), "Nguyễn Thị \u00d0ức"],
)
def test_faults_of_scanners_and_code_pages_do_not_reach_the_register(name: str) -> None:
    assert claim_of(read_card(card_text(name=name))).full_name == "Nguyễn Thị Đức"


def test_two_scans_of_one_card_have_the_same_facts() -> None:
    plain, decomposed = card_text(), unicodedata.normalize("NFD", card_text()) + "\r\n"

    assert facts_text(read_card(plain)) == facts_text(read_card(decomposed))


def test_each_other_value_makes_other_facts() -> None:
    texts = {
        facts_text(read_card(card_text(**changed)))
        for changed in (
            {},
            {"number": "099190000025"},
            {"old_number": "099123456"},
            {"name": "Nguyễn Thị Hoa"},
            {"birth": "03031990"},
            {"gender": "Nam"},
            {"address": "Xã Ba Bể, Thái Nguyên"},
            {"issue": "16062022"},
        )
    }

    assert len(texts) == 8


def test_a_damaged_text_is_not_sent_to_the_register() -> None:
    claim = claim_of(read_card(card_text(name="Nguy?n Th? Hòa")))

    assert (claim.full_name, claim.address) == ("", "")
    assert claim.birth_date == "1990-03-02"


def test_doubts_about_the_number_are_warnings() -> None:
    card = read_card(card_text(number="099200000017"))

    assert set(card.warnings) == {
        CardWarning.UNKNOWN_PREFIX,
        CardWarning.NUMBER_CONTRADICTS_BIRTH_DATE,
        CardWarning.NUMBER_CONTRADICTS_GENDER,
    }


def test_a_cancelled_number_of_twelve_digits_stands_in_the_old_numbers_place() -> None:
    assert read_card(card_text(old_number="099190000025")).old_number == "099190000025"


def test_facts_do_not_show_personal_values_in_their_repr() -> None:
    shown = repr(read_card(card_text(old_number="099123456")))

    for secret in ("099190000017", "099123456", "Hòa", "1990", "Nam Mẫu"):
        assert secret not in shown


@pytest.mark.parametrize("text", ["", "|", "1|2|3|4|5|6|7", "\u0000", "09919000001a||||||"])
def test_anything_else_is_a_format_error(text: str) -> None:
    with pytest.raises(FormatError):
        read_card(text)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1950", "1950-01-01", True),
        ("1950-01-01", "1950", True),
        ("1950-01-01", "1950-01-02", False),
        ("1951", "1950-01-01", False),
    ],
)
def test_dates_agree_as_far_as_both_tell(first: str, second: str, same: bool) -> None:
    assert is_same_day_or_coarser(first, second) is same
