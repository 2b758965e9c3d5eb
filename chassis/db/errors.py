"""What can go wrong with a store, told without one value of a row.

AppError
├── StoreUnavailable      the store failed; fact `outcome` is "none" or "unknown"
├── StoreOverloaded       more work waits than the store takes
├── StoreClosed           the service is shutting down
├── WriteConflict         concurrent writers kept colliding until tries or time ran out
├── StatementTooSlow      the deadline ended a statement
├── UniqueViolated        a row with this key exists
├── ConstraintViolated    a CHECK, NOT NULL or FOREIGN KEY refused the row
├── TransactionAwaitedElsewhere   a transaction waited for something that is not its store
├── QueryUnknown          no query of that name was loaded
├── SchemaBehind          the schema is older than the code
├── WrongDatabase         the file belongs to another service
└── SqliteUnsafe          this SQLite may lose commits
"""

from __future__ import annotations

from typing import Literal

from chassis.errors import AppError, Kind

Outcome = Literal["none", "unknown"]


class StoreUnavailable(AppError):
    """The store failed; `outcome` says whether the transaction may have been committed."""

    kind = Kind.UNAVAILABLE
    reason = "STORE_UNAVAILABLE"
    vi = "Kho dữ liệu tạm thời không dùng được; hãy thử lại sau ít giây."

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("Repeat with the same request_id; it takes effect at most once.", outcome=outcome)


class StoreOverloaded(AppError):
    """More transactions wait than the store takes; this one was not started."""

    kind = Kind.EXHAUSTED
    reason = "STORE_OVERLOADED"
    vi = "Hệ thống đang quá tải; hãy thử lại sau ít giây."

    def __init__(self, waiting_count: int) -> None:
        super().__init__("Wait, then repeat with the same request_id.", waiting_count=waiting_count)


class StoreClosed(AppError):
    """The store was closed; this transaction was not started."""

    kind = Kind.UNAVAILABLE
    reason = "STORE_CLOSED"
    vi = "Dịch vụ đang khởi động lại; hãy thử lại sau ít giây."

    def __init__(self) -> None:
        super().__init__("The service is stopping; repeat with the same request_id.")


class WriteConflict(AppError):
    """Concurrent transactions kept colliding with this one; nothing was written."""

    kind = Kind.ABORTED
    reason = "WRITE_CONFLICT"
    vi = "Dữ liệu đang được người khác cập nhật; hãy thử lại."

    def __init__(self, try_count: int) -> None:
        super().__init__("Repeat with the same request_id.", try_count=try_count)


class StatementTooSlow(AppError):
    """The deadline ended a statement; nothing was written."""

    kind = Kind.DEADLINE
    reason = "STATEMENT_TOO_SLOW"
    vi = "Thao tác quá thời gian cho phép; hãy thử lại."

    def __init__(self) -> None:
        super().__init__("Repeat with the same request_id and a longer deadline.")


class UniqueViolated(AppError):
    """A row with this key exists; catch it around `write` and raise the reason of your domain."""

    kind = Kind.ALREADY_EXISTS
    reason = "ROW_EXISTS"
    vi = "Dữ liệu này đã tồn tại."

    def __init__(self, constraint: str) -> None:
        super().__init__("Read the existing row instead.", constraint=constraint)


class ConstraintViolated(AppError):
    """A constraint of the schema refused the row: the code let through what it should have refused."""

    kind = Kind.INTERNAL
    reason = "CONSTRAINT_VIOLATED"
    vi = "Hệ thống gặp lỗi dữ liệu; hãy báo cho quản trị hệ thống."

    def __init__(self, constraint: str) -> None:
        super().__init__("Check the value before it is written.", constraint=constraint)


class TransactionAwaitedElsewhere(AppError):
    """A transaction awaited something other than its own store (an RPC, a sleep, a lock)."""

    kind = Kind.INTERNAL
    reason = "TRANSACTION_AWAITED_ELSEWHERE"
    vi = "Hệ thống gặp lỗi; hãy báo cho quản trị hệ thống."

    def __init__(self) -> None:
        super().__init__("Await only the transaction's own methods between its begin and its end.")


class QueryUnknown(AppError):
    """No loaded file holds a query of this name."""

    kind = Kind.INTERNAL
    reason = "QUERY_UNKNOWN"
    vi = "Hệ thống gặp lỗi; hãy báo cho quản trị hệ thống."

    def __init__(self, name: str) -> None:
        super().__init__("Write the query under this name in queries.sql.", name=name)


class SchemaBehind(AppError):
    """The schema is older than the code."""

    kind = Kind.PRECONDITION
    reason = "SCHEMA_BEHIND"
    vi = "Cấu trúc dữ liệu chưa được nâng cấp; hãy báo cho quản trị hệ thống."

    def __init__(self, *, package: str, current: str, head: str) -> None:
        super().__init__(
            f"Run `python -m {package} migrate` first.", package=package, current=current, head=head
        )


class WrongDatabase(AppError):
    """The database file was made by another service."""

    kind = Kind.PRECONDITION
    reason = "WRONG_DATABASE"
    vi = "Tệp dữ liệu thuộc dịch vụ khác; hãy kiểm tra cấu hình."

    def __init__(self, package: str) -> None:
        super().__init__("Set the database URL to this service's own file.", package=package)


class SqliteUnsafe(AppError):
    """No SQLite at hand is free of the WAL-reset bug."""

    kind = Kind.PRECONDITION
    reason = "SQLITE_UNSAFE"
    vi = "Phiên bản SQLite không an toàn; hãy báo cho quản trị hệ thống."

    def __init__(self, found: str) -> None:
        super().__init__(
            "Install pysqlite3 0.6.1 or newer, or a Python with SQLite 3.51.3, 3.50.7 or 3.44.6.", found=found
        )
