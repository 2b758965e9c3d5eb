"""A service's own store: one API over SQLite and PostgreSQL, in which a transaction is a function.

Use: `db = await open_database(settings.database_url, queries=(QUERIES,), package=__package__,
telemetry=telemetry)`, then `await db.write(work)` with `async def work(tx): ...`. Tests and the bench may
leave `package` out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from chassis.db import migrations
from chassis.db.postgresql import PostgresqlDatabase
from chassis.db.queries import load_queries
from chassis.db.spans import Spans, SpanSource
from chassis.db.sqlite import SqliteDatabase
from chassis.db.tx import Database, Row, Tx, Work
from chassis.db.urls import engine_of, sqlite_path
from chassis.rpc.context import remaining_ms as deadline_of_the_call

READERS = 2
POOL_SIZE = 10


async def open_database(
    url: str,
    *,
    queries: Sequence[Path],
    package: str | None = None,
    telemetry: SpanSource | None = None,
    readers: int = READERS,
    pool_size: int = POOL_SIZE,
    remaining_ms: Callable[[], int | None] = deadline_of_the_call,
) -> Database:
    """Open a service's store.

    Args:
        url: `sqlite:///file.db` or `postgresql://...`.
        queries: The service's queries.sql files; the frame's own are always there.
        package: Whose migrations the schema must be at, such as `identity_svc`; None skips the check.
        telemetry: Records a span per transaction; None records nothing.
        readers: SQLite's read-only connections, 1 to 16.
        pool_size: PostgreSQL's connections, 1 to 100.
        remaining_ms: What is left of the caller's deadline; by default as chassis.rpc knows it.
    Raises:
        SchemaBehind, WrongDatabase, StoreUnavailable, SqliteUnsafe, DatabaseUrlInvalid.
    """
    assert 1 <= readers <= 16, readers
    assert 1 <= pool_size <= 100, pool_size
    engine = engine_of(url)
    loaded = load_queries(queries, engine=engine)
    spans = Spans(telemetry, engine)
    if package is not None:
        await migrations.require_schema(url, package=package)
    database: SqliteDatabase | PostgresqlDatabase
    if engine == "sqlite":
        database = SqliteDatabase(sqlite_path(url), queries=loaded, spans=spans, reader_count=readers)
    else:
        database = PostgresqlDatabase(
            url,
            queries=loaded,
            spans=spans,
            pool_size=pool_size,
            remaining_ms=remaining_ms,
        )
    await database.start()
    return database


__all__ = ["Database", "Row", "Tx", "Work", "open_database"]
