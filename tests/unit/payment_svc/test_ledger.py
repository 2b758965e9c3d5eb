"""Bills, settlement and the ledger as plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from payment_svc.domain.bills import BillLine, check_lines
from payment_svc.domain.breaks import ALLOWED, EXPLANATIONS, BreakCode
from payment_svc.domain.days import business_date
from payment_svc.domain.errors import AmountTooLarge, LedgerOutOfBalance, SharesDoNotAddUp, TooManyLines
from payment_svc.domain.ledger import (
    Account,
    Posting,
    apply_postings,
    confirm_postings,
    derived_id,
    issue_postings,
    receive_postings,
    refund_postings,
    transfer,
)
from payment_svc.domain.payees import PayeeEntryMalformed, Payees
from payment_svc.domain.settlement import settle

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def line(total_vnd: int, fund_vnd: int, patient_vnd: int, other_vnd: int) -> BillLine:
    return BillLine(
        line_id="1",
        display_name="x",
        total_vnd=total_vnd,
        fund_vnd=fund_vnd,
        patient_vnd=patient_vnd,
        other_funding_vnd=other_vnd,
    )


def test_every_kind_of_transfer_sums_to_zero() -> None:
    made = [
        issue_postings(visit_id="v", fund_vnd=80, patient_vnd=10, other_vnd=30),
        receive_postings(visit_id="v", applied_vnd=10, unapplied_vnd=5, refund_vnd=1),
        confirm_postings(16),
        apply_postings(visit_id="v", amount_vnd=5),
        refund_postings(5),
    ]

    assert [sum(posting.amount_vnd for posting in postings) for postings in made] == [0] * 5


def test_a_transfer_that_does_not_sum_to_zero_cannot_be_made() -> None:
    postings = [Posting(account=Account.BANK, amount_vnd=5), Posting(account=Account.REVENUE, amount_vnd=-4)]

    with pytest.raises(LedgerOutOfBalance):
        transfer("x", "1", facility_code="19999", book_time=NOW, postings=postings)


def test_an_amount_beyond_the_limit_cannot_be_posted() -> None:
    with pytest.raises(LedgerOutOfBalance):
        transfer("x", "1", facility_code="19999", book_time=NOW, postings=confirm_postings(10**15 + 1))


def test_nothing_moving_is_no_transfer() -> None:
    assert transfer("x", "1", facility_code="19999", book_time=NOW, postings=confirm_postings(0)) is None


def test_one_cause_leads_to_one_id_and_parts_do_not_run_together() -> None:
    assert derived_id("receive", "a") == derived_id("receive", "a")
    assert derived_id("receive", "a") != derived_id("confirm", "a")
    assert derived_id("x", "a", "bc") != derived_id("x", "ab", "c")


@pytest.mark.parametrize(
    ("amount_vnd", "due_vnd", "is_late", "parts", "codes"),
    [
        (100, 100, False, (100, 0, 0), []),
        (99, 100, False, (99, 0, 0), []),
        (101, 100, False, (100, 1, 0), ["AMOUNT_OVER"]),
        (100, 100, True, (100, 0, 0), ["LATE_PAYMENT"]),
        (101, 100, True, (100, 1, 0), ["AMOUNT_OVER", "LATE_PAYMENT"]),
        (100, 0, False, (0, 0, 100), ["DUPLICATE_PAYMENT"]),
        (100, 0, True, (0, 0, 100), ["DUPLICATE_PAYMENT"]),
        (100, None, False, (0, 100, 0), ["UNIDENTIFIED_RECEIPT"]),
    ],
)
def test_money_goes_to_the_bill_first_and_never_vanishes(
    amount_vnd: int, due_vnd: int | None, is_late: bool, parts: tuple[int, int, int], codes: list[str]
) -> None:
    split = settle(amount_vnd=amount_vnd, due_vnd=due_vnd, is_late=is_late)

    assert (split.applied_vnd, split.unapplied_vnd, split.refund_vnd) == parts
    assert [code.value for code in split.codes] == codes


def test_a_line_whose_donor_pays_more_than_the_uncovered_part_still_adds_up() -> None:
    # The case of the claim tables: 120 charged, 100 covered at 80 %, a donor gives 30; the header would say 90.
    check_lines([line(120, 80, 10, 30)])


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([], TooManyLines),
        ([line(1, 0, 1, 0)] * 2_001, TooManyLines),
        ([line(120, 80, 10, 29)], SharesDoNotAddUp),
        ([line(0, 0, 1, -1)], SharesDoNotAddUp),
        ([line(10**15, 0, 10**15, 0), line(1, 0, 1, 0)], AmountTooLarge),
    ],
)
def test_lines_that_cannot_be_right_are_refused(lines: list[BillLine], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_lines(lines)


def test_the_refused_line_is_named() -> None:
    with pytest.raises(SharesDoNotAddUp) as refused:
        check_lines([line(1, 0, 1, 0), line(5, 1, 1, 1)])

    assert refused.value.field == "lines[1]"
    assert refused.value.facts == {"difference_vnd": "2"}


def test_the_day_ends_at_midnight_in_viet_nam() -> None:
    assert business_date(datetime(2026, 3, 2, 16, 59, 59, tzinfo=UTC)) == date(2026, 3, 2)
    assert business_date(datetime(2026, 3, 2, 17, 0, 0, tzinfo=UTC)) == date(2026, 3, 3)


def test_every_break_has_advice_and_a_way_out() -> None:
    assert set(EXPLANATIONS) == set(ALLOWED) == set(BreakCode)
    assert all(vi and en for vi, en in EXPLANATIONS.values())
    assert all(ALLOWED.values())


def test_a_facility_is_paid_into_its_first_account() -> None:
    payees = Payees.parse(["19999=970436:111", "19999=970436:222", "19998=970415:333"])

    first, owner = payees.of("19999"), payees.owner_of("222")
    assert first is not None
    assert first.account == "111"
    assert owner is not None
    assert owner.facility_code == "19999"
    assert (payees.of("01001"), payees.owner_of("444"), payees.sole()) == (None, None, None)


@pytest.mark.parametrize(
    "entries",
    [
        ["19999"],
        ["1999=970436:1"],
        ["19999=97043:1"],
        ["19999=970436:"],
        ["19999=970436:1", "19998=970436:1"],
    ],
)
def test_a_malformed_account_setting_is_refused(entries: list[str]) -> None:
    with pytest.raises(PayeeEntryMalformed):
        Payees.parse(entries)
