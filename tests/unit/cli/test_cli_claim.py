"""The commands about claims against the service, as a cashier types them."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.rpc.binding import collect
from chassis.rpc.channel import Channel
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.telemetry import Telemetry
from cli.__main__ import parser
from cli.connection import Gateway
from insurance_svc.servicer.claims import ClaimServicer
from insurance_svc.store.claims_store import CLAIM_QUERIES
from lienthong.insurance.v1.claims_pb2_grpc import add_ClaimServiceServicer_to_server
from standards.claims import read_claim_file
from tests.support.claims import CASHIER, Claims, refused, visit_record
from tests.support.echo_network import Keys
from tests.support.insurance import QUERIES_FILES
from tests.support.stores import OpenStore

Run = Callable[..., Awaitable[str]]
VISIT = "visits/v1"


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The commands know of no store.


@pytest.fixture
async def claims(open_store: OpenStore, tmp_path: Path) -> Claims:
    files = tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))
    return Claims(await open_store("insurance_svc", queries=files), tmp_path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def channel(claims: Claims, keys: Keys) -> AsyncIterator[Channel]:
    telemetry, network = Telemetry("insurance"), LocalNetwork()
    network.register(
        "insurance",
        [collect(add_ClaimServiceServicer_to_server, ClaimServicer(claims.verbs))],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    made = network.channel("insurance", telemetry=telemetry, sender="gateway")
    yield made
    await made.close()


@pytest.fixture
def run(
    channel: Channel, keys: Keys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("COLUMNS", "400")

    async def run_one(*words: str) -> str:
        arguments = parser().parse_args(words)
        await arguments.run(arguments, Gateway(channel, Minter(keys.gateway).mint(CASHIER), 5_000))
        return capsys.readouterr().out

    return run_one


async def told(run: Run, *words: str) -> Any:
    """The JSON of one command."""
    return json.loads(await run("--json", *words))


async def test_a_claim_is_built_checked_submitted_and_shown(run: Run, claims: Claims) -> None:
    await claims.cover()

    built = await run("claim", "build", VISIT)
    checked = await run("claim", "check", VISIT)
    await run("claim", "submit", VISIT)
    await claims.worker.step()
    shown = await run("claim", "show", VISIT)
    listed = await told(run, "claim", "list", "--state", "accepted", "--month", "2026-09")

    assert "READY" in built
    assert "clean" in checked
    assert "ACCEPTED" in shown
    assert "GD0001" in shown
    assert "services/insurance" in shown, "who brought the claim where it is"
    assert [each["visit"] for each in listed["claims"]] == [VISIT]


async def test_lacks_and_work_are_told_in_vietnamese(run: Run, claims: Claims) -> None:
    await claims.cover()
    claims.record.record = visit_record(close_time=None)

    built = await run("claim", "build", VISIT)
    listed = await run("claim", "work", "--cause", "not_ready")

    assert "Lượt khám chưa kết thúc" in built
    assert "VISIT_OPEN" in listed


async def test_a_refusal_is_listed_and_ended(run: Run, claims: Claims) -> None:
    await claims.ready()
    claims.scripted.answers = [refused("202", "Sai mã bệnh")]
    await claims.worker.step()
    (item,) = (await told(run, "claim", "work"))["work_items"]

    shown = await run("claim", "work")
    await run("claim", "work", "--resolve", item["name"], "--note", "đã sửa")

    assert "Sai mã bệnh" in shown
    assert await told(run, "claim", "work") == {}


async def test_the_file_is_saved_whole(run: Run, claims: Claims, tmp_path: Path) -> None:
    await claims.ready()
    target = tmp_path / "claim.xml"

    await run("claim", "file", VISIT, "--out", str(target))

    assert read_claim_file(target.read_bytes()).is_signed
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


async def test_the_saved_file_is_for_its_owner_alone(run: Run, claims: Claims, tmp_path: Path) -> None:
    await claims.ready()
    target = tmp_path / "claim.xml"
    target.write_text("an older one that everybody may read")
    target.chmod(0o644)

    await run("claim", "file", VISIT, "--out", str(target))

    assert target.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("claim", "file"), "missing/claim.xml"),
        (("claim", "file"), "."),
        (("coverage", "export"), "missing/paper.pdf"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(
    words: tuple[str, str], place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args((*words, VISIT, "--out", str(tmp_path / place)))

    assert ended.value.code == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_paper_may_go_into_a_folder_for_it_brings_its_own_name(tmp_path: Path) -> None:
    assert parser().parse_args(("coverage", "export", VISIT, "--out", str(tmp_path))).out == tmp_path


async def test_a_month_is_settled_and_compared(run: Run, claims: Claims, tmp_path: Path) -> None:
    await claims.ready()
    await claims.worker.step()
    results = tmp_path / "results.csv"
    results.write_text("maLK,soTienDuyet,lyDo\n260901-v1,70000,Sai giá\n", encoding="utf-8")

    shown = await run("claim", "settle", "2026-09", "--file", str(results))
    again = await told(run, "claim", "settle", "2026-09")

    assert "Sai giá" in shown
    assert "-5.620 ₫" in shown
    assert again["comparison"]["totals"]["refused_amount"] == "5620"
    assert again["imported"] is None


async def test_a_claim_is_replaced_and_reversed(run: Run, claims: Claims) -> None:
    await claims.ready()
    await claims.worker.step()

    replaced = await told(run, "claim", "replace", VISIT, "--reason", "sửa")
    reversed_ = await told(run, "claim", "reverse", VISIT, "--reason", "trùng", "--reference", "CV 1")

    assert [each["state"] for each in replaced["claim"]["versions"]] == [
        "CLAIM_STATE_ACCEPTED", "CLAIM_STATE_READY",
    ]  # fmt: skip
    assert reversed_["state"] == "CLAIM_STATE_REVERSED"
