"""A small checker of FHIR R4 (4.0.1) JSON for the resources that insurance shows.

The facts are those of the published specification, hl7.org/fhir/R4: the element tables (cardinality, type) and required
bindings of Coverage, CoverageEligibilityRequest, CoverageEligibilityResponse, Claim, ClaimResponse and
ExplanationOfBenefit. An element that a table here does not have is refused, so backbones that are not listed are too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

CODES = {
    "fm-status": "active cancelled draft entered-in-error",
    "explanationofbenefit-status": "active cancelled draft entered-in-error",
    "claim-use": "claim preauthorization predetermination",
    "remittance-outcome": "queued complete error partial",
    "eligibilityrequest-purpose": "auth-requirements benefits discovery validation",
    "eligibilityresponse-purpose": "auth-requirements benefits discovery validation",
    "note-type": "display print printoper",
    "identifier-use": "usual official temp secondary old",
    "quantity-comparator": "< <= >= >",
    "currencies": "VND",
}
"""Required bindings. Of the currencies only the dong may occur here."""

BASE = (
    "id 0..1 id | meta 0..1 Meta | implicitRules 0..1 uri | language 0..1 code | identifier 0..* Identifier"
)
_ADJUDICATION = (
    "category 1..1 CodeableConcept | reason 0..1 CodeableConcept | amount 0..1 Money | value 0..1 decimal"
)
_INSURANCE = "focal 1..1 boolean | coverage 1..1 Reference | preAuthRef 0..* string"
_TOTAL = "category 1..1 CodeableConcept | amount 1..1 Money"
_ERROR = "code 1..1 CodeableConcept"
_NOTE = (
    "number 0..1 positiveInt | type 0..1 code note-type | text 1..1 string | language 0..1 CodeableConcept"
)
_DIAGNOSIS = (
    "sequence 1..1 positiveInt | diagnosisCodeableConcept 0..1 CodeableConcept | diagnosisReference 0..1 Reference | "
    "type 0..* CodeableConcept | onAdmission 0..1 CodeableConcept | packageCode 0..1 CodeableConcept"
)
_ITEM = (
    "sequence 1..1 positiveInt | careTeamSequence 0..* positiveInt | diagnosisSequence 0..* positiveInt | "
    "procedureSequence 0..* positiveInt | informationSequence 0..* positiveInt | revenue 0..1 CodeableConcept | "
    "category 0..1 CodeableConcept | productOrService 1..1 CodeableConcept | modifier 0..* CodeableConcept | "
    "programCode 0..* CodeableConcept | servicedDate 0..1 date | servicedPeriod 0..1 Period | "
    "locationCodeableConcept 0..1 CodeableConcept | quantity 0..1 Quantity | unitPrice 0..1 Money | "
    "factor 0..1 decimal | net 0..1 Money | udi 0..* Reference | bodySite 0..1 CodeableConcept | "
    "subSite 0..* CodeableConcept | encounter 0..* Reference"
)
TABLES = {
    "Coverage": f"{BASE} | status 1..1 code fm-status | type 0..1 CodeableConcept | policyHolder 0..1 Reference | "
    "subscriber 0..1 Reference | subscriberId 0..1 string | beneficiary 1..1 Reference | dependent 0..1 string | "
    "relationship 0..1 CodeableConcept | period 0..1 Period | payor 1..* Reference | class 0..* Coverage.class | "
    "order 0..1 positiveInt | network 0..1 string | subrogation 0..1 boolean | contract 0..* Reference",
    "Coverage.class": "type 1..1 CodeableConcept | value 1..1 string | name 0..1 string",
    "CoverageEligibilityRequest": f"{BASE} | status 1..1 code fm-status | priority 0..1 CodeableConcept | "
    "purpose 1..* code eligibilityrequest-purpose | patient 1..1 Reference | servicedDate 0..1 date | "
    "servicedPeriod 0..1 Period | created 1..1 dateTime | enterer 0..1 Reference | provider 0..1 Reference | "
    "insurer 1..1 Reference | facility 0..1 Reference | insurance 0..* CoverageEligibilityRequest.insurance",
    "CoverageEligibilityRequest.insurance": "focal 0..1 boolean | coverage 1..1 Reference | "
    "businessArrangement 0..1 string",
    "CoverageEligibilityResponse": f"{BASE} | status 1..1 code fm-status | "
    "purpose 1..* code eligibilityresponse-purpose | patient 1..1 Reference | servicedDate 0..1 date | "
    "servicedPeriod 0..1 Period | created 1..1 dateTime | requestor 0..1 Reference | request 1..1 Reference | "
    "outcome 1..1 code remittance-outcome | disposition 0..1 string | insurer 1..1 Reference | "
    "insurance 0..* CoverageEligibilityResponse.insurance | preAuthRef 0..1 string | form 0..1 CodeableConcept | "
    "error 0..* CoverageEligibilityResponse.error",
    "CoverageEligibilityResponse.insurance": "coverage 1..1 Reference | inforce 0..1 boolean | "
    "benefitPeriod 0..1 Period",
    "CoverageEligibilityResponse.error": _ERROR,
    "Claim": f"{BASE} | status 1..1 code fm-status | type 1..1 CodeableConcept | subType 0..1 CodeableConcept | "
    "use 1..1 code claim-use | patient 1..1 Reference | billablePeriod 0..1 Period | created 1..1 dateTime | "
    "enterer 0..1 Reference | insurer 0..1 Reference | provider 1..1 Reference | priority 1..1 CodeableConcept | "
    "fundsReserve 0..1 CodeableConcept | prescription 0..1 Reference | referral 0..1 Reference | "
    "facility 0..1 Reference | diagnosis 0..* Claim.diagnosis | insurance 1..* Claim.insurance | "
    "item 0..* Claim.item | total 0..1 Money",
    "Claim.diagnosis": _DIAGNOSIS,
    "Claim.insurance": f"sequence 1..1 positiveInt | {_INSURANCE} | businessArrangement 0..1 string | "
    "claimResponse 0..1 Reference",
    "Claim.item": _ITEM,
    "ClaimResponse": f"{BASE} | status 1..1 code fm-status | type 1..1 CodeableConcept | "
    "subType 0..1 CodeableConcept | use 1..1 code claim-use | patient 1..1 Reference | created 1..1 dateTime | "
    "insurer 1..1 Reference | requestor 0..1 Reference | request 0..1 Reference | "
    "outcome 1..1 code remittance-outcome | disposition 0..1 string | preAuthRef 0..1 string | "
    "preAuthPeriod 0..1 Period | payeeType 0..1 CodeableConcept | total 0..* ClaimResponse.total | "
    "processNote 0..* ClaimResponse.processNote | error 0..* ClaimResponse.error",
    "ClaimResponse.total": _TOTAL,
    "ClaimResponse.processNote": _NOTE,
    "ClaimResponse.error": f"itemSequence 0..1 positiveInt | {_ERROR}",
    "ExplanationOfBenefit": f"{BASE} | status 1..1 code explanationofbenefit-status | type 1..1 CodeableConcept | "
    "subType 0..1 CodeableConcept | use 1..1 code claim-use | patient 1..1 Reference | "
    "billablePeriod 0..1 Period | created 1..1 dateTime | enterer 0..1 Reference | insurer 1..1 Reference | "
    "provider 1..1 Reference | priority 0..1 CodeableConcept | claim 0..1 Reference | claimResponse 0..1 Reference | "
    "outcome 1..1 code remittance-outcome | disposition 0..1 string | diagnosis 0..* Claim.diagnosis | "
    "insurance 1..* ExplanationOfBenefit.insurance | item 0..* ExplanationOfBenefit.item | "
    "total 0..* ClaimResponse.total | processNote 0..* ClaimResponse.processNote | benefitPeriod 0..1 Period",
    "ExplanationOfBenefit.insurance": _INSURANCE,
    "ExplanationOfBenefit.item": f"{_ITEM} | noteNumber 0..* positiveInt | "
    "adjudication 0..* ExplanationOfBenefit.item.adjudication",
    "ExplanationOfBenefit.item.adjudication": _ADJUDICATION,
    "Meta": "versionId 0..1 id | lastUpdated 0..1 instant | source 0..1 uri | profile 0..* uri",
    "Identifier": "use 0..1 code identifier-use | type 0..1 CodeableConcept | system 0..1 uri | value 0..1 string | "
    "period 0..1 Period | assigner 0..1 Reference",
    "CodeableConcept": "coding 0..* Coding | text 0..1 string",
    "Coding": "system 0..1 uri | version 0..1 string | code 0..1 code | display 0..1 string",
    "Reference": "reference 0..1 string | type 0..1 uri | identifier 0..1 Identifier | display 0..1 string",
    "Period": "start 0..1 dateTime | end 0..1 dateTime",
    "Money": "value 0..1 decimal | currency 0..1 code currencies",
    "Quantity": "value 0..1 decimal | comparator 0..1 code quantity-comparator | unit 0..1 string | system 0..1 uri | "
    "code 0..1 code",
}
CHOICES = {
    "Claim.diagnosis": [(1, ("diagnosisCodeableConcept", "diagnosisReference"))],
    "Claim.item": [(0, ("servicedDate", "servicedPeriod"))],
    "ExplanationOfBenefit.item": [(0, ("servicedDate", "servicedPeriod"))],
    "CoverageEligibilityRequest": [(0, ("servicedDate", "servicedPeriod"))],
    "CoverageEligibilityResponse": [(0, ("servicedDate", "servicedPeriod"))],
}
"""Elements of which at most one may stand, and whether one must: diagnosis[x], serviced[x]."""
_DATE = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_CLOCK = r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_TEXTS = {
    "id": r"[A-Za-z0-9.-]{1,64}",
    "uri": r"\S+",
    "code": r"[^\s]+( [^\s]+)*",
    "string": r"(?s)(?=.*\S).{1,1048576}",
    "date": _DATE,
    "dateTime": rf"{_DATE}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_CLOCK}",
    "instant": rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_CLOCK}",
}


def mistakes(resource: dict[str, Any]) -> list[str]:
    """What is wrong with a resource by R4, as "path: why"; empty when nothing is."""
    kind = resource.get("resourceType")
    if kind not in TABLES or "." in str(kind):
        return [f"resourceType: {kind} is not covered"]
    body = {name: value for name, value in resource.items() if name != "resourceType"}
    return list(_element(kind, body, kind))


def _element(table: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{path}: an element is an object that is not empty"
        return
    fields = dict(_fields(table))
    yield from (f"{path}.{name}: not an element of {table} in R4" for name in value if name not in fields)
    for name, (least, is_list, kind, binding) in fields.items():
        if name not in value:
            if least:
                yield f"{path}.{name}: required"
            continue
        found = value[name]
        if is_list != isinstance(found, list) or found == []:
            yield f"{path}.{name}: {'a list' if is_list else 'one value'} is wanted"
            continue
        for number, one in enumerate(found if is_list else [found]):
            yield from _value(kind, binding, one, f"{path}.{name}[{number}]" if is_list else f"{path}.{name}")
    for least, names in CHOICES.get(table, ()):
        count = sum(name in value for name in names)
        if not least <= count <= 1:
            yield f"{path}: {least} to 1 of {', '.join(names)}"


def _value(kind: str, binding: str, value: Any, path: str) -> Iterator[str]:
    if kind in TABLES:
        yield from _element(kind, value, path)
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"{path}: not a boolean"
    elif kind in ("decimal", "positiveInt"):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (kind == "positiveInt" and (not isinstance(value, int) or value < 1)):
            yield f"{path}: not a {kind}"
    elif not isinstance(value, str) or re.fullmatch(_TEXTS[kind], value) is None:
        yield f"{path}: not a {kind}"
    elif binding and value not in CODES[binding].split():
        yield f"{path}: not in {binding}"


def _fields(table: str) -> Iterator[tuple[str, tuple[int, bool, str, str]]]:
    for line in TABLES[table].split(" | "):
        name, cardinality, kind, *binding = line.split()
        least, _, most = cardinality.partition("..")
        yield name, (int(least), most == "*", kind, binding[0] if binding else "")
