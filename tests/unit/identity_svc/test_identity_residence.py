"""From an address or a code to a residence, and what a re-coding decides: nothing unclear is ever settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from identity_svc.domain.recoding import Finding, Recoding, RecodingState, decide
from identity_svc.domain.residence import (
    CANDIDATES_TOLD,
    Residence,
    ResidenceKind,
    chosen,
    residence_of,
    residence_of_code,
    standing,
    unresolved,
)
from standards.admin_units import Vintage, convert_ward
from standards.admin_units.register import load_register

OLD, NEW = Vintage.BEFORE_2025_07, Vintage.FROM_2025_07
NAM_MAU = "Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"
GIA_SANG = "Phường Gia Sàng, Thành phố Thái Nguyên, Tỉnh Thái Nguyên"


@pytest.mark.parametrize(
    ("address", "kind", "ward_code", "vintage", "reason"),
    [
        (NAM_MAU, ResidenceKind.MERGED, "01906", NEW, ""),
        ("Xã Ba Bể, Thái Nguyên", ResidenceKind.KEPT, "01906", NEW, ""),
        (GIA_SANG, ResidenceKind.SPLIT, "05461", OLD, "SPLIT_COMMUNE"),
        ("Tân Thịnh, Thái Nguyên", ResidenceKind.AMBIGUOUS, "", NEW, "SEVERAL_COMMUNES"),
        ("Xã Nem Mẫu, Huyện Ba Bể, Bắc Kạn", ResidenceKind.AMBIGUOUS, "", NEW, "SPELLING_DIFFERS"),
        ("Nam Mấu, Ba Bể, Bắc Kạn", ResidenceKind.AMBIGUOUS, "", NEW, "ACCENTS_DIFFER"),
        ("Paris", ResidenceKind.UNRESOLVED, "", NEW, "PROVINCE_NOT_RECOGNISED"),
        ("Xã Không Có, Thái Nguyên", ResidenceKind.UNRESOLVED, "", NEW, "WARD_NOT_RECOGNISED"),
        ("  ", ResidenceKind.UNRESOLVED, "", NEW, "ADDRESS_EMPTY"),
        ("a, " * 400, ResidenceKind.UNRESOLVED, "", NEW, "ADDRESS_TOO_LONG"),
    ],
)
def test_an_address_gives_a_residence_and_never_raises(
    address: str, kind: ResidenceKind, ward_code: str, vintage: Vintage, reason: str
) -> None:
    found = residence_of(address)

    assert (found.kind, found.ward_code, found.vintage, found.reason) == (kind, ward_code, vintage, reason)
    assert found.is_settled == (found.ward_in_force != "")
    assert len(found.candidates) <= CANDIDATES_TOLD


def test_every_old_code_is_settled_or_split_as_the_table_says() -> None:
    kinds = {ResidenceKind.KEPT: 0, ResidenceKind.MERGED: 0, ResidenceKind.SPLIT: 0}
    for code in load_register().old_wards:
        found = residence_of_code(code, OLD)
        kinds[found.kind] += 1
        successors = {each.ward.code for each in convert_ward(code, OLD)}
        assert {found.ward_in_force} == successors or (
            found.kind is ResidenceKind.SPLIT and set(found.candidates) == successors
        )
    assert kinds[ResidenceKind.SPLIT] == 440
    assert sum(kinds.values()) == 10_035


def test_a_code_that_is_none_is_unresolved() -> None:
    assert residence_of_code("01909", NEW) == unresolved("WARD_CODE_UNKNOWN")


def test_a_choice_stands_while_the_same_choice_is_asked_again() -> None:
    choice, split = chosen("05467", old_ward_code="05461"), residence_of(GIA_SANG)

    assert standing(choice, split) is choice
    assert standing(choice, residence_of(NAM_MAU)) == residence_of(NAM_MAU)
    assert standing(choice, None) is None
    assert standing(None, split) is split
    assert standing(chosen("01906"), split) is split


@pytest.mark.parametrize(
    ("former", "address", "finding", "ward_in_force"),
    [
        (None, NAM_MAU, Finding.MERGED, "01906"),
        (None, GIA_SANG, Finding.SPLIT, ""),
        (None, "", Finding.UNRESOLVED, ""),
        (chosen("05467"), GIA_SANG, Finding.IN_FORCE, "05467"),
        (residence_of(NAM_MAU), "Paris", Finding.IN_FORCE, "01906"),
        (residence_of(GIA_SANG), GIA_SANG, Finding.SPLIT, ""),
        (residence_of(GIA_SANG), "", Finding.SPLIT, ""),
        # The words name one part of the split commune; words about elsewhere do not count.
        (residence_of(GIA_SANG), "Phường Phan Đình Phùng, Thái Nguyên", Finding.KEPT, "05443"),
        (residence_of(GIA_SANG), NAM_MAU, Finding.SPLIT, ""),
        (unresolved("PROVINCE_NOT_RECOGNISED"), NAM_MAU, Finding.MERGED, "01906"),
        (unresolved("PROVINCE_NOT_RECOGNISED"), "", Finding.UNRESOLVED, ""),
    ],
)
def test_a_recoding_decides_what_is_certain(
    former: Residence | None, address: str, finding: Finding, ward_in_force: str
) -> None:
    decision = decide(former, address)

    assert (decision.finding, decision.residence.ward_in_force) == (finding, ward_in_force)


def test_the_address_tells_which_part_of_a_split_commune_is_meant() -> None:
    """Every split commune: a new address in one of its parts settles it, unless the name is doubtful itself."""
    register = load_register()
    settled = 0
    for code in (code for code, rows in register.rows_by_old.items() if len(rows) > 1):
        former = residence_of_code(code, OLD)
        for part in former.candidates:
            ward = register.new_wards[part]
            address = f"{ward.name}, {register.new_provinces[ward.province_code].name}"
            decision = decide(former, address)
            settled += decision.residence.is_settled
            assert decision.residence.ward_in_force in ("", part)
    assert settled > 500


def test_the_time_left_follows_the_rate_so_far() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    recoding = Recoding(
        recoding_id="r1",
        state=RecodingState.APPLYING,
        cursor_id="c",
        done_count=250,
        total_count=1_000,
        requester="persons/1",
        create_time=start,
        start_time=start,
        update_time=start + timedelta(seconds=10),
    )

    assert recoding.left_seconds() == 30
