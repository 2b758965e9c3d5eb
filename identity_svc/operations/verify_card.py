"""Verify a citizen card: find or create the citizen, ask the register, keep the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, peek, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.merging import is_same_person, number_of_another
from identity_svc.domain.model import CardFacts, Citizen, IdentifierKind, Outcome, Verification, newest_first
from identity_svc.operations.register_check import Check, ask_register
from identity_svc.operations.settle import Settlement, Verified, identifier_kind
from identity_svc.ports import RegisterPort
from identity_svc.store.store import IdentityStore


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was known of a card before the register was asked."""

    citizen_id: str = ""
    """Whom the citizen number points at, or empty."""
    same_facts: Verification | None = None
    """The newest check of exactly these facts."""


class _Arrival(Enum):
    """How the citizen of a card came to be in the transaction that settles it."""

    KNOWN = auto()
    """The number led here before."""
    RENUMBERED = auto()
    """The old number led here; the new one does now."""
    CREATED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """One call with all that its transaction needs."""

    card: CardFacts
    facility_code: str
    key: RequestKey
    caller: Caller
    known: _Known
    trace_id: str


class VerifyCard:
    """The verb VerifyCard."""

    def __init__(
        self,
        *,
        db: Database,
        store: IdentityStore,
        settlement: Settlement,
        register: RegisterPort,
        clock: Clock,
        ids: Ids,
        check_max_age: timedelta,
    ) -> None:
        """Take what the verb needs.

        Args:
            check_max_age: How long a confirmed check of the same card facts answers instead of the register.
        """
        self._db = db
        self._store = store
        self._register = register
        self._clock = clock
        self._ids = ids
        self._check_max_age = check_max_age
        self._settlement = settlement

    async def __call__(
        self, card: CardFacts, *, facility_code: str, key: RequestKey, caller: Caller
    ) -> Verified:
        """Verify a card; a repeat of the same key gives the same answer.

        Who came before with the same card is answered in one transaction. Otherwise the register is asked between
        two and never inside one; what the first saw may be outdated by then, so the second decides anew.
        """
        scan = _Scan(
            card=card,
            facility_code=facility_code,
            key=key,
            caller=caller,
            known=_Known(),
            trace_id=current_trace_id(),
        )
        found = await self._db.write(lambda tx: self._answer_known(tx, scan))
        if isinstance(found, Verified):
            return found
        scan = replace(scan, known=found)
        check = await ask_register(self._register, card, self._clock)
        return await self._db.write(lambda tx: self._settle(tx, scan, check))

    async def _answer_known(self, tx: Tx, scan: _Scan) -> Verified | _Known:
        """The answer of an earlier run or of a check that is fresh enough; else what is known of the card."""
        known, citizen = await self._look_up(tx, scan.card)
        if citizen is not None and known.same_facts is not None and self._is_fresh(known.same_facts):
            answer = Verified(citizen=citizen, verification=known.same_facts, created=False)
            return await self._answer_again(tx, scan, answer)
        if (done := await peek(tx, scan.key)) is not None:
            return await self._replay(tx, done)
        return known

    async def _look_up(self, tx: Tx, card: CardFacts) -> tuple[_Known, Citizen | None]:
        """What is known of a card, and whom its number leads to: of linked records the survivor.

        The survivor is answered with its own numbers alone, not with those of records linked into it: that union is one
        more query on the path of every check-in, and no leg of it needs them. GetCitizen and ListIdentifiers give it.
        """
        citizen = await self._store.find(tx, IdentifierKind.CITIZEN_NUMBER, card.citizen_number)
        if citizen is not None:
            same_facts = await self._store.verification_of_facts(tx, citizen, self._store.facts_hash(card))
            return _Known(citizen_id=citizen.citizen_id, same_facts=same_facts), citizen
        return _Known(), None

    def _is_fresh(self, check: Verification) -> bool:
        return check.outcome.is_confirmed and self._clock.now() - check.check_time < self._check_max_age

    async def _answer_again(self, tx: Tx, scan: _Scan, answer: Verified) -> Verified:
        if (done := await recall(tx, scan.key, result=_result_of(answer))) is not None:
            return await self._replay(tx, done)
        await self._note(tx, scan, answer)
        return answer

    async def _settle(self, tx: Tx, scan: _Scan, check: Check) -> Verified:
        if (done := await recall(tx, scan.key)) is not None:
            return await self._replay(tx, done)
        store, card, now = self._store, scan.card, self._clock.now()
        reading_id = self._ids.new()
        citizen, arrival = await self._find_or_register(tx, scan, reading_id, outcome=check.outcome)
        earlier = scan.known.same_facts if citizen.citizen_id == scan.known.citizen_id else None
        if earlier is not None:
            reading_id = earlier.reading_id
        else:
            await store.add_reading(
                tx, citizen.citizen_id, reading_id, card, facility_code=scan.facility_code, now=now
            )
        citizen, verification = await self._settlement.apply(
            tx,
            citizen,
            card,
            check,
            reading_id=reading_id,
            facility_code=scan.facility_code,
            is_new=arrival is not _Arrival.KNOWN,
            earlier=earlier,
            now=now,
        )
        await self._settlement.keep(tx, verification, earlier=earlier, now=now)
        answer = Verified(citizen=citizen, verification=verification, created=arrival is _Arrival.CREATED)
        await self._note(tx, scan, answer)
        await remember(tx, scan.key, _result_of(answer))
        return answer

    async def _find_or_register(
        self, tx: Tx, scan: _Scan, reading_id: str, *, outcome: Outcome
    ) -> tuple[Citizen, _Arrival]:
        """Find the citizen, or register one; of many calls at one instant exactly one registers.

        The claim of the look-up row decides, in the database; what the read saw before only saves work.
        """
        card, now = scan.card, self._clock.now()
        if scan.known.citizen_id:
            return await self._of_owner(tx, scan, scan.known.citizen_id, reading_id, outcome=outcome)
        citizen_id, kind = self._ids.new(), IdentifierKind.CITIZEN_NUMBER
        if not await self._store.claim(tx, kind, card.citizen_number, citizen_id=citizen_id):
            owner = await self._store.find_owner(tx, kind, card.citizen_number)
            assert owner is not None, "a refused claim has an owner"
            return await self._of_owner(tx, scan, owner, reading_id, outcome=outcome)
        former = await self._former(tx, card, citizen_id)
        if former is None:
            registered = await self._settlement.register(tx, citizen_id, card, reading_id=reading_id, now=now)
            return registered, _Arrival.CREATED
        await self._store.move(tx, kind, card.citizen_number, citizen_id=former.citizen_id)
        number = await self._settlement.add_number(tx, former.citizen_id, card.citizen_number, now=now)
        identifiers = newest_first((number, *former.identifiers))
        return replace(former, identifiers=identifiers, update_time=now), _Arrival.RENUMBERED

    async def _of_owner(
        self, tx: Tx, scan: _Scan, owner: str, reading_id: str, *, outcome: Outcome
    ) -> tuple[Citizen, _Arrival]:
        """Whom the number leads to; where it was only typed for them and the card shows somebody else, that person."""
        card, now = scan.card, self._clock.now()
        holder = await self._existing(tx, owner)
        number = number_of_another(card, holder, outcome=outcome)
        if number is None:
            return holder, _Arrival.KNOWN
        # Another call may have handed the number over, or a steward ended it, since this one looked it up.
        owner_now = await self._store.find_owner(tx, number.kind, number.value)
        if owner_now is None:
            return await self._find_or_register(
                tx, replace(scan, known=_Known()), reading_id, outcome=outcome
            )
        if owner_now != owner:
            return await self._existing(tx, owner_now), _Arrival.KNOWN
        citizen_id = self._ids.new()
        await self._settlement.hand_over(
            tx, holder, number, to=citizen_id, facility_code=scan.facility_code, now=now
        )
        registered = await self._settlement.register(tx, citizen_id, card, reading_id=reading_id, now=now)
        return registered, _Arrival.CREATED

    async def _former(self, tx: Tx, card: CardFacts, citizen_id: str) -> Citizen | None:
        """Whom the card's old number leads to, where that is the person on the card; else it is claimed for the new."""
        if not card.old_number:
            return None
        kind = identifier_kind(card.old_number)
        # Claimed before it is looked up: under SERIALIZABLE a look-up of an absent key conflicts with every writer.
        if await self._store.claim(tx, kind, card.old_number, citizen_id=citizen_id):
            return None
        owner = await self._store.find_owner(tx, kind, card.old_number)
        assert owner is not None, "a refused claim has an owner"
        former = await self._existing(tx, owner)
        return former if is_same_person(card, former.demographics) else None

    async def _existing(self, tx: Tx, citizen_id: str) -> Citizen:
        citizen = await self._store.read(tx, citizen_id)
        assert citizen is not None, "a look-up points at a citizen"
        return citizen

    async def _note(self, tx: Tx, scan: _Scan, answer: Verified) -> None:
        """Keep who saw whom."""
        citizen_id = answer.citizen.citizen_id
        await audit.record(
            tx,
            action="register_citizen" if answer.created else "verify_card",
            resource=f"citizens/{citizen_id}/verifications/{answer.verification.verification_id}",
            subject=citizen_id,
            caller=scan.caller,
            outcome="ok",
            trace_id=scan.trace_id,
            now=self._clock.now(),
        )

    async def _replay(self, tx: Tx, result: str) -> Verified:
        """Give the answer of an earlier run of the same request."""
        citizen_id, verification_id, created = result.split("/")
        citizen = await self._existing(tx, citizen_id)
        verification = await self._store.verification(tx, citizen_id, verification_id)
        assert verification is not None, "a remembered check is kept"
        return Verified(
            citizen=replace(citizen, verification=verification),
            verification=verification,
            created=created == "1",
        )


def _result_of(answer: Verified) -> str:
    """What is kept of an answer for a repeat of the request."""
    verification = answer.verification
    return f"{verification.citizen_id}/{verification.verification_id}/{int(answer.created)}"
