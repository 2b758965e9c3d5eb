"""What holds for every bill: shares add up, none is negative, and more rights never cost the patient more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal

from hypothesis import given
from hypothesis import strategies as st

from insurance_svc.domain.claim_amounts import ClaimAmounts, claim_line_amounts, claim_totals
from insurance_svc.domain.estimate import estimate_cost
from insurance_svc.domain.model import (
    Benefit,
    Circumstances,
    CopayRecord,
    CostLine,
    Finding,
    InsuranceCard,
    LineKind,
    Outcome,
    SplitCommand,
)
from insurance_svc.domain.split import check_lines, split_cost, split_line
from insurance_svc.domain.split_measure import half_up
from insurance_svc.domain.tables import load_rules, parse_facilities
from standards.claims.lint import money

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


CENT = Decimal("0.01")
LEVELS = ("GD4", "HT3", "HN2")


@st.composite
def claim_lines(draw: st.DrawFn) -> CostLine:
    """Lines of every form that a claim has: fractional prices, rates, ceilings, four sources."""
    is_drug = draw(st.booleans())
    quantity = Decimal(draw(st.integers(1, 20_000))) / 1000
    price = Decimal(draw(st.integers(0, 90_000_000))) / 1000
    covered = price if is_drug else Decimal(draw(st.integers(0, int(price * 1000)))) / 1000
    if not covered.quantize(Decimal(1), rounding=ROUND_HALF_UP):
        covered = Decimal(0)
    service_pct = 100 if is_drug else draw(st.sampled_from([10, 30, 33, 50, 80, 100]))
    line = CostLine(
        line_id="1",
        service_code="x",
        display_name="Dịch vụ",
        kind=LineKind.DRUG if is_drug else LineKind.SUPPLY,
        quantity=quantity,
        unit_price_vnd=int(price.quantize(Decimal(1), rounding=ROUND_HALF_UP)),
        covered_unit_price_vnd=int(covered.quantize(Decimal(1), rounding=ROUND_HALF_UP)),
        exact_unit_price=price,
        exact_covered_unit_price=covered,
        in_scope_pct=draw(st.sampled_from([1, 30, 50, 60, 70, 100])),
        service_pct=service_pct,
        ceiling_vnd=0 if is_drug else draw(st.sampled_from([0, 0, 10_000, 30_000])),
        waives_difference=draw(st.booleans()) and not is_drug,
    )
    total_vnd = split_line(line, insured(Decimal(80))).total_vnd
    sources = [0, 0, 0, 0]
    left_vnd = draw(st.integers(0, total_vnd)) if draw(st.booleans()) else 0
    for index in range(4):
        sources[index] = left_vnd if index == 3 else draw(st.integers(0, left_vnd))
        left_vnd -= sources[index]
    return replace(
        line,
        other_funding_vnd=sum(sources),
        other_state_vnd=sources[0],
        other_foreign_vnd=sources[1],
        other_domestic_vnd=sources[2],
        other_rest_vnd=sources[3],
    )


claim_rates = st.sampled_from([Decimal(text) for text in ("0", "32", "38", "40", "47.5", "80", "95", "100")])


def row_of(line: CostLine, made: ClaimAmounts) -> dict[str, str]:
    """The line as a row of XML2 or XML3, for the linter's own computation."""
    row = {
        "SO_LUONG": f"{made.quantity:f}",
        "TYLE_TT_BH": str(made.in_scope_pct),
        "MUC_HUONG": f"{made.benefit_rate_pct:f}",
        "T_NGUONKHAC_NSNN": str(made.other_state),
        "T_NGUONKHAC_VTNN": str(made.other_foreign),
        "T_NGUONKHAC_VTTN": str(made.other_domestic),
        "T_NGUONKHAC_CL": str(made.other_rest),
    }
    if made.is_drug:
        return row | {"DON_GIA": f"{made.unit_price:f}"}
    return row | {
        "DON_GIA_BV": f"{made.unit_price:f}",
        "DON_GIA_BH": f"{made.covered_unit_price:f}",
        "TYLE_TT_DV": str(made.service_pct),
    }


@given(claim_lines(), claim_rates)
def test_a_claims_line_agrees_with_the_linters_own_computation(line: CostLine, rate_pct: Decimal) -> None:
    check_lines([line])
    made = claim_line_amounts(line, insured(rate_pct))
    row = row_of(line, made)

    amounts = money.drug_amounts(row) if made.is_drug else money.service_amounts(row)
    if line.waives_difference:
        total = money.undercharged_total(row)
        amounts = replace(amounts, total=total, self_pay=total - amounts.covered)
    fund, copay, self_pay = money.after_other_funding(amounts, made.other_funding)

    assert made.total == amounts.total
    assert made.covered == amounts.covered
    # Half-up of two parts of one hundredth may leave the linter's copayment at -0.01, where a claim says 0.
    tolerance = CENT if amounts.copay < 0 else Decimal(0)
    assert abs(made.fund - fund) <= tolerance
    assert abs(made.copay - copay) <= tolerance
    assert abs(made.self_pay - self_pay) <= tolerance


@given(claim_lines(), claim_rates)
def test_a_claims_shares_close_within_a_hundredth_and_none_is_negative(
    line: CostLine, rate_pct: Decimal
) -> None:
    made = claim_line_amounts(line, insured(rate_pct))

    shares = (made.fund, made.copay, made.self_pay, made.other_funding)
    assert min(shares) >= 0
    assert 0 <= sum(shares) - made.total <= CENT
    assert made.other_funding <= made.total


@given(claim_lines(), claim_rates)
def test_collected_and_claimed_amounts_differ_by_a_dong_at_most(line: CostLine, rate_pct: Decimal) -> None:
    collected = split_line(line, insured(rate_pct))
    claimed = claim_line_amounts(line, insured(rate_pct))

    assert abs(collected.total_vnd - claimed.total) <= Decimal("0.51")
    assert abs(collected.fund_vnd - claimed.fund) <= Decimal("2.02")
    assert abs(collected.other_funding_vnd - claimed.other_funding) <= Decimal("0.51")


@given(st.lists(claim_lines(), min_size=1, max_size=8), claim_rates)
def test_a_bills_rounding_is_the_difference_of_its_sums(lines: list[CostLine], rate_pct: Decimal) -> None:
    bill = tuple(replace(line, line_id=str(number)) for number, line in enumerate(lines))
    finding = Finding(
        outcome=Outcome.VALID,
        explanation_vi="v",
        explanation_en="e",
        card=InsuranceCard(number="", object_group="GD", benefit_level=4, registered_facility_code="19999"),
    )
    command = SplitCommand(
        visit_id="v",
        service_date=date(2026, 9, 1),
        visit_code="",
        is_inpatient=True,
        is_emergency=False,
        lines=bill,
    )

    split = split_cost(command, finding, facility="19999", rules=RULES)
    totals = claim_totals(
        claim_line_amounts(line, made.benefit or split.benefit, service_pct=made.service_pct)
        for line, made in zip(bill, split.lines, strict=True)
    )

    assert split.rounding.total == split.total_vnd - totals.total
    assert split.rounding.fund == split.fund_vnd - totals.fund_by_lines
    assert (
        split.rounding.copay + split.rounding.self_pay == split.patient_vnd - totals.copay - totals.self_pay
    )
    assert split.rounding.other_funding == split.other_funding_vnd - totals.other_funding
    assert split.rounding.closing == totals.closing


FACILITY_COLUMNS = (
    "facility_code", "name_vi", "kind", "level", "points", "former_tier", "former_codes", "valid_from", "valid_to",
)  # fmt: skip
places = st.tuples(
    st.sampled_from(["hospital", "commune_station"]),
    st.sampled_from(["first", "basic", "specialised"]),
    st.sampled_from(["", "30", "50", "69", "80"]),
    st.sampled_from(["", "district", "provincial", "central"]),
)
told = st.builds(
    Circumstances,
    has_referral_slip=st.booleans(),
    has_reexamination_slip=st.booleans(),
    has_changed_residence=st.booleans(),
    is_organ_donor=st.booleans(),
    is_newborn=st.booleans(),
    serious_disease_annexes=st.frozensets(st.sampled_from(["I", "II"])),
    copay=st.none()
    | st.builds(
        CopayRecord,
        accumulated_vnd=st.integers(0, 20_000_000),
        before_change_vnd=st.none() | st.just(0),
    ),
)
MORE = (
    "slip", "reexamination", "residence", "donor", "newborn", "annex I", "annex II", "emergency", "own", "K1",
    "level", "copay", "five years",
)  # fmt: skip


def owed(
    place: tuple[str, str, str, str],
    lines: tuple[CostLine, ...],
    day: date,
    *,
    inpatient: bool,
    circumstances: Circumstances,
    rights: frozenset[str],
    level: str,
) -> int:
    kind, care, points, tier = place
    values = ("19777", "X", kind, care, points, tier, "", "2025-01-01", "")
    rules = replace(RULES, facilities=parse_facilities([dict(zip(FACILITY_COLUMNS, values, strict=True))]))
    card = InsuranceCard(
        number="",
        object_group=level[:2],
        benefit_level=int(level[2]),
        registered_facility_code="19777" if "own" in rights else "19888",
        area_code="K1" if "K1" in rights else "",
        five_year_date=date(2012, 1, 1) if "five years" in rights else None,
    )
    command = SplitCommand(
        visit_id="v",
        service_date=day,
        visit_code="",
        is_inpatient=inpatient,
        is_emergency="emergency" in rights,
        circumstances=circumstances,
        lines=lines,
    )
    finding = Finding(outcome=Outcome.VALID, explanation_vi="v", explanation_en="e", card=card)
    return split_cost(command, finding, facility="19777", rules=rules).patient_vnd


@given(
    place=places,
    lines=bills,
    day=st.dates(date(2015, 1, 1), date(2030, 12, 31)),
    inpatient=st.booleans(),
    circumstances=told,
    rights=st.frozensets(st.sampled_from(["own", "K1", "emergency", "five years"])),
    level=st.sampled_from(LEVELS),
    more=st.sampled_from(MORE),
)
def test_one_more_right_never_costs_the_patient_more(
    *,
    place: tuple[str, str, str, str],
    lines: tuple[CostLine, ...],
    day: date,
    inpatient: bool,
    circumstances: Circumstances,
    rights: frozenset[str],
    level: str,
    more: str,
) -> None:
    better, better_rights, better_level = circumstances, rights, level
    if more == "level":
        better_level = LEVELS[min(LEVELS.index(level) + 1, 2)]
    elif more == "copay":
        known = circumstances.copay or CopayRecord(accumulated_vnd=0)
        better = replace(
            circumstances, copay=replace(known, accumulated_vnd=known.accumulated_vnd + 1_000_000)
        )
    elif more.startswith("annex"):
        found = circumstances.serious_disease_annexes | {more.removeprefix("annex ")}
        better = replace(circumstances, serious_disease_annexes=found)
    elif more in ("own", "K1", "emergency", "five years"):
        better_rights = rights | {more}
    else:
        name = {
            "slip": "has_referral_slip",
            "reexamination": "has_reexamination_slip",
            "residence": "has_changed_residence",
            "donor": "is_organ_donor",
            "newborn": "is_newborn",
        }[more]
        better = replace(circumstances, **{name: True})  # type: ignore[arg-type]  # five booleans
    before = owed(
        place, lines, day, inpatient=inpatient, circumstances=circumstances, rights=rights, level=level
    )

    after = owed(
        place,
        lines,
        day,
        inpatient=inpatient,
        circumstances=better,
        rights=better_rights,
        level=better_level,
    )

    assert after <= before


@given(
    lines=bills,
    outcome=st.sampled_from([None, *Outcome]),
    group=st.sampled_from(LEVELS),
    facility=st.sampled_from(["19999", "19T01", "88888"]),
    day=st.dates(date(2025, 7, 1), date(2030, 12, 31)),
)
def test_an_estimates_range_holds_what_is_known_and_every_uncertainty(
    lines: tuple[CostLine, ...], outcome: Outcome | None, group: str, facility: str, day: date
) -> None:
    held = InsuranceCard(number="", object_group=group[:2], benefit_level=int(group[2]))
    finding = (
        None
        if outcome is None
        else Finding(outcome=outcome, explanation_vi="v", explanation_en="e", card=held)
    )
    command = SplitCommand(
        visit_id="v",
        service_date=day,
        visit_code="",
        is_inpatient=False,
        is_emergency=False,
        lines=lines,
    )

    made = estimate_cost(command, finding, facility=facility, rules=RULES)

    assert 0 <= made.low_vnd <= made.split.patient_vnd <= made.high_vnd
    for each in made.uncertainties:
        assert made.low_vnd <= each.low_vnd <= each.high_vnd <= made.high_vnd


@given(st.integers(0, 10**24), st.sampled_from([1, 2, 100, 10**4, 10**6, 10**8, 10**10, 3 * 10**12]))
def test_half_up_is_decimals_half_up(numerator: int, denominator: int) -> None:
    context = Context(prec=60)
    exact = context.divide(Decimal(numerator), Decimal(denominator))

    assert half_up(numerator, denominator) == exact.quantize(
        Decimal(1), rounding=ROUND_HALF_UP, context=context
    )
