"""Which card pays for a day of a stay, and what a later look-up may take away."""

from __future__ import annotations

from datetime import date

import pytest

from insurance_svc.domain.model import Finding, InsuranceCard, Outcome
from insurance_svc.domain.treatment import card_on, during_treatment, grace_end_date

ADMIT = date(2026, 8, 20)
OLD = InsuranceCard(
    number="DT2060600000001", valid_from_date=date(2026, 1, 1), valid_to_date=date(2026, 8, 25)
)
NEW = InsuranceCard(
    number="CN3060600000001", valid_from_date=date(2026, 9, 5), valid_to_date=date(2027, 9, 4)
)


@pytest.mark.parametrize(
    ("day", "number"),
    [
        (date(2026, 8, 25), OLD.number),  # the card's last day
        (date(2026, 8, 26), OLD.number),  # first of grace
        (date(2026, 9, 4), OLD.number),
        (date(2026, 9, 5), NEW.number),  # a new card counts from its first day
    ],
)
def test_an_inpatients_day_is_paid_by_the_card_of_that_day(day: date, number: str) -> None:
    card = card_on((NEW, OLD), day, admit_date=ADMIT, is_inpatient=True)

    assert card is not None
    assert card.number == number


def test_the_grace_ends_after_15_days() -> None:
    assert grace_end_date(OLD) == date(2026, 9, 9)
    assert card_on((OLD,), date(2026, 9, 9), admit_date=ADMIT, is_inpatient=True) == OLD
    assert card_on((OLD,), date(2026, 9, 10), admit_date=ADMIT, is_inpatient=True) is None


def test_an_outpatient_has_no_grace() -> None:
    assert card_on((OLD,), date(2026, 8, 26), admit_date=ADMIT, is_inpatient=False) is None


def test_who_came_after_the_card_had_ended_has_no_grace() -> None:
    assert card_on((OLD,), date(2026, 8, 27), admit_date=date(2026, 8, 26), is_inpatient=True) is None


def test_a_card_without_an_end_has_no_grace_to_tell() -> None:
    assert grace_end_date(InsuranceCard(number="0600000001")) is None


def finding(outcome: Outcome, **fields: object) -> Finding:
    return Finding(outcome=outcome, explanation_vi="a", explanation_en="b", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (Outcome.NOT_VALID, "ENDED_DURING_TREATMENT"),
        (Outcome.NOT_FOUND, "CONTRADICTS_ARRIVAL"),
        (Outcome.PERSON_MISMATCH, "CONTRADICTS_ARRIVAL"),
    ],
)
def test_a_right_proven_at_arrival_is_disputed_and_not_taken_away(now: Outcome, reason: str) -> None:
    before = finding(Outcome.VALID, card=OLD, cards=(OLD,))

    told = during_treatment(before, finding(now))
    again = during_treatment(told, finding(now))

    assert (told.outcome, told.reason, told.card) == (Outcome.DISPUTED, reason, OLD)
    assert (again.outcome, again.reason) == (Outcome.DISPUTED, reason)


@pytest.mark.parametrize("now", [Outcome.VALID, Outcome.CARD_CHANGED, Outcome.UNVERIFIED, Outcome.DISPUTED])
def test_what_does_not_take_away_is_told_as_it_is(now: Outcome) -> None:
    assert during_treatment(finding(Outcome.VALID), finding(now)).outcome is now


def test_who_was_never_proven_insured_has_nothing_to_keep() -> None:
    assert (
        during_treatment(finding(Outcome.UNVERIFIED), finding(Outcome.NOT_VALID)).outcome is Outcome.NOT_VALID
    )
