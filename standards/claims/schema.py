"""The 479 fields of the claim tables by the day of the visit, read from the shipped tables.

Source: annexes of Decisions 4750/QĐ-BYT (29/12/2023, visits from 01/07/2024) and 3176/QĐ-BYT (29/10/2024, visits from
01/01/2025); "required" is the column of the insurer's validator workbook. See standards/data/claims/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Literal

from standards.claims.errors import ClaimVersionUnknown
from standards.reference_tables import read_table

Kind = Literal["string", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """When a field must be filled, as the data says it: `when MA_NHOM in 1 2 3`, `unless LOAI_DTRI_LAO in 0`."""

    text: str
    """never, always, or `when|unless FIELD… in VALUE…|filled|empty`."""
    until: date | None = None
    """Last day of a visit on which it counts."""

    def holds(self, row: Mapping[str, str], day: date | None = None) -> bool:
        """Whether the field must be filled in this row, on a visit's day where that matters."""
        if self.until is not None and day is not None and day > self.until:
            return False
        if self.text in ("always", "never"):
            return self.text == "always"
        word, *rest = self.text.split()
        return self._is_true(rest, row) == (word == "when")

    def _is_true(self, words: list[str], row: Mapping[str, str]) -> bool:
        if words[-1] in ("filled", "empty"):
            found = [bool(row.get(name)) for name in words[:-1]]
            return all(found) if words[-1] == "filled" else not any(found)
        assert words[1] == "in", self.text
        # MA_TINH_TRANG_DK and MA_XU_TRI hold several codes, split by ";".
        return any(code in words[2:] for code in row.get(words[0], "").split(";"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One element of a row."""

    name: str
    kind: Kind
    max_chars: int | None
    """None: no limit."""
    required: Requirement


@dataclass(frozen=True, kw_only=True)
class Table:
    """One of the sixteen tables; not slotted, so that the look-up by name is made once."""

    name: str
    root: str
    list_element: str
    """Element around the records; "" for a flat table, whose root is its only record."""
    record_element: str
    travels_alone: bool
    """Sent through a service of its own and never inside GIAMDINHHS."""
    purpose: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The tables in force between two days."""

    version: str
    decision: str
    valid_from: date
    valid_to: date | None
    tables: Mapping[str, Table]

    @cached_property
    def by_root(self) -> Mapping[str, Table]:
        """The tables by their root elements."""
        return {table.root: table for table in self.tables.values()}


def schema_for(visit_date: date) -> Schema:
    """The schema that counts for a visit, by its day of admission.

    Raises:
        ClaimVersionUnknown: before 1 July 2024.
    """
    for schema in _schemas():
        if schema.valid_from <= visit_date and (schema.valid_to is None or visit_date <= schema.valid_to):
            return schema
    raise ClaimVersionUnknown(day=visit_date.isoformat())


def schema_named(version: str) -> Schema:
    """The schema "4750" or "3176"."""
    return next(schema for schema in _schemas() if schema.version == version)


@lru_cache(maxsize=1)
def _schemas() -> tuple[Schema, ...]:
    return tuple(
        Schema(
            version=row["version"],
            decision=row["decision"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            tables=_tables(row["version"]),
        )
        for row in read_table("claims", "versions.csv")
    )


def _tables(version: str) -> dict[str, Table]:
    fields: dict[str, list[Field]] = {}
    for row in read_table("claims", "fields.csv"):
        fields.setdefault(row["table"], []).append(_field(row, is_4750=version == "4750"))
    return {
        row["table"]: Table(
            name=row["table"],
            root=row["root"],
            list_element=row["list"],
            record_element=row["record"],
            travels_alone=row["travels"] == "alone",
            purpose=row["purpose"],
            fields=tuple(fields[row["table"]]),
        )
        for row in read_table("claims", "tables.csv")
    }


def _field(row: dict[str, str], *, is_4750: bool) -> Field:
    max_chars = (row["max_chars_4750"] if is_4750 else "") or row["max_chars"]
    kind = (row["kind_4750"] if is_4750 else "") or row["kind"]
    assert kind in ("string", "number"), row
    until = row["required_until"]
    return Field(
        name=(row["name_4750"] if is_4750 else "") or row["field"],
        kind="number" if kind == "number" else "string",
        max_chars=int(max_chars) if max_chars.isdecimal() else None,
        required=Requirement(text=row["required"], until=date.fromisoformat(until) if until else None),
    )
