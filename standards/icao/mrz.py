"""The machine-readable zone of identity cards (TD1, three lines of 30) and passports (TD3, two lines of 44)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import cycle

from standards.icao.errors import (
    MrzCharacter,
    MrzCheckDigitWrong,
    MrzImpossibleDate,
    MrzLength,
    MrzNumbersDiffer,
)

MAX_MRZ_CHARS = 200
"""Longest text read, line ends and spaces included."""
FILLER = "<"

_NOT_MRZ = re.compile("[^A-Z0-9<]")
_BIRTH = re.compile(r"([0-9]{2})([0-9]{2}|<<)([0-9]{2}|<<)")
_VIETNAM = "VNM"
_WEIGHTS = (7, 3, 1)
_VALUES = {char: value for value, char in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {FILLER: 0}


class MrzForm(StrEnum):
    """Which document the zone belongs to."""

    TD1 = "TD1"
    """Card."""
    TD3 = "TD3"
    """Passport."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrz:
    """A machine-readable zone whose check digits all fit."""

    form: MrzForm
    document_code: str
    """Such as 'ID', 'I' or 'P'."""
    issuing_state: str
    """Three letters of ICAO, such as 'VNM'; fillers taken off."""
    document_number: str = field(repr=False)
    personal_number: str = field(repr=False)
    """12 digits of a Vietnamese card or passport, or what other states put into the optional data; may be empty."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY-MM-DD, YYYY-MM or YYYY."""
    gender: str
    """'male', 'female', or empty when the zone tells none."""
    expiry_date: date | None
    """None when the document does not expire."""
    nationality: str
    primary_name: str = field(repr=False)
    """Capitals A to Z: a Vietnamese zone has the surname here, without accents."""
    secondary_name: str = field(repr=False)

    @property
    def full_name(self) -> str:
        """Surname first, as Vietnamese names are written; capitals without accents."""
        return f"{self.primary_name} {self.secondary_name}".strip()


def check_digit(text: str) -> str:
    """Give the check digit of characters A to Z, 0 to 9 and <.

    Source: ICAO Doc 9303 part 3 section 4.9: weights 7, 3, 1, sum modulo 10.
    """
    total = sum(weight * _VALUES[char] for weight, char in zip(cycle(_WEIGHTS), text, strict=False))
    return str(total % 10)


def parse_mrz(text: str) -> Mrz:
    """Read a zone from a chip or a scanner; line ends, spaces and small letters are accepted.

    Raises:
        MrzLength: neither 90 nor 88 characters (fact char_count).
        MrzCharacter: another character than A to Z, 0 to 9 and < (fact position).
        MrzCheckDigitWrong: `field` is document_number, birth_date, expiry_date, personal_number or mrz (the
            composite one).
        MrzImpossibleDate: `field` is birth_date or expiry_date.
        MrzNumbersDiffer: the document number of a Vietnamese card is not the last nine digits of the personal number.
    Source: ICAO Doc 9303 (2021) parts 3, 4 and 5; the Vietnamese rule as found in one public reader, its check
        digits confirmed on a specimen.
    """
    if len(text) > MAX_MRZ_CHARS:
        raise MrzLength("mrz", char_count=len(text))
    zone = "".join(text.split())
    # upper() would turn letters such as ı into ASCII, so the form is checked before.
    zone = zone.upper() if zone.isascii() else zone
    if (odd := _NOT_MRZ.search(zone)) is not None:
        raise MrzCharacter("mrz", position=odd.start())
    if len(zone) == 90:
        return _parse_td1(zone[:30], zone[30:60], zone[60:])
    if len(zone) == 88:
        return _parse_td3(zone[:44], zone[44:])
    raise MrzLength("mrz", char_count=len(zone))


def _parse_td1(line1: str, line2: str, line3: str) -> Mrz:
    _check(line1[5:30] + line2[0:7] + line2[8:15] + line2[18:29], line2[29], "mrz")
    number, optional = line1[5:14], line1[15:30]
    if line1[14] == FILLER and number != FILLER * 9:
        # A number longer than nine characters goes on in the optional data, its check digit behind it.
        rest, _, optional = optional.partition(FILLER)
        _check(number + rest[:-1], rest[-1:], "document_number")
        number, optional = number + rest[:-1], optional.strip(FILLER)
    else:
        _check(number, line1[14], "document_number")
    state = line1[2:5].strip(FILLER)
    personal_number = optional.strip(FILLER)
    if state == _VIETNAM:
        personal_number = _vietnamese_number(number, optional)
    primary_name, secondary_name = _names(line3)
    return Mrz(
        form=MrzForm.TD1,
        document_code=line1[:2].strip(FILLER),
        issuing_state=state,
        document_number=number.strip(FILLER),
        personal_number=personal_number,
        birth_date=_birth_date(line2[:7], line2[8:14], personal_number if state == _VIETNAM else ""),
        gender=_gender(line2[7]),
        expiry_date=_expiry_date(line2[8:15]),
        nationality=line2[15:18].strip(FILLER),
        primary_name=primary_name,
        secondary_name=secondary_name,
    )


def _parse_td3(line1: str, line2: str) -> Mrz:
    _check(line2[0:10] + line2[13:20] + line2[21:43], line2[43], "mrz")
    _check(line2[0:9], line2[9], "document_number")
    optional = line2[28:42]
    if optional.strip(FILLER) or line2[42] != FILLER:
        _check(optional, line2[42], "personal_number")
    state = line1[2:5].strip(FILLER)
    personal_number = optional.strip(FILLER)
    is_citizen_number = state == _VIETNAM and len(personal_number) == 12 and personal_number.isdigit()
    primary_name, secondary_name = _names(line1[5:])
    return Mrz(
        form=MrzForm.TD3,
        document_code=line1[:2].strip(FILLER),
        issuing_state=state,
        document_number=line2[0:9].strip(FILLER),
        personal_number=personal_number,
        birth_date=_birth_date(line2[13:20], line2[21:27], personal_number if is_citizen_number else ""),
        gender=_gender(line2[20]),
        expiry_date=_expiry_date(line2[21:28]),
        nationality=line2[10:13].strip(FILLER),
        primary_name=primary_name,
        secondary_name=secondary_name,
    )


def _check(text: str, digit: str, name: str) -> None:
    # A filler may stand for the check digit of characters that are all fillers.
    if check_digit(text) != (digit if digit != FILLER or text.strip(FILLER) else "0"):
        raise MrzCheckDigitWrong(name)


def _vietnamese_number(number: str, optional: str) -> str:
    """Give the 12 digits in the optional data: twelve digits, two fillers, their check digit."""
    digits = optional[:12]
    if not digits.isdigit() or optional[12:14] != FILLER * 2:
        raise MrzNumbersDiffer("mrz")
    _check(optional[:14], optional[14], "personal_number")
    if digits[3:] != number:
        raise MrzNumbersDiffer("mrz")
    return digits


def _birth_date(text: str, expiry: str, citizen_number: str) -> str:
    """Read YYMMDD with its check digit; fillers stand for what is not known.

    The century comes from the fourth digit of a citizen number; without one the birth is the latest that is not
    after the expiry, so a passport of a person above 100 is read a century late.
    """
    _check(text[:6], text[6], "birth_date")
    match = _BIRTH.fullmatch(text[:6])
    if match is None or (match[2] == "<<" and match[3] != "<<"):
        raise MrzImpossibleDate("birth_date")
    if citizen_number:
        century = 1900 + 100 * (int(citizen_number[3]) // 2)
    else:
        century = 2000 if expiry[:2].isdigit() and int(match[1]) <= int(expiry[:2]) else 1900
    year = century + int(match[1])
    if match[2] == "<<":
        return str(year)
    day = "01" if match[3] == "<<" else match[3]
    try:
        value = date(year, int(match[2]), int(day))
    except ValueError:
        raise MrzImpossibleDate("birth_date") from None
    return value.isoformat()[: 7 if match[3] == "<<" else 10]


def _expiry_date(text: str) -> date | None:
    """Read YYMMDD with its check digit, of this century; fillers alone stand for a document without an end."""
    _check(text[:6], text[6], "expiry_date")
    if text[:6] == FILLER * 6:
        return None
    if not text[:6].isdigit():
        raise MrzImpossibleDate("expiry_date")
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise MrzImpossibleDate("expiry_date") from None


def _gender(char: str) -> str:
    return {"M": "male", "F": "female"}.get(char, "")


def _names(text: str) -> tuple[str, str]:
    primary, _, secondary = text.strip(FILLER).partition(FILLER * 2)
    return _words(primary), _words(secondary)


def _words(text: str) -> str:
    return " ".join(text.replace(FILLER, " ").split())
