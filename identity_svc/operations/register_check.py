"""Ask the population register about a card: what it said, or why it was not heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from identity_svc.domain.card import claim_of
from identity_svc.domain.errors import RegisterUnavailable
from identity_svc.domain.judgement import ANSWER_INCOMPLETE, judge, not_asked
from identity_svc.domain.model import CardFacts, FieldCheck, Outcome
from identity_svc.ports import RegisterPort


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the register said about a card, or why it was not heard."""

    outcome: Outcome
    fields: tuple[FieldCheck, ...]
    register_reference: str
    check_time: datetime
    degraded_reason: str


async def ask_register(register: RegisterPort, card: CardFacts, clock: Clock) -> Check:
    """Ask the register about a card; a register that is not heard gives UNVERIFIED and its reason."""
    try:
        answer = await register.verify(claim_of(card))
    except RegisterUnavailable as unheard:
        return unheard_check(card, reason=unheard.cause, now=clock.now())
    outcome, fields = judge(answer, card)
    return Check(
        outcome=outcome,
        fields=fields,
        register_reference=answer.reference,
        check_time=clock.now(),
        degraded_reason=ANSWER_INCOMPLETE if outcome is Outcome.UNVERIFIED else "",
    )


def unheard_check(card: CardFacts, *, reason: str, now: datetime) -> Check:
    """The check of a card whose register was not heard."""
    return Check(
        outcome=Outcome.UNVERIFIED,
        fields=not_asked(card),
        register_reference="",
        check_time=now,
        degraded_reason=reason,
    )
