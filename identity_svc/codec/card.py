"""Between messages of card.proto and values of the domain; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec import citizens
from identity_svc.domain.chip import ChipReading
from identity_svc.domain.chip_words import explain_difference, explain_outcome
from identity_svc.domain.model import Citizen, FieldCheck, FieldResult, Gender, IdentifierKind
from identity_svc.operations.read_chip import ChipFiles, ChipRead
from identity_svc.operations.read_insurance_card import InsuranceCardRead
from identity_svc.operations.resolve_unit import resolve_text
from identity_svc.ports import TrustState
from lienthong.identity.v1 import card_pb2 as pb
from lienthong.identity.v1 import identity_pb2
from standards.icao.certificates import Certificate, TrustStore
from standards.icao.security_object import ChipOutcome

_OUTCOMES = {
    ChipOutcome.VALID: pb.CHIP_OUTCOME_VALID,
    ChipOutcome.INVALID: pb.CHIP_OUTCOME_INVALID,
    ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN: pb.CHIP_OUTCOME_INTACT_BUT_ISSUER_UNKNOWN,
}
_RESULTS = {
    FieldResult.MATCH: identity_pb2.FIELD_RESULT_MATCH,
    FieldResult.MISMATCH: identity_pb2.FIELD_RESULT_MISMATCH,
    FieldResult.PARTIAL: identity_pb2.FIELD_RESULT_PARTIAL,
    FieldResult.NOT_CHECKED: identity_pb2.FIELD_RESULT_NOT_CHECKED,
}
_GENDERS = {Gender.MALE: identity_pb2.GENDER_MALE, Gender.FEMALE: identity_pb2.GENDER_FEMALE}
_KINDS = {
    IdentifierKind.INSURANCE_NUMBER: identity_pb2.IDENTIFIER_KIND_INSURANCE_NUMBER,
    IdentifierKind.INSURANCE_CARD: identity_pb2.IDENTIFIER_KIND_INSURANCE_CARD,
}


def chip_files_of(request: pb.ReadChipRequest, *, facility_code: str) -> ChipFiles:
    """The files of a request; an optional one that is empty was not read."""
    optional = {2: request.dg2, 13: request.dg13, 14: request.dg14, 15: request.dg15}
    return ChipFiles(
        groups={1: request.dg1, **{number: content for number, content in optional.items() if content}},
        sod=request.sod,
        card_qr=request.card_qr,
        has_consent=request.consent.given,
        consent_reference=request.consent.reference,
        facility_code=facility_code,
    )


def to_chip_response(read: ChipRead) -> pb.ReadChipResponse:
    """A verdict with what came of it."""
    verified, face = read.verified, read.face
    return pb.ReadChipResponse(
        reading=to_chip_reading(read.reading),
        citizen=None if verified is None else _to_citizen(verified.citizen),
        verification=None if verified is None else citizens.to_verification(verified.verification),
        created=verified is not None and verified.created,
        qr_checks=_to_checks(read.qr_checks),
        stored_checks=_to_checks(read.stored_checks),
        face=None if face is None else pb.ChipFace(kind=face.kind, size_bytes=face.size_bytes),
    )


def to_chip_reading(reading: ChipReading) -> pb.ChipReading:
    """A verdict with its words."""
    vi, en = explain_outcome(reading.outcome, reading.fault)
    name = f"citizens/{reading.citizen_id}/chipReadings/{reading.chip_reading_id}"
    return pb.ChipReading(
        name=name if reading.citizen_id else "",
        outcome=_OUTCOMES[reading.outcome],
        fault=reading.fault,
        fault_group=reading.fault_group,
        explanation_vi=vi,
        explanation_en=en,
        groups=reading.groups,
        signer_fingerprint=reading.signer_fingerprint,
        issuer_fingerprint=reading.issuer_fingerprint,
        warnings=reading.warnings,
        consent_reference=reading.consent_reference,
        facility_code=reading.facility_code,
        read_time=to_timestamp(reading.read_time),
    )


def to_trust(state: TrustState) -> pb.GetChipTrustResponse:
    """Whom the chip check trusts."""
    return pb.GetChipTrustResponse(
        authorities=[_to_authority(each, state.store) for each in state.store.anchors],
        faults=[pb.ChipTrustFault(file_name=each.file_name, reason=each.reason) for each in state.faults],
        load_time=None if state.load_time is None else to_timestamp(state.load_time),
    )


def to_insurance_card(read: InsuranceCardRead) -> pb.ReadInsuranceCardResponse:
    """What a paper insurance card says, and whom it leads to."""
    card = read.card
    return pb.ReadInsuranceCardResponse(
        kind=_KINDS[read.kind],
        number=card.number.text,
        full_name=card.full_name,
        birth_date=card.birth_date,
        gender=_GENDERS[Gender(card.gender)] if card.gender else identity_pb2.GENDER_UNSPECIFIED,
        address=card.address,
        facility_code=card.facility_code,
        valid_from_date=_day(card.valid_from_date),
        valid_until_date=_day(card.valid_until_date),
        area=card.area,
        five_years_date=_day(card.five_years_date),
        warnings=card.warnings,
        citizen=None if read.citizen is None else _to_citizen(read.citizen),
        checks=_to_checks(read.checks),
    )


def _to_authority(anchor: Certificate, store: TrustStore) -> pb.ChipAuthority:
    revoked = store.lists.get(anchor.fingerprint)
    next_update = None if revoked is None else revoked.next_update_time
    return pb.ChipAuthority(
        fingerprint=anchor.fingerprint,
        country=anchor.country,
        not_before_time=to_timestamp(anchor.not_before),
        not_after_time=to_timestamp(anchor.not_after),
        list_issue_time=None if revoked is None else to_timestamp(revoked.issue_time),
        list_next_update_time=None if next_update is None else to_timestamp(next_update),
        revoked_count=0 if revoked is None else len(revoked.serial_numbers),
    )


def _to_citizen(citizen: Citizen) -> identity_pb2.Citizen:
    return citizens.to_citizen(citizen, resolve_text(citizen.demographics.address))


def _to_checks(checks: Iterable[FieldCheck]) -> list[identity_pb2.FieldCheck]:
    found = []
    for each in checks:
        vi, en = explain_difference(each.reason)
        found.append(
            identity_pb2.FieldCheck(
                field=each.field,
                result=_RESULTS[each.result],
                reason=each.reason,
                explanation_vi=vi,
                explanation_en=en,
            )
        )
    return found


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()
