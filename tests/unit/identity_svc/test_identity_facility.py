"""Facilities: which codes pass, which vintage their digits are from, which days two codes share."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from identity_svc.domain.facility import (
    NAME_CHARS_MAX,
    SOURCE_CHARS_MAX,
    Facility,
    FacilityCodeAlias,
    code_alias,
    facility_name,
)
from identity_svc.domain.units_errors import DaysReversed, FacilityNameForm, SourceTooLong
from standards.admin_units import Vintage
from standards.errors import FacilityCodeForm
from standards.facility_code import FacilityCodeScheme, parse_any_facility_code

OLD, NEW = Vintage.BEFORE_2025_07, Vintage.FROM_2025_07
JUNE_30, JULY_1 = date(2025, 6, 30), date(2025, 7, 1)


def alias(
    text: str = "19001", *, start: date = JULY_1, last: date | None = None, vintage: Vintage | None = None
) -> FacilityCodeAlias:
    return code_alias(text, start_date=start, last_date=last, vintage=vintage, source="384/QĐ-BYT")


@pytest.mark.parametrize(
    ("text", "code", "scheme"),
    [
        ("19001", "19001", FacilityCodeScheme.FIVE_CHARACTERS),
        (" 01a1b ", "01A1B", FacilityCodeScheme.FIVE_CHARACTERS),
        ("8934567890123", "8934567890123", FacilityCodeScheme.THIRTEEN_DIGITS),
        ("0000000000000", "0000000000000", FacilityCodeScheme.THIRTEEN_DIGITS),
    ],
)
def test_both_schemes_are_read(text: str, code: str, scheme: FacilityCodeScheme) -> None:
    found = parse_any_facility_code(text)

    assert (found.code, found.scheme) == (code, scheme)


@pytest.mark.parametrize(
    "text", ["", "1900", "190011", "A9001", "893456789012", "89345678901234", "１９００１", "1900É"]
)
def test_other_texts_are_no_code(text: str) -> None:
    with pytest.raises(FacilityCodeForm):
        parse_any_facility_code(text)


@pytest.mark.parametrize(
    ("text", "start", "told", "vintage"),
    [
        ("06001", date(2026, 3, 1), None, OLD),  # Bắc Kạn is in the old list alone.
        ("19001", JUNE_30, None, OLD),
        ("19001", JULY_1, None, NEW),
        ("19001", JULY_1, OLD, OLD),  # Decree 188/2025 let facilities keep their code for a while.
        ("8934567890123", JULY_1, OLD, None),
    ],
)
def test_the_vintage_of_a_code_is_told_or_follows_from_digits_and_day(
    text: str, start: date, told: Vintage | None, vintage: Vintage | None
) -> None:
    assert alias(text, start=start, vintage=told).vintage is vintage


def test_first_and_last_day_count() -> None:
    code = alias(start=JUNE_30, last=JULY_1)

    in_force = [code.is_in_force(date(2025, month, day)) for month, day in ((6, 29), (6, 30), (7, 1), (7, 2))]
    assert in_force == [False, True, True, False]
    assert alias(start=JULY_1).is_in_force(date(2099, 1, 1))


@pytest.mark.parametrize(
    ("start", "last", "shares"),
    [
        (date(2025, 1, 1), JUNE_30, False),
        (date(2025, 1, 1), JULY_1, True),
        (date(2025, 1, 1), None, True),
        (date(2025, 12, 31), None, True),
        (date(2026, 1, 1), None, False),
    ],
)
def test_two_codes_share_a_day_or_not(start: date, last: date | None, shares: bool) -> None:
    standing = alias(start=JULY_1, last=date(2025, 12, 31))
    other = alias(start=start, last=last)

    assert (standing.shares_a_day(other), other.shares_a_day(standing)) == (shares, shares)


def test_what_is_declared_has_its_limits() -> None:
    with pytest.raises(DaysReversed):
        alias(start=JULY_1, last=JUNE_30)
    with pytest.raises(FacilityNameForm):
        facility_name("  ", start_date=JULY_1, source="")
    with pytest.raises(FacilityNameForm):
        facility_name("x" * (NAME_CHARS_MAX + 1), start_date=JULY_1, source="")
    with pytest.raises(SourceTooLong):
        facility_name("Trạm", start_date=JULY_1, source="x" * (SOURCE_CHARS_MAX + 1))


def test_a_facility_knows_its_name_and_codes_of_a_day() -> None:
    facility = Facility(
        facility_id="f1",
        names=(
            facility_name("Trạm y tế xã Nam Mẫu", start_date=date(2020, 1, 1), source=""),
            facility_name("Trạm y tế xã Ba Bể", start_date=JULY_1, source=""),
        ),
        codes=(alias("06A01", start=date(2020, 1, 1), last=date(2025, 12, 31)), alias("19A01", start=JULY_1)),
        create_time=datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert facility.name_on(date(2010, 1, 1)) == facility.name_on(JUNE_30) == "Trạm y tế xã Nam Mẫu"
    assert facility.name_on(JULY_1) == "Trạm y tế xã Ba Bể"
    assert [code.code for code in facility.codes_on(JULY_1)] == ["19A01", "06A01"]
    assert [code.code for code in facility.codes_on(date(2026, 1, 1))] == ["19A01"]
