"""The words of a right: its id, its article and its reason, in Vietnamese and English, by the law of the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from insurance_svc.domain.benefit_cases import LEVELS_OF_CARE_DATE, REASONS
from insurance_svc.domain.benefit_copay import Exemption
from insurance_svc.domain.model import PENDING, Benefit, CandidateState, Finding, Note, Outcome
from insurance_svc.domain.tables import CaseRule

DECISION_3276 = "Quyết định 3276/QĐ-BYT ngày 17/10/2025"
_LAW_51 = "Luật 51/2024/QH15"
_FORMER_LAW_DATE = date(2015, 1, 1)
_DECREE_146_DATE = date(2018, 12, 1)
_DECREE_188_DATE = date(2025, 7, 1)

LEVEL_UNKNOWN = Note(
    code="LEVEL_UNKNOWN",
    vi="Chưa biết mức hưởng của thẻ; số tiền sẽ thay đổi khi cổng BHXH trả về đủ 15 ký tự mã thẻ.",
    en="The card's level is not known; the amounts change once the portal tells all 15 characters.",
)
FACILITY_UNKNOWN = Note(
    code="FACILITY_UNKNOWN",
    vi="Bảng cơ sở khám chữa bệnh không có cơ sở này vào ngày khám; cấp chuyên môn được giả định.",
    en="The table of facilities does not hold this one on the day; its level of care is assumed.",
)
FORMER_LAW = Note(
    code="FORMER_LAW",
    vi="Lượt khám trước 01/01/2025 được tính theo luật cũ, đọc từ tài liệu thứ cấp; không có mã đối tượng thời kỳ đó.",
    en="A visit before 2025 is judged by the former law, read in secondary sources; its visit codes are not known.",
)
LOW_COST_BASIS = Note(
    code="LOW_COST_BASIS",
    vi=(
        "Chi phí trong phạm vi BHYT dưới ngưỡng 15% nhưng tổng chi phí thì không; so sánh theo chi phí trong phạm vi "
        "như hướng dẫn trường MUC_HUONG của Quyết định 3176/QĐ-BYT."
    ),
    en=(
        "The covered cost is below the 15% threshold, the whole cost is not; the covered cost is compared, as field "
        "MUC_HUONG of Decision 3176/QĐ-BYT says."
    ),
)


def pct_vi(rate: Decimal) -> str:
    """A rate as Vietnamese readers write it: 47,5%."""
    return pct_en(rate).replace(".", ",")


def pct_en(rate: Decimal) -> str:
    """A rate in English: 47.5%."""
    return f"{rate.normalize():f}%"


def dong_vi(amount_vnd: int) -> str:
    """An amount as Vietnamese readers write it: 1.234.567."""
    return f"{amount_vnd:,}".replace(",", ".")


def fraction_dong(amount: Fraction) -> tuple[str, str]:
    """An amount that need not be whole, down to the dong, in Vietnamese and English."""
    whole = amount.numerator // amount.denominator
    return dong_vi(whole), f"{whole:,}"


def rule_id(rule: CaseRule, *, code: str) -> str:
    """VISIT_CODE_1.12; LAW_CASE_1.12 before the list of codes; FORMER_SELF_CENTRAL before 2025."""
    if not rule.is_code:
        return f"FORMER_{rule.case}"
    return f"VISIT_CODE_{rule.case}" if code else f"LAW_CASE_{rule.case}"


def reference(rule: CaseRule, *, code: str) -> str:
    """The decision and the article behind a case."""
    if not rule.is_code:
        return rule.article
    listed = f"{DECISION_3276}, mã {rule.case}; " if code else ""
    return f"{listed}{rule.article} ({_LAW_51})"


def low_cost_article(day: date) -> str:
    """The article of the 15 % rule on a day."""
    if day < LEVELS_OF_CARE_DATE:
        return "Luật BHYT điều 22 khoản 1 điểm b (sửa đổi bởi Luật 46/2014/QH13)" + (
            "; Nghị định 146/2018/NĐ-CP điều 14" if day >= _DECREE_146_DATE else ""
        )
    return f"Luật BHYT điều 22 khoản 1 điểm b (sửa đổi bởi {_LAW_51})"


def law_date(day: date) -> date:
    """From when the law of a day counts."""
    return _FORMER_LAW_DATE if day < LEVELS_OF_CARE_DATE else LEVELS_OF_CARE_DATE


def exempt_article(day: date) -> str:
    """The article of the copay exemption on a day."""
    if day < LEVELS_OF_CARE_DATE:
        return "Luật BHYT điều 22 khoản 1 điểm c (sửa đổi bởi Luật 46/2014/QH13)"
    decree = "; Nghị định 188/2025/NĐ-CP điều 18 khoản 2" if day >= _DECREE_188_DATE else ""
    return f"Luật BHYT điều 22 khoản 1 điểm d (sửa đổi bởi {_LAW_51}){decree}"


def exempt_date(day: date) -> date:
    """From when the rule of the copay exemption of a day counts."""
    return _DECREE_188_DATE if day >= _DECREE_188_DATE else law_date(day)


def of_case(rule: CaseRule, *, code: str, pct: int, base_vi: str, base_en: str) -> tuple[str, str]:
    """Why a case gives its rate."""
    name_vi = f"mã {code} ({rule.case_vi})" if code else rule.case_vi
    name_en = f"code {code} ({rule.case_en})" if code else rule.case_en
    if rule.rate_base == "absolute":
        return (
            f"{name_vi}: hưởng {pct}% không phụ thuộc mức trên thẻ",
            f"{name_en}: {pct}% whatever the card's level",
        )
    return f"{name_vi}: {pct}% của mức hưởng ({base_vi})", f"{name_en}: {pct}% of the base rate ({base_en})"


def of_state(rule: CaseRule, state: CandidateState, reason: str) -> tuple[str, str]:
    """Why a case counts or not."""
    if state is CandidateState.NOT_MET:
        vi, en = REASONS[reason]
        return f"Không áp dụng ({rule.case_vi}): {vi}.", f"Does not apply ({rule.case_en}): {en}."
    tail_vi, tail_en = {
        CandidateState.WON: ("Được áp dụng", "Counts"),
        CandidateState.LOWER: (
            "Áp dụng được nhưng có quyền lợi khác cao hơn, hoặc bằng và đứng trước trong danh mục",
            "Applies, but another right gives more, or the same and stands before it",
        ),
        CandidateState.NOT_CHOSEN: (
            "Có lợi hơn cho người bệnh nhưng cơ sở đã ghi mã khác",
            "Gives the patient more, but the facility named another code",
        ),
    }[state]
    return f"{tail_vi}: {rule.case_vi}.", f"{tail_en}: {rule.case_en}."


def of_low_cost(
    counts: Benefit, *, keeps_route: bool, is_below: bool, covered_vnd: int, limit_vnd: int
) -> tuple[CandidateState, str, str]:
    """What became of the 15 % rule."""
    facts_vi = f"chi phí trong phạm vi {dong_vi(covered_vnd)} đồng, ngưỡng {dong_vi(limit_vnd)} đồng"
    facts_en = f"covered cost {covered_vnd:,} dong, threshold {limit_vnd:,} dong"
    if counts.rule_id == "BELOW_15_PERCENT":
        return CandidateState.WON, f"Được áp dụng: {facts_vi}.", f"Counts: {facts_en}."
    if not is_below:
        return (
            CandidateState.NOT_MET,
            f"Không áp dụng: {facts_vi}; phải thấp hơn ngưỡng.",
            f"Does not apply: {facts_en}; it must be below.",
        )
    if not keeps_route:
        return (
            CandidateState.NOT_MET,
            "Không áp dụng: tự đến và chỉ được hưởng một phần mức hưởng.",
            "Does not apply: self-referred at a part of the rate.",
        )
    return CandidateState.LOWER, f"Đã hưởng 100%: {facts_vi}.", f"100% is given already: {facts_en}."


def of_exemption(
    counts: Benefit, *, keeps_route: bool, exemption: Exemption | None
) -> tuple[CandidateState, str, str]:
    """What became of the copay exemption."""
    if exemption is None:
        return (
            CandidateState.NOT_MET,
            "Không áp dụng: chưa đủ 5 năm liên tục hoặc chưa có số cùng chi trả lũy kế của cổng BHXH.",
            "Does not apply: five years are not complete, or the portal's accumulated copayments are not known.",
        )
    limit_vi, limit_en = fraction_dong(exemption.threshold)
    facts_vi = f"lũy kế {dong_vi(exemption.accumulated_vnd)} đồng, ngưỡng cả năm {limit_vi} đồng"
    facts_en = f"accumulated {exemption.accumulated_vnd:,} dong, threshold of the year {limit_en} dong"
    if counts.rule_id == "COPAY_EXEMPT":
        return CandidateState.WON, f"Được áp dụng: {facts_vi}.", f"Counts: {facts_en}."
    if not exemption.is_reached:
        return (
            CandidateState.NOT_MET,
            f"Chưa áp dụng từ đầu lượt khám: {facts_vi}; phải lớn hơn ngưỡng.",
            f"Does not count from the start of the visit: {facts_en}; it must be above.",
        )
    if not keeps_route:
        return (
            CandidateState.NOT_MET,
            "Không áp dụng: tự đến và chỉ được hưởng một phần mức hưởng.",
            "Does not apply: self-referred at a part of the rate.",
        )
    return CandidateState.LOWER, f"Đã hưởng 100%: {facts_vi}.", f"100% is given already: {facts_en}."


def without_insurance(finding: Finding | None) -> Benefit:
    """Nothing is recognised: never checked, not valid, or not known yet (provisional)."""
    if finding is None:
        return _not_insured(
            "Lượt khám chưa tra cứu BHYT nên tính theo giá dịch vụ.", "The coverage was never checked."
        )
    if finding.outcome not in PENDING:
        if finding.outcome is Outcome.SELF_PAY:
            return _not_insured("Người bệnh chọn tự chi trả.", "The patient chose to pay.")
        return _not_insured(
            "Không có thẻ BHYT hợp lệ vào ngày khám nên người bệnh tự chi trả.",
            "No card was valid on the day.",
        )
    why_vi, why_en = {
        Outcome.UNVERIFIED: (
            "Chưa tra cứu được BHYT; tạm tính 0% và sẽ tính lại khi cổng BHXH trả lời.",
            "The portal did not answer; 0% until it does.",
        ),
        Outcome.DISPUTED: (
            "Thông tin BHYT đang mâu thuẫn; tạm tính 0% và sẽ tính lại sau khi điều chỉnh.",
            "The answers contradict each other; 0% until they are corrected.",
        ),
        Outcome.PERSON_MISMATCH: (
            "Họ tên hoặc ngày sinh chưa khớp thẻ BHYT; tạm tính 0% và sẽ tính lại sau khi điều chỉnh.",
            "Name or birth date do not fit the card; 0% until they are corrected.",
        ),
    }[finding.outcome]
    return Benefit(
        rate_pct=Decimal(0),
        rule_id=f"{finding.outcome}_PENDING",
        legal_reference="Nghị định 188/2025/NĐ-CP điều 38 khoản 2",
        rule_valid_from_date=date(2025, 8, 15),
        is_insured=False,
        is_provisional=True,
        why_vi=why_vi,
        why_en=why_en,
    )


def registered_without() -> Benefit:
    """Code 9: the visit was registered without insurance."""
    return _not_insured(
        "Lượt khám được đăng ký không hưởng BHYT.", "The visit was registered without insurance."
    )


def card_ended(last_day: date | None) -> Benefit:
    """A line after the card's last day and its 15 days of grace (Decree 188/2025, art. 50 k4)."""
    when_vi = f" ngày {last_day:%d/%m/%Y}" if last_day is not None else ""
    when_en = f" on {last_day.isoformat()}" if last_day is not None else ""
    return Benefit(
        rate_pct=Decimal(0),
        rule_id="CARD_ENDED",
        legal_reference="Nghị định 188/2025/NĐ-CP điều 50 khoản 4",
        rule_valid_from_date=_DECREE_188_DATE,
        is_insured=False,
        why_vi=f"Thẻ hết hạn{when_vi} và đã quá 15 ngày được thanh toán thêm.",
        why_en=f"The card ended{when_en} and its 15 days of grace are over.",
    )


def _not_insured(why_vi: str, why_en: str) -> Benefit:
    return Benefit(
        rate_pct=Decimal(0),
        rule_id="NOT_INSURED",
        legal_reference=f"{DECISION_3276}, mã 9",
        rule_valid_from_date=date(2025, 7, 1),
        is_insured=False,
        why_vi=why_vi,
        why_en=why_en,
    )
