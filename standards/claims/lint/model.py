"""What the linter is given and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from standards.claims.lint.code_lists import CodeLists


class Severity(StrEnum):
    """What a finding means for the claim."""

    ERROR = "ERROR"
    """The portal refuses it, or the fund will not pay."""
    WARNING = "WARNING"
    """Reviewers ask about it."""
    NOTE = "NOTE"
    """Worth knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the catalogue."""

    rule_id: str
    severity: Severity
    source: str
    message_vi: str
    message_en: str
    repair_vi: str
    repair_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect, at its place."""

    rule_id: str
    severity: Severity
    record: int
    """Number of the visit in the file, from 1; 0 for the file as a whole."""
    visit_link: str
    """MA_LK."""
    table: str
    row: int
    """From 1; 0 for the table as a whole."""
    field: str
    facts: Mapping[str, str]
    """Codes, amounts and days; never a name or a person's number."""
    at_risk: Decimal
    """Dong that the fund may refuse for it: the line's T_BHTT, or the claim's."""
    message_vi: str
    message_en: str
    repair_vi: str
    repair_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the linter found in a file."""

    record_count: int
    findings: tuple[Finding, ...]
    skipped: Mapping[str, tuple[str, ...]]
    """Code list that was not given, to the rules that were not run for it."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing stands in the way of sending."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def at_risk(self) -> Decimal:
        """Dong at risk, each line and each claim once."""
        claims: dict[int, Decimal] = {}
        lines: dict[tuple[int, str, int], Decimal] = {}
        for finding in self.findings:
            if finding.severity is not Severity.ERROR:
                continue
            if finding.row and finding.table in ("XML2", "XML3"):
                lines[finding.record, finding.table, finding.row] = finding.at_risk
            else:
                claims[finding.record] = max(claims.get(finding.record, Decimal(0)), finding.at_risk)
        return sum(claims.values(), Decimal(0)) + sum(
            (amount for (record, _, _), amount in lines.items() if not claims.get(record)), Decimal(0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageEvidence:
    """What the look-ups of a visit proved, for the comparison with its claim."""

    is_valid: bool
    card_number: str = field(repr=False)
    """As the portal answered: 10, 12 or 15 characters."""
    valid_from: date | None
    valid_to: date | None
    benefit_rate_pct: Decimal | None
    """None where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """What else is known; every part may be missing, and then its rules are told as skipped."""

    code_lists: CodeLists = field(default_factory=CodeLists)
    coverage: Mapping[str, CoverageEvidence] | None = None
    """By MA_LK."""
    today: date | None = None
    """Claims of the future are told when it is given."""
