"""Read a citizen card's chip: judge it, find or create the citizen, compare, keep the verdict and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, peek, recall, remember
from chassis.paging import PageTokenMalformed, page_size_of
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.chip import (
    ChipContent,
    ChipReading,
    check_consent,
    compare,
    facts_of,
    judge_content,
    read_chip,
    warnings_of,
)
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.model import (
    Assurance,
    CardFacts,
    Citizen,
    Demographics,
    FieldCheck,
    FieldResult,
    IdentifierKind,
    Source,
)
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.settle import Verified
from identity_svc.operations.verify_card import VerifyCard
from identity_svc.ports import TrustPort
from identity_svc.store.chip_store import ChipStore
from identity_svc.store.store import IdentityStore
from standards.icao.lds import FaceImage
from standards.icao.security_object import ChipOutcome, ChipVerdict, authenticate

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 20, 100
_TOKEN = re.compile(r"[0-9a-f-]{1,64}", re.ASCII)
"""The id of the last reading of the page before."""
_ASSURANCES = {
    ChipOutcome.VALID: Assurance.CHIP_SIGNED,
    ChipOutcome.INTACT_BUT_ISSUER_UNKNOWN: Assurance.CHIP_INTACT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipFiles:
    """What a reader took from a card, and the circumstances."""

    groups: Mapping[int, bytes] = field(repr=False)
    """Number to raw file."""
    sod: bytes = field(repr=False)
    card_qr: str = field(repr=False)
    """Text of the code on the same card, or empty."""
    has_consent: bool
    consent_reference: str
    facility_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipRead:
    """A verdict with what came of it."""

    reading: ChipReading
    verified: Verified | None = None
    """None when the chip proved false."""
    qr_checks: tuple[FieldCheck, ...] = ()
    stored_checks: tuple[FieldCheck, ...] = ()
    face: FaceImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call with what its transactions need."""

    files: ChipFiles
    content: ChipContent
    key: RequestKey
    caller: Caller
    trace_id: str


class ReadChip:
    """The verbs ReadChip and ListChipReadings."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        chips: ChipStore,
        verify_card: VerifyCard,
        desk: CaseDesk,
        trust: TrustPort,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._chips = chips
        self._verify_card = verify_card
        self._desk = desk
        self._trust = trust
        self._clock = clock
        self._ids = ids

    async def __call__(self, files: ChipFiles, *, key: RequestKey, caller: Caller) -> ChipRead:
        """Read a chip; a repeat of the same key gives the same answer.

        A chip that holds goes the way of a scanned card, under a key of its own, and its verdict is kept after that: a
        repeat after a break in between finds the first part done.
        Raises:
            ChipConsentRequired, ChipConsentReferenceWrong, ChipOfNoCitizen, ChipQrOfOtherCard.
            FormatError: the bytes cannot be judged; nothing is stored.
        """
        check_consent(is_given=files.has_consent, reference=files.consent_reference)
        now, trust = self._clock.now(), self._trust.current().store

        def judge() -> tuple[ChipContent, ChipVerdict]:
            # The verdict first: bytes that are no file of a chip are told as such.
            verdict = authenticate(files.sod, files.groups, trust, moment=now)
            return read_chip(files.groups, card_qr=files.card_qr), verdict

        content, verdict = await asyncio.to_thread(judge)
        call = _Call(files=files, content=content, key=key, caller=caller, trace_id=current_trace_id())
        reading = self._reading(call, verdict, now)
        before = await self._db.read(lambda tx: self._before(tx, call))
        # A repeat keeps to the first verdict, although the trust store may have changed since.
        reading = before.reading or reading
        if reading.outcome is ChipOutcome.INVALID:
            return await self._db.write(lambda tx: self._refuse(tx, call, reading))
        facts = facts_of(content)
        verified = await self._verify_card(
            facts,
            facility_code=files.facility_code,
            key=replace(key, method=f"{key.method}/verify"),
            caller=caller,
        )
        return await self._db.write(
            lambda tx: self._keep(tx, call, reading, facts=facts, verified=verified, before=before)
        )

    async def list(
        self, citizen_id: str, caller: Caller, *, page_size: int, page_token: str
    ) -> tuple[list[ChipReading], str]:
        """A page of a citizen's verdicts, newest first, and the token of the next page or empty.

        Raises:
            CitizenNotFound, PageSizeOutOfRange, PageTokenMalformed.
        """
        if page_token and not _TOKEN.fullmatch(page_token):
            raise PageTokenMalformed
        size = page_size_of(page_size, usual=PAGE_SIZE_DEFAULT, largest=PAGE_SIZE_MAX)
        trace_id = current_trace_id()

        async def work(tx: Tx) -> list[ChipReading] | None:
            citizen = await self._store.read(tx, citizen_id)
            await audit.record(
                tx,
                action="list_chip_readings",
                resource="citizens" if citizen is None else f"citizens/{citizen.citizen_id}",
                subject="" if citizen is None else citizen.citizen_id,
                caller=caller,
                outcome=CitizenNotFound.reason if citizen is None else "ok",
                trace_id=trace_id,
                now=self._clock.now(),
            )
            if citizen is None:
                return None
            return await self._chips.page(tx, citizen.citizen_id, before_id=page_token, page_size=size + 1)

        # Raised outside, so that a failed search stays on record.
        found = await self._db.write(work)
        if found is None:
            raise CitizenNotFound
        return found[:size], found[size - 1].chip_reading_id if len(found) > size else ""

    def _reading(self, call: _Call, verdict: ChipVerdict, now: datetime) -> ChipReading:
        files, fault = call.files, judge_content(verdict, call.content)
        outcome = ChipOutcome.INVALID if fault else verdict.outcome
        return ChipReading(
            citizen_id="",
            chip_reading_id=self._ids.new(),
            outcome=outcome,
            fault=fault,
            fault_group=verdict.group,
            groups=verdict.groups,
            signer_fingerprint=verdict.signer_fingerprint,
            issuer_fingerprint="" if fault else verdict.issuer_fingerprint,
            warnings=warnings_of(verdict, call.content, now=now),
            content_hash=self._chips.content_hash(hashlib.sha256(files.sod).hexdigest()),
            consent_reference=files.consent_reference,
            facility_code=files.facility_code,
            verification_id="",
            read_time=now,
        )

    async def _before(self, tx: Tx, call: _Call) -> _Before:
        """What was known before this request's first run: of the citizen, and the verdict of an earlier run."""
        if (done := await peek(tx, call.key)) is not None:
            return await self._remembered(tx, done)
        citizen = await self._find(tx, call)
        return _Before(facts=None if citizen is None else citizen.demographics)

    async def _remembered(self, tx: Tx, done: str) -> _Before:
        citizen_id, reading_id, version = done.split("/")
        if not citizen_id:
            return _Before()
        reading = await self._chips.read(tx, citizen_id, reading_id)
        assert reading is not None, "a remembered reading is kept"
        facts = await self._store.facts_at(tx, citizen_id, int(version)) if version != "0" else None
        return _Before(reading=reading, facts=facts)

    async def _find(self, tx: Tx, call: _Call) -> Citizen | None:
        number = call.content.zone.personal_number
        return await self._store.find(tx, IdentifierKind.CITIZEN_NUMBER, number)

    async def _refuse(self, tx: Tx, call: _Call, reading: ChipReading) -> ChipRead:
        """Note a chip that proved false: a case for the person it names, and nothing of its content."""
        face = call.content.face
        if (done := await recall(tx, call.key)) is not None:
            earlier = await self._remembered(tx, done)
            return ChipRead(reading=earlier.reading or reading, face=face)
        citizen = await self._find(tx, call)
        if citizen is not None:
            reading = replace(reading, citizen_id=citizen.citizen_id)
            await self._chips.add(tx, reading)
            await self._desk.open(
                tx,
                cause=CaseCause.CHIP_INVALID,
                citizen_id=citizen.citizen_id,
                facility_code=reading.facility_code,
                evidence={
                    "fault": reading.fault,
                    "group": str(reading.fault_group),
                    "reading": reading.chip_reading_id,
                },
                now=reading.read_time,
            )
        await self._note(tx, call, reading)
        await remember(tx, call.key, f"{reading.citizen_id}/{reading.chip_reading_id}/0")
        return ChipRead(reading=reading, face=face)

    async def _keep(
        self,
        tx: Tx,
        call: _Call,
        reading: ChipReading,
        *,
        facts: CardFacts,
        verified: Verified,
        before: _Before,
    ) -> ChipRead:
        """Keep the verdict about a chip that holds, and what it says about the number."""
        citizen_id = verified.citizen.citizen_id
        if (done := await recall(tx, call.key)) is not None:
            before = await self._remembered(tx, done)
            return _answer(call, before.reading or reading, facts, verified, before.facts)
        reading = replace(
            reading, citizen_id=citizen_id, verification_id=verified.verification.verification_id
        )
        await self._chips.add(tx, reading)
        citizen = await self._raise_assurance(tx, verified.citizen, facts, reading)
        if reading.outcome is ChipOutcome.VALID:
            await self._desk.close(
                tx,
                cause=CaseCause.CHIP_INVALID,
                citizen_id=citizen_id,
                resolution="CHIP_VALID",
                now=reading.read_time,
            )
        await self._note(tx, call, reading)
        version = 0 if before.facts is None else before.facts.version
        await remember(tx, call.key, f"{citizen_id}/{reading.chip_reading_id}/{version}")
        return _answer(call, reading, facts, replace(verified, citizen=citizen), before.facts)

    async def _raise_assurance(
        self, tx: Tx, citizen: Citizen, facts: CardFacts, reading: ChipReading
    ) -> Citizen:
        """Note that a chip backs the number, unless the record is about somebody else than the chip."""
        checks = _against_stored(facts, citizen.demographics)
        if any(
            each.result is FieldResult.MISMATCH
            for each in checks
            if each.field in ("full_name", "birth_date")
        ):
            return citizen
        backed = _ASSURANCES[reading.outcome]
        number = next((each for each in citizen.identifiers if each.value == facts.citizen_number), None)
        if number is None or number.assurance >= backed:
            return citizen
        raised = replace(number, assurance=backed, source=Source.CARD_CHIP)
        await self._store.note_identifier(tx, citizen.citizen_id, raised)
        identifiers = tuple(raised if each is number else each for each in citizen.identifiers)
        return replace(citizen, identifiers=identifiers)

    async def _note(self, tx: Tx, call: _Call, reading: ChipReading) -> None:
        citizen_id = reading.citizen_id
        place = f"citizens/{citizen_id}/chipReadings/{reading.chip_reading_id}"
        await audit.record(
            tx,
            action="read_chip",
            resource=place if citizen_id else "citizens",
            subject=citizen_id,
            caller=call.caller,
            outcome=reading.fault or "ok",
            trace_id=call.trace_id,
            now=reading.read_time,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the store held before a request."""

    reading: ChipReading | None = None
    """Of an earlier run of the same request."""
    facts: Demographics | None = None
    """Of the citizen before the first run; None when the number led to nobody."""


def _answer(
    call: _Call, reading: ChipReading, facts: CardFacts, verified: Verified, known: Demographics | None
) -> ChipRead:
    qr = call.content.qr
    return ChipRead(
        reading=reading,
        verified=verified,
        qr_checks=() if qr is None else _against_card(facts, qr),
        stored_checks=() if known is None else _against_stored(facts, known),
        face=call.content.face,
    )


def _against_card(facts: CardFacts, card: CardFacts) -> tuple[FieldCheck, ...]:
    names = ("full_name", "birth_date", "gender", "address", "issue_date")
    return compare({name: (getattr(facts, name), getattr(card, name)) for name in names})


def _against_stored(facts: CardFacts, stored: Demographics) -> tuple[FieldCheck, ...]:
    names = ("full_name", "birth_date", "gender", "address")
    return compare({name: (getattr(facts, name), getattr(stored, name)) for name in names})
