"""Who may act for whom: each basis, each refusal, and the moment between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from identity_svc.domain.ages import AgeRule, birthday_time, has_reached, years_of
from identity_svc.domain.authority import (
    DELEGABLE,
    EVERY_ACTION,
    ONE_VISIT,
    Action,
    Basis,
    Delegation,
    Denial,
    EvidenceKind,
    Kind,
    ProxyCode,
    Question,
    Relationship,
    Ruling,
    decide,
)

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
CHILD = "2018-06-10"
ADULT = "1990-03-02"
INSTANT = timedelta(microseconds=1)

GUARDIAN = Delegation(
    citizen_id="child",
    delegation_id="d1",
    kind=Kind.GUARDIAN,
    representative_id="mother",
    relationship=Relationship.PARENT,
    actions=EVERY_ACTION,
    evidence_kind=EvidenceKind.BIRTH_CERTIFICATE,
    evidence_reference="",
    recorded_by="persons/clerk-1",
    recorded_at_facility_code="19001",
    start_time=NOW - timedelta(days=1),
    end_time=None,
    revoke_time=None,
    revoked_by="",
)
DELEGATE = replace(
    GUARDIAN,
    citizen_id="adult",
    delegation_id="d2",
    kind=Kind.DELEGATE,
    representative_id="brother",
    relationship=Relationship.SIBLING,
    actions=(Action.PAY, Action.BOOK),
    end_time=NOW + timedelta(days=30),
)
CODE = ProxyCode(
    citizen_id="adult",
    code_id="c1",
    actions=(Action.CHECK_IN, Action.PAY),
    facility_code="",
    issuer_id="adult",
    key_version=1,
    issue_time=NOW - timedelta(hours=2),
    expire_time=NOW + timedelta(hours=22),
    redeem_time=NOW - timedelta(hours=1),
    redeemed_by="persons/clerk-1",
    redeemed_at_facility_code="19001",
    bearer_id="",
    visit_end_time=NOW + timedelta(hours=23),
    revoke_time=None,
)


def ask(
    actor: str, citizen: str, action: Action = Action.PAY, *, at: datetime = NOW, facility: str = ""
) -> Question:
    return Question(
        citizen_ids=frozenset({citizen}),
        actor_ids=frozenset({actor}) if actor else frozenset(),
        action=action,
        facility_code=facility,
        at_time=at,
    )


def guardian_at(at: datetime, *, birth_date: str = CHILD, delegation: Delegation = GUARDIAN) -> Ruling:
    return decide(ask("mother", "child", at=at), birth_date=birth_date, delegations=[delegation])


def test_the_citizen_may_act_for_themselves() -> None:
    assert decide(ask("adult", "adult"), birth_date=ADULT).basis is Basis.SELF


def test_a_stranger_may_not_and_nothing_names_anybody() -> None:
    ruling = decide(ask("stranger", "adult"), birth_date=ADULT, delegations=[DELEGATE])

    assert (ruling.basis, ruling.denial, ruling.authority) == (None, Denial.NO_RELATION, "")


@pytest.mark.parametrize("action", Action)
def test_a_guardian_may_do_everything_until_the_child_is_of_age(action: Action) -> None:
    ruling = decide(ask("mother", "child", action), birth_date=CHILD, delegations=[GUARDIAN])

    assert ruling.basis is Basis.GUARDIAN
    assert ruling.authority == "citizens/child/delegations/d1"
    assert ruling.until_time == datetime(2036, 6, 9, 17, tzinfo=UTC)


def test_a_guardians_right_ends_at_midnight_in_vietnam_on_the_eighteenth_birthday() -> None:
    midnight = datetime(2036, 6, 9, 17, tzinfo=UTC)  # 10 June 2036, 00:00 in Asia/Ho_Chi_Minh

    before, then = guardian_at(midnight - INSTANT), guardian_at(midnight)

    assert before.basis is Basis.GUARDIAN
    assert (then.basis, then.denial) == (None, Denial.CITIZEN_OF_AGE)


def test_the_guardian_of_an_adult_whom_a_court_protects_stays() -> None:
    protected = replace(GUARDIAN, evidence_kind=EvidenceKind.INCAPACITY_DECISION)

    ruling = guardian_at(NOW, birth_date=ADULT, delegation=protected)

    assert (ruling.basis, ruling.until_time) == (Basis.GUARDIAN, None)


def test_a_corrected_birth_date_moves_the_end_without_touching_the_delegation() -> None:
    assert guardian_at(NOW, birth_date="2008-03-03").basis is Basis.GUARDIAN
    assert guardian_at(NOW, birth_date="2008-03-02").denial is Denial.CITIZEN_OF_AGE


def test_a_delegation_counts_from_its_start_to_before_its_end() -> None:
    start, end = DELEGATE.start_time, DELEGATE.end_time
    assert end is not None
    found = [
        decide(ask("brother", "adult", at=at), birth_date=ADULT, delegations=[DELEGATE])
        for at in (start - INSTANT, start, end - INSTANT, end)
    ]

    assert [ruling.denial for ruling in found] == [Denial.NOT_YET_VALID, None, None, Denial.EXPIRED]
    assert found[1].until_time == end


def test_a_revocation_counts_at_its_instant_and_leaves_the_past_allowed() -> None:
    revoked = replace(DELEGATE, revoke_time=NOW)

    before = decide(ask("brother", "adult", at=NOW - INSTANT), birth_date=ADULT, delegations=[revoked])
    then = decide(ask("brother", "adult", at=NOW), birth_date=ADULT, delegations=[revoked])

    assert before.basis is Basis.DELEGATE
    assert then.denial is Denial.REVOKED


def test_a_delegate_may_do_the_named_actions_alone() -> None:
    allowed = {
        action
        for action in Action
        if decide(ask("brother", "adult", action), birth_date=ADULT, delegations=[DELEGATE]).is_allowed
    }

    assert allowed == {Action.PAY, Action.BOOK}


def test_no_delegation_hands_on_the_right_to_delegate() -> None:
    assert Action.DELEGATE not in DELEGABLE
    assert Action.DELEGATE not in ONE_VISIT
    assert Action.SEE_RECORD not in ONE_VISIT


def test_of_two_delegations_the_one_that_allows_decides() -> None:
    over = replace(DELEGATE, delegation_id="d0", end_time=NOW - timedelta(hours=1))
    narrow = replace(DELEGATE, delegation_id="d3", actions=(Action.SEE_RECORD,))

    ruling = decide(ask("brother", "adult"), birth_date=ADULT, delegations=[over, narrow, DELEGATE])

    assert ruling.authority.endswith("d2")


def test_of_several_refusals_the_nearest_is_told() -> None:
    over = replace(DELEGATE, delegation_id="d0", end_time=NOW - timedelta(hours=1))
    narrow = replace(DELEGATE, delegation_id="d3", actions=(Action.SEE_RECORD,))

    ruling = decide(ask("brother", "adult"), birth_date=ADULT, delegations=[over, narrow])

    assert ruling.denial is Denial.ACTION_NOT_DELEGATED


@pytest.mark.parametrize(
    ("changes", "facility", "action", "denial"),
    [
        ({}, "19001", Action.PAY, None),
        ({}, "19002", Action.PAY, Denial.OTHER_FACILITY),
        ({}, "19001", Action.SEE_RECORD, Denial.ACTION_NOT_DELEGATED),
        ({"revoke_time": NOW}, "19001", Action.PAY, Denial.REVOKED),
        ({"redeem_time": None, "visit_end_time": None}, "19001", Action.PAY, Denial.CODE_NOT_TAKEN),
        ({"redeem_time": NOW + INSTANT}, "19001", Action.PAY, Denial.CODE_NOT_TAKEN),
        ({"visit_end_time": NOW}, "19001", Action.PAY, Denial.VISIT_OVER),
        ({"visit_end_time": NOW + INSTANT}, "19001", Action.PAY, None),
    ],
)
def test_a_proxy_code_counts_for_its_visit_facility_and_actions(
    changes: dict[str, datetime | None], facility: str, action: Action, denial: Denial | None
) -> None:
    code = replace(CODE, **changes)  # type: ignore[arg-type]

    ruling = decide(ask("", "adult", action, facility=facility), birth_date=ADULT, codes=[code])

    assert ruling.denial is denial
    assert ruling.basis is (Basis.PROXY_CODE if denial is None else None)


@pytest.mark.parametrize(
    ("birth_date", "action", "denial"),
    [
        ("2010-03-02", Action.GIVE_CONSENT, None),  # sixteen today
        ("2010-03-03", Action.GIVE_CONSENT, Denial.TOO_YOUNG),
        ("2008-03-02", Action.DELEGATE, None),
        ("2008-03-03", Action.DELEGATE, Denial.TOO_YOUNG),
        ("2015-01-01", Action.SEE_IDENTITY, None),
        ("", Action.GIVE_CONSENT, Denial.TOO_YOUNG),
    ],
)
def test_the_law_says_from_when_one_acts_alone(
    birth_date: str, action: Action, denial: Denial | None
) -> None:
    assert decide(ask("x", "x", action), birth_date=birth_date).denial is denial


def test_an_id_that_was_merged_is_the_same_person() -> None:
    merged = Question(
        citizen_ids=frozenset({"child", "child-before"}),
        actor_ids=frozenset({"mother", "mother-before"}),
        action=Action.PAY,
        facility_code="",
        at_time=NOW,
    )
    old = replace(GUARDIAN, citizen_id="child-before", representative_id="mother-before")

    assert decide(merged, birth_date=CHILD, delegations=[old]).basis is Basis.GUARDIAN


@pytest.mark.parametrize(
    ("birth_date", "years", "day"),
    [
        ("2008-02-29", 18, "2026-03-01"),
        ("2008-02-29", 20, "2028-02-29"),
        ("2008", 18, "2026-12-31"),
        ("2008-02", 18, "2026-03-01"),
        ("2010-02", 18, "2028-02-28"),
        ("2008-12-31", 18, "2026-12-31"),
    ],
)
def test_a_birthday_begins_at_midnight_in_vietnam_and_an_unsure_one_late(
    birth_date: str, years: int, day: str
) -> None:
    begins = birthday_time(birth_date, years)

    assert begins == datetime.fromisoformat(f"{day}T00:00:00+07:00")


def test_the_ages_carry_their_dates() -> None:
    today = date(2026, 3, 2)
    assert {rule: years_of(rule, on=today) for rule in AgeRule} == {
        AgeRule.OF_AGE: 18,
        AgeRule.CONSENTS_ALONE: 16,
        AgeRule.IS_ASKED_TOO: 7,
        AgeRule.OWN_ACCOUNT: 14,
    }
    assert not has_reached(AgeRule.OF_AGE, "", at=NOW)
