"""Numbers of each kind, the names clients have for their systems, and the days on which a number is in use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_svc.domain.errors import IdentifierDatesWrong, IdentifierFormWrong, IdentifierSystemUnknown
from identity_svc.domain.identifier_systems import plain_system, read_systems
from identity_svc.domain.model import Assurance, EndReason, Identifier, IdentifierKind
from identity_svc.domain.numbers import (
    TEMPORARY_COUNT,
    NumberFamily,
    check_days,
    implied_numbers,
    of_family,
    of_kind,
    temporary_number,
)
from standards.errors import FormatError

CITIZEN, OLD = IdentifierKind.CITIZEN_NUMBER, IdentifierKind.OLD_IDENTITY_NUMBER
SYSTEMS = [
    ("http://fhir.ehealth.gov.vn/core/sid/national_id", "099190000017", CITIZEN),
    ("http://fhir.ehealth.gov.vn/core/sid/citizen_id", "099123456", OLD),
    ("http://fhir.hl7.org.vn/core/sid/cccd", "099 190 000 017", CITIZEN),
    ("https://fhir.hl7.org.vn/core/sid/CCCD/", "099190000017", CITIZEN),
    ("NI", "099123456", OLD),
    ("http://terminology.hl7.org/CodeSystem/v2-0203|NI", "099190000017", CITIZEN),
    ("urn:oid:2.16.840.1.113883.18.108|ni", "099190000017", CITIZEN),
    ("http://fhir.hl7.org.vn/core/sid/bhyt", "9912345678", IdentifierKind.INSURANCE_NUMBER),
    ("http://fhir.ehealth.gov.vn/core/sid/insurance_number", "099190000017", CITIZEN),
    ("HC", "GD4060123456789", IdentifierKind.INSURANCE_CARD),
    ("http://fhir.hl7.org.vn/core/sid/passport", "b1234567", IdentifierKind.PASSPORT),
    ("2.16.840.1.113883.4.330.704", "B1234567", IdentifierKind.PASSPORT),
    ("urn:oid:2.16.840.1.113883.4.330.704", "VNM-B1234567", IdentifierKind.PASSPORT),
    ("PRC", "TR12345", IdentifierKind.FOREIGN_ID),
]


@pytest.mark.parametrize(("system", "value", "kind"), SYSTEMS)
def test_each_name_of_a_system_leads_to_the_kind_its_number_has(
    system: str, value: str, kind: IdentifierKind
) -> None:
    assert of_family(read_systems().family(system), value)[0] is kind


@pytest.mark.parametrize("system", ["", "urn:oid:1.2.3", "DL", "http://example.org/mrn", "x" * 201, "1.2"])
def test_a_system_that_is_not_ours_is_refused(system: str) -> None:
    with pytest.raises(IdentifierSystemUnknown):
        read_systems().family(system)


def test_a_site_adds_its_own_names() -> None:
    systems = read_systems("system,family\nurn:oid:2.16.704.9.9.1,IDENTITY\n")

    assert systems.family("2.16.704.9.9.1") is NumberFamily.IDENTITY
    with pytest.raises(ValueError, match="columns"):
        read_systems("uri,kind\nx,IDENTITY\n")
    with pytest.raises(ValueError, match="MRN"):
        read_systems("system,family\nx,MRN\n")


@given(st.text(max_size=300))
def test_the_one_form_of_a_system_is_its_own_form(text: str) -> None:
    assert plain_system(plain_system(text)) == plain_system(text)


@given(st.sampled_from(list(IdentifierKind)), st.text(max_size=40))
def test_any_text_is_a_number_in_one_kept_form_or_is_refused(kind: IdentifierKind, text: str) -> None:
    try:
        value = of_kind(kind, text)
    except (FormatError, IdentifierFormWrong):
        return
    assert of_kind(kind, value) == value


@given(st.integers(min_value=0, max_value=TEMPORARY_COUNT - 1))
def test_a_temporary_number_reads_back_and_shows_each_single_typing_error(draw: int) -> None:
    number = temporary_number(draw)

    assert of_kind(IdentifierKind.TEMPORARY, f" {number[:5].lower()} {number[5:]}") == number
    wrong = number[:3] + ("0" if number[3] != "0" else "1") + number[4:]
    with pytest.raises(IdentifierFormWrong):
        of_kind(IdentifierKind.TEMPORARY, wrong)


def test_two_draws_give_two_numbers() -> None:
    assert len({temporary_number(draw) for draw in range(5_000)}) == 5_000


def test_an_insurance_card_holds_the_insurance_number() -> None:
    inside = implied_numbers(IdentifierKind.INSURANCE_CARD, "GD4060123456789")

    assert inside == ((IdentifierKind.INSURANCE_NUMBER, "0123456789"),)
    assert implied_numbers(CITIZEN, "099190000017") == ()


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-02-30", "", "valid_from_date"),
        ("", "31/12/2030", "valid_until_date"),
        ("2026-03-02", "2026-03-01", "valid_until_date"),
        ("2026-W10-1", "", "valid_from_date"),
    ],
)
def test_days_that_are_none_or_end_before_they_begin_are_refused(first: str, last: str, field: str) -> None:
    with pytest.raises(IdentifierDatesWrong) as caught:
        check_days(first, last)

    assert caught.value.field == field


def number(**changes: object) -> Identifier:
    known: dict[str, object] = {
        "identifier_id": "i",
        "kind": IdentifierKind.PASSPORT,
        "value": "VNM-B1234567",
        "assurance": Assurance.TYPED,
        "start_time": datetime(2026, 1, 1, tzinfo=UTC),
        "end_time": None,
    }
    return Identifier(**(known | changes))  # type: ignore[arg-type]


def test_a_number_is_in_use_until_the_last_minute_of_its_last_day_in_viet_nam() -> None:
    passport = number(valid_from_date="2026-01-01", valid_until_date="2026-03-02")

    assert passport.is_in_use(datetime(2026, 3, 2, 16, 59, tzinfo=UTC))
    assert not passport.is_in_use(datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    assert not passport.is_in_use(datetime(2025, 12, 31, 16, 59, tzinfo=UTC))


def test_an_ended_number_was_in_use_before_its_end() -> None:
    end_time = datetime(2026, 3, 2, tzinfo=UTC)
    ended = number(end_time=end_time, end_reason=EndReason.CANCELLED)

    assert ended.is_in_use(datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    assert not ended.is_in_use(end_time)
