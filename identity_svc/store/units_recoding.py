"""Re-codings of the register: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis.crypto import FieldCipher, FieldUnreadable
from chassis.db import Row, Tx
from chassis.db.columns import to_text, to_time
from identity_svc.domain.model import TextQuality
from identity_svc.domain.recoding import Figures, Finding, Recoding, RecodingItem, RecodingState, Walk
from identity_svc.store.units_store import KeptResidence, kept_residence


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A person of the register as a re-coding meets them."""

    citizen_id: str
    is_linked: bool
    """Linked into another person, whose rows count instead."""
    address: str | None = field(repr=False)
    """None: kept, but damaged or not to be opened; empty: none is kept, or the commune in force is known anyway."""
    facts_version: int
    newest: KeptResidence | None


class RecodingStore:
    """Reads and writes re-codings; holds the keys of the addresses, no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def count_citizens(self, tx: Tx) -> int:
        """People in the register."""
        row = await tx.one("units_count_citizens")
        return 0 if row is None else int(row["citizen_count"])

    async def count_batch(self, tx: Tx, recoding_id: str) -> int:
        """Residences a re-coding gave."""
        row = await tx.one("units_count_batch", batch_id=recoding_id)
        return 0 if row is None else int(row["citizen_count"])

    async def add(self, tx: Tx, recoding_id: str, *, total_count: int, requester: str, now: datetime) -> None:
        """Order a re-coding; it begins with the dry run."""
        await tx.execute(
            "units_add_recoding",
            recoding_id=recoding_id,
            state=RecodingState.COUNTING,
            total_count=total_count,
            requester=requester,
            create_time=to_text(now),
        )

    async def read(self, tx: Tx, recoding_id: str) -> Recoding | None:
        """One re-coding, or None."""
        row = await tx.one("units_read_recoding", recoding_id=recoding_id)
        return None if row is None else _recoding(row)

    async def walking(self, tx: Tx) -> Recoding | None:
        """The re-coding that walks through the register now, or None."""
        row = await tx.one("units_walking_recoding")
        return None if row is None else _recoding(row)

    async def page(self, tx: Tx, *, before: str, page_size: int) -> list[Recoding]:
        """Re-codings made before an id, newest first."""
        rows = await tx.all("units_list_recodings", before=before, page_size=page_size)
        return [_recoding(row) for row in rows]

    async def begin_walk(
        self,
        tx: Tx,
        recoding_id: str,
        state: RecodingState,
        *,
        total_count: int,
        requester: str,
        now: datetime,
    ) -> None:
        """Let the next walk of a re-coding begin."""
        await tx.execute(
            "units_begin_walk",
            recoding_id=recoding_id,
            state=state,
            total_count=total_count,
            requester=requester,
            now=to_text(now),
        )

    async def move(
        self,
        tx: Tx,
        former: Recoding,
        *,
        state: RecodingState,
        cursor_id: str,
        page_count: int,
        now: datetime,
    ) -> bool:
        """Note that a page is done; False when somebody else did it meanwhile."""
        moved = await tx.execute(
            "units_move_recoding",
            recoding_id=former.recoding_id,
            state=state,
            cursor_id=cursor_id,
            page_count=page_count,
            now=to_text(now),
            former_state=former.state,
            former_cursor_id=former.cursor_id,
        )
        return moved == 1

    async def residents(self, tx: Tx, *, after: str, page_size: int) -> list[Resident]:
        """People after an id, with newest address and residence."""
        rows = await tx.all("units_page_of_register", after=after, page_size=page_size)
        return [self._resident(row) for row in rows]

    async def batch(self, tx: Tx, recoding_id: str, *, after: str, page_size: int) -> list[tuple[str, int]]:
        """Who got a residence by a re-coding, after an id: citizen and version."""
        rows = await tx.all("units_page_of_batch", batch_id=recoding_id, after=after, page_size=page_size)
        return [(str(row["citizen_id"]), int(row["version"])) for row in rows]

    async def add_figures(self, tx: Tx, recoding_id: str, walk: Walk, figures: Figures) -> None:
        """Add a page's people to the figures of a walk."""
        await tx.execute_many(
            "units_add_figure",
            [
                {
                    "recoding_id": recoding_id,
                    "walk": walk,
                    "finding": finding,
                    "old_ward_code": old_ward_code,
                    "citizen_count": count,
                }
                for (finding, old_ward_code), count in sorted(figures.items())
            ],
        )

    async def totals(self, tx: Tx, recoding_id: str, walk: Walk) -> dict[Finding, int]:
        """People per finding of a walk."""
        rows = await tx.all("units_list_totals", recoding_id=recoding_id, walk=walk, page_size=len(Finding))
        return {Finding(row["finding"]): int(row["citizen_count"]) for row in rows}

    async def figures(
        self, tx: Tx, recoding_id: str, walk: Walk, *, after: tuple[str, str], page_size: int
    ) -> list[tuple[Finding, str, int]]:
        """People per finding and old commune of a walk, after a (finding, old commune)."""
        rows = await tx.all(
            "units_list_figures",
            recoding_id=recoding_id,
            walk=walk,
            after_finding=after[0],
            after_code=after[1],
            page_size=page_size,
        )
        return [(Finding(row["finding"]), row["old_ward_code"], int(row["citizen_count"])) for row in rows]

    async def add_items(self, tx: Tx, recoding_id: str, walk: Walk, items: Sequence[RecodingItem]) -> None:
        """Keep the people of a page that a person has to look at."""
        await tx.execute_many(
            "units_add_item",
            [
                {
                    "citizen_id": item.citizen_id,
                    "recoding_id": recoding_id,
                    "walk": walk,
                    "finding": item.finding,
                    "reason": item.reason,
                    "old_ward_code": item.old_ward_code,
                    "candidates": ",".join(item.candidates),
                    "case_id": item.case_id,
                }
                for item in items
            ],
        )

    async def items(
        self, tx: Tx, recoding_id: str, walk: Walk, *, after: str, page_size: int
    ) -> list[RecodingItem]:
        """People of a walk that a person has to look at, after an id."""
        rows = await tx.all(
            "units_list_items", recoding_id=recoding_id, walk=walk, after=after, page_size=page_size
        )
        return [
            RecodingItem(
                citizen_id=row["citizen_id"],
                finding=Finding(row["finding"]),
                reason=row["reason"],
                old_ward_code=row["old_ward_code"],
                candidates=tuple(code for code in row["candidates"].split(",") if code),
                case_id=row["case_id"],
            )
            for row in rows
        ]

    def _resident(self, row: Row) -> Resident:
        newest = None if row["version"] is None else kept_residence(row)
        is_known = newest is not None and newest.residence is not None and newest.residence.is_settled
        return Resident(
            citizen_id=row["citizen_id"],
            is_linked=bool(row["is_linked"]),
            address="" if is_known else self._address(row),
            facts_version=row["facts_version"] or 0,
            newest=newest,
        )

    def _address(self, row: Row) -> str | None:
        if row["facts_version"] is None:
            return ""
        if row["text_quality"] == TextQuality.DAMAGED:
            return None
        place = f"demographic|address_sealed|{row['citizen_id']}/{row['facts_version']}"
        try:
            return self._cipher.open_text(row["address_sealed"], place=place)
        except FieldUnreadable:
            # One row under a lost key must not stop the walk over everybody else.
            return None


def _recoding(row: Row) -> Recoding:
    return Recoding(
        recoding_id=row["recoding_id"],
        state=RecodingState(row["state"]),
        cursor_id=row["cursor_id"],
        done_count=row["done_count"],
        total_count=row["total_count"],
        requester=row["requester"],
        create_time=to_time(row["create_time"]),
        start_time=to_time(row["start_time"]),
        update_time=to_time(row["update_time"]),
    )
