"""The text in the QR code of a paper health insurance card (thẻ BHYT giấy)."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from standards.errors import (
    FormatError,
    ImpossibleDate,
    InsuranceQrTooLong,
    InsuranceQrTruncated,
    InsuranceQrUnreadable,
    NotAnInsuranceQr,
    ScannerImeOn,
    ScannerLayoutWrong,
)
from standards.facility_code import parse_facility_code
from standards.insurance_card import InsuranceNumber, parse_insurance_number
from standards.scanner_text import ScanWarning, has_accent, split_fields, strip_scanner_marks

MAX_INSURANCE_QR_CHARS = 2048
"""Longest text read; a real card has about 300 characters."""
FIELD_COUNT = 9
"""Fields whose order is known: number to day of issue."""

_NOTHING = "-"
_HEAD_CHARS = (15, 10)
_HEAD = re.compile(r"[A-Za-z]{2}[0-9]{13}|[0-9]{10}")
_HEAD_OF_INPUT_METHOD = re.compile(r"[A-Za-zÀ-ỹĐđ]{2}[0-9]{12,13}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})|([0-9]{4})")
_AREAS = {"4": "", "5": "K1", "6": "K2", "7": "K3"}
_GENDERS = {"1": "male", "2": "female"}
# The digit that VNI typing turns into each accent.
_VNI_DIGITS = {
    "\u0301": "1", "\u0300": "2", "\u0309": "3", "\u0303": "4",
    "\u0323": "5", "\u0302": "6", "\u031b": "7", "\u0306": "8",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceQr:
    """What a paper card's QR says. It is not signed, and the portal's answer wins over every field of it."""

    number: InsuranceNumber = field(repr=False)
    full_name: str = field(repr=False)
    """NFC, single spaces."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY-MM-DD, YYYY-MM or YYYY; empty when the card tells none."""
    gender: str
    """'male', 'female', or empty."""
    address: str = field(repr=False)
    """May be empty."""
    facility_code: str
    """Place of first registration, 5 characters, or empty."""
    valid_from_date: date | None
    valid_until_date: date | None
    issue_date: date | None
    area: str = ""
    """'K1', 'K2', 'K3' (difficult area, border, island), or empty."""
    five_years_date: date | None = None
    """Day on which five years without a gap are reached."""
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Fields after the ninth, raw: their order is not verified."""
    warnings: tuple[ScanWarning, ...] = ()


def parse_insurance_qr(raw: str) -> InsuranceQr:
    """Read the text that a scanner gives for a paper insurance card's QR code.

    Args:
        raw: Fields between `|`: number of 15 or 10 characters, name as hexadecimal UTF-8, birth dd/MM/yyyy, 1 or 2
            for the gender, address as hexadecimal UTF-8, facility "79 - 011", valid from, valid until, issued; then
            more, among them the area code (4 to 7) and the five-year date, and `$` at the end; `-` stands for
            nothing.
    Raises:
        NotAnInsuranceQr: something else was scanned.
        InsuranceQrTruncated: the text ends too early (fact field_count).
        InsuranceQrTooLong: more than MAX_INSURANCE_QR_CHARS (fact limit_chars).
        ScannerImeOn, ScannerLayoutWrong: the computer changes what the scanner types, past repair.
        BenefitLevelUnknown: as standards.insurance_card says.
        InsuranceQrUnreadable, ImpossibleDate: a field does not have its form; `field` names it.
    Source: Decision 1313/QĐ-BHXH (2014) as found in one public generator; not verified against a card.
    """
    if len(raw) > MAX_INSURANCE_QR_CHARS:
        raise InsuranceQrTooLong("insurance_qr", limit_chars=MAX_INSURANCE_QR_CHARS)
    text = strip_scanner_marks(unicodedata.normalize("NFC", raw))
    for head_chars in _HEAD_CHARS:
        fields, is_replaced = split_fields(text, head_chars=head_chars, least_count=FIELD_COUNT)
        if len(fields) > 1:
            break
    warnings = []
    if not _HEAD.fullmatch(fields[0]):
        fields[0] = _undo_input_method(fields[0])
        warnings.append(ScanWarning.INPUT_METHOD)
    if len(fields) < FIELD_COUNT:
        raise InsuranceQrTruncated("insurance_qr", field_count=len(fields))
    if not is_replaced:
        return _read_fields(fields, warnings)
    try:
        return _read_fields(fields, [*warnings, ScanWarning.SEPARATOR_REPLACED])
    except FormatError:
        raise ScannerLayoutWrong("insurance_qr") from None


def _read_fields(fields: list[str], warnings: list[ScanWarning]) -> InsuranceQr:
    birth_date = _read_birth_date(fields[2])
    if 0 < len(birth_date) < len("YYYY-MM-DD"):
        warnings.append(ScanWarning.BIRTH_DATE_INCOMPLETE)
    gender = fields[3]
    if gender not in (*_GENDERS, _NOTHING, ""):
        raise InsuranceQrUnreadable("gender")
    extra = tuple(each for each in fields[FIELD_COUNT:] if each not in ("", "$"))
    area_at = next((at for at, each in enumerate(extra) if each in _AREAS), len(extra))
    later_dates = [each for each in extra[area_at + 1 :] if _DATE.fullmatch(each)]
    return InsuranceQr(
        number=parse_insurance_number(fields[0]),
        full_name=_read_hex(fields[1], "full_name"),
        birth_date=birth_date,
        gender=_GENDERS.get(gender, ""),
        address=_read_hex(fields[4], "address"),
        facility_code=_read_facility(fields[5]),
        valid_from_date=_read_date(fields[6], "valid_from_date"),
        valid_until_date=_read_date(fields[7], "valid_until_date"),
        issue_date=_read_date(fields[8], "issue_date"),
        area=_AREAS[extra[area_at]] if area_at < len(extra) else "",
        five_years_date=_read_date(later_dates[0], "five_years_date") if later_dates else None,
        extra=extra,
        warnings=tuple(warnings),
    )


def _undo_input_method(head: str) -> str:
    """Give the number back that VNI typing changed (TÉ… was TE1…); with two accents the order of digits is lost."""
    if not _HEAD_OF_INPUT_METHOD.fullmatch(head) or not has_accent(head):
        raise NotAnInsuranceQr("insurance_qr")
    typed = "".join(_VNI_DIGITS.get(char, char) for char in unicodedata.normalize("NFD", head))
    if not _HEAD.fullmatch(typed):
        raise ScannerImeOn("insurance_qr")
    return typed


def _read_hex(text: str, name: str) -> str:
    if text in (_NOTHING, ""):
        return ""
    if has_accent(text):
        raise ScannerImeOn(name)
    if not _HEX.fullmatch(text):
        raise InsuranceQrUnreadable(name)
    try:
        value = bytes.fromhex(text).decode("utf-8")
    except UnicodeDecodeError:
        # The cause holds the bytes of a name, so it is not kept.
        raise InsuranceQrUnreadable(name) from None
    return " ".join(unicodedata.normalize("NFC", value).split())


def _read_birth_date(text: str) -> str:
    """Read dd/MM/yyyy, 00/MM/yyyy, 00/00/yyyy or yyyy."""
    if text in (_NOTHING, ""):
        return ""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ImpossibleDate("birth_date")
    day, month, year = (match[1] or "00", match[2] or "00", match[3] or match[4])
    whole = _to_date(
        day if day != "00" else "01", month if month != "00" or day != "00" else "01", year, "birth_date"
    )
    return whole.isoformat()[: 10 if day != "00" else 7 if month != "00" else 4]


def _read_date(text: str, name: str) -> date | None:
    if text in (_NOTHING, ""):
        return None
    match = _DATE.fullmatch(text)
    if match is None or match[4]:
        raise ImpossibleDate(name)
    return _to_date(match[1], match[2], match[3], name)


def _to_date(day: str, month: str, year: str, name: str) -> date:
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        raise ImpossibleDate(name) from None
    if value.year < 1900:
        raise ImpossibleDate(name)
    return value


def _read_facility(text: str) -> str:
    if text in (_NOTHING, ""):
        return ""
    try:
        return parse_facility_code("".join(text.split()).replace("-", "")).code
    except FormatError:
        raise InsuranceQrUnreadable("facility_code") from None
