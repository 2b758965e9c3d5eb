"""The Vietnamese syllable: its parts, and the one place where its tone mark stands."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

TONE_MARKS = "\u0300\u0301\u0303\u0309\u0323"
"""Grave, acute, tilde, hook above, dot below."""
_TONE = re.compile(f"[{TONE_MARKS}]")
_ONSETS = "ngh|ng|nh|gh|gi|kh|ch|ph|th|tr|qu|b|c|d|đ|g|h|k|l|m|n|p|r|s|t|v|x|"
_CODAS = "ng|nh|ch|c|m|n|p|t|"
_VOWELS = "aăâeêioôơuưy"
_SYLLABLE = re.compile(f"({_ONSETS})([{_VOWELS}]{{1,3}})({_CODAS})")
# Vowel groups without their quality marks, so that names typed without accents count as syllables as well.
_PLAIN_NUCLEI = frozenset(
    (  # noqa: SIM905 - forty quoted literals read worse
        "a e i o u y ai ao au ay eo eu ia ie iu oa oe oi oo ua ue ui uo uy ye "
        "ieu oai oao oay oeo uao uay uau ueu uoi uou uya uye uyu yeu"
    ).split()
)
_QUALITY_VOWELS = frozenset("ăâêôơư")
WORDS_KEPT = 16_384
"""Single words, of which Vietnamese has some 7,000 syllables; no name and no address can be put together from them."""


@dataclass(frozen=True, slots=True)
class Syllable:
    """One word taken apart, in small letters and without its tone."""

    onset: str
    nucleus: str
    coda: str
    tone: str
    """One of TONE_MARKS, or empty for the level tone."""


def fold(text: str) -> str:
    """Small letters without any mark: Đức → duc. Keeps spaces and punctuation."""
    # đ has no decomposition, so it is mapped by hand.
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return plain if plain.isascii() else "".join(c for c in plain if not unicodedata.combining(c))


def split_tone(word: str) -> tuple[str, str]:
    """Give the word in NFC without its tone marks, and the marks."""
    decomposed = unicodedata.normalize("NFD", word)
    tones = "".join(_TONE.findall(decomposed))
    return (unicodedata.normalize("NFC", _TONE.sub("", decomposed)), tones) if tones else (word, "")


@lru_cache(maxsize=WORDS_KEPT)
def parse_syllable(word: str) -> Syllable | None:
    """Take one word apart, or give None when it is not a Vietnamese syllable (ethnic and foreign names)."""
    toneless, tones = split_tone(word.casefold())
    if len(tones) > 1:
        return None
    match = _SYLLABLE.fullmatch(toneless)
    if match is None or fold(match[2]) not in _PLAIN_NUCLEI:
        return None
    onset, nucleus, coda = match[1], match[2], match[3]
    return Syllable(onset, nucleus, coda, tones)


def _tone_index(syllable: Syllable) -> int:
    """Say which letter of the nucleus carries the tone (the older style: hòa, khỏe, thúy)."""
    marked = [index for index, letter in enumerate(syllable.nucleus) if letter in _QUALITY_VOWELS]
    if marked:
        return marked[-1]
    if len(syllable.nucleus) == 1:
        return 0
    if len(syllable.nucleus) == 3 or syllable.coda:
        return 1
    return 0


@lru_cache(maxsize=WORDS_KEPT)
def place_tone(word: str) -> str:
    """Move the tone mark of one NFC word to its canonical letter: hoà → hòa, khoẻ → khỏe, thuý → thúy.

    A word that is not a Vietnamese syllable comes back as it was. Case is kept.
    Source: both styles are in official use; the older one is taken because the population cards use it.
    """
    if len(word) < 2:
        return word
    toneless, tones = split_tone(word)
    if len(tones) != 1:
        return word
    syllable = parse_syllable(word)
    if syllable is None or len(toneless) != len(syllable.onset + syllable.nucleus + syllable.coda):
        return word
    index = len(syllable.onset) + _tone_index(syllable)
    return unicodedata.normalize("NFC", toneless[: index + 1] + tones) + toneless[index + 1 :]


@lru_cache(maxsize=WORDS_KEPT)
def i_for_y(word: str) -> str:
    """Write i where y is the whole vowel: lý → lí, quý → quí, quỳnh → quình; thúy and mây stay.

    The two spellings are the same syllable; y without a consonant before it (Ý, the ethnic Y) stays.
    """
    syllable = parse_syllable(word)
    if syllable is None or syllable.nucleus != "y" or not syllable.onset:
        return word.casefold()
    return unicodedata.normalize("NFC", f"{syllable.onset}i{syllable.tone}{syllable.coda}")


# The longer spellings stand first; each pair falls together in some dialect's writing (s/x, ch/tr, l/n,
# gi/d/r).
_DIALECT = (("gi", "d"), ("tr", "ch"), ("r", "d"), ("s", "x"), ("n", "l"))


def dialect_form(word: str) -> str:
    """Give one spelling for initials that dialects write alike: giang → dang, trí → chí, sà → xà, nam →
    lam."""
    syllable = parse_syllable(word)
    if syllable is None:
        return word.casefold()
    onset = dict(_DIALECT).get(syllable.onset, syllable.onset)
    return f"{onset}{syllable.nucleus}{syllable.coda}{syllable.tone}"
