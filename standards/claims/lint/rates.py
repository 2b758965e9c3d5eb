"""Checks of rates: what the fund pays of a line, and how much of the price counts for repeated services."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from standards.claims.lint.case import EXAMINATION, NOT_INSURED, SURGERY, Case, Hit, amount, amount_or_zero
from standards.claims.model import Row

_RATES = ("MUC_HUONG", "TYLE_TT_BH", "TYLE_TT_DV")
_CARD_RATES = (80, 95, 100)
_OFF_LINE_PCT = (40, 50, 60, 70, 100)
_USUAL_RATES = frozenset(Decimal(card * off) / 100 for card in _CARD_RATES for off in _OFF_LINE_PCT) | {
    Decimal(0)
}
"""80, 95 and 100 %, whole or times what is left of them off the right line (annex of 3176, MUC_HUONG)."""
_SMALL_BILL_PCT = 15
_EXAMINATION_RATES = (100, 30, 30, 30, 10)
"""First to fifth examination of a day; none later counts."""
_SECOND_SURGERY_PCT = 80
"""By another team; 50 by the same one."""


def check_rates(case: Case) -> Iterator[Hit]:
    """A rate is between 0 and 100 and one of the usual ones, and who is not insured has none."""
    for table in ("XML2", "XML3"):
        for number, row in case.numbered(table):
            for rule_id, field in _rate_faults(case, row):
                yield Hit(rule_id=rule_id, table=table, row=number, field=field)


def _rate_faults(case: Case, row: Row) -> Iterator[tuple[str, str]]:
    for field in _RATES:
        rate = amount(row.get(field, ""))
        if rate is not None and not 0 <= rate <= 100:
            yield "RATE_OUT_OF_RANGE", field
        elif field == "MUC_HUONG" and rate is not None and rate not in _USUAL_RATES:
            yield "RATE_UNUSUAL", field
    if case.subject == NOT_INSURED and amount_or_zero(row, "T_BHTT") > 0:
        yield "FUND_PAYS_UNINSURED", "T_BHTT"


def check_small_bill(case: Case) -> Iterator[Hit]:
    """A bill below 15 % of the base salary is paid whole on the right line; the threshold itself is not below it."""
    salaries = case.context.base_salaries
    if not salaries or case.day is None or not case.is_right_line:
        return
    salary = max(((first, vnd) for first, vnd in salaries if first <= case.day), default=None)
    if salary is None or amount_or_zero(case.summary, "T_TONGCHI_BH") * 100 >= salary[1] * _SMALL_BILL_PCT:
        return
    for table in ("XML2", "XML3"):
        for number, row in case.numbered(table):
            rate = amount(row.get("MUC_HUONG", ""))
            if rate is not None and rate < 100 and amount_or_zero(row, "THANH_TIEN_BH") > 0:
                yield Hit(rule_id="SMALL_BILL_NOT_WHOLE", table=table, row=number, field="MUC_HUONG")


def check_examinations(case: Case) -> Iterator[Hit]:
    """One examination fee in an inpatient stay; each further one of a day counts less."""
    fees = [
        (number, row)
        for number, row in case.numbered("XML3")
        if row.get("MA_NHOM") == EXAMINATION and amount_or_zero(row, "THANH_TIEN_BH") > 0
    ]
    if case.is_inpatient:
        for number, _ in fees[1:]:
            yield Hit(rule_id="EXAMINATION_TWICE", table="XML3", row=number, field="MA_DICH_VU")
        return
    by_day: dict[str, list[tuple[str, Decimal, int]]] = {}
    for number, row in fees:
        rate = amount_or_zero(row, "TYLE_TT_DV")
        by_day.setdefault(row.get("NGAY_YL", "")[:8], []).append((row.get("NGAY_YL", ""), -rate, number))
    for of_day in by_day.values():
        for position, (_, negative, number) in enumerate(sorted(of_day)):
            allowed = _EXAMINATION_RATES[position] if position < len(_EXAMINATION_RATES) else 0
            if -negative > allowed:
                facts = {"found": str(-negative), "allowed": str(allowed), "position": str(position + 1)}
                yield Hit(
                    rule_id="EXAMINATION_RATE", table="XML3", row=number, field="TYLE_TT_DV", facts=facts
                )


def check_surgery(case: Case) -> Iterator[Hit]:
    """Of several operations in one session only the first counts whole; a session is told by its minute."""
    sessions: dict[str, list[tuple[Decimal, int]]] = {}
    for number, row in case.numbered("XML3"):
        start = row.get("NGAY_TH_YL", "")
        if row.get("MA_NHOM") == SURGERY and row.get("MA_DICH_VU") and not row.get("MA_VAT_TU") and start:
            sessions.setdefault(start, []).append((-amount_or_zero(row, "TYLE_TT_DV"), number))
    for session in sessions.values():
        for negative, number in sorted(session)[1:]:
            if -negative > _SECOND_SURGERY_PCT:
                facts = {"found": str(-negative), "allowed": str(_SECOND_SURGERY_PCT)}
                yield Hit(rule_id="SURGERY_RATE", table="XML3", row=number, field="TYLE_TT_DV", facts=facts)
