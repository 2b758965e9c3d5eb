"""Residences and facilities on real stores: what is kept, what counts, who has which code on which day."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

from chassis.db import Tx
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.facility import Facility, code_alias, facility_name
from identity_svc.domain.residence import (
    ResidenceKind,
    ResidenceSource,
    chosen,
    residence_of,
)
from identity_svc.domain.units_errors import (
    DaysReversed,
    FacilityCodeAmbiguous,
    FacilityCodeNotOpen,
    FacilityCodeTaken,
    FacilityNameDatedTwice,
    FacilityNotFound,
    ResidenceUnknown,
)
from standards.admin_units import Vintage
from standards.errors import WardCodeUnknown
from tests.support.identity import QUERIES_FILES, START, Identity, card_text
from tests.support.residents import (
    GIA_SANG,
    NAM_MAU,
    STEWARD,
    UNITS,
    fresh_key,
    lives,
    settle,
)
from tests.support.stores import OpenStore

OLD, NEW = Vintage.BEFORE_2025_07, Vintage.FROM_2025_07
JULY = date(2025, 7, 1)


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


# --- residences -------------------------------------------------------------------------------------------


async def test_a_scanned_card_keeps_where_the_person_lives(identity: Identity) -> None:
    done = await identity.scan(card_text())

    residence = await lives(identity, done.citizen.citizen_id)
    assert residence is not None
    assert (residence.ward_code, residence.vintage, residence.kind) == ("01906", NEW, ResidenceKind.MERGED)
    assert residence.old_ward_code == "01909"


async def test_residences_are_added_and_the_newest_counts(identity: Identity) -> None:
    (citizen_id,) = await settle(identity, [NAM_MAU])

    async def work(tx: Tx) -> None:
        for text in (NAM_MAU, NAM_MAU, GIA_SANG):
            await UNITS.add_residence(
                tx, citizen_id, residence_of(text), source=ResidenceSource.CARD, now=START
            )

    await identity.db.write(work)

    history = await identity.db.read(lambda tx: UNITS.history(tx, citizen_id))
    assert [(each.version, each.residence and each.residence.ward_code) for each in history] == [
        (2, "05461"),
        (1, "01906"),
    ]


async def test_a_choice_among_the_parts_of_a_split_commune_stands_when_the_same_address_is_told_again(
    identity: Identity,
) -> None:
    (citizen_id,) = await settle(identity, [GIA_SANG], residence=residence_of(GIA_SANG))
    done = await identity.units.residences.choose(
        citizen_id, "05467", key=fresh_key("ChooseResidence"), caller=STEWARD
    )

    async def tell(tx: Tx, text: str) -> None:
        await UNITS.add_residence(tx, citizen_id, residence_of(text), source=ResidenceSource.CARD, now=START)

    await identity.db.write(lambda tx: tell(tx, GIA_SANG))
    same_words = await lives(identity, citizen_id)
    await identity.db.write(lambda tx: tell(tx, NAM_MAU))
    moved_house = await lives(identity, citizen_id)

    assert done.kept.residence == same_words == chosen("05467", old_ward_code="05461")
    assert moved_house is not None
    assert moved_house.ward_code == "01906"


async def test_choosing_a_commune_closes_the_case_about_it(identity: Identity) -> None:
    done = await identity.scan(card_text(address=GIA_SANG))

    answer = await identity.units.residences.choose(
        done.citizen.citizen_id, "05443", key=fresh_key("ChooseResidence"), caller=STEWARD
    )

    assert answer.closed_case_count == 1
    assert answer.kept.source is ResidenceSource.STEWARD


async def test_a_repeated_choice_answers_the_same(identity: Identity) -> None:
    done = await identity.scan(card_text(address=GIA_SANG))
    key = fresh_key("ChooseResidence")

    first = await identity.units.residences.choose(done.citizen.citizen_id, "05443", key=key, caller=STEWARD)
    again = await identity.units.residences.choose(done.citizen.citizen_id, "05443", key=key, caller=STEWARD)

    assert again == first


async def test_nobody_lives_in_a_commune_that_is_none(identity: Identity) -> None:
    (citizen_id,) = await settle(identity, [NAM_MAU])
    residences = identity.units.residences

    with pytest.raises(WardCodeUnknown):
        await residences.choose(citizen_id, "01909", key=fresh_key("ChooseResidence"), caller=STEWARD)
    with pytest.raises(CitizenNotFound):
        await residences.choose("nobody", "01906", key=fresh_key("ChooseResidence"), caller=STEWARD)
    with pytest.raises(ResidenceUnknown):
        await residences.get(citizen_id, STEWARD)


# --- facilities -------------------------------------------------------------------------------------------


async def declare(
    identity: Identity, code: str, *, start: date = date(2020, 1, 1), last: date | None = None
) -> Facility:
    return await identity.units.facilities.declare(
        facility_name("Trạm y tế xã Nam Mẫu", start_date=start, source=""),
        code_alias(code, start_date=start, last_date=last, vintage=None, source="384/QĐ-BYT"),
        key=fresh_key("DeclareFacility"),
        caller=STEWARD,
    )


async def add_code(
    identity: Identity, facility: Facility, code: str, *, start: date, last: date | None = None
) -> Facility:
    return await identity.units.facilities.add_code(
        facility.facility_id,
        code_alias(code, start_date=start, last_date=last, vintage=None, source=""),
        key=fresh_key("AddFacilityCode"),
        caller=STEWARD,
    )


async def end_code(identity: Identity, facility: Facility, code: str, last: date) -> Facility:
    return await identity.units.facilities.end_code(
        facility.facility_id, code, last_date=last, key=fresh_key("EndFacilityCode"), caller=STEWARD
    )


async def test_the_old_and_the_new_code_of_a_bac_kan_station_find_the_same_facility(
    identity: Identity,
) -> None:
    facility = await declare(identity, "06A01")
    await add_code(identity, facility, "19z77", start=date(2026, 1, 1))
    await add_code(identity, facility, "8934567890123", start=date(2026, 7, 1))
    await end_code(identity, facility, "06A01", date(2025, 12, 31))
    resolve = identity.units.facilities.resolve

    by_old = await resolve("06A01", date(2025, 12, 31))
    by_old_later = await resolve("06A01", date(2026, 8, 1))
    by_new = await resolve("19Z77", date(2026, 8, 1))
    by_long = await resolve("8934567890123", date(2026, 8, 1))

    found = {each.facility.facility_id for each in (by_old, by_old_later, by_new, by_long)}
    assert found == {facility.facility_id}
    assert (by_old.in_force, by_old_later.in_force, by_new.in_force) == (True, False, True)
    assert [each.code for each in by_new.facility.codes] == ["06A01", "19Z77", "8934567890123"]
    assert [each.vintage for each in by_new.facility.codes] == [OLD, NEW, None]
    assert [each.code for each in by_new.facility.codes_on(date(2026, 8, 1))] == ["8934567890123", "19Z77"]


async def test_two_facilities_cannot_have_one_code_on_one_day(identity: Identity) -> None:
    first = await declare(identity, "19001", last=date(2025, 12, 31))

    with pytest.raises(FacilityCodeTaken) as caught:
        await declare(identity, "19001", start=date(2025, 12, 31))
    second = await declare(identity, "19001", start=date(2026, 1, 1))

    assert caught.value.facts["facility"] == f"facilities/{first.facility_id}"
    assert caught.value.facts["last_date"] == "2025-12-31"
    resolve = identity.units.facilities.resolve
    assert (await resolve("19001", date(2025, 12, 31))).facility.facility_id == first.facility_id
    assert (await resolve("19001", date(2026, 1, 1))).facility.facility_id == second.facility_id


async def test_of_many_facilities_declared_at_once_with_one_code_one_gets_it(identity: Identity) -> None:
    starts = [date(2020, 1, day) for day in range(1, 17)]

    done = await asyncio.gather(
        *(declare(identity, "19001", start=start) for start in starts), return_exceptions=True
    )

    assert sum(isinstance(each, Facility) for each in done) == 1
    assert {type(each) for each in done} <= {Facility, FacilityCodeTaken}
    assert len(await identity.units.facilities.page(after="", page_size=50)) == 1


async def test_a_code_without_an_owner_on_a_day_is_not_given_to_one_of_several(identity: Identity) -> None:
    await declare(identity, "19001", last=date(2021, 12, 31))
    await declare(identity, "19001", start=date(2023, 1, 1))

    with pytest.raises(FacilityCodeAmbiguous):
        await identity.units.facilities.resolve("19001", date(2022, 6, 1))
    with pytest.raises(FacilityNotFound):
        await identity.units.facilities.resolve("19002", date(2022, 6, 1))


async def test_a_facility_is_resolved_today_unless_a_day_is_told(identity: Identity) -> None:
    await declare(identity, "19001", start=date(2026, 3, 3))

    before = await identity.units.facilities.resolve("19001")
    identity.clock.advance(timedelta(hours=16))  # 2 March 17:30 UTC is 3 March in Vietnam.
    after = await identity.units.facilities.resolve("19001")

    assert (before.in_force, after.in_force) == (False, True)


async def test_names_are_dated(identity: Identity) -> None:
    facility = await declare(identity, "19001")
    renamed = await identity.units.facilities.rename(
        facility.facility_id,
        facility_name("Trạm y tế xã Ba Bể", start_date=JULY, source="QĐ 1"),
        key=fresh_key("RenameFacility"),
        caller=STEWARD,
    )

    assert renamed.name_on(date(2025, 6, 30)) == "Trạm y tế xã Nam Mẫu"
    assert renamed.name_on(JULY) == "Trạm y tế xã Ba Bể"
    with pytest.raises(FacilityNameDatedTwice):
        await identity.units.facilities.rename(
            facility.facility_id,
            facility_name("Khác", start_date=JULY, source=""),
            key=fresh_key("RenameFacility"),
            caller=STEWARD,
        )


async def test_only_an_open_code_is_ended_and_not_before_it_began(identity: Identity) -> None:
    facility = await declare(identity, "19001", start=JULY)

    with pytest.raises(DaysReversed):
        await end_code(identity, facility, "19001", date(2025, 6, 30))
    await end_code(identity, facility, "19001", JULY)
    with pytest.raises(FacilityCodeNotOpen):
        await end_code(identity, facility, "19001", JULY)


async def test_facilities_are_listed_in_pages(identity: Identity) -> None:
    declared = [(await declare(identity, f"1900{number}")).facility_id for number in range(5)]

    first = await identity.units.facilities.page(after="", page_size=3)
    rest = await identity.units.facilities.page(after=first[-1].facility_id, page_size=3)

    assert [each.facility_id for each in (*first, *rest)] == declared
