"""From the register's answer per field to one outcome with words."""

from __future__ import annotations

import pytest

from identity_svc.domain import judgement
from identity_svc.domain.card import read_card
from identity_svc.domain.explanations import explain, known_reasons
from identity_svc.domain.judgement import FIELDS, disputed_by_store, judge, not_asked
from identity_svc.domain.model import FieldCheck, FieldResult, Outcome, RegisterAnswer
from tests.support.identity import card_text

CARD = read_card(card_text())
REPAIRS = {
    "KEEP_CARD_VALUE",
    "ADD_NAME_ALIAS",
    "MISSING_MIDDLE_NAME",
    "OLD_COMMUNE",
    "ESTIMATED_BIRTH_DATE",
    "ASK_REGISTER_CORRECTION",
    "RESCAN_CARD",
}


def answer(fields: dict[str, tuple[str, str]] | None = None, *, found: bool = True) -> RegisterAnswer:
    words = {field: (fields or {}).get(field, ("MATCH", "")) for field in FIELDS[1:]}
    return RegisterAnswer(
        found=found,
        results={field: FieldResult(result) for field, (result, _) in words.items()},
        reasons={field: reason for field, (_, reason) in words.items() if reason},
        reference="reg-1",
    )


@pytest.mark.parametrize(
    ("field", "result", "reason", "outcome", "ours"),
    [
        ("full_name", "PARTIAL", "TONE_PLACE", Outcome.PARTIAL, "NAME_DIFFERS_IN_TONE_PLACEMENT"),
        ("full_name", "PARTIAL", "MARKS_MISSING", Outcome.PARTIAL, "NAME_WITHOUT_ACCENTS"),
        ("full_name", "PARTIAL", "MARKS_DIFFER", Outcome.DISPUTED, "NAME_DIFFERS_IN_ACCENTS"),
        ("full_name", "PARTIAL", "WORDS_MISSING", Outcome.PARTIAL, "NAME_LACKS_WORDS"),
        ("full_name", "PARTIAL", "SOMETHING_NEW", Outcome.PARTIAL, "NAME_PARTLY_AGREES"),
        ("full_name", "MISMATCH", "DIFFERENT", Outcome.DISPUTED, "NAME_DIFFERS"),
        ("full_name", "NOT_CHECKED", "", Outcome.PARTIAL, ""),
        ("birth_date", "PARTIAL", "YEAR_ONLY", Outcome.PARTIAL, "BIRTH_YEAR_ONLY"),
        ("birth_date", "MISMATCH", "YEAR_SAME", Outcome.DISPUTED, "BIRTH_DAY_DIFFERS"),
        ("birth_date", "MISMATCH", "DIFFERENT", Outcome.DISPUTED, "BIRTH_DATE_DIFFERS"),
        ("birth_date", "MISMATCH", "", Outcome.DISPUTED, "BIRTH_DATE_DIFFERS"),
        ("gender", "MISMATCH", "DIFFERENT", Outcome.PARTIAL, "GENDER_DIFFERS"),
        ("address", "PARTIAL", "FORMER_UNIT", Outcome.PARTIAL, "ADDRESS_OF_FORMER_UNIT"),
        ("address", "PARTIAL", "MARKS_DIFFER", Outcome.PARTIAL, "ADDRESS_DIFFERS_IN_ACCENTS"),
        ("address", "MISMATCH", "DIFFERENT", Outcome.PARTIAL, "ADDRESS_DIFFERS"),
        ("address", "NOT_CHECKED", "", Outcome.VERIFIED, ""),
    ],
)
def test_one_field_that_differs_decides_the_outcome(
    field: str, result: str, reason: str, outcome: Outcome, ours: str
) -> None:
    found, checks = judge(answer({field: (result, reason)}), CARD)

    by_field = {check.field: check for check in checks}
    assert found is outcome
    assert (by_field[field].result, by_field[field].reason) == (FieldResult(result), ours)


def test_agreement_on_everything_is_verified_and_needs_no_words() -> None:
    outcome, checks = judge(answer(), CARD)

    assert outcome is Outcome.VERIFIED
    assert tuple(check.field for check in checks) == FIELDS
    assert all(not check.reason and not explain(check).vi for check in checks)


def test_a_number_the_register_does_not_know_is_disputed() -> None:
    outcome, checks = judge(answer(found=False), CARD)

    assert outcome is Outcome.DISPUTED
    assert (checks[0].result, checks[0].reason) == (FieldResult.MISMATCH, "NUMBER_NOT_IN_REGISTER")
    assert {check.result for check in checks[1:]} == {FieldResult.NOT_CHECKED}


def test_an_answer_about_neither_name_nor_birth_date_proves_nothing() -> None:
    nothing = ("NOT_CHECKED", "")

    outcome, _ = judge(answer({"full_name": nothing, "birth_date": nothing}), CARD)

    assert outcome is Outcome.UNVERIFIED


def test_a_damaged_name_is_told_as_such_when_it_was_not_asked() -> None:
    damaged, nothing = read_card(card_text(name="Nguy?n Th? Hòa")), ("NOT_CHECKED", "")

    outcome, checks = judge(answer({"full_name": nothing, "address": nothing}), damaged)

    assert outcome is Outcome.PARTIAL
    assert [check.reason for check in checks if check.reason] == ["NAME_TEXT_DAMAGED", "ADDRESS_TEXT_DAMAGED"]
    assert [repair.code for repair in explain(checks[1]).repairs] == ["RESCAN_CARD"]


def test_a_stored_person_who_differs_marks_the_number_alone() -> None:
    _, checks = judge(answer(), CARD)

    marked = disputed_by_store(checks)

    assert marked[0].reason == "STORED_PERSON_DIFFERS"
    assert marked[1:] == checks[1:]


def test_every_reason_a_check_can_give_has_words_in_both_languages() -> None:
    reasons = {
        *judgement._REASONS.values(),
        *(reason for pair in judgement._FALLBACK_REASONS.values() for reason in pair),
        judgement.STORED_PERSON_DIFFERS,
        judgement.NUMBER_NOT_IN_REGISTER,
        "NAME_TEXT_DAMAGED",
        "ADDRESS_TEXT_DAMAGED",
    }

    assert {*reasons, judgement.NAME_IS_KNOWN_ALIAS} == known_reasons()
    assert explain(
        FieldCheck(field="full_name", result=FieldResult.PARTIAL, reason=judgement.NAME_IS_KNOWN_ALIAS)
    ).vi
    for reason in reasons:
        words = explain(FieldCheck(field="full_name", result=FieldResult.MISMATCH, reason=reason))
        assert words.vi
        assert words.en
        assert words.repairs
        assert {repair.code for repair in words.repairs} <= REPAIRS
        assert all(repair.vi and repair.en for repair in words.repairs)


def test_fields_that_were_not_asked_say_so() -> None:
    for check in not_asked(CARD):
        assert check.result is FieldResult.NOT_CHECKED
        assert explain(check).vi
