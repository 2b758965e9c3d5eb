"""Checks of bed days: each has a bed, none overlaps another, and there are not more of them than the stay has days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from standards.claims.lint.case import BEDS, Case, Hit, amount_or_zero, moment, values
from standards.claims.model import Row

_BED = re.compile("[HTCK][0-9]{3}")
_SHORT_STAY = timedelta(hours=4)
_DAY_STAY = timedelta(hours=24)
_STRETCHER_PCT = 50


def check_beds(case: Case) -> Iterator[Hit]:
    """Each line by itself."""
    for number, row in _lines(case):
        beds = values(row.get("MA_GIUONG", ""))
        if not beds:
            yield _hit("BED_MISSING", number, "MA_GIUONG")
        if any(not _BED.fullmatch(bed) for bed in beds):
            yield _hit("BED_MALFORMED", number, "MA_GIUONG")
        elif len(beds) > 1:
            yield _hit("BED_SEVERAL", number, "MA_GIUONG")
        elif beds and beds[0].startswith("K") and amount_or_zero(row, "TYLE_TT_DV") > _STRETCHER_PCT:
            yield _hit("BED_RATE", number, "TYLE_TT_DV", allowed=str(_STRETCHER_PCT))
        found, most = amount_or_zero(row, "SO_LUONG"), _most_days(row)
        if found > most:
            yield _hit("BED_QUANTITY", number, "SO_LUONG", found=str(found), allowed=str(most))


def _most_days(row: Row) -> int:
    """Days from the first to the last of one line's bed; one where the line does not say when it ended."""
    start = moment(row.get("NGAY_TH_YL", "") or row.get("NGAY_YL", ""))
    end = moment(row.get("NGAY_KQ", ""))
    return (end.date() - start.date()).days + 1 if start and end and end >= start else 1


def check_stay(case: Case) -> Iterator[Hit]:
    """All lines together: none under four hours, one under a day, never two at once."""
    lines = list(_lines(case))
    if not lines or case.admit_time is None or case.discharge_time is None:
        return
    stay = case.discharge_time - case.admit_time
    most = (case.discharge_time.date() - case.admit_time.date()).days + 1
    total = sum((amount_or_zero(row, "SO_LUONG") for _, row in lines), Decimal(0))
    facts = {"found": str(total), "expected": str(most)}
    if stay < _SHORT_STAY and total > 0:
        yield _hit("BED_UNDER_FOUR_HOURS", lines[0][0], "SO_LUONG")
    elif stay <= _DAY_STAY and total > 1:
        yield _hit("BED_ABOVE_ONE_DAY", lines[-1][0], "SO_LUONG", **facts)
    elif total > most:
        yield _hit("BED_ABOVE_STAY", lines[-1][0], "SO_LUONG", **facts)
    spans = sorted(
        (start, end, number)
        for number, row in lines
        if (start := moment(row.get("NGAY_TH_YL", ""))) and (end := moment(row.get("NGAY_KQ", "")))
    )
    for (_, earlier_end, _), (start, _, number) in pairwise(spans):
        if start < earlier_end:
            yield _hit("BED_TWICE", number, "NGAY_TH_YL")


def _lines(case: Case) -> Iterator[tuple[int, Row]]:
    return ((number, row) for number, row in case.numbered("XML3") if row.get("MA_NHOM") in BEDS)


def _hit(rule_id: str, number: int, field: str, **facts: str) -> Hit:
    return Hit(rule_id=rule_id, table="XML3", row=number, field=field, facts=facts)
