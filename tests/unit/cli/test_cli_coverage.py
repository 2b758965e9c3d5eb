"""The commands about coverage against the service, as a clerk types them."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from cli.connection import Gateway
from tests.support.echo_network import Keys
from tests.support.fake_portal import NAME, copayments
from tests.support.insurance import CLERK, QUERIES_FILES, Insurance, insurance_channel
from tests.support.stores import OpenStore

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The commands know of no store.


@pytest.fixture
async def insurance(open_store: OpenStore, tmp_path: Path) -> Insurance:
    return Insurance(await open_store("insurance_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def channel(insurance: Insurance, keys: Keys) -> AsyncIterator[Channel]:
    async with insurance_channel(insurance, keys) as made:
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


def written(name: str) -> tuple[bytes, int]:
    """Content and mode of a file."""
    return Path(name).read_bytes(), stat.S_IMODE(Path(name).stat().st_mode)


async def test_a_clerk_sees_the_result_and_every_call_behind_it(insurance: Insurance, run: Run) -> None:
    await insurance.check()

    told, listed = await run("coverage", "show", "visits/v1"), await run("coverage", "evidence", "visits/v1")

    assert "VALID" in told
    assert "2027-01-15" in told, "the last day of grace"
    assert "citizen12/name-as-printed/date-full" in listed
    assert "ARRIVAL" in listed


async def test_a_recheck_at_the_end_tells_the_copayments_of_the_year(insurance: Insurance, run: Run) -> None:
    insurance.scripted.published = lambda _: copayments(1_500_000)
    await insurance.check()

    told = await run("coverage", "recheck", "visits/v1")

    assert "1.500.000" in told


async def test_a_recheck_that_is_not_heard_says_so_above_what_is_stored(
    insurance: Insurance, run: Run
) -> None:
    await insurance.check()
    insurance.scripted.down = "PORTAL_TIMEOUT"

    told = await run("coverage", "recheck", "visits/v1", "--moment", "during")

    assert "PORTAL_TIMEOUT" in told
    assert "VALID" in told


@pytest.mark.parametrize(("chosen", "begins"), [("pdf", b"%PDF-"), ("json", b"{")])
async def test_the_paper_is_written_for_its_owner_alone(
    insurance: Insurance, run: Run, tmp_path: Path, chosen: str, begins: bytes
) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()

    told = json.loads(
        await run("--json", "coverage", "export", "visits/v1", "--format", chosen, "--out", str(tmp_path))
    )

    content, mode = written(told["file"])
    assert content.startswith(begins)
    assert mode == 0o600
    assert NAME not in told["file"]
    assert "content" not in told


async def test_what_changed_after_an_outage_is_listed(insurance: Insurance, run: Run) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    insurance.scripted.down = ""
    assert "no corrections" in await run("coverage", "corrections")
    await insurance.worker.step()

    assert "chưa xác minh → thẻ hợp lệ" in await run("coverage", "corrections")
    assert "chưa xác minh → thẻ hợp lệ" in await run("coverage", "corrections", "--visit", "visits/v1")
