"""Check, sign and hand a claim over for sending; take one back."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from chassis.clock import Clock, Ids
from chassis.crypto import FieldCipher
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, peek, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.claim import COUNTED, UNDER_WAY, Claim, ClaimState, moved, reversed_claim
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_errors import (
    ClaimEnded,
    ClaimNotReady,
    SigningKeyMissing,
    WithdrawalReferenceRequired,
)
from insurance_svc.domain.claim_values import ClaimVersion, ClaimView, Submission, WorkCause, kept
from insurance_svc.operations.claims.deliver import put_message
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.lint import LintClaims
from insurance_svc.ports import ClaimSigner
from standards.claims.lint import LintContext, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What handing over came to."""

    view: ClaimView
    version: int
    report: Report | None
    """None when the claim was on its way before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What was read before the check."""

    claim: Claim
    version: ClaimVersion
    context: LintContext


class SubmitClaims:
    """The verbs behind SubmitClaim and ReverseClaim."""

    def __init__(
        self,
        *,
        db: Database,
        desk: ClaimDesk,
        lint: LintClaims,
        signing: SigningDesk,
        cipher: FieldCipher,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._desk = desk
        self._lint = lint
        self._signing = signing
        self._cipher = cipher
        self._clock = clock
        self._ids = ids

    async def submit(
        self, visit_id: str, *, accept_findings: str, key: RequestKey, caller: Caller
    ) -> Submitted:
        """Hand the newest version over; one with errors only when somebody says why.

        Raises:
            ClaimNotFound, ClaimNotReady, ClaimEnded, SigningKeyMissing.
        """
        ready = await self._db.read(lambda tx: self._ready(tx, visit_id, key, caller))
        if isinstance(ready, ClaimView):
            return Submitted(view=ready, version=ready.claim.version, report=None)
        report = await self._lint.check(ready.version.file, ready.context)
        if not report.is_clean and not accept_findings:
            view = await self._db.write(lambda tx: self._hold(tx, ready, report))
            return Submitted(view=view, version=ready.version.version, report=report)
        file, is_signed = await self._signing.sign(ready.version.file, facility=ready.claim.facility)

        async def work(tx: Tx) -> ClaimView:
            if await recall(tx, key) is None:
                await self._hand_over(
                    tx, ready, file, is_signed=is_signed, reason=accept_findings, caller=caller
                )
                await remember(tx, key, visit_id, "forever")
            return await self._desk.store.view(tx, await self._desk.need(tx, visit_id, caller))

        view = await self._db.write(work)
        return Submitted(view=view, version=ready.version.version, report=report)

    async def reverse(
        self, visit_id: str, *, reason: str, withdrawal_reference: str, key: RequestKey, caller: Caller
    ) -> ClaimView:
        """Take a claim back for good.

        Raises:
            ClaimNotFound, ClaimUnderWay, ClaimEnded.
            WithdrawalReferenceRequired: the portal has it.
        """

        async def work(tx: Tx) -> ClaimView:
            claim = await self._desk.need(tx, visit_id, caller)
            if await recall(tx, key) is None:
                after = reversed_claim(claim, now=self._clock.now())
                if claim.counted_version and not withdrawal_reference:
                    raise WithdrawalReferenceRequired
                told = f"{reason} [{withdrawal_reference}]" if withdrawal_reference else reason
                await self._desk.move(tx, claim, after, reason=told, caller=caller)
                await self._close(tx, after, frozenset(WorkCause))
                await self._desk.audit(
                    tx, "reverse_claim", visit_id=visit_id, citizen_id=claim.citizen_id, caller=caller
                )
                await remember(tx, key, visit_id, "forever")
                claim = after
            return await self._desk.store.view(tx, claim)

        return await self._db.write(work)

    async def _ready(self, tx: Tx, visit_id: str, key: RequestKey, caller: Caller) -> _Ready | ClaimView:
        """What has to be checked and signed, or the claim as it stands when there is nothing to do."""
        claim = await self._desk.need(tx, visit_id, caller)
        done = await peek(tx, key) is not None
        if done or claim.state in UNDER_WAY or claim.state in COUNTED:
            return await self._desk.store.view(tx, claim)
        version = await self._desk.version(tx, claim)
        if claim.state is ClaimState.DRAFT:
            raise ClaimNotReady(lack_count=len(version.lacks))
        if claim.state not in (ClaimState.READY, ClaimState.REJECTED):
            raise ClaimEnded
        context = await self._lint.context(tx, visit_id, claim.link_id, caller)
        return _Ready(claim=claim, version=version, context=context)

    async def _hold(self, tx: Tx, ready: _Ready, report: Report) -> ClaimView:
        """Leave the claim where it is and tell people what is wrong with it; a repeat of the request checks again."""
        claim = ready.claim
        await self._desk.open_item(
            tx,
            cause=WorkCause.FINDINGS,
            visit_id=claim.visit_id,
            citizen_id=claim.citizen_id,
            facility=claim.facility,
            link_id=claim.link_id,
            claim_id=claim.claim_id,
            version=claim.version,
            findings=kept(report.findings),
            now=self._clock.now(),
        )
        return await self._desk.store.view(tx, claim)

    async def _hand_over(
        self, tx: Tx, ready: _Ready, file: bytes, *, is_signed: bool, reason: str, caller: Caller
    ) -> None:
        claim = await self._desk.store.claim(
            tx, citizen_id=ready.claim.citizen_id, claim_id=ready.claim.claim_id
        )
        assert claim is not None, "a claim is never removed"
        if claim.version != ready.version.version or claim.state in UNDER_WAY:
            # Somebody built or handed over meanwhile: that counts.
            return
        now, version = self._clock.now(), ready.version
        submission = Submission(
            submission_id=self._ids.new(),
            citizen_id=claim.citizen_id,
            kind=FileKind.CLAIM,
            visit_id=claim.visit_id,
            facility=claim.facility,
            link_id=claim.link_id,
            claim_id=claim.claim_id,
            version=version.version,
            is_signed=is_signed,
            file_sha256=sha256(file).hexdigest(),
            file=file,
            total_hundredths=version.total_hundredths,
            create_time=now,
            update_time=now,
        )
        after = moved(claim, claim.version, ClaimState.SIGNED, now=now)
        await self._desk.store.add_submission(tx, submission)
        await self._desk.move(tx, claim, after, reason=reason, caller=caller)
        await put_message(tx, submission, now=now, cipher=self._cipher)
        await self._close(tx, claim, frozenset({WorkCause.FINDINGS, WorkCause.REJECTED}))
        await self._desk.audit(
            tx, "submit_claim", visit_id=claim.visit_id, citizen_id=claim.citizen_id, caller=caller
        )

    async def _close(self, tx: Tx, claim: Claim, causes: frozenset[WorkCause]) -> None:
        await self._desk.close_items(
            tx,
            citizen_id=claim.citizen_id,
            visit_id=claim.visit_id,
            claim_id=claim.claim_id,
            causes=causes,
            now=self._clock.now(),
        )


class SigningDesk:
    """Signs with the facility's key, or lets a file through unsigned where a setting allows it."""

    def __init__(self, signer: ClaimSigner, *, allow_unsigned: bool) -> None:
        self._signer = signer
        self._allow_unsigned = allow_unsigned

    async def sign(self, document: bytes, *, facility: str) -> tuple[bytes, bool]:
        """The bytes to send, and whether they are signed; raises SigningKeyMissing."""
        signed = await self._signer.sign(document, facility=facility)
        if signed is not None:
            return signed, True
        if not self._allow_unsigned:
            raise SigningKeyMissing(facility)
        return document, False
