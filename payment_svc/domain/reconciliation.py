"""What a statement import and a reconciliation run leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStatement:
    """One file as imported; several statements of a file are one import."""

    statement_id: str
    account: str
    number: str
    opening_vnd: int
    """Of the first statement; 0 when the file does not tell."""
    closing_vnd: int
    """Of the last statement; 0 when the file does not tell."""
    line_count: int
    duplicate_count: int
    quarantined_count: int
    is_proved: bool
    """Every statement's balance is proved and each begins where the one before ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLine:
    """A statement line ready for its row."""

    line_id: str
    booking_date: date
    amount_vnd: int
    bank_reference: str
    codes: tuple[str, ...]
    text_hash: bytes
    text_sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBadLine:
    """A quarantined line ready for its row."""

    quarantine_id: str
    position: int
    fault: str
    raw_sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Result of one reconciliation."""

    run_id: str
    by_reference_count: int
    by_code_count: int
    posted_count: int
    break_count: int
    open_line_count: int
    digest: str
