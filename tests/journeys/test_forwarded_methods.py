"""What a service annotates for clients is served by the gateway, to the roles it names and to nobody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from chassis.rpc.access import policy_of
from gateway.forwarding import FORWARDED, is_for_clients
from gateway.http.api.bindings import bindings_of
from gateway.server import OWN_SERVICE
from tests.support.edge import Edge, open_edge
from tests.support.fronts import Held

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROLES = ("citizen", "clerk", "clinician", "cashier", "steward", "operator", "auditor", "kiosk")
SERVICES = [service for group in FORWARDED.values() for service in group]
METHODS = [method for service in SERVICES for method in service.methods]
DEADLINE_S = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite")))
    await held.leave()


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


async def outcome(channel: grpc.aio.Channel, method: MethodDescriptor, token: str) -> str:
    """The reason of the refusal of an empty request, or OK."""
    request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    metadata = (("authorization", f"Bearer {token}"),)

    async def nothing() -> AsyncIterator[Any]:
        for _ in ():
            yield request()

    try:
        if method.server_streaming:
            stream = channel.unary_stream(path_of(method), request.SerializeToString, answer.FromString)
            call: Any = stream(request(), timeout=DEADLINE_S, metadata=metadata)
            async for _ in call:
                break
        elif method.client_streaming:
            sent = channel.stream_unary(path_of(method), request.SerializeToString, answer.FromString)
            await sent(nothing(), timeout=DEADLINE_S, metadata=metadata)
        else:
            one = channel.unary_unary(path_of(method), request.SerializeToString, answer.FromString)
            await one(request(), timeout=DEADLINE_S, metadata=metadata)
    except grpc.aio.AioRpcError as refused:
        trailers = str(refused.trailing_metadata())
        if refused.code() is grpc.StatusCode.UNIMPLEMENTED:
            return "UNIMPLEMENTED"
        return "ROLE_NOT_ALLOWED" if "ROLE_NOT_ALLOWED" in trailers else refused.code().name
    return "OK"


@pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: f"{method.containing_service.name}.{method.name}"
)
async def test_a_method_is_open_to_its_roles_and_to_nobody_else(edge: Edge, method: MethodDescriptor) -> None:
    policy = policy_of(path_of(method))
    assert policy is not None
    async with grpc.aio.insecure_channel(edge.fronts.grpc.target) as channel:
        found = {role: await outcome(channel, method, await edge.token(role)) for role in ROLES}

    if not is_for_clients(method):
        assert set(found.values()) == {"UNIMPLEMENTED"}
        return
    allowed = {role for role in ROLES if {"kiosk": "DEVICE"}.get(role, role.upper()) in policy.roles}
    assert {role for role, reason in found.items() if reason != "ROLE_NOT_ALLOWED"} == allowed
    assert not {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "UNAVAILABLE"} & set(found.values()), found


async def test_no_two_methods_share_an_address() -> None:
    bindings = [binding for service in (OWN_SERVICE, *SERVICES) for binding in bindings_of(service)]
    seen = Counter((binding.verb, binding.route) for binding in bindings)

    assert [address for address, count in seen.items() if count > 1] == []
