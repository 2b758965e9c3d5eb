"""The code lists a linter compares with: small ones shipped, large ones from files that the operator names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from standards.claims.errors import ClaimFileError
from standards.reference_tables import read_table


class CodeListBroken(ClaimFileError):
    """A file of codes does not have the columns it must have. Facts: column."""

    reason = "CODE_LIST_BROKEN"
    en = "The code list needs the column named in the facts; export it again as UTF-8 CSV with a header line."
    vi = "Danh mục thiếu cột được nêu; hãy xuất lại dạng CSV UTF-8 có dòng tiêu đề."


_ITEM_COLUMNS = ("name", "strength", "registration", "tender", "max_price")


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
    """Asterisk code to the dagger codes one of which has to stand beside it."""
    pair_principals: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Dagger and asterisk code to which of them is the principal diagnosis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """One approved drug, service or supply; "" where the list says nothing."""

    name: str = ""
    strength: str = ""
    registration: str = ""
    """SO_DANG_KY of a drug."""
    tender: str = ""
    """TT_THAU."""
    max_price: str = ""
    """Dong with a dot as the decimal sign."""


Catalogue = Mapping[str, tuple[CatalogueItem, ...]]
"""Code to its items: the code of an active ingredient belongs to many drugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """The lists of an operator; None means that a list was not given."""

    icd10: Icd10 | None = None
    facilities: frozenset[str] | None = None
    staff: frozenset[str] | None = None
    """Practice licence numbers (GPHN)."""
    drugs: Catalogue | None = None
    services: Catalogue | None = None
    supplies: Catalogue | None = None


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


_RULE_COLUMNS = ("rule_title_vi", "code_nodot", "asterisk_code", "primary_code")


def read_icd10(codes_csv: str, rules_csv: str = "") -> Icd10:
    """The diagnosis list of an operator.

    Args:
        codes_csv: Text with the column code_nodot, as the annex of Decision 4469/QĐ-BYT (28/10/2020).
        rules_csv: Text with rule_title_vi, code_nodot (of a pair: the dagger code), asterisk_code, primary_code (of
            a pair: which of the two is the principal one); "" without rules.
    Raises:
        CodeListBroken: a column is missing.
    """
    codes = frozenset(plain_code(row["code_nodot"]) for row in _rows(codes_csv, "code_nodot"))
    by_title: dict[str, set[str]] = {}
    pairs: dict[str, set[str]] = {}
    principals: dict[tuple[str, str], str] = {}
    for row in _rows(rules_csv, *_RULE_COLUMNS) if rules_csv else ():
        title = row["rule_title_vi"]
        if title.startswith("Phụ lục A1") and row["asterisk_code"]:
            dagger, asterisk = plain_code(row["code_nodot"]), plain_code(row["asterisk_code"])
            pairs.setdefault(asterisk, set()).add(dagger)
            if row["primary_code"]:
                principals[dagger, asterisk] = plain_code(row["primary_code"])
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
        pairs={asterisk: frozenset(daggers) for asterisk, daggers in pairs.items()},
        pair_principals=principals,
    )


def read_catalogue(text: str) -> Catalogue:
    """Approved items from CSV with the column code and any of name, strength, registration, tender, max_price.

    Raises:
        CodeListBroken: the column code is missing.
    """
    found: dict[str, tuple[CatalogueItem, ...]] = {}
    for row in _rows(text, "code"):
        item = CatalogueItem(**{name: (row.get(name) or "").strip() for name in _ITEM_COLUMNS})
        code = row["code"].strip()
        found[code] = (*found.get(code, ()), item)
    return found


def read_base_salaries(text: str) -> tuple[tuple[date, int], ...]:
    """First day and dong a month of each base salary, oldest first, from CSV with valid_from and vnd_per_month.

    Raises:
        CodeListBroken: a column is missing or holds something else.
    """
    try:
        return tuple(
            sorted(
                (date.fromisoformat(row["valid_from"].strip()), int(row["vnd_per_month"]))
                for row in _rows(text, "valid_from", "vnd_per_month")
            )
        )
    except ValueError as broken:
        if isinstance(broken, CodeListBroken):
            raise
        raise CodeListBroken(column="valid_from, vnd_per_month") from broken


def read_codes(text: str) -> frozenset[str]:
    """The codes of a CSV with the column code.

    Raises:
        CodeListBroken: the column is missing.
    """
    return frozenset(row["code"].strip() for row in _rows(text, "code"))


@lru_cache(maxsize=512)
def codes_on(day: date | None) -> Mapping[str, frozenset[str]]:
    """The small shipped lists by field, such as GIOI_TINH, as they are on a day; None: all that ever were.

    A field whose list is not known for the day (MA_DOITUONG_KCB before 17/10/2025) is left out.
    """
    found: dict[str, set[str]] = {}
    for field_name, code, first, last in _dated_codes():
        if day is None or ((first is None or first <= day) and (last is None or day <= last)):
            found.setdefault(field_name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


@lru_cache(maxsize=1)
def _dated_codes() -> tuple[tuple[str, str, date | None, date | None], ...]:
    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    return tuple(
        (row["field"], row["code"], day(row["valid_from"]), day(row["valid_to"]))
        for row in read_table("claims", "codes.csv")
    )


def _titled(by_title: Mapping[str, Iterable[str]], start: str) -> frozenset[str]:
    return frozenset(code for title, codes in by_title.items() if title.startswith(start) for code in codes)


def _rows(text: str, *columns: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), restval="")
    try:
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise CodeListBroken(column=missing[0])
        return list(reader)
    except csv.Error as broken:
        raise CodeListBroken from broken
