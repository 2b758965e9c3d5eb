"""Bills and intents through the whole pipeline, and the typed error of each bad input."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from lienthong.payment.v1 import payment_pb2 as pb
from standards.vietqr import decode
from tests.support.payment import (
    ACCOUNT,
    CITIZEN,
    FACILITY,
    OTHER_FACILITY,
    START,
    TIMEOUT_S,
    Payment,
    asked,
    bill_line,
    new_id,
    new_visit,
    paid,
    query,
)

# Bills


async def test_opening_a_bill_twice_answers_the_same_draft(payment: Payment) -> None:
    visit = new_visit()

    first, second = await payment.open(visit), await payment.open(visit)

    assert first == second
    assert first.state == pb.BILL_STATE_DRAFT
    assert first.facility_code == FACILITY


async def test_an_issued_bill_is_owed_by_each_payer(payment: Payment) -> None:
    bill = await payment.issue(
        new_visit(), bill_line(20_000, fund_vnd=80_000), bill_line(0, other_vnd=30_000)
    )

    assert (bill.total_vnd, bill.fund_vnd, bill.patient_vnd, bill.other_funding_vnd) == (
        130_000,
        80_000,
        20_000,
        30_000,
    )
    assert bill.state == pb.BILL_STATE_ISSUED
    assert await payment.balances() == {
        "PATIENT_RECEIVABLE": 20_000,
        "FUND_RECEIVABLE": 80_000,
        "OTHER_FUNDING_RECEIVABLE": 30_000,
        "REVENUE": -130_000,
    }


async def test_a_bill_the_fund_pays_whole_is_paid_at_once_and_asks_for_nothing(payment: Payment) -> None:
    visit = new_visit()

    bill = await payment.issue(visit, bill_line(0, fund_vnd=99_000))

    assert bill.state == pb.BILL_STATE_PAID
    assert bill.reconciled
    with pytest.raises(AppError) as refused:
        await payment.intent(visit)
    assert refused.value.reason == "NOTHING_DUE"


async def test_issuing_again_with_the_same_request_answers_the_same_and_with_another_is_refused(
    payment: Payment,
) -> None:
    visit, request_id = new_visit(), new_id()
    first = await payment.issue(visit, bill_line(10_000), request_id=request_id)

    again = await payment.issue(visit, bill_line(10_000), request_id=request_id)
    with pytest.raises(AppError) as refused:
        await payment.issue(visit, bill_line(10_000))
    with pytest.raises(AppError) as reused:
        await payment.issue(visit, bill_line(11_000), request_id=request_id)

    assert again == first
    assert refused.value.reason == "BILL_ALREADY_ISSUED"
    assert reused.value.reason == "REQUEST_ID_REUSED"
    assert (await payment.balances())["REVENUE"] == -10_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (pb.BillLine(line_id="1", total_vnd=100, patient_vnd=99), "SHARES_DO_NOT_ADD_UP"),
        (pb.BillLine(line_id="1", total_vnd=0, patient_vnd=10, fund_vnd=-10), "SHARES_DO_NOT_ADD_UP"),
        (pb.BillLine(line_id="1", total_vnd=10**16, patient_vnd=10**16), "AMOUNT_TOO_LARGE"),
        (None, "TOO_MANY_LINES"),
    ],
)
async def test_lines_that_cannot_be_right_are_refused(
    payment: Payment, line: pb.BillLine | None, reason: str
) -> None:
    with pytest.raises(AppError) as refused:
        await payment.issue(new_visit(), *([line] if line else []))

    assert refused.value.reason == reason
    assert refused.value.vi


async def test_more_than_2000_lines_are_refused(payment: Payment) -> None:
    with pytest.raises(AppError) as refused:
        await payment.issue(new_visit(), *([bill_line(1)] * 2_001))

    assert refused.value.reason == "TOO_MANY_LINES"


async def test_another_facility_s_bill_is_not_found(payment: Payment) -> None:
    visit, _ = await asked(payment)
    stranger = payment.caller(facility=OTHER_FACILITY)

    with acting_as(stranger), pytest.raises(AppError) as unread:
        await payment.bills.GetBill(pb.GetBillRequest(visit=visit), timeout=TIMEOUT_S)
    request = pb.OpenBillRequest(request_id=new_id(), visit=visit, citizen=CITIZEN)
    with acting_as(stranger), pytest.raises(AppError) as unopened:
        await payment.bills.OpenBill(request, timeout=TIMEOUT_S)

    assert unread.value.reason == unopened.value.reason == "BILL_NOT_FOUND"


@pytest.mark.parametrize("name", ["", "visits/", "visits/ABC", f"visit/{'a' * 32}", f"visits/{'a' * 31}"])
async def test_a_malformed_visit_is_refused_with_its_field(payment: Payment, name: str) -> None:
    with pytest.raises(AppError) as refused:
        await payment.bill(name)

    assert (refused.value.reason, refused.value.field) == ("NAME_MALFORMED", "visit")


# Intents


async def test_an_intent_shows_a_code_into_the_facility_s_own_account(payment: Payment) -> None:
    _, intent = await asked(payment, 500_000)

    code = decode(intent.vietqr_payloads[0])

    assert (code.payee_bin, code.account_number, code.amount_vnd) == ("970436", ACCOUNT, 500_000)
    assert code.purpose == intent.reference_code
    assert intent.expire_time.ToDatetime() == (START + timedelta(hours=24)).replace(tzinfo=None)


async def test_a_large_bill_is_paid_by_several_codes_that_add_up(payment: Payment) -> None:
    _, intent = await asked(payment, 1_200_000_000)

    amounts = [decode(payload).amount_vnd for payload in intent.vietqr_payloads]

    assert amounts == [499_999_999, 499_999_999, 200_000_002]


async def test_asking_again_answers_the_open_intent_until_the_amount_changes(payment: Payment) -> None:
    visit, intent = await asked(payment, 500_000)
    again = await payment.intent(visit)

    await payment.tell(query(paid(200_000, transaction_id="FT1000001", invoice_id=intent.reference_code)))
    rest = await payment.intent(visit)

    assert again.name == intent.name
    assert rest.name != intent.name
    assert rest.amount_vnd == 300_000


async def test_an_expired_intent_says_so_and_a_new_one_is_made(payment: Payment) -> None:
    visit, intent = await asked(payment)
    payment.clock.advance(timedelta(hours=24))

    state = (await payment.bill(visit)).intents[0].state
    fresh = await payment.intent(visit)

    assert state == pb.INTENT_STATE_EXPIRED
    assert fresh.name != intent.name


async def test_a_draft_cannot_be_paid(payment: Payment) -> None:
    visit = new_visit()
    await payment.open(visit)

    with pytest.raises(AppError) as refused:
        await payment.intent(visit)

    assert refused.value.reason == "BILL_NOT_ISSUED"


async def test_a_facility_without_an_account_cannot_ask_for_money(payment: Payment) -> None:
    visit = new_visit()
    with acting_as(payment.caller(facility="19T01")):
        request = pb.IssueBillRequest(
            request_id=new_id(), visit=visit, citizen=CITIZEN, lines=[bill_line(1_000)]
        )
        await payment.bills.IssueBill(request, timeout=TIMEOUT_S)
        with pytest.raises(AppError) as refused:
            await payment.bills.CreateIntent(
                pb.CreateIntentRequest(request_id=new_id(), visit=visit), timeout=TIMEOUT_S
            )

    assert refused.value.reason == "NO_BANK_ACCOUNT"
