"""Compare what the portal answered with its own receipts: an accepted claim may be refused or lost afterwards.

One list a facility and day is asked for, whatever the number of claims: accounts that ask too often may be restricted.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, time, timedelta

import structlog

from chassis.clock import Clock
from chassis.crypto import FieldCipher
from chassis.db import Database, Tx
from chassis.errors import AppError
from chassis.rpc.context import Caller, acting_as
from insurance_svc.domain.claim import Claim, ClaimState, moved
from insurance_svc.domain.claim_answer import Fate, FileKind, Receipt, decided
from insurance_svc.domain.claim_facts import VIETNAM, day_of
from insurance_svc.domain.claim_values import KeptFinding, Submission, WorkCause, kept
from insurance_svc.operations.claims.deliver import RECEIPTS_MS, put_message
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.lint import LintClaims
from insurance_svc.ports import ClaimPortal
from insurance_svc.store.confirmation_store import ConfirmationStore, Unconfirmed
from standards.claims.lint import LintContext

DAYS = 3
"""How many days back receipts are asked for."""
PAGE = 200
LOST = "RECEIPT_MISSING"

_log = structlog.get_logger("insurance.claims")


class TrackClaims:
    """A worker that looks for accepted claims among the receipts."""

    def __init__(
        self,
        *,
        db: Database,
        desk: ClaimDesk,
        store: ConfirmationStore,
        portal: ClaimPortal,
        lint: LintClaims,
        cipher: FieldCipher,
        clock: Clock,
        caller: Caller,
        every_s: float,
        settle_s: float,
    ) -> None:
        """Take what the worker needs.

        Args:
            caller: On whose behalf.
            every_s: Time between two looks.
            settle_s: How long after sending a receipt may still appear.
        """
        self._db = db
        self._desk = desk
        self._store = store
        self._portal = portal
        self._lint = lint
        self._cipher = cipher
        self._clock = clock
        self._caller = caller
        self._every_s = every_s
        self._settle_s = settle_s

    async def run(self) -> None:
        """Look again and again until cancelled; a failing store or portal makes it wait, not end."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.step()
            except AppError as error:
                _log.warning("claims were not compared with the receipts", reason=error.reason)

    async def step(self) -> int:
        """Compare every facility and day that has something to compare; how many claims came to an end."""
        now = self._clock.now()
        first = _midnight(now) - timedelta(days=DAYS - 1)
        settled = now - timedelta(seconds=self._settle_s)
        count = 0
        with acting_as(self._caller):
            facilities = await self._db.read(lambda tx: self._store.facilities(tx, from_time=first))
            for facility in facilities:
                for number in range(DAYS):
                    start = first + timedelta(days=number)
                    end = min(start + timedelta(days=1), settled)
                    if start < end:
                        count += await self._compare(facility, start, end)
        return count

    async def _compare(self, facility: str, start: datetime, end: datetime) -> int:
        """The claims of one facility and day against one list; asked for only where there are any."""
        count, after_id = 0, ""
        listed: dict[str, Receipt] | None = None
        while page := await self._page(facility, start, end, after_id):
            if listed is None:
                receipts = await self._portal.receipts(
                    FileKind.CLAIM, facility=facility, day=day_of(start), within_ms=RECEIPTS_MS
                )
                if receipts is None:
                    return count
                listed = {each.transaction_number: each for each in receipts}
            for each in page:
                count += await self._look(each, listed.get(each.transaction_number))
            after_id = page[-1].submission_id
        return count

    async def _page(self, facility: str, start: datetime, end: datetime, after_id: str) -> list[Unconfirmed]:
        return await self._db.read(
            lambda tx: self._store.page(
                tx, facility=facility, from_time=start, to_time=end, after_id=after_id, page_size=PAGE
            )
        )

    async def _look(self, found: Unconfirmed, receipt: Receipt | None) -> int:
        """Bring one claim to what its receipt says; 1 unless that is not decided yet."""
        fate = Fate.NOT_THERE if receipt is None else decided(receipt)
        if fate is Fate.PENDING:
            return 0
        message = receipt.description if receipt else ""
        findings = await self._findings(found) if fate is Fate.REFUSED else ()
        await self._db.write(lambda tx: self._keep(tx, found, fate, message, findings))
        return 1

    async def _findings(self, found: Unconfirmed) -> tuple[KeptFinding, ...]:
        """Our own findings about a file that the portal refused after all."""

        async def work(tx: Tx) -> tuple[Submission, LintContext]:
            submission = await self._submission(tx, found)
            context = await self._lint.context(tx, submission.visit_id, submission.link_id, self._caller)
            return submission, context

        submission, context = await self._db.read(work)
        return kept((await self._lint.check(submission.file, context)).findings)

    async def _keep(
        self, tx: Tx, found: Unconfirmed, fate: Fate, message: str, findings: tuple[KeptFinding, ...]
    ) -> None:
        await self._store.confirm(tx, citizen_id=found.citizen_id, submission_id=found.submission_id)
        if fate is Fate.ACCEPTED:
            return
        submission = await self._submission(tx, found)
        claim = await self._desk.store.claim(
            tx, citizen_id=submission.citizen_id, claim_id=submission.claim_id
        )
        assert claim is not None, "a submission's claim exists"
        is_newest = claim.version == submission.version
        if claim.states[submission.version - 1] is not ClaimState.ACCEPTED or not is_newest:
            # Settled, taken back, or a newer version is there: that one decides.
            return
        now = self._clock.now()
        to = ClaimState.REJECTED if fate is Fate.REFUSED else ClaimState.UNKNOWN
        changed = replace(
            submission,
            state=to,
            message=message or submission.message,
            failure_reason="" if fate is Fate.REFUSED else LOST,
            # A lost file has no number any more: its next receipt shall be found as ours.
            transaction_number=submission.transaction_number if fate is Fate.REFUSED else "",
            update_time=now,
        )
        await self._desk.store.change_submission(tx, changed)
        await self._desk.move(
            tx,
            claim,
            moved(claim, claim.version, to, now=now),
            reason=changed.failure_reason,
            caller=self._caller,
        )
        if fate is Fate.REFUSED:
            await self._tell(tx, claim, changed, findings)
        else:
            await put_message(tx, changed, now=now, cipher=self._cipher, attempt=submission.send_count + 1)
        await self._desk.audit(
            tx, "claim_tracked", visit_id=claim.visit_id, citizen_id=claim.citizen_id, caller=self._caller
        )

    async def _tell(
        self, tx: Tx, claim: Claim, changed: Submission, findings: tuple[KeptFinding, ...]
    ) -> None:
        await self._desk.open_item(
            tx,
            cause=WorkCause.REJECTED,
            visit_id=claim.visit_id,
            citizen_id=claim.citizen_id,
            facility=claim.facility,
            link_id=claim.link_id,
            claim_id=claim.claim_id,
            version=claim.version,
            portal_code=changed.portal_code,
            message=changed.message,
            findings=findings,
            now=changed.update_time,
        )

    async def _submission(self, tx: Tx, found: Unconfirmed) -> Submission:
        submission = await self._desk.store.submission(
            tx, citizen_id=found.citizen_id, submission_id=found.submission_id
        )
        assert submission is not None, "a submission is never removed"
        return submission


def _midnight(moment: datetime) -> datetime:
    """The first instant of a moment's day in Viet Nam."""
    return datetime.combine(day_of(moment), time(), VIETNAM)
