"""From when a person is old enough: birthdays as moments in Vietnam, and the ages the law names, by date."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache

from identity_svc.domain.model import VIETNAM
from identity_svc.domain.tables import in_force, read_rows


class AgeRule(StrEnum):
    """An age the law names; the years stand in data/age_rules.csv with their source and dates."""

    OF_AGE = "OF_AGE"
    """Acts alone in everything; a guardian's right ends."""
    CONSENTS_ALONE = "CONSENTS_ALONE"
    """Gives and withdraws consents without a guardian."""
    IS_ASKED_TOO = "IS_ASKED_TOO"
    """A guardian's consent to disclosing needs the child's as well."""
    OWN_ACCOUNT = "OWN_ACCOUNT"
    """May have a sign-in of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    rule: AgeRule
    years: int
    valid_from_date: date
    valid_to_date: date | None


def has_reached(rule: AgeRule, birth_date: str, *, at: datetime) -> bool:
    """Whether a person surely has the age of a rule at a moment; an unknown birth date is never old enough."""
    birthday = birthday_time(birth_date, years_of(rule, on=at.astimezone(VIETNAM).date()))
    return birthday is not None and birthday <= at


def birthday_time(birth_date: str, years: int) -> datetime | None:
    """The moment from which a person surely has this age: midnight in Vietnam at the start of the birthday, in UTC.

    Of a year or month alone the last possible day counts, so that a minor's protection never ends too early. Who was
    born on 29 February is a year older on 1 March of a common year. Both are our reading, which no source settles.

    Args:
        birth_date: FHIR date, YYYY, YYYY-MM or YYYY-MM-DD; "" for an unknown one, which has no birthday.
        years: 0 to 150.
    """
    assert 0 <= years <= 150, years
    if not birth_date:
        return None
    year, month, day = (*map(int, birth_date.split("-")), 0, 0)[:3]
    month = month or 12
    day = day or calendar.monthrange(year, month)[1]
    target = year + years
    if day > calendar.monthrange(target, month)[1]:
        month, day = month + 1, 1
    return datetime.combine(date(target, month, day), time(), VIETNAM).astimezone(UTC)


def years_of(rule: AgeRule, *, on: date) -> int:
    """How many years a rule demands on a day; before its first row the first row counts."""
    rows = [row for row in _rules() if row.rule is rule]
    return (in_force(rows, on=on) or rows[0]).years


@cache
def _rules() -> tuple[_Row, ...]:
    return tuple(
        _Row(
            rule=AgeRule(row["rule"]),
            years=int(row["years"]),
            valid_from_date=date.fromisoformat(row["valid_from"]),
            valid_to_date=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in read_rows("age_rules.csv")
    )
