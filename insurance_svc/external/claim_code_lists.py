"""Reads the code lists that claims are checked against from a folder of the operator; each file may be missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from standards.claims.lint import CodeLists, read_catalogue, read_codes, read_icd10

T = TypeVar("T")


def read_code_lists(folder: Path | None) -> CodeLists:
    """icd10.csv with icd10_rules.csv, facilities.csv, staff.csv, drugs.csv, services.csv and supplies.csv.

    Raises:
        CodeListBroken: a file lacks a column.
    """
    if folder is None:
        return CodeLists()
    rules = _text(folder / "icd10_rules.csv") or ""
    return CodeLists(
        icd10=_read(folder / "icd10.csv", lambda codes: read_icd10(codes, rules)),
        facilities=_read(folder / "facilities.csv", read_codes),
        staff=_read(folder / "staff.csv", read_codes),
        drugs=_read(folder / "drugs.csv", read_catalogue),
        services=_read(folder / "services.csv", read_catalogue),
        supplies=_read(folder / "supplies.csv", read_catalogue),
    )


def _read(file: Path, read: Callable[[str], T]) -> T | None:
    text = _text(file)
    return None if text is None else read(text)


def _text(file: Path) -> str | None:
    return file.read_text(encoding="utf-8-sig") if file.is_file() else None
