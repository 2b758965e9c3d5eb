"""Register imports on a real store: the verbs, a client that sends a file piece by piece, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import Clock, SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash, generate_key_file
from chassis.db import Database, Tx
from chassis.idempotency import request_key
from chassis.rpc.binding import collect
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from identity_svc.domain.register_file import Column, Encoding, FileFormat, Layout, guess_columns
from identity_svc.domain.register_import import ImportState, RegisterImport, Reject
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import MasterIndex
from identity_svc.operations.register_append import BATCH_ROWS, AppendImport
from identity_svc.operations.register_batch import BatchStore
from identity_svc.operations.register_import import Imports, NewImport
from identity_svc.operations.register_parquet import ParquetSpool
from identity_svc.operations.register_prepare import Workshop
from identity_svc.servicer.imports import RegisterImportServicer
from identity_svc.store.import_store import IMPORT_QUERIES, ImportStore
from identity_svc.store.index_store import INDEX_QUERIES, IndexStore
from identity_svc.store.quality_store import QUALITY_QUERIES, QualityStore
from identity_svc.store.store import QUERIES, IdentityStore
from identity_svc.store.units_store import UNITS_QUERIES, UnitsStore
from lienthong.identity.v1 import register_import_pb2 as pb
from lienthong.identity.v1.register_import_pb2_grpc import (
    RegisterImportServiceStub,
    add_RegisterImportServiceServicer_to_server,
)
from tests.support.echo_network import Keys
from tests.support.register_files import HEADER

if TYPE_CHECKING:
    from lienthong.identity.v1.register_import_pb2_grpc import RegisterImportServiceAsyncStub

TEST_QUERIES = Path(__file__).with_name("register_imports.sql")
IMPORT_TEST_QUERIES = (
    QUERIES,
    UNITS_QUERIES,
    QUALITY_QUERIES,
    INDEX_QUERIES,
    IMPORT_QUERIES,
    TEST_QUERIES,
)
STEWARD = Caller(
    subject="persons/steward-1", roles=frozenset({"STEWARD"}), facility="19001", purpose="registration"
)
AS_OF = date(2026, 1, 1)
CHUNK_BYTES = 64 * 1024
CREATE = "/lienthong.identity.v1.RegisterImportService/CreateImport"


class RegisterImports:
    """The verbs of register imports on a store."""

    def __init__(
        self,
        db: Database,
        folder: Path,
        *,
        worker_count: int = 0,
        batch_rows: int = BATCH_ROWS,
        clock: Clock | None = None,
        key_file: Path | None = None,
    ) -> None:
        key_file = key_file or folder / "field-keys.json"
        if not key_file.exists():
            generate_key_file(key_file)
        ring = KeyRing.from_file(key_file)
        cipher, hashes = FieldCipher(ring), LookupHash(ring)
        ids = SystemIds()
        clock = clock or SystemClock()
        self.clock = clock
        self.db = db
        self.identity = IdentityStore(cipher, hashes)
        self.store = ImportStore(cipher)
        self.workshop = Workshop(ring, worker_count=worker_count)
        self.spool = ParquetSpool(folder / "imports", cipher)
        self.imports = Imports(db=db, store=self.store, spool=self.spool, clock=clock, ids=ids)
        self.append = AppendImport(
            db=db,
            store=self.store,
            batches=BatchStore(
                identity=self.identity,
                imports=self.store,
                units=UnitsStore(),
                index=MasterIndex(IndexStore(cipher, hashes)),
                cases=CaseDesk(QualityStore(cipher), ids),
                ids=ids,
            ),
            workshop=self.workshop,
            spool=self.spool,
            clock=clock,
            batch_rows=batch_rows,
        )

    async def create(self, new: NewImport, *, caller: Caller = STEWARD) -> RegisterImport:
        """Open an import as the servicer does, with a fresh request."""
        request = pb.CreateImportRequest(request_id=str(uuid.uuid4()), file_sha256=new.file_sha256)
        return await self.imports.create(new, key=request_key(CREATE, request, caller), caller=caller)

    async def send(
        self, content: bytes, run: RegisterImport, *, piece_bytes: int = 1 << 20, caller: Caller = STEWARD
    ) -> RegisterImport:
        """Send what an import lacks of a file, piece by piece, until it is done."""
        while not run.state.is_ended:
            piece = content[run.next_offset : run.next_offset + piece_bytes]
            run = await self.append(
                run.import_id, offset=run.next_offset, chunks=chunks_of(piece), caller=caller
            )
        return run

    async def take(self, content: bytes, *, as_of: date = AS_OF) -> RegisterImport:
        """Open and send a whole CSV file of the generator's columns."""
        return await self.send(content, await self.create(csv_import(content, as_of=as_of)))

    async def rejects(self, run: RegisterImport) -> list[Reject]:
        """The rows that were not taken in, with their values."""
        return [each async for each in self.imports.download_rejects(run.import_id, STEWARD)]

    async def close(self) -> None:
        """End the workers."""
        await self.workshop.close()


def csv_import(
    content: bytes,
    *,
    columns: tuple[Column, ...] = guess_columns(HEADER),
    as_of: date = AS_OF,
    encoding: Encoding = Encoding.UTF_8,
    file_format: FileFormat = FileFormat.CSV,
) -> NewImport:
    """What a client says of a file."""
    return NewImport(
        layout=Layout(file_format=file_format, encoding=encoding, columns=columns),
        file_sha256=sha256(content).hexdigest(),
        size_bytes=len(content),
        source_name="Danh sách thử",
        as_of_date=as_of,
        facility_code="19001",
    )


async def chunks_of(content: bytes, *, chunk_bytes: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
    """The content as a stream carries it."""
    for start in range(0, len(content), chunk_bytes):
        yield content[start : start + chunk_bytes]


async def contents(imports: RegisterImports) -> list[tuple[object, ...]]:
    """Everybody in the store without their ids, in an order of their own: equal for equal outcomes."""
    identity = imports.identity

    async def work(tx: Tx) -> list[tuple[object, ...]]:
        found = []
        for row in await tx.all("test_import_citizens"):
            citizen = await identity.read(tx, row["citizen_id"])
            assert citizen is not None
            facts = citizen.demographics
            numbers = tuple(sorted((each.kind, each.value) for each in citizen.identifiers))
            found.append(
                (numbers, facts.full_name, facts.birth_date, facts.gender, facts.address, facts.version)
            )
        return sorted(found)

    return await imports.db.read(work)


def is_done(run: RegisterImport) -> bool:
    """Whether an import took every row."""
    return run.state is ImportState.DONE and run.next_offset == run.size_bytes


@asynccontextmanager
async def import_channel(imports: RegisterImports, keys: Keys) -> AsyncIterator[Channel]:
    """A channel to the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("identity")
    servicer = RegisterImportServicer(imports=imports.imports, append=imports.append, clock=imports.clock)
    network = LocalNetwork()
    network.register(
        "identity",
        [collect(add_RegisterImportServiceServicer_to_server, servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def import_stub(imports: RegisterImports, keys: Keys) -> AsyncIterator[RegisterImportServiceAsyncStub]:
    """A stub on such a channel."""
    async with import_channel(imports, keys) as channel:
        yield RegisterImportServiceStub(channel)
