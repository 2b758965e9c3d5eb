"""What the linter is given and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """Reviewers ask about it; also every rule that no source states exactly."""
    NOTE = "NOTE"
    """Worth knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the catalogue."""

    rule_id: str
    severity: Severity
    valid_from: date | None
    """First day of admission on which it counts; None: as long as there are these tables."""
    valid_to: date | None
    needs: tuple[str, ...]
    """Parts of the context without which it is not run."""
    risks_money: bool
    """Whether the fund may refuse money for it; papers that have nothing to do with the bill do not."""
    source: str
    message_vi: str
    message_en: str
    repair_vi: str
    repair_en: str

    def is_in_force(self, day: date | None) -> bool:
        """Whether it counts for a visit; one without a readable day is judged by the newest rules."""
        if day is None:
            return self.valid_to is None
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect, at its place; its words are made when they are asked for."""

    rule: Rule
    record: int
    """Number of the visit in the file, from 1; 0 for the file as a whole."""
    visit_link: str
    """MA_LK."""
    table: str
    """XML0 to XML15; "" for the envelope."""
    row: int
    """From 1; 0 for the table as a whole."""
    field: str
    facts: Mapping[str, str]
    """Codes, amounts and days; never a name or a person's number."""
    at_risk: Decimal
    """Dong that the fund may refuse for it: the line's T_BHTT, or the claim's; 0 for less than an error."""

    @property
    def rule_id(self) -> str:
        """UPPER_SNAKE, never changes."""
        return self.rule.rule_id

    @property
    def severity(self) -> Severity:
        """How much it weighs."""
        return self.rule.severity

    @property
    def message_vi(self) -> str:
        """What is wrong, in Vietnamese."""
        return self._worded(self.rule.message_vi)

    @property
    def message_en(self) -> str:
        """What is wrong, in English."""
        return self._worded(self.rule.message_en)

    @property
    def repair_vi(self) -> str:
        """What to do, in Vietnamese."""
        return self._worded(self.rule.repair_vi)

    @property
    def repair_en(self) -> str:
        """What to do, in English."""
        return self._worded(self.rule.repair_en)

    def _worded(self, text: str) -> str:
        return text.format_map({"field": self.field, **self.facts})


@dataclass(slots=True)
class Tally:
    """Findings of one visit and the dong at risk by them: the claim as a whole, or else each line once."""

    count: int = 0
    whole: Decimal = Decimal(0)
    lines: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    """Lines with money at risk; most findings of a broken file risk none."""

    def add(self, finding: Finding) -> None:
        """Count one more."""
        self.count += 1
        if not finding.at_risk:
            return
        if finding.row and finding.table in ("XML2", "XML3"):
            self.lines[finding.table, finding.row] = finding.at_risk
        else:
            self.whole = max(self.whole, finding.at_risk)

    @property
    def at_risk(self) -> Decimal:
        """Dong at risk."""
        return self.whole or sum(self.lines.values(), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTotal:
    """What one rule found in the whole file."""

    rule: Rule
    count: int
    """Findings."""
    visit_count: int
    at_risk: Decimal
    """Dong, each line and each claim once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the linter found in a file."""

    record_count: int
    findings: tuple[Finding, ...]
    """The first ones, as many as were to be kept; `totals` count all."""
    skipped: Mapping[str, tuple[str, ...]]
    """What was not given (a code list, the evidence, a day), to the rules that were not run for it."""
    totals: tuple[RuleTotal, ...] = ()
    """By rule: the heaviest severity first, then the most money."""
    at_risk: Decimal = Decimal(0)
    """Dong at risk in the whole file, each line and each claim once."""
    facility_code: str = ""
    made_date: str = ""
    is_signed: bool = False

    def count(self, severity: Severity) -> int:
        """Findings of a severity."""
        return sum(total.count for total in self.totals if total.rule.severity is severity)

    @property
    def hidden_count(self) -> int:
        """Findings that were counted and not kept."""
        return sum(total.count for total in self.totals) - len(self.findings)

    @property
    def is_clean(self) -> bool:
        """Whether nothing stands in the way of sending."""
        return self.count(Severity.ERROR) == 0 and all(
            finding.severity is not Severity.ERROR for finding in self.findings
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
    base_salaries: Sequence[tuple[date, int]] | None = None
    """First day and dong a month of each base salary, oldest first; bills below 15 % of it are free of co-payment."""
