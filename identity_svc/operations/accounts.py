"""Link a citizen's sign-in to the citizen: a short code from the app, told to a clerk beside a verified card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.ages import AgeRule, has_reached
from identity_svc.domain.delegation_errors import (
    AccountAlreadyLinked,
    AccountCodeUnknown,
    AccountNotFound,
    AccountOwnerTooYoung,
    CardNotVerified,
    TooManyAccounts,
)
from identity_svc.domain.errors import CitizenNotFound
from identity_svc.operations.authority import Authority, is_citizen
from identity_svc.store.account_store import Account, AccountStore, LinkRequest
from identity_svc.store.consent_store import ConsentStore
from identity_svc.store.store import IdentityStore

CODE_DIGITS = 8
CODE_LIFETIME = timedelta(minutes=10)
CARD_MAX_AGE = timedelta(days=30)
"""How old the register's confirmation of the card may be; a returning patient's check is reused as long."""
ACCOUNTS_MAX = 3
"""Sign-ins one citizen may have at a time; our choice."""
_DRAWS = 4
"""Codes drawn for one request: with a thousand waiting, four that are all taken come once in 10^20."""


class Accounts:
    """The verbs about accounts."""

    def __init__(
        self,
        *,
        db: Database,
        store: AccountStore,
        people: IdentityStore,
        circles: ConsentStore,
        authority: Authority,
        clock: Clock,
        ids: Ids,
        draw: Callable[[int], int],
    ) -> None:
        """Take what the verbs need.

        Args:
            draw: Gives a number from 0 to below its argument that nobody can guess.
        """
        self._db = db
        self._store = store
        self._people = people
        self._circles = circles
        self._authority = authority
        self._clock = clock
        self._ids = ids
        self._draw = draw

    async def request(self, *, key: RequestKey, caller: Caller) -> LinkRequest:
        """Give the signed-in person a code; an earlier one of theirs is forgotten.

        Raises:
            AccountAlreadyLinked: the sign-in belongs to a citizen.
            AccountCodeUnknown: a repeat, and its code is over.
        """
        codes = [f"{self._draw(10**CODE_DIGITS):0{CODE_DIGITS}}" for _ in range(_DRAWS)]
        trace_id = current_trace_id()

        async def work(tx: Tx) -> LinkRequest:
            now = self._clock.now()
            if (done := await recall(tx, key)) is not None:
                waiting = await self._store.waiting(tx, done, now=now)
                if waiting is None:
                    raise AccountCodeUnknown
                return waiting
            if await self._store.owner(tx, caller.subject) is not None:
                raise AccountAlreadyLinked
            for code in codes:
                request = LinkRequest(code=code, subject=caller.subject, expire_time=now + CODE_LIFETIME)
                if await self._store.offer(tx, request, now=now):
                    break
            else:
                raise AccountCodeUnknown
            await audit.record(
                tx,
                action="request_account_link",
                resource="accountLinks",
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=now,
            )
            await remember(tx, key, self._store.code_key(request.code))
            return request

        return await self._db.write(work)

    async def confirm(self, citizen_id: str, code: str, *, key: RequestKey, caller: Caller) -> Account:
        """Link the sign-in behind a code to the citizen at the desk.

        Raises:
            CitizenNotFound, AccountCodeUnknown, CardNotVerified, AccountAlreadyLinked, AccountOwnerTooYoung,
            TooManyAccounts.
        """
        trace_id = current_trace_id()
        code_key = self._store.code_key(code)

        async def work(tx: Tx) -> Account | None:
            if (done := await recall(tx, key, result="")) is not None:
                return await self._linked(tx, done)
            now = self._clock.now()
            owner_id = await self._owner(tx, citizen_id)
            waiting = await self._store.waiting(tx, code_key, now=now)
            account = None
            if waiting is not None:
                account = Account(
                    citizen_id=owner_id,
                    account_id=self._ids.new(),
                    subject=waiting.subject,
                    facility_code=caller.facility,
                    link_time=now,
                    unlink_time=None,
                )
                if not await self._store.link(tx, account, code_key=code_key, linked_by=caller.subject):
                    raise AccountAlreadyLinked
                await remember(tx, key, f"{owner_id}/{account.account_id}")
            await audit.record(
                tx,
                action="confirm_account_link",
                resource=f"citizens/{owner_id}" if account is None else account.name,
                subject=owner_id,
                caller=caller,
                outcome="ok" if account is not None else AccountCodeUnknown.reason,
                trace_id=trace_id,
                now=now,
            )
            return account

        # Raised outside, so that guessing codes leaves a trail.
        account = await self._db.write(work)
        if account is None:
            raise AccountCodeUnknown
        return account

    async def unlink(self, citizen_id: str, account_id: str, *, key: RequestKey, caller: Caller) -> Account:
        """Part a sign-in from its citizen; a citizen their own only.

        Raises:
            AccountNotFound, AccountNotLinked.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Account:
            name = f"{citizen_id}/{account_id}"
            if await recall(tx, key, result=name) is None:
                now = self._clock.now()
                account = await self._store.read(tx, citizen_id, account_id)
                if account is None or not await self._is_own(tx, account, caller):
                    raise AccountNotFound
                if account.unlink_time is None:
                    await self._store.unlink(tx, account, unlinked_by=caller.subject, now=now)
                    await audit.record(
                        tx,
                        action="unlink_account",
                        resource=account.name,
                        subject=account.citizen_id,
                        caller=caller,
                        outcome="ok",
                        trace_id=trace_id,
                        now=now,
                    )
            kept = await self._store.read(tx, citizen_id, account_id)
            assert kept is not None, "a remembered account is kept"
            return kept

        return await self._db.write(work)

    async def _owner(self, tx: Tx, citizen_id: str) -> str:
        """The id of the citizen at the desk, who may have an account (more)."""
        circle = await self._circles.circle(tx, citizen_id)
        citizen = await self._people.read_full(tx, circle[0])
        if citizen is None:
            raise CitizenNotFound
        now, check = self._clock.now(), citizen.verification
        if check is None or not check.outcome.is_confirmed or now - check.check_time > CARD_MAX_AGE:
            raise CardNotVerified
        if not has_reached(AgeRule.OWN_ACCOUNT, citizen.demographics.birth_date, at=now):
            raise AccountOwnerTooYoung
        linked = [each for each in await self._store.of(tx, circle) if each.unlink_time is None]
        if len(linked) >= ACCOUNTS_MAX:
            raise TooManyAccounts
        return circle[0]

    async def _is_own(self, tx: Tx, account: Account, caller: Caller) -> bool:
        if not is_citizen(caller):
            return True
        owner_id = await self._authority.signed_in(tx, caller)
        return account.citizen_id in await self._circles.circle(tx, owner_id)

    async def _linked(self, tx: Tx, name: str) -> Account | None:
        """The account an earlier run of the request made; None where its code was unknown."""
        return await self._store.read(tx, *name.split("/")) if name else None
