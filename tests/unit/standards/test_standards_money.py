"""Whole dong: shares that always add up."""

from decimal import Decimal

import pytest

from standards.money import allocate, round_half_up, split_by_rate, split_evenly


@pytest.mark.parametrize(
    ("total_vnd", "rate", "fund_vnd"),
    [
        (100_000, 80, 80_000),
        (1, 50, 1),
        (3, 50, 2),
        (0, 80, 0),
        (999, 0, 0),
        (999, 100, 999),
        (1001, 95, 951),
        (10, 95, 10),
        (9_999_999_999_999, 80, 7_999_999_999_999),
        (37_500, Decimal("0.22"), 83),
        (1000, Decimal("47.5"), 475),
        (9_223_372_036_854_775_807, Decimal("33.3333333333"), 3074457345615184145),
    ],
)
def test_half_a_dong_goes_to_the_fund(total_vnd: int, rate: int | Decimal, fund_vnd: int) -> None:
    assert split_by_rate(total_vnd, rate) == (fund_vnd, total_vnd - fund_vnd)


@pytest.mark.parametrize(("total_vnd", "rate"), [(-1, 80), (1, -1), (1, 101)])
def test_amounts_and_rates_out_of_range_are_our_own_mistake(total_vnd: int, rate: int) -> None:
    with pytest.raises(AssertionError):
        split_by_rate(total_vnd, rate)


def test_the_largest_remainders_get_the_odd_dong() -> None:
    assert allocate(100, [1, 1, 1]) == (34, 33, 33)
    assert allocate(10, [6, 3, 1]) == (6, 3, 1)
    assert allocate(101, [50, 30, 20]) == (51, 30, 20)
    assert allocate(1, [1, 2]) == (0, 1)
    assert allocate(5, [0, 1, 0]) == (0, 5, 0)


def test_no_weight_at_all_is_our_own_mistake() -> None:
    for weights in ([], [0, 0], [1, -1]):
        with pytest.raises(AssertionError):
            allocate(10, weights)


def test_an_even_split_differs_by_one_dong_at_most() -> None:
    assert split_evenly(1_000, 3) == (334, 333, 333)
    assert split_evenly(0, 2) == (0, 0)


@pytest.mark.parametrize(
    ("text", "dong"), [("0.5", 1), ("1.5", 2), ("2.49", 2), ("-0.5", -1), ("2345678.40", 2345678)]
)
def test_half_is_rounded_away_from_zero(text: str, dong: int) -> None:
    assert round_half_up(Decimal(text)) == dong
