"""A leg starts only with enough time, keeps its share, and says how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chassis.errors import AppError, DeadlinePassed, Kind, PeerUnavailable
from chassis.rpc.context import NOBODY, acting_as
from chassis.telemetry import Telemetry
from chassis.telemetry.records import SpanRow
from gateway.domain.errors import VisitNameMalformed
from gateway.journeys.legs import LEG_MS_MIN, RESERVE_MS, Legs
from lienthong.gateway.v1 import gateway_pb2 as pb


class Kept:
    """Keeps finished spans."""

    def __init__(self) -> None:
        self.rows: list[SpanRow] = []

    def write(self, rows: Sequence[SpanRow]) -> int:
        self.rows.extend(rows)
        return 0

    def close(self) -> None:
        pass


class Missing(AppError):
    kind = Kind.NOT_FOUND
    reason = "THING_NOT_FOUND"
    vi = "Không có."

    def __init__(self) -> None:
        super().__init__("It is not there.")


async def run(within_ms: int, call: object = None, **more: object) -> tuple[object, Legs, list[float], Kept]:
    kept, given = Kept(), []
    telemetry = Telemetry("gateway", sink=kept)
    legs = Legs(telemetry)

    async def answer(timeout_s: float) -> str:
        given.append(timeout_s)
        if isinstance(call, BaseException):
            raise call
        return "answer"

    with acting_as(NOBODY, within_ms=within_ms):
        result = await legs.run("visit", answer, **more)  # type: ignore[arg-type]  # the test names real ones
    await asyncio.to_thread(telemetry.close)
    return result, legs, given, kept


async def test_a_leg_gets_what_is_left_less_the_reserve() -> None:
    result, legs, (timeout_s,), kept = await run(1_000)

    assert result == "answer"
    assert 0.9 * (1_000 - RESERVE_MS) < timeout_s * 1_000 <= 1_000 - RESERVE_MS
    assert (legs.ended[0].leg, legs.ended[0].state) == ("visit", pb.LEG_STATE_DONE)
    (span,) = kept.rows
    assert (span.name, span.attributes["outcome"], span.status) == ("leg.visit", "done", "ok")
    assert span.attributes["deadline_ms"] == int(timeout_s * 1_000)


async def test_a_share_is_a_part_of_what_is_left() -> None:
    _, _, (timeout_s,), _ = await run(1_000, share=0.5)

    assert 0.4 * (1_000 - RESERVE_MS) < timeout_s * 1_000 <= 0.5 * (1_000 - RESERVE_MS)


@pytest.mark.parametrize("within_ms", [0, 100, RESERVE_MS + LEG_MS_MIN - 1])
async def test_a_leg_without_its_least_time_is_not_started(within_ms: int) -> None:
    result, legs, given, kept = await run(within_ms)

    assert result is None
    assert given == []
    assert kept.rows == []
    (leg,) = legs.ended
    assert (leg.state, leg.reason) == (pb.LEG_STATE_SKIPPED, "BUDGET_USED_UP")
    assert leg.message_vi
    assert leg.message_en
    assert legs.errors == {}


async def test_a_small_share_of_much_time_is_too_little_as_well() -> None:
    _, legs, given, _ = await run(1_000, share=0.1)

    assert given == []
    assert legs.ended[0].state == pb.LEG_STATE_SKIPPED


@pytest.mark.parametrize("error", [PeerUnavailable("emr"), DeadlinePassed(), VisitNameMalformed("name")])
async def test_a_failed_leg_keeps_its_typed_error(error: AppError) -> None:
    result, legs, _, kept = await run(1_000, error)

    (leg,) = legs.ended
    assert result is None
    assert legs.errors == {"visit": error}
    assert (leg.state, leg.reason) == (pb.LEG_STATE_FAILED, error.reason)
    assert (leg.message_vi, leg.message_en) == (error.vi, error.message)
    (span,) = kept.rows
    assert (span.status, span.attributes["error.reason"]) == ("error", error.reason)


async def test_what_is_not_there_may_be_no_failure() -> None:
    result, legs, _, _ = await run(1_000, Missing(), not_found="nothing")

    assert result == "nothing"
    assert legs.ended[0].state == pb.LEG_STATE_DONE


async def test_what_is_not_there_is_a_failure_where_it_is_needed() -> None:
    result, legs, _, _ = await run(1_000, Missing())

    assert result is None
    assert legs.errors["visit"].reason == "THING_NOT_FOUND"


async def test_a_lesser_answer_is_marked_with_its_reason() -> None:
    result, legs, _, kept = await run(1_000, judge=lambda _: ("PORTAL_TIMEOUT", "chưa", "not yet"))

    (leg,) = legs.ended
    assert result == "answer"
    assert (leg.state, leg.reason) == (pb.LEG_STATE_DEGRADED, "PORTAL_TIMEOUT")
    assert (leg.message_vi, leg.message_en) == ("chưa", "not yet")
    assert kept.rows[0].attributes["outcome"] == "degraded"


async def test_a_mistake_of_ours_is_not_hidden_in_a_leg() -> None:
    with pytest.raises(ZeroDivisionError):
        await run(1_000, ZeroDivisionError())
