"""Checks of the record as a whole: one summary, one MA_LK in all its tables, the facility of the file."""

from __future__ import annotations

from collections.abc import Iterator

from standards.claims.lint.case import Case, Hit, moment, of_summary, values

_TOLD_DOUBTS = frozenset({"FIELD_UNKNOWN", "FIELD_TWICE", "TABLE_TWICE", "ELEMENT_UNKNOWN", "CONTENT_INLINE"})
_LEFT_OUT_IN_3176 = frozenset({"TEN_DICH_VU", "TEN_THUOC"})
"""Fields of XML13 that Decision 3176 took away."""
_DIAGNOSES_MAX = (("TOO_MANY_DIAGNOSES", "MA_BENH_KT", 12), ("TOO_MANY_TRADITIONAL", "MA_BENH_YHCT", 13))
_PER_CARD = ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")


def check_envelope(case: Case) -> Iterator[Hit]:
    """The visit belongs to the facility and the day of the file."""
    code = case.summary.get("MA_CSKCB", "")
    if case.facility_code and code and code != case.facility_code:
        yield of_summary("FACILITY_DIFFERS", "MA_CSKCB")
    made, leave = moment(case.made_date), moment(case.summary.get("NGAY_RA", ""))
    if made and leave and made.date() < leave.date():
        yield of_summary("MADE_BEFORE_DISCHARGE", "NGAY_RA")


def check_doubts(case: Case) -> Iterator[Hit]:
    """What the reader noticed and read over."""
    for doubt in case.record.doubts:
        if doubt.code in _TOLD_DOUBTS and not (
            doubt.code == "FIELD_UNKNOWN" and _was_a_field(case, doubt.field)
        ):
            yield Hit(rule_id=doubt.code, table=doubt.table, row=doubt.row, field=doubt.field)


def _was_a_field(case: Case, name: str) -> bool:
    """Whether a visit of 2024 may carry what only later tables do not have; the reader knows the later ones."""
    if case.schema.version != "4750":
        return False
    return name in _LEFT_OUT_IN_3176 or name in case.schema.tables["XML13"].by_name


def check_summary(case: Case) -> Iterator[Hit]:
    """The summary stands once, and what it says in lists has equal counts and is not too long."""
    count = len(case.rows("XML1"))
    travels_alone = any(case.schema.tables[name].travels_alone for name in case.record.tables)
    if count != 1 and not travels_alone:
        yield Hit(rule_id="SUMMARY_TWICE" if count else "SUMMARY_MISSING", table="XML1")
    sizes = {len(values(case.summary.get(name, ""))) for name in _PER_CARD}
    if len(sizes - {0}) > 1:
        yield of_summary("CARDS_UNEVEN", "MA_THE_BHYT")
    for rule_id, field, allowed in _DIAGNOSES_MAX:
        found = len(values(case.summary.get(field, "")))
        if found > allowed:
            yield of_summary(rule_id, field, found=str(found), allowed=str(allowed))


def check_links(case: Case) -> Iterator[Hit]:
    """Every row belongs to the visit and is numbered once."""
    link = case.link
    for name, rows in case.record.tables.items():
        seen: set[str] = set()
        for number, row in enumerate(rows, start=1):
            if row.get("MA_LK") and row["MA_LK"] != link:
                yield Hit(rule_id="LINK_DIFFERS", table=name, row=number, field="MA_LK")
            position = row.get("STT", "")
            if position and position in seen:
                yield Hit(rule_id="POSITION_TWICE", table=name, row=number, field="STT")
            seen.add(position)
