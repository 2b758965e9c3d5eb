"""Signs in and connects to a running gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import aiohttp

from chassis.errors import AppError, Kind
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.credentials import Tls, tls_of
from chassis.rpc.dial import dial
from chassis.telemetry import Telemetry
from lienthong.gateway.v1.gateway_pb2_grpc import GatewayServiceStub

if TYPE_CHECKING:
    from lienthong.gateway.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

S = TypeVar("S")

GATEWAY = "127.0.0.1:7005"
ISSUER = "http://127.0.0.1:7104"
DEADLINE_MS = 5_000
_SIGN_IN_TIMEOUT_S = 10.0


class SignInRefused(AppError):
    """The issuer gave no token."""

    kind = Kind.UNAUTHENTICATED
    reason = "SIGN_IN_REFUSED"
    vi = "Đăng nhập không thành công; hãy kiểm tra tài khoản và địa chỉ hệ thống đăng nhập."

    def __init__(self, status: int) -> None:
        super().__init__(
            "Check LIENTHONG_CLIENT_ID, LIENTHONG_CLIENT_SECRET and LIENTHONG_ISSUER.", status=status
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach the gateway and as whom."""

    gateway: str = GATEWAY
    token: str = ""
    """A token that is there already; else one is asked for."""
    issuer: str = ISSUER
    client_id: str = ""
    client_secret: str = ""
    deadline_ms: int = DEADLINE_MS
    tls: Tls | None = None
    """Our certificate and the CA, where the gateway asks for one."""

    @classmethod
    def from_environment(cls, *, gateway: str | None, deadline_ms: int | None) -> Access:
        """What the environment says, with what the command line says over it."""
        return cls(
            gateway=gateway or os.environ.get("LIENTHONG_GATEWAY", GATEWAY),
            token=os.environ.get("LIENTHONG_TOKEN", ""),
            issuer=os.environ.get("LIENTHONG_ISSUER", ISSUER).rstrip("/"),
            client_id=os.environ.get("LIENTHONG_CLIENT_ID", ""),
            client_secret=os.environ.get("LIENTHONG_CLIENT_SECRET", ""),
            deadline_ms=deadline_ms or DEADLINE_MS,
            tls=tls_of(*(_path_of(f"LIENTHONG_TLS_{part}_FILE") for part in ("CERT", "KEY", "CA"))),
        )


class Gateway:
    """A connected gateway: `async with gateway.call() as stub` makes calls under one deadline."""

    def __init__(self, channel: Channel, token: str, deadline_ms: int) -> None:
        self._channel = channel
        self._stub: GatewayServiceAsyncStub = GatewayServiceStub(channel)
        self._caller = Caller(subject="", roles=frozenset(), token=token)
        self._deadline_ms = deadline_ms

    @asynccontextmanager
    async def call(self, *, within_ms: int | None = None) -> AsyncIterator[GatewayServiceAsyncStub]:
        """The gateway's stub; everything inside shares the deadline."""
        with acting_as(self._caller, within_ms=within_ms or self._deadline_ms):
            yield self._stub

    @asynccontextmanager
    async def calling(
        self, make: Callable[[Channel], S], *, within_ms: int | None = None
    ) -> AsyncIterator[S]:
        """A stub of a service behind the gateway, as `calling(ConsentServiceStub)`; one deadline for all inside."""
        with acting_as(self._caller, within_ms=within_ms or self._deadline_ms):
            yield make(self._channel)


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Gateway]:
    """Sign in if there is no token yet, and connect.

    Raises:
        SignInRefused: the issuer gave no token.
    """
    token = access.token or await sign_in(access)
    telemetry = Telemetry("cli", None, None, enabled=False)
    channel = dial("gateway", access.gateway, telemetry=telemetry, sender="cli", tls=access.tls)
    try:
        yield Gateway(channel, token, access.deadline_ms)
    finally:
        await channel.close()


async def sign_in(access: Access) -> str:
    """A token by client credentials (RFC 6749 section 4.4); "" without a client id.

    Raises:
        SignInRefused: the issuer refused or was not reached.
    """
    if not access.client_id:
        return ""
    timeout = aiohttp.ClientTimeout(total=_SIGN_IN_TIMEOUT_S)
    form = {"grant_type": "client_credentials"}
    who = {"Authorization": aiohttp.encode_basic_auth(access.client_id, access.client_secret)}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{access.issuer}/token", data=form, headers=who) as answer,
        ):
            if answer.status != 200:
                raise SignInRefused(answer.status)
            return str((await answer.json())["access_token"])
    except (aiohttp.ClientError, TimeoutError, KeyError) as cause:
        raise SignInRefused(0) from cause


def _path_of(variable: str) -> Path | None:
    text = os.environ.get(variable, "")
    return Path(text) if text else None
