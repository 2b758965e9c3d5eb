"""The issuer's HTTP face: discovery, keys, sign-in page, token."""

from __future__ import annotations

import base64
import binascii
import html
from urllib.parse import unquote, urlencode, urlsplit

from aiohttp import web

from sandbox.faults import FAULT, FaultBoard, fault_middleware
from sandbox.oidc.clients import CLIENTS, PUBLIC_CLIENT_ID, ROLES, Client
from sandbox.oidc.issuer import TOKEN_LIFE_S, GrantRefusedError, Issuer
from sandbox.person import JsonObject
from sandbox.population import Population

_MAX_BODY_BYTES = 16_384
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CHALLENGE_LENGTH = 43
_PAGE = """<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>Đăng nhập thử</title></head>
<body><main><h1>Đăng nhập thử</h1><p>Môi trường thử, không phải VNeID.</p><ul>{rows}</ul></main>
</body></html>"""


class OidcProvider:
    """The issuer over HTTP."""

    def __init__(
        self,
        issuer: Issuer,
        population: Population,
        board: FaultBoard,
        *,
        redirect_uris: tuple[str, ...] = (),
    ) -> None:
        self.issuer = issuer
        self._population = population
        self._board = board
        self._redirect_uris = redirect_uris

    def create_app(self) -> web.Application:
        """A fresh application on the same state."""
        app = web.Application(
            middlewares=[fault_middleware(self._board, "oidc")], client_max_size=_MAX_BODY_BYTES
        )
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks.json", self._jwks)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        return app

    async def _discovery(self, _request: web.Request) -> web.Response:
        base = self.issuer.issuer
        return web.json_response(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": ["client_credentials", "authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "client_secret_basic",
                    "none",
                ],
                "scopes_supported": ["openid"],
            }
        )

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self.issuer.jwks())

    def _is_allowed_redirect(self, address: str) -> bool:
        if address in self._redirect_uris:
            return True
        parts = urlsplit(address)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK and not parts.fragment

    def citizen_number_for(self, client: Client) -> str:
        """The citizen number a client of the role citizen stands for: the first seeded person; else empty."""
        return self._population.people[0].card.personal_number if client.roles == ("citizen",) else ""

    def _user(self, hint: str) -> tuple[Client, str] | None:
        """The seeded user of a login hint: a client id, or the citizen number of a seeded citizen."""
        if hint in CLIENTS:
            return CLIENTS[hint], self.citizen_number_for(CLIENTS[hint])
        person = self._population.by_personal_number.get(hint)
        return (CLIENTS["citizen"], hint) if person is not None else None

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        redirect_uri = query.get("redirect_uri", "")
        if query.get("client_id") != PUBLIC_CLIENT_ID or not self._is_allowed_redirect(redirect_uri):
            return web.Response(status=400, text="client_id or redirect_uri is not registered")
        back: dict[str, str] = {"state": query["state"]} if "state" in query else {}
        challenge = query.get("code_challenge", "")
        is_pkce = query.get("code_challenge_method") == "S256" and len(challenge) == _CHALLENGE_LENGTH
        if query.get("response_type") != "code" or not is_pkce:
            back["error"] = "invalid_request"
            raise web.HTTPFound(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(back)}")
        hint = query.get("login_hint", "")
        user = self._user(hint)
        if user is None:
            return self._page(request)
        client, personal_number = user
        back["code"] = self.issuer.open_code(
            client,
            personal_number=personal_number,
            web_client_id=PUBLIC_CLIENT_ID,
            redirect_uri=redirect_uri,
            challenge=challenge,
            nonce=query.get("nonce", ""),
        )
        raise web.HTTPFound(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(back)}")

    def _page(self, request: web.Request) -> web.Response:
        rows = ""
        for client in CLIENTS.values():
            link = request.rel_url.update_query({"login_hint": client.client_id})
            label = f"{client.client_id} ({', '.join(client.roles)}) {client.facility_code}"
            rows += f'<li><a href="{html.escape(str(link))}">{html.escape(label)}</a></li>'
        return web.Response(text=_PAGE.format(rows=rows), content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        fields = {name: text for name, text in (await request.post()).items() if isinstance(text, str)}
        headers = {"Cache-Control": "no-store"}
        try:
            body = self._grant(fields, request)
        except GrantRefusedError as refusal:
            status = 401 if str(refusal) == "invalid_client" else 400
            return web.json_response({"error": str(refusal)}, status=status, headers=headers)
        return web.json_response(body, headers=headers)

    def _grant(self, fields: dict[str, str], request: web.Request) -> JsonObject:
        fault = request.get(FAULT)
        mode = fault.mode if fault is not None else ""
        life_s = -60 if mode == "expired_token" else TOKEN_LIFE_S
        body: JsonObject = {"token_type": "Bearer", "expires_in": TOKEN_LIFE_S}
        match fields.get("grant_type"):
            case "client_credentials":
                client = self.issuer.client(*_credentials(fields, request.headers.get("Authorization", "")))
                personal_number = self.citizen_number_for(client)
            case "authorization_code":
                grant = self.issuer.redeem_code(
                    fields.get("code", ""),
                    web_client_id=fields.get("client_id", ""),
                    redirect_uri=fields.get("redirect_uri", ""),
                    verifier=fields.get("code_verifier", ""),
                )
                client, personal_number = grant.client, grant.personal_number
                body["id_token"] = self.issuer.id_token(grant)
            case _:
                raise GrantRefusedError("unsupported_grant_type")
        body["access_token"] = self.issuer.access_token(
            client, personal_number=personal_number, expires_in_s=life_s, is_forged=mode == "wrong"
        )
        return body


def _credentials(fields: dict[str, str], authorization: str) -> tuple[str, str]:
    """Client id and secret from the form or from HTTP Basic (RFC 6749 section 2.3.1)."""
    if not authorization.startswith("Basic "):
        return fields.get("client_id", ""), fields.get("client_secret", "")
    try:
        text = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as cause:
        raise GrantRefusedError("invalid_client") from cause
    client_id, _, secret = text.partition(":")
    return unquote(client_id), unquote(secret)


def client_for(document: JsonObject) -> Client:
    """The client a control order describes: a seeded id, changed by roles, facility or subject when given.

    Raises:
        GrantRefusedError: unknown client or role.
    """
    base = CLIENTS.get(str(document.get("client_id", "clerk")))
    if base is None:
        raise GrantRefusedError("unknown client_id")
    roles = tuple(str(role) for role in document.get("roles", base.roles))
    if not set(roles) <= set(ROLES):
        raise GrantRefusedError("unknown role")
    return Client(
        client_id=base.client_id,
        subject=str(document.get("subject", base.subject)),
        roles=roles,
        facility_code=str(document.get("facility", base.facility_code)),
    )
