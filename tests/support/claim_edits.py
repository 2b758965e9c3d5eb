"""Claims for tests of single rules: a clean one of a kind, and values put where a short path says.

A path is `XML3[MA_NHOM=8].PP_VO_CAM`: the first row of a table with that value, and its field; `XML3[2].STT` the second
row; `XML1.NGAY_RA` the first one.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace

from standards.claims import ClaimRecord, Row
from tests.support.claim_lines import FACILITY, STAFF, Plan
from tests.support.claim_maker import clean_claim

_PATH = re.compile(r"(XML[0-9]+)(?:\[([^\]]+)\])?(?:\.(\w+))?")
_SEEDS_MAX = 400
PLANS = {
    "outpatient": Plan(kind="01", has_appointment=True, has_leave=True),
    "serial": Plan(kind="02"),
    "chronic": Plan(kind="05"),
    "short": Plan(kind="09"),
    "inpatient": Plan(kind="03", has_appointment=True),
    "day": Plan(kind="04"),
    "mother": Plan(kind="03", has_birth=True),
    "referred": Plan(kind="01", is_referred_in=True, is_referred_out=True),
    "funded": Plan(kind="01", has_other_funding=True),
}
_HIV: Row = {
    "NOI_LAY_MAU_XN": FACILITY, "NOI_XN_KD": FACILITY, "NOI_BDDT_ARV": FACILITY, "NGAYKD_HIV": "20240102",
    "BDDT_ARV": "20240105", "MA_LYDO_DTRI": "1", "LOAI_DTRI_LAO": "0", "SANG_LOC_LAO": "2", "KQ_DTRI_LAO": "7",
    "MA_LOAI_BN": "1", "GIAI_DOAN_LAM_SANG": "1", "NHOM_DOI_TUONG": "10", "MA_TINH_TRANG_DK": "7;9",
    "MA_XU_TRI": "1;4", "NGAY_BAT_DAU_XU_TRI": "20260106", "NGAY_KET_THUC_XU_TRI": "20260205",
    "MA_PHAC_DO_DIEU_TRI": "1f", "SO_NGAY_CAP_THUOC_ARV": "30", "NGAY_CHUYEN_PHAC_DO": "20260106",
    "LY_DO_CHUYEN_PHAC_DO": "4", "MA_CSKCB": FACILITY,
}  # fmt: skip
_TUBERCULOSIS: Row = {
    "STT": "1", "PHANLOAI_LAO_VITRI": "1", "PHANLOAI_LAO_TS": "1", "PHANLOAI_LAO_HIV": "2", "PHANLOAI_LAO_VK": "1",
    "PHANLOAI_LAO_KT": "1", "LOAI_DTRI_LAO": "2", "NGAYBD_DTRI_LAO": "20260106", "PHACDO_DTRI_LAO": "1",
    "NGAYKT_DTRI_LAO": "20260706", "KET_QUA_DTRI_LAO": "1", "MA_CSKCB": FACILITY, "BDDT_ARV": "20260106",
    "NGAY_BAT_DAU_DT_CTX": "20260106",
}  # fmt: skip
_ANTENATAL: Row = {
    "SO_SERI": "1", "SO_CT": "1", "SO_NGAY": "30", "DON_VI": "Công ty Thử", "CHAN_DOAN_RV": "Dưỡng thai",
    "TU_NGAY": "20260106", "DEN_NGAY": "20260204", "MA_TTDV": STAFF[0], "TEN_BS": "Bác sĩ Thử", "MA_BS": STAFF[1],
    "NGAY_CT": "20260106",
}  # fmt: skip


def claim_with(plan: str, *paths: str) -> ClaimRecord:
    """A clean claim of a kind in which every path has its row; tables 6, 10 and 15 are added where a path needs one."""
    for seed in range(_SEEDS_MAX):
        record = _completed(
            clean_claim(seed, replace(PLANS[plan])), {path.partition("[")[0][:5] for path in paths}
        )
        if all(_row_number(record, path) is not None for path in paths):
            return record
    raise LookupError(f"no {plan} claim has {paths}")


def edited(record: ClaimRecord, edits: dict[str, str | None]) -> ClaimRecord:
    """A copy with those values; None takes the field, or without a field the whole table, out."""
    tables = copy.deepcopy(record.tables)
    for path, value in edits.items():
        table, _, field = _parts(path)
        number = _row_number(ClaimRecord(tables=tables), path)
        assert number is not None, path
        if not field:
            assert value is None, "a table is only taken out"
            del tables[table]
        elif value is None:
            tables[table][number - 1].pop(field, None)
        else:
            tables[table][number - 1][field] = value
    return ClaimRecord(tables=tables)


def place(record: ClaimRecord, path: str) -> tuple[str, int, str]:
    """Table, row and field of a path; row 0 where it names no field."""
    table, _, field = _parts(path)
    number = _row_number(record, path)
    return table, (number or 0) if field else 0, field


def _parts(path: str) -> tuple[str, str, str]:
    found = _PATH.fullmatch(path)
    assert found is not None, path
    return found[1], found[2] or "", found[3] or ""


def _row_number(record: ClaimRecord, path: str) -> int | None:
    table, selector, _ = _parts(path)
    rows = record.tables.get(table, [])
    if selector.isdecimal():
        return int(selector) if int(selector) <= len(rows) else None
    wanted = [part.partition("=") for part in selector.split(",") if part]
    for number, row in enumerate(rows, start=1):
        if all((row.get(name, "") == value) if value else bool(row.get(name)) for name, _, value in wanted):
            return number
    return None


def _completed(record: ClaimRecord, prefixes: set[str]) -> ClaimRecord:
    summary = record.tables["XML1"][0]
    tables = dict(record.tables)
    link = {"MA_LK": summary["MA_LK"]}
    same = {name: summary[name] for name in ("MA_THE_BHYT", "SO_CCCD", "NGAY_SINH", "GIOI_TINH")}
    if "XML6." in prefixes:
        tables["XML6"] = [link | same | _HIV]
    if "XML15" in prefixes:
        tables["XML15"] = [link | _TUBERCULOSIS | {"MA_BN": summary["MA_BN"], "HO_TEN": summary["HO_TEN"]}]
    if "XML10" in prefixes:
        summary["GIOI_TINH"] = "2"
        tables["XML10"] = [link | _ANTENATAL]
        for name in ("XML6", "XML14"):
            for row in tables.get(name, []):
                row["GIOI_TINH"] = "2"
    return ClaimRecord(tables=tables)
