"""The benefit rate of a visit: which visit code counts, which base rate the card gives, and the rule behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from insurance_svc.domain.errors import VisitCodeUnknown
from insurance_svc.domain.model import INSURED, PENDING, Benefit, Finding, InsuranceCard, Outcome
from insurance_svc.domain.tables import Facility, Rules, VisitCodeRule, base_rate, in_force

UNKNOWN_LEVEL_RATE_PCT = Decimal(80)
"""Base rate while the level is not known: the lowest one, level 4."""
LOW_COST_PCT = 15
"""A visit cheaper than this part of the reference level is free of co-payment (Health Insurance Law art. 22)."""
FIRST_LEVEL_KINDS = frozenset(
    {
        "commune_station",
        "family_doctor",
        "army_civil_station",
        "area_health_centre",
        "workplace_station",
        "workplace_clinic",
        "army_police_primary",
    }
)
"""The listed kinds of code 1.2 in Decision 3276/QĐ-BYT."""
_DECISION_3276 = "Quyết định 3276/QĐ-BYT ngày 17/10/2025"
_LAW_ARTICLE_22 = "Luật BHYT điều 22 (sửa đổi bởi Luật 51/2024/QH15)"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What the rate of a visit hangs on, besides the coverage."""

    facility: str
    service_date: date
    visit_code: str
    """As given; empty means worked out."""
    is_inpatient: bool
    is_emergency: bool
    covered_vnd: int
    """Sum of what the fund recognises, for the 15 % threshold."""


def benefit_of(finding: Finding | None, facts: VisitFacts, rules: Rules) -> tuple[str, Benefit]:
    """The visit code that counts ("" when not insured) and the rate with its rule.

    Args:
        finding: The newest coverage; None when nothing was ever checked (self-pay).
        facts: About the visit.
        rules: The dated tables.
    Raises:
        VisitCodeUnknown: the code given does not count on the day or for this kind of stay.
    Source: Decision 3276/QĐ-BYT (17/10/2025); Health Insurance Law art. 22 as amended by Law 51/2024/QH15; the highest
        right counts (Decree 188/2025, art. 21 k1).
    """
    row = None
    if facts.visit_code:
        # A wrong code is refused even while nobody is insured, or it would surface only after the re-check.
        row = _row(facts.visit_code, facts, rules)
    if finding is None or finding.outcome not in INSURED:
        return "", _without_insurance(finding)
    code = facts.visit_code or visit_code_of(finding.card, facts, rules.facilities)
    if code == "9":
        return code, _not_insured("Lượt khám được đăng ký không hưởng BHYT.")
    if row is None:
        row = _row(code, facts, rules)
    base_pct, base_vi = card_base_rate(finding.card, facts.service_date, rules)
    return code, _rate(row, facts, rules, base_pct=base_pct, base_vi=base_vi)


def visit_code_of(card: InsuranceCard | None, facts: VisitFacts, facilities: Iterable[Facility]) -> str:
    """Work the visit code out, in the order of the decision; an unknown facility counts as 1.11.

    Referral and re-examination slips (1.3, 1.5) and disease lists (1.16, 1.17) are not known here: they come as a
    code given by the caller.
    """
    facility = _facility_on(facts.facility, facts.service_date, facilities)
    if facility is not None and facility.kind in FIRST_LEVEL_KINDS:
        return "1.2"
    if facts.is_emergency:
        return "2"
    registered = card.registered_facility_code if card is not None else ""
    known_codes = {facts.facility} | (facility.former_codes if facility is not None else frozenset())
    if registered and registered in known_codes:
        return "1.1"
    if facility is None or facility.level == "first":
        return "1.11"
    if facility.level == "basic":
        return _basic_code(facility, is_inpatient=facts.is_inpatient)
    return _specialised_code(facility, is_inpatient=facts.is_inpatient)


def card_base_rate(card: InsuranceCard | None, day: date, rules: Rules) -> tuple[Decimal, str]:
    """The card's base rate in percent on a day, and why, in Vietnamese.

    The level is dated: a rule on (group, day) wins over what an old card prints (Resolution 261/2025/QH15).
    """
    if card is None or (not card.benefit_level and not card.object_group):
        return UNKNOWN_LEVEL_RATE_PCT, "chưa biết mức hưởng trên thẻ, tạm tính mức thấp nhất 80%"
    dated = in_force([rule for rule in rules.group_levels if rule.object_group == card.object_group], day)
    level = dated[0].level if dated else card.benefit_level
    rate = base_rate(rules.levels, level=level, day=day)
    if rate is None:
        return UNKNOWN_LEVEL_RATE_PCT, "chưa có quy định mức hưởng cho ngày này, tạm tính 80%"
    changed = dated and card.benefit_level and level != card.benefit_level
    note = f" (thẻ in mức {card.benefit_level}, đã đổi theo quy định mới)" if changed else ""
    return rate, f"nhóm {card.object_group}, mức hưởng {level}: {_pct(rate)}{note}"


def low_cost_limit_vnd(rules: Rules, day: date) -> int | None:
    """15 % of the reference level on a day, whole dong; None before the first known salary."""
    found = in_force(rules.reference_levels, day)
    return found[0].vnd_per_month * LOW_COST_PCT // 100 if found else None


def _rate(row: VisitCodeRule, facts: VisitFacts, rules: Rules, *, base_pct: Decimal, base_vi: str) -> Benefit:
    pct = row.inpatient_pct if facts.is_inpatient else row.outpatient_pct
    assert pct is not None, "_row refuses codes without a percent"
    reference = f"{_DECISION_3276}, mã {row.code}; {_LAW_ARTICLE_22}"
    if row.rate_base == "absolute":
        rate, why = Decimal(pct), f"mã {row.code}: hưởng {pct}% không phụ thuộc mức trên thẻ"
    else:
        rate = Decimal(pct) * base_pct / 100
        why = f"mã {row.code}: {pct}% của mức hưởng ({base_vi})"
    limit_vnd = low_cost_limit_vnd(rules, facts.service_date)
    # A reduced percent means that the route was not kept; the threshold belongs to the right route.
    if pct == 100 and rate < 100 and limit_vnd is not None and facts.covered_vnd < limit_vnd:
        salary = in_force(rules.reference_levels, facts.service_date)[0]
        return Benefit(
            rate_pct=Decimal(100),
            rule_id="BELOW_15_PERCENT",
            legal_reference=f"{_LAW_ARTICLE_22}; Nghị định {salary.decree}",
            rule_valid_from_date=salary.valid_from_date,
            is_insured=True,
            why_vi=f"tổng chi phí dưới 15% mức lương cơ sở ({_dong(limit_vnd)} đồng) nên được hưởng 100%",
        )
    return Benefit(
        rate_pct=rate,
        rule_id=f"VISIT_CODE_{row.code}",
        legal_reference=reference,
        rule_valid_from_date=row.valid_from_date,
        is_insured=True,
        why_vi=why,
    )


def _row(code: str, facts: VisitFacts, rules: Rules) -> VisitCodeRule:
    day = facts.service_date.isoformat()
    rows = [rule for rule in rules.visit_codes if rule.code == code]
    if not rows:
        raise VisitCodeUnknown(why="no_such_code", service_date=day)
    found = in_force(rows, facts.service_date)
    if not found:
        raise VisitCodeUnknown(why="not_in_force", service_date=day)
    if found[0].rate_base == "case":
        raise VisitCodeUnknown(why="needs_code_of_original_visit", service_date=day)
    pct = found[0].inpatient_pct if facts.is_inpatient else found[0].outpatient_pct
    if pct is None:
        raise VisitCodeUnknown(
            why="not_for_inpatient" if facts.is_inpatient else "not_for_outpatient", service_date=day
        )
    return found[0]


def _without_insurance(finding: Finding | None) -> Benefit:
    if finding is None:
        return _not_insured("Lượt khám chưa tra cứu BHYT nên tính theo giá dịch vụ.")
    if finding.outcome not in PENDING:
        chosen = finding.outcome is Outcome.SELF_PAY
        why = (
            "Người bệnh chọn tự chi trả."
            if chosen
            else "Không có thẻ BHYT hợp lệ vào ngày khám nên người bệnh tự chi trả."
        )
        return _not_insured(why)
    rule = f"{finding.outcome}_PENDING"
    why = {
        Outcome.UNVERIFIED: "Chưa tra cứu được BHYT; tạm tính 0% và sẽ tính lại khi cổng BHXH trả lời.",
        Outcome.DISPUTED: "Thông tin BHYT đang mâu thuẫn; tạm tính 0% và sẽ tính lại sau khi điều chỉnh.",
        Outcome.PERSON_MISMATCH: (
            "Họ tên hoặc ngày sinh chưa khớp thẻ BHYT; tạm tính 0% và sẽ tính lại sau khi điều chỉnh."
        ),
    }[finding.outcome]
    return Benefit(
        rate_pct=Decimal(0),
        rule_id=rule,
        legal_reference="Nghị định 188/2025/NĐ-CP điều 38 khoản 2",
        rule_valid_from_date=date(2025, 8, 15),
        is_insured=False,
        is_provisional=True,
        why_vi=why,
    )


def _not_insured(why_vi: str) -> Benefit:
    return Benefit(
        rate_pct=Decimal(0),
        rule_id="NOT_INSURED",
        legal_reference=f"{_DECISION_3276}, mã 9",
        rule_valid_from_date=date(2025, 7, 1),
        is_insured=False,
        why_vi=why_vi,
    )


def _facility_on(code: str, day: date, facilities: Iterable[Facility]) -> Facility | None:
    found = in_force([each for each in facilities if each.code == code], day)
    return found[0] if found else None


def _basic_code(facility: Facility, *, is_inpatient: bool) -> str:
    """Basic level, self-referred: points and former tier decide for outpatients."""
    if is_inpatient:
        return "1.15"
    if facility.former_tier in ("provincial", "central"):
        return "1.14"
    return "1.12" if facility.points is None or facility.points < 50 else "1.13"


def _specialised_code(facility: Facility, *, is_inpatient: bool) -> str:
    """Specialised level, self-referred: the tier before 01/01/2025 decides."""
    if facility.former_tier == "district":
        return "3.3"
    if facility.former_tier == "provincial":
        return "3.2" if is_inpatient else "1.18"
    return "3.1"


def _pct(rate: Decimal) -> str:
    """A rate as Vietnamese readers write it: 47,5%."""
    return f"{rate.normalize():f}%".replace(".", ",")


def _dong(amount_vnd: int) -> str:
    return f"{amount_vnd:,}".replace(",", ".")
