"""What tests of the linter give it beside a claim, and where a rule is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from standards.claims import ClaimFile, ClaimRecord
from standards.claims.lint import LintContext, lint, read_icd10
from tests.support.claim_maker import claim_file, code_lists

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "claims"
ICD10 = read_icd10(
    (GOLDEN / "icd10_codes_fixture.csv").read_text(encoding="utf-8"),
    (GOLDEN / "icd10_rules_fixture.csv").read_text(encoding="utf-8"),
)
TODAY = date(2026, 11, 21)
CONTEXT = LintContext(code_lists=code_lists(ICD10), today=TODAY)
Place = tuple[str, int, str]


def places(record: ClaimRecord, rule_id: str, context: LintContext = CONTEXT) -> list[Place]:
    """Where a rule is told in a file with this visit alone."""
    return in_file(claim_file(record), rule_id, context)


def in_file(file: ClaimFile, rule_id: str, context: LintContext = CONTEXT) -> list[Place]:
    found = lint(file, context).findings
    return [(each.table, each.row, each.field) for each in found if each.rule_id == rule_id]
