"""Shows answers to people: tables in Vietnamese with the stable English names beside them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.moments import shown
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment

BAR_CELLS = 24
PIPED_COLUMNS = 200
_LEG_STYLE = {
    pb.LEG_STATE_DONE: "green",
    pb.LEG_STATE_DEGRADED: "yellow",
    pb.LEG_STATE_FAILED: "red",
    pb.LEG_STATE_SKIPPED: "dim",
}


def dong(amount_vnd: int) -> str:
    """An amount as Vietnamese people write it."""
    return f"{amount_vnd:,}".replace(",", ".") + " ₫"


def exact_dong(amount: str) -> str:
    """An amount told as a decimal text, with its part of a dong where there is one; empty for none told."""
    if not amount:
        return ""
    whole, _, part = f"{Decimal(amount):,}".partition(".")
    part = part.rstrip("0")
    return whole.replace(",", ".") + (f",{part}" if part else "") + " ₫"


def word(enum_name: str) -> str:
    """An enum value without its prefix, as in COVERAGE_OUTCOME_VALID to VALID."""
    for prefix in (
        "VERIFICATION_OUTCOME_", "COVERAGE_OUTCOME_", "FIELD_RESULT_", "LEG_STATE_", "BILL_STATE_", "VISIT_STATE_",
        "VISIT_KIND_", "TICKET_STATE_", "UNIT_CHANGE_", "BREAK_CODE_", "BREAK_STATE_", "BREAK_RESOLUTION_",
        "INTENT_STATE_", "PRIORITY_CLASS_", "ENTRY_KIND_", "CASE_STATE_",
    ):  # fmt: skip
        enum_name = enum_name.removeprefix(prefix)
    return enum_name


def plain(*columns: str, title: str = "") -> Table:
    """An empty table in the one style of this command."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.min_width = len(title)  # A title is not folded to the width of a narrow table.
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def named(columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> RenderableType:
    """A table of (resource name, cells); the names stand whole below it in the order of the rows, to be copied."""
    table = plain(*columns)
    listed = list(rows)
    for _, cells in listed:
        table.add_row(*cells)
    names = Text("\n".join(name for name, _ in listed), overflow="fold")
    return Group(table, names) if listed else table


def visit_view(view: pb.VisitView) -> RenderableType:
    """Everything about one visit."""
    parts: list[RenderableType] = [_summary(view)]
    fields = view.citizen.verification.fields
    if any(
        check.result not in (identity.FIELD_RESULT_MATCH, identity.FIELD_RESULT_NOT_CHECKED)
        for check in fields
    ):
        parts.append(field_checks(fields))
    if view.split.lines:
        parts.append(split(view.split))
    if view.bill.intents:
        parts.append(intents(view.bill.intents))
    parts.append(legs(view.legs))
    return Group(*[item for part in parts for item in (part, Text())])


def _summary(view: pb.VisitView) -> Table:
    table = plain("", "")
    visit, ticket = view.visit, view.visit.ticket
    table.add_row("Lượt khám (visit)", view.name)
    table.add_row("Mã hành trình (trace)", view.trace_code)
    if view.HasField("citizen"):
        table.add_row("Người bệnh", f"{view.citizen.full_name}, {view.citizen.birth_date}")
        outcome = identity.VerificationOutcome.Name(view.citizen.verification.outcome)
        table.add_row("Định danh (identity)", word(outcome))
        for candidate in view.citizen.address.candidates:
            table.add_row("Địa chỉ", address(candidate))
    if view.HasField("coverage"):
        coverage = view.coverage
        name = word(insurance.CoverageOutcome.Name(coverage.outcome))
        table.add_row("BHYT (coverage)", f"{name} [{coverage.portal_code or '–'}] {coverage.explanation_vi}")
        if coverage.card.number:
            table.add_row("Thẻ BHYT", f"{coverage.card.number} đến {coverage.card.valid_to_date}")
    if view.HasField("visit"):
        table.add_row("Số thứ tự (ticket)", f"{ticket.number} · phòng {ticket.room}")
        table.add_row("Trạng thái (state)", word(emr.VisitState.Name(visit.state)))
    if view.bill.state > payment.BILL_STATE_DRAFT:
        bill = view.bill
        state = word(payment.BillState.Name(bill.state)) + (" · RECONCILED" if bill.reconciled else "")
        table.add_row(
            "Hóa đơn (bill)", f"{dong(bill.total_vnd)} = quỹ {dong(bill.fund_vnd)} + {dong(bill.patient_vnd)}"
        )
        table.add_row("Đã trả (paid)", f"{dong(bill.paid_vnd)} · {state}")
        for receipt in bill.receipts:
            table.add_row(
                "Phiếu thu (receipt)", f"{receipt.number} · {dong(receipt.amount_vnd)} · {receipt.trace_code}"
            )
    return table


def address(candidate: identity.AddressCandidate) -> str:
    """One reading of an address: the old form, the new form and why."""
    new = (
        f"{candidate.new_unit.ward_name}, {candidate.new_unit.province_name} ({candidate.new_unit.ward_code})"
    )
    if not candidate.old_unit.ward_code:
        return new
    old = candidate.old_unit
    before = f"{old.ward_name}, {old.district_name}, {old.province_name} ({old.ward_code})"
    return f"{before} → {new}: {candidate.reason_vi}"


def field_checks(checks: Sequence[identity.FieldCheck]) -> Table:
    """What the register said field by field, with the repair proposals."""
    table = plain("Trường", "Kết quả", "Giải thích", "Đề xuất sửa", title="Đối chiếu từng trường")
    for check in checks:
        proposals = "\n".join(f"{proposal.code}: {proposal.explanation_vi}" for proposal in check.proposals)
        table.add_row(
            check.field, word(identity.FieldResult.Name(check.result)), check.explanation_vi, proposals
        )
    return table


def split(shares: insurance.Split) -> Table:
    """Who pays what of each line and by which rule."""
    title = f"Chia chi phí lần {shares.split_number}" + (" (tạm tính)" if shares.provisional else "")
    table = plain("Dịch vụ", "Tổng", "Quỹ BHYT", "Người bệnh", "Mức", "Quy tắc", title=title)
    for line in shares.lines:
        table.add_row(
            line.display_name,
            dong(line.total_vnd),
            dong(line.fund_vnd),
            dong(line.copay_vnd + line.self_pay_vnd),
            f"{line.rate_pct} %",
            f"{line.rule_id} · {line.legal_reference}",
        )
    table.add_row("Cộng", dong(shares.total_vnd), dong(shares.fund_vnd), dong(shares.patient_vnd), "", "")
    return table


def intents(shown: Sequence[payment.PaymentIntent]) -> Table:
    """Payment intents with what came."""
    table = plain("Mã chuyển khoản", "Cần trả", "Đã nhận", "Trạng thái", title="VietQR")
    for intent in shown:
        state = word(payment.IntentState.Name(intent.state))
        confirmed = " · ngân hàng xác nhận" if intent.confirmed_by_bank else ""
        table.add_row(
            intent.reference_code, dong(intent.amount_vnd), dong(intent.received_vnd), state + confirmed
        )
    return table


def legs(ended: Sequence[pb.Leg]) -> Table:
    """How each leg of a journey ended."""
    table = plain("Bước", "Kết quả", "ms", "Ghi chú", title="Các bước")
    for leg in ended:
        state = Text(word(pb.LegState.Name(leg.state)), style=_LEG_STYLE.get(leg.state, ""))
        note = f"{leg.reason}: {leg.message_vi}" if leg.reason else ""
        table.add_row(leg.leg, state, str(leg.duration_ms), note)
    return table


def visits(listed: Sequence[emr.Visit]) -> Table:
    """A page of visits."""
    table = plain("Lượt khám", "Mở lúc", "Phòng", "Số", "Trạng thái")
    for visit in listed:
        opened = shown(visit.open_time)
        table.add_row(
            visit.name,
            opened,
            visit.ticket.room,
            str(visit.ticket.number),
            word(emr.VisitState.Name(visit.state)),
        )
    return table


def breaks(listed: Sequence[payment.Break]) -> Table:
    """Breaks with what to do."""
    table = plain(
        "Chênh lệch", "Loại", "Số tiền", "Trạng thái", "Việc cần làm", title="Chênh lệch đối soát (breaks)"
    )
    for row in listed:
        table.add_row(
            row.name,
            word(payment.BreakCode.Name(row.code)),
            dong(row.amount_vnd),
            word(payment.BreakState.Name(row.state)),
            row.explanation_vi,
        )
    return table


def balances(answer: pb.ListBalancesResponse) -> Table:
    """The ledger's balances with their sum."""
    table = plain("Tài khoản", "Tên", "Số dư", title="Sổ cái")
    for balance in answer.balances:
        table.add_row(balance.account_code, balance.display_name, dong(balance.balance_vnd))
    table.add_row("Cộng", "", dong(answer.sum_vnd))
    return table


def statement(imported: payment.Statement, run: payment.ReconciliationRun) -> Table:
    """What an import and the run after it did."""
    table = plain("", "", title="Sao kê")
    proved = "khớp" if imported.balance_proved else "KHÔNG KHỚP"
    table.add_row(
        "Số dòng",
        f"{imported.line_count} (đã có {imported.duplicate_count}, lỗi {imported.quarantined_count})",
    )
    table.add_row("Số dư", f"{dong(imported.opening_vnd)} → {dong(imported.closing_vnd)}: {proved}")
    table.add_row("Khớp theo mã ngân hàng", str(run.matched_by_bank_reference_count))
    table.add_row("Khớp theo mã chuyển khoản", str(run.matched_by_reference_code_count))
    table.add_row("Ghi sổ từ sao kê", str(run.posted_from_statement_count))
    table.add_row("Chênh lệch mới", str(run.break_count))
    table.add_row("Dấu kết quả", run.digest[:16])
    return table


def waterfall(trace: pb.GetTraceResponse) -> Table:
    """The spans of a journey as bars over one time axis."""
    end_us = max((span.offset_us + span.duration_us for span in trace.spans), default=0) or 1
    table = plain("Dịch vụ", "Việc", "ms", "", "", title=f"Hành trình {trace.trace_id}")
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for span in trace.spans:
        start = min(BAR_CELLS - 1, span.offset_us * BAR_CELLS // end_us)
        width = max(1, span.duration_us * BAR_CELLS // end_us)
        style = "green" if span.status == "ok" else "red"
        bar = Text(" " * start + "█" * min(width, BAR_CELLS - start), style=style)
        status = "" if span.status == "ok" else span.status
        # "lienthong.emr.v1.VisitService/OpenVisit" is read by its last words.
        operation = span.operation.rpartition("/")[2]
        table.add_row(
            span.service, "  " * span.depth + operation, f"{span.duration_us / 1000:.1f}", bar, status
        )
    return table


def show(renderable: RenderableType) -> None:
    """Print to the terminal."""
    # Text of people and files is no markup. What is piped is not folded to a terminal that is not there.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_COLUMNS
    Console(width=width, markup=False, emoji=False).print(renderable)
