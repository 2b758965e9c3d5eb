"""Payment through the whole pipeline: the cases of the money part, and the typed error of each bad input."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from lienthong.payment.v1 import payment_pb2 as pb
from standards.trace_code import parse_trace_code
from standards.vietqr import decode
from tests.support.payment import (
    ACCOUNT,
    CITIZEN,
    FACILITY,
    OTHER_ACCOUNT,
    OTHER_FACILITY,
    SECRET,
    START,
    TIMEOUT_S,
    TODAY,
    Booked,
    Payment,
    bill_line,
    new_id,
    new_visit,
    paid,
    payment_on,
    query,
    statement_csv,
)
from tests.support.stores import OpenStore

POSTED = pb.BANK_EVENT_OUTCOME_POSTED
DUPLICATE = pb.BANK_EVENT_OUTCOME_DUPLICATE


@pytest.fixture
def store_engine() -> str:
    return "sqlite"  # The pipeline is the same on both; tests/store has both.


@pytest.fixture
async def payment(open_store: OpenStore, tmp_path: Path) -> AsyncIterator[Payment]:
    async with payment_on(open_store, tmp_path) as made:
        yield made


async def asked(payment: Payment, patient_vnd: int = 500_000) -> tuple[str, pb.PaymentIntent]:
    """An issued bill with an intent."""
    visit = new_visit()
    await payment.issue(visit, bill_line(patient_vnd))
    return visit, await payment.intent(visit)


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


# Notifications


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


# Statements and reconciliation


async def test_a_whole_day_reconciles(payment: Payment) -> None:
    visit, intent = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)))
    statement = await payment.import_file(
        statement_csv([Booked(amount_vnd=500_000, reference="FT2606100001", text=intent.reference_code)])
    )

    run = await payment.reconcile()

    bill = await payment.bill(visit)
    assert (statement.line_count, statement.balance_proved) == (1, True)
    assert (run.matched_by_bank_reference_count, run.break_count, run.open_line_count) == (1, 0, 0)
    assert bill.reconciled
    assert bill.intents[0].confirmed_by_bank
    assert await payment.balances() == {"BANK": 500_000, "REVENUE": -500_000}


async def test_running_again_with_nothing_new_changes_nothing(payment: Payment) -> None:
    _, intent = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)))
    lines = [
        Booked(amount_vnd=500_000, reference="FT2606100001"),
        Booked(amount_vnd=7_000, text="no reference"),
        Booked(amount_vnd=-9_000, text="fee"),
    ]
    await payment.import_file(statement_csv(lines))
    first = await payment.reconcile()
    before = (await payment.balances(), await payment.breaks())

    again = await payment.reconcile()

    assert (await payment.balances(), await payment.breaks()) == before
    assert again.digest == first.digest
    assert (again.matched_by_bank_reference_count, again.posted_from_statement_count, again.break_count) == (
        0,
        0,
        0,
    )
    assert again.open_line_count == first.open_line_count == 2


async def test_a_lost_webhook_is_posted_from_the_line_and_its_late_arrival_posts_nothing(
    payment: Payment,
) -> None:
    visit, intent = await asked(payment)
    text = f"MBVCB.77.{intent.reference_code}.CT tu 1 toi 2"
    await payment.import_file(
        statement_csv([Booked(amount_vnd=500_000, reference="FT2606100001", text=text)])
    )

    run = await payment.reconcile()
    reconciled = await payment.bill(visit)
    late = await payment.tell(
        query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code))
    )

    assert run.posted_from_statement_count == 1
    assert (reconciled.state, reconciled.reconciled) == (pb.BILL_STATE_PAID, True)
    assert [receipt.number for receipt in reconciled.receipts] == ["PT26-000001"]
    assert await payment.break_codes() == []
    assert await payment.break_codes(state=pb.BREAK_STATE_RESOLVED) == ["MISSING_IN_LEDGER"]
    assert (late.answer_code, late.outcome) == ("02", DUPLICATE)
    assert await payment.balances() == {"BANK": 500_000, "REVENUE": -500_000}


async def test_an_unidentified_line_finds_its_bill_when_the_notification_comes_late(payment: Payment) -> None:
    visit, intent = await asked(payment)
    await payment.import_file(
        statement_csv([Booked(amount_vnd=500_000, reference="FT2606100001", text="code cut o")])
    )
    await payment.reconcile()

    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)))

    bill = await payment.bill(visit)
    assert (bill.state, bill.reconciled, len(bill.receipts)) == (pb.BILL_STATE_PAID, True, 1)
    assert await payment.break_codes() == []
    assert await payment.balances() == {"BANK": 500_000, "REVENUE": -500_000}


async def test_unknown_money_told_and_booked_is_one_break(payment: Payment) -> None:
    await payment.tell(query(paid(70_000, transaction_id="FT2606100009", text="ung ho")))
    await payment.import_file(
        statement_csv([Booked(amount_vnd=70_000, reference="FT2606100009", text="ung ho")])
    )

    run = await payment.reconcile()

    assert (run.matched_by_bank_reference_count, run.break_count, run.open_line_count) == (1, 0, 1)
    assert await payment.break_codes() == ["UNIDENTIFIED_RECEIPT"]
    assert await payment.balances() == {"BANK": 70_000, "UNAPPLIED_RECEIPTS": -70_000}


async def test_a_stranger_s_credit_and_an_unexplained_debit_become_breaks(payment: Payment) -> None:
    await payment.import_file(
        statement_csv([Booked(amount_vnd=37_500, text="cam on"), Booked(amount_vnd=-11_000, text="phi")])
    )

    run = await payment.reconcile()

    assert run.break_count == 2
    assert await payment.break_codes() == ["UNEXPLAINED_DEBIT", "UNIDENTIFIED_RECEIPT"]


async def test_a_notification_the_statement_contradicts_is_an_amount_mismatch(payment: Payment) -> None:
    _, intent = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)))
    await payment.import_file(statement_csv([Booked(amount_vnd=450_000, reference="FT2606100001")]))

    await payment.reconcile()

    (item,) = await payment.breaks()
    assert (item.code, item.amount_vnd) == (pb.BREAK_CODE_AMOUNT_MISMATCH, 50_000)
    assert (await payment.balances())["BANK_CLEARING"] == 50_000


async def test_told_money_the_statement_never_shows_is_missing_and_clears_itself_when_it_comes(
    payment: Payment,
) -> None:
    _, intent = await asked(payment)
    await payment.tell(query(paid(500_000, transaction_id="FT2606100001", invoice_id=intent.reference_code)))
    tomorrow = TODAY + timedelta(days=1)
    await payment.import_file(statement_csv([], day=TODAY))
    await payment.reconcile()
    too_early = await payment.break_codes()

    await payment.import_file(statement_csv([], day=tomorrow))
    await payment.reconcile()
    missing = await payment.break_codes()
    line = Booked(amount_vnd=500_000, reference="FT2606100001", day=tomorrow)
    await payment.import_file(statement_csv([line], day=tomorrow))
    await payment.reconcile()

    assert (too_early, missing) == ([], ["MISSING_IN_BANK"])
    assert await payment.break_codes() == []


async def test_several_transfers_of_one_bill_match_one_notification_each_or_together(
    payment: Payment,
) -> None:
    visit, intent = await asked(payment, 1_200_000_000)
    parts = (499_999_999, 499_999_999, 200_000_002)
    for number, part_vnd in enumerate(parts):
        await payment.tell(
            query(paid(part_vnd, transaction_id=f"T{number}0000001", text=intent.reference_code))
        )
    await payment.import_file(
        statement_csv([Booked(amount_vnd=part_vnd, text=f"ck {intent.reference_code}") for part_vnd in parts])
    )

    run = await payment.reconcile()

    bill = await payment.bill(visit)
    assert run.matched_by_reference_code_count == 3
    assert (bill.state, bill.reconciled, len(bill.receipts)) == (pb.BILL_STATE_PAID, True, 3)


async def test_an_overlapping_file_adds_only_what_is_new(payment: Payment) -> None:
    twins = [Booked(amount_vnd=37_500, text="giong nhau"), Booked(amount_vnd=37_500, text="giong nhau")]
    more = Booked(amount_vnd=9_000, reference="FT2606100003", text="moi")

    first = await payment.import_file(statement_csv(twins))
    same = await payment.import_file(statement_csv(twins))
    wider = await payment.import_file(statement_csv([*twins, more]))
    run = await payment.reconcile()

    assert (first.line_count, first.duplicate_count) == (2, 0)
    assert (same.line_count, same.duplicate_count) == (2, 2)
    assert (wider.line_count, wider.duplicate_count) == (3, 2)
    assert run.break_count == 3


async def test_repeating_an_import_answers_the_same_and_another_body_is_refused(payment: Payment) -> None:
    request_id = new_id()
    content = statement_csv([Booked(amount_vnd=1_000, text="a")])
    first = await payment.import_file(content, request_id=request_id)

    again = await payment.import_file(content, request_id=request_id, chunk=7)
    with pytest.raises(AppError) as reused:
        await payment.import_file(content + b"\n,,,,x", request_id=request_id)

    assert again == first
    assert reused.value.reason == "REQUEST_ID_REUSED"


async def test_a_statement_that_does_not_add_up_opens_one_break_however_often_it_comes(
    payment: Payment,
) -> None:
    content = statement_csv([Booked(amount_vnd=1_000, text="a")], closing_vnd=5)

    statements = [await payment.import_file(content) for _ in range(2)]

    assert [statement.balance_proved for statement in statements] == [False, False]
    (item,) = await payment.breaks()
    assert (item.code, item.amount_vnd) == (pb.BREAK_CODE_BALANCE_BREAK, 1_000_995)


async def test_bad_lines_are_quarantined_and_the_rest_is_kept(payment: Payment) -> None:
    content = statement_csv([Booked(amount_vnd=1_000, text="a"), Booked(amount_vnd=2_000, text="b")])
    content = content.replace(b",2000,", b",12..34,")

    statement = await payment.import_file(content)

    assert (statement.line_count, statement.quarantined_count, statement.balance_proved) == (1, 1, False)
    assert await payment.break_codes() == ["BALANCE_BREAK", "INVALID_LINE"]


@pytest.mark.parametrize(
    ("content", "account", "reason"),
    [
        (b"", ACCOUNT, "STATEMENT_UNREADABLE"),
        (b"\x00\x01\x02", ACCOUNT, "STATEMENT_UNREADABLE"),
        (b"one,two\n1,2", ACCOUNT, "STATEMENT_UNREADABLE"),
        (b"x" * 100_001, ACCOUNT, "STATEMENT_TOO_LARGE"),
        (statement_csv([]), OTHER_ACCOUNT, "STATEMENT_ACCOUNT_UNKNOWN"),
        (statement_csv([]), "", "STATEMENT_ACCOUNT_UNKNOWN"),
        (statement_csv([]).replace(ACCOUNT.encode(), b"123456789"), ACCOUNT, "STATEMENT_ACCOUNT_UNKNOWN"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused_whole(
    payment: Payment, content: bytes, account: str, reason: str
) -> None:
    with pytest.raises(AppError) as refused:
        await payment.import_file(content, account=account)

    assert refused.value.reason == reason


async def test_a_stream_without_its_header_is_refused(payment: Payment) -> None:
    async def messages() -> AsyncIterator[pb.ImportStatementRequest]:
        yield pb.ImportStatementRequest(content=b"x")

    with acting_as(payment.caller()), pytest.raises(AppError) as refused:
        await payment.books.ImportStatement(messages(), timeout=TIMEOUT_S)

    assert refused.value.reason == "STATEMENT_HEADER_MISSING"


# Breaks


async def test_unidentified_money_is_applied_to_the_bill_a_person_names(payment: Payment) -> None:
    visit = new_visit()
    await payment.issue(visit, bill_line(50_000))
    await payment.tell(query(paid(70_000, transaction_id="FT2606100009", text="khong ma")))
    (item,) = await payment.breaks()
    request_id = new_id()

    resolved = await payment.resolve(
        item.name, pb.BREAK_RESOLUTION_APPLIED, visit=visit, request_id=request_id
    )
    again = await payment.resolve(item.name, pb.BREAK_RESOLUTION_APPLIED, visit=visit, request_id=request_id)

    bill = await payment.bill(visit)
    (rest,) = await payment.breaks()
    assert resolved == again
    assert (resolved.state, resolved.resolution) == (pb.BREAK_STATE_RESOLVED, pb.BREAK_RESOLUTION_APPLIED)
    assert (bill.state, [receipt.amount_vnd for receipt in bill.receipts]) == (pb.BILL_STATE_PAID, [50_000])
    assert (rest.code, rest.amount_vnd) == (pb.BREAK_CODE_AMOUNT_OVER, 20_000)
    assert await payment.balances() == {
        "BANK_CLEARING": 70_000,
        "UNAPPLIED_RECEIPTS": -20_000,
        "REVENUE": -50_000,
    }


async def test_unidentified_money_given_back_stands_in_refunds_payable(payment: Payment) -> None:
    await payment.tell(query(paid(70_000, transaction_id="FT2606100009", text="khong ma")))
    (item,) = await payment.breaks()

    await payment.resolve(item.name, pb.BREAK_RESOLUTION_REFUND_PAYABLE)

    assert await payment.balances() == {"BANK_CLEARING": 70_000, "REFUNDS_PAYABLE": -70_000}
    with pytest.raises(AppError) as refused:
        await payment.resolve(item.name, pb.BREAK_RESOLUTION_REFUND_PAYABLE)
    assert refused.value.reason == "BREAK_ALREADY_RESOLVED"


async def test_money_cannot_be_explained_away_and_a_bad_line_cannot_be_refunded(payment: Payment) -> None:
    await payment.tell(query(paid(70_000, transaction_id="FT2606100009", text="khong ma")))
    await payment.import_file(statement_csv([], closing_vnd=5))
    by_code = {item.code: item.name for item in await payment.breaks()}

    for code, resolution in (
        (pb.BREAK_CODE_UNIDENTIFIED_RECEIPT, pb.BREAK_RESOLUTION_EXPLAINED),
        (pb.BREAK_CODE_BALANCE_BREAK, pb.BREAK_RESOLUTION_REFUND_PAYABLE),
    ):
        with pytest.raises(AppError) as refused:
            await payment.resolve(by_code[code], resolution)
        assert refused.value.reason == "RESOLUTION_NOT_ALLOWED"

    resolved = await payment.resolve(by_code[pb.BREAK_CODE_BALANCE_BREAK], pb.BREAK_RESOLUTION_EXPLAINED)
    assert resolved.state == pb.BREAK_STATE_RESOLVED


@pytest.mark.parametrize("resolution", [pb.BREAK_RESOLUTION_UNSPECIFIED, pb.BREAK_RESOLUTION_AUTO_CLEARED])
async def test_a_resolution_only_the_system_gives_is_refused(
    payment: Payment, resolution: pb.BreakResolution.ValueType
) -> None:
    with pytest.raises(AppError) as refused:
        await payment.resolve(f"breaks/{'a' * 32}", resolution)

    assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "resolution")


async def test_another_facility_s_break_is_not_found(payment: Payment) -> None:
    await payment.tell(query(paid(70_000, transaction_id="FT2606100009", account=OTHER_ACCOUNT)))
    with acting_as(payment.caller(facility=OTHER_FACILITY)):
        theirs = (await payment.books.ListBreaks(pb.ListBreaksRequest(), timeout=TIMEOUT_S)).breaks[0]

    with pytest.raises(AppError) as refused:
        await payment.resolve(theirs.name, pb.BREAK_RESOLUTION_REFUND_PAYABLE)

    assert await payment.breaks() == []
    assert refused.value.reason == "BREAK_NOT_FOUND"


async def test_pages_of_breaks_show_each_once_in_order(payment: Payment) -> None:
    for number in range(7):
        payment.clock.advance(timedelta(seconds=number // 2))
        await payment.tell(query(paid(1_000 + number, transaction_id=f"FT260610000{number}")))
    token, seen = "", []
    with acting_as(payment.caller()):
        while True:
            page = await payment.books.ListBreaks(
                pb.ListBreaksRequest(page_size=3, page_token=token), timeout=TIMEOUT_S
            )
            seen += [item.name for item in page.breaks]
            if not (token := page.next_page_token):
                break

    assert seen == [item.name for item in await payment.breaks()]
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    ("page_size", "token", "reason"),
    [(201, "", "PAGE_SIZE_OUT_OF_RANGE"), (-1, "", "PAGE_SIZE_OUT_OF_RANGE"), (0, "x!", "PAGE_TOKEN_MALFORMED"),
     (0, base64.urlsafe_b64encode(b"now 1").decode(), "PAGE_TOKEN_MALFORMED")],
)  # fmt: skip
async def test_a_bad_page_is_refused(payment: Payment, page_size: int, token: str, reason: str) -> None:
    with acting_as(payment.caller()), pytest.raises(AppError) as refused:
        await payment.books.ListBreaks(
            pb.ListBreaksRequest(page_size=page_size, page_token=token), timeout=TIMEOUT_S
        )

    assert refused.value.reason == reason


async def test_a_clerk_does_not_reconcile(payment: Payment) -> None:
    request = pb.ReconcileRequest(request_id=new_id(), account=ACCOUNT)
    with acting_as(payment.caller("CLERK")), pytest.raises(AppError) as refused:
        await payment.books.Reconcile(request, timeout=TIMEOUT_S)

    assert refused.value.reason == "ROLE_NOT_ALLOWED"
