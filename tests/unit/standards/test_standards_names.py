"""Vietnamese names: one spelling, and what a comparison says."""

import csv
import time
import unicodedata
from pathlib import Path

import pytest

from standards.errors import NameTooLong
from standards.names import (
    MAX_NAME_CHARS,
    DifferenceKind,
    NameClass,
    compare_names,
    normalise_name,
    prepare_name,
    search_key,
)
from standards.syllables import is_dialect_pair, is_vietnamese, is_well_spelled, place_tone

VECTORS = Path(__file__).parents[2] / "golden" / "name_compare_vectors.csv"


def _vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_vectors_still_hold_their_nfd_side() -> None:
    rows = _vectors()
    assert len(rows) == 18
    assert sum(unicodedata.normalize("NFC", row["a"]) != row["a"] for row in rows) == 1


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: row["why"])
def test_each_vector_gets_its_class_in_both_orders(row: dict[str, str]) -> None:
    assert compare_names(row["a"], row["b"]).cls == row["expected_class"]
    assert compare_names(row["b"], row["a"]).cls == row["expected_class"]


@pytest.mark.parametrize(
    ("a", "b", "cls"),
    [
        ("NGUYEN VAN DUC", "Nguyễn Văn Đức", NameClass.ACCENTLESS),
        ("Nguyen Van Duc", "Nguyễn Văn Dực", NameClass.ACCENTLESS),
        ("LY THI MY", "Lí Thị Mỹ", NameClass.ACCENTLESS),
        ("Đức Nguyễn Văn", "Nguyễn Văn Đức", NameClass.REORDERED),
        ("NGUYEN V DUC", "Nguyễn Văn Đức", NameClass.ABBREVIATED),
        ("Nguyen Duc", "Nguyễn Văn Đức", NameClass.MISSING_MIDDLE),
        ("Nguyễn Văn", "Nguyễn Văn Đức", NameClass.DIFFERENT),
        ("Văn Đức", "Nguyễn Văn Đức", NameClass.DIFFERENT),
        ("Nguyễn Văn Nam", "Nguyễn Văn Lam", NameClass.NEAR),
        ("Lò Văn Sinh", "Lò Văn Xinh", NameClass.NEAR),
        ("Trần Thị Trinh", "Trần Thị Chinh", NameClass.NEAR),
        ("Nguyễn Thị Hà", "Nguyễn Thị Hồ", NameClass.DIFFERENT),
        ("Phạm Hoàn", "Phan Hoàng", NameClass.DIFFERENT),
        ("Nguyễn Văn Đức", "Trần Thị Lan", NameClass.DIFFERENT),
        ("H Hen Niê", "H'Hen Niê", NameClass.NEAR),
        ("HHen Niê", "H'Hen Niê", NameClass.EQUIVALENT),
        ("Nguyễn\u00a0Văn  Đức", "Nguyễn Văn Đức", NameClass.SAME),
        ("Nguyễn\u200bVăn\u200bĐức", "Nguyễn Văn Đức", NameClass.SAME),
        ("NGUYỄN\u200bVĂN ĐỨC", "Nguyễn Văn Đức", NameClass.SAME),
        ("Nguy\u200bễn Văn Đức", "Nguyễn Văn Đức", NameClass.SAME),
        ("NguyỄn VĂn ĐỨc", "Nguyễn Văn Đức", NameClass.SAME),
        ("Nguyễn Văn Аn", "Nguyễn Văn An", NameClass.SAME),
        ("Ɖặng An", "Đặng An", NameClass.SAME),
        ("Thúy", "Thúi", NameClass.NEAR),
        # Two weaknesses never give the stronger class.
        ("LY", "Lí", NameClass.ACCENTLESS),
        ("HHEN", "H'Hên", NameClass.ACCENTLESS),
        ("NGUYEN VAN NAM", "Nguyễn Văn Lam", NameClass.NEAR),
        ("NGUYEN THU HA", "Nguyễn Thị Thu Hà", NameClass.MISSING_MIDDLE),
        ("DUC NGUYEN VAN", "Nguyễn Văn Đức", NameClass.REORDERED),
        ("Nguyễn Hoàn", "Nguyễn Văn Hoàng", NameClass.DIFFERENT),
        ("Nguyễn V. Lan", "Nguyễn Văn Lân", NameClass.DIFFERENT_ACCENT),
        ("Nguyễn Lam Nam", "Nguyễn Nam Lam", NameClass.REORDERED),
        ("Nguyễn Van Duc", "Nguyễn Văn Đức", NameClass.DIFFERENT_ACCENT),
        # Letters.
        ("Lưu Văn Hùng", "Lựu Văn Hùng", NameClass.DIFFERENT_ACCENT),
        ("Đinh Văn An", "Dinh Văn An", NameClass.DIFFERENT_ACCENT),
        ("Nguyễn Thị Hồng", "Nguyễn Thị Hằng", NameClass.DIFFERENT),
        ("Nguyễn Văn Minh", "Nguyễn Văn Mạnh", NameClass.DIFFERENT),
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hoàn", NameClass.NEAR),
        ("Trần Văn Tuấn", "Trần Văn Tuân", NameClass.DIFFERENT_ACCENT),
        ("Huỳnh Văn An", "Hoàng Văn An", NameClass.DIFFERENT),
        ("Nguyễn Văn Bảo", "Nguyễn Văn Bão", NameClass.DIFFERENT_ACCENT),
        ("Vũ Thị Hà", "Dũ Thị Hà", NameClass.NEAR),
        ("Nguyễn Văn Vang", "Nguyễn Văn Giang", NameClass.NEAR),
        ("Lò Thị Rung", "Lò Thị Dung", NameClass.NEAR),
        ("Đặng Văn Gì", "Đặng Văn Dì", NameClass.NEAR),
        ("Hoàng Văn Ｎam", "Hoàng Văn Nam", NameClass.SAME),
        ("Nguyễn Vǎn Nam", "Nguyễn Văn Nam", NameClass.SAME),
        # Initials.
        ("Ng. Văn Đức", "Nguyễn Văn Đức", NameClass.ABBREVIATED),
        ("Nguyễn.V.Đ", "Nguyễn Văn Đức", NameClass.ABBREVIATED),
        ("Nguyễn Văn Đ.", "Nguyễn Văn Dũng", NameClass.DIFFERENT),
        ("Nguyễn Văn D.", "Nguyễn Văn Đức", NameClass.ABBREVIATED),
        ("Nguyễn Như Ý", "Nguyễn Như Yến", NameClass.DIFFERENT),
        # Ethnic names.
        ("Giàng A Páo", "Giàng A Páo", NameClass.SAME),
        ("Giàng A Páo", "Giàng A Pao", NameClass.DIFFERENT_ACCENT),
        ("Sùng", "Sùng", NameClass.SAME),
        ("Sùng", "Xùng", NameClass.NEAR),
        ("K’Brểu", "K'Brểu", NameClass.SAME),
        ("KBrểu", "K'Brểu", NameClass.EQUIVALENT),
        ("K' Brểu", "K'Brểu", NameClass.SAME),
        ("Y Bhăn Niê", "Y Bhăn Nie", NameClass.NEAR),
        ("H'Hen Niê", "H'Hen Niê Kđăm", NameClass.DIFFERENT),
        ("Y Bion", "YBion", NameClass.NEAR),
        ("Rô Chăm H'Yưk", "Rơ Chăm H'Yưk", NameClass.DIFFERENT_ACCENT),
        ("Êñuôl", "Ênuôl", NameClass.NEAR),
        ("Čil Yang", "Cil Yăng", NameClass.NEAR),
        ("Thạch Sa Rây", "Thạch Sarây", NameClass.NEAR),
        ("Công-Tằng-Tôn-Nữ Hoà", "Công Tằng Tôn Nữ Hòa", NameClass.SAME),
        ("Nguyễn Phúc Công Tằng Tôn Nữ Thị Ninh", "Nguyễn Phúc Tôn Nữ Thị Ninh", NameClass.MISSING_MIDDLE),
        ("", "Nguyễn Văn Đức", NameClass.DIFFERENT),
        ("---", "---", NameClass.DIFFERENT),
        ("", "", NameClass.DIFFERENT),
    ],
)
def test_names_compare_as_a_clerk_would(a: str, b: str, cls: NameClass) -> None:
    assert compare_names(a, b).cls is cls
    assert compare_names(b, a).cls is cls


def test_differences_tell_the_place_and_no_part_of_the_name() -> None:
    (difference,) = compare_names("Nguyễn Thị Thu Hà", "Nguyễn Thu Hà").differences
    assert (difference.kind, difference.word_index) == (DifferenceKind.WORD_MISSING, 1)
    assert "Thị" not in repr(difference)


def test_lost_accents_are_told_beside_a_weaker_class() -> None:
    for bare, cls in (
        ("NGUYEN THU HA", NameClass.MISSING_MIDDLE),
        ("HA NGUYEN THI THU", NameClass.REORDERED),
    ):
        comparison = compare_names(bare, "Nguyễn Thị Thu Hà")
        assert comparison.cls is cls
        assert DifferenceKind.ACCENTS_MISSING in {difference.kind for difference in comparison.differences}
    assert [each.kind for each in compare_names("LAM", "Năm").differences] == [
        DifferenceKind.DIALECT,
        DifferenceKind.ACCENTS_MISSING,
    ]


def test_a_prepared_name_shows_nothing_and_knows_its_accents() -> None:
    prepared = prepare_name("Nguyễn Văn Đức")
    assert "nguy" not in repr(prepared).casefold()
    assert prepared.has_accents
    assert not prepare_name("NGUYEN VAN DUC").has_accents


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuý", "thúy"), ("THUỶ", "THỦY"), ("Hòan", "Hoàn"), ("quý", "quý"),
        ("qúy", "quý"), ("gìa", "già"), ("gì", "gì"), ("thuở", "thuở"), ("mía", "mía"), ("Huế", "Huế"), ("của", "của"),
        ("khuỷu", "khuỷu"), ("ngoẻo", "ngoẻo"), ("xoáy", "xoáy"), ("Nghĩa", "Nghĩa"), ("quyền", "quyền"),
        ("Êban", "Êban"), ("Niê", "Niê"), ("Ñe", "Ñe"), ("Lưu", "Lưu"),
        ("giếng", "giếng"), ("người", "người"), ("Á", "Á"),
    ],
)  # fmt: skip
def test_the_tone_mark_gets_its_one_place(written: str, canonical: str) -> None:
    assert place_tone(written) == canonical


def test_search_key_is_plain_letters() -> None:
    assert search_key(" ĐẶNG  Thị H’Hen-Niê ") == "dang thi hhen nie"
    assert search_key("Nguyễn V. Đức") == search_key("NGUYEN V DUC")


@pytest.mark.parametrize(
    "word", ["Phượng", "kỳ", "gì", "giếng", "quyền", "Quỳnh", "hoà", "hòa", "Lưu", "yên", "khuỷu"]
)
def test_a_good_syllable_is_well_spelled(word: str) -> None:
    assert is_well_spelled(word)
    assert is_vietnamese(word)


@pytest.mark.parametrize(
    "word", ["Phơng", "cỳ", "kà", "ngề", "phat", "iên", "hôì", "Niê", "Biơn", "Jun", "nguyen", ""]
)
def test_a_word_that_breaks_a_rule_is_not_well_spelled(word: str) -> None:
    assert not is_well_spelled(word)


def test_dialect_pairs_differ_in_their_first_consonants_alone() -> None:
    assert is_dialect_pair("giêng", "diêng")
    assert not is_dialect_pair("rân", "vân")
    assert not is_dialect_pair("sinh", "xính")
    assert not is_dialect_pair("nam", "nam")


@pytest.mark.parametrize(
    "text",
    [
        "a" * (MAX_NAME_CHARS + 1),
        "e\u0302\u0301" * (MAX_NAME_CHARS + 1),
        "a" * 50_000_000,
        "\u0301" * 5_000_000,
    ],
)
def test_a_name_above_the_limit_is_refused_at_once(text: str) -> None:
    begun = time.process_time()
    for read in (normalise_name, search_key, prepare_name, lambda name: compare_names("An", name)):
        with pytest.raises(NameTooLong):
            read(text)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("piece", ["a\u200b", "\u200bA ", "a'", "' ", "a-", "y ", "h'", "n l ", "\u00ad"])
def test_any_name_within_the_limit_compares_in_bounded_time(piece: str) -> None:
    name = (piece * MAX_NAME_CHARS)[:MAX_NAME_CHARS]
    begun = time.process_time()
    for _ in range(20):
        compare_names(name, name[1:])
    assert time.process_time() - begun < 1
