"""Claims about the seeded citizens."""

from __future__ import annotations

import csv
import json
import unicodedata
from datetime import date
from importlib import resources

import pytest

from sandbox.__main__ import main
from sandbox.dirt import DIRT, SLOTS
from sandbox.population import build_population

PEOPLE = build_population(year=2026)


def test_the_same_seed_gives_the_same_people() -> None:
    assert build_population(7, year=2026, count=150) == build_population(7, year=2026, count=150)


def test_another_seed_gives_other_people() -> None:
    numbers = set(build_population(7, year=2026, count=150).by_personal_number)

    assert not numbers & set(build_population(8, year=2026, count=150).by_personal_number)


def test_a_smaller_population_is_the_start_of_the_larger_one() -> None:
    assert build_population(year=2026, count=120).people == PEOPLE.people[:120]


def test_every_class_of_dirt_is_carried_by_several_people_and_most_are_clean() -> None:
    for name in DIRT:
        assert len(PEOPLE.find([name], count=100)) >= 12, name
    assert sum(person.dirt == ("clean",) for person in PEOPLE.people) > 1_400


def test_the_first_person_of_a_class_carries_nothing_else() -> None:
    for name in DIRT:
        assert PEOPLE.find([name])[0].dirt == (name,)


def test_citizen_numbers_have_the_unassigned_prefix_and_fit_gender_and_birth() -> None:
    for person in PEOPLE.people:
        number, born = person.card.personal_number, person.card.birth_date
        assert number[:3] == "099"
        assert len(number) == 12
        assert int(number[3]) == (0 if born.year < 2000 else 2) + (person.card.gender == "Nữ")
        assert int(number[4:6]) == born.year % 100


def test_the_card_qr_has_seven_fields_with_dates_as_ddmmyyyy() -> None:
    for person in PEOPLE.people[:200]:
        fields = person.card.qr_text().split("|")
        assert len(fields) == 7
        assert fields[3] == person.card.birth_date.strftime("%d%m%Y")
        assert fields[1] == "" or (len(fields[1]) == 9 and fields[1].isdigit())


def test_nobody_is_born_after_the_card_was_issued() -> None:
    assert all(person.card.birth_date < person.card.issue_date for person in PEOPLE.people)


def test_insurance_numbers_have_fifteen_characters_and_end_in_the_social_number() -> None:
    for person in PEOPLE.people:
        if person.portal is not None:
            assert len(person.portal.card.number) == 15
            assert person.portal.card.number[5:] == person.portal.social_number


def test_people_live_in_communes_of_the_shipped_table_mostly_in_the_new_thai_nguyen() -> None:
    with resources.files("sandbox").joinpath("data/communes.csv").open(encoding="utf-8") as table:
        pairs = {(row["old_ward_code"], row["new_ward_code"]): row for row in csv.DictReader(table)}

    homes = [pairs[(person.old_ward_code, person.new_ward_code)] for person in PEOPLE.people]

    assert sum(home["old_province_code"] == "06" for home in homes) > 500
    assert sum(home["old_province_code"] == "19" for home in homes) > 500
    assert 50 < sum(home["new_province_code"] != "19" for home in homes) < 400
    assert len({home["old_ward_code"] for home in homes}) > 250


def test_an_old_address_names_the_former_province_and_carries_its_codes() -> None:
    person = PEOPLE.find(["old_address"])[0]

    assert person.card.address.endswith("Tỉnh Bắc Kạn")
    assert person.portal is not None
    assert person.portal.card.number[3:5] == "06"
    assert person.portal.card.facility_code == "06999"
    assert person.register is not None
    assert person.register.address.endswith("Tỉnh Thái Nguyên")


def test_a_disputed_person_differs_from_the_register_in_name_and_birth_and_is_insured() -> None:
    person = PEOPLE.find(["disputed"])[0]

    assert person.register is not None
    assert person.register.full_name != person.card.full_name
    assert person.register.birth_text != person.card.birth_date.isoformat()
    assert person.portal is not None
    assert person.portal.full_name == person.card.full_name


def test_spoilt_letters_are_really_spoilt() -> None:
    decomposed = PEOPLE.find(["nfd_text"])[0].card.full_name
    assert unicodedata.normalize("NFC", decomposed) != decomposed
    assert "?" in PEOPLE.find(["scanner_damaged"])[0].card.full_name
    assert PEOPLE.find(["accentless_name"])[0].card.full_name.isascii()
    assert "\u200b" in PEOPLE.find(["odd_spaces"])[0].card.full_name
    assert "\u00d0" in PEOPLE.find(["lookalike_letters"])[0].card.full_name


def test_a_split_commune_has_several_new_ones() -> None:
    wards = {person.old_ward_code for person in PEOPLE.find(["split_commune"], count=50)}

    assert wards <= {"05461", "05467", "05932"}


def test_classes_can_be_asked_for_together() -> None:
    person = PEOPLE.find(["tone_placement", "old_address"])[0]

    assert person.dirt == ("old_address", "tone_placement")


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(KeyError, match="dusty"):
        PEOPLE.find(["dusty"])


def test_slots_hold_known_classes_only() -> None:
    assert {name for slot in SLOTS for name in slot} == set(DIRT)


def test_the_command_prints_the_qr_strings_of_a_class(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "--class", "disputed", "--count", "3", "--json", "--year", "2026"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert [row["dirt"] for row in printed] == [["disputed"]] * 3
    assert printed[0]["qr_text"] == PEOPLE.find(["disputed"])[0].card.qr_text()
    assert date.fromisoformat(printed[0]["card"]["birth_date"])


def test_the_command_refuses_an_unknown_class(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "--class", "dusty"]) == 2
    assert "dusty" in capsys.readouterr().err
