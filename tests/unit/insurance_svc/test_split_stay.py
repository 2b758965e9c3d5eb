"""Splits of long stays and special rights: cards that change, the exemption inside a visit, levels, rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from insurance_svc.domain.errors import LineMalformed
from insurance_svc.domain.model import (
    Circumstances,
    CopayRecord,
    CostLine,
    CostSplit,
    Finding,
    InsuranceCard,
    LineKind,
    Outcome,
    SplitCommand,
)
from insurance_svc.domain.split import check_lines, split_cost
from insurance_svc.domain.tables import load_rules

RULES = load_rules()
DAY = date(2026, 9, 1)


def line(line_id: str = "1", **fields: Any) -> CostLine:
    whole: dict[str, Any] = {
        "service_code": "x",
        "display_name": "Dịch vụ",
        "quantity": Decimal(1),
        "unit_price_vnd": 1_000_000,
        "covered_unit_price_vnd": 1_000_000,
    }
    return CostLine(line_id=line_id, **{**whole, **fields})


def on(day: date, hour: int = 3) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def card(text: str = "GD4", **fields: Any) -> InsuranceCard:
    whole: dict[str, Any] = {"registered_facility_code": "19999"}
    return InsuranceCard(number="", object_group=text[:2], benefit_level=int(text[2]), **{**whole, **fields})


def split(
    *lines: CostLine,
    held: InsuranceCard | None = None,
    replaced: InsuranceCard | None = None,
    cards: tuple[InsuranceCard, ...] = (),
    **fields: Any,
) -> CostSplit:
    finding = Finding(
        outcome=Outcome.CARD_CHANGED if replaced else Outcome.VALID,
        explanation_vi="v",
        explanation_en="e",
        card=held or card(),
        replaced_card=replaced,
        cards=cards,
    )
    whole: dict[str, Any] = {
        "visit_id": "v1",
        "service_date": DAY,
        "visit_code": "",
        "is_inpatient": True,
        "is_emergency": False,
    }
    command = SplitCommand(**{**whole, **fields}, lines=lines or (line(),))
    return split_cost(command, finding, facility="19999", rules=RULES)


def funds(made: CostSplit) -> list[int]:
    return [each.fund_vnd for each in made.lines]


def test_a_new_card_counts_from_its_first_day_inside_a_stay() -> None:
    # Decree 188/2025 art. 21 k2; at the last and the first moment of the two days in Viet Nam.
    old = card("GD4", valid_from_date=date(2026, 1, 1), valid_to_date=date(2026, 9, 4))
    new = card("HN2", valid_from_date=date(2026, 9, 5), valid_to_date=date(2027, 9, 4))
    lines = (
        line("a", order_time=datetime(2026, 9, 4, 16, 59, tzinfo=UTC)),
        line("b", order_time=datetime(2026, 9, 4, 17, 0, tzinfo=UTC)),
    )

    made = split(*lines, held=old, cards=(old, new))

    assert funds(made) == [800_000, 1_000_000]
    assert made.lines[1].benefit is not None
    assert "HN" in made.lines[1].explanation_vi


def test_the_replaced_card_counts_for_days_before_the_new_one() -> None:
    old = card("HT3", valid_from_date=date(2026, 1, 1), valid_to_date=date(2026, 9, 10))
    new = card("GD4", valid_from_date=date(2026, 9, 1), valid_to_date=date(2027, 8, 31))

    made = split(
        line("a", order_time=on(date(2026, 9, 2))),
        line("b", order_time=on(date(2026, 9, 11))),
        held=new,
        replaced=old,
    )

    # Both count on the second: the highest right (art. 21 k1); only the new one on the eleventh.
    assert funds(made) == [950_000, 800_000]


def test_of_two_cards_on_the_day_the_one_that_gives_more_counts() -> None:
    made = split(line(), held=card("GD4"), cards=(card("GD4"), card("HT3")))

    assert made.benefit.rate_pct == 95


def test_a_card_that_ends_inside_a_stay_pays_15_days_more() -> None:
    # Decree 188/2025 art. 50 k4: until 25 September for a card that ends on the tenth.
    held = card("GD4", valid_from_date=date(2026, 1, 1), valid_to_date=date(2026, 9, 10))

    made = split(
        line("a", order_time=on(date(2026, 9, 10))),
        line("b", order_time=on(date(2026, 9, 25))),
        line("c", order_time=on(date(2026, 9, 26))),
        held=held,
    )

    assert funds(made) == [800_000, 800_000, 0]
    ended = made.lines[2].benefit
    assert ended is not None
    assert ended.rule_id == "CARD_ENDED"
    assert made.lines[2].covered_vnd == 0


def test_a_group_whose_level_is_raised_inside_a_stay_is_paid_more_from_that_day() -> None:
    # Resolution 261/2025/QH15: near-poor 95 until 31/12/2025, 100 from 01/01/2026.
    made = split(
        line("a", order_time=on(date(2025, 12, 31))),
        line("b", order_time=on(date(2026, 1, 1))),
        held=card("CN3"),
        service_date=date(2025, 12, 30),
    )

    assert funds(made) == [950_000, 1_000_000]


def test_what_was_ordered_before_registration_belongs_to_the_first_day() -> None:
    held = card("GD4", valid_from_date=DAY, valid_to_date=date(2026, 12, 31))

    assert funds(split(line(order_time=on(date(2026, 8, 31))), held=held)) == [800_000]


FIVE_YEARS = card("GD4", five_year_date=date(2020, 1, 1))


def with_copay(accumulated_vnd: int, **fields: Any) -> Circumstances:
    return Circumstances(copay=CopayRecord(accumulated_vnd=accumulated_vnd, **fields))


def test_the_line_after_the_one_that_passes_the_threshold_is_free_of_copayment() -> None:
    # 2027: six times 2,530,000 = 15,180,000; the first line brings 15,000,000 + 200,000 above it.
    lines = tuple(line(str(number), order_time=on(date(2027, 3, number))) for number in (1, 2, 3))

    made = split(*lines, held=FIVE_YEARS, service_date=date(2027, 3, 1), circumstances=with_copay(15_000_000))

    assert [each.copay_vnd for each in made.lines] == [200_000, 0, 0]
    assert made.lines[1].benefit is not None
    assert made.lines[1].benefit.rule_id == "COPAY_EXEMPT"
    assert made.benefit.rule_id == "VISIT_CODE_1.1"


@pytest.mark.parametrize(("accumulated_vnd", "second_copay_vnd"), [(14_980_000, 200_000), (14_980_001, 0)])
def test_the_threshold_inside_a_visit_is_strict_to_the_dong(
    accumulated_vnd: int, second_copay_vnd: int
) -> None:
    made = split(
        line("a"),
        line("b"),
        held=FIVE_YEARS,
        service_date=date(2027, 3, 1),
        circumstances=with_copay(accumulated_vnd),
    )

    assert [each.copay_vnd for each in made.lines] == [200_000, second_copay_vnd]


def test_copayments_pass_the_threshold_in_the_order_of_time_not_of_the_bill() -> None:
    made = split(
        line("late", order_time=on(date(2027, 3, 5))),
        line("early", order_time=on(date(2027, 3, 2))),
        held=FIVE_YEARS,
        service_date=date(2027, 3, 1),
        circumstances=with_copay(15_000_000),
    )

    assert [each.copay_vnd for each in made.lines] == [0, 200_000]


def test_the_exemption_ends_with_its_year_inside_a_stay() -> None:
    made = split(
        line("a", order_time=on(date(2027, 12, 31))),
        line("b", order_time=on(date(2028, 1, 1))),
        line("c", order_time=on(date(2027, 12, 31), hour=4)),
        held=FIVE_YEARS,
        service_date=date(2027, 12, 30),
        circumstances=with_copay(15_100_000),
    )

    assert [each.copay_vnd for each in made.lines] == [200_000, 200_000, 0]


def test_five_years_without_the_portals_sum_are_told() -> None:
    made = split(line(), held=FIVE_YEARS)

    assert [note.code for note in made.benefit.notes] == ["COPAY_RECORD_UNKNOWN"]


def test_the_conversion_of_a_year_with_two_salaries_is_told_as_uncertain() -> None:
    made = split(line(), held=FIVE_YEARS, circumstances=with_copay(14_124_445, before_change_vnd=13_000_000))

    assert made.benefit.rule_id == "COPAY_EXEMPT"
    assert [note.code for note in made.benefit.notes] == ["COPAY_CONVERSION"]
    assert "14.124.444" in made.benefit.why_vi


@pytest.mark.parametrize(
    ("text", "covered_vnd"), [("TE1", 1_000_000), ("QN5", 1_000_000), ("HN2", 500_000), ("GD4", 500_000)]
)
def test_levels_1_and_5_have_no_limits_by_ratio(text: str, covered_vnd: int) -> None:
    made = split(line(in_scope_pct=50, cost_group=9), held=card(text))

    assert made.lines[0].covered_vnd == covered_vnd


@pytest.mark.parametrize(("text", "fund_vnd"), [("QN5", 1_000_000), ("TE1", 0), ("GD4", 0)])
def test_what_is_for_army_and_police_only_is_paid_for_level_5(text: str, fund_vnd: int) -> None:
    made = split(line(scope=3), held=card(text))

    assert made.fund_vnd == fund_vnd


def test_the_15_percent_rule_looks_at_what_the_fund_recognises() -> None:
    # 379,500 from 01/07/2026: 379,499 covered of 500,000 charged.
    made = split(line(unit_price_vnd=500_000, covered_unit_price_vnd=379_499))

    assert made.benefit.rule_id == "BELOW_15_PERCENT"
    assert [note.code for note in made.benefit.notes] == ["LOW_COST_BASIS"]
    assert (made.fund_vnd, made.patient_vnd) == (379_499, 120_501)


def test_the_difference_between_collected_and_claimed_is_told() -> None:
    drug = line(
        kind=LineKind.DRUG,
        unit_price_vnd=333_333,
        covered_unit_price_vnd=333_333,
        exact_unit_price=Decimal("333333.333"),
        exact_covered_unit_price=Decimal("333333.333"),
        in_scope_pct=50,
    )

    made = split(drug, line("2"))

    # Claimed 333333.33 / 133333.33 / 33333.33 / 166666.67; collected 333333 / 133333 / 33334 / 166666.
    (first, _) = made.lines
    assert (first.total_vnd, first.fund_vnd, first.copay_vnd, first.self_pay_vnd) == (
        333_333,
        133_333,
        33_334,
        166_666,
    )
    rounding = made.rounding
    assert rounding.total == Decimal("-0.33")
    assert rounding.fund == Decimal("-0.33")
    assert rounding.copay == Decimal("0.67")
    assert rounding.self_pay == Decimal("-0.67")
    assert rounding.closing == Decimal("0.01")
    assert rounding.total == rounding.fund + rounding.copay + rounding.self_pay


def test_a_second_examination_costs_30_percent_and_says_so() -> None:
    made = split(line("a", cost_group=13), line("b", cost_group=13), is_inpatient=False)

    assert [each.total_vnd for each in made.lines] == [1_000_000, 300_000]
    assert "30% đơn giá" in made.lines[1].explanation_vi
    assert "30% of the price" in made.lines[1].explanation_en


def test_every_explanation_names_amount_rate_rule_article_and_day_in_both_languages() -> None:
    (made,) = split(line()).lines

    for text in (made.explanation_vi, made.explanation_en):
        assert "80%" in text
        assert "[VISIT_CODE_1.1]" in text
        assert "Luật BHYT điều 22 khoản 1" in text
    assert "800.000 đồng" in made.explanation_vi
    assert "01/07/2025" in made.explanation_vi
    assert "800,000 dong" in made.explanation_en
    assert "2025-07-01" in made.explanation_en


@pytest.mark.parametrize(
    ("fields", "place", "rule"),
    [
        ({"cost_group": 20}, "cost_group", "0_to_19"),
        ({"scope": 4}, "scope", "0_to_3"),
        ({"scope": 2}, "scope", "the_fund_recognises_nothing_outside_its_scope"),
        ({"in_scope_pct": 101}, "in_scope_pct", "0_to_100"),
        ({"service_pct": 101}, "service_pct", "0_to_100"),
        ({"ceiling_vnd": -1}, "ceiling_vnd", "out_of_range"),
        ({"kind": LineKind.DRUG, "ceiling_vnd": 1}, "ceiling_vnd", "not_for_drugs"),
        ({"kind": LineKind.DRUG, "service_pct": 50}, "service_pct", "not_for_drugs"),
        ({"cost_group": 4, "covered_unit_price_vnd": 5}, "covered_unit_price_vnd", "a_drug_has_one_price"),
        (
            {"exact_unit_price": Decimal("1000000.5")},
            "exact_unit_price",
            "the_whole_price_before_rounding",
        ),
        (
            {"exact_unit_price": Decimal("999999.9"), "exact_covered_unit_price": Decimal("1000000.1")},
            "exact_covered_unit_price",
            "0_to_unit_price",
        ),
        ({"bed_patient_count": 10}, "bed_patient_count", "0_to_9"),
        ({"performer_licence": "x" * 256}, "performer_licence", "at_most_255_characters"),
        ({"diagnosis_codes": ("A00",) * 26}, "diagnosis_codes", "at_most_100_characters"),
        (
            {"claim_fields": (("T_BHTT", "1"),)},
            "claim_fields",
            "a_field_of_xml2_or_xml3_that_is_not_computed",
        ),
        ({"claim_fields": (("HAM_LUONG", "x" * 1025),)}, "claim_fields", "at_most_1024_characters"),
        ({"other_state_vnd": 5}, "other_funding_vnd", "sum_of_its_four_sources"),
        ({"other_funding_vnd": 5, "other_rest_vnd": 6}, "other_funding_vnd", "sum_of_its_four_sources"),
        ({"other_funding_vnd": 5, "other_rest_vnd": -1}, "other_funding_vnd", "0_to_line_total"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_its_place(fields: dict[str, Any], place: str, rule: str) -> None:
    with pytest.raises(LineMalformed) as caught:
        check_lines([line("good"), line("bad", **fields)])

    assert caught.value.field == f"lines[1].{place}"
    assert caught.value.facts["rule"] == rule


def test_other_money_above_what_a_rate_leaves_of_the_line_is_refused() -> None:
    lines = (line("a", cost_group=13), line("b", cost_group=13, other_funding_vnd=300_001))

    with pytest.raises(LineMalformed) as caught:
        split(*lines)

    assert caught.value.field == "lines[1].other_funding_vnd"
    assert split(lines[0], replace(lines[1], other_funding_vnd=300_000)).other_funding_vnd == 300_000
