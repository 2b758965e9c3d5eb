"""Two clerks check one new citizen in 64 times at one instant, through all services, on both databases."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from cli.connection import DEADLINE_MS, Gateway
from sandbox.control import SandboxControl
from station.layout import SERVICES
from station.onebox import OneBox
from tests.support.crash_client import Clients
from tests.support.crash_model import Model, Stay
from tests.support.stores import StoreMaker
from tests.support.suites import local_suite

STORM = 64
CLERKS = ("clerk", "second clerk")


async def ids(url: str, statement: str) -> list[str]:
    """The first column that a statement answers, read past the suite."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return [str(row[0]) for row in connection.execute(statement)]
    connection = await asyncpg.connect(url)
    try:
        return [str(row[0]) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """A suite with two clerks and a citizen whom nobody has seen yet."""

    clients: Clients
    urls: dict[str, str]
    card_qr: str

    async def admit(self, clerk: str, request_id: str) -> Stay:
        """One CheckIn, repeated until it is answered whole; a refusal fails the test."""
        stay = Stay(person="", request_id=request_id, room="KHAM-1")
        await self.clients.check_in(stay, self.card_qr, clerk=clerk)
        return stay

    async def count(self, service: str, table: str) -> int:
        """How many rows a table has."""
        return len(await ids(self.urls[service], f"SELECT 1 FROM {table}"))  # noqa: S608 - our own tables


@pytest.fixture
async def ward(tmp_path: Path, store_engine: str, store_maker: StoreMaker) -> AsyncIterator[Ward]:
    urls = {name: await store_maker.migrated_url(store_engine, f"{name}_svc") for name in SERVICES}
    async with local_suite(tmp_path, databases=urls) as (desk, box, _):
        people = {clerk: await signed_in(box, desk.sandbox, clerk) for clerk in CLERKS}
        clients = Clients(Model(), people, desk.sandbox, dice=random.Random(1))
        yield Ward(clients=clients, urls=urls, card_qr=await desk.card_of("clean"))
        print(f"{store_engine}: unanswered {dict(clients.model.unanswered)}")
        assert not clients.model.faults


async def signed_in(box: OneBox, sandbox: SandboxControl, clerk: str) -> Gateway:
    """A clerk at the gateway, in a sign-in of their own."""
    return Gateway(box.channel(), await sandbox.token("clerk", subject=clerk), DEADLINE_MS)


async def test_64_admissions_of_one_new_citizen_create_one_citizen_and_64_tickets(ward: Ward) -> None:
    stays = await asyncio.gather(
        *(ward.admit(CLERKS[number % 2], str(uuid.uuid4())) for number in range(STORM))
    )

    assert len({stay.citizen for stay in stays}) == 1
    assert len({stay.visit for stay in stays}) == STORM
    assert sorted(stay.ticket for stay in stays) == list(range(1, STORM + 1))
    assert await ward.count("identity", "citizen") == 1
    assert await ward.count("identity", "identifier WHERE kind = 'CITIZEN_NUMBER'") == 1
    assert await ward.count("emr", "visit") == STORM
    assert await ward.count("payment", "bill") == STORM


async def test_64_repeats_of_one_request_by_two_clerks_create_one_visit(ward: Ward) -> None:
    request_id = str(uuid.uuid4())

    stays = await asyncio.gather(*(ward.admit(CLERKS[number % 2], request_id) for number in range(STORM)))

    assert len({(stay.citizen, stay.visit, stay.ticket) for stay in stays}) == 1
    for service, table in (
        ("identity", "citizen"),
        ("emr", "visit"),
        ("emr", "visit_lookup"),
        ("payment", "bill"),
        ("emr", "audit_log WHERE action = 'open_visit'"),
        ("payment", "audit_log WHERE action = 'open_bill'"),
    ):
        assert await ward.count(service, table) == 1, table
    assert await ids(ward.urls["emr"], "SELECT last_number FROM queue_number_lookup") == ["1"]
