"""Composes what is known of one visit from the services, marking what could not be had."""

from __future__ import annotations

import asyncio

from chassis.telemetry import Telemetry
from gateway.domain.ids import visit_id_in
from gateway.journeys.legs import Legs
from gateway.peers import Peers
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment
from standards.trace_code import trace_code


async def read_visit(name: str, *, peers: Peers, telemetry: Telemetry) -> pb.VisitView:
    """Read the parts of a visit side by side.

    Raises:
        AppError: VISIT_NOT_FOUND and other refusals of emr_svc; an unreachable service only leaves its part out.
    """
    legs = Legs(telemetry)
    async with asyncio.TaskGroup() as group:
        visit_task = group.create_task(
            legs.run(
                "visit",
                lambda timeout: peers.visits.GetVisit(emr.GetVisitRequest(name=name), timeout=timeout),
            )
        )
        coverage_task = group.create_task(
            legs.run(
                "insurance",
                lambda timeout: peers.coverage.GetCoverage(
                    insurance.GetCoverageRequest(visit=name), timeout=timeout
                ),
                not_found=insurance.GetCoverageResponse(),
            )
        )
        split_task = group.create_task(
            legs.run(
                "split",
                lambda timeout: peers.coverage.GetSplit(
                    insurance.GetSplitRequest(visit=name), timeout=timeout
                ),
                not_found=insurance.GetSplitResponse(),
            )
        )
        bill_task = group.create_task(
            legs.run(
                "bill",
                lambda timeout: peers.payment.GetBill(payment.GetBillRequest(visit=name), timeout=timeout),
                not_found=payment.GetBillResponse(),
            )
        )
    visit_answer, coverage, split, bill = (
        visit_task.result(),
        coverage_task.result(),
        split_task.result(),
        bill_task.result(),
    )
    if (
        visit_answer is None
        and (refused := legs.errors.get("visit")) is not None
        and not _unreachable(refused)
    ):
        raise refused
    citizen = await _read_citizen(legs, peers, visit_answer, bill)
    return compose(
        name,
        visit=visit_answer.visit if visit_answer else None,
        citizen=citizen,
        coverage=coverage.coverage if coverage and coverage.HasField("coverage") else None,
        split=split.split if split and split.HasField("split") else None,
        bill=bill.bill if bill and bill.HasField("bill") else None,
        legs=legs,
    )


def compose(
    name: str,
    *,
    visit: emr.Visit | None,
    citizen: identity.Citizen | None,
    coverage: insurance.Coverage | None,
    split: insurance.Split | None,
    bill: payment.Bill | None,
    legs: Legs,
) -> pb.VisitView:
    """Put the parts that are there into one view."""
    visit_id = visit_id_in(name)
    assert visit_id is not None, "callers check the name"
    return pb.VisitView(
        name=name,
        visit=visit,
        citizen=citizen,
        coverage=coverage,
        split=split,
        bill=bill,
        trace_code=trace_code(visit_id),
        legs=legs.ended,
    )


async def _read_citizen(
    legs: Legs, peers: Peers, visit: emr.GetVisitResponse | None, bill: payment.GetBillResponse | None
) -> identity.Citizen | None:
    citizen_name = (visit.visit.citizen if visit else "") or (bill.bill.citizen if bill else "")
    if not citizen_name:
        legs.skip(
            "identity", "CITIZEN_UNKNOWN", "Chưa biết người bệnh là ai.", "Who the patient is, is not known."
        )
        return None
    answer = await legs.run(
        "identity",
        lambda timeout: peers.identity.GetCitizen(
            identity.GetCitizenRequest(name=citizen_name), timeout=timeout
        ),
    )
    return answer.citizen if answer else None


def _unreachable(error: Exception) -> bool:
    kind = getattr(error, "kind", None)
    return kind is not None and kind.value in {"UNAVAILABLE", "DEADLINE", "EXHAUSTED"}
