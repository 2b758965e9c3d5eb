"""Claim files: the three forms that real systems write, strict writing, attacks and damage."""

from __future__ import annotations

import io
import tracemalloc
from base64 import b64encode
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from standards.claims import (
    ClaimFile,
    ClaimRecord,
    Limits,
    read_claim_file,
    read_records,
    schema_for,
    schema_named,
    write_claim_file,
    write_table,
)
from standards.claims.errors import (
    ClaimContentBroken,
    ClaimDoctypeRefused,
    ClaimEncodingUnknown,
    ClaimFieldUnknown,
    ClaimFileError,
    ClaimTableMisplaced,
    ClaimTableUnknown,
    ClaimTextNotXml,
    ClaimTooLarge,
    ClaimVersionUnknown,
    ClaimXmlBroken,
    NotAClaimFile,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "claims" / "full_claim.xml"
SCHEMA = schema_named("3176")


def canonical(xml: bytes) -> bytes:
    return bytes(etree.tostring(etree.fromstring(xml), method="c14n"))


def enveloped(table: str, content: str) -> bytes:
    return (
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>19001</MACSKCB></THONGTINDONVI><THONGTINHOSO><NGAYLAP>20260301</NGAYLAP>"
        "<SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO><FILEHOSO>"
        f"<LOAIHOSO>{table}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE>"
        "</FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    ).encode()


def coded(xml: str, *, encoding: str = "utf-8") -> str:
    return b64encode(xml.encode(encoding)).decode()


def test_the_golden_claim_comes_back_byte_stable_after_canonicalisation() -> None:
    raw = GOLDEN.read_bytes()

    file = read_claim_file(raw)

    assert [len(file.records[0].tables[name]) for name in ("XML1", "XML2", "XML3", "XML14")] == [1, 2, 1, 1]
    assert file.records[0].visit_link == "TEST0001"
    assert file.records[0].doubts == ()
    assert canonical(write_claim_file(file, schema=SCHEMA)) == canonical(raw)


def test_the_schema_has_the_479_fields_of_sixteen_tables() -> None:
    assert len(SCHEMA.tables) == 16
    assert sum(len(table.fields) for table in SCHEMA.tables.values()) == 479


@pytest.mark.parametrize(
    ("day", "version"),
    [("2024-07-01", "4750"), ("2024-12-31", "4750"), ("2025-01-01", "3176"), ("2026-11-21", "3176")],
)
def test_the_day_of_the_visit_chooses_the_version(day: str, version: str) -> None:
    assert schema_for(date.fromisoformat(day)).version == version


def test_a_visit_before_the_known_versions_is_told() -> None:
    with pytest.raises(ClaimVersionUnknown) as refused:
        schema_for(date(2024, 6, 30))
    assert refused.value.facts == {"day": "2024-06-30"}


def test_the_three_renamed_fields_have_their_old_names_in_4750() -> None:
    old, new = schema_named("4750").tables["XML13"], SCHEMA.tables["XML13"]

    assert old.by_name.keys() - new.by_name.keys() == {"MA_NOI_DI", "MA_NOI_DEN", "PP_DIEU_TRI"}
    assert schema_named("4750").tables["XML14"].by_name["NGAY_HEN_KL"].max_chars == 12
    assert SCHEMA.tables["XML14"].by_name["NGAY_HEN_KL"].max_chars == 8


@pytest.mark.parametrize(
    ("table", "field", "row", "day", "required"),
    [
        ("XML3", "NGUOI_THUC_HIEN", {"MA_NHOM": "8"}, None, True),
        ("XML3", "NGUOI_THUC_HIEN", {"MA_NHOM": "13"}, None, False),
        ("XML2", "TT_THAU", {"MA_NHOM": "7"}, None, False),
        ("XML2", "TT_THAU", {"MA_NHOM": "4"}, None, True),
        ("XML4", "NGAY_KQ", {"GIA_TRI": "5,4"}, None, True),
        ("XML4", "NGAY_KQ", {"GIA_TRI": ""}, None, False),
        ("XML0", "MA_DICH_VU", {"MA_THUOC": "40.1"}, None, False),
        ("XML0", "MA_DICH_VU", {}, None, True),
        ("XML1", "MAHUYEN_CU_TRU", {}, date(2025, 6, 30), True),
        ("XML1", "MAHUYEN_CU_TRU", {}, date(2025, 7, 1), False),
    ],
)
def test_a_field_is_required_under_its_condition(
    table: str, field: str, row: dict[str, str], day: date | None, required: bool
) -> None:
    assert SCHEMA.tables[table].by_name[field].required.holds(row, day) is required


def test_inline_content_reads_as_encoded_content_does() -> None:
    inner = write_table(SCHEMA.tables["XML4"], [{"MA_LK": "L1", "STT": "1", "TEN_CHI_SO": "Ure & máu"}])

    encoded = read_claim_file(enveloped("XML4", coded(inner)))
    inline = read_claim_file(enveloped("XML4", inner.partition("?>")[2]))

    assert encoded.records[0].tables == inline.records[0].tables
    assert encoded.records[0].tables["XML4"][0]["TEN_CHI_SO"] == "Ure & máu"
    assert [doubt.code for doubt in inline.records[0].doubts] == ["CONTENT_INLINE"]


def test_empty_content_and_an_empty_list_are_tables_without_rows() -> None:
    assert read_claim_file(enveloped("XML4", "")).records[0].tables == {"XML4": []}
    empty_list = "<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS/></CHITIEU_CHITIET_DICHVUCANLAMSANG>"
    assert read_claim_file(enveloped("XML4", coded(empty_list))).records[0].tables == {"XML4": []}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_read_over(encoding: str) -> None:
    inner = (
        "<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS><CHI_TIET_CLS><MA_LK>Lê</MA_LK></CHI_TIET_CLS>"
    )
    inner += "</DSACH_CHI_TIET_CLS></CHITIEU_CHITIET_DICHVUCANLAMSANG>"

    file = read_claim_file(enveloped("XML4", coded(inner, encoding=encoding)).decode().encode(encoding))

    assert file.records[0].tables["XML4"] == [{"MA_LK": "Lê"}]


def test_a_table_that_travels_alone_is_read_alone() -> None:
    xml = write_table(SCHEMA.tables["XML0"], [{"MA_LK": "L1"}], is_alone=True).encode()

    file = read_claim_file(xml)

    assert file.records[0].tables["XML0"][0]["MA_LK"] == "L1"
    assert not file.is_signed
    assert read_claim_file(xml.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><S>x</S></CHUKYDONVI>")).is_signed


def test_unknown_and_repeated_fields_are_told_and_read_over() -> None:
    inner = write_table(SCHEMA.tables["XML4"], [{"MA_LK": "L1"}])
    inner = inner.replace("<DU_PHONG/>", "<DU_PHONG/><STT>2</STT><NHA_RIENG>1</NHA_RIENG><A><B>1</B></A>")

    record = read_claim_file(enveloped("XML4", coded(inner))).records[0]

    assert record.tables["XML4"][0]["STT"] == ""
    assert [(doubt.code, doubt.field) for doubt in record.doubts] == [
        ("FIELD_TWICE", "STT"),
        ("FIELD_UNKNOWN", "NHA_RIENG"),
        ("ELEMENT_UNKNOWN", ""),
        ("FIELD_UNKNOWN", "A"),
    ]


BOMB = '<!DOCTYPE b [<!ENTITY a "x"><!ENTITY c "&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
DEEP = "<A>" * 200_000


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ClaimXmlBroken),
        (b"not xml", ClaimXmlBroken),
        (b"<GIAMDINHHS>", ClaimXmlBroken),
        (b"<hoso/>", NotAClaimFile),
        (BOMB.encode() + b"<GIAMDINHHS/>", ClaimDoctypeRefused),
        (XXE.encode() + b"<GIAMDINHHS/>", ClaimDoctypeRefused),
        (enveloped("XML4", coded(BOMB + "<CHITIEU_CHITIET_DICHVUCANLAMSANG/>")), ClaimDoctypeRefused),
        (("<GIAMDINHHS>" + DEEP).encode(), ClaimTooLarge),
        (enveloped("XML4", coded(DEEP)), ClaimContentBroken),
        (
            enveloped("XML4", coded("<CHITIEU_CHITIET_DICHVUCANLAMSANG>" + DEEP)),
            ClaimTooLarge,
        ),
        (b'<?xml version="1.0" encoding="windows-1258"?><GIAMDINHHS/>', ClaimEncodingUnknown),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><GIAMDINHHS/>', ClaimEncodingUnknown),
        (enveloped("XML16", ""), ClaimTableUnknown),
        (enveloped("", ""), ClaimTableUnknown),
        (enveloped("XML0", ""), ClaimTableMisplaced),
        (enveloped("XML12", ""), ClaimTableMisplaced),
        (enveloped("XML4", "???"), ClaimContentBroken),
        (enveloped("XML4", "PD94"), ClaimXmlBroken),
        (enveloped("XML4", coded("<TONG_HOP/>")), ClaimContentBroken),
        (enveloped("XML4", "<CHITIEU_CHITIET_DICHVUCANLAMSANG/>PD94"), ClaimContentBroken),
    ],
)
def test_what_cannot_be_read_is_a_typed_error(data: bytes, error: type[ClaimFileError]) -> None:
    with pytest.raises(error) as refused:
        read_claim_file(data)
    assert refused.value.vi
    assert type(refused.value) is error


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(max_bytes=1_000), "max_bytes"),
        (Limits(max_rows=1), "max_rows"),
        (Limits(max_records=0), "max_records"),
        (Limits(max_text_chars=5), "max_text_chars"),
        (Limits(max_depth=2), "max_depth"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(limits: Limits, name: str) -> None:
    with pytest.raises(ClaimTooLarge) as refused:
        read_claim_file(GOLDEN.read_bytes(), limits=limits)
    assert refused.value.facts["limit"] == name


def test_a_broken_line_is_named() -> None:
    with pytest.raises(ClaimXmlBroken) as refused:
        read_claim_file(b"<GIAMDINHHS>\n\n</WRONG>")
    assert refused.value.facts["line"] == 3


def many_records(count: int) -> bytes:
    record = read_claim_file(GOLDEN.read_bytes()).records[0]
    file = ClaimFile(facility_code="19001", made_date="20260301", record_count="", records=(record,) * count)
    return write_claim_file(file, schema=SCHEMA)


def test_a_file_of_many_visits_needs_the_memory_of_one() -> None:
    data = many_records(2_000)
    tracemalloc.start()

    seen = sum(len(record.tables["XML2"]) for record in read_records(io.BytesIO(data)))

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == 4_000
    assert peak_bytes < 1_500_000 < len(data) / 10, (peak_bytes, len(data))


@pytest.mark.parametrize(
    ("tables", "error"),
    [
        ({"XML99": [{}]}, ClaimTableUnknown),
        ({"XML0": [{}]}, ClaimTableMisplaced),
        ({"XML4": [{"GIA": "1"}]}, ClaimFieldUnknown),
        ({"XML4": [{"KET_LUAN": "a\x00b"}]}, ClaimTextNotXml),
        ({"XML4": [{"KET_LUAN": "\ud800"}]}, ClaimTextNotXml),
    ],
)
def test_a_row_that_does_not_fit_is_not_written(
    tables: dict[str, list[dict[str, str]]], error: type[ClaimFileError]
) -> None:
    file = ClaimFile(facility_code="1", made_date="", record_count="", records=(ClaimRecord(tables=tables),))
    with pytest.raises(error):
        write_claim_file(file, schema=SCHEMA)


def test_unused_tables_are_left_out_and_a_second_paper_is_a_file_of_its_own() -> None:
    record = ClaimRecord(tables={"XML4": [], "XML7": [{"MA_LK": "a"}, {"MA_LK": "b"}]})
    file = ClaimFile(facility_code="1", made_date="", record_count="", records=(record,))

    written = write_claim_file(file, schema=SCHEMA)

    assert written.count(b"<LOAIHOSO>XML7</LOAIHOSO>") == 2
    assert b"XML4" not in written
    back = read_claim_file(written).records[0]
    assert [row["MA_LK"] for row in back.tables["XML7"]] == ["a", "b"]
