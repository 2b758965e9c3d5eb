"""What the portal's codes mean, and when a lost answer is found among the day's receipts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from insurance_svc.domain.claim_answer import (
    Fate,
    SendOutcome,
    fate_of,
    read_answer,
    read_receipts,
)
from tests.support.claims import receipt

SENT = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)
TOTAL = Decimal("75620.00")


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [
        ("200", "GD1", SendOutcome.ACCEPTED),
        (200, "GD1", SendOutcome.ACCEPTED),
        ("200", "", SendOutcome.UNKNOWN),
        ("201", "", SendOutcome.REFUSED),
        ("202", "GD1", SendOutcome.REFUSED),
        ("1001", "", SendOutcome.REFUSED),
        ("401", "", SendOutcome.NOT_TAKEN),
        ("999", "", SendOutcome.NOT_TAKEN),
        ("402", "", SendOutcome.NOT_TAKEN),
        ("408", "", SendOutcome.UNKNOWN),
        ("500", "", SendOutcome.UNKNOWN),
        ("777", "GD1", SendOutcome.UNKNOWN),
    ],
)
def test_each_code_has_its_consequence_and_an_unknown_one_proves_nothing(
    code: object, number: str, expected: SendOutcome
) -> None:
    answer = read_answer(json.dumps({"maKetQua": code, "maGiaoDich": number, "thongDiep": "x"}).encode())

    assert answer is not None
    assert answer.outcome is expected
    assert answer.code == str(code)


@pytest.mark.parametrize(
    "reply", [b"", b"<html>", b"[]", b"{}", b'{"maKetQua": null}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_answer_is_told_as_none(reply: bytes) -> None:
    assert read_answer(reply) is None
    assert read_receipts(reply) is None


def test_a_day_of_receipts_is_read_in_the_true_form() -> None:
    rows = [
        {
            "ngayGui": "01/09/2026 10:00:05",
            "maGiaoDich": "GD1",
            "soLuongHoSo": "1",
            "slHoSoDung": 0,
            "slHoSoLoi": 1,
            "tongTien": "75620.00",
            "mieuTa": "Sai mã bệnh",
        },
        {"maGiaoDich": ""},
        "no row",
    ]

    (found,) = read_receipts(json.dumps({"maKetQua": "200", "dsHoSo": rows}).encode()) or ()

    assert (found.transaction_number, found.wrong_count, found.total) == ("GD1", 1, TOTAL)
    assert found.receive_time == datetime(2026, 9, 1, 3, 0, 5, tzinfo=UTC)


def test_a_refused_list_is_no_empty_list() -> None:
    assert read_receipts(b'{"maKetQua": "401", "dsHoSo": []}') is None
    assert read_receipts(b'{"maKetQua": "200", "dsHoSo": []}') == ()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Fate.NOT_THERE),
        ([receipt("GD1", total="75620", when=SENT)], Fate.ACCEPTED),
        ([receipt("GD1", total="75620", when=SENT, wrong=1)], Fate.REFUSED),
        ([receipt("GD1", total="75620", when=SENT, good=1)], Fate.ACCEPTED),
        ([receipt("GD1", total="75620", when=SENT, good=0)], Fate.PENDING),
        # Another patient's bill, another file of ours, one from before.
        ([receipt("GD1", total="75621", when=SENT)], Fate.NOT_THERE),
        ([receipt("GD0", total="75620", when=SENT)], Fate.NOT_THERE),
        ([receipt("GD1", total="75620", when=SENT - timedelta(minutes=3))], Fate.NOT_THERE),
        # Two of the same amount, neither known to us: nobody can tell.
        ([receipt(number, total="75620", when=SENT) for number in ("GD1", "GD2")], Fate.CANNOT_TELL),
        # A description that names the visit decides.
        (
            [
                receipt("GD1", total="75620", when=SENT),
                receipt("GD2", total="1", when=SENT, text="MA_LK 260901-v1"),
            ],
            Fate.ACCEPTED,
        ),
    ],
)
def test_a_receipt_is_ours_only_when_it_can_be_no_other(rows: list[object], expected: Fate) -> None:
    found = fate_of(
        rows,  # type: ignore[arg-type]  # receipts, as parametrize cannot say
        link_id="260901-v1",
        total=TOTAL,
        sent_after=SENT,
        known_numbers={"GD0"},
    )

    assert found.fate is expected


def test_a_receipt_is_nobodys_while_two_files_of_one_total_are_in_doubt() -> None:
    rows = [receipt("GD1", total="75620", when=SENT)]

    found = fate_of(rows, link_id="a", total=TOTAL, sent_after=SENT, known_numbers=(), has_rivals=True)

    assert found.fate is Fate.CANNOT_TELL


def test_a_check_ins_receipt_counts_only_when_it_names_the_visit() -> None:
    unnamed = [receipt("GD1", total=None, when=SENT)]
    named = [receipt("GD1", total=None, when=SENT, text="260901-v1")]

    fates = [
        fate_of(rows, link_id="260901-v1", total=None, sent_after=SENT, known_numbers=()).fate
        for rows in ([], unnamed, named)
    ]

    assert fates == [Fate.NOT_THERE, Fate.CANNOT_TELL, Fate.ACCEPTED]
