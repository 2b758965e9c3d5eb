"""Further numbers and spellings of one citizen: in which order they are asked, and which answer stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.finding import conclude
from insurance_svc.domain.ladder import (
    CALLS_MAX,
    Asked,
    NextAsk,
    first_rung,
    make_question,
    next_ask,
    read_asked,
    with_numbers,
)
from insurance_svc.domain.model import Finding, Outcome, PortalCall, Question, Rung
from tests.support.fake_portal import BIRTH, CARD, CITIZEN, NAME, refusal, reply

CODES = load_codes()
TODAY = date(2026, 9, 1)
NOON = datetime(2026, 9, 1, 5, tzinfo=UTC)
TEN = "0600000001"


def question(**fields: Any) -> Question:
    whole = {"identifier": CITIZEN, "full_name": NAME, "birth_date": BIRTH, "service_date": TODAY}
    return make_question(**{**whole, **fields})


def climb(
    asked_for: Question, portal: Callable[[Rung], dict[str, Any]], *, today: date = TODAY
) -> tuple[Finding, list[Asked]]:
    asked: list[Asked] = []
    ask: NextAsk | None = NextAsk(rung=first_rung(asked_for))
    while ask is not None:
        answer = portal(ask.rung)
        call = PortalCall(
            form=ask.rung.form,
            send_time=NOON,
            receive_time=NOON,
            reply=json.dumps(answer).encode(),
            code=answer["maKetQua"],
        )
        asked.append(read_asked(ask.rung, call))
        ask = next_ask(asked_for, asked, CODES)
    return conclude(asked_for, asked, CODES, today=today), asked


def numbers(asked: list[Asked]) -> list[str]:
    return [each.rung.identifier for each in asked]


@pytest.mark.parametrize(
    ("identifier", "others"), [(CARD, (TEN, CITIZEN)), (TEN, (CARD, CITIZEN)), (CITIZEN, (CARD,))]
)
def test_numbers_are_asked_12_then_10_then_15_whatever_came_first(
    identifier: str, others: tuple[str, ...]
) -> None:
    finding, asked = climb(
        question(identifier=identifier, other_identifiers=others), lambda _: refusal("050")
    )

    assert numbers(asked) == [CITIZEN, TEN, CARD]
    assert (finding.outcome, finding.reason) == (Outcome.NOT_FOUND, "NO_RECORD")


def test_a_further_number_that_is_none_keeps_nobody_from_being_asked() -> None:
    _, asked = climb(question(other_identifiers=("12", "XX", CARD, "")), lambda _: refusal("050"))

    assert numbers(asked) == [CITIZEN, TEN, CARD]


def test_numbers_known_from_before_follow_those_that_were_given() -> None:
    more = with_numbers(question(), [CARD, CITIZEN, "no number"])

    assert more.identifier == CITIZEN
    assert more.other_identifiers == (CARD,)


def test_a_card_reduced_by_a_move_is_looked_for_by_the_personal_number() -> None:
    asked_for = question(identifier=CITIZEN, other_identifiers=(CARD,))

    def portal(rung: Rung) -> dict[str, Any]:
        return {CITIZEN: refusal("050"), TEN: reply("121")}.get(rung.identifier, refusal("050"))

    finding, asked = climb(asked_for, portal)

    # The personal number was asked already: the portal's word about the card stands.
    assert numbers(asked) == [CITIZEN, TEN]
    assert (finding.outcome, finding.reason) == (Outcome.NOT_VALID, "REDUCED_MOVED_OUT")


def test_a_reply_may_tell_the_personal_number_under_which_the_new_card_stands() -> None:
    def portal(rung: Rung) -> dict[str, Any]:
        return (
            reply(maThe=CITIZEN, maSoBHXH=CITIZEN)
            if rung.identifier == CITIZEN
            else reply("122", maSoBHXH=CITIZEN)
        )

    finding, asked = climb(question(identifier=TEN), portal)

    assert numbers(asked) == [TEN, CITIZEN]
    assert finding.outcome is Outcome.VALID


def test_not_found_after_a_reduced_card_does_not_hide_the_reason() -> None:
    def portal(rung: Rung) -> dict[str, Any]:
        return reply("123", maSoBHXH=CITIZEN) if rung.identifier == TEN else refusal("050")

    finding, asked = climb(question(identifier=TEN), portal)

    assert len(asked) == 2
    assert (finding.outcome, finding.reason) == (Outcome.NOT_VALID, "REDUCED_READDED")


def test_spellings_follow_each_other_exact_then_tone_then_paper() -> None:
    finding, asked = climb(question(printed_name="Nông Thị Hoa"), lambda _: refusal("060"))

    assert [each.rung.full_name for each in asked] == ["Nông Thị Hòa", "Nông Thị Hoà", "Nông Thị Hoa"]
    assert [each.rung.form.split("/")[1] for each in asked] == [
        "name-as-printed", "name-other-placement", "name-on-paper",
    ]  # fmt: skip
    assert (finding.outcome, finding.reason) == (Outcome.PERSON_MISMATCH, "NAME")


def test_the_name_on_the_paper_may_be_the_portals() -> None:
    def portal(rung: Rung) -> dict[str, Any]:
        return reply(hoTen="Nông Thị Hoa") if rung.full_name == "Nông Thị Hoa" else refusal("061")

    finding, _ = climb(question(printed_name="Nông Thị Hoa"), portal)

    assert finding.outcome is Outcome.VALID


def test_every_kind_of_variant_together_stays_within_four_calls() -> None:
    answers = iter([refusal("050"), refusal("060"), refusal("070"), refusal("070"), reply()])

    _, asked = climb(
        question(other_identifiers=(CARD, TEN), printed_name="Nông Thị Hoa"), lambda _: next(answers)
    )

    assert len(asked) == CALLS_MAX


def test_a_call_is_never_made_twice_in_the_same_form() -> None:
    for codes in (("050",) * 6, ("060",) * 6, ("052", "061", "070", "050"), ("121",) * 4):
        answers = iter(codes)
        _, asked = climb(
            question(other_identifiers=(CARD,), printed_name="Nông Thị Hoa"),
            lambda _, answers=answers: refusal(next(answers)),  # type: ignore[misc]
        )
        rungs = [each.rung for each in asked]
        assert len(set(rungs)) == len(rungs)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("110", "WITHDRAWN"), ("120", "REDUCED"), ("124", "STOPPED"), ("010", "EXPIRED"), ("060", "NAME"),
        ("061", "NAME_PARTIAL"), ("070", "DOB"), ("051", "FORMAT"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_reason(code: str, reason: str) -> None:
    finding, _ = climb(question(identifier=TEN), lambda _: refusal(code))

    assert finding.reason == reason


def test_a_card_that_begins_later_is_not_called_expired() -> None:
    finding, _ = climb(
        question(service_date=date(2026, 8, 30)), lambda _: reply(gtTheTu="01/09/2026", gtTheDen="31/12/2026")
    )

    assert (finding.outcome, finding.reason) == (Outcome.NOT_VALID, "NOT_YET_VALID")


def test_every_card_of_the_reply_is_given_the_counting_one_first() -> None:
    finding, _ = climb(
        question(),
        lambda _: reply("004", maTheMoi="CN3060600000001", gtTheTuMoi="01/08/2026", gtTheDenMoi="31/07/2027"),
    )

    assert [card.number for card in finding.cards] == ["CN3060600000001", CARD]


def test_a_card_told_in_two_forms_stands_once() -> None:
    def portal(rung: Rung) -> dict[str, Any]:
        if rung.identifier == "CN3060600000001":
            return reply(maThe="CN3060600000001", gtTheTu="01/08/2026", gtTheDen="31/07/2027")
        return reply("003", maThe=TEN, maTheMoi="CN3060600000001")

    finding, _ = climb(question(), portal)

    assert [card.number for card in finding.cards] == ["CN3060600000001", TEN]


def test_a_card_that_ended_during_the_treatment_tells_the_last_paid_day() -> None:
    finding, _ = climb(
        question(service_date=date(2026, 8, 20)), lambda _: reply("010", gtTheDen="25/08/2026"), today=TODAY
    )

    assert finding.outcome is Outcome.VALID
    assert "hết ngày 09/09/2026" in finding.explanation_vi
    assert "2026-09-09" in finding.explanation_en
