"""Runs every check over the visits of a claim file, one after the other, and adds up what they find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from standards.claims.errors import ClaimVersionUnknown
from standards.claims.lint import (
    beds,
    cards,
    certificates,
    dates,
    diagnoses,
    drugs,
    evidence,
    fields,
    forms,
    items,
    money,
    papers,
    rates,
    services,
    visits,
)
from standards.claims.lint.case import Case, Check, Hit, amount_or_zero, moment
from standards.claims.lint.catalogue import catalogue
from standards.claims.lint.model import Finding, LintContext, Report, RuleTotal, Severity, Tally
from standards.claims.model import ClaimFile, ClaimRecord
from standards.claims.reading import LIMITS, ClaimStream, Limits
from standards.claims.schema import Schema, schema_for, schema_named

CHECKS: tuple[Check, ...] = (
    visits.check_envelope,
    visits.check_doubts,
    visits.check_summary,
    visits.check_links,
    fields.check_fields,
    forms.check_forms,
    forms.check_numbers,
    forms.check_residence,
    cards.check_card,
    cards.check_card_period,
    cards.check_referral,
    cards.check_exemption,
    dates.check_stay,
    dates.check_days,
    dates.check_orders,
    money.check_lines,
    money.check_sums,
    money.check_twice,
    rates.check_rates,
    rates.check_small_bill,
    rates.check_examinations,
    rates.check_surgery,
    diagnoses.check_diagnoses,
    services.check_services,
    services.check_results,
    services.check_supplies,
    drugs.check_drugs,
    beds.check_beds,
    beds.check_stay,
    items.check_staff,
    items.check_facilities,
    items.check_catalogues,
    papers.check_repeats,
    papers.check_presence,
    papers.check_appointments,
    certificates.check_periods,
    certificates.check_leaves,
    certificates.check_pregnancies,
    certificates.check_births,
    certificates.check_discharge_paper,
    certificates.check_deaths,
    certificates.check_antiretrovirals,
    evidence.check_evidence,
)
KEPT_FINDINGS_MAX = 10_000
"""Findings that a report holds; what is beyond is counted."""
_LINK_MAX_CHARS = 100
_SEVERITIES = tuple(Severity)


class Linter:
    """Checks visits as they come; its memory does not grow with them but by their MA_LK and the kept findings."""

    def __init__(
        self,
        context: LintContext | None = None,
        *,
        leave_out: Collection[str] = (),
        keep: int = KEPT_FINDINGS_MAX,
        on_finding: Callable[[Finding], None] | None = None,
    ) -> None:
        """Start with nothing found.

        Args:
            context: Code lists and evidence; rules whose part is missing are named in the report's `skipped`.
            leave_out: Rules that are not told, such as FILE_NOT_SIGNED before the file is signed.
            keep: How many findings the report holds.
            on_finding: Called with each, also with those that are not kept.
        """
        self._context = context or LintContext()
        self._skipped = _skipped(self._context)
        self._leave_out = frozenset(leave_out)
        self._keep = keep
        self._on_finding = on_finding
        self._kept: list[Finding] = []
        self._totals_by_rule: dict[str, _Total] = {}
        self._at_risk = Decimal(0)
        self._record_count = 0
        self._first_with: dict[str, int] = {}

    def check(self, record: ClaimRecord, *, facility_code: str = "", made_date: str = "") -> None:
        """Check the next visit.

        Args:
            facility_code: MACSKCB of the envelope; "" for a table that travels alone.
            made_date: NGAYLAP of the envelope.
        """
        self._record_count += 1
        schema = _schema_of(record)
        case = Case(
            record=record,
            number=self._record_count,
            facility_code=facility_code,
            made_date=made_date,
            schema=schema or schema_named("4750"),
            context=self._context,
        )
        self._add(self._findings(case, is_version_known=schema is not None))

    def finish(
        self, *, facility_code: str = "", made_date: str = "", record_count: str = "", is_signed: bool = False
    ) -> Report:
        """The report, once the last visit was checked; the arguments are those of the envelope, "" without one."""
        if facility_code or made_date or record_count:
            self._add(self._envelope(facility_code, made_date, record_count, is_signed=is_signed))
        return Report(
            record_count=self._record_count,
            findings=tuple(self._kept),
            totals=self._totals(),
            at_risk=self._at_risk,
            skipped={name: rules for name, rules in self._skipped.items() if rules},
            facility_code=facility_code,
            made_date=made_date,
            is_signed=is_signed,
        )

    def _findings(self, case: Case, *, is_version_known: bool) -> Iterator[Finding]:
        for hit in self._hits(case, is_version_known=is_version_known):
            if catalogue()[hit.rule_id].is_in_force(case.day):
                yield _finding(case, hit)

    def _hits(self, case: Case, *, is_version_known: bool) -> Iterator[Hit]:
        if not is_version_known:
            yield Hit(rule_id="VERSION_UNKNOWN", table="XML1", row=1, field="NGAY_VAO")
        first = self._first_with.setdefault(case.link[:_LINK_MAX_CHARS], case.number)
        if case.link and first != case.number:
            yield Hit(rule_id="VISIT_TWICE", table="XML1", row=1, field="MA_LK", facts={"record": str(first)})
        for check in CHECKS:
            yield from check(case)

    def _envelope(
        self, facility_code: str, made_date: str, record_count: str, *, is_signed: bool
    ) -> Iterator[Finding]:
        if not facility_code:
            yield _of_file("FIELD_REQUIRED", "MACSKCB")
        if record_count != str(self._record_count):
            yield _of_file("RECORD_COUNT_WRONG", "SOLUONGHOSO", expected=str(self._record_count))
        if len(made_date) != 8 or moment(made_date) is None:
            yield _of_file("MADE_DATE_MALFORMED", "NGAYLAP")
        if not is_signed:
            yield _of_file("FILE_NOT_SIGNED", "CHUKYDONVI")

    def _add(self, found: Iterable[Finding]) -> None:
        """Count a visit's findings one by one: an empty row of 20 bytes brings dozens of them."""
        visit = Tally()
        by_rule: dict[str, Tally] = {}
        for finding in found:
            if finding.rule_id in self._leave_out:
                continue
            visit.add(finding)
            by_rule.setdefault(finding.rule_id, Tally()).add(finding)
            if len(self._kept) < self._keep:
                self._kept.append(finding)
            if self._on_finding is not None:
                self._on_finding(finding)
        for rule_id, tally in by_rule.items():
            total = self._totals_by_rule.setdefault(rule_id, _Total())
            total.count += tally.count
            total.visit_count += 1
            total.at_risk += tally.at_risk
        self._at_risk += visit.at_risk

    def _totals(self) -> tuple[RuleTotal, ...]:
        totals = [
            RuleTotal(
                rule=catalogue()[rule_id],
                count=total.count,
                visit_count=total.visit_count,
                at_risk=total.at_risk,
            )
            for rule_id, total in self._totals_by_rule.items()
        ]
        return tuple(sorted(totals, key=_weight))


def _weight(total: RuleTotal) -> tuple[int, Decimal, int, str]:
    return _SEVERITIES.index(total.rule.severity), -total.at_risk, -total.count, total.rule.rule_id


@dataclass(slots=True)
class _Total:
    """What a rule found in the visits so far."""

    count: int = 0
    visit_count: int = 0
    at_risk: Decimal = Decimal(0)


def lint(file: ClaimFile, context: LintContext | None = None, *, leave_out: Collection[str] = ()) -> Report:
    """Check a claim file against the rules in force on each visit's day.

    Args:
        file: As read; visits before 1 July 2024 are told and checked by the tables of that day.
        context: Code lists and evidence; rules whose part is missing are named in `skipped`.
        leave_out: Rules that are not told.
    """
    linter = Linter(context, leave_out=leave_out)
    for record in file.records:
        linter.check(record, facility_code=file.facility_code, made_date=file.made_date)
    return linter.finish(
        facility_code=file.facility_code,
        made_date=file.made_date,
        record_count=file.record_count,
        is_signed=file.is_signed,
    )


def lint_stream(
    source: bytes | BinaryIO,
    context: LintContext | None = None,
    *,
    limits: Limits = LIMITS,
    keep: int = KEPT_FINDINGS_MAX,
    on_finding: Callable[[Finding], None] | None = None,
) -> Report:
    """Check a file while it is read, so that a large one needs the memory of its largest visit.

    Args:
        keep: How many findings the report holds.
        on_finding: Called with each finding as soon as it is known.
    Raises:
        ClaimFileError: the file cannot be read; findings of the visits before that place were handed on.
    """
    linter = Linter(context, keep=keep, on_finding=on_finding)
    stream = ClaimStream(source, limits=limits)
    for record in stream:
        linter.check(record, facility_code=stream.facility_code, made_date=stream.made_date)
    return linter.finish(
        facility_code=stream.facility_code,
        made_date=stream.made_date,
        record_count=stream.record_count,
        is_signed=stream.is_signed,
    )


def _schema_of(record: ClaimRecord) -> Schema | None:
    """The schema by the day of admission; the newest one while the day cannot be read."""
    rows = record.tables.get("XML1") or record.tables.get("XML0") or [{}]
    admitted = moment(rows[0].get("NGAY_VAO", ""))
    if admitted is None:
        return schema_named("3176")
    try:
        return schema_for(admitted.date())
    except ClaimVersionUnknown:
        return None


def _skipped(context: LintContext) -> dict[str, tuple[str, ...]]:
    given = {
        "icd10": context.code_lists.icd10,
        "facilities": context.code_lists.facilities,
        "staff": context.code_lists.staff,
        "drugs": context.code_lists.drugs,
        "services": context.code_lists.services,
        "supplies": context.code_lists.supplies,
        "coverage": context.coverage,
        "today": context.today,
        "base_salaries": context.base_salaries,
    }
    return {
        name: tuple(rule_id for rule_id, rule in catalogue().items() if name in rule.needs)
        for name, part in given.items()
        if part is None
    }


def _finding(case: Case, hit: Hit) -> Finding:
    rule = catalogue()[hit.rule_id]
    counts = rule.severity is Severity.ERROR and rule.risks_money
    return Finding(
        rule=rule,
        record=case.number,
        visit_link=case.link,
        table=hit.table,
        row=hit.row,
        field=hit.field,
        facts=hit.facts,
        at_risk=_at_risk(case, hit) if counts else Decimal(0),
    )


def _of_file(rule_id: str, field: str, **facts: str) -> Finding:
    return Finding(
        rule=catalogue()[rule_id],
        record=0,
        visit_link="",
        table="",
        row=0,
        field=field,
        facts=facts,
        at_risk=Decimal(0),
    )


def _at_risk(case: Case, hit: Hit) -> Decimal:
    """The line's share of the fund, or the whole claim's for what is wrong with the visit."""
    rows = case.rows(hit.table)
    if hit.table in ("XML2", "XML3") and 0 < hit.row <= len(rows):
        return amount_or_zero(rows[hit.row - 1], "T_BHTT")
    return amount_or_zero(case.summary, "T_BHTT")
