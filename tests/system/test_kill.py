"""Kill -9 of any process at any moment: restart, repeat the same request_id, nothing lost, nothing doubled.

Clients walk patients from the card to the reconciled bill while processes die at random instants; an independent
model of what the clients were told is then compared with what the suite shows and keeps. `test_..._goes_red_...`
shows that the comparison finds what it is for.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from station.layout import Layout
from station.processes import Program
from tests.support.crash_client import Clients, Refused, journey, open_clients
from tests.support.crash_model import Model, Stay
from tests.system.crash_checks import Checker, bank_days, by_kind, database_file, settle
from tests.system.crash_suite import PROCESSES, Killer, Killings, crash_suite, percentile_ms

KILLS = int(os.environ.get("LIENTHONG_KILLS", "102"))
"""At least 100 in the gate; a night's run sets thousands."""
LANES = 5
"""Clients at once: lanes with an even number share a room, each other one has its own and calls its patients in."""
PEOPLE = {"clean": 30, "not_insured": 6, "card_replaced": 6, "old_address": 6}
"""Few, so that one person is often at two desks."""
REPEAT_SHARE = 0.1
BOOKS_PAUSE_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a card."""

    number: str
    card_qr: str


async def people_of(clients: Clients) -> list[Person]:
    """The seeded citizens of this run."""
    found: list[dict[str, Any]] = []  # Any: the sandbox's JSON
    for kind, count in PEOPLE.items():
        found += await clients.sandbox.people(kind, count=count)
    return [
        Person(number=str(row["qr_text"]).partition("|")[0], card_qr=str(row["qr_text"])) for row in found
    ]


async def lane(
    clients: Clients, number: int, people: Sequence[Person], dice: random.Random, stop: asyncio.Event
) -> None:
    """One patient after the other until it is enough; the last one is finished."""
    calls = number % 2 == 1
    while not stop.is_set():
        person = dice.choice(people)
        stay = Stay(
            person=person.number,
            request_id=str(uuid.uuid4()),
            room=f"KHAM-{10 + number}" if calls else "KHAM-1",
        )
        await journey(clients, stay, person.card_qr, calls=calls, in_parts=dice.random() < 0.5)


async def books(clients: Clients, place: Layout, stop: asyncio.Event) -> None:
    """A cashier who imports and reconciles in the middle of it all."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), BOOKS_PAUSE_S)
        except TimeoutError:
            try:
                await clients.end_of_day(bank_days(place))
            except Refused as refusal:
                clients.model.blame("refused", str(refusal))


async def storm(folder: Path, seed: int, kill_count: int, model: Model) -> Killings:
    """Journeys under kills, then the checks; what was found is in the model."""
    print(f"\nseed {seed}")
    dice = random.Random(seed)
    started = time.monotonic()
    async with crash_suite(folder) as (processes, place):
        killer = Killer(
            processes, place, dice=random.Random(dice.random()), progress=lambda: model.answered_count
        )
        async with open_clients(place, model, dice=dice, repeat_share=REPEAT_SHARE) as clients:
            people = await people_of(clients)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for number in range(LANES):
                    group.create_task(lane(clients, number, people, random.Random(dice.random()), stop))
                group.create_task(books(clients, place, stop))
                await killer.run(kill_count)
                killed_s = time.monotonic() - started
                stop.set()
            await settle(clients, place)
            await clients.end_of_day(bank_days(place))
            await Checker(model, place).over_the_gateway(clients)
        alive = sorted(processes.alive())
    for name in killer.killings.ended_alone + sorted(set(PROCESSES) - set(alive)):
        model.blame("broken", f"{name} ended without being killed")
    await check_files(model, place)
    tell(model, killer.killings, seed=seed, killed_s=killed_s, total_s=time.monotonic() - started)
    return killer.killings


def spread(times_s: Sequence[float]) -> str:
    """The middle and the worst of some times."""
    return f"p50 {percentile_ms(times_s, 0.5)} ms, p99 {percentile_ms(times_s, 0.99)} ms of {len(times_s)}"


def tell(model: Model, killings: Killings, *, seed: int, killed_s: float, total_s: float) -> None:
    """Print the figures with their denominators."""
    kinds = by_kind(model)
    print(
        f"\nseed {seed}: {killings.count} kills {dict(sorted(killings.count_by_process.items()))},"
        f" {killings.while_starting_count} of them while starting, in {killed_s:.0f} s of {total_s:.0f} s"
        f"\nrestart to serving: {spread(killings.restart_s)}; from there to answers: {spread(killings.recovery_s)}"
        f"\n{len(model.stays)} visits, {len(model.discharged)} bills, {len(model.transfers)} transfers;"
        f" {model.sent_count} requests sent, {model.repeat_count} of them repeats"
        f"\nunanswered: {dict(model.unanswered.most_common())}"
        f"\nlost {kinds.get('lost', 0)}, doubled {kinds.get('doubled', 0)}, others"
        f" { {kind: count for kind, count in kinds.items() if kind not in ('lost', 'doubled')} }"
    )
    for fault in model.faults[:40]:
        print(f"  {fault}")


async def test_killing_any_process_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("LIENTHONG_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    model = Model()

    killings = await storm(tmp_path, seed, KILLS, model)

    assert killings.count >= KILLS
    assert set(killings.count_by_process) == set(PROCESSES)
    assert len(model.discharged) >= KILLS / 4, "the clients got little done; the kills hit nothing"
    assert model.repeat_count >= KILLS / 4, "the clients hardly noticed; the kills hit nothing"
    assert not [told for told in model.unanswered if told.endswith((" INTERNAL", " TRANSPORT_UNKNOWN"))]
    assert not model.faults, [str(fault) for fault in model.faults[:20]]


def forgetful(program: Program) -> Program:
    """The program of a service, without its memory of requests."""
    if program.name == "gateway":
        return program
    return replace(program, arguments=("tests.support.forgetful_main", *program.arguments))


async def two_patients(folder: Path, model: Model, *, start_as: Callable[[Program], Program]) -> Layout:
    """Two patients without kills whose clients send everything twice; then all the checks."""
    dice = random.Random(1)
    async with (
        crash_suite(folder, start_as=start_as) as (_, place),
        open_clients(place, model, dice=dice, repeat_share=1.0) as clients,
    ):
        for person in (await people_of(clients))[:2]:
            stay = Stay(person=person.number, request_id=str(uuid.uuid4()), room="KHAM-1")
            await journey(clients, stay, person.card_qr, calls=False, in_parts=False)
        await settle(clients, place)
        await clients.end_of_day(bank_days(place))
        await Checker(model, place).over_the_gateway(clients)
    await check_files(model, place)
    return place


async def check_files(model: Model, place: Layout) -> None:
    """The checks that need no running suite."""
    checker = Checker(model, place)
    checker.between_answers()
    checker.in_the_files()
    await checker.audit_chains()


async def test_the_checker_goes_red_when_idempotency_is_switched_off(tmp_path: Path) -> None:
    model = Model()

    await two_patients(tmp_path, model, start_as=forgetful)

    print("\n" + "\n".join(map(str, model.faults)))
    doubled = " ".join(fault.what for fault in model.faults if fault.kind == "doubled")
    for what in ("emr entries", "insurance splits"):
        assert what in doubled, doubled


Damage = Callable[[sqlite3.Connection], None]


def run(statement: str) -> Damage:
    """A statement that changes exactly one row."""

    def damage(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount == 1, statement

    return damage


def to_one_row(table: str, change: str) -> Damage:
    """A change of one row of a table, found by its key."""

    def damage(connection: sqlite3.Connection) -> None:
        keys = [column[1] for column in connection.execute(f"PRAGMA table_info({table})") if column[5]]
        values = connection.execute(f"SELECT {', '.join(keys)} FROM {table} LIMIT 1").fetchone()  # noqa: S608 - our own words
        where = " AND ".join(f"{key} = ?" for key in keys)
        assert connection.execute(f"{change} WHERE {where}", values).rowcount == 1, change

    return damage


def take_one(table: str) -> Damage:
    """A row of a table is gone."""
    return to_one_row(table, f"DELETE FROM {table}")  # noqa: S608 - our own words


def add_again(table: str, key: str) -> Damage:
    """A row of a table is there once more under another key."""

    def damage(connection: sqlite3.Connection) -> None:
        cursor = connection.execute(f"SELECT * FROM {table} LIMIT 1")  # noqa: S608 - our own words
        row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
        row[key] = "again"
        places = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", row)  # noqa: S608 - as above

    return damage


DAMAGES: tuple[tuple[str, str, Damage], ...] = (
    ("lost", "identity", take_one("identifier")),
    ("doubled", "identity", add_again("citizen", "citizen_id")),
    ("lost", "emr", take_one("entry")),
    ("doubled", "emr", add_again("visit", "visit_id")),
    ("lost", "emr", run("UPDATE queue_number_lookup SET last_number = last_number + 1")),
    ("lost", "insurance", take_one("coverages")),
    ("doubled", "insurance", run("UPDATE audit_log SET action = 'split_cost' WHERE seq = 1")),
    ("lost", "payment", take_one("receipt")),
    ("doubled", "payment", add_again("collection", "collection_id")),
    ("broken", "payment", to_one_row("posting", "UPDATE posting SET amount_vnd = amount_vnd + 1")),
    ("broken", "payment", run("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3")),
    ("broken", "emr", run("DELETE FROM audit_log WHERE seq = 2")),
    ("broken", "emr", to_one_row("idempotency_keys", "UPDATE idempotency_keys SET result = NULL")),
)
"""Each is done to a copy of sound files: the kind of fault it must be found as, the service, the damage."""


async def test_the_checker_is_silent_on_a_sound_suite_and_finds_each_damage(tmp_path: Path) -> None:
    model = Model()
    place = await two_patients(tmp_path / "sound", model, start_as=lambda program: program)
    assert not model.faults, [str(fault) for fault in model.faults]

    for number, (kind, service, damage) in enumerate(DAMAGES):
        state_dir = tmp_path / str(number)
        shutil.copytree(place.state_dir, state_dir)
        urls = {name: f"sqlite:///{state_dir}/data/{name}.sqlite" for name in place.databases}
        copied = replace(place, state_dir=state_dir, databases=urls)
        with closing(sqlite3.connect(database_file(copied, service))) as connection, connection:
            damage(connection)
        model.faults.clear()
        await check_files(model, copied)
        assert kind in by_kind(model), (number, [str(fault) for fault in model.faults])
