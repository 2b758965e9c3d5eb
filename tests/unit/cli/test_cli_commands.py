"""The command against a running suite: tables for people, JSON for programs, exit codes, and both languages."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.db import migrations
from cli.__main__ import main
from sandbox.control import SandboxControl
from station import layout
from station.demo.desk import ACCOUNT
from station.processes import Processes
from tests.support.suites import FAST

LINES = ("--line", "KB-NOI;Khám nội;1;50600;50600", "--line", "XN-CTM;Công thức máu;1;480000;430000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Run = Callable[..., Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A running suite in two processes: the sandbox, and the five services in one."""

    place: layout.Layout

    def ask(self, method: str, *arguments: Any, **more: Any) -> Any:
        """Ask the sandbox's control."""

        async def asked() -> Any:
            async with SandboxControl(self.place.url("sandbox_control")) as control:
                return await getattr(control, method)(*arguments, **more)

        return asyncio.run(asked())


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    place = layout.plan(tmp_path_factory.mktemp("suite"), any_ports=True)
    for name in layout.SERVICES:
        asyncio.run(migrations.upgrade(place.databases[name], package=f"{name}_svc"))
    processes = Processes(place.log_dir)
    programs = [layout.sandbox_program(place), layout.onebox_program(place)]
    try:
        processes.start([layout.with_settings(program, FAST) for program in programs])
        yield Suite(place=place)
    finally:
        processes.stop()


@pytest.fixture
def run(suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process as a client of the sandbox's issuer."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LIENTHONG_GATEWAY", suite.place.address("gateway"))
    monkeypatch.setenv("LIENTHONG_ISSUER", suite.place.url("sandbox_oidc"))
    monkeypatch.delenv("LIENTHONG_TOKEN", raising=False)

    def started(*arguments: str, who: str = "clerk", stdin: str = "") -> Told:
        monkeypatch.setenv("LIENTHONG_CLIENT_ID", who)
        monkeypatch.setenv("LIENTHONG_CLIENT_SECRET", f"sandbox-{who}-secret" if who else "")
        monkeypatch.setattr(sys, "argv", ["lienthong", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        told = capsys.readouterr()
        return Told(code=code, out=told.out, err=told.err)

    return started


def card(suite: Suite, *classes: str, offset: int = 0) -> str:
    (person,) = suite.ask("people", *(classes or ("clean",)), count=1, offset=offset)
    return str(person["qr_text"])


def admitted(suite: Suite, run: Run, *more: str, offset: int = 0) -> Any:
    told = run("--json", "check-in", "--qr", card(suite, offset=offset), *more)
    assert told.code == 0, told.err
    return told.json


def test_check_in_reads_the_scanner_from_standard_input(suite: Suite) -> None:
    environment = {
        **os.environ,
        "LIENTHONG_GATEWAY": suite.place.address("gateway"),
        "LIENTHONG_ISSUER": suite.place.url("sandbox_oidc"),
        "LIENTHONG_CLIENT_ID": "clerk",
        "LIENTHONG_CLIENT_SECRET": "sandbox-clerk-secret",
        "COLUMNS": "200",
        "PYTHONUTF8": "1",
    }
    text = card(suite)

    ended = subprocess.run(
        [sys.executable, "-m", "cli", "check-in", "--reason", "ho"],
        input=f"{text}\r\n",
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "VERIFIED" in ended.stdout
    assert "Số thứ tự (ticket)" in ended.stdout
    assert ended.stderr == ""
    assert text.partition("|")[0] not in ended.stdout


def test_a_visit_from_the_card_to_the_reconciled_bank(suite: Suite, run: Run, tmp_path: Path) -> None:
    view = admitted(suite, run, "--room", "CLI-1", "--reason", "ho", "--priority", "priority")
    visit = view["name"]

    shown = run("visit", "show", visit)
    listed = run("visit", "list")
    called = run("visit", "call", "CLI-1")
    recorded = run("--json", "visit", "record", visit, "--note", "sốt nhẹ", "--diagnosis", "J06.9=viêm họng")
    ended = run("visit", "discharge", visit, *LINES, who="cashier")
    asked = run("--json", "pay", visit, who="cashier")
    drawn = run("pay", visit, "--qr", who="cashier")
    intent = asked.json["intents"][-1]
    suite.ask("pay", ACCOUNT, int(intent["amount_vnd"]), intent["reference_code"], wait_s=10)
    suite.ask("pay", ACCOUNT, 77_000, "ung ho", wait_s=10)
    paid = run("--json", "visit", "show", visit)
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
    file = tmp_path / "statement.xml"
    file.write_bytes(suite.ask("statement", ACCOUNT, today, "camt053"))
    reconciled = run("reconcile", str(file), "--format", "camt053", "--account", ACCOUNT, who="cashier")
    again = run("--json", "reconcile", str(file), "--format", "camt053", "--account", ACCOUNT, who="cashier")
    balances = run("balances", who="cashier")
    balances_json = run("--json", "balances", who="cashier")

    for told in (shown, listed, called, recorded, ended, asked, drawn, paid, reconciled, again, balances):
        assert told.code == 0, told.err
        assert told.err == ""
    assert visit in shown.out
    assert "VERIFIED" in shown.out
    assert visit in listed.out
    assert "phòng CLI-1: mời số 1" in called.out
    assert [entry["text"] for entry in recorded.json["entries"]] == ["sốt nhẹ", "viêm họng"]
    assert "50.600 ₫" in ended.out
    assert "Chia chi phí lần 1" in ended.out
    assert intent["reference_code"] in ended.out
    assert "█" in drawn.out
    assert paid.json["bill"]["state"] == "BILL_STATE_PAID"
    assert "khớp" in reconciled.out
    assert "UNIDENTIFIED_RECEIPT" in reconciled.out
    # A second file of the same lines: everything is there already.
    assert again.json["statement"]["duplicate_count"] == again.json["statement"]["line_count"]
    assert "Cộng" in balances.out
    rows = [int(balance.get("balance_vnd", "0")) for balance in balances_json.json["balances"]]
    assert rows
    assert sum(rows) == 0


def test_a_break_is_listed_and_resolved(suite: Suite, run: Run) -> None:
    suite.ask("pay", ACCOUNT, 12_345, "khong ro", wait_s=10)
    (row,) = [
        row
        for row in run("--json", "breaks", who="cashier").json["breaks"]
        if int(row["amount_vnd"]) == 12_345
    ]

    resolved = run(
        "breaks", "--resolve", row["name"], "--as", "refund", "--note", "chuyển nhầm", who="cashier"
    )
    again = run("breaks", "--resolve", row["name"], "--as", "refund", who="cashier")
    left = run("--json", "breaks", who="cashier").json.get("breaks", [])
    every = run("--json", "breaks", "--all", who="cashier").json["breaks"]

    assert resolved.code == 0
    assert "RESOLVED" in resolved.out
    assert again.code == 1
    assert "BREAK_ALREADY_RESOLVED" in again.err
    assert row["name"] not in {other["name"] for other in left}
    assert row["name"] in {other["name"] for other in every}


def test_a_trace_is_drawn_as_a_waterfall(suite: Suite, run: Run) -> None:
    view = admitted(suite, run, offset=1)
    for _ in range(50):
        told = run("--json", "trace", view["trace_code"], who="operator")
        if told.code == 0 and len({span["service"] for span in told.json["spans"]}) == 5:
            break

    drawn = run("trace", view["trace_code"], who="operator")

    assert {span["service"] for span in told.json["spans"]} == {
        "gateway", "identity", "emr", "insurance", "payment",
    }  # fmt: skip
    assert drawn.code == 0
    assert "Hành trình" in drawn.out
    assert "█" in drawn.out
    assert "VerifyCard" in drawn.out


def test_a_commune_is_resolved_in_both_forms(run: Run) -> None:
    by_code = run("unit", "resolve", "--code", "01909", "--vintage", "before-2025-07")
    by_text = run("--json", "unit", "resolve", "Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn")
    nowhere = run("unit", "resolve", "Paris")

    assert (by_code.code, by_text.code, nowhere.code) == (0, 0, 0)
    assert "Tỉnh Bắc Kạn" in by_code.out
    assert "Tỉnh Thái Nguyên" in by_code.out
    assert by_text.json["candidates"][0]["new_unit"]["ward_name"] == "Xã Ba Bể"
    assert "PROVINCE_NOT_RECOGNISED" in nowhere.out


@pytest.mark.parametrize(
    ("arguments", "who", "reason", "field"),
    [
        (("check-in", "--qr", "https://example.vn"), "clerk", "NOT_A_CARD_QR", "card_qr"),
        (("check-in", "--qr", "099190000017|"), "clerk", "CARD_QR_TRUNCATED", "card_qr"),
        (("visit", "show", "visits/7"), "clerk", "VISIT_NAME_MALFORMED", "name"),
        (("visit", "show", "visits/" + "0" * 32), "clerk", "VISIT_NOT_FOUND", ""),
        (("visit", "list"), "operator", "ROLE_NOT_ALLOWED", ""),
        (("visit", "list"), "", "TOKEN_MISSING", ""),
        (("trace", "0000-0000-00A"), "operator", "TRACE_CODE_MISTYPED", "trace_code"),
        (("pay", "visits/" + "0" * 32), "cashier", "BILL_NOT_FOUND", "visit"),
    ],
)
def test_a_refusal_is_told_in_both_languages_and_ends_with_one(
    run: Run, arguments: tuple[str, ...], who: str, reason: str, field: str
) -> None:
    told = run(*arguments, who=who)
    as_json = run("--json", *arguments, who=who)

    vietnamese, english, *rest = told.err.splitlines()
    assert told.code == as_json.code == 1
    assert told.out == ""
    assert vietnamese.startswith(f"{reason}: ")
    assert not vietnamese.isascii()
    assert english.isascii()
    assert rest == ([f"field: {field}"] if field else [])
    error = as_json.json["error"]
    assert (error["reason"], error["field"] or "") == (reason, field)
    assert error["message"] == english
    assert error["message_vi"] == vietnamese.partition(": ")[2]


def test_json_may_stand_where_people_write_it(run: Run) -> None:
    told = run("unit", "resolve", "Xã Đại Phúc, Thái Nguyên", "--json")

    assert (told.code, told.json["candidates"][0]["new_unit"]["ward_code"]) == (0, "05488")


def test_a_wrong_password_says_where_to_look(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run("visit", "list", who="nobody")

    assert told.code == 1
    assert "SIGN_IN_REFUSED" in told.err
    assert "LIENTHONG_CLIENT_SECRET" in told.err


def test_an_outcome_that_is_not_known_names_the_request_to_repeat(
    suite: Suite, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    qr = card(suite, offset=2)
    token = suite.ask("token", "clerk")
    monkeypatch.setenv("LIENTHONG_TOKEN", token)
    lost = run("--gateway", "127.0.0.1:9", "--deadline-ms", "1500", "check-in", "--qr", qr)
    *_, last = lost.err.splitlines()
    request_id = last.removeprefix("repeat safely with --request-id ")

    first = run("--json", "check-in", "--qr", qr, "--request-id", request_id)
    again = run("--json", "check-in", "--qr", qr, "--request-id", request_id)
    as_json = run("--json", "--gateway", "127.0.0.1:9", "--deadline-ms", "1500", "check-in", "--qr", qr)

    assert lost.code == as_json.code == 3
    assert str(uuid.UUID(request_id)) == request_id
    assert first.code == again.code == 0
    assert first.json["visit"] == again.json["visit"]
    assert uuid.UUID(as_json.json["error"]["request_id"])


def test_too_short_a_deadline_is_an_unknown_outcome(suite: Suite, run: Run) -> None:
    told = run("--deadline-ms", "50", "visit", "list")

    assert told.code == 3
    assert "DEADLINE_TOO_SHORT" in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("visit",),
        ("check-in", "--kind", "spa"),
        ("visit", "discharge", "visits/7"),
        ("visit", "discharge", "visits/7", "--line", "x"),
        ("visit", "discharge", "visits/7", "--line", "A;x;1;one;2"),
        ("reconcile", "README.md", "--format", "pdf", "--account", "1"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_end_with_two(run: Run, arguments: tuple[str, ...]) -> None:
    told = run(*arguments)

    assert told.code == 2
    assert "usage: lienthong" in told.err


def test_a_statement_file_that_is_not_there_is_told_without_a_traceback(run: Run, tmp_path: Path) -> None:
    told = run(
        "reconcile", str(tmp_path / "none.xml"), "--format", "csv", "--account", ACCOUNT, who="cashier"
    )

    assert told.code == 2
    assert "Traceback" not in told.err
    assert "none.xml" in told.err


@pytest.mark.parametrize("text", ["", "<html>", "\x00" * 10])
def test_a_file_of_another_form_is_refused(run: Run, tmp_path: Path, text: str) -> None:
    file = tmp_path / "statement"
    file.write_text(text)

    told = run("reconcile", str(file), "--format", "mt940", "--account", ACCOUNT, who="cashier")

    assert told.code == 1
    assert "STATEMENT_UNREADABLE" in told.err


def test_pages_of_visits_name_the_next(suite: Suite, run: Run) -> None:
    for offset in (3, 4):
        admitted(suite, run, offset=offset)

    first = run("visit", "list", "--page-size", "1")
    token = first.out.rpartition("--page-token ")[2].strip()
    second = run("visit", "list", "--page-size", "1", "--page-token", token)

    assert token
    assert second.code == 0
    assert second.out != first.out
