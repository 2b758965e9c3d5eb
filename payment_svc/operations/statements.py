"""Importing a bank's statement file: read in a thread, then kept in one transaction, overlap or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import pairwise

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from payment_svc.domain.breaks import Break, BreakCode, Resolution
from payment_svc.domain.days import business_date
from payment_svc.domain.errors import StatementAccountUnknown, StatementTooLarge
from payment_svc.domain.ledger import derived_id
from payment_svc.domain.payees import Payees
from payment_svc.domain.readers import StatementFormat, read_statements
from payment_svc.domain.reconciliation import ImportedStatement, SealedBadLine, SealedLine
from payment_svc.domain.statement import Statement, StatementLine, line_ids
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import PaymentStore
from standards.payment_reference import find_references

_REFERENCE_CHARS_MAX = 70
_NUMBER_CHARS_MAX = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A file read and sealed, ready for its rows."""

    summary: ImportedStatement
    from_date: date
    to_date: date
    lines: tuple[SealedLine, ...]
    bad_lines: tuple[SealedBadLine, ...]
    breaks: tuple[Break, ...]


class StatementOperations:
    """The verb about statement files."""

    def __init__(
        self,
        db: Database,
        store: PaymentStore,
        statements: StatementStore,
        *,
        payees: Payees,
        max_bytes: int,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._statements = statements
        self._payees = payees
        self._max_bytes = max_bytes
        self._clock = clock
        self._ids = ids

    async def import_statement(
        self,
        caller: Caller,
        key: RequestKey,
        *,
        form: StatementFormat,
        account: str,
        chunks: AsyncIterator[bytes],
    ) -> ImportedStatement:
        """Keep every line of a file that was not known, quarantine what cannot be read, prove the balance.

        Raises:
            StatementTooLarge, StatementUnreadable, StatementAccountUnknown: nothing was imported.
        """
        payee = self._payees.owner_of(account)
        if payee is None or payee.facility_code != caller.facility:
            raise StatementAccountUnknown
        content = await self._gather(chunks)
        key = replace(key, fingerprint=sha256(key.fingerprint + sha256(content).digest()).digest())
        prepared = await asyncio.to_thread(self._prepare, caller.facility, form, account, content)

        async def work(tx: Tx) -> ImportedStatement:
            statement_id = await recall(tx, key)
            if statement_id is None:
                statement_id = prepared.summary.statement_id
                await self._keep(tx, caller, prepared)
                await remember(tx, key, statement_id, "forever")
            kept = await self._statements.read_statement(tx, statement_id)
            assert kept is not None, "its key was remembered with it"
            return kept

        return await self._db.write(work)

    async def _gather(self, chunks: AsyncIterator[bytes]) -> bytes:
        content = bytearray()
        async for chunk in chunks:
            if len(content) + len(chunk) > self._max_bytes:
                raise StatementTooLarge(self._max_bytes)
            content += chunk
        return bytes(content)

    def _prepare(self, facility_code: str, form: StatementFormat, account: str, content: bytes) -> _Prepared:
        """Everything that needs no transaction; runs in a thread."""
        statements = read_statements(form, content)
        for statement in statements:
            if statement.account and not _is_same_account(statement.account, account):
                raise StatementAccountUnknown
        lines = [line for statement in statements for line in statement.lines]
        days = [day for s in statements for day in (s.from_date, s.to_date) if day is not None]
        today = business_date(self._clock.now())
        summary = ImportedStatement(
            statement_id=self._ids.new(),
            account=account,
            number=",".join(s.number for s in statements if s.number)[:_NUMBER_CHARS_MAX],
            opening_vnd=statements[0].opening_vnd or 0,
            closing_vnd=statements[-1].closing_vnd or 0,
            line_count=len(lines),
            duplicate_count=0,
            quarantined_count=sum(len(statement.bad_lines) for statement in statements),
            is_proved=all(statement.is_proved for statement in statements)
            and all(before.closing_vnd == after.opening_vnd for before, after in pairwise(statements)),
        )
        return _Prepared(
            summary=summary,
            from_date=min(days, default=today),
            to_date=max(days, default=today),
            lines=tuple(self._seal(line_ids(account, lines), lines)),
            bad_lines=tuple(self._seal_bad(account, statements)),
            breaks=tuple(self._breaks(facility_code, account, statements)),
        )

    def _seal(self, ids: Sequence[str], lines: Sequence[StatementLine]) -> list[SealedLine]:
        return [
            SealedLine(
                line_id=line_id,
                booking_date=line.booking_date,
                amount_vnd=line.amount_vnd,
                bank_reference=line.bank_reference[:_REFERENCE_CHARS_MAX],
                codes=find_references(line.text),
                text_hash=self._store.text_hash(line.text),
                text_sealed=self._statements.seal_text(line_id, line.text),
            )
            for line_id, line in zip(ids, lines, strict=True)
        ]

    def _seal_bad(self, account: str, statements: Sequence[Statement]) -> list[SealedBadLine]:
        sealed = []
        for number, statement in enumerate(statements):
            for bad in statement.bad_lines:
                quarantine_id = self._ids.new()
                sealed.append(
                    SealedBadLine(
                        quarantine_id=quarantine_id,
                        position=bad.position,
                        fault=f"{number}/{bad.fault.value}",
                        raw_sealed=self._statements.seal_raw(quarantine_id, bad.raw),
                    )
                )
        return sealed

    def _breaks(self, facility_code: str, account: str, statements: Sequence[Statement]) -> list[Break]:
        """What is wrong with the file itself, named by content, so that the same file again opens nothing."""
        found = []
        before_vnd: int | None = None
        for statement in statements:
            of_file = (account, statement.number, str(statement.opening_vnd), str(statement.closing_vnd))
            for bad in statement.bad_lines:
                content = sha256(bad.raw.encode("utf-8")).hexdigest()
                cause = (*of_file, str(bad.position), content)
                found.append(self._break(BreakCode.INVALID_LINE, facility_code, account, cause, 0))
            gap_vnd = 0 if before_vnd is None else (statement.opening_vnd or 0) - before_vnd
            if not statement.is_proved or gap_vnd:
                amount_vnd = abs(statement.difference_vnd or gap_vnd)
                cause = (*of_file, str(statement.from_date), str(statement.to_date))
                found.append(self._break(BreakCode.BALANCE_BREAK, facility_code, account, cause, amount_vnd))
            before_vnd = statement.closing_vnd
        return found

    def _break(
        self, code: BreakCode, facility_code: str, account: str, cause: tuple[str, ...], amount_vnd: int
    ) -> Break:
        return Break(
            break_id=derived_id("break", code.value, *cause),
            facility_code=facility_code,
            code=code,
            amount_vnd=amount_vnd,
            account=account,
            bank_reference="",
            visit_id="",
            collection_id="",
            create_time=self._clock.now(),
            resolution=Resolution.NONE,
            resolve_time=None,
        )

    async def _keep(self, tx: Tx, caller: Caller, prepared: _Prepared) -> None:
        now = self._clock.now()
        await self._statements.add_statement(
            tx,
            prepared.summary,
            facility_code=caller.facility,
            from_date=prepared.from_date,
            to_date=prepared.to_date,
            lines=prepared.lines,
            bad_lines=prepared.bad_lines,
            now=now,
        )
        for item in prepared.breaks:
            await self._statements.add_break(tx, item)
        await audit.record(
            tx,
            action="import_statement",
            resource=f"statements/{prepared.summary.statement_id}",
            caller=caller,
            outcome="ok",
            now=now,
            trace_id=current_trace_id(),
        )


def _is_same_account(told: str, account: str) -> bool:
    """Whether a file's account is ours; banks put their own prefix before it, and blanks into it."""
    told_plain = "".join(char for char in told if char.isalnum())
    return told_plain == account or told_plain.endswith(account)
