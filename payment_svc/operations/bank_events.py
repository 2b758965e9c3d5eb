"""Taking in a bank's notification: whatever comes, however often and in whatever order, it posts at most once."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from payment_svc.domain.bills import Intent
from payment_svc.domain.breaks import Break, BreakCode, Resolution
from payment_svc.domain.errors import EventTooLarge, ProviderUnknown
from payment_svc.domain.ledger import derived_id
from payment_svc.domain.money import (
    AnswerCode,
    BankEvent,
    Collection,
    EventOutcome,
    IncomingMoney,
    Notification,
    Verdict,
)
from payment_svc.domain.payees import Payees
from payment_svc.operations.collecting import Collecting, Received
from payment_svc.ports import Readers, Tracer
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import PaymentStore
from standards.payment_reference import find_references, is_reference

RAW_BYTES_MAX = 65_536
_REFUSED = {
    Verdict.SIGNATURE_INVALID: (EventOutcome.REJECTED, AnswerCode.BAD_SIGNATURE),
    Verdict.MALFORMED: (EventOutcome.REJECTED, AnswerCode.MALFORMED),
    Verdict.NOT_PAID: (EventOutcome.NOT_PAID, AnswerCode.OK),
}
"""What a notification without money leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnswer:
    """What the bank is answered."""

    answer_code: AnswerCode
    outcome: EventOutcome
    visit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A notification on its way into the books."""

    event_id: str
    provider: str
    raw: bytes
    told: Notification
    facility_code: str
    account: str
    codes: tuple[str, ...]
    """Reference codes it names: the invoice alone when it names one, else those in the text."""


class BankEventOperations:
    """The verb about notifications."""

    def __init__(
        self,
        db: Database,
        store: PaymentStore,
        statements: StatementStore,
        collecting: Collecting,
        *,
        readers: Readers,
        payees: Payees,
        tracer: Tracer,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._statements = statements
        self._collecting = collecting
        self._readers = readers
        self._payees = payees
        self._tracer = tracer
        self._clock = clock

    async def record(self, caller: Caller, key: RequestKey, *, provider: str, raw: bytes) -> EventAnswer:
        """Verify, keep and post a notification.

        Raises:
            ProviderUnknown, EventTooLarge: mistakes of the caller; content never raises.
        """
        if len(raw) > RAW_BYTES_MAX:
            raise EventTooLarge(len(raw), RAW_BYTES_MAX)
        reader = self._readers.get(provider)
        if reader is None:
            raise ProviderUnknown
        arrival = self._arrival(provider, raw, reader.read(raw))
        intents = await self._db.read(lambda tx: self._intents(tx, arrival))

        async def work(tx: Tx) -> EventAnswer:
            # The bank's own repeat has the same bytes and so the same key: it is a duplicate, not a first answer.
            done = await recall(tx, key)
            answer = await self._take(tx, caller, arrival)
            if done is None:
                await remember(tx, key, arrival.event_id, "forever")
            return answer

        # The payment belongs to the journey that asked for the money, not to the bank's call alone.
        journey = (
            self._tracer.span("payment.settle", parent=intents[0].traceparent)
            if len(intents) == 1 and intents[0].traceparent
            else nullcontext()
        )
        with journey:
            return await self._db.write(work)

    def _arrival(self, provider: str, raw: bytes, told: Notification) -> _Arrival:
        name = {
            Verdict.PAID: ("paid", told.transaction_id),
            Verdict.NOT_PAID: ("unpaid", told.transaction_id, told.status, sha256(raw).hexdigest()),
        }.get(told.verdict, ("refused", sha256(raw).hexdigest()))
        # Only a notification that names none of our accounts falls back to the only facility there is.
        payee = self._payees.owner_of(told.account) if told.account else self._payees.sole()
        codes = (told.invoice_id,) if is_reference(told.invoice_id) else find_references(told.description)
        return _Arrival(
            event_id=derived_id("event", provider, *name),
            provider=provider,
            raw=raw,
            told=told,
            facility_code=payee.facility_code if payee else "",
            account=payee.account if payee else told.account,
            codes=codes,
        )

    async def _intents(self, tx: Tx, arrival: _Arrival) -> list[Intent]:
        """The intents a notification names; none of another facility, and none when the money went elsewhere."""
        if arrival.account and not arrival.facility_code:
            return []
        found = [await self._store.find_intent(tx, code) for code in arrival.codes]
        return [
            intent
            for intent in found
            if intent is not None and arrival.facility_code in ("", intent.facility_code)
        ]

    async def _take(self, tx: Tx, caller: Caller, arrival: _Arrival) -> EventAnswer:
        known = await self._store.read_event(tx, arrival.event_id)
        if known is not None:
            return await self._repeat(tx, known, arrival)
        if arrival.told.verdict is Verdict.PAID:
            event = await self._post(tx, arrival)
        else:
            event = await self._keep_refused(tx, arrival)
        await self._store.add_event(
            tx, event, provider=arrival.provider, raw=arrival.raw, now=self._clock.now()
        )
        bill = await self._store.read_bill(tx, event.visit_id) if event.visit_id else None
        await audit.record(
            tx,
            action="record_bank_event",
            resource=f"bankEvents/{event.event_id}",
            caller=caller,
            outcome=event.outcome.value.lower(),
            now=self._clock.now(),
            subject=bill.citizen_id if bill else "",
            trace_id=current_trace_id(),
        )
        return EventAnswer(answer_code=event.answer_code, outcome=event.outcome, visit_id=event.visit_id)

    async def _repeat(self, tx: Tx, known: BankEvent, arrival: _Arrival) -> EventAnswer:
        if known.verdict is not Verdict.PAID:
            return EventAnswer(answer_code=known.answer_code, outcome=known.outcome, visit_id=known.visit_id)
        item = await self._store.read_collection(tx, known.collection_id) if known.collection_id else None
        if item is not None and known.amount_vnd != arrival.told.amount_vnd:
            # One transaction told with two amounts: the first stands, the statement decides, a person looks.
            cause = f"{known.event_id}/{arrival.told.amount_vnd}"
            await self._collecting.open_break(
                tx,
                BreakCode.AMOUNT_MISMATCH,
                item,
                cause=cause,
                now=self._clock.now(),
                amount_vnd=abs(known.amount_vnd - arrival.told.amount_vnd),
            )
        return await self._duplicate(tx, known.visit_id)

    async def _duplicate(self, tx: Tx, visit_id: str) -> EventAnswer:
        bill = await self._store.read_bill(tx, visit_id) if visit_id else None
        is_paid = bill is not None and bill.due_vnd == 0
        code = AnswerCode.ALREADY_PAID if is_paid else AnswerCode.DUPLICATE
        return EventAnswer(answer_code=code, outcome=EventOutcome.DUPLICATE, visit_id=visit_id)

    async def _keep_refused(self, tx: Tx, arrival: _Arrival) -> BankEvent:
        verdict = arrival.told.verdict
        outcome, answer_code = _REFUSED[verdict]
        if verdict is Verdict.SIGNATURE_INVALID:
            await self._open_break_of_nobody(tx, arrival, BreakCode.SIGNATURE_INVALID)
        return self._event(arrival, outcome=outcome, answer_code=answer_code)

    async def _open_break_of_nobody(self, tx: Tx, arrival: _Arrival, code: BreakCode) -> None:
        """Tell of a notification that nothing was booked for.

        Nothing in a forged text is believed, and money on a stranger's account is not ours: where there are several
        facilities such a break belongs to none, and all of them see it.
        """
        sole = self._payees.sole()
        await self._statements.add_break(
            tx,
            Break(
                break_id=derived_id("break", code.value, arrival.event_id),
                facility_code=sole.facility_code if sole else "",
                code=code,
                amount_vnd=arrival.told.amount_vnd,
                account="",
                bank_reference=arrival.told.transaction_id,
                visit_id="",
                collection_id="",
                create_time=self._clock.now(),
                resolution=Resolution.NONE,
                resolve_time=None,
            ),
        )

    async def _post(self, tx: Tx, arrival: _Arrival) -> BankEvent:
        intents = await self._intents(tx, arrival)
        intent = intents[0] if len(intents) == 1 else None
        facility_code = arrival.facility_code or (intent.facility_code if intent else "")
        account = arrival.account or (intent.account if intent else "")
        if not facility_code:
            # Booked nowhere: money on an account that is nobody's here is not in our hands.
            await self._open_break_of_nobody(tx, arrival, BreakCode.UNIDENTIFIED_RECEIPT)
            return self._event(arrival, outcome=EventOutcome.UNIDENTIFIED, answer_code=AnswerCode.OK)
        arrival = replace(arrival, facility_code=facility_code, account=account)
        earlier = await self._store.find_posted_from_line(
            tx,
            account=account,
            bank_reference=arrival.told.transaction_id,
            intent_id=intent.intent_id if intent else "",
            amount_vnd=arrival.told.amount_vnd,
        )
        if earlier is not None:
            return await self._tie_to_line(tx, arrival, earlier, intent)
        assert arrival.told.paid_time is not None, "a paid notification has its time"
        received = await self._collecting.receive(
            tx,
            IncomingMoney(
                facility_code=facility_code,
                account=account,
                amount_vnd=arrival.told.amount_vnd,
                bank_reference=arrival.told.transaction_id,
                text_hash=self._store.text_hash(arrival.told.description),
                paid_time=arrival.told.paid_time,
                event_id=arrival.event_id,
            ),
            intent=intent,
            is_late=intent is not None and arrival.told.paid_time >= intent.expire_time,
            now=self._clock.now(),
            unknown_code=BreakCode.AMBIGUOUS if len(intents) > 1 else BreakCode.UNIDENTIFIED_RECEIPT,
        )
        return self._event(
            arrival,
            outcome=EventOutcome.POSTED if received.bill else EventOutcome.UNIDENTIFIED,
            answer_code=_answer_of(received),
            collection=received.collection,
        )

    async def _tie_to_line(
        self, tx: Tx, arrival: _Arrival, item: Collection, intent: Intent | None
    ) -> BankEvent:
        """The statement was faster: the money is booked already, and now at the latest its bill is known."""
        now = self._clock.now()
        await self._store.claim_for_event(tx, collection_id=item.collection_id, event_id=arrival.event_id)
        bill = await self._store.read_bill(tx, intent.visit_id) if intent and not item.intent_id else None
        if intent is not None and bill is not None:
            await self._store.name_collection(
                tx, item.collection_id, visit_id=bill.visit_id, intent_id=intent.intent_id
            )
            item = replace(item, visit_id=bill.visit_id, intent_id=intent.intent_id)
            await self._store.receive_on_intent(tx, intent, item.amount_vnd)
            if bill.due_vnd and item.unapplied_vnd:
                applied_vnd = await self._collecting.apply(tx, item, bill, cause=arrival.event_id, now=now)
                rest_vnd = item.unapplied_vnd - applied_vnd
                for code in (BreakCode.UNIDENTIFIED_RECEIPT, BreakCode.AMBIGUOUS):
                    await self._statements.clear_breaks(
                        tx, collection_id=item.collection_id, code=code, now=now
                    )
                if rest_vnd:
                    await self._collecting.open_break(
                        tx, BreakCode.AMOUNT_OVER, item, cause=arrival.event_id, now=now, amount_vnd=rest_vnd
                    )
        answer = await self._duplicate(tx, item.visit_id)
        return self._event(
            arrival, outcome=EventOutcome.DUPLICATE, answer_code=answer.answer_code, collection=item
        )

    def _event(
        self,
        arrival: _Arrival,
        *,
        outcome: EventOutcome,
        answer_code: AnswerCode,
        collection: Collection | None = None,
    ) -> BankEvent:
        return BankEvent(
            event_id=arrival.event_id,
            facility_code=arrival.facility_code,
            verdict=arrival.told.verdict,
            amount_vnd=arrival.told.amount_vnd,
            outcome=outcome,
            answer_code=answer_code,
            visit_id=collection.visit_id if collection else "",
            collection_id=collection.collection_id if collection else "",
        )


def _answer_of(received: Received) -> AnswerCode:
    """What the bank hears of money that was booked."""
    if received.bill is None:
        return AnswerCode.OK
    if BreakCode.DUPLICATE_PAYMENT in received.settlement.codes:
        return AnswerCode.ALREADY_PAID
    # Less or more than was due; money is kept in both cases.
    exact = received.settlement.applied_vnd == received.bill.due_vnd and not received.settlement.unapplied_vnd
    return AnswerCode.OK if exact else AnswerCode.AMOUNT_DIFFERS
