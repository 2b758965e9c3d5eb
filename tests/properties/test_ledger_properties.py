"""Money and matching under random histories, against a small model written without the code under test."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.db import Database, migrations, open_database
from payment_svc.domain.matching import OpenCollection, OpenLine, Verdict, digest_of, match
from payment_svc.domain.settlement import settle
from tests.support.payment import (
    PACKAGE,
    QUERIES_FILES,
    START,
    Booked,
    Payment,
    bill_line,
    new_visit,
    paid,
    payment_on,
    query,
    statement_csv,
)

BILLS = st.integers(min_value=0, max_value=2)
STEPS = st.one_of(
    st.tuples(st.just("issue"), st.integers(min_value=1, max_value=40)),
    st.tuples(st.just("told"), BILLS),
    st.tuples(st.just("told_late"), BILLS),
    st.tuples(st.just("untold"), BILLS),
    st.tuples(st.just("stranger"), st.booleans()),
    st.tuples(st.just("tell_again"), st.integers(min_value=0, max_value=7)),
    st.tuples(st.just("statement"), st.just(0)),
    st.tuples(st.just("reconcile"), st.just(0)),
)


@dataclass(slots=True)
class ModelBill:
    """A bill as the model sees it."""

    visit: str
    code: str
    due_vnd: int
    paid_vnd: int = 0


@dataclass(slots=True)
class ModelMoney:
    """One transfer at the bank."""

    raw: bytes
    booked: Booked
    bill: ModelBill | None
    known: bool = False
    imported: bool = False
    proved: bool = False


@dataclass(slots=True)
class Model:
    """What the books must say, from first principles: each transfer counts once, bills take what they want first."""

    bills: list[ModelBill] = field(default_factory=list)
    money: list[ModelMoney] = field(default_factory=list)

    def learn(self, item: ModelMoney) -> None:
        """The books hear of a transfer; the second time means nothing."""
        if item.known:
            return
        item.known = True
        if item.bill is not None:
            item.bill.paid_vnd = min(item.bill.due_vnd, item.bill.paid_vnd + item.booked.amount_vnd)

    def balances(self) -> dict[str, int]:
        """The balances, unapplied and refunds taken together."""
        known = [item for item in self.money if item.known]
        paid_vnd = sum(bill.paid_vnd for bill in self.bills)
        due_vnd = sum(bill.due_vnd for bill in self.bills)
        return {
            "BANK": sum(item.booked.amount_vnd for item in known if item.proved),
            "BANK_CLEARING": sum(item.booked.amount_vnd for item in known if not item.proved),
            "PATIENT_RECEIVABLE": due_vnd - paid_vnd,
            "WAITING": paid_vnd - sum(item.booked.amount_vnd for item in known),
            "REVENUE": -due_vnd,
        }


class Stores:
    """A migrated file, copied for each history."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"
        asyncio.run(migrations.upgrade(f"sqlite:///{self._template}", package=PACKAGE))

    @asynccontextmanager
    async def payment(self) -> AsyncIterator[Payment]:
        folder = Path(tempfile.mkdtemp(dir=self._template.parent))
        shutil.copyfile(self._template, folder / "payment.db")
        opened: list[Database] = []

        async def open_one(package: str, **options: Any) -> Database:
            options["url"] = f"sqlite:///{folder / 'payment.db'}"
            opened.append(await open_database(options.pop("url"), queries=QUERIES_FILES, package=package))
            return opened[-1]

        try:
            async with payment_on(open_one, folder) as made:
                yield made
        finally:
            for database in opened:
                await database.close()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    return Stores(tmp_path_factory.mktemp("ledger"))


async def step(payment: Payment, model: Model, name: str, argument: int, serial: int) -> None:
    """Do one thing in the service and in the model."""
    # Powers of two: no two sets of transfers add up to one sum, so nothing can match by chance.
    amount_vnd = 1_000 * 2**serial
    reference = f"FT2606{serial:06d}"
    if name == "issue" and len(model.bills) < 3:
        visit = new_visit()
        await payment.issue(visit, bill_line(1_000 * argument))
        intent = await payment.intent(visit)
        model.bills.append(ModelBill(visit=visit, code=intent.reference_code, due_vnd=1_000 * argument))
    elif name in ("told", "told_late", "untold", "stranger"):
        bill = None
        if name != "stranger":
            if argument >= len(model.bills):
                return
            bill = model.bills[argument]
        text = f"MB.{serial}.{bill.code}.CT" if bill else f"nguoi la {serial}"
        moment = START + timedelta(hours=25 if name == "told_late" else 0)
        raw = query(paid(amount_vnd, transaction_id=reference, text=text, paid_time=moment))
        item = ModelMoney(
            raw=raw, booked=Booked(amount_vnd=amount_vnd, reference=reference, text=text), bill=bill
        )
        model.money.append(item)
        if name.startswith("told") or (name == "stranger" and argument):
            await payment.tell(raw)
            model.learn(item)
    elif name == "tell_again" and argument < len(model.money):
        await payment.tell(model.money[argument].raw)
        model.learn(model.money[argument])
    elif name == "statement":
        # The whole book each time: every file overlaps the one before.
        await payment.import_file(statement_csv(item.booked for item in model.money))
        for item in model.money:
            item.imported = True
    elif name == "reconcile":
        await payment.reconcile()
        for item in model.money:
            if item.imported:
                model.learn(item)
                item.proved = True


async def check(payment: Payment, model: Model) -> None:
    """The service's books say what the model says."""
    found = await payment.balances()
    found["WAITING"] = found.pop("UNAPPLIED_RECEIPTS", 0) + found.pop("REFUNDS_PAYABLE", 0)
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in model.balances().items() if v}
    for bill in model.bills:
        shown = await payment.bill(bill.visit)
        assert shown.paid_vnd == bill.paid_vnd
        assert sum(receipt.amount_vnd for receipt in shown.receipts) == bill.paid_vnd


@settings(max_examples=25, deadline=None)
@given(history=st.lists(STEPS, min_size=3, max_size=14))
def test_every_history_keeps_the_books_as_the_model_says(
    stores: Stores, history: list[tuple[str, int]]
) -> None:
    async def play() -> None:
        async with stores.payment() as payment:
            model, serials = Model(), count()
            # Every history has a bill at its beginning and a reconciled end.
            for name, argument in [("issue", 5), *history, ("statement", 0), ("reconcile", 0)]:
                await step(payment, model, name, argument, next(serials))
                await check(payment, model)
            # Whatever is told after the end was known from the statement.
            for item in model.money:
                await payment.tell(item.raw)
            await check(payment, model)

    asyncio.run(play())


@given(
    amount_vnd=st.integers(min_value=1, max_value=10**15),
    due_vnd=st.none() | st.integers(min_value=0, max_value=10**15),
    is_late=st.booleans(),
)
def test_no_dong_is_lost_or_made_by_a_settlement(amount_vnd: int, due_vnd: int | None, is_late: bool) -> None:
    split = settle(amount_vnd=amount_vnd, due_vnd=due_vnd, is_late=is_late)

    parts = (split.applied_vnd, split.unapplied_vnd, split.refund_vnd)
    assert sum(parts) == amount_vnd
    assert min(parts) >= 0
    assert split.applied_vnd <= (due_vnd or 0)


INTENTS = {f"CODE{n}": f"intent{n}" for n in range(4)}
AMOUNTS = st.sampled_from([100, 200, 300, 500, -100])
REFERENCES = st.sampled_from(["", "NONREF", "FT100001", "FT100002", "FT100003", "FT100004"])


@st.composite
def open_items(draw: st.DrawFn) -> tuple[list[OpenLine], list[OpenCollection]]:
    """Few amounts, references, texts and codes, so that items collide in every way."""
    lines = [
        OpenLine(
            line_id=f"l{n:02d}",
            booking_date=date(2026, 3, draw(st.integers(min_value=1, max_value=3))),
            amount_vnd=draw(AMOUNTS),
            bank_reference=draw(REFERENCES),
            codes=tuple(draw(st.lists(st.sampled_from([*INTENTS, "CODEX"]), max_size=2, unique=True))),
            text_hash=draw(st.sampled_from([b"", b"t", b"u"])),
        )
        for n in range(draw(st.integers(min_value=0, max_value=12)))
    ]
    collections = [
        OpenCollection(
            collection_id=f"c{n:02d}",
            amount_vnd=abs(draw(AMOUNTS)),
            bank_reference=draw(REFERENCES),
            intent_id=draw(st.sampled_from(["", *INTENTS.values()])),
            text_hash=draw(st.sampled_from([b"", b"t", b"u"])),
        )
        for n in range(draw(st.integers(min_value=0, max_value=12)))
    ]
    return lines, collections


def digest(verdicts: list[Verdict]) -> str:
    return digest_of((item.line_id, item.outcome.value, item.group) for item in verdicts)


@given(items=open_items(), seed=st.integers())
def test_the_order_of_the_input_changes_no_verdict(
    items: tuple[list[OpenLine], list[OpenCollection]], seed: int
) -> None:
    lines, collections = items
    verdicts = match(lines, collections, intents=INTENTS)

    rng = random.Random(seed)
    rng.shuffle(lines)
    rng.shuffle(collections)
    shuffled = match(lines, collections, intents=dict(reversed(INTENTS.items())))

    assert shuffled == verdicts
    rng.shuffle(shuffled)
    assert digest(shuffled) == digest(verdicts)


@given(items=open_items())
def test_each_line_is_decided_once_and_each_sum_is_claimed_by_one_group(
    items: tuple[list[OpenLine], list[OpenCollection]],
) -> None:
    lines, collections = items

    verdicts = match(lines, collections, intents=INTENTS)

    assert sorted(item.line_id for item in verdicts) == sorted(line.line_id for line in lines)
    groups: dict[str, set[str]] = {}
    for item in verdicts:
        assert bool(item.group) == bool(item.collection_ids)
        if item.group:
            groups.setdefault(item.group, set()).update(item.collection_ids)
    claimed = [name for names in groups.values() for name in names]
    assert len(claimed) == len(set(claimed))


@given(items=open_items())
def test_what_matches_agrees_in_amount_and_direction(
    items: tuple[list[OpenLine], list[OpenCollection]],
) -> None:
    lines, collections = items
    amounts = {line.line_id: line.amount_vnd for line in lines}
    told = {item.collection_id: item.amount_vnd for item in collections}

    groups: dict[str, tuple[int, int]] = {}
    for item in match(lines, collections, intents=INTENTS):
        if not item.group:
            continue
        assert amounts[item.line_id] > 0
        if item.outcome.value == "AMOUNT_MISMATCH":
            continue
        line_vnd, _ = groups.get(item.group, (0, 0))
        groups[item.group] = (
            line_vnd + amounts[item.line_id],
            sum(told[name] for name in item.collection_ids),
        )

    assert all(line_vnd == told_vnd for line_vnd, told_vnd in groups.values())
