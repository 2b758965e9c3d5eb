"""VietQR: the 22 vectors with their verdicts, and what is written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from standards.errors import (
    NotAVietQr,
    VietQrAmountOutOfRange,
    VietQrBadStructure,
    VietQrTextTooLong,
    VietQrUnknownBank,
    VietQrWrongCrc,
)
from standards.vietqr import (
    MAX_TRANSFER_VND,
    MCC_HOSPITAL,
    VietQr,
    VietQrWarning,
    bank_names,
    crc16,
    decode,
    encode,
    fold_ascii,
    has_right_crc,
    make_transfer_code,
    split_transfers,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "vietqr_vectors.json").read_text(encoding="utf-8")
)["vectors"]
NOT_OURS = "vnpay-qr-not-vietqr"
STRUCTURE_FAULTS = {
    "napas-6.1.1-as-printed": "38.01",
    "nested-service-code": "38.01",
    "utf8-byte-length": "",
    "mcc-bad-crc": "38.01",
    "amount-decimals-vnd": "54",
    "amount-zero": "54",
    "amount-space": "54",
}


def vector(vid: str) -> str:
    return next(str(row["payload"]) for row in VECTORS if row["vid"] == vid)


def with_crc(body: str) -> str:
    """Close a hand-made payload with its right checksum."""
    return body + "6304" + crc16(body + "6304")


def test_the_checksum_is_the_catalogued_one() -> None:
    assert crc16("123456789") == "29B1"


def test_there_are_22_vectors() -> None:
    assert len(VECTORS) == 22


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["vid"])
def test_each_vector_gets_its_checksum_verdict(row: dict[str, Any]) -> None:
    assert has_right_crc(row["payload"]) is row["crc_ok"]


@pytest.mark.parametrize(
    "row", [row for row in VECTORS if row["valid"] and row["vid"] != NOT_OURS], ids=lambda row: row["vid"]
)
def test_each_sound_vector_is_read_with_its_fields(row: dict[str, Any]) -> None:
    code = decode(row["payload"])
    amount = None if code.amount_vnd is None else str(code.amount_vnd)
    found = {
        "init": "12" if code.is_dynamic else "11",
        "bin": code.payee_bin,
        "id": code.account_number,
        "service": code.service_code,
        "amount": amount,
        "bill_number": code.bill_number,
        "purpose": code.purpose,
        "reference_label": code.reference_label,
    }
    assert {name: found[name] for name in row["expected"]} == row["expected"]


@pytest.mark.parametrize("row", [row for row in VECTORS if not row["valid"]], ids=lambda row: row["vid"])
def test_each_broken_vector_is_refused_for_its_own_reason(row: dict[str, Any]) -> None:
    if not row["crc_ok"]:
        with pytest.raises(VietQrWrongCrc):
            decode(row["payload"])
        return
    with pytest.raises(VietQrBadStructure) as caught:
        decode(row["payload"])
    assert caught.value.facts["tag"] == STRUCTURE_FAULTS[row["vid"]]


def test_a_sound_code_of_another_scheme_is_named_so() -> None:
    with pytest.raises(NotAVietQr):
        decode(vector(NOT_OURS))


@pytest.mark.parametrize(
    "row", [row for row in VECTORS if row["valid"] and row["vid"] != NOT_OURS], ids=lambda row: row["vid"]
)
def test_writing_what_was_read_loses_nothing(row: dict[str, Any]) -> None:
    code = decode(row["payload"])
    assert decode(encode(code)) == code
    assert len(encode(code)) == len(row["payload"])


def test_unreserved_tags_are_kept_on_writing() -> None:
    code = decode(vector("momo-old-unreserved-80"))
    assert code.extra == (("80", "046"),)
    assert "8003046" in encode(code)


def test_tags_are_written_ascending_with_the_checksum_last_in_capitals() -> None:
    payload = encode(decode(vector("crc-lowercase")))
    assert payload.endswith("6304F00E")
    assert payload.startswith("000201010211")


def test_tags_may_be_read_in_any_order() -> None:
    shuffled = with_crc(
        "0002015802VN5303704540410000102123857" + "0010A00000072701270006970436011300710001234560208QRIBFTTA"
    )
    assert decode(shuffled).amount_vnd == 1000


def test_an_amount_may_end_in_a_point() -> None:
    body = vector("amount-zero").split("54010")[0]
    assert decode(with_crc(body + "540650000." + "5802VN")).amount_vnd == 50000


@pytest.mark.parametrize(
    ("part", "tag"),
    [
        ("53038405802VN", "53"),
        ("53037045802US", "58"),
        ("5303704", "58"),
        ("5802VN", "53"),
        ("5303704530370458", "53"),
        ("5302045802VN5204ABCD", "52"),
        ("53037045802VN62050901X", "62.09"),
        ("53037045802VN62060902AA", "62.09"),
        ("53037045802VN5602ab", "56"),
        ("53037045802VN6009", "60"),
        ("53037045802VN590", ""),
        ("53037045802VN5900", "59"),
        ("53037045802VN62075003abc", "62.50"),
    ],
)
def test_a_broken_rule_is_told_with_its_tag(part: str, tag: str) -> None:
    body = vector("crc-lowercase").split("5303704")[0]
    with pytest.raises(VietQrBadStructure) as caught:
        decode(with_crc(body + part))
    assert str(caught.value.facts["tag"]).startswith(tag[:2])


def test_nothing_after_the_checksum_and_no_missing_checksum() -> None:
    for payload in ("", "6304", vector("acb-static") + "00", vector("acb-static")[:-8], "0" * 600):
        with pytest.raises(VietQrBadStructure):
            decode(payload)


def test_an_unknown_bank_is_a_warning_when_read_and_an_error_when_written() -> None:
    body = vector("crc-lowercase")[:-8].replace("0006970436", "0006999999")
    code = decode(with_crc(body))
    assert code.warnings == (VietQrWarning.UNKNOWN_BANK,)
    with pytest.raises(VietQrUnknownBank) as caught:
        encode(code)
    assert caught.value.facts == {"as_of_date": "2024-03-05"}


def test_another_service_code_is_a_warning() -> None:
    body = vector("crc-lowercase")[:-8].replace("0208QRIBFTTA", "0206QRPUSH").replace("3857", "3855")
    assert decode(with_crc(body)).warnings == (VietQrWarning.UNKNOWN_SERVICE,)


HOSPITAL = VietQr(
    payee_bin="970436",
    account_number="0071000123456",
    is_dynamic=True,
    amount_vnd=1_520_000,
    merchant_category=MCC_HOSPITAL,
    payee_name="Bệnh viện Đa khoa tỉnh",
    payee_city="Cà Mau",
    additional=(("01", "HD0000123"), ("05", "HP7K3QD9XM4"), ("08", "HP7K3QD9XM4")),
)


def test_the_hospital_vector_is_written_byte_for_byte() -> None:
    code = replace(HOSPITAL, payee_name=HOSPITAL.payee_name.upper(), payee_city="CÀ MAU")
    assert encode(code) == vector("hospital-dynamic")


def test_a_transfer_code_carries_category_reference_and_bill_number() -> None:
    code = decode(
        make_transfer_code(
            payee_bin="970436",
            account_number="0071000123456",
            amount_vnd=37_500,
            reference="LTABCDEFGH23",
            bill_number="B1",
        )
    )
    assert (code.merchant_category, code.purpose, code.bill_number) == ("8062", "LTABCDEFGH23", "B1")
    assert code.is_dynamic


def test_texts_are_folded_to_ascii_and_names_cut() -> None:
    assert fold_ascii("Đặng Thị Hoà\u00a0– số 5") == "Dang Thi Hoa so 5"
    code = decode(encode(replace(HOSPITAL, payee_name="Bệnh viện đa khoa khu vực miền núi phía Bắc")))
    assert code.payee_name == "Benh vien da khoa khu vuc"


@pytest.mark.parametrize("amount_vnd", [0, -1, 500_000_000, 10**15])
def test_an_amount_above_one_transfer_is_refused_when_written(amount_vnd: int) -> None:
    with pytest.raises(VietQrAmountOutOfRange) as caught:
        encode(replace(HOSPITAL, amount_vnd=amount_vnd))
    assert caught.value.facts == {"limit_vnd": 499_999_999}


def test_the_greatest_single_transfer_is_written() -> None:
    assert decode(encode(replace(HOSPITAL, amount_vnd=MAX_TRANSFER_VND))).amount_vnd == 499_999_999


def test_an_amount_above_one_transfer_is_a_warning_when_read() -> None:
    body = vector("crc-lowercase")[:-8].replace("5802VN", "54095000000005802VN")
    assert decode(with_crc(body)).warnings == (VietQrWarning.AMOUNT_ABOVE_LIMIT,)


def test_a_key_that_does_not_fit_is_refused_not_cut() -> None:
    with pytest.raises(VietQrTextTooLong) as caught:
        encode(replace(HOSPITAL, additional=(("08", "x" * 26),)))
    assert caught.value.facts["tag"] == "62.08"
    with pytest.raises(VietQrTextTooLong):
        encode(replace(HOSPITAL, additional=tuple((tag, "x" * 25) for tag in ("01", "05", "07", "08"))))


@pytest.mark.parametrize("account", ["", "1" * 20, "12 34", "Số1"])
def test_an_account_of_the_wrong_form_is_refused_when_written(account: str) -> None:
    with pytest.raises(VietQrBadStructure):
        encode(replace(HOSPITAL, account_number=account))


def test_the_account_is_left_out_of_repr() -> None:
    assert "0071000123456" not in repr(HOSPITAL)


def test_a_large_bill_is_cut_into_transfers_below_the_limit() -> None:
    assert split_transfers(1_200_000_000) == (499_999_999, 499_999_999, 200_000_002)
    assert split_transfers(499_999_999) == (499_999_999,)
    assert split_transfers(500_000_000) == (499_999_999, 1)
    assert split_transfers(1) == (1,)


def test_the_bank_table_has_66_rows() -> None:
    assert len(bank_names()) == 66
