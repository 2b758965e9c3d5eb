"""The province's store: SERIALIZABLE transactions on an asyncpg pool, run again after a conflict.

Each connection holds a numbered advisory lock, its slot, for as long as it lives: the slot names the audit
chain the connection writes, so chains never collide and no row is shared by all writers. The lock is the
session's, which is why the pool's own reset between users is switched off; every setting here is LOCAL to its
transaction anyway.
"""

from __future__ import annotations

import asyncio
import random
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import asyncpg

from chassis.db.errors import (
    ConstraintViolated,
    StatementTooSlow,
    StoreClosed,
    StoreOverloaded,
    StoreUnavailable,
    TransactionAwaitedElsewhere,
    UniqueViolated,
    WriteConflict,
)
from chassis.db.queries import Queries, Query
from chassis.db.spans import Spans
from chassis.db.tx import ChainHead, Row, T, Work
from chassis.errors import DeadlineTooShort

TRIES_MAX = 30
UNIQUE_TRIES_MAX = 2
"""A serialization failure may show as a unique violation; a second one means the row is really there."""
BACKOFF_FIRST_MS = 2
BACKOFF_MAX_MS = 100
STATEMENT_TIMEOUT_MS = 30_000
"""Without a caller's deadline, as in workers."""
TIME_NEEDED_MS = 20
"""Less than this left and a try is not begun."""
WAITING_MAX = 10_000
CONNECT_TIMEOUT_S = 5.0
SLOT_CLASS = 0x4C54
SLOT_MAX = 1_000

_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# The server said no in so many words: the transaction is gone. Anything else around COMMIT is an unknown
# outcome.
_REFUSED = (*_CONFLICTS, asyncpg.IntegrityConstraintViolationError)
_LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)

RemainingMs = Callable[[], int | None]


class SlotConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A pooled connection that keeps its advisory lock from one user to the next."""

    slot: int
    chain_head: ChainHead | None

    def get_reset_query(self) -> str:
        """Nothing to reset: settings are LOCAL, and the lock must stay."""
        return ""


async def take_slot(connection: SlotConnection) -> None:
    """Hold the lowest free slot number for the life of this connection.

    Raises:
        StoreOverloaded: a thousand connections hold theirs.
    """
    for slot in range(SLOT_MAX):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", SLOT_CLASS, slot):
            connection.slot = slot
            connection.chain_head = None
            return
    raise StoreOverloaded(SLOT_MAX)


class PostgresqlTx:
    """A transaction on a pooled connection."""

    __slots__ = ("_connection", "_names", "_queries", "chain_head", "is_talking", "topics", "writer_id")

    def __init__(self, connection: SlotConnection, queries: Queries, names: list[str]) -> None:
        self._connection = connection
        self._queries = queries
        self._names = names
        self.is_talking = False
        self.writer_id = f"slot-{connection.slot}"
        self.chain_head = connection.chain_head
        self.topics: set[str] = set()

    async def one(self, name: str, /, **params: object) -> Row | None:
        """The first row of a named query, or None."""
        query, values = self._prepare(name, params)
        row = await self._talk(self._connection.fetchrow(query.sql, *values))
        return None if row is None else dict(row)

    async def all(self, name: str, /, **params: object) -> list[Row]:
        """Every row of a named query."""
        query, values = self._prepare(name, params)
        return [dict(row) for row in await self._talk(self._connection.fetch(query.sql, *values))]

    async def execute(self, name: str, /, **params: object) -> int:
        """Run a named statement and return how many rows it changed."""
        query, values = self._prepare(name, params)
        tag = await self._talk(self._connection.execute(query.sql, *values))
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, name: str, /, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a named statement once for each row."""
        if not rows:
            return
        query, _ = self._prepare(name, rows[0])
        values = [[row[each] for each in query.order] for row in rows]
        await self._talk(self._connection.executemany(query.sql, values))

    def _prepare(self, name: str, params: Mapping[str, object]) -> tuple[Query, list[object]]:
        query = self._queries[name]
        assert params.keys() == query.names, (name, sorted(params.keys() ^ query.names))
        self._names.append(name)
        return query, [params[each] for each in query.order]

    async def _talk(self, call: Awaitable[Any]) -> Any:
        self.is_talking = True
        try:
            return await call
        finally:
            self.is_talking = False


@types.coroutine
def _drive(coroutine: Coroutine[Any, Any, T], tx: PostgresqlTx) -> Generator[Any, Any, T]:
    """Run an async function and refuse a suspension that is not the transaction's own talk."""
    resume: Callable[[], Any] = lambda: coroutine.send(None)  # noqa: E731
    while True:
        try:
            waits_for = resume()
        except StopIteration as stop:
            return cast(T, stop.value)
        if not tx.is_talking:
            coroutine.close()
            raise TransactionAwaitedElsewhere
        try:
            value = yield waits_for
        except BaseException as error:
            resume = lambda error=error: coroutine.throw(error)  # type: ignore[misc]  # noqa: E731
        else:
            resume = lambda value=value: coroutine.send(value)  # type: ignore[misc]  # noqa: E731


class PostgresqlDatabase:
    """One PostgreSQL database behind a pool."""

    def __init__(
        self, url: str, *, queries: Queries, spans: Spans, pool_size: int, remaining_ms: RemainingMs
    ) -> None:
        self.engine: Literal["sqlite", "postgresql"] = "postgresql"
        self.url = url
        self._queries = queries
        self._spans = spans
        self._pool_size = pool_size
        self._remaining_ms = remaining_ms
        self._pool: Any = None
        self._is_open = False
        self._under_way: set[asyncio.Task[Any]] = set()
        self._subscribers: dict[str, list[Callable[[], None]]] = {}

    async def start(self) -> None:
        """Open the pool with one connection; the others come as they are needed."""
        try:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._pool_size,
                connection_class=SlotConnection,
                init=take_slot,
                timeout=CONNECT_TIMEOUT_S,
                server_settings={"timezone": "UTC", "application_name": "lienthong"},
            )
        except (*_LOST, asyncpg.PostgresError):
            raise StoreUnavailable("none") from None
        self._is_open = True

    async def read(self, work: Work[T]) -> T:
        """As Database.read: one REPEATABLE READ snapshot, which never conflicts with a writer."""
        with self._spans.span("db.read") as names:
            return await self._shielded(self._try_once("REPEATABLE READ READ ONLY", work, names))

    async def write(self, work: Work[T], *, serializable: bool = True) -> T:
        """As Database.write."""
        isolation = "SERIALIZABLE" if serializable else "READ COMMITTED"
        with self._spans.span("db.write") as names:
            return await self._shielded(self._try_often(isolation, work, names))

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """As Database.subscribe; hears the commits of this process."""
        self._subscribers.setdefault(topic, []).append(callback)

    async def close(self) -> None:
        """Finish what was taken, then close the pool."""
        if not self._is_open:
            return
        self._is_open = False
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._pool.close()

    async def _shielded(self, attempt: Coroutine[Any, Any, T]) -> T:
        if not self._is_open or len(self._under_way) >= WAITING_MAX:
            attempt.close()
            raise StoreOverloaded(len(self._under_way)) if self._is_open else StoreClosed
        task = asyncio.create_task(attempt)
        self._under_way.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # Seen: its caller may be gone.

    async def _try_often(self, isolation: str, work: Work[T], names: list[str]) -> T:
        backoff_ms = BACKOFF_FIRST_MS
        unique_count = 0
        for try_count in range(1, TRIES_MAX + 1):
            names.clear()
            try:
                return await self._try_once(isolation, work, names)
            except WriteConflict:
                if try_count == TRIES_MAX or self._time_left_ms() < backoff_ms + TIME_NEEDED_MS:
                    raise WriteConflict(try_count) from None
            except UniqueViolated:
                unique_count += 1
                if unique_count == UNIQUE_TRIES_MAX:
                    raise
            await asyncio.sleep(random.uniform(0.5, 1.0) * backoff_ms / 1000)  # noqa: S311  # jitter
            backoff_ms = min(backoff_ms * 2, BACKOFF_MAX_MS)
        raise AssertionError("the last try returns or raises")

    async def _try_once(self, isolation: str, work: Work[T], names: list[str]) -> T:
        async with self._connection() as connection:
            tx = PostgresqlTx(connection, self._queries, names)
            begin = f"BEGIN ISOLATION LEVEL {isolation}; SET LOCAL statement_timeout = {self._statement_ms()}"
            try:
                await connection.execute(begin)
                result = await _drive(cast("Coroutine[Any, Any, T]", work(tx)), tx)
            except BaseException as cause:
                await _roll_back(connection)
                if (typed := _typed(cause)) is cause:
                    raise
                raise typed from None
            await self._commit(connection)
            connection.chain_head = tx.chain_head
        self._announce(tx.topics)
        return result

    async def _commit(self, connection: SlotConnection) -> None:
        try:
            await connection.execute("COMMIT")
        except _REFUSED as cause:
            await _roll_back(connection)
            raise _typed(cause) from None
        except Exception:
            connection.terminate()
            raise StoreUnavailable("unknown") from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SlotConnection]:
        try:
            pooled = await self._pool.acquire(timeout=self._statement_ms() / 1000)
        except TimeoutError:
            raise StoreOverloaded(len(self._under_way)) from None
        except (*_LOST, asyncpg.PostgresError):
            raise StoreUnavailable("none") from None
        try:
            # The pool hands out a proxy, on which our attributes would be lost.
            yield cast(SlotConnection, pooled._con)
        finally:
            await self._pool.release(pooled)

    def _time_left_ms(self) -> int:
        left_ms = self._remaining_ms()
        return STATEMENT_TIMEOUT_MS if left_ms is None else left_ms

    def _statement_ms(self) -> int:
        left_ms = self._time_left_ms()
        if left_ms < TIME_NEEDED_MS:
            raise DeadlineTooShort(left_ms=left_ms, needed_ms=TIME_NEEDED_MS)
        return min(left_ms, STATEMENT_TIMEOUT_MS)

    def _announce(self, topics: set[str]) -> None:
        for topic in topics:
            for callback in self._subscribers.get(topic, ()):
                callback()


async def _roll_back(connection: SlotConnection) -> None:
    """End the transaction; a connection that cannot is thrown away, which ends it too."""
    try:
        await connection.execute("ROLLBACK")
    except Exception:
        connection.terminate()


def _typed(cause: BaseException) -> BaseException:
    """Our error for asyncpg's, without a value of a row; a mistake in our SQL stays what it is."""
    if isinstance(cause, _CONFLICTS):
        return WriteConflict(1)
    if isinstance(cause, asyncpg.UniqueViolationError):
        return UniqueViolated(cause.constraint_name or "")
    if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
        return ConstraintViolated(cause.constraint_name or cause.column_name or "")
    if isinstance(cause, asyncpg.QueryCanceledError):
        return StatementTooSlow()
    connection_lost = isinstance(
        cause,
        (
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InsufficientResourcesError,
        ),
    )
    if connection_lost or (isinstance(cause, _LOST) and not isinstance(cause, asyncpg.InterfaceError)):
        return StoreUnavailable("none")
    if isinstance(cause, asyncpg.InterfaceError) and "clos" in str(cause):
        return StoreUnavailable("none")
    return cause
