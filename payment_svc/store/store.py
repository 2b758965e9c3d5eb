"""Bills, money and the ledger: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, optional_text, optional_time, to_text, to_time
from payment_svc.domain.bills import Bill, BillLine, Intent, Receipt
from payment_svc.domain.days import business_date
from payment_svc.domain.errors import LedgerOutOfBalance
from payment_svc.domain.ledger import Account, Transfer, require_zero
from payment_svc.domain.money import AnswerCode, BankEvent, Collection, EventOutcome, Proof, Verdict
from payment_svc.domain.statement import squeeze

QUERIES = Path(__file__).with_name("queries.sql")
INTENTS_MAX = 200
RECEIPTS_MAX = 500
COLLECTIONS_MAX = 500
OPEN_MAX = 500_000
"""Unproved sums or open lines that one reconciliation takes."""
_LINE_FIELDS = ("line_id", "display_name", "total_vnd", "fund_vnd", "patient_vnd", "other_funding_vnd")


class PaymentStore:
    """Reads and writes bills and money; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher, hashes: LookupHash) -> None:
        self._cipher = cipher
        self._hashes = hashes

    def text_hash(self, text: str) -> bytes:
        """The keyed hash that is equal for two forms of one transfer text; empty for an empty text."""
        squeezed = squeeze(text)
        return self._hashes.of("TRANSFER_TEXT", squeezed) if squeezed else b""

    # Bills

    async def read_bill(self, tx: Tx, visit_id: str) -> Bill | None:
        """The bill of a visit, or None."""
        row = await tx.one("payment_read_bill", visit_id=visit_id)
        return None if row is None else self._bill(row)

    async def add_bill(
        self, tx: Tx, *, visit_id: str, citizen_id: str, facility_code: str, now: datetime
    ) -> bool:
        """Open a draft; False when the visit has a bill already."""
        claimed = await tx.execute(
            "payment_claim_visit", visit_id=visit_id, citizen_id=citizen_id, facility_code=facility_code
        )
        if claimed == 0:
            return False
        await tx.execute(
            "payment_add_bill",
            citizen_id=citizen_id,
            visit_id=visit_id,
            facility_code=facility_code,
            split="",
            lines_sealed=self._seal_lines((), visit_id),
            open_time=to_text(now),
        )
        return True

    async def issue_bill(self, tx: Tx, bill: Bill) -> None:
        """Write the issued form of a draft."""
        changed = await tx.execute(
            "payment_issue_bill",
            citizen_id=bill.citizen_id,
            visit_id=bill.visit_id,
            split=bill.split,
            lines_sealed=self._seal_lines(bill.lines, bill.visit_id),
            total_vnd=bill.total_vnd,
            fund_vnd=bill.fund_vnd,
            patient_vnd=bill.patient_vnd,
            other_funding_vnd=bill.other_funding_vnd,
            issue_time=optional_text(bill.issue_time),
        )
        assert changed == 1, "the draft was read in this transaction"

    async def pay_bill(self, tx: Tx, bill: Bill, amount_vnd: int) -> None:
        """Apply money to a bill; the ledger must say the same afterwards.

        Raises:
            LedgerOutOfBalance: the receivable in the books is not what the bill says is due.
        """
        key = {"citizen_id": bill.citizen_id, "visit_id": bill.visit_id}
        await tx.execute("payment_pay_bill", **key, amount_vnd=amount_vnd)
        row = await tx.one("payment_receivable_of_visit", visit_id=bill.visit_id)
        if row is None or row["balance_vnd"] != bill.due_vnd - amount_vnd:
            raise LedgerOutOfBalance("receivable")

    # Intents and receipts

    async def add_intent(self, tx: Tx, intent: Intent) -> bool:
        """Ask for money; False when the reference code is taken."""
        claimed = await tx.execute(
            "payment_claim_reference",
            reference_code=intent.reference_code,
            citizen_id=intent.citizen_id,
            intent_id=intent.intent_id,
        )
        if claimed == 0:
            return False
        await tx.execute(
            "payment_add_intent",
            citizen_id=intent.citizen_id,
            intent_id=intent.intent_id,
            visit_id=intent.visit_id,
            facility_code=intent.facility_code,
            account=intent.account,
            amount_vnd=intent.amount_vnd,
            reference_code=intent.reference_code,
            payloads=json.dumps(intent.payloads),
            create_time=to_text(intent.create_time),
            expire_time=to_text(intent.expire_time),
            traceparent=intent.traceparent,
        )
        return True

    async def list_intents(self, tx: Tx, bill: Bill) -> list[Intent]:
        """The intents of a bill, oldest first."""
        rows = await tx.all(
            "payment_list_intents", citizen_id=bill.citizen_id, visit_id=bill.visit_id, page_size=INTENTS_MAX
        )
        return [_intent(row) for row in rows]

    async def find_intent(self, tx: Tx, reference_code: str) -> Intent | None:
        """The intent a reference code means, or None."""
        row = await tx.one("payment_read_intent_by_reference", reference_code=reference_code)
        return None if row is None else _intent(row)

    async def receive_on_intent(self, tx: Tx, intent: Intent, amount_vnd: int) -> None:
        """Note what came on an intent."""
        await tx.execute(
            "payment_receive_on_intent",
            citizen_id=intent.citizen_id,
            intent_id=intent.intent_id,
            amount_vnd=amount_vnd,
        )

    async def next_serial(self, tx: Tx, *, facility_code: str, year: int) -> int:
        """The next receipt number; taken only if the transaction is kept, so there is no gap."""
        rows = await tx.all("payment_next_serial", facility_code=facility_code, year=year)
        return int(rows[0]["last_serial"])

    async def add_receipt(self, tx: Tx, receipt: Receipt) -> None:
        """Issue a receipt under its number."""
        number = {"facility_code": receipt.facility_code, "year": receipt.year, "serial": receipt.serial}
        await tx.execute("payment_claim_number", **number, receipt_id=receipt.receipt_id)
        await tx.execute(
            "payment_add_receipt",
            **number,
            citizen_id=receipt.citizen_id,
            receipt_id=receipt.receipt_id,
            visit_id=receipt.visit_id,
            amount_vnd=receipt.amount_vnd,
            collection_id=receipt.collection_id,
            issue_time=to_text(receipt.issue_time),
        )

    async def list_receipts(self, tx: Tx, bill: Bill) -> list[Receipt]:
        """The receipts of a bill, oldest first."""
        rows = await tx.all(
            "payment_list_receipts",
            citizen_id=bill.citizen_id,
            visit_id=bill.visit_id,
            page_size=RECEIPTS_MAX,
        )
        return [_receipt(row) for row in rows]

    # Money that came

    async def read_event(self, tx: Tx, event_id: str) -> BankEvent | None:
        """A notification with its first outcome, or None."""
        row = await tx.one("payment_read_event", event_id=event_id)
        return None if row is None else _event(row)

    async def add_event(self, tx: Tx, event: BankEvent, *, provider: str, raw: bytes, now: datetime) -> None:
        """Keep a notification; its bytes are sealed, they hold a payer's name."""
        await tx.execute(
            "payment_add_event",
            event_id=event.event_id,
            provider=provider,
            facility_code=event.facility_code,
            verdict=event.verdict.value,
            raw_sealed=self._cipher.seal(raw, place=f"bank_event|raw|{event.event_id}"),
            amount_vnd=event.amount_vnd,
            outcome=event.outcome.value,
            answer_code=event.answer_code.value,
            visit_id=event.visit_id,
            collection_id=event.collection_id,
            receive_time=to_text(now),
        )

    async def add_collection(self, tx: Tx, item: Collection) -> None:
        """Record money that came."""
        await tx.execute(
            "payment_add_collection",
            collection_id=item.collection_id,
            facility_code=item.facility_code,
            account=item.account,
            visit_id=item.visit_id,
            intent_id=item.intent_id,
            event_id=item.event_id,
            line_id=item.line_id,
            bank_reference=item.bank_reference,
            text_hash=item.text_hash,
            amount_vnd=item.amount_vnd,
            applied_vnd=item.applied_vnd,
            unapplied_vnd=item.unapplied_vnd,
            refund_vnd=item.refund_vnd,
            paid_time=to_text(item.paid_time),
            paid_date=date_to_text(business_date(item.paid_time)),
        )

    async def read_collection(self, tx: Tx, collection_id: str) -> Collection | None:
        """One sum of money, or None."""
        row = await tx.one("payment_read_collection", collection_id=collection_id)
        return None if row is None else _collection(row)

    async def find_posted_from_line(
        self, tx: Tx, *, account: str, bank_reference: str, intent_id: str, amount_vnd: int
    ) -> Collection | None:
        """Money the statement told of before this notification, or None."""
        row = await tx.one(
            "payment_find_posted_from_line",
            account=account,
            bank_reference=bank_reference,
            intent_id=intent_id,
            amount_vnd=amount_vnd,
        )
        return None if row is None else _collection(row)

    async def claim_for_event(self, tx: Tx, *, collection_id: str, event_id: str) -> None:
        """Tie a late notification to the money it tells of."""
        changed = await tx.execute("payment_claim_for_event", collection_id=collection_id, event_id=event_id)
        assert changed == 1, "the collection was read without a notification in this transaction"

    async def list_unproved(self, tx: Tx, account: str) -> list[Collection]:
        """Money no statement line has proved yet."""
        rows = await tx.all("payment_list_unproved", account=account, page_size=OPEN_MAX)
        return [_collection(row) for row in rows]

    async def list_overdue(self, tx: Tx, *, account: str, last_date: str) -> list[Collection]:
        """Unproved money of covered days up to last_date (`YYYY-MM-DD`)."""
        rows = await tx.all("payment_list_overdue", account=account, last_date=last_date, page_size=OPEN_MAX)
        return [_collection(row) for row in rows]

    async def collections_of(self, tx: Tx, bill: Bill) -> list[Collection]:
        """Money that was paid for a bill or applied to it."""
        rows = await tx.all(
            "payment_collections_of_visit",
            visit_id=bill.visit_id,
            citizen_id=bill.citizen_id,
            page_size=COLLECTIONS_MAX,
        )
        return [_collection(row) for row in rows]

    async def move_unapplied(self, tx: Tx, collection_id: str, *, applied_vnd: int, refund_vnd: int) -> None:
        """Move waiting money to a bill or to refunds."""
        await tx.execute(
            "payment_move_unapplied",
            collection_id=collection_id,
            applied_vnd=applied_vnd,
            refund_vnd=refund_vnd,
        )

    async def name_collection(self, tx: Tx, collection_id: str, *, visit_id: str, intent_id: str) -> None:
        """Say which bill and intent money without a bill was for."""
        await tx.execute(
            "payment_name_collection", collection_id=collection_id, visit_id=visit_id, intent_id=intent_id
        )

    async def prove_all(self, tx: Tx, proofs: Sequence[Proof]) -> None:
        """Statement lines showed money; what was proved before stays as it is."""
        if proofs:
            await tx.execute_many("payment_prove_collection", [asdict(proof) for proof in proofs])

    # The ledger

    async def book(self, tx: Tx, transfer: Transfer | None) -> None:
        """Write a movement; None moves nothing. Raises as book_all does."""
        if transfer is not None:
            await self.book_all(tx, [transfer])

    async def book_all(self, tx: Tx, transfers: Sequence[Transfer]) -> None:
        """Write movements and their postings.

        Raises:
            LedgerOutOfBalance: the postings of one do not sum to zero.
            UniqueViolated: the cause of one was posted before.
        """
        if not transfers:
            return
        for each in transfers:
            require_zero((posting.amount_vnd for posting in each.postings), what=each.kind)
        await tx.execute_many(
            "payment_add_transfer",
            [
                {
                    "transfer_id": each.transfer_id,
                    "facility_code": each.facility_code,
                    "kind": each.kind,
                    "book_time": to_text(each.book_time),
                }
                for each in transfers
            ],
        )
        await tx.execute_many(
            "payment_add_posting",
            [
                {
                    "transfer_id": each.transfer_id,
                    "position": position,
                    "facility_code": each.facility_code,
                    "account_code": posting.account.value,
                    "visit_id": posting.visit_id,
                    "amount_vnd": posting.amount_vnd,
                }
                for each in transfers
                for position, posting in enumerate(each.postings)
            ],
        )

    async def balances(self, tx: Tx, facility_code: str) -> dict[Account, int]:
        """Debit minus credit of each account of a facility; raises LedgerOutOfBalance unless they sum to zero."""
        rows = await tx.all("payment_balances", facility_code=facility_code)
        found = {Account(row["account_code"]): int(row["balance_vnd"]) for row in rows}
        require_zero(found.values(), what="facility")
        return {account: found.get(account, 0) for account in Account}

    def _seal_lines(self, lines: Sequence[BillLine], visit_id: str) -> bytes:
        # One sealed text a bill: what was done to a patient is clinical, and 2,000 single fields are slow.
        rows = [[getattr(line, name) for name in _LINE_FIELDS] for line in lines]
        return self._cipher.seal(json.dumps(rows, ensure_ascii=False), place=f"bill|lines|{visit_id}")

    def _bill(self, row: Row) -> Bill:
        opened = self._cipher.open_text(row["lines_sealed"], place=f"bill|lines|{row['visit_id']}")
        lines = tuple(BillLine(**dict(zip(_LINE_FIELDS, item, strict=True))) for item in json.loads(opened))
        bill = Bill(
            citizen_id=row["citizen_id"],
            visit_id=row["visit_id"],
            facility_code=row["facility_code"],
            split=row["split"],
            lines=lines,
            total_vnd=row["total_vnd"],
            fund_vnd=row["fund_vnd"],
            patient_vnd=row["patient_vnd"],
            other_funding_vnd=row["other_funding_vnd"],
            paid_vnd=row["paid_vnd"],
            open_time=to_time(row["open_time"]),
            issue_time=optional_time(row["issue_time"]),
        )
        # Checked again after reading: sealed lines and plain totals are two copies of one truth.
        if bill.patient_vnd != sum(line.patient_vnd for line in lines) or bill.due_vnd < 0:
            raise LedgerOutOfBalance("bill")
        return bill


def _intent(row: Row) -> Intent:
    return Intent(
        intent_id=row["intent_id"],
        citizen_id=row["citizen_id"],
        visit_id=row["visit_id"],
        facility_code=row["facility_code"],
        account=row["account"],
        amount_vnd=row["amount_vnd"],
        reference_code=row["reference_code"],
        payloads=tuple(json.loads(row["payloads"])),
        received_vnd=row["received_vnd"],
        create_time=to_time(row["create_time"]),
        expire_time=to_time(row["expire_time"]),
        traceparent=row["traceparent"],
    )


def _receipt(row: Row) -> Receipt:
    return Receipt(
        receipt_id=row["receipt_id"],
        citizen_id=row["citizen_id"],
        visit_id=row["visit_id"],
        facility_code=row["facility_code"],
        year=row["year"],
        serial=row["serial"],
        amount_vnd=row["amount_vnd"],
        collection_id=row["collection_id"],
        issue_time=to_time(row["issue_time"]),
    )


def _event(row: Row) -> BankEvent:
    return BankEvent(
        event_id=row["event_id"],
        facility_code=row["facility_code"],
        verdict=Verdict(row["verdict"]),
        amount_vnd=row["amount_vnd"],
        outcome=EventOutcome(row["outcome"]),
        answer_code=AnswerCode(row["answer_code"]),
        visit_id=row["visit_id"],
        collection_id=row["collection_id"],
    )


def _collection(row: Row) -> Collection:
    return Collection(
        collection_id=row["collection_id"],
        facility_code=row["facility_code"],
        account=row["account"],
        visit_id=row["visit_id"],
        intent_id=row["intent_id"],
        event_id=row["event_id"],
        line_id=row["line_id"],
        bank_reference=row["bank_reference"],
        text_hash=bytes(row["text_hash"]),
        amount_vnd=row["amount_vnd"],
        applied_vnd=row["applied_vnd"],
        unapplied_vnd=row["unapplied_vnd"],
        refund_vnd=row["refund_vnd"],
        confirmed_vnd=row["confirmed_vnd"],
        paid_time=to_time(row["paid_time"]),
        match_group=row["match_group"],
    )
