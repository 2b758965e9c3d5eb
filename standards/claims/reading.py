"""Reads a claim file as a stream, in bounded memory, in each of the three forms that real systems write.

NOIDUNGFILE may hold the base64 of a table's XML, that XML itself, or nothing; unused list tables may stand there
without a row. Expat reads it: declarations are refused, so no entity can grow; depth, rows and text are counted.
"""

from __future__ import annotations

import binascii
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from standards.claims.errors import (
    ClaimContentBroken,
    ClaimDoctypeRefused,
    ClaimEncodingUnknown,
    ClaimFileError,
    ClaimTableMisplaced,
    ClaimTableUnknown,
    ClaimTooLarge,
    ClaimXmlBroken,
    NotAClaimFile,
)
from standards.claims.model import ClaimFile, ClaimRecord, Doubt, Row
from standards.claims.schema import Table, schema_named

_CHUNK_BYTES = 64 * 1024
_ENCODINGS = frozenset({"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"})
_UNKNOWN_ENCODING = 18  # XML_ERROR_UNKNOWN_ENCODING
_WRONG_ENCODING = 19  # XML_ERROR_INCORRECT_ENCODING
_NAME_MAX_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may hold; a long stay has 1.7 MB, hospital systems take up to 100 MB."""

    max_bytes: int = 100 * 1024 * 1024
    max_depth: int = 16
    max_records: int = 10_000
    max_rows: int = 20_000
    """Rows of one table of one record."""
    max_text_chars: int = 1_000_000
    """Characters of one field."""


LIMITS = Limits()


def read_claim_file(source: bytes | BinaryIO, *, limits: Limits = LIMITS) -> ClaimFile:
    """Read a whole file: GIAMDINHHS, or one table alone such as a check-in (XML0).

    Raises:
        ClaimFileError: one of its classes; `facts` tell line, record and table where they are known.
    """
    reader = _Reader(limits)
    records = tuple(reader.records(source))
    return ClaimFile(
        facility_code=reader.facility_code,
        made_date=reader.made_date,
        record_count=reader.record_count,
        records=records,
        is_signed=reader.is_signed,
    )


def read_records(source: bytes | BinaryIO, *, limits: Limits = LIMITS) -> Iterator[ClaimRecord]:
    """The visits of a file one after the other, so that one of many thousand needs the memory of its largest.

    Raises:
        ClaimFileError: as read_claim_file, at the place where it is found.
    """
    return _Reader(limits).records(source)


class ClaimStream:
    """A file read visit by visit, for whoever also needs its envelope; each value stands once its element has ended."""

    def __init__(self, source: bytes | BinaryIO, *, limits: Limits = LIMITS) -> None:
        self._source = source
        self._reader = _Reader(limits)

    def __iter__(self) -> Iterator[ClaimRecord]:
        """The visits, once.

        Raises:
            ClaimFileError: as read_claim_file, at the place where it is found.
        """
        return self._reader.records(self._source)

    @property
    def facility_code(self) -> str:
        """MACSKCB; known before the first visit."""
        return self._reader.facility_code

    @property
    def made_date(self) -> str:
        """NGAYLAP; known before the first visit."""
        return self._reader.made_date

    @property
    def record_count(self) -> str:
        """SOLUONGHOSO; known before the first visit where the file keeps the order of the decision."""
        return self._reader.record_count

    @property
    def is_signed(self) -> bool:
        """Whether CHUKYDONVI holds something; known at the end."""
        return self._reader.is_signed


class _Reader:
    """The envelope; it hands the content of each NOIDUNGFILE to a reader of tables."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # The newer names are read in both: a doubt tells the three fields that were renamed.
        self._schema = schema_named("3176")
        self._path: list[str] = []
        self._text: list[str] = []
        self._text_chars = 0
        self._done: list[ClaimRecord] = []
        self._record_count = 0
        self._tables: dict[str, list[Row]] = {}
        self._doubts: list[Doubt] = []
        self._table_name = ""
        self._content: _Content | None = None
        self._content_depth = 0
        """Elements open inside NOIDUNGFILE itself, where the table stands there un-encoded."""
        self.facility_code = ""
        self.made_date = ""
        self.record_count = ""
        self.is_signed = False

    def records(self, source: bytes | BinaryIO) -> Iterator[ClaimRecord]:
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        parser = _parser(self._start, self._end, self._characters)
        size = 0
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._limits.max_bytes:
                raise ClaimTooLarge(limit="max_bytes", maximum=self._limits.max_bytes)
            self._feed(parser, chunk, is_last=False)
            while self._done:
                yield self._done.pop(0)
        self._feed(parser, b"", is_last=True)
        yield from self._done

    def _feed(self, parser: expat.XMLParserType, chunk: bytes, *, is_last: bool) -> None:
        try:
            parser.Parse(chunk, is_last)
        except expat.ExpatError as broken:
            raise _typed(broken) from None
        except ClaimFileError as refused:
            refused.facts.setdefault("line", parser.CurrentLineNumber)
            raise

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= self._limits.max_depth:
            raise ClaimTooLarge(limit="max_depth", maximum=self._limits.max_depth)
        if not self._path and name != "GIAMDINHHS":
            self._begin_alone(name)
        self._path.append(name)
        if self._content is not None:
            self._content_depth += 1
            self._content.start(name, attributes)
            return
        self._clear_text()
        if name == "HOSO":
            self._begin_record()
        elif name == "FILEHOSO":
            self._table_name = ""
        elif name == "NOIDUNGFILE":
            self._content = self._begin_content()
        elif "CHUKYDONVI" in self._path[:-1]:
            self.is_signed = True

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._content is not None and self._content_depth:
            self._content_depth -= 1
            self._content.end(name)
            if not self._path:
                self._finish_alone()
            return
        text = "".join(self._text).strip()
        match name:
            case "NOIDUNGFILE":
                self._finish_content()
            case "LOAIHOSO":
                self._table_name = text.upper()
            case "HOSO":
                self._finish_record()
            case "MACSKCB" if self._path[-1:] == ["THONGTINDONVI"]:
                self.facility_code = text
            case "NGAYLAP":
                self.made_date = text
            case "SOLUONGHOSO":
                self.record_count = text
            case "CHUKYDONVI":
                self.is_signed = self.is_signed or bool(text)
        self._clear_text()

    def _characters(self, text: str) -> None:
        if self._content is not None and self._content_depth:
            self._content.characters(text)
            return
        if self._content is not None:
            self._content.encoded(text)
            return
        self._text_chars += len(text)
        if self._text_chars > self._limits.max_text_chars:
            raise ClaimTooLarge(limit="max_text_chars", maximum=self._limits.max_text_chars)
        self._text.append(text)

    def _clear_text(self) -> None:
        self._text.clear()
        self._text_chars = 0

    def _begin_record(self) -> None:
        self._record_count += 1
        if self._record_count > self._limits.max_records:
            raise ClaimTooLarge(limit="max_records", maximum=self._limits.max_records)
        self._tables, self._doubts = {}, []

    def _finish_record(self) -> None:
        self._done.append(ClaimRecord(tables=self._tables, doubts=tuple(self._doubts)))
        self._tables, self._doubts = {}, []

    def _begin_content(self) -> _Content:
        table = self._schema.tables.get(self._table_name)
        if table is None:
            raise ClaimTableUnknown(record=self._record_count)
        if table.travels_alone:
            raise ClaimTableMisplaced(table=table.name, record=self._record_count)
        return _Content(table, self._limits)

    def _finish_content(self) -> None:
        content, self._content = self._content, None
        assert content is not None, "begun at the element's start"
        try:
            content.finish()
        except ClaimFileError as refused:
            refused.facts |= {"table": content.table.name, "record": self._record_count}
            raise
        self._keep(content)

    def _keep(self, content: _Content) -> None:
        name = content.table.name
        # Each newborn has a paper of its own (annex of 3176, XML7); a visit has one summary and one list of each kind.
        if name in self._tables and content.rows and (content.table.list_element or name == "XML1"):
            self._doubts.append(Doubt(code="TABLE_TWICE", table=name, row=0))
        if content.rows or name not in self._tables:
            self._tables.setdefault(name, []).extend(content.rows)
        self._doubts.extend(content.doubts)

    def _begin_alone(self, root: str) -> None:
        """A file that is one table and no envelope."""
        table = self._schema.by_root.get(root)
        if table is None:
            raise NotAClaimFile
        self._begin_record()
        self._content = _Content(table, self._limits, is_alone=True)

    def _finish_alone(self) -> None:
        content, self._content = self._content, None
        assert content is not None, "begun at the root"
        self.is_signed = content.is_signed
        self._keep(content)
        self._finish_record()


class _Content:
    """One table: rows from elements, which come from the base64 text or straight from the envelope's parser."""

    def __init__(self, table: Table, limits: Limits, *, is_alone: bool = False) -> None:
        self.table = table
        self.rows: list[Row] = []
        self.doubts: list[Doubt] = []
        self.is_signed = False
        self._limits = limits
        self._is_alone = is_alone
        self._was_inline = False
        self._path: list[str] = []
        self._row: Row | None = None
        self._text: list[str] = []
        self._text_chars = 0
        self._base64 = ""
        self._inner: expat.XMLParserType | None = None

    def start(self, name: str, _: dict[str, str]) -> None:
        """An element inside NOIDUNGFILE, or of a decoded table."""
        if len(self._path) >= self._limits.max_depth:
            raise ClaimTooLarge(limit="max_depth", maximum=self._limits.max_depth)
        if not self._path and name != self.table.root:
            raise ClaimContentBroken
        if not self._path and self._inner is None and not self._is_alone:
            self._was_inline = True
            self.doubts.append(Doubt(code="CONTENT_INLINE", table=self.table.name, row=0))
        self._path.append(name)
        self._text.clear()
        self._text_chars = 0
        if "CHUKYDONVI" in self._path:
            self.is_signed = self.is_signed or name != "CHUKYDONVI"
        elif name == self.table.record_element and self._row is None:
            if len(self.rows) >= self._limits.max_rows:
                raise ClaimTooLarge(limit="max_rows", maximum=self._limits.max_rows, table=self.table.name)
            self._row = {}

    def end(self, name: str) -> None:
        """The end of that element."""
        self._path.pop()
        if name == "CHUKYDONVI" or "CHUKYDONVI" in self._path:
            self.is_signed = self.is_signed or bool("".join(self._text).strip())
        elif self._row is not None and name == self.table.record_element:
            self.rows.append(self._row)
            self._row = None
        elif self._row is not None:
            self._set(self._row, name)
        self._text.clear()
        self._text_chars = 0

    def _set(self, row: Row, name: str) -> None:
        number = len(self.rows) + 1
        # What is no field's name could be anything, also a person's: only its place is told.
        known = name in self.table.by_name
        if len(self._path) > 1 and self._path[-1] != self.table.record_element:
            self.doubts.append(Doubt(code="ELEMENT_UNKNOWN", table=self.table.name, row=number))
        elif not known:
            shown = name if len(name) <= _NAME_MAX_CHARS and name.replace("_", "").isalpha() else ""
            self.doubts.append(Doubt(code="FIELD_UNKNOWN", table=self.table.name, row=number, field=shown))
        elif name in row:
            self.doubts.append(Doubt(code="FIELD_TWICE", table=self.table.name, row=number, field=name))
        else:
            row[name] = "".join(self._text)

    def characters(self, text: str) -> None:
        """Text of an element."""
        self._text_chars += len(text)
        if self._text_chars > self._limits.max_text_chars:
            raise ClaimTooLarge(limit="max_text_chars", maximum=self._limits.max_text_chars)
        self._text.append(text)

    def encoded(self, text: str) -> None:
        """A piece of the base64, decoded as it comes, so that no table stands in memory twice."""
        self._base64 += "".join(text.split())
        whole = len(self._base64) // 4 * 4
        if whole >= _CHUNK_BYTES:
            self._decode(self._base64[:whole], is_last=False)
            self._base64 = self._base64[whole:]

    def finish(self) -> None:
        """The end of NOIDUNGFILE."""
        if self._base64 or self._inner is not None:
            if self._was_inline:
                raise ClaimContentBroken
            self._decode(self._base64, is_last=True)
            # Parser and reader hold each other: let go now, and not when the collector comes.
            self._inner = None
        elif not self._was_inline:
            self.doubts.append(Doubt(code="CONTENT_EMPTY", table=self.table.name, row=0))

    def _decode(self, text: str, *, is_last: bool) -> None:
        try:
            data = binascii.a2b_base64(text, strict_mode=bool(text))
        except (binascii.Error, ValueError):
            raise ClaimContentBroken from None
        if self._inner is None:
            self._inner = _parser(self.start, self.end, self.characters)
        try:
            self._inner.Parse(data, is_last)
        except expat.ExpatError as broken:
            raise _typed(broken) from None


def _parser(
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    characters: Callable[[str], None],
) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters

    def refuse_doctype(*_: object) -> None:
        raise ClaimDoctypeRefused

    def check_encoding(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise ClaimEncodingUnknown

    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.EntityDeclHandler = refuse_doctype
    parser.XmlDeclHandler = check_encoding
    return parser


def _typed(broken: expat.ExpatError) -> ClaimFileError:
    if broken.code in (_UNKNOWN_ENCODING, _WRONG_ENCODING):
        return ClaimEncodingUnknown()
    return ClaimXmlBroken(line=broken.lineno, column=broken.offset)
