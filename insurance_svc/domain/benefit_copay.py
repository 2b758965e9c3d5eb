"""The two thresholds of the reference level: a cheap visit, and the year's copayments after five insured years."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from insurance_svc.domain.model import CopayRecord, InsuranceCard, Note
from insurance_svc.domain.tables import ReferenceLevelRule, Rules, in_force

LOW_COST_PCT = 15
"""A visit cheaper than this part of the reference level is free of copayment (Health Insurance Law art. 22 k1 b)."""
EXEMPT_MONTHS = 6
"""Above so many reference levels of copayments in a year, with five years of insurance, there are none (k1 d)."""

_HALVES_UNKNOWN = Note(
    code="COPAY_HALVES_UNKNOWN",
    vi=(
        "Trong năm mức lương cơ sở thay đổi nhưng chưa biết số tiền cùng chi trả trước ngày thay đổi; "
        "tạm dùng ngưỡng 6 tháng lương mới, ngưỡng đúng có thể thấp hơn."
    ),
    en=(
        "The base salary changed inside the year and it is not known what was paid before; six new salaries are "
        "taken, the right threshold may be lower."
    ),
)
_CONVERSION = Note(
    code="COPAY_CONVERSION",
    vi=(
        "Ngưỡng miễn cùng chi trả được quy đổi theo điểm c khoản 2 điều 18 Nghị định 188/2025/NĐ-CP; công thức đọc "
        "từ tài liệu thứ cấp, cần đối chiếu với cơ quan BHXH."
    ),
    en=(
        "The threshold is converted by Decree 188/2025 art. 18 k2 c; the formula was read in secondary sources and "
        "needs to be confirmed with the insurer."
    ),
)
_NO_RECORD = Note(
    code="COPAY_RECORD_UNKNOWN",
    vi="Đã đủ 5 năm liên tục nhưng chưa có số cùng chi trả lũy kế của cổng BHXH; chưa xét miễn cùng chi trả.",
    en="Five years are complete, the portal's accumulated copayments are not known; no exemption was looked at.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Where somebody stands on the way to having no copayments for the rest of the year."""

    threshold: Fraction
    """Copayments of the year that have to be passed, dong; strictly."""
    accumulated_vnd: int
    is_reached: bool
    """Exempt from the first dong of the visit."""
    notes: tuple[Note, ...]


def reference_level_on(rules: Rules, day: date) -> ReferenceLevelRule | None:
    """The reference level of a day; None before the first known one."""
    found = in_force(rules.reference_levels, day)
    return found[0] if found else None


def low_cost_limit_vnd(rules: Rules, day: date) -> int | None:
    """15 % of the reference level on a day, whole dong; None before the first known salary."""
    found = reference_level_on(rules, day)
    return found.vnd_per_month * LOW_COST_PCT // 100 if found else None


def exemption_of(
    card: InsuranceCard | None, copay: CopayRecord | None, day: date, rules: Rules
) -> tuple[Exemption | None, tuple[Note, ...]]:
    """How far a citizen is from the copay exemption on a day; None where it cannot be looked at, with the reason.

    Source: Health Insurance Law art. 22 k1 d; Decree 188/2025, art. 18 k2 (in force 01/07/2025): both conditions,
        strictly more than six months, until 31 December; the portal's sum is the truth.
    """
    if copay is not None and _is_certified(copay, day):
        return (
            Exemption(
                threshold=Fraction(0), accumulated_vnd=copay.accumulated_vnd, is_reached=True, notes=()
            ),
            (),
        )
    if card is None or card.five_year_date is None or card.five_year_date > day:
        return None, ()
    if copay is None:
        return None, (_NO_RECORD,)
    found = _threshold(copay, day, rules)
    if found is None:
        return None, ()
    threshold, is_met, notes = found
    reached = is_met or copay.accumulated_vnd > threshold
    return (
        Exemption(
            threshold=threshold, accumulated_vnd=copay.accumulated_vnd, is_reached=reached, notes=notes
        ),
        (),
    )


def _is_certified(copay: CopayRecord, day: date) -> bool:
    """Exempt by the portal's date or a certificate, which ends with its year."""
    first = copay.exempt_from_date
    return first is not None and first <= day and first.year == day.year


def _threshold(copay: CopayRecord, day: date, rules: Rules) -> tuple[Fraction, bool, tuple[Note, ...]] | None:
    """The year's threshold, and whether it was passed before the salary changed.

    Source: Decree 188/2025, art. 18 k2 c: (6 - paid before / old salary) x new salary are left to pay after the change;
        who had paid six old salaries before it is exempt at once. Read in the notice of Bạch Mai hospital of 02/07/2026
        (13,000,000 paid: 1,124,444 left) as quoted in public hospital software, not in the decree.
    """
    level = reference_level_on(rules, day)
    if level is None:
        return None
    old = reference_level_on(rules, date(day.year, 1, 1))
    if old is None or old.valid_from_date == level.valid_from_date:
        return Fraction(EXEMPT_MONTHS * level.vnd_per_month), False, ()
    if copay.before_change_vnd is None:
        threshold = Fraction(EXEMPT_MONTHS * level.vnd_per_month)
        is_sure = copay.accumulated_vnd > threshold
        return threshold, False, () if is_sure else (_HALVES_UNKNOWN,)
    before = Fraction(copay.before_change_vnd)
    months_left = EXEMPT_MONTHS - before / old.vnd_per_month
    if months_left <= 0:
        return Fraction(EXEMPT_MONTHS * old.vnd_per_month), True, (_CONVERSION,)
    return before + months_left * level.vnd_per_month, False, (_CONVERSION,)
