"""Properties of names: what may count as the same, what a comparison never does, and damage that is read back."""

import unicodedata
from itertools import product

from hypothesis import example, given, settings
from hypothesis import strategies as st

from standards.legacy_text import repair_legacy_text
from standards.names import (
    NameClass,
    compare_names,
    compare_prepared,
    normalise_name,
    prepare_name,
    search_key,
)
from standards.syllables import fold, is_well_spelled, place_tone
from tests.support.legacy_encodings import DAMAGES

QUICK = settings(max_examples=200, deadline=None)

TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
ONSETS = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x".split()  # noqa: SIM905 - one line
VOWELS = (  # noqa: SIM905 - one line
    "a ă â e ê i o ô ơ u ư y ai ao au ay âu ây ia iê oa oe ôi ơi ua uê ui uô uy ưa ưi ưu ươ yê uyê oai ươi iêu"
).split()
CODAS = ("", "n", "ng", "m", "nh", "t", "c", "ch", "p")
ETHNIC = (  # noqa: SIM905 - one line
    "H'Hen Niê Y Bion Biơn Êban K'Brểu Rchâm Kpă Ksor Mlô Êñuôl Čil A Siu Blêh Hmưnh"
).split()
STRENGTH = (
    NameClass.SAME,
    NameClass.EQUIVALENT,
    NameClass.ACCENTLESS,
    NameClass.NEAR,
    NameClass.MISSING_MIDDLE,
    NameClass.ABBREVIATED,
    NameClass.REORDERED,
    NameClass.DIFFERENT_ACCENT,
    NameClass.DIFFERENT,
)


def _syllables() -> list[str]:
    """Every well spelled syllable of these parts, as a name begins: Phượng, Kỳ, Ân."""
    written = {
        place_tone(unicodedata.normalize("NFC", f"{onset}{vowel[0]}{tone}{vowel[1:]}{coda}"))
        for onset, vowel, coda, tone in product(("", *ONSETS), VOWELS, CODAS, TONES)
    }
    return sorted(word.capitalize() for word in written if is_well_spelled(word))


syllables = st.sampled_from(_syllables())
given_words = syllables | st.sampled_from(ETHNIC)
people = st.lists(given_words, min_size=1, max_size=5).map(" ".join)
viet_people = st.lists(syllables, min_size=1, max_size=5).map(" ".join)


def signature(name: str) -> list[tuple[str, str]]:
    """Per word the bare letters (y as i) and all marks, in whatever order they stand; the oracle of sameness."""
    signed = []
    for word in unicodedata.normalize(
        "NFD", name.casefold().replace("đ", "d\u0335").replace("'", "")
    ).split():
        bare = "".join(letter for letter in word if not unicodedata.combining(letter))
        marks = "".join(sorted(letter for letter in word if unicodedata.combining(letter)))
        signed.append((bare.replace("y", "i"), marks))
    return signed


@st.composite
def altered(draw: st.DrawFn, name: str) -> str:
    """The name with one or two things done to it that happen to names."""
    words = name.split()
    for _ in range(draw(st.integers(min_value=1, max_value=2))):
        at = draw(st.integers(min_value=0, max_value=len(words) - 1))
        what = draw(
            st.sampled_from(("bare", "all bare", "drop", "swap", "tone", "word", "initial", "upper", "glue"))
        )
        if what == "bare":
            words[at] = fold(words[at])
        elif what == "all bare":
            words = [fold(word) for word in words]
        elif what == "drop" and len(words) > 1:
            del words[at]
        elif what == "swap":
            words = [*words[at:], *words[:at]]
        elif what == "tone":
            words[at] = unicodedata.normalize("NFC", words[at] + draw(st.sampled_from(TONES)))
        elif what == "word":
            words[at] = draw(given_words)
        elif what == "initial":
            words[at] = words[at][0] + "."
        elif what == "upper":
            words[at] = words[at].upper()
        elif what == "glue" and at:
            words[at - 1 : at + 1] = [words[at - 1] + words[at]]
    return " ".join(words)


pairs = people.flatmap(lambda name: st.tuples(st.just(name), altered(name) | people))


@QUICK
@given(pairs)
@example(("Ly", "Lí"))
@example(("Đức", "Dức"))
@example(("HHen", "H'Hên"))
@example(("Lưu", "Lựu"))
def test_names_whose_letters_or_tones_differ_are_never_the_same_or_equivalent(pair: tuple[str, str]) -> None:
    cls = compare_names(*pair).cls
    if cls in (NameClass.SAME, NameClass.EQUIVALENT):
        assert signature(pair[0].replace(".", "")) == signature(pair[1].replace(".", ""))


@QUICK
@given(pairs)
def test_a_comparison_does_not_depend_on_the_order(pair: tuple[str, str]) -> None:
    there, back = compare_names(*pair), compare_names(*reversed(pair))
    assert there == back


@QUICK
@given(pairs)
def test_prepared_names_compare_as_their_texts(pair: tuple[str, str]) -> None:
    assert compare_prepared(*map(prepare_name, pair)) == compare_names(*pair)


@QUICK
@given(people | st.text(max_size=40))
@example("а\u0301")
@example("a\u200b\u030c")
@example("Hoà-Bình")
@example("H’ Hen")
def test_a_name_is_the_same_as_its_normal_form_which_is_stable(name: str) -> None:
    normal = normalise_name(name)
    assert normalise_name(normal) == normal
    assert unicodedata.is_normalized("NFC", normal)
    assert search_key(normal) == search_key(name) == search_key(search_key(name))
    expected = NameClass.SAME if prepare_name(name).words else NameClass.DIFFERENT
    assert compare_names(name, normal).cls is expected
    assert compare_names(name, name).cls is expected


@QUICK
@given(viet_people.flatmap(lambda name: st.tuples(st.just(name), altered(name))))
def test_lost_accents_on_top_of_another_change_confirm_no_more_than_either(pair: tuple[str, str]) -> None:
    name, other = pair
    both = compare_names(name, fold(other)).cls
    if not prepare_name(name).has_accents:
        return
    assert STRENGTH.index(both) >= STRENGTH.index(NameClass.ACCENTLESS)
    if search_key(name).replace("y", "i") != search_key(other).replace("y", "i"):
        assert STRENGTH.index(both) >= STRENGTH.index(NameClass.NEAR)


@QUICK
@given(viet_people, st.sampled_from(sorted(DAMAGES)))
def test_damage_is_read_back_or_left_or_told_to_be_unsure(name: str, encoding: str) -> None:
    repaired = repair_legacy_text(DAMAGES[encoding](name))
    if repaired.encoding is not None and repaired.is_sure:
        assert repaired.text.casefold() == name.casefold()
        assert repaired.encoding == encoding
    assert repair_legacy_text(repaired.text).encoding is None


@QUICK
@given(people | st.lists(people, max_size=4).map(", ".join))
def test_sound_names_are_never_repaired(name: str) -> None:
    for text in (name, name.upper(), name.lower(), unicodedata.normalize("NFD", name)):
        repaired = repair_legacy_text(text)
        assert (repaired.text, repaired.encoding) == (text, None)


@QUICK
@given(st.text(alphabet=st.characters(max_codepoint=0x2122), max_size=60))
def test_any_text_is_repaired_once_and_without_an_error(text: str) -> None:
    repaired = repair_legacy_text(text)
    if repaired.encoding is None:
        assert repaired.text == text
