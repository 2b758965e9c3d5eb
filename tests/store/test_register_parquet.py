"""Parquet register files: the sealed spool, rows in pages, and an import that breaks off at any point."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from identity_svc.domain.import_errors import FileDiffers, LayoutDiffers, RegisterFileUnreadable
from identity_svc.domain.register_file import FileFormat, RegisterField, guess_columns
from identity_svc.domain.register_import import Counts, ImportState
from identity_svc.operations import register_append
from identity_svc.operations.register_parquet import BLOCK_BYTES, ParquetSpool, inspect_parquet, read_rows
from tests.support.register_files import HEADER, REJECTED, Row, rows
from tests.support.register_imports import (
    IMPORT_TEST_QUERIES,
    STEWARD,
    RegisterImports,
    chunks_of,
    contents,
    csv_import,
)
from tests.support.stores import OpenStore

IMPORT_ID = "0" * 32


@pytest.fixture
def store_engine() -> str:
    return (
        "sqlite"  # Where the rows come from is no matter of the store; test_register_import_store has both.
    )


@pytest.fixture
async def imports(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[RegisterImports]:
    made = RegisterImports(
        await open_store("identity_svc", queries=IMPORT_TEST_QUERIES), tmp_path, batch_rows=30
    )
    yield made
    await made.close()


@pytest.fixture
def spool(tmp_path: Path) -> ParquetSpool:
    generate_key_file(tmp_path / "spool-keys.json")
    return ParquetSpool(tmp_path / "spool", FieldCipher(KeyRing.from_file(tmp_path / "spool-keys.json")))


def file_of(made: list[Row], *, pad: int = 0) -> bytes:
    """A Parquet file of several row groups; `pad` makes it longer than a spool block."""
    made = [row for row in made if row.kind != "column_slipped"]
    dice = random.Random(1)
    columns = {name: [row.cells[place] for row in made] for place, name in enumerate(HEADER)}
    columns["Ghi chú"] = ["".join(dice.choices("abcdefgh", k=pad)) for _ in made]
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink, row_group_size=50, compression="none")
    return bytes(sink.getvalue())


def test_the_spool_gives_back_what_it_got_from_any_place_and_shows_nothing_on_disk(
    spool: ParquetSpool,
) -> None:
    content = random.Random(3).randbytes(3 * BLOCK_BYTES + 777)

    offset = spool.append(IMPORT_ID, offset=0, content=content[: BLOCK_BYTES + 5], is_last=False)
    assert offset == BLOCK_BYTES
    # A block that was written and not told of is written again.
    spool.append(IMPORT_ID, offset=offset, content=b"x" * BLOCK_BYTES, is_last=False)
    assert spool.append(IMPORT_ID, offset=offset, content=content[offset:], is_last=True) == len(content)

    with spool.open(IMPORT_ID, size_bytes=len(content)) as file:
        assert file.read() == content
        for place, size in ((0, 10), (BLOCK_BYTES - 3, 9), (len(content) - 4, 40)):
            file.seek(place)
            assert b"".join(iter(lambda size=size: file.read(size), b""))[:size] == content[place:][:size]  # type: ignore[misc]
    (kept,) = (spool._folder).iterdir()
    assert content[100:130] not in kept.read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    spool.delete(IMPORT_ID)
    assert not spool.has(IMPORT_ID)


async def test_a_parquet_file_ends_like_the_csv_of_the_same_rows(
    imports: RegisterImports, open_store: OpenStore, tmp_path: Path
) -> None:
    made = list(rows(220, seed=5, dirt=4.0))
    content = file_of(made)
    run = await imports.create(csv_import(content, file_format=FileFormat.PARQUET))

    run = await imports.send(content, run)

    taken = [row for row in made if row.kind != "column_slipped"]
    refused = [row for row in taken if row.kind in REJECTED]
    assert run.state is ImportState.DONE
    assert run.counts == Counts(created=len(taken) - len(refused), rejected=len(refused))
    assert [each.reason for each in await imports.rejects(run)] == [REJECTED[row.kind] for row in refused]
    assert not imports.spool.has(run.import_id)


async def test_a_parquet_import_that_breaks_off_at_any_point_ends_the_same(
    imports: RegisterImports, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list(rows(200, seed=6, dirt=0))
    content = file_of(made, pad=900)
    assert len(content) > 2 * BLOCK_BYTES
    run = await imports.create(csv_import(content, file_format=FileFormat.PARQUET))
    # Each call is over at once, so every call stores one page and leaves.
    monkeypatch.setattr(register_append, "APPEND_S", -1.0)
    calls = 0
    lost = False
    while not run.state.is_ended:
        piece = content[run.next_offset : run.next_offset + 2 * BLOCK_BYTES]
        run = await imports.append(
            run.import_id, offset=run.next_offset, chunks=chunks_of(piece), caller=STEWARD
        )
        calls += 1
        if run.counts.rows > 60 and not lost:
            # The machine with the spool is gone: the file comes again, the stored rows do not.
            imports.spool.delete(run.import_id)
            lost = True

    assert lost
    assert calls > 6
    assert run.counts == Counts(created=200)
    assert len(await contents(imports)) == 200


async def test_another_file_than_was_announced_is_refused(imports: RegisterImports) -> None:
    content = file_of(list(rows(20, seed=6, dirt=0)))
    wrong = content[:200] + bytes([content[200] ^ 1]) + content[201:]
    run = await imports.create(csv_import(content, file_format=FileFormat.PARQUET))
    other = await imports.create(
        csv_import(content, file_format=FileFormat.PARQUET, columns=guess_columns(HEADER[:-1]))
    )

    with pytest.raises(FileDiffers):
        await imports.send(wrong, run)
    with pytest.raises(LayoutDiffers):
        await imports.send(content, other)


def test_values_of_every_type_are_read_as_the_text_csv_would_have(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pyarrow.table(
        {
            "day": [date(1990, 3, 2), None],
            "whole": [99190000017.0, None],
            "number": [17, 18],
            "text": ["Hòa", ""],
            "left out": ["x", "y"],
        }
    )
    pyarrow.parquet.write_table(table, path)

    pages = list(read_rows(path, skip=0, wanted=[True] * 4 + [False], batch_rows=1))
    behind = list(read_rows(path, skip=1, wanted=[True] * 5, batch_rows=10))

    assert pages == [[("1990-03-02", "99190000017", "17", "Hòa", "")], [("", "", "18", "", "")]]
    assert behind == [[("", "", "18", "", "y")]]


def test_a_parquet_file_is_reported_like_a_csv_file(tmp_path: Path) -> None:
    made = [row for row in rows(200, seed=2, dirt=4.0) if row.kind != "column_slipped"]
    path = tmp_path / "t.parquet"
    path.write_bytes(file_of(made))

    report = inspect_parquet(path, today=date(2026, 1, 1))

    assert report.layout.file_format is FileFormat.PARQUET
    assert report.sampled_row_count == len(made)
    assert report.rejected_row_count == sum(row.kind in REJECTED for row in made)
    assert RegisterField.CITIZEN_NUMBER in report.layout.places


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")

    with pytest.raises(RegisterFileUnreadable):
        inspect_parquet(path, today=date(2026, 1, 1))
