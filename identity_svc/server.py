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
from identity_svc.external.registry import HttpRegister, counts_as_trouble
from identity_svc.operations import DESTINATION, ReadCitizen, Recheck, VerifyCard, resolve_text
from identity_svc.servicer.citizens import IdentityServicer
from identity_svc.store.store import QUERIES, IdentityStore
from lienthong.identity.v1.identity_pb2_grpc import add_IdentityServiceServicer_to_server

NAME = "identity"
RECHECKER = Caller(subject=f"services/{NAME}", roles=frozenset({"SERVICE"}), purpose="recheck", service=NAME)
"""On whose behalf checks are repeated; identity calls no peer, so there is no token."""


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """Build identity; `dial` stays unused, identity calls no sibling."""
    del dial
    ring = KeyRing.from_file(settings.field_key_file)
    store = IdentityStore(FieldCipher(ring), LookupHash(ring))
    clock, ids = SystemClock(), SystemIds()
    # The unit tables take 0.2 s to read: now, beside the loop, and not in the first patient's call.
    await asyncio.to_thread(resolve_text, "Xã Ba Bể, Thái Nguyên")
    db = await open_database(
        settings.database_url, queries=(QUERIES,), package=__package__, telemetry=telemetry
    )
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
    verify_card = VerifyCard(
        db=db,
        store=store,
        register=register,
        clock=clock,
        ids=ids,
        check_max_age=timedelta(hours=settings.register_check_max_age_h),
    )
    recheck = Recheck(
        db=db,
        store=store,
        register=register,
        clock=clock,
        ids=ids,
        wait_s=settings.register_recheck_wait_s,
    )
    worker = outbox.Worker(
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
    servicer = IdentityServicer(
        verify_card=verify_card, read_citizen=ReadCitizen(db=db, store=store, clock=clock)
    )
    return Assembly(
        name=NAME,
        bindings=[collect(add_IdentityServiceServicer_to_server, servicer)],
        workers=[worker.run],
        close=[register.close],
        databases=[db],
        breakers=[breaker],
    )
