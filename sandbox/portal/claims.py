"""The HTTP face of the services for files: check-in, claims, certificates, receipts and the monthly settlement.

Source: letter 1245/BHXH-CNTT (2024), parts 2 and 3, and letter 3190/BHXH-CNTT (2023): paths, headers, form and answer
of the three services that take files. Receipts and settlement are invented (see those modules). An error is told inside
an HTTP 200, as the letter lists its codes for maKetQua alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox.faults import FAULT
from sandbox.portal.certificates import read_certificates
from sandbox.portal.checkin import read_check_ins
from sandbox.portal.claim_book import CERTIFICATE, CHECK_IN, CLAIM, ClaimBook, TakenFile
from sandbox.portal.claim_file import SentClaim, read_claim_file
from sandbox.portal.receipts import write_day, write_errors, write_receipts
from sandbox.portal.refusal import FACILITY, PARAMETER, FileRefusedError
from sandbox.portal.settlement import WRONG_WAYS, Settlement, as_csv, as_json, as_totals, settle
from sandbox.portal.xml_tables import MAX_FILE_BYTES, decode_file

MAX_BODY_BYTES = MAX_FILE_BYTES * 3
"""Base64 grows by a third and the escaping of a form by more; above it is HTTP 413."""
_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_PERIOD = re.compile(r"(0[1-9]|1[0-2])/(20[0-9]{2})")
_DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_MESSAGES = {
    "200": "Tiếp nhận thành công",
    "401": "Lỗi xác thực tài khoản",
    "402": "Mã cơ sở khám bệnh, chữa bệnh không đúng với tài khoản",
    "403": "Tài khoản bị khóa",
    "408": "Quá thời gian xử lý",
    "500": "Lỗi hệ thống",
}
Owner = Callable[[web.Request, dict[str, str]], str | None]
Read = tuple[tuple[str, ...], tuple[SentClaim, ...]]


class ClaimDesk:
    """Takes files, tells of them, and settles them by month."""

    def __init__(self, book: ClaimBook, *, owner: Owner, clock: Callable[[], datetime]) -> None:
        self.book = book
        self._owner = owner
        self._clock = clock

    def add_routes(self, app: web.Application) -> None:
        """Put the paths of the desk on the portal."""
        app.router.add_post("/api/qd130/checkInKcbQd4750", self._take_check_in)
        app.router.add_post("/api/qd130/guiHoSoXmlQD4750", self._take_claims)
        app.router.add_post("/api/qd130/guiDuLieuGdykQd130", self._take_certificates)
        app.router.add_post("/api/qd130/traCuuKetQuaQd4750", self._tell_receipts)
        app.router.add_post("/api/egw/nhanChiTietHSNgay4210", self._tell_day)
        app.router.add_post("/api/egw/nhanChiTietLoiHS4210", self._tell_errors)
        app.router.add_post("/api/his/KQQuyetToan", self._tell_settlement)
        app.router.add_post("/api/his/TepQuyetToan", self._give_settlement_file)

    def settlement(self, facility_code: str, period: str, *, wrong: str = "") -> Settlement | None:
        """The settlement of a month given as MM/yyyy; None for another form."""
        found = _PERIOD.fullmatch(period)
        if found is None:
            return None
        month, today = found[2] + found[1], self._now().date()
        return settle(self.book, facility_code=facility_code, month=month, today=today, wrong=wrong)

    def _now(self) -> datetime:
        return self._clock().astimezone(_VIETNAM)

    async def _take_check_in(self, request: web.Request) -> web.Response:
        def read(document: bytes, facility_code: str, must_sign: bool) -> Read:
            return read_check_ins(document, facility_code=facility_code, must_sign=must_sign), ()

        return await self._take(request, CHECK_IN, read)

    async def _take_claims(self, request: web.Request) -> web.Response:
        def read(document: bytes, facility_code: str, must_sign: bool) -> Read:
            claims = read_claim_file(document, facility_code=facility_code, must_sign=must_sign)
            return tuple(claim.ma_lk for claim in claims), claims

        return await self._take(request, CLAIM, read)

    async def _take_certificates(self, request: web.Request) -> web.Response:
        def read(document: bytes, _facility_code: str, must_sign: bool) -> Read:
            return read_certificates(document, must_sign=must_sign), ()

        return await self._take(request, CERTIFICATE, read)

    async def _take(
        self, request: web.Request, kind: str, read: Callable[[bytes, str, bool], Read]
    ) -> web.Response:
        form = await _form(request)
        facility_code, code = self._sender(request, form)
        if not code and form.get("loaiHoSo") != kind:
            code = PARAMETER
        fault = request.get(FAULT)
        if not code and fault is not None and fault.mode == "code":
            code = fault.code or "500"
        if code:
            return self._answer(code, "", "" if code != PARAMETER else f"loaiHoSo phải là {kind}")
        must_sign = form["username"] in self.book.signers
        try:
            # Decoding and reading a file of megabytes would hold up every other call.
            document = await asyncio.to_thread(decode_file, form.get("fileHSBase64", ""))
            keys, claims = await asyncio.to_thread(read, document, facility_code, must_sign)
        except FileRefusedError as refusal:
            refused = self.book.refuse(facility_code, kind, refusal.mistakes, self._now())
            return self._answer(refusal.code, refused.transaction, str(refusal))
        if fault is not None and fault.mode == "file_lost":
            return self._answer("200", self.book.lose(facility_code, kind, self._now()), "")
        taken = self.book.take(facility_code, kind, keys, claims, self._now())
        return self._answer("200", taken.transaction, "")

    def _sender(self, request: web.Request, form: dict[str, str]) -> tuple[str, str]:
        """The facility that calls, and the code of a refusal or an empty text."""
        headers = request.headers
        source = {
            "token": headers.get("accessToken", ""),
            "id_token": headers.get("tokenId", ""),
            "username": form.get("username", ""),
            "password": headers.get("passwordHash", ""),
        }
        owner = self._owner(request, source)
        if owner is None:
            return "", "401"
        facility_code = owner.partition("_")[0]
        is_own = form.get("maCSKCB") == facility_code and form.get("maTinh") == facility_code[:2]
        return facility_code, "" if is_own else FACILITY

    def _answer(self, code: str, transaction: str, message: str) -> web.Response:
        return web.json_response(
            {
                "maKetQua": code,
                "maGiaoDich": transaction,
                "thoiGianTiepNhan": f"{self._now():%Y%m%d%H%M%S}",
                "thongDiep": message or _MESSAGES.get(code, ""),
            }
        )

    async def _tell_receipts(self, request: web.Request) -> web.Response:
        form = await _form(request)
        facility_code, code = self._sender(request, form)
        fault = request.get(FAULT)
        if not code and fault is not None and fault.mode == "code":
            code = fault.code or "500"
        transaction, key = form.get("maGiaoDich", ""), form.get("maLK", "")
        if not code and bool(transaction) == bool(key):
            code = PARAMETER
        if code:
            return web.json_response(
                {"maKetQua": code, "thongDiep": _MESSAGES.get(code, ""), "dsGiaoDich": []}
            )
        found = self.book.find(facility_code, transaction)
        files: tuple[TakenFile, ...] = (found,) if found is not None else ()
        if key:
            files = self.book.find_by_key(facility_code, form.get("loaiHoSo", CLAIM), key)
        is_waiting = fault is not None and fault.mode == "pending"
        return web.json_response(write_receipts(self.book, files, is_waiting=is_waiting))

    async def _tell_day(self, request: web.Request) -> web.Response:
        facility_code, code = self._asker(request)
        day = _DAY.fullmatch(request.query.get("ngayGui", ""))
        if code or day is None:
            return web.json_response({"maKetQua": code or PARAMETER, "dsHoSo": []})
        fault, kind = request.get(FAULT), request.query.get("loaiHoSo", "")
        files = self.book.files_of_day(facility_code, kind, day[3] + day[2] + day[1])
        is_waiting = fault is not None and fault.mode == "pending"
        return web.json_response(write_day(files, is_waiting=is_waiting))

    async def _tell_errors(self, request: web.Request) -> web.Response:
        facility_code, code = self._asker(request)
        if code:
            return web.json_response({"maKetQua": code, "dsLoi": []})
        return web.json_response(
            write_errors(self.book.find(facility_code, request.query.get("maGiaoDich", "")))
        )

    def _asker(self, request: web.Request) -> tuple[str, str]:
        """The facility that asks with its token in the query, and the code of a refusal or an empty text."""
        query = request.query
        owner = self._owner(
            request, {name: query.get(name, "") for name in ("token", "id_token", "username", "password")}
        )
        if owner is None:
            return "", "401"
        facility_code, fault = owner.partition("_")[0], request.get(FAULT)
        if fault is not None and fault.mode == "code":
            return facility_code, fault.code or "500"
        return facility_code, "" if query.get("maCSKCB") == facility_code else FACILITY

    async def _tell_settlement(self, request: web.Request) -> web.Response:
        result, code, _ = await self._month(request)
        return web.json_response(as_totals(result) if result is not None else {"maKetQua": code})

    async def _give_settlement_file(self, request: web.Request) -> web.Response:
        result, code, form = await self._month(request)
        file_form = form.get("dinhDang", "json")
        if result is not None and file_form not in {"json", "csv"}:
            result, code = None, PARAMETER
        if result is None:
            return web.json_response({"maKetQua": code})
        if file_form == "csv":
            return web.Response(body=as_csv(result), headers={"Content-Type": "text/csv; charset=utf-8"})
        return web.json_response(as_json(result))

    async def _month(self, request: web.Request) -> tuple[Settlement | None, str, dict[str, str]]:
        form = await _form(request)
        headers = request.headers
        source = {
            "token": headers.get("token", ""),
            "id_token": headers.get("id_token", ""),
            "username": form.get("username", ""),
            "password": form.get("password", ""),
        }
        owner = self._owner(request, source)
        if owner is None:
            return None, "401", form
        facility_code = owner.partition("_")[0]
        if form.get("maCSKCB") != facility_code:
            return None, FACILITY, form
        fault = request.get(FAULT)
        if fault is not None and fault.mode == "code":
            return None, fault.code or "500", form
        wrong = ""
        if fault is not None and fault.mode == "wrong_sums":
            wrong = fault.code if fault.code in WRONG_WAYS else WRONG_WAYS[0]
        result = self.settlement(facility_code, form.get("kyQuyetToan", ""), wrong=wrong)
        return result, "200" if result is not None else PARAMETER, form


async def _form(request: web.Request) -> dict[str, str]:
    """The form's text fields; none when the body is not a form."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    # Files are larger than anything else the portal takes, so its small limit is lifted here alone.
    fields = await request.clone(client_max_size=MAX_BODY_BYTES).post()
    return {name: text for name, text in fields.items() if isinstance(text, str)}
