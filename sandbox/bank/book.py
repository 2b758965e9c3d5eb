"""The bank's book: accounts, booked transfers and QR invoices, kept in a journal file when one is given."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MAX_AMOUNT_VND = 99_999_999_999_999
"""What an MT940 amount can hold: 15 signs with its comma."""
MAX_TRANSACTIONS = 1_000_000


class BankRefusedError(ValueError):
    """The bank cannot do this; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of a facility."""

    number: str
    """Digits, at most 19."""
    owner: str
    """Upper case, no marks, as on statements."""
    facility_code: str
    opening_vnd: int
    """Balance before the first transfer the sandbox knows."""
    bank_bin: str = "970436"
    """Vietcombank's, from the State Bank's letter 1589/NHNN-TT of 5 March 2024; the account is invented."""


ACCOUNTS = (
    Account(number="1019999000001", owner="BENH VIEN A", facility_code="19999", opening_vnd=250_000_000),
    Account(number="1019998000001", owner="TRUNG TAM Y TE B", facility_code="19998", opening_vnd=80_000_000),
    Account(number="1019000101001", owner="TRAM Y TE XA C", facility_code="19T01", opening_vnd=5_000_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankTransaction:
    """One booked transfer."""

    sequence: int
    """1, 2, 3 … over all accounts, in order of booking."""
    reference: str
    """The bank's own reference, FT + 2-digit year + day of year + 9 digits."""
    request_id: str
    """Of the caller, or empty; the same one twice books once."""
    account: str
    is_credit: bool
    amount_vnd: int
    booked_time: datetime
    content: str
    """The transfer text as it reaches the payee, mangled or not."""
    payer_name: str
    payer_account: str
    invoice_id: str
    """Of the QR invoice it pays, or empty."""
    reverses: str = ""
    """Reference of the transfer it takes back, or empty."""

    @property
    def signed_vnd(self) -> int:
        """Amount with its sign as seen from the account."""
        return self.amount_vnd if self.is_credit else -self.amount_vnd

    @property
    def booking_date(self) -> date:
        """The Vietnamese day it is booked on."""
        return self.booked_time.astimezone(VIETNAM).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One QR the hospital asked the bank to make."""

    merchant_id: str
    invoice_id: str
    account: str
    amount_vnd: int
    description: str
    create_time: datetime
    timeout_s: int
    callback_url: str
    """Where its payment is told; empty means the bank's own setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDay:
    """What a statement of one account and one Vietnamese day is written from."""

    account: Account
    day: date
    number: int
    """Days since 31 December 2025, so that a missing statement shows."""
    opening_vnd: int
    closing_vnd: int
    transactions: tuple[BankTransaction, ...]
    create_time: datetime


class BankBook:
    """All the bank knows; with a path each entry is on disk before it counts."""

    def __init__(
        self, accounts: tuple[Account, ...] = ACCOUNTS, path: Path | None = None, *, first_serial: int = 0
    ) -> None:
        """Open the book.

        Args:
            path: The journal file; without it nothing survives the process.
            first_serial: Where references begin; a book without a journal needs another one in each process,
                or tomorrow's demo repeats the references of today's.
        """
        self._first_serial = first_serial
        self.accounts = {account.number: account for account in accounts}
        self.transactions: list[BankTransaction] = []
        self.invoices: dict[str, Invoice] = {}
        self._by_request: dict[str, BankTransaction] = {}
        self._by_reference: dict[str, BankTransaction] = {}
        self._told: dict[str, str] = {}
        self._path = path
        if path is not None and path.exists():
            self._read(path)

    def account(self, number: str) -> Account:
        """The account of this number.

        Raises:
            BankRefusedError: there is none.
        """
        account = self.accounts.get(number)
        if account is None:
            raise BankRefusedError("account is not one of this bank")
        return account

    def book(
        self,
        *,
        account: str,
        amount_vnd: int,
        content: str,
        booked_time: datetime,
        payer_name: str,
        payer_account: str,
        is_credit: bool = True,
        invoice_id: str = "",
        reverses: str = "",
        request_id: str = "",
    ) -> BankTransaction:
        """Book one transfer; a repeated request_id answers the transfer booked first.

        Raises:
            BankRefusedError: unknown account, amount outside 1 to MAX_AMOUNT_VND, unknown transfer to take back,
                or a request_id that comes back with another account or amount.
        """
        self.account(account)
        if not 1 <= amount_vnd <= MAX_AMOUNT_VND:
            raise BankRefusedError(f"amount_vnd must be 1 to {MAX_AMOUNT_VND}")
        if reverses and reverses not in self._by_reference:
            raise BankRefusedError("reverses is not a known reference")
        if request_id and (first := self._by_request.get(request_id)) is not None:
            if (first.account, first.amount_vnd) != (account, amount_vnd):
                raise BankRefusedError("request_id was used for another transfer")
            return first
        if len(self.transactions) >= MAX_TRANSACTIONS:
            raise BankRefusedError("the book is full")
        sequence = len(self.transactions) + 1
        local = booked_time.astimezone(VIETNAM)
        transaction = BankTransaction(
            sequence=sequence,
            reference=f"FT{local:%y%j}{(self._first_serial + sequence * 7_919) % 10**9:09d}",
            request_id=request_id,
            account=account,
            is_credit=is_credit,
            amount_vnd=amount_vnd,
            booked_time=booked_time,
            content=content,
            payer_name=payer_name,
            payer_account=payer_account,
            invoice_id=invoice_id,
            reverses=reverses,
        )
        self._append("transaction", dataclasses.asdict(transaction))
        self._keep(transaction)
        return transaction

    def find(self, reference: str) -> BankTransaction:
        """The transfer with this reference.

        Raises:
            BankRefusedError: there is none.
        """
        transaction = self._by_reference.get(reference)
        if transaction is None:
            raise BankRefusedError("reference is not known")
        return transaction

    def add_invoice(self, invoice: Invoice) -> None:
        """Keep a QR invoice.

        Raises:
            BankRefusedError: the id was used for another invoice.
        """
        held = self.invoices.get(invoice.invoice_id)
        if held is not None and (held.account, held.amount_vnd) != (invoice.account, invoice.amount_vnd):
            raise BankRefusedError("invoiceId was used for another invoice")
        if held is None:
            self._append("invoice", dataclasses.asdict(invoice))
            self.invoices[invoice.invoice_id] = invoice

    def note_told(self, reference: str, answer_code: str) -> None:
        """Keep that the hospital gave its final answer to the callback of this transfer."""
        self._append("told", {"reference": reference, "answer_code": answer_code})
        self._told[reference] = answer_code

    def untold(self) -> tuple[BankTransaction, ...]:
        """Credits whose callback has no final answer yet."""
        return tuple(
            item for item in self.transactions if item.is_credit and item.reference not in self._told
        )

    def statement(self, account_number: str, day: date, create_time: datetime) -> StatementDay:
        """The booked transfers of one Vietnamese day between proven balances."""
        account = self.account(account_number)
        own = [item for item in self.transactions if item.account == account_number]
        before_vnd = sum(item.signed_vnd for item in own if item.booking_date < day)
        rows = sorted(
            (item for item in own if item.booking_date == day),
            key=lambda item: (item.booked_time, item.sequence),
        )
        opening_vnd = account.opening_vnd + before_vnd
        closing_vnd = opening_vnd + sum(item.signed_vnd for item in rows)
        assert closing_vnd == account.opening_vnd + sum(
            item.signed_vnd for item in own if item.booking_date < day + timedelta(days=1)
        ), "a statement's balances must prove"
        return StatementDay(
            account=account,
            day=day,
            number=day.toordinal() - date(2025, 12, 31).toordinal(),
            opening_vnd=opening_vnd,
            closing_vnd=closing_vnd,
            transactions=tuple(rows),
            create_time=create_time,
        )

    def _keep(self, transaction: BankTransaction) -> None:
        self.transactions.append(transaction)
        self._by_reference[transaction.reference] = transaction
        if transaction.request_id:
            self._by_request[transaction.request_id] = transaction

    def _append(self, kind: str, fields: dict[str, object]) -> None:
        if self._path is None:
            return
        line = json.dumps({"kind": kind, **fields}, default=datetime.isoformat, ensure_ascii=False) + "\n"
        # Written on the loop on purpose: a thread would not keep the order of the book, and one small write
        # and sync takes 0.1 to 5 ms, which a sandbox may spend.
        with self._path.open("ab") as journal:
            journal.write(line.encode())
            journal.flush()
            os.fsync(journal.fileno())

    def _read(self, path: Path) -> None:
        whole = path.read_bytes()
        complete, _, torn = whole.rpartition(b"\n")
        for line in complete.split(b"\n"):
            if not line:
                continue
            fields = json.loads(line)
            match fields.pop("kind"):
                case "transaction":
                    fields["booked_time"] = datetime.fromisoformat(fields["booked_time"])
                    self._keep(BankTransaction(**fields))
                case "invoice":
                    fields["create_time"] = datetime.fromisoformat(fields["create_time"])
                    self.invoices[fields["invoice_id"]] = Invoice(**fields)
                case "told":
                    self._told[fields["reference"]] = fields["answer_code"]
        if torn:
            # The last line was cut by a crash before it counted; nobody was told of it.
            with path.open("r+b") as journal:
                journal.truncate(len(whole) - len(torn))
