"""Fills identity's tables with made-up people and looks them up by citizen number as VerifyCard does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from chassis.crypto import FieldCipher, KeyRing, LookupHash, generate_key_file
from chassis.db import Database, Tx, migrations, open_database
from identity_svc.domain.model import IdentifierKind
from identity_svc.store.store import QUERIES, IdentityStore

BATCH = 20_000
TIME = "2026-03-02T01:30:00.000000Z"
_FIELDS = '[["personal_number", "MATCH", ""], ["full_name", "MATCH", ""], ["birth_date", "MATCH", ""]]'


class IdentitySubject:
    """A filled identity store."""

    def __init__(self, db: Database, store: IdentityStore, row_count: int) -> None:
        self._db = db
        self._store = store
        self.row_count = row_count

    def key(self, index: int) -> str:
        """The citizen number of person `index`; no province has the prefix 099."""
        return number_of(index)

    async def look_up(self, key: str) -> bool:
        """One read: look-up row, citizen, facts, numbers, newest check, all opened."""
        found = await self._db.read(lambda tx: self._store.find(tx, IdentifierKind.CITIZEN_NUMBER, key))
        return found is not None and found.identifiers[0].value == key

    async def close(self) -> None:
        """Close the store."""
        await self._db.close()


class IdentityCase:
    """Look-up of a citizen by citizen number."""

    name = "identity"

    async def build(self, folder: Path, row_count: int) -> IdentitySubject:
        """Write `row_count` citizens into a fresh SQLite store."""
        url = f"sqlite:///{folder}/identity-{row_count}.db"
        key_file = folder / f"keys-{row_count}.json"
        generate_key_file(key_file)
        ring = KeyRing.from_file(key_file)
        hashes = LookupHash(ring)
        await migrations.upgrade(url, package="identity_svc")
        db = await open_database(url, queries=(QUERIES,), package="identity_svc")
        store = IdentityStore(FieldCipher(ring), hashes)
        for start in range(0, row_count, BATCH):
            indices = range(start, min(start + BATCH, row_count))
            await db.write(partial(_write_people, store=store, indices=indices))
        await _write_lookups(db, hashes, row_count)
        return IdentitySubject(db, store, row_count)


def number_of(index: int) -> str:
    """A citizen number nobody has."""
    return f"099{index:09}"


def citizen_id_of(index: int) -> str:
    """An id of the form and the order of real ones."""
    return f"01a1ff{index:026x}"


async def _write_people(tx: Tx, *, store: IdentityStore, indices: range) -> None:
    await tx.execute_many(
        "identity_add_citizen",
        [{"citizen_id": citizen_id_of(index), "create_time": TIME} for index in indices],
    )
    await tx.execute_many("identity_add_demographic", [_facts(store, index) for index in indices])
    await tx.execute_many("identity_add_identifier", [_number(store, index) for index in indices])
    await tx.execute_many("identity_add_verification", [_check(index) for index in indices])


def _facts(store: IdentityStore, index: int) -> Mapping[str, object]:
    row_id = citizen_id_of(index)

    def sealed(column: str, text: str) -> bytes:
        return store.cipher.seal(text, place=f"demographic|{column}|{row_id}/1")

    return {
        "citizen_id": row_id,
        "version": 1,
        "full_name_sealed": sealed("full_name_sealed", f"Nguyễn Thị Người Thứ {index}"),
        "birth_date_sealed": sealed("birth_date_sealed", "1990-03-02"),
        "gender": "female",
        "address_sealed": sealed("address_sealed", "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"),
        "text_quality": "GOOD",
        "issue_date": "2022-06-15",
        "reading_id": row_id,
        "register_time": TIME,
        "create_time": TIME,
        "source": "CARD_QR",
        "is_birth_date_estimated": 0,
        "repair_id": "",
    }


def _number(store: IdentityStore, index: int) -> Mapping[str, object]:
    row_id = citizen_id_of(index)
    return {
        "citizen_id": row_id,
        "identifier_id": row_id,
        "kind": IdentifierKind.CITIZEN_NUMBER,
        "value_sealed": store.cipher.seal(number_of(index), place=f"identifier|value_sealed|{row_id}"),
        "assurance": 5,
        "start_time": TIME,
        "end_time": None,
        "source": "CARD_QR",
        "end_reason": "",
        "valid_from_date": "",
        "valid_until_date": "",
        "is_contested": 0,
    }


def _check(index: int) -> Mapping[str, object]:
    row_id = citizen_id_of(index)
    return {
        "citizen_id": row_id,
        "verification_id": row_id,
        "reading_id": row_id,
        "facts_hash": os.urandom(33),
        "outcome": "VERIFIED",
        "fields": _FIELDS,
        "register_reference": row_id,
        "check_time": TIME,
        "warnings": "",
        "degraded_reason": "",
        "recheck_pending": 0,
    }


async def _write_lookups(db: Database, hashes: LookupHash, row_count: int) -> None:
    """Write the look-up rows in the order of their hashes: much faster than at random, and a tree of the same depth."""
    rows = sorted(
        (hashes.of(IdentifierKind.CITIZEN_NUMBER, number_of(index)), index) for index in range(row_count)
    )
    for batch in _batches(rows):
        params = [{"hash": digest, "citizen_id": citizen_id_of(index)} for digest, index in batch]
        await db.write(partial(_write_rows, rows=params))


async def _write_rows(tx: Tx, *, rows: Sequence[Mapping[str, object]]) -> None:
    await tx.execute_many("identity_claim_lookup", rows)


def _batches(rows: list[tuple[bytes, int]]) -> Iterator[list[tuple[bytes, int]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
