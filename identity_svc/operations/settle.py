"""What a check of a card changes about its citizen: the part that a scan and its later re-check share."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from chassis import outbox
from chassis.clock import Ids
from chassis.db import Tx
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.doubts import doubts_of
from identity_svc.domain.judgement import contradicts_name, disputed_by_store, explained_by_alias
from identity_svc.domain.merging import Change, change_by, number_on
from identity_svc.domain.model import (
    Assurance,
    CardFacts,
    CardWarning,
    Citizen,
    Demographics,
    EndReason,
    Identifier,
    IdentifierKind,
    Outcome,
    TextQuality,
    Verification,
    newest_first,
)
from identity_svc.operations.cases import CaseDesk
from identity_svc.operations.note_facts import FactsNotice
from identity_svc.operations.register_check import Check
from identity_svc.store.repairs_store import RepairsStore
from identity_svc.store.store import IdentityStore
from standards.names import NameClass, compare_names

DESTINATION = "register"
"""Name of the outbox queue of checks to be repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A citizen with the check that was made."""

    citizen: Citizen
    verification: Verification
    created: bool
    """This call registered the citizen."""


def identifier_kind(number: str) -> IdentifierKind:
    """The kind of a number on a card: a former number may be a cancelled one of 12 digits."""
    return IdentifierKind.CITIZEN_NUMBER if len(number) == 12 else IdentifierKind.OLD_IDENTITY_NUMBER


class Settlement:
    """Writes what a check changes, inside the transaction it is given."""

    def __init__(
        self, *, store: IdentityStore, repairs: RepairsStore, desk: CaseDesk, notice: FactsNotice, ids: Ids
    ) -> None:
        self._store = store
        self._repairs = repairs
        self._desk = desk
        self._notice = notice
        self._ids = ids

    async def register(
        self, tx: Tx, citizen_id: str, card: CardFacts, *, reading_id: str, now: datetime
    ) -> Citizen:
        """Add a new citizen with the card's facts; its look-up is claimed already, and `apply` follows."""
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

    async def add_number(
        self, tx: Tx, citizen_id: str, number: str, *, is_cancelled: bool = False, now: datetime
    ) -> Identifier:
        """Add a number read from a card to a citizen; a cancelled one is ended from the start."""
        identifier = Identifier(
            identifier_id=self._ids.new(),
            kind=identifier_kind(number),
            value=number,
            assurance=Assurance.SCANNED,
            start_time=now,
            end_time=now if is_cancelled else None,
            end_reason=EndReason.CANCELLED if is_cancelled else None,
        )
        await self._store.add_identifier(tx, citizen_id, identifier)
        return identifier

    async def apply(
        self,
        tx: Tx,
        citizen: Citizen,
        card: CardFacts,
        check: Check,
        *,
        reading_id: str,
        facility_code: str,
        is_new: bool = False,
        earlier: Verification | None = None,
        now: datetime,
    ) -> tuple[Citizen, Verification]:
        """Change the citizen as the check allows and give the verification, which the caller stores.

        Args:
            citizen: As this transaction read or registered it.
            card: The card that was checked.
            check: What the register said.
            reading_id: The kept scan of the card.
            facility_code: Where the card was shown; for the cases that the check opens.
            is_new: The citizen was registered, or got the number of this card, in this transaction.
            earlier: The newest earlier check of the same card facts.
            now: When.
        """
        before, number = citizen, number_on(card, citizen)
        check, is_known_alias = await self._with_alias(tx, citizen, card, check)
        change = change_by(
            card,
            citizen.demographics,
            stored_is_confirmed=number is not None and number.assurance is Assurance.REGISTER_CHECKED,
            outcome=check.outcome,
            is_known_alias=is_known_alias,
        )
        old_number_owner = ""
        if change is Change.CONFLICT:
            check = replace(check, outcome=Outcome.DISPUTED, fields=disputed_by_store(check.fields))
        else:
            citizen, old_number_owner = await self._add_old_number(tx, citizen, card, now=now)
            if change is Change.REPLACE:
                citizen = await self._replace_facts(tx, citizen, card, reading_id=reading_id, now=now)
        if is_new or citizen is not before:
            await self._notice.tell(tx, citizen, facility_code=facility_code, now=now)
        if (
            check.outcome.is_confirmed
            and number is not None
            and number.assurance < Assurance.REGISTER_CHECKED
        ):
            citizen = await self._confirm(tx, citizen, number)
        was_owned = (CardWarning.OLD_NUMBER_OF_OTHER_PERSON,) if old_number_owner else ()
        verification = Verification(
            citizen_id=citizen.citizen_id,
            verification_id=self._ids.new(),
            reading_id=reading_id,
            facts_hash=self._store.facts_hash(card),
            outcome=check.outcome,
            fields=check.fields,
            register_reference=check.register_reference,
            check_time=check.check_time,
            warnings=(*card.warnings, *was_owned),
            degraded_reason=check.degraded_reason,
            recheck_pending=bool(check.degraded_reason) and not check.register_reference,
        )
        citizen = replace(citizen, verification=verification)
        await self._open_cases(
            tx, citizen, change, old_number_owner=old_number_owner, facility_code=facility_code, now=now
        )
        if not is_new:
            await self._close_cases(tx, before=before, after=citizen, card=card, earlier=earlier, now=now)
        return citizen, verification

    async def adopt(
        self, tx: Tx, citizen: Citizen, card: CardFacts, *, reading_id: str, now: datetime
    ) -> Citizen:
        """Make a card's number and facts those of a record whose person was not known; `apply` follows."""
        number = await self.add_number(tx, citizen.citizen_id, card.citizen_number, now=now)
        citizen = await self._replace_facts(tx, citizen, card, reading_id=reading_id, now=now)
        return replace(citizen, identifiers=newest_first((number, *citizen.identifiers)))

    async def hand_over(
        self, tx: Tx, holder: Citizen, number: Identifier, *, to: str, facility_code: str, now: datetime
    ) -> None:
        """Let a number that was only typed for somebody lead to whoever showed it on a card, and open their case."""
        await self._store.move(tx, number.kind, number.value, citizen_id=to)
        contested = replace(number, is_contested=True)
        await self._store.note_identifier(tx, holder.citizen_id, contested)
        rest = (each for each in holder.identifiers if each is not number)
        holder = replace(holder, identifiers=newest_first((contested, *rest)))
        await self._notice.tell(tx, holder, facility_code=facility_code, now=now)
        await self._desk.open(
            tx,
            cause=CaseCause.TWO_PEOPLE_ONE_IDENTIFIER,
            citizen_id=holder.citizen_id,
            other_citizen_id=to,
            field=number.kind.lower(),
            facility_code=facility_code,
            evidence={"kind": number.kind, "source": number.source},
            now=now,
        )

    async def keep(
        self, tx: Tx, verification: Verification, *, earlier: Verification | None, now: datetime
    ) -> None:
        """Keep a check; put its repeat into the outbox, once per card facts, or end the waiting where it was heard."""
        await self._store.add_verification(tx, verification)
        is_waiting = earlier is not None and earlier.recheck_pending
        if is_waiting and not verification.recheck_pending:
            await self._store.settle_rechecks(tx, verification.citizen_id, verification.facts_hash)
        if is_waiting or not verification.recheck_pending:
            return
        payload = {"citizen_id": verification.citizen_id, "verification_id": verification.verification_id}
        await outbox.put(
            tx,
            destination=DESTINATION,
            order_key=verification.verification_id,
            payload=json.dumps(payload).encode(),
            message_id=f"recheck-{verification.verification_id}",
            now=now,
            cipher=self._store.cipher,
        )

    async def _with_alias(
        self, tx: Tx, citizen: Citizen, card: CardFacts, check: Check
    ) -> tuple[Check, bool]:
        """Let an accepted alias explain a name that the register contradicts; aliases are read only then."""
        if not contradicts_name(check.fields):
            return check, False
        names = await self._repairs.accepted_names(tx, citizen.citizen_id)
        same = (NameClass.SAME, NameClass.EQUIVALENT)
        if not any(compare_names(card.full_name, name).cls in same for name in names):
            return check, False
        outcome, fields = explained_by_alias(check.fields)
        return replace(check, outcome=outcome, fields=fields), True

    async def _open_cases(
        self,
        tx: Tx,
        citizen: Citizen,
        change: Change,
        *,
        old_number_owner: str,
        facility_code: str,
        now: datetime,
    ) -> None:
        """Open a case for each doubt that the check leaves and nobody decided yet for this very card."""
        verification = citizen.verification
        assert verification is not None, "cases come after the check"
        doubts = doubts_of(verification.fields, citizen.demographics)
        if change is Change.CONFLICT:
            # The other fields are another person's: they say nothing about the stored one.
            doubts = tuple(each for each in doubts if each.cause is CaseCause.STORED_PERSON_DIFFERS)
        if doubts:
            settled = await self._repairs.settled(tx, citizen.citizen_id, verification.facts_hash)
            doubts = tuple(each for each in doubts if (each.field, each.reason) not in settled)
        for each in doubts:
            await self._desk.open(
                tx,
                cause=each.cause,
                citizen_id=citizen.citizen_id,
                field=each.field,
                facility_code=facility_code,
                evidence={"reason": each.reason, "verification": verification.verification_id},
                now=now,
            )
        if old_number_owner:
            await self._desk.open(
                tx,
                cause=CaseCause.OLD_NUMBER_OF_OTHER_PERSON,
                citizen_id=citizen.citizen_id,
                other_citizen_id=old_number_owner,
                field="personal_number",
                facility_code=facility_code,
                evidence={"verification": verification.verification_id},
                now=now,
            )

    async def _close_cases(
        self,
        tx: Tx,
        *,
        before: Citizen,
        after: Citizen,
        card: CardFacts,
        earlier: Verification | None,
        now: datetime,
    ) -> None:
        """Close what a clean check answers: doubts about this very card, and about cards that it replaced.

        A clean check of another card of the same age answers nothing: two spellings of one number stay a doubt.
        """
        verification, was, facts = after.verification, before.demographics, after.demographics
        assert verification is not None, "cases come after the check"
        if was.text_quality is not TextQuality.GOOD and facts.text_quality is TextQuality.GOOD:
            for cause in (CaseCause.TEXT_DAMAGED, CaseCause.TEXT_WITHOUT_ACCENTS):
                await self._desk.close(
                    tx, cause=cause, citizen_id=after.citizen_id, resolution="CLEAN_CHECK", now=now
                )
        if not verification.outcome.is_confirmed or doubts_of(verification.fields, facts):
            return
        was_doubtful = earlier is not None and earlier.outcome is not Outcome.VERIFIED
        is_newer_card = facts is not was and card.issue_date > was.issue_date
        if was_doubtful or is_newer_card:
            await self._desk.close(
                tx, cause=None, citizen_id=after.citizen_id, resolution="CLEAN_CHECK", now=now
            )

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
            reading_id=reading_id,
        )
        await self._store.add_demographics(
            tx, citizen_id, facts, reading_id=reading_id, register_time=register_time, now=now
        )
        return facts

    async def _add_old_number(
        self, tx: Tx, citizen: Citizen, card: CardFacts, *, now: datetime
    ) -> tuple[Citizen, str]:
        """Link the card's former number, and give whom it leads to where that is somebody else.

        The law makes the QR the bridge between old and new. A former number of 12 digits is a cancelled one.
        Source: Decree 70/2024/NĐ-CP art. 12; nobody may ask the citizen for a paper confirmation.
        """
        number = card.old_number
        if not number:
            return citizen, ""
        kind = identifier_kind(number)
        is_cancelled = kind is IdentifierKind.CITIZEN_NUMBER
        held = next((each for each in citizen.identifiers if each.value == number), None)
        if held is not None:
            if not is_cancelled or held.end_time is not None:
                return citizen, ""
            ended = replace(held, end_time=now, end_reason=EndReason.CANCELLED)
            await self._store.note_identifier(tx, citizen.citizen_id, ended)
            rest = (each for each in citizen.identifiers if each is not held)
            return replace(citizen, identifiers=newest_first((ended, *rest)), update_time=now), ""
        # Claimed before it is looked up: under SERIALIZABLE a look-up of an absent key conflicts with every writer.
        if not await self._store.claim(tx, kind, number, citizen_id=citizen.citizen_id):
            owner = await self._store.find_owner(tx, kind, number)
            assert owner is not None, "a refused claim has an owner"
            if owner != citizen.citizen_id:
                return citizen, owner
        added = await self.add_number(tx, citizen.citizen_id, number, is_cancelled=is_cancelled, now=now)
        return replace(citizen, identifiers=newest_first((added, *citizen.identifiers)), update_time=now), ""

    async def _confirm(self, tx: Tx, citizen: Citizen, number: Identifier) -> Citizen:
        await self._store.raise_assurance(tx, citizen.citizen_id, number.identifier_id)
        confirmed = replace(number, assurance=Assurance.REGISTER_CHECKED)
        identifiers = tuple(confirmed if each is number else each for each in citizen.identifiers)
        return replace(citizen, identifiers=identifiers)
