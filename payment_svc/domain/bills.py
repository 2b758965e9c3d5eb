"""Bills, the intents to pay them and the receipts for what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from payment_svc.domain.errors import AmountTooLarge, SharesDoNotAddUp, TooManyLines
from payment_svc.domain.ledger import MAX_AMOUNT_VND

LINES_MAX = 2_000


class BillState(StrEnum):
    """Where a bill stands; derived from its amounts, never stored."""

    DRAFT = "DRAFT"
    ISSUED = "ISSUED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"


class IntentState(StrEnum):
    """Where an intent stands at a moment; derived, never stored."""

    QR_ISSUED = "QR_ISSUED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One service or medicine with its payers; total = fund + patient + other funding, whole dong."""

    line_id: str
    display_name: str
    total_vnd: int
    fund_vnd: int
    patient_vnd: int
    other_funding_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one visit costs and who paid."""

    citizen_id: str
    visit_id: str
    facility_code: str
    split: str
    """Name of the cost split behind the shares, or empty."""
    lines: tuple[BillLine, ...]
    total_vnd: int
    fund_vnd: int
    patient_vnd: int
    other_funding_vnd: int
    paid_vnd: int
    """What was applied of the patient's part."""
    open_time: datetime
    issue_time: datetime | None

    @property
    def due_vnd(self) -> int:
        """What the patient still owes, at least 0."""
        return self.patient_vnd - self.paid_vnd

    @property
    def state(self) -> BillState:
        """Where it stands."""
        if self.issue_time is None:
            return BillState.DRAFT
        if self.due_vnd == 0:
            return BillState.PAID
        return BillState.PARTIALLY_PAID if self.paid_vnd else BillState.ISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A request to pay, shown as VietQR."""

    intent_id: str
    citizen_id: str
    visit_id: str
    facility_code: str
    account: str
    """Payee: the facility's own account number."""
    amount_vnd: int
    reference_code: str
    payloads: tuple[str, ...]
    received_vnd: int
    create_time: datetime
    expire_time: datetime
    traceparent: str
    """Trace of the journey that asked for the money; the payment continues it."""

    def state(self, now: datetime) -> IntentState:
        """Where it stands at a moment."""
        if self.received_vnd > self.amount_vnd:
            return IntentState.OVERPAID
        if self.received_vnd == self.amount_vnd:
            return IntentState.PAID
        if self.received_vnd:
            return IntentState.PARTIALLY_PAID
        return IntentState.EXPIRED if now >= self.expire_time else IntentState.QR_ISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A numbered paper (phiếu thu) for one collection."""

    receipt_id: str
    citizen_id: str
    visit_id: str
    facility_code: str
    year: int
    serial: int
    """Gapless from 1 within facility and Vietnamese calendar year."""
    amount_vnd: int
    collection_id: str
    issue_time: datetime

    @property
    def number(self) -> str:
        """As printed, `PT26-000001`."""
        return f"PT{self.year % 100:02d}-{self.serial:06d}"


def check_lines(lines: Sequence[BillLine]) -> None:
    """Refuse lines whose payer shares do not make up their totals.

    Raises:
        TooManyLines, SharesDoNotAddUp, AmountTooLarge.
    Source: QĐ 4750/QĐ-BYT, line identity THANH_TIEN_BV = T_BHTT + T_BNCCT + T_BNTT + T_NGUONKHAC; the claim's
        header may differ from the sum of lines when a donor pays, so shares are taken from lines alone.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise TooManyLines(len(lines), LINES_MAX)
    for index, line in enumerate(lines):
        shares = (line.fund_vnd, line.patient_vnd, line.other_funding_vnd)
        difference_vnd = line.total_vnd - sum(shares)
        if difference_vnd or min(shares) < 0:
            raise SharesDoNotAddUp(line_index=index, difference_vnd=difference_vnd)
    if sum(line.total_vnd for line in lines) > MAX_AMOUNT_VND:
        raise AmountTooLarge(MAX_AMOUNT_VND)


def issue(bill: Bill, *, lines: Sequence[BillLine], split: str, issue_time: datetime) -> Bill:
    """The issued form of a draft; raises as check_lines does."""
    assert bill.issue_time is None, "an issued bill does not change"
    check_lines(lines)
    issued = replace(
        bill,
        lines=tuple(lines),
        split=split,
        total_vnd=sum(line.total_vnd for line in lines),
        fund_vnd=sum(line.fund_vnd for line in lines),
        patient_vnd=sum(line.patient_vnd for line in lines),
        other_funding_vnd=sum(line.other_funding_vnd for line in lines),
        issue_time=issue_time,
    )
    assert issued.total_vnd == issued.fund_vnd + issued.patient_vnd + issued.other_funding_vnd
    return issued
