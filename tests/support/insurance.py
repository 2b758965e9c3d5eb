"""Insurance with a portal that does as told: the operations on a real store, and the service on a local network."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chassis.clock import FixedClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database
from chassis.idempotency import RequestKey, request_key
from chassis.outbox import Worker
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from insurance_svc.codec.coverage import to_check_command, to_split_command
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.model import Coverage, PortalCall, Rung, StoredSplit
from insurance_svc.domain.reply import ReplyUnreadable, read_code
from insurance_svc.domain.tables import load_rules
from insurance_svc.operations import (
    DESTINATION,
    CheckCoverage,
    CoverageKeeper,
    PortalQuestioner,
    ReadCoverage,
    Recheck,
    SplitCost,
)
from insurance_svc.operations.ask_portal import vietnam_day
from insurance_svc.ports import Portal
from insurance_svc.server import RECHECKER
from insurance_svc.servicer.coverage import CoverageServicer
from insurance_svc.store.store import QUERIES, InsuranceStore
from lienthong.insurance.v1 import insurance_pb2 as pb
from lienthong.insurance.v1.insurance_pb2_grpc import (
    CoverageServiceStub,
    add_CoverageServiceServicer_to_server,
)
from tests.support.echo_network import Keys
from tests.support.fake_portal import BIRTH, CITIZEN, NAME, reply

if TYPE_CHECKING:
    from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceAsyncStub

START = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
FACILITY = "19999"
CLERK = Caller(subject="persons/clerk-1", roles=frozenset({"CLERK"}), facility=FACILITY, purpose="treatment")
QUERIES_FILES = (QUERIES,)
_METHOD = "/lienthong.insurance.v1.CoverageService/"


class ScriptedPortal:
    """Implements the Portal port: answers by `lookup`, or fails with the reason `down`."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.rungs: list[Rung] = []
        self.down = ""
        self.lookup: Callable[[Rung], dict[str, Any]] = lambda _rung: reply()

    async def look_up(
        self, rung: Rung, *, facility: str, within_ms: int, stale_login: int | None = None
    ) -> PortalCall:
        """Answer at once, at the time of the fixed clock."""
        self.rungs.append(rung)
        now = self._clock.now()
        if self.down:
            return PortalCall(form=rung.form, send_time=now, receive_time=now, failure_reason=self.down)
        body = json.dumps(self.lookup(rung), ensure_ascii=False).encode()
        try:
            code = read_code(body)
        except ReplyUnreadable:
            return PortalCall(
                form=rung.form, send_time=now, receive_time=now, reply=body, failure_reason="PORTAL_NOT_JSON"
            )
        return PortalCall(form=rung.form, send_time=now, receive_time=now, reply=body, code=code)


class Insurance:
    """Insurance's operations on a store."""

    def __init__(self, db: Database, folder: Path, portal: Portal | None = None) -> None:
        key_file = folder / "field-keys.json"
        if not key_file.exists():
            generate_key_file(key_file)
        self.db = db
        self.cipher = FieldCipher(KeyRing.from_file(key_file))
        self.store = InsuranceStore(self.cipher)
        self.clock = FixedClock(START)
        self.scripted = ScriptedPortal(self.clock)
        ids = SystemIds()
        rules = load_rules()
        questioner = PortalQuestioner(portal or self.scripted, load_codes(), self.clock)
        keeper = CoverageKeeper(store=self.store, cipher=self.cipher, rules=rules, clock=self.clock, ids=ids)
        self.check_coverage = CheckCoverage(db=db, store=self.store, questioner=questioner, keeper=keeper)
        self.read_coverage = ReadCoverage(db=db, store=self.store, clock=self.clock)
        self.split_cost = SplitCost(db=db, store=self.store, rules=rules, clock=self.clock, ids=ids)
        self.recheck = Recheck(
            db=db, store=self.store, questioner=questioner, keeper=keeper, clock=self.clock, wait_s=5.0
        )
        self.worker = Worker(
            db,
            DESTINATION,
            self.recheck,
            cipher=self.cipher,
            max_attempts=3,
            clock=self.clock,
            caller=lambda: RECHECKER,
        )

    async def check(
        self, request: pb.CheckCoverageRequest | None = None, *, caller: Caller = CLERK
    ) -> Coverage:
        """Check one coverage as the servicer does."""
        request = request or check_request()
        command = to_check_command(request, today=vietnam_day(self.clock.now()))
        with acting_as(caller, within_ms=5_000):
            return await self.check_coverage(command, key=self.key("CheckCoverage", request), caller=caller)

    async def split(
        self, request: pb.SplitCostRequest | None = None, *, caller: Caller = CLERK
    ) -> StoredSplit:
        """Split one bill as the servicer does."""
        request = request or split_request()
        command = to_split_command(request, today=vietnam_day(self.clock.now()))
        with acting_as(caller, within_ms=5_000):
            return await self.split_cost(command, key=self.key("SplitCost", request), caller=caller)

    def key(self, method: str, request: Any) -> RequestKey:
        """The key of a request."""
        return request_key(f"{_METHOD}{method}", request, CLERK)


def check_request(**fields: Any) -> pb.CheckCoverageRequest:
    """A check of Nông Thị Hòa at a fresh visit; fields replace its own."""
    whole = {
        "request_id": str(uuid.uuid4()),
        "visit": "visits/v1",
        "citizen": "citizens/c1",
        "identifier": CITIZEN,
        "full_name": NAME,
        "birth_date": BIRTH,
    }
    return pb.CheckCoverageRequest(**{**whole, **fields})


def cost_line(**fields: Any) -> pb.CostLine:
    """A line of 1,000,000 dong, wholly recognised; fields replace its own."""
    whole = {
        "line_id": "1",
        "service_code": "02.03.04",
        "display_name": "Khám nội",
        "quantity": "1",
        "unit_price_vnd": 1_000_000,
        "covered_unit_price_vnd": 1_000_000,
    }
    return pb.CostLine(**{**whole, **fields})


def split_request(*lines: pb.CostLine, **fields: Any) -> pb.SplitCostRequest:
    """A split of the visit of `check_request`."""
    whole = {"request_id": str(uuid.uuid4()), "visit": "visits/v1"}
    return pb.SplitCostRequest(**{**whole, **fields}, lines=lines or (cost_line(),))


@asynccontextmanager
async def insurance_stub(insurance: Insurance, keys: Keys) -> AsyncIterator[CoverageServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("insurance")
    servicer = CoverageServicer(
        check_coverage=insurance.check_coverage,
        read_coverage=insurance.read_coverage,
        split_cost=insurance.split_cost,
        clock=insurance.clock,
    )
    network = LocalNetwork()
    network.register(
        "insurance",
        [collect(add_CoverageServiceServicer_to_server, servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("insurance", telemetry=telemetry, sender="gateway")
    try:
        # The generated stub answers awaitables on any channel of ours; only the .pyi tells two classes.
        yield cast("CoverageServiceAsyncStub", CoverageServiceStub(cast("Any", channel)))
    finally:
        await channel.close()
