"""The claim services of the insurer's portal over HTTP, in their true form; they share the look-up's sign-in.

Source: letters 3190 (2023) and 1245/BHXH-CNTT (2024): form-urlencoded body, credentials in three headers. The list of
receipts is the one of the 4210 era (a catalogue of the portal's services): nothing newer is public, so its path can be
set or left empty. No header, body or address of this module reaches a log, a span or an exception.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote_plus

import aiohttp
from yarl import URL

from chassis.breaker import Breaker, BreakerOpen
from chassis.telemetry import Telemetry
from insurance_svc.domain.claim_answer import (
    CodeClass,
    FileKind,
    PortalAnswer,
    Receipt,
    SendOutcome,
    class_of,
    read_answer,
    read_receipts,
)
from insurance_svc.external.portal import HttpPortal, LoginFailed
from insurance_svc.external.portal_session import AccountResting, Login, PortalAccount

REPLY_MAX_BYTES = 4 * 1024 * 1024
"""A day's receipts of a large hospital stay far below."""
CONNECTIONS_MAX = 4
KEEP_ALIVE_S = 30.0
_FORM = "application/x-www-form-urlencoded"
_GOOD = 200
_LOGIN_STATUSES = frozenset({401, 403})
_TURNED_AWAY = frozenset({404, 405, 429, 503})
"""Statuses of a door that let nothing in: wrong address, too many calls, maintenance."""
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPaths:
    """Addresses and record types, which changed with each decision and may change again."""

    claim: str = "api/qd130/guiHoSoXmlQD4750"
    claim_type: str = "130"
    """loaiHoSo."""
    check_in: str = "api/qd130/checkInKcbQd4750"
    check_in_type: str = "0"
    receipts: str = "api/egw/nhanChiTietHSNgay4210"
    """Empty: the portal offers none."""


class _Broken(Exception):
    """A call without a usable answer."""

    def __init__(self, reason: str, *, outcome: SendOutcome) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome


def counts_as_trouble(error: BaseException) -> bool:
    """What the breaker counts: no answer in time, or none at all."""
    return isinstance(error, _Broken | TimeoutError)


class HttpClaimPortal:
    """Sends claims and check-ins; one per process, owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        sessions: HttpPortal,
        paths: ClaimPaths,
        telemetry: Telemetry,
        breaker: Breaker,
    ) -> None:
        """Opens no connection before the first call; belongs to the running event loop.

        Args:
            base_url: Scheme and host of the portal.
            sessions: Whose sign-ins are used.
            breaker: Made with `counts=counts_as_trouble`.
        """
        self._base = URL(base_url if base_url.endswith("/") else f"{base_url}/")
        self._sessions = sessions
        self._paths = paths
        self._telemetry = telemetry
        self._breaker = breaker
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.close()

    async def send(
        self, kind: FileKind, *, facility: str, province_code: str, content: bytes, within_ms: int
    ) -> PortalAnswer:
        """Send one file; see insurance_svc.ports.ClaimPortal."""
        with self._telemetry.span("portal.submit", kind="client") as span:
            answer = await self._send(kind, facility, province_code, content, within_ms)
            span.set("outcome", answer.outcome.value.lower())
            if answer.failure_reason:
                span.set("degraded.reason", answer.failure_reason)
            return answer

    async def receipts(
        self, kind: FileKind, *, facility: str, day: date, within_ms: int
    ) -> tuple[Receipt, ...] | None:
        """The day's transactions; see insurance_svc.ports.ClaimPortal."""
        if not self._paths.receipts:
            return None
        with self._telemetry.span("portal.receipts", kind="client") as span:
            try:
                async with self._breaker.guard(), asyncio.timeout(within_ms / 1000):
                    found = await self._list(kind, facility, day)
            except (BreakerOpen, TimeoutError, LoginFailed, AccountResting, _Broken):
                found = None
            span.set("outcome", "failed" if found is None else "answered")
            return found

    async def _send(
        self, kind: FileKind, facility: str, province_code: str, content: bytes, within_ms: int
    ) -> PortalAnswer:
        sent = False
        encoded = await asyncio.to_thread(_encoded, content)
        session = self._sessions.session_of(facility)
        stale: int | None = None
        try:
            session.check_rest()
            async with self._breaker.guard(), asyncio.timeout(within_ms / 1000):
                while True:
                    login = await self._sessions.login(facility, stale=stale)
                    sent = True
                    answer = await self._submit(
                        kind, session.account, login, facility=facility, province=province_code, file=encoded
                    )
                    if not _is_login(answer):
                        session.accepted()
                        return answer
                    # A refused token certainly let nothing in; once with a fresh one, then the account rests.
                    sent = False
                    if stale is not None:
                        session.refused()
                        return answer
                    stale = login.serial
        except BreakerOpen as is_open:
            return PortalAnswer(outcome=SendOutcome.NOT_TAKEN, failure_reason=is_open.reason)
        except AccountResting:
            return PortalAnswer(outcome=SendOutcome.NOT_TAKEN, failure_reason="PORTAL_ACCOUNT_RESTING")
        except LoginFailed as failed:
            return PortalAnswer(outcome=SendOutcome.NOT_TAKEN, failure_reason=str(failed))
        except TimeoutError:
            outcome = SendOutcome.UNKNOWN if sent else SendOutcome.NOT_TAKEN
            return PortalAnswer(outcome=outcome, failure_reason="PORTAL_TIMEOUT")
        except _Broken as broken:
            return PortalAnswer(outcome=broken.outcome, failure_reason=broken.reason)

    async def _submit(
        self, kind: FileKind, account: PortalAccount, login: Login, *, facility: str, province: str, file: str
    ) -> PortalAnswer:
        is_claim = kind is FileKind.CLAIM
        fields = {
            "username": account.username,
            "loaiHoSo": self._paths.claim_type if is_claim else self._paths.check_in_type,
            "maTinh": province,
            "maCSKCB": facility,
        }
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items())
        headers = {
            "Content-Type": _FORM,
            "accessToken": login.access_token,
            "tokenId": login.id_token,
            "passwordHash": account.password_hash,
        }
        status, reply = await self._post(
            self._base / (self._paths.claim if is_claim else self._paths.check_in),
            data=f"{body}&fileHSBase64={file}".encode("ascii"),
            headers=headers,
        )
        if status in _LOGIN_STATUSES:
            return PortalAnswer(outcome=SendOutcome.NOT_TAKEN, code="401")
        if status in _TURNED_AWAY:
            raise _Broken("PORTAL_CLOSED", outcome=SendOutcome.NOT_TAKEN)
        if status == _TOO_LARGE:
            return PortalAnswer(outcome=SendOutcome.REFUSED, failure_reason="PORTAL_FILE_TOO_LARGE")
        answer = read_answer(reply) if status == _GOOD else None
        if answer is None:
            is_page = reply.lstrip()[:1] == b"<"
            raise _Broken("PORTAL_HTML" if is_page else "PORTAL_HTTP_ERROR", outcome=SendOutcome.UNKNOWN)
        return answer

    async def _list(self, kind: FileKind, facility: str, day: date) -> tuple[Receipt, ...] | None:
        """Ask for a day's receipts, once more with a fresh sign-in where the token was refused."""
        session = self._sessions.session_of(facility)
        stale: int | None = None
        for _ in range(2):
            login = await self._sessions.login(facility, stale=stale)
            url = (self._base / self._paths.receipts).with_query(
                {
                    "token": login.access_token,
                    "id_token": login.id_token,
                    "username": session.account.username,
                    "password": session.account.password_hash,
                    "loaiHoSo": self._paths.claim_type
                    if kind is FileKind.CLAIM
                    else self._paths.check_in_type,
                    "maCSKCB": facility,
                    "ngayGui": f"{day:%d/%m/%Y}",
                }
            )
            status, reply = await self._post(url, data=b"", headers={"Content-Type": _FORM})
            refused = status in _LOGIN_STATUSES
            if not refused and status == _GOOD:
                answer = read_answer(reply)
                refused = answer is not None and _is_login(answer)
                if not refused:
                    return read_receipts(reply)
            if not refused:
                return None
            stale = login.serial
        return None

    async def _post(self, url: URL, *, data: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send once and read at most REPLY_MAX_BYTES; a failure tells whether anything can have arrived."""
        try:
            async with self._http.post(url, data=data, headers=headers, allow_redirects=False) as response:
                return response.status, await _read(response)
        except aiohttp.ClientConnectorError:
            raise _Broken("PORTAL_REFUSED", outcome=SendOutcome.NOT_TAKEN) from None
        except (aiohttp.ClientError, ConnectionError, OSError, ValueError):
            raise _Broken("PORTAL_RESET", outcome=SendOutcome.UNKNOWN) from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > REPLY_MAX_BYTES:
            raise _Broken("PORTAL_REPLY_TOO_LARGE", outcome=SendOutcome.UNKNOWN)
    return b"".join(parts)


def _is_login(answer: PortalAnswer) -> bool:
    return bool(answer.code) and class_of(answer.code) is CodeClass.LOGIN


def _encoded(content: bytes) -> str:
    """Base64 for a form: three of its signs have to be written as escapes."""
    text = b64encode(content).decode("ascii")
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
