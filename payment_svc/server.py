"""The wiring of payment: the only place that picks implementations."""

from __future__ import annotations

from datetime import timedelta

from chassis.clock import Clock, Ids, SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, LookupHash
from chassis.db import Database, open_database
from chassis.lifecycle import Assembly, Dial
from chassis.rpc.binding import ServiceBinding, collect
from chassis.telemetry import Telemetry
from lienthong.payment.v1.payment_pb2_grpc import (
    add_PaymentServiceServicer_to_server,
    add_ReconciliationServiceServicer_to_server,
)
from payment_svc.config import Settings
from payment_svc.domain.payees import Payees
from payment_svc.external.hdbank import PROVIDER as HDBANK
from payment_svc.external.hdbank import HdBankReader
from payment_svc.operations.bank_events import BankEventOperations
from payment_svc.operations.bills import BillOperations
from payment_svc.operations.breaks import BreakOperations
from payment_svc.operations.collecting import Collecting
from payment_svc.operations.reconciliation import ReconciliationOperations
from payment_svc.operations.statements import StatementOperations
from payment_svc.servicer import PaymentServicer, ReconciliationServicer
from payment_svc.store.statement_store import StatementStore
from payment_svc.store.store import QUERIES, PaymentStore

NAME = "payment"


async def assemble(settings: Settings, dial: Dial, telemetry: Telemetry) -> Assembly:
    """Build payment; `dial` stays unused, payment calls no sibling."""
    del dial
    ring = KeyRing.from_file(settings.field_key_file)
    db = await open_database(
        settings.database_url, queries=(QUERIES,), package=__package__, telemetry=telemetry
    )
    bindings = bind(settings, ring, db, telemetry, clock=SystemClock(), ids=SystemIds())
    return Assembly(name=NAME, bindings=bindings, databases=[db])


def bind(
    settings: Settings, ring: KeyRing, db: Database, telemetry: Telemetry, *, clock: Clock, ids: Ids
) -> list[ServiceBinding]:
    """The two services on a store; apart from `assemble`, so that tests bring their own store and clock."""
    cipher = FieldCipher(ring)
    store = PaymentStore(cipher, LookupHash(ring))
    statements = StatementStore(cipher)
    collecting = Collecting(store, statements)
    payees = Payees.parse(settings.facility_accounts)
    payment = PaymentServicer(
        bills=BillOperations(
            db,
            store,
            payees=payees,
            intent_expiry=timedelta(hours=settings.intent_expiry_h),
            clock=clock,
            ids=ids,
        ),
        events=BankEventOperations(
            db,
            store,
            statements,
            collecting,
            readers={HDBANK: HdBankReader(settings.hdbank_secret.reveal())},
            payees=payees,
            tracer=telemetry,
            clock=clock,
        ),
        clock=clock,
    )
    reconciliation = ReconciliationServicer(
        statements=StatementOperations(
            db, store, statements, payees=payees, max_bytes=settings.statement_max_bytes, clock=clock, ids=ids
        ),
        runs=ReconciliationOperations(
            db,
            store,
            statements,
            collecting,
            payees=payees,
            missing_after=timedelta(days=settings.missing_after_days),
            clock=clock,
            ids=ids,
        ),
        breaks=BreakOperations(db, store, statements, collecting, clock=clock),
    )
    return [
        collect(add_PaymentServiceServicer_to_server, payment),
        collect(add_ReconciliationServiceServicer_to_server, reconciliation),
    ]
