"""Tells which answers of the services are the lawful lesser way, in words for the clerk."""

from __future__ import annotations

from lienthong.identity.v1 import identity_pb2 as identity
from lienthong.insurance.v1 import insurance_pb2 as insurance

Judgement = tuple[str, str, str] | None

_UNHEARD = {identity.VERIFICATION_OUTCOME_UNVERIFIED}
_UNSURE = {
    insurance.COVERAGE_OUTCOME_UNVERIFIED,
    insurance.COVERAGE_OUTCOME_DISPUTED,
    insurance.COVERAGE_OUTCOME_PERSON_MISMATCH,
}


def of_verification(answer: identity.VerifyCardResponse) -> Judgement:
    """Degraded when the register was not heard or contradicts the card."""
    verification = answer.verification
    if verification.outcome in _UNHEARD:
        return (
            verification.degraded_reason or "REGISTER_NOT_HEARD",
            "Chưa đối chiếu được với CSDL dân cư; vẫn tiếp nhận, hệ thống sẽ tự đối chiếu lại.",
            "The population register was not heard; admit, the check is repeated by itself.",
        )
    if verification.outcome == identity.VERIFICATION_OUTCOME_DISPUTED:
        return (
            "IDENTITY_DISPUTED",
            "Thông tin trên thẻ khác CSDL dân cư; vẫn tiếp nhận, xem từng trường và đề xuất sửa.",
            "The card differs from the register; admit, look at each field and its repair proposal.",
        )
    return None


def of_coverage(answer: insurance.CheckCoverageResponse) -> Judgement:
    """Degraded when coverage is neither proved nor disproved."""
    coverage = answer.coverage
    if coverage.outcome not in _UNSURE:
        return None
    name = insurance.CoverageOutcome.Name(coverage.outcome).removeprefix("COVERAGE_OUTCOME_")
    return (coverage.degraded_reason or name, coverage.explanation_vi, coverage.explanation_en)


def of_look_up(answer: insurance.LookUpAgainResponse) -> Judgement:
    """Degraded when the portal was not heard at the end; what was known at arrival counts on."""
    if not answer.failure_reason:
        return None
    return (
        answer.failure_reason,
        "Chưa tra cứu lại được thẻ khi kết thúc; kết quả tra cứu trước vẫn có hiệu lực.",
        "The card could not be looked up again at the end; the earlier look-up counts on.",
    )
