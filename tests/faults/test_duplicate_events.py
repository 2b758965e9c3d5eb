"""A bank's notification under repeats, races, reorder and crashes at every statement: exactly one posting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from chassis.db import Database, Row, Tx, Work
from chassis.db.errors import StoreUnavailable
from chassis.errors import AppError
from chassis.rpc.context import acting_as
from lienthong.payment.v1 import payment_pb2 as pb
from tests.support.payment import (
    Booked,
    Payment,
    bill_line,
    new_visit,
    paid,
    payment_on,
    query,
    statement_csv,
)
from tests.support.stores import OpenStore

ONCE = {"BANK_CLEARING": 500_000, "REVENUE": -500_000}
STATEMENTS_MAX = 60


class Crashed(RuntimeError):
    """Stands for the end of the process."""


class CrashingTx:
    """Passes everything on until its turn comes."""

    def __init__(self, tx: Tx, crash: Crash) -> None:
        self._tx = tx
        self._crash = crash

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("_tx", "_crash"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._tx, name, value)

    async def one(self, name: str, /, **params: object) -> Row | None:
        self._crash.count()
        return await self._tx.one(name, **params)

    async def all(self, name: str, /, **params: object) -> list[Row]:
        self._crash.count()
        return await self._tx.all(name, **params)

    async def execute(self, name: str, /, **params: object) -> int:
        self._crash.count()
        return await self._tx.execute(name, **params)

    async def execute_many(self, name: str, /, rows: Sequence[Mapping[str, object]]) -> None:
        self._crash.count()
        await self._tx.execute_many(name, rows)


class Crash:
    """A store that dies at the n-th statement of a write, or after its commit; n = 0 never."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.at = 0
        self.after_commit = False
        self.seen = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise Crashed

    async def write(self, work: Work[Any], *, serializable: bool = True) -> Any:
        async def counted(tx: Tx) -> Any:
            self.seen = 0
            return await work(CrashingTx(tx, self))

        done = await self._db.write(counted, serializable=serializable)
        if self.after_commit:
            self.after_commit = False
            raise StoreUnavailable("unknown")
        return done


@pytest.fixture
async def payment(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Payment]:
    async with payment_on(open_store, tmp_path) as made:
        yield made


async def asked(payment: Payment, patient_vnd: int = 500_000) -> tuple[str, pb.PaymentIntent]:
    visit = new_visit()
    await payment.issue(visit, bill_line(patient_vnd))
    return visit, await payment.intent(visit)


def counts(answers: list[pb.RecordBankEventResponse]) -> dict[str, int]:
    names = [pb.BankEventOutcome.Name(a.outcome).removeprefix("BANK_EVENT_OUTCOME_") for a in answers]
    return {name: names.count(name) for name in sorted(set(names))}


async def test_the_same_notification_five_times_posts_once(payment: Payment) -> None:
    visit, intent = await asked(payment)
    raw = query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))

    answers = [await payment.tell(raw) for _ in range(5)]

    assert [answer.answer_code for answer in answers] == ["00", "02", "02", "02", "02"]
    assert counts(answers) == {"DUPLICATE": 4, "POSTED": 1}
    assert len((await payment.bill(visit)).receipts) == 1
    assert await payment.balances() == ONCE


async def test_a_repeat_while_the_bill_is_open_is_answered_as_a_duplicate(payment: Payment) -> None:
    _, intent = await asked(payment)
    raw = query(paid(200_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))

    answers = [await payment.tell(raw) for _ in range(2)]

    assert [answer.answer_code for answer in answers] == ["03", "05"]


async def test_the_same_money_in_other_bytes_posts_once(payment: Payment) -> None:
    _, intent = await asked(payment)
    told = paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)

    answers = [await payment.tell(query(told)), await payment.tell(query(dict(reversed(told.items()))))]

    assert counts(answers) == {"DUPLICATE": 1, "POSTED": 1}
    assert await payment.balances() == ONCE


async def test_thirty_two_at_once_post_once(payment: Payment) -> None:
    visit, intent = await asked(payment)
    told = paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)
    raws = [query(told), query(dict(reversed(told.items())))] * 16

    answers = await asyncio.gather(*(payment.tell(raw) for raw in raws))

    assert counts(list(answers)) == {"DUPLICATE": 31, "POSTED": 1}
    assert len((await payment.bill(visit)).receipts) == 1
    assert await payment.balances() == ONCE


async def test_two_processes_on_one_store_post_once(open_store: OpenStore, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with payment_on(open_store, tmp_path / "one") as first:
        key_file = tmp_path / "two" / first.key_file.name
        key_file.write_bytes(first.key_file.read_bytes())
        key_file.chmod(0o600)
        async with payment_on(open_store, tmp_path / "two", url=first.db.url) as second:
            _, intent = await asked(first)
            raw = query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))

            answers = await asyncio.gather(*(each.tell(raw) for each in (first, second) * 8))

            assert counts(list(answers)) == {"DUPLICATE": 15, "POSTED": 1}
            assert await second.balances() == ONCE


async def test_parts_in_any_order_end_in_the_same_books(payment: Payment) -> None:
    ends = set()
    for number, order in enumerate(permutations((100_000, 150_000, 250_000))):
        visit, intent = await asked(payment)
        for part_vnd in order:
            await payment.tell(
                query(
                    paid(
                        part_vnd,
                        transaction_id=f"FT2606{number}{part_vnd}",
                        invoice_id=intent.reference_code,
                    )
                )
            )
        bill = await payment.bill(visit)
        ends.add((bill.state, bill.paid_vnd, bill.intents[0].state, len(bill.receipts)))

    assert ends == {(pb.BILL_STATE_PAID, 500_000, pb.INTENT_STATE_PAID, 3)}


async def test_the_statement_may_come_before_between_or_after_the_repeats(payment: Payment) -> None:
    for number, when in enumerate((0, 1, 2)):
        visit, intent = await asked(payment)
        reference = f"FT260610000{number}"
        raw = query(paid(500_000, transaction_id=reference, invoice_id=intent.reference_code))
        line = Booked(amount_vnd=500_000, reference=reference, text=intent.reference_code)
        for step in range(3):
            if step == when:
                await payment.import_file(statement_csv([line]))
                await payment.reconcile()
            await payment.tell(raw)
        await payment.reconcile()

        bill = await payment.bill(visit)
        assert (bill.paid_vnd, bill.reconciled, len(bill.receipts)) == (500_000, True, 1)

    assert await payment.balances() == {"BANK": 1_500_000, "REVENUE": -1_500_000}
    assert await payment.break_codes() == []


@pytest.fixture
async def crash(payment: Payment) -> Crash:
    """The payment service with a store that can die."""
    made = Crash(payment.db)
    payment.swap_store(made)
    return made


async def test_a_crash_at_any_statement_leaves_nothing_and_the_repeat_posts_once(
    payment: Payment, crash: Crash
) -> None:
    visit, intent = await asked(payment)
    raw = query(paid(600_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))
    before = await payment.balances()

    crash_count = 0
    for at in range(1, STATEMENTS_MAX):
        crash.at = at
        try:
            answer = await payment.tell(raw)
        except AppError:
            assert await payment.balances() == before
            crash_count += 1
        else:
            break
    else:
        pytest.fail("the notification was never posted")

    assert crash_count > 10
    assert answer.outcome == pb.BANK_EVENT_OUTCOME_POSTED
    assert [receipt.number for receipt in (await payment.bill(visit)).receipts] == ["PT26-000001"]
    assert await payment.balances() == {
        "BANK_CLEARING": 600_000,
        "UNAPPLIED_RECEIPTS": -100_000,
        "REVENUE": -500_000,
    }


async def test_an_answer_lost_after_the_commit_is_a_duplicate_when_repeated(
    payment: Payment, crash: Crash
) -> None:
    _, intent = await asked(payment)
    raw = query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))
    crash.after_commit = True

    with pytest.raises(AppError) as lost:
        await payment.tell(raw)
    repeated = await payment.tell(raw)

    assert lost.value.reason == "STORE_UNAVAILABLE"
    assert (repeated.answer_code, repeated.outcome) == ("02", pb.BANK_EVENT_OUTCOME_DUPLICATE)
    assert await payment.balances() == ONCE


async def test_a_crash_at_any_statement_of_a_reconciliation_leaves_nothing(
    payment: Payment, crash: Crash
) -> None:
    _, told = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=told.reference_code)))
    _, lost = await asked(payment)
    await payment.import_file(
        statement_csv(
            [
                Booked(amount_vnd=500_000, reference="FT2606100001"),
                Booked(amount_vnd=500_000, reference="FT2606100002", text=lost.reference_code),
                Booked(amount_vnd=7_000, text="la"),
            ]
        )
    )
    before = await payment.balances()

    crash_count = 0
    for at in range(1, STATEMENTS_MAX):
        crash.at = at
        try:
            run = await payment.reconcile()
        except AppError:
            assert await payment.balances() == before
            crash_count += 1
        else:
            break
    else:
        pytest.fail("the reconciliation never ended")

    assert crash_count > 20
    assert (run.matched_by_bank_reference_count, run.posted_from_statement_count) == (1, 1)
    assert await payment.balances() == {
        "BANK": 1_007_000,
        "UNAPPLIED_RECEIPTS": -7_000,
        "REVENUE": -1_000_000,
    }


async def test_a_caller_who_gives_up_loses_nothing(payment: Payment) -> None:
    _, intent = await asked(payment)
    raw = query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))

    with acting_as(payment.caller("SERVICE", facility="")):
        for delay_s in (0.0, 0.0005, 0.001, 0.002, 0.005):
            task = asyncio.create_task(payment.tell(raw))
            await asyncio.sleep(delay_s)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await payment.tell(raw)

    assert await payment.balances() == ONCE
