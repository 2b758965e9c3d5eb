"""What planned services will cost the patient: a range, and by name everything that may still turn out otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from insurance_svc.domain.benefit import judge
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.benefit_copay import low_cost_limit_vnd
from insurance_svc.domain.model import (
    INSURED,
    PENDING,
    CostLine,
    CostSplit,
    Finding,
    InsuranceCard,
    Outcome,
    SplitCommand,
)
from insurance_svc.domain.split import split_cost
from insurance_svc.domain.split_lines import LINE_TOTAL_MAX_VND
from insurance_svc.domain.split_measure import half_up
from insurance_svc.domain.tables import Rules

PRICE_MARGIN_PCT = 10
"""How much planned prices and quantities may be off; a guess of ours, no rule."""
NEAR_PCT = 20
"""So near to the 15 % threshold, in percent of it, one more service decides; a guess of ours."""
_BEST_LEVEL = 2
_NOT_CHEAP_VND = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """One thing that may turn out otherwise."""

    code: str
    vi: str
    en: str
    low_vnd: int
    """What the patient would owe at least."""
    high_vnd: int
    """What the patient would owe at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A split by what is known now, and the range around it."""

    split: CostSplit
    low_vnd: int
    high_vnd: int
    uncertainties: tuple[Uncertainty, ...]


def estimate_cost(command: SplitCommand, finding: Finding | None, *, facility: str, rules: Rules) -> Estimate:
    """Estimate planned lines; nothing is stored.

    Args:
        command: Planned lines with what is known of the visit.
        finding: The newest coverage; None when it was not checked yet.
        facility: Where the services are planned.
        rules: The dated tables.
    Raises:
        TooManyLines, LineMalformed, VisitCodeUnknown: as split_cost.
    """
    split = split_cost(command, finding, facility=facility, rules=rules)
    found = [
        *_about_coverage(command, finding, split, facility=facility, rules=rules),
        *_about_rights(command, finding, split, facility=facility, rules=rules),
    ]
    lows = [split.patient_vnd, *(each.low_vnd for each in found)]
    highs = [split.patient_vnd, *(each.high_vnd for each in found)]
    prices = _about_prices(command, finding, split, facility=facility, rules=rules)
    return Estimate(
        split=split,
        low_vnd=min(prices.low_vnd, min(lows) * (100 - PRICE_MARGIN_PCT) // 100),
        high_vnd=max(prices.high_vnd, half_up(max(highs) * (100 + PRICE_MARGIN_PCT), 100)),
        uncertainties=(*found, prices),
    )


def _about_coverage(
    command: SplitCommand, finding: Finding | None, split: CostSplit, *, facility: str, rules: Rules
) -> list[Uncertainty]:
    """Insured or not, and at which level."""
    if finding is None or finding.outcome in PENDING:
        best = _insured_split(command, _best_card(finding, facility), facility=facility, rules=rules)
        code = "COVERAGE_NOT_CHECKED" if finding is None else "COVERAGE_UNVERIFIED"
        return [
            Uncertainty(
                code=code,
                vi="Chưa xác minh được thẻ BHYT: có thẻ hợp lệ thì trả ít hơn, không có thì trả toàn bộ.",
                en="The coverage is not verified: less with a valid card, everything without.",
                low_vnd=min(best.patient_vnd, split.patient_vnd),
                high_vnd=max(best.patient_vnd, split.patient_vnd),
            )
        ]
    if any(note.code == "LEVEL_UNKNOWN" for note in split.benefit.notes):
        best = _insured_split(command, _best_card(finding, facility), facility=facility, rules=rules)
        return [
            Uncertainty(
                code="LEVEL_UNKNOWN",
                vi="Chưa biết mức hưởng trên thẻ; tạm tính 80%, có thể cao hơn.",
                en="The card's level is not known; 80% is taken, it may be more.",
                low_vnd=min(best.patient_vnd, split.patient_vnd),
                high_vnd=split.patient_vnd,
            )
        ]
    return []


def _about_rights(
    command: SplitCommand, finding: Finding | None, split: CostSplit, *, facility: str, rules: Rules
) -> list[Uncertainty]:
    """A slip, the 15 % threshold and the copay exemption, for who is insured."""
    if finding is None or finding.outcome not in INSURED or not split.benefit.is_insured:
        return []
    found = []
    told = command.circumstances
    if not told.has_referral_slip and not command.visit_code:
        with_slip = split_cost(
            replace(command, circumstances=replace(told, has_referral_slip=True)),
            finding,
            facility=facility,
            rules=rules,
        )
        if with_slip.patient_vnd < split.patient_vnd:
            found.append(
                Uncertainty(
                    code="SLIP_NOT_SHOWN",
                    vi="Chưa xuất trình phiếu chuyển cơ sở hoặc phiếu hẹn khám lại; có phiếu thì trả ít hơn.",
                    en="No referral or re-examination slip was shown; with one it is less.",
                    low_vnd=with_slip.patient_vnd,
                    high_vnd=split.patient_vnd,
                )
            )
    near = _near_threshold(command, finding, split, facility=facility, rules=rules)
    if near is not None:
        found.append(near)
    if any(note.code in ("COPAY_RECORD_UNKNOWN", "COPAY_HALVES_UNKNOWN") for note in split.benefit.notes):
        copay_vnd = sum(line.copay_vnd for line in split.lines)
        found.append(
            Uncertainty(
                code="COPAY_RECORD_UNKNOWN",
                vi="Đã đủ 5 năm liên tục nhưng chưa rõ số cùng chi trả lũy kế; có thể được miễn cùng chi trả.",
                en="Five years are complete, the year's copayments are not known for sure; there may be no copayment.",
                low_vnd=split.patient_vnd - copay_vnd,
                high_vnd=split.patient_vnd,
            )
        )
    return found


def _near_threshold(
    command: SplitCommand, finding: Finding, split: CostSplit, *, facility: str, rules: Rules
) -> Uncertainty | None:
    limit_vnd = low_cost_limit_vnd(rules, command.service_date)
    covered_vnd = sum(line.covered_vnd for line in split.lines)
    if limit_vnd is None or abs(covered_vnd - limit_vnd) * 100 > NEAR_PCT * limit_vnd:
        return None
    facts = VisitFacts(
        facility=facility,
        service_date=command.service_date,
        visit_code=command.visit_code,
        is_inpatient=command.is_inpatient,
        is_emergency=command.is_emergency,
        covered_vnd=_NOT_CHEAP_VND,
        circumstances=command.circumstances,
    )
    rate = judge(finding, facts, rules).benefit.rate_pct
    cheap = judge(finding, replace(facts, covered_vnd=0), rules).benefit.rule_id == "BELOW_15_PERCENT"
    if not cheap or rate == 100:
        return None
    numerator, denominator = rate.as_integer_ratio()
    paid_vnd = covered_vnd - half_up(covered_vnd * numerator, 100 * denominator)
    is_below = split.benefit.rule_id == "BELOW_15_PERCENT"
    copay_vnd = sum(line.copay_vnd for line in split.lines)
    return Uncertainty(
        code="LOW_COST_THRESHOLD_NEAR",
        vi=(
            "Chi phí trong phạm vi BHYT gần ngưỡng 15% mức lương cơ sở: dưới ngưỡng thì không phải cùng chi trả, từ "
            "ngưỡng trở lên thì phải cùng chi trả toàn bộ."
        ),
        en="The covered cost is near 15% of the base salary: below it there is no copayment, from it on there is.",
        low_vnd=split.patient_vnd if is_below else split.patient_vnd - copay_vnd,
        high_vnd=split.patient_vnd + paid_vnd if is_below else split.patient_vnd,
    )


def _about_prices(
    command: SplitCommand, finding: Finding | None, split: CostSplit, *, facility: str, rules: Rules
) -> Uncertainty:
    owed = [split.patient_vnd]
    for pct in (100 - PRICE_MARGIN_PCT, 100 + PRICE_MARGIN_PCT):
        scaled = replace(command, lines=tuple(_scaled(line, pct) for line in command.lines))
        owed.append(split_cost(scaled, finding, facility=facility, rules=rules).patient_vnd)
    return Uncertainty(
        code="PRICES_MAY_CHANGE",
        vi=f"Dịch vụ dự kiến; giá và số lượng thực tế có thể lệch {PRICE_MARGIN_PCT}%.",
        en=f"The services are planned; real prices and quantities may be off by {PRICE_MARGIN_PCT}%.",
        low_vnd=min(owed),
        high_vnd=max(owed),
    )


def _scaled(line: CostLine, pct: int) -> CostLine:
    """A line at another price, inside what a line may cost; one that others pay for gets no cheaper."""
    if line.other_funding_vnd and pct < 100:
        return line
    limit_vnd = max(line.unit_price_vnd, int(LINE_TOTAL_MAX_VND // max(line.quantity, Decimal(1))))
    unit_vnd = min(line.unit_price_vnd * pct // 100, limit_vnd)
    covered_vnd = min(line.covered_unit_price_vnd * pct // 100, unit_vnd)
    return replace(
        line,
        unit_price_vnd=unit_vnd,
        covered_unit_price_vnd=unit_vnd if line.is_drug and covered_vnd else covered_vnd,
        exact_unit_price=None,
        exact_covered_unit_price=None,
    )


def _best_card(finding: Finding | None, facility: str) -> InsuranceCard:
    """The card that a doubtful look-up told, else one that gives everything here."""
    if finding is not None and finding.card is not None and finding.card.benefit_level:
        return finding.card
    known = finding.card if finding is not None else None
    registered = known.registered_facility_code if known is not None else facility
    return InsuranceCard(number="", benefit_level=_BEST_LEVEL, registered_facility_code=registered)


def _insured_split(command: SplitCommand, card: InsuranceCard, *, facility: str, rules: Rules) -> CostSplit:
    finding = Finding(outcome=Outcome.VALID, explanation_vi="", explanation_en="", card=card)
    return split_cost(command, finding, facility=facility, rules=rules)
