"""Moments in columns sort as text the way they do in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.db.columns import (
    date_to_text,
    optional_date,
    optional_text,
    optional_time,
    to_date,
    to_text,
    to_time,
)

moments = st.datetimes(
    min_value=datetime(1900, 1, 2),  # noqa: DTZ001
    max_value=datetime(2999, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(-timedelta(hours=5))]),
)


@given(moments)
def test_a_moment_comes_back_as_it_was(moment: datetime) -> None:
    assert to_time(to_text(moment)) == moment
    assert to_time(to_text(moment)).utcoffset() == timedelta(0)
    assert len(to_text(moment)) == 27


@given(moments, moments)
def test_texts_sort_as_moments_do(one: datetime, other: datetime) -> None:
    assert (to_text(one) < to_text(other)) == (one < other)


def test_the_form_is_the_documented_one() -> None:
    assert (
        to_text(datetime(2026, 3, 1, 7, 30, tzinfo=timezone(timedelta(hours=7))))
        == "2026-03-01T00:30:00.000000Z"
    )


@pytest.mark.parametrize("text", ["", "2026-03-01", "2026-03-01T00:30:00Z", "2026-03-01T00:30:00.000000+"])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # datetime has its own words
        to_time(text)


def test_a_moment_without_a_zone_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        to_text(datetime(2026, 3, 1))  # noqa: DTZ001


def test_days_come_back_and_moments_are_no_days() -> None:
    assert to_date(date_to_text(date(2024, 2, 29))) == date(2024, 2, 29)
    with pytest.raises(AssertionError):
        date_to_text(datetime(2026, 3, 1, tzinfo=UTC))


def test_none_stays_none() -> None:
    assert optional_text(None) is None
    assert optional_time(None) is None
    assert optional_date(None) is None
    assert optional_date("2026-03-01") == date(2026, 3, 1)
