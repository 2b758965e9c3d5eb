"""Rows of identity's database to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from chassis.crypto import FieldCipher, LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import optional_text, optional_time, to_text, to_time
from identity_svc.domain.card import facts_text
from identity_svc.domain.model import (
    Assurance,
    CardFacts,
    CardWarning,
    Citizen,
    Demographics,
    FieldCheck,
    FieldResult,
    Gender,
    Identifier,
    IdentifierKind,
    Outcome,
    TextQuality,
    Verification,
    newest_first,
)

QUERIES = Path(__file__).with_name("queries.sql")
IDENTIFIERS_MAX = 50
"""Numbers read of one person; the law gives a person two or three in a life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of a scanned card before the register is asked."""

    citizen: Citizen
    same_facts: Verification | None
    """The newest check of exactly these card facts."""


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
        """A person with numbers, without checks, or None."""
        row = await tx.one("identity_read_citizen", citizen_id=citizen_id)
        return None if row is None else await self._citizen(tx, row)

    async def read_full(self, tx: Tx, citizen_id: str) -> Citizen | None:
        """A person with numbers and newest check, or None."""
        citizen = await self.read(tx, citizen_id)
        return None if citizen is None else await self._with_newest(tx, citizen)

    async def history(self, tx: Tx, citizen_id: str, *, page_size: int = 50) -> list[Demographics]:
        """A person's facts over time, newest first."""
        rows = await tx.all("identity_list_history", citizen_id=citizen_id, page_size=page_size)
        return [self._demographics(row) for row in rows]

    async def claim(self, tx: Tx, kind: IdentifierKind, value: str, *, citizen_id: str) -> bool:
        """Point an identifier at a person; False when it already points at somebody."""
        digest = self._hashes.of(kind, value)
        return await tx.execute("identity_claim_lookup", hash=digest, citizen_id=citizen_id) == 1

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
            end_time=optional_text(identifier.end_time),
        )

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
        )

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

    async def raw_text(self, tx: Tx, citizen_id: str, reading_id: str) -> str | None:
        """The text of a scan, or None."""
        row = await tx.one("identity_read_reading", citizen_id=citizen_id, reading_id=reading_id)
        if row is None:
            return None
        return self.cipher.open_text(
            row["raw_text_sealed"], place=f"card_reading|raw_text_sealed|{reading_id}"
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
        row = await tx.one(
            "identity_newest_verification_of_facts", citizen_id=citizen.citizen_id, facts_hash=facts_hash
        )
        return None if row is None else _verification(row)

    async def settle_rechecks(self, tx: Tx, citizen_id: str, facts_hash: bytes) -> int:
        """End the waiting of every check of these facts and return how many waited."""
        return await tx.execute("identity_settle_rechecks", citizen_id=citizen_id, facts_hash=facts_hash)

    async def _with_newest(self, tx: Tx, citizen: Citizen) -> Citizen:
        row = await tx.one("identity_newest_verification", citizen_id=citizen.citizen_id)
        return citizen if row is None else replace(citizen, verification=_verification(row))

    async def _citizen(self, tx: Tx, row: Row) -> Citizen:
        citizen_id = str(row["citizen_id"])
        numbers = await tx.all("identity_list_identifiers", citizen_id=citizen_id, page_size=IDENTIFIERS_MAX)
        identifiers = newest_first(self._identifiers(numbers))
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
        )

    def _identifiers(self, rows: Sequence[Row]) -> list[Identifier]:
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
            )
            for row in rows
        ]


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
