"""The report of the linter as JSON for programs and as a page for people; neither holds a name or a person's number.

The JSON, version 1 (keys are only added; amounts are texts of dong with a dot; an unknown day is ""):

    {"report": "lienthong.claim-lint", "version": 1,
     "file": {"facility_code": "99001", "made_date": "20261120", "record_count": 2, "is_signed": true},
     "is_clean": false, "counts": {"ERROR": 1, "WARNING": 0, "NOTE": 0}, "at_risk_vnd": "120000.5", "hidden_count": 0,
     "rules": [{"rule_id", "severity", "source", "count", "visit_count", "at_risk_vnd"}],
     "skipped": [{"needs": "staff", "rules": ["STAFF_UNKNOWN"]}],
     "findings": [{"rule_id", "severity", "record", "visit_link", "table", "row", "field", "facts": {}, "at_risk_vnd",
                   "message_vi", "message_en", "repair_vi", "repair_en"}]}

`record` counts visits from 1, `row` rows of a table from 1; 0 means the file or the table as a whole.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from html import escape
from itertools import groupby
from string import Template

from standards.claims.lint.model import Finding, Report, RuleTotal, Severity, Tally

REPORT, VERSION = "lienthong.claim-lint", 1
Json = dict[str, object]

_SEVERITY_VI = {Severity.ERROR: "Lỗi", Severity.WARNING: "Cảnh báo", Severity.NOTE: "Ghi chú"}
_NEEDS_VI = {
    "icd10": "danh mục ICD-10",
    "facilities": "danh mục cơ sở",
    "staff": "danh sách người hành nghề",
    "drugs": "danh mục thuốc",
    "services": "danh mục dịch vụ",
    "supplies": "danh mục vật tư",
    "coverage": "bằng chứng tra cứu thẻ",
    "today": "ngày kiểm tra",
    "base_salaries": "mức lương cơ sở",
}
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1c2328;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}
.en{color:#5b6670;font-size:.88em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;
border-bottom:1px solid #d9dfe3}th{font-weight:600;background:#f2f5f7}
.n{text-align:right;white-space:nowrap}.p{white-space:nowrap}.r{font-family:ui-monospace,monospace;font-size:.82em}
.ERROR{color:#a3161b;font-weight:600}.WARNING{color:#8a5a00}.NOTE{color:#47555f}
.verdict{padding:.6rem .8rem;border-left:.3rem solid;margin:1rem 0;background:#f7f9fa}
@media print{body{margin:0;max-width:none}thead{display:table-header-group}tr,h2{break-inside:avoid}
h2{break-after:avoid}}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_TOP = f"""<!DOCTYPE html>
<html lang="vi"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{_STYLE_HASH}'">
<meta name="viewport" content="width=device-width"><title>Kiểm tra hồ sơ giám định</title>
<style>{_STYLE}</style></head><body>
"""
_HEAD = Template("""\
<h1>Kiểm tra hồ sơ giám định BHYT</h1><div class="en">Pre-check of a claim file</div>
<p>Cơ sở <b>$facility</b> · ngày lập <b>$made</b> · <b>$records</b> hồ sơ · $signed
<br><span class="en">Facility $facility, made $made, $records visits</span></p>
<div class="verdict $class">$verdict_vi<br><span class="en">$verdict_en</span></div>
""")
_RULES_HEAD = """<h2>Theo quy tắc <span class="en">By rule</span></h2>
<table><thead><tr><th>Quy tắc</th><th>Mức</th><th class="n">Số lỗi</th><th class="n">Số hồ sơ</th>
<th class="n">Tiền có rủi ro</th><th>Căn cứ</th></tr></thead><tbody>
"""
_RULE = Template("""<tr><td class="r">$rule</td><td class="$severity">$severity_vi</td><td class="n">$count</td>
<td class="n">$visits</td><td class="n">$money</td><td>$source</td></tr>
""")
_VISIT = Template("""<h2>$title <span class="en">$money</span></h2>
<table><thead><tr><th>Vị trí</th><th>Mức</th><th>Nội dung</th><th>Cách sửa</th><th class="n">Tiền có rủi ro</th></tr>
</thead><tbody>
""")
_FINDING = Template("""<tr><td class="p">$place<br><span class="r">$rule</span></td>
<td class="$severity">$severity_vi</td><td>$message_vi<br><span class="en">$message_en</span></td>
<td>$repair_vi<br><span class="en">$repair_en</span></td><td class="n">$money</td></tr>
""")


def report_as_json(report: Report, *, with_findings: bool = True) -> Json:
    """The report as a JSON object, as the head of this module describes it."""
    told: Json = {
        "report": REPORT,
        "version": VERSION,
        "file": {
            "facility_code": report.facility_code,
            "made_date": report.made_date,
            "record_count": report.record_count,
            "is_signed": report.is_signed,
        },
        "is_clean": report.is_clean,
        "counts": {severity.value: report.count(severity) for severity in Severity},
        "at_risk_vnd": _exact(report.at_risk),
        "hidden_count": report.hidden_count,
        "rules": [_total_as_json(total) for total in report.totals],
        "skipped": [{"needs": name, "rules": list(rules)} for name, rules in report.skipped.items()],
    }
    if with_findings:
        told["findings"] = [finding_as_json(finding) for finding in report.findings]
    return told


def finding_as_json(finding: Finding) -> Json:
    """One finding as a JSON object."""
    return {
        "rule_id": finding.rule_id,
        "severity": finding.severity.value,
        "record": finding.record,
        "visit_link": finding.visit_link,
        "table": finding.table,
        "row": finding.row,
        "field": finding.field,
        "facts": dict(finding.facts),
        "at_risk_vnd": _exact(finding.at_risk),
        "message_vi": finding.message_vi,
        "message_en": finding.message_en,
        "repair_vi": finding.repair_vi,
        "repair_en": finding.repair_en,
    }


def _total_as_json(total: RuleTotal) -> Json:
    return {
        "rule_id": total.rule.rule_id,
        "severity": total.rule.severity.value,
        "source": total.rule.source,
        "count": total.count,
        "visit_count": total.visit_count,
        "at_risk_vnd": _exact(total.at_risk),
    }


def report_as_html(report: Report) -> Iterator[str]:
    """The report as one page in pieces: no script, nothing from elsewhere, fit to be printed; Vietnamese first."""
    yield _TOP
    yield _filled(
        _HEAD,
        facility=report.facility_code or "–",
        made=report.made_date or "–",
        records=str(report.record_count),
        signed="đã ký số" if report.is_signed else "chưa ký số",
        **_verdict(report),
    )
    if report.totals:
        yield _RULES_HEAD
        for total in report.totals:
            yield _filled(
                _RULE,
                rule=total.rule.rule_id,
                severity=total.rule.severity.value,
                severity_vi=_SEVERITY_VI[total.rule.severity],
                count=str(total.count),
                visits=str(total.visit_count),
                money=dong(total.at_risk),
                source=total.rule.source,
            )
        yield "</tbody></table>\n"
    if report.skipped:
        parts = ", ".join(_NEEDS_VI[name] for name in report.skipped)
        count = len({rule for rules in report.skipped.values() for rule in rules})
        yield f"<p>Chưa kiểm tra {count} quy tắc vì thiếu: {escape(parts)}."
        yield f' <span class="en">{count} rules were not run: {escape(", ".join(report.skipped))}.</span></p>\n'
    for _, of_visit in groupby(report.findings, key=lambda finding: finding.record):
        yield from _visit(list(of_visit))
    if report.hidden_count:
        yield f"<p>Còn {report.hidden_count} lỗi không hiển thị."
        yield f' <span class="en">{report.hidden_count} more are counted and not shown.</span></p>\n'
    yield "</body></html>\n"


def _verdict(report: Report) -> dict[str, str]:
    errors, warnings = report.count(Severity.ERROR), report.count(Severity.WARNING)
    if report.is_clean:
        return {
            "class": "NOTE",
            "verdict_vi": f"Không có lỗi chặn gửi; {warnings} cảnh báo.",
            "verdict_en": f"Nothing stands in the way of sending; {warnings} warnings.",
        }
    return {
        "class": "ERROR",
        "verdict_vi": f"{errors} lỗi, {warnings} cảnh báo; tiền có rủi ro: {dong(report.at_risk)}.",
        "verdict_en": f"{errors} errors, {warnings} warnings; {dong(report.at_risk)} at risk.",
    }


def _visit(findings: list[Finding]) -> Iterator[str]:
    first, tally = findings[0], Tally()
    for finding in findings:
        tally.add(finding)
    title = f"Hồ sơ {first.record}: {first.visit_link}" if first.record else "Cả tệp"
    yield _filled(_VISIT, title=title, money=dong(tally.at_risk) if tally.at_risk else "")
    for finding in findings:
        yield _filled(
            _FINDING,
            place=place_of(finding),
            rule=finding.rule_id,
            severity=finding.severity.value,
            severity_vi=_SEVERITY_VI[finding.severity],
            message_vi=finding.message_vi,
            message_en=finding.message_en,
            repair_vi=finding.repair_vi,
            repair_en=finding.repair_en,
            money=dong(finding.at_risk) if finding.at_risk else "",
        )
    yield "</tbody></table>\n"


def place_of(finding: Finding) -> str:
    """Table, row and field: "XML3 dòng 5 · NGAY_YL"."""
    table = finding.table if not finding.row else f"{finding.table} dòng {finding.row}"
    return " · ".join(part for part in (table, finding.field) if part) or "–"


def dong(amount: Decimal) -> str:
    """An amount as Vietnamese people write it: 1.234.567,5 ₫."""
    whole, _, rest = _exact(amount).partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return f"{grouped},{rest} ₫" if rest else f"{grouped} ₫"


def _exact(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _filled(template: Template, **texts: str) -> str:
    """A template with every text escaped."""
    return template.substitute({name: escape(text, quote=True) for name, text in texts.items()})
