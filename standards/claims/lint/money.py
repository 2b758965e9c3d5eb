"""Checks of money: the decision's formulas per line, other funding in its order, and the sums of the summary.

Source: annex of Decision 3176/QĐ-BYT, columns of XML1, XML2 and XML3; half-up to two places, recomputed on real lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal

from standards.claims.lint.case import (
    BEDS,
    SUPPLIES,
    TOLERANCE,
    Case,
    Hit,
    amount,
    amount_or_zero,
    of_summary,
)
from standards.claims.model import Row

_CENT = Decimal("0.01")
_WIDE = Context(prec=80)
"""Room for products of the longest numbers that a wrong file may hold."""
_HUNDRED = Decimal(100)
_OTHER_PARTS = ("T_NGUONKHAC_NSNN", "T_NGUONKHAC_VTNN", "T_NGUONKHAC_VTTN", "T_NGUONKHAC_CL")
_Fault = tuple[str, str, Decimal | None]
_SAME_LINE = {
    "XML2": (
        "MA_THUOC", "TEN_THUOC", "HAM_LUONG", "SO_DANG_KY", "TT_THAU", "DON_GIA", "LIEU_DUNG", "NGAY_YL", "NGAY_TH_YL",
        "SO_LUONG", "MA_BAC_SI", "MA_DICH_VU", "TYLE_TT_BH",
    ),
    "XML3": (
        "MA_DICH_VU", "MA_VAT_TU", "TEN_VAT_TU", "GOI_VTYT", "MA_HIEU_SP", "DON_GIA_BV", "NGAY_YL", "NGAY_TH_YL",
        "NGUOI_THUC_HIEN", "SO_LUONG", "VI_TRI_TH_DVKT", "MA_GIUONG", "MA_XANG_DAU", "TYLE_TT_DV",
    ),
}  # fmt: skip


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
    """Each line's amounts by the formulas, and what its scope, source and prices allow."""
    for table, compute in (("XML2", drug_amounts), ("XML3", service_amounts)):
        for number, row in case.numbered(table):
            for rule_id, field, expected in (
                *_amount_faults(table, row, compute(row)),
                *_scope_faults(table, row),
            ):
                facts = {} if expected is None else {"found": row.get(field, ""), "expected": str(expected)}
                yield Hit(rule_id=rule_id, table=table, row=number, field=field, facts=facts)


def _amount_faults(table: str, row: Row, amounts: LineAmounts) -> Iterator[_Fault]:
    """Rule, field and the right amount."""
    parts = sum((amount_or_zero(row, name) for name in _OTHER_PARTS), Decimal(0))
    if _differs(row, "T_NGUONKHAC", parts):
        yield "OTHER_FUNDING_SUM", "T_NGUONKHAC", parts
    if _differs(row, "THANH_TIEN_BV", amounts.total):
        other_total = undercharged_total(row)
        if table == "XML3" and not _differs(row, "THANH_TIEN_BV", other_total):
            amounts = replace(amounts, total=other_total, self_pay=other_total - amounts.covered)
        else:
            yield "LINE_TOTAL_WRONG", "THANH_TIEN_BV", amounts.total
    if _differs(row, "THANH_TIEN_BH", amounts.covered):
        yield "LINE_COVERED_WRONG", "THANH_TIEN_BH", amounts.covered
    if parts > amounts.total + TOLERANCE:
        yield "OTHER_FUNDING_ABOVE_TOTAL", "T_NGUONKHAC", amounts.total
    fund, copay, self_pay = after_other_funding(amounts, parts)
    for field, expected, rule_id in (
        ("T_BHTT", fund, "FUND_SHARE_WRONG"),
        ("T_BNCCT", copay, "COPAY_WRONG"),
        ("T_BNTT", self_pay, "SELF_PAY_WRONG"),
    ):
        if _differs(row, field, expected):
            yield rule_id, field, expected


def _differs(row: Row, field: str, expected: Decimal) -> bool:
    found = amount(row.get(field, ""))
    return found is not None and abs(found - expected) > TOLERANCE


def _scope_faults(table: str, row: Row) -> Iterator[_Fault]:
    fund = amount_or_zero(row, "T_BHTT")
    if amount_or_zero(row, "SO_LUONG") <= 0 and not _is_third_bed(row):
        yield "QUANTITY_NOT_POSITIVE", "SO_LUONG", None
    if row.get("PHAM_VI") == "2":
        if fund > 0:
            yield "FUND_PAYS_OUT_OF_SCOPE", "T_BHTT", None
        if amount_or_zero(row, "TYLE_TT_BH") > 0:
            yield "SCOPE_RATE_NOT_ZERO", "TYLE_TT_BH", None
    if row.get("NGUON_CTRA", "1") not in ("1", "") and fund > 0:
        yield "FUND_PAYS_GIVEN_DRUG", "NGUON_CTRA", None
    if table != "XML3":
        return
    price, fund_price = amount_or_zero(row, "DON_GIA_BV"), amount_or_zero(row, "DON_GIA_BH")
    ceiling = amount(row.get("T_TRANTT", ""))
    if fund_price > price:
        yield "FUND_PRICE_ABOVE_PRICE", "DON_GIA_BH", price
    if ceiling and row.get("MA_NHOM") in SUPPLIES and fund_price > ceiling:
        yield "FUND_PRICE_ABOVE_CEILING", "DON_GIA_BH", ceiling


def _is_third_bed(row: Row) -> bool:
    """Whoever lay in three wards on one day has 0 for the ones between (annex of 3176, TYLE_TT_DV)."""
    return row.get("MA_NHOM") in BEDS and amount(row.get("SO_LUONG", "")) == 0


def check_sums(case: Case) -> Iterator[Hit]:
    """The summary's totals are those of its lines."""
    drugs, services = case.rows("XML2"), case.rows("XML3")
    lines = [*drugs, *services]
    if not case.summary or not lines:
        return
    slack = TOLERANCE * len(lines)
    by_fee = [row for row in lines if row.get("MA_PTTT") == "1"]
    fee_less_copay = _sum(by_fee, "THANH_TIEN_BH") - _sum(by_fee, "T_BNCCT")
    supplies = [row for row in services if row.get("MA_NHOM") in SUPPLIES]
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
        ("T_BHTT_GDV", (_sum(by_fee, "T_BHTT"), fee_less_copay)),
    ):
        found = amount(case.summary.get(field, ""))
        if found is not None and all(abs(found - expected) > slack for expected in allowed):
            yield of_summary("SUMMARY_SUM_WRONG", field, found=str(found), expected=str(allowed[0]))


def check_twice(case: Case) -> Iterator[Hit]:
    """The same service, supply or drug, ordered and done at one minute by one person, stands once."""
    for table, fields in _SAME_LINE.items():
        seen: set[tuple[str, ...]] = set()
        for number, row in case.numbered(table):
            key = tuple(row.get(name, "") for name in fields)
            if key in seen:
                yield Hit(rule_id="LINE_TWICE", table=table, row=number, field=_code_field(table, row))
            seen.add(key)


def _code_field(table: str, row: Row) -> str:
    return "MA_THUOC" if table == "XML2" else "MA_VAT_TU" if row.get("MA_VAT_TU") else "MA_DICH_VU"


def _sum(rows: Sequence[Row], field: str) -> Decimal:
    return sum((amount_or_zero(row, field) for row in rows), Decimal(0))


def _round(exact: Decimal) -> Decimal:
    return exact.quantize(_CENT, rounding=ROUND_HALF_UP, context=_WIDE)
