"""Reads the XML that hospitals send, with a small reader of the portal's own: declarations refused, sizes limited.

It knows the sixteen tables by their elements alone. Source: Decision 130/QĐ-BYT as amended by 4750 and 3176; letter
1245/BHXH-CNTT (2024).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from sandbox.portal.refusal import (
    CONTENT,
    EMPTY,
    MALFORMED,
    PARAMETER,
    TOO_LARGE,
    Mistake,
    refuse,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_FILE_BYTES = 24 * 1024 * 1024
"""Ours; no limit of the real portal is public."""
MAX_RECORDS = 1_000
MAX_ROWS = 20_000

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableForm:
    """The elements of one table."""

    root: str
    rows: str
    """The element of the list, or empty when the root itself is the only row."""
    row: str


TABLES: dict[str, TableForm] = {
    name: TableForm(root=root, rows=rows, row=row)
    for name, root, rows, row in (
        ("XML0", "CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
        ("XML1", "TONG_HOP", "", "TONG_HOP"),
        ("XML2", "CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
        ("XML3", "CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
        ("XML4", "CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
        (
            "XML5",
            "CHITIEU_CHITIET_DIENBIENLAMSANG",
            "DSACH_CHI_TIET_DIEN_BIEN_BENH",
            "CHI_TIET_DIEN_BIEN_BENH",
        ),
        (
            "XML6",
            "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
            "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
            "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS",
        ),
        ("XML7", "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN", "", "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN"),
        ("XML8", "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN", "", "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN"),
        ("XML9", "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH", "DSACH_GIAYCHUNGSINH", "DU_LIEU_GIAY_CHUNG_SINH"),
        ("XML10", "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI", "", "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI"),
        (
            "XML11",
            "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
            "",
            "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI",
        ),
        ("XML12", "CHI_TIEU_GIAM_DINH_YKHOA", "DSACH_GIAM_DINH_YKHOA", "GIAM_DINH_YKHOA"),
        ("XML13", "CHI_TIEU_GIAYCHUYENTUYEN", "", "CHI_TIEU_GIAYCHUYENTUYEN"),
        ("XML14", "CHI_TIEU_GIAYHEN_KHAMLAI", "", "CHI_TIEU_GIAYHEN_KHAMLAI"),
        ("XML15", "CHI_TIEU_DIEUTRI_BENHLAO", "DSACH_CHITIET_DIEUTRI_BENHLAO", "CHITIET_DIEUTRI_BENHLAO"),
    )
}


def decode_file(text: str) -> bytes:
    """The bytes behind fileHSBase64.

    Raises:
        FileRefusedError: nothing there (204), not base64 (205) or too large (1001). A plus sign that the sender did
            not escape in the form arrives as a space, and a space is not base64.
    """
    if not text:
        raise refuse(EMPTY, "fileHSBase64 rỗng")
    if len(text) > MAX_FILE_BYTES * 4 // 3 + 4:
        raise refuse(TOO_LARGE, "Tệp vượt quá dung lượng cho phép")
    try:
        document = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise refuse(PARAMETER, "fileHSBase64 không phải base64") from None
    if not document.strip():
        raise refuse(EMPTY, "Tệp XML rỗng")
    return document


def parse(document: bytes, *, place: str) -> Element:
    """The root element.

    Raises:
        FileRefusedError: broken, or with a DOCTYPE (201); `place` says which file is meant.
    """
    try:
        return fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise refuse(MALFORMED, f"{place}: XML không hợp lệ") from None


def read_rows(root: Element, table: str) -> list[Row]:
    """The rows of one table; a list without a row is an empty table.

    Raises:
        FileRefusedError: another root than the table's, or too many rows (202).
    """
    form = TABLES[table]
    if root.tag != form.root:
        raise refuse(CONTENT, f"{table}: thẻ gốc không phải {form.root}")
    found = [root] if not form.rows else root.findall(f"{form.rows}/{form.row}")
    if len(found) > MAX_ROWS:
        raise refuse(CONTENT, f"{table}: quá {MAX_ROWS} dòng")
    return [{field.tag: (field.text or "").strip() for field in row} for row in found]


def is_signed(root: Element) -> bool:
    """True when CHUKYDONVI holds anything at all; what is in it the portal of this sandbox does not judge."""
    place = root.find("CHUKYDONVI")
    return place is not None and bool(len(place) or (place.text or "").strip())


def missing(row: Row, names: Iterable[str], *, table: str, record_key: str) -> list[Mistake]:
    """A mistake for every field of these that is absent or empty."""
    return [
        Mistake(code=CONTENT, record_key=record_key, text=f"{table}.{name}: bắt buộc")
        for name in names
        if not row.get(name)
    ]
