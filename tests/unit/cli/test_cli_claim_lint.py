"""`lienthong claim lint`: its exit codes, its forms, and that it needs neither a suite nor a sign-in."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cli.__main__ import main
from standards.claims import schema_named, write_claim_file
from tests.support.claim_edits import claim_with, edited
from tests.support.claim_lines import STAFF
from tests.support.claim_maker import claim_file

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "claims"
SCHEMA = schema_named("3176")
CLEAN = write_claim_file(claim_file(claim_with("chronic")), schema=SCHEMA)
BROKEN = write_claim_file(claim_file(edited(claim_with("chronic"), {"XML2.T_BHTT": "7"})), schema=SCHEMA)
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><GIAMDINHHS>&c;</GIAMDINHHS>'


@pytest.fixture
def claim_lint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]  # a callable fixture
    """Run the command on bytes as one would in a shell that knows no gateway; gives the exit code."""
    for name in ("LIENTHONG_GATEWAY", "LIENTHONG_TOKEN", "LIENTHONG_ISSUER"):
        monkeypatch.delenv(name, raising=False)

    def run(data: bytes, *options: str, before: tuple[str, ...] = ()) -> int:
        path = tmp_path / "claim.xml"
        path.write_bytes(data)
        monkeypatch.setattr("sys.argv", ["lienthong", *before, "claim", "lint", str(path), *options])
        return main()

    return run


def test_a_clean_file_exits_with_0(claim_lint, capsys) -> None:  # type: ignore[no-untyped-def]
    assert claim_lint(CLEAN) == 0
    assert "0 lỗi, 1 cảnh báo" in capsys.readouterr().out


def test_a_file_with_errors_exits_with_1_and_says_where(claim_lint, capsys) -> None:  # type: ignore[no-untyped-def]
    assert claim_lint(BROKEN) == 1
    assert "FUND_SHARE_WRONG" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "CLAIM_XML_BROKEN"),
        (b"<html/>", "NOT_A_CLAIM_FILE"),
        (BOMB, "CLAIM_DOCTYPE_REFUSED"),
        (b"<GIAMDINHHS>" + b"<a>" * 200_000, "CLAIM_TOO_LARGE"),
        (CLEAN[:-900], "CLAIM_XML_BROKEN"),
    ],
)
def test_a_file_that_cannot_be_read_exits_with_2(claim_lint, capsys, data: bytes, reason: str) -> None:  # type: ignore[no-untyped-def]
    assert claim_lint(data) == 2
    assert capsys.readouterr().err.startswith(reason)

    assert claim_lint(data, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == reason


def test_a_file_that_is_not_there_exits_with_2(claim_lint, capsys, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert claim_lint(CLEAN, "--staff", str(tmp_path / "missing.csv")) == 2
    assert "FILE_NOT_READ" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"name\nx\n", b"\xff\xfe\x00"])
def test_a_list_without_its_column_exits_with_2(claim_lint, capsys, tmp_path: Path, content: bytes) -> None:  # type: ignore[no-untyped-def]
    staff = tmp_path / "staff.csv"
    staff.write_bytes(content)

    assert claim_lint(CLEAN, "--staff", str(staff)) == 2
    assert "CODE_LIST_BROKEN" in capsys.readouterr().err


@pytest.mark.parametrize("is_before", [True, False])
def test_json_may_be_asked_for_before_or_after(claim_lint, capsys, is_before: bool) -> None:  # type: ignore[no-untyped-def]
    code = claim_lint(BROKEN, before=("--json",)) if is_before else claim_lint(BROKEN, "--json")

    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert told["counts"]["ERROR"] == sum(each["severity"] == "ERROR" for each in told["findings"])


def test_streaming_prints_a_line_a_finding_and_the_totals_last(claim_lint, capsys) -> None:  # type: ignore[no-untyped-def]
    assert claim_lint(BROKEN, "--streaming") == 1

    *findings, totals = map(json.loads, capsys.readouterr().out.splitlines())
    assert "FUND_SHARE_WRONG" in {each["rule_id"] for each in findings}
    assert totals["hidden_count"] == len(findings)
    assert "findings" not in totals


def test_the_page_is_written(claim_lint, capsys, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "report.html"

    assert claim_lint(BROKEN, "--html", str(page)) == 1
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out == ""


def test_the_lists_of_the_operator_are_used(claim_lint, capsys, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lists = {
        "staff": "code\n" + "\n".join(STAFF[:1]),
        "facilities": "code\n99002\n",
        "drugs": "code,name,max_price\n40.1,x,1\n",
        "services": "code\n",
        "supplies": "code\n",
        "base-salaries": "valid_from,vnd_per_month\n2024-07-01,2340000000\n",
    }
    options = [
        "--icd10",
        str(GOLDEN / "icd10_codes_fixture.csv"),
        "--icd10-rules",
        str(GOLDEN / "icd10_rules_fixture.csv"),
    ]
    for name, text in lists.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8-sig")
        options += [f"--{name}", str(path)]

    assert claim_lint(CLEAN, *options, "--json") == 1

    told = json.loads(capsys.readouterr().out)
    assert {each["rule_id"] for each in told["rules"]} >= {
        "STAFF_UNKNOWN",
        "FACILITY_UNKNOWN",
        "ITEM_UNKNOWN",
    }
    assert [each["needs"] for each in told["skipped"]] == ["coverage"]


def test_the_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    class Standard:
        buffer = io.BytesIO(BROKEN)

    monkeypatch.setattr("sys.stdin", Standard())
    monkeypatch.setattr("sys.argv", ["lienthong", "claim", "lint", "-", "--json"])

    assert main() == 1
    assert json.loads(capsys.readouterr().out)["is_clean"] is False
