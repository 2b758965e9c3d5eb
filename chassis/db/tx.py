"""What a transaction and a database look like to the code that uses them, the same on both engines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")

# A column is an int, a str, bytes or None; Any spares each reader a cast, the schema is STRICT.
Row = Mapping[str, Any]
ChainHead = tuple[int, bytes]


class Tx(Protocol):
    """One transaction: its methods are the only thing its function may await."""

    writer_id: str
    """The audit chain this transaction writes: `main` on SQLite, `slot-3` on a PostgreSQL connection."""
    chain_head: ChainHead | None
    """The last (seq, hash) of that chain as this transaction sees it; None until chassis.audit reads it."""
    topics: set[str]
    """Names whose subscribers are called once this transaction is committed."""

    async def one(self, name: str, /, **params: object) -> Row | None:
        """The first row of a named query, or None."""
        ...

    async def all(self, name: str, /, **params: object) -> list[Row]:
        """Every row of a named query; the query holds its own LIMIT."""
        ...

    async def execute(self, name: str, /, **params: object) -> int:
        """Run a named statement and return how many rows it changed."""
        ...

    async def execute_many(self, name: str, /, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a named statement once for each row."""
        ...


Work = Callable[[Tx], Awaitable[T]]


class Database(Protocol):
    """A service's own store."""

    engine: Literal["sqlite", "postgresql"]
    url: str

    async def read(self, work: Work[T]) -> T:
        """Run a function on one snapshot; it sees every write that was answered before this call.

        Raises:
            StoreUnavailable, StoreOverloaded, StoreClosed, StatementTooSlow, TransactionAwaitedElsewhere,
            or what the function raises.
        """
        ...

    async def write(self, work: Work[T], *, serializable: bool = True) -> T:
        """Run a function as one transaction: all of it is kept, or nothing where it raises.

        A cancelled caller does not stop it: its outcome is then unknown, so every write carries a request_id.
        The function may run more than once (PostgreSQL repeats it after a conflict), hence it has no effect
        outside the transaction.

        Args:
            work: Awaits nothing but the methods of its Tx.
            serializable: False only for a queue's claim, whose row locks already say who holds what.
        Raises:
            StoreUnavailable, StoreOverloaded, StoreClosed, WriteConflict, StatementTooSlow, UniqueViolated,
            ConstraintViolated, TransactionAwaitedElsewhere, or what the function raises.
        """
        ...

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """Call back on the event loop after each commit of a transaction that named this topic."""
        ...

    async def close(self) -> None:
        """Finish the transactions already taken, then close every connection."""
        ...
