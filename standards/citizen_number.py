"""The 12-digit personal number of a citizen and the 9-digit number of the old identity card."""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from standards.errors import LetterInNumber, NotTwelveDigits, OldNumberNotNineDigits
from standards.reference_tables import read_table

DIGIT_COUNT = 12
OLD_DIGIT_COUNT = 9
# What people put between groups of digits: spaces of all kinds, dots, hyphens; and what scanners add unseen.
_SEPARATORS = re.compile("[\\s.\\-\u2010-\u2013\u200b-\u200d\u2060\ufeff]+")
_DIGITS = re.compile(r"[0-9]+")


class CitizenNumberWarning(StrEnum):
    """A doubt about a personal number; never a reason to refuse (a person's civil-status data may have
    changed)."""

    PREFIX_UNKNOWN = "PREFIX_UNKNOWN"
    """The first three digits are none of the 63 province codes: born abroad, test data, or a typing error."""
    BIRTH_YEAR_DIFFERS = "BIRTH_YEAR_DIFFERS"
    """The year in the number is not the year of the stated birth date."""
    GENDER_DIFFERS = "GENDER_DIFFERS"
    """The gender in the number is not the stated one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenNumber:
    """A personal number taken apart. It is an identifier with history: it can be cancelled and replaced."""

    digits: str = field(repr=False)
    """The 12 digits; left out of repr so that it cannot slip into a log."""
    province_prefix: str
    """Where the birth was registered (three digits). Never translated when provinces merge: 006 stays for
    ever."""
    century_gender_digit: int
    """0 to 9; even is male."""
    birth_year: int
    """1900 to 2399."""
    gender: str
    """'male' or 'female' (FHIR administrative-gender)."""

    def __str__(self) -> str:
        return self.digits


@lru_cache(maxsize=1)
def known_prefixes() -> dict[str, str]:
    """Give province prefix → name of the province before 1 July 2025, 63 entries (`001` to `096`)."""
    return {
        row["cccd_prefix"]: row["old_province"]
        for row in read_table("admin_units", "vn_provinces_63_to_34.csv")
    }


def strip_separators(text: str) -> str:
    """Take out what people and scanners put between digits: spaces, dots, hyphens, zero-width characters."""
    return _SEPARATORS.sub("", text)


def parse_citizen_number(text: str) -> CitizenNumber:
    """Take a personal number apart.

    Args:
        text: 12 digits; spaces, dots and hyphens between them are accepted.
    Raises:
        LetterInNumber: something else than digits is in it.
        NotTwelveDigits: fewer or more than 12 digits (fact digit_count).
    Source: Decree 137/2015/NĐ-CP art. 13 and Circular 07/2016/TT-BCA art. 7; no check digit exists, so a
        typing error inside the number cannot be seen here.
    """
    digits = strip_separators(text)
    if digits and not _DIGITS.fullmatch(digits):
        raise LetterInNumber("personal_number")
    if len(digits) != DIGIT_COUNT:
        raise NotTwelveDigits("personal_number", digit_count=len(digits))
    century_gender_digit = int(digits[3])
    return CitizenNumber(
        digits=digits,
        province_prefix=digits[:3],
        century_gender_digit=century_gender_digit,
        birth_year=1900 + 100 * (century_gender_digit // 2) + int(digits[4:6]),
        gender="female" if century_gender_digit % 2 else "male",
    )


def cross_check(
    number: CitizenNumber, *, birth_date: date | None = None, gender: str | None = None
) -> tuple[CitizenNumberWarning, ...]:
    """Compare a personal number with what else is known of the person.

    Args:
        number: The number taken apart.
        birth_date: Stated birth date, or None to leave the year unchecked.
        gender: 'male' or 'female'; anything else, and None, leaves the gender unchecked.
    Returns:
        The doubts, empty when there are none. They are to be shown, not enforced.
    """
    warnings = []
    if number.province_prefix not in known_prefixes():
        warnings.append(CitizenNumberWarning.PREFIX_UNKNOWN)
    if birth_date is not None and birth_date.year != number.birth_year:
        warnings.append(CitizenNumberWarning.BIRTH_YEAR_DIFFERS)
    if gender in ("male", "female") and gender != number.gender:
        warnings.append(CitizenNumberWarning.GENDER_DIFFERS)
    return tuple(warnings)


def parse_old_number(text: str) -> str:
    """Give the 9 digits of an old identity card number (CMND).

    Raises:
        LetterInNumber: something else than digits is in it.
        OldNumberNotNineDigits: fewer or more than 9 digits (fact digit_count).
    Source: the cards issued until 2021; what its first digits mean is not verified and not read.
    """
    digits = strip_separators(text)
    if digits and not _DIGITS.fullmatch(digits):
        raise LetterInNumber("old_number")
    if len(digits) != OLD_DIGIT_COUNT:
        raise OldNumberNotNineDigits("old_number", digit_count=len(digits))
    return digits
