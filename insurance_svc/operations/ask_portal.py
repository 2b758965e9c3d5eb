"""Ask the portal rung by rung inside the budget of a national system; every call is kept."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog

from chassis.budget import national_budget
from chassis.clock import Clock
from insurance_svc.domain.codes import PortalCodes
from insurance_svc.domain.finding import ANSWERED_BADLY, conclude
from insurance_svc.domain.ladder import Asked, NextAsk, first_rung, next_ask, read_asked
from insurance_svc.domain.model import Finding, PortalCall, Question, Rung
from insurance_svc.ports import Portal

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BUDGET_SPENT = "PORTAL_BUDGET_SPENT"
_MARGIN_MS = 30
"""A call ends this much before the budget, so that its own timeout is heard and its evidence kept."""
_CALL_MIN_MS = 50
"""Less time than this is not worth a call."""

_log = structlog.get_logger("insurance.portal")


def vietnam_day(moment: datetime) -> date:
    """The calendar day of a moment in Viet Nam."""
    return moment.astimezone(VIETNAM).date()


class PortalQuestioner:
    """Climbs the ladder of one question and says what was found."""

    def __init__(self, portal: Portal, codes: PortalCodes, clock: Clock) -> None:
        self._portal = portal
        self._codes = codes
        self._clock = clock

    async def ask(self, question: Question, *, facility: str) -> tuple[Finding, tuple[PortalCall, ...]]:
        """What the portal says, and every call with its raw reply; a silent portal is a finding, no error."""
        asked: list[Asked] = []
        try:
            async with national_budget() as budget_ms:
                await self._climb(question, asked, facility=facility, budget_ms=budget_ms)
        except TimeoutError:
            # The calls carry their own, shorter timeouts: this is the loop being late.
            self._give_up(question, asked)
        finding = conclude(question, asked, self._codes, today=vietnam_day(asked[-1].call.receive_time))
        if finding.degraded_reason in ANSWERED_BADLY:
            _log.warning("the portal needs attention", reason=finding.degraded_reason)
        return finding, tuple(each.call for each in asked)

    async def _climb(self, question: Question, asked: list[Asked], *, facility: str, budget_ms: int) -> None:
        now_s = asyncio.get_running_loop().time
        end_s = now_s() + (budget_ms - _MARGIN_MS) / 1000
        ask: NextAsk | None = NextAsk(rung=first_rung(question))
        while ask is not None:
            left_ms = int((end_s - now_s()) * 1000)
            if left_ms < _CALL_MIN_MS:
                self._give_up(question, asked, rung=ask.rung)
                return
            call = await self._portal.look_up(
                ask.rung, facility=facility, within_ms=left_ms, stale_login=ask.stale_login
            )
            asked.append(read_asked(ask.rung, call))
            ask = next_ask(asked, self._codes)

    def _give_up(self, question: Question, asked: list[Asked], rung: Rung | None = None) -> None:
        """Note that the next call was not made: an unfinished ladder proves nothing."""
        rung = rung or first_rung(question)
        now = self._clock.now()
        call = PortalCall(form=rung.form, send_time=now, receive_time=now, failure_reason=BUDGET_SPENT)
        asked.append(Asked(rung=rung, call=call, reply=None))
