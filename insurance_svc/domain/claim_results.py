"""Reads the insurer's monthly results: JSON of its review service, or CSV with the same names.

Source: the review service KQGiamDinhHoSo (dsKetQuaGiamDinh[maLK, trangThai, soTienDuyet, lyDo]) as one catalogue of the
portal's services has it; no official text is public, so both forms are read leniently and nothing is guessed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from insurance_svc.domain.claim_errors import SettlementFileTooLarge, SettlementFileUnreadable

FILE_MAX_BYTES = 32 * 1024 * 1024
LINES_MAX = 200_000
_CAUSE_MAX_CHARS = 500
_LINK_MAX_CHARS = 100
_AMOUNT_MAX = Decimal(10) ** 13
_LINK, _AMOUNT, _CAUSE = "maLK", "soTienDuyet", "lyDo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the insurer says about one link number."""

    line: int
    """Where it stands in the file, from 1."""
    link_id: str
    accepted_hundredths: int
    cause: str = field(repr=False)
    """Why less was accepted; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """The results of a file, each link number once."""

    results: tuple[Result, ...]
    line_count: int
    repeated_count: int
    """Results that a later one of the same link number replaced."""


def read_results(content: bytes) -> ResultFile:
    """Read a result file; of a repeated link number the last result counts.

    Raises:
        SettlementFileUnreadable: neither form, or a result without link number or amount; fact line.
        SettlementFileTooLarge: more than LINES_MAX results.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettlementFileUnreadable(line=0, why="not_utf_8") from None
    rows = _json_rows(text) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text)
    found: dict[str, Result] = {}
    count = 0
    for line, row in rows:
        count += 1
        if count > LINES_MAX:
            raise SettlementFileTooLarge(limit="lines", maximum=LINES_MAX)
        result = _result(line, row)
        # Taken out first, so that the last one's place counts.
        found.pop(result.link_id, None)
        found[result.link_id] = result
    return ResultFile(results=tuple(found.values()), line_count=count, repeated_count=count - len(found))


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        document = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise SettlementFileUnreadable(line=0, why="not_json") from None
    rows = document.get("dsKetQuaGiamDinh") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise SettlementFileUnreadable(line=0, why="no_results")
    for line, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise SettlementFileUnreadable(line=line, why="not_an_object")
        yield line, row


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        if _LINK not in names or _AMOUNT not in names:
            raise SettlementFileUnreadable(line=1, why="no_columns")
        reader.fieldnames = names
        for row in reader:
            yield reader.line_num, row
    except csv.Error:
        raise SettlementFileUnreadable(line=reader.line_num, why="not_csv") from None


def _result(line: int, row: Mapping[str, object]) -> Result:
    link_id = str(row.get(_LINK) or "").strip()
    if not 1 <= len(link_id) <= _LINK_MAX_CHARS:
        raise SettlementFileUnreadable(line=line, why="no_link_number")
    return Result(
        line=line,
        link_id=link_id,
        accepted_hundredths=_hundredths(row.get(_AMOUNT), line),
        cause=str(row.get(_CAUSE) or "").strip()[:_CAUSE_MAX_CHARS],
    )


def _hundredths(value: object, line: int) -> int:
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise SettlementFileUnreadable(line=line, why="no_amount") from None
    if not amount.is_finite() or not 0 <= amount <= _AMOUNT_MAX:
        raise SettlementFileUnreadable(line=line, why="no_amount")
    return int(amount.scaleb(2).quantize(Decimal(1), rounding=ROUND_HALF_UP))
