"""Checks that follow from the schema alone: presence, form, length, codes, and the envelope around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from standards.claims.lint.case import Case, Hit, amount, moment, values
from standards.claims.lint.code_lists import shipped_codes
from standards.claims.model import Row
from standards.claims.schema import Field, Table

_DATE_NAME = re.compile(
    r"NGAY(_|KD|BD|KT|SINH|CAP)|^(TU|DEN)_NGAY$|NGOAITRU_(TU|DEN)NGAY|THOI_DIEM_DBLS|THOIGIAN_DINHCHI|^BDDT_ARV$"
)
_NOT_DATES = frozenset({"SO_NGAY_DTRI", "SO_NGAY_NGHI", "SO_NGAY_CAP_THUOC_ARV", "SO_NGAY"})
_MANY_DATES = frozenset({"GT_THE_TU", "GT_THE_DEN", "NGAY_TAI_KHAM"})
_CARD = re.compile("[A-Z]{2}[1-5][0-9]{12}|[0-9]{10}|[0-9]{12}")
_CHILD_CARD = re.compile("TE1[0-9]{12}")
_PERSON = re.compile("[0-9]{9}|[0-9]{12}|[A-Z][0-9]{7,8}")
_FACILITY = re.compile("[0-9]{2}[0-9A-Z]{3}")
_FACILITY_FIELDS = frozenset(
    {"MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN", "MA_CSKCB_DI", "MA_CSKCB_DEN", "MA_DKBD"}
)
_MONEY = re.compile("^(T_|THANH_TIEN_)")
_THREE_PLACES = frozenset({"SO_LUONG", "DON_GIA", "DON_GIA_BV", "DON_GIA_BH"})
_SECONDARY_MAX = 12


def check_fields(case: Case) -> Iterator[Hit]:
    """Each field of each row by the schema."""
    for name, rows in case.record.tables.items():
        table = case.schema.tables[name]
        plans = _plans(table)
        for number, row in enumerate(rows, start=1):
            for field, is_date, codes in plans:
                text = row.get(field.name, "")
                if text:
                    yield from _check_value(table, number, field, text, is_date=is_date, codes=codes)
                elif field.required.text != "never" and field.required.holds(row, case.day):
                    yield Hit(rule_id="FIELD_REQUIRED", table=name, row=number, field=field.name)


@lru_cache(maxsize=64)
def _plans(table: Table) -> tuple[tuple[Field, bool, frozenset[str] | None], ...]:
    """What there is to check of each field; made once, a claim has tens of thousands of values."""
    codes = shipped_codes()
    return tuple((field, _is_date(field.name), codes.get(field.name)) for field in table.fields)


def _is_date(name: str) -> bool:
    return name in _MANY_DATES or (name not in _NOT_DATES and bool(_DATE_NAME.search(name)))


def _check_value(
    table: Table, row: int, field: Field, text: str, *, is_date: bool, codes: frozenset[str] | None
) -> Iterator[Hit]:
    def hit(rule_id: str, **facts: str) -> Hit:
        return Hit(rule_id=rule_id, table=table.name, row=row, field=field.name, facts=facts)

    if field.max_chars is not None and len(text) > field.max_chars:
        yield hit("FIELD_TOO_LONG", found=str(len(text)), allowed=str(field.max_chars))
    if is_date:
        many = field.name in _MANY_DATES or table.name == "XML13"
        for part in values(text) if many else [text]:
            if not _is_day(field.name, part):
                yield hit("DATE_MALFORMED")
    elif field.kind == "number" and codes is None:
        number = amount(text)
        if number is None:
            yield hit("FIELD_NOT_A_NUMBER")
        elif number < 0:
            yield hit("NUMBER_NEGATIVE")
        elif _places(text) > _places_allowed(field.name):
            yield hit("NUMBER_TOO_PRECISE", allowed=str(_places_allowed(field.name)))
    if codes is not None and text not in codes:
        yield hit("CODE_NOT_IN_LIST")


def _is_day(name: str, text: str) -> bool:
    """A day, or a birth date whose unknown parts are 0000."""
    if moment(text) is not None:
        return True
    unknown = "SINH" in name and text.isascii() and text.isdecimal() and len(text) in (8, 12)
    return unknown and text[4:8] in ("0000", text[4:6] + "00") and moment(text[:4] + "0101") is not None


def _places(text: str) -> int:
    return len(text.partition(".")[2].rstrip("0"))


def _places_allowed(name: str) -> int:
    if _MONEY.match(name):
        return 2
    return 3 if name in _THREE_PLACES else 2 if name.startswith("CAN_NANG") else 0


def check_identifiers(case: Case) -> Iterator[Hit]:
    """Numbers of persons, cards and facilities have their forms."""
    for name, rows in case.record.tables.items():
        for number, row in enumerate(rows, start=1):
            yield from _check_numbers(name, number, row)
    facilities = case.context.code_lists.facilities
    for field in ("MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN") if facilities is not None else ():
        code = case.summary.get(field, "")
        if code and facilities is not None and code not in facilities:
            yield Hit(rule_id="FACILITY_UNKNOWN", table="XML1", row=1, field=field, facts={"code": code})


def _check_numbers(table: str, number: int, row: Row) -> Iterator[Hit]:
    for field in ("SO_CCCD", "SO_CCCD_NND"):
        if any(not _PERSON.fullmatch(part) for part in values(row.get(field, ""))):
            yield Hit(rule_id="PERSON_NUMBER_MALFORMED", table=table, row=number, field=field)
    for card in values(row.get("MA_THE_BHYT", "")):
        if not _CARD.fullmatch(card):
            yield Hit(rule_id="CARD_NUMBER_MALFORMED", table=table, row=number, field="MA_THE_BHYT")
    if row.get("MA_THE_TAM") and not _CHILD_CARD.fullmatch(row["MA_THE_TAM"]):
        yield Hit(rule_id="CHILD_CARD_MALFORMED", table=table, row=number, field="MA_THE_TAM")
    for field in _FACILITY_FIELDS & row.keys():
        if any(not _FACILITY.fullmatch(part) for part in values(row[field])):
            yield Hit(rule_id="FACILITY_CODE_MALFORMED", table=table, row=number, field=field)


def check_summary(case: Case) -> Iterator[Hit]:
    """The summary stands once, and what it says in lists has equal counts."""
    count = len(case.rows("XML1"))
    if "XML0" not in case.record.tables and "XML12" not in case.record.tables and count != 1:
        yield Hit(rule_id="SUMMARY_MISSING" if count == 0 else "SUMMARY_TWICE", table="XML1")
    row = case.summary
    cards = [len(values(row.get(name, ""))) for name in ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")]
    if len({size for size in cards if size}) > 1:
        yield Hit(rule_id="CARDS_UNEVEN", table="XML1", row=1, field="MA_THE_BHYT")
    others = values(row.get("MA_BENH_KT", ""))
    if len(others) > _SECONDARY_MAX:
        yield Hit(
            rule_id="TOO_MANY_DIAGNOSES",
            table="XML1",
            row=1,
            field="MA_BENH_KT",
            facts={"found": str(len(others)), "allowed": str(_SECONDARY_MAX)},
        )


def check_links(case: Case) -> Iterator[Hit]:
    """Every row belongs to the visit and is numbered once."""
    link = case.record.visit_link
    for name, rows in case.record.tables.items():
        seen: set[str] = set()
        for number, row in enumerate(rows, start=1):
            if row.get("MA_LK") and row["MA_LK"] != link:
                yield Hit(rule_id="LINK_DIFFERS", table=name, row=number, field="MA_LK")
            position = row.get("STT", "")
            if position and position in seen:
                yield Hit(rule_id="POSITION_TWICE", table=name, row=number, field="STT")
            seen.add(position)


def check_doubts(case: Case) -> Iterator[Hit]:
    """What the reader noticed and read over."""
    for doubt in case.record.doubts:
        if doubt.code in ("FIELD_UNKNOWN", "FIELD_TWICE", "TABLE_TWICE", "ELEMENT_UNKNOWN"):
            yield Hit(rule_id=doubt.code, table=doubt.table, row=doubt.row, field=doubt.field)


def check_envelope(case: Case) -> Iterator[Hit]:
    """What stands around the visits; told with the first of them."""
    file = case.file
    code = case.summary.get("MA_CSKCB", "")
    if file.facility_code and code and code != file.facility_code:
        yield Hit(rule_id="FACILITY_DIFFERS", table="XML1", row=1, field="MA_CSKCB")
    if case.number != 1 or not file.facility_code:
        return
    if file.record_count != str(len(file.records)):
        yield Hit(
            rule_id="RECORD_COUNT_WRONG",
            table="",
            field="SOLUONGHOSO",
            facts={"expected": str(len(file.records))},
        )
    if len(file.made_date) != 8 or moment(file.made_date) is None:
        yield Hit(rule_id="MADE_DATE_MALFORMED", table="", field="NGAYLAP")
    if not file.is_signed:
        yield Hit(rule_id="FILE_NOT_SIGNED", table="", field="CHUKYDONVI")
    seen: set[str] = set()
    for number, record in enumerate(file.records, start=1):
        if record.visit_link in seen:
            yield Hit(
                rule_id="VISIT_TWICE", table="XML1", row=1, field="MA_LK", facts={"record": str(number)}
            )
        seen.add(record.visit_link)
