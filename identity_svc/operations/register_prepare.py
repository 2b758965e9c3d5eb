"""Prepares the rows of a register file for the store, beside the loop: reading, sealing, hashing, index rows.

Two thirds of an import's processor time are spent here, so it runs in a process of its own (`Workshop`): the service's
event loop and its one writer stay free for patients. Each row is prepared as if its person were new, under an id of its
own; the transaction finds out who is known and then throws those rows away.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from chassis.clock import SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash
from chassis.lifecycle import settle_memory
from identity_svc.domain.import_errors import ImportWorkerLost
from identity_svc.domain.matching import MatchFacts, facts_of, has_no_day
from identity_svc.domain.model import (
    Assurance,
    Demographics,
    Identifier,
    IdentifierKind,
    Source,
)
from identity_svc.domain.register_file import RegisterField
from identity_svc.domain.register_file_row import RegisterPerson, RowFault, read_row
from identity_svc.domain.register_import import Reject
from identity_svc.domain.residence import ResidenceSource
from identity_svc.store.import_store import ImportStore
from identity_svc.store.index_store import IndexStore
from identity_svc.store.store import IdentityStore
from identity_svc.store.units_store import residence_row

PARENT_LOOK_S = 1.0
STRONG_KEYS = 3
"""Blocking keys of somebody with a full birth date: all words and year; given name and day; day, gender and commune."""

Rows = dict[str, list[Mapping[str, object]]]
"""Parameters of named statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedRow:
    """One row to prepare."""

    row_number: int
    cells: tuple[str, ...] = field(repr=False)
    fault: str
    """Why it could not be cut into cells, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput:
    """Rows to prepare and what is known of their file."""

    import_id: str
    column_names: tuple[str, ...]
    places: Mapping[RegisterField, int]
    as_of_date: date
    now: datetime
    rows: tuple[NumberedRow, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPerson:
    """One person as a row tells of them, with the rows that register them under a new id."""

    row_number: int
    citizen_id: str
    person: RegisterPerson = field(repr=False)
    hashes: tuple[bytes, ...] = field(repr=False)
    """Look-up hash of each identifier, in their order."""
    older_hashes: tuple[bytes, ...] = field(repr=False)
    """The same under the other keys of the ring, while keys rotate."""
    strong_keys: tuple[bytes, ...] = field(repr=False)
    """Hashes of three blocking keys that together are name, day of birth, gender and commune; else empty."""
    rows: Rows = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedBatch:
    """A batch that is ready for its transaction."""

    people: tuple[PreparedPerson, ...] = field(repr=False)
    rejects: tuple[Mapping[str, object], ...] = field(repr=False)
    """Parameters of `import_add_reject`."""
    warnings: Mapping[str, int]


class Statements:
    """Stands in for a transaction and gathers what would have been written, so that stores build rows for a batch."""

    def __init__(self) -> None:
        self.rows: Rows = defaultdict(list)

    async def execute(self, name: str, /, **params: object) -> int:
        """Keep one statement's parameters."""
        self.rows[name].append(params)
        return 1


class Preparer:
    """Turns rows into people and people into sealed rows; holds the keys."""

    def __init__(self, ring: KeyRing) -> None:
        cipher, self._hashes = FieldCipher(ring), LookupHash(ring)
        self._identity = IdentityStore(cipher, self._hashes)
        self._index = IndexStore(cipher, self._hashes)
        self._imports = ImportStore(cipher)
        self._ids = SystemIds()

    def prepare(self, batch: BatchInput) -> PreparedBatch:
        """Prepare one batch; an error in a row becomes its reject."""
        people: list[PreparedPerson] = []
        rejects: list[Mapping[str, object]] = []
        warnings: Counter[str] = Counter()
        for row in batch.rows:
            found = (
                RowFault(field=None, reason=row.fault)
                if row.fault
                else read_row(
                    row.cells, batch.places, column_count=len(batch.column_names), as_of=batch.as_of_date
                )
            )
            if isinstance(found, RowFault):
                rejects.append(self._imports.reject_row(batch.import_id, reject_of(batch, row, found)))
            else:
                people.append(self._prepared(batch, row.row_number, found))
                warnings.update(found.warnings)
        return PreparedBatch(people=tuple(people), rejects=tuple(rejects), warnings=dict(warnings))

    def _prepared(self, batch: BatchInput, row_number: int, person: RegisterPerson) -> PreparedPerson:
        citizen_id = self._ids.new()
        every = [self._hashes.every(kind, value) for kind, value in person.identifiers]
        statements = Statements()
        gathered: Any = statements  # Any: a Tx of which the stores' adding methods use `execute` alone
        _drive(self._identity.add_citizen(gathered, citizen_id, now=batch.now))
        facts = demographics_of(person)
        _drive(
            self._identity.add_demographics(
                gathered,
                citizen_id,
                facts,
                reading_id=batch.import_id,
                register_time=batch.now,
                now=batch.now,
            )
        )
        identifiers = [
            identifier_of(kind, value, identifier_id=self._ids.new(), now=batch.now)
            for kind, value in person.identifiers
        ]
        for identifier in identifiers:
            _drive(self._identity.add_identifier(gathered, citizen_id, identifier))
        known = facts_of(facts, identifiers, ward_code=person.residence.ward_in_force, at=batch.now)
        filed = self._index.rows(citizen_id, known, now=batch.now)
        rows = statements.rows
        rows["units_add_residence"].append(
            residence_row(
                citizen_id,
                person.residence,
                version=1,
                source=ResidenceSource.IMPORT,
                batch_id=batch.import_id,
                now=batch.now,
            )
        )
        rows["index_put_profile"].append(filed.profile)
        rows["index_add_block"].extend(filed.blocks)
        return PreparedPerson(
            row_number=row_number,
            citizen_id=citizen_id,
            person=person,
            hashes=tuple(each[0] for each in every),
            older_hashes=tuple(digest for each in every for digest in each[1:]),
            strong_keys=strong_keys_of(known, filed.blocks),
            rows=dict(rows),
        )


def _drive(adding: Coroutine[Any, Any, None]) -> None:
    """Run a store's method that awaits nothing but Statements, which never suspends."""
    try:
        adding.send(None)
    except StopIteration:
        return
    raise AssertionError("a store's adding method awaits its transaction alone")


def demographics_of(person: RegisterPerson) -> Demographics:
    """The facts of a row as a new person's."""
    return Demographics(
        version=1,
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        address=person.address,
        text_quality=person.text_quality,
        issue_date=person.issue_date,
        source=Source.REGISTER_FILE,
    )


def identifier_of(kind: IdentifierKind, value: str, *, identifier_id: str, now: datetime) -> Identifier:
    """A number of a row as it is kept: typed by somebody, seen first now."""
    return Identifier(
        identifier_id=identifier_id,
        kind=kind,
        value=value,
        assurance=Assurance.TYPED,
        start_time=now,
        end_time=None,
        source=Source.REGISTER_FILE,
    )


def strong_keys_of(facts: MatchFacts, blocks: Sequence[Mapping[str, object]]) -> tuple[bytes, ...]:
    """The blocking keys that likely doubles share, all of a person's; none where one of the four facts is unknown."""
    if (
        not facts.full_name
        or not facts.ward_code
        or len(facts.birth_date) != 10
        or has_no_day(facts.birth_date)
    ):
        return ()
    keys = tuple(digest for row in blocks if isinstance(digest := row["key_hash"], bytes))
    # The commune's key stands last and is the rarest: the look-up begins with it.
    return keys[::-1] if len(keys) == STRONG_KEYS else ()


def reject_of(batch: BatchInput, row: NumberedRow, fault: RowFault) -> Reject:
    """A row that is not taken in, with its values."""
    place = None if fault.field is None else batch.places.get(fault.field)
    return Reject(
        row_number=row.row_number,
        column_name="" if place is None else batch.column_names[place],
        reason=fault.reason,
        values=row.cells,
    )


_preparer: Preparer | None = None
"""Of a worker process; set once when it starts."""


def _start_worker(ring: KeyRing, parent_id: int) -> None:
    global _preparer  # noqa: PLW0603  # a process pool has no other place for what a worker keeps
    _preparer = Preparer(ring)
    settle_memory()
    threading.Thread(target=_end_with_parent, args=(parent_id,), daemon=True).start()


def _end_with_parent(parent_id: int) -> None:
    """End when the service was killed: nobody else would end this process, and it holds keys."""
    while os.getppid() == parent_id:
        time.sleep(PARENT_LOOK_S)
    os._exit(0)


def _prepare(batch: BatchInput) -> PreparedBatch:
    assert _preparer is not None, "a worker starts before it works"
    return _preparer.prepare(batch)


class Workshop:
    """Where batches are prepared: processes of their own, or a thread where `worker_count` is 0."""

    def __init__(self, ring: KeyRing, *, worker_count: int) -> None:
        assert worker_count >= 0, worker_count
        self._ring = ring
        self._worker_count = worker_count
        self._own = Preparer(ring)
        self._executor: Executor | None = None

    @property
    def depth(self) -> int:
        """Batches worth being prepared at once."""
        return self._worker_count + 1

    def prepare(self, batch: BatchInput) -> asyncio.Future[PreparedBatch]:
        """Begin to prepare a batch."""
        if self._executor is None:
            self._executor = self._started()
        work = _prepare if self._worker_count else self._own.prepare
        return asyncio.get_running_loop().run_in_executor(self._executor, work, batch)

    async def finished(self, prepared: asyncio.Future[PreparedBatch]) -> PreparedBatch:
        """A batch when it is ready.

        Raises:
            ImportWorkerLost: its process ended; the next call gets a new one.
        """
        try:
            return await prepared
        except BrokenExecutor:
            self._executor = None
            raise ImportWorkerLost from None

    async def close(self) -> None:
        """End the processes; what they still prepare is dropped."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown, cancel_futures=True)

    def _started(self) -> Executor:
        if not self._worker_count:
            return ThreadPoolExecutor(1, thread_name_prefix="register-import")
        # Spawned: a fork of a process with gRPC's threads may hang.
        return ProcessPoolExecutor(
            self._worker_count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            # Told and not asked for: the service may be killed while its worker starts.
            initargs=(self._ring, os.getpid()),
        )
