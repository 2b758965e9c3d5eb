"""Claims about faults, counted calls, settings and the process."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any

import aiohttp
import pytest

from sandbox.config import SETTINGS, SettingsError, read_settings
from sandbox.control import ControlRefusedError, SandboxControl
from sandbox.faults import MODES, SYSTEMS, Fault, FaultBoard, FaultError
from sandbox.server import Sandbox

CALLS = {
    "registry": ("POST", "/v1/verifications"),
    "portal": ("POST", "/api/token/take"),
    "bank": ("POST", "/api/qr/lookup"),
    "oidc": ("GET", "/jwks.json"),
}


async def call(sandbox: Sandbox, http: aiohttp.ClientSession, system: str) -> tuple[int, str, bytes]:
    """One ordinary call: status, content type, body."""
    method, path = CALLS[system]
    async with http.request(method, sandbox.listeners[system].url + path, data=b"{}") as response:
        return response.status, response.content_type, await response.read()


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_system_that_is_down_refuses_connections_until_it_is_lifted(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl, system: str
) -> None:
    before = await call(sandbox, http, system)
    await control.set_fault(system, "down")

    with pytest.raises(aiohttp.ClientConnectorError):
        await call(sandbox, http, system)
    assert (await control.health())["systems"][system]["listening"] is False

    await control.clear()
    assert (await call(sandbox, http, system))[:2] == before[:2]


async def test_going_down_cuts_the_connection_kept_open(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    port = sandbox.listeners["portal"].port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")

    await control.set_fault("portal", "down")

    async with asyncio.timeout(2):
        rest = await reader.read()
    assert rest in {b"", b"404: Not Found"}
    writer.close()


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_hung_system_takes_the_call_and_never_answers(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl, system: str
) -> None:
    await control.set_fault(system, "hung")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await call(sandbox, http, system)
    assert sum((await control.calls())[system].values()) == 1


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_reset_cuts_the_call(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl, system: str
) -> None:
    await control.set_fault(system, "reset")

    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await call(sandbox, http, system)


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_slow_system_answers_rightly_but_late(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl, system: str
) -> None:
    quick = await call(sandbox, http, system)
    await control.set_fault(system, "slow", delay_ms=120)

    start = time.monotonic()
    slow = await call(sandbox, http, system)

    assert time.monotonic() - start >= 0.12
    assert slow[:2] == quick[:2]


@pytest.mark.parametrize("system", SYSTEMS)
async def test_broken_answers_are_broken_in_the_named_way(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl, system: str
) -> None:
    whole = await call(sandbox, http, system)
    await control.set_fault(system, "error500", count=1)
    assert (await call(sandbox, http, system))[0] == 500
    await control.set_fault(system, "html", count=1)
    status, content_type, body = await call(sandbox, http, system)
    assert (status, content_type) == (200, "text/html")
    assert b"<html>" in body
    await control.set_fault(system, "truncated", count=1)
    cut = await call(sandbox, http, system)
    assert len(cut[2]) == len(whole[2]) // 2
    assert (await call(sandbox, http, system))[0] == whole[0]


async def test_a_counted_fault_strikes_so_often_and_no_more(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    await control.set_fault("oidc", "error500", count=2)

    statuses = [(await call(sandbox, http, "oidc"))[0] for _ in range(4)]

    assert statuses == [500, 500, 200, 200]
    assert await control.faults() == []


async def test_a_fault_with_a_path_leaves_other_paths_alone(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    await control.set_fault("oidc", "error500", path="/token")

    assert (await call(sandbox, http, "oidc"))[0] == 200


def test_a_fault_with_a_chance_strikes_about_so_often_and_repeats_with_the_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        board = FaultBoard(seed)
        board.set(Fault(system="portal", mode="slow", probability=0.3))
        return [board.strike("portal", "/", frozenset({"slow"})) is not None for _ in range(1_000)]

    assert 240 < sum(strikes(1)) < 360
    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)


async def test_mode_none_lifts_the_faults_of_one_system(control: SandboxControl) -> None:
    await control.set_fault("portal", "slow")
    await control.set_fault("bank", "slow")

    await control.set_fault("portal", "none")

    assert [fault["system"] for fault in await control.faults()] == ["bank"]


async def test_calls_are_counted_by_path_without_the_query(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    for _ in range(3):
        async with http.get(sandbox.listeners["oidc"].url + "/jwks.json?secret=1") as response:
            assert response.status == 200

    assert (await control.calls())["oidc"] == {"GET /jwks.json": 3}
    await control.reset_calls()
    assert (await control.calls())["oidc"] == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"system": "moon", "mode": "slow"},
        {"system": "portal", "mode": "lazy"},
        {"system": "registry", "mode": "duplicate"},
        {"system": "portal", "mode": "slow", "delay_ms": -1},
        {"system": "portal", "mode": "slow", "probability": 0},
        {"system": "portal", "mode": "slow", "count": 0},
        {"system": "portal", "mode": "code", "code": "a b"},
        {"system": "portal", "mode": "slow", "path": "api"},
    ],
)
def test_an_impossible_fault_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        Fault(**wrong)


async def test_the_control_port_refuses_unknown_names_and_kinds(control: SandboxControl) -> None:
    with pytest.raises(ControlRefusedError, match="wrong kind"):
        await control.set_fault("portal", "slow", delay_ms="soon")  # type: ignore[arg-type] # the claim is about this
    with pytest.raises(ControlRefusedError, match="no such class"):
        await control.people("dusty")
    with pytest.raises(ControlRefusedError, match="bank"):
        await control.set_fault("moon", "slow")


def test_every_mode_of_the_readme_table_exists() -> None:
    from pathlib import Path

    import sandbox

    readme = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_0-9]+)` \|", readme, re.MULTILINE))

    assert {mode for modes in MODES.values() for mode in modes} <= named


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        read_settings(
            {
                "SANDBOX_PORTAL_PORT": "x",
                "SANDBOX_SEED": "-1",
                "SANDBOX_ONLY": "moon",
                "SANDBOX_FAULTS": "portal=lazy",
                "SANDBOX_HOST": "0.0.0.0",  # noqa: S104 - it must be refused
            }
        )

    for name in ("SANDBOX_PORTAL_PORT", "SANDBOX_SEED", "SANDBOX_ONLY", "SANDBOX_FAULTS", "SANDBOX_HOST"):
        assert name in str(refusal.value)


def test_the_readme_lists_every_setting_with_its_default() -> None:
    from pathlib import Path

    import sandbox

    readme = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")

    for setting in SETTINGS:
        assert f"| `{setting.name}` | {f'`{setting.default}`' if setting.default else ''} |" in readme, (
            setting.name
        )


def _ready(process: subprocess.Popen[str], lines: int) -> dict[str, str]:
    assert process.stdout is not None
    return dict(process.stdout.readline().strip().split(" ")[:2] for _ in range(lines))


def test_the_process_serves_one_system_alone_and_stops_at_once_on_sigterm() -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "serve",
        "--only",
        "portal",
        "--control-port",
        "0",
        "--portal-port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        addresses = _ready(process, 2)
        with urllib.request.urlopen(f"{addresses['control']}/healthz", timeout=5) as response:  # noqa: S310
            assert response.status == 200
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)

    assert set(addresses) == {"control", "portal"}
    assert process.returncode == 0
    assert errors == ""
    assert time.monotonic() - start < 2


def test_a_taken_port_ends_the_process_with_a_plain_message() -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "serve",
        "--control-port",
        "0",
        "--only",
        "portal",
        "--portal-port",
    ]
    with subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True) as holder:
        port = _ready(holder, 2)["portal"].rsplit(":", 1)[1]
        second = subprocess.run([*command, port], capture_output=True, text=True, timeout=20, check=False)
        holder.terminate()

    assert second.returncode == 1
    assert "cannot listen" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_hung_call_does_not_hold_the_process_on_sigterm() -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--only", "portal", "--fault", "portal=hung"]
    ports = ["--control-port", "0", "--portal-port", "0"]
    with subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True) as process:
        port = int(_ready(process, 2)["portal"].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
            caller.sendall(b"POST /api/token/take HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            caller.settimeout(0.2)
            with pytest.raises(TimeoutError):
                caller.recv(1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=3) == 0
