"""Between messages of identity.proto and numbers, temporary identities and repairs; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.domain.errors import IdentifierKindRequired
from identity_svc.domain.identifier_errors import (
    EndReasonRequired,
    IdentifierNameMalformed,
    IdentifierSourceNotAllowed,
    MomentWrong,
    RealPersonRequired,
    TemporaryKindRequired,
    TemporaryNumberIssuedHere,
)
from identity_svc.domain.identifier_systems import IdentifierSystems
from identity_svc.domain.model import Assurance, EndReason, Gender, Identifier, IdentifierKind, Source
from identity_svc.domain.numbers import check_days, of_family, of_kind
from identity_svc.domain.repair_errors import RepairNotFound, VerificationNotFound
from identity_svc.domain.repairing import AppliedRepair
from identity_svc.domain.temporary import TemporaryIdentity, TemporaryKind
from identity_svc.operations.identifiers import AddOutcome, NewNumber
from identity_svc.operations.temporary import PersonFacts, RealNumber, ReplaceOutcome
from lienthong.identity.v1 import identity_pb2 as pb
from standards.errors import ImpossibleDate
from standards.names import normalise_name

_ID = re.compile(r"[0-9a-z-]{1,64}", re.ASCII)
_IDENTIFIER_NAME = re.compile(r"citizens/([0-9a-z-]{1,64})/identifiers/([0-9a-z-]{1,64})", re.ASCII)
_VERIFICATION_NAME = re.compile(r"citizens/([0-9a-z-]{1,64})/verifications/([0-9a-z-]{1,64})", re.ASCII)
_REPAIR_NAME = re.compile(r"citizens/([0-9a-z-]{1,64})/repairs/([0-9a-z-]{1,64})", re.ASCII)
_FHIR_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)

_KINDS = {
    IdentifierKind.CITIZEN_NUMBER: pb.IDENTIFIER_KIND_CITIZEN_NUMBER,
    IdentifierKind.OLD_IDENTITY_NUMBER: pb.IDENTIFIER_KIND_OLD_IDENTITY_NUMBER,
    IdentifierKind.INSURANCE_NUMBER: pb.IDENTIFIER_KIND_INSURANCE_NUMBER,
    IdentifierKind.INSURANCE_CARD: pb.IDENTIFIER_KIND_INSURANCE_CARD,
    IdentifierKind.PASSPORT: pb.IDENTIFIER_KIND_PASSPORT,
    IdentifierKind.TEMPORARY: pb.IDENTIFIER_KIND_TEMPORARY,
    IdentifierKind.FOREIGN_ID: pb.IDENTIFIER_KIND_FOREIGN_ID,
}
_KINDS_BACK = {number: kind for kind, number in _KINDS.items()}
_ASSURANCES = {
    Assurance.NONE: pb.ASSURANCE_UNSPECIFIED,
    Assurance.TYPED: pb.ASSURANCE_TYPED,
    Assurance.SCANNED: pb.ASSURANCE_SCANNED,
    Assurance.CHIP_INTACT: pb.ASSURANCE_CHIP_INTACT,
    Assurance.CHIP_SIGNED: pb.ASSURANCE_CHIP_SIGNED,
    Assurance.REGISTER_CHECKED: pb.ASSURANCE_REGISTER_CHECKED,
}
_SOURCES = {
    Source.TYPED: pb.IDENTIFIER_SOURCE_TYPED,
    Source.CARD_QR: pb.IDENTIFIER_SOURCE_CARD_QR,
    Source.CARD_CHIP: pb.IDENTIFIER_SOURCE_CARD_CHIP,
    Source.PASSPORT_MRZ: pb.IDENTIFIER_SOURCE_PASSPORT_MRZ,
    Source.INSURANCE_CARD_QR: pb.IDENTIFIER_SOURCE_INSURANCE_CARD_QR,
    Source.REGISTER_FILE: pb.IDENTIFIER_SOURCE_REGISTER_FILE,
    Source.INSURER: pb.IDENTIFIER_SOURCE_INSURER,
    Source.ISSUED_HERE: pb.IDENTIFIER_SOURCE_ISSUED_HERE,
}
_SOURCES_BACK = {number: source for source, number in _SOURCES.items()}
_BY_PEOPLE = frozenset({Source.TYPED, Source.PASSPORT_MRZ, Source.INSURANCE_CARD_QR})
_BY_SERVICES = _BY_PEOPLE | {Source.INSURER, Source.REGISTER_FILE}
_END_REASONS = {
    EndReason.CANCELLED: pb.IDENTIFIER_END_REASON_CANCELLED,
    EndReason.REISSUED: pb.IDENTIFIER_END_REASON_REISSUED,
    EndReason.REPLACED: pb.IDENTIFIER_END_REASON_REPLACED,
    EndReason.WRONG: pb.IDENTIFIER_END_REASON_WRONG,
}
_END_REASONS_BACK = {number: reason for reason, number in _END_REASONS.items()}
_GENDERS = {
    pb.GENDER_MALE: Gender.MALE,
    pb.GENDER_FEMALE: Gender.FEMALE,
    pb.GENDER_OTHER: Gender.OTHER,
}
_TEMPORARY_KINDS = {
    TemporaryKind.NEWBORN: pb.TEMPORARY_KIND_NEWBORN,
    TemporaryKind.UNKNOWN: pb.TEMPORARY_KIND_UNKNOWN,
    TemporaryKind.UNCONSCIOUS: pb.TEMPORARY_KIND_UNCONSCIOUS,
    TemporaryKind.FOREIGNER: pb.TEMPORARY_KIND_FOREIGNER,
}
_TEMPORARY_KINDS_BACK = {number: kind for kind, number in _TEMPORARY_KINDS.items()}
ADD_OUTCOMES = {
    AddOutcome.ADDED: pb.ADD_IDENTIFIER_OUTCOME_ADDED,
    AddOutcome.KNOWN: pb.ADD_IDENTIFIER_OUTCOME_KNOWN,
    AddOutcome.CONTESTED: pb.ADD_IDENTIFIER_OUTCOME_CONTESTED,
}
REPLACE_OUTCOMES = {
    ReplaceOutcome.ATTACHED: pb.REPLACE_TEMPORARY_OUTCOME_ATTACHED,
    ReplaceOutcome.MERGED: pb.REPLACE_TEMPORARY_OUTCOME_MERGED,
    ReplaceOutcome.CASE_OPENED: pb.REPLACE_TEMPORARY_OUTCOME_CASE_OPENED,
}


def number_of(
    kind: pb.IdentifierKind.ValueType, system: str, value: str, *, systems: IdentifierSystems
) -> tuple[IdentifierKind, str]:
    """The kind and the kept form of a number that is told with its kind, or with its system.

    Raises:
        IdentifierKindRequired: neither kind nor system was told.
        IdentifierSystemUnknown, IdentifierFormWrong.
        FormatError: the number is not in its kind's form.
    """
    told = _KINDS_BACK.get(kind)
    if told is not None:
        return told, of_kind(told, value)
    if not system:
        raise IdentifierKindRequired
    return of_family(systems.family(system), value)


def new_number_of(
    request: pb.AddIdentifierRequest, *, systems: IdentifierSystems, is_service: bool
) -> NewNumber:
    """A number to be added.

    Raises:
        IdentifierSourceNotAllowed, IdentifierDatesWrong, TemporaryNumberIssuedHere, and as `number_of`.
    """
    kind, value = number_of(request.kind, request.system, request.value, systems=systems)
    if kind is IdentifierKind.TEMPORARY:
        raise TemporaryNumberIssuedHere
    source = _SOURCES_BACK.get(request.source, Source.TYPED)
    if source not in (_BY_SERVICES if is_service else _BY_PEOPLE):
        raise IdentifierSourceNotAllowed
    check_days(request.valid_from_date, request.valid_until_date)
    return NewNumber(
        kind=kind,
        value=value,
        source=source,
        valid_from_date=request.valid_from_date,
        valid_until_date=request.valid_until_date,
        replaces_current=request.replaces_current,
    )


def moment_of(request: pb.ResolveIdentifierRequest | pb.EndIdentifierRequest, field: str) -> datetime | None:
    """A moment of a request, or None where it was not told.

    Raises:
        MomentWrong: it lies outside the years 1 to 9999.
    """
    moment: Timestamp | None = {each.name: value for each, value in request.ListFields()}.get(field)
    if moment is None:
        return None
    try:
        return moment.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise MomentWrong(field) from None


def end_reason_of(request: pb.EndIdentifierRequest) -> EndReason:
    """Why a number ends; raises EndReasonRequired."""
    reason = _END_REASONS_BACK.get(request.reason)
    if reason is None:
        raise EndReasonRequired
    return reason


def temporary_kind_of(request: pb.RegisterTemporaryRequest) -> TemporaryKind:
    """Why somebody has no number; raises TemporaryKindRequired."""
    kind = _TEMPORARY_KINDS_BACK.get(request.kind)
    if kind is None:
        raise TemporaryKindRequired
    return kind


def person_of(person: pb.TypedPerson) -> PersonFacts:
    """What was told of a person without a card.

    Raises:
        ImpossibleDate: the birth date is no FHIR date.
    """
    if person.birth_date and not _is_fhir_date(person.birth_date):
        raise ImpossibleDate("birth_date")
    return PersonFacts(
        full_name=normalise_name(person.full_name),
        birth_date=person.birth_date,
        gender=_GENDERS.get(person.gender, Gender.UNKNOWN),
        address=" ".join(person.address.split()),
    )


def real_number_of(request: pb.ReplaceTemporaryRequest, *, systems: IdentifierSystems) -> RealNumber:
    """The real number of a temporary person who has no card.

    Raises:
        RealPersonRequired: number, name or birth date is missing.
        TemporaryNumberIssuedHere, ImpossibleDate, and as `number_of`.
    """
    person = person_of(request.person)
    if not (request.value and person.full_name and person.birth_date):
        raise RealPersonRequired
    kind, value = number_of(request.kind, "", request.value, systems=systems)
    if kind is IdentifierKind.TEMPORARY:
        raise TemporaryNumberIssuedHere
    return RealNumber(kind=kind, value=value, person=person)


def identifier_name_of(name: str) -> tuple[str, str]:
    """The ids in "citizens/{citizen}/identifiers/{identifier}"; raises IdentifierNameMalformed."""
    return _parts(_IDENTIFIER_NAME, name, refuse=IdentifierNameMalformed)


def verification_name_of(name: str) -> tuple[str, str]:
    """The ids in "citizens/{citizen}/verifications/{verification}"; raises VerificationNotFound."""
    return _parts(_VERIFICATION_NAME, name, refuse=VerificationNotFound)


def repair_name_of(name: str) -> tuple[str, str]:
    """The ids in "citizens/{citizen}/repairs/{repair}"; raises RepairNotFound."""
    return _parts(_REPAIR_NAME, name, refuse=RepairNotFound)


def token_id(page_token: str) -> str:
    """The id a page begins after, or empty for the first; raises PageTokenMalformed."""
    if page_token and _ID.fullmatch(page_token) is None:
        raise PageTokenMalformed
    return page_token


def to_identifier(citizen_id: str, identifier: Identifier) -> pb.Identifier:
    """A number of a citizen."""
    return pb.Identifier(
        kind=_KINDS[identifier.kind],
        value=identifier.value,
        assurance=_ASSURANCES[identifier.assurance],
        start_time=to_timestamp(identifier.start_time),
        end_time=None if identifier.end_time is None else to_timestamp(identifier.end_time),
        name=f"citizens/{identifier.record_id or citizen_id}/identifiers/{identifier.identifier_id}",
        source=_SOURCES[identifier.source],
        end_reason=pb.IDENTIFIER_END_REASON_UNSPECIFIED
        if identifier.end_reason is None
        else _END_REASONS[identifier.end_reason],
        valid_from_date=identifier.valid_from_date,
        valid_until_date=identifier.valid_until_date,
        contested=identifier.is_contested,
    )


def to_temporary(temporary: TemporaryIdentity) -> pb.TemporaryIdentity:
    """A temporary identity."""
    due, replaced = temporary.notice_due_time, temporary.replace_time
    return pb.TemporaryIdentity(
        citizen=f"citizens/{temporary.citizen_id}",
        kind=_TEMPORARY_KINDS[temporary.kind],
        number=temporary.number,
        facility_code=temporary.facility_code,
        mother=_citizen_name(temporary.mother_citizen_id),
        notice_due_time=None if due is None else to_timestamp(due),
        create_time=to_timestamp(temporary.create_time),
        replace_time=None if replaced is None else to_timestamp(replaced),
        real_citizen=_citizen_name(temporary.real_citizen_id),
    )


def to_repair(repair: AppliedRepair) -> pb.Repair:
    """A repair."""
    return pb.Repair(
        name=f"citizens/{repair.citizen_id}/repairs/{repair.repair_id}",
        verification=f"citizens/{repair.citizen_id}/verifications/{repair.verification_id}"
        if repair.verification_id
        else "",
        field=repair.field,
        reason=repair.reason,
        code=repair.code,
        value_before=repair.value_before,
        value_after=repair.value_after,
        accepted_names=repair.accepted_names,
        apply_subject=repair.apply_subject,
        apply_time=to_timestamp(repair.apply_time),
        undo_subject=repair.undo_subject,
        undo_time=None if repair.undo_time is None else to_timestamp(repair.undo_time),
    )


def _citizen_name(citizen_id: str) -> str:
    return f"citizens/{citizen_id}" if citizen_id else ""


def _parts(form: re.Pattern[str], name: str, *, refuse: Callable[[], Exception]) -> tuple[str, str]:
    match = form.fullmatch(name)
    if match is None:
        raise refuse()
    return match[1], match[2]


def _is_fhir_date(text: str) -> bool:
    match = _FHIR_DATE.fullmatch(text)
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return True
