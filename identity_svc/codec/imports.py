"""Between messages of register_import.proto and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.domain.import_errors import (
    AsOfDateWrong,
    FileHashMalformed,
    FileSizeWrong,
    ImportNameMalformed,
    LayoutMalformed,
    RequiredColumnMissing,
    SourceNameMissing,
)
from identity_svc.domain.model import VIETNAM
from identity_svc.domain.register_file import (
    COLUMN_NAME_CHARS_MAX,
    COLUMNS_MAX,
    DELIMITERS,
    Column,
    Encoding,
    FileFormat,
    Layout,
    RegisterField,
    missing_fields,
    twice_mapped,
)
from identity_svc.domain.register_file_report import FileReport
from identity_svc.domain.register_file_words import words_of
from identity_svc.domain.register_import import ImportState, RegisterImport, Reject, most_frequent_first
from identity_svc.operations.register_import import NewImport
from lienthong.identity.v1 import register_import_pb2 as pb

FILE_BYTES_MAX = 64 << 30
SOURCE_NAME_CHARS_MAX = 200
ROW_DIGITS_MAX = 12
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_IMPORT_NAME = re.compile(r"registerImports/([0-9a-f]{32})", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

_FORMATS = {FileFormat.CSV: pb.REGISTER_FORMAT_CSV, FileFormat.PARQUET: pb.REGISTER_FORMAT_PARQUET}
_FORMATS_BACK = {number: file_format for file_format, number in _FORMATS.items()}
_FIELDS = {field: pb.RegisterField.Value(f"REGISTER_FIELD_{field}") for field in RegisterField}
_FIELDS_BACK = {number: field for field, number in _FIELDS.items()}
_STATES = {state: pb.ImportState.Value(f"IMPORT_STATE_{state}") for state in ImportState}


def import_id_of(name: str, *, field: str = "name") -> str:
    """The id in "registerImports/{id}".

    Raises:
        ImportNameMalformed: the name has another form.
    """
    match = _IMPORT_NAME.fullmatch(name)
    if match is None:
        raise ImportNameMalformed(field)
    return match[1]


def id_of_token(token: str) -> str:
    """The import id in a page token, empty for the first page.

    Raises:
        PageTokenMalformed.
    """
    if token and _ID.fullmatch(token) is None:
        raise PageTokenMalformed
    return token


def row_of_token(token: str) -> int:
    """The row number in a page token, 0 for the first page.

    Raises:
        PageTokenMalformed.
    """
    if token and not (token.isascii() and token.isdecimal() and len(token) <= ROW_DIGITS_MAX):
        raise PageTokenMalformed
    return int(token or 0)


def new_import_of(request: pb.CreateImportRequest, *, facility_code: str, now: datetime) -> NewImport:
    """What a client says of a file, checked.

    Raises:
        FileHashMalformed, FileSizeWrong, SourceNameMissing, AsOfDateWrong, LayoutMalformed, RequiredColumnMissing.
    """
    file_sha256 = request.file_sha256.lower()
    if _SHA256.fullmatch(file_sha256) is None:
        raise FileHashMalformed
    if not 1 <= request.size_bytes <= FILE_BYTES_MAX:
        raise FileSizeWrong(FILE_BYTES_MAX)
    source_name = " ".join(request.source_name.split())
    if not 1 <= len(source_name) <= SOURCE_NAME_CHARS_MAX:
        raise SourceNameMissing
    layout = layout_of(request.layout)
    for missing in missing_fields(layout.columns):
        raise RequiredColumnMissing(missing)
    return NewImport(
        layout=layout,
        file_sha256=file_sha256,
        size_bytes=request.size_bytes,
        source_name=source_name,
        as_of_date=_as_of(request.as_of_date, now),
        facility_code=facility_code,
    )


def _as_of(text: str, now: datetime) -> date:
    if _DATE.fullmatch(text) is None:
        raise AsOfDateWrong
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise AsOfDateWrong from None
    if not date(1990, 1, 1) <= found <= now.astimezone(VIETNAM).date():
        raise AsOfDateWrong
    return found


def format_of(number: pb.RegisterFormat.ValueType) -> FileFormat | None:
    """How a file is written, None where it is not told."""
    return _FORMATS_BACK.get(number)


def encoding_of(text: str, *, field: str) -> Encoding | None:
    """An encoding by its name, None for no name.

    Raises:
        LayoutMalformed: the name is unknown.
    """
    try:
        return Encoding(text) if text else None
    except ValueError:
        raise LayoutMalformed(field) from None


def delimiter_of(text: str, *, field: str) -> str | None:
    """A separator, None where it is not told.

    Raises:
        LayoutMalformed: it is none of the four.
    """
    if text and text not in DELIMITERS:
        raise LayoutMalformed(field)
    return text or None


def layout_of(message: pb.RegisterLayout) -> Layout:
    """How to read a file.

    Raises:
        LayoutMalformed: `field` says where.
    """
    file_format = _FORMATS_BACK.get(message.format)
    if file_format is None:
        raise LayoutMalformed("layout.format")
    if not 1 <= len(message.columns) <= COLUMNS_MAX:
        raise LayoutMalformed("layout.columns")
    if any(len(column.name) > COLUMN_NAME_CHARS_MAX for column in message.columns):
        raise LayoutMalformed("layout.columns.name")
    columns = tuple(
        Column(name=column.name, field=_FIELDS_BACK.get(column.field)) for column in message.columns
    )
    if twice_mapped(columns) is not None:
        raise LayoutMalformed("layout.columns.field")
    return Layout(
        file_format=file_format,
        encoding=encoding_of(message.encoding, field="layout.encoding") or Encoding.UTF_8,
        delimiter=delimiter_of(message.delimiter, field="layout.delimiter") or ",",
        columns=columns,
    )


def to_layout(layout: Layout) -> pb.RegisterLayout:
    """A layout for the wire; encoding and separator of CSV only."""
    is_csv = layout.file_format is FileFormat.CSV
    return pb.RegisterLayout(
        format=_FORMATS[layout.file_format],
        encoding=layout.encoding if is_csv else "",
        delimiter=layout.delimiter if is_csv else "",
        columns=[pb.RegisterColumn(name=each.name, field=_to_field(each.field)) for each in layout.columns],
    )


def to_report(report: FileReport) -> pb.RegisterFileReport:
    """What a file's first rows show."""
    return pb.RegisterFileReport(
        layout=to_layout(report.layout),
        sampled_row_count=report.sampled_row_count,
        rejected_row_count=report.rejected_row_count,
        columns=[
            pb.ColumnReport(
                name=column.name,
                field=_to_field(column.field),
                empty_count=column.empty_count,
                kind=column.kind,
                problems=_to_problems(column.problems),
            )
            for column in report.columns
        ],
        unknown_columns=report.unknown_columns,
        missing_fields=report.missing_fields,
        warnings=_to_problems(report.warnings),
    )


def to_import(found: RegisterImport) -> pb.RegisterImport:
    """An import with its progress."""
    return pb.RegisterImport(
        name=f"registerImports/{found.import_id}",
        state=_STATES[found.state],
        layout=to_layout(found.layout),
        source_name=found.source_name,
        as_of_date=found.as_of_date.isoformat(),
        facility_code=found.facility_code,
        file_sha256=found.file_sha256,
        size_bytes=found.size_bytes,
        next_offset=found.next_offset,
        row_count=found.counts.rows,
        counts=pb.ImportCounts(
            created_count=found.counts.created,
            updated_count=found.counts.updated,
            unchanged_count=found.counts.unchanged,
            rejected_count=found.counts.rejected,
            conflict_count=found.counts.conflicts,
            repeated_count=found.counts.repeated,
            possible_duplicate_count=found.counts.possible_duplicates,
        ),
        warnings=_to_problems(found.warnings),
        rows_per_second=found.rows_per_second,
        time_left_ms=found.time_left_ms,
        create_time=to_timestamp(found.create_time),
        update_time=to_timestamp(found.update_time),
        end_time=None if found.end_time is None else to_timestamp(found.end_time),
    )


def to_rejects(rejects: Iterable[Reject]) -> list[pb.ImportReject]:
    """Rows that were not taken in, without their values."""
    return [to_reject(each) for each in rejects]


def to_reject(reject: Reject) -> pb.ImportReject:
    """One such row."""
    words = words_of(reject.reason)
    return pb.ImportReject(
        row_number=reject.row_number,
        column=reject.column_name,
        reason=reject.reason,
        explanation_vi=words.vi,
        explanation_en=words.en,
    )


def _to_field(field: RegisterField | None) -> pb.RegisterField.ValueType:
    return pb.REGISTER_FIELD_UNSPECIFIED if field is None else _FIELDS[field]


def _to_problems(counts: Mapping[str, int]) -> list[pb.ProblemCount]:
    return [pb.ProblemCount(reason=reason, count=count) for reason, count in most_frequent_first(counts)]
