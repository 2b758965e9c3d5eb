"""From the bytes of a CSV register file to rows: encoding, separator, quotes, and where each row ends in the file.

A row's end is what makes an import go on after a kill: it begins again at the byte behind the last stored row. So bytes
are cut into lines before they are decoded, and quotes are followed only as far as a row may reach.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from identity_svc.domain.register_file import DELIMITERS, Encoding
from standards.legacy_text import LegacyEncoding, convert, detect

SAMPLE_BYTES = 256 * 1024
"""What encoding and separator are guessed from."""
SAMPLE_LINES = 200
LINE_BYTES_MAX = 64 * 1024
LINES_PER_ROW_MAX = 16
"""A quoted value may hold line ends; further than this it is a quote that was never closed."""
QUOTE = '"'

_BOMS = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)
_LEGACY: dict[LegacyEncoding | None, Encoding] = {
    LegacyEncoding.TCVN3: Encoding.TCVN3,
    LegacyEncoding.VNI: Encoding.VNI,
    LegacyEncoding.CP1258_AS_CP1252: Encoding.CP1258,
}
_LEGACY_BACK = {Encoding.TCVN3: LegacyEncoding.TCVN3, Encoding.VNI: LegacyEncoding.VNI}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as the file has it."""

    end_offset: int
    """Bytes of the file up to and with this row."""
    cells: tuple[str, ...] = field(repr=False)
    fault: str = ""
    """UPPER_SNAKE when the row could not be cut into cells; else empty."""


def guess_encoding(sample: bytes) -> Encoding:
    """Say how the text of a file is written, from its first bytes.

    UTF-8 proves itself; the one-byte encodings are told apart by the letters they would give.
    """
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    zeros = Counter(place % 2 for place, byte in enumerate(sample[:2_000]) if byte == 0)
    if sum(zeros.values()) > len(sample[:2_000]) // 5:
        return Encoding.UTF_16_LE if zeros[1] > zeros[0] else Encoding.UTF_16_BE
    if _is_utf8(sample):
        return Encoding.UTF_8
    lines = sample.decode("latin-1").split("\n")[1 : SAMPLE_LINES + 1]
    votes = Counter(_LEGACY[legacy] for line in lines if (legacy := detect(line)) in _LEGACY)
    return votes.most_common(1)[0][0] if votes else Encoding.CP1258


def _is_utf8(sample: bytes) -> bool:
    try:
        # Not final: the sample may end inside a letter.
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def guess_delimiter(header: str) -> str:
    """The separator that stands most often in the line of column names; a comma where none does."""
    return max(DELIMITERS, key=lambda each: (header.count(each), each == ","))


def bom_length(head: bytes, encoding: Encoding) -> int:
    """Bytes of the mark before the first line."""
    return next((len(bom) for bom, of in _BOMS if of is encoding and head.startswith(bom)), 0)


def decode_line(line: bytes, encoding: Encoding) -> str:
    """The text of one line; what is no text becomes U+FFFD, which later counts as damage."""
    legacy = _LEGACY_BACK.get(encoding)
    if legacy is not None:
        return convert(line.decode("latin-1"), legacy)
    return line.decode(encoding, errors="replace")


class RowCutter:
    """Cuts bytes that arrive in pieces into rows; holds no more than one row that is not whole yet."""

    def __init__(self, *, encoding: Encoding, delimiter: str, offset: int) -> None:
        """Begin at a byte of the file at which a row begins."""
        self._encoding = encoding
        self._delimiter = delimiter
        self._newline = "\n".encode(encoding) if encoding in _WIDE else b"\n"
        self._rest = b""
        self._offset = offset
        self._is_first = offset == 0

    def feed(self, content: bytes, *, is_last: bool = False) -> list[RawRow]:
        """The rows that are whole now; blank lines are no rows.

        Args:
            content: The bytes behind those of the call before.
            is_last: The file ends here, so its last line needs no line end.
        """
        content = self._rest + content
        if self._is_first and (content or is_last):
            length = bom_length(content, self._encoding)
            content, self._offset, self._is_first = content[length:], self._offset + length, False
        lines, self._rest = self._lines(content, is_last=is_last)
        rows: list[RawRow] = []
        place = 0
        while place < len(lines):
            row, used = self._row(lines, place, is_last=is_last)
            if not used:
                # The rest is one row that is not whole: its lines wait for the next piece.
                self._rest = b"".join(lines[place:]) + self._rest
                break
            self._offset += sum(map(len, lines[place : place + used]))
            place += used
            if row is not None:
                cells, fault = row
                rows.append(RawRow(end_offset=self._offset, cells=cells, fault=fault))
        return rows

    def _lines(self, content: bytes, *, is_last: bool) -> tuple[list[bytes], bytes]:
        """Whole lines with their ends, and the rest."""
        lines = list(self._cut(content))
        rest = content[sum(map(len, lines)) :]
        if rest and (is_last or len(rest) > LINE_BYTES_MAX):
            lines.append(rest)
            rest = b""
        return lines, rest

    def _cut(self, content: bytes) -> Iterator[bytes]:
        newline, width = self._newline, len(self._newline)
        start = search = 0
        while (found := content.find(newline, search)) >= 0:
            if (found - start) % width:
                # The second half of one character and the first of the next.
                search = found + 1
                continue
            yield content[start : found + width]
            start = search = found + width

    def _row(
        self, lines: list[bytes], place: int, *, is_last: bool
    ) -> tuple[tuple[tuple[str, ...], str] | None, int]:
        """The row that begins at a line, and how many lines it takes; 0 lines: more are needed."""
        line = lines[place]
        if len(line) > LINE_BYTES_MAX:
            return ((), "ROW_TOO_LONG"), 1
        text = decode_line(line, self._encoding).rstrip("\r\n")
        if QUOTE not in text:
            if not text.strip().strip(self._delimiter):
                return None, 1
            return (tuple(text.split(self._delimiter)), ""), 1
        most = min(LINES_PER_ROW_MAX, len(lines) - place)
        texts = [decode_line(each, self._encoding) for each in lines[place : place + most]]
        cells, used = _read_quoted(texts, self._delimiter)
        if used:
            return (cells, ""), used
        if most < LINES_PER_ROW_MAX and not is_last:
            return None, 0
        return ((text,), "QUOTE_NOT_CLOSED"), 1


_WIDE = frozenset({Encoding.UTF_16_LE, Encoding.UTF_16_BE})


def _read_quoted(texts: list[str], delimiter: str) -> tuple[tuple[str, ...], int]:
    """The cells of the first row of these lines and how many lines it takes; 0 when its quote is not closed in them."""
    ended = False

    def reading() -> Iterator[str]:
        nonlocal ended
        yield from texts
        ended = True

    reader = csv.reader(reading(), delimiter=delimiter)
    cells = next(reader, [])
    # The reader asked for more than there was: the last value was still open.
    return ((), 0) if ended else (tuple(cells), reader.line_num)
