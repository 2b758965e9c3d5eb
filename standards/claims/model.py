"""The values of a claim file: records of visits, each with the rows of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field

Row = dict[str, str]
"""Field name to text, as it stands in the file; an absent field has no key, an empty one is ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the reader noticed and went on from; the linter tells it."""

    code: str
    """UPPER_SNAKE: FIELD_UNKNOWN, FIELD_TWICE, TABLE_TWICE, ELEMENT_UNKNOWN, CONTENT_INLINE, CONTENT_EMPTY."""
    table: str
    row: int
    """From 1; 0 for the table as a whole."""
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRecord:
    """One visit (HOSO)."""

    tables: dict[str, list[Row]] = field(repr=False)
    """Table name to its rows, in the order of the file; a flat table has one row."""
    doubts: tuple[Doubt, ...] = ()

    @property
    def visit_link(self) -> str:
        """MA_LK of the summary, or of the first row that has one; "" without."""
        for name in ("XML1", *self.tables):
            for row in self.tables.get(name, ()):
                if row.get("MA_LK"):
                    return row["MA_LK"]
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFile:
    """A whole file."""

    facility_code: str
    """MACSKCB of the envelope; "" for a table that travels alone."""
    made_date: str
    """NGAYLAP, yyyyMMdd as it stands; "" for a table that travels alone."""
    record_count: str
    """SOLUONGHOSO as it stands; the linter compares it with the records."""
    records: tuple[ClaimRecord, ...] = field(repr=False)
    is_signed: bool = False
    """CHUKYDONVI holds something; standards.claims.signature says whether it is right."""
