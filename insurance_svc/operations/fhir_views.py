"""Gather what is known of a visit's insurance for its FHIR views; who read it is recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.claim import Claim
from insurance_svc.domain.claim_values import ClaimVersion, ClaimView
from insurance_svc.domain.fhir_facts import FhirFacts, ShownClaim, diagnosis_codes, stay_of
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import Store, VisitPointer
from standards.claims import Row, read_records


class ClaimReader(Protocol):
    """What is read of claims; every method works inside the transaction it is given."""

    async def place(self, tx: Tx, visit_id: str) -> tuple[str, str, str] | None:
        """Facility, citizen and claim of a visit."""
        ...

    async def claim(self, tx: Tx, *, citizen_id: str, claim_id: str) -> Claim | None:
        """One claim."""
        ...

    async def view(self, tx: Tx, claim: Claim) -> ClaimView:
        """Everything about a claim but the bytes of its files."""
        ...

    async def version(self, tx: Tx, *, citizen_id: str, claim_id: str, version: int) -> ClaimVersion | None:
        """One version with its bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What one transaction found, and the bytes of the claim, which are read outside it."""

    facts: FhirFacts
    file: bytes


class FhirViews:
    """The verb behind InsuranceFhirService; another facility's visit is not there."""

    def __init__(self, *, db: Database, store: Store, claims: ClaimReader, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._claims = claims
        self._clock = clock

    async def __call__(self, visit_id: str, resource: str, caller: Caller) -> FhirFacts | None:
        """What is known of a visit; None when the caller may not know of it, or nobody belongs to it yet.

        Args:
            resource: What is asked for, as the record of the reading names it.
        """

        async def work(tx: Tx) -> _Read | None:
            visit = await visible_visit(tx, self._store, visit_id, caller)
            if visit is None or not visit.citizen_id:
                return None
            read = await self._read(tx, visit)
            await audit.record(
                tx,
                action="get_fhir_resource",
                resource=resource,
                subject=visit.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            return read

        read = await self._db.write(work)
        if read is None:
            return None
        if read.facts.claim is None:
            return read.facts
        # A long stay's claim has megabytes.
        summary = await asyncio.to_thread(_summary, read.file)
        open_time, close_time = stay_of(summary)
        claim = replace(
            read.facts.claim,
            diagnosis_codes=diagnosis_codes(summary),
            open_time=open_time,
            close_time=close_time,
        )
        return replace(read.facts, claim=claim)

    async def _read(self, tx: Tx, visit: VisitPointer) -> _Read:
        facts = FhirFacts(
            visit_id=visit.visit_id,
            citizen_id=visit.citizen_id,
            facility=visit.facility,
            coverage=await self._store.coverage(
                tx, citizen_id=visit.citizen_id, coverage_id=visit.coverage_id
            )
            if visit.coverage_id
            else None,
            split=await self._store.split(tx, citizen_id=visit.split_citizen_id, split_id=visit.split_id)
            if visit.split_id
            else None,
        )
        place = await self._claims.place(tx, visit.visit_id)
        if place is None or place[1] != visit.citizen_id:
            return _Read(facts=facts, file=b"")
        claim = await self._claims.claim(tx, citizen_id=visit.citizen_id, claim_id=place[2])
        assert claim is not None, "a visit points to a claim that exists"
        version = await self._claims.version(
            tx, citizen_id=claim.citizen_id, claim_id=claim.claim_id, version=claim.version
        )
        assert version is not None, "a claim has the versions it counts"
        split = facts.split if facts.split is not None and facts.split.split_id == version.split_id else None
        if split is None and version.split_id:
            split = await self._store.split(tx, citizen_id=claim.citizen_id, split_id=version.split_id)
        if split is None:
            # A draft without a bill has no item and no total: there is nothing to show as a claim yet.
            return _Read(facts=facts, file=b"")
        shown = ShownClaim(view=await self._claims.view(tx, claim), split=split)
        return _Read(facts=replace(facts, claim=shown), file=version.file)


def _summary(file: bytes) -> Row:
    """The row of XML1 of a claim of our own making."""
    for record in read_records(file):
        rows = record.tables.get("XML1", [])
        return rows[0] if rows else {}
    return {}
