"""What the first rows of a register file show before anything is written: columns, their meaning, their problems."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from identity_svc.domain.import_errors import RegisterFileEmpty
from identity_svc.domain.register_file import (
    Column,
    Encoding,
    FileFormat,
    Layout,
    RegisterField,
    guess_columns,
    missing_fields,
)
from identity_svc.domain.register_file_row import RegisterPerson, RowFault, read_date, read_row
from identity_svc.domain.register_file_text import (
    SAMPLE_BYTES,
    RawRow,
    RowCutter,
    bom_length,
    decode_line,
    guess_delimiter,
    guess_encoding,
)

SAMPLE_ROWS = 10_000
_KINDS = ("NUMBER", "DATE", "TEXT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFound:
    """One column in the sample."""

    name: str
    field: RegisterField | None
    empty_count: int
    kind: str
    """NUMBER, DATE, TEXT or EMPTY: what most of its values look like."""
    problems: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What an import would meet."""

    layout: Layout
    sampled_row_count: int
    rejected_row_count: int
    columns: tuple[ColumnFound, ...]
    unknown_columns: tuple[str, ...]
    missing_fields: tuple[str, ...]
    warnings: Mapping[str, int]


def inspect_csv(
    content: bytes, *, is_whole: bool, encoding: Encoding | None, delimiter: str | None, today: date
) -> FileReport:
    """Report the beginning of a CSV file.

    Args:
        content: Its first bytes.
        is_whole: These are all; else the last line may be cut off.
        encoding: None to guess.
        delimiter: None to guess.
        today: Nobody is born after it.
    Raises:
        RegisterFileEmpty: there is no line of column names.
    """
    encoding = encoding or guess_encoding(content[:SAMPLE_BYTES])
    if delimiter is None:
        head = content[bom_length(content, encoding) :]
        delimiter = guess_delimiter(decode_line(_first_line(head, encoding), encoding))
    cutter = RowCutter(encoding=encoding, delimiter=delimiter, offset=0)
    rows = cutter.feed(content, is_last=is_whole)
    if not rows:
        raise RegisterFileEmpty
    header, *rows = rows
    columns = guess_columns([name.strip() for name in header.cells])
    layout = Layout(file_format=FileFormat.CSV, encoding=encoding, delimiter=delimiter, columns=columns)
    return report_of(layout, rows[:SAMPLE_ROWS], today=today)


def _first_line(content: bytes, encoding: Encoding) -> bytes:
    newline = "\n".encode(encoding if encoding.startswith("utf") else "ascii")
    return content.partition(newline)[0]


def report_of(layout: Layout, rows: Sequence[RawRow], *, today: date) -> FileReport:
    """Read rows as an import would, and count what it would meet."""
    problems: dict[RegisterField | None, Counter[str]] = defaultdict(Counter)
    warnings: Counter[str] = Counter()
    rejected = 0
    is_readable = not missing_fields(layout.columns)
    for row in rows if is_readable else ():
        found = _read(row, layout, today)
        if isinstance(found, RowFault):
            rejected += 1
            problems[found.field][found.reason] += 1
        else:
            warnings.update(found.warnings)
    warnings.update(problems[None])
    return FileReport(
        layout=layout,
        sampled_row_count=len(rows),
        rejected_row_count=rejected,
        columns=tuple(
            _column(column, [row.cells[place] for row in rows if place < len(row.cells)], problems)
            for place, column in enumerate(layout.columns)
        ),
        unknown_columns=tuple(column.name for column in layout.columns if column.field is None),
        missing_fields=tuple(missing_fields(layout.columns)),
        warnings=dict(warnings),
    )


def _read(row: RawRow, layout: Layout, today: date) -> RegisterPerson | RowFault:
    if row.fault:
        return RowFault(field=None, reason=row.fault)
    return read_row(row.cells, layout.places, column_count=len(layout.columns), as_of=today)


def _column(
    column: Column, values: Sequence[str], problems: Mapping[RegisterField | None, Counter[str]]
) -> ColumnFound:
    filled = [value.strip() for value in values if value.strip()]
    kinds = Counter(_kind(value) for value in filled)
    return ColumnFound(
        name=column.name,
        field=column.field,
        empty_count=len(values) - len(filled),
        kind=max(_KINDS, key=lambda kind: kinds[kind]) if filled else "EMPTY",
        problems=dict(problems.get(column.field, {})) if column.field is not None else {},
    )


def _kind(value: str) -> str:
    if read_date(value):
        return "DATE"
    return "NUMBER" if value.replace(".", "").replace(" ", "").isdecimal() else "TEXT"
