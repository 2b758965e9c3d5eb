"""An import of a register file as it is kept: what it reads, how far it is, what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from identity_svc.domain.register_file import FileFormat, Layout


class ImportState(StrEnum):
    """How far an import is."""

    RECEIVING = "RECEIVING"
    """Waits for the file from `next_offset` on."""
    WORKING = "WORKING"
    """Has the whole Parquet file and takes its rows in."""
    DONE = "DONE"
    CANCELLED = "CANCELLED"

    @property
    def is_ended(self) -> bool:
        """Whether it takes nothing more."""
        return self in (ImportState.DONE, ImportState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was done with rows; the first five add up to the rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicts: int = 0
    """Rows that contradict a person of the same number; a case is open, nothing was overwritten."""
    repeated: int = 0
    """Rows about somebody whom an earlier row of the import told of; counted above, too."""
    possible_duplicates: int = 0
    """New people who share name, day of birth, gender and commune with somebody; counted above, too."""

    @property
    def rows(self) -> int:
        """Rows that were decided."""
        return self.created + self.updated + self.unchanged + self.rejected + self.conflicts

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterImport:
    """One import."""

    import_id: str
    importer: str
    """Subject of the person who began it."""
    facility_code: str
    source_name: str
    as_of_date: date
    """The day the file's facts are of."""
    file_sha256: str
    size_bytes: int
    layout: Layout
    state: ImportState
    next_offset: int
    """CSV: bytes up to the last stored row. Parquet: bytes received."""
    counts: Counts
    warnings: Mapping[str, int]
    """Doubts that rejected no row, reason to rows."""
    work_ms: int
    """Time spent on its pieces."""
    create_time: datetime
    update_time: datetime
    end_time: datetime | None

    @property
    def rows_per_second(self) -> float:
        """Its speed while it worked; 0 before the first batch."""
        return self.counts.rows * 1000 / self.work_ms if self.work_ms else 0.0

    @property
    def time_left_ms(self) -> int:
        """Expected work that is left, from the bytes of a CSV file; 0 while nothing can be said."""
        is_measured = self.layout.file_format is FileFormat.CSV and self.counts.rows and self.next_offset
        if self.state is not ImportState.RECEIVING or not is_measured:
            return 0
        return self.work_ms * (self.size_bytes - self.next_offset) // self.next_offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row that was not taken in."""

    row_number: int
    """The first row after the header is 1."""
    column_name: str
    """Column at fault; empty for the row as a whole."""
    reason: str
    values: tuple[str, ...] = field(repr=False)
    """In the order of the layout's columns."""


def most_frequent_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons with their counts; of equal counts by name."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def both(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """The sum of two tallies."""
    return dict(Counter(one) + Counter(other))
