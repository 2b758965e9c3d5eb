"""Reads and writes the tables of claims; every method works inside the transaction it is given."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import to_text, to_time
from insurance_svc.domain.claim import Claim, ClaimState
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_facts import Holder, Lack
from insurance_svc.domain.claim_values import (
    ClaimEvent,
    ClaimVersion,
    ClaimView,
    KeptFinding,
    Resolution,
    Submission,
    WorkCause,
    WorkItem,
)

CLAIM_QUERIES = Path(__file__).with_name("claims.sql")
EVENTS_MAX = 1_000
_LINK = "claim_link"


class ClaimStore:
    """The tables of claims; names, numbers, amounts by name and words are sealed on the way in."""

    def __init__(self, cipher: FieldCipher, lookup: LookupHash) -> None:
        self._cipher = cipher
        self._lookup = lookup

    async def place(self, tx: Tx, visit_id: str) -> tuple[str, str, str] | None:
        """Facility, citizen and claim of a visit."""
        row = await tx.one("claim_place", visit_id=visit_id)
        return None if row is None else (row["facility"], row["citizen_id"], row["claim_id"])

    async def by_link(self, tx: Tx, *, facility: str, link_id: str) -> Claim | None:
        """The claim behind a link number of a facility."""
        for link_hash in self._lookup.every(_LINK, f"{facility}/{link_id}"):
            if row := await tx.one("claim_link", link_hash=link_hash):
                return await self.claim(tx, citizen_id=row["citizen_id"], claim_id=row["claim_id"])
        return None

    async def add(self, tx: Tx, claim: Claim, *, counted_hundredths: int = 0) -> None:
        """Keep a claim with its ways in."""
        await tx.execute(
            "claim_place_add",
            visit_id=claim.visit_id,
            facility=claim.facility,
            citizen_id=claim.citizen_id,
            claim_id=claim.claim_id,
        )
        await tx.execute(
            "claim_link_add",
            link_hash=self._lookup.of(_LINK, f"{claim.facility}/{claim.link_id}"),
            citizen_id=claim.citizen_id,
            claim_id=claim.claim_id,
        )
        await tx.execute(
            "claim_add",
            citizen_id=claim.citizen_id,
            claim_id=claim.claim_id,
            visit_id=claim.visit_id,
            facility=claim.facility,
            link=self._seal("claims", "link", claim.claim_id, claim.link_id.encode()),
            create_time=to_text(claim.create_time),
            **_standing(claim, counted_month="", counted_hundredths=counted_hundredths),
        )

    async def change(
        self, tx: Tx, before: Claim, after: Claim, *, counted_month: str, counted_hundredths: int
    ) -> bool:
        """Say where a claim stands now; False when somebody moved it meanwhile."""
        changed = await tx.execute(
            "claim_change",
            citizen_id=after.citizen_id,
            claim_id=after.claim_id,
            states_before=_states(before),
            **_standing(after, counted_month=counted_month, counted_hundredths=counted_hundredths),
        )
        return changed == 1

    async def claim(self, tx: Tx, *, citizen_id: str, claim_id: str) -> Claim | None:
        """One claim."""
        row = await tx.one("claim_read", citizen_id=citizen_id, claim_id=claim_id)
        return None if row is None else self._claim(row)

    async def counted(self, tx: Tx, claim: Claim) -> tuple[str, int]:
        """Month of the version that counts and what it asks of the fund in hundredths of a dong; "" and 0 without."""
        if not claim.counted_version:
            return "", 0
        row = await tx.one(
            "claim_version_amounts",
            citizen_id=claim.citizen_id,
            claim_id=claim.claim_id,
            version=claim.counted_version,
        )
        assert row is not None, "a version that counts exists"
        return row["month"], row["fund_hundredths"]

    async def page(
        self,
        tx: Tx,
        *,
        facility: str,
        before: tuple[str, str],
        state: ClaimState | None,
        month: str,
        page_size: int,
    ) -> list[Claim]:
        """A page of a facility's claims, newest change first."""
        rows = await tx.all(
            "claim_list",
            facility=facility,
            before_time=before[0],
            before_id=before[1],
            state=state.value if state else "",
            month=month,
            page_size=page_size,
        )
        return [self._claim(row) for row in rows]

    async def view(self, tx: Tx, claim: Claim) -> ClaimView:
        """Everything about a claim but the bytes of its files."""
        key = {"citizen_id": claim.citizen_id, "claim_id": claim.claim_id}
        versions = await tx.all("claim_versions_of", **key)
        events = await tx.all("claim_events_of", **key, page_size=EVENTS_MAX)
        settled = await tx.one("claim_settled", **key)
        return ClaimView(
            claim=claim,
            versions=tuple(self._version(row) for row in versions),
            submissions=tuple(
                await self.submissions(tx, citizen_id=claim.citizen_id, visit_id=claim.visit_id)
            ),
            events=tuple(self._event(row, claim.claim_id) for row in events),
            settled_hundredths=None if settled is None else settled["accepted_hundredths"],
        )

    async def add_version(self, tx: Tx, version: ClaimVersion) -> None:
        """Keep a version with its bytes."""
        row_id = f"{version.claim_id}/{version.version}"
        detail = {"lacks": [_lack(each) for each in version.lacks], "reason": version.reason}
        await tx.execute(
            "claim_version_add",
            citizen_id=version.citizen_id,
            claim_id=version.claim_id,
            version=version.version,
            schema_version=version.schema_version,
            month=version.month,
            split_id=version.split_id,
            coverage_id=version.coverage_id,
            total_hundredths=version.total_hundredths,
            covered_hundredths=version.covered_hundredths,
            fund_hundredths=version.fund_hundredths,
            fund_vnd=version.fund_vnd,
            lack_count=len(version.lacks),
            facts_sha256=version.facts_sha256,
            file_sha256=version.file_sha256,
            file=self._seal("claim_versions", "file", row_id, zlib.compress(version.file)),
            detail=self._seal("claim_versions", "detail", row_id, _dump(detail)),
            caller=version.caller,
            create_time=to_text(version.create_time),
        )

    async def version(self, tx: Tx, *, citizen_id: str, claim_id: str, version: int) -> ClaimVersion | None:
        """One version with its bytes, which are checked against their sum."""
        row = await tx.one("claim_version_read", citizen_id=citizen_id, claim_id=claim_id, version=version)
        return None if row is None else self._version(row)

    async def add_event(
        self, tx: Tx, claim: Claim, *, version: int, state: ClaimState, reason: str, actor: str, now: datetime
    ) -> None:
        """Keep what happened to a version."""
        newest = await tx.one("claim_event_number", citizen_id=claim.citizen_id, claim_id=claim.claim_id)
        assert newest is not None, "an aggregate answers one row"
        number = newest["number"] + 1
        await tx.execute(
            "claim_event_add",
            citizen_id=claim.citizen_id,
            claim_id=claim.claim_id,
            number=number,
            version=version,
            state=state.value,
            reason=self._seal("claim_events", "reason", f"{claim.claim_id}/{number}", reason.encode()),
            actor=actor,
            event_time=to_text(now),
        )

    async def add_submission(self, tx: Tx, submission: Submission) -> None:
        """Keep a file handed over for sending."""
        row_id = submission.submission_id
        await tx.execute(
            "claim_submission_add",
            citizen_id=submission.citizen_id,
            kind=submission.kind.value,
            visit_id=submission.visit_id,
            facility=submission.facility,
            claim_id=submission.claim_id,
            version=submission.version,
            is_signed=int(submission.is_signed),
            file_sha256=submission.file_sha256,
            file=self._seal("claim_submissions", "file", row_id, zlib.compress(submission.file)),
            total_hundredths=submission.total_hundredths,
            create_time=to_text(submission.create_time),
            **self._fate(submission),
        )

    async def change_submission(self, tx: Tx, submission: Submission) -> None:
        """Say what became of a submission."""
        await tx.execute(
            "claim_submission_change", citizen_id=submission.citizen_id, **self._fate(submission)
        )

    async def submission(self, tx: Tx, *, citizen_id: str, submission_id: str) -> Submission | None:
        """One submission with its bytes."""
        row = await tx.one("claim_submission_read", citizen_id=citizen_id, submission_id=submission_id)
        return None if row is None else self._submission(row)

    async def submissions(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[Submission]:
        """The submissions of a visit without their bytes, oldest first."""
        rows = await tx.all("claim_submissions_of", citizen_id=citizen_id, visit_id=visit_id)
        return [self._submission(row) for row in rows]

    async def beside(
        self, tx: Tx, submission: Submission, *, from_time: datetime
    ) -> tuple[frozenset[str], bool]:
        """Transaction numbers of the facility's other files sent from a moment on, and whether the fate of one of them
        with the same total is not known."""
        key = {
            "facility": submission.facility,
            "from_time": to_text(from_time),
            "submission_id": submission.submission_id,
        }
        rows = await tx.all("claim_transactions", **key)
        rivals = await tx.one("claim_rivals", **key, total_hundredths=submission.total_hundredths)
        assert rivals is not None, "an aggregate answers one row"
        return frozenset(row["transaction_number"] for row in rows), rivals["rival_count"] > 0

    async def add_work_item(self, tx: Tx, item: WorkItem) -> None:
        """Keep a work item."""
        await tx.execute("claim_work_item_name", work_item_id=item.work_item_id, citizen_id=item.citizen_id)
        await tx.execute(
            "claim_work_item_add",
            visit_id=item.visit_id,
            facility=item.facility,
            claim_id=item.claim_id,
            cause=item.cause.value,
            open_time=to_text(item.open_time),
            **self._work(item),
        )

    async def change_work_item(self, tx: Tx, item: WorkItem) -> None:
        """End or renew a work item."""
        await tx.execute("claim_work_item_change", **self._work(item))

    async def work_item(self, tx: Tx, work_item_id: str) -> WorkItem | None:
        """One work item by its name."""
        place = await tx.one("claim_work_item_place", work_item_id=work_item_id)
        if place is None:
            return None
        row = await tx.one("claim_work_item_read", citizen_id=place["citizen_id"], work_item_id=work_item_id)
        return None if row is None else self._work_item(row)

    async def open_work_items(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[WorkItem]:
        """What is open about a visit."""
        rows = await tx.all("claim_work_items_open", citizen_id=citizen_id, visit_id=visit_id)
        return [self._work_item(row) for row in rows]

    async def work_item_page(
        self,
        tx: Tx,
        *,
        facility: str,
        after: tuple[str, str],
        cause: WorkCause | None,
        show_resolved: bool,
        page_size: int,
    ) -> list[WorkItem]:
        """A page of a facility's work items, oldest first."""
        rows = await tx.all(
            "claim_work_item_list",
            facility=facility,
            after_time=after[0],
            after_id=after[1],
            cause=cause.value if cause else "",
            show_resolved=int(show_resolved),
            page_size=page_size,
        )
        return [self._work_item(row) for row in rows]

    def _fate(self, submission: Submission) -> dict[str, Any]:  # Any: parameters of a statement
        detail = {"message": submission.message, "link_id": submission.link_id}
        return {
            "submission_id": submission.submission_id,
            "state": submission.state.value,
            "send_count": submission.send_count,
            "first_send_time": _time_text(submission.first_send_time),
            "last_send_time": _time_text(submission.last_send_time),
            "answer_time": _time_text(submission.answer_time),
            "transaction_number": submission.transaction_number,
            "portal_code": submission.portal_code,
            "failure_reason": submission.failure_reason,
            "detail": self._seal("claim_submissions", "detail", submission.submission_id, _dump(detail)),
            "update_time": to_text(submission.update_time),
        }

    def _work(self, item: WorkItem) -> dict[str, Any]:  # Any: parameters of a statement
        detail = {
            "link_id": item.link_id,
            "message": item.message,
            "findings": [asdict(each) for each in item.findings],
            "lacks": [_lack(each) for each in item.lacks],
            "note": item.note,
        }
        return {
            "citizen_id": item.citizen_id,
            "work_item_id": item.work_item_id,
            "version": item.version,
            "portal_code": item.portal_code,
            "resolution": item.resolution.value,
            "resolver": item.resolver,
            "detail": self._seal("claim_work_items", "detail", item.work_item_id, _dump(detail)),
            "resolve_time": _time_text(item.resolve_time),
        }

    def _claim(self, row: Row) -> Claim:
        return Claim(
            claim_id=row["claim_id"],
            citizen_id=row["citizen_id"],
            visit_id=row["visit_id"],
            facility=row["facility"],
            link_id=self._open("claims", "link", row["claim_id"], row["link"]).decode(),
            month=row["month"],
            states=tuple(ClaimState(each) for each in row["states"].split(",")),
            create_time=to_time(row["create_time"]),
            update_time=to_time(row["update_time"]),
        )

    def _version(self, row: Row) -> ClaimVersion:
        row_id = f"{row['claim_id']}/{row['version']}"
        detail = json.loads(self._open("claim_versions", "detail", row_id, row["detail"]))
        file = b""
        if "file" in row:
            file = zlib.decompress(self._open("claim_versions", "file", row_id, row["file"]))
            assert sha256(file).hexdigest() == row["file_sha256"], "a version is never changed"
        return ClaimVersion(
            claim_id=row["claim_id"],
            citizen_id=row["citizen_id"],
            version=row["version"],
            schema_version=row["schema_version"],
            month=row["month"],
            split_id=row["split_id"],
            coverage_id=row["coverage_id"],
            total_hundredths=row["total_hundredths"],
            covered_hundredths=row["covered_hundredths"],
            fund_hundredths=row["fund_hundredths"],
            fund_vnd=row["fund_vnd"],
            lacks=_lacks(detail["lacks"]),
            reason=detail["reason"],
            facts_sha256=row["facts_sha256"],
            file_sha256=row["file_sha256"],
            file=file,
            caller=row["caller"],
            create_time=to_time(row["create_time"]),
        )

    def _event(self, row: Row, claim_id: str) -> ClaimEvent:
        reason = self._open("claim_events", "reason", f"{claim_id}/{row['number']}", row["reason"])
        return ClaimEvent(
            number=row["number"],
            version=row["version"],
            state=ClaimState(row["state"]),
            reason=reason.decode(),
            actor=row["actor"],
            event_time=to_time(row["event_time"]),
        )

    def _submission(self, row: Row) -> Submission:
        row_id = row["submission_id"]
        detail = json.loads(self._open("claim_submissions", "detail", row_id, row["detail"]))
        file = b""
        if "file" in row:
            file = zlib.decompress(self._open("claim_submissions", "file", row_id, row["file"]))
            assert sha256(file).hexdigest() == row["file_sha256"], "a file handed over is never changed"
        return Submission(
            submission_id=row_id,
            citizen_id=row["citizen_id"],
            kind=FileKind(row["kind"]),
            visit_id=row["visit_id"],
            facility=row["facility"],
            link_id=detail["link_id"],
            claim_id=row["claim_id"],
            version=row["version"],
            state=ClaimState(row["state"]),
            is_signed=bool(row["is_signed"]),
            file_sha256=row["file_sha256"],
            file=file,
            total_hundredths=row["total_hundredths"],
            send_count=row["send_count"],
            first_send_time=_time(row["first_send_time"]),
            last_send_time=_time(row["last_send_time"]),
            answer_time=_time(row["answer_time"]),
            transaction_number=row["transaction_number"],
            portal_code=row["portal_code"],
            failure_reason=row["failure_reason"],
            message=detail["message"],
            create_time=to_time(row["create_time"]),
            update_time=to_time(row["update_time"]),
        )

    def _work_item(self, row: Row) -> WorkItem:
        row_id = row["work_item_id"]
        detail = json.loads(self._open("claim_work_items", "detail", row_id, row["detail"]))
        return WorkItem(
            work_item_id=row_id,
            citizen_id=row["citizen_id"],
            visit_id=row["visit_id"],
            facility=row["facility"],
            claim_id=row["claim_id"],
            link_id=detail["link_id"],
            version=row["version"],
            cause=WorkCause(row["cause"]),
            portal_code=row["portal_code"],
            message=detail["message"],
            findings=tuple(KeptFinding(**each) for each in detail["findings"]),
            lacks=_lacks(detail["lacks"]),
            open_time=to_time(row["open_time"]),
            resolution=Resolution(row["resolution"]),
            resolver=row["resolver"],
            resolve_time=_time(row["resolve_time"]),
            note=detail["note"],
        )

    def _seal(self, table: str, column: str, row_id: str, content: bytes) -> bytes:
        return self._cipher.seal(content, place=f"{table}|{column}|{row_id}")

    def _open(self, table: str, column: str, row_id: str, blob: bytes) -> bytes:
        return self._cipher.open(blob, place=f"{table}|{column}|{row_id}")


def _standing(claim: Claim, *, counted_month: str, counted_hundredths: int) -> dict[str, Any]:
    """Where a claim stands, as parameters of a statement (Any)."""
    counted = claim.counted_version
    return {
        "month": claim.month,
        "state": claim.state.value,
        "states": _states(claim),
        "version": claim.version,
        "counted_version": counted,
        "counted_month": counted_month if counted else "",
        "counted_hundredths": counted_hundredths if counted else 0,
        "update_time": to_text(claim.update_time),
    }


def _states(claim: Claim) -> str:
    return ",".join(state.value for state in claim.states)


def _dump(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _lack(lack: Lack) -> dict[str, object]:
    return {
        "code": lack.code,
        "holder": lack.holder.value,
        "table": lack.table,
        "row": lack.row,
        "field": lack.field,
    }


def _lacks(documents: Sequence[dict[str, Any]]) -> tuple[Lack, ...]:  # Any: JSON of our own making
    return tuple(Lack(**{**each, "holder": Holder(each["holder"])}) for each in documents)


def _time_text(moment: datetime | None) -> str:
    return "" if moment is None else to_text(moment)


def _time(text: str) -> datetime | None:
    return to_time(text) if text else None
