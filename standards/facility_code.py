"""The codes of a place of care (mã cơ sở khám bệnh, chữa bệnh): five characters, and thirteen digits from 2026."""

import re
from dataclasses import dataclass
from enum import StrEnum

from standards.errors import FacilityCodeForm

# The last three are not only digits: in an open list of 575 Hà Nội codes about 89 % contain a letter.
_FORM = re.compile(r"[0-9]{2}[0-9A-Z]{3}")
_THIRTEEN_DIGITS = re.compile(r"[0-9]{13}", re.ASCII)


class FacilityCodeScheme(StrEnum):
    """How a code is made."""

    FIVE_CHARACTERS = "FIVE_CHARACTERS"
    """Decision 384/QĐ-BYT (2019)."""
    THIRTEEN_DIGITS = "THIRTEEN_DIGITS"
    """Decision 1551/QĐ-BYT (2026), like a GLN; one secondary source, not verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityCode:
    """A facility code taken apart. A facility may carry several over time: model them as dated aliases."""

    code: str
    """The five characters, or the thirteen digits."""
    province_digits: str
    """The province code at the time of issue; ambiguous without its date since 1 July 2025. Empty for 13 digits."""
    scheme: FacilityCodeScheme = FacilityCodeScheme.FIVE_CHARACTERS


def parse_facility_code(text: str) -> FacilityCode:
    """Read a facility code; surrounding spaces and small letters are accepted.

    Raises:
        FacilityCodeForm: not two digits followed by three digits or letters.
    Source: Decision 384/QĐ-BYT (2019); the 13-digit code: parse_any_facility_code.
    """
    code = text.strip()
    # upper() turns a few non-ASCII letters into ASCII ones, so the form is checked on ASCII alone.
    if not code.isascii() or not _FORM.fullmatch(code.upper()):
        raise FacilityCodeForm("facility_code", char_count=len(code))
    return FacilityCode(code=code.upper(), province_digits=code[:2])


def parse_any_facility_code(text: str) -> FacilityCode:
    """Read a facility code of either scheme; surrounding spaces and small letters are accepted.

    Raises:
        FacilityCodeForm: neither five characters nor thirteen digits.
    Source: as parse_facility_code; Decision 1551/QĐ-BYT (2026) for thirteen digits. Whether their last digit is the
    check digit of GS1 is not verified, so it is not checked.
    """
    code = text.strip()
    if _THIRTEEN_DIGITS.fullmatch(code):
        return FacilityCode(code=code, province_digits="", scheme=FacilityCodeScheme.THIRTEEN_DIGITS)
    return parse_facility_code(text)
