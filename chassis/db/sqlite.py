"""The embedded store: one writer thread per file that commits many callers' transactions at once.

A transaction's function is async, yet it is driven to its end by one `send(None)` inside the thread: the
methods of its Tx never suspend, and anything else that does is refused. So no thread hop happens between two
statements, no cancellation can fall between them, and no RPC can hide inside.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, Literal, cast
from urllib.parse import quote

import aiosqlite

from chassis.db.errors import (
    ConstraintViolated,
    Outcome,
    StoreClosed,
    StoreOverloaded,
    StoreUnavailable,
    TransactionAwaitedElsewhere,
    UniqueViolated,
)
from chassis.db.queries import Queries, Query
from chassis.db.spans import Spans
from chassis.db.sqlite_module import Connection, choose_sqlite
from chassis.db.tx import ChainHead, Row, T, Tx, Work

GROUP_MAX = 128
"""Most transactions that share one commit."""
GROUP_WAIT_S = 0.006
"""How long the writer waits for company where transactions lately came together: about what a commit takes on a
consumer's disk (5 ms). Alone, a commit is two thirds of a transaction's processor time (docs/performance.md)."""
CROWD = 1.1
"""Mean size of the last groups above which waiting pays; one caller alone never waits."""
CROWD_MEMORY = 0.1
COMPANY_ENOUGH = 8
"""As many share a commit well: by then it is a tenth of their time, and callers come back while the next one runs."""
WAIT_LOOKS = 8
"""Looks at the queue in one wait."""
READ_GROUP_MAX = 32
"""Most reads that share one snapshot and one thread hop."""
WAITING_MAX = 10_000
"""Most transactions that may wait for the writer, and as many for the readers."""
BUSY_TIMEOUT_MS = 5_000
SETUP_RETRY_S = 0.01
STATEMENT_CACHE = 512
CHECKPOINT_PAGES = 4_000
"""16 MB of log between checkpoints: a page changed by many commits is copied back once."""
WRITER_ID = "main"

_SETUP = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA temp_store = MEMORY",
)
# FULL: with NORMAL, 1,235 of 1,500 rebuilt power-loss states had lost acknowledged rows.
_WRITER_SETUP = (
    *_SETUP,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
)
_READER_MAP_BYTES = 8 << 30
"""Readers see the file as memory, so that the kernel's cache serves them: without it a look-up among 1.8 million rows
took 2.2 times one among a thousand, with it 1.27. An address range, not memory that is used."""
_READER_SETUP = (*_SETUP, f"PRAGMA mmap_size = {_READER_MAP_BYTES}", "PRAGMA query_only = ON")


def connect(sqlite: ModuleType, path: Path, *, read_only: bool = False) -> Connection:
    """Open a connection of the calling thread with every safety setting; transactions are explicit."""
    uri = f"file:{quote(str(path))}?mode={'ro' if read_only else 'rwc'}"
    connection = cast(
        Connection,
        sqlite.connect(uri, uri=True, isolation_level=None, cached_statements=STATEMENT_CACHE),
    )
    for statement in _READER_SETUP if read_only else _WRITER_SETUP:
        _set_up(sqlite, connection, statement)
    connection.row_factory = _row
    return connection


def _set_up(sqlite: ModuleType, connection: Connection, statement: str) -> None:
    """Run a setting, again while another process holds the file: SQLite does not itself wait for the step to WAL."""
    until_s = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute(statement).fetchall()
        except sqlite.OperationalError:
            if time.monotonic() >= until_s:
                connection.close()
                raise
            time.sleep(SETUP_RETRY_S)
        else:
            return


def _row(cursor: Any, values: tuple[object, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


class ThreadConnection(aiosqlite.Connection):
    """An aiosqlite connection whose thread can be handed a whole function.

    This class is the only place that leans on aiosqlite's private parts: `_execute`, `_conn` and `_thread`.
    tests/store/test_database.py holds them to it.
    """

    def __init__(self, connector: Callable[[], Connection]) -> None:
        super().__init__(connector, 64)
        # A forgotten close must not keep the process alive; SQLite recovers as after a crash.
        self._thread.daemon = True

    async def run(self, function: Callable[[Connection], T]) -> T:
        """Call a function with the raw connection inside the connection's own thread."""
        # aiosqlite leaves it untyped.
        return cast(T, await self._execute(lambda: function(self._conn)))  # type: ignore[no-untyped-call]


@dataclass(slots=True, kw_only=True)
class _Job:
    work: Callable[[Tx], Awaitable[Any]]
    context: Context
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None
    topics: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)

    def begin_again(self) -> None:
        """Forget a run whose group was undone."""
        self.result = self.error = None
        self.topics.clear()
        self.names.clear()


class SqliteTx:
    """A transaction on the thread's own connection; its methods complete without suspending."""

    __slots__ = (
        "_connection", "_names", "_queries", "_sqlite", "chain_head", "has_written", "topics", "writer_id",
    )  # fmt: skip

    def __init__(self, connection: Connection, queries: Queries, sqlite: ModuleType, job: _Job) -> None:
        self._connection = connection
        self._queries = queries
        self._sqlite = sqlite
        self._names = job.names
        self.writer_id = WRITER_ID
        self.chain_head: ChainHead | None = None
        self.has_written = False
        self.topics = job.topics

    async def one(self, name: str, /, **params: object) -> Row | None:
        """The first row of a named query, or None."""
        return cast("Row | None", self._run(name, params).fetchone())

    async def all(self, name: str, /, **params: object) -> list[Row]:
        """Every row of a named query."""
        return cast("list[Row]", self._run(name, params).fetchall())

    async def execute(self, name: str, /, **params: object) -> int:
        """Run a named statement and return how many rows it changed."""
        self.has_written = True
        return int(self._run(name, params).rowcount)

    async def execute_many(self, name: str, /, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a named statement once for each row."""
        self.has_written = True
        query = self._prepare(name, rows[0] if rows else None)
        try:
            self._connection.executemany(query.sql, rows)
        except self._sqlite.Error as cause:
            raise _typed(self._sqlite, cause) from None

    def _run(self, name: str, params: Mapping[str, object]) -> Any:
        query = self._prepare(name, params)
        try:
            return self._connection.execute(query.sql, params)
        except self._sqlite.Error as cause:
            raise _typed(self._sqlite, cause) from None

    def _prepare(self, name: str, params: Mapping[str, object] | None) -> Query:
        query = self._queries[name]
        assert params is None or params.keys() == query.names, (name, sorted(params.keys() ^ query.names))
        self._names.append(name)
        return query


def _typed(sqlite: ModuleType, cause: Exception) -> Exception:
    """Our error for SQLite's, without a value of a row; a mistake in our SQL stays what it is."""
    text = str(cause)
    if isinstance(cause, sqlite.IntegrityError):
        head, _, subject = text.partition(" constraint failed")
        subject = subject.removeprefix(": ") or head
        return UniqueViolated(subject) if head == "UNIQUE" else ConstraintViolated(f"{head}: {subject}")
    if "no such" in text or "syntax error" in text or isinstance(cause, sqlite.ProgrammingError):
        return cause
    if isinstance(cause, sqlite.DatabaseError):
        return StoreUnavailable("none")
    return cause


def _drive(work: Callable[[Tx], Awaitable[Any]], tx: Tx) -> Any:
    """Run an async function to its end without an event loop."""
    coroutine = cast("Coroutine[Any, None, Any]", work(tx))
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    except RuntimeError as cause:
        if str(cause) == "no running event loop":
            raise TransactionAwaitedElsewhere from None
        raise
    coroutine.close()
    raise TransactionAwaitedElsewhere


class _Lane:
    """A queue of jobs and the thread-bound loop that empties it in groups."""

    def __init__(self, group_max: int, *, wait_s: float = 0.0) -> None:
        self.queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._group_max = group_max
        self._wait_s = wait_s
        self._usual_size = 1.0

    def serve(self, run_group: Callable[[list[_Job]], None]) -> None:
        """Run groups until a None arrives; called once, inside the connection's thread."""
        stopping = False
        while not stopping:
            first = self.queue.get()
            if first is None:
                return
            if self._wait_s and self._usual_size > CROWD:
                self._wait_for_company()
            group = [first]
            while len(group) < self._group_max:
                try:
                    job = self.queue.get_nowait()
                except Empty:
                    break
                if job is None:
                    stopping = True
                    break
                group.append(job)
            self._usual_size += (len(group) - self._usual_size) * CROWD_MEMORY
            run_group(group)

    def _wait_for_company(self) -> None:
        """Wait until as many as usual have come, or enough, and not longer than the limit."""
        company = min(ceil(self._usual_size), COMPANY_ENOUGH) - 1
        until_s = time.monotonic() + self._wait_s
        while self.queue.qsize() < company and time.monotonic() < until_s:
            time.sleep(self._wait_s / WAIT_LOOKS)


class SqliteDatabase:
    """One SQLite file: a writer, several readers, each with its own thread and connection."""

    def __init__(self, path: Path, *, queries: Queries, spans: Spans, reader_count: int) -> None:
        self.engine: Literal["sqlite", "postgresql"] = "sqlite"
        self.url = f"sqlite:///{path}"
        self._path = path
        self._queries = queries
        self._spans = spans
        self._sqlite = choose_sqlite()
        self._connections: list[ThreadConnection] = []
        self._lanes: list[asyncio.Task[None]] = []
        self._writes = _Lane(GROUP_MAX, wait_s=GROUP_WAIT_S)
        self._reads = _Lane(READ_GROUP_MAX)
        self._reader_count = reader_count
        self._subscribers: dict[str, list[Callable[[], None]]] = {}
        self._chain_head: ChainHead | None = None
        self._is_open = False

    async def start(self) -> None:
        """Open the writer first, so that the readers find the file in WAL mode."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        await self._add_lane(self._writes, self._write_group, read_only=False)
        for _ in range(self._reader_count):
            await self._add_lane(self._reads, self._read_group, read_only=True)
        self._is_open = True

    async def read(self, work: Work[T]) -> T:
        """As Database.read: several callers' reads share a snapshot and a thread hop."""
        with self._spans.span("db.read") as names:
            return await self._submit(self._reads, work, names)

    async def write(self, work: Work[T], *, serializable: bool = True) -> T:
        """As Database.write; with one writer every transaction is serializable anyway."""
        with self._spans.span("db.write") as names:
            return await self._submit(self._writes, work, names)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """As Database.subscribe."""
        self._subscribers.setdefault(topic, []).append(callback)

    async def close(self) -> None:
        """Finish what was taken, then close."""
        if not self._is_open:
            return
        self._is_open = False
        self._writes.queue.put(None)
        for _ in range(self._reader_count):
            self._reads.queue.put(None)
        await asyncio.gather(*self._lanes)
        # Readers go first, so that the writer's close folds the WAL into the file.
        for connection in reversed(self._connections):
            await connection.close()

    async def _add_lane(
        self, lane: _Lane, run_group: Callable[[Connection, list[_Job]], None], *, read_only: bool
    ) -> None:
        connection = ThreadConnection(partial(connect, self._sqlite, self._path, read_only=read_only))
        try:
            await connection
        except self._sqlite.Error:
            raise StoreUnavailable("none") from None
        self._connections.append(connection)

        def serve(raw: Connection) -> None:
            lane.serve(partial(run_group, raw))

        self._lanes.append(asyncio.create_task(connection.run(serve), name=f"{self._path.name} lane"))

    async def _submit(self, lane: _Lane, work: Work[T], names: list[str]) -> T:
        if not self._is_open:
            raise StoreClosed
        if (waiting_count := lane.queue.qsize()) >= WAITING_MAX:
            raise StoreOverloaded(waiting_count)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        # The job is the writer's from here on: cancelling this caller leaves only the future behind.
        lane.queue.put(_Job(work=work, context=copy_context(), future=future, loop=loop, names=names))
        return await future

    def _write_group(self, connection: Connection, group: list[_Job]) -> None:
        try:
            self._transact(connection, group)
        except BaseException:  # A thread that died would leave every later caller waiting.
            self._abandon(connection)
            _fail_all(group, "unknown")
        self._answer(group)

    def _transact(self, connection: Connection, group: list[_Job]) -> None:
        if not self._begin(connection, group):
            return None
        if len(group) == 1:
            self._run_write(connection, group[0], undo="ROLLBACK")
        elif not self._run_trusting(connection, group):
            return self._transact_apart(connection, group)
        if connection.in_transaction:
            self._commit(connection, group)
        return None

    def _begin(self, connection: Connection, group: list[_Job]) -> bool:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except self._sqlite.Error:
            _fail_all(group, "none")
            return False
        # Read again in each commit: another process may have written between.
        self._chain_head = None
        return True

    def _run_trusting(self, connection: Connection, group: list[_Job]) -> bool:
        """Run a group without savepoints, a fifth of a small write's time; False when one has to be undone alone."""
        for job in group:
            if not self._run_write(connection, job, undo=""):
                self._abandon(connection)
                for each in group:
                    each.begin_again()
                return False
        return True

    def _transact_apart(self, connection: Connection, group: list[_Job]) -> None:
        """Run a group again, each transaction behind a savepoint of its own."""
        if not self._begin(connection, group):
            return None
        for done, job in enumerate(group):
            connection.execute("SAVEPOINT job")
            self._run_write(connection, job, undo="ROLLBACK TO job")
            if not connection.in_transaction:
                # SQLite itself undid everything (full disk, I/O error): nobody was answered yet.
                _fail_all(group[: done + 1], "none")
                return self._transact(connection, group[done + 1 :]) if group[done + 1 :] else None
            connection.execute("RELEASE job")
        return self._commit(connection, group)

    def _run_write(self, connection: Connection, job: _Job, *, undo: str) -> bool:
        """Run one transaction; False when it failed after a write that nothing undid."""
        tx = SqliteTx(connection, self._queries, self._sqlite, job)
        tx.chain_head = self._chain_head
        try:
            job.result = job.context.run(_drive, job.work, tx)
        except BaseException as error:
            job.error = error
            job.topics.clear()
            if not connection.in_transaction:
                return False
            if undo:
                connection.execute(undo)
                return True
            return not tx.has_written
        self._chain_head = tx.chain_head
        return True

    def _commit(self, connection: Connection, group: list[_Job]) -> None:
        try:
            connection.execute("COMMIT")
        except self._sqlite.Error:
            # The log may or may not have reached the disk.
            _fail_all(group, "unknown")
            self._abandon(connection)

    def _abandon(self, connection: Connection) -> None:
        """Leave no transaction open behind a failure, or every later BEGIN would fail."""
        if connection.in_transaction:
            with suppress(self._sqlite.Error):
                connection.execute("ROLLBACK")

    def _read_group(self, connection: Connection, group: list[_Job]) -> None:
        try:
            # The snapshot begins at the first query, after every job of the group was handed in.
            connection.execute("BEGIN")
            for job in group:
                tx = SqliteTx(connection, self._queries, self._sqlite, job)
                try:
                    job.result = job.context.run(_drive, job.work, tx)
                except BaseException as error:
                    job.error = error
            connection.execute("COMMIT")
        except BaseException:
            self._abandon(connection)
            _fail_all(group, "none")
        self._answer(group)

    def _answer(self, group: list[_Job]) -> None:
        """Wake the callers, one loop wake-up for the group."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in group:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._resolve, jobs)
            except RuntimeError:
                continue  # That loop is gone and its callers with it.

    def _resolve(self, group: list[_Job]) -> None:
        topics: set[str] = set()
        for job in group:
            topics |= job.topics
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
        for topic in topics:
            for callback in self._subscribers.get(topic, ()):
                callback()


def _fail_all(group: list[_Job], outcome: Outcome) -> None:
    """Fail every job that has no error of its own; its topics stay silent."""
    for job in group:
        job.topics.clear()
        if job.error is None:
            job.error = StoreUnavailable(outcome)
