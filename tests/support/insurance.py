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
from chassis.rpc.channel import Channel
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from insurance_svc.codec.coverage import to_check_command, to_split_command
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.copayment import COPAYMENT_FORM, read_copayment_code
from insurance_svc.domain.days import vietnam_date
from insurance_svc.domain.model import Coverage, PortalCall, Rung, StoredSplit
from insurance_svc.domain.reply import ReplyUnreadable, read_code
from insurance_svc.domain.tables import load_rules
from insurance_svc.external.alarms import PortalAlarms
from insurance_svc.operations import (
    DESTINATION,
    CheckCoverage,
    CoverageKeeper,
    ExportEvidence,
    KnownNumbers,
    LookUpAgain,
    PortalQuestioner,
    PublishedCopay,
    ReadCorrections,
    ReadCoverage,
    Recheck,
    SplitCost,
)
from insurance_svc.ports import Portal
from insurance_svc.server import RECHECKER
from insurance_svc.servicer.coverage import CoverageServicer
from insurance_svc.store.evidence_store import EvidenceStore
from insurance_svc.store.store import EVIDENCE_QUERIES, QUERIES, InsuranceStore
from lienthong.insurance.v1 import insurance_pb2 as pb
from lienthong.insurance.v1.insurance_pb2_grpc import (
    CoverageServiceStub,
    add_CoverageServiceServicer_to_server,
)
from tests.support.echo_network import Keys
from tests.support.fake_portal import BIRTH, CITIZEN, NAME, copayments, reply

if TYPE_CHECKING:
    from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceAsyncStub

START = datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
FACILITY = "19999"
CLERK = Caller(subject="persons/clerk-1", roles=frozenset({"CLERK"}), facility=FACILITY, purpose="treatment")
QUERIES_FILES = (QUERIES, EVIDENCE_QUERIES)
_METHOD = "/lienthong.insurance.v1.CoverageService/"


class ScriptedPortal:
    """Implements the Portal port: answers by `lookup`, or fails with the reason `down`."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.rungs: list[Rung] = []
        self.down = ""
        self.lookup: Callable[[Rung], dict[str, Any]] = lambda _rung: reply()
        self.published: Callable[[Rung], dict[str, Any]] = lambda _rung: copayments()

    async def look_up(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Answer at once, at the time of the fixed clock."""
        self.rungs.append(rung)
        return self._answer(rung, rung.form, exchange_id, self.lookup, read_code)

    async def copayments(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Answer what is published about the year's copayments."""
        form = f"{COPAYMENT_FORM}{rung.form}"
        return self._answer(rung, form, exchange_id, self.published, read_copayment_code)

    def _answer(
        self,
        rung: Rung,
        form: str,
        exchange_id: str,
        script: Callable[[Rung], dict[str, Any]],
        read: Callable[[bytes], str],
    ) -> PortalCall:
        now = self._clock.now()
        about: dict[str, Any] = {"form": form, "send_time": now, "receive_time": now, "sent": rung}
        about["exchange_id"] = exchange_id
        if self.down:
            return PortalCall(**about, failure_reason=self.down)
        body = json.dumps(script(rung), ensure_ascii=False).encode()
        try:
            return PortalCall(**about, reply=body, code=read(body))
        except ReplyUnreadable:
            return PortalCall(**about, reply=body, failure_reason="PORTAL_NOT_JSON")


class Insurance:
    """Insurance's operations on a store."""

    def __init__(self, db: Database, folder: Path, portal: Portal | None = None) -> None:
        key_file = folder / "field-keys.json"
        if not key_file.exists():
            generate_key_file(key_file)
        self.db = db
        self.cipher = FieldCipher(KeyRing.from_file(key_file))
        self.store = InsuranceStore(self.cipher)
        self.book = EvidenceStore(self.cipher)
        self.alarms = PortalAlarms()
        self.clock = FixedClock(START)
        self.scripted = ScriptedPortal(self.clock)
        ids = SystemIds()
        rules = load_rules()
        codes = load_codes()
        questioner = PortalQuestioner(
            portal or self.scripted,
            codes,
            more_numbers=KnownNumbers(db, self.book),
            clock=self.clock,
            ids=ids,
            alarms=self.alarms,
        )
        keeper = CoverageKeeper(
            store=self.store, book=self.book, cipher=self.cipher, rules=rules, clock=self.clock, ids=ids
        )
        stores: Any = {"db": db, "store": self.store, "book": self.book}
        self.check_coverage = CheckCoverage(db=db, store=self.store, questioner=questioner, keeper=keeper)
        self.look_up_again = LookUpAgain(
            **stores, questioner=questioner, keeper=keeper, clock=self.clock, ids=ids
        )
        self.export_evidence = ExportEvidence(**stores, codes=codes, clock=self.clock, ids=ids)
        self.read_corrections = ReadCorrections(**stores)
        self.read_coverage = ReadCoverage(db=db, store=self.store, clock=self.clock)
        self.split_cost = SplitCost(
            db=db,
            store=self.store,
            rules=rules,
            clock=self.clock,
            ids=ids,
            published_copay=PublishedCopay(self.book, rules),
        )
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
        command = to_check_command(request, today=vietnam_date(self.clock.now()))
        with acting_as(caller, within_ms=5_000):
            return await self.check_coverage(command, key=self.key("CheckCoverage", request), caller=caller)

    async def split(
        self, request: pb.SplitCostRequest | None = None, *, caller: Caller = CLERK
    ) -> StoredSplit:
        """Split one bill as the servicer does."""
        request = request or split_request()
        command = to_split_command(request, today=vietnam_date(self.clock.now()))
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
    async with insurance_channel(insurance, keys) as channel:
        # The generated stub answers awaitables on any channel of ours; only the .pyi tells two classes.
        yield cast("CoverageServiceAsyncStub", CoverageServiceStub(cast("Any", channel)))


@asynccontextmanager
async def insurance_channel(insurance: Insurance, keys: Keys) -> AsyncIterator[Channel]:
    """A channel to the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("insurance")
    servicer = CoverageServicer(
        check_coverage=insurance.check_coverage,
        read_coverage=insurance.read_coverage,
        look_up_again=insurance.look_up_again,
        export_evidence=insurance.export_evidence,
        read_corrections=insurance.read_corrections,
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
        yield channel
    finally:
        await channel.close()
