"""Signing in to the portal: one token per account, taken once for all who wait, and renewed before it ends."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chassis.clock import Clock

SHORT_LIFE = timedelta(minutes=5)
"""Life of a token whose end cannot be read; the portal's own default is ten minutes (letter 1839, 18/08/2026)."""
LIFE_MAX = timedelta(hours=20)
"""No end further away is believed: the longest seen in hospital code."""
_EARLY_MAX = timedelta(seconds=60)
REST_FIRST = timedelta(seconds=30)
REST_MAX = timedelta(minutes=15)
"""How long a refused account is left alone, from the first refusal on and at most."""
_FRACTION = re.compile(r"(\.[0-9]{1,6})[0-9]*")
_SLASHES = "%d/%m/%Y %H:%M:%S"
_SECONDS_MAX = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalAccount:
    """What a facility signs in and asks with."""

    username: str
    password: str = field(repr=False)
    staff_name: str = field(repr=False)
    """Registered staff member, as the portal demands since 01/08/2024."""
    staff_number: str = field(repr=False)

    @property
    def password_hash(self) -> str:
        """MD5 in upper-case hex: the portal's interface demands it, nothing else in the suite uses it."""
        return _md5(self.password)


@lru_cache(maxsize=64)
def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8"), usedforsecurity=False).hexdigest().upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One sign-in."""

    serial: int
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_time: datetime
    """From when on a new one is taken, a little before the end."""


SignIn = Callable[[PortalAccount], Awaitable[tuple[str, str, object]]]
"""Takes a token: access token, id token, and `expires_in` as it came."""


class AccountResting(Exception):
    """The portal refused the account a moment ago; nothing was sent."""


class PortalSession:
    """The living sign-in of one account.

    Accounts that ask blindly may be restricted (letter 1839/CNTT-PM of 18/08/2026), and a wrong password sent again for
    every patient is blind: a refused account rests, longer after each refusal, until a call with it is answered.
    """

    def __init__(self, account: PortalAccount, sign_in: SignIn, *, clock: Clock) -> None:
        self.account = account
        self._sign_in = sign_in
        self._clock = clock
        self._login: Login | None = None
        self._serial = 0
        self._turn = asyncio.Lock()
        self._refusals = 0
        self._rest_until: datetime | None = None

    def check_rest(self) -> None:
        """Raises AccountResting while the account is left alone."""
        if self._rest_until is not None and self._clock.now() < self._rest_until:
            raise AccountResting

    def refused(self) -> None:
        """The portal refused the account, or a token fresh from its desk."""
        rest = min(REST_FIRST * 2 ** min(self._refusals, 16), REST_MAX)
        self._refusals += 1
        self._rest_until = self._clock.now() + rest

    def accepted(self) -> None:
        """A call with this account was answered."""
        self._refusals, self._rest_until = 0, None

    async def login(self, *, stale: int | None = None) -> Login:
        """The living sign-in; a new one when there is none, it ends soon, or it is the refused one.

        Whoever waits for the turn finds the sign-in of the one before: many callers make one request.

        Raises:
            AccountResting: the one before was refused.
        """
        if (living := self._living(stale)) is not None:
            return living
        async with self._turn:
            if (living := self._living(stale)) is not None:
                return living
            self.check_rest()
            self._login = None
            access_token, id_token, end = await self._sign_in(self.account)
            now = self._clock.now()
            life = read_end(end, now=now) - now
            self._serial += 1
            self._login = Login(
                serial=self._serial,
                access_token=access_token,
                id_token=id_token,
                refresh_time=now + life - min(_EARLY_MAX, life / 5),
            )
            return self._login

    def _living(self, stale: int | None) -> Login | None:
        """The sign-in in use, unless it is the refused one or near its end."""
        living = self._login
        if living is None or living.serial == stale or self._clock.now() >= living.refresh_time:
            return None
        return living


def read_end(value: object, *, now: datetime) -> datetime:
    """The end of a token from `expires_in`, which is a UTC date-time by the annex and anything in practice.

    ISO with or without zone, more than six decimals, a space for the T, dd/MM/yyyy HH:mm:ss, and seconds are read. What
    cannot be read, has passed, or is further than LIFE_MAX away gives a safe end instead.
    Source: annex of letter 1923/BHXH-CNTT (20/06/2024); the forms were seen in public hospital code.
    """
    end = _moment(value, now)
    if end is None or end <= now:
        return now + SHORT_LIFE
    return min(end, now + LIFE_MAX)


def _moment(value: object, now: datetime) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdecimal()):
        seconds = float(value)
        return now + timedelta(seconds=seconds) if 0 < seconds <= _SECONDS_MAX else None
    if not isinstance(value, str):
        return None
    text = _FRACTION.sub(r"\1", value.strip())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.strptime(text, _SLASHES)  # noqa: DTZ007  # the zone is put below
        except ValueError:
            return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
