"""Reads SWIFT MT940 with the field grammar of the mt-940 library.

Only the library's grammar of one field is used. Its whole-file parser turns 30 February into 29, keeps the balances of
the last statement alone, and writes the text of a line it cannot read, names included, to the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from mt940 import tags

from payment_svc.domain.errors import StatementUnreadable
from payment_svc.domain.statement import (
    LINES_MAX,
    RAW_CHARS_MAX,
    TEXT_CHARS_MAX,
    BadLine,
    LineFault,
    LineFaultFound,
    Statement,
    StatementLine,
    calendar_date,
    whole_dong,
)

_CURRENCY = "VND"
_FIELD = re.compile(r"^:(NS|\d{2}[A-Z]?):", re.MULTILINE)
_LINE = tags.Statement()
_BALANCE = tags.FinalOpeningBalance()
_MONTHS_OF_HALF_A_YEAR = 6
# A subfield mark such as ?20 stands inside words; without it the words join again.
_SUBFIELD = re.compile(r"\?\d{2}")


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A statement while its fields come in."""

    account: str = ""
    number: str = ""
    currency: str = ""
    opening_vnd: int | None = None
    closing_vnd: int | None = None
    opening_date: date | None = None
    closing_date: date | None = None
    lines: list[StatementLine] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)
    last_is_bad: bool = True
    """Whether a :86: belongs to no line that was kept."""


def read_mt940(content: bytes, *, currency: str = _CURRENCY) -> list[Statement]:
    """Every statement of a file; a new :20: begins the next one.

    Raises:
        StatementUnreadable: no :20: and :61: or balance in it, or too long.
    Source: SWIFT MT940, fields 20, 25, 28C, 60F/M, 61, 86, 62F/M.
    """
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
    marks = list(_FIELD.finditer(text))
    drafts: list[_Draft] = []
    position = 0
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):
        tag = mark[1]
        value = text[mark.end() : end]
        value = re.sub(r"\n-\s*(?:\}.*)?\s*\Z", "", value, flags=re.DOTALL).rstrip("\n ")
        if tag == "20":
            drafts.append(_Draft())
        if not drafts:
            # Some banks leave :20: out of the first statement.
            drafts.append(_Draft())
        if tag == "61":
            position += 1
            if position > LINES_MAX:
                raise StatementUnreadable("too_many_lines")
        _take(drafts[-1], tag, value, position=position, currency=currency)
    read = [draft for draft in drafts if draft.lines or draft.bad_lines or draft.opening_vnd is not None]
    if not read:
        raise StatementUnreadable("not_mt940")
    return [_finish(draft) for draft in read]


def _take(draft: _Draft, tag: str, value: str, *, position: int, currency: str) -> None:
    match tag:
        case "25":
            draft.account = value.strip().rpartition("/")[2]
        case "28" | "28C":
            draft.number = value.strip()[:35]
        case "60F" | "60M":
            balance = _balance(value, currency)
            if draft.opening_vnd is None and balance is not None:
                draft.opening_vnd, draft.opening_date = balance
            draft.currency = value[7:10]
        case "62F" | "62M":
            balance = _balance(value, currency)
            draft.closing_vnd, draft.closing_date = balance if balance is not None else (None, None)
        case "61":
            _take_line(draft, value, position=position, currency=currency)
        case "86" if not draft.last_is_bad:
            line = draft.lines[-1]
            words = _SUBFIELD.sub("", value).replace("\n", "")
            draft.lines[-1] = StatementLine(
                booking_date=line.booking_date,
                amount_vnd=line.amount_vnd,
                bank_reference=line.bank_reference,
                text=f"{line.text} {words}".strip()[:TEXT_CHARS_MAX],
            )
            draft.last_is_bad = True
        case _:
            return


def _take_line(draft: _Draft, value: str, *, position: int, currency: str) -> None:
    try:
        if draft.currency and draft.currency != currency:
            raise LineFaultFound(LineFault.CURRENCY)
        draft.lines.append(_line(value))
        draft.last_is_bad = False
    except LineFaultFound as found:
        draft.bad_lines.append(BadLine(position=position, raw=value[:RAW_CHARS_MAX], fault=found.fault))
        draft.last_is_bad = True


def _line(value: str) -> StatementLine:
    found = _LINE.re.match(value)
    if found is None:
        raise LineFaultFound(LineFault.FORM)
    parts = found.groupdict()
    value_date = calendar_date(2000 + int(parts["year"]), int(parts["month"]), int(parts["day"]))
    # RC takes back a credit, so money leaves; RD takes back a debit.
    sign = {"C": 1, "RD": 1, "D": -1, "RC": -1}[parts["status"].upper()]
    amount_vnd = sign * whole_dong(parts["amount"])
    if amount_vnd == 0:
        raise LineFaultFound(LineFault.AMOUNT)
    bank_reference = (parts["bank_reference"] or parts["customer_reference"] or "").strip()
    return StatementLine(
        booking_date=_entry_date(value_date, parts["entry_month"], parts["entry_day"]),
        amount_vnd=amount_vnd,
        bank_reference=bank_reference,
        text=(parts["extra_details"] or "").strip(),
    )


def _entry_date(value_date: date, month: str | None, day: str | None) -> date:
    """The booking day, whose year is the one nearest to the value day; the value day where it is not told."""
    if not (month or "").strip() or not (day or "").strip():
        return value_date
    assert month is not None
    assert day is not None
    year = value_date.year
    if int(month) - value_date.month > _MONTHS_OF_HALF_A_YEAR:
        year -= 1
    elif value_date.month - int(month) > _MONTHS_OF_HALF_A_YEAR:
        year += 1
    return calendar_date(year, int(month), int(day))


def _balance(value: str, currency: str) -> tuple[int, date] | None:
    """A balance and its day; None for one that cannot be read or has another currency."""
    found = _BALANCE.re.match(value)
    if found is None or found["currency"] != currency:
        return None
    try:
        day = calendar_date(2000 + int(found["year"]), int(found["month"]), int(found["day"]))
        return (1 if found["status"].upper() == "C" else -1) * whole_dong(found["amount"]), day
    except LineFaultFound:
        return None


def _finish(draft: _Draft) -> Statement:
    booked = [line.booking_date for line in draft.lines]
    days = [*booked, *(day for day in (draft.opening_date, draft.closing_date) if day is not None)]
    return Statement(
        account=draft.account,
        number=draft.number,
        opening_vnd=draft.opening_vnd,
        closing_vnd=draft.closing_vnd,
        lines=tuple(draft.lines),
        bad_lines=tuple(draft.bad_lines),
        from_date=min(days, default=None),
        to_date=max(days, default=None),
    )


def _decode(content: bytes) -> str:
    """UTF-8, else the single-byte set of Western mainframes, in which every byte is a letter."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
