"""A small portal in the true wire form that does as told; invented people, prefix 099."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

PASSWORD_HASH = "5F4DCC3B5AA765D61D8327DEB882CF99"
"""MD5 of `password` in upper-case hex; a published value, not computed by the code under test."""
CITIZEN = "099190000001"
NAME = "Nông Thị Hòa"
BIRTH = "1990-03-05"
CARD = "DT2060600000001"
Lookup = Callable[[dict[str, str]], dict[str, Any]]


def reply(code: str = "000", **fields: str) -> dict[str, Any]:
    """A look-up's reply about Nông Thị Hòa in the order of Annex 03; fields replace its own."""
    whole = {
        "maKetQua": code,
        "ghiChu": "",
        "maThe": CARD,
        "hoTen": NAME,
        "ngaySinh": "05/03/1990",
        "gioiTinh": "Nữ",
        "diaChi": "Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
        "maDKBD": "06999",
        "cqBHXH": "Bảo hiểm Xã hội huyện Ba Bể",
        "gtTheTu": "01/01/2026",
        "gtTheDen": "31/12/2026",
        "maKV": "K1",
        "ngayDu5Nam": "01/06/2025",
        "maSoBHXH": "0600000001",
        "maTheCu": "",
        "maTheMoi": "",
        "gtTheTuMoi": "",
        "gtTheDenMoi": "",
        "maDKBDMoi": "",
        "tenDKBDMoi": "",
    }
    assert set(fields) <= set(whole), fields
    return {**whole, **fields, "dsLichSuKCB2018": [], "dsLichSuKT2018": []}


def refusal(code: str) -> dict[str, Any]:
    """A reply that carries nobody's data."""
    return {name: "" if name != "maKetQua" else code for name in reply() if not name.startswith("ds")}


def copayments(*amounts_vnd: int, code: str = "200", **about: str) -> dict[str, Any]:
    """An answer about Nông Thị Hòa's copayments of 2026, a row for each amount; `about` replaces who it is about."""
    total_vnd = 0
    rows = []
    for number, amount_vnd in enumerate(amounts_vnd, start=1):
        total_vnd += amount_vnd
        rows.append(
            {
                "Id": number,
                "maThe": CARD,
                "ngayVao": f"0{number}/02/2026",
                "ngayRa": f"0{number}/02/2026",
                "tBNCCTMCCT": amount_vnd,
                "tBNCCTLuyKe": total_vnd,
            }
        )
    return {
        "MaKetQua": code if rows else "204",
        "GhiChu": "",
        "DataCCT": rows,
        "ThongTinSoThe": {"hoTen": NAME, "ngaySinh": "05/03/1990", "maBhxh": "0600000001", **about},
    }


class FakePortal:
    """Answers look-ups by `lookup`, after the trouble that `mode` names."""

    def __init__(self) -> None:
        self.mode = "ok"
        """ok, hung, slow, reset, reset_once, http_500, html, not_json, too_large, status_401."""
        self.login_mode = "ok"
        """ok, hung, refused, http_500."""
        self.lookup: Lookup = lambda _fields: reply()
        self.slow_s = 30.0
        self.expires_in: object = "2099-01-01T00:00:00Z"
        self.logins = 0
        self.bodies: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        """Of questions about copayments."""
        self.queries: list[dict[str, str]] = []
        self.connections: set[object] = set()
        self.published: Lookup = lambda _fields: copayments(100_000)
        self.flaps = False
        """Every second look-up is reset, from the first on."""
        self.token_refusals: list[str] = []
        """Codes sent, one each, instead of the next answers: 401, 501, 999."""

    def app(self) -> web.Application:
        """The HTTP face."""
        app = web.Application()
        app.router.add_post("/api/token/take", self._take)
        app.router.add_post("/api/egw/KQNhanLichSuKCB2024", self._look_up)
        app.router.add_post("/api/TraCuuCCT/TraCuuTienMCCT", self._publish)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.logins += 1
        number = self.logins
        if self.login_mode == "hung":
            await asyncio.sleep(self.slow_s)
        if self.login_mode == "http_500":
            return web.Response(status=500, text="no")
        form = await request.post()
        good = form.get("username") == "19999_BV" and form.get("password") == PASSWORD_HASH
        if self.login_mode == "refused" or not good:
            return web.json_response({"maKetQua": "401", "APIKey": None})
        await asyncio.sleep(0.02)
        return web.json_response(
            {
                "maKetQua": "200",
                "APIKey": {
                    "access_token": f"access-{number}",
                    "id_token": f"id-{number}",
                    "token_type": "bearer",
                    "username": "19999_BV",
                    "expires_in": self.expires_in,
                },
            }
        )

    async def _look_up(self, request: web.Request) -> web.StreamResponse:
        self.connections.add(request.transport)
        self.queries.append(dict(request.query))
        fields = json.loads(await request.read())
        self.bodies.append(fields)
        trouble = await self._trouble(request)
        if trouble is not None:
            return trouble
        wanted = {"token", "id_token", "username", "password"}
        if set(request.query) != wanted or request.query["password"] != PASSWORD_HASH:
            return web.json_response(refusal("401"))
        if self.token_refusals:
            return web.json_response(refusal(self.token_refusals.pop(0)))
        return web.json_response(self.lookup(fields))

    async def _publish(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        trouble = await self._trouble(request)
        if trouble is not None:
            return trouble
        if self.token_refusals:
            self.token_refusals.pop(0)
            return web.Response(status=401)
        assert request.headers["passwordHash"] == PASSWORD_HASH
        return web.json_response(self.published(json.loads(await request.read())))

    async def _trouble(self, request: web.Request) -> web.StreamResponse | None:
        mode = self.mode
        if self.flaps and len(self.bodies) % 2:
            mode = "reset"
        if mode in ("hung", "slow"):
            await asyncio.sleep(self.slow_s)
        if mode in ("reset", "reset_once"):
            if mode == "reset_once":
                self.mode = "ok"
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return {
            "http_500": web.Response(status=500, text="trouble"),
            "html": web.Response(text="<html><body>Bảo trì</body></html>", content_type="text/html"),
            "not_json": web.Response(text="{cut off"),
            "too_large": web.Response(text=json.dumps({"maKetQua": "000", "ghiChu": "x" * 700_000})),
            "status_401": web.Response(status=401),
        }.get(mode)


@asynccontextmanager
async def running(portal: FakePortal) -> AsyncIterator[str]:
    """The portal on a port of its own; yields its address."""
    runner = web.AppRunner(portal.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
