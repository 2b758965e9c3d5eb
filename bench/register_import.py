"""Imports a register file and, in the same run, writes the same rows with a raw `executemany`: rates side by side.

The import reads, normalises, resolves addresses, encrypts, hashes, matches by number and by strong block, audits and
stores, in a store of its own; meanwhile somebody looks people up and writes, as a check-in does. Then every row that it
stored goes into a second store of the same schema, in the same order, with nothing else done and only `executemany` and
commit on the clock; RAW_PEOPLE to a commit, which favours it, while an import's transactions are short for the sake of
check-ins. Memory is of the service's process and its workers together.

    python -m bench.register_import --people 100000
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from chassis import audit
from chassis.db import Database, Tx, migrations, open_database
from chassis.db.sqlite import connect
from chassis.db.sqlite_module import choose_sqlite
from chassis.idempotency import request_key
from chassis.lifecycle import settle_memory
from identity_svc.domain.model import IdentifierKind
from identity_svc.domain.register_file import FileFormat, Layout, guess_columns
from identity_svc.domain.register_import import RegisterImport
from identity_svc.operations.register_import import NewImport
from lienthong.identity.v1 import register_import_pb2 as pb
from tests.support.register_files import HEADER, Row, rows, write_csv
from tests.support.register_imports import (
    AS_OF,
    CREATE,
    IMPORT_TEST_QUERIES,
    STEWARD,
    RegisterImports,
)

PIECE_BYTES = 8 << 20
CHUNK_BYTES = 256 * 1024
LOOK_EVERY_S = 0.02
PEOPLE_TABLES = (
    "citizen", "demographic", "identifier", "identifier_lookup", "residence", "match_profile", "match_block_lookup",
)  # fmt: skip
FETCH = 5_000
RAW_PEOPLE = 2_000


@dataclass(slots=True)
class Watch:
    """What was seen while the import ran."""

    read_ms: list[float] = field(default_factory=list)
    write_ms: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def look_on(imports: RegisterImports, number: str, watch: Watch) -> None:
    """A patient's look-up and a small write at a steady pace, and the memory of the process with its children."""
    process = psutil.Process()
    while True:
        started = time.perf_counter()
        await imports.db.read(lambda tx: imports.identity.find(tx, IdentifierKind.CITIZEN_NUMBER, number))
        watch.read_ms.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        await imports.db.write(_small_write)
        watch.write_ms.append((time.perf_counter() - started) * 1000)
        if len(watch.read_ms) % 50 == 1:
            family = [process, *process.children(recursive=True)]
            watch.rss_mib.append(sum(each.memory_info().rss for each in family) / 2**20)
        await asyncio.sleep(LOOK_EVERY_S)


async def _small_write(tx: Tx) -> None:
    await audit.record(
        tx,
        action="bench_write",
        resource="bench/1",
        caller=STEWARD,
        outcome="ok",
        now=datetime.now(UTC),
    )


async def chunks(path: Path, offset: int) -> Any:
    """A piece of the file as a stream carries it."""
    with path.open("rb") as file:
        file.seek(offset)
        for _ in range(PIECE_BYTES // CHUNK_BYTES):
            if chunk := file.read(CHUNK_BYTES):
                yield chunk


async def run_import(imports: RegisterImports, path: Path, *, sha: str, size: int) -> RegisterImport:
    """Import a file as the command line does, piece by piece."""
    new = NewImport(
        layout=Layout(file_format=FileFormat.CSV, columns=guess_columns(HEADER)),
        file_sha256=sha,
        size_bytes=size,
        source_name="bench",
        as_of_date=AS_OF,
        facility_code="",
    )
    request = pb.CreateImportRequest(request_id=str(uuid.uuid4()), file_sha256=sha)
    run = await imports.imports.create(new, key=request_key(CREATE, request, STEWARD), caller=STEWARD)
    while not run.state.is_ended:
        run = await imports.append(
            run.import_id, offset=run.next_offset, chunks=chunks(path, run.next_offset), caller=STEWARD
        )
        print(f"  {run.counts.rows:>9,} rows  {run.rows_per_second:>8,.0f} rows/s", file=sys.stderr)
    return run


class Source:
    """The rows of one table of the imported store, person by person."""

    def __init__(self, path: Path, table: str, order: str) -> None:
        sqlite = choose_sqlite()
        self._connection = sqlite.connect(f"file:{path}?mode=ro", uri=True)
        # Sorted on disk: the sort of a large table is not to count as memory, nor on any clock.
        self._connection.execute("PRAGMA temp_store = FILE")
        self._cursor = self._connection.execute(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608  # a fixed name
        self.columns = [column[0] for column in self._cursor.description]
        self._place = self.columns.index(order) if order in self.columns else 0
        marks = ", ".join("?" * len(self.columns))
        self.sql = f"INSERT INTO {table} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608  # as above
        self._held: list[tuple[Any, ...]] = []

    def up_to(self, key: str) -> list[tuple[Any, ...]]:
        """The rows whose key is not behind this one."""
        found: list[tuple[Any, ...]] = []
        while True:
            self._held = self._held or self._cursor.fetchmany(FETCH)
            if not self._held:
                return found
            if self._held[-1][self._place] <= key:
                found += self._held
                self._held = []
                continue
            cut = next(at for at, row in enumerate(self._held) if row[self._place] > key)
            found += self._held[:cut]
            self._held = self._held[cut:]
            return found

    def take(self, count: int) -> list[tuple[Any, ...]]:
        """The next rows, however many there are."""
        return list(self._cursor.fetchmany(count))


def run_raw(source: Path, target: Path) -> tuple[int, float]:
    """Write every row of the people and the audit of `source` into `target`; give the rows and the seconds it took."""
    tables = {name: Source(source, name, "citizen_id") for name in PEOPLE_TABLES[1:]}
    people = Source(source, "citizen", "citizen_id")
    trail = Source(source, "audit_log", "seq")
    rejects = Source(source, "register_import_reject", "row_number")
    connection = connect(choose_sqlite(), target)
    connection.execute("PRAGMA foreign_keys = OFF")  # rejects refer to an import that is not copied
    written, spent_s = 0, 0.0
    while batch := people.take(RAW_PEOPLE):
        lot = [(people.sql, batch)]
        lot += [(each.sql, each.up_to(batch[-1][0])) for each in tables.values()]
        lot += [(trail.sql, trail.take(RAW_PEOPLE)), (rejects.sql, rejects.take(RAW_PEOPLE // 20))]
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in lot:
            connection.executemany(sql, values)
        connection.execute("COMMIT")
        spent_s += time.perf_counter() - started
        written += sum(len(values) for _, values in lot)
    connection.close()
    return written, spent_s


async def opened(url: str) -> Database:
    """A fresh store at the head of the migrations."""
    await migrations.upgrade(url, package="identity_svc")
    return await open_database(url, queries=IMPORT_TEST_QUERIES, package="identity_svc")


def made(people: int, seed: int) -> Iterator[Row]:
    """The file's people, with the dirt of real lists."""
    return rows(people, seed=seed)


async def bench(people: int, workers: int, seed: int, folder: Path) -> None:
    """Run both and print them."""
    path = folder / "register.csv"
    sha, size = write_csv(path, made(people, seed))
    print(
        f"{people:,} people, {size / 2**20:,.0f} MiB, seed {seed}, {workers} worker processes",
        file=sys.stderr,
    )
    url = f"sqlite:///{folder}/import.db"
    db = await opened(url)
    imports = RegisterImports(db, folder, worker_count=workers)
    settle_memory()  # as a service does when it starts
    watch = Watch()
    number = next(row.cells[1] for row in made(1_000, seed) if row.kind == "clean")
    watcher = asyncio.create_task(look_on(imports, number, watch))
    started = time.perf_counter()
    run = await run_import(imports, path, sha=sha, size=size)
    import_s = time.perf_counter() - started
    watcher.cancel()
    await imports.close()
    await db.close()
    await (await opened(f"sqlite:///{folder}/raw.db")).close()
    written, raw_s = await asyncio.to_thread(run_raw, folder / "import.db", folder / "raw.db")
    tell(run, watch, import_s=import_s, raw_s=raw_s, written=written)


def tell(run: RegisterImport, watch: Watch, *, import_s: float, raw_s: float, written: int) -> None:
    """Print the figures as a Markdown table."""
    count = run.counts.rows
    half = len(watch.rss_mib) // 2
    print("| figure | value |\n|---|---|")
    print(f"| import | {count / import_s:,.0f} people/s ({import_s:,.1f} s) |")
    print(
        f"| raw executemany of the same {written:,} rows | {count / raw_s:,.0f} people/s ({raw_s:,.1f} s) |"
    )
    print(f"| import to raw | {raw_s / import_s:.2f} (bar: at least 0.20) |")
    print(f"| rows for a person | {written / count:.1f} |")
    print(
        f"| memory, first half / second half of the run, peak | {max(watch.rss_mib[: half + 1]):,.0f} / "
        f"{max(watch.rss_mib[half:]):,.0f} MiB |"
    )
    print(
        f"| look-up during the import | p50 {percentile(watch.read_ms, 0.5):.1f} ms, "
        f"p99 {percentile(watch.read_ms, 0.99):.1f} ms |"
    )
    print(
        f"| small write during the import | p50 {percentile(watch.write_ms, 0.5):.1f} ms, "
        f"p99 {percentile(watch.write_ms, 0.99):.1f} ms |"
    )
    print(f"| what it did | {run.counts} |")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000, help="rows of the file, at most 2,000,000")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare rows")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the stores are made; a temporary folder"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        asyncio.run(bench(chosen.people, chosen.workers, chosen.seed, Path(folder)))


if __name__ == "__main__":
    main()
