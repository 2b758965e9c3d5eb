"""What a scan may change about a citizen already known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_svc.domain.card import read_card
from identity_svc.domain.merging import Change, change_by, is_same_person, number_of_another
from identity_svc.domain.model import Assurance, Citizen, Demographics, Identifier, IdentifierKind, Outcome
from tests.support.identity import START, card_text

TYPED_NUMBER = "099170000021"


def stored(**changed: str) -> Demographics:
    card = read_card(card_text(**changed))
    return Demographics(
        version=1,
        full_name=card.full_name,
        birth_date=card.birth_date,
        gender=card.gender,
        address=card.address,
        text_quality=card.text_quality,
        issue_date=card.issue_date,
    )


def number(value: str, assurance: Assurance) -> Identifier:
    return Identifier(
        identifier_id=f"id-{value}",
        kind=IdentifierKind.CITIZEN_NUMBER,
        value=value,
        assurance=assurance,
        start_time=START,
        end_time=None,
    )


def held(*numbers: Identifier) -> Citizen:
    return Citizen(
        citizen_id="c",
        demographics=stored(),
        identifiers=numbers,
        create_time=START,
        update_time=START,
        verification=None,
    )


def change(
    scan: dict[str, str],
    known: dict[str, str] | None = None,
    *,
    is_confirmed: bool = False,
    outcome: Outcome = Outcome.VERIFIED,
) -> Change:
    return change_by(
        read_card(card_text(**scan)),
        stored(**(known or {})),
        stored_is_confirmed=is_confirmed,
        outcome=outcome,
    )


DAMAGED = {"name": "Nguy?n Th? Hòa"}
PLAIN = {"name": "NGUYEN THI HOA", "address": "Xa Nam Mau, Huyen Ba Be, Bac Kan"}


@pytest.mark.parametrize(
    ("scan", "known", "expected"),
    [
        ({}, {}, Change.NONE),
        ({"name": "Nguyễn Thị Hoà"}, {}, Change.NONE),
        (DAMAGED, {}, Change.NONE),
        (DAMAGED, DAMAGED, Change.NONE),
        ({}, DAMAGED, Change.REPLACE),
        ({"birth": "05051970"}, DAMAGED, Change.CONFLICT),
        (PLAIN, {}, Change.NONE),
        ({}, PLAIN, Change.REPLACE),
        ({"name": "NGUYỄN THỊ HÒA".translate(str.maketrans("ỄỊÒ", "EIO"))}, {}, Change.NONE),
        ({"name": "Nguyễn Thị Hòa An"}, {}, Change.REPLACE),
        ({"name": "Trần Văn Quyết"}, {}, Change.REPLACE),
        ({"birth": "03031990"}, {}, Change.REPLACE),
        ({"name": "Trần Văn Quyết", "birth": "05051970"}, {}, Change.CONFLICT),
        ({"name": "Nguyễn Thị Hoa", "birth": "05051970"}, {}, Change.REPLACE),
        ({"gender": "Nam"}, {}, Change.REPLACE),
        ({"address": "Xã Ba Bể, Thái Nguyên"}, {}, Change.REPLACE),
        ({"address": "Xã Ba Bể, Thái Nguyên", "issue": "14062022"}, {}, Change.NONE),
        ({"address": "Xã Ba Bể, Thái Nguyên", "issue": ""}, {}, Change.REPLACE),
    ],
)
def test_a_scan_changes_what_it_may(scan: dict[str, str], known: dict[str, str], expected: Change) -> None:
    assert change(scan, known) is expected


@pytest.mark.parametrize(
    ("is_confirmed", "outcome", "expected"),
    [
        (True, Outcome.DISPUTED, Change.NONE),
        (False, Outcome.DISPUTED, Change.REPLACE),
        (True, Outcome.UNVERIFIED, Change.REPLACE),
        (True, Outcome.VERIFIED, Change.REPLACE),
    ],
)
def test_a_disputed_card_never_replaces_confirmed_facts(
    is_confirmed: bool, outcome: Outcome, expected: Change
) -> None:
    scan = {"name": "Trần Thị Quyên", "issue": "01092025"}

    assert change(scan, is_confirmed=is_confirmed, outcome=outcome) is expected


@pytest.mark.parametrize(
    ("outcome", "issue", "expected"),
    [
        (Outcome.VERIFIED, "15062022", Change.REPLACE),
        (Outcome.PARTIAL, "15062022", Change.REPLACE),
        (Outcome.UNVERIFIED, "15062022", Change.CONFLICT),
        (Outcome.DISPUTED, "15062022", Change.CONFLICT),
        (Outcome.UNVERIFIED, "16062022", Change.REPLACE),
        (Outcome.DISPUTED, "16062022", Change.REPLACE),
    ],
)
def test_another_name_needs_a_newer_card_or_the_registers_word(
    outcome: Outcome, issue: str, expected: Change
) -> None:
    assert change({"name": "Trần Văn Quyết", "issue": issue}, outcome=outcome) is expected


@pytest.mark.parametrize(
    ("scan", "assurance", "outcome", "is_of_another"),
    [
        ({"name": "Trần Văn Quyết", "birth": "05051970"}, Assurance.TYPED, Outcome.VERIFIED, True),
        ({"name": "Trần Văn Quyết", "birth": "05051970"}, Assurance.TYPED, Outcome.UNVERIFIED, True),
        ({"name": "Trần Văn Quyết", "birth": "05051970"}, Assurance.TYPED, Outcome.DISPUTED, False),
        ({"name": "Trần Văn Quyết", "birth": "05051970"}, Assurance.SCANNED, Outcome.VERIFIED, False),
        ({"name": "Trần Văn Quyết"}, Assurance.TYPED, Outcome.VERIFIED, True),
        ({"birth": "05051970"}, Assurance.TYPED, Outcome.VERIFIED, False),
        ({"name": "Nguyễn Thị Hoa", "birth": "05051970"}, Assurance.TYPED, Outcome.VERIFIED, False),
        ({"name": "Tr?n V?n Quy?t", "birth": "05051970"}, Assurance.TYPED, Outcome.VERIFIED, False),
    ],
)
def test_only_a_number_that_was_typed_gives_way_to_the_person_who_shows_its_card(
    scan: dict[str, str], assurance: Assurance, outcome: Outcome, is_of_another: bool
) -> None:
    card = read_card(card_text(number=TYPED_NUMBER, **scan))
    holder = held(number(TYPED_NUMBER, assurance), number("099190000017", Assurance.REGISTER_CHECKED))

    found = number_of_another(card, holder, outcome=outcome)

    assert (found is holder.identifiers[0]) is is_of_another


def test_one_birth_date_keeps_a_typed_number_where_it_is_all_that_is_known() -> None:
    card = read_card(card_text(number=TYPED_NUMBER, name="Trần Văn Quyết"))

    found = number_of_another(card, held(number(TYPED_NUMBER, Assurance.TYPED)), outcome=Outcome.VERIFIED)

    assert found is None


@pytest.mark.parametrize(
    ("scan", "known", "same"),
    [
        ({}, {}, True),
        ({"name": "NGUYỄN THỊ HOÀ"}, {}, True),
        ({"name": "Lý Thị Hòa"}, {"name": "Lí Thị Hòa"}, True),
        ({"name": "Nguyễn Thị Hoa"}, {}, False),
        ({"birth": "03031990"}, {}, False),
        (PLAIN, {}, False),
        (DAMAGED, DAMAGED, False),
    ],
)
def test_the_old_number_links_only_the_same_name_and_birth_date(
    scan: dict[str, str], known: dict[str, str], same: bool
) -> None:
    assert is_same_person(read_card(card_text(**scan)), stored(**known)) is same


@pytest.mark.parametrize(
    ("scan", "expected"),
    [
        ({"birth": "01011990"}, Change.NONE),
        ({"birth": "01011990", "issue": "16062022"}, Change.REPLACE),
        ({"birth": "05051970", "name": "Trần Văn Quyết"}, Change.CONFLICT),
    ],
)
def test_what_a_person_decided_on_a_card_outlives_a_scan_of_it_but_not_a_newer_card(
    scan: dict[str, str], expected: Change
) -> None:
    repaired = replace(stored(), birth_date="1990", is_birth_date_estimated=True, repair_id="r")
    card = read_card(card_text(**scan))

    found = change_by(card, repaired, stored_is_confirmed=True, outcome=Outcome.VERIFIED)

    assert found is expected


def test_an_accepted_alias_never_becomes_the_name_in_force() -> None:
    card = read_card(card_text(name="Nguyễn Thị Hòa An"))

    found = change_by(card, stored(), stored_is_confirmed=True, outcome=Outcome.PARTIAL, is_known_alias=True)

    assert found is Change.NONE
