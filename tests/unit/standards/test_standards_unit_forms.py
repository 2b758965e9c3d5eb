"""How often an old commune is found again in the forms that registers hold: floors, and no form is surely wrong."""

import random

import pytest

from standards.admin_units import Doubt, Vintage, convert_ward, predecessors, resolve_address
from standards.admin_units.register import load_register
from tests.support.unit_forms import FORMS, SEED, Verdict, measure, old_addresses, verdict_on

STEP = 7
"""Every seventh commune: the whole table takes a minute and is printed by `python -m tests.support.unit_forms`."""

# Share in percent that must be right, and share that must be right or among several; measured on all 10,035 communes
# in November 2026, less one point for another draw of slips.
FLOORS = {
    "full, as on a card": (100, 100),
    "capitals": (100, 100),
    "NFD": (100, 100),
    "abbreviated": (100, 100),
    "hyphens": (100, 100),
    "i for y": (100, 100),
    "without accents": (99, 100),
    "new province": (99, 100),
    "new province, without accents": (99, 100),
    "without district": (92, 100),
    "without district, new province": (90, 100),
    "one slip in the commune": (96, 99),
    "one slip in the district": (98, 99),
    "one slip in the province": (98, 99),
    "one slip, new province": (96, 99),
    "one slip, without district": (87, 98),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read_at_least_as_often_as_its_floor(form: str) -> None:
    counts, surely_wrong = measure(form, step=STEP)

    right = 100 * counts[Verdict.RIGHT] / counts.total()
    found = right + 100 * counts[Verdict.SEVERAL] / counts.total()
    floor_right, floor_found = FLOORS[form]
    assert (right >= floor_right, found >= floor_found) == (True, True), (form, right, found)
    # A slip can turn one commune's name into another's, one time in some thousand; nothing else may surely mislead.
    assert surely_wrong <= ("slip" in form) * counts.total() // 500


def test_every_form_has_its_floor() -> None:
    assert FLOORS.keys() == FORMS.keys()


def test_a_misspelt_name_is_proposed_and_never_sure() -> None:
    chance = random.Random(SEED)
    seen = 0
    for each in list(old_addresses())[::50]:
        text = FORMS["one slip in the commune"](each, chance)
        found = resolve_address(text)
        if any(Doubt.SPELLING_DIFFERS in candidate.doubts for candidate in found.candidates):
            seen += 1
            assert found.sure_ward is None, text
    assert seen > 100


@pytest.mark.parametrize(
    ("text", "new_name"),
    [
        ("Xã Nem Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", "Xã Ba Bể"),
        ("Xã NamMẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", "Xã Ba Bể"),
        ("Sã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", "Xã Ba Bể"),
        ("Xã Nam Mẫu, Huỵen Ba Bể, Tỉnh Bắc Kạn", "Xã Ba Bể"),
        ("Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắk Kạn", "Xã Ba Bể"),
        ("xóm 3 xã nem mẫu huyện ba bể tỉnh bắc kạn", "Xã Ba Bể"),
        ("Xã Lam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", "Xã Ba Bể"),  # l for n
    ],
)
def test_one_slip_still_leads_to_the_commune(text: str, new_name: str) -> None:
    found = resolve_address(text)

    assert [unit.name for unit in found.new_wards] == [new_name]
    assert found.sure_ward is None
    assert Doubt.SPELLING_DIFFERS in found.harmful_doubts


@pytest.mark.parametrize(
    "text",
    [
        "Phường 99, Quận 3, TP.HCM",
        "Xã Nxm Mxu, Huyện Ba Bể, Tỉnh Bắc Kạn",
        "Xã Đã Nhập Trước, Huyện Phú Bình, Tỉnh Thái Nguyên",
    ],
)
def test_two_slips_and_other_numbers_are_no_slip(text: str) -> None:
    assert resolve_address(text).candidates == ()


def test_a_misspelt_town_is_not_taken_for_the_ward_of_its_name() -> None:
    found = resolve_address("Xã Mường Hoa, Tị xã Sa Pa, Tỉnh Lào Cai")

    assert {candidate.old_ward.name for candidate in found.candidates if candidate.old_ward} == {
        "Xã Mường Hoa"
    }


def test_all_440_split_communes_answer_all_their_parts_in_every_full_form() -> None:
    chance = random.Random(SEED)
    split = [each for each in old_addresses() if len(each.expected) > 1]
    assert len(split) == 440
    for each in split:
        for form in ("full, as on a card", "capitals", "abbreviated", "hyphens", "new province"):
            verdict, is_sure = verdict_on(each, FORMS[form](each, chance))
            assert (verdict in (Verdict.RIGHT, Verdict.SEVERAL), is_sure) == (True, False), each.ward_code


def test_old_and_new_lead_to_each_other_for_every_commune_of_the_table() -> None:
    register = load_register()
    for code in register.new_wards:
        for old in predecessors(code):
            assert code in {each.ward.code for each in convert_ward(old.code, Vintage.BEFORE_2025_07)}
    for code in register.old_wards:
        for successor in convert_ward(code, Vintage.BEFORE_2025_07):
            assert code in {old.code for old in predecessors(successor.ward.code)}
