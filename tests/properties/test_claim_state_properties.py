"""However a claim is pushed about, at most one version counts at the portal and nothing that ended comes back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from insurance_svc.domain.claim import (
    COUNTED,
    MOVES,
    UNDER_WAY,
    Claim,
    ClaimState,
    changes,
    moved,
    reversed_claim,
    with_version,
)
from insurance_svc.domain.claim_errors import ClaimEnded, ClaimStateWrong, ClaimUnderWay

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ENDED = {state for state, to in MOVES.items() if not to}
STEPS = st.one_of(
    st.tuples(st.just("build"), st.booleans(), st.just(ClaimState.READY)),
    st.tuples(st.just("move"), st.booleans(), st.sampled_from(ClaimState)),
    st.tuples(st.just("reverse"), st.booleans(), st.just(ClaimState.REVERSED)),
)


def fresh() -> Claim:
    claim = Claim(
        claim_id="k",
        citizen_id="c",
        visit_id="v",
        facility="19999",
        link_id="l",
        month="2026-09",
        create_time=NOW,
        update_time=NOW,
    )
    return with_version(claim, is_ready=True, month="2026-09", now=NOW)


def step(claim: Claim, kind: str, flag: bool, to: ClaimState, now: datetime) -> Claim:
    if kind == "build":
        return with_version(claim, is_ready=flag, month="2026-10", now=now)
    if kind == "reverse":
        return reversed_claim(claim, now=now)
    # Workers settle the newest version, and result files the one that counts.
    number = claim.version if flag or not claim.counted_version else claim.counted_version
    return moved(claim, number, to, now=now)


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_at_most_one_version_counts_and_what_ended_stays_ended(
    steps: list[tuple[str, bool, ClaimState]],
) -> None:
    claim = fresh()
    for at, (kind, flag, to) in enumerate(steps):
        before, now = claim, NOW + timedelta(seconds=at)
        with suppress(ClaimStateWrong, ClaimUnderWay, ClaimEnded):
            claim = step(claim, kind, flag, to, now)
        assert sum(state in COUNTED for state in claim.states) <= 1
        assert len(claim.states) - len(before.states) in (0, 1)
        for old, new in zip(before.states, claim.states, strict=False):
            assert old is new or new in MOVES[old]
            assert old not in ENDED or old is new
        # Only the newest version is ever on its way: two could overtake each other.
        assert not any(state in UNDER_WAY for state in claim.states[:-1])
        told = changes(before, claim)
        assert bool(told) == (claim.states != before.states)


def test_every_state_is_reached_from_a_draft_or_a_whole_claim() -> None:
    reached = {ClaimState.DRAFT, ClaimState.READY}
    while more := {to for state in reached for to in MOVES[state]} - reached:
        reached |= more

    assert reached == set(ClaimState)
