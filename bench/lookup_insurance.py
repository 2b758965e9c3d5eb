"""Fills insurance's tables with made-up coverages and reads the newest of a visit as GetCoverage does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from bench.lookup_identity import BATCH, TIME, citizen_id_of
from chassis.clock import SystemClock
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database, Tx, migrations, open_database
from chassis.rpc.context import Caller
from insurance_svc.domain.finding import SELF_PAY
from insurance_svc.operations.read_coverage import ReadCoverage
from insurance_svc.store import records
from insurance_svc.store.store import QUERIES, InsuranceStore

FACILITY = "19999"
CALLER = Caller(subject="bench", roles=frozenset({"CLERK"}), facility=FACILITY)
DETAIL = records.dump(records.coverage_detail(SELF_PAY, None))


class InsuranceSubject:
    """A filled insurance store."""

    def __init__(self, db: Database, read: ReadCoverage, row_count: int) -> None:
        self._db = db
        self._read = read
        self.row_count = row_count

    def key(self, index: int) -> str:
        """The visit of coverage `index`."""
        return visit_id_of(index)

    async def look_up(self, key: str) -> bool:
        """One read: the visit's pointer, the coverage, its evidence, opened."""
        return (await self._read.newest(key, CALLER)).visit_id == key

    async def close(self) -> None:
        """Close the store."""
        await self._db.close()


class InsuranceCase:
    """The newest coverage of a visit."""

    name = "coverage"

    async def build(self, folder: Path, row_count: int) -> InsuranceSubject:
        """Write `row_count` visits with a coverage each into a fresh SQLite store."""
        url = f"sqlite:///{folder}/insurance-{row_count}.db"
        key_file = folder / f"insurance-keys-{row_count}.json"
        generate_key_file(key_file)
        cipher = FieldCipher(KeyRing.from_file(key_file))
        await migrations.upgrade(url, package="insurance_svc")
        db = await open_database(url, queries=(QUERIES,), package="insurance_svc")
        for start in range(0, row_count, BATCH):
            indices = range(start, min(start + BATCH, row_count))
            await db.write(partial(_write_coverages, cipher=cipher, indices=indices))
        # In the order of their keys: much faster than at random, and a tree of the same depth.
        visits = sorted((visit_id_of(index), index) for index in range(row_count))
        for batch in _batches(visits):
            await db.write(partial(_write_visits, visits=batch))
        read = ReadCoverage(db=db, store=InsuranceStore(cipher), clock=SystemClock())
        return InsuranceSubject(db, read, row_count)


def visit_id_of(index: int) -> str:
    """An id without order, as a visit's is: it comes from the client's request_id."""
    return sha256(str(index).encode()).hexdigest()[:32]


async def _write_coverages(tx: Tx, *, cipher: FieldCipher, indices: range) -> None:
    await tx.execute_many("coverage_add", [_coverage(cipher, index) for index in indices])


def _coverage(cipher: FieldCipher, index: int) -> Mapping[str, object]:
    row_id = citizen_id_of(index)
    return {
        "citizen_id": row_id,
        "coverage_id": row_id,
        "visit_id": visit_id_of(index),
        "facility": FACILITY,
        "service_date": "2026-03-02",
        "check_number": 1,
        "outcome": SELF_PAY.outcome.value,
        "portal_code": "",
        "degraded_reason": "",
        "needs_recheck": 0,
        "detail": cipher.seal(DETAIL, place=f"coverages|detail|{row_id}"),
        "as_of_time": TIME,
        "create_time": TIME,
        "moment": "ARRIVAL",
    }


async def _write_visits(tx: Tx, *, visits: Sequence[tuple[str, int]]) -> None:
    await tx.execute_many(
        "visit_save",
        [
            {
                "visit_id": visit_id,
                "facility": FACILITY,
                "citizen_id": citizen_id_of(index),
                "check_count": 1,
                "coverage_id": citizen_id_of(index),
                "split_count": 0,
                "split_citizen_id": "",
                "split_id": "",
            }
            for visit_id, index in visits
        ],
    )


def _batches(rows: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
