"""Between messages of benefit.proto and values of the domain; pure."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from insurance_svc.codec.coverage import service_date_of, visit_id_of
from insurance_svc.codec.lines import (
    decimal_text,
    from_note,
    from_split_line,
    to_circumstances,
    to_day,
    to_line,
)
from insurance_svc.domain.benefit_cases import AREA_CODES, VisitFacts
from insurance_svc.domain.errors import CardFactsMalformed, TooManyLines
from insurance_svc.domain.estimate import Estimate
from insurance_svc.domain.model import Candidate, CandidateState, InsuranceCard, SplitCommand
from insurance_svc.domain.split import LINES_MAX
from insurance_svc.operations.evaluate_benefit import Evaluation
from lienthong.insurance.v1 import benefit_pb2 as pb

CARDS_MAX = 10
_GROUP = re.compile(r"(?:[A-Z]{2})?", re.ASCII)
_FACILITY = re.compile(r"(?:[0-9A-Z]{5})?", re.ASCII)
_NOT_CHEAP_VND = 2**62
_STATES = {
    CandidateState.WON: pb.CANDIDATE_STATE_WON,
    CandidateState.LOWER: pb.CANDIDATE_STATE_LOWER,
    CandidateState.NOT_MET: pb.CANDIDATE_STATE_NOT_MET,
    CandidateState.NOT_CHOSEN: pb.CANDIDATE_STATE_NOT_CHOSEN,
}


def to_facts(request: pb.EvaluateBenefitRequest, *, facility: str, today: date) -> VisitFacts:
    """The visit to be judged; raises ServiceDateMalformed, CircumstanceMalformed, CardFactsMalformed."""
    if _FACILITY.fullmatch(request.facility) is None:
        raise CardFactsMalformed("facility", rule="5_characters")
    covered_vnd = request.covered_vnd if request.HasField("covered_vnd") else _NOT_CHEAP_VND
    if covered_vnd < 0:
        raise CardFactsMalformed("covered_vnd", rule="at_least_0")
    return VisitFacts(
        facility=request.facility or facility,
        service_date=service_date_of(request.service_date, today=today),
        visit_code=request.visit_code.strip(),
        is_inpatient=request.inpatient,
        is_emergency=request.emergency,
        covered_vnd=covered_vnd,
        circumstances=to_circumstances(request.circumstances),
    )


def to_cards(request: pb.EvaluateBenefitRequest) -> list[InsuranceCard]:
    """The cards to be judged, without a number; raises CardFactsMalformed."""
    if len(request.cards) > CARDS_MAX:
        raise CardFactsMalformed("cards", rule="at_most_10")
    return [_card(index, card) for index, card in enumerate(request.cards)]


def from_evaluation(evaluation: Evaluation, *, day: date) -> pb.EvaluateBenefitResponse:
    """What the rules of a day say, as the contract tells it."""
    judged, benefit = evaluation.judged, evaluation.judged.benefit
    threshold = evaluation.copay_threshold
    return pb.EvaluateBenefitResponse(
        service_date=day.isoformat(),
        visit_code=judged.visit_code,
        rate_pct=decimal_text(benefit.rate_pct),
        rule_id=benefit.rule_id,
        legal_reference=benefit.legal_reference,
        rule_valid_from_date=benefit.rule_valid_from_date.isoformat(),
        why_vi=benefit.why_vi,
        why_en=benefit.why_en,
        candidates=[_candidate(each) for each in judged.candidates],
        notes=[from_note(note) for note in benefit.notes],
        reference_level_vnd=evaluation.reference_level_vnd,
        low_cost_limit_vnd=evaluation.low_cost_limit_vnd,
        copay_threshold=""
        if threshold is None
        else decimal_text(
            (Decimal(threshold.numerator) / threshold.denominator).quantize(
                Decimal("0.01"), rounding=ROUND_HALF_UP
            )
        ),
    )


def to_estimate_command(request: pb.EstimateCostRequest, *, today: date) -> SplitCommand:
    """Raises ResourceNameMalformed, ServiceDateMalformed, TooManyLines, LineMalformed, CircumstanceMalformed."""
    # Before any line is read: a message of a megabyte holds far more lines than a bill.
    if not 1 <= len(request.lines) <= LINES_MAX:
        raise TooManyLines(line_count=len(request.lines), limit_count=LINES_MAX)
    return SplitCommand(
        visit_id=visit_id_of(request.visit),
        service_date=service_date_of(request.service_date, today=today),
        visit_code=request.visit_code.strip(),
        is_inpatient=request.inpatient,
        is_emergency=request.emergency,
        circumstances=to_circumstances(request.circumstances),
        lines=tuple(to_line(index, line) for index, line in enumerate(request.lines)),
    )


def from_estimate(estimate: Estimate) -> pb.EstimateCostResponse:
    """An estimate as the contract tells it."""
    split = estimate.split
    return pb.EstimateCostResponse(
        patient_vnd=split.patient_vnd,
        patient_low_vnd=estimate.low_vnd,
        patient_high_vnd=estimate.high_vnd,
        total_vnd=split.total_vnd,
        fund_vnd=split.fund_vnd,
        lines=[from_split_line(line, split.benefit) for line in split.lines],
        visit_code=split.visit_code,
        uncertainties=[
            pb.EstimateUncertainty(
                code=each.code,
                text_vi=each.vi,
                text_en=each.en,
                patient_low_vnd=each.low_vnd,
                patient_high_vnd=each.high_vnd,
            )
            for each in estimate.uncertainties
        ],
    )


def _card(index: int, card: pb.CardFacts) -> InsuranceCard:
    place = f"cards[{index}]"
    if _GROUP.fullmatch(card.object_group) is None:
        raise CardFactsMalformed(f"{place}.object_group", rule="two_letters")
    if not 0 <= card.benefit_level <= 5:
        raise CardFactsMalformed(f"{place}.benefit_level", rule="0_to_5")
    if _FACILITY.fullmatch(card.registered_facility_code) is None:
        raise CardFactsMalformed(f"{place}.registered_facility_code", rule="5_characters")
    if card.area_code and card.area_code not in AREA_CODES:
        raise CardFactsMalformed(f"{place}.area_code", rule="K1_K2_or_K3")
    return InsuranceCard(
        number="",
        object_group=card.object_group,
        benefit_level=card.benefit_level,
        registered_facility_code=card.registered_facility_code,
        area_code=card.area_code,
        five_year_date=to_day(card.five_year_date, f"{place}.five_year_date"),
    )


def _candidate(candidate: Candidate) -> pb.Candidate:
    return pb.Candidate(
        rule_id=candidate.rule_id,
        visit_code=candidate.visit_code,
        rate_pct=decimal_text(candidate.rate_pct),
        legal_reference=candidate.legal_reference,
        valid_from_date=candidate.valid_from_date.isoformat(),
        state=_STATES[candidate.state],
        why_vi=candidate.why_vi,
        why_en=candidate.why_en,
    )
