"""What the operations need from outside: the portal and the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from chassis.db import Tx
from chassis.idempotency import RequestKey
from insurance_svc.domain.claim_answer import FileKind, PortalAnswer, Receipt
from insurance_svc.domain.claim_facts import Person, VisitRecord
from insurance_svc.domain.copayment import CopaymentsKept
from insurance_svc.domain.correction import Correction
from insurance_svc.domain.evidence_paper import EvidenceExport
from insurance_svc.domain.model import Coverage, Evidence, Moment, PortalCall, Rung, StoredSplit


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPointer:
    """The citizen and the newest rows of a visit."""

    visit_id: str
    facility: str
    citizen_id: str = ""
    """Empty until a coverage was checked."""
    check_count: int = 0
    coverage_id: str = ""
    split_count: int = 0
    split_citizen_id: str = ""
    """Under which citizen the newest split stands: empty when it was made before any check."""
    split_id: str = ""


class Portal(Protocol):
    """The insurer's portal."""

    async def look_up(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Ask once; whatever happens is told in the call, nothing but cancellation is raised.

        Args:
            rung: What to ask.
            facility: Whose account asks.
            within_ms: Time for sign-in and question together.
            exchange_id: Of this call, kept with it.
            stale_login: The sign-in (PortalCall.login_serial) that was refused and must not be used again.
        """
        ...

    async def copayments(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Ask once for the copayments of the year that the insurer publishes; the rest is as in look_up."""
        ...


class Alarms(Protocol):
    """What somebody has to be told when the portal answers strangely."""

    def portal_answered(self, kind: str) -> None:
        """Count one call by the class of its code, such as OK or UNKNOWN, or by why it failed."""
        ...

    def portal_needs_attention(self, reason: str) -> None:
        """Count a finding that time alone does not mend."""
        ...


class Store(Protocol):
    """Coverages, evidence and splits; every method works inside the transaction it is given."""

    async def answered(self, tx: Tx, key: RequestKey) -> bool:
        """Whether a request was finished before."""
        ...

    async def visit(self, tx: Tx, visit_id: str) -> VisitPointer | None:
        """The citizen and the newest rows of a visit."""
        ...

    async def save_visit(self, tx: Tx, visit: VisitPointer) -> None:
        """Point a visit to its newest rows."""
        ...

    async def add_coverage(self, tx: Tx, coverage: Coverage, *, now: datetime) -> None:
        """Keep a coverage."""
        ...

    async def coverage(self, tx: Tx, *, citizen_id: str, coverage_id: str) -> Coverage | None:
        """One coverage with the ids of its evidence."""
        ...

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
        """Keep one call to the portal."""
        ...

    async def evidence(self, tx: Tx, *, citizen_id: str, visit_id: str, evidence_id: str) -> Evidence | None:
        """One call with its raw reply."""
        ...

    async def evidence_of_visit(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[Evidence]:
        """The calls of a visit without their replies, oldest first."""
        ...

    async def evidence_count(self, tx: Tx, *, citizen_id: str, visit_id: str) -> int:
        """How many calls of a visit are kept."""
        ...

    async def add_split(self, tx: Tx, stored: StoredSplit) -> None:
        """Keep a split with its lines."""
        ...

    async def split(self, tx: Tx, *, citizen_id: str, split_id: str) -> StoredSplit | None:
        """One split with its lines."""
        ...


class EvidenceBook(Protocol):
    """What surrounds the evidence; every method works inside the transaction it is given."""

    async def whole_evidence(self, tx: Tx, *, citizen_id: str, visit_id: str) -> list[Evidence]:
        """The calls of a visit with what was sent and what came, oldest first."""
        ...

    async def known_numbers(self, tx: Tx, citizen_id: str) -> tuple[str, ...]:
        """Card numbers that the portal told about a citizen at earlier visits, newest first."""
        ...

    async def add_correction(self, tx: Tx, correction: Correction) -> None:
        """Keep a notice."""
        ...

    async def corrections_of_facility(
        self, tx: Tx, *, facility: str, before: tuple[str, str], page_size: int
    ) -> list[Correction]:
        """A page of a facility's notices, newest first, before a key (create_time, correction_id)."""
        ...

    async def corrections_of_visit(
        self, tx: Tx, *, citizen_id: str, visit_id: str, before: tuple[str, str], page_size: int
    ) -> list[Correction]:
        """A page of a visit's notices, newest first."""
        ...

    async def add_export(self, tx: Tx, export: EvidenceExport, *, citizen_id: str, now: datetime) -> None:
        """Keep what a paper was made of."""
        ...

    async def export(self, tx: Tx, *, citizen_id: str, export_id: str) -> EvidenceExport | None:
        """What a paper was made of."""
        ...

    async def add_copayments(self, tx: Tx, kept: CopaymentsKept, *, citizen_id: str) -> None:
        """Keep what the portal published about copayments."""
        ...

    async def newest_copayments(self, tx: Tx, *, citizen_id: str, visit_id: str) -> CopaymentsKept | None:
        """What the portal last published for a visit."""
        ...

    async def copayments(self, tx: Tx, *, citizen_id: str, copayment_id: str) -> CopaymentsKept | None:
        """One answer about copayments."""
        ...


class VisitReader(Protocol):
    """The record of visits."""

    async def visit(self, visit_id: str) -> VisitRecord:
        """One visit with its entries, on behalf of the caller; raises what the record answers, as VISIT_NOT_FOUND."""
        ...


class PersonReader(Protocol):
    """The master index."""

    async def person(self, citizen_id: str) -> Person:
        """Who a citizen is, on behalf of the caller; raises what the index answers, as CITIZEN_NOT_FOUND."""
        ...


class ClaimSigner(Protocol):
    """Where a facility's signature comes from: a key on disk, or a security module."""

    async def sign(self, document: bytes, *, facility: str) -> bytes | None:
        """The same document with a signature in CHUKYDONVI; None when the facility has no key here."""
        ...


class ClaimPortal(Protocol):
    """The insurer's services for claims."""

    async def send(
        self, kind: FileKind, *, facility: str, province_code: str, content: bytes, within_ms: int
    ) -> PortalAnswer:
        """Send one file; whatever happens is told in the answer, nothing but cancellation is raised.

        Args:
            kind: Through which service.
            facility: Whose account sends.
            province_code: maTinh.
            content: The file's bytes.
            within_ms: Time for sign-in and sending together.
        """
        ...

    async def receipts(
        self, kind: FileKind, *, facility: str, day: date, within_ms: int
    ) -> tuple[Receipt, ...] | None:
        """What the portal took from a facility on a day; None when it does not say (offers no such list, is away)."""
        ...
