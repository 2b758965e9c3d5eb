"""The five-character code of a place of care (mã cơ sở khám bệnh, chữa bệnh)."""

import re
from dataclasses import dataclass

from standards.errors import FacilityCodeForm

# The last three are not only digits: in an open list of 575 Hà Nội codes about 89 % contain a letter.
_FORM = re.compile(r"[0-9]{2}[0-9A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityCode:
    """A facility code taken apart. A facility may carry several over time: model them as dated aliases."""

    code: str
    """The five characters."""
    province_digits: str
    """The province code at the time of issue; ambiguous without its date since 1 July 2025."""


def parse_facility_code(text: str) -> FacilityCode:
    """Read a facility code; surrounding spaces and small letters are accepted.

    Raises:
        FacilityCodeForm: not two digits followed by three digits or letters.
    Source: Decision 384/QĐ-BYT (2019); the 13-digit code of Decision 1551/QĐ-BYT (2026) is not read here.
    """
    code = text.strip()
    # upper() turns a few non-ASCII letters into ASCII ones, so the form is checked on ASCII alone.
    if not code.isascii() or not _FORM.fullmatch(code.upper()):
        raise FacilityCodeForm("facility_code", char_count=len(code))
    return FacilityCode(code=code.upper(), province_digits=code[:2])
