"""The amounts of a claim's lines (T_BHTT, T_BNCCT, T_BNTT, …) with two places, and their sums as XML1 wants them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from insurance_svc.domain.model import Benefit, CostLine
from insurance_svc.domain.split_measure import (
    after_other_funding,
    claim_shares,
    measure,
    rate_ratio,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAmounts:
    """One line of XML2 or XML3, dong with two places."""

    is_drug: bool
    """Whether it stands in XML2."""
    quantity: Decimal
    unit_price: Decimal
    """DON_GIA, DON_GIA_BV."""
    covered_unit_price: Decimal
    """DON_GIA_BH, after the ceiling."""
    scope: int
    """PHAM_VI."""
    service_pct: int
    """TYLE_TT_DV."""
    in_scope_pct: int
    """TYLE_TT_BH."""
    benefit_rate_pct: Decimal
    """MUC_HUONG."""
    total: Decimal
    """THANH_TIEN_BV."""
    covered: Decimal
    """THANH_TIEN_BH."""
    fund: Decimal
    """T_BHTT."""
    copay: Decimal
    """T_BNCCT."""
    self_pay: Decimal
    """T_BNTT."""
    other_state: Decimal
    """T_NGUONKHAC_NSNN."""
    other_foreign: Decimal
    """T_NGUONKHAC_VTNN."""
    other_domestic: Decimal
    """T_NGUONKHAC_VTTN."""
    other_rest: Decimal
    """T_NGUONKHAC_CL."""

    @property
    def other_funding(self) -> Decimal:
        """T_NGUONKHAC."""
        return self.other_state + self.other_foreign + self.other_domestic + self.other_rest


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTotals:
    """Sums over the lines of a claim."""

    total: Decimal
    """T_TONGCHI_BV."""
    covered: Decimal
    """T_TONGCHI_BH."""
    copay: Decimal
    """T_BNCCT."""
    self_pay: Decimal
    """T_BNTT."""
    other_funding: Decimal
    """T_NGUONKHAC."""
    drugs: Decimal
    """T_THUOC: THANH_TIEN_BV of XML2."""
    fund_by_lines: Decimal
    """Sum of the lines' T_BHTT: what the fund owes."""
    fund_by_header: Decimal
    """T_BHTT of XML1 as its formula says, T_TONGCHI_BH - T_BNCCT; claims too much where others paid."""

    @property
    def closing(self) -> Decimal:
        """How far header and lines are apart: rounding, or other funding that reached the covered part."""
        return self.fund_by_header - self.fund_by_lines


def claim_line_amounts(line: CostLine, benefit: Benefit, *, service_pct: int | None = None) -> ClaimAmounts:
    """The claim's amounts of a line, each by its formula, half up to two places.

    Args:
        line: A checked line.
        benefit: What counts for the line.
        service_pct: TYLE_TT_DV as the split worked it out (SplitLine.service_pct); None takes the line's own, or 100.
    Source: annex of Decision 3176/QĐ-BYT (in force 01/01/2025), XML2 and XML3.
    """
    measured = measure(line, benefit, service_pct if service_pct is not None else line.service_pct or 100)
    total, covered, shares = claim_shares(measured, rate_ratio(benefit.rate_pct))
    sources = other_sources(line, total)
    left = after_other_funding(shares, sum(sources))
    price = Decimal(line.unit_price_vnd) if line.exact_unit_price is None else line.exact_unit_price
    covered_price = (
        Decimal(line.covered_unit_price_vnd)
        if line.exact_covered_unit_price is None
        else line.exact_covered_unit_price
    )
    if line.ceiling_vnd:
        covered_price = min(covered_price, Decimal(line.ceiling_vnd))
    return ClaimAmounts(
        is_drug=measured.is_drug,
        quantity=line.quantity,
        unit_price=price,
        covered_unit_price=covered_price,
        scope=measured.scope,
        service_pct=measured.service_pct,
        in_scope_pct=measured.in_scope_pct,
        benefit_rate_pct=benefit.rate_pct,
        total=cents(total),
        covered=cents(covered),
        fund=cents(left.fund),
        copay=cents(left.copay),
        self_pay=cents(left.self_pay),
        other_state=cents(sources[0]),
        other_foreign=cents(sources[1]),
        other_domestic=cents(sources[2]),
        other_rest=cents(sources[3]),
    )


def claim_totals(lines: Iterable[ClaimAmounts]) -> ClaimTotals:
    """The sums of XML1; `closing` is the part that rounding or other funding leaves open."""
    rows = list(lines)
    covered, copay = _sum(row.covered for row in rows), _sum(row.copay for row in rows)
    return ClaimTotals(
        total=_sum(row.total for row in rows),
        covered=covered,
        copay=copay,
        self_pay=_sum(row.self_pay for row in rows),
        other_funding=_sum(row.other_funding for row in rows),
        drugs=_sum(row.total for row in rows if row.is_drug),
        fund_by_lines=_sum(row.fund for row in rows),
        fund_by_header=covered - copay,
    )


def other_sources(line: CostLine, total_cents: int) -> tuple[int, int, int, int]:
    """The four sources of other funding in hundredths of a dong; money not told by source is the rest.

    Whole dong may be up to half a dong more than a total with two places: what is too much comes off the last source.
    """
    if not line.other_funding_vnd:
        return 0, 0, 0, 0
    told = line.other_state_vnd + line.other_foreign_vnd + line.other_domestic_vnd
    sources = [
        100 * line.other_state_vnd,
        100 * line.other_foreign_vnd,
        100 * line.other_domestic_vnd,
        100 * (line.other_funding_vnd - told),
    ]
    excess = max(100 * line.other_funding_vnd - total_cents, 0)
    for index in (3, 2, 1, 0):
        off = min(excess, sources[index])
        sources[index] -= off
        excess -= off
    return sources[0], sources[1], sources[2], sources[3]


def cents(amount: int) -> Decimal:
    """Hundredths of a dong as dong with two places."""
    return Decimal(amount).scaleb(-2)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal("0.00"))
