"""Control calls about claims for demos and tests: what is held, verdicts, who must sign, the file of a month."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from aiohttp import web

from sandbox.person import JsonObject
from sandbox.portal.claim_book import BookError
from sandbox.portal.claims import ClaimDesk
from sandbox.portal.settlement import as_csv, as_json

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")


class ClaimControl:
    """The part of the control port that knows claims."""

    def __init__(self, desk: ClaimDesk, *, usernames: tuple[str, ...]) -> None:
        self._desk = desk
        self._usernames = usernames

    def routes(self) -> list[web.RouteDef]:
        """The calls, for the control port."""
        return [
            web.get("/control/claims", self._list),
            web.delete("/control/claims", self._forget),
            web.post("/control/claims/review", self._review),
            web.put("/control/claims/signers", self._set_signers),
            web.get("/control/settlement", self._settlement),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self._desk.book.to_json(request.query.get("facility", "")))

    async def _forget(self, request: web.Request) -> web.Response:
        self._desk.book.forget()
        return await self._list(request)

    async def _review(self, request: web.Request) -> web.Response:
        document = await _object(request)
        names = ("facility_code", "ma_lk", "approved", "cause", "reason")
        texts = {name: document.get(name, "") for name in names}
        if not all(isinstance(text, str) for text in texts.values()):
            raise BookError(f"{', '.join(names)} must be texts")
        if _AMOUNT.fullmatch(texts["approved"]) is None:
            raise BookError("approved must be dong with at most two decimals")
        self._desk.book.review(
            texts["facility_code"],
            texts["ma_lk"],
            approved=Decimal(texts["approved"]),
            cause=texts["cause"],
            reason=texts["reason"],
        )
        return web.json_response({})

    async def _set_signers(self, request: web.Request) -> web.Response:
        usernames = (await _object(request)).get("usernames")
        if not isinstance(usernames, list) or not set(usernames) <= set(self._usernames):
            raise BookError(f"usernames must be a list of {', '.join(self._usernames)}")
        self._desk.book.signers = frozenset(usernames)
        return web.json_response({"usernames": sorted(usernames)})

    async def _settlement(self, request: web.Request) -> web.Response:
        query = request.query
        result = self._desk.settlement(query.get("facility", ""), query.get("period", ""))
        form = query.get("format", "json")
        if result is None or form not in {"json", "csv"}:
            raise BookError("period must be MM/yyyy and format json or csv")
        if form == "csv":
            return web.Response(body=as_csv(result), headers={"Content-Type": "text/csv; charset=utf-8"})
        return web.json_response(as_json(result))


async def _object(request: web.Request) -> JsonObject:
    try:
        document = json.loads(await request.read())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BookError("the body must be a JSON object")
    return document
