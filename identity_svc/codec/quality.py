"""Between messages of quality.proto and values of the domain; pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from chassis.rpc.timestamps import to_timestamp
from identity_svc.domain.case_errors import (
    CaseNameMalformed,
    CaseReasonRequired,
    CaseResolutionRequired,
    CorrectionNameMalformed,
    FigureDaysWrong,
    ProvinceCodeMalformed,
)
from identity_svc.domain.case_words import (
    Proposal,
    Words,
    age_label,
    correction_sentence,
    dirt_label,
    evidence_label,
    facility_label,
    proposals_of,
    ward_label,
)
from identity_svc.domain.cases import (
    AgeClass,
    Case,
    CaseCause,
    CaseEvent,
    CaseState,
    Severity,
    age_class,
    cause_rules,
    due_time,
)
from identity_svc.domain.correction import Correction, CorrectionState, answer_limit
from identity_svc.domain.errors import CitizenNameMalformed, WardCodeMalformed
from identity_svc.domain.explanations import explain
from identity_svc.domain.model import Outcome
from identity_svc.domain.quality_figures import (
    DAYS_DEFAULT,
    DAYS_MAX,
    ZONE,
    Days,
    DirtFigure,
    QualityFigure,
    Slot,
)
from identity_svc.operations.case_queue import CaseView
from identity_svc.operations.quality_figures import QualityReport
from identity_svc.store.figures_store import Place
from identity_svc.store.quality_store import CaseCount, CaseFilter, QueueMap
from lienthong.identity.v1 import quality_pb2 as pb

E = TypeVar("E", bound=StrEnum)
ME = "citizens/me"
_ID = "[0-9a-z-]{1,64}"
_CITIZEN_NAME = re.compile(rf"citizens/({_ID})", re.ASCII)
_CASE_NAME = re.compile(rf"citizens/({_ID})/cases/({_ID})", re.ASCII)
_CORRECTION_NAME = re.compile(rf"citizens/({_ID})/corrections/({_ID})", re.ASCII)
_WARD_CODE = re.compile(r"[0-9]{5}", re.ASCII)
_PROVINCE_CODE = re.compile(r"[0-9]{2}", re.ASCII)
CSV_HEADER = ("day_date", "province_code", "ward_code", "ward_name", "measure", "count")

_SEVERITIES = {
    Severity.LOW: pb.CASE_SEVERITY_LOW,
    Severity.MEDIUM: pb.CASE_SEVERITY_MEDIUM,
    Severity.HIGH: pb.CASE_SEVERITY_HIGH,
}


def case_ids_of(name: str) -> tuple[str, str]:
    """The ids in "citizens/{citizen}/cases/{case}"; raises CaseNameMalformed."""
    match = _CASE_NAME.fullmatch(name)
    if match is None:
        raise CaseNameMalformed
    return match[1], match[2]


def correction_ids_of(name: str) -> tuple[str, str]:
    """The ids in "citizens/{citizen}/corrections/{correction}"; raises CorrectionNameMalformed."""
    match = _CORRECTION_NAME.fullmatch(name)
    if match is None:
        raise CorrectionNameMalformed
    return match[1], match[2]


def whose(name: str) -> str:
    """The id in "citizens/{citizen}"; empty for "citizens/me" and for nothing. Raises CitizenNameMalformed."""
    if name in ("", ME):
        return ""
    match = _CITIZEN_NAME.fullmatch(name)
    if match is None:
        raise CitizenNameMalformed
    return match[1]


def case_filter(request: pb.ListCasesRequest, *, me: str) -> CaseFilter:
    """Which cases are asked for; `me` is the caller's subject. Raises WardCodeMalformed."""
    return CaseFilter(
        state=_chosen(CaseState, "CASE_STATE_", pb.CaseState.Name(request.state)),
        cause=_chosen(CaseCause, "CASE_CAUSE_", pb.CaseCause.Name(request.cause)),
        ward_code=_ward_code(request.ward_code),
        facility_code=request.facility_code,
        assignee=me if request.assignee == "me" else request.assignee,
        age=_chosen(AgeClass, "CASE_AGE_", pb.CaseAge.Name(request.age)),
    )


def resolution_of(request: pb.ResolveCaseRequest) -> str:
    """How a case was settled; raises CaseResolutionRequired."""
    if not request.resolution:
        raise CaseResolutionRequired
    return pb.CaseResolution.Name(request.resolution).removeprefix("CASE_RESOLUTION_")


def dismissal_of(request: pb.DismissCaseRequest) -> str:
    """Why nothing had to be repaired; raises CaseReasonRequired."""
    if not request.reason:
        raise CaseReasonRequired
    return pb.CaseDismissal.Name(request.reason).removeprefix("CASE_DISMISSAL_")


def place_and_days(
    request: pb.GetQualityFiguresRequest | pb.ExportQualityFiguresRequest, *, now: datetime
) -> tuple[Place, Days]:
    """The place and the days of a figure.

    Raises:
        WardCodeMalformed, ProvinceCodeMalformed, FigureDaysWrong.
    """
    province = request.province_code
    if province and (request.ward_code or not _PROVINCE_CODE.fullmatch(province)):
        raise ProvinceCodeMalformed
    place = Place(ward_code=_ward_code(request.ward_code), province_code=province)
    last = _day(request.to_date) or now.astimezone(ZONE).date()
    first = _day(request.from_date) or last - timedelta(days=DAYS_DEFAULT - 1)
    if not 0 <= (last - first).days < DAYS_MAX:
        raise FigureDaysWrong(DAYS_MAX)
    return place, Days(from_date=first, to_date=last)


def to_case(case: Case, *, now: datetime) -> pb.Case:
    """A case with its words."""
    rule = cause_rules()[case.cause]
    name = f"citizens/{case.citizen_id}/cases"
    return pb.Case(
        name=f"{name}/{case.case_id}",
        cause=pb.CaseCause.Value(f"CASE_CAUSE_{case.cause}"),
        cause_vi=rule.label_vi,
        cause_en=rule.label_en,
        state=pb.CaseState.Value(f"CASE_STATE_{case.state}"),
        severity=_SEVERITIES[rule.severity],
        citizen=f"citizens/{case.citizen_id}",
        other_citizen=f"citizens/{case.other_citizen_id}" if case.other_citizen_id else "",
        field=case.field,
        facility_code=case.facility_code,
        ward_code=case.ward_code,
        ward_name=ward_label(case.ward_code).vi if case.ward_code else "",
        evidence=[_to_evidence(key, value) for key, value in case.evidence.items()],
        seen_count=case.seen_count,
        open_time=to_timestamp(case.open_time),
        last_seen_time=to_timestamp(case.last_seen_time),
        due_time=to_timestamp(due_time(case.cause, case.open_time)),
        age=pb.CaseAge.Value(f"CASE_AGE_{age_class(case.open_time, case.close_time or now)}"),
        assignee=case.assignee,
        resolution=case.resolution,
        close_time=None if case.close_time is None else to_timestamp(case.close_time),
        earlier_case=f"{name}/{case.earlier_case_id}" if case.earlier_case_id else "",
    )


def to_view(view: CaseView, *, shows_correction: bool) -> pb.GetCaseResponse:
    """A case with everything to work it; what the citizen wrote only for those who decide."""
    rule = cause_rules()[view.case.cause]
    finding = None if view.finding is None else explain(view.finding)
    proposals = proposals_of(
        view.case,
        verification_id=view.verification_id,
        finding=view.finding,
        candidates=view.candidates,
    )
    return pb.GetCaseResponse(
        case=to_case(view.case, now=view.now),
        advice_vi=rule.advice_vi,
        advice_en=rule.advice_en,
        severity_vi=rule.why_vi,
        severity_en=rule.why_en,
        finding_vi="" if finding is None else finding.vi,
        finding_en="" if finding is None else finding.en,
        proposals=[_to_proposal(each, view) for each in proposals],
        events=[_to_event(each) for each in view.events],
        correction=None
        if view.correction is None
        else to_correction(view.correction, shows_words=shows_correction),
    )


def to_counts(found: QueueMap) -> pb.CountCasesResponse:
    """The map of the queue with its words."""
    return pb.CountCasesResponse(
        case_count=found.case_count,
        causes=[_to_count(each, _cause_label(each.key)) for each in found.causes],
        wards=[_to_count(each, ward_label(each.key)) for each in found.wards],
        facilities=[_to_count(each, facility_label(each.key)) for each in found.facilities],
        ages=[_to_count(each, age_label(each.key)) for each in found.ages],
    )


def to_figures(report: QualityReport) -> pb.GetQualityFiguresResponse:
    """The figures with their words."""
    return pb.GetQualityFiguresResponse(
        from_date=report.days.from_date.isoformat(),
        to_date=report.days.to_date.isoformat(),
        total=_to_figure(report.total),
        wards=[_to_figure(each) for each in report.wards],
        days=[_to_figure(each) for each in report.trend],
        counted_time=None if report.counted_time is None else to_timestamp(report.counted_time),
    )


def to_csv(counters: Iterable[tuple[Slot, int]], *, has_header: bool) -> str:
    """Counters as CSV lines (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if has_header:
        writer.writerow(CSV_HEADER)
    for slot, count in counters:
        ward_name = ward_label(slot.ward_code).vi if slot.ward_code else ""
        writer.writerow((slot.day_date, slot.province_code, slot.ward_code, ward_name, slot.measure, count))
    return text.getvalue()


def to_correction(request: Correction, *, shows_words: bool = True) -> pb.Correction:
    """A request; the citizen's value and words only where they may be shown."""
    sentence = correction_sentence(request)
    return pb.Correction(
        name=request.name,
        field=request.field,
        value=request.value if shows_words else "",
        why=request.why if shows_words else "",
        state=pb.CorrectionState.Value(f"CORRECTION_STATE_{CorrectionState(request.state)}"),
        request_time=to_timestamp(request.request_time),
        answer_due_date=request.answer_due_date.isoformat(),
        legal_reference=answer_limit(request.request_time.astimezone(ZONE).date()).legal_reference,
        answer_time=None if request.answer_time is None else to_timestamp(request.answer_time),
        answer=request.answer if shows_words else "",
        sentence_vi=sentence.vi,
        sentence_en=sentence.en,
        case=f"citizens/{request.citizen_id}/cases/{request.case_id}",
    )


def _to_evidence(key: str, value: str) -> pb.CaseEvidence:
    label = evidence_label(key)
    return pb.CaseEvidence(key=key, value=value, label_vi=label.vi, label_en=label.en)


def _to_event(event: CaseEvent) -> pb.CaseEvent:
    return pb.CaseEvent(
        step=event.step,
        actor=event.actor,
        event_time=to_timestamp(event.event_time),
        code=event.code,
        note=event.note,
    )


def _to_proposal(proposal: Proposal, view: CaseView) -> pb.CaseProposal:
    case, citizen = view.case, f"citizens/{view.case.citizen_id}"
    check_id = proposal.verification_id
    return pb.CaseProposal(
        action=proposal.action,
        method=proposal.method,
        verification=f"{citizen}/verifications/{check_id}" if check_id else "",
        field=proposal.field,
        code=proposal.code,
        citizen=citizen,
        other_citizen=f"citizens/{case.other_citizen_id}" if proposal.action == "PLAN_MERGE" else "",
        ward_code=proposal.ward_code,
        correction=view.correction.name if view.correction and proposal.action == "ANSWER_CORRECTION" else "",
        explanation_vi=proposal.words.vi,
        explanation_en=proposal.words.en,
    )


def _to_count(count: CaseCount, label: Words) -> pb.CaseCount:
    return pb.CaseCount(
        key=count.key,
        label_vi=label.vi,
        label_en=label.en,
        case_count=count.case_count,
        oldest_time=to_timestamp(count.oldest_time),
    )


def _cause_label(cause: str) -> Words:
    rule = cause_rules()[CaseCause(cause)]
    return Words(vi=rule.label_vi, en=rule.label_en)


def _to_figure(figure: QualityFigure) -> pb.QualityFigure:
    people: dict[str, Any] = {  # Any: keyword arguments of the message
        f"people_{outcome.lower()}_count": figure.people_with(outcome) for outcome in Outcome
    }
    checks: dict[str, Any] = {
        f"checks_{outcome.lower()}_count": figure.checks_with(outcome) for outcome in Outcome
    }
    return pb.QualityFigure(
        day_date=figure.day_date,
        ward_code=figure.ward_code,
        ward_name=ward_label(figure.ward_code).vi if figure.ward_code else "",
        people_count=figure.people_count,
        confirmed_pct=figure.confirmed_pct,
        checks_count=figure.checks_count,
        repairs_count=figure.repairs_count,
        dirt=[_to_dirt(each, figure) for each in figure.dirt],
        **people,
        **checks,
    )


def _to_dirt(dirt: DirtFigure, figure: QualityFigure) -> pb.DirtFigure:
    label = dirt_label(dirt.dirt_class)
    return pb.DirtFigure(
        dirt_class=dirt.dirt_class,
        label_vi=label.vi,
        label_en=label.en,
        opened_count=dirt.opened_count,
        closed_count=dirt.closed_count,
        open_count=dirt.open_count,
        open_pct=figure.share_pct(dirt.open_count),
    )


def _chosen(words: type[E], prefix: str, name: str) -> E | None:
    """The word of an enum value; None for the one that says nothing."""
    word = name.removeprefix(prefix)
    return None if word == "UNSPECIFIED" else words(word)


def _ward_code(text: str) -> str:
    if text and not _WARD_CODE.fullmatch(text):
        raise WardCodeMalformed
    return text


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise FigureDaysWrong(DAYS_MAX) from None
