"""Statements, reconciliation and breaks through the whole pipeline."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from chassis.errors import AppError
from chassis.rpc.context import acting_as
from lienthong.payment.v1 import payment_pb2 as pb
from tests.support.payment import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_FACILITY,
    TIMEOUT_S,
    TODAY,
    Booked,
    Payment,
    asked,
    bill_line,
    new_id,
    new_visit,
    paid,
    query,
    statement_csv,
)

POSTED = pb.BANK_EVENT_OUTCOME_POSTED
DUPLICATE = pb.BANK_EVENT_OUTCOME_DUPLICATE


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
