"""The local span store: what is written is read back, from all services together, within its limits."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis.telemetry import SpanRow, Telemetry, continue_from
from chassis.telemetry.span_store import RETENTION_EVERY_BATCHES, SpanFile
from chassis.telemetry.store import SpanReader, TracePrefixAmbiguous, TracePrefixInvalid

START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def row(
    trace: int,
    span: int = 1,
    *,
    parent: int = 0,
    service: str = "identity",
    name: str = "identity.VerifyCard",
    kind: str = "server",
    start_ms: int = 0,
    duration_ms: int = 10,
    status: str = "ok",
) -> SpanRow:
    return SpanRow(
        f"{trace:032x}", f"{span:016x}", f"{parent:016x}" if parent else "", service, name, kind,
        START_NS + start_ms * 1_000_000, duration_ms * 1_000_000, status, {"rows": 1},
    )  # fmt: skip


def write(span_dir: Path, service: str, rows: list[SpanRow]) -> None:
    file = SpanFile(span_dir, service, rows_max=1_000_000, bytes_max=1 << 28)
    assert file.write(rows) == 0
    file.close()


def test_trace_of_three_services_is_put_together(tmp_path: Path) -> None:
    # given three services, each with its own file, one calling the next
    services = [Telemetry(name, tmp_path) for name in ("gateway", "emr", "identity")]
    parent = ""
    for telemetry in services:
        with continue_from(parent), telemetry.span(f"{telemetry.service}.Call", kind="server") as span:
            span.set("rows", 2)
            parent = span.traceparent()
    for telemetry in services:
        telemetry.close()
    # when
    rows = SpanReader(tmp_path).trace(parent[3:35])
    # then
    assert [each.service for each in rows] == ["gateway", "emr", "identity"]
    assert [each.parent_id for each in rows] == ["", rows[0].span_id, rows[1].span_id]
    assert all(each.attributes == {"rows": 2} for each in rows)
    assert sorted(path.name for path in SpanReader(tmp_path).files()) == [
        "emr.spans.sqlite", "gateway.spans.sqlite", "identity.spans.sqlite",
    ]  # fmt: skip


def test_row_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [row(1, number, parent=number - 1) for number in range(1, 200)]
    write(tmp_path, "identity", rows)
    assert SpanReader(tmp_path).trace(f"{1:032x}") == rows


def test_beginning_of_a_trace_id_is_enough(tmp_path: Path) -> None:
    one, other = 0xABCD << 112, 0xABCE << 112
    write(tmp_path, "identity", [row(one)])
    write(tmp_path, "emr", [row(other, service="emr")])
    reader = SpanReader(tmp_path)
    assert [each.trace_id for each in reader.trace("ABCD")] == [f"{one:032x}"]
    assert reader.trace("abcf") == []
    write(tmp_path, "emr", [row(one + 1, service="emr")])
    with pytest.raises(TracePrefixAmbiguous) as caught:
        reader.trace("abcd")
    assert caught.value.trace_ids == (f"{one:032x}", f"{one + 1:032x}")
    for bad in ("abc", "xyz1", "", "a" * 33, "%%%%"):
        with pytest.raises(TracePrefixInvalid):
            reader.trace(bad)


def test_search_finds_errors_slow_ones_and_times(tmp_path: Path) -> None:
    write(
        tmp_path,
        "gateway",
        [
            row(n, service="gateway", name=f"gateway.M{n}", start_ms=n * 1000, duration_ms=n)
            for n in range(1, 6)
        ],
    )
    write(
        tmp_path,
        "emr",
        [row(2, 7, parent=1, service="emr", name="emr.OpenVisit", start_ms=2001, status="error")],
    )
    reader = SpanReader(tmp_path)

    def found(**filters: object) -> list[int]:
        return [int(trace.trace_id, 16) for trace in reader.find_traces(**filters)]  # type: ignore[arg-type]  # by name

    assert found() == [5, 4, 3, 2, 1]
    assert found(page_size=2) == [5, 4]
    assert found(status="error") == [2]
    assert found(service="emr") == [2]
    assert found(name="OpenVisit") == [2]
    assert found(name="M4") == [4]
    assert found(min_duration_ms=4) == [5, 4]
    assert found(order="slowest", page_size=1) == [5]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert found(since=start + timedelta(seconds=2), until=start + timedelta(seconds=4)) == [3, 2]
    assert found(name="' OR 1=1 --") == []


def test_summary_tells_the_whole_trace(tmp_path: Path) -> None:
    write(tmp_path, "gateway", [row(1, 1, service="gateway", name="gateway.CheckIn", duration_ms=50)])
    write(tmp_path, "emr", [row(1, 2, parent=1, service="emr", start_ms=10, duration_ms=60, status="error")])
    (summary,) = SpanReader(tmp_path).find_traces()
    assert summary.start_time == datetime(2026, 1, 1, tzinfo=UTC)
    assert (summary.service, summary.name, summary.status) == ("gateway", "gateway.CheckIn", "ok")
    assert (summary.duration_ms, summary.span_count, summary.error_count) == (70.0, 2, 1)
    assert summary.services == ("gateway", "emr")


def test_service_map_counts_calls_between_services(tmp_path: Path) -> None:
    write(
        tmp_path,
        "gateway",
        [row(1, 1, service="gateway"), row(1, 2, parent=1, service="gateway", kind="client")],
    )
    served = [
        row(1, 3, parent=2, service="emr"),
        row(1, 4, parent=2, service="emr", status="error", duration_ms=20),
    ]
    write(tmp_path, "emr", [*served, row(1, 5, parent=3, service="emr", kind="db")])
    (edge,) = SpanReader(tmp_path).service_map()
    assert (edge.caller, edge.callee, edge.call_count, edge.error_count, edge.mean_ms) == (
        "gateway",
        "emr",
        2,
        1,
        15.0,
    )


def test_damaged_locked_and_foreign_files_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    # given one good file, and one of each kind of bad
    write(tmp_path, "identity", [row(1)])
    (tmp_path / "emr.spans.sqlite").write_bytes(b"not a database at all" * 100)
    sqlite3.connect(tmp_path / "empty.spans.sqlite").close()
    (tmp_path / "gone.spans.sqlite").symlink_to(tmp_path / "nowhere")
    locked = sqlite3.connect(tmp_path / "locked.spans.sqlite", isolation_level=None)
    locked.execute("CREATE TABLE spans (a)")
    locked.execute("BEGIN EXCLUSIVE")
    # when
    reader = SpanReader(tmp_path)
    rows = reader.trace(f"{1:032x}")
    # then
    assert len(rows) == 1
    assert [(each.file_name, each.why) for each in reader.unreadable] == [
        ("empty.spans.sqlite", "OperationalError"),
        ("emr.spans.sqlite", "DatabaseError"),
        ("gone.spans.sqlite", "OperationalError"),
        ("locked.spans.sqlite", "OperationalError"),
    ]
    assert len(reader.find_traces()) == 1
    locked.close()


def test_missing_directory_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    reader = SpanReader(tmp_path / "spans")
    assert reader.trace("abcd") == []
    assert reader.find_traces() == []
    assert reader.service_map() == []
    assert [each.file_name for each in reader.unreadable] == ["spans"]
    assert not (tmp_path / "spans").exists()


def test_reader_changes_nothing_while_the_writer_writes(tmp_path: Path) -> None:
    file = SpanFile(tmp_path, "identity", rows_max=1_000, bytes_max=1 << 20)
    reader = SpanReader(tmp_path)
    for number in range(1, 50):
        assert file.write([row(1, number)]) == 0
        assert len(reader.trace(f"{1:032x}")) == number
    assert reader.unreadable == ()
    file.close()


def test_oldest_rows_go_when_there_are_too_many(tmp_path: Path) -> None:
    file = SpanFile(tmp_path, "identity", rows_max=1_000, bytes_max=1 << 28)
    for batch in range(RETENTION_EVERY_BATCHES):
        assert file.write([row(batch + 1, number, start_ms=batch) for number in range(1, 101)]) == 0
    file.close()
    reader = SpanReader(tmp_path)
    kept = [len(reader.trace(f"{batch + 1:032x}")) for batch in range(RETENTION_EVERY_BATCHES)]
    assert sum(kept) == 1_000
    assert kept[-10:] == [100] * 10


def test_file_stops_growing_at_its_limit(tmp_path: Path) -> None:
    file = SpanFile(tmp_path, "identity", rows_max=1_000_000, bytes_max=1 << 20)
    sizes = []
    for batch in range(1, 6 * RETENTION_EVERY_BATCHES + 1):
        assert file.write([row(batch, number, start_ms=batch) for number in range(1, 257)]) == 0
        if batch % RETENTION_EVERY_BATCHES == 0:
            assert file.path is not None
            sizes.append(file.path.stat().st_size)
    file.close()
    # One round of batches (1.5 MB here) may stand above the limit before it is looked at again.
    assert max(sizes) < 3 << 20
    assert sizes[-1] < 1.05 * max(sizes[:3])
    assert SpanReader(tmp_path).trace(f"{6 * RETENTION_EVERY_BATCHES:032x}")


def test_second_process_of_a_service_takes_its_own_file(tmp_path: Path) -> None:
    first = SpanFile(tmp_path, "identity", rows_max=1_000, bytes_max=1 << 20)
    second = SpanFile(tmp_path, "identity", rows_max=1_000, bytes_max=1 << 20)
    first.write([row(1, 1)])
    second.write([row(1, 2)])
    assert first.path == tmp_path / "identity.spans.sqlite"
    assert second.path == tmp_path / "identity.2.spans.sqlite"
    assert len(SpanReader(tmp_path).trace(f"{1:032x}")) == 2
    # when the first ends, its file is free for the next one, with what is in it
    first.close()
    third = SpanFile(tmp_path, "identity", rows_max=1_000, bytes_max=1 << 20)
    third.write([row(1, 3)])
    assert third.path == tmp_path / "identity.spans.sqlite"
    assert len(SpanReader(tmp_path).trace(f"{1:032x}")) == 3
    second.close()
    third.close()


def test_damaged_file_is_moved_aside_by_its_own_writer(tmp_path: Path) -> None:
    (tmp_path / "identity.spans.sqlite").write_bytes(b"not a database at all" * 100)
    write(tmp_path, "identity", [row(1)])
    assert len(SpanReader(tmp_path).trace(f"{1:032x}")) == 1
    assert (tmp_path / "identity.spans.damaged").read_bytes().startswith(b"not a database")


def test_files_are_not_for_everyone(tmp_path: Path) -> None:
    file = SpanFile(tmp_path / "spans", "identity", rows_max=1_000, bytes_max=1 << 20)
    file.write([row(1)])
    modes = {path.name: path.stat().st_mode & 0o007 for path in (tmp_path / "spans").iterdir()}
    assert set(modes.values()) == {0}
    assert "identity.spans.sqlite-wal" in modes
    file.close()


def test_spans_appear_without_a_flush(tmp_path: Path) -> None:
    telemetry = Telemetry("identity", tmp_path)
    with telemetry.span("call") as span:
        pass
    deadline = time.monotonic() + 5
    while not (rows := SpanReader(tmp_path).trace(span.trace_id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(rows) == 1
    telemetry.close()


def test_full_queue_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    # given a queue whose thread cannot write, because its sink waits
    import threading

    class Stuck:
        def __init__(self) -> None:
            self.go = threading.Event()
            self.rows: list[SpanRow] = []

        def write(self, rows: list[SpanRow]) -> int:
            self.go.wait(10)
            self.rows += rows
            return 0

        def close(self) -> None:
            pass

    sink = Stuck()
    telemetry = Telemetry("identity", queue_limit=512, sink=sink)  # type: ignore[arg-type]  # takes lists only
    with telemetry.span("first"):
        pass
    time.sleep(0.4)  # the thread has taken the first one and waits
    for number in range(1_000):
        with telemetry.span(f"call.{number}"):
            pass
    # when
    sink.go.set()
    assert telemetry.flush()
    # then
    assert [each.name for each in sink.rows] == ["first"] + [f"call.{number}" for number in range(488, 1_000)]
    assert telemetry.counts.dropped == 488
    telemetry.close()


def test_sink_that_breaks_loses_its_spans_and_nothing_else(tmp_path: Path) -> None:
    class Broken:
        def write(self, rows: object) -> int:
            raise RuntimeError("099204012345")

        def close(self) -> None:
            pass

    telemetry = Telemetry("identity", tmp_path, sink=Broken())
    for _ in range(3):
        with telemetry.span("call") as span:
            pass
        assert telemetry.flush()
    assert telemetry.counts.dropped == 3
    assert len(SpanReader(tmp_path).trace(span.trace_id)) == 1
    telemetry.close()


def test_forked_child_writes_its_own_file(tmp_path: Path) -> None:
    # given a program with spans, running in a process of its own since a fork copies only one thread
    program = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from chassis.telemetry import Telemetry
        telemetry = Telemetry("identity", Path(sys.argv[1]))
        with telemetry.span("parent", trace_id=1):
            pass
        assert telemetry.flush()
        child = os.fork()
        with telemetry.span("after.fork", trace_id=1):
            pass
        telemetry.close()
        if child:
            os.waitpid(child, 0)
        """
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True, timeout=30)
    reader = SpanReader(tmp_path)
    assert sorted(each.name for each in reader.trace(f"{1:032x}")) == ["after.fork", "after.fork", "parent"]
    assert len(reader.files()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_process_loses_a_quarter_second_and_damages_nothing(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from chassis.telemetry import Telemetry
        telemetry = Telemetry("identity", Path(sys.argv[1]))
        number = 0
        while True:
            number += 1
            with telemetry.span("call", trace_id=1, rows=number):
                pass
            print(number, time.time_ns(), flush=True)
            time.sleep(0.001)
        """
    )
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(500)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        killed_ns = int(lines[-1].split()[1])
        reader = SpanReader(tmp_path)
        last_ns = max(each.start_ns for each in reader.trace(f"{1:032x}"))
        assert reader.unreadable == ()
        # a quarter of a second, and as much again for a machine with other work
        assert killed_ns - last_ns < 500_000_000
    assert [path.name for path in SpanReader(tmp_path).files()] == ["identity.spans.sqlite"]
    connection = sqlite3.connect(tmp_path / "identity.spans.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
