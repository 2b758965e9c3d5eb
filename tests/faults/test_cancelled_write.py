"""A thousand money transfers whose callers give up at a deadline: each is whole or absent, and no sum moves.

The teeth: `test_the_trial_goes_red_...` cancels callers of the shape everybody writes first (several awaits on one
shared connection), where it must find broken transfers, and takes PostgreSQL's shield out, where transfers must go
missing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosqlite
import pytest

from chassis.db import Database, Tx

TRANSFERS = 1000
AT_ONCE = 25
ACCOUNTS = 40
SEED = 20260301
NOW = "2026-03-01T00:30:00.000000Z"

Transfer = Callable[[int, str, str], Awaitable[None]]


async def open_accounts(db: Database) -> None:
    rows = [{"citizen_id": "c", "account_id": f"a{n}", "balance_vnd": 1_000_000} for n in range(ACCOUNTS)]
    await db.write(lambda tx: tx.execute_many("add_account", rows=rows))


def through(db: Database) -> Transfer:
    """A transfer as our operations do it: one function handed to the store."""

    async def transfer(n: int, source: str, target: str) -> None:
        async def work(tx: Tx) -> None:
            for side, account_id, amount_vnd in (("from", source, -100), ("to", target, 100)):
                await tx.execute(
                    "add_to_balance", citizen_id="c", account_id=account_id, amount_vnd=amount_vnd
                )
                await tx.execute(
                    "add_transfer",
                    citizen_id="c",
                    transfer_id=f"{n:04d}-{side}",
                    account_id=account_id,
                    amount_vnd=amount_vnd,
                    create_time=NOW,
                )

        await db.write(work)

    return transfer


async def trial(transfer: Transfer) -> Counter[str]:
    """Run every transfer under a deadline of 0 to 4 ms; how many were answered, cancelled and failed."""
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    outcomes: Counter[str] = Counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(n: int, source: str, target: str, deadline_s: float) -> None:
        async with gate:
            try:
                async with asyncio.timeout(deadline_s):
                    await transfer(n, source, target)
                outcomes["answered"] += 1
            except TimeoutError:
                outcomes["cancelled"] += 1
            except Exception as error:
                outcomes[type(error).__name__] += 1

    async with asyncio.TaskGroup() as group:
        for n in range(TRANSFERS):
            source, target = dice.sample(range(ACCOUNTS), 2)
            group.create_task(one(n, f"a{source}", f"a{target}", dice.uniform(0, 0.004)))
    return outcomes


async def settle(db: Database) -> None:
    """Wait until the store has finished what its callers left behind."""
    for task in list(getattr(db, "_under_way", ())):
        await asyncio.gather(task, return_exceptions=True)
    await db.write(lambda tx: tx.one("engine_name"))


async def faults_of(db: Database) -> tuple[list[str], int]:
    """What is out of balance, and how many transfers are there."""
    totals = await db.read(lambda tx: tx.one("ledger_totals"))
    rows = await db.read(lambda tx: tx.all("transfers_of", citizen_id="c", page_size=TRANSFERS * 4))
    sides = Counter(row["transfer_id"].partition("-")[0] for row in rows)
    assert totals is not None
    faults = [f"transfer {key} has one side" for key, count in sides.items() if count != 2]
    if totals["balance_vnd"] != ACCOUNTS * 1_000_000:
        faults.append(f"balances sum to {totals['balance_vnd']}")
    if totals["transfer_vnd"] != 0:
        faults.append(f"transfers sum to {totals['transfer_vnd']}")
    return faults, len(sides)


async def test_every_transfer_is_whole_or_absent(database: Database) -> None:
    await open_accounts(database)

    outcomes = await trial(through(database))
    await settle(database)

    assert outcomes["cancelled"] >= 100, outcomes
    faults, whole_count = await faults_of(database)
    assert faults == []
    assert whole_count >= outcomes["answered"]


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
async def test_on_sqlite_every_transfer_that_was_handed_in_completes(database: Database) -> None:
    await open_accounts(database)

    outcomes = await trial(through(database))
    await settle(database)

    assert outcomes["answered"] + outcomes["cancelled"] == TRANSFERS, outcomes
    # A deadline that is over before the first await hands nothing in; that caller is known to have no effect.
    _, whole_count = await faults_of(database)
    assert whole_count >= TRANSFERS * 0.97


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
async def test_the_trial_goes_red_on_a_shared_connection(database: Database) -> None:
    """Each caller is cancelled before a statement of its own; the next one meets what it left behind."""
    await open_accounts(database)
    connection = await aiosqlite.connect(Path(database.url.removeprefix("sqlite:///")), isolation_level=None)
    dice = random.Random(SEED)
    try:
        for n in range(50):
            source, target = dice.sample(range(ACCOUNTS), 2)
            caller = asyncio.create_task(
                naive(connection, n, f"a{source}", f"a{target}", cancelled_before=dice.randrange(6))
            )
            await asyncio.gather(caller, return_exceptions=True)
    finally:
        await connection.commit()
        await connection.close()

    faults, _ = await faults_of(database)
    assert faults, "the trial must find what this shape breaks"


async def naive(
    connection: aiosqlite.Connection, n: int, source: str, target: str, *, cancelled_before: int
) -> None:
    """A transfer as it is written first: each statement awaited on a connection that all callers share."""
    statements: list[tuple[str, tuple[object, ...]]] = [("BEGIN IMMEDIATE", ())]
    for side, account_id, amount_vnd in (("from", source, -100), ("to", target, 100)):
        statements += [
            (
                "UPDATE accounts SET balance_vnd = balance_vnd + ? WHERE account_id = ?",
                (amount_vnd, account_id),
            ),
            (
                "INSERT INTO transfers (citizen_id, transfer_id, account_id, amount_vnd, create_time)"
                " VALUES ('c', ?, ?, ?, ?)",
                (f"{n:04d}-{side}", account_id, amount_vnd, NOW),
            ),
        ]
    try:
        for position, (statement, values) in enumerate(statements):
            if position == cancelled_before:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            await connection.execute(statement, values)
    finally:
        await connection.commit()


@pytest.mark.parametrize("store_engine", ["postgresql"], indirect=True)
async def test_the_trial_goes_red_on_postgresql_without_the_shield(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_accounts(database)
    await trial(through(database))
    await settle(database)
    _, shielded_count = await faults_of(database)
    await database.write(lambda tx: tx.execute("forget_transfers"))

    monkeypatch.setattr("chassis.db.postgresql.asyncio.shield", lambda task: task)
    await trial(through(database))
    await settle(database)

    _, bare_count = await faults_of(database)
    assert bare_count < shielded_count, "an unshielded caller takes its transfer with it"
