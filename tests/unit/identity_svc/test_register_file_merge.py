"""What a row may change about somebody known: good facts win over bad, papers over lists, newer over older."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_svc.domain.cases import CaseCause
from identity_svc.domain.model import Demographics, Gender, IdentifierKind, Source, TextQuality
from identity_svc.domain.register_file_merge import Conflict, Facts, change_by_row
from identity_svc.domain.register_file_row import RegisterPerson
from identity_svc.domain.residence import unresolved

STORED = Demographics(
    version=3,
    full_name="Nguyễn Thị Hòa",
    birth_date="1990-03-02",
    gender=Gender.FEMALE,
    address="Xã Ba Bể, Tỉnh Thái Nguyên",
    text_quality=TextQuality.GOOD,
    issue_date="2025-01-01",
    source=Source.REGISTER_FILE,
)
ROW = RegisterPerson(
    identifiers=((IdentifierKind.CITIZEN_NUMBER, "099190000017"),),
    full_name=STORED.full_name,
    birth_date=STORED.birth_date,
    gender=STORED.gender,
    address=STORED.address,
    text_quality=TextQuality.GOOD,
    issue_date="",
    residence=unresolved("ADDRESS_EMPTY"),
    warnings=(),
)
DAMAGED = TextQuality.DAMAGED


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        replace(ROW, full_name="NGUYỄN THỊ HÒA"),
        replace(ROW, full_name="Nguyen Thi Hoa"),
        replace(ROW, address=""),
        replace(ROW, address="xã ba bể, tỉnh thái nguyên"),
        replace(ROW, address="Xa Ba Be, Tinh Thai Nguyen"),
        replace(ROW, birth_date="1990"),
        replace(ROW, full_name="Nguy\ufffdn Thị Hòa", text_quality=DAMAGED),
    ],
)
def test_a_row_that_tells_no_more_or_less_changes_nothing(row: RegisterPerson) -> None:
    assert change_by_row(row, STORED, is_older=False, is_confirmed=False) is None


def test_older_facts_change_nothing_and_still_show_another_person() -> None:
    moved = replace(ROW, address="Xã Chợ Rã, Tỉnh Thái Nguyên")
    stranger = replace(ROW, full_name="Trần Văn Bình", birth_date="1971-06-05")

    assert change_by_row(moved, STORED, is_older=True, is_confirmed=False) is None
    assert isinstance(change_by_row(stranger, STORED, is_older=True, is_confirmed=False), Conflict)


def test_a_new_address_is_kept_with_the_stored_spelling_of_the_rest() -> None:
    row = replace(ROW, full_name="Nguyen Thi Hoa", birth_date="1990", address="Xã Chợ Rã, Tỉnh Thái Nguyên")

    change = change_by_row(row, STORED, is_older=False, is_confirmed=True)

    assert change == Facts(
        full_name="Nguyễn Thị Hòa",
        birth_date="1990-03-02",
        gender=Gender.FEMALE,
        address="Xã Chợ Rã, Tỉnh Thái Nguyên",
        text_quality=TextQuality.GOOD,
    )


def test_a_finer_birth_date_and_a_whole_text_replace_coarse_and_damaged_ones() -> None:
    coarse = replace(STORED, birth_date="1990", full_name="Nguy\ufffdn Thị Hòa", text_quality=DAMAGED)

    change = change_by_row(ROW, coarse, is_older=False, is_confirmed=False)

    assert isinstance(change, Facts)
    assert (change.full_name, change.birth_date) == ("Nguyễn Thị Hòa", "1990-03-02")
    assert change.text_quality is TextQuality.GOOD


@pytest.mark.parametrize("quality", [TextQuality.GOOD, DAMAGED])
def test_another_name_and_birth_is_another_person(quality: TextQuality) -> None:
    row = replace(ROW, full_name="Trần Văn Bình", birth_date="1971-06-05", text_quality=quality)

    assert change_by_row(row, STORED, is_older=False, is_confirmed=False) == Conflict(
        cause=CaseCause.STORED_PERSON_DIFFERS, field=""
    )


@pytest.mark.parametrize(
    ("changed", "conflict"),
    [
        ({"full_name": "Nguyễn Thị Hoa"}, Conflict(cause=CaseCause.NAME_DIFFERS, field="full_name")),
        ({"birth_date": "1990-03-12"}, Conflict(cause=CaseCause.BIRTH_DATE_DIFFERS, field="birth_date")),
        ({"gender": Gender.MALE}, Conflict(cause=CaseCause.GENDER_DIFFERS, field="gender")),
    ],
)
@pytest.mark.parametrize("from_card", [True, False])
def test_what_a_card_told_or_the_register_confirmed_is_contradicted_and_not_overwritten(
    changed: dict[str, str], conflict: Conflict, from_card: bool
) -> None:
    row = replace(ROW, **changed)  # type: ignore[arg-type]  # fields of several types
    stored = replace(STORED, source=Source.CARD_QR) if from_card else STORED

    assert change_by_row(row, stored, is_older=False, is_confirmed=not from_card) == conflict
    # Of a list alone, the newer one counts.
    assert isinstance(change_by_row(row, STORED, is_older=False, is_confirmed=False), Facts)
