"""The edge of card reading: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.idempotency import request_key
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import card as codec
from identity_svc.codec.citizens import citizen_id_of, format_refusal
from identity_svc.operations.read_chip import ReadChip
from identity_svc.operations.read_insurance_card import ReadInsuranceCard
from identity_svc.ports import TrustPort
from lienthong.identity.v1 import card_pb2 as pb
from lienthong.identity.v1.card_pb2_grpc import CardServiceServicer
from standards.errors import FormatError
from standards.facility_code import parse_facility_code


class CardServicer(CardServiceServicer):
    """Serves lienthong.identity.v1.CardService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self, *, read_chip: ReadChip, read_insurance_card: ReadInsuranceCard, trust: TrustPort
    ) -> None:
        self._read_chip = read_chip
        self._read_insurance_card = read_insurance_card
        self._trust = trust

    async def ReadChip(self, request: pb.ReadChipRequest, context: Any) -> pb.ReadChipResponse:
        """Judge a chip, find or create the citizen, compare."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        try:
            facility_code = parse_facility_code(request.facility_code or caller.facility).code
            require_same_facility(facility_code)
            files = codec.chip_files_of(request, facility_code=facility_code)
            return codec.to_chip_response(await self._read_chip(files, key=key, caller=caller))
        except FormatError as refused:
            raise format_refusal(refused) from None

    async def ListChipReadings(
        self, request: pb.ListChipReadingsRequest, context: Any
    ) -> pb.ListChipReadingsResponse:
        """List a citizen's verdicts."""
        readings, next_page_token = await self._read_chip.list(
            citizen_id_of(request.citizen),
            current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListChipReadingsResponse(
            readings=map(codec.to_chip_reading, readings), next_page_token=next_page_token
        )

    async def GetChipTrust(self, request: pb.GetChipTrustRequest, context: Any) -> pb.GetChipTrustResponse:
        """Show whom the chip check trusts."""
        return codec.to_trust(self._trust.current())

    async def ReadInsuranceCard(
        self, request: pb.ReadInsuranceCardRequest, context: Any
    ) -> pb.ReadInsuranceCardResponse:
        """Read a paper insurance card's code."""
        try:
            read = await self._read_insurance_card(request.card_qr, current_caller())
        except FormatError as refused:
            raise format_refusal(refused) from None
        return codec.to_insurance_card(read)
