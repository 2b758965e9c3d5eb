"""The tables beside the summary and the lines: results, course, discharge, record summary, referral, appointment.

A paper stands in a claim only where the record has it; what it repeats is taken from the summary, so that it cannot say
anything else.
"""

from __future__ import annotations

from insurance_svc.domain.claim_facts import ClaimFacts, EntryKind, local
from insurance_svc.domain.claim_lines import clean
from insurance_svc.domain.claim_notes import Notes
from standards.claims import Row, Schema

_PAPERS = ("XML7", "XML8", "XML13", "XML14")
_OWN = frozenset({"GHI_CHU", "DU_PHONG", "GIAY_CHUYEN_TUYEN", "STT"})
"""Fields of one name that mean something else in the summary."""
_OTHER_NAMES = {"MA_KHOA_RV": "MA_KHOA", "PP_DIEUTRI": "PP_DIEU_TRI"}
_DOCTOR_FIELDS = ("MA_BS", "MA_BAC_SI")
_COURSE_TYPES = ("02", "03", "04", "05", "06", "08", "09")
"""Types of visit whose course is sent (annex of 3176, XML5)."""


def papers(facts: ClaimFacts, notes: Notes, summary: Row, schema: Schema) -> dict[str, list[Row]]:
    """The further tables, in their order."""
    tables: dict[str, list[Row]] = {}
    if rows := notes.tables.get("XML4"):
        tables["XML4"] = [
            {**_cleaned(row), "MA_LK": facts.visit.link_id, "STT": str(number)}
            for number, row in enumerate(rows, start=1)
        ]
    if summary.get("MA_LOAI_KCB") in _COURSE_TYPES and notes.course:
        tables["XML5"] = _course(facts, notes)
    for name in _PAPERS:
        if noted := notes.of(name):
            tables[name] = [_paper(name, noted, facts, summary, schema)]
    return tables


def _course(facts: ClaimFacts, notes: Notes) -> list[Row]:
    staff = facts.facility.staff if facts.facility else {}
    rows = []
    for number, entry in enumerate(notes.course, start=1):
        row = {
            "MA_LK": facts.visit.link_id,
            "STT": str(number),
            "DIEN_BIEN_LS": clean(entry.text),
            "THOI_DIEM_DBLS": local(entry.record_time),
            "NGUOI_THUC_HIEN": staff.get(entry.author, ""),
        }
        rows.append({name: value for name, value in row.items() if value})
    return rows


def _paper(name: str, noted: Row, facts: ClaimFacts, summary: Row, schema: Schema) -> Row:
    row = _cleaned(noted)
    for field in schema.tables[name].by_name:
        if field in _OWN:
            continue
        repeated = summary.get(_OTHER_NAMES.get(field, field), "")
        if repeated and (field not in _OTHER_NAMES or not row.get(field)):
            row[field] = repeated
    staff = facts.facility.staff if facts.facility else {}
    author = next(
        (entry.author for entry in reversed(facts.visit.entries) if _is_note(entry.kind, entry.code, name)),
        "",
    )
    for field in _DOCTOR_FIELDS:
        if field in schema.tables[name].by_name and not row.get(field) and staff.get(author):
            row[field] = staff[author]
    return row


def _is_note(kind: EntryKind, code: str, table: str) -> bool:
    return kind is EntryKind.NOTE and code == table


def _cleaned(row: Row) -> Row:
    return {name: text for name, value in row.items() if (text := clean(value))}
