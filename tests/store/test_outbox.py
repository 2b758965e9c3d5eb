"""The outbox delivers everything, in order, at least once, and shows what it cannot deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chassis import outbox
from chassis.clock import FixedClock
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database, Tx
from chassis.db.errors import StoreUnavailable, UniqueViolated
from chassis.errors import PeerUnavailable
from chassis.outbox import Backoff, Message, RetryLater, Worker
from chassis.rpc.context import Caller, current_caller, remaining_ms
from chassis.telemetry import current_trace_id

START = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def cipher(tmp_path: Path) -> FieldCipher:
    generate_key_file(tmp_path / "keys.json")
    return FieldCipher(KeyRing.from_file(tmp_path / "keys.json"))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


Put = Callable[..., Awaitable[None]]


@pytest.fixture
def put(database: Database, cipher: FieldCipher, clock: FixedClock) -> Put:
    async def put_one(message_id: str, order_key: str = "v1", destination: str = "portal") -> None:
        await database.write(
            lambda tx: outbox.put(
                tx,
                destination=destination,
                order_key=order_key,
                payload=f"about 099200000001 {message_id}".encode(),
                message_id=message_id,
                now=clock.now(),
                cipher=cipher,
                traceparent=TRACE,
            )
        )

    return put_one


class Portal:
    """A destination that fails as told."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.fault: Exception | None = None

    async def deliver(self, message: Message) -> None:
        self.got.append(message)
        if self.fault is not None:
            raise self.fault

    @property
    def ids(self) -> list[str]:
        return [message.message_id for message in self.got]


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def worker(database: Database, portal: Portal, cipher: FieldCipher, clock: FixedClock) -> Worker:
    return Worker(
        database,
        "portal",
        portal.deliver,
        cipher=cipher,
        clock=clock,
        max_attempts=3,
        lease_s=60,
        deliver_s=5,
        backoff=Backoff(first_s=10, jitter=0),
    )


async def steps(worker: Worker) -> int:
    """Work until nothing is due; how many messages were claimed."""
    claimed_count = 0
    while count := await worker.step():
        claimed_count += count
    return claimed_count


async def test_a_message_is_delivered_once_with_its_trace_and_deadline_and_then_gone(
    database: Database, put: Put, cipher: FieldCipher, clock: FixedClock
) -> None:
    seen: list[tuple[bytes, int, str, str, int | None]] = []

    async def deliver(message: Message) -> None:
        seen.append(
            (message.payload, message.attempt, current_trace_id(), current_caller().subject, remaining_ms())
        )

    worker = Worker(
        database,
        "portal",
        deliver,
        cipher=cipher,
        clock=clock,
        deliver_s=5,
        caller=lambda: Caller(subject="svc:example", roles=frozenset()),
    )
    await put("m1")

    assert await steps(worker) == 1

    payload, attempt, trace_id, subject, left_ms = seen[0]
    assert (payload, attempt, trace_id, subject) == (b"about 099200000001 m1", 1, "a" * 32, "svc:example")
    assert left_ms is not None
    assert 4_000 < left_ms <= 5_000
    assert await steps(worker) == 0
    assert await outbox.depths(database) == []


async def test_a_message_of_a_failed_transaction_is_never_sent(
    database: Database, worker: Worker, portal: Portal, cipher: FieldCipher
) -> None:
    async def work(tx: Tx) -> None:
        await outbox.put(
            tx, destination="portal", order_key="v", payload=b"", message_id="m", now=START, cipher=cipher
        )
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(work)
    assert await steps(worker) == 0


async def test_one_message_id_waits_once(put: Put) -> None:
    await put("m1")
    with pytest.raises(UniqueViolated):
        await put("m1")


async def test_messages_of_one_visit_go_in_order_and_those_of_others_side_by_side(
    worker: Worker, portal: Portal, put: Put
) -> None:
    for n in range(3):
        await put(f"a{n}", "va")
        await put(f"b{n}", "vb")

    first = await worker.step()

    assert first == 2
    await steps(worker)
    assert [m for m in portal.ids if m[0] == "a"] == ["a0", "a1", "a2"]
    assert [m for m in portal.ids if m[0] == "b"] == ["b0", "b1", "b2"]


async def test_another_destinations_messages_are_left_alone(worker: Worker, put: Put) -> None:
    await put("m1", destination="bank")
    assert await steps(worker) == 0


async def test_a_failure_is_tried_again_after_its_backoff_and_then_parked(
    database: Database, worker: Worker, portal: Portal, put: Put, clock: FixedClock
) -> None:
    portal.fault = PeerUnavailable("portal")
    await put("m1")

    for wait_s in (10, 20):
        assert await steps(worker) == 1
        clock.advance(timedelta(seconds=wait_s - 1))
        assert await steps(worker) == 0, "too early"
        clock.advance(timedelta(seconds=1))
    assert await steps(worker) == 1
    clock.advance(timedelta(days=1))
    assert await steps(worker) == 0, "parked"

    assert [message.attempt for message in portal.got] == [1, 2, 3]
    (parked,) = await outbox.list_messages(database, state="parked")
    assert (parked.message_id, parked.attempt_count, parked.last_reason) == ("m1", 3, "PEER_UNAVAILABLE")
    (depth,) = await outbox.depths(database)
    assert (depth.state, depth.message_count, depth.oldest_time) == ("parked", 1, START)


async def test_a_destination_that_is_down_costs_no_try(
    database: Database, worker: Worker, portal: Portal, put: Put, clock: FixedClock
) -> None:
    portal.fault = RetryLater(after_s=30)
    await put("m1")

    for _ in range(10):
        assert await steps(worker) == 1
        clock.advance(timedelta(seconds=30))
    portal.fault = None
    await steps(worker)

    assert [message.attempt for message in portal.got] == [1] * 11
    assert await outbox.depths(database) == []


async def test_a_parked_message_holds_back_its_visit_until_it_is_retried_or_dropped(
    database: Database, worker: Worker, portal: Portal, put: Put, clock: FixedClock
) -> None:
    portal.fault = ValueError("about 099200000001")
    await put("m1")
    for _ in range(3):
        await steps(worker)
        clock.advance(timedelta(seconds=100))
    portal.fault = None
    await put("m2")
    await put("other", "v2")

    await steps(worker)
    assert portal.ids[3:] == ["other"]
    assert [m.last_reason for m in await outbox.list_messages(database, state="parked")] == ["INTERNAL"]

    assert await database.write(lambda tx: outbox.retry_parked(tx, message_id="m1", now=clock.now()))
    await steps(worker)
    assert portal.ids[4:] == ["m1", "m2"]


async def test_dropping_a_parked_message_frees_those_behind_it(
    database: Database, worker: Worker, portal: Portal, put: Put, clock: FixedClock
) -> None:
    portal.fault = ValueError()
    await put("m1")
    for _ in range(3):
        await steps(worker)
        clock.advance(timedelta(seconds=100))
    portal.fault = None
    await put("m2")

    assert not await database.write(lambda tx: outbox.drop_parked(tx, message_id="m2")), "it is not parked"
    assert await database.write(lambda tx: outbox.drop_parked(tx, message_id="m1"))
    assert not await database.write(lambda tx: outbox.retry_parked(tx, message_id="m1", now=START))

    await steps(worker)
    assert portal.ids[3:] == ["m2"]


async def test_a_delivery_past_its_deadline_counts_as_failed(
    database: Database, put: Put, cipher: FieldCipher, clock: FixedClock
) -> None:
    async def hang(_message: Message) -> None:
        await asyncio.sleep(60)

    await put("m1")
    worker = Worker(database, "portal", hang, cipher=cipher, clock=clock, deliver_s=0.02, max_attempts=1)

    await steps(worker)

    (parked,) = await outbox.list_messages(database, state="parked")
    assert parked.last_reason == "DEADLINE_PASSED"


async def test_a_dead_workers_lease_ends_and_another_takes_over(  # noqa: PLR0917  # fixtures
    database: Database, worker: Worker, portal: Portal, put: Put, cipher: FieldCipher, clock: FixedClock
) -> None:
    begun = asyncio.Event()

    async def hang(_message: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    await put("m1")
    dying = Worker(database, "portal", hang, cipher=cipher, clock=clock, lease_s=60, deliver_s=59)
    task = asyncio.create_task(dying.step())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await steps(worker) == 0, "the lease still runs"
    clock.advance(timedelta(seconds=60))
    assert await steps(worker) == 1
    assert portal.ids == ["m1"]


async def test_a_worker_that_lost_its_lease_does_not_settle_the_message(  # noqa: PLR0917  # fixtures
    database: Database, worker: Worker, portal: Portal, put: Put, cipher: FieldCipher, clock: FixedClock
) -> None:
    async def too_slow(_message: Message) -> None:
        clock.advance(timedelta(seconds=61))
        portal.fault = ValueError()
        await worker.step()

    await put("m1")
    slow = Worker(database, "portal", too_slow, cipher=cipher, clock=clock, lease_s=60, deliver_s=59)

    await slow.step()

    (waiting,) = await outbox.list_messages(database, state="waiting")
    assert (waiting.message_id, waiting.attempt_count) == ("m1", 1), "the second worker's word stands"


async def test_two_workers_share_the_work_and_send_nothing_twice(  # noqa: PLR0917  # fixtures
    database: Database, worker: Worker, portal: Portal, put: Put, cipher: FieldCipher, clock: FixedClock
) -> None:
    second = Worker(database, "portal", portal.deliver, cipher=cipher, clock=clock)
    for n in range(40):
        await put(f"m{n:02d}", f"v{n % 10}")

    while sum(await asyncio.gather(worker.step(), second.step())):
        pass

    assert sorted(portal.ids) == [f"m{n:02d}" for n in range(40)]
    for key in range(10):
        mine = [message.message_id for message in portal.got if message.order_key == f"v{key}"]
        assert mine == sorted(mine)


async def test_a_commit_wakes_the_running_worker(
    database: Database, put: Put, cipher: FieldCipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 60.0)
    got: asyncio.Queue[str] = asyncio.Queue()

    async def deliver(message: Message) -> None:
        got.put_nowait(message.message_id)

    worker = Worker(database, "portal", deliver, cipher=cipher)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.1)
    try:
        await put("m1")
        assert await asyncio.wait_for(got.get(), 5) == "m1"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_running_worker_outlives_a_store_that_is_away(
    database: Database, put: Put, cipher: FieldCipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 0.02)
    got: asyncio.Queue[int] = asyncio.Queue()
    plain, settled_count = database.write, 0

    async def failing_once(work: Any, *, serializable: bool = True) -> Any:
        nonlocal settled_count
        if not got.empty() or settled_count:
            settled_count += 1
            if settled_count == 1:
                raise StoreUnavailable("none")
        return await plain(work, serializable=serializable)

    async def deliver(message: Message) -> None:
        got.put_nowait(message.attempt)

    await put("m1")
    worker = Worker(database, "portal", deliver, cipher=cipher, lease_s=0.1, deliver_s=0.05)
    monkeypatch.setattr(database, "write", failing_once)
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(5):
            # Delivered, not settled, so delivered again once its lease has ended: at least once.
            while got.qsize() < 2 or await outbox.depths(database):  # noqa: ASYNC110  # it looks into the store
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_payload_at_rest_is_sealed_for_its_own_message(
    database: Database, put: Put, cipher: FieldCipher
) -> None:
    await put("m1")

    async def work(tx: Tx) -> bytes:
        await tx.execute(
            "frame_outbox_claim",
            destination="portal",
            lease_id="l",
            lease_end_time="2027",
            now="2027",
            page_size=1,
        )
        (row,) = await tx.all("frame_outbox_leased", destination="portal", lease_id="l")
        return bytes(row["payload"])

    sealed = await database.write(work)

    assert b"099200000001" not in sealed
    assert cipher.open(sealed, place="outbox|payload|portal/m1").endswith(b"m1")


def test_backoff_grows_to_its_limit() -> None:
    backoff = Backoff(first_s=1, factor=2, max_s=60, jitter=0)
    assert [backoff.wait_s(n) for n in (1, 2, 3, 7, 5000)] == [1, 2, 4, 60, 60]
    jittered = Backoff(first_s=10, jitter=0.2)
    assert all(8 <= jittered.wait_s(1) <= 12 for _ in range(200))
