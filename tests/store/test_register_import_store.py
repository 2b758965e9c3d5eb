"""Register imports on both engines: what is stored, what is not overwritten, and resuming at any byte."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from chassis import audit
from chassis.db import Database
from identity_svc.domain.import_errors import (
    ImportEnded,
    ImportMovedOn,
    ImportNotFound,
    LayoutDiffers,
    NotTheImporter,
)
from identity_svc.domain.model import Assurance, IdentifierKind, Source
from identity_svc.domain.register_import import Counts, ImportState
from tests.support.identity import QUERIES_FILES, Identity, card_text
from tests.support.register_files import HEADER, REJECTED, Row, rows, write_csv
from tests.support.register_imports import (
    IMPORT_TEST_QUERIES,
    STEWARD,
    TEST_QUERIES,
    RegisterImports,
    chunks_of,
    contents,
    csv_import,
    is_done,
)
from tests.support.stores import OpenStore

CLEAN = ("1", "099190000017", "", "", "Nguyễn Thị Hòa", "02/03/1990", "Nữ", "Xã Ba Bể, Tỉnh Thái Nguyên", "")


@pytest.fixture
async def database(open_store: OpenStore) -> Database:
    return await open_store("identity_svc", queries=(*QUERIES_FILES, TEST_QUERIES))


@pytest.fixture
async def imports(database: Database, tmp_path: Path) -> AsyncIterator[RegisterImports]:
    made = RegisterImports(database, tmp_path, batch_rows=50)
    yield made
    await made.close()


def file_of(tmp_path: Path, made: list[Row]) -> bytes:
    path = tmp_path / "register.csv"
    write_csv(path, iter(made))
    return path.read_bytes()


def lines_of(*people: tuple[str, ...]) -> bytes:
    """A small file of rows as given."""
    return "\n".join(",".join(f'"{cell}"' for cell in cells) for cells in (HEADER, *people)).encode()


def changed(**cells: str) -> tuple[str, ...]:
    """The clean person with other cells, by place in the file: number, name, birth, gender, address, insurance."""
    places = {"number": 1, "old": 2, "insurance": 3, "name": 4, "birth": 5, "gender": 6, "address": 7}
    row = list(CLEAN)
    for name, value in cells.items():
        row[places[name]] = value
    return tuple(row)


async def test_a_dirty_file_is_taken_in_and_each_bad_row_is_told_with_its_reason(
    imports: RegisterImports, tmp_path: Path
) -> None:
    made = list(rows(400, seed=7, dirt=3.0))
    content = file_of(tmp_path, made)

    run = await imports.take(content)

    assert is_done(run)
    refused = {number: row for number, row in enumerate(made, 1) if row.kind in REJECTED}
    told = await imports.rejects(run)
    assert {each.row_number: each.reason for each in told} == {
        number: REJECTED[row.kind] for number, row in refused.items()
    }
    assert all(each.values[4] == refused[each.row_number].cells[4] for each in told)
    assert run.counts == Counts(created=400 - len(refused), rejected=len(refused))
    kinds = Counter(row.kind for row in made)
    assert run.warnings["TEXT_DAMAGED"] == kinds["damaged_text"]
    assert run.warnings["LEADING_ZEROS_RESTORED"] == kinds["leading_zero_lost"]


async def test_a_person_is_kept_sealed_found_by_number_and_filed_for_matching(
    imports: RegisterImports,
) -> None:
    content = lines_of(changed(insurance="0123456789"))

    run = await imports.take(content)

    citizen = await imports.db.read(
        lambda tx: imports.identity.find(tx, IdentifierKind.INSURANCE_NUMBER, "0123456789")
    )
    assert citizen is not None
    facts = citizen.demographics
    assert (facts.full_name, facts.birth_date, facts.gender) == ("Nguyễn Thị Hòa", "1990-03-02", "female")
    assert (facts.source, facts.issue_date, facts.version) == (Source.REGISTER_FILE, "", 1)
    assert {each.assurance for each in citizen.identifiers} == {Assurance.TYPED}
    profile = await imports.db.read(lambda tx: tx.one("index_read_profile", citizen_id=citizen.citizen_id))
    assert profile is not None
    assert profile["pending"] == 1
    residence = await imports.db.read(
        lambda tx: tx.one("units_newest_residence", citizen_id=citizen.citizen_id)
    )
    assert residence is not None
    assert (residence["ward_code"], residence["source"]) == ("01906", "IMPORT")
    assert residence["batch_id"] == run.import_id
    entries = await imports.db.read(lambda tx: audit.entries_of(tx, subject=citizen.citizen_id))
    assert [(each.action, each.resource) for each in entries] == [
        ("register_citizen", f"registerImports/{run.import_id}/rows/1")
    ]


async def test_the_same_file_again_is_the_same_import_and_another_copy_changes_nobody(
    imports: RegisterImports, tmp_path: Path
) -> None:
    content = file_of(tmp_path, list(rows(120, seed=3, dirt=0)))
    first = await imports.take(content)
    before = await contents(imports)

    again = await imports.create(csv_import(content))
    copy = content + b"\n"
    second = await imports.take(copy)

    assert again == first
    assert second.counts == Counts(unchanged=120)
    assert await contents(imports) == before


async def test_changed_facts_give_a_new_version_and_a_new_number_is_added(imports: RegisterImports) -> None:
    await imports.take(lines_of(CLEAN))

    moved = changed(address="Xã Chợ Rã, Tỉnh Thái Nguyên", insurance="0123456789")
    run = await imports.take(lines_of(moved))

    assert run.counts == Counts(updated=1)
    ((numbers, name, _, _, address, version),) = await contents(imports)
    assert version == 2
    assert address == "Xã Chợ Rã, Tỉnh Thái Nguyên"
    assert name == "Nguyễn Thị Hòa"
    assert len(numbers) == 2  # type: ignore[arg-type]  # a tuple in a row of objects


async def test_one_number_with_another_name_and_birth_overwrites_nobody_and_opens_a_case(
    imports: RegisterImports,
) -> None:
    await imports.take(lines_of(CLEAN))
    before = await contents(imports)

    stranger = changed(name="Trần Văn Bình", birth="05/06/1971", insurance="0123456789")
    run = await imports.take(lines_of(stranger))

    assert run.counts == Counts(conflicts=1)
    assert await contents(imports) == before
    assert await cases(imports) == ["STORED_PERSON_DIFFERS"]
    # The number that came with the stranger was given to nobody.
    assert (
        await imports.db.read(
            lambda tx: imports.identity.find_owner(tx, IdentifierKind.INSURANCE_NUMBER, "0123456789")
        )
        is None
    )


async def test_damaged_and_accentless_text_never_replace_a_good_name(imports: RegisterImports) -> None:
    await imports.take(lines_of(CLEAN))

    for name in ("Nguy\ufffdn Thị Hòa", "Nguyen Thi Hoa", "NGUYỄN THỊ HOÀ"):
        run = await imports.take(lines_of(changed(name=name)))
        assert run.counts == Counts(unchanged=1), name

    ((_, kept, *_, version),) = await contents(imports)
    assert (kept, version) == ("Nguyễn Thị Hòa", 1)


async def test_a_card_that_is_scanned_later_wins_over_the_list(
    imports: RegisterImports, database: Database, tmp_path: Path
) -> None:
    """Also a card that was issued long before the day of the list."""
    await imports.take(lines_of(changed(name="Nguyễn Thị Hoa", address="Xã Chợ Rã, Tỉnh Thái Nguyên")))

    seen = await Identity(database, tmp_path).scan(card_text(number=CLEAN[1], issue="15062022"))

    assert not seen.created
    assert seen.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    assert seen.citizen.demographics.source is Source.CARD_QR


async def test_older_facts_never_replace_newer_ones(imports: RegisterImports) -> None:
    await imports.take(lines_of(CLEAN))

    content = lines_of(changed(address="Xã Chợ Rã, Tỉnh Thái Nguyên"))
    run = await imports.take(content, as_of=date(2025, 12, 31))

    assert run.counts == Counts(unchanged=1)


async def test_rows_of_one_person_in_one_batch_make_one_person(imports: RegisterImports) -> None:
    people = (CLEAN, changed(name="NGUYỄN THỊ HÒA"), changed(insurance="0123456789"))

    run = await imports.take(lines_of(*people))

    assert run.counts == Counts(created=1, unchanged=1, updated=1, repeated=2)
    assert len(await contents(imports)) == 1


async def test_two_numbers_of_two_people_in_one_row_open_a_case_and_join_nobody(
    imports: RegisterImports,
) -> None:
    other = changed(number="099191000018", insurance="0123456789", name="Trần Thị Lan", birth="01/01/1991")
    torn = changed(insurance="0123456789", old="099123456")
    late = changed(number="", old="099123456", name="Lý Thị Mai", birth="07/08/1955")

    run = await imports.take(lines_of(CLEAN, other, torn, late))

    assert run.counts == Counts(created=3, conflicts=1)
    assert await cases(imports) == ["TWO_PEOPLE_ONE_IDENTIFIER"]
    assert len(await contents(imports)) == 3


async def test_two_new_people_alike_in_name_day_gender_and_commune_open_a_case(
    imports: RegisterImports,
) -> None:
    twin = changed(number="099190000018", name="NGUYEN THI HOA")

    run = await imports.take(lines_of(CLEAN, twin))

    assert run.counts == Counts(created=2, possible_duplicates=2)
    assert await cases(imports) == ["POSSIBLE_DUPLICATE"]


async def test_what_a_card_told_is_not_lowered_by_a_list(imports: RegisterImports) -> None:
    await imports.take(lines_of(CLEAN))
    await imports.db.write(lambda tx: tx.execute("test_import_as_card"))

    run = await imports.take(lines_of(changed(name="Nguyễn Thị Hoa")))

    assert run.counts == Counts(conflicts=1)
    assert await cases(imports) == ["NAME_DIFFERS"]


async def test_an_import_in_pieces_of_any_size_ends_like_one_in_one_piece(
    imports: RegisterImports, open_store: OpenStore, tmp_path: Path
) -> None:
    made = list(rows(150, seed=11, dirt=3.0))
    content = file_of(tmp_path, made)
    whole = await imports.take(content)
    other = RegisterImports(
        await open_store("identity_svc", queries=IMPORT_TEST_QUERIES), tmp_path, batch_rows=7
    )

    run = await other.create(csv_import(content))
    dice = random.Random(5)
    while not run.state.is_ended:
        piece = content[run.next_offset : run.next_offset + dice.randint(1, 6_000)]
        run = await other.append(
            run.import_id, offset=run.next_offset, chunks=chunks_of(piece, chunk_bytes=701), caller=STEWARD
        )

    assert (run.counts, run.warnings) == (whole.counts, whole.warnings)
    assert await contents(other) == await contents(imports)
    assert [(each.row_number, each.values) for each in await other.rejects(run)] == [
        (each.row_number, each.values) for each in await imports.rejects(whole)
    ]
    await other.close()


async def test_a_piece_from_elsewhere_changes_nothing_and_says_where_to_go_on(
    imports: RegisterImports,
) -> None:
    content = lines_of(CLEAN)
    run = await imports.create(csv_import(content))

    with pytest.raises(ImportMovedOn) as refusal:
        await imports.append(run.import_id, offset=10, chunks=chunks_of(content[10:]), caller=STEWARD)

    assert refusal.value.facts == {"next_offset": "0"}
    assert await contents(imports) == []


async def test_two_clients_with_one_file_store_each_row_once(
    imports: RegisterImports, tmp_path: Path
) -> None:
    content = file_of(tmp_path, list(rows(200, seed=2, dirt=0)))
    run = await imports.create(csv_import(content))

    answers = await asyncio.gather(
        *(
            imports.append(run.import_id, offset=0, chunks=chunks_of(content), caller=STEWARD)
            for _ in range(3)
        ),
        return_exceptions=True,
    )

    assert {type(each) for each in answers} <= {ImportMovedOn, type(run), ImportEnded}
    done = await imports.send(content, await imports.imports.get(run.import_id))
    assert done.counts == Counts(created=200)
    assert len(await contents(imports)) == 200


async def test_an_ended_import_a_stranger_and_another_header_are_refused(imports: RegisterImports) -> None:
    content = lines_of(CLEAN)
    run = await imports.take(content)
    other = b"other,columns\n" + content
    wrong = await imports.create(csv_import(other))
    somebody = type(STEWARD)(subject="persons/2", roles=STEWARD.roles)

    with pytest.raises(ImportEnded):
        await imports.append(run.import_id, offset=len(content), chunks=chunks_of(b""), caller=STEWARD)
    with pytest.raises(LayoutDiffers):
        await imports.append(wrong.import_id, offset=0, chunks=chunks_of(other), caller=STEWARD)
    with pytest.raises(NotTheImporter):
        await imports.append(wrong.import_id, offset=0, chunks=chunks_of(other), caller=somebody)
    with pytest.raises(NotTheImporter):
        [each async for each in imports.imports.download_rejects(run.import_id, somebody)]
    with pytest.raises(ImportNotFound):
        await imports.imports.get("0" * 32)


async def test_a_file_with_nothing_but_a_header_is_done_at_once(imports: RegisterImports) -> None:
    content = lines_of()

    run = await imports.take(content + b"\n\n")

    assert (run.state, run.counts) == (ImportState.DONE, Counts())


async def test_two_people_importing_the_same_register_at_once_make_each_citizen_once(
    imports: RegisterImports, tmp_path: Path
) -> None:
    content = file_of(tmp_path, list(rows(300, seed=8, dirt=0)))
    colleague = replace(STEWARD, subject="persons/steward-2")
    runs = [await imports.create(csv_import(content), caller=who) for who in (STEWARD, colleague)]

    done = await asyncio.gather(
        *(imports.send(content, run, caller=who) for run, who in zip(runs, (STEWARD, colleague), strict=True))
    )

    assert sum(run.counts.created for run in done) == 300
    assert sum(run.counts.unchanged for run in done) == 300
    assert len(await contents(imports)) == 300


async def test_people_hashed_under_an_older_key_are_found_while_keys_rotate(
    database: Database, imports: RegisterImports, tmp_path: Path
) -> None:
    content = file_of(tmp_path, list(rows(60, seed=8, dirt=0)))
    await imports.take(content)
    key_file = tmp_path / "field-keys.json"
    keys = json.loads(key_file.read_text())
    keys["lookup"]["keys"]["2"] = base64.b64encode(bytes(32)).decode()
    keys["lookup"]["current"] = 2
    key_file.write_text(json.dumps(keys))
    rotated = RegisterImports(database, tmp_path)

    run = await rotated.take(content + b"\n")

    assert run.counts == Counts(unchanged=60)
    assert len(await contents(rotated)) == 60
    await rotated.close()


async def cases(imports: RegisterImports) -> list[str]:
    found = await imports.db.read(lambda tx: tx.all("test_import_cases"))
    return [row["cause"] for row in found]
