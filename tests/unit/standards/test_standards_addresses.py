"""Addresses: old, new and half-updated, all communes of the country, and the names that are traps."""

import time
import unicodedata
from collections.abc import Callable
from functools import cache

import pytest

from standards.admin_units import (
    MAX_ADDRESS_CHARS,
    MAX_CANDIDATES,
    AddressOutcome,
    ConversionKind,
    Doubt,
    Vintage,
    convert_ward,
    resolve_address,
)
from standards.admin_units.register import AdminUnit, Register, load_register
from standards.errors import AddressTooLong
from standards.syllables import fold

OLD = Vintage.BEFORE_2025_07


@cache
def old_addresses() -> tuple[tuple[AdminUnit, AdminUnit, AdminUnit, AdminUnit], ...]:
    """Give (commune, district, old province, new province) for all 10,035 communes."""
    register: Register = load_register()
    return tuple(
        (
            ward,
            register.districts[ward.district_code],
            register.old_provinces[ward.province_code],
            register.new_provinces[register.successor_of_province[ward.province_code]],
        )
        for ward in register.old_wards.values()
    )


def plain(text: str) -> str:
    return fold(text)


def found_old(text: str) -> set[str]:
    return {c.old_ward.code for c in resolve_address(text).candidates if c.old_ward is not None}


@cache
def namesakes() -> dict[tuple[str, str], set[str]]:
    """Give (district, name without kind) → communes: a town and a commune may share a name."""
    groups: dict[tuple[str, str], set[str]] = {}
    for ward, district, _, _ in old_addresses():
        groups.setdefault((district.code, ward.base_name), set()).add(ward.code)
    return groups


FORMS: dict[str, Callable[[str, str, str], str]] = {
    "as on a card": lambda w, d, p: f"Thôn 1, {w}, {d}, {p}",
    "capitals": lambda w, d, p: f"SỐ 12, {w}, {d}, {p}".upper(),
    "nfd": lambda w, d, p: unicodedata.normalize("NFD", f"{w}, {d}, {p}, Việt Nam"),
}


@pytest.mark.parametrize(("form", "step"), [("as on a card", 1), ("capitals", 4), ("nfd", 4)])
def test_every_old_address_gives_all_successors_of_its_commune_and_no_other(form: str, step: int) -> None:
    for ward, district, province, _ in old_addresses()[::step]:
        resolution = resolve_address(FORMS[form](ward.name, district.name, province.name))
        assert {c.old_ward.code for c in resolution.candidates if c.old_ward} == {ward.code}, ward
        expected = [successor.ward.code for successor in convert_ward(ward.code, OLD)]
        assert [unit.code for unit in resolution.new_wards] == expected
        assert all(candidate.doubts == () for candidate in resolution.candidates)
        is_split = resolution.candidates[0].kind is ConversionKind.SPLIT
        assert (resolution.outcome is AddressOutcome.SEVERAL) == is_split == (len(expected) > 1)


def test_every_old_address_without_kind_words_is_found_in_the_form_of_the_qr() -> None:
    for ward, district, province, _ in old_addresses():
        text = f"Tổ 5, {ward.base_name}, {district.base_name}, {province.base_name}"
        assert found_old(text) == namesakes()[district.code, ward.base_name], ward


def test_every_half_updated_address_with_the_new_province_is_found() -> None:
    for ward, district, _, new_province in old_addresses():
        text = f"{ward.name}, {district.name}, {new_province.base_name}"
        assert ward.code in found_old(text), ward


def test_every_accentless_address_is_found_among_few() -> None:
    for ward, district, province, _ in old_addresses():
        text = plain(f"{ward.name}, {district.name}, {province.name}")
        found = found_old(text)
        assert ward.code in found, ward
        assert len(found) <= 3


def test_every_old_commune_with_the_new_province_and_no_district_is_among_the_candidates() -> None:
    most = 0
    for ward, _, _, new_province in old_addresses():
        resolution = resolve_address(f"{ward.name}, {new_province.name}")
        assert ward.code in {c.old_ward.code for c in resolution.candidates if c.old_ward}, ward
        most = max(most, len(resolution.candidates))
    assert most < MAX_CANDIDATES


def test_every_new_address_is_found_as_the_unit_in_force() -> None:
    register = load_register()
    for ward in register.new_wards.values():
        province = register.new_provinces[ward.province_code]
        resolution = resolve_address(f"Thôn 2, {ward.name}, {province.name}")
        new_readings = {c.new_ward.code for c in resolution.candidates if c.read_as is Vintage.FROM_2025_07}
        assert new_readings == {ward.code}


def test_all_280_communes_of_new_thai_nguyen_are_found_however_they_are_written() -> None:
    count = 0
    for ward, district, province, new_province in old_addresses():
        if new_province.code != "19":
            continue
        count += 1
        short = f"{ward.kind[0]}. {ward.base_name}, {district.name}, {province.base_name}"
        for text in (
            f"{ward.name}, {district.name}, {province.name}",
            f"{ward.name}, {district.name}, Thái Nguyên",
            f"{ward.base_name}, {district.base_name}, Thái Nguyên",
            f"{ward.base_name} - {district.base_name} - {province.base_name}",
            f"xóm 3 {ward.name} {district.name} {province.name}",
            short if ward.kind in ("Xã", "Phường") else short.replace("T. ", "TT. "),
            f"{ward.name}, {district.name.replace('Huyện', 'H.').replace('Thành phố', 'TP.')}, T. {province.base_name}",
        ):
            assert found_old(text) == {ward.code}, text
        assert ward.code in found_old(plain(f"{ward.name}, {district.name}, {province.name}"))
    assert count == 280


@pytest.mark.parametrize(
    ("text", "new_codes"),
    [
        # The city's wards Trung Thành and Tân Thành went to Tích Lương, while other units carry their names.
        ("Phường Trung Thành, Thành phố Thái Nguyên, Thái Nguyên", {"05500"}),
        ("Trung Thành, TP Thái Nguyên", {"05500"}),
        ("Phường Trung Thành, Thị xã Phổ Yên, Tỉnh Thái Nguyên", {"05899"}),
        ("Phường Trung Thành, Thái Nguyên", {"05500", "05899"}),
        ("Phường Tân Thành, Thành phố Thái Nguyên, Thái Nguyên", {"05500"}),
        ("Xã Tân Thành, Huyện Phú Bình, Thái Nguyên", {"05923"}),
        ("Tân Thành, Thái Nguyên", {"05500", "05923"}),
        # Sông Cầu is a ward of Bắc Kạn city and a town of Đồng Hỷ.
        ("Sông Cầu, Thái Nguyên", {"01843", "05692"}),
        ("Phường Sông Cầu, Thái Nguyên", {"01843"}),
        ("Sông Cầu, Bắc Kạn", {"01843"}),
        ("Thị trấn Sông Cầu, Huyện Đồng Hỷ, Thái Nguyên", {"05692"}),
        ("Tân Thịnh, Thái Nguyên", {"05443", "05563"}),
        ("Hương Sơn, Thái Nguyên", {"05467", "05908"}),
        # Names that differ in accents only.
        ("Văn Lăng, Thái Nguyên", {"05665"}),
        ("Xã Văn Lang, Thái Nguyên", {"02143"}),
        ("van lang, thai nguyen", {"05665", "02143"}),
        # Splits answer all their parts.
        ("Gia Sàng, Thành phố Thái Nguyên, Thái Nguyên", {"05443", "05467"}),
        ("Xã Thượng Đình, Phú Bình, Thái Nguyên", {"05908", "05941"}),
    ],
)
def test_the_traps_of_thai_nguyens_names(text: str, new_codes: set[str]) -> None:
    resolution = resolve_address(text)
    assert {unit.code for unit in resolution.new_wards} == new_codes
    assert (resolution.sure_ward is None) == (len(new_codes) > 1)


@pytest.mark.parametrize(
    "text",
    [
        "Thôn X, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
        "Nam Mẫu, Ba Bể, Bắc Kạn",
        "Nam Mẫu, Ba Bể, Thái Nguyên",
        "Xã Nam Mẫu, Thái Nguyên",
        "Xã Ba Bể, Thái Nguyên",
        "Xã Ba Bể, Huyện Ba Bể, Tỉnh Thái Nguyên",
        "Thôn Nam Mẫu, Xã Ba Bể, Thái Nguyên",
        "NAM MAU, BA BE, BAC KAN",
        "x. nam mẫu h. ba bể t. bắc kạn",
        "X.Nam Mẫu,H.Ba Bể,T.Bắc Kạn",
        "Nam Mẫu, Ba Bể, Bắc Cạn, VN",
        "Xã Nam Mẫu\nHuyện Ba Bể\nTỉnh Bắc Kạn",
        "Xã Nam Mẫu, Huyện Ba Bể",
    ],
)
def test_every_way_to_write_nam_mau_leads_to_ba_be(text: str) -> None:
    ward = resolve_address(text).sure_ward
    assert ward is not None
    assert (ward.code, ward.name) == ("01906", "Xã Ba Bể")


def test_a_candidate_has_the_old_and_the_new_form_and_the_detail() -> None:
    (candidate,) = resolve_address("Số 5, Thôn X, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn").candidates
    assert candidate.old_ward is not None
    assert candidate.old_district is not None
    assert candidate.old_province is not None
    assert (candidate.old_ward.code, candidate.old_district.code, candidate.old_province.code) == (
        "01909",
        "061",
        "06",
    )
    assert (candidate.new_ward.code, candidate.new_province.code) == ("01906", "19")
    assert candidate.kind is ConversionKind.MERGED
    assert candidate.detail == "Số 5, Thôn X"
    assert "Thôn X" not in repr(candidate)
    assert "Quyết định 19/2025/QĐ-TTg" in candidate.reason_vi


@pytest.mark.parametrize(
    ("text", "doubt", "is_sure"),
    [
        ("Xã Đông Cao, Thị xã Phổ Yên, Thái Nguyên", Doubt.KIND_DIFFERS, True),
        ("nam mau, ba be, bac kan", Doubt.ACCENTS_MISSING, True),
        ("Nam Mấu, Ba Bể, Bắc Kạn", Doubt.ACCENTS_DIFFER, False),
        ("Xã Nam Mẫu, Huyện Chợ Đồn, Bắc Kạn", Doubt.DISTRICT_DIFFERS, False),
        ("Xã Nam Mẫu, Huyện Ở Đâu, Bắc Kạn", Doubt.DISTRICT_NOT_FOUND, False),
        ("Xã Ba Bể, Bắc Kạn", Doubt.PROVINCE_DIFFERS, False),
    ],
)
def test_what_disagrees_is_said_and_only_harmless_doubts_leave_it_sure(
    text: str, doubt: Doubt, is_sure: bool
) -> None:
    resolution = resolve_address(text)
    assert {unit.code for unit in resolution.new_wards} <= {"01906", "05899"}
    assert all(doubt in candidate.doubts for candidate in resolution.candidates)
    assert (resolution.sure_ward is not None) is is_sure


@pytest.mark.parametrize(
    "text",
    [
        "Xã Đã Nhập Trước, Phú Bình, Thái Nguyên",
        "Đã Nhập Trước, Phú Bình, Thái Nguyên",
        "Phú Bình, Thái Nguyên",
    ],
)
def test_a_name_that_may_be_the_old_district_is_no_sure_commune(text: str) -> None:
    resolution = resolve_address(text)
    assert [unit.name for unit in resolution.new_wards] == ["Xã Phú Bình"]
    assert all(Doubt.MAY_BE_DISTRICT in candidate.doubts for candidate in resolution.candidates)
    assert resolution.sure_ward is None


@pytest.mark.parametrize(
    "text", ["Xóm 3, Phú Bình, Thái Nguyên", "Tổ 2, Xã Phú Bình, Thái Nguyên", "Xã Phú Bình, Thái Nguyên"]
)
def test_a_village_before_the_name_or_a_kind_word_makes_it_the_commune(text: str) -> None:
    ward = resolve_address(text).sure_ward
    assert ward is not None
    assert ward.name == "Xã Phú Bình"


def test_a_commune_that_an_earlier_merger_took_away_is_not_guessed() -> None:
    assert (
        resolve_address("Xã Đã Nhập Trước, Huyện Phú Bình, Tỉnh Thái Nguyên").outcome is AddressOutcome.NONE
    )


@pytest.mark.parametrize(
    ("text", "new_name"),
    [
        ("P.1, Q.3, TP.HCM", "Phường Bàn Cờ"),
        ("Phường 01, Quận 3, Thành phố Hồ Chí Minh", "Phường Bàn Cờ"),
        ("P1, Q3, TPHCM", "Phường Bàn Cờ"),
        ("Thị trấn M'Đrắk, Huyện M'Đrắk, Đắk Lắk", "Xã M'Drắk"),
        ("Xã H’ Neng, Huyện Đăk Đoa, Gia Lai", "Xã Kon Gang"),
        ("Phường Lâm Viên - Đà Lạt, Lâm Đồng", "Phường Lâm Viên - Đà Lạt"),
        ("Phường Xuân Trường - Đà Lạt, Lâm Đồng", "Phường Xuân Trường - Đà Lạt"),
        ("Huyện Lý Sơn, Quảng Ngãi", "Đặc khu Lý Sơn"),
        ("Xã Trảng Bom, Tỉnh Đồng Nai", "Phường Trảng Bom"),
        ("Phường Trảng Bom, Thành phố Đồng Nai", "Phường Trảng Bom"),
        ("Xã Ứng Hoà, Hà Nội", "Xã Ứng Hoà"),
    ],
)
def test_other_provinces_have_their_own_spellings(text: str, new_name: str) -> None:
    assert [unit.name for unit in resolve_address(text).new_wards] == [new_name]


@pytest.mark.parametrize("text", ["", "   ", ",,,", "Paris", "Việt Nam", "Xã Nam Mẫu", "|", "a" * 100])
def test_without_a_province_nothing_is_found_and_the_reason_says_so(text: str) -> None:
    resolution = resolve_address(text)
    assert resolution.candidates == ()
    assert resolution.outcome is AddressOutcome.NONE
    assert resolution.province is None
    assert "tỉnh" in resolution.reason_vi


@pytest.mark.parametrize("text", ["Thái Nguyên", "Xã Không Có, Thái Nguyên", "Huyện Ba Bể, Tỉnh Bắc Kạn"])
def test_a_province_alone_is_kept_when_no_commune_is_found(text: str) -> None:
    resolution = resolve_address(text)
    assert resolution.outcome is AddressOutcome.NONE
    assert resolution.province is not None
    assert resolution.province.code == "19"


def test_an_address_above_the_limit_is_refused() -> None:
    with pytest.raises(AddressTooLong):
        resolve_address("a, " * MAX_ADDRESS_CHARS)


def test_an_address_is_resolved_within_a_millisecond() -> None:
    texts = [f"Thôn 1, {w.name}, {d.name}, {p.name}" for w, d, p, _ in old_addresses()[:1000]]
    resolve_address(texts[0])
    start = time.process_time()
    for text in texts:
        resolve_address(text)
    assert (time.process_time() - start) / len(texts) < 0.001
