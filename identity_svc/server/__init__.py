"""The wiring of identity: the only place that picks implementations."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from chassis import outbox
from chassis.breaker import Breaker
from chassis.clock import SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash
from chassis.db import open_database
from chassis.lifecycle import Assembly, Dial
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller
from chassis.telemetry import Telemetry
from identity_svc.config import Settings
from identity_svc.domain.identifier_systems import read_systems
from identity_svc.external.registry import HttpRegister, counts_as_trouble
from identity_svc.external.trust_folder import TrustFolder
from identity_svc.operations import DESTINATION, Recheck, Settlement, VerifyCard, resolve_text
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.index import MasterIndex
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.ports import RegisterPort
from identity_svc.server.parts import (
    ALL_QUERIES,
    Frame,
    card_servicer,
    citizen_servicer,
    consent_parts,
    import_parts,
    master_index,
    quality_parts,
    unit_parts,
)
from identity_svc.store.index_store import IndexStore
from identity_svc.store.quality_store import QualityStore
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import IdentityStore
from identity_svc.store.units_store import UnitsStore
from lienthong.identity.v1.card_pb2_grpc import add_CardServiceServicer_to_server
from lienthong.identity.v1.identity_pb2_grpc import add_IdentityServiceServicer_to_server
from lienthong.identity.v1.master_index_pb2_grpc import add_MasterIndexServiceServicer_to_server

NAME = "identity"
PACKAGE = "identity_svc"
RECHECKER = Caller(subject=f"services/{NAME}", roles=frozenset({"SERVICE"}), purpose="recheck", service=NAME)
"""On whose behalf checks are repeated; identity calls no peer, so there is no token."""


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """Build identity; `dial` stays unused, identity calls no sibling."""
    del dial
    ring = KeyRing.from_file(settings.field_key_file)
    hashes = LookupHash(ring)
    # The unit tables take 0.2 s to read: now, beside the loop, and not in the first patient's call.
    await asyncio.to_thread(resolve_text, "Xã Ba Bể, Thái Nguyên")
    db = await open_database(settings.database_url, queries=ALL_QUERIES, package=PACKAGE, telemetry=telemetry)
    store = IdentityStore(FieldCipher(ring), hashes)
    frame = Frame(db=db, store=store, clock=SystemClock(), ids=SystemIds())
    desk, repairs = CaseDesk(QualityStore(store.cipher), frame["ids"]), RepairsStore(store.cipher)
    index = MasterIndex(IndexStore(store.cipher, hashes))
    notice = FactsNotice(index=index, units=UnitsStore(), desk=desk)
    settlement = Settlement(store=store, repairs=repairs, desk=desk, notice=notice, ids=frame["ids"])
    register, breaker = open_register(settings, telemetry)
    verify_card = VerifyCard(
        **frame,
        settlement=settlement,
        register=register,
        check_max_age=timedelta(hours=settings.register_check_max_age_h),
    )
    worker = recheck_worker(settings, frame, settlement, register, telemetry)
    doubles = master_index(**frame, hashes=hashes, desk=desk)
    citizens = citizen_servicer(
        **frame,
        repairs_store=repairs,
        verify_card=verify_card,
        settlement=settlement,
        register=register,
        desk=desk,
        notice=notice,
        linker=doubles.linker,
        systems=read_systems(settings.identifier_systems()),
    )
    consent = consent_parts(**frame, ring=ring)
    quality = quality_parts(**frame, repairs=repairs, desk=desk, notice=notice, authority=consent.authority)
    trust = TrustFolder(settings.csca_dir, clock=frame["clock"], reload_s=settings.csca_reload_s)
    await trust.load()
    cards = card_servicer(**frame, hashes=hashes, verify_card=verify_card, desk=desk, trust=trust)
    units = unit_parts(**frame, desk=desk, index=index)
    imports = import_parts(**frame, settings=settings, ring=ring, desk=desk, index=index)
    return Assembly(
        name=NAME,
        bindings=[
            collect(add_IdentityServiceServicer_to_server, citizens),
            collect(add_MasterIndexServiceServicer_to_server, doubles.servicer()),
            *consent.bindings(),
            *quality.bindings(),
            collect(add_CardServiceServicer_to_server, cards),
            *units.bindings(),
            *imports.bindings(),
        ],
        workers=[worker.run, doubles.rematch.run, quality.counter.run, trust.run, units.walker.run],
        close=[register.close, imports.workshop.close],
        databases=[db],
        breakers=[breaker],
    )


def open_register(settings: Settings, telemetry: Telemetry) -> tuple[HttpRegister, Breaker]:
    """The population register behind its breaker."""
    breaker = Breaker(
        "identity.register",
        failure_threshold=settings.register_failures,
        open_s=settings.register_pause_s,
        counts=counts_as_trouble,
    )
    register = HttpRegister(
        base_url=settings.register_url,
        client_id=settings.register_client_id,
        client_key=settings.register_client_key.reveal(),
        breaker=breaker,
        telemetry=telemetry,
    )
    return register, breaker


def recheck_worker(
    settings: Settings,
    frame: Frame,
    settlement: Settlement,
    register: RegisterPort,
    telemetry: Telemetry,
) -> outbox.Worker:
    """The worker that repeats checks the register did not answer."""
    db, store, clock = frame["db"], frame["store"], frame["clock"]
    recheck = Recheck(
        db=db,
        store=store,
        settlement=settlement,
        register=register,
        clock=clock,
        wait_s=settings.register_recheck_wait_s,
    )
    return outbox.Worker(
        db,
        DESTINATION,
        recheck,
        cipher=store.cipher,
        lease_s=settings.outbox_lease_s,
        deliver_s=settings.outbox_lease_s * 0.8,
        max_attempts=settings.outbox_max_attempts,
        backoff=outbox.Backoff(first_s=settings.outbox_backoff_s),
        clock=clock,
        caller=lambda: RECHECKER,
        telemetry=telemetry,
    )
