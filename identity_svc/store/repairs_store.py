"""Rows of repairs and accepted names to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from datetime import datetime

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import optional_time, to_text, to_time
from identity_svc.domain.explanations import ASK_REGISTER_CORRECTION
from identity_svc.domain.repairing import AppliedRepair

ALIASES_MAX = 50
"""Accepted spellings read of one person."""
SETTLED_MAX = 100
_AFTER_ALL = "~"
"""Sorts after every id."""


class RepairsStore:
    """Reads and writes what people decided about records; holds the key, no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def add(self, tx: Tx, repair: AppliedRepair) -> None:
        """Keep an applied proposal and accept its names."""
        before = json.dumps([repair.value_before], ensure_ascii=False)
        after = json.dumps([repair.value_after, *repair.accepted_names], ensure_ascii=False)
        await tx.execute(
            "identity_add_repair",
            citizen_id=repair.citizen_id,
            repair_id=repair.repair_id,
            verification_id=repair.verification_id,
            field=repair.field,
            reason=repair.reason,
            code=repair.code,
            before_version=repair.before_version,
            after_version=repair.after_version,
            before_sealed=self._cipher.seal(before, place=f"repair|before_sealed|{repair.repair_id}"),
            after_sealed=self._cipher.seal(after, place=f"repair|after_sealed|{repair.repair_id}"),
            apply_subject=repair.apply_subject,
            apply_time=to_text(repair.apply_time),
        )
        for index, name in enumerate(repair.accepted_names):
            alias_id = f"{repair.repair_id}-{index}"
            await tx.execute(
                "identity_add_alias",
                citizen_id=repair.citizen_id,
                alias_id=alias_id,
                name_sealed=self._cipher.seal(name, place=f"name_alias|name_sealed|{alias_id}"),
                repair_id=repair.repair_id,
                start_time=to_text(repair.apply_time),
            )

    async def undo(self, tx: Tx, repair: AppliedRepair, *, subject: str, now: datetime) -> bool:
        """Note that a repair is taken back and accept its names no longer; False when it was before."""
        changed = await tx.execute(
            "identity_undo_repair",
            citizen_id=repair.citizen_id,
            repair_id=repair.repair_id,
            undo_subject=subject,
            undo_time=to_text(now),
        )
        if changed and repair.accepted_names:
            await tx.execute(
                "identity_end_aliases",
                citizen_id=repair.citizen_id,
                repair_id=repair.repair_id,
                end_time=to_text(now),
            )
        return changed == 1

    async def read(self, tx: Tx, citizen_id: str, repair_id: str) -> AppliedRepair | None:
        """One repair, or None."""
        row = await tx.one("identity_read_repair", citizen_id=citizen_id, repair_id=repair_id)
        return None if row is None else self._repair(row)

    async def list(
        self, tx: Tx, citizen_id: str, *, before_id: str = "", page_size: int
    ) -> list[AppliedRepair]:
        """A page of a person's repairs, newest first."""
        rows = await tx.all(
            "identity_list_repairs",
            citizen_id=citizen_id,
            before_id=before_id or _AFTER_ALL,
            page_size=page_size,
        )
        return [self._repair(row) for row in rows]

    async def accepted_names(self, tx: Tx, citizen_id: str) -> tuple[str, ...]:
        """The other spellings accepted as this person's name, each once, oldest first."""
        rows = await tx.all("identity_list_aliases", citizen_id=citizen_id, page_size=ALIASES_MAX)
        names = [
            self._cipher.open_text(row["name_sealed"], place=f"name_alias|name_sealed|{row['alias_id']}")
            for row in rows
        ]
        return tuple(dict.fromkeys(names))

    async def settled(self, tx: Tx, citizen_id: str, facts_hash: bytes) -> frozenset[tuple[str, str]]:
        """Fields and reasons that a person decided for these card facts; asking for a correction decides nothing."""
        rows = await tx.all(
            "identity_list_settled", citizen_id=citizen_id, facts_hash=facts_hash, page_size=SETTLED_MAX
        )
        return frozenset(
            (row["field"], row["reason"]) for row in rows if row["code"] != ASK_REGISTER_CORRECTION.code
        )

    def _repair(self, row: Row) -> AppliedRepair:
        repair_id = row["repair_id"]
        (before,) = json.loads(
            self._cipher.open_text(row["before_sealed"], place=f"repair|before_sealed|{repair_id}")
        )
        after, *names = json.loads(
            self._cipher.open_text(row["after_sealed"], place=f"repair|after_sealed|{repair_id}")
        )
        return AppliedRepair(
            citizen_id=row["citizen_id"],
            repair_id=repair_id,
            verification_id=row["verification_id"],
            field=row["field"],
            reason=row["reason"],
            code=row["code"],
            before_version=row["before_version"],
            after_version=row["after_version"],
            value_before=before,
            value_after=after,
            accepted_names=tuple(names),
            apply_subject=row["apply_subject"],
            apply_time=to_time(row["apply_time"]),
            undo_subject=row["undo_subject"],
            undo_time=optional_time(row["undo_time"]),
        )
