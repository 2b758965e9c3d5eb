"""Text damaged by old code pages: what is noticed, what is read back, and what is left alone."""

import csv
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.population import build_population
from standards.legacy_text import (
    MAX_LEGACY_CHARS,
    LegacyEncoding,
    RepairedText,
    convert,
    detect,
    repair_legacy_text,
)
from standards.reference_tables import read_table
from tests.support.legacy_encodings import DAMAGES, as_tcvn3, as_utf8

VECTORS = Path(__file__).parents[2] / "golden" / "legacy_text_vectors.csv"
FOREIGN = (  # noqa: SIM905 - forty quoted literals read worse
    "François Müller;José Muñoz;Zoë Noël;Ångström;Peña Nieto;Lü Bu Wei;Loïc Tran;Naïm Haïm Cohen;Hanoï Saïgon;Søren;"
    "Håkon Åse;Hå;São Paulo;João Gonçalves;Citroën;Raphaël Israël;Août;Niccolò Forlì;Così è la vita;Þórður Guðrún;"
    "Sigurðsson;Nový Týn;Kääriäinen;Groß Straße;Mª Carmen;5 µm 10 µg 3 µm;37 °C;2½ viên;Panadol®;©2020;le «mot»;T¹;"
    "§ 5;Crème brûlée;Gaël Renée Anaïs;El Niño;Boë Hö;Mrs O’Brien;Ivan Petrović;NAÏVE CAFÉ;Nguyễn Loïc;Äijälä"
).split(";")
ETHNIC = (  # noqa: SIM905 - as above
    "H'Hen Niê;Y Bion Êban;Y Bhăn Kđoh;K'Brểu;Kră Jãn;Rchâm H'Yên;Siu Blêh;Nay Hwêh;Kpă Klơng;Rô Chăm;Mlô Mrô;Blô;"
    "Giàng A Páo;Vàng Thị Dợ;Lầu Y Pà;Hờ A Chu;Thạch Sa Rây;Kim Sô Phi;Đinh Hmưnh;Êñuôl;Čil Yang;Lò Văn Pâng;"
    "KÔN KÔN;YÔNG KÔ;Dâi;Lò;Vì;Ý;Tòng;XÃ MAI HOA;XÃ\u00a0NGA AN;Ðoàn Thanh;Ðình Quý;hòan tóan;"
    "Nguyễn\u00adVăn;Min\u00adh"
).split(";")


def _vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _commune_table() -> set[str]:
    rows = read_table("admin_units", "vn_admin_ward_old_to_new_2025.csv")
    assert len(rows) == 10_571
    columns = ("old_ward", "old_district", "old_province", "new_ward", "new_province", "note_vi")
    return {row[column] for row in rows for column in columns}


def _sandbox_texts() -> set[str]:
    people = build_population(year=2026, count=4_000).people
    texts = {text for person in people for text in (person.card.full_name, person.card.address)}
    texts |= {person.register.full_name for person in people if person.register}
    return texts | {person.portal.full_name for person in people if person.portal}


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: f"{row['encoding']} {row['why']}")
def test_each_vector_is_noticed_and_read_back(row: dict[str, str]) -> None:
    assert repair_legacy_text(row["damaged"]) == RepairedText(
        text=row["meant"], encoding=LegacyEncoding(row["encoding"])
    )
    assert repair_legacy_text(row["meant"]).encoding is None


@pytest.mark.parametrize("encoding", DAMAGES)
@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Văn Đức", "Trần Thị Hồng Hạnh", "Lê Đức Anh", "Võ Thị Ánh Tuyết", "Đặng Thái Sơn", "Lý Thị Mỹ",
        "Hoàng Văn Trường", "NGUYỄN THỊ PHƯỢNG", "Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
        "Tổ 5-A, Phường Đồng Quang, TP. Thái Nguyên", "Đỗ Thị Yến",
    ],
)  # fmt: skip
def test_every_damage_of_a_name_is_read_back(encoding: str, name: str) -> None:
    damaged = DAMAGES[encoding](name)
    assert damaged != name
    assert repair_legacy_text(damaged) == RepairedText(text=name, encoding=LegacyEncoding(encoding))
    assert convert(damaged) == name
    assert detect(damaged) == encoding


@pytest.mark.parametrize(
    ("texts", "count"), [(_commune_table, 9_000), (_sandbox_texts, 4_000), (lambda: {*FOREIGN, *ETHNIC}, 75)]
)
def test_sound_text_is_never_taken_for_damaged(texts: Callable[[], set[str]], count: int) -> None:
    sound = texts()
    assert len(sound) > count
    forms = sound | {text.upper() for text in sound} | {text.lower() for text in sound}
    forms |= {unicodedata.normalize("NFD", text) for text in sound}
    for text in forms:
        assert repair_legacy_text(text) == RepairedText(text=text, encoding=None), text


def test_single_words_of_all_communes_are_never_taken_for_damaged() -> None:
    words = {word for text in _commune_table() for word in text.split()}
    assert len(words) > 2_000
    assert [word for word in words if detect(word) or detect(word.upper())] == []


@pytest.mark.parametrize("encoding", DAMAGES)
def test_damage_of_realistic_names_is_noticed_and_never_misread_as_sure(encoding: str) -> None:
    names = {
        person.register.full_name
        for person in build_population(year=2026, count=4_000).people
        if person.register
    }
    outcomes: Counter[str] = Counter()
    for name in names:
        if (damaged := DAMAGES[encoding](name)) == name:
            continue
        repaired = repair_legacy_text(damaged)
        is_right = repaired.text == name
        outcomes["right" if is_right else "missed" if repaired.encoding is None else "wrong"] += 1
        assert is_right or repaired.encoding is None or not repaired.is_sure
    # What is missed has one damaged word that no sign proves, or looks like other Vietnamese words.
    assert outcomes["right"] >= 0.96 * outcomes.total()
    assert outcomes["wrong"] <= 2


@pytest.mark.parametrize(
    ("damaged", "meant", "is_sure"),
    [
        ("Lª ThÞ Ph\u00ad¬ng", "Lê Thị Phương", True),
        ("Lª ThÞ Ph-¬ng", "Lê Thị Phương", True),
        ("Lª ThÞ Ph¬ng", "Lê Thị Phương", False),
        ("L-u V¨n H-ng", "Lưu Văn Hưng", True),
        # Without its byte, Lưu is Lu: nothing in the word tells, so a person has to look.
        ("Lu V¨n B¶o", "Lu Văn Bảo", False),
        ("NguyÔn Anh Th", "Nguyễn Anh Thư", False),
        ("NguyÔn Th. Hµ", "Nguyễn Th. Hà", True),
        ("Nµ-Mßn, x· §ång T©m", "Nà-Mòn, xã Đồng Tâm", True),
        ("Tæ 5-A, ph­êng §ång Quang", "Tổ 5-A, phường Đồng Quang", True),
    ],
)
def test_the_letter_that_editors_drop_or_dash_comes_back(damaged: str, meant: str, is_sure: bool) -> None:
    assert repair_legacy_text(damaged) == RepairedText(
        text=meant, encoding=LegacyEncoding.TCVN3, is_sure=is_sure
    )


@pytest.mark.parametrize(
    ("damaged", "meant"),
    [
        ("NGUYÔN V¡N §øC", "NGUYỄN VĂN ĐỨC"),
        ("NG¤ THÞ LÔ", "NGÔ THỊ LỄ"),
        ("NguyÔn ThÞ ¸nh", "Nguyễn Thị Ánh"),
        ("Ph¹m Nh­ ý", "Phạm Như Ý"),
        ("x· ¸i Quèc, huyÖn Ba BÓ", "xã ái Quốc, huyện Ba Bể"),
    ],
)
def test_capitals_come_back_from_the_letters_around(damaged: str, meant: str) -> None:
    assert repair_legacy_text(damaged).text == meant


def test_text_put_into_capitals_after_the_damage_is_not_sure() -> None:
    # è (ố) became È (ẩ), é (ộ) became É (ẫ): Tẩng Văn Cẫng is as good as Tống Văn Cộng.
    repaired = repair_legacy_text("Tèng V¨n Céng".upper())
    assert (repaired.encoding, repaired.is_sure) == (LegacyEncoding.TCVN3, False)


@pytest.mark.parametrize(
    ("damaged", "meant"),
    [
        (as_utf8(as_utf8("Đỗ Ánh Nguyệt")), "Đỗ Ánh Nguyệt"),
        (as_utf8("Hà Nội").replace("\u00a0", " "), "Hà Nội"),
        (as_utf8("Hoàng Đức").replace("\u00a0", " "), "Hoàng Đức"),
        (as_utf8("Đặng Thị Mỹ").replace("\u0090", ""), "Đặng Thị Mỹ"),
    ],
)
def test_utf8_is_read_back_also_twice_over_and_without_what_systems_lose(damaged: str, meant: str) -> None:
    assert repair_legacy_text(damaged) == RepairedText(text=meant, encoding=LegacyEncoding.UTF8_AS_CP1252)


def test_one_word_that_two_damages_explain_is_not_sure() -> None:
    repaired = repair_legacy_text("Moäc")
    assert (repaired.encoding, repaired.is_sure) == (LegacyEncoding.VNI, False)


def test_a_named_encoding_is_followed_and_what_it_cannot_read_stays() -> None:
    assert convert("Dòng", LegacyEncoding.TCVN3) == "Dũng"
    assert convert("Thò", LegacyEncoding.VNI) == "Thị"
    assert convert("Nguyễn", LegacyEncoding.VNI) == "Nguyễn"
    assert convert("Nguyễn", LegacyEncoding.UTF8_AS_CP1252) == "Nguyễn"


def test_the_table_is_whole_and_keeps_the_soft_hyphen() -> None:
    alphabet = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ"
    rows = read_table("legacy_text", "tcvn3_to_unicode.csv")
    assert {row["unicode_char"] for row in rows} == set(alphabet)
    assert all(as_tcvn3(row["unicode_char"]) == chr(int(row["tcvn3_byte_hex"], 16)) for row in rows)


def test_the_text_of_a_repair_is_not_printed() -> None:
    assert "Đức" not in repr(repair_legacy_text("NguyÔn V¨n §øc"))


@pytest.mark.parametrize(
    "text",
    ["\u00ad", "¬-", "Ã ", "aø", "Ph-", "NguyÔn ", "á»", "Ä", "é", "ñ-", "x", "\u0301", "§ç ", "-"],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    for size in (MAX_LEGACY_CHARS, 1_000_000):
        begun = time.process_time()
        repair_legacy_text((text * size)[:size] + "é")
        repair_legacy_text((text * size)[: size - 1] + "é")
        assert time.process_time() - begun < 1
