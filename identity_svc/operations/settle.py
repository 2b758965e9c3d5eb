"""What a check of a card changes about its citizen: the part that a scan and its later re-check share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chassis.clock import Clock, Ids
from chassis.db import Tx
from identity_svc.domain.card import claim_of
from identity_svc.domain.errors import RegisterUnavailable
from identity_svc.domain.judgement import ANSWER_INCOMPLETE, disputed_by_store, judge, not_asked
from identity_svc.domain.merging import Change, change_by
from identity_svc.domain.model import (
    Assurance,
    CardFacts,
    CardWarning,
    Citizen,
    Demographics,
    FieldCheck,
    Identifier,
    IdentifierKind,
    Outcome,
    Verification,
    newest_first,
)
from identity_svc.ports import RegisterPort
from identity_svc.store.store import IdentityStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the register said about a card, or why it was not heard."""

    outcome: Outcome
    fields: tuple[FieldCheck, ...]
    register_reference: str
    check_time: datetime
    degraded_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A citizen with the check that was made."""

    citizen: Citizen
    verification: Verification
    created: bool
    """This call registered the citizen."""


async def ask_register(register: RegisterPort, card: CardFacts, clock: Clock) -> Check:
    """Ask the register about a card; a register that is not heard gives UNVERIFIED and its reason."""
    try:
        answer = await register.verify(claim_of(card))
    except RegisterUnavailable as unheard:
        return unheard_check(card, reason=unheard.cause, now=clock.now())
    outcome, fields = judge(answer, card)
    return Check(
        outcome=outcome,
        fields=fields,
        register_reference=answer.reference,
        check_time=clock.now(),
        degraded_reason=ANSWER_INCOMPLETE if outcome is Outcome.UNVERIFIED else "",
    )


def unheard_check(card: CardFacts, *, reason: str, now: datetime) -> Check:
    """The check of a card whose register was not heard."""
    return Check(
        outcome=Outcome.UNVERIFIED,
        fields=not_asked(card),
        register_reference="",
        check_time=now,
        degraded_reason=reason,
    )


def identifier_kind(number: str) -> IdentifierKind:
    """The kind of a number on a card: a former number may be a cancelled one of 12 digits."""
    return IdentifierKind.CITIZEN_NUMBER if len(number) == 12 else IdentifierKind.OLD_IDENTITY_NUMBER


class Settlement:
    """Writes what a check changes, inside the transaction it is given."""

    def __init__(self, store: IdentityStore, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def register(
        self, tx: Tx, citizen_id: str, card: CardFacts, *, reading_id: str, now: datetime
    ) -> Citizen:
        """Add a new citizen with the card's facts; its look-up is claimed already."""
        await self._store.add_citizen(tx, citizen_id, now=now)
        facts = await self._add_facts(
            tx, citizen_id, card, version=1, reading_id=reading_id, register_time=now, now=now
        )
        number = await self.add_number(tx, citizen_id, card.citizen_number, now=now)
        return Citizen(
            citizen_id=citizen_id,
            demographics=facts,
            identifiers=(number,),
            create_time=now,
            update_time=now,
            verification=None,
        )

    async def add_number(self, tx: Tx, citizen_id: str, number: str, *, now: datetime) -> Identifier:
        """Add a number read from a card to a citizen."""
        identifier = Identifier(
            identifier_id=self._ids.new(),
            kind=identifier_kind(number),
            value=number,
            assurance=Assurance.SCANNED,
            start_time=now,
            end_time=None,
        )
        await self._store.add_identifier(tx, citizen_id, identifier)
        return identifier

    async def apply(
        self, tx: Tx, citizen: Citizen, card: CardFacts, check: Check, *, reading_id: str, now: datetime
    ) -> tuple[Citizen, Verification]:
        """Change the citizen as the check allows and give the verification, which the caller stores."""
        number = _current_number(citizen, card)
        change = change_by(
            card,
            citizen.demographics,
            stored_is_confirmed=number is not None and number.assurance is Assurance.REGISTER_CHECKED,
            outcome=check.outcome,
        )
        warnings = card.warnings
        if change is Change.CONFLICT:
            check = replace(check, outcome=Outcome.DISPUTED, fields=disputed_by_store(check.fields))
        else:
            citizen, warnings = await self._add_old_number(tx, citizen, card, now=now)
            if change is Change.REPLACE:
                citizen = await self._replace_facts(tx, citizen, card, reading_id=reading_id, now=now)
        if (
            check.outcome.is_confirmed
            and number is not None
            and number.assurance < Assurance.REGISTER_CHECKED
        ):
            citizen = await self._confirm(tx, citizen, number)
        verification = Verification(
            citizen_id=citizen.citizen_id,
            verification_id=self._ids.new(),
            reading_id=reading_id,
            facts_hash=self._store.facts_hash(card),
            outcome=check.outcome,
            fields=check.fields,
            register_reference=check.register_reference,
            check_time=check.check_time,
            warnings=warnings,
            degraded_reason=check.degraded_reason,
            recheck_pending=bool(check.degraded_reason) and not check.register_reference,
        )
        return replace(citizen, verification=verification), verification

    async def _replace_facts(
        self, tx: Tx, citizen: Citizen, card: CardFacts, *, reading_id: str, now: datetime
    ) -> Citizen:
        version = citizen.demographics.version + 1
        facts = await self._add_facts(
            tx,
            citizen.citizen_id,
            card,
            version=version,
            reading_id=reading_id,
            register_time=citizen.create_time,
            now=now,
        )
        return replace(citizen, demographics=facts, update_time=now)

    async def _add_facts(
        self,
        tx: Tx,
        citizen_id: str,
        card: CardFacts,
        *,
        version: int,
        reading_id: str,
        register_time: datetime,
        now: datetime,
    ) -> Demographics:
        facts = Demographics(
            version=version,
            full_name=card.full_name,
            birth_date=card.birth_date,
            gender=card.gender,
            address=card.address,
            text_quality=card.text_quality,
            issue_date=card.issue_date,
        )
        await self._store.add_demographics(
            tx, citizen_id, facts, reading_id=reading_id, register_time=register_time, now=now
        )
        return facts

    async def _add_old_number(
        self, tx: Tx, citizen: Citizen, card: CardFacts, *, now: datetime
    ) -> tuple[Citizen, tuple[CardWarning, ...]]:
        """Link the card's former number: the law makes the QR the bridge between old and new.

        Source: Decree 70/2024/NĐ-CP art. 12; nobody may ask the citizen for a paper confirmation.
        """
        number = card.old_number
        if not number or any(each.value == number for each in citizen.identifiers):
            return citizen, card.warnings
        kind = identifier_kind(number)
        # Claimed before it is looked up: under SERIALIZABLE a look-up of an absent key conflicts with every writer.
        is_ours = await self._store.claim(tx, kind, number, citizen_id=citizen.citizen_id)
        if not is_ours and await self._store.find_owner(tx, kind, number) != citizen.citizen_id:
            return citizen, (*card.warnings, CardWarning.OLD_NUMBER_OF_OTHER_PERSON)
        added = await self.add_number(tx, citizen.citizen_id, number, now=now)
        return replace(
            citizen, identifiers=newest_first((added, *citizen.identifiers)), update_time=now
        ), card.warnings

    async def _confirm(self, tx: Tx, citizen: Citizen, number: Identifier) -> Citizen:
        await self._store.raise_assurance(tx, citizen.citizen_id, number.identifier_id)
        confirmed = replace(number, assurance=Assurance.REGISTER_CHECKED)
        identifiers = tuple(confirmed if each is number else each for each in citizen.identifiers)
        return replace(citizen, identifiers=identifiers)


def _current_number(citizen: Citizen, card: CardFacts) -> Identifier | None:
    """The identifier row of the number on the card."""
    return next((each for each in citizen.identifiers if each.value == card.citizen_number), None)
