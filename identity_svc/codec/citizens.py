"""Between messages of identity.proto and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from chassis.errors import InvalidArgument
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.numbers import to_identifier
from identity_svc.domain.errors import (
    CitizenNameMalformed,
    PlaceAmbiguous,
    PlaceRequired,
    VintageUnknown,
    WardCodeMalformed,
)
from identity_svc.domain.explanations import Repair, explain
from identity_svc.domain.model import Citizen, FieldCheck, FieldResult, Gender, Outcome, Verification
from identity_svc.operations.resolve_unit import LEGAL_REFERENCE, Candidate, Reading
from lienthong.identity.v1 import identity_pb2 as pb
from standards.admin_units import AdminUnit, ConversionKind, Vintage
from standards.errors import FormatError

_CITIZEN_NAME = re.compile(r"citizens/([0-9a-z-]{1,64})", re.ASCII)
_WARD_CODE = re.compile(r"[0-9]{5}", re.ASCII)

_GENDERS = {
    Gender.MALE: pb.GENDER_MALE,
    Gender.FEMALE: pb.GENDER_FEMALE,
    Gender.OTHER: pb.GENDER_OTHER,
    Gender.UNKNOWN: pb.GENDER_UNKNOWN,
}
_OUTCOMES = {
    Outcome.VERIFIED: pb.VERIFICATION_OUTCOME_VERIFIED,
    Outcome.PARTIAL: pb.VERIFICATION_OUTCOME_PARTIAL,
    Outcome.DISPUTED: pb.VERIFICATION_OUTCOME_DISPUTED,
    Outcome.UNVERIFIED: pb.VERIFICATION_OUTCOME_UNVERIFIED,
}
_RESULTS = {
    FieldResult.MATCH: pb.FIELD_RESULT_MATCH,
    FieldResult.MISMATCH: pb.FIELD_RESULT_MISMATCH,
    FieldResult.PARTIAL: pb.FIELD_RESULT_PARTIAL,
    FieldResult.NOT_CHECKED: pb.FIELD_RESULT_NOT_CHECKED,
}
_CHANGES = {
    ConversionKind.KEPT: pb.UNIT_CHANGE_KEPT,
    ConversionKind.MERGED: pb.UNIT_CHANGE_MERGED,
    ConversionKind.SPLIT: pb.UNIT_CHANGE_SPLIT,
}


def format_refusal(error: FormatError) -> InvalidArgument:
    """The wire error of a text that is not in its published format, with the format's own advice and facts."""
    return InvalidArgument(str(error), field=error.field, reason=error.reason, vi=error.vi, **error.facts)


def citizen_id_of(name: str) -> str:
    """The id in "citizens/{citizen}".

    Raises:
        CitizenNameMalformed: the name has another form.
    """
    match = _CITIZEN_NAME.fullmatch(name)
    if match is None:
        raise CitizenNameMalformed
    return match[1]


def place_of(request: pb.ResolveAdministrativeUnitRequest) -> str | tuple[str, Vintage]:
    """The address text, or the commune code with its vintage.

    Raises:
        PlaceRequired, PlaceAmbiguous, WardCodeMalformed, VintageUnknown.
    """
    has_code = bool(request.ward_code or request.vintage)
    if request.text and has_code:
        raise PlaceAmbiguous
    if has_code:
        if not _WARD_CODE.fullmatch(request.ward_code):
            raise WardCodeMalformed
        try:
            return request.ward_code, Vintage(request.vintage)
        except ValueError:
            raise VintageUnknown from None
    if not request.text.strip():
        raise PlaceRequired
    return request.text


def to_citizen(citizen: Citizen, address: Reading) -> pb.Citizen:
    """A citizen with the readings of the address."""
    facts = citizen.demographics
    return pb.Citizen(
        name=f"citizens/{citizen.citizen_id}",
        full_name=facts.full_name,
        birth_date=facts.birth_date,
        gender=_GENDERS[facts.gender],
        identifiers=[to_identifier(citizen.citizen_id, each) for each in citizen.identifiers],
        address=to_resolution(address),
        create_time=to_timestamp(citizen.create_time),
        update_time=to_timestamp(citizen.update_time),
        verification=None if citizen.verification is None else to_verification(citizen.verification),
        birth_date_estimated=facts.is_birth_date_estimated,
        merged_names=[f"citizens/{each}" for each in citizen.merged_ids],
    )


def to_verification(check: Verification) -> pb.Verification:
    """A check with the words for what it found."""
    return pb.Verification(
        name=f"citizens/{check.citizen_id}/verifications/{check.verification_id}",
        outcome=_OUTCOMES[check.outcome],
        fields=[_to_field(each) for each in check.fields],
        register_reference=check.register_reference,
        check_time=to_timestamp(check.check_time),
        warnings=check.warnings,
        degraded_reason=check.degraded_reason,
        recheck_pending=check.recheck_pending,
    )


def to_resolution(reading: Reading) -> pb.AddressResolution:
    """All readings of a place."""
    return pb.AddressResolution(
        text=reading.text,
        candidates=[_to_candidate(each) for each in reading.candidates],
        unresolved_reason=reading.unresolved_reason,
    )


def _to_field(check: FieldCheck) -> pb.FieldCheck:
    words = explain(check)
    return pb.FieldCheck(
        field=check.field,
        result=_RESULTS[check.result],
        reason=check.reason,
        explanation_vi=words.vi,
        explanation_en=words.en,
        proposals=_to_proposals(words.repairs),
    )


def _to_proposals(repairs: Iterable[Repair]) -> list[pb.RepairProposal]:
    return [
        pb.RepairProposal(code=repair.code, explanation_vi=repair.vi, explanation_en=repair.en)
        for repair in repairs
    ]


def _to_candidate(candidate: Candidate) -> pb.AddressCandidate:
    old = candidate.old_ward
    return pb.AddressCandidate(
        old_unit=None if old is None else _to_unit(old, candidate.old_district, candidate.old_province),
        new_unit=_to_unit(candidate.new_ward, None, candidate.new_province),
        change=_CHANGES[candidate.kind],
        reason_vi=candidate.reason_vi,
        reason_en=candidate.reason_en,
        legal_reference=LEGAL_REFERENCE,
    )


def _to_unit(
    ward: AdminUnit, district: AdminUnit | None, province: AdminUnit | None
) -> pb.AdministrativeUnit:
    return pb.AdministrativeUnit(
        vintage=ward.vintage,
        ward_code=ward.code,
        ward_name=ward.name,
        district_code="" if district is None else district.code,
        district_name="" if district is None else district.name,
        province_code=ward.province_code,
        province_name="" if province is None else province.name,
    )
