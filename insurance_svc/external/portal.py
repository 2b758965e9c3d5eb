"""The insurer's portal over HTTP, in its true form: credentials in the query, errors inside good statuses.

Source: Annex 03 of letter 1923/BHXH-CNTT (20/06/2024); the look-up of 2024 is the only one still switched on.
The query holds the token and the password's hash, so no URL of this module reaches a log, a span or an exception.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from yarl import URL

from chassis.breaker import Breaker, BreakerOpen
from chassis.clock import Clock
from chassis.telemetry import Telemetry
from insurance_svc.domain.copayment import COPAYMENT_FORM, read_copayment_code
from insurance_svc.domain.finding import LOGIN_REFUSED, PORTAL_ERROR
from insurance_svc.domain.ladder import RESET
from insurance_svc.domain.model import PortalCall, Rung
from insurance_svc.domain.reply import ReplyUnreadable, read_code
from insurance_svc.external.portal_session import AccountResting, Login, PortalAccount, PortalSession

TOKEN_PATH = "api/token/take"  # noqa: S105  # a path
LOOKUP_PATH = "api/egw/KQNhanLichSuKCB2024"
COPAYMENT_PATH = "api/TraCuuCCT/TraCuuTienMCCT"
"""Letter 1839/CNTT-PM (18/08/2026): credentials in headers, 401 with an empty body."""
RESTING = "PORTAL_ACCOUNT_RESTING"
REPLY_MAX_BYTES = 512 * 1024
"""A look-up with years of visits stays below 100 kB."""
KEEP_ALIVE_S = 30.0
CONNECTIONS_MAX = 16
_TROUBLE_CODES = frozenset({"100", "101", "500"})
"""Result codes that say the portal itself is in trouble; at a sign-in they concern everybody."""
_AUTH_STATUSES = frozenset({401, 403})
_AUTH_CODES = frozenset({"401", "501", "999"})
_GOOD = 200


_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"


class _CallFailed(Exception):
    """A call without an answer; holds the reason and the bytes that came, never a URL."""

    def __init__(self, reason: str, *, reply: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class LoginFailed(Exception):
    """There is no sign-in now; the text is the reason, UPPER_SNAKE."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One question in one of the portal's two forms."""

    span: str
    form: str
    rung: Rung
    send: Callable[[Rung, PortalAccount, Login], Awaitable[tuple[bytes, str]]]
    """Sends it with a sign-in: the raw reply and its result code."""


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

    def session_of(self, facility: str) -> PortalSession:
        """The facility's sign-in, which the portal's other services share."""
        return self._sessions.get(facility, self._default)

    async def login(self, facility: str, *, stale: int | None = None) -> Login:
        """The facility's living sign-in, for those services.

        Raises:
            LoginFailed: the portal gave none, or the account rests.
        """
        try:
            return await self.session_of(facility).login(stale=stale)
        except AccountResting:
            raise LoginFailed(RESTING) from None
        except _CallFailed as failed:
            raise LoginFailed(failed.reason) from None

    async def look_up(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Ask once for the card; see insurance_svc.ports.Portal."""
        ask = _Ask(span="portal.lookup", form=rung.form, rung=rung, send=self._ask_card)
        return await self._call(ask, facility, within_ms, exchange_id, stale_login)

    async def copayments(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Ask once for the copayments of the year; see insurance_svc.ports.Portal."""
        form = f"{COPAYMENT_FORM}{rung.form}"
        ask = _Ask(span="portal.copayments", form=form, rung=rung, send=self._ask_copayments)
        return await self._call(ask, facility, within_ms, exchange_id, stale_login)

    async def _call(
        self, ask: _Ask, facility: str, within_ms: int, exchange_id: str, stale_login: int | None
    ) -> PortalCall:
        """One call with its span, breaker and timeout; whatever happens is told in what it gives."""
        send_time = self._clock.now()
        answer = _Answer()
        session = self.session_of(facility)
        with self._telemetry.span(ask.span, kind="client") as span:
            try:
                # Before the breaker: what is not sent proves nothing about the portal.
                session.check_rest()
                async with self._breaker.guard(), asyncio.timeout(within_ms / 1000):
                    await self._exchange(answer, session, ask, stale_login)
            except BreakerOpen as is_open:
                answer.failure = is_open.reason
            except AccountResting:
                answer.failure = RESTING
            except TimeoutError:
                answer.failure = "PORTAL_TIMEOUT"
            except _CallFailed as failed:
                answer.failure, answer.reply = failed.reason, failed.reply
            span.set("outcome", "failed" if answer.failure else "answered")
            if answer.failure:
                span.set("degraded.reason", answer.failure)
        return PortalCall(
            form=ask.form,
            send_time=send_time,
            receive_time=self._clock.now(),
            reply=answer.reply,
            code=answer.code,
            failure_reason=answer.failure,
            login_serial=answer.login_serial,
            exchange_id=exchange_id,
            sent=ask.rung,
        )

    async def _exchange(
        self, answer: _Answer, session: PortalSession, ask: _Ask, stale_login: int | None
    ) -> None:
        """Sign in where needed and ask; raises _CallFailed without an answer."""
        login = await session.login(stale=stale_login)
        answer.login_serial = login.serial
        answer.reply, answer.code = await ask.send(ask.rung, session.account, login)
        if answer.code not in _AUTH_CODES:
            session.accepted()
        elif stale_login is not None:
            session.refused()

    async def _ask_card(self, rung: Rung, account: PortalAccount, login: Login) -> tuple[bytes, str]:
        """The raw reply and its result code."""
        body = {
            "maThe": rung.identifier,
            "hoTen": rung.full_name,
            "ngaySinh": rung.birth_text,
            "hoTenCb": account.staff_name,
            "cccdCb": account.staff_number,
        }
        status, reply = await self._post(self._lookup_url(account, login), data=_json(body))
        if status in _AUTH_STATUSES:
            # The body may be empty or a page; the status alone says that the token is not taken.
            return reply, "401"
        return reply, _code(status, reply)

    async def _ask_copayments(self, rung: Rung, account: PortalAccount, login: Login) -> tuple[bytes, str]:
        """The raw reply about the year's copayments and its result code."""
        body = {
            "username": account.username,
            "maThe": rung.identifier,
            "hoTen": rung.full_name,
            "ngaySinh": rung.birth_text,
        }
        headers = {
            "accessToken": login.access_token,
            "tokenId": login.id_token,
            "passwordHash": account.password_hash,
        }
        status, reply = await self._post(self._base / COPAYMENT_PATH, data=_json(body), headers=headers)
        if status in _AUTH_STATUSES:
            return reply, "401"
        return reply, _code(status, reply, read=read_copayment_code)

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
        try:
            return await self._sign_in(account)
        except _CallFailed as failed:
            if failed.reason == LOGIN_REFUSED:
                self._session_of(account).refused()
            raise

    def _session_of(self, account: PortalAccount) -> PortalSession:
        return next(each for each in (self._default, *self._sessions.values()) if each.account is account)

    async def _sign_in(self, account: PortalAccount) -> tuple[str, str, object]:
        form = aiohttp.FormData({"username": account.username, "password": account.password_hash})
        with self._telemetry.span("portal.login", kind="client"):
            status, reply = await self._post(self._base / TOKEN_PATH, data=form, content_type=_FORM)
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
        self,
        url: URL,
        *,
        data: bytes | aiohttp.FormData,
        content_type: str = _JSON,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Send once and read at most REPLY_MAX_BYTES; every failure becomes a reason without the URL."""
        try:
            async with self._http.post(
                url,
                data=data,
                headers={"Content-Type": content_type, **(headers or {})},
                allow_redirects=False,
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


def _json(body: Mapping[str, str]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8")


def _code(status: int, reply: bytes, *, read: Callable[[bytes], str] = read_code) -> str:
    """The result code of a reply; good is HTTP 200 and a known form, anything else is no answer."""
    if status != _GOOD:
        raise _CallFailed("PORTAL_HTTP_ERROR", reply=reply)
    with suppress(ReplyUnreadable):
        return read(reply)
    is_page = reply.lstrip()[:1] == b"<"
    raise _CallFailed("PORTAL_HTML" if is_page else "PORTAL_NOT_JSON", reply=reply)
