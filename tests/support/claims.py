"""Claims on a real store: a record, an index and a signer that do as told, and a portal that is scripted or real."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chassis.clock import SystemIds
from chassis.crypto import KeyRing, LookupHash
from chassis.db import Database
from chassis.idempotency import RequestKey, request_key
from chassis.outbox import Worker
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from insurance_svc.domain.claim_answer import FileKind, PortalAnswer, Receipt, SendOutcome
from insurance_svc.domain.claim_facts import (
    EntryKind,
    FacilityFacts,
    Person,
    Residence,
    StayKind,
    VisitEntry,
    VisitRecord,
)
from insurance_svc.domain.tables import load_rules
from insurance_svc.external.claim_signer import FolderSigner
from insurance_svc.operations.claims import (
    CLAIM_DESTINATION,
    BuildClaims,
    BuiltAnswer,
    ClaimDesk,
    CompareSettlement,
    DeliverClaims,
    DeliveryRules,
    ImportSettlement,
    LintClaims,
    ReadClaims,
    SubmitCheckIn,
    SubmitClaims,
    TrackClaims,
    WorkItems,
)
from insurance_svc.operations.claims.facts import FactsReader
from insurance_svc.operations.claims.submit import SigningDesk, Submitted
from insurance_svc.ports import ClaimPortal
from insurance_svc.server import SUBMITTER
from insurance_svc.servicer.claims import ClaimServicer, ClaimVerbs
from insurance_svc.store.claims_store import ClaimStore
from insurance_svc.store.confirmation_store import ConfirmationStore
from insurance_svc.store.settlement_store import SettlementStore
from lienthong.insurance.v1 import claims_pb2 as pb
from lienthong.insurance.v1 import insurance_pb2 as coverage_pb
from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceStub, add_ClaimServiceServicer_to_server
from standards.claims.lint import CodeLists
from tests.support.echo_network import Keys
from tests.support.fake_portal import BIRTH, CITIZEN, NAME
from tests.support.insurance import FACILITY, START, Insurance, check_request, split_request

if TYPE_CHECKING:
    from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceAsyncStub

CASHIER = Caller(
    subject="persons/cashier-1", roles=frozenset({"CASHIER"}), facility=FACILITY, purpose="payment"
)
DOCTOR = "persons/doctor-1"
LICENCE = "000002/TEST-GPHN"
OPENED = START - timedelta(hours=3)
CLOSED = START - timedelta(hours=1)
FACTS = FacilityFacts(
    code=FACILITY,
    province_code="19",
    director_licence="000001/TEST-GPHN",
    department_code="K01",
    payment_method="1",
    patient_prefix="BN",
    record_prefix="HS",
    examination_code="KB-NOI",
    examination_name="Khám nội",
    staff={DOCTOR: LICENCE},
)
SUMMARY_NOTE = "MA_DANTOC=05\nMA_NGHE_NGHIEP=00000\nKET_QUA_DTRI=2\nMA_LOAI_RV=1\nCAN_NANG=52"
"""What the record has no field for; a note of the doctor."""
PERSON = Person(
    full_name=NAME,
    birth_date=BIRTH,
    gender="2",
    citizen_number=CITIZEN,
    other_number="",
    address_text="Thôn 1, xã Ba Bể, tỉnh Thái Nguyên",
    residence=Residence(province_code="19", district_code="", ward_code="01891"),
    former_residence=None,
)


def entry(kind: EntryKind, code: str = "", text: str = "", *, minutes: int = 30) -> VisitEntry:
    """Something the doctor wrote some minutes after the visit opened."""
    when = OPENED + timedelta(minutes=minutes)
    return VisitEntry(kind=kind, code=code, text=text, record_time=when, author=DOCTOR)


ENTRIES = (
    entry(EntryKind.NOTE, text="ho, sốt nhẹ hai ngày", minutes=5),
    entry(EntryKind.DIAGNOSIS, "J06.9", "nhiễm trùng hô hấp trên cấp", minutes=20),
    entry(EntryKind.DIAGNOSIS, "I10", "tăng huyết áp", minutes=21),
    entry(EntryKind.NOTE, "XML1", SUMMARY_NOTE, minutes=40),
)


def visit_record(**fields: Any) -> VisitRecord:
    """A closed outpatient visit with nothing lacking; fields replace its own."""
    whole = {
        "visit_id": "v1",
        "citizen_id": "c1",
        "facility": FACILITY,
        "link_id": "260901-v1",
        "kind": StayKind.OUTPATIENT,
        "reason_text": "ho, sốt",
        "open_time": OPENED,
        "close_time": CLOSED,
        "entries": ENTRIES,
    }
    return VisitRecord(**{**whole, **fields})


def claim_line(line_id: str = "1", **fields: Any) -> coverage_pb.CostLine:
    """An examination that a claim can be made of; fields replace its own."""
    line = coverage_pb.CostLine(
        line_id=line_id,
        service_code="02.1896",
        display_name="Khám nội",
        quantity="1",
        unit_price_vnd=50_600,
        covered_unit_price_vnd=50_600,
        cost_group=13,
        unit="Lần",
        prescriber_licence=LICENCE,
        performer_licence=LICENCE,
        department_code="K01",
    )
    line.order_time.FromDatetime(OPENED + timedelta(minutes=15))
    line.perform_time.FromDatetime(OPENED + timedelta(minutes=16))
    line.result_time.FromDatetime(OPENED + timedelta(minutes=25))
    line.MergeFrom(coverage_pb.CostLine(**fields))
    return line


def drug_line(line_id: str = "2", **fields: Any) -> coverage_pb.CostLine:
    """A drug with what its table asks for."""
    line = claim_line(
        line_id,
        service_code="40.155",
        display_name="Thuốc thử A",
        quantity="20",
        unit_price_vnd=1_251,
        covered_unit_price_vnd=1_251,
        cost_group=4,
        unit="Viên",
    )
    line.claim_fields.update(
        {
            "HAM_LUONG": "500mg",
            "DUONG_DUNG": "1.01",
            "LIEU_DUNG": "2 viên/lần * 2 lần/ngày",
            "SO_DANG_KY": "VD-00000-00",
            "TT_THAU": "01.QĐ-BV;G1;N1;2026",
        }
    )
    line.MergeFrom(coverage_pb.CostLine(**fields))
    return line


LINES = (claim_line(), drug_line())


class FakeRecord:
    """Implements VisitReader and PersonReader: gives what it was told."""

    def __init__(self) -> None:
        self.record = visit_record()
        self.somebody = PERSON
        self.others: dict[str, VisitRecord] = {}

    async def visit(self, visit_id: str) -> VisitRecord:
        """The visit as it is now."""
        return self.others.get(visit_id, self.record)

    async def person(self, citizen_id: str) -> Person:
        """The person as they are now."""
        return self.somebody


class ScriptedClaimPortal:
    """Implements the ClaimPortal port: answers by `answers` in turn, then accepts."""

    def __init__(self) -> None:
        self.sent: list[tuple[FileKind, bytes]] = []
        self.answers: list[PortalAnswer] = []
        self.listed: tuple[Receipt, ...] | None = ()
        self.took = asyncio.Event()
        """Set by the first file."""
        self.hangs = False
        """It takes a file and never answers."""
        self._count = 0

    async def send(
        self, kind: FileKind, *, facility: str, province_code: str, content: bytes, within_ms: int
    ) -> PortalAnswer:
        """Take a file."""
        assert (facility, province_code) == (FACILITY, "19")
        self.sent.append((kind, content))
        self.took.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.answers:
            return self.answers.pop(0)
        self._count += 1
        return accepted(f"GD{self._count:04}")

    async def receipts(
        self, kind: FileKind, *, facility: str, day: date, within_ms: int
    ) -> tuple[Receipt, ...] | None:
        """What was listed."""
        return self.listed


def accepted(number: str) -> PortalAnswer:
    """The portal took it."""
    return PortalAnswer(outcome=SendOutcome.ACCEPTED, code="200", transaction_number=number)


def refused(code: str = "202", message: str = "Sai MA_BENH_CHINH") -> PortalAnswer:
    """The portal refused it."""
    return PortalAnswer(outcome=SendOutcome.REFUSED, code=code, message=message)


LOST = PortalAnswer(outcome=SendOutcome.UNKNOWN, failure_reason="PORTAL_RESET")
AWAY = PortalAnswer(outcome=SendOutcome.NOT_TAKEN, failure_reason="PORTAL_CLOSED")


def receipt(
    number: str, *, total: str | None, when: datetime, wrong: int = 0, good: int | None = None, text: str = ""
) -> Receipt:
    """A transaction in the portal's list."""
    return Receipt(
        transaction_number=number,
        receive_time=when,
        record_count=1,
        good_count=good,
        wrong_count=wrong,
        total=None if total is None else Decimal(total),
        description=text,
    )


RULES = DeliveryRules(
    send_timeout_s=5.0, retry_wait_s=10.0, receipt_wait_s=60.0, fate_alarm_s=3_600.0, resend_unknown=False
)


@lru_cache(maxsize=1)
def signing_pair() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key of one test run with a certificate of its own making."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST HOSPITAL")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def key_folder(folder: Path, *facilities: str) -> Path:
    """A folder with the pair of some facilities."""
    place = folder / "claim-keys"
    place.mkdir(exist_ok=True)
    key, certificate = signing_pair()
    for facility in facilities:
        file = place / f"{facility}.key.pem"
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (place / f"{facility}.cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return place


class Claims:
    """The verbs of claims on a store, beside the verbs of coverage."""

    def __init__(
        self,
        db: Database,
        folder: Path,
        *,
        portal: ClaimPortal | None = None,
        rules: DeliveryRules = RULES,
        code_lists: CodeLists | None = None,
        allow_unsigned: bool = False,
        keys_of: Sequence[str] = (FACILITY,),
    ) -> None:
        self.insurance = Insurance(db, folder)
        self.db = db
        self.clock = self.insurance.clock
        self.record = FakeRecord()
        self.scripted = ScriptedClaimPortal()
        ids = SystemIds()
        cipher = self.insurance.cipher
        self.store = ClaimStore(cipher, LookupHash(KeyRing.from_file(folder / "field-keys.json")))
        self.results = SettlementStore(cipher)
        desk = ClaimDesk(self.store, clock=self.clock, ids=ids)
        facts = FactsReader(
            db=db,
            store=self.insurance.store,
            visits=self.record,
            people=self.record,
            facilities={FACILITY: FACTS},
            clock=self.clock,
        )
        lint = LintClaims(
            db=db,
            desk=desk,
            facts=facts,
            code_lists=code_lists or CodeLists(),
            rules=load_rules(),
            clock=self.clock,
        )
        signing = SigningDesk(FolderSigner.of(key_folder(folder, *keys_of)), allow_unsigned=allow_unsigned)
        common: dict[str, Any] = {"db": db, "desk": desk, "clock": self.clock}
        self.verbs = ClaimVerbs(
            build=BuildClaims(**common, facts=facts, ids=ids),
            read=ReadClaims(db=db, desk=desk),
            lint=lint,
            submit=SubmitClaims(**common, lint=lint, signing=signing, cipher=cipher, ids=ids),
            check_in=SubmitCheckIn(
                **common, facts=facts, signing=signing, rules=load_rules(), cipher=cipher, ids=ids
            ),
            work=WorkItems(**common),
            settle=ImportSettlement(**common, store=self.results),
            compare=CompareSettlement(db=db, store=self.results),
        )
        self.deliver = DeliverClaims(
            **common, portal=portal or self.scripted, facts=facts, lint=lint, rules=rules
        )
        self.worker = self.new_worker()
        self.tracker = TrackClaims(
            **common,
            store=ConfirmationStore(),
            portal=portal or self.scripted,
            lint=lint,
            cipher=cipher,
            caller=SUBMITTER,
            every_s=60.0,
            settle_s=rules.receipt_wait_s,
        )

    def new_worker(self) -> Worker:
        """A worker of the claims' queue, as after a start of the process."""
        return Worker(
            self.db,
            CLAIM_DESTINATION,
            self.deliver,
            cipher=self.insurance.cipher,
            max_attempts=3,
            clock=self.clock,
            caller=lambda: SUBMITTER,
        )

    async def cover(self, *lines: coverage_pb.CostLine, visit: str = "v1", citizen: str = "c1") -> None:
        """Look the coverage up and split a bill."""
        name = f"visits/{visit}"
        await self.insurance.check(check_request(visit=name, citizen=f"citizens/{citizen}"))
        await self.insurance.split(split_request(*(lines or LINES), visit=name))

    async def build(self, visit: str = "v1", *, month: str = "") -> BuiltAnswer:
        """Build as the servicer does."""
        with acting_as(CASHIER, within_ms=5_000):
            return await self.verbs.build.build(
                visit, month=month, key=fresh_key("BuildClaim"), caller=CASHIER
            )

    async def submit(
        self, visit: str = "v1", *, accept_findings: str = "", key: RequestKey | None = None
    ) -> Submitted:
        """Hand over as the servicer does."""
        with acting_as(CASHIER, within_ms=5_000):
            return await self.verbs.submit.submit(
                visit, accept_findings=accept_findings, key=key or fresh_key("SubmitClaim"), caller=CASHIER
            )

    async def ready(self, visit: str = "v1") -> None:
        """A built claim that waits to be sent."""
        await self.cover(visit=visit)
        await self.build(visit)
        await self.submit(visit)

    def pass_time(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))


def other_visit(claims: Claims, visit: str, citizen: str) -> None:
    """Let the record know a further visit."""
    claims.record.others[visit] = replace(
        visit_record(), visit_id=visit, citizen_id=citizen, link_id=f"260901-{visit}"
    )


def fresh_key(method: str) -> RequestKey:
    """The key of a request that was never sent before."""
    request = pb.BuildClaimRequest(request_id=str(uuid.uuid4()))
    return request_key(f"/lienthong.insurance.v1.ClaimService/{method}", request, CASHIER)


@asynccontextmanager
async def claim_stub(claims: Claims, keys: Keys) -> AsyncIterator[ClaimServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("insurance")
    network = LocalNetwork()
    network.register(
        "insurance",
        [collect(add_ClaimServiceServicer_to_server, ClaimServicer(claims.verbs))],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("insurance", telemetry=telemetry, sender="gateway")
    try:
        # The generated stub answers awaitables on any channel of ours; only the .pyi tells two classes.
        yield cast("ClaimServiceAsyncStub", ClaimServiceStub(cast("Any", channel)))
    finally:
        await channel.close()
