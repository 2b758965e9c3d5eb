"""The edge of identity: decode, call one operation, encode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chassis.idempotency import RequestKey, request_key
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import Caller, current_caller, current_method
from identity_svc.codec import citizens as codec
from identity_svc.codec import numbers
from identity_svc.domain.card import read_card
from identity_svc.domain.identifier_systems import IdentifierSystems
from identity_svc.domain.model import Citizen
from identity_svc.operations import ReadCitizen, VerifyCard, resolve_code, resolve_text
from identity_svc.operations.identifiers import Identifiers
from identity_svc.operations.repairs import Repairs
from identity_svc.operations.temporary import Temporary
from lienthong.identity.v1 import identity_pb2 as pb
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceServicer
from standards.errors import FormatError
from standards.facility_code import parse_facility_code

IDENTIFIERS_PER_PAGE = 50
REPAIRS_PER_PAGE = 20
REPAIRS_PER_PAGE_MAX = 50


class IdentityServicer(IdentityServiceServicer):
    """Serves lienthong.identity.v1.IdentityService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self,
        *,
        verify_card: VerifyCard,
        read_citizen: ReadCitizen,
        identifiers: Identifiers,
        temporary: Temporary,
        repairs: Repairs,
        systems: IdentifierSystems,
    ) -> None:
        self._verify_card = verify_card
        self._read_citizen = read_citizen
        self._identifiers = identifiers
        self._temporary = temporary
        self._repairs = repairs
        self._systems = systems

    async def VerifyCard(self, request: pb.VerifyCardRequest, context: Any) -> pb.VerifyCardResponse:
        """Read a card, find or create the citizen, check with the register."""
        caller, key = _caller_and_key(request)
        with _forms():
            card = read_card(request.card_qr)
            facility_code = parse_facility_code(request.facility_code or caller.facility).code
        require_same_facility(facility_code)
        done = await self._verify_card(card, facility_code=facility_code, key=key, caller=caller)
        return pb.VerifyCardResponse(
            citizen=_with_address(done.citizen),
            verification=codec.to_verification(done.verification),
            created=done.created,
        )

    async def ResolveIdentifier(
        self, request: pb.ResolveIdentifierRequest, context: Any
    ) -> pb.ResolveIdentifierResponse:
        """Find the citizen an identifier points at."""
        with _forms():
            kind, value = numbers.number_of(
                request.kind, request.system, request.value, systems=self._systems
            )
        at = numbers.moment_of(request, "as_of_time")
        found = await self._read_citizen.resolve_at(kind, value, current_caller(), at=at)
        return pb.ResolveIdentifierResponse(
            citizen=_with_address(found.citizen),
            identifier=numbers.to_identifier(found.citizen.citizen_id, found.identifier),
            in_use=found.is_in_use,
        )

    async def GetCitizen(self, request: pb.GetCitizenRequest, context: Any) -> pb.GetCitizenResponse:
        """Read one citizen."""
        citizen = await self._read_citizen.get(codec.citizen_id_of(request.name), current_caller())
        return pb.GetCitizenResponse(citizen=_with_address(citizen))

    async def ResolveAdministrativeUnit(
        self, request: pb.ResolveAdministrativeUnitRequest, context: Any
    ) -> pb.ResolveAdministrativeUnitResponse:
        """Resolve a code or an address to the unit in force."""
        place = codec.place_of(request)
        reading = resolve_text(place) if isinstance(place, str) else resolve_code(*place)
        return pb.ResolveAdministrativeUnitResponse(resolution=codec.to_resolution(reading))

    async def AddIdentifier(self, request: pb.AddIdentifierRequest, context: Any) -> pb.AddIdentifierResponse:
        """Add a number to a citizen."""
        caller, key = _caller_and_key(request)
        citizen_id = codec.citizen_id_of(request.citizen)
        with _forms():
            number = numbers.new_number_of(
                request, systems=self._systems, is_service="SERVICE" in caller.roles
            )
        added = await self._identifiers.add(citizen_id, number, key=key, caller=caller)
        return pb.AddIdentifierResponse(
            outcome=numbers.ADD_OUTCOMES[added.outcome],
            identifier=numbers.to_identifier(added.citizen_id, added.identifier),
            quality_case=added.case,
        )

    async def EndIdentifier(self, request: pb.EndIdentifierRequest, context: Any) -> pb.EndIdentifierResponse:
        """End a number."""
        caller, key = _caller_and_key(request)
        citizen_id, identifier_id = numbers.identifier_name_of(request.name)
        owner_id, ended = await self._identifiers.end(
            citizen_id,
            identifier_id,
            numbers.end_reason_of(request),
            end_time=numbers.moment_of(request, "end_time"),
            key=key,
            caller=caller,
        )
        return pb.EndIdentifierResponse(identifier=numbers.to_identifier(owner_id, ended))

    async def ListIdentifiers(
        self, request: pb.ListIdentifiersRequest, context: Any
    ) -> pb.ListIdentifiersResponse:
        """List every number of a citizen."""
        size = min(max(request.page_size, 0) or IDENTIFIERS_PER_PAGE, IDENTIFIERS_PER_PAGE)
        page = await self._identifiers.list(
            codec.citizen_id_of(request.citizen),
            after_id=numbers.token_id(request.page_token),
            page_size=size,
            caller=current_caller(),
        )
        shown = page.identifiers
        return pb.ListIdentifiersResponse(
            identifiers=[numbers.to_identifier(page.citizen_id, each) for each in shown],
            next_page_token=shown[-1].identifier_id if len(shown) == size else "",
            name_aliases=page.name_aliases,
            temporary=None if page.temporary is None else numbers.to_temporary(page.temporary),
        )

    async def RegisterTemporary(
        self, request: pb.RegisterTemporaryRequest, context: Any
    ) -> pb.RegisterTemporaryResponse:
        """Register somebody without a number."""
        caller, key = _caller_and_key(request)
        kind = numbers.temporary_kind_of(request)
        with _forms():
            person = numbers.person_of(request.person)
            facility_code = parse_facility_code(request.facility_code or caller.facility).code
        require_same_facility(facility_code)
        done = await self._temporary.register(
            kind,
            person,
            facility_code=facility_code,
            mother_citizen_id=codec.citizen_id_of(request.mother) if request.mother else "",
            key=key,
            caller=caller,
        )
        return pb.RegisterTemporaryResponse(
            citizen=_with_address(done.citizen), temporary=numbers.to_temporary(done.temporary)
        )

    async def ReplaceTemporary(
        self, request: pb.ReplaceTemporaryRequest, context: Any
    ) -> pb.ReplaceTemporaryResponse:
        """Say who a temporary person is."""
        caller, key = _caller_and_key(request)
        citizen_id = codec.citizen_id_of(request.citizen)
        with _forms():
            real = (
                read_card(request.card_qr)
                if request.card_qr
                else numbers.real_number_of(request, systems=self._systems)
            )
            facility_code = parse_facility_code(request.facility_code or caller.facility).code
        require_same_facility(facility_code)
        done = await self._temporary.replace(
            citizen_id, real, facility_code=facility_code, key=key, caller=caller
        )
        return pb.ReplaceTemporaryResponse(
            outcome=numbers.REPLACE_OUTCOMES[done.outcome],
            citizen=_with_address(done.citizen),
            temporary=numbers.to_temporary(done.temporary),
            quality_case=done.case,
        )

    async def ApplyRepair(self, request: pb.ApplyRepairRequest, context: Any) -> pb.ApplyRepairResponse:
        """Apply one proposal of a check."""
        caller, key = _caller_and_key(request)
        citizen_id, verification_id = numbers.verification_name_of(request.verification)
        done = await self._repairs.apply(
            citizen_id,
            verification_id,
            field=request.field,
            code=request.code,
            value=request.value,
            key=key,
            caller=caller,
        )
        return pb.ApplyRepairResponse(
            repair=numbers.to_repair(done.repair), citizen=_with_address(done.citizen)
        )

    async def UndoRepair(self, request: pb.UndoRepairRequest, context: Any) -> pb.UndoRepairResponse:
        """Take a repair back."""
        caller, key = _caller_and_key(request)
        citizen_id, repair_id = numbers.repair_name_of(request.name)
        done = await self._repairs.undo(citizen_id, repair_id, key=key, caller=caller)
        return pb.UndoRepairResponse(
            repair=numbers.to_repair(done.repair), citizen=_with_address(done.citizen)
        )

    async def ListRepairs(self, request: pb.ListRepairsRequest, context: Any) -> pb.ListRepairsResponse:
        """List the repairs of a citizen."""
        size = min(max(request.page_size, 0) or REPAIRS_PER_PAGE, REPAIRS_PER_PAGE_MAX)
        found = await self._repairs.list(
            codec.citizen_id_of(request.citizen),
            before_id=numbers.token_id(request.page_token),
            page_size=size,
            caller=current_caller(),
        )
        return pb.ListRepairsResponse(
            repairs=[numbers.to_repair(each) for each in found],
            next_page_token=found[-1].repair_id if len(found) == size else "",
        )


def _caller_and_key(request: Any) -> tuple[Caller, RequestKey]:  # Any: each write message with a request_id
    """Who calls, and what makes a repeat of this write the same."""
    caller = current_caller()
    return caller, request_key(current_method(), request, caller)


@contextmanager
def _forms() -> Iterator[None]:
    """Turn a refusal of a published format into the error that goes over the wire."""
    try:
        yield
    except FormatError as refused:
        raise codec.format_refusal(refused) from None


def _with_address(citizen: Citizen) -> pb.Citizen:
    # Read anew each time: a decree may rename a unit tomorrow, and the text on the card stays.
    return codec.to_citizen(citizen, resolve_text(citizen.demographics.address))
