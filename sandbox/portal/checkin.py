"""Judges a check-in (XML0): the state of treatment at arrival, sent through its own service.

Source: letter 1245/BHXH-CNTT (2024), part 2; required fields after Decision 3176/QĐ-BYT.
"""

from __future__ import annotations

from sandbox.portal.refusal import CONTENT, FACILITY, FileRefusedError, Mistake, refuse
from sandbox.portal.xml_tables import is_signed, missing, parse, read_rows

_NAMES = "MA_LK STT MA_BN HO_TEN NGAY_SINH GIOI_TINH MA_DOITUONG_KCB NGAY_VAO MA_LOAI_KCB MA_CSKCB NGAY_YL"
REQUIRED = tuple(_NAMES.split())


def read_check_ins(document: bytes, *, facility_code: str, must_sign: bool) -> tuple[str, ...]:
    """The MA_LK told of in the file, each once, in order.

    Raises:
        FileRefusedError: with every mistake found.
    """
    root = parse(document, place="XML0")
    rows = read_rows(root, "XML0")
    if not rows:
        raise refuse(CONTENT, "XML0: không có dòng nào")
    if must_sign and not is_signed(root):
        raise refuse(CONTENT, "CHUKYDONVI: thiếu chữ ký số của đơn vị")
    mistakes: list[Mistake] = []
    for row in rows:
        key = row.get("MA_LK", "")
        mistakes.extend(missing(row, REQUIRED, table="XML0", record_key=key))
        if row.get("MA_CSKCB", facility_code) != facility_code:
            text = "XML0.MA_CSKCB không phải cơ sở của tài khoản"
            mistakes.append(Mistake(code=FACILITY, record_key=key, text=text))
    if mistakes:
        raise FileRefusedError(*mistakes)
    return tuple(dict.fromkeys(row["MA_LK"] for row in rows))
