"""The rules of the linter with their words, severity, days and sources, from the shipped table."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from standards.claims.lint.model import Rule, Severity
from standards.reference_tables import read_table


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Rule]:
    """Every rule by its id."""
    return {row["rule_id"]: _rule(row) for row in read_table("claims", "lint_rules.csv")}


def _rule(row: dict[str, str]) -> Rule:
    return Rule(
        rule_id=row["rule_id"],
        severity=Severity(row["severity"]),
        valid_from=_day(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
        needs=tuple(row["needs"].split()),
        risks_money=row["at_risk"] != "none",
        source=row["source"],
        message_vi=row["message_vi"],
        message_en=row["message_en"],
        repair_vi=row["repair_vi"],
        repair_en=row["repair_en"],
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
