"""The Vietnamese syllable: its parts, its spelling rules, and the one place where its tone mark stands."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

TONE_MARKS = "\u0300\u0301\u0303\u0309\u0323"
"""Grave, acute, tilde, hook above, dot below."""
_TONE = re.compile(f"[{TONE_MARKS}]")
# The letter ñ of the Êđê is no n with a tone.
_TONE_ON_CONSONANT = re.compile(f"[^aeiouy\u0302\u0306\u031b{TONE_MARKS}][{TONE_MARKS}]")
_ONSETS = "ngh|ng|nh|gh|gi|kh|ch|ph|th|tr|qu|b|c|d|đ|g|h|k|l|m|n|p|r|s|t|v|x|"
_CODAS = "ng|nh|ch|c|m|n|p|t|"
_VOWELS = "aăâeêioôơuưy"
_SYLLABLE = re.compile(f"({_ONSETS})([{_VOWELS}]{{1,3}})({_CODAS})")
# Vowel groups without their quality marks, so that names typed without accents count as syllables as well.
_PLAIN_NUCLEI = frozenset(
    (  # noqa: SIM905 - forty quoted literals read worse
        "a e i o u y ai ao au ay eo eu ia ie iu oa oe oi oo ua ue ui uo uu uy ye "
        "ieu oai oao oay oeo uao uay uau ueu uoi uou uya uye uyu yeu"
    ).split()
)
_QUALITY_VOWELS = frozenset("ăâêôơư")
_RIMES = frozenset(
    (  # noqa: SIM905 - 160 quoted literals read worse
        "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et "
        "ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu y yêm yên yêng yêt yêu "
        "o oc oi om on ong op ot oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oe oen oeo oet "
        "ooc oong ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uc ui um un ung up ut uân uâng uât uây uê uêch uênh uơ "
        "uôc uôi uôm uôn uông uôt uy uya uych uynh uyt uyu uyên uyêt ư ưa ưc ưi ưm ưn ưng ưt ưu ươc ươi ươm ươn ương "
        "ươp ươt ươu"
    ).split()
)
_RIMES_AFTER_QU = frozenset(("ynh", "ych", "yt", "yp", "yu"))
_FRONT_VOWELS = frozenset("eêiy")
_STOPS = frozenset(("c", "ch", "p", "t"))
_STOP_TONES = frozenset(("\u0301", "\u0323"))
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


fold_word = lru_cache(maxsize=WORDS_KEPT)(fold)
"""`fold` of a single word, kept."""


@lru_cache(maxsize=WORDS_KEPT)
def parse_syllable(word: str) -> Syllable | None:
    """Take one word apart, or give None when it is not a Vietnamese syllable (ethnic and foreign names)."""
    toneless, tones = split_tone(word.casefold())
    if len(tones) > 1 or (tones and _TONE_ON_CONSONANT.search(unicodedata.normalize("NFD", word.casefold()))):
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


@lru_cache(maxsize=WORDS_KEPT)
def is_vietnamese(word: str) -> bool:
    """Say whether a word has a Vietnamese rime, whatever its tone and with or without its quality marks.

    False for most ethnic and foreign words: Niê, Biơn, Êban.
    """
    syllable = parse_syllable(word)
    if syllable is None:
        return False
    rime = _spoken(syllable)[1] + syllable.coda
    return rime in _RIMES or rime in _plain_rimes() or (syllable.onset == "qu" and rime in _RIMES_AFTER_QU)


@lru_cache(maxsize=1)
def _plain_rimes() -> frozenset[str]:
    return frozenset(fold(rime) for rime in _RIMES)


@lru_cache(maxsize=WORDS_KEPT)
def is_well_spelled(word: str) -> bool:
    """Say whether a word obeys every rule of Vietnamese spelling, accents included: Phượng, Kỳ; not Phuong, Phơng, Cỳ.

    Either style of tone placement passes (hòa, hoà).
    Source: Vietnamese orthography; k, gh, ngh stand before e, ê, i, y only and c, g, ng elsewhere (gì apart); a
    syllable that ends in c, ch, p, t has the acute or the dot below.
    """
    syllable = parse_syllable(word)
    if syllable is None or not _is_tone_in_place(word.casefold(), syllable):
        return False
    onset, nucleus, coda = syllable.onset, syllable.nucleus, syllable.coda
    rime = _spoken(syllable)[1] + coda
    if rime not in _RIMES and not (onset == "qu" and rime in _RIMES_AFTER_QU):
        return False
    if coda in _STOPS and syllable.tone not in _STOP_TONES:
        return False
    is_front = nucleus[0] in _FRONT_VOWELS
    if onset in ("k", "gh", "ngh"):
        return is_front
    if onset in ("c", "ng") or (onset == "g" and nucleus[0] != "i"):
        return not is_front
    if nucleus in ("yê", "iê"):
        return (onset in ("", "qu")) is (nucleus == "yê")
    return nucleus != "y" or coda == "" or onset == "qu"


def _is_tone_in_place(word: str, syllable: Syllable) -> bool:
    if word == place_tone(word):
        return True
    newer = f"{syllable.onset}{syllable.nucleus}{syllable.tone}"
    return syllable.nucleus in ("oa", "oe", "uy") and word == unicodedata.normalize("NFC", newer)


_DIALECT_ONSETS = frozenset(
    frozenset(pair.split()) for pair in ("s x", "ch tr", "l n", "gi d", "gi r", "d r", "v d", "v gi")
)


def is_dialect_pair(first: str, second: str) -> bool:
    """Say whether two words are one word in the writing of some dialect: Giang and Dang, Trí and Chí, Nam and Lam.

    Only the first consonants may differ: s/x, ch/tr, l/n, gi/d/r, v/d/gi.
    Source: the mergers that grammars of Vietnamese name for the north (s/x, ch/tr, l/n, gi/d/r) and south (v/d/gi).
    """
    a, b = parse_syllable(first), parse_syllable(second)
    if a is None or b is None or a.tone != b.tone or a.coda != b.coda:
        return False
    a_onset, a_nucleus = _spoken(a)
    b_onset, b_nucleus = _spoken(b)
    return a_nucleus == b_nucleus and frozenset((a_onset, b_onset)) in _DIALECT_ONSETS


def _spoken(syllable: Syllable) -> tuple[str, str]:
    """Write out the i that gi shares with the vowel: gì is gi + i, giêng is gi + iêng."""
    if syllable.onset == "g" and syllable.nucleus.startswith("i"):
        return "gi", syllable.nucleus
    if syllable.onset == "gi" and syllable.nucleus == "ê":
        return "gi", "iê"
    return syllable.onset, syllable.nucleus
