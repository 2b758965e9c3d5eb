"""VietQR: the payment code of a bank transfer through NAPAS, read strictly and written plainly."""

import binascii
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from standards.errors import (
    NotAVietQr,
    VietQrAmountOutOfRange,
    VietQrBadStructure,
    VietQrTextTooLong,
    VietQrUnknownBank,
    VietQrWrongCrc,
)
from standards.reference_tables import read_table
from standards.tlv import read_tlv, write_tlv

MAX_PAYLOAD_CHARS = 512
"""EMVCo's limit of one payload."""
MAX_TRANSFER_VND = 499_999_999
"""NAPAS 24/7 transfers stay below 500 million dong each (VietQR format 1.0, 8.1.1)."""
MAX_TEXT_CHARS = 25
"""Longest bill number, purpose and the other parts of tag 62, and longest payee name."""
MCC_HOSPITAL = "8062"
"""ISO 18245 merchant category "Hospitals", in NAPAS table 5."""
BANK_TABLE_AS_OF = "2024-03-05"
"""Date of the State Bank's letter 1589/NHNN-TT behind most of the bank table."""
TO_ACCOUNT = "QRIBFTTA"
TO_CARD = "QRIBFTTC"

_VIETQR_GUID = "A000000727"
_CRC_FIELD = re.compile(r"6304([0-9A-Fa-f]{4})")
# Digits, one point allowed even at the end; dong has no decimals (ISO 4217), so nothing may follow the point.
_AMOUNT = re.compile(r"([0-9]{1,13})\.?")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")
_FORMS = {
    "52": re.compile(r"[0-9]{4}"),
    "53": re.compile("704"),
    "55": re.compile("0[123]"),
    "58": re.compile("VN"),
    "59": re.compile(".{1,25}"),
    "60": re.compile(".{1,15}"),
    "61": re.compile(".{1,10}"),
}
_ADDITIONAL_FORMS = {f"{tag:02}": re.compile(".{1,25}") for tag in range(1, 9)} | {
    # Each of A, M, E at most once.
    "09": re.compile("(?!.*(.).*\\1)[AME]{1,3}")
}
_OWN_TAGS = frozenset({"00", "01", "38", "52", "53", "54", "58", "59", "60", "61", "62", "63"})


class VietQrWarning(StrEnum):
    """A doubt about a payload that is sound."""

    UNKNOWN_BANK = "UNKNOWN_BANK"
    """The bank number is not in our dated table."""
    UNKNOWN_SERVICE = "UNKNOWN_SERVICE"
    """38.02 is neither QRIBFTTA nor QRIBFTTC; other codes exist in practice."""
    AMOUNT_ABOVE_LIMIT = "AMOUNT_ABOVE_LIMIT"
    """More than one NAPAS transfer carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VietQr:
    """What a VietQR payload says. Texts are ASCII."""

    payee_bin: str
    """Six digits of the payee's bank."""
    account_number: str = field(repr=False)
    """Account, card or wallet number, 1 to 19 letters and digits."""
    service_code: str = TO_ACCOUNT
    """38.02, QRIBFTTA to an account, QRIBFTTC to a card."""
    is_dynamic: bool = False
    """True for one use (01 = 12), False for many (01 = 11)."""
    amount_vnd: int | None = None
    """Whole dong above 0, or None when the payer types it."""
    merchant_category: str = ""
    """Four digits, or empty."""
    payee_name: str = ""
    payee_city: str = ""
    postal_code: str = ""
    additional: tuple[tuple[str, str], ...] = ()
    """Parts of tag 62 as (tag, value) in ascending order; 01 bill number, 05 reference label, 08 purpose."""
    extra: tuple[tuple[str, str], ...] = ()
    """Top-level tags not named above, kept for writing again."""
    warnings: tuple[VietQrWarning, ...] = ()

    def additional_value(self, tag: str) -> str:
        """Give one part of tag 62, or an empty text."""
        return next((value for name, value in self.additional if name == tag), "")

    @property
    def bill_number(self) -> str:
        """62.01, or empty."""
        return self.additional_value("01")

    @property
    def reference_label(self) -> str:
        """62.05, or empty."""
        return self.additional_value("05")

    @property
    def purpose(self) -> str:
        """62.08, the part that most banks pass on with the money, or empty."""
        return self.additional_value("08")


@lru_cache(maxsize=1)
def bank_names() -> dict[str, str]:
    """Give bank number (BIN) → short name; dated reference data, as of BANK_TABLE_AS_OF."""
    return {row["bin"]: row["short_name"] for row in read_table("payments", "vn_bank_bins.csv")}


def crc16(text: str) -> str:
    """Compute the checksum of a payload up to and including "6304": four capital hexadecimal digits.

    Source: ISO/IEC 13239 as used by EMVCo: polynomial 1021, start FFFF; "123456789" gives 29B1.
    """
    return f"{binascii.crc_hqx(text.encode('utf-8', 'surrogatepass'), 0xFFFF):04X}"


def has_right_crc(payload: str) -> bool:
    """Say whether the last four characters are the checksum of the rest, whatever the structure; any case."""
    return crc16(payload[:-4]) == payload[-4:].upper()


def _check(condition: bool, tag: str, rule: str) -> None:
    if not condition:
        raise VietQrBadStructure("vietqr", tag=tag, rule=rule)


def _check_forms(fields: dict[str, str]) -> None:
    """Check the forms of the top-level values."""
    _check(fields.get("00") == "01", "00", "the payload format is 01")
    _check(fields.get("01") in ("11", "12"), "01", "the initiation method is 11 or 12")
    for tag in ("53", "58"):
        _check(tag in fields, tag, "the tag is required")
    for tag, form in _FORMS.items():
        if tag in fields:
            _check(form.fullmatch(fields[tag]) is not None, tag, "the value has the form of its tag")
    _check(("56" in fields) <= (fields.get("55") == "02"), "56", "a fixed fee needs 55 = 02")
    _check(("57" in fields) <= (fields.get("55") == "03"), "57", "a percent fee needs 55 = 03")


def _read_amount(fields: dict[str, str]) -> int | None:
    if "54" not in fields:
        return None
    match = _AMOUNT.fullmatch(fields["54"])
    _check(match is not None and len(fields["54"]) <= 13, "54", "the amount is whole dong in digits")
    assert match is not None
    amount_vnd = int(match[1])
    _check(amount_vnd > 0, "54", "the amount is above 0")
    return amount_vnd


def _read_beneficiary(fields: dict[str, str]) -> tuple[str, str, str]:
    """Read tag 38: bank number, account, service code."""
    if "38" not in fields:
        raise NotAVietQr("vietqr")
    parts = dict(read_tlv(fields["38"], "38"))
    _check("00" in parts, "38.00", "the scheme's id is required")
    if parts["00"] != _VIETQR_GUID:
        raise NotAVietQr("vietqr")
    _check("01" in parts, "38.01", "the beneficiary is required")
    payee = dict(read_tlv(parts["01"], "38.01"))
    payee_bin, account = payee.get("00", ""), payee.get("01", "")
    _check(len(payee_bin) == 6 and payee_bin.isdigit(), "38.01.00", "the bank number has six digits")
    _check(_ACCOUNT.fullmatch(account) is not None, "38.01.01", "the account has 1 to 19 letters and digits")
    _check(set(payee) == {"00", "01"}, "38.01", "the beneficiary holds bank and account alone")
    service = parts.get("02", "")
    _check(1 <= len(service) <= 10, "38.02", "the service code is required, up to ten characters")
    _check(set(parts) == {"00", "01", "02"}, "38", "the template holds 00, 01 and 02 alone")
    return payee_bin, account, service


def _read_additional(fields: dict[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = read_tlv(fields["62"], "62") if "62" in fields else ()
    for tag, value in pairs:
        form = _ADDITIONAL_FORMS.get(tag)
        _check(
            form is None or form.fullmatch(value) is not None,
            f"62.{tag}",
            "the value has the form of its tag",
        )
        if tag >= "50":
            _check(
                "00" in dict(read_tlv(value, f"62.{tag}")),
                f"62.{tag}.00",
                "a private template names its owner",
            )
    return tuple(sorted(pairs))


def decode(payload: str) -> VietQr:
    """Read a payload strictly: a right checksum alone is not enough (the NAPAS text itself prints two wrong
    ones).

    Tags may come in any order between 00 and 63; unknown ones are kept. A small-letter checksum is accepted.
    Args:
        payload: The scanned text; surrounding white space is taken off.
    Raises:
        VietQrWrongCrc: the text was damaged or changed.
        VietQrBadStructure: the checksum is right and the text breaks a rule (facts tag and rule).
        NotAVietQr: a sound code of another scheme.
    Source: NAPAS "Quy định về định dạng mã VietQR" 1.0 (09/2021); EMVCo Merchant-Presented Mode.
    """
    payload = payload.strip()
    _check(len(payload) <= MAX_PAYLOAD_CHARS, "", f"the payload has at most {MAX_PAYLOAD_CHARS} characters")
    _check(_CRC_FIELD.fullmatch(payload[-8:]) is not None, "63", "the checksum stands last")
    if not has_right_crc(payload):
        raise VietQrWrongCrc("vietqr")
    _check(payload.isascii() and payload.isprintable(), "", "the payload is printable ASCII")
    pairs = read_tlv(payload)
    _check(pairs[0][0] == "00", "00", "the payload format stands first")
    _check(pairs[-1][0] == "63", "63", "the checksum stands last")
    fields = dict(pairs)
    _check_forms(fields)
    amount_vnd = _read_amount(fields)
    payee_bin, account, service = _read_beneficiary(fields)
    warnings = []
    if payee_bin not in bank_names():
        warnings.append(VietQrWarning.UNKNOWN_BANK)
    if service not in (TO_ACCOUNT, TO_CARD):
        warnings.append(VietQrWarning.UNKNOWN_SERVICE)
    if amount_vnd is not None and amount_vnd > MAX_TRANSFER_VND:
        warnings.append(VietQrWarning.AMOUNT_ABOVE_LIMIT)
    return VietQr(
        payee_bin=payee_bin,
        account_number=account,
        service_code=service,
        is_dynamic=fields["01"] == "12",
        amount_vnd=amount_vnd,
        merchant_category=fields.get("52", ""),
        payee_name=fields.get("59", ""),
        payee_city=fields.get("60", ""),
        postal_code=fields.get("61", ""),
        additional=_read_additional(fields),
        extra=tuple(sorted(pair for pair in pairs if pair[0] not in _OWN_TAGS)),
        warnings=tuple(warnings),
    )


def fold_ascii(text: str) -> str:
    """Write a text in printable ASCII: marks go, đ becomes d, anything else unknown becomes one space."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = (c for c in decomposed if not unicodedata.combining(c))
    return " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in letters).split())


def encode(code: VietQr) -> str:
    """Write a payload: tags ascending, the checksum last, capital hexadecimal.

    Texts are folded to ASCII. The payee's name and city are cut to 25 and 15 characters, for they only
    inform; bill number, purpose and the rest of tag 62 are keys of reconciliation and are refused when they
    do not fit.
    Raises:
        VietQrUnknownBank: the bank number is not in the table (fact as_of_date).
        VietQrAmountOutOfRange: below 1 or above MAX_TRANSFER_VND; use split_transfers.
        VietQrTextTooLong: a text does not fit (facts tag and limit_chars).
        VietQrBadStructure: any other value has not the form of its tag (facts tag and rule).
    Source: as decode.
    """
    if code.payee_bin not in bank_names():
        raise VietQrUnknownBank("payee_bin", as_of_date=BANK_TABLE_AS_OF)
    if code.amount_vnd is not None and not 1 <= code.amount_vnd <= MAX_TRANSFER_VND:
        raise VietQrAmountOutOfRange("amount_vnd", limit_vnd=MAX_TRANSFER_VND)
    additional = ""
    for tag, value in sorted(code.additional):
        text = fold_ascii(value)
        # A private template (50 and above) has its own limit, that of the whole tag.
        if len(text) > MAX_TEXT_CHARS and tag < "50":
            raise VietQrTextTooLong("vietqr", tag=f"62.{tag}", limit_chars=MAX_TEXT_CHARS)
        additional += write_tlv(tag, text[:99])
    if len(additional) > 99:
        raise VietQrTextTooLong("vietqr", tag="62", limit_chars=99)
    payee = write_tlv("00", code.payee_bin) + write_tlv("01", code.account_number)
    fields = {
        "00": "01",
        "01": "12" if code.is_dynamic else "11",
        "38": write_tlv("00", _VIETQR_GUID) + write_tlv("01", payee) + write_tlv("02", code.service_code),
        "52": code.merchant_category,
        "53": "704",
        "54": "" if code.amount_vnd is None else str(code.amount_vnd),
        "58": "VN",
        "59": fold_ascii(code.payee_name)[:25].rstrip(),
        "60": fold_ascii(code.payee_city)[:15].rstrip(),
        "61": code.postal_code,
        "62": additional,
    }
    assert not fields.keys() & dict(code.extra).keys(), "an extra tag has a field of its own"
    body = (
        "".join(write_tlv(tag, value) for tag, value in sorted((fields | dict(code.extra)).items())) + "6304"
    )
    payload = body + crc16(body)
    decode(payload)
    return payload


def make_transfer_code(
    *,
    payee_bin: str,
    account_number: str,
    amount_vnd: int,
    reference: str,
    bill_number: str = "",
    payee_name: str = "",
    payee_city: str = "",
) -> str:
    """Write the one-use payment code of a hospital bill: category 8062, the reference as purpose (62.08).

    The texts hold no patient's name, diagnosis or record number; the caller sees to that. Raises as encode.
    """
    pairs = (("01", bill_number), ("08", reference))
    return encode(
        VietQr(
            payee_bin=payee_bin,
            account_number=account_number,
            is_dynamic=True,
            amount_vnd=amount_vnd,
            merchant_category=MCC_HOSPITAL,
            payee_name=payee_name,
            payee_city=payee_city,
            additional=tuple(pair for pair in pairs if pair[1]),
        )
    )


def split_transfers(amount_vnd: int) -> tuple[int, ...]:
    """Cut a bill into as few transfers as NAPAS allows: full ones first, the rest last, each 1 to
    MAX_TRANSFER_VND.

    1,200,000,000 gives 499,999,999 + 499,999,999 + 200,000,002.
    """
    assert amount_vnd >= 1, "amount_vnd is below 1"
    full_count, rest_vnd = divmod(amount_vnd, MAX_TRANSFER_VND)
    parts = (MAX_TRANSFER_VND,) * full_count + ((rest_vnd,) if rest_vnd else ())
    assert sum(parts) == amount_vnd
    return parts
