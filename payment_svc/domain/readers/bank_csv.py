"""Reads CSV in the shape of Vietnamese banks: bilingual labels after some header rows, debit and credit apart."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from payment_svc.domain.errors import StatementUnreadable
from payment_svc.domain.ledger import MAX_AMOUNT_VND
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
)

HEADER_ROWS_MAX = 30
"""Public samples have 1 to 15 rows above the labels."""
ACCOUNT_DIGITS_MIN = 6
_LABELS = {
    "date": (
        "ngay giao dich",
        "ngay hach toan",
        "ngay hieu luc",
        "transaction date",
        "booking date",
        "ngay gd",
        "ngay",
    ),
    "reference": (
        "so tham chieu",
        "so but toan",
        "ma giao dich",
        "so chung tu",
        "reference",
        "transaction no",
    ),
    "debit": ("ghi no", "phat sinh no", "so tien no", "debit", "rut ra"),
    "credit": ("ghi co", "phat sinh co", "so tien co", "credit", "gui vao"),
    "amount": ("so tien", "amount"),
    "balance": ("so du", "balance"),
    "text": ("noi dung", "dien giai", "mo ta", "description", "remark", "details"),
}
"""Labels without marks, most telling first; a column belongs to the first kind that names it."""
_OPENING = ("so du dau", "opening balance", "beginning balance")
_CLOSING = ("so du cuoi", "closing balance", "ending balance")
_TOTAL = ("tong cong", "cong phat sinh", "total", "tong phat sinh")
_ACCOUNT = ("so tai khoan", "account no", "account number", "tai khoan")
_PERIOD = ("tu ngay", "from", "den ngay", "to date")
_DAY = re.compile(r"(?<!\d)(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)")
_GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:[.,]0{1,2})?|\d{1,16}(?:[.,]0{1,2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row that was read, with its running balance if it has one."""

    line: StatementLine
    balance_vnd: int | None


def read_bank_csv(content: bytes) -> list[Statement]:
    """The one statement of a file.

    Raises:
        StatementUnreadable: not text, no row of labels, or too long.
    Source: shapes of public per-bank parsers; no bank publishes its form.
    """
    text = _decode(content)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error:
        raise StatementUnreadable("csv") from None
    header_at, columns = _find_labels(rows)
    if len(rows) - header_at > LINES_MAX:
        raise StatementUnreadable("too_many_lines")
    top, body = rows[:header_at], rows[header_at + 1 :]
    read, bad_lines, balances = _read_body(body, columns)
    for row in top:
        _note_balance(row, balances)
    return [_statement(top, read, bad_lines, balances)]


def _statement(
    top: Sequence[Sequence[str]], read: list[_Row], bad_lines: list[BadLine], balances: dict[str, int]
) -> Statement:
    if len(read) > 1 and read[0].line.booking_date > read[-1].line.booking_date:
        # Newest first on the screen; the running balance makes sense only the other way round.
        read.reverse()
    opening_vnd, closing_vnd = balances.get("opening"), balances.get("closing")
    if read and opening_vnd is None and read[0].balance_vnd is not None:
        opening_vnd = read[0].balance_vnd - read[0].line.amount_vnd
    if read and closing_vnd is None:
        closing_vnd = read[-1].balance_vnd
    days = [row.line.booking_date for row in read]
    try:
        period = _period(top)
    except LineFaultFound:
        raise StatementUnreadable("period") from None
    return Statement(
        account=_account(top),
        number="",
        opening_vnd=opening_vnd,
        closing_vnd=closing_vnd,
        lines=tuple(row.line for row in read),
        bad_lines=tuple(bad_lines),
        from_date=min((*period, *days), default=None),
        to_date=max((*period, *days), default=None),
    )


def _read_body(
    body: Sequence[Sequence[str]], columns: dict[str, int]
) -> tuple[list[_Row], list[BadLine], dict[str, int]]:
    read: list[_Row] = []
    bad_lines: list[BadLine] = []
    balances: dict[str, int] = {}
    for position, row in enumerate(body, start=1):
        if not any(cell.strip() for cell in row) or _note_balance(row, balances) or _starts(row, _TOTAL):
            continue
        if read and _is_continuation(row, columns):
            read[-1] = _with_more_text(read[-1], _cell(row, columns, "text"))
            continue
        try:
            read.append(_row(row, columns))
        except LineFaultFound as found:
            bad_lines.append(
                BadLine(position=position, raw=" | ".join(row)[:RAW_CHARS_MAX], fault=found.fault)
            )
    return read, bad_lines, balances


def _row(row: Sequence[str], columns: dict[str, int]) -> _Row:
    balance = _cell(row, columns, "balance")
    line = StatementLine(
        booking_date=_day(_cell(row, columns, "date")),
        amount_vnd=_signed(row, columns),
        bank_reference=_cell(row, columns, "reference"),
        text=_cell(row, columns, "text")[:TEXT_CHARS_MAX],
    )
    return _Row(line=line, balance_vnd=_amount(balance) if balance else None)


def _signed(row: Sequence[str], columns: dict[str, int]) -> int:
    """Credit above 0, debit below 0, from two columns or one with a sign."""
    if "amount" in columns and "credit" not in columns:
        amount_vnd = _amount(_cell(row, columns, "amount"))
    else:
        debit_vnd, credit_vnd = (
            abs(_amount(text)) if (text := _cell(row, columns, kind)) else 0 for kind in ("debit", "credit")
        )
        if debit_vnd and credit_vnd:
            raise LineFaultFound(LineFault.DIRECTION)
        amount_vnd = credit_vnd - debit_vnd
    if amount_vnd == 0:
        raise LineFaultFound(LineFault.AMOUNT)
    return amount_vnd


def _amount(text: str) -> int:
    """`1,234,567`, `1.234.567`, `1234567.00`, `(1,234)`, `-1.234`: whole dong; groups of three are thousands."""
    bare = re.sub(r"(?i)\s|vnd|đ", "", text)
    negative = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    bare = bare.strip("()+-")
    if _GROUPED.fullmatch(bare) is None:
        raise LineFaultFound(LineFault.AMOUNT)
    amount_vnd = int(re.sub(r"[.,]", "", re.sub(r"[.,]0{1,2}$", "", bare)))
    if amount_vnd > MAX_AMOUNT_VND:
        raise LineFaultFound(LineFault.AMOUNT)
    return -amount_vnd if negative else amount_vnd


def _day(text: str) -> date:
    """dd/mm/yyyy anywhere in the cell: some banks put a sequence number or the time beside it."""
    match = _DAY.search(text)
    if match is None:
        raise LineFaultFound(LineFault.DATE)
    return calendar_date(int(match[3]), int(match[2]), int(match[1]))


def _is_continuation(row: Sequence[str], columns: dict[str, int]) -> bool:
    """Whether a row carries nothing but the rest of the text above it."""
    text_at = columns.get("text")
    filled = [index for index, cell in enumerate(row) if cell.strip()]
    return text_at is not None and filled == [text_at]


def _with_more_text(row: _Row, more: str) -> _Row:
    line = row.line
    # No blank: the bank wrapped in the middle of a word or a code.
    return _Row(
        line=StatementLine(
            booking_date=line.booking_date,
            amount_vnd=line.amount_vnd,
            bank_reference=line.bank_reference,
            text=(line.text + more)[:TEXT_CHARS_MAX],
        ),
        balance_vnd=row.balance_vnd,
    )


def _find_labels(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    for index, row in enumerate(rows[:HEADER_ROWS_MAX]):
        columns = _columns(row)
        has_amount = "amount" in columns or ("debit" in columns and "credit" in columns)
        if "date" in columns and has_amount and len(columns) >= 3:
            return index, columns
    raise StatementUnreadable("no_labels")


def _columns(row: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(row):
        label = _fold(cell)
        kind = next((kind for kind, names in _LABELS.items() if any(name in label for name in names)), None)
        if kind is not None:
            columns.setdefault(kind, index)
    return columns


def _note_balance(row: Sequence[str], balances: dict[str, int]) -> bool:
    """Keep the amount of an opening or closing row; whether it was one."""
    for kind, labels in (("opening", _OPENING), ("closing", _CLOSING)):
        if _starts(row, labels):
            # The amount stands last: the cells between may be empty or hold a date.
            for cell in reversed(row):
                try:
                    balances[kind] = _amount(cell)
                except LineFaultFound:
                    continue
                break
            return True
    return False


def _starts(row: Sequence[str], labels: tuple[str, ...]) -> bool:
    first = next((_fold(cell) for cell in row if cell.strip()), "")
    return any(label in first for label in labels)


def _account(top: Sequence[Sequence[str]]) -> str:
    for row in top:
        if _starts(row, _ACCOUNT):
            for cell in row:
                digits = "".join(char for char in cell if char.isdigit())
                if len(digits) >= ACCOUNT_DIGITS_MIN:
                    return digits
    return ""


def _period(top: Sequence[Sequence[str]]) -> list[date]:
    days = []
    for row in top:
        if _starts(row, _PERIOD):
            days += [_day(cell) for cell in row if _DAY.search(cell)]
    return days


def _cell(row: Sequence[str], columns: dict[str, int], kind: str) -> str:
    index = columns.get(kind)
    return row[index].strip() if index is not None and index < len(row) else ""


def _delimiter(text: str) -> str:
    head = text[:20_000]
    return max((";", "\t", ","), key=head.count)


def _fold(text: str) -> str:
    """Small letters without Vietnamese marks, blanks made one."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def _decode(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise StatementUnreadable("encoding") from None
    if "\x00" in text:
        raise StatementUnreadable("binary")
    return text
