"""Small parts of FHIR R4 JSON that several resources share; pure.

Code systems under `urn:lienthong:` are ours: no public address of those Vietnamese lists is known.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from insurance_svc.domain.fhir_facts import FhirFacts, FhirType, written_systems

Json = dict[str, Any]  # Any: JSON

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
PORTAL_CODES = "urn:lienthong:portal-result-code"
"""maKetQua."""
VISIT_CODES = "urn:lienthong:visit-code"
"""MA_DOITUONG_KCB, Decision 3276/QĐ-BYT (17/10/2025)."""
SERVICE_CODES = "urn:lienthong:service-code"
"""Codes of a facility's price list: MA_DICH_VU, MA_THUOC, MA_VAT_TU."""
COST_GROUPS = "urn:lienthong:cost-group"
"""MA_NHOM."""
SHARES = "urn:lienthong:share"
"""Shares that HL7's list of adjudications does not have: self-pay, other-funding."""
INSURER = "Bảo hiểm xã hội Việt Nam"


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC, whole seconds or microseconds."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def money(amount_vnd: int) -> Json:
    """Whole dong; ISO 4217 gives the dong no smaller unit."""
    return {"value": amount_vnd, "currency": "VND"}


def whole_dong(hundredths: int) -> int:
    """Hundredths of a dong, half up; ClaimService tells the exact amount."""
    return int((Decimal(hundredths) / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def number(value: Decimal) -> int | float:
    """A decimal with few places as a JSON number: whole as an integer, else its shortest form."""
    return int(value) if value == value.to_integral_value() else float(value)


def concept(system: str, code: str, text: str = "") -> Json:
    """A CodeableConcept with one coding."""
    made: Json = {"coding": [{"system": system, "code": code}]}
    return {**made, "text": text} if text else made


def adjudication(code: str, amount_vnd: int) -> Json:
    """One amount of an adjudication under HL7's list, or under ours where that has none."""
    system = SHARES if code in {"self-pay", "other-funding"} else f"{TERMINOLOGY}/adjudication"
    return {"category": concept(system, code), "amount": money(amount_vnd)}


def period(begin: date | datetime | None, end: date | datetime | None) -> Json | None:
    """A Period of days or moments; None without either end."""
    ends = {"start": begin, "end": end}
    made = {name: _written(moment) for name, moment in ends.items() if moment is not None}
    return made or None


def _written(moment: date | datetime) -> str:
    return instant(moment) if isinstance(moment, datetime) else moment.isoformat()


def patient(facts: FhirFacts) -> Json:
    """The citizen by our own id: the only thing these views say about a person."""
    return {"reference": f"Patient/{facts.citizen_id}"}


def own(kind: FhirType, facts: FhirFacts) -> Json:
    """A reference to another view of the visit."""
    return {"reference": f"{kind}/{facts.visit_id}"}


def insurer() -> Json:
    """The fund; it has no identifier that is public."""
    return {"type": "Organization", "display": INSURER}


def facility(facts: FhirFacts) -> Json:
    """The facility by its code."""
    (system, *_others) = written_systems("FACILITY")
    return {"type": "Organization", "identifier": {"system": system, "value": facts.facility}}


def coverage(facts: FhirFacts) -> Json:
    """The coverage, or its words where the portal told no card."""
    if FhirType.COVERAGE in facts.types():
        return own(FhirType.COVERAGE, facts)
    return {"type": "Coverage", "display": "Chưa có thẻ BHYT được xác nhận"}


def whole(kind: FhirType, facts: FhirFacts, *, version_id: str, update_time: datetime, body: Json) -> Json:
    """A resource of its body: type, id and meta before it; elements that are None or empty are left out."""
    return {
        "resourceType": kind.value,
        "id": facts.visit_id,
        "meta": {"versionId": version_id, "lastUpdated": instant(update_time)},
        **{name: value for name, value in body.items() if value not in (None, "", [], {})},
    }
