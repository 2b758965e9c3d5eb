"""Apply a proposal of a check, take it back, list what was applied; facts are added and never overwritten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.card import read_card
from identity_svc.domain.doubts import cause_of
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.explanations import ASK_REGISTER_CORRECTION
from identity_svc.domain.judgement import no_longer_explained
from identity_svc.domain.model import Citizen, Demographics, FieldCheck, Verification
from identity_svc.domain.repair_errors import (
    RepairNotFound,
    RepairNotProposed,
    RepairOvertaken,
    RepairUndone,
    VerificationNotFound,
)
from identity_svc.domain.repairing import AppliedRepair, plan_repair, value_of
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import IdentityStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A repair that was applied or taken back, with the citizen as they stand now."""

    repair: AppliedRepair
    citizen: Citizen


class Repairs:
    """The verbs ApplyRepair, UndoRepair and ListRepairs."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        repairs: RepairsStore,
        desk: CaseDesk,
        notice: FactsNotice,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._repairs = repairs
        self._desk = desk
        self._notice = notice
        self._clock = clock
        self._ids = ids

    async def apply(
        self,
        citizen_id: str,
        verification_id: str,
        *,
        field: str,
        code: str,
        value: str,
        key: RequestKey,
        caller: Caller,
    ) -> Repaired:
        """Apply one proposal of one field of a check.

        Raises:
            CitizenNotFound, VerificationNotFound.
            RepairNotProposed, RepairNeedsScan, RepairNeedsValue, RepairValueWrong, RepairOvertaken: as plan_repair.
        """

        async def work(tx: Tx) -> Repaired:
            if (done := await recall(tx, key)) is not None:
                return await self._replayed(tx, done)
            citizen = await self._read(tx, citizen_id)
            verification, check = await self._checked(tx, citizen.citizen_id, verification_id, field)
            reading = await self._store.reading(tx, citizen.citizen_id, verification.reading_id)
            assert reading is not None, "a check has its reading"
            stored, now = citizen.demographics, self._clock.now()
            plan = plan_repair(check, code, value=value, card=read_card(reading.raw_text), stored=stored)
            repair_id = self._ids.new()
            facts = stored
            if plan.facts != stored:
                facts = await self._add_facts(tx, citizen, replace(plan.facts, repair_id=repair_id), now=now)
            repair = AppliedRepair(
                citizen_id=citizen.citizen_id,
                repair_id=repair_id,
                verification_id=verification_id,
                field=field,
                reason=check.reason,
                code=code,
                before_version=stored.version,
                after_version=facts.version,
                value_before=value_of(stored, field),
                value_after=value_of(facts, field),
                accepted_names=plan.accepted_names,
                apply_subject=caller.subject,
                apply_time=now,
                undo_subject="",
                undo_time=None,
            )
            await self._repairs.add(tx, repair)
            if facts is not stored:
                repaired = replace(citizen, demographics=facts)
                await self._notice.tell(
                    tx, repaired, facility_code=reading.facility_code, ward_code=plan.ward_code, now=now
                )
            await self._settle(tx, repair, now=now)
            await self._note(tx, "apply_repair", repair, caller=caller, now=now)
            await remember(tx, key, f"{repair.citizen_id} {repair_id}")
            return Repaired(repair=repair, citizen=await self._read(tx, repair.citizen_id))

        return await self._db.write(work)

    async def undo(self, citizen_id: str, repair_id: str, *, key: RequestKey, caller: Caller) -> Repaired:
        """Take a repair back: the facts in force before it are added again, its accepted names end.

        Raises:
            CitizenNotFound, RepairNotFound, RepairUndone.
            RepairOvertaken: facts that are newer than the repair's are in force.
        """

        async def work(tx: Tx) -> Repaired:
            if (done := await recall(tx, key)) is not None:
                return await self._replayed(tx, done)
            citizen = await self._read(tx, citizen_id)
            repair = await self._repairs.read(tx, citizen.citizen_id, repair_id)
            if repair is None:
                raise RepairNotFound
            now = self._clock.now()
            has_facts = repair.after_version != repair.before_version
            if has_facts and repair.undo_time is None and citizen.demographics.repair_id != repair_id:
                raise RepairOvertaken
            if not await self._repairs.undo(tx, repair, subject=caller.subject, now=now):
                raise RepairUndone
            if has_facts:
                before = await self._store.facts_at(tx, citizen.citizen_id, repair.before_version)
                facts = await self._add_facts(tx, citizen, before, now=now)
                await self._notice.tell(tx, replace(citizen, demographics=facts), is_undo=True, now=now)
            if repair.verification_id:
                # A correction that a citizen asked for comes from no check.
                await self._doubt_again(tx, repair, now=now)
            await self._note(tx, "undo_repair", repair, caller=caller, now=now)
            await remember(tx, key, f"{citizen.citizen_id} {repair_id}")
            return await self._replayed(tx, f"{citizen.citizen_id} {repair_id}")

        return await self._db.write(work)

    async def list(
        self, citizen_id: str, *, before_id: str, page_size: int, caller: Caller
    ) -> list[AppliedRepair]:
        """A page of a citizen's repairs, newest first.

        Raises:
            CitizenNotFound: nobody has this id.
        """

        async def work(tx: Tx) -> list[AppliedRepair]:
            citizen = await self._read(tx, citizen_id)
            found = await self._repairs.list(tx, citizen.citizen_id, before_id=before_id, page_size=page_size)
            await audit.record(
                tx,
                action="list_repairs",
                resource=f"citizens/{citizen.citizen_id}/repairs",
                subject=citizen.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            return found

        return await self._db.write(work)

    async def _read(self, tx: Tx, citizen_id: str) -> Citizen:
        citizen = await self._store.read_full(tx, citizen_id)
        if citizen is None:
            raise CitizenNotFound
        return citizen

    async def _checked(
        self, tx: Tx, citizen_id: str, verification_id: str, field: str
    ) -> tuple[Verification, FieldCheck]:
        verification = await self._store.verification(tx, citizen_id, verification_id)
        if verification is None:
            raise VerificationNotFound
        for check in verification.fields:
            if check.field == field:
                return verification, check
        raise RepairNotProposed

    async def _add_facts(
        self, tx: Tx, citizen: Citizen, facts: Demographics, *, now: datetime
    ) -> Demographics:
        """Add facts after those in force."""
        newest = replace(facts, version=citizen.demographics.version + 1)
        await self._store.add_demographics(
            tx,
            citizen.citizen_id,
            newest,
            reading_id=facts.reading_id,
            register_time=citizen.create_time,
            now=now,
        )
        return newest

    async def _settle(self, tx: Tx, repair: AppliedRepair, *, now: datetime) -> None:
        """Close the case of the doubt that the repair settles; asking for a correction settles none."""
        cause = cause_of(repair.reason)
        if cause is not None and repair.code != ASK_REGISTER_CORRECTION.code:
            await self._desk.close(
                tx,
                cause=cause,
                citizen_id=repair.citizen_id,
                field=repair.field,
                resolution="REPAIR_APPLIED",
                now=now,
            )

    async def _doubt_again(self, tx: Tx, repair: AppliedRepair, *, now: datetime) -> None:
        """Open the doubt again that the repair settled, and let no check count that its alias explained."""
        cause = cause_of(repair.reason)
        if cause is not None and repair.code != ASK_REGISTER_CORRECTION.code:
            await self._desk.open(
                tx,
                cause=cause,
                citizen_id=repair.citizen_id,
                field=repair.field,
                evidence={"reason": repair.reason, "verification": repair.verification_id},
                now=now,
            )
        if not repair.accepted_names:
            return
        # A confirmed check answers for its card without asking again; the newest of each card counts.
        for explained in await self._store.checks_explained(tx, repair.citizen_id):
            outcome, fields = no_longer_explained(explained.fields)
            await self._store.add_verification(
                tx,
                replace(explained, verification_id=self._ids.new(), outcome=outcome, fields=fields),
            )

    async def _replayed(self, tx: Tx, result: str) -> Repaired:
        citizen_id, repair_id = result.split(" ")
        repair = await self._repairs.read(tx, citizen_id, repair_id)
        assert repair is not None, "a remembered repair is kept"
        return Repaired(repair=repair, citizen=await self._read(tx, citizen_id))

    async def _note(
        self, tx: Tx, action: str, repair: AppliedRepair, *, caller: Caller, now: datetime
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{repair.citizen_id}/repairs/{repair.repair_id}",
            subject=repair.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )
