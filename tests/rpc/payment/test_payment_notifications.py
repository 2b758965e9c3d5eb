"""The bank's notifications through the whole pipeline: each posts once, whatever it says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from lienthong.payment.v1 import payment_pb2 as pb
from standards.trace_code import parse_trace_code
from tests.support.payment import (
    OTHER_ACCOUNT,
    SECRET,
    START,
    TIMEOUT_S,
    Payment,
    asked,
    new_id,
    paid,
    query,
)

POSTED = pb.BANK_EVENT_OUTCOME_POSTED
DUPLICATE = pb.BANK_EVENT_OUTCOME_DUPLICATE


async def test_a_paid_notification_pays_the_bill_and_issues_a_receipt(payment: Payment) -> None:
    visit, intent = await asked(payment)

    answer = await payment.tell(
        query(paid(500_000, transaction_id="FT1000001", text=f"MBVCB.1.{intent.reference_code[:6]}\n"
              f"{intent.reference_code[6:].lower()}.CT tu 123"))
    )  # fmt: skip

    bill = await payment.bill(visit)
    assert (answer.answer_code, answer.outcome, answer.bill) == ("00", POSTED, f"{visit}/bill")
    assert (bill.state, bill.paid_vnd, bill.reconciled) == (pb.BILL_STATE_PAID, 500_000, False)
    assert bill.intents[0].state == pb.INTENT_STATE_PAID
    assert [receipt.number for receipt in bill.receipts] == ["PT26-000001"]
    assert visit.removeprefix("visits/").startswith(parse_trace_code(bill.receipts[0].trace_code))
    assert await payment.balances() == {"BANK_CLEARING": 500_000, "REVENUE": -500_000}


async def test_less_than_due_pays_a_part_and_the_rest_completes_it(payment: Payment) -> None:
    visit, intent = await asked(payment)

    first = await payment.tell(
        query(paid(200_000, transaction_id="FT1000001", invoice_id=intent.reference_code, status="10"))
    )
    partly = await payment.bill(visit)
    rest = await payment.intent(visit)
    second = await payment.tell(
        query(paid(300_000, transaction_id="FT1000002", invoice_id=rest.reference_code))
    )

    bill = await payment.bill(visit)
    assert (first.answer_code, second.answer_code) == ("03", "00")
    assert (partly.state, partly.intents[0].state) == (
        pb.BILL_STATE_PARTIALLY_PAID,
        pb.INTENT_STATE_PARTIALLY_PAID,
    )
    assert bill.state == pb.BILL_STATE_PAID
    assert [receipt.number for receipt in bill.receipts] == ["PT26-000001", "PT26-000002"]
    assert await payment.break_codes() == []


async def test_more_than_due_pays_the_bill_and_the_excess_waits_as_a_break(payment: Payment) -> None:
    visit, intent = await asked(payment)

    answer = await payment.tell(
        query(paid(600_000, transaction_id="FT1000001", invoice_id=intent.reference_code))
    )

    bill = await payment.bill(visit)
    (item,) = await payment.breaks()
    assert answer.answer_code == "03"
    assert (bill.state, bill.intents[0].state) == (pb.BILL_STATE_PAID, pb.INTENT_STATE_OVERPAID)
    assert (item.code, item.amount_vnd, item.bill) == (pb.BREAK_CODE_AMOUNT_OVER, 100_000, bill.name)
    assert (await payment.balances())["UNAPPLIED_RECEIPTS"] == -100_000


async def test_a_satisfied_intent_paid_again_owes_the_money_back(payment: Payment) -> None:
    _, intent = await asked(payment)
    for number in (1, 2):
        answer = await payment.tell(
            query(paid(500_000, transaction_id=f"FT100000{number}", invoice_id=intent.reference_code))
        )

    assert (answer.answer_code, answer.outcome) == ("02", POSTED)
    assert await payment.break_codes() == ["DUPLICATE_PAYMENT"]
    assert await payment.balances() == {
        "BANK_CLEARING": 1_000_000,
        "REFUNDS_PAYABLE": -500_000,
        "REVENUE": -500_000,
    }


async def test_money_for_an_expired_intent_is_applied_and_told(payment: Payment) -> None:
    visit, intent = await asked(payment)
    late = START + timedelta(hours=24, minutes=5)

    answer = await payment.tell(
        query(paid(500_000, transaction_id="FT1000001", invoice_id=intent.reference_code, paid_time=late))
    )

    assert answer.answer_code == "00"
    assert (await payment.bill(visit)).state == pb.BILL_STATE_PAID
    assert await payment.break_codes(state=pb.BREAK_STATE_RESOLVED) == ["LATE_PAYMENT"]


async def test_money_without_a_reference_waits_as_a_break(payment: Payment) -> None:
    answer = await payment.tell(query(paid(70_000, transaction_id="FT1000009", text="ung ho benh vien")))

    assert (answer.answer_code, answer.outcome) == ("00", pb.BANK_EVENT_OUTCOME_UNIDENTIFIED)
    assert await payment.break_codes() == ["UNIDENTIFIED_RECEIPT"]
    assert (await payment.balances())["UNAPPLIED_RECEIPTS"] == -70_000


async def test_a_text_that_names_two_bills_is_left_to_a_person(payment: Payment) -> None:
    (_, one), (_, two) = await asked(payment), await asked(payment)

    answer = await payment.tell(
        query(paid(500_000, transaction_id="FT1000001", text=f"{one.reference_code} va {two.reference_code}"))
    )

    assert answer.outcome == pb.BANK_EVENT_OUTCOME_UNIDENTIFIED
    assert await payment.break_codes() == ["AMBIGUOUS"]


async def test_a_bill_is_not_paid_by_money_on_another_account(payment: Payment) -> None:
    visit, intent = await asked(payment)

    elsewhere = await payment.tell(
        query(
            paid(
                500_000,
                transaction_id="FT1000001",
                invoice_id=intent.reference_code,
                account=OTHER_ACCOUNT,
            )
        )
    )
    unknown = await payment.tell(
        query(paid(500_000, transaction_id="FT1000002", invoice_id=intent.reference_code, account="999"))
    )

    assert elsewhere.outcome == unknown.outcome == pb.BANK_EVENT_OUTCOME_UNIDENTIFIED
    assert (await payment.bill(visit)).paid_vnd == 0
    assert (await payment.balances()).get("BANK_CLEARING", 0) == 0


async def test_a_wrong_signature_is_rejected_kept_and_told_once(payment: Payment) -> None:
    visit, intent = await asked(payment)
    forged = query(
        paid(500_000, transaction_id="FT1000001", invoice_id=intent.reference_code), secret="another-secret"
    )

    answers = [await payment.tell(forged) for _ in range(3)]

    assert {(a.answer_code, a.outcome) for a in answers} == {("01", pb.BANK_EVENT_OUTCOME_REJECTED)}
    assert await payment.break_codes() == ["SIGNATURE_INVALID"]
    assert (await payment.bill(visit)).paid_vnd == 0


def _signed(data: str) -> bytes:
    sign = hmac.new(SECRET.encode(), data.encode(), hashlib.sha256).hexdigest()
    return f"data={quote(data, safe='')}&sign={sign}".encode()


def _content(**changed: object) -> bytes:
    document = {**paid(500_000, transaction_id="FT1000001"), **changed}
    return _signed(base64.b64encode(json.dumps(document).encode()).decode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"data=abc",
        b"data=a%zz&sign=b",
        b"data=a&sign=b&sign=c",
        b"data=a&sign=b&more=c",
        b"data=ab+cd&sign=ef",
        "data=ư&sign=b".encode(),
        _signed("not base64"),
        _signed(base64.b64encode(b"[1]").decode()),
        _signed(base64.b64encode(b'{"status":"00"').decode()),
        _signed(base64.b64encode(b"[" * 20_000).decode()),
        _content(paidAmount="12..34"),
        _content(paidAmount=500_000.5),
        _content(paidAmount=-1),
        _content(paidAmount=True),
        _content(paidAmount="NaN"),
        _content(paidAmount="1E+30"),
        _content(paidTime="20260230010101"),
        _content(paidTime="soon"),
        _content(transactionId=""),
        _content(transactionId="x" * 65),
        _content(status="77"),
        _content(status=None),
    ],
)
async def test_a_malformed_notification_is_answered_04_and_posts_nothing(
    payment: Payment, raw: bytes
) -> None:
    answer = await payment.tell(raw)

    assert (answer.answer_code, answer.outcome) == ("04", pb.BANK_EVENT_OUTCOME_REJECTED)
    assert await payment.balances() == {}


async def test_an_unpaid_notification_does_not_block_the_paid_one_of_the_same_transaction(
    payment: Payment,
) -> None:
    visit, intent = await asked(payment)
    unpaid = paid(500_000, transaction_id="FT1000001", invoice_id=intent.reference_code, status="01")

    first = await payment.tell(query(unpaid))
    second = await payment.tell(query({**unpaid, "status": "00"}))

    assert first.outcome == pb.BANK_EVENT_OUTCOME_NOT_PAID
    assert second.outcome == POSTED
    assert (await payment.bill(visit)).state == pb.BILL_STATE_PAID


async def test_one_transaction_told_with_two_amounts_posts_the_first_and_opens_a_break(
    payment: Payment,
) -> None:
    visit, intent = await asked(payment)
    told = paid(500_000, transaction_id="FT1000001", invoice_id=intent.reference_code)
    await payment.tell(query(told))

    answer = await payment.tell(query({**told, "paidAmount": "400000.00"}))

    assert answer.outcome == DUPLICATE
    assert await payment.break_codes() == ["AMOUNT_MISMATCH"]
    assert (await payment.bill(visit)).paid_vnd == 500_000


async def test_an_unknown_provider_and_an_oversized_body_are_the_caller_s_mistakes(payment: Payment) -> None:
    with acting_as(payment.caller("SERVICE", facility="")):
        with pytest.raises(AppError) as unknown:
            await payment.bills.RecordBankEvent(
                pb.RecordBankEventRequest(request_id=new_id(), provider="otherbank", raw=b"x"),
                timeout=TIMEOUT_S,
            )
        with pytest.raises(AppError) as oversized:
            await payment.bills.RecordBankEvent(
                pb.RecordBankEventRequest(request_id=new_id(), provider="hdbank", raw=b"x" * 70_000),
                timeout=TIMEOUT_S,
            )

    assert unknown.value.reason == "PROVIDER_UNKNOWN"
    assert oversized.value.reason == "BANK_EVENT_TOO_LARGE"


async def test_the_payment_appears_in_the_trace_of_the_journey_that_asked_for_it(payment: Payment) -> None:
    _, intent = await asked(payment)
    payment.telemetry.flush()
    asking = next(row for row in payment.spans.rows if row.name.endswith("/CreateIntent"))

    await payment.tell(query(paid(500_000, transaction_id="FT1000001", invoice_id=intent.reference_code)))

    payment.telemetry.flush()
    settling = next(row for row in payment.spans.rows if row.name == "payment.settle")
    assert settling.trace_id == asking.trace_id
    assert any(row.parent_id == settling.span_id and row.name == "db.write" for row in payment.spans.rows)
