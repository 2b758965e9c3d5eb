"""Which form of the question follows which answer, and what the answers add up to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from insurance_svc.domain.codes import CodeClass, load_codes
from insurance_svc.domain.errors import BirthDateMalformed, NameMissing, PersonalNumberMissing
from insurance_svc.domain.finding import conclude
from insurance_svc.domain.ladder import (
    CALLS_MAX,
    Asked,
    NextAsk,
    first_rung,
    make_question,
    name_variant,
    next_ask,
    read_asked,
)
from insurance_svc.domain.model import Finding, Outcome, PortalCall, Question, Rung
from standards.errors import InsuranceNumberLength
from tests.support.fake_portal import BIRTH, CARD, CITIZEN, NAME, refusal, reply

CODES = load_codes()
TODAY = date(2026, 9, 1)
NOON = datetime(2026, 9, 1, 5, tzinfo=UTC)
NEW = {
    "maTheMoi": "CN3060600000001",
    "gtTheTuMoi": "01/08/2026",
    "gtTheDenMoi": "31/07/2027",
    "maDKBDMoi": "19998",
}


def question(**fields: Any) -> Question:
    whole: dict[str, Any] = {
        "identifier": CITIZEN,
        "full_name": NAME,
        "birth_date": BIRTH,
        "service_date": TODAY,
    }
    return make_question(**{**whole, **fields})


def climb(
    asked_for: Question, portal: Callable[[Rung], dict[str, Any] | str], *, today: date = TODAY
) -> tuple[Finding, list[Asked]]:
    """Climb the ladder against a portal; a text is a failure reason."""
    asked: list[Asked] = []
    ask: NextAsk | None = NextAsk(rung=first_rung(asked_for))
    while ask is not None:
        answer = portal(ask.rung)
        failed = isinstance(answer, str)
        call = PortalCall(
            form=ask.rung.form,
            send_time=NOON,
            receive_time=NOON,
            reply=b"" if failed else json.dumps(answer).encode(),
            code="" if isinstance(answer, str) else answer["maKetQua"],
            failure_reason=answer if isinstance(answer, str) else "",
        )
        asked.append(read_asked(ask.rung, call))
        ask = next_ask(asked_for, asked, CODES)
    return conclude(asked_for, asked, CODES, today=today), asked


def forms(asked: list[Asked]) -> list[str]:
    return [each.rung.form for each in asked]


def test_all_26_official_and_4_unofficial_codes_have_a_class() -> None:
    assert len(CODES) == 30
    assert CODES.rule("003").cls is CodeClass.CARD_CHANGED
    assert CODES.rule("090").cls is CodeClass.UNKNOWN
    assert CODES.rule("777").cls is CodeClass.UNKNOWN


def test_a_good_answer_ends_the_ladder_after_one_call() -> None:
    finding, asked = climb(question(), lambda _: reply())

    assert forms(asked) == ["citizen12/name-as-printed/date-full"]
    assert finding.outcome is Outcome.VALID
    assert finding.card is not None
    assert (finding.card.object_group, finding.card.benefit_level) == ("DT", 2)
    assert finding.card.registered_facility_code == "06999"
    assert finding.card.area_code == "K1"
    assert finding.card.five_year_date == date(2025, 6, 1)


def test_what_is_sent_has_the_portals_own_form() -> None:
    rung = first_rung(question())

    assert (rung.identifier, rung.full_name, rung.birth_text) == (CITIZEN, NAME, "05/03/1990")
    assert first_rung(question(birth_date="1990-03")).birth_text == "03/1990"
    assert first_rung(question(birth_date="1990")).birth_text == "1990"


OUTCOMES = {
    "000": Outcome.VALID,
    "001": Outcome.VALID_MANUAL,
    "002": Outcome.VALID_MANUAL,
    "010": Outcome.NOT_VALID,
    "050": Outcome.NOT_FOUND,
    "051": Outcome.NOT_FOUND,
    "052": Outcome.NOT_FOUND,
    "053": Outcome.NOT_FOUND,
    "054": Outcome.UNVERIFIED,
    "055": Outcome.UNVERIFIED,
    "060": Outcome.PERSON_MISMATCH,
    "061": Outcome.PERSON_MISMATCH,
    "070": Outcome.PERSON_MISMATCH,
    "090": Outcome.UNVERIFIED,
    "100": Outcome.UNVERIFIED,
    "101": Outcome.UNVERIFIED,
    "110": Outcome.NOT_VALID,
    "120": Outcome.NOT_VALID,
    "121": Outcome.NOT_VALID,
    "122": Outcome.NOT_VALID,
    "123": Outcome.NOT_VALID,
    "124": Outcome.NOT_VALID,
    "130": Outcome.VALID_MANUAL,
    "205": Outcome.UNVERIFIED,
    "401": Outcome.UNVERIFIED,
    "500": Outcome.UNVERIFIED,
    "501": Outcome.UNVERIFIED,
    "999": Outcome.UNVERIFIED,
    "777": Outcome.UNVERIFIED,
}


@pytest.mark.parametrize("code", OUTCOMES)
def test_each_code_ends_in_its_outcome_within_four_calls(code: str) -> None:
    carries_person = code in ("000", "001", "002")

    finding, asked = climb(question(), lambda _: reply(code) if carries_person else refusal(code))

    assert finding.outcome is OUTCOMES[code]
    assert finding.portal_code == code
    assert finding.explanation_vi
    assert finding.explanation_en
    assert len(asked) <= CALLS_MAX


@pytest.mark.parametrize(
    ("code", "reason", "rechecked"),
    [
        ("054", "STAFF_NOT_REGISTERED", True),
        ("055", "STAFF_NOT_REGISTERED", True),
        ("100", "PORTAL_ERROR", True),
        ("501", "PORTAL_LOGIN_REFUSED", True),
        ("090", "PORTAL_CODE_UNKNOWN", True),
        ("205", "PORTAL_REQUEST_REFUSED", False),
    ],
)
def test_an_answer_that_says_nothing_of_the_citizen_tells_why(
    code: str, reason: str, rechecked: bool
) -> None:
    finding, _ = climb(question(), lambda _: refusal(code))

    assert (finding.degraded_reason, finding.needs_recheck) == (reason, rechecked)


def test_silence_is_unverified_and_checked_again() -> None:
    finding, asked = climb(question(), lambda _: "PORTAL_TIMEOUT")

    assert (finding.outcome, finding.degraded_reason) == (Outcome.UNVERIFIED, "PORTAL_TIMEOUT")
    assert finding.needs_recheck
    assert len(asked) == 1


def test_a_broken_connection_is_tried_once_more_and_not_twice() -> None:
    finding, asked = climb(question(), lambda _: "PORTAL_RESET")

    assert len(asked) == 2
    assert finding.degraded_reason == "PORTAL_RESET"


@pytest.mark.parametrize("code", ["401", "501", "999"])
def test_a_refused_token_is_renewed_once(code: str) -> None:
    answers = iter([refusal(code), reply()])

    finding, asked = climb(question(), lambda _: next(answers))

    assert finding.outcome is Outcome.VALID
    assert len(asked) == 2
    again = next_ask(question(), [read_asked(asked[0].rung, asked[0].call)], CODES)
    assert again is not None
    assert again.stale_login == asked[0].call.login_serial


def test_a_token_refused_twice_ends_the_ladder() -> None:
    _, asked = climb(question(), lambda _: refusal("501"))

    assert len(asked) == 2


def test_a_replaced_card_is_taken_from_the_reply_itself() -> None:
    finding, asked = climb(question(), lambda _: reply("003", gtTheDen="31/07/2026", **NEW))

    assert len(asked) == 1
    assert finding.outcome is Outcome.CARD_CHANGED
    assert finding.card is not None
    assert finding.replaced_card is not None
    assert finding.card.number == NEW["maTheMoi"]
    assert finding.card.registered_facility_code == "19998"
    assert finding.replaced_card.number == CARD


@pytest.mark.parametrize(
    ("service", "outcome", "number"),
    [
        (date(2026, 7, 31), Outcome.VALID, CARD),
        (date(2026, 8, 1), Outcome.CARD_CHANGED, NEW["maTheMoi"]),
        (date(2027, 7, 31), Outcome.CARD_CHANGED, NEW["maTheMoi"]),
        (date(2027, 8, 1), Outcome.NOT_VALID, None),
    ],
)
def test_the_day_of_the_service_chooses_between_old_and_new_card(
    service: date, outcome: Outcome, number: str | None
) -> None:
    finding, _ = climb(question(service_date=service), lambda _: reply("004", **NEW))

    assert finding.outcome is outcome
    assert (finding.card.number if finding.card else None) == number


def test_a_new_card_without_its_days_is_asked_for() -> None:
    def portal(rung: Rung) -> dict[str, Any]:
        if rung.identifier == NEW["maTheMoi"]:
            return reply(maThe=NEW["maTheMoi"], gtTheTu="01/08/2026", gtTheDen="31/07/2027")
        return reply("003", maTheMoi=NEW["maTheMoi"])

    finding, asked = climb(question(), portal)

    assert forms(asked)[1] == "new-card15/name-as-printed/date-full"
    assert finding.outcome is Outcome.CARD_CHANGED
    assert finding.replaced_card is not None
    assert finding.replaced_card.number == CARD


def test_a_change_without_any_new_card_is_disputed() -> None:
    finding, _ = climb(question(), lambda _: reply("003"))

    assert finding.outcome is Outcome.DISPUTED


@pytest.mark.parametrize("code", ["050", "051", "052", "053"])
def test_an_old_card_number_falls_back_to_its_ten_digits(code: str) -> None:
    finding, asked = climb(
        question(identifier=CARD),
        lambda rung: reply() if rung.identifier == "0600000001" else refusal(code),
    )

    assert forms(asked) == ["card15/name-as-printed/date-full", "number10/name-as-printed/date-full"]
    assert finding.outcome is Outcome.VALID


def test_a_wrong_name_is_tried_with_the_canonical_tone_place() -> None:
    finding, asked = climb(
        question(full_name="Nông Thị Hoà"),
        lambda rung: reply() if rung.full_name == "Nông Thị Hòa" else refusal("061"),
    )

    assert forms(asked)[1] == "citizen12/name-canonical/date-full"
    assert finding.outcome is Outcome.VALID


def test_a_canonical_name_is_tried_with_the_other_tone_place() -> None:
    finding, asked = climb(
        question(),
        lambda rung: reply(hoTen="Nông Thị Hoà") if rung.full_name == "Nông Thị Hoà" else refusal("060"),
    )

    assert forms(asked)[1] == "citizen12/name-other-placement/date-full"
    assert finding.outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Nông Thị Hòa", "Nông Thị Hoà"),
        ("Lò Văn Khỏe", "Lò Văn Khoẻ"),
        ("Đặng Thị Thúy", "Đặng Thị Thuý"),
        ("TRẦN THỊ HÒA", "TRẦN THỊ HOÀ"),
    ],
)
def test_the_other_place_moves_only_the_tone_mark(name: str, other: str) -> None:
    assert name_variant(name) == (other, "name-other-placement")


@pytest.mark.parametrize("name", ["Nguyễn Văn An", "Nông Quý Kỳ", "Trần Văn Hoàng"])
def test_a_name_with_one_spelling_has_no_variant(name: str) -> None:
    assert name_variant(name) is None


def test_a_wrong_birth_date_is_tried_with_the_year_alone() -> None:
    finding, asked = climb(
        question(), lambda rung: reply(ngaySinh="1990") if rung.birth_text == "1990" else refusal("070")
    )

    assert forms(asked)[1] == "citizen12/name-as-printed/date-year"
    assert finding.outcome is Outcome.VALID
    assert "năm sinh" in finding.explanation_vi


def test_a_year_that_fits_does_not_hide_another_day_of_birth() -> None:
    finding, _ = climb(
        question(),
        lambda rung: reply(ngaySinh="17/11/1990") if rung.birth_text == "1990" else refusal("070"),
    )

    assert finding.outcome is Outcome.DISPUTED


def test_no_more_than_four_calls_are_made_whatever_the_portal_says() -> None:
    answers = iter([refusal("501"), refusal("052"), refusal("060"), refusal("070"), reply()])

    finding, asked = climb(question(identifier=CARD, full_name="Nông Thị Hoà"), lambda _: next(answers))

    assert len(asked) == CALLS_MAX
    assert finding.outcome is Outcome.PERSON_MISMATCH


@pytest.mark.parametrize(
    "wrong",
    [
        {"hoTen": "Nông Thị Hoa"},
        {"hoTen": "Lý Văn Bình"},
        {"hoTen": ""},
        {"ngaySinh": "06/03/1990"},
        {"maSoBHXH": "0600000002"},
        {"maThe": "DT2060600000002"},
    ],
)
def test_an_answer_about_another_person_is_disputed_and_never_valid(wrong: dict[str, str]) -> None:
    finding, _ = climb(question(), lambda _: reply(**wrong))

    assert finding.outcome is Outcome.DISPUTED
    assert finding.card is None


def test_an_answer_with_another_number_than_the_one_asked_is_disputed() -> None:
    finding, _ = climb(question(identifier="0600000009"), lambda _: reply())

    assert finding.outcome is Outcome.DISPUTED


def test_another_spelling_of_the_same_name_is_the_same_person() -> None:
    finding, _ = climb(question(), lambda _: reply(hoTen="NÔNG THỊ HOÀ"))

    assert finding.outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("code", "valid_to", "service", "outcome"),
    [
        ("000", "01/09/2026", TODAY, Outcome.VALID),
        ("000", "31/08/2026", TODAY, Outcome.DISPUTED),
        ("000", "30/09/2026", date(2026, 10, 1), Outcome.NOT_VALID),
        ("010", "31/08/2026", TODAY, Outcome.NOT_VALID),
        ("010", "31/08/2026", date(2026, 8, 31), Outcome.VALID),
        ("010", "30/09/2026", TODAY, Outcome.DISPUTED),
        ("010", "", date(2026, 8, 31), Outcome.NOT_VALID),
    ],
)
def test_the_cards_last_day_decides_for_the_day_of_the_service(
    code: str, valid_to: str, service: date, outcome: Outcome
) -> None:
    finding, _ = climb(question(service_date=service), lambda _: reply(code, gtTheDen=valid_to))

    assert finding.outcome is outcome


def test_a_child_without_a_card_is_group_te() -> None:
    finding, _ = climb(question(), lambda _: refusal("130"))

    assert finding.card is not None
    assert (finding.card.object_group, finding.card.benefit_level) == ("TE", 1)


@pytest.mark.parametrize("number", ["0600000001", "099190000001"])
def test_a_card_of_10_or_12_characters_has_no_level(number: str) -> None:
    finding, _ = climb(question(), lambda _: reply(maThe=number))

    assert finding.card is not None
    assert (finding.card.number, finding.card.benefit_level) == (number, 0)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"identifier": " "}, PersonalNumberMissing),
        ({"full_name": ""}, NameMissing),
        ({"birth_date": "05/03/1990"}, BirthDateMalformed),
        ({"birth_date": ""}, BirthDateMalformed),
        ({"identifier": "09919000000"}, InsuranceNumberLength),
    ],
)
def test_a_question_without_its_parts_is_refused(fields: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        question(**fields)


def test_neither_question_nor_rung_shows_personal_values() -> None:
    asked = question()

    shown = repr(asked) + repr(first_rung(asked))

    assert CITIZEN not in shown
    assert "Hòa" not in shown
    assert "1990" not in shown
