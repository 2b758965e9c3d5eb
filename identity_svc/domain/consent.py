"""Consents, and whether a use of data is or was permitted; nothing recorded means no."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from identity_svc.domain.authority import Basis
from identity_svc.domain.consent_errors import ConsentExpiryWrong, EvidenceMalformed
from identity_svc.domain.consent_texts import Purpose, Scope, purpose_rule
from identity_svc.domain.model import VIETNAM

_REFERENCE = re.compile(r"[A-Za-z0-9._/-]{0,64}", re.ASCII)
_IDENTITY_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{9,10}|[0-9]{12}|[A-Z]{2}[0-9]{13})(?![0-9])", re.ASCII)


class Channel(StrEnum):
    """How a person told their will; the words stand in the store, never change one."""

    KIOSK = "KIOSK"
    DESK_PAPER = "DESK_PAPER"
    APP = "APP"
    PHONE = "PHONE"

    @property
    def needs_evidence(self) -> bool:
        """Whether a sheet or recording has to be named."""
        return self in (Channel.DESK_PAPER, Channel.PHONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That a person agreed to a text."""

    citizen_id: str
    consent_id: str
    purpose: Purpose
    scopes: tuple[Scope, ...]
    facility_code: str
    """Whom it is meant for; empty for every facility of the province."""
    text_id: str
    text_version: int
    text_language: str
    text_hash: str
    channel: Channel
    given_as: Basis
    giver_id: str
    """The citizen who said it."""
    minor_agreed: bool
    evidence_reference: str
    recorded_by: str
    """Subject of the caller who wrote it down."""
    recorded_at_facility_code: str
    grant_time: datetime
    expire_time: datetime | None
    withdraw_time: datetime | None
    withdraw_channel: Channel | None
    """None while not withdrawn, and where a newer consent replaced it."""
    withdrawn_by: str
    is_replaced: bool

    def covers(self, moment: datetime) -> bool:
        """Whether it counted at a moment: from its first instant to before its end."""
        ends = [end for end in (self.expire_time, self.withdraw_time) if end is not None]
        return self.grant_time <= moment and all(moment < end for end in ends)


class Refusal(StrEnum):
    """Why a use is not permitted; the nearest miss is told."""

    NO_CONSENT = "NO_CONSENT"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_LATER = "CONSENT_LATER"
    """It was given after the moment that was asked about."""
    OTHER_FACILITY = "OTHER_FACILITY"
    SCOPE_NOT_COVERED = "SCOPE_NOT_COVERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentQuestion:
    """A use of data at a moment."""

    purpose: Purpose
    scopes: frozenset[Scope]
    """At least one; all must be covered by one consent."""
    facility_code: str
    at_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAnswer:
    """Whether a use is permitted, and why."""

    is_permitted: bool
    consent: Consent | None
    """The one that permits, or that misses least."""
    legal_reference: str
    """The law that permits without a consent, or empty."""
    refusal: Refusal | None


def judge_consent(question: ConsentQuestion, consents: Iterable[Consent]) -> ConsentAnswer:
    """Whether a use is permitted by law or by one of a person's consents.

    Treatment rests on the law and never on a consent. Sources of the legal grounds: data/consent_purposes.csv.
    """
    assert question.scopes, "a use is of some data"
    rule = purpose_rule(question.purpose, on=question.at_time.astimezone(VIETNAM).date())
    if rule.is_by_law:
        return ConsentAnswer(
            is_permitted=True, consent=None, legal_reference=rule.legal_reference, refusal=None
        )
    nearest: tuple[int, Consent, Refusal] | None = None
    for consent in sorted(consents, key=lambda each: each.grant_time, reverse=True):
        if consent.purpose is not question.purpose:
            continue
        refusal = _miss(question, consent)
        if refusal is None:
            return ConsentAnswer(is_permitted=True, consent=consent, legal_reference="", refusal=None)
        rank = _NEARNESS.index(refusal)
        if nearest is None or rank < nearest[0]:
            nearest = (rank, consent, refusal)
    if nearest is None:
        return ConsentAnswer(is_permitted=False, consent=None, legal_reference="", refusal=Refusal.NO_CONSENT)
    return ConsentAnswer(is_permitted=False, consent=nearest[1], legal_reference="", refusal=nearest[2])


_NEARNESS = (
    Refusal.SCOPE_NOT_COVERED,
    Refusal.OTHER_FACILITY,
    Refusal.CONSENT_WITHDRAWN,
    Refusal.CONSENT_EXPIRED,
    Refusal.CONSENT_LATER,
)


def _miss(question: ConsentQuestion, consent: Consent) -> Refusal | None:
    """Why a consent for the same purpose does not permit a use, or None."""
    if question.at_time < consent.grant_time:
        return Refusal.CONSENT_LATER
    if not consent.covers(question.at_time):
        withdrawn, expired = consent.withdraw_time, consent.expire_time
        first = withdrawn is not None and (expired is None or withdrawn <= expired)
        return Refusal.CONSENT_WITHDRAWN if first else Refusal.CONSENT_EXPIRED
    if consent.facility_code not in ("", question.facility_code):
        return Refusal.OTHER_FACILITY
    if not question.scopes <= set(consent.scopes):
        return Refusal.SCOPE_NOT_COVERED
    return None


def expiry_of(asked: datetime | None, *, lasting_days: int, now: datetime) -> datetime | None:
    """When a consent given now ends by itself: as asked, else as its text says; None for not.

    Raises:
        ConsentExpiryWrong: it would end before it begins, or after the text's own limit.
    """
    limit = now + timedelta(days=lasting_days) if lasting_days else None
    if asked is None:
        return limit
    if asked <= now or (limit is not None and asked > limit):
        raise ConsentExpiryWrong
    return asked


def evidence_reference_of(text: str) -> str:
    """The number of a sheet, recording or paper.

    Raises:
        EvidenceMalformed: other characters, too long, or the form of a number that belongs to a person.
    """
    if not _REFERENCE.fullmatch(text) or _IDENTITY_NUMBER.search(text):
        raise EvidenceMalformed
    return text
