"""Reads the rules of this package's data files once, each row with the days on which it counts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Protocol, TypeVar

SAMPLE_FACILITIES = "facilities.sample.csv"
_FACILITY_ROWS_MAX = 50_000
_DISEASE_ROWS_MAX = 5_000
_ICD10 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?", re.ASCII)


class _Dated(Protocol):
    @property
    def valid_from_date(self) -> date: ...

    @property
    def valid_to_date(self) -> date | None: ...


D = TypeVar("D", bound=_Dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRule:
    """How much of which base one way of coming to a facility gives: a visit code, or a case of the law before."""

    case: str
    """Visit code such as "1.13", or the name of a case before 2025, such as SELF_CENTRAL."""
    is_code: bool
    """Whether `case` is a visit code of Decision 3276/QĐ-BYT."""
    order: int
    """Among cases that give the same, the first counts (notes to the decision)."""
    case_vi: str
    case_en: str
    article: str
    rate_base: str
    """card: percent of the card's base rate; absolute: percent itself; case, none: no rate of its own."""
    outpatient_pct: int | None
    inpatient_pct: int | None
    """None: the case does not exist for that kind of stay."""
    is_full_route: bool
    """Whether the rights of who keeps the route (15 %, copay exemption) go with it where it gives 100 %."""
    right_from_date: date
    """From when the right behind a code counts: the law began half a year before the list of codes."""
    valid_from_date: date
    """From when it may be named as a code."""
    valid_to_date: date | None

    def pct(self, *, is_inpatient: bool) -> int | None:
        """The percent of a kind of stay."""
        return self.inpatient_pct if is_inpatient else self.outpatient_pct

    def gives_right_on(self, day: date) -> bool:
        """Whether the right behind it counts on a day."""
        return self.right_from_date <= day and (self.valid_to_date is None or day <= self.valid_to_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """The base rate of one benefit level (third character of the card)."""

    level: int
    base_rate_pct: int
    has_no_rate_limits: bool
    """What the lists pay by ratio is recognised whole."""
    covers_forces: bool
    """What only army, police and cipher are paid for is covered."""
    valid_from_date: date
    valid_to_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseRule:
    """One row of Annex I or II of Circular 01/2025/TT-BYT, as the operator's file tells it."""

    annex: str
    """"I" (specialised level) or "II" (basic level)."""
    included: tuple[tuple[str, str], ...]
    """First and last ICD-10 code of each range; a code with more characters lies inside its category."""
    excluded: tuple[tuple[str, str], ...]
    below_age_years: int | None
    valid_from_date: date
    valid_to_date: date | None

    def holds(self, icd10: str, age_years: int | None) -> bool:
        """Whether the row holds a disease; a row with an age holds nobody whose age is not known."""
        if self.below_age_years is not None and (age_years is None or age_years >= self.below_age_years):
            return False
        return _in_ranges(icd10, self.included) and not _in_ranges(icd10, self.excluded)


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


class Facilities:
    """The table of facilities, by code."""

    def __init__(self, rows: Iterable[Facility] = ()) -> None:
        self._by_code: dict[str, list[Facility]] = {}
        for row in rows:
            self._by_code.setdefault(row.code, []).append(row)

    def __iter__(self) -> Iterator[Facility]:
        return (row for rows in self._by_code.values() for row in rows)

    def __len__(self) -> int:
        return sum(map(len, self._by_code.values()))

    def on(self, code: str, day: date) -> Facility | None:
        """What a facility was on a day; None when the table does not tell."""
        found = in_force(self._by_code.get(code, ()), day)
        return found[0] if found else None

    def first_known(self, code: str) -> Facility | None:
        """The oldest row of a facility, whose former tier tells what it was before; None when there is none."""
        return min(self._by_code.get(code, ()), key=lambda row: row.valid_from_date, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every dated rule of the split."""

    cases: tuple[CaseRule, ...]
    levels: tuple[LevelRule, ...]
    group_levels: tuple[GroupLevelRule, ...]
    reference_levels: tuple[ReferenceLevelRule, ...]
    facilities: Facilities
    diseases: tuple[DiseaseRule, ...] = ()
    """Empty when the operator gave no list: then the caller tells whether an annex holds the disease."""


class FacilityTableInvalid(ValueError):
    """The file of facilities cannot be read; the text names the line, never a value."""


class DiseaseTableInvalid(ValueError):
    """The file of serious diseases cannot be read; the text names the line, never a value."""


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


def load_rules(facility_table_file: Path | None = None, disease_table_file: Path | None = None) -> Rules:
    """All rules; facilities and diseases from the operator's files.

    Args:
        facility_table_file: None takes the sandbox's invented sample.
        disease_table_file: None: no list, the caller tells.
    Raises:
        FacilityTableInvalid, DiseaseTableInvalid: the file is missing, too long, or one of its lines is wrong.
    """
    return Rules(
        cases=(
            *map(_visit_code, packaged("visit_codes.csv")),
            *map(_former_case, packaged("former_cases.csv")),
        ),
        levels=tuple(
            LevelRule(
                level=int(row["level"]),
                base_rate_pct=int(row["base_rate_percent"]),
                has_no_rate_limits=row["rate_limits"] == "no",
                covers_forces=row["forces_scope"] == "yes",
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
        diseases=_diseases(disease_table_file),
    )


def parse_facilities(rows: Iterable[dict[str, str]]) -> Facilities:
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
    return Facilities(found)


def parse_diseases(rows: Iterable[dict[str, str]]) -> tuple[DiseaseRule, ...]:
    """The annexes of serious diseases from the rows of a table in the form of serious_diseases.sample.csv.

    Raises:
        DiseaseTableInvalid: a line lacks a column or holds an unreadable code, number or day.
    """
    found = []
    for line, row in enumerate(rows, start=2):
        if line > _DISEASE_ROWS_MAX:
            raise DiseaseTableInvalid(f"more than {_DISEASE_ROWS_MAX} rows")
        try:
            found.append(_disease(row))
        except (KeyError, ValueError, AttributeError) as cause:
            raise DiseaseTableInvalid(f"line {line} of the disease table cannot be read") from cause
    return tuple(found)


def _diseases(file: Path | None) -> tuple[DiseaseRule, ...]:
    if file is None:
        return ()
    try:
        with file.open("r", encoding="utf-8", newline="") as lines:
            return parse_diseases(csv.DictReader(lines))
    except OSError as cause:
        raise DiseaseTableInvalid("the disease table cannot be opened") from cause


def _disease(row: dict[str, str]) -> DiseaseRule:
    if row["annex"] not in ("I", "II"):
        raise ValueError("annex")
    included = _ranges(row["icd10"])
    if not included:
        raise ValueError("icd10")
    return DiseaseRule(
        annex=row["annex"],
        included=included,
        excluded=_ranges(row["except_icd10"]),
        below_age_years=int(row["below_age_years"]) if row["below_age_years"] else None,
        valid_from_date=_first_day(row),
        valid_to_date=_last_day(row),
    )


def _ranges(text: str) -> tuple[tuple[str, str], ...]:
    """ "C00-C97 E10" as first and last codes; raises ValueError."""
    found = []
    for part in text.split():
        first, _, last = part.partition("-")
        if not (_ICD10.fullmatch(first) and _ICD10.fullmatch(last or first)):
            raise ValueError("icd10")
        found.append((first, last or first))
    return tuple(found)


def _in_ranges(icd10: str, ranges: Iterable[tuple[str, str]]) -> bool:
    return any(first <= icd10[: len(first)] and icd10[: len(last)] <= last for first, last in ranges)


def _facilities(file: Path | None) -> Facilities:
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


def _visit_code(row: dict[str, str]) -> CaseRule:
    return CaseRule(
        case=row["ma_doituong_kcb"],
        is_code=True,
        order=int(row["order_in_decision"]),
        case_vi=row["case_vi"],
        case_en=row["case_en"],
        article=row["article"],
        rate_base=row["rate_base"],
        outpatient_pct=_percent(row["outpatient_percent"]),
        inpatient_pct=_percent(row["inpatient_percent"]),
        is_full_route=True,
        right_from_date=date.fromisoformat(row["right_from"]),
        valid_from_date=_first_day(row),
        valid_to_date=_last_day(row),
    )


def _former_case(row: dict[str, str]) -> CaseRule:
    return CaseRule(
        case=row["case_id"],
        is_code=False,
        order=int(row["order"]),
        case_vi=row["case_vi"],
        case_en=row["case_en"],
        article=row["article"],
        rate_base=row["rate_base"],
        outpatient_pct=_percent(row["outpatient_percent"]),
        inpatient_pct=_percent(row["inpatient_percent"]),
        is_full_route=row["is_full_route"] == "yes",
        right_from_date=_first_day(row),
        valid_from_date=_first_day(row),
        valid_to_date=_last_day(row),
    )


def _percent(text: str) -> int | None:
    return int(text) if text else None


def _first_day(row: dict[str, str]) -> date:
    return date.fromisoformat(row["valid_from"])


def _last_day(row: dict[str, str]) -> date | None:
    return date.fromisoformat(row["valid_to"]) if row["valid_to"] else None


def level_on(levels: Iterable[LevelRule], *, level: int, day: date) -> LevelRule | None:
    """The rule of a benefit level on a day; None when no rule counts."""
    found = in_force([rule for rule in levels if rule.level == level], day)
    return found[0] if found else None
