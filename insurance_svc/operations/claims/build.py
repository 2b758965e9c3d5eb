"""Build the claim of a visit from what the services hold, as a new version where the facts differ."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from hashlib import sha256

from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.errors import OtherFacility
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.claim import COUNTED, UNDER_WAY, Claim, ClaimState, with_version
from insurance_svc.domain.claim_builder import BuiltClaim, build_claim, hundredths, is_claimable
from insurance_svc.domain.claim_errors import ClaimNotFound
from insurance_svc.domain.claim_facts import ClaimFacts, Lack
from insurance_svc.domain.claim_values import ClaimVersion, ClaimView, WorkCause
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.operations.claims.facts import FactsReader
from standards.claims import ClaimFile, write_claim_file

_KEEPS = COUNTED | UNDER_WAY
"""States in which BuildClaim makes no new version: the portal has it, or may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltAnswer:
    """What building came to."""

    view: ClaimView | None
    """None when the visit is not insured."""
    lacks: tuple[Lack, ...] = ()
    is_new: bool = False
    differs: bool = False
    """The newest version is kept, and today's facts would give another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A claim with its bytes, made outside the transaction."""

    built: BuiltClaim
    facts: ClaimFacts
    file: bytes
    facts_sha256: str


class BuildClaims:
    """The verbs behind BuildClaim and ReplaceClaim."""

    def __init__(self, *, db: Database, desk: ClaimDesk, facts: FactsReader, clock: Clock, ids: Ids) -> None:
        self._db = db
        self._desk = desk
        self._facts = facts
        self._clock = clock
        self._ids = ids

    async def build(self, visit_id: str, *, month: str, key: RequestKey, caller: Caller) -> BuiltAnswer:
        """Build; a repeat with the same facts answers the version there is.

        Raises:
            VISIT_NOT_FOUND, CITIZEN_NOT_FOUND: as the record and the index answer.
            ClaimVersionUnknown: the visit began before 1 July 2024.
        """
        made = await self._make(visit_id, month=month, caller=caller)
        if made is None:
            return BuiltAnswer(view=None)

        async def work(tx: Tx) -> BuiltAnswer:
            claim = await self._desk.find(tx, visit_id, caller)
            if await recall(tx, key) is not None and claim is not None:
                return await self._answer(tx, claim, made)
            newest = await self._desk.version(tx, claim) if claim else None
            same = newest is not None and newest.facts_sha256 == made.facts_sha256
            keeps = claim is not None and (claim.state in _KEEPS or claim.state is ClaimState.REVERSED)
            if claim is not None and (same or keeps):
                answer = await self._answer(tx, claim, made, differs=not same)
            else:
                answer = await self._add(tx, claim, made, reason="", action="build_claim", caller=caller)
            await remember(tx, key, visit_id)
            return answer

        return await self._db.write(work)

    async def replace(
        self, visit_id: str, *, month: str, reason: str, key: RequestKey, caller: Caller
    ) -> BuiltAnswer:
        """Build a new version of a claim that was sent; it counts once the portal accepted it.

        Raises:
            ClaimNotFound: there is none.
            ClaimUnderWay, ClaimEnded: its newest version is on its way, or it is over.
        """
        kept_month = await self._db.read(lambda tx: self._month(tx, visit_id, caller))
        made = await self._make(visit_id, month=month or kept_month, caller=caller)
        if made is None:
            raise ClaimNotFound

        async def work(tx: Tx) -> BuiltAnswer:
            claim = await self._desk.need(tx, visit_id, caller)
            if await recall(tx, key) is not None:
                return await self._answer(tx, claim, made)
            answer = await self._add(tx, claim, made, reason=reason, action="replace_claim", caller=caller)
            await remember(tx, key, visit_id)
            return answer

        return await self._db.write(work)

    async def _month(self, tx: Tx, visit_id: str, caller: Caller) -> str:
        claim = await self._desk.need(tx, visit_id, caller)
        # Refused before the peers are troubled; the month is not looked at then.
        with_version(claim, is_ready=True, month=claim.month, now=claim.update_time)
        return claim.month

    async def _make(self, visit_id: str, *, month: str, caller: Caller) -> _Made | None:
        facts = await self._facts.read(visit_id, month=month, caller=caller)
        if caller.facility and caller.facility != facts.visit.facility:
            raise OtherFacility
        if not is_claimable(facts):
            return None
        # A long stay has a thousand lines: the loop must not wait for them.
        return await asyncio.to_thread(_made, facts)

    async def _add(
        self, tx: Tx, before: Claim | None, made: _Made, *, reason: str, action: str, caller: Caller
    ) -> BuiltAnswer:
        """Keep a new version, and what is lacking as a work item."""
        now, visit, built = self._clock.now(), made.facts.visit, made.built
        fresh = before or Claim(
            claim_id=self._ids.new(),
            citizen_id=visit.citizen_id,
            visit_id=visit.visit_id,
            facility=visit.facility,
            link_id=visit.link_id,
            month=built.month,
            create_time=now,
            update_time=now,
        )
        claim = with_version(fresh, is_ready=built.is_ready, month=built.month, now=now)
        if before is None:
            await self._desk.store.add(tx, claim)
        await self._desk.store.add_version(tx, _version(claim, made, reason=reason, caller=caller))
        await self._desk.move(
            tx, before or claim, claim, reason=reason, caller=caller, is_first=before is None
        )
        await self._work_items(tx, claim, built)
        await self._desk.audit(
            tx, action, visit_id=claim.visit_id, citizen_id=claim.citizen_id, caller=caller
        )
        return await self._answer(tx, claim, made, is_new=True)

    async def _work_items(self, tx: Tx, claim: Claim, built: BuiltClaim) -> None:
        now = claim.update_time
        if built.lacks:
            await self._desk.open_item(
                tx,
                cause=WorkCause.NOT_READY,
                visit_id=claim.visit_id,
                citizen_id=claim.citizen_id,
                facility=claim.facility,
                link_id=claim.link_id,
                claim_id=claim.claim_id,
                version=claim.version,
                lacks=built.lacks,
                now=now,
            )
        # A new version answers what was wrong with the one before, unless it lacks something itself.
        over = {WorkCause.FINDINGS, WorkCause.REJECTED} | (set() if built.lacks else {WorkCause.NOT_READY})
        await self._desk.close_items(
            tx,
            citizen_id=claim.citizen_id,
            visit_id=claim.visit_id,
            claim_id=claim.claim_id,
            causes=frozenset(over),
            now=now,
        )

    async def _answer(
        self, tx: Tx, claim: Claim, made: _Made, *, is_new: bool = False, differs: bool = False
    ) -> BuiltAnswer:
        view = await self._desk.store.view(tx, claim)
        return BuiltAnswer(view=view, lacks=made.built.lacks, is_new=is_new, differs=differs)


def _made(facts: ClaimFacts) -> _Made:
    built = build_claim(facts)
    file = ClaimFile(
        facility_code=facts.visit.facility,
        made_date=f"{facts.today:%Y%m%d}",
        record_count="1",
        records=(built.record,),
    )
    split = facts.split
    basis = {
        "tables": built.record.tables,
        "lacks": [[each.code, each.table, each.row, each.field] for each in built.lacks],
        "month": built.month,
        "fund_vnd": split.split.fund_vnd if split else 0,
    }
    return _Made(
        built=built,
        facts=facts,
        file=write_claim_file(file, schema=built.schema),
        facts_sha256=sha256(json.dumps(basis, sort_keys=True, ensure_ascii=False).encode()).hexdigest(),
    )


def _version(claim: Claim, made: _Made, *, reason: str, caller: Caller) -> ClaimVersion:
    built, facts = made.built, made.facts
    totals = built.totals
    return ClaimVersion(
        claim_id=claim.claim_id,
        citizen_id=claim.citizen_id,
        version=claim.version,
        schema_version=built.schema.version,
        month=built.month,
        split_id=facts.split.split_id if facts.split else "",
        coverage_id=facts.coverage.coverage_id if facts.coverage else "",
        total_hundredths=hundredths(totals.total),
        covered_hundredths=hundredths(totals.covered),
        fund_hundredths=hundredths(totals.fund_by_lines),
        fund_vnd=facts.split.split.fund_vnd if facts.split else 0,
        lacks=built.lacks,
        reason=reason,
        facts_sha256=made.facts_sha256,
        file_sha256=sha256(made.file).hexdigest(),
        file=made.file,
        caller=caller.subject,
        create_time=claim.update_time,
    )
