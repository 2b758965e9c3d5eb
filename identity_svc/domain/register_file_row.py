"""From the cells of a row of a register file to a person, or to the reason why not; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from identity_svc.domain.model import Gender, IdentifierKind, TextQuality
from identity_svc.domain.register_file import RegisterField
from identity_svc.domain.residence import Residence, residence_of, residence_of_code, unresolved
from standards.admin_units import MAX_ADDRESS_CHARS, Vintage
from standards.citizen_number import (
    CitizenNumberWarning,
    cross_check,
    parse_citizen_number,
    parse_old_number,
    strip_separators,
)
from standards.errors import FormatError
from standards.insurance_card import InsuranceNumberKind, parse_insurance_number
from standards.legacy_text import repair_legacy_text
from standards.names import normalise_name, unify_characters
from standards.syllables import fold

CELL_CHARS_MAX = 2_000
PLACES_KEPT = 32_768
"""Commune, district and province as written: ten thousand communes in a few spellings each, no house among them."""

_TRUE_EMPTY = frozenset(
    {"", "null", "none", "na", "n/a", "#n/a", "-", "không", "khong", "không có", "khong co"}
)
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.\-]([0-9]{1,2})[/.\-]([0-9]{4})")
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.\-]([0-9]{1,2})[/.\-]([0-9]{1,2})(?:[T ].*)?")
_COMPACT = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})(?:[0-9]{4,6})?")
_MONTH_FIRST = re.compile(r"([0-9]{1,2})[/.\-]([0-9]{4})")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
_DECIMAL_ENDING = re.compile(r"(?<=[0-9])[.,]0+$")
_DAMAGE = re.compile("[\ufffd\u0000-\u001f\u0080-\u009f]|\\w\\?|\\?\\w")
_GENDERS = {
    "nam": Gender.MALE, "male": Gender.MALE, "m": Gender.MALE, "1": Gender.MALE, "trai": Gender.MALE,
    "nu": Gender.FEMALE, "female": Gender.FEMALE, "f": Gender.FEMALE, "2": Gender.FEMALE, "gai": Gender.FEMALE,
}  # fmt: skip
_BELOW_COMMUNE = re.compile(r"(?:thôn|xóm|bản|làng|ấp|buôn|tổ|tdp|khu|số|đường|phố|ngõ|[0-9])", re.IGNORECASE)
_NAMES_COMMUNE = re.compile(r"\b(?:x[aã]|ph[uưườ]*ng|th[iị]\s*tr[aấ]n|tt|p|x)\b", re.IGNORECASE)
_CHANGE_DATE = "2025-07-01"
"""The day on which codes and names of communes changed."""
_INSURANCE_KINDS = {
    InsuranceNumberKind.BHXH10: IdentifierKind.INSURANCE_NUMBER,
    InsuranceNumberKind.CARD15: IdentifierKind.INSURANCE_CARD,
    InsuranceNumberKind.CITIZEN12: IdentifierKind.CITIZEN_NUMBER,
}
_NUMBER_WARNINGS = {
    CitizenNumberWarning.PREFIX_UNKNOWN: "UNKNOWN_PREFIX",
    CitizenNumberWarning.BIRTH_YEAR_DIFFERS: "NUMBER_CONTRADICTS_BIRTH_DATE",
    CitizenNumberWarning.GENDER_DIFFERS: "NUMBER_CONTRADICTS_GENDER",
}

Cells = Sequence[str]
Places = Mapping[RegisterField, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPerson:
    """What one row tells of one person."""

    identifiers: tuple[tuple[IdentifierKind, str], ...] = field(repr=False)
    """At least one, the citizen number first."""
    full_name: str = field(repr=False)
    """In the kept spelling."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM or YYYY-MM-DD."""
    gender: Gender
    address: str = field(repr=False)
    """NFC, may be empty."""
    text_quality: TextQuality
    issue_date: str
    """Issue date of the citizen card, YYYY-MM-DD, or empty."""
    residence: Residence
    warnings: tuple[str, ...]
    """Doubts that reject nothing, UPPER_SNAKE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """Why a row is not taken in."""

    field: RegisterField | None
    """The field at fault; None for the row as a whole."""
    reason: str
    """UPPER_SNAKE; words stand in register_file_words."""


class _Refused(Exception):
    """Ends the reading of a row; never leaves this module."""

    def __init__(self, at: RegisterField | None, reason: str) -> None:
        super().__init__(reason)
        self.fault = RowFault(field=at, reason=reason)


def read_row(cells: Cells, places: Places, *, column_count: int, as_of: date) -> RegisterPerson | RowFault:
    """Read one row.

    Args:
        cells: The values as the file has them.
        places: Where each field stands.
        column_count: Columns of the file; a row of another length has slipped and is refused.
        as_of: The day the file's facts are of; nobody is born after it.
    """
    if len(cells) != column_count and any(each.strip() for each in cells[column_count:]):
        return RowFault(field=None, reason="COLUMN_COUNT_WRONG")
    if len(cells) < column_count:
        return RowFault(field=None, reason="COLUMN_COUNT_WRONG")
    try:
        return _Reader(cells, places, as_of).person()
    except _Refused as refused:
        return refused.fault


class _Reader:
    """Reads one row, field by field, and gathers its doubts."""

    def __init__(self, cells: Cells, places: Places, as_of: date) -> None:
        self._cells = cells
        self._places = places
        self._as_of = as_of
        self._warnings: list[str] = []

    def person(self) -> RegisterPerson:
        birth_date = self._birth_date()
        gender = self._gender()
        identifiers = self._identifiers(birth_date, gender)
        full_name = self._name()
        address = self._address()
        quality = _quality(f"{full_name} {address}")
        if quality is not TextQuality.GOOD:
            self._warnings.append(
                "TEXT_DAMAGED" if quality is TextQuality.DAMAGED else "TEXT_WITHOUT_ACCENTS"
            )
        residence = self._residence(address)
        if not residence.is_settled:
            self._warnings.append(f"ADDRESS_{residence.kind}")
        return RegisterPerson(
            identifiers=identifiers,
            full_name=full_name,
            birth_date=birth_date,
            gender=gender,
            address=address,
            text_quality=quality,
            issue_date=self._issue_date(),
            residence=residence,
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _cell(self, at: RegisterField) -> str:
        """A value with single spaces, empty where the file has one of the words for nothing."""
        place = self._places.get(at)
        if place is None:
            return ""
        text = self._cells[place]
        if len(text) > CELL_CHARS_MAX:
            raise _Refused(at, "VALUE_TOO_LONG")
        text = " ".join(text.split())
        return "" if text.casefold() in _TRUE_EMPTY else text

    def _text(self, at: RegisterField) -> str:
        """A value as text, put right where it is written in an old Vietnamese encoding."""
        text = self._cell(at)
        if text.isascii():
            return text
        repaired = repair_legacy_text(text)
        if repaired.encoding is not None:
            self._warnings.append("TEXT_REPAIRED")
        return repaired.text

    def _birth_date(self) -> str:
        text = self._cell(RegisterField.BIRTH_DATE)
        if not text:
            raise _Refused(RegisterField.BIRTH_DATE, "BIRTH_DATE_MISSING")
        found = read_date(text)
        if not found:
            raise _Refused(RegisterField.BIRTH_DATE, "IMPOSSIBLE_DATE")
        if found > self._as_of.isoformat():
            raise _Refused(RegisterField.BIRTH_DATE, "BIRTH_DATE_IN_FUTURE")
        return found

    def _issue_date(self) -> str:
        text = self._cell(RegisterField.ISSUE_DATE)
        found = read_date(text) if text else ""
        if text and (len(found) != 10 or found > self._as_of.isoformat()):
            self._warnings.append("ISSUE_DATE_UNREADABLE")
            return ""
        return found

    def _gender(self) -> Gender:
        text = self._cell(RegisterField.GENDER)
        if not text:
            raise _Refused(RegisterField.GENDER, "GENDER_MISSING")
        found = _GENDERS.get(fold(text)) or _GENDERS.get(fold(self._text(RegisterField.GENDER)))
        if found is None:
            raise _Refused(RegisterField.GENDER, "GENDER_UNREADABLE")
        return found

    def _identifiers(self, birth_date: str, gender: Gender) -> tuple[tuple[IdentifierKind, str], ...]:
        found: list[tuple[IdentifierKind, str]] = []
        if text := self._number(RegisterField.CITIZEN_NUMBER):
            found.append(self._citizen_number(text, birth_date, gender))
        if text := self._number(RegisterField.OLD_NUMBER):
            found.append(self._old_number(text))
        if text := self._number(RegisterField.INSURANCE_NUMBER):
            found.append(self._insurance_number(text))
        if not found:
            raise _Refused(RegisterField.CITIZEN_NUMBER, "IDENTIFIER_MISSING")
        return tuple(dict.fromkeys(found))

    def _number(self, at: RegisterField) -> str:
        """A number without what spreadsheets put around it."""
        text = self._cell(at).lstrip("'")
        if _SCIENTIFIC.fullmatch(text):
            raise _Refused(at, "NUMBER_IN_SCIENTIFIC_FORM")
        return strip_separators(_DECIMAL_ENDING.sub("", text))

    def _citizen_number(self, text: str, birth_date: str, gender: Gender) -> tuple[IdentifierKind, str]:
        """A citizen number; an old number that stands in its column; or one whose leading zeros a spreadsheet took.

        Zeros are put back only where century, year and gender inside the number then agree with the row.
        """
        at = RegisterField.CITIZEN_NUMBER
        if len(text) == 9 and text.isdecimal():
            self._warnings.append("OLD_NUMBER_IN_CITIZEN_COLUMN")
            return self._checked(at, IdentifierKind.OLD_IDENTITY_NUMBER, text)
        is_short = len(text) in (10, 11) and text.isdecimal()
        try:
            number = parse_citizen_number(text.zfill(12) if is_short else text)
        except FormatError as refused:
            raise _Refused(at, refused.reason) from None
        doubts = list(cross_check(number, gender=gender))
        if str(number.birth_year) != birth_date[:4]:
            doubts.append(CitizenNumberWarning.BIRTH_YEAR_DIFFERS)
        if is_short:
            if set(doubts) - {CitizenNumberWarning.PREFIX_UNKNOWN}:
                raise _Refused(at, "NOT_TWELVE_DIGITS")
            self._warnings.append("LEADING_ZEROS_RESTORED")
        self._warnings += [_NUMBER_WARNINGS[doubt] for doubt in doubts]
        return IdentifierKind.CITIZEN_NUMBER, number.digits

    def _old_number(self, text: str) -> tuple[IdentifierKind, str]:
        """The old number; a column of it may hold a cancelled or the present citizen number."""
        if len(text) == 12:
            return self._checked(RegisterField.OLD_NUMBER, IdentifierKind.CITIZEN_NUMBER, text)
        return self._checked(RegisterField.OLD_NUMBER, IdentifierKind.OLD_IDENTITY_NUMBER, text)

    def _checked(self, at: RegisterField, kind: IdentifierKind, text: str) -> tuple[IdentifierKind, str]:
        try:
            if kind is IdentifierKind.CITIZEN_NUMBER:
                return kind, parse_citizen_number(text).digits
            return kind, parse_old_number(text)
        except FormatError as refused:
            raise _Refused(at, refused.reason) from None

    def _insurance_number(self, text: str) -> tuple[IdentifierKind, str]:
        try:
            number = parse_insurance_number(text)
        except FormatError as refused:
            raise _Refused(RegisterField.INSURANCE_NUMBER, refused.reason) from None
        return _INSURANCE_KINDS[number.kind], number.text

    def _name(self) -> str:
        parts = (
            [RegisterField.FULL_NAME]
            if RegisterField.FULL_NAME in self._places
            else [RegisterField.FAMILY_NAME, RegisterField.MIDDLE_NAME, RegisterField.GIVEN_NAME]
        )
        text = " ".join(filter(None, map(self._text, parts)))
        try:
            name = normalise_name(text)
        except FormatError as refused:
            raise _Refused(parts[0], refused.reason) from None
        if not any(letter.isalpha() for letter in name):
            raise _Refused(parts[0], "NAME_MISSING")
        return name.title() if name.isupper() else name

    def _address(self) -> str:
        """The whole address as one text, however many columns it had."""
        text = self._text(RegisterField.ADDRESS)
        ends = [end for each in _PLACE_NAMES if (end := self._text(each))]
        if ends:
            # A full address beside columns of its own parts says them once.
            known = fold(text)
            text = ", ".join(filter(None, [text, *(end for end in ends if fold(end) not in known)]))
        text = unify_characters(text)
        if len(text) > MAX_ADDRESS_CHARS:
            raise _Refused(RegisterField.ADDRESS, "ADDRESS_TOO_LONG")
        return text

    def _residence(self, address: str) -> Residence:
        """The commune of residence: by its words first, then by its code where the words leave it open."""
        by_words = _residence_of_address(address)
        code = self._cell(RegisterField.WARD_CODE)
        if by_words.is_settled or not code:
            return by_words
        by_code = _residence_of_any_code(code.zfill(5), self._is_old_system())
        return by_code if by_code.is_settled or not address else by_words

    def _is_old_system(self) -> bool | None:
        """Whether the row's codes are those before July 2025; None when nothing tells."""
        if self._as_of.isoformat() < _CHANGE_DATE:
            return True
        has_district = bool(
            self._cell(RegisterField.DISTRICT_CODE) or self._cell(RegisterField.DISTRICT_NAME)
        )
        return True if has_district else None


_PLACE_NAMES = (RegisterField.WARD_NAME, RegisterField.DISTRICT_NAME, RegisterField.PROVINCE_NAME)


def read_date(text: str) -> str:
    """A FHIR date (YYYY, YYYY-MM or YYYY-MM-DD) from the forms in use; empty for anything else.

    Day before month, as Vietnam writes it; 00 for an unknown day or month leaves it out. Years 1900 to 2099.
    """
    if match := _DAY_FIRST.fullmatch(text):
        return _date_of(match[3], match[2], match[1])
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _date_of(match[1], match[2], match[3])
    if match := _MONTH_FIRST.fullmatch(text):
        return _date_of(match[2], match[1], "00")
    return text if _YEAR.fullmatch(text) else ""


def _date_of(year: str, month: str, day: str) -> str:
    if not "1900" <= year <= "2099":
        return ""
    if not int(month):
        return "" if int(day) else year
    try:
        found = date(int(year), int(month), int(day) or 1)
    except ValueError:
        return ""
    return found.isoformat() if int(day) else found.isoformat()[:7]


def _quality(words: str) -> TextQuality:
    if _DAMAGE.search(words):
        return TextQuality.DAMAGED
    return TextQuality.WITHOUT_ACCENTS if words.isascii() else TextQuality.GOOD


def _residence_of_address(address: str) -> Residence:
    """The residence in an address; its last parts are remembered when what stands before is a house or a village."""
    head, comma, tail = address.partition(",")
    if comma and _BELOW_COMMUNE.match(head.strip()) and not _NAMES_COMMUNE.search(head):
        found = _residence_of_place(tail.strip())
        if found.is_settled:
            return found
    return residence_of(address)


@lru_cache(maxsize=PLACES_KEPT)
def _residence_of_place(place: str) -> Residence:
    return residence_of(place)


@lru_cache(maxsize=PLACES_KEPT)
def _residence_of_any_code(code: str, is_old: bool | None) -> Residence:
    """The residence of a commune code whose vintage may be unknown: both must then lead to one commune."""
    old, new = residence_of_code(code, Vintage.BEFORE_2025_07), residence_of_code(code, Vintage.FROM_2025_07)
    if is_old is True:
        return old
    if old.ward_in_force == new.ward_in_force:
        return new
    if not old.ward_code or not new.ward_code:
        return old if old.ward_code else new
    return unresolved("VINTAGE_UNKNOWN")
