"""Reads which accepted claims were not looked for among the portal's receipts yet, and says that they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.db import Tx
from chassis.db.columns import to_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """An accepted submission that only the portal's answer vouches for."""

    citizen_id: str
    submission_id: str
    transaction_number: str


class ConfirmationStore:
    """What is known of confirmations; every method works inside the transaction it is given."""

    async def facilities(self, tx: Tx, *, from_time: datetime) -> list[str]:
        """Facilities with claims to look for."""
        rows = await tx.all("claim_unconfirmed_facilities", from_time=to_text(from_time))
        return [row["facility"] for row in rows]

    async def page(
        self, tx: Tx, *, facility: str, from_time: datetime, to_time: datetime, after_id: str, page_size: int
    ) -> list[Unconfirmed]:
        """A page of the claims of a facility sent between two moments, by id."""
        rows = await tx.all(
            "claim_unconfirmed",
            facility=facility,
            from_time=to_text(from_time),
            to_time=to_text(to_time),
            after_id=after_id,
            page_size=page_size,
        )
        return [Unconfirmed(**dict(row)) for row in rows]

    async def confirm(self, tx: Tx, *, citizen_id: str, submission_id: str) -> None:
        """Say that a claim was looked for and there is nothing more to learn."""
        await tx.execute("claim_confirm", citizen_id=citizen_id, submission_id=submission_id)
