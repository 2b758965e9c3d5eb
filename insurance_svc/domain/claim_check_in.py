"""Table XML0: the check-in of an insured visit, sent through its own service at arrival.

Source: annex of Decision 3176/QĐ-BYT (29/10/2024); letter 1245/BHXH-CNTT (2024) for the service.
"""

from __future__ import annotations

from insurance_svc.domain.claim_errors import CheckInNotReady
from insurance_svc.domain.claim_facts import ClaimFacts, EntryKind, StayKind, day_of, local
from insurance_svc.domain.claim_lines import clean
from insurance_svc.domain.claim_notes import read_notes
from insurance_svc.domain.claim_patient import card_fields, patient_fields
from standards.claims import Row, Schema, schema_for, write_table

_INSTEAD_OF_SERVICE = ("MA_THUOC", "MA_VAT_TU")
"""A check-in orders a service; a drug or supply in its place is never asked for."""
_TYPE_OF_STAY = {StayKind.OUTPATIENT: "01", StayKind.INPATIENT: "03"}


def build_check_in(facts: ClaimFacts, *, visit_code: str) -> Row:
    """The row of XML0.

    Args:
        facts: The visit as it stands; it may be open and without a split.
        visit_code: MA_DOITUONG_KCB that counts for it.
    Raises:
        ClaimVersionUnknown: the visit began before 1 July 2024.
        CheckInNotReady: a required field is held by nobody; its name is told.
    """
    visit, facility = facts.visit, facts.facility
    day = day_of(visit.open_time)
    schema = schema_for(day)
    noted = read_notes(visit.entries, schema).of("XML1")
    ordered = next((entry for entry in visit.entries if entry.kind is EntryKind.SERVICE), None)
    if ordered is not None:
        code, name, when = ordered.code, ordered.text, ordered.record_time
    else:
        code, name, when = (
            facility.examination_code if facility else "",
            facility.examination_name if facility else "",
            visit.open_time,
        )
    fields = schema.tables["XML0"].by_name
    whole = {
        **{name: clean(value) for name, value in noted.items() if name in fields},
        **patient_fields(facts, visit_day=day),
        **card_fields(facts, noted),
        "MA_LK": visit.link_id,
        "STT": "1",
        "MA_DOITUONG_KCB": visit_code,
        "NGAY_VAO": local(visit.open_time),
        "MA_LOAI_KCB": noted.get("MA_LOAI_KCB", "") or _TYPE_OF_STAY.get(visit.kind, ""),
        "MA_CSKCB": visit.facility,
        "MA_DICH_VU": code,
        "TEN_DICH_VU": clean(name),
        "NGAY_YL": local(when),
    }
    row = {name: value for name, value in whole.items() if value and name in fields}
    missing = [
        each.name
        for each in fields.values()
        if not row.get(each.name) and each.required.holds(row, day) and each.name not in _INSTEAD_OF_SERVICE
    ]
    if missing:
        raise CheckInNotReady(missing)
    return row


def check_in_bytes(row: Row, schema: Schema) -> bytes:
    """The XML of a check-in with a place for the signature."""
    return write_table(schema.tables["XML0"], [row], is_alone=True).encode()
