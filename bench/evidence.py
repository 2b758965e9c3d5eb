"""What a look-up costs: coverage served from evidence, a check before a fast portal, and a check bound by the portal.

Run: `python -m bench.evidence` (a minute); `--quick` is a smoke test; `--check` exits 1 below the bar of 2,000 look-ups
served from evidence a second and core. A rate per core divides by the processor time of this process, all threads; the
portal is a process of its own with a certificate of its own, which answers at once or after a second, as the real one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import ssl
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from joserfc.jwk import KeySet

from chassis.breaker import Breaker
from chassis.clock import SystemClock, SystemIds
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database, migrations, open_database
from chassis.idempotency import RequestKey
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter, Verifier, generate_token_keys, load_signing_key
from chassis.telemetry import Telemetry
from deploy.make_certs import ensure_authority, ensure_leaf
from insurance_svc.codec.coverage import from_coverage, from_evidence
from insurance_svc.domain.codes import load_codes
from insurance_svc.domain.ladder import first_rung, make_question
from insurance_svc.domain.model import Outcome, PortalCall, Rung
from insurance_svc.domain.tables import load_rules
from insurance_svc.external.alarms import PortalAlarms
from insurance_svc.external.portal import LOOKUP_PATH, TOKEN_PATH, HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import PortalAccount
from insurance_svc.operations import (
    CheckCommand,
    CheckCoverage,
    CoverageKeeper,
    KnownNumbers,
    PortalQuestioner,
    ReadCoverage,
)
from insurance_svc.ports import Portal
from insurance_svc.servicer.coverage import CoverageServicer
from insurance_svc.store.evidence_store import EvidenceStore
from insurance_svc.store.store import EVIDENCE_QUERIES, QUERIES, InsuranceStore
from lienthong.insurance.v1 import insurance_pb2 as pb
from lienthong.insurance.v1.insurance_pb2_grpc import (
    CoverageServiceStub,
    add_CoverageServiceServicer_to_server,
)

BAR = 2_000.0
VISITS = 2_000
CLIENTS = 64
SLOW_S = 1.0
"""The quick end of what hospital code reports of the real portal (1 to 3 s a call)."""
FACILITY = "19999"
NAME, BIRTH = "Nông Thị Hòa", "1990-03-05"
CALLER = Caller(subject="bench", roles=frozenset({"CLERK"}), facility=FACILITY, purpose="treatment")
ACCOUNT = PortalAccount(username="u", password="p", staff_name="s", staff_number="099085000002")  # noqa: S106


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result."""

    what: str
    clients: int
    per_second: float
    per_core_second: float
    p50_ms: float


def citizen(index: int) -> str:
    """An invented citizen number."""
    return f"099190{index:06}"


def reply(fields: dict[str, str]) -> dict[str, Any]:
    """A good reply about whoever was asked for."""
    return {
        "maKetQua": "000", "ghiChu": "", "maThe": f"DT20606{fields['maThe'][-8:]}", "hoTen": fields["hoTen"],
        "ngaySinh": fields["ngaySinh"], "gioiTinh": "Nữ", "diaChi": "Xã Nam Mẫu", "maDKBD": "06999",
        "cqBHXH": "", "gtTheTu": "01/01/2020", "gtTheDen": "31/12/2099", "maKV": "K1", "ngayDu5Nam": "01/06/2025",
        "maSoBHXH": "", "maTheCu": "", "maTheMoi": "", "gtTheTuMoi": "", "gtTheDenMoi": "", "maDKBDMoi": "",
        "tenDKBDMoi": "", "dsLichSuKCB2018": [], "dsLichSuKT2018": [],
    }  # fmt: skip


class InstantPortal:
    """Implements the Portal port without a wire: what remains is the service's own work."""

    async def look_up(
        self,
        rung: Rung,
        *,
        facility: str,
        within_ms: int,
        exchange_id: str = "",
        stale_login: int | None = None,
    ) -> PortalCall:
        """Answer at once."""
        clock = SystemClock()
        fields = {"maThe": rung.identifier, "hoTen": rung.full_name, "ngaySinh": rung.birth_text}
        body = json.dumps(reply(fields), ensure_ascii=False).encode()
        now = clock.now()
        return PortalCall(form=rung.form, send_time=now, receive_time=now, reply=body, code="000", sent=rung)

    copayments = look_up


class Bench:
    """Insurance's operations on a SQLite store of its own."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.cipher = FieldCipher(KeyRing.from_file(folder / "keys.json"))
        self.db = db
        self.store, self.book = InsuranceStore(self.cipher), EvidenceStore(self.cipher)
        self.read = ReadCoverage(db=db, store=self.store, clock=SystemClock())
        self._rules = load_rules()
        self._visits = count()

    def checker(self, portal: Portal) -> CheckCoverage:
        """CheckCoverage before a portal."""
        clock, ids = SystemClock(), SystemIds()
        keeper = CoverageKeeper(
            store=self.store, book=self.book, cipher=self.cipher, rules=self._rules, clock=clock, ids=ids
        )
        questioner = PortalQuestioner(
            portal,
            load_codes(),
            more_numbers=KnownNumbers(self.db, self.book),
            clock=clock,
            ids=ids,
            alarms=PortalAlarms(),
        )
        return CheckCoverage(db=self.db, store=self.store, questioner=questioner, keeper=keeper)

    async def check(self, check: CheckCoverage, *, person: int | None = None) -> None:
        """One check of a fresh visit, of a person of its own unless told."""
        number = next(self._visits)
        person = number if person is None else person
        command = CheckCommand(
            visit_id=f"v{number}",
            citizen_id=f"c{person}",
            identifier=citizen(person),
            full_name=NAME,
            birth_date=BIRTH,
            service_date=SystemClock().now().date(),
            self_pay=False,
        )
        key = RequestKey(
            method="/bench/Check", request_id=str(uuid.uuid4()), fingerprint=b"", subject=CALLER.subject
        )
        with acting_as(CALLER, within_ms=5_000):
            coverage = await check(command, key=key, caller=CALLER)
        assert coverage.finding.outcome is Outcome.VALID, coverage.finding.degraded_reason


async def measure(what: str, work: Callable[[int], Awaitable[object]], *, clients: int, calls: int) -> Row:
    """Some clients in a closed loop until all calls are made."""
    numbers = iter(range(calls))
    took_s: list[float] = []

    async def client() -> None:
        for number in numbers:
            began = time.perf_counter()
            await work(number)
            took_s.append(time.perf_counter() - began)

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    return Row(
        what=what,
        clients=clients,
        per_second=calls / wall_s,
        per_core_second=calls / cpu_s,
        p50_ms=statistics.median(took_s) * 1_000,
    )


def serve_portal(told: Connection, certificates: str, delay_s: float) -> None:
    """The program of the portal's process: tells its port and answers until it is ended."""

    async def take(_: web.Request) -> web.Response:
        key = {"access_token": "a", "id_token": "i", "expires_in": "2099-01-01T00:00:00Z"}
        return web.json_response({"maKetQua": "200", "APIKey": key})

    async def look_up(request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if delay_s:
            await asyncio.sleep(delay_s)
        return web.json_response(reply(fields))

    async def run() -> None:
        app = web.Application()
        app.router.add_post(f"/{TOKEN_PATH}", take)
        app.router.add_post(f"/{LOOKUP_PATH}", look_up)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{certificates}/cert.pem", f"{certificates}/key.pem")
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())


def start_portal(certificates: Path, delay_s: float) -> tuple[multiprocessing.process.BaseProcess, str]:
    """A portal and its address."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=serve_portal, args=(theirs, str(certificates), delay_s), daemon=True)
    process.start()
    return process, f"https://127.0.0.1:{ours.recv()}"


async def http_portal(url: str, connector: aiohttp.TCPConnector) -> HttpPortal:
    """The adapter before a portal, with the connections of the bench: its certificate is nobody's."""
    portal = HttpPortal(
        url,
        accounts={},
        default_account=ACCOUNT,
        clock=SystemClock(),
        telemetry=Telemetry("bench", enabled=False),
        breaker=Breaker("bench", counts=counts_as_trouble),
    )
    await portal.close()
    portal._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    return portal


async def before_portal(bench: Bench, certificates: Path, calls: int) -> list[Row]:
    """The rows that go over a real wire."""
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    rows = []
    fast, fast_url = start_portal(certificates, 0.0)
    slow, slow_url = start_portal(certificates, SLOW_S)
    kept = await http_portal(fast_url, aiohttp.TCPConnector(limit=16, ssl=trusting))
    fresh = await http_portal(fast_url, aiohttp.TCPConnector(force_close=True, ssl=trusting))
    late = await http_portal(slow_url, aiohttp.TCPConnector(limit=CLIENTS, ssl=trusting))
    rung = first_rung(
        make_question(
            identifier=citizen(1), full_name=NAME, birth_date=BIRTH, service_date=SystemClock().now().date()
        )
    )
    try:
        for name, portal in (("kept alive", kept), ("a new connection each", fresh)):
            await portal.look_up(rung, facility=FACILITY, within_ms=5_000)
            rows.append(
                await measure(
                    f"one call over TLS, {name}",
                    lambda _, portal=portal: portal.look_up(rung, facility=FACILITY, within_ms=5_000),  # type: ignore[misc]
                    clients=1,
                    calls=max(50, calls // 4),
                )
            )
        check = bench.checker(kept)
        rows.append(
            await measure(
                "CheckCoverage, portal answers at once", lambda _: bench.check(check), clients=16, calls=calls
            )
        )
        check = bench.checker(late)
        rows.append(
            await measure(
                f"CheckCoverage, portal takes {SLOW_S:.0f} s",
                lambda _: bench.check(check),
                clients=CLIENTS,
                calls=4 * CLIENTS,
            )
        )
        check = bench.checker(late)
        rows.append(
            await measure(
                f"the same, every {CLIENTS} desks ask about one person",
                lambda number: bench.check(check, person=900_000 + number // CLIENTS),
                clients=CLIENTS,
                calls=4 * CLIENTS,
            )
        )
    finally:
        for portal in (kept, fresh, late):
            await portal.close()
            await portal._http.close()
        for process in (fast, slow):
            process.terminate()
    return rows


async def run(calls: int) -> list[Row]:
    """Every row, the store filled first."""
    with tempfile.TemporaryDirectory(prefix="evidence-bench-") as name:
        folder = Path(name)
        generate_key_file(folder / "keys.json")
        url = f"sqlite:///{folder}/insurance.db"
        await migrations.upgrade(url, package="insurance_svc")
        db = await open_database(url, queries=(QUERIES, EVIDENCE_QUERIES), package="insurance_svc")
        try:
            bench = Bench(db, folder)
            check = bench.checker(InstantPortal())
            rows = [
                await measure(
                    "CheckCoverage without a wire", lambda _: bench.check(check), clients=16, calls=calls
                )
            ]
            for clients in (1, CLIENTS):
                rows.append(
                    await measure(
                        "coverage from evidence",
                        lambda n: _coverage(bench, n, calls),
                        clients=clients,
                        calls=4 * calls,
                    )
                )
            rows.append(
                await measure(
                    "list of a visit's evidence",
                    lambda n: _evidence(bench, n, calls),
                    clients=CLIENTS,
                    calls=4 * calls,
                )
            )
            async with pipeline(bench, folder) as (stub, caller):
                with acting_as(caller):
                    rows.append(
                        await measure(
                            "GetCoverage with the pipeline",
                            lambda n: stub.GetCoverage(
                                pb.GetCoverageRequest(visit=f"visits/v{n % calls}"), timeout=5.0
                            ),
                            clients=CLIENTS,
                            calls=4 * calls,
                        )
                    )
            now = SystemClock().now()
            ensure_leaf(
                ensure_authority(folder / "ca", now=now),
                folder / "portal",
                "portal",
                now=now,
                also=["127.0.0.1"],
            )
            rows += await before_portal(bench, folder / "portal", calls)
        finally:
            await db.close()
    return rows


@asynccontextmanager
async def pipeline(bench: Bench, folder: Path) -> AsyncIterator[tuple[Any, Caller]]:
    """GetCoverage behind tokens, rights, deadlines and copies of messages, without a socket: the stub and who calls."""
    generate_token_keys(folder / "gateway.json", folder / "public.json", issuer="gateway")
    public = KeySet.import_key_set(json.loads((folder / "public.json").read_text()))
    unused: Any = None
    servicer = CoverageServicer(
        check_coverage=unused,
        read_coverage=bench.read,
        look_up_again=unused,
        export_evidence=unused,
        read_corrections=unused,
        split_cost=unused,
        clock=SystemClock(),
    )
    telemetry = Telemetry("bench", enabled=False)
    network = LocalNetwork()
    network.register(
        "insurance",
        [collect(add_CoverageServiceServicer_to_server, servicer)],
        verifier=Verifier(public),
        telemetry=telemetry,
    )
    token = Minter(load_signing_key(folder / "gateway.json")).mint(CALLER)
    channel = network.channel("insurance", telemetry=telemetry, sender="gateway")
    try:
        yield CoverageServiceStub(channel), replace(CALLER, token=token)
    finally:
        await channel.close()


async def _coverage(bench: Bench, number: int, calls: int) -> object:
    return from_coverage(await bench.read.newest(f"v{number % calls}", CALLER))


async def _evidence(bench: Bench, number: int, calls: int) -> object:
    return [from_evidence(each) for each in await bench.read.evidence_of(f"v{number % calls}", CALLER)]


def main() -> int:
    """Measure and print a Markdown table; 1 below the bar with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: few calls")
    parser.add_argument("--check", action="store_true", help="exit 1 below the bar")
    arguments = parser.parse_args()
    rows = asyncio.run(run(VISITS // 10 if arguments.quick else VISITS))
    print("| what | clients | per second | per second and core | p50 ms |\n|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.what} | {row.clients} | {row.per_second:,.0f} | {row.per_core_second:,.0f} | {row.p50_ms:.2f} |"
        )
    served = next(row.per_core_second for row in rows if row.what == "GetCoverage with the pipeline")
    print(f"\nserved from evidence: {served:,.0f} a second and core, bar {BAR:,.0f}")
    return int(arguments.check and served < BAR)


if __name__ == "__main__":
    sys.exit(main())
