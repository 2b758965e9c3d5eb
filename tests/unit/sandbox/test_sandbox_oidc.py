"""Claims about the OIDC issuer."""

from __future__ import annotations

import base64
import hashlib
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from sandbox.config import read_settings
from sandbox.control import ControlRefusedError, SandboxControl
from sandbox.oidc.clients import CLIENTS, ROLES
from sandbox.server import Sandbox

Json = dict[str, Any]  # Any: JSON off the wire
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:9999/back"


def issuer_url(sandbox: Sandbox) -> str:
    return sandbox.listeners["oidc"].url


async def read_token(sandbox: Sandbox, http: aiohttp.ClientSession, text: str) -> jwt.Token:
    """Check a token against the published keys."""
    async with http.get(f"{issuer_url(sandbox)}/.well-known/openid-configuration") as response:
        keys_url = (await response.json())["jwks_uri"]
    async with http.get(keys_url) as response:
        keys = await response.json()
    assert "d" not in keys["keys"][0], "the private part must not be published"
    return jwt.decode(text, KeySet.import_key_set(keys), algorithms=["ES256"])


async def ask(sandbox: Sandbox, http: aiohttp.ClientSession, **fields: str) -> tuple[int, Json]:
    async with http.post(f"{issuer_url(sandbox)}/token", data=fields) as response:
        return response.status, await response.json()


async def test_every_seeded_client_gets_a_token_with_its_role(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    roles = set()
    for client in CLIENTS.values():
        secret = f"sandbox-{client.client_id}-secret"
        status, body = await ask(
            sandbox, http, grant_type="client_credentials", client_id=client.client_id, client_secret=secret
        )
        assert status == 200
        claims = (await read_token(sandbox, http, body["access_token"])).claims
        assert claims["roles"] == list(client.roles)
        roles |= set(claims["roles"])
    assert roles == set(ROLES)


async def test_the_claims_are_those_the_gateway_wants_and_no_name(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    _, body = await ask(
        sandbox,
        http,
        grant_type="client_credentials",
        client_id="station-clerk",
        client_secret="sandbox-station-clerk-secret",
    )

    token = await read_token(sandbox, http, body["access_token"])

    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    assert set(token.claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "client_id", "roles", "facility"}
    assert token.claims["iss"] == issuer_url(sandbox)
    assert token.claims["aud"] == "lienthong-gateway"
    assert token.claims["facility"] == "19T01"
    assert token.claims["exp"] - token.claims["iat"] == 600


async def test_basic_authentication_works_as_well(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    word = base64.b64encode(b"cashier:sandbox-cashier-secret").decode()
    async with http.post(
        f"{issuer_url(sandbox)}/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {word}"},
    ) as response:
        assert response.status == 200


@pytest.mark.parametrize(("client_id", "secret"), [("clerk", "other"), ("nobody", ""), ("lienthong-web", "")])
async def test_a_wrong_secret_gets_no_token(
    sandbox: Sandbox, http: aiohttp.ClientSession, client_id: str, secret: str
) -> None:
    answer = await ask(
        sandbox, http, grant_type="client_credentials", client_id=client_id, client_secret=secret
    )

    assert answer == (401, {"error": "invalid_client"})


async def authorize(sandbox: Sandbox, http: aiohttp.ClientSession, **changed: str) -> aiohttp.ClientResponse:
    query = {
        "response_type": "code",
        "client_id": "lienthong-web",
        "redirect_uri": REDIRECT,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s1",
        "nonce": "n1",
        "login_hint": "clinician",
    } | changed
    return await http.get(f"{issuer_url(sandbox)}/authorize", params=query, allow_redirects=False)


async def code_of(sandbox: Sandbox, http: aiohttp.ClientSession, **changed: str) -> str:
    response = await authorize(sandbox, http, **changed)
    assert response.status == 302
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["state"] == ["s1"]
    return query["code"][0]


async def redeem(
    sandbox: Sandbox, http: aiohttp.ClientSession, code: str, **changed: str
) -> tuple[int, Json]:
    fields = {
        "grant_type": "authorization_code",
        "client_id": "lienthong-web",
        "redirect_uri": REDIRECT,
        "code": code,
        "code_verifier": VERIFIER,
    } | changed
    return await ask(sandbox, http, **fields)


async def test_a_browser_signs_in_with_a_code_and_pkce(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    status, body = await redeem(sandbox, http, await code_of(sandbox, http))

    identity = await read_token(sandbox, http, body["id_token"])
    access = await read_token(sandbox, http, body["access_token"])
    assert status == 200
    assert identity.claims["nonce"] == "n1"
    assert identity.claims["aud"] == "lienthong-web"
    assert access.claims["roles"] == ["clinician"]


async def test_a_code_is_good_once(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    code = await code_of(sandbox, http)

    assert (await redeem(sandbox, http, code))[0] == 200
    assert await redeem(sandbox, http, code) == (400, {"error": "invalid_grant"})


async def test_a_code_needs_its_verifier_and_its_address(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for changed in ({"code_verifier": "w" * 43}, {"redirect_uri": "http://127.0.0.1:1/"}):
        answer = await redeem(sandbox, http, await code_of(sandbox, http), **changed)
        assert answer == (400, {"error": "invalid_grant"})


async def test_a_code_ends_after_a_minute(sandbox: Sandbox, http: aiohttp.ClientSession, clock: Any) -> None:
    from datetime import timedelta

    code = await code_of(sandbox, http)
    clock.now += timedelta(seconds=60)

    assert (await redeem(sandbox, http, code))[0] == 400


async def test_a_foreign_redirect_address_is_refused_without_redirecting(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for address in ("https://example.org/back", "http://127.0.0.1.example.org/", ""):
        assert (await authorize(sandbox, http, redirect_uri=address)).status == 400


async def test_sign_in_without_pkce_is_refused(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    response = await authorize(sandbox, http, code_challenge_method="plain")

    assert "error=invalid_request" in response.headers["Location"]


async def test_without_a_hint_a_page_lists_the_seeded_users(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    response = await authorize(sandbox, http, login_hint="")

    page = await response.text()
    assert response.status == 200
    assert all(f"login_hint={client_id}" in page for client_id in CLIENTS)


async def test_a_citizen_signs_in_with_an_opaque_subject(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    number = sandbox.population.people[5].card.personal_number
    _, body = await redeem(sandbox, http, await code_of(sandbox, http, login_hint=number))

    claims = (await read_token(sandbox, http, body["access_token"])).claims
    assert claims["roles"] == ["citizen"]
    assert claims["personal_number"] == number
    assert number not in claims["sub"]
    assert "facility" not in claims


async def test_the_control_port_signs_tokens_for_tests(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    claims = (
        await read_token(sandbox, http, await control.token("clerk", expires_in_s=-60, facility="19998"))
    ).claims

    assert claims["exp"] == int(sandbox.bank._clock().timestamp()) - 60
    assert claims["facility"] == "19998"
    with pytest.raises(BadSignatureError):
        await read_token(sandbox, http, await control.token("clerk", forged=True))
    with pytest.raises(ControlRefusedError, match="role"):
        await control.token("clerk", roles=["king"])


async def test_faults_sign_wrongly_or_too_late(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    fields = {
        "grant_type": "client_credentials",
        "client_id": "clerk",
        "client_secret": "sandbox-clerk-secret",
    }
    await control.set_fault("oidc", "wrong", count=1)
    _, forged = await ask(sandbox, http, **fields)
    await control.set_fault("oidc", "expired_token", count=1)
    _, ended = await ask(sandbox, http, **fields)

    with pytest.raises(BadSignatureError):
        await read_token(sandbox, http, forged["access_token"])
    claims = (await read_token(sandbox, http, ended["access_token"])).claims
    assert claims["exp"] < int(sandbox.bank._clock().timestamp())


def test_a_state_folder_keeps_key_and_secrets_for_their_owner_only(
    environment: dict[str, str], tmp_path: Path
) -> None:
    settings = read_settings(environment | {"SANDBOX_STATE_DIR": str(tmp_path)})

    first, second = Sandbox(settings), Sandbox(settings)

    assert first.oidc.issuer.jwks() == second.oidc.issuer.jwks()
    for name in ("oidc-key.pem", "oidc-clients.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert "sandbox-clerk-secret" not in (tmp_path / "oidc-clients.json").read_text()
