"""Monthly result files: both forms are read, and what cannot be right is refused with its line."""

from __future__ import annotations

import json

import pytest

from insurance_svc.domain.claim_errors import SettlementFileTooLarge, SettlementFileUnreadable
from insurance_svc.domain.claim_results import LINES_MAX, read_results

ROWS = [
    {"maLK": "A", "trangThai": "1", "soTienDuyet": 100, "lyDo": ""},
    {"maLK": "B", "trangThai": "0", "soTienDuyet": "0.5", "lyDo": "Sai chẩn đoán"},
]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"maKetQua": "200", "dsKetQuaGiamDinh": ROWS}),
        json.dumps(ROWS),
        "maLK,trangThai,soTienDuyet,lyDo\nA,1,100,\nB,0,0.5,Sai chẩn đoán\n",
        "\ufeffmaLK;trangThai;soTienDuyet;lyDo\r\nA;1;100;\r\nB;0;0.50;Sai chẩn đoán\r\n",
        "lyDo\tsoTienDuyet\tmaLK\n\t100\tA\nSai chẩn đoán\t0.495\tB\n",
    ],
)
def test_each_form_gives_the_same_results(content: str) -> None:
    file = read_results(content.encode())

    assert [(each.link_id, each.accepted_hundredths, each.cause) for each in file.results] == [
        ("A", 10_000, ""),
        ("B", 50, "Sai chẩn đoán"),
    ]
    assert (file.line_count, file.repeated_count) == (2, 0)


def test_the_last_result_of_a_link_number_counts() -> None:
    file = read_results(b"maLK,soTienDuyet\nA,1\nB,2\nA,3\n")

    assert [(each.link_id, each.accepted_hundredths) for each in file.results] == [("B", 200), ("A", 300)]
    assert (file.line_count, file.repeated_count) == (3, 1)


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"", 1, "no_columns"),
        (b"a,b\n1,2\n", 1, "no_columns"),
        (b"{", 0, "not_json"),
        (b'{"dsKetQuaGiamDinh": 1}', 0, "no_results"),
        (b"[1]", 1, "not_an_object"),
        (b"\xff\xfe", 0, "not_utf_8"),
        (b"maLK,soTienDuyet\nA,1\n,2\n", 3, "no_link_number"),
        (b"maLK,soTienDuyet\nA,mot\n", 2, "no_amount"),
        (b"maLK,soTienDuyet\nA,-1\n", 2, "no_amount"),
        (b"maLK,soTienDuyet\nA,NaN\n", 2, "no_amount"),
        (b"maLK,soTienDuyet\nA,1e30\n", 2, "no_amount"),
        (b'[{"maLK": "A", "soTienDuyet": true}]', 1, "no_amount"),
        (b"[" * 100_000, 0, "not_json"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_line(content: bytes, line: int, why: str) -> None:
    with pytest.raises(SettlementFileUnreadable) as refused:
        read_results(content)

    assert (refused.value.facts["line"], refused.value.facts["why"]) == (str(line), why)


def test_a_file_beyond_the_limit_is_refused() -> None:
    content = b"maLK,soTienDuyet\n" + b"A,1\n" * (LINES_MAX + 1)

    with pytest.raises(SettlementFileTooLarge):
        read_results(content)
