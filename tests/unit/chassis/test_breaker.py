"""A breaker opens after failures in a row, leaves its dependency alone, probes, and closes again."""

from __future__ import annotations

import asyncio

import pytest

from chassis.breaker import Breaker, BreakerOpen, State, is_trouble
from chassis.budget import national_budget
from chassis.errors import Kind, Overloaded, PeerUnavailable, RequestIdReused
from chassis.rpc.context import NOBODY, acting_as, remaining_ms


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock) -> Breaker:
    return Breaker("registry.verify", failure_threshold=3, open_s=10, half_open_probes=2, clock=clock)


async def call(breaker: Breaker, error: BaseException | None = None) -> None:
    async with breaker.guard():
        if error is not None:
            raise error


async def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(PeerUnavailable):
            await call(breaker, PeerUnavailable("x"))


async def test_it_opens_at_the_threshold_and_not_before(breaker):
    await fail(breaker, 2)
    assert breaker.state is State.CLOSED

    await fail(breaker, 1)
    assert breaker.state is State.OPEN


async def test_a_success_between_failures_starts_the_count_anew(breaker):
    await fail(breaker, 2)
    await call(breaker)
    await fail(breaker, 2)

    assert breaker.state is State.CLOSED


async def test_an_open_breaker_refuses_at_once_and_says_for_how_long(breaker, clock):
    await fail(breaker, 3)
    clock.now_s += 4

    with pytest.raises(BreakerOpen) as caught:
        await call(breaker)

    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.facts == {"dependency": "registry.verify", "retry_ms": "6000"}


async def test_it_closes_when_every_probe_passes(breaker, clock):
    await fail(breaker, 3)
    clock.now_s += 10

    await call(breaker)
    assert breaker.state is State.HALF_OPEN
    await call(breaker)
    assert breaker.state is State.CLOSED


async def test_a_failed_probe_opens_it_again(breaker, clock):
    await fail(breaker, 3)
    clock.now_s += 10
    await call(breaker)
    await fail(breaker, 1)

    assert breaker.state is State.OPEN
    with pytest.raises(BreakerOpen):
        await call(breaker)


async def test_no_more_probes_than_allowed_run_at_once(breaker, clock):
    await fail(breaker, 3)
    clock.now_s += 10
    hold = asyncio.Event()

    async def probe() -> None:
        async with breaker.guard():
            await hold.wait()

    probes = [asyncio.create_task(probe()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BreakerOpen):
        await call(breaker)
    hold.set()
    await asyncio.gather(*probes)

    assert breaker.state is State.CLOSED


async def test_a_cancelled_probe_gives_its_place_back(breaker, clock):
    await fail(breaker, 3)
    clock.now_s += 10
    for _ in range(5):
        with pytest.raises(asyncio.CancelledError):
            await call(breaker, asyncio.CancelledError())

    await call(breaker)
    await call(breaker)
    assert breaker.state is State.CLOSED


async def test_a_slow_call_of_the_bad_time_is_no_probe(breaker, clock):
    """Calls begun while it was closed end while it probes: they neither close nor open it."""
    failing, passing = asyncio.Event(), asyncio.Event()

    async def slow(event: asyncio.Event, error: Exception | None) -> None:
        async with breaker.guard():
            await event.wait()
            if error is not None:
                raise error

    late = [
        asyncio.create_task(slow(failing, PeerUnavailable("x"))),
        asyncio.create_task(slow(passing, None)),
    ]
    await asyncio.sleep(0)
    await fail(breaker, 3)
    clock.now_s += 10
    await call(breaker)  # the first of two probes
    failing.set()
    passing.set()
    await asyncio.gather(*late, return_exceptions=True)
    assert breaker.state is State.HALF_OPEN

    await call(breaker)
    assert breaker.state is State.CLOSED


async def test_an_answer_is_no_failure(breaker):
    for _ in range(5):
        with pytest.raises(RequestIdReused):
            await call(breaker, RequestIdReused())

    assert breaker.state is State.CLOSED


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (Overloaded("x"), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (RequestIdReused(), False),
        (ValueError(), False),
    ],
)
def test_trouble_is_told_from_answers(error, trouble):
    assert is_trouble(error) is trouble


async def test_every_change_is_told_to_the_metric(clock):
    told = []
    breaker = Breaker(
        "x",
        failure_threshold=1,
        open_s=1,
        clock=clock,
        on_change=lambda name, state: told.append((name, state)),
    )
    await fail(breaker, 1)
    clock.now_s += 1
    await call(breaker)

    assert told == [("x", State.OPEN), ("x", State.HALF_OPEN), ("x", State.CLOSED)]


async def test_a_national_system_gets_its_share_of_what_is_left():
    with acting_as(NOBODY, within_ms=1_000):
        async with national_budget(share=0.4) as budget_ms:
            assert 390 <= budget_ms <= 400


async def test_a_used_up_share_leaves_time_for_the_degraded_branch():
    with acting_as(NOBODY, within_ms=200):
        with pytest.raises(TimeoutError):
            async with national_budget(share=0.4):
                await asyncio.sleep(5)
        assert remaining_ms() > 60
