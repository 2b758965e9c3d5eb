"""The QR text of paper insurance cards: what is read, what is put right, what is refused with advice."""

from datetime import date

import pytest

from standards.errors import (
    BenefitLevelUnknown,
    FormatError,
    ImpossibleDate,
    InsuranceQrTooLong,
    InsuranceQrTruncated,
    InsuranceQrUnreadable,
    NotAnInsuranceQr,
    ScannerImeOn,
    ScannerLayoutWrong,
)
from standards.insurance_card import InsuranceNumberKind
from standards.insurance_qr import MAX_INSURANCE_QR_CHARS, parse_insurance_qr
from standards.scanner_text import ScanWarning


def card_text(
    *,
    number: str = "GD4069912345678",
    name: str = "Nguyễn Thị Hòa",
    birth: str = "02/03/1990",
    gender: str = "2",
    tail: str = "99069912345678|-|5|01/01/2026|0a1b2c-7102|$",
) -> str:
    address = "Xã Nam Mẫu, Huyện Ba Bể".encode().hex()
    known = (
        number,
        name.encode().hex(),
        birth,
        gender,
        address,
        "06 - 011",
        "01/01/2025",
        "31/12/2025",
        "20/12/2024",
    )
    return "|".join((*known, tail))


def test_a_card_is_read_field_by_field() -> None:
    card = parse_insurance_qr(card_text())

    assert (card.number.text, card.number.kind) == ("GD4069912345678", InsuranceNumberKind.CARD15)
    assert (card.full_name, card.birth_date, card.gender) == ("Nguyễn Thị Hòa", "1990-03-02", "female")
    assert card.address == "Xã Nam Mẫu, Huyện Ba Bể"
    assert card.facility_code == "06011"
    assert (card.valid_from_date, card.valid_until_date) == (date(2025, 1, 1), date(2025, 12, 31))
    assert card.issue_date == date(2024, 12, 20)
    assert (card.area, card.five_years_date) == ("K1", date(2026, 1, 1))
    assert card.extra == ("99069912345678", "-", "5", "01/01/2026", "0a1b2c-7102")
    assert card.warnings == ()


def test_a_ten_digit_number_and_missing_fields_are_accepted() -> None:
    card = parse_insurance_qr("9912345678|" + b"An".hex() + "|1950|-|-|-|-|-|-|$")

    assert (card.number.kind, card.number.bhxh_number) == (InsuranceNumberKind.BHXH10, "9912345678")
    assert (card.birth_date, card.gender, card.address, card.facility_code) == ("1950", "", "", "")
    assert (card.valid_from_date, card.area, card.five_years_date) == (None, "", None)
    assert card.warnings == (ScanWarning.BIRTH_DATE_INCOMPLETE,)


@pytest.mark.parametrize(
    ("written", "read"), [("00/00/1950", "1950"), ("00/07/1950", "1950-07"), ("29/02/2000", "2000-02-29")]
)
def test_a_birth_date_is_read_as_far_as_it_goes(written: str, read: str) -> None:
    assert parse_insurance_qr(card_text(birth=written)).birth_date == read


def test_vni_typing_of_a_number_is_undone_where_only_one_number_is_possible() -> None:
    card = parse_insurance_qr(card_text(number="TÉ060123456789"[:2] + "0699123456789"[:12]))

    assert card.number.text.startswith("TE1")
    assert card.warnings == (ScanWarning.INPUT_METHOD,)


@pytest.mark.parametrize("other", list("}~¦'"))
def test_a_separator_of_another_layout_is_recognised(other: str) -> None:
    card = parse_insurance_qr(card_text().replace("|", other))
    assert card.warnings == (ScanWarning.SEPARATOR_REPLACED,)


BAD = [
    ("", NotAnInsuranceQr, "insurance_qr"),
    ("099190000017||Nguyễn Thị Hòa|02031990|Nữ||", NotAnInsuranceQr, "insurance_qr"),
    ("https://example.vn/the-bhyt", NotAnInsuranceQr, "insurance_qr"),
    (card_text()[:40], InsuranceQrTruncated, "insurance_qr"),
    (card_text(number="GD9069912345678"), BenefitLevelUnknown, "insurance_number"),
    (card_text(birth="30/02/1990"), ImpossibleDate, "birth_date"),
    (card_text(birth="01/00/1990"), ImpossibleDate, "birth_date"),
    (card_text(gender="3"), InsuranceQrUnreadable, "gender"),
    (card_text().replace("06 - 011", "06 - 0"), InsuranceQrUnreadable, "facility_code"),
    (card_text().replace("4e677579", "4e67757"), InsuranceQrUnreadable, "full_name"),
    (card_text().replace("4e677579e1", "4e677579ff"), InsuranceQrUnreadable, "full_name"),
    (card_text().replace("4e677579e1", "4e677579é"), ScannerImeOn, "full_name"),
    (card_text(number="TÉÉ69912345678"[:15]), NotAnInsuranceQr, "insurance_qr"),
    (card_text(number="TÉ9069912345678"), ScannerImeOn, "insurance_qr"),
    (card_text().replace("|", "~").replace("02/03", "~~/03"), ScannerLayoutWrong, "insurance_qr"),
    ("x" * (MAX_INSURANCE_QR_CHARS + 1), InsuranceQrTooLong, "insurance_qr"),
]


@pytest.mark.parametrize(("text", "refusal", "field"), BAD)
def test_each_bad_text_is_a_typed_error(text: str, refusal: type[FormatError], field: str) -> None:
    with pytest.raises(refusal) as caught:
        parse_insurance_qr(text)

    assert type(caught.value) is refusal
    assert caught.value.field == field
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("cut", range(1, len(card_text()), 3))
def test_a_card_cut_at_any_place_never_passes_with_other_data(cut: int) -> None:
    whole = parse_insurance_qr(card_text())
    try:
        card = parse_insurance_qr(card_text()[:cut])
    except FormatError:
        return
    assert (card.number, card.full_name, card.birth_date) == (whole.number, whole.full_name, whole.birth_date)
    assert cut > len(card_text()) - 60


def test_no_personal_value_stands_in_repr() -> None:
    shown = repr(parse_insurance_qr(card_text()))
    for value in ("GD4069912345678", "Nguyễn", "1990", "Nam Mẫu"):
        assert value not in shown
