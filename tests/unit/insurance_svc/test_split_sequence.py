"""TYLE_TT_DV by the order of examinations, by the session of surgery and by the bed, as the decision tells them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from insurance_svc.domain.model import CostLine
from insurance_svc.domain.split_sequence import service_pcts

DAY = date(2026, 9, 1)


def line(number: int = 1, **fields: Any) -> CostLine:
    whole: dict[str, Any] = {
        "line_id": str(number),
        "service_code": "x",
        "display_name": "Dịch vụ",
        "quantity": Decimal(1),
        "unit_price_vnd": 100_000,
        "covered_unit_price_vnd": 100_000,
    }
    return CostLine(**{**whole, **fields})


def at(hour: int, day: int = 1) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=UTC)


def test_seven_examinations_of_a_day_are_paid_100_30_30_30_10_and_nothing() -> None:
    # Annex of Decision 3176/QĐ-BYT, TYLE_TT_DV: first 100, second to fourth 30, fifth 10, from the sixth 0.
    lines = [line(number, cost_group=13) for number in range(7)]

    assert service_pcts(lines, DAY) == [100, 30, 30, 30, 10, 0, 0]


def test_examinations_are_numbered_by_the_time_of_order_not_by_their_place_on_the_bill() -> None:
    lines = [line(1, cost_group=13, order_time=at(5)), line(2, cost_group=13, order_time=at(2))]

    assert service_pcts(lines, DAY) == [30, 100]


def test_each_day_in_viet_nam_begins_with_a_first_examination() -> None:
    # 16:59 UTC is 23:59 of the first, 17:00 UTC is midnight of the second.
    before = datetime(2026, 9, 1, 16, 59, tzinfo=UTC)
    after = datetime(2026, 9, 1, 17, 0, tzinfo=UTC)
    lines = [
        line(1, cost_group=13, order_time=at(2)),
        line(2, cost_group=13, order_time=before),
        line(3, cost_group=13, order_time=after),
    ]

    assert service_pcts(lines, DAY) == [100, 30, 100]


def test_what_is_no_examination_does_not_count_as_one() -> None:
    lines = [line(1, cost_group=1), line(2, cost_group=13), line(3), line(4, cost_group=13)]

    assert service_pcts(lines, DAY) == [100, 100, 100, 30]


def test_a_rate_that_the_line_tells_stands() -> None:
    lines = [line(1, cost_group=13), line(2, cost_group=13, service_pct=100)]

    assert service_pcts(lines, DAY) == [100, 100]


def test_the_second_surgery_of_a_session_is_half_by_the_same_team_and_80_by_another() -> None:
    knife = line(cost_group=8, surgery_session="s1", surgery_team="A")
    lines = [
        replace(knife, line_id="small", covered_unit_price_vnd=90_000),
        replace(knife, line_id="great", covered_unit_price_vnd=100_000),
        replace(knife, line_id="other", covered_unit_price_vnd=95_000, surgery_team="B"),
        replace(knife, line_id="procedure", cost_group=18),
        replace(knife, line_id="elsewhere", surgery_session="s2"),
    ]

    assert service_pcts(lines, DAY) == [50, 100, 80, 80, 100]


def test_surgery_without_a_session_is_paid_whole() -> None:
    assert service_pcts([line(1, cost_group=8), line(2, cost_group=8)], DAY) == [100, 100]


@pytest.mark.parametrize(
    ("group", "count", "bed", "expected"),
    [
        (15, 0, "H001", 100),
        (15, 1, "H001", 100),
        (15, 2, "H001", 50),
        (15, 3, "H001", 33),
        (15, 9, "T012", 33),
        (14, 2, "", 50),
        (16, 1, "K001", 50),
        (15, 3, "K001", 33),
        (13, 3, "K001", 100),
    ],
)
def test_a_shared_or_folding_bed_is_paid_in_part(group: int, count: int, bed: str, expected: int) -> None:
    lines = [line(cost_group=group, bed_patient_count=count, bed_code=bed)]

    assert service_pcts(lines, DAY) == [expected]
