"""Re-coding the rows of a foreign table: codes, names and addresses of either vintage, and what contradicts itself."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from identity_svc.domain.recoding import Finding
from identity_svc.operations.recode_rows import ForeignRow, recode_row, recode_rows
from standards.admin_units import Vintage, convert_ward, vintages_of

OLD, NEW = Vintage.BEFORE_2025_07, Vintage.FROM_2025_07


@pytest.mark.parametrize(
    ("row", "finding", "ward_code", "reason"),
    [
        (ForeignRow(ward_code="01909", vintage=OLD), Finding.MERGED, "01906", ""),
        (ForeignRow(ward_code="01909"), Finding.MERGED, "01906", ""),
        (ForeignRow(ward_code="01906", vintage=NEW), Finding.KEPT, "01906", ""),
        (ForeignRow(ward_code="01906", ward_name="Xã Khang Ninh"), Finding.MERGED, "01906", ""),
        (ForeignRow(ward_code="01906", ward_name="ba be"), Finding.KEPT, "01906", ""),
        (
            ForeignRow(ward_name="Nam Mẫu", district_name="Ba Bể", province_name="Thái Nguyên"),
            Finding.MERGED, "01906", "",
        ),
        (ForeignRow(address="Thôn 1, Xã Nam Mẫu, Huyện Ba Bể, Bắc Kạn"), Finding.MERGED, "01906", ""),
        (ForeignRow(ward_code="05461", vintage=OLD), Finding.SPLIT, "", "SPLIT_COMMUNE"),
        (ForeignRow(ward_code="01906", vintage=OLD, ward_name="Ba Bể"), Finding.AMBIGUOUS, "", "NAME_CONTRADICTS_CODE"),
        (ForeignRow(ward_code="01909", ward_name="Xã Chợ Rã"), Finding.AMBIGUOUS, "", "NAME_CONTRADICTS_CODE"),
        (
            ForeignRow(ward_code="01909", address="Xã Chợ Rã, Thái Nguyên"),
            Finding.AMBIGUOUS, "", "NAME_CONTRADICTS_CODE",
        ),
        (ForeignRow(ward_code="99999"), Finding.UNRESOLVED, "", "WARD_CODE_UNKNOWN"),
        (ForeignRow(ward_code="1909"), Finding.UNRESOLVED, "", "WARD_CODE_UNKNOWN"),
        (ForeignRow(ward_code="99999", address="Xã Ba Bể, Thái Nguyên"), Finding.AMBIGUOUS, "", "WARD_CODE_UNKNOWN"),
        (ForeignRow(ward_code="01909", vintage=NEW), Finding.UNRESOLVED, "", "WARD_CODE_UNKNOWN"),
        (ForeignRow(address="Paris"), Finding.UNRESOLVED, "", "PROVINCE_NOT_RECOGNISED"),
        (ForeignRow(), Finding.UNRESOLVED, "", "ADDRESS_EMPTY"),
    ],
)  # fmt: skip
def test_a_row_is_settled_or_says_why_not(
    row: ForeignRow, finding: Finding, ward_code: str, reason: str
) -> None:
    found = recode_row(row)

    assert (found.finding, found.ward_code, found.reason) == (finding, ward_code, reason)
    if found.ward_code:
        assert {each.new_ward.code for each in found.candidates} == {found.ward_code}


def test_a_contradiction_shows_both_readings() -> None:
    found = recode_row(ForeignRow(ward_code="01909", address="Xã Chợ Rã, Thái Nguyên"))

    assert {each.new_ward.code for each in found.candidates} == {"01906", "01912"}
    assert all(each.reason_vi and each.reason_en for each in found.candidates)


def test_a_split_code_is_settled_by_an_address_in_one_of_its_parts() -> None:
    split = ForeignRow(ward_code="05467", vintage=OLD, address="Phường Tích Lương, Tỉnh Thái Nguyên")

    assert recode_row(split).ward_code == "05500"


def table() -> list[dict[str, str]]:
    text = (
        resources.files("standards")
        .joinpath("data/admin_units/vn_admin_ward_old_to_new_2025.csv")
        .read_text(encoding="utf-8")
    )
    return [row for row in csv.DictReader(text.splitlines()) if row["old_ward_code"]]


def test_every_old_code_with_its_name_and_no_vintage_is_settled_or_said_to_be_split() -> None:
    """What a HIS table holds: a code, a name, and no word on which system they are from."""
    rows = table()
    found = recode_rows(
        [ForeignRow(ward_code=row["old_ward_code"], ward_name=row["old_ward"]) for row in rows]
    )

    unclear = 0
    for row, answer in zip(rows, found, strict=True):
        parts = {each.ward.code for each in convert_ward(row["old_ward_code"], OLD)}
        if answer.ward_code:
            # A split commune whose code and name both live on cannot be told from its successor: never settled.
            assert parts == {answer.ward_code}
        else:
            unclear += 1
            assert answer.reason in ("SPLIT_COMMUNE", "VINTAGE_UNCLEAR")
            assert parts <= {each.new_ward.code for each in answer.candidates}
    assert unclear == sum(len(convert_ward(row["old_ward_code"], OLD)) > 1 for row in rows)


def test_a_name_tells_the_vintage_of_a_code() -> None:
    assert vintages_of("01906", "Khang Ninh") == (OLD,)
    assert vintages_of("01906", "xã ba bể") == (NEW,)
    assert vintages_of("01906") == (OLD, NEW)
    assert vintages_of("01840", "Phường Đức Xuân") == (OLD, NEW)
    assert vintages_of("01909") == (OLD,)
    assert vintages_of("01906", "Nam Mẫu") == vintages_of("99999") == ()
