"""Time and ids as arguments: the system's own for production, standing still and counted for tests."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_ID_HEX_CHARS = 32


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that moves only when told to; for tests and the simulator."""

    def __init__(self, start_time: datetime) -> None:
        assert start_time.tzinfo is not None, "a moment has a zone"
        self._now_time = start_time.astimezone(UTC)

    def now(self) -> datetime:
        """The moment it stands at, in UTC."""
        return self._now_time

    def advance(self, step: timedelta) -> datetime:
        """Move forward by step, which is not negative, and return the new moment."""
        assert step >= timedelta(0), step
        self._now_time += step
        return self._now_time


class Ids(Protocol):
    """Where new ids come from."""

    def new(self, prefix: str = "") -> str:
        """An id nobody holds yet: 32 hex digits, after `prefix-` where a prefix is given."""
        ...


class SystemIds:
    """UUID version 7 (RFC 9562, section 6.2, method 3): ids of one process sort in the order they were made.

    48 bits of Unix milliseconds and 12 of their fraction (244 ns), counted on by one where the clock stands or
    steps back; then 62 random bits, which keep two processes apart.
    """

    def __init__(self) -> None:
        self._last_stamp = 0

    def new(self, prefix: str = "") -> str:
        """A time-ordered id such as `visit-018f...`."""
        stamp = max(time.time_ns() * 4_096 // 1_000_000, self._last_stamp + 1)
        self._last_stamp = stamp
        random_bits = int.from_bytes(os.urandom(8), "big") >> 2
        value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random_bits
        return _named(prefix, value)


class CountedIds:
    """Ids counted from one, so that a test may name them."""

    def __init__(self, start: int = 1) -> None:
        assert start >= 0, start
        self._next = start

    def new(self, prefix: str = "") -> str:
        """The next id of the count."""
        value, self._next = self._next, self._next + 1
        return _named(prefix, value)


def id_bits(identifier: str) -> int:
    """The 128 bits of an id made here, with or without its prefix; ValueError for any other text."""
    digits = identifier.rpartition("-")[2]
    if len(digits) != _ID_HEX_CHARS:
        raise ValueError("An id ends in 32 hex digits.")
    return int(digits, 16)


def _named(prefix: str, value: int) -> str:
    return f"{prefix}-{value:032x}" if prefix else f"{value:032x}"
