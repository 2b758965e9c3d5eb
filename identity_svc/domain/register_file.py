"""A register file: its form, its columns, and what their names mean in Vietnamese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from standards.syllables import fold

COLUMNS_MAX = 200
COLUMN_NAME_CHARS_MAX = 200
DELIMITERS = (",", ";", "\t", "|")
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


class FileFormat(StrEnum):
    """How a register file is written."""

    CSV = "CSV"
    PARQUET = "PARQUET"


class Encoding(StrEnum):
    """How the text of a CSV file is written."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    CP1258 = "cp1258"
    TCVN3 = "tcvn3"
    VNI = "vni"


class RegisterField(StrEnum):
    """What a column holds; the words stand in the store, never change one."""

    CITIZEN_NUMBER = "CITIZEN_NUMBER"
    OLD_NUMBER = "OLD_NUMBER"
    INSURANCE_NUMBER = "INSURANCE_NUMBER"
    FULL_NAME = "FULL_NAME"
    FAMILY_NAME = "FAMILY_NAME"
    MIDDLE_NAME = "MIDDLE_NAME"
    GIVEN_NAME = "GIVEN_NAME"
    BIRTH_DATE = "BIRTH_DATE"
    GENDER = "GENDER"
    ADDRESS = "ADDRESS"
    WARD_CODE = "WARD_CODE"
    WARD_NAME = "WARD_NAME"
    DISTRICT_NAME = "DISTRICT_NAME"
    PROVINCE_NAME = "PROVINCE_NAME"
    ISSUE_DATE = "ISSUE_DATE"
    DISTRICT_CODE = "DISTRICT_CODE"
    PROVINCE_CODE = "PROVINCE_CODE"


NUMBER_FIELDS = (RegisterField.CITIZEN_NUMBER, RegisterField.OLD_NUMBER, RegisterField.INSURANCE_NUMBER)

# Letters and digits of the column's name without accents; what stands earlier is preferred where two columns fit.
# From the forms of Circular 3176/QĐ-BYT (its table 1), of the residence register and of lists seen in public
# repositories; a guess that the importer sees and corrects before anything is written.
_NAMES: dict[RegisterField, str] = {
    RegisterField.CITIZEN_NUMBER: (
        "socccd cccd sodinhdanhcanhan sodinhdanh madinhdanhcanhan madinhdanh soddcn ddcn sodinhdanhcn socancuoc "
        "socancuoccongdan cancuoccongdan cancuoc socccdddcn cccdddcn socccdcmnd socmndcccd cccdcmnd cmndcccd cmtcccd "
        "cccdcmt socmtcccd citizennumber citizenid nationalid nationalidnumber personalnumber personalid idnumber"
    ),
    RegisterField.OLD_NUMBER: (
        "socmnd cmnd socmt cmt cmndcu socmndcu socmtcu chungminhnhandan sochungminhnhandan sochungminh oldnumber "
        "oldidnumber oldid oldidentitynumber"
    ),
    RegisterField.INSURANCE_NUMBER: (
        "mathebhyt sothebhyt thebhyt bhyt masobhxh sobhxh sosobhxh bhxh mathe sothe insurancenumber insurancecard "
        "insuranceid healthinsurancenumber"
    ),
    RegisterField.FULL_NAME: (
        "hoten hovaten hochudemvatenkhaisinh hochudemvaten hotenkhaisinh hotendaydu hotenbn hotenbenhnhan tenbenhnhan "
        "tencongdan hotencongdan fullname patientname name"
    ),
    RegisterField.FAMILY_NAME: "hodem hovatendem hochudem hovachudem ho familyname lastname surname",
    RegisterField.MIDDLE_NAME: "tendem chudem dem middlename",
    RegisterField.GIVEN_NAME: "ten givenname firstname",
    RegisterField.BIRTH_DATE: (
        "ngaysinh ngaythangnamsinh ngaythangnam sinhngay dateofbirth birthdate birthday dob namsinh yearofbirth "
        "birthyear"
    ),
    RegisterField.GENDER: "gioitinh phai gioi gt gender sex",
    RegisterField.ADDRESS: (
        "diachi diachithuongtru noithuongtru noiothuongtru thuongtru hokhauthuongtru hktt diachicutru noicutru "
        "noiohientai address permanentaddress residence sonhathonxom thonxom thonban thon"
    ),
    RegisterField.WARD_CODE: "maxacutru maxa maxaphuong maphuongxa maphuong wardcode communecode",
    RegisterField.WARD_NAME: "xaphuong phuongxa xaphuongthitran tenxa xa phuong wardname communename ward commune",
    RegisterField.DISTRICT_NAME: "quanhuyen huyenquan tenhuyen huyen districtname district",
    RegisterField.PROVINCE_NAME: "tinhthanhpho tinhthanh tentinh tinh thanhpho provincename province city",
    RegisterField.ISSUE_DATE: "ngaycapcccd ngaycapcancuoc ngaycap issuedate dateofissue",
    RegisterField.DISTRICT_CODE: "mahuyencutru mahuyen maquanhuyen districtcode",
    RegisterField.PROVINCE_CODE: "matinhcutru matinh matinhthanh provincecode",
}
_MEANINGS: dict[str, tuple[RegisterField, int]] = {
    word: (field, rank) for field, names in _NAMES.items() for rank, word in enumerate(names.split())
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column and what it holds."""

    name: str
    field: RegisterField | None
    """None: it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How to read a file."""

    file_format: FileFormat
    encoding: Encoding = Encoding.UTF_8
    """Of CSV only."""
    delimiter: str = ","
    """Of CSV only."""
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in the order of the file."""
        return tuple(column.name for column in self.columns)

    @property
    def places(self) -> dict[RegisterField, int]:
        """Where each field stands in a row."""
        return {column.field: place for place, column in enumerate(self.columns) if column.field is not None}


def meaning_of(name: str) -> tuple[RegisterField, int] | None:
    """What a column's name says it holds, with a rank in which 0 is the surest; None for an unknown name."""
    return _MEANINGS.get(_NOT_A_LETTER.sub("", fold(name)))


def guess_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """Give each column its likely field; of two columns for one field the surer name has it, then the first."""
    best: dict[RegisterField, tuple[int, int]] = {}
    for place, name in enumerate(names):
        if (found := meaning_of(name)) is not None:
            field, rank = found
            best[field] = min(best.get(field, (rank, place)), (rank, place))
    chosen = {place: field for field, (_, place) in best.items()}
    return tuple(Column(name=name, field=chosen.get(place)) for place, name in enumerate(names))


def missing_fields(columns: Iterable[Column]) -> tuple[str, ...]:
    """What no column gives and no row can do without; CITIZEN_NUMBER stands for any number."""
    given = {column.field for column in columns}
    missing = []
    if given.isdisjoint(NUMBER_FIELDS):
        missing.append(RegisterField.CITIZEN_NUMBER)
    if (
        RegisterField.FULL_NAME not in given
        and not {
            RegisterField.FAMILY_NAME,
            RegisterField.GIVEN_NAME,
        }
        <= given
    ):
        missing.append(RegisterField.FULL_NAME)
    missing += [each for each in (RegisterField.BIRTH_DATE, RegisterField.GENDER) if each not in given]
    return tuple(missing)


def twice_mapped(columns: Iterable[Column]) -> RegisterField | None:
    """A field that two columns claim to hold, or None."""
    seen: set[RegisterField] = set()
    for column in columns:
        if column.field in seen:
            return column.field
        if column.field is not None:
            seen.add(column.field)
    return None
