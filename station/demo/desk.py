"""What a clerk, a clinician, a cashier and an operator of the demonstration's hospital can do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from cli.commands.reconcile import CHUNK_BYTES, FORMATS
from cli.connection import Access, Gateway, connected
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.insurance.v1 import claims_pb2 as claims
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceStub
from lienthong.payment.v1 import payment_pb2 as payment
from sandbox.control import SandboxControl
from station.layout import Layout

ACCOUNT = "1019999000001"
"""Of facility 19999 at the sandbox bank."""
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
WITHIN_MS = 5_000
CLAIM_LOOK_S = 0.2
FOR_THE_CLAIM = "MA_DANTOC=01\nMA_NGHE_NGHIEP=00000\nKET_QUA_DTRI=2\nMA_LOAI_RV=1\nCAN_NANG=58"
"""Kinh, no occupation told, better, sent home, 58 kg: what the record has no field for yet."""
BLOOD_COUNT_RESULT = "MA_DICH_VU=XN-CTM\nMA_CHI_SO=WBC\nTEN_CHI_SO=Bạch cầu\nGIA_TRI=11.2\nDON_VI_DO=G/L"
WATCH_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The people of one hospital, signed in, and the sandbox's control."""

    sandbox: SandboxControl
    people: dict[str, Gateway]
    """A connected gateway by role."""
    trace_codes: list[str] = field(default_factory=list)
    """Of every admission, in order."""
    visits: list[str] = field(default_factory=list)
    """Names of every visit opened, in order."""

    async def card_of(self, *classes: str, offset: int = 0) -> str:
        """The QR text on the card of a seeded citizen of these classes."""
        found = await self.sandbox.people(*classes, count=1, offset=offset)
        return str(found[0]["qr_text"])

    async def check_in(self, card_qr: str) -> pb.VisitView:
        """Admit whoever shows this card."""
        request = pb.CheckInRequest(request_id=str(uuid.uuid4()), card_qr=card_qr, reason_text="khám bệnh")
        async with self.people["clerk"].call(within_ms=WITHIN_MS) as stub:
            view = (await stub.CheckIn(request)).view
        self.trace_codes.append(view.trace_code)
        self.visits.append(view.name)
        return view

    async def examine(self, visit: str) -> None:
        """Write a note, a diagnosis, a result and what the claim asks for into the record."""
        now = datetime.now(VIETNAM)
        entries = [
            emr.Entry(kind=emr.ENTRY_KIND_NOTE, text="ho, sốt nhẹ hai ngày"),
            emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code="J06.9", text="nhiễm trùng hô hấp trên cấp"),
            emr.Entry(kind=emr.ENTRY_KIND_NOTE, code="XML1", text=FOR_THE_CLAIM),
            emr.Entry(
                kind=emr.ENTRY_KIND_NOTE, code="XML4", text=f"{BLOOD_COUNT_RESULT}\nNGAY_KQ={now:%Y%m%d%H%M}"
            ),
        ]
        async with self.people["clinician"].call() as stub:
            await stub.RecordEntries(
                pb.RecordEntriesRequest(request_id=str(uuid.uuid4()), visit=visit, entries=entries)
            )

    async def discharge(self, visit: str, lines: Sequence[insurance.CostLine]) -> pb.VisitView:
        """End a visit."""
        request = pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=visit, lines=lines)
        async with self.people["cashier"].call(within_ms=10_000) as stub:
            return (await stub.Discharge(request)).view

    async def claim_until(self, visit: str, settled: Callable[[claims.Claim], bool]) -> claims.Claim:
        """Look at a visit's claim until a statement about it holds; raises TimeoutError after 30 s."""
        async with asyncio.timeout(WATCH_S):
            while True:
                async with self.people["cashier"].calling(ClaimServiceStub) as stub:
                    claim = (await stub.GetClaim(claims.GetClaimRequest(visit=visit))).claim
                if settled(claim):
                    return claim
                await asyncio.sleep(CLAIM_LOOK_S)

    async def pay_again(self, visit: str) -> payment.Bill:
        """Ask for a VietQR for what is still due."""
        async with self.people["cashier"].call() as stub:
            return (await stub.PayVisit(pb.PayVisitRequest(request_id=str(uuid.uuid4()), visit=visit))).bill

    async def transfer(self, amount_vnd: int, content: str) -> None:
        """A bank customer pays; returns when the bank has told the hospital."""
        await self.sandbox.pay(ACCOUNT, amount_vnd, content, mangle=("prefix", "upper"), wait_s=10)

    async def read(self, visit: str) -> pb.VisitView:
        """Look at a visit."""
        async with self.people["clerk"].call() as stub:
            return (await stub.GetVisit(pb.GetVisitRequest(name=visit))).view

    async def evidence(self, name: str) -> insurance.Evidence:
        """Look at one reply of the insurer's portal."""
        async with self.people["clerk"].call() as stub:
            return (await stub.GetEvidence(pb.GetEvidenceRequest(name=name))).evidence

    async def watch_until(self, visit: str, settled: Callable[[pb.VisitView], bool]) -> pb.VisitView:
        """Watch a visit until a statement about it holds; raises TimeoutError after 30 s."""
        async with asyncio.timeout(WATCH_S), self.people["clerk"].call(within_ms=60_000) as stub:
            async for change in stub.WatchVisit(pb.WatchVisitRequest(name=visit)):
                if settled(change.view):
                    return change.view
        raise TimeoutError

    async def import_statement(self, form: str) -> payment.Statement:
        """Fetch today's statement from the bank and import it."""
        today = datetime.now(VIETNAM).date()
        content = await self.sandbox.statement(ACCOUNT, today, form)
        header = payment.ImportStatementHeader(
            request_id=str(uuid.uuid4()), format=FORMATS[form], account=ACCOUNT
        )

        async def parts() -> AsyncIterator[pb.ImportStatementRequest]:
            yield pb.ImportStatementRequest(header=header)
            for start in range(0, len(content), CHUNK_BYTES):
                yield pb.ImportStatementRequest(content=content[start : start + CHUNK_BYTES])

        async with self.people["cashier"].call(within_ms=60_000) as stub:
            return (await stub.ImportStatement(parts())).statement

    async def reconcile(self) -> payment.ReconciliationRun:
        """Match the imported lines."""
        request = pb.ReconcileRequest(request_id=str(uuid.uuid4()), account=ACCOUNT)
        async with self.people["cashier"].call(within_ms=60_000) as stub:
            return (await stub.Reconcile(request)).run

    async def open_breaks(self) -> Sequence[payment.Break]:
        """What does not fit."""
        async with self.people["cashier"].call() as stub:
            page = await stub.ListBreaks(pb.ListBreaksRequest(state=payment.BREAK_STATE_OPEN, page_size=200))
        return page.breaks

    async def balances(self) -> pb.ListBalancesResponse:
        """The ledger."""
        async with self.people["cashier"].call() as stub:
            return await stub.ListBalances(pb.ListBalancesRequest())

    async def trace(self, code: str) -> pb.GetTraceResponse:
        """The spans of a journey."""
        async with self.people["operator"].call() as stub:
            return await stub.GetTrace(pb.GetTraceRequest(code=code))


ROLES = ("clerk", "clinician", "cashier", "operator")
"""Clients of the sandbox's issuer that a desk signs in."""


@asynccontextmanager
async def open_desk(place: Layout) -> AsyncIterator[Desk]:
    """Sign everybody in at the sandbox's issuer and connect them to the gateway."""
    async with AsyncExitStack() as ends:
        sandbox = await ends.enter_async_context(SandboxControl(place.url("sandbox_control")))
        people = {}
        for role in ROLES:
            access = Access(gateway=place.address("gateway"), token=await sandbox.token(role))
            people[role] = await ends.enter_async_context(connected(access))
        yield Desk(sandbox=sandbox, people=people)
