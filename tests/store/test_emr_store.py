"""The record's operations over both engines."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis import audit
from chassis.clock import FixedClock
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.db import Database, migrations
from chassis.db.schema_dump import drift
from chassis.db.schema_rules import check_schema
from chassis.errors import RequestIdReused
from chassis.idempotency import RequestKey
from chassis.rpc.context import Caller
from emr_svc.domain.errors import QueueEmpty, VisitClosed, VisitIdTaken, VisitNotFound
from emr_svc.domain.model import (
    EntryKind,
    NewEntry,
    OpenVisit,
    PriorityClass,
    TicketState,
    VisitKind,
    VisitState,
)
from emr_svc.operations import Operations
from emr_svc.store.store import QUERIES, EmrStore
from tests.support.stores import OpenStore, StoreMaker

CLERK = Caller(subject="clerk-1", roles=frozenset({"CLERK"}), facility="19999")
OTHER = Caller(subject="clerk-2", roles=frozenset({"CLERK"}), facility="19998")
START = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def emr_database(open_store: OpenStore) -> Database:
    return await open_store("emr_svc", queries=(QUERIES,))


@pytest.fixture
def operations(emr_database: Database, clock: FixedClock, tmp_path: Path) -> Operations:
    generate_key_file(tmp_path / "keys.json")
    store = EmrStore(FieldCipher(KeyRing.from_file(tmp_path / "keys.json")))
    return Operations(database=emr_database, store=store, clock=clock)


def key(request_id: str | None = None, body: bytes = b"body") -> RequestKey:
    return RequestKey(
        method="test", request_id=request_id or str(uuid.uuid4()), fingerprint=body, subject="clerk-1"
    )


def opening(
    visit_id: str = "a" * 32, citizen_id: str = "c1", room: str = "KHAM-1", **changes: object
) -> OpenVisit:
    values = {
        "visit_id": visit_id,
        "citizen_id": citizen_id,
        "kind": VisitKind.OUTPATIENT,
        "reason_text": "đau đầu",
        "room": room,
        "priority_class": PriorityClass.NORMAL,
    }
    return OpenVisit(**(values | changes))  # type: ignore[arg-type]  # the test names real fields


async def test_an_opened_visit_reads_back_with_its_ticket(operations: Operations) -> None:
    opened = await operations.open_visit(opening(), caller=CLERK, key=key())

    read = await operations.get_visit("a" * 32, caller=CLERK)

    assert read == opened
    assert (read.ticket.number, read.ticket.state, read.state) == (1, TicketState.WAITING, VisitState.OPEN)
    assert read.reason_text == "đau đầu"


async def test_repeating_the_request_opens_nothing_new(operations: Operations) -> None:
    again = key()
    first = await operations.open_visit(opening(), caller=CLERK, key=again)

    second = await operations.open_visit(opening(), caller=CLERK, key=again)

    assert second == first
    third = await operations.open_visit(opening("b" * 32), caller=CLERK, key=key())
    assert third.ticket.number == 2


async def test_another_body_under_the_same_request_id_is_refused(operations: Operations) -> None:
    request_id = str(uuid.uuid4())
    await operations.open_visit(opening(), caller=CLERK, key=key(request_id, b"one"))

    with pytest.raises(RequestIdReused):
        await operations.open_visit(opening(), caller=CLERK, key=key(request_id, b"two"))


async def test_sixteen_repeats_at_once_take_one_ticket(operations: Operations) -> None:
    again = key()

    visits = await asyncio.gather(
        *(operations.open_visit(opening(), caller=CLERK, key=again) for _ in range(16))
    )

    assert {visit.ticket.number for visit in visits} == {1}


async def test_tickets_taken_at_once_are_all_different(operations: Operations) -> None:
    visits = await asyncio.gather(
        *(operations.open_visit(opening(f"{n:032x}", f"c{n}"), caller=CLERK, key=key()) for n in range(20))
    )

    assert sorted(visit.ticket.number for visit in visits) == list(range(1, 21))


async def test_a_visit_id_of_another_citizen_is_refused(operations: Operations) -> None:
    await operations.open_visit(opening(), caller=CLERK, key=key())

    with pytest.raises(VisitIdTaken):
        await operations.open_visit(opening(citizen_id="c2"), caller=CLERK, key=key())


async def test_another_facilitys_visit_is_not_found(operations: Operations) -> None:
    await operations.open_visit(opening(), caller=CLERK, key=key())

    with pytest.raises(VisitNotFound):
        await operations.get_visit("a" * 32, caller=OTHER)
    with pytest.raises(VisitNotFound):
        await operations.close_visit("a" * 32, caller=OTHER, key=key())


async def test_entries_are_appended_in_order_and_a_closed_visit_takes_no_more(
    operations: Operations, clock: FixedClock
) -> None:
    await operations.open_visit(opening(), caller=CLERK, key=key())
    note = NewEntry(kind=EntryKind.NOTE, code="", text="ho ba ngày")
    diagnosis = NewEntry(kind=EntryKind.DIAGNOSIS, code="J06.9", text="viêm hô hấp trên cấp")

    await operations.record_entries("a" * 32, [note], caller=CLERK, key=key())
    clock.advance(timedelta(minutes=5))
    visit = await operations.record_entries("a" * 32, [diagnosis], caller=CLERK, key=key())

    assert [(entry.number, entry.code, entry.text) for entry in visit.entries] == [
        (1, "", "ho ba ngày"),
        (2, "J06.9", "viêm hô hấp trên cấp"),
    ]
    assert (visit.state, visit.version) == (VisitState.IN_PROGRESS, 3)
    closed = await operations.close_visit("a" * 32, caller=CLERK, key=key())
    assert closed.state is VisitState.CLOSED
    with pytest.raises(VisitClosed):
        await operations.record_entries("a" * 32, [note], caller=CLERK, key=key())


async def test_priority_is_called_before_order_of_arrival(operations: Operations) -> None:
    await operations.open_visit(opening("1" * 32, "c1"), caller=CLERK, key=key())
    await operations.open_visit(
        opening("2" * 32, "c2", priority_class=PriorityClass.PRIORITY), caller=CLERK, key=key()
    )

    first = await operations.call_next_ticket("KHAM-1", caller=CLERK, key=key())
    second = await operations.call_next_ticket("KHAM-1", caller=CLERK, key=key())

    assert [first.visit_id, second.visit_id] == ["2" * 32, "1" * 32]
    with pytest.raises(QueueEmpty):
        await operations.call_next_ticket("KHAM-1", caller=CLERK, key=key())


async def test_the_queue_begins_anew_at_midnight_in_viet_nam(
    operations: Operations, clock: FixedClock
) -> None:
    clock.advance(datetime(2026, 7, 1, 16, 59, 59, tzinfo=UTC) - START)
    before = await operations.open_visit(opening("1" * 32), caller=CLERK, key=key())
    clock.advance(timedelta(seconds=1))

    after = await operations.open_visit(opening("2" * 32, "c2"), caller=CLERK, key=key())

    assert (before.ticket.queue_date.isoformat(), before.ticket.number) == ("2026-07-01", 1)
    assert (after.ticket.queue_date.isoformat(), after.ticket.number) == ("2026-07-02", 1)


async def test_pages_give_every_visit_once_newest_first(operations: Operations, clock: FixedClock) -> None:
    for number in range(7):
        clock.advance(timedelta(seconds=1))
        await operations.open_visit(opening(f"{number:032x}", f"c{number}"), caller=CLERK, key=key())

    seen: list[str] = []
    before = None
    while True:
        page = await operations.list_visits(
            caller=CLERK, citizen_id="", state=None, before=before, page_size=3
        )
        seen += [visit.visit_id for visit in page.visits]
        if (before := page.next_before) is None:
            break

    assert seen == [f"{number:032x}" for number in reversed(range(7))]


async def test_every_change_and_reading_is_in_the_audit_chain(
    operations: Operations, emr_database: Database
) -> None:
    await operations.open_visit(opening(), caller=CLERK, key=key())
    await operations.get_visit("a" * 32, caller=CLERK)
    await operations.close_visit("a" * 32, caller=CLERK, key=key())

    entries = await emr_database.read(lambda tx: audit.entries_of(tx, subject="c1"))

    assert sorted(entry.action for entry in entries) == ["close_visit", "get_visit", "open_visit"]
    assert (await audit.verify(emr_database)).is_intact


async def test_schema_sql_equals_the_migrations_and_keeps_the_rules(
    store_engine: str, store_maker: StoreMaker
) -> None:
    faults = await drift(
        "emr_svc",
        migrated_url=await store_maker.empty_url(store_engine),
        applied_url=await store_maker.empty_url(store_engine),
    )

    assert faults == []
    assert check_schema(migrations.schema_sql("emr_svc")) == []
