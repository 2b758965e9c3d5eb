"""Ask the portal rung by rung inside the budget of a national system; every call is kept, none made twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import structlog

from chassis.budget import national_budget
from chassis.clock import Clock, Ids
from insurance_svc.domain.codes import CodeClass, PortalCodes
from insurance_svc.domain.copayment import COPAYMENT_FORM
from insurance_svc.domain.days import vietnam_date
from insurance_svc.domain.finding import ANSWERED_BADLY, conclude
from insurance_svc.domain.ladder import (
    CALLS_MAX,
    Asked,
    NextAsk,
    first_rung,
    is_number_unknown,
    next_ask,
    read_asked,
    with_numbers,
)
from insurance_svc.domain.model import Finding, PortalCall, Question, Rung
from insurance_svc.ports import Alarms, Portal

BUDGET_SPENT = "PORTAL_BUDGET_SPENT"
_MARGIN_MS = 30
"""A call ends this much before the budget, so that its own timeout is heard and its evidence kept."""
_CALL_MIN_MS = 50
"""Less time than this is not worth a call."""

_log = structlog.get_logger("insurance.portal")

Answer = tuple[Finding, tuple[PortalCall, ...]]
MoreNumbers = Callable[[str], Awaitable[tuple[str, ...]]]
"""Further numbers of a citizen id, looked up only when the portal knows none of those given."""


class _Flight:
    """A ladder being climbed, for whoever asks the same meanwhile."""

    __slots__ = ("landing",)

    def __init__(self) -> None:
        self.landing: asyncio.Future[Answer | None] | None = None
        """None until somebody waits for it: a lone caller pays for no future."""

    def wait(self) -> asyncio.Future[Answer | None]:
        """What a follower waits for; None comes when the leader went away without an answer."""
        if self.landing is None:
            self.landing = asyncio.get_running_loop().create_future()
        return self.landing

    def land(self, answer: Answer | None) -> None:
        """Give the answer to whoever waits."""
        if self.landing is not None and not self.landing.done():
            self.landing.set_result(answer)


class PortalQuestioner:
    """Climbs the ladder of one question and says what was found.

    The same question of one facility, asked at several desks at once, is one climb: a storm of repeats at an hour when
    the portal is slow must not become a storm of calls, which may restrict the account. Each asker keeps the calls as
    evidence of its own, and their `exchange_id` tells that they are the same.
    """

    def __init__(
        self,
        portal: Portal,
        codes: PortalCodes,
        *,
        more_numbers: MoreNumbers,
        clock: Clock,
        ids: Ids,
        alarms: Alarms,
    ) -> None:
        self._portal = portal
        self._codes = codes
        self._clock = clock
        # Random once and counted from then on: a call to the system's random source is 30 µs of a check.
        self._process_id = ids.new()
        self._exchanges = count(1)
        self._more_numbers = more_numbers
        self._alarms = alarms
        self._flights: dict[tuple[str, Question], _Flight] = {}

    async def ask(self, question: Question, *, facility: str, citizen_id: str) -> Answer:
        """What the portal says, and every call with its raw reply; a silent portal is a finding, no error."""
        key = (facility, question)
        while (flight := self._flights.get(key)) is not None:
            try:
                async with national_budget():
                    answer = await asyncio.shield(flight.wait())
            except TimeoutError:
                asked: list[Asked] = []
                self._give_up(question, asked)
                return self._told(question, asked)
            if answer is not None:
                return answer
            # Its asker went away half-way; one of those who waited asks anew.
        flight = self._flights[key] = _Flight()
        answer = None
        try:
            answer = await self._ask(question, facility=facility, citizen_id=citizen_id)
        finally:
            del self._flights[key]
            flight.land(answer)
        return answer

    async def ask_copayments(self, question: Question, *, facility: str) -> tuple[PortalCall, ...]:
        """The calls about the citizen's copayments of the year: one, and another after a refused token."""
        rung = first_rung(question)
        calls: list[PortalCall] = []
        try:
            async with national_budget() as budget_ms:
                end_s = asyncio.get_running_loop().time() + (budget_ms - _MARGIN_MS) / 1000
                stale: int | None = None
                while (left_ms := _left_ms(end_s)) >= _CALL_MIN_MS:
                    call = await self._portal.copayments(
                        rung,
                        facility=facility,
                        within_ms=left_ms,
                        exchange_id=self._exchange_id(),
                        stale_login=stale,
                    )
                    calls.append(call)
                    if self._codes.rule(call.code).cls is not CodeClass.AUTH or stale is not None:
                        break
                    stale = call.login_serial
        except TimeoutError:
            pass
        if not calls:
            calls.append(replace(self._unsent(rung), form=f"{COPAYMENT_FORM}{rung.form}"))
        return tuple(calls)

    async def _ask(self, question: Question, *, facility: str, citizen_id: str) -> Answer:
        asked: list[Asked] = []
        try:
            async with national_budget() as budget_ms:
                await self._climb(
                    question, asked, facility=facility, citizen_id=citizen_id, budget_ms=budget_ms
                )
        except TimeoutError:
            # The calls carry their own, shorter timeouts: this is the loop being late.
            self._give_up(question, asked)
        return self._told(question, asked)

    def _told(self, question: Question, asked: list[Asked]) -> Answer:
        finding = conclude(question, asked, self._codes, today=vietnam_date(asked[-1].call.receive_time))
        if finding.degraded_reason in ANSWERED_BADLY:
            self._alarms.portal_needs_attention(finding.degraded_reason)
            _log.warning("the portal needs attention", reason=finding.degraded_reason)
        return finding, tuple(each.call for each in asked)

    async def _climb(
        self,
        question: Question,
        asked: list[Asked],
        *,
        facility: str,
        citizen_id: str,
        budget_ms: int,
    ) -> None:
        has_all_numbers = False
        end_s = asyncio.get_running_loop().time() + (budget_ms - _MARGIN_MS) / 1000
        ask: NextAsk | None = NextAsk(rung=first_rung(question))
        while ask is not None:
            left_ms = _left_ms(end_s)
            if left_ms < _CALL_MIN_MS:
                self._give_up(question, asked, rung=ask.rung)
                return
            call = await self._portal.look_up(
                ask.rung,
                facility=facility,
                within_ms=left_ms,
                exchange_id=self._exchange_id(),
                stale_login=ask.stale_login,
            )
            self._alarms.portal_answered(
                self._codes.rule(call.code).cls.value if call.code else call.failure_reason
            )
            asked.append(read_asked(ask.rung, call))
            ask = next_ask(question, asked, self._codes)
            if ask is None and not has_all_numbers and self._is_unknown(asked):
                question, has_all_numbers = with_numbers(question, await self._more_numbers(citizen_id)), True
                ask = next_ask(question, asked, self._codes)

    def _exchange_id(self) -> str:
        return f"{self._process_id}-{next(self._exchanges)}"

    def _is_unknown(self, asked: list[Asked]) -> bool:
        """Whether the portal knows nobody by the numbers so far, and may be asked once more."""
        reply = asked[-1].reply
        is_open = len(asked) < CALLS_MAX and reply is not None
        return is_open and reply is not None and is_number_unknown(self._codes.rule(reply.code))

    def _give_up(self, question: Question, asked: list[Asked], rung: Rung | None = None) -> None:
        """Note that the next call was not made: an unfinished ladder proves nothing."""
        rung = rung or first_rung(question)
        asked.append(Asked(rung=rung, call=self._unsent(rung), reply=None))

    def _unsent(self, rung: Rung) -> PortalCall:
        now = self._clock.now()
        return PortalCall(
            form=rung.form, send_time=now, receive_time=now, failure_reason=BUDGET_SPENT, sent=rung
        )


def _left_ms(end_s: float) -> int:
    return int((end_s - asyncio.get_running_loop().time()) * 1000)
