"""What the entries of a visit say for its claim: diagnoses, weight, course, and facts written under their table's name.

The record has no field yet for many a thing the claim tables ask for, such as the result of the treatment. Such facts
are recorded in the visit as a note whose code is the table (XML1, XML4, XML7, XML8, XML13, XML14) and whose text has
one FIELD=value a line, with the names of Decision 3176/QĐ-BYT. A later note of a flat table wins field by field; each
note of XML4 is one row. What the suite knows itself (who, when, how much) cannot be written this way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from insurance_svc.domain.claim_facts import EntryKind, Holder, Lack, VisitEntry
from standards.claims import Row, Schema

NOTE_TABLES = ("XML1", "XML4", "XML7", "XML8", "XML13", "XML14")
LISTED = ("XML4",)
"""Tables of which each note is a row of its own."""
OWN_FIELDS = frozenset(
    {
        "MA_LK", "STT", "MA_BN", "HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "MATINH_CU_TRU",
        "MAHUYEN_CU_TRU", "MAXA_CU_TRU", "MA_CSKCB", "NGAY_VAO", "NGAY_RA", "MA_DOITUONG_KCB", "NAM_QT", "THANG_QT",
        "MA_TTDV", "MA_HSBA",
    }
)  # fmt: skip
"""Known to the suite; a note may not say otherwise."""
_AMOUNT = re.compile("T_|THANH_TIEN")
_LINE = re.compile(r"\s*([A-Z][A-Z0-9_]{1,40})\s*=(.*)", re.ASCII)
_WEIGHT = re.compile(
    r"(?:^|[\s,;])(?:weight|can_nang|cân nặng)\s*=\s*([0-9]{1,3}(?:[.,][0-9]{1,2})?)", re.IGNORECASE
)
_MARKS = str.maketrans("", "", "*†+ ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One diagnosis as recorded."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the entries of a visit say, read once."""

    tables: dict[str, list[Row]]
    """By table; a flat one has at most one row."""
    diagnoses: tuple[Diagnosis, ...]
    """In the order of their recording, each code once with its newest text; the first listed is the principal one."""
    weight_kg: str
    """Empty when it was not measured."""
    course: tuple[VisitEntry, ...]
    """Free notes and vital signs: the clinical course."""
    lacks: tuple[Lack, ...]
    """Lines of notes that could not be used."""

    def of(self, table: str) -> Row:
        """The fields noted for a flat table."""
        rows = self.tables.get(table)
        return rows[0] if rows else {}


def read_notes(entries: Sequence[VisitEntry], schema: Schema) -> Notes:
    """Read the entries of a visit, oldest first."""
    tables: dict[str, list[Row]] = {}
    diagnoses: dict[str, Diagnosis] = {}
    course: list[VisitEntry] = []
    lacks: list[Lack] = []
    weight_kg = ""
    for entry in entries:
        if entry.kind is EntryKind.DIAGNOSIS:
            code = entry.code.translate(_MARKS)
            diagnoses[code] = Diagnosis(code=code, text=entry.text.strip())
        elif entry.kind is EntryKind.VITAL_SIGNS:
            course.append(entry)
            if found := _WEIGHT.search(entry.text):
                weight_kg = found[1].replace(",", ".")
        elif entry.kind is EntryKind.NOTE and entry.code in NOTE_TABLES:
            row = _row(entry, schema, lacks)
            if entry.code in LISTED:
                tables.setdefault(entry.code, []).append(row)
            else:
                tables[entry.code] = [{**tables.get(entry.code, [{}])[0], **row}]
        elif entry.kind is EntryKind.NOTE and entry.text.strip():
            course.append(entry)
    return Notes(
        tables=tables,
        diagnoses=tuple(diagnoses.values()),
        weight_kg=weight_kg,
        course=tuple(course),
        lacks=tuple(dict.fromkeys(lacks)),
    )


def _row(entry: VisitEntry, schema: Schema, lacks: list[Lack]) -> Row:
    fields = schema.tables[entry.code].by_name
    row: Row = {}
    for name, value in _lines(entry.text):
        if name not in fields or name in OWN_FIELDS or _AMOUNT.match(name):
            lacks.append(Lack(code="NOTE_UNREADABLE", holder=Holder.RECORD, table=entry.code, field=name))
        else:
            row[name] = value
    return row


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Field and value of each line; a line without a field goes on with the value before, or is told as "?"."""
    name, value = "", ""
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None and name:
            value = f"{value}\n{line}"
        elif found is None:
            if line.strip():
                yield "?", ""
        else:
            if name:
                yield name, value.strip()
            name, value = found[1], found[2]
    if name:
        yield name, value.strip()
