"""Internal tokens: the gateway vouches for persons, a service for itself, and every service checks both.

Run `python -m chassis.rpc.tokens PRIVATE PUBLIC --issuer gateway` to make a pair of keys; several issuers
share one public file. Form: a JWT signed with Ed25519 (RFC 9864), 5 minutes, audience `lienthong-internal`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from chassis.errors import TokenExpired, TokenIssuerRefused, TokenRefused
from chassis.rpc.context import Caller

AUDIENCE = "lienthong-internal"
GATEWAY = "gateway"
TTL_S = 300
LEEWAY_S = 60
SERVICE_ROLE = "SERVICE"
_ALGORITHM = "Ed25519"
_TYPE = "lt-internal+jwt"
_CACHE_MAX = 4_096
# A minted token is handed out again while it has at least this long to live.
_MINT_AGAIN_S = 120
_TOKEN_CHARS_MAX = 4_096


class Authenticator(Protocol):
    """Turns the token of a call into its caller; the gateway's front has its own."""

    def verify(self, token: str) -> Caller:
        """The caller behind the token; raises a chassis.errors.Unauthenticated."""
        ...


class Minter:
    """Signs tokens in the name of one issuer; hands a fresh enough one out again.

    Args:
        key: The private key, as `load_signing_key` reads it.
        now: Seconds since 1970.
    """

    def __init__(self, key: OKPKey, *, now: Callable[[], float] = time.time, ttl_s: int = TTL_S) -> None:
        self._key = key
        self._now = now
        self._ttl_s = ttl_s
        self.issuer = _issuer_of(key.kid)
        self._ready: dict[tuple[object, ...], tuple[float, str]] = {}

    def mint(self, caller: Caller) -> str:
        """A token that says who `caller` is; `token` and `service` of the argument are not looked at."""
        name = (caller.subject, caller.roles, caller.facility, caller.purpose)
        now = self._now()
        ready = self._ready.get(name)
        if ready is not None and ready[0] - now > _MINT_AGAIN_S:
            return ready[1]
        expires = int(now) + self._ttl_s
        token = jwt.encode(
            {"alg": _ALGORITHM, "kid": self._key.kid, "typ": _TYPE},
            {
                "iss": self.issuer,
                "aud": AUDIENCE,
                "sub": caller.subject,
                "roles": sorted(caller.roles),
                "fac": caller.facility,
                "pur": caller.purpose,
                "iat": int(now),
                "exp": expires,
                "jti": str(uuid.uuid4()),
            },
            self._key,
            algorithms=[_ALGORITHM],
        )
        if len(self._ready) >= _CACHE_MAX:
            self._ready.clear()
        self._ready[name] = (expires, token)
        return token

    def service_caller(self, *, purpose: str = "operation") -> Caller:
        """The service itself as a caller with role SERVICE, its token minted or still fresh."""
        me = Caller(
            subject=f"services/{self.issuer}",
            roles=frozenset({SERVICE_ROLE}),
            purpose=purpose,
            service=self.issuer,
        )
        return Caller(
            subject=me.subject, roles=me.roles, purpose=purpose, token=self.mint(me), service=self.issuer
        )


class Verifier:
    """Checks tokens with the public keys of all issuers; a token seen before costs a dictionary look-up.

    Args:
        keys: Public keys; the `kid` of each begins with its issuer's name.
        now: Seconds since 1970.
    """

    def __init__(
        self, keys: KeySet, *, now: Callable[[], float] = time.time, leeway_s: int = LEEWAY_S
    ) -> None:
        self._keys = keys
        self._now = now
        self._leeway_s = leeway_s
        self._seen: dict[str, tuple[float, Caller]] = {}

    @classmethod
    def from_file(cls, path: Path) -> Verifier:
        """A verifier with the public keys of a JWKS file."""
        return cls(KeySet.import_key_set(json.loads(path.read_text())))

    def verify(self, token: str) -> Caller:
        """The caller behind a token.

        Raises:
            TokenExpired: it ended more than the leeway ago.
            TokenIssuerRefused: a service other than the gateway vouches for a person.
            TokenRefused: anything else is wrong with it.
        """
        seen = self._seen.get(token)
        if seen is not None:
            if seen[0] > self._now():
                return seen[1]
            del self._seen[token]
            raise TokenExpired
        until, caller = self._read(token)
        if len(self._seen) >= _CACHE_MAX:
            self._seen.pop(next(iter(self._seen)))
        self._seen[token] = (until, caller)
        return caller

    def _read(self, token: str) -> tuple[float, Caller]:
        if len(token) > _TOKEN_CHARS_MAX:
            raise TokenRefused
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[_ALGORITHM])
        except (JoseError, ValueError) as cause:
            raise TokenRefused from cause
        claims = decoded.claims
        issuer = _issuer_of(decoded.header.get("kid"))
        if decoded.header.get("typ") != _TYPE or claims.get("aud") != AUDIENCE or claims.get("iss") != issuer:
            raise TokenRefused
        until = _number(claims, "exp") + self._leeway_s
        now = self._now()
        if _number(claims, "iat") - self._leeway_s > now:
            raise TokenRefused
        if until <= now:
            raise TokenExpired
        caller = _caller(claims, token)
        if issuer != GATEWAY and caller.roles != {SERVICE_ROLE}:
            raise TokenIssuerRefused
        return until, caller


def _caller(claims: Mapping[str, Any], token: str) -> Caller:  # Any: claims are JSON, checked here
    subject, roles = claims.get("sub"), claims.get("roles")
    facility, purpose = claims.get("fac", ""), claims.get("pur", "")
    texts = [subject, facility, purpose, *(roles if isinstance(roles, list) else [None])]
    if not subject or not all(isinstance(text, str) for text in texts):
        raise TokenRefused
    return Caller(
        subject=str(subject), roles=frozenset(roles or ()), facility=facility, purpose=purpose, token=token
    )


def _number(claims: Mapping[str, Any], name: str) -> float:  # Any: claims are JSON, checked here
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused
    return float(value)


def _issuer_of(kid: object) -> str:
    """The issuer a key belongs to; the binding stands in our own key file, not in the token."""
    return str(kid or "").partition(".")[0]


def generate_token_keys(private_path: Path, public_path: Path, *, issuer: str = GATEWAY) -> None:
    """Write a new private key (mode 0600) and add its public half to the shared public file.

    Args:
        private_path: JWK file of the issuer; replaced when it exists.
        public_path: JWKS file of all services; older keys of the issuer stay, for tokens still out.
        issuer: `gateway`, or the name of the service that acts for itself.
    """
    assert issuer.isidentifier(), issuer
    key = OKPKey.generate_key("Ed25519", {"alg": _ALGORITHM, "use": "sig"})
    private = {**key.as_dict(private=True), "kid": f"{issuer}.{key.thumbprint()[:16]}"}
    public = {name: value for name, value in private.items() if name != "d"}
    known = json.loads(public_path.read_text())["keys"] if public_path.exists() else []
    for path, text, mode in (
        (private_path, json.dumps(private), 0o600),
        (public_path, json.dumps({"keys": [*known, public]}, indent=1), 0o644),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        beside.replace(path)


def load_signing_key(path: Path) -> OKPKey:
    """The private key of a file `generate_token_keys` wrote."""
    return OKPKey.import_key(json.loads(path.read_text()))


def main() -> None:
    """Make a pair of token keys from the command line."""
    parser = argparse.ArgumentParser(prog="python -m chassis.rpc.tokens", description=__doc__)
    parser.add_argument("private", type=Path)
    parser.add_argument("public", type=Path)
    parser.add_argument("--issuer", default=GATEWAY)
    arguments = parser.parse_args()
    generate_token_keys(arguments.private, arguments.public, issuer=arguments.issuer)


if __name__ == "__main__":
    main()
