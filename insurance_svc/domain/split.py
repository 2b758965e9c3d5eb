"""Splits the lines of a bill between the fund, the patient and other funding, dong by dong."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from insurance_svc.domain.benefit import VisitFacts, benefit_of
from insurance_svc.domain.errors import LineMalformed, TooManyLines
from insurance_svc.domain.model import Benefit, CostLine, CostSplit, Finding, SplitCommand, SplitLine
from insurance_svc.domain.tables import Rules
from standards.money import round_half_up, split_by_rate

LINES_MAX = 2_000
LINE_TOTAL_MAX_VND = 100_000_000_000
"""A hundred billion dong on one line is a typing error; sums of 2,000 lines stay far inside 64 bits."""
_QUANTITY_MAX = Decimal(1_000_000)
_LINE_ID_MAX_CHARS = 32
_TEXT_MAX_CHARS = 500


def split_cost(command: SplitCommand, finding: Finding | None, *, facility: str, rules: Rules) -> CostSplit:
    """Split a visit's lines by the coverage and the rules of the day.

    Raises:
        TooManyLines, LineMalformed: of the lines.
        VisitCodeUnknown: the code given does not count for this visit.
    Source: Decision 4750/QĐ-BYT (amended by 3176/QĐ-BYT), columns T_BHTT, T_BNCCT, T_BNTT, T_NGUONKHAC of XML2/XML3.
    """
    check_lines(command.lines)
    facts = VisitFacts(
        facility=facility,
        service_date=command.service_date,
        visit_code=command.visit_code,
        is_inpatient=command.is_inpatient,
        is_emergency=command.is_emergency,
        covered_vnd=sum(_amount(line.quantity, line.covered_unit_price_vnd) for line in command.lines),
    )
    code, benefit = benefit_of(finding, facts, rules)
    lines = tuple(split_line(line, benefit) for line in command.lines)
    split = CostSplit(
        visit_code=code,
        benefit=benefit,
        lines=lines,
        total_vnd=sum(line.total_vnd for line in lines),
        fund_vnd=sum(line.fund_vnd for line in lines),
        patient_vnd=sum(line.copay_vnd + line.self_pay_vnd for line in lines),
        other_funding_vnd=sum(line.other_funding_vnd for line in lines),
    )
    assert split.total_vnd == split.fund_vnd + split.patient_vnd + split.other_funding_vnd
    return split


def split_line(line: CostLine, benefit: Benefit) -> SplitLine:
    """Split one line; total = fund + copay + self_pay + other_funding, none negative.

    Money from others that is given to the patient comes off the part outside the scope first, then the co-payment, then
    the fund's share. So the sum of the lines' fund shares, not the header formula T_TONGCHI_BH - T_BNCCT, is what the
    fund owes: a donor of 30 on 120 (100 recognised, 80 %) leaves 80/10/0/30, and the header formula says 90.
    """
    total_vnd = _amount(line.quantity, line.unit_price_vnd)
    covered_vnd = _amount(line.quantity, line.covered_unit_price_vnd) if benefit.is_insured else 0
    fund_vnd, copay_vnd = split_by_rate(covered_vnd, benefit.rate_pct)
    self_pay_vnd = total_vnd - covered_vnd
    left_vnd = line.other_funding_vnd
    off_self_vnd = min(left_vnd, self_pay_vnd)
    left_vnd -= off_self_vnd
    off_copay_vnd = min(left_vnd, copay_vnd)
    left_vnd -= off_copay_vnd
    assert left_vnd <= fund_vnd, "other funding is at most the total"
    made = SplitLine(
        line_id=line.line_id,
        display_name=line.display_name,
        total_vnd=total_vnd,
        covered_vnd=covered_vnd,
        fund_vnd=fund_vnd - left_vnd,
        copay_vnd=copay_vnd - off_copay_vnd,
        self_pay_vnd=self_pay_vnd - off_self_vnd,
        other_funding_vnd=line.other_funding_vnd,
        explanation_vi=_explain(benefit, covered_vnd=covered_vnd, total_vnd=total_vnd),
    )
    shares = (made.fund_vnd, made.copay_vnd, made.self_pay_vnd, made.other_funding_vnd)
    assert sum(shares) == total_vnd
    assert min(shares) >= 0
    return made


def check_lines(lines: Sequence[CostLine]) -> None:
    """Refuse what cannot be a bill.

    Raises:
        TooManyLines: none, or more than LINES_MAX.
        LineMalformed: an id twice or too long, a quantity or price out of range, other money above the total.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise TooManyLines(line_count=len(lines), limit_count=LINES_MAX)
    seen: set[str] = set()
    for index, line in enumerate(lines):
        _check_line(index, line)
        if line.line_id in seen:
            raise LineMalformed(field=f"lines[{index}].line_id", rule="given_twice")
        seen.add(line.line_id)


def _check_line(index: int, line: CostLine) -> None:
    place = f"lines[{index}]"
    if not 1 <= len(line.line_id) <= _LINE_ID_MAX_CHARS:
        raise LineMalformed(field=f"{place}.line_id", rule="1_to_32_characters")
    if not line.display_name.strip() or len(line.display_name) > _TEXT_MAX_CHARS:
        raise LineMalformed(field=f"{place}.display_name", rule="1_to_500_characters")
    if len(line.service_code) > _TEXT_MAX_CHARS:
        raise LineMalformed(field=f"{place}.service_code", rule="at_most_500_characters")
    if not 0 < line.quantity <= _QUANTITY_MAX or line.quantity != round(line.quantity, 3):
        raise LineMalformed(field=f"{place}.quantity", rule="above_0_with_at_most_3_places")
    if not 0 <= line.unit_price_vnd <= LINE_TOTAL_MAX_VND:
        raise LineMalformed(field=f"{place}.unit_price_vnd", rule="out_of_range")
    if not 0 <= line.covered_unit_price_vnd <= line.unit_price_vnd:
        raise LineMalformed(field=f"{place}.covered_unit_price_vnd", rule="0_to_unit_price")
    total_vnd = _amount(line.quantity, line.unit_price_vnd)
    if total_vnd > LINE_TOTAL_MAX_VND:
        raise LineMalformed(field=f"{place}.quantity", rule="line_total_too_large")
    if not 0 <= line.other_funding_vnd <= total_vnd:
        raise LineMalformed(field=f"{place}.other_funding_vnd", rule="0_to_line_total")


def _amount(quantity: Decimal, unit_price_vnd: int) -> int:
    """Quantity times price in whole dong, half up."""
    return round_half_up(quantity * unit_price_vnd)


def _explain(benefit: Benefit, *, covered_vnd: int, total_vnd: int) -> str:
    """One line's explanation for the patient: rate, reason, rule, article and the day it came into force."""
    rate = f"{benefit.rate_pct.normalize():f}".replace(".", ",")
    rule = f"{benefit.legal_reference}, áp dụng từ {benefit.rule_valid_from_date:%d/%m/%Y}"
    if not benefit.is_insured:
        return f"{benefit.why_vi} Mức hưởng {rate}% [{benefit.rule_id}]. Căn cứ: {rule}."
    if covered_vnd == 0:
        return f"Dịch vụ ngoài phạm vi BHYT, người bệnh tự trả. Mức hưởng của lượt khám {rate}% [{benefit.rule_id}]."
    outside_vi = (
        " Phần chênh lệch ngoài phạm vi BHYT do người bệnh tự trả." if covered_vnd < total_vnd else ""
    )
    return f"Quỹ BHYT trả {rate}% vì {benefit.why_vi} [{benefit.rule_id}]. Căn cứ: {rule}.{outside_vi}"
