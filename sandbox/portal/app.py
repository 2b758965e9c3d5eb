"""The portal's HTTP face: the paths, parameters and status codes a hospital system meets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox.faults import FAULT, FaultBoard, fault_middleware
from sandbox.person import JsonObject
from sandbox.population import Population
from sandbox.portal.claim_book import ClaimBook
from sandbox.portal.claims import ClaimDesk
from sandbox.portal.co_pay import co_pay_reply
from sandbox.portal.codes import NOTES
from sandbox.portal.lookup import CardQuery, decide, write_reply
from sandbox.portal.tokens import EXPIRES_FORMS, TokenDesk

USERNAMES = ("19999_BV", "19998_BV", "19T01_BV")
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_MAX_BODY_BYTES = 65_536
_CHECKS_KEPT = 5
_QUERY_FIELDS = ("maThe", "hoTen", "ngaySinh", "hoTenCb", "cccdCb")


async def _read_fields(request: web.Request) -> dict[str, str] | None:
    """The body as text fields, JSON or form; None when it is neither."""
    if request.content_type == "application/x-www-form-urlencoded":
        return {name: text for name, text in (await request.post()).items() if isinstance(text, str)}
    try:
        document = json.loads(await request.read())
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    return {name: text for name, text in document.items() if isinstance(text, str)}


class Portal:
    """The insurance portal of the sandbox."""

    def __init__(
        self, population: Population, board: FaultBoard, tokens: TokenDesk, *, clock: Callable[[], datetime]
    ) -> None:
        self._population = population
        self._board = board
        self._tokens = tokens
        self._clock = clock
        self._checks: dict[int, deque[JsonObject]] = {}
        self.desk = ClaimDesk(ClaimBook(), owner=self._owner, clock=clock)

    def create_app(self) -> web.Application:
        """A fresh application on the same state."""
        app = web.Application(
            middlewares=[fault_middleware(self._board, "portal")], client_max_size=_MAX_BODY_BYTES
        )
        app.router.add_post("/api/token/take", self._take_token)
        app.router.add_post("/api/egw/KQNhanLichSuKCB2024", self._look_up_card)
        app.router.add_post("/api/TraCuuCCT/TraCuuTienMCCT", self._look_up_co_pay)
        self.desk.add_routes(app)
        return app

    async def _take_token(self, request: web.Request) -> web.Response:
        fields = await _read_fields(request)
        if request.content_type != "application/x-www-form-urlencoded" or fields is None:
            return web.json_response({"maKetQua": "205", "APIKey": None})
        username = fields.get("username", "")
        if not self._tokens.knows(username, fields.get("password", "")):
            return web.json_response({"maKetQua": "401", "APIKey": None})
        fault = request.get(FAULT)
        if fault is not None and fault.mode == "code":
            return web.json_response({"maKetQua": fault.code or "500", "APIKey": None})
        form = fault.code if fault is not None and fault.mode == "expires_format" else "zulu"
        token = self._tokens.take(username, self._clock())
        return web.json_response(token.to_reply(form if form in EXPIRES_FORMS else "garbage"))

    def _owner(self, request: web.Request, source: dict[str, str]) -> str | None:
        """The account behind the three credentials and the living token, or None."""
        token, id_token, given_hash = source["token"], source["id_token"], source["password"]
        fault = request.get(FAULT)
        if fault is not None and fault.mode == "expired_token":
            self._tokens.forget(token)
        owner = self._tokens.owner(token, id_token, self._clock())
        is_own = owner == source["username"] and self._tokens.knows(source["username"], given_hash)
        return owner if is_own else None

    async def _look_up_card(self, request: web.Request) -> web.Response:
        names = ("token", "id_token", "username", "password")
        owner = self._owner(request, {name: request.query.get(name, "") for name in names})
        if owner is None:
            return web.json_response({"maKetQua": "401", "ghiChu": NOTES["401"]}, status=401)
        fields = await _read_fields(request) or {}
        card_text, full_name, birth_text, staff_name, staff_number = (
            fields.get(name, "").strip() for name in _QUERY_FIELDS
        )
        query = CardQuery(
            card_text=card_text.upper(),
            full_name=full_name,
            birth_text=birth_text,
            staff_name=staff_name,
            staff_number=staff_number,
        )
        now = self._clock().astimezone(_VIETNAM)
        code, person = decide(self._population, query, now.date())
        fault = request.get(FAULT)
        if fault is not None and fault.mode == "code":
            code = fault.code or "101"
        if fault is not None and fault.mode == "wrong" and person is not None:
            people = self._population.people
            others = (people[(person.index + step) % len(people)] for step in range(1, len(people)))
            person = next(other for other in others if other.portal is not None)
        checks: list[JsonObject] = []
        if person is not None:
            kept = self._checks.setdefault(person.index, deque(maxlen=_CHECKS_KEPT))
            checks = list(kept)
            stamp = now.strftime("%Y%m%d%H%M")
            kept.append(
                {"userKT": owner, "thoiGianKT": stamp, "thongBao": NOTES.get(code, ""), "maLoi": code}
            )
        return web.json_response(write_reply(code, person, card_text=query.card_text, checks=checks))

    async def _look_up_co_pay(self, request: web.Request) -> web.Response:
        fields = await _read_fields(request) or {}
        headers = request.headers
        source = {
            "token": headers.get("accessToken", ""),
            "id_token": headers.get("tokenId", ""),
            "username": fields.get("username", ""),
            "password": headers.get("passwordHash", ""),
        }
        if self._owner(request, source) is None:
            return web.Response(status=401)
        fault = request.get(FAULT)
        if fault is not None and fault.mode == "code":
            body: JsonObject = {
                "MaKetQua": fault.code or "500",
                "GhiChu": "",
                "DataCCT": [],
                "ThongTinSoThe": None,
            }
            return web.json_response(body)
        today = self._clock().astimezone(_VIETNAM).date()
        return web.json_response(co_pay_reply(self._population, fields, today))
