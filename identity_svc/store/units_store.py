"""Residences: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from chassis.db import Row, Tx
from chassis.db.columns import to_text, to_time
from identity_svc.domain.residence import Residence, ResidenceKind, ResidenceSource, standing
from standards.admin_units import Vintage

UNITS_QUERIES = Path(__file__).with_name("units.sql")
HISTORY_MAX = 50
"""Residences read of one person."""
WITHDRAWN = "WITHDRAWN"
"""Stands in the column `kind` where an undo left no residence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptResidence:
    """A stored residence."""

    version: int
    residence: Residence | None
    """None: it was withdrawn, nothing is known again."""
    source: ResidenceSource
    batch_id: str
    """The import or re-coding it came with, or empty."""
    create_time: datetime


class UnitsStore:
    """Reads and adds residences; holds no state."""

    async def add_residence(
        self,
        tx: Tx,
        citizen_id: str,
        residence: Residence | None,
        *,
        source: ResidenceSource,
        batch_id: str = "",
        now: datetime,
    ) -> Residence | None:
        """Add where a person lives from now on, and give what counts then; what counts already is not added again.

        What a person chose among several stands while the same words are told again.

        Args:
            residence: None to say that nothing is known again.
        """
        newest = await self.newest(tx, citizen_id)
        former = None if newest is None else newest.residence
        counts = standing(former, residence)
        if newest is not None and same_stored(former, counts):
            return former
        version = 1 if newest is None else newest.version + 1
        row = residence_row(citizen_id, counts, version=version, source=source, batch_id=batch_id, now=now)
        await tx.execute("units_add_residence", **row)
        return counts

    async def current(self, tx: Tx, citizen_id: str) -> Residence | None:
        """Where a person lives now, or None when nothing is known."""
        newest = await self.newest(tx, citizen_id)
        return None if newest is None else newest.residence

    async def newest(self, tx: Tx, citizen_id: str) -> KeptResidence | None:
        """The newest stored residence, or None before the first."""
        row = await tx.one("units_newest_residence", citizen_id=citizen_id)
        return None if row is None else kept_residence(row)

    async def before(self, tx: Tx, citizen_id: str, version: int) -> Residence | None:
        """Where a person lived before a version, or None."""
        row = await tx.one("units_residence_before", citizen_id=citizen_id, version=version)
        return None if row is None else kept_residence(row).residence

    async def history(self, tx: Tx, citizen_id: str) -> list[KeptResidence]:
        """Where a person lived, newest first, at most HISTORY_MAX."""
        rows = await tx.all("units_list_residences", citizen_id=citizen_id, page_size=HISTORY_MAX)
        return [kept_residence(row) for row in rows]


def residence_row(
    citizen_id: str,
    residence: Residence | None,
    *,
    version: int,
    source: ResidenceSource,
    batch_id: str,
    now: datetime,
) -> Mapping[str, object]:
    """The parameters of `units_add_residence`, also for execute_many."""
    return {
        "citizen_id": citizen_id,
        "version": version,
        "ward_code": "" if residence is None else residence.ward_code,
        "vintage": Vintage.FROM_2025_07 if residence is None else residence.vintage,
        "kind": WITHDRAWN if residence is None else residence.kind,
        "old_ward_code": "" if residence is None else residence.old_ward_code,
        "reason": "" if residence is None else residence.reason,
        "source": source,
        "batch_id": batch_id,
        "create_time": to_text(now),
    }


def kept_residence(row: Row) -> KeptResidence:
    """The value of a row of `residence`."""
    return KeptResidence(
        version=row["version"],
        residence=None if row["kind"] == WITHDRAWN else _residence(row),
        source=ResidenceSource(row["source"]),
        batch_id=row["batch_id"],
        create_time=to_time(row["create_time"]),
    )


def _residence(row: Row) -> Residence:
    return Residence(
        ward_code=row["ward_code"],
        vintage=Vintage(row["vintage"]),
        kind=ResidenceKind(row["kind"]),
        old_ward_code=row["old_ward_code"],
        reason=row["reason"],
    )


def same_stored(one: Residence | None, other: Residence | None) -> bool:
    """Whether two residences are stored alike; the candidates are not stored."""
    if one is None or other is None:
        return one is other
    return replace(one, candidates=()) == replace(other, candidates=())
