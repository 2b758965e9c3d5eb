"""A running sandbox on free ports, its control client and a plain HTTP session."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from sandbox.config import read_settings
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
"""12:00 in Vietnam."""


class StandingClock:
    """Time stands still unless the test moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def environment() -> dict[str, str]:
    ports = ("CONTROL", "REGISTRY", "PORTAL", "BANK", "OIDC")
    return {f"SANDBOX_{name}_PORT": "0" for name in ports} | {
        "SANDBOX_PEOPLE_COUNT": "300",
        "SANDBOX_BANK_RETRY_BASE_MS": "5",
    }


@pytest.fixture
async def sandbox(environment: dict[str, str], clock: StandingClock) -> AsyncIterator[Sandbox]:
    running = Sandbox(read_settings(environment), clock=clock)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[SandboxControl]:
    async with SandboxControl(sandbox.control.url) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


class Hospital:
    """A callback address that keeps every query and answers what the test says."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.raw_queries: list[str] = []
        self.answers: list[tuple[int, str]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append(dict(request.query))
        self.raw_queries.append(request.raw_path)
        status, text = self.answers.pop(0) if self.answers else (200, '{"code": "00"}')
        return web.Response(status=status, text=text)


@pytest.fixture
async def hospital() -> AsyncIterator[Hospital]:
    hospital = Hospital()
    app = web.Application()
    app.router.add_get("/callback", hospital.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hospital.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    yield hospital
    await runner.cleanup()


@pytest.fixture
def open_envelope() -> Callable[[dict[str, str]], dict[str, object]]:
    """Check the signature with nothing but the standard library and unpack the payload."""

    def unpack(query: dict[str, str]) -> dict[str, object]:
        expected = hmac.new(b"sandbox-bank-secret", query["data"].encode(), hashlib.sha256).hexdigest()
        assert query["sign"] == expected
        return dict(json.loads(base64.b64decode(query["data"], validate=True)))

    return unpack
