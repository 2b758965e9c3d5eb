"""What a facility is told of the files it sent, in three forms.

`write_day` and `write_errors` are nhanChiTietHSNgay4210 and nhanChiTietLoiHS4210 of the older interface of Decision
4210, as a public catalogue of the portal's services names them; that they also tell of files under Decision 4750 is our
guess, and which total `tongTien` is (we: T_TONGCHI_BV) too. `write_receipts` is **invented**: no public paper describes
such a call, though the portal's web pages show the same (letter 1245/BHXH-CNTT of 2024, part II).
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.person import JsonObject
from sandbox.portal.claim_book import HELD, REFUSED, REPLACED, WAITING, ClaimBook, TakenFile

_WORDS = {WAITING: "Đang chờ xử lý", HELD: "Đã tiếp nhận", REPLACED: "Đã được thay thế", REFUSED: "Lỗi"}


def write_receipts(book: ClaimBook, files: tuple[TakenFile, ...], *, is_waiting: bool) -> JsonObject:
    """The receipts of these files; maKetQua 204 when there is none."""
    if not files:
        return {"maKetQua": "204", "thongDiep": "Không tìm thấy giao dịch", "dsGiaoDich": []}
    rows = [_receipt(book, file, is_waiting=is_waiting) for file in files]
    return {"maKetQua": "200", "thongDiep": "", "dsGiaoDich": rows}


def write_day(files: tuple[TakenFile, ...], *, is_waiting: bool) -> JsonObject:
    """The files of a day, oldest first; a file that waits has neither good nor wrong records yet."""
    rows = []
    for file in files:
        slips = () if is_waiting else file.mistakes
        count = max(1, len(file.keys))
        rows.append(
            {
                "ngayGui": file.received_text,
                "maGiaoDich": file.transaction,
                "soLuongHoSo": count,
                "slHoSoDung": 0 if slips or is_waiting else count,
                "slHoSoLoi": count if slips else 0,
                "tongTien": _total(file),
                "mieuTa": _WORDS[WAITING] if is_waiting else "; ".join(slip.text for slip in slips),
            }
        )
    return {"maKetQua": "200", "dsHoSo": rows}


def write_errors(file: TakenFile | None) -> JsonObject:
    """What is wrong with one file; maKetQua 204 when there is no such file."""
    if file is None:
        return {"maKetQua": "204", "dsLoi": []}
    rows = [{"maLoi": slip.code, "moTaLoi": slip.text} for slip in file.mistakes]
    return {"maKetQua": "200", "dsLoi": rows}


def _total(file: TakenFile) -> str:
    """T_TONGCHI_BV of the records; nothing of a refused file was added up."""
    return f"{sum((claim.total for claim in file.claims), Decimal(0)):.2f}"


def _receipt(book: ClaimBook, file: TakenFile, *, is_waiting: bool) -> JsonObject:
    states = {key: WAITING if is_waiting else book.state(file, key) for key in file.keys}
    overall = WAITING if is_waiting else (REFUSED if file.is_refused else min(states.values()))
    mistakes = () if is_waiting else file.mistakes
    wrong_count = max(1, len(file.keys)) if mistakes else 0
    return {
        "maGiaoDich": file.transaction,
        "loaiHoSo": file.kind,
        "maCSKCB": file.facility_code,
        "thoiGianTiepNhan": file.received_text,
        "trangThai": overall,
        "moTa": _WORDS[overall],
        "soLuongHoSo": max(1, len(file.keys)),
        "slHoSoDung": 0 if is_waiting or mistakes else len(file.keys),
        "slHoSoLoi": wrong_count,
        "tongTien": _total(file),
        "dsHoSo": [{"maLK": key, "trangThai": state} for key, state in states.items()],
        "dsLoi": [{"maLoi": slip.code, "moTaLoi": slip.text, "maLK": slip.record_key} for slip in mistakes],
    }
