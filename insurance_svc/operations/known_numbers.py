"""Card numbers that the portal told about a citizen at earlier visits."""

from __future__ import annotations

from chassis.db import Database
from insurance_svc.ports import EvidenceBook


class KnownNumbers:
    """What PortalQuestioner asks for when the portal knows none of the numbers given."""

    def __init__(self, db: Database, book: EvidenceBook) -> None:
        self._db = db
        self._book = book

    async def __call__(self, citizen_id: str) -> tuple[str, ...]:
        """The numbers, newest first."""
        return await self._db.read(lambda tx: self._book.known_numbers(tx, citizen_id))
