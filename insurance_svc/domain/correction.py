"""A notice that a later look-up changed what is known of a visit's insurance; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from insurance_svc.domain.model import Coverage, Finding, Outcome


class CorrectionCause(StrEnum):
    """Why there is something to correct."""

    OUTAGE_OVER = "OUTAGE_OVER"
    """The portal had not been heard and now was."""
    LOOKED_UP_AGAIN = "LOOKED_UP_AGAIN"
    """The portal says something else than before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What changed; amounts are the patient's share of the newest split, None without a split."""

    correction_id: str
    citizen_id: str
    visit_id: str
    facility: str
    cause: CorrectionCause
    before_coverage_id: str
    coverage_id: str
    before_outcome: Outcome
    outcome: Outcome
    before_patient_vnd: int | None
    patient_vnd: int | None
    create_time: datetime

    @property
    def notice_vi(self) -> str:
        """What the desk has to know, in one or two sentences without any personal value."""
        first = (
            "Đã tra cứu lại được cổng BHXH sau gián đoạn"
            if self.cause is CorrectionCause.OUTAGE_OVER
            else "Kết quả tra cứu BHYT đã thay đổi"
        )
        text = f"{first}: {_WORDS_VI[self.before_outcome]} → {_WORDS_VI[self.outcome]}."
        if self.before_patient_vnd is None or self.patient_vnd is None:
            return text
        if self.before_patient_vnd == self.patient_vnd:
            return f"{text} Số tiền người bệnh trả không đổi."
        return (
            f"{text} Người bệnh trả {_dong(self.patient_vnd)} thay cho {_dong(self.before_patient_vnd)}; "
            "báo người bệnh và thu thêm hoặc hoàn lại phần chênh lệch."
        )

    @property
    def notice_en(self) -> str:
        """The same in English."""
        first = (
            "The portal answered after an outage"
            if self.cause is CorrectionCause.OUTAGE_OVER
            else "The portal says something else"
        )
        text = f"{first}: {self.before_outcome} → {self.outcome}."
        if self.before_patient_vnd is None or self.patient_vnd is None:
            return text
        return f"{text} The patient owes {self.patient_vnd} dong, before {self.before_patient_vnd} dong."


def cause_of(before: Finding) -> CorrectionCause:
    """Why a finding that differs from this one is a correction."""
    silent = before.outcome is Outcome.UNVERIFIED
    return CorrectionCause.OUTAGE_OVER if silent else CorrectionCause.LOOKED_UP_AGAIN


def tells_the_same(before: Coverage, finding: Finding) -> bool:
    """Whether a finding leaves everything that a split hangs on as it was."""
    known = before.finding
    return (known.outcome, known.card, known.replaced_card, known.cards, known.reason) == (
        finding.outcome,
        finding.card,
        finding.replaced_card,
        finding.cards,
        finding.reason,
    )


def _dong(amount_vnd: int) -> str:
    return f"{amount_vnd:,}".replace(",", ".") + " đồng"


_WORDS_VI = {
    Outcome.VALID: "thẻ hợp lệ",
    Outcome.VALID_MANUAL: "hợp lệ, kiểm tra giấy tờ",
    Outcome.CARD_CHANGED: "đã đổi thẻ mới",
    Outcome.NOT_VALID: "thẻ không có giá trị",
    Outcome.NOT_FOUND: "không tìm thấy thẻ",
    Outcome.PERSON_MISMATCH: "không khớp thông tin người bệnh",
    Outcome.UNVERIFIED: "chưa xác minh",
    Outcome.DISPUTED: "có mâu thuẫn, chờ xác nhận",
    Outcome.SELF_PAY: "tự chi trả",
}
