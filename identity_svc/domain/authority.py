"""Who may act for whom: the one rule behind CheckAuthority, over dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from identity_svc.domain.ages import AgeRule, birthday_time, has_reached, years_of
from identity_svc.domain.model import VIETNAM


class Action(StrEnum):
    """What somebody may do for a citizen; the words stand in the store, never change one."""

    CHECK_IN = "CHECK_IN"
    SEE_RECORD = "SEE_RECORD"
    COLLECT_RESULTS = "COLLECT_RESULTS"
    PAY = "PAY"
    BOOK = "BOOK"
    SEE_IDENTITY = "SEE_IDENTITY"
    REQUEST_CORRECTION = "REQUEST_CORRECTION"
    GIVE_CONSENT = "GIVE_CONSENT"
    DELEGATE = "DELEGATE"
    """Choose delegates and make proxy codes: the citizen and guardians only, never handed on."""


EVERY_ACTION = tuple(Action)
DELEGABLE = frozenset(Action) - {Action.DELEGATE}
"""What an adult may hand to a delegate."""
ONE_VISIT = frozenset({Action.CHECK_IN, Action.COLLECT_RESULTS, Action.PAY, Action.BOOK})
"""What the bearer of a proxy code may do: errands, never a look into the record."""
_AGE_OF_OWN_ACT = {Action.GIVE_CONSENT: AgeRule.CONSENTS_ALONE, Action.DELEGATE: AgeRule.OF_AGE}


class Basis(StrEnum):
    """In what capacity somebody acts."""

    SELF = "SELF"
    GUARDIAN = "GUARDIAN"
    DELEGATE = "DELEGATE"
    PROXY_CODE = "PROXY_CODE"


class Kind(StrEnum):
    """What kind of delegation it is."""

    GUARDIAN = "GUARDIAN"
    """May do everything for a child, or for an adult whom a court found unable to act."""
    DELEGATE = "DELEGATE"
    """Was chosen by an adult, for named actions."""


class Relationship(StrEnum):
    """What the representative is to the citizen."""

    PARENT = "PARENT"
    GRANDPARENT = "GRANDPARENT"
    SIBLING = "SIBLING"
    SPOUSE = "SPOUSE"
    CHILD = "CHILD"
    APPOINTED_GUARDIAN = "APPOINTED_GUARDIAN"
    OTHER = "OTHER"


class EvidenceKind(StrEnum):
    """What was shown for a delegation."""

    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    RESIDENCE_CONFIRMATION = "RESIDENCE_CONFIRMATION"
    GUARDIANSHIP_DECISION = "GUARDIANSHIP_DECISION"
    INCAPACITY_DECISION = "INCAPACITY_DECISION"
    """Of a court, about an adult: the guardian's right does not end at a birthday."""
    POWER_OF_ATTORNEY = "POWER_OF_ATTORNEY"
    BOTH_PRESENT = "BOTH_PRESENT"
    OWN_ACCOUNT = "OWN_ACCOUNT"


class Denial(StrEnum):
    """Why somebody may not act; the nearest miss is told."""

    NO_RELATION = "NO_RELATION"
    TOO_YOUNG = "TOO_YOUNG"
    """The citizen is too young to do this alone."""
    CITIZEN_OF_AGE = "CITIZEN_OF_AGE"
    """The child of this guardian has grown up."""
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    ACTION_NOT_DELEGATED = "ACTION_NOT_DELEGATED"
    OTHER_FACILITY = "OTHER_FACILITY"
    CODE_NOT_TAKEN = "CODE_NOT_TAKEN"
    """A proxy code counts from the moment a desk took it."""
    VISIT_OVER = "VISIT_OVER"
    ACCOUNT_NOT_LINKED = "ACCOUNT_NOT_LINKED"


_NEARNESS = (
    Denial.ACTION_NOT_DELEGATED,
    Denial.OTHER_FACILITY,
    Denial.CODE_NOT_TAKEN,
    Denial.NOT_YET_VALID,
    Denial.VISIT_OVER,
    Denial.CITIZEN_OF_AGE,
    Denial.EXPIRED,
    Denial.REVOKED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """That one citizen may act for another."""

    citizen_id: str
    delegation_id: str
    kind: Kind
    representative_id: str
    relationship: Relationship
    actions: tuple[Action, ...]
    evidence_kind: EvidenceKind
    evidence_reference: str
    recorded_by: str
    recorded_at_facility_code: str
    start_time: datetime
    end_time: datetime | None
    """As agreed; the end of a child's guardian at 18 is reckoned from the birth date, which may be put right later."""
    revoke_time: datetime | None
    revoked_by: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"citizens/{self.citizen_id}/delegations/{self.delegation_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyCode:
    """A code for one visit, as it is stored."""

    citizen_id: str
    code_id: str
    actions: tuple[Action, ...]
    facility_code: str
    """The one that may take it; empty for any."""
    issuer_id: str
    key_version: int
    issue_time: datetime
    expire_time: datetime
    redeem_time: datetime | None
    redeemed_by: str
    redeemed_at_facility_code: str
    bearer_id: str
    """The citizen who brought it; empty when no card was shown."""
    visit_end_time: datetime | None
    revoke_time: datetime | None

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"citizens/{self.citizen_id}/proxyCodes/{self.code_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this person do that for this citizen, there and then?"""

    citizen_ids: frozenset[str]
    """The citizen under every id that was merged into one."""
    actor_ids: frozenset[str]
    """Who acts, likewise; empty for the bearer of a code whose card was not seen."""
    action: Action
    facility_code: str
    """Where; empty for nowhere, as at home."""
    at_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer."""

    basis: Basis | None
    """In what capacity; None when denied."""
    authority: str
    """Resource name of what decides; empty for the citizen and for a stranger."""
    denial: Denial | None
    until_time: datetime | None
    """Until when it holds unless somebody revokes; None for no end."""

    @property
    def is_allowed(self) -> bool:
        """Whether they may."""
        return self.basis is not None


def denied(denial: Denial, *, authority: str = "") -> Ruling:
    """A ruling that says no."""
    return Ruling(basis=None, authority=authority, denial=denial, until_time=None)


def decide(
    question: Question,
    *,
    birth_date: str,
    delegations: Iterable[Delegation] = (),
    codes: Iterable[ProxyCode] = (),
) -> Ruling:
    """Whether somebody may act for a citizen.

    Args:
        question: Who, for whom, what, where and when.
        birth_date: The citizen's, as a FHIR date; "" if unknown.
        delegations: The citizen's; those to other representatives are passed over.
        codes: Proxy codes of the citizen that were named or that the actor brought.
    Source of the ages: data/age_rules.csv. Parents represent minor children (Civil Code 91/2015/QH13 art. 136).
    """
    if question.actor_ids & question.citizen_ids:
        return _own_act(question, birth_date)
    rulings = [
        _by_delegation(question, each, birth_date)
        for each in delegations
        if each.citizen_id in question.citizen_ids and each.representative_id in question.actor_ids
    ]
    rulings += [_by_code(question, each) for each in codes if each.citizen_id in question.citizen_ids]
    allowed = [ruling for ruling in rulings if ruling.is_allowed]
    if allowed:
        lasting = [ruling for ruling in allowed if ruling.until_time is None]
        return lasting[0] if lasting else max(allowed, key=_until)
    return min(rulings, key=_distance, default=denied(Denial.NO_RELATION))


def end_of(delegation: Delegation, birth_date: str) -> datetime | None:
    """When a delegation ends by itself, or None: as agreed, and for a child's guardian at the 18th birthday at last."""
    if delegation.kind is not Kind.GUARDIAN or delegation.evidence_kind is EvidenceKind.INCAPACITY_DECISION:
        return delegation.end_time
    years = years_of(AgeRule.OF_AGE, on=delegation.start_time.astimezone(VIETNAM).date())
    ends = [end for end in (delegation.end_time, birthday_time(birth_date, years)) if end is not None]
    return min(ends, default=None)


def _own_act(question: Question, birth_date: str) -> Ruling:
    needed = _AGE_OF_OWN_ACT.get(question.action)
    if needed is not None and not has_reached(needed, birth_date, at=question.at_time):
        return denied(Denial.TOO_YOUNG)
    return Ruling(basis=Basis.SELF, authority="", denial=None, until_time=None)


def _by_delegation(question: Question, delegation: Delegation, birth_date: str) -> Ruling:
    at, end = question.at_time, end_of(delegation, birth_date)
    denial: Denial | None = None
    if at < delegation.start_time:
        denial = Denial.NOT_YET_VALID
    elif delegation.revoke_time is not None and delegation.revoke_time <= at:
        denial = Denial.REVOKED
    elif end is not None and end <= at:
        denial = Denial.EXPIRED if end == delegation.end_time else Denial.CITIZEN_OF_AGE
    elif question.action not in delegation.actions:
        denial = Denial.ACTION_NOT_DELEGATED
    if denial is not None:
        return denied(denial, authority=delegation.name)
    return Ruling(basis=Basis(delegation.kind.value), authority=delegation.name, denial=None, until_time=end)


def _by_code(question: Question, code: ProxyCode) -> Ruling:
    at = question.at_time
    denial: Denial | None = None
    if code.revoke_time is not None and code.revoke_time <= at:
        denial = Denial.REVOKED
    elif code.redeem_time is None or code.visit_end_time is None or at < code.redeem_time:
        denial = Denial.CODE_NOT_TAKEN
    elif code.visit_end_time <= at:
        denial = Denial.VISIT_OVER
    elif question.facility_code != code.redeemed_at_facility_code:
        denial = Denial.OTHER_FACILITY
    elif question.action not in code.actions:
        denial = Denial.ACTION_NOT_DELEGATED
    if denial is not None:
        return denied(denial, authority=code.name)
    return Ruling(basis=Basis.PROXY_CODE, authority=code.name, denial=None, until_time=code.visit_end_time)


def _until(ruling: Ruling) -> datetime:
    assert ruling.until_time is not None
    return ruling.until_time


def _distance(ruling: Ruling) -> int:
    assert ruling.denial is not None
    return _NEARNESS.index(ruling.denial)
