"""Between messages about later look-ups, exports and corrections and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from chassis.db.columns import to_text
from chassis.rpc.timestamps import to_timestamp
from insurance_svc.codec.coverage import OUTCOMES, from_coverage, visit_id_of
from insurance_svc.domain.copayment import CopaymentsKept, copay_record
from insurance_svc.domain.correction import Correction, CorrectionCause
from insurance_svc.domain.evidence_errors import (
    ContactTooLong,
    ExportFormatMissing,
    MomentMissing,
    PageSizeOutOfRange,
    PageTokenMalformed,
)
from insurance_svc.domain.evidence_paper import Contact, EvidenceExport, ExportFormat
from insurance_svc.domain.model import Moment
from insurance_svc.operations import CorrectionsQuery, ExportCommand, LookedUp, LookUpCommand
from insurance_svc.operations.read_corrections import NEWEST
from lienthong.insurance.v1 import insurance_pb2 as pb

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
_PHONE_MAX, _TEXT_MAX = 100, 300
_TOKEN = re.compile(r"([0-9T:.Z-]{10,40})_([0-9a-z-]{1,64})", re.ASCII)
_LATER = {pb.LOOK_UP_MOMENT_DURING: Moment.DURING, pb.LOOK_UP_MOMENT_END: Moment.END}
_FORMATS = {pb.EVIDENCE_FORMAT_PDF: ExportFormat.PDF, pb.EVIDENCE_FORMAT_JSON: ExportFormat.JSON}
_MEDIA_TYPES = {ExportFormat.PDF: "application/pdf", ExportFormat.JSON: "application/json"}
_CAUSES = {
    CorrectionCause.OUTAGE_OVER: pb.CORRECTION_CAUSE_OUTAGE_OVER,
    CorrectionCause.LOOKED_UP_AGAIN: pb.CORRECTION_CAUSE_LOOKED_UP_AGAIN,
}


def to_look_up_command(request: pb.LookUpAgainRequest) -> LookUpCommand:
    """Raises ResourceNameMalformed, MomentMissing."""
    visit_id = visit_id_of(request.visit)
    moment = _LATER.get(request.moment)
    if moment is None:
        raise MomentMissing
    return LookUpCommand(visit_id=visit_id, moment=moment, with_copayments=request.with_copayments)


def from_looked_up(looked_up: LookedUp) -> pb.LookUpAgainResponse:
    """What came of a later look-up."""
    coverage = looked_up.coverage
    message = pb.LookUpAgainResponse(
        coverage=from_coverage(coverage),
        failure_reason=looked_up.failure_reason,
        evidence=[f"visits/{coverage.visit_id}/evidence/{each}" for each in looked_up.evidence_ids],
    )
    if looked_up.copayments is not None:
        message.copayments.CopyFrom(_copayments(looked_up.copayments, service_date=coverage.service_date))
    return message


def to_export_command(request: pb.ExportEvidenceRequest) -> ExportCommand:
    """Raises ResourceNameMalformed, ExportFormatMissing, ContactTooLong."""
    visit_id = visit_id_of(request.visit)
    chosen = _FORMATS.get(request.format)
    if chosen is None:
        raise ExportFormatMissing
    return ExportCommand(
        visit_id=visit_id,
        format=chosen,
        contact=Contact(
            phone=_at_most(_PHONE_MAX, "contact_phone", request.contact_phone),
            address=_at_most(_TEXT_MAX, "contact_address", request.contact_address),
            note=_at_most(_TEXT_MAX, "contact_note", request.contact_note),
        ),
    )


def from_export(export: EvidenceExport, content: bytes) -> pb.ExportEvidenceResponse:
    """A file with its sums; its name tells the visit and the sum, nobody's name."""
    ending = export.format.value.lower()
    return pb.ExportEvidenceResponse(
        content=content,
        media_type=_MEDIA_TYPES[export.format],
        file_name=f"evidence-{export.visit_id}-{export.evidence_sha256[:12]}.{ending}",
        evidence_sha256=export.evidence_sha256,
        content_sha256=sha256(content).hexdigest(),
    )


def to_corrections_query(request: pb.ListCorrectionsRequest) -> CorrectionsQuery:
    """Raises ResourceNameMalformed, PageSizeOutOfRange, PageTokenMalformed."""
    if not 0 <= request.page_size <= PAGE_SIZE_MAX:
        raise PageSizeOutOfRange(limit_count=PAGE_SIZE_MAX)
    before = NEWEST
    if request.page_token:
        match = _TOKEN.fullmatch(request.page_token)
        if match is None:
            raise PageTokenMalformed
        before = (match[1], match[2])
    return CorrectionsQuery(
        visit_id=visit_id_of(request.visit) if request.visit else "",
        facility=request.facility,
        before=before,
        page_size=request.page_size or PAGE_SIZE,
    )


def from_corrections(corrections: Sequence[Correction], *, page_size: int) -> pb.ListCorrectionsResponse:
    """A page; a full one names where the next begins."""
    last = corrections[-1] if len(corrections) == page_size else None
    return pb.ListCorrectionsResponse(
        corrections=[_correction(each) for each in corrections],
        next_page_token=f"{to_text(last.create_time)}_{last.correction_id}" if last else "",
    )


def _correction(correction: Correction) -> pb.Correction:
    visit = f"visits/{correction.visit_id}"
    return pb.Correction(
        name=f"{visit}/corrections/{correction.correction_id}",
        visit=visit,
        cause=_CAUSES[correction.cause],
        before_coverage=f"{visit}/coverages/{correction.before_coverage_id}",
        coverage=f"{visit}/coverages/{correction.coverage_id}",
        before_outcome=OUTCOMES[correction.before_outcome],
        outcome=OUTCOMES[correction.outcome],
        before_patient_vnd=correction.before_patient_vnd,
        patient_vnd=correction.patient_vnd,
        notice_vi=correction.notice_vi,
        notice_en=correction.notice_en,
        create_time=to_timestamp(correction.create_time),
    )


def _copayments(kept: CopaymentsKept, *, service_date: date) -> pb.Copayments:
    record = copay_record(kept.copayments, service_date=service_date)
    return pb.Copayments(
        portal_code=kept.copayments.code,
        doubt=kept.copayments.doubt,
        accumulated_vnd=record.accumulated_vnd if record else 0,
        evidence=f"visits/{kept.visit_id}/evidence/{kept.evidence_id}",
        as_of_time=to_timestamp(kept.as_of_time),
    )


def _at_most(limit_count: int, field: str, text: str) -> str:
    trimmed = text.strip()
    if len(trimmed) > limit_count:
        raise ContactTooLong(field, limit_count=limit_count)
    return trimmed
