"""The life of a claim: versions that never change, each in one state, and at most one that counts at the portal.

DRAFT, READY --submit--> SIGNED --send--> SENT --answer--> ACCEPTED --month--> SETTLED
                            ^              | \\--no--> REJECTED --submit--> SIGNED
                            |--not taken---|  \\--line broke--> UNKNOWN --asked--> SENT, ACCEPTED, REJECTED
A newer version puts one that does not count into REPLACED when it is built, and one that counts when it is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from insurance_svc.domain.claim_errors import ClaimEnded, ClaimStateWrong, ClaimUnderWay


class ClaimState(StrEnum):
    """Where a version stands; the names are those of the contract."""

    DRAFT = "DRAFT"
    READY = "READY"
    SIGNED = "SIGNED"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"
    REPLACED = "REPLACED"
    REVERSED = "REVERSED"
    SETTLED = "SETTLED"


_S = ClaimState
UNDER_WAY = frozenset({_S.SIGNED, _S.SENT, _S.UNKNOWN})
"""Handed over for sending, and the portal's answer is not in."""
COUNTED = frozenset({_S.ACCEPTED, _S.SETTLED})
"""The portal has it and pays by it."""
UNSENT = frozenset({_S.DRAFT, _S.READY})
MOVES: dict[ClaimState, frozenset[ClaimState]] = {
    _S.DRAFT: frozenset({_S.REPLACED, _S.REVERSED}),
    _S.READY: frozenset({_S.SIGNED, _S.REPLACED, _S.REVERSED}),
    _S.SIGNED: frozenset({_S.SENT}),
    _S.SENT: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.SIGNED}),
    _S.UNKNOWN: frozenset({_S.SENT, _S.ACCEPTED, _S.REJECTED, _S.SIGNED}),
    # Refused or lost after all, as the portal's receipts tell later.
    _S.ACCEPTED: frozenset({_S.REPLACED, _S.REVERSED, _S.SETTLED, _S.REJECTED, _S.UNKNOWN}),
    _S.REJECTED: frozenset({_S.SIGNED, _S.REPLACED, _S.REVERSED}),
    _S.REPLACED: frozenset(),
    _S.REVERSED: frozenset(),
    # Only where a replacement was on its way when the month was settled.
    _S.SETTLED: frozenset({_S.REPLACED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The claim of one visit, without the content of its versions."""

    claim_id: str
    citizen_id: str
    visit_id: str
    facility: str
    link_id: str
    """MA_LK: the portal's key of a visit."""
    month: str
    """YYYY-MM in which it is settled, of the newest version."""
    states: tuple[ClaimState, ...] = ()
    """Of the versions, from 1."""
    create_time: datetime
    update_time: datetime

    @property
    def version(self) -> int:
        """Number of the newest version; 0 before the first."""
        return len(self.states)

    @property
    def state(self) -> ClaimState:
        """State of the newest version."""
        return self.states[-1]

    @property
    def counted_version(self) -> int:
        """The version that counts at the portal, 0 when none does."""
        return next((number for number, state in enumerate(self.states, start=1) if state in COUNTED), 0)


def with_version(claim: Claim, *, is_ready: bool, month: str, now: datetime) -> Claim:
    """The claim with a new version; the one before is replaced unless it counts at the portal.

    Raises:
        ClaimUnderWay: the newest version is on its way; its outcome comes first.
        ClaimEnded: it was taken back.
    """
    if claim.states and claim.state in UNDER_WAY:
        raise ClaimUnderWay(claim.state)
    if claim.states and claim.state is ClaimState.REVERSED:
        raise ClaimEnded
    states = tuple(
        state if state in COUNTED or not MOVES[state] else ClaimState.REPLACED for state in claim.states
    )
    made = ClaimState.READY if is_ready else ClaimState.DRAFT
    return replace(claim, states=(*states, made), month=month, update_time=now)


def moved(claim: Claim, version: int, to: ClaimState, *, now: datetime) -> Claim:
    """The claim with one version in another state; an accepted one replaces the one that counted before.

    Raises:
        ClaimStateWrong: the version cannot come from its state to this one, or would go behind a newer one.
    """
    assert 1 <= version <= claim.version, version
    before = claim.states[version - 1]
    overtakes = to in UNDER_WAY and version != claim.version
    if to not in MOVES[before] or overtakes:
        raise ClaimStateWrong(state=before, to=to)
    states = list(claim.states)
    states[version - 1] = to
    if to is ClaimState.ACCEPTED:
        for number, state in enumerate(claim.states, start=1):
            if number != version and state in COUNTED:
                states[number - 1] = ClaimState.REPLACED
    after = replace(claim, states=tuple(states), update_time=now)
    assert sum(state in COUNTED for state in after.states) <= 1, "one version counts at the portal"
    return after


def reversed_claim(claim: Claim, *, now: datetime) -> Claim:
    """The claim taken back: every version that is not over already is.

    Raises:
        ClaimUnderWay: a version is on its way.
        ClaimEnded: it was settled or taken back before.
    """
    if claim.state in UNDER_WAY:
        raise ClaimUnderWay(claim.state)
    if any(state in (ClaimState.SETTLED, ClaimState.REVERSED) for state in claim.states):
        raise ClaimEnded
    states = tuple(
        ClaimState.REVERSED if ClaimState.REVERSED in MOVES[state] else state for state in claim.states
    )
    return replace(claim, states=states, update_time=now)


def changes(before: Claim, after: Claim) -> list[tuple[int, ClaimState]]:
    """Versions whose state differs, new ones included, with the state they came to."""
    old = before.states
    return [
        (number, state)
        for number, state in enumerate(after.states, start=1)
        if number > len(old) or old[number - 1] is not state
    ]
