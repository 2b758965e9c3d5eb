"""Every row of the official conversion table, in both directions, and the traps that its codes and names set."""

import csv
from collections import Counter, defaultdict
from functools import cache
from importlib import resources

import pytest

from standards.admin_units import (
    ConversionKind,
    Vintage,
    changed_province_codes,
    convert_ward,
    predecessors,
    resolve_province,
    resolve_ward,
    successor_province,
)
from standards.errors import ProvinceCodeUnknown, WardCodeUnknown

OLD, NEW = Vintage.BEFORE_2025_07, Vintage.FROM_2025_07


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Read a packaged table without the code under test."""
    text = resources.files("standards").joinpath(f"data/admin_units/{name}").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def pairs() -> tuple[dict[str, str], ...]:
    return table("vn_admin_ward_old_to_new_2025.csv")


def test_the_tables_have_their_published_sizes() -> None:
    assert len(pairs()) == 10_571
    assert len({row["old_ward_code"] for row in pairs()} - {""}) == 10_035
    assert len(table("vn_admin_wards_2026.csv")) == 3_321
    assert len(table("vn_provinces_63_to_34.csv")) == 63
    assert len({row["new_code"] for row in table("vn_provinces_63_to_34.csv")}) == 34


def test_every_old_commune_converts_to_exactly_the_communes_of_its_rows() -> None:
    expected = defaultdict(list)
    for row in pairs():
        expected[row["old_ward_code"]].append((row["new_ward_code"], row["new_province_code"]))
    del expected[""]
    for code, targets in expected.items():
        found = convert_ward(code, OLD)
        assert [(s.ward.code, s.province.code) for s in found] == sorted(targets)
        assert all(s.ward.vintage is NEW for s in found)


def test_every_new_commune_knows_exactly_the_old_ones_of_its_rows() -> None:
    expected = defaultdict(list)
    for row in pairs():
        expected[row["new_ward_code"]].extend([row["old_ward_code"]] if row["old_ward_code"] else [])
    assert len(expected) == 3_321
    for code, sources in expected.items():
        assert [ward.code for ward in predecessors(code)] == sorted(sources)


def test_exactly_the_440_split_communes_are_flagged_and_give_several() -> None:
    rows = Counter(row["old_ward_code"] for row in pairs() if row["old_ward_code"])
    split = {code for code, count in rows.items() if count > 1}
    assert len(split) == 440
    assert Counter(rows[code] for code in split) == {2: 368, 3: 55, 4: 16, 5: 1}
    for code in rows:
        kinds = {successor.kind for successor in convert_ward(code, OLD)}
        assert (kinds == {ConversionKind.SPLIT}) == (code in split)


def test_communes_that_the_table_calls_unchanged_are_kept() -> None:
    unchanged = [
        row
        for row in pairs()
        if row["kind"] in ("unchanged", "renamed", "type_changed") and row["n_targets"] == "1"
    ]
    assert len(unchanged) == 131
    for row in unchanged:
        assert [s.kind for s in convert_ward(row["old_ward_code"], OLD)] == [ConversionKind.KEPT]


def test_converting_twice_changes_nothing() -> None:
    for row in pairs():
        (again,) = convert_ward(row["new_ward_code"], NEW)
        assert (again.ward.code, again.kind) == (row["new_ward_code"], ConversionKind.KEPT)


def test_reused_codes_flow_at_least_partly_to_themselves_and_half_bear_another_name() -> None:
    old = {row["old_ward_code"]: row["old_ward"] for row in pairs() if row["old_ward_code"]}
    new = {row["new_ward_code"]: row["new_ward"] for row in pairs()}
    reused = old.keys() & new.keys()
    assert len(reused) == 3_316
    for code in reused:
        assert code in {successor.ward.code for successor in convert_ward(code, OLD)}
    renamed = [code for code in reused if resolve_ward(code, OLD).name != resolve_ward(code, NEW).name]
    assert len(renamed) > 1_700


def test_names_of_every_row_are_those_of_the_units() -> None:
    for row in pairs():
        if row["old_ward_code"]:
            ward = resolve_ward(row["old_ward_code"], OLD)
            # The table writes a few kinds as "Thị Trấn".
            assert ward.name == row["old_ward"].replace("Thị Trấn", "Thị trấn")
            assert (ward.district_code, ward.province_code) == (
                row["old_district_code"],
                row["old_province_code"],
            )
            assert ward.name == f"{ward.kind} {ward.base_name}"


def test_the_worked_examples_of_bac_kan_hold() -> None:
    for code, new_code, new_name in (
        ("01909", "01906", "Xã Ba Bể"),
        ("01888", "01912", "Xã Chợ Rã"),
        ("01840", "01840", "Phường Đức Xuân"),
    ):
        (successor,) = convert_ward(code, OLD)
        assert (successor.ward.code, successor.ward.name, successor.province.code) == (
            new_code,
            new_name,
            "19",
        )
    assert resolve_ward("01906", OLD).name == "Xã Khang Ninh"


def test_the_three_splits_of_thai_nguyen_hold() -> None:
    for code, targets in (
        ("05461", ["05443", "05467"]),
        ("05467", ["05467", "05500"]),
        ("05932", ["05908", "05941"]),
    ):
        assert [s.ward.code for s in convert_ward(code, OLD)] == targets


def test_all_108_communes_of_bac_kan_have_one_successor_in_thai_nguyen() -> None:
    codes = {row["old_ward_code"] for row in pairs() if row["old_province_code"] == "06"}
    assert len(codes) == 108
    for code in codes:
        (successor,) = convert_ward(code, OLD)
        assert successor.province.name == "Tỉnh Thái Nguyên"


def test_seven_province_codes_changed_their_meaning() -> None:
    expected = {
        "15": ("Tỉnh Yên Bái", "Tỉnh Lào Cai"),
        "24": ("Tỉnh Bắc Giang", "Tỉnh Bắc Ninh"),
        "44": ("Tỉnh Quảng Bình", "Tỉnh Quảng Trị"),
        "52": ("Tỉnh Bình Định", "Tỉnh Gia Lai"),
        "80": ("Tỉnh Long An", "Tỉnh Tây Ninh"),
        "82": ("Tỉnh Tiền Giang", "Tỉnh Đồng Tháp"),
        "91": ("Tỉnh Kiên Giang", "Tỉnh An Giang"),
    }
    assert changed_province_codes() == expected.keys()
    for code, (before, after) in expected.items():
        assert resolve_province(code, OLD).name == before
        assert resolve_province(code, NEW).name == after


def test_every_old_province_has_its_successor_and_new_ones_are_their_own() -> None:
    for row in table("vn_provinces_63_to_34.csv"):
        assert successor_province(row["old_code"], OLD).code == row["new_code"]
        assert successor_province(row["new_code"], NEW).code == row["new_code"]


def test_dong_nai_is_a_city_since_2026_with_its_code_kept() -> None:
    assert resolve_province("75", OLD).name == "Tỉnh Đồng Nai"
    assert resolve_province("75", NEW).name == "Thành phố Đồng Nai"


def test_both_codes_of_ba_che_name_it() -> None:
    assert resolve_ward("06978", NEW) == resolve_ward("06970", NEW)
    assert resolve_ward("06970", NEW).name == "Xã Ba Chẽ"


@pytest.mark.parametrize(("code", "vintage"), [("06", NEW), ("99", OLD), ("", NEW), ("1", OLD)])
def test_an_unknown_province_code_is_refused_with_its_vintage(code: str, vintage: Vintage) -> None:
    with pytest.raises(ProvinceCodeUnknown) as caught:
        resolve_province(code, vintage)
    assert caught.value.facts == {"vintage": vintage.value}


@pytest.mark.parametrize(("code", "vintage"), [("01909", NEW), ("06978", OLD), ("", OLD), ("99999", NEW)])
def test_an_unknown_ward_code_is_refused_with_its_vintage(code: str, vintage: Vintage) -> None:
    for ask in (resolve_ward, convert_ward):
        with pytest.raises(WardCodeUnknown) as caught:
            ask(code, vintage)
        assert caught.value.facts == {"vintage": vintage.value}


def test_islands_without_communes_have_no_predecessor() -> None:
    islands = {row["new_ward_code"] for row in pairs() if not row["old_ward_code"] and not row["old_ward"]}
    assert len(islands) == 5
    for code in islands:
        assert predecessors(code) == ()


def test_reasons_name_units_the_decision_and_its_date() -> None:
    (successor,) = convert_ward("01909", OLD)
    assert successor.reason_vi == (
        "Xã Nam Mẫu nhập vào Xã Ba Bể, Tỉnh Thái Nguyên từ 01/07/2025 (Quyết định 19/2025/QĐ-TTg, 30/06/2025)."
    )
    assert "Decision 19/2025/QĐ-TTg" in successor.reason_en
    assert successor.legal_reference == "Quyết định 19/2025/QĐ-TTg, 30/06/2025"
    assert all("nhiều xã, phường" in split.reason_vi for split in convert_ward("05461", OLD))
