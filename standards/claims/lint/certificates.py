"""Checks of certificates by themselves: leaves, births, discharge papers, records of HIV and tuberculosis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from standards.claims.lint.case import Case, Hit, amount, moment
from standards.claims.model import Row

_PERIODS = {
    "XML6": (
        ("NGAYBD_DTRI_LAO", "NGAYKT_DTRI_LAO"),
        ("NGAY_XN_TLVR", "NGAY_KQ_XN_TLVR"),
        ("NGAY_XN_PCR", "NGAY_KQ_XN_PCR"),
        ("NGAY_BAT_DAU_XU_TRI", "NGAY_KET_THUC_XU_TRI"),
    ),
    "XML7": (("NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY"),),
    "XML8": (("NGAY_SINHCON", "NGAY_CONCHET"),),
    "XML9": (("NGAY_SINH_CON", "NGAY_CT"),),
    "XML10": (("TU_NGAY", "DEN_NGAY"),),
    "XML11": (("TU_NGAY", "DEN_NGAY"),),
    "XML15": (("NGAYBD_DTRI_LAO", "NGAYKT_DTRI_LAO"),),
}
"""The second day of a pair does not lie before the first."""
_LEAVES = (
    ("XML7", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY", "SO_NGAY_NGHI"),
    ("XML10", "TU_NGAY", "DEN_NGAY", "SO_NGAY"),
    ("XML11", "TU_NGAY", "DEN_NGAY", "SO_NGAY_NGHI"),
)
_LEAVE_MAX_DAYS, _LEAVE_MAX_DAYS_TUBERCULOSIS, _LEAVE_MAX_DAYS_PREGNANCY = 30, 180, 50
_TUBERCULOSIS = ("A15", "A16", "A17", "A18", "A19")
_LATE_LOSS_WEEKS = 13
_PREGNANCY_WEEKS_MAX = 42
_MALE = "1"


def check_periods(case: Case) -> Iterator[Hit]:
    """No period ends before it starts."""
    for table, pairs in _PERIODS.items():
        for number, row in case.numbered(table):
            for first, last in pairs:
                start, end = _day(row, first), _day(row, last)
                if start and end and end < start:
                    yield Hit(rule_id="PERIOD_REVERSED", table=table, row=number, field=last)


def check_leaves(case: Case) -> Iterator[Hit]:
    """Leaves last as long as they say, begin with the visit, and not longer than the annex allows."""
    for table, first, last, count in _LEAVES:
        for number, row in case.numbered(table):
            start, end, days = _day(row, first), _day(row, last), amount(row.get(count, ""))
            if (
                start
                and end
                and start <= end
                and days is not None
                and days not in _lengths(table, start, end)
            ):
                facts = {"found": str(days), "expected": str((end - start).days + 1)}
                yield Hit(rule_id="LEAVE_DAYS_WRONG", table=table, row=number, field=count, facts=facts)
            if start and table != "XML7" and not _is_visit_day(case, start):
                yield Hit(rule_id="LEAVE_STARTS_OUTSIDE_VISIT", table=table, row=number, field=first)
            if start and table == "XML7" and case.discharge_time and start < case.discharge_time.date():
                yield Hit(rule_id="LEAVE_BEFORE_DISCHARGE", table=table, row=number, field=first)
            if table == "XML11" and days is not None and days > _longest_leave(case, row):
                facts = {"found": str(days), "allowed": str(_longest_leave(case, row))}
                yield Hit(rule_id="LEAVE_TOO_LONG", table=table, row=number, field=count, facts=facts)
    for number, row in case.numbered("XML11"):
        issued = _day(row, "NGAY_CT")
        if issued and not _is_visit_day(case, issued):
            yield Hit(rule_id="LEAVE_PAPER_DAY", table="XML11", row=number, field="NGAY_CT")


def _lengths(table: str, start: date, end: date) -> tuple[int, ...]:
    """Days of a leave; for XML10 the annex's formula and its own example differ by one."""
    days = (end - start).days + 1
    return (days, days - 1) if table == "XML10" else (days,)


def _longest_leave(case: Case, row: Row) -> int:
    if case.summary.get("MA_BENH_CHINH", "").startswith(_TUBERCULOSIS):
        return _LEAVE_MAX_DAYS_TUBERCULOSIS
    weeks = amount(row.get("TUOI_THAI", ""))
    if row.get("MA_DINH_CHI_THAI") == "1" and weeks is not None and weeks >= _LATE_LOSS_WEEKS:
        return _LEAVE_MAX_DAYS_PREGNANCY
    return _LEAVE_MAX_DAYS


def _is_visit_day(case: Case, day: date) -> bool:
    if case.day is None or case.discharge_time is None:
        return True
    return case.day <= day <= case.discharge_time.date()


def check_pregnancies(case: Case) -> Iterator[Hit]:
    """Weeks of a pregnancy are possible, and the patient is not a man."""
    is_male = case.summary.get("GIOI_TINH") == _MALE
    for table in ("XML7", "XML11"):
        for number, row in case.numbered(table):
            weeks = amount(row.get("TUOI_THAI", ""))
            if weeks is not None and not 1 <= weeks <= _PREGNANCY_WEEKS_MAX:
                yield Hit(rule_id="PREGNANCY_WEEKS", table=table, row=number, field="TUOI_THAI")
            if is_male and row.get("MA_DINH_CHI_THAI") == "1":
                yield Hit(rule_id="PREGNANCY_OF_MAN", table=table, row=number, field="MA_DINH_CHI_THAI")
    for number, row in case.numbered("XML10"):
        if is_male:
            yield Hit(rule_id="PREGNANCY_OF_MAN", table="XML10", row=number, field="CHAN_DOAN_RV")
        if row.get("CHAN_DOAN_RV") and "dưỡng thai" not in row["CHAN_DOAN_RV"].lower():
            yield Hit(rule_id="ANTENATAL_WORDING", table="XML10", row=number, field="CHAN_DOAN_RV")


def check_births(case: Case) -> Iterator[Hit]:
    """Each child has a paper, born before the mother leaves, with the note that the annex words."""
    rows = case.rows("XML9")
    for number, row in enumerate(rows, start=1):
        children, born = amount(row.get("SO_CON", "")), moment(row.get("NGAY_SINH_CON", ""))
        if children is not None and children != len(rows):
            facts = {"found": str(len(rows)), "expected": str(children)}
            yield _of_birth("BIRTH_PAPER_COUNT", number, "SO_CON", **facts)
        if amount(row.get("LAN_SINH", "")) == 0:
            yield _of_birth("BIRTH_COUNT_ZERO", number, "LAN_SINH")
        if born and case.discharge_time and born > case.discharge_time:
            yield _of_birth("BIRTH_AFTER_DISCHARGE", number, "NGAY_SINH_CON")
        note = row.get("GHI_CHU", "").lower()
        for field, phrase in (("SINHCON_PHAUTHUAT", "phẫu thuật"), ("SINHCON_DUOI32TUAN", "dưới 32 tuần")):
            if row.get(field) == "1" and phrase not in note:
                yield _of_birth("BIRTH_NOTE_WORDING", number, "GHI_CHU", phrase=phrase)


def _of_birth(rule_id: str, number: int, field: str, **facts: str) -> Hit:
    return Hit(rule_id=rule_id, table="XML9", row=number, field=field, facts=facts)


def check_discharge_paper(case: Case) -> Iterator[Hit]:
    """The paper bears the day of discharge."""
    leave = moment(case.summary.get("NGAY_RA", ""))
    for number, row in case.numbered("XML7"):
        issued = _day(row, "NGAY_CT")
        if issued and leave and issued != leave.date():
            yield Hit(rule_id="DISCHARGE_PAPER_DAY", table="XML7", row=number, field="NGAY_CT")


def check_deaths(case: Case) -> Iterator[Hit]:
    """A child that died has both days and is counted."""
    fields = ("NGAY_SINHCON", "NGAY_CONCHET", "SO_CONCHET")
    for number, row in case.numbered("XML8"):
        missing = [field for field in fields if row.get(field, "") in ("", "0")]
        if 0 < len(missing) < len(fields):
            yield Hit(rule_id="CHILD_DEATH_INCOMPLETE", table="XML8", row=number, field=missing[0])


def check_antiretrovirals(case: Case) -> Iterator[Hit]:
    """Drugs are not given for longer than the treatment lasts."""
    for number, row in case.numbered("XML6"):
        start, end = _day(row, "NGAY_BAT_DAU_XU_TRI"), _day(row, "NGAY_KET_THUC_XU_TRI")
        days = amount(row.get("SO_NGAY_CAP_THUOC_ARV", ""))
        if start and end and start <= end and days is not None and days > (end - start).days:
            facts = {"found": str(days), "allowed": str((end - start).days)}
            yield Hit(
                rule_id="ARV_DAYS_TOO_MANY",
                table="XML6",
                row=number,
                field="SO_NGAY_CAP_THUOC_ARV",
                facts=facts,
            )


def _day(row: Row, field: str) -> date | None:
    found = moment(row.get(field, ""))
    return found.date() if found else None
