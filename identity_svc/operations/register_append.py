"""The verb AppendImport: takes in a piece of a register file.

A file of 1.8 million people takes many minutes, and no single call does: each call carries a bounded piece that begins
at `next_offset`, and its whole rows are stored in batches, each with the import's new offset in one transaction. So
resuming after a kill of the service, of the client or of the line is the ordinary next call, a piece that was stored
already is refused by its offset, deadlines stay short, and a patient's check-in waits for a batch or two at most. A
client stream of minutes would need all of that besides its own long deadline.

CSV is parsed on the fly and never touches the disk; its hash names it and is not checked, for no call sees it whole.
Parquet keeps its columns' places at its end, so it is first spooled, sealed, compared with its hash, and deleted when
it is done.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.import_errors import (
    FileDiffers,
    ImportEnded,
    ImportMovedOn,
    ImportNotFound,
    LayoutDiffers,
)
from identity_svc.domain.register_file import FileFormat
from identity_svc.domain.register_file_text import RawRow, RowCutter
from identity_svc.domain.register_import import ImportState, RegisterImport, both
from identity_svc.operations.register_batch import Batch, BatchStore
from identity_svc.operations.register_import import require_importer
from identity_svc.operations.register_parquet import BLOCK_BYTES, ParquetSpool, column_names, read_rows
from identity_svc.operations.register_prepare import BatchInput, NumberedRow, PreparedBatch, Workshop
from identity_svc.store.import_store import ImportStore

BATCH_ROWS = 200
"""Rows of one transaction. A check-in's write waits for one or two of them: some 40 ms in the median with 200, hundreds
at the 99th percentile with 1,000, while larger ones saved a tenth of the time (bench/register_import.py)."""
APPEND_S = 20.0
"""How long one call takes pieces in; what came later is sent again."""
SPOOL_BYTES = 16 * BLOCK_BYTES
"""What is spooled at once."""
_EMPTY = PreparedBatch(people=(), rejects=(), warnings={})


@dataclass(slots=True, kw_only=True)
class _Piece:
    """One call of AppendImport under way."""

    run: RegisterImport
    """As of the last stored batch."""
    caller: Caller
    trace_id: str
    next_row: int
    needs_header: bool
    """The line of column names has not come yet."""
    started_s: float = field(default_factory=time.monotonic)
    noted_s: float = field(default_factory=time.monotonic)
    waiting: deque[tuple[int, asyncio.Future[PreparedBatch]]] = field(default_factory=deque)
    """Batches in preparation, each with the offset behind it."""

    @property
    def is_over(self) -> bool:
        """Whether the call has taken as long as one may."""
        return time.monotonic() - self.started_s > APPEND_S


class AppendImport:
    """The verb AppendImport."""

    def __init__(
        self,
        *,
        db: Database,
        store: ImportStore,
        batches: BatchStore,
        workshop: Workshop,
        spool: ParquetSpool,
        clock: Clock,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._db = db
        self._store = store
        self._batches = batches
        self._workshop = workshop
        self._spool = spool
        self._clock = clock
        self._batch_rows = batch_rows

    async def __call__(
        self, import_id: str, *, offset: int, chunks: AsyncIterator[bytes], caller: Caller
    ) -> RegisterImport:
        """Take a piece of the file in and give the import after it.

        Raises:
            ImportNotFound, NotTheImporter, ImportEnded, ImportMovedOn, LayoutDiffers, FileDiffers,
            RegisterFileUnreadable, ImportWorkerLost.
        """
        run = await self._db.read(lambda tx: self._store.read(tx, import_id))
        if run is None:
            raise ImportNotFound
        require_importer(run, caller)
        if run.state.is_ended:
            raise ImportEnded(run.state)
        if offset != run.next_offset:
            raise ImportMovedOn(run.next_offset)
        piece = _Piece(
            run=run,
            caller=caller,
            trace_id=current_trace_id(),
            next_row=run.counts.rows + 1,
            needs_header=offset == 0,
        )
        try:
            if run.layout.file_format is FileFormat.CSV:
                await self._take_csv(piece, chunks)
            else:
                await self._take_parquet(piece, chunks)
        finally:
            for _, prepared in piece.waiting:
                prepared.cancel()
        return piece.run

    async def _take_csv(self, piece: _Piece, chunks: AsyncIterator[bytes]) -> None:
        run = piece.run
        layout = run.layout
        cutter = RowCutter(encoding=layout.encoding, delimiter=layout.delimiter, offset=run.next_offset)
        received, rows = run.next_offset, list[RawRow]()
        async for chunk in chunks:
            received += len(chunk)
            if received > run.size_bytes:
                raise FileDiffers
            rows += _cut(cutter, chunk, piece, is_last=received == run.size_bytes)
            while len(rows) >= self._batch_rows:
                await self._submit(piece, rows[: self._batch_rows])
                del rows[: self._batch_rows]
            if piece.is_over:
                break
        is_whole = received == run.size_bytes
        if rows:
            await self._submit(piece, rows)
        while piece.waiting:
            await self._store_next(piece, is_last=is_whole and len(piece.waiting) == 1)
        if is_whole and not piece.run.state.is_ended:
            # Nothing but a header, or blank lines at the end.
            await self._write(piece, _EMPTY, run.size_bytes, is_last=True)

    async def _take_parquet(self, piece: _Piece, chunks: AsyncIterator[bytes]) -> None:
        if piece.run.state is ImportState.RECEIVING:
            await self._receive(piece, chunks)
        if piece.run.state is not ImportState.WORKING:
            return
        run = piece.run
        if not self._spool.has(run.import_id):
            # Another machine's folder, or a lost disk: the file is needed again, its stored rows are not.
            await self._note(piece, replace(run, state=ImportState.RECEIVING, next_offset=0))
            return
        with self._spool.open(run.import_id, size_bytes=run.size_bytes) as file:
            wanted = [column.field is not None for column in run.layout.columns]
            pages = read_rows(file, skip=run.counts.rows, wanted=wanted, batch_rows=self._batch_rows)
            is_whole = False
            while not is_whole:
                page = await asyncio.to_thread(next, pages, None)
                is_whole = page is None
                if page is not None:
                    rows = [RawRow(end_offset=run.size_bytes, cells=cells) for cells in page]
                    await self._submit(piece, rows)
                if piece.is_over:
                    break
            while piece.waiting:
                await self._store_next(piece, is_last=False)
        if is_whole:
            await self._write(piece, _EMPTY, run.size_bytes, is_last=True)
            self._spool.delete(run.import_id)

    async def _receive(self, piece: _Piece, chunks: AsyncIterator[bytes]) -> None:
        """Spool a piece; when the file is whole, compare it with what was announced."""
        run, offset, held = piece.run, piece.run.next_offset, b""
        async for chunk in chunks:
            held += chunk
            if offset + len(held) > run.size_bytes:
                raise FileDiffers
            if len(held) >= SPOOL_BYTES:
                offset, held = await self._keep(run, offset, held)
        offset, held = await self._keep(run, offset, held)
        if offset < run.size_bytes:
            # What is short of a block comes again with the next piece.
            await self._note(piece, replace(run, next_offset=offset))
            return
        await asyncio.to_thread(self._check_whole, run)
        await self._note(piece, replace(run, state=ImportState.WORKING, next_offset=offset))

    async def _keep(self, run: RegisterImport, offset: int, held: bytes) -> tuple[int, bytes]:
        """Spool what makes whole blocks; give the offset that is safe and the bytes behind it."""
        is_last = offset + len(held) == run.size_bytes
        safe = await asyncio.to_thread(
            self._spool.append, run.import_id, offset=offset, content=held, is_last=is_last
        )
        return safe, held[safe - offset :]

    def _check_whole(self, run: RegisterImport) -> None:
        if self._spool.sha256_of(run.import_id, size_bytes=run.size_bytes) != run.file_sha256:
            raise FileDiffers
        with self._spool.open(run.import_id, size_bytes=run.size_bytes) as file:
            if column_names(file) != run.layout.names:
                raise LayoutDiffers

    async def _note(self, piece: _Piece, after: RegisterImport) -> None:
        """Keep how far the spool is."""
        before = piece.run
        after = replace(after, update_time=self._clock.now())

        async def work(tx: Tx) -> None:
            if not await self._store.note(tx, before, after):
                found = await self._store.read(tx, before.import_id)
                raise ImportMovedOn(0 if found is None else found.next_offset)

        await self._db.write(work)
        piece.run = after

    async def _submit(self, piece: _Piece, rows: list[RawRow]) -> None:
        """Begin to prepare rows; where enough are in preparation, store the oldest first."""
        numbered = tuple(
            NumberedRow(row_number=piece.next_row + place, cells=row.cells, fault=row.fault)
            for place, row in enumerate(rows)
        )
        piece.next_row += len(rows)
        prepared = self._workshop.prepare(self._input(piece.run, numbered))
        piece.waiting.append((rows[-1].end_offset, prepared))
        while len(piece.waiting) > self._workshop.depth:
            await self._store_next(piece, is_last=False)

    def _input(self, run: RegisterImport, rows: tuple[NumberedRow, ...]) -> BatchInput:
        return BatchInput(
            import_id=run.import_id,
            column_names=run.layout.names,
            places=run.layout.places,
            as_of_date=run.as_of_date,
            now=self._clock.now(),
            rows=rows,
        )

    async def _store_next(self, piece: _Piece, *, is_last: bool) -> None:
        end_offset, prepared = piece.waiting.popleft()
        batch = await self._workshop.finished(prepared)
        await self._write(piece, batch, piece.run.size_bytes if is_last else end_offset, is_last=is_last)

    async def _write(self, piece: _Piece, prepared: PreparedBatch, end_offset: int, *, is_last: bool) -> None:
        """Store a batch and the import's new place in one transaction.

        Raises:
            ImportMovedOn: another call stored these rows, or the import was cancelled meanwhile.
        """
        before, now = piece.run, self._clock.now()
        took_s = time.monotonic() - piece.noted_s

        async def work(tx: Tx) -> RegisterImport:
            batch = Batch(tx=tx, run=before, caller=piece.caller, trace_id=piece.trace_id, now=now)
            counts = await self._batches.store(batch, prepared)
            after = replace(
                before,
                state=ImportState.DONE if is_last else before.state,
                next_offset=end_offset,
                counts=before.counts + counts,
                warnings=both(before.warnings, prepared.warnings),
                work_ms=before.work_ms + round(took_s * 1000),
                update_time=now,
                end_time=now if is_last else None,
            )
            if not await self._store.note(tx, before, after):
                found = await self._store.read(tx, before.import_id)
                raise ImportMovedOn(0 if found is None else found.next_offset)
            return after

        piece.noted_s = time.monotonic()
        piece.run = await self._db.write(work)


def _cut(cutter: RowCutter, chunk: bytes, piece: _Piece, *, is_last: bool) -> list[RawRow]:
    """The rows that a chunk completes; the first row of the file has to name the columns of the layout.

    Raises:
        LayoutDiffers.
    """
    rows = cutter.feed(chunk, is_last=is_last)
    if piece.needs_header and rows:
        header = rows.pop(0)
        piece.needs_header = False
        if tuple(name.strip() for name in header.cells) != piece.run.layout.names:
            raise LayoutDiffers
    return rows
