"""Identity with a register that does as told: the operations on a real store, and the service on a local network."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import FixedClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash, generate_key_file
from chassis.db import Database
from chassis.idempotency import request_key
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from identity_svc.domain.card import read_card
from identity_svc.domain.errors import RegisterUnavailable
from identity_svc.domain.identifier_systems import read_systems
from identity_svc.domain.match_weights import load_weights
from identity_svc.domain.model import FieldResult, RegisterAnswer, RegisterClaim
from identity_svc.operations import ReadCitizen, Recheck, Settlement, Verified, VerifyCard
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.identifiers import Identifiers
from identity_svc.operations.index import MasterIndex
from identity_svc.operations.link import Linker
from identity_svc.operations.match import Matcher
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.operations.repairs import Repairs
from identity_svc.operations.temporary import Temporary
from identity_svc.server.parts import master_index, unit_parts
from identity_svc.servicer.citizens import IdentityServicer
from identity_svc.store.chip_store import CHIP_QUERIES
from identity_svc.store.consent_store import CONSENT_QUERIES
from identity_svc.store.import_store import IMPORT_QUERIES
from identity_svc.store.index_store import INDEX_QUERIES, IndexStore
from identity_svc.store.link_store import LinkStore
from identity_svc.store.quality_store import QUALITY_QUERIES, QualityStore
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import QUERIES, IdentityStore
from identity_svc.store.temporary_store import TemporaryStore
from identity_svc.store.units_store import UNITS_QUERIES, UnitsStore
from lienthong.identity.v1 import identity_pb2 as pb
from lienthong.identity.v1.identity_pb2_grpc import (
    IdentityServiceStub,
    add_IdentityServiceServicer_to_server,
)
from lienthong.identity.v1.master_index_pb2_grpc import add_MasterIndexServiceServicer_to_server
from tests.support.echo_network import Keys

if TYPE_CHECKING:
    from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
FACILITY = "19001"
CLERK = Caller(subject="persons/clerk-1", roles=frozenset({"CLERK"}), facility=FACILITY, purpose="treatment")
QUERIES_FILES = (
    QUERIES,
    UNITS_QUERIES,
    QUALITY_QUERIES,
    INDEX_QUERIES,
    IMPORT_QUERIES,
    CONSENT_QUERIES,
    CHIP_QUERIES,
)
FIELDS = ("full_name", "birth_date", "gender", "address")


def card_text(
    *,
    number: str = "099190000017",
    old_number: str = "",
    name: str = "Nguyễn Thị Hòa",
    birth: str = "02031990",
    gender: str = "Nữ",
    address: str = "Thôn Nà Phại, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn",
    issue: str = "15062022",
) -> str:
    """The QR text of a made-up citizen; no province has the prefix 099."""
    return "|".join((number, old_number, name, birth, gender, address, issue))


class FakeRegister:
    """Implements RegisterPort: agrees with everything unless told otherwise."""

    def __init__(self) -> None:
        self.claims: list[RegisterClaim] = []
        self.unheard = ""
        """Why it is not heard; empty while it answers."""
        self.found = True
        self.results: dict[str, tuple[str, str]] = {}
        """Field to (result, reason) where it does not simply agree."""
        self.pause_s = 0.0

    async def verify(self, claim: RegisterClaim) -> RegisterAnswer:
        self.claims.append(claim)
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        if self.unheard:
            raise RegisterUnavailable(self.unheard)
        asked = {field: bool(getattr(claim, field)) for field in FIELDS}
        answers = {
            field: self.results.get(field, ("MATCH", ""))
            if self.found and asked[field]
            else ("NOT_CHECKED", "")
            for field in FIELDS
        }
        return RegisterAnswer(
            found=self.found,
            results={field: FieldResult(result) for field, (result, _) in answers.items()},
            reasons={field: reason for field, (_, reason) in answers.items() if reason},
            reference=f"reg-{len(self.claims)}",
        )


class Identity:
    """Identity's operations on a store."""

    def __init__(self, db: Database, folder: Path) -> None:
        key_file = folder / "field-keys.json"
        if not key_file.exists():
            generate_key_file(key_file)
        ring = KeyRing.from_file(key_file)
        self.db = db
        hashes = LookupHash(ring)
        self.store = IdentityStore(FieldCipher(ring), hashes)
        self.register = FakeRegister()
        self.clock = FixedClock(START)
        ids = SystemIds()
        self.desk = CaseDesk(QualityStore(self.store.cipher), ids)
        self.index = MasterIndex(IndexStore(self.store.cipher, hashes))
        self.doubles = master_index(
            db=db, store=self.store, hashes=hashes, desk=self.desk, clock=self.clock, ids=ids
        )
        self.units = unit_parts(
            db=db, store=self.store, desk=self.desk, index=self.index, clock=self.clock, ids=ids
        )
        self.repairs_store = RepairsStore(self.store.cipher)
        self.notice = FactsNotice(index=self.index, units=UnitsStore(), desk=self.desk)
        self.settlement = Settlement(
            store=self.store, repairs=self.repairs_store, desk=self.desk, notice=self.notice, ids=ids
        )
        self.verify_card = VerifyCard(
            db=db,
            store=self.store,
            settlement=self.settlement,
            register=self.register,
            clock=self.clock,
            ids=ids,
            check_max_age=timedelta(days=30),
        )
        links = LinkStore(hashes)
        index_store = IndexStore(self.store.cipher, hashes)
        matcher = Matcher(index_store, links, load_weights())
        self.linker = Linker(store=self.store, index=index_store, links=links, matcher=matcher, ids=ids)
        temporary_store = TemporaryStore(self.store)
        self.identifiers = Identifiers(
            db=db,
            store=self.store,
            repairs=self.repairs_store,
            temporary=temporary_store,
            desk=self.desk,
            notice=self.notice,
            clock=self.clock,
            ids=ids,
        )
        self.temporary = Temporary(
            db=db,
            store=self.store,
            temporary=temporary_store,
            settlement=self.settlement,
            register=self.register,
            desk=self.desk,
            notice=self.notice,
            linker=self.linker,
            clock=self.clock,
            ids=ids,
        )
        self.repairs = Repairs(
            db=db,
            store=self.store,
            repairs=self.repairs_store,
            desk=self.desk,
            notice=self.notice,
            clock=self.clock,
            ids=ids,
        )
        self.read_citizen = ReadCitizen(db=db, store=self.store, clock=self.clock)
        self.recheck = Recheck(
            db=db,
            store=self.store,
            settlement=self.settlement,
            register=self.register,
            clock=self.clock,
            wait_s=5.0,
        )

    async def scan(self, text: str, *, request_id: str = "", caller: Caller = CLERK) -> Verified:
        """Verify one card as the servicer does; a fresh request unless an id is given."""
        request = pb.VerifyCardRequest(request_id=request_id or str(uuid.uuid4()), card_qr=text)
        key = request_key("/lienthong.identity.v1.IdentityService/VerifyCard", request, caller)
        return await self.verify_card(read_card(text), facility_code=FACILITY, key=key, caller=caller)


@asynccontextmanager
async def identity_stub(identity: Identity, keys: Keys) -> AsyncIterator[IdentityServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("identity")
    servicer = IdentityServicer(
        verify_card=identity.verify_card,
        read_citizen=identity.read_citizen,
        identifiers=identity.identifiers,
        temporary=identity.temporary,
        repairs=identity.repairs,
        systems=read_systems(),
    )
    network = LocalNetwork()
    network.register(
        "identity",
        [
            collect(add_IdentityServiceServicer_to_server, servicer),
            collect(add_MasterIndexServiceServicer_to_server, identity.doubles.servicer()),
            *identity.units.bindings(),
        ],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    try:
        yield IdentityServiceStub(channel)
    finally:
        await channel.close()
