"""`lienthong card` against the service itself: what a clerk and a steward see."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chassis.crypto import KeyRing
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from tests.support.cards import Cards, card_stub, chip_request
from tests.support.chip_maker import dg1, td1
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, QUERIES_FILES, Identity
from tests.support.stores import OpenStore


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The command is the same on both.


class LocalGateway:
    """Stands for cli.connection.Gateway: hands out the service's stub as a steward of the facility."""

    def __init__(self, cards: Cards, keys: Keys) -> None:
        self._cards = cards
        self._keys = keys

    @asynccontextmanager
    async def calling(self, make: Callable[..., Any]) -> AsyncIterator[Any]:
        del make
        caller = Caller(
            subject="persons/1", roles=frozenset({"STEWARD"}), facility=FACILITY, purpose="treatment"
        )
        token = Minter(self._keys.gateway).mint(caller)
        signed = Caller(
            subject=caller.subject, roles=caller.roles, facility=FACILITY, purpose="treatment", token=token
        )
        async with card_stub(self._cards, self._keys) as stub:
            with acting_as(signed, within_ms=5_000):
                yield stub


@pytest.fixture
async def gateway(open_store: OpenStore, tmp_path: Path) -> LocalGateway:
    identity = Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)
    return LocalGateway(Cards(identity, KeyRing.from_file(tmp_path / "field-keys.json")), Keys(tmp_path))


async def run(gateway: LocalGateway, *words: str) -> None:
    arguments = parser().parse_args(words)
    await arguments.run(arguments, gateway)


async def test_a_chip_is_judged_from_files_and_listed(
    gateway: LocalGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = chip_request()
    names = {"sod": request.sod, "dg1": request.dg1, "dg2": request.dg2, "dg13": request.dg13}
    options = []
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)
        options += [f"--{name}", str(tmp_path / name)]
    await run(gateway, "--json", "card", "chip", "--consent", *options)
    read = json.loads(capsys.readouterr().out)
    await run(gateway, "card", "chip", "--consent", *options)
    told = capsys.readouterr().out
    await run(gateway, "card", "readings", read["citizen"]["name"])
    listed = capsys.readouterr().out

    assert read["reading"]["outcome"] == "CHIP_OUTCOME_VALID"
    assert "Chip thật" in told
    assert "full_name" in told
    assert listed.count("VALID") == 2


async def test_a_false_chip_is_told_in_words(
    gateway: LocalGateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sod").write_bytes(chip_request().sod)
    (tmp_path / "dg1").write_bytes(dg1(td1(number="099190000018")))
    await run(
        gateway, "card", "chip", "--consent", "--sod", str(tmp_path / "sod"), "--dg1", str(tmp_path / "dg1")
    )

    told = capsys.readouterr().out
    assert "INVALID GROUP_DIGEST_WRONG" in told
    assert "làm giả" in told


async def test_trust_and_insurance_cards_are_shown(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(gateway, "card", "trust")
    trusted = capsys.readouterr().out
    text = "GD4069912345678|" + b"An".hex() + "|1990|1|-|06 - 011|01/01/2025|31/12/2025|-|$"
    await run(gateway, "card", "insurance", text)
    card = capsys.readouterr().out

    assert "VN" in trusted
    assert "no list" in trusted
    assert "GD4069912345678 An 1990" in card
    assert "no citizen is known" in card


def test_a_file_that_is_not_there_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["card", "chip", "--sod", "nowhere", "--dg1", "nowhere"])

    assert ended.value.code == 2
    assert "cannot be read" in capsys.readouterr().err
