"""The signed envelope of the bank's interface: data = base64(JSON), sign = HMAC-SHA256(data, secret).

Source: Đặc tả yêu cầu kết nối QRCode động tại bệnh viện, HDBank/GoTRUST 1.0.3, 28 June 2024. How `sign` is
written is not said in what we have of it; lower-case hex is our guess.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from sandbox.bank.book import BankTransaction, Invoice
from sandbox.person import JsonObject

STATUS_PAID = "00"
STATUS_UNPAID = "01"
STATUS_OTHER_AMOUNT = "10"


def sign(data: str, secret: str) -> str:
    """HMAC-SHA256 of the base64 text as lower-case hex."""
    return hmac.new(secret.encode(), data.encode(), hashlib.sha256).hexdigest()


def seal(document: JsonObject, secret: str) -> dict[str, str]:
    """Pack a document into data and sign; values named …Amount are dong and go out with two decimals."""
    pairs = (
        f"{json.dumps(name)}:{value}.00"
        if name.endswith("Amount")
        else f"{json.dumps(name)}:{json.dumps(value)}"
        for name, value in document.items()
    )
    data = base64.b64encode(f"{{{','.join(pairs)}}}".encode()).decode()
    return {"data": data, "sign": sign(data, secret)}


def unseal(envelope: JsonObject, secret: str) -> JsonObject | None:
    """The document inside, or None when the signature is wrong or the content is no JSON object."""
    data, given = envelope.get("data"), envelope.get("sign")
    if not isinstance(data, str) or not isinstance(given, str):
        return None
    if not hmac.compare_digest(given.encode(), sign(data, secret).encode()):
        return None
    try:
        document = json.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return None
    return document if isinstance(document, dict) else None


def callback_url(address: str, envelope: dict[str, str]) -> str:
    """The address with data and sign in the query, + / = escaped."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(envelope)}"


def bank_time(moment: datetime) -> str:
    """UTC as yyyyMMddHHmmss."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def payment_document(
    transaction: BankTransaction, invoice: Invoice | None, *, told_amount_vnd: int | None = None
) -> JsonObject:
    """What the bank tells of one credit: asked and paid amount and text, its time, its status.

    Without an invoice nothing was asked for: `invoiceId` is empty and the asked amount repeats the paid one.

    Args:
        told_amount_vnd: Tell another amount than was booked (a fault).
    """
    paid_vnd = transaction.amount_vnd if told_amount_vnd is None else told_amount_vnd
    asked_vnd = invoice.amount_vnd if invoice is not None else paid_vnd
    return {
        "merchantId": invoice.merchant_id if invoice is not None else "",
        "invoiceId": transaction.invoice_id,
        "transactionId": transaction.reference,
        "accountNumber": transaction.account,
        "transactionAmount": asked_vnd,
        "paidAmount": paid_vnd,
        "transactionDescription": invoice.description if invoice is not None else "",
        "paidDescription": transaction.content,
        "paidTime": bank_time(transaction.booked_time),
        "status": STATUS_PAID if asked_vnd == paid_vnd else STATUS_OTHER_AMOUNT,
    }


def unpaid_document(invoice: Invoice) -> JsonObject:
    """What the look-up tells of an invoice without a payment."""
    return {
        "merchantId": invoice.merchant_id,
        "invoiceId": invoice.invoice_id,
        "transactionId": "",
        "accountNumber": invoice.account,
        "transactionAmount": invoice.amount_vnd,
        "paidAmount": 0,
        "transactionDescription": invoice.description,
        "paidDescription": "",
        "paidTime": "",
        "status": STATUS_UNPAID,
    }
