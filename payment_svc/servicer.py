"""The edge of payment: decode, call one operation, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from chassis.clock import Clock
from chassis.idempotency import request_key
from chassis.rpc.context import current_caller, current_method
from lienthong.payment.v1 import payment_pb2 as pb
from lienthong.payment.v1.payment_pb2_grpc import PaymentServiceServicer, ReconciliationServiceServicer
from payment_svc import codec
from payment_svc.domain.errors import StatementHeaderMissing
from payment_svc.operations.bank_events import BankEventOperations
from payment_svc.operations.bills import BillOperations
from payment_svc.operations.breaks import BreakOperations
from payment_svc.operations.reconciliation import ReconciliationOperations
from payment_svc.operations.statements import StatementOperations


class PaymentServicer(PaymentServiceServicer):
    """Serves lienthong.payment.v1.PaymentService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(self, *, bills: BillOperations, events: BankEventOperations, clock: Clock) -> None:
        self._bills = bills
        self._events = events
        self._clock = clock

    async def OpenBill(self, request: pb.OpenBillRequest, context: Any) -> pb.OpenBillResponse:
        """Open the draft of a visit."""
        caller = current_caller()
        view = await self._bills.open_bill(
            caller,
            request_key(current_method(), request, caller),
            visit_id=codec.visit_id_of(request.visit),
            citizen_id=codec.citizen_id_of(request.citizen),
        )
        return pb.OpenBillResponse(bill=codec.to_bill(view, self._clock.now()))

    async def IssueBill(self, request: pb.IssueBillRequest, context: Any) -> pb.IssueBillResponse:
        """Issue the bill with its lines and post it."""
        caller = current_caller()
        view = await self._bills.issue_bill(
            caller,
            request_key(current_method(), request, caller),
            visit_id=codec.visit_id_of(request.visit),
            citizen_id=codec.citizen_id_of(request.citizen),
            split=codec.split_of(request.split),
            lines=codec.lines_of(request.lines),
        )
        return pb.IssueBillResponse(bill=codec.to_bill(view, self._clock.now()))

    async def GetBill(self, request: pb.GetBillRequest, context: Any) -> pb.GetBillResponse:
        """Read the bill of a visit."""
        view = await self._bills.get_bill(current_caller(), codec.visit_id_of(request.visit))
        return pb.GetBillResponse(bill=codec.to_bill(view, self._clock.now()))

    async def CreateIntent(self, request: pb.CreateIntentRequest, context: Any) -> pb.CreateIntentResponse:
        """Ask for what is still due."""
        caller = current_caller()
        view = await self._bills.create_intent(
            caller,
            request_key(current_method(), request, caller),
            visit_id=codec.visit_id_of(request.visit),
        )
        return pb.CreateIntentResponse(bill=codec.to_bill(view, self._clock.now()))

    async def RecordBankEvent(
        self, request: pb.RecordBankEventRequest, context: Any
    ) -> pb.RecordBankEventResponse:
        """Take in a bank's notification."""
        caller = current_caller()
        answer = await self._events.record(
            caller,
            request_key(current_method(), request, caller),
            provider=request.provider,
            raw=request.raw,
        )
        return codec.to_event_response(answer)


class ReconciliationServicer(ReconciliationServiceServicer):
    """Serves lienthong.payment.v1.ReconciliationService."""

    def __init__(
        self, *, statements: StatementOperations, runs: ReconciliationOperations, breaks: BreakOperations
    ) -> None:
        self._statements = statements
        self._runs = runs
        self._breaks = breaks

    async def ImportStatement(
        self, request_iterator: AsyncIterator[pb.ImportStatementRequest], context: Any
    ) -> pb.ImportStatementResponse:
        """Import one statement file."""
        caller = current_caller()
        first = await anext(aiter(request_iterator), None)
        if first is None or first.WhichOneof("part") != "header":
            raise StatementHeaderMissing
        kept = await self._statements.import_statement(
            caller,
            request_key(current_method(), first.header, caller),
            form=codec.format_of(first.header.format),
            account=first.header.account,
            chunks=_contents(request_iterator),
        )
        return pb.ImportStatementResponse(statement=codec.to_statement(kept))

    async def Reconcile(self, request: pb.ReconcileRequest, context: Any) -> pb.ReconcileResponse:
        """Match what is open on one account."""
        caller = current_caller()
        run = await self._runs.reconcile(
            caller, request_key(current_method(), request, caller), account=request.account
        )
        return pb.ReconcileResponse(run=codec.to_run(run))

    async def ListBreaks(self, request: pb.ListBreaksRequest, context: Any) -> pb.ListBreaksResponse:
        """List the facility's breaks."""
        page = await self._breaks.list_breaks(
            current_caller(),
            page_size=request.page_size,
            page_token=request.page_token,
            state=codec.break_state_of(request.state),
        )
        return pb.ListBreaksResponse(
            breaks=[codec.to_break(item) for item in page.breaks], next_page_token=page.next_page_token
        )

    async def ResolveBreak(self, request: pb.ResolveBreakRequest, context: Any) -> pb.ResolveBreakResponse:
        """Resolve one break."""
        caller = current_caller()
        item = await self._breaks.resolve(
            caller,
            request_key(current_method(), request, caller),
            break_id=codec.break_id_of(request.name),
            resolution=codec.resolution_of(request.resolution),
            visit_id=codec.visit_id_of(request.visit) if request.visit else "",
            note=request.note,
        )
        return pb.ResolveBreakResponse(resolved_break=codec.to_break(item))

    async def ListBalances(self, request: pb.ListBalancesRequest, context: Any) -> pb.ListBalancesResponse:
        """Balances of the facility's ledger."""
        return codec.to_balances(await self._breaks.balances(current_caller()))


async def _contents(messages: AsyncIterator[pb.ImportStatementRequest]) -> AsyncIterator[bytes]:
    async for message in messages:
        if message.WhichOneof("part") != "content":
            raise StatementHeaderMissing
        yield message.content
