"""Walks through the register for a re-coding, page by page; a page and its place in the walk are one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.errors import typed
from chassis.rpc.context import Caller
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.recoding import (
    FOR_A_PERSON,
    WALKS,
    Decision,
    Figures,
    Finding,
    Recoding,
    RecodingItem,
    Walk,
    decide,
    unreadable,
)
from identity_svc.domain.residence import Residence, ResidenceSource
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.recode import TOPIC
from identity_svc.store.units_recoding import RecodingStore, Resident
from identity_svc.store.units_store import UnitsStore, residence_row, same_stored

PAGE_SIZE = 50
"""People per transaction: some 25 ms of the writer, measured on two busy cores, so no check-in waits long."""
PAUSE_S = 0.005
"""Between two pages: whoever waits for the writer comes first."""
IDLE_S = 5.0
"""Between two looks for a walk that another process ordered."""
WALKER = Caller(
    subject="services/identity", roles=frozenset({"SERVICE"}), purpose="recoding", service="identity"
)
"""On whose behalf residences are changed; who ordered it stands with the re-coding."""
_CAUSES = {
    Finding.SPLIT: CaseCause.ADDRESS_SPLIT,
    Finding.AMBIGUOUS: CaseCause.ADDRESS_UNRESOLVED,
    Finding.UNRESOLVED: CaseCause.ADDRESS_UNRESOLVED,
}
_Key = tuple[str, int, int]


class WardNotice(Protocol):
    """Whoever keeps a person's commune beside the residence, such as the master index."""

    async def refile(self, tx: Tx, citizen_id: str, *, ward_code: str, now: datetime) -> None:
        """Note that a person now lives in another commune in force; empty: nobody knows."""
        ...


class Walker:
    """The worker of re-codings; several processes may run one each, a page is done by one of them."""

    def __init__(
        self,
        *,
        db: Database,
        store: RecodingStore,
        units: UnitsStore,
        desk: CaseDesk,
        notice: WardNotice,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._units = units
        self._desk = desk
        self._notice = notice
        self._clock = clock
        self._woken = asyncio.Event()
        db.subscribe(TOPIC, self._woken.set)

    async def run(self) -> None:
        """Walk until cancelled; a failing store makes it wait, not end."""
        while True:
            self._woken.clear()
            try:
                has_moved = await self.step()
            except Exception as error:
                # A store that is away comes back; a mistake of ours ends the worker, where it is seen.
                if typed(error) is None:
                    raise
                has_moved = False
            if has_moved:
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), IDLE_S)
            except TimeoutError:
                continue

    async def step(self) -> bool:
        """Do one page of the walk that goes on; False when none does."""
        recoding = await self._db.read(self._store.walking)
        if recoding is None:
            return False
        if WALKS[recoding.state][0] is Walk.UNDO:
            await self._db.write(lambda tx: self._undo_page(tx, recoding))
            return True
        # Reading 50 addresses takes some 10 ms, misspelt ones 30: beside the loop, and before the writer is taken.
        residents = await self._db.read(lambda tx: self._page(tx, recoding))
        decided = await asyncio.to_thread(_decide_all, residents)
        await self._db.write(lambda tx: self._recode_page(tx, recoding, decided))
        return True

    async def _page(self, tx: Tx, recoding: Recoding) -> list[Resident]:
        return await self._store.residents(tx, after=recoding.cursor_id, page_size=PAGE_SIZE)

    async def _recode_page(self, tx: Tx, recoding: Recoding, decided: dict[_Key, Decision]) -> None:
        residents = await self._page(tx, recoding)
        if not await self._move(tx, recoding, [each.citizen_id for each in residents]):
            return
        walk = WALKS[recoding.state][0]
        figures: Figures = Figures()
        items = []
        changed = []
        for resident in residents:
            if resident.is_linked:
                continue
            # Whoever changed since the page was read is decided anew.
            decision = decided.get(_key(resident)) or _decide(resident)
            figures[decision.finding, decision.residence.old_ward_code] += 1
            case_id = ""
            if walk is Walk.APPLY:
                if decision.finding is not Finding.IN_FORCE:
                    changed.append((resident, decision.residence))
                case_id = await self._settle_case(tx, resident, decision)
            if decision.finding in FOR_A_PERSON:
                items.append(_item(resident.citizen_id, decision, case_id))
        await self._change(tx, recoding, changed)
        await self._store.add_figures(tx, recoding.recoding_id, walk, figures)
        await self._store.add_items(tx, recoding.recoding_id, walk, items)

    async def _move(self, tx: Tx, recoding: Recoding, citizen_ids: Sequence[str]) -> bool:
        """Take the page for this transaction; False when another process did it meanwhile."""
        is_last = len(citizen_ids) < PAGE_SIZE
        return await self._store.move(
            tx,
            recoding,
            state=WALKS[recoding.state][1] if is_last else recoding.state,
            cursor_id=citizen_ids[-1] if citizen_ids else recoding.cursor_id,
            page_count=len(citizen_ids),
            now=self._clock.now(),
        )

    async def _change(
        self, tx: Tx, recoding: Recoding, changed: Sequence[tuple[Resident, Residence]]
    ) -> None:
        rows = []
        for resident, residence in changed:
            newest = resident.newest
            former = None if newest is None else newest.residence
            if newest is not None and same_stored(former, residence):
                continue
            rows.append(
                residence_row(
                    resident.citizen_id,
                    residence,
                    version=1 if newest is None else newest.version + 1,
                    source=ResidenceSource.RECODING,
                    batch_id=recoding.recoding_id,
                    now=self._clock.now(),
                )
            )
            await self._tell(tx, recoding, resident.citizen_id, former=former, now_lives=residence)
        await tx.execute_many("units_add_residence", rows)

    async def _settle_case(self, tx: Tx, resident: Resident, decision: Decision) -> str:
        """Open the case of a doubt, or close those of a doubt that is gone."""
        now = self._clock.now()
        cause = _CAUSES.get(decision.finding)
        if cause is not None:
            residence = decision.residence
            return await self._desk.open(
                tx,
                cause=cause,
                citizen_id=resident.citizen_id,
                field="address",
                evidence={
                    "reason": residence.reason,
                    "old_ward_code": residence.old_ward_code,
                    "candidates": ",".join(residence.candidates),
                },
                now=now,
            )
        if decision.finding is not Finding.IN_FORCE and resident.newest is not None:
            for settled in (CaseCause.ADDRESS_SPLIT, CaseCause.ADDRESS_UNRESOLVED):
                await self._desk.close(
                    tx, cause=settled, citizen_id=resident.citizen_id, resolution="RECODED", now=now
                )
        return ""

    async def _undo_page(self, tx: Tx, recoding: Recoding) -> None:
        batch = await self._store.batch(
            tx, recoding.recoding_id, after=recoding.cursor_id, page_size=PAGE_SIZE
        )
        if not await self._move(tx, recoding, [citizen_id for citizen_id, _ in batch]):
            return
        figures: Figures = Figures()
        items = []
        for citizen_id, version in batch:
            finding, item = await self._restore(tx, recoding, citizen_id, version)
            figures[finding, ""] += 1
            items += [] if item is None else [item]
        await self._store.add_figures(tx, recoding.recoding_id, Walk.UNDO, figures)
        await self._store.add_items(tx, recoding.recoding_id, Walk.UNDO, items)

    async def _restore(
        self, tx: Tx, recoding: Recoding, citizen_id: str, version: int
    ) -> tuple[Finding, RecodingItem | None]:
        """Let what stood before count again, unless somebody changed it since."""
        newest = await self._units.newest(tx, citizen_id)
        assert newest is not None, "a batch row is a residence"
        if newest.version != version:
            item = RecodingItem(
                citizen_id=citizen_id,
                finding=Finding.CHANGED_SINCE,
                reason=f"CHANGED_BY_{newest.source}",
                old_ward_code="" if newest.residence is None else newest.residence.old_ward_code,
                candidates=(),
            )
            return Finding.CHANGED_SINCE, item
        former = await self._units.before(tx, citizen_id, version)
        row = residence_row(
            citizen_id,
            former,
            version=version + 1,
            source=ResidenceSource.UNDO,
            batch_id=recoding.recoding_id,
            now=self._clock.now(),
        )
        await tx.execute("units_add_residence", **row)
        await self._tell(tx, recoding, citizen_id, former=newest.residence, now_lives=former)
        return Finding.RESTORED, None

    async def _tell(
        self,
        tx: Tx,
        recoding: Recoding,
        citizen_id: str,
        *,
        former: Residence | None,
        now_lives: Residence | None,
    ) -> None:
        """Leave the audit row of a changed residence and pass the commune on."""
        now = self._clock.now()
        ward_code = "" if now_lives is None else now_lives.ward_in_force
        if ward_code != ("" if former is None else former.ward_in_force):
            await self._notice.refile(tx, citizen_id, ward_code=ward_code, now=now)
        await audit.record(
            tx,
            action="recode_residence" if WALKS[recoding.state][0] is Walk.APPLY else "restore_residence",
            resource=f"recodings/{recoding.recoding_id}",
            subject=citizen_id,
            caller=WALKER,
            outcome="ok",
            now=now,
        )


def _decide_all(residents: Sequence[Resident]) -> dict[_Key, Decision]:
    return {_key(each): _decide(each) for each in residents if not each.is_linked}


def _decide(resident: Resident) -> Decision:
    former = None if resident.newest is None else resident.newest.residence
    if resident.address is None and (former is None or not former.ward_code):
        return unreadable()
    return decide(former, resident.address or "")


def _key(resident: Resident) -> _Key:
    """What a decision depends on."""
    newest = resident.newest
    return resident.citizen_id, resident.facts_version, 0 if newest is None else newest.version


def _item(citizen_id: str, decision: Decision, case_id: str) -> RecodingItem:
    residence = decision.residence
    return RecodingItem(
        citizen_id=citizen_id,
        finding=decision.finding,
        reason=residence.reason,
        old_ward_code=residence.old_ward_code,
        candidates=residence.candidates,
        case_id=case_id,
    )
