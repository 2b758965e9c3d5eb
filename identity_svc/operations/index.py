"""Files people in the master index, in the transaction that changes them; a worker matches them later."""

from __future__ import annotations

from datetime import datetime

from chassis.db import Tx
from identity_svc.domain.matching import MatchFacts
from identity_svc.store.index_store import IndexStore

PENDING = "match-pending"
"""Topic of transactions that leave somebody to be matched: it wakes the worker."""


class MasterIndex:
    """What registration, changes of facts and imports tell the index."""

    def __init__(self, store: IndexStore) -> None:
        self._store = store

    async def note(self, tx: Tx, citizen_id: str, facts: MatchFacts, *, now: datetime) -> None:
        """File a person, or their changed facts; nothing is matched here, and nothing written for equal facts."""
        if await self._store.put(tx, citizen_id, facts, now=now):
            tx.topics.add(PENDING)
