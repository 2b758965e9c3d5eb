"""The audit chain shows every change, hole and cut, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from tests.support.stores import EXAMPLE, EXAMPLE_QUERIES, OpenStore

START = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
CALLER = Caller(
    subject="staff-1",
    roles=frozenset({"DOCTOR", "CLERK"}),
    facility="79001",
    purpose="treatment",
    service="gateway",
)

TAMPER = """
-- name: tamper_outcome!
UPDATE audit_log SET outcome = 'changed' WHERE seq = :seq;
-- name: tamper_delete!
DELETE FROM audit_log WHERE seq = :seq;
-- name: tamper_cut!
DELETE FROM audit_log WHERE seq >= :seq;
-- name: tamper_hash!
UPDATE audit_log SET outcome = 'changed', hash = :hash WHERE seq = :seq;
-- name: tamper_read
SELECT writer_id, seq, event_time, action, resource, subject, actor, roles, facility, service, purpose,
    'changed' AS outcome, trace_id, prev_hash FROM audit_log WHERE seq = :seq;
"""


@pytest.fixture
async def db(open_store: OpenStore, tmp_path: Path) -> Database:
    """A store with one chain: a pool of one connection is one writer."""
    (tmp_path / "tamper.sql").write_text(TAMPER)
    return await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES, tmp_path / "tamper.sql"), pool_size=1)


async def record(db: Database, n: int, subject: str = "c1", *, fails: bool = False) -> None:
    async def work(tx: Tx) -> None:
        for part in range(2):
            await audit.record(
                tx,
                action="open_visit",
                resource=f"visits/{n}-{part}",
                subject=subject,
                caller=CALLER,
                outcome="ok",
                trace_id="a" * 32,
                now=START + timedelta(seconds=n),
            )
        if fails:
            raise LookupError

    await db.write(work)


async def test_rows_of_many_writers_at_once_make_whole_chains(database: Database) -> None:
    results = await asyncio.gather(
        *[record(database, n, fails=n % 4 == 0) for n in range(60)], return_exceptions=True
    )
    assert sum(isinstance(result, LookupError) for result in results) == 15

    report = await audit.verify(database)

    assert report.is_intact, report.breaks
    assert report.row_count == 90
    assert sum(head.seq for head in report.heads) == 90
    assert set(report.heads) == set(await audit.heads(database))


async def test_the_chain_goes_on_after_a_restart(open_store: OpenStore, db: Database) -> None:
    await record(db, 1)
    await db.close()
    again = await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES,), url=db.url, pool_size=1)
    await record(again, 2)

    report = await audit.verify(again)

    assert report.is_intact
    assert [head.seq for head in report.heads] == [4]


async def test_two_stores_on_one_database_take_turns_in_whole_chains(
    open_store: OpenStore, db: Database
) -> None:
    other = await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES,), url=db.url, pool_size=1)
    for n in range(6):
        await record((db, other)[n % 2], n)

    report = await audit.verify(db)

    assert report.is_intact, report.breaks
    assert report.row_count == 12


@pytest.mark.parametrize(
    ("query", "why", "seq"), [("tamper_outcome", "changed", 5), ("tamper_delete", "missing", 5)]
)
async def test_a_changed_or_missing_row_is_named(db: Database, query: str, why: str, seq: int) -> None:
    for n in range(5):
        await record(db, n)
    await db.write(lambda tx: tx.execute(query, seq=seq))

    report = await audit.verify(db)

    assert [(found.seq, found.why) for found in report.breaks] == [(seq, why)]


async def test_a_row_rehashed_by_its_forger_breaks_the_next(db: Database) -> None:
    for n in range(5):
        await record(db, n)

    async def forge(tx: Tx) -> None:
        row = await tx.one("tamper_read", seq=5)
        assert row is not None
        await tx.execute("tamper_hash", seq=5, hash=audit.chain_hash(row["prev_hash"], row))

    await db.write(forge)

    report = await audit.verify(db)
    assert [(found.seq, found.why) for found in report.breaks] == [(6, "chain")]


async def test_a_cut_end_is_found_by_a_head_kept_elsewhere(db: Database) -> None:
    for n in range(5):
        await record(db, n)
    kept = await audit.heads(db)
    await db.write(lambda tx: tx.execute("tamper_cut", seq=8))

    assert (await audit.verify(db)).is_intact, "the rest is a chain in itself"
    report = await audit.verify(db, kept=kept)
    assert [(found.seq, found.why) for found in report.breaks] == [(10, "head")]


async def test_a_rewritten_chain_is_found_by_a_head_kept_elsewhere(
    db: Database, open_store: OpenStore
) -> None:
    await record(db, 1)
    kept = await audit.heads(db)
    await db.write(lambda tx: tx.execute("tamper_cut", seq=1))
    await db.close()
    again = await open_store(EXAMPLE, queries=(EXAMPLE_QUERIES,), url=db.url, pool_size=1)
    await record(again, 2)

    assert (await audit.verify(again)).is_intact, "the new rows are a chain in themselves"
    report = await audit.verify(again, kept=kept)
    assert [(found.seq, found.why) for found in report.breaks] == [(2, "head")]


async def test_a_person_reads_who_saw_their_data_page_by_page(database: Database) -> None:
    for n in range(6):
        await record(database, n, subject="c1" if n % 2 else "c2")

    pages: list[audit.AuditEntry] = []

    async def next_page(tx: Tx) -> list[audit.AuditEntry]:
        last = pages[-1] if pages else None
        before = None if last is None else (last.event_time, last.writer_id, last.seq)
        return await audit.entries_of(tx, subject="c1", before=before, page_size=4)

    while page := await database.read(next_page):
        pages += page

    assert {entry.resource for entry in pages} == {f"visits/{n}-{part}" for n in (1, 3, 5) for part in (0, 1)}
    assert len(pages) == 6
    assert [entry.event_time for entry in pages] == sorted((e.event_time for e in pages), reverse=True)
    first = pages[0]
    assert (first.actor, first.roles, first.facility) == ("staff-1", ("CLERK", "DOCTOR"), "79001")
    assert (first.purpose, first.service, first.outcome) == ("treatment", "gateway", "ok")
