"""What a scanner that types like a keyboard does to a text, and how far it can be undone.

Such a scanner sends key strokes: the layout, caps lock and a Vietnamese input method of the computer all change
what arrives. What can only have been one text is put right and reported; the rest is refused with advice.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from standards.errors import ScannerLayoutWrong

SEPARATOR = "|"
_AIM_PREFIX = re.compile(r"\A\][A-Za-z][0-9A-Za-z](?=[0-9A-Z])")
_VIETNAMESE_LETTER = re.compile("[\u00c0-\u024f\u0300-\u036f\u1ea0-\u1eff]")
# What the digit keys give on the Vietnamese layout of Windows (đ, ă, â, ê, ô and the five tones) and on a French one.
_VIETNAMESE_DIGIT_KEYS = frozenset("aeođ\u0306\u0302\u0300\u0309\u0303\u0301\u0323")
_FRENCH_DIGIT_KEYS = frozenset("&e\u0301\"'(-\u0300_c\u0327a")
_FOREIGN_CHARS_MIN = 9
_CODE_PAGES = ("cp1252", "cp1258")


class ScanWarning(StrEnum):
    """What was put right in a scan; the scanner or the computer should be set right, too."""

    SEPARATOR_REPLACED = "SEPARATOR_REPLACED"
    """Another character stood for "|": the keyboard layout is not English (US)."""
    CAPS_LOCK = "CAPS_LOCK"
    """Capitals and small letters were swapped."""
    CODE_PAGE = "CODE_PAGE"
    """UTF-8 or an old Vietnamese encoding was shown in another code page."""
    INPUT_METHOD = "INPUT_METHOD"
    """A Vietnamese input method had turned a digit into an accent."""
    BIRTH_DATE_INCOMPLETE = "BIRTH_DATE_INCOMPLETE"
    """The card tells no day, or neither day nor month, of birth."""


@lru_cache
def _bytes_by_char(code_page: str) -> dict[int, int]:
    """Character to byte; a byte the page leaves undefined shows as the control character of its number."""
    table = {}
    for byte in range(256):
        char = bytes((byte,)).decode(code_page, errors="replace")
        table[byte if char == "\ufffd" else ord(char)] = byte
    return table


def undo_code_page(text: str) -> tuple[str, bool]:
    """Read a text again whose UTF-8 bytes were shown as Windows-1252 or Windows-1258.

    Only a text that is valid UTF-8 as a whole is changed, so a text with a single sound Vietnamese letter never is.
    Returns:
        The text, and whether it was changed.
    """
    if text.isascii():
        return text, False
    for table in map(_bytes_by_char, _CODE_PAGES):
        content = [table.get(ord(char)) for char in text]
        if None in content:
            continue
        try:
            return bytes(each for each in content if each is not None).decode("utf-8"), True
        except UnicodeDecodeError:
            continue
    return text, False


def strip_scanner_marks(text: str) -> str:
    """Take off what scanners add around a text: AIM identifier, line ends, tabs, control and unseen characters."""
    start, end = 0, len(text)
    while start < end and _is_mark(text[start]):
        start += 1
    while end > start and _is_mark(text[end - 1]):
        end -= 1
    return _AIM_PREFIX.sub("", text[start:end])


def _is_mark(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cc", "Cf")


def split_fields(text: str, *, head_chars: int, least_count: int) -> tuple[list[str], bool]:
    """Split at "|", or at the character that a keyboard layout put in its place.

    Args:
        text: The text without scanner marks.
        head_chars: Length of the first field; the character behind it is taken for the separator.
        least_count: Fields that such a text must have.
    Returns:
        The fields with single spaces inside, and whether another separator was taken.
    """
    separator = SEPARATOR
    if SEPARATOR not in text and len(text) > head_chars:
        char = text[head_chars]
        is_likely = not char.isspace() and not (char.isascii() and char.isalnum())
        if is_likely and text.count(char) >= least_count - 1:
            separator = char
    fields = [" ".join(part.split()) for part in text.split(separator)]
    return fields, separator != SEPARATOR


def refuse_foreign_layout(head: str, *, field: str) -> None:
    """Refuse a text whose digits were typed through a Vietnamese or French layout.

    Args:
        head: What should have been digits alone.
        field: The field to name.
    Raises:
        ScannerLayoutWrong: every character comes from the digit keys of such a layout.
    Source: layouts as shipped with Windows; from memory, see docs/unverified.md.
    """
    keys = unicodedata.normalize("NFD", head.lower())
    is_typed_so = set(keys) <= _VIETNAMESE_DIGIT_KEYS or set(keys) <= _FRENCH_DIGIT_KEYS
    if len(keys) >= _FOREIGN_CHARS_MIN and is_typed_so:
        raise ScannerLayoutWrong(field)


def has_accent(text: str) -> bool:
    """Say whether a text that should be plain digits and letters holds a Vietnamese letter."""
    return bool(_VIETNAMESE_LETTER.search(text))


def is_case_swapped(word: str) -> bool:
    """Say whether a word begins small and goes on in capitals, as caps lock writes it."""
    return len(word) > 1 and word[0].islower() and word[1:].isupper()
