"""Correction requests: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from datetime import datetime

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, optional_time, to_date, to_text, to_time
from identity_svc.domain.correction import Correction, CorrectionState


class CorrectionStore:
    """Reads and writes correction requests; holds the key, no connection and no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def add(self, tx: Tx, request: Correction) -> None:
        """Keep a request; the unique key refuses a second that waits for one field."""
        await tx.execute(
            "quality_add_correction",
            citizen_id=request.citizen_id,
            correction_id=request.correction_id,
            case_id=request.case_id,
            field=request.field,
            value_sealed=self._seal(request, "value_sealed", request.value),
            why_sealed=self._seal(request, "why_sealed", request.why),
            requester=request.requester,
            is_on_behalf=int(request.is_on_behalf),
            facility_code=request.facility_code,
            request_time=to_text(request.request_time),
            answer_due_date=date_to_text(request.answer_due_date),
        )

    async def answer(
        self,
        tx: Tx,
        request: Correction,
        *,
        state: CorrectionState,
        answer: str = "",
        repair_id: str = "",
        now: datetime,
    ) -> None:
        """Answer a request that this transaction read as waiting."""
        changed = await tx.execute(
            "quality_answer_correction",
            citizen_id=request.citizen_id,
            correction_id=request.correction_id,
            state=state,
            answer_time=to_text(now),
            answer_sealed=self._seal(request, "answer_sealed", answer) if answer else None,
            repair_id=repair_id,
        )
        assert changed == 1, "the request was read as waiting in this transaction"

    async def read(self, tx: Tx, citizen_id: str, correction_id: str) -> Correction | None:
        """One request, or None."""
        row = await tx.one("quality_read_correction", citizen_id=citizen_id, correction_id=correction_id)
        return None if row is None else self._correction(row)

    async def of_case(self, tx: Tx, citizen_id: str, case_id: str) -> Correction | None:
        """The request behind a case, or None."""
        row = await tx.one("quality_correction_of_case", citizen_id=citizen_id, case_id=case_id)
        return None if row is None else self._correction(row)

    async def waiting(self, tx: Tx, citizen_id: str, field: str) -> Correction | None:
        """The request for a field that waits, or None."""
        row = await tx.one("quality_waiting_correction", citizen_id=citizen_id, field=field)
        return None if row is None else self._correction(row)

    async def list(self, tx: Tx, citizen_id: str, *, page_size: int) -> list[Correction]:
        """A person's requests, newest first."""
        rows = await tx.all("quality_list_corrections", citizen_id=citizen_id, page_size=page_size)
        return [self._correction(row) for row in rows]

    def _seal(self, request: Correction, column: str, text: str) -> bytes:
        return self._cipher.seal(text, place=_place(column, request.correction_id))

    def _correction(self, row: Row) -> Correction:
        def opened(column: str) -> str:
            sealed = row[column]
            place = _place(column, row["correction_id"])
            return "" if sealed is None else self._cipher.open_text(sealed, place=place)

        return Correction(
            citizen_id=row["citizen_id"],
            correction_id=row["correction_id"],
            case_id=row["case_id"],
            field=row["field"],
            value=opened("value_sealed"),
            why=opened("why_sealed"),
            state=CorrectionState(row["state"]),
            requester=row["requester"],
            is_on_behalf=bool(row["is_on_behalf"]),
            facility_code=row["facility_code"],
            request_time=to_time(row["request_time"]),
            answer_due_date=to_date(row["answer_due_date"]),
            answer_time=optional_time(row["answer_time"]),
            answer=opened("answer_sealed"),
            repair_id=row["repair_id"],
        )


def _place(column: str, correction_id: str) -> str:
    return f"correction|{column}|{correction_id}"
