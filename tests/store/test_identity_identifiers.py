"""Numbers with history on real stores: added, contested, ended, replaced, and found while the look-up keys rotate."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.crypto import generate_key_file
from chassis.db import Database
from chassis.idempotency import RequestKey
from identity_svc.domain.card import read_card
from identity_svc.domain.cases import Case, CaseCause
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.identifier_errors import (
    EndTimeWrong,
    IdentifierEnded,
    IdentifierNotFound,
    LastIdentifier,
    NotTemporary,
    PaperOfAnAdult,
)
from identity_svc.domain.model import Assurance, EndReason, Gender, IdentifierKind, Outcome, Source
from identity_svc.domain.temporary import TemporaryKind
from identity_svc.operations.identifiers import Added, AddOutcome, NewNumber
from identity_svc.operations.temporary import PersonFacts, RealNumber, Registered, ReplaceOutcome
from identity_svc.store.quality_store import QualityStore
from tests.support.identity import CLERK, FACILITY, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

PASSPORT = NewNumber(kind=IdentifierKind.PASSPORT, value="VNM-B1234567", source=Source.TYPED)
NOBODY = PersonFacts()


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


def fresh_key(method: str = "test") -> RequestKey:
    return RequestKey(method=method, request_id=str(uuid.uuid4()), fingerprint=b"f", subject=CLERK.subject)


async def add(identity: Identity, citizen_id: str, number: NewNumber) -> Added:
    return await identity.identifiers.add(citizen_id, number, key=fresh_key(), caller=CLERK)


async def open_cases(identity: Identity, citizen_id: str) -> list[Case]:
    store = QualityStore(identity.store.cipher)
    return await identity.db.read(lambda tx: store.open_cases_of(tx, citizen_id, as_other=True))


async def owner_of(identity: Identity, kind: IdentifierKind, value: str) -> str:
    return (await identity.read_citizen.resolve(kind, value, CLERK)).citizen_id


async def test_an_added_number_finds_the_person_from_then_on(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen

    added = await add(identity, citizen.citizen_id, PASSPORT)

    assert (added.outcome, added.identifier.assurance) == (AddOutcome.ADDED, Assurance.TYPED)
    found = await identity.read_citizen.resolve_at(PASSPORT.kind, PASSPORT.value, CLERK)
    assert found.citizen.citizen_id == citizen.citizen_id
    assert (found.identifier, found.is_in_use) == (added.identifier, True)


async def test_a_repeat_of_the_request_adds_nothing_and_answers_the_same(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    key = fresh_key()

    first = await identity.identifiers.add(citizen.citizen_id, PASSPORT, key=key, caller=CLERK)
    again = await identity.identifiers.add(citizen.citizen_id, PASSPORT, key=key, caller=CLERK)

    assert again == first


async def test_a_known_number_gets_the_stronger_assurance_and_never_a_weaker_one(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    await add(identity, citizen.citizen_id, PASSPORT)
    read = NewNumber(
        kind=PASSPORT.kind,
        value=PASSPORT.value,
        source=Source.PASSPORT_MRZ,
        valid_until_date="2030-01-01",
    )

    stronger = await add(identity, citizen.citizen_id, read)
    weaker = await add(identity, citizen.citizen_id, PASSPORT)

    for each in (stronger, weaker):
        assert each.outcome is AddOutcome.KNOWN
        assert (each.identifier.assurance, each.identifier.source) == (
            Assurance.SCANNED,
            Source.PASSPORT_MRZ,
        )
        assert each.identifier.valid_until_date == "2030-01-01"


async def test_an_insurance_card_is_found_by_its_ten_digits_too(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    card = NewNumber(
        kind=IdentifierKind.INSURANCE_CARD, value="GD4060123456789", source=Source.INSURANCE_CARD_QR
    )

    await add(identity, citizen.citizen_id, card)

    owner = await owner_of(identity, IdentifierKind.INSURANCE_NUMBER, "0123456789")
    assert owner == citizen.citizen_id


async def test_a_number_of_somebody_else_is_contested_opens_one_case_and_links_nobody(
    identity: Identity,
) -> None:
    first = (await identity.scan(card_text())).citizen
    second = (
        await identity.scan(card_text(number="099190000025", name="Lý A Sìn", birth="05051970"))
    ).citizen
    await add(identity, first.citizen_id, PASSPORT)

    one = await add(identity, second.citizen_id, PASSPORT)
    two = await add(identity, second.citizen_id, PASSPORT)

    assert one.outcome is two.outcome is AddOutcome.CONTESTED
    assert one.identifier.is_contested
    assert one.case == two.case
    assert await owner_of(identity, PASSPORT.kind, PASSPORT.value) == first.citizen_id
    cases = [each for each in await open_cases(identity, first.citizen_id) if each.other_citizen_id]
    assert [(each.cause, each.field, each.seen_count) for each in cases] == [
        (CaseCause.TWO_PEOPLE_ONE_IDENTIFIER, "passport", 2)
    ]
    (case,) = cases
    assert one.case == f"citizens/{case.citizen_id}/cases/{case.case_id}"
    assert {case.citizen_id, case.other_citizen_id} == {first.citizen_id, second.citizen_id}


async def test_a_number_that_was_typed_for_somebody_goes_to_the_person_who_shows_its_card(
    identity: Identity,
) -> None:
    holder = (await identity.scan(card_text())).citizen
    typed = NewNumber(kind=IdentifierKind.CITIZEN_NUMBER, value="099070000021", source=Source.TYPED)
    await add(identity, holder.citizen_id, typed)
    text = card_text(number=typed.value, name="Trần Văn Quyết", birth="05051970", gender="Nam")

    shown, again = await asyncio.gather(identity.scan(text), identity.scan(text))

    person = shown.citizen
    assert again.citizen.citizen_id == person.citizen_id != holder.citizen_id
    assert (person.demographics.full_name, shown.verification.outcome) == ("Trần Văn Quyết", Outcome.VERIFIED)
    assert await owner_of(identity, typed.kind, typed.value) == person.citizen_id
    before = await identity.read_citizen.get(holder.citizen_id, CLERK)
    assert before.demographics.full_name == holder.demographics.full_name
    assert [each.is_contested for each in before.identifiers if each.value == typed.value] == [True]
    (case,) = await open_cases(identity, person.citizen_id)
    assert case.cause is CaseCause.TWO_PEOPLE_ONE_IDENTIFIER
    assert {case.citizen_id, case.other_citizen_id} == {holder.citizen_id, person.citizen_id}


async def test_a_wrong_number_leads_nowhere_and_the_right_person_gets_it(identity: Identity) -> None:
    first = (await identity.scan(card_text())).citizen
    second = (
        await identity.scan(card_text(number="099190000025", name="Lý A Sìn", birth="05051970"))
    ).citizen
    wrong = await add(identity, first.citizen_id, PASSPORT)
    await add(identity, second.citizen_id, PASSPORT)

    _, ended = await identity.identifiers.end(
        first.citizen_id,
        wrong.identifier.identifier_id,
        EndReason.WRONG,
        end_time=None,
        key=fresh_key(),
        caller=CLERK,
    )
    with pytest.raises(CitizenNotFound):
        await identity.read_citizen.resolve(PASSPORT.kind, PASSPORT.value, CLERK)
    freed = await add(identity, second.citizen_id, PASSPORT)

    assert ended.end_reason is EndReason.WRONG
    assert (freed.outcome, freed.identifier.is_contested) == (AddOutcome.ADDED, False)
    assert await owner_of(identity, PASSPORT.kind, PASSPORT.value) == second.citizen_id
    assert not [each for each in await open_cases(identity, first.citizen_id) if each.other_citizen_id]


async def test_a_cancelled_number_still_finds_the_person_and_says_so(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    (number,) = citizen.identifiers
    await add(identity, citizen.citizen_id, PASSPORT)
    identity.clock.advance(timedelta(days=2))
    cancel_time = identity.clock.now() - timedelta(days=1)

    await identity.identifiers.end(
        citizen.citizen_id,
        number.identifier_id,
        EndReason.CANCELLED,
        end_time=cancel_time,
        key=fresh_key(),
        caller=CLERK,
    )

    found = await identity.read_citizen.resolve_at(number.kind, number.value, CLERK)
    assert found.citizen.citizen_id == citizen.citizen_id
    assert (found.identifier.end_reason, found.identifier.end_time) == (EndReason.CANCELLED, cancel_time)
    assert not found.is_in_use
    before = await identity.read_citizen.resolve_at(
        number.kind, number.value, CLERK, at=cancel_time - timedelta(minutes=1)
    )
    assert before.is_in_use


async def test_what_cannot_end_is_refused(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    (number,) = citizen.identifiers

    async def end(identifier_id: str, reason: EndReason, in_days: int = 0) -> None:
        await identity.identifiers.end(
            citizen.citizen_id,
            identifier_id,
            reason,
            end_time=identity.clock.now() + timedelta(days=in_days),
            key=fresh_key(),
            caller=CLERK,
        )

    with pytest.raises(LastIdentifier):
        await end(number.identifier_id, EndReason.WRONG)
    with pytest.raises(EndTimeWrong):
        await end(number.identifier_id, EndReason.CANCELLED, in_days=1)
    with pytest.raises(IdentifierNotFound):
        await end("nothing", EndReason.CANCELLED)
    await end(number.identifier_id, EndReason.CANCELLED)
    with pytest.raises(IdentifierEnded):
        await end(number.identifier_id, EndReason.CANCELLED)


async def test_a_new_passport_ends_the_one_before_as_reissued(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    await add(identity, citizen.citizen_id, PASSPORT)
    newer = NewNumber(kind=PASSPORT.kind, value="VNM-C7654321", source=Source.TYPED, replaces_current=True)

    await add(identity, citizen.citizen_id, newer)

    found = await identity.read_citizen.resolve_at(PASSPORT.kind, PASSPORT.value, CLERK)
    assert (found.identifier.end_reason, found.is_in_use) == (EndReason.REISSUED, False)
    citizen_number = await identity.read_citizen.resolve_at(
        IdentifierKind.CITIZEN_NUMBER, "099190000017", CLERK
    )
    assert citizen_number.is_in_use


async def test_a_cancelled_number_on_a_new_card_ends_the_one_held(identity: Identity) -> None:
    first = await identity.scan(card_text(number="099190000017"))

    renewed = await identity.scan(
        card_text(number="099190000025", old_number="099190000017", issue="01072024")
    )

    assert not renewed.created
    assert renewed.citizen.citizen_id == first.citizen.citizen_id
    held = {each.value: each for each in renewed.citizen.identifiers}
    assert held["099190000017"].end_reason is EndReason.CANCELLED
    assert held["099190000025"].end_reason is None
    found = await identity.read_citizen.resolve_at(IdentifierKind.CITIZEN_NUMBER, "099190000017", CLERK)
    assert not found.is_in_use
    assert found.citizen == renewed.citizen


async def test_numbers_come_in_pages_with_history(identity: Identity) -> None:
    citizen = (await identity.scan(card_text(old_number="099123456"))).citizen
    await add(identity, citizen.citizen_id, PASSPORT)

    first = await identity.identifiers.list(citizen.citizen_id, after_id="", page_size=2, caller=CLERK)
    last = first.identifiers[-1].identifier_id
    second = await identity.identifiers.list(citizen.citizen_id, after_id=last, page_size=2, caller=CLERK)

    values = [each.value for each in (*first.identifiers, *second.identifiers)]
    assert values == ["099190000017", "099123456", "VNM-B1234567"]


async def test_every_change_of_a_number_is_on_the_audit_chain(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen
    added = await add(identity, citizen.citizen_id, PASSPORT)
    await identity.identifiers.end(
        citizen.citizen_id,
        added.identifier.identifier_id,
        EndReason.CANCELLED,
        end_time=None,
        key=fresh_key(),
        caller=CLERK,
    )
    await identity.identifiers.list(citizen.citizen_id, after_id="", page_size=5, caller=CLERK)

    entries = await identity.db.read(lambda tx: audit.entries_of(tx, subject=citizen.citizen_id))
    assert {"add_identifier", "end_identifier", "list_identifiers"} <= {each.action for each in entries}
    assert (await audit.verify(identity.db)).is_intact


# --- Temporary identities ----------------------------------------------------------------------------------


async def register(
    identity: Identity, kind: TemporaryKind = TemporaryKind.UNCONSCIOUS, person: PersonFacts = NOBODY
) -> Registered:
    return await identity.temporary.register(
        kind, person, facility_code=FACILITY, mother_citizen_id="", key=fresh_key(), caller=CLERK
    )


async def test_an_unconscious_unknown_gets_a_number_a_due_notice_and_a_case(identity: Identity) -> None:
    done = await register(identity)

    assert done.temporary.notice_due_time == identity.clock.now() + timedelta(hours=48)
    assert done.citizen.demographics.birth_date == ""
    assert done.citizen.demographics.gender is Gender.UNKNOWN
    owner = await owner_of(identity, IdentifierKind.TEMPORARY, done.temporary.number)
    assert owner == done.citizen.citizen_id
    (case,) = await open_cases(identity, owner)
    assert (case.cause, case.facility_code) == (CaseCause.TEMPORARY_IDENTITY, FACILITY)


async def test_only_the_unconscious_have_a_notice_due(identity: Identity) -> None:
    newborn = await register(identity, TemporaryKind.NEWBORN)

    assert newborn.temporary.notice_due_time is None


async def test_a_card_of_somebody_new_is_attached_and_checked(identity: Identity) -> None:
    done = await register(identity, person=PersonFacts(birth_date="1980", gender=Gender.FEMALE))

    replaced = await identity.temporary.replace(
        done.citizen.citizen_id,
        read_card(card_text()),
        facility_code=FACILITY,
        key=fresh_key(),
        caller=CLERK,
    )

    assert replaced.outcome is ReplaceOutcome.ATTACHED
    assert replaced.citizen.citizen_id == done.citizen.citizen_id
    assert replaced.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    assert replaced.citizen.verification is not None
    assert replaced.citizen.verification.register_reference == "reg-1"
    assert replaced.temporary.real_citizen_id == done.citizen.citizen_id
    by_band = await identity.read_citizen.resolve_at(IdentifierKind.TEMPORARY, done.temporary.number, CLERK)
    assert by_band.identifier.end_reason is EndReason.REPLACED
    assert by_band.citizen.citizen_id == done.citizen.citizen_id
    assert (
        await owner_of(identity, IdentifierKind.CITIZEN_NUMBER, "099190000017") == by_band.citizen.citizen_id
    )
    assert await open_cases(identity, done.citizen.citizen_id) == []


async def test_a_newborn_gets_its_number_without_a_card(identity: Identity) -> None:
    done = await register(identity, TemporaryKind.NEWBORN, PersonFacts(birth_date="2026-03-02"))
    person = PersonFacts(full_name="Hoàng Minh An", birth_date="2026-03-02", gender=Gender.MALE)
    real = RealNumber(kind=IdentifierKind.CITIZEN_NUMBER, value="099226000011", person=person)

    replaced = await identity.temporary.replace(
        done.citizen.citizen_id, real, facility_code=FACILITY, key=fresh_key(), caller=CLERK
    )

    assert replaced.outcome is ReplaceOutcome.ATTACHED
    number = replaced.citizen.identifiers[0]
    assert (number.value, number.assurance, number.source) == (
        "099226000011",
        Assurance.TYPED,
        Source.TYPED,
    )
    assert replaced.citizen.demographics.full_name == "Hoàng Minh An"


@pytest.mark.parametrize("is_known_here", [False, True])
async def test_the_mothers_card_never_makes_the_newborn_its_mother(
    identity: Identity, is_known_here: bool
) -> None:
    newborn = await register(identity, TemporaryKind.NEWBORN)
    if is_known_here:
        await identity.scan(card_text())

    with pytest.raises(PaperOfAnAdult):
        await identity.temporary.replace(
            newborn.citizen.citizen_id,
            read_card(card_text()),
            facility_code=FACILITY,
            key=fresh_key(),
            caller=CLERK,
        )

    kept = await identity.read_citizen.get(newborn.citizen.citizen_id, CLERK)
    assert kept.citizen_id == newborn.citizen.citizen_id


async def test_a_card_of_somebody_known_links_the_two_records(identity: Identity) -> None:
    known = (await identity.scan(card_text())).citizen
    done = await register(identity)
    key = fresh_key()
    card = read_card(card_text())

    replaced = await identity.temporary.replace(
        done.citizen.citizen_id, card, facility_code=FACILITY, key=key, caller=CLERK
    )
    again = await identity.temporary.replace(
        done.citizen.citizen_id, card, facility_code=FACILITY, key=key, caller=CLERK
    )

    assert replaced.outcome is ReplaceOutcome.MERGED
    assert replaced.citizen.citizen_id == known.citizen_id
    assert replaced.temporary.real_citizen_id == known.citizen_id
    assert (again.outcome, again.temporary) == (replaced.outcome, replaced.temporary)
    by_band = await identity.read_citizen.resolve_at(IdentifierKind.TEMPORARY, done.temporary.number, CLERK)
    assert by_band.citizen.citizen_id == known.citizen_id
    assert by_band.identifier.end_reason is EndReason.REPLACED
    by_id = await identity.read_citizen.get(done.citizen.citizen_id, CLERK)
    assert by_id.citizen_id == known.citizen_id
    assert {each.kind for each in by_id.identifiers} == {
        IdentifierKind.CITIZEN_NUMBER,
        IdentifierKind.TEMPORARY,
    }


async def test_a_typed_number_of_somebody_known_is_left_to_a_steward(identity: Identity) -> None:
    known = (await identity.scan(card_text())).citizen
    done = await register(identity)
    person = PersonFacts(full_name="Nguyễn Thị Hòa", birth_date="1990-03-02")
    real = RealNumber(kind=IdentifierKind.CITIZEN_NUMBER, value="099190000017", person=person)

    replaced = await identity.temporary.replace(
        done.citizen.citizen_id, real, facility_code=FACILITY, key=fresh_key(), caller=CLERK
    )

    assert replaced.outcome is ReplaceOutcome.CASE_OPENED
    assert replaced.citizen.citizen_id == done.citizen.citizen_id
    assert replaced.temporary.replace_time is None
    causes = {each.cause for each in await open_cases(identity, known.citizen_id)}
    assert CaseCause.POSSIBLE_DUPLICATE in causes
    assert replaced.case.startswith("citizens/")


async def test_who_is_not_temporary_is_not_replaced(identity: Identity) -> None:
    citizen = (await identity.scan(card_text())).citizen

    with pytest.raises(NotTemporary):
        await identity.temporary.replace(
            citizen.citizen_id,
            read_card(card_text(number="099190000025")),
            facility_code=FACILITY,
            key=fresh_key(),
            caller=CLERK,
        )
    with pytest.raises(CitizenNotFound):
        await identity.read_citizen.resolve(IdentifierKind.CITIZEN_NUMBER, "099190000025", CLERK)


# --- Keys of the look-up rotate ----------------------------------------------------------------------------


def add_lookup_key(folder: Path) -> None:
    """Give the key ring a second version of its look-up key, which new rows take."""
    path = folder / "field-keys.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["lookup"]["keys"]["2"] = base64.b64encode(os.urandom(32)).decode("ascii")
    content["lookup"]["current"] = 2
    path.write_text(json.dumps(content), encoding="utf-8")


async def rotated(db: Database, folder: Path) -> tuple[Identity, Identity]:
    """Identity before and after its look-up key was rotated, on one store."""
    generate_key_file(folder / "field-keys.json")
    before = Identity(db, folder)
    add_lookup_key(folder)
    return before, Identity(db, folder)


async def test_a_number_of_an_older_key_registers_nobody_twice(open_store: OpenStore, tmp_path: Path) -> None:
    db = await open_store("identity_svc", queries=QUERIES_FILES)
    before, after = await rotated(db, tmp_path)
    first = await before.scan(card_text(old_number="099123456"))

    claimed = await db.write(
        lambda tx: after.store.claim(
            tx, IdentifierKind.OLD_IDENTITY_NUMBER, "099123456", citizen_id="somebody else"
        )
    )
    again = await after.scan(card_text(old_number="099123456"))

    assert not claimed
    assert not again.created
    assert again.citizen.citizen_id == first.citizen.citizen_id
    owner = await owner_of(after, IdentifierKind.OLD_IDENTITY_NUMBER, "099123456")
    assert owner == first.citizen.citizen_id


async def test_a_wrong_number_is_released_under_every_key(open_store: OpenStore, tmp_path: Path) -> None:
    db = await open_store("identity_svc", queries=QUERIES_FILES)
    before, after = await rotated(db, tmp_path)
    citizen = (await before.scan(card_text())).citizen
    added = await add(before, citizen.citizen_id, PASSPORT)

    await after.identifiers.end(
        citizen.citizen_id,
        added.identifier.identifier_id,
        EndReason.WRONG,
        end_time=None,
        key=fresh_key(),
        caller=CLERK,
    )

    for each in (before, after):
        with pytest.raises(CitizenNotFound):
            await each.read_citizen.resolve(PASSPORT.kind, PASSPORT.value, CLERK)
