"""Reading one row of a register file: numbers as spreadsheets leave them, dates, genders, names, places."""

from __future__ import annotations

from datetime import date

import pytest

from identity_svc.domain.model import Gender, IdentifierKind, TextQuality
from identity_svc.domain.register_file import RegisterField
from identity_svc.domain.register_file_row import RegisterPerson, RowFault, read_date, read_row
from identity_svc.domain.register_file_words import words_of
from identity_svc.domain.residence import ResidenceKind
from tests.support.legacy_encodings import as_tcvn3

AS_OF = date(2026, 1, 1)
CLEAN = {
    RegisterField.CITIZEN_NUMBER: "099190000017",
    RegisterField.FULL_NAME: "Nguyễn Thị Hòa",
    RegisterField.BIRTH_DATE: "02/03/1990",
    RegisterField.GENDER: "Nữ",
    RegisterField.ADDRESS: "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
}
F = RegisterField


def read(*, as_of: date = AS_OF, **changed: str) -> RegisterPerson | RowFault:
    values = CLEAN | {RegisterField(name.upper()): value for name, value in changed.items()}
    places = {field: place for place, field in enumerate(values)}
    return read_row(list(values.values()), places, column_count=len(values), as_of=as_of)


def person(**changed: str) -> RegisterPerson:
    found = read(**changed)
    assert isinstance(found, RegisterPerson), found
    return found


def test_a_clean_row_is_a_person_with_commune_in_force() -> None:
    found = person()

    assert found.identifiers == ((IdentifierKind.CITIZEN_NUMBER, "099190000017"),)
    assert (found.full_name, found.birth_date, found.gender) == (
        "Nguyễn Thị Hòa",
        "1990-03-02",
        Gender.FEMALE,
    )
    assert (found.residence.ward_in_force, found.residence.old_ward_code) == ("01906", "01909")
    assert found.text_quality is TextQuality.GOOD
    assert found.issue_date == ""
    assert found.warnings == ("UNKNOWN_PREFIX",)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("02/03/1990", "1990-03-02"),
        ("2-3-1990", "1990-03-02"),
        ("02.03.1990", "1990-03-02"),
        ("1990-03-02", "1990-03-02"),
        ("1990-03-02 00:00:00", "1990-03-02"),
        ("1990-03-02T00:00:00", "1990-03-02"),
        ("19900302", "1990-03-02"),
        ("199003020000", "1990-03-02"),
        ("03/1990", "1990-03"),
        ("00/03/1990", "1990-03"),
        ("00/00/1990", "1990"),
        ("1990", "1990"),
        ("31/02/1990", ""),
        ("02/13/1990", ""),
        ("01/00/1990", ""),
        ("02/03/90", ""),
        ("02/03/1899", ""),
        ("32945", ""),
        ("hai tháng ba", ""),
    ],
)
def test_dates_are_read_day_first_and_never_guessed(text: str, meant: str) -> None:
    assert read_date(text) == meant


@pytest.mark.parametrize(
    ("text", "gender"),
    [("Nam", "male"), ("NỮ", "female"), ("nu", "female"), ("F", "female"), ("1", "male"), ("2", "female")],
)
def test_genders_are_read_in_every_usual_form(text: str, gender: str) -> None:
    assert person(gender=text).gender == gender


@pytest.mark.parametrize(
    ("text", "identifier", "warning"),
    [
        ("099.190.000.017", (IdentifierKind.CITIZEN_NUMBER, "099190000017"), "UNKNOWN_PREFIX"),
        ("'099190000017", (IdentifierKind.CITIZEN_NUMBER, "099190000017"), "UNKNOWN_PREFIX"),
        ("99190000017", (IdentifierKind.CITIZEN_NUMBER, "099190000017"), "LEADING_ZEROS_RESTORED"),
        ("99190000017.0", (IdentifierKind.CITIZEN_NUMBER, "099190000017"), "LEADING_ZEROS_RESTORED"),
        ("123456789", (IdentifierKind.OLD_IDENTITY_NUMBER, "123456789"), "OLD_NUMBER_IN_CITIZEN_COLUMN"),
        ("099290000017", (IdentifierKind.CITIZEN_NUMBER, "099290000017"), "NUMBER_CONTRADICTS_GENDER"),
        ("099191000017", (IdentifierKind.CITIZEN_NUMBER, "099191000017"), "NUMBER_CONTRADICTS_BIRTH_DATE"),
    ],
)
def test_citizen_numbers_as_spreadsheets_leave_them(
    text: str, identifier: tuple[IdentifierKind, str], warning: str
) -> None:
    found = person(citizen_number=text)

    assert found.identifiers == (identifier,)
    assert warning in found.warnings


def test_zeros_are_put_back_only_where_the_number_then_agrees_with_the_row() -> None:
    assert read(citizen_number="99190000017", birth_date="02/03/1991") == RowFault(
        field=F.CITIZEN_NUMBER, reason="NOT_TWELVE_DIGITS"
    )


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"citizen_number": "9.919E+10"}, F.CITIZEN_NUMBER, "NUMBER_IN_SCIENTIFIC_FORM"),
        ({"citizen_number": "09919000O017"}, F.CITIZEN_NUMBER, "LETTER_IN_NUMBER"),
        ({"citizen_number": "12345"}, F.CITIZEN_NUMBER, "NOT_TWELVE_DIGITS"),
        ({"citizen_number": ""}, F.CITIZEN_NUMBER, "IDENTIFIER_MISSING"),
        ({"old_number": "1234"}, F.OLD_NUMBER, "OLD_NUMBER_NOT_NINE_DIGITS"),
        ({"insurance_number": "12"}, F.INSURANCE_NUMBER, "INSURANCE_NUMBER_LENGTH"),
        ({"birth_date": "NULL"}, F.BIRTH_DATE, "BIRTH_DATE_MISSING"),
        ({"birth_date": "31/02/1990"}, F.BIRTH_DATE, "IMPOSSIBLE_DATE"),
        ({"birth_date": "02/01/2026"}, F.BIRTH_DATE, "BIRTH_DATE_IN_FUTURE"),
        ({"gender": ""}, F.GENDER, "GENDER_MISSING"),
        ({"gender": "khác"}, F.GENDER, "GENDER_UNREADABLE"),
        ({"full_name": " - "}, F.FULL_NAME, "NAME_MISSING"),
        ({"full_name": "x" * 300}, F.FULL_NAME, "NAME_TOO_LONG"),
        ({"address": "x" * 600}, F.ADDRESS, "ADDRESS_TOO_LONG"),
        ({"address": "x" * 3_000}, F.ADDRESS, "VALUE_TOO_LONG"),
    ],
)
def test_a_row_that_cannot_be_right_names_its_field_and_reason(
    changed: dict[str, str], field: RegisterField, reason: str
) -> None:
    assert read(**changed) == RowFault(field=field, reason=reason)
    assert words_of(reason).vi
    assert words_of(reason).en


def test_a_row_of_another_length_has_slipped() -> None:
    places = {field: place for place, field in enumerate(CLEAN)}

    for cells in ([*CLEAN.values()][:-1], [*CLEAN.values(), "thừa"]):
        assert read_row(cells, places, column_count=len(CLEAN), as_of=AS_OF) == RowFault(
            field=None, reason="COLUMN_COUNT_WRONG"
        )
    # Separators at the end of a line mean nothing.
    assert isinstance(
        read_row([*CLEAN.values(), "", " "], places, column_count=len(CLEAN), as_of=AS_OF), RegisterPerson
    )


def test_numbers_of_other_columns_are_read_by_their_length() -> None:
    found = person(old_number="123 456 789", insurance_number="gd4969690012345")

    assert found.identifiers[1:] == (
        (IdentifierKind.OLD_IDENTITY_NUMBER, "123456789"),
        (IdentifierKind.INSURANCE_CARD, "GD4969690012345"),
    )
    assert person(insurance_number="099190000017").identifiers == person().identifiers


def test_a_name_in_parts_and_a_name_in_capitals_are_one_name() -> None:
    values = {field: value for field, value in CLEAN.items() if field is not F.FULL_NAME}
    values |= {F.GIVEN_NAME: "HÒA", F.FAMILY_NAME: "NGUYỄN", F.MIDDLE_NAME: "THỊ"}
    places = {field: place for place, field in enumerate(values)}

    found = read_row(list(values.values()), places, column_count=len(values), as_of=AS_OF)

    assert isinstance(found, RegisterPerson)
    assert found.full_name == person(full_name="NGUYỄN THỊ HÒA").full_name == "Nguyễn Thị Hòa"


def test_a_cell_of_the_old_fonts_in_a_unicode_file_is_put_right() -> None:
    found = person(full_name=as_tcvn3("Nguyễn Thị Hằng"))

    assert found.full_name == "Nguyễn Thị Hằng"
    assert "TEXT_REPAIRED" in found.warnings


@pytest.mark.parametrize(
    ("name", "quality"),
    [("Nguy\ufffdn Thị Hòa", TextQuality.DAMAGED), ("Nguy?n Th? H?a", TextQuality.DAMAGED)],
)
def test_lost_letters_are_noticed(name: str, quality: TextQuality) -> None:
    assert person(full_name=name).text_quality is quality


def test_a_place_in_columns_reads_like_one_in_words_and_is_said_once() -> None:
    parts = {
        "address": "Thôn Nà Phại",
        "ward_name": "Xã Nam Mẫu",
        "district_name": "Huyện Ba Bể",
        "province_name": "Tỉnh Bắc Kạn",
    }

    assert (person(**parts).address, person(**parts).residence) == (person().address, person().residence)
    beside = person(**{**parts, "address": CLEAN[F.ADDRESS]})
    assert beside.address == CLEAN[F.ADDRESS]


def test_a_commune_code_counts_where_the_words_name_no_commune() -> None:
    old = read(address="Thôn Nà Phại", ward_code="1909", as_of=date(2025, 6, 30))
    assert isinstance(old, RegisterPerson)
    assert old.residence.ward_in_force == "01906"
    with_district = person(address="", ward_code="01909", district_code="061")
    assert with_district.residence.old_ward_code == "01909"


def test_a_code_that_means_different_communes_before_and_after_is_not_guessed() -> None:
    found = person(address="", ward_code="01906")
    old = person(address="", ward_code="01906", district_code="061")

    assert old.residence.is_settled
    if found.residence.ward_in_force != old.residence.ward_in_force:
        assert found.residence.reason == "VINTAGE_UNKNOWN"


def test_an_unknown_place_keeps_the_person_and_warns() -> None:
    found = person(address="Không rõ nơi ở")

    assert found.residence.kind is ResidenceKind.UNRESOLVED
    assert "ADDRESS_UNRESOLVED" in found.warnings


def test_values_never_stand_in_the_text_form_of_a_person() -> None:
    shown = repr(person(old_number="123456789"))

    assert "Hòa" not in shown
    assert "099190000017" not in shown
    assert "Nam Mẫu" not in shown
