"""Compares what the clients were told with what the suite kept: over the gateway, and in the files themselves."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chassis import audit
from chassis.db import open_database
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.payment.v1 import payment_pb2 as payment
from station.layout import SERVICES, Layout
from tests.support.crash_client import Clients
from tests.support.crash_model import Model, Stay

SETTLED_WITHIN_S = 90.0
READ_AT_ONCE = 8
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def database_file(place: Layout, service: str) -> Path:
    """The SQLite file of a service."""
    return Path(place.databases[service].removeprefix("sqlite:///"))


def rows(place: Layout, service: str, statement: str) -> list[tuple[object, ...]]:
    """What a statement answers, read past the suite."""
    with closing(sqlite3.connect(f"file:{database_file(place, service)}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def number(place: Layout, service: str, statement: str) -> int:
    """The one number that a statement answers."""
    return int(str(rows(place, service, statement)[0][0]))


def journal(place: Layout) -> list[dict[str, object]]:
    """The bank's own journal: transfers and what it has told; empty before the first transfer."""
    path = place.state_dir / "data" / "sandbox" / "bank.jsonl"
    if not path.exists():
        return []
    # The last line may be half written at this very moment.
    complete = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in complete.splitlines()]


async def settle(clients: Clients, place: Layout) -> None:
    """Wait until the bank has told of every transfer and every outbox is empty; blame what does not settle."""
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while await _untold(clients, place) or any(_waiting(place, name) for name in SERVICES):  # noqa: ASYNC110
                await asyncio.sleep(0.3)
    except TimeoutError:
        waiting = {service: _waiting(place, service) for service in SERVICES}
        clients.model.blame("unsettled", f"outboxes {waiting}, untold {await _untold(clients, place)}")


async def _untold(clients: Clients, place: Layout) -> list[str]:
    """References the bank has no final answer for; one it gave up on is told again, as its staff would."""
    lines = journal(place)
    told = {line["reference"] for line in lines if line["kind"] == "told"}
    untold = [str(line["reference"]) for line in lines if line["kind"] == "transaction"]
    untold = [reference for reference in untold if reference not in told]
    if untold:
        states = {str(row["reference"]): row["state"] for row in await clients.sandbox.callbacks()}
        for reference in untold:
            if states.get(reference) == "gave_up":
                await clients.sandbox.resend(reference)
    return untold


def _waiting(place: Layout, service: str) -> int:
    return number(place, service, "SELECT COUNT(*) FROM outbox")


def bank_days(place: Layout) -> list[date]:
    """The Vietnamese days on which the bank booked something."""
    moments = [
        datetime.fromisoformat(str(line["booked_time"]))
        for line in journal(place)
        if line["kind"] == "transaction"
    ]
    return sorted({moment.astimezone(_VIETNAM).date() for moment in moments})


class Checker:
    """Finds what was lost, doubled or changed; each finding is a fault of the model's list."""

    def __init__(self, model: Model, place: Layout) -> None:
        self._model = model
        self._place = place

    async def over_the_gateway(self, clients: Clients) -> None:
        """What a clerk and a cashier see now is what the clients were told before."""
        gate = asyncio.Semaphore(READ_AT_ONCE)

        async def look(stay: Stay) -> None:
            async with gate:
                self._compare(stay, await clients.read(stay.visit))

        async with asyncio.TaskGroup() as group:
            for stay in self._model.stays:
                group.create_task(look(stay))
        await self._compare_list(clients)
        await self._compare_books(clients)

    def _compare(self, stay: Stay, view: pb.VisitView) -> None:
        told = (stay.ticket, stay.citizen, stay.entry_count)
        seen = (view.visit.ticket.number, view.citizen.name, len(view.visit.entries))
        self._same("changed", f"{stay.visit} ticket, citizen, entries", seen, told)
        if not stay.is_discharged:
            return
        bill = view.bill
        billed = (stay.total_vnd, stay.fund_vnd, stay.patient_vnd)
        self._same("changed", f"{stay.visit} bill", (bill.total_vnd, bill.fund_vnd, bill.patient_vnd), billed)
        receipts = sorted(receipt.amount_vnd for receipt in bill.receipts)
        sent = sorted(transfer.amount_vnd for transfer in stay.transfers)
        self._counts(f"{stay.visit} receipts", receipts, sent)
        received_vnd = sum(intent.received_vnd for intent in bill.intents)
        self._same("broken", f"{stay.visit} money on its intents", received_vnd, stay.paid_vnd)
        self._same("broken", f"{stay.visit} paid", (bill.paid_vnd, bill.state, bill.reconciled), (
            stay.patient_vnd, payment.BILL_STATE_PAID, True,
        ))  # fmt: skip

    async def _compare_list(self, clients: Clients) -> None:
        """The list of visits holds every acknowledged visit once and nothing else."""
        seen: list[str] = []
        request = pb.ListVisitsRequest(page_size=200)
        while True:
            page = await clients.answered("clerk", "ListVisits", lambda stub: stub.ListVisits(request))
            seen += [visit.name for visit in page.visits]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self._counts("visits in the list", seen, [stay.visit for stay in self._model.stays])

    async def _compare_books(self, clients: Clients) -> None:
        books = await clients.answered(
            "cashier", "ListBalances", lambda stub: stub.ListBalances(pb.ListBalancesRequest())
        )
        self._same("broken", "sum of the ledger", books.sum_vnd, 0)
        seen = {row.account_code: row.balance_vnd for row in books.balances if row.balance_vnd}
        self._same("broken", "balances", seen, self._model.expected_balances())
        page = await clients.answered(
            "cashier",
            "ListBreaks",
            lambda stub: stub.ListBreaks(pb.ListBreaksRequest(state=payment.BREAK_STATE_OPEN, page_size=200)),
        )
        for row in page.breaks:
            self._model.blame("broken", f"open break {payment.BreakCode.Name(row.code)} {row.amount_vnd}")

    def between_answers(self) -> None:
        """What the answers say of each other: one citizen a person, no ticket given twice."""
        for person, citizens in self._model.citizens().items():
            if len(citizens) > 1:
                self._model.blame("doubled", f"person {person[-4:]} became {len(citizens)} citizens")
        tickets = Counter((stay.ticket_day, stay.room, stay.ticket) for stay in self._model.stays)
        for (_, room, ticket), count in tickets.items():
            if count > 1:
                self._model.blame("doubled", f"ticket {ticket} of {room} was given {count} times")

    def in_the_files(self) -> None:
        """Rows of the stopped services against the model: nothing lost, nothing doubled, nothing half done."""
        for service in SERVICES:
            self._sound(service)
        self._identity_rows()
        self._record_rows()
        self._insurance_rows()
        self._payment_rows()

    async def audit_chains(self) -> None:
        """Every audit chain is whole."""
        for service in SERVICES:
            database = await open_database(self._place.databases[service], queries=())
            try:
                report = await audit.verify(database)
            finally:
                await database.close()
            for row in report.breaks:
                self._model.blame("broken", f"{service} audit chain {row.writer_id}/{row.seq} {row.why}")

    def _sound(self, service: str) -> None:
        place = self._place
        self._same(
            "broken", f"{service} integrity", rows(place, service, "PRAGMA integrity_check"), [("ok",)]
        )
        self._same("broken", f"{service} foreign keys", rows(place, service, "PRAGMA foreign_key_check"), [])
        unfinished = "SELECT COUNT(*) FROM idempotency_keys WHERE result IS NULL"
        self._same("broken", f"{service} unfinished requests", number(place, service, unfinished), 0)
        self._same("unsettled", f"{service} outbox", _waiting(place, service), 0)

    def _identity_rows(self) -> None:
        known = {
            name.removeprefix("citizens/") for names in self._model.citizens().values() for name in names
        }
        self._column("identity", "citizens", "SELECT citizen_id FROM citizen", known)
        self._column(
            "identity",
            "citizen numbers",
            "SELECT citizen_id FROM identifier WHERE kind = 'CITIZEN_NUMBER' AND end_time IS NULL",
            known,
        )
        self._column(
            "identity",
            "registrations in the audit",
            "SELECT subject FROM audit_log WHERE action = 'register_citizen'",
            known,
        )

    def _record_rows(self) -> None:
        stays = self._model.stays
        ids = [_id(stay) for stay in stays]
        self._column("emr", "visits", "SELECT visit_id FROM visit", ids)
        self._column("emr", "visit look-ups", "SELECT visit_id FROM visit_lookup", ids)
        entries = [_id(stay) for stay in stays for _ in range(stay.entry_count)]
        self._column("emr", "entries", "SELECT visit_id FROM entry", entries)
        for action, acted in (
            ("open_visit", stays),
            ("record_entries", [stay for stay in stays if stay.entry_count]),
            ("call_ticket", [stay for stay in stays if stay.is_called]),
            ("close_visit", self._model.discharged),
        ):
            statement = f"SELECT resource FROM audit_log WHERE action = '{action}'"  # noqa: S608 - our own words
            self._column("emr", f"{action} in the audit", statement, [stay.visit for stay in acted])
        given = {str(room): int(str(last)) for room, last in rows(self._place, "emr", _LAST_TICKETS)}
        self._same("lost", "tickets given without a gap", given, dict(Counter(stay.room for stay in stays)))

    def _insurance_rows(self) -> None:
        """One split for each request to discharge, and no more coverage checks than were asked for."""
        asked = [stay.visit for stay in self._model.stays for _ in stay.discharge_request_ids]
        statement = (
            "SELECT substr(resource, 1, 39) FROM audit_log WHERE action = 'split_cost' AND outcome = 'ok'"
        )
        self._column("insurance", "splits", statement, asked)
        checked = Counter(
            str(row[0])
            for row in rows(
                self._place,
                "insurance",
                "SELECT visit_id FROM coverages AS c JOIN audit_log AS a ON a.action = 'check_coverage'"
                " AND a.resource = 'visits/' || c.visit_id || '/coverages/' || c.coverage_id",
            )
        )
        for stay in self._model.stays:
            asked_count = 1 + len(stay.discharge_request_ids)
            if not 1 <= checked[_id(stay)] <= asked_count:
                kind = "doubled" if checked[_id(stay)] else "lost"
                what = f"{stay.visit} has {checked[_id(stay)]} coverage checks of at most {asked_count}"
                self._model.blame(kind, what)

    def _payment_rows(self) -> None:
        model, place = self._model, self._place
        self._column("payment", "bills", "SELECT visit_id FROM bill", map(_id, model.stays))
        issued = [_id(stay) for stay in model.discharged]
        self._column(
            "payment", "issued bills", "SELECT visit_id FROM bill WHERE issue_time IS NOT NULL", issued
        )
        self._column(
            "payment",
            "issued bills in the ledger",
            "SELECT visit_id FROM posting WHERE account_code = 'REVENUE'",
            issued,
        )
        references = [transfer.reference for transfer in model.transfers]
        booked = [str(line["reference"]) for line in journal(place) if line["kind"] == "transaction"]
        self._counts("transfers at the bank", booked, references)
        self._column("payment", "collections", "SELECT bank_reference FROM collection", references)
        self._column(
            "payment",
            "receipts",
            "SELECT c.bank_reference FROM receipt AS r JOIN collection AS c ON c.collection_id = r.collection_id",
            references,
        )
        self._column("payment", "statement lines", "SELECT bank_reference FROM statement_line", references)
        sums = "SELECT COUNT(*) FROM (SELECT 1 FROM posting GROUP BY transfer_id HAVING SUM(amount_vnd) <> 0)"
        self._same("broken", "movements that do not sum to zero", number(place, "payment", sums), 0)
        serials = [row[0] for row in rows(place, "payment", "SELECT serial FROM receipt ORDER BY serial")]
        self._same("lost", "receipt numbers without a gap", serials, list(range(1, len(references) + 1)))

    def _column(self, service: str, what: str, statement: str, told: Iterable[str]) -> None:
        seen = [str(row[0]) for row in rows(self._place, service, statement)]
        self._counts(f"{service} {what}", seen, told)

    def _counts(self, what: str, seen: Iterable[object], told: Iterable[object]) -> None:
        """What is there once and what was told once, whatever the order."""
        seen_counts, told_counts = Counter(seen), Counter(told)
        for key, count in (told_counts - seen_counts).items():
            self._model.blame("lost", f"{what}: {key} is missing {count} of {told_counts[key]} times")
        for key, count in (seen_counts - told_counts).items():
            self._model.blame("doubled", f"{what}: {key} is there {count} times more than {told_counts[key]}")

    def _same(self, kind: str, what: str, seen: object, told: object) -> None:
        if seen != told:
            self._model.blame(kind, f"{what}: {seen} instead of {told}")


_LAST_TICKETS = "SELECT room, SUM(last_number) FROM queue_number_lookup GROUP BY room"


def _id(stay: Stay) -> str:
    return stay.visit.removeprefix("visits/")


def by_kind(model: Model) -> Mapping[str, int]:
    """How many faults of each kind."""
    return Counter(fault.kind for fault in model.faults)
