"""How clean the records of a commune are: what is counted, and the figures made of the counts; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from identity_svc.domain.cases import CaseCause, CaseStep, cause_rules
from identity_svc.domain.model import Outcome
from standards.admin_units import Vintage, resolve_ward
from standards.errors import WardCodeUnknown

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS_MAX = 366
DAYS_DEFAULT = 30
PEOPLE = "PEOPLE"
REPAIRS = "REPAIRS"
NEVER_CHECKED = ""
"""Outcome of a person without a check."""


class Source(StrEnum):
    """The records that are counted, each in the order of its moments; of one moment, in this order."""

    CITIZENS = "CITIZENS"
    CHECKS = "CHECKS"
    CASE_STEPS = "CASE_STEPS"
    REPAIRS = "REPAIRS"
    MERGES = "MERGES"
    UNMERGES = "UNMERGES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record to be counted."""

    key: tuple[str | int, ...]
    """Its moment first, then what tells it from others of that moment; sorts as the store does."""
    citizen_id: str
    event_time: datetime
    ward_code: str
    """Commune in force, or empty."""
    word: str
    """Outcome of a check, "STEP CAUSE" of a case; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """As what a person is counted."""

    ward_code: str
    outcome: str
    """Of the newest check; NEVER_CHECKED before the first."""
    is_merged: bool = False
    """Counts nowhere: the record was merged into another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What a counter counts."""

    province_code: str
    ward_code: str
    day_date: str
    measure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DirtFigure:
    """One class of dirt in a place and time."""

    dirt_class: str
    opened_count: int
    closed_count: int
    open_count: int
    """At the end of the time."""


class Tally:
    """Counts records; knows the standings it was given and those it changed.

    A person counts once, in the commune and with the outcome of the newest check, and not at all while merged into
    another; when any of it changes, the former share is taken back on that day. So the sum over all days up to one
    is the stock of that day.
    """

    def __init__(self, standings: Mapping[str, Standing]) -> None:
        self._before = standings
        self.standings: dict[str, Standing] = {}
        """Those that changed."""
        self.counts: Counter[Slot] = Counter()

    def add(self, source: Source, record: Record) -> None:
        """Count one record."""
        earlier = self._standing(record)
        match source:
            case Source.CITIZENS:
                if earlier is None:
                    self._stand(record, None, Standing(ward_code=record.ward_code, outcome=NEVER_CHECKED))
            case Source.CHECKS:
                self._count(record, f"CHECKS_{record.word}")
                is_merged = earlier is not None and earlier.is_merged
                now = Standing(ward_code=record.ward_code, outcome=record.word, is_merged=is_merged)
                self._stand(record, earlier, now)
            case Source.CASE_STEPS:
                step, cause = record.word.split(" ")
                self._count(record, f"{'OPENED' if step == CaseStep.OPENED else 'CLOSED'}_{cause}")
            case Source.REPAIRS:
                self._count(record, REPAIRS)
            case Source.MERGES | Source.UNMERGES:
                if earlier is not None:
                    self._stand(record, earlier, replace(earlier, is_merged=source is Source.MERGES))

    def _standing(self, record: Record) -> Standing | None:
        return self.standings.get(record.citizen_id) or self._before.get(record.citizen_id)

    def _stand(self, record: Record, earlier: Standing | None, now: Standing) -> None:
        if earlier == now:
            return
        if earlier is not None:
            self._count_person(record, earlier, by=-1)
        self._count_person(record, now, by=1)
        self.standings[record.citizen_id] = now

    def _count_person(self, record: Record, standing: Standing, *, by: int) -> None:
        if standing.is_merged:
            return
        self._count(record, PEOPLE, ward_code=standing.ward_code, by=by)
        if standing.outcome != NEVER_CHECKED:
            self._count(record, f"PEOPLE_{standing.outcome}", ward_code=standing.ward_code, by=by)

    def _count(self, record: Record, measure: str, *, ward_code: str | None = None, by: int = 1) -> None:
        ward = record.ward_code if ward_code is None else ward_code
        day = record.event_time.astimezone(ZONE).date().isoformat()
        slot = Slot(province_code=province_of(ward), ward_code=ward, day_date=day, measure=measure)
        self.counts[slot] += by


def in_order(pages: Mapping[Source, Sequence[Record]], *, page_size: int) -> list[tuple[Source, Record]]:
    """The records of the next pages of all sources that may be counted now, oldest first.

    A full page may go on behind its last record, so nothing younger than the oldest such end is counted yet: the
    counters then never depend on how often the worker ran.
    """
    ends = [page[-1].event_time for page in pages.values() if len(page) == page_size]
    ready = [
        (source, record)
        for source, page in pages.items()
        for record in page
        if not ends or record.event_time <= min(ends)
    ]
    order = list(Source)
    return sorted(ready, key=lambda each: (each[1].event_time, order.index(each[0]), each[1].key))


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFigure:
    """The figures of a place and a time."""

    day_date: str
    """YYYY-MM-DD, or empty for a whole range."""
    ward_code: str
    flow: Mapping[str, int]
    """Counts inside the time, by measure."""
    stock: Mapping[str, int]
    """Sums of all counts up to its end, by measure."""

    @property
    def people_count(self) -> int:
        """People on record at the end."""
        return self.stock.get(PEOPLE, 0)

    def people_with(self, outcome: Outcome) -> int:
        """People whose newest check at the end had this outcome."""
        return self.stock.get(f"PEOPLE_{outcome}", 0)

    def checks_with(self, outcome: Outcome) -> int:
        """Checks in the time with this outcome."""
        return self.flow.get(f"CHECKS_{outcome}", 0)

    @property
    def checks_count(self) -> int:
        """Checks in the time."""
        return sum(self.checks_with(outcome) for outcome in Outcome)

    @property
    def confirmed_pct(self) -> float:
        """People whom the register confirmed, in percent of all."""
        confirmed = sum(self.people_with(outcome) for outcome in Outcome if outcome.is_confirmed)
        return self.share_pct(confirmed)

    @property
    def repairs_count(self) -> int:
        """Repairs applied in the time."""
        return self.flow.get(REPAIRS, 0)

    @property
    def dirt(self) -> tuple[DirtFigure, ...]:
        """Each class of dirt."""
        return tuple(
            DirtFigure(
                dirt_class=dirt_class,
                opened_count=_total(self.flow, "OPENED", causes),
                closed_count=_total(self.flow, "CLOSED", causes),
                open_count=_total(self.stock, "OPENED", causes) - _total(self.stock, "CLOSED", causes),
            )
            for dirt_class, causes in dirt_classes().items()
        )

    def share_pct(self, count: int) -> float:
        """A count in percent of the people, to a hundredth; 0 without people."""
        return round(100 * count / self.people_count, 2) if self.people_count > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The days of a request, both inside."""

    from_date: date
    to_date: date

    def each(self) -> Iterable[str]:
        """Every day as YYYY-MM-DD."""
        count = (self.to_date - self.from_date).days + 1
        return ((self.from_date + timedelta(days=index)).isoformat() for index in range(count))


def figures_of(
    days: Days,
    *,
    before: Mapping[str, Mapping[str, int]],
    by_ward: Mapping[str, Mapping[str, int]],
    by_day: Mapping[str, Mapping[str, int]],
) -> tuple[QualityFigure, list[QualityFigure], list[QualityFigure]]:
    """The figures of everything, of each commune and of each day.

    Args:
        days: The time.
        before: By commune and measure, the sums of all days before it.
        by_ward: The same inside it.
        by_day: By day and measure, inside it.
    """
    wards = [
        QualityFigure(
            day_date="",
            ward_code=ward_code,
            flow=by_ward.get(ward_code, {}),
            stock=_sum((before.get(ward_code, {}), by_ward.get(ward_code, {}))),
        )
        for ward_code in sorted({*before, *by_ward})
    ]
    running, trend = _sum(before.values()), []
    for day in days.each():
        running = _sum((running, by_day.get(day, {})))
        trend.append(QualityFigure(day_date=day, ward_code="", flow=by_day.get(day, {}), stock=running))
    total = QualityFigure(day_date="", ward_code="", flow=_sum(by_ward.values()), stock=running)
    return total, sorted(wards, key=lambda each: (-each.people_count, each.ward_code)), trend


@cache
def dirt_classes() -> Mapping[str, tuple[CaseCause, ...]]:
    """The classes of dirt with their causes, in the order of the causes."""
    found: dict[str, tuple[CaseCause, ...]] = {}
    for cause, rule in cause_rules().items():
        found[rule.dirt_class] = (*found.get(rule.dirt_class, ()), cause)
    return found


@cache
def province_of(ward_code: str) -> str:
    """The province of a commune in force, or empty."""
    try:
        return resolve_ward(ward_code, Vintage.FROM_2025_07).province_code if ward_code else ""
    except WardCodeUnknown:
        return ""


def _total(counts: Mapping[str, int], word: str, causes: Iterable[CaseCause]) -> int:
    return sum(counts.get(f"{word}_{cause}", 0) for cause in causes)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    # Not Counter's +, which drops what is negative: a stock may fall.
    found: dict[str, int] = {}
    for each in counts:
        for measure, count in each.items():
            found[measure] = found.get(measure, 0) + count
    return found
