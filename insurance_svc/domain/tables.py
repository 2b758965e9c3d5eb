"""Reads the rules of this package's data files once, each row with the days on which it counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Protocol, TypeVar

SAMPLE_FACILITIES = "facilities.sample.csv"
_FACILITY_ROWS_MAX = 50_000


class _Dated(Protocol):
    @property
    def valid_from_date(self) -> date: ...

    @property
    def valid_to_date(self) -> date | None: ...


D = TypeVar("D", bound=_Dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCodeRule:
    """One row of Decision 3276/QĐ-BYT: how much of which base a visit code gives."""

    code: str
    rate_base: str
    """card: percent of the card's base rate; absolute: percent itself; case, none: no rate of its own."""
    outpatient_pct: int | None
    inpatient_pct: int | None
    """None: the code does not exist for that kind of stay."""
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """The base rate of one benefit level (third character of the card)."""

    level: int
    base_rate_pct: int
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLevelRule:
    """A group whose level is set by date, whatever an old card prints."""

    object_group: str
    level: int
    source: str
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLevelRule:
    """The law's reference level: base salary until the Government fixes another one."""

    vnd_per_month: int
    decree: str
    valid_from_date: date
    valid_to_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """What the rules ask of a place of care."""

    code: str
    kind: str
    """commune_station, family_doctor, workplace_station … (code 1.2), or any other word."""
    level: str
    """first, basic or specialised."""
    points: int | None
    former_tier: str
    """district, provincial, central or empty: the tier before 01/01/2025."""
    former_codes: frozenset[str]
    """Codes the place had before; cards issued then still name them."""
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every dated rule of the split."""

    visit_codes: tuple[VisitCodeRule, ...]
    levels: tuple[LevelRule, ...]
    group_levels: tuple[GroupLevelRule, ...]
    reference_levels: tuple[ReferenceLevelRule, ...]
    facilities: tuple[Facility, ...]


class FacilityTableInvalid(ValueError):
    """The file of facilities cannot be read; the text names the line, never a value."""


def in_force(rows: Iterable[D], day: date) -> list[D]:
    """The rows that count on a day, the newest first."""
    found = [
        row
        for row in rows
        if row.valid_from_date <= day and (row.valid_to_date is None or day <= row.valid_to_date)
    ]
    return sorted(found, key=lambda row: row.valid_from_date, reverse=True)


def packaged(name: str) -> list[dict[str, str]]:
    """The rows of a data file of this package."""
    source = resources.files("insurance_svc.domain").joinpath("data", name)
    with source.open("r", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def load_rules(facility_table_file: Path | None = None) -> Rules:
    """All rules; the facilities from the operator's file, or the sandbox's invented sample.

    Raises:
        FacilityTableInvalid: the operator's file is missing, too long, or one of its lines is wrong.
    """
    return Rules(
        visit_codes=tuple(map(_visit_code, packaged("visit_codes.csv"))),
        levels=tuple(
            LevelRule(
                level=int(row["level"]),
                base_rate_pct=int(row["base_rate_percent"]),
                valid_from_date=_first_day(row),
                valid_to_date=_last_day(row),
            )
            for row in packaged("benefit_levels.csv")
        ),
        group_levels=tuple(
            GroupLevelRule(
                object_group=row["object_group"],
                level=int(row["level"]),
                source=row["source"],
                valid_from_date=_first_day(row),
                valid_to_date=_last_day(row),
            )
            for row in packaged("group_level_rules.csv")
        ),
        reference_levels=tuple(
            ReferenceLevelRule(
                vnd_per_month=int(row["vnd_per_month"]),
                decree=row["decree"],
                valid_from_date=_first_day(row),
            )
            for row in packaged("base_salary.csv")
        ),
        facilities=_facilities(facility_table_file),
    )


def parse_facilities(rows: Iterable[dict[str, str]]) -> tuple[Facility, ...]:
    """Facilities from the rows of a table in the form of the packaged sample.

    Raises:
        FacilityTableInvalid: a line lacks a column or holds an unreadable number or day.
    """
    found = []
    for line, row in enumerate(rows, start=2):
        if line > _FACILITY_ROWS_MAX:
            raise FacilityTableInvalid(f"more than {_FACILITY_ROWS_MAX} facilities")
        try:
            found.append(_facility(row))
        except (KeyError, ValueError, AttributeError) as cause:
            raise FacilityTableInvalid(f"line {line} of the facility table cannot be read") from cause
    return tuple(found)


def _facilities(file: Path | None) -> tuple[Facility, ...]:
    if file is None:
        return parse_facilities(packaged(SAMPLE_FACILITIES))
    try:
        with file.open("r", encoding="utf-8", newline="") as lines:
            return parse_facilities(csv.DictReader(lines))
    except OSError as cause:
        raise FacilityTableInvalid("the facility table cannot be opened") from cause


def _facility(row: dict[str, str]) -> Facility:
    if row["level"] not in ("first", "basic", "specialised"):
        raise ValueError("level")
    if row["former_tier"] not in ("", "district", "provincial", "central"):
        raise ValueError("former_tier")
    return Facility(
        code=row["facility_code"],
        kind=row["kind"],
        level=row["level"],
        points=int(row["points"]) if row["points"] else None,
        former_tier=row["former_tier"],
        former_codes=frozenset(row["former_codes"].split()),
        valid_from_date=_first_day(row),
        valid_to_date=_last_day(row),
    )


def _visit_code(row: dict[str, str]) -> VisitCodeRule:
    return VisitCodeRule(
        code=row["ma_doituong_kcb"],
        rate_base=row["rate_base"],
        outpatient_pct=_percent(row["outpatient_percent"]),
        inpatient_pct=_percent(row["inpatient_percent"]),
        valid_from_date=_first_day(row),
        valid_to_date=_last_day(row),
    )


def _percent(text: str) -> int | None:
    return int(text) if text else None


def _first_day(row: dict[str, str]) -> date:
    return date.fromisoformat(row["valid_from"])


def _last_day(row: dict[str, str]) -> date | None:
    return date.fromisoformat(row["valid_to"]) if row["valid_to"] else None


def base_rate(levels: Iterable[LevelRule], *, level: int, day: date) -> Decimal | None:
    """The base rate of a level on a day in percent; None when no rule counts."""
    found = in_force([rule for rule in levels if rule.level == level], day)
    return Decimal(found[0].base_rate_pct) if found else None
