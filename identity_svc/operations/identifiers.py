"""Add, end and list the numbers of a citizen; a number that leads to somebody else opens a case and merges nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.domain.identifier_errors import (
    EndTimeWrong,
    IdentifierEnded,
    IdentifierNotFound,
    LastIdentifier,
)
from identity_svc.domain.model import Citizen, EndReason, Identifier, IdentifierKind, Source, newest_first
from identity_svc.domain.numbers import assurance_of, implied_numbers
from identity_svc.domain.temporary import TemporaryIdentity
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import IdentityStore
from identity_svc.store.temporary_store import TemporaryStore


class AddOutcome(StrEnum):
    """What came of adding a number."""

    ADDED = "ADDED"
    KNOWN = "KNOWN"
    """The citizen had it already."""
    CONTESTED = "CONTESTED"
    """It leads to another citizen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNumber:
    """A number to be added, in its kept form."""

    kind: IdentifierKind
    value: str
    source: Source
    valid_from_date: str = ""
    valid_until_date: str = ""
    replaces_current: bool = False
    """The number of the same kind in use ends as re-issued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A number that was added."""

    citizen_id: str
    outcome: AddOutcome
    identifier: Identifier
    case: str = ""
    """The case about a contested number, "citizens/{citizen}/cases/{case}"; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersPage:
    """A page of a citizen's numbers; names and temporary identity stand on the first."""

    citizen_id: str
    identifiers: tuple[Identifier, ...]
    name_aliases: tuple[str, ...]
    temporary: TemporaryIdentity | None


class Identifiers:
    """The verbs AddIdentifier, EndIdentifier and ListIdentifiers."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        repairs: RepairsStore,
        temporary: TemporaryStore,
        desk: CaseDesk,
        notice: FactsNotice,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._store = store
        self._repairs = repairs
        self._temporary = temporary
        self._desk = desk
        self._notice = notice
        self._clock = clock
        self._ids = ids

    async def add(self, citizen_id: str, number: NewNumber, *, key: RequestKey, caller: Caller) -> Added:
        """Add a number to a citizen; care goes on whatever the outcome.

        Raises:
            CitizenNotFound: nobody has this id.
        """

        async def work(tx: Tx) -> Added:
            if (done := await recall(tx, key)) is not None:
                return await self._replay(tx, done)
            citizen = await self._read(tx, citizen_id)
            now = self._clock.now()
            citizen, added = await self._add(tx, citizen, number, facility_code=caller.facility, now=now)
            for kind, value in implied_numbers(number.kind, number.value):
                held_inside = NewNumber(kind=kind, value=value, source=number.source)
                citizen, _ = await self._add(tx, citizen, held_inside, facility_code=caller.facility, now=now)
            if number.replaces_current and added.outcome is not AddOutcome.CONTESTED:
                citizen = await self._end_others(tx, citizen, added.identifier, now=now)
            await self._notice.tell(tx, citizen, facility_code=caller.facility, now=now)
            await self._note(tx, "add_identifier", citizen, added.identifier, caller=caller, now=now)
            await remember(tx, key, _result_of(added))
            return added

        return await self._db.write(work)

    async def end(
        self,
        citizen_id: str,
        identifier_id: str,
        reason: EndReason,
        *,
        end_time: datetime | None,
        key: RequestKey,
        caller: Caller,
    ) -> tuple[str, Identifier]:
        """End a number; a wrong one leads nowhere from now on, any other still leads to the citizen.

        Raises:
            CitizenNotFound, IdentifierNotFound, IdentifierEnded.
            EndTimeWrong: the moment is yet to come.
            LastIdentifier: without it nobody finds the record.
        """

        async def work(tx: Tx) -> tuple[str, Identifier]:
            citizen = await self._read(tx, citizen_id)
            number = _of_id(citizen, identifier_id)
            if await recall(tx, key, result=identifier_id) is not None:
                return citizen.citizen_id, number
            now = self._clock.now()
            if number.end_reason is not None:
                raise IdentifierEnded(end_reason=number.end_reason)
            if end_time is not None and end_time > now:
                raise EndTimeWrong
            ended = replace(number, end_time=end_time or now, end_reason=reason)
            if reason is EndReason.WRONG:
                if not any(_finds(each) for each in citizen.identifiers if each is not number):
                    raise LastIdentifier
                await self._store.release(tx, number.kind, number.value, citizen_id=citizen.citizen_id)
            await self._store.note_identifier(tx, citizen.citizen_id, ended)
            await self._notice.tell(tx, _with(citizen, ended), facility_code=caller.facility, now=now)
            await self._note(tx, "end_identifier", citizen, ended, caller=caller, now=now)
            return citizen.citizen_id, ended

        return await self._db.write(work)

    async def list(self, citizen_id: str, *, after_id: str, page_size: int, caller: Caller) -> NumbersPage:
        """A page of every number a citizen was seen with, in the order of their ids.

        Raises:
            CitizenNotFound: nobody has this id.
        """

        async def work(tx: Tx) -> NumbersPage:
            citizen = await self._read(tx, citizen_id)
            rest = sorted(citizen.identifiers, key=lambda each: each.identifier_id)
            page = tuple(each for each in rest if each.identifier_id > after_id)[:page_size]
            names: tuple[str, ...] = ()
            temporary = None
            if not after_id:
                names = await self._repairs.accepted_names(tx, citizen.citizen_id)
                temporary = await self._temporary.read(tx, citizen_id)
            await audit.record(
                tx,
                action="list_identifiers",
                resource=f"citizens/{citizen.citizen_id}/identifiers",
                subject=citizen.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=current_trace_id(),
                now=self._clock.now(),
            )
            return NumbersPage(
                citizen_id=citizen.citizen_id, identifiers=page, name_aliases=names, temporary=temporary
            )

        return await self._db.write(work)

    async def _read(self, tx: Tx, citizen_id: str) -> Citizen:
        citizen = await self._store.read_current(tx, citizen_id)
        if citizen is None:
            raise CitizenNotFound
        return citizen

    async def _add(
        self, tx: Tx, citizen: Citizen, number: NewNumber, *, facility_code: str, now: datetime
    ) -> tuple[Citizen, Added]:
        held = _of_value(citizen, number)
        if held is not None and _finds(held):
            known = _strengthened(held, number)
            if known != held:
                await self._store.note_identifier(tx, citizen.citizen_id, known)
            return _with(citizen, known), _added(citizen, AddOutcome.KNOWN, known)
        owner = citizen.citizen_id
        if not await self._store.claim(tx, number.kind, number.value, citizen_id=owner):
            owner = await self._store.find_owner(tx, number.kind, number.value) or owner
        is_contested = owner != citizen.citizen_id
        identifier = Identifier(
            identifier_id=self._ids.new() if held is None else held.identifier_id,
            kind=number.kind,
            value=number.value,
            assurance=assurance_of(number.source),
            start_time=now if held is None else held.start_time,
            end_time=None,
            source=number.source,
            valid_from_date=number.valid_from_date,
            valid_until_date=number.valid_until_date,
            is_contested=is_contested,
        )
        if held is None:
            await self._store.add_identifier(tx, citizen.citizen_id, identifier)
        else:
            await self._store.note_identifier(tx, citizen.citizen_id, identifier)
        citizen = _with(citizen, identifier)
        if is_contested:
            case = await self._contest(
                tx, citizen, identifier, owner=owner, facility_code=facility_code, now=now
            )
            return citizen, _added(citizen, AddOutcome.CONTESTED, identifier, case)
        if held is not None and held.is_contested:
            await self._desk.close(
                tx,
                cause=CaseCause.TWO_PEOPLE_ONE_IDENTIFIER,
                citizen_id=citizen.citizen_id,
                field=number.kind.lower(),
                resolution="NUMBER_FREED",
                now=now,
            )
        return citizen, _added(citizen, AddOutcome.ADDED, identifier)

    async def _contest(
        self,
        tx: Tx,
        citizen: Citizen,
        identifier: Identifier,
        *,
        owner: str,
        facility_code: str,
        now: datetime,
    ) -> str:
        """Open the case of a number that leads to another citizen and give its name."""
        case_id = await self._desk.open(
            tx,
            cause=CaseCause.TWO_PEOPLE_ONE_IDENTIFIER,
            citizen_id=citizen.citizen_id,
            other_citizen_id=owner,
            field=identifier.kind.lower(),
            facility_code=facility_code,
            evidence={"kind": identifier.kind, "source": identifier.source},
            now=now,
        )
        return f"citizens/{min(owner, citizen.citizen_id)}/cases/{case_id}"

    async def _end_others(self, tx: Tx, citizen: Citizen, newest: Identifier, *, now: datetime) -> Citizen:
        """End the other numbers of the same kind as re-issued."""
        for each in citizen.identifiers:
            if each.kind is newest.kind and each.end_time is None and each.value != newest.value:
                ended = replace(each, end_time=now, end_reason=EndReason.REISSUED)
                await self._store.note_identifier(tx, citizen.citizen_id, ended)
                citizen = _with(citizen, ended)
        return citizen

    async def _note(
        self, tx: Tx, action: str, citizen: Citizen, identifier: Identifier, *, caller: Caller, now: datetime
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{citizen.citizen_id}/identifiers/{identifier.identifier_id}",
            subject=citizen.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=current_trace_id(),
            now=now,
        )

    async def _replay(self, tx: Tx, result: str) -> Added:
        citizen_id, identifier_id, outcome, case = result.split(" ")
        citizen = await self._read(tx, citizen_id)
        return _added(citizen, AddOutcome(outcome), _of_id(citizen, identifier_id), case)


def _result_of(added: Added) -> str:
    """What is kept of an answer for a repeat of the request."""
    return f"{added.citizen_id} {added.identifier.identifier_id} {added.outcome} {added.case}"


def _added(citizen: Citizen, outcome: AddOutcome, identifier: Identifier, case: str = "") -> Added:
    return Added(citizen_id=citizen.citizen_id, outcome=outcome, identifier=identifier, case=case)


def _of_id(citizen: Citizen, identifier_id: str) -> Identifier:
    for each in citizen.identifiers:
        if each.identifier_id == identifier_id:
            return each
    raise IdentifierNotFound


def _of_value(citizen: Citizen, number: NewNumber) -> Identifier | None:
    same = (each for each in citizen.identifiers if (each.kind, each.value) == (number.kind, number.value))
    return next(same, None)


def _finds(identifier: Identifier) -> bool:
    """Whether its look-up leads to the citizen."""
    return not identifier.is_contested and identifier.end_reason is not EndReason.WRONG


def _strengthened(held: Identifier, number: NewNumber) -> Identifier:
    """A held number with what a new sighting of it adds."""
    assurance = assurance_of(number.source)
    is_stronger = assurance > held.assurance
    return replace(
        held,
        assurance=max(assurance, held.assurance),
        source=number.source if is_stronger else held.source,
        valid_from_date=number.valid_from_date or held.valid_from_date,
        valid_until_date=number.valid_until_date or held.valid_until_date,
    )


def _with(citizen: Citizen, identifier: Identifier) -> Citizen:
    """The citizen with a number added, or put in the place of its earlier state."""
    rest = (each for each in citizen.identifiers if each.identifier_id != identifier.identifier_id)
    return replace(citizen, identifiers=newest_first((identifier, *rest)))
