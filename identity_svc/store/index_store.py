"""Rows of the master index to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import to_text
from identity_svc.domain.matching import MatchFacts, block_keys, pack, unpack

INDEX_QUERIES = Path(__file__).with_name("index.sql")
BLOCK = "MATCH_BLOCK"
HASH_BYTES = 9
"""Key version and 64 bits: among nine million keys a chance equality is rare, and costs one comparison."""

KEYS_MAX = 4
BLOCK_MAX = 100
"""People compared of one blocking key, the newest first; a longer block is told with the result."""
NUMBERS_MAX = 12
"""Numbers of one person that are looked up."""

Rows = list[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody to compare with."""

    citizen_id: str
    linked_to: str
    """Whom this record is linked into, or empty."""
    facts: MatchFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Everybody to compare with."""

    people: tuple[Candidate, ...]
    is_capped: bool
    """A block was longer than BLOCK_MAX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A person as filed, and the very bytes, which tell whether the facts changed since."""

    citizen_id: str
    facts: MatchFacts
    facts_sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRows:
    """The rows that file one person, for `execute_many` of the two statements."""

    profile: Mapping[str, object]
    """Of `index_put_profile`."""
    blocks: Rows
    """Of `index_add_block`; sorted by key_hash a large import writes them much faster."""


class IndexStore:
    """Reads and writes the index; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher, hashes: LookupHash) -> None:
        self._cipher = cipher
        self._hashes = hashes

    def rows(self, citizen_id: str, facts: MatchFacts, *, now: datetime) -> IndexRows:
        """The rows that file a person whom the index does not know yet."""
        return IndexRows(
            profile={
                "citizen_id": citizen_id,
                "facts_sealed": self._cipher.seal(pack(facts), place=_place(citizen_id)),
                "note_time": to_text(now),
            },
            blocks=[
                {"key_hash": self._hashes.of(BLOCK, key)[:HASH_BYTES], "citizen_id": citizen_id}
                for key in block_keys(facts)
            ],
        )

    async def put(self, tx: Tx, citizen_id: str, facts: MatchFacts, *, now: datetime) -> bool:
        """File a person anew and mark them as not yet matched; False when the facts are those already filed."""
        before = await self.facts(tx, citizen_id)
        if before is not None and pack(before) == pack(facts):
            return False
        rows = self.rows(citizen_id, facts, now=now)
        if before is not None:
            kept = {row["key_hash"] for row in rows.blocks}
            gone = [digest for digest in self._block_hashes(before) if digest not in kept]
            for digest in gone:
                await tx.execute("index_remove_block", key_hash=digest, citizen_id=citizen_id)
        await tx.execute("index_put_profile", **rows.profile)
        await tx.execute_many("index_add_block", rows.blocks)
        return True

    async def facts(self, tx: Tx, citizen_id: str) -> MatchFacts | None:
        """What is filed of a person, or None."""
        row = await tx.one("index_read_profile", citizen_id=citizen_id)
        return None if row is None else self._open(row)

    async def candidates(self, tx: Tx, facts: MatchFacts, *, own_id: str = "") -> Candidates:
        """Everybody who shares a blocking key or a number with these facts, except `own_id`."""
        keys = block_keys(facts)
        found: dict[str, Candidate] = {}
        is_capped = False
        for hashes in self._key_sets(keys):
            rows = await tx.all("index_candidates", **hashes, cap=BLOCK_MAX + 1)
            per_block = Counter(row["block"] for row in rows)
            is_capped = is_capped or any(count > BLOCK_MAX for count in per_block.values())
            self._add(found, rows)
        for kind, value in (*facts.identifiers, *facts.weak_identifiers)[:NUMBERS_MAX]:
            for digest in self._hashes.every(kind, value):
                self._add(found, await tx.all("index_owner_of_number", hash=digest))
        found.pop(own_id, None)
        return Candidates(people=tuple(found.values()), is_capped=is_capped)

    async def pending(self, tx: Tx, *, page_size: int) -> list[Filed]:
        """People whose facts changed since they were last matched."""
        return self._filed(await tx.all("index_list_pending", page_size=page_size))

    async def after(self, tx: Tx, citizen_id: str, *, page_size: int) -> list[Filed]:
        """Everybody who is filed, a page behind an id."""
        return self._filed(await tx.all("index_list_after", after_id=citizen_id, page_size=page_size))

    async def settle(self, tx: Tx, filed: Filed) -> bool:
        """Note that a person was matched; False when their facts changed meanwhile or another worker did it."""
        changed = await tx.execute(
            "index_settle", citizen_id=filed.citizen_id, facts_sealed=filed.facts_sealed
        )
        return changed == 1

    async def is_current(self, tx: Tx, filed: Filed) -> bool:
        """Whether a person's facts are still those that were read."""
        row = await tx.one("index_read_profile", citizen_id=filed.citizen_id)
        return row is not None and bytes(row["facts_sealed"]) == filed.facts_sealed

    async def pending_count(self, tx: Tx, *, count_max: int) -> int:
        """How many people wait to be matched, counted up to a limit."""
        row = await tx.one("index_count_pending", count_max=count_max)
        assert row is not None, "a count has a row"
        return int(row["pending_count"])

    def _filed(self, rows: list[Row]) -> list[Filed]:
        return [
            Filed(
                citizen_id=row["citizen_id"],
                facts=self._open(row),
                facts_sealed=bytes(row["facts_sealed"]),
            )
            for row in rows
        ]

    def _add(self, found: dict[str, Candidate], rows: list[Row]) -> None:
        for row in rows:
            citizen_id = row["citizen_id"]
            if citizen_id not in found:
                found[citizen_id] = Candidate(
                    citizen_id=citizen_id,
                    linked_to=row["survivor_id"] or "",
                    facts=self._open(row),
                )

    def _open(self, row: Row) -> MatchFacts:
        return unpack(self._cipher.open_text(row["facts_sealed"], place=_place(row["citizen_id"])))

    def _key_sets(self, keys: tuple[str, ...]) -> list[dict[str, bytes]]:
        """The hashes of the keys as parameters of one statement, a set for each key of the ring."""
        assert len(keys) <= KEYS_MAX, "the statement takes four"
        every = [[digest[:HASH_BYTES] for digest in self._hashes.every(BLOCK, key)] for key in keys]
        return [
            {f"key_{index}": versions[index] if index < len(versions) else b"" for index in range(KEYS_MAX)}
            for versions in zip(*every, strict=True)
        ]

    def _block_hashes(self, facts: MatchFacts) -> list[bytes]:
        """The hashes of the blocking keys under every key of the ring."""
        return [digest[:HASH_BYTES] for key in block_keys(facts) for digest in self._hashes.every(BLOCK, key)]


def _place(citizen_id: str) -> str:
    return f"match_profile|facts_sealed|{citizen_id}"
