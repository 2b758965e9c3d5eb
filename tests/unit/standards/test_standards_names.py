"""Vietnamese names: one spelling, and what a comparison says."""

import csv
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
    search_key,
)
from standards.syllables import place_tone

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
        ("", "Nguyễn Văn Đức", NameClass.DIFFERENT),
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


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuý", "thúy"), ("THUỶ", "THỦY"), ("Hòan", "Hoàn"), ("quý", "quý"),
        ("qúy", "quý"), ("gìa", "già"), ("gì", "gì"), ("thuở", "thuở"), ("mía", "mía"), ("Huế", "Huế"), ("của", "của"),
        ("khuỷu", "khuỷu"), ("ngoẻo", "ngoẻo"), ("xoáy", "xoáy"), ("Nghĩa", "Nghĩa"), ("quyền", "quyền"),
        ("Êban", "Êban"), ("Niê", "Niê"), ("giếng", "giếng"), ("người", "người"), ("Á", "Á"),
    ],
)  # fmt: skip
def test_the_tone_mark_gets_its_one_place(written: str, canonical: str) -> None:
    assert place_tone(written) == canonical


def test_search_key_is_plain_letters() -> None:
    assert search_key(" ĐẶNG  Thị H’Hen-Niê ") == "dang thi hhen nie"
    assert search_key("Nguyễn V. Đức") == search_key("NGUYEN V DUC")


def test_a_name_above_the_limit_is_refused() -> None:
    with pytest.raises(NameTooLong):
        normalise_name("a" * (MAX_NAME_CHARS + 1))
