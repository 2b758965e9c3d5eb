"""What only the PostgreSQL store promises: slots, tries, deadlines, and what it says when the server goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from chassis.db import Tx, open_database
from chassis.db import postgresql as postgresql_store
from chassis.db.errors import (
    StatementTooSlow,
    StoreOverloaded,
    StoreUnavailable,
    UniqueViolated,
    WriteConflict,
)
from chassis.db.postgresql import PostgresqlDatabase
from chassis.errors import DeadlineTooShort
from tests.support.stores import EXAMPLE, EXAMPLE_QUERIES, StoreMaker

PERSON = "c1"


class _Deadline:
    """The caller's deadline, as the test sets it."""

    left_ms: int | None = None

    def __call__(self) -> int | None:
        return self.left_ms


@pytest.fixture
def deadline() -> _Deadline:
    return _Deadline()


@pytest.fixture
async def db(store_maker: StoreMaker, deadline: _Deadline) -> AsyncIterator[PostgresqlDatabase]:
    url = await store_maker.migrated_url("postgresql", EXAMPLE)
    opened = await open_database(
        url, queries=(EXAMPLE_QUERIES,), package=EXAMPLE, remaining_ms=deadline, pool_size=4
    )
    assert isinstance(opened, PostgresqlDatabase)
    yield opened
    await opened.close()


@pytest.fixture
async def beside(db: PostgresqlDatabase) -> AsyncIterator[Any]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(db.url)
    yield connection
    await connection.close()


async def writer_of(tx: Tx) -> str:
    await tx.one("count_to", last=1000)
    return tx.writer_id


async def test_each_connection_keeps_a_slot_of_its_own(db: PostgresqlDatabase) -> None:
    rounds = [set(await asyncio.gather(*[db.write(writer_of) for _ in range(8)])) for _ in range(5)]
    assert set.union(*rounds) <= {f"slot-{n}" for n in range(4)}
    assert len(rounds[0]) > 1


async def test_two_processes_never_share_a_slot(db: PostgresqlDatabase) -> None:
    other = await open_database(db.url, queries=(EXAMPLE_QUERIES,), pool_size=4)
    try:
        mine = set(await asyncio.gather(*[db.write(writer_of) for _ in range(8)]))
        theirs = set(await asyncio.gather(*[other.write(writer_of) for _ in range(8)]))
    finally:
        await other.close()
    assert mine
    assert theirs
    assert not mine & theirs


async def test_a_slot_is_held_while_the_connection_is_idle(db: PostgresqlDatabase, beside: Any) -> None:
    await db.write(writer_of)
    assert not await beside.fetchval("SELECT pg_try_advisory_lock($1, $2)", postgresql_store.SLOT_CLASS, 0), (
        "the pool's reset must not give the lock away"
    )


async def test_a_transaction_is_serializable_and_a_read_is_a_read_only_snapshot(
    db: PostgresqlDatabase,
) -> None:
    async def level(tx: Any) -> tuple[str, str]:
        row = await tx._talk(
            tx._connection.fetchrow(
                "SELECT current_setting('transaction_isolation') AS i, current_setting('transaction_read_only') AS r"
            )
        )
        return row["i"], row["r"]

    assert await db.write(level) == ("serializable", "off")
    assert await db.write(level, serializable=False) == ("read committed", "off")
    assert await db.read(level) == ("repeatable read", "on")


async def test_a_conflict_is_tried_again_and_told_when_it_lasts(
    db: PostgresqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_store, "BACKOFF_MAX_MS", 2)
    tries = 0

    async def conflicts(times: int, _tx: Tx) -> str:
        nonlocal tries
        tries += 1
        if tries <= times:
            raise asyncpg.SerializationError("could not serialize access")
        return "done"

    assert await db.write(lambda tx: conflicts(postgresql_store.TRIES_MAX - 1, tx)) == "done"
    tries = 0
    with pytest.raises(WriteConflict) as refusal:
        await db.write(lambda tx: conflicts(1000, tx))
    assert tries == postgresql_store.TRIES_MAX
    assert refusal.value.facts == {"try_count": str(postgresql_store.TRIES_MAX)}


async def test_no_try_is_begun_that_the_deadline_would_end(
    db: PostgresqlDatabase, deadline: _Deadline
) -> None:
    tries = 0

    async def conflicts(_tx: Tx) -> None:
        nonlocal tries
        tries += 1
        deadline.left_ms = 10
        raise asyncpg.SerializationError("could not serialize access")

    deadline.left_ms = 1000
    with pytest.raises(WriteConflict):
        await db.write(conflicts)
    assert tries == 1
    with pytest.raises(DeadlineTooShort):
        await db.write(conflicts)
    assert tries == 1


async def test_a_unique_violation_is_tried_once_more_because_it_may_be_a_conflict(
    db: PostgresqlDatabase,
) -> None:
    tries = 0

    async def work(tx: Tx) -> None:
        nonlocal tries
        tries += 1
        for _ in range(2):
            await tx.execute("add_account", citizen_id=PERSON, account_id="a", balance_vnd=0)

    with pytest.raises(UniqueViolated):
        await db.write(work)
    assert tries == 2


async def test_a_statement_ends_at_the_callers_deadline(db: PostgresqlDatabase, deadline: _Deadline) -> None:
    deadline.left_ms = 60
    with pytest.raises(StatementTooSlow):
        await db.read(lambda tx: tx.one("count_to", last=1_000_000_000))
    deadline.left_ms = None
    assert await db.read(lambda tx: tx.one("engine_name")) == {"name": "postgresql"}


async def test_a_full_pool_answers_at_the_deadline(db: PostgresqlDatabase, deadline: _Deadline) -> None:
    deadline.left_ms = 400
    results = await asyncio.gather(
        *[db.read(lambda tx: tx.one("count_to", last=1_000_000_000)) for _ in range(6)],
        return_exceptions=True,
    )
    assert {type(result) for result in results} <= {StatementTooSlow, StoreOverloaded}
    assert len([r for r in results if isinstance(r, StatementTooSlow)]) >= 4


async def test_a_connection_killed_before_commit_has_no_effect_and_the_store_recovers(
    db: PostgresqlDatabase, beside: Any
) -> None:
    async def work(tx: Any) -> None:
        await tx.execute("add_account", citizen_id=PERSON, account_id="a", balance_vnd=0)
        pid = tx._connection.get_server_pid()
        await tx._talk(beside.execute("SELECT pg_terminate_backend($1)", pid))
        await tx.one("count_to", last=10)

    with pytest.raises(StoreUnavailable) as refusal:
        await db.write(work)

    assert refusal.value.facts == {"outcome": "none"}
    row = await db.read(lambda tx: tx.one("account_balance", citizen_id=PERSON, account_id="a"))
    assert row is None


async def test_a_connection_killed_at_commit_leaves_the_outcome_unknown(
    db: PostgresqlDatabase, beside: Any
) -> None:
    async def work(tx: Any) -> None:
        await tx.execute("add_account", citizen_id=PERSON, account_id="a", balance_vnd=0)
        await tx._talk(beside.execute("SELECT pg_terminate_backend($1)", tx._connection.get_server_pid()))

    with pytest.raises(StoreUnavailable) as refusal:
        await db.write(work)

    assert refusal.value.facts == {"outcome": "unknown"}
    assert await db.write(lambda tx: tx.one("engine_name")) == {"name": "postgresql"}


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreUnavailable):
        await open_database("postgresql://nobody@127.0.0.1:1/none", queries=())
