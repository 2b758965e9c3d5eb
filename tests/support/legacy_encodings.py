"""Writes Vietnamese as the old code pages damaged it; made from published tables, not from the code under test."""

import unicodedata
from collections.abc import Callable

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_BARE = "aăâeêioôơuưy"
# Per vowel of _BARE the bytes of à á ả ã ạ, then the vowel without tone, as Latin-1 shows them.
_TCVN3 = {
    "a": "µ¸¶·¹", "ă": "»¾¼½Æ¨", "â": "ÇÊÈÉË©", "e": "ÌÐÎÏÑ", "ê": "ÒÕÓÔÖª", "i": "×ÝØÜÞ", "o": "ßãáâä",
    "ô": "åèæçé«", "ơ": "êíëìî¬", "u": "ïóñòô", "ư": "õøö÷ù\u00ad", "y": "úýûüþ",
}  # fmt: skip
_TCVN3_CAPITALS = dict(zip("ĂÂĐÊÔƠƯđ", "¡¢§£¤¥¦®", strict=True))
_VNI = {
    "a": "aø aù aû aõ aï", "ă": "aè aé aú aü aë aê", "â": "aà aá aå aã aä aâ", "e": "eø eù eû eõ eï",
    "ê": "eà eá eå eã eä eâ", "i": "ì í æ ó ò", "o": "oø où oû oõ oï", "ô": "oà oá oå oã oä oâ",
    "ơ": "ôø ôù ôû ôõ ôï ô", "u": "uø uù uû uõ uï", "ư": "öø öù öû öõ öï ö", "y": "yø yù yû yõ î",
}  # fmt: skip
_ORDER = "\u0300\u0301\u0309\u0303\u0323"


def _parts(letter: str) -> tuple[str, str]:
    """A letter without its tone, and the tone."""
    decomposed = unicodedata.normalize("NFD", letter)
    tone = "".join(mark for mark in decomposed if mark in _TONES)
    return unicodedata.normalize("NFC", "".join(mark for mark in decomposed if mark not in _TONES)), tone


def as_tcvn3(text: str) -> str:
    """TCVN3 read as Latin-1; capitals with a tone become small letters, as in a font of capitals."""
    written = []
    for letter in text:
        bare, tone = _parts(letter)
        forms = _TCVN3.get(bare.lower(), "")
        if letter in _TCVN3_CAPITALS:
            written.append(_TCVN3_CAPITALS[letter])
        elif tone and forms:
            written.append(forms[_ORDER.index(tone)])
        else:
            written.append(forms[5] if len(forms) > 5 else letter)
    return "".join(written)


def as_vni(text: str) -> str:
    """Typed for VNI fonts."""
    written = []
    for letter in text:
        bare, tone = _parts(letter)
        forms = _VNI.get(bare.lower(), "").split()
        if letter in "đĐ":
            form = "ñ"
        elif tone and forms:
            form = forms[_ORDER.index(tone)]
        else:
            form = forms[5] if len(forms) > 5 else letter
        written.append(form.upper() if letter.isupper() else form)
    return "".join(written)


def as_cp1258(text: str) -> str:
    """Windows-1258 (vowel and tone apart, as Windows types it) read as Windows-1252."""
    apart = "".join("".join(_parts(letter)) for letter in text)
    return apart.encode("cp1258").decode("cp1252")


def as_utf8(text: str) -> str:
    """UTF-8 read as Windows-1252; the five unassigned bytes become control characters, as browsers do it."""
    return "".join(
        sign if (sign := bytes([byte]).decode("cp1252", "replace")) != "\ufffd" else chr(byte)
        for byte in text.encode()
    )


DAMAGES: dict[str, Callable[[str], str]] = {
    "TCVN3": as_tcvn3,
    "VNI": as_vni,
    "UTF8_AS_CP1252": as_utf8,
    "CP1258_AS_CP1252": as_cp1258,
}
