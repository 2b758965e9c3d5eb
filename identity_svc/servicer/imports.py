"""The edge of register imports: decode, call one operation, encode."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

from chassis.clock import Clock
from chassis.idempotency import request_key
from chassis.paging import page_size_of
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import imports as codec
from identity_svc.codec.citizens import format_refusal
from identity_svc.domain.import_errors import ImportHeaderMissing, RegisterFileUnreadable
from identity_svc.domain.model import VIETNAM
from identity_svc.domain.register_file import FileFormat
from identity_svc.domain.register_file_report import FileReport, inspect_csv
from identity_svc.operations.register_append import AppendImport
from identity_svc.operations.register_import import Imports
from identity_svc.operations.register_parquet import inspect_parquet
from identity_svc.store.import_store import LAST_ID
from lienthong.identity.v1 import register_import_pb2 as pb
from lienthong.identity.v1.register_import_pb2_grpc import RegisterImportServiceServicer
from standards.errors import FormatError
from standards.facility_code import parse_facility_code

INSPECT_CSV_BYTES = 4 << 20
INSPECT_PARQUET_BYTES = 64 << 20
PARQUET_MAGIC = b"PAR1"
IMPORTS_PAGE, IMPORTS_PAGE_MAX = 50, 200
REJECTS_PAGE, REJECTS_PAGE_MAX = 100, 500


class RegisterImportServicer(RegisterImportServiceServicer):
    """Serves lienthong.identity.v1.RegisterImportService; `context` as in servicer.citizens."""

    def __init__(self, *, imports: Imports, append: AppendImport, clock: Clock) -> None:
        self._imports = imports
        self._append = append
        self._clock = clock

    async def InspectRegisterFile(
        self, request_iterator: AsyncIterator[pb.InspectRegisterFileRequest], context: Any
    ) -> pb.InspectRegisterFileResponse:
        """Report what the beginning of a file holds."""
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.HasField("header"):
            raise ImportHeaderMissing
        content, is_whole = await _beginning(request_iterator, first.header)
        report = await asyncio.to_thread(self._inspected, first.header, content, is_whole)
        return pb.InspectRegisterFileResponse(report=codec.to_report(report))

    async def CreateImport(self, request: pb.CreateImportRequest, context: Any) -> pb.CreateImportResponse:
        """Open an import, or give the one of the same file."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        facility_code = request.facility_code or caller.facility
        if facility_code:
            try:
                facility_code = parse_facility_code(facility_code).code
            except FormatError as refused:
                raise format_refusal(refused) from None
            require_same_facility(facility_code)
        new = codec.new_import_of(request, facility_code=facility_code, now=self._clock.now())
        found = await self._imports.create(new, key=key, caller=caller)
        return pb.CreateImportResponse(register_import=codec.to_import(found))

    async def AppendImport(
        self, request_iterator: AsyncIterator[pb.AppendImportRequest], context: Any
    ) -> pb.AppendImportResponse:
        """Take a piece of the file in."""
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.HasField("header"):
            raise ImportHeaderMissing
        found = await self._append(
            codec.import_id_of(first.header.name, field="header.name"),
            offset=first.header.offset,
            chunks=_contents(request_iterator),
            caller=current_caller(),
        )
        return pb.AppendImportResponse(register_import=codec.to_import(found))

    async def GetImport(self, request: pb.GetImportRequest, context: Any) -> pb.GetImportResponse:
        """Read an import."""
        found = await self._imports.get(codec.import_id_of(request.name))
        return pb.GetImportResponse(register_import=codec.to_import(found))

    async def WatchImport(
        self, request: pb.WatchImportRequest, context: Any
    ) -> AsyncIterator[pb.WatchImportResponse]:
        """Send an import each time it got on."""
        async for found in self._imports.watch(codec.import_id_of(request.name)):
            yield pb.WatchImportResponse(register_import=codec.to_import(found))

    async def ListImports(self, request: pb.ListImportsRequest, context: Any) -> pb.ListImportsResponse:
        """List imports, newest first."""
        page_size = page_size_of(request.page_size, usual=IMPORTS_PAGE, largest=IMPORTS_PAGE_MAX)
        before_id = codec.id_of_token(request.page_token) or LAST_ID
        found = await self._imports.page(before_id=before_id, page_size=page_size)
        return pb.ListImportsResponse(
            register_imports=[codec.to_import(each) for each in found],
            next_page_token=found[-1].import_id if len(found) == page_size else "",
        )

    async def ListImportRejects(
        self, request: pb.ListImportRejectsRequest, context: Any
    ) -> pb.ListImportRejectsResponse:
        """List the rows that were not taken in."""
        page_size = page_size_of(request.page_size, usual=REJECTS_PAGE, largest=REJECTS_PAGE_MAX)
        found = await self._imports.rejects(
            codec.import_id_of(request.parent, field="parent"),
            after_row=codec.row_of_token(request.page_token),
            page_size=page_size,
        )
        return pb.ListImportRejectsResponse(
            rejects=codec.to_rejects(found),
            next_page_token=str(found[-1].row_number) if len(found) == page_size else "",
        )

    async def DownloadImportRejects(
        self, request: pb.DownloadImportRejectsRequest, context: Any
    ) -> AsyncIterator[pb.DownloadImportRejectsResponse]:
        """Give the rows that were not taken in back to their importer."""
        import_id = codec.import_id_of(request.parent, field="parent")
        async for reject in self._imports.download_rejects(import_id, current_caller()):
            yield pb.DownloadImportRejectsResponse(reject=codec.to_reject(reject), values=reject.values)

    async def CancelImport(self, request: pb.CancelImportRequest, context: Any) -> pb.CancelImportResponse:
        """End an import."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        found = await self._imports.cancel(codec.import_id_of(request.name), key=key, caller=caller)
        return pb.CancelImportResponse(register_import=codec.to_import(found))

    def _inspected(self, header: pb.InspectRegisterFileHeader, content: bytes, is_whole: bool) -> FileReport:
        today = self._clock.now().astimezone(VIETNAM).date()
        if _format(header, content) is FileFormat.PARQUET:
            if not is_whole:
                raise RegisterFileUnreadable
            return inspect_parquet(io.BytesIO(content), today=today)
        return inspect_csv(
            content,
            is_whole=is_whole,
            encoding=codec.encoding_of(header.encoding, field="header.encoding"),
            delimiter=codec.delimiter_of(header.delimiter, field="header.delimiter"),
            today=today,
        )


def _format(header: pb.InspectRegisterFileHeader, content: bytes) -> FileFormat:
    told = codec.format_of(header.format)
    if told is not None:
        return told
    return FileFormat.PARQUET if content.startswith(PARQUET_MAGIC) else FileFormat.CSV


async def _beginning(
    requests: AsyncIterator[pb.InspectRegisterFileRequest], header: pb.InspectRegisterFileHeader
) -> tuple[bytes, bool]:
    """As much of a file as is needed, and whether that is all of it."""
    parts: list[bytes] = []
    size = 0
    async for chunk in _contents(requests):
        parts.append(chunk)
        size += len(chunk)
        is_parquet = _format(header, parts[0]) is FileFormat.PARQUET
        if size > (INSPECT_PARQUET_BYTES if is_parquet else INSPECT_CSV_BYTES):
            return b"".join(parts), False
    return b"".join(parts), True


async def _contents(requests: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """The bytes of a client's stream behind its header."""
    async for request in requests:
        if request.HasField("header"):
            raise ImportHeaderMissing
        yield request.content
