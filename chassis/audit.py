"""The record of who saw or changed what: rows chained by hash, so that none is altered or taken out unseen.

Each writer (SQLite's one, or a PostgreSQL connection's slot) has its own chain, so that writers never wait
for each other. Hash n = SHA-256(hash n-1 || sorted JSON of the row). Cutting off the end of a chain shows
only against a head that was kept elsewhere: `heads` gives them, `verify` compares. A row holds ids and
pseudonyms, never a value or a result (the minimal set of IHE BALP).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from chassis.db import Database, Row, Tx
from chassis.db.columns import to_text, to_time
from chassis.rpc.context import Caller

GENESIS = bytes(32)
"""What stands before the first row of a chain."""
PAGE = 500
_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
_HASHED = (
    "writer_id", "seq", "event_time", "action", "resource", "subject", "actor", "roles", "facility",
    "service", "purpose", "outcome", "trace_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The end of a chain, to be kept outside this database."""

    writer_id: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBreak:
    """The first row of a chain that does not fit."""

    writer_id: str
    seq: int
    why: str
    """`changed`, `missing`, `chain` (the row before it is another one) or `head` (not what was kept
    elsewhere)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What a verification found."""

    row_count: int
    heads: tuple[AuditHead, ...]
    breaks: tuple[AuditBreak, ...]
    """At most one a chain: behind it nothing can be said."""

    @property
    def is_intact(self) -> bool:
        """Whether every row of every chain fits."""
        return not self.breaks


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One disclosure or change, as the person it is about may read it."""

    event_time: datetime
    action: str
    resource: str
    actor: str
    roles: tuple[str, ...]
    facility: str
    service: str
    purpose: str
    outcome: str
    trace_id: str
    writer_id: str
    seq: int


async def record(
    tx: Tx,
    *,
    action: str,
    resource: str,
    caller: Caller,
    outcome: str,
    now: datetime,
    subject: str = "",
    purpose: str = "",
    trace_id: str = "",
) -> None:
    """Write a row in the transaction of what it tells of.

    Args:
        action: The method or verb, such as `open_visit`.
        resource: The resource name, such as `visits/018f...`; never an identifier of the outside world.
        caller: On whose behalf.
        outcome: `ok`, or the reason of the refusal.
        now: When.
        subject: The pseudonym of the person it is about (our citizen_id), "" for none.
        purpose: Why the data was used; the caller's purpose if empty.
        trace_id: The trace of the call.
    """
    seq, prev_hash = await _head(tx)
    row: dict[str, object] = {
        "writer_id": tx.writer_id,
        "seq": seq + 1,
        "event_time": to_text(now),
        "action": action,
        "resource": resource,
        "subject": subject,
        "actor": caller.subject,
        "roles": ",".join(sorted(caller.roles)),
        "facility": caller.facility,
        "service": caller.service,
        "purpose": purpose or caller.purpose,
        "outcome": outcome,
        "trace_id": trace_id,
    }
    row_hash = chain_hash(prev_hash, row)
    await tx.execute("frame_audit_append", **row, prev_hash=prev_hash, hash=row_hash)
    tx.chain_head = (seq + 1, row_hash)


def chain_hash(prev_hash: bytes, row: Mapping[str, object]) -> bytes:
    """The 32-byte hash of a row behind another; the canonical form is sorted JSON in UTF-8 without blanks."""
    canonical = _canonical({name: row[name] for name in _HASHED})
    return sha256(prev_hash + canonical.encode("utf-8")).digest()


async def entries_of(
    tx: Tx, *, subject: str, before: tuple[datetime, str, int] | None = None, page_size: int = 50
) -> list[AuditEntry]:
    """Who saw or changed a person's data, newest first.

    Args:
        subject: The person's pseudonym, as recorded.
        before: (event_time, writer_id, seq) of the last entry of the page before; None for the first page.
        page_size: 1 to 500.
    """
    assert 1 <= page_size <= PAGE, page_size
    time_text, writer_id, seq = ("~", "", 0) if before is None else (to_text(before[0]), before[1], before[2])
    rows = await tx.all(
        "frame_audit_of_subject",
        subject=subject,
        before_time=time_text,
        before_writer_id=writer_id,
        before_seq=seq,
        page_size=page_size,
    )
    return [_entry(row) for row in rows]


async def heads(db: Database) -> tuple[AuditHead, ...]:
    """The ends of all chains, for keeping elsewhere (another service, a printed sheet, a time stamp)."""

    async def work(tx: Tx) -> tuple[AuditHead, ...]:
        found = []
        for writer in await tx.all("frame_audit_writers"):
            row = await tx.one("frame_audit_head", writer_id=writer["writer_id"])
            assert row is not None, "a writer has a row"
            found.append(AuditHead(writer_id=writer["writer_id"], seq=row["seq"], hash=row["hash"]))
        return tuple(found)

    return await db.read(work)


async def verify(db: Database, *, kept: Sequence[AuditHead] = ()) -> AuditReport:
    """Walk every chain, page by page, and name the first row of each that does not fit.

    Args:
        kept: Heads that were kept elsewhere; each must still be part of its chain.
    """
    writers = await db.read(lambda tx: tx.all("frame_audit_writers"))
    names = sorted({row["writer_id"] for row in writers} | {head.writer_id for head in kept})
    row_count = 0
    ends: list[AuditHead] = []
    breaks: list[AuditBreak] = []
    for writer_id in names:
        wanted = {head.seq: head.hash for head in kept if head.writer_id == writer_id}
        walk = _Walk(writer_id, wanted)
        await walk.run(db)
        row_count += walk.seq
        ends.append(AuditHead(writer_id=writer_id, seq=walk.seq, hash=walk.hash))
        if walk.broken is not None:
            breaks.append(walk.broken)
    return AuditReport(row_count=row_count, heads=tuple(ends), breaks=tuple(breaks))


class _Walk:
    """One pass along one chain."""

    def __init__(self, writer_id: str, kept: Mapping[int, bytes]) -> None:
        self.writer_id = writer_id
        self.seq = 0
        self.hash = GENESIS
        self.broken: AuditBreak | None = None
        self._kept = kept

    async def run(self, db: Database) -> None:
        while self.broken is None:
            rows = await db.read(self._page)
            for row in rows:
                if (why := self._fault(row)) is not None:
                    seq = self.seq + 1 if why == "missing" else row["seq"]
                    self.broken = AuditBreak(writer_id=self.writer_id, seq=seq, why=why)
                    return
                self.seq, self.hash = row["seq"], row["hash"]
            if len(rows) < PAGE:
                break
        if self.broken is None and (lost := [seq for seq in self._kept if seq > self.seq]):
            self.broken = AuditBreak(writer_id=self.writer_id, seq=min(lost), why="head")

    async def _page(self, tx: Tx) -> list[Row]:
        return await tx.all("frame_audit_page", writer_id=self.writer_id, after_seq=self.seq, page_size=PAGE)

    def _fault(self, row: Row) -> str | None:
        if row["seq"] != self.seq + 1:
            return "missing"
        if row["prev_hash"] != self.hash:
            return "chain"
        if chain_hash(self.hash, row) != row["hash"]:
            return "changed"
        if self._kept.get(row["seq"], row["hash"]) != row["hash"]:
            return "head"
        return None


async def _head(tx: Tx) -> tuple[int, bytes]:
    if tx.chain_head is None:
        row = await tx.one("frame_audit_head", writer_id=tx.writer_id)
        tx.chain_head = (0, GENESIS) if row is None else (row["seq"], row["hash"])
    return tx.chain_head


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(
        event_time=to_time(row["event_time"]),
        action=row["action"],
        resource=row["resource"],
        actor=row["actor"],
        roles=tuple(role for role in row["roles"].split(",") if role),
        facility=row["facility"],
        service=row["service"],
        purpose=row["purpose"],
        outcome=row["outcome"],
        trace_id=row["trace_id"],
        writer_id=row["writer_id"],
        seq=row["seq"],
    )
