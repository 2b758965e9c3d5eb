"""What a steward does with the queue: list, read, take, note, end."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.db.columns import to_time
from chassis.idempotency import RequestKey, recall, remember
from chassis.paging import PageTokenMalformed, page_size_of
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.case_errors import (
    NOTE_CHARS_MAX,
    CaseAssigneeWrong,
    CaseNoteWrong,
    CaseNotFound,
    CaseOfCorrection,
    CaseOfOtherSteward,
)
from identity_svc.domain.cases import Case, CaseCause, CaseEvent, CaseStep
from identity_svc.domain.correction import Correction
from identity_svc.domain.model import FieldCheck
from identity_svc.domain.residence import residence_of
from identity_svc.operations.cases import CaseDesk
from identity_svc.store.correction_store import CorrectionStore
from identity_svc.store.quality_store import CaseFilter, QualityStore, QueueMap, page_key
from identity_svc.store.store import IdentityStore

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 50
_NO_FACILITY = "-"
"""No facility has this code: a caller without one sees no case."""
_SUBJECT = re.compile(r"[!-~]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """A page of the queue."""

    cases: tuple[Case, ...]
    next_page_token: str
    """Empty on the last page."""
    now: datetime
    """The moment the ages are told at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with all that is needed to work it."""

    case: Case
    events: tuple[CaseEvent, ...]
    verification_id: str
    """The check behind it; empty for a case that no check opened."""
    finding: FieldCheck | None
    """What that check found about the case's field."""
    candidates: tuple[str, ...]
    """Codes of the communes that the address may mean, for a case about the address."""
    correction: Correction | None
    """The citizen's request, for CORRECTION_REQUESTED."""
    now: datetime


class CaseQueue:
    """The verbs of the queue. A caller without STEWARD, AUDITOR or OPERATOR sees the own facility's cases alone."""

    def __init__(
        self,
        *,
        db: Database,
        store: QualityStore,
        corrections: CorrectionStore,
        people: IdentityStore,
        desk: CaseDesk,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._corrections = corrections
        self._people = people
        self._desk = desk
        self._clock = clock

    async def list(self, wanted: CaseFilter, caller: Caller, *, page_size: int, page_token: str) -> CasePage:
        """A page of cases, oldest first.

        Args:
            wanted: Which; a clerk's is narrowed to the own facility, whatever it names.
            page_size: 1 to 200, 0 for 50.
        Raises:
            PageSizeOutOfRange, PageTokenMalformed.
        """
        size = page_size_of(page_size, usual=PAGE_SIZE_DEFAULT, largest=PAGE_SIZE_MAX)
        now = self._clock.now()
        after = _read_token(page_token) if page_token else ("", "")
        if not sees_province(caller):
            wanted = replace(wanted, facility_code=caller.facility or _NO_FACILITY)

        async def work(tx: Tx) -> list[Case]:
            await self._note(tx, caller, action="list_cases", resource="cases", now=now)
            return await self._store.page(tx, wanted, after=after, page_size=size + 1, now=now)

        found = await self._db.write(work)
        more = _write_token(found[size - 1]) if len(found) > size else ""
        return CasePage(cases=tuple(found[:size]), next_page_token=more, now=now)

    async def get(self, citizen_id: str, case_id: str, caller: Caller) -> CaseView:
        """A case with its history and what the check behind it found.

        Raises:
            CaseNotFound: nobody has this id, or it is another facility's.
        """
        now = self._clock.now()

        async def work(tx: Tx) -> CaseView | None:
            case = await self._store.read(tx, citizen_id, case_id)
            is_seen = case is not None and may_see(case.facility_code, caller)
            await self._note(
                tx,
                caller,
                action="get_case",
                resource=f"citizens/{citizen_id}/cases/{case_id}",
                subject=citizen_id if is_seen else "",
                outcome="ok" if is_seen else CaseNotFound.reason,
                now=now,
            )
            if case is None or not is_seen:
                return None
            verification_id, finding = await self._finding(tx, case)
            return CaseView(
                case=case,
                events=tuple(await self._store.events(tx, citizen_id, case_id)),
                verification_id=verification_id,
                finding=finding,
                candidates=await self._candidates(tx, case),
                correction=await self._corrections.of_case(tx, citizen_id, case_id),
                now=now,
            )

        view = await self._db.write(work)
        if view is None:
            raise CaseNotFound
        return view

    async def count(self, caller: Caller) -> QueueMap:
        """The map of the open queue; for a clerk of the own facility alone."""
        facility_code = "" if sees_province(caller) else caller.facility or _NO_FACILITY
        return await self._db.read(
            lambda tx: self._store.count_open(tx, facility_code=facility_code, now=self._clock.now())
        )

    async def assign(
        self,
        key: RequestKey,
        caller: Caller,
        *,
        citizen_id: str,
        case_id: str,
        assignee: str,
        take_over: bool,
    ) -> Case:
        """Give a case to a steward, the caller if none is named.

        Raises:
            CaseNotFound, CaseClosed, CaseOfOtherSteward, CaseAssigneeWrong.
        """
        if assignee and not _SUBJECT.fullmatch(assignee):
            raise CaseAssigneeWrong

        async def step(tx: Tx, case: Case) -> None:
            if case.assignee not in ("", assignee or caller.subject) and not take_over:
                raise CaseOfOtherSteward(case.assignee)
            await self._desk.step(
                tx,
                case,
                CaseStep.ASSIGNED,
                code=assignee or caller.subject,
                caller=caller,
                now=self._clock.now(),
            )

        return await self._change(key, citizen_id, case_id, step)

    async def take_step(
        self,
        key: RequestKey,
        caller: Caller,
        *,
        citizen_id: str,
        case_id: str,
        step: CaseStep,
        code: str = "",
        note: str,
    ) -> Case:
        """Note something about a case, or end it.

        Args:
            step: NOTED, RESOLVED or DISMISSED.
            code: How or why it ended, UPPER_SNAKE.
            note: At most 2,000 characters; NOTED needs one.
        Raises:
            CaseNotFound, CaseClosed, CaseNoteWrong, CaseOfCorrection.
        """
        if len(note) > NOTE_CHARS_MAX or (step is CaseStep.NOTED and not note.strip()):
            raise CaseNoteWrong

        async def work(tx: Tx, case: Case) -> None:
            if step is not CaseStep.NOTED and case.state.is_open:
                await self._refuse_unanswered(tx, case)
            await self._desk.step(tx, case, step, code=code, note=note, caller=caller, now=self._clock.now())

        return await self._change(key, citizen_id, case_id, work)

    async def _refuse_unanswered(self, tx: Tx, case: Case) -> None:
        if case.cause is CaseCause.CORRECTION_REQUESTED:
            request = await self._corrections.of_case(tx, case.citizen_id, case.case_id)
            if request is not None:
                raise CaseOfCorrection(request.name)

    async def _change(
        self,
        key: RequestKey,
        citizen_id: str,
        case_id: str,
        change: Callable[[Tx, Case], Awaitable[None]],
    ) -> Case:
        async def work(tx: Tx) -> Case:
            is_repeat = await recall(tx, key) is not None
            case = await self._store.read(tx, citizen_id, case_id)
            if case is None:
                raise CaseNotFound
            if is_repeat:
                return case
            await change(tx, case)
            await remember(tx, key, case_id)
            changed = await self._store.read(tx, citizen_id, case_id)
            assert changed is not None, "a case is never deleted"
            return changed

        return await self._db.write(work)

    async def _finding(self, tx: Tx, case: Case) -> tuple[str, FieldCheck | None]:
        verification_id = case.evidence.get("verification", "")
        if not verification_id:
            return "", None
        check = await self._people.verification(tx, case.citizen_id, verification_id)
        if check is None:
            return "", None
        return verification_id, next((each for each in check.fields if each.field == case.field), None)

    async def _candidates(self, tx: Tx, case: Case) -> tuple[str, ...]:
        if case.cause not in (CaseCause.ADDRESS_SPLIT, CaseCause.ADDRESS_UNRESOLVED):
            return ()
        citizen = await self._people.read(tx, case.citizen_id)
        return () if citizen is None else residence_of(citizen.demographics.address).candidates

    async def _note(
        self,
        tx: Tx,
        caller: Caller,
        *,
        action: str,
        resource: str,
        subject: str = "",
        outcome: str = "ok",
        now: datetime,
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=resource,
            subject=subject,
            caller=caller,
            outcome=outcome,
            trace_id=current_trace_id(),
            now=now,
        )


def sees_province(caller: Caller) -> bool:
    """Whether the caller sees more than the own facility."""
    return not caller.roles.isdisjoint({"STEWARD", "AUDITOR", "OPERATOR"})


def may_see(facility_code: str, caller: Caller) -> bool:
    """Whether the caller may know of cases of this facility."""
    return sees_province(caller) or (bool(caller.facility) and facility_code == caller.facility)


def _write_token(last: Case) -> str:
    return base64.urlsafe_b64encode(" ".join(page_key(last)).encode()).decode()


def _read_token(token: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
        time_text, _, case_id = text.partition(" ")
        to_time(time_text)
    except (binascii.Error, ValueError):
        raise PageTokenMalformed from None
    return time_text, case_id
