"""The monthly result of a facility's claims, as JSON and CSV: the form is **invented**, no public one exists.

Its words, and the totals beside it, follow /api/his/KQGiamDinhHoSo and /api/his/KQQuyetToan, which one public catalogue
names and nothing confirms.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.person import JsonObject
from sandbox.portal.claim_book import ClaimBook

FORM = "SANDBOX-QT-1"
COLUMNS = (
    "maLK", "maGiaoDich", "trangThai", "soTienDeNghi", "soTienDuyet", "soTienTuChoi", "maLyDo", "lyDo",
)  # fmt: skip
"""maLK, trangThai, soTienDuyet and lyDo are of KQGiamDinhHoSo, the others ours."""
WRONG_WAYS = ("totals", "row", "double")
"""How sums may be wrong: the total approved, one row's parts, or one row that comes twice."""
_WHOLE, _PART, _NOTHING = "1", "2", "3"
"""trangThai: ours."""
_SLIP = Decimal("1000.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One month of one facility; amounts are dong with two decimals."""

    facility_code: str
    month: str
    """yyyyMM."""
    made_date: date
    rows: tuple[dict[str, str], ...]
    asked: Decimal
    approved: Decimal
    refused: Decimal


def settle(book: ClaimBook, *, facility_code: str, month: str, today: date, wrong: str = "") -> Settlement:
    """The month as the review sees it; `wrong` is empty or one of WRONG_WAYS and strikes what is there to strike."""
    rows: list[dict[str, str]] = []
    asked = approved = Decimal("0.00")
    for file, claim in book.held_claims(facility_code, month):
        verdict = book.verdict(facility_code, claim)
        asked += claim.asked
        approved += verdict.approved
        amounts = (claim.asked, verdict.approved, claim.asked - verdict.approved)
        texts = [f"{amount:.2f}" for amount in amounts]
        state = _WHOLE if verdict.approved == claim.asked else _PART if verdict.approved else _NOTHING
        row = (claim.ma_lk, file.transaction, state, *texts, verdict.cause, verdict.reason)
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    if wrong == "row" and rows:
        rows[0] = {**rows[0], "soTienDuyet": f"{Decimal(rows[0]['soTienDuyet']) + _SLIP:.2f}"}
    if wrong == "double" and rows:
        rows.append(rows[0])
    return Settlement(
        facility_code=facility_code,
        month=month,
        made_date=today,
        rows=tuple(rows),
        asked=asked,
        approved=approved + _SLIP if wrong == "totals" else approved,
        refused=asked - approved,
    )


def as_json(result: Settlement) -> JsonObject:
    """The settlement file as JSON."""
    return {
        "bieuMau": FORM,
        "maCSKCB": result.facility_code,
        "kyQuyetToan": f"{result.month[4:]}/{result.month[:4]}",
        "ngayLap": f"{result.made_date:%Y%m%d}",
        "soHoSo": len(result.rows),
        "tongDeNghi": f"{result.asked:.2f}",
        "tongDuyet": f"{result.approved:.2f}",
        "tongTuChoi": f"{result.refused:.2f}",
        "dsKetQuaGiamDinh": list(result.rows),
    }


def as_csv(result: Settlement) -> bytes:
    """The settlement file as CSV: UTF-8 with BOM and CRLF, as a spreadsheet writes it, without totals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in result.rows)
    return text.getvalue().encode("utf-8-sig")


def as_totals(result: Settlement) -> JsonObject:
    """The totals alone, in the words of /api/his/KQQuyetToan."""
    causes = dict.fromkeys(row["maLyDo"] for row in result.rows if row["maLyDo"])
    return {
        "maKetQua": "200",
        "kyQuyetToan": f"{result.month[4:]}/{result.month[:4]}",
        "tongChiPhiDeNghi": f"{result.asked:.2f}",
        "tongChiPhiDuyet": f"{result.approved:.2f}",
        "tongChiPhiKhongDuyet": f"{result.refused:.2f}",
        "lyDoKhongDuyet": "; ".join(causes),
        "trangThai": "1",
    }
