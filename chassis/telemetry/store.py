"""Reads the span files of a directory together: finds traces, and puts one trace together from all services.

Each file is opened read-only and closed again; one that is missing, locked or damaged is named in
`unreadable`, and the rest is shown.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from chassis.errors import AppError, Kind
from chassis.telemetry.records import SpanRow
from chassis.telemetry.span_store import COLUMNS, FILE_SUFFIX

PAGE_SIZE_MAX = 500
SPANS_OF_TRACE_MAX = 10_000
FILES_MAX = 256
SCAN_ROWS_MAX = 20_000
"""Rows of one file a search looks at; the newest."""
PREFIX_LENGTH_MIN = 4
READ_TIMEOUT_S = 0.5
_PREFIX = re.compile(r"[0-9a-f]{4,32}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Order = Literal["newest", "slowest"]
T = TypeVar("T")


class TracePrefixInvalid(AppError):
    """What was asked for is not the beginning of a trace id."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TRACE_PREFIX_INVALID"
    vi = "Mã dấu vết không hợp lệ; hãy nhập ít nhất 4 ký tự đầu (0-9, a-f)."

    def __init__(self) -> None:
        super().__init__(f"A trace id is 32 hex digits; give at least its first {PREFIX_LENGTH_MIN}.")


class TracePrefixAmbiguous(AppError):
    """Several traces begin like this."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TRACE_PREFIX_AMBIGUOUS"
    vi = "Có nhiều dấu vết bắt đầu như vậy; hãy nhập thêm ký tự."

    def __init__(self, trace_ids: tuple[str, ...]) -> None:
        super().__init__("Several traces begin like this; give more digits: " + ", ".join(trace_ids))
        self.trace_ids = trace_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableFile:
    """A span file that was left out."""

    file_name: str
    why: str
    """The kind of SQLite's error, such as "DatabaseError"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """One line of a list of traces."""

    trace_id: str
    start_time: datetime
    """UTC, of its earliest span."""
    duration_ms: float
    """From its earliest start to its latest end."""
    service: str
    """Of its first root span."""
    name: str
    status: str
    """Of its first root span: ok, error or cancelled."""
    span_count: int
    error_count: int
    services: tuple[str, ...]
    """In order of their first span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEdge:
    """How often one service called another, for the service map."""

    caller: str
    callee: str
    call_count: int
    error_count: int
    mean_ms: float
    """Mean duration of the callee's server spans."""


class SpanReader:
    """Reads all `*.spans.sqlite` of one directory; cheap to make, one for each question asked."""

    def __init__(self, span_dir: Path) -> None:
        self._span_dir = Path(span_dir)
        self._unreadable: dict[str, UnreadableFile] = {}

    @property
    def unreadable(self) -> tuple[UnreadableFile, ...]:
        """The files left out of what this reader has answered, by name."""
        return tuple(self._unreadable[name] for name in sorted(self._unreadable))

    def files(self) -> list[Path]:
        """The span files there are now, at most 256, by name."""
        return sorted(self._span_dir.glob(f"*{FILE_SUFFIX}"))[:FILES_MAX]

    def trace(self, trace_id: str) -> list[SpanRow]:
        """All spans of one trace, by start; [] when no file has one.

        Args:
            trace_id: 32 hex digits, or at least the first 4 of them.
        Raises:
            TracePrefixInvalid: not hex, or too short.
            TracePrefixAmbiguous: several traces begin like this.
        """
        prefix = trace_id.strip().lower().replace("-", "")
        if _PREFIX.fullmatch(prefix) is None:
            raise TracePrefixInvalid
        if len(prefix) < 32:
            found = sorted(
                {found for _, ids in self._each(lambda db: _ids_of_prefix(db, prefix)) for found in ids}
            )
            if not found:
                return []
            if len(found) > 1:
                raise TracePrefixAmbiguous(tuple(found[:5]))
            prefix = found[0]
        spans = [row for _, rows in self._each(lambda db: _spans_of(db, prefix)) for row in rows]
        return sorted(spans, key=lambda row: (row.start_ns, row.span_id))

    def find_traces(
        self,
        *,
        service: str | None = None,
        name: str | None = None,
        status: str | None = None,
        min_duration_ms: float | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: Order = "newest",
        page_size: int = 50,
    ) -> list[TraceSummary]:
        """List traces by the spans that match; the newest 20,000 spans of each file are looked at.

        Args:
            service: A span of this service matches.
            name: A span whose name holds this text matches.
            status: "error" finds traces with a failed span anywhere; "ok" and "cancelled" match their first
                span.
            min_duration_ms: The matching span took at least this long.
            since: Matching spans started at or after this moment.
            until: Matching spans started before this moment.
            order: "newest", or "slowest" by the matching span's duration.
            page_size: 1 to 500.
        """
        assert 1 <= page_size <= PAGE_SIZE_MAX, page_size
        statement, values = _search(service, name, status, min_duration_ms, since, until, order, page_size)
        best: dict[str, tuple[int, int]] = {}
        for _, hits in self._each(lambda db: db.execute(statement, values).fetchall()):
            for trace_id, start_ns, duration_ns in hits:
                known = best.get(trace_id, (0, 0))
                best[trace_id] = (max(known[0], start_ns), max(known[1], duration_ns))
        place = 0 if order == "newest" else 1
        chosen = sorted(best, key=lambda trace_id: (best[trace_id][place], trace_id), reverse=True)[
            :page_size
        ]
        spans: dict[str, list[SpanRow]] = {trace_id: [] for trace_id in chosen}
        for _, rows in self._each(lambda db: [row for trace_id in chosen for row in _spans_of(db, trace_id)]):
            for row in rows:
                spans[row.trace_id].append(row)
        return [summarise(rows) for rows in spans.values() if rows]

    def service_map(self, *, since: datetime | None = None) -> list[ServiceEdge]:
        """Who called whom: server spans whose parent is a span of another service, by caller and callee."""
        since_ns = 0 if since is None else _to_ns(since)
        service_of: dict[str, str] = {}
        served: list[tuple[str, str, str, int]] = []
        for _, rows in self._each(lambda db: db.execute(_EDGES, (since_ns, SCAN_ROWS_MAX)).fetchall()):
            for span_id, parent_id, span_service, kind, status, duration_ns in rows:
                service_of[span_id] = span_service
                if kind in ("server", "consumer") and parent_id:
                    served.append((parent_id, span_service, status, duration_ns))
        sums: dict[tuple[str, str], list[int]] = {}
        for parent_id, callee, status, duration_ns in served:
            caller = service_of.get(parent_id)
            if caller is None or caller == callee:
                continue
            entry = sums.setdefault((caller, callee), [0, 0, 0])
            entry[0] += 1
            entry[1] += status == "error"
            entry[2] += duration_ns
        return [
            ServiceEdge(
                caller=caller,
                callee=callee,
                call_count=calls,
                error_count=errors,
                mean_ms=total_ns / calls / 1e6,
            )
            for (caller, callee), (calls, errors, total_ns) in sorted(sums.items())
        ]

    def _each(self, read: Callable[[sqlite3.Connection], T]) -> Iterable[tuple[Path, T]]:
        """Ask each file; name those that cannot answer."""
        if not self._span_dir.is_dir():
            self._left_out(self._span_dir.name, "no such directory")
            return
        for path in self.files():
            try:
                with closing(_open_to_read(path)) as connection:
                    answer = read(connection)
            except (sqlite3.Error, OSError, ValueError, UnicodeError) as error:
                self._left_out(path.name, type(error).__name__)
                continue
            yield path, answer

    def _left_out(self, file_name: str, why: str) -> None:
        self._unreadable[file_name] = UnreadableFile(file_name=file_name, why=why)


def summarise(rows: list[SpanRow]) -> TraceSummary:
    """Sum one trace's spans up in a line; at least one span, in any order."""
    assert rows, "A trace has a span."
    ordered = sorted(rows, key=lambda row: (row.start_ns, row.span_id))
    first = next((row for row in ordered if not row.parent_id), ordered[0])
    start_ns = ordered[0].start_ns
    end_ns = max(row.start_ns + row.duration_ns for row in ordered)
    return TraceSummary(
        trace_id=first.trace_id,
        start_time=_EPOCH + timedelta(microseconds=start_ns // 1000),
        duration_ms=(end_ns - start_ns) / 1e6,
        service=first.service,
        name=first.name,
        status=first.status,
        span_count=len(ordered),
        error_count=sum(row.status == "error" for row in ordered),
        services=tuple(dict.fromkeys(row.service for row in ordered)),
    )


_EDGES = """
SELECT span_id, parent_id, service, kind, status, duration_ns FROM spans
WHERE start_ns >= ? ORDER BY seq DESC LIMIT ?
"""


def _search(  # noqa: PLR0917
    service: str | None,
    name: str | None,
    status: str | None,
    min_duration_ms: float | None,
    since: datetime | None,
    until: datetime | None,
    order: Order,
    page_size: int,
) -> tuple[str, list[str | int]]:
    """The statement that finds matching traces in one file: fixed pieces joined, every value bound."""
    values: list[str | int] = []
    # "Anywhere" searches look at all spans, the others at the first spans of traces, for which there is an
    # index.
    if status == "error":
        source = "SELECT * FROM spans WHERE status = 'error' ORDER BY start_ns DESC LIMIT ?"
    elif service is None and name is None:
        source = "SELECT * FROM spans WHERE parent_id = '' ORDER BY start_ns DESC LIMIT ?"
    else:
        source = "SELECT * FROM spans ORDER BY seq DESC LIMIT ?"
    values.append(SCAN_ROWS_MAX)
    wanted = ["1"]
    conditions: list[tuple[str, str | int | None]] = [
        ("service = ?", service),
        ("instr(name, ?) > 0", name),
        ("status = ?", status),
        ("duration_ns >= ?", None if min_duration_ms is None else int(min_duration_ms * 1e6)),
        ("start_ns >= ?", None if since is None else _to_ns(since)),
        ("start_ns < ?", None if until is None else _to_ns(until)),
    ]
    for condition, value in conditions:
        if value is not None:
            wanted.append(condition)
            values.append(value)
    rank = "max(start_ns)" if order == "newest" else "max(duration_ns)"
    values.append(page_size)
    statement = (
        f"SELECT trace_id, max(start_ns), max(duration_ns) FROM ({source}) "  # noqa: S608
        f"WHERE {' AND '.join(wanted)} GROUP BY trace_id ORDER BY {rank} DESC LIMIT ?"
    )
    return statement, values


def _open_to_read(path: Path) -> sqlite3.Connection:
    # mode=ro cannot write the database, and so cannot checkpoint: the file keeps its one writer.
    return sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None, timeout=READ_TIMEOUT_S
    )


def _ids_of_prefix(connection: sqlite3.Connection, prefix: str) -> list[str]:
    # "g" comes after every hex digit, so the index finds the range.
    found = connection.execute(
        "SELECT DISTINCT trace_id FROM spans WHERE trace_id >= ? AND trace_id < ? LIMIT 6",
        (prefix, prefix + "g"),
    )
    return [trace_id for (trace_id,) in found]


def _spans_of(connection: sqlite3.Connection, trace_id: str) -> list[SpanRow]:
    found = connection.execute(
        f"SELECT {COLUMNS} FROM spans WHERE trace_id = ? ORDER BY start_ns LIMIT ?",  # noqa: S608
        (trace_id, SPANS_OF_TRACE_MAX),
    )
    return [SpanRow._make((*row[:-1], json.loads(row[-1]))) for row in found]


def _to_ns(moment: datetime) -> int:
    assert moment.tzinfo is not None, "A moment has a zone."
    since_epoch = moment - _EPOCH
    return (
        since_epoch.days * 86_400 + since_epoch.seconds
    ) * 1_000_000_000 + since_epoch.microseconds * 1_000
