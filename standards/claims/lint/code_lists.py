"""The code lists a linter compares with: small ones shipped, large ones from files that the operator names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from standards.claims.errors import ClaimFileError
from standards.reference_tables import read_table


class CodeListBroken(ClaimFileError):
    """A file of codes does not have the columns it must have. Facts: column."""

    reason = "CODE_LIST_BROKEN"
    en = "The code list needs the column named in the facts; export it again as UTF-8 CSV with a header line."
    vi = "Danh mục thiếu cột được nêu; hãy xuất lại dạng CSV UTF-8 có dòng tiêu đề."


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRange:
    """Ages at which a diagnosis is plausible, in days; both ends included."""

    first_day: int
    last_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Icd10:
    """Diagnosis codes and what they exclude; codes without the dot."""

    codes: frozenset[str]
    not_principal: frozenset[str] = frozenset()
    only_male: frozenset[str] = frozenset()
    only_female: frozenset[str] = frozenset()
    ages: Mapping[str, tuple[AgeRange, ...]] = field(default_factory=dict)
    """A code in several lists is plausible in any of them."""
    pairs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Asterisk code to the dagger codes one of which has to stand beside it as the principal diagnosis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """One approved drug, service or supply."""

    name: str
    max_price: str
    """Dong with a dot as the decimal sign; "" without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """The lists of an operator; None means that a list was not given."""

    icd10: Icd10 | None = None
    facilities: frozenset[str] | None = None
    staff: frozenset[str] | None = None
    """Practice licence numbers (GPHN)."""
    drugs: Mapping[str, CatalogueItem] | None = None
    services: Mapping[str, CatalogueItem] | None = None
    supplies: Mapping[str, CatalogueItem] | None = None


def plain_code(code: str) -> str:
    """A diagnosis code without dot, spaces, dagger and asterisk: "A17.0†" → "A170"."""
    return re.sub("[.†*+ ]", "", code).upper()


# Sheets of the annex of Decision 4469/QĐ-BYT (28/10/2020), by the beginning of their titles.
_AGES = (
    ("Phụ lục A3.10", AgeRange(first_day=30 * 365, last_day=None)),
    ("Phụ lục A3.1 ", AgeRange(first_day=0, last_day=365)),
    ("Phụ lục A3.2 ", AgeRange(first_day=0, last_day=3 * 366)),
    ("Phụ lục A3.3 ", AgeRange(first_day=0, last_day=11 * 366)),
    ("Phụ lục A3.4 ", AgeRange(first_day=0, last_day=20 * 366)),
    ("Phụ lục A3.5 ", AgeRange(first_day=28, last_day=None)),
    ("Phụ lục A3.6 ", AgeRange(first_day=365, last_day=None)),
    ("Phụ lục A3.7 ", AgeRange(first_day=8 * 365, last_day=20 * 366)),
    ("Phụ lục A3.8 ", AgeRange(first_day=9 * 365, last_day=61 * 366)),
    ("Phụ lục A3.9 ", AgeRange(first_day=15 * 365, last_day=None)),
)
"""Years are counted generously on both sides (365 and 366 days), so that a birthday never makes a false alarm."""


def read_icd10(codes_csv: str, rules_csv: str = "") -> Icd10:
    """The diagnosis list of an operator.

    Args:
        codes_csv: Text with the column code_nodot, as the annex of Decision 4469/QĐ-BYT (28/10/2020).
        rules_csv: Text with rule_title_vi, code_nodot, asterisk_code, primary_code; "" without rules.
    Raises:
        CodeListBroken: a column is missing.
    """
    codes = frozenset(plain_code(row["code_nodot"]) for row in _rows(codes_csv, "code_nodot"))
    by_title: dict[str, set[str]] = {}
    pairs: dict[str, set[str]] = {}
    for row in _rows(rules_csv, "rule_title_vi", "code_nodot", "asterisk_code", "primary_code"):
        title = row["rule_title_vi"]
        if title.startswith("Phụ lục A1") and row["asterisk_code"] and row["primary_code"]:
            pairs.setdefault(plain_code(row["asterisk_code"]), set()).add(plain_code(row["primary_code"]))
        elif row["code_nodot"]:
            by_title.setdefault(title, set()).add(plain_code(row["code_nodot"]))
    ages: dict[str, tuple[AgeRange, ...]] = {}
    for start, span in _AGES:
        for code in _titled(by_title, start):
            ages[code] = (*ages.get(code, ()), span)
    return Icd10(
        codes=codes,
        not_principal=_titled(by_title, "Phụ lục A2"),
        only_female=_titled(by_title, "Phụ lục A4.1"),
        only_male=_titled(by_title, "Phụ lục A4.2"),
        ages=ages,
        pairs={code: frozenset(first) for code, first in pairs.items()},
    )


def read_catalogue(text: str) -> dict[str, CatalogueItem]:
    """Approved items from CSV with the columns code, name, max_price.

    Raises:
        CodeListBroken: a column is missing.
    """
    return {
        row["code"].strip(): CatalogueItem(name=row["name"], max_price=row["max_price"].strip())
        for row in _rows(text, "code", "name", "max_price")
    }


def read_codes(text: str) -> frozenset[str]:
    """The codes of a CSV with the column code.

    Raises:
        CodeListBroken: the column is missing.
    """
    return frozenset(row["code"].strip() for row in _rows(text, "code"))


@lru_cache(maxsize=1)
def shipped_codes() -> dict[str, frozenset[str]]:
    """The small lists by field, such as GIOI_TINH; a key with a table ("XML2.MA_NHOM") goes before one without."""
    found: dict[str, set[str]] = {}
    for row in read_table("claims", "codes.csv"):
        found.setdefault(row["field"], set()).add(row["code"])
    return {name: frozenset(codes) for name, codes in found.items()}


def _titled(by_title: Mapping[str, Iterable[str]], start: str) -> frozenset[str]:
    return frozenset(code for title, codes in by_title.items() if title.startswith(start) for code in codes)


def _rows(text: str, *columns: str) -> list[dict[str, str]]:
    if not text:
        return []
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise CodeListBroken(column=missing[0])
    return list(reader)
