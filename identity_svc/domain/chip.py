"""From the files of a chip to the facts that identity works with, and how they compare with what else is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from identity_svc.domain.card import is_same_day_or_coarser, read_card
from identity_svc.domain.chip_errors import (
    ChipConsentReferenceWrong,
    ChipConsentRequired,
    ChipOfNoCitizen,
    ChipQrOfOtherCard,
)
from identity_svc.domain.model import VIETNAM, CardFacts, FieldCheck, FieldResult, TextQuality
from standards.card_qr import CardQr, format_card_qr
from standards.citizen_number import parse_citizen_number
from standards.errors import FormatError
from standards.icao.lds import CardDetails, FaceImage, parse_dg1, parse_dg2, parse_dg13
from standards.icao.mrz import Mrz
from standards.icao.security_object import ChipOutcome, ChipVerdict
from standards.names import NameClass, compare_names, search_key

GROUPS_CONTRADICT = "GROUPS_CONTRADICT"
"""Fault: the zone and the details of one chip tell of two people."""
ISSUER_OF_OTHER_COUNTRY = "ISSUER_OF_OTHER_COUNTRY"
"""Fault: a trusted issuer of another country signed a Vietnamese card."""
DETAILS_UNREADABLE = "DETAILS_UNREADABLE"
"""Warning: data group 13 is missing or of another profile, so the chip's own name has no accents."""
FACE_UNREADABLE = "FACE_UNREADABLE"
"""Warning: data group 2 is there and its coding is not known here."""
CARD_EXPIRED = "CARD_EXPIRED"
"""Warning: the card's last day has passed."""

G = TypeVar("G")

_VIETNAM = ("VNM", "VN")
_REFERENCE = re.compile(r"[A-Za-z0-9_/.:-]{0,100}", re.ASCII)
_CUT_NAME_CHARS = 28
"""From this length on a name may have been cut to the 30 places of its line."""
_NAME_CHECKS = {
    NameClass.SAME: (FieldResult.MATCH, ""),
    NameClass.EQUIVALENT: (FieldResult.MATCH, ""),
    NameClass.ACCENTLESS: (FieldResult.PARTIAL, "NAME_ACCENTS_LOST"),
    NameClass.MISSING_MIDDLE: (FieldResult.PARTIAL, "NAME_LACKS_WORDS"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipContent:
    """What the files of one chip say, before anybody vouches for it."""

    zone: Mrz
    details: CardDetails | None
    """None when data group 13 is missing or of another profile than the 2021 card's."""
    face: FaceImage | None
    """None when data group 2 is missing or coded in another way."""
    qr: CardFacts | None
    """The code on the same card."""
    warnings: tuple[str, ...]
    """What could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipReading:
    """One check of a chip: the verdict, never its files."""

    citizen_id: str
    """Empty when nobody is known by the number of a chip that proved false."""
    chip_reading_id: str
    outcome: ChipOutcome
    fault: str
    """UPPER_SNAKE, set exactly when INVALID: a ChipFault or one of this module."""
    fault_group: int
    groups: tuple[int, ...]
    signer_fingerprint: str
    issuer_fingerprint: str
    warnings: tuple[str, ...]
    content_hash: bytes = field(repr=False)
    """Keyed hash of the security object: two readings of one chip have the same."""
    consent_reference: str
    facility_code: str
    verification_id: str
    """The check against the register that came of it; empty when INVALID."""
    read_time: datetime


def check_consent(*, is_given: bool, reference: str) -> None:
    """Make sure that the person allows the chip to be read.

    Raises:
        ChipConsentRequired, ChipConsentReferenceWrong.
    """
    if not is_given:
        raise ChipConsentRequired
    if not _REFERENCE.fullmatch(reference):
        raise ChipConsentReferenceWrong


def read_chip(groups: Mapping[int, bytes], *, card_qr: str) -> ChipContent:
    """Read what the files say.

    Args:
        groups: Number to raw file; 1 is there.
        card_qr: Text of the code on the same card, or empty.
    Raises:
        FormatError: the zone or the code cannot be read; details or a face of another profile are no error.
        ChipOfNoCitizen: no Vietnamese document with a citizen number.
        ChipQrOfOtherCard: the code tells another number.
    """
    zone = parse_dg1(groups[1])
    number = zone.personal_number
    if zone.issuing_state != _VIETNAM[0] or len(number) != 12 or not number.isdigit():
        raise ChipOfNoCitizen
    qr = read_card(card_qr) if card_qr else None
    if qr is not None and qr.citizen_number != number:
        raise ChipQrOfOtherCard
    details = _readable(parse_dg13, groups.get(13))
    face = _readable(parse_dg2, groups.get(2))
    doubts = ((DETAILS_UNREADABLE, details is None), (FACE_UNREADABLE, 2 in groups and face is None))
    return ChipContent(
        zone=zone,
        details=details,
        face=face,
        qr=qr,
        warnings=tuple(warning for warning, is_so in doubts if is_so),
    )


def _readable(read: Callable[[bytes], G], group: bytes | None) -> G | None:
    """Read a group that is compared whole in any case; one of an unknown profile is no reason to refuse a card.

    Source: Circular 16/2024/TT-BCA art. 6 lets later cards code their details in a way of their own.
    """
    if group is None:
        return None
    try:
        return read(group)
    except FormatError:
        return None


def judge_content(verdict: ChipVerdict, content: ChipContent) -> str:
    """Give the fault of a chip: passive authentication's, or a contradiction between its own files; empty for none."""
    if verdict.fault is not None:
        return verdict.fault.value
    zone, details = content.zone, content.details
    if verdict.issuer_country not in ("", _VIETNAM[1]):
        return ISSUER_OF_OTHER_COUNTRY
    if details is not None and (
        details.personal_number != zone.personal_number
        or not is_same_day_or_coarser(details.birth_date, zone.birth_date)
        or zone.gender not in ("", details.gender)
    ):
        return GROUPS_CONTRADICT
    return ""


def warnings_of(verdict: ChipVerdict, content: ChipContent, *, now: datetime) -> tuple[str, ...]:
    """Give the doubts that leave the result as it is."""
    expiry = content.zone.expiry_date
    is_expired = expiry is not None and expiry < now.astimezone(VIETNAM).date()
    return (*verdict.warnings, *content.warnings, *((CARD_EXPIRED,) if is_expired else ()))


def facts_of(content: ChipContent) -> CardFacts:
    """Give the facts of a chip in the form of a scan, so that a chip and the code beside it are one card.

    Only what the code tells, too, goes on: no face, religion, ethnicity or parents. A chip without readable details has
    a name without accents, so the code's text stands in where its letters agree.
    """
    zone, details, qr = content.zone, content.details, content.qr
    if details is None and qr is not None and _is_backed(qr, zone):
        return qr
    if details is None:
        card = CardQr(
            personal_number=zone.personal_number,
            old_number=None,
            full_name=zone.full_name.title(),
            birth_date=zone.birth_date,
            gender=zone.gender or parse_citizen_number(zone.personal_number).gender,
            address="",
            issue_date=None,
        )
    else:
        card = CardQr(
            personal_number=zone.personal_number,
            old_number=details.old_number or None,
            full_name=details.full_name.replace("|", " "),
            birth_date=details.birth_date,
            gender=details.gender,
            address=details.residence.replace("|", " "),
            issue_date=details.issue_date,
        )
    return read_card(format_card_qr(card))


def _is_backed(qr: CardFacts, zone: Mrz) -> bool:
    """Say whether a code agrees with the zone in all that the zone tells."""
    name, zone_name = _zone_name(qr.full_name), _zone_name(zone.full_name)
    is_cut = len(zone.full_name) >= _CUT_NAME_CHARS
    return (
        qr.text_quality is not TextQuality.DAMAGED
        and qr.birth_date == zone.birth_date
        and zone.gender in ("", qr.gender)
        and (name.startswith(zone_name) if is_cut else name == zone_name)
    )


def _zone_name(name: str) -> str:
    return "".join(char for char in search_key(name) if char.isalnum())


def compare(pairs: Mapping[str, tuple[str, str]]) -> tuple[FieldCheck, ...]:
    """Compare two sources field by field; a field that one of them does not tell is not checked.

    Args:
        pairs: full_name, birth_date, gender, address or issue_date to what each source tells.
    """
    checks = []
    for name, (first, second) in pairs.items():
        result, reason = (FieldResult.NOT_CHECKED, "")
        if first and second:
            result, reason = _COMPARISONS.get(name, _compare_text)(name, first, second)
        checks.append(FieldCheck(field=name, result=result, reason=reason))
    return tuple(checks)


def _compare_name(name: str, first: str, second: str) -> tuple[FieldResult, str]:
    del name
    return _NAME_CHECKS.get(compare_names(first, second).cls, (FieldResult.MISMATCH, "NAME_DIFFERS"))


def _compare_date(name: str, first: str, second: str) -> tuple[FieldResult, str]:
    if first != second and is_same_day_or_coarser(first, second):
        return FieldResult.PARTIAL, "BIRTH_DATE_COARSER"
    return _compare_text(name, first, second)


def _compare_text(name: str, first: str, second: str) -> tuple[FieldResult, str]:
    if first.casefold() == second.casefold():
        return FieldResult.MATCH, ""
    return FieldResult.MISMATCH, f"{name.upper()}_DIFFERS"


_COMPARISONS = {"full_name": _compare_name, "birth_date": _compare_date}
