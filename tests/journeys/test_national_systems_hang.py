"""CheckIn answers inside its deadline whichever national system, or service of ours, does not; spans show it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from itertools import count

import pytest
import pytest_asyncio

from chassis.telemetry.records import SpanRow
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from station.demo.patients import LINES
from tests.support.edge import Edge, open_edge
from tests.support.fronts import Held, Refused, refusal
from tests.support.services_down import down

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_fronts = pytest.mark.parametrize("front", ["grpc", "http"])

LEGS = {"identity", "insurance", "visit", "bill"}
LEG_MS_MIN = 140
"""The least a leg may be started with (gateway.journeys.legs); by hand, so that a change is seen."""
LATE_MS = 150
"""How late a loaded machine may wake a timer."""
PAUSE_S = "1"
FAILURES = 20
"""In a row, before a national system is left alone."""
_offsets = count(1)

REGISTRY = {
    "hung": "REGISTER_TIMEOUT",
    "slow": "REGISTER_TIMEOUT",
    "down": "REGISTER_UNREACHABLE",
    "reset": "REGISTER_UNREACHABLE",
    "html": "REGISTER_ANSWER_GARBLED",
    "truncated": "REGISTER_ANSWER_GARBLED",
    "error500": "REGISTER_ERROR",
}
PORTAL = {
    "hung": "PORTAL_TIMEOUT",
    "slow": "PORTAL_TIMEOUT",
    "down": "PORTAL_REFUSED",
    "reset": "PORTAL_RESET",
    "html": "PORTAL_HTML",
    "truncated": "PORTAL_NOT_JSON",
    "error500": "PORTAL_HTTP_ERROR",
}
CASES = [*((mode, 2_500) for mode in REGISTRY), ("hung", 5_000), ("down", 5_000)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    pauses = {"IDENTITY_REGISTER_PAUSE_S": PAUSE_S, "INSURANCE_PORTAL_PAUSE_S": PAUSE_S}
    # Re-checks of earlier tests fail in the background too; the breaker they would open has tests of its own.
    pauses |= {"IDENTITY_REGISTER_FAILURES": str(FAILURES), "INSURANCE_PORTAL_FAILURES": str(FAILURES)}
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite"), more=pauses))
    await held.leave()


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def healed(edge: Edge) -> AsyncIterator[None]:
    """Every test begins and ends with all systems up and every breaker closed."""
    yield
    await edge.desk.sandbox.clear()
    until = time.monotonic() + 10
    while states(await admit(edge, 5_000)) != dict.fromkeys(LEGS, "DONE"):
        assert time.monotonic() < until, "not healed"


async def admit(edge: Edge, deadline_ms: int, *, front: str = "grpc") -> pb.VisitView:
    """Admit a citizen whom nobody has asked about yet."""
    card_qr = await edge.desk.card_of("clean", offset=next(_offsets))
    request = await edge.admission(card_qr=card_qr)
    started = time.monotonic()
    answer = await edge.front(front).call(
        "CheckIn", request, token=await edge.token(), deadline_ms=deadline_ms
    )
    assert (time.monotonic() - started) * 1000 < deadline_ms
    view: pb.VisitView = answer.view
    return view


def states(view: pb.VisitView) -> dict[str, str]:
    """How each leg ended."""
    return {leg.leg: pb.LegState.Name(leg.state).removeprefix("LEG_STATE_") for leg in view.legs}


def leg_of(view: pb.VisitView, name: str) -> pb.Leg:
    """One leg."""
    (found,) = [leg for leg in view.legs if leg.leg == name]
    return found


def assert_admitted(view: pb.VisitView) -> None:
    """Whatever was not heard, the citizen has a ticket, and each leg that is not done says what to do."""
    assert view.visit.ticket.number >= 1
    assert view.visit.state == emr.VISIT_STATE_OPEN
    for leg in view.legs:
        if leg.state != pb.LEG_STATE_DONE:
            assert leg.reason
            assert leg.message_vi
            assert leg.message_en
            assert leg.message_vi != leg.message_en


def ms_after(root: SpanRow, span: SpanRow) -> tuple[float, float]:
    """When a span began and ended after the root began, milliseconds."""
    began = (span.start_ns - root.start_ns) / 1e6
    return began, began + span.duration_ns / 1e6


def roots_of(spans: Sequence[SpanRow]) -> list[SpanRow]:
    """The spans of the CheckIn calls at the gateway's front, in order."""
    found = [span for span in spans if span.name.endswith("GatewayService/CheckIn") and not span.parent_id]
    return sorted(found, key=lambda span: span.start_ns)


def below(spans: Sequence[SpanRow], top: SpanRow) -> list[SpanRow]:
    """The spans that another one, or what it began, began."""
    inside = {top.span_id}
    for span in sorted(spans, key=lambda span: span.start_ns):
        if span.parent_id in inside:
            inside.add(span.span_id)
    return [span for span in spans if span.span_id in inside and span is not top]


def assert_spans_inside(spans: Sequence[SpanRow], deadline_ms: int) -> None:
    """Each leg began with enough of the deadline left, kept to its budget, and ended before the deadline."""
    (root,) = roots_of(spans)
    legs = {
        span.name.removeprefix("leg."): span for span in below(spans, root) if span.name.startswith("leg.")
    }
    assert set(legs) == LEGS
    assert root.duration_ns / 1e6 < deadline_ms
    for name, leg in legs.items():
        began_ms, ended_ms = ms_after(root, leg)
        budget_ms = int(leg.attributes["deadline_ms"])
        assert began_ms + LEG_MS_MIN <= deadline_ms, name
        assert budget_ms >= LEG_MS_MIN, name
        assert began_ms + budget_ms <= deadline_ms, name
        assert ended_ms - began_ms <= budget_ms + LATE_MS, name
        assert ended_ms <= deadline_ms, name
        for span in below(spans, leg):
            assert ms_after(root, span)[1] <= deadline_ms, span.name
            if span.name in ("registry.verify", "portal.lookup"):
                # 40 % of what the leg had left is the national system's; the rest is for the degraded answer.
                assert span.duration_ns / 1e6 <= 0.4 * budget_ms + LATE_MS, span.name


async def spans_of(edge: Edge, view: pb.VisitView, *, without: str = "") -> list[SpanRow]:
    """The spans of an admission, all of them."""
    services = {"identity", "emr", "insurance", "payment"} - {without}

    def are_here(spans: list[SpanRow]) -> bool:
        # A service's own span ends after what is in it, and is written after it.
        return bool(roots_of(spans)) and services <= {span.service for span in spans if span.kind == "server"}

    return await edge.spans(view.name.removeprefix("visits/"), until=are_here)


@pytest.mark.parametrize(("mode", "deadline_ms"), CASES)
async def test_with_the_register_in_trouble_the_citizen_is_admitted_unverified(
    edge: Edge, mode: str, deadline_ms: int
) -> None:
    await edge.desk.sandbox.set_fault("registry", mode)

    view = await admit(edge, deadline_ms)

    assert_admitted(view)
    assert states(view) == {"identity": "DEGRADED", "insurance": "DONE", "visit": "DONE", "bill": "DONE"}
    assert leg_of(view, "identity").reason == REGISTRY[mode]
    assert view.citizen.verification.outcome == identity.VERIFICATION_OUTCOME_UNVERIFIED
    assert view.citizen.verification.recheck_pending
    assert view.coverage.outcome == insurance.COVERAGE_OUTCOME_VALID
    assert_spans_inside(await spans_of(edge, view), deadline_ms)


@pytest.mark.parametrize(("mode", "deadline_ms"), CASES)
async def test_with_the_portal_in_trouble_the_citizen_is_admitted_with_evidence_of_it(
    edge: Edge, mode: str, deadline_ms: int
) -> None:
    await edge.desk.sandbox.set_fault("portal", mode)

    view = await admit(edge, deadline_ms)

    assert_admitted(view)
    assert states(view) == {"identity": "DONE", "insurance": "DEGRADED", "visit": "DONE", "bill": "DONE"}
    assert leg_of(view, "insurance").reason == PORTAL[mode]
    assert view.coverage.outcome == insurance.COVERAGE_OUTCOME_UNVERIFIED
    assert view.coverage.recheck_pending
    assert view.coverage.evidence
    assert_spans_inside(await spans_of(edge, view), deadline_ms)


@pytest.mark.parametrize(("front", "deadline_ms"), [("grpc", 2_500), ("http", 5_000)])
async def test_with_every_national_system_hung_at_once_the_citizen_is_admitted(
    edge: Edge, front: str, deadline_ms: int
) -> None:
    for system in ("registry", "portal", "bank", "oidc"):
        await edge.desk.sandbox.set_fault(system, "hung")

    view = await admit(edge, deadline_ms, front=front)

    assert_admitted(view)
    assert states(view) == {"identity": "DEGRADED", "insurance": "DEGRADED", "visit": "DONE", "bill": "DONE"}
    assert_spans_inside(await spans_of(edge, view), deadline_ms)


@both_fronts
@pytest.mark.parametrize("mode", ["down", "hung", "html"])
async def test_with_the_issuer_in_trouble_whoever_is_signed_in_goes_on(
    edge: Edge, front: str, mode: str
) -> None:
    fresh = await edge.desk.sandbox.token("clerk")
    await edge.desk.sandbox.set_fault("oidc", mode)

    # A token the gateway has never seen: the keys it fetched before are enough.
    answer = await edge.front(front).call("CheckIn", await edge.admission(), token=fresh)

    assert set(states(answer.view).values()) == {"DONE"}


async def test_a_slow_register_inside_its_budget_is_waited_for(edge: Edge) -> None:
    await edge.desk.sandbox.set_fault("registry", "slow", delay_ms=250)

    view = await admit(edge, 5_000)

    assert states(view) == dict.fromkeys(LEGS, "DONE")
    assert leg_of(view, "identity").duration_ms >= 250


@pytest.mark.parametrize("deadline_ms", [250, 320, 420, 700, 1_000])
async def test_however_short_the_deadline_no_leg_begins_without_its_time(
    edge: Edge, deadline_ms: int
) -> None:
    for system in ("registry", "portal"):
        await edge.desk.sandbox.set_fault(system, "hung")
    request = await edge.admission(card_qr=await edge.desk.card_of("clean", offset=next(_offsets)))
    started = time.monotonic()
    reason = ""
    try:
        await edge.fronts.grpc.call("CheckIn", request, token=await edge.token(), deadline_ms=deadline_ms)
    except Refused as refused:
        reason = refused.refusal.reason
    took_ms = (time.monotonic() - started) * 1000

    assert reason in ("VISIT_LEG_FAILED", "DEADLINE_TOO_SHORT", "DEADLINE_PASSED", "")
    assert took_ms < deadline_ms + LATE_MS
    await edge.desk.sandbox.clear()
    whole = await edge.fronts.grpc.call("CheckIn", request, token=await edge.token(), deadline_ms=5_000)
    spans = await edge.spans(
        whole.view.name.removeprefix("visits/"), until=lambda found: len(roots_of(found)) == 2
    )
    first = roots_of(spans)[0]
    legs = [span for span in below(spans, first) if span.name.startswith("leg.")]
    for leg in legs:
        assert ms_after(first, leg)[0] + LEG_MS_MIN <= deadline_ms, leg.name
        assert int(leg.attributes["deadline_ms"]) >= LEG_MS_MIN, leg.name


async def test_a_register_that_failed_often_is_left_alone_and_costs_no_time(edge: Edge) -> None:
    await edge.desk.sandbox.set_fault("registry", "down")
    for _ in range(FAILURES):
        await admit(edge, 2_500)
    await edge.desk.sandbox.set_fault("registry", "none")
    await edge.desk.sandbox.set_fault("registry", "hung")
    await edge.desk.sandbox.reset_calls()

    view = await admit(edge, 2_500)

    assert leg_of(view, "identity").reason == "REGISTER_LEFT_ALONE"
    assert leg_of(view, "identity").duration_ms < 400
    assert (await edge.desk.sandbox.calls())["registry"] == {}


@both_fronts
@pytest.mark.parametrize("service", ["identity", "emr"])
async def test_without_identity_or_the_record_nobody_is_admitted_and_a_repeat_finishes_it(
    edge: Edge, front: str, service: str
) -> None:
    request = await edge.admission(card_qr=await edge.desk.card_of("clean", offset=next(_offsets)))
    token = await edge.token()
    before = edge.row_counts()
    with down(edge.box, service):
        refused = await refusal(edge.front(front).call("CheckIn", request, token=token))
    after = edge.row_counts()

    assert (refused.kind, refused.reason) == ("UNAVAILABLE", "VISIT_LEG_FAILED")
    assert refused.facts == {"cause": "PEER_UNAVAILABLE"}
    assert refused.message_vi
    if front == "http":
        assert b"'Retry-After': '1'" in refused.raw
    if service == "identity":
        assert after["insurance.coverage_by_visit_lookup"] == before["insurance.coverage_by_visit_lookup"]
        assert after["payment.bill"] == before["payment.bill"]
    assert {name for name in after if after[name] != before[name] and name.startswith("emr.")} == set()

    first = (await edge.front(front).call("CheckIn", request, token=token)).view
    again = (await edge.front(front).call("CheckIn", request, token=token)).view
    assert states(first) == dict.fromkeys(LEGS, "DONE")
    assert (again.visit, again.coverage, again.bill) == (first.visit, first.coverage, first.bill)
    after_all = edge.row_counts()
    # The same journey once and without trouble stores as much: nothing was doubled.
    clean_before = edge.row_counts()
    await admit(edge, 5_000)
    clean = {name: rows - clean_before[name] for name, rows in edge.row_counts().items()}
    for name in (
        "identity.citizen",
        "identity.verification",
        "emr.visit",
        "emr.visit_lookup",
        "insurance.coverage_by_visit_lookup",
        "payment.bill",
    ):
        assert after_all[name] - before[name] == clean[name] == 1, name


@both_fronts
@pytest.mark.parametrize(("service", "leg"), [("insurance", "insurance"), ("payment", "bill")])
async def test_without_insurance_or_payment_the_citizen_is_admitted_and_discharged_later(
    edge: Edge, front: str, service: str, leg: str
) -> None:
    with down(edge.box, service):
        view = await admit(edge, 2_500, front=front)
        refused = await refusal(
            edge.front(front).call(
                "Discharge",
                pb.DischargeRequest(request_id=str(uuid.uuid4()), visit=view.name, lines=LINES),
                token=await edge.token("cashier"),
            )
        )

    assert_admitted(view)
    assert states(view) == dict.fromkeys(LEGS, "DONE") | {leg: "FAILED"}
    assert leg_of(view, leg).reason == "PEER_UNAVAILABLE"
    assert not view.HasField("coverage" if service == "insurance" else "bill")
    assert_spans_inside(await spans_of(edge, view, without=service), 2_500)
    assert (refused.kind, refused.reason) == ("UNAVAILABLE", "PEER_UNAVAILABLE")
    assert refused.facts == {"service": service}

    assert (await edge.desk.read(view.name)).visit.state == emr.VISIT_STATE_OPEN
    ended = await edge.desk.discharge(view.name, LINES)
    assert ended.coverage.outcome == insurance.COVERAGE_OUTCOME_VALID
    assert ended.bill.state == payment.BILL_STATE_ISSUED
    assert ended.visit.state == emr.VISIT_STATE_CLOSED


@both_fronts
@pytest.mark.parametrize(
    ("service", "lost"),
    [
        ("identity", {"identity"}),
        ("emr", {"visit"}),
        ("insurance", {"insurance", "split"}),
        ("payment", {"bill"}),
    ],
)
async def test_a_visit_is_read_without_the_part_whose_service_is_down(
    edge: Edge, front: str, service: str, lost: set[str]
) -> None:
    admitted = await admit(edge, 5_000)
    await edge.desk.discharge(admitted.name, LINES)

    with down(edge.box, service):
        answer = await edge.front(front).call(
            "GetVisit", pb.GetVisitRequest(name=admitted.name), token=await edge.token()
        )

    seen = states(answer.view)
    assert {name for name, state in seen.items() if state == "FAILED"} == lost
    assert {name for name, state in seen.items() if state == "DONE"} == set(seen) - lost
    assert all(leg.message_vi and leg.message_en for leg in answer.view.legs if leg.leg in lost)
