"""The card's QR text: seven fields or more, and everything that scanners do to them."""

import unicodedata
from datetime import date

import pytest

from standards.card_qr import MAX_CARD_QR_CHARS, format_card_qr, parse_card_qr
from standards.errors import (
    CardQrFieldEmpty,
    CardQrTooLong,
    CardQrTruncated,
    FormatError,
    GenderUnreadable,
    ImpossibleDate,
    NotACardQr,
    NotTwelveDigits,
    OldNumberNotNineDigits,
    ScannerImeOn,
    ScannerLayoutWrong,
)
from standards.scanner_text import ScanWarning

CARD = "099185000001|099123456|Nguyễn Thị Đức|01021985|Nữ|Thôn 1, Nam Mẫu, Ba Bể, Bắc Kạn|15072021"


def test_a_sound_card_is_read_field_by_field() -> None:
    card = parse_card_qr(CARD)
    assert card.personal_number == "099185000001"
    assert card.old_number == "099123456"
    assert card.full_name == "Nguyễn Thị Đức"
    assert card.birth_date == "1985-02-01"
    assert card.gender == "female"
    assert card.address == "Thôn 1, Nam Mẫu, Ba Bể, Bắc Kạn"
    assert card.issue_date == date(2021, 7, 15)
    assert card.extra == ()
    assert not card.is_text_damaged
    assert not card.is_accentless


@pytest.mark.parametrize("tail", ["\r\n", "\n", "\r", "\t", "  ", "\x00", "\u200b"])
@pytest.mark.parametrize("head", ["", "\ufeff", "  "])
def test_what_a_keyboard_wedge_scanner_adds_is_taken_off(head: str, tail: str) -> None:
    assert parse_card_qr(head + CARD + tail) == parse_card_qr(CARD)


def test_spaces_around_fields_and_nfd_are_accepted() -> None:
    loose = unicodedata.normalize("NFD", CARD.replace("|", " | "))
    assert parse_card_qr(loose) == parse_card_qr(CARD)


def test_empty_old_number_and_issue_date_are_none() -> None:
    card = parse_card_qr("099085000001||Trần Văn An|01021985|Nam|Phường 1|")
    assert (card.old_number, card.issue_date, card.gender) == (None, None, "male")


def test_fields_after_the_seventh_are_kept_raw() -> None:
    card = parse_card_qr(CARD + "|Cha: A|Mẹ: B|")
    assert card.extra == ("Cha: A", "Mẹ: B", "")
    assert parse_card_qr(format_card_qr(card)) == card


def test_a_cancelled_personal_number_is_accepted_as_old_number() -> None:
    assert parse_card_qr(CARD.replace("|099123456|", "|099085000009|")).old_number == "099085000009"


@pytest.mark.parametrize("field_count", range(1, 7))
def test_a_text_that_ends_after_any_field_is_truncated(field_count: int) -> None:
    with pytest.raises(CardQrTruncated) as caught:
        parse_card_qr("|".join(CARD.split("|")[:field_count]))
    assert caught.value.facts == {"field_count": field_count}


def test_a_text_that_ends_inside_the_last_date_is_truncated() -> None:
    for lost in range(1, 8):
        with pytest.raises(CardQrTruncated):
            parse_card_qr(CARD[:-lost])


@pytest.mark.parametrize("cut", range(1, len(CARD)))
def test_a_card_cut_at_any_place_never_passes_with_other_data(cut: int) -> None:
    try:
        card = parse_card_qr(CARD[:cut])
    except FormatError:
        return
    # Only the empty issue date can be lost without a trace.
    assert card.issue_date is None
    assert CARD[:cut].endswith("Bắc Kạn|")


def test_eleven_digits_are_refused_as_such() -> None:
    with pytest.raises(NotTwelveDigits) as caught:
        parse_card_qr(CARD[1:])
    assert caught.value.facts == {"digit_count": 11}


@pytest.mark.parametrize(
    "day", ["30021985", "00131985", "32011985", "01131985", "0102198", "1021985x", "01011850"]
)
def test_an_impossible_birth_date_names_its_field(day: str) -> None:
    with pytest.raises(ImpossibleDate) as caught:
        parse_card_qr(CARD.replace("01021985", day))
    assert caught.value.field == "birth_date"
    assert caught.value.__cause__ is None


def test_an_impossible_issue_date_names_its_field() -> None:
    with pytest.raises(ImpossibleDate) as caught:
        parse_card_qr(CARD.replace("15072021", "31062021"))
    assert caught.value.field == "issue_date"


def test_leap_day_is_a_day_in_leap_years_only() -> None:
    assert parse_card_qr(CARD.replace("01021985", "29022000")).birth_date == "2000-02-29"
    with pytest.raises(ImpossibleDate):
        parse_card_qr(CARD.replace("01021985", "29021900"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.org/abc",
        "Xin chào",
        "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F",
        "GD4060612345678|4e677579|01/02/1985|2",
        "||||||",
    ],
)
def test_foreign_text_is_not_a_card_qr(text: str) -> None:
    with pytest.raises(NotACardQr) as caught:
        parse_card_qr(text)
    assert caught.value.reason == "NOT_A_CARD_QR"


def test_a_text_above_the_limit_is_refused_and_the_limit_named() -> None:
    with pytest.raises(CardQrTooLong) as caught:
        parse_card_qr(CARD + "|" + "x" * MAX_CARD_QR_CHARS)
    assert caught.value.facts == {"limit_chars": MAX_CARD_QR_CHARS}


def test_a_wrong_old_number_names_its_field() -> None:
    with pytest.raises(OldNumberNotNineDigits) as caught:
        parse_card_qr(CARD.replace("099123456", "0991234567"))
    assert caught.value.field == "old_number"


def test_an_empty_name_or_birth_date_is_refused() -> None:
    for value, name in (("Nguyễn Thị Đức", "full_name"), ("01021985", "birth_date"), ("|Nữ|", "gender")):
        with pytest.raises(CardQrFieldEmpty) as caught:
            parse_card_qr(CARD.replace(value, "||" if name == "gender" else ""))
        assert caught.value.field == name


@pytest.mark.parametrize(
    ("damaged", "gender"),
    [
        ("Nguy?n Th? Ð?c", "N?"),
        ("Nguye64n Thi5 D9u71c", "N?"),
        ("Nguy\ufffdn Thị Đức", "N\ufffd"),
        ("Nguyễn ThÃ¡i", "Nữ"),
    ],
)
def test_lost_letters_are_flagged_and_the_gender_still_read(damaged: str, gender: str) -> None:
    card = parse_card_qr(CARD.replace("Nguyễn Thị Đức", damaged).replace("|Nữ|", f"|{gender}|"))
    assert card.is_text_damaged
    assert card.gender == "female"


@pytest.mark.parametrize("address", ["XÃ NAM MẪU, HUYỆN BA BỂ", "XÃ\u00a0ÂN HẢO", "Số 1/2 (ngõ 3), Xã Á"])
def test_sound_capital_letters_are_not_taken_for_damage(address: str) -> None:
    assert not parse_card_qr(CARD.replace("Thôn 1, Nam Mẫu, Ba Bể, Bắc Kạn", address)).is_text_damaged


def test_accentless_text_is_flagged_apart_from_damage() -> None:
    card = parse_card_qr("099085000001||TRAN VAN DUC|01021985|Nam|NAM MAU, BA BE, BAC KAN|15072021")
    assert card.is_accentless
    assert not card.is_text_damaged


def test_a_gender_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(GenderUnreadable):
        parse_card_qr(CARD.replace("|Nữ|", "|X|"))


def test_no_personal_value_stands_in_repr_or_errors() -> None:
    shown = repr(parse_card_qr(CARD))
    for value in ("099185000001", "099123456", "Nguyễn", "1985", "Nam Mẫu"):
        assert value not in shown


@pytest.mark.parametrize(
    ("written", "read"), [("00001950", "1950"), ("00071950", "1950-07"), ("00/00/1950", "1950")]
)
def test_a_card_that_tells_no_day_of_birth_is_read_with_a_warning(written: str, read: str) -> None:
    card = parse_card_qr(CARD.replace("01021985", written))
    assert card.birth_date == read
    assert card.warnings == (ScanWarning.BIRTH_DATE_INCOMPLETE,)
    assert parse_card_qr(format_card_qr(card)) == card


@pytest.mark.parametrize("day", ["00000000", "00001899", "00131950", "01001950"])
def test_zeros_that_mean_no_date_are_refused(day: str) -> None:
    with pytest.raises(ImpossibleDate):
        parse_card_qr(CARD.replace("01021985", day))


@pytest.mark.parametrize("code_page", ["cp1252", "cp1258"])
def test_utf8_shown_in_another_code_page_is_read_back(code_page: str) -> None:
    shown = "".join(
        chr(byte) if (char := bytes((byte,)).decode(code_page, "replace")) == "\ufffd" else char
        for byte in CARD.encode()
    )
    card = parse_card_qr(shown)
    assert card.warnings == (ScanWarning.CODE_PAGE,)
    assert (card.full_name, card.address) == (parse_card_qr(CARD).full_name, parse_card_qr(CARD).address)
    assert not card.is_text_damaged


@pytest.mark.parametrize("other", list("}~'µÇỎ!¦§*"))
def test_a_separator_of_another_layout_is_recognised(other: str) -> None:
    card = parse_card_qr(CARD.replace("|", other))
    assert card.warnings == (ScanWarning.SEPARATOR_REPLACED,)
    assert (card.full_name, card.issue_date) == ("Nguyễn Thị Đức", date(2021, 7, 15))


def test_a_separator_that_also_stands_in_a_name_is_refused_with_advice() -> None:
    with pytest.raises(ScannerLayoutWrong):
        parse_card_qr(CARD.replace("Nguyễn Thị Đức", "H'Hen Niê").replace("|", "'"))


def test_lost_separators_are_refused_with_advice() -> None:
    with pytest.raises(ScannerLayoutWrong):
        parse_card_qr(CARD.replace("|", ""))


def test_caps_lock_is_undone() -> None:
    card = parse_card_qr(CARD.swapcase())
    assert card.warnings == (ScanWarning.CAPS_LOCK,)
    assert card.full_name == "Nguyễn Thị Đức"
    assert card.address == "Thôn 1, Nam Mẫu, Ba Bể, Bắc Kạn"


def test_a_card_printed_in_capitals_is_left_as_it_is() -> None:
    card = parse_card_qr(CARD.upper())
    assert (card.full_name, card.warnings) == ("NGUYỄN THỊ ĐỨC", ())


@pytest.mark.parametrize("prefix", ["]Q1", "\x02", "~", "## ", "\x1d"])
def test_what_a_scanner_puts_in_front_is_taken_off(prefix: str) -> None:
    assert parse_card_qr(prefix + CARD) == parse_card_qr(CARD)


@pytest.mark.parametrize(
    "keys", ["đăâêô\u0300\u0309\u0303\u0301\u0323", "à&é\"'(-è_ç"], ids=["vietnamese", "french"]
)
def test_digits_typed_through_another_layout_are_refused_with_advice(keys: str) -> None:
    typed = CARD.translate({ord("0") + index: key for index, key in enumerate(keys)})
    with pytest.raises(ScannerLayoutWrong):
        parse_card_qr(typed)


def test_an_accent_in_a_number_tells_of_an_input_method() -> None:
    for good, bad, name in (
        ("099123456", "o\u031b99123456", "old_number"),
        ("01021985", "đ1021985", "birth_date"),
    ):
        with pytest.raises(ScannerImeOn) as caught:
            parse_card_qr(CARD.replace(good, bad))
        assert caught.value.field == name


def test_a_later_card_with_another_order_keeps_the_unknown_fields_raw() -> None:
    card = parse_card_qr(CARD.replace("15072021", "Nguyễn Văn Cha") + "|Trần Thị Mẹ")
    assert card.issue_date is None
    assert card.extra == ("Nguyễn Văn Cha", "Trần Thị Mẹ")
    assert parse_card_qr(format_card_qr(card)) == card


def test_a_card_in_an_old_encoding_is_read_as_it_was_meant() -> None:
    card = parse_card_qr(CARD.replace("Nguyễn Thị Đức", "NguyÔn ThÞ §øc"))
    assert (card.full_name, card.warnings) == ("Nguyễn Thị Đức", (ScanWarning.CODE_PAGE,))
    assert not card.is_text_damaged
