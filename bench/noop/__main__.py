"""`python -m bench.noop ROLE PORTS`: one process of the no-op topology; PORTS is JSON, port by role."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import grpc.aio
from aiohttp import web

from bench.noop import messages
from lienthong.emr.v1 import emr_pb2 as emr
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceStub
from lienthong.gateway.v1 import gateway_pb2 as gateway
from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceStub
from lienthong.insurance.v1 import insurance_pb2 as insurance
from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceStub
from lienthong.payment.v1 import payment_pb2 as payment
from lienthong.payment.v1.payment_pb2_grpc import PaymentServiceStub

LOOKUP_PATH = "/api/egw/KQNhanLichSuKCB2024"
CONNECTIONS_MAX = 16
"""As in insurance's own adapter."""
TIMEOUT_S = 5.0

# Any below: generated messages and grpc's context, which nobody here looks into.
Behaviour = Callable[[Any, Any], Awaitable[Any]]


def answering(answer: Any) -> Behaviour:
    """A method that gives the same answer to everybody."""

    async def behaviour(request: Any, context: Any) -> Any:
        return answer

    return behaviour


def insurance_behaviour(url: str) -> Behaviour:
    """CheckCoverage: ask the outside program once, answer the same to everybody."""
    answer = messages.check_coverage_response()
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX))

    async def check_coverage(request: Any, context: Any) -> Any:
        async with http.post(url, params=messages.PORTAL_QUERY, data=messages.PORTAL_BODY) as response:
            await response.read()
        return answer

    return check_coverage


def gateway_behaviour(ports: dict[str, int]) -> Behaviour:
    """CheckIn: one call, then three side by side, as in gateway/journeys/check_in.py."""
    channels = {
        role: grpc.aio.insecure_channel(f"127.0.0.1:{ports[role]}")
        for role in ("identity", "emr", "insurance", "payment")
    }
    verify_card: Any = IdentityServiceStub(channels["identity"]).VerifyCard
    open_visit: Any = VisitServiceStub(channels["emr"]).OpenVisit
    check_coverage: Any = CoverageServiceStub(channels["insurance"]).CheckCoverage
    open_bill: Any = PaymentServiceStub(channels["payment"]).OpenBill

    async def check_in(request: Any, context: Any) -> Any:
        verified = await verify_card(messages.verify_card_request(request.card_qr), timeout=TIMEOUT_S)
        async with asyncio.TaskGroup() as group:
            coverage = group.create_task(
                _of(check_coverage(messages.check_coverage_request(), timeout=TIMEOUT_S))
            )
            visit = group.create_task(_of(open_visit(messages.open_visit_request(), timeout=TIMEOUT_S)))
            bill = group.create_task(_of(open_bill(messages.open_bill_request(), timeout=TIMEOUT_S)))
        return gateway.CheckInResponse(
            view=gateway.VisitView(
                name=messages.visit_name(),
                visit=visit.result().visit,
                citizen=verified.citizen,
                coverage=coverage.result().coverage,
                bill=bill.result().bill,
                trace_code="7C9E-6679-7425-40DE",
                legs=messages.legs(),
            )
        )

    return check_in


async def _of(call: Awaitable[Any]) -> Any:
    return await call


def method_of(role: str, ports: dict[str, int]) -> tuple[str, str, type[Any], Behaviour]:
    """Full service name, method, request type and behaviour of a role."""
    match role:
        case "identity":
            answer = answering(messages.verify_card_response())
            return "lienthong.identity.v1.IdentityService", "VerifyCard", identity.VerifyCardRequest, answer
        case "emr":
            answer = answering(messages.open_visit_response())
            return "lienthong.emr.v1.VisitService", "OpenVisit", emr.OpenVisitRequest, answer
        case "payment":
            answer = answering(messages.open_bill_response())
            return "lienthong.payment.v1.PaymentService", "OpenBill", payment.OpenBillRequest, answer
        case "insurance":
            ask = insurance_behaviour(f"http://127.0.0.1:{ports['external']}{LOOKUP_PATH}")
            service = "lienthong.insurance.v1.CoverageService"
            return service, "CheckCoverage", insurance.CheckCoverageRequest, ask
        case _:
            check_in = gateway_behaviour(ports)
            return "lienthong.gateway.v1.GatewayService", "CheckIn", gateway.CheckInRequest, check_in


async def serve(role: str, ports: dict[str, int]) -> None:
    """Serve one gRPC role until the process is ended."""
    service, method, request_type, behaviour = method_of(role, ports)
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
        behaviour,
        request_deserializer=request_type.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    server.add_registered_method_handlers(service, {method: handler})
    server.add_insecure_port(f"127.0.0.1:{ports[role]}")
    await server.start()
    await server.wait_for_termination()


async def serve_outside(port: int) -> None:
    """The outside program: reads a body and answers the same bytes."""
    reply = messages.portal_reply()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=reply, content_type="application/json")

    app = web.Application()
    app.router.add_post(LOOKUP_PATH, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    """Run one process."""
    role, ports = sys.argv[1], json.loads(sys.argv[2])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_outside(ports[role]) if role == "external" else serve(role, ports))


if __name__ == "__main__":
    main()
