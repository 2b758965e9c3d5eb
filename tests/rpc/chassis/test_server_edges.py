"""What only a real server has: health, limits, drain, retries and malformed bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from chassis.errors import AppError, Kind
from chassis.rpc.context import acting_as
from chassis.rpc.dial import dial, service_config
from chassis.rpc.errors import decode
from chassis.rpc.server import Limits, Server
from tests.support.echo_network import Keys, Network
from tests.support.echo_service import (
    SERVICE,
    EchoReply,
    EchoRequest,
    EchoStub,
    WriteRequest,
    bindings_of,
)

UUID = "7f3b2c66-5a2e-4c58-9b2a-0d5f4f3b2a11"


@pytest.fixture
async def real(keys: Keys):
    network = Network("grpc", keys)
    yield network
    await network.stop()
    network.telemetry.close()


async def test_health_turns_to_not_serving_before_the_server_goes(real, keys):
    await real.start()
    server = real.server
    server._drain_ms = 300
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as raw:
        health = health_pb2_grpc.HealthStub(raw)
        before = await health.Check(health_pb2.HealthCheckRequest(service=SERVICE))
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.05)
        during = await health.Check(health_pb2.HealthCheckRequest())
        await stopping

    assert before.status == health_pb2.HealthCheckResponse.SERVING
    assert during.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_running_call_gets_its_grace_at_the_stop(real, keys):
    stub = await real.start()
    began = asyncio.Event()

    async def slow(request):
        began.set()
        await asyncio.sleep(0.1)
        return EchoReply(text="done")

    real.servicer.on_call = slow
    with acting_as(keys.caller()):
        call = asyncio.create_task(stub.Echo(EchoRequest(), timeout=2))
        await began.wait()
        await real.server.stop()

    assert (await call).text == "done"


async def test_reflection_lists_the_services(real):
    await real.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{real.server.port}") as raw:
        stub = reflection_pb2_grpc.ServerReflectionStub(raw)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = [reply async for reply in stub.ServerReflectionInfo(iter([asked]))]

    names = {service.name for service in answer[0].list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_a_foreign_call_without_a_deadline_is_refused(real, keys):
    await real.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{real.server.port}") as raw:
        call = raw.unary_unary(f"/{SERVICE}/Open")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")

    error = decode(caught.value, peer="echo")
    assert (error.kind, error.reason) == (Kind.INVALID_ARGUMENT, "DEADLINE_REQUIRED")


async def test_bytes_that_are_no_message_are_refused_and_the_server_lives(real, keys):
    stub = await real.start()
    headers = (("authorization", f"Bearer {keys.caller().token}"),)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{real.server.port}") as raw:
        call = raw.unary_unary(f"/{SERVICE}/Echo")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"\xff\xff\xff\xff", timeout=2, metadata=headers)

    error = decode(caught.value, peer="echo")
    assert (error.kind, error.reason) == (Kind.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    with acting_as(keys.caller()):
        assert (await stub.Echo(EchoRequest(text="alive"), timeout=2)).text == "alive"


async def test_an_overloaded_server_refuses_quickly_and_serves_the_rest(real, keys):
    """With far more calls than the cap most are refused at once as overload, and none is lost otherwise."""
    stub = await real.start(Limits(max_pending_calls=4))
    outcomes: Counter[str] = Counter()
    refusals_ms: list[float] = []
    kinds: set[Kind] = set()

    async def one() -> None:
        began = time.monotonic()
        try:
            await stub.Write(WriteRequest(request_id=UUID), timeout=4)
            outcomes["served"] += 1
        except AppError as error:
            outcomes[error.reason] += 1
            kinds.add(error.kind)
            refusals_ms.append((time.monotonic() - began) * 1000)

    with acting_as(keys.caller()):
        await asyncio.gather(*(one() for _ in range(600)))

    assert outcomes["served"] > 0
    assert outcomes["OVERLOADED"] > 100, "the private caps do nothing in this grpcio"
    assert set(outcomes) <= {"served", "OVERLOADED", "BREAKER_OPEN"}
    assert kinds == {Kind.UNAVAILABLE}
    assert max(refusals_ms) < 2_000
    assert outcomes["served"] == real.servicer.calls


async def test_a_burst_below_the_caps_is_served_whole(real, keys):
    """Streams above the core's limit are refused, not queued, so the limit stands far above any burst."""
    stub = await real.start(Limits(max_pending_calls=2_000))
    with acting_as(keys.caller()):
        replies = await asyncio.gather(
            *(stub.Write(WriteRequest(request_id=UUID), timeout=5) for _ in range(600))
        )

    assert len(replies) == 600


async def test_a_long_stream_outlives_the_age_of_its_connection(real, keys):
    stub = await real.start(Limits(connection_age_ms=200, connection_age_grace_ms=100))

    async def slow(request):
        for number in range(8):
            yield EchoReply(count=number)
            await asyncio.sleep(0.15)

    real.servicer.on_count = slow
    with acting_as(keys.caller()):
        replies = [reply.count async for reply in stub.Count(EchoRequest(), timeout=4)]

    assert replies == list(range(8))


def test_the_limits_are_the_ones_that_were_measured():
    options = dict(Limits(max_pending_calls=64).options())

    assert options["grpc.so_reuseport"] == 0
    assert options["grpc.server.max_pending_requests"] == 64
    assert options["grpc.server.max_pending_requests_hard_limit"] == 128
    # Four times the limit is taken off the wire, so that what is too large is refused with a reason.
    assert options["grpc.max_receive_message_length"] == 4 << 20
    assert options["grpc.max_concurrent_streams"] == 1_000


def test_the_gRPC_core_still_knows_the_private_arguments():
    from grpc._cython import cygrpc

    with open(cygrpc.__file__, "rb") as library:
        binary = library.read()

    for name, _ in Limits().options():
        assert name.encode() in binary, name
    assert b"grpc.http2.ping_timeout_ms" in binary


def test_only_idempotent_methods_are_sent_again():
    config = service_config([f"/{SERVICE}/{name}" for name in ("Echo", "Write", "Echo")])

    assert config["methodConfig"][0]["name"] == [{"service": SERVICE, "method": "Echo"}]
    assert config["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["retryThrottling"]["maxTokens"] == 10
    assert config["healthCheckConfig"] == {"serviceName": ""}
    json.dumps(config)


async def test_unavailable_repeats_a_read_and_never_a_write(real, keys):
    class Down(AppError):
        kind = Kind.UNAVAILABLE
        reason = "DOWN"
        vi = "Đang gián đoạn."

    stub = await real.start()

    async def down(request):
        raise Down("wait")

    real.servicer.on_call = down
    with acting_as(keys.caller()):
        with pytest.raises(AppError, match="DOWN"):
            await stub.Echo(EchoRequest(), timeout=4)
        reads, real.servicer.calls = real.servicer.calls, 0
        with pytest.raises(AppError, match="DOWN"):
            await stub.Write(WriteRequest(request_id=UUID), timeout=4)

    assert reads == 3
    assert real.servicer.calls == 1


async def test_a_client_moves_on_when_its_server_comes_back(real, keys):
    """A stopped and restarted peer is found again on the same channel."""
    stub = await real.start()
    with acting_as(keys.caller()):
        await stub.Echo(EchoRequest(), timeout=2)
        port = real.server.port
        await real.server.stop()
        again = Server(
            "echo",
            bindings_of(real.servicer),
            listen=f"127.0.0.1:{port}",
            verifier=keys.verifier(),
            telemetry=real.telemetry,
            drain_ms=0,
            stop_grace_ms=100,
        )
        await again.start()
        for _ in range(100):
            try:
                reply = await stub.Echo(EchoRequest(text="back"), timeout=2)
                break
            except AppError:
                await asyncio.sleep(0.1)
        await again.stop()

    assert reply.text == "back"


async def test_a_server_beyond_this_machine_needs_tls(real, keys):
    server = Server(
        "echo",
        bindings_of(real.servicer),
        listen="0.0.0.0:0",
        verifier=keys.verifier(),
        telemetry=real.telemetry,
    )
    real.channel = dial("echo", "127.0.0.1:1", telemetry=real.telemetry, sender="emr")

    with pytest.raises(ValueError, match="TLS"):
        await server.start()


async def test_a_taken_port_is_said_so(real, keys):
    real.channel = dial("echo", "127.0.0.1:1", telemetry=real.telemetry, sender="emr")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Server(
            "echo",
            bindings_of(real.servicer),
            listen=f"127.0.0.1:{taken.getsockname()[1]}",
            verifier=keys.verifier(),
            telemetry=real.telemetry,
        )
        with pytest.raises(OSError, match="cannot listen"):
            await server.start()


async def test_two_stubs_may_share_a_channel(real, keys):
    stub = await real.start()
    second = EchoStub(real.channel)
    with acting_as(keys.caller()):
        assert (await stub.Echo(EchoRequest(text="1"), timeout=2)).text == "1"
        assert (await second.Echo(EchoRequest(text="2"), timeout=2)).text == "2"
