"""The number of a Vietnamese health insurance card, in its three forms of 10, 12 and 15 characters."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from standards.citizen_number import known_prefixes, parse_citizen_number, strip_separators
from standards.errors import BenefitLevelUnknown, InsuranceNumberForm, InsuranceNumberLength
from standards.reference_tables import read_table

_CARD15 = re.compile(r"([A-Z]{2})([0-9])([0-9]{2})([0-9]{10})")


class InsuranceNumberKind(StrEnum):
    """Which of the three numbers was given."""

    CITIZEN12 = "citizen12"
    """The personal number, in use for insurance since 2022 and being unified with it since 01/08/2025."""
    BHXH10 = "bhxh10"
    """The social insurance number, all that cards printed since 01/04/2021 show."""
    CARD15 = "card15"
    """The older card number with group, level and province."""


class InsuranceNumberWarning(StrEnum):
    """A doubt about an insurance number; the portal's answer wins."""

    OBJECT_GROUP_UNKNOWN = "OBJECT_GROUP_UNKNOWN"
    """The two letters are none of the 46 known object groups."""
    ISSUING_PROVINCE_UNKNOWN = "ISSUING_PROVINCE_UNKNOWN"
    """The two digits of the issuing province are none of the codes before July 2025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceNumber:
    """An insurance number taken apart. Group and level of the 10- and 12-digit forms are known to the
    portal only."""

    kind: InsuranceNumberKind
    text: str = field(repr=False)
    """The number without separators, letters in capitals."""
    object_group: str | None = None
    """Two letters, such as GD; card15 only."""
    benefit_level: int | None = None
    """1 to 5 as printed; it may be out of date (Resolution 261/2025/QH15 raised groups from 01/01/2026)."""
    issuing_province: str | None = None
    """Two digits of the time of issue: 06 lives on after the merger; card15 only."""
    bhxh_number: str | None = field(default=None, repr=False)
    """The 10-digit social insurance number; not known for citizen12."""
    warnings: tuple[InsuranceNumberWarning, ...] = ()


@lru_cache(maxsize=1)
def object_groups() -> dict[str, str]:
    """Give the 46 two-letter object groups with their meaning in English."""
    return {row["code"]: row["meaning_en"] for row in read_table("insurance", "bhyt_object_groups.csv")}


def parse_insurance_number(text: str) -> InsuranceNumber:
    """Read what a clerk types or a card shows; spaces, dots, hyphens and small letters are accepted.

    Raises:
        InsuranceNumberLength: not 10, 12 or 15 characters (fact char_count).
        InsuranceNumberForm: a letter or digit at the wrong place (fact kind).
        BenefitLevelUnknown: the third of 15 characters is not 1 to 5.
    Source: Decision 1351/QĐ-BHXH (2015), amended by 1697/QĐ-BHXH (2023) and 1018/QĐ-BHXH (2024), for 15
        characters; Decision 1666/QĐ-BHXH (2020, cards from 01/04/2021) for 10.
    """
    compact = strip_separators(text)
    if len(compact) not in (10, 12, 15):
        raise InsuranceNumberLength("insurance_number", char_count=len(compact))
    is_digits = compact.isascii() and compact.isdigit()
    if len(compact) == 15:
        return _parse_card15(compact)
    if not is_digits:
        kind = InsuranceNumberKind.BHXH10 if len(compact) == 10 else InsuranceNumberKind.CITIZEN12
        raise InsuranceNumberForm("insurance_number", kind=kind.value)
    if len(compact) == 10:
        return InsuranceNumber(kind=InsuranceNumberKind.BHXH10, text=compact, bhxh_number=compact)
    return InsuranceNumber(kind=InsuranceNumberKind.CITIZEN12, text=parse_citizen_number(compact).digits)


def _parse_card15(compact: str) -> InsuranceNumber:
    """Take the 15-character form apart."""
    # upper() would turn letters such as ı into ASCII, so the form is checked before.
    match = _CARD15.fullmatch(compact.upper()) if compact.isascii() else None
    if match is None:
        raise InsuranceNumberForm("insurance_number", kind=InsuranceNumberKind.CARD15.value)
    group, level, province, bhxh_number = match.groups()
    if level not in "12345":
        raise BenefitLevelUnknown("insurance_number")
    warnings = []
    if group not in object_groups():
        warnings.append(InsuranceNumberWarning.OBJECT_GROUP_UNKNOWN)
    if f"0{province}" not in known_prefixes():
        warnings.append(InsuranceNumberWarning.ISSUING_PROVINCE_UNKNOWN)
    return InsuranceNumber(
        kind=InsuranceNumberKind.CARD15,
        text=match[0],
        object_group=group,
        benefit_level=int(level),
        issuing_province=province,
        bhxh_number=bhxh_number,
        warnings=tuple(warnings),
    )
