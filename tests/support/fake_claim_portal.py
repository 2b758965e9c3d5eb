"""The portal's claim services in their true wire form, beside its sign-in; does as told; invented people."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from standards.claims import read_claim_file
from tests.support.fake_portal import PASSWORD_HASH, FakePortal

CLAIM_PATH = "/api/qd130/guiHoSoXmlQD4750"
CHECK_IN_PATH = "/api/qd130/checkInKcbQd4750"
RECEIPTS_PATH = "/api/egw/nhanChiTietHSNgay4210"
_HEADERS = ("accessToken", "tokenId", "passwordHash")
_FIELDS = {"username", "loaiHoSo", "maTinh", "maCSKCB", "fileHSBase64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file that the portal took."""

    number: str
    kind: str
    link_id: str
    total: str
    content: bytes


class FakeClaimPortal(FakePortal):
    """Takes claims and check-ins; `trouble` tells what happens to the next calls, one each."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: list[str] = []
        """token_401, http_401, code_NNN, html, http_500, http_503, http_413, hung, hung_after, reset, reset_after."""
        self.taken: list[Taken] = []
        """In order; a resend of a visit stands here again."""
        self.took = asyncio.Event()
        """Set by the first file."""
        self.calls: list[str] = []
        self.list_trouble = ""
        """http_404, http_500, code_401 or html: how receipts fail."""
        self.tokens: list[str] = []

    def app(self) -> web.Application:
        """The HTTP face; a claim of a long stay has more than a megabyte."""
        app = super().app()
        app._client_max_size = 64 * 1024 * 1024
        app.router.add_post(CLAIM_PATH, self._take_claim)
        app.router.add_post(CHECK_IN_PATH, self._take_check_in)
        app.router.add_post(RECEIPTS_PATH, self._list)
        return app

    @property
    def counted(self) -> dict[str, Taken]:
        """What the portal pays by: the last file of each visit."""
        return {each.link_id: each for each in self.taken if each.kind == "130"}

    async def _take_claim(self, request: web.Request) -> web.StreamResponse:
        return await self._take_file(request, "130")

    async def _take_check_in(self, request: web.Request) -> web.StreamResponse:
        return await self._take_file(request, "0")

    async def _take_file(self, request: web.Request, kind: str) -> web.StreamResponse:
        self.calls.append(kind)
        form = await request.post()
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert set(form) == _FIELDS, set(form)
        assert not request.query, "credentials go in headers here"
        assert form["loaiHoSo"] == kind
        assert (form["username"], form["maCSKCB"], form["maTinh"]) == ("19999_BV", "19999", "19")
        self.tokens.append(request.headers["accessToken"])
        if any(not request.headers.get(name) for name in _HEADERS):
            return _answer("401")
        assert request.headers["passwordHash"] == PASSWORD_HASH
        trouble = self.trouble.pop(0) if self.trouble else ""
        stopped = await self._stop(request, trouble)
        if stopped is not None:
            return stopped
        number = self._keep(kind, b64decode(str(form["fileHSBase64"]), validate=True))
        if trouble == "hung_after":
            await asyncio.sleep(self.slow_s)
        if trouble == "reset_after":
            return _cut(request)
        return _answer("200", number)

    async def _stop(self, request: web.Request, trouble: str) -> web.StreamResponse | None:
        """The answer of a call that takes nothing."""
        if trouble == "hung":
            await asyncio.sleep(self.slow_s)
        if trouble == "reset":
            return _cut(request)
        if trouble == "html":
            return web.Response(text="<html>Bảo trì hệ thống</html>", content_type="text/html")
        if trouble == "token_401":
            return _answer("401")
        kind, _, number = trouble.partition("_")
        if kind == "http":
            return web.Response(status=int(number), text="no")
        if kind == "code":
            return _answer(number, message="Sai nội dung XML1")
        return None

    def _keep(self, kind: str, content: bytes) -> str:
        number = f"GD{len(self.taken) + 1:05}"
        record = read_claim_file(content).records[0]
        total = record.tables["XML1"][0]["T_TONGCHI_BV"] if "XML1" in record.tables else ""
        self.taken.append(
            Taken(number=number, kind=kind, link_id=record.visit_link, total=total, content=content)
        )
        self.took.set()
        return number

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.calls.append("receipts")
        assert set(request.query) == {
            "token", "id_token", "username", "password", "loaiHoSo", "maCSKCB", "ngayGui",
        }  # fmt: skip
        if self.list_trouble.startswith("http_"):
            return web.Response(status=int(self.list_trouble.removeprefix("http_")))
        if self.list_trouble == "code_401":
            return _answer("401")
        if self.list_trouble == "html":
            return web.Response(text="<html>", content_type="text/html")
        rows = [
            {
                "ngayGui": request.query["ngayGui"],
                "maGiaoDich": each.number,
                "soLuongHoSo": 1,
                "slHoSoDung": 1,
                "slHoSoLoi": 0,
                "tongTien": each.total,
                "mieuTa": "",
            }
            for each in self.taken
            if each.kind == request.query["loaiHoSo"]
        ]
        return web.json_response({"maKetQua": "200", "dsHoSo": rows})


def digest(content: bytes) -> str:
    """SHA-256 of a file as it arrived."""
    return hashlib.sha256(content).hexdigest()


def _answer(code: str, number: str = "", message: str = "") -> web.Response:
    body: dict[str, Any] = {
        "maKetQua": code,
        "maGiaoDich": number,
        "thoiGianTiepNhan": "20260901100000",
        "thongDiep": message,
    }
    return web.json_response(body)


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
