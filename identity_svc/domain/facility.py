"""A place of care with its dated names and codes; the id never changes, the codes come and go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from identity_svc.domain.units_errors import DaysReversed, FacilityNameForm, SourceTooLong
from standards.admin_units import Vintage, resolve_province
from standards.errors import ProvinceCodeUnknown
from standards.facility_code import FacilityCodeScheme, parse_any_facility_code

NAME_CHARS_MAX = 200
SOURCE_CHARS_MAX = 200
UNITS_CHANGE_DATE = date(2025, 7, 1)
"""The day the provinces changed (Resolution 202/2025/QH15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityCodeAlias:
    """One code of a facility, with its first and last day, both inside."""

    code: str
    scheme: FacilityCodeScheme
    start_date: date
    last_date: date | None
    """None: in force until further notice."""
    vintage: Vintage | None
    """Which province list the first two digits are from; None for thirteen digits."""
    source: str
    """Who says so, such as a decision's number."""

    def is_in_force(self, day: date) -> bool:
        """Whether the code counts on a day."""
        return self.start_date <= day and (self.last_date is None or day <= self.last_date)

    def shares_a_day(self, other: FacilityCodeAlias) -> bool:
        """Whether both count on some day."""
        return (self.last_date is None or other.start_date <= self.last_date) and (
            other.last_date is None or self.start_date <= other.last_date
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityName:
    """One name of a facility, until the next begins."""

    name: str
    start_date: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """A place of care."""

    facility_id: str
    names: tuple[FacilityName, ...]
    """Oldest first, at least one."""
    codes: tuple[FacilityCodeAlias, ...]
    """Oldest first."""
    create_time: datetime

    def name_on(self, day: date) -> str:
        """The name on a day; before the first name's day that one."""
        begun = [each for each in self.names if each.start_date <= day]
        return (begun[-1] if begun else self.names[0]).name

    def codes_on(self, day: date) -> tuple[FacilityCodeAlias, ...]:
        """The codes in force on a day, the newest first."""
        return tuple(each for each in reversed(self.codes) if each.is_in_force(day))


def code_alias(
    text: str, *, start_date: date, last_date: date | None, vintage: Vintage | None, source: str
) -> FacilityCodeAlias:
    """Check a code that somebody declares.

    Args:
        vintage: None to tell it from the digits and the first day: a province that stands in one list only
            settles it; else the list of the first day counts, though a facility may keep its old code for a while
            (Decree 188/2025 art. 69 k8 d, for 01/07-31/12/2025).
    Raises:
        FacilityCodeForm: neither five characters nor thirteen digits.
        DaysReversed: the last day stands before the first.
        SourceTooLong: above SOURCE_CHARS_MAX.
    """
    code = parse_any_facility_code(text)
    if last_date is not None and last_date < start_date:
        raise DaysReversed
    return FacilityCodeAlias(
        code=code.code,
        scheme=code.scheme,
        start_date=start_date,
        last_date=last_date,
        vintage=(vintage or _vintage_of(code.province_digits, start_date)) if code.province_digits else None,
        source=checked_source(source),
    )


def facility_name(name: str, *, start_date: date, source: str) -> FacilityName:
    """Check a name that somebody declares.

    Raises:
        FacilityNameForm: empty, or above NAME_CHARS_MAX.
        SourceTooLong: above SOURCE_CHARS_MAX.
    """
    trimmed = " ".join(name.split())
    if not 1 <= len(trimmed) <= NAME_CHARS_MAX:
        raise FacilityNameForm(limit=NAME_CHARS_MAX)
    return FacilityName(name=trimmed, start_date=start_date, source=checked_source(source))


def checked_source(source: str) -> str:
    """The source without spaces around it; SourceTooLong above SOURCE_CHARS_MAX."""
    trimmed = source.strip()
    if len(trimmed) > SOURCE_CHARS_MAX:
        raise SourceTooLong(limit=SOURCE_CHARS_MAX)
    return trimmed


def _vintage_of(province_digits: str, start_date: date) -> Vintage:
    known = [vintage for vintage in Vintage if _is_province(province_digits, vintage)]
    if len(known) == 1:
        return known[0]
    return Vintage.BEFORE_2025_07 if start_date < UNITS_CHANGE_DATE else Vintage.FROM_2025_07


def _is_province(digits: str, vintage: Vintage) -> bool:
    try:
        resolve_province(digits, vintage)
    except ProvinceCodeUnknown:
        return False
    return True
