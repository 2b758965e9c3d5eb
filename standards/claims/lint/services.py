"""Checks of services and supplies: machine, anaesthesia, results, coded suffixes, packages and used supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from standards.claims.lint.case import (
    IMAGING,
    LABORATORY,
    SURGERY,
    TRANSPORT,
    Case,
    Hit,
    amount_or_zero,
    values,
)
from standards.claims.lint.fields import is_done_elsewhere
from standards.claims.model import Row

_MACHINE_GROUPS = ("1", "2", "3")
_TABLE_GROUPS = {
    "XML2": frozenset({"4", "5", "6", "7", "17"}),
    "XML3": frozenset({"1", "2", "3", "8", "9", "10", "11", "12", "13", "14", "15", "16", "18", "19"}),
}
"""Drugs, blood and its transport in table 2, everything else in table 3 (annex of 3176, T_THUOC and T_VTYT)."""
_GROUPS = frozenset().union(*_TABLE_GROUPS.values())
_PLACED_GROUPS = ("8", "18")
_MACHINE = re.compile(r"[A-ZĐ]{2,3}\.([12]|3(\[[^\]]*\])?)\..+")
_TRANSPORT_CODE = re.compile(r"VC\.[0-9]{2}[0-9A-Z]{3}")
_UNPRICED = re.compile(r"[0-9A-Z]{2,3}\.[0-9]{4}\.0000")
_LOCAL = "[gây tê]"


def check_services(case: Case) -> Iterator[Hit]:
    """What each group of services must carry beside the required fields."""
    for table, groups in _TABLE_GROUPS.items():
        for number, row in case.numbered(table):
            group = row.get("MA_NHOM", "")
            if group in _GROUPS and group not in groups:
                yield Hit(rule_id="GROUP_OF_OTHER_TABLE", table=table, row=number, field="MA_NHOM")
    for number, row in case.numbered("XML3"):
        for rule_id, field in (*_device_faults(row), *_code_faults(case, row)):
            yield Hit(rule_id=rule_id, table="XML3", row=number, field=field)
    if case.summary.get("MA_PTTT_QT") and not any(
        row.get("MA_NHOM") in _PLACED_GROUPS for row in case.rows("XML3")
    ):
        yield Hit(rule_id="PROCEDURE_CODE_ALONE", table="XML1", row=1, field="MA_PTTT_QT")


def _device_faults(row: Row) -> Iterator[tuple[str, str]]:
    group, machines = row.get("MA_NHOM", ""), values(row.get("MA_MAY", ""))
    is_service = bool(row.get("MA_DICH_VU")) and not row.get("MA_VAT_TU")
    if group == SURGERY and is_service and not row.get("PP_VO_CAM"):
        yield "ANAESTHESIA_MISSING", "PP_VO_CAM"
    if group in _MACHINE_GROUPS and is_service and not machines and not is_done_elsewhere(row):
        yield "MACHINE_MISSING", "MA_MAY"
    # After the first, ";" also stands between the serial numbers of one installation.
    if machines and not _MACHINE.fullmatch(machines[0]):
        yield "MACHINE_MALFORMED", "MA_MAY"
    if row.get("VI_TRI_TH_DVKT") and group not in _PLACED_GROUPS:
        yield "PLACE_WITHOUT_SURGERY", "VI_TRI_TH_DVKT"


def _code_faults(case: Case, row: Row) -> Iterator[tuple[str, str]]:
    code = row.get("MA_DICH_VU", "")
    if row.get("MA_NHOM") == TRANSPORT and code and not _TRANSPORT_CODE.fullmatch(code):
        yield "TRANSPORT_CODE_WRONG", "MA_DICH_VU"
    unpriced = ("_TB",) if case.schema.version == "4750" else ("_TT",)
    is_unpriced = bool(_UNPRICED.fullmatch(code)) or code.endswith(unpriced)
    if is_unpriced and not row.get("MA_VAT_TU") and amount_or_zero(row, "DON_GIA_BH") > 0:
        yield "UNPRICED_NOT_FREE", "DON_GIA_BH"
    if code.endswith("_GT") and not row.get("MA_VAT_TU") and _LOCAL not in row.get("TEN_DICH_VU", "").lower():
        yield "LOCAL_ANAESTHESIA_NAME", "TEN_DICH_VU"


def check_results(case: Case) -> Iterator[Hit]:
    """Laboratory tests have results, images have conclusions, and each result belongs to a service."""
    results = {row.get("MA_DICH_VU", "") for row in case.rows("XML4")}
    concluded = {row.get("MA_DICH_VU", "") for row in case.rows("XML4") if row.get("KET_LUAN")}
    ordered = {row.get("MA_DICH_VU", "") for row in case.rows("XML3")}
    for number, row in case.numbered("XML3"):
        group, code = row.get("MA_NHOM", ""), row.get("MA_DICH_VU", "")
        if not code or row.get("MA_VAT_TU"):
            continue
        place = Hit(rule_id="", table="XML3", row=number, field="MA_DICH_VU", facts={"code": code[:50]})
        if group == LABORATORY and code not in results:
            yield replace(place, rule_id="RESULT_MISSING")
        if group == IMAGING and code not in concluded:
            yield replace(place, rule_id="CONCLUSION_MISSING")
    for number, row in case.numbered("XML4"):
        code = row.get("MA_DICH_VU", "")
        if code and code not in ordered:
            facts = {"code": code[:50]}
            yield Hit(
                rule_id="RESULT_WITHOUT_SERVICE", table="XML4", row=number, field="MA_DICH_VU", facts=facts
            )
        if not (row.get("GIA_TRI") or row.get("MO_TA") or row.get("KET_LUAN")):
            yield Hit(rule_id="RESULT_EMPTY", table="XML4", row=number, field="GIA_TRI")


def check_supplies(case: Case) -> Iterator[Hit]:
    """What belongs to a supply stands beside one, and one that is used again has one price."""
    for number, row in case.numbered("XML3"):
        if not row.get("MA_VAT_TU"):
            for field in ("MA_HIEU_SP", "TAI_SU_DUNG"):
                if row.get(field):
                    yield Hit(rule_id="SUPPLY_FIELD_ALONE", table="XML3", row=number, field=field)
        elif row.get("TAI_SU_DUNG") == "1":
            price = amount_or_zero(row, "DON_GIA_BV")
            if price != amount_or_zero(row, "DON_GIA_BH"):
                facts = {"expected": str(price)}
                yield Hit(
                    rule_id="REUSED_PRICE_DIFFERS", table="XML3", row=number, field="DON_GIA_BH", facts=facts
                )
