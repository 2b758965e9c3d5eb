"""Between messages of insurance.proto and values of the domain; pure."""

from __future__ import annotations

import re
from datetime import date

from chassis.rpc.timestamps import to_timestamp
from insurance_svc.codec.lines import from_note, from_rounding, from_split_line, to_circumstances, to_line
from insurance_svc.domain.errors import (
    CitizenNotFound,
    ResourceNameMalformed,
    ServiceDateMalformed,
    TooManyLines,
)
from insurance_svc.domain.model import (
    Coverage,
    Evidence,
    InsuranceCard,
    Moment,
    Outcome,
    SplitCommand,
    StoredSplit,
)
from insurance_svc.domain.split import LINES_MAX
from insurance_svc.domain.treatment import grace_end_date
from insurance_svc.operations import CheckCommand
from lienthong.insurance.v1 import insurance_pb2 as pb

OTHER_IDENTIFIERS_MAX = 10
_VISIT = re.compile(r"visits/([0-9a-z-]{1,64})", re.ASCII)
_CITIZEN = re.compile(r"citizens/([0-9a-z-]{1,64})", re.ASCII)
_EVIDENCE = re.compile(r"visits/([0-9a-z-]{1,64})/evidence/([0-9a-z-]{1,64})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

MOMENTS = {
    Moment.ARRIVAL: pb.LOOK_UP_MOMENT_ARRIVAL,
    Moment.DURING: pb.LOOK_UP_MOMENT_DURING,
    Moment.END: pb.LOOK_UP_MOMENT_END,
}
OUTCOMES = {
    Outcome.VALID: pb.COVERAGE_OUTCOME_VALID,
    Outcome.VALID_MANUAL: pb.COVERAGE_OUTCOME_VALID_MANUAL,
    Outcome.CARD_CHANGED: pb.COVERAGE_OUTCOME_CARD_CHANGED,
    Outcome.NOT_VALID: pb.COVERAGE_OUTCOME_NOT_VALID,
    Outcome.NOT_FOUND: pb.COVERAGE_OUTCOME_NOT_FOUND,
    Outcome.PERSON_MISMATCH: pb.COVERAGE_OUTCOME_PERSON_MISMATCH,
    Outcome.UNVERIFIED: pb.COVERAGE_OUTCOME_UNVERIFIED,
    Outcome.DISPUTED: pb.COVERAGE_OUTCOME_DISPUTED,
    Outcome.SELF_PAY: pb.COVERAGE_OUTCOME_SELF_PAY,
}


def visit_id_of(name: str) -> str:
    """The id in "visits/{visit}"; raises ResourceNameMalformed."""
    match = _VISIT.fullmatch(name)
    if match is None:
        raise ResourceNameMalformed("visit", form="visits/{visit}")
    return match[1]


def evidence_ids_of(name: str) -> tuple[str, str]:
    """Visit and evidence of "visits/{visit}/evidence/{evidence}"; raises ResourceNameMalformed."""
    match = _EVIDENCE.fullmatch(name)
    if match is None:
        raise ResourceNameMalformed("name", form="visits/{visit}/evidence/{evidence}")
    return match[1], match[2]


def to_check_command(request: pb.CheckCoverageRequest, *, today: date) -> CheckCommand:
    """Raises CitizenNotFound, ResourceNameMalformed, ServiceDateMalformed."""
    if not request.citizen:
        raise CitizenNotFound
    match = _CITIZEN.fullmatch(request.citizen)
    if match is None:
        raise ResourceNameMalformed("citizen", form="citizens/{citizen}")
    return CheckCommand(
        visit_id=visit_id_of(request.visit),
        citizen_id=match[1],
        identifier=request.identifier,
        full_name=request.full_name,
        birth_date=request.birth_date,
        service_date=service_date_of(request.service_date, today=today),
        self_pay=request.self_pay,
        other_identifiers=tuple(request.other_identifiers[:OTHER_IDENTIFIERS_MAX]),
        printed_name=request.printed_name,
    )


def to_split_command(request: pb.SplitCostRequest, *, today: date) -> SplitCommand:
    """Raises ResourceNameMalformed, ServiceDateMalformed, TooManyLines, LineMalformed (a number that is none),
    CircumstanceMalformed."""
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


def service_date_of(text: str, *, today: date) -> date:
    """The day, today when empty; raises ServiceDateMalformed."""
    if not text:
        return today
    if _DAY.fullmatch(text) is None:
        raise ServiceDateMalformed
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ServiceDateMalformed from None


def from_coverage(coverage: Coverage) -> pb.Coverage:
    """A coverage as the contract tells it."""
    finding = coverage.finding
    visit = f"visits/{coverage.visit_id}"
    message = pb.Coverage(
        name=f"{visit}/coverages/{coverage.coverage_id}",
        visit=visit,
        citizen=f"citizens/{coverage.citizen_id}",
        outcome=OUTCOMES[finding.outcome],
        portal_code=finding.portal_code,
        explanation_vi=finding.explanation_vi,
        explanation_en=finding.explanation_en,
        evidence=[f"{visit}/evidence/{each}" for each in coverage.evidence_ids],
        as_of_time=to_timestamp(coverage.as_of_time),
        recheck_pending=finding.needs_recheck,
        check_number=coverage.check_number,
        degraded_reason=finding.degraded_reason,
        cards=[_card(card) for card in finding.cards or (finding.card,) if card is not None],
        moment=MOMENTS[coverage.moment],
        reason=finding.reason,
        grace_end_date=_day(grace_end_date(finding.card)) if finding.card else "",
    )
    if finding.card is not None:
        message.card.CopyFrom(_card(finding.card))
    if finding.replaced_card is not None:
        message.replaced_card.CopyFrom(_card(finding.replaced_card))
    return message


def from_evidence(evidence: Evidence) -> pb.Evidence:
    """A piece of evidence; the reply is there only where the operation read it."""
    call = evidence.call
    return pb.Evidence(
        name=f"visits/{evidence.visit_id}/evidence/{evidence.evidence_id}",
        request_form=call.form,
        portal_code=call.code,
        failure_reason=call.failure_reason,
        send_time=to_timestamp(call.send_time),
        receive_time=to_timestamp(call.receive_time),
        reply_sha256=evidence.reply_sha256,
        reply=call.reply,
        caller=evidence.caller,
        moment=MOMENTS[evidence.moment],
        exchange=call.exchange_id,
    )


def from_split(stored: StoredSplit) -> pb.Split:
    """A split as the contract tells it."""
    split, visit = stored.split, f"visits/{stored.command.visit_id}"
    return pb.Split(
        name=f"{visit}/splits/{stored.split_id}",
        visit=visit,
        coverage=f"{visit}/coverages/{stored.coverage_id}" if stored.coverage_id else "",
        lines=[from_split_line(line, split.benefit) for line in split.lines],
        total_vnd=split.total_vnd,
        fund_vnd=split.fund_vnd,
        patient_vnd=split.patient_vnd,
        other_funding_vnd=split.other_funding_vnd,
        provisional=split.benefit.is_provisional,
        create_time=to_timestamp(stored.create_time),
        split_number=stored.split_number,
        visit_code=split.visit_code,
        rounding=from_rounding(split.rounding),
        notes=[from_note(note) for note in split.benefit.notes],
    )


def _card(card: InsuranceCard) -> pb.InsuranceCard:
    return pb.InsuranceCard(
        number=card.number,
        object_group=card.object_group,
        benefit_level=card.benefit_level,
        valid_from_date=_day(card.valid_from_date),
        valid_to_date=_day(card.valid_to_date),
        registered_facility_code=card.registered_facility_code,
        area_code=card.area_code,
        five_year_date=_day(card.five_year_date),
    )


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
