"""Values as JSON for the sealed columns, and back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from insurance_svc.domain.model import (
    Benefit,
    CostLine,
    CostSplit,
    Finding,
    InsuranceCard,
    Outcome,
    Question,
    SplitCommand,
    SplitLine,
)

Document = dict[str, Any]  # Any: JSON of our own making, read back by the function beside its writer


def dump(document: Document) -> bytes:
    """A document as compact UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def coverage_detail(finding: Finding, question: Question | None) -> Document:
    """The personal part of a coverage."""
    return {
        "explanation_vi": finding.explanation_vi,
        "explanation_en": finding.explanation_en,
        "card": _card(finding.card),
        "replaced_card": _card(finding.replaced_card),
        "question": None
        if question is None
        else {
            "identifier": question.identifier,
            "full_name": question.full_name,
            "birth_date": question.birth_date,
            "service_date": question.service_date.isoformat(),
        },
    }


def finding_of(
    document: Document, *, outcome: str, portal_code: str, degraded_reason: str, needs_recheck: bool
) -> Finding:
    """A finding from its columns and its personal part."""
    return Finding(
        outcome=Outcome(outcome),
        portal_code=portal_code,
        degraded_reason=degraded_reason,
        needs_recheck=needs_recheck,
        explanation_vi=document["explanation_vi"],
        explanation_en=document["explanation_en"],
        card=_read_card(document["card"]),
        replaced_card=_read_card(document["replaced_card"]),
    )


def question_of(document: Document) -> Question | None:
    """The question of a coverage, None for self-pay."""
    asked = document["question"]
    if asked is None:
        return None
    return Question(**{**asked, "service_date": date.fromisoformat(asked["service_date"])})


def split_detail(command: SplitCommand, split: CostSplit) -> Document:
    """What a split was computed from and what came out, line by line."""
    benefit = split.benefit
    return {
        "service_date": command.service_date.isoformat(),
        "asked_visit_code": command.visit_code,
        "is_inpatient": command.is_inpatient,
        "is_emergency": command.is_emergency,
        "cost_lines": [
            {
                "line_id": line.line_id,
                "service_code": line.service_code,
                "display_name": line.display_name,
                "quantity": str(line.quantity),
                "unit_price_vnd": line.unit_price_vnd,
                "covered_unit_price_vnd": line.covered_unit_price_vnd,
                "other_funding_vnd": line.other_funding_vnd,
            }
            for line in command.lines
        ],
        "visit_code": split.visit_code,
        "benefit": {
            "rate_pct": str(benefit.rate_pct),
            "rule_id": benefit.rule_id,
            "legal_reference": benefit.legal_reference,
            "rule_valid_from_date": benefit.rule_valid_from_date.isoformat(),
            "is_insured": benefit.is_insured,
            "is_provisional": benefit.is_provisional,
            "why_vi": benefit.why_vi,
        },
        "split_lines": [
            {
                "line_id": line.line_id,
                "display_name": line.display_name,
                "total_vnd": line.total_vnd,
                "covered_vnd": line.covered_vnd,
                "fund_vnd": line.fund_vnd,
                "copay_vnd": line.copay_vnd,
                "self_pay_vnd": line.self_pay_vnd,
                "other_funding_vnd": line.other_funding_vnd,
                "explanation_vi": line.explanation_vi,
            }
            for line in split.lines
        ],
    }


def command_of(document: Document, *, visit_id: str) -> SplitCommand:
    """What a stored split was computed from."""
    return SplitCommand(
        visit_id=visit_id,
        service_date=date.fromisoformat(document["service_date"]),
        visit_code=document["asked_visit_code"],
        is_inpatient=document["is_inpatient"],
        is_emergency=document["is_emergency"],
        lines=tuple(
            CostLine(**{**line, "quantity": Decimal(line["quantity"])}) for line in document["cost_lines"]
        ),
    )


def split_of(
    document: Document, *, total_vnd: int, fund_vnd: int, patient_vnd: int, other_funding_vnd: int
) -> CostSplit:
    """A stored split; its sums are checked against its lines once more."""
    benefit = document["benefit"]
    split = CostSplit(
        visit_code=document["visit_code"],
        benefit=Benefit(
            **{
                **benefit,
                "rate_pct": Decimal(benefit["rate_pct"]),
                "rule_valid_from_date": date.fromisoformat(benefit["rule_valid_from_date"]),
            }
        ),
        lines=tuple(SplitLine(**line) for line in document["split_lines"]),
        total_vnd=total_vnd,
        fund_vnd=fund_vnd,
        patient_vnd=patient_vnd,
        other_funding_vnd=other_funding_vnd,
    )
    assert sum(line.fund_vnd for line in split.lines) == fund_vnd
    assert sum(line.total_vnd for line in split.lines) == total_vnd
    return split


def _card(card: InsuranceCard | None) -> Document | None:
    if card is None:
        return None
    return {
        "number": card.number,
        "object_group": card.object_group,
        "benefit_level": card.benefit_level,
        "valid_from_date": _day(card.valid_from_date),
        "valid_to_date": _day(card.valid_to_date),
        "registered_facility_code": card.registered_facility_code,
        "area_code": card.area_code,
        "five_year_date": _day(card.five_year_date),
    }


def _read_card(document: Document | None) -> InsuranceCard | None:
    if document is None:
        return None
    days = {
        name: date.fromisoformat(document[name]) if document[name] else None
        for name in ("valid_from_date", "valid_to_date", "five_year_date")
    }
    return InsuranceCard(**{**document, **days})


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
