"""Bill lines, circumstances and rights as JSON for the sealed column of a split, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

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

Document = dict[str, Any]  # Any: JSON of our own making, read back by the function beside its writer

_DECIMALS = ("quantity", "exact_unit_price", "exact_covered_unit_price")
_MOMENTS = ("order_time", "perform_time", "result_time")
_LINE_DEFAULTS = {each.name: each.default for each in fields(CostLine)}
_AMOUNTS = tuple(each.name for each in fields(Rounding))


def line_document(line: CostLine) -> Document:
    """A line; what was not told is left out, so that a long bill stays small."""
    found = {
        name: value for name, default in _LINE_DEFAULTS.items() if (value := getattr(line, name)) != default
    }
    for name in _DECIMALS:
        if name in found:
            found[name] = str(found[name])
    for name in _MOMENTS:
        if name in found:
            found[name] = found[name].isoformat()
    return found


def read_line(document: Document) -> CostLine:
    """A line from its document."""
    found = dict(document)
    for name in _DECIMALS:
        if found.get(name) is not None:
            found[name] = Decimal(found[name])
    for name in _MOMENTS:
        if found.get(name) is not None:
            found[name] = datetime.fromisoformat(found[name])
    if "kind" in found:
        found["kind"] = LineKind(found["kind"])
    if "diagnosis_codes" in found:
        found["diagnosis_codes"] = tuple(found["diagnosis_codes"])
    if "claim_fields" in found:
        found["claim_fields"] = tuple((name, text) for name, text in found["claim_fields"])
    return CostLine(**found)


def circumstances_document(told: Circumstances) -> Document | None:
    """What was told about the visit; None when nothing was."""
    if told == NO_CIRCUMSTANCES:
        return None
    copay = told.copay
    return {
        "has_referral_slip": told.has_referral_slip,
        "has_reexamination_slip": told.has_reexamination_slip,
        "has_changed_residence": told.has_changed_residence,
        "is_organ_donor": told.is_organ_donor,
        "is_newborn": told.is_newborn,
        "serious_disease_annexes": sorted(told.serious_disease_annexes),
        "principal_diagnosis": told.principal_diagnosis,
        "age_years": told.age_years,
        "original_visit_code": told.original_visit_code,
        "copay": None
        if copay is None
        else {
            "accumulated_vnd": copay.accumulated_vnd,
            "before_change_vnd": copay.before_change_vnd,
            "exempt_from_date": copay.exempt_from_date.isoformat() if copay.exempt_from_date else "",
        },
    }


def read_circumstances(document: Document | None) -> Circumstances:
    """What was told about the visit, from its document."""
    if document is None:
        return NO_CIRCUMSTANCES
    copay = document["copay"]
    return Circumstances(
        **{
            **document,
            "serious_disease_annexes": frozenset(document["serious_disease_annexes"]),
            "copay": None
            if copay is None
            else CopayRecord(
                accumulated_vnd=copay["accumulated_vnd"],
                before_change_vnd=copay["before_change_vnd"],
                exempt_from_date=date.fromisoformat(copay["exempt_from_date"])
                if copay["exempt_from_date"]
                else None,
            ),
        }
    )


def benefit_document(benefit: Benefit) -> Document:
    """A right with its words."""
    return {
        "rate_pct": str(benefit.rate_pct),
        "rule_id": benefit.rule_id,
        "legal_reference": benefit.legal_reference,
        "rule_valid_from_date": benefit.rule_valid_from_date.isoformat(),
        "is_insured": benefit.is_insured,
        "is_provisional": benefit.is_provisional,
        "why_vi": benefit.why_vi,
        "why_en": benefit.why_en,
        "has_no_rate_limits": benefit.has_no_rate_limits,
        "covers_forces": benefit.covers_forces,
        "notes": [[note.code, note.vi, note.en] for note in benefit.notes],
    }


def read_benefit(document: Document) -> Benefit:
    """A right from its document."""
    return Benefit(
        **{
            **document,
            "rate_pct": Decimal(document["rate_pct"]),
            "rule_valid_from_date": date.fromisoformat(document["rule_valid_from_date"]),
            "notes": tuple(Note(code=code, vi=vi, en=en) for code, vi, en in document.get("notes", ())),
        }
    )


def split_line_document(line: SplitLine, places: Mapping[Benefit, int]) -> Document:
    """A split line; a right of its own is told by its place among those of the split."""
    return {
        "line_id": line.line_id,
        "display_name": line.display_name,
        "total_vnd": line.total_vnd,
        "covered_vnd": line.covered_vnd,
        "fund_vnd": line.fund_vnd,
        "copay_vnd": line.copay_vnd,
        "self_pay_vnd": line.self_pay_vnd,
        "other_funding_vnd": line.other_funding_vnd,
        "service_pct": line.service_pct,
        "in_scope_pct": line.in_scope_pct,
        "benefit": None if line.benefit is None else places[line.benefit],
        "explanation_vi": line.explanation_vi,
        "explanation_en": line.explanation_en,
    }


def read_split_line(document: Document, benefits: Sequence[Benefit]) -> SplitLine:
    """A split line from its document."""
    place = document.get("benefit")
    return SplitLine(**{**document, "benefit": None if place is None else benefits[place]})


def rounding_document(rounding: Rounding) -> Document:
    """The differences between collected and claimed amounts."""
    return {name: str(getattr(rounding, name)) for name in _AMOUNTS}


def read_rounding(document: Document | None) -> Rounding:
    """The differences from their document; none were kept by older rows."""
    return (
        Rounding() if document is None else Rounding(**{name: Decimal(document[name]) for name in _AMOUNTS})
    )
