"""Statements as the bank wrote them: lines, lines that could not be read, the proof of the balance, line keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from payment_svc.domain.ledger import MAX_AMOUNT_VND, derived_id

LINES_MAX = 500_000
"""Lines of one file; a province's busiest day has about 90,000."""
RAW_CHARS_MAX = 4_000
"""Of the raw text of a bad line, what is kept."""
TEXT_CHARS_MAX = 2_000
_NOT_KEPT = re.compile(r"[^0-9A-Z]+")
_UNTRUSTED_REFERENCES = frozenset({"", "NONREF", "NOTPROVIDED", "NOREF", "NONE", "NULL", "NA"})


class LineFault(StrEnum):
    """Why a line could not be read."""

    DATE = "DATE"
    AMOUNT = "AMOUNT"
    CURRENCY = "CURRENCY"
    DIRECTION = "DIRECTION"
    FORM = "FORM"


class LineFaultFound(ValueError):
    """Raised inside a reader for one line; the line is quarantined and the rest goes on."""

    def __init__(self, fault: LineFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One booked movement."""

    booking_date: date
    amount_vnd: int
    """Credit above 0, debit below 0."""
    bank_reference: str
    """As the bank wrote it; may be empty or not trustworthy."""
    text: str
    """Transfer text as it came, wrapped or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that could not be read, kept as it was."""

    position: int
    """Count from 1 among the lines of the file."""
    raw: str
    fault: LineFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a file."""

    account: str
    """As written in the file; empty when the form does not tell."""
    number: str
    opening_vnd: int | None
    closing_vnd: int | None
    lines: tuple[StatementLine, ...]
    bad_lines: tuple[BadLine, ...]
    from_date: date | None
    to_date: date | None

    @property
    def difference_vnd(self) -> int | None:
        """Opening plus lines minus closing; None when a balance is missing. A quarantined line shows here."""
        if self.opening_vnd is None or self.closing_vnd is None:
            return None
        return self.opening_vnd + sum(line.amount_vnd for line in self.lines) - self.closing_vnd

    @property
    def is_proved(self) -> bool:
        """Whether closing = opening + sum of lines; never true without both balances."""
        return self.difference_vnd == 0


def squeeze(text: str) -> str:
    """Capitals and digits alone: banks wrap, lower-case, punctuate and prefix a transfer text."""
    return _NOT_KEPT.sub("", "".join(char for char in text if char.isascii()).upper())


def is_trusted_reference(reference: str) -> bool:
    """Whether a bank's reference may tell one movement from another: 6 characters or more with a digit."""
    squeezed = squeeze(reference)
    return (
        squeezed not in _UNTRUSTED_REFERENCES
        and len(squeezed) >= 6
        and any(char.isdigit() for char in squeezed)
        and len(set(squeezed)) > 1
    )


def line_ids(account: str, lines: Iterable[StatementLine]) -> list[str]:
    """The key of each line, the same whenever and in whichever file or form the line comes again.

    A trusted bank reference names a movement; without one, date, amount and text do. Movements that are equal in all
    of that are told apart by their number of occurrence in the file, so two real equal lines are both kept.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    ids = []
    for line in lines:
        reference = squeeze(line.bank_reference) if is_trusted_reference(line.bank_reference) else ""
        content = ("ref", reference) if reference else ("text", squeeze(line.text))
        key = (account, line.booking_date.isoformat(), str(line.amount_vnd), *content)
        seen[key] += 1
        ids.append(derived_id("line", *key, str(seen[key])))
    return ids


def whole_dong(text: str) -> int:
    """An amount as machines write it, `500000`, `500000.00` or `500000,`: whole dong, at least 0.

    Raises:
        LineFaultFound: anything else, decimals that are not zero included; nothing is rounded.
    """
    match = re.fullmatch(r"([0-9]{1,16})(?:[.,]0*)?", text.strip())
    if match is None or int(match[1]) > MAX_AMOUNT_VND:
        raise LineFaultFound(LineFault.AMOUNT)
    return int(match[1])


def calendar_date(year: int, month: int, day: int) -> date:
    """A day that exists; 30 February is refused, not shifted.

    Raises:
        LineFaultFound: there is no such day.
    """
    try:
        return date(year, month, day)
    except ValueError:
        raise LineFaultFound(LineFault.DATE) from None
