"""The portal's sign-in: accounts, tokens with an end, and the many ways it writes that end."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.person import JsonObject

MAX_TOKENS = 10_000
EXPIRES_FORMS: dict[str, Callable[[datetime], object]] = {
    "zulu": lambda end: end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "fraction": lambda end: end.strftime("%Y-%m-%dT%H:%M:%S.%f") + "7Z",
    "offset": lambda end: end.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "naive": lambda end: end.strftime("%Y-%m-%dT%H:%M:%S"),
    "space": lambda end: end.strftime("%Y-%m-%d %H:%M:%S"),
    "slashes": lambda end: end.strftime("%d/%m/%Y %H:%M:%S"),
    "seconds": lambda _end: 600,
    "garbage": lambda _end: "không rõ",
    "missing": lambda _end: None,
}
"""How `expires_in` is written. By the annex it is a UTC date-time; practice differs."""


def password_hash(password: str) -> str:
    """MD5 as upper-case hex, the form the portal's interface demands."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One sign-in."""

    access_token: str
    id_token: str
    username: str
    expire_time: datetime

    def to_reply(self, form: str) -> JsonObject:
        """The body of a good sign-in with `expires_in` in the given form."""
        return {
            "maKetQua": "200",
            "APIKey": {
                "access_token": self.access_token,
                "id_token": self.id_token,
                "token_type": "bearer",
                "username": self.username,
                "expires_in": EXPIRES_FORMS[form](self.expire_time),
            },
        }


class TokenDesk:
    """Gives tokens out and says whose they are."""

    def __init__(self, *, usernames: tuple[str, ...], password: str, token_life_s: int) -> None:
        assert token_life_s > 0, token_life_s
        self._usernames = usernames
        self._password_hash = password_hash(password)
        self._token_life = timedelta(seconds=token_life_s)
        self._tokens: dict[str, Token] = {}

    def knows(self, username: str, given_hash: str) -> bool:
        """True for a known account and exactly the upper-case hash of its password."""
        return username in self._usernames and hmac.compare_digest(
            given_hash.encode(), self._password_hash.encode()
        )

    def take(self, username: str, now: datetime) -> Token:
        """Give out a new token."""
        if len(self._tokens) >= MAX_TOKENS:
            self._tokens.pop(next(iter(self._tokens)))
        token = Token(
            access_token=secrets.token_urlsafe(48),
            id_token=str(uuid.uuid4()),
            username=username,
            expire_time=now + self._token_life,
        )
        self._tokens[token.access_token] = token
        return token

    def owner(self, access_token: str, id_token: str, now: datetime) -> str | None:
        """The account a living token belongs to, or None."""
        token = self._tokens.get(access_token)
        if token is None or token.id_token != id_token or now >= token.expire_time:
            return None
        return token.username

    def forget(self, access_token: str) -> None:
        """End a token before its time."""
        self._tokens.pop(access_token, None)
