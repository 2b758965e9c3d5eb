"""Makes register files: seeded people with the dirt that real lists have, as CSV in any size, in constant memory.

Nobody here is real: every citizen number has the prefix 099, which no province has.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from standards.reference_tables import read_table
from standards.syllables import fold

HEADER = (
    "STT",
    "Số CCCD",
    "Số CMND",
    "Mã thẻ BHYT",
    "Họ và tên",
    "Ngày sinh",
    "Giới tính",
    "Địa chỉ",
    "Ghi chú",
)
CLEAN = "clean"
DIRT = {
    "without_accents": 0.02,
    "capitals": 0.05,
    "damaged_text": 0.005,
    "year_only": 0.05,
    "leading_zero_lost": 0.01,
    "old_number_in_citizen_column": 0.01,
    "number_too_short": 0.005,
    "scientific_number": 0.003,
    "impossible_date": 0.003,
    "gender_missing": 0.002,
    "no_identifier": 0.002,
    "address_unknown": 0.01,
    "column_slipped": 0.001,
}
"""Share of rows with each kind of dirt; the rest is clean."""
REJECTED = {
    "number_too_short": "NOT_TWELVE_DIGITS",
    "scientific_number": "NUMBER_IN_SCIENTIFIC_FORM",
    "impossible_date": "IMPOSSIBLE_DATE",
    "gender_missing": "GENDER_MISSING",
    "no_identifier": "IDENTIFIER_MISSING",
    "column_slipped": "COLUMN_COUNT_WRONG",
}
"""Kinds whose rows must be refused, with the reason."""

_FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý", "Nông",
    "Triệu", "Ma", "Lương", "Hà", "Đàm",
)  # fmt: skip
_MIDDLE = {
    "male": ("Văn", "Đức", "Hữu", "Quang", "Minh", "Công", "Đình", "Xuân"),
    "female": ("Thị", "Thu", "Ngọc", "Thanh", "Mai", "Hồng", "Bích", "Phương"),
}
_GIVEN = {
    "male": (
        "An", "Bình", "Cường", "Dũng", "Hải", "Hùng", "Khánh", "Long", "Nam", "Phúc", "Quân", "Sơn", "Thắng", "Tuấn",
        "Việt", "Đạt", "Tiến", "Trung", "Hiếu", "Kiên",
    ),
    "female": (
        "Ánh", "Châu", "Dung", "Hà", "Hằng", "Hoa", "Hương", "Lan", "Linh", "Loan", "Nga", "Nhung", "Oanh", "Thảo",
        "Trang", "Vân", "Yến", "Thúy", "Hòa", "Quyên",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One made-up person as a row, and what is wrong with it."""

    kind: str
    """CLEAN or a key of DIRT."""
    cells: tuple[str, ...]


@cache
def _places() -> Sequence[str]:
    """Communes of the two provinces that became Thái Nguyên, as written before July 2025; none was split."""
    rows = read_table("admin_units", "vn_admin_ward_old_to_new_2025.csv")
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for row in rows:
        if row["old_province_code"] in ("06", "19"):
            names[row["old_ward_code"]] = f"{row['old_ward']}, {row['old_district']}, {row['old_province']}"
            counts[row["old_ward_code"]] = counts.get(row["old_ward_code"], 0) + 1
    return [name for code, name in names.items() if counts[code] == 1]


def rows(count: int, *, seed: int = 1, first: int = 0, dirt: float = 1.0) -> Iterator[Row]:
    """People number `first` to `first + count`, the same for the same seed however they are cut.

    Args:
        dirt: Factor on the shares of DIRT; 0 makes every row clean.
    """
    kinds, weights = [CLEAN, *DIRT], [share * dirt for share in DIRT.values()]
    weights.insert(0, 1 - sum(weights))
    for index in range(first, first + count):
        dice = random.Random(f"{seed}/{index}")
        kind = dice.choices(kinds, weights)[0]
        yield Row(kind=kind, cells=_soiled(kind, _clean(index, dice), dice))


def _clean(index: int, dice: random.Random) -> tuple[str, ...]:
    gender = dice.choice(("male", "female"))
    # The last six digits count to a million and the year's last bit doubles that, so two million numbers differ.
    year = dice.randrange(1930, 2024, 2) + index // 1_000_000 % 2
    digit = 2 * (year // 100 - 19) + (gender == "female")
    number = f"099{digit}{year % 100:02}{index % 1_000_000:06}"
    name = f"{dice.choice(_FAMILY)} {dice.choice(_MIDDLE[gender])} {dice.choice(_GIVEN[gender])}"
    address = f"Thôn {dice.randint(1, 30)}, {dice.choice(_places())}"
    birth = f"{dice.randint(1, 28):02}/{dice.randint(1, 12):02}/{year}"
    return (
        str(index + 1), number, "", f"{index:010}" if index % 3 == 0 else "", name, birth,
        "Nam" if gender == "male" else "Nữ", address, "",
    )  # fmt: skip


def _soiled(kind: str, cells: tuple[str, ...], dice: random.Random) -> tuple[str, ...]:
    """The same row with one kind of dirt."""
    line, number, old, insurance, name, birth, gender, address, note = cells
    match kind:
        case "without_accents":
            name, address = _plain(name), _plain(address)
        case "capitals":
            name = name.upper()
        case "damaged_text":
            name = f"{name[:1]}\ufffd{name[2:]}"
        case "year_only":
            birth = birth[-4:]
        case "leading_zero_lost":
            number = number.lstrip("0")
        case "old_number_in_citizen_column":
            number = number[-9:]
        case "number_too_short":
            number = number[: dice.choice((5, 8))]
        case "scientific_number":
            number = f"{number[1]}.{number[2:6]}E+10"
        case "impossible_date":
            birth = f"31/02/{birth[-4:]}"
        case "gender_missing":
            gender = ""
        case "no_identifier":
            number = insurance = ""
        case "address_unknown":
            address = "Không rõ nơi ở"
    slipped = ("thừa",) if kind == "column_slipped" else ()
    return (line, number, old, insurance, name, birth, gender, address, note, *slipped)


def _plain(text: str) -> str:
    return " ".join(word.capitalize() for word in fold(text).split())


def write_csv(path: Path, made: Iterator[Row], *, encoding: str = "utf-8") -> tuple[str, int]:
    """Write rows under HEADER and give the file's SHA-256 in hex and its size in bytes."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(row.cells for row in made)
    found, size = sha256(), 0
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            found.update(chunk)
            size += len(chunk)
    return found.hexdigest(), size
