"""The pre-check of claim files: what a reviewer would refuse, found before it is sent."""

from standards.claims.lint.code_lists import CodeLists, Icd10, read_catalogue, read_codes, read_icd10
from standards.claims.lint.engine import catalogue, lint
from standards.claims.lint.model import CoverageEvidence, Finding, LintContext, Report, Rule, Severity

__all__ = [
    "CodeLists",
    "CoverageEvidence",
    "Finding",
    "Icd10",
    "LintContext",
    "Report",
    "Rule",
    "Severity",
    "catalogue",
    "lint",
    "read_catalogue",
    "read_codes",
    "read_icd10",
]
