"""Clients' tokens: what of an issuer's claims becomes a caller, and what is refused."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from chassis.errors import AppError, TokenExpired, TokenRefused
from chassis.rpc.tokens import Minter, Verifier, generate_token_keys, load_signing_key
from gateway.domain.errors import SignInUnavailable
from gateway.external.oidc import LEEWAY_S, OidcVerifier

ISSUER = "https://sign-in.example.vn"
AUDIENCE = "lienthong-gateway"
NOW = 1_782_900_000.0
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig", "alg": "ES256"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate_token_keys(tmp_path / "gateway.json", tmp_path / "public.json")
    return tmp_path


class Time:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def oidc(folder: Path, clock: Time) -> OidcVerifier:
    made = OidcVerifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        refresh_s=600,
        minter=Minter(load_signing_key(folder / "gateway.json"), now=clock),
        now=clock,
    )
    made.use_keys(public(KEY))
    return made


def public(*keys: ECKey) -> Any:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def signed(key: ECKey = KEY, *, header: dict[str, str] | None = None, **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "staff-1",
        "roles": ["clerk"],
        "facility": "19999",
        "iat": int(NOW),
        "exp": int(NOW) + 600,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode({"alg": "ES256", "kid": key.kid, **(header or {})}, claims, key)


def test_a_good_token_becomes_a_caller_whom_the_services_believe(
    oidc: OidcVerifier, folder: Path, clock: Time
) -> None:
    caller = oidc.verify(signed())

    keys = KeySet.import_key_set(json.loads((folder / "public.json").read_text()))
    inside = Verifier(keys, now=clock).verify(caller.token)
    assert (caller.subject, caller.roles, caller.facility) == ("staff-1", {"CLERK"}, "19999")
    assert (inside.subject, inside.roles, inside.facility) == ("staff-1", {"CLERK"}, "19999")


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["another", AUDIENCE]])
def test_the_audience_may_be_one_of_several(oidc: OidcVerifier, audience: object) -> None:
    assert oidc.verify(signed(aud=audience)).subject == "staff-1"


@pytest.mark.parametrize(
    ("roles", "given"),
    [
        (["clerk", "CASHIER"], {"CLERK", "CASHIER"}),
        (["service"], set()),
        (["SERVICE", "root"], set()),
        ([], set()),
    ],
)
def test_only_roles_of_persons_and_devices_may_come_from_an_issuer(
    oidc: OidcVerifier, roles: list[str], given: set[str]
) -> None:
    assert oidc.verify(signed(roles=roles)).roles == given


REFUSED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://sign-in.example.com"},
    "no issuer": {"iss": ...},
    "another audience": {"aud": "another"},
    "no audience": {"aud": ...},
    "our own inside": {"aud": "lienthong-internal"},
    "no end": {"exp": ...},
    "an end in words": {"exp": "tomorrow"},
    "issued tomorrow": {"iat": int(NOW) + 86_400},
    "nobody": {"sub": ""},
    "no subject": {"sub": ...},
    "a number for a subject": {"sub": 7},
    "roles in words": {"roles": "clerk"},
    "roles of numbers": {"roles": [1]},
    "no roles": {"roles": ...},
    "a facility of numbers": {"facility": 19999},
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_token_with_a_wrong_claim_is_refused(oidc: OidcVerifier, what: str) -> None:
    with pytest.raises(AppError) as caught:
        oidc.verify(signed(**REFUSED[what]))

    assert caught.value.reason == "TOKEN_REFUSED"


def test_a_token_of_a_key_nobody_published_is_refused(oidc: OidcVerifier) -> None:
    for token in (signed(OTHER_KEY), signed(OTHER_KEY, header={"kid": "k1"})):
        with pytest.raises(TokenRefused):
            oidc.verify(token)


def test_a_key_that_is_published_later_is_taken_and_one_taken_back_is_not(oidc: OidcVerifier) -> None:
    token = signed(OTHER_KEY)
    oidc.use_keys(public(KEY, OTHER_KEY))
    assert oidc.verify(token).subject == "staff-1"

    oidc.use_keys(public(KEY))

    with pytest.raises(TokenRefused):
        oidc.verify(token)


@pytest.mark.parametrize(
    ("late_s", "is_good"), [(-1, True), (LEEWAY_S - 1, True), (LEEWAY_S, False), (3_600, False)]
)
def test_a_token_ends_a_leeway_after_its_end(
    oidc: OidcVerifier, clock: Time, late_s: int, is_good: bool
) -> None:
    token = signed()
    oidc.verify(token)  # seen before: remembered, and still it ends
    clock.now = NOW + 600 + late_s

    for _ in range(2):
        if is_good:
            assert oidc.verify(token).subject == "staff-1"
        else:
            with pytest.raises(TokenExpired):
                oidc.verify(token)


def test_the_inside_token_is_fresh_however_old_the_sign_in(
    oidc: OidcVerifier, folder: Path, clock: Time
) -> None:
    token = signed(exp=int(NOW) + 7_200)
    oidc.verify(token)
    clock.now = NOW + 7_000
    keys = KeySet.import_key_set(json.loads((folder / "public.json").read_text()))

    caller = oidc.verify(token)

    assert Verifier(keys, now=clock, leeway_s=0).verify(caller.token).subject == "staff-1"


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "x" * 10_000, "é" * 20, "a.b.c.d.e"])
def test_what_is_no_token_is_refused(oidc: OidcVerifier, text: str) -> None:
    with pytest.raises(TokenRefused):
        oidc.verify(text)


def test_without_keys_yet_the_sign_in_is_unavailable(folder: Path, clock: Time) -> None:
    minter = Minter(load_signing_key(folder / "gateway.json"))
    fresh = OidcVerifier(issuer=ISSUER, audience=AUDIENCE, refresh_s=600, minter=minter, now=clock)

    with pytest.raises(SignInUnavailable) as caught:
        fresh.verify(signed())

    assert caught.value.kind.value == "UNAVAILABLE"


async def test_an_unknown_key_is_asked_for_and_many_made_up_ones_do_not_hammer_the_issuer(
    folder: Path,
) -> None:
    asked = 0
    published = [KEY]

    async def configuration(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        issuer = str(server.make_url("")).rstrip("/")
        return web.json_response({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})

    async def keys(request: web.Request) -> web.Response:
        return web.json_response(public(*published))

    app = web.Application()
    app.add_routes([web.get("/.well-known/openid-configuration", configuration), web.get("/keys", keys)])
    async with TestServer(app) as server:
        issuer = str(server.make_url("")).rstrip("/")
        minter = Minter(load_signing_key(folder / "gateway.json"))
        oidc = OidcVerifier(issuer=issuer, audience=AUDIENCE, refresh_s=600, minter=minter)
        running = asyncio.create_task(oidc.run())
        claims = {"iss": issuer, "iat": int(time.time()), "exp": int(time.time()) + 600}
        async with asyncio.timeout(10):
            await _until_good(oidc, signed(**claims))
            published.append(OTHER_KEY)
            await _until_good(oidc, signed(OTHER_KEY, **claims))
        asked_before = asked
        for number in range(200):
            with pytest.raises(TokenRefused):
                oidc.verify(signed(header={"kid": f"made-up-{number}"}, **claims))
        await asyncio.sleep(0.4)
        running.cancel()

    assert asked - asked_before <= 3


async def _until_good(oidc: OidcVerifier, token: str) -> None:
    while True:
        try:
            oidc.verify(token)
        except (SignInUnavailable, TokenRefused):
            await asyncio.sleep(0.02)
        else:
            return
