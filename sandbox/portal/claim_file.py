"""Reads and judges a claim file (GIAMDINHHS) as the portal does before it takes one: pure, no HTTP, no clock.

Source: letter 1245/BHXH-CNTT (2024) for the envelope; the annex of Decision 3176/QĐ-BYT (29/10/2024) for the sums.
A file with one wrong record is refused as a whole: ours, as the real rule is not public.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from sandbox.portal.refusal import CONTENT, FACILITY, FileRefusedError, Mistake, refuse
from sandbox.portal.xml_tables import (
    MAX_RECORDS,
    TABLES,
    Row,
    is_signed,
    missing,
    parse,
    read_rows,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

OWN_SERVICE = frozenset({"XML0", "XML12"})
"""Tables that travel alone and never inside GIAMDINHHS."""
CENT = Decimal("0.01")
_SUMMARY_NAMES = (
    "MA_LK MA_BN HO_TEN NGAY_SINH GIOI_TINH MA_QUOCTICH MA_DANTOC MA_NGHE_NGHIEP DIA_CHI MATINH_CU_TRU MAXA_CU_TRU "
    "LY_DO_VV CHAN_DOAN_VAO CHAN_DOAN_RV MA_BENH_CHINH MA_DOITUONG_KCB NGAY_VAO NGAY_RA SO_NGAY_DTRI KET_QUA_DTRI "
    "MA_LOAI_RV T_THUOC T_VTYT T_TONGCHI_BV T_TONGCHI_BH T_BNTT T_BNCCT T_BHTT T_NGUONKHAC T_BHTT_GDV NAM_QT THANG_QT "
    "MA_LOAI_KCB MA_KHOA MA_CSKCB CAN_NANG MA_HSBA"
)
REQUIRED_SUMMARY = tuple(_SUMMARY_NAMES.split())
"""MAHUYEN_CU_TRU is left out: districts ended on 1 July 2025 and real files of 2026 leave it empty."""
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_MONTH = re.compile(r"20[0-9]{2}(0[1-9]|1[0-2])")
_MOMENT = re.compile(r"[0-9]{12}")
_SUMS = (
    ("T_TONGCHI_BV", "THANH_TIEN_BV"),
    ("T_TONGCHI_BH", "THANH_TIEN_BH"),
    ("T_BNTT", "T_BNTT"),
    ("T_BNCCT", "T_BNCCT"),
    ("T_NGUONKHAC", "T_NGUONKHAC"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentClaim:
    """What the portal keeps of one record: no name, no number of a person."""

    ma_lk: str
    month: str
    """Settlement month, yyyyMM."""
    asked: Decimal
    """T_BHTT, dong with two decimals."""
    total: Decimal
    """T_TONGCHI_BV."""
    line_count: int
    tables: tuple[str, ...]


def read_claim_file(document: bytes, *, facility_code: str, must_sign: bool) -> tuple[SentClaim, ...]:
    """The records of a file that this facility may send.

    Raises:
        FileRefusedError: with every mistake found, at most MAX_TOLD.
    """
    root = parse(document, place="GIAMDINHHS")
    if root.tag != "GIAMDINHHS":
        raise refuse(CONTENT, "Thẻ gốc không phải GIAMDINHHS")
    if _text(root, "THONGTINDONVI/MACSKCB") != facility_code:
        raise refuse(FACILITY, "THONGTINDONVI.MACSKCB không phải cơ sở của tài khoản")
    if re.fullmatch(r"[0-9]{8}", _text(root, "THONGTINHOSO/NGAYLAP")) is None:
        raise refuse(CONTENT, "THONGTINHOSO.NGAYLAP không đúng dạng yyyyMMdd")
    if must_sign and not is_signed(root):
        raise refuse(CONTENT, "CHUKYDONVI: thiếu chữ ký số của đơn vị")
    records = root.findall("THONGTINHOSO/DANHSACHHOSO/HOSO")
    if not records or len(records) > MAX_RECORDS:
        raise refuse(CONTENT, f"DANHSACHHOSO: phải có 1 đến {MAX_RECORDS} HOSO")
    if _text(root, "THONGTINHOSO/SOLUONGHOSO") != str(len(records)):
        raise refuse(CONTENT, "SOLUONGHOSO khác số HOSO trong tệp")
    mistakes: list[Mistake] = []
    claims: list[SentClaim] = []
    for number, record in enumerate(records, start=1):
        try:
            claims.append(_judge(_tables(record, number), number, facility_code))
        except FileRefusedError as refusal:
            mistakes.extend(refusal.mistakes)
    keys = [claim.ma_lk for claim in claims]
    mistakes.extend(
        Mistake(code=CONTENT, record_key=key, text="MA_LK lặp lại trong một tệp")
        for key in dict.fromkeys(keys)
        if keys.count(key) > 1
    )
    if mistakes:
        raise FileRefusedError(*mistakes)
    return tuple(claims)


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _tables(record: Element, number: int) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {}
    for file in record.findall("FILEHOSO"):
        name = _text(file, "LOAIHOSO").upper()
        if name not in TABLES or name in OWN_SERVICE:
            raise refuse(CONTENT, f"HOSO {number}: LOAIHOSO không thuộc hồ sơ này")
        content = file.find("NOIDUNGFILE")
        if content is None:
            raise refuse(CONTENT, f"HOSO {number}: {name} thiếu NOIDUNGFILE")
        root = _content(content, place=f"HOSO {number}: {name}")
        rows = read_rows(root, name) if root is not None else []
        tables.setdefault(name, []).extend(rows)
    return tables


def _content(content: Element, *, place: str) -> Element | None:
    """The table inside NOIDUNGFILE: base64, as it stands, or nothing for an unused table."""
    if len(content):
        return content[0]
    text = "".join((content.text or "").split())
    if not text:
        return None
    try:
        document = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refuse(CONTENT, f"{place}: NOIDUNGFILE không phải base64") from None
    return parse(document, place=place)


def _judge(tables: dict[str, list[Row]], number: int, facility_code: str) -> SentClaim:
    summaries = tables.get("XML1", [])
    if len(summaries) != 1:
        raise refuse(CONTENT, f"HOSO {number}: phải có đúng một XML1")
    summary = summaries[0]
    key = summary.get("MA_LK", "")
    mistakes = missing(summary, REQUIRED_SUMMARY, table="XML1", record_key=key)
    if mistakes:
        raise FileRefusedError(*mistakes)
    if summary["MA_CSKCB"] != facility_code:
        raise refuse(FACILITY, "XML1.MA_CSKCB không phải cơ sở của tài khoản", record_key=key)
    month = summary["NAM_QT"] + summary["THANG_QT"].zfill(2)
    mistakes = [*_wrong_keys(tables, key), *_wrong_dates(summary, key)]
    if _MONTH.fullmatch(month) is None:
        mistakes.append(
            Mistake(code=CONTENT, record_key=key, text="XML1.NAM_QT, THANG_QT: không phải một tháng")
        )
    if mistakes:
        raise FileRefusedError(*mistakes)
    lines = [*tables.get("XML2", []), *tables.get("XML3", [])]
    mistakes = _wrong_sums(summary, tables, key)
    if mistakes:
        raise FileRefusedError(*mistakes)
    return SentClaim(
        ma_lk=key,
        month=month,
        asked=_amount(summary, "T_BHTT"),
        total=_amount(summary, "T_TONGCHI_BV"),
        line_count=len(lines),
        tables=tuple(tables),
    )


def _wrong_keys(tables: dict[str, list[Row]], key: str) -> list[Mistake]:
    return [
        Mistake(code=CONTENT, record_key=key, text=f"{name}.MA_LK khác XML1.MA_LK")
        for name, rows in tables.items()
        if any(row.get("MA_LK") != key for row in rows)
    ]


def _wrong_dates(summary: Row, key: str) -> list[Mistake]:
    for name in ("NGAY_VAO", "NGAY_RA"):
        if _MOMENT.fullmatch(summary[name]) is None:
            return [Mistake(code=CONTENT, record_key=key, text=f"XML1.{name}: không đúng dạng yyyyMMddHHmm")]
    if summary["NGAY_RA"] < summary["NGAY_VAO"]:
        return [Mistake(code=CONTENT, record_key=key, text="XML1.NGAY_RA trước NGAY_VAO")]
    return []


def _wrong_sums(summary: Row, tables: dict[str, list[Row]], key: str) -> list[Mistake]:
    """The totals against their lines; a hundredth of a dong per line may be lost in rounding."""
    drugs, services = tables.get("XML2", []), tables.get("XML3", [])
    allowed = CENT * max(1, len(drugs) + len(services))
    try:
        pairs = [(name, _amount(summary, name), _sum([*drugs, *services], field)) for name, field in _SUMS]
        pairs.append(("T_THUOC", _amount(summary, "T_THUOC"), _sum(drugs, "THANH_TIEN_BV")))
        asked = _amount(summary, "T_BHTT")
        if _amount(summary, "T_NGUONKHAC") == 0:
            # The decision's formula; other funding may eat into it, so it is held against the totals only without.
            pairs.append(("T_BHTT", asked, _amount(summary, "T_TONGCHI_BH") - _amount(summary, "T_BNCCT")))
        pairs.append(("T_BHTT", asked, _sum([*drugs, *services], "T_BHTT")))
    except InvalidOperation as wrong:
        return [Mistake(code=CONTENT, record_key=key, text=f"{wrong.args[0]}: không phải số tiền")]
    wrong_names = dict.fromkeys(name for name, told, summed in pairs if abs(told - summed) > allowed)
    return [
        Mistake(code=CONTENT, record_key=key, text=f"XML1.{name} khác tổng các dòng chi tiết")
        for name in wrong_names
    ]


def _sum(rows: list[Row], name: str) -> Decimal:
    return sum((_amount(row, name) for row in rows), Decimal(0))


def _amount(row: Row, name: str) -> Decimal:
    text = row.get(name, "")
    if _AMOUNT.fullmatch(text) is None:
        raise InvalidOperation(name)
    return Decimal(text)
