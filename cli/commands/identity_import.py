"""`lienthong identity import`, `imports`, `cancel`: takes a register file in, and goes on after whatever broke it off.

The same command on the same file goes on where the last one stood, so there is nothing to remember after a kill.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from chassis.errors import AppError, Kind
from cli import tables
from cli.commands.reconcile import readable
from cli.connection import Gateway
from cli.moments import shown
from cli.output import add_request_id, answer, as_dict, print_json, request_id
from cli.parsers import Commands
from lienthong.identity.v1 import register_import_pb2 as pb
from lienthong.identity.v1.register_import_pb2_grpc import RegisterImportServiceStub

CHUNK_BYTES = 256 * 1024
PIECE_BYTES = 8 << 20
INSPECT_CSV_BYTES = 4 << 20
INSPECT_PARQUET_BYTES = 64 << 20
CALL_MS = 60_000
DOWNLOAD_MS = 600_000
TRIES_MAX = 10
WAIT_FIRST_S = 0.5
WAIT_MAX_S = 15.0
_LOST = {Kind.UNAVAILABLE, Kind.DEADLINE}
_MOVED_ON = "IMPORT_MOVED_ON"
_ENDED = (pb.IMPORT_STATE_DONE, pb.IMPORT_STATE_CANCELLED)
FIELDS = sorted(name.removeprefix("REGISTER_FIELD_").lower() for name in pb.RegisterField.keys()[1:])


def add(commands: Commands) -> None:
    """Describe the commands."""
    parser = commands.add_parser("identity", help="register files: import, list, cancel")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_import(verbs.add_parser("import", help="take a register file in; again to go on after a break"))
    listing = verbs.add_parser("imports", help="the imports, newest first")
    listing.add_argument("--page-size", type=int, default=50)
    listing.add_argument("--page-token", default="")
    listing.set_defaults(run=list_imports)
    cancel = verbs.add_parser("cancel", help="end an import; what it took in stays")
    cancel.add_argument("name", help="registerImports/…")
    add_request_id(cancel)
    cancel.set_defaults(run=cancel_import)


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=readable, help="CSV, or Parquet (.parquet)")
    parser.add_argument(
        "--map",
        dest="mapping",
        type=_mapped,
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help=f"what a column holds, where its name does not say; fields: {', '.join(FIELDS)}, or none",
    )
    parser.add_argument("--dry-run", action="store_true", help="report the file and write nothing")
    parser.add_argument("--rejects", type=Path, help="CSV file for the rows that were not taken in")
    parser.add_argument("--source", default="", help="where the file comes from; its name unless told")
    parser.add_argument(
        "--as-of", default="", help="day of the facts, YYYY-MM-DD; the file's own day unless told"
    )
    parser.add_argument("--encoding", default="", help="utf-8, utf-16-le, utf-16-be, cp1258, tcvn3 or vni")
    parser.add_argument(
        "--delimiter", default="", type=_delimiter, help='character between columns, or "tab"'
    )
    add_request_id(parser)
    parser.set_defaults(run=import_file)


def _mapped(text: str) -> tuple[str, pb.RegisterField.ValueType]:
    column, equals, field = text.rpartition("=")
    if not equals or field.lower() not in {*FIELDS, "none"}:
        raise ArgumentTypeError(f"write COLUMN=FIELD with a field of {', '.join(FIELDS)}, or none")
    if field.lower() == "none":
        return column, pb.REGISTER_FIELD_UNSPECIFIED
    return column, pb.RegisterField.Value(f"REGISTER_FIELD_{field.upper()}")


def _delimiter(text: str) -> str:
    return "\t" if text == "tab" else text


async def import_file(arguments: Namespace, gateway: Gateway) -> None:
    """Report the file; unless that is all, take it in and tell what came of it."""
    file: Path = arguments.file
    report = await _inspected(arguments, gateway)
    _map(report, arguments.mapping)
    if arguments.dry_run:
        return answer_report(arguments, report)
    run = await _opened(arguments, gateway, report.layout)
    run = await _Sender(gateway, file, is_quiet=arguments.json).send(run)
    if arguments.rejects and run.counts.rejected_count:
        await _save_rejects(gateway, run, arguments.rejects)
    answer(arguments, run, _summary)
    return None


async def list_imports(arguments: Namespace, gateway: Gateway) -> None:
    """Show a page of the imports."""
    request = pb.ListImportsRequest(page_size=arguments.page_size, page_token=arguments.page_token)
    async with gateway.calling(RegisterImportServiceStub) as stub:
        page = await stub.ListImports(request)
    answer(arguments, page, _listing)


async def cancel_import(arguments: Namespace, gateway: Gateway) -> None:
    """End an import."""
    request = pb.CancelImportRequest(request_id=request_id(arguments), name=arguments.name)
    async with gateway.calling(RegisterImportServiceStub) as stub:
        ended = await stub.CancelImport(request)
    answer(arguments, ended.register_import, _summary)


async def _inspected(arguments: Namespace, gateway: Gateway) -> pb.RegisterFileReport:
    file: Path = arguments.file
    most = INSPECT_PARQUET_BYTES if file.suffix.lower() == ".parquet" else INSPECT_CSV_BYTES
    header = pb.InspectRegisterFileHeader(encoding=arguments.encoding, delimiter=arguments.delimiter)

    async def parts() -> AsyncIterator[pb.InspectRegisterFileRequest]:
        yield pb.InspectRegisterFileRequest(header=header)
        async for chunk in _chunks(file, 0, most + 1):
            yield pb.InspectRegisterFileRequest(content=chunk)

    async with gateway.calling(RegisterImportServiceStub, within_ms=CALL_MS) as stub:
        return (await stub.InspectRegisterFile(parts())).report


def _map(report: pb.RegisterFileReport, mapping: Iterable[tuple[str, pb.RegisterField.ValueType]]) -> None:
    """Put what the person says of columns over what their names say; a field leaves the column it was guessed for."""
    by_name = {column.name: column for column in report.layout.columns}
    for name, field in mapping:
        if name not in by_name:
            raise ColumnUnknown(sorted(by_name))
        for column in report.layout.columns:
            if field and column.field == field:
                column.field = pb.REGISTER_FIELD_UNSPECIFIED
        by_name[name].field = field


class ColumnUnknown(AppError):
    """--map names a column that the file has not."""

    kind = Kind.INVALID_ARGUMENT
    reason = "COLUMN_UNKNOWN"
    vi = "Tệp không có cột này; hãy xem tên cột bằng --dry-run."

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"The file has these columns: {', '.join(names)}.", field="--map")


async def _opened(arguments: Namespace, gateway: Gateway, layout: pb.RegisterLayout) -> pb.RegisterImport:
    file: Path = arguments.file
    seen = await asyncio.to_thread(_seen, file)
    request = pb.CreateImportRequest(
        request_id=request_id(arguments),
        layout=layout,
        file_sha256=seen.sha256,
        size_bytes=seen.size_bytes,
        source_name=arguments.source or file.name,
        as_of_date=arguments.as_of or seen.day,
    )
    async with gateway.calling(RegisterImportServiceStub) as stub:
        return (await stub.CreateImport(request)).register_import


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What is told of a file beforehand."""

    sha256: str
    size_bytes: int
    day: str
    """When it was last written, on this computer's calendar."""


def _seen(file: Path) -> _Seen:
    found = sha256()
    with file.open("rb") as content:
        while chunk := content.read(1 << 20):
            found.update(chunk)
    status = file.stat()
    day = datetime.fromtimestamp(status.st_mtime, tz=UTC).astimezone().date()
    return _Seen(sha256=found.hexdigest(), size_bytes=status.st_size, day=day.isoformat())


async def _chunks(file: Path, offset: int, size: int) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        content.seek(offset)
        while size > 0 and (chunk := content.read(min(CHUNK_BYTES, size))):
            size -= len(chunk)
            yield chunk


class _Sender:
    """Sends what an import lacks, piece by piece; a line or service that is gone is waited for."""

    def __init__(self, gateway: Gateway, file: Path, *, is_quiet: bool) -> None:
        self._gateway = gateway
        self._file = file
        self._is_quiet = is_quiet

    async def send(self, run: pb.RegisterImport) -> pb.RegisterImport:
        """Send until the import has ended, and give it as it is then."""
        failed_count = 0
        with nullcontext() if self._is_quiet else _bar() as bar:
            task = None if bar is None else bar.add_task("", total=run.size_bytes, told="")
            while run.state not in _ENDED:
                try:
                    before, run = run, await self._append(run)
                    failed_count = 0 if _is_further(run, before) else failed_count
                except AppError as error:
                    if error.reason != _MOVED_ON and error.kind not in _LOST:
                        raise
                    failed_count += 1
                    if failed_count > TRIES_MAX:
                        raise
                    await asyncio.sleep(min(WAIT_FIRST_S * 2 ** (failed_count - 1), WAIT_MAX_S))
                    run = await self._read(run)
                if bar is not None and task is not None:
                    bar.update(task, completed=run.next_offset, told=_told(run))
        return run

    async def _append(self, run: pb.RegisterImport) -> pb.RegisterImport:
        offset = run.next_offset
        header = pb.AppendImportHeader(name=run.name, offset=offset)

        async def parts() -> AsyncIterator[pb.AppendImportRequest]:
            yield pb.AppendImportRequest(header=header)
            if run.state == pb.IMPORT_STATE_RECEIVING:
                async for chunk in _chunks(self._file, offset, PIECE_BYTES):
                    yield pb.AppendImportRequest(content=chunk)

        async with self._gateway.calling(RegisterImportServiceStub, within_ms=CALL_MS) as stub:
            return (await stub.AppendImport(parts())).register_import

    async def _read(self, run: pb.RegisterImport) -> pb.RegisterImport:
        """The import as the service has it, or as it was last seen where the service is still gone."""
        try:
            async with self._gateway.calling(RegisterImportServiceStub) as stub:
                return (await stub.GetImport(pb.GetImportRequest(name=run.name))).register_import
        except AppError as error:
            if error.kind not in _LOST:
                raise
            return run


def _is_further(run: pb.RegisterImport, before: pb.RegisterImport) -> bool:
    return (run.next_offset, run.row_count, run.state) != (before.next_offset, before.row_count, before.state)


async def _save_rejects(gateway: Gateway, run: pb.RegisterImport, path: Path) -> None:
    """Write the rows that were not taken in, with the reason before each; readable by their owner alone."""
    head = ("row", "column", "reason", "explanation_vi", *(column.name for column in run.layout.columns))
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # With a mark at the front, by which spreadsheets know UTF-8.
    with os.fdopen(opened, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        async with gateway.calling(RegisterImportServiceStub, within_ms=DOWNLOAD_MS) as stub:
            request = pb.DownloadImportRejectsRequest(parent=run.name)
            async for row in stub.DownloadImportRejects(request):
                told = row.reject
                writer.writerow((told.row_number, told.column, told.reason, told.explanation_vi, *row.values))


def _bar() -> Progress:
    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        console=Console(file=sys.stderr),
        transient=True,
    )


def _told(run: pb.RegisterImport) -> str:
    """Rows, rate and time left beside the bar."""
    told = f"{run.row_count:,} dòng (rows)  {run.rows_per_second:,.0f}/s"
    if run.time_left_ms:
        minutes, seconds = divmod(round(run.time_left_ms / 1000), 60)
        told += f"  còn (left) {minutes}:{seconds:02}"
    return told


def answer_report(arguments: Namespace, report: pb.RegisterFileReport) -> None:
    """Show what an import would meet."""
    if arguments.json:
        return print_json(as_dict(report))
    table = tables.plain("Cột (column)", "Là (field)", "Kiểu (kind)", "Trống (empty)", "Vấn đề (problems)")
    fields = {column.name: column.field for column in report.layout.columns}
    for column in report.columns:
        table.add_row(
            Text(column.name),
            _field(fields[column.name]),
            column.kind,
            f"{column.empty_count:,}",
            _problems(column.problems),
        )
    lines = [
        f"{report.sampled_row_count:,} dòng xem thử (rows sampled), "
        f"{report.rejected_row_count:,} sẽ bị loại (would be rejected)",
        f"{pb.RegisterFormat.Name(report.layout.format).removeprefix('REGISTER_FORMAT_')} "
        f"{report.layout.encoding} {report.layout.delimiter!r}",
    ]
    if report.missing_fields:
        lines.append(f"Thiếu (missing): {', '.join(report.missing_fields).lower()}; --map COLUMN=FIELD")
    if report.warnings:
        lines.append(f"Lưu ý (warnings): {_problems(report.warnings)}")
    return tables.show(Group(table, *(Text(line) for line in lines)))


def _field(field: pb.RegisterField.ValueType) -> str:
    return pb.RegisterField.Name(field).removeprefix("REGISTER_FIELD_").lower() if field else "–"


def _problems(problems: Iterable[pb.ProblemCount]) -> str:
    return ", ".join(f"{each.reason} {each.count:,}" for each in problems)


def _summary(run: pb.RegisterImport) -> RenderableType:
    """What an import did."""
    counts = run.counts
    table = tables.plain("", "")
    for label, count in (
        ("Dòng (rows)", run.row_count),
        ("Thêm mới (created)", counts.created_count),
        ("Cập nhật (updated)", counts.updated_count),
        ("Không đổi (unchanged)", counts.unchanged_count),
        ("Bị loại (rejected)", counts.rejected_count),
        ("Mâu thuẫn, chờ xem xét (conflicts)", counts.conflict_count),
        ("Có thể trùng, chờ xem xét (possible duplicates)", counts.possible_duplicate_count),
        ("Lặp trong tệp (repeated in the file)", counts.repeated_count),
    ):
        table.add_row(label, f"{count:,}")
    lines = [f"{run.rows_per_second:,.0f} dòng/s (rows/s)"]
    if run.warnings:
        lines.append(f"Lưu ý (warnings): {_problems(run.warnings)}")
    return Group(Text(f"{run.name}  {_state(run)}"), table, *(Text(line) for line in lines))


def _listing(page: pb.ListImportsResponse) -> RenderableType:
    columns = (
        "Nguồn (source)", "Trạng thái (state)", "Tiến độ (progress)", "Dòng (rows)", "Bị loại (rejected)",
        "Bắt đầu (begun)",
    )  # fmt: skip
    table = tables.named(columns, ((run.name, _listed(run)) for run in page.register_imports))
    more = [Text(f"--page-token {page.next_page_token}")] if page.next_page_token else []
    return Group(table, *more)


def _listed(run: pb.RegisterImport) -> Sequence[str]:
    return (
        run.source_name,
        _state(run),
        f"{run.next_offset / run.size_bytes:.0%}",
        f"{run.row_count:,}",
        f"{run.counts.rejected_count:,}",
        shown(run.create_time),
    )


def _state(run: pb.RegisterImport) -> str:
    return pb.ImportState.Name(run.state).removeprefix("IMPORT_STATE_")
