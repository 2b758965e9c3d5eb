"""Claims about what the portal of the sandbox takes and refuses, without HTTP."""

from __future__ import annotations

import base64
import time
from decimal import Decimal

import pytest

from sandbox.portal.certificates import read_certificates
from sandbox.portal.checkin import read_check_ins
from sandbox.portal.claim_file import SentClaim, read_claim_file
from sandbox.portal.refusal import FileRefusedError
from sandbox.portal.xml_tables import TABLES, decode_file
from tests.support.claim_xml import (
    CERTIFICATE,
    CHECK_IN,
    certificate_file,
    check_in_file,
    claim_tables,
    envelope,
    row_xml,
)


def read(document: bytes, *, must_sign: bool = False) -> tuple[SentClaim, ...]:
    return read_claim_file(document, facility_code="19999", must_sign=must_sign)


def refusal(document: bytes, *, must_sign: bool = False) -> FileRefusedError:
    with pytest.raises(FileRefusedError) as refused:
        read(document, must_sign=must_sign)
    return refused.value


def test_a_good_claim_is_read_without_a_persons_data() -> None:
    (claim,) = read(envelope(claim_tables()))

    assert claim == SentClaim(
        ma_lk="LK0001",
        month="202611",
        asked=Decimal("60488"),
        total=Decimal("75610"),
        line_count=2,
        tables=("XML1", "XML2", "XML3"),
    )
    assert "THỬ" not in repr(claim)


def test_a_table_may_stand_there_unencoded_or_empty() -> None:
    inline = envelope(claim_tables(), is_inline=True)
    empty = envelope({**claim_tables(), "XML4": ""})

    assert read(inline)[0].asked == read(empty)[0].asked == 60488


def test_all_sixteen_tables_are_known() -> None:
    assert list(TABLES) == [f"XML{number}" for number in range(16)]


@pytest.mark.parametrize(
    ("changed", "code", "told"),
    [
        ({"HO_TEN": ""}, "202", "XML1.HO_TEN: bắt buộc"),
        ({"MA_CSKCB": "19998"}, "402", "XML1.MA_CSKCB"),
        ({"T_TONGCHI_BV": "75611"}, "202", "XML1.T_TONGCHI_BV"),
        ({"T_TONGCHI_BH": "75609"}, "202", "XML1.T_TONGCHI_BH"),
        ({"T_BNCCT": "15121.97"}, "202", "XML1.T_BNCCT"),
        ({"T_THUOC": "0"}, "202", "XML1.T_THUOC"),
        ({"T_BHTT": "60489"}, "202", "XML1.T_BHTT"),
        ({"T_NGUONKHAC": "1"}, "202", "XML1.T_NGUONKHAC"),
        ({"T_BHTT": "60.488,00"}, "202", "T_BHTT: không phải số tiền"),
        ({"THANG_QT": "13"}, "202", "THANG_QT"),
        ({"NGAY_RA": "202611020759"}, "202", "NGAY_RA trước NGAY_VAO"),
        ({"NGAY_VAO": "02/11/2026"}, "202", "NGAY_VAO"),
    ],
)
def test_a_wrong_summary_is_refused_by_the_field(changed: dict[str, str], code: str, told: str) -> None:
    refused = refusal(envelope(claim_tables(**changed)))

    assert refused.code == code
    assert told in str(refused)
    assert refused.mistakes[0].record_key == "LK0001"


def test_a_hundredth_of_a_dong_per_line_is_lost_in_rounding_and_no_more() -> None:
    assert read(envelope(claim_tables(T_BNCCT="15122.02")))
    assert "T_BNCCT" in str(refusal(envelope(claim_tables(T_BNCCT="15122.03"))))


def test_no_refusal_tells_a_value_of_the_file() -> None:
    refused = refusal(envelope(claim_tables(T_BHTT="TRẦN THỊ THỬ")))

    assert "THỬ" not in str(refused)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"<GIAMDINHHS>", "201"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><GIAMDINHHS>&a;</GIAMDINHHS>", "201"),
        (b"\xff\xfe\x00", "201"),
        (b'<?xml version="1.0" encoding="klingon"?><GIAMDINHHS/>', "201"),
        (b"<HOSO/>", "202"),
        (envelope(claim_tables(), facility_code="19998"), "402"),
        (envelope(claim_tables(), made_date="21/11/2026"), "202"),
        (envelope(claim_tables(), count="2"), "202"),
        (envelope(), "202"),
        (envelope({**claim_tables(), "XML0": "<x/>"}), "202"),
        (envelope({**claim_tables(), "XML16": "<x/>"}), "202"),
        (envelope({**claim_tables(), "XML4": "<x/>"}), "202"),
        (envelope({**claim_tables(), "XML4": "<x>"}), "201"),
        (envelope({"XML2": claim_tables()["XML2"]}), "202"),
        (envelope({**claim_tables(), "XML2": claim_tables("LK0002")["XML2"]}), "202"),
        (envelope(claim_tables(), claim_tables()), "202"),
    ],
)
def test_a_wrong_envelope_meets_its_code(document: bytes, code: str) -> None:
    assert refusal(document).code == code


def test_content_that_is_not_base64_is_refused() -> None:
    document = envelope(claim_tables()).replace(base64.b64encode(b"<TONG_HOP>")[:8], b"*" * 8)

    assert "NOIDUNGFILE không phải base64" in str(refusal(document))


def test_every_wrong_record_of_a_file_is_told() -> None:
    refused = refusal(
        envelope(claim_tables("A", T_BHTT="1"), claim_tables("B"), claim_tables("C", MA_KHOA=""))
    )

    assert {mistake.record_key for mistake in refused.mistakes} == {"A", "C"}


def test_a_signature_is_demanded_only_where_it_must_be() -> None:
    unsigned, signed = envelope(claim_tables()), envelope(claim_tables(), signature="<S>x</S>")

    assert read(unsigned)
    assert "CHUKYDONVI" in str(refusal(unsigned, must_sign=True))
    assert read(signed, must_sign=True)


def test_deep_nesting_is_refused_in_bounded_time() -> None:
    start = time.monotonic()

    assert refusal(b"<a>" * 200_000 + b"</a>" * 200_000).code == "202"
    assert time.monotonic() - start < 5


def test_a_check_in_names_each_visit_once() -> None:
    rows = (CHECK_IN, CHECK_IN | {"STT": "2"}, CHECK_IN | {"MA_LK": "LK0002"})

    assert read_check_ins(check_in_file(*rows), facility_code="19999", must_sign=False) == (
        "LK0001",
        "LK0002",
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (check_in_file(), "202"),
        (check_in_file(CHECK_IN | {"NGAY_YL": ""}), "202"),
        (check_in_file(CHECK_IN | {"MA_CSKCB": "19998"}), "402"),
        (row_xml("TONG_HOP", CHECK_IN).encode(), "202"),
    ],
)
def test_a_wrong_check_in_meets_its_code(document: bytes, code: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read_check_ins(document, facility_code="19999", must_sign=False)

    assert refused.value.code == code


def test_an_assessment_is_known_by_its_minutes_and_needs_every_field() -> None:
    assert read_certificates(certificate_file(CERTIFICATE), must_sign=False) == ("BB-2026-1",)
    with pytest.raises(FileRefusedError, match=r"XML12\.KET_QUA_KHAM: bắt buộc"):
        read_certificates(certificate_file(CERTIFICATE | {"KET_QUA_KHAM": ""}), must_sign=False)


@pytest.mark.parametrize(
    ("text", "code"), [("", "204"), ("IA==", "204"), ("PGE-", "205"), ("PGE +", "205"), ("PGE", "205")]
)
def test_what_is_not_base64_or_empty_is_refused(text: str, code: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        decode_file(text)

    assert refused.value.code == code


def test_a_file_above_the_limit_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.portal.xml_tables.MAX_FILE_BYTES", 30)

    with pytest.raises(FileRefusedError) as refused:
        decode_file("A" * 48)

    assert refused.value.code == "1001"
