"""`lienthong unit recode`, `facility` and `recoding` against the real servicer: files, tables and exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from chassis.errors import AppError
from chassis.rpc.channel import Channel
from chassis.rpc.context import acting_as
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from cli.__main__ import parser
from cli.commands import unit
from cli.connection import Gateway
from tests.support.echo_network import Keys
from tests.support.identity import QUERIES_FILES, Identity
from tests.support.residents import GIA_SANG, NAM_MAU, settle, walk
from tests.support.stores import OpenStore

Run = Callable[..., Any]


class DirectGateway:
    """Stands in for the gateway: calls go to the service itself, as a steward's."""

    def __init__(self, channel: Channel, keys: Keys) -> None:
        self._channel = channel
        self._keys = keys
        self.call_count = 0

    @asynccontextmanager
    async def calling(
        self, make: Callable[[Channel], Any], *, within_ms: int | None = None
    ) -> AsyncIterator[Any]:
        self.call_count += 1
        with acting_as(self._keys.caller("STEWARD"), within_ms=within_ms or 5_000):
            yield make(self._channel)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def gateway(identity: Identity, tmp_path: Path) -> AsyncIterator[DirectGateway]:
    keys = Keys(tmp_path)
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    network.register("identity", identity.units.bindings(), verifier=keys.verifier(), telemetry=telemetry)
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    yield DirectGateway(channel, keys)
    await channel.close()


@pytest.fixture
def run(gateway: DirectGateway, capsys: pytest.CaptureFixture[str]) -> Run:
    async def run_one(*arguments: str) -> str:
        parsed: Namespace = parser().parse_args(arguments)
        # Any: a stand-in with the one method that these commands use.
        await parsed.run(parsed, cast(Gateway, cast(Any, gateway)))
        return capsys.readouterr().out

    return run_one


TABLE = """MAXA,TENXA,GHICHU
1909,Xã Nam Mẫu,a
01906,Xã Ba Bể,"b, c"
05461,Phường Gia Sàng,
99999,,
"""


async def test_a_table_is_recoded_with_every_row_and_column_kept(run: Run, tmp_path: Path) -> None:
    source, target, report = tmp_path / "in.csv", tmp_path / "out.csv", tmp_path / "report.json"
    source.write_text("\ufeff" + TABLE, encoding="utf-8")

    told = await run(
        "--json", "unit", "recode", str(source), str(target),
        "--column", "ward_code=MAXA", "--column", "ward_name=TENXA", "--report", str(report),
    )  # fmt: skip

    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))
    assert [row["MAXA"] for row in rows] == ["1909", "01906", "05461", "99999"]
    assert [row["GHICHU"] for row in rows] == ["a", "b, c", "", ""]
    assert [row["new_ward_code"] for row in rows] == ["01906", "01906", "", ""]
    assert rows[0]["new_ward_name"] == "Xã Ba Bể"
    assert "nhập vào Xã Ba Bể" in rows[0]["explanation_vi"]
    assert rows[2]["candidate_ward_codes"] == "05443 05467"
    assert [row["reason"] for row in rows] == ["", "", "SPLIT_COMMUNE", "WARD_CODE_UNKNOWN"]
    counts = {"KEPT": 1, "MERGED": 1, "SPLIT": 1, "SPLIT_COMMUNE": 1, "UNRESOLVED": 1, "WARD_CODE_UNKNOWN": 1}
    assert json.loads(told) == json.loads(report.read_text()) == counts
    assert "out.csv.part" not in os.listdir(tmp_path)


async def test_a_large_table_goes_in_pages(
    run: Run, gateway: DirectGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "PAGE_ROWS", 10)
    source = tmp_path / "in.csv"
    source.write_text("dc\n" + f'"{NAM_MAU}"\n' * 25, encoding="utf-8")

    told = await run("unit", "recode", str(source), str(tmp_path / "out.csv"), "--column", "address=dc")

    assert gateway.call_count == 3
    assert "MERGED" in told
    assert "25" in told


@pytest.mark.parametrize(
    ("content", "columns", "reason"),
    [
        (TABLE.encode(), "ward_code=MA", "COLUMN_MISSING"),
        ("MAXA\nXã Nam Mẫu\n".encode("utf-16"), "ward_code=MAXA", "TABLE_UNREADABLE"),
        (b"", "ward_code=MAXA", "COLUMN_MISSING"),
    ],
)
async def test_a_table_that_cannot_be_read_leaves_no_output(
    run: Run, tmp_path: Path, content: bytes, columns: str, reason: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(content)

    with pytest.raises(AppError) as caught:
        await run("unit", "recode", str(source), str(tmp_path / "out.csv"), "--column", columns)

    assert (caught.value.reason, bool(caught.value.vi)) == (reason, True)
    assert [name for name in os.listdir(tmp_path) if ".csv" in name] == ["in.csv"]


async def test_a_missing_table_is_said(run: Run, tmp_path: Path) -> None:
    with pytest.raises(AppError) as caught:
        await run(
            "unit", "recode", str(tmp_path / "no.csv"), str(tmp_path / "out.csv"), "--column", "address=dc"
        )

    assert caught.value.reason == "TABLE_UNREADABLE"


async def test_former_units_are_listed(run: Run) -> None:
    assert "Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn (01909)" in await run("unit", "former", "01906")


async def test_a_facility_is_declared_and_found_by_the_code_it_gave_up(run: Run) -> None:
    declared = json.loads(
        await run("--json", "facility", "declare", "Trạm y tế xã Nam Mẫu", "06A01", "--from", "2020-01-01")
    )
    await run("facility", "add-code", declared["name"], "19A77", "--from", "2026-01-01", "--source", "QĐ 1")
    await run("facility", "end-code", declared["name"], "06A01", "--last", "2025-12-31")
    await run("facility", "rename", declared["name"], "Trạm y tế xã Ba Bể", "--from", "2025-07-01")

    found = await run("facility", "find", "06A01", "--date", "2026-02-01")
    listed = await run("facility", "list")

    assert "Trạm y tế xã Ba Bể" in found
    assert "19A77" in found
    assert "không có hiệu lực" in found
    assert declared["name"] in listed


async def test_a_recoding_is_walked_through_by_commands(run: Run, identity: Identity) -> None:
    await settle(identity, [NAM_MAU, GIA_SANG])
    name = json.loads(await run("--json", "recoding", "start"))["name"]
    await walk(identity)
    counted = await run("recoding", "show", name)
    figures = await run("recoding", "figures", name)
    await run("recoding", "apply", name)
    await walk(identity)
    items = await run("--json", "recoding", "items", name)
    await run("recoding", "undo", name)
    await walk(identity)
    listed = await run("recoding", "show")

    assert "COUNTED" in counted
    assert "2 / 2" in counted
    assert "Phường Gia Sàng" in figures
    assert json.loads(items)["items"][0]["candidate_ward_codes"] == ["05443", "05467"]
    assert "UNDONE" in listed
