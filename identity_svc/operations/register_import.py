"""The verbs around an import of a register file that take no rows in: open, read, list, watch, cancel, rejects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.import_errors import (
    ImportEnded,
    ImportNotFound,
    NotTheImporter,
)
from identity_svc.domain.register_file import Layout
from identity_svc.domain.register_import import Counts, ImportState, RegisterImport, Reject
from identity_svc.operations.register_parquet import ParquetSpool
from identity_svc.store.import_store import LAST_ID, ImportStore, layout_text

WATCH_EVERY_S = 1.0
WATCH_MAX_S = 590.0
REJECTS_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """What a client says of a file it is going to send."""

    layout: Layout
    file_sha256: str
    size_bytes: int
    source_name: str
    as_of_date: date
    facility_code: str


class Imports:
    """The verbs around an import that take no rows in."""

    def __init__(
        self, *, db: Database, store: ImportStore, spool: ParquetSpool, clock: Clock, ids: Ids
    ) -> None:
        self._db = db
        self._store = store
        self._spool = spool
        self._clock = clock
        self._ids = ids

    async def create(self, new: NewImport, *, key: RequestKey, caller: Caller) -> RegisterImport:
        """Open an import, or give the one of the same file, layout and person that was not cancelled."""
        trace_id = current_trace_id()

        async def work(tx: Tx) -> RegisterImport:
            if (done := await recall(tx, key)) is not None:
                return await self._existing(tx, done)
            found = await self._same(tx, new, caller)
            if found is None:
                found = self._opened(new, caller)
                await self._store.add(tx, found)
                await self._note(tx, found, "create_register_import", caller=caller, trace_id=trace_id)
            await remember(tx, key, found.import_id)
            return found

        return await self._db.write(work)

    async def get(self, import_id: str) -> RegisterImport:
        """One import.

        Raises:
            ImportNotFound: there is none of that id.
        """
        return await self._db.read(lambda tx: self._existing(tx, import_id))

    async def page(self, *, before_id: str = LAST_ID, page_size: int) -> list[RegisterImport]:
        """Imports opened before one, newest first."""
        return await self._db.read(lambda tx: self._store.page(tx, before_id=before_id, page_size=page_size))

    async def watch(self, import_id: str) -> AsyncIterator[RegisterImport]:
        """An import each time it got on, until it ends or the time of a watch is over."""
        until_s = time.monotonic() + WATCH_MAX_S
        last: RegisterImport | None = None
        while True:
            found = await self.get(import_id)
            if found != last:
                yield found
            if found.state.is_ended or time.monotonic() + WATCH_EVERY_S > until_s:
                return
            last = found
            await asyncio.sleep(WATCH_EVERY_S)

    async def rejects(self, import_id: str, *, after_row: int, page_size: int) -> list[Reject]:
        """A page of the rows that were not taken in, without their values."""

        async def work(tx: Tx) -> list[Reject]:
            await self._existing(tx, import_id)
            return await self._store.rejects(
                tx, import_id, after_row=after_row, page_size=page_size, with_values=False
            )

        return await self._db.read(work)

    async def download_rejects(self, import_id: str, caller: Caller) -> AsyncIterator[Reject]:
        """Every row that was not taken in, with its values, for the person who sent them.

        Raises:
            ImportNotFound, NotTheImporter.
        """
        trace_id = current_trace_id()

        async def begin(tx: Tx) -> None:
            found = await self._existing(tx, import_id)
            require_importer(found, caller)
            await self._note(tx, found, "download_import_rejects", caller=caller, trace_id=trace_id)

        await self._db.write(begin)
        after_row = 0
        while True:
            page = await self._db.read(
                lambda tx, after=after_row: self._store.rejects(  # type: ignore[misc]  # binds the loop's value
                    tx, import_id, after_row=after, page_size=REJECTS_PAGE, with_values=True
                )
            )
            for reject in page:
                yield reject
            if len(page) < REJECTS_PAGE:
                return
            after_row = page[-1].row_number

    async def cancel(self, import_id: str, *, key: RequestKey, caller: Caller) -> RegisterImport:
        """End an import; what it took in stays.

        Raises:
            ImportNotFound, NotTheImporter, ImportEnded.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> RegisterImport:
            if (done := await recall(tx, key)) is not None:
                return await self._existing(tx, done)
            found = await self._existing(tx, import_id)
            require_importer(found, caller)
            if found.state.is_ended:
                raise ImportEnded(found.state)
            now = self._clock.now()
            ended = replace(found, state=ImportState.CANCELLED, update_time=now, end_time=now)
            noted = await self._store.note(tx, found, ended)
            assert noted, "it was read in this transaction"
            await self._note(tx, ended, "cancel_register_import", caller=caller, trace_id=trace_id)
            await remember(tx, key, import_id)
            return ended

        ended = await self._db.write(work)
        await asyncio.to_thread(self._spool.delete, import_id)
        return ended

    async def _same(self, tx: Tx, new: NewImport, caller: Caller) -> RegisterImport | None:
        found = await self._store.of_file(tx, importer=caller.subject, file_sha256=new.file_sha256)
        layout = layout_text(new.layout)
        return next(
            (
                each
                for each in found
                if each.state is not ImportState.CANCELLED
                and layout_text(each.layout) == layout
                and each.as_of_date == new.as_of_date
            ),
            None,
        )

    def _opened(self, new: NewImport, caller: Caller) -> RegisterImport:
        now = self._clock.now()
        return RegisterImport(
            import_id=self._ids.new(),
            importer=caller.subject,
            facility_code=new.facility_code,
            source_name=new.source_name,
            as_of_date=new.as_of_date,
            file_sha256=new.file_sha256,
            size_bytes=new.size_bytes,
            layout=new.layout,
            state=ImportState.RECEIVING,
            next_offset=0,
            counts=Counts(),
            warnings={},
            work_ms=0,
            create_time=now,
            update_time=now,
            end_time=None,
        )

    async def _existing(self, tx: Tx, import_id: str) -> RegisterImport:
        found = await self._store.read(tx, import_id)
        if found is None:
            raise ImportNotFound
        return found

    async def _note(
        self, tx: Tx, found: RegisterImport, action: str, *, caller: Caller, trace_id: str
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"registerImports/{found.import_id}",
            caller=caller,
            outcome="ok",
            trace_id=trace_id,
            now=self._clock.now(),
        )


def require_importer(found: RegisterImport, caller: Caller) -> None:
    """Refuse everybody but the person who began an import.

    Raises:
        NotTheImporter.
    """
    if found.importer != caller.subject:
        raise NotTheImporter
