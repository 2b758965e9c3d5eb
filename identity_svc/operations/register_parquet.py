"""Parquet register files: a sealed spool on disk, because their columns are found from the end, and their rows."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from chassis.crypto import NONCE_BYTES, TAG_BYTES, FieldCipher
from identity_svc.domain.import_errors import RegisterFileUnreadable
from identity_svc.domain.register_file import FileFormat, Layout, guess_columns
from identity_svc.domain.register_file_report import SAMPLE_ROWS, FileReport, report_of
from identity_svc.domain.register_file_text import RawRow

BLOCK_BYTES = 64 * 1024
SEALED_BYTES = BLOCK_BYTES + 2 + NONCE_BYTES + TAG_BYTES


class ParquetSpool:
    """Keeps files while they are received, in sealed blocks of 64 KiB; the folder is this process' own."""

    def __init__(self, folder: Path, cipher: FieldCipher) -> None:
        self._folder = folder
        self._cipher = cipher

    def append(self, import_id: str, *, offset: int, content: bytes, is_last: bool) -> int:
        """Keep bytes behind `offset` and give the offset up to which they are safe on disk.

        Args:
            offset: What this method gave before, or 0; whatever stands behind it is replaced.
            is_last: The file ends with this content, so its last block may be short.
        """
        assert offset % BLOCK_BYTES == 0, offset
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = len(content) if is_last else len(content) - len(content) % BLOCK_BYTES
        first = offset // BLOCK_BYTES
        with os.fdopen(os.open(self._path(import_id), os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            file.seek(first * SEALED_BYTES)
            file.truncate()
            for number, start in enumerate(range(0, whole, BLOCK_BYTES), first):
                block = content[start : min(start + BLOCK_BYTES, whole)]
                file.write(self._cipher.seal(block, place=_place(import_id, number)))
            file.flush()
            os.fsync(file.fileno())
        return offset + whole

    def has(self, import_id: str) -> bool:
        """Whether this process' folder holds the file."""
        return self._path(import_id).exists()

    def open(self, import_id: str, *, size_bytes: int) -> io.BufferedReader:
        """The file, opened block by block as it is read."""
        raw = _Spooled(self._path(import_id), self._cipher, import_id, size_bytes)
        # Buffered: a Parquet reader takes a short read for the end of the file.
        return io.BufferedReader(raw, BLOCK_BYTES)

    def sha256_of(self, import_id: str, *, size_bytes: int) -> str:
        """The hash of the whole file, in hex."""
        found = sha256()
        with self.open(import_id, size_bytes=size_bytes) as file:
            while block := file.read(BLOCK_BYTES):
                found.update(block)
        return found.hexdigest()

    def delete(self, import_id: str) -> None:
        """Forget the file."""
        self._path(import_id).unlink(missing_ok=True)

    def _path(self, import_id: str) -> Path:
        return self._folder / f"{import_id}.sealed"


class _Spooled(io.RawIOBase):
    """A sealed file that reads like a plain one; holds one opened block."""

    def __init__(self, path: Path, cipher: FieldCipher, import_id: str, size_bytes: int) -> None:
        self._file = path.open("rb")
        self._cipher = cipher
        self._import_id = import_id
        self._size_bytes = size_bytes
        self._place = 0
        self._number = -1
        self._block = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size_bytes}[whence]
        self._place = start + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        number, start = divmod(self._place, BLOCK_BYTES)
        if self._place >= self._size_bytes:
            return 0
        if number != self._number:
            self._file.seek(number * SEALED_BYTES)
            self._block = self._cipher.open(
                self._file.read(SEALED_BYTES), place=_place(self._import_id, number)
            )
            self._number = number
        part = self._block[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def _place(import_id: str, number: int) -> str:
    return f"register_import_spool|block|{import_id}/{number}"


def column_names(file: Any) -> tuple[str, ...]:
    """The columns of a Parquet file.

    Raises:
        RegisterFileUnreadable: it is none.
    """
    return tuple(_opened(file).schema_arrow.names)


def inspect_parquet(file: Any, *, today: date) -> FileReport:
    """Report a Parquet file from its first rows.

    Raises:
        RegisterFileUnreadable: it is none.
    """
    columns = guess_columns(column_names(file))
    pages = read_rows(file, skip=0, wanted=[True] * len(columns), batch_rows=SAMPLE_ROWS)
    rows = [RawRow(end_offset=0, cells=cells) for cells in next(pages, [])]
    return report_of(Layout(file_format=FileFormat.PARQUET, columns=columns), rows, today=today)


def read_rows(
    file: Any, *, skip: int, wanted: Sequence[bool], batch_rows: int
) -> Iterator[list[tuple[str, ...]]]:
    """The rows behind the first `skip`, in lists; values of columns that are not wanted are left empty.

    Raises:
        RegisterFileUnreadable: it is no Parquet file, or a damaged one.
    """
    parquet = _opened(file)
    groups: list[int] = []
    for number in range(parquet.num_row_groups):
        rows_of_group = parquet.metadata.row_group(number).num_rows
        if not groups and skip >= rows_of_group:
            skip -= rows_of_group
        else:
            groups.append(number)
    names = [name for name, is_wanted in zip(parquet.schema_arrow.names, wanted, strict=True) if is_wanted]
    places = [place for place, is_wanted in enumerate(wanted) if is_wanted]
    try:
        for batch in parquet.iter_batches(batch_size=batch_rows, row_groups=groups, columns=names):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            columns = [column.to_pylist() for column in batch.slice(skip).columns]
            skip = 0
            yield [_cells(values, places, len(wanted)) for values in zip(*columns, strict=True)]
    except (OSError, ValueError) as cause:
        raise RegisterFileUnreadable from cause


def _opened(file: Any) -> Any:
    # Imported here: it takes 60 MB and 0.2 s, and most services never see a Parquet file.
    import pyarrow  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    try:
        return pyarrow.parquet.ParquetFile(file, pre_buffer=False)
    except (OSError, ValueError, pyarrow.ArrowException) as cause:
        raise RegisterFileUnreadable from cause


def _cells(values: Sequence[Any], places: Sequence[int], count: int) -> tuple[str, ...]:
    cells = [""] * count
    for place, value in zip(places, values, strict=True):
        cells[place] = _text(value)
    return tuple(cells)


def _text(value: Any) -> str:
    """A value as the text a CSV file would have."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    return str(value)
