"""The split of single lines and bills by the columns of Decision 4750/QĐ-BYT, and bills that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from insurance_svc.domain.errors import LineMalformed, TooManyLines
from insurance_svc.domain.model import Benefit, CostLine, Finding, InsuranceCard, Outcome, SplitCommand
from insurance_svc.domain.split import LINES_MAX, check_lines, split_cost, split_line
from insurance_svc.domain.tables import load_rules

RULES = load_rules()


def line(**fields: Any) -> CostLine:
    whole: dict[str, Any] = {
        "line_id": "1",
        "service_code": "02.03",
        "display_name": "Khám nội",
        "quantity": Decimal(1),
        "unit_price_vnd": 120,
        "covered_unit_price_vnd": 100,
    }
    return CostLine(**{**whole, **fields})


def at(rate: str) -> Benefit:
    return Benefit(
        rate_pct=Decimal(rate),
        rule_id="VISIT_CODE_1.1",
        legal_reference="Quyết định 3276/QĐ-BYT",
        rule_valid_from_date=date(2025, 7, 1),
        is_insured=True,
        why_vi="mã 1.1",
    )


def shares(cost: CostLine, benefit: Benefit) -> tuple[int, int, int, int]:
    made = split_line(cost, benefit)
    return made.fund_vnd, made.copay_vnd, made.self_pay_vnd, made.other_funding_vnd


def command(*lines: CostLine, **fields: Any) -> SplitCommand:
    whole: dict[str, Any] = {
        "visit_id": "v1",
        "service_date": date(2026, 9, 1),
        "visit_code": "",
        "is_inpatient": False,
        "is_emergency": False,
    }
    return SplitCommand(**{**whole, **fields}, lines=lines or (line(),))


VALID = Finding(
    outcome=Outcome.VALID,
    explanation_vi="v",
    explanation_en="e",
    card=InsuranceCard(number="GD4060600000001", object_group="GD", benefit_level=4),
)


@pytest.mark.parametrize(
    ("donor_vnd", "expected"),
    [
        (0, (80, 20, 20, 0)),
        (20, (80, 20, 0, 20)),
        # The published trap: lines say 80/10/0/30 while the header formula T_TONGCHI_BH - T_BNCCT says 90.
        (30, (80, 10, 0, 30)),
        (40, (80, 0, 0, 40)),
        (50, (70, 0, 0, 50)),
        (120, (0, 0, 0, 120)),
    ],
)
def test_other_money_comes_off_outside_then_copay_then_fund(
    donor_vnd: int, expected: tuple[int, int, int, int]
) -> None:
    assert shares(line(other_funding_vnd=donor_vnd), at("80")) == expected


@pytest.mark.parametrize(
    ("covered_vnd", "rate", "expected"),
    [
        # Half a dong goes to the fund: 80 % of 1,234,567 is 987,653.6; 95 % of 10 is 9.5.
        (1_234_567, "80", (987_654, 246_913, 0, 0)),
        (10, "95", (10, 0, 0, 0)),
        (1, "47.5", (0, 1, 0, 0)),
        (2_000, "47.5", (950, 1_050, 0, 0)),
    ],
)
def test_shares_are_whole_dong_half_up(
    covered_vnd: int, rate: str, expected: tuple[int, int, int, int]
) -> None:
    cost = line(unit_price_vnd=covered_vnd, covered_unit_price_vnd=covered_vnd)

    assert shares(cost, at(rate)) == expected


@pytest.mark.parametrize(
    ("quantity", "price_vnd", "total_vnd"),
    [("0.5", 1, 1), ("0.333", 1_000, 333), ("2.5", 1_001, 2_503), ("0.001", 499, 0)],
)
def test_a_lines_total_is_rounded_half_up_once(quantity: str, price_vnd: int, total_vnd: int) -> None:
    cost = line(quantity=Decimal(quantity), unit_price_vnd=price_vnd, covered_unit_price_vnd=0)

    assert split_line(cost, at("80")).total_vnd == total_vnd


def test_without_insurance_the_whole_line_is_the_patients_and_nothing_is_recognised() -> None:
    split = split_cost(command(), None, facility="19999", rules=RULES)

    (made,) = split.lines
    assert (made.covered_vnd, made.fund_vnd, made.copay_vnd, made.self_pay_vnd) == (0, 0, 0, 120)
    assert split.benefit.rule_id == "NOT_INSURED"


def test_a_bill_is_the_sum_of_its_lines_and_each_line_is_explained() -> None:
    lines = (
        line(line_id="a", unit_price_vnd=1_500_000, covered_unit_price_vnd=1_000_000),
        line(line_id="b", unit_price_vnd=200_000, covered_unit_price_vnd=0),
        line(line_id="c", unit_price_vnd=100_000, covered_unit_price_vnd=100_000, other_funding_vnd=30_000),
    )

    split = split_cost(command(*lines), VALID, facility="19999", rules=RULES)

    assert split.total_vnd == 1_800_000
    assert split.fund_vnd == 800_000 + 70_000
    assert split.patient_vnd == 700_000 + 200_000
    assert split.other_funding_vnd == 30_000
    assert "80%" in split.lines[0].explanation_vi
    assert "VISIT_CODE_1.12" in split.lines[0].explanation_vi
    assert "01/07/2025" in split.lines[0].explanation_vi
    assert "ngoài phạm vi" in split.lines[1].explanation_vi


def test_the_low_cost_rule_looks_at_the_whole_bill() -> None:
    cheap = line(line_id="a", unit_price_vnd=200_000, covered_unit_price_vnd=200_000)

    alone = split_cost(command(cheap), VALID, facility="19999", rules=RULES)
    twice = split_cost(command(cheap, replace(cheap, line_id="b")), VALID, facility="19999", rules=RULES)

    assert alone.benefit.rule_id == "BELOW_15_PERCENT"
    assert twice.benefit.rate_pct == 80


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"line_id": ""}, "line_id"),
        ({"line_id": "x" * 33}, "line_id"),
        ({"display_name": " "}, "display_name"),
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal("0.0001")}, "quantity"),
        ({"quantity": Decimal(2_000_000)}, "quantity"),
        ({"unit_price_vnd": -1, "covered_unit_price_vnd": 0}, "unit_price_vnd"),
        ({"covered_unit_price_vnd": 121}, "covered_unit_price_vnd"),
        ({"covered_unit_price_vnd": -1}, "covered_unit_price_vnd"),
        ({"other_funding_vnd": 121}, "other_funding_vnd"),
        ({"other_funding_vnd": -1}, "other_funding_vnd"),
        ({"quantity": Decimal(2), "unit_price_vnd": 100_000_000_000}, "quantity"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_its_place(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(LineMalformed) as caught:
        check_lines([line(line_id="good"), line(**fields)])

    assert caught.value.field == f"lines[1].{place}"


def test_a_line_id_given_twice_is_refused() -> None:
    with pytest.raises(LineMalformed) as caught:
        check_lines([line(), line()])

    assert caught.value.facts["rule"] == "given_twice"


@pytest.mark.parametrize("count", [0, LINES_MAX + 1])
def test_a_bill_has_1_to_2000_lines(count: int) -> None:
    with pytest.raises(TooManyLines):
        check_lines([line(line_id=str(number)) for number in range(count)])
