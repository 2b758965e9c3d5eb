"""Claims about the services for files on the wire: answers, replacement, receipts, settlement and every fault."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from sandbox.control import ControlRefusedError, SandboxControl
from sandbox.server import Sandbox
from tests.support.claim_xml import (
    CERTIFICATE,
    CHECK_IN,
    certificate_file,
    check_in_file,
    claim_tables,
    envelope,
)

PASSWORD_HASH = hashlib.md5(b"sandbox-portal-password").hexdigest().upper()  # noqa: S324 - the portal's wire form
CLAIM_PATH = "/api/qd130/guiHoSoXmlQD4750"
CHECK_IN_PATH = "/api/qd130/checkInKcbQd4750"
CERTIFICATE_PATH = "/api/qd130/guiDuLieuGdykQd130"
RECEIPT_PATH = "/api/qd130/traCuuKetQuaQd4750"

Json = dict[str, Any]  # Any: JSON off the wire


class Hospital:
    """A facility's system with one token."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http
        self.headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return self.sandbox.listeners["portal"].url

    async def sign_in(self, username: str = "19999_BV") -> None:
        account = {"username": username, "password": PASSWORD_HASH}
        async with self.http.post(f"{self.url}/api/token/take", data=account) as response:
            key = (await response.json())["APIKey"]
        self.headers = {
            "accessToken": key["access_token"],
            "tokenId": key["id_token"],
            "passwordHash": PASSWORD_HASH,
        }

    async def post(self, path: str, form: dict[str, str]) -> Json:
        base = {"username": "19999_BV", "maTinh": "19", "maCSKCB": "19999"}
        async with self.http.post(self.url + path, data=base | form, headers=self.headers) as response:
            assert response.status == 200
            answer: Json = await response.json()
            return answer

    async def send(self, document: bytes, *, path: str = CLAIM_PATH, kind: str = "130", **form: str) -> Json:
        text = base64.b64encode(document).decode()
        return await self.post(path, {"loaiHoSo": kind, "fileHSBase64": text} | form)

    async def receipts(self, **form: str) -> list[Json]:
        answer = await self.post(RECEIPT_PATH, form)
        assert answer["maKetQua"] in {"200", "204"}
        return list(answer["dsGiaoDich"])

    async def settlement(self, path: str = "/api/his/TepQuyetToan", **form: str) -> bytes:
        headers = {"token": self.headers["accessToken"], "id_token": self.headers["tokenId"]}
        body = {
            "username": "19999_BV",
            "password": PASSWORD_HASH,
            "maCSKCB": "19999",
            "kyQuyetToan": "11/2026",
        } | form
        async with self.http.post(self.url + path, data=body, headers=headers) as response:
            return await response.read()


@pytest.fixture
async def hospital_system(sandbox: Sandbox, http: aiohttp.ClientSession) -> Hospital:
    hospital = Hospital(sandbox, http)
    await hospital.sign_in()
    return hospital


async def counts(control: SandboxControl, kind: str = "130") -> Json:
    rows = (await control.claims("19999"))["counts"]
    return dict(next((row for row in rows if row["kind"] == kind), {}))


async def test_a_good_claim_answers_with_the_four_fields_of_the_letter(hospital_system: Hospital) -> None:
    answer = await hospital_system.send(envelope(claim_tables()))

    assert list(answer) == ["maKetQua", "maGiaoDich", "thoiGianTiepNhan", "thongDiep"]
    assert answer["maKetQua"] == "200"
    assert answer["maGiaoDich"].startswith("19999")
    assert answer["thoiGianTiepNhan"] == "20261121120000"


async def test_all_three_services_count_apart(hospital_system: Hospital, control: SandboxControl) -> None:
    await hospital_system.send(check_in_file(CHECK_IN), path=CHECK_IN_PATH, kind="0")
    await hospital_system.send(envelope(claim_tables()))
    await hospital_system.send(certificate_file(CERTIFICATE), path=CERTIFICATE_PATH, kind="12")

    held = {row["kind"]: row["held_records"] for row in (await control.claims())["counts"]}
    assert held == {"0": 1, "130": 1, "12": 1}


async def test_a_record_sent_again_replaces_and_never_counts_twice(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    first = await hospital_system.send(envelope(claim_tables()))
    second = await hospital_system.send(envelope(claim_tables(GHI_CHU="sửa")))

    held = await counts(control)
    (old,) = await hospital_system.receipts(maGiaoDich=first["maGiaoDich"])
    (new,) = await hospital_system.receipts(maGiaoDich=second["maGiaoDich"])
    assert (held["taken"], held["replaced"], held["held_records"]) == (2, 1, 1)
    assert (old["trangThai"], new["trangThai"]) == ("2", "1")
    assert json.loads(await control.settlement("19999", "11/2026"))["tongDeNghi"] == "60488.00"


async def test_a_refused_replacement_leaves_the_first_as_it_was(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    first = await hospital_system.send(envelope(claim_tables()))
    refused = await hospital_system.send(envelope(claim_tables(T_BHTT="1")))

    states = {row["maGiaoDich"]: row["trangThai"] for row in await hospital_system.receipts(maLK="LK0001")}
    assert refused["maKetQua"] == "202"
    assert "T_BHTT" in refused["thongDiep"]
    assert states == {first["maGiaoDich"]: "1", refused["maGiaoDich"]: "3"}
    assert (await counts(control))["refused_by_code"] == {"202": 1}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"loaiHoSo": "3"}, "205"),
        ({"maCSKCB": "19998"}, "402"),
        ({"maTinh": "01"}, "402"),
        ({"username": "19998_BV"}, "401"),
        ({"fileHSBase64": "*"}, "205"),
        ({"fileHSBase64": ""}, "204"),
    ],
)
async def test_a_wrong_form_meets_its_code(
    hospital_system: Hospital, form: dict[str, str], code: str
) -> None:
    assert (await hospital_system.send(envelope(claim_tables()), **form))["maKetQua"] == code


async def test_a_plus_sign_that_was_not_escaped_is_told(hospital_system: Hospital) -> None:
    hospital = hospital_system
    body = "username=19999_BV&loaiHoSo=130&maTinh=19&maCSKCB=19999&fileHSBase64=PGE+PGE+"
    headers = hospital.headers | {"Content-Type": "application/x-www-form-urlencoded"}
    async with hospital.http.post(hospital.url + CLAIM_PATH, data=body, headers=headers) as response:
        assert (await response.json())["maKetQua"] == "205"


async def test_each_of_the_three_headers_is_needed(hospital_system: Hospital) -> None:
    good = hospital_system.headers
    for name in good:
        hospital_system.headers = good | {name: "other"}
        assert (await hospital_system.send(envelope(claim_tables())))["maKetQua"] == "401", name


async def test_a_token_that_ended_is_told_inside_http_200(hospital_system: Hospital, clock: Any) -> None:
    clock.now += timedelta(seconds=600)

    assert (await hospital_system.send(envelope(claim_tables())))["maKetQua"] == "401"


async def test_a_file_of_two_megabytes_is_taken(hospital_system: Hospital) -> None:
    filler = "<!--" + "x" * 1_500_000 + "-->"
    tables = {**claim_tables(), "XML5": ""}
    tables["XML2"] = tables["XML2"].replace("<DSACH", f"{filler}<DSACH", 1)

    assert (await hospital_system.send(envelope(tables)))["maKetQua"] == "200"


async def test_an_account_that_must_sign_is_refused_without_a_signature(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await control.set_signers("19999_BV")

    unsigned = await hospital_system.send(envelope(claim_tables()))
    signed = await hospital_system.send(envelope(claim_tables(), signature="<Signature>x</Signature>"))

    assert (unsigned["maKetQua"], signed["maKetQua"]) == ("202", "200")
    assert "CHUKYDONVI" in unsigned["thongDiep"]


async def test_a_receipt_tells_nothing_of_another_facility(hospital_system: Hospital) -> None:
    answer = await hospital_system.send(envelope(claim_tables()))
    await hospital_system.sign_in("19998_BV")
    other = {"username": "19998_BV", "maCSKCB": "19998"}

    assert await hospital_system.receipts(maGiaoDich=answer["maGiaoDich"], **other) == []
    assert await hospital_system.receipts(maLK="LK0001", **other) == []


async def test_a_receipt_asks_for_one_thing(hospital_system: Hospital) -> None:
    both = await hospital_system.post(RECEIPT_PATH, {"maGiaoDich": "1", "maLK": "1"})
    none = await hospital_system.post(RECEIPT_PATH, {})

    assert (both["maKetQua"], none["maKetQua"]) == ("205", "205")


async def test_a_receipt_counts_good_and_wrong_records(hospital_system: Hospital) -> None:
    good = await hospital_system.send(envelope(claim_tables("A"), claim_tables("B")))
    wrong = await hospital_system.send(envelope(claim_tables("C", HO_TEN="")))

    (taken,) = await hospital_system.receipts(maGiaoDich=good["maGiaoDich"])
    (refused,) = await hospital_system.receipts(maGiaoDich=wrong["maGiaoDich"])
    assert (taken["soLuongHoSo"], taken["slHoSoDung"], taken["slHoSoLoi"]) == (2, 2, 0)
    assert taken["tongTien"] == "151220.00"
    assert (refused["slHoSoDung"], refused["slHoSoLoi"]) == (0, 1)
    assert refused["dsLoi"] == [{"maLoi": "202", "moTaLoi": "XML1.HO_TEN: bắt buộc", "maLK": "C"}]


async def in_query(hospital: Hospital, path: str, **query: str) -> Json:
    base = {
        "token": hospital.headers["accessToken"],
        "id_token": hospital.headers["tokenId"],
        "username": "19999_BV",
        "password": PASSWORD_HASH,
        "maCSKCB": "19999",
    }
    async with hospital.http.post(f"{hospital.url}/api/egw/{path}", params=base | query) as response:
        answer: Json = await response.json()
        return answer


async def test_the_receipts_of_a_day_and_the_errors_of_a_file_in_the_older_form(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    good = await hospital_system.send(envelope(claim_tables("A")))
    wrong = await hospital_system.send(envelope(claim_tables("B", HO_TEN="")))
    await hospital_system.send(check_in_file(CHECK_IN), path=CHECK_IN_PATH, kind="0")

    day = {"ngayGui": "21/11/2026", "loaiHoSo": "130"}
    rows = (await in_query(hospital_system, "nhanChiTietHSNgay4210", **day))["dsHoSo"]
    errors = await in_query(hospital_system, "nhanChiTietLoiHS4210", maGiaoDich=wrong["maGiaoDich"])
    none = await in_query(hospital_system, "nhanChiTietLoiHS4210", maGiaoDich="x")
    other_day = await in_query(hospital_system, "nhanChiTietHSNgay4210", ngayGui="20/11/2026", loaiHoSo="130")
    bad_day = await in_query(hospital_system, "nhanChiTietHSNgay4210", ngayGui="2026-11-21", loaiHoSo="130")
    await control.set_fault("portal", "pending")
    waiting = (await in_query(hospital_system, "nhanChiTietHSNgay4210", **day))["dsHoSo"]

    assert rows[0] == {
        "ngayGui": "20261121120000", "maGiaoDich": good["maGiaoDich"], "soLuongHoSo": 1, "slHoSoDung": 1,
        "slHoSoLoi": 0, "tongTien": "75610.00", "mieuTa": "",
    }  # fmt: skip
    assert (rows[1]["slHoSoLoi"], rows[1]["mieuTa"]) == (1, "XML1.HO_TEN: bắt buộc")
    assert len(rows) == 2
    assert errors == {"maKetQua": "200", "dsLoi": [{"maLoi": "202", "moTaLoi": "XML1.HO_TEN: bắt buộc"}]}
    assert (none["maKetQua"], bad_day["maKetQua"], other_day["dsHoSo"]) == ("204", "205", [])
    assert [(row["slHoSoDung"], row["slHoSoLoi"]) for row in waiting] == [(0, 0), (0, 0)]


async def test_a_fault_of_look_ups_leaves_receipts_alone(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await control.set_fault("portal", "code", code="500")

    answer = await in_query(hospital_system, "nhanChiTietHSNgay4210", ngayGui="21/11/2026", loaiHoSo="130")

    assert answer == {"maKetQua": "200", "dsHoSo": []}


async def test_the_line_drops_after_the_file_was_taken(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await control.set_fault("portal", "answer_lost", count=1, path="/api/qd130")

    with pytest.raises(aiohttp.ClientError):
        await hospital_system.send(envelope(claim_tables()))

    (receipt,) = await hospital_system.receipts(maLK="LK0001")
    assert receipt["trangThai"] == "1"
    assert (await counts(control))["taken"] == 1


async def test_a_lost_file_has_a_number_and_no_receipt(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await control.set_fault("portal", "file_lost", count=1)

    answer = await hospital_system.send(envelope(claim_tables()))

    assert answer["maKetQua"] == "200"
    assert await hospital_system.receipts(maGiaoDich=answer["maGiaoDich"]) == []
    held = await counts(control)
    assert (held["lost"], held["taken"], held["held_records"]) == (1, 0, 0)


async def test_a_pending_file_waits_in_its_receipt(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    answer = await hospital_system.send(envelope(claim_tables(T_BHTT="1")))
    await control.set_fault("portal", "pending")

    (waiting,) = await hospital_system.receipts(maGiaoDich=answer["maGiaoDich"])
    await control.clear("portal")
    (done,) = await hospital_system.receipts(maGiaoDich=answer["maGiaoDich"])

    assert (waiting["trangThai"], waiting["dsLoi"]) == ("0", [])
    assert done["trangThai"] == "3"


@pytest.mark.parametrize(
    "code", ["201", "202", "204", "205", "401", "402", "403", "408", "500", "1001", "777"]
)
async def test_any_code_can_refuse_and_nothing_is_held(
    hospital_system: Hospital, control: SandboxControl, code: str
) -> None:
    await control.set_fault("portal", "code", code=code, path="/api/qd130", count=1)

    answer = await hospital_system.send(envelope(claim_tables()))

    assert (answer["maKetQua"], answer["maGiaoDich"]) == (code, "")
    assert await counts(control) == {}


async def test_a_token_dies_in_the_middle_of_a_series(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await hospital_system.send(envelope(claim_tables("A")))
    await control.set_fault("portal", "expired_token", path="/api/qd130", count=1)

    dead = [(await hospital_system.send(envelope(claim_tables("B"))))["maKetQua"] for _ in range(2)]
    await hospital_system.sign_in()

    assert dead == ["401", "401"]
    assert (await hospital_system.send(envelope(claim_tables("B"))))["maKetQua"] == "200"


async def test_the_same_answer_stands_on_the_line_twice(
    hospital_system: Hospital, control: SandboxControl, sandbox: Sandbox
) -> None:
    import asyncio

    await control.set_fault("portal", "answer_twice", count=1)
    text = base64.b64encode(envelope(claim_tables())).decode()
    form = aiohttp.FormData(
        {"username": "19999_BV", "maTinh": "19", "maCSKCB": "19999", "loaiHoSo": "130", "fileHSBase64": text}
    )()
    body = form._value  # type: ignore[attr-defined] # the bytes of the form, for a raw socket
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.listeners["portal"].port)
    head = "".join(f"{name}: {value}\r\n" for name, value in hospital_system.headers.items())
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    writer.write(
        f"POST {CLAIM_PATH} HTTP/1.1\r\nHost: x\r\n{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    received = b""
    async with asyncio.timeout(5):
        while received.count(b'"maKetQua": "200"') < 2:
            chunk = await reader.read(4096)
            assert chunk, "the line was cut before the second answer"
            received += chunk
    writer.close()

    answers = [json.loads(part.split(b"\r\n\r\n", 1)[1]) for part in received.split(b"HTTP/1.1 ")[1:]]
    assert answers[0] == answers[1]
    assert (await counts(control))["taken"] == 1


async def test_a_flapping_portal_cuts_three_and_answers_three(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await control.set_fault("portal", "flapping")

    outcomes = ""
    for _ in range(9):
        try:
            await hospital_system.send(envelope(claim_tables()))
        except aiohttp.ClientError:
            outcomes += "x"
        else:
            outcomes += "o"

    assert outcomes == "xxxoooxxx"


async def test_a_maintenance_window_says_how_long_and_ends_by_itself(
    hospital_system: Hospital, control: SandboxControl, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(sandbox.board, "_elapsed_s", lambda: moment)
    await control.set_fault("portal", "maintenance", delay_ms=90_000)

    url = hospital_system.url + CLAIM_PATH
    async with hospital_system.http.post(url, headers=hospital_system.headers) as response:
        closed = (response.status, response.headers["Retry-After"])
    moment = 1_090.0

    assert closed == (503, "90")
    assert (await hospital_system.send(envelope(claim_tables())))["maKetQua"] == "200"
    assert await control.faults() == []


async def test_the_settlement_of_a_month_adds_up_in_both_forms(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    for key in ("A", "B"):
        await hospital_system.send(envelope(claim_tables(key)))
    await hospital_system.send(envelope(claim_tables("OCTOBER", THANG_QT="10")))
    await control.review("19999", "B", approved="60000.5", cause="V01", reason="Quá số ngày thuốc")

    whole = json.loads(await hospital_system.settlement())
    table = (await hospital_system.settlement(dinhDang="csv")).decode("utf-8-sig")
    totals = json.loads(await hospital_system.settlement("/api/his/KQQuyetToan"))

    amounts = [whole[name] for name in ("tongDeNghi", "tongDuyet", "tongTuChoi")]
    assert amounts == ["120976.00", "120488.50", "487.50"]
    assert [(row["maLK"], row["soTienTuChoi"], row["maLyDo"]) for row in whole["dsKetQuaGiamDinh"]] == [
        ("A", "0.00", ""),
        ("B", "487.50", "V01"),
    ]
    rows = list(csv.reader(io.StringIO(table)))
    assert rows[1:] == [list(row.values()) for row in whole["dsKetQuaGiamDinh"]]
    assert [row[2] for row in rows[1:]] == ["1", "2"]
    assert (totals["tongChiPhiKhongDuyet"], totals["lyDoKhongDuyet"]) == ("487.50", "V01")


@pytest.mark.parametrize("way", ["totals", "row", "double"])
async def test_wrong_sums_do_not_add_up_in_the_way_asked_for(
    hospital_system: Hospital, control: SandboxControl, way: str
) -> None:
    from decimal import Decimal

    await hospital_system.send(envelope(claim_tables()))
    await control.set_fault("portal", "wrong_sums", code=way)

    whole = json.loads(await hospital_system.settlement())

    rows = whole["dsKetQuaGiamDinh"]
    is_row_whole = all(
        Decimal(row["soTienDuyet"]) + Decimal(row["soTienTuChoi"]) == Decimal(row["soTienDeNghi"])
        for row in rows
    )
    is_sum_whole = sum(Decimal(row["soTienDuyet"]) for row in rows) == Decimal(whole["tongDuyet"])
    is_single = len({row["maLK"] for row in rows}) == len(rows)
    expected = {"totals": (True, False, True), "row": (False, False, True), "double": (True, False, False)}
    assert (is_row_whole, is_sum_whole, is_single) == expected[way]
    assert json.loads(await control.settlement("19999", "11/2026"))["tongDuyet"] == "60488.00"


async def test_the_settlement_is_the_accounts_own(hospital_system: Hospital) -> None:
    other = json.loads(await hospital_system.settlement(maCSKCB="19998"))
    period = json.loads(await hospital_system.settlement(kyQuyetToan="2026-11"))

    assert (other["maKetQua"], period["maKetQua"]) == ("402", "205")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"ma_lk": "NONE", "approved": "0", "cause": "V01"}, "no claim"),
        ({"approved": "60488.01"}, "from 0 to what was asked"),
        ({"approved": "1"}, "needs a cause"),
        ({"approved": "-1"}, "at most two decimals"),
        ({"approved": "1", "cause": "v 1"}, "cause must be"),
    ],
)
async def test_a_verdict_that_cannot_be_is_refused(
    hospital_system: Hospital, control: SandboxControl, body: dict[str, str], told: str
) -> None:
    await hospital_system.send(envelope(claim_tables()))

    with pytest.raises(ControlRefusedError, match=told):
        await control.review("19999", **({"ma_lk": "LK0001", "approved": "0"} | body))


async def test_a_replacement_that_asks_for_less_is_not_approved_above_it(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    await hospital_system.send(envelope(claim_tables()))
    await control.review("19999", "LK0001", approved="60000", cause="V01")
    tables = claim_tables(
        T_THUOC="0", T_TONGCHI_BV="50600", T_TONGCHI_BH="50600", T_BNCCT="10120", T_BHTT="40480"
    )
    del tables["XML2"]

    assert (await hospital_system.send(envelope(tables)))["maKetQua"] == "200"
    assert json.loads(await control.settlement("19999", "11/2026"))["tongDuyet"] == "40480.00"


async def test_what_is_held_can_be_forgotten_and_no_number_comes_twice(
    hospital_system: Hospital, control: SandboxControl
) -> None:
    first = await hospital_system.send(envelope(claim_tables()))
    await control.forget_claims()
    second = await hospital_system.send(envelope(claim_tables()))

    assert first["maGiaoDich"] != second["maGiaoDich"]
    assert (await counts(control))["taken"] == 1
    assert len((await control.claims())["files"]) == 1
