"""HDBank's notification: what is read, what is refused, and that a refusal never raises."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from payment_svc.domain.money import Verdict
from payment_svc.external.hdbank import HdBankReader
from tests.support.payment import SECRET, paid, query

READER = HdBankReader(SECRET)


def test_a_paid_notification_is_read_whole() -> None:
    told = READER.read(query(paid(500_000, transaction_id="FT1", invoice_id="INV", text="chuyển khoản")))

    assert told.verdict is Verdict.PAID
    assert (told.amount_vnd, told.transaction_id, told.invoice_id) == (500_000, "FT1", "INV")
    assert told.description == "chuyển khoản"
    assert told.paid_time == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def test_money_with_another_amount_than_was_asked_is_money() -> None:
    told = READER.read(query({**paid(500_000, transaction_id="FT1", status="10"), "paidAmount": 1}))

    assert (told.verdict, told.amount_vnd) == (Verdict.PAID, 1)


def test_an_amount_beyond_what_floats_hold_is_read_exactly() -> None:
    data = base64.b64encode(
        b'{"status":"00","transactionId":"FT1","paidTime":"20260302013000","paidAmount":999999999999999.00}'
    ).decode()
    sign = hmac.new(SECRET.encode(), data.encode(), hashlib.sha256).hexdigest()

    told = READER.read(f"data={quote(data, safe='')}&sign={sign}".encode())

    assert told.amount_vnd == 999_999_999_999_999


def test_a_signature_in_base64_and_in_capital_hex_is_read_too() -> None:
    raw = query(paid(500_000, transaction_id="FT1"))
    head, _, sign = raw.partition(b"&sign=")
    as_base64 = quote(base64.b64encode(bytes.fromhex(sign.decode())).decode(), safe="").encode()

    assert READER.read(head + b"&sign=" + as_base64).verdict is Verdict.PAID
    assert READER.read(head + b"&sign=" + sign.upper()).verdict is Verdict.PAID


def test_content_is_not_looked_at_before_the_signature_is_right() -> None:
    raw = query(paid(500_000, transaction_id="FT1"))

    told = READER.read(raw[:-1] + (b"0" if raw[-1:] != b"0" else b"1"))

    assert told.verdict is Verdict.SIGNATURE_INVALID
    assert (told.amount_vnd, told.transaction_id) == (0, "")


def test_the_order_of_the_two_parameters_means_nothing() -> None:
    data, sign = query(paid(500_000, transaction_id="FT1")).split(b"&")

    assert READER.read(sign + b"&" + data).verdict is Verdict.PAID


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(raw: bytes) -> None:
    assert READER.read(raw).verdict in (Verdict.MALFORMED, Verdict.SIGNATURE_INVALID)


@given(st.integers(min_value=0), st.sampled_from(b"+&=% \x00A"))
def test_one_changed_byte_is_never_money(position: int, byte: int) -> None:
    raw = bytearray(query(paid(500_000, transaction_id="FT1")))
    at = position % len(raw)
    if raw[at] == byte:
        return
    raw[at] = byte

    told = READER.read(bytes(raw))

    # Small and capital hex say the same; every other change breaks form or signature.
    assert (
        told.verdict is not Verdict.PAID
        or bytes(raw).lower() == query(paid(500_000, transaction_id="FT1")).lower()
    )
