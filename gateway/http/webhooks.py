"""Takes in the bank's notifications and answers in the bank's own form."""

from __future__ import annotations

import uuid

from aiohttp import web

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from chassis.rpc.tokens import Minter
from gateway.peers import Peers
from lienthong.payment.v1 import payment_pb2 as payment

RAW_MAX_BYTES = 64 * 1024
WITHIN_MS = 5_000
_EVENTS = uuid.UUID("62616e6b-2d65-5076-b6e7-6c69656e7468")


class Webhooks:
    """The HDBank form: a GET with base64 `data` and `sign`, answered with a two-digit code.

    The signature is checked by payment_svc over the raw bytes; no token is asked, since a bank brings none.
    """

    def __init__(self, *, peers: Peers, minter: Minter) -> None:
        self._peers = peers
        self._minter = minter

    def routes(self) -> list[web.RouteDef]:
        """The addresses given to banks."""
        return [web.get("/webhooks/hdbank", self._hdbank)]

    async def _hdbank(self, request: web.Request) -> web.Response:
        raw = request.rel_url.raw_query_string.encode("ascii", "replace")
        if len(raw) > RAW_MAX_BYTES:
            return _answer("04")
        event = payment.RecordBankEventRequest(
            # Derived from the bytes: the bank's repeat of a notification is the same request.
            request_id=str(uuid.uuid5(_EVENTS, raw.decode("ascii"))),
            provider="hdbank",
            raw=raw,
        )
        try:
            with acting_as(self._minter.service_caller(purpose="payment"), within_ms=WITHIN_MS):
                recorded = await self._peers.payment.RecordBankEvent(event)
        except AppError:
            # 99 makes the bank send it again; nothing was acknowledged.
            return _answer("99")
        return _answer(recorded.answer_code)


def _answer(code: str) -> web.Response:
    return web.json_response({"code": code})
