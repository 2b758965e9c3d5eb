"""What the FHIR views of one visit are made of, and which views there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from insurance_svc.domain.claim import ClaimState
from insurance_svc.domain.claim_facts import VIETNAM
from insurance_svc.domain.claim_values import ClaimVersion, ClaimView, Submission
from insurance_svc.domain.model import Coverage, Outcome, StoredSplit
from insurance_svc.domain.tables import packaged
from standards.claims import Row


class FhirType(StrEnum):
    """The resources that are shown, by their names in FHIR R4."""

    COVERAGE = "Coverage"
    ELIGIBILITY_REQUEST = "CoverageEligibilityRequest"
    ELIGIBILITY_RESPONSE = "CoverageEligibilityResponse"
    CLAIM = "Claim"
    CLAIM_RESPONSE = "ClaimResponse"
    EXPLANATION = "ExplanationOfBenefit"


ANSWERED = frozenset(
    {ClaimState.ACCEPTED, ClaimState.REJECTED, ClaimState.SETTLED, ClaimState.REPLACED, ClaimState.REVERSED}
)
"""States in which the portal may have answered a version; whether it did is told by its submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClaim:
    """The newest version of a visit's claim with what it was built from."""

    view: ClaimView
    split: StoredSplit
    diagnosis_codes: tuple[str, ...] = ()
    """ICD-10, the principal one first."""
    open_time: datetime | None = None
    close_time: datetime | None = None

    @property
    def version(self) -> ClaimVersion:
        """The newest version."""
        return self.view.versions[-1]

    @property
    def state(self) -> ClaimState:
        """Its state."""
        return self.view.claim.state

    @property
    def answer(self) -> Submission | None:
        """The submission of this version that the portal answered; None while it did not."""
        sent = self.view.submission_of(self.version.version)
        is_answered = sent is not None and sent.answer_time is not None and self.state in ANSWERED
        return sent if is_answered and sent is not None and sent.portal_code else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirFacts:
    """All that is known of one visit's insurance."""

    visit_id: str
    citizen_id: str
    facility: str
    coverage: Coverage | None = None
    split: StoredSplit | None = None
    claim: ShownClaim | None = None

    def types(self) -> tuple[FhirType, ...]:
        """The views there are, in the order of FhirType."""
        finding = self.coverage.finding if self.coverage is not None else None
        was_asked = finding is not None and finding.outcome is not Outcome.SELF_PAY
        there = {
            FhirType.COVERAGE: finding is not None and (not was_asked or finding.card is not None),
            FhirType.ELIGIBILITY_REQUEST: was_asked,
            FhirType.ELIGIBILITY_RESPONSE: was_asked,
            FhirType.CLAIM: self.claim is not None,
            FhirType.CLAIM_RESPONSE: self.claim is not None and self.claim.answer is not None,
            FhirType.EXPLANATION: self.split is not None and bool(self.citizen_id),
        }
        return tuple(kind for kind in FhirType if there[kind])


def diagnosis_codes(summary: Row) -> tuple[str, ...]:
    """The ICD-10 codes of XML1: MA_BENH_CHINH, then MA_BENH_KT, each once."""
    codes = [summary.get("MA_BENH_CHINH", ""), *summary.get("MA_BENH_KT", "").split(";")]
    return tuple(dict.fromkeys(code.strip() for code in codes if code.strip()))


def stay_of(summary: Row) -> tuple[datetime | None, datetime | None]:
    """NGAY_VAO and NGAY_RA of XML1 (yyyyMMddHHmm, Vietnam)."""
    return _moment(summary.get("NGAY_VAO", "")), _moment(summary.get("NGAY_RA", ""))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=VIETNAM)
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _systems() -> Sequence[dict[str, str]]:
    return packaged("identifier_systems.csv")


def written_systems(kind: str) -> tuple[str, ...]:
    """The identifier systems under which the views write a kind of number, the newer guide's first.

    Source: `data/identifier_systems.csv`, which also says why the others are not written.
    """
    return tuple(row["system"] for row in _systems() if row["kind"] == kind and row["is_written"] == "1")
