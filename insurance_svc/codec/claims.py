"""Between messages of claims.proto and values of the domain; pure."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import datetime

from chassis import paging
from chassis.db.columns import to_text, to_time
from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from insurance_svc.domain.claim import Claim, ClaimState
from insurance_svc.domain.claim_amounts import cents
from insurance_svc.domain.claim_errors import (
    ResolutionNotPossible,
    SettlementMonthMalformed,
    WorkItemNotFound,
)
from insurance_svc.domain.claim_facts import Lack
from insurance_svc.domain.claim_lines import money
from insurance_svc.domain.claim_values import (
    ClaimVersion,
    ClaimView,
    KeptFinding,
    Resolution,
    Settlement,
    Submission,
    WorkCause,
    WorkItem,
)
from insurance_svc.operations.claims import Comparison
from insurance_svc.operations.claims.compare import CLAIMS, FOREIGN
from insurance_svc.operations.claims.read import NEWEST_FIRST
from insurance_svc.store.settlement_store import Difference
from lienthong.insurance.v1 import claims_pb2 as pb
from standards.claims.lint import Finding, Report
from standards.money import round_half_up

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
FINDINGS_MAX = 1_000
OLDEST_FIRST = ("", "")
_MONTH = re.compile("[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_WORK_ITEM = re.compile("claimWorkItems/([0-9a-z-]{1,64})", re.ASCII)
_ID = re.compile("[0-9a-z-]{0,64}", re.ASCII)
_STATES = {state: pb.ClaimState.Value(f"CLAIM_STATE_{state.value}") for state in ClaimState}
_CAUSES = {cause: pb.WorkItemCause.Value(f"WORK_ITEM_CAUSE_{cause.value}") for cause in WorkCause}
_RESOLUTIONS = {
    each: pb.WorkItemResolution.Value(f"WORK_ITEM_RESOLUTION_{each.value}")
    for each in Resolution
    if each is not Resolution.OPEN
}
_BY_PERSONS = {number: each for each, number in _RESOLUTIONS.items() if each is not Resolution.OVERTAKEN}
_STATE_OF = {number: state for state, number in _STATES.items()}
_CAUSE_OF = {number: cause for cause, number in _CAUSES.items()}
READY, NOT_READY = pb.CLAIM_READINESS_READY, pb.CLAIM_READINESS_NOT_READY


def month_of(text: str, field: str, *, may_be_empty: bool = False) -> str:
    """A month YYYY-MM; raises SettlementMonthMalformed."""
    if not text and may_be_empty:
        return ""
    if _MONTH.fullmatch(text) is None:
        raise SettlementMonthMalformed(field)
    return text


def page_size_of(asked: int) -> int:
    """The size of a page; raises PageSizeOutOfRange."""
    return paging.page_size_of(asked, usual=PAGE_SIZE, largest=PAGE_SIZE_MAX)


def state_of(number: pb.ClaimState.ValueType) -> ClaimState | None:
    """The state of a filter; None for every one."""
    return _STATE_OF.get(number)


def cause_of(number: pb.WorkItemCause.ValueType) -> WorkCause | None:
    """The cause of a filter; None for every one."""
    return _CAUSE_OF.get(number)


def resolution_of(number: pb.WorkItemResolution.ValueType) -> Resolution:
    """What a person decided; raises ResolutionNotPossible."""
    found = _BY_PERSONS.get(number)
    if found is None:
        raise ResolutionNotPossible
    return found


def work_item_id_of(name: str) -> str:
    """The id in "claimWorkItems/{work_item}"; raises WorkItemNotFound."""
    match = _WORK_ITEM.fullmatch(name)
    if match is None:
        raise WorkItemNotFound
    return match[1]


def moment_page(token: str, *, first: tuple[str, str]) -> tuple[str, str]:
    """Moment and id after which a page begins; raises PageTokenMalformed."""
    if not token:
        return first
    moment, _, row_id = _opened(token).partition("|")
    try:
        to_time(moment)
    except ValueError:
        raise PageTokenMalformed from None
    if _ID.fullmatch(row_id) is None:
        raise PageTokenMalformed
    return moment, row_id


def moment_token(moment: datetime, row_id: str) -> str:
    """The token of the page after a row."""
    return _closed(f"{to_text(moment)}|{row_id}")


def difference_page(token: str) -> tuple[str, str]:
    """List and key after which a page of differences begins; raises PageTokenMalformed."""
    if not token:
        return CLAIMS, ""
    place, _, key = _opened(token).partition("|")
    is_line = place == FOREIGN and key.isascii() and key.isdecimal() and len(key) < 10
    is_claim = place == CLAIMS and _ID.fullmatch(key) is not None
    if not (is_line or is_claim):
        raise PageTokenMalformed
    return place, key


def first_claim_page() -> tuple[str, str]:
    """Before the first page of claims."""
    return NEWEST_FIRST


def from_claim(claim: Claim) -> pb.Claim:
    """A claim as lists show it."""
    visit = f"visits/{claim.visit_id}"
    return pb.Claim(
        name=f"{visit}/claim",
        visit=visit,
        citizen=f"citizens/{claim.citizen_id}",
        facility_code=claim.facility,
        link_id=claim.link_id,
        settlement_month=claim.month,
        state=_STATES[claim.state],
        version=claim.version,
        counted_version=claim.counted_version,
        create_time=to_timestamp(claim.create_time),
        update_time=to_timestamp(claim.update_time),
    )


def from_view(view: ClaimView) -> pb.Claim:
    """A claim with its versions, events and check-in."""
    message = from_claim(view.claim)
    message.versions.extend(_version(each, view) for each in view.versions)
    message.events.extend(
        pb.ClaimEvent(
            version=each.version,
            state=_STATES[each.state],
            reason=each.reason,
            actor=each.actor,
            event_time=to_timestamp(each.event_time),
        )
        for each in view.events
    )
    if view.check_in is not None:
        message.check_in.CopyFrom(from_submission(view.check_in))
    if view.settled_hundredths is not None:
        message.settled_amount = _amount(view.settled_hundredths)
    return message


def from_submission(submission: Submission) -> pb.ClaimSubmission:
    """What was handed to the portal."""
    message = pb.ClaimSubmission(
        state=_STATES[submission.state],
        signed=submission.is_signed,
        send_count=submission.send_count,
        transaction_number=submission.transaction_number,
        portal_code=submission.portal_code,
        portal_message=submission.message,
        failure_reason=submission.failure_reason,
        sha256=submission.file_sha256,
    )
    if submission.first_send_time is not None:
        message.send_time.CopyFrom(to_timestamp(submission.first_send_time))
    if submission.answer_time is not None:
        message.answer_time.CopyFrom(to_timestamp(submission.answer_time))
    return message


def from_lacks(lacks: Iterable[Lack]) -> list[pb.ClaimLack]:
    """What a claim lacks."""
    return [
        pb.ClaimLack(
            code=each.code,
            table=each.table,
            row=each.row,
            field=each.field,
            holder=each.holder.value,
            message_vi=each.message_vi,
            message_en=each.message_en,
        )
        for each in lacks
    ]


def from_report(version: int, report: Report) -> pb.ClaimReport:
    """What the check found."""
    return pb.ClaimReport(
        version=version,
        clean=report.is_clean,
        findings=[_finding(each) for each in report.findings[:FINDINGS_MAX]],
        at_risk_amount=money(report.at_risk),
        missing_lists=sorted(report.skipped),
    )


def from_work_item(item: WorkItem) -> pb.WorkItem:
    """Something a person has to look at."""
    message = pb.WorkItem(
        name=f"claimWorkItems/{item.work_item_id}",
        visit=f"visits/{item.visit_id}",
        link_id=item.link_id,
        cause=_CAUSES[item.cause],
        version=item.version,
        portal_code=item.portal_code,
        portal_message=item.message,
        findings=[_kept_finding(each) for each in item.findings],
        lacks=from_lacks(item.lacks),
        open_time=to_timestamp(item.open_time),
        resolve_subject=item.resolver,
        note=item.note,
    )
    if item.resolution is not Resolution.OPEN:
        message.resolution = _RESOLUTIONS[item.resolution]
    if item.resolve_time is not None:
        message.resolve_time.CopyFrom(to_timestamp(item.resolve_time))
    return message


def from_settlement(settlement: Settlement) -> pb.Settlement:
    """A result file as taken in."""
    return pb.Settlement(
        name=f"claimSettlements/{settlement.settlement_id}",
        month=settlement.month,
        sha256=settlement.file_sha256,
        line_count=settlement.line_count,
        unmatched_count=settlement.unmatched_count,
        repeated_count=settlement.repeated_count,
        create_time=to_timestamp(settlement.create_time),
    )


def from_comparison(comparison: Comparison) -> pb.CompareSettlementResponse:
    """What a month came to."""
    totals = comparison.totals
    message = pb.CompareSettlementResponse(
        totals=pb.SettlementTotals(
            claimed_count=totals.claimed_count,
            claimed_amount=_amount(totals.claimed),
            told_count=totals.told_count,
            accepted_amount=_amount(totals.accepted),
            refused_amount=_amount(totals.claimed - totals.untold - totals.accepted),
            untold_amount=_amount(totals.untold),
            foreign_amount=_amount(totals.foreign),
        ),
        refused=[
            pb.RefusedByCause(
                cause=each.cause, claim_count=each.claim_count, refused_amount=_amount(each.amount)
            )
            for each in comparison.refused
        ],
        differences=[_difference(each) for each in comparison.differences],
        next_page_token="" if comparison.next_page is None else _closed("|".join(comparison.next_page)),
    )
    if comparison.settlement is not None:
        message.settlement.CopyFrom(from_settlement(comparison.settlement))
    return message


def _version(version: ClaimVersion, view: ClaimView) -> pb.ClaimVersion:
    visit = f"visits/{view.claim.visit_id}"
    message = pb.ClaimVersion(
        version=version.version,
        state=_STATES[view.claim.states[version.version - 1]],
        schema_version=version.schema_version,
        split=f"{visit}/splits/{version.split_id}" if version.split_id else "",
        coverage=f"{visit}/coverages/{version.coverage_id}" if version.coverage_id else "",
        lacks=from_lacks(version.lacks),
        total_amount=_amount(version.total_hundredths),
        covered_amount=_amount(version.covered_hundredths),
        fund_amount=_amount(version.fund_hundredths),
        fund_vnd=version.fund_vnd,
        sha256=version.file_sha256,
        create_time=to_timestamp(version.create_time),
        reason=version.reason,
    )
    sent = view.submission_of(version.version)
    if sent is not None:
        message.submission.CopyFrom(from_submission(sent))
    return message


def _difference(each: Difference) -> pb.SettlementDifference:
    if each.claimed is None:
        kind = pb.DIFFERENCE_KIND_NOT_CLAIMED
    elif each.accepted is None:
        kind = pb.DIFFERENCE_KIND_NOT_TOLD
    else:
        kind = pb.DIFFERENCE_KIND_AMOUNT
    hundredths = (each.accepted or 0) - (each.claimed or 0)
    sign = -1 if hundredths < 0 else 1
    return pb.SettlementDifference(
        visit=f"visits/{each.visit_id}" if each.visit_id else "",
        link_id=each.link_id,
        kind=kind,
        claimed_amount=_amount(each.claimed or 0),
        accepted_amount=_amount(each.accepted or 0),
        difference_vnd=sign * round_half_up(cents(abs(hundredths))),
        cause=each.cause,
    )


def _finding(each: Finding) -> pb.ClaimFinding:
    return pb.ClaimFinding(
        rule_id=each.rule_id,
        severity=pb.FindingSeverity.Value(f"FINDING_SEVERITY_{each.severity.value}"),
        table=each.table,
        row=each.row,
        field=each.field,
        message_vi=each.message_vi,
        message_en=each.message_en,
        repair_vi=each.repair_vi,
        repair_en=each.repair_en,
        at_risk_amount=money(each.at_risk),
    )


def _kept_finding(each: KeptFinding) -> pb.ClaimFinding:
    return pb.ClaimFinding(
        rule_id=each.rule_id,
        severity=pb.FindingSeverity.Value(f"FINDING_SEVERITY_{each.severity}"),
        table=each.table,
        row=each.row,
        field=each.field,
        message_vi=each.message_vi,
        message_en=each.message_en,
        repair_vi=each.repair_vi,
        repair_en=each.repair_en,
        at_risk_amount=each.at_risk,
    )


def _amount(hundredths: int) -> str:
    return money(cents(hundredths))


def _closed(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(token: str) -> str:
    try:
        return urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        raise PageTokenMalformed from None
