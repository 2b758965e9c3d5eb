"""Opening, issuing and reading bills, and asking for what is due."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id, traceparent
from payment_svc.domain.bills import Bill, BillLine, BillState, Intent, IntentState, Receipt, issue
from payment_svc.domain.errors import (
    BillAlreadyIssued,
    BillNotFound,
    BillNotIssued,
    BillOfOtherCitizen,
    NoBankAccount,
    NothingDue,
)
from payment_svc.domain.ledger import issue_postings, transfer
from payment_svc.domain.money import Collection
from payment_svc.domain.payees import Payee, Payees
from payment_svc.store.store import PaymentStore
from standards.payment_reference import make_reference
from standards.vietqr import make_transfer_code, split_transfers

SERVICE_ROLE = "SERVICE"
REFERENCE_TRIES_MAX = 5
"""Codes clash once in 8.5e11; five clashes in a row mean a broken source of ids."""


class ReferenceCodesExhausted(RuntimeError):
    """Every code that was tried is taken: the source of ids is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillView:
    """A bill with everything that was asked for and came."""

    bill: Bill
    intents: tuple[Intent, ...]
    receipts: tuple[Receipt, ...]
    collections: tuple[Collection, ...]

    @property
    def is_reconciled(self) -> bool:
        """Whether every dong that came is proved by a statement line; a bill that wants nothing needs no proof."""
        if self.bill.issue_time is None:
            return False
        if not self.collections:
            return self.bill.patient_vnd == 0
        return all(item.is_confirmed for item in self.collections)

    def is_confirmed(self, intent: Intent) -> bool:
        """Whether money came on an intent and all of it is proved by statement lines."""
        items = [item for item in self.collections if item.intent_id == intent.intent_id]
        return bool(items) and all(item.is_confirmed for item in items)


class BillOperations:
    """The verbs about bills."""

    def __init__(
        self,
        db: Database,
        store: PaymentStore,
        *,
        payees: Payees,
        intent_expiry: timedelta,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._payees = payees
        self._intent_expiry = intent_expiry
        self._clock = clock
        self._ids = ids

    async def open_bill(self, caller: Caller, key: RequestKey, *, visit_id: str, citizen_id: str) -> BillView:
        """Open the draft of a visit, or answer the bill that exists.

        Raises:
            BillNotFound: the visit's bill is another facility's.
            BillOfOtherCitizen: the visit's bill is another citizen's.
        """

        async def work(tx: Tx) -> BillView:
            if await recall(tx, key, result=visit_id, keep="forever") is None:
                bill = await self._open(tx, caller, visit_id=visit_id, citizen_id=citizen_id)
                if bill.issue_time is None:
                    # Nothing can be asked for or received on a draft, so nothing of it need be read.
                    return BillView(bill=bill, intents=(), receipts=(), collections=())
            return await self._view(tx, caller, visit_id)

        return await self._db.write(work)

    async def issue_bill(
        self,
        caller: Caller,
        key: RequestKey,
        *,
        visit_id: str,
        citizen_id: str,
        split: str,
        lines: Sequence[BillLine],
    ) -> BillView:
        """Issue the bill with its lines and post it; opens it first when it does not exist.

        Raises:
            BillAlreadyIssued, BillNotFound, BillOfOtherCitizen, SharesDoNotAddUp, TooManyLines, AmountTooLarge.
        """

        async def work(tx: Tx) -> BillView:
            if await recall(tx, key) is None:
                draft = await self._open(tx, caller, visit_id=visit_id, citizen_id=citizen_id)
                if draft.issue_time is not None:
                    raise BillAlreadyIssued
                bill = issue(draft, lines=lines, split=split, issue_time=self._clock.now())
                await self._post_issue(tx, bill)
                await self._note(tx, caller, "issue_bill", bill)
                await remember(tx, key, visit_id, "forever")
            return await self._view(tx, caller, visit_id)

        return await self._db.write(work)

    async def get_bill(self, caller: Caller, visit_id: str) -> BillView:
        """Read a bill; raises BillNotFound."""
        return await self._db.read(lambda tx: self._view(tx, caller, visit_id))

    async def create_intent(self, caller: Caller, key: RequestKey, *, visit_id: str) -> BillView:
        """Ask for what is still due; an open intent for the same amount is answered instead of a second one.

        Raises:
            BillNotFound, BillNotIssued, NothingDue, NoBankAccount.
        """

        async def work(tx: Tx) -> BillView:
            if await recall(tx, key) is None:
                bill = await self._bill(tx, caller, visit_id)
                await self._ask(tx, caller, bill)
                await remember(tx, key, visit_id, "forever")
            return await self._view(tx, caller, visit_id)

        return await self._db.write(work)

    async def _open(self, tx: Tx, caller: Caller, *, visit_id: str, citizen_id: str) -> Bill:
        added = await self._store.add_bill(
            tx, visit_id=visit_id, citizen_id=citizen_id, facility_code=caller.facility, now=self._clock.now()
        )
        bill = await self._bill(tx, caller, visit_id)
        if bill.citizen_id != citizen_id:
            raise BillOfOtherCitizen
        if added:
            await self._note(tx, caller, "open_bill", bill)
        return bill

    async def _post_issue(self, tx: Tx, bill: Bill) -> None:
        assert bill.issue_time is not None, "only an issued bill is posted"
        await self._store.issue_bill(tx, bill)
        postings = issue_postings(
            visit_id=bill.visit_id,
            fund_vnd=bill.fund_vnd,
            patient_vnd=bill.patient_vnd,
            other_vnd=bill.other_funding_vnd,
        )
        await self._store.book(
            tx,
            transfer(
                "issue",
                bill.visit_id,
                facility_code=bill.facility_code,
                book_time=bill.issue_time,
                postings=postings,
            ),
        )

    async def _ask(self, tx: Tx, caller: Caller, bill: Bill) -> None:
        if bill.state is BillState.DRAFT:
            raise BillNotIssued
        if bill.due_vnd == 0:
            raise NothingDue
        now = self._clock.now()
        for intent in await self._store.list_intents(tx, bill):
            if intent.state(now) is IntentState.QR_ISSUED and intent.amount_vnd == bill.due_vnd:
                return
        payee = self._payees.of(bill.facility_code)
        if payee is None:
            raise NoBankAccount(bill.facility_code)
        for _ in range(REFERENCE_TRIES_MAX):
            if await self._store.add_intent(tx, self._new_intent(bill, payee)):
                await self._note(tx, caller, "create_intent", bill)
                return
        raise ReferenceCodesExhausted

    def _new_intent(self, bill: Bill, payee: Payee) -> Intent:
        now = self._clock.now()
        intent_id = self._ids.new()
        # Ids sort by time, so their first half repeats; a name-based UUID spreads the seed.
        reference = make_reference(uuid.uuid5(uuid.NAMESPACE_OID, f"{bill.visit_id}/{intent_id}").bytes)
        payloads = tuple(
            make_transfer_code(
                payee_bin=payee.bank_bin,
                account_number=payee.account,
                amount_vnd=amount_vnd,
                reference=reference,
                bill_number=reference,
            )
            for amount_vnd in split_transfers(bill.due_vnd)
        )
        return Intent(
            intent_id=intent_id,
            citizen_id=bill.citizen_id,
            visit_id=bill.visit_id,
            facility_code=bill.facility_code,
            account=payee.account,
            amount_vnd=bill.due_vnd,
            reference_code=reference,
            payloads=payloads,
            received_vnd=0,
            create_time=now,
            expire_time=now + self._intent_expiry,
            traceparent=traceparent(),
        )

    async def _bill(self, tx: Tx, caller: Caller, visit_id: str) -> Bill:
        bill = await self._store.read_bill(tx, visit_id)
        if bill is None:
            raise BillNotFound
        # Another facility's bill is told apart from a missing one to nobody.
        if bill.facility_code != caller.facility and SERVICE_ROLE not in caller.roles:
            raise BillNotFound
        return bill

    async def _view(self, tx: Tx, caller: Caller, visit_id: str) -> BillView:
        bill = await self._bill(tx, caller, visit_id)
        return BillView(
            bill=bill,
            intents=tuple(await self._store.list_intents(tx, bill)),
            receipts=tuple(await self._store.list_receipts(tx, bill)),
            collections=tuple(await self._store.collections_of(tx, bill)),
        )

    async def _note(self, tx: Tx, caller: Caller, action: str, bill: Bill) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"visits/{bill.visit_id}/bill",
            caller=caller,
            outcome="ok",
            now=self._clock.now(),
            subject=bill.citizen_id,
            trace_id=current_trace_id(),
        )
