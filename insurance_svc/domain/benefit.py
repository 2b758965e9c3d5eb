"""The benefit rate of a visit: which right counts on its day, what the card gives, and the rule behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from insurance_svc.domain import benefit_words as words
from insurance_svc.domain.benefit_cases import LEVELS_OF_CARE_DATE, Place, VisitFacts, place_of, unmet
from insurance_svc.domain.benefit_copay import (
    Exemption,
    exemption_of,
    low_cost_limit_vnd,
    reference_level_on,
)
from insurance_svc.domain.errors import VisitCodeUnknown
from insurance_svc.domain.model import (
    INSURED,
    Benefit,
    Candidate,
    CandidateState,
    Finding,
    InsuranceCard,
    Note,
)
from insurance_svc.domain.tables import CaseRule, Rules, in_force, level_on

UNKNOWN_LEVEL_RATE_PCT = Decimal(80)
"""Base rate while the level is not known: the lowest one, level 4."""
NOT_INSURED_CODE = "9"
_ALL = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBase:
    """What a card gives on a day before anything else is looked at."""

    rate_pct: Decimal
    vi: str
    en: str
    has_no_rate_limits: bool = False
    covers_forces: bool = False
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What counts for a visit."""

    visit_code: str
    """Empty when not insured, or when the code list of the day is not known."""
    benefit: Benefit
    """Counts from the first dong of the visit."""
    card: InsuranceCard | None = None
    """The card that gives it."""
    exempt_benefit: Benefit | None = None
    """Counts from the line after the one that passes `copay_threshold`."""
    copay_threshold: Fraction | None = None
    """Copayments of the year that have to be passed, dong."""
    candidates: tuple[Candidate, ...] = ()
    """Every right that was looked at; only where it was asked for."""


def benefit_of(finding: Finding | None, facts: VisitFacts, rules: Rules) -> tuple[str, Benefit]:
    """The visit code that counts ("" when not insured) and the rate with its rule; see `judge`."""
    judged = judge(finding, facts, rules)
    return judged.visit_code, judged.benefit


def judge(
    finding: Finding | None, facts: VisitFacts, rules: Rules, *, with_candidates: bool = False
) -> Judgement:
    """Which right counts for a visit, by its newest coverage.

    Args:
        finding: The newest coverage; None when nothing was ever checked (self-pay).
        facts: About the visit.
        rules: The dated tables.
        with_candidates: Also tell every right that was looked at and why it counts or not.
    Raises:
        VisitCodeUnknown: the code given does not count on the day or for this kind of stay; or no rule is known for it.
    Source: Decision 3276/QĐ-BYT (17/10/2025); Health Insurance Law art. 22 as amended by Laws 46/2014/QH13 and
        51/2024/QH15; the highest right counts (Decree 188/2025, art. 21 k1).
    """
    if facts.visit_code:
        # A wrong code is refused even while nobody is insured, or it would surface only after the re-check.
        _named(facts.visit_code, facts, rules)
    if finding is None or finding.outcome not in INSURED:
        return Judgement(visit_code="", benefit=words.without_insurance(finding))
    cards = cards_counting(finding, facts.service_date)
    return judge_best(cards, facts, rules, with_candidates=with_candidates)


def cards_counting(finding: Finding, day: date) -> Sequence[InsuranceCard | None]:
    """The cards that count on a day, the one that the look-up chose first; only that one where it told no others."""
    others = [card for card in finding.cards if card.counts_on(day) and card != finding.card]
    return (finding.card, *others)


def judge_best(
    cards: Sequence[InsuranceCard | None], facts: VisitFacts, rules: Rules, *, with_candidates: bool = False
) -> Judgement:
    """Of several cards that count on the day, the one that gives most; the first of equals.

    Source: Decree 188/2025, art. 21 k1.
    """
    judged = [judge_card(card, facts, rules, with_candidates=with_candidates) for card in cards]
    return max(judged, key=lambda each: each.benefit.rate_pct)


def judge_card(
    card: InsuranceCard | None, facts: VisitFacts, rules: Rules, *, with_candidates: bool = False
) -> Judgement:
    """Which right counts for the holder of a card that is valid on the day; None: insured, the card not known."""
    if facts.visit_code == NOT_INSURED_CODE:
        _named(NOT_INSURED_CODE, facts, rules)
        return Judgement(visit_code=NOT_INSURED_CODE, benefit=words.registered_without())
    place = place_of(card, facts, rules)
    base = card_base(card, facts.level_date or facts.service_date, rules)
    rule, code = _chosen(place, facts, rules, base)
    benefit = _route_benefit(rule, code, place, facts, base)
    exemption, notes = exemption_of(card, facts.circumstances.copay, facts.service_date, rules)
    keeps_route = rule.is_full_route and rule.pct(is_inpatient=facts.is_inpatient) == 100
    low_cost = _low_cost_benefit(facts, rules, base) if keeps_route and benefit.rate_pct < _ALL else None
    exempt = _exempt_benefit(exemption, facts.service_date, base) if keeps_route and exemption else None
    is_exempt = exempt is not None and exemption is not None and exemption.is_reached
    may_cross = low_cost is None and exempt is not None and not is_exempt and benefit.rate_pct < _ALL
    counts = benefit
    if low_cost is not None:
        counts = low_cost
    elif is_exempt and exempt is not None and benefit.rate_pct < _ALL:
        counts = exempt
    elif benefit.rate_pct < _ALL and keeps_route:
        open_notes = exemption.notes if exemption is not None else notes
        counts = replace(benefit, notes=(*benefit.notes, *open_notes))
    judged = Judgement(
        visit_code=code,
        benefit=counts,
        card=card,
        exempt_benefit=exempt if may_cross else None,
        copay_threshold=exemption.threshold if may_cross and exemption is not None else None,
    )
    if not with_candidates:
        return judged
    found = [
        *_route_candidates(place, facts, rules, base, chosen=rule, counts=counts),
        *_threshold_candidates(facts, rules, exemption, counts=counts, keeps_route=keeps_route),
    ]
    return replace(judged, candidates=tuple(found))


def card_base(card: InsuranceCard | None, day: date, rules: Rules) -> CardBase:
    """The card's base rate in percent on a day, and why.

    The level is dated: a rule on (group, day) wins over what an old card prints (Resolution 261/2025/QH15).
    """
    if card is None or (not card.benefit_level and not card.object_group):
        return CardBase(
            rate_pct=UNKNOWN_LEVEL_RATE_PCT,
            vi="chưa biết mức hưởng trên thẻ, tạm tính mức thấp nhất 80%",
            en="the card's level is not known, the lowest, 80%, is taken",
            notes=(words.LEVEL_UNKNOWN,),
        )
    dated = in_force([rule for rule in rules.group_levels if rule.object_group == card.object_group], day)
    level = dated[0].level if dated else card.benefit_level
    found = level_on(rules.levels, level=level, day=day)
    if found is None:
        return CardBase(
            rate_pct=UNKNOWN_LEVEL_RATE_PCT,
            vi="chưa có quy định mức hưởng cho ngày này, tạm tính 80%",
            en="no rule of the level is known for the day, 80% is taken",
            notes=(words.LEVEL_UNKNOWN,),
        )
    changed = bool(dated and card.benefit_level and level != card.benefit_level)
    rate = Decimal(found.base_rate_pct)
    printed = card.benefit_level
    source = dated[0].source if dated else ""
    return CardBase(
        rate_pct=rate,
        vi=f"nhóm {card.object_group}, mức hưởng {level}: {words.pct_vi(rate)}"
        + (f" (thẻ in mức {printed}, đã đổi theo quy định mới)" if changed else ""),
        en=f"group {card.object_group}, level {level}: {words.pct_en(rate)}"
        + (f" (the card prints {printed}; changed by {source})" if changed else ""),
        has_no_rate_limits=found.has_no_rate_limits,
        covers_forces=found.covers_forces,
    )


def _chosen(place: Place, facts: VisitFacts, rules: Rules, base: CardBase) -> tuple[CaseRule, str]:
    """The case that counts, and the visit code to write: as named, or the highest, the first of equals."""
    if facts.visit_code:
        return _named(facts.visit_code, facts, rules), facts.visit_code
    applying = [rule for rule in _rows_on(facts.service_date, rules) if not unmet(rule, place)]
    if not applying:
        raise VisitCodeUnknown(why="no_rules_for_this_day", service_date=facts.service_date.isoformat())
    # Of equal rates the one with which the thresholds go, then the one that stands first.
    rule = min(applying, key=lambda each: (-_rate_of(each, facts, base), not each.is_full_route, each.order))
    is_listed = rule.is_code and rule.valid_from_date <= facts.service_date
    return rule, rule.case if is_listed else ""


def _named(code: str, facts: VisitFacts, rules: Rules) -> CaseRule:
    """The row of a code given by the caller; drug pick-ups (7.2 to 7.4, 10) take the rate of the visit behind them."""
    row = _row(code, facts, rules)
    if row.rate_base != "case":
        return _checked(row, facts)
    original = facts.circumstances.original_visit_code
    if not original:
        raise VisitCodeUnknown(
            why="needs_code_of_original_visit", service_date=facts.service_date.isoformat()
        )
    behind = _row(original, facts, rules)
    if behind.rate_base == "case":
        raise VisitCodeUnknown(
            why="original_visit_code_is_a_pick_up", service_date=facts.service_date.isoformat()
        )
    behind = _checked(behind, facts)
    return replace(
        behind,
        case=code,
        case_vi=f"{row.case_vi}, theo mã {original} của lượt khám đã kê đơn",
        case_en=f"{row.case_en}, by code {original} of the visit that prescribed",
        article=f"{row.article}; {behind.article}",
    )


def _row(code: str, facts: VisitFacts, rules: Rules) -> CaseRule:
    day = facts.service_date.isoformat()
    rows = [rule for rule in rules.cases if rule.is_code and rule.case == code]
    if not rows:
        raise VisitCodeUnknown(why="no_such_code", service_date=day)
    found = in_force(rows, facts.service_date)
    if not found:
        raise VisitCodeUnknown(why="not_in_force", service_date=day)
    return found[0]


def _checked(row: CaseRule, facts: VisitFacts) -> CaseRule:
    if row.pct(is_inpatient=facts.is_inpatient) is None:
        why = "not_for_inpatient" if facts.is_inpatient else "not_for_outpatient"
        raise VisitCodeUnknown(why=why, service_date=facts.service_date.isoformat())
    return row


def _rows_on(day: date, rules: Rules) -> list[CaseRule]:
    """The cases whose right counts on a day, in their order; those that only a facility may name are left out."""
    return sorted(
        (rule for rule in rules.cases if rule.gives_right_on(day) and rule.rate_base in ("card", "absolute")),
        key=lambda rule: rule.order,
    )


def _rate_of(rule: CaseRule, facts: VisitFacts, base: CardBase) -> Decimal:
    pct = rule.pct(is_inpatient=facts.is_inpatient)
    if pct is None:
        return Decimal(0)
    return Decimal(pct) if rule.rate_base == "absolute" else Decimal(pct) * base.rate_pct / 100


def _route_benefit(rule: CaseRule, code: str, place: Place, facts: VisitFacts, base: CardBase) -> Benefit:
    pct = rule.pct(is_inpatient=facts.is_inpatient)
    assert pct is not None, "_chosen gives only cases with a percent"
    why_vi, why_en = words.of_case(rule, code=code, pct=pct, base_vi=base.vi, base_en=base.en)
    notes = list(base.notes) if rule.rate_base == "card" else []
    if place.facility is None:
        notes.append(words.FACILITY_UNKNOWN)
    if facts.service_date < LEVELS_OF_CARE_DATE:
        notes.append(words.FORMER_LAW)
    return Benefit(
        rate_pct=_rate_of(rule, facts, base),
        rule_id=words.rule_id(rule, code=code),
        legal_reference=words.reference(rule, code=code),
        rule_valid_from_date=rule.valid_from_date if code or not rule.is_code else rule.right_from_date,
        is_insured=True,
        why_vi=why_vi,
        why_en=why_en,
        has_no_rate_limits=base.has_no_rate_limits,
        covers_forces=base.covers_forces,
        notes=tuple(notes),
    )


def _low_cost_benefit(facts: VisitFacts, rules: Rules, base: CardBase) -> Benefit | None:
    """Everything is paid when the visit costs less than 15 % of the reference level, strictly.

    Source: Health Insurance Law art. 22 k1 b. What is compared is the total inside the scope (T_TONGCHI_BH), as the
        annex of Decision 3176/QĐ-BYT says under MUC_HUONG.
    """
    salary = reference_level_on(rules, facts.service_date)
    limit_vnd = low_cost_limit_vnd(rules, facts.service_date)
    if salary is None or limit_vnd is None or facts.covered_vnd >= limit_vnd:
        return None
    total_vnd = facts.covered_vnd if facts.total_vnd is None else facts.total_vnd
    return Benefit(
        rate_pct=_ALL,
        rule_id="BELOW_15_PERCENT",
        legal_reference=f"{words.low_cost_article(facts.service_date)}; Nghị định {salary.decree}",
        rule_valid_from_date=max(salary.valid_from_date, words.law_date(facts.service_date)),
        is_insured=True,
        why_vi=(
            "tổng chi phí trong phạm vi BHYT dưới 15% mức lương cơ sở "
            f"({words.dong_vi(limit_vnd)} đồng) nên được hưởng 100%"
        ),
        why_en=f"the covered cost of the visit is below 15% of the base salary ({limit_vnd:,} dong)",
        has_no_rate_limits=base.has_no_rate_limits,
        covers_forces=base.covers_forces,
        notes=(words.LOW_COST_BASIS,) if total_vnd >= limit_vnd else (),
    )


def _exempt_benefit(exemption: Exemption, day: date, base: CardBase) -> Benefit:
    amount_vi, amount_en = words.fraction_dong(exemption.threshold)
    by_paper = exemption.threshold == 0
    return Benefit(
        rate_pct=_ALL,
        rule_id="COPAY_EXEMPT",
        legal_reference=words.exempt_article(day),
        rule_valid_from_date=words.exempt_date(day),
        is_insured=True,
        why_vi="được miễn cùng chi trả đến 31/12 theo dữ liệu cổng BHXH hoặc giấy chứng nhận"
        if by_paper
        else f"đủ 5 năm liên tục và cùng chi trả trong năm đã vượt {amount_vi} đồng, miễn cùng chi trả đến 31/12",
        why_en="exempt from copayment until 31 December by the portal or a certificate"
        if by_paper
        else f"five years complete and copayments of the year above {amount_en} dong: none until 31 December",
        has_no_rate_limits=base.has_no_rate_limits,
        covers_forces=base.covers_forces,
        notes=exemption.notes,
    )


def _route_candidates(
    place: Place, facts: VisitFacts, rules: Rules, base: CardBase, *, chosen: CaseRule, counts: Benefit
) -> list[Candidate]:
    """Each case of the day: why it counts or not."""
    won = counts.rule_id not in ("BELOW_15_PERCENT", "COPAY_EXEMPT")
    chosen_rate = _rate_of(chosen, facts, base)
    found = [] if chosen in rules.cases else [_candidate(chosen, facts, base, won=won)]
    for rule in _rows_on(facts.service_date, rules):
        if rule == chosen:
            found.append(_candidate(rule, facts, base, won=won))
            continue
        reason = unmet(rule, place)
        if reason:
            found.append(_candidate(rule, facts, base, reason=reason))
        elif _rate_of(rule, facts, base) > chosen_rate:
            found.append(_candidate(rule, facts, base, state=CandidateState.NOT_CHOSEN))
        else:
            found.append(_candidate(rule, facts, base, state=CandidateState.LOWER))
    return found


def _candidate(
    rule: CaseRule,
    facts: VisitFacts,
    base: CardBase,
    *,
    won: bool = False,
    reason: str = "",
    state: CandidateState | None = None,
) -> Candidate:
    code = rule.case if rule.is_code and rule.valid_from_date <= facts.service_date else ""
    if state is None:
        state = CandidateState.NOT_MET if reason else CandidateState.WON if won else CandidateState.LOWER
    vi, en = words.of_state(rule, state, reason)
    return Candidate(
        rule_id=words.rule_id(rule, code=code),
        visit_code=code,
        rate_pct=_rate_of(rule, facts, base),
        legal_reference=words.reference(rule, code=code),
        valid_from_date=rule.valid_from_date if code or not rule.is_code else rule.right_from_date,
        state=state,
        why_vi=vi,
        why_en=en,
    )


def _threshold_candidates(
    facts: VisitFacts, rules: Rules, exemption: Exemption | None, *, counts: Benefit, keeps_route: bool
) -> list[Candidate]:
    day = facts.service_date
    salary = reference_level_on(rules, day)
    limit_vnd = low_cost_limit_vnd(rules, day)
    if salary is None or limit_vnd is None:
        return []
    low = words.of_low_cost(
        counts,
        keeps_route=keeps_route,
        is_below=facts.covered_vnd < limit_vnd,
        covered_vnd=facts.covered_vnd,
        limit_vnd=limit_vnd,
    )
    exempt = words.of_exemption(counts, keeps_route=keeps_route, exemption=exemption)
    return [
        Candidate(
            rule_id="BELOW_15_PERCENT",
            visit_code="",
            rate_pct=_ALL,
            legal_reference=f"{words.low_cost_article(day)}; Nghị định {salary.decree}",
            valid_from_date=max(salary.valid_from_date, words.law_date(day)),
            state=low[0],
            why_vi=low[1],
            why_en=low[2],
        ),
        Candidate(
            rule_id="COPAY_EXEMPT",
            visit_code="",
            rate_pct=_ALL,
            legal_reference=words.exempt_article(day),
            valid_from_date=words.exempt_date(day),
            state=exempt[0],
            why_vi=exempt[1],
            why_en=exempt[2],
        ),
    ]
