"""A circuit breaker: after some failures in a row a dependency is left alone for a while, then probed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import IntEnum

from chassis.errors import AppError, Kind


class State(IntEnum):
    """The number is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class BreakerOpen(AppError):
    """A dependency failed again and again and is being left alone; nothing was sent."""

    kind = Kind.UNAVAILABLE
    reason = "BREAKER_OPEN"
    vi = "Hệ thống liên thông đang gián đoạn; hãy thử lại sau ít phút."

    def __init__(self, name: str, retry_ms: int) -> None:
        super().__init__("Nothing was sent; repeat after retry_ms.", dependency=name, retry_ms=retry_ms)


# Kinds that say the dependency itself is in trouble; every other typed error is an answer.
TROUBLE = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL})


def is_trouble(error: BaseException) -> bool:
    """Whether an exception counts: trouble kinds, timeouts and broken connections."""
    if isinstance(error, AppError):
        return error.kind in TROUBLE
    return isinstance(error, TimeoutError | OSError)


class Breaker:
    """One breaker per dependency and operation; belongs to one event loop.

    Args:
        name: Of the dependency and operation, lower case; becomes a metric's label.
        failure_threshold: Failures in a row that open it.
        open_s: Seconds it stays open before a probe.
        half_open_probes: Calls let through at once to probe; all must succeed before it closes.
        clock: Monotonic seconds.
        counts: Which exceptions are failures; the rest are answers and count as success.
        on_change: Called with the name and the new state, for the metric.
    """

    def __init__(
        self,
        name: str,
        *,
        failure_threshold: int = 5,
        open_s: float = 10.0,
        half_open_probes: int = 1,
        clock: Callable[[], float] = time.monotonic,
        counts: Callable[[BaseException], bool] = is_trouble,
        on_change: Callable[[str, State], None] | None = None,
    ) -> None:
        assert failure_threshold >= 1, failure_threshold
        assert half_open_probes >= 1, half_open_probes
        self.name = name
        self.state = State.CLOSED
        self._threshold = failure_threshold
        self._open_s = open_s
        self._probes = half_open_probes
        self._clock = clock
        self._counts = counts
        self._on_change = on_change
        self._failures = 0
        self._opened_s = 0.0
        self._probing = 0
        self._probes_passed = 0
        self._turns = 0

    def watch(self, on_change: Callable[[str, State], None]) -> None:
        """Tell of the state now and of every change after it."""
        self._on_change = on_change
        on_change(self.name, self.state)

    def enter(self) -> int:
        """Begin a call; exactly one of `passed`, `failed` and `left` must follow.

        Returns:
            What to hand to that one, so that a call of the bad time does not count as a probe.

        Raises:
            BreakerOpen: the dependency is being left alone.
        """
        if self.state is State.CLOSED:
            return self._turns
        wait_s = self._opened_s + self._open_s - self._clock()
        if self.state is State.OPEN:
            if wait_s > 0:
                raise BreakerOpen(self.name, int(wait_s * 1000))
            self._turn(State.HALF_OPEN)
            self._probing = self._probes_passed = 0
        if self._probing + self._probes_passed >= self._probes:
            raise BreakerOpen(self.name, max(0, int(wait_s * 1000)))
        self._probing += 1
        return self._turns

    def passed(self, entered: int | None = None) -> None:
        """The call was answered."""
        if self._is_old(entered):
            return
        self._failures = 0
        if self.state is State.HALF_OPEN:
            self._probing -= 1
            self._probes_passed += 1
            if self._probes_passed >= self._probes:
                self._turn(State.CLOSED)

    def failed(self, error: BaseException, entered: int | None = None) -> None:
        """The call ended with an exception; it is an answer unless it counts."""
        if not self._counts(error):
            self.passed(entered)
            return
        if self._is_old(entered):
            return
        self._failures += 1
        if self.state is State.HALF_OPEN or self._failures >= self._threshold:
            self._opened_s = self._clock()
            self._turn(State.OPEN)

    def left(self, entered: int | None = None) -> None:
        """The call was given up by its caller: it says nothing about the dependency."""
        if not self._is_old(entered) and self.state is State.HALF_OPEN:
            self._probing -= 1

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Surround one call: `async with breaker.guard():`; raises BreakerOpen instead of starting it."""
        entered = self.enter()
        try:
            yield
        except Exception as error:
            self.failed(error, entered)
            raise
        except BaseException:
            self.left(entered)
            raise
        else:
            self.passed(entered)

    def _is_old(self, entered: int | None) -> bool:
        """Whether a call began before the last change of state: its end is old news."""
        return entered is not None and entered != self._turns

    def _turn(self, state: State) -> None:
        self.state = state
        self._turns += 1
        if state is State.CLOSED:
            self._failures = 0
        if self._on_change is not None:
            self._on_change(self.name, state)
