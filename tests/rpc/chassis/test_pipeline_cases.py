"""Every call goes through the same steps, over sockets and inside one process."""

from __future__ import annotations

import asyncio
import contextvars
import time
from typing import Any

import grpc.aio
import pytest

from chassis.errors import (
    AppError,
    DeadlineTooShort,
    Kind,
    PeerUnavailable,
    RemoteError,
)
from chassis.rpc.context import (
    acting_as,
    current_caller,
    current_method,
    current_request_id,
    remaining_ms,
)
from chassis.rpc.pipeline import Dispatcher, Inbound
from chassis.rpc.tokens import Minter
from chassis.telemetry.metrics import Metrics
from tests.support.echo_network import Network
from tests.support.echo_service import (
    SERVICE,
    EchoReply,
    EchoRequest,
    EchoStub,
    Leaf,
    WriteRequest,
    bindings_of,
)

UUID = "7f3b2c66-5a2e-4c58-9b2a-0d5f4f3b2a11"


class Teapot(AppError):
    """A reason of the tests."""

    kind = Kind.PRECONDITION
    reason = "TEAPOT"
    vi = "Đây là ấm trà."

    def __init__(self) -> None:
        super().__init__("Use a kettle.", field="pots[1].shape", size_ml=500)


class Down(AppError):
    """A dependency of the handler is down."""

    kind = Kind.UNAVAILABLE
    reason = "DOWN"
    vi = "Đang gián đoạn."


async def refused(awaitable: Any) -> AppError:
    with pytest.raises(AppError) as caught:
        await awaitable
    return caught.value


async def test_a_handler_knows_its_caller_deadline_method_and_request(network, stub, keys):
    seen: dict[str, Any] = {}

    async def look(request):
        seen.update(
            caller=current_caller(),
            left=remaining_ms(),
            method=current_method(),
            request=current_request_id(),
        )
        return EchoReply(text=request.text)

    network.servicer.on_call = look
    with acting_as(keys.caller(), within_ms=2_000):
        reply = await stub.Write(WriteRequest(request_id=UUID, text="xin chào"))

    assert reply.text == "xin chào"
    caller = seen["caller"]
    assert (caller.subject, caller.roles, caller.facility) == ("persons/1", {"CLERK"}, "79001")
    assert (caller.purpose, caller.service) == ("treatment", "emr")
    assert 1_500 < seen["left"] <= 2_000 - 20 + 15
    assert seen["method"] == f"/{SERVICE}/Write"
    assert seen["request"] == UUID


async def test_a_typed_error_arrives_whole(network, stub, keys):
    async def fail(request):
        raise Teapot

    network.servicer.on_call = fail
    with acting_as(keys.caller(), within_ms=2_000):
        error = await refused(stub.Echo(EchoRequest()))

    assert isinstance(error, RemoteError)
    assert (error.kind, error.reason, error.vi) == (Kind.PRECONDITION, "TEAPOT", "Đây là ấm trà.")
    assert (error.message, error.field, error.domain) == ("Use a kettle.", "pots[1].shape", "echo")
    assert error.facts == {"size_ml": "500"}


async def test_an_error_with_too_many_facts_still_arrives_with_its_reason(network, stub, keys):
    class Chatty(AppError):
        kind = Kind.ABORTED
        reason = "CHATTY"
        vi = "Quá nhiều chi tiết."

    async def fail(request):
        raise Chatty("Read on.", field="f" * 2_000, **{f"fact_{n}": "ệ" * 256 for n in range(60)})

    network.servicer.on_call = fail
    with acting_as(keys.caller(), within_ms=2_000):
        error = await refused(stub.Echo(EchoRequest()))

    assert (error.reason, error.kind) == ("CHATTY", Kind.ABORTED)
    assert 1 <= len(error.facts) < 60


async def test_a_reason_survives_a_second_hop_with_its_own_domain(network, stub, keys):
    async def hop(request):
        raise RemoteError(
            "Ask.", kind=Kind.NOT_FOUND, reason="CITIZEN_NOT_FOUND", vi="Không thấy.", domain="identity"
        )

    network.servicer.on_call = hop
    with acting_as(keys.caller(), within_ms=2_000):
        error = await refused(stub.Echo(EchoRequest()))

    assert (error.reason, error.domain, error.kind) == ("CITIZEN_NOT_FOUND", "identity", Kind.NOT_FOUND)


async def test_a_group_of_errors_leaves_as_the_one_that_time_will_not_mend(network, stub, keys):
    async def fan_out(request):
        async def child(error):
            raise error

        async with asyncio.TaskGroup() as group:
            group.create_task(child(Down("wait")))
            group.create_task(child(ExceptionGroup("inner", [Teapot()])))
            group.create_task(child(Down("wait")))

    network.servicer.on_call = fan_out
    with acting_as(keys.caller(), within_ms=2_000):
        error = await refused(stub.Echo(EchoRequest()))

    assert error.reason == "TEAPOT"


async def test_the_text_of_an_unexpected_exception_stays_at_home(network, stub, keys, capsys):
    planted = "Nguyễn Văn Planted 099200000017"

    async def blow(request):
        raise ValueError(planted)

    async def blow_in_stream(request):
        yield EchoReply(text="one")
        raise ValueError(planted)

    network.servicer.on_call = blow
    network.servicer.on_count = blow_in_stream
    with acting_as(keys.caller(), within_ms=2_000):
        errors = [await refused(stub.Echo(EchoRequest()))]
        with pytest.raises(AppError) as caught:
            async for _ in stub.Count(EchoRequest()):
                pass
        errors.append(caught.value)

    for error in errors:
        assert (error.kind, error.reason) == (Kind.INTERNAL, "INTERNAL")
        assert len(error.facts["trace_id"]) == 32
        assert "099200000017" not in repr(vars(error)) + str(error)
        assert "Planted" not in repr(vars(error)) + str(error)
    spans = await network.finished_spans()
    assert "099200000017" not in repr(spans)
    assert {"error"} == {span.status for span in spans if span.kind == "server"}


async def test_the_wire_itself_carries_no_exception_text(keys):
    """Status, details and trailers as a foreign client sees them, without our decoding."""

    network = Network("grpc", keys)
    planted = "Planted 099200000017"

    async def blow(request):
        raise ValueError(planted)

    network.servicer.on_call = blow
    await network.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{network.server.port}") as raw:
        call = raw.unary_unary(
            f"/{SERVICE}/Echo",
            request_serializer=EchoRequest.SerializeToString,
            response_deserializer=EchoReply.FromString,
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(
                EchoRequest(), timeout=2, metadata=(("authorization", f"Bearer {keys.caller().token}"),)
            )
    await network.stop()

    wire = caught.value
    everything = f"{wire.details()} {wire.debug_error_string()} {list(wire.trailing_metadata())!r}"
    assert wire.code() is grpc.StatusCode.INTERNAL
    assert "INTERNAL" in everything  # the trailers are really there
    assert "Planted" not in everything
    assert "099200000017" not in everything


async def test_a_call_without_a_deadline_is_refused(network, keys):
    await network.start()
    method = f"/{SERVICE}/Echo"
    dispatcher = Dispatcher(
        "echo",
        bindings_of(network.servicer),
        verifier=keys.verifier(),
        telemetry=network.telemetry,
    )
    headers = (("authorization", f"Bearer {keys.caller().token}"),)
    error = await refused(dispatcher.methods[method].unary(EchoRequest(), Inbound(headers, None)))

    assert (error.reason, error.kind) == ("DEADLINE_REQUIRED", Kind.INVALID_ARGUMENT)
    assert network.servicer.calls == 0


async def test_a_call_with_too_little_time_left_is_not_started(network, stub, keys):
    with acting_as(keys.caller(), within_ms=110):
        error = await refused(stub.Echo(EchoRequest()))

    assert isinstance(error, DeadlineTooShort)
    assert network.servicer.calls == 0


async def test_the_shorter_of_cap_and_question_is_the_deadline(network, stub, keys):
    seen: list[int | None] = []

    async def look(request):
        seen.append(remaining_ms())
        return EchoReply()

    network.servicer.on_call = look
    with acting_as(keys.caller()):  # no deadline of its own
        await stub.Echo(EchoRequest())
        await stub.Echo(EchoRequest(), timeout=0.7)

    assert 4_500 < seen[0] <= 5_015  # cap_ms of the test's proto
    assert 500 < seen[1] <= 715


async def test_a_passed_deadline_cancels_the_handler_and_tells_the_caller(network, stub, keys):
    ended = asyncio.Event()

    async def hang(request):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.set()
            raise

    network.servicer.on_call = hang
    began = time.monotonic()
    with acting_as(keys.caller(), within_ms=400):
        error = await refused(stub.Echo(EchoRequest()))

    assert error.kind is Kind.DEADLINE
    assert time.monotonic() - began < 2
    await asyncio.wait_for(ended.wait(), 2)


async def test_a_timeout_inside_a_handler_is_a_deadline_error(network, stub, keys):
    async def slow(request):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)

    network.servicer.on_call = slow
    with acting_as(keys.caller(), within_ms=3_000):
        error = await refused(stub.Echo(EchoRequest()))

    assert (error.kind, error.reason) == (Kind.DEADLINE, "DEADLINE_PASSED")


async def test_a_cancelled_caller_cancels_the_handler(network, stub, keys):
    began, ended = asyncio.Event(), asyncio.Event()

    async def hang(request):
        began.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.set()
            raise

    network.servicer.on_call = hang
    with acting_as(keys.caller(), within_ms=5_000):
        task = asyncio.create_task(stub.Echo(EchoRequest()))
        await asyncio.wait_for(began.wait(), 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.wait_for(ended.wait(), 2)


@pytest.mark.parametrize(
    "refusal",
    [
        ("Echo", None, "TOKEN_MISSING"),
        ("Echo", ("CITIZEN",), "ROLE_NOT_ALLOWED"),
        ("Bare", ("CLERK",), "METHOD_WITHOUT_POLICY"),
        ("Nobody", ("CLERK",), "METHOD_WITHOUT_POLICY"),
    ],
)
async def test_who_may_not_call_is_refused_with_the_reason(network, stub, keys, refusal):
    method, roles, reason = refusal
    call = getattr(stub, method)
    if roles is None:
        error = await refused(call(EchoRequest(), timeout=2))
    else:
        with acting_as(keys.caller(*roles)):
            error = await refused(call(EchoRequest(), timeout=2))

    assert error.reason == reason
    assert error.kind is (Kind.UNAUTHENTICATED if roles is None else Kind.PERMISSION)
    assert network.servicer.calls == 0


async def test_a_forged_token_is_refused(network, stub, keys):
    token = keys.caller().token
    forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
    error = await refused(
        stub.Echo(EchoRequest(), timeout=2, metadata=(("authorization", f"Bearer {forged}"),))
    )

    assert error.reason == "TOKEN_REFUSED"
    assert network.servicer.calls == 0


async def test_a_public_method_needs_no_token(network, stub):
    seen = []

    async def look(request):
        seen.append(current_caller())
        return EchoReply(text="open")

    network.servicer.on_call = look
    assert (await stub.Open(EchoRequest(), timeout=2)).text == "open"
    assert seen[0].roles == frozenset()


async def test_a_service_may_act_for_itself(network, stub, keys):
    with acting_as(Minter(keys.emr).service_caller()):
        assert (await stub.Echo(EchoRequest(text="worker"), timeout=2)).text == "worker"


@pytest.mark.parametrize(
    ("request_id", "reason"),
    [("", "REQUEST_ID_REQUIRED"), ("17", "REQUEST_ID_MALFORMED"), (UUID + "0", "REQUEST_ID_MALFORMED")],
)
async def test_a_write_needs_a_well_formed_request_id(network, stub, keys, request_id, reason):
    with acting_as(keys.caller()):
        error = await refused(stub.Write(WriteRequest(request_id=request_id), timeout=2))

    assert (error.reason, error.field) == (reason, "request_id")
    assert network.servicer.calls == 0


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (EchoRequest(color=7), "color"),
        (EchoRequest(colors=[1, 9]), "colors[1]"),
        (EchoRequest(leaf=Leaf(leaf=Leaf(color=-1))), "leaf.leaf.color"),
        (EchoRequest(leaves=[Leaf(), Leaf(color=5)]), "leaves[1].color"),
        (EchoRequest(by_name={"099200000017": Leaf(color=5)}), "by_name[*].color"),
    ],
)
async def test_an_enum_number_nobody_knows_is_refused_with_its_path(network, stub, keys, request_, path):
    with acting_as(keys.caller()):
        error = await refused(stub.Echo(request_, timeout=2))

    assert (error.reason, error.field) == ("UNKNOWN_ENUM_VALUE", path)
    assert network.servicer.calls == 0


async def test_known_enum_numbers_pass(network, stub, keys):
    with acting_as(keys.caller()):
        reply = await stub.Echo(EchoRequest(text="ok", color=1, colors=[0, 1], leaf=Leaf(color=1)), timeout=2)

    assert reply.text == "ok"


async def test_an_oversized_message_is_refused_by_name(network, stub, keys):
    with acting_as(keys.caller()):
        error = await refused(stub.Echo(EchoRequest(text="x" * (1 << 20)), timeout=2))

    assert (error.reason, error.kind) == ("MESSAGE_TOO_LARGE", Kind.INVALID_ARGUMENT)
    assert network.servicer.calls == 0


async def test_a_handler_cannot_change_the_callers_message(network, stub, keys):
    async def scribble(request):
        request.text = "changed"
        return EchoReply(text=request.text)

    network.servicer.on_call = scribble
    mine = EchoRequest(text="mine")
    with acting_as(keys.caller(), within_ms=2_000):
        await stub.Echo(mine)

    assert mine.text == "mine"


async def test_context_variables_of_a_handler_stay_with_it(network, stub, keys):
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="untouched")

    async def set_it(request):
        variable.set("handler")
        await asyncio.sleep(0)
        return EchoReply(text=variable.get())

    async def set_it_streaming(request):
        variable.set("handler")
        yield EchoReply(text=variable.get())
        yield EchoReply(text=variable.get())

    network.servicer.on_call = set_it
    network.servicer.on_count = set_it_streaming
    caller = keys.caller()
    with acting_as(caller, within_ms=2_000):
        assert (await stub.Echo(EchoRequest())).text == "handler"
        async for reply in stub.Count(EchoRequest()):
            assert reply.text == "handler"
            assert variable.get() == "untouched"
            assert current_caller() is caller
        assert current_caller() is caller

    assert variable.get() == "untouched"


async def test_one_trace_runs_through_client_and_server(network, stub, keys):
    with acting_as(keys.caller(), within_ms=2_000), network.telemetry.span("journey") as outer:
        await stub.Echo(EchoRequest())

    spans = {span.kind: span for span in await network.finished_spans()}
    assert {span.trace_id for span in spans.values()} == {outer.trace_id}
    assert spans["client"].parent_id == spans["internal"].span_id
    assert spans["server"].parent_id == spans["client"].span_id
    assert spans["server"].name == f"{SERVICE}/Echo"


async def test_the_front_begins_a_trace_of_its_own_and_may_name_it(network, keys):

    named = 0x0102030405060708090A0B0C0D0E0F10
    await network.start(trace_id_of=lambda method, request: named if request.text == "visit" else None)
    stub = EchoStub(network.channel)
    with acting_as(keys.caller(), within_ms=2_000), network.telemetry.span("outside") as outside:
        await stub.Echo(EchoRequest(text="visit"))
        await stub.Echo(EchoRequest(text="other"))

    servers = [span for span in await network.finished_spans() if span.kind == "server"]
    assert servers[0].trace_id == f"{named:032x}"
    assert servers[1].trace_id not in (outside.trace_id, servers[0].trace_id)
    assert all(span.attributes["link.traceparent"].startswith(f"00-{outside.trace_id}") for span in servers)


async def test_calls_are_counted_by_method_and_code(network, keys):
    metrics = Metrics("echo")
    await network.start(metrics=metrics)
    stub = EchoStub(network.channel)
    with acting_as(keys.caller(), within_ms=2_000):
        await stub.Echo(EchoRequest())
        await refused(stub.Write(WriteRequest()))

    def handled(method: str, code: str) -> float | None:
        labels = {"method": f"/{SERVICE}/{method}", "code": code}
        return metrics.registry.get_sample_value("rpc_handled_seconds_count", labels)

    assert handled("Echo", "OK") == 1
    assert handled("Write", "INVALID_ARGUMENT") == 1


async def test_a_peer_that_is_not_there_is_unavailable_and_then_left_alone(network, stub, keys):
    if network.server is not None:
        await network.server.stop()
    else:
        network.local.unregister("echo")
    with acting_as(keys.caller()):
        errors = [await refused(stub.Write(WriteRequest(request_id=UUID), timeout=1)) for _ in range(6)]

    assert isinstance(errors[0], PeerUnavailable)
    assert errors[0].facts == {"service": "echo"}
    assert errors[-1].reason == "BREAKER_OPEN"
    assert {error.kind for error in errors} == {Kind.UNAVAILABLE}
