"""Checks of order in time: stay, orders, results, papers, cards and the month of settlement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from standards.claims.lint.case import Case, Hit, amount, moment, values

_SETTLING_NONE = ("01", "07", "09")
"""Types of visit with 0 days of treatment (annex of 3176, SO_NGAY_DTRI)."""


def check_stay(case: Case) -> Iterator[Hit]:
    """Admission, ward, discharge and payment follow each other."""
    row, admit, leave = case.summary, case.admit_time, case.discharge_time
    ward, paid = moment(row.get("NGAY_VAO_NOI_TRU", "")), moment(row.get("NGAY_TTOAN", ""))
    if admit and leave and leave < admit:
        yield _of_summary("DISCHARGE_BEFORE_ADMISSION", "NGAY_RA")
    if admit and ward and (ward < admit or (leave and ward > leave)):
        yield _of_summary("WARD_OUTSIDE_STAY", "NGAY_VAO_NOI_TRU")
    if admit and paid and paid < admit:
        yield _of_summary("PAID_BEFORE_ADMISSION", "NGAY_TTOAN")
    birth = moment(row.get("NGAY_SINH", "").replace("0000", "0101", 1)[:8])
    if admit and birth and birth > admit:
        yield _of_summary("BIRTH_AFTER_ADMISSION", "NGAY_SINH")
    if case.context.today and leave and leave.date() > case.context.today:
        yield _of_summary("DISCHARGE_IN_FUTURE", "NGAY_RA")
    if paid and (row.get("NAM_QT"), row.get("THANG_QT", "").zfill(2)) < (f"{paid:%Y}", f"{paid:%m}"):
        yield _of_summary("SETTLED_BEFORE_PAID", "THANG_QT")
    for day in values(row.get("NGAY_TAI_KHAM", "")):
        back = moment(day)
        if back and leave and back.date() <= leave.date():
            yield _of_summary("APPOINTMENT_NOT_LATER", "NGAY_TAI_KHAM")


def check_days(case: Case) -> Iterator[Hit]:
    """SO_NGAY_DTRI as the annex counts it; types whose count hangs on drugs or services are left out."""
    days, admit, leave = amount(case.summary.get("SO_NGAY_DTRI", "")), case.admit_time, case.discharge_time
    if days is None or admit is None or leave is None or leave < admit:
        return
    if case.kind in ("02", "03", "04", "06"):
        expected = (leave.date() - admit.date()).days + 1
        if days != expected:
            yield _of_summary("TREATMENT_DAYS_WRONG", "SO_NGAY_DTRI", found=str(days), expected=str(expected))
    elif case.kind in _SETTLING_NONE and days > 1:
        yield _of_summary("TREATMENT_DAYS_WRONG", "SO_NGAY_DTRI", found=str(days), expected="0")


def check_card_period(case: Case) -> Iterator[Hit]:
    """One of the cards is valid on the day of admission."""
    row = case.summary
    firsts, lasts = values(row.get("GT_THE_TU", "")), values(row.get("GT_THE_DEN", ""))
    if not firsts or case.day is None or row.get("MA_DOITUONG_KCB") == "9":
        return
    spans = [(moment(first), moment(last)) for first, last in zip(firsts, lasts, strict=False)]
    if any(start is None for start, _ in spans):
        return  # DATE_MALFORMED tells it
    if not any(
        start and start.date() <= case.day and (end is None or case.day <= end.date()) for start, end in spans
    ):
        yield _of_summary("CARD_NOT_VALID_ON_VISIT", "GT_THE_DEN")


def check_orders(case: Case) -> Iterator[Hit]:
    """Orders lie in the stay; doing follows ordering, and results follow both."""
    for table in ("XML2", "XML3"):
        for number, row in enumerate(case.rows(table), start=1):
            ordered = moment(row.get("NGAY_YL", ""))
            done, result = moment(row.get("NGAY_TH_YL", "")), moment(row.get("NGAY_KQ", ""))
            if ordered and not _is_in_stay(case, ordered):
                yield Hit(rule_id="ORDER_OUTSIDE_STAY", table=table, row=number, field="NGAY_YL")
            if ordered and done and done < ordered:
                yield Hit(rule_id="DONE_BEFORE_ORDER", table=table, row=number, field="NGAY_TH_YL")
            if result and ((ordered and result < ordered) or (done and result < done)):
                yield Hit(rule_id="RESULT_BEFORE_ORDER", table=table, row=number, field="NGAY_KQ")
    for number, row in enumerate(case.rows("XML4"), start=1):
        result = moment(row.get("NGAY_KQ", ""))
        if result and case.admit_time and result < case.admit_time:
            yield Hit(rule_id="RESULT_BEFORE_ADMISSION", table="XML4", row=number, field="NGAY_KQ")
    for number, row in enumerate(case.rows("XML5"), start=1):
        noted = moment(row.get("THOI_DIEM_DBLS", ""))
        if noted and not _is_in_stay(case, noted):
            yield Hit(rule_id="NOTE_OUTSIDE_STAY", table="XML5", row=number, field="THOI_DIEM_DBLS")


def check_papers(case: Case) -> Iterator[Hit]:
    """Leaves last as long as they say; appointments lie after the discharge."""
    for table in ("XML10", "XML11"):
        for number, row in enumerate(case.rows(table), start=1):
            yield from _check_leave(table, number, row)
    for number, row in enumerate(case.rows("XML14"), start=1):
        back, leave = moment(row.get("NGAY_HEN_KL", "")), case.discharge_time
        if back and leave and back.date() <= leave.date():
            yield Hit(rule_id="APPOINTMENT_NOT_LATER", table="XML14", row=number, field="NGAY_HEN_KL")


def _check_leave(table: str, number: int, row: dict[str, str]) -> Iterator[Hit]:
    first, last = moment(row.get("TU_NGAY", "")), moment(row.get("DEN_NGAY", ""))
    name = "SO_NGAY" if table == "XML10" else "SO_NGAY_NGHI"
    days = amount(row.get(name, ""))
    if not first or not last:
        return
    if last < first:
        yield Hit(rule_id="LEAVE_ENDS_BEFORE_START", table=table, row=number, field="DEN_NGAY")
    elif days is not None and days != (last - first).days + 1:
        facts = {"found": str(days), "expected": str((last - first).days + 1)}
        yield Hit(rule_id="LEAVE_DAYS_WRONG", table=table, row=number, field=name, facts=facts)


def _is_in_stay(case: Case, when: datetime) -> bool:
    """Within the stay; a discharge written as a day alone lasts until its end."""
    admit, leave = case.admit_time, case.discharge_time
    if admit is not None and when < admit:
        return False
    if leave is None:
        return True
    is_day_alone = len(case.summary.get("NGAY_RA", "")) == 8
    return when <= leave + timedelta(days=int(is_day_alone))


def _of_summary(rule_id: str, field: str, **facts: str) -> Hit:
    return Hit(rule_id=rule_id, table="XML1", row=1, field=field, facts=facts)
