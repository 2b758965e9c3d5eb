"""Reads and writes the insurer's results; every method works inside the transaction it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import to_text, to_time
from insurance_svc.domain.claim_values import Settlement, SettlementLine


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTotals:
    """Sums of a month in hundredths of a dong."""

    claimed_count: int
    claimed: int
    told_count: int
    accepted: int
    untold: int
    foreign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One claim, or result, that does not agree; amounts in hundredths of a dong."""

    key: str
    """Claim or line, for the next page."""
    visit_id: str
    link_id: str
    claimed: int | None
    """None: no claim of the month counts under this link number."""
    accepted: int | None
    """None: the file does not hold it."""
    cause: str = field(repr=False)


class SettlementStore:
    """The tables of result files; link numbers and causes are sealed."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    async def add(self, tx: Tx, settlement: Settlement) -> None:
        """Keep a result file; the same again changes nothing."""
        await tx.execute(
            "claim_settlement_add",
            settlement_id=settlement.settlement_id,
            facility=settlement.facility,
            month=settlement.month,
            file_sha256=settlement.file_sha256,
            line_count=settlement.line_count,
            unmatched_count=settlement.unmatched_count,
            repeated_count=settlement.repeated_count,
            caller=settlement.caller,
            create_time=to_text(settlement.create_time),
        )

    async def read(self, tx: Tx, settlement_id: str) -> Settlement | None:
        """One result file."""
        row = await tx.one("claim_settlement_read", settlement_id=settlement_id)
        return None if row is None else _settlement(row)

    async def newest(self, tx: Tx, *, facility: str, month: str) -> Settlement | None:
        """The result file of a month that counts."""
        row = await tx.one("claim_settlement_newest", facility=facility, month=month)
        return None if row is None else _settlement(row)

    async def add_line(self, tx: Tx, line: SettlementLine) -> None:
        """Keep one result; the same again changes nothing."""
        detail = json.dumps({"link_id": line.link_id, "cause": line.cause}, ensure_ascii=False)
        await tx.execute(
            "claim_settlement_line_add",
            citizen_id=line.citizen_id,
            settlement_id=line.settlement_id,
            line_number=line.line_number,
            claim_id=line.claim_id,
            visit_id=line.visit_id,
            claimed_hundredths=line.claimed_hundredths,
            accepted_hundredths=line.accepted_hundredths,
            detail=self._cipher.seal(detail, place=_place(line.settlement_id, line.line_number)),
        )

    async def totals(self, tx: Tx, *, facility: str, month: str, settlement_id: str) -> MonthTotals:
        """What a month claims and what a result file says to it."""
        row = await tx.one("claim_month_totals", facility=facility, month=month, settlement_id=settlement_id)
        foreign = await tx.one("claim_month_foreign_total", month=month, settlement_id=settlement_id)
        assert row is not None, "an aggregate answers one row"
        assert foreign is not None, "an aggregate answers one row"
        return MonthTotals(
            claimed_count=row["claimed_count"],
            claimed=row["claimed_hundredths"],
            told_count=row["told_count"],
            accepted=row["accepted_hundredths"],
            untold=row["untold_hundredths"],
            foreign=foreign["foreign_hundredths"],
        )

    async def differences(
        self, tx: Tx, *, facility: str, month: str, settlement_id: str, after_id: str, page_size: int
    ) -> list[Difference]:
        """Claims of a month that a result file does not accept as claimed, by claim."""
        rows = await tx.all(
            "claim_month_differences",
            facility=facility,
            month=month,
            settlement_id=settlement_id,
            after_id=after_id,
            page_size=page_size,
        )
        return [self._difference(row, settlement_id) for row in rows]

    async def foreign(
        self, tx: Tx, *, month: str, settlement_id: str, after_number: int, page_size: int
    ) -> list[Difference]:
        """Results that name no claim counting in the month, by line."""
        rows = await tx.all(
            "claim_month_foreign",
            month=month,
            settlement_id=settlement_id,
            after_number=after_number,
            page_size=page_size,
        )
        return [self._foreign(row, settlement_id) for row in rows]

    def _difference(self, row: Row, settlement_id: str) -> Difference:
        link = self._cipher.open(row["link"], place=f"claims|link|{row['claim_id']}").decode()
        is_told = row["line_number"] is not None
        detail = self._detail(row, settlement_id) if is_told else {"cause": ""}
        return Difference(
            key=row["claim_id"],
            visit_id=row["visit_id"],
            link_id=link,
            claimed=row["counted_hundredths"],
            accepted=row["accepted_hundredths"] if is_told else None,
            cause=detail["cause"],
        )

    def _foreign(self, row: Row, settlement_id: str) -> Difference:
        detail = self._detail(row, settlement_id)
        return Difference(
            key=str(row["line_number"]),
            visit_id=row["visit_id"],
            link_id=detail["link_id"],
            claimed=None,
            accepted=row["accepted_hundredths"],
            cause=detail["cause"],
        )

    def _detail(self, row: Row, settlement_id: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(
            self._cipher.open(row["detail"], place=_place(settlement_id, row["line_number"]))
        )
        return found


def settlement_id_of(*, facility: str, month: str, file_sha256: str) -> str:
    """The id of a file of a month: the same file again is the same settlement."""
    return sha256(f"{facility}/{month}/{file_sha256}".encode()).hexdigest()[:32]


def _settlement(row: Row) -> Settlement:
    return Settlement(
        settlement_id=row["settlement_id"],
        facility=row["facility"],
        month=row["month"],
        file_sha256=row["file_sha256"],
        line_count=row["line_count"],
        unmatched_count=row["unmatched_count"],
        repeated_count=row["repeated_count"],
        caller=row["caller"],
        create_time=to_time(row["create_time"]),
    )


def _place(settlement_id: str, line_number: int) -> str:
    return f"claim_settlement_lines|detail|{settlement_id}/{line_number}"
