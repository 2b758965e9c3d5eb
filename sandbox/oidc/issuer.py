"""Signs tokens; knows keys, claims and authorization codes, and no HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.oidc.clients import CLIENTS, Client
from sandbox.person import JsonObject

AUDIENCE = "lienthong-gateway"
TOKEN_LIFE_S = 600
CODE_LIFE = timedelta(seconds=60)
MAX_CODES = 1_000


class GrantRefusedError(ValueError):
    """The issuer gives no token; the text is the OAuth error code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One authorization code not yet used."""

    client: Client
    personal_number: str
    web_client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    expire_time: datetime


def new_key() -> ECKey:
    """A fresh P-256 key for ES256."""
    return ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)


def load_key(path: Path | None) -> ECKey:
    """The signing key: fresh without a file, else that of the PEM file, which is made when missing."""
    if path is None:
        return new_key()
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(new_key().as_pem(private=True))
    key = ECKey.import_key(path.read_bytes(), parameters={"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


def subject_of(personal_number: str) -> str:
    """The opaque id a citizen signs in with; always the same one for a number."""
    return f"citizen-{hashlib.sha256(personal_number.encode()).hexdigest()[:24]}"


class Issuer:
    """Gives out signed tokens."""

    def __init__(
        self, *, issuer: str, key: ECKey, client_secrets: dict[str, str], clock: Callable[[], datetime]
    ) -> None:
        self.issuer = issuer
        self._key = key
        self._other_key = new_key()
        self._client_secrets = client_secrets
        self._clock = clock
        self._codes: dict[str, Grant] = {}

    def jwks(self) -> JsonObject:
        """The public key set."""
        return {"keys": [self._key.as_dict(private=False)]}

    def client(self, client_id: str, secret: str) -> Client:
        """The client whose secret this is.

        Raises:
            GrantRefusedError: invalid_client.
        """
        held = self._client_secrets.get(client_id, "")
        if not held or not hmac.compare_digest(secret.encode(), held.encode()):
            raise GrantRefusedError("invalid_client")
        return CLIENTS[client_id]

    def access_token(
        self,
        client: Client,
        *,
        personal_number: str = "",
        expires_in_s: int = TOKEN_LIFE_S,
        audience: str = AUDIENCE,
        issuer: str = "",
        is_forged: bool = False,
    ) -> str:
        """Sign an access token (typ at+jwt, ES256).

        Args:
            personal_number: Of a citizen who signed in; the claim of that name, for the role citizen only.
            expires_in_s: May be negative; the token has then ended already.
            is_forged: Sign with a key that is not in the key set, under the id of the one that is.
        """
        claims = self._claims(client, audience=audience, expires_in_s=expires_in_s)
        claims |= {"iss": issuer or self.issuer, "client_id": client.client_id, "roles": list(client.roles)}
        if client.facility_code:
            claims["facility"] = client.facility_code
        if personal_number:
            assert client.roles == ("citizen",), "staff tokens carry no citizen number"
            claims |= {"sub": subject_of(personal_number), "personal_number": personal_number}
        return self._sign("at+jwt", claims, self._other_key if is_forged else self._key)

    def _claims(self, client: Client, *, audience: str, expires_in_s: int) -> JsonObject:
        now_s = int(self._clock().timestamp())
        return {
            "iss": self.issuer,
            "aud": audience,
            "sub": client.subject,
            "iat": min(now_s, now_s + expires_in_s),
            "exp": now_s + expires_in_s,
            "jti": str(uuid.uuid4()),
        }

    def _sign(self, kind: str, claims: JsonObject, key: ECKey) -> str:
        return jwt.encode({"alg": "ES256", "typ": kind, "kid": self._key.kid}, claims, key)

    def open_code(
        self,
        client: Client,
        *,
        personal_number: str,
        web_client_id: str,
        redirect_uri: str,
        challenge: str,
        nonce: str,
    ) -> str:
        """An authorization code, good once within 60 seconds."""
        while len(self._codes) >= MAX_CODES:
            self._codes.pop(next(iter(self._codes)))
        code = secrets.token_urlsafe(32)
        self._codes[code] = Grant(
            client=client,
            personal_number=personal_number,
            web_client_id=web_client_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            nonce=nonce,
            expire_time=self._clock() + CODE_LIFE,
        )
        return code

    def redeem_code(self, code: str, *, web_client_id: str, redirect_uri: str, verifier: str) -> Grant:
        """Turn a code into its grant; the code is used up by the try.

        Raises:
            GrantRefusedError: invalid_grant, for an unknown, used or late code or a wrong verifier.
        """
        grant = self._codes.pop(code, None)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            grant is None
            or self._clock() >= grant.expire_time
            or (grant.web_client_id, grant.redirect_uri) != (web_client_id, redirect_uri)
            or not hmac.compare_digest(grant.challenge.encode(), challenge.encode())
        ):
            raise GrantRefusedError("invalid_grant")
        return grant

    def id_token(self, grant: Grant) -> str:
        """The ID token of a browser sign-in; it says who, and nothing about him."""
        claims = self._claims(grant.client, audience=grant.web_client_id, expires_in_s=TOKEN_LIFE_S)
        if grant.personal_number:
            claims["sub"] = subject_of(grant.personal_number)
        if grant.nonce:
            claims["nonce"] = grant.nonce
        return self._sign("JWT", claims, self._key)
