"""Register imports through the whole pipeline: order of calls, progress, rejects, and each bad input's error."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.errors import AppError, Kind
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.tokens import Minter
from lienthong.identity.v1 import register_import_pb2 as pb
from tests.support.echo_network import Keys
from tests.support.register_files import REJECTED, rows, write_csv
from tests.support.register_imports import IMPORT_TEST_QUERIES, RegisterImports, import_stub
from tests.support.stores import OpenStore

if TYPE_CHECKING:
    from lienthong.identity.v1.register_import_pb2_grpc import RegisterImportServiceAsyncStub

TIMEOUT_S = 20.0
FACILITY = "19001"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def imports(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[RegisterImports]:
    made = RegisterImports(
        await open_store("identity_svc", queries=IMPORT_TEST_QUERIES), tmp_path, batch_rows=40
    )
    yield made
    await made.close()


@pytest.fixture
async def stub(imports: RegisterImports, keys: Keys) -> AsyncIterator[RegisterImportServiceAsyncStub]:
    async with import_stub(imports, keys) as made:
        yield made


def signed(keys: Keys, role: str = "STEWARD", *, subject: str = "persons/1") -> Caller:
    named = Caller(subject=subject, roles=frozenset({role}), facility=FACILITY, purpose="registration")
    return Caller(
        subject=subject,
        roles=named.roles,
        facility=FACILITY,
        purpose=named.purpose,
        token=Minter(keys.gateway).mint(named),
    )


async def inspect_parts(content: bytes, **header: Any) -> AsyncIterator[pb.InspectRegisterFileRequest]:
    yield pb.InspectRegisterFileRequest(header=pb.InspectRegisterFileHeader(**header))
    for start in range(0, len(content), 1_000):
        yield pb.InspectRegisterFileRequest(content=content[start : start + 1_000])


async def append_parts(name: str, offset: int, content: bytes) -> AsyncIterator[pb.AppendImportRequest]:
    yield pb.AppendImportRequest(header=pb.AppendImportHeader(name=name, offset=offset))
    for start in range(0, len(content), 1_000):
        yield pb.AppendImportRequest(content=content[start : start + 1_000])


def create_request(layout: pb.RegisterLayout, sha: str, size: int, **changed: Any) -> pb.CreateImportRequest:
    fields = {
        "request_id": str(uuid.uuid4()),
        "layout": layout,
        "file_sha256": sha,
        "size_bytes": size,
        "source_name": "Danh sách xã",
        "as_of_date": "2026-01-01",
        "facility_code": FACILITY,
    }
    return pb.CreateImportRequest(**(fields | changed))


async def test_a_file_goes_from_report_to_rejects_in_the_order_the_service_describes(
    stub: RegisterImportServiceAsyncStub, keys: Keys, tmp_path: Path
) -> None:
    made = list(rows(120, seed=9, dirt=4.0))
    sha, size = write_csv(tmp_path / "f.csv", iter(made))
    content = (tmp_path / "f.csv").read_bytes()
    refused = [row for row in made if row.kind in REJECTED]

    with acting_as(signed(keys)):
        report = (await stub.InspectRegisterFile(inspect_parts(content), timeout=TIMEOUT_S)).report
        request = create_request(report.layout, sha, size)
        opened = (await stub.CreateImport(request, timeout=TIMEOUT_S)).register_import
        again = (await stub.CreateImport(request, timeout=TIMEOUT_S)).register_import
        done = opened
        while done.state == pb.IMPORT_STATE_RECEIVING:
            piece = content[done.next_offset : done.next_offset + 6_000]
            parts = append_parts(done.name, done.next_offset, piece)
            done = (await stub.AppendImport(parts, timeout=TIMEOUT_S)).register_import
        watched = [
            each.register_import
            async for each in stub.WatchImport(pb.WatchImportRequest(name=done.name), timeout=TIMEOUT_S)
        ]
        listed = await stub.ListImports(pb.ListImportsRequest(), timeout=TIMEOUT_S)
        first = await stub.ListImportRejects(
            pb.ListImportRejectsRequest(parent=done.name, page_size=2), timeout=TIMEOUT_S
        )
        rest = await stub.ListImportRejects(
            pb.ListImportRejectsRequest(parent=done.name, page_size=500, page_token=first.next_page_token),
            timeout=TIMEOUT_S,
        )
        downloaded = [
            each
            async for each in stub.DownloadImportRejects(
                pb.DownloadImportRejectsRequest(parent=done.name), timeout=TIMEOUT_S
            )
        ]

    assert report.rejected_row_count == len(refused)
    assert again == opened
    assert done.state == pb.IMPORT_STATE_DONE
    assert (done.row_count, done.counts.rejected_count) == (120, len(refused))
    assert done.counts.created_count == 120 - len(refused)
    assert done.rows_per_second > 0
    assert done.HasField("end_time")
    assert watched == [done]
    assert list(listed.register_imports) == [done]
    rejects = [*first.rejects, *rest.rejects]
    assert [each.reason for each in rejects] == [REJECTED[row.kind] for row in refused]
    assert all(each.explanation_vi and each.explanation_en for each in rejects)
    assert [tuple(each.values) for each in downloaded] == [row.cells for row in refused]


async def test_only_the_importer_gets_the_rows_back(
    stub: RegisterImportServiceAsyncStub, keys: Keys, tmp_path: Path
) -> None:
    sha, size = write_csv(tmp_path / "f.csv", rows(5, dirt=0))
    content = (tmp_path / "f.csv").read_bytes()
    with acting_as(signed(keys)):
        layout = (await stub.InspectRegisterFile(inspect_parts(content), timeout=TIMEOUT_S)).report.layout
        opened = await stub.CreateImport(create_request(layout, sha, size), timeout=TIMEOUT_S)
    name = opened.register_import.name

    with acting_as(signed(keys, subject="persons/2")):
        with pytest.raises(AppError) as refusal:
            async for _ in stub.DownloadImportRejects(
                pb.DownloadImportRejectsRequest(parent=name), timeout=TIMEOUT_S
            ):
                pass
        got = await stub.GetImport(pb.GetImportRequest(name=name), timeout=TIMEOUT_S)

    assert (refusal.value.kind, refusal.value.reason) == (Kind.PERMISSION, "NOT_THE_IMPORTER")
    assert refusal.value.vi
    assert got.register_import.name == name


async def test_a_cancelled_import_takes_nothing_more_and_the_file_may_come_again(
    stub: RegisterImportServiceAsyncStub, keys: Keys, tmp_path: Path
) -> None:
    sha, size = write_csv(tmp_path / "f.csv", rows(5, dirt=0))
    content = (tmp_path / "f.csv").read_bytes()
    with acting_as(signed(keys)):
        layout = (await stub.InspectRegisterFile(inspect_parts(content), timeout=TIMEOUT_S)).report.layout
        opened = await stub.CreateImport(create_request(layout, sha, size), timeout=TIMEOUT_S)
        name = opened.register_import.name
        cancel = pb.CancelImportRequest(request_id=str(uuid.uuid4()), name=name)
        ended = await stub.CancelImport(cancel, timeout=TIMEOUT_S)
        repeated = await stub.CancelImport(cancel, timeout=TIMEOUT_S)
        with pytest.raises(AppError) as refusal:
            await stub.AppendImport(append_parts(name, 0, content), timeout=TIMEOUT_S)
        fresh = await stub.CreateImport(create_request(layout, sha, size), timeout=TIMEOUT_S)

    assert ended.register_import.state == pb.IMPORT_STATE_CANCELLED
    assert repeated == ended
    assert refusal.value.reason == "IMPORT_ENDED"
    assert fresh.register_import.name != name


@pytest.mark.parametrize("role", ["CLERK", "CASHIER", "CITIZEN", "SERVICE"])
async def test_other_roles_are_refused(stub: RegisterImportServiceAsyncStub, keys: Keys, role: str) -> None:
    with acting_as(signed(keys, role)), pytest.raises(AppError) as refusal:
        await stub.ListImports(pb.ListImportsRequest(), timeout=TIMEOUT_S)

    assert refusal.value.kind is Kind.PERMISSION


LAYOUT = pb.RegisterLayout(
    format=pb.REGISTER_FORMAT_CSV,
    encoding="utf-8",
    delimiter=",",
    columns=[
        pb.RegisterColumn(name="a", field=pb.REGISTER_FIELD_CITIZEN_NUMBER),
        pb.RegisterColumn(name="b", field=pb.REGISTER_FIELD_FULL_NAME),
        pb.RegisterColumn(name="c", field=pb.REGISTER_FIELD_BIRTH_DATE),
        pb.RegisterColumn(name="d", field=pb.REGISTER_FIELD_GENDER),
    ],
)
SHA = "0" * 64


def with_layout(**changed: Any) -> pb.RegisterLayout:
    layout = pb.RegisterLayout()
    layout.CopyFrom(LAYOUT)
    for name, value in changed.items():
        if name == "columns":
            del layout.columns[:]
            layout.columns.extend(value)
        else:
            setattr(layout, name, value)
    return layout


@pytest.mark.parametrize(
    ("request_message", "reason", "field"),
    [
        (create_request(LAYOUT, "xyz", 1), "FILE_HASH_MALFORMED", "file_sha256"),
        (create_request(LAYOUT, SHA, 0), "FILE_SIZE_WRONG", "size_bytes"),
        (create_request(LAYOUT, SHA, 1, source_name=" "), "SOURCE_NAME_MISSING", "source_name"),
        (create_request(LAYOUT, SHA, 1, as_of_date="01/01/2026"), "AS_OF_DATE_WRONG", "as_of_date"),
        (create_request(LAYOUT, SHA, 1, as_of_date="2999-01-01"), "AS_OF_DATE_WRONG", "as_of_date"),
        (create_request(LAYOUT, SHA, 1, facility_code="?"), "FACILITY_CODE_FORM", "facility_code"),
        (create_request(LAYOUT, SHA, 1, facility_code="01001"), "OTHER_FACILITY", None),
        (create_request(pb.RegisterLayout(), SHA, 1), "LAYOUT_MALFORMED", "layout.format"),
        (create_request(with_layout(encoding="koi8"), SHA, 1), "LAYOUT_MALFORMED", "layout.encoding"),
        (create_request(with_layout(delimiter="x"), SHA, 1), "LAYOUT_MALFORMED", "layout.delimiter"),
        (
            create_request(with_layout(columns=[*LAYOUT.columns, LAYOUT.columns[0]]), SHA, 1),
            "LAYOUT_MALFORMED",
            "layout.columns.field",
        ),
        (
            create_request(with_layout(columns=LAYOUT.columns[1:]), SHA, 1),
            "REQUIRED_COLUMN_MISSING",
            "layout.columns",
        ),
        (create_request(LAYOUT, SHA, 1, request_id=""), "REQUEST_ID_REQUIRED", "request_id"),
    ],
)
async def test_each_fault_of_a_new_import_is_told_with_its_field(
    stub: RegisterImportServiceAsyncStub,
    keys: Keys,
    request_message: pb.CreateImportRequest,
    reason: str,
    field: str | None,
) -> None:
    with acting_as(signed(keys)), pytest.raises(AppError) as refusal:
        await stub.CreateImport(request_message, timeout=TIMEOUT_S)

    assert (refusal.value.reason, refusal.value.field) == (reason, field)
    assert refusal.value.vi


async def test_streams_without_header_and_unknown_imports_are_refused(
    stub: RegisterImportServiceAsyncStub, keys: Keys
) -> None:
    async def headless() -> AsyncIterator[pb.AppendImportRequest]:
        yield pb.AppendImportRequest(content=b"x")

    unknown = f"registerImports/{'0' * 32}"
    with acting_as(signed(keys)):
        for call, reason in (
            (stub.AppendImport(headless(), timeout=TIMEOUT_S), "IMPORT_HEADER_MISSING"),
            (stub.AppendImport(append_parts("x", 0, b""), timeout=TIMEOUT_S), "IMPORT_NAME_MALFORMED"),
            (stub.AppendImport(append_parts(unknown, 0, b""), timeout=TIMEOUT_S), "IMPORT_NOT_FOUND"),
            (stub.GetImport(pb.GetImportRequest(name=unknown), timeout=TIMEOUT_S), "IMPORT_NOT_FOUND"),
            (stub.InspectRegisterFile(inspect_parts(b""), timeout=TIMEOUT_S), "REGISTER_FILE_EMPTY"),
            (
                stub.InspectRegisterFile(
                    inspect_parts(b"PAR1 no", format=pb.REGISTER_FORMAT_PARQUET), timeout=TIMEOUT_S
                ),
                "REGISTER_FILE_UNREADABLE",
            ),
            (
                stub.ListImports(pb.ListImportsRequest(page_token="?"), timeout=TIMEOUT_S),
                "PAGE_TOKEN_MALFORMED",
            ),
            (
                stub.ListImports(pb.ListImportsRequest(page_size=201), timeout=TIMEOUT_S),
                "PAGE_SIZE_OUT_OF_RANGE",
            ),
        ):
            with pytest.raises(AppError) as refusal:
                await call
            assert refusal.value.reason == reason
