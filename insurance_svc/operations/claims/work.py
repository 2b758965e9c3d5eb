"""List what people have to look at, and keep what they decided."""

from __future__ import annotations

from dataclasses import replace

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.claim import ClaimState, moved
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_errors import ResolutionNotPossible, WorkItemNotFound, WorkItemResolved
from insurance_svc.domain.claim_values import Resolution, Submission, WorkCause, WorkItem
from insurance_svc.operations.claims.desk import ClaimDesk

_ABOUT_FATE = {
    Resolution.SEND_AGAIN: ClaimState.SIGNED,
    Resolution.PORTAL_HAS_IT: ClaimState.ACCEPTED,
}


class WorkItems:
    """The verbs behind ListWorkItems and ResolveWorkItem."""

    def __init__(self, *, db: Database, desk: ClaimDesk, clock: Clock) -> None:
        self._db = db
        self._desk = desk
        self._clock = clock

    async def page(
        self,
        caller: Caller,
        *,
        after: tuple[str, str],
        cause: WorkCause | None,
        show_resolved: bool,
        page_size: int,
    ) -> list[WorkItem]:
        """A page of the facility's items, oldest first."""
        return await self._db.read(
            lambda tx: self._desk.store.work_item_page(
                tx,
                facility=caller.facility,
                after=after,
                cause=cause,
                show_resolved=show_resolved,
                page_size=page_size,
            )
        )

    async def resolve(
        self,
        work_item_id: str,
        *,
        resolution: Resolution,
        note: str,
        transaction_number: str,
        key: RequestKey,
        caller: Caller,
    ) -> WorkItem:
        """End an item.

        Raises:
            WorkItemNotFound, WorkItemResolved.
            ResolutionNotPossible: it answers another cause, or the portal's number is missing.
        """

        async def work(tx: Tx) -> WorkItem:
            item = await self._desk.store.work_item(tx, work_item_id)
            if item is None or (caller.facility and caller.facility != item.facility):
                raise WorkItemNotFound
            if await recall(tx, key) is not None:
                return item
            if item.resolution is not Resolution.OPEN:
                raise WorkItemResolved
            if resolution in _ABOUT_FATE:
                await self._decide(tx, item, resolution, transaction_number, caller)
            done = replace(
                item,
                resolution=resolution,
                resolver=caller.subject,
                resolve_time=self._clock.now(),
                note=note,
            )
            await self._desk.store.change_work_item(tx, done)
            await self._desk.audit(
                tx,
                "resolve_claim_work_item",
                visit_id=item.visit_id,
                citizen_id=item.citizen_id,
                caller=caller,
            )
            await remember(tx, key, work_item_id)
            return done

        return await self._db.write(work)

    async def _decide(
        self, tx: Tx, item: WorkItem, resolution: Resolution, transaction_number: str, caller: Caller
    ) -> None:
        """Say what became of a file whose fate nobody knew; the worker goes on from there."""
        if item.cause is not WorkCause.FATE_UNKNOWN:
            raise ResolutionNotPossible
        if resolution is Resolution.PORTAL_HAS_IT and not transaction_number:
            raise ResolutionNotPossible("transaction_number")
        submission = await self._in_doubt(tx, item)
        now, to = self._clock.now(), _ABOUT_FATE[resolution]
        changed = replace(
            submission, state=to, update_time=now, failure_reason="", transaction_number=transaction_number
        )
        if to is ClaimState.ACCEPTED:
            changed = replace(changed, answer_time=now)
        await self._desk.store.change_submission(tx, changed)
        if submission.kind is FileKind.CLAIM:
            claim = await self._desk.store.claim(tx, citizen_id=item.citizen_id, claim_id=item.claim_id)
            assert claim is not None, "a submission's claim exists"
            after = moved(claim, submission.version, to, now=now)
            await self._desk.move(tx, claim, after, reason=resolution.value, caller=caller)

    async def _in_doubt(self, tx: Tx, item: WorkItem) -> Submission:
        """The file an item is about; raises ResolutionNotPossible when its fate is known by now."""
        listed = await self._desk.store.submissions(tx, citizen_id=item.citizen_id, visit_id=item.visit_id)
        for each in reversed(listed):
            if (each.claim_id, each.version, each.state) == (item.claim_id, item.version, ClaimState.UNKNOWN):
                whole = await self._desk.store.submission(
                    tx, citizen_id=each.citizen_id, submission_id=each.submission_id
                )
                assert whole is not None, "a listed submission exists"
                return whole
        raise ResolutionNotPossible
