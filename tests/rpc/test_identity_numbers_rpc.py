"""Numbers, temporary people and repairs through the whole pipeline, and the typed error of each bad call."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from cli.__main__ import parser
from lienthong.identity.v1 import identity_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, QUERIES_FILES, START, Identity, card_text, identity_stub
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub

TIMEOUT_S = 5.0
CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"
PASSPORT = "http://fhir.ehealth.gov.vn/core/sid/passport_number"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store("identity_svc", queries=QUERIES_FILES), tmp_path)


@pytest.fixture
async def stub(identity: Identity, keys: Keys) -> AsyncIterator[IdentityServiceAsyncStub]:
    async with identity_stub(identity, keys) as made:
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


def request_id() -> str:
    return str(uuid.uuid4())


async def scanned(stub: IdentityServiceAsyncStub, **card: str) -> pb.VerifyCardResponse:
    request = pb.VerifyCardRequest(request_id=request_id(), card_qr=card_text(**card), facility_code=FACILITY)
    return await stub.VerifyCard(request, timeout=TIMEOUT_S)


async def test_any_clients_system_finds_the_same_person(stub: IdentityServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLERK")):
        made = await scanned(stub)
        found = [
            await stub.ResolveIdentifier(
                pb.ResolveIdentifierRequest(system=system, value="099190000017"), timeout=TIMEOUT_S
            )
            for system in (CCCD, "NI", "http://fhir.ehealth.gov.vn/core/sid/national_id")
        ]

    assert {each.citizen.name for each in found} == {made.citizen.name}
    assert all(each.in_use for each in found)
    assert found[0].identifier == made.citizen.identifiers[0]


async def test_a_number_is_added_ended_and_answered_for_an_earlier_day(
    stub: IdentityServiceAsyncStub, identity: Identity, keys: Keys
) -> None:
    with acting_as(signed(keys, "STEWARD")):
        made = await scanned(stub)
        added = await stub.AddIdentifier(
            pb.AddIdentifierRequest(
                request_id=request_id(),
                citizen=made.citizen.name,
                system=PASSPORT,
                value="b1234567",
                valid_until_date="2030-01-01",
            ),
            timeout=TIMEOUT_S,
        )
        identity.clock.advance(timedelta(days=1))
        end = pb.EndIdentifierRequest(
            request_id=request_id(),
            name=added.identifier.name,
            reason=pb.IDENTIFIER_END_REASON_CANCELLED,
        )
        ended = await stub.EndIdentifier(end, timeout=TIMEOUT_S)
        repeated = await stub.EndIdentifier(end, timeout=TIMEOUT_S)
        as_of_time = Timestamp()
        as_of_time.FromDatetime(START + timedelta(hours=1))
        before = await stub.ResolveIdentifier(
            pb.ResolveIdentifierRequest(system=PASSPORT, value="B1234567", as_of_time=as_of_time),
            timeout=TIMEOUT_S,
        )
        now = await stub.ResolveIdentifier(
            pb.ResolveIdentifierRequest(system=PASSPORT, value="B1234567"), timeout=TIMEOUT_S
        )
        listed = await stub.ListIdentifiers(
            pb.ListIdentifiersRequest(citizen=made.citizen.name, page_size=1), timeout=TIMEOUT_S
        )
        rest = await stub.ListIdentifiers(
            pb.ListIdentifiersRequest(citizen=made.citizen.name, page_token=listed.next_page_token),
            timeout=TIMEOUT_S,
        )

    assert added.outcome == pb.ADD_IDENTIFIER_OUTCOME_ADDED
    assert added.identifier.value == "VNM-B1234567"
    assert ended.identifier.end_reason == pb.IDENTIFIER_END_REASON_CANCELLED
    assert repeated == ended
    assert (before.in_use, now.in_use) == (True, False)
    assert now.citizen.name == made.citizen.name
    assert [each.value for each in (*listed.identifiers, *rest.identifiers)] == [
        "099190000017",
        "VNM-B1234567",
    ]
    assert rest.next_page_token == ""


async def test_a_contested_number_names_its_case(stub: IdentityServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys, "CLERK")):
        await scanned(stub)
        other = await scanned(stub, number="099190000025", name="Lý A Sìn", birth="05051970")
        added = await stub.AddIdentifier(
            pb.AddIdentifierRequest(
                request_id=request_id(), citizen=other.citizen.name, system=CCCD, value="099190000017"
            ),
            timeout=TIMEOUT_S,
        )

    assert added.outcome == pb.ADD_IDENTIFIER_OUTCOME_CONTESTED
    assert added.identifier.contested
    assert "/cases/" in added.quality_case


async def test_a_temporary_person_is_registered_replaced_and_found_by_the_wristband(
    stub: IdentityServiceAsyncStub, keys: Keys
) -> None:
    with acting_as(signed(keys, "CLINICIAN")):
        made = await stub.RegisterTemporary(
            pb.RegisterTemporaryRequest(
                request_id=request_id(),
                kind=pb.TEMPORARY_KIND_UNCONSCIOUS,
                person=pb.TypedPerson(gender=pb.GENDER_MALE),
            ),
            timeout=TIMEOUT_S,
        )
        replaced = await stub.ReplaceTemporary(
            pb.ReplaceTemporaryRequest(
                request_id=request_id(), citizen=made.citizen.name, card_qr=card_text()
            ),
            timeout=TIMEOUT_S,
        )
        found = await stub.ResolveIdentifier(
            pb.ResolveIdentifierRequest(
                kind=pb.IDENTIFIER_KIND_TEMPORARY, value=made.temporary.number.lower()
            ),
            timeout=TIMEOUT_S,
        )

    due = made.temporary.notice_due_time.ToDatetime(tzinfo=UTC)
    assert due == START + timedelta(hours=48)
    assert made.citizen.birth_date == ""
    assert made.citizen.full_name == "Người bất tỉnh chưa rõ danh tính"
    assert replaced.outcome == pb.REPLACE_TEMPORARY_OUTCOME_ATTACHED
    assert replaced.temporary.real_citizen == made.citizen.name
    assert found.citizen.full_name == "Nguyễn Thị Hòa"
    assert not found.in_use


async def test_a_repair_is_applied_listed_and_taken_back(
    stub: IdentityServiceAsyncStub, identity: Identity, keys: Keys
) -> None:
    identity.register.results = {"birth_date": ("PARTIAL", "YEAR_ONLY")}
    with acting_as(signed(keys, "CLERK")):
        made = await scanned(stub, birth="01011990")
        applied = await stub.ApplyRepair(
            pb.ApplyRepairRequest(
                request_id=request_id(),
                verification=made.verification.name,
                field="birth_date",
                code="ESTIMATED_BIRTH_DATE",
            ),
            timeout=TIMEOUT_S,
        )
        undone = await stub.UndoRepair(
            pb.UndoRepairRequest(request_id=request_id(), name=applied.repair.name), timeout=TIMEOUT_S
        )
        listed = await stub.ListRepairs(pb.ListRepairsRequest(citizen=made.citizen.name), timeout=TIMEOUT_S)

    assert (applied.citizen.birth_date, applied.citizen.birth_date_estimated) == ("1990", True)
    assert list(listed.repairs) == [undone.repair]
    undone.citizen.update_time.CopyFrom(made.citizen.update_time)
    assert undone.citizen.SerializeToString(deterministic=True) == made.citizen.SerializeToString(
        deterministic=True
    )


FAR = Timestamp(seconds=400_000_000_000)
BAD_CALLS: list[tuple[str, Any, str, str]] = [
    ("ResolveIdentifier", pb.ResolveIdentifierRequest(value="1"), "IDENTIFIER_KIND_REQUIRED", "kind"),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(system="urn:oid:1.2.3.4", value="1"),
        "IDENTIFIER_SYSTEM_UNKNOWN",
        "system",
    ),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(kind=pb.IDENTIFIER_KIND_TEMPORARY, value="T00000000A"),
        "IDENTIFIER_FORM_WRONG",
        "value",
    ),
    (
        "ResolveIdentifier",
        pb.ResolveIdentifierRequest(system="NI", value="099190000017", as_of_time=FAR),
        "MOMENT_WRONG",
        "as_of_time",
    ),
    (
        "AddIdentifier",
        pb.AddIdentifierRequest(
            citizen="citizens/x", system="PPN", value="B1234567", source=pb.IDENTIFIER_SOURCE_CARD_QR
        ),
        "IDENTIFIER_SOURCE_NOT_ALLOWED",
        "source",
    ),
    (
        "AddIdentifier",
        pb.AddIdentifierRequest(
            citizen="citizens/x", system="PPN", value="B1234567", source=pb.IDENTIFIER_SOURCE_INSURER
        ),
        "IDENTIFIER_SOURCE_NOT_ALLOWED",
        "source",
    ),
    (
        "AddIdentifier",
        pb.AddIdentifierRequest(citizen="citizens/x", system="PNT", value="T000000059"),
        "TEMPORARY_NUMBER_ISSUED_HERE",
        "kind",
    ),
    (
        "AddIdentifier",
        pb.AddIdentifierRequest(
            citizen="citizens/x", system="PPN", value="B1234567", valid_until_date="tomorrow"
        ),
        "IDENTIFIER_DATES_WRONG",
        "valid_until_date",
    ),
    (
        "AddIdentifier",
        pb.AddIdentifierRequest(citizen="citizens/x", system="PPN", value="B1234567"),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    ("EndIdentifier", pb.EndIdentifierRequest(name="x"), "IDENTIFIER_NAME_MALFORMED", "name"),
    (
        "EndIdentifier",
        pb.EndIdentifierRequest(name="citizens/x/identifiers/y"),
        "END_REASON_REQUIRED",
        "reason",
    ),
    ("RegisterTemporary", pb.RegisterTemporaryRequest(), "TEMPORARY_KIND_REQUIRED", "kind"),
    (
        "RegisterTemporary",
        pb.RegisterTemporaryRequest(
            kind=pb.TEMPORARY_KIND_NEWBORN, person=pb.TypedPerson(birth_date="2026-02-30")
        ),
        "IMPOSSIBLE_DATE",
        "birth_date",
    ),
    (
        "RegisterTemporary",
        pb.RegisterTemporaryRequest(kind=pb.TEMPORARY_KIND_NEWBORN, mother="citizens/x"),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    (
        "RegisterTemporary",
        pb.RegisterTemporaryRequest(kind=pb.TEMPORARY_KIND_NEWBORN, facility_code="19002"),
        "OTHER_FACILITY",
        "",
    ),
    ("ReplaceTemporary", pb.ReplaceTemporaryRequest(citizen="citizens/x"), "REAL_PERSON_REQUIRED", "person"),
    (
        "ReplaceTemporary",
        pb.ReplaceTemporaryRequest(citizen="citizens/x", card_qr=card_text()),
        "CITIZEN_NOT_FOUND",
        "",
    ),
    ("ApplyRepair", pb.ApplyRepairRequest(verification="x"), "VERIFICATION_NOT_FOUND", "verification"),
    ("UndoRepair", pb.UndoRepairRequest(name="x"), "REPAIR_NOT_FOUND", "name"),
    ("UndoRepair", pb.UndoRepairRequest(name="citizens/x/repairs/y"), "CITIZEN_NOT_FOUND", ""),
    ("ListRepairs", pb.ListRepairsRequest(citizen="citizens/x"), "CITIZEN_NOT_FOUND", ""),
    (
        "ListRepairs",
        pb.ListRepairsRequest(citizen="citizens/x", page_token="?"),
        "PAGE_TOKEN_MALFORMED",
        "page_token",
    ),
]


@pytest.mark.parametrize(("method", "request_message", "reason", "field"), BAD_CALLS)
async def test_each_bad_call_is_a_typed_error_in_both_languages(  # noqa: PLR0917
    stub: IdentityServiceAsyncStub, keys: Keys, method: str, request_message: Any, reason: str, field: str
) -> None:
    if hasattr(request_message, "request_id"):
        request_message.request_id = request_id()
    with acting_as(signed(keys, "CLERK", "STEWARD")), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.reason, caught.value.field or "") == (reason, field)
    assert caught.value.vi
    assert "0991" not in f"{caught.value} {caught.value.facts}"


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("AddIdentifier", "CITIZEN"),
        ("EndIdentifier", "CLERK"),
        ("ListIdentifiers", "CASHIER"),
        ("RegisterTemporary", "DEVICE"),
        ("ReplaceTemporary", "DEVICE"),
        ("ApplyRepair", "CLINICIAN"),
        ("UndoRepair", "DEVICE"),
        ("ListRepairs", "CASHIER"),
    ],
)
async def test_others_may_not_touch_numbers_or_repairs(
    stub: IdentityServiceAsyncStub, keys: Keys, method: str, role: str
) -> None:
    request = getattr(pb, f"{method}Request")()
    with acting_as(signed(keys, role)), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request, timeout=TIMEOUT_S)

    assert caught.value.reason == "ROLE_NOT_ALLOWED"


# --- The command line ----------------------------------------------------------------------------------------


@pytest.fixture
def run(
    stub: IdentityServiceAsyncStub,
    keys: Keys,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Awaitable[Any]]:
    """Runs `lienthong citizen …` against the service; JSON where it was asked for, else what is printed."""
    monkeypatch.setenv("COLUMNS", "300")

    class Gateway:
        @asynccontextmanager
        async def calling(self, make: object) -> AsyncIterator[Any]:
            with acting_as(signed(keys, "STEWARD", "CLERK"), within_ms=5_000):
                yield stub

    async def made(*words: str, as_json: bool = True) -> Any:
        arguments = parser().parse_args([*(["--json"] if as_json else []), "citizen", *words])
        capsys.readouterr()
        await arguments.run(arguments, Gateway())
        told = capsys.readouterr().out
        return json.loads(told) if as_json else told

    return made


async def test_a_clerk_works_numbers_from_the_command_line(
    stub: IdentityServiceAsyncStub, keys: Keys, run: Callable[..., Awaitable[Any]]
) -> None:
    with acting_as(signed(keys, "CLERK")):
        made = await scanned(stub)
    name = made.citizen.name

    found = await run("resolve", "099190000017", "--system", "NI")
    added = await run("add-identifier", name, "B1234567", "--until", "2030-01-01")
    ended = await run("end-identifier", added["identifier"]["name"], "reissued")
    listed = await run("identifiers", name, as_json=False)
    shown = await run("show", name, as_json=False)

    assert found["citizen"]["name"] == name
    assert ended["end_reason"] == "IDENTIFIER_END_REASON_REISSUED"
    for text in ("VNM-B1234567", "REISSUED", "PASSPORT", "CITIZEN_NUMBER"):
        assert text in listed
    assert "Nguyễn Thị Hòa" in shown
    assert "VERIFIED" in shown


async def test_a_clerk_works_a_temporary_person_and_a_repair_from_the_command_line(
    identity: Identity, run: Callable[..., Awaitable[Any]]
) -> None:
    identity.register.results = {"birth_date": ("PARTIAL", "YEAR_ONLY")}
    made = await run("temporary", "unconscious", "--gender", "female")
    card = card_text(birth="01011990")
    replaced = await run("replace-temporary", made["citizen"], "--card", card)
    verification = replaced["citizen"]["verification"]["name"]

    repaired = await run("repair", verification, "birth_date", "ESTIMATED_BIRTH_DATE")
    undone = await run("undo-repair", repaired["name"])
    listed = await run("repairs", made["citizen"], as_json=False)

    assert made["notice_due_time"].startswith("2026-03-04")
    assert replaced["outcome"] == "REPLACE_TEMPORARY_OUTCOME_ATTACHED"
    assert (repaired["value_before"], repaired["value_after"]) == ("1990-01-01", "1990")
    assert undone["undo_subject"] == "persons/1"
    assert "ESTIMATED_BIRTH_DATE" in listed
