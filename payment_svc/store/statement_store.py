"""Statements, breaks and runs: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from chassis.crypto import FieldCipher
from chassis.db import Row, Tx
from chassis.db.columns import date_to_text, optional_text, optional_time, to_date, to_text, to_time
from payment_svc.domain.breaks import Break, BreakCode, Resolution
from payment_svc.domain.matching import OpenLine, Verdict
from payment_svc.domain.reconciliation import ImportedStatement, Run, SealedBadLine, SealedLine
from payment_svc.store.store import OPEN_MAX

OUTCOMES_MAX = 5_000_000
"""Lines of one account a digest covers; about 50 days of a whole province."""


class StatementStore:
    """Reads and writes what the bank says and what did not fit; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher) -> None:
        self._cipher = cipher

    def seal_text(self, line_id: str, text: str) -> bytes:
        """A line's transfer text, sealed for its row; it often holds the payer's name."""
        return self._cipher.seal(text, place=f"statement_line|text|{line_id}")

    def seal_raw(self, quarantine_id: str, raw: str) -> bytes:
        """A bad line's text, sealed for its row."""
        return self._cipher.seal(raw, place=f"quarantined_line|raw|{quarantine_id}")

    # Statements

    async def add_statement(
        self,
        tx: Tx,
        statement: ImportedStatement,
        *,
        facility_code: str,
        from_date: date,
        to_date: date,
        lines: Sequence[SealedLine],
        bad_lines: Sequence[SealedBadLine],
        now: datetime,
    ) -> int:
        """Record a file with its lines and return how many of them were known already."""
        await tx.execute(
            "payment_add_statement",
            statement_id=statement.statement_id,
            facility_code=facility_code,
            account=statement.account,
            number=statement.number,
            opening_vnd=statement.opening_vnd,
            closing_vnd=statement.closing_vnd,
            line_count=statement.line_count,
            quarantined_count=statement.quarantined_count,
            is_proved=int(statement.is_proved),
            from_date=date_to_text(from_date),
            to_date=date_to_text(to_date),
            import_time=to_text(now),
        )
        shared = {
            "statement_id": statement.statement_id,
            "facility_code": facility_code,
            "account": statement.account,
        }
        if lines:
            await tx.execute_many("payment_add_line", [{**shared, **_line_row(line)} for line in lines])
        if bad_lines:
            await tx.execute_many(
                "payment_add_quarantined",
                [
                    {
                        "statement_id": statement.statement_id,
                        "quarantine_id": bad.quarantine_id,
                        "position": bad.position,
                        "fault": bad.fault,
                        "raw_sealed": bad.raw_sealed,
                    }
                    for bad in bad_lines
                ],
            )
        row = await tx.one("payment_count_lines", statement_id=statement.statement_id)
        assert row is not None, "a count has a row"
        duplicate_count = len(lines) - int(row["line_count"])
        await tx.execute(
            "payment_note_duplicates", statement_id=statement.statement_id, duplicate_count=duplicate_count
        )
        return duplicate_count

    async def read_statement(self, tx: Tx, statement_id: str) -> ImportedStatement | None:
        """One imported file, or None."""
        row = await tx.one("payment_read_statement", statement_id=statement_id)
        if row is None:
            return None
        return ImportedStatement(
            statement_id=row["statement_id"],
            account=row["account"],
            number=row["number"],
            opening_vnd=row["opening_vnd"],
            closing_vnd=row["closing_vnd"],
            line_count=row["line_count"],
            duplicate_count=row["duplicate_count"],
            quarantined_count=row["quarantined_count"],
            is_proved=bool(row["is_proved"]),
        )

    async def last_statement_date(self, tx: Tx, account: str) -> date | None:
        """The last day any statement of an account covers, or None."""
        row = await tx.one("payment_last_statement_date", account=account)
        return to_date(row["to_date"]) if row is not None and row["to_date"] else None

    # Lines

    async def list_open_lines(self, tx: Tx, account: str) -> list[OpenLine]:
        """Movements nothing was said of yet."""
        rows = await tx.all("payment_list_open_lines", account=account, page_size=OPEN_MAX)
        return [
            OpenLine(
                line_id=row["line_id"],
                booking_date=to_date(row["booking_date"]),
                amount_vnd=row["amount_vnd"],
                bank_reference=row["bank_reference"],
                codes=tuple(code for code in row["codes"].split(",") if code),
                text_hash=bytes(row["text_hash"]),
            )
            for row in rows
        ]

    async def decide_all(self, tx: Tx, verdicts: Sequence[Verdict]) -> None:
        """Say what movements are; what was said before stays as it is."""
        if verdicts:
            await tx.execute_many(
                "payment_decide_line",
                [
                    {
                        "line_id": verdict.line_id,
                        "outcome": verdict.outcome.value,
                        "match_group": verdict.group,
                    }
                    for verdict in verdicts
                ],
            )

    async def line_outcomes(self, tx: Tx, account: str) -> list[tuple[str, str, str]]:
        """(line id, outcome, group) of every decided movement of an account."""
        rows = await tx.all("payment_line_outcomes", account=account, page_size=OUTCOMES_MAX)
        return [(row["line_id"], row["outcome"], row["match_group"]) for row in rows]

    async def count_open_lines(self, tx: Tx, *, account: str, facility_code: str) -> int:
        """Movements that wait for a person, or for the next run."""
        row = await tx.one("payment_count_open_lines", account=account, facility_code=facility_code)
        assert row is not None, "a count has a row"
        return int(row["line_count"])

    # Breaks

    async def add_break(self, tx: Tx, item: Break, *, line_id: str = "") -> bool:
        """Open a break (or record a cleared one); False when the same one was opened before."""
        added = await tx.execute(
            "payment_add_break",
            break_id=item.break_id,
            facility_code=item.facility_code,
            code=item.code.value,
            amount_vnd=item.amount_vnd,
            account=item.account,
            bank_reference=item.bank_reference,
            visit_id=item.visit_id,
            collection_id=item.collection_id,
            line_id=line_id,
            create_time=to_text(item.create_time),
            resolution=item.resolution.value,
            resolve_time=optional_text(item.resolve_time),
        )
        return added == 1

    async def read_break(self, tx: Tx, break_id: str) -> Break | None:
        """One break, or None."""
        row = await tx.one("payment_read_break", break_id=break_id)
        return None if row is None else _break(row)

    async def list_breaks(
        self, tx: Tx, *, facility_code: str, state: str, after: tuple[str, str], page_size: int
    ) -> list[Break]:
        """A page of breaks, oldest first; `state` is OPEN, RESOLVED or empty for both."""
        rows = await tx.all(
            "payment_list_breaks",
            facility_code=facility_code,
            state=state,
            after_time=after[0],
            after_id=after[1],
            page_size=page_size,
        )
        return [_break(row) for row in rows]

    async def resolve_break(
        self, tx: Tx, break_id: str, *, resolution: Resolution, resolver: str, note: str, now: datetime
    ) -> bool:
        """End an open break; False when it was ended before."""
        changed = await tx.execute(
            "payment_resolve_break",
            break_id=break_id,
            resolution=resolution.value,
            resolve_time=to_text(now),
            resolver=resolver,
            note_sealed=self._cipher.seal(note, place=f"money_break|note|{break_id}") if note else None,
        )
        return changed == 1

    async def clear_breaks(self, tx: Tx, *, collection_id: str, code: BreakCode, now: datetime) -> None:
        """End open breaks of one kind of some money because later data explained them."""
        await tx.execute(
            "payment_clear_breaks", collection_id=collection_id, code=code.value, resolve_time=to_text(now)
        )

    async def money_with_open_breaks(self, tx: Tx, account: str) -> set[str]:
        """Ids of the sums of an account that have an open break."""
        rows = await tx.all("payment_list_broken_money", account=account, page_size=OPEN_MAX)
        return {row["collection_id"] for row in rows}

    async def link_breaks(self, tx: Tx, *, collection_id: str, line_id: str) -> None:
        """Tie the open breaks of money to the line that showed it."""
        await tx.execute("payment_link_breaks_to_line", collection_id=collection_id, line_id=line_id)

    # Runs

    async def add_run(self, tx: Tx, run: Run, *, facility_code: str, account: str, now: datetime) -> None:
        """Record a reconciliation."""
        await tx.execute(
            "payment_add_run",
            run_id=run.run_id,
            facility_code=facility_code,
            account=account,
            by_reference_count=run.by_reference_count,
            by_code_count=run.by_code_count,
            posted_count=run.posted_count,
            break_count=run.break_count,
            open_line_count=run.open_line_count,
            digest=run.digest,
            run_time=to_text(now),
        )

    async def read_run(self, tx: Tx, run_id: str) -> Run | None:
        """One reconciliation, or None."""
        row = await tx.one("payment_read_run", run_id=run_id)
        return None if row is None else Run(**dict(row))


def _line_row(line: SealedLine) -> dict[str, object]:
    return {
        "line_id": line.line_id,
        "booking_date": date_to_text(line.booking_date),
        "amount_vnd": line.amount_vnd,
        "bank_reference": line.bank_reference,
        "codes": ",".join(line.codes),
        "text_hash": line.text_hash,
        "text_sealed": line.text_sealed,
    }


def _break(row: Row) -> Break:
    return Break(
        break_id=row["break_id"],
        facility_code=row["facility_code"],
        code=BreakCode(row["code"]),
        amount_vnd=row["amount_vnd"],
        account=row["account"],
        bank_reference=row["bank_reference"],
        visit_id=row["visit_id"],
        collection_id=row["collection_id"],
        create_time=to_time(row["create_time"]),
        resolution=Resolution(row["resolution"]),
        resolve_time=optional_time(row["resolve_time"]),
    )
