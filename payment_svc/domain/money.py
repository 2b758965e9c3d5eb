"""Money that came in: the bank's notification of it and the one record we keep of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from payment_svc.domain.ledger import derived_id


class Verdict(StrEnum):
    """What reading a notification showed."""

    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    MALFORMED = "MALFORMED"


class EventOutcome(StrEnum):
    """What happened to a notification; names as in the contract."""

    POSTED = "POSTED"
    DUPLICATE = "DUPLICATE"
    UNIDENTIFIED = "UNIDENTIFIED"
    REJECTED = "REJECTED"
    NOT_PAID = "NOT_PAID"


class AnswerCode(StrEnum):
    """What the bank is answered. Source: HDBank/GoTRUST 1.0.3, 28 June 2024."""

    OK = "00"
    BAD_SIGNATURE = "01"
    ALREADY_PAID = "02"
    AMOUNT_DIFFERS = "03"
    MALFORMED = "04"
    DUPLICATE = "05"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A bank's notification in our own terms; the fields after `verdict` are empty unless it is PAID or NOT_PAID."""

    verdict: Verdict
    transaction_id: str = ""
    status: str = ""
    """The provider's own status code."""
    amount_vnd: int = 0
    """What was paid; 0 when nothing was."""
    account: str = ""
    """Payee account when the provider tells it."""
    invoice_id: str = ""
    description: str = ""
    paid_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEvent:
    """A notification as kept: the answer of its first execution, never posted twice."""

    event_id: str
    facility_code: str
    verdict: Verdict
    amount_vnd: int
    outcome: EventOutcome
    answer_code: AnswerCode
    visit_id: str
    collection_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One sum of money that came in, whichever way we learned of it first.

    amount = applied + unapplied + refund at every moment.
    """

    collection_id: str
    facility_code: str
    account: str
    visit_id: str
    """Bill it was paid for, or empty."""
    intent_id: str
    event_id: str
    """The notification that told of it, or empty while only the statement did."""
    line_id: str
    """The statement line it was first learned from, or empty when a notification came first."""
    bank_reference: str
    text_hash: bytes
    """Keyed hash of the squeezed transfer text; empty when there was none."""
    amount_vnd: int
    applied_vnd: int
    unapplied_vnd: int
    refund_vnd: int
    confirmed_vnd: int
    """What statement lines proved of it."""
    paid_time: datetime
    match_group: str
    """The group of statement lines that proved it, or empty."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the bank's statement shows all of it."""
        return bool(self.match_group) and self.confirmed_vnd == self.amount_vnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What statement lines show of one sum of money."""

    collection_id: str
    confirmed_vnd: int
    match_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMoney:
    """Money we just learned of, from a notification or from a statement line, one of the two."""

    facility_code: str
    account: str
    amount_vnd: int
    bank_reference: str
    text_hash: bytes
    paid_time: datetime
    event_id: str = ""
    line_id: str = ""

    @property
    def collection_id(self) -> str:
        """The id this money always leads to, so that it is recorded once."""
        assert bool(self.event_id) != bool(self.line_id), "money is learned of in one way"
        return derived_id("collection", self.event_id or self.line_id)
