"""Values as JSON for the sealed columns, and back."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from insurance_svc.domain.model import (
    CostSplit,
    Finding,
    InsuranceCard,
    Outcome,
    Question,
    Rung,
    SplitCommand,
)
from insurance_svc.store import split_records

Document = dict[str, Any]  # Any: JSON of our own making, read back by the function beside its writer


# Made once: json.dumps with arguments of its own builds an encoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(document: Document) -> bytes:
    """A document as compact UTF-8."""
    return _encode(document).encode("utf-8")


def coverage_detail(finding: Finding, question: Question | None) -> Document:
    """The personal part of a coverage."""
    return {
        "explanation_vi": finding.explanation_vi,
        "explanation_en": finding.explanation_en,
        "card": _card(finding.card),
        "replaced_card": _card(finding.replaced_card),
        "cards": [_card(card) for card in finding.cards],
        "reason": finding.reason,
        "question": None
        if question is None
        else {
            "identifier": question.identifier,
            "full_name": question.full_name,
            "birth_date": question.birth_date,
            "service_date": question.service_date.isoformat(),
            "other_identifiers": question.other_identifiers,
            "printed_name": question.printed_name,
        },
    }


def sent_document(rung: Rung) -> Document:
    """What was asked in one call; its form stands in a column of its own."""
    return {
        "identifier": rung.identifier,
        "full_name": rung.full_name,
        "birth_text": rung.birth_text,
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
        # Coverages of the first release hold neither.
        cards=tuple(card for card in map(_read_card, document.get("cards", ())) if card is not None),
        reason=document.get("reason", ""),
    )


def question_of(document: Document) -> Question | None:
    """The question of a coverage, None for self-pay."""
    asked = document["question"]
    if asked is None:
        return None
    return Question(
        **{
            **asked,
            "service_date": date.fromisoformat(asked["service_date"]),
            "other_identifiers": tuple(asked.get("other_identifiers", ())),
        }
    )


def split_detail(command: SplitCommand, split: CostSplit) -> Document:
    """What a split was computed from and what came out, line by line."""
    benefit = split.benefit
    line_benefits = list(dict.fromkeys(line.benefit for line in split.lines if line.benefit is not None))
    places = {each: place for place, each in enumerate(line_benefits)}
    return {
        "service_date": command.service_date.isoformat(),
        "asked_visit_code": command.visit_code,
        "is_inpatient": command.is_inpatient,
        "is_emergency": command.is_emergency,
        "circumstances": split_records.circumstances_document(command.circumstances),
        "cost_lines": [split_records.line_document(line) for line in command.lines],
        "visit_code": split.visit_code,
        "benefit": split_records.benefit_document(benefit),
        "line_benefits": [split_records.benefit_document(each) for each in line_benefits],
        "split_lines": [split_records.split_line_document(line, places) for line in split.lines],
        "rounding": split_records.rounding_document(split.rounding),
    }


def command_of(document: Document, *, visit_id: str) -> SplitCommand:
    """What a stored split was computed from."""
    return SplitCommand(
        visit_id=visit_id,
        service_date=date.fromisoformat(document["service_date"]),
        visit_code=document["asked_visit_code"],
        is_inpatient=document["is_inpatient"],
        is_emergency=document["is_emergency"],
        circumstances=split_records.read_circumstances(document.get("circumstances")),
        lines=tuple(map(split_records.read_line, document["cost_lines"])),
    )


def split_of(
    document: Document, *, total_vnd: int, fund_vnd: int, patient_vnd: int, other_funding_vnd: int
) -> CostSplit:
    """A stored split; its sums are checked against its lines once more."""
    line_benefits = [split_records.read_benefit(each) for each in document.get("line_benefits", ())]
    split = CostSplit(
        visit_code=document["visit_code"],
        benefit=split_records.read_benefit(document["benefit"]),
        lines=tuple(split_records.read_split_line(line, line_benefits) for line in document["split_lines"]),
        rounding=split_records.read_rounding(document.get("rounding")),
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
