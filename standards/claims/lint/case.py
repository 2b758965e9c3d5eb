"""One visit of a claim file as the checks see it: its rows, with moments and amounts read by one rule."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache

from standards.claims.lint.model import LintContext
from standards.claims.model import ClaimRecord, Row
from standards.claims.schema import Schema

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")
_NUMBER_MAX_CHARS = 26
_CACHED_VALUES = 16_384
"""Moments and numbers come again and again; only short texts are kept, a field may hold a million characters."""
TOLERANCE = Decimal("0.01")
"""Rounding of one line: the decision's formulas do not close under it (see standards/data/claims/README.md)."""
LABORATORY, IMAGING, SURGERY, TRANSPORT, EXAMINATION = "1", "2", "8", "12", "13"
SUPPLIES, BEDS = ("10", "11"), ("14", "15", "16")
"""Cost groups (MA_NHOM; Decision 5937/QĐ-BYT, annex 3)."""
MEDICAL_GASES = ("40.17", "40.573")
"""MA_THUOC of oxygen and nitric oxide."""
NOT_INSURED = "9"
"""MA_DOITUONG_KCB of a visit without insurance (Decision 3276/QĐ-BYT)."""


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
    """A visit with what is known beside it; not slotted, so that its days are read once."""

    record: ClaimRecord
    number: int
    facility_code: str
    """MACSKCB of the envelope."""
    made_date: str
    """NGAYLAP of the envelope."""
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

    def numbered(self, table: str) -> Iterator[tuple[int, Row]]:
        """The rows of a table with their numbers from 1."""
        return enumerate(self.rows(table), start=1)

    @cached_property
    def link(self) -> str:
        """MA_LK, looked for once: a file may have thousands of rows without one."""
        return self.record.visit_link

    @cached_property
    def admit_time(self) -> datetime | None:
        """NGAY_VAO, or None."""
        return moment(self.summary.get("NGAY_VAO", ""))

    @cached_property
    def discharge_time(self) -> datetime | None:
        """NGAY_RA, or None; a day alone lasts until its end."""
        text = self.summary.get("NGAY_RA", "")
        leave = moment(text)
        return leave.replace(hour=23, minute=59) if leave and len(text) == 8 else leave

    @cached_property
    def day(self) -> date | None:
        """The day of admission."""
        return self.admit_time.date() if self.admit_time else None

    @cached_property
    def ages_days(self) -> tuple[int, int] | None:
        """The youngest and the oldest that the patient can be on admission, in days; an unknown month widens it."""
        born = birth_days(self.summary.get("NGAY_SINH", ""))
        if born is None or self.day is None:
            return None
        return (self.day - born[1]).days, (self.day - born[0]).days

    @property
    def kind(self) -> str:
        """MA_LOAI_KCB, the type of visit."""
        return self.summary.get("MA_LOAI_KCB", "")

    @property
    def subject(self) -> str:
        """MA_DOITUONG_KCB, on which ground the patient comes."""
        return self.summary.get("MA_DOITUONG_KCB", "")

    @property
    def is_right_line(self) -> bool:
        """Whether the patient comes on a ground with the card's full rate (codes 1… and 2)."""
        return self.subject == "2" or self.subject.startswith("1.")

    @property
    def is_inpatient(self) -> bool:
        """Whether it is a stay with beds (types 03, 04, 06)."""
        return self.kind in ("03", "04", "06")


Check = Callable[[Case], Iterator[Hit]]


def of_summary(rule_id: str, field: str, **facts: str) -> Hit:
    """A hit in the summary."""
    return Hit(rule_id=rule_id, table="XML1", row=1, field=field, facts=facts)


def moment(text: str) -> datetime | None:
    """A moment of a claim, yyyyMMddHHmm or yyyyMMdd, Vietnam time; None when it is not one.

    2400 is read as the end of a day, as hospital systems write it.
    """
    return _moment(text) if len(text) in (8, 12) else None


@lru_cache(maxsize=_CACHED_VALUES)
def _moment(text: str) -> datetime | None:
    if not text.isascii() or not text.isdecimal():
        return None
    hours, minutes = (int(text[8:10]), int(text[10:12])) if len(text) == 12 else (0, 0)
    if minutes > 59 or hours > 24 or (hours == 24 and minutes):
        return None
    try:
        # Both sides of every comparison are local, so none carries a zone.
        day = datetime(int(text[:4]), int(text[4:6]), int(text[6:8]))  # noqa: DTZ001
        return day + timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        return None


def birth_days(text: str) -> tuple[date, date] | None:
    """The first and the last day on which somebody can be born; unknown months and days are written 00."""
    if len(text) not in (8, 12) or not text.isascii() or not text.isdecimal():
        return None
    year, month_day = text[:4], text[4:8]
    if month_day == "0000":
        first, last = moment(f"{year}0101"), moment(f"{year}1231")
    elif month_day.endswith("00"):
        first = moment(f"{year}{month_day[:2]}01")
        last = first + timedelta(days=27) if first else None
    else:
        first = last = moment(text[:8])
    return (first.date(), last.date()) if first and last else None


def amount(text: str) -> Decimal | None:
    """A number of a claim with a dot as its decimal sign; None when it is not one."""
    return _amount(text) if len(text) <= _NUMBER_MAX_CHARS else None


@lru_cache(maxsize=_CACHED_VALUES)
def _amount(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def amount_or_zero(row: Row, name: str) -> Decimal:
    """The number in a field; 0 for an empty or wrong one, which FIELD_NOT_A_NUMBER tells."""
    return amount(row.get(name, "")) or Decimal(0)


def values(text: str) -> list[str]:
    """The parts of a field that holds several, split by ";"."""
    return [part.strip() for part in text.split(";") if part.strip()]
