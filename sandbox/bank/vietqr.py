"""The bank's own VietQR writer, kept apart from the suite's so that each checks the other.

Source: NAPAS, Quy định về định dạng mã VietQR, version 1.0, September 2021.
"""

from __future__ import annotations

import binascii

from sandbox.vietnamese import bank_ascii


def _field(tag: str, text: str) -> str:
    assert 1 <= len(text) <= 99, tag
    return f"{tag}{len(text):02d}{text}"


def vietqr_text(*, bank_bin: str, account: str, amount_vnd: int, purpose: str) -> str:
    """A dynamic transfer QR (tag 01 = 12) to an account with amount and purpose.

    Args:
        purpose: Cut to 25 characters of plain ASCII (tag 62.08).
    """
    payee = _field("00", bank_bin) + _field("01", account)
    scheme = _field("00", "A000000727") + _field("01", payee) + _field("02", "QRIBFTTA")
    body = "".join(
        (
            _field("00", "01"),
            _field("01", "12"),
            _field("38", scheme),
            _field("53", "704"),
            _field("54", str(amount_vnd)),
            _field("58", "VN"),
            _field("62", _field("08", bank_ascii(purpose)[:25] or "THANH TOAN")),
            "6304",
        )
    )
    return f"{body}{binascii.crc_hqx(body.encode('ascii'), 0xFFFF):04X}"
