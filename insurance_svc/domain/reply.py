"""Reads a card look-up's reply into values; what cannot be read is empty, never guessed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date

from insurance_svc.domain.model import InsuranceCard
from standards.errors import FormatError
from standards.insurance_card import parse_insurance_number

_DAY = re.compile(r"([0-9]{2})/?([0-9]{2})/?([0-9]{4})")
_MONTH = re.compile(r"([0-9]{2})/([0-9]{4})")
_YEAR = re.compile(r"[0-9]{4}")
_CODE = re.compile(r"[0-9]{3}")
_BHXH = re.compile(r"[0-9]{10}|[0-9]{12}")
_FACILITY = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
_NUMBER_FORMS = {12: "citizen12", 10: "number10", 15: "card15"}
_AREAS = frozenset({"K1", "K2", "K3"})


class ReplyUnreadable(ValueError):
    """The bytes are no JSON object with a result code of three digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a reply says."""

    code: str
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    """FHIR date; empty when it was missing or unreadable."""
    bhxh_number: str = field(repr=False)
    """maSoBHXH: 10 digits, or 12 once unified with the personal number; empty when not told."""
    card: InsuranceCard | None
    """maThe with its dates; None when the reply holds no readable number."""
    new_card: InsuranceCard | None
    """maTheMoi with its dates; None when there is none."""


def read_code(body: bytes) -> str:
    """The result code of a reply, whichever call it answers.

    Raises:
        ReplyUnreadable: HTML, cut off, not an object, or without a code.
    """
    return _code_of(document_of(body))


def read_reply(body: bytes) -> Reply:
    """Read a look-up's reply in the form of Annex 03 of letter 1923/BHXH-CNTT (20/06/2024).

    Raises:
        ReplyUnreadable: as read_code.
    """
    document = document_of(body)
    text = _Texts(document)
    bhxh_number = text("maSoBHXH")
    return Reply(
        code=_code_of(document),
        full_name=text("hoTen"),
        birth_date=fhir_date(text("ngaySinh")),
        bhxh_number=bhxh_number if _BHXH.fullmatch(bhxh_number) else "",
        card=read_card(
            text("maThe"),
            valid_from=text("gtTheTu"),
            valid_to=text("gtTheDen"),
            facility=text("maDKBD"),
            area=text("maKV"),
            five_year=text("ngayDu5Nam"),
        ),
        new_card=read_card(
            text("maTheMoi"),
            valid_from=text("gtTheTuMoi"),
            valid_to=text("gtTheDenMoi"),
            facility=text("maDKBDMoi"),
            area=text("maKV"),
            five_year=text("ngayDu5Nam"),
        ),
    )


def bare_reply(code: str) -> Reply:
    """A reply of which only the code is known."""
    return Reply(code=code, full_name="", birth_date="", bhxh_number="", card=None, new_card=None)


def read_card(
    number: str, *, valid_from: str, valid_to: str, facility: str, area: str, five_year: str
) -> InsuranceCard | None:
    """A card from the texts of a reply; None when the number has none of its three forms.

    Group and level are known from 15 characters only: cards printed since 01/04/2021 show 10 digits.
    """
    if not number:
        # Most replies name no new card, and an exception is dear.
        return None
    try:
        parsed = parse_insurance_number(number)
    except FormatError:
        return None
    facility = facility.strip().upper()
    return InsuranceCard(
        number=parsed.text,
        object_group=parsed.object_group or "",
        benefit_level=parsed.benefit_level or 0,
        valid_from_date=read_day(valid_from),
        valid_to_date=read_day(valid_to),
        registered_facility_code=facility if _FACILITY.fullmatch(facility) else "",
        area_code=area.upper() if area.upper() in _AREAS else "",
        five_year_date=read_day(five_year),
    )


def read_day(text: str) -> date | None:
    """A day written dd/MM/yyyy, with or without the slashes; None for anything else."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None


def fhir_date(text: str) -> str:
    """A birth date of the portal (dd/MM/yyyy, ddMMyyyy, MM/yyyy, yyyy) as a FHIR date; empty if unreadable."""
    text = text.strip()
    day = read_day(text)
    if day is not None:
        return day.isoformat()
    month = _MONTH.fullmatch(text)
    if month is not None and 1 <= int(month[1]) <= 12:
        return f"{month[2]}-{month[1]}"
    return text if _YEAR.fullmatch(text) else ""


def number_form(number: str) -> str:
    """The name of a number's form in a rung: citizen12, number10 or card15; the number was read before."""
    return _NUMBER_FORMS[len(number)]


class _Texts:
    """The text fields of a document; a missing, null or other value is empty."""

    def __init__(self, document: dict[str, object]) -> None:
        self._document = document

    def __call__(self, name: str) -> str:
        value = self._document.get(name)
        return value.strip() if isinstance(value, str) else ""


def document_of(body: bytes) -> dict[str, object]:
    """The JSON object of a reply; raises ReplyUnreadable."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ReplyUnreadable("not JSON") from None
    if not isinstance(document, dict):
        raise ReplyUnreadable("not an object")
    return document


def _code_of(document: dict[str, object]) -> str:
    # Some environments send the code as a number: 0 for 000 loses its zeros, so it is padded.
    value = document.get("maKetQua")
    code = f"{value:03d}" if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(code, str) or not _CODE.fullmatch(code.strip()):
        raise ReplyUnreadable("no result code")
    return code.strip()
