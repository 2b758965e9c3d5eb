"""Chips on a real store: who is found or made, what is kept, what a false chip leaves behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from chassis.audit import entries_of
from chassis.crypto import KeyRing
from identity_svc.domain.chip import CARD_EXPIRED, DETAILS_UNREADABLE, GROUPS_CONTRADICT
from identity_svc.domain.chip_errors import (
    ChipConsentReferenceWrong,
    ChipConsentRequired,
    ChipOfNoCitizen,
    ChipQrOfOtherCard,
)
from identity_svc.domain.model import Assurance, FieldResult, Outcome, Source, TextQuality
from standards.errors import FormatError
from standards.icao.security_object import ChipOutcome
from tests.support.cards import CSCA, SIGNER, Cards, chip_request
from tests.support.chip_maker import (
    NUMBER,
    Recipe,
    all_groups,
    authority,
    dg1,
    dg13,
    ec_key,
    signer,
    td1,
    td3,
)
from tests.support.identity import CLERK, FACILITY, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

TEST_QUERIES = Path(__file__).parent.parent / "support" / "identity_chips.sql"
QR = card_text(old_number="099123456")


@pytest.fixture
async def cards(open_store: OpenStore, tmp_path: Path) -> Cards:
    identity = Identity(await open_store("identity_svc", queries=(*QUERIES_FILES, TEST_QUERIES)), tmp_path)
    return Cards(identity, KeyRing.from_file(tmp_path / "field-keys.json"))


async def cases_of(cards: Cards) -> list[tuple[str, str, int]]:
    rows = await cards.identity.db.read(lambda tx: tx.all("test_list_cases"))
    return [(row["cause"], row["state"], row["seen_count"]) for row in rows]


async def test_a_chip_registers_a_new_citizen_with_a_signed_number(cards: Cards) -> None:
    cards.identity.register.unheard = "REGISTER_TIMEOUT"
    read = await cards.read(chip_request())

    assert read.reading.outcome is ChipOutcome.VALID
    assert read.verified is not None
    citizen = read.verified.citizen
    assert read.verified.created
    assert (citizen.demographics.full_name, citizen.demographics.birth_date) == (
        "Nguyễn Thị Hòa",
        "1990-03-02",
    )
    number = next(each for each in citizen.identifiers if each.value == NUMBER)
    assert (number.assurance, number.source) == (Assurance.CHIP_SIGNED, Source.CARD_CHIP)
    stored = await cards.identity.read_citizen.get(citizen.citizen_id, CLERK)
    assert {each.value: each.assurance for each in stored.identifiers}[NUMBER] is Assurance.CHIP_SIGNED
    assert read.face is not None
    assert (read.face.kind, read.face.size_bytes) == ("JPEG", 15_000)
    assert (read.qr_checks, read.stored_checks) == ((), ())


async def test_an_issuer_nobody_knows_backs_less_and_the_register_more(cards: Cards) -> None:
    cards.trust.trust()
    cards.identity.register.unheard = "REGISTER_TIMEOUT"
    first = await cards.read(chip_request())
    cards.trust.trust(CSCA)
    second = await cards.read(chip_request())
    cards.identity.register.unheard = ""
    third = await cards.read(chip_request())

    found = []
    for read in (first, second, third):
        assert read.verified is not None
        found.append((read.reading.outcome, read.verified.citizen.identifiers[0].assurance))
    assert found == [
        (ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN, Assurance.CHIP_INTACT),
        (ChipOutcome.VALID, Assurance.CHIP_SIGNED),
        (ChipOutcome.VALID, Assurance.REGISTER_CHECKED),
    ]


async def test_chip_and_code_of_one_card_are_one_card(cards: Cards) -> None:
    scanned = await cards.identity.scan(QR)
    read = await cards.read(chip_request(card_qr=QR))

    assert read.verified is not None
    assert not read.verified.created
    assert read.verified.citizen.citizen_id == scanned.citizen.citizen_id
    assert read.verified.verification == scanned.verification
    assert {each.result for each in (*read.qr_checks, *read.stored_checks)} == {FieldResult.MATCH}
    assert len(cards.identity.register.claims) == 1


async def test_differences_to_code_and_record_are_told_field_by_field(cards: Cards) -> None:
    await cards.identity.scan(card_text(name="Nguyễn Thị Hoa", birth="00001990"))
    read = await cards.read(
        chip_request(card_qr=card_text(name="Nguyen Thi Hoa", issue="15062021", gender="Nam"))
    )

    qr = {each.field: (each.result, each.reason) for each in read.qr_checks}
    assert qr["full_name"] == (FieldResult.PARTIAL, "NAME_ACCENTS_LOST")
    assert qr["gender"] == (FieldResult.MISMATCH, "GENDER_DIFFERS")
    assert qr["issue_date"] == (FieldResult.MISMATCH, "ISSUE_DATE_DIFFERS")
    stored = {each.field: (each.result, each.reason) for each in read.stored_checks}
    assert stored["full_name"] == (FieldResult.MISMATCH, "NAME_DIFFERS")
    assert stored["birth_date"] == (FieldResult.PARTIAL, "BIRTH_DATE_COARSER")


async def test_a_card_without_readable_details_takes_the_text_of_a_code_that_agrees(cards: Cards) -> None:
    groups = {1: dg1(), 13: b"\x6d\x03\x04\x01\x00"}
    read = await cards.read(chip_request(groups, card_qr=QR))

    assert read.verified is not None
    assert read.verified.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    assert DETAILS_UNREADABLE in read.reading.warnings


async def test_without_details_and_code_the_name_has_no_accents_and_never_replaces_a_good_one(
    cards: Cards,
) -> None:
    first = await cards.read(chip_request({1: dg1()}))
    assert first.verified is not None
    facts = first.verified.citizen.demographics
    assert (facts.full_name, facts.text_quality) == ("Nguyen Thi Hoa", TextQuality.WITHOUT_ACCENTS)

    await cards.identity.scan(QR)
    again = await cards.read(chip_request({1: dg1()}))
    assert again.verified is not None
    assert again.verified.citizen.demographics.full_name == "Nguyễn Thị Hòa"


async def test_a_false_chip_changes_nothing_and_opens_one_case(cards: Cards) -> None:
    before = await cards.identity.scan(QR)
    forged = {**all_groups(), 13: dg13({2: "Kẻ Gian"})}
    reads = [await cards.read(chip_request(forged, recipe=Recipe(signer=SIGNER))) for _ in range(2)]

    for read in reads:
        assert (read.reading.outcome, read.reading.fault) == (ChipOutcome.INVALID, "GROUP_DIGEST_WRONG")
        assert (read.reading.fault_group, read.verified) == (13, None)
    after = await cards.identity.read_citizen.get(before.citizen.citizen_id, CLERK)
    assert after == before.citizen
    assert await cases_of(cards) == [("CHIP_INVALID", "OPEN", 2)]

    await cards.read(chip_request())
    assert await cases_of(cards) == [("CHIP_INVALID", "RESOLVED", 2)]


async def test_a_false_chip_of_somebody_unknown_registers_nobody(cards: Cards) -> None:
    request = chip_request({1: dg1()}, recipe=Recipe(signer=SIGNER))
    request.dg1 = dg1(td1(number="099190000018"))
    read = await cards.read(request)
    again = await cards.read(request)

    assert (read.reading.outcome, read.reading.citizen_id) == (ChipOutcome.INVALID, "")
    assert again.reading.fault == read.reading.fault
    assert await cases_of(cards) == []
    assert cards.identity.register.claims == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({1: "099190000018"}, GROUPS_CONTRADICT),
        ({3: "03/03/1990"}, GROUPS_CONTRADICT),
        ({4: "Nam"}, GROUPS_CONTRADICT),
    ],
)
async def test_signed_groups_that_tell_of_two_people_are_false(
    cards: Cards, changes: dict[int, str], fault: str
) -> None:
    read = await cards.read(chip_request({1: dg1(), 13: dg13(changes)}))

    assert (read.reading.outcome, read.reading.fault) == (ChipOutcome.INVALID, fault)


async def test_a_chip_of_the_person_on_record_never_backs_the_number_of_another(cards: Cards) -> None:
    other = await cards.identity.scan(card_text(name="Trần Văn Bình", birth="01011970", gender="Nam"))
    read = await cards.read(chip_request())

    assert read.verified is not None
    assert read.verified.verification.outcome is Outcome.DISPUTED
    numbers = {each.value: each.assurance for each in read.verified.citizen.identifiers}
    assert numbers[NUMBER] is other.citizen.identifiers[0].assurance


async def test_a_repeat_of_a_request_repeats_its_answer(cards: Cards) -> None:
    await cards.identity.scan(card_text(name="Nguyễn Thị Hoa"))
    request = chip_request(card_qr=QR)
    first = await cards.read(request)
    cards.trust.trust()
    cards.identity.clock.advance(timedelta(days=60))
    again = await cards.read(request)

    assert (again.reading, again.qr_checks, again.stored_checks) == (
        first.reading,
        first.qr_checks,
        first.stored_checks,
    )
    assert first.verified is not None
    assert again.verified is not None
    assert again.verified.verification == first.verified.verification
    page, _ = await cards.read_chip.list(first.reading.citizen_id, CLERK, page_size=0, page_token="")
    assert page == [first.reading]


async def test_readings_are_listed_newest_first_in_pages(cards: Cards) -> None:
    reads = [await cards.read(chip_request()) for _ in range(3)]
    citizen_id = reads[0].reading.citizen_id
    first, token = await cards.read_chip.list(citizen_id, CLERK, page_size=2, page_token="")
    second, end = await cards.read_chip.list(citizen_id, CLERK, page_size=2, page_token=token)

    assert [*first, *second] == [each.reading for each in reversed(reads)]
    assert end == ""
    assert len({each.content_hash for each in (*first, *second)}) == 3


async def test_an_expired_card_is_told_and_read(cards: Cards) -> None:
    read = await cards.read(chip_request({1: dg1(td1(expiry="250302"))}))

    assert read.reading.outcome is ChipOutcome.VALID
    assert CARD_EXPIRED in read.reading.warnings


async def test_the_country_of_the_issuer_has_to_be_the_cards(cards: Cards) -> None:
    foreign = authority(name="CSCA of elsewhere", key=ec_key(21), country="XX")
    cards.trust.trust(foreign)
    read = await cards.read(chip_request(recipe=Recipe(signer=signer(foreign))))

    assert read.reading.fault == "ISSUER_OF_OTHER_COUNTRY"


REFUSALS = [
    (chip_request(consent=False), ChipConsentRequired),
    (chip_request({1: dg1(td3(state="UTO"))}), ChipOfNoCitizen),
    (chip_request({1: dg1(td3(personal=""))}), ChipOfNoCitizen),
    (chip_request(card_qr=card_text(number="099190000018")), ChipQrOfOtherCard),
    (chip_request({1: b""}), FormatError),
]


@pytest.mark.parametrize(("request_message", "refusal"), REFUSALS)
async def test_what_cannot_be_judged_is_refused_and_leaves_nothing(
    cards: Cards, request_message: object, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await cards.read(request_message)  # type: ignore[arg-type]  # parametrised

    assert cards.identity.register.claims == []
    assert await cards.identity.db.read(lambda tx: entries_of(tx, subject="")) == []


async def test_a_reference_that_could_hold_a_name_is_refused(cards: Cards) -> None:
    request = chip_request()
    request.consent.reference = "Nguyễn Thị Hòa đồng ý"
    with pytest.raises(ChipConsentReferenceWrong):
        await cards.read(request)


async def test_every_reading_is_on_the_audit_chain_and_no_file_is_kept(
    cards: Cards,
) -> None:
    request = chip_request(card_qr=QR)
    read = await cards.read(request)
    seen = await cards.identity.db.read(lambda tx: entries_of(tx, subject=read.reading.citizen_id))
    rows = await cards.identity.db.read(lambda tx: tx.all("test_dump_chips"))

    assert seen[0].action == "read_chip"
    assert (
        seen[0].resource == f"citizens/{read.reading.citizen_id}/chipReadings/{read.reading.chip_reading_id}"
    )
    kept = b"|".join(
        value if isinstance(value, bytes) else str(value).encode()
        for row in rows
        for value in dict(row).values()
    )
    for secret in (b"\xff\xd8\xff", NUMBER.encode(), "Nguyễn".encode(), request.sod[8:40], request.dg1[5:30]):
        assert secret not in kept
    assert FACILITY.encode() in kept
