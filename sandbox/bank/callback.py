"""Tells the hospital of each credit by HTTP GET until it answers, with the faults of real banks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from dataclasses import asdict, dataclass, field, replace

import aiohttp
from yarl import URL

from sandbox.bank.book import BankBook, BankTransaction
from sandbox.bank.envelope import callback_url, payment_document, seal
from sandbox.faults import CALLBACK_MODES, Fault, FaultBoard
from sandbox.person import JsonObject

ACCEPTED = frozenset({"00", "02", "03", "05"})
REFUSED = frozenset({"01", "04"})
MAX_DELIVERIES_KEPT = 10_000
MAX_ANSWER_BYTES = 65_536
_ANSWER_NAMES = ("code", "responseCode", "errorCode", "status", "RspCode")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """How the bank calls the hospital."""

    url: str
    """Empty: nobody is told and only look-up and statement show the money."""
    secret: str
    attempt_count: int = 5
    retry_base_ms: int = 500
    """Wait before the second attempt; doubled before each further one."""
    timeout_ms: int = 5_000


@dataclass(slots=True, kw_only=True)
class Delivery:
    """How the callbacks of one transfer went."""

    reference: str
    state: str = "pending"
    """pending, delivered, refused, gave_up, lost or nobody."""
    answer_code: str = ""
    """The last answer: 00 ok, 01 signature, 02 already paid, 03 amount, 04 malformed, 05 repeated."""
    attempts: list[str] = field(default_factory=list)
    """Per attempt the answer code, or the HTTP status, or the kind of failure."""


def read_answer(body: bytes) -> str:
    """The answer code in a JSON object or a short plain text; empty when there is none."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    if isinstance(document, dict):
        document = next((document[name] for name in _ANSWER_NAMES if name in document), "")
    code = f"{document:02d}" if isinstance(document, int) else str(document).strip()
    return code if len(code) == 2 and code.isdigit() else ""


class CallbackSender:
    """Owns the running deliveries; each transfer has one task until its final answer."""

    def __init__(self, book: BankBook, board: FaultBoard, settings: CallbackSettings) -> None:
        self.settings = settings
        self._book = book
        self._board = board
        self._deliveries: OrderedDict[str, Delivery] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sent = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

    def change(self, *, url: str | None = None, secret: str | None = None) -> None:
        """Call another address or sign with another secret from now on."""
        self.settings = replace(
            self.settings,
            url=self.settings.url if url is None else url,
            secret=self.settings.secret if secret is None else secret,
        )

    def deliveries(self) -> list[JsonObject]:
        """Every delivery kept, oldest first."""
        return [asdict(delivery) for delivery in self._deliveries.values()]

    def delivery(self, reference: str) -> JsonObject | None:
        """The delivery of one transfer, or None."""
        held = self._deliveries.get(reference)
        return asdict(held) if held is not None else None

    def send(self, transaction: BankTransaction) -> None:
        """Start telling the hospital of a transfer; a delivery under way goes on alone."""
        running = self._tasks.get(transaction.reference)
        if running is not None and not running.done():
            return
        while len(self._deliveries) >= MAX_DELIVERIES_KEPT:
            self._deliveries.popitem(last=False)
        delivery = self._deliveries.setdefault(
            transaction.reference, Delivery(reference=transaction.reference)
        )
        delivery.state = "pending"
        task = asyncio.create_task(self._run(transaction, delivery))
        self._tasks[transaction.reference] = task
        task.add_done_callback(lambda _done: self._tasks.pop(transaction.reference, None))

    async def wait(self, reference: str, timeout_s: float) -> None:
        """Wait until a delivery has ended, at most so long."""
        task = self._tasks.get(reference)
        if task is not None:
            await asyncio.wait({task}, timeout=timeout_s)

    async def close(self) -> None:
        """Stop every delivery; what is not told yet is told after a restart with a journal."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _run(self, transaction: BankTransaction, delivery: Delivery) -> None:
        fault = self._board.strike("bank", "/callback", CALLBACK_MODES)
        mode = fault.mode if fault is not None else ""
        if fault is not None and mode == "late":
            await asyncio.sleep(fault.delay_ms / 1_000)
        if fault is not None and mode == "reordered":
            await self._let_another_pass(fault)
        if mode == "lost":
            delivery.state = "lost"
            return
        await self._deliver(transaction, delivery, fault)
        self._sent.set()

    async def _let_another_pass(self, fault: Fault) -> None:
        self._sent = asyncio.Event()
        try:
            async with asyncio.timeout(fault.delay_ms / 1_000):
                await self._sent.wait()
        except TimeoutError:
            return

    def _address(self, transaction: BankTransaction, fault: Fault | None) -> str:
        invoice = self._book.invoices.get(transaction.invoice_id)
        address = (invoice.callback_url if invoice is not None else "") or self.settings.url
        if not address:
            return ""
        told_vnd = None
        if fault is not None and fault.mode == "wrong":
            told_vnd = int(fault.code) if fault.code.isdigit() else transaction.amount_vnd * 9 // 10
        envelope = seal(
            payment_document(transaction, invoice, told_amount_vnd=told_vnd), self.settings.secret
        )
        if fault is not None and fault.mode == "bad_signature":
            envelope["sign"] = "0" * 64
        return callback_url(address, envelope)

    async def _deliver(self, transaction: BankTransaction, delivery: Delivery, fault: Fault | None) -> None:
        for attempt in range(self.settings.attempt_count):
            if attempt:
                await asyncio.sleep(self.settings.retry_base_ms * 2 ** (attempt - 1) / 1_000)
            # Written anew each time: the address may have been set meanwhile.
            url = self._address(transaction, fault)
            if not url:
                delivery.state = "nobody"
                return
            copies = 2 if fault is not None and fault.mode == "duplicate" else 1
            answers = await asyncio.gather(*(self._call(url, delivery) for _ in range(copies)))
            final = [code for code in answers if code in ACCEPTED | REFUSED]
            if final:
                delivery.answer_code = next((code for code in final if code in ACCEPTED), final[0])
                delivery.state = "delivered" if delivery.answer_code in ACCEPTED else "refused"
                self._book.note_told(transaction.reference, delivery.answer_code)
                return
        delivery.state = "gave_up"
        _log.warning("callback of %s was never answered", transaction.reference)

    async def _call(self, url: str, delivery: Delivery) -> str:
        """One GET; the answer code, or empty when it must be tried again."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self.settings.timeout_ms / 1_000)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            # The query is escaped already; yarl would turn %2B back into +.
            async with self._session.get(URL(url, encoded=True), allow_redirects=False) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            delivery.attempts.append(type(failure).__name__)
            return ""
        code = read_answer(body)
        delivery.attempts.append(code or str(status))
        return code if status < 500 else ""
