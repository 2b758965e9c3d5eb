"""Read what later look-ups changed: the notices of a visit or of a facility."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.correction import Correction
from insurance_svc.domain.evidence_errors import FacilityMissing
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import EvidenceBook, Store

NEWEST = ("9999", "z")
"""The key before which the first page ends: behind every time and id, in any collation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionsQuery:
    """Which page of which notices."""

    visit_id: str = ""
    facility: str = ""
    before: tuple[str, str] = NEWEST
    page_size: int


class ReadCorrections:
    """The verb behind ListCorrections; people see their facility's, whatever they name."""

    def __init__(self, *, db: Database, store: Store, book: EvidenceBook) -> None:
        self._db = db
        self._store = store
        self._book = book

    async def __call__(self, query: CorrectionsQuery, caller: Caller) -> list[Correction]:
        """A page, newest first; empty for a visit that is not there.

        Raises:
            FacilityMissing: nothing says whose notices are meant.
        """
        facility = caller.facility or query.facility
        if not facility and not query.visit_id:
            raise FacilityMissing

        async def work(tx: Tx) -> list[Correction]:
            if not query.visit_id:
                return await self._book.corrections_of_facility(
                    tx, facility=facility, before=query.before, page_size=query.page_size
                )
            visit = await visible_visit(tx, self._store, query.visit_id, caller)
            if visit is None:
                return []
            return await self._book.corrections_of_visit(
                tx,
                citizen_id=visit.citizen_id,
                visit_id=query.visit_id,
                before=query.before,
                page_size=query.page_size,
            )

        return await self._db.read(work)
