"""Honest clients for the crash tests: each makes a request_id first and repeats it until it is answered."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import aiohttp

from chassis.errors import AppError, Kind
from cli.connection import Access, Gateway, connected
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment
from sandbox.control import ControlRefusedError, SandboxControl
from station.demo.desk import ACCOUNT, ROLES
from station.demo.patients import LINES, TOTAL_VND
from station.layout import Layout
from tests.support.crash_model import Model, Stay, Transfer

if TYPE_CHECKING:
    from lienthong.gateway.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

T = TypeVar("T")
Call: TypeAlias = "Callable[[GatewayServiceAsyncStub], Awaitable[T]]"
"""Makes one call on the gateway's stub."""

UNKNOWN_OUTCOME = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL, Kind.ABORTED, Kind.EXHAUSTED})
"""Kinds after which a client cannot know what happened and sends the same request again."""
TOKEN_LIFE_S = 7_200
CHECK_IN_MS = 5_000
DISCHARGE_MS = 10_000
IMPORT_MS = 30_000
PAUSE_S = (0.1, 0.6)
"""Shortest and longest wait before a repeat."""
GIVE_UP_S = 120.0
RETRY_MS_MAX = 2_000
VERIFIED_WITHIN_S = 120.0
PAID_WITHIN_S = 10.0
FIRST_PART_VND = 300_000


class Refused(Exception):
    """An honest request, or its repeat, got an answer that no honest request may get."""


class Clients:
    """The people of one hospital and its patients' bank, with the model they share.

    Args:
        repeat_share: Part of the answered requests that are sent once more, as by a client that forgot.
    """

    def __init__(
        self,
        model: Model,
        people: dict[str, Gateway],
        sandbox: SandboxControl,
        *,
        dice: random.Random,
        repeat_share: float = 0.0,
    ) -> None:
        self.model = model
        self.sandbox = sandbox
        self._people = people
        self._dice = dice
        self._repeat_share = repeat_share
        self._told_to_wait_s = 0.0

    async def answered(
        self,
        role: str,
        what: str,
        call: Call[T],
        *,
        within_ms: int = CHECK_IN_MS,
        facts: Callable[[T], object] = lambda _: None,
        is_whole: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Send a request until it is answered whole; every answer must tell the same facts.

        Args:
            facts: What an answer tells that a later one may not take back; None when it tells nothing yet.
            is_whole: Whether nothing is left that the same request would do.
        Raises:
            Refused: a typed refusal came where none may come, or no whole answer for minutes.
        """
        told: object = None
        whole_count = 0
        began = time.monotonic()
        while True:
            answer = await self._try(role, what, call, within_ms)
            if answer is not None:
                now = facts(answer)
                if told is not None and now is not None and now != told:
                    self.model.blame("changed", f"{what} was answered {told} and then {now}")
                told = now if told is None else told
            if answer is None or not is_whole(answer):
                if time.monotonic() - began > GIVE_UP_S:
                    raise Refused(f"{what} got no whole answer in {GIVE_UP_S:.0f} s")
                await asyncio.sleep(self._pause())
            else:
                whole_count += 1
                self.model.answered_count += 1
                if self._dice.random() >= self._repeat_share / whole_count:
                    return answer
            self.model.repeat_count += 1

    async def _try(self, role: str, what: str, call: Call[T], within_ms: int) -> T | None:
        self.model.sent_count += 1
        try:
            async with self._people[role].call(within_ms=within_ms) as stub:
                return await call(stub)
        except AppError as error:
            if error.kind not in UNKNOWN_OUTCOME:
                raise Refused(f"{what} got {error.reason}") from error
            self.model.unanswered[f"{what} {error.reason}"] += 1
            self._told_to_wait_s = min(int(error.facts.get("retry_ms", "0")), RETRY_MS_MAX) / 1000
            return None

    def _pause(self) -> float:
        """How long to wait before a repeat: a moment of chance, after the time a breaker asked for."""
        told_s, self._told_to_wait_s = self._told_to_wait_s, 0.0
        return told_s + self._dice.uniform(*PAUSE_S)

    async def transfer(self, stay: Stay, amount_vnd: int, content: str) -> None:
        """Send money through the bank, again with the same request_id until the bank has answered."""
        sent = Transfer(request_id=str(uuid.uuid4()), amount_vnd=amount_vnd)
        stay.transfers.append(sent)
        booked = await self._of_the_bank(
            "pay", lambda: self.sandbox.pay(ACCOUNT, amount_vnd, content, request_id=sent.request_id)
        )
        sent.reference = str(booked["reference"])

    async def check_in(self, stay: Stay, card_qr: str, *, clerk: str = "clerk") -> None:
        """Admit a patient; a leg that failed is repeated by the same request."""
        request = pb.CheckInRequest(
            request_id=stay.request_id, card_qr=card_qr, reason_text="khám bệnh", room=stay.room
        )

        def facts(answer: pb.CheckInResponse) -> tuple[str, int, str]:
            view = answer.view
            stay.visit, stay.ticket = view.name, view.visit.ticket.number
            stay.ticket_day = view.visit.ticket.queue_date
            stay.citizen = view.citizen.name
            return stay.visit, stay.ticket, stay.citizen

        await self.answered(
            clerk,
            "CheckIn",
            lambda stub: stub.CheckIn(request),
            facts=facts,
            is_whole=lambda answer: not _has_failed(answer.view),
        )

    async def call_ticket(self, stay: Stay) -> None:
        """Call the next patient of the stay's room, who is this one: nobody else waits there."""
        request = pb.CallNextTicketRequest(request_id=str(uuid.uuid4()), room=stay.room)
        answer = await self.answered(
            "clinician",
            "CallNextTicket",
            lambda stub: stub.CallNextTicket(request),
            facts=lambda answer: (answer.ticket.name, answer.ticket.number),
        )
        stay.is_called = True
        if (answer.ticket.name, answer.ticket.number) != (f"{stay.visit}/ticket", stay.ticket):
            self.model.blame("changed", f"{stay.room} called another ticket than the one that waited")

    async def record(self, stay: Stay) -> None:
        """Write a note and a diagnosis."""
        entries = [
            emr.Entry(kind=emr.ENTRY_KIND_NOTE, text=f"ho hai ngày {stay.request_id}"),
            emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code="J06.9", text="nhiễm trùng hô hấp trên cấp"),
        ]
        request = pb.RecordEntriesRequest(request_id=str(uuid.uuid4()), visit=stay.visit, entries=entries)
        answer = await self.answered("clinician", "RecordEntries", lambda stub: stub.RecordEntries(request))
        stay.entry_count += len(entries)
        if len(answer.visit.entries) != stay.entry_count:
            self.model.blame(
                "doubled", f"{stay.visit} shows {len(answer.visit.entries)} entries of {stay.entry_count}"
            )

    async def discharge(self, stay: Stay) -> str:
        """End a visit once its coverage is known; returns the reference to pay with, or empty."""
        async with asyncio.timeout(VERIFIED_WITHIN_S):
            while True:
                view = await self._discharge_once(stay)
                if not view.split.provisional:
                    break
                await asyncio.sleep(0.5)
        bill = view.bill
        stay.total_vnd, stay.fund_vnd, stay.patient_vnd = bill.total_vnd, bill.fund_vnd, bill.patient_vnd
        stay.is_discharged = True
        if (bill.total_vnd, view.visit.state) != (TOTAL_VND, emr.VISIT_STATE_CLOSED):
            self.model.blame("broken", f"{stay.visit} ended as {bill.total_vnd} in {view.visit.state}")
        return bill.intents[-1].reference_code if bill.intents else ""

    async def _discharge_once(self, stay: Stay) -> pb.VisitView:
        request = pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=stay.visit, lines=LINES)
        stay.discharge_request_ids.append(request.request_id)
        answer = await self.answered(
            "cashier",
            "Discharge",
            lambda stub: stub.Discharge(request),
            within_ms=DISCHARGE_MS,
            facts=lambda answer: _billed(answer.view.bill),
            is_whole=lambda answer: not _has_failed(answer.view),
        )
        return answer.view

    async def ask_again(self, stay: Stay) -> str:
        """A VietQR for what is still due; its reference."""
        request = pb.PayVisitRequest(request_id=str(uuid.uuid4()), visit=stay.visit)
        answer = await self.answered(
            "cashier",
            "PayVisit",
            lambda stub: stub.PayVisit(request),
            facts=lambda answer: answer.bill.intents[-1].reference_code,
        )
        return str(answer.bill.intents[-1].reference_code)

    async def read(self, visit: str) -> pb.VisitView:
        """Look at a visit whole."""
        answer = await self.answered(
            "clerk",
            "GetVisit",
            lambda stub: stub.GetVisit(pb.GetVisitRequest(name=visit)),
            is_whole=lambda answer: not _has_failed(answer.view),
        )
        return answer.view

    async def wait_until_paid(self, stay: Stay, amount_vnd: int) -> bool:
        """Whether so much of the bill was paid soon; if not, the bank still has it to tell."""
        try:
            async with asyncio.timeout(PAID_WITHIN_S):
                # Polled: a watch would have to be begun again after each kill.
                while (await self.read(stay.visit)).bill.paid_vnd < amount_vnd:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        except TimeoutError:
            return False
        return True

    async def end_of_day(
        self, days: Sequence[date]
    ) -> tuple[list[payment.Statement], payment.ReconciliationRun]:
        """Fetch the bank's statements, import and reconcile them."""
        statements = [await self._import(await self._statement(day)) for day in days]
        request = pb.ReconcileRequest(request_id=str(uuid.uuid4()), account=ACCOUNT)
        run = await self.answered(
            "cashier",
            "Reconcile",
            lambda stub: stub.Reconcile(request),
            within_ms=IMPORT_MS,
            facts=lambda answer: answer.run.SerializeToString(deterministic=True),
        )
        return statements, run.run

    async def _import(self, content: bytes) -> payment.Statement:
        header = payment.ImportStatementHeader(
            request_id=str(uuid.uuid4()), format=payment.STATEMENT_FORMAT_CAMT053, account=ACCOUNT
        )
        answer = await self.answered(
            "cashier",
            "ImportStatement",
            lambda stub: stub.ImportStatement(_parts(header, content)),
            within_ms=IMPORT_MS,
            facts=lambda answer: answer.statement.SerializeToString(deterministic=True),
        )
        return answer.statement

    async def _statement(self, day: date) -> bytes:
        return await self._of_the_bank("statement", lambda: self.sandbox.statement(ACCOUNT, day, "camt053"))

    async def _of_the_bank(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the bank until it answers; raises Refused as `answered` does."""
        began = time.monotonic()
        while time.monotonic() - began < GIVE_UP_S:
            try:
                return await call()
            except ControlRefusedError as error:
                raise Refused(f"{what} got {error}") from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.model.unanswered[f"{what} {type(error).__name__}"] += 1
                await asyncio.sleep(self._pause())
        raise Refused(f"{what} got no answer in {GIVE_UP_S:.0f} s")


def _billed(bill: payment.Bill) -> tuple[int, int, int] | None:
    """Who owes what on an issued bill."""
    return (bill.total_vnd, bill.fund_vnd, bill.patient_vnd) if bill.total_vnd else None


def _has_failed(view: pb.VisitView) -> bool:
    """Whether a leg was not done and the same request would do it."""
    return any(
        leg.state == pb.LEG_STATE_FAILED
        or (leg.state == pb.LEG_STATE_SKIPPED and leg.reason == "BUDGET_USED_UP")
        for leg in view.legs
    )


async def _parts(
    header: payment.ImportStatementHeader, content: bytes
) -> AsyncIterator[pb.ImportStatementRequest]:
    yield pb.ImportStatementRequest(header=header)
    for start in range(0, len(content), 256 * 1024):
        yield pb.ImportStatementRequest(content=content[start : start + 256 * 1024])


async def journey(clients: Clients, stay: Stay, card_qr: str, *, calls: bool, in_parts: bool) -> None:
    """One patient from the card to the paid bill.

    Args:
        calls: The patient waits alone in front of a room and is called in.
        in_parts: A patient who owes more than the first part pays it alone first, then asks what is left.
    """
    clients.model.stays.append(stay)
    try:
        await clients.check_in(stay, card_qr)
        if calls:
            await clients.call_ticket(stay)
        await clients.record(stay)
        reference = await clients.discharge(stay)
        due_vnd = stay.patient_vnd
        if in_parts and due_vnd > FIRST_PART_VND:
            await clients.transfer(stay, FIRST_PART_VND, reference)
            if not await clients.wait_until_paid(stay, FIRST_PART_VND):
                # Not told yet: the patient keeps the first QR and pays the rest with it.
                await clients.transfer(stay, due_vnd - FIRST_PART_VND, reference)
                return
            reference, due_vnd = await clients.ask_again(stay), due_vnd - FIRST_PART_VND
        if due_vnd:
            await clients.transfer(stay, due_vnd, reference)
            await clients.wait_until_paid(stay, stay.patient_vnd)
    except Refused as refusal:
        clients.model.blame("refused", f"{stay.visit or stay.request_id}: {refusal}")
    except TimeoutError:
        clients.model.blame("unsettled", f"{stay.visit}: the coverage was not verified in time")


@asynccontextmanager
async def open_clients(
    place: Layout, model: Model, *, dice: random.Random, repeat_share: float = 0.0
) -> AsyncIterator[Clients]:
    """Sign the people in for hours and connect them to the gateway."""
    async with AsyncExitStack() as ends:
        sandbox = await ends.enter_async_context(SandboxControl(place.url("sandbox_control"), timeout_s=10.0))
        people = {}
        for role in ROLES:
            token = await sandbox.token(role, expires_in_s=TOKEN_LIFE_S)
            access = Access(gateway=place.address("gateway"), token=token)
            people[role] = await ends.enter_async_context(connected(access))
        yield Clients(model, people, sandbox, dice=dice, repeat_share=repeat_share)
