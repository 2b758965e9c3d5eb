"""Around the claims: the record and the index as peers, the facility's file and keys, the code lists, the settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import AppError
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.settings import SettingsInvalid, load
from chassis.telemetry import Telemetry
from insurance_svc.config import Settings
from insurance_svc.domain.claim_facts import EntryKind, Residence, StayKind
from insurance_svc.external.claim_code_lists import read_code_lists
from insurance_svc.external.claim_facility import ClaimFacilityFileInvalid, read_claim_facilities
from insurance_svc.external.claim_signer import ClaimKeysInvalid, FolderSigner
from insurance_svc.peers.emr import EmrVisits
from insurance_svc.peers.identity import IdentityPeople
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceServicer, add_VisitServiceServicer_to_server
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.identity.v1.identity_pb2_grpc import (
    IdentityServiceServicer,
    add_IdentityServiceServicer_to_server,
)
from standards.claims import write_claim_file
from standards.claims.lint import CodeListBroken
from standards.claims.model import ClaimFile
from standards.claims.schema import schema_named
from standards.claims.signature import SignatureState, check_signature
from tests.support.claims import key_folder, signing_pair
from tests.support.echo_network import Keys

OPENED = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
NAME, CITIZEN, BIRTH = "Nông Thị Hòa", "099190000001", "1990-03-05"
DOCUMENT = write_claim_file(
    ClaimFile(facility_code="19999", made_date="20260901", record_count="0", records=()),
    schema=schema_named("3176"),
)


class Record(VisitServiceServicer):
    """Answers one visit, and remembers who asked."""

    def __init__(self, visit: emr.Visit) -> None:
        self.answer = visit

    async def GetVisit(self, request: emr.GetVisitRequest, context: Any) -> emr.GetVisitResponse:
        assert request.name == "visits/v1"
        return emr.GetVisitResponse(visit=self.answer)


class Index(IdentityServiceServicer):
    """Answers one citizen."""

    def __init__(self, citizen: identity.Citizen) -> None:
        self.answer = citizen

    async def GetCitizen(
        self, request: identity.GetCitizenRequest, context: Any
    ) -> identity.GetCitizenResponse:
        assert request.name == "citizens/c1"
        return identity.GetCitizenResponse(citizen=self.answer)


def visit() -> emr.Visit:
    made = emr.Visit(
        name="visits/v1",
        citizen="citizens/c1",
        facility_code="19999",
        claim_link_id="260901-v1",
        kind=emr.VISIT_KIND_INPATIENT,
        reason_text="ho",
        entries=[
            emr.Entry(number=1, kind=emr.ENTRY_KIND_DIAGNOSIS, code="J06.9", text="viêm họng", author="p/1"),
        ],
    )
    made.open_time.FromDatetime(OPENED)
    made.entries[0].record_time.FromDatetime(OPENED)
    return made


def unit(province: str, ward: str, district: str = "") -> identity.AdministrativeUnit:
    return identity.AdministrativeUnit(province_code=province, ward_code=ward, district_code=district)


def number(kind: identity.IdentifierKind.ValueType, value: str, **fields: Any) -> identity.Identifier:
    return identity.Identifier(kind=kind, value=value, **fields)


def citizen(*candidates: identity.AddressCandidate, numbers: Any = None) -> identity.Citizen:
    return identity.Citizen(
        name="citizens/c1",
        full_name=NAME,
        birth_date=BIRTH,
        gender=identity.GENDER_FEMALE,
        identifiers=numbers or [number(identity.IDENTIFIER_KIND_CITIZEN_NUMBER, CITIZEN)],
        address=identity.AddressResolution(text="Thôn 1", candidates=candidates),
    )


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


class Siblings:
    """Both peers behind the whole pipeline."""

    def __init__(self, keys: Keys) -> None:
        telemetry, network = Telemetry("test"), LocalNetwork()
        # Only the methods that are called are there; the stubs declare all of them abstract.
        self.record = Record(visit())  # type: ignore[abstract]
        self.index = Index(citizen())  # type: ignore[abstract]
        network.register(
            "emr",
            [collect(add_VisitServiceServicer_to_server, self.record)],
            verifier=keys.verifier(),
            telemetry=telemetry,
        )
        network.register(
            "identity",
            [collect(add_IdentityServiceServicer_to_server, self.index)],
            verifier=keys.verifier(),
            telemetry=telemetry,
        )
        self.channels = [
            network.channel(name, telemetry=telemetry, sender="insurance") for name in ("emr", "identity")
        ]
        self.visits, self.people = EmrVisits(self.channels[0]), IdentityPeople(self.channels[1])


@pytest.fixture
async def siblings(keys: Keys) -> AsyncIterator[Siblings]:
    made = Siblings(keys)
    yield made
    for channel in made.channels:
        await channel.close()


def cashier(keys: Keys, *roles: str) -> Caller:
    named = Caller(subject="p/2", roles=frozenset(roles or {"CASHIER"}), facility="19999", purpose="payment")
    return Caller(
        subject=named.subject,
        roles=named.roles,
        facility="19999",
        purpose="payment",
        token=Minter(keys.gateway).mint(named),
    )


async def test_a_visit_of_the_record_comes_with_its_entries(siblings: Siblings, keys: Keys) -> None:
    with acting_as(cashier(keys), within_ms=2_000):
        found = await siblings.visits.visit("v1")

    assert (found.visit_id, found.citizen_id, found.link_id) == ("v1", "c1", "260901-v1")
    assert (found.kind, found.open_time, found.close_time) == (StayKind.INPATIENT, OPENED, None)
    (entry,) = found.entries
    assert (entry.kind, entry.code, entry.author) == (EntryKind.DIAGNOSIS, "J06.9", "p/1")


async def test_the_callers_own_rights_count_at_the_record(siblings: Siblings, keys: Keys) -> None:
    with pytest.raises(AppError) as refused, acting_as(cashier(keys, "CITIZEN"), within_ms=2_000):
        await siblings.visits.visit("v1")

    assert refused.value.reason == "ROLE_NOT_ALLOWED"


async def test_one_reading_of_the_address_is_a_residence_and_two_are_none(
    siblings: Siblings, keys: Keys
) -> None:
    merged = identity.AddressCandidate(old_unit=unit("06", "01891", "061"), new_unit=unit("19", "02000"))
    also = identity.AddressCandidate(old_unit=unit("06", "01892", "061"), new_unit=unit("19", "02000"))
    split = identity.AddressCandidate(old_unit=unit("06", "01891", "061"), new_unit=unit("19", "02001"))
    with acting_as(cashier(keys), within_ms=2_000):
        siblings.index.answer = citizen(merged)
        sure = await siblings.people.person("c1")
        siblings.index.answer = citizen(merged, also)
        of_two_old = await siblings.people.person("c1")
        siblings.index.answer = citizen(merged, split)
        of_two_new = await siblings.people.person("c1")

    assert sure.residence == Residence(province_code="19", district_code="", ward_code="02000")
    assert sure.former_residence == Residence(province_code="06", district_code="061", ward_code="01891")
    assert (of_two_old.residence, of_two_old.former_residence) == (sure.residence, None)
    assert (of_two_new.residence, of_two_new.former_residence) == (None, sure.former_residence)
    assert (sure.gender, sure.citizen_number, sure.birth_date) == ("2", CITIZEN, BIRTH)


async def test_a_number_that_ended_or_is_contested_is_not_told(siblings: Siblings, keys: Keys) -> None:
    ended = number(identity.IDENTIFIER_KIND_CITIZEN_NUMBER, "099190000009")
    ended.end_time.FromDatetime(OPENED)
    siblings.index.answer = citizen(
        numbers=[
            ended,
            number(identity.IDENTIFIER_KIND_CITIZEN_NUMBER, "099190000008", contested=True),
            number(identity.IDENTIFIER_KIND_PASSPORT, "VNM-B1234567"),
        ]
    )

    with acting_as(cashier(keys), within_ms=2_000):
        person = await siblings.people.person("c1")

    assert (person.citizen_number, person.other_number) == ("", "B1234567")


def test_the_packaged_sample_is_read_and_names_the_province_by_the_code() -> None:
    found = read_claim_facilities(None)

    assert found["19T01"].province_code == "19"
    assert found["19999"].payment_method == "1"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "not JSON"),
        ("[]", "one object"),
        ({"19999": {"payment_method": "1"}}, "director_licence of 19999 is missing"),
        ({"19999": {"director_licence": "1", "payment_method": "9"}}, "is 1, 2 or 3"),
        ({"19999": {"director_licence": "1", "payment_method": "1", "phone": "0"}}, "phone of 19999"),
        ({"19999": {"director_licence": "1", "payment_method": "1", "staff": ["a"]}}, "staff of 19999"),
        ({"19999": {"director_licence": "1", "payment_method": "1", "record_prefix": 1}}, "is a text"),
    ],
)
def test_a_wrong_file_of_facilities_names_facility_and_key(
    tmp_path: Path, document: object, told: str
) -> None:
    file = tmp_path / "facilities.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")

    with pytest.raises(ClaimFacilityFileInvalid, match=told):
        read_claim_facilities(file)


async def test_a_key_signs_for_its_facility_alone(tmp_path: Path) -> None:
    signer = FolderSigner.of(key_folder(tmp_path, "19999"))

    signed = await signer.sign(DOCUMENT, facility="19999")

    assert signed is not None
    assert check_signature(signed, certificates=[signing_pair()[1]]) is SignatureState.VALID
    assert await signer.sign(DOCUMENT, facility="19998") is None


async def test_without_a_folder_nobody_signs() -> None:
    assert await FolderSigner.of(None).sign(DOCUMENT, facility="19999") is None


@pytest.mark.parametrize("fault", ["open_to_others", "no_certificate", "no_key", "other_pair"])
def test_a_key_that_cannot_be_trusted_stops_the_start(tmp_path: Path, fault: str) -> None:
    folder = key_folder(tmp_path, "19999", "19998")
    key, certificate = folder / "19999.key.pem", folder / "19999.cert.pem"
    if fault == "open_to_others":
        key.chmod(0o640)
    elif fault == "no_certificate":
        certificate.unlink()
    elif fault == "no_key":
        key.write_text("no key")
    else:
        signing_pair.cache_clear()
        certificate.write_bytes((key_folder(tmp_path, "19997") / "19997.cert.pem").read_bytes())

    with pytest.raises(ClaimKeysInvalid) as refused:
        FolderSigner.of(folder)

    assert "19999" in str(refused.value)


def test_code_lists_that_are_there_are_read_and_others_stay_unknown(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("\ufeffcode\n000002/TEST-GPHN\n", encoding="utf-8")
    (tmp_path / "icd10.csv").write_text("code_nodot\nJ069\n", encoding="utf-8")

    lists = read_code_lists(tmp_path)

    assert lists.staff == frozenset({"000002/TEST-GPHN"})
    assert lists.icd10 is not None
    assert lists.icd10.codes == frozenset({"J069"})
    assert (lists.drugs, lists.facilities) == (None, None)
    assert read_code_lists(None).staff is None


def test_a_code_list_without_its_column_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("licence\n1\n", encoding="utf-8")

    with pytest.raises(CodeListBroken):
        read_code_lists(tmp_path)


def environment(folder: Path, **more: str) -> dict[str, str]:
    key = folder / "key"
    key.touch()
    return {
        "INSURANCE_DATABASE_URL": "sqlite:///x.db",
        "INSURANCE_FIELD_KEY_FILE": str(key),
        "INSURANCE_TOKEN_KEY_FILE": str(key),
        "INSURANCE_PORTAL_USERNAME": "u",
        "INSURANCE_PORTAL_PASSWORD": "p",
        "INSURANCE_PORTAL_STAFF_NAME": "n",
        "INSURANCE_PORTAL_STAFF_NUMBER": "1",
        **more,
    }


def test_production_sends_nothing_unsigned_and_knows_its_facilities(tmp_path: Path) -> None:
    told = {"INSURANCE_ENVIRONMENT": "production", "INSURANCE_CLAIM_ALLOW_UNSIGNED": "yes"}

    with pytest.raises(SettingsInvalid) as refused:
        load(Settings, environment(tmp_path, **told))

    faults = "\n".join(refused.value.faults)
    assert "INSURANCE_CLAIM_FACILITY_FILE is needed" in faults
    assert "INSURANCE_CLAIM_ALLOW_UNSIGNED is for the training portal" in faults
