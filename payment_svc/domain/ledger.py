"""The double-entry ledger: accounts, transfers that never change, postings that sum to zero."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payment_svc.domain.errors import LedgerOutOfBalance

MAX_AMOUNT_VND = 10**15
"""Above any bill or statement line we can meet, and far below what 64 bits hold."""
_NAMESPACE = uuid.UUID("5d3c1c80-6b0f-5b8e-9a51-6c69656e7468")


class Account(StrEnum):
    """Ledger accounts; each facility has its own set."""

    BANK = "BANK"
    BANK_CLEARING = "BANK_CLEARING"
    PATIENT_RECEIVABLE = "PATIENT_RECEIVABLE"
    FUND_RECEIVABLE = "FUND_RECEIVABLE"
    OTHER_FUNDING_RECEIVABLE = "OTHER_FUNDING_RECEIVABLE"
    UNAPPLIED_RECEIPTS = "UNAPPLIED_RECEIPTS"
    REFUNDS_PAYABLE = "REFUNDS_PAYABLE"
    REVENUE = "REVENUE"


ACCOUNT_NAMES_VI = {
    Account.BANK: "Tiền gửi ngân hàng",
    Account.BANK_CLEARING: "Tiền đang chuyển",
    Account.PATIENT_RECEIVABLE: "Phải thu người bệnh",
    Account.FUND_RECEIVABLE: "Phải thu quỹ bảo hiểm y tế",
    Account.OTHER_FUNDING_RECEIVABLE: "Phải thu nguồn khác",
    Account.UNAPPLIED_RECEIPTS: "Tiền thu chưa xác định",
    Account.REFUNDS_PAYABLE: "Phải trả lại",
    Account.REVENUE: "Doanh thu khám, chữa bệnh",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One side of a transfer."""

    account: Account
    amount_vnd: int
    """Debit above 0, credit below 0; never 0."""
    visit_id: str = ""
    """Sub-account: the bill this receivable belongs to, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A movement of money in our books; corrected by another one, never changed."""

    transfer_id: str
    """Derived from what caused it, so that one cause posts once."""
    facility_code: str
    kind: str
    book_time: datetime
    postings: tuple[Posting, ...]


def derived_id(kind: str, *parts: str) -> str:
    """The id that a cause always leads to: 32 hex digits of a name-based UUID (version 5)."""
    assert kind, "an id is derived for a kind of thing"
    return uuid.uuid5(_NAMESPACE, "\x1f".join((kind, *parts))).hex


def require_zero(amounts_vnd: Iterable[int], *, what: str) -> None:
    """Refuse amounts that do not sum to zero.

    Raises:
        LedgerOutOfBalance: called before a transfer is written and after balances are read.
    """
    if sum(amounts_vnd) != 0:
        raise LedgerOutOfBalance(what)


def transfer(
    kind: str, *cause: str, facility_code: str, book_time: datetime, postings: Sequence[Posting]
) -> Transfer | None:
    """A balanced transfer whose id is derived from its kind and cause; None where nothing moves.

    Raises:
        LedgerOutOfBalance: the postings do not sum to zero, or one is beyond MAX_AMOUNT_VND.
    """
    moving = tuple(posting for posting in postings if posting.amount_vnd)
    if not moving:
        return None
    require_zero((posting.amount_vnd for posting in moving), what=kind)
    if any(abs(posting.amount_vnd) > MAX_AMOUNT_VND for posting in moving):
        raise LedgerOutOfBalance(kind)
    return Transfer(
        transfer_id=derived_id(kind, *cause),
        facility_code=facility_code,
        kind=kind,
        book_time=book_time,
        postings=moving,
    )


def issue_postings(*, visit_id: str, fund_vnd: int, patient_vnd: int, other_vnd: int) -> tuple[Posting, ...]:
    """An issued bill: each payer owes their share, all of it is revenue."""
    return (
        Posting(account=Account.PATIENT_RECEIVABLE, amount_vnd=patient_vnd, visit_id=visit_id),
        Posting(account=Account.FUND_RECEIVABLE, amount_vnd=fund_vnd, visit_id=visit_id),
        Posting(account=Account.OTHER_FUNDING_RECEIVABLE, amount_vnd=other_vnd, visit_id=visit_id),
        Posting(account=Account.REVENUE, amount_vnd=-(fund_vnd + patient_vnd + other_vnd), visit_id=visit_id),
    )


def receive_postings(
    *, visit_id: str, applied_vnd: int, unapplied_vnd: int, refund_vnd: int
) -> tuple[Posting, ...]:
    """Money the bank told of, not yet seen on a statement."""
    return (
        Posting(account=Account.BANK_CLEARING, amount_vnd=applied_vnd + unapplied_vnd + refund_vnd),
        Posting(account=Account.PATIENT_RECEIVABLE, amount_vnd=-applied_vnd, visit_id=visit_id),
        Posting(account=Account.UNAPPLIED_RECEIPTS, amount_vnd=-unapplied_vnd),
        Posting(account=Account.REFUNDS_PAYABLE, amount_vnd=-refund_vnd),
    )


def confirm_postings(amount_vnd: int) -> tuple[Posting, ...]:
    """A statement line shows the money: it is in the bank now."""
    return (
        Posting(account=Account.BANK, amount_vnd=amount_vnd),
        Posting(account=Account.BANK_CLEARING, amount_vnd=-amount_vnd),
    )


def apply_postings(*, visit_id: str, amount_vnd: int) -> tuple[Posting, ...]:
    """Unidentified money found its bill."""
    return (
        Posting(account=Account.UNAPPLIED_RECEIPTS, amount_vnd=amount_vnd),
        Posting(account=Account.PATIENT_RECEIVABLE, amount_vnd=-amount_vnd, visit_id=visit_id),
    )


def refund_postings(amount_vnd: int) -> tuple[Posting, ...]:
    """Unidentified money goes back."""
    return (
        Posting(account=Account.UNAPPLIED_RECEIPTS, amount_vnd=amount_vnd),
        Posting(account=Account.REFUNDS_PAYABLE, amount_vnd=-amount_vnd),
    )
