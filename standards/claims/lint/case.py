"""One visit of a claim file as the checks see it: its rows with dates and amounts read once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property

from standards.claims.lint.model import LintContext
from standards.claims.model import ClaimFile, ClaimRecord, Row
from standards.claims.schema import Schema

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")
TOLERANCE = Decimal("0.01")
"""Rounding of one line: the decision's formulas do not close under it (see standards/data/claims/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule that does not hold, at a place."""

    rule_id: str
    table: str
    row: int = 0
    field: str = ""
    facts: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A visit with its file and what is known beside it; not slotted, so that days are read once."""

    file: ClaimFile
    record: ClaimRecord
    number: int
    schema: Schema
    context: LintContext

    @cached_property
    def summary(self) -> Row:
        """The first row of XML1; empty without one."""
        rows = self.rows("XML1")
        return rows[0] if rows else {}

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table, none when it is not there."""
        return self.record.tables.get(table, ())

    @cached_property
    def admit_time(self) -> datetime | None:
        """NGAY_VAO of the summary, or None."""
        return moment(self.summary.get("NGAY_VAO", ""))

    @cached_property
    def discharge_time(self) -> datetime | None:
        """NGAY_RA of the summary, or None."""
        return moment(self.summary.get("NGAY_RA", ""))

    @cached_property
    def day(self) -> date | None:
        """The day of admission."""
        return self.admit_time.date() if self.admit_time else None

    @property
    def kind(self) -> str:
        """MA_LOAI_KCB, the type of visit."""
        return self.summary.get("MA_LOAI_KCB", "")

    @property
    def is_inpatient(self) -> bool:
        """Whether it is a stay with beds (types 03, 04, 06)."""
        return self.kind in ("03", "04", "06")


Check = Callable[[Case], Iterator[Hit]]


def moment(text: str) -> datetime | None:
    """A moment of a claim, yyyyMMddHHmm or yyyyMMdd, Vietnam time; None when it is not one.

    2400 as the end of a day and 0000 as an unknown time are read, as hospital systems write them.
    """
    if not text.isascii() or not text.isdecimal() or len(text) not in (8, 12):
        return None
    try:
        day = datetime.strptime(text[:8], "%Y%m%d")  # noqa: DTZ007 - both sides of every comparison are local
    except ValueError:
        return None
    hours, minutes = (int(text[8:10]), int(text[10:12])) if len(text) == 12 else (0, 0)
    if minutes > 59 or hours > 24 or (hours == 24 and minutes):
        return None
    return day + timedelta(hours=hours, minutes=minutes)


def amount(text: str) -> Decimal | None:
    """A number of a claim with a dot as its decimal sign; None when it is not one."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def amount_or_zero(row: Row, name: str) -> Decimal:
    """The number in a field; 0 for an empty or wrong one, which FIELD_NOT_A_NUMBER tells."""
    return amount(row.get(name, "")) or Decimal(0)


def values(text: str) -> list[str]:
    """The parts of a field that holds several, split by ";"."""
    return [part.strip() for part in text.split(";") if part.strip()]
