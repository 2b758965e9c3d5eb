"""Streams go through the same steps as single calls, over sockets and inside one process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.errors import (
    AppError,
    Kind,
)
from chassis.rpc.context import (
    acting_as,
)
from tests.support.echo_service import (
    EchoReply,
    EchoRequest,
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


async def test_streams_of_answers_arrive_in_order(network, stub, keys):
    with acting_as(keys.caller(), within_ms=2_000):
        replies = [reply.count async for reply in stub.Count(EchoRequest(text="a"))]

    assert replies == [0, 1, 2]


async def test_an_error_after_the_first_answer_arrives_typed(network, stub, keys):
    async def some(request):
        yield EchoReply(count=1)
        raise Teapot

    network.servicer.on_count = some
    got = []

    async def read():
        async for reply in stub.Count(EchoRequest()):
            got.append(reply.count)

    with acting_as(keys.caller(), within_ms=2_000):
        error = await refused(read())

    assert (got, error.reason) == ([1], "TEAPOT")


async def test_a_reader_that_stops_half_way_ends_the_handler(network, stub, keys):
    ended = asyncio.Event()

    async def endless(request):
        try:
            while True:
                yield EchoReply()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    network.servicer.on_count = endless
    with acting_as(keys.caller(), within_ms=5_000):
        replies = stub.Count(EchoRequest())
        async for _ in replies:
            break
        await replies.aclose()
    await asyncio.wait_for(ended.wait(), 2)


async def test_a_stream_that_falls_silent_ends_at_its_deadline(network, stub, keys):
    ended = asyncio.Event()

    async def silent(request):
        try:
            yield EchoReply(count=1)
            await asyncio.sleep(30)
        finally:
            ended.set()

    network.servicer.on_count = silent
    got = []

    async def read():
        async for reply in stub.Count(EchoRequest()):
            got.append(reply.count)

    with acting_as(keys.caller(), within_ms=400):
        error = await refused(read())

    assert (got, error.kind) == ([1], Kind.DEADLINE)
    await asyncio.wait_for(ended.wait(), 2)


async def test_a_stream_of_requests_is_read_checked_and_answered(network, stub, keys):
    async def parts(*colors):
        for number, color in enumerate(colors):
            yield EchoRequest(text=str(number), color=color)

    with acting_as(keys.caller(), within_ms=2_000):
        reply = await stub.Gather(parts(0, 1, 1))
        error = await refused(stub.Gather(parts(0, 8)))

    assert (reply.text, reply.count) == ("0,1,2", 3)
    assert error.reason == "UNKNOWN_ENUM_VALUE"


async def test_both_sides_may_stream(network, stub, keys):
    async def parts():
        for text in ("a", "b"):
            yield EchoRequest(text=text)

    with acting_as(keys.caller(), within_ms=2_000):
        assert [reply.text async for reply in stub.Chat(parts())] == ["a", "b"]


async def test_streams_need_a_token_too(network, stub):
    with pytest.raises(AppError) as caught:
        async for _ in stub.Count(EchoRequest(), timeout=2):
            pass

    assert caught.value.reason == "TOKEN_MISSING"
