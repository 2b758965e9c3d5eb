"""Resolve an address text or a commune code of either vintage to the unit in force; pure, nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from identity_svc.domain.residence import Residence, residence_in, unresolved
from standards.admin_units import (
    AdminUnit,
    ConversionKind,
    Vintage,
    convert_ward,
    predecessors,
    resolve_address,
    resolve_province,
    resolve_ward,
)
from standards.admin_units.register import resolve_district
from standards.errors import AddressTooLong, WardCodeUnknown

LEGAL_REFERENCE = "19/2025/QĐ-TTg"
"""Decision of 30 June 2025, in force from 1 July 2025."""

READINGS_KEPT = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One reading: the unit before 1 July 2025, if known, and the unit in force."""

    old_ward: AdminUnit | None
    old_district: AdminUnit | None
    old_province: AdminUnit | None
    new_ward: AdminUnit
    new_province: AdminUnit
    kind: ConversionKind
    reason_vi: str
    reason_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All readings of one place, best first."""

    text: str = field(repr=False)
    candidates: tuple[Candidate, ...]
    unresolved_reason: str
    """UPPER_SNAKE when there is no candidate, else empty."""


@lru_cache(maxsize=READINGS_KEPT)
def resolve_text(text: str) -> Reading:
    """Read a free address; one visit reads its patient's address several times, at 0.13 ms each, so some are kept.

    An unknown place is no error: there is no candidate and unresolved_reason says why.
    """
    return read_text(text)[0]


def read_text(text: str) -> tuple[Reading, Residence]:
    """Read a free address and say what it settles; for tables of many rows, so nothing is kept."""
    try:
        found = resolve_address(text)
    except AddressTooLong as refused:
        return Reading(text=text, candidates=(), unresolved_reason=refused.reason), unresolved(refused.reason)
    residence = residence_in(found, text)
    candidates = tuple(
        Candidate(
            old_ward=each.old_ward,
            old_district=each.old_district,
            old_province=each.old_province,
            new_ward=each.new_ward,
            new_province=each.new_province,
            kind=each.kind,
            reason_vi=each.reason_vi,
            reason_en=each.reason_en,
        )
        for each in found.candidates
    )
    reason = "" if candidates else residence.reason
    return Reading(text=text, candidates=candidates, unresolved_reason=reason), residence


def resolve_code(ward_code: str, vintage: Vintage) -> Reading:
    """Read a commune code, five digits, of one vintage; an unknown code has no candidate and a reason."""
    try:
        unit = resolve_ward(ward_code, vintage)
    except WardCodeUnknown as unknown:
        return Reading(text="", candidates=(), unresolved_reason=unknown.reason)
    is_old = vintage is Vintage.BEFORE_2025_07
    candidates = tuple(
        Candidate(
            old_ward=unit if is_old else None,
            old_district=resolve_district(unit.district_code) if is_old else None,
            old_province=resolve_province(unit.province_code, vintage) if is_old else None,
            new_ward=each.ward,
            new_province=each.province,
            kind=each.kind,
            reason_vi=each.reason_vi,
            reason_en=each.reason_en,
        )
        for each in convert_ward(ward_code, vintage)
    )
    return Reading(text="", candidates=candidates, unresolved_reason="")


def former_units(ward_code: str) -> tuple[Candidate, ...]:
    """Give the communes before 2025-07 that one in force was made of, ascending by code, with what happened to each.

    Raises:
        WardCodeUnknown: no commune in force has the code.
    """
    return tuple(
        each
        for old in predecessors(ward_code)
        for each in resolve_code(old.code, Vintage.BEFORE_2025_07).candidates
        if each.new_ward.code == resolve_ward(ward_code, Vintage.FROM_2025_07).code
    )
