"""Between bill lines, circumstances and split lines of the messages and values of the domain; pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from insurance_svc.domain.errors import CircumstanceMalformed, LineMalformed
from insurance_svc.domain.model import (
    NO_CIRCUMSTANCES,
    Benefit,
    Circumstances,
    CopayRecord,
    CostLine,
    LineKind,
    Note,
    Rounding,
    SplitLine,
)
from lienthong.insurance.v1 import insurance_pb2 as pb

_QUANTITY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", re.ASCII)
_EXACT_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?", re.ASCII)
_ICD10 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ANNEXES = frozenset({"I", "II"})
_AGE_MAX_YEARS = 150
_CODE_MAX_CHARS = 4
_KINDS = {
    pb.LINE_KIND_UNSPECIFIED: LineKind.UNSPECIFIED,
    pb.LINE_KIND_SERVICE: LineKind.SERVICE,
    pb.LINE_KIND_DRUG: LineKind.DRUG,
    pb.LINE_KIND_SUPPLY: LineKind.SUPPLY,
    pb.LINE_KIND_BED: LineKind.BED,
    pb.LINE_KIND_TRANSPORT: LineKind.TRANSPORT,
}


def to_line(index: int, line: pb.CostLine) -> CostLine:
    """A bill line; raises LineMalformed where a text is no number or the kind is not known."""
    if _QUANTITY.fullmatch(line.quantity) is None:
        raise LineMalformed(field=f"lines[{index}].quantity", rule="above_0_with_at_most_3_places")
    if line.kind not in _KINDS:
        raise LineMalformed(field=f"lines[{index}].kind", rule="unknown")
    return CostLine(
        line_id=line.line_id,
        service_code=line.service_code,
        display_name=line.display_name,
        quantity=Decimal(line.quantity),
        unit_price_vnd=line.unit_price_vnd,
        covered_unit_price_vnd=line.covered_unit_price_vnd,
        other_funding_vnd=line.other_funding_vnd,
        other_state_vnd=line.other_state_vnd,
        other_foreign_vnd=line.other_foreign_vnd,
        other_domestic_vnd=line.other_domestic_vnd,
        other_rest_vnd=line.other_rest_vnd,
        kind=_KINDS[line.kind],
        cost_group=line.cost_group,
        scope=line.scope,
        in_scope_pct=line.in_scope_pct,
        service_pct=line.service_pct,
        ceiling_vnd=line.ceiling_vnd,
        exact_unit_price=_exact_price(index, "exact_unit_price", line.exact_unit_price),
        exact_covered_unit_price=_exact_price(
            index, "exact_covered_unit_price", line.exact_covered_unit_price
        ),
        waives_difference=line.waives_difference,
        order_time=_moment(line, "order_time", index),
        perform_time=_moment(line, "perform_time", index),
        result_time=_moment(line, "result_time", index),
        prescriber_licence=line.prescriber_licence,
        performer_licence=line.performer_licence,
        department_code=line.department_code,
        unit=line.unit,
        diagnosis_codes=tuple(line.diagnosis_codes),
        bed_code=line.bed_code,
        bed_patient_count=line.bed_patient_count,
        surgery_session=line.surgery_session,
        surgery_team=line.surgery_team,
        claim_fields=tuple(sorted(line.claim_fields.items())),
    )


def to_circumstances(told: pb.VisitCircumstances) -> Circumstances:
    """What is told about a visit; raises CircumstanceMalformed."""
    if not told.ByteSize():
        return NO_CIRCUMSTANCES
    if not _ANNEXES.issuperset(told.serious_disease_annexes):
        raise CircumstanceMalformed("circumstances.serious_disease_annexes", rule="I_or_II")
    if told.principal_diagnosis and _ICD10.fullmatch(told.principal_diagnosis) is None:
        raise CircumstanceMalformed("circumstances.principal_diagnosis", rule="an_icd10_code")
    age_years = told.age_years if told.HasField("age_years") else None
    if age_years is not None and not 0 <= age_years <= _AGE_MAX_YEARS:
        raise CircumstanceMalformed("circumstances.age_years", rule="0_to_150")
    if len(told.original_visit_code) > _CODE_MAX_CHARS:
        raise CircumstanceMalformed("circumstances.original_visit_code", rule="at_most_4_characters")
    return Circumstances(
        has_referral_slip=told.referral_slip,
        has_reexamination_slip=told.reexamination_slip,
        has_changed_residence=told.changed_residence,
        is_organ_donor=told.organ_donor,
        is_newborn=told.newborn,
        serious_disease_annexes=frozenset(told.serious_disease_annexes),
        principal_diagnosis=told.principal_diagnosis,
        age_years=age_years,
        original_visit_code=told.original_visit_code.strip(),
        copay=_copay(told.copay) if told.HasField("copay") else None,
    )


def from_split_line(line: SplitLine, visit_benefit: Benefit) -> pb.SplitLine:
    """A split line as the contract tells it, with the right that counted for it."""
    benefit = line.benefit or visit_benefit
    return pb.SplitLine(
        line_id=line.line_id,
        display_name=line.display_name,
        total_vnd=line.total_vnd,
        covered_vnd=line.covered_vnd,
        fund_vnd=line.fund_vnd,
        copay_vnd=line.copay_vnd,
        self_pay_vnd=line.self_pay_vnd,
        other_funding_vnd=line.other_funding_vnd,
        rate_pct=decimal_text(benefit.rate_pct),
        rule_id=benefit.rule_id,
        legal_reference=benefit.legal_reference,
        rule_valid_from_date=benefit.rule_valid_from_date.isoformat(),
        explanation_vi=line.explanation_vi,
        explanation_en=line.explanation_en,
        service_pct=line.service_pct,
        in_scope_pct=line.in_scope_pct,
    )


def from_rounding(rounding: Rounding) -> pb.Rounding:
    """The differences as decimal texts."""
    return pb.Rounding(
        total=decimal_text(rounding.total),
        fund=decimal_text(rounding.fund),
        copay=decimal_text(rounding.copay),
        self_pay=decimal_text(rounding.self_pay),
        other_funding=decimal_text(rounding.other_funding),
        closing=decimal_text(rounding.closing),
    )


def from_note(note: Note) -> pb.RightNote:
    """A note in both languages."""
    return pb.RightNote(code=note.code, text_vi=note.vi, text_en=note.en)


@lru_cache(maxsize=256)
def decimal_text(amount: Decimal) -> str:
    """Plain digits without trailing zeros: "80", "47.5", "-0.4"."""
    return f"{amount.normalize():f}" if amount else "0"


def _copay(told: pb.CopayRecord) -> CopayRecord:
    before_vnd = told.before_change_vnd if told.HasField("before_change_vnd") else None
    if told.accumulated_vnd < 0 or told.accumulated_vnd > 10**12:
        raise CircumstanceMalformed("circumstances.copay.accumulated_vnd", rule="out_of_range")
    if before_vnd is not None and not 0 <= before_vnd <= told.accumulated_vnd:
        raise CircumstanceMalformed("circumstances.copay.before_change_vnd", rule="0_to_accumulated")
    return CopayRecord(
        accumulated_vnd=told.accumulated_vnd,
        before_change_vnd=before_vnd,
        exempt_from_date=to_day(told.exempt_from_date, "circumstances.copay.exempt_from_date"),
    )


def to_day(text: str, field: str) -> date | None:
    """A day of the circumstances, None when empty; raises CircumstanceMalformed."""
    if not text:
        return None
    if _DAY.fullmatch(text) is None:
        raise CircumstanceMalformed(field, rule="YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CircumstanceMalformed(field, rule="YYYY-MM-DD") from None


def _exact_price(index: int, field: str, text: str) -> Decimal | None:
    if not text:
        return None
    if _EXACT_PRICE.fullmatch(text) is None:
        raise LineMalformed(field=f"lines[{index}].{field}", rule="a_number_with_at_most_3_places")
    return Decimal(text)


def _moment(line: pb.CostLine, field: str, index: int) -> datetime | None:
    if not line.HasField(field):  # type: ignore[arg-type]  # a literal of the stub; the three names above
        return None
    stamp: Timestamp = getattr(line, field)
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except ValueError:
        raise LineMalformed(field=f"lines[{index}].{field}", rule="out_of_range") from None
