"""The formulas of one line, exactly: whole numbers of fractions of a dong, rounded half up once at the end.

Quantities and prices have at most three places and percentages none, so every product is a whole number of 10^-8 or
10^-10 dong. Source: annex of Decision 3176/QĐ-BYT (in force 01/01/2025), columns of XML2 and XML3.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from insurance_svc.domain.model import Benefit, CostLine

_E8, _E10 = 10**8, 10**10
_CENT_E8, _CENT_E10 = 10**6, 10**8
PATIENT_SCOPE = 2
FORCES_SCOPE = 3


class Measure(NamedTuple):
    """A line's exact amounts before any share is taken."""

    total_e8: int
    """What the facility charges, in 10^-8 dong."""
    covered_e10: int
    """What the fund recognises, in 10^-10 dong."""
    total_vnd: int
    covered_vnd: int
    service_pct: int
    in_scope_pct: int
    """0 outside the scope."""
    scope: int
    """PHAM_VI as applied."""
    is_drug: bool


class Shares(NamedTuple):
    """Who pays what of a line, in one unit (dong or hundredths of it)."""

    fund: int
    copay: int
    self_pay: int


def measure(line: CostLine, benefit: Benefit, service_pct: int) -> Measure:
    """The exact amounts of a line under a right.

    Args:
        line: A checked line.
        benefit: What counts for it: whether anything is recognised, and whether limits by ratio hold.
        service_pct: TYLE_TT_DV, 1 to 100, as told or worked out (0 from the sixth examination on).
    """
    is_drug = line.is_drug
    scope = line.scope or (1 if line.covered_unit_price_vnd else PATIENT_SCOPE)
    in_scope_pct = _in_scope_pct(line, benefit, scope)
    quantity = _thousandths(line.quantity)
    price = (
        line.unit_price_vnd * 1000 if line.exact_unit_price is None else _thousandths(line.exact_unit_price)
    )
    covered_price = (
        line.covered_unit_price_vnd * 1000
        if line.exact_covered_unit_price is None
        else _thousandths(line.exact_covered_unit_price)
    )
    if line.ceiling_vnd:
        covered_price = min(covered_price, line.ceiling_vnd * 1000)
    covered = quantity * covered_price
    if line.waives_difference:
        # The facility charges its own price less what the fund leaves: 100000, 40000, 30 % make 72000.
        total_e8 = quantity * price * 100 - covered * (100 - service_pct)
    else:
        total_e8 = quantity * price * service_pct
    covered_e10 = covered * service_pct * in_scope_pct
    return Measure(
        total_e8,
        covered_e10,
        # Half up by an even whole number, written out: this runs for every line of every bill.
        (total_e8 + _E8 // 2) // _E8,
        (covered_e10 + _E10 // 2) // _E10,
        service_pct,
        in_scope_pct,
        scope,
        is_drug,
    )


def whole_shares(measured: Measure, rate: tuple[int, int]) -> Shares:
    """The shares in whole dong, to be collected; half a dong goes to the fund. They add up to the line.

    Args:
        measured: The line.
        rate: Benefit rate in percent, as numerator and denominator.
    """
    fund_vnd = half_up(measured.covered_e10 * rate[0], _E10 * 100 * rate[1])
    return Shares(fund_vnd, measured.covered_vnd - fund_vnd, measured.total_vnd - measured.covered_vnd)


def claim_shares(measured: Measure, rate: tuple[int, int]) -> tuple[int, int, Shares]:
    """THANH_TIEN_BV, THANH_TIEN_BH and the shares of the claim, in hundredths of a dong, each as its formula says.

    With TYLE_TT_BH under 100 the formulas of XML2 do not close: 333333.33 at 50 % leaves 0.01 between THANH_TIEN_BH and
    T_BHTT + T_BNCCT. The difference is told by the split's rounding, never corrected here.
    """
    total = (measured.total_e8 + _CENT_E8 // 2) // _CENT_E8
    covered = (measured.covered_e10 + _CENT_E10 // 2) // _CENT_E10
    if not measured.is_drug:
        fund = half_up(covered * rate[0], 100 * rate[1])
        return total, covered, Shares(fund, covered - fund, total - covered)
    fund = half_up(total * measured.in_scope_pct * rate[0], 10_000 * rate[1])
    self_pay = half_up(total * (100 - measured.in_scope_pct), 100)
    # Both halves of an odd hundredth round up: the patient's part would be -0.01.
    return total, covered, Shares(fund, max(total - fund - self_pay, 0), self_pay)


def after_other_funding(shares: Shares, other: int) -> Shares:
    """What is left once others paid: off what the patient pays outside the scope, then the copayment, then the fund.

    Source: annex of Decision 3176/QĐ-BYT, T_NGUONKHAC.
    """
    off_self = min(other, shares.self_pay)
    off_copay = min(other - off_self, shares.copay)
    off_fund = min(other - off_self - off_copay, shares.fund)
    return Shares(shares.fund - off_fund, shares.copay - off_copay, shares.self_pay - off_self)


def rate_ratio(rate_pct: Decimal) -> tuple[int, int]:
    """A rate in percent as numerator and denominator."""
    return rate_pct.as_integer_ratio()


def half_up(numerator: int, denominator: int) -> int:
    """Numerator, at least 0, divided and rounded to whole numbers, half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _in_scope_pct(line: CostLine, benefit: Benefit, scope: int) -> int:
    if not benefit.is_insured or scope == PATIENT_SCOPE or not line.covered_unit_price_vnd:
        return 0
    if scope == FORCES_SCOPE and not benefit.covers_forces:
        return 0
    return 100 if benefit.has_no_rate_limits else line.in_scope_pct or 100


def _thousandths(amount: Decimal) -> int:
    numerator, denominator = amount.as_integer_ratio()
    return numerator * 1000 // denominator
