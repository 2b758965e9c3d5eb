"""Reads what the portal publishes about a citizen's copayments of the year; what contradicts itself is not believed.

Source: letter 1839/CNTT-PM of 18/08/2026 (TraCuuTienMCCT); Decree 188/2025/NĐ-CP, art. 18 k2: the facility relies on
the published sum. Not verified on the real portal: whether the running sum begins anew each year, so both are accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from insurance_svc.domain.model import CopayRecord, Question
from insurance_svc.domain.reply import ReplyUnreadable, document_of, fhir_date, read_day
from standards.errors import FormatError
from standards.names import NameClass, compare_names

COPAYMENT_FORM = "copayments/"
"""What the request forms of these calls begin with."""
ROWS_MAX = 2_000
_GOOD, _NOTHING_KNOWN = "200", "204"
_AMOUNT = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,4})?", re.ASCII)
_SAME_PERSON = frozenset({NameClass.SAME, NameClass.EQUIVALENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CopayRow:
    """One visit's copayment as published."""

    leave_date: date
    amount_vnd: int
    accumulated_vnd: int
    """Running sum up to and with this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copayments:
    """What one answer says; `doubt` tells why its rows are not used."""

    code: str
    rows: tuple[CopayRow, ...] = ()
    doubt: str = ""
    """OTHER_PERSON, ROWS_UNREADABLE or SUMS_DISAGREE; empty when the rows may be believed."""

    @property
    def is_known(self) -> bool:
        """Whether the portal published something that may be believed."""
        return self.code == _GOOD and not self.doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class CopaymentsKept:
    """What the portal published when it was asked for a visit."""

    copayment_id: str
    visit_id: str
    evidence_id: str
    as_of_time: datetime
    copayments: Copayments


def read_copayment_code(body: bytes) -> str:
    """The result code of an answer: 200, 204, 400, 401 or 500.

    Raises:
        ReplyUnreadable: no JSON object, or no code of three digits.
    """
    value = document_of(body).get("MaKetQua")
    code = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(code, str) or re.fullmatch(r"[0-9]{3}", code.strip()) is None:
        raise ReplyUnreadable("no result code")
    return code.strip()


def read_copayments(body: bytes, question: Question) -> Copayments:
    """Read an answer about the citizen of a question.

    Raises:
        ReplyUnreadable: as read_copayment_code.
    """
    document = document_of(body)
    code = read_copayment_code(body)
    if code != _GOOD:
        return Copayments(code=code)
    about = document.get("ThongTinSoThe")
    told = about if isinstance(about, dict) else {}
    if not _is_same_person(question, told):
        return Copayments(code=code, doubt="OTHER_PERSON")
    entries = document.get("DataCCT")
    try:
        rows = tuple(_row(entry) for entry in entries) if isinstance(entries, list) else ()
    except ValueError:
        return Copayments(code=code, doubt="ROWS_UNREADABLE")
    if not rows or len(rows) > ROWS_MAX:
        return Copayments(code=code, doubt="ROWS_UNREADABLE")
    rows = tuple(sorted(rows, key=lambda row: (row.leave_date, row.accumulated_vnd)))
    return Copayments(code=code, rows=rows, doubt="" if _sums_agree(rows) else "SUMS_DISAGREE")


def copay_record(
    copayments: Copayments, *, service_date: date, change_date: date | None = None
) -> CopayRecord | None:
    """The year's sum as the five-year exemption needs it, None where nothing believable was published.

    Args:
        copayments: What the portal said.
        service_date: Its calendar year counts.
        change_date: First day of the year's second base salary, where it changed inside the year.
    """
    if not copayments.is_known:
        return None
    year = [row for row in copayments.rows if row.leave_date.year == service_date.year]
    changed = change_date is not None and change_date.year == service_date.year
    return CopayRecord(
        accumulated_vnd=sum(row.amount_vnd for row in year),
        before_change_vnd=sum(row.amount_vnd for row in year if row.leave_date < change_date)
        if changed and change_date is not None
        else None,
    )


def _is_same_person(question: Question, told: dict[str, object]) -> bool:
    name, birth = told.get("hoTen"), told.get("ngaySinh")
    if not isinstance(name, str) or not isinstance(birth, str):
        return False
    known = fhir_date(birth)
    length = min(len(known), len(question.birth_date))
    if not known or known[:length] != question.birth_date[:length]:
        return False
    return any(_is_same_name(asked, name) for asked in (question.full_name, question.printed_name) if asked)


def _is_same_name(asked: str, told: str) -> bool:
    try:
        return compare_names(asked, told).cls in _SAME_PERSON
    except FormatError:
        return False


def _row(entry: object) -> CopayRow:
    if not isinstance(entry, dict):
        raise ValueError("a row is an object")
    leave = entry.get("ngayRa")
    day = read_day(leave) if isinstance(leave, str) else None
    if day is None:
        raise ValueError("a row has its day")
    return CopayRow(
        leave_date=day,
        amount_vnd=_dong(entry.get("tBNCCTMCCT")),
        accumulated_vnd=_dong(entry.get("tBNCCTLuyKe")),
    )


def _dong(value: object) -> int:
    """Whole dong of an amount written as number or text, half up."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    if _AMOUNT.fullmatch(text) is None:
        raise ValueError("no amount")
    return int(Decimal(text).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _sums_agree(rows: Sequence[CopayRow]) -> bool:
    """Whether the last running sum is that of all rows, or of those of its year."""
    last = rows[-1]
    total_vnd = sum(row.amount_vnd for row in rows)
    year_vnd = sum(row.amount_vnd for row in rows if row.leave_date.year == last.leave_date.year)
    return last.accumulated_vnd in (total_vnd, year_vnd)
