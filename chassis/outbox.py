"""Effects towards other systems: written in the transaction of their cause, delivered later in order.

A message is leased, delivered outside any transaction at least once, then forgotten, tried again later, or
parked for an operator. Messages of one order key go one after the other; a parked one holds back those behind
it, because a correction that overtakes what it corrects does harm. A destination tells repeats apart by
`message_id`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from chassis.clock import Clock, SystemClock
from chassis.crypto import FieldCipher
from chassis.db import Database, Row, Tx
from chassis.db.columns import to_text, to_time
from chassis.errors import AppError, Kind, typed
from chassis.rpc.context import Caller, acting_as
from chassis.telemetry import Telemetry, continue_from
from chassis.telemetry import traceparent as current_traceparent

State = Literal["waiting", "parked"]
PAGE_MAX = 500
POLL_S = 2.0
"""How often an idle worker looks, for messages other processes put."""
LATER_S = 5.0
"""Wait after RetryLater without a time of its own."""


class RetryLater(AppError):
    """Raised by `deliver`: the destination is down or asks to wait; the try does not count."""

    kind = Kind.UNAVAILABLE
    reason = "RETRY_LATER"
    vi = "Hệ thống nhận chưa sẵn sàng; hệ thống sẽ tự gửi lại."

    def __init__(self, after_s: float = LATER_S) -> None:
        super().__init__("The message stays in the outbox and is sent again.")
        self.after_s = after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is handed to `deliver`."""

    message_id: str
    """The same on every try: the destination's key against repeats."""
    destination: str
    order_key: str
    payload: bytes
    traceparent: str
    attempt: int
    """1 on the first try; above 1 the outcome of an earlier one may be unknown, so ask by reference first."""
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait after a failed try."""

    first_s: float = 1.0
    factor: float = 2.0
    max_s: float = 600.0
    jitter: float = 0.2
    """Up to this part is taken off or added, so that many messages do not come back at once."""

    def wait_s(self, attempt: int) -> float:
        """Seconds before the next try after `attempt` failed ones (from 1)."""
        assert attempt >= 1, attempt
        base_s = min(self.first_s * self.factor ** min(attempt - 1, 64), self.max_s)
        return base_s * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311  # no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How much waits for a destination."""

    destination: str
    state: State
    message_count: int
    oldest_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A message as the operator sees it, without its payload."""

    seq: int
    message_id: str
    destination: str
    order_key: str
    state: State
    attempt_count: int
    due_time: datetime
    last_reason: str
    create_time: datetime


async def put(
    tx: Tx,
    *,
    destination: str,
    order_key: str,
    payload: bytes,
    message_id: str,
    now: datetime,
    cipher: FieldCipher,
    traceparent: str | None = None,
) -> None:
    """Add a message in the transaction of its cause; its worker is woken by the commit.

    Args:
        destination: Whose worker delivers it, such as `insurance_portal`.
        order_key: What it must stay in order with, usually the visit.
        payload: Sealed with the cipher before it is written.
        message_id: Unique in this database; the destination's key against repeats.
        now: When it may first be sent.
        cipher: Seals the payload for this message alone.
        traceparent: The trace to continue; the current one if None.
    Raises:
        UniqueViolated: a message of this id waits already.
    """
    await tx.execute(
        "frame_outbox_put",
        message_id=message_id,
        destination=destination,
        order_key=order_key,
        payload=cipher.seal(payload, place=_place(destination, message_id)),
        traceparent=current_traceparent() if traceparent is None else traceparent,
        create_time=to_text(now),
    )
    tx.topics.add(_topic(destination))


class Worker:
    """Delivers one destination's messages; several processes may run one each."""

    def __init__(
        self,
        db: Database,
        destination: str,
        deliver: Callable[[Message], Awaitable[None]],
        *,
        cipher: FieldCipher,
        lease_s: float = 60.0,
        deliver_s: float = 30.0,
        max_attempts: int = 12,
        parallel: int = 8,
        backoff: Backoff | None = None,
        clock: Clock | None = None,
        caller: Callable[[], Caller] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Set up a worker; `run` starts it.

        Args:
            deliver: Sends one message; returns when the destination has it, raises otherwise.
            lease_s: How long a message is ours; must outlast deliver_s.
            deliver_s: Deadline of one delivery.
            max_attempts: Counted tries before a message is parked.
            parallel: Messages under way at once, each of another order key.
            caller: On whose behalf peers are called, made anew for each message.
        """
        assert 0 < deliver_s < lease_s, "a lease outlasts its delivery"
        assert max_attempts >= 1, max_attempts
        assert parallel >= 1, parallel
        self._db = db
        self.destination = destination
        self._deliver = deliver
        self._cipher = cipher
        self._lease_s = lease_s
        self._deliver_s = deliver_s
        self._max_attempts = max_attempts
        self._parallel = parallel
        self._backoff = backoff or Backoff()
        self._clock = clock or SystemClock()
        self._caller = caller
        self._telemetry = telemetry
        self._woken = asyncio.Event()
        db.subscribe(_topic(destination), self.wake)

    def wake(self) -> None:
        """Look at once; called by the commits of this process that put a message."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled; a failing store makes it wait, not end."""
        while True:
            self._woken.clear()
            try:
                moved_count = await self.step()
                wait_s = 0.0 if moved_count else await self._idle_s()
            except Exception as error:
                # A store that is away comes back; a mistake of ours ends the worker, where it is seen.
                if typed(error) is None:
                    raise
                wait_s = POLL_S
            if wait_s:
                try:
                    await asyncio.wait_for(self._woken.wait(), wait_s)
                except TimeoutError:
                    continue

    async def step(self) -> int:
        """Claim what is due, deliver it, settle it; return how many messages were claimed."""
        messages = await self._claim()
        async with asyncio.TaskGroup() as group:
            for row in messages:
                group.create_task(self._handle(row))
        return len(messages)

    async def _claim(self) -> list[Row]:
        lease_id = uuid4().hex
        now = self._clock.now()

        async def work(tx: Tx) -> list[Row]:
            await tx.execute(
                "frame_outbox_claim",
                destination=self.destination,
                lease_id=lease_id,
                lease_end_time=to_text(now + timedelta(seconds=self._lease_s)),
                now=to_text(now),
                page_size=self._parallel,
            )
            rows = await tx.all("frame_outbox_leased", destination=self.destination, lease_id=lease_id)
            return [{**row, "lease_id": lease_id} for row in rows]

        return await self._db.write(work, serializable=False)

    async def _handle(self, row: Row) -> None:
        attempt = row["attempt_count"] + 1
        try:
            await self._send(row, attempt)
        except RetryLater as later:
            await self._give_back(row, attempt_count=attempt - 1, wait_s=later.after_s, reason=later.reason)
        except Exception as error:
            known = typed(error)
            reason = "INTERNAL" if known is None else known.reason
            await self._give_back(
                row, attempt_count=attempt, wait_s=self._backoff.wait_s(attempt), reason=reason
            )
        else:
            await self._settle("frame_outbox_done", row)

    async def _send(self, row: Row, attempt: int) -> None:
        message = Message(
            message_id=row["message_id"],
            destination=self.destination,
            order_key=row["order_key"],
            payload=self._cipher.open(row["payload"], place=_place(self.destination, row["message_id"])),
            traceparent=row["traceparent"],
            attempt=attempt,
            create_time=to_time(row["create_time"]),
        )
        caller = self._caller() if self._caller else Caller(subject="outbox", roles=frozenset())
        with continue_from(message.traceparent), acting_as(caller, within_ms=int(self._deliver_s * 1000)):
            span = (
                nullcontext()
                if self._telemetry is None
                else self._telemetry.span(
                    "outbox.deliver",
                    kind="consumer",
                    outbox_destination=self.destination,
                    outbox_attempt=attempt,
                )
            )
            with span:
                async with asyncio.timeout(self._deliver_s):
                    await self._deliver(message)

    async def _give_back(self, row: Row, *, attempt_count: int, wait_s: float, reason: str) -> None:
        state: State = "parked" if attempt_count >= self._max_attempts else "waiting"
        due_time = to_text(self._clock.now() + timedelta(seconds=wait_s))
        await self._settle(
            "frame_outbox_later",
            row,
            state=state,
            attempt_count=attempt_count,
            due_time=due_time,
            last_reason=reason,
        )

    async def _settle(self, query: str, row: Row, **params: object) -> None:
        # No row changes where the lease ran out and another worker took the message: it settles it.
        await self._db.write(
            lambda tx: tx.execute(query, seq=row["seq"], lease_id=row["lease_id"], **params),
            serializable=False,
        )

    async def _idle_s(self) -> float:
        row = await self._db.read(lambda tx: tx.one("frame_outbox_next_due", destination=self.destination))
        if row is None or row["due_time"] is None:
            return POLL_S
        left_s = (to_time(row["due_time"]) - self._clock.now()).total_seconds()
        return min(max(left_s, 0.01), POLL_S)


async def depths(db: Database) -> list[QueueDepth]:
    """What waits and what is parked, by destination: the numbers behind the age alarm."""
    rows = await db.read(lambda tx: tx.all("frame_outbox_depths"))
    return [
        QueueDepth(
            destination=row["destination"],
            state=row["state"],
            message_count=row["message_count"],
            oldest_time=to_time(row["oldest_time"]),
        )
        for row in rows
    ]


async def list_messages(
    db: Database, *, state: State, after_seq: int = 0, page_size: int = 50
) -> list[QueuedMessage]:
    """A page of messages in one state, oldest first; `after_seq` is the last of the page before."""
    assert 1 <= page_size <= PAGE_MAX, page_size
    rows = await db.read(
        lambda tx: tx.all("frame_outbox_list", state=state, after_seq=after_seq, page_size=page_size)
    )
    return [
        QueuedMessage(
            **{
                **row,
                "due_time": to_time(row["due_time"]),
                "create_time": to_time(row["create_time"]),
            }
        )
        for row in rows
    ]


async def retry_parked(tx: Tx, *, message_id: str, now: datetime) -> bool:
    """Send a parked message back to the queue; False if none of this id is parked."""
    row = await tx.one("frame_outbox_destination", message_id=message_id)
    if row is None or not await tx.execute("frame_outbox_retry", message_id=message_id, now=to_text(now)):
        return False
    tx.topics.add(_topic(row["destination"]))
    return True


async def drop_parked(tx: Tx, *, message_id: str) -> bool:
    """Give a parked message up and free those behind it; the caller's audit row says why."""
    row = await tx.one("frame_outbox_destination", message_id=message_id)
    if row is None or not await tx.execute("frame_outbox_drop", message_id=message_id):
        return False
    tx.topics.add(_topic(row["destination"]))
    return True


def _place(destination: str, message_id: str) -> str:
    return f"outbox|payload|{destination}/{message_id}"


def _topic(destination: str) -> str:
    return f"outbox:{destination}"


__all__ = [
    "Backoff",
    "Message",
    "QueueDepth",
    "QueuedMessage",
    "RetryLater",
    "Worker",
    "depths",
    "drop_parked",
    "list_messages",
    "put",
    "retry_parked",
]
