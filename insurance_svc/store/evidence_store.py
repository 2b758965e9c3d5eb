"""Reads and writes what surrounds the evidence: whole calls, corrections, exports, published copayments."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, to_date, to_text, to_time
from insurance_svc.domain.copayment import Copayments, CopaymentsKept, CopayRow
from insurance_svc.domain.correction import Correction, CorrectionCause
from insurance_svc.domain.evidence_paper import Contact, EvidenceExport, ExportFormat
from insurance_svc.domain.model import Evidence, Outcome
from insurance_svc.store import records
from insurance_svc.store.store import evidence_of_row

CARDS_READ_MAX = 5
"""Coverages looked through for further numbers: an old card is in the first or nowhere."""
EXPORTED_MAX = 200
"""Calls on one paper; more than the re-checks and look-ups of a visit ever keep."""


class EvidenceStore:
    """Tables of migration 0002; personal fields are sealed on the way in."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def whole_evidence(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[Evidence]:
        """The calls of a visit with what was sent and what came, oldest first."""
        rows = await tx.all(
            "evidence_whole_visit", citizen_id=citizen_id, visit_id=visit_id, page_size=EXPORTED_MAX
        )
        return [evidence_of_row(row, self._cipher) for row in rows]

    async def known_numbers(self, tx: Tx, citizen_id: str) -> tuple[str, ...]:
        """Card numbers that the portal told about a citizen at earlier visits, newest first."""
        rows = await tx.all("evidence_card_details", citizen_id=citizen_id, page_size=CARDS_READ_MAX)
        numbers: dict[str, None] = {}
        for row in rows:
            place = f"coverages|detail|{row['coverage_id']}"
            detail = json.loads(self._cipher.open(row["detail"], place=place))
            for card in (detail["card"], detail["replaced_card"], *detail.get("cards", ())):
                if card and card["number"]:
                    numbers[card["number"]] = None
        return tuple(numbers)

    async def add_correction(self, tx: Tx, correction: Correction) -> None:
        """Keep a notice."""
        await tx.execute(
            "evidence_correction_add",
            citizen_id=correction.citizen_id,
            correction_id=correction.correction_id,
            visit_id=correction.visit_id,
            facility=correction.facility,
            cause=correction.cause.value,
            before_coverage_id=correction.before_coverage_id,
            coverage_id=correction.coverage_id,
            before_outcome=correction.before_outcome.value,
            outcome=correction.outcome.value,
            before_patient_vnd=correction.before_patient_vnd,
            patient_vnd=correction.patient_vnd,
            create_time=to_text(correction.create_time),
        )

    async def corrections_of_facility(
        self, tx: Tx, *, facility: str, before: tuple[str, str], page_size: int
    ) -> list[Correction]:
        """A page of a facility's notices, newest first, before a key (create_time, correction_id)."""
        rows = await tx.all(
            "evidence_corrections_of_facility",
            facility=facility,
            create_time=before[0],
            correction_id=before[1],
            page_size=page_size,
        )
        return [_correction(row) for row in rows]

    async def corrections_of_visit(
        self, tx: Tx, *, citizen_id: str, visit_id: str, before: tuple[str, str], page_size: int
    ) -> list[Correction]:
        """A page of a visit's notices, newest first."""
        rows = await tx.all(
            "evidence_corrections_of_visit",
            citizen_id=citizen_id,
            visit_id=visit_id,
            create_time=before[0],
            correction_id=before[1],
            page_size=page_size,
        )
        return [_correction(row) for row in rows]

    async def add_export(self, tx: Tx, export: EvidenceExport, *, citizen_id: str, now: datetime) -> None:
        """Keep what a paper was made of."""
        detail = {"contact": asdict(export.contact), "evidence_ids": export.evidence_ids}
        place = f"evidence_exports|detail|{export.export_id}"
        await tx.execute(
            "evidence_export_add",
            citizen_id=citizen_id,
            export_id=export.export_id,
            visit_id=export.visit_id,
            facility=export.facility,
            format=export.format.value,
            coverage_id=export.coverage_id,
            evidence_sha256=export.evidence_sha256,
            detail=self._cipher.seal(records.dump(detail), place=place),
            caller=export.caller,
            create_time=to_text(now),
        )

    async def export(self, tx: Tx, *, citizen_id: str, export_id: str) -> EvidenceExport | None:
        """What a paper was made of."""
        row = await tx.one("evidence_export_read", citizen_id=citizen_id, export_id=export_id)
        if row is None:
            return None
        detail = json.loads(self._cipher.open(row["detail"], place=f"evidence_exports|detail|{export_id}"))
        return EvidenceExport(
            export_id=export_id,
            visit_id=row["visit_id"],
            facility=row["facility"],
            format=ExportFormat(row["format"]),
            coverage_id=row["coverage_id"],
            evidence_sha256=row["evidence_sha256"],
            evidence_ids=tuple(detail["evidence_ids"]),
            contact=Contact(**detail["contact"]),
            caller=row["caller"],
        )

    async def add_copayments(self, tx: Tx, kept: CopaymentsKept, *, citizen_id: str) -> None:
        """Keep what the portal published."""
        rows = [
            [date_to_text(row.leave_date), row.amount_vnd, row.accumulated_vnd]
            for row in kept.copayments.rows
        ]
        place = f"copayments|detail|{kept.copayment_id}"
        await tx.execute(
            "evidence_copayments_add",
            citizen_id=citizen_id,
            copayment_id=kept.copayment_id,
            visit_id=kept.visit_id,
            evidence_id=kept.evidence_id,
            portal_code=kept.copayments.code,
            doubt=kept.copayments.doubt,
            detail=self._cipher.seal(records.dump({"rows": rows}), place=place),
            as_of_time=to_text(kept.as_of_time),
        )

    async def newest_copayments(self, tx: Tx, *, citizen_id: str, visit_id: str) -> CopaymentsKept | None:
        """What the portal last published for a visit."""
        row = await tx.one("evidence_copayments_newest", citizen_id=citizen_id, visit_id=visit_id)
        return None if row is None else self._copayments(row)

    async def copayments(self, tx: Tx, *, citizen_id: str, copayment_id: str) -> CopaymentsKept | None:
        """One answer about copayments."""
        row = await tx.one("evidence_copayments_read", citizen_id=citizen_id, copayment_id=copayment_id)
        return None if row is None else self._copayments(row)

    def _copayments(self, row: Row) -> CopaymentsKept:
        copayment_id = row["copayment_id"]
        detail = json.loads(self._cipher.open(row["detail"], place=f"copayments|detail|{copayment_id}"))
        return CopaymentsKept(
            copayment_id=copayment_id,
            visit_id=row["visit_id"],
            evidence_id=row["evidence_id"],
            as_of_time=to_time(row["as_of_time"]),
            copayments=Copayments(
                code=row["portal_code"],
                doubt=row["doubt"],
                rows=tuple(
                    CopayRow(leave_date=to_date(day), amount_vnd=amount_vnd, accumulated_vnd=accumulated_vnd)
                    for day, amount_vnd, accumulated_vnd in detail["rows"]
                ),
            ),
        )


def _correction(row: Row) -> Correction:
    return Correction(
        correction_id=row["correction_id"],
        citizen_id=row["citizen_id"],
        visit_id=row["visit_id"],
        facility=row["facility"],
        cause=CorrectionCause(row["cause"]),
        before_coverage_id=row["before_coverage_id"],
        coverage_id=row["coverage_id"],
        before_outcome=Outcome(row["before_outcome"]),
        outcome=Outcome(row["outcome"]),
        before_patient_vnd=row["before_patient_vnd"],
        patient_vnd=row["patient_vnd"],
        create_time=to_time(row["create_time"]),
    )
