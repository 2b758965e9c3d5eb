"""Writes spans into one bounded SQLite file per process; a full disk costs spans, never a call.

The file is in WAL mode on the interpreter's own SQLite, which may be older than 3.51.3. Its WAL-reset bug
needs two connections that write or checkpoint (docs/decisions/0004): here a lock file gives each file exactly
one process, that process has exactly one connection, and `store.py` opens read-only, so no reader ever
checkpoints. `synchronous=NORMAL` is enough: a span is no record.
"""

import json
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chassis.telemetry.records import SpanRow

FILE_SUFFIX = ".spans.sqlite"
INSTANCES_MAX = 64
"""Processes of one service that share a directory."""
RETRY_AFTER_S = 5.0
"""A store that failed is tried again this much later; spans in between are counted as lost."""
RETENTION_EVERY_BATCHES = 32
ROWS_SLACK_PCT = 2
"""Rows above the limit before the oldest are deleted, so that it is done seldom."""
APPLICATION_ID = 0x4C545350  # "LTSP"
SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    seq INTEGER PRIMARY KEY,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    status TEXT NOT NULL,
    attributes TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS spans_of_trace ON spans (trace_id);
CREATE INDEX IF NOT EXISTS spans_first ON spans (start_ns) WHERE parent_id = '';
CREATE INDEX IF NOT EXISTS spans_failed ON spans (start_ns) WHERE status = 'error';
"""
COLUMNS = "trace_id, span_id, parent_id, service, name, kind, start_ns, duration_ns, status, attributes"
# One statement for a whole batch: executemany lets go of the interpreter lock once per row and then waits up
# to 5 ms to get it back from a busy event loop; this lets go once (bench/tracing.py measures both).
_ROW = "(" + ", ".join("?" * 10) + ")"
_ROWS_PER_INSERT = 256


def insert_statement(row_count: int) -> str:
    """The statement that inserts `row_count` rows; only constants are joined."""
    return f"INSERT INTO spans ({COLUMNS}) VALUES {', '.join([_ROW] * row_count)}"  # noqa: S608


_INSERT_MANY = insert_statement(_ROWS_PER_INSERT)


class SpanFile:
    """The sink that keeps spans in `<span_dir>/<service>.spans.sqlite`.

    A second process of the service takes `<service>.2.spans.sqlite`, and so on.
    """

    def __init__(self, span_dir: Path, service: str, *, rows_max: int, bytes_max: int) -> None:
        """Opens nothing yet.

        Args:
            span_dir: Made when it is missing.
            service: A name of code, such as "identity"; part of the file name.
            rows_max: Spans kept, at least 1,000; the oldest go first.
            bytes_max: Size of the database without its WAL, at least 1 MiB.
        """
        assert rows_max >= 1_000, rows_max
        assert bytes_max >= 1 << 20, bytes_max
        self._span_dir = span_dir
        self._service = service
        self._rows_max = rows_max
        self._bytes_max = bytes_max
        self._connection: sqlite3.Connection | None = None
        self._lock_number: int | None = None
        self._retry_at = 0.0
        self._batches = 0
        self.path: Path | None = None
        self.faults = 0
        """Times the file could not be opened or written."""

    def write(self, rows: Sequence[SpanRow]) -> int:
        """Keep the rows in one transaction; return how many were lost (all or none)."""
        if time.monotonic() < self._retry_at:
            return len(rows)
        try:
            connection = self._connection or self._open()
            self._insert_rows(connection, rows)
            self._batches += 1
            if self._batches % RETENTION_EVERY_BATCHES == 0:
                self._drop_oldest(connection)
        except (sqlite3.Error, OSError):
            self._give_up_for_now()
            return len(rows)
        return 0

    def close(self) -> None:
        """Close the file, which folds the WAL into it, and let another process have the name."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                self.faults += 1
        lock_number, self._lock_number = self._lock_number, None
        if lock_number is not None:
            os.close(lock_number)

    def _give_up_for_now(self) -> None:
        self.faults += 1
        self.close()
        self._retry_at = time.monotonic() + RETRY_AFTER_S

    def _open(self) -> sqlite3.Connection:
        self._span_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        if self._lock_number is None:
            self.path, self._lock_number = _claim_file(self._span_dir, self._service)
        path = self.path
        assert path is not None, "A claimed file has a path."
        try:
            self._connection = _connect(path)
        except sqlite3.DatabaseError as error:
            # "file is not a database" is a DatabaseError itself; a locked or unwritable file is a subclass
            # and stays.
            if type(error) is not sqlite3.DatabaseError:
                raise
            _move_aside(path)
            self._connection = _connect(path)
        return self._connection

    def _insert_rows(self, connection: sqlite3.Connection, rows: Sequence[SpanRow]) -> None:
        connection.execute("BEGIN")
        try:
            for start in range(0, len(rows), _ROWS_PER_INSERT):
                part = rows[start : start + _ROWS_PER_INSERT]
                values = [value for row in part for value in (*row[:9], _json(row.attributes))]
                statement = _INSERT_MANY if len(part) == _ROWS_PER_INSERT else insert_statement(len(part))
                connection.execute(statement, values)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _drop_oldest(self, connection: sqlite3.Connection) -> None:
        """Keep rows and bytes below their limits; freed pages are used again, so the file stops growing."""
        first, last = connection.execute("SELECT min(seq), max(seq) FROM spans").fetchone()
        if first is None:
            return
        row_count = last - first + 1
        keep = row_count
        if row_count > self._rows_max * (100 + ROWS_SLACK_PCT) // 100:
            keep = self._rows_max
        pages, free, page_size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        used_bytes = (pages - free) * page_size
        if used_bytes > self._bytes_max:
            # Nine tenths of what would fit, so that the next batches have room.
            keep = min(keep, row_count * self._bytes_max * 9 // (used_bytes * 10))
        if keep < row_count:
            connection.execute("DELETE FROM spans WHERE seq <= ?", (last - keep,))


_json = json.JSONEncoder(separators=(",", ":")).encode


def _connect(path: Path) -> sqlite3.Connection:
    # Made first, so that it and the files beside it are not readable by everyone.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
    # Few statements are kept: one of 256 rows is large, and the last batch of each turn has a size of its own.
    connection = sqlite3.connect(path, isolation_level=None, timeout=1.0, cached_statements=8)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _claim_file(span_dir: Path, service: str) -> tuple[Path, int]:
    """Take the first file of this service that no living process holds; a killed process has let go."""
    for instance in range(1, INSTANCES_MAX + 1):
        stem = service if instance == 1 else f"{service}.{instance}"
        lock_number = os.open(span_dir / f"{stem}.spans.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if _lock(lock_number):
            return span_dir / f"{stem}{FILE_SUFFIX}", lock_number
        os.close(lock_number)
    raise OSError(
        f"{INSTANCES_MAX} processes of {service} already write spans here; give this one its own span_dir."
    )


def _lock(lock_number: int) -> bool:
    """Take the lock file for this process; False when another holds it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  (exists on Windows only)

        try:
            msvcrt.locking(lock_number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415  (exists on POSIX only)

    try:
        fcntl.flock(lock_number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _move_aside(path: Path) -> None:
    """Keep a damaged file for whoever wants to look, under one name, and start a new one."""
    os.replace(path, path.with_suffix(".damaged"))
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink(missing_ok=True)
