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


class Moment(StrEnum):
    """When in a treatment the portal was asked (Circular 12/2026/TT-BTC, art. 4)."""

    ARRIVAL = "ARRIVAL"
    DURING = "DURING"
    END = "END"


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
    other_identifiers: tuple[str, ...] = field(default=(), repr=False)
    """Further numbers of the citizen, asked in this order where the portal does not know the first."""
    printed_name: str = field(default="", repr=False)
    """The name as on the paper that was shown, where it differs from `full_name`."""


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
    exchange_id: str = ""
    """Of the call itself: desks that asked the same at once share one, so that calls are counted by it."""
    sent: Rung | None = None
    """What was asked, without any credential; None in rows of before it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the calls say about the citizen's insurance."""

    outcome: Outcome
    portal_code: str = ""
    explanation_vi: str
    explanation_en: str
    card: InsuranceCard | None = None
    replaced_card: InsuranceCard | None = None
    cards: tuple[InsuranceCard, ...] = ()
    """Every card the portal vouches for where there are several, the one that counts first: candidates for other days
    of a long stay and for the highest right (Decree 188/2025, art. 21)."""
    reason: str = ""
    """Why it is NOT_VALID, PERSON_MISMATCH, NOT_FOUND or DISPUTED, UPPER_SNAKE, such as EXPIRED; else empty."""
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
    moment: Moment = Moment.ARRIVAL
    evidence_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One stored call."""

    evidence_id: str
    visit_id: str
    call: PortalCall
    reply_sha256: str
    caller: str
    moment: Moment = Moment.ARRIVAL


class LineKind(StrEnum):
    """What a line is; drugs follow the formulas of table XML2, everything else those of XML3."""

    UNSPECIFIED = ""
    """Not told: a drug by its cost group (4 to 7), else a service."""
    SERVICE = "SERVICE"
    DRUG = "DRUG"
    SUPPLY = "SUPPLY"
    BED = "BED"
    TRANSPORT = "TRANSPORT"


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
    """Given to the patient by others; at most the line's total. The sum of the four sources where they are told."""
    other_state_vnd: int = 0
    """Of it: state budget, T_NGUONKHAC_NSNN."""
    other_foreign_vnd: int = 0
    """Of it: bodies and people abroad, T_NGUONKHAC_VTNN."""
    other_domestic_vnd: int = 0
    """Of it: bodies and people in the country, T_NGUONKHAC_VTTN."""
    other_rest_vnd: int = 0
    """Of it: the rest, T_NGUONKHAC_CL; where no source is told, all of it is the rest."""
    kind: LineKind = LineKind.UNSPECIFIED
    cost_group: int = 0
    """MA_NHOM, 1 to 19; 0 when not told."""
    scope: int = 0
    """PHAM_VI: 1 fund, 2 patient, 3 army, police and cipher; 0: 1 when a covered price is told, else 2."""
    in_scope_pct: int = 0
    """TYLE_TT_BH, 1 to 100; 0 when not told: 100."""
    service_pct: int = 0
    """TYLE_TT_DV, 1 to 100; 0: worked out from the order of examinations and surgery and from the bed."""
    ceiling_vnd: int = 0
    """T_TRANTT: the most that the fund recognises for one unit; 0 without a ceiling."""
    exact_unit_price: Decimal | None = None
    """With 3 places, where the price is no whole dong; `unit_price_vnd` is it rounded half up."""
    exact_covered_unit_price: Decimal | None = None
    waives_difference: bool = False
    """The facility does not charge what the fund leaves by `service_pct`, but does charge its higher price."""
    order_time: datetime | None = None
    """NGAY_YL."""
    perform_time: datetime | None = None
    """NGAY_TH_YL."""
    result_time: datetime | None = None
    """NGAY_KQ."""
    prescriber_licence: str = ""
    """MA_BAC_SI."""
    performer_licence: str = ""
    """NGUOI_THUC_HIEN."""
    department_code: str = ""
    """MA_KHOA."""
    unit: str = ""
    """DON_VI_TINH."""
    diagnosis_codes: tuple[str, ...] = ()
    """MA_BENH: what the service was ordered for."""
    bed_code: str = ""
    """MA_GIUONG, H, T, C or K and three digits."""
    bed_patient_count: int = 0
    """How many people shared the bed; 0 and 1: alone."""
    surgery_session: str = ""
    """The same text on all services of one session under the knife; empty: a session of its own."""
    surgery_team: str = ""
    """Who operated, in a session with several teams."""
    claim_fields: tuple[tuple[str, str], ...] = ()
    """Further fields of XML2 or XML3 by their name in the decision, such as HAM_LUONG; sorted by name."""

    @property
    def is_drug(self) -> bool:
        """Whether the line stands in XML2."""
        return self.kind is LineKind.DRUG or (
            self.kind is LineKind.UNSPECIFIED and self.cost_group in DRUG_GROUPS
        )


DRUG_GROUPS = frozenset({4, 5, 6, 7})
"""MA_NHOM of XML2: drugs in the list, outside it, paid by ratio, and blood."""


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
    service_pct: int = 100
    """TYLE_TT_DV as applied."""
    in_scope_pct: int = 100
    """TYLE_TT_BH as applied; 0 outside the scope."""
    benefit: Benefit | None = None
    """What applied to this line where it is not the visit's: another card on that day, or the copay exemption."""
    explanation_vi: str
    explanation_en: str = ""


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
    why_en: str = ""
    has_no_rate_limits: bool = False
    """Levels 1 and 5: what the lists pay by ratio is recognised whole."""
    covers_forces: bool = False
    """Level 5: what only army, police and cipher are paid for (scope 3) is covered."""
    notes: tuple[Note, ...] = ()
    """What is not certain about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about a right that a person should know before believing it."""

    code: str
    """Stable UPPER_SNAKE name."""
    vi: str
    en: str


class CandidateState(StrEnum):
    """What became of a right that was looked at."""

    WON = "WON"
    """It counts."""
    LOWER = "LOWER"
    """It applies, but another one gives more, or the same and stands before it."""
    NOT_MET = "NOT_MET"
    """Its condition does not hold."""
    NOT_CHOSEN = "NOT_CHOSEN"
    """It applies and gives more, but the caller named another visit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One right that was looked at, and why it counts or not."""

    rule_id: str
    visit_code: str
    """Empty for rights that are no visit code."""
    rate_pct: Decimal
    """What it gives, or would give."""
    legal_reference: str
    valid_from_date: date
    state: CandidateState
    why_vi: str
    why_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopayRecord:
    """What the insurer's portal publishes about copayments of the year (Decree 188/2025, art. 18 k2 b)."""

    accumulated_vnd: int
    """Of the calendar year of the visit, without this visit."""
    before_change_vnd: int | None = None
    """Of it, what visits that ended before the base salary changed inside the year paid; None when not told."""
    exempt_from_date: date | None = None
    """From when the citizen is exempt, where the portal or a certificate says so; until 31 December of that year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is told about a visit beyond facility, day and kind of stay."""

    has_referral_slip: bool = False
    """Code 1.3."""
    has_reexamination_slip: bool = False
    """Code 1.5."""
    has_changed_residence: bool = False
    """Code 1.4: staying or living elsewhere, Circular 01/2025 art. 4."""
    is_organ_donor: bool = False
    """Code 1.6: treated right after donating."""
    is_newborn: bool = False
    """Code 1.7: treated right after birth."""
    serious_disease_annexes: frozenset[str] = frozenset()
    """"I", "II": annexes of Circular 01/2025 that hold the disease, as the caller knows."""
    principal_diagnosis: str = ""
    """ICD-10, looked up in the operator's list of those annexes where there is one."""
    age_years: int | None = None
    """For rows of the annexes that count below an age only."""
    original_visit_code: str = ""
    """For codes 7.2, 7.3, 7.4 and 10: the code of the visit that prescribed the medicine."""
    copay: CopayRecord | None = None


NO_CIRCUMSTANCES = Circumstances()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCommand:
    """What a split is computed from, kept so that it can be computed again."""

    visit_id: str
    service_date: date
    visit_code: str
    """As given; empty means worked out."""
    is_inpatient: bool
    is_emergency: bool
    circumstances: Circumstances = NO_CIRCUMSTANCES
    lines: tuple[CostLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """The claim's sums (dong with two places) beside the whole dong that are collected; nothing is hidden.

    Each difference is collected less claimed.
    """

    total: Decimal = Decimal(0)
    fund: Decimal = Decimal(0)
    copay: Decimal = Decimal(0)
    self_pay: Decimal = Decimal(0)
    other_funding: Decimal = Decimal(0)
    closing: Decimal = Decimal(0)
    """T_TONGCHI_BH - T_BNCCT (the header formula of XML1) less the sum of the lines' T_BHTT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSplit:
    """Who pays what of one visit."""

    visit_code: str
    """The code that counted; empty without insurance for this visit, or where the day's code list is not known."""
    benefit: Benefit
    lines: tuple[SplitLine, ...]
    total_vnd: int
    fund_vnd: int
    patient_vnd: int
    other_funding_vnd: int
    rounding: Rounding = Rounding()


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
