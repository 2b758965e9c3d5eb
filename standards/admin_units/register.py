"""The register of administrative units in both vintages, read once from the packaged tables."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from standards.errors import ProvinceCodeUnknown, WardCodeUnknown
from standards.reference_tables import read_table

LEGAL_REFERENCE = "Quyết định 19/2025/QĐ-TTg, 30/06/2025"
"""The decision that gave the codes in force from 1 July 2025."""


class Vintage(StrEnum):
    """Which of the two systems a code or name belongs to."""

    BEFORE_2025_07 = "before-2025-07"
    """63 provinces, districts, 10,035 communes; as they stood on 30 June 2025."""
    FROM_2025_07 = "from-2025-07"
    """34 provinces, no districts, 3,321 communes; names as of 30 April 2026."""


class AdminLevel(StrEnum):
    """The tier of a unit."""

    PROVINCE = "province"
    DISTRICT = "district"
    WARD = "ward"
    """Commune level: xã, phường, thị trấn, đặc khu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminUnit:
    """One unit of one vintage. Equality is by all fields; (level, code, vintage) is the key."""

    code: str
    """2 digits for a province, 3 for an old district, 5 for a commune; empty for the one strip without a
    code."""
    vintage: Vintage
    level: AdminLevel
    name: str
    """Full official name, such as "Xã Ba Bể"."""
    kind: str
    """First words of the name: Tỉnh, Thành phố, Quận, Huyện, Thị xã, Phường, Xã, Thị trấn, Đặc khu."""
    district_code: str = ""
    """Commune before 2025-07: its district; else empty."""
    province_code: str
    """The province in the same vintage; a province's own code."""

    @property
    def base_name(self) -> str:
        """The name without its kind: "Ba Bể"."""
        return self.name[len(self.kind) :].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRow:
    """One row of the official conversion table."""

    old_ward: AdminUnit | None
    """None for the six rows without an old commune (island districts, a coastal strip)."""
    old_district_code: str
    old_province_code: str
    old_area_name: str
    """What the row names as old: the commune, the district, or the strip."""
    new_code: str
    row_kind: str
    """whole, part, unchanged, renamed, type_changed, part_area, part_area_all_people, part_people."""
    note_vi: str


@dataclass(frozen=True, slots=True)
class Register:
    """All units and conversion rows, keyed by code."""

    old_wards: dict[str, AdminUnit]
    new_wards: dict[str, AdminUnit]
    districts: dict[str, AdminUnit]
    old_provinces: dict[str, AdminUnit]
    new_provinces: dict[str, AdminUnit]
    successor_of_province: dict[str, str]
    changed_provinces: frozenset[str]
    rows_by_old: dict[str, tuple[ConversionRow, ...]]
    rows_by_new: dict[str, tuple[ConversionRow, ...]]
    former_names: dict[str, tuple[str, ...]]
    """New commune code → other full names it had since 1 July 2025 (communes that became wards,
    spellings)."""


_KINDS = {
    "xã": "Xã",
    "xa": "Xã",
    "phường": "Phường",
    "thị trấn": "Thị trấn",
    "đặc khu": "Đặc khu",
    "huyện": "Huyện",
    "quận": "Quận",
    "thị xã": "Thị xã",
    "thành phố": "Thành phố",
    "tỉnh": "Tỉnh",
}
# Two sources give Ba Chẽ two codes; the statistics office's own table has 06970, which no other unit uses.
_CODE_ALIASES = {"06978": "06970"}


def _unit(
    full_name: str,
    *,
    code: str,
    vintage: Vintage,
    level: AdminLevel,
    province_code: str,
    district_code: str = "",
) -> AdminUnit:
    """Build a unit; the kind's spelling slips of the sources (Xa, xã, Thành Phố) are put right."""
    words = full_name.split()
    for count in (2, 1):
        kind = _KINDS.get(" ".join(words[:count]).lower())
        if kind is not None:
            return AdminUnit(
                code=code,
                vintage=vintage,
                level=level,
                name=" ".join([kind, *words[count:]]),
                kind=kind,
                district_code=district_code,
                province_code=province_code,
            )
    raise AssertionError("a unit of the table has no kind")


def _load_provinces() -> tuple[dict[str, AdminUnit], dict[str, AdminUnit], dict[str, str], frozenset[str]]:
    old: dict[str, AdminUnit] = {}
    new: dict[str, AdminUnit] = {}
    successor: dict[str, str] = {}
    changed = set()
    for row in read_table("admin_units", "vn_provinces_63_to_34.csv"):
        old_code, new_code = row["old_code"], row["new_code"]
        old[old_code] = _unit(
            row["old_province"],
            code=old_code,
            vintage=Vintage.BEFORE_2025_07,
            level=AdminLevel.PROVINCE,
            province_code=old_code,
        )
        new[new_code] = _unit(
            row["new_province_name_2026_05"],
            code=new_code,
            vintage=Vintage.FROM_2025_07,
            level=AdminLevel.PROVINCE,
            province_code=new_code,
        )
        successor[old_code] = new_code
        if row["meaning_changed"] == "yes":
            changed.add(old_code)
    return old, new, successor, frozenset(changed)


def _load_new_wards() -> dict[str, AdminUnit]:
    wards = {}
    for row in read_table("admin_units", "vn_admin_wards_2026.csv"):
        code = _CODE_ALIASES.get(row["ward_code"], row["ward_code"])
        wards[code] = _unit(
            row["ward"],
            code=code,
            vintage=Vintage.FROM_2025_07,
            level=AdminLevel.WARD,
            province_code=row["province_code"],
        )
    return wards


@lru_cache(maxsize=1)
def load_register() -> Register:
    """Read the three tables (10,571 + 3,321 + 63 rows, about 0.2 s) and keep the result for the process."""
    old_provinces, new_provinces, successor, changed = _load_provinces()
    new_wards = _load_new_wards()
    old_wards: dict[str, AdminUnit] = {}
    districts: dict[str, AdminUnit] = {}
    by_old: dict[str, list[ConversionRow]] = defaultdict(list)
    by_new: dict[str, list[ConversionRow]] = defaultdict(list)
    former: dict[str, set[str]] = defaultdict(set)
    for row in read_table("admin_units", "vn_admin_ward_old_to_new_2025.csv"):
        code, district_code, province_code = (
            row["old_ward_code"],
            row["old_district_code"],
            row["old_province_code"],
        )
        if district_code not in districts:
            districts[district_code] = _unit(
                row["old_district"],
                code=district_code,
                vintage=Vintage.BEFORE_2025_07,
                level=AdminLevel.DISTRICT,
                province_code=province_code,
            )
        if code and code not in old_wards:
            old_wards[code] = _unit(
                row["old_ward"],
                code=code,
                vintage=Vintage.BEFORE_2025_07,
                level=AdminLevel.WARD,
                province_code=province_code,
                district_code=district_code,
            )
        new_ward = new_wards[row["new_ward_code"]]
        if row["new_ward"] != new_ward.name:
            former[new_ward.code].add(row["new_ward"])
        entry = ConversionRow(
            old_ward=old_wards.get(code),
            old_district_code=district_code,
            old_province_code=province_code,
            old_area_name=row["old_ward"] or row["old_district"],
            new_code=new_ward.code,
            row_kind=row["kind"],
            note_vi=row["note_vi"],
        )
        if code:
            by_old[code].append(entry)
        by_new[new_ward.code].append(entry)
    return Register(
        old_wards=old_wards,
        new_wards=new_wards,
        districts=districts,
        old_provinces=old_provinces,
        new_provinces=new_provinces,
        successor_of_province=successor,
        changed_provinces=changed,
        rows_by_old={code: tuple(rows) for code, rows in by_old.items()},
        rows_by_new={code: tuple(rows) for code, rows in by_new.items()},
        former_names={code: tuple(sorted(names)) for code, names in former.items()},
    )


def resolve_ward(code: str, vintage: Vintage) -> AdminUnit:
    """Give the commune that has this code in this vintage.

    Args:
        code: Five digits. 06978, which one source gives to Xã Ba Chẽ, is read as its official 06970 in the
            new vintage.
        vintage: Which system the code is from.
    Raises:
        WardCodeUnknown: no commune of that vintage has it (fact vintage).
    Source: Decision 19/2025/QĐ-TTg of 30/06/2025 and the statistics office's conversion table.
    """
    register = load_register()
    if vintage is Vintage.FROM_2025_07:
        unit = register.new_wards.get(_CODE_ALIASES.get(code, code))
    else:
        unit = register.old_wards.get(code)
    if unit is None:
        raise WardCodeUnknown("ward_code", vintage=vintage.value)
    return unit


def resolve_province(code: str, vintage: Vintage) -> AdminUnit:
    """Give the province that has this two-digit code in this vintage.

    Raises:
        ProvinceCodeUnknown: no province of that vintage has it (fact vintage).
    Source: as resolve_ward. 15, 24, 44, 52, 80, 82 and 91 name another province since 1 July 2025.
    """
    register = load_register()
    provinces = register.new_provinces if vintage is Vintage.FROM_2025_07 else register.old_provinces
    unit = provinces.get(code)
    if unit is None:
        raise ProvinceCodeUnknown("province_code", vintage=vintage.value)
    return unit


def resolve_district(code: str) -> AdminUnit | None:
    """Give the district before 2025-07 with this three-digit code, or None."""
    return load_register().districts.get(code)


def successor_province(code: str, vintage: Vintage) -> AdminUnit:
    """Give the province in force from 2025-07 that a province went to; a new one gives itself.

    Raises:
        ProvinceCodeUnknown: as resolve_province.
    """
    unit = resolve_province(code, vintage)
    register = load_register()
    if vintage is Vintage.FROM_2025_07:
        return unit
    return register.new_provinces[register.successor_of_province[code]]


def changed_province_codes() -> frozenset[str]:
    """Give the seven province codes that name another province since 1 July 2025."""
    return load_register().changed_provinces
