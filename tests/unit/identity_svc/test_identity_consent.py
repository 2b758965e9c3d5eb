"""Consents: no default yes, as-of questions, texts that never change, and sentences for everything."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import identity_svc
from identity_svc.domain import access_words, consent_words, own_words
from identity_svc.domain.access_words import ActorKind, actor_kind, tell_access
from identity_svc.domain.authority import Basis
from identity_svc.domain.cases import CaseStep
from identity_svc.domain.consent import (
    Channel,
    Consent,
    ConsentQuestion,
    Refusal,
    evidence_reference_of,
    expiry_of,
    judge_consent,
)
from identity_svc.domain.consent_errors import ConsentExpiryWrong, EvidenceMalformed
from identity_svc.domain.consent_texts import (
    ConsentText,
    ConsentTexts,
    Purpose,
    Scope,
    purpose_rule,
    shipped_texts,
)
from identity_svc.domain.own_words import mask

GIVEN = datetime(2026, 8, 1, 3, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
TODAY = date(2026, 8, 14)
CONSENT = Consent(
    citizen_id="c",
    consent_id="1",
    purpose=Purpose.SHARING,
    scopes=(Scope.CONDITION, Scope.MEDICATION),
    facility_code="",
    text_id="sharing",
    text_version=1,
    text_language="vi",
    text_hash="0" * 64,
    channel=Channel.KIOSK,
    given_as=Basis.SELF,
    giver_id="c",
    minor_agreed=False,
    evidence_reference="",
    recorded_by="devices/kiosk-1",
    recorded_at_facility_code="19001",
    grant_time=GIVEN,
    expire_time=None,
    withdraw_time=None,
    withdraw_channel=None,
    withdrawn_by="",
    is_replaced=False,
)


def ask(
    *,
    at: datetime = GIVEN + timedelta(days=13),
    purpose: Purpose = Purpose.SHARING,
    scopes: frozenset[Scope] = frozenset({Scope.CONDITION}),
    facility: str = "19002",
) -> ConsentQuestion:
    return ConsentQuestion(purpose=purpose, scopes=scopes, facility_code=facility, at_time=at)


@pytest.mark.parametrize("purpose", Purpose)
def test_without_a_record_only_the_law_permits(purpose: Purpose) -> None:
    answer = judge_consent(ask(purpose=purpose), [])

    by_law = purpose in (Purpose.TREATMENT, Purpose.INSURANCE_CLAIM)
    assert answer.is_permitted == by_law
    assert bool(answer.legal_reference) == by_law
    assert answer.refusal == (None if by_law else Refusal.NO_CONSENT)


def test_treatment_is_permitted_whatever_was_withdrawn() -> None:
    withdrawn = replace(CONSENT, purpose=Purpose.TREATMENT, withdraw_time=GIVEN)

    answer = judge_consent(ask(purpose=Purpose.TREATMENT), [withdrawn])

    assert answer.is_permitted
    assert answer.consent is None
    assert "15/2023/QH15" in answer.legal_reference


def test_a_consent_counts_from_its_first_instant_to_before_its_end() -> None:
    end = GIVEN + timedelta(days=30)
    limited = replace(CONSENT, expire_time=end)
    found = [
        judge_consent(ask(at=at), [limited]).refusal for at in (GIVEN - INSTANT, GIVEN, end - INSTANT, end)
    ]

    assert found == [Refusal.CONSENT_LATER, None, None, Refusal.CONSENT_EXPIRED]


def test_was_it_permitted_on_14_august_is_answered_from_what_stood_then() -> None:
    on_the_day = datetime(2026, 8, 14, 2, tzinfo=UTC)
    withdrawn = replace(CONSENT, withdraw_time=datetime(2026, 8, 20, 2, tzinfo=UTC))

    then = judge_consent(ask(at=on_the_day), [withdrawn])
    later = judge_consent(ask(at=datetime(2026, 8, 21, 2, tzinfo=UTC)), [withdrawn])

    assert then.is_permitted
    assert then.consent == withdrawn
    assert later.refusal is Refusal.CONSENT_WITHDRAWN


@pytest.mark.parametrize(
    ("consent", "question", "refusal"),
    [
        (CONSENT, ask(purpose=Purpose.RESEARCH), Refusal.NO_CONSENT),
        (CONSENT, ask(scopes=frozenset({Scope.CONDITION, Scope.DOCUMENT})), Refusal.SCOPE_NOT_COVERED),
        (replace(CONSENT, facility_code="19001"), ask(), Refusal.OTHER_FACILITY),
        (replace(CONSENT, facility_code="19002"), ask(), None),
        (replace(CONSENT, facility_code="19002"), ask(facility=""), Refusal.OTHER_FACILITY),
    ],
)
def test_a_consent_permits_its_purpose_data_and_facility_alone(
    consent: Consent, question: ConsentQuestion, refusal: Refusal | None
) -> None:
    assert judge_consent(question, [consent]).refusal == refusal


def test_two_consents_never_add_up_to_a_wider_one() -> None:
    other = replace(CONSENT, consent_id="2", scopes=(Scope.DOCUMENT,))

    answer = judge_consent(ask(scopes=frozenset({Scope.CONDITION, Scope.DOCUMENT})), [CONSENT, other])

    assert answer.refusal is Refusal.SCOPE_NOT_COVERED


def test_the_shipped_texts_are_what_their_index_says_and_name_what_they_ask() -> None:
    texts = shipped_texts().shown(on=TODAY)

    asked = {text.purpose for text in texts}
    assert asked == {each for each in Purpose if not purpose_rule(each, on=TODAY).is_by_law}
    for text in texts:
        other = "en" if text.language == "vi" else "vi"
        twin = shipped_texts().find(text.text_id, version=text.version, language=other)
        assert twin is not None
        assert (twin.purpose, twin.scopes, twin.lasting_days) == (
            text.purpose,
            text.scopes,
            text.lasting_days,
        )
        right_to_withdraw = "rút lại" if text.language == "vi" else "withdraw"
        assert right_to_withdraw in text.content
        assert "\r" not in text.content


def test_a_text_is_shown_on_its_days_and_found_for_ever() -> None:
    old = ConsentText(
        text_id="sharing",
        version=1,
        language="vi",
        purpose=Purpose.SHARING,
        scopes=(Scope.CONDITION,),
        content="Cũ",
        valid_from_date=date(2026, 1, 1),
        valid_to_date=date(2026, 8, 14),
        lasting_days=0,
    )
    new = replace(old, version=2, content="Mới", valid_from_date=date(2026, 8, 15), valid_to_date=None)
    texts = ConsentTexts([old, new])

    assert [text.version for text in texts.shown(on=date(2026, 8, 14))] == [1]
    assert [text.version for text in texts.shown(on=date(2026, 8, 15))] == [2]
    assert texts.find("sharing", version=1, language="vi") == old


def test_a_consent_ends_as_its_text_says_at_the_latest() -> None:
    limit = GIVEN + timedelta(days=730)

    assert expiry_of(None, lasting_days=730, now=GIVEN) == limit
    assert expiry_of(None, lasting_days=0, now=GIVEN) is None
    assert expiry_of(limit, lasting_days=730, now=GIVEN) == limit
    for wrong in (GIVEN, limit + INSTANT):
        with pytest.raises(ConsentExpiryWrong):
            expiry_of(wrong, lasting_days=730, now=GIVEN)


@pytest.mark.parametrize(
    "text", ["099190000017", "P-099190000017", "099123456", "GD4060123456789", "Phiếu 1", "a" * 65]
)
def test_a_reference_is_no_identity_number_and_plain(text: str) -> None:
    with pytest.raises(EvidenceMalformed):
        evidence_reference_of(text)


@pytest.mark.parametrize("text", ["", "P-2026-0001", "KS-12/2018", "REC_20260814.wav"])
def test_a_sheet_or_recording_number_is_taken(text: str) -> None:
    assert evidence_reference_of(text) == text


@pytest.mark.parametrize(
    "table",
    [
        consent_words.PURPOSES,
        consent_words.SCOPES,
        consent_words.CHANNELS,
        consent_words.GIVERS,
        consent_words.ACTIONS,
        consent_words.RELATIONSHIPS,
        consent_words.REFUSALS,
        consent_words.DENIALS,
        access_words.ACTORS,
        own_words.KINDS,
        own_words.ASSURANCES,
        own_words.OUTCOMES,
    ],
)
def test_every_word_has_its_sentence_in_both_languages(table: dict[object, consent_words.Words]) -> None:
    (words,) = {type(key) for key in table}

    assert set(table) == set(words)  # type: ignore[call-overload]  # an enum's members
    assert all(each.vi and each.en and each.vi != each.en for each in table.values())


def audit_actions() -> set[str]:
    """Every action identity writes into its audit rows, read from the code."""
    found: set[str] = set()
    for path in Path(identity_svc.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= _named(node)
    return found


def _named(call: ast.Call) -> set[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    told = [word.value for word in call.keywords if word.arg == "action"]
    if name in ("_note", "_record", "note_disclosure", "_enter", "_disclose"):
        told += call.args
    texts = {
        leaf.value
        for value in told
        for leaf in ast.walk(value)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
    }
    return {text for text in texts if text.isidentifier() and "_" in text and text.islower()}


def test_every_action_of_the_audit_rows_has_its_sentence() -> None:
    # The steps of a case are written as case_<step>.
    actions = audit_actions() - {"case_"} | {f"case_{step.lower()}" for step in CaseStep}

    assert {"verify_card", "register_citizen", "give_consent", "view_own_accesses"} <= actions
    assert actions - set(access_words.ACCESSES) == set()


def test_an_access_names_function_and_facility_and_no_person() -> None:
    kind = actor_kind(roles=("CLERK",), is_reader=False, is_person=False, done=True)

    words = tell_access(kind, action="verify_card", facility_code="19001", done=True)

    assert words.vi == "Nhân viên tiếp đón tại cơ sở 19001 đã quét và đối chiếu thẻ căn cước."
    assert words.en == "A registration clerk at facility 19001 scanned and checked the citizen card."


@pytest.mark.parametrize(
    ("roles", "who", "done", "kind"),
    [
        (("CITIZEN",), "reader", True, ActorKind.YOU),
        (("CITIZEN",), "person", True, ActorKind.PERSON),
        (("CITIZEN",), "", True, ActorKind.REPRESENTATIVE),
        (("CITIZEN",), "", False, ActorKind.OTHER_CITIZEN),
        (("SERVICE",), "", True, ActorKind.SERVICE),
        (("CLERK", "CLINICIAN"), "", True, ActorKind.CLINICIAN),
        ((), "", True, ActorKind.UNKNOWN),
    ],
)
def test_who_looked_is_told_by_function(
    roles: tuple[str, ...], who: str, done: bool, kind: ActorKind
) -> None:
    found = actor_kind(roles=roles, is_reader=who == "reader", is_person=who == "person", done=done)

    assert found is kind


def test_an_unknown_action_of_another_version_is_still_told() -> None:
    words = tell_access(ActorKind.STEWARD, action="made_tomorrow", facility_code="", done=False)

    assert words.vi == "Nhân viên quản lý dữ liệu đã sử dụng dữ liệu (kết quả: không)."


@pytest.mark.parametrize(
    ("value", "shown"), [("099190000017", "•••••••••017"), ("12345", "•••45"), ("1", "•"), ("", "")]
)
def test_a_number_is_masked_but_for_its_end(value: str, shown: str) -> None:
    assert mask(value) == shown
