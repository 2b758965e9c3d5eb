"""The waterfall shows each span once, whatever is missing."""

import random

import pytest

from chassis.telemetry import SpanRow
from chassis.telemetry.waterfall import DEPTH_MAX, waterfall


def span(
    number: int, parent: int = 0, *, start_ms: float = 0, duration_ms: float = 10, status: str = "ok"
) -> SpanRow:
    attributes = {"error.reason": "CARD_EXPIRED"} if status == "error" else {}
    return SpanRow(
        f"{1:032x}", f"{number:016x}", f"{parent:016x}" if parent else "", "identity", f"span.{number}", "internal",
        1_767_225_600_000_000_000 + int(start_ms * 1e6), int(duration_ms * 1e6), status, attributes,
    )  # fmt: skip


def tree(spans: list[SpanRow]) -> list[tuple[int, str]]:
    return [(row.depth, row.name) for row in waterfall(spans)]


def test_no_spans_have_no_rows() -> None:
    assert waterfall([]) == []


def test_children_stand_below_their_parent_by_time() -> None:
    spans = [span(3, 1, start_ms=5), span(2, 1, start_ms=1), span(1), span(4, 2, start_ms=2)]
    random.Random(7).shuffle(spans)
    assert tree(spans) == [(0, "span.1"), (1, "span.2"), (2, "span.4"), (1, "span.3")]


def test_bars_and_offsets_are_shares_of_the_whole() -> None:
    first, second = waterfall(
        [span(1, duration_ms=100), span(2, 1, start_ms=25, duration_ms=50, status="error")]
    )
    assert (first.offset_ms, first.duration_ms, first.bar_start, first.bar_width) == (0.0, 100.0, 0.0, 1.0)
    assert (second.offset_ms, second.duration_ms, second.bar_start, second.bar_width) == (
        25.0,
        50.0,
        0.25,
        0.5,
    )
    assert (first.reason, second.status, second.reason) == ("", "error", "CARD_EXPIRED")


def test_span_whose_parent_is_lost_stands_by_itself_and_says_so() -> None:
    rows = waterfall([span(1), span(3, 99, start_ms=2), span(4, 3, start_ms=3)])
    assert [(row.depth, row.name, row.is_orphan) for row in rows] == [
        (0, "span.1", False), (0, "span.3", True), (1, "span.4", False),
    ]  # fmt: skip


def test_several_roots_of_one_visit_stand_by_time() -> None:
    assert tree([span(2, start_ms=500), span(1), span(3, 2, start_ms=501)]) == [
        (0, "span.1"), (0, "span.2"), (1, "span.3"),
    ]  # fmt: skip


def test_circle_of_parents_is_shown_once_each() -> None:
    rows = waterfall(
        [span(1), span(2, 4, start_ms=1), span(3, 2, start_ms=2), span(4, 3, start_ms=3), span(5, 5)]
    )
    assert sorted(row.name for row in rows) == [f"span.{number}" for number in range(1, 6)]
    assert {row.name for row in rows if row.is_orphan} == {"span.2", "span.5"}


def test_span_kept_twice_is_shown_once() -> None:
    assert tree([span(1), span(1), span(2, 1)]) == [(0, "span.1"), (1, "span.2")]


def test_deep_trace_needs_no_deep_stack() -> None:
    rows = waterfall([span(number, number - 1, start_ms=number) for number in range(1, 5_001)])
    assert len(rows) == 5_000
    assert max(row.depth for row in rows) == DEPTH_MAX


def test_critical_path_is_the_chain_that_held_the_answer_up() -> None:
    # given a fan-out of which the second leg took longest, and work that went on after the answer
    spans = [
        span(1, duration_ms=100),
        span(2, 1, start_ms=5, duration_ms=20),
        span(3, 1, start_ms=5, duration_ms=80),
        span(4, 3, start_ms=10, duration_ms=70),
        span(5, 1, start_ms=90, duration_ms=100),
        span(6, 1, start_ms=86, duration_ms=10),
    ]
    assert {row.name for row in waterfall(spans) if row.is_critical} == {
        "span.1",
        "span.3",
        "span.4",
        "span.6",
    }


@pytest.mark.parametrize("seed", range(30))
def test_any_spans_are_all_shown_within_the_picture(seed: int) -> None:
    chance = random.Random(seed)
    spans = [
        span(
            number,
            chance.randrange(0, 30),
            start_ms=chance.uniform(-50, 50),
            duration_ms=chance.choice([0, 1, 70]),
        )
        for number in range(1, 25)
    ]
    rows = waterfall(spans)
    assert sorted(row.span_id for row in rows) == sorted(each.span_id for each in spans)
    for row in rows:
        assert 0.0 <= row.bar_start <= 1.0
        assert 0.0 <= row.bar_width <= 1.0 - row.bar_start
        assert row.offset_ms >= 0.0
