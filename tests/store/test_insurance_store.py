"""Coverage, evidence, re-check and split on real stores: SQLite and PostgreSQL in turn."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from chassis import audit, outbox
from chassis.db import Tx, migrations
from chassis.db.schema_dump import dump_schema
from chassis.db.schema_rules import check_schema
from chassis.errors import AppError, OtherFacility, RequestIdReused
from chassis.rpc.context import Caller
from insurance_svc.domain.errors import (
    CoverageNotFound,
    EvidenceNotFound,
    SplitNotFound,
    VisitCodeUnknown,
    VisitOfOtherCitizen,
)
from insurance_svc.domain.model import Outcome
from insurance_svc.operations.recheck import FAILURES_KEPT_MAX
from tests.support.fake_portal import CARD, CITIZEN, NAME, refusal, reply
from tests.support.insurance import (
    CLERK,
    QUERIES_FILES,
    Insurance,
    check_request,
    cost_line,
    split_request,
)
from tests.support.stores import OpenStore, StoreMaker

ELSEWHERE = Caller(subject="persons/2", roles=frozenset({"CLERK"}), facility="19998", purpose="treatment")


@pytest.fixture
async def insurance(open_store: OpenStore, tmp_path: Path) -> Insurance:
    return Insurance(await open_store("insurance_svc", queries=QUERIES_FILES), tmp_path)


async def waiting(insurance: Insurance) -> list[outbox.QueuedMessage]:
    return await outbox.list_messages(insurance.db, state="waiting")


async def test_a_coverage_is_read_back_as_it_was_found(insurance: Insurance) -> None:
    made = await insurance.check()

    read = await insurance.read_coverage.newest("v1", CLERK)

    assert read == made
    assert read.finding.outcome is Outcome.VALID
    assert read.finding.card is not None
    assert read.finding.card.number == CARD
    assert read.check_number == 1
    assert len(read.evidence_ids) == 1


async def test_a_repeated_request_answers_the_same_coverage_without_asking(insurance: Insurance) -> None:
    request = check_request()
    first = await insurance.check(request)

    second = await insurance.check(request)

    assert second == first
    assert len(insurance.scripted.rungs) == 1


async def test_a_request_id_with_another_body_is_refused(insurance: Insurance) -> None:
    request = check_request()
    await insurance.check(request)
    request.full_name = "Lý Văn Bình"

    with pytest.raises(RequestIdReused):
        await insurance.check(request)


async def test_the_same_request_twice_at_once_makes_one_coverage(insurance: Insurance) -> None:
    request = check_request()

    made = await asyncio.gather(*(insurance.check(request) for _ in range(8)))

    assert {coverage.coverage_id for coverage in made} == {made[0].coverage_id}
    newest = await insurance.read_coverage.newest("v1", CLERK)
    assert newest.check_number == 1
    # Every call that really left is evidence, also those of the runs that lost.
    kept = await insurance.read_coverage.evidence_of("v1", CLERK)
    assert len(kept) == len(insurance.scripted.rungs)


async def test_two_checks_of_one_visit_at_once_get_two_numbers(insurance: Insurance) -> None:
    made = await asyncio.gather(*(insurance.check() for _ in range(5)))

    assert sorted(coverage.check_number for coverage in made) == [1, 2, 3, 4, 5]


async def test_self_pay_asks_nothing(insurance: Insurance) -> None:
    coverage = await insurance.check(check_request(self_pay=True, identifier="", full_name="", birth_date=""))

    assert coverage.finding.outcome is Outcome.SELF_PAY
    assert insurance.scripted.rungs == []
    assert coverage.evidence_ids == ()


async def test_the_raw_reply_is_kept_as_it_came_and_who_read_it_is_recorded(insurance: Insurance) -> None:
    coverage = await insurance.check()

    evidence = await insurance.read_coverage.evidence("v1", coverage.evidence_ids[0], CLERK)

    assert json.loads(evidence.call.reply) == reply()
    assert evidence.caller == CLERK.subject
    assert evidence.call.form == "citizen12/name-as-printed/date-full"
    entries = await insurance.db.read(lambda tx: audit.entries_of(tx, subject="c1"))
    assert [entry.action for entry in entries] == ["get_evidence", "check_coverage"]
    assert (await audit.verify(insurance.db)).is_intact


async def test_no_personal_value_stands_in_any_column(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    insurance.scripted.down = ""
    await insurance.check()
    await insurance.split()

    async def columns(tx: Tx) -> list[object]:
        visit = await tx.one("visit_read", visit_id="v1")
        assert visit is not None
        rows = [visit, *await tx.all("evidence_of_visit", citizen_id="c1", visit_id="v1", page_size=100)]
        for evidence in list(rows[1:]):
            rows.append(
                await tx.one(
                    "evidence_read", citizen_id="c1", visit_id="v1", evidence_id=evidence["evidence_id"]
                )
                or {}
            )
        rows.append(await tx.one("coverage_read", citizen_id="c1", coverage_id=visit["coverage_id"]) or {})
        rows.append(await tx.one("split_read", citizen_id="c1", split_id=visit["split_id"]) or {})
        return [value for row in rows for value in row.values()]

    values = await insurance.db.read(columns)

    shown = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in values)
    assert len(values) > 40
    for secret in (CITIZEN, NAME, "Nông", CARD, "0600000001", "1990-03-05", "Khám nội"):
        assert secret.encode() not in shown


async def test_an_outage_admits_unverified_with_the_failure_as_evidence(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_REFUSED"

    coverage = await insurance.check()

    assert coverage.finding.outcome is Outcome.UNVERIFIED
    assert coverage.finding.degraded_reason == "PORTAL_REFUSED"
    (evidence,) = await insurance.read_coverage.evidence_of("v1", CLERK)
    assert evidence.call.failure_reason == "PORTAL_REFUSED"
    (message,) = await waiting(insurance)
    assert (message.destination, message.order_key) == ("portal", "v1")


async def test_the_coverage_is_corrected_by_itself_and_the_split_with_it(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    before = await insurance.split()
    assert before.split.benefit.is_provisional
    assert before.split.patient_vnd == 1_000_000

    insurance.scripted.down = ""
    await insurance.worker.step()

    coverage = await insurance.read_coverage.newest("v1", CLERK)
    after = await insurance.split_cost.newest("v1", CLERK)
    assert (coverage.finding.outcome, coverage.check_number) == (Outcome.VALID, 2)
    assert not coverage.finding.needs_recheck
    assert (after.split_number, after.split.benefit.is_provisional) == (2, False)
    assert after.coverage_id == coverage.coverage_id
    assert after.split.fund_vnd == 1_000_000
    assert after.command == before.command
    assert await waiting(insurance) == []
    callers = [each.caller for each in await insurance.read_coverage.evidence_of("v1", CLERK)]
    assert callers == [CLERK.subject, "services/insurance"]


async def test_a_long_outage_never_parks_the_recheck(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()

    for _ in range(60):
        insurance.clock.advance(timedelta(seconds=6))
        await insurance.worker.step()

    (message,) = await waiting(insurance)
    assert message.attempt_count == 0
    kept = await insurance.read_coverage.evidence_of("v1", CLERK)
    assert len(kept) == FAILURES_KEPT_MAX
    assert (await insurance.read_coverage.newest("v1", CLERK)).check_number == 1


async def test_a_card_the_portal_cannot_read_is_asked_for_ever_more_seldom(insurance: Insurance) -> None:
    insurance.scripted.lookup = lambda _: refusal("100")
    await insurance.check()

    for _ in range(600):
        insurance.clock.advance(timedelta(seconds=6))
        await insurance.worker.step()

    # An hour in steps of six seconds: each wait is half the age, so tries grow with its logarithm.
    assert 5 < len(insurance.scripted.rungs) < 25
    (message,) = await waiting(insurance)
    assert message.attempt_count == 0


async def test_an_open_breaker_leaves_no_row_per_recheck(insurance: Insurance) -> None:
    insurance.scripted.down = "BREAKER_OPEN"
    await insurance.check()

    await insurance.worker.step()

    assert len(await insurance.read_coverage.evidence_of("v1", CLERK)) == 1
    assert len(await waiting(insurance)) == 1


async def test_a_configuration_fault_is_parked_for_the_operator_after_its_tries(
    insurance: Insurance,
) -> None:
    insurance.scripted.lookup = lambda _: refusal("054")
    coverage = await insurance.check()
    assert coverage.finding.degraded_reason == "STAFF_NOT_REGISTERED"

    for _ in range(4):
        insurance.clock.advance(timedelta(minutes=10))
        await insurance.worker.step()

    (parked,) = await outbox.list_messages(insurance.db, state="parked")
    assert parked.last_reason == "PORTAL_ANSWERED_BADLY"
    assert await waiting(insurance) == []


async def test_a_newer_check_makes_the_waiting_recheck_void(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    await insurance.check()
    insurance.scripted.down = ""
    await insurance.check()
    calls = len(insurance.scripted.rungs)

    await insurance.worker.step()

    assert len(insurance.scripted.rungs) == calls
    assert (await insurance.read_coverage.newest("v1", CLERK)).check_number == 2
    assert await waiting(insurance) == []


async def test_a_replayed_old_check_no_longer_says_that_a_recheck_waits(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    request = check_request()
    await insurance.check(request)
    insurance.scripted.down = ""
    await insurance.worker.step()

    again = await insurance.check(request)

    assert again.finding.outcome is Outcome.UNVERIFIED
    assert not again.finding.needs_recheck


async def test_a_bill_before_any_check_is_self_pay_and_corrected_by_the_check(insurance: Insurance) -> None:
    before = await insurance.split()
    assert (before.coverage_id, before.split.benefit.rule_id) == ("", "NOT_INSURED")

    await insurance.check()

    after = await insurance.split_cost.newest("v1", CLERK)
    assert after.split_number == 2
    assert after.split.fund_vnd == 1_000_000


async def test_a_split_is_read_back_as_it_was_computed_and_repeats_safely(insurance: Insurance) -> None:
    await insurance.check()
    request = split_request(cost_line(quantity="1.5", other_funding_vnd=100), visit_code="1.3")

    made = await insurance.split(request)
    again = await insurance.split(request)
    read = await insurance.split_cost.newest("v1", CLERK)

    assert made == again == read
    assert made.split_number == 1
    assert made.split.total_vnd == 1_500_000


async def test_a_correction_of_a_split_has_a_higher_number(insurance: Insurance) -> None:
    await insurance.split()

    second = await insurance.split(split_request(cost_line(unit_price_vnd=2_000_000)))

    assert second.split_number == 2


async def test_a_refused_split_leaves_nothing_behind(insurance: Insurance) -> None:
    request = split_request(visit_code="1.99")
    with pytest.raises(VisitCodeUnknown):
        await insurance.split(request)

    with pytest.raises(SplitNotFound):
        await insurance.split_cost.newest("v1", CLERK)
    with pytest.raises(VisitCodeUnknown):
        await insurance.split(request)


async def test_a_coverage_is_kept_when_its_old_bill_cannot_be_computed_again(insurance: Insurance) -> None:
    insurance.scripted.down = "PORTAL_TIMEOUT"
    day = date(2014, 6, 1).isoformat()
    await insurance.check(check_request(service_date=day))
    before = await insurance.split(split_request(service_date=day))
    insurance.scripted.down = ""
    insurance.scripted.lookup = lambda _: reply(gtTheTu="01/01/2014")

    await insurance.worker.step()

    # No rule is known for a visit before 2015: the cashier decides.
    assert (await insurance.read_coverage.newest("v1", CLERK)).finding.outcome is Outcome.VALID
    assert (await insurance.split_cost.newest("v1", CLERK)) == before


async def test_another_facility_sees_nothing_of_a_visit(insurance: Insurance) -> None:
    coverage = await insurance.check()
    await insurance.split()

    with pytest.raises(CoverageNotFound):
        await insurance.read_coverage.newest("v1", ELSEWHERE)
    with pytest.raises(EvidenceNotFound):
        await insurance.read_coverage.evidence("v1", coverage.evidence_ids[0], ELSEWHERE)
    with pytest.raises(SplitNotFound):
        await insurance.split_cost.newest("v1", ELSEWHERE)
    assert await insurance.read_coverage.evidence_of("v1", ELSEWHERE) == []
    with pytest.raises(OtherFacility):
        await insurance.check(caller=ELSEWHERE)
    with pytest.raises(OtherFacility):
        await insurance.split(caller=ELSEWHERE)
    assert len(insurance.scripted.rungs) == 1


async def test_a_visit_takes_no_second_citizen_and_the_portal_is_not_troubled(insurance: Insurance) -> None:
    await insurance.check()

    with pytest.raises(VisitOfOtherCitizen):
        await insurance.check(check_request(citizen="citizens/c2"))

    assert len(insurance.scripted.rungs) == 1


async def test_evidence_of_another_visit_is_not_there(insurance: Insurance) -> None:
    coverage = await insurance.check()
    await insurance.check(check_request(visit="visits/v2"))

    with pytest.raises(EvidenceNotFound):
        await insurance.read_coverage.evidence("v2", coverage.evidence_ids[0], CLERK)


async def test_two_thousand_lines_are_split_and_read_back(insurance: Insurance) -> None:
    await insurance.check()
    lines = [cost_line(line_id=str(number), unit_price_vnd=1_000_003) for number in range(2_000)]

    made = await insurance.split(split_request(*lines))

    assert made.split.total_vnd == 2_000 * 1_000_003
    assert await insurance.split_cost.newest("v1", CLERK) == made


async def test_a_write_without_a_request_id_is_refused(insurance: Insurance) -> None:
    with pytest.raises(AppError) as caught:
        await insurance.check(check_request(request_id=""))

    assert caught.value.reason == "REQUEST_ID_REQUIRED"


async def test_the_schema_equals_the_sum_of_its_migrations(
    store_engine: str, store_maker: StoreMaker
) -> None:
    migrated = await store_maker.migrated_url(store_engine, "insurance_svc")
    fresh = await store_maker.empty_url(store_engine)
    await migrations.apply_schema(fresh, package="insurance_svc")

    assert await dump_schema(migrated) == await dump_schema(fresh)


def test_the_schema_can_be_spread_over_machines() -> None:
    assert check_schema(migrations.schema_sql("insurance_svc")) == []
