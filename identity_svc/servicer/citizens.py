"""The edge of identity: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.idempotency import request_key
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import citizens as codec
from identity_svc.domain.card import read_card
from identity_svc.domain.model import Citizen
from identity_svc.operations import ReadCitizen, VerifyCard, resolve_code, resolve_text
from lienthong.identity.v1 import identity_pb2 as pb
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceServicer
from standards.errors import FormatError
from standards.facility_code import parse_facility_code


class IdentityServicer(IdentityServiceServicer):
    """Serves lienthong.identity.v1.IdentityService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(self, *, verify_card: VerifyCard, read_citizen: ReadCitizen) -> None:
        self._verify_card = verify_card
        self._read_citizen = read_citizen

    async def VerifyCard(self, request: pb.VerifyCardRequest, context: Any) -> pb.VerifyCardResponse:
        """Read a card, find or create the citizen, check with the register."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        try:
            card = read_card(request.card_qr)
            facility_code = parse_facility_code(request.facility_code or caller.facility).code
        except FormatError as refused:
            raise codec.format_refusal(refused) from None
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
        try:
            kind, value = codec.identifier_of(request)
        except FormatError as refused:
            raise codec.format_refusal(refused) from None
        citizen = await self._read_citizen.resolve(kind, value, current_caller())
        return pb.ResolveIdentifierResponse(citizen=_with_address(citizen))

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


def _with_address(citizen: Citizen) -> pb.Citizen:
    # Read anew each time: a decree may rename a unit tomorrow, and the text on the card stays.
    return codec.to_citizen(citizen, resolve_text(citizen.demographics.address))
