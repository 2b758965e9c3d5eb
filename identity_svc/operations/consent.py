"""Give, withdraw, list and check consents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis import audit
from chassis.clock import Clock, Ids
from chassis.db import Database, Tx
from chassis.idempotency import RequestKey, recall, remember
from chassis.rpc.context import Caller
from chassis.telemetry import current_trace_id
from identity_svc.domain.ages import AgeRule, has_reached
from identity_svc.domain.authority import Action, Basis, Denial
from identity_svc.domain.consent import (
    Channel,
    Consent,
    ConsentAnswer,
    ConsentQuestion,
    evidence_reference_of,
    expiry_of,
    judge_consent,
)
from identity_svc.domain.consent_errors import (
    ChannelWrong,
    ConsentNeedsGuardian,
    ConsentNotAskedFor,
    ConsentNotFound,
    EvidenceRequired,
    MinorAgreementRequired,
    ScopeRequired,
    TextDiffers,
    TextNotInForce,
    TextUnknown,
)
from identity_svc.domain.consent_texts import ConsentText, ConsentTexts, Purpose, Scope, purpose_rule
from identity_svc.domain.delegation_errors import NotAllowedToAct
from identity_svc.domain.model import VIETNAM
from identity_svc.domain.tables import is_in_force
from identity_svc.operations.authority import (
    Authority,
    Guard,
    Person,
    is_citizen,
    is_service_alone,
    moment_of,
)
from identity_svc.store.consent_store import ConsentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentOrder:
    """A consent as it is asked to be recorded."""

    citizen_id: str
    purpose: Purpose
    scopes: frozenset[Scope]
    facility_code: str
    text_id: str
    text_version: int
    text_language: str
    text_hash: str
    channel: Channel
    giver_id: str
    """Empty for the citizen."""
    minor_agreed: bool
    evidence_reference: str
    expire_time: datetime | None


class Consents:
    """The verbs about consents."""

    def __init__(
        self,
        *,
        db: Database,
        store: ConsentStore,
        authority: Authority,
        texts: ConsentTexts,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._db = db
        self._guard = Guard(db=db, authority=authority, clock=clock)
        self._store = store
        self._authority = authority
        self._texts = texts
        self._clock = clock
        self._ids = ids

    def shown_texts(self, *, purpose: Purpose | None, language: str) -> list[ConsentText]:
        """The texts that may be shown today."""
        today = self._clock.now().astimezone(VIETNAM).date()
        return self._texts.shown(on=today, purpose=purpose, language=language)

    async def give(self, order: ConsentOrder, *, key: RequestKey, caller: Caller) -> Consent:
        """Record a consent; one that stands for the same purpose and facility is replaced by it.

        Raises:
            CitizenNotFound, NotAllowedToAct, AccountNotLinked: about the people.
            ChannelWrong, EvidenceRequired, EvidenceMalformed: about how it was told.
            ConsentNotAskedFor, ScopeRequired, TextUnknown, TextDiffers, TextNotInForce, ConsentExpiryWrong: about what.
            ConsentNeedsGuardian, MinorAgreementRequired: about age.
        """
        _check_channel(order.channel, caller)
        evidence_reference_of(order.evidence_reference)
        if order.channel.needs_evidence and not order.evidence_reference:
            raise EvidenceRequired
        trace_id = current_trace_id()

        async def work(tx: Tx) -> Consent:
            if (done := await recall(tx, key)) is not None:
                return await self._kept(tx, done)
            now = self._clock.now()
            text = self._text_of(order, now)
            person, giver_id, basis = await self._giver(tx, order, caller, now)
            _check_age(order, person, basis, now)
            consent = Consent(
                citizen_id=person.citizen_id,
                consent_id=self._ids.new(),
                purpose=order.purpose,
                scopes=tuple(scope for scope in Scope if scope in order.scopes),
                facility_code=order.facility_code,
                text_id=order.text_id,
                text_version=order.text_version,
                text_language=order.text_language,
                text_hash=text.content_hash,
                channel=order.channel,
                given_as=basis,
                giver_id=giver_id,
                minor_agreed=order.minor_agreed,
                evidence_reference=order.evidence_reference,
                recorded_by=caller.subject,
                recorded_at_facility_code=caller.facility,
                grant_time=now,
                expire_time=expiry_of(order.expire_time, lasting_days=text.lasting_days, now=now),
                withdraw_time=None,
                withdraw_channel=None,
                withdrawn_by="",
                is_replaced=False,
            )
            for earlier in await self._store.of_purpose(tx, person.circle, order.purpose):
                if earlier.withdraw_time is None and earlier.facility_code == order.facility_code:
                    await self._store.end(tx, earlier, channel=None, ended_by=caller.subject, now=now)
            await self._store.add(tx, consent)
            await self._note(tx, "give_consent", consent, caller, trace_id, now)
            await remember(tx, key, f"{consent.citizen_id}/{consent.consent_id}")
            return consent

        return await self._guard.write(
            work, action="give_consent", citizen_id=order.citizen_id, caller=caller
        )

    async def withdraw(
        self,
        citizen_id: str,
        consent_id: str,
        *,
        channel: Channel,
        whole_purpose: bool,
        key: RequestKey,
        caller: Caller,
    ) -> list[Consent]:
        """End a consent, or every standing one of its purpose; the named one is first in the answer.

        Raises:
            ConsentNotFound, ChannelWrong, NotAllowedToAct, AccountNotLinked.
        """
        _check_channel(channel, caller)
        trace_id = current_trace_id()

        async def work(tx: Tx) -> list[Consent]:
            if (done := await recall(tx, key)) is not None:
                return [await self._kept(tx, each) for each in done.split(",")]
            now = self._clock.now()
            if is_citizen(caller):
                person, _, ruling = await self._authority.require(
                    tx, caller, citizen_id, action=Action.GIVE_CONSENT, now=now
                )
                _require_allowed(ruling.denial)
            else:
                person = await self._authority.person(tx, citizen_id)
            named = await self._store.read(tx, citizen_id, consent_id)
            if named is None:
                raise ConsentNotFound
            ended = [named]
            if whole_purpose:
                same = await self._store.of_purpose(tx, person.circle, named.purpose)
                ended += [each for each in same if each.withdraw_time is None and each != named]
            for each in ended:
                if each.withdraw_time is None:
                    await self._store.end(tx, each, channel=channel, ended_by=caller.subject, now=now)
                    await self._note(tx, "withdraw_consent", each, caller, trace_id, now)
            names = [f"{each.citizen_id}/{each.consent_id}" for each in ended]
            await remember(tx, key, ",".join(names))
            return [await self._kept(tx, name) for name in names]

        return await self._guard.write(work, action="withdraw_consent", citizen_id=citizen_id, caller=caller)

    async def page(self, citizen_id: str, *, before: str, page_size: int, caller: Caller) -> list[Consent]:
        """A page of a citizen's consents, newest first, behind the consent id `before`.

        Raises:
            CitizenNotFound, NotAllowedToAct, AccountNotLinked.
        """
        trace_id = current_trace_id()

        async def work(tx: Tx) -> list[Consent]:
            now = self._clock.now()
            if is_citizen(caller):
                person, _, _ = await self._authority.require(
                    tx, caller, citizen_id, action=Action.SEE_IDENTITY, now=now
                )
            else:
                person = await self._authority.person(tx, citizen_id)
            found = await self._store.page(tx, person.circle, before=before, page_size=page_size)
            await audit.record(
                tx,
                action="list_consents",
                resource=f"citizens/{person.citizen_id}/consents",
                subject=person.citizen_id,
                caller=caller,
                outcome="ok",
                trace_id=trace_id,
                now=now,
            )
            return found

        return await self._guard.write(work, action="list_consents", citizen_id=citizen_id, caller=caller)

    async def check(
        self,
        citizen_id: str,
        *,
        purpose: Purpose,
        scopes: frozenset[Scope],
        facility_code: str,
        at_time: datetime | None,
        caller: Caller,
    ) -> tuple[ConsentAnswer, datetime]:
        """Whether a use of data is or was permitted, and the moment the answer is for.

        Raises:
            CitizenNotFound, MomentInFuture.
        """
        now = self._clock.now()
        at = moment_of(at_time, now=now)
        trace_id = current_trace_id()
        question = ConsentQuestion(purpose=purpose, scopes=scopes, facility_code=facility_code, at_time=at)

        async def work(tx: Tx) -> ConsentAnswer:
            person = await self._authority.person(tx, citizen_id)
            found = judge_consent(question, await self._store.of_purpose(tx, person.circle, purpose))
            if not is_service_alone(caller):
                await audit.record(
                    tx,
                    action="check_consent",
                    resource=f"citizens/{person.citizen_id}/consents",
                    subject=person.citizen_id,
                    caller=caller,
                    outcome="ok" if found.refusal is None else found.refusal,
                    trace_id=trace_id,
                    now=now,
                )
            return found

        run = self._db.read if is_service_alone(caller) else self._db.write
        return await run(work), at

    def _text_of(self, order: ConsentOrder, now: datetime) -> ConsentText:
        today = now.astimezone(VIETNAM).date()
        if purpose_rule(order.purpose, on=today).is_by_law:
            raise ConsentNotAskedFor
        if not order.scopes:
            raise ScopeRequired
        text = self._texts.find(order.text_id, version=order.text_version, language=order.text_language)
        if text is None or text.purpose is not order.purpose or not order.scopes <= set(text.scopes):
            raise TextUnknown
        if order.text_hash.lower() != text.content_hash:
            raise TextDiffers
        if not is_in_force(text, on=today):
            raise TextNotInForce
        return text

    async def _giver(
        self, tx: Tx, order: ConsentOrder, caller: Caller, now: datetime
    ) -> tuple[Person, str, Basis]:
        """Whose data it is, who gives the consent, and in what capacity."""
        if is_citizen(caller):
            person, giver_id, ruling = await self._authority.require(
                tx, caller, order.citizen_id, action=Action.GIVE_CONSENT, now=now
            )
        else:
            person = await self._authority.person(tx, order.citizen_id)
            giver_id = person.citizen_id
            if order.giver_id:
                giver_id = (await self._authority.person(tx, order.giver_id)).citizen_id
            ruling = await self._authority.rule(
                tx, person, actor_id=giver_id, action=Action.GIVE_CONSENT, at=now
            )
        _require_allowed(ruling.denial)
        assert ruling.basis is not None, "what is not denied has a basis"
        return person, giver_id, ruling.basis

    async def _kept(self, tx: Tx, name: str) -> Consent:
        """The consent an earlier run of the request made or ended."""
        citizen_id, consent_id = name.split("/")
        consent = await self._store.read(tx, citizen_id, consent_id)
        assert consent is not None, "a remembered consent is kept"
        return consent

    async def _note(  # noqa: PLR0917
        self, tx: Tx, action: str, consent: Consent, caller: Caller, trace_id: str, now: datetime
    ) -> None:
        await audit.record(
            tx,
            action=action,
            resource=f"citizens/{consent.citizen_id}/consents/{consent.consent_id}",
            subject=consent.citizen_id,
            caller=caller,
            outcome="ok",
            trace_id=trace_id,
            now=now,
        )


def _require_allowed(denial: Denial | None) -> None:
    if denial is Denial.TOO_YOUNG:
        raise ConsentNeedsGuardian
    if denial is not None:
        raise NotAllowedToAct


def _check_channel(channel: Channel, caller: Caller) -> None:
    """A citizen is heard in the app, a device at itself, staff on paper or by telephone."""
    if is_citizen(caller):
        fitting = {Channel.APP}
    elif caller.roles == frozenset({"DEVICE"}):
        fitting = {Channel.KIOSK}
    else:
        fitting = {Channel.DESK_PAPER, Channel.PHONE}
    if channel not in fitting:
        raise ChannelWrong


def _check_age(order: ConsentOrder, person: Person, basis: Basis, now: datetime) -> None:
    """A guardian's consent to disclosing needs the agreement of a child who is old enough to be asked.

    Source: Law 91/2025/QH15 art. 24 k2, in force 2026-01-01 (read in secondary sources).
    """
    if basis is not Basis.GUARDIAN or order.minor_agreed:
        return
    if not purpose_rule(order.purpose, on=now.astimezone(VIETNAM).date()).discloses:
        return
    is_minor = not has_reached(AgeRule.OF_AGE, person.birth_date, at=now)
    if is_minor and has_reached(AgeRule.IS_ASKED_TOO, person.birth_date, at=now):
        raise MinorAgreementRequired
