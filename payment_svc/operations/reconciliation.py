"""Reconciling an account: the engine's verdicts, applied to the books in one transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.db.columns import date_to_text
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from payment_svc.domain.bills import Intent
from payment_svc.domain.breaks import Break, BreakCode, Resolution
from payment_svc.domain.days import VIETNAM, business_date
from payment_svc.domain.errors import StatementAccountUnknown
from payment_svc.domain.ledger import Transfer, confirm_postings, derived_id, transfer
from payment_svc.domain.matching import (
    MATCHED,
    OpenCollection,
    OpenLine,
    Outcome,
    Verdict,
    digest_of,
    match,
)
from payment_svc.domain.money import Collection, IncomingMoney, Proof
from payment_svc.domain.payees import Payees
from payment_svc.domain.reconciliation import Run
from payment_svc.operations.collecting import Collecting
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import PaymentStore


class ReconciliationOperations:
    """The verb that compares the bank with our books."""

    def __init__(
        self,
        db: Database,
        store: PaymentStore,
        statements: StatementStore,
        collecting: Collecting,
        *,
        payees: Payees,
        missing_after: timedelta,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._statements = statements
        self._collecting = collecting
        self._payees = payees
        self._missing_after = missing_after
        self._clock = clock
        self._ids = ids

    async def reconcile(self, caller: Caller, key: RequestKey, *, account: str) -> Run:
        """Match open lines, post what only the bank knew, name the rest; again without new data changes nothing.

        Raises:
            StatementAccountUnknown: the account is not the caller's facility's.
        """
        payee = self._payees.owner_of(account)
        if payee is None or payee.facility_code != caller.facility:
            raise StatementAccountUnknown

        async def work(tx: Tx) -> Run:
            run_id = await recall(tx, key)
            if run_id is None:
                run = _Reconciling(self._store, self._statements, self._collecting, self._clock.now())
                done = await run.run(
                    tx,
                    run_id=self._ids.new(),
                    facility_code=caller.facility,
                    account=account,
                    missing_after=self._missing_after,
                )
                await self._note(tx, caller, done.run_id)
                run_id = done.run_id
                await remember(tx, key, run_id, "forever")
            kept = await self._statements.read_run(tx, run_id)
            assert kept is not None, "its key was remembered with it"
            return kept

        return await self._db.write(work)

    async def _note(self, tx: Tx, caller: Caller, run_id: str) -> None:
        await audit.record(
            tx,
            action="reconcile",
            resource=f"reconciliationRuns/{run_id}",
            caller=caller,
            outcome="ok",
            now=self._clock.now(),
            trace_id=current_trace_id(),
        )


class _Reconciling:
    """One run inside its transaction."""

    def __init__(
        self, store: PaymentStore, statements: StatementStore, collecting: Collecting, now: datetime
    ) -> None:
        self._store = store
        self._statements = statements
        self._collecting = collecting
        self._now = now
        self._break_count = 0
        self._proofs: list[Proof] = []

    async def run(
        self, tx: Tx, *, run_id: str, facility_code: str, account: str, missing_after: timedelta
    ) -> Run:
        lines = {line.line_id: line for line in await self._statements.list_open_lines(tx, account)}
        unproved = {item.collection_id: item for item in await self._store.list_unproved(tx, account)}
        intents = await self._intents(tx, lines.values(), facility_code)
        verdicts = match(
            lines.values(),
            [_open(item) for item in unproved.values()],
            intents={code: intent.intent_id for code, intent in intents.items()},
        )
        await self._prove(tx, verdicts, lines, unproved, account)
        by_id = {intent.intent_id: intent.reference_code for intent in intents.values()}
        for verdict in verdicts:
            line = lines[verdict.line_id]
            if verdict.outcome is Outcome.UNEXPLAINED_DEBIT:
                await self._name_debit(tx, line, facility_code=facility_code, account=account)
            elif verdict.outcome in (Outcome.POST_FROM_LINE, Outcome.UNIDENTIFIED, Outcome.AMBIGUOUS):
                await self._post(tx, line, verdict, by_id, facility_code=facility_code, account=account)
        await self._store.prove_all(tx, self._proofs)
        await self._store.book_all(tx, self._arrivals(lines.values(), facility_code))
        await self._statements.decide_all(tx, verdicts)
        await self._name_missing(tx, account, missing_after)
        counts = Counter(verdict.outcome for verdict in verdicts)
        done = Run(
            run_id=run_id,
            by_reference_count=counts[Outcome.BANK_REFERENCE],
            by_code_count=counts[Outcome.REFERENCE_CODE] + counts[Outcome.SAME_TEXT],
            posted_count=counts[Outcome.POST_FROM_LINE],
            break_count=self._break_count,
            open_line_count=await self._statements.count_open_lines(
                tx, account=account, facility_code=facility_code
            ),
            digest=digest_of(await self._statements.line_outcomes(tx, account)),
        )
        await self._statements.add_run(tx, done, facility_code=facility_code, account=account, now=self._now)
        return done

    async def _intents(self, tx: Tx, lines: Iterable[OpenLine], facility_code: str) -> dict[str, Intent]:
        """The facility's intents that lines name, by reference code."""
        found: dict[str, Intent] = {}
        for code in sorted({code for line in lines for code in line.codes}):
            intent = await self._store.find_intent(tx, code)
            if intent is not None and intent.facility_code == facility_code:
                found[code] = intent
        return found

    async def _prove(
        self,
        tx: Tx,
        verdicts: list[Verdict],
        lines: dict[str, OpenLine],
        unproved: dict[str, Collection],
        account: str,
    ) -> None:
        """Find the money that lines prove, group by group, and clear what they explain."""
        groups: dict[str, list[Verdict]] = defaultdict(list)
        for verdict in verdicts:
            if verdict.group:
                groups[verdict.group].append(verdict)
        broken = await self._statements.money_with_open_breaks(tx, account)
        for group, members in groups.items():
            is_match = members[0].outcome in MATCHED
            line = lines[members[0].line_id]
            for collection_id in members[0].collection_ids:
                item = unproved[collection_id]
                confirmed_vnd = item.amount_vnd if is_match else line.amount_vnd
                self._proofs.append(
                    Proof(collection_id=collection_id, confirmed_vnd=confirmed_vnd, match_group=group)
                )
                if collection_id in broken:
                    await self._statements.clear_breaks(
                        tx, collection_id=collection_id, code=BreakCode.MISSING_IN_BANK, now=self._now
                    )
                    await self._statements.link_breaks(tx, collection_id=collection_id, line_id=line.line_id)
                if not is_match:
                    self._break_count += await self._collecting.open_break(
                        tx,
                        BreakCode.AMOUNT_MISMATCH,
                        item,
                        cause=line.line_id,
                        now=self._now,
                        amount_vnd=abs(item.amount_vnd - line.amount_vnd),
                        line_id=line.line_id,
                    )

    async def _post(
        self,
        tx: Tx,
        line: OpenLine,
        verdict: Verdict,
        references: dict[str, str],
        *,
        facility_code: str,
        account: str,
    ) -> None:
        """Book money that only the statement told of; a statement line proves itself."""
        intent = None
        if verdict.intent_id:
            # Read again: an earlier line of this run may have paid it.
            intent = await self._store.find_intent(tx, references[verdict.intent_id])
        is_ambiguous = verdict.outcome is Outcome.AMBIGUOUS
        received = await self._collecting.receive(
            tx,
            IncomingMoney(
                facility_code=facility_code,
                account=account,
                amount_vnd=line.amount_vnd,
                bank_reference=line.bank_reference,
                text_hash=line.text_hash,
                # A line knows its day only; its first moment keeps the day on both sides of midnight UTC.
                paid_time=datetime.combine(line.booking_date, time(), VIETNAM),
                line_id=line.line_id,
            ),
            intent=intent,
            is_late=intent is not None and line.booking_date > business_date(intent.expire_time),
            now=self._now,
            unknown_code=BreakCode.AMBIGUOUS if is_ambiguous else BreakCode.UNIDENTIFIED_RECEIPT,
        )
        self._break_count += received.open_break_count
        if intent is not None:
            await self._collecting.open_break(
                tx, BreakCode.MISSING_IN_LEDGER, received.collection, cause=line.line_id, now=self._now
            )
        self._proofs.append(
            Proof(
                collection_id=received.collection.collection_id,
                confirmed_vnd=line.amount_vnd,
                match_group=derived_id("group", line.line_id),
            )
        )

    def _arrivals(self, lines: Iterable[OpenLine], facility_code: str) -> list[Transfer]:
        """Every credit line moves its money from clearing to the bank, whatever it was for."""
        made = (
            transfer(
                "confirm",
                line.line_id,
                facility_code=facility_code,
                book_time=self._now,
                postings=confirm_postings(line.amount_vnd),
            )
            for line in lines
            if line.amount_vnd > 0
        )
        return [each for each in made if each is not None]

    async def _name_debit(self, tx: Tx, line: OpenLine, *, facility_code: str, account: str) -> None:
        added = await self._statements.add_break(
            tx,
            Break(
                break_id=derived_id("break", BreakCode.UNEXPLAINED_DEBIT.value, line.line_id),
                facility_code=facility_code,
                code=BreakCode.UNEXPLAINED_DEBIT,
                amount_vnd=-line.amount_vnd,
                account=account,
                bank_reference=line.bank_reference,
                visit_id="",
                collection_id="",
                create_time=self._now,
                resolution=Resolution.NONE,
                resolve_time=None,
            ),
            line_id=line.line_id,
        )
        self._break_count += added

    async def _name_missing(self, tx: Tx, account: str, missing_after: timedelta) -> None:
        """Open a break for money we were told of whose days the statements cover and which they do not show."""
        last_date = await self._statements.last_statement_date(tx, account)
        if last_date is None:
            return
        until = date_to_text(last_date - missing_after)
        for item in await self._store.list_overdue(tx, account=account, last_date=until):
            self._break_count += await self._collecting.open_break(
                tx, BreakCode.MISSING_IN_BANK, item, cause=item.collection_id, now=self._now
            )


def _open(item: Collection) -> OpenCollection:
    return OpenCollection(
        collection_id=item.collection_id,
        amount_vnd=item.amount_vnd,
        bank_reference=item.bank_reference,
        intent_id=item.intent_id,
        text_hash=item.text_hash,
    )
