"""Where a person lives, as a commune code with its vintage, and how that was found; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from standards.admin_units import (
    AddressResolution,
    ConversionKind,
    Vintage,
    convert_ward,
    resolve_address,
)
from standards.errors import AddressTooLong, WardCodeUnknown

CANDIDATES_TOLD = 8
"""Commune codes named for a person to choose from; a split has at most five."""


class ResidenceKind(StrEnum):
    """How sure a residence is. Only KEPT, MERGED and CHOSEN name a commune in force."""

    KEPT = "KEPT"
    """The commune named goes on."""
    MERGED = "MERGED"
    """The commune named went whole into another."""
    CHOSEN = "CHOSEN"
    """A person chose it among several."""
    SPLIT = "SPLIT"
    """The commune named was divided: the old code is kept until a person chooses."""
    AMBIGUOUS = "AMBIGUOUS"
    """The words fit several communes, or one with a doubt that matters."""
    UNRESOLVED = "UNRESOLVED"
    """The words or the code name no commune."""


class ResidenceSource(StrEnum):
    """Who told a residence."""

    CARD = "CARD"
    IMPORT = "IMPORT"
    RECODING = "RECODING"
    STEWARD = "STEWARD"
    UNDO = "UNDO"
    """A re-coding was taken back: what stood before stands again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """The commune a person lives in. Holds codes only, no word of the address."""

    ward_code: str
    """Five digits, or empty when no commune is known for certain."""
    vintage: Vintage
    """Which system `ward_code` belongs to; BEFORE_2025_07 only for a split commune."""
    kind: ResidenceKind
    old_ward_code: str = ""
    """The commune before 2025-07 that was named, if one was named for certain."""
    reason: str = ""
    """UPPER_SNAKE, why it is not settled: SPLIT_COMMUNE, SEVERAL_COMMUNES, a doubt of the address, …; else empty."""
    candidates: tuple[str, ...] = ()
    """Codes in force among which a person has to choose, at most CANDIDATES_TOLD; not stored."""

    @property
    def is_settled(self) -> bool:
        """Whether it names one commune in force."""
        return self.kind in _SETTLED

    @property
    def ward_in_force(self) -> str:
        """The commune in force, or empty."""
        return self.ward_code if self.is_settled else ""


_SETTLED = frozenset({ResidenceKind.KEPT, ResidenceKind.MERGED, ResidenceKind.CHOSEN})
_KINDS = {
    ConversionKind.KEPT: ResidenceKind.KEPT,
    ConversionKind.MERGED: ResidenceKind.MERGED,
    ConversionKind.SPLIT: ResidenceKind.SPLIT,
}


def unresolved(reason: str) -> Residence:
    """A residence of which nothing is known."""
    return Residence(ward_code="", vintage=Vintage.FROM_2025_07, kind=ResidenceKind.UNRESOLVED, reason=reason)


def chosen(ward_code: str, *, old_ward_code: str = "") -> Residence:
    """A commune in force that a person chose."""
    return Residence(
        ward_code=ward_code,
        vintage=Vintage.FROM_2025_07,
        kind=ResidenceKind.CHOSEN,
        old_ward_code=old_ward_code,
    )


def residence_of(address_text: str) -> Residence:
    """Read a free address of either vintage; never raises, never chooses among several.

    Args:
        address_text: Province last, at most 500 characters; may be empty.
    """
    try:
        found = resolve_address(address_text)
    except AddressTooLong as refused:
        return unresolved(refused.reason)
    return residence_in(found, address_text)


def residence_in(found: AddressResolution, address_text: str) -> Residence:
    """As residence_of, of an address that was read already."""
    if found.candidates:
        return _residence_found(found)
    if not address_text.strip():
        return unresolved("ADDRESS_EMPTY")
    return unresolved("PROVINCE_NOT_RECOGNISED" if found.province is None else "WARD_NOT_RECOGNISED")


def residence_of_code(ward_code: str, vintage: Vintage) -> Residence:
    """Read a commune code of one vintage; never raises, never chooses among several.

    Source: Decision 19/2025/QĐ-TTg of 30/06/2025 through standards.admin_units.
    """
    try:
        successors = convert_ward(ward_code, vintage)
    except WardCodeUnknown as unknown:
        return unresolved(unknown.reason)
    kind = _KINDS[successors[0].kind]
    is_old = vintage is Vintage.BEFORE_2025_07
    if kind is ResidenceKind.SPLIT:
        return _split(ward_code, tuple(each.ward.code for each in successors))
    return Residence(
        ward_code=successors[0].ward.code,
        vintage=Vintage.FROM_2025_07,
        kind=kind,
        old_ward_code=ward_code if is_old else "",
    )


def standing(former: Residence | None, told: Residence | None) -> Residence | None:
    """What counts after a residence was told: a choice among several stands while the same choice is asked again."""
    if former is None or told is None or former.kind is not ResidenceKind.CHOSEN or told.is_settled:
        return told
    return former if former.ward_code in told.candidates else told


def _residence_found(found: AddressResolution) -> Residence:
    old_codes = {"" if each.old_ward is None else each.old_ward.code for each in found.candidates}
    sure = found.sure_ward
    if sure is not None:
        return Residence(
            ward_code=sure.code,
            vintage=Vintage.FROM_2025_07,
            kind=_KINDS[found.candidates[0].kind],
            old_ward_code=old_codes.pop() if len(old_codes) == 1 else "",
        )
    codes = tuple(unit.code for unit in found.new_wards)
    doubts = found.harmful_doubts
    if len(old_codes) == 1 and "" not in old_codes and not doubts:
        return _split(old_codes.pop(), codes)
    return Residence(
        ward_code="",
        vintage=Vintage.FROM_2025_07,
        kind=ResidenceKind.AMBIGUOUS,
        reason=doubts[0].value if doubts else "SEVERAL_COMMUNES",
        candidates=codes[:CANDIDATES_TOLD],
    )


def _split(old_ward_code: str, codes: tuple[str, ...]) -> Residence:
    return Residence(
        ward_code=old_ward_code,
        vintage=Vintage.BEFORE_2025_07,
        kind=ResidenceKind.SPLIT,
        old_ward_code=old_ward_code,
        reason="SPLIT_COMMUNE",
        candidates=codes[:CANDIDATES_TOLD],
    )
