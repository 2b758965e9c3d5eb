"""The population register over HTTP: one keep-alive session, a breaker, 40 % of the time left.

No public description of the real verification service exists (domain research 2026-11); the JSON form is this
suite's own and is played by the sandbox: POST /v1/verifications.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import aiohttp

from chassis.breaker import Breaker, BreakerOpen
from chassis.budget import national_budget
from chassis.rpc.context import remaining_ms
from chassis.telemetry import Telemetry
from identity_svc.domain.errors import RegisterRefusedRequest, RegisterUnavailable
from identity_svc.domain.model import FieldResult, RegisterAnswer, RegisterClaim

PATH: Final = "/v1/verifications"
ANSWER_BYTES_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 64
KEEP_ALIVE_S: Final = 60.0
LEFT_MS_MIN: Final = 150
"""With less left of the deadline the register is not asked: a connection alone takes 200 to 600 ms in the field."""
_REFERENCE = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_FIELDS = ("full_name", "birth_date", "gender", "address")


class _Garbled(ValueError):
    """The answer is not in the agreed form."""


class HttpRegister:
    """Implements RegisterPort against the register's JSON interface."""

    def __init__(
        self, *, base_url: str, client_id: str, client_key: str, breaker: Breaker, telemetry: Telemetry
    ) -> None:
        """Open the session; call it inside the running loop.

        Args:
            base_url: `http://host:port` or https, without a path.
            client_id: Name of this province's client at the register.
            client_key: Its key.
            breaker: Counts RegisterUnavailable alone (`counts_as_trouble`).
        """
        self._url = base_url.rstrip("/") + PATH
        self._breaker = breaker
        self._telemetry = telemetry
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S),
            headers={"X-Client-Id": client_id, "Authorization": f"Bearer {client_key}"},
            # The budget ends the call; a second clock would only blur which of the two did.
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )

    async def verify(self, claim: RegisterClaim) -> RegisterAnswer:
        """As RegisterPort.verify."""
        left_ms = remaining_ms()
        if left_ms is not None and left_ms < LEFT_MS_MIN:
            raise RegisterUnavailable("REGISTER_NO_TIME")
        with self._telemetry.span("registry.verify", kind="client", system="registry") as span:
            try:
                async with self._breaker.guard():
                    answer = await self._within_budget(claim)
            except BreakerOpen:
                span.set("degraded.reason", "REGISTER_LEFT_ALONE")
                raise RegisterUnavailable("REGISTER_LEFT_ALONE") from None
            except RegisterUnavailable as unheard:
                span.fail(unheard.cause)
                raise
            return answer

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    async def _within_budget(self, claim: RegisterClaim) -> RegisterAnswer:
        try:
            async with national_budget():
                return await self._ask(claim)
        except TimeoutError:
            raise RegisterUnavailable("REGISTER_TIMEOUT") from None
        except (aiohttp.ClientPayloadError, _Garbled):
            raise RegisterUnavailable("REGISTER_ANSWER_GARBLED") from None
        except (aiohttp.ClientError, OSError):
            # The library's text names addresses and may quote headers, so it stays here.
            raise RegisterUnavailable("REGISTER_UNREACHABLE") from None

    async def _ask(self, claim: RegisterClaim) -> RegisterAnswer:
        async with self._session.post(self._url, json=_claim_json(claim), allow_redirects=False) as response:
            match response.status:
                case 200:
                    return parse_answer(await _read_limited(response))
                case 400 | 413 | 422:
                    raise RegisterRefusedRequest
                case 401 | 403:
                    raise RegisterUnavailable("REGISTER_REFUSED_CREDENTIALS")
                case 429:
                    raise RegisterUnavailable("REGISTER_OVERLOADED")
                case _:
                    raise RegisterUnavailable("REGISTER_ERROR")


def counts_as_trouble(error: BaseException) -> bool:
    """What the register's breaker counts: not being heard; a refusal of our request is an answer."""
    return isinstance(error, RegisterUnavailable)


def parse_answer(body: bytes) -> RegisterAnswer:
    """Read the register's JSON.

    Raises:
        ValueError: it is not in the agreed form; the text holds no part of it.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise _Garbled("no JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("found"), bool):
        raise _Garbled("no verdict")
    reference = document.get("transaction_id")
    results, reasons = document.get("result_per_field"), document.get("reasons", {})
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise _Garbled("no reference")
    if not isinstance(results, dict) or not isinstance(reasons, dict):
        raise _Garbled("no results")
    return RegisterAnswer(
        found=document["found"],
        results={field: _result(results.get(field)) for field in _FIELDS},
        reasons=_reasons(reasons),
        reference=reference,
    )


def _result(word: object) -> FieldResult:
    if word is None:
        return FieldResult.NOT_CHECKED
    try:
        return FieldResult(str(word))
    except ValueError:
        raise _Garbled("an unknown result") from None


def _reasons(reasons: Mapping[object, object]) -> dict[str, str]:
    """Keep reasons that are codes: free text could carry the register's own data, which may not be kept."""
    words = {field: reasons.get(field) for field in _FIELDS}
    return {field: word for field, word in words.items() if isinstance(word, str) and _REASON.fullmatch(word)}


def _claim_json(claim: RegisterClaim) -> dict[str, str]:
    asked = {
        "personal_number": claim.personal_number,
        "full_name": claim.full_name,
        "birth_date": claim.birth_date,
        "gender": claim.gender.upper(),
        "address": claim.address,
    }
    return {field: value for field, value in asked.items() if value}


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise _Garbled("too long")
    return bytes(body)


__all__ = ["HttpRegister", "counts_as_trouble", "parse_answer"]
