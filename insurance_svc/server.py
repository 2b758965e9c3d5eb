"""The wiring of insurance: the only place that picks implementations."""

from __future__ import annotations

import asyncio

from chassis import outbox
from chassis.breaker import Breaker
from chassis.clock import SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing
from chassis.db import open_database
from chassis.lifecycle import Assembly, Dial
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller
from chassis.telemetry import Telemetry
from insurance_svc.config import Settings
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.tables import load_rules
from insurance_svc.external.accounts import read_accounts
from insurance_svc.external.portal import HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import PortalAccount
from insurance_svc.operations import (
    DESTINATION,
    CheckCoverage,
    CoverageKeeper,
    PortalQuestioner,
    ReadCoverage,
    Recheck,
    SplitCost,
)
from insurance_svc.servicer.coverage import CoverageServicer
from insurance_svc.store.store import QUERIES, InsuranceStore
from lienthong.insurance.v1.insurance_pb2_grpc import add_CoverageServiceServicer_to_server

NAME = "insurance"
RECHECKER = Caller(subject=f"services/{NAME}", roles=frozenset({"SERVICE"}), purpose="recheck", service=NAME)
"""On whose behalf checks are repeated; insurance calls no peer, so there is no token."""


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """Build insurance; `dial` stays unused, the facts it needs come with each request."""
    del dial
    clock, ids = SystemClock(), SystemIds()
    cipher = FieldCipher(KeyRing.from_file(settings.field_key_file))
    rules = await asyncio.to_thread(load_rules, settings.facility_table_file)
    accounts = await asyncio.to_thread(read_accounts, settings.portal_accounts_file)
    db = await open_database(
        settings.database_url, queries=(QUERIES,), package=__package__, telemetry=telemetry
    )
    store = InsuranceStore(cipher)
    breaker = Breaker(
        "insurance.portal",
        failure_threshold=settings.portal_failures,
        open_s=settings.portal_pause_s,
        counts=counts_as_trouble,
    )
    portal = HttpPortal(
        settings.portal_url,
        accounts=accounts,
        default_account=PortalAccount(
            username=settings.portal_username,
            password=settings.portal_password.reveal(),
            staff_name=settings.portal_staff_name,
            staff_number=settings.portal_staff_number.reveal(),
        ),
        clock=clock,
        telemetry=telemetry,
        breaker=breaker,
    )
    questioner = PortalQuestioner(portal, load_codes(), clock)
    keeper = CoverageKeeper(store=store, cipher=cipher, rules=rules, clock=clock, ids=ids)
    recheck = Recheck(
        db=db,
        store=store,
        questioner=questioner,
        keeper=keeper,
        clock=clock,
        wait_s=settings.portal_recheck_wait_s,
    )
    worker = outbox.Worker(
        db,
        DESTINATION,
        recheck,
        cipher=cipher,
        lease_s=settings.outbox_lease_s,
        deliver_s=settings.outbox_lease_s * 0.8,
        max_attempts=settings.outbox_max_attempts,
        backoff=outbox.Backoff(first_s=settings.outbox_backoff_s),
        clock=clock,
        caller=lambda: RECHECKER,
        telemetry=telemetry,
    )
    servicer = CoverageServicer(
        check_coverage=CheckCoverage(db=db, store=store, questioner=questioner, keeper=keeper),
        read_coverage=ReadCoverage(db=db, store=store, clock=clock),
        split_cost=SplitCost(db=db, store=store, rules=rules, clock=clock, ids=ids),
        clock=clock,
    )
    return Assembly(
        name=NAME,
        bindings=[collect(add_CoverageServiceServicer_to_server, servicer)],
        workers=[worker.run],
        close=[portal.close],
        databases=[db],
        breakers=[breaker],
    )
