"""Kill -9 of identity in the middle of an import, several times: the end is that of an import nobody disturbed.

The file is sent by the command line's own sender to the real process over gRPC. Nothing is lost, nothing is doubled,
no worker process is left behind, and the counts add up.
"""

from __future__ import annotations

import asyncio
import json
import random
from argparse import Namespace
from pathlib import Path

import psutil
import pytest

from chassis.db import migrations, open_database
from chassis.errors import AppError, Kind
from chassis.rpc.dial import dial
from chassis.rpc.tokens import Minter, load_signing_key
from chassis.telemetry import Telemetry
from cli.__main__ import parser
from cli.commands import identity_import
from cli.connection import Gateway
from station import layout
from station.processes import Processes
from tests.support.register_files import REJECTED, rows, write_csv
from tests.support.register_imports import (
    IMPORT_TEST_QUERIES,
    STEWARD,
    RegisterImports,
    contents,
)

PEOPLE = 10_000
KILLS = 4
PIECE_BYTES = 60_000
"""Small, so that kills fall between and into pieces alike."""


async def import_with(place: layout.Layout, words: list[str]) -> None:
    """Run `lienthong identity …` against the process."""
    channel = dial(
        "identity", place.address("identity"), telemetry=Telemetry("cli", None, None), sender="cli"
    )
    minter = Minter(load_signing_key(place.state_dir / "keys" / "tokens-gateway.json"))
    try:
        arguments: Namespace = parser().parse_args(words)
        await arguments.run(arguments, Gateway(channel, minter.mint(STEWARD), 20_000))
    finally:
        await channel.close()


async def import_at_last(place: layout.Layout, words: list[str]) -> None:
    """Type the command again, as a person does, where identity was gone before the import was open."""
    while True:
        try:
            return await import_with(place, words)
        except AppError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
        await asyncio.sleep(0.2)


async def kill_often(processes: Processes, dice: random.Random, killed: list[int]) -> set[int]:
    """Kill identity at random instants and start it again; the ids of the workers it had."""
    workers: set[int] = set()
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.3, 1.2))
        workers |= {each.pid for each in psutil.Process(processes.pid("identity")).children(recursive=True)}
        killed.append(processes.pid("identity"))
        processes.kill("identity")
        await asyncio.to_thread(processes.restart, "identity")
    return workers


async def outcome(url: str, folder: Path, key_file: Path) -> tuple[object, ...]:
    """What an import left in a store: everybody, every reject, and the counts."""
    database = await open_database(url, queries=IMPORT_TEST_QUERIES, package="identity_svc")
    imports = RegisterImports(database, folder, key_file=key_file)
    (run,) = await imports.imports.page(page_size=5)
    found = (
        await contents(imports),
        await imports.rejects(run),
        run.counts,
        run.warnings,
        run.next_offset,
        run.state,
    )
    await database.close()
    return found


async def undisturbed(file: Path, folder: Path) -> tuple[object, ...]:
    """The outcome of the same file without a kill."""
    url = f"sqlite:///{folder}/undisturbed.db"
    await migrations.upgrade(url, package="identity_svc")
    database = await open_database(url, queries=IMPORT_TEST_QUERIES, package="identity_svc")
    imports = RegisterImports(database, folder)
    content = await asyncio.to_thread(file.read_bytes)
    await imports.take(content)
    await imports.close()
    await database.close()
    return await outcome(url, folder, folder / "field-keys.json")


async def test_an_import_ends_alike_however_often_its_service_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(1_000_000)
    file = tmp_path / "register.csv"
    made = list(rows(PEOPLE, seed=seed))
    write_csv(file, iter(made))
    monkeypatch.setattr(identity_import, "PIECE_BYTES", PIECE_BYTES)
    monkeypatch.setattr(identity_import, "WAIT_FIRST_S", 0.05)
    place = layout.plan(tmp_path / "suite", any_ports=True)
    processes = Processes(place.log_dir)
    programs = {each.name: each for each in layout.service_programs(place)}
    await migrations.upgrade(place.databases["identity"], package="identity_svc")
    try:
        await asyncio.to_thread(processes.start, [programs["identity"]])
        killed: list[int] = []
        killing = asyncio.create_task(kill_often(processes, random.Random(seed), killed))
        words = ["--json", "identity", "import", str(file), "--as-of", "2026-01-01"]
        await import_at_last(place, words)
        assert len(killed) >= 2, f"the import was over before it was killed twice, seed {seed}"
        workers = await killing
        await import_with(place, words)
    finally:
        await asyncio.to_thread(processes.stop)

    told = json.JSONDecoder()
    text = capsys.readouterr().out.strip()
    first, end = told.raw_decode(text)
    again, _ = told.raw_decode(text[end:].strip())
    assert again == first, seed
    assert first["counts"]["rejected_count"] == str(sum(row.kind in REJECTED for row in made)), seed
    key_file = place.state_dir / "keys" / "identity-fields.json"
    disturbed = await outcome(place.databases["identity"], tmp_path, key_file)
    assert disturbed == await undisturbed(file, tmp_path), seed
    await asyncio.sleep(1.5)  # A worker looks for its parent every second.
    assert not [pid for pid in workers if psutil.pid_exists(pid)], seed
