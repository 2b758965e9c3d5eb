"""Read where a citizen lives, and keep the commune that a person chose among several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.residence import ResidenceSource, chosen
from identity_svc.domain.units_errors import ResidenceUnknown
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import MasterIndex
from identity_svc.operations.note_facts import facts_for_index
from identity_svc.store.store import IdentityStore
from identity_svc.store.units_store import KeptResidence, UnitsStore
from standards.admin_units import Vintage, resolve_ward


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a choice did."""

    kept: KeptResidence
    closed_case_count: int


class WardInIndex:
    """Passes a changed commune on to the master index, which compares communes."""

    def __init__(self, *, store: IdentityStore, index: MasterIndex) -> None:
        self._store = store
        self._index = index

    async def refile(self, tx: Tx, citizen_id: str, *, ward_code: str, now: datetime) -> None:
        """Note that a person now lives in another commune in force; empty: nobody knows."""
        citizen = await self._store.read(tx, citizen_id)
        if citizen is not None:
            facts = facts_for_index(citizen, ward_code=ward_code, now=now)
            await self._index.note(tx, citizen_id, facts, now=now)


class Residences:
    """The verbs GetResidence and ChooseResidence; of a person linked into another one the other's residence counts."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        units: UnitsStore,
        desk: CaseDesk,
        notice: WardInIndex,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._units = units
        self._desk = desk
        self._notice = notice
        self._clock = clock

    async def get(self, citizen_id: str, caller: Caller) -> list[KeptResidence]:
        """Where a citizen lives and lived, newest first, at least one.

        Raises:
            ResidenceUnknown: nothing was ever kept.
        """
        trace_id = current_trace_id()

        async def disclose(tx: Tx) -> list[KeptResidence]:
            citizen = await self._store.read_current(tx, citizen_id)
            found = [] if citizen is None else await self._units.history(tx, citizen.citizen_id)
            await self._note(
                tx,
                citizen_id if citizen is None else citizen.citizen_id,
                caller,
                action="get_residence",
                outcome="ok" if found else "RESIDENCE_UNKNOWN",
                trace_id=trace_id,
            )
            return found

        # Raised outside, so that a failed search stays on record.
        found = await self._db.write(disclose)
        if not found:
            raise ResidenceUnknown
        return found

    async def choose(self, citizen_id: str, ward_code: str, *, key: RequestKey, caller: Caller) -> Chosen:
        """Keep the commune in force that a person chose, and close the open cases about the address.

        Raises:
            WardCodeUnknown: no commune in force has the code.
            CitizenNotFound: nobody has this id.
        """
        ward = resolve_ward(ward_code, Vintage.FROM_2025_07)
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Chosen:
            citizen = await self._store.read_current(tx, citizen_id)
            if citizen is None:
                raise CitizenNotFound
            own_id = citizen.citizen_id
            if (done := await recall(tx, key)) is not None:
                return Chosen(kept=await self._newest(tx, own_id), closed_case_count=int(done))
            now = self._clock.now()
            former = await self._units.current(tx, own_id)
            told = chosen(ward.code, old_ward_code="" if former is None else former.old_ward_code)
            await self._units.add_residence(tx, own_id, told, source=ResidenceSource.STEWARD, now=now)
            await self._notice.refile(tx, own_id, ward_code=ward.code, now=now)
            closed_count = 0
            for cause in (CaseCause.ADDRESS_SPLIT, CaseCause.ADDRESS_UNRESOLVED):
                closed_count += await self._desk.close(
                    tx, cause=cause, citizen_id=own_id, resolution="RESIDENCE_CHOSEN", now=now
                )
            await self._note(tx, own_id, caller, action="choose_residence", outcome="ok", trace_id=trace_id)
            await remember(tx, key, str(closed_count))
            return Chosen(kept=await self._newest(tx, own_id), closed_case_count=closed_count)

        return await self._db.write(work)

    async def _newest(self, tx: Tx, citizen_id: str) -> KeptResidence:
        newest = await self._units.newest(tx, citizen_id)
        assert newest is not None, "a chosen residence is kept"
        return newest

    async def _note(
        self, tx: Tx, citizen_id: str, caller: Caller, *, action: str, outcome: str, trace_id: str
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{citizen_id}/residence",
            subject=citizen_id,
            caller=caller,
            outcome=outcome,
            trace_id=trace_id,
            now=self._clock.now(),
        )
