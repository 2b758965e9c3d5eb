"""Take in the insurer's monthly results and bring the claims they name to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from itertools import islice

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from insurance_svc.domain.claim import Claim, ClaimState, moved
from insurance_svc.domain.claim_errors import SettlementFileTooLarge
from insurance_svc.domain.claim_results import FILE_MAX_BYTES, Result, read_results
from insurance_svc.domain.claim_values import Settlement, SettlementLine, WorkCause
from insurance_svc.operations.claims.desk import ClaimDesk
from insurance_svc.store.settlement_store import SettlementStore, settlement_id_of

CHUNK_ROWS = 200
"""Results of one transaction: a month of fifty thousand must not hold the store."""


class ImportSettlement:
    """The verb behind ImportSettlement."""

    def __init__(self, *, db: Database, desk: ClaimDesk, store: SettlementStore, clock: Clock) -> None:
        self._db = db
        self._desk = desk
        self._store = store
        self._clock = clock

    async def __call__(
        self, month: str, parts: AsyncIterator[bytes], *, key: RequestKey, caller: Caller
    ) -> Settlement:
        """Take a file in; broken off, the same file goes on where it stood, and in the end changes nothing twice.

        Raises:
            SettlementFileTooLarge, SettlementFileUnreadable.
        """
        content = await _collected(parts)
        file_sha256 = sha256(content).hexdigest()
        settlement_id = settlement_id_of(facility=caller.facility, month=month, file_sha256=file_sha256)
        known = await self._db.read(lambda tx: self._store.read(tx, settlement_id))
        if known is not None:
            return known
        file = await asyncio.to_thread(read_results, content)
        unmatched_count = 0
        rows = iter(enumerate(file.results, start=1))
        while chunk := list(islice(rows, CHUNK_ROWS)):
            unmatched_count += await self._take(settlement_id, month, chunk, caller)
        settlement = Settlement(
            settlement_id=settlement_id,
            facility=caller.facility,
            month=month,
            file_sha256=file_sha256,
            line_count=file.line_count,
            unmatched_count=unmatched_count,
            repeated_count=file.repeated_count,
            caller=caller.subject,
            create_time=self._clock.now(),
        )
        return await self._db.write(lambda tx: self._finish(tx, settlement, key, caller))

    async def _take(
        self, settlement_id: str, month: str, chunk: Sequence[tuple[int, Result]], caller: Caller
    ) -> int:
        async def work(tx: Tx) -> int:
            matched = [await self._line(tx, settlement_id, month, each, caller) for each in chunk]
            return matched.count(False)

        return await self._db.write(work)

    async def _line(
        self, tx: Tx, settlement_id: str, month: str, numbered: tuple[int, Result], caller: Caller
    ) -> bool:
        """Keep one result; whether it names a claim that counts in the month."""
        number, result = numbered
        claim = await self._desk.store.by_link(tx, facility=caller.facility, link_id=result.link_id)
        counted_month, claimed = ("", 0) if claim is None else await self._desk.store.counted(tx, claim)
        counts = counted_month == month
        await self._store.add_line(
            tx,
            SettlementLine(
                citizen_id=claim.citizen_id if claim else "",
                settlement_id=settlement_id,
                line_number=number,
                claim_id=claim.claim_id if claim else "",
                visit_id=claim.visit_id if claim else "",
                claimed_hundredths=claimed if counts else 0,
                accepted_hundredths=result.accepted_hundredths,
                link_id=result.link_id,
                cause=result.cause,
            ),
        )
        if claim is not None and counts:
            await self._bring_to_end(tx, claim, result, claimed, caller)
        return counts

    async def _bring_to_end(self, tx: Tx, claim: Claim, result: Result, claimed: int, caller: Caller) -> None:
        now = self._clock.now()
        number = claim.counted_version
        if claim.states[number - 1] is ClaimState.ACCEPTED:
            after = moved(claim, number, ClaimState.SETTLED, now=now)
            await self._desk.move(tx, claim, after, reason="", caller=caller)
        if result.accepted_hundredths < claimed:
            await self._desk.open_item(
                tx,
                cause=WorkCause.SETTLED_SHORT,
                visit_id=claim.visit_id,
                citizen_id=claim.citizen_id,
                claim_id=claim.claim_id,
                facility=claim.facility,
                link_id=claim.link_id,
                version=number,
                message=result.cause,
                now=now,
            )
        else:
            await self._desk.close_items(
                tx,
                visit_id=claim.visit_id,
                citizen_id=claim.citizen_id,
                claim_id=claim.claim_id,
                causes=frozenset({WorkCause.SETTLED_SHORT}),
                now=now,
            )

    async def _finish(self, tx: Tx, settlement: Settlement, key: RequestKey, caller: Caller) -> Settlement:
        if await recall(tx, key) is None:
            await self._store.add(tx, settlement)
            await self._desk.audit(tx, "import_settlement", visit_id="", citizen_id="", caller=caller)
            await remember(tx, key, settlement.settlement_id, "forever")
        kept = await self._store.read(tx, settlement.settlement_id)
        assert kept is not None, "it was added, or its request is remembered"
        return kept


async def _collected(parts: AsyncIterator[bytes]) -> bytes:
    content = bytearray()
    async for part in parts:
        content += part
        if len(content) > FILE_MAX_BYTES:
            raise SettlementFileTooLarge(limit="bytes", maximum=FILE_MAX_BYTES)
    return bytes(content)
