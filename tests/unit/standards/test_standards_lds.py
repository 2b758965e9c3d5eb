"""Machine-readable zones and data groups: what is read, and the typed error of each fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from standards.errors import FormatError
from standards.icao.errors import (
    ChipDataNesting,
    ChipDataTruncated,
    ChipGroupMalformed,
    ChipGroupTagWrong,
    MrzCharacter,
    MrzCheckDigitWrong,
    MrzImpossibleDate,
    MrzLength,
    MrzNumbersDiffer,
)
from standards.icao.lds import parse_dg1, parse_dg2, parse_dg13
from standards.icao.mrz import MrzForm, check_digit, parse_mrz
from tests.support.chip_maker import NUMBER, dg1, dg2, dg13, td1, td3, tlv

# ICAO Doc 9303 part 5 appendix B (card) and part 4 appendix B (passport): the specimens of Utopia.
SPECIMEN_TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
SPECIMEN_TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def test_the_specimens_of_the_standard_are_read() -> None:
    card, passport = parse_mrz(SPECIMEN_TD1), parse_mrz(SPECIMEN_TD3)

    assert (card.form, card.document_number, card.nationality) == (MrzForm.TD1, "D23145890", "UTO")
    assert (passport.form, passport.document_number) == (MrzForm.TD3, "L898902C3")
    assert passport.personal_number == "ZE184226B"
    for each in (card, passport):
        assert (each.birth_date, each.gender, each.expiry_date) == ("1974-08-12", "female", date(2012, 4, 15))
        assert (each.full_name, each.issuing_state) == ("ERIKSSON ANNA MARIA", "UTO")


def test_the_check_digits_of_the_standard() -> None:
    # ICAO Doc 9303 part 3 appendix A, examples 1 and 2.
    assert check_digit("520727") == "3"
    assert check_digit("AB2134<<<") == "5"


def test_a_vietnamese_card_is_read() -> None:
    zone = parse_mrz(td1())

    assert (zone.document_number, zone.personal_number) == (NUMBER[-9:], NUMBER)
    assert (zone.document_code, zone.issuing_state, zone.nationality) == ("ID", "VNM", "VNM")
    assert (zone.birth_date, zone.gender, zone.expiry_date) == ("1990-03-02", "female", date(2030, 3, 2))
    assert (zone.primary_name, zone.secondary_name) == ("NGUYEN", "THI HOA")


def test_the_century_comes_from_the_citizen_number() -> None:
    assert parse_mrz(td1(number="099225000017", birth="250302")).birth_date == "2025-03-02"
    assert parse_mrz(td1(number="099025000017", birth="250302")).birth_date == "1925-03-02"


@pytest.mark.parametrize(("birth", "read"), [("50<<<<", "1950"), ("5007<<", "1950-07")])
def test_fillers_stand_for_what_is_not_known_of_a_birth(birth: str, read: str) -> None:
    assert parse_mrz(td1(birth=birth)).birth_date == read


def test_a_card_without_an_end_has_no_expiry() -> None:
    assert parse_mrz(td1(expiry="<<<<<<")).expiry_date is None


def test_a_vietnamese_passport_gives_the_citizen_number() -> None:
    passport = parse_mrz(td3())

    assert (passport.document_number, passport.personal_number) == ("B12345678", NUMBER)
    assert parse_mrz(td3(personal="")).personal_number == ""


def test_a_number_longer_than_nine_goes_on_in_the_optional_data() -> None:
    # ICAO Doc 9303 part 5 section 4.2.2 note j.
    number = "D23145890734"
    line1 = f"I<UTO{number[:9]}<{number[9:]}{check_digit(number)}".ljust(30, "<")
    line2 = "7408122F1204159UTO".ljust(29, "<")
    digit = check_digit(line1[5:30] + line2[0:7] + line2[8:15] + line2[18:29])

    assert parse_mrz(line1 + line2 + digit + "ERIKSSON".ljust(30, "<")).document_number == number


@pytest.mark.parametrize("separator", ["\n", "\r\n", " ", "\t"])
def test_line_ends_and_small_letters_of_a_scanner_are_accepted(separator: str) -> None:
    zone = td1()
    assert parse_mrz(separator.join((zone[:30], zone[30:60], zone[60:])).lower()) == parse_mrz(zone)


def test_every_changed_digit_of_the_protected_fields_is_found() -> None:
    zone = td1()
    for place in [*range(5, 37), *range(38, 45)]:
        if zone[place] == "<":
            continue
        changed = zone[:place] + str((int(zone[place]) + 1) % 10) + zone[place + 1 :]
        with pytest.raises(MrzCheckDigitWrong):
            parse_mrz(changed)


BAD_ZONES = [
    ("", MrzLength, "mrz"),
    (td1()[:-1], MrzLength, "mrz"),
    ("A" * 300, MrzLength, "mrz"),
    (td1().replace("NGUYEN", "NGUYỄN"), MrzCharacter, "mrz"),
    (td1().replace("<<", "««"), MrzCharacter, "mrz"),
    (td1(birth="901302"), MrzImpossibleDate, "birth_date"),
    (td1(birth="90<<02"), MrzImpossibleDate, "birth_date"),
    (td1(birth="<<<<<<"), MrzImpossibleDate, "birth_date"),
    (td1(expiry="300231"), MrzImpossibleDate, "expiry_date"),
    (td1(expiry="30<<<<"), MrzImpossibleDate, "expiry_date"),
    (td1(document_number="190000018"), MrzNumbersDiffer, "mrz"),
    (td1(number="09919000001A", document_number="19000001A"), MrzNumbersDiffer, "mrz"),
    (td3(birth="900231"), MrzImpossibleDate, "birth_date"),
]


@pytest.mark.parametrize(("zone", "refusal", "field"), BAD_ZONES)
def test_each_bad_zone_is_a_typed_error(zone: str, refusal: type[FormatError], field: str) -> None:
    with pytest.raises(refusal) as caught:
        parse_mrz(zone)

    assert caught.value.field == field
    assert NUMBER not in f"{caught.value} {caught.value.facts}"


def test_the_groups_of_a_sound_card_are_read() -> None:
    details = parse_dg13(dg13())

    assert parse_dg1(dg1()).personal_number == NUMBER
    assert (parse_dg2(dg2()).kind, parse_dg2(dg2()).size_bytes) == ("JPEG", 15_000)
    assert (details.personal_number, details.full_name) == (NUMBER, "Nguyễn Thị Hòa")
    assert (details.birth_date, details.gender) == ("1990-03-02", "female")
    assert details.residence == "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"
    assert (details.issue_date, details.expiry_date) == (date(2022, 6, 15), date(2030, 3, 2))
    assert (details.father_name, details.mother_name) == ("Nguyễn Văn Cha", "Hoàng Thị Mẹ")
    assert (details.old_number, details.unknown_ids) == ("099123456", ())
    assert parse_dg13(dg13(wrapped=True)) == details


def test_nothing_sensitive_is_taken_out_of_the_details() -> None:
    shown = str({name: getattr(parse_dg13(dg13()), name) for name in type(parse_dg13(dg13())).__slots__})

    assert not any(word in shown for word in ("Tày", "Nốt ruồi", "Không"))
    assert "Nguyễn" not in repr(parse_dg13(dg13()))


@pytest.mark.parametrize("chars", [100, 127, 128, 255, 256, 65_536, 200_000])
def test_values_of_any_length_are_read(chars: int) -> None:
    assert parse_dg13(dg13({9: "a" * chars, 10: "b" * chars})).residence == "a" * chars
    assert parse_dg2(dg2(chars)).size_bytes == chars


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1950", "1950"),
        ("07/1950", "1950-07"),
        ("00/00/1950", "1950"),
        ("02031990", "1990-03-02"),
        ("2/3/1990", "1990-03-02"),
    ],
)
def test_a_birth_date_is_read_as_far_as_it_goes(written: str, read: str) -> None:
    assert parse_dg13(dg13({3: written})).birth_date == read


def test_a_card_that_does_not_expire_and_names_one_parent() -> None:
    details = parse_dg13(dg13({12: "Không thời hạn", 13: ("Hoàng Thị Mẹ",), 16: ""}))

    assert (details.expiry_date, details.father_name, details.mother_name) == (None, "Hoàng Thị Mẹ", "")
    assert details.old_number == ""


def test_unknown_fields_are_counted_and_not_kept() -> None:
    assert parse_dg13(dg13({15: "x", 40: "y"})).unknown_ids == (15, 40)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"\xff\xd8\xff\xdb", "JPEG"), (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"), (b"BM", "")],
)
def test_the_kind_of_a_face_image_is_told(start: bytes, kind: str) -> None:
    assert parse_dg2(dg2(start=start)).kind == kind


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = tlv(0x30, content)
    return tlv(0x6D, content)


BAD_GROUPS = [
    (parse_dg1, dg2(), ChipGroupTagWrong, "dg1"),
    (parse_dg1, tlv(0x61, tlv(0x5F20, b"x")), ChipGroupMalformed, "dg1"),
    (parse_dg1, tlv(0x61, tlv(0x5F1F, "é".encode() * 45)), ChipGroupMalformed, "dg1"),
    (parse_dg1, tlv(0x61), ChipDataTruncated, "dg1"),
    (parse_dg2, tlv(0x75, tlv(0x7F61, tlv(0x02, b"\x00"))), ChipGroupMalformed, "dg2"),
    (parse_dg2, tlv(0x75, tlv(0x30)), ChipGroupMalformed, "dg2"),
    (parse_dg13, dg13(without=[1]), ChipGroupMalformed, "dg13"),
    (parse_dg13, dg13(without=[2]), ChipGroupMalformed, "dg13"),
    (parse_dg13, dg13(without=[3]), ChipGroupMalformed, "dg13"),
    (parse_dg13, dg13({4: "X"}), ChipGroupMalformed, "dg13"),
    (parse_dg13, dg13({3: "31/02/1990"}), ChipGroupMalformed, "dg13"),
    (parse_dg13, dg13({11: "2022"}), ChipGroupMalformed, "dg13"),
    (
        parse_dg13,
        tlv(0x6D, *[tlv(0x30, tlv(0x02, b"\x01"), tlv(0x0C, b"x"))] * 2),
        ChipGroupMalformed,
        "dg13",
    ),
    (parse_dg13, tlv(0x6D, tlv(0x30, tlv(0x02, b"\x01"), tlv(0x0C, b"\xff"))), ChipGroupMalformed, "dg13"),
    (parse_dg13, nested(40), ChipDataNesting, "dg13"),
    (parse_dg13, tlv(0x6D, tlv(0x30, tlv(0x02, b"\x01"), nested(40)[2:])), ChipDataNesting, "dg13"),
    (parse_dg13, tlv(0x6D, b"not DER of this card's profile"), ChipDataTruncated, "dg13"),
]


@pytest.mark.parametrize(("parse", "content", "refusal", "field"), BAD_GROUPS)
def test_each_bad_group_is_a_typed_error(
    parse: Callable[[bytes], object], content: bytes, refusal: type[FormatError], field: str
) -> None:
    with pytest.raises(refusal) as caught:
        parse(content)

    assert caught.value.field == field
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("parse", "content"), [(parse_dg1, dg1()), (parse_dg2, dg2(200)), (parse_dg13, dg13())]
)
def test_a_group_cut_at_any_byte_is_a_typed_error(parse: Callable[[bytes], object], content: bytes) -> None:
    for cut in range(len(content)):
        with pytest.raises(ChipDataTruncated):
            parse(content[:cut])
