"""The linter against a thousand seeded defects, three hundred clean claims, and whatever a file may hold."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from standards.claims import ClaimFile, ClaimRecord, schema_named
from standards.claims.lint import (
    CoverageEvidence,
    LintContext,
    lint,
    report_as_html,
    report_as_json,
)
from tests.support.claim_defects import KINDS, Score, seeded_defects
from tests.support.claim_findings import CONTEXT
from tests.support.claim_maker import claim_file, clean_claim

DEFECTS, CLEAN = 1_000, 300
BAR = 0.99
SCHEMA = schema_named("3176")


def test_a_thousand_single_defects_are_found_at_their_fields() -> None:
    score = Score()
    for defect in seeded_defects(DEFECTS):
        score.add(defect, lint(claim_file(defect.record), CONTEXT).findings)

    assert len(KINDS) >= 40
    assert score.total == DEFECTS
    assert score.found >= BAR * DEFECTS, Counter(score.missed)
    assert score.at_field >= BAR * DEFECTS, Counter(score.missed)


def test_clean_claims_raise_no_alarm() -> None:
    alarms = Counter(
        (finding.rule_id, finding.table, finding.field)
        for seed in range(CLEAN)
        for finding in lint(claim_file(clean_claim(seed)), CONTEXT).findings
    )

    assert not alarms


# What a vendor's file may hold, and what breaks arithmetic
WILD = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-0", "00", "1", "9", "99991231", "999912312400", "00000000", "200000000000", "NaN", "1E9",
         "9" * 18, "-" + "9" * 18, "0.000001", "9" * 40, ";", ";;", "1;2", "٣", "４", "²", "G1", "VM.", "K.", "{field}",
         "40.17", "13", "15", "8", "2", "03", "202601060800", "202601062400"]
    ),
    st.text(max_size=6),
)  # fmt: skip


@st.composite
def wild_records(draw: st.DrawFn) -> ClaimRecord:
    record = clean_claim(draw(st.integers(0, 30)))
    tables = {name: [dict(row) for row in rows] for name, rows in record.tables.items()}
    for extra in draw(st.lists(st.sampled_from(["XML0", "XML6", "XML10", "XML12", "XML15"]), max_size=2)):
        tables[extra] = [{}]
    for _ in range(draw(st.integers(1, 12))):
        table = draw(st.sampled_from(sorted(tables)))
        row = draw(st.sampled_from(tables[table]))
        field = draw(st.sampled_from([known.name for known in SCHEMA.tables[table].fields]))
        row[field] = draw(WILD)
    return ClaimRecord(tables=tables)


@settings(max_examples=300, deadline=None)
@given(st.lists(wild_records(), max_size=2), WILD, st.booleans())
def test_whatever_stands_in_a_file_is_told_and_never_fatal(
    records: list[ClaimRecord], text: str, is_known: bool
) -> None:
    evidence = CoverageEvidence(
        is_valid=False, card_number=text, valid_from=None, valid_to=date(2020, 1, 1), benefit_rate_pct=None
    )
    coverage = {record.visit_link: evidence for record in records} if is_known else {}
    file = ClaimFile(facility_code=text, made_date=text, record_count=text, records=tuple(records))
    context = LintContext(
        code_lists=CONTEXT.code_lists,
        today=CONTEXT.today,
        base_salaries=CONTEXT.base_salaries,
        coverage=coverage,
    )

    report = lint(file, context)

    assert report.record_count == len(records)
    assert "".join(report_as_html(report)).endswith("</body></html>\n")
    assert report_as_json(report)["hidden_count"] == 0
