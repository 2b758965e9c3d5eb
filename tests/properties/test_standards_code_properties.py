"""Properties of the formats that carry codes and money: VietQR, references, trace codes, shares."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

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
from standards.errors import FormatError, TraceCodeMistyped
from standards.money import allocate, split_by_rate, split_evenly
from standards.payment_reference import find_damaged_references, find_references, make_reference
from standards.tlv import read_tlv, write_tlv
from standards.trace_code import parse_trace_code, trace_code
from standards.vietqr import (
    MAX_PAYLOAD_CHARS,
    MAX_TRANSFER_VND,
    VietQr,
    bank_names,
    decode,
    encode,
    fold_ascii,
    split_transfers,
)

QUICK = settings(max_examples=150, deadline=None)

ascii_text = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=15)
seeds = st.binary(min_size=8, max_size=32)
trace_ids = st.from_regex(r"[0-9a-f]{32}", fullmatch=True)
amounts = st.integers(min_value=0, max_value=9_223_372_036_854_775_807)


def refusal(parse: Callable[[str], object], text: str) -> FormatError | None:
    """Give the typed error with which a text is refused; any other error fails the test."""
    try:
        parse(text)
    except FormatError as error:
        return error
    return None


@st.composite
def codes(draw: st.DrawFn) -> VietQr:
    """Any code that can be written."""
    additional = draw(
        st.dictionaries(st.sampled_from([f"{n:02}" for n in range(1, 9)]), ascii_text, max_size=4)
    )
    assume(sum(4 + len(value) for value in additional.values()) <= 99)
    return VietQr(
        payee_bin=draw(st.sampled_from(sorted(bank_names()))),
        account_number=draw(st.from_regex(r"[0-9A-Za-z]{1,19}", fullmatch=True)),
        service_code=draw(st.sampled_from(["QRIBFTTA", "QRIBFTTC"])),
        is_dynamic=draw(st.booleans()),
        amount_vnd=draw(st.none() | st.integers(min_value=1, max_value=MAX_TRANSFER_VND)),
        merchant_category=draw(st.sampled_from(["", "8062", "5912"])),
        payee_name=draw(st.just("") | ascii_text),
        payee_city=draw(st.just("") | ascii_text),
        additional=tuple(sorted(additional.items())),
        extra=tuple(
            sorted(
                draw(
                    st.dictionaries(st.sampled_from(["64", "65", "80", "99"]), ascii_text, max_size=2)
                ).items()
            )
        ),
    )


@QUICK
@given(codes())
def test_a_vietqr_survives_writing_and_reading(code: VietQr) -> None:
    payload = encode(code)
    assert decode(payload) == code
    assert payload.isascii()
    assert len(payload) <= MAX_PAYLOAD_CHARS


@QUICK
@given(codes(), st.data())
def test_any_single_changed_character_of_a_vietqr_is_seen(code: VietQr, data: st.DataObject) -> None:
    payload = encode(code)
    place = data.draw(st.integers(min_value=0, max_value=len(payload) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    assume(other.upper() != payload[place].upper() or place < len(payload) - 4)
    assume(other != payload[place])
    with pytest.raises(FormatError):
        decode(payload[:place] + other + payload[place + 1 :])


@QUICK
@given(codes(), st.data())
def test_a_cut_vietqr_is_seen(code: VietQr, data: st.DataObject) -> None:
    payload = encode(code)
    with pytest.raises(FormatError):
        decode(payload[: data.draw(st.integers(min_value=0, max_value=len(payload) - 1))])


@QUICK
@given(st.text(max_size=200) | st.from_regex(r"000201[0-9A-F]{0,60}6304[0-9A-F]{4}", fullmatch=True))
@example("\ud8006304FFFF")
def test_any_text_is_a_vietqr_or_a_typed_error(text: str) -> None:
    error = refusal(decode, text)
    assert error is None or len(text) < 12 or text not in f"{error} {error.facts}"


@QUICK
@given(
    st.dictionaries(st.from_regex(r"[0-9]{2}", fullmatch=True), st.text(min_size=1, max_size=99), max_size=8)
)
def test_tag_length_value_survives_writing_and_reading(fields: dict[str, str]) -> None:
    assert dict(read_tlv("".join(write_tlv(tag, value) for tag, value in fields.items()))) == fields


@QUICK
@given(st.text(max_size=80))
def test_folded_text_is_printable_ascii_and_folding_twice_changes_nothing(text: str) -> None:
    folded = fold_ascii(text)
    assert folded.isascii()
    assert folded.isprintable()
    assert fold_ascii(folded) == folded


@QUICK
@given(st.integers(min_value=1, max_value=10**14))
def test_transfers_add_up_and_each_is_within_the_limit(amount_vnd: int) -> None:
    parts = split_transfers(amount_vnd)
    assert sum(parts) == amount_vnd
    assert all(1 <= part <= MAX_TRANSFER_VND for part in parts)
    assert len(parts) == -(-amount_vnd // MAX_TRANSFER_VND)


@QUICK
@given(amounts, st.integers(min_value=0, max_value=100) | st.decimals(min_value=0, max_value=100, places=4))
def test_shares_add_up_and_the_fund_is_within_half_a_dong(total_vnd: int, rate: int | Decimal) -> None:
    fund_vnd, patient_vnd = split_by_rate(total_vnd, rate)
    assert fund_vnd + patient_vnd == total_vnd
    assert fund_vnd >= 0
    assert patient_vnd >= 0
    exact = Fraction(total_vnd) * Fraction(rate) / 100
    assert -Fraction(1, 2) < fund_vnd - exact <= Fraction(1, 2)


@QUICK
@given(amounts, st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=12).filter(sum))
def test_allocated_parts_add_up_and_are_within_one_dong(total_vnd: int, weights: list[int]) -> None:
    parts = allocate(total_vnd, weights)
    assert sum(parts) == total_vnd
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total_vnd * weight, sum(weights))) < 1
        assert weight or not part


@QUICK
@given(amounts, st.integers(min_value=1, max_value=50))
def test_even_parts_differ_by_one_dong_at_most(total_vnd: int, part_count: int) -> None:
    parts = split_evenly(total_vnd, part_count)
    assert (sum(parts), len(parts)) == (total_vnd, part_count)
    assert max(parts) - min(parts) <= 1


def swap(text: str, place: int) -> str:
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


@QUICK
@given(st.text(alphabet=ALPHANUMERIC, min_size=1, max_size=30), st.data())
def test_mod37_36_sees_every_wrong_character(body: str, data: st.DataObject) -> None:
    text = body + mod37_36_check_character(body)
    assert is_valid_mod37_36(text)
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    other = data.draw(st.sampled_from(ALPHANUMERIC).filter(lambda c: c != text[place]))
    assert not is_valid_mod37_36(text[:place] + other + text[place + 1 :])


@QUICK
@given(st.text(alphabet=UNAMBIGUOUS31, min_size=1, max_size=28), st.data())
def test_field31_sees_two_wrong_characters_and_repairs_one(body: str, data: st.DataObject) -> None:
    text = append_checks31(body)
    assert is_valid31(text)
    places = data.draw(st.lists(st.integers(0, len(text) - 1), min_size=2, max_size=2, unique=True))
    letters = list(text)
    for place in places:
        letters[place] = data.draw(st.sampled_from(UNAMBIGUOUS31))
    damaged = "".join(letters)
    assert is_valid31(damaged) == (damaged == text)
    one = text[: places[0]] + letters[places[0]] + text[places[0] + 1 :]
    assert repair31(one) == text
    assert repair31(text[: places[0]] + "0" + text[places[0] + 1 :]) == text


@QUICK
@given(st.text(alphabet=CROCKFORD32, min_size=1, max_size=30), st.data())
def test_field32_sees_every_wrong_character_and_every_swap(body: str, data: st.DataObject) -> None:
    text = body + check_character32(body)
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 2))
    assert is_valid32(text)
    assert is_valid32(swap(text, place)) == (text[place] == text[place + 1])
    other = data.draw(st.sampled_from(CROCKFORD32).filter(lambda c: c != text[place]))
    assert not is_valid32(text[:place] + other + text[place + 1 :])


@QUICK
@given(seeds, st.text(max_size=40), st.text(max_size=40), st.data())
def test_a_reference_is_found_in_any_bank_text(
    seed: bytes, before: str, after: str, data: st.DataObject
) -> None:
    code = make_reference(seed)
    gaps = data.draw(st.lists(st.sampled_from(["", "", "", " ", "\n", "-", "."]), min_size=12, max_size=12))
    wrapped = "".join(letter + gap for letter, gap in zip(code, gaps, strict=True))
    assert code in find_references(before + wrapped + after)
    assert code in find_references(before + wrapped.lower() + after)


@QUICK
@given(seeds, st.data())
def test_a_damaged_reference_is_never_taken_for_a_sound_one(seed: bytes, data: st.DataObject) -> None:
    code = make_reference(seed)
    place = data.draw(st.integers(min_value=2, max_value=10))
    other = data.draw(st.sampled_from(ALPHANUMERIC).filter(lambda c: c != code[place]))
    damaged = code[:place] + other + code[place + 1 :]
    assert find_references(damaged) == ()
    assert find_damaged_references(damaged) == (code,)
    assert find_references(swap(code, place)) == ((code,) if code[place] == code[place + 1] else ())


@QUICK
@given(st.text(max_size=400))
def test_any_text_gives_references_that_stand_in_it(text: str) -> None:
    squeezed = "".join(c for c in text.upper() if c in ALPHANUMERIC)
    assert all(code in squeezed for code in find_references(text))


@QUICK
@given(trace_ids)
def test_a_trace_code_leads_back_to_its_first_48_bits(trace_id: str) -> None:
    code = trace_code(trace_id)
    assert parse_trace_code(code) == trace_id[:12]
    assert not set("ILOU") & set(code)


@QUICK
@given(trace_ids, st.data())
def test_a_mistyped_trace_code_is_seen(trace_id: str, data: st.DataObject) -> None:
    code = trace_code(trace_id).replace("-", "")
    place = data.draw(st.integers(min_value=0, max_value=len(code) - 2))
    other = data.draw(st.sampled_from(CROCKFORD32).filter(lambda c: c != code[place]))
    with pytest.raises(TraceCodeMistyped):
        parse_trace_code(code[:place] + other + code[place + 1 :])
    if code[place] != code[place + 1]:
        with pytest.raises(TraceCodeMistyped):
            parse_trace_code(swap(code, place))


@QUICK
@given(st.text(max_size=20))
def test_any_text_is_a_trace_code_or_mistyped(text: str) -> None:
    error = refusal(parse_trace_code, text)
    assert error is None or (error.reason, error.facts) == ("TRACE_CODE_MISTYPED", {})
