"""Many desks at once before a portal that is slow, flaps, lies or forgets its tokens: one call each, counted once."""

from __future__ import annotations

import asyncio
import io
import logging
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis.breaker import Breaker, State
from chassis.clock import FixedClock
from chassis.db import Tx
from chassis.rpc.context import Caller, acting_as
from chassis.telemetry import Telemetry, logs
from insurance_svc.domain.ladder import CALLS_MAX, first_rung, make_question
from insurance_svc.domain.model import Coverage, Moment, Outcome
from insurance_svc.external.portal import HttpPortal, counts_as_trouble
from insurance_svc.external.portal_session import REST_FIRST, PortalAccount
from insurance_svc.operations import LookUpCommand
from lienthong.insurance.v1 import insurance_pb2 as pb
from tests.support.canary import scan
from tests.support.echo_network import Spans
from tests.support.fake_portal import (
    BIRTH,
    CITIZEN,
    NAME,
    PASSWORD_HASH,
    FakePortal,
    copayments,
    refusal,
    reply,
    running,
)
from tests.support.insurance import CLERK, FACILITY, QUERIES_FILES, START, Insurance, check_request
from tests.support.stores import OpenStore

ACCOUNT = PortalAccount(
    username="19999_BV", password="password", staff_name="Triệu Văn An", staff_number="099085000002"
)
BUDGET_S = 2.0
SLACK_S = 0.9
DESKS = 40
ELSEWHERE = Caller(subject="persons/2", roles=frozenset({"CLERK"}), facility="19998", purpose="treatment")
RUNG = first_rung(
    make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date())
)


class Bench:
    """Insurance before a portal over real HTTP."""

    def __init__(
        self, insurance: Insurance, portal: FakePortal, http: HttpPortal, guard: Breaker, spans: Spans
    ) -> None:
        self.insurance = insurance
        self.portal = portal
        self.http = http
        self.guard = guard
        self.spans = spans

    def state(self) -> State:
        """Of the breaker, now."""
        return self.guard.state

    async def storm(self, desks: int = DESKS, *, caller: Caller = CLERK) -> list[Coverage]:
        """The same person checked at many desks at once, each for a visit of its own."""
        return await asyncio.gather(
            *(
                self.insurance.check(
                    check_request(visit=f"visits/{caller.facility}-{number}".lower()), caller=caller
                )
                for number in range(desks)
            )
        )

    async def exchanges(self) -> list[tuple[str, str]]:
        """(exchange, sum of the reply) of every piece of evidence."""

        async def work(tx: Tx) -> list[tuple[str, str]]:
            found = []
            for number in range(DESKS):
                for each in await self.insurance.book.whole_evidence(
                    tx, citizen_id="c1", visit_id=f"19999-{number}"
                ):
                    found.append((each.call.exchange_id, each.reply_sha256))
            return found

        return await self.insurance.db.read(work)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"


@pytest.fixture
async def bench(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Bench]:
    fake, spans = FakePortal(), Spans()
    fake.lookup = lambda _: reply(gtTheTu="01/01/2020", gtTheDen="31/12/2099")
    guard = Breaker("insurance.portal", counts=counts_as_trouble, failure_threshold=3, open_s=0.3)
    async with running(fake) as url:
        http = HttpPortal(
            url,
            accounts={},
            default_account=ACCOUNT,
            clock=FixedClock(START),
            telemetry=Telemetry("insurance", sink=spans),
            breaker=guard,
        )
        database = await open_store("insurance_svc", queries=QUERIES_FILES)
        yield Bench(Insurance(database, tmp_path, http), fake, http, guard, spans)
        await http.close()


async def test_a_storm_about_one_person_is_one_upstream_call(bench: Bench) -> None:
    bench.portal.mode, bench.portal.slow_s = "slow", 0.3

    coverages = await bench.storm()

    assert len(bench.portal.bodies) == 1
    assert {each.finding.outcome for each in coverages} == {Outcome.VALID}
    evidence = await bench.exchanges()
    assert len(evidence) == DESKS, "each visit keeps evidence of its own"
    assert len(set(evidence)) == 1, "of the same reply"
    assert bench.insurance.alarms.calls.labels("OK")._value.get() == 1, "and it is counted once"


async def test_a_storm_at_another_facility_asks_with_its_own_account(bench: Bench) -> None:
    bench.portal.mode, bench.portal.slow_s = "slow", 0.3

    await asyncio.gather(bench.storm(5), bench.storm(5, caller=ELSEWHERE))

    assert len(bench.portal.bodies) == 2


async def test_another_day_or_spelling_is_another_question(bench: Bench) -> None:
    bench.portal.mode, bench.portal.slow_s = "slow", 0.2

    await asyncio.gather(
        *(
            bench.insurance.check(check_request(visit=f"visits/{number}", **fields))
            for number, fields in enumerate(
                ({}, {"service_date": "2026-08-31"}, {"full_name": "Nông Thị Hoà"}, {})
            )
        )
    )

    assert len(bench.portal.bodies) == 3


async def test_after_the_storm_a_new_question_is_asked_anew(bench: Bench) -> None:
    await bench.storm(3)
    await bench.insurance.check(check_request(visit="visits/later"))

    assert len(bench.portal.bodies) == 2


async def test_a_storm_before_a_hung_portal_is_one_call_and_all_answer_in_the_budget(bench: Bench) -> None:
    bench.portal.mode = "hung"
    started_s = time.monotonic()

    coverages = await bench.storm()

    assert time.monotonic() - started_s < BUDGET_S + SLACK_S
    assert len(bench.portal.bodies) == 1
    assert {each.finding.degraded_reason for each in coverages} == {"PORTAL_TIMEOUT"}
    assert bench.insurance.alarms.calls.labels("PORTAL_TIMEOUT")._value.get() == 1
    assert bench.guard.state is State.CLOSED, "one failure is one failure, not forty"


async def test_whoever_asked_first_may_go_away_and_the_others_are_answered(bench: Bench) -> None:
    bench.portal.mode, bench.portal.slow_s = "slow", 0.3
    first = asyncio.create_task(bench.insurance.check(check_request(visit="visits/first")))
    await asyncio.sleep(0.15)
    others = asyncio.create_task(bench.storm(10))
    await asyncio.sleep(0.05)

    first.cancel()
    coverages = await others

    assert {each.finding.outcome for each in coverages} == {Outcome.VALID}
    assert len(bench.portal.bodies) == 2


async def test_a_follower_with_little_time_does_not_wait_for_the_first(bench: Bench) -> None:
    bench.portal.mode = "hung"
    first = asyncio.create_task(bench.insurance.check(check_request(visit="visits/first")))
    await asyncio.sleep(0.2)
    started_s = time.monotonic()

    with acting_as(CLERK, within_ms=1_000):
        second = await bench.insurance.check(check_request(visit="visits/second"))

    assert time.monotonic() - started_s < 0.4 + SLACK_S
    assert second.finding.degraded_reason == "PORTAL_BUDGET_SPENT"
    assert (await first).finding.degraded_reason == "PORTAL_TIMEOUT"


async def test_a_token_that_ends_in_the_storm_is_renewed_once_for_all(bench: Bench) -> None:
    await bench.insurance.check(check_request(visit="visits/warm"))
    bench.portal.token_refusals = ["501"] * 12
    bench.portal.mode, bench.portal.slow_s = "slow", 0.1

    coverages = await asyncio.gather(
        *(
            bench.insurance.check(
                check_request(
                    visit=f"visits/{number}", citizen=f"citizens/c{number}", birth_date=f"1990-03-{number:02}"
                )
            )
            for number in range(1, 13)
        )
    )

    assert bench.portal.logins == 2
    assert len(bench.portal.bodies) == 1 + 12 + 12, "each question once, and once more with the new token"
    assert {each.finding.degraded_reason for each in coverages} == {""}


async def test_a_flapping_portal_answers_everybody_after_one_repeat(bench: Bench) -> None:
    bench.portal.flaps = True

    for number in range(6):
        coverage = await bench.insurance.check(check_request(visit=f"visits/{number}"))
        assert coverage.finding.outcome is Outcome.VALID
        assert len(coverage.evidence_ids) == 2

    assert bench.guard.state is State.CLOSED


async def test_the_breaker_opens_and_closes_by_itself_and_the_rechecks_settle_everything(
    bench: Bench,
) -> None:
    bench.portal.mode = "http_500"
    down = [await bench.insurance.check(check_request(visit=f"visits/{number}")) for number in range(5)]
    assert bench.state() is State.OPEN
    assert len(bench.portal.bodies) == 3, "the last two were not sent"
    assert [each.finding.degraded_reason for each in down[3:]] == ["BREAKER_OPEN"] * 2

    bench.portal.mode = "ok"
    await asyncio.sleep(0.35)
    while await bench.insurance.worker.step():
        pass

    assert bench.state() is State.CLOSED
    assert len(bench.portal.bodies) == 3 + 1, "five re-checks about one person are one call"
    for number in range(5):
        newest = await bench.insurance.read_coverage.newest(str(number), CLERK)
        assert (newest.finding.outcome, newest.check_number) == (Outcome.VALID, 2)


@pytest.mark.parametrize(
    ("lie", "outcome"),
    [
        (reply(hoTen="Lý Văn Bình"), Outcome.DISPUTED),
        (reply(ngaySinh="01/01/1950"), Outcome.DISPUTED),
        (reply(maSoBHXH="0699999999"), Outcome.DISPUTED),
        (reply(hoTen=""), Outcome.DISPUTED),
        (reply("000", gtTheTu="01/01/2020", gtTheDen="31/12/2020"), Outcome.DISPUTED),
        (reply("010", gtTheTu="01/01/2020", gtTheDen="31/12/2099"), Outcome.DISPUTED),
        (reply("003"), Outcome.DISPUTED),
        (reply("777"), Outcome.UNVERIFIED),
        ({"maKetQua": None}, Outcome.UNVERIFIED),
        ({"maKetQua": ["000"]}, Outcome.UNVERIFIED),
        ({}, Outcome.UNVERIFIED),
    ],
)
async def test_a_lying_portal_is_never_valid_and_its_lie_is_kept(
    bench: Bench, lie: dict[str, Any], outcome: Outcome
) -> None:
    bench.portal.lookup = lambda _: lie

    coverage = await bench.insurance.check()

    assert coverage.finding.outcome is outcome
    assert coverage.finding.card is None
    assert len(bench.portal.bodies) <= CALLS_MAX
    evidence = await bench.insurance.read_coverage.evidence("v1", coverage.evidence_ids[-1], CLERK)
    assert evidence.call.reply


async def test_an_unknown_code_rings_the_alarm(bench: Bench) -> None:
    bench.portal.lookup = lambda _: reply("777")

    coverage = await bench.insurance.check()

    assert (coverage.finding.outcome, coverage.finding.degraded_reason) == (
        Outcome.UNVERIFIED, "PORTAL_CODE_UNKNOWN",
    )  # fmt: skip
    assert coverage.finding.needs_recheck
    assert bench.insurance.alarms.calls.labels("UNKNOWN")._value.get() == 1
    assert bench.insurance.alarms.attention.labels("PORTAL_CODE_UNKNOWN")._value.get() == 1


async def test_a_refused_account_is_not_asked_with_for_every_patient(bench: Bench) -> None:
    bench.portal.login_mode = "refused"

    reasons = [
        (await bench.insurance.check(check_request(visit=f"visits/{number}"))).finding.degraded_reason
        for number in range(6)
    ]

    assert reasons == ["PORTAL_LOGIN_REFUSED"] + ["PORTAL_ACCOUNT_RESTING"] * 5
    assert bench.portal.logins == 1


async def test_a_missing_right_to_look_up_rests_the_account_too(bench: Bench) -> None:
    bench.portal.mode = "status_401"

    for number in range(6):
        await bench.insurance.check(check_request(visit=f"visits/{number}"))

    assert (bench.portal.logins, len(bench.portal.bodies)) == (2, 2)


async def test_a_rest_ends_by_itself_grows_with_each_refusal_and_an_answer_ends_it(tmp_path: Path) -> None:
    fake, clock = FakePortal(), FixedClock(START)
    guard = Breaker("insurance.portal", counts=counts_as_trouble)
    async with running(fake) as url:
        http = HttpPortal(
            url,
            accounts={},
            default_account=ACCOUNT,
            clock=clock,
            telemetry=Telemetry("insurance", sink=Spans()),
            breaker=guard,
        )

        async def ask() -> str:
            call = await http.look_up(RUNG, facility=FACILITY, within_ms=1_000)
            return call.failure_reason or call.code

        fake.login_mode = "refused"
        assert [await ask(), await ask()] == ["PORTAL_LOGIN_REFUSED", "PORTAL_ACCOUNT_RESTING"]
        clock.advance(REST_FIRST)
        assert [await ask(), await ask()] == ["PORTAL_LOGIN_REFUSED", "PORTAL_ACCOUNT_RESTING"]
        clock.advance(REST_FIRST)
        assert await ask() == "PORTAL_ACCOUNT_RESTING"
        fake.login_mode = "ok"
        clock.advance(REST_FIRST + timedelta(seconds=1))
        assert [await ask(), await ask()] == ["000", "000"]
        assert fake.logins == 3
        await http.close()


async def test_copayments_go_with_headers_and_one_new_token(bench: Bench) -> None:
    bench.portal.published = lambda _: copayments(100_000)
    await bench.insurance.check()
    bench.portal.token_refusals = ["401"]

    calls = await bench.insurance.look_up_again._questioner.ask_copayments(
        make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=START.date()),
        facility=FACILITY,
    )

    assert [call.code for call in calls] == ["401", "200"]
    assert bench.portal.logins == 2
    assert bench.portal.headers[-1]["accessToken"] == "access-2"


@pytest.mark.parametrize("mode", ["hung", "html", "http_500", "reset", "not_json"])
async def test_copayments_that_are_not_told_leave_the_look_up_as_it_is(bench: Bench, mode: str) -> None:
    await bench.insurance.check()

    def then_trouble(_fields: dict[str, str]) -> dict[str, Any]:
        bench.portal.mode = mode
        return reply(gtTheTu="01/01/2020", gtTheDen="31/12/2099")

    bench.portal.lookup = then_trouble
    started_s = time.monotonic()
    request = pb.LookUpAgainRequest(request_id=str(uuid.uuid4()), visit="visits/v1")
    with acting_as(CLERK, within_ms=5_000):
        looked_up = await bench.insurance.look_up_again(
            LookUpCommand(visit_id="v1", moment=Moment.END),
            key=bench.insurance.key("LookUpAgain", request),
            caller=CLERK,
        )

    assert looked_up.coverage.finding.outcome is Outcome.VALID
    assert looked_up.copayments is None
    assert time.monotonic() - started_s < 2 * BUDGET_S + SLACK_S


@pytest.mark.parametrize("mode", ["ok", "http_500", "html", "not_json", "reset", "status_401", "hung"])
async def test_no_secret_of_a_copayment_call_stands_in_a_span_or_a_log_line(bench: Bench, mode: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure("insurance", level="debug", stream=stream)
    root.setLevel(logging.DEBUG)
    await bench.http._default.login()
    bench.portal.mode = mode
    try:
        await bench.http.copayments(RUNG, facility=FACILITY, within_ms=500)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

    await asyncio.to_thread(bench.http._telemetry.flush)
    shown = stream.getvalue() + repr(bench.spans.rows)
    assert "portal.copayments" in shown
    assert scan(shown, [PASSWORD_HASH, "access-1", CITIZEN, NAME, "19999_BV", "099085000002"]) == []


def test_md5_is_used_by_the_portal_adapter_alone() -> None:
    root = Path(__file__).parents[2]
    users = [
        str(path.relative_to(root))
        for package in (
            "chassis",
            "standards",
            "identity_svc",
            "emr_svc",
            "insurance_svc",
            "payment_svc",
            "gateway",
            "cli",
        )
        for path in (root / package).rglob("*.py")
        if "hashlib.md5(" in path.read_text(encoding="utf-8")
    ]

    assert users == ["insurance_svc/external/portal_session.py"]


async def test_refusals_of_the_person_are_no_reason_to_open_the_breaker(bench: Bench) -> None:
    bench.portal.lookup = lambda _: refusal("050")

    for number in range(5):
        await bench.insurance.check(check_request(visit=f"visits/{number}"))

    assert bench.guard.state is State.CLOSED
