"""Amounts of claims in whole numbers: the annexes' formulas a second time, so that the linter's own cannot agree with
themselves. Quantities and prices are thousandths, amounts hundredths of a dong.
"""

from __future__ import annotations

from datetime import datetime

from standards.claims import Row


def stamp(when: datetime) -> str:
    """yyyyMMddHHmm."""
    return when.strftime("%Y%m%d%H%M")


def dong(cents: int) -> str:
    """An amount of hundredths as claims write it, without needless zeros."""
    whole, rest = divmod(cents, 100)
    return str(whole) if not rest else f"{whole}.{rest:02d}".rstrip("0")


def cents(text: str) -> int:
    """Hundredths of an amount."""
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int((rest + "00")[:2])


def thousandths(value: int) -> str:
    """A quantity or a price with three places."""
    return f"{value // 1000}.{value % 1000:03d}"


def half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number of a positive fraction, halves upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def money_of_drug(row: Row, *, quantity: int, price: int, others: int) -> None:
    """Fill a line of XML2; quantity and price in thousandths, others in hundredths of a dong."""
    in_scope, rate = int(row["TYLE_TT_BH"]), int(row["MUC_HUONG"])
    total = half_up(quantity * price, 10_000)
    covered = half_up(quantity * price * in_scope, 1_000_000)
    fund, own = half_up(total * in_scope * rate, 10_000), half_up(total * (100 - in_scope), 100)
    row |= {"SO_LUONG": thousandths(quantity), "DON_GIA": thousandths(price)}
    _shares(row, total=total, covered=covered, fund=fund, copay=total - fund - own, own=own, others=others)


def money_of_service(
    row: Row, *, quantity: int, price: int, fund_price: int, others: int, is_undercharged: bool = False
) -> None:
    """Fill a line of XML3; quantity and prices in thousandths."""
    part, in_scope, rate = int(row["TYLE_TT_DV"]), int(row["TYLE_TT_BH"]), int(row["MUC_HUONG"])
    total = half_up(quantity * price * part, 1_000_000)
    if is_undercharged:
        total = half_up(quantity * price * 100 - quantity * fund_price * (100 - part), 1_000_000)
    covered = half_up(quantity * fund_price * part * in_scope, 100_000_000)
    fund = half_up(covered * rate, 100)
    row |= {
        "SO_LUONG": thousandths(quantity),
        "DON_GIA_BV": thousandths(price),
        "DON_GIA_BH": thousandths(fund_price),
    }
    _shares(
        row, total=total, covered=covered, fund=fund, copay=covered - fund, own=total - covered, others=others
    )


def _shares(row: Row, *, total: int, covered: int, fund: int, copay: int, own: int, others: int) -> None:
    others = min(others, total)
    left = others
    own, left = own - min(own, left), left - min(own, left)
    copay, left = copay - min(copay, left), left - min(copay, left)
    fund -= left
    row |= {
        "THANH_TIEN_BV": dong(total), "THANH_TIEN_BH": dong(covered), "T_BHTT": dong(fund), "T_BNCCT": dong(copay),
        "T_BNTT": dong(own), "T_NGUONKHAC": dong(others), "T_NGUONKHAC_NSNN": dong(others // 2),
        "T_NGUONKHAC_VTNN": "0", "T_NGUONKHAC_VTTN": dong(others - others // 2), "T_NGUONKHAC_CL": "0",
    }  # fmt: skip
