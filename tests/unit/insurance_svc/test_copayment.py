"""What the portal publishes about copayments of the year: read, summed for the visit's year, or not believed."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from insurance_svc.domain.copayment import Copayments, copay_record, read_copayment_code, read_copayments
from insurance_svc.domain.ladder import make_question
from insurance_svc.domain.reply import ReplyUnreadable
from tests.support.fake_portal import BIRTH, CITIZEN, NAME, copayments

TODAY = date(2026, 9, 1)
QUESTION = make_question(identifier=CITIZEN, full_name=NAME, birth_date=BIRTH, service_date=TODAY)


def read(document: dict[str, Any]) -> Copayments:
    return read_copayments(json.dumps(document).encode(), QUESTION)


def rows(*entries: tuple[str, object, object]) -> dict[str, Any]:
    whole = copayments(1)
    whole["DataCCT"] = [
        {"ngayRa": day, "tBNCCTMCCT": amount, "tBNCCTLuyKe": total} for day, amount, total in entries
    ]
    return whole


def test_the_years_copayments_are_summed() -> None:
    record = copay_record(read(copayments(100_000, 250_000)), service_date=TODAY)

    assert record is not None
    assert record.accumulated_vnd == 350_000
    assert record.before_change_vnd is None


def test_only_the_visits_calendar_year_counts() -> None:
    told = read(rows(("31/12/2025", 900, 900), ("01/01/2026", 100, 1_000)))

    record = copay_record(told, service_date=TODAY)

    assert record is not None
    assert record.accumulated_vnd == 100


def test_what_was_paid_before_the_salary_changed_is_told_apart() -> None:
    told = read(rows(("30/06/2026", 900, 900), ("01/07/2026", 100, 1_000)))

    record = copay_record(told, service_date=TODAY, change_date=date(2026, 7, 1))

    assert record is not None
    assert (record.accumulated_vnd, record.before_change_vnd) == (1_000, 900)


def test_a_running_sum_that_begins_anew_each_year_is_believed_too() -> None:
    assert read(rows(("31/12/2025", 900, 900), ("01/01/2026", 100, 100))).is_known


@pytest.mark.parametrize(
    ("document", "doubt"),
    [
        (rows(("01/02/2026", 100, 150)), "SUMS_DISAGREE"),
        (rows(("01/02/2026", -5, -5)), "ROWS_UNREADABLE"),
        (rows(("01/02/2026", True, 1)), "ROWS_UNREADABLE"),
        (rows(("31/02/2026", 100, 100)), "ROWS_UNREADABLE"),
        (rows(("", 100, 100)), "ROWS_UNREADABLE"),
        (copayments(100, hoTen="Lý Văn Bình"), "OTHER_PERSON"),
        (copayments(100, ngaySinh="06/03/1990"), "OTHER_PERSON"),
        ({**copayments(100), "ThongTinSoThe": None}, "OTHER_PERSON"),
        ({**copayments(100), "DataCCT": "none"}, "ROWS_UNREADABLE"),
        ({**copayments(100), "DataCCT": [7]}, "ROWS_UNREADABLE"),
    ],
)
def test_what_contradicts_itself_or_the_citizen_is_not_believed(document: dict[str, Any], doubt: str) -> None:
    told = read(document)

    assert told.doubt == doubt
    assert copay_record(told, service_date=TODAY) is None


@pytest.mark.parametrize("amount", [100, 100.0, "100", "100.00", "99.5"])
def test_amounts_are_read_as_number_or_text(amount: object) -> None:
    record = copay_record(read(rows(("01/02/2026", amount, 100))), service_date=TODAY)

    assert record is not None
    assert record.accumulated_vnd == 100


@pytest.mark.parametrize("code", ["204", "400", "401", "500"])
def test_other_codes_tell_nothing(code: str) -> None:
    told = read({**copayments(1), "MaKetQua": code})

    assert (told.code, told.is_known) == (code, False)
    assert copay_record(told, service_date=TODAY) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"MaKetQua": true}', b"[" * 100_000])
def test_what_is_no_reply_is_refused(body: bytes) -> None:
    with pytest.raises(ReplyUnreadable):
        read_copayment_code(body)


def test_a_code_sent_as_a_number_is_read() -> None:
    assert read_copayment_code(b'{"MaKetQua": 200}') == "200"
