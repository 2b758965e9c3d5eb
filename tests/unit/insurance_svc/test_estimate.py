"""What an estimate says is not certain, and the range that it gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from insurance_svc.domain.estimate import Estimate, estimate_cost
from insurance_svc.domain.model import (
    Circumstances,
    CostLine,
    Finding,
    InsuranceCard,
    Outcome,
    SplitCommand,
)
from insurance_svc.domain.tables import Rules, load_rules, parse_facilities

RULES = load_rules()


def estimate(
    price_vnd: int = 1_000_000,
    *,
    outcome: Outcome | None = Outcome.VALID,
    held: InsuranceCard | None = None,
    rules: Rules = RULES,
    **fields: Any,
) -> Estimate:
    line = CostLine(
        line_id="1",
        service_code="x",
        display_name="Dịch vụ",
        quantity=Decimal(1),
        unit_price_vnd=price_vnd,
        covered_unit_price_vnd=price_vnd,
    )
    whole: dict[str, Any] = {
        "visit_id": "v1",
        "service_date": date(2026, 9, 1),
        "visit_code": "",
        "is_inpatient": False,
        "is_emergency": False,
    }
    command = SplitCommand(**{**whole, **fields}, lines=(line,))
    finding = (
        None
        if outcome is None
        else Finding(
            outcome=outcome,
            explanation_vi="v",
            explanation_en="e",
            card=held or card(),
        )
    )
    return estimate_cost(command, finding, facility="19999", rules=rules)


def card(**fields: Any) -> InsuranceCard:
    whole: dict[str, Any] = {
        "object_group": "GD",
        "benefit_level": 4,
        "registered_facility_code": "19999",
    }
    return InsuranceCard(number="", **{**whole, **fields})


def codes(made: Estimate) -> list[str]:
    return [each.code for each in made.uncertainties]


def test_prices_may_always_change_by_a_tenth() -> None:
    made = estimate()

    assert codes(made) == ["PRICES_MAY_CHANGE"]
    assert (made.low_vnd, made.split.patient_vnd, made.high_vnd) == (180_000, 200_000, 220_000)


@pytest.mark.parametrize("outcome", [Outcome.UNVERIFIED, Outcome.DISPUTED, Outcome.PERSON_MISMATCH])
def test_an_unverified_coverage_is_counted_both_ways(outcome: Outcome) -> None:
    made = estimate(outcome=outcome)

    (first, _) = made.uncertainties
    assert first.code == "COVERAGE_UNVERIFIED"
    # The card that the doubtful look-up told gives 80 %; without it the patient owes all.
    assert (first.low_vnd, first.high_vnd) == (200_000, 1_000_000)


def test_a_visit_that_was_never_checked_may_be_free_or_cost_everything() -> None:
    made = estimate(outcome=None)

    assert (made.uncertainties[0].low_vnd, made.uncertainties[0].high_vnd) == (0, 1_000_000)


def test_who_has_no_card_has_no_doubt_about_it() -> None:
    assert codes(estimate(outcome=Outcome.NOT_VALID)) == ["PRICES_MAY_CHANGE"]


def test_a_level_that_is_not_known_may_be_the_highest() -> None:
    made = estimate(held=InsuranceCard(number="", registered_facility_code="19999"))

    assert codes(made) == ["LEVEL_UNKNOWN", "PRICES_MAY_CHANGE"]
    assert (made.uncertainties[0].low_vnd, made.uncertainties[0].high_vnd) == (0, 200_000)


def test_a_slip_that_was_not_shown_would_make_it_cheaper() -> None:
    # A basic facility of 60 points: half of 80 % for who comes by himself, 80 % with a slip.
    row = {
        "facility_code": "19999",
        "name_vi": "X",
        "kind": "hospital",
        "level": "basic",
        "points": "60",
        "former_tier": "",
        "former_codes": "",
        "valid_from": "2025-01-01",
        "valid_to": "",
    }
    rules = replace(RULES, facilities=parse_facilities([row]))
    elsewhere = card(registered_facility_code="19888")

    made = estimate(held=elsewhere, rules=rules)
    shown = estimate(held=elsewhere, rules=rules, circumstances=Circumstances(has_referral_slip=True))

    assert made.split.patient_vnd == 600_000
    assert codes(made) == ["SLIP_NOT_SHOWN", "PRICES_MAY_CHANGE"]
    assert (made.uncertainties[0].low_vnd, made.uncertainties[0].high_vnd) == (200_000, 600_000)
    assert codes(shown) == ["PRICES_MAY_CHANGE"]


@pytest.mark.parametrize(
    ("price_vnd", "low_vnd", "high_vnd"),
    [
        # The threshold is 379,500 on the day; 20 % around it is 303,600 to 455,400.
        (379_499, 0, 75_900),
        (379_500, 0, 75_900),
        (303_600, 0, 60_720),
        (455_400, 0, 91_080),
    ],
)
def test_near_the_15_percent_threshold_one_more_service_decides(
    price_vnd: int, low_vnd: int, high_vnd: int
) -> None:
    made = estimate(price_vnd)

    (near,) = [each for each in made.uncertainties if each.code == "LOW_COST_THRESHOLD_NEAR"]
    assert (near.low_vnd, near.high_vnd) == (low_vnd, high_vnd)


@pytest.mark.parametrize("price_vnd", [303_599, 455_401])
def test_far_from_the_threshold_it_is_not_mentioned(price_vnd: int) -> None:
    assert "LOW_COST_THRESHOLD_NEAR" not in codes(estimate(price_vnd))


def test_five_years_without_the_years_copayments_may_mean_none() -> None:
    made = estimate(held=card(five_year_date=date(2020, 1, 1)))

    (copay,) = [each for each in made.uncertainties if each.code == "COPAY_RECORD_UNKNOWN"]
    assert (copay.low_vnd, copay.high_vnd) == (0, 200_000)
