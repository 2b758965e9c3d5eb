"""Identity through the whole pipeline: what callers get, and the typed error of each bad input."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from lienthong.identity.v1 import identity_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, QUERIES_FILES, Identity, card_text, identity_stub
from tests.support.stores import OpenStore, StoreMaker

if TYPE_CHECKING:
    from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub

TIMEOUT_S = 5.0


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def identity(open_store: OpenStore, store_maker: StoreMaker, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def stub(identity: Identity, keys: Keys) -> AsyncIterator[IdentityServiceAsyncStub]:
    async with identity_stub(identity, keys) as made:
        yield made


def signed(keys: Keys, *roles: str, facility: str = FACILITY) -> Caller:
    named = Caller(subject="persons/1", roles=frozenset(roles), facility=facility, purpose="treatment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility=facility,
        purpose="treatment",
        token=Minter(keys.gateway).mint(named),
    )


def verify(text: str, *, facility: str = FACILITY, request_id: str = "") -> pb.VerifyCardRequest:
    return pb.VerifyCardRequest(
        request_id=request_id or str(uuid.uuid4()), card_qr=text, facility_code=facility
    )


async def test_a_former_bac_kan_address_is_answered_in_old_and_new_form(
    stub: IdentityServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        response = await stub.VerifyCard(verify(card_text()), timeout=TIMEOUT_S)

    (candidate,) = response.citizen.address.candidates
    assert (candidate.old_unit.ward_code, candidate.old_unit.district_code) == ("01909", "061")
    assert candidate.old_unit.province_name == "Tỉnh Bắc Kạn"
    assert (candidate.new_unit.ward_code, candidate.new_unit.ward_name) == ("01906", "Xã Ba Bể")
    assert candidate.new_unit.province_name == "Tỉnh Thái Nguyên"
    assert candidate.change == pb.UNIT_CHANGE_MERGED
    assert candidate.legal_reference == "19/2025/QĐ-TTg"
    assert candidate.reason_vi
    assert candidate.reason_en


async def test_the_answer_explains_each_field_with_ways_out(
    stub: IdentityServiceAsyncStub, identity: Identity, keys: Keys
) -> None:
    identity.register.results = {
        "full_name": ("MISMATCH", "DIFFERENT"),
        "birth_date": ("PARTIAL", "YEAR_ONLY"),
    }
    with acting_as(signed(keys, "CLERK")):
        response = await stub.VerifyCard(verify(card_text()), timeout=TIMEOUT_S)

    check = response.verification
    assert check.outcome == pb.VERIFICATION_OUTCOME_DISPUTED
    by_field = {each.field: each for each in check.fields}
    assert list(by_field) == ["personal_number", "full_name", "birth_date", "gender", "address"]
    assert by_field["full_name"].result == pb.FIELD_RESULT_MISMATCH
    assert {each.code for each in by_field["full_name"].proposals} == {
        "ADD_NAME_ALIAS",
        "ASK_REGISTER_CORRECTION",
    }
    assert [each.code for each in by_field["birth_date"].proposals] == ["ESTIMATED_BIRTH_DATE"]
    assert by_field["full_name"].explanation_vi
    assert by_field["full_name"].explanation_en
    assert by_field["gender"].result == pb.FIELD_RESULT_MATCH
    assert check.name.startswith(f"{response.citizen.name}/verifications/")


async def test_citizen_and_identifier_lead_to_the_same_person(
    stub: IdentityServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        made = await stub.VerifyCard(verify(card_text(old_number="099123456")), timeout=TIMEOUT_S)
        got = await stub.GetCitizen(pb.GetCitizenRequest(name=made.citizen.name), timeout=TIMEOUT_S)
        found = await stub.ResolveIdentifier(
            pb.ResolveIdentifierRequest(kind=pb.IDENTIFIER_KIND_OLD_IDENTITY_NUMBER, value="099 123 456"),
            timeout=TIMEOUT_S,
        )

    assert made.created
    assert got.citizen == made.citizen
    assert found.citizen == made.citizen


async def test_a_repeat_of_the_request_repeats_the_answer(stub: IdentityServiceAsyncStub, keys: Keys) -> None:
    request = verify(card_text())
    with acting_as(signed(keys, "CLERK")):
        first = await stub.VerifyCard(request, timeout=TIMEOUT_S)
        again = await stub.VerifyCard(request, timeout=TIMEOUT_S)

    assert again == first


BAD_CARDS = [
    ("099190000017||Nguyễn Thị Hòa|02031990|Nữ", "CARD_QR_TRUNCATED", "card_qr"),
    ("https://example.vn/menu", "NOT_A_CARD_QR", "card_qr"),
    ("GD4060123456789", "NOT_A_CARD_QR", "card_qr"),
    (card_text(number="09919000001"), "NOT_TWELVE_DIGITS", "personal_number"),
    (card_text(birth="31021990"), "IMPOSSIBLE_DATE", "birth_date"),
    (card_text(issue="99999999"), "IMPOSSIBLE_DATE", "issue_date"),
    (card_text(old_number="12345"), "OLD_NUMBER_NOT_NINE_DIGITS", "old_number"),
    (card_text(name=""), "CARD_QR_FIELD_EMPTY", "full_name"),
    (card_text(gender="?"), "GENDER_UNREADABLE", "gender"),
    (card_text(name="A" * 3_000), "CARD_QR_TOO_LONG", "card_qr"),
]


@pytest.mark.parametrize(("text", "reason", "field"), BAD_CARDS)
async def test_a_bad_card_text_is_a_typed_error_and_stores_nothing(  # noqa: PLR0917
    stub: IdentityServiceAsyncStub, identity: Identity, keys: Keys, text: str, reason: str, field: str
) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await stub.VerifyCard(verify(text), timeout=TIMEOUT_S)

    assert caught.value.kind is Kind.INVALID_ARGUMENT
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.vi
    assert "0991" not in f"{caught.value} {caught.value.facts}"
    assert identity.register.claims == []
    audited = await identity.db.read(lambda tx: tx.one("frame_audit_head", writer_id="main"))
    assert audited is None


BAD_CALLS = [
    ("GetCitizen", pb.GetCitizenRequest(name="citizens/"), "CITIZEN_NAME_MALFORMED", "name"),
    ("GetCitizen", pb.GetCitizenRequest(name="citizens/nobody"), "CITIZEN_NOT_FOUND", ""),
    ("ResolveIdentifier", pb.ResolveIdentifierRequest(value="1"), "IDENTIFIER_KIND_REQUIRED", "kind"),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(kind=99, value="1"),  # type: ignore[arg-type]
        "UNKNOWN_ENUM_VALUE",
        "kind",
    ),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(kind=pb.IDENTIFIER_KIND_CITIZEN_NUMBER, value="12"),
        "NOT_TWELVE_DIGITS",
        "personal_number",
    ),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(kind=pb.IDENTIFIER_KIND_INSURANCE_CARD, value="9912345678"),
        "IDENTIFIER_FORM_WRONG",
        "value",
    ),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(kind=pb.IDENTIFIER_KIND_CITIZEN_NUMBER, value="099190000999"),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    ("ResolveAdministrativeUnit", pb.ResolveAdministrativeUnitRequest(), "PLACE_REQUIRED", "text"),
    (
        "ResolveAdministrativeUnit",
        pb.ResolveAdministrativeUnitRequest(text="Xã Ba Bể", ward_code="01906", vintage="from-2025-07"),
        "PLACE_GIVEN_TWICE",
        "ward_code",
    ),
    (
        "ResolveAdministrativeUnit",
        pb.ResolveAdministrativeUnitRequest(ward_code="1906", vintage="from-2025-07"),
        "WARD_CODE_MALFORMED",
        "ward_code",
    ),
    (
        "ResolveAdministrativeUnit",
        pb.ResolveAdministrativeUnitRequest(ward_code="01906"),
        "VINTAGE_UNKNOWN",
        "vintage",
    ),
    ("VerifyCard", pb.VerifyCardRequest(card_qr=card_text()), "REQUEST_ID_REQUIRED", "request_id"),
    (
        "VerifyCard",
        pb.VerifyCardRequest(card_qr=card_text(), request_id="7"),
        "REQUEST_ID_MALFORMED",
        "request_id",
    ),
    ("VerifyCard", verify(card_text(), facility="1x"), "FACILITY_CODE_FORM", "facility_code"),
    ("VerifyCard", verify(card_text(), facility="19002"), "OTHER_FACILITY", ""),
]


@pytest.mark.parametrize(("method", "request_message", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error(  # noqa: PLR0917
    stub: IdentityServiceAsyncStub, keys: Keys, method: str, request_message: object, reason: str, field: str
) -> None:
    with acting_as(signed(keys, "CLERK")), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi


@pytest.mark.parametrize(("roles", "reason"), [((), "ROLE_NOT_ALLOWED"), (("CITIZEN",), "ROLE_NOT_ALLOWED")])
async def test_others_than_staff_may_not_read_citizens(
    stub: IdentityServiceAsyncStub, keys: Keys, roles: tuple[str, ...], reason: str
) -> None:
    with acting_as(signed(keys, *roles)), pytest.raises(AppError) as caught:
        await stub.GetCitizen(pb.GetCitizenRequest(name="citizens/1"), timeout=TIMEOUT_S)

    assert caught.value.reason == reason


async def test_an_unknown_place_is_answered_with_its_reason(
    stub: IdentityServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CITIZEN", facility="")):
        by_text = await stub.ResolveAdministrativeUnit(
            pb.ResolveAdministrativeUnitRequest(text="Paris"), timeout=TIMEOUT_S
        )
        by_code = await stub.ResolveAdministrativeUnit(
            pb.ResolveAdministrativeUnitRequest(ward_code="99999", vintage="from-2025-07"), timeout=TIMEOUT_S
        )

    assert by_text.resolution.unresolved_reason == "PROVINCE_NOT_RECOGNISED"
    assert by_code.resolution.unresolved_reason == "WARD_CODE_UNKNOWN"


async def test_a_code_means_another_commune_in_each_vintage(
    stub: IdentityServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLERK")):
        old = await stub.ResolveAdministrativeUnit(
            pb.ResolveAdministrativeUnitRequest(ward_code="01906", vintage="before-2025-07"),
            timeout=TIMEOUT_S,
        )
        new = await stub.ResolveAdministrativeUnit(
            pb.ResolveAdministrativeUnitRequest(ward_code="01906", vintage="from-2025-07"), timeout=TIMEOUT_S
        )

    assert old.resolution.candidates[0].old_unit.ward_name == "Xã Khang Ninh"
    assert old.resolution.candidates[0].new_unit.ward_name == "Xã Ba Bể"
    assert not new.resolution.candidates[0].HasField("old_unit")
    assert new.resolution.candidates[0].new_unit.ward_name == "Xã Ba Bể"


async def test_a_split_commune_gives_every_answer(stub: IdentityServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLERK")):
        answer = await stub.ResolveAdministrativeUnit(
            pb.ResolveAdministrativeUnitRequest(ward_code="05461", vintage="before-2025-07"),
            timeout=TIMEOUT_S,
        )

    codes = {each.new_unit.ward_code for each in answer.resolution.candidates}
    assert codes == {"05443", "05467"}
    assert {each.change for each in answer.resolution.candidates} == {pb.UNIT_CHANGE_SPLIT}
