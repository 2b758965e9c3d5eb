"""The promises of Database, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from chassis.db import Database, Row, Tx
from chassis.db import sqlite as sqlite_store
from chassis.db.errors import (
    ConstraintViolated,
    QueryUnknown,
    StoreClosed,
    StoreOverloaded,
    TransactionAwaitedElsewhere,
    UniqueViolated,
)
from chassis.telemetry import continue_from
from tests.support.stores import EXAMPLE, EXAMPLE_QUERIES, OpenStore

PERSON = "c1"


async def open_account(db: Database, account_id: str = "a", balance_vnd: int = 0) -> None:
    await db.write(
        lambda tx: tx.execute(
            "add_account", citizen_id=PERSON, account_id=account_id, balance_vnd=balance_vnd
        )
    )


async def balance(db: Database, account_id: str = "a") -> int | None:
    row = await db.read(lambda tx: tx.one("account_balance", citizen_id=PERSON, account_id=account_id))
    return None if row is None else int(row["balance_vnd"])


async def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    for amount_vnd in range(20):
        await open_account(database, f"a{amount_vnd}", amount_vnd)
        assert await balance(database, f"a{amount_vnd}") == amount_vnd


async def test_a_row_is_read_by_name_and_an_absent_one_is_none(database: Database) -> None:
    await open_account(database, balance_vnd=7)

    row = await database.read(lambda tx: tx.one("account_balance", citizen_id=PERSON, account_id="a"))

    assert row == {"balance_vnd": 7}
    assert await balance(database, "none") is None


async def test_execute_tells_how_many_rows_changed(database: Database) -> None:
    await open_account(database)

    async def work(tx: Tx) -> tuple[int, int]:
        hit = await tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
        missed = await tx.execute("add_to_balance", citizen_id=PERSON, account_id="none", amount_vnd=1)
        return hit, missed

    assert await database.write(work) == (1, 0)


async def test_execute_many_writes_every_row(database: Database) -> None:
    rows = [{"citizen_id": PERSON, "account_id": f"a{n}", "balance_vnd": n} for n in range(50)]
    await database.write(lambda tx: tx.execute_many("add_account", rows=rows))
    await database.write(lambda tx: tx.execute_many("add_account", rows=[]))

    assert [await balance(database, f"a{n}") for n in (0, 49)] == [0, 49]


async def test_what_a_failing_transaction_wrote_is_gone(database: Database) -> None:
    await open_account(database, balance_vnd=5)

    async def work(tx: Tx) -> None:
        await tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=100)
        raise LookupError("changed my mind")

    with pytest.raises(LookupError, match="changed my mind"):
        await database.write(work)
    assert await balance(database) == 5


async def test_of_many_at_once_only_the_failing_ones_are_undone(database: Database) -> None:
    await open_account(database)

    async def add(n: int) -> None:
        async def work(tx: Tx) -> None:
            await tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
            if n % 3 == 0:
                raise LookupError

        await database.write(work)

    results = await asyncio.gather(*[add(n) for n in range(30)], return_exceptions=True)

    assert [isinstance(result, LookupError) for result in results] == [n % 3 == 0 for n in range(30)], results
    assert await balance(database) == 20


async def test_reading_then_writing_loses_no_update(database: Database) -> None:
    await open_account(database)

    async def work(tx: Tx) -> None:
        row = await tx.one("account_balance", citizen_id=PERSON, account_id="a")
        assert row is not None
        await tx.execute("set_balance", citizen_id=PERSON, account_id="a", balance_vnd=row["balance_vnd"] + 1)

    for _ in range(5):
        await asyncio.gather(*[database.write(work) for _ in range(4)])
    assert await balance(database) == 20


@pytest.mark.parametrize("wait", ["sleep(0)", "sleep(0.01)", "future"])
async def test_a_transaction_that_awaits_something_else_is_refused(database: Database, wait: str) -> None:
    await open_account(database)
    elsewhere = asyncio.get_running_loop().create_future()

    async def work(tx: Tx) -> None:
        await tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
        await (elsewhere if wait == "future" else asyncio.sleep(0.01 if wait == "sleep(0.01)" else 0))

    with pytest.raises(TransactionAwaitedElsewhere):
        await database.write(work)
    with pytest.raises(TransactionAwaitedElsewhere):
        await database.read(lambda _tx: asyncio.sleep(0.01))
    assert await balance(database) == 0


async def test_a_second_row_of_one_key_is_told_by_its_constraint_and_not_its_value(
    database: Database,
) -> None:
    await open_account(database, "099200000001")

    with pytest.raises(UniqueViolated) as refusal:
        await open_account(database, "099200000001")

    assert "account" in refusal.value.facts["constraint"]
    assert "099200000001" not in f"{refusal.value} {refusal.value.facts}"
    assert refusal.value.__cause__ is None


async def test_a_check_of_the_schema_refuses_a_row(database: Database) -> None:
    with pytest.raises(ConstraintViolated):
        await open_account(database, balance_vnd=-1)


async def test_a_foreign_key_refuses_an_orphan(database: Database) -> None:
    with pytest.raises(ConstraintViolated):
        await database.write(
            lambda tx: tx.execute(
                "add_transfer",
                citizen_id=PERSON,
                transfer_id="t",
                account_id="none",
                amount_vnd=1,
                create_time="2026-01-01T00:00:00.000000Z",
            )
        )


async def test_a_variant_replaces_the_plain_query_on_its_engine(database: Database) -> None:
    row = await database.read(lambda tx: tx.one("engine_name"))
    assert row == {"name": "postgresql" if database.engine == "postgresql" else "any"}


async def test_an_unknown_query_and_a_missing_parameter_are_told(database: Database) -> None:
    with pytest.raises(QueryUnknown):
        await database.read(lambda tx: tx.one("nothing"))
    with pytest.raises(AssertionError, match="account_id"):
        await database.read(lambda tx: tx.one("account_balance", citizen_id=PERSON))


async def test_a_read_cannot_write(database: Database) -> None:
    await open_account(database)
    with pytest.raises(Exception, match=r"read|STORE"):
        await database.read(
            lambda tx: tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
        )
    assert await balance(database) == 0


async def test_a_read_sees_one_snapshot(database: Database) -> None:
    await open_account(database)

    async def work(tx: Tx) -> set[int]:
        rows: list[Row | None] = [
            await tx.one("account_balance", citizen_id=PERSON, account_id="a") for _ in range(200)
        ]
        return {row["balance_vnd"] for row in rows if row is not None}

    async def keep_adding() -> None:
        while True:
            await database.write(
                lambda tx: tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
            )

    writer = asyncio.create_task(keep_adding())
    snapshots: list[set[int]] = []
    # A busy machine may give the writer no turn for a while; a run in which it moved proves something.
    while len(snapshots) < 1_000 and len(set.union(set(), *snapshots)) < 2:
        snapshots.append(await database.read(work))
    writer.cancel()

    assert {len(seen) for seen in snapshots} == {1}
    assert len(set.union(*snapshots)) == 2, "the writer moved on meanwhile"


async def test_a_transaction_sees_the_context_of_its_caller(database: Database) -> None:
    name: ContextVar[str] = ContextVar("name")

    async def work(_tx: Tx) -> str:
        return name.get()

    async def call(value: str) -> str:
        name.set(value)
        return await database.write(work)

    assert await asyncio.gather(*[call(str(n)) for n in range(10)]) == [str(n) for n in range(10)]


async def test_a_subscriber_hears_commits_and_no_rollback(database: Database) -> None:
    heard: list[str] = []
    database.subscribe("news", lambda: heard.append("news"))

    async def work(tx: Tx, *, fails: bool) -> None:
        tx.topics.add("news")
        if fails:
            raise LookupError

    with pytest.raises(LookupError):
        await database.write(lambda tx: work(tx, fails=True))
    assert heard == []
    await database.write(lambda tx: work(tx, fails=False))
    assert heard == ["news"]


async def test_close_finishes_what_was_taken_and_refuses_the_rest(database: Database) -> None:
    await open_account(database)
    calls = [
        asyncio.create_task(
            database.write(
                lambda tx: tx.execute("add_to_balance", citizen_id=PERSON, account_id="a", amount_vnd=1)
            )
        )
        for _ in range(5)
    ]
    await asyncio.sleep(0)

    await database.close()

    assert await asyncio.gather(*calls) == [1] * 5
    with pytest.raises(StoreClosed):
        await database.write(lambda tx: tx.one("engine_name"))
    with pytest.raises(StoreClosed):
        await database.read(lambda tx: tx.one("engine_name"))


async def test_more_waiting_work_than_the_limit_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "WAITING_MAX", 3)
    monkeypatch.setattr("chassis.db.postgresql.WAITING_MAX", 3)

    async def slow() -> object:
        return await database.write(lambda tx: tx.one("count_to", last=300_000))

    results = await asyncio.gather(*[slow() for _ in range(30)], return_exceptions=True)

    refused = [result for result in results if isinstance(result, StoreOverloaded)]
    assert refused
    assert len(refused) < 30


class _SpanSpy:
    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []

    @contextmanager
    def span(self, name: str, *, kind: str = "internal", **attributes: object) -> Iterator[Any]:
        attributes["kind"] = kind
        self.seen.append((name, attributes))

        class _Span:
            def set(self, key: str, value: object) -> None:
                attributes[key] = value

        yield _Span()


async def test_a_span_names_the_queries_and_no_value(open_store: OpenStore) -> None:
    spy = _SpanSpy()
    db = await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES,), telemetry=spy)

    with continue_from("00-" + "a" * 32 + "-" + "b" * 16 + "-01"):
        await open_account(db, "099200000001")
        await balance(db, "099200000001")
    await balance(db)

    assert [(name, attributes["db.queries"]) for name, attributes in spy.seen] == [
        ("db.write", "add_account"),
        ("db.read", "account_balance"),
    ]
    assert "099200000001" not in str(spy.seen)
