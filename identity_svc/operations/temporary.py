"""Register somebody before it is known who they are, and say later who it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, peek, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.identifier_errors import NotTemporary, PaperOfAnAdult
from identity_svc.domain.linking import LinkReason
from identity_svc.domain.merging import is_same_person
from identity_svc.domain.model import (
    CardFacts,
    Citizen,
    Demographics,
    EndReason,
    Gender,
    Identifier,
    IdentifierKind,
    Source,
    TextQuality,
    newest_first,
)
from identity_svc.domain.numbers import TEMPORARY_COUNT, assurance_of, temporary_number
from identity_svc.domain.temporary import (
    TemporaryIdentity,
    TemporaryKind,
    is_too_old_for,
    made_up_name,
    notice_due,
)
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.link import Linker
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.operations.register_check import Check, ask_register
from identity_svc.operations.settle import Settlement
from identity_svc.ports import RegisterPort
from identity_svc.store.store import IdentityStore
from identity_svc.store.temporary_store import TemporaryStore

_DRAWS_MAX = 8
"""Tries for a free number; a second one is needed once in a million million divided by the numbers in use."""


class ReplaceOutcome(StrEnum):
    """What came of saying who a temporary person is."""

    ATTACHED = "ATTACHED"
    MERGED = "MERGED"
    CASE_OPENED = "CASE_OPENED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What is told of a person without a card; any part may be empty."""

    full_name: str = field(default="", repr=False)
    """In the kept spelling (standards.names.normalise_name)."""
    birth_date: str = field(default="", repr=False)
    """FHIR date, or empty."""
    gender: Gender = Gender.UNKNOWN
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealNumber:
    """A real number that was told without a card."""

    kind: IdentifierKind
    value: str = field(repr=False)
    person: PersonFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A record made for somebody unknown."""

    citizen: Citizen
    temporary: TemporaryIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A temporary person whose real identity was told."""

    outcome: ReplaceOutcome
    citizen: Citizen
    """Who now stands for the person."""
    temporary: TemporaryIdentity
    case: str
    """"citizens/{citizen}/cases/{case}" where a steward has to decide; else empty."""


class Temporary:
    """The verbs RegisterTemporary and ReplaceTemporary."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        temporary: TemporaryStore,
        settlement: Settlement,
        register: RegisterPort,
        desk: CaseDesk,
        notice: FactsNotice,
        linker: Linker,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._temporary = temporary
        self._settlement = settlement
        self._register = register
        self._desk = desk
        self._notice = notice
        self._linker = linker
        self._clock = clock
        self._ids = ids

    async def register(
        self,
        kind: TemporaryKind,
        person: PersonFacts,
        *,
        facility_code: str,
        mother_citizen_id: str,
        key: RequestKey,
        caller: Caller,
    ) -> Registered:
        """Register somebody under a number for the wristband.

        Raises:
            CitizenNotFound: the mother is nobody here.
        """

        async def work(tx: Tx) -> Registered:
            if (done := await recall(tx, key)) is not None:
                return await self._registered(tx, done)
            if mother_citizen_id:
                await self._read(tx, mother_citizen_id)
            now = self._clock.now()
            citizen, temporary = await self._unknown(
                tx, kind, person, facility_code=facility_code, mother_citizen_id=mother_citizen_id, now=now
            )
            citizen_id = citizen.citizen_id
            await self._desk.open(
                tx,
                cause=CaseCause.TEMPORARY_IDENTITY,
                citizen_id=citizen_id,
                facility_code=facility_code,
                evidence={"kind": kind},
                now=now,
            )
            await self._notice.tell(tx, citizen, facility_code=facility_code, now=now)
            await self._note(tx, "register_temporary", citizen_id, outcome="ok", caller=caller, now=now)
            await remember(tx, key, citizen_id)
            return Registered(citizen=citizen, temporary=temporary)

        return await self._db.write(work)

    async def replace(
        self,
        citizen_id: str,
        real: CardFacts | RealNumber,
        *,
        facility_code: str,
        key: RequestKey,
        caller: Caller,
    ) -> Replaced:
        """Say who a temporary person is; a card is checked with the register on the way.

        Raises:
            CitizenNotFound: nobody has this id.
            NotTemporary: it is no temporary record, or was replaced before.
            PaperOfAnAdult: the record is a newborn's, the card or birth date somebody older's.
        """
        done = await self._db.read(lambda tx: peek(tx, key))
        check = None
        if done is None and isinstance(real, CardFacts):
            check = await ask_register(self._register, real, self._clock)

        async def work(tx: Tx) -> Replaced:
            if (done := await recall(tx, key)) is not None:
                return await self._replayed(tx, done)
            citizen = await self._read(tx, citizen_id)
            temporary = await self._temporary.read(tx, citizen_id)
            if temporary is None or temporary.replace_time is not None:
                raise NotTemporary
            if is_too_old_for(temporary, birth_date=_birth_date_of(real)):
                raise PaperOfAnAdult
            now = self._clock.now()
            kind, value = _number_of(real)
            owner, case = citizen.citizen_id, ""
            if not await self._store.claim(tx, kind, value, citizen_id=owner):
                owner = await self._store.find_owner(tx, kind, value) or owner
            if owner == citizen.citizen_id:
                outcome = ReplaceOutcome.ATTACHED
                await self._attach(tx, citizen, real, check, facility_code=facility_code, now=now)
            else:
                outcome, case = await self._join(
                    tx, citizen, owner, real, facility_code=facility_code, caller=caller, now=now
                )
            if outcome is not ReplaceOutcome.CASE_OPENED:
                await self._finish(tx, citizen, temporary, real_citizen_id=owner, now=now)
            await self._note(tx, "replace_temporary", citizen_id, outcome=outcome, caller=caller, now=now)
            result = f"{citizen_id} {outcome} {case}"
            await remember(tx, key, result)
            return await self._replayed(tx, result)

        return await self._db.write(work)

    async def _unknown(
        self,
        tx: Tx,
        kind: TemporaryKind,
        person: PersonFacts,
        *,
        facility_code: str,
        mother_citizen_id: str,
        now: datetime,
    ) -> tuple[Citizen, TemporaryIdentity]:
        """Add the record of somebody unknown, under a number that nobody has."""
        citizen_id = self._ids.new()
        facts = _facts(
            person, version=1, full_name=person.full_name or made_up_name(kind), source=Source.ISSUED_HERE
        )
        identifier = Identifier(
            identifier_id=self._ids.new(),
            kind=IdentifierKind.TEMPORARY,
            value=await self._issue(tx, citizen_id),
            assurance=assurance_of(Source.ISSUED_HERE),
            start_time=now,
            end_time=None,
            source=Source.ISSUED_HERE,
        )
        temporary = TemporaryIdentity(
            citizen_id=citizen_id,
            kind=kind,
            identifier_id=identifier.identifier_id,
            number=identifier.value,
            facility_code=facility_code,
            mother_citizen_id=mother_citizen_id,
            notice_due_time=notice_due(kind, now),
            create_time=now,
            replace_time=None,
            real_citizen_id="",
        )
        await self._store.add_citizen(tx, citizen_id, now=now)
        await self._store.add_demographics(tx, citizen_id, facts, reading_id="", register_time=now, now=now)
        await self._store.add_identifier(tx, citizen_id, identifier)
        await self._temporary.add(tx, temporary)
        citizen = Citizen(
            citizen_id=citizen_id,
            demographics=facts,
            identifiers=(identifier,),
            create_time=now,
            update_time=now,
            verification=None,
        )
        return citizen, temporary

    async def _issue(self, tx: Tx, citizen_id: str) -> str:
        """A temporary number nobody has, claimed for the citizen."""
        for _ in range(_DRAWS_MAX):
            number = temporary_number(int(self._ids.new()[-12:], 16) % TEMPORARY_COUNT)
            if await self._store.claim(tx, IdentifierKind.TEMPORARY, number, citizen_id=citizen_id):
                return number
        raise AssertionError("temporary numbers have run out")

    async def _attach(
        self,
        tx: Tx,
        citizen: Citizen,
        real: CardFacts | RealNumber,
        check: Check | None,
        *,
        facility_code: str,
        now: datetime,
    ) -> None:
        """Make the real number and facts those of the record."""
        if isinstance(real, RealNumber):
            await self._attach_typed(tx, citizen, real, facility_code=facility_code, now=now)
            return
        assert check is not None, "a card is checked before it is attached"
        await self._attach_card(tx, citizen, real, check, facility_code=facility_code, now=now)

    async def _attach_card(
        self, tx: Tx, citizen: Citizen, card: CardFacts, check: Check, *, facility_code: str, now: datetime
    ) -> None:
        """Make the card's number and facts those of the record, and keep the check."""
        reading_id = self._ids.new()
        await self._store.add_reading(
            tx, citizen.citizen_id, reading_id, card, facility_code=facility_code, now=now
        )
        citizen = await self._settlement.adopt(tx, citizen, card, reading_id=reading_id, now=now)
        _, verification = await self._settlement.apply(
            tx,
            citizen,
            card,
            check,
            reading_id=reading_id,
            facility_code=facility_code,
            is_new=True,
            now=now,
        )
        await self._settlement.keep(tx, verification, earlier=None, now=now)

    async def _attach_typed(
        self, tx: Tx, citizen: Citizen, real: RealNumber, *, facility_code: str, now: datetime
    ) -> None:
        """Make a typed number and typed facts those of the record."""
        identifier = Identifier(
            identifier_id=self._ids.new(),
            kind=real.kind,
            value=real.value,
            assurance=assurance_of(Source.TYPED),
            start_time=now,
            end_time=None,
            source=Source.TYPED,
        )
        facts = _facts(
            real.person,
            version=citizen.demographics.version + 1,
            full_name=real.person.full_name,
            source=Source.TYPED,
        )
        await self._store.add_identifier(tx, citizen.citizen_id, identifier)
        await self._store.add_demographics(
            tx, citizen.citizen_id, facts, reading_id="", register_time=citizen.create_time, now=now
        )
        known = replace(
            citizen, demographics=facts, identifiers=newest_first((identifier, *citizen.identifiers))
        )
        await self._notice.tell(tx, known, facility_code=facility_code, now=now)

    async def _join(
        self,
        tx: Tx,
        citizen: Citizen,
        owner: str,
        real: CardFacts | RealNumber,
        *,
        facility_code: str,
        caller: Caller,
        now: datetime,
    ) -> tuple[ReplaceOutcome, str]:
        """Link the record to the person who holds the number, where a card shows that very person; else open a case."""
        known = await self._read(tx, owner)
        if isinstance(real, CardFacts) and is_same_person(real, known.demographics):
            plan = await self._linker.plan(tx, citizen.citizen_id, owner)
            if not plan.conflicts:
                await self._linker.link(tx, plan, reason=LinkReason.STEWARD, caller=caller, now=now)
                return ReplaceOutcome.MERGED, ""
        case_id = await self._desk.open(
            tx,
            cause=CaseCause.POSSIBLE_DUPLICATE,
            citizen_id=citizen.citizen_id,
            other_citizen_id=owner,
            facility_code=facility_code,
            evidence={"reason": "TEMPORARY_REPLACED"},
            now=now,
        )
        return ReplaceOutcome.CASE_OPENED, f"citizens/{min(citizen.citizen_id, owner)}/cases/{case_id}"

    async def _finish(
        self, tx: Tx, citizen: Citizen, temporary: TemporaryIdentity, *, real_citizen_id: str, now: datetime
    ) -> None:
        """End the temporary number, which still finds the person, and close the record's case."""
        number = next(each for each in citizen.identifiers if each.identifier_id == temporary.identifier_id)
        await self._store.note_identifier(
            tx, citizen.citizen_id, replace(number, end_time=now, end_reason=EndReason.REPLACED)
        )
        await self._temporary.replace(tx, temporary.citizen_id, real_citizen_id=real_citizen_id, now=now)
        await self._desk.close(
            tx,
            cause=CaseCause.TEMPORARY_IDENTITY,
            citizen_id=citizen.citizen_id,
            resolution="REPLACED",
            now=now,
        )

    async def _read(self, tx: Tx, citizen_id: str) -> Citizen:
        citizen = await self._store.read_full(tx, citizen_id)
        if citizen is None:
            raise CitizenNotFound
        return citizen

    async def _registered(self, tx: Tx, citizen_id: str) -> Registered:
        temporary = await self._temporary.read(tx, citizen_id)
        assert temporary is not None, "a registered record has its temporary identity"
        return Registered(citizen=await self._read(tx, citizen_id), temporary=temporary)

    async def _replayed(self, tx: Tx, result: str) -> Replaced:
        citizen_id, outcome, case = result.split(" ")
        done = await self._registered(tx, citizen_id)
        real = done.temporary.real_citizen_id
        return Replaced(
            outcome=ReplaceOutcome(outcome),
            citizen=await self._read(tx, real) if real else done.citizen,
            temporary=done.temporary,
            case=case,
        )

    async def _note(
        self, tx: Tx, action: str, citizen_id: str, *, outcome: str, caller: Caller, now: datetime
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{citizen_id}",
            subject=citizen_id,
            caller=caller,
            outcome=outcome,
            trace_id=current_trace_id(),
            now=now,
        )


def _facts(person: PersonFacts, *, version: int, full_name: str, source: Source) -> Demographics:
    """The facts of a person without a card."""
    return Demographics(
        version=version,
        full_name=full_name,
        birth_date=person.birth_date,
        gender=person.gender,
        address=person.address,
        text_quality=TextQuality.GOOD,
        issue_date="",
        source=source,
    )


def _number_of(real: CardFacts | RealNumber) -> tuple[IdentifierKind, str]:
    if isinstance(real, CardFacts):
        return IdentifierKind.CITIZEN_NUMBER, real.citizen_number
    return real.kind, real.value


def _birth_date_of(real: CardFacts | RealNumber) -> str:
    return real.birth_date if isinstance(real, CardFacts) else real.person.birth_date
