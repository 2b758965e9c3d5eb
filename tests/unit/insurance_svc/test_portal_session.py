"""How long a token is believed, and that many callers make one sign-in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chassis.clock import FixedClock
from insurance_svc.external.portal_session import (
    LIFE_MAX,
    SHORT_LIFE,
    PortalAccount,
    PortalSession,
    read_end,
)

NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
END = datetime(2026, 9, 1, 3, 10, tzinfo=UTC)
ACCOUNT = PortalAccount(
    username="19999_BV", password="password", staff_name="Triệu Văn An", staff_number="099085000002"
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-01T03:10:00Z",
        "2026-09-01T03:10:00.0000000Z",
        "2026-09-01T10:10:00+07:00",
        "2026-09-01T03:10:00",
        "2026-09-01 03:10:00",
        "01/09/2026 03:10:00",
        600,
        "600",
    ],
)
def test_every_form_of_the_end_that_occurs_is_read(text: object) -> None:
    assert read_end(text, now=NOW) == END


@pytest.mark.parametrize("text", ["không rõ", None, "", True, {}, "2026-09-01T02:59:59Z", -5, 10**12])
def test_an_end_that_cannot_be_read_or_has_passed_gives_a_short_life(text: object) -> None:
    assert read_end(text, now=NOW) == NOW + SHORT_LIFE


def test_an_end_in_years_is_not_believed() -> None:
    assert read_end("2099-01-01T00:00:00Z", now=NOW) == NOW + LIFE_MAX


class Desk:
    """Counts sign-ins."""

    def __init__(self, end: object = "2026-09-01T03:10:00Z") -> None:
        self.count = 0
        self.end = end

    async def __call__(self, account: PortalAccount) -> tuple[str, str, object]:
        self.count += 1
        await asyncio.sleep(0)
        return f"access-{self.count}", "id", self.end


async def test_sixty_four_callers_make_one_sign_in() -> None:
    desk = Desk()
    session = PortalSession(ACCOUNT, desk, clock=FixedClock(NOW))

    logins = await asyncio.gather(*(session.login() for _ in range(64)))

    assert desk.count == 1
    assert {login.access_token for login in logins} == {"access-1"}


async def test_a_token_is_renewed_a_little_before_its_end() -> None:
    desk, clock = Desk(), FixedClock(NOW)
    session = PortalSession(ACCOUNT, desk, clock=clock)
    await session.login()

    clock.advance(timedelta(minutes=8, seconds=59))
    await session.login()
    assert desk.count == 1

    clock.advance(timedelta(seconds=1))
    await session.login()
    assert desk.count == 2


async def test_many_who_were_refused_with_one_token_renew_it_once() -> None:
    desk = Desk()
    session = PortalSession(ACCOUNT, desk, clock=FixedClock(NOW))
    stale = (await session.login()).serial

    await asyncio.gather(*(session.login(stale=stale) for _ in range(10)))

    assert desk.count == 2


async def test_a_failed_sign_in_is_tried_again_by_the_next() -> None:
    answers: list[Exception | None] = [ConnectionResetError(), None]

    async def sign_in(account: PortalAccount) -> tuple[str, str, object]:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return "access", "id", 600

    session = PortalSession(ACCOUNT, sign_in, clock=FixedClock(NOW))
    with pytest.raises(ConnectionResetError):
        await session.login()

    assert (await session.login()).access_token == "access"


def test_the_hash_is_md5_in_upper_case_hex() -> None:
    # A published value, not computed by the code under test.
    assert ACCOUNT.password_hash == "5F4DCC3B5AA765D61D8327DEB882CF99"


def test_an_account_shows_neither_password_nor_staff() -> None:
    shown = repr(ACCOUNT)

    assert "password=" not in shown
    assert "099085000002" not in shown
