"""Broken cards and chips: whatever comes, a reader gives a value or a typed error; a slice of bench/fuzz.py."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fuzz import change_bytes, change_text, run
from standards.errors import FormatError
from standards.icao.certificates import TrustStore
from standards.icao.mrz import check_digit, parse_mrz
from standards.icao.security_object import ChipOutcome, authenticate
from tests.support.chip_maker import NOW, Recipe, all_groups, authority, security_object, signer, td1

QUICK = settings(max_examples=150, deadline=None)
SOUND = security_object(Recipe(signer=signer(authority())))
ZONE = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", max_size=60)


def test_twenty_thousand_changed_inputs_give_values_or_typed_errors_in_bounded_memory() -> None:
    found = run(input_count=20_000, seed=20_260_302)

    assert found.faults == []
    assert found.input_count == 20_000
    assert len(found.reasons) >= 40
    assert found.read_count > 1_000


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = (random.Random(7) for _ in range(2))
    for _ in range(200):
        assert change_bytes(SOUND, first) == change_bytes(SOUND, second)
        assert change_text("099|An", first) == change_text("099|An", second)


@QUICK
@given(st.data())
def test_a_chip_with_any_changed_byte_is_never_taken_for_another_content(data: st.DataObject) -> None:
    groups = all_groups()
    number = data.draw(st.sampled_from(sorted(groups)))
    place = data.draw(st.integers(min_value=0, max_value=len(groups[number]) - 1))
    changed = bytearray(groups[number])
    changed[place] ^= data.draw(st.integers(min_value=1, max_value=255))
    try:
        verdict = authenticate(SOUND, {**groups, number: bytes(changed)}, TrustStore(), moment=NOW)
    except FormatError:
        return
    assert (verdict.outcome, verdict.group) == (ChipOutcome.INVALID, number)


@QUICK
@given(st.integers(min_value=0, max_value=len(SOUND) - 1), st.integers(min_value=1, max_value=255))
def test_a_security_object_with_any_changed_byte_is_never_sound_for_other_groups(
    place: int, flip: int
) -> None:
    changed = bytearray(SOUND)
    changed[place] ^= flip
    groups = {**all_groups(), 1: all_groups()[1].replace(b"HOA", b"HUE")}
    try:
        verdict = authenticate(bytes(changed), groups, TrustStore(), moment=NOW)
    except FormatError:
        return
    assert verdict.outcome is ChipOutcome.INVALID


@QUICK
@given(ZONE)
def test_any_text_of_zone_characters_has_one_check_digit_that_blanks_do_not_change(text: str) -> None:
    assert check_digit(text) in tuple("0123456789")
    assert check_digit(text + "<<<") == check_digit(text)


@QUICK
@given(
    st.integers(min_value=0, max_value=99),
    st.integers(min_value=1, max_value=12),
    st.integers(min_value=1, max_value=28),
)
def test_a_written_zone_is_read_back(year: int, month: int, day: int) -> None:
    zone = parse_mrz(td1(number=f"0990{year:02}000017", birth=f"{year:02}{month:02}{day:02}", sex="M"))

    assert zone.birth_date == f"{1900 + year}-{month:02}-{day:02}"
    assert zone.gender == "male"
