"""The desk where doubts about records are laid down and taken up again, inside the transaction of what saw them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chassis import audit
from chassis.clock import Ids
from chassis.db import Tx
from chassis.rpc.context import Caller, current_call
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import (
    PAIR_CAUSES,
    Case,
    CaseCause,
    CaseState,
    CaseStep,
    case_key,
    cause_rules,
    check_evidence,
    state_after,
)
from identity_svc.store.quality_store import QualityStore

_SYSTEM = Caller(
    subject="services/identity", roles=frozenset({"SERVICE"}), purpose="data_quality", service="identity"
)
"""Who opens and closes cases where no call is being served."""


class CaseDesk:
    """Opens and closes cases for other operations; built in server.py and given to them."""

    def __init__(self, store: QualityStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def open(
        self,
        tx: Tx,
        *,
        cause: CaseCause,
        citizen_id: str,
        other_citizen_id: str = "",
        field: str = "",
        facility_code: str = "",
        ward_code: str = "",
        evidence: Mapping[str, str] | None = None,
        now: datetime,
    ) -> str:
        """Open a case, or count one more sighting of the one that is open, and give its case_id.

        Args:
            cause: Why.
            citizen_id: Whose record; the row must exist in this transaction.
            other_citizen_id: The second person of a doubt about two; the order of a pair does not matter.
            field: The field in doubt, such as full_name, or empty.
            facility_code: Where it was seen, or empty.
            ward_code: Commune of the person, vintage from-2025-07; empty looks up the newest residence.
            evidence: Codes and figures only; the newest sighting's counts.
            now: When.
        """
        key = case_key(cause, citizen_id=citizen_id, other_citizen_id=other_citizen_id, field=field)
        case_id, is_new = await self._store.open_or_see(
            tx,
            key,
            case_id=self._ids.new(),
            facility_code=facility_code,
            ward_code=ward_code,
            evidence=check_evidence(evidence or {}),
            now=now,
        )
        if is_new:
            await self._store.add_event(
                tx,
                citizen_id=key.citizen_id,
                case_id=case_id,
                step=CaseStep.OPENED,
                actor=_acting().subject,
                now=now,
            )
            await _note_step(tx, key.citizen_id, case_id, CaseStep.OPENED, caller=_acting(), now=now)
        return case_id

    async def close(
        self,
        tx: Tx,
        *,
        cause: CaseCause | None,
        citizen_id: str,
        other_citizen_id: str = "",
        field: str = "",
        resolution: str,
        now: datetime,
    ) -> int:
        """Resolve open cases of a person and give how many there were.

        Args:
            cause: Of this cause; None of every cause that a clean check answers.
            citizen_id: Whose; for a pair either of the two.
            other_citizen_id: Only the case with this second person; empty takes all.
            field: Only of this field; empty takes all.
            resolution: UPPER_SNAKE, such as CLEAN_CHECK, REPAIR_APPLIED, LINKED, REJECTED.
            now: When.
        """
        causes = _answered_by_check() if cause is None else frozenset({cause})
        cases = await self._store.open_cases_of(tx, citizen_id, as_other=not causes.isdisjoint(PAIR_CAUSES))
        closing = [
            case
            for case in cases
            if case.cause in causes
            and field in ("", case.field)
            and other_citizen_id in ("", case.other_citizen_id, case.citizen_id)
        ]
        for case in closing:
            await self.step(tx, case, CaseStep.RESOLVED, code=resolution, caller=_acting(), now=now)
        return len(closing)

    async def step(
        self,
        tx: Tx,
        case: Case,
        step: CaseStep,
        *,
        code: str = "",
        note: str = "",
        caller: Caller,
        now: datetime,
    ) -> CaseState:
        """Take one step of a case: its row, its history, the audit; gives the state after it.

        Args:
            case: As this transaction read it.
            step: ASSIGNED, NOTED, RESOLVED or DISMISSED.
            code: The assignee's subject, or the resolution.
            note: Words of the steward, sealed.
            caller: Who does it.
            now: When.
        Raises:
            CaseClosed: it has ended.
        """
        state = state_after(case, step)
        if step is not CaseStep.NOTED:
            await self._store.set_state(
                tx,
                case,
                state=state,
                assignee=code if step is CaseStep.ASSIGNED else case.assignee,
                resolution="" if state.is_open else code,
                close_time=None if state.is_open else now,
            )
        await self._store.add_event(
            tx,
            citizen_id=case.citizen_id,
            case_id=case.case_id,
            step=step,
            actor=caller.subject,
            code=code,
            note=note,
            now=now,
        )
        await _note_step(tx, case.citizen_id, case.case_id, step, caller=caller, now=now)
        return state


def _acting() -> Caller:
    """Who is being served, or this service itself where nobody is."""
    call = current_call()
    return _SYSTEM if call is None else call.caller


async def _note_step(
    tx: Tx, citizen_id: str, case_id: str, step: CaseStep, *, caller: Caller, now: datetime
) -> None:
    """Leave the audit row of a step."""
    await audit.record(
        tx,
        action=f"case_{step.lower()}",
        resource=f"citizens/{citizen_id}/cases/{case_id}",
        subject=citizen_id,
        caller=caller,
        outcome="ok",
        trace_id=current_trace_id(),
        now=now,
    )


def _answered_by_check() -> frozenset[CaseCause]:
    return frozenset(cause for cause, rule in cause_rules().items() if rule.is_answered_by_check)
