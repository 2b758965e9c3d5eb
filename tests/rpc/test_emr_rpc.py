"""The record through the whole pipeline: what callers get, and the typed error of each bad input."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chassis.clock import FixedClock
from chassis.crypto import FieldCipher, KeyRing, generate_key_file
from chassis.errors import AppError, Kind
from chassis.rpc.binding import collect
from chassis.rpc.context import Caller, acting_as
from chassis.rpc.local import LocalNetwork
from chassis.rpc.tokens import Minter
from chassis.telemetry import Telemetry
from emr_svc.operations import Operations
from emr_svc.servicer import VisitServicer
from emr_svc.store.store import QUERIES, EmrStore
from lienthong.emr.v1 import emr_pb2 as pb
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceStub, add_VisitServiceServicer_to_server
from tests.support.echo_network import Keys
from tests.support.stores import OpenStore, StoreMaker

if TYPE_CHECKING:
    from lienthong.emr.v1.emr_pb2_grpc import VisitServiceAsyncStub

TIMEOUT_S = 5.0
START = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
VISIT_ID = "a" * 32
VISIT = f"visits/{VISIT_ID}"
NOTE = pb.Entry(kind=pb.ENTRY_KIND_NOTE, text="ho")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def stub(
    open_store: OpenStore, store_maker: StoreMaker, keys: Keys, clock: FixedClock, tmp_path: Path
) -> AsyncIterator[VisitServiceAsyncStub]:
    database = await open_store("emr_svc", queries=(QUERIES,))
    generate_key_file(tmp_path / "fields.json")
    store = EmrStore(FieldCipher(KeyRing.from_file(tmp_path / "fields.json")))
    servicer = VisitServicer(Operations(database=database, store=store, clock=clock))
    telemetry = Telemetry("emr")
    network = LocalNetwork()
    network.register(
        "emr",
        [collect(add_VisitServiceServicer_to_server, servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("emr", telemetry=telemetry, sender="gateway")
    yield VisitServiceStub(channel)
    await channel.close()


def signed(keys: Keys, *roles: str, facility: str = "19999", subject: str = "staff-1") -> Caller:
    named = Caller(
        subject=subject, roles=frozenset(roles or ("CLERK",)), facility=facility, purpose="treatment"
    )
    return Caller(
        subject=subject, roles=named.roles, facility=facility, token=Minter(keys.gateway).mint(named)
    )


def opening(**changes: Any) -> pb.OpenVisitRequest:
    values = {
        "request_id": str(uuid.uuid4()),
        "visit_id": VISIT_ID,
        "citizen": "citizens/c1",
        "kind": pb.VISIT_KIND_OUTPATIENT,
        "reason_text": "đau đầu",
        "room": "KHAM-1",
    }
    return pb.OpenVisitRequest(**(values | changes))


def fresh() -> str:
    return str(uuid.uuid4())


async def test_a_visit_goes_from_its_ticket_to_its_end(
    stub: VisitServiceAsyncStub, keys: Keys, clock: FixedClock
) -> None:
    with acting_as(signed(keys, "CLERK", "CLINICIAN"), within_ms=5_000):
        opened = (await stub.OpenVisit(opening())).visit
        clock.advance(timedelta(minutes=5))
        called = (
            await stub.CallNextTicket(pb.CallNextTicketRequest(request_id=fresh(), room="KHAM-1"))
        ).ticket
        recorded = (
            await stub.RecordEntries(
                pb.RecordEntriesRequest(
                    request_id=fresh(),
                    visit=VISIT,
                    entries=[NOTE, pb.Entry(kind=pb.ENTRY_KIND_DIAGNOSIS, code="J06.9", text="viêm")],
                )
            )
        ).visit
        closed = (await stub.CloseVisit(pb.CloseVisitRequest(request_id=fresh(), visit=VISIT))).visit
        read = (await stub.GetVisit(pb.GetVisitRequest(name=VISIT))).visit
        tickets = (await stub.ListTickets(pb.ListTicketsRequest(room="KHAM-1"))).tickets

    assert (opened.name, opened.state, opened.ticket.number) == (VISIT, pb.VISIT_STATE_OPEN, 1)
    assert opened.claim_link_id == f"260701-{VISIT_ID}"
    assert (called.name, called.state) == (f"{VISIT}/ticket", pb.TICKET_STATE_CALLED)
    assert called.call_time.ToDatetime(tzinfo=UTC) == START + timedelta(minutes=5)
    assert [(entry.number, entry.code, entry.author) for entry in recorded.entries] == [
        (1, "", "staff-1"),
        (2, "J06.9", "staff-1"),
    ]
    assert closed.state == pb.VISIT_STATE_CLOSED
    assert read == closed
    assert [ticket.state for ticket in tickets] == [pb.TICKET_STATE_DONE]


def queue_of(text: str) -> pb.ListTicketsRequest:
    return pb.ListTicketsRequest(room="K", queue_date=text)


BAD_CALLS: list[tuple[str, Any, Kind, str, str]] = [
    ("OpenVisit", opening(request_id=""), Kind.INVALID_ARGUMENT, "REQUEST_ID_REQUIRED", "request_id"),
    ("OpenVisit", opening(request_id="7"), Kind.INVALID_ARGUMENT, "REQUEST_ID_MALFORMED", "request_id"),
    ("OpenVisit", opening(visit_id="A" * 32), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "visit_id"),
    ("OpenVisit", opening(visit_id="a" * 31), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "visit_id"),
    ("OpenVisit", opening(citizen="c1"), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "citizen"),
    ("OpenVisit", opening(citizen="citizens/a/b"), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "citizen"),
    ("OpenVisit", opening(kind=0), Kind.INVALID_ARGUMENT, "KIND_REQUIRED", "kind"),
    ("OpenVisit", opening(kind=9), Kind.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE", "kind"),
    ("OpenVisit", opening(priority_class=9), Kind.INVALID_ARGUMENT, "UNKNOWN_ENUM_VALUE", "priority_class"),
    ("OpenVisit", opening(room=""), Kind.INVALID_ARGUMENT, "ROOM_MALFORMED", "room"),
    ("OpenVisit", opening(room="kham 1"), Kind.INVALID_ARGUMENT, "ROOM_MALFORMED", "room"),
    ("OpenVisit", opening(reason_text="x" * 501), Kind.INVALID_ARGUMENT, "TEXT_TOO_LONG", "reason_text"),
    ("GetVisit", pb.GetVisitRequest(name="visits/7"), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "name"),
    ("GetVisit", pb.GetVisitRequest(name=f"{VISIT}\n"), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "name"),
    ("GetVisit", pb.GetVisitRequest(name=VISIT), Kind.NOT_FOUND, "VISIT_NOT_FOUND", ""),
    (
        "CloseVisit",
        pb.CloseVisitRequest(request_id=fresh(), visit=VISIT),
        Kind.NOT_FOUND,
        "VISIT_NOT_FOUND",
        "",
    ),
    (
        "RecordEntries",
        pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT, entries=[NOTE]),
        Kind.NOT_FOUND,
        "VISIT_NOT_FOUND",
        "",
    ),
    (
        "RecordEntries",
        pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT),
        Kind.INVALID_ARGUMENT,
        "TOO_MANY_ENTRIES",
        "entries",
    ),
    (
        "RecordEntries",
        pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT, entries=[NOTE] * 101),
        Kind.INVALID_ARGUMENT,
        "TOO_MANY_ENTRIES",
        "entries",
    ),
    (
        "RecordEntries",
        pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT, entries=[NOTE, pb.Entry(text="x")]),
        Kind.INVALID_ARGUMENT,
        "KIND_REQUIRED",
        "entries[1].kind",
    ),
    (
        "RecordEntries",
        pb.RecordEntriesRequest(
            request_id=fresh(), visit=VISIT, entries=[pb.Entry(kind=pb.ENTRY_KIND_SERVICE, code="á")]
        ),
        Kind.INVALID_ARGUMENT,
        "ENTRY_CODE_MALFORMED",
        "entries[0].code",
    ),
    (
        "CallNextTicket",
        pb.CallNextTicketRequest(request_id=fresh(), room="KHAM-9"),
        Kind.NOT_FOUND,
        "QUEUE_EMPTY",
        "",
    ),
    (
        "CallNextTicket",
        pb.CallNextTicketRequest(request_id=fresh(), room="?"),
        Kind.INVALID_ARGUMENT,
        "ROOM_MALFORMED",
        "room",
    ),
    ("ListVisits", pb.ListVisitsRequest(page_size=201), Kind.INVALID_ARGUMENT, "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
    ("ListVisits", pb.ListVisitsRequest(page_size=-1), Kind.INVALID_ARGUMENT, "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
    ("ListVisits", pb.ListVisitsRequest(page_token="=="), Kind.INVALID_ARGUMENT, "PAGE_TOKEN_MALFORMED", "page_token"),
    ("ListVisits", pb.ListVisitsRequest(page_token="đ"), Kind.INVALID_ARGUMENT, "PAGE_TOKEN_MALFORMED", "page_token"),
    ("ListVisits", pb.ListVisitsRequest(citizen="x"), Kind.INVALID_ARGUMENT, "NAME_MALFORMED", "citizen"),
    ("ListTickets", queue_of("1/7"), Kind.INVALID_ARGUMENT, "DATE_MALFORMED", "queue_date"),
    ("ListTickets", queue_of("2026-02-30"), Kind.INVALID_ARGUMENT, "DATE_MALFORMED", "queue_date"),
    ("ListTickets", queue_of("20260701"), Kind.INVALID_ARGUMENT, "DATE_MALFORMED", "queue_date"),
    ("ListTickets", pb.ListTicketsRequest(room=""), Kind.INVALID_ARGUMENT, "ROOM_MALFORMED", "room"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "request_message", "kind", "reason", "field"),
    BAD_CALLS,
    ids=[f"{method}-{reason}-{number}" for number, (method, _, _, reason, _) in enumerate(BAD_CALLS)],
)
async def test_each_bad_call_is_a_typed_error(  # noqa: PLR0917
    stub: VisitServiceAsyncStub,
    keys: Keys,
    method: str,
    request_message: Any,
    kind: Kind,
    reason: str,
    field: str,
) -> None:
    with acting_as(signed(keys, "CLERK", "CLINICIAN")), pytest.raises(AppError) as caught:
        await getattr(stub, method)(request_message, timeout=TIMEOUT_S)

    assert (caught.value.kind, caught.value.reason, caught.value.field or "") == (kind, reason, field)
    assert caught.value.domain == "emr"
    assert caught.value.vi
    assert caught.value.message
    with acting_as(signed(keys, "CLERK")):
        assert not (await stub.ListVisits(pb.ListVisitsRequest(), timeout=TIMEOUT_S)).visits


@pytest.mark.parametrize("method", ["RecordEntries", "CloseVisit"])
async def test_a_closed_visit_is_final(stub: VisitServiceAsyncStub, keys: Keys, method: str) -> None:
    requests = {
        "RecordEntries": pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT, entries=[NOTE]),
        "CloseVisit": pb.CloseVisitRequest(request_id=fresh(), visit=VISIT),
    }
    with acting_as(signed(keys, "CLERK", "CLINICIAN"), within_ms=5_000):
        await stub.OpenVisit(opening())
        first = pb.CloseVisitRequest(request_id=fresh(), visit=VISIT)
        closed = await stub.CloseVisit(first)
        repeated = await stub.CloseVisit(first)
        with pytest.raises(AppError) as caught:
            await getattr(stub, method)(requests[method])

    assert repeated == closed
    assert (caught.value.kind, caught.value.reason) == (Kind.PRECONDITION, "VISIT_CLOSED")
    assert caught.value.facts == {"visit": VISIT}


async def test_the_id_of_anothers_visit_cannot_be_taken(stub: VisitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys), within_ms=5_000):
        await stub.OpenVisit(opening())
        with pytest.raises(AppError) as other_citizen:
            await stub.OpenVisit(opening(citizen="citizens/c2"))
    with (
        acting_as(signed(keys, facility="19998"), within_ms=5_000),
        pytest.raises(AppError) as other_facility,
    ):
        await stub.OpenVisit(opening())

    for caught in (other_citizen.value, other_facility.value):
        assert (caught.kind, caught.reason, caught.field) == (
            Kind.ALREADY_EXISTS,
            "VISIT_ID_TAKEN",
            "visit_id",
        )


async def test_another_facility_sees_and_changes_nothing(stub: VisitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys), within_ms=5_000):
        opened = (await stub.OpenVisit(opening())).visit
    with acting_as(signed(keys, "CLERK", "CLINICIAN", facility="19998"), within_ms=5_000):
        for call in (
            stub.GetVisit(pb.GetVisitRequest(name=VISIT)),
            stub.RecordEntries(pb.RecordEntriesRequest(request_id=fresh(), visit=VISIT, entries=[NOTE])),
            stub.CloseVisit(pb.CloseVisitRequest(request_id=fresh(), visit=VISIT)),
        ):
            with pytest.raises(AppError) as caught:
                await call
            assert caught.value.reason == "VISIT_NOT_FOUND"
        with pytest.raises(AppError) as queue:
            await stub.CallNextTicket(pb.CallNextTicketRequest(request_id=fresh(), room="KHAM-1"))
        listed = await stub.ListVisits(pb.ListVisitsRequest())
        tickets = await stub.ListTickets(pb.ListTicketsRequest(room="KHAM-1"))

    assert queue.value.reason == "QUEUE_EMPTY"
    assert not listed.visits
    assert not tickets.tickets
    with acting_as(signed(keys), within_ms=5_000):
        assert (await stub.GetVisit(pb.GetVisitRequest(name=VISIT))).visit == opened


@pytest.mark.parametrize("method", ["OpenVisit", "CallNextTicket", "ListVisits", "ListTickets"])
async def test_staff_without_a_facility_are_refused(
    stub: VisitServiceAsyncStub, keys: Keys, method: str
) -> None:
    requests = {
        "OpenVisit": opening(),
        "CallNextTicket": pb.CallNextTicketRequest(request_id=fresh(), room="KHAM-1"),
        "ListVisits": pb.ListVisitsRequest(),
        "ListTickets": pb.ListTicketsRequest(room="KHAM-1"),
    }
    with acting_as(signed(keys, facility=""), within_ms=5_000), pytest.raises(AppError) as caught:
        await getattr(stub, method)(requests[method])

    assert (caught.value.kind, caught.value.reason) == (Kind.PERMISSION, "FACILITY_MISSING")


async def test_a_request_id_with_another_body_is_refused(stub: VisitServiceAsyncStub, keys: Keys) -> None:
    with acting_as(signed(keys), within_ms=5_000):
        first = opening()
        await stub.OpenVisit(first)
        other = opening(request_id=first.request_id, reason_text="khác")
        with pytest.raises(AppError) as caught:
            await stub.OpenVisit(other)

    assert (caught.value.kind, caught.value.reason) == (Kind.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert caught.value.field == "request_id"


async def test_who_comes_first_is_called_first_and_an_emergency_before_all(
    stub: VisitServiceAsyncStub, keys: Keys
) -> None:
    classes = (pb.PRIORITY_CLASS_NORMAL, pb.PRIORITY_CLASS_PRIORITY, 0, pb.PRIORITY_CLASS_EMERGENCY)
    with acting_as(signed(keys, "CLERK", "CLINICIAN"), within_ms=5_000):
        for number, priority_class in enumerate(classes, start=1):
            await stub.OpenVisit(opening(visit_id=f"{number:032x}", priority_class=priority_class))
        called = [
            (
                await stub.CallNextTicket(pb.CallNextTicketRequest(request_id=fresh(), room="KHAM-1"))
            ).ticket.number
            for _ in classes
        ]

    assert called == [4, 2, 1, 3]


async def test_pages_hold_every_visit_once(
    stub: VisitServiceAsyncStub, keys: Keys, clock: FixedClock
) -> None:
    with acting_as(signed(keys), within_ms=5_000):
        for number in range(7):
            await stub.OpenVisit(opening(visit_id=f"{number:032x}"))
            if number % 2:  # two share their moment
                clock.advance(timedelta(seconds=1))
        seen: list[str] = []
        token = ""
        while True:
            page = await stub.ListVisits(pb.ListVisitsRequest(page_size=3, page_token=token))
            seen += [visit.name for visit in page.visits]
            token = page.next_page_token
            if not token:
                break

    assert len(seen) == len(set(seen)) == 7
    assert seen[0] == f"visits/{6:032x}"


@pytest.mark.parametrize(
    ("roles", "reason"), [(("CITIZEN",), "ROLE_NOT_ALLOWED"), (("OPERATOR",), "ROLE_NOT_ALLOWED")]
)
async def test_others_than_staff_of_care_may_not_read_a_visit(
    stub: VisitServiceAsyncStub, keys: Keys, roles: tuple[str, ...], reason: str
) -> None:
    with acting_as(signed(keys, *roles)), pytest.raises(AppError) as caught:
        await stub.GetVisit(pb.GetVisitRequest(name=VISIT), timeout=TIMEOUT_S)

    assert caught.value.reason == reason
