"""A repeated write takes effect once, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.struct_pb2 import Struct

from chassis.db import Database, Tx
from chassis.errors import RequestIdMalformed, RequestIdRequired, RequestIdReused
from chassis.idempotency import Keep, RequestKey, RequestUnfinished, purge, recall, remember, request_key
from chassis.rpc.context import Caller

NOW = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
KEY = RequestKey(
    method="/x.v1.X/Open", request_id="0" * 36, fingerprint=b"one", subject="staff-1", create_time=NOW
)


async def open_account(db: Database, key: RequestKey = KEY, account_id: str = "a", keep: Keep = "90d") -> str:
    async def work(tx: Tx) -> str:
        if (done := await recall(tx, key)) is not None:
            return f"again {done}"
        await tx.execute("add_account", citizen_id="c1", account_id=account_id, balance_vnd=0)
        await remember(tx, key, account_id, keep)
        return account_id

    return await db.write(work)


async def test_a_repeat_answers_with_the_first_result(database: Database) -> None:
    assert await open_account(database) == "a"
    assert await open_account(database) == "again a"


async def test_of_ten_repeats_at_once_one_takes_effect(database: Database) -> None:
    answers = await asyncio.gather(*[open_account(database) for _ in range(10)])
    assert sorted(answers) == ["a"] + ["again a"] * 9


async def test_the_same_id_with_another_body_is_refused(database: Database) -> None:
    await open_account(database)
    with pytest.raises(RequestIdReused):
        await open_account(database, replace(KEY, fingerprint=b"two"))


@pytest.mark.parametrize(
    "other", [{"subject": "staff-2"}, {"method": "/x.v1.X/Close"}, {"request_id": "1" * 36}]
)
async def test_another_subject_method_or_id_is_another_request(
    database: Database, other: dict[str, str]
) -> None:
    await open_account(database)
    assert await open_account(database, replace(KEY, **other), account_id="b") == "b"  # type: ignore[arg-type]


async def test_a_failed_request_may_be_tried_again(database: Database) -> None:
    async def fails(tx: Tx) -> None:
        assert await recall(tx, KEY) is None
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fails)
    assert await open_account(database) == "a"


async def test_an_operation_that_forgets_to_remember_is_told(database: Database) -> None:
    await database.write(lambda tx: recall(tx, KEY))
    with pytest.raises(RequestUnfinished):
        await open_account(database)


async def test_after_ninety_days_a_key_goes_and_a_money_key_stays(database: Database) -> None:
    money = replace(KEY, request_id="1" * 36)
    await open_account(database)
    await open_account(database, money, account_id="b", keep="forever")

    assert await purge(database, now=NOW + timedelta(days=90)) == 0
    assert await purge(database, now=NOW + timedelta(days=90, seconds=1)) == 1

    assert await open_account(database, money) == "again b"
    assert await open_account(database, account_id="c") == "c"


def _request(request_id: str, **fields: str) -> Struct:
    message = Struct()
    message.update({**fields})

    class _WithId:
        def __init__(self) -> None:
            self.request_id = request_id

        def SerializeToString(self, *, deterministic: bool) -> bytes:
            assert deterministic
            return message.SerializeToString(deterministic=True)

    return _WithId()  # type: ignore[return-value]  # the two parts of a Message that are used


CALLER = Caller(subject="staff-1", roles=frozenset())
UUID = "018f3b5a-7c4e-7abc-8def-0123456789ab"


def test_a_key_is_the_same_for_the_same_body_and_differs_for_another() -> None:
    one = request_key("m", _request(UUID, name="a"), CALLER)
    same = request_key("m", _request(UUID.upper(), name="a"), CALLER)
    other = request_key("m", _request(UUID, name="b"), CALLER)

    assert (one.request_id, one.fingerprint, one.subject) == (same.request_id, same.fingerprint, "staff-1")
    assert one.fingerprint != other.fingerprint


def test_a_missing_request_id_is_asked_for() -> None:
    with pytest.raises(RequestIdRequired):
        request_key("m", _request(""), CALLER)


@pytest.mark.parametrize(
    "request_id", ["1", UUID[:-1], f"{{{UUID}}}", UUID.replace("-", ""), UUID + "\n", "x" * 36]
)
def test_a_malformed_request_id_is_refused(request_id: str) -> None:
    with pytest.raises(RequestIdMalformed):
        request_key("m", _request(request_id), CALLER)
