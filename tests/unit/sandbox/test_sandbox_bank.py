"""Claims about the bank: transfers, QR, look-up and statement files."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import hmac
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import mt940
import pytest
from defusedxml import ElementTree

from sandbox.bank.book import BankBook, BankRefusedError
from sandbox.bank.mangle import mangle
from sandbox.control import ControlRefusedError, SandboxControl
from sandbox.server import Sandbox

ACCOUNT = "1019999000001"
OPENING_VND = 250_000_000
SECRET = b"sandbox-bank-secret"
TODAY = date(2026, 11, 21)
CAMT = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"

Json = dict[str, Any]  # Any: JSON off the wire


def sealed(document: Json) -> dict[str, str]:
    """The envelope written with the standard library alone."""
    data = base64.b64encode(json.dumps(document).encode()).decode()
    return {"data": data, "sign": hmac.new(SECRET, data.encode(), hashlib.sha256).hexdigest()}


async def post(sandbox: Sandbox, http: aiohttp.ClientSession, path: str, document: Json) -> Json:
    async with http.post(sandbox.listeners["bank"].url + path, json=sealed(document)) as response:
        assert response.status == 200
        answer: Json = await response.json()
    if "data" in answer:
        assert answer["sign"] == hmac.new(SECRET, answer["data"].encode(), hashlib.sha256).hexdigest()
        answer["document"] = json.loads(base64.b64decode(answer["data"]))
    return answer


def qr_order(**changed: object) -> Json:
    return {
        "merchantId": "19999",
        "invoiceId": "HD000001",
        "type": "vietqr",
        "transactionAmount": 150000.00,
        "transactionTime": "20261121050030",
        "transactionTimeout": 900,
        "transactionDescription": "LTABC23456",
        "ipnUrl": "",
    } | changed


@pytest.fixture
async def paid(control: SandboxControl) -> list[Json]:
    """Two credits and a debit today, one credit yesterday."""
    return [
        await control.pay(ACCOUNT, 1_000_000, "hom qua", booked_time="2026-11-20T23:59:59+07:00"),
        await control.pay(ACCOUNT, 150_000, "LT ABC23456", payer_name="Nông Văn Đức", invoice_id="HD000001"),
        await control.pay(ACCOUNT, 37_500, "tiền khám bệnh & thuốc", mangle=("prefix", "wrap")),
        await control.pay(ACCOUNT, 37_500, "hoàn tiền", direction="debit"),
    ]


async def test_a_transfer_gets_a_reference_no_other_has(paid: list[Json]) -> None:
    references = {item["reference"] for item in paid}

    assert len(references) == 4
    assert all(reference.startswith("FT26") and len(reference) == 16 for reference in references)


async def test_the_same_request_books_once(sandbox: Sandbox, control: SandboxControl) -> None:
    first = await control.pay(ACCOUNT, 5_000, "x", request_id="r-1")
    again = await control.pay(ACCOUNT, 5_000, "x", request_id="r-1")

    assert first["reference"] == again["reference"]
    assert len(sandbox.bank.book.transactions) == 1
    with pytest.raises(ControlRefusedError, match="request_id"):
        await control.pay(ACCOUNT, 6_000, "x", request_id="r-1")


@pytest.mark.parametrize(
    ("account", "amount_vnd", "word"),
    [("999", 1, "account"), (ACCOUNT, 0, "amount"), (ACCOUNT, -5, "amount")],
)
async def test_an_impossible_transfer_is_refused(
    control: SandboxControl, account: str, amount_vnd: int, word: str
) -> None:
    with pytest.raises(ControlRefusedError, match=word):
        await control.pay(account, amount_vnd, "x")


async def test_letters_that_would_break_a_file_are_refused(control: SandboxControl) -> None:
    with pytest.raises(ControlRefusedError, match="printable"):
        await control.pay(ACCOUNT, 1_000, "x", payer_name="A\x00B")


async def test_camt053_balances_prove_and_chain(control: SandboxControl, paid: list[Json]) -> None:
    root = ElementTree.fromstring(await control.statement(ACCOUNT, TODAY))

    balances = {
        balance.findtext(f".//{CAMT}Cd"): int(balance.findtext(f"{CAMT}Amt", ""))
        for balance in root.iter(f"{CAMT}Bal")
    }
    entries = [
        int(entry.findtext(f"{CAMT}Amt", "")) * (1 if entry.findtext(f"{CAMT}CdtDbtInd") == "CRDT" else -1)
        for entry in root.iter(f"{CAMT}Ntry")
    ]
    assert balances["OPBD"] == OPENING_VND + 1_000_000
    assert balances["CLBD"] == balances["OPBD"] + sum(entries)
    assert entries == [150_000, 37_500, -37_500]
    references = [entry.findtext(f"{CAMT}AcctSvcrRef") for entry in root.iter(f"{CAMT}Ntry")]
    assert references == [item["reference"] for item in paid[1:]]


async def test_camt053_carries_text_payer_and_invoice(control: SandboxControl, paid: list[Json]) -> None:
    root = ElementTree.fromstring(await control.statement(ACCOUNT, TODAY))
    entry = next(root.iter(f"{CAMT}Ntry"))

    assert entry.findtext(f".//{CAMT}Ustrd") == "LT ABC23456"
    assert entry.findtext(f".//{CAMT}Dbtr/{CAMT}Pty/{CAMT}Nm") == "Nông Văn Đức"
    assert entry.findtext(f".//{CAMT}EndToEndId") == "HD000001"
    assert entry.findtext(f"{CAMT}Sts/{CAMT}Cd") == "BOOK"


async def test_camt053_version_2_has_its_own_namespace_and_plain_status(
    control: SandboxControl, paid: list[Json]
) -> None:
    assert paid
    root = ElementTree.fromstring(await control.statement(ACCOUNT, TODAY, "camt053v2"))
    camt = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.02}"

    assert root.tag == f"{camt}Document"
    assert {entry.findtext(f"{camt}Sts") for entry in root.iter(f"{camt}Ntry")} == {"BOOK"}


async def test_mt940_is_read_by_a_kept_library_and_proves(control: SandboxControl, paid: list[Json]) -> None:
    text = (await control.statement(ACCOUNT, TODAY, "mt940")).decode("ascii")

    read = mt940.parse(text)

    amounts = [int(item.data["amount"].amount) for item in read]
    opening, closing = read.data["final_opening_balance"], read.data["final_closing_balance"]
    assert amounts == [150_000, 37_500, -37_500]
    assert int(closing.amount.amount) == int(opening.amount.amount) + sum(amounts)
    assert opening.amount.currency == "VND"
    assert [item.data["bank_reference"] for item in read] == [item["reference"] for item in paid[1:]]
    assert all(len(line) <= 69 for line in text.split("\r\n"))


async def test_the_csv_has_bilingual_heads_commas_and_a_running_balance(
    control: SandboxControl, paid: list[Json]
) -> None:
    text = (await control.statement(ACCOUNT, TODAY, "csv")).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text)))
    head = next(number for number, row in enumerate(rows) if row and row[0].startswith("STT"))
    assert rows[head][3:6] == ["Ghi nợ\nDebit", "Ghi có\nCredit", "Số dư\nBalance"]
    body = rows[head + 1 : head + 4]
    assert [row[2] for row in body] == [item["reference"] for item in paid[1:]]
    assert [row[5] for row in body] == ["251,150,000", "251,187,500", "251,150,000"]
    assert body[0][1] == "21/11/2026 12:00:00"
    assert rows[-1] == ["Số dư cuối kỳ / Closing balance", "251,150,000"]
    assert "\n" in body[1][6], "the bank breaks the text inside the cell"


async def test_a_second_before_midnight_in_vietnam_is_the_day_before(
    control: SandboxControl, paid: list[Json]
) -> None:
    assert paid[0]["booking_date"] == "2026-11-20"
    yesterday = ElementTree.fromstring(await control.statement(ACCOUNT, date(2026, 11, 20)))

    assert len(list(yesterday.iter(f"{CAMT}Ntry"))) == 1


async def test_a_reversal_is_marked_in_every_form(control: SandboxControl) -> None:
    first = await control.pay(ACCOUNT, 5_000, "x")
    await control.pay(ACCOUNT, 5_000, "tra lai", direction="debit", reverses=first["reference"])

    root = ElementTree.fromstring(await control.statement(ACCOUNT, TODAY))
    text = (await control.statement(ACCOUNT, TODAY, "mt940")).decode()

    assert [entry.findtext(f"{CAMT}RvslInd") for entry in root.iter(f"{CAMT}Ntry")] == [None, "true"]
    assert ":61:2611211121RC5000,NTRF" in text


async def test_an_empty_day_has_a_statement_with_equal_balances(control: SandboxControl) -> None:
    text = (await control.statement(ACCOUNT, TODAY, "mt940")).decode()

    assert f":60F:C261121VND{OPENING_VND}," in text
    assert f":62F:C261121VND{OPENING_VND}," in text


async def test_the_statement_download_wants_its_key(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    url = f"{sandbox.listeners['bank'].url}/statements"
    query = {"account": ACCOUNT, "date": "2026-11-21", "format": "mt940"}

    async with http.get(url, params=query) as refused:
        assert refused.status == 401
    key = {"Authorization": "Bearer sandbox-statement-key"}
    async with http.get(url, params=query, headers=key) as given:
        assert given.status == 200
        assert (await given.text()).startswith(":20:")
    async with http.get(url, params=query | {"format": "pdf"}, headers=key) as unknown:
        assert unknown.status == 400


async def test_a_created_qr_is_a_sound_vietqr(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    answer = await post(sandbox, http, "/api/qr/create", qr_order())

    text = answer["document"]["qrContent"]
    assert answer["code"] == "00"
    assert text[-4:] == f"{binascii.crc_hqx(text[:-4].encode(), 0xFFFF):04X}"
    assert "0006970436" in text
    assert f"0113{ACCOUNT}" in text
    assert "5406150000" in text
    assert "0810LTABC23456" in text


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"transactionTime": "20261121050101"}, "minute"),
        ({"transactionAmount": 1.5}, "amount"),
        ({"merchantId": "00000"}, "merchantId"),
        ({"type": "card"}, "vietqr"),
        ({"transactionTimeout": 0}, "Timeout"),
    ],
)
async def test_a_wrong_qr_order_is_refused(
    sandbox: Sandbox, http: aiohttp.ClientSession, changed: Json, word: str
) -> None:
    answer = await post(sandbox, http, "/api/qr/create", qr_order(**changed))

    assert answer["code"] == "04"
    assert word in answer["message"]


async def test_a_wrong_signature_is_refused(sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    envelope = sealed(qr_order()) | {"sign": "0" * 64}
    async with http.post(f"{sandbox.listeners['bank'].url}/api/qr/create", json=envelope) as response:
        assert (await response.json())["code"] == "01"


async def test_the_look_up_pages_fifty_and_shows_unpaid_invoices(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    await post(sandbox, http, "/api/qr/create", qr_order())
    for number in range(51):
        await control.pay(ACCOUNT, 1_000 + number, f"lan {number}")

    first = (await post(sandbox, http, "/api/qr/lookup", {"accountNumber": ACCOUNT}))["document"]
    second = (await post(sandbox, http, "/api/qr/lookup", {"accountNumber": ACCOUNT, "page": 2}))["document"]

    assert (first["total"], len(first["items"]), len(second["items"])) == (52, 50, 2)
    assert [item["status"] for item in second["items"]] == ["00", "01"]
    assert second["items"][1]["invoiceId"] == "HD000001"


async def test_a_payment_is_tied_to_the_invoice_its_text_names(
    sandbox: Sandbox, http: aiohttp.ClientSession, control: SandboxControl
) -> None:
    await post(sandbox, http, "/api/qr/create", qr_order())

    named = await control.pay(ACCOUNT, 150_000, "thanh toan lt abc-23456 cam on")
    stranger = await control.pay(ACCOUNT, 150_000, "chuyen tien")

    assert (named["invoice_id"], stranger["invoice_id"]) == ("HD000001", "")


def test_mangling_does_what_banks_do() -> None:
    def mangled(*ways: str) -> str:
        return mangle(
            "Viện phí LT-ABC23456 của bệnh nhân",
            ways,
            serial=7,
            payer_name="Nông Văn Đức",
            payer_account="099",
            account=ACCOUNT,
            owner="BENH VIEN A",
        )

    assert mangled() == "Vien phi LT-ABC23456 cua benh nhan"
    assert mangled("prefix", "upper") == (
        "MBVCB.0000000007.VIEN PHI LT-ABC23456 CUA BENH NHAN.CT TU 099 NONG VAN DUC "
        "TOI 1019999000001 BENH VIEN A TAI VIETCOMBANK"
    )
    assert mangled("plain") == "Vien phi LT ABC23456 cua benh nhan"
    assert max(len(line) for line in mangled("prefix", "wrap").split("\n")) == 35
    assert mangled("prefix", "wrap").replace("\n", "") == mangled("prefix")
    assert mangled("prefix", "truncate") == mangled("prefix")[:50]
    with pytest.raises(BankRefusedError, match="mangle"):
        mangled("shout")


def booked(book: BankBook, request_id: str) -> str:
    return book.book(
        account=ACCOUNT,
        amount_vnd=1_000,
        content="x",
        booked_time=datetime(2026, 11, 21, 5, tzinfo=UTC),
        payer_name="A",
        payer_account="1",
        request_id=request_id,
    ).reference


def test_a_journal_brings_transfers_back_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    before = BankBook(path=path)
    told, untold = booked(before, "a"), booked(before, "b")
    before.note_told(told, "00")

    after = BankBook(path=path)

    assert after.transactions == before.transactions
    assert [item.reference for item in after.untold()] == [untold]
    assert booked(after, "a") == told


def test_a_line_cut_by_a_crash_is_dropped_and_the_book_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    first = booked(BankBook(path=path), "a")
    with path.open("ab") as journal:
        journal.write(b'{"kind": "transaction", "seq')

    torn = BankBook(path=path)
    second = booked(torn, "b")

    assert [item.reference for item in BankBook(path=path).transactions] == [first, second]
