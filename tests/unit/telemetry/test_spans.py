"""Spans: their tree, their ends, what carries them on."""

import asyncio
import contextvars
import os
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from chassis.errors import Kind as ErrorKind
from chassis.errors import PeerUnavailable, RemoteError
from chassis.telemetry import (
    NO_SPAN,
    Telemetry,
    continue_from,
    current_span,
    current_trace_id,
    parse_traceparent,
    traceparent,
)

if TYPE_CHECKING:
    from tests.unit.telemetry.conftest import Traced

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VISIT = "0198c5a2-7f3e-7abc-9def-0123456789ab"


def test_span_inside_a_span_is_its_child(traced: "Traced") -> None:
    with traced.telemetry.span("outer", kind="server") as outer, traced.telemetry.span("inner", kind="db"):
        pass
    inner_row, outer_row = traced.row("inner"), traced.row("outer")
    assert inner_row.trace_id == outer_row.trace_id == outer.trace_id
    assert inner_row.parent_id == outer_row.span_id == outer.span_id
    assert outer_row.parent_id == ""
    assert (inner_row.kind, outer_row.kind, outer_row.service) == ("db", "server", "identity")
    assert 0 <= inner_row.duration_ns <= outer_row.duration_ns


def test_spans_after_each_other_begin_two_traces(traced: "Traced") -> None:
    for name in ("first", "second"):
        with traced.telemetry.span(name):
            pass
    assert traced.row("first").trace_id != traced.row("second").trace_id


def test_parent_of_another_process_is_continued(traced: "Traced") -> None:
    with traced.telemetry.span("outer"), traced.telemetry.span("call", kind="server", parent=PARENT):
        pass
    row = traced.row("call")
    assert (row.trace_id, row.parent_id) == (PARENT[3:35], PARENT[36:52])


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x" * 10_000,
    ],
)
def test_malformed_parent_begins_a_trace(traced: "Traced", parent: str) -> None:
    with traced.telemetry.span("outer"), traced.telemetry.span("call", kind="server", parent=parent):
        pass
    row = traced.row("call")
    assert row.parent_id == ""
    assert row.trace_id not in (PARENT[3:35], traced.row("outer").trace_id)


def test_later_version_of_traceparent_is_read() -> None:
    context = parse_traceparent("01" + PARENT[2:] + "-what-comes")
    assert context is not None
    assert f"{context.trace_id:032x}" == PARENT[3:35]


def test_given_trace_id_begins_that_trace_whatever_is_current(traced: "Traced") -> None:
    with (
        traced.telemetry.span("outer"),
        traced.telemetry.span("gateway.CheckIn", kind="server", trace_id=VISIT),
    ):
        pass
    row = traced.row("gateway.CheckIn")
    assert (row.trace_id, row.parent_id) == (VISIT.replace("-", ""), "")


@pytest.mark.parametrize("trace_id", [0, 1 << 128, "", "visit", "0" * 32, VISIT[:-1]])
def test_trace_id_that_is_not_128_bits_begins_a_trace(traced: "Traced", trace_id: int | str) -> None:
    with traced.telemetry.span("call", trace_id=trace_id) as span:
        assert parse_traceparent(span.traceparent()) is not None
    assert traced.row("call").parent_id == ""


@pytest.mark.parametrize("service", ["", "../identity", "a/b", "định danh"])
def test_service_that_is_no_file_name_is_our_own_mistake(service: str) -> None:
    with pytest.raises(AssertionError):
        Telemetry(service)


def test_traceparent_names_the_current_span(traced: "Traced") -> None:
    assert traceparent() == ""
    with traced.telemetry.span("call") as span:
        assert traceparent() == f"00-{span.trace_id}-{span.span_id}-01" == span.traceparent()
        assert current_span() is span
        assert current_trace_id() == span.trace_id
    assert current_span() is NO_SPAN
    assert current_trace_id() == ""


def test_continue_from_hangs_later_work_below_the_kept_parent(traced: "Traced") -> None:
    with continue_from(PARENT):
        assert traceparent() == PARENT
        with traced.telemetry.span("deliver", kind="consumer"):
            pass
    assert current_span() is NO_SPAN
    assert traced.row("deliver").parent_id == PARENT[36:52]


def test_continue_from_nothing_changes_nothing(traced: "Traced") -> None:
    with continue_from(""), traced.telemetry.span("deliver"):
        pass
    assert traced.row("deliver").parent_id == ""


def test_attributes_are_written_under_their_own_keys(traced: "Traced") -> None:
    with traced.telemetry.span("call", rpc_method="VerifyCard", degraded=False) as span:
        span.set("rows", 3)
        span.set("db.operation", "visit_by_id")
    assert traced.row("call").attributes == {
        "rpc.method": "VerifyCard", "degraded": False, "rows": 3, "db.operation": "visit_by_id",
    }  # fmt: skip


def test_attribute_after_the_end_is_ignored(traced: "Traced") -> None:
    with traced.telemetry.span("call") as span:
        pass
    span.set("rows", 3)
    span.fail("TOO_LATE")
    assert traced.row("call").attributes == {}
    assert traced.row("call").status == "ok"


def test_untrusted_parent_is_kept_as_a_link(traced: "Traced") -> None:
    with traced.telemetry.span("call", parent="") as span:
        span.link(PARENT)
        span.link("not a traceparent")
    row = traced.row("call")
    assert row.attributes == {"link.traceparent": PARENT}
    assert row.trace_id != PARENT[3:35]


def test_typed_error_gives_its_reason_and_nothing_of_its_text(traced: "Traced") -> None:
    with pytest.raises(RemoteError), traced.telemetry.span("call"):
        raise RemoteError("099204012345", kind=ErrorKind.PRECONDITION, reason="CARD_EXPIRED", vi="x")
    row = traced.row("call")
    assert (row.status, row.attributes) == ("error", {"error.reason": "CARD_EXPIRED"})


def test_untyped_error_is_internal(traced: "Traced") -> None:
    with pytest.raises(ValueError, match="Nguyễn"), traced.telemetry.span("call"):
        raise ValueError("Nguyễn Văn A")
    row = traced.row("call")
    assert (row.status, row.attributes) == ("error", {"error.reason": "INTERNAL"})


def test_error_whose_reason_is_a_text_is_internal(traced: "Traced") -> None:
    with pytest.raises(UnicodeDecodeError), traced.telemetry.span("call"):
        b"\xff".decode()
    assert traced.row("call").attributes == {"error.reason": "INTERNAL"}


def test_group_of_errors_gives_the_first_typed_reason(traced: "Traced") -> None:
    with pytest.raises(ExceptionGroup), traced.telemetry.span("call"):
        raise ExceptionGroup("fan-out", [ValueError("x"), ExceptionGroup("inner", [PeerUnavailable("emr")])])
    assert traced.row("call").attributes == {"error.reason": PeerUnavailable.reason}


async def test_cancelled_work_is_neither_well_nor_failed(traced: "Traced") -> None:
    async def work() -> None:
        with traced.telemetry.span("call"):
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = traced.row("call")
    assert (row.status, row.attributes) == ("cancelled", {})


@pytest.mark.parametrize("reason", ["card expired", "Thẻ", "X" * 65, "CARD_099204012345", ""])
def test_reason_that_is_a_text_is_not_shown(traced: "Traced", reason: str) -> None:
    with traced.telemetry.span("call") as span:
        span.fail(reason)
    row = traced.row("call")
    assert (row.status, row.attributes) == ("error", {"error.reason": "REASON_REFUSED"})


@pytest.mark.parametrize("name", ["Nguyễn Văn A", "a" * 81, "", "person/099204012345", "a b", "line\n"])
def test_name_that_is_not_of_code_is_masked(traced: "Traced", name: str) -> None:
    with traced.telemetry.span(name):
        pass
    assert [row.name for row in traced.rows()] == ["[masked]"]
    assert traced.telemetry.counts.masked_names == 1


async def test_tasks_of_a_fan_out_are_children_of_the_span_around_them(traced: "Traced") -> None:
    async def leg(name: str) -> None:
        with traced.telemetry.span(name):
            await asyncio.sleep(0)

    with traced.telemetry.span("check_in") as parent:
        async with asyncio.TaskGroup() as group:
            group.create_task(leg("a"))
            group.create_task(leg("b"))
    assert {traced.row(name).parent_id for name in "ab"} == {parent.span_id}


async def test_stream_closed_from_another_context_still_ends_its_span(traced: "Traced") -> None:
    async def stream() -> AsyncIterator[int]:
        with traced.telemetry.span("stream"):
            yield 1
            yield 2

    # given a stream that was begun in a context of its own
    responses = stream()
    await asyncio.get_running_loop().create_task(anext(responses), context=contextvars.copy_context())  # type: ignore[arg-type]
    # when it is closed from here
    await responses.aclose()  # type: ignore[attr-defined]
    # then
    assert traced.row("stream").status == "cancelled"
    assert current_span() is NO_SPAN


def test_nothing_is_traced_when_telemetry_is_off() -> None:
    telemetry = Telemetry("identity", enabled=False)
    with telemetry.span("outer", parent=PARENT, trace_id=VISIT) as outer, telemetry.span("inner") as inner:
        outer.set("rows", 1)
        outer.fail("CARD_EXPIRED")
        assert outer is inner is NO_SPAN
        assert traceparent() == ""
    assert NO_SPAN.attributes == {}
    assert NO_SPAN.status == "ok"
    assert telemetry.flush()
    telemetry.close()


def test_sampling_is_decided_at_the_root_and_carried_on(
    traced_with_sample: "Callable[[float], Traced]",
) -> None:
    traced = traced_with_sample(0.0)
    with traced.telemetry.span("root"):
        assert traceparent().endswith("-00")
        with traced.telemetry.span("child"):
            pass
    with traced.telemetry.span("told to keep", parent=PARENT):
        pass
    assert [row.parent_id for row in traced.rows()] == [PARENT[36:52]]


def test_parent_that_is_not_sampled_is_not_kept(traced: "Traced") -> None:
    with traced.telemetry.span("call", parent=PARENT[:-1] + "0"):
        assert traceparent().endswith("-00")
    assert traced.rows() == []


def test_share_of_traces_kept_is_the_ratio_also_for_time_ordered_ids(
    traced_with_sample: "Callable[[float], Traced]",
) -> None:
    # given ids whose upper bits are a clock, as in a UUID of version 7
    traced = traced_with_sample(0.25)
    for number in range(4_000):
        random_part = int.from_bytes(os.urandom(8)) >> 2
        with traced.telemetry.span(
            "call", trace_id=(0x0198C5A27F3E7 << 76) | (number << 64) | (2 << 62) | random_part
        ):
            pass
    assert 800 < len(traced.rows()) < 1_200


def test_two_roots_of_one_trace_are_both_kept_or_both_dropped(
    traced_with_sample: "Callable[[float], Traced]",
) -> None:
    traced = traced_with_sample(0.5)
    ids = [os.urandom(16).hex() for _ in range(200)]
    for trace_id in ids * 2:
        with traced.telemetry.span("call", trace_id=trace_id):
            pass
    kept = [row.trace_id for row in traced.rows()]
    assert all(kept.count(trace_id) in (0, 2) for trace_id in ids)


def test_forked_child_makes_other_ids_and_writes_its_own_spans() -> None:
    from chassis.telemetry.spans import random_bits

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bits(128).to_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert int.from_bytes(os.read(reading, 16)) != random_bits(128)
    os.close(reading)
    os.close(writing)


def test_spans_of_many_threads_are_all_written(traced: "Traced") -> None:
    def work() -> None:
        for _ in range(500):
            with traced.telemetry.span("call"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = traced.rows()
    assert len(rows) == 2_000
    assert len({row.span_id for row in rows}) == 2_000
