"""What a scan may change about a citizen already known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_svc.domain.card import read_card
from identity_svc.domain.merging import Change, change_by, is_same_person
from identity_svc.domain.model import Demographics, Outcome
from tests.support.identity import card_text


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
