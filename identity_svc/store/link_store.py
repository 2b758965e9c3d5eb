"""Pairs, links and runs of the master index: rows to values and back, in the transaction it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.crypto import LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.linking import Link, LinkReason
from identity_svc.domain.match_scoring import FieldEvidence, MatchResult, Rule
from identity_svc.domain.model import Identifier

PROPOSED_MAX = 200
"""Proposed pairs read of one citizen."""


class PairState(StrEnum):
    """What became of a pair."""

    PROPOSED = "PROPOSED"
    LINKED = "LINKED"
    REJECTED = "REJECTED"
    """A steward said that these are two people."""
    GONE = "GONE"
    """The facts changed and no longer suggest it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two citizens whom matching looked at closely, the smaller id first."""

    citizen_id: str
    other_citizen_id: str
    state: PairState
    weight_bits: float
    evidence: tuple[FieldEvidence, ...]
    rules: tuple[Rule, ...]
    facts_digest: bytes
    """Keyed hash of the facts compared."""
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A run that matches everybody anew."""

    sweep_id: str
    start_time: datetime
    update_time: datetime | None
    end_time: datetime | None
    total_count: int
    matched_count: int
    linked_count: int
    proposed_count: int
    cursor_id: str

    @property
    def left_s(self) -> int:
        """Seconds left at the rate so far; 0 when it has ended or matched nobody yet."""
        if self.end_time is not None or self.update_time is None or not self.matched_count:
            return 0
        left_count = max(self.total_count - self.matched_count, 0)
        return round((self.update_time - self.start_time).total_seconds() * left_count / self.matched_count)


class LinkStore:
    """Reads and writes pairs, links and runs."""

    def __init__(self, hashes: LookupHash) -> None:
        self._hashes = hashes

    def digest(self, pair_digest: bytes) -> bytes:
        """The keyed form of a digest of facts: names are few enough to be tried."""
        return self._hashes.of("MATCH_PAIR", pair_digest.hex())

    async def pair(self, tx: Tx, first_id: str, second_id: str) -> Pair | None:
        """A pair in either order, or None."""
        citizen_id, other_id = sorted((first_id, second_id))
        row = await tx.one("index_read_pair", citizen_id=citizen_id, other_citizen_id=other_id)
        return None if row is None else _pair(row)

    async def put_pair(
        self,
        tx: Tx,
        ids: tuple[str, str],
        result: MatchResult,
        *,
        state: PairState,
        digest: bytes,
        now: datetime,
    ) -> None:
        """Keep what became of a pair, in either order."""
        citizen_id, other_id = sorted(ids)
        evidence = [[each.field, each.level, round(each.weight_bits * 100)] for each in result.evidence]
        await tx.execute(
            "index_put_pair",
            citizen_id=citizen_id,
            other_citizen_id=other_id,
            state=state,
            weight_centibits=round(result.weight_bits * 100),
            evidence=json.dumps([evidence, list(result.rules)], separators=(",", ":")),
            facts_digest=digest,
            update_time=to_text(now),
        )

    async def set_state(self, tx: Tx, pair: Pair, state: PairState, *, now: datetime) -> None:
        """Move a pair to another state."""
        await tx.execute(
            "index_set_pair_state",
            citizen_id=pair.citizen_id,
            other_citizen_id=pair.other_citizen_id,
            state=state,
            update_time=to_text(now),
        )

    async def pairs(
        self, tx: Tx, state: PairState, *, after: tuple[str, str, str], page_size: int
    ) -> list[Pair]:
        """Pairs of a state, longest waiting first; `after` is (update time, id, other id) of the last one seen."""
        rows = await tx.all(
            "index_list_pairs",
            state=state,
            after_time=after[0],
            after_id=after[1],
            after_other_id=after[2],
            page_size=page_size,
        )
        return [_pair(row) for row in rows]

    async def proposed_of(self, tx: Tx, citizen_id: str) -> list[Pair]:
        """Proposed pairs of a citizen."""
        rows = await tx.all("index_proposed_pairs_of", citizen_id=citizen_id, page_size=PROPOSED_MAX)
        return [_pair(row) for row in rows]

    @staticmethod
    async def current_link(tx: Tx, citizen_id: str) -> Link | None:
        """The link of a citizen that holds, or None."""
        row = await tx.one("index_current_link", citizen_id=citizen_id)
        return None if row is None else _link(row)

    async def link(self, tx: Tx, citizen_id: str, link_id: str) -> Link | None:
        """One link, or None."""
        row = await tx.one("index_read_link", citizen_id=citizen_id, link_id=link_id)
        return None if row is None else _link(row)

    async def links(self, tx: Tx, citizen_id: str, *, before_id: str, page_size: int) -> list[Link]:
        """Links of a citizen in both directions, newest first; `before_id` "~" for the first page."""
        rows = await tx.all(
            "index_list_links", citizen_id=citizen_id, before_id=before_id, page_size=page_size
        )
        return [_link(row) for row in rows]

    @staticmethod
    async def survivor_of(tx: Tx, citizen_id: str) -> str:
        """Who answers for a citizen now: themselves, or the end of their links."""
        while (link := await LinkStore.current_link(tx, citizen_id)) is not None:
            citizen_id = link.survivor_id
        return citizen_id

    @staticmethod
    async def members(tx: Tx, citizen_id: str) -> tuple[str, ...]:
        """Everybody who is linked into a citizen, directly or through others."""
        rows = await tx.all("index_list_members", citizen_id=citizen_id)
        return tuple(row["member_id"] for row in rows)

    async def owned_hashes(self, tx: Tx, citizen_id: str, identifiers: list[Identifier]) -> list[bytes]:
        """Look-up rows of these numbers that point at a citizen, under any key of the ring."""
        found = []
        for digest in sorted(
            {digest for each in identifiers for digest in self._hashes.every(each.kind, each.value)}
        ):
            row = await tx.one("index_read_lookup", hash=digest)
            if row is not None and row["citizen_id"] == citizen_id:
                found.append(digest)
        return found

    async def add_link(
        self, tx: Tx, link: Link, *, plan_digest: bytes, moved: tuple[bytes, ...], members: tuple[str, ...]
    ) -> None:
        """Link a citizen into another: look-up rows lead to the survivor, members become the survivor's too."""
        await tx.execute(
            "index_add_link",
            citizen_id=link.citizen_id,
            link_id=link.link_id,
            survivor_id=link.survivor_id,
            reason=link.reason,
            plan_digest=plan_digest,
            link_time=to_text(link.link_time),
        )
        for digest in moved:
            await tx.execute(
                "index_point_lookup", hash=digest, from_id=link.citizen_id, to_id=link.survivor_id
            )
            await tx.execute("index_add_move", citizen_id=link.citizen_id, link_id=link.link_id, hash=digest)
        for member_id in (link.citizen_id, *members):
            await tx.execute("index_add_member", citizen_id=link.survivor_id, member_id=member_id)

    async def end_link(self, tx: Tx, link: Link, *, members: tuple[str, ...], now: datetime) -> None:
        """End a link and give back what it moved."""
        await tx.execute(
            "index_end_link", citizen_id=link.citizen_id, link_id=link.link_id, end_time=optional_text(now)
        )
        for row in await tx.all("index_list_moves", citizen_id=link.citizen_id, link_id=link.link_id):
            await tx.execute(
                "index_point_lookup", hash=row["hash"], from_id=link.survivor_id, to_id=link.citizen_id
            )
        for member_id in (link.citizen_id, *members):
            await tx.execute("index_remove_member", citizen_id=link.survivor_id, member_id=member_id)

    async def row_counts(self, tx: Tx, citizen_id: str) -> dict[str, int]:
        """Rows of a citizen by table."""
        rows = await tx.all("index_count_rows", citizen_id=citizen_id)
        return {row["name"]: row["row_count"] for row in rows}

    async def newest_version(self, tx: Tx, citizen_id: str) -> int | None:
        """The version of the facts in force, or None: nobody has this id."""
        row = await tx.one("index_newest_version", citizen_id=citizen_id)
        return None if row is None else int(row["version"])

    async def start_sweep(self, tx: Tx, sweep_id: str, *, now: datetime) -> None:
        """Begin to match everybody."""
        row = await tx.one("index_count_profiles")
        assert row is not None, "a count has a row"
        await tx.execute(
            "index_start_sweep", sweep_id=sweep_id, start_time=to_text(now), total_count=row["profile_count"]
        )

    async def newest_sweep(self, tx: Tx) -> Sweep | None:
        """The newest run, or None."""
        row = await tx.one("index_newest_sweep")
        if row is None:
            return None
        return Sweep(
            sweep_id=row["sweep_id"],
            start_time=to_time(row["start_time"]),
            update_time=optional_time(row["update_time"]),
            end_time=optional_time(row["end_time"]),
            total_count=row["total_count"],
            matched_count=row["matched_count"],
            linked_count=row["linked_count"],
            proposed_count=row["proposed_count"],
            cursor_id=row["cursor_id"],
        )

    async def advance_sweep(
        self,
        tx: Tx,
        sweep: Sweep,
        *,
        cursor_id: str,
        counts: tuple[int, int, int],
        is_end: bool,
        now: datetime,
    ) -> bool:
        """Note how far a run is; counts are (matched, linked, proposed). False: another worker did this page."""
        changed = await tx.execute(
            "index_advance_sweep",
            sweep_id=sweep.sweep_id,
            from_id=sweep.cursor_id,
            cursor_id=cursor_id,
            matched_count=counts[0],
            linked_count=counts[1],
            proposed_count=counts[2],
            update_time=to_text(now),
            end_time=to_text(now) if is_end else None,
        )
        return changed == 1


def _pair(row: Row) -> Pair:
    evidence, rules = json.loads(row["evidence"])
    return Pair(
        citizen_id=row["citizen_id"],
        other_citizen_id=row["other_citizen_id"],
        state=PairState(row["state"]),
        weight_bits=row["weight_centibits"] / 100,
        evidence=tuple(
            FieldEvidence(field=field, level=level, weight_bits=centibits / 100)
            for field, level, centibits in evidence
        ),
        rules=tuple(Rule(each) for each in rules),
        facts_digest=bytes(row["facts_digest"]),
        create_time=to_time(row["create_time"]),
        update_time=to_time(row["update_time"]),
    )


def _link(row: Row) -> Link:
    return Link(
        citizen_id=row["citizen_id"],
        link_id=row["link_id"],
        survivor_id=row["survivor_id"],
        reason=LinkReason(row["reason"]),
        link_time=to_time(row["link_time"]),
        end_time=optional_time(row["end_time"]),
    )
