"""`lienthong claim lint`: checks any system's claim file on this machine; asks no service and needs no sign-in."""

from __future__ import annotations

import argparse
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from cli import tables
from cli.output import print_json
from cli.parsers import Commands
from standards.claims.errors import ClaimFileError
from standards.claims.lint import (
    CodeListBroken,
    CodeLists,
    Finding,
    LintContext,
    Report,
    Severity,
    finding_as_json,
    lint_stream,
    read_base_salaries,
    read_catalogue,
    read_codes,
    read_icd10,
    report_as_html,
    report_as_json,
)
from standards.claims.lint.report import dong, place_of

EXIT_CLEAN, EXIT_ERRORS, EXIT_UNREADABLE = 0, 1, 2
SHOWN_MAX = 200
"""Findings that are printed as text; JSON and the page hold more."""
_LISTS = {
    "icd10": "ICD-10 codes: CSV with code_nodot",
    "icd10-rules": "ICD-10 rules: CSV with rule_title_vi, code_nodot, asterisk_code, primary_code",
    "facilities": "facilities: CSV with code",
    "staff": "practice licences: CSV with code",
    "drugs": "approved drugs: CSV with code and any of name, strength, registration, tender, max_price",
    "services": "approved services: CSV of the same columns",
    "supplies": "approved supplies: CSV of the same columns",
    "base-salaries": "base salaries: CSV with valid_from, vnd_per_month",
}
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
T = TypeVar("T")


def add(commands: Commands) -> None:
    """Describe the group `claim` and its command."""
    parser = commands.add_parser("claim", help="insurance claims")
    add_lint(parser.add_subparsers(dest="action", required=True))


def add_lint(actions: Commands) -> None:
    """Describe `lint`, in whatever group of commands."""
    parser = actions.add_parser("lint", help="check a claim file (GIAMDINHHS) before it is sent")
    parser.add_argument("file", type=Path, help="the file, or - for the standard input")
    for name, text in _LISTS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="CSV", help=text)
    _add_outputs(parser)
    parser.set_defaults(run_offline=lint_file)


def _add_outputs(parser: ArgumentParser) -> None:
    outputs = parser.add_mutually_exclusive_group()
    # The flag of the whole command line stays as it was set when this one is left out.
    outputs.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON document")
    outputs.add_argument("--html", type=Path, metavar="OUT", help="write a page that can be printed")
    outputs.add_argument(
        "--streaming",
        action="store_true",
        help="one JSON line a finding as soon as it is known, and the totals as the last line",
    )


def lint_file(arguments: Namespace) -> int:
    """Check the file; 0 without errors, 1 with, 2 when it or a list cannot be read."""
    try:
        context = _context(arguments)
        report = _checked(arguments, context)
        if arguments.html is not None:
            with arguments.html.open("w", encoding="utf-8") as page:
                page.writelines(report_as_html(report))
    except (ClaimFileError, OSError) as error:
        _explain(arguments, error)
        return EXIT_UNREADABLE
    if arguments.streaming:
        _print_line(report_as_json(report, with_findings=False))
    elif arguments.json:
        print_json(report_as_json(report))
    elif arguments.html is None:
        tables.show(_view(report))
    return EXIT_CLEAN if report.is_clean else EXIT_ERRORS


def _checked(arguments: Namespace, context: LintContext) -> Report:
    """Read and check in one go, so that a large file needs the memory of its largest visit."""
    if str(arguments.file) == "-":
        return _streamed(arguments, context, sys.stdin.buffer)
    with arguments.file.open("rb") as source:
        return _streamed(arguments, context, source)


def _streamed(arguments: Namespace, context: LintContext, source: BinaryIO) -> Report:
    if arguments.streaming:
        return lint_stream(source, context, keep=0, on_finding=_print_finding)
    return lint_stream(source, context)


def _context(arguments: Namespace) -> LintContext:
    rules = _read(arguments.icd10_rules, lambda text: text) or ""
    return LintContext(
        code_lists=CodeLists(
            icd10=_read(arguments.icd10, lambda text: read_icd10(text, rules)),
            facilities=_read(arguments.facilities, read_codes),
            staff=_read(arguments.staff, read_codes),
            drugs=_read(arguments.drugs, read_catalogue),
            services=_read(arguments.services, read_catalogue),
            supplies=_read(arguments.supplies, read_catalogue),
        ),
        today=_today(),
        base_salaries=_read(arguments.base_salaries, read_base_salaries),
    )


def _read(path: Path | None, read: Callable[[str], T]) -> T | None:
    if path is None:
        return None
    try:
        return read(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as broken:
        raise CodeListBroken("encoding") from broken


def _today() -> date:
    return datetime.now(_ZONE).date()


def _print_finding(finding: Finding) -> None:
    _print_line(finding_as_json(finding))


def _print_line(value: dict[str, object]) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _explain(arguments: Namespace, error: ClaimFileError | OSError) -> None:
    """Say in both languages what cannot be read; as JSON where JSON was asked for."""
    facts: dict[str, int | str] = {}
    if isinstance(error, ClaimFileError):
        reason, vi, en, facts = error.reason, error.vi, str(error), error.facts
    else:
        reason, vi = "FILE_NOT_READ", "Không mở được tệp; hãy kiểm tra đường dẫn và quyền truy cập."
        en = f"{error.filename or arguments.file}: {error.strerror}."
    if arguments.json or arguments.streaming:
        told = {"reason": reason, "message": en, "message_vi": vi, "facts": facts}
        print(json.dumps({"error": told}, ensure_ascii=False, indent=None if arguments.streaming else 2))
        return
    print(f"{reason}: {vi}\n{en}", file=sys.stderr)
    if facts:
        print(" ".join(f"{name}={value}" for name, value in sorted(facts.items())), file=sys.stderr)


def _view(report: Report) -> RenderableType:
    parts: list[RenderableType] = [_verdict(report)]
    if report.totals:
        by_rule = tables.plain(
            "quy tắc", "mức", "số lỗi", "số hồ sơ", "tiền có rủi ro", title="Theo quy tắc / By rule"
        )
        for total in report.totals:
            by_rule.add_row(
                total.rule.rule_id,
                Text(total.rule.severity.value, style=_STYLES[total.rule.severity]),
                str(total.count),
                str(total.visit_count),
                dong(total.at_risk),
            )
        parts += [Text(), by_rule, Text(), _findings(report)]
    if report.skipped:
        count = len({rule for rules in report.skipped.values() for rule in rules})
        parts += [
            Text(),
            Text(f"Chưa chạy {count} quy tắc vì thiếu / not run without: {', '.join(report.skipped)}"),
        ]
    return Group(*parts)


def _verdict(report: Report) -> Text:
    counts = f"{report.count(Severity.ERROR)} lỗi, {report.count(Severity.WARNING)} cảnh báo"
    text = f"{report.record_count} hồ sơ của cơ sở {report.facility_code or '–'}: {counts}"
    if report.at_risk:
        text += f"; tiền có rủi ro {dong(report.at_risk)}"
    return Text(text, style="bold green" if report.is_clean else "bold red")


def _findings(report: Report) -> RenderableType:
    found = tables.plain("hồ sơ", "vị trí", "mức", "nội dung", "cách sửa")
    for finding in islice(report.findings, SHOWN_MAX):
        found.add_row(
            Text(finding.visit_link),
            Text(place_of(finding)),
            Text(finding.severity.value, style=_STYLES[finding.severity]),
            Text(f"{finding.message_vi}\n{finding.message_en}"),
            Text(f"{finding.repair_vi}\n{finding.repair_en}"),
        )
    more = len(report.findings) - SHOWN_MAX + report.hidden_count
    if more > 0 and len(report.findings) >= SHOWN_MAX:
        return Group(
            found, Text(f"… và {more} lỗi khác: dùng --json hoặc --html / more with --json or --html")
        )
    return found
