"""`lienthong identity …` against the service, as a steward types it: report, import, rejects, a line that breaks."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.db.errors import StoreUnavailable
from chassis.errors import AppError
from chassis.rpc.channel import Channel
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from cli.commands import identity_import
from cli.connection import Gateway
from tests.support.echo_network import Keys
from tests.support.register_files import HEADER, REJECTED, rows, write_csv
from tests.support.register_imports import (
    IMPORT_TEST_QUERIES,
    STEWARD,
    RegisterImports,
    contents,
    import_channel,
)
from tests.support.stores import OpenStore

Run = Callable[..., Awaitable[str]]
MADE = list(rows(150, seed=9, dirt=4.0))
REFUSED = [row for row in MADE if row.kind in REJECTED]


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The commands know of no store.


@pytest.fixture
async def imports(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[RegisterImports]:
    made = RegisterImports(
        await open_store("identity_svc", queries=IMPORT_TEST_QUERIES), tmp_path, batch_rows=20
    )
    yield made
    await made.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "danh-sach.csv"
    write_csv(path, iter(MADE))
    return path


class Lost:
    """AppendImport on a line that breaks after each of its first answers was on its way."""

    def __init__(self, append: Any, times: int) -> None:
        self._append = append
        self.times = times

    async def __call__(self, *arguments: Any, **more: Any) -> Any:
        found = await self._append(*arguments, **more)
        if self.times:
            self.times -= 1
            raise StoreUnavailable("unknown")
        return found


@pytest.fixture
async def channel(imports: RegisterImports, keys: Keys) -> AsyncIterator[Channel]:
    async with import_channel(imports, keys) as made:
        yield made


@pytest.fixture
def run(
    channel: Channel, keys: Keys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(identity_import, "WAIT_FIRST_S", 0.001)
    monkeypatch.setattr(identity_import, "PIECE_BYTES", 4_000)

    async def run_one(*words: str) -> str:
        arguments = parser().parse_args(words)
        await arguments.run(arguments, Gateway(channel, Minter(keys.gateway).mint(STEWARD), 5_000))
        return capsys.readouterr().out

    return run_one


async def test_a_dry_run_shows_columns_and_problems_and_writes_nothing(
    run: Run, imports: RegisterImports, file: Path
) -> None:
    shown = await run("identity", "import", str(file), "--dry-run")

    assert "Số CCCD" in shown
    assert "citizen_number" in shown
    assert f"{len(REFUSED)} sẽ bị loại" in shown
    assert "NOT_TWELVE_DIGITS" in shown
    assert await contents(imports) == []
    assert "registerImports/" not in await run("identity", "imports")


async def test_an_import_tells_what_it_did_and_keeps_the_rejects_to_their_owner(
    run: Run, file: Path, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"

    shown = await run("identity", "import", str(file), "--rejects", str(rejects), "--source", "Xã Ba Bể")

    assert "DONE" in shown
    assert f"Thêm mới (created) {150 - len(REFUSED)}" in " ".join(shown.split())
    with rejects.open(encoding="utf-8-sig", newline="") as opened:
        head, *kept = csv.reader(opened)
    assert tuple(head[4:]) == HEADER
    assert [tuple(row[4:]) for row in kept] == [row.cells for row in REFUSED]
    assert [row[2] for row in kept] == [REJECTED[row.kind] for row in REFUSED]
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    listed = await run("identity", "imports")
    assert "Xã Ba Bể" in listed
    assert "100%" in listed


async def test_the_same_command_again_is_the_same_import(run: Run, file: Path) -> None:
    first = json.loads(await run("--json", "identity", "import", str(file)))
    again = json.loads(await run("--json", "identity", "import", str(file)))

    assert again == first
    assert first["state"] == "IMPORT_STATE_DONE"
    assert first["row_count"] == "150"


async def test_a_line_that_breaks_is_waited_for_and_each_row_is_stored_once(
    imports: RegisterImports, keys: Keys, file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost(imports.append, times=5)
    imports.append = lost  # type: ignore[assignment]  # it is called alike
    async with import_channel(imports, keys) as channel:
        arguments = parser().parse_args(["--json", "identity", "import", str(file)])
        await arguments.run(arguments, Gateway(channel, Minter(keys.gateway).mint(STEWARD), 5_000))

    assert lost.times == 0
    assert len(await contents(imports)) == 150 - len(REFUSED)


async def test_a_column_is_mapped_by_hand(run: Run, imports: RegisterImports, tmp_path: Path) -> None:
    path = tmp_path / "la.csv"
    path.write_text(
        "Mã;Ai;Khi nào;Phái;Địa chỉ;Ghi chú\n099190000017;Nguyễn Thị Hòa;1990;Nữ;x;y\n", encoding="utf-8"
    )
    told = ("--map", "Mã=citizen_number", "--map", "Ai=full_name", "--map", "Khi nào=birth_date")

    with pytest.raises(AppError) as refusal:
        await run("identity", "import", str(path))
    await run("identity", "import", str(path), *told, "--map", "Địa chỉ=none")

    assert refusal.value.reason == "REQUIRED_COLUMN_MISSING"
    ((_, name, birth_date, _, address, _),) = await contents(imports)
    assert (name, birth_date, address) == ("Nguyễn Thị Hòa", "1990", "")


async def test_a_column_that_is_not_there_is_told_with_those_that_are(run: Run, file: Path) -> None:
    with pytest.raises(AppError) as refusal:
        await run("identity", "import", str(file), "--map", "Không có=gender")

    assert refusal.value.reason == "COLUMN_UNKNOWN"
    assert "Số CCCD" in refusal.value.message


async def test_an_import_is_cancelled(run: Run, imports: RegisterImports, file: Path) -> None:
    done = json.loads(await run("--json", "identity", "import", str(file)))

    with pytest.raises(AppError) as refusal:
        await run("identity", "cancel", done["name"])

    assert refusal.value.reason == "IMPORT_ENDED"


@pytest.mark.parametrize("text", ["x", "Tên=unknown_field"])
def test_a_malformed_mapping_is_refused_before_anything_is_sent(text: str, file: Path) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["identity", "import", str(file), "--map", text])
