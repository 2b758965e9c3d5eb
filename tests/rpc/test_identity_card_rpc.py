"""Card reading through the whole pipeline: what callers get, and the typed error of each bad input."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chassis.crypto import KeyRing
from chassis.errors import AppError
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from identity_svc.domain.model import IdentifierKind
from lienthong.identity.v1 import card_pb2 as pb
from lienthong.identity.v1 import identity_pb2
from tests.support.cards import CSCA, SIGNER, Cards, card_stub, chip_request
from tests.support.chip_maker import Recipe, all_groups, dg1, dg13, signer, td3
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.card_pb2_grpc import CardServiceAsyncStub

TIMEOUT_S = 5.0


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def cards(open_store: OpenStore, tmp_path: Path) -> Cards:
    identity = Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)
    return Cards(identity, KeyRing.from_file(tmp_path / "field-keys.json"))


@pytest.fixture
async def stub(cards: Cards, keys: Keys) -> AsyncIterator[CardServiceAsyncStub]:
    async with card_stub(cards, keys) as made:
        yield made


def signed(keys: Keys, *roles: str) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=FACILITY, purpose="treatment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=FACILITY,
        purpose="treatment",
        token=Minter(keys.gateway).mint(named),
    )


def insurance_text(number: str = "GD4069912345678", *, name: str = "Nguyễn Thị Hòa") -> str:
    known = (number, name.encode().hex(), "02/03/1990", "2", "Xã Nam Mẫu".encode().hex(), "06 - 011")
    return "|".join((*known, "01/01/2025", "31/12/2025", "20/12/2024", "-", "-", "5", "01/01/2026", "$"))


async def test_a_sound_chip_answers_with_citizen_verdict_and_words(
    stub: CardServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        answer = await stub.ReadChip(chip_request(card_qr=card_text()), timeout=TIMEOUT_S)
        page = await stub.ListChipReadings(
            pb.ListChipReadingsRequest(citizen=answer.citizen.name), timeout=TIMEOUT_S
        )

    assert answer.created
    assert answer.citizen.full_name == "Nguyễn Thị Hòa"
    assert answer.citizen.address.candidates[0].new_unit.ward_code == "01906"
    assert answer.verification.outcome == identity_pb2.VERIFICATION_OUTCOME_VERIFIED
    reading = answer.reading
    assert (reading.outcome, reading.fault) == (pb.CHIP_OUTCOME_VALID, "")
    assert reading.name.startswith(f"{answer.citizen.name}/chipReadings/")
    assert reading.explanation_vi.startswith("Chip thật")
    assert reading.explanation_en.startswith("The chip is genuine")
    assert list(reading.groups) == [1, 2, 13, 14, 15]
    assert reading.consent_reference == "paper/2026-03-02.7"
    assert (answer.face.kind, answer.face.size_bytes) == ("JPEG", 15_000)
    assert list(page.readings) == [reading]


async def test_a_false_chip_is_an_answer_and_shows_no_citizen(
    stub: CardServiceAsyncStub, cards: Cards, keys: Keys
) -> None:
    await cards.identity.scan(card_text())
    forged = chip_request({**all_groups(), 13: dg13({2: "Kẻ Gian"})}, recipe=Recipe(signer=SIGNER))
    with acting_as(signed(keys, "DEVICE")):
        answer = await stub.ReadChip(forged, timeout=TIMEOUT_S)

    assert (answer.reading.outcome, answer.reading.fault) == (pb.CHIP_OUTCOME_INVALID, "GROUP_DIGEST_WRONG")
    assert not answer.HasField("citizen")
    assert not answer.HasField("verification")
    assert answer.reading.explanation_vi
    assert answer.reading.explanation_en


async def test_the_trust_store_is_shown(stub: CardServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "OPERATOR")):
        trust = await stub.GetChipTrust(pb.GetChipTrustRequest(), timeout=TIMEOUT_S)

    assert [(each.country, len(each.fingerprint)) for each in trust.authorities] == [("VN", 64)]
    assert not trust.HasField("load_time")


async def test_a_paper_insurance_card_is_read_and_leads_to_its_citizen(
    stub: CardServiceAsyncStub, cards: Cards, keys: Keys
) -> None:
    known = await cards.identity.scan(card_text())
    store = cards.identity.store

    await cards.identity.db.write(
        lambda tx: store.claim(
            tx, IdentifierKind.INSURANCE_NUMBER, "9912345678", citizen_id=known.citizen.citizen_id
        )
    )
    with acting_as(signed(keys, "CASHIER")):
        found = await stub.ReadInsuranceCard(
            pb.ReadInsuranceCardRequest(card_qr=insurance_text(name="Nguyễn Thị Hoa")), timeout=TIMEOUT_S
        )
        nobody = await stub.ReadInsuranceCard(
            pb.ReadInsuranceCardRequest(card_qr=insurance_text("GD4069900000000")), timeout=TIMEOUT_S
        )

    assert (found.kind, found.number) == (identity_pb2.IDENTIFIER_KIND_INSURANCE_CARD, "GD4069912345678")
    assert (found.area, found.facility_code, found.valid_until_date) == ("K1", "06011", "2025-12-31")
    assert found.citizen.name == f"citizens/{known.citizen.citizen_id}"
    checks = {each.field: (each.result, each.reason) for each in found.checks}
    assert checks["full_name"] == (identity_pb2.FIELD_RESULT_MISMATCH, "NAME_DIFFERS")
    assert checks["birth_date"] == (identity_pb2.FIELD_RESULT_MATCH, "")
    assert all(each.explanation_vi for each in found.checks if each.reason)
    assert not nobody.HasField("citizen")
    assert list(nobody.checks) == []


def chip(**changes: object) -> pb.ReadChipRequest:
    """A sound request with fields replaced."""
    request = chip_request()
    for name, value in changes.items():
        setattr(request, name, value)
    return request


SOD = chip_request().sod
BAD_CALLS = [
    ("ReadChip", chip_request(consent=False), "CHIP_CONSENT_REQUIRED", "consent.given"),
    ("ReadChip", chip(dg1=b""), "CHIP_DATA_TRUNCATED", "dg1"),
    ("ReadChip", chip(dg1=dg1()[:-1]), "CHIP_DATA_TRUNCATED", "dg1"),
    ("ReadChip", chip(dg13=dg1()), "CHIP_GROUP_TAG_WRONG", "dg13"),
    ("ReadChip", chip(sod=b""), "CHIP_DATA_TRUNCATED", "sod"),
    ("ReadChip", chip(sod=SOD + b"\x00"), "CHIP_DATA_TRAILING", "sod"),
    ("ReadChip", chip(sod=b"\x77\x80"), "CHIP_LENGTH_FORM", "sod"),
    ("ReadChip", chip(sod=b"\x77\x02\x30\x00"), "SECURITY_OBJECT_MALFORMED", "sod"),
    ("ReadChip", chip(card_qr="https://example.vn"), "NOT_A_CARD_QR", "card_qr"),
    ("ReadChip", chip(card_qr=card_text(number="099190000018")), "CHIP_QR_OF_OTHER_CARD", "card_qr"),
    ("ReadChip", chip_request({1: dg1(td3(personal=""))}), "CHIP_OF_NO_CITIZEN", "dg1"),
    ("ReadChip", chip(request_id=""), "REQUEST_ID_REQUIRED", "request_id"),
    ("ReadChip", chip(facility_code="1x"), "FACILITY_CODE_FORM", "facility_code"),
    ("ReadChip", chip(facility_code="19002"), "OTHER_FACILITY", ""),
    ("ListChipReadings", pb.ListChipReadingsRequest(citizen="x"), "CITIZEN_NAME_MALFORMED", "name"),
    ("ListChipReadings", pb.ListChipReadingsRequest(citizen="citizens/nobody"), "CITIZEN_NOT_FOUND", ""),
    (
        "ListChipReadings",
        pb.ListChipReadingsRequest(citizen="citizens/1", page_size=101),
        "PAGE_SIZE_OUT_OF_RANGE",
        "page_size",
    ),
    (
        "ListChipReadings",
        pb.ListChipReadingsRequest(citizen="citizens/1", page_token="' OR 1"),
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
    ("ReadInsuranceCard", pb.ReadInsuranceCardRequest(), "NOT_AN_INSURANCE_QR", "insurance_qr"),
    (
        "ReadInsuranceCard",
        pb.ReadInsuranceCardRequest(card_qr=insurance_text()[:60]),
        "INSURANCE_QR_TRUNCATED",
        "insurance_qr",
    ),
]


@pytest.mark.parametrize(("method", "request_message", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error(  # noqa: PLR0917
    stub: CardServiceAsyncStub, keys: Keys, method: str, request_message: object, reason: str, field: str
) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi
    assert caught.value.message
    assert "0991" not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize(
    ("method", "request_message", "role"),
    [
        ("ReadChip", chip_request(), "CITIZEN"),
        ("ReadChip", chip_request(), "CASHIER"),
        ("ListChipReadings", pb.ListChipReadingsRequest(citizen="citizens/1"), "DEVICE"),
        ("GetChipTrust", pb.GetChipTrustRequest(), "CLERK"),
        ("ReadInsuranceCard", pb.ReadInsuranceCardRequest(), "CITIZEN"),
    ],
)
async def test_roles_without_the_right_are_refused(
    stub: CardServiceAsyncStub, keys: Keys, method: str, request_message: object, role: str
) -> None:
    with acting_as(signed(keys, role)), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert caught.value.reason == "ROLE_NOT_ALLOWED"


async def test_a_request_id_with_another_chip_is_refused(stub: CardServiceAsyncStub, keys: Keys) -> None:
    request_id = str(uuid.uuid4())
    with acting_as(signed(keys, "CLERK")):
        await stub.ReadChip(chip_request(request_id=request_id), timeout=TIMEOUT_S)
        with pytest.raises(AppError) as caught:
            await stub.ReadChip(
                chip_request(recipe=Recipe(signer=signer(CSCA, serial=9)), request_id=request_id),
                timeout=TIMEOUT_S,
            )

    assert caught.value.reason == "REQUEST_ID_REUSED"
