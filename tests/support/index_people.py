"""People put straight into identity's store with the facts a test wants, and a dump of what a link leaves alone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from chassis.db import Tx
from chassis.idempotency import RequestKey
from chassis.rpc.context import Caller
from identity_svc.domain.matching import facts_of
from identity_svc.domain.model import (
    Assurance,
    Demographics,
    Gender,
    Identifier,
    IdentifierKind,
    TextQuality,
)
from tests.support.identity import Identity

STEWARD = Caller(subject="persons/steward-1", roles=frozenset({"STEWARD"}), purpose="stewardship")
_serials = count(1)
DUMP_QUERIES = Path(__file__).with_name("index_dump.sql")
TABLES = (
    "citizen", "identifier_lookup", "identifier", "demographic", "card_reading", "chip_reading",
    "verification", "name_alias", "repair", "temporary_identity", "residence", "consent", "delegation",
    "representation", "account", "correction", "match_profile", "match_block_lookup", "citizen_member",
)  # fmt: skip
"""Tables that stand after an unmerge as they stood before the merge."""


def citizen_number() -> str:
    """A number nobody has."""
    return f"099190{next(_serials):06d}"


def request() -> RequestKey:
    """The key of a fresh request of the steward."""
    return RequestKey(method="/test", request_id=str(uuid.uuid4()), fingerprint=b"1", subject=STEWARD.subject)


async def add_person(
    identity: Identity,
    *,
    name: str = "Tẩn Thị Mỷ",
    birth: str = "1990-03-02",
    gender: Gender = Gender.FEMALE,
    ward: str = "01906",
    citizen: str = "",
    insurance: str = "",
    assurance: Assurance = Assurance.SCANNED,
) -> str:
    """Register somebody and file them in the index; gives the id."""
    citizen_id = uuid.UUID(int=next(_serials) << 64).hex
    numbers = [
        (IdentifierKind.CITIZEN_NUMBER, citizen),
        (IdentifierKind.INSURANCE_NUMBER, insurance),
    ]

    async def work(tx: Tx) -> None:
        now = identity.clock.now()
        facts = Demographics(
            version=1,
            full_name=name,
            birth_date=birth,
            gender=gender,
            address="",
            text_quality=TextQuality.GOOD,
            issue_date="",
        )
        identifiers = [
            Identifier(
                identifier_id=f"{citizen_id}-{kind.lower().replace('_', '-')}",
                kind=kind,
                value=value,
                assurance=assurance,
                start_time=now,
                end_time=None,
            )
            for kind, value in numbers
            if value
        ]
        await identity.store.add_citizen(tx, citizen_id, now=now)
        await identity.store.add_demographics(
            tx, citizen_id, facts, reading_id=citizen_id, register_time=now, now=now
        )
        for each in identifiers:
            await identity.store.claim(tx, each.kind, each.value, citizen_id=citizen_id)
            await identity.store.add_identifier(tx, citizen_id, each)
        filed = facts_of(facts, identifiers, ward_code=ward, at=now)
        await identity.index.note(tx, citizen_id, filed, now=now)

    await identity.db.write(work)
    identity.clock.advance(timedelta(milliseconds=1))
    return citizen_id


async def match_all(identity: Identity) -> None:
    """Let the worker do all that waits."""
    while (await identity.doubles.rematch.step()).matched_count:
        pass


async def dump(identity: Identity) -> dict[str, list[tuple[Any, ...]]]:  # Any: columns
    """Every row of the tables a link must leave as they were."""

    async def work(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
        found = {}
        for table in TABLES:
            rows = await tx.all(f"dump_{table}")
            found[table] = [
                tuple(bytes(value) if isinstance(value, memoryview) else value for value in row.values())
                for row in rows
            ]
        return found

    return await identity.db.read(work)
