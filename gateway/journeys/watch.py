"""WatchVisit: the visit now, and again after each change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from chassis.rpc.context import remaining_ms
from chassis.telemetry import Telemetry
from gateway.journeys.view import read_visit
from gateway.peers import Peers
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment

_LAST_MS = 1_000
"""A watch ends by itself with this much of its deadline left, so that the client sees an end and not an error."""


async def watch_visit(
    name: str, *, peers: Peers, telemetry: Telemetry, poll_interval_ms: int
) -> AsyncIterator[pb.VisitView]:
    """Yield the view whenever it differs from the one before, until the visit is over or the deadline near.

    The services are asked again every `poll_interval_ms`: that is true over every replica and after every restart,
    which an in-process notice is not (docs/decisions/0009).
    """
    before: pb.VisitView | None = None
    while True:
        view = await read_visit(name, peers=peers, telemetry=telemetry)
        if before is None or _content(view) != _content(before):
            yield view
            before = view
        left_ms = remaining_ms()
        if _is_over(view) or (left_ms is not None and left_ms < _LAST_MS + poll_interval_ms):
            return
        await asyncio.sleep(poll_interval_ms / 1000)


def _content(view: pb.VisitView) -> bytes:
    """The view without how long each part took."""
    copy = pb.VisitView()
    copy.CopyFrom(view)
    for leg in copy.legs:
        leg.ClearField("duration_ms")
    ordered = sorted(copy.legs, key=lambda leg: leg.leg)
    del copy.legs[:]
    copy.legs.extend(ordered)
    return copy.SerializeToString(deterministic=True)


def _is_over(view: pb.VisitView) -> bool:
    return (
        view.visit.state == emr.VISIT_STATE_CLOSED
        and view.bill.state == payment.BILL_STATE_PAID
        and (view.bill.reconciled or view.bill.patient_vnd == 0)
    )
