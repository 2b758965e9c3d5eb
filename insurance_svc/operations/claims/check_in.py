"""Hand the check-in of an insured visit (table XML0) over for sending."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from chassis.clock import Clock, Ids
from chassis.crypto import FieldCipher
from chassis.db import Database, Tx
from chassis.errors import OtherFacility
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.benefit import benefit_of
from insurance_svc.domain.benefit_cases import VisitFacts
from insurance_svc.domain.claim import ClaimState
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_builder import is_claimable
from insurance_svc.domain.claim_check_in import build_check_in, check_in_bytes
from insurance_svc.domain.claim_errors import VisitNotInsured
from insurance_svc.domain.claim_facts import ClaimFacts, StayKind, day_of
from insurance_svc.domain.claim_values import Submission
from insurance_svc.domain.tables import Rules
from insurance_svc.operations.claims.deliver import put_message
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.facts import FactsReader
from insurance_svc.operations.claims.submit import SigningDesk
from standards.claims import schema_for


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The bytes of a check-in and whose it is."""

    facts: ClaimFacts
    file: bytes
    is_signed: bool


class SubmitCheckIn:
    """The verb behind SubmitCheckIn."""

    def __init__(
        self,
        *,
        db: Database,
        desk: ClaimDesk,
        facts: FactsReader,
        signing: SigningDesk,
        rules: Rules,
        cipher: FieldCipher,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._desk = desk
        self._facts = facts
        self._signing = signing
        self._rules = rules
        self._cipher = cipher
        self._clock = clock
        self._ids = ids

    async def __call__(self, visit_id: str, *, key: RequestKey, caller: Caller) -> Submission:
        """Hand a visit's check-in over; one that was not refused is answered as it stands.

        Raises:
            VISIT_NOT_FOUND, CITIZEN_NOT_FOUND: as the record and the index answer.
            VisitNotInsured, CheckInNotReady, SigningKeyMissing, ClaimVersionUnknown.
        """
        facts = await self._facts.read(visit_id, caller=caller)
        if caller.facility and caller.facility != facts.visit.facility:
            raise OtherFacility
        if not is_claimable(facts):
            raise VisitNotInsured
        row = build_check_in(facts, visit_code=self._visit_code(facts))
        document = check_in_bytes(row, schema_for(day_of(facts.visit.open_time)))
        file, is_signed = await self._signing.sign(document, facility=facts.visit.facility)
        made = _Made(facts=facts, file=file, is_signed=is_signed)

        async def work(tx: Tx) -> Submission:
            citizen_id = facts.visit.citizen_id
            listed = await self._desk.store.submissions(tx, citizen_id=citizen_id, visit_id=visit_id)
            sent = [each for each in listed if each.kind is FileKind.CHECK_IN]
            is_new = await recall(tx, key) is None
            if sent and (not is_new or sent[-1].state is not ClaimState.REJECTED):
                submission = sent[-1]
            else:
                submission = await self._hand_over(tx, made, caller)
            if is_new:
                await remember(tx, key, submission.submission_id)
            return submission

        return await self._db.write(work)

    def _visit_code(self, facts: ClaimFacts) -> str:
        """The code of the split, or what the rules give a visit that was not split yet."""
        if facts.split is not None and facts.split.split.visit_code:
            return facts.split.split.visit_code
        visit = facts.visit
        told = VisitFacts(
            facility=visit.facility,
            service_date=day_of(visit.open_time),
            visit_code="",
            is_inpatient=visit.kind is StayKind.INPATIENT,
            is_emergency=visit.kind is StayKind.EMERGENCY,
            covered_vnd=0,
        )
        finding = facts.coverage.finding if facts.coverage else None
        return benefit_of(finding, told, self._rules)[0]

    async def _hand_over(self, tx: Tx, made: _Made, caller: Caller) -> Submission:
        now, visit = self._clock.now(), made.facts.visit
        submission = Submission(
            submission_id=self._ids.new(),
            citizen_id=visit.citizen_id,
            kind=FileKind.CHECK_IN,
            visit_id=visit.visit_id,
            facility=visit.facility,
            link_id=visit.link_id,
            is_signed=made.is_signed,
            file_sha256=sha256(made.file).hexdigest(),
            file=made.file,
            create_time=now,
            update_time=now,
        )
        await self._desk.store.add_submission(tx, submission)
        await put_message(tx, submission, now=now, cipher=self._cipher)
        await self._desk.audit(
            tx, "submit_check_in", visit_id=visit.visit_id, citizen_id=visit.citizen_id, caller=caller
        )
        return submission
