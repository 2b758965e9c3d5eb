"""Runs the legs of a journey inside its deadline and remembers how each ended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis.errors import AppError, Kind
from chassis.rpc.context import remaining_ms
from chassis.telemetry import Telemetry
from lienthong.gateway.v1 import gateway_pb2 as pb

T = TypeVar("T")

RESERVE_MS = 60
"""Kept back of every journey's deadline for composing and sending its answer."""
LEG_MS_MIN = 140
"""A leg with less is not started: the callee would refuse it (100 ms) after its hop's 20 ms and rounding."""

Judge = Callable[[T], tuple[str, str, str] | None]
"""Looks at a leg's answer; (reason, message_vi, message_en) when it was done in the lawful lesser way."""


class Legs:
    """The legs of one journey, in the order in which they ended."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.ended: list[pb.Leg] = []
        self.errors: dict[str, AppError] = {}

    async def run(
        self,
        leg: str,
        call: Callable[[float], Awaitable[T]],
        *,
        share: float = 1.0,
        judge: Judge[T] | None = None,
        not_found: T | None = None,
    ) -> T | None:
        """Run one leg; its answer, or None when it failed or was not started.

        Args:
            leg: Name on the answer and on the span.
            call: Given the timeout in seconds, makes the call.
            share: Part of the time left that the leg may use, 0 to 1.
            judge: Tells whether the answer is a degraded one.
            not_found: Answered in place of a NOT_FOUND, which then is no failure.
        """
        budget_ms = int(((remaining_ms() or 0) - RESERVE_MS) * share)
        if budget_ms < LEG_MS_MIN:
            self.skip(
                leg, "BUDGET_USED_UP", "Hết thời gian cho bước này.", "The time for this step was used up."
            )
            return None
        started = time.monotonic()
        with self._telemetry.span(f"leg.{leg}", kind="client", leg=leg, deadline_ms=budget_ms) as span:
            try:
                answer = await call(budget_ms / 1000)
            except AppError as error:
                if not_found is not None and error.kind is Kind.NOT_FOUND:
                    answer = not_found
                else:
                    self._failed(leg, error, started)
                    span.fail(error.reason)
                    return None
            degraded = judge(answer) if judge else None
            span.set("outcome", "degraded" if degraded else "done")
        reason, message_vi, message_en = degraded or ("", "", "")
        state = pb.LEG_STATE_DEGRADED if degraded else pb.LEG_STATE_DONE
        self._end(leg, state, started, reason=reason, message_vi=message_vi, message_en=message_en)
        return answer

    def skip(self, leg: str, reason: str, message_vi: str, message_en: str) -> None:
        """Note a leg that is not started."""
        self.ended.append(
            pb.Leg(
                leg=leg,
                state=pb.LEG_STATE_SKIPPED,
                reason=reason,
                message_vi=message_vi,
                message_en=message_en,
            )
        )

    def _failed(self, leg: str, error: AppError, started: float) -> None:
        self.errors[leg] = error
        self._end(
            leg,
            pb.LEG_STATE_FAILED,
            started,
            reason=error.reason,
            message_vi=error.vi,
            message_en=error.message,
        )

    def _end(
        self,
        leg: str,
        state: pb.LegState.ValueType,
        started: float,
        *,
        reason: str,
        message_vi: str,
        message_en: str,
    ) -> None:
        self.ended.append(
            pb.Leg(
                leg=leg,
                state=state,
                reason=reason,
                message_vi=message_vi,
                message_en=message_en,
                duration_ms=int((time.monotonic() - started) * 1000),
            )
        )
