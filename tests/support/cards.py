"""Card reading with a trust store that does as told: the operations on a real store, and the service on a network."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chassis.clock import SystemIds
from chassis.crypto import KeyRing, LookupHash
from chassis.idempotency import request_key
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from identity_svc.codec.card import chip_files_of
from identity_svc.operations.read_chip import ChipRead, ReadChip
from identity_svc.operations.read_insurance_card import ReadInsuranceCard
from identity_svc.ports import TrustState
from identity_svc.servicer.card import CardServicer
from identity_svc.store.chip_store import ChipStore
from lienthong.identity.v1 import card_pb2 as pb
from lienthong.identity.v1.card_pb2_grpc import CardServiceStub, add_CardServiceServicer_to_server
from standards.icao.certificates import TrustStore, build_trust_store
from tests.support.chip_maker import Party, Recipe, authority, security_object, signer
from tests.support.echo_network import Keys
from tests.support.identity import CLERK, FACILITY, Identity

if TYPE_CHECKING:
    from lienthong.identity.v1.card_pb2_grpc import CardServiceAsyncStub

METHOD = "/lienthong.identity.v1.CardService/ReadChip"
CSCA = authority()
SIGNER = signer(CSCA)


class FakeTrust:
    """Implements TrustPort: trusts whom it is told."""

    def __init__(self, *parties: Party) -> None:
        self.state = TrustState(store=TrustStore())
        self.trust(*parties)

    def trust(self, *parties: Party) -> None:
        """Trust these and nobody else."""
        store, _ = build_trust_store([(f"{index}.der", each.der) for index, each in enumerate(parties)])
        self.state = TrustState(store=store)

    def current(self) -> TrustState:
        """Whom it trusts."""
        return self.state


class Cards:
    """Card reading on a store of identity; it trusts CSCA unless told otherwise."""

    def __init__(self, identity: Identity, ring: KeyRing) -> None:
        self.identity = identity
        self.trust = FakeTrust(CSCA)
        self.read_chip = ReadChip(
            db=identity.db,
            store=identity.store,
            chips=ChipStore(LookupHash(ring)),
            verify_card=identity.verify_card,
            desk=identity.desk,
            trust=self.trust,
            clock=identity.clock,
            ids=SystemIds(),
        )
        self.servicer = CardServicer(
            read_chip=self.read_chip,
            read_insurance_card=ReadInsuranceCard(identity.read_citizen),
            trust=self.trust,
        )

    async def read(self, request: pb.ReadChipRequest, *, caller: Caller = CLERK) -> ChipRead:
        """Read a chip as the servicer does."""
        files = chip_files_of(request, facility_code=FACILITY)
        return await self.read_chip(files, key=request_key(METHOD, request, caller), caller=caller)


def chip_request(
    groups: Mapping[int, bytes] | None = None,
    *,
    recipe: Recipe | None = None,
    card_qr: str = "",
    consent: bool = True,
    request_id: str = "",
) -> pb.ReadChipRequest:
    """A request with a sound chip; other groups are signed, too, unless a recipe tells what is signed."""
    made = recipe or (Recipe(signer=SIGNER) if groups is None else Recipe(signer=SIGNER, groups=groups))
    files = made.groups if groups is None else groups
    return pb.ReadChipRequest(
        request_id=request_id or str(uuid.uuid4()),
        facility_code=FACILITY,
        consent=pb.ChipConsent(given=consent, reference="paper/2026-03-02.7"),
        dg1=files.get(1, b""),
        dg2=files.get(2, b""),
        dg13=files.get(13, b""),
        dg14=files.get(14, b""),
        dg15=files.get(15, b""),
        sod=security_object(made),
        card_qr=card_qr,
    )


@asynccontextmanager
async def card_stub(cards: Cards, keys: Keys) -> AsyncIterator[CardServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    network.register(
        "identity",
        [collect(add_CardServiceServicer_to_server, cards.servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    try:
        yield CardServiceStub(channel)
    finally:
        await channel.close()
