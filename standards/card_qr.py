"""The text in the QR code on the back of a citizen card (căn cước công dân 2021, căn cước 2024)."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from standards.citizen_number import DIGIT_COUNT, parse_citizen_number, parse_old_number, strip_separators
from standards.errors import (
    CardQrFieldEmpty,
    CardQrTooLong,
    CardQrTruncated,
    FormatError,
    GenderUnreadable,
    ImpossibleDate,
    NotACardQr,
    ScannerImeOn,
    ScannerLayoutWrong,
)
from standards.legacy_text import repair_legacy_text
from standards.scanner_text import (
    ScanWarning,
    has_accent,
    is_case_swapped,
    refuse_foreign_layout,
    split_fields,
    strip_scanner_marks,
    undo_code_page,
)
from standards.syllables import fold

MAX_CARD_QR_CHARS = 2048
"""Longest text read, before composition; a real card has about 150 characters."""
FIELD_COUNT = 7
"""Fields of the 2021 card; the 2024 card has these and more."""

_DATE = re.compile(r"([0-9]{2})[/.-]?([0-9]{2})[/.-]?([0-9]{4})")
_PREFIX = re.compile(r"\A[^\w|]{1,8}(?=[0-9]{12})")
_WITHOUT_SEPARATORS = re.compile(r"[0-9]{12}(?:[0-9]{9})?[^0-9]+[0-9]{8}(?:Nam|N.).*", re.DOTALL)
# U+FFFD and control characters never belong in a name; a question mark touching a letter stands for a lost
# one.
_LOST = re.compile("[\ufffd\u0000-\u001f\u0080-\u009f]|\\w\\?|\\?\\w")
# UTF-8 read as Windows-1252: á» , áº , Ä‘, Æ°, Ã³. A following letter is no sign: "XÃ" ends in a sound Ã.
_MOJIBAKE = re.compile("[ÃÄÅÆáâ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œŸ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardQr:
    """What a card's QR says. It is not signed: anyone can print one, so it proves no more than "someone had
    this"."""

    personal_number: str = field(repr=False)
    """12 digits."""
    old_number: str | None = field(repr=False)
    """The old number (CMND, 9 digits; or a cancelled personal number, 12 digits), or None."""
    full_name: str = field(repr=False)
    """As on the card, NFC, single spaces."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY-MM-DD, or YYYY-MM or YYYY where the card tells no more."""
    gender: str
    """'male' or 'female' (FHIR administrative-gender)."""
    address: str = field(repr=False)
    """Permanent address as on the card, may be empty; on cards before July 2025 in three tiers."""
    issue_date: date | None
    """Day of issue, or None when the field is empty."""
    extra: tuple[str, ...] = field(default=(), repr=False)
    """Fields after the seventh, raw: their order on the 2024 card is not verified."""
    is_text_damaged: bool = False
    """Name or address lost letters in the scanner; never let them overwrite a good name."""
    is_accentless: bool = False
    """Name and address hold no accent at all: likely a scanner that drops them, not certain."""
    warnings: tuple[ScanWarning, ...] = ()
    """What was put right, and what the card leaves open."""


def _read_birth_date(text: str) -> str:
    """Read ddMMyyyy, 00MMyyyy or 0000yyyy.

    Source: many elderly have no more than a year of birth; that cards write zeros for what is not known is not
        verified (the machine-readable zone writes fillers).
    """
    match = _DATE.fullmatch(text)
    if match is None or match[1] != "00":
        return _read_date(text, "birth_date").isoformat()
    month, year = match[2], match[3]
    first = _read_date(f"01{month if month != '00' else '01'}{year}", "birth_date")
    return f"{first:%Y}" if month == "00" else f"{first:%Y-%m}"


def _read_issue_date(fields: list[str]) -> tuple[date | None, int]:
    """Read the day of issue and tell how many fields were fixed; a too short last field means a cut text."""
    text, is_last = fields[6], len(fields) == FIELD_COUNT
    if not text:
        return None, FIELD_COUNT
    if is_last and text.isascii() and text.isdigit() and len(text) < 8:
        raise CardQrTruncated("card_qr", field_count=FIELD_COUNT)
    if not is_last and not any(char.isdigit() for char in text):
        # A later card may have another order here: what is no date stays raw.
        return None, FIELD_COUNT - 1
    return _read_date(text, "issue_date"), FIELD_COUNT


def _read_date(text: str, name: str) -> date:
    """Read ddMMyyyy or dd/MM/yyyy."""
    match = _DATE.fullmatch(text)
    if match is None:
        if has_accent(text):
            raise ScannerImeOn(name)
        raise ImpossibleDate(name)
    day, month, year = (int(part) for part in match.groups())
    try:
        value = date(year, month, day)
    except ValueError:
        # The cause's text names the parts of the date, so it is not kept.
        raise ImpossibleDate(name) from None
    if year < 1900:
        raise ImpossibleDate(name)
    return value


def _read_gender(text: str) -> str:
    """Read Nam or Nữ, also when the scanner damaged the only accent."""
    plain = fold(text)
    if plain == "nam":
        return "male"
    if plain == "nu" or (_is_damaged(text) and plain.startswith("n")):
        return "female"
    if not text:
        raise CardQrFieldEmpty("gender")
    raise GenderUnreadable("gender")


def _is_damaged(text: str) -> bool:
    return bool(_LOST.search(text) or _MOJIBAKE.search(text))


def _read_old_number(text: str) -> str | None:
    if not text:
        return None
    if has_accent(text):
        raise ScannerImeOn("old_number")
    # The 2024 card may name a cancelled personal number here.
    if len(strip_separators(text)) == DIGIT_COUNT:
        return parse_citizen_number(text).digits
    return parse_old_number(text)


def parse_card_qr(raw: str) -> CardQr:
    """Read the text that a scanner gives for a citizen card's QR code.

    Line ends and marks that keyboard-wedge scanners add, NFD spelling and an empty old number are accepted; another
    separator, swapped capitals and a wrong code page are put right with a warning where only one text is possible.
    Args:
        raw: At least seven fields, `|` between them: personal number, old number or nothing, name, birth
            ddMMyyyy (00 for a day or month that is not known), Nam/Nữ, address, issue ddMMyyyy or nothing;
            further fields are kept as they are.
    Raises:
        NotACardQr: something else was scanned.
        CardQrTruncated: the text ends too early (fact field_count).
        CardQrTooLong: more than MAX_CARD_QR_CHARS (fact limit_chars).
        ScannerLayoutWrong, ScannerImeOn: the computer changes what the scanner types, past repair.
        NotTwelveDigits, LetterInNumber, OldNumberNotNineDigits: a number is wrong; `field` says which.
        ImpossibleDate: `field` is birth_date or issue_date.
        CardQrFieldEmpty, GenderUnreadable: as named.
    Source: seven fields as found in several public readers of the 2021 card; Circular 16/2024/TT-BCA art. 6
        names the items of the 2024 card, whose order after the seventh could not be verified.
    """
    if len(raw) > MAX_CARD_QR_CHARS:
        raise CardQrTooLong("card_qr", limit_chars=MAX_CARD_QR_CHARS)
    text, is_page_undone = undo_code_page(raw)
    text = strip_scanner_marks(unicodedata.normalize("NFC", text))
    text = _PREFIX.sub("", text)
    fields, is_replaced = split_fields(text, head_chars=DIGIT_COUNT, least_count=FIELD_COUNT)
    warnings = [ScanWarning.CODE_PAGE] if is_page_undone else []
    if not is_replaced:
        return _read_fields(fields, warnings)
    try:
        return _read_fields(fields, [*warnings, ScanWarning.SEPARATOR_REPLACED])
    except FormatError:
        raise ScannerLayoutWrong("card_qr") from None


def _read_fields(fields: list[str], warnings: list[ScanWarning]) -> CardQr:
    head = strip_separators(fields[0])
    if not head.isascii() or not head.isdigit():
        refuse_foreign_layout(fields[0], field="card_qr")
        if _WITHOUT_SEPARATORS.fullmatch(head):
            raise ScannerLayoutWrong("card_qr")
        raise NotACardQr("card_qr")
    if len(fields) < FIELD_COUNT:
        raise CardQrTruncated("card_qr", field_count=len(fields))
    if is_case_swapped(fields[4]):
        fields = [each.swapcase() for each in fields]
        warnings.append(ScanWarning.CAPS_LOCK)
    for value, name in ((fields[2], "full_name"), (fields[3], "birth_date")):
        if not value:
            raise CardQrFieldEmpty(name)
    number = parse_citizen_number(fields[0])
    old_number = _read_old_number(fields[1])
    birth_date = _read_birth_date(fields[3])
    if len(birth_date) < len("YYYY-MM-DD"):
        warnings.append(ScanWarning.BIRTH_DATE_INCOMPLETE)
    gender = _read_gender(fields[4])
    issue_date, fixed_count = _read_issue_date(fields)
    read_name, read_address = repair_legacy_text(fields[2]), repair_legacy_text(fields[5])
    if any(each.encoding is not None and each.is_sure for each in (read_name, read_address)):
        warnings.append(ScanWarning.CODE_PAGE)
    # A reading that is not the only one possible is no repair: the text stays as it came, and counts as damaged.
    full_name = read_name.text if read_name.is_sure else fields[2]
    address = read_address.text if read_address.is_sure else fields[5]
    words = f"{full_name} {address}"
    # No name holds a digit; what a scanner types for a Vietnamese input method (VNI) that is off does.
    is_damaged = (
        _is_damaged(words)
        or any(char.isdigit() for char in full_name)
        or not (read_name.is_sure and read_address.is_sure)
    )
    return CardQr(
        personal_number=number.digits,
        old_number=old_number,
        full_name=full_name,
        birth_date=birth_date,
        gender=gender,
        address=address,
        issue_date=issue_date,
        extra=tuple(fields[fixed_count:]),
        is_text_damaged=is_damaged,
        is_accentless=not is_damaged and words.isascii(),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def format_card_qr(card: CardQr) -> str:
    """Write the QR text of a card: `parse_card_qr(format_card_qr(card)) == card` for every card that was read as
    it is printed (without a repair)."""
    year, month, day = (*card.birth_date.split("-"), "00", "00")[:3]
    fields = (
        card.personal_number,
        card.old_number or "",
        card.full_name,
        f"{day}{month}{year}",
        "Nam" if card.gender == "male" else "Nữ",
        card.address,
        f"{card.issue_date:%d%m}{card.issue_date.year:04}" if card.issue_date else "",
        *card.extra,
    )
    assert not any("|" in value for value in fields), "a field holds the separator"
    return "|".join(fields)
