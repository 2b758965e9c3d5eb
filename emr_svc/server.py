"""Puts emr_svc together; the only place that picks implementations."""

from __future__ import annotations

from collections.abc import Callable

from chassis.clock import SystemClock
from chassis.crypto import FieldCipher, KeyRing
from chassis.db import open_database
from chassis.lifecycle import Assembly
from chassis.rpc.binding import collect
from chassis.rpc.channel import Channel
from chassis.telemetry import Telemetry
from emr_svc.config import Settings
from emr_svc.operations import Operations
from emr_svc.servicer import VisitServicer
from emr_svc.store.store import QUERIES, EmrStore
from lienthong.emr.v1.emr_pb2_grpc import add_VisitServiceServicer_to_server


async def assemble(settings: Settings, dial: Callable[[str], Channel], telemetry: Telemetry) -> Assembly:
    """The visits over their own store; emr_svc dials nobody."""
    database = await open_database(
        settings.database_url, queries=(QUERIES,), package="emr_svc", telemetry=telemetry
    )
    store = EmrStore(FieldCipher(KeyRing.from_file(settings.field_key_file)))
    operations = Operations(database=database, store=store, clock=SystemClock())
    return Assembly(
        name="emr",
        bindings=[collect(add_VisitServiceServicer_to_server, VisitServicer(operations))],
        databases=[database],
    )
