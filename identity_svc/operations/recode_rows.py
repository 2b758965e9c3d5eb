"""Re-code the rows of somebody else's table: code, names or address in, commune in force or the reason out; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from identity_svc.domain.recoding import Finding
from identity_svc.domain.residence import Residence, residence_of_code
from identity_svc.operations.resolve_unit import Candidate, read_text, resolve_code
from standards.admin_units import Vintage, vintages_of

ROWS_MAX = 1_000
"""Rows of one call: at most 0.5 s of one processor, when most are misspelt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRow:
    """What a row of a table says about a commune; empty where it says nothing."""

    ward_code: str = ""
    vintage: Vintage | None = None
    """None: not known; then the name decides."""
    ward_name: str = ""
    district_name: str = ""
    province_name: str = ""
    address: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The names as one address, or the address."""
        names = (self.ward_name, self.district_name, self.province_name)
        return ", ".join(name for name in names if name.strip()) if self.ward_name.strip() else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class RecodedRow:
    """What became of a row."""

    finding: Finding
    ward_code: str
    """The commune in force, or empty when a person has to decide."""
    candidates: tuple[Candidate, ...]
    reason: str
    """UPPER_SNAKE when a person has to decide, else empty."""


def recode_rows(rows: Sequence[ForeignRow]) -> list[RecodedRow]:
    """Re-code each row for itself, in the same order."""
    return [recode_row(row) for row in rows]


def recode_row(row: ForeignRow) -> RecodedRow:
    """Find the commune in force of one row; what is unclear or contradicts itself is said and never chosen.

    A code counts before words, unless the words name another commune. Words may tell which part of a split commune
    is meant, and which vintage a code is from.
    """
    reading, words = read_text(row.place)
    if not row.ward_code:
        return _answer(words, reading.candidates)
    vintages = _possible(row, row.ward_name)
    if not vintages:
        return _contradicting(row, reading.candidates)
    codes = tuple(each for vintage in vintages for each in resolve_code(row.ward_code, vintage).candidates)
    by_code = [residence_of_code(row.ward_code, vintage) for vintage in vintages]
    if words.is_settled:
        in_reach = {code for each in by_code for code in (each.ward_in_force, *each.candidates)}
        if words.ward_code not in in_reach:
            return _open(Finding.AMBIGUOUS, "NAME_CONTRADICTS_CODE", (*codes, *reading.candidates))
        return _answer(words, reading.candidates)
    if len({each.ward_in_force for each in by_code}) > 1:
        return _open(Finding.AMBIGUOUS, "VINTAGE_UNCLEAR", codes)
    return _answer(by_code[0], codes)


def _possible(row: ForeignRow, name: str) -> tuple[Vintage, ...]:
    fitting = vintages_of(row.ward_code, name)
    return tuple(each for each in fitting if row.vintage in (None, each))


def _contradicting(row: ForeignRow, named: tuple[Candidate, ...]) -> RecodedRow:
    """A code that no vintage has, or whose name is another commune's."""
    known = _possible(row, "")
    if known:
        codes = tuple(each for vintage in known for each in resolve_code(row.ward_code, vintage).candidates)
        return _open(Finding.AMBIGUOUS, "NAME_CONTRADICTS_CODE", (*codes, *named))
    # A code that does not exist says nothing against the words and nothing for them: a person confirms.
    return _open(Finding.AMBIGUOUS if named else Finding.UNRESOLVED, "WARD_CODE_UNKNOWN", named)


def _answer(residence: Residence, candidates: tuple[Candidate, ...]) -> RecodedRow:
    if not residence.is_settled:
        return _open(Finding(residence.kind.value), residence.reason, candidates)
    return RecodedRow(
        finding=Finding(residence.kind.value),
        ward_code=residence.ward_code,
        candidates=tuple(each for each in candidates if each.new_ward.code == residence.ward_code),
        reason="",
    )


def _open(finding: Finding, reason: str, candidates: tuple[Candidate, ...]) -> RecodedRow:
    return RecodedRow(finding=finding, ward_code="", candidates=candidates, reason=reason)
