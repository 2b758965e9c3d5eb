"""Send what was handed over, keep the portal's answer, and ask before sending again what may have arrived."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from chassis import outbox
from chassis.clock import Clock
from chassis.crypto import FieldCipher
from chassis.db import Database, Tx
from chassis.outbox import Message, RetryLater
from chassis.rpc.context import current_caller, remaining_ms
from insurance_svc.domain.claim import UNDER_WAY, ClaimState, moved
from insurance_svc.domain.claim_amounts import cents
from insurance_svc.domain.claim_answer import Fate, FileKind, FoundFate, PortalAnswer, SendOutcome, fate_of
from insurance_svc.domain.claim_facts import day_of
from insurance_svc.domain.claim_values import KeptFinding, Submission, WorkCause, kept
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.facts import FactsReader
from insurance_svc.operations.claims.lint import LintClaims
from insurance_svc.ports import ClaimPortal

CLAIM_DESTINATION = "claims"
"""Name of the outbox queue of claims and check-ins."""
GROWTH = 0.5
WAIT_MAX_S = 600.0
RECEIPTS_MS = 10_000
NEIGHBOURS = timedelta(days=1)
"""How much earlier than a file another one may have been sent whose receipt could be taken for its own."""
_MARGIN_MS = 1_000
"""A call ends this much before the delivery, so that its outcome is kept."""
_AFTER_ANSWER = {SendOutcome.ACCEPTED: ClaimState.ACCEPTED, SendOutcome.REFUSED: ClaimState.REJECTED}
_OVER = frozenset({WorkCause.FINDINGS, WorkCause.REJECTED, WorkCause.FATE_UNKNOWN})

_log = structlog.get_logger("insurance.claims")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How patiently claims are sent."""

    send_timeout_s: float
    """Time one file may take to be sent and answered."""
    retry_wait_s: float
    """First wait after the portal did not take a file; it grows with the file's age."""
    receipt_wait_s: float
    """How long after a sending its receipt may still appear; before that, a missing one proves nothing."""
    fate_alarm_s: float
    """How long a file's fate may stay unknown before people are told."""
    resend_unknown: bool
    """Send again also when the portal cannot tell; a resend with the same MA_LK replaces there (not documented)."""


async def put_message(
    tx: Tx, submission: Submission, *, now: datetime, cipher: FieldCipher, attempt: int = 1
) -> None:
    """Put a submission on its way, in the transaction that hands it over.

    Args:
        attempt: Above 1 where the portal accepted the file and lost it.
    """
    place = {"citizen_id": submission.citizen_id, "submission_id": submission.submission_id}
    await outbox.put(
        tx,
        destination=CLAIM_DESTINATION,
        order_key=submission.visit_id,
        payload=json.dumps(place).encode(),
        message_id=f"claim-{submission.submission_id}-{attempt}",
        now=now,
        cipher=cipher,
    )


class DeliverClaims:
    """Delivers the messages of the queue `claims`."""

    def __init__(
        self,
        *,
        db: Database,
        desk: ClaimDesk,
        portal: ClaimPortal,
        facts: FactsReader,
        lint: LintClaims,
        rules: DeliveryRules,
        clock: Clock,
    ) -> None:
        self._db = db
        self._desk = desk
        self._portal = portal
        self._facts = facts
        self._lint = lint
        self._rules = rules
        self._clock = clock

    async def __call__(self, message: Message) -> None:
        """Bring one submission to its end.

        A file that may have arrived is asked for first, also after a kill of this process: it is marked as sent before
        it leaves.

        Raises:
            RetryLater: the portal is away, or its answer is not known; the try does not count.
        """
        place = json.loads(message.payload)
        submission = await self._db.read(
            lambda tx: self._desk.store.submission(
                tx, citizen_id=place["citizen_id"], submission_id=place["submission_id"]
            )
        )
        if submission is None or submission.state not in UNDER_WAY:
            return None
        in_doubt = False
        if submission.state is not ClaimState.SIGNED:
            found = await self._ask(submission)
            if found.fate in (Fate.ACCEPTED, Fate.REFUSED):
                return await self._keep_fate(submission, found)
            in_doubt = found.fate is Fate.CANNOT_TELL
            await self._wait_in_doubt(submission, found)
        before, submission = submission, await self._db.write(lambda tx: self._begin(tx, place))
        if submission is None:
            return None
        answer = await self._portal.send(
            submission.kind,
            facility=submission.facility,
            province_code=self._facts.province_of(submission.facility),
            content=submission.file,
            within_ms=self._within_ms(),
        )
        await self._keep(before, submission, answer, in_doubt=in_doubt)
        return None

    async def _ask(self, submission: Submission) -> FoundFate:
        """Look for a file among the receipts of the day on which it was sent last."""
        assert submission.first_send_time is not None, "it was marked as sent"
        assert submission.last_send_time is not None, "it was marked as sent"
        receipts = await self._portal.receipts(
            submission.kind,
            facility=submission.facility,
            day=day_of(submission.last_send_time),
            within_ms=RECEIPTS_MS,
        )
        if receipts is None:
            return FoundFate(fate=Fate.CANNOT_TELL)
        first = submission.first_send_time
        others, has_rivals = await self._db.read(
            lambda tx: self._desk.store.beside(tx, submission, from_time=first - NEIGHBOURS)
        )
        return fate_of(
            receipts,
            link_id=submission.link_id,
            total=cents(submission.total_hundredths) if submission.kind is FileKind.CLAIM else None,
            sent_after=first,
            known_numbers=others,
            has_rivals=has_rivals,
        )

    async def _wait_in_doubt(self, submission: Submission, found: FoundFate) -> None:
        """Return when the file may be sent again, else note the doubt and raise RetryLater."""
        assert submission.first_send_time is not None, "it was marked as sent"
        assert submission.last_send_time is not None, "it was marked as sent"
        now = self._clock.now()
        age_s = (now - submission.last_send_time).total_seconds()
        # A check-in carries no money and is keyed by its visit.
        in_hope = self._rules.resend_unknown or submission.kind is FileKind.CHECK_IN
        may_repeat = found.fate is Fate.NOT_THERE or (found.fate is Fate.CANNOT_TELL and in_hope)
        if may_repeat and age_s >= self._rules.receipt_wait_s:
            return
        is_old = (now - submission.first_send_time).total_seconds() >= self._rules.fate_alarm_s
        if submission.state is not ClaimState.UNKNOWN or is_old:
            await self._db.write(lambda tx: self._doubt(tx, submission, tell_people=is_old))
        if may_repeat:
            raise RetryLater(max(self._rules.receipt_wait_s - age_s, 0.05))
        raise RetryLater(self._grown(age_s))

    async def _doubt(self, tx: Tx, submission: Submission, *, tell_people: bool) -> None:
        """Keep that the fate is not known, and tell people once it has been so for long."""
        now = self._clock.now()
        fresh = await self._fresh(tx, submission)
        if fresh is None:
            return
        if fresh.state is ClaimState.SENT:
            changed = replace(fresh, state=ClaimState.UNKNOWN, update_time=now)
            await self._change(tx, changed, reason=fresh.failure_reason or "ANSWER_LOST")
        if tell_people:
            await self._tell(tx, fresh, WorkCause.FATE_UNKNOWN)

    async def _begin(self, tx: Tx, place: dict[str, str]) -> Submission | None:
        """Mark a submission as sent, before it leaves; None when it came to its end meanwhile."""
        fresh = await self._desk.store.submission(tx, **place)
        if fresh is None or fresh.state not in UNDER_WAY:
            return None
        now = self._clock.now()
        sent = replace(
            fresh,
            state=ClaimState.SENT,
            send_count=fresh.send_count + 1,
            first_send_time=fresh.first_send_time or now,
            last_send_time=now,
            update_time=now,
        )
        await self._change(tx, sent, reason="", is_quiet=bool(fresh.failure_reason))
        return sent

    async def _keep(
        self, before: Submission, sent: Submission, answer: PortalAnswer, *, in_doubt: bool
    ) -> None:
        """Keep what the portal answered; raises RetryLater when that was no end."""
        now = self._clock.now()
        told = replace(
            sent,
            portal_code=answer.code or sent.portal_code,
            message=answer.message or sent.message,
            failure_reason=answer.failure_reason,
            update_time=now,
        )
        if answer.outcome in _AFTER_ANSWER:
            told = replace(
                told,
                state=_AFTER_ANSWER[answer.outcome],
                answer_time=now,
                transaction_number=answer.transaction_number,
            )
            return await self._settle(told)
        if answer.outcome is SendOutcome.NOT_TAKEN:
            # Nothing arrived: what was known before this try still holds.
            told = replace(
                told,
                state=ClaimState.UNKNOWN if in_doubt else ClaimState.SIGNED,
                send_count=before.send_count,
                first_send_time=before.first_send_time,
                last_send_time=before.last_send_time,
                failure_reason=answer.failure_reason or f"PORTAL_CODE_{answer.code}",
            )
            _log.warning("the portal did not take a claim file", reason=told.failure_reason)
        else:
            told = replace(
                told,
                state=ClaimState.UNKNOWN,
                failure_reason=answer.failure_reason or f"PORTAL_CODE_{answer.code}",
            )
        is_quiet = answer.outcome is SendOutcome.NOT_TAKEN
        await self._db.write(lambda tx: self._note(tx, told, is_quiet=is_quiet))
        age_s = (now - sent.create_time).total_seconds()
        raise RetryLater(self._grown(age_s) if is_quiet else self._rules.retry_wait_s)

    async def _keep_fate(self, submission: Submission, found: FoundFate) -> None:
        """Keep what the receipts told."""
        now = self._clock.now()
        told = replace(
            submission,
            state=ClaimState.ACCEPTED if found.fate is Fate.ACCEPTED else ClaimState.REJECTED,
            transaction_number=found.transaction_number,
            message=found.message or submission.message,
            answer_time=now,
            failure_reason="",
            update_time=now,
        )
        await self._settle(told)

    async def _settle(self, told: Submission) -> None:
        """Keep an end; for a refused claim our own findings are looked up before the transaction."""
        findings: tuple[KeptFinding, ...] = ()
        if told.state is ClaimState.REJECTED and told.kind is FileKind.CLAIM:
            caller = current_caller()
            context = await self._db.read(
                lambda tx: self._lint.context(tx, told.visit_id, told.link_id, caller)
            )
            findings = kept((await self._lint.check(told.file, context)).findings)
        await self._db.write(lambda tx: self._end(tx, told, findings))

    async def _note(self, tx: Tx, told: Submission, *, is_quiet: bool) -> None:
        if await self._fresh(tx, told) is not None:
            await self._change(tx, told, reason=told.failure_reason, is_quiet=is_quiet)

    async def _end(self, tx: Tx, told: Submission, findings: tuple[KeptFinding, ...]) -> None:
        """Keep an end, with its work item; one that a person told meanwhile stays."""
        if await self._fresh(tx, told) is None:
            return
        await self._change(tx, told, reason=told.portal_code)
        await self._desk.close_items(
            tx,
            citizen_id=told.citizen_id,
            visit_id=told.visit_id,
            claim_id=told.claim_id,
            causes=_OVER,
            now=told.update_time,
        )
        if told.state is ClaimState.REJECTED:
            await self._tell(tx, told, WorkCause.REJECTED, findings)
        await self._desk.audit(
            tx,
            f"{told.kind.value.lower()}_{told.state.value.lower()}",
            visit_id=told.visit_id,
            citizen_id=told.citizen_id,
            caller=current_caller(),
        )

    async def _fresh(self, tx: Tx, told: Submission) -> Submission | None:
        """The submission as it stands, unless it came to its end."""
        fresh = await self._desk.store.submission(
            tx, citizen_id=told.citizen_id, submission_id=told.submission_id
        )
        return fresh if fresh is not None and fresh.state in UNDER_WAY else None

    async def _change(self, tx: Tx, told: Submission, *, reason: str, is_quiet: bool = False) -> None:
        """Keep a submission's standing, and its version's with it."""
        await self._desk.store.change_submission(tx, told)
        if told.kind is FileKind.CHECK_IN:
            return
        claim = await self._desk.store.claim(tx, citizen_id=told.citizen_id, claim_id=told.claim_id)
        assert claim is not None, "a submission's claim exists"
        if claim.states[told.version - 1] is told.state:
            return
        after = moved(claim, told.version, told.state, now=told.update_time)
        await self._desk.move(tx, claim, after, reason=reason, caller=current_caller(), is_quiet=is_quiet)

    async def _tell(
        self, tx: Tx, told: Submission, cause: WorkCause, findings: tuple[KeptFinding, ...] = ()
    ) -> None:
        """Open a work item with the portal's words beside our own findings."""
        await self._desk.open_item(
            tx,
            cause=cause,
            visit_id=told.visit_id,
            citizen_id=told.citizen_id,
            facility=told.facility,
            link_id=told.link_id,
            claim_id=told.claim_id,
            version=told.version,
            portal_code=told.portal_code,
            message=told.message,
            findings=findings,
            now=self._clock.now(),
        )

    def _within_ms(self) -> int:
        left = remaining_ms()
        asked = int(self._rules.send_timeout_s * 1000)
        return asked if left is None else max(min(asked, left - _MARGIN_MS), 1)

    def _grown(self, age_s: float) -> float:
        """Seconds until the next try: short at first, then by the file's age."""
        return max(self._rules.retry_wait_s, min(age_s * GROWTH, WAIT_MAX_S))
