"""Checks of services, drugs, supplies and beds: who did it, on which machine, at which price, how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from standards.claims.lint.case import Case, Hit, amount, amount_or_zero, values
from standards.claims.lint.code_lists import CatalogueItem
from standards.claims.model import Row

_MACHINE_GROUPS = ("1", "2", "3")
_SURGERY, _IMAGING, _LABORATORY, _EXAMINATION = "8", "2", "1", "13"
_BED_GROUPS = ("14", "15", "16")
_BED = re.compile("[HTCK][0-9]{3}")
_MACHINE = re.compile(r"[A-Z0-9]{2,}\.[0-9A-Z]+\.[0-9A-Z]+")
_SHORT_STAY = timedelta(hours=4)
_DAY_STAY = timedelta(hours=24)
_STAFF_FIELDS = {
    "XML2": ("MA_BAC_SI",),
    "XML3": ("MA_BAC_SI", "NGUOI_THUC_HIEN"),
    "XML5": ("NGUOI_THUC_HIEN",),
}
_STAFF_SUFFIX = re.compile(r"\.(TX|HD|CG)\.[0-9A-Z]{5}$")
"""Remote support, mobilised staff, technology transfer (annex of 3176, MA_BAC_SI)."""


def check_services(case: Case) -> Iterator[Hit]:
    """What each group of services must carry beside the required fields."""
    results = {row.get("MA_DICH_VU", "") for row in case.rows("XML4")}
    concluded = {row.get("MA_DICH_VU", "") for row in case.rows("XML4") if row.get("KET_LUAN")}
    for number, row in enumerate(case.rows("XML3"), start=1):
        group, service = row.get("MA_NHOM", ""), row.get("MA_DICH_VU", "")
        if group == _SURGERY and not row.get("PP_VO_CAM"):
            yield _hit("ANAESTHESIA_MISSING", number, "PP_VO_CAM")
        if group in _MACHINE_GROUPS and not row.get("MA_MAY"):
            yield _hit("MACHINE_MISSING", number, "MA_MAY")
        if any(not _MACHINE.fullmatch(part) for part in values(row.get("MA_MAY", ""))):
            yield _hit("MACHINE_MALFORMED", number, "MA_MAY")
        if group == _LABORATORY and service and service not in results:
            yield _hit("RESULT_MISSING", number, "MA_DICH_VU", code=service)
        if group == _IMAGING and service and service not in concluded:
            yield _hit("CONCLUSION_MISSING", number, "MA_DICH_VU", code=service)


def check_examinations(case: Case) -> Iterator[Hit]:
    """One examination fee in an inpatient stay."""
    lines = [
        number
        for number, row in enumerate(case.rows("XML3"), start=1)
        if row.get("MA_NHOM") == _EXAMINATION and amount_or_zero(row, "T_BHTT") > 0
    ]
    for number in lines[1:] if case.is_inpatient else []:
        yield _hit("EXAMINATION_TWICE", number, "MA_NHOM")


def check_beds(case: Case) -> Iterator[Hit]:
    """Bed days have a bed, at most one a day, none in a stay under four hours, one under a day."""
    beds = [
        (number, row)
        for number, row in enumerate(case.rows("XML3"), start=1)
        if row.get("MA_NHOM") in _BED_GROUPS
    ]
    for number, row in beds:
        for bed in values(row.get("MA_GIUONG", "")):
            if not _BED.fullmatch(bed):
                yield _hit("BED_MALFORMED", number, "MA_GIUONG")
        if not row.get("MA_GIUONG"):
            yield _hit("BED_MISSING", number, "MA_GIUONG")
        if amount_or_zero(row, "SO_LUONG") > 1:
            yield _hit("BED_QUANTITY", number, "SO_LUONG", found=row["SO_LUONG"])
    if not beds or case.admit_time is None or case.discharge_time is None:
        return
    stay = case.discharge_time - case.admit_time
    total = sum(amount_or_zero(row, "SO_LUONG") for _, row in beds)
    if stay < _SHORT_STAY:
        yield _hit("BED_UNDER_FOUR_HOURS", beds[0][0], "SO_LUONG")
    elif stay <= _DAY_STAY and total > 1:
        yield _hit("BED_ABOVE_ONE_DAY", beds[-1][0], "SO_LUONG", found=str(total))
    elif total > stay.days + 2:
        yield _hit("BED_ABOVE_STAY", beds[-1][0], "SO_LUONG", found=str(total), expected=str(stay.days + 1))


def check_staff(case: Case) -> Iterator[Hit]:
    """Whoever ordered or did something is on the operator's list of licences."""
    staff = case.context.code_lists.staff
    if staff is None:
        return
    for table, fields in _STAFF_FIELDS.items():
        for number, row in enumerate(case.rows(table), start=1):
            for field in fields:
                if any(_STAFF_SUFFIX.sub("", part) not in staff for part in values(row.get(field, ""))):
                    yield Hit(rule_id="STAFF_UNKNOWN", table=table, row=number, field=field)


def check_catalogues(case: Case) -> Iterator[Hit]:
    """Codes stand in the approved catalogue, and no price is above it."""
    lists = case.context.code_lists
    for table, field, price, catalogue in (
        ("XML2", "MA_THUOC", "DON_GIA", lists.drugs),
        ("XML3", "MA_DICH_VU", "DON_GIA_BH", lists.services),
        ("XML3", "MA_VAT_TU", "DON_GIA_BH", lists.supplies),
    ):
        if catalogue is None:
            continue
        for number, row in enumerate(case.rows(table), start=1):
            code = row.get(field, "")
            if code:
                yield from _check_item(
                    Hit(rule_id="", table=table, row=number, field=field), row, price, catalogue
                )


def _check_item(place: Hit, row: Row, price: str, catalogue: Mapping[str, CatalogueItem]) -> Iterator[Hit]:
    code = row[place.field]
    # A suffix tells how the service was done; the catalogue has the service itself.
    item = catalogue.get(code) or catalogue.get(code.partition("_")[0])
    if item is None:
        yield replace(place, rule_id="ITEM_UNKNOWN", facts={"code": code[:50]})
        return
    limit, found = amount(item.max_price), amount(row.get(price, ""))
    if limit is not None and found is not None and found > limit:
        facts = {"code": code[:50], "found": str(found), "allowed": str(limit)}
        yield replace(place, rule_id="PRICE_ABOVE_CATALOGUE", field=price, facts=facts)


def _hit(rule_id: str, number: int, field: str, **facts: str) -> Hit:
    return Hit(rule_id=rule_id, table="XML3", row=number, field=field, facts=facts)
