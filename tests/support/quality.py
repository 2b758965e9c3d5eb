"""The data-quality queue on a real store, beside identity's own operations."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chassis.clock import SystemIds
from chassis.crypto import KeyRing, LookupHash
from chassis.db import Database
from chassis.idempotency import RequestKey, request_key
from chassis.rpc.context import Caller
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from identity_svc.domain.cases import Case, CaseCause
from identity_svc.operations.authority import Authority
from identity_svc.operations.quality_figures import LAG
from identity_svc.operations.repairs import Repairs
from identity_svc.server.parts import quality_parts
from identity_svc.store.account_store import Account, AccountStore
from identity_svc.store.consent_store import CONSENT_QUERIES, ConsentStore
from identity_svc.store.delegation_store import DelegationStore
from identity_svc.store.quality_store import CaseFilter, QualityStore
from lienthong.identity.v1 import quality_pb2 as pb
from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceStub
from tests.support.echo_network import Keys
from tests.support.identity import FACILITY, QUERIES_FILES, Identity

if TYPE_CHECKING:
    from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceAsyncStub

QUALITY_QUERIES_FILES = tuple(dict.fromkeys((*QUERIES_FILES, CONSENT_QUERIES)))
STEWARD = Caller(subject="persons/steward-1", roles=frozenset({"STEWARD"}), purpose="data_quality")
OTHER_STEWARD = Caller(subject="persons/steward-2", roles=frozenset({"STEWARD"}), purpose="data_quality")
CITIZEN = Caller(subject="persons/citizen-1", roles=frozenset({"CITIZEN"}), purpose="own_data")


class Quality(Identity):
    """Identity with its data-quality operations."""

    def __init__(self, db: Database, folder: Path) -> None:
        super().__init__(db, folder)
        cipher, ids = self.store.cipher, SystemIds()
        hashes = LookupHash(KeyRing.from_file(folder / "field-keys.json"))
        self.cases = QualityStore(cipher)
        self.accounts = AccountStore(cipher, hashes)
        self.parts = quality_parts(
            db=db,
            store=self.store,
            repairs=self.repairs_store,
            desk=self.desk,
            notice=self.notice,
            authority=Authority(
                store=self.store,
                consents=ConsentStore(),
                delegations=DelegationStore(),
                accounts=self.accounts,
            ),
            clock=self.clock,
            ids=ids,
        )
        self.queue = self.parts.queue
        self.figures = self.parts.figures
        self.corrections = self.parts.corrections
        self.repair_verbs = Repairs(
            db=db,
            store=self.store,
            repairs=self.repairs_store,
            desk=self.desk,
            notice=self.notice,
            clock=self.clock,
            ids=ids,
        )

    async def person(self, citizen_id: str) -> str:
        """A bare citizen row, for cases that need no facts."""
        await self.db.write(lambda tx: self.store.add_citizen(tx, citizen_id, now=self.clock.now()))
        return citizen_id

    async def see(self, cause: CaseCause, citizen_id: str, **more: str) -> str:
        """See a doubt once; gives the case."""
        now = self.clock.now()
        return await self.db.write(
            lambda tx: self.desk.open(tx, cause=cause, citizen_id=citizen_id, now=now, **more)  # type: ignore[arg-type]  # texts alone
        )

    async def end(self, cause: CaseCause | None, citizen_id: str, **more: str) -> int:
        """Close cases as the system does."""
        now = self.clock.now()
        return await self.db.write(
            lambda tx: self.desk.close(
                tx, cause=cause, citizen_id=citizen_id, resolution="CLEAN_CHECK", now=now, **more
            )
        )

    async def open_cases(self, **wanted: object) -> list[Case]:
        """The queue."""
        narrowed = CaseFilter(**wanted)  # type: ignore[arg-type]  # the fields of a filter
        return await self.db.read(
            lambda tx: self.cases.page(tx, narrowed, after=("", ""), page_size=500, now=self.clock.now())
        )

    async def link_account(self, citizen_id: str, caller: Caller = CITIZEN) -> None:
        """Let a sign-in belong to a citizen, as a clerk does after a card was checked."""
        account = Account(
            citizen_id=citizen_id,
            account_id=uuid.uuid4().hex,
            subject=caller.subject,
            facility_code=FACILITY,
            link_time=self.clock.now(),
            unlink_time=None,
        )
        await self.db.write(
            lambda tx: self.accounts.link(tx, account, code_key=uuid.uuid4().hex, linked_by="persons/clerk-1")
        )

    async def count(self) -> None:
        """Let what happened so far grow old enough, and count it."""
        self.clock.advance(LAG + timedelta(seconds=1))
        await self.parts.counter.count_all()


def fresh_key(method: str = "Anything", caller: Caller = STEWARD) -> RequestKey:
    """The key of a request that was never sent before."""
    request = pb.RebuildQualityFiguresRequest(request_id=str(uuid.uuid4()))
    return request_key(f"/lienthong.identity.v1.DataQualityService/{method}", request, caller)


@asynccontextmanager
async def quality_stub(quality: Quality, keys: Keys) -> AsyncIterator[DataQualityServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("identity")
    network = LocalNetwork()
    network.register(
        "identity",
        quality.parts.bindings(),
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("identity", telemetry=telemetry, sender="gateway")
    try:
        yield DataQualityServiceStub(channel)
    finally:
        await channel.close()
