"""Between the contract's messages and our values; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from chassis.errors import InvalidArgument
from chassis.rpc.timestamps import to_timestamp
from lienthong.payment.v1 import payment_pb2 as pb
from payment_svc.domain.bills import BillLine, Intent
from payment_svc.domain.breaks import EXPLANATIONS, Break, Resolution
from payment_svc.domain.errors import NameMalformed
from payment_svc.domain.ledger import ACCOUNT_NAMES_VI, Account
from payment_svc.domain.readers import StatementFormat
from payment_svc.domain.reconciliation import ImportedStatement, Run
from payment_svc.operations.bank_events import EventAnswer
from payment_svc.operations.bills import BillView
from standards.trace_code import trace_code

_VISIT = re.compile(r"visits/([0-9a-f]{32})", re.ASCII)
_CITIZEN = re.compile(r"citizens/([0-9a-z-]{1,64})", re.ASCII)
_SPLIT = re.compile(r"visits/[0-9a-f]{32}/splits/[0-9a-z-]{1,64}", re.ASCII)
_BREAK = re.compile(r"breaks/([0-9a-f]{32})", re.ASCII)
_STATES = {
    pb.BREAK_STATE_UNSPECIFIED: "",
    pb.BREAK_STATE_OPEN: "OPEN",
    pb.BREAK_STATE_RESOLVED: "RESOLVED",
}


def visit_id_of(name: str) -> str:
    """The id in `visits/{visit}`: the 32 hex digits of the journey's trace; raises NameMalformed."""
    return _part(_VISIT, name, field="visit", form="visits/{32 hex digits}")


def citizen_id_of(name: str) -> str:
    """The id in `citizens/{citizen}`; raises NameMalformed."""
    return _part(_CITIZEN, name, field="citizen", form="citizens/{citizen}")


def break_id_of(name: str) -> str:
    """The id in `breaks/{break}`; raises NameMalformed."""
    return _part(_BREAK, name, field="name", form="breaks/{32 hex digits}")


def split_of(name: str) -> str:
    """The name of a split, or empty; raises NameMalformed."""
    if name and _SPLIT.fullmatch(name) is None:
        raise NameMalformed("split", "visits/{visit}/splits/{split}")
    return name


def lines_of(lines: Iterable[pb.BillLine]) -> list[BillLine]:
    """The lines of a bill, unchecked."""
    return [
        BillLine(
            line_id=line.line_id,
            display_name=line.display_name,
            total_vnd=line.total_vnd,
            fund_vnd=line.fund_vnd,
            patient_vnd=line.patient_vnd,
            other_funding_vnd=line.other_funding_vnd,
        )
        for line in lines
    ]


def format_of(number: pb.StatementFormat.ValueType) -> StatementFormat:
    """The file form; raises InvalidArgument when none is told."""
    name = pb.StatementFormat.Name(number).removeprefix("STATEMENT_FORMAT_")
    if name not in StatementFormat.__members__:
        raise InvalidArgument("Tell the form of the file.", field="header.format")
    return StatementFormat[name]


def resolution_of(number: pb.BreakResolution.ValueType) -> Resolution:
    """How a break is to be resolved; raises InvalidArgument when none is told, or one that only the system gives."""
    name = pb.BreakResolution.Name(number).removeprefix("BREAK_RESOLUTION_")
    if name not in Resolution.__members__ or name == "AUTO_CLEARED":
        raise InvalidArgument("Choose APPLIED, REFUND_PAYABLE or EXPLAINED.", field="resolution")
    return Resolution[name]


def break_state_of(number: pb.BreakState.ValueType) -> str:
    """OPEN, RESOLVED, or empty for both."""
    return _STATES[number]


def to_bill(view: BillView, now: datetime) -> pb.Bill:
    """A bill as the contract shows it, its intents in their state at `now`."""
    bill = view.bill
    name = f"visits/{bill.visit_id}/bill"
    return pb.Bill(
        name=name,
        citizen=f"citizens/{bill.citizen_id}",
        facility_code=bill.facility_code,
        state=pb.BillState.Value(f"BILL_STATE_{bill.state.value}"),
        lines=[
            pb.BillLine(
                line_id=line.line_id,
                display_name=line.display_name,
                total_vnd=line.total_vnd,
                fund_vnd=line.fund_vnd,
                patient_vnd=line.patient_vnd,
                other_funding_vnd=line.other_funding_vnd,
            )
            for line in bill.lines
        ],
        total_vnd=bill.total_vnd,
        fund_vnd=bill.fund_vnd,
        patient_vnd=bill.patient_vnd,
        other_funding_vnd=bill.other_funding_vnd,
        paid_vnd=bill.paid_vnd,
        intents=[_to_intent(intent, name, view, now) for intent in view.intents],
        receipts=[
            pb.Receipt(
                name=f"{name}/receipts/{receipt.receipt_id}",
                number=receipt.number,
                amount_vnd=receipt.amount_vnd,
                # The visit's id is the id of its trace.
                trace_code=trace_code(bill.visit_id),
                issue_time=to_timestamp(receipt.issue_time),
            )
            for receipt in view.receipts
        ],
        reconciled=view.is_reconciled,
        issue_time=to_timestamp(bill.issue_time) if bill.issue_time else None,
    )


def to_event_response(answer: EventAnswer) -> pb.RecordBankEventResponse:
    """What the bank is answered."""
    return pb.RecordBankEventResponse(
        answer_code=answer.answer_code.value,
        outcome=pb.BankEventOutcome.Value(f"BANK_EVENT_OUTCOME_{answer.outcome.value}"),
        bill=f"visits/{answer.visit_id}/bill" if answer.visit_id else "",
    )


def to_statement(statement: ImportedStatement) -> pb.Statement:
    """An imported file."""
    return pb.Statement(
        name=f"statements/{statement.statement_id}",
        account=statement.account,
        number=statement.number,
        opening_vnd=statement.opening_vnd,
        closing_vnd=statement.closing_vnd,
        line_count=statement.line_count,
        duplicate_count=statement.duplicate_count,
        quarantined_count=statement.quarantined_count,
        balance_proved=statement.is_proved,
    )


def to_run(run: Run) -> pb.ReconciliationRun:
    """A reconciliation."""
    return pb.ReconciliationRun(
        name=f"reconciliationRuns/{run.run_id}",
        matched_by_bank_reference_count=run.by_reference_count,
        matched_by_reference_code_count=run.by_code_count,
        posted_from_statement_count=run.posted_count,
        break_count=run.break_count,
        open_line_count=run.open_line_count,
        digest=run.digest,
    )


def to_break(item: Break) -> pb.Break:
    """A break with what it means and what to do."""
    explanation_vi, explanation_en = EXPLANATIONS[item.code]
    resolution = item.resolution.value or "UNSPECIFIED"
    return pb.Break(
        name=f"breaks/{item.break_id}",
        code=pb.BreakCode.Value(f"BREAK_CODE_{item.code.value}"),
        state=pb.BREAK_STATE_OPEN if item.is_open else pb.BREAK_STATE_RESOLVED,
        amount_vnd=item.amount_vnd,
        account=item.account,
        bank_reference=item.bank_reference,
        bill=f"visits/{item.visit_id}/bill" if item.visit_id else "",
        create_time=to_timestamp(item.create_time),
        explanation_vi=explanation_vi,
        explanation_en=explanation_en,
        resolution=pb.BreakResolution.Value(f"BREAK_RESOLUTION_{resolution}"),
    )


def to_balances(balances: Mapping[Account, int]) -> pb.ListBalancesResponse:
    """Balances with their sum, which is 0."""
    return pb.ListBalancesResponse(
        balances=[
            pb.Balance(
                account_code=account.value, display_name=ACCOUNT_NAMES_VI[account], balance_vnd=amount_vnd
            )
            for account, amount_vnd in balances.items()
        ],
        sum_vnd=sum(balances.values()),
    )


def _to_intent(intent: Intent, bill_name: str, view: BillView, now: datetime) -> pb.PaymentIntent:
    return pb.PaymentIntent(
        name=f"{bill_name}/intents/{intent.intent_id}",
        amount_vnd=intent.amount_vnd,
        reference_code=intent.reference_code,
        vietqr_payloads=intent.payloads,
        expire_time=to_timestamp(intent.expire_time),
        state=pb.IntentState.Value(f"INTENT_STATE_{intent.state(now).value}"),
        received_vnd=intent.received_vnd,
        confirmed_by_bank=view.is_confirmed(intent),
    )


def _part(pattern: re.Pattern[str], name: str, *, field: str, form: str) -> str:
    match = pattern.fullmatch(name)
    if match is None:
        raise NameMalformed(field, form)
    return match[1]
