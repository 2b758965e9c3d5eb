"""Discharge: coverage looked at once more, cost split, bill issued, VietQR shown, record closed, claim begun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis.errors import DeadlineTooShort
from chassis.telemetry import Telemetry
from gateway.domain.ids import child_request_id
from gateway.journeys import judgements
from gateway.journeys.check_in import coverage_request
from gateway.journeys.claim import begin_claim
from gateway.journeys.legs import LEG_MS_MIN, Legs
from gateway.journeys.view import compose
from gateway.peers import Peers
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import claims_pb2 as claims
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment

T = TypeVar("T")

_INSURED = frozenset(
    {
        insurance.COVERAGE_OUTCOME_VALID,
        insurance.COVERAGE_OUTCOME_VALID_MANUAL,
        insurance.COVERAGE_OUTCOME_CARD_CHANGED,
    }
)
PORTAL_SHARE = 0.4
"""Part of the time left for asking the portal once more."""


async def discharge(request: pb.DischargeRequest, *, peers: Peers, telemetry: Telemetry) -> pb.VisitView:
    """End a visit.

    While coverage is unverified the split is provisional and no bill is issued: the patient is not asked for money
    that the fund may owe. The coverage is re-checked by itself, and another Discharge then ends the visit.

    Raises:
        AppError: VISIT_NOT_FOUND, and the refusal of a split, bill or close that cannot be done. Repeating the same
            request finishes what was begun and doubles nothing.
    """
    legs = Legs(telemetry)
    visit = (
        await _needed(
            legs,
            "visit",
            lambda timeout: peers.visits.GetVisit(emr.GetVisitRequest(name=request.visit), timeout=timeout),
        )
    ).visit
    known = await legs.run(
        "identity",
        lambda timeout: peers.identity.GetCitizen(
            identity.GetCitizenRequest(name=visit.citizen), timeout=timeout
        ),
    )
    citizen = known.citizen if known else None
    coverage = await _coverage_at_end(legs, request, citizen, peers)
    split = await _split(legs, request, visit, peers)
    bill: payment.Bill | None = None
    claim: claims.Claim | None = None
    if split.provisional:
        _wait_for_coverage(legs)
    else:
        bill = await _bill(legs, request, visit, split, peers)
        visit = await _close(legs, request, visit, peers)
        claim = await begin_claim(legs, request, peers)
    view = compose(
        request.visit, visit=visit, citizen=citizen, coverage=coverage, split=split, bill=bill, legs=legs
    )
    if claim is not None:
        view.claim.CopyFrom(claim)
    return view


async def _needed(legs: Legs, leg: str, call: Callable[[float], Awaitable[T]]) -> T:
    """Run a leg without which the journey cannot go on; its failure is the journey's."""
    answer = await legs.run(leg, call)
    if answer is None:
        raise legs.errors.get(leg) or DeadlineTooShort(0, LEG_MS_MIN)
    return answer


async def _coverage_at_end(
    legs: Legs, request: pb.DischargeRequest, citizen: identity.Citizen | None, peers: Peers
) -> insurance.Coverage | None:
    """The newest coverage; the portal is asked at the end of every insured visit, and where nothing is known yet.

    Source: Decree 188/2025/NĐ-CP art. 38 k2 and art. 21 k2, in force 15/08/2025; Circular 12/2026/TT-BTC art. 4: at
    arrival, during and at the end (both read in transcriptions). A portal that is not heard changes nothing.
    """
    found = await legs.run(
        "insurance",
        lambda timeout: peers.coverage.GetCoverage(
            insurance.GetCoverageRequest(visit=request.visit), timeout=timeout
        ),
        not_found=insurance.GetCoverageResponse(),
    )
    coverage = found.coverage if found and found.HasField("coverage") else None
    if coverage is not None and coverage.outcome in _INSURED:
        return await _look_up_at_end(legs, request, coverage, peers)
    if citizen is None or (
        coverage is not None and coverage.outcome != insurance.COVERAGE_OUTCOME_UNVERIFIED
    ):
        return coverage
    again = await legs.run(
        "insurance-at-end",
        lambda timeout: peers.coverage.CheckCoverage(
            coverage_request(
                request_id=child_request_id(request.request_id, "insurance-at-end"),
                visit=request.visit,
                citizen=citizen,
            ),
            timeout=timeout,
        ),
        share=PORTAL_SHARE,
        judge=judgements.of_coverage,
    )
    return again.coverage if again else coverage


async def _look_up_at_end(
    legs: Legs, request: pb.DischargeRequest, coverage: insurance.Coverage, peers: Peers
) -> insurance.Coverage:
    again = await legs.run(
        "insurance-at-end",
        lambda timeout: peers.coverage.LookUpAgain(
            insurance.LookUpAgainRequest(
                request_id=child_request_id(request.request_id, "insurance-at-end"),
                visit=request.visit,
                moment=insurance.LOOK_UP_MOMENT_END,
            ),
            timeout=timeout,
        ),
        share=PORTAL_SHARE,
        judge=judgements.of_look_up,
    )
    return again.coverage if again else coverage


async def _split(legs: Legs, request: pb.DischargeRequest, visit: emr.Visit, peers: Peers) -> insurance.Split:
    answer = await _needed(
        legs,
        "split",
        lambda timeout: peers.coverage.SplitCost(
            insurance.SplitCostRequest(
                request_id=child_request_id(request.request_id, "split"),
                visit=request.visit,
                visit_code=request.visit_code,
                inpatient=visit.kind == emr.VISIT_KIND_INPATIENT,
                emergency=visit.kind == emr.VISIT_KIND_EMERGENCY,
                lines=request.lines,
            ),
            timeout=timeout,
        ),
    )
    return answer.split


async def _bill(
    legs: Legs, request: pb.DischargeRequest, visit: emr.Visit, split: insurance.Split, peers: Peers
) -> payment.Bill:
    """Issue the bill from the split and, when the patient owes something, show a VietQR."""
    issued = await _needed(
        legs,
        "bill",
        lambda timeout: peers.payment.IssueBill(
            payment.IssueBillRequest(
                request_id=child_request_id(request.request_id, "bill"),
                visit=request.visit,
                citizen=visit.citizen,
                split=split.name,
                lines=[_bill_line(line) for line in split.lines],
            ),
            timeout=timeout,
        ),
    )
    if issued.bill.paid_vnd >= issued.bill.patient_vnd:
        return issued.bill
    with_intent = await legs.run(
        "intent",
        lambda timeout: peers.payment.CreateIntent(
            payment.CreateIntentRequest(
                request_id=child_request_id(request.request_id, "intent"), visit=request.visit
            ),
            timeout=timeout,
        ),
    )
    return with_intent.bill if with_intent else issued.bill


def _bill_line(line: insurance.SplitLine) -> payment.BillLine:
    return payment.BillLine(
        line_id=line.line_id,
        display_name=line.display_name,
        total_vnd=line.total_vnd,
        fund_vnd=line.fund_vnd,
        patient_vnd=line.copay_vnd + line.self_pay_vnd,
        other_funding_vnd=line.other_funding_vnd,
    )


async def _close(legs: Legs, request: pb.DischargeRequest, visit: emr.Visit, peers: Peers) -> emr.Visit:
    closed = await legs.run(
        "close",
        lambda timeout: peers.visits.CloseVisit(
            emr.CloseVisitRequest(
                request_id=child_request_id(request.request_id, "close"), visit=request.visit
            ),
            timeout=timeout,
        ),
    )
    return closed.visit if closed else visit


def _wait_for_coverage(legs: Legs) -> None:
    for leg in ("bill", "close"):
        legs.skip(
            leg,
            "COVERAGE_UNVERIFIED",
            "Chưa xác minh được BHYT nên chưa lập hóa đơn; hệ thống tự tra cứu lại, kết thúc lượt khám sau.",
            "Coverage is not verified, so no bill is issued; it is re-checked by itself, discharge again later.",
        )
