"""Check characters, payment references in bank text, and trace codes on receipts."""

import pytest

from standards.check_character import (
    ALPHANUMERIC,
    CROCKFORD32,
    UNAMBIGUOUS31,
    append_checks31,
    check_character32,
    is_valid31,
    is_valid32,
    is_valid_mod37_36,
    mod37_36_check_character,
    repair31,
)
from standards.errors import TraceCodeMistyped
from standards.payment_reference import (
    REFERENCE_LENGTH,
    find_damaged_references,
    find_references,
    is_reference,
    make_reference,
)
from standards.trace_code import parse_trace_code, trace_code

SEED = bytes(range(16))
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_mod37_36_gives_the_check_character_of_the_global_release_identifier_standard() -> None:
    # The example of IFPI's GRid standard 2.1, and two more published identifiers of the same system.
    for text in ("A12425GABC1234002M", "B159D8FA01240000K", "188166C7342000003"):
        assert mod37_36_check_character(text[:-1]) == text[-1]
        assert is_valid_mod37_36(text)
    assert not is_valid_mod37_36("A12425GABC1234003M")
    assert not is_valid_mod37_36("M")
    assert not is_valid_mod37_36("a12425GABC1234002M")


def test_characters_outside_an_alphabet_are_refused() -> None:
    for compute in (mod37_36_check_character, append_checks31, check_character32):
        with pytest.raises(ValueError, match="outside the alphabet"):
            compute("A*")
    assert not is_valid31("A0B")
    assert not is_valid32("AU")


def test_no_alphabet_for_people_holds_look_alikes() -> None:
    assert len(set(UNAMBIGUOUS31)) == 31
    assert len(set(CROCKFORD32)) == 32
    assert len(set(ALPHANUMERIC)) == 36
    assert not set("01ILO") & set(UNAMBIGUOUS31)
    assert not set("ILOU") & set(CROCKFORD32)


def test_a_reference_is_fixed_by_its_seed_and_has_the_stated_form() -> None:
    code = make_reference(SEED)
    assert code == make_reference(SEED)
    assert code != make_reference(SEED[::-1])
    assert len(code) == REFERENCE_LENGTH == 12
    assert code.startswith("LT")
    assert set(code[2:]) <= set(UNAMBIGUOUS31)
    assert is_reference(code)


def test_every_wrong_character_and_every_swap_in_a_reference_is_seen() -> None:
    code = make_reference(SEED)
    for place in range(2, len(code)):
        for other in UNAMBIGUOUS31:
            if other != code[place]:
                assert not is_reference(code[:place] + other + code[place + 1 :])
    for first in range(2, len(code)):
        for second in range(first + 1, len(code)):
            letters = list(code)
            letters[first], letters[second] = letters[second], letters[first]
            assert (code == "".join(letters)) == is_reference("".join(letters))


def test_references_survive_what_banks_do_to_text() -> None:
    code, other = make_reference(SEED), make_reference(SEED[::-1])
    for text in (
        code,
        f"MBVCB.123456.CT tu 0123 toi 4567. {code[:5].lower()}\n{code[5:9]} {code[9:]} GD 99-210726",
        f"QR-{'-'.join(code)}-VN",
        f"IBFT LT {code}",
        f"{code}{code}",
        f"chuyển tiền viện phí {code}đ",
    ):
        assert find_references(text) == (code,)
    assert find_references(f"thanh toan {code} va {other}") == (code, other)


def test_text_without_a_reference_gives_none() -> None:
    for text in (
        "",
        "LT",
        "CHUYEN TIEN",
        "LTABCDEFGH22",
        make_reference(SEED)[:-1],
        "lт" + make_reference(SEED)[2:],
    ):
        assert find_references(text) == ()


def test_one_wrong_character_is_repaired_to_the_one_code() -> None:
    code = make_reference(SEED)
    for place in range(2, len(code)):
        for other in UNAMBIGUOUS31 + "01ILO":
            if other != code[place]:
                damaged = code[:place] + other + code[place + 1 :]
                assert code in find_damaged_references(f"ct {damaged} vp")
                assert find_references(damaged) == ()


def test_a_misread_prefix_is_repaired() -> None:
    code = make_reference(SEED)
    for prefix in ("IT", "1T", "L7"):
        assert find_damaged_references(prefix + code[2:]) == (code,)


def test_an_intact_code_is_no_damaged_one() -> None:
    assert find_damaged_references(f"ct {make_reference(SEED)} vp") == ()


def test_two_unknown_characters_are_not_repaired() -> None:
    text = append_checks31("ABCDEFGH")
    assert repair31("00" + text[2:]) is None
    assert repair31(text) == text
    assert repair31("A") is None


def test_a_trace_code_is_eleven_characters_in_three_groups() -> None:
    code = trace_code(TRACE_ID)
    assert [len(group) for group in code.split("-")] == [4, 4, 3]
    assert parse_trace_code(code) == TRACE_ID[:12]
    # Computed by hand: 0x4bf92f3577b3 in base 32 is 2 11 31 4 23 19 10 29 29 19, check character after it.
    assert code.replace("-", "")[:10] == "".join(
        CROCKFORD32[n] for n in (2, 11, 31, 4, 23, 19, 10, 29, 29, 19)
    )


@pytest.mark.parametrize(
    "trace_id", ["0" * 32, "f" * 32, "0000000000010000000000000000abcd", "00000000000000000000000000000001"]
)
def test_every_48_bit_prefix_comes_back(trace_id: str) -> None:
    assert parse_trace_code(trace_code(trace_id)) == trace_id[:12]


def test_a_trace_code_is_read_as_people_type_it() -> None:
    code = trace_code("00000000000100000000000000000000")
    for typed in (
        code.lower(),
        code.replace("-", ""),
        code.replace("-", " "),
        code.replace("0", "O").replace("1", "l"),
    ):
        assert parse_trace_code(f" {typed}\n") == "000000000001"


def test_every_wrong_character_and_every_swap_in_a_trace_code_is_seen() -> None:
    code = trace_code(TRACE_ID).replace("-", "")
    for place, letter in enumerate(code):
        for other in CROCKFORD32:
            if other != letter:
                with pytest.raises(TraceCodeMistyped):
                    parse_trace_code(code[:place] + other + code[place + 1 :])
    for place in range(len(code) - 1):
        if code[place] != code[place + 1]:
            with pytest.raises(TraceCodeMistyped):
                parse_trace_code(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


@pytest.mark.parametrize(
    "text", ["", "2BZ4-QKAX-XK", "2BZ4-QKAX-XKTT", "UUUU-UUUU-UUU", "ＡBZ4-QKAX-XKT", "ZZZZ-ZZZZ-ZZZ"]
)
def test_other_texts_are_mistyped_trace_codes(text: str) -> None:
    with pytest.raises(TraceCodeMistyped):
        parse_trace_code(text)


@pytest.mark.parametrize("trace_id", ["", TRACE_ID[:-1], TRACE_ID.upper(), "g" * 32])
def test_no_trace_code_is_made_of_something_else(trace_id: str) -> None:
    with pytest.raises(ValueError, match="32 small hexadecimal"):
        trace_code(trace_id)
