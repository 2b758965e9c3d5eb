"""Decides where incoming money goes: to the bill, to unapplied receipts, or to refunds payable."""

from __future__ import annotations

from dataclasses import dataclass

from payment_svc.domain.breaks import BreakCode
from payment_svc.domain.ledger import MAX_AMOUNT_VND


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Where one amount goes; the three parts add up to it."""

    applied_vnd: int
    unapplied_vnd: int
    refund_vnd: int
    codes: tuple[BreakCode, ...]
    """Breaks it means, in a fixed order."""


def settle(*, amount_vnd: int, due_vnd: int | None, is_late: bool) -> Settlement:
    """Split money that came.

    Args:
        amount_vnd: What came, above 0.
        due_vnd: What the bill still wants, at least 0; None when no bill was found.
        is_late: The intent had expired when the money came.
    Returns:
        Up to what is due goes to the bill, even when late; the rest waits as unapplied (AMOUNT_OVER). A bill that
        wants nothing sends all of it to refunds payable (DUPLICATE_PAYMENT). Without a bill all of it is unapplied.
    """
    assert 0 < amount_vnd <= MAX_AMOUNT_VND, amount_vnd
    assert due_vnd is None or due_vnd >= 0, due_vnd
    if due_vnd is None:
        return Settlement(
            applied_vnd=0, unapplied_vnd=amount_vnd, refund_vnd=0, codes=(BreakCode.UNIDENTIFIED_RECEIPT,)
        )
    if due_vnd == 0:
        return Settlement(
            applied_vnd=0, unapplied_vnd=0, refund_vnd=amount_vnd, codes=(BreakCode.DUPLICATE_PAYMENT,)
        )
    applied_vnd = min(amount_vnd, due_vnd)
    over = (BreakCode.AMOUNT_OVER,) if amount_vnd > due_vnd else ()
    late = (BreakCode.LATE_PAYMENT,) if is_late else ()
    return Settlement(
        applied_vnd=applied_vnd, unapplied_vnd=amount_vnd - applied_vnd, refund_vnd=0, codes=(*over, *late)
    )
