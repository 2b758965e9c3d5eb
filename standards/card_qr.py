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
    GenderUnreadable,
    ImpossibleDate,
    NotACardQr,
)
from standards.syllables import fold

MAX_CARD_QR_CHARS = 2048
"""Longest text read, before composition; a real card has about 150 characters."""
FIELD_COUNT = 7
"""Fields of the 2021 card; the 2024 card has these and more."""

_UNSEEN_ENDS = "\ufeff\u200b\u200c\u200d\u2060\x00"
_DATE = re.compile(r"([0-9]{2})[/.-]?([0-9]{2})[/.-]?([0-9]{4})")
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
    birth_date: date = field(repr=False)
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


def _read_date(text: str, name: str, *, is_last: bool) -> date:
    """Read ddMMyyyy (or dd/MM/yyyy); a too short last field means that the text was cut off."""
    match = _DATE.fullmatch(text)
    if match is None:
        if is_last and text.isascii() and text.isdigit() and len(text) < 8:
            raise CardQrTruncated("card_qr", field_count=FIELD_COUNT)
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
    # The 2024 card may name a cancelled personal number here.
    if len(strip_separators(text)) == DIGIT_COUNT:
        return parse_citizen_number(text).digits
    return parse_old_number(text)


def parse_card_qr(raw: str) -> CardQr:
    """Read the text that a scanner gives for a citizen card's QR code.

    Line ends and spaces that keyboard-wedge scanners add, NFD spelling and an empty old number are accepted.
    Args:
        raw: At least seven fields, `|` between them: personal number, old number or nothing, name, birth
            ddMMyyyy, Nam/Nữ, address, issue ddMMyyyy or nothing; further fields are kept as they are.
    Raises:
        NotACardQr: something else was scanned.
        CardQrTruncated: the text ends too early (fact field_count).
        CardQrTooLong: more than MAX_CARD_QR_CHARS (fact limit_chars).
        NotTwelveDigits, LetterInNumber, OldNumberNotNineDigits: a number is wrong; `field` says which.
        ImpossibleDate: `field` is birth_date or issue_date.
        CardQrFieldEmpty, GenderUnreadable: as named.
    Source: seven fields as found in several public readers of the 2021 card; Circular 16/2024/TT-BCA art. 6
        names the items of the 2024 card, whose order after the seventh could not be verified.
    """
    if len(raw) > MAX_CARD_QR_CHARS:
        raise CardQrTooLong("card_qr", limit_chars=MAX_CARD_QR_CHARS)
    text = unicodedata.normalize("NFC", raw).strip().strip(_UNSEEN_ENDS).strip()
    fields = [" ".join(part.split()) for part in text.split("|")]
    head = strip_separators(fields[0])
    if not head.isascii() or not head.isdigit():
        raise NotACardQr("card_qr")
    if len(fields) < FIELD_COUNT:
        raise CardQrTruncated("card_qr", field_count=len(fields))
    number = parse_citizen_number(fields[0])
    old_number = _read_old_number(fields[1])
    full_name, address = fields[2], fields[5]
    for value, name in ((full_name, "full_name"), (fields[3], "birth_date")):
        if not value:
            raise CardQrFieldEmpty(name)
    words = full_name + " " + address
    is_damaged = _is_damaged(words)
    return CardQr(
        personal_number=number.digits,
        old_number=old_number,
        full_name=full_name,
        birth_date=_read_date(fields[3], "birth_date", is_last=False),
        gender=_read_gender(fields[4]),
        address=address,
        issue_date=(
            _read_date(fields[6], "issue_date", is_last=len(fields) == FIELD_COUNT) if fields[6] else None
        ),
        extra=tuple(fields[FIELD_COUNT:]),
        is_text_damaged=is_damaged,
        is_accentless=not is_damaged and words.isascii(),
    )


def format_card_qr(card: CardQr) -> str:
    """Write the QR text of a card: `parse_card_qr(format_card_qr(card)) == card` for every card that was
    read."""
    fields = (
        card.personal_number,
        card.old_number or "",
        card.full_name,
        f"{card.birth_date:%d%m}{card.birth_date.year:04}",
        "Nam" if card.gender == "male" else "Nữ",
        card.address,
        f"{card.issue_date:%d%m}{card.issue_date.year:04}" if card.issue_date else "",
        *card.extra,
    )
    assert not any("|" in value for value in fields), "a field holds the separator"
    return "|".join(fields)
