"""Cutting the bytes of a register file into rows: encodings, separators, quotes, and where each row ends."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_svc.domain.register_file import Encoding
from identity_svc.domain.register_file_text import (
    LINE_BYTES_MAX,
    LINES_PER_ROW_MAX,
    RawRow,
    RowCutter,
    guess_delimiter,
    guess_encoding,
)
from tests.support.legacy_encodings import as_tcvn3, as_vni

TEXT = "Số CCCD,Họ và tên\n099190000017,Nguyễn Thị Hòa\n099190000018,Đặng Văn Đức\n"


def cut(
    content: bytes, *, encoding: Encoding = Encoding.UTF_8, sizes: list[int] | None = None
) -> list[RawRow]:
    cutter = RowCutter(encoding=encoding, delimiter=",", offset=0)
    rows: list[RawRow] = []
    place = 0
    for size in sizes or [len(content)]:
        rows += cutter.feed(content[place : place + size])
        place += size
    return rows + cutter.feed(content[place:], is_last=True)


@pytest.mark.parametrize(
    "encoding", [Encoding.UTF_8, Encoding.UTF_16_LE, Encoding.UTF_16_BE], ids=lambda each: each.value
)
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["plain", "bom"])
def test_unicode_files_are_recognised_and_cut_alike(encoding: Encoding, bom: str) -> None:
    content = (bom + TEXT).encode(encoding)

    assert guess_encoding(content) is encoding
    rows = cut(content, encoding=encoding)
    assert [row.cells for row in rows] == [tuple(line.split(",")) for line in TEXT.splitlines()]
    assert rows[-1].end_offset == len(content)


def test_windows_1258_is_recognised_by_its_letters() -> None:
    # Windows-1258 writes tones as letters of their own behind the vowel.
    content = "Số,Tên\n1,Nguyê\u0303n Thi\u0323 Ho\u0300a\n2,Đă\u0323ng Va\u0306n\n".replace("ố", "ô\u0301")
    content = content.replace("a\u0306", "ă")

    assert guess_encoding(content.encode("cp1258")) is Encoding.CP1258


@pytest.mark.parametrize(
    ("encoding", "damage"), [(Encoding.TCVN3, as_tcvn3), (Encoding.VNI, as_vni)], ids=["tcvn3", "vni"]
)
def test_files_of_the_old_fonts_are_recognised_and_read(
    encoding: Encoding, damage: Callable[[str], str]
) -> None:
    content = damage(TEXT).encode("cp1252" if encoding is Encoding.VNI else "latin-1")

    assert guess_encoding(content) is encoding
    assert cut(content, encoding=encoding)[1].cells == ("099190000017", "Nguyễn Thị Hòa")


@pytest.mark.parametrize(
    ("header", "delimiter"), [("a;b;c", ";"), ("a\tb", "\t"), ("a|b|c", "|"), ("a,b", ","), ("a", ",")]
)
def test_the_most_frequent_separator_of_the_header_is_taken(header: str, delimiter: str) -> None:
    assert guess_delimiter(header) == delimiter


def test_quotes_hold_separators_quotes_and_line_ends() -> None:
    rows = cut(b'a,b\n1,"x, ""y""\nz"\n2,w\n')

    assert [row.cells for row in rows] == [("a", "b"), ("1", 'x, "y"\nz'), ("2", "w")]


def test_a_quote_inside_a_value_is_a_letter() -> None:
    assert [row.cells for row in cut('1,Nguyễn "Tý" Văn\n2,b\n'.encode())] == [
        ("1", 'Nguyễn "Tý" Văn'),
        ("2", "b"),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_row_alone() -> None:
    content = b'a,b\n1,"open\n' + b"".join(b"%d,c\n" % number for number in range(2, 60))

    rows = cut(content)

    assert rows[1].fault == "QUOTE_NOT_CLOSED"
    assert len(rows) == 60
    assert [row.fault for row in rows].count("") == 59


def test_a_line_without_end_is_refused_in_bounded_memory() -> None:
    cutter = RowCutter(encoding=Encoding.UTF_8, delimiter=",", offset=0)
    rows: list[RawRow] = []
    for _ in range(40):
        rows += cutter.feed(b"x" * (LINE_BYTES_MAX // 4))

    assert rows
    assert {row.fault for row in rows} == {"ROW_TOO_LONG"}
    assert len(cutter._rest) <= LINE_BYTES_MAX


def test_blank_lines_are_no_rows_and_windows_line_ends_are_no_letters() -> None:
    rows = cut(b"a,b\r\n\r\n1,2\r\n,\r\n\r\n")

    assert [row.cells for row in rows] == [("a", "b"), ("1", "2")]


def test_bytes_that_are_no_text_become_damage_and_not_an_error() -> None:
    (row,) = cut(b"1,Nguy\xff\xfen\n")

    assert "\ufffd" in row.cells[1]


@given(
    table=st.lists(
        st.lists(st.text(alphabet='ab",\n đ\U0001f600', max_size=6), min_size=2, max_size=3), max_size=8
    ),
    seed=st.integers(0, 1_000),
    encoding=st.sampled_from([Encoding.UTF_8, Encoding.UTF_16_LE]),
)
def test_any_cutting_into_pieces_gives_the_same_rows(
    table: list[list[str]], seed: int, encoding: Encoding
) -> None:
    """A row's quoted line ends are fewer than LINES_PER_ROW_MAX here, as max_size says."""
    assert LINES_PER_ROW_MAX > 8
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n" for cells in table)
    content = text.encode(encoding)
    dice = random.Random(seed)
    sizes = [dice.randint(0, 9) for _ in range(len(content) // 4)]

    whole, pieces = cut(content, encoding=encoding), cut(content, encoding=encoding, sizes=sizes)

    assert pieces == whole
    ends = [row.end_offset for row in whole]
    assert ends == sorted(ends)
    for row, following in itertools.pairwise(whole):
        again = RowCutter(encoding=encoding, delimiter=",", offset=row.end_offset)
        assert again.feed(content[row.end_offset :], is_last=True)[0] == following
