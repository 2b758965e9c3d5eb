"""The edge of administrative units, facilities and re-coding: decode, call one operation, encode."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.message import Message

from chassis.idempotency import RequestKey, request_key
from chassis.paging import page_size_of
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import units as codec
from identity_svc.codec.citizens import citizen_id_of, format_refusal
from identity_svc.operations.facilities import Facilities
from identity_svc.operations.recode import Recodings
from identity_svc.operations.recode_rows import recode_rows
from identity_svc.operations.residences import Residences
from identity_svc.operations.resolve_unit import former_units, resolve_code
from lienthong.identity.v1 import units_pb2 as pb
from lienthong.identity.v1.units_pb2_grpc import UnitServiceServicer
from standards.admin_units import Vintage
from standards.errors import FormatError
from standards.facility_code import parse_any_facility_code

PAGE_SIZE = 50
PAGE_MAX = 200
FIGURES_PAGE_SIZE = 200
FIGURES_PAGE_MAX = 1_000


class UnitServicer(UnitServiceServicer):
    """Serves lienthong.identity.v1.UnitService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(self, *, facilities: Facilities, residences: Residences, recodings: Recodings) -> None:
        self._facilities = facilities
        self._residences = residences
        self._recodings = recodings

    async def ListFormerUnits(
        self, request: pb.ListFormerUnitsRequest, context: Any
    ) -> pb.ListFormerUnitsResponse:
        """What a commune in force was made of."""
        code = codec.ward_code_of(request.ward_code)
        try:
            former = former_units(code)
        except FormatError as refused:
            raise format_refusal(refused) from None
        unit = resolve_code(code, Vintage.FROM_2025_07).candidates
        return pb.ListFormerUnitsResponse(
            unit=codec.to_candidates(unit)[0].new_unit, former_units=codec.to_candidates(former)
        )

    async def RecodeRows(self, request: pb.RecodeRowsRequest, context: Any) -> pb.RecodeRowsResponse:
        """Re-code the rows of somebody else's table."""
        rows = codec.rows_of(request)
        # Up to half a second of work: beside the loop.
        return codec.to_rows(await asyncio.to_thread(recode_rows, rows))

    async def GetResidence(self, request: pb.GetResidenceRequest, context: Any) -> pb.GetResidenceResponse:
        """Where a citizen lives."""
        newest, *former = await self._residences.get(citizen_id_of(request.citizen), current_caller())
        return pb.GetResidenceResponse(
            residence=codec.to_residence(newest),
            former_residences=[codec.to_residence(each) for each in former],
        )

    async def ChooseResidence(
        self, request: pb.ChooseResidenceRequest, context: Any
    ) -> pb.ChooseResidenceResponse:
        """Keep the commune a person chose."""
        citizen_id, ward_code = citizen_id_of(request.citizen), codec.ward_code_of(request.ward_code)
        try:
            done = await self._residences.choose(
                citizen_id, ward_code, key=_key(request), caller=current_caller()
            )
        except FormatError as refused:
            raise format_refusal(refused) from None
        return pb.ChooseResidenceResponse(
            residence=codec.to_residence(done.kept), closed_case_count=done.closed_case_count
        )

    async def DeclareFacility(
        self, request: pb.DeclareFacilityRequest, context: Any
    ) -> pb.DeclareFacilityResponse:
        """Declare a place of care."""
        try:
            alias = codec.alias_of(request.code)
        except FormatError as refused:
            raise format_refusal(refused) from None
        name = codec.first_name_of(request, alias)
        facility = await self._facilities.declare(name, alias, key=_key(request), caller=current_caller())
        return pb.DeclareFacilityResponse(facility=codec.to_facility(facility))

    async def RenameFacility(
        self, request: pb.RenameFacilityRequest, context: Any
    ) -> pb.RenameFacilityResponse:
        """Give a facility another name."""
        facility_id, name = codec.facility_id_of(request.name), codec.name_of(request.new_name)
        facility = await self._facilities.rename(
            facility_id, name, key=_key(request), caller=current_caller()
        )
        return pb.RenameFacilityResponse(facility=codec.to_facility(facility))

    async def AddFacilityCode(
        self, request: pb.AddFacilityCodeRequest, context: Any
    ) -> pb.AddFacilityCodeResponse:
        """Add a code."""
        facility_id = codec.facility_id_of(request.name)
        try:
            alias = codec.alias_of(request.code)
        except FormatError as refused:
            raise format_refusal(refused) from None
        facility = await self._facilities.add_code(
            facility_id, alias, key=_key(request), caller=current_caller()
        )
        return pb.AddFacilityCodeResponse(facility=codec.to_facility(facility))

    async def EndFacilityCode(
        self, request: pb.EndFacilityCodeRequest, context: Any
    ) -> pb.EndFacilityCodeResponse:
        """End a code."""
        facility_id = codec.facility_id_of(request.name)
        last_date = codec.day_of(request.last_date, field="last_date")
        facility = await self._facilities.end_code(
            facility_id,
            _facility_code(request.code),
            last_date=last_date,
            key=_key(request),
            caller=current_caller(),
        )
        return pb.EndFacilityCodeResponse(facility=codec.to_facility(facility))

    async def GetFacility(self, request: pb.GetFacilityRequest, context: Any) -> pb.GetFacilityResponse:
        """One facility."""
        facility = await self._facilities.get(codec.facility_id_of(request.name))
        return pb.GetFacilityResponse(facility=codec.to_facility(facility))

    async def ListFacilities(
        self, request: pb.ListFacilitiesRequest, context: Any
    ) -> pb.ListFacilitiesResponse:
        """A page of facilities."""
        page_size = page_size_of(request.page_size, usual=PAGE_SIZE, largest=PAGE_MAX)
        found = await self._facilities.page(after=codec.id_of_token(request.page_token), page_size=page_size)
        return pb.ListFacilitiesResponse(
            facilities=[codec.to_facility(each) for each in found],
            next_page_token=found[-1].facility_id if len(found) == page_size else "",
        )

    async def ResolveFacility(
        self, request: pb.ResolveFacilityRequest, context: Any
    ) -> pb.ResolveFacilityResponse:
        """The facility of a code on a day."""
        day = codec.day_of(request.date, field="date") if request.date else None
        return codec.to_found(await self._facilities.resolve(_facility_code(request.code), day))

    async def StartRecoding(self, request: pb.StartRecodingRequest, context: Any) -> pb.StartRecodingResponse:
        """Order the dry run."""
        report = await self._recodings.start(key=_key(request), caller=current_caller())
        return pb.StartRecodingResponse(recoding=codec.to_recoding(report))

    async def ApplyRecoding(self, request: pb.ApplyRecodingRequest, context: Any) -> pb.ApplyRecodingResponse:
        """Order that it be applied."""
        recoding_id = codec.recoding_id_of(request.name)
        report = await self._recodings.apply(recoding_id, key=_key(request), caller=current_caller())
        return pb.ApplyRecodingResponse(recoding=codec.to_recoding(report))

    async def UndoRecoding(self, request: pb.UndoRecodingRequest, context: Any) -> pb.UndoRecodingResponse:
        """Order that it be taken back."""
        recoding_id = codec.recoding_id_of(request.name)
        report = await self._recodings.undo(recoding_id, key=_key(request), caller=current_caller())
        return pb.UndoRecodingResponse(recoding=codec.to_recoding(report))

    async def GetRecoding(self, request: pb.GetRecodingRequest, context: Any) -> pb.GetRecodingResponse:
        """How far it is."""
        report = await self._recodings.get(codec.recoding_id_of(request.name))
        return pb.GetRecodingResponse(recoding=codec.to_recoding(report))

    async def ListRecodings(self, request: pb.ListRecodingsRequest, context: Any) -> pb.ListRecodingsResponse:
        """A page of re-codings."""
        page_size = page_size_of(request.page_size, usual=PAGE_SIZE, largest=PAGE_MAX)
        found = await self._recodings.page(before=codec.id_of_token(request.page_token), page_size=page_size)
        return pb.ListRecodingsResponse(
            recodings=[codec.to_recoding(each) for each in found],
            next_page_token=found[-1].recoding.recoding_id if len(found) == page_size else "",
        )

    async def ListRecodingFigures(
        self, request: pb.ListRecodingFiguresRequest, context: Any
    ) -> pb.ListRecodingFiguresResponse:
        """A page of the figures by old commune."""
        page_size = page_size_of(request.page_size, usual=FIGURES_PAGE_SIZE, largest=FIGURES_PAGE_MAX)
        figures = await self._recodings.figures(
            codec.recoding_id_of(request.name),
            after=codec.figure_of_token(request.page_token),
            page_size=page_size,
        )
        return pb.ListRecodingFiguresResponse(
            figures=[codec.to_figure(each) for each in figures],
            next_page_token=codec.figure_token(figures, page_size=page_size),
        )

    async def ListRecodingItems(
        self, request: pb.ListRecodingItemsRequest, context: Any
    ) -> pb.ListRecodingItemsResponse:
        """A page of people to look at."""
        page_size = page_size_of(request.page_size, usual=PAGE_SIZE, largest=PAGE_MAX)
        items = await self._recodings.items(
            codec.recoding_id_of(request.name),
            after=codec.id_of_token(request.page_token),
            page_size=page_size,
            caller=current_caller(),
        )
        return pb.ListRecodingItemsResponse(
            items=[codec.to_item(each) for each in items],
            next_page_token=items[-1].citizen_id if len(items) == page_size else "",
        )


def _key(request: Message) -> RequestKey:
    return request_key(current_method(), request, current_caller())


def _facility_code(text: str) -> str:
    try:
        return parse_any_facility_code(text).code
    except FormatError as refused:
        raise format_refusal(refused) from None
