"""The commands about consents, delegations and accounts against the services, as a clerk and a citizen type them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from cli.connection import Gateway
from cli.moments import day_end, moment
from tests.support.consent import MOTHER, SON, UNCLE, ConsentBench, citizen_caller, consent_channel
from tests.support.echo_network import Keys
from tests.support.identity import CLERK, QUERIES_FILES, Identity
from tests.support.stores import OpenStore

CITIZEN = citizen_caller()
Run = Callable[..., Awaitable[str]]


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The commands know of no store.


@pytest.fixture
async def bench(open_store: OpenStore, tmp_path: Path) -> ConsentBench:
    return ConsentBench(Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path), tmp_path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def channel(bench: ConsentBench, keys: Keys) -> AsyncIterator[Channel]:
    async with consent_channel(bench, keys) as made:
        yield made


@pytest.fixture
def run(
    channel: Channel, keys: Keys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("COLUMNS", "400")

    async def run_one(*words: str, caller: Caller = CLERK) -> str:
        arguments = parser().parse_args(words)
        gateway = Gateway(channel, Minter(keys.gateway).mint(caller), 5_000)
        await arguments.run(arguments, gateway)
        return capsys.readouterr().out

    return run_one


async def test_a_clerk_shows_the_text_records_the_yes_and_checks_it(bench: ConsentBench, run: Run) -> None:
    mother = f"citizens/{await bench.register(MOTHER)}"
    give = (
        "consent",
        "give",
        mother,
        "--purpose",
        "sharing",
        "--scope",
        "condition",
        "--channel",
        "desk-paper",
    )
    check = ("consent", "check", mother, "--purpose", "sharing", "--scope", "condition")
    before = await run(*check)

    shown = await run(*give, "--evidence", "P-1")
    text_hash = shown.partition("--text-hash ")[2].split()[0]
    still = await run(*check)
    given = json.loads(await run("--json", *give, "--evidence", "P-1", "--agreed", "--text-hash", text_hash))

    assert before.startswith("NOT_PERMITTED NO_CONSENT\nChưa có sự đồng ý nào")
    assert "Chưa ghi nhận gì" in shown
    assert still == before
    assert given["purpose"] == "CONSENT_PURPOSE_SHARING"
    assert (await run(*check)).startswith(f"PERMITTED {given['name']}")
    assert given["name"].rpartition("/")[2] in await run("consent", "list", mother)
    ended = await run("consent", "withdraw", given["name"], "--channel", "phone")
    assert "Đã rút lại lúc" in ended
    assert (await run(*check)).startswith("NOT_PERMITTED CONSENT_WITHDRAWN")


async def test_a_clerk_records_a_guardian_and_asks_who_may(bench: ConsentBench, run: Run) -> None:
    son, mother = f"citizens/{await bench.register(SON)}", f"citizens/{await bench.register(MOTHER)}"
    added = json.loads(
        await run(
            "--json", "delegate", "add", son, mother, "--kind", "guardian", "--relationship", "parent",
            "--evidence", "birth-certificate",
        )
    )  # fmt: skip

    allowed = await run("delegate", "check", son, "pay", "--actor", mother)
    await run("delegate", "revoke", added["name"])
    denied = await run("delegate", "check", son, "pay", "--actor", mother)

    assert allowed.startswith(f"ALLOWED GUARDIAN {added['name']}\nĐược phép: là người giám hộ.")
    assert denied.startswith("DENIED REVOKED")
    assert "Đã chấm dứt" in await run("delegate", "list", mother)


async def test_a_citizen_links_makes_a_code_and_sees_who_looked(bench: ConsentBench, run: Run) -> None:
    mother = f"citizens/{await bench.register(MOTHER)}"
    uncle = f"citizens/{await bench.register(UNCLE)}"
    told = (await run("account", "code", caller=CITIZEN)).partition(" (")[0]
    linked = json.loads(await run("--json", "account", "link", mother, told))
    issued = json.loads(
        await run("--json", "proxy", "issue", mother, "--may", "pay", "--may", "check-in", caller=CITIZEN)
    )

    taken = await run("proxy", "redeem", issued["code_text"], "--bearer", uncle)
    acting = await run("delegate", "check", mother, "pay", "--proxy-code", issued["proxy_code"]["name"])
    seen = await run("me", caller=CITIZEN)
    looked = await run("me", "accesses", caller=CITIZEN)

    assert issued["proxy_code"]["name"].rpartition("/")[2] in taken
    assert acting.startswith("ALLOWED PROXY_CODE")
    assert linked["name"].rpartition("/")[2] in seen
    assert "•••••••••017" in seen
    assert "đã nhận mã đi thay tại quầy." in looked
    await run("proxy", "revoke", issued["proxy_code"]["name"], caller=CITIZEN)
    assert (
        await run("delegate", "check", mother, "pay", "--proxy-code", issued["proxy_code"]["name"])
    ).startswith("DENIED REVOKED")
    await run("account", "unlink", linked["name"], caller=CITIZEN)


async def test_the_qr_of_a_code_is_drawn_for_people(bench: ConsentBench, run: Run) -> None:
    mother = f"citizens/{await bench.register(MOTHER)}"

    drawn = await run("proxy", "issue", mother, "--may", "pay")

    assert "█" in drawn or "▀" in drawn
    assert len(drawn.split()[-1]) == 195


def test_a_day_is_asked_about_as_it_ended_and_today_as_now() -> None:
    today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))

    assert moment("14/08/2025") == datetime(2025, 8, 14, 16, 59, 59, 999999, tzinfo=UTC)
    assert moment("2025-08-14T09:30") == datetime(2025, 8, 14, 2, 30, tzinfo=UTC)
    assert moment(f"{today:%d/%m/%Y}") is None
    assert day_end("2025-08-14") == moment("14/08/2025")
