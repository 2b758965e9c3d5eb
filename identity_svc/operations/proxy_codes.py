"""Make, take and revoke signed codes with which somebody acts for a citizen at one visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis import audit
from chassis.clock import Clock
from chassis.db import Database, Tx
from chassis.errors import AppError
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.authority import ONE_VISIT, Action, ProxyCode
from identity_svc.domain.delegation_errors import (
    DelegationActionWrong,
    DelegationByMinor,
    NotAllowedToAct,
    ProxyCodeExpired,
    ProxyCodeForged,
    ProxyCodeNotFound,
    ProxyCodeOtherFacility,
    ProxyCodeRevoked,
    ProxyCodeUsed,
    ProxyExpiryWrong,
    TooManyProxyCodes,
)
from identity_svc.domain.proxy_code import (
    CODE_ID_BYTES,
    LIFETIME_H,
    LIFETIME_MAX_H,
    OPEN_CODES_MAX,
    CodeSigner,
)
from identity_svc.operations.authority import Authority, Guard, is_citizen
from identity_svc.store.delegation_store import DelegationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOrder:
    """A proxy code as it is asked for."""

    citizen_id: str
    actions: frozenset[Action]
    facility_code: str
    """The one that is to take it; empty for any."""
    lifetime_h: int
    """0 for the usual."""
    issuer_id: str
    """Guardian who asks for it at a desk; empty for the citizen."""


class ProxyCodes:
    """The verbs about proxy codes."""

    def __init__(
        self,
        *,
        db: Database,
        store: DelegationStore,
        authority: Authority,
        signer: CodeSigner,
        clock: Clock,
        randoms: Callable[[int], bytes],
    ) -> None:
        """Take what the verbs need.

        Args:
            randoms: Gives that many bytes nobody can guess.
        """
        self._db = db
        self._guard = Guard(db=db, authority=authority, clock=clock)
        self._store = store
        self._authority = authority
        self._signer = signer
        self._clock = clock
        self._randoms = randoms

    async def issue(self, order: CodeOrder, *, key: RequestKey, caller: Caller) -> tuple[ProxyCode, str]:
        """Make a code; the answer is its row and the text of its QR.

        Raises:
            CitizenNotFound, NotAllowedToAct, AccountNotLinked, DelegationByMinor: about the people.
            DelegationActionWrong, ProxyExpiryWrong, TooManyProxyCodes.
        """
        if not order.actions or not order.actions <= ONE_VISIT:
            raise DelegationActionWrong
        lifetime_h = order.lifetime_h or LIFETIME_H
        if not 1 <= lifetime_h <= LIFETIME_MAX_H:
            raise ProxyExpiryWrong
        code_id = self._randoms(CODE_ID_BYTES).hex()
        trace_id = current_trace_id()

        async def work(tx: Tx) -> ProxyCode:
            if (done := await recall(tx, key)) is not None:
                return await self._kept(tx, done)
            now = self._clock.now()
            citizen_id, issuer_id = await self._issuer(tx, order, caller, now)
            code = ProxyCode(
                citizen_id=citizen_id,
                code_id=code_id,
                actions=tuple(action for action in Action if action in order.actions),
                facility_code=order.facility_code,
                issuer_id=issuer_id,
                key_version=self._signer.key_version,
                issue_time=now,
                # The text of a code tells minutes.
                expire_time=now.replace(second=0, microsecond=0) + timedelta(hours=lifetime_h),
                redeem_time=None,
                redeemed_by="",
                redeemed_at_facility_code="",
                bearer_id="",
                visit_end_time=None,
                revoke_time=None,
            )
            await self._store.add_code(tx, code)
            await self._note(tx, "issue_proxy_code", code, caller, "ok", trace_id, now)
            await remember(tx, key, f"{citizen_id}/{code_id}")
            return code

        code = await self._guard.write(
            work, action="issue_proxy_code", citizen_id=order.citizen_id, caller=caller
        )
        text = self._signer.text_of(code.code_id, expire_time=code.expire_time, key_version=code.key_version)
        return code, text

    async def redeem(
        self, text: str, *, facility_code: str, bearer_id: str, key: RequestKey, caller: Caller
    ) -> ProxyCode:
        """Take a code at a desk; it is burnt with this, also when the request is repeated.

        Raises:
            ProxyCodeUnreadable, ProxyCodeForged: of the text.
            ProxyCodeUsed, ProxyCodeRevoked, ProxyCodeExpired, ProxyCodeOtherFacility: of the code.
            CitizenNotFound: of the bearer.
        """
        facts = self._signer.read(text)
        trace_id = current_trace_id()

        async def work(tx: Tx) -> ProxyCode | AppError:
            now = self._clock.now()
            code = await self._store.find_code(tx, facts.code_id)
            if code is None:
                return ProxyCodeForged()
            result = f"{code.citizen_id}/{code.code_id}"
            if (done := await recall(tx, key, result=result)) is not None:
                # A repeat gives what the first run gave, a refusal too: only the taker's own code is theirs.
                kept = await self._kept(tx, done)
                return kept if _was_taken_by(kept, key) else _refusal(kept, facility_code, now)
            bearer = (await self._authority.person(tx, bearer_id)).citizen_id if bearer_id else ""
            taken = await self._store.redeem(
                tx,
                code,
                redeemed_by=_taker(key),
                facility_code=facility_code,
                bearer_id=bearer,
                now=now,
            )
            refusal = None if taken else _refusal(code, facility_code, now)
            outcome = "ok" if refusal is None else refusal.reason
            await self._note(tx, "redeem_proxy_code", code, caller, outcome, trace_id, now)
            return await self._kept(tx, result) if refusal is None else refusal

        # Raised outside, so that a try that failed stays on record.
        answer = await self._db.write(work)
        if isinstance(answer, AppError):
            raise answer
        return answer

    async def revoke(self, citizen_id: str, code_id: str, *, key: RequestKey, caller: Caller) -> ProxyCode:
        """Make a code useless, and end what it allowed.

        Raises:
            ProxyCodeNotFound, NotAllowedToAct, AccountNotLinked.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> ProxyCode:
            if (done := await recall(tx, key)) is not None:
                return await self._kept(tx, done)
            now = self._clock.now()
            if is_citizen(caller):
                await self._authority.require(tx, caller, citizen_id, action=Action.DELEGATE, now=now)
            code = await self._store.read_code(tx, citizen_id, code_id)
            if code is None:
                raise ProxyCodeNotFound
            if code.revoke_time is None:
                await self._store.revoke_code(tx, code, now=now)
                await self._note(tx, "revoke_proxy_code", code, caller, "ok", trace_id, now)
            name = f"{citizen_id}/{code_id}"
            await remember(tx, key, name)
            return await self._kept(tx, name)

        return await self._guard.write(work, action="revoke_proxy_code", citizen_id=citizen_id, caller=caller)

    async def _issuer(self, tx: Tx, order: CodeOrder, caller: Caller, now: datetime) -> tuple[str, str]:
        """The ids of who is acted for and of who has the code made."""
        if is_citizen(caller):
            person, issuer_id, ruling = await self._authority.require(
                tx, caller, order.citizen_id, action=Action.DELEGATE, now=now
            )
        else:
            person = await self._authority.person(tx, order.citizen_id)
            issuer_id = person.citizen_id
            if order.issuer_id:
                issuer_id = (await self._authority.person(tx, order.issuer_id)).citizen_id
            ruling = await self._authority.rule(
                tx, person, actor_id=issuer_id, action=Action.DELEGATE, at=now
            )
        if not ruling.is_allowed:
            raise DelegationByMinor if issuer_id in person.circle else NotAllowedToAct
        codes = await self._store.codes_of(tx, person.circle)
        open_count = sum(
            each.redeem_time is None and each.revoke_time is None and each.expire_time > now for each in codes
        )
        if open_count >= OPEN_CODES_MAX:
            raise TooManyProxyCodes
        return person.citizen_id, issuer_id

    async def _kept(self, tx: Tx, name: str) -> ProxyCode:
        """The code an earlier run of the request made, took or revoked."""
        code = await self._store.read_code(tx, *name.split("/"))
        assert code is not None, "a remembered code is kept"
        return code

    async def _note(  # noqa: PLR0917
        self,
        tx: Tx,
        action: str,
        code: ProxyCode,
        caller: Caller,
        outcome: str,
        trace_id: str,
        now: datetime,
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=code.name,
            subject=code.citizen_id,
            caller=caller,
            outcome=outcome,
            trace_id=trace_id,
            now=now,
        )


def _taker(key: RequestKey) -> str:
    """Which request of whom took a code, so that its repeat is known from another try of the same clerk."""
    return f"{key.subject} {key.request_id}"


def _was_taken_by(code: ProxyCode, key: RequestKey) -> bool:
    return code.redeemed_by == _taker(key)


def _refusal(code: ProxyCode, facility_code: str, now: datetime) -> AppError:
    """Why a code cannot be taken."""
    if code.redeem_time is not None:
        return ProxyCodeUsed()
    if code.revoke_time is not None:
        return ProxyCodeRevoked()
    if code.expire_time <= now:
        return ProxyCodeExpired()
    if code.facility_code not in ("", facility_code):
        return ProxyCodeOtherFacility()
    return ProxyCodeUsed()
