"""FHIR R4 (4.0.1) views of a visit's insurance: domain values in, JSON out; pure.

A view has the visit's id, so that each of the six types has one resource a visit; its versions are those of what it
is made of. Nothing names a person but the reference Patient/{citizen}: no card number, name or birth date is written.
Money is whole dong. The views claim no profile: those of both Vietnamese guides are drafts.
"""

from __future__ import annotations

from collections.abc import Callable

from insurance_svc.codec.fhir_parts import (
    COST_GROUPS,
    ICD10,
    PORTAL_CODES,
    SERVICE_CODES,
    TERMINOLOGY,
    VISIT_CODES,
    Json,
    adjudication,
    concept,
    coverage,
    facility,
    instant,
    insurer,
    money,
    number,
    own,
    patient,
    period,
    whole,
    whole_dong,
)
from insurance_svc.domain.claim import ClaimState
from insurance_svc.domain.claim_facts import day_of
from insurance_svc.domain.fhir_facts import FhirFacts, FhirType, ShownClaim, written_systems
from insurance_svc.domain.model import CostLine, InsuranceCard, Outcome, SplitLine, StoredSplit

_INFORCE = frozenset({Outcome.VALID, Outcome.VALID_MANUAL, Outcome.CARD_CHANGED})
_ELIGIBILITY_OUTCOMES = {
    Outcome.VALID: "complete",
    Outcome.VALID_MANUAL: "complete",
    Outcome.CARD_CHANGED: "complete",
    Outcome.NOT_VALID: "complete",
    Outcome.NOT_FOUND: "error",
    Outcome.PERSON_MISMATCH: "error",
    # The check is repeated by itself until the portal is heard.
    Outcome.UNVERIFIED: "queued",
    Outcome.DISPUTED: "partial",
}
_CLAIM_STATUS = {
    ClaimState.DRAFT: "draft",
    ClaimState.READY: "draft",
    ClaimState.REVERSED: "cancelled",
    ClaimState.REPLACED: "cancelled",
}
"""Everything else is active."""
_VIETNAMESE = {"coding": [{"system": "urn:ietf:bcp:47", "code": "vi"}]}
_ANSWER_WORDS = {
    "queued": "Cổng đã nhận hồ sơ; chưa có kết quả giám định.",
    "error": "Cổng không nhận hồ sơ.",
    "complete": "Đã có kết quả quyết toán.",
}


def write_fhir(kind: FhirType, facts: FhirFacts) -> Json:
    """The view of this kind; it must be among `facts.types()`."""
    assert kind in facts.types(), kind
    return _WRITERS[kind](facts)


def _coverage(facts: FhirFacts) -> Json:
    assert facts.coverage is not None, "there is no such view without one"
    finding = facts.coverage.finding
    card = finding.card
    is_self_pay = finding.outcome is Outcome.SELF_PAY
    kind = (
        concept(f"{TERMINOLOGY}/coverage-selfpay", "pay", "Tự chi trả")
        if is_self_pay
        else concept(f"{TERMINOLOGY}/v3-ActCode", "PUBLICPOL", "Bảo hiểm y tế")
    )
    body: Json = {
        "status": "cancelled" if finding.outcome is Outcome.NOT_VALID else "active",
        "type": kind,
        "beneficiary": patient(facts),
        "period": None if card is None else period(card.valid_from_date, card.valid_to_date),
        "payor": [patient(facts) if is_self_pay else insurer()],
        "class": [] if card is None else _classes(card),
    }
    return whole(
        FhirType.COVERAGE,
        facts,
        version_id=str(facts.coverage.check_number),
        update_time=facts.coverage.as_of_time,
        body=body,
    )


def _classes(card: InsuranceCard) -> list[Json]:
    """Object group, benefit level and area code: the parts of a card that rights follow from."""
    told = (
        ("group", card.object_group, "Nhóm đối tượng"),
        ("plan", str(card.benefit_level) if card.benefit_level else "", "Mức hưởng in trên thẻ"),
        ("subplan", card.area_code, "Khu vực"),
    )
    return [
        {"type": concept(f"{TERMINOLOGY}/coverage-class", code), "value": value, "name": name}
        for code, value, name in told
        if value
    ]


def _eligibility_request(facts: FhirFacts) -> Json:
    assert facts.coverage is not None, "there is no such view without one"
    body: Json = {
        "status": "active",
        "purpose": ["validation"],
        "patient": patient(facts),
        "servicedDate": facts.coverage.service_date.isoformat(),
        "created": instant(facts.coverage.as_of_time),
        "provider": facility(facts),
        "insurer": insurer(),
    }
    if FhirType.COVERAGE in facts.types():
        body["insurance"] = [{"focal": True, "coverage": own(FhirType.COVERAGE, facts)}]
    return whole(
        FhirType.ELIGIBILITY_REQUEST,
        facts,
        version_id=str(facts.coverage.check_number),
        update_time=facts.coverage.as_of_time,
        body=body,
    )


def _eligibility_response(facts: FhirFacts) -> Json:
    assert facts.coverage is not None, "there is no such view without one"
    finding = facts.coverage.finding
    outcome = _ELIGIBILITY_OUTCOMES[finding.outcome]
    body: Json = {
        "status": "active",
        "purpose": ["validation"],
        "patient": patient(facts),
        "servicedDate": facts.coverage.service_date.isoformat(),
        "created": instant(facts.coverage.as_of_time),
        "requestor": facility(facts),
        "request": own(FhirType.ELIGIBILITY_REQUEST, facts),
        "outcome": outcome,
        "disposition": finding.explanation_vi,
        "insurer": insurer(),
    }
    if finding.card is not None:
        one: Json = {
            "coverage": own(FhirType.COVERAGE, facts),
            "benefitPeriod": period(finding.card.valid_from_date, finding.card.valid_to_date),
        }
        if outcome == "complete":
            one["inforce"] = finding.outcome in _INFORCE
        body["insurance"] = [{name: value for name, value in one.items() if value is not None}]
    if outcome == "error":
        body["error"] = [
            {"code": concept(PORTAL_CODES, finding.portal_code or "none", finding.outcome.value)}
        ]
    return whole(
        FhirType.ELIGIBILITY_RESPONSE,
        facts,
        version_id=str(facts.coverage.check_number),
        update_time=facts.coverage.as_of_time,
        body=body,
    )


def _claim(facts: FhirFacts) -> Json:
    shown = facts.claim
    assert shown is not None, "there is no such view without one"
    split = shown.split
    links = [{"system": system, "value": shown.view.claim.link_id} for system in written_systems("LINK")]
    body: Json = {
        "identifier": links,
        "status": _CLAIM_STATUS.get(shown.state, "active"),
        "type": _claim_type(split),
        "subType": concept(VISIT_CODES, split.split.visit_code) if split.split.visit_code else None,
        "use": "claim",
        "patient": patient(facts),
        "billablePeriod": period(shown.open_time, shown.close_time),
        "created": instant(shown.version.create_time),
        "insurer": insurer(),
        "provider": facility(facts),
        "priority": concept(f"{TERMINOLOGY}/processpriority", "normal"),
        "diagnosis": _diagnoses(shown.diagnosis_codes),
        "insurance": [{"sequence": 1, "focal": True, "coverage": coverage(facts)}],
        "item": [
            _item(sequence, line, done, shown.diagnosis_codes) for sequence, line, done in _pairs(split)
        ],
        "total": money(split.split.total_vnd),
    }
    return _of_claim(FhirType.CLAIM, facts, shown, body)


def _claim_type(split: StoredSplit) -> Json:
    code = "institutional" if split.command.is_inpatient else "professional"
    return concept(f"{TERMINOLOGY}/claim-type", code)


def _diagnoses(codes: tuple[str, ...]) -> list[Json]:
    kinds = f"{TERMINOLOGY}/ex-diagnosistype"
    return [
        {
            "sequence": sequence,
            "diagnosisCodeableConcept": concept(ICD10, code),
            **({"type": [concept(kinds, "principal")]} if sequence == 1 else {}),
        }
        for sequence, code in enumerate(codes, start=1)
    ]


def _pairs(split: StoredSplit) -> list[tuple[int, CostLine, SplitLine]]:
    """Lines before and after the split with their sequence from 1."""
    after = {line.line_id: line for line in split.split.lines}
    return [(number, line, after[line.line_id]) for number, line in enumerate(split.command.lines, start=1)]


def _item(sequence: int, line: CostLine, done: SplitLine, codes: tuple[str, ...] = ()) -> Json:
    """What Claim and ExplanationOfBenefit say alike about a line."""
    told = [codes.index(code) + 1 for code in line.diagnosis_codes if code in codes]
    served = line.perform_time or line.order_time
    body: Json = {
        "sequence": sequence,
        "diagnosisSequence": told,
        "category": concept(COST_GROUPS, str(line.cost_group)) if line.cost_group else None,
        "productOrService": concept(SERVICE_CODES, line.service_code, line.display_name)
        if line.service_code
        else {"text": line.display_name},
        "servicedDate": day_of(served).isoformat() if served is not None else None,
        "quantity": {"value": number(line.quantity), **({"unit": line.unit} if line.unit else {})},
        "unitPrice": money(line.unit_price_vnd),
        "net": money(done.total_vnd),
    }
    return {name: value for name, value in body.items() if value not in (None, [])}


def _of_claim(kind: FhirType, facts: FhirFacts, shown: ShownClaim, body: Json) -> Json:
    # A state that changes is another version, as what is read then differs.
    version_id = f"{shown.version.version}.{shown.state.value.lower()}"
    update_time = shown.view.claim.update_time
    return whole(kind, facts, version_id=version_id, update_time=update_time, body=body)


def _claim_response(facts: FhirFacts) -> Json:
    shown = facts.claim
    assert shown is not None, "there is no such view without one"
    answer = shown.answer
    assert answer is not None, "there is no such view without an answer"
    assert answer.answer_time is not None, "an answer has its time"
    settled = shown.view.settled_hundredths if shown.state is ClaimState.SETTLED else None
    outcome = "error" if answer.state is ClaimState.REJECTED else "queued" if settled is None else "complete"
    body: Json = {
        "status": "cancelled" if shown.state in (ClaimState.REVERSED, ClaimState.REPLACED) else "active",
        "type": _claim_type(shown.split),
        "use": "claim",
        "patient": patient(facts),
        "created": instant(answer.answer_time),
        "insurer": insurer(),
        "requestor": facility(facts),
        "request": own(FhirType.CLAIM, facts),
        "outcome": outcome,
        # The portal's own words may name a patient, so they stay in ClaimService.
        "disposition": _ANSWER_WORDS[outcome],
    }
    if outcome == "error":
        body["error"] = [{"code": concept(PORTAL_CODES, answer.portal_code)}]
    else:
        body["total"] = [adjudication("submitted", whole_dong(shown.version.fund_hundredths))]
    if settled is not None:
        body["total"].append(adjudication("benefit", whole_dong(settled)))
    return _of_claim(FhirType.CLAIM_RESPONSE, facts, shown, body)


def _explanation(facts: FhirFacts) -> Json:
    stored = facts.split
    assert stored is not None, "there is no such view without one"
    split, shown = stored.split, facts.claim
    pairs = _pairs(stored)
    version_id, update_time = str(stored.split_number), stored.create_time
    is_of_claim = shown is not None and shown.split.split_id == stored.split_id
    if shown is not None and is_of_claim:
        version_id, update_time = f"{version_id}.{shown.version.version}", shown.version.create_time
    body: Json = {
        "status": "active",
        "type": _claim_type(stored),
        "subType": concept(VISIT_CODES, split.visit_code) if split.visit_code else None,
        "use": "claim",
        "patient": patient(facts),
        "billablePeriod": {"start": stored.command.service_date.isoformat()},
        "created": instant(stored.create_time),
        "insurer": insurer(),
        "provider": facility(facts),
        "claim": own(FhirType.CLAIM, facts) if is_of_claim else None,
        # Provisional: the coverage behind it is not verified yet, and it is computed again when it is.
        "outcome": "partial" if split.benefit.is_provisional else "complete",
        "disposition": split.benefit.why_vi,
        "insurance": [{"focal": True, "coverage": coverage(facts)}],
        "item": [_explained(stored, *pair) for pair in pairs],
        "total": [adjudication(code, amount) for code, amount in _totals(stored)],
        "processNote": [
            {"number": sequence, "type": "display", "text": done.explanation_vi, "language": _VIETNAMESE}
            for sequence, _, done in pairs
        ],
    }
    return whole(FhirType.EXPLANATION, facts, version_id=version_id, update_time=update_time, body=body)


def _explained(stored: StoredSplit, sequence: int, line: CostLine, done: SplitLine) -> Json:
    """One line with its shares; benefit, copay, self-pay and other funding add up to what was submitted."""
    benefit = done.benefit or stored.split.benefit
    rate = concept(f"{TERMINOLOGY}/adjudication", "eligpercent")
    shares = [
        adjudication("submitted", done.total_vnd),
        adjudication("eligible", done.covered_vnd),
        {"category": rate, "reason": {"text": benefit.legal_reference}, "value": number(benefit.rate_pct)},
        adjudication("benefit", done.fund_vnd),
        adjudication("copay", done.copay_vnd),
        adjudication("self-pay", done.self_pay_vnd),
        adjudication("other-funding", done.other_funding_vnd),
    ]
    return {**_item(sequence, line, done), "noteNumber": [sequence], "adjudication": shares}


def _totals(stored: StoredSplit) -> list[tuple[str, int]]:
    lines = stored.split.lines
    return [
        ("submitted", stored.split.total_vnd),
        ("eligible", sum(line.covered_vnd for line in lines)),
        ("benefit", stored.split.fund_vnd),
        ("copay", sum(line.copay_vnd for line in lines)),
        ("self-pay", sum(line.self_pay_vnd for line in lines)),
        ("other-funding", stored.split.other_funding_vnd),
    ]


_WRITERS: dict[FhirType, Callable[[FhirFacts], Json]] = {
    FhirType.COVERAGE: _coverage,
    FhirType.ELIGIBILITY_REQUEST: _eligibility_request,
    FhirType.ELIGIBILITY_RESPONSE: _eligibility_response,
    FhirType.CLAIM: _claim,
    FhirType.CLAIM_RESPONSE: _claim_response,
    FhirType.EXPLANATION: _explanation,
}
