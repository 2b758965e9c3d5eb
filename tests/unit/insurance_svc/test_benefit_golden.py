"""Golden rights: each visit code in its days, each threshold to the dong; the articles stand in the files."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from insurance_svc.domain.benefit import card_base, judge_card
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.claim_amounts import claim_line_amounts, claim_totals
from insurance_svc.domain.errors import VisitCodeUnknown
from insurance_svc.domain.model import (
    Benefit,
    Circumstances,
    CopayRecord,
    CostLine,
    InsuranceCard,
    LineKind,
)
from insurance_svc.domain.split_lines import check_lines
from insurance_svc.domain.tables import Rules, load_rules, parse_facilities

GOLDEN = Path(__file__).parents[2] / "golden" / "benefit"
RULES = load_rules()
MANY_VND = 10_000_000
Row = dict[str, str]


def rows(name: str) -> list[Any]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as lines:
        return [pytest.param(row, id="-".join(list(row.values())[:5])[:80]) for row in csv.DictReader(lines)]


def card_of(text: str, **fields: Any) -> InsuranceCard:
    return InsuranceCard(number="", object_group=text[:2], benefit_level=int(text[2]), **fields)


def day_or_none(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def facts_of(day: str, *, code: str = "", stay: str = "out", **fields: Any) -> VisitFacts:
    whole: dict[str, Any] = {
        "facility": "19999",
        "service_date": date.fromisoformat(day),
        "visit_code": code,
        "is_inpatient": stay == "in",
        "is_emergency": False,
        "covered_vnd": MANY_VND,
    }
    return VisitFacts(**{**whole, **fields})


@pytest.mark.parametrize("row", rows("named_codes.csv"))
def test_a_named_code_gives_its_percent_in_its_days_and_is_refused_outside(row: Row) -> None:
    facts = facts_of(row["day"], code=row["code"], stay=row["stay"])
    card = card_of(row["card"])

    if not row["rate_pct"]:
        with pytest.raises(VisitCodeUnknown) as caught:
            judge_card(card, facts, RULES)
        assert caught.value.facts["why"] == row["expected"]
        return
    judged = judge_card(card, facts, RULES)

    assert (judged.benefit.rule_id, judged.benefit.rate_pct) == (row["expected"], Decimal(row["rate_pct"]))


def rules_with(row: Row) -> Rules:
    columns = {
        "facility_code": "19777",
        "name_vi": "X",
        "kind": row["kind"],
        "level": row["level"],
        "points": row["points"],
        "former_tier": row["tier"],
        "former_codes": "",
        "valid_from": "2025-01-01",
        "valid_to": "",
    }
    return replace(RULES, facilities=parse_facilities([columns]))


@pytest.mark.parametrize("row", rows("worked_out.csv"))
def test_facility_card_and_circumstances_decide_the_code_and_the_rate(row: Row) -> None:
    told = row["told"].split()
    facts = facts_of(
        row["day"],
        stay=row["stay"],
        facility="19777",
        is_emergency="emergency" in told,
        circumstances=Circumstances(
            has_referral_slip="slip" in told,
            has_reexamination_slip="reexam" in told,
            has_changed_residence="residence" in told,
            is_organ_donor="donor" in told,
            is_newborn="newborn" in told,
            serious_disease_annexes=frozenset(
                word.removeprefix("annex") for word in told if word[:5] == "annex"
            ),
        ),
    )
    card = card_of(
        row["card"],
        registered_facility_code="19777" if "own" in told else "19888",
        area_code=next((word for word in told if word[0] == "K"), ""),
    )

    judged = judge_card(card, facts, rules_with(row), with_candidates=True)

    assert (judged.visit_code, judged.benefit.rule_id) == (row["code"], row["rule"])
    assert judged.benefit.rate_pct == Decimal(row["rate_pct"])
    won = [each.rule_id for each in judged.candidates if each.state == "WON"]
    assert won == [row["rule"]]
    assert all(each.why_vi and each.why_en and each.legal_reference for each in judged.candidates)


@pytest.mark.parametrize("row", rows("levels.csv"))
def test_a_level_counts_by_group_and_day(row: Row) -> None:
    base = card_base(card_of(row["card"]), date.fromisoformat(row["day"]), RULES)

    assert base.rate_pct == Decimal(row["rate_pct"])


@pytest.mark.parametrize("row", rows("low_cost.csv"))
def test_the_low_cost_threshold_is_strict_to_the_dong_on_each_day(row: Row) -> None:
    facts = facts_of(row["day"], covered_vnd=int(row["covered_vnd"]))

    judged = judge_card(card_of("GD4", registered_facility_code="19999"), facts, RULES)

    assert (judged.benefit.rule_id, judged.benefit.rate_pct) == (row["rule"], Decimal(row["rate_pct"]))
    if row["rule"] == "BELOW_15_PERCENT":
        assert row["decree"].partition(":")[0].partition(";")[0] in judged.benefit.legal_reference


@pytest.mark.parametrize("row", rows("copay.csv"))
def test_the_copay_threshold_is_strict_to_the_dong(row: Row) -> None:
    before = row["before_change_vnd"]
    copay = CopayRecord(
        accumulated_vnd=int(row["accumulated_vnd"]),
        before_change_vnd=int(before) if before else None,
        exempt_from_date=day_or_none(row["exempt_from_date"]),
    )
    facts = facts_of(row["day"], code=row["code"], circumstances=Circumstances(copay=copay))
    card = card_of("GD4", registered_facility_code="19999", five_year_date=day_or_none(row["five_year_date"]))

    judged = judge_card(card, facts, RULES)

    assert (judged.benefit.rule_id, judged.benefit.rate_pct) == (row["rule"], Decimal(row["rate_pct"]))


def benefit_at(rate_pct: str) -> Benefit:
    return Benefit(
        rate_pct=Decimal(rate_pct),
        rule_id="R",
        legal_reference="L",
        rule_valid_from_date=date(2025, 7, 1),
        is_insured=True,
        why_vi="v",
        why_en="e",
    )


def whole(text: str) -> int:
    return int(Decimal(text).quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def exact(text: str) -> Decimal | None:
    return Decimal(text) if "." in text else None


@pytest.mark.parametrize("row", rows("lines.csv"))
def test_a_claims_line_is_what_the_decisions_formulas_say(row: Row) -> None:
    sources = {name: int(row[name]) for name in ("state", "foreign", "domestic", "rest")}
    line = CostLine(
        line_id="1",
        service_code="x",
        display_name="Dịch vụ",
        kind=LineKind(row["kind"]),
        quantity=Decimal(row["quantity"]),
        unit_price_vnd=whole(row["price"]),
        covered_unit_price_vnd=whole(row["covered_price"]),
        exact_unit_price=exact(row["price"]),
        exact_covered_unit_price=exact(row["covered_price"]),
        service_pct=int(row["service_pct"]),
        in_scope_pct=int(row["in_scope_pct"]),
        ceiling_vnd=int(row["ceiling"]),
        waives_difference=row["waives"] == "yes",
        other_funding_vnd=sum(sources.values()),
        other_state_vnd=sources["state"],
        other_foreign_vnd=sources["foreign"],
        other_domestic_vnd=sources["domestic"],
        other_rest_vnd=sources["rest"],
    )
    check_lines([line])

    made = claim_line_amounts(line, benefit_at(row["rate_pct"]))

    for name in ("total", "covered", "fund", "copay", "self_pay"):
        assert getattr(made, name) == Decimal(row[name]), name
    assert made.other_funding == sum(sources.values())
    assert made.other_state == sources["state"]
    assert made.other_foreign == sources["foreign"]


def test_the_header_of_a_claim_differs_from_its_lines_by_the_closing_hundredth() -> None:
    line = CostLine(
        line_id="1",
        service_code="40.2",
        display_name="Thuốc",
        kind=LineKind.DRUG,
        quantity=Decimal(1),
        unit_price_vnd=333_333,
        covered_unit_price_vnd=333_333,
        exact_unit_price=Decimal("333333.333"),
        exact_covered_unit_price=Decimal("333333.333"),
        in_scope_pct=50,
    )

    totals = claim_totals([claim_line_amounts(line, benefit_at("80"))])

    assert totals.fund_by_header == Decimal("133333.34")
    assert totals.fund_by_lines == Decimal("133333.33")
    assert totals.closing == Decimal("0.01")


def test_the_header_of_a_claim_would_charge_the_fund_what_a_donor_paid() -> None:
    line = CostLine(
        line_id="1",
        service_code="x",
        display_name="Dịch vụ",
        quantity=Decimal(1),
        unit_price_vnd=120,
        covered_unit_price_vnd=100,
        other_funding_vnd=30,
    )

    totals = claim_totals([claim_line_amounts(line, benefit_at("80"))])

    assert totals.fund_by_lines == 80
    assert totals.fund_by_header == 90
    assert totals.closing == 10


def test_the_sums_of_the_synthetic_claim_are_found_again() -> None:
    # tests/golden/claims/full_claim.xml: two drugs and an examination of an invented person, 80 %.
    def line(kind: LineKind, quantity: str, price: str, in_scope_pct: int = 100) -> CostLine:
        return CostLine(
            line_id="1",
            service_code="x",
            display_name="x",
            kind=kind,
            quantity=Decimal(quantity),
            unit_price_vnd=whole(price),
            covered_unit_price_vnd=whole(price),
            exact_unit_price=Decimal(price),
            exact_covered_unit_price=Decimal(price),
            in_scope_pct=in_scope_pct,
        )

    lines = [
        line(LineKind.DRUG, "20", "1250.500"),
        line(LineKind.DRUG, "1", "333333.333", 50),
        line(LineKind.SERVICE, "1", "50600.000"),
    ]

    totals = claim_totals([claim_line_amounts(each, benefit_at("80")) for each in lines])

    assert totals.total == Decimal("408943.33")
    assert totals.covered == Decimal("242276.67")
    assert totals.self_pay == Decimal("166666.67")
    assert totals.copay == Decimal("48455.33")
    assert totals.drugs == Decimal("358343.33")
    # The published totals say 193821.33 for the fund, which is the sum of the lines, not the header formula.
    assert totals.fund_by_lines == Decimal("193821.33")
