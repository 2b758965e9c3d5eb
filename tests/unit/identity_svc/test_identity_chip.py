"""What a chip's files become: facts, comparisons, words."""

from __future__ import annotations

import pytest

from identity_svc.domain.card import facts_text, read_card
from identity_svc.domain.chip import (
    DETAILS_UNREADABLE,
    FACE_UNREADABLE,
    GROUPS_CONTRADICT,
    ISSUER_OF_OTHER_COUNTRY,
    check_consent,
    compare,
    facts_of,
    read_chip,
)
from identity_svc.domain.chip_errors import ChipConsentReferenceWrong, ChipConsentRequired
from identity_svc.domain.chip_words import explain_difference, explain_outcome
from identity_svc.domain.model import FieldResult, Gender, TextQuality
from standards.icao.security_object import ChipFault, ChipOutcome
from tests.support.chip_maker import NUMBER, dg1, dg2, dg13, td1, tlv
from tests.support.identity import card_text

QR = card_text(old_number="099123456")


def test_chip_and_code_of_one_card_give_the_same_facts() -> None:
    chip = facts_of(read_chip({1: dg1(), 13: dg13()}, card_qr=""))

    assert facts_text(chip) == facts_text(read_card(QR))


def test_a_chip_without_details_gives_what_the_zone_tells() -> None:
    content = read_chip({1: dg1(td1(sex="<"))}, card_qr="")
    facts = facts_of(content)

    assert content.warnings == (DETAILS_UNREADABLE,)
    assert (facts.full_name, facts.birth_date, facts.gender) == (
        "Nguyen Thi Hoa",
        "1990-03-02",
        Gender.FEMALE,
    )
    assert (facts.address, facts.issue_date, facts.old_number) == ("", "", "")
    assert facts.text_quality is TextQuality.WITHOUT_ACCENTS


@pytest.mark.parametrize(
    ("code", "is_taken"),
    [
        (QR, True),
        (card_text(name="Nguyễn Thị Hoà"), True),
        (card_text(name="Nguyễn Thị Hương"), False),
        (card_text(birth="03031990"), False),
        (card_text(gender="Nam"), False),
        (card_text(name="Nguy?n Th? H?a"), False),
    ],
)
def test_a_code_stands_in_for_missing_details_only_where_it_agrees(code: str, is_taken: bool) -> None:
    facts = facts_of(read_chip({1: dg1()}, card_qr=code))

    assert (facts == read_card(code)) is is_taken


def test_a_name_cut_by_the_zone_agrees_as_far_as_it_goes() -> None:
    long_name = "Nguyễn Phúc Bảo Quỳnh Hương Giang"
    zone = td1(name="NGUYEN<<PHUC<BAO<QUYNH<HUONG<GIANG")
    facts = facts_of(read_chip({1: dg1(zone)}, card_qr=card_text(name=long_name)))

    assert facts.full_name == long_name


def test_a_face_in_another_coding_is_told_and_no_reason_to_refuse() -> None:
    content = read_chip({1: dg1(), 2: tlv(0x75, tlv(0x30)), 13: dg13()}, card_qr="")

    assert (content.face, content.warnings) == (None, (FACE_UNREADABLE,))
    assert read_chip({1: dg1(), 2: dg2(), 13: dg13()}, card_qr="").warnings == ()


def test_a_separator_inside_a_signed_text_does_not_shift_the_fields() -> None:
    facts = facts_of(read_chip({1: dg1(), 13: dg13({9: "Thôn 1|Xã Nam Mẫu", 16: ""})}, card_qr=""))

    assert (facts.address, facts.issue_date) == ("Thôn 1 Xã Nam Mẫu", "2022-06-15")


@pytest.mark.parametrize(
    ("first", "second", "result", "reason"),
    [
        ("Nguyễn Thị Hòa", "Nguyễn Thị Hoà", FieldResult.MATCH, ""),
        ("Nguyễn Thị Hòa", "Nguyen Thi Hoa", FieldResult.PARTIAL, "NAME_ACCENTS_LOST"),
        ("Nguyễn Thị Hòa", "Nguyễn Hòa", FieldResult.PARTIAL, "NAME_LACKS_WORDS"),
        ("Nguyễn Thị Lan", "Nguyễn Thị Lân", FieldResult.MISMATCH, "NAME_DIFFERS"),
        ("Nguyễn Thị Hòa", "", FieldResult.NOT_CHECKED, ""),
    ],
)
def test_names_are_compared_by_their_class(first: str, second: str, result: FieldResult, reason: str) -> None:
    (check,) = compare({"full_name": (first, second)})

    assert (check.result, check.reason) == (result, reason)
    assert bool(explain_difference(check.reason)[0]) is bool(reason)


@pytest.mark.parametrize("field", ["birth_date", "gender", "address", "issue_date"])
def test_every_difference_has_words_in_both_languages(field: str) -> None:
    (check,) = compare({field: ("1990", "1991")})

    assert check.result is FieldResult.MISMATCH
    assert all(explain_difference(check.reason))


@pytest.mark.parametrize("fault", [*ChipFault, GROUPS_CONTRADICT, ISSUER_OF_OTHER_COUNTRY])
def test_every_fault_has_words_in_both_languages(fault: str) -> None:
    vi, en = explain_outcome(ChipOutcome.INVALID, fault)

    assert vi
    assert en
    assert vi != explain_outcome(ChipOutcome.VALID, "")[0]


def test_consent_has_no_default_yes_and_no_room_for_words() -> None:
    check_consent(is_given=True, reference="")
    check_consent(is_given=True, reference="citizens/01-a/consents/02-b")
    with pytest.raises(ChipConsentRequired):
        check_consent(is_given=False, reference="citizens/1/consents/2")
    for reference in ("Nguyễn", "a b", "x" * 101, "a\n"):
        with pytest.raises(ChipConsentReferenceWrong):
            check_consent(is_given=True, reference=reference)


def test_no_personal_value_stands_in_repr() -> None:
    content = read_chip({1: dg1(), 13: dg13()}, card_qr=QR)
    for value in (NUMBER, "Nguyễn", "NGUYEN", "1990", "Nam Mẫu"):
        assert value not in repr(content)
