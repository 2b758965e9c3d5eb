"""Every way the portal fails: the check-in is answered in its budget, the failure is evidence, nothing leaks."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chassis.breaker import Breaker, State
from chassis.clock import SystemClock
from chassis.telemetry import Telemetry, logs
from insurance_svc.domain.ladder import first_rung, make_question
from insurance_svc.domain.model import Coverage, Outcome
from insurance_svc.external.portal import HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import PortalAccount
from tests.support.echo_network import Spans
from tests.support.fake_portal import BIRTH, CITIZEN, NAME, PASSWORD_HASH, FakePortal, refusal, reply, running
from tests.support.insurance import CLERK, FACILITY, QUERIES_FILES, START, Insurance
from tests.support.stores import OpenStore

ACCOUNT = PortalAccount(
    username="19999_BV", password="password", staff_name="Triệu Văn An", staff_number="099085000002"
)
BUDGET_S = 2.0
"""40 % of the five seconds of a check."""
SLACK_S = 0.7


def breaker(**fields: Any) -> Breaker:
    return Breaker("insurance.portal", **{"counts": counts_as_trouble, "failure_threshold": 100, **fields})


class Bench:
    """Insurance before a portal over real HTTP."""

    def __init__(self, insurance: Insurance, portal: FakePortal, http: HttpPortal, spans: Spans) -> None:
        self.insurance = insurance
        self.portal = portal
        self.http = http
        self.spans = spans

    async def check(self) -> tuple[Coverage, float]:
        started_s = time.monotonic()
        coverage = await self.insurance.check()
        return coverage, time.monotonic() - started_s


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


@pytest.fixture
async def portal() -> AsyncIterator[tuple[FakePortal, str]]:
    fake = FakePortal()
    async with running(fake) as url:
        yield fake, url


def http_portal(url: str, spans: Spans, guard: Breaker | None = None) -> HttpPortal:
    return HttpPortal(
        url,
        accounts={},
        default_account=ACCOUNT,
        clock=SystemClock(),
        telemetry=Telemetry("insurance", sink=spans),
        breaker=guard or breaker(),
    )


@pytest.fixture
async def bench(
    portal: tuple[FakePortal, str], open_store: OpenStore, tmp_path: Path
) -> AsyncIterator[Bench]:
    fake, url = portal
    spans = Spans()
    http = http_portal(url, spans)
    fake.lookup = lambda _: reply(gtTheTu="01/01/2020", gtTheDen="31/12/2099")
    database = await open_store("insurance_svc", queries=QUERIES_FILES)
    yield Bench(Insurance(database, tmp_path, http), fake, http, spans)
    await http.close()


async def test_a_good_look_up_has_the_true_wire_form(bench: Bench) -> None:
    coverage, _ = await bench.check()

    assert coverage.finding.outcome is Outcome.VALID
    (query,) = bench.portal.queries
    assert set(query) == {"token", "id_token", "username", "password"}
    assert query["password"] == PASSWORD_HASH
    (body,) = bench.portal.bodies
    assert body == {
        "maThe": CITIZEN,
        "hoTen": NAME,
        "ngaySinh": "05/03/1990",
        "hoTenCb": "Triệu Văn An",
        "cccdCb": "099085000002",
    }


@pytest.mark.parametrize("mode", ["hung", "slow"])
async def test_a_silent_portal_is_given_up_in_its_budget(bench: Bench, mode: str) -> None:
    bench.portal.mode = mode

    coverage, took_s = await bench.check()

    assert (coverage.finding.outcome, coverage.finding.degraded_reason) == (
        Outcome.UNVERIFIED,
        "PORTAL_TIMEOUT",
    )
    assert took_s < BUDGET_S + SLACK_S


async def test_a_hung_sign_in_is_given_up_in_the_same_budget(bench: Bench) -> None:
    bench.portal.login_mode = "hung"

    coverage, took_s = await bench.check()

    assert coverage.finding.degraded_reason == "PORTAL_TIMEOUT"
    assert took_s < BUDGET_S + SLACK_S


async def test_many_check_ins_before_a_hung_sign_in_are_all_answered_in_the_budget(bench: Bench) -> None:
    bench.portal.login_mode = "hung"
    started_s = time.monotonic()

    answers = await asyncio.gather(*(bench.insurance.check() for _ in range(8)))

    assert {each.finding.outcome for each in answers} == {Outcome.UNVERIFIED}
    assert time.monotonic() - started_s < BUDGET_S + SLACK_S


async def test_a_ladder_cut_off_by_the_budget_proves_nothing(bench: Bench) -> None:
    def lookup(_fields: dict[str, str]) -> dict[str, Any]:
        bench.portal.mode = "hung"
        return refusal("060")

    bench.portal.lookup = lookup

    coverage, took_s = await bench.check()

    assert coverage.finding.outcome is Outcome.UNVERIFIED
    assert coverage.finding.needs_recheck
    assert len(coverage.evidence_ids) == 2
    assert took_s < BUDGET_S + SLACK_S


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("http_500", "PORTAL_HTTP_ERROR"),
        ("html", "PORTAL_HTML"),
        ("not_json", "PORTAL_NOT_JSON"),
        ("too_large", "PORTAL_REPLY_TOO_LARGE"),
        ("reset", "PORTAL_RESET"),
    ],
)
async def test_a_failed_call_is_unverified_with_its_reason_and_its_bytes_as_evidence(
    bench: Bench, mode: str, reason: str
) -> None:
    bench.portal.mode = mode

    coverage, _ = await bench.check()

    assert coverage.finding.outcome is Outcome.UNVERIFIED
    assert coverage.finding.degraded_reason == reason
    evidence = await bench.insurance.read_coverage.evidence("v1", coverage.evidence_ids[-1], CLERK)
    assert evidence.call.failure_reason == reason
    assert evidence.call.code == ""
    if mode == "html":
        assert evidence.call.reply.startswith(b"<html>")
    if mode == "too_large":
        assert 0 < len(evidence.call.reply) <= 512 * 1024


@pytest.mark.parametrize("code", ["100", "101", "500"])
async def test_a_portal_in_trouble_is_unverified_with_its_code(bench: Bench, code: str) -> None:
    bench.portal.lookup = lambda _: refusal(code)

    coverage, _ = await bench.check()

    assert (coverage.finding.outcome, coverage.finding.portal_code) == (Outcome.UNVERIFIED, code)
    assert coverage.finding.degraded_reason == "PORTAL_ERROR"


async def test_one_broken_connection_is_repaired_inside_the_check(bench: Bench) -> None:
    bench.portal.mode = "reset_once"

    coverage, _ = await bench.check()

    assert coverage.finding.outcome is Outcome.VALID
    assert len(coverage.evidence_ids) == 2


async def test_a_portal_that_is_gone_is_unverified_at_once(open_store: OpenStore, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    http = http_portal(f"http://127.0.0.1:{port}", Spans())
    insurance = Insurance(await open_store("insurance_svc", queries=QUERIES_FILES), tmp_path, http)

    started_s = time.monotonic()
    coverage = await insurance.check()

    assert coverage.finding.degraded_reason == "PORTAL_REFUSED"
    assert time.monotonic() - started_s < SLACK_S
    await http.close()


@pytest.mark.parametrize("code", ["401", "501", "999"])
async def test_a_refused_token_is_renewed_once_and_the_call_repeated(bench: Bench, code: str) -> None:
    bench.portal.token_refusals = [code]

    coverage, _ = await bench.check()

    assert coverage.finding.outcome is Outcome.VALID
    assert bench.portal.logins == 2
    assert [query["token"] for query in bench.portal.queries] == ["access-1", "access-2"]


async def test_a_status_of_401_is_a_refused_token_too_and_stops_after_one_new_one(bench: Bench) -> None:
    bench.portal.mode = "status_401"

    coverage, _ = await bench.check()

    assert coverage.finding.degraded_reason == "PORTAL_LOGIN_REFUSED"
    assert bench.portal.logins == 2
    assert len(bench.portal.bodies) == 2


async def test_a_refused_account_is_unverified_and_no_look_up_is_sent(bench: Bench) -> None:
    bench.portal.login_mode = "refused"

    coverage, _ = await bench.check()

    assert coverage.finding.degraded_reason == "PORTAL_LOGIN_REFUSED"
    assert bench.portal.bodies == []


async def test_one_sign_in_and_one_connection_serve_many_patients(bench: Bench) -> None:
    for _ in range(6):
        await bench.check()

    assert bench.portal.logins == 1
    assert len(bench.portal.connections) == 1


async def test_an_open_breaker_answers_at_once_and_a_probe_closes_it(
    portal: tuple[FakePortal, str],
) -> None:
    fake, url = portal
    now_s = [0.0]
    guard = breaker(failure_threshold=2, open_s=10.0, clock=lambda: now_s[0])
    http = http_portal(url, Spans(), guard)
    rung = first_rung(
        make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date())
    )

    def state() -> State:
        return guard.state

    async def ask() -> tuple[str, str]:
        call = await http.look_up(rung, facility=FACILITY, within_ms=1_000)
        return call.code, call.failure_reason

    fake.mode = "http_500"
    assert await ask() == ("", "PORTAL_HTTP_ERROR")
    assert await ask() == ("", "PORTAL_HTTP_ERROR")
    assert state() is State.OPEN
    fake.mode = "ok"
    assert await ask() == ("", "BREAKER_OPEN")
    assert len(fake.bodies) == 2
    now_s[0] = 10.1
    assert await ask() == ("000", "")
    assert state() is State.CLOSED
    await http.close()


@pytest.mark.parametrize("code", ["401", "060", "054", "100", "101"])
async def test_answers_of_a_living_portal_never_open_the_breaker(
    portal: tuple[FakePortal, str], code: str
) -> None:
    fake, url = portal
    guard = breaker(failure_threshold=1)
    http = http_portal(url, Spans(), guard)
    fake.lookup = lambda _: refusal(code)
    rung = first_rung(
        make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date())
    )

    for _ in range(3):
        await http.look_up(rung, facility=FACILITY, within_ms=1_000)

    assert guard.state is State.CLOSED
    await http.close()


async def test_a_hung_call_counts_for_the_breaker(portal: tuple[FakePortal, str]) -> None:
    fake, url = portal
    fake.mode = "hung"
    guard = breaker(failure_threshold=1)
    http = http_portal(url, Spans(), guard)
    rung = first_rung(
        make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date())
    )

    call = await http.look_up(rung, facility=FACILITY, within_ms=150)

    assert call.failure_reason == "PORTAL_TIMEOUT"
    assert guard.state is State.OPEN
    await http.close()


async def test_the_coverage_is_corrected_over_real_http_when_the_portal_is_back(bench: Bench) -> None:
    bench.portal.mode = "http_500"
    await bench.check()
    await bench.insurance.split()
    bench.portal.mode = "ok"

    await bench.insurance.worker.step()

    coverage = await bench.insurance.read_coverage.newest("v1", CLERK)
    split = await bench.insurance.split_cost.newest("v1", CLERK)
    assert (coverage.finding.outcome, coverage.check_number) == (Outcome.VALID, 2)
    assert (split.split_number, split.split.benefit.is_provisional) == (2, False)


@pytest.mark.parametrize(
    "mode", ["ok", "http_500", "html", "not_json", "reset", "status_401", "too_large", "hung"]
)
async def test_no_credential_and_no_person_stands_in_a_span_or_a_log_line(bench: Bench, mode: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure("insurance", level="debug", stream=stream)
    root.setLevel(logging.DEBUG)
    bench.portal.mode = mode
    try:
        await bench.check()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    await asyncio.to_thread(bench.http._telemetry.flush)
    shown = stream.getvalue() + repr(bench.spans.rows)
    assert "portal.lookup" in shown
    for secret in (PASSWORD_HASH, "access-1", "id-1", CITIZEN, NAME, "Hòa", "19999_BV", "099085000002"):
        assert secret not in shown


async def test_an_exception_of_the_connection_never_holds_the_url(bench: Bench) -> None:
    from insurance_svc.external.portal import _CallFailed

    bench.portal.mode = "reset"
    session = bench.http._default
    login = await session.login()
    rung = first_rung(
        make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date())
    )

    with pytest.raises(_CallFailed) as caught:
        await bench.http._ask_card(rung, ACCOUNT, login)

    assert str(caught.value) == "PORTAL_RESET"
    assert caught.value.__suppress_context__
