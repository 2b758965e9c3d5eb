"""CheckIn: card to queue ticket, inside one deadline, whichever national system hangs."""

from __future__ import annotations

import asyncio

from chassis.errors import AppError, Kind, RequestIdReused
from chassis.telemetry import Telemetry
from gateway.domain.admission import check_admission
from gateway.domain.errors import AdmissionNotRecorded
from gateway.domain.ids import child_request_id, visit_id_of
from gateway.journeys import judgements
from gateway.journeys.legs import Legs
from gateway.journeys.view import compose
from gateway.peers import Peers
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.payment.v1 import payment_pb2 as payment

FIRST_ROOM = "KHAM-1"
IDENTITY_SHARE = 0.5
"""Part of the deadline for the identity leg; the register may use 40 % of that."""


async def check_in(
    request: pb.CheckInRequest, *, facility_code: str, peers: Peers, telemetry: Telemetry
) -> pb.VisitView:
    """Admit a citizen: verify the card, then look coverage up, open the visit and draft the bill side by side.

    Raises:
        AppError: a typed refusal of the caller, the card text or another field, REQUEST_ID_REUSED when a leg
            knows the id with another body, or VISIT_LEG_FAILED when no visit could be opened; repeating the same
            request finishes what was begun and doubles nothing.
    """
    check_admission(
        facility_code=facility_code, reason_text=request.reason_text, room=request.room or FIRST_ROOM
    )
    legs = Legs(telemetry)
    verified = await legs.run(
        "identity",
        lambda timeout: peers.identity.VerifyCard(
            identity.VerifyCardRequest(
                request_id=child_request_id(request.request_id, "identity"),
                card_qr=request.card_qr,
                facility_code=facility_code,
            ),
            timeout=timeout,
        ),
        share=IDENTITY_SHARE,
        judge=judgements.of_verification,
    )
    if verified is None:
        raise _refusal(legs, "identity")
    citizen = verified.citizen
    name = f"visits/{visit_id_of(request.request_id)}"
    async with asyncio.TaskGroup() as group:
        coverage_task = group.create_task(_coverage_leg(legs, request, name, citizen, peers))
        visit_task = group.create_task(_visit_leg(legs, request, name, citizen, peers))
        bill_task = group.create_task(_bill_leg(legs, request, name, citizen, peers))
    opened, coverage, bill = visit_task.result(), coverage_task.result(), bill_task.result()
    if (reused := _reused(legs)) is not None:
        raise reused
    if opened is None:
        raise _refusal(legs, "visit")
    return compose(
        name,
        visit=opened.visit,
        citizen=citizen,
        coverage=coverage.coverage if coverage else None,
        split=None,
        bill=bill.bill if bill else None,
        legs=legs,
    )


def _reused(legs: Legs) -> AppError | None:
    """The refusal of a leg that knows the request_id with another body: then the whole request is another one."""
    return next((error for error in legs.errors.values() if error.reason == RequestIdReused.reason), None)


def _refusal(legs: Legs, leg: str) -> AppError:
    """What the client is told when a leg without which there is no admission is missing."""
    error = legs.errors.get(leg)
    if error is not None and error.kind not in (Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL):
        return error
    return AdmissionNotRecorded(error.reason if error else "BUDGET_USED_UP")


async def _coverage_leg(
    legs: Legs, request: pb.CheckInRequest, name: str, citizen: identity.Citizen, peers: Peers
) -> insurance.CheckCoverageResponse | None:
    return await legs.run(
        "insurance",
        lambda timeout: peers.coverage.CheckCoverage(
            coverage_request(
                request_id=child_request_id(request.request_id, "insurance"),
                visit=name,
                citizen=citizen,
                self_pay=request.self_pay,
            ),
            timeout=timeout,
        ),
        judge=judgements.of_coverage,
    )


def coverage_request(
    *, request_id: str, visit: str, citizen: identity.Citizen, self_pay: bool = False
) -> insurance.CheckCoverageRequest:
    """What the insurer is asked about a citizen: the number, name and birth date that identity_svc holds."""
    number = next(
        (
            known.value
            for known in citizen.identifiers
            if known.kind == identity.IDENTIFIER_KIND_CITIZEN_NUMBER and not known.HasField("end_time")
        ),
        "",
    )
    return insurance.CheckCoverageRequest(
        request_id=request_id,
        visit=visit,
        citizen=citizen.name,
        identifier=number,
        full_name=citizen.full_name,
        birth_date=citizen.birth_date,
        self_pay=self_pay,
    )


async def _visit_leg(
    legs: Legs, request: pb.CheckInRequest, name: str, citizen: identity.Citizen, peers: Peers
) -> emr.OpenVisitResponse | None:
    return await legs.run(
        "visit",
        lambda timeout: peers.visits.OpenVisit(
            emr.OpenVisitRequest(
                request_id=child_request_id(request.request_id, "visit"),
                visit_id=name.removeprefix("visits/"),
                citizen=citizen.name,
                kind=request.kind or emr.VISIT_KIND_OUTPATIENT,
                reason_text=request.reason_text,
                room=request.room or FIRST_ROOM,
                priority_class=request.priority_class or emr.PRIORITY_CLASS_NORMAL,
            ),
            timeout=timeout,
        ),
    )


async def _bill_leg(
    legs: Legs, request: pb.CheckInRequest, name: str, citizen: identity.Citizen, peers: Peers
) -> payment.OpenBillResponse | None:
    return await legs.run(
        "bill",
        lambda timeout: peers.payment.OpenBill(
            payment.OpenBillRequest(
                request_id=child_request_id(request.request_id, "bill"), visit=name, citizen=citizen.name
            ),
            timeout=timeout,
        ),
    )
