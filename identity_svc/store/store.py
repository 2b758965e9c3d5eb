"""Rows of identity's database to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.card import facts_text
from identity_svc.domain.judgement import NAME_IS_KNOWN_ALIAS
from identity_svc.domain.model import (
    Assurance,
    CardFacts,
    CardWarning,
    Citizen,
    Demographics,
    EndReason,
    FieldCheck,
    FieldResult,
    Gender,
    Identifier,
    IdentifierKind,
    Outcome,
    Source,
    TextQuality,
    Verification,
    newest_first,
)

QUERIES = Path(__file__).with_name("queries.sql")
EXPLAINED_MAX = 200
"""Checks read back when an alias ends; a person is asked about once a month."""
IDENTIFIERS_MAX = 50
"""Numbers read of one person; the law gives a person two or three in a life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """A kept scan."""

    raw_text: str = field(repr=False)
    """As the scanner gave it."""
    facility_code: str
    """Where it was shown."""


class IdentityStore:
    """Reads and writes people; holds the keys, no connection and no state."""

    def __init__(self, cipher: FieldCipher, hashes: LookupHash) -> None:
        self.cipher = cipher
        self._hashes = hashes

    def facts_hash(self, card: CardFacts) -> bytes:
        """The keyed hash that is equal for two scans of one card."""
        return self._hashes.of("CARD_FACTS", facts_text(card))

    async def find(self, tx: Tx, kind: IdentifierKind, value: str) -> Citizen | None:
        """The person an identifier points at, with numbers and newest check, or None."""
        for digest in self._hashes.every(kind, value):
            row = await tx.one("identity_read_by_hash", hash=digest)
            if row is not None:
                return await self._with_newest(tx, await self._citizen(tx, row))
        return None

    async def find_owner(self, tx: Tx, kind: IdentifierKind, value: str) -> str | None:
        """The id of the person an identifier points at, or None."""
        for digest in self._hashes.every(kind, value):
            row = await tx.one("identity_find_owner", hash=digest)
            if row is not None:
                return str(row["citizen_id"])
        return None

    async def read(self, tx: Tx, citizen_id: str) -> Citizen | None:
        """A record with its numbers, without checks, or None; a linked record is read as it is."""
        row = await tx.one("identity_read_citizen", citizen_id=citizen_id)
        return None if row is None else await self._citizen(tx, row)

    async def read_current(self, tx: Tx, citizen_id: str) -> Citizen | None:
        """Whoever answers for a person: the record that theirs was linked into, or their own; or None."""
        row = await tx.one("identity_read_current", citizen_id=citizen_id)
        return None if row is None else await self._citizen(tx, row)

    async def read_full(self, tx: Tx, citizen_id: str) -> Citizen | None:
        """Whoever answers for a person, with numbers and newest check, or None."""
        citizen = await self.read_current(tx, citizen_id)
        return None if citizen is None else await self._with_newest(tx, citizen)

    async def history(self, tx: Tx, citizen_id: str, *, page_size: int = 50) -> list[Demographics]:
        """A person's facts over time, newest first."""
        rows = await tx.all("identity_list_history", citizen_id=citizen_id, page_size=page_size)
        return [self._demographics(row) for row in rows]

    async def claim(self, tx: Tx, kind: IdentifierKind, value: str, *, citizen_id: str) -> bool:
        """Point an identifier at a person; False when it already points at somebody, under any key version.

        While keys rotate an older row counts like a new one: its owner gets the row under the current key, too.
        """
        current, *older = self._hashes.every(kind, value)
        if await tx.execute("identity_claim_lookup", hash=current, citizen_id=citizen_id) != 1:
            return False
        for digest in older:
            row = await tx.one("identity_find_owner", hash=digest)
            if row is not None:
                await tx.execute("identity_move_lookup", hash=current, citizen_id=row["citizen_id"])
                return False
        return True

    async def move(self, tx: Tx, kind: IdentifierKind, value: str, *, citizen_id: str) -> None:
        """Point an identifier that points at somebody at another record of the same person."""
        for digest in self._hashes.every(kind, value):
            await tx.execute("identity_move_lookup", hash=digest, citizen_id=citizen_id)

    async def release(self, tx: Tx, kind: IdentifierKind, value: str, *, citizen_id: str) -> None:
        """Let an identifier point at nobody, where it points at this person."""
        for digest in self._hashes.every(kind, value):
            await tx.execute("identity_release_lookup", hash=digest, citizen_id=citizen_id)

    async def add_citizen(self, tx: Tx, citizen_id: str, *, now: datetime) -> None:
        """Register a person."""
        await tx.execute("identity_add_citizen", citizen_id=citizen_id, create_time=to_text(now))

    async def add_identifier(self, tx: Tx, citizen_id: str, identifier: Identifier) -> None:
        """Add a number to a person; the look-up is claimed apart."""
        place = f"identifier|value_sealed|{identifier.identifier_id}"
        await tx.execute(
            "identity_add_identifier",
            citizen_id=citizen_id,
            identifier_id=identifier.identifier_id,
            kind=identifier.kind,
            value_sealed=self.cipher.seal(identifier.value, place=place),
            assurance=int(identifier.assurance),
            start_time=to_text(identifier.start_time),
            **_notes(identifier),
        )

    async def note_identifier(self, tx: Tx, citizen_id: str, identifier: Identifier) -> None:
        """Keep what is known anew of a number: assurance, source, dates, end, whether it is contested."""
        changed = await tx.execute(
            "identity_note_identifier",
            citizen_id=identifier.record_id or citizen_id,
            identifier_id=identifier.identifier_id,
            assurance=int(identifier.assurance),
            **_notes(identifier),
        )
        assert changed == 1, "a number that is noted exists"

    async def identifiers(self, tx: Tx, citizen_id: str) -> list[Identifier]:
        """A person's numbers in the order they were first seen, ended ones and those of linked records too."""
        rows = await tx.all("identity_list_identifiers", citizen_id=citizen_id, page_size=IDENTIFIERS_MAX)
        return self._identifiers(rows, citizen_id)

    async def identifier(self, tx: Tx, citizen_id: str, identifier_id: str) -> Identifier | None:
        """One number of a record, or None."""
        row = await tx.one("identity_read_identifier", citizen_id=citizen_id, identifier_id=identifier_id)
        return None if row is None else self._identifiers([row], citizen_id)[0]

    async def raise_assurance(self, tx: Tx, citizen_id: str, identifier_id: str) -> None:
        """Note that the register confirmed a number."""
        await tx.execute(
            "identity_raise_assurance",
            citizen_id=citizen_id,
            identifier_id=identifier_id,
            assurance=int(Assurance.REGISTER_CHECKED),
        )

    async def add_demographics(
        self,
        tx: Tx,
        citizen_id: str,
        facts: Demographics,
        *,
        reading_id: str,
        register_time: datetime,
        now: datetime,
    ) -> None:
        """Add facts, which count from now on; register_time is when the citizen was first registered."""
        row_id = f"{citizen_id}/{facts.version}"
        await tx.execute(
            "identity_add_demographic",
            citizen_id=citizen_id,
            version=facts.version,
            full_name_sealed=self.cipher.seal(
                facts.full_name, place=f"demographic|full_name_sealed|{row_id}"
            ),
            birth_date_sealed=self.cipher.seal(
                facts.birth_date, place=f"demographic|birth_date_sealed|{row_id}"
            ),
            gender=facts.gender,
            address_sealed=self.cipher.seal(facts.address, place=f"demographic|address_sealed|{row_id}"),
            text_quality=facts.text_quality,
            issue_date=facts.issue_date,
            reading_id=reading_id,
            register_time=to_text(register_time),
            create_time=to_text(now),
            source=facts.source,
            is_birth_date_estimated=int(facts.is_birth_date_estimated),
            repair_id=facts.repair_id,
        )

    async def facts_at(self, tx: Tx, citizen_id: str, version: int) -> Demographics:
        """One version of a person's facts, which exists."""
        row = await tx.one("identity_read_version", citizen_id=citizen_id, version=version)
        assert row is not None, "versions are never removed"
        return self._demographics(row)

    async def add_reading(
        self, tx: Tx, citizen_id: str, reading_id: str, card: CardFacts, *, facility_code: str, now: datetime
    ) -> None:
        """Keep the text of a scan, sealed."""
        await tx.execute(
            "identity_add_reading",
            citizen_id=citizen_id,
            reading_id=reading_id,
            raw_text_sealed=self.cipher.seal(
                card.raw_text, place=f"card_reading|raw_text_sealed|{reading_id}"
            ),
            facts_hash=self.facts_hash(card),
            facility_code=facility_code,
            read_time=to_text(now),
        )

    async def reading(self, tx: Tx, citizen_id: str, reading_id: str) -> CardReading | None:
        """A scan, or None."""
        row = await tx.one("identity_read_reading", citizen_id=citizen_id, reading_id=reading_id)
        if row is None:
            return None
        return CardReading(
            raw_text=self.cipher.open_text(
                row["raw_text_sealed"], place=f"card_reading|raw_text_sealed|{reading_id}"
            ),
            facility_code=row["facility_code"],
        )

    async def add_verification(self, tx: Tx, check: Verification) -> None:
        """Keep a check."""
        await tx.execute(
            "identity_add_verification",
            citizen_id=check.citizen_id,
            verification_id=check.verification_id,
            reading_id=check.reading_id,
            facts_hash=check.facts_hash,
            outcome=check.outcome,
            fields=json.dumps([(each.field, each.result, each.reason) for each in check.fields]),
            register_reference=check.register_reference,
            check_time=to_text(check.check_time),
            warnings=",".join(check.warnings),
            degraded_reason=check.degraded_reason,
            recheck_pending=int(check.recheck_pending),
        )

    async def verification(self, tx: Tx, citizen_id: str, verification_id: str) -> Verification | None:
        """One check, or None."""
        row = await tx.one(
            "identity_read_verification", citizen_id=citizen_id, verification_id=verification_id
        )
        return None if row is None else _verification(row)

    async def verification_of_facts(self, tx: Tx, citizen: Citizen, facts_hash: bytes) -> Verification | None:
        """The newest check of the same card facts, or None."""
        newest = citizen.verification
        if newest is not None and newest.facts_hash == facts_hash:
            return newest
        return await self.newest_of_facts(tx, citizen.citizen_id, facts_hash)

    async def newest_of_facts(self, tx: Tx, citizen_id: str, facts_hash: bytes) -> Verification | None:
        """The newest check of some card facts, or None."""
        row = await tx.one(
            "identity_newest_verification_of_facts", citizen_id=citizen_id, facts_hash=facts_hash
        )
        return None if row is None else _verification(row)

    async def checks_explained(self, tx: Tx, citizen_id: str) -> list[Verification]:
        """The newest check of each card whose name an accepted alias explained."""
        rows = await tx.all(
            "identity_list_explained",
            citizen_id=citizen_id,
            reason=f"%{NAME_IS_KNOWN_ALIAS}%",
            page_size=EXPLAINED_MAX,
        )
        checks = [_verification(row) for row in reversed(rows)]
        return list({each.facts_hash: each for each in checks}.values())

    async def settle_rechecks(self, tx: Tx, citizen_id: str, facts_hash: bytes) -> int:
        """End the waiting of every check of these facts and return how many waited."""
        return await tx.execute("identity_settle_rechecks", citizen_id=citizen_id, facts_hash=facts_hash)

    async def _with_newest(self, tx: Tx, citizen: Citizen) -> Citizen:
        row = await tx.one("identity_newest_verification", citizen_id=citizen.citizen_id)
        return citizen if row is None else replace(citizen, verification=_verification(row))

    async def _citizen(self, tx: Tx, row: Row) -> Citizen:
        citizen_id = str(row["citizen_id"])
        identifiers = newest_first(await self.identifiers(tx, citizen_id))
        changes = [each.end_time or each.start_time for each in identifiers]
        return Citizen(
            citizen_id=citizen_id,
            demographics=self._demographics(row),
            identifiers=identifiers,
            create_time=to_time(row["register_time"]),
            update_time=max([to_time(row["create_time"]), *changes]),
            verification=None,
        )

    def _demographics(self, row: Row) -> Demographics:
        row_id = f"{row['citizen_id']}/{row['version']}"
        open_text = self.cipher.open_text
        return Demographics(
            version=row["version"],
            full_name=open_text(row["full_name_sealed"], place=f"demographic|full_name_sealed|{row_id}"),
            birth_date=open_text(row["birth_date_sealed"], place=f"demographic|birth_date_sealed|{row_id}"),
            gender=Gender(row["gender"]),
            address=open_text(row["address_sealed"], place=f"demographic|address_sealed|{row_id}"),
            text_quality=TextQuality(row["text_quality"]),
            issue_date=row["issue_date"],
            source=Source(row["source"]),
            is_birth_date_estimated=bool(row["is_birth_date_estimated"]),
            reading_id=row["reading_id"],
            repair_id=row["repair_id"],
        )

    def _identifiers(self, rows: Sequence[Row], citizen_id: str) -> list[Identifier]:
        return [
            Identifier(
                identifier_id=row["identifier_id"],
                kind=IdentifierKind(row["kind"]),
                value=self.cipher.open_text(
                    row["value_sealed"], place=f"identifier|value_sealed|{row['identifier_id']}"
                ),
                assurance=Assurance(row["assurance"]),
                start_time=to_time(row["start_time"]),
                end_time=optional_time(row["end_time"]),
                source=Source(row["source"]),
                end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
                valid_from_date=row["valid_from_date"],
                valid_until_date=row["valid_until_date"],
                is_contested=bool(row["is_contested"]),
                record_id="" if row["citizen_id"] == citizen_id else row["citizen_id"],
            )
            for row in rows
        ]


def _notes(identifier: Identifier) -> dict[str, object]:
    """The columns of a number that may be noted anew, without its assurance."""
    return {
        "end_time": optional_text(identifier.end_time),
        "source": identifier.source,
        "end_reason": identifier.end_reason or "",
        "valid_from_date": identifier.valid_from_date,
        "valid_until_date": identifier.valid_until_date,
        "is_contested": int(identifier.is_contested),
    }


def _verification(row: Row) -> Verification:
    checks = tuple(
        FieldCheck(field=field, result=FieldResult(result), reason=reason)
        for field, result, reason in json.loads(row["fields"])
    )
    return Verification(
        citizen_id=row["citizen_id"],
        verification_id=row["verification_id"],
        reading_id=row["reading_id"],
        facts_hash=bytes(row["facts_hash"]),
        outcome=Outcome(row["outcome"]),
        fields=checks,
        register_reference=row["register_reference"],
        check_time=to_time(row["check_time"]),
        warnings=tuple(CardWarning(each) for each in row["warnings"].split(",") if each),
        degraded_reason=row["degraded_reason"],
        recheck_pending=bool(row["recheck_pending"]),
    )
