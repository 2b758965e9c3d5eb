"""What the operations need from outside: the portal and the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.db import Tx
from chassis.idempotency import RequestKey
from insurance_svc.domain.model import Coverage, Evidence, PortalCall, Rung, StoredSplit


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
        self, rung: Rung, *, facility: str, within_ms: int, stale_login: int | None = None
    ) -> PortalCall:
        """Ask once; whatever happens is told in the call, nothing but cancellation is raised.

        Args:
            rung: What to ask.
            facility: Whose account asks.
            within_ms: Time for sign-in and question together.
            stale_login: The sign-in (PortalCall.login_serial) that was refused and must not be used again.
        """
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
