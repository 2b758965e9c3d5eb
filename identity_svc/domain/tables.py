"""Reads this package's dated tables: rules of law are rows with the days on which they count."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from importlib import resources
from typing import Protocol, TypeVar


class Dated(Protocol):
    """A row that counts from one day to another, both included; no last day means until further notice."""

    @property
    def valid_from_date(self) -> date: ...

    @property
    def valid_to_date(self) -> date | None: ...


D = TypeVar("D", bound=Dated)


def read_text(name: str) -> str:
    """The text of a file below `data`, such as `consent_texts/sharing.1.vi.txt`."""
    return resources.files(__package__).joinpath("data", *name.split("/")).read_text(encoding="utf-8")


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a comma-separated table below `data`, by column."""
    return list(csv.DictReader(read_text(name).splitlines()))


def is_in_force(row: Dated, *, on: date) -> bool:
    """Whether a row counts on a day."""
    return row.valid_from_date <= on and (row.valid_to_date is None or on <= row.valid_to_date)


def in_force(rows: Iterable[D], *, on: date) -> D | None:
    """The first row that counts on a day, or None."""
    return next((row for row in rows if is_in_force(row, on=on)), None)
