"""What is kept of a claim beside where it stands: versions, submissions, events, work items, the insurer's results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from insurance_svc.domain.claim import Claim, ClaimState
from insurance_svc.domain.claim_answer import FileKind
from insurance_svc.domain.claim_facts import Lack
from standards.claims.lint import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVersion:
    """One version as built; never changed. Amounts are hundredths of a dong."""

    claim_id: str
    citizen_id: str
    version: int
    schema_version: str
    month: str
    split_id: str
    coverage_id: str
    total_hundredths: int
    covered_hundredths: int
    fund_hundredths: int
    fund_vnd: int
    """The fund's share of the split in whole dong."""
    lacks: tuple[Lack, ...]
    reason: str = field(repr=False)
    """Why it was built anew; empty for the first."""
    facts_sha256: str
    file_sha256: str
    file: bytes = field(default=b"", repr=False)
    """The unsigned bytes; empty where they were not read."""
    caller: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEvent:
    """One thing that happened to a version; never changed."""

    number: int
    version: int
    state: ClaimState
    reason: str = field(repr=False)
    actor: str
    event_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A file handed over for sending, and what the portal said."""

    submission_id: str
    citizen_id: str
    kind: FileKind
    visit_id: str
    facility: str
    link_id: str
    claim_id: str = ""
    version: int = 0
    state: ClaimState = ClaimState.SIGNED
    is_signed: bool
    file_sha256: str
    file: bytes = field(default=b"", repr=False)
    """Empty where it was not read."""
    total_hundredths: int = 0
    send_count: int = 0
    first_send_time: datetime | None = None
    last_send_time: datetime | None = None
    answer_time: datetime | None = None
    transaction_number: str = ""
    portal_code: str = ""
    failure_reason: str = ""
    message: str = field(default="", repr=False)
    create_time: datetime
    update_time: datetime


class WorkCause(StrEnum):
    """Why somebody has to look at a claim; the names are those of the contract."""

    NOT_READY = "NOT_READY"
    FINDINGS = "FINDINGS"
    REJECTED = "REJECTED"
    FATE_UNKNOWN = "FATE_UNKNOWN"
    SETTLED_SHORT = "SETTLED_SHORT"


class Resolution(StrEnum):
    """What was done about it."""

    OPEN = ""
    DISMISSED = "DISMISSED"
    SEND_AGAIN = "SEND_AGAIN"
    PORTAL_HAS_IT = "PORTAL_HAS_IT"
    OVERTAKEN = "OVERTAKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFinding:
    """A finding of the check as it was when the item was opened."""

    rule_id: str
    severity: str
    table: str
    row: int
    field: str
    message_vi: str
    message_en: str
    repair_vi: str
    repair_en: str
    at_risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """Something a person has to look at."""

    work_item_id: str
    citizen_id: str
    visit_id: str
    facility: str
    claim_id: str
    link_id: str
    version: int
    cause: WorkCause
    portal_code: str = ""
    message: str = field(default="", repr=False)
    findings: tuple[KeptFinding, ...] = ()
    lacks: tuple[Lack, ...] = ()
    open_time: datetime
    resolution: Resolution = Resolution.OPEN
    resolver: str = ""
    resolve_time: datetime | None = None
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One result file of the insurer."""

    settlement_id: str
    facility: str
    month: str
    file_sha256: str
    line_count: int
    unmatched_count: int
    repeated_count: int
    caller: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """One result of such a file, with the claim it names."""

    citizen_id: str
    settlement_id: str
    line_number: int
    claim_id: str
    visit_id: str
    claimed_hundredths: int
    accepted_hundredths: int
    link_id: str
    cause: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """A claim with all that is known of it."""

    claim: Claim
    versions: tuple[ClaimVersion, ...] = ()
    """Without their bytes."""
    submissions: tuple[Submission, ...] = ()
    """Without their bytes; check-ins among them."""
    events: tuple[ClaimEvent, ...] = ()
    settled_hundredths: int | None = None

    def submission_of(self, version: int) -> Submission | None:
        """The newest submission of a version."""
        found = [each for each in self.submissions if each.kind is FileKind.CLAIM and each.version == version]
        return found[-1] if found else None

    @property
    def check_in(self) -> Submission | None:
        """The newest check-in."""
        found = [each for each in self.submissions if each.kind is FileKind.CHECK_IN]
        return found[-1] if found else None


KEPT_FINDINGS_MAX = 100


def kept(findings: tuple[Finding, ...]) -> tuple[KeptFinding, ...]:
    """The findings worth keeping with a work item: errors first, at most KEPT_FINDINGS_MAX."""
    order = {"ERROR": 0, "WARNING": 1, "NOTE": 2}
    chosen = sorted(findings, key=lambda each: order[each.severity.value])[:KEPT_FINDINGS_MAX]
    return tuple(
        KeptFinding(
            rule_id=each.rule_id,
            severity=each.severity.value,
            table=each.table,
            row=each.row,
            field=each.field,
            message_vi=each.message_vi,
            message_en=each.message_en,
            repair_vi=each.repair_vi,
            repair_en=each.repair_en,
            at_risk=str(each.at_risk),
        )
        for each in chosen
    )
