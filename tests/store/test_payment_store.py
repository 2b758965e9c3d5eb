"""Payment on both engines: the schema, what stands in clear, numbers without gaps, and one posting per cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from chassis import audit
from chassis.crypto import FieldCipher, KeyRing, LookupHash
from chassis.db.errors import UniqueViolated
from chassis.db.migrations import schema_sql
from chassis.db.queries import load_queries
from chassis.db.schema_dump import drift
from chassis.db.schema_rules import check_schema
from chassis.db.sqlite_module import choose_sqlite
from lienthong.payment.v1 import payment_pb2 as pb
from payment_svc.domain.ledger import confirm_postings, transfer
from payment_svc.store.store import PaymentStore
from tests.support.payment import (
    FACILITY,
    PACKAGE,
    QUERIES_FILES,
    START,
    TODAY,
    Booked,
    Payment,
    bill_line,
    new_visit,
    paid,
    payment_on,
    query,
    statement_csv,
)
from tests.support.stores import OpenStore, StoreMaker


@pytest.fixture
async def payment(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Payment]:
    async with payment_on(open_store, tmp_path) as made:
        yield made


async def asked(payment: Payment, patient_vnd: int = 500_000) -> tuple[str, pb.PaymentIntent]:
    visit = new_visit()
    await payment.issue(visit, bill_line(patient_vnd))
    return visit, await payment.intent(visit)


async def test_the_schema_file_equals_the_sum_of_the_migrations(
    store_engine: str, store_maker: StoreMaker
) -> None:
    migrated_url = await store_maker.empty_url(store_engine)
    applied_url = await store_maker.empty_url(store_engine)

    assert await drift(PACKAGE, migrated_url=migrated_url, applied_url=applied_url) == []


def test_the_schema_can_be_distributed_by_citizen() -> None:
    assert check_schema(schema_sql(PACKAGE)) == []


async def test_a_day_with_every_kind_of_money_balances(payment: Payment) -> None:
    (paid_visit, one), (_, two), (lost_visit, three) = [await asked(payment) for _ in range(3)]
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=one.reference_code)))
    await payment.tell(query(paid(600_000, transaction_id="FT2606100002", text=two.reference_code)))
    await payment.tell(query(paid(70_000, transaction_id="FT2606100003", text="nguoi la")))
    await payment.tell(query(paid(500_000, transaction_id="FT2606100004", invoice_id=one.reference_code)))
    await payment.import_file(
        statement_csv(
            [
                Booked(amount_vnd=500_000, reference="FT2606100001"),
                Booked(amount_vnd=600_000, text=f"x {two.reference_code}"),
                Booked(amount_vnd=70_000, text="NGUOI-LA"),
                Booked(amount_vnd=500_000, reference="FT2606100005", text=three.reference_code),
                Booked(amount_vnd=-9_000, text="phi"),
            ],
            day=TODAY + timedelta(days=1),
        )
    )
    await payment.import_file(statement_csv([]))

    run = await payment.reconcile()

    assert run.matched_by_bank_reference_count == 1
    assert run.matched_by_reference_code_count == 2
    assert run.posted_from_statement_count == 1
    assert (await payment.bill(paid_visit)).paid_vnd == 500_000
    assert (await payment.bill(lost_visit)).reconciled
    assert await payment.balances() == {
        "BANK": 1_670_000,
        "BANK_CLEARING": 500_000,
        "UNAPPLIED_RECEIPTS": -170_000,
        "REFUNDS_PAYABLE": -500_000,
        "REVENUE": -1_500_000,
    }
    assert await payment.break_codes() == [
        "AMOUNT_OVER",
        "DUPLICATE_PAYMENT",
        "MISSING_IN_BANK",
        "UNEXPLAINED_DEBIT",
        "UNIDENTIFIED_RECEIPT",
    ]
    assert (await audit.verify(payment.db)).is_intact


async def test_receipt_numbers_have_no_gap_and_begin_anew_each_vietnamese_year(payment: Payment) -> None:
    bills = [await asked(payment) for _ in range(12)]
    raws = [
        query(paid(500_000, transaction_id=f"FT26061{n:05d}", invoice_id=intent.reference_code))
        for n, (_, intent) in enumerate(bills)
    ]

    await asyncio.gather(*(payment.tell(raw) for raw in raws), *(payment.tell(raw) for raw in raws[:4]))
    # The last second of the year in Viet Nam is 16:59:59 UTC.
    payment.clock.advance(START.replace(month=12, day=31, hour=16, minute=59, second=59) - START)
    old_visit, old = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606190001", invoice_id=old.reference_code)))
    payment.clock.advance(timedelta(seconds=1))
    new_visit_name, new = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606190002", invoice_id=new.reference_code)))

    numbers = [(await payment.bill(visit)).receipts[0].number for visit, _ in bills]
    assert sorted(numbers) == [f"PT26-{n:06d}" for n in range(1, 13)]
    assert (await payment.bill(old_visit)).receipts[0].number == "PT26-000013"
    assert (await payment.bill(new_visit_name)).receipts[0].number == "PT27-000001"


async def test_sixteen_clerks_asking_at_once_make_one_intent(payment: Payment) -> None:
    visit = new_visit()
    await payment.issue(visit, bill_line(500_000))

    intents = await asyncio.gather(*(payment.intent(visit) for _ in range(16)))

    assert len({intent.name for intent in intents}) == 1
    assert len((await payment.bill(visit)).intents) == 1


async def test_sixteen_clerks_opening_at_once_make_one_bill(payment: Payment) -> None:
    visit = new_visit()

    bills = await asyncio.gather(*(payment.open(visit) for _ in range(16)))

    assert len({bill.SerializeToString(deterministic=True) for bill in bills}) == 1


async def test_one_cause_cannot_be_posted_twice(payment: Payment) -> None:
    ring = KeyRing.from_file(payment.key_file)
    store = PaymentStore(FieldCipher(ring), LookupHash(ring))
    made = transfer(
        "confirm", "line-1", facility_code=FACILITY, book_time=START, postings=confirm_postings(5_000)
    )
    await payment.db.write(lambda tx: store.book(tx, made))

    with pytest.raises(UniqueViolated):
        await payment.db.write(lambda tx: store.book(tx, made))

    assert await payment.balances() == {"BANK": 5_000, "BANK_CLEARING": -5_000}


async def test_no_payer_and_no_service_stands_in_clear(payment: Payment, store_engine: str) -> None:
    visit = new_visit()
    line = bill_line(500_000)
    line.display_name = "Xét nghiệm PLANTEDTEST"
    await payment.issue(visit, line)
    await payment.tell(query(paid(70_000, transaction_id="FT2606100003", text="NGUYEN VAN PLANTED ck")))
    content = statement_csv(
        [Booked(amount_vnd=5_000, text="TRAN THI PLANTED"), Booked(amount_vnd=1, text="LE PLANTED")]
    ).replace(b",1,", b",1..1,")
    await payment.import_file(content)
    waiting = [each for each in await payment.breaks() if each.code == pb.BREAK_CODE_UNIDENTIFIED_RECEIPT]
    await payment.resolve(waiting[0].name, pb.BREAK_RESOLUTION_REFUND_PAYABLE)

    if store_engine == "sqlite":
        path = Path(payment.db.url.removeprefix("sqlite:///"))
        await payment.db.close()
        stored = b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))
    else:
        connection = await asyncpg.connect(payment.db.url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text AS t FROM "{row[0]}" AS t') for row in tables]  # noqa: S608
        await connection.close()
        stored = "".join(each["t"] for table in rows for each in table).encode()

    assert b"FT2606100003" in stored
    for planted in (b"PLANTED", "đã gọi điện".encode()):
        assert planted not in stored
        # PostgreSQL shows bytes as hex.
        assert planted.hex().encode() not in stored


LISTS = (
    "payment_read_bill",
    "payment_list_intents",
    "payment_list_receipts",
    "payment_list_unproved",
    "payment_list_overdue",
    "payment_find_posted_from_line",
    "payment_collections_of_visit",
    "payment_receivable_of_visit",
    "payment_balances",
    "payment_list_open_lines",
    "payment_list_breaks",
    "payment_clear_breaks",
    "payment_list_broken_money",
    "payment_count_open_lines",
)


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_is_read_by_its_index(name: str, store_maker: StoreMaker) -> None:
    url = await store_maker.migrated_url("sqlite", PACKAGE)
    query_text = load_queries(QUERIES_FILES, engine="sqlite")[name]
    connection = choose_sqlite().connect(url.removeprefix("sqlite:///"))

    values = dict.fromkeys(query_text.names, "")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query_text.sql}", values)]

    connection.close()
    assert [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"] == []


async def test_open_lines_come_in_order_from_their_index(store_maker: StoreMaker) -> None:
    url = await store_maker.migrated_url("sqlite", PACKAGE)
    query_text = load_queries(QUERIES_FILES, engine="sqlite")["payment_list_open_lines"]
    connection = choose_sqlite().connect(url.removeprefix("sqlite:///"))

    values = dict.fromkeys(query_text.names, "")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query_text.sql}", values)]

    connection.close()
    assert [step for step in plan if "TEMP B-TREE" in step] == []
