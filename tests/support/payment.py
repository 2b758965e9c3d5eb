"""Payment on a real store behind the whole pipeline, a bank that signs, and statements in the bank's own shapes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from chassis.clock import FixedClock, SystemIds
from chassis.crypto import KeyRing, generate_key_file
from chassis.db import Database
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.settings import Secret
from chassis.telemetry import Telemetry
from lienthong.payment.v1 import payment_pb2 as pb
from lienthong.payment.v1.payment_pb2_grpc import PaymentServiceStub, ReconciliationServiceStub
from payment_svc.config import Settings
from payment_svc.server import bind
from payment_svc.store.store import QUERIES
from tests.support.echo_network import Keys, Spans
from tests.support.stores import OpenStore

PACKAGE = "payment_svc"
QUERIES_FILES = (QUERIES,)
START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
TODAY = date(2026, 3, 2)
FACILITY = "19999"
ACCOUNT = "0011001234567"
OTHER_FACILITY = "19998"
OTHER_ACCOUNT = "0011007654321"
SECRET = "secret-of-the-bank"
CITIZEN = "citizens/c1"
TIMEOUT_S = 20.0


def query(document: Mapping[str, object], *, secret: str = SECRET) -> bytes:
    """A notification as the bank writes it: base64 JSON and its HMAC in an escaped query."""
    data = base64.b64encode(json.dumps(document).encode()).decode()
    sign = hmac.new(secret.encode(), data.encode(), hashlib.sha256).hexdigest()
    return f"data={quote(data, safe='')}&sign={sign}".encode()


def paid(
    amount_vnd: int,
    *,
    transaction_id: str,
    invoice_id: str = "",
    text: str = "",
    account: str = ACCOUNT,
    paid_time: datetime = START,
    status: str = "00",
) -> dict[str, object]:
    """The content of a notification of money."""
    return {
        "invoiceId": invoice_id,
        "transactionId": transaction_id,
        "accountNumber": account,
        "transactionAmount": f"{amount_vnd}.00",
        "paidAmount": f"{amount_vnd}.00",
        "transactionDescription": text,
        "paidDescription": text,
        "paidTime": paid_time.strftime("%Y%m%d%H%M%S"),
        "status": status,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """One movement on a statement."""

    amount_vnd: int
    reference: str = ""
    text: str = ""
    day: date = TODAY


def statement_csv(
    lines: Iterable[Booked],
    *,
    opening_vnd: int = 1_000_000,
    closing_vnd: int | None = None,
    day: date = TODAY,
) -> bytes:
    """A statement in the shape of Vietnamese banks; a wrong closing balance when one is given."""
    rows = ["SAO KE TAI KHOAN", f"Số tài khoản / Account No,{ACCOUNT}"]
    rows.append(f"Từ ngày / From,{day:%d/%m/%Y},Đến ngày / To,{day:%d/%m/%Y}")
    rows.append(f"Số dư đầu kỳ / Opening balance,{opening_vnd}")
    rows.append("Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Nội dung")
    total_vnd = opening_vnd
    for line in lines:
        debit = str(-line.amount_vnd) if line.amount_vnd < 0 else ""
        credit = str(line.amount_vnd) if line.amount_vnd > 0 else ""
        rows.append(f'{line.day:%d/%m/%Y},{line.reference},{debit},{credit},"{line.text}"')
        total_vnd += line.amount_vnd
    rows.append(f"Số dư cuối kỳ / Closing balance,{total_vnd if closing_vnd is None else closing_vnd}")
    return "\r\n".join(rows).encode("utf-8")


def bill_line(patient_vnd: int, *, fund_vnd: int = 0, other_vnd: int = 0) -> pb.BillLine:
    """A line whose shares add up."""
    return pb.BillLine(
        line_id="1",
        display_name="Khám nội",
        total_vnd=patient_vnd + fund_vnd + other_vnd,
        fund_vnd=fund_vnd,
        patient_vnd=patient_vnd,
        other_funding_vnd=other_vnd,
    )


class Payment:
    """The service behind its stubs, with a clock that stands still."""

    def __init__(self, db: Database, folder: Path, keys: Keys, telemetry: Telemetry, spans: Spans) -> None:
        key_file = folder / "field-keys.json"
        if not key_file.exists():
            generate_key_file(key_file)
        self.db = db
        self.key_file = key_file
        self.keys = keys
        self.clock = FixedClock(START)
        self.spans = spans
        self.telemetry = telemetry
        self._settings = Settings(
            database_url=db.url,
            field_key_file=key_file,
            token_key_file=keys.public,
            facility_accounts=(f"{FACILITY}=970436:{ACCOUNT}", f"{OTHER_FACILITY}=970436:{OTHER_ACCOUNT}"),
            hdbank_secret=Secret(SECRET),
            statement_max_bytes=100_000,
        )
        self._network = LocalNetwork()
        self.swap_store(db)
        channel = self._network.channel("payment", telemetry=self.telemetry, sender="gateway")
        self.bills = PaymentServiceStub(channel)
        self.books = ReconciliationServiceStub(channel)
        self.channel = channel

    def swap_store(self, db: Database) -> None:
        """Serve from another store, such as one that fails, as after a restart."""
        bindings = bind(
            self._settings,
            KeyRing.from_file(self.key_file),
            db,
            self.telemetry,
            clock=self.clock,
            ids=SystemIds(),
        )
        self._network.register("payment", bindings, verifier=self.keys.verifier(), telemetry=self.telemetry)

    def caller(self, *roles: str, facility: str = FACILITY) -> Caller:
        """A signed-in person of a facility, or a service without one."""
        named = Caller(
            subject="persons/1", roles=frozenset(roles or ("CASHIER",)), facility=facility, purpose="payment"
        )
        token = Minter(self.keys.gateway).mint(named)
        return Caller(
            subject=named.subject, roles=named.roles, facility=facility, purpose="payment", token=token
        )

    async def open(self, visit: str, **more: str) -> pb.Bill:
        with acting_as(self.caller()):
            request = pb.OpenBillRequest(request_id=new_id(), visit=visit, citizen=CITIZEN, **more)
            return (await self.bills.OpenBill(request, timeout=TIMEOUT_S)).bill

    async def issue(self, visit: str, *lines: pb.BillLine, request_id: str = "") -> pb.Bill:
        with acting_as(self.caller()):
            request = pb.IssueBillRequest(
                request_id=request_id or new_id(), visit=visit, citizen=CITIZEN, lines=lines
            )
            return (await self.bills.IssueBill(request, timeout=TIMEOUT_S)).bill

    async def intent(self, visit: str, *, request_id: str = "") -> pb.PaymentIntent:
        """Ask for what is due and return the newest intent."""
        with acting_as(self.caller()):
            request = pb.CreateIntentRequest(request_id=request_id or new_id(), visit=visit)
            return (await self.bills.CreateIntent(request, timeout=TIMEOUT_S)).bill.intents[-1]

    async def bill(self, visit: str) -> pb.Bill:
        with acting_as(self.caller()):
            return (await self.bills.GetBill(pb.GetBillRequest(visit=visit), timeout=TIMEOUT_S)).bill

    async def tell(self, raw: bytes) -> pb.RecordBankEventResponse:
        """Hand in a notification as the gateway does: the request_id comes from the bytes."""
        with acting_as(self.caller("SERVICE", facility="")):
            request = pb.RecordBankEventRequest(
                request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, raw.hex())), provider="hdbank", raw=raw
            )
            return await self.bills.RecordBankEvent(request, timeout=TIMEOUT_S)

    async def import_file(
        self,
        content: bytes,
        *,
        form: pb.StatementFormat.ValueType = pb.STATEMENT_FORMAT_CSV,
        account: str = ACCOUNT,
        request_id: str = "",
        chunk: int = 10_000,
    ) -> pb.Statement:
        header = pb.ImportStatementHeader(request_id=request_id or new_id(), format=form, account=account)

        async def messages() -> AsyncIterator[pb.ImportStatementRequest]:
            yield pb.ImportStatementRequest(header=header)
            for start in range(0, len(content), chunk):
                yield pb.ImportStatementRequest(content=content[start : start + chunk])

        with acting_as(self.caller()):
            return (await self.books.ImportStatement(messages(), timeout=TIMEOUT_S)).statement

    async def reconcile(self, *, request_id: str = "") -> pb.ReconciliationRun:
        with acting_as(self.caller()):
            request = pb.ReconcileRequest(request_id=request_id or new_id(), account=ACCOUNT)
            return (await self.books.Reconcile(request, timeout=TIMEOUT_S)).run

    async def breaks(self, *, state: pb.BreakState.ValueType = pb.BREAK_STATE_OPEN) -> list[pb.Break]:
        with acting_as(self.caller()):
            request = pb.ListBreaksRequest(page_size=200, state=state)
            return list((await self.books.ListBreaks(request, timeout=TIMEOUT_S)).breaks)

    async def break_codes(self, *, state: pb.BreakState.ValueType = pb.BREAK_STATE_OPEN) -> list[str]:
        found = await self.breaks(state=state)
        return sorted(pb.BreakCode.Name(item.code).removeprefix("BREAK_CODE_") for item in found)

    async def resolve(
        self, name: str, resolution: pb.BreakResolution.ValueType, *, visit: str = "", request_id: str = ""
    ) -> pb.Break:
        with acting_as(self.caller()):
            request = pb.ResolveBreakRequest(
                request_id=request_id or new_id(),
                name=name,
                resolution=resolution,
                visit=visit,
                note="đã gọi điện",
            )
            return (await self.books.ResolveBreak(request, timeout=TIMEOUT_S)).resolved_break

    async def balances(self) -> dict[str, int]:
        with acting_as(self.caller()):
            answer = await self.books.ListBalances(pb.ListBalancesRequest(), timeout=TIMEOUT_S)
        assert answer.sum_vnd == 0
        return {item.account_code: item.balance_vnd for item in answer.balances if item.balance_vnd}


@asynccontextmanager
async def payment_on(
    open_store: OpenStore, folder: Path, *, url: str | None = None
) -> AsyncIterator[Payment]:
    """The service on a store of its own; its channel is closed after."""
    keys_folder = folder / "keys"
    keys_folder.mkdir()
    spans = Spans()
    telemetry = Telemetry("payment", sink=spans)
    db = await open_store(PACKAGE, queries=QUERIES_FILES, telemetry=telemetry, url=url)
    payment = Payment(db, folder, Keys(keys_folder), telemetry, spans)
    try:
        yield payment
    finally:
        await payment.channel.close()
        telemetry.close()


def new_id() -> str:
    """A fresh request_id."""
    return str(uuid.uuid4())


def new_visit() -> str:
    """The name of a visit nobody knows yet."""
    return f"visits/{uuid.uuid4().hex}"


async def asked(payment: Payment, patient_vnd: int = 500_000) -> tuple[str, pb.PaymentIntent]:
    """An issued bill with an intent."""
    visit = new_visit()
    await payment.issue(visit, bill_line(patient_vnd))
    return visit, await payment.intent(visit)
