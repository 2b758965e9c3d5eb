"""Planted values of patients pass through real processes, good and bad journeys, and are found nowhere outside."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio

from chassis.errors import AppError
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from station.demo.desk import ACCOUNT, Desk
from station.demo.patients import LINES
from station.layout import SERVICES, Layout
from tests.support.canary import scan
from tests.support.fronts import Fronts, Held, Refused, fronts_at
from tests.support.suites import process_suite

pytestmark = pytest.mark.asyncio(loop_scope="module")

REASON = "Chim hoàng yến kêu giữa mỏ than Quỳnh Lưu"
NOTE = "Bệnh nhân kể chuyện hoàng yến Thạch Sanh ngậm ngọc"
DIAGNOSIS = "Viêm họng hoàng yến thể Đăk Blà"
PAYER = "QUACH THI HOANG YEN MO THAN"
STRANGER_NUMBER = "099304098765"
STRANGER_NAME = "Quách Thị Hoàng Yến"
STRANGER_ADDRESS = "Ngõ Hoàng Yến 47, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn"
STRANGER_CARD = f"{STRANGER_NUMBER}|099876501|{STRANGER_NAME}|02031994|Nữ|{STRANGER_ADDRESS}|15062022"
EASY_TO_BREAKERS = {
    # Every look-up shall really be tried, however many failed before.
    "IDENTITY_REGISTER_FAILURES": "100",
    "INSURANCE_PORTAL_FAILURES": "100",
}
FAULTS = ("down", "hung", "reset", "html", "truncated", "error500", "wrong")
PORTAL_CODES = ("060", "061", "090", "100", "401")


@dataclass(slots=True, kw_only=True)
class Journeys:
    """What went through the suite, and what came out of it for those who may not see patients."""

    place: Layout
    canaries: list[str]
    secrets: list[str]
    refusals: list[bytes] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    answers: list[bytes] = field(default_factory=list)
    """What those saw who may; the canaries have to be in it, else nothing went through."""
    metrics: dict[str, bytes] = field(default_factory=dict)
    traces: list[bytes] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def journeys(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Journeys]:
    held = Held()
    yield await held.enter(played(tmp_path_factory.mktemp("suite")))
    await held.leave()


@asynccontextmanager
async def played(folder: Path) -> AsyncIterator[Journeys]:
    """Play every journey over five processes; their files stay as they lie when the processes run."""
    async with process_suite(folder, more=EASY_TO_BREAKERS) as (desk, _, place):
        target, url = place.address("gateway"), place.url("gateway_http")
        async with fronts_at(grpc_target=target, http_url=url) as fronts:
            player = _Player(desk, fronts, Journeys(place=place, canaries=[], secrets=[]))
            await player.play()
        kept = folder / "kept"
        # While they run: the write-ahead logs hold what the databases do not hold yet.
        for part in ("spans", "logs", "data"):
            shutil.copytree(folder / part, kept / part)
        player.seen.secrets += [place.secret(name) for name in ("registry", "portal", "bank")]
        yield player.seen


class _Player:
    """Plays the journeys and keeps what each front answered."""

    def __init__(self, desk: Desk, fronts: Fronts, seen: Journeys) -> None:
        self.desk, self.fronts, self.seen = desk, fronts, seen
        self.tokens: dict[str, str] = {}

    async def play(self) -> None:
        for client_id in ("clerk", "clinician", "cashier", "operator"):
            self.tokens[client_id] = await self.desk.sandbox.token(client_id)
        self.seen.secrets += [token.rpartition(".")[2] for token in self.tokens.values()]
        people = {
            name: await self.desk.sandbox.person(name)
            for name in ("clean", "disputed", "card_replaced", "not_insured")
        }
        self._plant(people)
        paying = await self._good_journey(people["clean"]["qr_text"])
        await self._odd_transfers(people["clean"])
        for name in ("disputed", "card_replaced", "not_insured"):
            await self._admit(people[name]["qr_text"])
        await self._admit(STRANGER_CARD)
        await self._bad_input(paying)
        await self._faults()
        await self._metrics()

    def _plant(self, people: dict[str, dict[str, Any]]) -> None:
        planted = [REASON, NOTE, DIAGNOSIS, PAYER, STRANGER_NUMBER, STRANGER_NAME, "Ngõ Hoàng Yến 47"]
        for person in people.values():
            planted += [person["card"]["personal_number"], person["card"]["full_name"]]
            if person["portal"]:
                planted += [person["portal"]["social_number"], person["portal"]["card"]["number"]]
        self.seen.canaries += list(dict.fromkeys(planted))

    async def _ask(self, method: str, request: Any, *, who: str = "clerk", deadline_ms: int = 5_000) -> Any:
        """Ask over both fronts; a refusal is kept with everything that came over the wire."""
        answer = None
        for front in (self.fronts.grpc, self.fronts.http):
            try:
                answer = await front.call(method, request, token=self.tokens[who], deadline_ms=deadline_ms)
                self.seen.answers.append(str(answer).encode() + answer.SerializeToString())
            except Refused as refused:
                self.seen.refusals.append(refused.refusal.raw)
                self.seen.reasons.add(refused.refusal.reason)
        return answer

    async def _admit(self, card_qr: str, *, deadline_ms: int = 5_000) -> pb.VisitView:
        request = pb.CheckInRequest(request_id=str(uuid.uuid4()), card_qr=card_qr, reason_text=REASON)
        view: pb.VisitView = (await self._ask("CheckIn", request, deadline_ms=deadline_ms)).view
        return view

    async def _good_journey(self, card_qr: str) -> str:
        """Admitted, written about, discharged, paid with the payer's name, reconciled, looked at."""
        visit = (await self._admit(card_qr)).name
        entries = [
            emr.Entry(kind=emr.ENTRY_KIND_NOTE, text=NOTE),
            emr.Entry(kind=emr.ENTRY_KIND_DIAGNOSIS, code="J06.9", text=DIAGNOSIS),
        ]
        await self._ask(
            "RecordEntries",
            pb.RecordEntriesRequest(request_id=str(uuid.uuid4()), visit=visit, entries=entries),
            who="clinician",
        )
        ended = await self._ask(
            "Discharge",
            pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=visit, lines=LINES),
            who="cashier",
        )
        bill = ended.view.bill
        await self.desk.sandbox.pay(
            ACCOUNT,
            bill.patient_vnd,
            f"{bill.intents[-1].reference_code} {PAYER}",
            payer_name=PAYER,
            payer_account="0990123456789",
            wait_s=10,
        )
        view = (await self._ask("GetVisit", pb.GetVisitRequest(name=visit))).view
        assert view.bill.state == payment.BILL_STATE_PAID
        for evidence in view.coverage.evidence:
            await self._ask("GetEvidence", pb.GetEvidenceRequest(name=evidence))
        return visit

    async def _odd_transfers(self, person: dict[str, Any]) -> None:
        """Money of strangers who write who they are, over all forms of statement."""
        number, name = person["card"]["personal_number"], person["card"]["full_name"]
        for content in (f"{name} {number} nop vien phi", f"{PAYER} {STRANGER_NUMBER}"):
            await self.desk.sandbox.pay(ACCOUNT, 21_000, content, payer_name=PAYER, wait_s=10)
        today = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).date()
        for form in ("camt053", "mt940", "csv"):
            content = await self.desk.sandbox.statement(ACCOUNT, today, form)
            header = payment.ImportStatementHeader(
                request_id=str(uuid.uuid4()),
                format=payment.StatementFormat.Value(f"STATEMENT_FORMAT_{form.upper()}"),
                account=ACCOUNT,
            )
            for front in (self.fronts.grpc, self.fronts.http):
                # The second time it is cut in half, as a broken upload would be.
                for body in (content, content[: len(content) // 2]):
                    header.request_id = str(uuid.uuid4())
                    parts = [
                        pb.ImportStatementRequest(header=header),
                        pb.ImportStatementRequest(content=body),
                    ]
                    try:
                        await front.upload(parts, token=self.tokens["cashier"])
                    except Refused as refused:
                        self.seen.refusals.append(refused.refusal.raw)
                        self.seen.reasons.add(refused.refusal.reason)
        request = pb.ReconcileRequest(request_id=str(uuid.uuid4()), account=ACCOUNT)
        await self._ask("Reconcile", request, who="cashier")
        found = await self._ask("ListBreaks", pb.ListBreaksRequest(page_size=200), who="cashier")
        assert found.breaks

    async def _bad_input(self, visit: str) -> None:
        """Every refusal has the planted values in what was sent."""
        cut = STRANGER_CARD[: STRANGER_CARD.index("02031994") + 4]
        for card_qr in (
            cut,
            STRANGER_CARD[1:],
            STRANGER_CARD.replace("02031994", "31021994"),
            f"https://card.example.vn/{STRANGER_NUMBER}?name={STRANGER_NAME}",
            STRANGER_CARD.replace("Nữ", STRANGER_NAME),
            STRANGER_CARD * 30,
        ):
            request = pb.CheckInRequest(request_id=str(uuid.uuid4()), card_qr=card_qr, reason_text=REASON)
            await self._ask("CheckIn", request)
        good = {"request_id": str(uuid.uuid4()), "card_qr": STRANGER_CARD}
        for changes in (
            {"request_id": STRANGER_NUMBER},
            {"reason_text": REASON * 40},
            {"room": STRANGER_NAME},
            {"kind": 99},
        ):
            await self._ask("CheckIn", pb.CheckInRequest(**(good | changes)))  # type: ignore[arg-type]
        for name in (f"visits/{STRANGER_NUMBER}", STRANGER_NAME, f"visits/{STRANGER_NUMBER:0>32}"):
            await self._ask("GetVisit", pb.GetVisitRequest(name=name))
        await self._ask("GetTrace", pb.GetTraceRequest(code=STRANGER_NUMBER), who="operator")
        await self._ask("ListVisits", pb.ListVisitsRequest(page_token=STRANGER_NAME))
        place = pb.ResolveAdministrativeUnitRequest(ward_code=STRANGER_NUMBER, vintage=STRANGER_NAME)
        await self._ask("ResolveAdministrativeUnit", place)
        closed = pb.RecordEntriesRequest(
            request_id=str(uuid.uuid4()),
            visit=visit,
            entries=[emr.Entry(kind=emr.ENTRY_KIND_NOTE, text=NOTE)],
        )
        await self._ask("RecordEntries", closed, who="clinician")
        line = insurance.CostLine(
            line_id=STRANGER_NUMBER, display_name=STRANGER_NAME, quantity=STRANGER_NUMBER
        )
        await self._ask(
            "Discharge",
            pb.DischargeRequest(
                request_id=str(uuid.uuid4()), visit=visit, lines=[line], visit_code=STRANGER_NAME
            ),
            who="cashier",
        )
        await self._bad_http()
        with_number = await self.desk.sandbox.token("clerk", subject=f"staff-{uuid.uuid4()}", forged=True)
        for token in (with_number, STRANGER_NUMBER):
            for front in (self.fronts.grpc, self.fronts.http):
                await self._kept(front.call("ListVisits", pb.ListVisitsRequest(), token=token))

    async def _bad_http(self) -> None:
        body = json.dumps({"card_qr": STRANGER_CARD, STRANGER_NUMBER: STRANGER_NAME}).encode()
        clerk = self.tokens["clerk"]
        for verb, path, more in (
            ("POST", "/v1/visits:checkIn", {"data": body}),
            ("POST", "/v1/visits:checkIn", {"data": body[:-9]}),
            ("POST", "/v1/visits:checkIn", {"data": b"\xff" + body}),
            ("POST", "/v1/visits:checkIn", {"json": {"card_qr": [STRANGER_CARD], "kind": STRANGER_NAME}}),
            ("GET", f"/v1/visits?{STRANGER_NUMBER}=1", {}),
            ("GET", f"/v1/visits?q={STRANGER_NUMBER}", {}),
            ("GET", f"/citizens/{STRANGER_NUMBER}", {}),
            ("GET", "/v1/visits", {"headers": {"X-Deadline-Ms": STRANGER_NUMBER}}),
            ("GET", "/v1/visits", {"headers": {"traceparent": f"00-{STRANGER_NUMBER:0>32}-{1:016x}-01"}}),
        ):
            await self._kept(self.fronts.http.send(verb, path, token=clerk, **more))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.seen.place.ports["gateway_http"])
        writer.write(f"GET / HTTP/1.1\r\n{STRANGER_NUMBER} {STRANGER_NAME}\r\n\r\n".encode())
        self.seen.refusals.append(await asyncio.wait_for(reader.read(65_536), 5))
        writer.close()

    async def _kept(self, call: Any) -> None:
        try:
            await call
        except Refused as refused:
            self.seen.refusals.append(refused.refusal.raw)
            self.seen.reasons.add(refused.refusal.reason)

    async def _faults(self) -> None:
        """Each fault of the national systems while a planted citizen is admitted."""
        for mode in FAULTS:
            for system in ("registry", "portal"):
                await self.desk.sandbox.set_fault(system, mode)
            await self._admit(STRANGER_CARD, deadline_ms=1_500)
            await self.desk.sandbox.clear()
        for code in PORTAL_CODES:
            await self.desk.sandbox.set_fault("portal", "code", code=code)
            await self._admit(STRANGER_CARD, deadline_ms=2_500)
        for mode in ("expired_token", "expires_format"):
            await self.desk.sandbox.set_fault("portal", mode)
            await self._admit(STRANGER_CARD, deadline_ms=2_500)
        await self.desk.sandbox.clear()
        view = await self._admit(STRANGER_CARD)
        assert view.citizen.verification.outcome != identity.VERIFICATION_OUTCOME_UNSPECIFIED
        self.seen.traces.append(str(await self._trace(view.trace_code)).encode())

    async def _trace(self, code: str) -> pb.GetTraceResponse:
        """The trace once every service has written its spans."""
        async with asyncio.timeout(15):
            while True:
                with contextlib.suppress(AppError):
                    found = await self.desk.trace(code)
                    if len({span.service for span in found.spans}) == len(SERVICES) + 1:
                        return found
                await asyncio.sleep(0.1)

    async def _metrics(self) -> None:
        async with aiohttp.ClientSession() as session:
            for name in (*SERVICES, "gateway"):
                url = f"{self.seen.place.url(f'{name}_metrics')}/metrics"
                async with session.get(url) as answer:
                    self.seen.metrics[name] = await answer.read()


def kept(journeys: Journeys, *parts: str) -> list[Path]:
    """The files as they lay while the processes ran."""
    found: list[Path] = []
    for part in parts:
        folder = journeys.place.state_dir / "kept" / part
        found += [
            path for path in sorted(folder.rglob("*")) if path.is_file() and "sandbox" not in path.parts
        ]
    assert found
    return found


async def test_the_journeys_carried_what_was_planted(journeys: Journeys) -> None:
    answered = b"".join(journeys.answers)
    planted = {REASON, NOTE, DIAGNOSIS, STRANGER_NUMBER, STRANGER_NAME}
    assert {hit.canary for hit in scan(answered, planted)} == planted
    assert journeys.reasons >= {
        "CARD_QR_TRUNCATED",
        "NOT_TWELVE_DIGITS",
        "IMPOSSIBLE_DATE",
        "NOT_A_CARD_QR",
        "CARD_QR_TOO_LONG",
        "REQUEST_ID_MALFORMED",
        "TEXT_TOO_LONG",
        "ROOM_MALFORMED",
        "UNKNOWN_ENUM_VALUE",
        "VISIT_NAME_MALFORMED",
        "VISIT_NOT_FOUND",
        "VISIT_CLOSED",
        "TRACE_CODE_MISTYPED",
        "BODY_MALFORMED",
        "UNKNOWN_PARAMETER",
        "ROUTE_NOT_FOUND",
        "DEADLINE_MALFORMED",
        "STATEMENT_UNREADABLE",
        "TOKEN_REFUSED",
    }


async def test_no_refusal_repeats_a_planted_value(journeys: Journeys) -> None:
    assert len(journeys.refusals) > 50
    assert scan(b"\n".join(journeys.refusals), journeys.canaries + journeys.secrets) == []


async def test_no_span_holds_a_planted_value(journeys: Journeys) -> None:
    files = kept(journeys, "spans")
    assert {path.name.partition(".")[0] for path in files} == {*SERVICES, "gateway"}
    assert scan(files, journeys.canaries + journeys.secrets) == []
    assert scan(b"".join(journeys.traces), journeys.canaries) == []


async def test_no_log_holds_a_planted_value(journeys: Journeys) -> None:
    files = kept(journeys, "logs")
    assert {path.stem for path in files} >= {*SERVICES, "gateway", "sandbox"}
    assert scan(files, journeys.canaries + journeys.secrets) == []


async def test_no_metric_holds_a_planted_value(journeys: Journeys) -> None:
    assert set(journeys.metrics) == {*SERVICES, "gateway"}
    assert all(b"rpc_" in page for page in journeys.metrics.values())
    assert scan(b"".join(journeys.metrics.values()), journeys.canaries + journeys.secrets) == []


async def test_every_personal_field_is_sealed_in_the_databases_and_their_logs(journeys: Journeys) -> None:
    files = kept(journeys, "data")
    assert {path.name for path in files} >= {f"{name}.sqlite" for name in SERVICES}
    assert any(path.name.endswith("-wal") and path.stat().st_size for path in files)
    assert scan(files, journeys.canaries + journeys.secrets) == []


async def test_no_file_is_named_after_a_patient(journeys: Journeys) -> None:
    names = "\n".join(str(path) for path in (journeys.place.state_dir / "kept").rglob("*"))

    assert scan(names, journeys.canaries) == []


def into_log(folder: Path, text: str) -> None:
    with (folder / "logs" / "gateway.log").open("a") as log:
        log.write(json.dumps({"event": "call refused", "detail": text}) + "\n")


def into_span(folder: Path, text: str) -> None:
    with closing(sqlite3.connect(folder / "spans" / "identity.spans.sqlite", isolation_level=None)) as spans:
        changed = spans.execute(
            "UPDATE spans SET attributes = json_object('registry.claim', ?) WHERE seq = "
            "(SELECT max(seq) FROM spans)",
            (text,),
        ).rowcount
    assert changed == 1


def into_database(folder: Path, text: str) -> None:
    with closing(sqlite3.connect(folder / "data" / "leak.sqlite", isolation_level=None)) as database:
        database.execute("CREATE TABLE leak (text TEXT NOT NULL)")
        database.execute("INSERT INTO leak VALUES (?)", (text,))


def into_trailer(folder: Path, text: str) -> None:
    (folder / "logs" / "trailer.log").write_bytes(base64.b64encode(b"\x08\x03\x12" + text.encode()))


def into_file_name(folder: Path, text: str) -> None:
    (folder / "data" / f"{text}.xml").touch()


@pytest.mark.parametrize("leak", [into_log, into_span, into_database, into_trailer, into_file_name])
@pytest.mark.parametrize(
    "text", [STRANGER_NUMBER, STRANGER_NAME, DIAGNOSIS], ids=["number", "name", "diagnosis"]
)
async def test_a_planted_leak_is_found(
    journeys: Journeys, tmp_path: Path, leak: Callable[[Path, str], None], text: str
) -> None:
    source = journeys.place.state_dir / "kept"
    wanted = {"into_span": "spans/identity*", "into_database": "data/emr*"}.get(
        leak.__name__, "logs/gateway.log"
    )
    for part in ("spans", "logs", "data"):
        (tmp_path / part).mkdir()
    for path in source.glob(wanted):
        shutil.copy(path, tmp_path / path.relative_to(source))
    assert scan(tmp_path, [text]) == []

    leak(tmp_path, text)

    assert {hit.canary for hit in scan(tmp_path, [text])} == {text}
