"""Read claims, their lists and their files."""

from __future__ import annotations

from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from insurance_svc.domain.claim import Claim, ClaimState
from insurance_svc.domain.claim_values import ClaimView
from insurance_svc.operations.claims.desk import ClaimDesk

NEWEST_FIRST = ("9999", "")
"""Before every page: above any moment as the store writes it."""


class ReadClaims:
    """The verbs behind GetClaim, ListClaims and GetClaimFile; another facility's claim is not there."""

    def __init__(self, *, db: Database, desk: ClaimDesk) -> None:
        self._db = db
        self._desk = desk

    async def whole(self, visit_id: str, caller: Caller) -> ClaimView:
        """The claim of a visit with all that is known of it; who read it is recorded. Raises ClaimNotFound."""

        async def work(tx: Tx) -> ClaimView:
            claim = await self._desk.need(tx, visit_id, caller)
            await self._desk.audit(
                tx, "get_claim", visit_id=visit_id, citizen_id=claim.citizen_id, caller=caller
            )
            return await self._desk.store.view(tx, claim)

        return await self._db.write(work, serializable=False)

    async def page(
        self, caller: Caller, *, before: tuple[str, str], state: ClaimState | None, month: str, page_size: int
    ) -> list[Claim]:
        """A page of the facility's claims, newest change first."""
        return await self._db.read(
            lambda tx: self._desk.store.page(
                tx,
                facility=caller.facility,
                before=before,
                state=state,
                month=month,
                page_size=page_size,
            )
        )

    async def file(self, visit_id: str, version: int, caller: Caller) -> bytes:
        """The bytes of a version, signed once it was handed over; who read them is recorded. Raises ClaimNotFound."""

        async def work(tx: Tx) -> bytes:
            claim = await self._desk.need(tx, visit_id, caller)
            kept = await self._desk.version(tx, claim, version)
            view = await self._desk.store.view(tx, claim)
            sent = view.submission_of(kept.version)
            content = kept.file
            if sent is not None:
                whole = await self._desk.store.submission(
                    tx, citizen_id=claim.citizen_id, submission_id=sent.submission_id
                )
                assert whole is not None, "a listed submission exists"
                content = whole.file
            await self._desk.audit(
                tx, "get_claim_file", visit_id=visit_id, citizen_id=claim.citizen_id, caller=caller
            )
            return content

        return await self._db.write(work)
