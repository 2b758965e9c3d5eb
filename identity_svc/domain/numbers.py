"""From a number as a client writes it, with its kind or its system, to the one form it is kept and found in."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum

from identity_svc.domain.errors import IdentifierDatesWrong, IdentifierFormWrong
from identity_svc.domain.model import Assurance, IdentifierKind, Source
from standards.check_character import CROCKFORD32, check_character32, is_valid32
from standards.citizen_number import parse_citizen_number, parse_old_number, strip_separators
from standards.insurance_card import InsuranceNumberKind, parse_insurance_number

HOME_COUNTRY = "VNM"
"""Country of a passport that names none (ISO 3166, three letters)."""
TEMPORARY_CHARS = 8
TEMPORARY_COUNT = len(CROCKFORD32) ** TEMPORARY_CHARS
"""How many temporary numbers there are, about 10 to the 12th."""

_PASSPORT = re.compile(r"(?:([A-Z]{3})-)?([A-Z0-9]{5,15})", re.ASCII)
_FOREIGN_ID = re.compile(r"[A-Z0-9]{5,20}", re.ASCII)
_TEMPORARY = re.compile(rf"T[{CROCKFORD32}]{{{TEMPORARY_CHARS + 1}}}", re.ASCII)
_SPACES = re.compile(r"\s+")
_INSURANCE_KINDS = {
    InsuranceNumberKind.BHXH10: IdentifierKind.INSURANCE_NUMBER,
    InsuranceNumberKind.CARD15: IdentifierKind.INSURANCE_CARD,
    InsuranceNumberKind.CITIZEN12: IdentifierKind.CITIZEN_NUMBER,
}
_ASSURANCES = {
    Source.TYPED: Assurance.TYPED,
    Source.CARD_QR: Assurance.SCANNED,
    Source.PASSPORT_MRZ: Assurance.SCANNED,
    Source.INSURANCE_CARD_QR: Assurance.SCANNED,
    Source.INSURER: Assurance.SCANNED,
    Source.REGISTER_FILE: Assurance.TYPED,
    Source.ISSUED_HERE: Assurance.NONE,
    Source.CARD_CHIP: Assurance.CHIP_INTACT,
}


class NumberFamily(StrEnum):
    """What a system of identifiers holds; which kind a number is, its own form tells."""

    IDENTITY = "IDENTITY"
    """Citizen numbers of 12 digits and old identity numbers of 9: clients mix the two under one system."""
    INSURANCE = "INSURANCE"
    """Insurance numbers of 10, 12 and 15 characters."""
    PASSPORT = "PASSPORT"
    FOREIGN_ID = "FOREIGN_ID"
    TEMPORARY = "TEMPORARY"


def of_kind(kind: IdentifierKind, text: str) -> str:
    """The number of a kind in its kept form.

    Raises:
        IdentifierFormWrong: it has the form of no number of this kind.
        standards.errors.FormatError: it is no citizen, old identity or insurance number; the class says why.
    """
    match kind:
        case IdentifierKind.CITIZEN_NUMBER:
            return parse_citizen_number(text).digits
        case IdentifierKind.OLD_IDENTITY_NUMBER:
            return parse_old_number(text)
        case IdentifierKind.INSURANCE_NUMBER | IdentifierKind.INSURANCE_CARD:
            number = parse_insurance_number(text)
            if _INSURANCE_KINDS[number.kind] is not kind:
                raise IdentifierFormWrong
            return number.text
        case IdentifierKind.PASSPORT:
            return _passport(text)
        case IdentifierKind.FOREIGN_ID:
            return _matching(_FOREIGN_ID, text)
        case IdentifierKind.TEMPORARY:
            temporary = _matching(_TEMPORARY, text)
            if not is_valid32(temporary):
                raise IdentifierFormWrong
            return temporary


def of_family(family: NumberFamily, text: str) -> tuple[IdentifierKind, str]:
    """The kind and the kept form of a number whose system is known; raises as `of_kind` does."""
    match family:
        case NumberFamily.IDENTITY:
            is_old = len(strip_separators(text)) == 9
            kind = IdentifierKind.OLD_IDENTITY_NUMBER if is_old else IdentifierKind.CITIZEN_NUMBER
        case NumberFamily.INSURANCE:
            kind = _INSURANCE_KINDS[parse_insurance_number(text).kind]
        case NumberFamily.PASSPORT | NumberFamily.FOREIGN_ID | NumberFamily.TEMPORARY:
            kind = IdentifierKind(family)
    return kind, of_kind(kind, text)


def implied_numbers(kind: IdentifierKind, value: str) -> tuple[tuple[IdentifierKind, str], ...]:
    """The numbers that a number holds inside: the last ten of an insurance card's 15 are the insurance number."""
    if kind is not IdentifierKind.INSURANCE_CARD:
        return ()
    number = parse_insurance_number(value).bhxh_number
    return () if number is None else ((IdentifierKind.INSURANCE_NUMBER, number),)


def temporary_number(draw: int) -> str:
    """The temporary number of a draw from 0 to TEMPORARY_COUNT - 1: T, eight characters, a check character.

    Crockford's 32 characters: no I, L, O, U, which a wristband would let one misread; the check character sees each
    single wrong character and each swap.
    """
    assert 0 <= draw < TEMPORARY_COUNT, draw
    characters = []
    for _ in range(TEMPORARY_CHARS):
        draw, place = divmod(draw, len(CROCKFORD32))
        characters.append(CROCKFORD32[place])
    body = "T" + "".join(reversed(characters))
    return body + check_character32(body)


def assurance_of(source: Source) -> Assurance:
    """How strongly a number from this source is backed before anybody checked it."""
    return _ASSURANCES[source]


def check_days(valid_from_date: str, valid_until_date: str) -> None:
    """Refuse days of validity that are no days, or end before they begin.

    Raises:
        IdentifierDatesWrong: with the field at fault.
    """
    for field, text in (("valid_from_date", valid_from_date), ("valid_until_date", valid_until_date)):
        if text and not _is_day(text):
            raise IdentifierDatesWrong(field)
    if valid_from_date and valid_until_date and valid_until_date < valid_from_date:
        raise IdentifierDatesWrong("valid_until_date")


def _passport(text: str) -> str:
    match = _PASSPORT.fullmatch(_plain(text))
    if match is None or not any(character.isdigit() for character in match[2]):
        raise IdentifierFormWrong
    return f"{match[1] or HOME_COUNTRY}-{match[2]}"


def _matching(form: re.Pattern[str], text: str) -> str:
    plain = _plain(text)
    if form.fullmatch(plain) is None:
        raise IdentifierFormWrong
    return plain


def _plain(text: str) -> str:
    """In capitals, without spaces and full-width forms."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).upper()


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
