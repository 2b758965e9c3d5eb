"""Chip readings: rows to values and back; every method runs in the transaction it is given."""

from __future__ import annotations

from pathlib import Path

from chassis.crypto import LookupHash
from chassis.db import Row, Tx
from chassis.db.columns import to_text, to_time
from identity_svc.domain.chip import ChipReading
from standards.icao.security_object import ChipOutcome

CHIP_QUERIES = Path(__file__).with_name("chip.sql")
_LAST_ID = "z"
"""After every id (digits, a to f, hyphens) in the order of every language."""


class ChipStore:
    """Reads and writes verdicts about chips."""

    def __init__(self, hashes: LookupHash) -> None:
        self._hashes = hashes

    def content_hash(self, sod_sha256: str) -> bytes:
        """The keyed hash of a security object, given its SHA-256 in hexadecimal."""
        return self._hashes.of("CHIP_SECURITY_OBJECT", sod_sha256)

    async def add(self, tx: Tx, reading: ChipReading) -> None:
        """Keep a verdict."""
        await tx.execute(
            "chip_add_reading",
            citizen_id=reading.citizen_id,
            chip_reading_id=reading.chip_reading_id,
            outcome=reading.outcome,
            fault=reading.fault,
            fault_group=reading.fault_group,
            groups_read=",".join(map(str, reading.groups)),
            signer_fingerprint=reading.signer_fingerprint,
            issuer_fingerprint=reading.issuer_fingerprint,
            warnings=",".join(reading.warnings),
            content_hash=reading.content_hash,
            consent_reference=reading.consent_reference,
            facility_code=reading.facility_code,
            verification_id=reading.verification_id,
            read_time=to_text(reading.read_time),
        )

    async def read(self, tx: Tx, citizen_id: str, chip_reading_id: str) -> ChipReading | None:
        """One verdict, or None."""
        row = await tx.one("chip_read_reading", citizen_id=citizen_id, chip_reading_id=chip_reading_id)
        return None if row is None else _reading(row)

    async def page(self, tx: Tx, citizen_id: str, *, before_id: str, page_size: int) -> list[ChipReading]:
        """A page of a person's verdicts, newest first; an empty before_id begins at the newest."""
        rows = await tx.all(
            "chip_list_readings",
            citizen_id=citizen_id,
            before_id=before_id or _LAST_ID,
            page_size=page_size,
        )
        return [_reading(row) for row in rows]


def _reading(row: Row) -> ChipReading:
    return ChipReading(
        citizen_id=row["citizen_id"],
        chip_reading_id=row["chip_reading_id"],
        outcome=ChipOutcome(row["outcome"]),
        fault=row["fault"],
        fault_group=row["fault_group"],
        groups=tuple(int(each) for each in row["groups_read"].split(",") if each),
        signer_fingerprint=row["signer_fingerprint"],
        issuer_fingerprint=row["issuer_fingerprint"],
        warnings=tuple(each for each in row["warnings"].split(",") if each),
        content_hash=bytes(row["content_hash"]),
        consent_reference=row["consent_reference"],
        facility_code=row["facility_code"],
        verification_id=row["verification_id"],
        read_time=to_time(row["read_time"]),
    )
