"""Reads and writes the service's tables; every method works inside the transaction it is given."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, to_date, to_text, to_time
from chassis.idempotency import RequestKey, peek
from insurance_svc.domain.model import Coverage, Evidence, Moment, PortalCall, Rung, StoredSplit
from insurance_svc.ports import VisitPointer
from insurance_svc.store import records

QUERIES = Path(__file__).with_name("queries.sql")
EVIDENCE_QUERIES = Path(__file__).with_name("evidence.sql")
EVIDENCE_LISTED_MAX = 100


class InsuranceStore:
    """The tables of insurance_svc; personal fields are sealed on the way in."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def answered(self, tx: Tx, key: RequestKey) -> bool:
        """Whether a request was finished before, so that the portal need not be asked for it again."""
        return await peek(tx, key) is not None

    async def visit(self, tx: Tx, visit_id: str) -> VisitPointer | None:
        """The citizen and the newest rows of a visit."""
        row = await tx.one("visit_read", visit_id=visit_id)
        return None if row is None else VisitPointer(**row)

    async def save_visit(self, tx: Tx, visit: VisitPointer) -> None:
        """Point a visit to its newest rows."""
        await tx.execute(
            "visit_save",
            visit_id=visit.visit_id,
            facility=visit.facility,
            citizen_id=visit.citizen_id,
            check_count=visit.check_count,
            coverage_id=visit.coverage_id,
            split_count=visit.split_count,
            split_citizen_id=visit.split_citizen_id,
            split_id=visit.split_id,
        )

    async def add_coverage(self, tx: Tx, coverage: Coverage, *, now: datetime) -> None:
        """Keep a coverage."""
        finding = coverage.finding
        detail = records.dump(records.coverage_detail(finding, coverage.question))
        await tx.execute(
            "coverage_add",
            citizen_id=coverage.citizen_id,
            coverage_id=coverage.coverage_id,
            visit_id=coverage.visit_id,
            facility=coverage.facility,
            service_date=date_to_text(coverage.service_date),
            check_number=coverage.check_number,
            outcome=finding.outcome.value,
            portal_code=finding.portal_code,
            degraded_reason=finding.degraded_reason,
            needs_recheck=int(finding.needs_recheck),
            detail=self._cipher.seal(detail, place=_place("coverages", coverage.coverage_id)),
            as_of_time=to_text(coverage.as_of_time),
            create_time=to_text(now),
            moment=coverage.moment.value,
        )

    async def coverage(self, tx: Tx, *, citizen_id: str, coverage_id: str) -> Coverage | None:
        """One coverage with the ids of its evidence."""
        row = await tx.one("coverage_read", citizen_id=citizen_id, coverage_id=coverage_id)
        if row is None:
            return None
        evidence = await tx.all(
            "evidence_of_visit",
            citizen_id=citizen_id,
            visit_id=row["visit_id"],
            page_size=EVIDENCE_LISTED_MAX,
        )
        detail = json.loads(self._cipher.open(row["detail"], place=_place("coverages", coverage_id)))
        return Coverage(
            coverage_id=coverage_id,
            citizen_id=citizen_id,
            visit_id=row["visit_id"],
            facility=row["facility"],
            service_date=to_date(row["service_date"]),
            check_number=row["check_number"],
            finding=records.finding_of(
                detail,
                outcome=row["outcome"],
                portal_code=row["portal_code"],
                degraded_reason=row["degraded_reason"],
                needs_recheck=bool(row["needs_recheck"]),
            ),
            question=records.question_of(detail),
            as_of_time=to_time(row["as_of_time"]),
            moment=Moment(row["moment"]),
            evidence_ids=tuple(
                each["evidence_id"] for each in evidence if each["coverage_id"] == coverage_id
            ),
        )

    async def add_evidence(
        self,
        tx: Tx,
        *,
        citizen_id: str,
        coverage_id: str,
        evidence_id: str,
        visit_id: str,
        call: PortalCall,
        caller: str,
        moment: Moment,
    ) -> None:
        """Keep one call to the portal; what was sent is sealed with what came, since sealing twice is 30 µs a check."""
        sent = b"" if call.sent is None else records.dump(records.sent_document(call.sent))
        await tx.execute(
            "evidence_add",
            citizen_id=citizen_id,
            evidence_id=evidence_id,
            visit_id=visit_id,
            coverage_id=coverage_id,
            request_form=call.form,
            portal_code=call.code,
            failure_reason=call.failure_reason,
            send_time=to_text(call.send_time),
            receive_time=to_text(call.receive_time),
            reply_sha256=sha256(call.reply).hexdigest(),
            reply=self._cipher.seal(sent + call.reply, place=_place("evidence", evidence_id)),
            caller=caller,
            moment=moment.value,
            exchange_id=call.exchange_id,
            sent_bytes=len(sent),
        )

    async def evidence(self, tx: Tx, *, citizen_id: str, visit_id: str, evidence_id: str) -> Evidence | None:
        """One call with what was sent and its raw reply."""
        row = await tx.one("evidence_read", citizen_id=citizen_id, visit_id=visit_id, evidence_id=evidence_id)
        if row is None:
            return None
        return evidence_of_row(row, self._cipher)

    async def evidence_of_visit(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[Evidence]:
        """The calls of a visit without their replies, oldest first, at most EVIDENCE_LISTED_MAX."""
        rows = await tx.all(
            "evidence_of_visit", citizen_id=citizen_id, visit_id=visit_id, page_size=EVIDENCE_LISTED_MAX
        )
        return [_evidence(row, reply=b"", sent=None) for row in rows]

    async def evidence_count(self, tx: Tx, *, citizen_id: str, visit_id: str) -> int:
        """How many calls of a visit are kept."""
        row = await tx.one("evidence_count", citizen_id=citizen_id, visit_id=visit_id)
        assert row is not None, "COUNT answers one row"
        return int(row["evidence_count"])

    async def add_split(self, tx: Tx, stored: StoredSplit) -> None:
        """Keep a split with its lines."""
        split = stored.split
        detail = records.dump(records.split_detail(stored.command, split))
        await tx.execute(
            "split_add",
            citizen_id=stored.citizen_id,
            split_id=stored.split_id,
            visit_id=stored.command.visit_id,
            facility=stored.facility,
            coverage_id=stored.coverage_id,
            split_number=stored.split_number,
            rule_id=split.benefit.rule_id,
            is_provisional=int(split.benefit.is_provisional),
            total_vnd=split.total_vnd,
            fund_vnd=split.fund_vnd,
            patient_vnd=split.patient_vnd,
            other_funding_vnd=split.other_funding_vnd,
            detail=self._cipher.seal(detail, place=_place("splits", stored.split_id)),
            create_time=to_text(stored.create_time),
        )

    async def split(self, tx: Tx, *, citizen_id: str, split_id: str) -> StoredSplit | None:
        """One split with its lines."""
        row = await tx.one("split_read", citizen_id=citizen_id, split_id=split_id)
        if row is None:
            return None
        detail = json.loads(self._cipher.open(row["detail"], place=_place("splits", split_id)))
        sums = {name: row[name] for name in ("total_vnd", "fund_vnd", "patient_vnd", "other_funding_vnd")}
        return StoredSplit(
            split_id=split_id,
            citizen_id=citizen_id,
            facility=row["facility"],
            coverage_id=row["coverage_id"],
            split_number=row["split_number"],
            command=records.command_of(detail, visit_id=row["visit_id"]),
            split=records.split_of(detail, **sums),
            create_time=to_time(row["create_time"]),
        )


def evidence_of_row(row: Row, cipher: FieldCipher) -> Evidence:
    """A whole piece of evidence; the reply is checked against its sum."""
    evidence_id = row["evidence_id"]
    whole = cipher.open(row["reply"], place=_place("evidence", evidence_id))
    sent_bytes = row["sent_bytes"]
    reply = whole[sent_bytes:]
    assert sha256(reply).hexdigest() == row["reply_sha256"], "evidence is never changed"
    sent = Rung(**json.loads(whole[:sent_bytes]), form=row["request_form"]) if sent_bytes else None
    return _evidence(row, reply=reply, sent=sent)


def _evidence(row: Row, *, reply: bytes, sent: Rung | None) -> Evidence:
    return Evidence(
        evidence_id=row["evidence_id"],
        visit_id=row["visit_id"],
        call=PortalCall(
            form=row["request_form"],
            send_time=to_time(row["send_time"]),
            receive_time=to_time(row["receive_time"]),
            reply=reply,
            code=row["portal_code"],
            failure_reason=row["failure_reason"],
            exchange_id=row["exchange_id"],
            sent=sent,
        ),
        reply_sha256=row["reply_sha256"],
        caller=row["caller"],
        moment=Moment(row["moment"]),
    )


def _place(table: str, row_id: str) -> str:
    return f"{table}|{'reply' if table == 'evidence' else 'detail'}|{row_id}"
