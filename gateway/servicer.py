"""The gRPC edge of the gateway: check, run one journey or pass one call on, answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from chassis.rpc.context import current_caller
from chassis.telemetry import Telemetry
from gateway import codec
from gateway.domain.errors import StatementHeaderMissing, TraceNotFound, TraceStoreOff
from gateway.domain.ids import is_our_own, visit_id_in, visit_id_of
from gateway.journeys.check_in import check_in
from gateway.journeys.discharge import discharge
from gateway.journeys.view import read_visit
from gateway.journeys.watch import watch_visit
from gateway.peers import Peers
from gateway.ports import Spans
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.gateway.v1.gateway_pb2_grpc import GatewayServiceServicer
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from standards.trace_code import parse_trace_code


class GatewayServicer(GatewayServiceServicer):
    """Journeys and pass-through calls; `context` is the pipeline's and not used."""  # Any: see chassis.rpc

    def __init__(
        self, *, peers: Peers, telemetry: Telemetry, spans: Spans | None, watch_poll_interval_ms: int
    ) -> None:
        self._peers = peers
        self._telemetry = telemetry
        self._spans = spans
        self._watch_poll_interval_ms = watch_poll_interval_ms

    async def CheckIn(self, request: pb.CheckInRequest, context: Any) -> pb.CheckInResponse:
        """Admit a citizen."""
        view = await check_in(
            request,
            facility_code=current_caller().facility,
            peers=self._peers,
            telemetry=self._telemetry,
        )
        return pb.CheckInResponse(view=view)

    async def GetVisit(self, request: pb.GetVisitRequest, context: Any) -> pb.GetVisitResponse:
        """Read a visit with what belongs to it."""
        name = codec.visit_name(request.name, field="name")
        return pb.GetVisitResponse(view=await read_visit(name, peers=self._peers, telemetry=self._telemetry))

    async def WatchVisit(
        self, request: pb.WatchVisitRequest, context: Any
    ) -> AsyncIterator[pb.WatchVisitResponse]:
        """Send the visit now and after each change."""
        name = codec.visit_name(request.name, field="name")
        async for view in watch_visit(
            name,
            peers=self._peers,
            telemetry=self._telemetry,
            poll_interval_ms=self._watch_poll_interval_ms,
        ):
            yield pb.WatchVisitResponse(view=view)

    async def ListVisits(self, request: pb.ListVisitsRequest, context: Any) -> pb.ListVisitsResponse:
        """List the facility's visits."""
        page = await self._peers.visits.ListVisits(
            emr.ListVisitsRequest(page_size=request.page_size, page_token=request.page_token)
        )
        return pb.ListVisitsResponse(visits=page.visits, next_page_token=page.next_page_token)

    async def RecordEntries(self, request: pb.RecordEntriesRequest, context: Any) -> pb.RecordEntriesResponse:
        """Append to the record."""
        answer = await self._peers.visits.RecordEntries(
            emr.RecordEntriesRequest(
                request_id=request.request_id, visit=request.visit, entries=request.entries
            )
        )
        return pb.RecordEntriesResponse(visit=answer.visit)

    async def CallNextTicket(
        self, request: pb.CallNextTicketRequest, context: Any
    ) -> pb.CallNextTicketResponse:
        """Call the next patient of a room."""
        answer = await self._peers.visits.CallNextTicket(
            emr.CallNextTicketRequest(request_id=request.request_id, room=request.room)
        )
        return pb.CallNextTicketResponse(ticket=answer.ticket)

    async def Discharge(self, request: pb.DischargeRequest, context: Any) -> pb.DischargeResponse:
        """End a visit."""
        codec.visit_name(request.visit, field="visit")
        return pb.DischargeResponse(
            view=await discharge(request, peers=self._peers, telemetry=self._telemetry)
        )

    async def PayVisit(self, request: pb.PayVisitRequest, context: Any) -> pb.PayVisitResponse:
        """Show a new VietQR for what is still due."""
        visit = codec.visit_name(request.visit, field="visit")
        answer = await self._peers.payment.CreateIntent(
            payment.CreateIntentRequest(request_id=request.request_id, visit=visit)
        )
        return pb.PayVisitResponse(bill=answer.bill)

    async def GetEvidence(self, request: pb.GetEvidenceRequest, context: Any) -> pb.GetEvidenceResponse:
        """Read one reply of the insurer's portal."""
        answer = await self._peers.coverage.GetEvidence(insurance.GetEvidenceRequest(name=request.name))
        return pb.GetEvidenceResponse(evidence=answer.evidence)

    async def ResolveAdministrativeUnit(
        self, request: pb.ResolveAdministrativeUnitRequest, context: Any
    ) -> pb.ResolveAdministrativeUnitResponse:
        """Resolve a code or an address text."""
        answer = await self._peers.identity.ResolveAdministrativeUnit(
            identity.ResolveAdministrativeUnitRequest(
                text=request.text, ward_code=request.ward_code, vintage=request.vintage
            )
        )
        return pb.ResolveAdministrativeUnitResponse(resolution=answer.resolution)

    async def ImportStatement(
        self, request: AsyncIterator[pb.ImportStatementRequest], context: Any
    ) -> pb.ImportStatementResponse:
        """Pass a statement file on, piece by piece."""
        answer = await self._peers.reconciliation.ImportStatement(_statement_parts(request))
        return pb.ImportStatementResponse(statement=answer.statement)

    async def Reconcile(self, request: pb.ReconcileRequest, context: Any) -> pb.ReconcileResponse:
        """Match the bank's lines."""
        answer = await self._peers.reconciliation.Reconcile(
            payment.ReconcileRequest(request_id=request.request_id, account=request.account)
        )
        return pb.ReconcileResponse(run=answer.run)

    async def ListBreaks(self, request: pb.ListBreaksRequest, context: Any) -> pb.ListBreaksResponse:
        """List what does not fit."""
        page = await self._peers.reconciliation.ListBreaks(
            payment.ListBreaksRequest(
                page_size=request.page_size, page_token=request.page_token, state=request.state
            )
        )
        return pb.ListBreaksResponse(breaks=page.breaks, next_page_token=page.next_page_token)

    async def ResolveBreak(self, request: pb.ResolveBreakRequest, context: Any) -> pb.ResolveBreakResponse:
        """Resolve one break."""
        answer = await self._peers.reconciliation.ResolveBreak(
            payment.ResolveBreakRequest(
                request_id=request.request_id,
                name=request.name,
                resolution=request.resolution,
                visit=request.visit,
                note=request.note,
            )
        )
        return pb.ResolveBreakResponse(resolved_break=answer.resolved_break)

    async def ListBalances(self, request: pb.ListBalancesRequest, context: Any) -> pb.ListBalancesResponse:
        """List the balances of the facility's ledger."""
        answer = await self._peers.reconciliation.ListBalances(payment.ListBalancesRequest())
        return pb.ListBalancesResponse(balances=answer.balances, sum_vnd=answer.sum_vnd)

    async def GetTrace(self, request: pb.GetTraceRequest, context: Any) -> pb.GetTraceResponse:
        """Read the spans of a journey by the code on the receipt."""
        prefix = parse_trace_code(request.code)
        if self._spans is None:
            raise TraceStoreOff
        rows = await asyncio.to_thread(self._spans.trace, prefix)
        if not rows:
            raise TraceNotFound
        return codec.trace_answer(rows)


async def _statement_parts(
    parts: AsyncIterator[pb.ImportStatementRequest],
) -> AsyncIterator[payment.ImportStatementRequest]:
    first = True
    async for part in parts:
        if first and part.WhichOneof("part") != "header":
            raise StatementHeaderMissing("header")
        first = False
        if part.WhichOneof("part") == "header":
            yield payment.ImportStatementRequest(header=part.header)
        else:
            yield payment.ImportStatementRequest(content=part.content)
    if first:
        raise StatementHeaderMissing("header")


def journey_trace_id(_: str, request: Any) -> str | None:  # Any: each method has its own message
    """The trace a request belongs to: that of its visit, so that one visit is one trace; None for others."""
    if isinstance(request, pb.CheckInRequest):
        return visit_id_of(request.request_id)
    for field in ("visit", "name"):
        name = getattr(request, field, "")
        # A trace id is kept and shown, so whatever else a client puts into a name may not become one.
        if isinstance(name, str) and (visit_id := visit_id_in(name)) is not None and is_our_own(visit_id):
            return visit_id
    return None
