"""Makes a repeated write take effect once: the request's key is kept in the transaction of its effect.

    async def work(tx):
        if (done := await recall(tx, key)) is not None:
            return await load(tx, done)
        ...effect, outbox, audit...
        await remember(tx, key, visit_id, "90d")
        return visit

Kept 90 days (a station may be cut off for a week and a bank be slow), for ever where money moves: there the
key is the transfer's name. Stripe's 24 hours are too short for either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

from google.protobuf.message import Message

from chassis.db import Database, Tx
from chassis.db.columns import to_text
from chassis.errors import AppError, Kind, RequestIdMalformed, RequestIdRequired, RequestIdReused
from chassis.rpc.context import Caller

Keep = Literal["90d", "forever"]
KEEP_DAYS = 90
PURGE_PAGE = 500
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


class RequestUnfinished(AppError):
    """A request took its key and was committed without a result: its operation forgot `remember`."""

    kind = Kind.INTERNAL
    reason = "REQUEST_UNFINISHED"
    vi = "Hệ thống gặp lỗi; hãy báo cho quản trị hệ thống."

    def __init__(self, method: str) -> None:
        super().__init__("Call remember before the transaction's function returns.", method=method)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """What makes a request the same as an earlier one."""

    method: str
    request_id: str
    """A UUID in lower case, made and saved by the client before its first try."""
    fingerprint: bytes
    """SHA-256 of the whole request: the same id with another body is a mistake of the client."""
    subject: str
    """Whose request: nobody reads another's result by guessing its id."""
    create_time: datetime = field(default_factory=lambda: datetime.now(UTC))


def request_key(method: str, request: Message, caller: Caller) -> RequestKey:
    """The key of a write request, whose message has a `request_id` field.

    Raises:
        RequestIdRequired: it is empty.
        RequestIdMalformed: it is not a UUID of 36 characters.
    """
    request_id = str(getattr(request, "request_id", "")).lower()
    if not request_id:
        raise RequestIdRequired
    if _UUID.fullmatch(request_id) is None:
        raise RequestIdMalformed
    # The request_id may stay in: within one key it is always the same.
    fingerprint = sha256(request.SerializeToString(deterministic=True)).digest()
    return RequestKey(method=method, request_id=request_id, fingerprint=fingerprint, subject=caller.subject)


async def peek(tx: Tx, key: RequestKey) -> str | None:
    """The result of an earlier run, or None; takes nothing, so it also works in a read before a slow outside call.

    Raises:
        RequestIdReused: the id was used for another body.
    """
    row = await tx.one(
        "frame_idempotency_read", subject=key.subject, method=key.method, request_id=key.request_id
    )
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise RequestIdReused
    return None if row["result"] is None else str(row["result"])


async def recall(tx: Tx, key: RequestKey, *, result: str | None = None, keep: Keep = "90d") -> str | None:
    """The result of an earlier run of this request, or None and the key is taken for this transaction.

    Two runs at once: the second waits, or is run again after the first, and then finds its result.

    Args:
        result: What to keep, where it is known before the effect: `remember` is not called then, one statement less.
        keep: How long, where `result` is given.
    Raises:
        RequestIdReused: the id was used for another body.
        RequestUnfinished: the earlier run kept no result.
    """
    place = {"subject": key.subject, "method": key.method, "request_id": key.request_id}
    taken = await tx.execute(
        "frame_idempotency_claim",
        **place,
        fingerprint=key.fingerprint,
        result=result,
        keep=keep,
        create_time=to_text(key.create_time),
    )
    if taken == 1:
        return None
    result = await peek(tx, key)
    if result is None:
        raise RequestUnfinished(key.method)
    return result


async def remember(tx: Tx, key: RequestKey, result: str, keep: Keep = "90d") -> None:
    """Keep what the request made, such as the key of a row; after `recall` in the same transaction."""
    changed = await tx.execute(
        "frame_idempotency_finish",
        subject=key.subject,
        method=key.method,
        request_id=key.request_id,
        result=result,
        keep=keep,
    )
    assert changed == 1, "recall comes before remember"


async def purge(db: Database, *, now: datetime) -> int:
    """Forget keys older than 90 days, a page per transaction, and return how many; money keys stay."""
    before_time = to_text(now - timedelta(days=KEEP_DAYS))
    purged_count = 0
    while True:
        count = await db.write(
            lambda tx: tx.execute("frame_idempotency_purge", before_time=before_time, page_size=PURGE_PAGE)
        )
        purged_count += count
        if count < PURGE_PAGE:
            return purged_count
