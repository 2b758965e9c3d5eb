"""Values of the service: the question to the portal, its replies, coverage, bill lines and their split."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Outcome(StrEnum):
    """Result of a coverage check; the names are those of the contract."""

    VALID = "VALID"
    VALID_MANUAL = "VALID_MANUAL"
    CARD_CHANGED = "CARD_CHANGED"
    NOT_VALID = "NOT_VALID"
    NOT_FOUND = "NOT_FOUND"
    PERSON_MISMATCH = "PERSON_MISMATCH"
    UNVERIFIED = "UNVERIFIED"
    DISPUTED = "DISPUTED"
    SELF_PAY = "SELF_PAY"


INSURED = frozenset({Outcome.VALID, Outcome.VALID_MANUAL, Outcome.CARD_CHANGED})
"""The portal vouches for an insurance on the day."""
PENDING = frozenset({Outcome.UNVERIFIED, Outcome.DISPUTED, Outcome.PERSON_MISMATCH})
"""Not known yet: care goes on, the split is provisional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceCard:
    """A card as the portal tells it."""

    number: str = field(repr=False)
    """10, 12 or 15 characters; empty for a child without a card."""
    object_group: str = ""
    """Two letters; empty when the number does not carry them."""
    benefit_level: int = 0
    """As printed, 1 to 5; 0 when not known."""
    valid_from_date: date | None = None
    valid_to_date: date | None = None
    registered_facility_code: str = ""
    area_code: str = ""
    """K1, K2, K3 or empty."""
    five_year_date: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether the day lies within the card's dates; an open end has no limit."""
        begun = self.valid_from_date is None or self.valid_from_date <= day
        return begun and (self.valid_to_date is None or day <= self.valid_to_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the portal is asked about one citizen for one visit."""

    identifier: str = field(repr=False)
    """10, 12 or 15 characters, capitals, no separators."""
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM or YYYY-MM-DD."""
    service_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One form of the question: what is really sent."""

    identifier: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_text: str = field(repr=False)
    """dd/MM/yyyy, MM/yyyy or yyyy."""
    form: str
    """"citizen12/name-as-printed/date-full": which form it is, without its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalCall:
    """One call to the portal and what came of it; immutable evidence."""

    form: str
    send_time: datetime
    receive_time: datetime
    reply: bytes = field(default=b"", repr=False)
    """Raw bytes as they came."""
    code: str = ""
    """maKetQua; empty when there was no readable answer."""
    failure_reason: str = ""
    """Why there was no answer, UPPER_SNAKE; empty when there was one."""
    login_serial: int = 0
    """Which sign-in the call was made with; a repeat after a refusal asks for a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the calls say about the citizen's insurance."""

    outcome: Outcome
    portal_code: str = ""
    explanation_vi: str
    explanation_en: str
    card: InsuranceCard | None = None
    replaced_card: InsuranceCard | None = None
    degraded_reason: str = ""
    needs_recheck: bool = False
    """A check by itself may end otherwise later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What is known about one citizen's insurance for one visit; a correction is a new one."""

    coverage_id: str
    citizen_id: str
    visit_id: str
    facility: str
    service_date: date
    check_number: int
    finding: Finding
    question: Question | None
    """None for self-pay: nothing was asked."""
    as_of_time: datetime
    evidence_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One stored call."""

    evidence_id: str
    visit_id: str
    call: PortalCall
    reply_sha256: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One line of a bill before the split."""

    line_id: str
    service_code: str
    display_name: str
    quantity: Decimal
    """Above 0, at most 3 places."""
    unit_price_vnd: int
    covered_unit_price_vnd: int
    """0 when the service is outside the scope; at most the unit price."""
    other_funding_vnd: int = 0
    """Given to the patient by others; at most the line's total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLine:
    """One line after the split; total = fund + copay + self_pay + other_funding."""

    line_id: str
    display_name: str
    total_vnd: int
    covered_vnd: int
    fund_vnd: int
    copay_vnd: int
    self_pay_vnd: int
    other_funding_vnd: int
    explanation_vi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """The rate that applies to a visit, with the rule behind it."""

    rate_pct: Decimal
    """0 to 100; 47.5 is possible (95 % of base at half rate)."""
    rule_id: str
    legal_reference: str
    rule_valid_from_date: date
    is_insured: bool
    """False: nothing is recognised by the fund, the whole line is the patient's."""
    is_provisional: bool = False
    why_vi: str
    """Why this rate, one sentence for the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCommand:
    """What a split is computed from, kept so that it can be computed again."""

    visit_id: str
    service_date: date
    visit_code: str
    """As given; empty means worked out."""
    is_inpatient: bool
    is_emergency: bool
    lines: tuple[CostLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSplit:
    """Who pays what of one visit."""

    visit_code: str
    """The code that counted; empty when the citizen is not insured for this visit."""
    benefit: Benefit
    lines: tuple[SplitLine, ...]
    total_vnd: int
    fund_vnd: int
    patient_vnd: int
    other_funding_vnd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSplit:
    """A split as it was stored; a correction is a new one."""

    split_id: str
    citizen_id: str
    """Empty when the visit has no coverage yet."""
    facility: str
    coverage_id: str
    """Empty for self-pay without a check."""
    split_number: int
    command: SplitCommand
    split: CostSplit
    create_time: datetime
