"""From the text of a citizen card's QR to the facts that identity works with."""

from __future__ import annotations

import json
from datetime import date

from identity_svc.domain.model import CardFacts, CardWarning, Gender, RegisterClaim, TextQuality
from standards.card_qr import CardQr, parse_card_qr
from standards.citizen_number import CitizenNumberWarning, cross_check, parse_citizen_number
from standards.names import normalise_name
from standards.scanner_text import ScanWarning
from standards.syllables import place_tone

_WARNINGS = {
    CitizenNumberWarning.PREFIX_UNKNOWN: CardWarning.UNKNOWN_PREFIX,
    CitizenNumberWarning.BIRTH_YEAR_DIFFERS: CardWarning.NUMBER_CONTRADICTS_BIRTH_DATE,
    CitizenNumberWarning.GENDER_DIFFERS: CardWarning.NUMBER_CONTRADICTS_GENDER,
}


def read_card(raw_text: str) -> CardFacts:
    """Read the QR text of a citizen card.

    Raises:
        standards.errors.FormatError: the text is no card's QR, is cut off, or holds an impossible number or date;
            each reason has its own class (standards.card_qr.parse_card_qr names them).
    """
    qr = parse_card_qr(raw_text)
    full_name = normalise_name(qr.full_name)
    return CardFacts(
        raw_text=raw_text,
        citizen_number=qr.personal_number,
        old_number=qr.old_number or "",
        full_name=full_name,
        printed_name=_as_printed(qr.full_name, full_name),
        birth_date=qr.birth_date,
        gender=Gender(qr.gender),
        address=qr.address,
        issue_date=qr.issue_date.isoformat() if qr.issue_date else "",
        text_quality=_quality(qr),
        warnings=_warnings(qr),
    )


def claim_of(card: CardFacts) -> RegisterClaim:
    """Give what the register is asked: a damaged text is not sent, it could only be refused."""
    is_readable = card.text_quality is not TextQuality.DAMAGED
    return RegisterClaim(
        personal_number=card.citizen_number,
        full_name=card.printed_name if is_readable else "",
        birth_date=card.birth_date,
        gender=card.gender,
        address=card.address if is_readable else "",
    )


def facts_text(card: CardFacts) -> str:
    """Give one text that is equal for two scans of one card, whatever the scanner did to spaces and code points."""
    return json.dumps(
        [
            card.citizen_number,
            card.old_number,
            card.printed_name.casefold(),
            card.birth_date,
            card.gender,
            card.address.casefold(),
            card.issue_date,
        ],
        ensure_ascii=False,
    )


def is_same_day_or_coarser(first: str, second: str) -> bool:
    """Say whether two FHIR dates agree as far as both tell: 1950 and 1950-01-01 agree."""
    length = min(len(first), len(second))
    return first[:length] == second[:length]


def _as_printed(name: str, canonical: str) -> str:
    """Clean a name of code-page faults and leave its tone placement: the register prints its own spelling on cards."""
    printed, clean_words = name.split(), canonical.split()
    if name == canonical or len(printed) != len(clean_words):
        return canonical
    pairs = zip(printed, clean_words, strict=True)
    return " ".join(raw if place_tone(raw) == clean else clean for raw, clean in pairs)


def _quality(qr: CardQr) -> TextQuality:
    if qr.is_text_damaged:
        return TextQuality.DAMAGED
    return TextQuality.WITHOUT_ACCENTS if qr.is_accentless else TextQuality.GOOD


def _warnings(qr: CardQr) -> tuple[CardWarning, ...]:
    found = []
    if qr.is_text_damaged:
        found.append(CardWarning.TEXT_DAMAGED)
    if qr.is_accentless:
        found.append(CardWarning.TEXT_WITHOUT_ACCENTS)
    if ScanWarning.BIRTH_DATE_INCOMPLETE in qr.warnings:
        found.append(CardWarning.BIRTH_DATE_INCOMPLETE)
    if set(qr.warnings) - {ScanWarning.BIRTH_DATE_INCOMPLETE}:
        found.append(CardWarning.SCAN_REPAIRED)
    # Only its year is compared: a card without day or month counts from the first.
    birth_date = date.fromisoformat(f"{qr.birth_date}-01-01"[:10])
    doubts = cross_check(parse_citizen_number(qr.personal_number), birth_date=birth_date, gender=qr.gender)
    return (*found, *(_WARNINGS[doubt] for doubt in doubts))
