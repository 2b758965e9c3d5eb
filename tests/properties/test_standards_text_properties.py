"""Properties of the formats that carry words: names, cards, addresses, insurance numbers."""

import string
import unicodedata
from collections.abc import Callable
from datetime import date

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from standards.admin_units import MAX_ADDRESS_CHARS, MAX_CANDIDATES, resolve_address
from standards.card_qr import MAX_CARD_QR_CHARS, CardQr, format_card_qr, parse_card_qr
from standards.citizen_number import cross_check, parse_citizen_number, parse_old_number
from standards.errors import FormatError
from standards.facility_code import parse_facility_code
from standards.insurance_card import parse_insurance_number
from standards.names import MAX_NAME_CHARS, NameClass, compare_names, normalise_name, search_key
from standards.scanner_text import ScanWarning
from standards.syllables import fold, place_tone, split_tone

QUICK = settings(max_examples=150, deadline=None)

digits12 = st.from_regex(r"[0-9]{12}", fullmatch=True)
VIETNAMESE = "aáàảãạăắằẳẵặâấầẩẫậbcdđeéèẻẽẹêếềểễệghiíìỉĩịklmnoóòỏõọôốồổỗộơớờởỡợpqrstuúùủũụưứừửữựvxyýỳỷỹỵ"
words = st.text(alphabet=VIETNAMESE + VIETNAMESE.upper() + "'", min_size=1, max_size=8)
names = st.lists(words, min_size=1, max_size=5).map(" ".join)
syllables = st.sampled_from(
    (  # noqa: SIM905 - forty quoted words read worse
        "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Văn Thị Hữu Đức Quý Thúy Hòa Khỏe "
        "Giang Trinh Sinh Loan Hoàn Hương Khuê Nguyệt Tuyết Yến Quỳnh Thuở Nghĩa Nông Triệu Ma Lò Cà"
    ).split()
)
people = st.lists(syllables, min_size=2, max_size=5).map(" ".join)
field_text = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf"], exclude_characters="|"),
    max_size=40,
).map(lambda text: " ".join(unicodedata.normalize("NFC", text).split()))


def refusal(parse: Callable[[str], object], text: str) -> FormatError | None:
    """Give the typed error with which a text is refused; any other error fails the test."""
    try:
        parse(text)
    except FormatError as error:
        return error
    return None


@st.composite
def cards(draw: st.DrawFn) -> CardQr:
    """Any card that a reader could hand over, its flags as parsing would set them."""
    written = CardQr(
        personal_number=draw(digits12),
        old_number=draw(st.none() | st.from_regex(r"[0-9]{9}", fullmatch=True) | digits12),
        full_name=draw(field_text.filter(bool)),
        birth_date=draw(
            st.dates(min_value=date(1900, 1, 1), max_value=date(2399, 12, 31)).map(date.isoformat)
            | st.integers(min_value=1900, max_value=2399).map(str)
        ),
        gender=draw(st.sampled_from(["male", "female"])),
        address=draw(field_text),
        issue_date=draw(st.none() | st.dates(min_value=date(1999, 1, 1), max_value=date(2100, 1, 1))),
        extra=tuple(draw(st.lists(field_text.filter(bool), max_size=3))),
    )
    read = parse_card_qr(format_card_qr(written))
    # A made-up text may look as if a code page had damaged it ("Â¡"), and is then read back with that warning.
    assume(ScanWarning.CODE_PAGE not in read.warnings)
    assert read.personal_number == written.personal_number
    assert (read.birth_date, read.issue_date, read.gender) == (
        written.birth_date,
        written.issue_date,
        written.gender,
    )
    assert (read.full_name, read.address, read.old_number) == (
        written.full_name,
        written.address,
        written.old_number,
    )
    assert read.extra == written.extra
    return read


@QUICK
@given(cards(), st.sampled_from(["", "\r\n", "\n", " \t"]))
def test_a_card_survives_writing_reading_and_the_scanners_line_end(card: CardQr, tail: str) -> None:
    assert parse_card_qr(format_card_qr(card) + tail) == card


@QUICK
@given(cards(), st.data())
def test_a_cut_card_is_refused_or_loses_only_what_stands_last(card: CardQr, data: st.DataObject) -> None:
    text = format_card_qr(card)
    cut = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    try:
        read = parse_card_qr(text[:cut])
    except FormatError:
        return
    assert read.personal_number == card.personal_number
    assert (read.full_name, read.birth_date, read.gender) == (card.full_name, card.birth_date, card.gender)
    assert read.issue_date in (card.issue_date, None)


@QUICK
@given(
    st.text(max_size=120)
    | cards().map(format_card_qr).flatmap(lambda text: st.permutations(text).map("".join))
)
@example("|" * 7)
@example("0" * 12 + "|" * 20)
@example("x" * (MAX_CARD_QR_CHARS + 1))
def test_any_text_gives_a_card_or_a_typed_error_that_does_not_repeat_it(text: str) -> None:
    error = refusal(parse_card_qr, text)
    if error is None:
        card = parse_card_qr(text)
        assert parse_card_qr(format_card_qr(card)) == card
    else:
        assert error.reason.isupper()
        assert len(text) < 8 or text not in str(error) + repr(error) + repr(error.facts)


@QUICK
@given(st.text(max_size=30) | st.from_regex(r"[0-9 .-]{8,20}", fullmatch=True))
def test_any_text_is_a_number_or_a_typed_error(text: str) -> None:
    for parse in (parse_citizen_number, parse_old_number, parse_insurance_number, parse_facility_code):
        error = refusal(parse, text)
        assert error is None or len(text) < 6 or text not in f"{error} {error.facts}"


@QUICK
@given(digits12, st.lists(st.sampled_from([" ", ".", "-", "\u00a0", "\u200b"]), min_size=13, max_size=13))
def test_a_number_is_the_same_whatever_stands_between_its_digits(digits: str, gaps: list[str]) -> None:
    spaced = "".join(gap + digit for gap, digit in zip(gaps, digits, strict=False)) + gaps[-1]
    number = parse_citizen_number(spaced)
    assert number.digits == digits
    assert 1900 <= number.birth_year <= 2399
    assert cross_check(number, birth_date=date(number.birth_year, 1, 1), gender=number.gender) in (
        (),
        ("PREFIX_UNKNOWN",),
    )


@QUICK
@given(st.text(max_size=MAX_NAME_CHARS // 4) | names)
@example("Nguy\u200bễn\u200bVăn")
@example("a\u200b\u0301")
@example("\u00adA\ufeff B")
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_name(text)
    assert normalise_name(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())


@QUICK
@given(names)
def test_code_points_spaces_and_case_never_make_another_name(name: str) -> None:
    for other in (
        unicodedata.normalize("NFD", name),
        name.upper(),
        "  " + name.replace(" ", "\u00a0 ") + "\n",
        name.replace("'", "’"),
    ):
        assert compare_names(name, other).cls is NameClass.SAME or not name.replace("'", "").strip()
        assert search_key(other) == search_key(name)


@QUICK
@given(names | people, names | people)
def test_the_class_does_not_depend_on_the_order(first: str, second: str) -> None:
    assert compare_names(first, second).cls is compare_names(second, first).cls


@QUICK
@given(people)
def test_a_name_without_its_accents_supports_and_never_confirms(name: str) -> None:
    bare = fold(name).upper()
    expected = NameClass.SAME if fold(name) == name.casefold() else NameClass.ACCENTLESS
    assert compare_names(name, bare).cls is expected


@QUICK
@given(people, st.data())
def test_one_other_tone_is_never_the_same_name(name: str, data: st.DataObject) -> None:
    # A level-tone vowel of one word gets a tone: always another word.
    places = [
        (i, j)
        for i, word in enumerate(name.split())
        for j, letter in enumerate(word)
        if letter in "ăâêôơưaeiouy"
    ]
    level = [(i, j) for i, j in places if not split_tone(name.split()[i])[1]]
    assume(level)
    i, j = data.draw(st.sampled_from(level))
    words_of = name.split()
    words_of[i] = unicodedata.normalize("NFC", words_of[i][: j + 1] + "\u0303" + words_of[i][j + 1 :])
    assert compare_names(name, " ".join(words_of)).cls in (NameClass.DIFFERENT_ACCENT, NameClass.ACCENTLESS)


@QUICK
@given(words)
def test_moving_the_tone_mark_keeps_the_letters(word: str) -> None:
    moved = place_tone(word)
    assert fold(moved) == fold(word)
    assert place_tone(moved) == moved


@QUICK
@given(
    st.text(max_size=MAX_ADDRESS_CHARS // 4)
    | st.lists(
        st.sampled_from(
            (  # noqa: SIM905 - forty quoted words read worse
                "Xã Phường Huyện Tỉnh Thành phố Thị trấn xã Ba Bể Nam Mẫu Thái Nguyên Bắc Kạn Trung Sông Cầu "
                ", , - . TP 1 P1 H. xa phuong tinh thai nguyen Quận Hồ Chí Minh"
            ).split()
        ),
        max_size=14,
    ).map(" ".join)
)
def test_any_text_resolves_to_a_bounded_consistent_answer(text: str) -> None:
    resolution = resolve_address(text)
    assert len(resolution.candidates) <= MAX_CANDIDATES
    wards = {candidate.new_ward.code for candidate in resolution.candidates}
    assert resolution.outcome.value == ("NONE" if not wards else "ONE" if len(wards) == 1 else "SEVERAL")
    assert resolution.sure_ward is None or wards == {resolution.sure_ward.code}
    for candidate in resolution.candidates:
        assert candidate.new_ward.province_code == candidate.new_province.code


@QUICK
@given(st.text(alphabet=string.ascii_letters + " ,", max_size=60))
def test_words_before_the_commune_do_not_change_it(detail: str) -> None:
    assume("," not in detail[-1:])
    resolution = resolve_address(f"{detail}, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn")
    assert [unit.code for unit in resolution.new_wards] == ["01906"]
