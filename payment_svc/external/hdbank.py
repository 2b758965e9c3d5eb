"""Reads HDBank's payment notification: the query string `data=base64(JSON)&sign=HMAC-SHA256(data, secret)`.

Source: "Đặc tả yêu cầu kết nối QRCode động tại bệnh viện", HDBank/GoTRUST 1.0.3, 28 June 2024. It does not say how
`sign` is written, so hex and base64 are both read.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote_to_bytes

from payment_svc.domain.ledger import MAX_AMOUNT_VND
from payment_svc.domain.money import Notification, Verdict

PROVIDER = "hdbank"
_PAID_STATUSES = frozenset({"00", "10"})
"""Paid, and paid with another amount than was asked."""
_UNPAID_STATUSES = frozenset({"01", "99"})
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)
_TIME = re.compile(r"[0-9]{14}", re.ASCII)
_ID = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_TEXT_CHARS_MAX = 2_000
_MALFORMED = Notification(verdict=Verdict.MALFORMED)


class HdBankReader:
    """Verifies and reads notifications with the secret the bank gave."""

    def __init__(self, secret: str) -> None:
        assert secret, "a secret is configured"
        self._secret = secret.encode("utf-8")

    def read(self, raw: bytes) -> Notification:
        """What the bank says; never raises on content. The signature is checked before the content is looked at."""
        parts = _query(raw)
        if parts is None:
            return _MALFORMED
        data, sign = parts
        if not self._is_signed(data, sign):
            return Notification(verdict=Verdict.SIGNATURE_INVALID)
        try:
            document = json.loads(
                base64.b64decode(data, validate=True), parse_float=Decimal, parse_constant=str
            )
            return _notification(document) if isinstance(document, dict) else _MALFORMED
        except (binascii.Error, ValueError, RecursionError):
            return _MALFORMED

    def _is_signed(self, data: bytes, sign: bytes) -> bool:
        wanted = hmac.digest(self._secret, data, "sha256")
        # Both forms are compared whatever the first says: the time taken tells nothing of the secret.
        as_hex = hmac.compare_digest(sign.lower(), wanted.hex().encode("ascii"))
        as_base64 = hmac.compare_digest(sign, base64.b64encode(wanted))
        return as_hex or as_base64


def _query(raw: bytes) -> tuple[bytes, bytes] | None:
    """The decoded `data` and `sign`, or None when the query is not exactly these two, once each."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return None
    # A bare + may stand for itself or for a blank, so an unescaped one is refused instead of guessed.
    if "+" in text or _ESCAPES.fullmatch(text) is None:
        return None
    pairs = [part.partition("=") for part in text.split("&")]
    values = {name: unquote_to_bytes(value) for name, _, value in pairs}
    if len(pairs) != 2 or set(values) != {"data", "sign"}:
        return None
    return values["data"], values["sign"]


def _notification(document: dict[str, object]) -> Notification:
    status = _text(document, "status")
    transaction_id = _text(document, "transactionId")
    if status in _UNPAID_STATUSES:
        return Notification(
            verdict=Verdict.NOT_PAID,
            transaction_id=transaction_id[:64],
            status=status,
            invoice_id=_text(document, "invoiceId"),
        )
    amount_vnd = _amount(document.get("paidAmount"))
    paid_time = _moment(_text(document, "paidTime"))
    known = status in _PAID_STATUSES and _ID.fullmatch(transaction_id) is not None
    if not known or amount_vnd is None or paid_time is None:
        return _MALFORMED
    return Notification(
        verdict=Verdict.PAID,
        transaction_id=transaction_id,
        status=status,
        amount_vnd=amount_vnd,
        account=_text(document, "accountNumber"),
        invoice_id=_text(document, "invoiceId"),
        description=_text(document, "paidDescription"),
        paid_time=paid_time,
    )


def _text(document: dict[str, object], name: str) -> str:
    value = document.get(name)
    return value.strip()[:_TEXT_CHARS_MAX] if isinstance(value, str) else ""


def _amount(value: object) -> int | None:
    """Whole dong above 0, from a number with up to two zero decimals or a text of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= MAX_AMOUNT_VND or amount != amount.to_integral_value():
        return None
    return int(amount)


def _moment(text: str) -> datetime | None:
    """UTC written as yyyyMMddHHmmss."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
