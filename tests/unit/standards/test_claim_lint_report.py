"""The linter as a whole: streaming, limits, money at risk, and its report as JSON and as a page."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from standards.claims import ClaimFile, ClaimRecord, read_claim_file, schema_named, write_claim_file
from standards.claims.errors import ClaimXmlBroken
from standards.claims.lint import (
    Finding,
    Severity,
    lint,
    lint_stream,
    report_as_html,
    report_as_json,
)
from standards.claims.lint.report import dong
from tests.support.claim_edits import claim_with, edited
from tests.support.claim_findings import CONTEXT
from tests.support.claim_maker import claim_file, clean_claim, long_claim

SCHEMA = schema_named("3176")
BROKEN_LINE = {"XML2.T_BHTT": "7", "XML2.T_BNCCT": "7"}


def written(*records: ClaimRecord) -> bytes:
    return write_claim_file(claim_file(*records), schema=SCHEMA)


def test_a_file_is_checked_the_same_while_it_is_read() -> None:
    broken = edited(claim_with("chronic"), BROKEN_LINE)
    data = written(broken, claim_with("inpatient"), broken)

    whole, streamed = lint(read_claim_file(data)), lint_stream(io.BytesIO(data))

    assert report_as_json(streamed) == report_as_json(whole)
    assert {each.rule_id for each in whole.findings} >= {"FUND_SHARE_WRONG", "VISIT_TWICE", "FILE_NOT_SIGNED"}


def test_findings_before_a_broken_place_are_handed_on() -> None:
    data = written(edited(claim_with("chronic"), BROKEN_LINE), *[claim_with("inpatient")] * 9)
    found: list[Finding] = []
    cut = data[: data.rindex(b"<HOSO>")] + b"</OOPS>"

    with pytest.raises(ClaimXmlBroken):
        lint_stream(cut, on_finding=found.append)

    assert found[0].rule_id == "FUND_SHARE_WRONG"


def test_a_claim_of_1200_lines_is_checked_in_half_a_second() -> None:
    record = long_claim()
    file = claim_file(record)
    lines = len(record.tables["XML2"]) + len(record.tables["XML3"])
    assert lines >= 1_150
    assert lint(file).is_clean

    best = min(_seconds_of(file) for _ in range(3))

    assert best < 0.5


def _seconds_of(file: ClaimFile) -> float:
    start = time.perf_counter()
    lint(file)
    return time.perf_counter() - start


def test_a_file_of_many_visits_is_checked_in_the_memory_of_one() -> None:
    def peak(count: int) -> int:
        data = b"".join(_envelope(count))
        tracemalloc.start()
        lint_stream(io.BytesIO(data), keep=100)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(5)  # what is read once: schema, registers, rules
    few, many = peak(20), peak(400)

    assert many < few * 1.5 + 400 * 1_000, "only MA_LK of each visit is kept"


def _envelope(count: int) -> Iterator[bytes]:
    one = written(claim_with("outpatient"))
    start, end = one.index(b"<HOSO>"), one.index(b"</HOSO>") + 7
    yield one[:start]
    for _ in range(count):
        yield one[start:end]
    yield one[end:]


def test_a_file_of_empty_rows_is_told_in_bounded_memory() -> None:
    """Twenty bytes of XML bring thirty findings; they are counted, not collected."""
    table = SCHEMA.tables["XML2"]
    empty = f"<{table.record_element}/>" * 5_000
    data = (
        "<GIAMDINHHS><THONGTINHOSO><DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>XML2</LOAIHOSO><NOIDUNGFILE>"
        f"<{table.root}><{table.list_element}>{empty}</{table.list_element}></{table.root}>"
        "</NOIDUNGFILE></FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    ).encode()
    tracemalloc.start()
    report = lint_stream(io.BytesIO(data), keep=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert report.count(Severity.ERROR) > 150_000
    assert len(report.findings) == 10
    assert peak < 8_000_000


@pytest.mark.parametrize("character", [" ", "(", ".", "9", ";", "[", "\u0661"])
def test_a_field_of_a_million_characters_costs_no_time(character: str) -> None:
    clean = claim_with("inpatient", "XML3[MA_NHOM=1].STT", "XML3[MA_VAT_TU].STT")
    huge = character * 1_000_000
    tables = {
        name: [dict.fromkeys(row, huge) | {"MA_LK": row["MA_LK"]} for row in rows[:2]]
        for name, rows in clean.tables.items()
    }
    start = time.perf_counter()

    lint(claim_file(ClaimRecord(tables=tables)), CONTEXT)

    assert time.perf_counter() - start < 10


def test_only_so_many_findings_are_kept_and_all_are_counted() -> None:
    broken = edited(claim_with("chronic"), BROKEN_LINE)
    found: list[Finding] = []

    report = lint_stream(written(*[broken] * 5), keep=3, on_finding=found.append)

    assert len(report.findings) == 3
    assert report.hidden_count == len(found) - 3
    assert sum(total.count for total in report.totals) == len(found)
    assert not report.is_clean


def test_money_is_at_risk_once() -> None:
    """Two findings of one line count its T_BHTT once; a finding of the visit counts the claim instead."""
    clean = edited(claim_with("chronic"), {"XML1.T_BHTT": "1000000"})
    line = lint(claim_file(edited(clean, BROKEN_LINE)))
    whole = lint(claim_file(edited(clean, BROKEN_LINE | {"XML1.GIOI_TINH": "7"})))
    paper = lint(claim_file(edited(claim_with("inpatient"), {"XML7.NGAY_CT": "20260101"})))

    share = next(total for total in line.totals if total.rule.rule_id == "FUND_SHARE_WRONG")
    copay = next(total for total in line.totals if total.rule.rule_id == "COPAY_WRONG")
    assert (share.at_risk, copay.at_risk) == (7, 7)
    assert whole.at_risk == 1_000_000
    assert paper.at_risk == 0
    assert not paper.is_clean


def test_warnings_risk_nothing_and_leave_a_file_clean() -> None:
    report = lint(claim_file(edited(claim_with("chronic"), {"XML1.SO_CCCD": ""})))

    assert [each.rule_id for each in report.findings] == ["PERSON_NUMBER_MISSING"]
    assert report.is_clean
    assert report.at_risk == 0
    assert report.count(Severity.WARNING) == 1


def test_a_filtered_report_without_totals_is_judged_by_its_findings() -> None:
    report = lint(claim_file(edited(claim_with("chronic"), BROKEN_LINE)))

    assert not replace(report, totals=()).is_clean
    assert replace(report, totals=(), findings=()).is_clean


# The JSON


def test_the_json_keeps_its_shape() -> None:
    told = report_as_json(lint(claim_file(edited(claim_with("chronic"), BROKEN_LINE))))

    assert json.loads(json.dumps(told)) == told
    assert list(told) == [
        "report", "version", "file", "is_clean", "counts", "at_risk_vnd", "hidden_count", "rules", "skipped",
        "findings",
    ]  # fmt: skip
    assert told["report"] == "lienthong.claim-lint"
    assert told["version"] == 1
    assert told["file"] == {
        "facility_code": "99001",
        "made_date": "20261120",
        "record_count": 1,
        "is_signed": True,
    }
    findings = told["findings"]
    assert isinstance(findings, list)
    assert told["counts"] == {"ERROR": len(findings), "WARNING": 0, "NOTE": 0}
    assert list(findings[0]) == [
        "rule_id", "severity", "record", "visit_link", "table", "row", "field", "facts", "at_risk_vnd",
        "message_vi", "message_en", "repair_vi", "repair_en",
    ]  # fmt: skip
    assert findings[0]["at_risk_vnd"] == "7"
    assert "findings" not in report_as_json(lint(claim_file()), with_findings=False)


# The page


class Page(HTMLParser):
    """What a browser would find."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile() -> ClaimFile:
    record = edited(
        claim_with("outpatient", "XML3[MA_NHOM=1].STT"),
        {
            "XML1.MA_LK": '<script>alert("1")</script>',
            "XML3[MA_NHOM=1].MA_DICH_VU": "<img src=x onerror=alert(1)>{field}$money",
        },
    )
    return replace(claim_file(record), facility_code="<b>&$title")


def test_the_page_is_whole_and_runs_nothing() -> None:
    text = "".join(report_as_html(lint(hostile())))
    page = Page(text)

    assert page.open == []
    assert set(page.tags) == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "div", "p", "b", "br", "span", "table", "thead",
        "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert {name for name, _ in page.attributes} == {
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
    }
    assert any("<script>" in shown for shown in page.texts), "it is shown as text"
    assert "<b>&$title" in "".join(page.texts)
    assert "http" not in text.replace("http-equiv", "")


def test_the_policy_of_the_page_allows_its_own_style_alone() -> None:
    text = "".join(report_as_html(lint(claim_file(clean_claim(1)))))
    style = re.search("<style>(.*)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


def test_the_page_groups_findings_by_visit_and_shows_both_languages() -> None:
    broken = edited(claim_with("chronic"), BROKEN_LINE)
    other = edited(claim_with("inpatient"), {"XML1.MA_LK": "OTHER"})
    text = "".join(report_as_html(lint(claim_file(broken, other, is_signed=False))))

    headings = re.findall("<h2>([^<]*?) ?<", text)
    assert headings == ["Theo quy tắc", f"Hồ sơ 1: {broken.visit_link}", "Hồ sơ 2: OTHER", "Cả tệp"]
    assert "Tính lại theo MUC_HUONG." in text
    assert "Compute it again from MUC_HUONG." in text
    assert "XML2 dòng 1 · T_BHTT" in text


def test_a_clean_page_says_so() -> None:
    text = "".join(report_as_html(lint(claim_file(clean_claim(1)))))

    assert "Không có lỗi chặn gửi; 0 cảnh báo." in text
    assert "<h2>" not in text


@pytest.mark.parametrize("seed", range(5))
def test_neither_form_holds_a_name_or_a_persons_number(seed: int) -> None:
    clean = clean_claim(seed)
    person = {
        name: clean.tables["XML1"][0][name]
        for name in ("HO_TEN", "SO_CCCD", "DIA_CHI", "MA_THE_BHYT", "MA_BN")
    }
    everywhere = {
        table: [row | {name: value + "x" for name, value in person.items() if name in row} for row in rows]
        for table, rows in clean.tables.items()
    }
    report = lint(claim_file(ClaimRecord(tables=everywhere)))
    forms = json.dumps(report_as_json(report), ensure_ascii=False) + "".join(report_as_html(report))

    assert {each.rule_id for each in report.findings} >= {"PERSON_NUMBER_MALFORMED", "CARD_NUMBER_MALFORMED"}
    assert not [name for name, value in person.items() if value in forms]


@pytest.mark.parametrize(
    ("amount", "text"), [("0", "0 ₫"), ("1234567.50", "1.234.567,5 ₫"), ("-1000", "-1.000 ₫")]
)
def test_amounts_are_written_as_vietnamese_people_do(amount: str, text: str) -> None:
    assert dong(Decimal(amount)) == text
