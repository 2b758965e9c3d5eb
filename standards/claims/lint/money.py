"""Checks of money: the decision's formulas per line, other funding in its order, and the sums of the summary.

Source: annex of Decision 3176/QĐ-BYT, columns of XML1, XML2 and XML3; half-up to two places, recomputed on real lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from standards.claims.lint.case import TOLERANCE, Case, Hit, amount, amount_or_zero
from standards.claims.model import Row

_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_OTHER_PARTS = ("T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL")
_SUPPLY_GROUPS = ("10", "11")
_SAME_LINE = (
    "MA_DICH_VU", "MA_VAT_TU", "MA_THUOC", "NGAY_YL", "NGAY_TH_YL", "NGUOI_THUC_HIEN", "SO_LUONG", "VI_TRI_TH_DVKT",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAmounts:
    """What the formulas give for one line, dong with two places."""

    total: Decimal
    covered: Decimal
    fund: Decimal
    copay: Decimal
    self_pay: Decimal


def drug_amounts(row: Row) -> LineAmounts:
    """XML2: BV = quantity x price; the fund pays BV x TYLE_TT_BH x MUC_HUONG."""
    number = amount_or_zero
    exact = number(row, "SO_LUONG") * number(row, "DON_GIA")
    in_scope, rate = number(row, "TYLE_TT_BH") / _HUNDRED, number(row, "MUC_HUONG") / _HUNDRED
    total = _round(exact)
    fund, self_pay = _round(total * in_scope * rate), _round(total * (1 - in_scope))
    return LineAmounts(
        total=total,
        covered=_round(exact * in_scope),
        fund=fund,
        copay=total - fund - self_pay,
        self_pay=self_pay,
    )


def service_amounts(row: Row) -> LineAmounts:
    """XML3: BV = quantity x hospital price x TYLE_TT_DV; BH = quantity x fund price x TYLE_TT_DV x TYLE_TT_BH."""
    number = amount_or_zero
    quantity, service = number(row, "SO_LUONG"), number(row, "TYLE_TT_DV") / _HUNDRED
    in_scope, rate = number(row, "TYLE_TT_BH") / _HUNDRED, number(row, "MUC_HUONG") / _HUNDRED
    total = _round(quantity * number(row, "DON_GIA_BV") * service)
    covered = _round(quantity * number(row, "DON_GIA_BH") * service * in_scope)
    fund = _round(covered * rate)
    return LineAmounts(
        total=total, covered=covered, fund=fund, copay=covered - fund, self_pay=total - covered
    )


def undercharged_total(row: Row) -> Decimal:
    """XML3, the other form: the hospital does not charge the part the fund leaves (100000, 40000, 30 % -> 72000)."""
    number = amount_or_zero
    quantity = number(row, "SO_LUONG")
    left = 1 - number(row, "TYLE_TT_DV") / _HUNDRED
    return _round(quantity * number(row, "DON_GIA_BV") - quantity * number(row, "DON_GIA_BH") * left)


def after_other_funding(amounts: LineAmounts, other: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Fund, co-payment and self-payment once others paid: first the patient's own part, then co-payment, then fund."""
    off_self = min(other, amounts.self_pay)
    off_copay = min(other - off_self, amounts.copay)
    off_fund = min(other - off_self - off_copay, amounts.fund)
    return amounts.fund - off_fund, amounts.copay - off_copay, amounts.self_pay - off_self


def check_lines(case: Case) -> Iterator[Hit]:
    """Each line's amounts by the formulas."""
    for table, compute in (("XML2", drug_amounts), ("XML3", service_amounts)):
        for number, row in enumerate(case.rows(table), start=1):
            yield from _check_line(table, number, row, compute(row))


def _check_line(table: str, number: int, row: Row, amounts: LineAmounts) -> Iterator[Hit]:
    def differs(field: str, expected: Decimal) -> bool:
        found = amount(row.get(field, ""))
        return found is not None and abs(found - expected) > TOLERANCE

    def hit(rule_id: str, field: str, expected: Decimal | None = None) -> Hit:
        facts = {} if expected is None else {"found": row.get(field, ""), "expected": str(expected)}
        return Hit(rule_id=rule_id, table=table, row=number, field=field, facts=facts)

    if amount_or_zero(row, "SO_LUONG") <= 0:
        yield hit("QUANTITY_NOT_POSITIVE", "SO_LUONG")
    parts = sum((amount_or_zero(row, name) for name in _OTHER_PARTS), Decimal(0))
    if differs("T_NGUONKHAC", parts):
        yield hit("OTHER_FUNDING_SUM", "T_NGUONKHAC", parts)
    if differs("THANH_TIEN_BV", amounts.total):
        is_other_form = table == "XML3" and not differs("THANH_TIEN_BV", undercharged_total(row))
        if not is_other_form:
            yield hit("LINE_TOTAL_WRONG", "THANH_TIEN_BV", amounts.total)
    if differs("THANH_TIEN_BH", amounts.covered):
        yield hit("LINE_COVERED_WRONG", "THANH_TIEN_BH", amounts.covered)
    fund, copay, self_pay = after_other_funding(amounts, parts)
    for field, expected, rule_id in (
        ("T_BHTT", fund, "FUND_SHARE_WRONG"),
        ("T_BNCCT", copay, "COPAY_WRONG"),
        ("T_BNTT", self_pay, "SELF_PAY_WRONG"),
    ):
        if differs(field, expected):
            yield hit(rule_id, field, expected)
    if row.get("PHAM_VI") == "2" and amount_or_zero(row, "T_BHTT") > 0:
        yield hit("FUND_PAYS_OUT_OF_SCOPE", "T_BHTT")
    if table == "XML3":
        yield from _check_price(row, hit)


def _check_price(row: Row, hit: Callable[[str, str, Decimal], Hit]) -> Iterator[Hit]:
    price, fund_price = amount_or_zero(row, "DON_GIA_BV"), amount_or_zero(row, "DON_GIA_BH")
    ceiling = amount(row.get("T_TRANTT", ""))
    if fund_price > price:
        yield hit("FUND_PRICE_ABOVE_PRICE", "DON_GIA_BH", price)
    if ceiling and row.get("MA_NHOM") in _SUPPLY_GROUPS and fund_price > ceiling:
        yield hit("FUND_PRICE_ABOVE_CEILING", "DON_GIA_BH", ceiling)


def check_sums(case: Case) -> Iterator[Hit]:
    """The summary's totals are those of its lines."""
    drugs, services = case.rows("XML2"), case.rows("XML3")
    lines = [*drugs, *services]
    if not case.summary or not lines:
        return
    slack = TOLERANCE * len(lines)
    by_fee = [row for row in lines if row.get("MA_PTTT") == "1"]
    supplies = [row for row in services if row.get("MA_NHOM") in _SUPPLY_GROUPS]
    covered, copay = _sum(lines, "THANH_TIEN_BH"), _sum(lines, "T_BNCCT")
    # With other funding the header formula (covered less co-payment) claims what a donor paid; both forms are seen.
    fund_forms = (_sum(lines, "T_BHTT"), covered - copay)
    for field, allowed in (
        ("T_THUOC", (_sum(drugs, "THANH_TIEN_BV"),)),
        ("T_VTYT", (_sum(supplies, "THANH_TIEN_BV"),)),
        ("T_TONGCHI_BV", (_sum(lines, "THANH_TIEN_BV"),)),
        ("T_TONGCHI_BH", (covered,)),
        ("T_BNTT", (_sum(lines, "T_BNTT"),)),
        ("T_BNCCT", (copay,)),
        ("T_BHTT", fund_forms),
        ("T_NGUONKHAC", (_sum(lines, "T_NGUONKHAC"),)),
        ("T_BHTT_GDV", (_sum(by_fee, "T_BHTT"), fund_forms[1])),
    ):
        found = amount(case.summary.get(field, ""))
        if found is not None and all(abs(found - expected) > slack for expected in allowed):
            facts = {"found": str(found), "expected": str(allowed[0])}
            yield Hit(rule_id="SUMMARY_SUM_WRONG", table="XML1", row=1, field=field, facts=facts)


def check_twice(case: Case) -> Iterator[Hit]:
    """The same service, supply or drug, ordered and done at one minute by one person, stands once."""
    for table in ("XML2", "XML3"):
        seen: set[tuple[str, ...]] = set()
        for number, row in enumerate(case.rows(table), start=1):
            key = tuple(row.get(name, "") for name in _SAME_LINE)
            if key in seen:
                yield Hit(rule_id="LINE_TWICE", table=table, row=number)
            seen.add(key)


def _sum(rows: Sequence[Row], field: str) -> Decimal:
    return sum((amount_or_zero(row, field) for row in rows), Decimal(0))


def _round(exact: Decimal) -> Decimal:
    return exact.quantize(_CENT, rounding=ROUND_HALF_UP)
