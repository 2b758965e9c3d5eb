"""What the verbs of claims do alike: find the claim a caller may see, move it, and open and end work items."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.claim import Claim, changes
from insurance_svc.domain.claim_errors import ClaimNotFound, ReasonRequired
from insurance_svc.domain.claim_facts import Lack
from insurance_svc.domain.claim_values import ClaimVersion, KeptFinding, Resolution, WorkCause, WorkItem
from insurance_svc.store.claims_store import ClaimStore

REASON_MAX_CHARS = 500


class ClaimDesk:
    """Shared by the verbs; every method works inside the transaction it is given."""

    def __init__(self, store: ClaimStore, *, clock: Clock, ids: Ids) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids

    async def find(self, tx: Tx, visit_id: str, caller: Caller) -> Claim | None:
        """The claim of a visit if the caller may know of it: services, and people of its facility."""
        place = await self.store.place(tx, visit_id)
        if place is None or (caller.facility and caller.facility != place[0]):
            return None
        claim = await self.store.claim(tx, citizen_id=place[1], claim_id=place[2])
        assert claim is not None, "a visit points to a claim that exists"
        return claim

    async def need(self, tx: Tx, visit_id: str, caller: Caller) -> Claim:
        """The same; raises ClaimNotFound."""
        claim = await self.find(tx, visit_id, caller)
        if claim is None:
            raise ClaimNotFound
        return claim

    async def version(self, tx: Tx, claim: Claim, number: int = 0) -> ClaimVersion:
        """A version with its bytes, the newest for 0; raises ClaimNotFound."""
        found = await self.store.version(
            tx, citizen_id=claim.citizen_id, claim_id=claim.claim_id, version=number or claim.version
        )
        if found is None:
            raise ClaimNotFound("version")
        return found

    async def move(
        self,
        tx: Tx,
        before: Claim,
        after: Claim,
        *,
        reason: str,
        caller: Caller,
        is_first: bool = False,
        is_quiet: bool = False,
    ) -> None:
        """Keep where a claim stands now, with an event for each version that moved.

        A version built in the same transaction must be kept before.

        Args:
            is_first: The claim itself was added a moment ago, with its first version.
            is_quiet: Write no event: an outage of hours repeats the same step hundreds of times.
        """
        month, hundredths = await self.store.counted(tx, after)
        moved = await self.store.change(tx, before, after, counted_month=month, counted_hundredths=hundredths)
        assert moved, "one transaction at a time moves a claim"
        moves = [(1, after.state)] if is_first else changes(before, after)
        for number, state in () if is_quiet else moves:
            await self.store.add_event(
                tx,
                after,
                version=number,
                state=state,
                reason=reason,
                actor=caller.subject,
                now=after.update_time,
            )

    async def open_item(
        self,
        tx: Tx,
        *,
        cause: WorkCause,
        visit_id: str,
        citizen_id: str,
        facility: str,
        link_id: str,
        claim_id: str = "",
        version: int = 0,
        portal_code: str = "",
        message: str = "",
        findings: tuple[KeptFinding, ...] = (),
        lacks: tuple[Lack, ...] = (),
        now: datetime,
    ) -> None:
        """Open a work item; one that is open for the same cause is brought up to date instead."""
        open_ones = await self.store.open_work_items(tx, citizen_id=citizen_id, visit_id=visit_id)
        known = next((each for each in open_ones if (each.cause, each.claim_id) == (cause, claim_id)), None)
        item = WorkItem(
            work_item_id=known.work_item_id if known else self.ids.new(),
            citizen_id=citizen_id,
            visit_id=visit_id,
            facility=facility,
            claim_id=claim_id,
            link_id=link_id,
            version=version,
            cause=cause,
            portal_code=portal_code,
            message=message,
            findings=findings,
            lacks=lacks[:100],
            open_time=known.open_time if known else now,
        )
        if known:
            await self.store.change_work_item(tx, item)
        else:
            await self.store.add_work_item(tx, item)

    async def close_items(
        self,
        tx: Tx,
        *,
        citizen_id: str,
        visit_id: str,
        claim_id: str,
        causes: frozenset[WorkCause],
        now: datetime,
    ) -> None:
        """End the open items of some causes: something newer answered them."""
        for item in await self.store.open_work_items(tx, citizen_id=citizen_id, visit_id=visit_id):
            if item.cause in causes and item.claim_id == claim_id:
                await self.store.change_work_item(
                    tx, replace(item, resolution=Resolution.OVERTAKEN, resolve_time=now)
                )

    async def audit(self, tx: Tx, action: str, *, visit_id: str, citizen_id: str, caller: Caller) -> None:
        """Record who did something to a visit's claim."""
        await audit.record(
            tx,
            action=action,
            resource=f"visits/{visit_id}/claim",
            subject=citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=self.clock.now(),
        )


def reason_of(text: str, field: str) -> str:
    """A person's reason; raises ReasonRequired."""
    reason = text.strip()
    if not 1 <= len(reason) <= REASON_MAX_CHARS:
        raise ReasonRequired(field)
    return reason
