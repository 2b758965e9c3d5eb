"""Verifying cards on real stores: who is found, what is kept, what is never overwritten."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from chassis import audit, outbox
from chassis.db.migrations import schema_sql
from chassis.db.schema_dump import drift
from chassis.db.schema_rules import check_schema
from chassis.errors import RequestIdReused
from chassis.outbox import Message, RetryLater, Worker
from chassis.rpc.context import Caller, acting_as
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import Assurance, CardWarning, FieldResult, IdentifierKind, Outcome
from identity_svc.operations import DESTINATION
from tests.support.identity import CLERK, QUERIES_FILES, Identity, card_text
from tests.support.stores import OpenStore, StoreMaker

PACKAGE = "identity_svc"
SERVICE = Caller(subject="services/emr", roles=frozenset({"SERVICE"}), service="emr")


@pytest.fixture
async def identity(open_store: OpenStore, tmp_path: Path) -> Identity:
    return Identity(await open_store(PACKAGE, queries=QUERIES_FILES), tmp_path)


async def test_a_new_card_creates_a_verified_citizen(identity: Identity) -> None:
    done = await identity.scan(card_text(old_number="099123456"))

    assert done.created
    assert done.verification.outcome is Outcome.VERIFIED
    assert done.verification.register_reference == "reg-1"
    kinds = {each.kind for each in done.citizen.identifiers}
    assert kinds == {IdentifierKind.CITIZEN_NUMBER, IdentifierKind.OLD_IDENTITY_NUMBER}
    read = await identity.read_citizen.get(done.citizen.citizen_id, CLERK)
    assert read.demographics.full_name == "Nguyễn Thị Hòa"
    assert read.verification == done.verification


async def test_the_number_is_register_checked_only_after_the_register_confirmed(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_TIMEOUT"
    first = await identity.scan(card_text())
    identity.register.unheard = ""
    await identity.scan(card_text())

    read = await identity.read_citizen.get(first.citizen.citizen_id, CLERK)
    assert first.citizen.identifiers[0].assurance is Assurance.SCANNED
    assert read.identifiers[0].assurance is Assurance.REGISTER_CHECKED


async def test_a_returning_citizen_is_answered_without_the_register(identity: Identity) -> None:
    first = await identity.scan(card_text())
    identity.clock.advance(timedelta(days=29))

    again = await identity.scan(card_text())

    assert not again.created
    assert again.citizen.citizen_id == first.citizen.citizen_id
    assert again.verification == first.verification
    assert len(identity.register.claims) == 1


async def test_the_register_is_asked_again_after_the_maximum_age(identity: Identity) -> None:
    await identity.scan(card_text())
    identity.clock.advance(timedelta(days=30))

    again = await identity.scan(card_text())

    assert len(identity.register.claims) == 2
    assert again.verification.register_reference == "reg-2"


async def test_a_disputed_answer_is_never_reused(identity: Identity) -> None:
    identity.register.results = {
        "full_name": ("MISMATCH", "DIFFERENT"),
        "birth_date": ("MISMATCH", "DIFFERENT"),
    }
    first = await identity.scan(card_text())
    identity.register.results = {}
    second = await identity.scan(card_text())

    assert first.verification.outcome is Outcome.DISPUTED
    assert second.verification.outcome is Outcome.VERIFIED


async def test_a_repeat_of_a_request_repeats_its_answer_and_asks_for_nothing_new(identity: Identity) -> None:
    request_id = str(uuid.uuid4())
    first = await identity.scan(card_text(), request_id=request_id)
    identity.clock.advance(timedelta(days=80))
    again = await identity.scan(card_text(), request_id=request_id)

    assert (again.created, again.verification) == (first.created, first.verification)
    assert again.citizen.citizen_id == first.citizen.citizen_id


async def test_a_request_id_with_another_card_is_refused(identity: Identity) -> None:
    request_id = str(uuid.uuid4())
    await identity.scan(card_text(), request_id=request_id)

    with pytest.raises(RequestIdReused):
        await identity.scan(card_text(number="099190000025"), request_id=request_id)


async def test_the_old_number_bridges_to_the_citizen_when_name_and_birth_date_agree(
    identity: Identity,
) -> None:
    first = await identity.scan(card_text(number="099190000017", old_number="099123456"))

    renewed = await identity.scan(
        card_text(number="099190000025", old_number="099123456", name="NGUYỄN THỊ HOÀ", issue="01072024")
    )

    assert not renewed.created
    assert renewed.citizen.citizen_id == first.citizen.citizen_id
    by_new_number = await identity.read_citizen.resolve(IdentifierKind.CITIZEN_NUMBER, "099190000025", CLERK)
    assert by_new_number.citizen_id == first.citizen.citizen_id


@pytest.mark.parametrize(
    "other", [{"name": "Nguyễn Thị Hoa"}, {"birth": "03031990"}, {"name": "Lý A Sìn", "birth": "05051970"}]
)
async def test_the_old_number_alone_links_nobody(identity: Identity, other: dict[str, str]) -> None:
    first = await identity.scan(card_text(number="099190000017", old_number="099123456"))

    stranger = await identity.scan(card_text(number="099190000025", old_number="099123456", **other))

    assert stranger.created
    assert stranger.citizen.citizen_id != first.citizen.citizen_id
    assert CardWarning.OLD_NUMBER_OF_OTHER_PERSON in stranger.verification.warnings
    owner = await identity.read_citizen.resolve(IdentifierKind.OLD_IDENTITY_NUMBER, "099123456", CLERK)
    assert owner.citizen_id == first.citizen.citizen_id


async def test_a_damaged_scan_never_overwrites_a_good_name(identity: Identity) -> None:
    first = await identity.scan(card_text())

    damaged = await identity.scan(card_text(name="Nguy?n Th? Hòa", address="Thôn Nà Ph?i, Xã Nam M?u"))

    assert damaged.citizen.citizen_id == first.citizen.citizen_id
    assert damaged.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    assert damaged.verification.outcome is Outcome.PARTIAL
    assert CardWarning.TEXT_DAMAGED in damaged.verification.warnings
    assert identity.register.claims[-1].full_name == ""


async def test_a_good_scan_replaces_a_damaged_name_and_keeps_it_as_history(identity: Identity) -> None:
    first = await identity.scan(card_text(name="Nguy?n Th? Hòa"))

    good = await identity.scan(card_text())

    assert good.citizen.demographics.full_name == "Nguyễn Thị Hòa"
    citizen_id = first.citizen.citizen_id
    history = await identity.db.read(lambda tx: identity.store.history(tx, citizen_id))
    assert [facts.full_name for facts in history] == ["Nguyễn Thị Hòa", "Nguy?n Th? Hòa"]


async def test_the_newest_undamaged_scan_becomes_current_and_the_older_facts_stay(identity: Identity) -> None:
    first = await identity.scan(card_text(address="Xã Nam Mẫu, Huyện Ba Bể, Bắc Kạn"))

    moved = await identity.scan(card_text(address="Xã Ba Bể, Tỉnh Thái Nguyên", issue="01092025"))

    assert moved.citizen.demographics.address == "Xã Ba Bể, Tỉnh Thái Nguyên"
    citizen_id = first.citizen.citizen_id
    history = await identity.db.read(lambda tx: identity.store.history(tx, citizen_id))
    assert len(history) == 2


async def test_an_older_card_does_not_bring_back_older_facts(identity: Identity) -> None:
    await identity.scan(card_text(address="Xã Ba Bể, Tỉnh Thái Nguyên", issue="01092025"))

    old = await identity.scan(card_text(address="Xã Nam Mẫu, Huyện Ba Bể, Bắc Kạn", issue="01012022"))

    assert old.citizen.demographics.address == "Xã Ba Bể, Tỉnh Thái Nguyên"


async def test_another_person_under_the_same_number_is_disputed_and_changes_nothing(
    identity: Identity,
) -> None:
    first = await identity.scan(card_text())

    forged = await identity.scan(card_text(name="Trần Văn Quyết", birth="11111965", issue="01092025"))

    assert forged.citizen.citizen_id == first.citizen.citizen_id
    assert forged.verification.outcome is Outcome.DISPUTED
    number = next(check for check in forged.verification.fields if check.field == "personal_number")
    assert (number.result, number.reason) == (FieldResult.MISMATCH, "STORED_PERSON_DIFFERS")
    read = await identity.read_citizen.get(first.citizen.citizen_id, CLERK)
    assert read.demographics.full_name == "Nguyễn Thị Hòa"


async def test_a_card_the_register_disputes_never_replaces_confirmed_facts(identity: Identity) -> None:
    await identity.scan(card_text())
    identity.register.results = {"full_name": ("MISMATCH", "DIFFERENT")}
    for _ in range(2):
        other = await identity.scan(card_text(name="Trần Thị Quyên", issue="01092025"))

    assert other.verification.outcome is Outcome.DISPUTED
    assert other.citizen.demographics.full_name == "Nguyễn Thị Hòa"


async def test_an_unheard_register_admits_unverified_and_queues_one_recheck(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_TIMEOUT"
    first = await identity.scan(card_text())
    second = await identity.scan(card_text())

    for done in (first, second):
        assert done.verification.outcome is Outcome.UNVERIFIED
        assert done.verification.degraded_reason == "REGISTER_TIMEOUT"
        assert done.verification.recheck_pending
    (depth,) = await outbox.depths(identity.db)
    assert (depth.destination, depth.message_count) == (DESTINATION, 1)


def worker_of(identity: Identity) -> Worker:
    return Worker(
        identity.db, DESTINATION, identity.recheck, cipher=identity.store.cipher, clock=identity.clock
    )


async def test_the_recheck_repeats_itself_when_the_register_is_back(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_UNREACHABLE"
    first = await identity.scan(card_text())
    await identity.scan(card_text())
    worker = worker_of(identity)
    await worker.step()
    still = await identity.read_citizen.get(first.citizen.citizen_id, CLERK)
    identity.register.unheard = ""
    identity.clock.advance(timedelta(seconds=6))

    await worker.step()

    assert still.verification is not None
    assert still.verification.recheck_pending
    read = await identity.read_citizen.get(first.citizen.citizen_id, CLERK)
    assert read.verification is not None
    assert read.verification.outcome is Outcome.VERIFIED
    assert read.verification.verification_id != first.verification.verification_id
    assert read.identifiers[0].assurance is Assurance.REGISTER_CHECKED
    assert await outbox.depths(identity.db) == []
    old = await identity.db.read(
        lambda tx: identity.store.verification(
            tx, first.citizen.citizen_id, first.verification.verification_id
        )
    )
    assert old is not None
    assert (old.outcome, old.recheck_pending) == (Outcome.UNVERIFIED, False)


async def test_a_recheck_delivered_twice_takes_effect_once(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_TIMEOUT"
    first = await identity.scan(card_text())
    identity.register.unheard = ""
    payload = {
        "citizen_id": first.citizen.citizen_id,
        "verification_id": first.verification.verification_id,
    }
    message = Message(
        message_id="m",
        destination=DESTINATION,
        order_key="m",
        payload=json.dumps(payload).encode(),
        traceparent="",
        attempt=1,
        create_time=identity.clock.now(),
    )
    with acting_as(SERVICE, within_ms=5_000):
        await identity.recheck(message)
        await identity.recheck(message)

    assert len(identity.register.claims) == 2


async def test_a_recheck_waits_while_the_register_is_down(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_TIMEOUT"
    first = await identity.scan(card_text())
    message = Message(
        message_id="m",
        destination=DESTINATION,
        order_key="m",
        payload=json.dumps(
            {
                "citizen_id": first.citizen.citizen_id,
                "verification_id": first.verification.verification_id,
            }
        ).encode(),
        traceparent="",
        attempt=1,
        create_time=identity.clock.now(),
    )

    with pytest.raises(RetryLater):
        await identity.recheck(message)


async def test_a_later_scan_that_is_answered_ends_the_waiting(identity: Identity) -> None:
    identity.register.unheard = "REGISTER_TIMEOUT"
    await identity.scan(card_text())
    identity.register.unheard = ""
    await identity.scan(card_text())

    await worker_of(identity).step()

    assert await outbox.depths(identity.db) == []
    assert len(identity.register.claims) == 2


async def test_every_disclosure_and_change_is_on_the_audit_chain(identity: Identity) -> None:
    done = await identity.scan(card_text())
    await identity.read_citizen.get(done.citizen.citizen_id, CLERK)
    with pytest.raises(CitizenNotFound):
        await identity.read_citizen.resolve(IdentifierKind.CITIZEN_NUMBER, "099190000025", CLERK)
    await identity.read_citizen.get(done.citizen.citizen_id, SERVICE)

    report = await audit.verify(identity.db)
    entries = await identity.db.read(lambda tx: audit.entries_of(tx, subject=done.citizen.citizen_id))
    assert report.is_intact
    assert report.row_count == 3
    assert sorted(entry.action for entry in entries) == ["get_citizen", "register_citizen"]


async def test_no_identifier_or_name_stands_in_clear_in_the_file(
    open_store: OpenStore, store_engine: str, tmp_path: Path
) -> None:
    identity = Identity(await open_store(PACKAGE, queries=QUERIES_FILES), tmp_path)
    identity.register.unheard = "REGISTER_TIMEOUT"
    await identity.scan(card_text(old_number="099123456"))
    if store_engine == "sqlite":
        path = Path(identity.db.url.removeprefix("sqlite:///"))
        await identity.db.close()
        content = b"".join(each.read_bytes() for each in path.parent.glob(path.name + "*"))
    else:
        connection = await asyncpg.connect(identity.db.url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text AS t FROM "{row[0]}" AS t') for row in tables]  # noqa: S608
        await connection.close()
        content = "".join(each["t"] for table in rows for each in table).encode()

    assert b"verification" in content or b"REGISTER_TIMEOUT" in content
    for secret in ("099190000017", "099123456", "Nguyễn", "Hòa", "1990-03-02", "Nà Phại"):
        assert secret.encode() not in content


async def test_the_schema_file_equals_the_sum_of_the_migrations(
    store_engine: str, store_maker: StoreMaker
) -> None:
    migrated_url = await store_maker.empty_url(store_engine)
    applied_url = await store_maker.empty_url(store_engine)

    assert await drift(PACKAGE, migrated_url=migrated_url, applied_url=applied_url) == []


def test_the_schema_can_be_distributed_by_citizen() -> None:
    assert check_schema(schema_sql(PACKAGE)) == []
