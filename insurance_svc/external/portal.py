"""The insurer's portal over HTTP, in its true form: credentials in the query, errors inside good statuses.

Source: Annex 03 of letter 1923/BHXH-CNTT (20/06/2024); the look-up of 2024 is the only one still switched on.
The query holds the token and the password's hash, so no URL of this module reaches a log, a span or an exception.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from yarl import URL

from chassis.breaker import Breaker, BreakerOpen
from chassis.clock import Clock
from chassis.telemetry import Telemetry
from insurance_svc.domain.finding import LOGIN_REFUSED, PORTAL_ERROR
from insurance_svc.domain.ladder import RESET
from insurance_svc.domain.model import PortalCall, Rung
from insurance_svc.domain.reply import ReplyUnreadable, read_code
from insurance_svc.external.portal_session import Login, PortalAccount, PortalSession

TOKEN_PATH = "api/token/take"  # noqa: S105  # a path
LOOKUP_PATH = "api/egw/KQNhanLichSuKCB2024"
REPLY_MAX_BYTES = 512 * 1024
"""A look-up with years of visits stays below 100 kB."""
KEEP_ALIVE_S = 30.0
CONNECTIONS_MAX = 16
_TROUBLE_CODES = frozenset({"100", "101", "500"})
"""Result codes that say the portal itself is in trouble; at a sign-in they concern everybody."""
_AUTH_STATUSES = frozenset({401, 403})
_GOOD = 200


class _CallFailed(Exception):
    """A call without an answer; holds the reason and the bytes that came, never a URL."""

    def __init__(self, reason: str, *, reply: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


def counts_as_trouble(error: BaseException) -> bool:
    """What the breaker counts: no answer in time, or none at all.

    A refused sign-in comes from a living portal, and so does a result code of its own trouble (100, 101, 500): one card
    that the portal cannot read must not shut out everybody else.
    """
    if isinstance(error, _CallFailed):
        return error.reason != LOGIN_REFUSED
    return isinstance(error, TimeoutError)


@dataclass(slots=True)
class _Answer:
    """What is known of a call so far; filled while it goes on, so that a failure keeps what came before it."""

    reply: bytes = b""
    code: str = ""
    failure: str = ""
    login_serial: int = 0


class HttpPortal:
    """Asks the portal; one per process, owns its connections."""

    def __init__(
        self,
        base_url: str,
        *,
        accounts: Mapping[str, PortalAccount],
        default_account: PortalAccount,
        clock: Clock,
        telemetry: Telemetry,
        breaker: Breaker,
    ) -> None:
        """Opens no connection before the first call; belongs to the running event loop.

        Args:
            base_url: Scheme and host of the portal.
            accounts: By facility.
            default_account: Of facilities without one of their own.
            breaker: Made with `counts=counts_as_trouble`.
        """
        self._base = URL(base_url if base_url.endswith("/") else f"{base_url}/")
        self._clock = clock
        self._telemetry = telemetry
        self._breaker = breaker
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S),
            # Cookies of one account must not ride with another's question.
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._lookup_urls: dict[str, tuple[Login, URL]] = {}
        self._default = PortalSession(default_account, self._take_token, clock=clock)
        self._sessions = {
            facility: PortalSession(account, self._take_token, clock=clock)
            for facility, account in accounts.items()
        }

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.close()

    async def look_up(
        self, rung: Rung, *, facility: str, within_ms: int, stale_login: int | None = None
    ) -> PortalCall:
        """Ask once; see insurance_svc.ports.Portal."""
        send_time = self._clock.now()
        answer = _Answer()
        with self._telemetry.span("portal.lookup", kind="client") as span:
            try:
                async with self._breaker.guard(), asyncio.timeout(within_ms / 1000):
                    await self._exchange(answer, rung, facility=facility, stale_login=stale_login)
            except BreakerOpen as is_open:
                answer.failure = is_open.reason
            except TimeoutError:
                answer.failure = "PORTAL_TIMEOUT"
            except _CallFailed as failed:
                answer.failure, answer.reply = failed.reason, failed.reply
            span.set("outcome", "failed" if answer.failure else "answered")
            if answer.failure:
                span.set("degraded.reason", answer.failure)
        return PortalCall(
            form=rung.form,
            send_time=send_time,
            receive_time=self._clock.now(),
            reply=answer.reply,
            code=answer.code,
            failure_reason=answer.failure,
            login_serial=answer.login_serial,
        )

    async def _exchange(self, answer: _Answer, rung: Rung, *, facility: str, stale_login: int | None) -> None:
        """Sign in where needed and ask; raises _CallFailed without an answer."""
        session = self._sessions.get(facility, self._default)
        login = await session.login(stale=stale_login)
        answer.login_serial = login.serial
        answer.reply, answer.code = await self._ask(rung, session.account, login)

    async def _ask(self, rung: Rung, account: PortalAccount, login: Login) -> tuple[bytes, str]:
        """The raw reply and its result code."""
        body = {
            "maThe": rung.identifier,
            "hoTen": rung.full_name,
            "ngaySinh": rung.birth_text,
            "hoTenCb": account.staff_name,
            "cccdCb": account.staff_number,
        }
        status, reply = await self._post(
            self._lookup_url(account, login),
            data=json.dumps(body, ensure_ascii=False).encode("utf-8"),
            content_type="application/json; charset=utf-8",
        )
        if status in _AUTH_STATUSES:
            # The body may be empty or a page; the status alone says that the token is not taken.
            return reply, "401"
        return reply, _code(status, reply)

    def _lookup_url(self, account: PortalAccount, login: Login) -> URL:
        """The address of a look-up: built once per sign-in, since quoting takes longer than reading the answer."""
        known = self._lookup_urls.get(account.username)
        if known is not None and known[0] is login:
            return known[1]
        query = {
            "token": login.access_token,
            "id_token": login.id_token,
            "username": account.username,
            "password": account.password_hash,
        }
        url = (self._base / LOOKUP_PATH).with_query(query)
        self._lookup_urls[account.username] = (login, url)
        return url

    async def _take_token(self, account: PortalAccount) -> tuple[str, str, object]:
        """Sign in; the reply is a secret and no evidence."""
        form = aiohttp.FormData({"username": account.username, "password": account.password_hash})
        with self._telemetry.span("portal.login", kind="client"):
            status, reply = await self._post(
                self._base / TOKEN_PATH, data=form, content_type="application/x-www-form-urlencoded"
            )
        if status in _AUTH_STATUSES:
            raise _CallFailed(LOGIN_REFUSED)
        try:
            code = _code(status, reply)
        except _CallFailed as failed:
            raise _CallFailed(failed.reason) from None
        if code in _TROUBLE_CODES:
            raise _CallFailed(PORTAL_ERROR)
        key = json.loads(reply).get("APIKey")
        if code != str(_GOOD) or not isinstance(key, dict):
            raise _CallFailed(LOGIN_REFUSED)
        access_token, id_token = key.get("access_token"), key.get("id_token")
        if not isinstance(access_token, str) or not isinstance(id_token, str) or not access_token:
            raise _CallFailed(LOGIN_REFUSED)
        return access_token, id_token, key.get("expires_in")

    async def _post(
        self, url: URL, *, data: bytes | aiohttp.FormData, content_type: str
    ) -> tuple[int, bytes]:
        """Send once and read at most REPLY_MAX_BYTES; every failure becomes a reason without the URL."""
        try:
            async with self._http.post(
                url, data=data, headers={"Content-Type": content_type}, allow_redirects=False
            ) as response:
                return response.status, await _read(response)
        except aiohttp.ClientConnectorError:
            raise _CallFailed("PORTAL_REFUSED") from None
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError):
            raise _CallFailed(RESET) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise _CallFailed("PORTAL_HTTP_ERROR") from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > REPLY_MAX_BYTES:
            raise _CallFailed("PORTAL_REPLY_TOO_LARGE", reply=b"".join(parts)[:REPLY_MAX_BYTES])
    return b"".join(parts)


def _code(status: int, reply: bytes) -> str:
    """The result code of a reply; good is HTTP 200 and a known form, anything else is no answer."""
    if status != _GOOD:
        raise _CallFailed("PORTAL_HTTP_ERROR", reply=reply)
    with suppress(ReplyUnreadable):
        return read_code(reply)
    is_page = reply.lstrip()[:1] == b"<"
    raise _CallFailed("PORTAL_HTML" if is_page else "PORTAL_NOT_JSON", reply=reply)
