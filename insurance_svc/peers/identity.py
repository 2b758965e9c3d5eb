"""The master index as a peer: who the patient of a claim is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chassis.rpc.channel import Channel
from insurance_svc.domain.claim_facts import Person, Residence
from lienthong.identity.v1 import identity_pb2 as pb
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceStub

if TYPE_CHECKING:
    from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub

_GENDERS = {pb.GENDER_MALE: "1", pb.GENDER_FEMALE: "2", pb.GENDER_OTHER: "3"}
"""GIOI_TINH of the claim tables; prescriptions and driver checks count otherwise."""
_OTHER_NUMBERS = (pb.IDENTIFIER_KIND_PASSPORT, pb.IDENTIFIER_KIND_FOREIGN_ID)


class IdentityPeople:
    """Implements the PersonReader port on identity_svc; the caller's own token goes along."""

    def __init__(self, channel: Channel) -> None:
        self._stub: IdentityServiceAsyncStub = IdentityServiceStub(channel)

    async def person(self, citizen_id: str) -> Person:
        """See insurance_svc.ports.PersonReader."""
        answer = await self._stub.GetCitizen(pb.GetCitizenRequest(name=f"citizens/{citizen_id}"))
        return _person(answer.citizen)


def _person(citizen: pb.Citizen) -> Person:
    passports = _numbers(citizen, _OTHER_NUMBERS)
    residence, former = _residences(citizen.address.candidates)
    return Person(
        full_name=citizen.full_name,
        birth_date=citizen.birth_date,
        gender=_GENDERS.get(citizen.gender, ""),
        citizen_number=next(iter(_numbers(citizen, (pb.IDENTIFIER_KIND_CITIZEN_NUMBER,))), ""),
        # A passport stands in the claim without its country.
        other_number=passports[0].rpartition("-")[2] if passports else "",
        address_text=citizen.address.text,
        residence=residence,
        former_residence=former,
    )


def _numbers(citizen: pb.Citizen, kinds: Sequence[pb.IdentifierKind.ValueType]) -> list[str]:
    """Numbers of some kinds that are in use and nobody else's, newest first."""
    return [
        each.value
        for each in citizen.identifiers
        if each.kind in kinds and not each.HasField("end_time") and not each.contested
    ]


def _residences(candidates: Sequence[pb.AddressCandidate]) -> tuple[Residence | None, Residence | None]:
    """The unit in force and the one before July 2025; None where the candidates do not agree on one."""
    new = {(unit.province_code, unit.ward_code) for unit in (each.new_unit for each in candidates)}
    old = {
        (unit.province_code, unit.district_code, unit.ward_code)
        for unit in (each.old_unit for each in candidates if each.HasField("old_unit"))
    }
    residence = former = None
    if len(new) == 1:
        province, ward = new.pop()
        if province and ward:
            residence = Residence(province_code=province, district_code="", ward_code=ward)
    if len(old) == 1:
        province, district, ward = old.pop()
        if province and ward:
            former = Residence(province_code=province, district_code=district, ward_code=ward)
    return residence, former
