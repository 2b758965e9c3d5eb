"""Many clerks, one new citizen, one instant: exactly one citizen comes of it, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chassis import audit
from identity_svc.domain.cases import Case, CaseCause
from identity_svc.domain.model import FieldResult, IdentifierKind, RegisterAnswer, RegisterClaim
from identity_svc.store.quality_store import QualityStore
from tests.support.identity import CLERK, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

STORM = 64
# The counts are read from the tables themselves, not through the look-ups under test.
COUNTS = Path(__file__).parent.parent / "support" / "identity_counts.sql"


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    made = Identity(await open_store("identity_svc", queries=(*QUERIES_FILES, COUNTS)), tmp_path)
    # Every call has read "nobody has this number" before the first one writes.
    made.register.pause_s = 0.2
    return made


async def test_64_registrations_of_one_new_citizen_create_exactly_one(identity: Identity) -> None:
    answers = await asyncio.gather(*(identity.scan(card_text(old_number="099123456")) for _ in range(STORM)))

    assert sum(answer.created for answer in answers) == 1
    (citizen_id,) = {answer.citizen.citizen_id for answer in answers}
    counts = await identity.db.read(lambda tx: tx.one("count_identity_rows"))
    assert counts == {
        "citizen_count": 1,
        "lookup_count": 2,
        "identifier_count": 2,
        "demographic_count": 1,
        "verification_count": STORM,
    }
    assert len({answer.verification.verification_id for answer in answers}) == STORM
    found = await identity.read_citizen.resolve(IdentifierKind.CITIZEN_NUMBER, "099190000017", CLERK)
    assert found.citizen_id == citizen_id
    assert (await audit.verify(identity.db)).is_intact


async def test_64_different_new_citizens_at_one_instant_stay_64(identity: Identity) -> None:
    answers = await asyncio.gather(
        *(identity.scan(card_text(number=f"0991900{index:05}")) for index in range(STORM))
    )

    assert all(answer.created for answer in answers)
    assert len({answer.citizen.citizen_id for answer in answers}) == STORM


async def test_one_request_sent_64_times_at_once_takes_effect_once(identity: Identity) -> None:
    request_id = "0192a7b4-0000-7000-8000-000000000001"
    answers = await asyncio.gather(*(identity.scan(card_text(), request_id=request_id) for _ in range(STORM)))

    assert len({answer.verification.verification_id for answer in answers}) == 1
    assert all(answer.created for answer in answers)
    counts = await identity.db.read(lambda tx: tx.one("count_identity_rows"))
    assert counts is not None
    assert (counts["citizen_count"], counts["verification_count"]) == (1, 1)


async def test_64_scans_of_a_newer_card_add_its_facts_once(identity: Identity) -> None:
    first = await identity.scan(card_text())
    moved = card_text(address="Xã Ba Bể, Tỉnh Thái Nguyên", issue="01092025")

    answers = await asyncio.gather(*(identity.scan(moved) for _ in range(STORM)))

    citizen_id = first.citizen.citizen_id
    assert {answer.citizen.citizen_id for answer in answers} == {citizen_id}
    history = await identity.db.read(lambda tx: identity.store.history(tx, citizen_id))
    assert [facts.version for facts in history] == [2, 1]
    assert history[0].address == "Xã Ba Bể, Tỉnh Thái Nguyên"


async def open_cases(identity: Identity, citizen_id: str) -> list[Case]:
    store = QualityStore(identity.store.cipher)
    return await identity.db.read(lambda tx: store.open_cases_of(tx, citizen_id, as_other=True))


async def test_64_registrations_of_one_number_under_two_spellings_make_one_citizen_and_one_case(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree = identity.register.verify

    async def verify(claim: RegisterClaim) -> RegisterAnswer:
        answer = await agree(claim)
        if claim.full_name == "Nguyễn Thị Hòa":
            return answer
        answer.results["full_name"], answer.reasons["full_name"] = FieldResult.PARTIAL, "MARKS_DIFFER"
        return answer

    monkeypatch.setattr(identity.register, "verify", verify)
    spellings = ("Nguyễn Thị Hòa", "Nguyễn Thị Hoa")

    answers = await asyncio.gather(
        *(identity.scan(card_text(name=spellings[index % 2])) for index in range(STORM))
    )

    assert sum(answer.created for answer in answers) == 1
    (citizen_id,) = {answer.citizen.citizen_id for answer in answers}
    (case,) = await open_cases(identity, citizen_id)
    assert (case.cause, case.seen_count) == (CaseCause.NAME_DIFFERS, STORM // 2)
    found = await identity.read_citizen.get(citizen_id, CLERK)
    assert found.demographics.full_name == "Nguyễn Thị Hòa"


async def test_64_registrations_of_one_person_under_two_numbers_make_one_citizen(identity: Identity) -> None:
    numbers = ("099190000017", "099190000025")

    answers = await asyncio.gather(
        *(
            identity.scan(card_text(number=numbers[index % 2], old_number="099123456"))
            for index in range(STORM)
        )
    )

    assert sum(answer.created for answer in answers) == 1
    (citizen_id,) = {answer.citizen.citizen_id for answer in answers}
    found = await identity.read_citizen.get(citizen_id, CLERK)
    assert {each.value for each in found.identifiers} == {*numbers, "099123456"}
    assert await open_cases(identity, citizen_id) == []


async def test_64_registrations_under_two_numbers_and_two_spellings_open_one_case_between_two(
    identity: Identity,
) -> None:
    cards = (
        card_text(number="099190000017", old_number="099123456"),
        card_text(number="099190000025", old_number="099123456", name="Nguyễn Thị Hoa"),
    )

    answers = await asyncio.gather(*(identity.scan(cards[index % 2]) for index in range(STORM)))

    assert sum(answer.created for answer in answers) == 2
    people = {answer.citizen.citizen_id for answer in answers}
    assert len(people) == 2
    cases = {case.case_id: case for each in people for case in await open_cases(identity, each)}
    (case,) = cases.values()
    assert case.cause is CaseCause.OLD_NUMBER_OF_OTHER_PERSON
    assert {case.citizen_id, case.other_citizen_id} == people
    assert (await audit.verify(identity.db)).is_intact
