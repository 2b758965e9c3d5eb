"""Measures what grouped commits buy: the same writes grouped, one by one, and the bare disk, in one run.

    python -m bench.commit [--seconds 1.5] [--rounds 3] [--write frame] [--sync-ms 0] [--check]

A write is what each operation does around its effect (an idempotency key, an outbox row, an audit row), or with
--write row one row alone, which shows the commit and little else. Rounds are interleaved and medians told, because a
shared machine drifts; the ratio counts, not the rates.
--sync-ms adds a wait to every commit, single or grouped, as a slower disk would: 5 is a consumer's.
With --check the exit status is 1 where grouped is below 5 times single at 64 writers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis import audit, outbox
from chassis.clock import SystemIds
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database, Tx, migrations, open_database, sqlite
from chassis.db.schema_text import for_engine, statements
from chassis.db.sqlite_module import choose_sqlite
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller

WRITERS = (1, 16, 64)
TARGET_RATIO = 5.0
IDS = SystemIds()
CALLER = Caller(subject="bench", roles=frozenset({"CLERK"}))


def raw_disk(folder: Path, seconds: float) -> float:
    """4 kB writes with fdatasync, per second: what one commit cannot beat."""
    descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT, 0o600)
    block, count, end = os.urandom(4096), 0, time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            count += 1
    finally:
        os.close(descriptor)
    return count / seconds


def slow_down_commits(seconds: float) -> None:
    """Let every commit of this process take longer, as on a disk that syncs slowly."""
    commit = sqlite.SqliteDatabase._commit

    def slow(*arguments: Any) -> Any:  # Any: whatever _commit takes and gives
        time.sleep(seconds)
        return commit(*arguments)

    sqlite.SqliteDatabase._commit = slow  # type: ignore[assignment, method-assign]


async def one_write(db: Database, cipher: FieldCipher) -> None:
    """The frame around an effect, as every operation has it."""
    # Ids in order of time, as our clients make them: random ones dirty 3.3 times the pages (3.5 to 1.05 a write).
    request_id, now = IDS.new(), datetime.now(UTC)
    key = RequestKey(
        method="bench", request_id=request_id, fingerprint=bytes(32), subject="bench", create_time=now
    )

    async def work(tx: Tx) -> str:
        if (done := await recall(tx, key)) is not None:
            return done
        await outbox.put(
            tx,
            destination="bench",
            order_key=request_id,
            payload=bytes(200),
            message_id=request_id,
            now=now,
            cipher=cipher,
            traceparent="",
        )
        await audit.record(tx, action="bench", resource="bench", caller=CALLER, outcome="ok", now=now)
        await remember(tx, key, request_id)
        return request_id

    await db.write(work)


async def one_row(db: Database, _: FieldCipher) -> None:
    """The smallest write there is: one row, so that the commit is most of it."""
    key = RequestKey(
        method="bench",
        request_id=IDS.new(),
        fingerprint=bytes(32),
        subject="bench",
        create_time=datetime.now(UTC),
    )
    await db.write(lambda tx: recall(tx, key, result="done"))


WRITES: dict[str, Callable[[Database, FieldCipher], Awaitable[None]]] = {"frame": one_write, "row": one_row}


async def writes_per_s(
    folder: Path, cipher: FieldCipher, *, write: str, writers: int, group_max: int, seconds: float
) -> float:
    """Committed writes per second of a number of callers, on a fresh file."""
    path = folder / f"{IDS.new()}.db"
    connection = sqlite.connect(choose_sqlite(), path)
    for statement in statements(migrations.FRAME_SQL.read_text(encoding="utf-8")):
        connection.execute(for_engine(statement, "sqlite"))
    connection.close()
    sqlite.GROUP_MAX = group_max
    db = await open_database(f"sqlite:///{path}", queries=())
    count, begin = 0, time.perf_counter()

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() - begin < seconds:
            await WRITES[write](db, cipher)
            count += 1

    await asyncio.gather(*[caller() for _ in range(writers)])
    elapsed_s = time.perf_counter() - begin
    await db.close()
    path.unlink()
    return count / elapsed_s


async def measure(write: str, seconds: float, rounds: int) -> dict[int, float]:
    """Print the table and return the ratio of grouped to single by number of writers."""
    rates: dict[tuple[int, str], list[float]] = {}
    disk: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate_key_file(folder / "keys.json")
        cipher = FieldCipher(KeyRing.from_file(folder / "keys.json"))
        for _ in range(rounds):
            disk.append(raw_disk(folder, seconds / 3))
            for writers in WRITERS:
                for mode, group_max in (("single", 1), ("grouped", 128)):
                    rate = await writes_per_s(
                        folder, cipher, write=write, writers=writers, group_max=group_max, seconds=seconds
                    )
                    rates.setdefault((writers, mode), []).append(rate)
    disk_rate = statistics.median(disk)
    sys.stdout.write(
        f"raw disk, 4 kB + fdatasync: {disk_rate:,.0f}/s\nwriters  single/s  grouped/s  ratio  to disk\n"
    )
    ratios: dict[int, float] = {}
    for writers in WRITERS:
        single, grouped = (statistics.median(rates[writers, mode]) for mode in ("single", "grouped"))
        # The two of a round ran one after the other, so their ratio drifts least.
        pairs = zip(rates[writers, "grouped"], rates[writers, "single"], strict=True)
        ratios[writers] = statistics.median(one / other for one, other in pairs)
        sys.stdout.write(
            f"{writers:7d}  {single:8,.0f}  {grouped:9,.0f}  {ratios[writers]:5.2f}  {grouped / disk_rate:7.2f}\n"
        )
    return ratios


def main() -> int:
    """Run from the command line; the exit status is the check's."""
    parser = argparse.ArgumentParser(description="Grouped commits against single ones.")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds")
    parser.add_argument("--write", choices=sorted(WRITES), default="frame", help="what one write is")
    parser.add_argument("--sync-ms", type=float, default=0.0, help="what a slower disk adds to each commit")
    parser.add_argument("--check", action="store_true", help="fail below the target ratio")
    options = parser.parse_args()
    if options.sync_ms:
        slow_down_commits(options.sync_ms / 1000)
    ratios = asyncio.run(measure(options.write, options.seconds, options.rounds))
    return int(options.check and ratios[WRITERS[-1]] < TARGET_RATIO)


if __name__ == "__main__":
    sys.exit(main())
