"""The report of a file before anything is written: columns and their meaning, problems, what is missing."""

from __future__ import annotations

from datetime import date

import pytest

from identity_svc.domain.import_errors import RegisterFileEmpty
from identity_svc.domain.register_file import (
    Encoding,
    RegisterField,
    guess_columns,
    meaning_of,
    missing_fields,
)
from identity_svc.domain.register_file_report import FileReport, inspect_csv
from tests.support.register_files import HEADER, REJECTED, rows

TODAY = date(2026, 1, 1)
F = RegisterField


def inspect(text: str, *, is_whole: bool = True) -> FileReport:
    return inspect_csv(text.encode(), is_whole=is_whole, encoding=None, delimiter=None, today=TODAY)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Số CCCD/ĐDCN", F.CITIZEN_NUMBER),
        ("SO_CCCD", F.CITIZEN_NUMBER),
        ("citizen number", F.CITIZEN_NUMBER),
        ("Số CMND", F.OLD_NUMBER),
        ("MA_THE_BHYT", F.INSURANCE_NUMBER),
        ("Mã số BHXH", F.INSURANCE_NUMBER),
        ("Họ, chữ đệm và tên khai sinh", F.FULL_NAME),
        ("HO_TEN", F.FULL_NAME),
        ("Full name", F.FULL_NAME),
        ("Họ đệm", F.FAMILY_NAME),
        ("Tên", F.GIVEN_NAME),
        ("NGAY_SINH", F.BIRTH_DATE),
        ("Năm sinh", F.BIRTH_DATE),
        ("Giới tính", F.GENDER),
        ("Nơi thường trú", F.ADDRESS),
        ("MAXA_CU_TRU", F.WARD_CODE),
        ("Xã/Phường", F.WARD_NAME),
        ("Quận/Huyện", F.DISTRICT_NAME),
        ("Tỉnh/Thành phố", F.PROVINCE_NAME),
        ("Ngày cấp", F.ISSUE_DATE),
    ],
)
def test_column_names_are_understood_in_vietnamese_and_english(name: str, field: RegisterField) -> None:
    found = meaning_of(name)

    assert found is not None
    assert found[0] is field


def test_of_two_columns_for_one_field_the_surer_name_has_it() -> None:
    columns = guess_columns(["Năm sinh", "Ngày sinh", "Ghi chú"])

    assert [column.field for column in columns] == [None, F.BIRTH_DATE, None]


def test_what_no_row_can_do_without_is_missed() -> None:
    assert missing_fields(guess_columns(["Ghi chú"])) == (
        F.CITIZEN_NUMBER,
        F.FULL_NAME,
        F.BIRTH_DATE,
        F.GENDER,
    )
    assert missing_fields(guess_columns(["CMND", "Họ đệm", "Tên", "Năm sinh", "Phái"])) == ()


def test_the_report_counts_what_an_import_would_reject() -> None:
    made = list(rows(500, seed=4, dirt=3.0))
    lines = [",".join(f'"{cell}"' for cell in cells) for cells in (HEADER, *(row.cells for row in made))]

    report = inspect("\n".join(lines))

    assert report.sampled_row_count == 500
    assert report.rejected_row_count == sum(row.kind in REJECTED for row in made)
    assert report.unknown_columns == ("STT", "Ghi chú")
    assert report.missing_fields == ()
    by_name = {column.name: column for column in report.columns}
    too_short = sum(row.kind == "number_too_short" for row in made)
    assert by_name["Số CCCD"].problems["NOT_TWELVE_DIGITS"] == too_short
    assert (by_name["Ngày sinh"].kind, by_name["Họ và tên"].kind) == ("DATE", "TEXT")
    assert by_name["Ghi chú"].kind == "EMPTY"
    assert report.warnings["COLUMN_COUNT_WRONG"] == sum(row.kind == "column_slipped" for row in made)


def test_a_file_with_missing_columns_is_still_described() -> None:
    report = inspect("Tên đơn vị;Số máy\nX;1\nY;\n")

    assert report.layout.delimiter == ";"
    assert report.layout.encoding is Encoding.UTF_8
    assert report.rejected_row_count == 0
    assert report.missing_fields == ("CITIZEN_NUMBER", "FULL_NAME", "BIRTH_DATE", "GENDER")
    assert [(column.name, column.empty_count) for column in report.columns] == [
        ("Tên đơn vị", 0),
        ("Số máy", 1),
    ]


def test_the_cut_off_line_at_the_end_of_a_sample_is_left_out() -> None:
    assert inspect("a,b\n1,2\n3,", is_whole=False).sampled_row_count == 1


def test_a_file_without_a_header_is_refused() -> None:
    with pytest.raises(RegisterFileEmpty):
        inspect("\n\n")
