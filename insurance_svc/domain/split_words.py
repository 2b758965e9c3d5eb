"""What a line's split says to the patient: amounts, rate, rule, article and the day it came into force."""

from __future__ import annotations

from insurance_svc.domain.benefit_words import dong_vi, pct_en, pct_vi
from insurance_svc.domain.model import Benefit, CostLine
from insurance_svc.domain.split_measure import FORCES_SCOPE, Measure, Shares


class Explainer:
    """Explains lines under one right; what does not change from line to line is written once."""

    def __init__(self, benefit: Benefit) -> None:
        since = benefit.rule_valid_from_date
        rate_vi, rate_en = pct_vi(benefit.rate_pct), pct_en(benefit.rate_pct)
        rule_vi = f"[{benefit.rule_id}] Căn cứ: {benefit.legal_reference}, áp dụng từ {since:%d/%m/%Y}."
        rule_en = f"[{benefit.rule_id}] Source: {benefit.legal_reference}, in force from {since}."
        self._rate = rate_vi, rate_en
        self._rule = rule_vi, rule_en
        if benefit.is_insured:
            self._head = (
                "Dịch vụ ngoài phạm vi BHYT, người bệnh tự trả ",
                "Outside the scope of insurance, the patient pays ",
            )
            self._tail = f" Mức hưởng của lượt khám {rate_vi}", f" The visit's rate is {rate_en}"
        else:
            self._head = (
                f"{benefit.why_vi} Mức hưởng {rate_vi}; người bệnh trả ",
                f"{benefit.why_en} Rate {rate_en}; the patient pays ",
            )
            self._tail = "", ""
        self._why = f" đồng, vì {benefit.why_vi}.", f" dong, because of {benefit.why_en}."

    def explain(self, line: CostLine, measured: Measure, shares: Shares) -> tuple[str, str]:
        """One line's explanation in Vietnamese and English."""
        rule_vi, rule_en = self._rule
        rate_vi, rate_en = self._rate
        other_vi = other_en = ""
        if line.other_funding_vnd:
            other_vi, other_en = _other(line)
        if not measured.covered_vnd:
            self_en = f"{shares.self_pay:,}"
            self_vi = self_en.replace(",", ".")
            head_vi, head_en = self._head
            return (
                f"{head_vi}{self_vi} đồng.{other_vi}{self._tail[0]} {rule_vi}",
                f"{head_en}{self_en} dong.{other_en}{self._tail[1]} {rule_en}",
            )
        reduced_vi = reduced_en = outside_vi = outside_en = ""
        is_whole = measured.service_pct == 100 == measured.in_scope_pct and measured.scope == 1
        if not is_whole or line.ceiling_vnd:
            reduced_vi, reduced_en = _reduced(line, measured)
        if measured.covered_vnd < measured.total_vnd:
            self_en = f"{shares.self_pay:,}"
            outside_vi = f" Phần ngoài phạm vi BHYT do người bệnh tự trả: {self_en.replace(',', '.')} đồng."
            outside_en = f" Outside the scope, paid by the patient: {self_en} dong."
        # Each amount is formatted once: that is what this function spends its time on.
        covered, fund, copay = f"{measured.covered_vnd:,}", f"{shares.fund:,}", f"{shares.copay:,}"
        sums_vi = f"{covered} đồng: {fund} đồng; cùng chi trả {copay}".replace(",", ".")
        why_vi, why_en = self._why
        return (
            f"Quỹ BHYT trả {rate_vi} của {sums_vi}{why_vi}{reduced_vi}{outside_vi}{other_vi} {rule_vi}",
            f"The fund pays {rate_en} of {covered} dong: {fund} dong; copayment {copay}{why_en}{reduced_en}{outside_en}"
            f"{other_en} {rule_en}",
        )


def _reduced(line: CostLine, measured: Measure) -> tuple[str, str]:
    """Why less than the price is recognised, where a rate or a ceiling says so."""
    vi = en = ""
    if measured.service_pct != 100:
        vi += f" Thanh toán {measured.service_pct}% đơn giá (TYLE_TT_DV)."
        en += f" {measured.service_pct}% of the price is paid (TYLE_TT_DV)."
    if measured.in_scope_pct != 100:
        vi += f" Danh mục BHYT thanh toán {measured.in_scope_pct}% (TYLE_TT_BH)."
        en += f" The list pays {measured.in_scope_pct}% (TYLE_TT_BH)."
    if line.ceiling_vnd and line.ceiling_vnd < line.covered_unit_price_vnd:
        vi += f" Mức thanh toán tối đa của quỹ {dong_vi(line.ceiling_vnd)} đồng một đơn vị (T_TRANTT)."
        en += f" The fund pays at most {line.ceiling_vnd:,} dong a unit (T_TRANTT)."
    if measured.scope == FORCES_SCOPE:
        vi += " Dành cho quân đội, công an, cơ yếu (PHAM_VI 3)."
        en += " For army, police and cipher (PHAM_VI 3)."
    return vi, en


def _other(line: CostLine) -> tuple[str, str]:
    return (
        f" Nguồn khác hỗ trợ {dong_vi(line.other_funding_vnd)} đồng.",
        f" Others paid {line.other_funding_vnd:,} dong.",
    )
