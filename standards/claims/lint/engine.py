"""Runs every check over every visit of a claim file and puts words to what they find."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from standards.claims.errors import ClaimVersionUnknown
from standards.claims.lint import dates, diagnoses, fields, money, papers, services
from standards.claims.lint.case import Case, Check, Hit, amount_or_zero, moment
from standards.claims.lint.model import Finding, LintContext, Report, Rule, Severity
from standards.claims.model import ClaimFile, ClaimRecord
from standards.claims.schema import Schema, schema_for, schema_named
from standards.reference_tables import read_table

CHECKS: tuple[Check, ...] = (
    fields.check_envelope,
    fields.check_doubts,
    fields.check_summary,
    fields.check_links,
    fields.check_fields,
    fields.check_identifiers,
    dates.check_stay,
    dates.check_days,
    dates.check_card_period,
    dates.check_orders,
    dates.check_papers,
    money.check_lines,
    money.check_sums,
    money.check_twice,
    diagnoses.check_diagnoses,
    services.check_services,
    services.check_examinations,
    services.check_beds,
    services.check_staff,
    services.check_catalogues,
    papers.check_repeats,
    papers.check_presence,
    papers.check_rates,
    papers.check_evidence,
)
_NEEDS = {
    "icd10": (
        "DIAGNOSIS_UNKNOWN", "PRINCIPAL_NOT_ALLOWED", "DIAGNOSIS_SEX", "DIAGNOSIS_AGE", "DIAGNOSIS_PAIR_MISSING",
    ),
    "facilities": ("FACILITY_UNKNOWN",),
    "staff": ("STAFF_UNKNOWN",),
    "drugs": ("ITEM_UNKNOWN", "PRICE_ABOVE_CATALOGUE"),
    "services": ("ITEM_UNKNOWN", "PRICE_ABOVE_CATALOGUE"),
    "supplies": ("ITEM_UNKNOWN", "PRICE_ABOVE_CATALOGUE"),
}  # fmt: skip
FINDINGS_MAX = 100_000
"""A file in which everything is wrong tells this many and then stops."""


def lint(file: ClaimFile, context: LintContext | None = None) -> Report:
    """Check a claim file against the rules in force on each visit's day.

    Args:
        file: As read; visits before 1 July 2024 are told and not checked further.
        context: Code lists and evidence; rules whose list is missing are named in `skipped`.
    """
    known = context or LintContext()
    found: list[Finding] = []
    for number, record in enumerate(file.records, start=1):
        for finding in _findings(file, record, number, known):
            found.append(finding)
            if len(found) >= FINDINGS_MAX:
                break
    lists = {name: getattr(known.code_lists, name) for name in _NEEDS}
    skipped = {name: _NEEDS[name] for name, given in lists.items() if given is None}
    if known.coverage is None:
        skipped["coverage"] = tuple(rule for rule in catalogue() if "EVIDENCE" in rule)
    return Report(record_count=len(file.records), findings=tuple(found), skipped=skipped)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Rule]:
    """Every rule with its words, by id."""
    return {
        row["rule_id"]: Rule(
            rule_id=row["rule_id"],
            severity=Severity(row["severity"]),
            source=row["source"],
            message_vi=row["message_vi"],
            message_en=row["message_en"],
            repair_vi=row["repair_vi"],
            repair_en=row["repair_en"],
        )
        for row in read_table("claims", "lint_rules.csv")
    }


def _findings(file: ClaimFile, record: ClaimRecord, number: int, context: LintContext) -> Iterator[Finding]:
    schema = _schema_of(record)
    known = schema if schema is not None else schema_named("4750")
    case = Case(file=file, record=record, number=number, schema=known, context=context)
    if schema is None:
        yield _finding(case, Hit(rule_id="VERSION_UNKNOWN", table="XML1", row=1, field="NGAY_VAO"))
    for check in CHECKS:
        for hit in check(case):
            yield _finding(case, hit)


def _schema_of(record: ClaimRecord) -> Schema | None:
    """The schema by the day of admission; the newest one while the day cannot be read."""
    summaries = record.tables.get("XML1") or [{}]
    admitted = moment(summaries[0].get("NGAY_VAO", ""))
    if admitted is None:
        return schema_named("3176")
    try:
        return schema_for(admitted.date())
    except ClaimVersionUnknown:
        return None


def _finding(case: Case, hit: Hit) -> Finding:
    rule = catalogue()[hit.rule_id]
    facts = {"field": hit.field, **hit.facts}
    return Finding(
        rule_id=rule.rule_id,
        severity=rule.severity,
        record=case.number,
        visit_link=case.record.visit_link,
        table=hit.table,
        row=hit.row,
        field=hit.field,
        facts=hit.facts,
        at_risk=_at_risk(case, hit) if rule.severity is Severity.ERROR else Decimal(0),
        message_vi=rule.message_vi.format_map(facts),
        message_en=rule.message_en.format_map(facts),
        repair_vi=rule.repair_vi.format_map(facts),
        repair_en=rule.repair_en.format_map(facts),
    )


def _at_risk(case: Case, hit: Hit) -> Decimal:
    """The line's share of the fund, or the whole claim's for what is wrong with the visit."""
    rows = case.rows(hit.table)
    if hit.table in ("XML2", "XML3") and 0 < hit.row <= len(rows):
        return amount_or_zero(rows[hit.row - 1], "T_BHTT")
    return amount_or_zero(case.summary, "T_BHTT")
