"""The gRPC edge of the record: decode, one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.idempotency import request_key
from chassis.rpc.context import current_caller
from emr_svc import codec
from emr_svc.operations import Operations
from lienthong.emr.v1 import emr_pb2 as pb
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceServicer


class VisitServicer(VisitServiceServicer):
    """The methods of VisitService; `context` is the pipeline's and not used."""  # Any: see chassis.rpc

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def OpenVisit(self, request: pb.OpenVisitRequest, context: Any) -> pb.OpenVisitResponse:
        """Open a visit and issue its ticket."""
        caller = current_caller()
        visit = await self._operations.open_visit(
            codec.open_visit(request), caller=caller, key=request_key("emr.OpenVisit", request, caller)
        )
        return pb.OpenVisitResponse(visit=codec.visit_message(visit))

    async def RecordEntries(self, request: pb.RecordEntriesRequest, context: Any) -> pb.RecordEntriesResponse:
        """Append entries to an open visit."""
        caller = current_caller()
        visit = await self._operations.record_entries(
            codec.visit_id(request.visit, field="visit"),
            codec.new_entries(request),
            caller=caller,
            key=request_key("emr.RecordEntries", request, caller),
        )
        return pb.RecordEntriesResponse(visit=codec.visit_message(visit))

    async def CloseVisit(self, request: pb.CloseVisitRequest, context: Any) -> pb.CloseVisitResponse:
        """Close a visit."""
        caller = current_caller()
        visit = await self._operations.close_visit(
            codec.visit_id(request.visit, field="visit"),
            caller=caller,
            key=request_key("emr.CloseVisit", request, caller),
        )
        return pb.CloseVisitResponse(visit=codec.visit_message(visit))

    async def GetVisit(self, request: pb.GetVisitRequest, context: Any) -> pb.GetVisitResponse:
        """Read one visit."""
        visit = await self._operations.get_visit(
            codec.visit_id(request.name, field="name"), caller=current_caller()
        )
        return pb.GetVisitResponse(visit=codec.visit_message(visit))

    async def ListVisits(self, request: pb.ListVisitsRequest, context: Any) -> pb.ListVisitsResponse:
        """List the facility's visits."""
        page = await self._operations.list_visits(
            caller=current_caller(),
            citizen_id=codec.citizen_id(request.citizen) if request.citizen else "",
            state=codec.state_filter(request.state),
            before=codec.page_start(request.page_token),
            page_size=codec.page_size(request.page_size),
        )
        return codec.page_message(page)

    async def CallNextTicket(
        self, request: pb.CallNextTicketRequest, context: Any
    ) -> pb.CallNextTicketResponse:
        """Call the next patient of a room."""
        caller = current_caller()
        ticket = await self._operations.call_next_ticket(
            request.room, caller=caller, key=request_key("emr.CallNextTicket", request, caller)
        )
        return pb.CallNextTicketResponse(ticket=codec.ticket_message(ticket))

    async def ListTickets(self, request: pb.ListTicketsRequest, context: Any) -> pb.ListTicketsResponse:
        """List a room's queue."""
        tickets = await self._operations.list_tickets(
            request.room, codec.queue_date(request.queue_date), caller=current_caller()
        )
        return pb.ListTicketsResponse(tickets=[codec.ticket_message(ticket) for ticket in tickets])
