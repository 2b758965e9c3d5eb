"""Answer who may act for whom, for this service's own verbs and for others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.db.tx import Work
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.authority import Action, Denial, ProxyCode, Question, Ruling, decide, denied
from identity_svc.domain.consent_errors import MomentInFuture
from identity_svc.domain.delegation_errors import (
    AccountNotLinked,
    ActorRequired,
    NotAllowedToAct,
    ProxyCodeNotFound,
)
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.store.account_store import AccountStore
from identity_svc.store.consent_store import ConsentStore
from identity_svc.store.delegation_store import DelegationStore
from identity_svc.store.store import IdentityStore

T = TypeVar("T")

_SERVICE_ALONE = frozenset({"SERVICE"})
_CITIZEN_ALONE = frozenset({"CITIZEN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """As much of a citizen as a ruling needs."""

    circle: tuple[str, ...]
    """Every id of the person, the one that counts first."""
    birth_date: str
    """FHIR date."""

    @property
    def citizen_id(self) -> str:
        """The id that counts."""
        return self.circle[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who is to act: one of the three, or none for a citizen who asks about themselves."""

    actor_id: str = ""
    account_subject: str = ""
    proxy_code: tuple[str, str] | None = None
    """(citizen id, code id)."""

    @property
    def is_told(self) -> bool:
        """Whether anybody is named."""
        return bool(self.actor_id or self.account_subject or self.proxy_code)


def is_citizen(caller: Caller) -> bool:
    """Whether the caller is a citizen and not staff who signed in as staff."""
    return caller.roles == _CITIZEN_ALONE


def is_service_alone(caller: Caller) -> bool:
    """Whether a service asks without a person: it is recorded where a person asked it, not here; see ReadCitizen."""
    return caller.roles == _SERVICE_ALONE


def moment_of(at_time: datetime | None, *, now: datetime) -> datetime:
    """The moment a question is about; now if it does not say.

    Raises:
        MomentInFuture: it has not come yet, and something may be revoked before.
    """
    if at_time is not None and at_time > now:
        raise MomentInFuture
    return at_time or now


class Authority:
    """The rule of domain.authority on what is stored."""

    def __init__(
        self,
        *,
        store: IdentityStore,
        consents: ConsentStore,
        delegations: DelegationStore,
        accounts: AccountStore,
    ) -> None:
        self._store = store
        self._consents = consents
        self._delegations = delegations
        self._accounts = accounts

    async def person(self, tx: Tx, citizen_id: str) -> Person:
        """The person behind an id, merged or not.

        Raises:
            CitizenNotFound: nobody has it.
        """
        circle = await self._consents.circle(tx, citizen_id)
        citizen = await self._store.read(tx, circle[0])
        if citizen is None:
            raise CitizenNotFound
        return Person(circle=circle, birth_date=citizen.demographics.birth_date)

    async def signed_in(self, tx: Tx, caller: Caller) -> str:
        """The citizen id of a caller with role CITIZEN.

        Raises:
            AccountNotLinked: the sign-in belongs to nobody.
        """
        owner = await self._accounts.owner(tx, caller.subject)
        if owner is None:
            raise AccountNotLinked
        return owner[0]

    async def rule(
        self,
        tx: Tx,
        person: Person,
        *,
        actor_id: str,
        action: Action,
        at: datetime,
        facility_code: str = "",
        code: ProxyCode | None = None,
    ) -> Ruling:
        """Whether somebody may act for a person; by a code, or as who they are with any code they brought."""
        actor_ids = frozenset(await self._consents.circle(tx, actor_id)) if actor_id else frozenset[str]()
        codes = [code] if code is not None else []
        if actor_ids:
            brought = await self._delegations.codes_of(tx, person.circle)
            codes += [each for each in brought if each.bearer_id in actor_ids]
        return decide(
            Question(
                citizen_ids=frozenset(person.circle),
                actor_ids=actor_ids,
                action=action,
                facility_code=facility_code,
                at_time=at,
            ),
            birth_date=person.birth_date,
            delegations=await self._delegations.of(tx, person.circle) if actor_ids else (),
            codes=codes,
        )

    async def require(
        self, tx: Tx, caller: Caller, citizen_id: str, *, action: Action, now: datetime
    ) -> tuple[Person, str, Ruling]:
        """The person, the acting citizen's id and the ruling for a caller with role CITIZEN.

        Raises:
            AccountNotLinked: the sign-in belongs to nobody.
            NotAllowedToAct: it may not, or there is no such person; the two look alike.
        """
        actor_id = await self.signed_in(tx, caller)
        try:
            person = await self.person(tx, citizen_id or actor_id)
        except CitizenNotFound:
            raise NotAllowedToAct from None
        ruling = await self.rule(tx, person, actor_id=actor_id, action=action, at=now)
        if not ruling.is_allowed and ruling.denial is not Denial.TOO_YOUNG:
            raise NotAllowedToAct
        return person, actor_id, ruling


class Guard:
    """Runs transactions for callers who may turn out not to be allowed, and keeps on record that they tried."""

    def __init__(self, *, db: Database, authority: Authority, clock: Clock) -> None:
        self._db = db
        self._authority = authority
        self._clock = clock

    async def write(self, work: Work[T], *, action: str, citizen_id: str, caller: Caller) -> T:
        """Run a transaction; where it raises NotAllowedToAct the try is noted in one of its own, then it is raised.

        Args:
            work: The transaction.
            action: What was tried, as the audit row of a success would call it.
            citizen_id: Whose data it is about; the person sees the try.
            caller: Who tried.
        """
        try:
            return await self._db.write(work)
        except NotAllowedToAct as refusal:
            trace_id, reason = current_trace_id(), refusal.reason

            async def note(tx: Tx) -> None:
                try:
                    subject = (await self._authority.person(tx, citizen_id)).citizen_id
                except CitizenNotFound:
                    subject = ""
                await audit.record(
                    tx,
                    action=action,
                    resource=f"citizens/{subject}" if subject else "citizens",
                    subject=subject,
                    caller=caller,
                    outcome=reason,
                    trace_id=trace_id,
                    now=self._clock.now(),
                )

            await self._db.write(note)
            raise


class CheckAuthority:
    """The verb CheckAuthority."""

    def __init__(
        self,
        *,
        db: Database,
        authority: Authority,
        delegations: DelegationStore,
        accounts: AccountStore,
        clock: Clock,
    ) -> None:
        self._db = db
        self._authority = authority
        self._delegations = delegations
        self._accounts = accounts
        self._clock = clock

    async def __call__(
        self,
        citizen_id: str,
        acting: Acting,
        *,
        action: Action,
        facility_code: str,
        at_time: datetime | None,
        caller: Caller,
    ) -> tuple[Ruling, datetime]:
        """The ruling, and the moment it is for.

        Raises:
            CitizenNotFound: nobody has the id, or the actor's; a citizen is told NO_RELATION instead.
            MomentInFuture, ActorRequired, ProxyCodeNotFound, AccountNotLinked, NotAllowedToAct.
        """
        now = self._clock.now()
        at = moment_of(at_time, now=now)
        if is_citizen(caller) and acting.is_told:
            raise NotAllowedToAct
        if not is_citizen(caller) and not acting.is_told:
            raise ActorRequired
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Ruling:
            ruling, subject = await self._rule(tx, citizen_id, acting, action, facility_code, at, caller)
            if not is_service_alone(caller):
                await audit.record(
                    tx,
                    action="check_authority",
                    resource=f"citizens/{subject}" if subject else "citizens",
                    subject=subject,
                    caller=caller,
                    outcome="ok" if ruling.denial is None else ruling.denial,
                    trace_id=trace_id,
                    now=now,
                )
            return ruling

        run = self._db.read if is_service_alone(caller) else self._db.write
        return await run(work), at

    async def _rule(  # noqa: PLR0917
        self,
        tx: Tx,
        citizen_id: str,
        acting: Acting,
        action: Action,
        facility_code: str,
        at: datetime,
        caller: Caller,
    ) -> tuple[Ruling, str]:
        """The ruling and whom it is about; "" for somebody a citizen may not even know of."""
        try:
            person = await self._authority.person(tx, citizen_id)
        except CitizenNotFound:
            if is_citizen(caller):
                return denied(Denial.NO_RELATION), ""
            raise
        actor_id, code = acting.actor_id, None
        if acting.proxy_code is not None:
            code = await self._delegations.read_code(tx, *acting.proxy_code)
            if code is None:
                raise ProxyCodeNotFound
        elif is_citizen(caller):
            actor_id = await self._authority.signed_in(tx, caller)
        elif acting.account_subject:
            owner = await self._accounts.owner(tx, acting.account_subject)
            if owner is None:
                return denied(Denial.ACCOUNT_NOT_LINKED), person.citizen_id
            actor_id = owner[0]
        ruling = await self._authority.rule(
            tx, person, actor_id=actor_id, action=action, at=at, facility_code=facility_code, code=code
        )
        return ruling, person.citizen_id
