"""The control interface for demos and tests: faults, counted calls, payments, people, tokens."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict

from aiohttp import web

from sandbox.bank.app import Bank, statement_response
from sandbox.bank.book import BankRefusedError
from sandbox.faults import Fault, FaultBoard, FaultError
from sandbox.listener import Listener
from sandbox.oidc.app import OidcProvider, client_for
from sandbox.oidc.clients import CLIENTS
from sandbox.oidc.issuer import AUDIENCE, TOKEN_LIFE_S, GrantRefusedError
from sandbox.person import JsonObject
from sandbox.population import Population
from sandbox.portal.claim_book import BookError

MAX_PEOPLE_PAGE = 2_000
MAX_WAIT_S = 30.0
_FAULT_NAMES = frozenset({"system", "mode", "delay_ms", "probability", "count", "code", "path"})


class ControlError(ValueError):
    """A control call is wrong; the text says what to change."""


@web.middleware
async def _tell_refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (ControlError, FaultError, BankRefusedError, GrantRefusedError, BookError) as refusal:
        return web.json_response({"error": "BAD_REQUEST", "message": str(refusal)}, status=400)


async def _document(request: web.Request) -> JsonObject:
    try:
        document = json.loads(await request.read())
    except ValueError as cause:
        raise ControlError("the body must be JSON") from cause
    if not isinstance(document, dict):
        raise ControlError("the body must be a JSON object")
    return document


def _whole_number(text: str, name: str, highest: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > highest:
        raise ControlError(f"{name} must be a whole number up to {highest}")
    return int(text)


class ControlApi:
    """The control port."""

    def __init__(
        self,
        population: Population,
        board: FaultBoard,
        bank: Bank,
        oidc: OidcProvider,
        listeners: Mapping[str, Listener],
        *,
        obey_faults: Callable[[], Awaitable[None]],
    ) -> None:
        self._population = population
        self._board = board
        self._bank = bank
        self._oidc = oidc
        self._listeners = listeners
        self._obey_faults = obey_faults
        self._more_routes: list[web.RouteDef] = []

    def add(self, routes: list[web.RouteDef]) -> None:
        """Let a system bring control calls of its own; before the app is made."""
        self._more_routes.extend(routes)

    def create_app(self) -> web.Application:
        """A fresh application on the same state."""
        app = web.Application(middlewares=[_tell_refusals], client_max_size=65_536)
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/people", self._people),
                web.get("/control/faults", self._list_faults),
                web.post("/control/faults", self._set_fault),
                web.delete("/control/faults", self._clear_faults),
                web.get("/control/calls", self._list_calls),
                web.delete("/control/calls", self._forget_calls),
                web.post("/control/pay", self._pay),
                web.get("/control/accounts", self._list_accounts),
                web.get("/control/statement", self._statement),
                web.get("/control/callbacks", self._list_callbacks),
                web.post("/control/callbacks", self._send_callback),
                web.put("/control/callbacks", self._change_callbacks),
                web.post("/control/token", self._token),
                web.get("/control/clients", self._list_clients),
                *self._more_routes,
            ]
        )
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        systems = {
            system: {"url": listener.url, "listening": listener.is_listening}
            for system, listener in self._listeners.items()
        }
        return web.json_response({"status": "ok", "systems": systems})

    async def _people(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = [name for name in query.get("class", "").split(",") if name]
        count = _whole_number(query.get("count", "1"), "count", MAX_PEOPLE_PAGE)
        offset = _whole_number(query.get("offset", "0"), "offset", 1_000_000)
        try:
            people = self._population.find(wanted, count=count, offset=offset)
        except KeyError as cause:
            raise ControlError(f"no such class: {cause.args[0]}") from cause
        return web.json_response({"people": [person.to_json() for person in people]})

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": [asdict(fault) for fault in self._board.faults()]})

    async def _set_fault(self, request: web.Request) -> web.Response:
        document = await _document(request)
        if set(document) - _FAULT_NAMES:
            raise ControlError(f"only {', '.join(sorted(_FAULT_NAMES))} are known")
        if document.get("mode") == "none":
            self._board.clear(str(document.get("system", "")))
        else:
            self._board.set(_fault(document))
        await self._obey_faults()
        return await self._list_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._board.clear(request.query.get("system"))
        await self._obey_faults()
        return await self._list_faults(request)

    async def _list_calls(self, _request: web.Request) -> web.Response:
        return web.json_response({"calls": self._board.calls()})

    async def _forget_calls(self, request: web.Request) -> web.Response:
        self._board.forget_calls()
        return await self._list_calls(request)

    async def _pay(self, request: web.Request) -> web.Response:
        order = await _document(request)
        wait_s = order.pop("wait_s", 0)
        if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s <= MAX_WAIT_S:
            raise ControlError(f"wait_s must be 0 to {MAX_WAIT_S}")
        transaction = self._bank.pay(order)
        if wait_s:
            await self._bank.sender.wait(transaction.reference, wait_s)
        return web.json_response(
            {
                "reference": transaction.reference,
                "account": transaction.account,
                "amount_vnd": transaction.amount_vnd,
                "content": transaction.content,
                "invoice_id": transaction.invoice_id,
                "booked_time": transaction.booked_time.isoformat(),
                "booking_date": transaction.booking_date.isoformat(),
                "callback": self._bank.sender.delivery(transaction.reference),
            }
        )

    async def _list_accounts(self, _request: web.Request) -> web.Response:
        accounts = [asdict(account) for account in self._bank.book.accounts.values()]
        return web.json_response({"accounts": accounts})

    async def _statement(self, request: web.Request) -> web.Response:
        return statement_response(self._bank, request)

    async def _list_callbacks(self, _request: web.Request) -> web.Response:
        sender = self._bank.sender
        return web.json_response({"url": sender.settings.url, "callbacks": sender.deliveries()})

    async def _send_callback(self, request: web.Request) -> web.Response:
        """Tell the hospital once more of a booked credit."""
        document = await _document(request)
        transaction = self._bank.book.find(str(document.get("reference", "")))
        self._bank.sender.send(transaction)
        await self._bank.sender.wait(transaction.reference, MAX_WAIT_S)
        return web.json_response({"callback": self._bank.sender.delivery(transaction.reference)})

    async def _change_callbacks(self, request: web.Request) -> web.Response:
        document = await _document(request)
        url, secret = document.get("url"), document.get("secret")
        if url is not None and (
            not isinstance(url, str) or (url and not url.startswith(("http://", "https://")))
        ):
            raise ControlError("url must be http or https, or empty")
        self._bank.sender.change(url=url, secret=secret if isinstance(secret, str) else None)
        return await self._list_callbacks(request)

    async def _token(self, request: web.Request) -> web.Response:
        """Sign any token a test needs, also ended, forged, or for another audience."""
        document = await _document(request)
        client = client_for(document)
        expires_in_s = document.get("expires_in_s", TOKEN_LIFE_S)
        if isinstance(expires_in_s, bool) or not isinstance(expires_in_s, int) or abs(expires_in_s) > 86_400:
            raise ControlError("expires_in_s must be -86400 to 86400")
        number = str(document.get("personal_number", "")) or self._oidc.citizen_number_for(client)
        if number and client.roles != ("citizen",):
            raise ControlError("only a token of the role citizen carries a personal_number")
        token = self._oidc.issuer.access_token(
            client,
            personal_number=number,
            expires_in_s=expires_in_s,
            audience=str(document.get("audience", AUDIENCE)),
            issuer=str(document.get("issuer", "")),
            is_forged=document.get("forged") is True,
        )
        return web.json_response({"access_token": token, "expires_in": expires_in_s})

    async def _list_clients(self, _request: web.Request) -> web.Response:
        clients = [
            {"client_id": client.client_id, "roles": client.roles, "facility": client.facility_code}
            for client in CLIENTS.values()
        ]
        return web.json_response({"clients": clients})


def _fault(document: JsonObject) -> Fault:
    """A fault from a control document; a value of a wrong kind is refused."""
    fields = {name: value for name, value in document.items() if value is not None}
    for name, kinds in (
        ("system", (str,)), ("mode", (str,)), ("code", (str,)), ("path", (str,)),
        ("delay_ms", (int,)), ("count", (int,)), ("probability", (int, float)),
    ):  # fmt: skip
        value = fields.get(name)
        if name in fields and (isinstance(value, bool) or not isinstance(value, kinds)):
            raise ControlError(f"{name} is of a wrong kind")
    if "system" not in fields or "mode" not in fields:
        raise ControlError("system and mode are needed")
    return Fault(**fields)
