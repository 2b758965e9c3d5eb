"""Rows of temporary identities to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from datetime import datetime

from chassis.db import Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.temporary import TemporaryIdentity, TemporaryKind
from identity_svc.store.store import IdentityStore


class TemporaryStore:
    """Reads and writes who is registered without being known; holds no state of its own."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store

    async def add(self, tx: Tx, temporary: TemporaryIdentity) -> None:
        """Note a new temporary identity; its number stands with the citizen's identifiers."""
        await tx.execute(
            "identity_add_temporary",
            citizen_id=temporary.citizen_id,
            temporary_kind=temporary.kind,
            identifier_id=temporary.identifier_id,
            facility_code=temporary.facility_code,
            mother_citizen_id=temporary.mother_citizen_id,
            notice_due_time=optional_text(temporary.notice_due_time),
            create_time=to_text(temporary.create_time),
        )

    async def read(self, tx: Tx, citizen_id: str) -> TemporaryIdentity | None:
        """The temporary identity of a record, also after it was replaced; or None."""
        row = await tx.one("identity_read_temporary", citizen_id=citizen_id)
        if row is None:
            return None
        number = await self._store.identifier(tx, citizen_id, row["identifier_id"])
        assert number is not None, "a temporary identity has its number"
        return TemporaryIdentity(
            citizen_id=row["citizen_id"],
            kind=TemporaryKind(row["temporary_kind"]),
            identifier_id=row["identifier_id"],
            number=number.value,
            facility_code=row["facility_code"],
            mother_citizen_id=row["mother_citizen_id"],
            notice_due_time=optional_time(row["notice_due_time"]),
            create_time=to_time(row["create_time"]),
            replace_time=optional_time(row["replace_time"]),
            real_citizen_id=row["real_citizen_id"],
        )

    async def replace(self, tx: Tx, citizen_id: str, *, real_citizen_id: str, now: datetime) -> None:
        """Note who a temporary person really is."""
        changed = await tx.execute(
            "identity_replace_temporary",
            citizen_id=citizen_id,
            real_citizen_id=real_citizen_id,
            replace_time=to_text(now),
        )
        assert changed == 1, "a record is replaced once"
