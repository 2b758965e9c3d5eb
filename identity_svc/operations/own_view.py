"""What citizens see about themselves, or about somebody they may act for; each look is on record too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis import audit
from chassis.audit import AuditEntry
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.access_words import ActorKind, actor_kind
from identity_svc.domain.authority import Action, Ruling
from identity_svc.domain.consent import Consent
from identity_svc.domain.model import Citizen, Identifier, newest_first
from identity_svc.operations.authority import Authority, Guard, Person
from identity_svc.operations.delegation import BothSides, Delegations
from identity_svc.store.account_store import Account, AccountStore
from identity_svc.store.consent_store import ConsentStore, Link
from identity_svc.store.store import IdentityStore

AccessKey = tuple[datetime, str, int]
"""Time, chain and place of an audit row: what a page of accesses goes by."""


DONE = "ok"
"""Outcome of an audit row whose act was not refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MyView:
    """Who one is here."""

    citizen: Citizen
    identifiers: tuple[Identifier, ...]
    """Of every record that was merged into one, newest first."""
    links: Sequence[Link]
    both_sides: BothSides
    accounts: Sequence[Account]
    ruling: Ruling
    """In what capacity the caller looks."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One look or change."""

    entry: AuditEntry
    kind: ActorKind

    @property
    def key(self) -> AccessKey:
        """What the next page begins behind."""
        return self.entry.event_time, self.entry.writer_id, self.entry.seq


class OwnView:
    """The verbs of a citizen about themselves."""

    def __init__(
        self,
        *,
        db: Database,
        people: IdentityStore,
        consents: ConsentStore,
        accounts: AccountStore,
        authority: Authority,
        delegations: Delegations,
        clock: Clock,
    ) -> None:
        self._guard = Guard(db=db, authority=authority, clock=clock)
        self._people = people
        self._consents = consents
        self._accounts = accounts
        self._authority = authority
        self._delegations = delegations
        self._clock = clock

    async def view(self, citizen_id: str, *, caller: Caller) -> MyView:
        """Who a person is here; "" for the caller.

        Raises:
            AccountNotLinked, NotAllowedToAct.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> MyView:
            now = self._clock.now()
            person, ruling = await self._enter(tx, caller, citizen_id, "view_own_data", trace_id, now)
            citizen = await self._people.read_full(tx, person.citizen_id)
            assert citizen is not None, "a person was read before"
            numbers = {each.identifier_id: each for each in citizen.identifiers}
            for member_id in person.circle[1:]:
                member = await self._people.read(tx, member_id)
                if member is not None:
                    numbers |= {each.identifier_id: each for each in member.identifiers}
            return MyView(
                citizen=citizen,
                identifiers=newest_first(numbers.values()),
                links=await self._consents.links(tx, person.circle),
                both_sides=await self._delegations.of(tx, person),
                accounts=await self._accounts.of(tx, person.circle),
                ruling=ruling,
                now=now,
            )

        return await self._guard.write(work, action="view_own_data", citizen_id=citizen_id, caller=caller)

    async def consents(
        self, citizen_id: str, *, before: str, page_size: int, caller: Caller
    ) -> list[Consent]:
        """A page of a person's consents, newest first, behind the consent id `before`; raises as `view`."""
        trace_id = current_trace_id()

        async def work(tx: Tx) -> list[Consent]:
            person, _ = await self._enter(
                tx, caller, citizen_id, "view_own_consents", trace_id, self._clock.now()
            )
            return await self._consents.page(tx, person.circle, before=before, page_size=page_size)

        return await self._guard.write(work, action="view_own_consents", citizen_id=citizen_id, caller=caller)

    async def accesses(
        self, citizen_id: str, *, before: AccessKey | None, page_size: int, caller: Caller
    ) -> list[Access]:
        """A page of who looked at a person, newest first, behind the row `before`; raises as `view`.

        This look itself is written behind the page, so that the first page does not begin with it.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> list[Access]:
            now = self._clock.now()
            person, _, _ = await self._authority.require(
                tx, caller, citizen_id, action=Action.SEE_IDENTITY, now=now
            )
            entries = [
                entry
                for subject in person.circle
                for entry in await audit.entries_of(tx, subject=subject, before=before, page_size=page_size)
            ]
            entries.sort(key=lambda entry: (entry.event_time, entry.writer_id, entry.seq), reverse=True)
            own = {account.subject for account in await self._accounts.of(tx, person.circle)}
            await self._note(tx, caller, person, "view_own_accesses", trace_id, now)
            return [
                Access(
                    entry=entry,
                    kind=actor_kind(
                        roles=entry.roles,
                        is_reader=entry.actor == caller.subject,
                        is_person=entry.actor in own,
                        done=entry.outcome == DONE,
                    ),
                )
                for entry in entries[:page_size]
            ]

        return await self._guard.write(work, action="view_own_accesses", citizen_id=citizen_id, caller=caller)

    async def _enter(  # noqa: PLR0917
        self, tx: Tx, caller: Caller, citizen_id: str, action: str, trace_id: str, now: datetime
    ) -> tuple[Person, Ruling]:
        """Whose data it is and in what capacity the caller looks, once that is on record."""
        person, _, ruling = await self._authority.require(
            tx, caller, citizen_id, action=Action.SEE_IDENTITY, now=now
        )
        await self._note(tx, caller, person, action, trace_id, now)
        return person, ruling

    async def _note(  # noqa: PLR0917
        self, tx: Tx, caller: Caller, person: Person, action: str, trace_id: str, now: datetime
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{person.citizen_id}",
            subject=person.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=trace_id,
            now=now,
        )
