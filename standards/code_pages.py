"""Old Vietnamese code pages: what a word or a text means when it is read as one of them.

Nothing here decides whether a text is damaged; `standards.legacy_text` does.
"""

import re
import unicodedata
from functools import lru_cache

from standards.reference_tables import read_table
from standards.syllables import is_well_spelled

MAX_SYLLABLE_CHARS = 14
"""The longest syllable, nghiêng, has seven letters; damage at most doubles them (VNI)."""
WORD = re.compile(r"[A-Za-z\u00a1-\U0010ffff]+")
"""Runs of ASCII letters and of everything from U+00A1: the letters of every damage."""
_ASCII_LETTERS = re.compile("[A-Za-z]")


def is_spelled(word: str) -> bool:
    """Say whether a word of any length is a well spelled syllable."""
    return len(word) <= MAX_SYLLABLE_CHARS and is_well_spelled(word)


# --- UTF-8 read as Windows-1252

_READ_AS = {bytes([code]).decode("cp1252", "replace"): code for code in range(0x80, 0x100)}
_BYTE_OF = {chr(code): code for code in range(256)} | {
    sign: code for sign, code in _READ_AS.items() if sign != "\ufffd"
}
_TAIL = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
# "XÃ" before a space of any kind is a good word in capitals; inside a word (HoÃ\u00a0ng) it is none.
UTF8_SIGN = re.compile(f"[ÂÃÄÅÆÌáâ](?!\u00a0){_TAIL}|Ã\u00a0[a-z]")
_SPACE_IN_A = re.compile("(\\w*à)\0(\\w*)")
_MAX_ROUNDS = 2


def read_utf8(text: str) -> str | None:
    """Read UTF-8 that was taken for Windows-1252, up to twice over, or None when it is none."""
    read, held = None, text
    for _ in range(_MAX_ROUNDS):
        once = _read_once(held)
        if once is None:
            break
        held = once
        # Control characters are bytes that wait for a second round.
        if not any("\u0080" <= letter <= "\u009f" for letter in held):
            read = held
    return read


def _read_once(text: str) -> str | None:
    """Read one round; what common systems lose of it is put back: the no-break space in à, the unassigned byte in Đ."""
    exact = _decode_exactly(text)
    if exact is not None:
        return exact
    held = re.sub(f"Ä(?!{_TAIL})", "Ä\u0090", text.replace("Ã ", "Ã\u00a0\0"))
    patched = _decode_exactly(held)
    return None if patched is None else _SPACE_IN_A.sub(_close_space, patched)


def _decode_exactly(text: str) -> str | None:
    try:
        read = bytes(_BYTE_OF[letter] for letter in text).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
    return unicodedata.normalize("NFC", read) if read != text else None


def _close_space(match: re.Match[str]) -> str:
    """Say whether the space was a part of à alone (HoÃ ng), or the gap to the next word as well (HÃ Nội)."""
    before, after = match.groups()
    if after[:1].islower() and is_spelled(before + after):
        return before + after
    return f"{before} {after}" if after else before


# --- TCVN3

# Signs that are no letters, and a capital after a small letter.
TCVN3_SIGN = re.compile("[¡-§¨©ª«¬\u00ad®µ-½¾×÷]|(?<=[a-z])[À-Þ]")
_DASHED = re.compile("(?<![0-9A-Za-z\u00a1-\u00ff-])[A-Za-z\u00a1-\u00ff-]*-[A-Za-z\u00a1-\u00ff-]*")

# Words that few people are called, while Lưu and Tươi are common.
_LIKELY_WITHOUT_U = re.compile(r"\b(lu|tơi)\b", re.IGNORECASE)


@lru_cache(maxsize=1)
def _tcvn3_letters() -> dict[int, str]:
    return {
        int(row["tcvn3_byte_hex"], 16): row["unicode_char"]
        for row in read_table("legacy_text", "tcvn3_to_unicode.csv")
    }


def decode_tcvn3(word: str) -> str | None:
    """Read one word as TCVN3, its lost ư put back, or give None when it holds what TCVN3 has not."""
    letters = _tcvn3_letters()
    if not all(letter.isascii() or ord(letter) in letters for letter in word):
        return None
    return _with_lost_u(word.translate(letters))


def _with_lost_u(word: str) -> str:
    """Put a ư back that many editors drop, where only that makes a syllable: Phơng is Phương, Hng is Hưng."""
    is_initials = word.isascii() and word.isupper()
    if len(word) < 2 or len(word) > MAX_SYLLABLE_CHARS or is_initials or is_spelled(word):
        return word
    found = [
        filled
        for index in range(1, len(word) + 1)
        if is_spelled(filled := f"{word[:index]}{'Ư' if word.isupper() else 'ư'}{word[index:]}")
    ]
    return found[0] if len(found) == 1 else word


def restore_tcvn3(text: str) -> tuple[str, bool]:
    """Read TCVN3, give its ư and its capitals back, and say whether that was certain.

    TCVN3 has no capitals with a tone: a font of capitals showed them, so the letters around say what was meant.
    """
    letters = _tcvn3_letters()
    text = undash(text)
    words = [match[0] for match in WORD.finditer(text)]
    long_words = [word for word in words if len(_ASCII_LETTERS.findall(word)) > 1]
    is_all_capital = bool(long_words) and all(_has_capitals_only(word) for word in long_words)
    is_title = len(words) > 1 and all(word[0].isupper() for word in words if word[0].isascii())

    def restore(match: re.Match[str]) -> str:
        word = match[0]
        read = word.translate(letters)
        if text[match.end() : match.end() + 1] != ".":
            read = _with_lost_u(read)
        if is_all_capital or (len(_ASCII_LETTERS.findall(word)) > 1 and _has_capitals_only(word)):
            return read.upper()
        return read[0].upper() + read[1:] if is_title else read

    restored = WORD.sub(restore, text)
    has_lost = len(restored) != len(text) or ("\u00ad" not in text and _LIKELY_WITHOUT_U.search(restored))
    return unicodedata.normalize("NFC", restored), not has_lost and not _may_be_capitalised(text)


def _has_capitals_only(word: str) -> bool:
    return all(letter.isupper() for letter in _ASCII_LETTERS.findall(word))


def undash(text: str) -> str:
    """Give the ư back its byte where an editor made it a dash: Ph-¬ng is Ph\\xad¬ng, Nµ-Mßn stays."""
    return _DASHED.sub(_undash_one, text)


def _undash_one(match: re.Match[str]) -> str:
    word = match[0]
    filled = word.replace("-", "\u00ad")
    return filled if word.strip("-") and is_spelled(decode_tcvn3(filled) or "") else word


def _may_be_capitalised(text: str) -> bool:
    """Say whether the damaged text may have been put into capitals, which turns some of its letters into others."""
    if text != text.upper():
        return False
    return any(
        is_spelled(decode_tcvn3(word.lower()) or "") for word in WORD.findall(text) if not word.isascii()
    )


# --- VNI

_VNI_TONES = ("", "\u0301", "\u0300", "\u0309", "\u0303", "\u0323")
# For each written letter, the letter meant without tone and with acute, grave, hook, tilde and dot below.
_VNI_MARKS = (
    ("a e o ô u ö y", ("", *"ùøûõï")),
    ("a e o", tuple("âáàåãä")),
    ("a", tuple("êéèúüë")),
)
_VNI_BASES = {"ô": "ơ", "ö": "ư"}
_VNI_ALONE = dict(zip("íìæóòîñôö", "íìỉĩịỵđơư", strict=True))
_VNI_PIECE = re.compile("[A-Za-zÔôÖö][ÙØÛÕÏÂÁÀÅÃÄÊÉÈÚÜËùøûõïâáàåãäêéèúüë]|.", re.DOTALL)
# Pairs that no other language has; oá, oà and uù are left out for Vietnamese, French and Spanish.
VNI_SIGN = re.compile("[aeouyôö][øûõåäâê]|[ae][àáãéè]", re.IGNORECASE)


@lru_cache(maxsize=1)
def _vni_letters() -> dict[str, str]:
    """What one or two letters of VNI mean; the mark's own case does not matter."""
    letters = dict(_VNI_ALONE)
    for (bases, marks), quality in zip(_VNI_MARKS, ("", "\u0302", "\u0306"), strict=True):
        for base in bases.split():
            for mark, tone in zip(marks, _VNI_TONES, strict=True):
                if mark:
                    letters[base + mark] = unicodedata.normalize(
                        "NFC", _VNI_BASES.get(base, base) + quality + tone
                    )
    return {
        written: meant.upper() if written[0].isupper() else meant
        for small, meant in letters.items()
        for written in (small, small.upper(), small[0] + small[1:].upper(), small[0].upper() + small[1:])
    }


def decode_vni(word: str) -> str | None:
    """Read one word as VNI, or give None when a mark is left over without its letter."""
    letters = _vni_letters()
    pieces = _VNI_PIECE.findall(word)
    if not all(piece in letters or piece.isascii() for piece in pieces):
        return None
    return "".join(letters.get(piece, piece) for piece in pieces)


# --- Windows-1258 read as Windows-1252

# A vowel and a second letter that is a tone mark there.
CP1258_SIGN = re.compile("[aeiouyâêôãõý][ÌÒÞìòþ]|[þÞ]", re.IGNORECASE)


def decode_cp1258(word: str) -> str | None:
    """Read one word as Windows-1258, or give None when it cannot be."""
    try:
        return unicodedata.normalize("NFC", word.encode("cp1252").decode("cp1258"))
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
