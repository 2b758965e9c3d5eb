"""Judges a file of medical assessments (XML12), the certificate service with loaiHoSo 12.

Source: letter 3190/BHXH-CNTT (2023) for the structure; required fields after Decision 3176/QĐ-BYT. The table carries no
MA_LK, so a record is known by SO_BIEN_BAN, the number of its minutes: ours.
"""

from __future__ import annotations

from sandbox.portal.refusal import CONTENT, FileRefusedError, Mistake, refuse
from sandbox.portal.xml_tables import is_signed, missing, parse, read_rows

_NAMES = (
    "NGUOI_CHU_TRI CHUC_VU NGAY_HOP HO_TEN NGAY_SINH SO_CCCD NGAY_CAP_CCCD NOI_CAP_CCCD DIA_CHI MATINH_CU_TRU "
    "MAXA_CU_TRU MA_BHXH DIEN_THOAI MA_DOI_TUONG KHAM_GIAM_DINH SO_BIEN_BAN DANG_HUONG_CHE_DO NGAY_CHUNG_TU "
    "SO_GIAY_GIOI_THIEU NGAY_DE_NGHI MA_DONVI GIOI_THIEU_CUA KET_QUA_KHAM SO_VAN_BAN_CAN_CU TYLE_TTCT_MOI "
    "TONG_TYLE_TTCT DE_NGHI DUOC_XACDINH"
)
REQUIRED = tuple(_NAMES.split())


def read_certificates(document: bytes, *, must_sign: bool) -> tuple[str, ...]:
    """The numbers of minutes in the file, each once, in order.

    Raises:
        FileRefusedError: with every mistake found.
    """
    root = parse(document, place="XML12")
    rows = read_rows(root, "XML12")
    if not rows:
        raise refuse(CONTENT, "XML12: không có dòng nào")
    if must_sign and not is_signed(root):
        raise refuse(CONTENT, "CHUKYDONVI: thiếu chữ ký số của đơn vị")
    mistakes: list[Mistake] = []
    for row in rows:
        mistakes.extend(missing(row, REQUIRED, table="XML12", record_key=row.get("SO_BIEN_BAN", "")))
    if mistakes:
        raise FileRefusedError(*mistakes)
    return tuple(dict.fromkeys(row["SO_BIEN_BAN"] for row in rows))
