"""Splits the lines of a bill between the fund, the patient and other funding, dong by dong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from insurance_svc.domain.benefit import NOT_INSURED_CODE, Judgement, card_base, judge, judge_card
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.benefit_words import card_ended, without_insurance
from insurance_svc.domain.claim_amounts import cents, other_sources
from insurance_svc.domain.days import vietnam_date
from insurance_svc.domain.errors import LineMalformed
from insurance_svc.domain.model import (
    INSURED,
    Benefit,
    CostLine,
    CostSplit,
    Finding,
    InsuranceCard,
    Rounding,
    SplitCommand,
    SplitLine,
)
from insurance_svc.domain.split_lines import LINES_MAX, check_lines
from insurance_svc.domain.split_measure import (
    Measure,
    Shares,
    after_other_funding,
    claim_shares,
    measure,
    rate_ratio,
    whole_shares,
)
from insurance_svc.domain.split_sequence import service_pcts
from insurance_svc.domain.split_words import Explainer
from insurance_svc.domain.tables import Rules
from insurance_svc.domain.treatment import card_on

__all__ = ["LINES_MAX", "check_lines", "split_cost", "split_line"]

_NOT_CHEAP_VND = 2**62
"""Above every threshold: whether the visit is a cheap one is decided once, for the whole of it."""


@dataclass(slots=True)
class _Claimed:
    """Sums of the claim's amounts in hundredths of a dong, as the lines go by."""

    total: int = 0
    covered: int = 0
    fund: int = 0
    copay: int = 0
    self_pay: int = 0
    other: int = 0

    def add(self, line: CostLine, measured: Measure, rate: tuple[int, int]) -> None:
        total, covered, shares = claim_shares(measured, rate)
        if line.other_funding_vnd:
            other = sum(other_sources(line, total))
            shares = after_other_funding(shares, other)
            self.other += other
        self.total += total
        self.covered += covered
        self.fund += shares.fund
        self.copay += shares.copay
        self.self_pay += shares.self_pay


def split_cost(command: SplitCommand, finding: Finding | None, *, facility: str, rules: Rules) -> CostSplit:
    """Split a visit's lines by the coverage and the rules of the day.

    Raises:
        TooManyLines, LineMalformed: of the lines.
        VisitCodeUnknown: the code given does not count for this visit.
    Source: Decision 4750/QĐ-BYT (amended by 3176/QĐ-BYT), columns T_BHTT, T_BNCCT, T_BNTT, T_NGUONKHAC of XML2/XML3.
    """
    check_lines(command.lines)
    pcts = service_pcts(command.lines, command.service_date)
    judged, measures = _judge_bill(command, finding, pcts, facility=facility, rules=rules)
    benefits = _benefits(command, finding, judged, facility=facility, rules=rules)
    lines, claimed = _split_lines(command, measures, benefits, judged)
    total_vnd = sum([line.total_vnd for line in lines])
    other_vnd = sum([line.other_funding_vnd for line in lines])
    whole = Shares(
        sum([line.fund_vnd for line in lines]),
        sum([line.copay_vnd for line in lines]),
        sum([line.self_pay_vnd for line in lines]),
    )
    split = CostSplit(
        visit_code=judged.visit_code,
        benefit=judged.benefit,
        lines=lines,
        total_vnd=total_vnd,
        fund_vnd=whole.fund,
        patient_vnd=whole.copay + whole.self_pay,
        other_funding_vnd=other_vnd,
        rounding=Rounding(
            total=cents(100 * total_vnd - claimed.total),
            fund=cents(100 * whole.fund - claimed.fund),
            copay=cents(100 * whole.copay - claimed.copay),
            self_pay=cents(100 * whole.self_pay - claimed.self_pay),
            other_funding=cents(100 * other_vnd - claimed.other),
            closing=cents(claimed.covered - claimed.copay - claimed.fund),
        ),
    )
    assert split.total_vnd == split.fund_vnd + split.patient_vnd + split.other_funding_vnd
    return split


def split_line(
    line: CostLine, benefit: Benefit, *, service_pct: int | None = None, is_own_benefit: bool = False
) -> SplitLine:
    """Split one line; total = fund + copay + self_pay + other_funding, none negative.

    Money from others that is given to the patient comes off the part outside the scope first, then the co-payment, then
    the fund's share. So the sum of the lines' fund shares, not the header formula T_TONGCHI_BH - T_BNCCT, is what the
    fund owes: a donor of 30 on 120 (100 recognised, 80 %) leaves 80/10/0/30, and the header formula says 90.

    Args:
        line: A checked line.
        benefit: What counts for it.
        service_pct: TYLE_TT_DV as worked out; None takes the line's own, or 100.
        is_own_benefit: Whether it differs from the visit's, so that the line keeps it.
    """
    pct = line.service_pct or 100 if service_pct is None else service_pct
    return _split_measured(line, measure(line, benefit, pct), _right(benefit, is_own=is_own_benefit))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Right:
    """A right with what its lines share."""

    kept: Benefit | None
    """The right where a line has to keep it; None: it is the visit's."""
    rate: tuple[int, int]
    explainer: Explainer


def _right(benefit: Benefit, *, is_own: bool) -> _Right:
    return _Right(
        kept=benefit if is_own else None, rate=rate_ratio(benefit.rate_pct), explainer=Explainer(benefit)
    )


def _split_measured(line: CostLine, measured: Measure, right: _Right) -> SplitLine:
    other_vnd = line.other_funding_vnd
    shares = whole_shares(measured, right.rate)
    if other_vnd:
        shares = after_other_funding(shares, other_vnd)
    fund_vnd, copay_vnd, self_pay_vnd = shares
    vi, en = right.explainer.explain(line, measured, shares)
    made = SplitLine(
        line_id=line.line_id,
        display_name=line.display_name,
        total_vnd=measured.total_vnd,
        covered_vnd=measured.covered_vnd,
        fund_vnd=fund_vnd,
        copay_vnd=copay_vnd,
        self_pay_vnd=self_pay_vnd,
        other_funding_vnd=other_vnd,
        service_pct=measured.service_pct,
        in_scope_pct=measured.in_scope_pct,
        benefit=right.kept,
        explanation_vi=vi,
        explanation_en=en,
    )
    assert fund_vnd + copay_vnd + self_pay_vnd + other_vnd == measured.total_vnd
    assert fund_vnd >= 0 <= copay_vnd
    assert self_pay_vnd >= 0
    return made


def _judge_bill(
    command: SplitCommand,
    finding: Finding | None,
    pcts: Sequence[int],
    *,
    facility: str,
    rules: Rules,
) -> tuple[Judgement, list[Measure]]:
    """What counts for the visit. The 15 % rule needs the covered total, and that needs to know what the card covers."""
    covers = _covers(command, finding, rules)
    measures = [measure(line, covers, pct) for line, pct in zip(command.lines, pcts, strict=True)]
    for index, (line, measured) in enumerate(zip(command.lines, measures, strict=True)):
        if line.other_funding_vnd > measured.total_vnd:
            raise LineMalformed(field=f"lines[{index}].other_funding_vnd", rule="0_to_line_total")
    facts = VisitFacts(
        facility=facility,
        service_date=command.service_date,
        visit_code=command.visit_code,
        is_inpatient=command.is_inpatient,
        is_emergency=command.is_emergency,
        covered_vnd=sum([each.covered_vnd for each in measures]),
        total_vnd=sum([each.total_vnd for each in measures]),
        circumstances=command.circumstances,
    )
    judged = judge(finding, facts, rules)
    if judged.benefit.is_insured and judged.benefit.has_no_rate_limits is not covers.has_no_rate_limits:
        # Another card than the first gives more, and covers otherwise.
        measures = [measure(line, judged.benefit, pct) for line, pct in zip(command.lines, pcts, strict=True)]
    return judged, measures


def _covers(command: SplitCommand, finding: Finding | None, rules: Rules) -> Benefit:
    """What the card covers at all, which the rate of the visit does not change."""
    if finding is None or finding.outcome not in INSURED or command.visit_code == NOT_INSURED_CODE:
        return without_insurance(None)
    base = card_base(finding.card, command.service_date, rules)
    return replace(
        without_insurance(None),
        is_insured=True,
        has_no_rate_limits=base.has_no_rate_limits,
        covers_forces=base.covers_forces,
    )


def _benefits(
    command: SplitCommand, finding: Finding | None, judged: Judgement, *, facility: str, rules: Rules
) -> list[Benefit]:
    """What counts for each line: the visit's right, or on days with another card the right of that card.

    Source: Decree 188/2025, art. 21 k2 (a new level counts from the day the new card does) and art. 50 k4.
    """
    if finding is None or finding.outcome not in INSURED or not judged.benefit.is_insured:
        return [judged.benefit] * len(command.lines)
    by_day: dict[date, Benefit] = {command.service_date: judged.benefit}
    found = []
    for line in command.lines:
        # What was ordered before the visit was registered, as in an emergency at midnight, belongs to its first day.
        day = command.service_date
        if line.order_time is not None:
            day = max(day, vietnam_date(line.order_time))
        if day not in by_day:
            by_day[day] = _benefit_on(day, command, finding, judged, facility=facility, rules=rules)
        found.append(by_day[day])
    return found


def _benefit_on(
    day: date, command: SplitCommand, finding: Finding, judged: Judgement, *, facility: str, rules: Rules
) -> Benefit:
    """The right on another day of the stay than the first; the highest of the cards that count then."""
    known = [card for card in (judged.card, *finding.cards, finding.replaced_card) if card is not None]
    if not known:
        return judged.benefit
    counting = [card for card in known if card.counts_on(day)]
    if not counting:
        grace = card_on(known, day, admit_date=command.service_date, is_inpatient=command.is_inpatient)
        if grace is None:
            return card_ended(max((card.valid_to_date for card in known if card.valid_to_date), default=None))
        counting = [grace]
    rights = [
        _right_of_card(card, day, command, judged, facility=facility, rules=rules)
        for card in dict.fromkeys(counting)
    ]
    return max(rights, key=lambda right: right.rate_pct)


def _right_of_card(
    card: InsuranceCard,
    day: date,
    command: SplitCommand,
    judged: Judgement,
    *,
    facility: str,
    rules: Rules,
) -> Benefit:
    """The right of a card on a later day of a stay; the thresholds stay those of the visit as a whole."""
    base = card_base(card, day, rules)
    is_same = judged.card == card and base == card_base(card, command.service_date, rules)
    if is_same or judged.benefit.rule_id in ("BELOW_15_PERCENT", "COPAY_EXEMPT"):
        return judged.benefit
    facts = VisitFacts(
        facility=facility,
        service_date=command.service_date,
        visit_code=judged.visit_code,
        is_inpatient=command.is_inpatient,
        is_emergency=command.is_emergency,
        covered_vnd=_NOT_CHEAP_VND,
        circumstances=replace(command.circumstances, copay=None),
        level_date=day,
    )
    return judge_card(card, facts, rules).benefit


def _split_lines(
    command: SplitCommand, measures: Sequence[Measure], benefits: Sequence[Benefit], judged: Judgement
) -> tuple[tuple[SplitLine, ...], _Claimed]:
    """The lines in their order; copayments add up in the order of time, and past the threshold there are none."""
    claimed = _Claimed()
    copay = command.circumstances.copay
    paid = copay.accumulated_vnd if copay is not None else 0
    threshold, exempt = judged.copay_threshold, judged.exempt_benefit
    rights: dict[int, _Right] = {}
    made: dict[int, SplitLine] = {}
    for index in _in_time(command.lines) if threshold is not None else range(len(command.lines)):
        line, benefit, measured = command.lines[index], benefits[index], measures[index]
        if (
            threshold is not None
            and exempt is not None
            and benefit.is_insured
            and _is_past(threshold, paid, line, command.service_date)
        ):
            benefit = exempt
        if benefit is not judged.benefit:
            measured = measure(line, benefit, measured.service_pct)
        # By identity: equal rights are one object here, and hashing one costs more than the line.
        right = rights.get(id(benefit))
        if right is None:
            right = rights[id(benefit)] = _right(benefit, is_own=benefit is not judged.benefit)
        made[index] = _split_measured(line, measured, right)
        claimed.add(line, measured, right.rate)
        paid += made[index].copay_vnd
    return tuple(made[index] for index in range(len(command.lines))), claimed


def _is_past(threshold: Fraction, paid_vnd: int, line: CostLine, service_date: date) -> bool:
    """Strictly above, and inside the year that the accumulated sum is of."""
    if paid_vnd <= threshold:
        return False
    return line.order_time is None or vietnam_date(line.order_time).year == service_date.year


def _in_time(lines: Sequence[CostLine]) -> Iterable[int]:
    """Lines without a time come first, in the order of the bill."""
    return sorted(
        range(len(lines)),
        key=lambda index: (time.timestamp() if (time := lines[index].order_time) else 0.0, index),
    )
