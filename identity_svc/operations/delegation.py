"""Let one citizen act for another, end that, and list it from both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.ages import AgeRule, has_reached
from identity_svc.domain.authority import (
    DELEGABLE,
    EVERY_ACTION,
    Action,
    Delegation,
    EvidenceKind,
    Kind,
    ProxyCode,
    Relationship,
    end_of,
)
from identity_svc.domain.consent import evidence_reference_of
from identity_svc.domain.consent_errors import EvidenceRequired
from identity_svc.domain.delegation_errors import (
    DelegationActionWrong,
    DelegationByMinor,
    DelegationExists,
    DelegationExpiryWrong,
    DelegationNotFound,
    DelegationToSelf,
    GuardianOfAdult,
    NotAllowedToAct,
    RepresentativeNotAdult,
    TooManyDelegations,
)
from identity_svc.operations.authority import Authority, Guard, Person, is_citizen
from identity_svc.store.delegation_store import DELEGATIONS_MAX, DelegationStore

DELEGATE_MAX = timedelta(days=5 * 366)
"""The longest a chosen delegate may act; our choice, so that nobody is forgotten for life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationOrder:
    """A delegation as it is asked to be recorded."""

    citizen_id: str
    kind: Kind
    representative_id: str
    relationship: Relationship
    actions: frozenset[Action]
    evidence_kind: EvidenceKind | None
    evidence_reference: str
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A delegation with the moment at which it ends by itself, birthdays included."""

    delegation: Delegation
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """Everything about one citizen's delegations, newest first."""

    citizen_id: str
    delegations: Sequence[Dated]
    """Who may or might act for the citizen."""
    representations: Sequence[Dated]
    """For whom the citizen may or might act."""
    proxy_codes: Sequence[ProxyCode]


class Delegations:
    """The verbs about delegations."""

    def __init__(
        self, *, db: Database, store: DelegationStore, authority: Authority, clock: Clock, ids: Ids
    ) -> None:
        self._db = db
        self._guard = Guard(db=db, authority=authority, clock=clock)
        self._store = store
        self._authority = authority
        self._clock = clock
        self._ids = ids

    async def add(self, order: DelegationOrder, *, key: RequestKey, caller: Caller) -> Dated:
        """Record a delegation.

        Raises:
            CitizenNotFound, NotAllowedToAct, AccountNotLinked: about the people.
            EvidenceRequired, EvidenceMalformed, DelegationActionWrong, DelegationExpiryWrong, DelegationToSelf.
            GuardianOfAdult, DelegationByMinor, RepresentativeNotAdult, DelegationExists, TooManyDelegations.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Dated:
            if (done := await recall(tx, key)) is not None:
                return await self._kept(tx, done)
            now = self._clock.now()
            person = await self._chooser(tx, order, caller, now)
            representative = await self._authority.person(tx, order.representative_id)
            _check_order(order, now, by_citizen=is_citizen(caller))
            _check_people(order, person, representative, now)
            await self._check_standing(tx, order, person, representative, now)
            delegation = Delegation(
                citizen_id=person.citizen_id,
                delegation_id=self._ids.new(),
                kind=order.kind,
                representative_id=representative.citizen_id,
                relationship=order.relationship,
                actions=EVERY_ACTION
                if order.kind is Kind.GUARDIAN
                else tuple(action for action in Action if action in order.actions),
                evidence_kind=order.evidence_kind or EvidenceKind.OWN_ACCOUNT,
                evidence_reference=order.evidence_reference,
                recorded_by=caller.subject,
                recorded_at_facility_code=caller.facility,
                start_time=now,
                end_time=order.end_time,
                revoke_time=None,
                revoked_by="",
            )
            await self._store.add(tx, delegation)
            await self._note(tx, "add_delegation", delegation, caller, trace_id, now)
            await remember(tx, key, f"{delegation.citizen_id}/{delegation.delegation_id}")
            return Dated(delegation=delegation, end_time=end_of(delegation, person.birth_date))

        return await self._guard.write(
            work, action="add_delegation", citizen_id=order.citizen_id, caller=caller
        )

    async def revoke(self, citizen_id: str, delegation_id: str, *, key: RequestKey, caller: Caller) -> Dated:
        """End a delegation now, with the open codes its representative had made.

        Raises:
            DelegationNotFound: there is none, or it is nothing of the citizen who asks.
            AccountNotLinked.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Dated:
            if (done := await recall(tx, key)) is not None:
                return await self._kept(tx, done)
            now = self._clock.now()
            delegation = await self._store.read(tx, citizen_id, delegation_id)
            if delegation is None or not await self._may_end(tx, delegation, caller, now):
                raise DelegationNotFound
            if delegation.revoke_time is None:
                await self._store.revoke(tx, delegation, revoked_by=caller.subject, now=now)
                await self._note(tx, "revoke_delegation", delegation, caller, trace_id, now)
            name = f"{citizen_id}/{delegation_id}"
            await remember(tx, key, name)
            return await self._kept(tx, name)

        return await self._db.write(work)

    async def both_sides(self, citizen_id: str, *, caller: Caller) -> BothSides:
        """Everything about a citizen's delegations.

        Raises:
            CitizenNotFound, NotAllowedToAct, AccountNotLinked.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> BothSides:
            now = self._clock.now()
            if is_citizen(caller):
                person, _, _ = await self._authority.require(
                    tx, caller, citizen_id, action=Action.SEE_IDENTITY, now=now
                )
            else:
                person = await self._authority.person(tx, citizen_id)
            await audit.record(
                tx,
                action="list_delegations",
                resource=f"citizens/{person.citizen_id}/delegations",
                subject=person.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=now,
            )
            return await self.of(tx, person)

        return await self._guard.write(work, action="list_delegations", citizen_id=citizen_id, caller=caller)

    async def of(self, tx: Tx, person: Person) -> BothSides:
        """The same inside a transaction whose caller was checked and noted."""
        delegations = [
            Dated(delegation=each, end_time=end_of(each, person.birth_date))
            for each in await self._store.of(tx, person.circle)
        ]
        representations = []
        for each in await self._store.to(tx, person.circle):
            represented = await self._authority.person(tx, each.citizen_id)
            representations.append(Dated(delegation=each, end_time=end_of(each, represented.birth_date)))
        return BothSides(
            citizen_id=person.citizen_id,
            delegations=delegations,
            representations=representations,
            proxy_codes=await self._store.codes_of(tx, person.circle),
        )

    async def _chooser(self, tx: Tx, order: DelegationOrder, caller: Caller, now: datetime) -> Person:
        """Whom the delegation is for; a citizen chooses a delegate for themselves alone."""
        if not is_citizen(caller):
            return await self._authority.person(tx, order.citizen_id)
        person, actor_id, _ = await self._authority.require(
            tx, caller, order.citizen_id, action=Action.DELEGATE, now=now
        )
        # A guardian is recorded at a desk, where somebody reads the paper.
        if actor_id not in person.circle or order.kind is Kind.GUARDIAN:
            raise NotAllowedToAct
        return person

    async def _check_standing(
        self, tx: Tx, order: DelegationOrder, person: Person, representative: Person, now: datetime
    ) -> None:
        standing = [
            each
            for each in await self._store.of(tx, person.circle)
            if each.revoke_time is None and not _is_over(each, person.birth_date, now)
        ]
        if any(
            each.kind is order.kind and each.representative_id in representative.circle for each in standing
        ):
            raise DelegationExists
        held = [each for each in await self._store.to(tx, representative.circle) if each.revoke_time is None]
        if len(standing) >= DELEGATIONS_MAX or len(held) >= DELEGATIONS_MAX:
            raise TooManyDelegations

    async def _may_end(self, tx: Tx, delegation: Delegation, caller: Caller, now: datetime) -> bool:
        """Either side may, and a guardian for their child; staff may for the person before them."""
        if not is_citizen(caller):
            return True
        actor_id = await self._authority.signed_in(tx, caller)
        representative = await self._authority.person(tx, delegation.representative_id)
        if actor_id in representative.circle:
            return True
        person = await self._authority.person(tx, delegation.citizen_id)
        ruling = await self._authority.rule(tx, person, actor_id=actor_id, action=Action.DELEGATE, at=now)
        return ruling.is_allowed

    async def _kept(self, tx: Tx, name: str) -> Dated:
        """The delegation an earlier run of the request made or ended."""
        delegation = await self._store.read(tx, *name.split("/"))
        assert delegation is not None, "a remembered delegation is kept"
        person = await self._authority.person(tx, delegation.citizen_id)
        return Dated(delegation=delegation, end_time=end_of(delegation, person.birth_date))

    async def _note(  # noqa: PLR0917
        self, tx: Tx, action: str, delegation: Delegation, caller: Caller, trace_id: str, now: datetime
    ) -> None:
        """Keep it on both sides' record."""
        for subject in (delegation.citizen_id, delegation.representative_id):
            await audit.record(
                tx,
                action=action,
                resource=delegation.name,
                subject=subject,
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=now,
            )


def _is_over(delegation: Delegation, birth_date: str, now: datetime) -> bool:
    end = end_of(delegation, birth_date)
    return end is not None and end <= now


def _check_order(order: DelegationOrder, now: datetime, *, by_citizen: bool) -> None:
    """Whether an order is sound in itself."""
    evidence_reference_of(order.evidence_reference)
    if order.evidence_kind is None and not by_citizen:
        raise EvidenceRequired
    if order.kind is Kind.GUARDIAN:
        if order.actions:
            raise DelegationActionWrong
    elif not order.actions or not order.actions <= DELEGABLE:
        raise DelegationActionWrong
    if order.end_time is not None and order.end_time <= now:
        raise DelegationExpiryWrong
    if order.kind is Kind.DELEGATE and (order.end_time is None or order.end_time > now + DELEGATE_MAX):
        raise DelegationExpiryWrong


def _check_people(order: DelegationOrder, person: Person, representative: Person, now: datetime) -> None:
    """Whether these two may be what the order says; the ages' sources stand in data/age_rules.csv."""
    if representative.citizen_id in person.circle:
        raise DelegationToSelf
    if not has_reached(AgeRule.OF_AGE, representative.birth_date, at=now):
        raise RepresentativeNotAdult
    is_of_age = has_reached(AgeRule.OF_AGE, person.birth_date, at=now)
    if order.kind is Kind.DELEGATE and not is_of_age:
        raise DelegationByMinor
    if (
        order.kind is Kind.GUARDIAN
        and is_of_age
        and order.evidence_kind is not EvidenceKind.INCAPACITY_DECISION
    ):
        raise GuardianOfAdult
