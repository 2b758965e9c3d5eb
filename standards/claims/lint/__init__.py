"""The pre-check of claim files: what a reviewer would refuse, found before it is sent."""

from standards.claims.lint.catalogue import catalogue
from standards.claims.lint.code_lists import (
    Catalogue,
    CatalogueItem,
    CodeListBroken,
    CodeLists,
    Icd10,
    read_base_salaries,
    read_catalogue,
    read_codes,
    read_icd10,
)
from standards.claims.lint.engine import Linter, lint, lint_stream
from standards.claims.lint.model import (
    CoverageEvidence,
    Finding,
    LintContext,
    Report,
    Rule,
    RuleTotal,
    Severity,
)
from standards.claims.lint.report import finding_as_json, report_as_html, report_as_json

__all__ = [
    "Catalogue",
    "CatalogueItem",
    "CodeListBroken",
    "CodeLists",
    "CoverageEvidence",
    "Finding",
    "Icd10",
    "LintContext",
    "Linter",
    "Report",
    "Rule",
    "RuleTotal",
    "Severity",
    "catalogue",
    "finding_as_json",
    "lint",
    "lint_stream",
    "read_base_salaries",
    "read_catalogue",
    "read_codes",
    "read_icd10",
    "report_as_html",
    "report_as_json",
]
