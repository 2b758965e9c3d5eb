"""A citizen's request to correct a record: asked, then accepted into the record or refused with a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.authority import Action
from identity_svc.domain.case_errors import (
    NOTE_CHARS_MAX,
    CorrectionDecided,
    CorrectionNotFound,
    CorrectionOpen,
    CorrectionWhyWrong,
)
from identity_svc.domain.cases import CaseCause, CaseStep
from identity_svc.domain.correction import (
    CODE,
    Correction,
    CorrectionState,
    answer_due_date,
    corrected,
    proposed_value,
)
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import Citizen
from identity_svc.domain.quality_figures import ZONE
from identity_svc.domain.repairing import AppliedRepair, value_of
from identity_svc.operations.authority import Authority, is_citizen
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.store.correction_store import CorrectionStore
from identity_svc.store.quality_store import QualityStore
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import IdentityStore

LIST_MAX = 100


class Corrections:
    """The verbs of correction requests."""

    def __init__(
        self,
        *,
        db: Database,
        people: IdentityStore,
        store: CorrectionStore,
        cases: QualityStore,
        repairs: RepairsStore,
        desk: CaseDesk,
        authority: Authority,
        notice: FactsNotice,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._people = people
        self._store = store
        self._cases = cases
        self._repairs = repairs
        self._desk = desk
        self._authority = authority
        self._notice = notice
        self._clock = clock
        self._ids = ids

    async def request(
        self, key: RequestKey, caller: Caller, *, citizen_id: str, field: str, value: str, why: str
    ) -> Correction:
        """Ask for a correction.

        Args:
            citizen_id: Whose record; empty for the citizen who calls.
            field: One of correction.FIELDS.
            value: The right value.
            why: The citizen's words, 1 to 2,000 characters.
        Raises:
            CitizenNotFound, CorrectionFieldWrong, CorrectionValueWrong, CorrectionWhyWrong, CorrectionOpen,
            AccountNotLinked, NotAllowedToAct.
        """
        _check_words(why, field="why")

        async def work(tx: Tx) -> Correction:
            if (done := await recall(tx, key)) is not None:
                return await self._read(tx, *done.split("/"))
            whose = citizen_id
            if is_citizen(caller):
                whose = await self._may(tx, caller, citizen_id, Action.REQUEST_CORRECTION)
            request = await self._add(tx, caller, whose, field=field, value=value, why=why)
            await remember(tx, key, f"{request.citizen_id}/{request.correction_id}")
            return request

        return await self._db.write(work)

    async def accept(
        self, key: RequestKey, caller: Caller, *, citizen_id: str, correction_id: str
    ) -> Correction:
        """Write the asked value into the record as a repair, and end the case.

        Raises:
            CorrectionNotFound, CorrectionDecided.
        """

        async def decide(tx: Tx, request: Correction, now: datetime) -> None:
            repair_id = await self._repair(tx, caller, request, now)
            await self._store.answer(
                tx, request, state=CorrectionState.ACCEPTED, repair_id=repair_id, now=now
            )
            await self._end_case(tx, caller, request, CaseStep.RESOLVED, now=now)
            await self._note(tx, caller, request, action="accept_correction", now=now)

        return await self._decide(key, citizen_id, correction_id, decide)

    async def refuse(
        self, key: RequestKey, caller: Caller, *, citizen_id: str, correction_id: str, answer: str
    ) -> Correction:
        """Refuse with a reason that the citizen reads, and end the case.

        Raises:
            CorrectionNotFound, CorrectionDecided, CorrectionWhyWrong.
        """
        _check_words(answer, field="answer")

        async def decide(tx: Tx, request: Correction, now: datetime) -> None:
            await self._store.answer(tx, request, state=CorrectionState.REFUSED, answer=answer, now=now)
            await self._end_case(tx, caller, request, CaseStep.DISMISSED, now=now)
            await self._note(tx, caller, request, action="refuse_correction", now=now)

        return await self._decide(key, citizen_id, correction_id, decide)

    async def list_own(self, caller: Caller, *, citizen_id: str) -> list[Correction]:
        """The requests about the citizen who calls, or about somebody they may act for, newest first.

        Raises:
            AccountNotLinked, NotAllowedToAct.
        """

        async def work(tx: Tx) -> list[Correction]:
            whose = await self._may(tx, caller, citizen_id, Action.SEE_IDENTITY)
            await audit.record(
                tx,
                action="list_my_corrections",
                resource=f"citizens/{whose}/corrections",
                subject=whose,
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            return await self._store.list(tx, whose, page_size=LIST_MAX)

        return await self._db.write(work)

    async def _may(self, tx: Tx, caller: Caller, citizen_id: str, action: Action) -> str:
        """Whose record a citizen who calls may act on: their own for an empty id."""
        person, _, _ = await self._authority.require(
            tx, caller, citizen_id, action=action, now=self._clock.now()
        )
        return person.citizen_id

    async def _add(
        self, tx: Tx, caller: Caller, citizen_id: str, *, field: str, value: str, why: str
    ) -> Correction:
        citizen = await self._citizen(tx, citizen_id)
        now = self._clock.now()
        today = now.astimezone(ZONE).date()
        text = proposed_value(field, value, citizen.demographics, today=today)
        earlier = await self._store.waiting(tx, citizen.citizen_id, field)
        if earlier is not None:
            raise CorrectionOpen(earlier.name)
        correction_id = self._ids.new()
        case_id = await self._desk.open(
            tx,
            cause=CaseCause.CORRECTION_REQUESTED,
            citizen_id=citizen.citizen_id,
            field=field,
            facility_code=caller.facility,
            evidence={"correction": correction_id},
            now=now,
        )
        request = Correction(
            citizen_id=citizen.citizen_id,
            correction_id=correction_id,
            case_id=case_id,
            field=field,
            value=text,
            why=why.strip(),
            state=CorrectionState.REQUESTED,
            requester=caller.subject,
            is_on_behalf=not is_citizen(caller),
            facility_code=caller.facility,
            request_time=now,
            answer_due_date=answer_due_date(today),
            answer_time=None,
            answer="",
            repair_id="",
        )
        await self._store.add(tx, request)
        await self._note(tx, caller, request, action="request_correction", now=now)
        return request

    async def _repair(self, tx: Tx, caller: Caller, request: Correction, now: datetime) -> str:
        """Write the next version of the facts, kept as a repair so that UndoRepair takes it back."""
        citizen = await self._citizen(tx, request.citizen_id)
        before, repair_id = citizen.demographics, self._ids.new()
        after = corrected(before, name=request.field, value=request.value, repair_id=repair_id)
        await self._people.add_demographics(
            tx,
            citizen.citizen_id,
            after,
            reading_id=before.reading_id,
            register_time=citizen.create_time,
            now=now,
        )
        await self._repairs.add(
            tx,
            AppliedRepair(
                citizen_id=citizen.citizen_id,
                repair_id=repair_id,
                verification_id="",
                field=request.field,
                reason=CaseCause.CORRECTION_REQUESTED,
                code=CODE,
                before_version=before.version,
                after_version=after.version,
                value_before=value_of(before, request.field),
                value_after=request.value,
                accepted_names=(),
                apply_subject=caller.subject,
                apply_time=now,
                undo_subject="",
                undo_time=None,
            ),
        )
        changed = await self._citizen(tx, citizen.citizen_id)
        await self._notice.tell(tx, changed, facility_code=request.facility_code, now=now)
        return repair_id

    async def _end_case(
        self, tx: Tx, caller: Caller, request: Correction, step: CaseStep, *, now: datetime
    ) -> None:
        case = await self._cases.read(tx, request.citizen_id, request.case_id)
        assert case is not None, "a request has its case"
        if case.state.is_open:
            code = "CORRECTION_ACCEPTED" if step is CaseStep.RESOLVED else "CORRECTION_REFUSED"
            await self._desk.step(tx, case, step, code=code, caller=caller, now=now)

    async def _decide(
        self,
        key: RequestKey,
        citizen_id: str,
        correction_id: str,
        decide: Callable[[Tx, Correction, datetime], Awaitable[None]],
    ) -> Correction:
        async def work(tx: Tx) -> Correction:
            is_repeat = await recall(tx, key) is not None
            request = await self._read(tx, citizen_id, correction_id)
            if is_repeat:
                return request
            if request.state is not CorrectionState.REQUESTED:
                raise CorrectionDecided(request.state)
            await decide(tx, request, self._clock.now())
            await remember(tx, key, correction_id)
            return await self._read(tx, citizen_id, correction_id)

        return await self._db.write(work)

    async def _read(self, tx: Tx, citizen_id: str, correction_id: str) -> Correction:
        request = await self._store.read(tx, citizen_id, correction_id)
        if request is None:
            raise CorrectionNotFound
        return request

    async def _citizen(self, tx: Tx, citizen_id: str) -> Citizen:
        citizen = await self._people.read(tx, citizen_id)
        if citizen is None:
            raise CitizenNotFound
        return citizen

    async def _note(self, tx: Tx, caller: Caller, request: Correction, *, action: str, now: datetime) -> None:
        await audit.record(
            tx,
            action=action,
            resource=request.name,
            subject=request.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )


def _check_words(text: str, *, field: str) -> None:
    if not 1 <= len(text.strip()) <= NOTE_CHARS_MAX:
        raise CorrectionWhyWrong(field)
