"""How amounts are written for people."""

from __future__ import annotations

import pytest

from cli.tables import exact_dong


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("557600", "557.600 ₫"),
        ("0", "0 ₫"),
        ("406080.50", "406.080,5 ₫"),
        ("12.00", "12 ₫"),
        ("-0.01", "-0,01 ₫"),
        ("-1234.5", "-1.234,5 ₫"),
        ("", ""),
    ],
)
def test_an_amount_with_a_part_of_a_dong_is_written_in_full(told: str, written: str) -> None:
    assert exact_dong(told) == written
