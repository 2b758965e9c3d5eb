"""Writes a claim file strictly: base64 content, unused tables left out, every field of a row in the schema's order."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from standards.claims.errors import (
    ClaimFieldUnknown,
    ClaimTableMisplaced,
    ClaimTableUnknown,
    ClaimTextNotXml,
)
from standards.claims.model import ClaimFile, ClaimRecord, Row
from standards.claims.schema import Schema, Table

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
# Both prefixes stand in the files of the insurer's own tools, and nothing uses them.
_ROOT = (
    '<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_claim_file(file: ClaimFile, *, schema: Schema) -> bytes:
    """The bytes of a GIAMDINHHS file with an empty CHUKYDONVI, UTF-8 without a byte order mark.

    Raises:
        ClaimTableUnknown, ClaimTableMisplaced, ClaimFieldUnknown, ClaimTextNotXml: a row does not fit its table.
    """
    return "".join(_pieces(file, schema)).encode()


def write_table(table: Table, rows: Sequence[Row], *, is_alone: bool = False) -> str:
    """The XML text of one table.

    Args:
        is_alone: It travels through its own service (XML0, XML12), so the place of the signature stands inside.
    Raises:
        ClaimFieldUnknown, ClaimTextNotXml: a row does not fit the table.
    """
    records = "".join(_record(table, row, number) for number, row in enumerate(rows, start=1))
    signature = "<CHUKYDONVI/>" if is_alone else ""
    if not table.list_element:
        return f"{_DECLARATION}{records}"
    return (
        f"{_DECLARATION}<{table.root}><{table.list_element}>{records}</{table.list_element}>"
        f"{signature}</{table.root}>"
    )


def _pieces(file: ClaimFile, schema: Schema) -> Iterator[str]:
    yield f"{_DECLARATION}\n{_ROOT}<THONGTINDONVI>{_element('MACSKCB', file.facility_code)}</THONGTINDONVI>"
    yield f"<THONGTINHOSO>{_element('NGAYLAP', file.made_date)}"
    yield f"{_element('SOLUONGHOSO', str(len(file.records)))}<DANHSACHHOSO>"
    for record in file.records:
        yield "<HOSO>"
        yield from _tables(record, schema)
        yield "</HOSO>"
    yield "</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"


def _tables(record: ClaimRecord, schema: Schema) -> Iterator[str]:
    for name, rows in record.tables.items():
        table = schema.tables.get(name)
        if table is None:
            raise ClaimTableUnknown
        if table.travels_alone:
            raise ClaimTableMisplaced(table=name)
        # A flat table holds one record; a second newborn's paper is a file of its own (annex of 3176, XML7).
        for group in [rows] if table.list_element else [[row] for row in rows]:
            if group:
                content = b64encode(write_table(table, group).encode()).decode()
                yield f"<FILEHOSO>{_element('LOAIHOSO', name)}<NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def _record(table: Table, row: Row, number: int) -> str:
    if not row.keys() <= table.by_name.keys():
        raise ClaimFieldUnknown(table=table.name, row=number)
    parts = []
    for field in table.fields:
        value = row.get(field.name, "")
        if _NOT_XML.search(value):
            raise ClaimTextNotXml(field.name, table=table.name, row=number)
        parts.append(_element(field.name, value))
    return f"<{table.record_element}>{''.join(parts)}</{table.record_element}>"


def _element(name: str, value: str) -> str:
    # A carriage return would come back as a line feed, so it goes as a reference.
    return f"<{name}>{escape(value, {chr(13): '&#13;'})}</{name}>" if value else f"<{name}/>"
