"""Checks that follow from the schema alone: each field's presence, length, kind, day form and code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from standards.claims.lint.case import MEDICAL_GASES, Case, Hit, amount, moment, values
from standards.claims.lint.code_lists import codes_on
from standards.claims.model import Row
from standards.claims.schema import Field, Table

_DATE_NAME = re.compile(
    r"NGAY(_|KD|BD|KT|SINH|CAP)|^(TU|DEN)_NGAY$|NGOAITRU_(TU|DEN)NGAY|THOI_DIEM_DBLS|THOIGIAN_DINHCHI|^BDDT_ARV$"
)
_NOT_DATES = frozenset({"SO_NGAY_DTRI", "SO_NGAY_NGHI", "SO_NGAY_CAP_THUOC_ARV", "SO_NGAY"})
_MANY_DATES = frozenset({"GT_THE_TU", "GT_THE_DEN", "NGAY_TAI_KHAM"})
_ANY_DATE_LENGTH = frozenset({"NGAY_MIEN_CCT"})
"""8 digits from the paper, 12 when the facility found the moment itself (annex of 3176)."""
_MANY_CODES = frozenset({"MA_TINH_TRANG_DK", "MA_XU_TRI"})
_MONEY = re.compile("^(T_|THANH_TIEN_)")
_THREE_PLACES = frozenset({"SO_LUONG", "DON_GIA", "DON_GIA_BV", "DON_GIA_BH", "T_TRANTT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What there is to check of one field, worked out once: a claim has tens of thousands of values."""

    field: Field
    is_date: bool
    date_digits: int
    """8 or 12; 0 where both stand."""
    codes: frozenset[str] | None
    places: int
    """Decimal places that a number may have."""


def check_fields(case: Case) -> Iterator[Hit]:
    """Each field of each row by the schema of the visit's day."""
    for name, rows in case.record.tables.items():
        table = case.schema.tables[name]
        plans = _plans(table, case.day)
        for number, row in enumerate(rows, start=1):
            for plan in plans:
                text = row.get(plan.field.name, "")
                if text and not text.isspace():
                    for rule_id, facts in _faults(table, plan, text):
                        yield Hit(rule_id=rule_id, table=name, row=number, field=plan.field.name, facts=facts)
                elif _is_required(plan.field, name, row, case.day):
                    yield Hit(rule_id="FIELD_REQUIRED", table=name, row=number, field=plan.field.name)


@lru_cache(maxsize=1_024)
def _plans(table: Table, day: date | None) -> tuple[_Plan, ...]:
    codes = codes_on(day)
    return tuple(_plan(table, field, codes.get(field.name)) for field in table.fields)


def _plan(table: Table, field: Field, codes: frozenset[str] | None) -> _Plan:
    name = field.name
    is_date = name in _MANY_DATES or (name not in _NOT_DATES and bool(_DATE_NAME.search(name)))
    digits = 8 if name in _MANY_DATES else 12 if table.name == "XML13" else field.max_chars or 0
    return _Plan(
        field=field,
        is_date=is_date,
        date_digits=0 if name in _ANY_DATE_LENGTH or digits not in (8, 12) else digits,
        codes=codes,
        places=_places(name),
    )


def _places(name: str) -> int:
    if name in _THREE_PLACES:
        return 3
    return 2 if _MONEY.match(name) or name.startswith("CAN_NANG") else 0


def _is_required(field: Field, table: str, row: Row, day: date | None) -> bool:
    if field.required.text == "never" or not field.required.holds(row, day):
        return False
    waived = _WAIVERS.get((table, field.name))
    return waived is None or not waived(row)


def _is_no_medicine(row: Row) -> bool:
    """Gases have no strength; transport of blood and wrapping of herbs have neither dose nor way."""
    code = row.get("MA_THUOC", "")
    return code in MEDICAL_GASES or code.startswith(("VM.", "BB."))


def is_done_elsewhere(row: Row) -> bool:
    """Whether another facility does the test: XX.YYYY.ZZZZ.K.WWWWW (Circular 09/2019/TT-BYT)."""
    return ".K." in row.get("MA_DICH_VU", "")


_WAIVERS: dict[tuple[str, str], Callable[[Row], bool]] = {
    ("XML2", "HAM_LUONG"): _is_no_medicine,
    ("XML2", "DUONG_DUNG"): _is_no_medicine,
    ("XML2", "LIEU_DUNG"): _is_no_medicine,
    ("XML3", "NGUOI_THUC_HIEN"): is_done_elsewhere,
    ("XML3", "NGAY_TH_YL"): is_done_elsewhere,
    # "Left empty while the treatment goes on."
    ("XML6", "NGAYKT_DTRI_LAO"): lambda row: row.get("KQ_DTRI_LAO") == "1",
}
"""Where the annex of Decision 3176 frees what the insurer's workbook of 2024 asks for."""


def _faults(table: Table, plan: _Plan, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    field, codes = plan.field, plan.codes
    if field.max_chars is not None and len(text) > field.max_chars:
        yield "FIELD_TOO_LONG", {"found": str(len(text)), "allowed": str(field.max_chars)}
    if plan.is_date:
        many = field.name in _MANY_DATES or table.name == "XML13"
        for part in values(text) if many else [text]:
            if not _is_day(field.name, part):
                yield "DATE_MALFORMED", {}
            elif plan.date_digits and len(part) != plan.date_digits:
                yield "DATE_LENGTH_WRONG", {"expected": str(plan.date_digits)}
    elif codes is not None:
        parts = values(text) if field.name in _MANY_CODES else [text]
        if not all(part in codes for part in parts):
            yield "CODE_NOT_IN_LIST", {}
    elif field.kind == "number":
        number = amount(text)
        if number is None:
            yield "FIELD_NOT_A_NUMBER", {}
        elif number < 0:
            yield "NUMBER_NEGATIVE", {}
        elif "." in text and len(text.partition(".")[2].rstrip("0")) > plan.places:
            yield "NUMBER_TOO_PRECISE", {"allowed": str(plan.places)}


def _is_day(name: str, text: str) -> bool:
    """A day, or a birth date whose unknown parts are 0000."""
    if moment(text) is not None:
        return True
    if "SINH" not in name or len(text) not in (8, 12) or not text.isascii() or not text.isdecimal():
        return False
    month = "01" if text[4:6] == "00" else text[4:6]
    return text[6:8] == "00" and moment(f"{text[:4]}{month}01{text[8:]}") is not None
