"""What holds for every bill: shares add up, none is negative, and more rights never cost the patient more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from insurance_svc.domain.model import Benefit, CostLine, Finding, InsuranceCard, Outcome, SplitCommand
from insurance_svc.domain.split import split_cost, split_line
from insurance_svc.domain.tables import load_rules

RULES = load_rules()


@st.composite
def cost_lines(draw: st.DrawFn, line_id: str = "1") -> CostLine:
    quantity = Decimal(draw(st.integers(1, 50_000))) / 1000
    unit_price_vnd = draw(st.integers(0, 500_000_000))
    exact = (quantity * unit_price_vnd).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return CostLine(
        line_id=line_id,
        service_code="x",
        display_name="Dịch vụ",
        quantity=quantity,
        unit_price_vnd=unit_price_vnd,
        covered_unit_price_vnd=draw(st.integers(0, unit_price_vnd)),
        other_funding_vnd=draw(st.integers(0, int(exact))),
    )


def insured(rate_pct: Decimal) -> Benefit:
    return Benefit(
        rate_pct=rate_pct,
        rule_id="R",
        legal_reference="L",
        rule_valid_from_date=date(2025, 7, 1),
        is_insured=True,
        why_vi="w",
    )


rates = st.decimals(0, 100, places=1)
bills = st.lists(cost_lines(), min_size=1, max_size=12).map(
    lambda lines: tuple(replace(line, line_id=str(number)) for number, line in enumerate(lines))
)


@given(cost_lines(), rates)
def test_a_lines_shares_add_up_and_none_is_negative(line: CostLine, rate_pct: Decimal) -> None:
    made = split_line(line, insured(rate_pct))

    shares = (made.fund_vnd, made.copay_vnd, made.self_pay_vnd, made.other_funding_vnd)
    assert sum(shares) == made.total_vnd
    assert min(shares) >= 0
    assert made.fund_vnd <= made.covered_vnd <= made.total_vnd
    assert made.other_funding_vnd == line.other_funding_vnd


@given(cost_lines(), rates, rates)
def test_more_rights_never_pay_less(line: CostLine, one: Decimal, other: Decimal) -> None:
    low, high = (split_line(line, insured(rate)) for rate in sorted((one, other)))

    assert low.fund_vnd <= high.fund_vnd
    assert low.copay_vnd + low.self_pay_vnd >= high.copay_vnd + high.self_pay_vnd


@given(cost_lines(), rates)
def test_other_money_never_makes_anybody_pay_more(line: CostLine, rate_pct: Decimal) -> None:
    without = split_line(replace(line, other_funding_vnd=0), insured(rate_pct))
    made = split_line(line, insured(rate_pct))

    assert made.fund_vnd <= without.fund_vnd
    assert made.copay_vnd <= without.copay_vnd
    assert made.self_pay_vnd <= without.self_pay_vnd


@given(
    lines=bills,
    outcome=st.sampled_from([None, *Outcome]),
    group=st.sampled_from(["TE1", "HN2", "CN3", "GD4", "QN5"]),
    facility=st.sampled_from(["19999", "19998", "19T01", "88888"]),
    inpatient=st.booleans(),
    emergency=st.booleans(),
    day=st.dates(date(2025, 7, 1), date(2030, 12, 31)),
)
def test_every_bill_of_every_coverage_adds_up(
    *,
    lines: tuple[CostLine, ...],
    outcome: Outcome | None,
    group: str,
    facility: str,
    inpatient: bool,
    emergency: bool,
    day: date,
) -> None:
    held = InsuranceCard(number=f"{group}060600000001", object_group=group[:2], benefit_level=int(group[2]))
    finding = (
        None
        if outcome is None
        else Finding(outcome=outcome, explanation_vi="v", explanation_en="e", card=held)
    )
    command = SplitCommand(
        visit_id="v",
        service_date=day,
        visit_code="",
        is_inpatient=inpatient,
        is_emergency=emergency,
        lines=lines,
    )

    split = split_cost(command, finding, facility=facility, rules=RULES)

    assert split.total_vnd == split.fund_vnd + split.patient_vnd + split.other_funding_vnd
    assert split.total_vnd == sum(line.total_vnd for line in split.lines)
    assert 0 <= split.benefit.rate_pct <= 100
    if outcome not in (Outcome.VALID, Outcome.VALID_MANUAL, Outcome.CARD_CHANGED):
        assert split.fund_vnd == 0


@given(bills, st.sampled_from(["19999", "88888"]), st.dates(date(2025, 7, 1), date(2030, 12, 31)))
def test_a_better_level_never_costs_the_patient_more(
    lines: tuple[CostLine, ...], facility: str, day: date
) -> None:
    owed = []
    for group, level in (("GD", 4), ("HT", 3), ("HN", 2)):
        held = InsuranceCard(number=f"{group}{level}060600000001", object_group=group, benefit_level=level)
        finding = Finding(outcome=Outcome.VALID, explanation_vi="v", explanation_en="e", card=held)
        command = SplitCommand(
            visit_id="v",
            service_date=day,
            visit_code="",
            is_inpatient=False,
            is_emergency=False,
            lines=lines,
        )
        owed.append(split_cost(command, finding, facility=facility, rules=RULES).patient_vnd)

    assert owed == sorted(owed, reverse=True)
