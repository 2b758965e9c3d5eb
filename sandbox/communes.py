"""The real communes the seeded people live in, old and new, read from the shipped table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """One pair of an old commune and the new one it went to on 1 July 2025."""

    old_province_code: str
    old_province: str
    old_district: str
    old_ward_code: str
    old_ward: str
    new_province_code: str
    new_province: str
    new_ward_code: str
    new_ward: str
    is_split: bool
    """The old commune went to more than one new one."""

    def old_address(self, place: str) -> str:
        """Three-tier address as written until 30 June 2025."""
        return f"{place}, {self.old_ward}, {self.old_district}, {self.old_province}"

    def new_address(self, place: str) -> str:
        """Two-tier address as written since 1 July 2025."""
        return f"{place}, {self.new_ward}, {self.new_province}"


@cache
def load_communes() -> tuple[Commune, ...]:
    """Every row of data/communes.csv, in file order; see data/README.md for where they come from."""
    with resources.files("sandbox").joinpath("data/communes.csv").open(encoding="utf-8") as table:
        return tuple(
            Commune(
                is_split=int(row.pop("n_targets")) > 1,
                **{name: text for name, text in row.items() if name != "kind"},
            )
            for row in csv.DictReader(table)
        )
