"""Make the paper about a visit's look-ups for the insurance office; made again, it is the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from insurance_svc.domain.codes import PortalCodes
from insurance_svc.domain.errors import EvidenceNotFound
from insurance_svc.domain.evidence_paper import (
    Contact,
    EvidenceExport,
    ExportFormat,
    Paper,
    paper_sha256,
    write_paper,
)
from insurance_svc.operations.read_coverage import visible_visit
from insurance_svc.ports import EvidenceBook, Store, VisitPointer


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCommand:
    """What ExportEvidence is asked to do."""

    visit_id: str
    format: ExportFormat
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A paper and what it was made of."""

    paper: Paper
    export: EvidenceExport


class ExportEvidence:
    """The verb behind ExportEvidence."""

    def __init__(
        self, *, db: Database, store: Store, book: EvidenceBook, codes: PortalCodes, clock: Clock, ids: Ids
    ) -> None:
        self._db = db
        self._store = store
        self._book = book
        self._codes = codes
        self._clock = clock
        self._ids = ids

    async def __call__(self, command: ExportCommand, *, key: RequestKey, caller: Caller) -> Exported:
        """Gather the paper and record who took it; a repeat of the request makes the same paper again.

        Raises:
            EvidenceNotFound: the visit has no evidence at this facility.
        """

        async def work(tx: Tx) -> Exported:
            visit = await visible_visit(tx, self._store, command.visit_id, caller)
            if visit is None or not visit.coverage_id:
                raise EvidenceNotFound
            done = await recall(tx, key)
            if done is not None:
                export = await self._book.export(tx, citizen_id=visit.citizen_id, export_id=done)
                assert export is not None, "a remembered export exists"
                return await self._gather(tx, visit, export)
            exported = await self._gather(tx, visit, self._begun(command, visit, caller))
            await self._keep(tx, visit, exported.export, caller)
            await remember(tx, key, exported.export.export_id, "90d")
            return exported

        return await self._db.write(work)

    def _begun(self, command: ExportCommand, visit: VisitPointer, caller: Caller) -> EvidenceExport:
        return EvidenceExport(
            export_id=self._ids.new(),
            visit_id=visit.visit_id,
            facility=visit.facility,
            format=command.format,
            coverage_id=visit.coverage_id,
            evidence_ids=(),
            evidence_sha256="",
            contact=command.contact,
            caller=caller.subject,
        )

    async def _gather(self, tx: Tx, visit: VisitPointer, export: EvidenceExport) -> Exported:
        """The paper of an export: of its own evidence, or of all there is when it has none yet."""
        coverage = await self._store.coverage(tx, citizen_id=visit.citizen_id, coverage_id=export.coverage_id)
        assert coverage is not None, "an export points to a coverage that exists"
        evidence = await self._book.whole_evidence(tx, citizen_id=visit.citizen_id, visit_id=visit.visit_id)
        if export.evidence_ids:
            evidence = [each for each in evidence if each.evidence_id in export.evidence_ids]
        if not evidence:
            raise EvidenceNotFound
        paper = write_paper(coverage, evidence, contact=export.contact, codes=self._codes)
        return Exported(
            paper=paper,
            export=replace(
                export,
                evidence_ids=tuple(each.evidence_id for each in evidence),
                evidence_sha256=paper_sha256(paper),
            ),
        )

    async def _keep(self, tx: Tx, visit: VisitPointer, export: EvidenceExport, caller: Caller) -> None:
        now = self._clock.now()
        await self._book.add_export(tx, export, citizen_id=visit.citizen_id, now=now)
        await audit.record(
            tx,
            action="export_evidence",
            resource=f"visits/{visit.visit_id}/evidence_exports/{export.export_id}",
            subject=visit.citizen_id,
            caller=caller,
            outcome=export.format.value.lower(),
            trace_id=current_trace_id(),
            now=now,
        )
