"""Migrations on both engines: complete, repeatable, safe when two processes start at once, and equal to schema.sql."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from chassis.db import migrations, open_database
from chassis.db.errors import SchemaBehind, WrongDatabase
from chassis.db.schema_dump import drift, dump_schema
from chassis.db.sqlite import connect
from chassis.db.sqlite_module import choose_sqlite
from tests.support.stores import EXAMPLE, EXAMPLE_QUERIES, StoreMaker

ROOT = Path(__file__).resolve().parents[2]


async def test_an_empty_database_reaches_the_head(store_engine: str, store_maker: StoreMaker) -> None:
    url = await store_maker.empty_url(store_engine)
    assert await migrations.current(url) == migrations.NO_SCHEMA

    reached = await migrations.upgrade(url, package=EXAMPLE)

    assert reached == migrations.head(EXAMPLE) == "0002"
    assert await migrations.current(url) == "0002"


async def test_a_second_upgrade_changes_nothing(store_engine: str, store_maker: StoreMaker) -> None:
    url = await store_maker.empty_url(store_engine)
    await migrations.upgrade(url, package=EXAMPLE)
    before = await dump_schema(url)

    await migrations.upgrade(url, package=EXAMPLE)

    assert await dump_schema(url) == before


async def test_quotes_colons_percents_and_semicolons_of_a_migration_survive(
    store_engine: str, store_maker: StoreMaker
) -> None:
    url = await store_maker.migrated_url(store_engine, EXAMPLE)
    db = await open_database(url, queries=(EXAMPLE_QUERIES,), package=EXAMPLE)
    try:
        row = await db.read(
            lambda tx: tx.one("account_balance", citizen_id="migration", account_id="it's :one; 100% -- here")
        )
    finally:
        await db.close()
    assert row == {"balance_vnd": 0}


async def test_schema_sql_equals_the_sum_of_the_migrations(
    store_engine: str, store_maker: StoreMaker
) -> None:
    faults = await drift(
        EXAMPLE,
        migrated_url=await store_maker.empty_url(store_engine),
        applied_url=await store_maker.empty_url(store_engine),
    )
    assert faults == []


async def test_a_schema_sql_that_differs_is_told(
    store_engine: str, store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = migrations.schema_sql(EXAMPLE).replace("note TEXT", "remark TEXT")
    monkeypatch.setattr(migrations, "schema_sql", lambda _package: text)

    faults = await drift(
        EXAMPLE,
        migrated_url=await store_maker.empty_url(store_engine),
        applied_url=await store_maker.empty_url(store_engine),
    )

    assert len(faults) == 2
    assert "note" in faults[0]
    assert "remark" in faults[1]


# Waits between reading the revision and running the script, where a second process would do harm.
RACER = """
import asyncio, sys, time
from chassis.db import migrations
plain = migrations._script
def slow(*arguments):
    script = plain(*arguments)
    time.sleep(0.3)
    return script
migrations._script = slow
print("ready", flush=True)
sys.stdin.readline()
print(asyncio.run(migrations.upgrade(sys.argv[1], package=sys.argv[2])))
"""


async def test_several_processes_may_migrate_at_once(store_engine: str, store_maker: StoreMaker) -> None:
    url = await store_maker.empty_url(store_engine)
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", RACER, url, EXAMPLE, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    answers = await asyncio.gather(*[process.communicate(b"go\n") for process in processes])

    assert [out.decode().strip() for out, _ in answers] == ["0002"] * 3, answers
    assert [process.returncode for process in processes] == [0] * 3


async def test_a_failing_migration_leaves_nothing_behind(
    store_engine: str, store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await store_maker.empty_url(store_engine)
    whole = migrations._script
    monkeypatch.setattr(migrations, "_script", lambda *a: [*whole(*a), "INSERT INTO nowhere VALUES (1)"])

    with pytest.raises(Exception, match="nowhere"):
        await migrations.upgrade(url, package=EXAMPLE)

    assert await dump_schema(url) == []
    assert await migrations.current(url) == migrations.NO_SCHEMA


async def test_a_database_behind_the_code_is_refused(store_engine: str, store_maker: StoreMaker) -> None:
    url = await store_maker.empty_url(store_engine)

    with pytest.raises(SchemaBehind) as refusal:
        await open_database(url, queries=(), package=EXAMPLE)

    assert refusal.value.facts["head"] == "0002"
    assert "migrate" in refusal.value.message


async def test_a_database_ahead_of_the_code_is_served(
    store_engine: str, store_maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await store_maker.migrated_url(store_engine, EXAMPLE)
    monkeypatch.setattr(migrations, "head", lambda _package: "0001")

    db = await open_database(url, queries=(), package=EXAMPLE)

    await db.close()


async def test_a_file_of_another_service_is_refused(store_maker: StoreMaker) -> None:
    url = await store_maker.migrated_url("sqlite", EXAMPLE)
    connection = connect(choose_sqlite(), Path(url.removeprefix("sqlite:///")))
    connection.execute(f"PRAGMA application_id = {migrations.application_id('other_svc')}")
    connection.close()

    with pytest.raises(WrongDatabase):
        await open_database(url, queries=(), package=EXAMPLE)
    with pytest.raises(WrongDatabase):
        await migrations.upgrade(url, package=EXAMPLE)
