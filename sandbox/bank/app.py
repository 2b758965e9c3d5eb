"""The bank's HTTP face: make a QR, look payments up, fetch a statement; and the verb that moves money."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aiohttp import web

from sandbox.bank.book import MAX_AMOUNT_VND, BankBook, BankRefusedError, BankTransaction, Invoice
from sandbox.bank.callback import CallbackSender
from sandbox.bank.envelope import payment_document, seal, unpaid_document, unseal
from sandbox.bank.mangle import mangle
from sandbox.bank.statements import write_statement
from sandbox.bank.vietqr import vietqr_text
from sandbox.faults import FaultBoard, fault_middleware
from sandbox.person import JsonObject

PAGE_SIZE = 50
_MAX_BODY_BYTES = 65_536
_MAX_CLOCK_DIFFERENCE = timedelta(minutes=1)
_NOT_CODE = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """What a hospital must know to call the bank."""

    secret: str
    """Signs both directions."""
    statement_key: str
    """Bearer key of the statement download."""
    merchant_ids: tuple[str, ...] = ("19999", "19998", "19T01")


def read_amount_vnd(value: object) -> int:
    """Whole dong from a JSON number or digits.

    Raises:
        BankRefusedError: not whole, not positive or too large.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_AMOUNT_VND:
        raise BankRefusedError("amount must be whole dong, at least 1")
    return value


def _text(document: JsonObject, name: str, *, longest: int = 200) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise BankRefusedError(f"{name} must be text of at most {longest} characters")
    if not all(sign.isprintable() or sign == "\n" for sign in value):
        raise BankRefusedError(f"{name} must be printable")
    return value


class Bank:
    """The bank of the sandbox."""

    def __init__(
        self,
        book: BankBook,
        board: FaultBoard,
        sender: CallbackSender,
        settings: BankSettings,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self.book = book
        self.sender = sender
        self._board = board
        self._settings = settings
        self._clock = clock

    def create_app(self) -> web.Application:
        """A fresh application on the same state."""
        app = web.Application(
            middlewares=[fault_middleware(self._board, "bank")], client_max_size=_MAX_BODY_BYTES
        )
        app.router.add_post("/api/qr/create", self._create_qr)
        app.router.add_post("/api/qr/lookup", self._look_up)
        app.router.add_get("/statements", self._statement)
        return app

    def tell_the_untold(self) -> None:
        """Take up the callbacks a killed process left behind."""
        for transaction in self.book.untold():
            self.sender.send(transaction)

    def pay(self, order: JsonObject) -> BankTransaction:
        """Book a transfer from a control order and tell the hospital of a credit.

        Args:
            order: account, amount_vnd, content; optional payer_name, payer_account, invoice_id, mangle (list
                of ways), direction (credit or debit), reverses, request_id, booked_time (ISO with zone),
                notify (false: no callback).
        Raises:
            BankRefusedError: a value is missing or wrong.
        """
        account = self.book.account(_text(order, "account"))
        amount_vnd = read_amount_vnd(order.get("amount_vnd"))
        direction = order.get("direction", "credit")
        ways = order.get("mangle", [])
        if direction not in ("credit", "debit"):
            raise BankRefusedError("direction must be credit or debit")
        if not isinstance(ways, list) or not all(isinstance(way, str) for way in ways):
            raise BankRefusedError("mangle must be a list of names")
        payer_name = _text(order, "payer_name") or "NGUOI GUI TIEN"
        payer_account = _text(order, "payer_account", longest=34) or "0990000000001"
        written = _text(order, "content", longest=500)
        content = mangle(
            written,
            tuple(ways),
            serial=len(self.book.transactions) * 9_973 + 1_000_003,
            payer_name=payer_name,
            payer_account=payer_account,
            account=account.number,
            owner=account.owner,
        )
        request_id = _text(order, "request_id", longest=64)
        count = len(self.book.transactions)
        transaction = self.book.book(
            account=account.number,
            amount_vnd=amount_vnd,
            content=content,
            booked_time=self._booked_time(order),
            payer_name=payer_name,
            payer_account=payer_account,
            is_credit=direction == "credit",
            invoice_id=_text(order, "invoice_id", longest=64) or self._invoice_named_in(written),
            reverses=_text(order, "reverses", longest=20),
            request_id=request_id,
        )
        is_new = len(self.book.transactions) > count
        if is_new and transaction.is_credit:
            if order.get("notify", True):
                self.sender.send(transaction)
            else:
                self.book.note_told(transaction.reference, "")
        return transaction

    def _booked_time(self, order: JsonObject) -> datetime:
        text = _text(order, "booked_time", longest=40)
        if not text:
            return self._clock()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as cause:
            raise BankRefusedError("booked_time must be ISO 8601") from cause
        if moment.tzinfo is None:
            raise BankRefusedError("booked_time needs a zone")
        return moment

    def _invoice_named_in(self, content: str) -> str:
        """The one QR invoice whose id or description stands in the transfer text, or empty."""
        plain = _NOT_CODE.sub("", content.upper())
        named = [
            invoice.invoice_id
            for invoice in self.book.invoices.values()
            if any(
                len(key) >= 6 and key in plain
                for key in (
                    _NOT_CODE.sub("", text.upper()) for text in (invoice.invoice_id, invoice.description)
                )
            )
        ]
        return named[0] if len(named) == 1 else ""

    async def _open(self, request: web.Request) -> JsonObject | web.Response:
        try:
            envelope = json.loads(await request.read())
        except ValueError:
            return self._answer("04", "malformed")
        if not isinstance(envelope, dict):
            return self._answer("04", "malformed")
        document = unseal(envelope, self._settings.secret)
        return document if document is not None else self._answer("01", "signature is wrong")

    def _answer(self, code: str, message: str, document: JsonObject | None = None) -> web.Response:
        body: JsonObject = {"code": code, "message": message}
        if document is not None:
            body |= seal(document, self._settings.secret)
        return web.json_response(body)

    async def _create_qr(self, request: web.Request) -> web.Response:
        document = await self._open(request)
        if isinstance(document, web.Response):
            return document
        try:
            invoice = self._invoice(document)
            self.book.add_invoice(invoice)
        except BankRefusedError as refusal:
            return self._answer("04", str(refusal))
        account = self.book.account(invoice.account)
        qr_text = vietqr_text(
            bank_bin=account.bank_bin,
            account=account.number,
            amount_vnd=invoice.amount_vnd,
            purpose=invoice.description,
        )
        return self._answer("00", "ok", {"invoiceId": invoice.invoice_id, "qrContent": qr_text})

    def _invoice(self, document: JsonObject) -> Invoice:
        merchant_id = _text(document, "merchantId")
        invoice_id = _text(document, "invoiceId", longest=64)
        if merchant_id not in self._settings.merchant_ids or not invoice_id:
            raise BankRefusedError("merchantId or invoiceId is wrong")
        if document.get("type") != "vietqr":
            raise BankRefusedError("type must be vietqr")
        now = self._clock()
        try:
            asked = datetime.strptime(_text(document, "transactionTime") + "+0000", "%Y%m%d%H%M%S%z")
        except ValueError as cause:
            raise BankRefusedError("transactionTime must be UTC yyyyMMddHHmmss") from cause
        if abs(asked - now) > _MAX_CLOCK_DIFFERENCE:
            raise BankRefusedError("transactionTime is more than a minute away")
        timeout_s = document.get("transactionTimeout", 900)
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int) or not 1 <= timeout_s <= 86_400:
            raise BankRefusedError("transactionTimeout must be 1 to 86400 seconds")
        own = next(item for item in self.book.accounts.values() if item.facility_code == merchant_id)
        return Invoice(
            merchant_id=merchant_id,
            invoice_id=invoice_id,
            account=own.number,
            amount_vnd=read_amount_vnd(document.get("transactionAmount")),
            description=_text(document, "transactionDescription"),
            create_time=now,
            timeout_s=timeout_s,
            callback_url=_text(document, "ipnUrl", longest=500),
        )

    async def _look_up(self, request: web.Request) -> web.Response:
        """Payments of one account, or of named invoices, 50 a page, oldest first."""
        document = await self._open(request)
        if isinstance(document, web.Response):
            return document
        page = document.get("page", 1)
        wanted = document.get("invoiceIds", [])
        account = document.get("accountNumber", "")
        if isinstance(page, bool) or not isinstance(page, int) or page < 1 or not isinstance(wanted, list):
            return self._answer("04", "page must be at least 1 and invoiceIds a list")
        rows = [
            payment_document(item, self.book.invoices.get(item.invoice_id))
            for item in self.book.transactions
            if item.is_credit
            and (not account or item.account == account)
            and (not wanted or item.invoice_id in wanted)
        ]
        paid = {row["invoiceId"] for row in rows}
        rows += [
            unpaid_document(invoice)
            for invoice in self.book.invoices.values()
            if invoice.invoice_id not in paid
            and (not account or invoice.account == account)
            and (not wanted or invoice.invoice_id in wanted)
        ]
        shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return self._answer(
            "00", "ok", {"page": page, "pageSize": PAGE_SIZE, "total": len(rows), "items": shown}
        )

    def statement(self, account: str, day_text: str, form: str) -> tuple[str, bytes]:
        """Content type and bytes of a statement file.

        Raises:
            BankRefusedError: unknown account, day that is not yyyy-MM-dd from 2026 on, unknown form.
        """
        try:
            day = date.fromisoformat(day_text)
        except ValueError as cause:
            raise BankRefusedError("date must be yyyy-MM-dd") from cause
        if day < date(2026, 1, 1):
            raise BankRefusedError("statements begin on 2026-01-01")
        return write_statement(self.book.statement(account, day, self._clock()), form)

    async def _statement(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self._settings.statement_key}":
            return web.json_response({"error": "UNAUTHORIZED"}, status=401)
        return statement_response(self, request)


def statement_response(bank: Bank, request: web.Request) -> web.Response:
    """The statement file a request names by account, date and format; 400 when it cannot be written."""
    query = request.query
    form = query.get("format", "camt053")
    try:
        content_type, body = bank.statement(query.get("account", ""), query.get("date", ""), form)
    except BankRefusedError as refusal:
        return web.json_response({"error": "BAD_REQUEST", "message": str(refusal)}, status=400)
    return web.Response(body=body, content_type=content_type)
