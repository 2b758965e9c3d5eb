"""From an old commune to the new ones it went to, and back."""

from dataclasses import dataclass
from enum import StrEnum

from standards.admin_units.register import (
    LEGAL_REFERENCE,
    AdminUnit,
    ConversionRow,
    Register,
    Vintage,
    load_register,
    resolve_ward,
)


class ConversionKind(StrEnum):
    """What happened to a commune on 1 July 2025."""

    KEPT = "kept"
    """It is the new commune, alone: unchanged, renamed or of another kind; also every new commune itself."""
    MERGED = "merged"
    """It went whole into one new commune together with others."""
    SPLIT = "split"
    """It went to several new communes; which one holds a given house the table cannot say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """One new commune that an old one went to, with the reason in words."""

    ward: AdminUnit
    """The commune in force from 2025-07."""
    province: AdminUnit
    kind: ConversionKind
    row_kind: str
    """The table's own word: whole, part, unchanged, renamed, type_changed, part_area, part_area_all_people,
    part_people."""
    reason_vi: str
    reason_en: str
    legal_reference: str = LEGAL_REFERENCE


_PART_EN = {
    "part": "in part",
    "part_area": "a part of the area",
    "part_area_all_people": "a part of the area with all its people",
    "part_people": "a part of the people",
}


def conversion_kind(register: Register, rows: tuple[ConversionRow, ...]) -> ConversionKind:
    """Class the rows of one old commune."""
    if len(rows) > 1:
        return ConversionKind.SPLIT
    alone = len(register.rows_by_new[rows[0].new_code]) == 1
    return ConversionKind.KEPT if alone else ConversionKind.MERGED


def reasons(register: Register, row: ConversionRow, kind: ConversionKind) -> tuple[str, str]:
    """Say in Vietnamese and English why this new commune is the answer; names units only."""
    new_ward = register.new_wards[row.new_code]
    province = register.new_provinces[new_ward.province_code]
    old_name, place = row.old_area_name, f"{new_ward.name}, {province.name}"
    if kind is ConversionKind.KEPT:
        return (
            f"{old_name} giữ nguyên phạm vi, nay là {place} ({LEGAL_REFERENCE}).",
            f"{old_name} kept its area and is now {place} (Decision 19/2025/QĐ-TTg, 30 June 2025).",
        )
    if kind is ConversionKind.MERGED:
        return (
            f"{old_name} nhập vào {place} từ 01/07/2025 ({LEGAL_REFERENCE}).",
            f"{old_name} went into {place} on 1 July 2025 (Decision 19/2025/QĐ-TTg, 30 June 2025).",
        )
    note_vi = row.note_vi[:1].lower() + row.note_vi[1:]
    return (
        f"{old_name} được chia cho nhiều xã, phường; một phương án là {place} ({note_vi}); "
        f"cần hỏi nơi ở cụ thể ({LEGAL_REFERENCE}).",
        f"{old_name} was split; one answer is {place} ({_PART_EN.get(row.row_kind, row.row_kind)}); "
        "ask where exactly the person lives (Decision 19/2025/QĐ-TTg, 30 June 2025).",
    )


def _successor(register: Register, row: ConversionRow, kind: ConversionKind) -> Successor:
    ward = register.new_wards[row.new_code]
    reason_vi, reason_en = reasons(register, row, kind)
    return Successor(
        ward=ward,
        province=register.new_provinces[ward.province_code],
        kind=kind,
        row_kind=row.row_kind,
        reason_vi=reason_vi,
        reason_en=reason_en,
    )


def convert_ward(code: str, vintage: Vintage) -> tuple[Successor, ...]:
    """Give every commune in force from 2025-07 that a commune went to.

    Args:
        code: Five digits.
        vintage: Which system the code is from; a new code answers itself (so converting twice changes
            nothing).
    Returns:
        At least one successor, ascending by code; more than one only for the 440 split communes.
    Raises:
        WardCodeUnknown: no commune of that vintage has the code.
    Source: Decision 19/2025/QĐ-TTg of 30/06/2025 through the statistics office's conversion table (3 wrong
        old codes and 2 wrong old provinces corrected, see data/admin_units/README.md).
    """
    unit = resolve_ward(code, vintage)
    register = load_register()
    if vintage is Vintage.FROM_2025_07:
        province = register.new_provinces[unit.province_code]
        return (
            Successor(
                ward=unit,
                province=province,
                kind=ConversionKind.KEPT,
                row_kind="unchanged",
                reason_vi=f"{unit.name}, {province.name} là đơn vị hiện hành ({LEGAL_REFERENCE}).",
                reason_en=f"{unit.name}, {province.name} stands (Decision 19/2025/QĐ-TTg, 30 June 2025).",
            ),
        )
    rows = register.rows_by_old[code]
    kind = conversion_kind(register, rows)
    return tuple(_successor(register, row, kind) for row in sorted(rows, key=lambda row: row.new_code))


def predecessors(code: str) -> tuple[AdminUnit, ...]:
    """Give the old communes that a new one was made of, wholly or in part, ascending by code.

    Empty for the special zones of five islands that had no commune before.
    Raises:
        WardCodeUnknown: no commune from 2025-07 has the code.
    """
    unit = resolve_ward(code, Vintage.FROM_2025_07)
    rows = load_register().rows_by_new.get(unit.code, ())
    return tuple(
        sorted((row.old_ward for row in rows if row.old_ward is not None), key=lambda ward: ward.code)
    )
