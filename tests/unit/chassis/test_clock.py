"""Ids sort by time, clocks give UTC."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chassis.clock import CountedIds, FixedClock, SystemClock, SystemIds, id_bits


def test_ids_are_uuids_of_version_7_in_order_of_time() -> None:
    ids = SystemIds()
    first = ids.new()
    time.sleep(0.002)
    second = ids.new()
    assert first < second
    value = uuid.UUID(first)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert abs((value.int >> 80) - time.time() * 1000) < 1000


def test_ids_do_not_repeat() -> None:
    ids = SystemIds()
    assert len({ids.new() for _ in range(10_000)}) == 10_000


def test_a_prefix_leaves_the_128_bits_readable() -> None:
    ids = SystemIds()
    name = ids.new("visit")
    assert name.startswith("visit-")
    assert f"{id_bits(name):032x}" == name.removeprefix("visit-")
    assert id_bits(CountedIds().new("station-visit")) == 1


@pytest.mark.parametrize("text", ["", "visit-12", "visit-" + "g" * 32])
def test_any_other_text_has_no_bits(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # int() has its own words
        id_bits(text)


def test_counted_ids_count() -> None:
    ids = CountedIds()
    assert [ids.new("a")[-1], ids.new("b")[-1], ids.new()[-1]] == ["1", "2", "3"]


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_told() -> None:
    hanoi = timezone(timedelta(hours=7))
    clock = FixedClock(datetime(2026, 3, 1, 7, tzinfo=hanoi))
    assert clock.now() == clock.now() == datetime(2026, 3, 1, tzinfo=UTC)
    assert clock.advance(timedelta(seconds=1)) == datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)
    with pytest.raises(AssertionError):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(AssertionError):
        FixedClock(datetime(2026, 3, 1))  # noqa: DTZ001  # that is the claim
