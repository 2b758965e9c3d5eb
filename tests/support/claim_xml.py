"""Claim files made by hand for tests of the sandbox portal: invented people, true sums, no code of the suite."""

from __future__ import annotations

import base64
from collections.abc import Mapping

SUMMARY = {
    "MA_LK": "LK0001", "STT": "1", "MA_BN": "BN1", "HO_TEN": "TRẦN THỊ THỬ", "SO_CCCD": "099090000001",
    "NGAY_SINH": "199001010000", "GIOI_TINH": "2", "MA_QUOCTICH": "000", "MA_DANTOC": "01", "MA_NGHE_NGHIEP": "00000",
    "DIA_CHI": "Xã Thử", "MATINH_CU_TRU": "19", "MAHUYEN_CU_TRU": "", "MAXA_CU_TRU": "00001",
    "MA_THE_BHYT": "GD4999900000001", "LY_DO_VV": "Khám", "CHAN_DOAN_VAO": "Cảm", "CHAN_DOAN_RV": "Cảm",
    "MA_BENH_CHINH": "J00", "MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202611020800", "NGAY_RA": "202611021000",
    "SO_NGAY_DTRI": "0", "KET_QUA_DTRI": "2", "MA_LOAI_RV": "1", "T_THUOC": "25010", "T_VTYT": "0",
    "T_TONGCHI_BV": "75610", "T_TONGCHI_BH": "75610", "T_BNTT": "0", "T_BNCCT": "15122", "T_BHTT": "60488",
    "T_NGUONKHAC": "0", "T_BHTT_GDV": "60488", "NAM_QT": "2026", "THANG_QT": "11", "MA_LOAI_KCB": "01",
    "MA_KHOA": "K01", "MA_CSKCB": "19999", "CAN_NANG": "60", "MA_HSBA": "HS1",
}  # fmt: skip
DRUG = {
    "MA_LK": "LK0001", "STT": "1", "MA_THUOC": "40.155", "THANH_TIEN_BV": "25010", "THANH_TIEN_BH": "25010",
    "T_NGUONKHAC": "0", "T_BNTT": "0", "T_BNCCT": "5002", "T_BHTT": "20008",
}  # fmt: skip
SERVICE = {
    "MA_LK": "LK0001", "STT": "1", "MA_DICH_VU": "02.1896", "THANH_TIEN_BV": "50600", "THANH_TIEN_BH": "50600",
    "T_NGUONKHAC": "0", "T_BNTT": "0", "T_BNCCT": "10120", "T_BHTT": "40480",
}  # fmt: skip
CHECK_IN = {
    "MA_LK": "LK0001", "STT": "1", "MA_BN": "BN1", "HO_TEN": "TRẦN THỊ THỬ", "NGAY_SINH": "199001010000",
    "GIOI_TINH": "2", "MA_DOITUONG_KCB": "1.1", "NGAY_VAO": "202611020800", "MA_LOAI_KCB": "01",
    "MA_CSKCB": "19999", "NGAY_YL": "202611020815",
}  # fmt: skip
_CERTIFICATE_NAMES = (
    "NGUOI_CHU_TRI CHUC_VU NGAY_HOP HO_TEN NGAY_SINH SO_CCCD NGAY_CAP_CCCD NOI_CAP_CCCD DIA_CHI MATINH_CU_TRU "
    "MAHUYEN_CU_TRU MAXA_CU_TRU MA_BHXH DIEN_THOAI MA_DOI_TUONG KHAM_GIAM_DINH SO_BIEN_BAN DANG_HUONG_CHE_DO "
    "NGAY_CHUNG_TU SO_GIAY_GIOI_THIEU NGAY_DE_NGHI MA_DONVI GIOI_THIEU_CUA KET_QUA_KHAM SO_VAN_BAN_CAN_CU "
    "TYLE_TTCT_MOI TONG_TYLE_TTCT DE_NGHI DUOC_XACDINH"
)
CERTIFICATE = dict.fromkeys(_CERTIFICATE_NAMES.split(), "1") | {"SO_BIEN_BAN": "BB-2026-1"}


def row_xml(element: str, row: Mapping[str, str]) -> str:
    """One row as XML."""
    return f"<{element}>{''.join(f'<{name}>{text}</{name}>' for name, text in row.items())}</{element}>"


def claim_tables(ma_lk: str = "LK0001", **summary: str) -> dict[str, str]:
    """XML1, XML2 and XML3 of one visit with one drug and one service; `summary` changes fields of XML1."""
    key = {"MA_LK": ma_lk}
    drugs = row_xml("CHI_TIET_THUOC", DRUG | key)
    services = row_xml("CHI_TIET_DVKT", SERVICE | key)
    return {
        "XML1": row_xml("TONG_HOP", SUMMARY | key | summary),
        "XML2": f"<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>{drugs}</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>",
        "XML3": "<CHITIEU_CHITIET_DVKT_VTYT><DSACH_CHI_TIET_DVKT>"
        f"{services}</DSACH_CHI_TIET_DVKT></CHITIEU_CHITIET_DVKT_VTYT>",
    }


def base64_text(text: str) -> str:
    """Base64 of the UTF-8 of a text."""
    return base64.b64encode(text.encode()).decode()


def envelope(
    *records: Mapping[str, str],
    facility_code: str = "19999",
    made_date: str = "20261121",
    count: str | None = None,
    signature: str = "",
    is_inline: bool = False,
) -> bytes:
    """A GIAMDINHHS of these records, each a mapping from table name to its XML."""
    files = "".join(
        "<HOSO>"
        + "".join(
            f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO>"
            f"<NOIDUNGFILE>{xml if is_inline else base64_text(xml)}</NOIDUNGFILE></FILEHOSO>"
            for name, xml in record.items()
        )
        + "</HOSO>"
        for record in records
    )
    return (
        f"<GIAMDINHHS><THONGTINDONVI><MACSKCB>{facility_code}</MACSKCB></THONGTINDONVI><THONGTINHOSO>"
        f"<NGAYLAP>{made_date}</NGAYLAP><SOLUONGHOSO>{len(records) if count is None else count}</SOLUONGHOSO>"
        f"<DANHSACHHOSO>{files}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI>{signature}</CHUKYDONVI></GIAMDINHHS>"
    ).encode()


def check_in_file(*rows: Mapping[str, str], signature: str = "") -> bytes:
    """An XML0 of these rows."""
    body = "".join(row_xml("TRANG_THAI_KCB", row) for row in rows)
    return (
        f"<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>{body}</DSACH_TRANG_THAI_KCB>"
        f"<CHUKYDONVI>{signature}</CHUKYDONVI></CHI_TIEU_TRANG_THAI_KCB>"
    ).encode()


def certificate_file(*rows: Mapping[str, str]) -> bytes:
    """An XML12 of these rows."""
    body = "".join(row_xml("GIAM_DINH_YKHOA", row) for row in rows)
    return (
        f"<CHI_TIEU_GIAM_DINH_YKHOA><DSACH_GIAM_DINH_YKHOA>{body}</DSACH_GIAM_DINH_YKHOA>"
        "<CHUKYDONVI/></CHI_TIEU_GIAM_DINH_YKHOA>"
    ).encode()
