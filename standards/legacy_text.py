"""Vietnamese text damaged by old code pages: noticed, told apart, and read again as it was meant.

Four damages are known. All leave Latin letters and signs (at most U+00FF, or Windows-1252's) where Vietnamese letters
were meant:

| encoding | Nguyễn Văn Đức comes as | how it happens |
|---|---|---|
| TCVN3 | `NguyÔn V¨n §øc` | bytes of TCVN3 (ABC), Vietnam's standard before 2001, read as Latin-1 |
| VNI | `Nguyeãn Vaên Ñöùc` | text typed for VNI fonts: a letter and a second one that stands for its mark |
| UTF8_AS_CP1252 | `Nguyá»…n VÄƒn Ä\x90á»©c` | UTF-8 read as Windows-1252 or Latin-1, once or twice |
| CP1258_AS_CP1252 | `NguyêÞn Vãn Ðýìc` | Windows-1258 read as Windows-1252 |

A text counts as damaged only if reading it anew turns impossible words into well spelled Vietnamese syllables, more of
them than it spoils, and with signs that no other language writes, or in two words beside nothing foreign, or in one
word that is a common name. So correct Vietnamese, English and ethnic names stay as they are. The price: a text whose
damaged words all look like Vietnamese (TCVN3 "Dòng" for Dũng, alone) is not noticed; nothing could tell it.

Repair comes before `standards.names.normalise_name`, which takes away the soft hyphens that are the ư of TCVN3.

Sources: TCVN3, a table on which public converters agree (data/legacy_text/README.md). VNI, from memory: unverified
against a document of its maker, but in agreement with two public converters and a published chart (November 2026).
Windows-1252 and 1258, Python's codecs. Spelling, `standards.syllables`.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from standards.code_pages import (
    CP1258_SIGN,
    MAX_SYLLABLE_CHARS,
    TCVN3_SIGN,
    UTF8_SIGN,
    VNI_SIGN,
    WORD,
    decode_cp1258,
    decode_tcvn3,
    decode_vni,
    is_spelled,
    read_utf8,
    restore_tcvn3,
    undash,
)
from standards.syllables import is_vietnamese

MAX_LEGACY_CHARS = 4_096
"""Longest text looked at; names and addresses are far shorter, and what is longer comes back as it is."""
# Family and middle names: one of them damaged is proof, also when no other word is.
_COMMON_NAMES = frozenset(
    (  # noqa: SIM905 - forty quoted literals read worse
        "nguyễn trần lê phạm hoàng huỳnh vũ võ đặng bùi đỗ hồ ngô dương lý đào đoàn trịnh trương đinh lâm phùng hà "
        "lương lưu nông triệu bế lộc đàm lục hứa bàn lường mông hoà hòa văn thị "
        "hữu đình đức ngọc bích hương hiền huyền hạnh"
    ).split()
)
# Ethnic and place names that break the spelling rules and stand in many papers here.
_KNOWN_WORDS = frozenset(("kạn", "đắk", "đăk", "lắk", "lăk", "krông", "niê", "êban", "mlô", "kbuôr", "bhăn"))
_NO_FAULT = str.maketrans("Ðð", "Đđ", "\u00ad")
# Letters that no damage leaves; most names have one.
_UNDAMAGED = re.compile("[ĂăĐđƠơƯưẠ-ỹ]")
# Letters that Vietnamese has as well prove nothing about TCVN3: Kôn Yông are places, not Kễn Yễng.
_FOREIGN = re.compile("[^\\x00-\\x7fàáâãèéêìíòóôõùúýÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝ]")


class LegacyEncoding(StrEnum):
    """Which damage a text has."""

    TCVN3 = "TCVN3"
    """TCVN3 (ABC) read as Latin-1."""
    VNI = "VNI"
    """VNI for Windows read as Windows-1252."""
    UTF8_AS_CP1252 = "UTF8_AS_CP1252"
    """UTF-8 read as Windows-1252 or Latin-1."""
    CP1258_AS_CP1252 = "CP1258_AS_CP1252"
    """Windows-1258 read as Windows-1252."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedText:
    """A text as it was meant."""

    text: str = field(repr=False)
    """The repaired text (NFC), or the given one when it is not damaged."""
    encoding: LegacyEncoding | None
    """The damage found, or None."""
    is_sure: bool = True
    """False when another reading is possible: TCVN3 that has lost its ư (another word may have lost one unseen), or
    that was put into capitals after the damage, or a word that two code pages can explain. A person should look
    before the text replaces a name."""


_DECODERS: dict[LegacyEncoding, Callable[[str], str | None]] = {
    LegacyEncoding.TCVN3: decode_tcvn3,
    LegacyEncoding.VNI: decode_vni,
    LegacyEncoding.CP1258_AS_CP1252: decode_cp1258,
}
# What no other language writes: one cured word that has it is proof.
_SIGNS = {
    LegacyEncoding.TCVN3: TCVN3_SIGN,
    LegacyEncoding.VNI: VNI_SIGN,
    LegacyEncoding.CP1258_AS_CP1252: CP1258_SIGN,
}


def repair_legacy_text(text: str) -> RepairedText:
    """Read a text damaged by an old code page as it was meant; any other text comes back unchanged.

    Takes time that grows with the text's length only, and raises nothing.
    """
    if text.isascii() or len(text) > MAX_LEGACY_CHARS or _UNDAMAGED.search(text):
        return RepairedText(text=text, encoding=None)
    if UTF8_SIGN.search(text):
        read = read_utf8(text)
        if read is not None:
            return RepairedText(text=read, encoding=LegacyEncoding.UTF8_AS_CP1252)
    composed = unicodedata.normalize("NFC", text)
    if max(composed) > "\u00ff":
        return RepairedText(text=text, encoding=None)
    weighed = [(*_weigh(composed, encoding), encoding) for encoding in _DECODERS]
    merit, is_proven, encoding = max(weighed, key=lambda each: each[:2])
    if not is_proven or merit <= 0:
        return RepairedText(text=text, encoding=None)
    has_rival = sum(other == merit for other, _, _ in weighed) > 1
    if encoding is LegacyEncoding.TCVN3:
        restored, is_certain = restore_tcvn3(composed)
        return RepairedText(text=restored, encoding=encoding, is_sure=is_certain and not has_rival)
    return RepairedText(text=convert(composed, encoding), encoding=encoding, is_sure=not has_rival)


def detect(text: str) -> LegacyEncoding | None:
    """Say which damage a text has, or None."""
    return repair_legacy_text(text).encoding


def convert(text: str, encoding: LegacyEncoding | None = None) -> str:
    """Read a text as the given encoding's damage, whatever it looks like; without one, as `repair_legacy_text` does.

    What cannot be read so stays as it is.
    """
    if encoding is None:
        return repair_legacy_text(text).text
    if encoding is LegacyEncoding.UTF8_AS_CP1252:
        return read_utf8(text) or text
    if encoding is LegacyEncoding.TCVN3:
        return restore_tcvn3(text)[0]
    decode = _DECODERS[encoding]
    return unicodedata.normalize("NFC", WORD.sub(lambda word: decode(word[0]) or word[0], text))


def _is_sound(word: str) -> bool:
    """Say whether a word is Vietnamese as it stands; the Icelandic letter for Đ is another fault, and passes."""
    plain = word.translate(_NO_FAULT)
    return is_spelled(plain) or plain.casefold() in _KNOWN_WORDS


def _weigh(text: str, encoding: LegacyEncoding) -> tuple[int, bool]:
    """Weigh the reading of a text as damaged: words cured less words spoiled, and whether they prove the damage."""
    decode, sign = _DECODERS[encoding], _SIGNS[encoding]
    if encoding is LegacyEncoding.TCVN3:
        text = undash(text)
    cured = spoiled = hints = strangers = 0
    is_proven = False
    for match in WORD.finditer(text):
        word = match[0]
        if word.isascii():
            strangers += len(word) > 2 and not (len(word) <= MAX_SYLLABLE_CHARS and is_vietnamese(word))
            continue
        # A micro sign before a letter is a unit: µm.
        if word[0] == "µ":
            continue
        read = decode(word)
        if read is None:
            return 0, False
        if not _is_sound(read):
            spoiled += 1
        elif not _is_sound(word):
            cured += 1
            hints += encoding is not LegacyEncoding.TCVN3 or _FOREIGN.search(word) is not None
            is_proven |= len(word) > 2 and sign.search(word) is not None
            is_proven |= word != text and read.casefold() in _COMMON_NAMES
    return cured - spoiled, is_proven or (cured > 1 and hints > 0 and strangers == 0)
