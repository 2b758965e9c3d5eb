"""What only the SQLite store promises: its settings, its version, its groups and its failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import types
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from chassis.db import Database, Tx, open_database
from chassis.db import sqlite as sqlite_store
from chassis.db.errors import SqliteUnsafe, StoreUnavailable
from chassis.db.sqlite import ThreadConnection, connect
from chassis.db.sqlite_module import choose_sqlite, is_safe
from chassis.db.urls import DatabaseUrlInvalid
from tests.support.stores import EXAMPLE, EXAMPLE_QUERIES, StoreMaker

PERSON = "c1"


async def test_every_connection_has_the_safety_settings(tmp_path: Path) -> None:
    path = tmp_path / "a b?#.db"
    wanted = {"foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 5000}
    writer = connect(choose_sqlite(), path)
    reader = connect(choose_sqlite(), path, read_only=True)
    for connection, more in (
        (writer, {"journal_mode": "wal", "synchronous": 2}),
        (reader, {"query_only": 1}),
    ):
        found = {
            name: next(iter(connection.execute(f"PRAGMA {name}").fetchone().values()))
            for name in {**wanted, **more}
        }
        # busy_timeout's column is named `timeout`; the values are what counts.
        assert found == {**wanted, **more}
        connection.close()
    assert path.exists()


def test_a_file_that_another_process_turns_to_wal_at_this_instant_is_waited_for(tmp_path: Path) -> None:
    sqlite = choose_sqlite()
    path = tmp_path / "young.db"
    other = sqlite.connect(str(path), isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE first (id INTEGER)")
    # A reserved lock on a file that is not in WAL yet: SQLite answers "locked" at once, whatever its busy_timeout.
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()

    connection = connect(sqlite, path)

    assert next(iter(connection.execute("PRAGMA journal_mode").fetchone().values())) == "wal"
    connection.close()
    other.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_only_versions_with_the_wal_fix_are_safe(version: tuple[int, int, int], safe: bool) -> None:
    assert is_safe(version) is safe


def test_the_module_in_use_is_safe() -> None:
    assert is_safe(choose_sqlite().sqlite_version_info)


def test_without_a_safe_sqlite_the_store_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    old = types.ModuleType("old_sqlite")
    vars(old).update(sqlite_version_info=(3, 40, 1), sqlite_version="3.40.1")
    monkeypatch.setitem(__import__("sys").modules, "old_sqlite", old)

    with pytest.raises(SqliteUnsafe) as refusal:
        choose_sqlite(("old_sqlite", "not_installed_at_all"))

    assert refusal.value.facts["found"] == "3.40.1"


@pytest.mark.parametrize(
    "url", ["sqlite:///:memory:", "sqlite:///", "sqlite:///a.db?mode=ro", "mysql://x", ""]
)
async def test_a_url_without_a_file_of_its_own_is_refused(url: str) -> None:
    with pytest.raises(DatabaseUrlInvalid):
        await open_database(url, queries=())


async def test_aiosqlite_still_has_the_private_parts_we_lean_on(tmp_path: Path) -> None:
    connection = ThreadConnection(lambda: sqlite3.connect(tmp_path / "a.db", isolation_level=None))
    assert connection._thread.daemon
    await connection
    try:
        assert isinstance(connection._conn, sqlite3.Connection)
        assert asyncio.iscoroutinefunction(aiosqlite.Connection._execute)
        name = await connection.run(
            lambda raw: (__import__("threading").current_thread().ident, raw.in_transaction)
        )
        assert name == (connection._thread.ident, False)
    finally:
        await connection.close()


@pytest.fixture
async def traced(store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An example store and the list of statements its writer ran."""
    ran: list[str] = []
    plain = sqlite_store.connect

    def tracing(sqlite: types.ModuleType, path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        connection = plain(sqlite, path, read_only=read_only)
        if not read_only:
            connection.set_trace_callback(ran.append)
        return connection

    monkeypatch.setattr(sqlite_store, "connect", tracing)
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    db = await open_database(url, queries=(EXAMPLE_QUERIES,), package=EXAMPLE)
    yield db, ran
    await db.close()


def add(n: int) -> Any:
    return lambda tx: tx.execute("add_account", citizen_id=PERSON, account_id=f"a{n}", balance_vnd=0)


def balance_of(n: int | str) -> Any:
    account_id = n if isinstance(n, str) else f"a{n}"
    return lambda tx: tx.one("account_balance", citizen_id=PERSON, account_id=account_id)


async def test_many_callers_share_one_commit(traced: tuple[Database, list[str]]) -> None:
    db, ran = traced
    await asyncio.gather(*[db.write(add(n)) for n in range(100)])
    assert ran.count("COMMIT") <= 5, ran.count("COMMIT")
    assert sum(statement.startswith("INSERT INTO accounts") for statement in ran) == 100


async def test_a_lone_caller_pays_for_no_savepoint(traced: tuple[Database, list[str]]) -> None:
    db, ran = traced
    await db.write(add(1))
    assert [statement.split()[0] for statement in ran] == ["BEGIN", "INSERT", "COMMIT"]


async def failing_after_a_write(tx: Tx) -> None:
    await tx.execute("add_account", citizen_id=PERSON, account_id="undone", balance_vnd=0)
    raise ValueError


async def test_a_group_pays_for_savepoints_only_once_one_of_it_fails_after_a_write(
    traced: tuple[Database, list[str]],
) -> None:
    db, ran = traced
    gate = asyncio.create_task(db.write(lambda tx: tx.one("count_to", last=200_000)))

    results = await asyncio.gather(
        gate, *(db.write(work) for work in (add(1), failing_after_a_write, add(2))), return_exceptions=True
    )

    assert isinstance(results[2], ValueError)
    assert [result for result in results[1:] if result is not results[2]] == [1, 1]
    verbs = [statement.split()[0] for statement in ran]
    assert "SAVEPOINT" in verbs
    assert "SAVEPOINT" not in verbs[: verbs.index("ROLLBACK")]
    found = [await db.read(balance_of(n)) for n in (1, 2, "undone")]
    assert [row is not None for row in found] == [True, True, False]


async def test_a_refusal_before_any_write_costs_its_group_nothing(traced: tuple[Database, list[str]]) -> None:
    db, ran = traced

    async def refusing(tx: Tx) -> None:
        await tx.one("account_balance", citizen_id=PERSON, account_id="a1")
        raise ValueError

    gate = asyncio.create_task(db.write(lambda tx: tx.one("count_to", last=200_000)))
    results = await asyncio.gather(gate, db.write(add(1)), db.write(refusing), return_exceptions=True)

    assert isinstance(results[2], ValueError)
    assert not {"ROLLBACK", "SAVEPOINT"} & {statement.split()[0] for statement in ran}


async def test_a_commit_that_fails_leaves_every_caller_with_an_unknown_outcome(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    # A deferred foreign key is only found at COMMIT; our own schemas may not have one (chassis.db.schema_rules).
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    raw = connect(choose_sqlite(), Path(url.removeprefix("sqlite:///")))
    raw.execute(
        "CREATE TABLE late (id TEXT REFERENCES accounts (citizen_id) DEFERRABLE INITIALLY DEFERRED) STRICT"
    )
    raw.execute("CREATE UNIQUE INDEX accounts_alone ON accounts (citizen_id)")
    raw.close()
    queries = tmp_path / "late.sql"
    queries.write_text("-- name: add_late!\nINSERT INTO late (id) VALUES (:id);\n")
    db = await open_database(url, queries=(EXAMPLE_QUERIES, queries))
    try:
        gate = asyncio.create_task(db.write(lambda tx: tx.one("count_to", last=200_000)))
        good = asyncio.create_task(db.write(add(1)))
        late = asyncio.create_task(db.write(lambda tx: tx.execute("add_late", id="nobody")))
        results = await asyncio.gather(gate, good, late, return_exceptions=True)

        failed = [result for result in results if isinstance(result, StoreUnavailable)]
        assert results[1] in failed, results
        assert results[2] in failed, results
        assert {failure.facts["outcome"] for failure in failed} == {"unknown"}
        row = await db.read(lambda tx: tx.one("account_balance", citizen_id=PERSON, account_id="a1"))
        assert row is None
        await db.write(add(2))
    finally:
        await db.close()


async def test_a_full_disk_fails_the_writer_and_not_the_store(
    store_maker: StoreMaker, tmp_path: Path
) -> None:
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    queries = tmp_path / "full.sql"
    queries.write_text(
        "-- name: limit_pages\nPRAGMA max_page_count = 80;\n"
        "-- name: fill!\nINSERT INTO accounts (citizen_id, account_id, balance_vnd)\n"
        "VALUES (:id, hex(zeroblob(200000)), 0);\n"
    )
    db = await open_database(url, queries=(EXAMPLE_QUERIES, queries))
    try:
        await db.write(lambda tx: tx.one("limit_pages"))
        jobs = [db.write(add(1)), db.write(lambda tx: tx.execute("fill", id="big")), db.write(add(2))]

        results = await asyncio.gather(*jobs, return_exceptions=True)

        assert isinstance(results[1], StoreUnavailable), results
        kept = [await db.read(balance_of(n)) for n in (1, 2)]
        # Whoever was told yes is there, whoever was told no is not.
        assert [row is not None for row in kept] == [not isinstance(results[n], Exception) for n in (0, 2)]
        await db.write(add(3))
    finally:
        await db.close()


async def test_another_process_holding_the_file_fails_with_nothing_written(
    store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    monkeypatch.setattr(
        sqlite_store, "_WRITER_SETUP", (*sqlite_store._WRITER_SETUP, "PRAGMA busy_timeout = 50")
    )
    db = await open_database(url, queries=(EXAMPLE_QUERIES,))
    other = connect(choose_sqlite(), Path(url.removeprefix("sqlite:///")))
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as refusal:
            await db.write(add(1))
        assert refusal.value.facts["outcome"] == "none"
        other.execute("ROLLBACK")
        await db.write(add(1))
    finally:
        other.close()
        await db.close()


async def test_a_bug_in_the_writer_leaves_it_usable(
    store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    db = await open_database(url, queries=(EXAMPLE_QUERIES,))
    plain = sqlite_store.SqliteDatabase._commit

    def broken(self: Any, connection: Any, group: Any) -> None:
        raise ZeroDivisionError

    try:
        monkeypatch.setattr(sqlite_store.SqliteDatabase, "_commit", broken)
        with pytest.raises(StoreUnavailable):
            await db.write(add(1))
        monkeypatch.setattr(sqlite_store.SqliteDatabase, "_commit", plain)
        await db.write(add(1))
    finally:
        await db.close()


async def test_a_transaction_tries_nothing_on_another_transactions_connection(
    store_maker: StoreMaker,
) -> None:
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    db = await open_database(url, queries=(EXAMPLE_QUERIES,))

    async def nested(_tx: Tx) -> None:
        await db.write(add(1))

    try:
        with pytest.raises(Exception, match="TRANSACTION_AWAITED_ELSEWHERE"):
            await db.write(nested)
    finally:
        await db.close()
