"""Checks of order in time: the stay, its orders and results, the days of treatment, the month of settlement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from standards.claims.lint.case import EXAMINATION, Case, Hit, amount, birth_days, moment, of_summary
from standards.claims.model import Row

_RESULT_LATEST = timedelta(days=60)
"""After the end of the visit (Decision 4750, NGAY_KQ: cultures of tuberculosis take that long)."""
_WITHIN_STAY = ("01", "03", "04", "06", "09")
"""Types in which everything is done before the patient leaves; the others bring the patient back."""


def check_stay(case: Case) -> Iterator[Hit]:
    """Admission, ward, discharge and payment follow each other."""
    row, admit, leave = case.summary, case.admit_time, case.discharge_time
    ward, paid = moment(row.get("NGAY_VAO_NOI_TRU", "")), moment(row.get("NGAY_TTOAN", ""))
    if admit and leave and leave < admit:
        yield of_summary("DISCHARGE_BEFORE_ADMISSION", "NGAY_RA")
    if admit and ward and (ward < admit or (leave and ward > leave)):
        yield of_summary("WARD_OUTSIDE_STAY", "NGAY_VAO_NOI_TRU")
    if case.kind in ("03", "04"):
        for field in ("NGAY_VAO_NOI_TRU", "LY_DO_VNT"):
            if not row.get(field):
                yield of_summary("INPATIENT_FIELD_MISSING", field)
    if admit and paid and paid < admit:
        yield of_summary("PAID_BEFORE_ADMISSION", "NGAY_TTOAN")
    born = birth_days(row.get("NGAY_SINH", ""))
    if admit and born and born[0] > admit.date():
        yield of_summary("BIRTH_AFTER_ADMISSION", "NGAY_SINH")
    if case.context.today and leave and leave.date() > case.context.today:
        yield of_summary("DISCHARGE_IN_FUTURE", "NGAY_RA")
    yield from _settlement(case, paid)


def _settlement(case: Case, paid: datetime | None) -> Iterator[Hit]:
    year, month = amount(case.summary.get("NAM_QT", "")), amount(case.summary.get("THANG_QT", ""))
    if month is not None and not 1 <= month <= 12:
        yield of_summary("MONTH_OUT_OF_RANGE", "THANG_QT")
    elif year is not None and month is not None and paid and year * 12 + month < paid.year * 12 + paid.month:
        yield of_summary("SETTLED_BEFORE_PAID", "THANG_QT")


def check_days(case: Case) -> Iterator[Hit]:
    """SO_NGAY_DTRI as the annex of the visit's version counts it."""
    days, admit, leave = amount(case.summary.get("SO_NGAY_DTRI", "")), case.admit_time, case.discharge_time
    if days is None or admit is None or leave is None or leave < admit:
        return
    span = (moment(case.summary["NGAY_RA"][:8]) or leave).date() - admit.date()
    allowed = _allowed_days(case, span.days + 1)
    if allowed and days not in allowed:
        is_counted = case.kind in ("02", "08") and case.schema.version != "4750"
        rule_id = "TREATMENT_DAYS_DOUBTFUL" if is_counted else "TREATMENT_DAYS_WRONG"
        yield of_summary(rule_id, "SO_NGAY_DTRI", found=str(days), expected=str(allowed[0]))


def _allowed_days(case: Case, span_days: int) -> tuple[int, ...]:
    """What SO_NGAY_DTRI may be, the usual one first; empty where only doses tell it (types 05 and 07)."""
    if case.kind == "09":
        return (0,)
    if case.kind == "01":
        # 4750 says 0; the general formula of 3176 gives 1, and its list of exceptions no longer names 01.
        return (0,) if case.schema.version == "4750" else (span_days, 0)
    if case.kind in ("03", "04", "06"):
        # 3176 leaves out the days between an examination and the admission it was fixed for.
        ward = moment(case.summary.get("NGAY_VAO_NOI_TRU", ""))
        waited = (ward.date() - case.admit_time.date()).days if ward and case.admit_time else 0
        return (span_days, *range(span_days - 1, max(span_days - waited, 1) - 1, -1))
    if case.schema.version == "4750":
        return {"02": (span_days,), "07": (0,)}.get(case.kind, ())
    if case.kind in ("02", "08"):
        return _service_days(case)
    return ()


def _service_days(case: Case) -> tuple[int, ...]:
    """On how many days services were done; whether an examination alone counts, the annex does not say."""
    lines = [row for row in case.rows("XML3") if row.get("MA_DICH_VU")]
    days = [
        {_day_done(row) for row in lines if row.get("MA_NHOM") != EXAMINATION},
        set(map(_day_done, lines)),
    ]
    return tuple(len(some) for some in days) if lines else ()


def _day_done(row: Row) -> str:
    return (row.get("NGAY_TH_YL") or row.get("NGAY_YL", ""))[:8]


def check_orders(case: Case) -> Iterator[Hit]:
    """Orders lie in the stay; doing follows ordering, and results follow both."""
    for table in ("XML2", "XML3"):
        for number, row in case.numbered(table):
            for rule_id, field in _line_faults(case, row):
                yield Hit(rule_id=rule_id, table=table, row=number, field=field)
    for number, row in case.numbered("XML4"):
        result = moment(row.get("NGAY_KQ", ""))
        if result and case.admit_time and result < case.admit_time:
            yield Hit(rule_id="RESULT_BEFORE_ADMISSION", table="XML4", row=number, field="NGAY_KQ")
        elif _is_too_late(case, result):
            yield Hit(rule_id="RESULT_TOO_LATE", table="XML4", row=number, field="NGAY_KQ")
    for number, row in case.numbered("XML5"):
        noted = moment(row.get("THOI_DIEM_DBLS", ""))
        if noted and not _is_in_stay(case, noted):
            yield Hit(rule_id="NOTE_OUTSIDE_STAY", table="XML5", row=number, field="THOI_DIEM_DBLS")


def _line_faults(case: Case, row: Row) -> Iterator[tuple[str, str]]:
    ordered, done, result = (moment(row.get(name, "")) for name in ("NGAY_YL", "NGAY_TH_YL", "NGAY_KQ"))
    if ordered and not _is_in_stay(case, ordered):
        yield "ORDER_OUTSIDE_STAY", "NGAY_YL"
    if ordered and done and done < ordered:
        yield "DONE_BEFORE_ORDER", "NGAY_TH_YL"
    elif done and case.kind in _WITHIN_STAY and case.discharge_time and done > case.discharge_time:
        yield "DONE_AFTER_DISCHARGE", "NGAY_TH_YL"
    if result and ((ordered and result < ordered) or (done and result < done)):
        yield "RESULT_BEFORE_ORDER", "NGAY_KQ"
    elif _is_too_late(case, result):
        yield "RESULT_TOO_LATE", "NGAY_KQ"


def _is_too_late(case: Case, result: datetime | None) -> bool:
    return bool(result and case.discharge_time and result - case.discharge_time > _RESULT_LATEST)


def _is_in_stay(case: Case, when: datetime) -> bool:
    if case.admit_time is not None and when < case.admit_time:
        return False
    return case.discharge_time is None or when <= case.discharge_time
