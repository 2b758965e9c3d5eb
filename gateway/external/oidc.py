"""Checks the tokens that clients bring against the OIDC issuer's keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.errors import TokenExpired, TokenRefused
from chassis.rpc.context import Caller
from chassis.rpc.tokens import Minter
from gateway.domain.errors import SignInUnavailable

ALGORITHMS = ["ES256"]
LEEWAY_S = 30
_TOKEN_CHARS_MAX = 4_096
_CACHE_MAX = 4_096
_FETCH_TIMEOUT_S = 5.0
_RETRY_FIRST_S = 0.25
_RETRY_LAST_S = 10.0
_ROLES = frozenset({"CITIZEN", "CLERK", "CLINICIAN", "CASHIER", "STEWARD", "OPERATOR", "AUDITOR", "DEVICE"})
"""Roles an issuer may give; SERVICE is only ever minted inside the suite."""

_log = structlog.get_logger("gateway.oidc")


class OidcVerifier:
    """Turns an issuer's token into a caller with an internal token for the services.

    A token seen before costs a dictionary look-up until it expires, so the keys are used once per sign-in.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        refresh_s: int,
        minter: Minter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._refresh_s = refresh_s
        self._minter = minter
        self._now = now
        self._keys: KeySet | None = None
        self._seen: dict[str, tuple[float, Caller]] = {}
        self._wanted = asyncio.Event()

    def verify(self, token: str) -> Caller:
        """The caller behind a token.

        Raises:
            TokenExpired, TokenRefused: as named.
            SignInUnavailable: the issuer's keys were never fetched yet.
        """
        now = self._now()
        seen = self._seen.get(token)
        if seen is None:
            seen = self._read(token, now)
            if len(self._seen) >= _CACHE_MAX:
                self._seen.pop(next(iter(self._seen)))
            self._seen[token] = seen
        until, caller = seen
        if until <= now:
            self._seen.pop(token, None)
            raise TokenExpired
        return Caller(
            subject=caller.subject,
            roles=caller.roles,
            facility=caller.facility,
            purpose=caller.purpose,
            token=self._minter.mint(caller),
        )

    def use_keys(self, key_set: Mapping[str, Any]) -> None:  # Any: a JWKS is the issuer's own JSON
        """Take the issuer's keys; tokens judged by older keys are judged again."""
        self._keys = KeySet.import_key_set(dict(key_set))  # type: ignore[arg-type]  # joserfc types it as a TypedDict
        self._seen.clear()

    async def run(self) -> None:
        """Fetch the keys now, when a key is unknown, and every `refresh_s`; never ends."""
        wait_s = _RETRY_FIRST_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_FETCH_TIMEOUT_S)) as session:
            while True:
                try:
                    self.use_keys(await self._fetch(session))
                    wait_s = _RETRY_FIRST_S
                    await self._wait(self._refresh_s)
                except (aiohttp.ClientError, TimeoutError, JoseError, KeyError, ValueError) as error:
                    _log.warning("issuer keys not fetched", error_type=type(error).__name__)
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, _RETRY_LAST_S)

    async def _fetch(self, session: aiohttp.ClientSession) -> Mapping[str, Any]:  # Any: JSON
        async with session.get(f"{self._issuer}/.well-known/openid-configuration") as answer:
            configuration = await answer.json()
        if configuration["issuer"] != self._issuer:
            raise ValueError
        async with session.get(configuration["jwks_uri"]) as answer:
            keys: Mapping[str, Any] = await answer.json()
            return keys

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wanted.wait(), seconds)
        except TimeoutError:
            return
        # An attacker's made-up kids may not make us hammer the issuer.
        await asyncio.sleep(_RETRY_FIRST_S)
        self._wanted.clear()

    def _read(self, token: str, now: float) -> tuple[float, Caller]:
        if self._keys is None:
            raise SignInUnavailable
        if len(token) > _TOKEN_CHARS_MAX:
            raise TokenRefused
        try:
            decoded = jwt.decode(token, self._keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError) as cause:
            self._wanted.set()
            raise TokenRefused from cause
        claims = decoded.claims
        expires, issued = claims.get("exp"), claims.get("iat", 0)
        if claims.get("iss") != self._issuer or not self._is_for_us(claims.get("aud")):
            raise TokenRefused
        if not isinstance(expires, int) or not isinstance(issued, int) or issued - LEEWAY_S > now:
            raise TokenRefused
        until = expires + LEEWAY_S
        if until <= now:
            raise TokenExpired
        return until, _caller(claims)

    def _is_for_us(self, audience: object) -> bool:
        return audience == self._audience or (isinstance(audience, list) and self._audience in audience)


def _caller(claims: Mapping[str, Any]) -> Caller:  # Any: claims are JSON, checked here
    subject, roles, facility = claims.get("sub"), claims.get("roles"), claims.get("facility", "")
    if not isinstance(subject, str) or not subject or not isinstance(facility, str):
        raise TokenRefused
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenRefused
    return Caller(
        subject=subject,
        roles=frozenset(role.upper() for role in roles) & _ROLES,
        facility=facility,
        purpose="treatment",
    )
