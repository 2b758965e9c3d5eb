"""Every way the portal fails a claim: nothing is counted twice, nothing is lost, and nothing leaks."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chassis import outbox
from chassis.breaker import Breaker
from chassis.clock import SystemClock
from chassis.rpc.context import acting_as
from chassis.telemetry import Telemetry, logs
from insurance_svc.domain.claim import ClaimState
from insurance_svc.domain.claim_values import ClaimView
from insurance_svc.external.claim_portal import ClaimPaths, HttpClaimPortal, counts_as_trouble
from insurance_svc.external.portal import HttpPortal
from insurance_svc.external.portal import counts_as_trouble as counts_as_lookup_trouble
from insurance_svc.external.portal_session import PortalAccount
from insurance_svc.store.claims_store import CLAIM_QUERIES
from tests.support.claims import CASHIER, RULES, Claims, claim_line, fresh_key
from tests.support.echo_network import Spans
from tests.support.fake_claim_portal import FakeClaimPortal, digest
from tests.support.fake_portal import CARD, CITIZEN, NAME, PASSWORD_HASH, running
from tests.support.insurance import QUERIES_FILES
from tests.support.stores import OpenStore

S = ClaimState
ACCOUNT = PortalAccount(
    username="19999_BV", password="password", staff_name="Triệu Văn An", staff_number="099085000002"
)


class Bench:
    """Claims before a portal over real HTTP."""

    def __init__(self, claims: Claims, portal: FakeClaimPortal, http: HttpClaimPortal, spans: Spans) -> None:
        self.claims = claims
        self.portal = portal
        self.http = http
        self.spans = spans

    async def step(self, **later: float) -> None:
        """Let the worker run once, then time pass."""
        await self.claims.worker.step()
        self.claims.pass_time(**(later or {"minutes": 11}))

    async def view(self) -> ClaimView:
        return await self.claims.verbs.read.whole("v1", CASHIER)

    async def states(self) -> tuple[ClaimState, ...]:
        return (await self.view()).claim.states


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


@pytest.fixture
async def bench(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Bench]:
    fake, spans = FakeClaimPortal(), Spans()
    telemetry = Telemetry("insurance", sink=spans)
    async with running(fake) as url:
        sessions = HttpPortal(
            url,
            accounts={},
            default_account=ACCOUNT,
            clock=SystemClock(),
            telemetry=telemetry,
            breaker=Breaker("insurance.portal", counts=counts_as_lookup_trouble, failure_threshold=100),
        )
        http = HttpClaimPortal(
            url,
            sessions=sessions,
            paths=ClaimPaths(),
            telemetry=telemetry,
            breaker=Breaker("insurance.claim_portal", counts=counts_as_trouble, failure_threshold=100),
        )
        database = await open_store(
            "insurance_svc", queries=tuple(dict.fromkeys((*QUERIES_FILES, CLAIM_QUERIES)))
        )
        rules = replace(RULES, send_timeout_s=0.5)
        claims = Claims(database, tmp_path, portal=http, rules=rules)
        yield Bench(claims, fake, http, spans)
        await http.close()
        await sessions.close()


async def test_a_claim_arrives_in_the_true_wire_form_byte_by_byte(bench: Bench) -> None:
    await bench.claims.ready()

    await bench.step()

    assert await bench.states() == (S.ACCEPTED,)
    (taken,) = bench.portal.taken
    (submission,) = (await bench.view()).submissions
    assert digest(taken.content) == submission.file_sha256
    assert (submission.transaction_number, taken.link_id) == (taken.number, "260901-v1")
    assert bench.portal.calls == ["130"]


async def test_a_check_in_goes_through_its_own_service(bench: Bench) -> None:
    await bench.claims.insurance.check()
    with acting_as(CASHIER, within_ms=5_000):
        await bench.claims.verbs.check_in("v1", key=fresh_key("SubmitCheckIn"), caller=CASHIER)

    await bench.step()

    assert bench.portal.calls == ["0"]
    assert bench.portal.taken[0].kind == "0"


@pytest.mark.parametrize("trouble", ["token_401", "http_401", "code_999"])
async def test_an_expired_token_is_renewed_once_and_the_file_goes(bench: Bench, trouble: str) -> None:
    await bench.claims.ready()
    bench.portal.trouble = [trouble]

    await bench.step()

    assert await bench.states() == (S.ACCEPTED,)
    assert bench.portal.logins == 2
    assert bench.portal.tokens == ["access-1", "access-2"]


async def test_an_account_that_is_refused_again_is_left_alone_and_the_claim_waits(bench: Bench) -> None:
    await bench.claims.ready()
    bench.portal.trouble = ["token_401"] * 2

    await bench.step()
    await bench.step()

    assert await bench.states() == (S.SIGNED,)
    assert bench.portal.calls == ["130", "130"], "the account rests"
    assert (await bench.view()).submissions[0].failure_reason == "PORTAL_ACCOUNT_RESTING"
    assert await outbox.list_messages(bench.claims.db, state="parked") == []


@pytest.mark.parametrize("trouble", ["http_503", "http_429", "code_402", "code_403"])
async def test_a_closed_door_took_nothing_and_the_claim_goes_later(bench: Bench, trouble: str) -> None:
    await bench.claims.ready()
    bench.portal.trouble = [trouble] * 3

    for _ in range(3):
        await bench.step()
    waiting = await bench.states()
    await bench.step()

    assert waiting == (S.SIGNED,)
    assert await bench.states() == (S.ACCEPTED,)
    assert "receipts" not in bench.portal.calls
    assert len(bench.portal.taken) == 1


@pytest.mark.parametrize(
    ("trouble", "code"), [("code_201", "201"), ("code_202", "202"), ("code_1001", "1001")]
)
async def test_a_refusal_ends_the_sending_and_says_why(bench: Bench, trouble: str, code: str) -> None:
    await bench.claims.ready()
    bench.portal.trouble = [trouble]

    await bench.step()
    await bench.step()

    (submission,) = (await bench.view()).submissions
    assert (submission.state, submission.portal_code, submission.message) == (
        S.REJECTED,
        code,
        "Sai nội dung XML1",
    )
    assert bench.portal.calls == ["130"]


async def test_a_file_that_is_too_large_for_the_portal_is_refused(bench: Bench) -> None:
    await bench.claims.ready()
    bench.portal.trouble = ["http_413"]

    await bench.step()

    (submission,) = (await bench.view()).submissions
    assert (submission.state, submission.failure_reason) == (S.REJECTED, "PORTAL_FILE_TOO_LARGE")


@pytest.mark.parametrize("trouble", ["hung_after", "reset_after"])
async def test_an_answer_lost_after_the_portal_took_the_file_is_found_and_nothing_goes_twice(
    bench: Bench, trouble: str
) -> None:
    bench.portal.slow_s = 2.0
    await bench.claims.ready()
    bench.portal.trouble = [trouble]

    await bench.step()
    between = await bench.states()
    await bench.step()

    assert between == (S.UNKNOWN,)
    assert await bench.states() == (S.ACCEPTED,)
    assert bench.portal.calls == ["130", "receipts"]
    assert len(bench.portal.taken) == 1
    assert (await bench.view()).submissions[0].transaction_number == bench.portal.taken[0].number


@pytest.mark.parametrize("trouble", ["hung", "reset", "html", "http_500", "code_500", "code_777"])
async def test_a_file_the_portal_never_took_is_asked_for_and_then_sent_again(
    bench: Bench, trouble: str
) -> None:
    bench.portal.slow_s = 2.0
    await bench.claims.ready()
    bench.portal.trouble = [trouble]

    await bench.step()
    between = await bench.states()
    await bench.step()

    assert between == (S.UNKNOWN,)
    assert await bench.states() == (S.ACCEPTED,)
    assert bench.portal.calls == ["130", "receipts", "130"]
    assert len(bench.portal.taken) == 1


@pytest.mark.parametrize("trouble", ["http_404", "http_500", "code_401", "html"])
async def test_a_portal_without_receipts_keeps_the_claim_in_doubt(bench: Bench, trouble: str) -> None:
    await bench.claims.ready()
    bench.portal.trouble, bench.portal.list_trouble = ["reset_after"], trouble

    for _ in range(4):
        await bench.step()

    assert await bench.states() == (S.UNKNOWN,)
    assert bench.portal.calls.count("130") == 1


async def test_a_resend_replaces_at_the_portal_so_that_the_sum_stays(bench: Bench) -> None:
    bench.claims.deliver._rules = replace(RULES, resend_unknown=True)
    await bench.claims.ready()
    bench.portal.trouble, bench.portal.list_trouble = ["reset_after"], "http_404"

    await bench.step()
    await bench.step()

    assert [each.link_id for each in bench.portal.taken] == ["260901-v1"] * 2
    assert list(bench.portal.counted) == ["260901-v1"]
    comparison = await bench.claims.verbs.compare("2026-09", CASHIER, after=("c", ""), page_size=10)
    assert (comparison.totals.claimed_count, comparison.totals.claimed) == (1, 7_562_000)
    assert (await bench.view()).submissions[0].transaction_number == bench.portal.counted["260901-v1"].number


async def test_a_kill_while_the_portal_holds_the_file_is_asked_for_by_the_next_process(bench: Bench) -> None:
    bench.portal.slow_s = 30.0
    await bench.claims.ready()
    bench.portal.trouble = ["hung_after"]
    running_step = asyncio.create_task(bench.claims.worker.step())
    await bench.portal.took.wait()
    running_step.cancel()
    await asyncio.wait([running_step])
    killed = await bench.states()

    bench.claims.pass_time(minutes=5)
    await bench.claims.new_worker().step()

    assert killed == (S.SENT,)
    assert await bench.states() == (S.ACCEPTED,)
    assert bench.portal.calls == ["130", "receipts"]
    assert len(bench.portal.taken) == 1


async def test_a_portal_that_cannot_be_reached_parks_nothing(bench: Bench) -> None:
    await bench.claims.ready()
    bench.http._base = bench.http._base.with_port(1)

    for _ in range(6):
        await bench.step()

    assert await bench.states() == (S.SIGNED,)
    assert (await bench.view()).submissions[0].failure_reason == "PORTAL_REFUSED"
    assert await outbox.list_messages(bench.claims.db, state="parked") == []


async def test_an_open_breaker_sends_nothing_and_closes_by_itself(bench: Bench) -> None:
    await bench.claims.ready()
    bench.http._breaker = Breaker(
        "insurance.claim_portal", counts=counts_as_trouble, failure_threshold=2, open_s=0.2
    )
    bench.portal.trouble = ["http_503"] * 2

    for _ in range(4):
        await bench.step()
    called = list(bench.portal.calls)
    await asyncio.sleep(0.25)
    await bench.step()

    assert called == ["130", "130"]
    assert await bench.states() == (S.ACCEPTED,)


async def test_the_look_up_and_the_claims_share_one_sign_in(bench: Bench) -> None:
    await bench.claims.ready()
    await bench.http._sessions.login("19999")

    await bench.step()

    assert bench.portal.logins == 1


async def test_a_long_stay_is_sent_without_holding_the_loop(bench: Bench) -> None:
    lines = [claim_line(str(number), service_code=f"X.{number}") for number in range(1_200)]
    await bench.claims.cover(*lines)
    await bench.claims.build()
    await bench.claims.submit(accept_findings="kiểm tra dung lượng")
    bench.claims.deliver._rules = replace(RULES, send_timeout_s=20.0)
    longest_s, stop = 0.0, False

    async def watch() -> None:
        nonlocal longest_s
        while not stop:
            before_s = time.monotonic()
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, time.monotonic() - before_s)

    watching = asyncio.create_task(watch())
    await bench.step()
    stop = True
    await watching

    assert await bench.states() == (S.ACCEPTED,)
    assert len(bench.portal.taken[0].content) > 1_500_000
    # The fake portal reads the file on this loop as well, so the bar is generous.
    assert longest_s < 1.0


async def test_no_secret_and_no_patient_reaches_a_log_or_a_span(bench: Bench) -> None:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("insurance", level="debug", stream=stream)
    root.setLevel(logging.DEBUG)
    try:
        await bench.claims.ready()
        bench.portal.trouble = ["http_503", "code_500", "reset_after", "token_401"]
        for _ in range(5):
            await bench.step()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    assert await bench.states() == (S.ACCEPTED,)
    await asyncio.to_thread(bench.http._telemetry.flush)
    shown = stream.getvalue() + repr(bench.spans.rows)
    assert "portal.submit" in shown
    assert "portal.receipts" in shown
    assert "the portal did not take a claim file" in shown
    secrets = [PASSWORD_HASH, "access-1", "id-1", NAME, CITIZEN, CARD, "260901-v1", "Sai nội dung"]
    assert [secret for secret in secrets if secret in shown] == []
