"""Claims about the callbacks the bank sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.config import read_settings
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

ACCOUNT = "1019999000001"
Open = Callable[[dict[str, str]], dict[str, object]]


@pytest.fixture
async def bank(control: SandboxControl, hospital: Any) -> SandboxControl:
    await control.set_callback(hospital.url)
    return control


async def test_a_credit_is_told_with_a_right_signature(
    bank: SandboxControl, hospital: Any, open_envelope: Open
) -> None:
    paid = await bank.pay(ACCOUNT, 150_000, "LTABC23456", wait_s=5)

    (query,) = hospital.received
    document = open_envelope(query)
    assert document == {
        "merchantId": "",
        "invoiceId": "",
        "transactionId": paid["reference"],
        "accountNumber": ACCOUNT,
        "transactionAmount": 150000.00,
        "paidAmount": 150000.00,
        "transactionDescription": "",
        "paidDescription": "LTABC23456",
        "paidTime": "20261121050000",
        "status": "00",
    }
    assert paid["callback"]["state"] == "delivered"
    assert paid["callback"]["attempts"] == ["00"]


async def test_amounts_travel_with_two_decimals(bank: SandboxControl, hospital: Any) -> None:
    import base64

    await bank.pay(ACCOUNT, 150_000, "x", wait_s=5)

    assert b'"paidAmount":150000.00' in base64.b64decode(hospital.received[0]["data"])


async def test_plus_slash_and_equals_are_escaped_in_the_query(bank: SandboxControl, hospital: Any) -> None:
    for number in range(12):
        await bank.pay(ACCOUNT, 1_000 + number, "?>?>?~~~" + "x" * number, wait_s=5)

    raw = "".join(urlsplit(path).query for path in hospital.raw_queries)
    values = raw.replace("data=", "").replace("&sign=", "")
    assert "%3D" in values
    assert "%2F" in values or "%2B" in values
    assert not set("+/=") & set(values)
    assert parse_qs(urlsplit(hospital.raw_queries[0]).query)["data"][0] == hospital.received[0]["data"]


async def test_another_amount_than_asked_has_status_10(
    bank: SandboxControl, sandbox: Sandbox, hospital: Any, open_envelope: Open
) -> None:
    from sandbox.bank.book import Invoice

    sandbox.bank.book.add_invoice(
        Invoice(
            merchant_id="19999",
            invoice_id="HD000002",
            account=ACCOUNT,
            amount_vnd=200_000,
            description="LTXYZ98765",
            create_time=sandbox.bank._clock(),
            timeout_s=900,
            callback_url="",
        )
    )
    await bank.pay(ACCOUNT, 150_000, "LTXYZ98765", wait_s=5)

    document = open_envelope(hospital.received[0])
    assert (document["status"], document["invoiceId"]) == ("10", "HD000002")
    assert (document["transactionAmount"], document["paidAmount"]) == (200_000, 150_000)


async def test_an_unanswered_callback_is_sent_again_until_answered(
    bank: SandboxControl, hospital: Any
) -> None:
    hospital.answers = [(503, ""), (200, '{"code": "99"}'), (200, "00")]

    paid = await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)

    assert paid["callback"]["attempts"] == ["503", "99", "00"]
    assert len({query["data"] for query in hospital.received}) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("00", "delivered"),
        ("02", "delivered"),
        ("03", "delivered"),
        ("05", "delivered"),
        ("01", "refused"),
        ("04", "refused"),
    ],
)
async def test_a_final_answer_ends_the_sending(
    bank: SandboxControl, hospital: Any, answer: str, state: str
) -> None:
    hospital.answers = [(200, f'{{"code": "{answer}"}}')]

    paid = await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)

    assert (paid["callback"]["state"], paid["callback"]["answer_code"]) == (state, answer)
    assert len(hospital.received) == 1


async def test_the_bank_gives_up_after_its_tries(bank: SandboxControl, hospital: Any) -> None:
    hospital.answers = [(500, "")] * 9

    paid = await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)

    assert paid["callback"]["state"] == "gave_up"
    assert len(hospital.received) == 5


async def test_a_debit_is_not_told(bank: SandboxControl, hospital: Any) -> None:
    paid = await bank.pay(ACCOUNT, 1_000, "x", direction="debit", wait_s=1)

    assert paid["callback"] is None
    assert hospital.received == []


async def test_a_silent_credit_is_only_in_the_book(bank: SandboxControl, hospital: Any) -> None:
    await bank.pay(ACCOUNT, 1_000, "x", notify=False, wait_s=1)

    assert hospital.received == []
    assert await bank.callbacks() == []


async def test_a_duplicate_sends_the_same_twice(bank: SandboxControl, hospital: Any) -> None:
    await bank.set_fault("bank", "duplicate", count=1)

    await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)

    assert len(hospital.received) == 2
    assert hospital.received[0] == hospital.received[1]


async def test_a_lost_callback_never_comes_and_can_be_sent_later(bank: SandboxControl, hospital: Any) -> None:
    await bank.set_fault("bank", "lost", count=1)

    paid = await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)
    assert (paid["callback"]["state"], hospital.received) == ("lost", [])

    assert (await bank.resend(paid["reference"]))["state"] == "delivered"
    assert len(hospital.received) == 1


async def test_a_reordered_callback_lets_the_next_one_pass(
    bank: SandboxControl, sandbox: Sandbox, hospital: Any, open_envelope: Open
) -> None:
    await bank.set_fault("bank", "reordered", count=1, delay_ms=5_000)

    first = await bank.pay(ACCOUNT, 1_000, "x")
    second = await bank.pay(ACCOUNT, 2_000, "y", wait_s=5)
    await sandbox.bank.sender.wait(first["reference"], 3)

    told = [open_envelope(query)["transactionId"] for query in hospital.received]
    assert told == [second["reference"], first["reference"]]


async def test_a_late_callback_waits(bank: SandboxControl, hospital: Any) -> None:
    await bank.set_fault("bank", "late", delay_ms=300)

    paid = await bank.pay(ACCOUNT, 1_000, "x")
    await asyncio.sleep(0.05)
    assert hospital.received == []

    assert (await bank.resend(paid["reference"]))["state"] == "delivered"
    assert len(hospital.received) == 1


async def test_a_wrong_callback_names_an_amount_the_statement_denies(
    bank: SandboxControl, hospital: Any, open_envelope: Open
) -> None:
    await bank.set_fault("bank", "wrong", code="500000")

    paid = await bank.pay(ACCOUNT, 450_000, "x", wait_s=5)

    assert open_envelope(hospital.received[0])["paidAmount"] == 500_000
    assert paid["amount_vnd"] == 450_000


async def test_a_bad_signature_really_is_bad(
    bank: SandboxControl, hospital: Any, open_envelope: Open
) -> None:
    await bank.set_fault("bank", "bad_signature")

    await bank.pay(ACCOUNT, 1_000, "x", wait_s=5)

    with pytest.raises(AssertionError):
        open_envelope(hospital.received[0])


async def test_a_restart_tells_what_a_killed_bank_had_not_told(
    environment: dict[str, str], hospital: Any, tmp_path: Any
) -> None:
    environment |= {"SANDBOX_STATE_DIR": str(tmp_path), "SANDBOX_DEV": "1"}
    first = Sandbox(read_settings(environment))
    told = first.bank.pay({"account": ACCOUNT, "amount_vnd": 1_000, "content": "x", "notify": False})
    await first.stop()
    untold = first.bank.book.book(
        account=ACCOUNT,
        amount_vnd=2_000,
        content="y",
        booked_time=told.booked_time,
        payer_name="A",
        payer_account="1",
    )

    second = Sandbox(read_settings(environment | {"SANDBOX_BANK_CALLBACK_URL": hospital.url}))
    await second.start()
    await second.bank.sender.wait(untold.reference, 5)
    await second.stop()

    assert [item["reference"] for item in second.bank.sender.deliveries()] == [untold.reference]
    assert len(hospital.received) == 1
