"""How money is booked, whichever way it was learned of: steps that operations share inside their transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.db import Tx
from payment_svc.domain.bills import Bill, Intent, Receipt
from payment_svc.domain.breaks import Break, BreakCode, Resolution
from payment_svc.domain.days import business_date
from payment_svc.domain.ledger import (
    apply_postings,
    derived_id,
    receive_postings,
    refund_postings,
    transfer,
)
from payment_svc.domain.money import Collection, IncomingMoney
from payment_svc.domain.settlement import Settlement, settle
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import PaymentStore

_INFORMATION = frozenset({BreakCode.LATE_PAYMENT, BreakCode.MISSING_IN_LEDGER})
"""Kinds that tell what the system did by itself; nobody has to act."""
_OF_A_LINE = frozenset({BreakCode.UNIDENTIFIED_RECEIPT, BreakCode.AMBIGUOUS, BreakCode.AMOUNT_MISMATCH})
"""Kinds that keep a statement line open until they are resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Money as booked."""

    collection: Collection
    settlement: Settlement
    bill: Bill | None
    open_break_count: int


class Collecting:
    """Books money that came; each method runs inside the caller's transaction."""

    def __init__(self, store: PaymentStore, statements: StatementStore) -> None:
        self._store = store
        self._statements = statements

    async def receive(
        self,
        tx: Tx,
        money: IncomingMoney,
        *,
        intent: Intent | None,
        is_late: bool,
        now: datetime,
        unknown_code: BreakCode = BreakCode.UNIDENTIFIED_RECEIPT,
    ) -> Received:
        """Book money for an intent's bill, or as unidentified, with its receipt and breaks.

        Args:
            unknown_code: The break of money without an intent.
        """
        bill = await self._store.read_bill(tx, intent.visit_id) if intent else None
        split = settle(amount_vnd=money.amount_vnd, due_vnd=bill.due_vnd if bill else None, is_late=is_late)
        item = Collection(
            collection_id=money.collection_id,
            facility_code=money.facility_code,
            account=money.account,
            visit_id=bill.visit_id if bill else "",
            intent_id=intent.intent_id if intent else "",
            event_id=money.event_id,
            line_id=money.line_id,
            bank_reference=money.bank_reference,
            text_hash=money.text_hash,
            amount_vnd=money.amount_vnd,
            applied_vnd=split.applied_vnd,
            unapplied_vnd=split.unapplied_vnd,
            refund_vnd=split.refund_vnd,
            confirmed_vnd=0,
            paid_time=money.paid_time,
            match_group="",
        )
        await self._store.add_collection(tx, item)
        postings = receive_postings(
            visit_id=item.visit_id,
            applied_vnd=split.applied_vnd,
            unapplied_vnd=split.unapplied_vnd,
            refund_vnd=split.refund_vnd,
        )
        await self._store.book(
            tx,
            transfer(
                "receive",
                item.collection_id,
                facility_code=item.facility_code,
                book_time=now,
                postings=postings,
            ),
        )
        if intent is not None:
            await self._store.receive_on_intent(tx, intent, money.amount_vnd)
        if bill is not None and split.applied_vnd:
            await self._store.pay_bill(tx, bill, split.applied_vnd)
            await self.issue_receipt(
                tx, bill, amount_vnd=split.applied_vnd, collection_id=item.collection_id, now=now
            )
        opened = 0
        for code in split.codes:
            told = unknown_code if code is BreakCode.UNIDENTIFIED_RECEIPT else code
            opened += await self.open_break(tx, told, item, cause=item.collection_id, now=now)
        return Received(collection=item, settlement=split, bill=bill, open_break_count=opened)

    async def issue_receipt(
        self, tx: Tx, bill: Bill, *, amount_vnd: int, collection_id: str, now: datetime
    ) -> None:
        """Issue the numbered receipt for one application of money to a bill."""
        year = business_date(now).year
        serial = await self._store.next_serial(tx, facility_code=bill.facility_code, year=year)
        await self._store.add_receipt(
            tx,
            Receipt(
                receipt_id=derived_id("receipt", bill.facility_code, str(year), str(serial)),
                citizen_id=bill.citizen_id,
                visit_id=bill.visit_id,
                facility_code=bill.facility_code,
                year=year,
                serial=serial,
                amount_vnd=amount_vnd,
                collection_id=collection_id,
                issue_time=now,
            ),
        )

    async def apply(self, tx: Tx, item: Collection, bill: Bill, *, cause: str, now: datetime) -> int:
        """Apply waiting money to a bill up to what is due, with a receipt; returns what was applied, above 0."""
        amount_vnd = min(item.unapplied_vnd, bill.due_vnd)
        assert amount_vnd > 0, "the caller checked that there is money and debt"
        postings = apply_postings(visit_id=bill.visit_id, amount_vnd=amount_vnd)
        await self._store.book(
            tx, transfer("apply", cause, facility_code=item.facility_code, book_time=now, postings=postings)
        )
        await self._store.move_unapplied(tx, item.collection_id, applied_vnd=amount_vnd, refund_vnd=0)
        await self._store.pay_bill(tx, bill, amount_vnd)
        await self.issue_receipt(tx, bill, amount_vnd=amount_vnd, collection_id=item.collection_id, now=now)
        return amount_vnd

    async def refund(self, tx: Tx, item: Collection, *, cause: str, now: datetime) -> None:
        """Put all of waiting money into refunds payable."""
        await self._store.book(
            tx,
            transfer(
                "refund",
                cause,
                facility_code=item.facility_code,
                book_time=now,
                postings=refund_postings(item.unapplied_vnd),
            ),
        )
        await self._store.move_unapplied(tx, item.collection_id, applied_vnd=0, refund_vnd=item.unapplied_vnd)

    async def open_break(
        self,
        tx: Tx,
        code: BreakCode,
        item: Collection,
        *,
        cause: str,
        now: datetime,
        amount_vnd: int | None = None,
        line_id: str | None = None,
    ) -> int:
        """Open a break about some money, once for its cause; 1 when it is new and somebody has to act.

        Args:
            amount_vnd: Money at risk; by default what the kind of break puts at risk.
        """
        is_information = code in _INFORMATION
        at_risk_vnd = {
            BreakCode.AMOUNT_OVER: item.unapplied_vnd,
            BreakCode.DUPLICATE_PAYMENT: item.refund_vnd,
        }.get(code, item.amount_vnd)
        added = await self._statements.add_break(
            tx,
            Break(
                break_id=derived_id("break", code.value, cause),
                facility_code=item.facility_code,
                code=code,
                amount_vnd=at_risk_vnd if amount_vnd is None else amount_vnd,
                account=item.account,
                bank_reference=item.bank_reference,
                visit_id=item.visit_id,
                collection_id=item.collection_id,
                create_time=now,
                resolution=Resolution.AUTO_CLEARED if is_information else Resolution.NONE,
                resolve_time=now if is_information else None,
            ),
            line_id=(item.line_id if line_id is None else line_id) if code in _OF_A_LINE else "",
        )
        return int(added and not is_information)
