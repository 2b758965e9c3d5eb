"""What a claim is built from, as the services and the facility hold it, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from insurance_svc.domain.model import Coverage, StoredSplit

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class StayKind(StrEnum):
    """Kind of stay as the record tells it."""

    OUTPATIENT = "OUTPATIENT"
    INPATIENT = "INPATIENT"
    EMERGENCY = "EMERGENCY"


class EntryKind(StrEnum):
    """What an entry of the record is about."""

    NOTE = "NOTE"
    VITAL_SIGNS = "VITAL_SIGNS"
    DIAGNOSIS = "DIAGNOSIS"
    SERVICE = "SERVICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEntry:
    """One thing written into the visit."""

    kind: EntryKind
    code: str
    text: str = field(repr=False)
    record_time: datetime
    author: str
    """Subject of the author's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecord:
    """The visit as emr_svc holds it."""

    visit_id: str
    citizen_id: str
    facility: str
    link_id: str
    """MA_LK."""
    kind: StayKind
    reason_text: str = field(repr=False)
    open_time: datetime
    close_time: datetime | None
    entries: tuple[VisitEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Residence:
    """Administrative codes of where a person lives; districts ended on 01/07/2025."""

    province_code: str
    district_code: str
    ward_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The patient as identity_svc holds them."""

    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM, YYYY-MM-DD or empty."""
    gender: str
    """GIOI_TINH: 1 male, 2 female, 3 other; empty when not known."""
    citizen_number: str = field(repr=False)
    """12 digits, or empty."""
    other_number: str = field(repr=False)
    """Passport or other number of somebody without a citizen number; may be empty."""
    address_text: str = field(repr=False)
    residence: Residence | None
    """None while the address leads to none or to several units."""
    former_residence: Residence | None
    """The same before 01/07/2025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityFacts:
    """What a facility says about itself in its own file."""

    code: str
    province_code: str
    """maTinh of the portal: the first two characters of the code unless told."""
    director_licence: str
    """MA_TTDV."""
    department_code: str
    """MA_KHOA where a visit or line names none; empty: it must be named."""
    payment_method: str
    """MA_PTTT: 1 fee for service, 2 capitation, 3 diagnosis group."""
    patient_prefix: str = ""
    """In front of our own id of the citizen in MA_BN."""
    record_prefix: str = ""
    """In front of the link number in MA_HSBA."""
    examination_code: str = ""
    """What a check-in orders first (XML0)."""
    examination_name: str = ""
    staff: Mapping[str, str] = field(default_factory=dict)
    """Subject of a token to practice licence number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFacts:
    """Everything a claim is built from."""

    visit: VisitRecord
    person: Person
    coverage: Coverage | None
    split: StoredSplit | None
    facility: FacilityFacts | None
    month: str
    """YYYY-MM in which it is settled; empty: that of the discharge."""
    today: date


class Holder(StrEnum):
    """Who holds a fact."""

    RECORD = "RECORD"
    IDENTITY = "IDENTITY"
    COVERAGE = "COVERAGE"
    BILL = "BILL"
    FACILITY = "FACILITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """One thing that a claim needs and nobody recorded; names places, never values."""

    code: str
    """UPPER_SNAKE; a key of LACKS."""
    holder: Holder
    table: str = ""
    row: int = 0
    field: str = ""

    @property
    def message_vi(self) -> str:
        """What to do, in Vietnamese."""
        return LACKS[self.code][0].format(field=self.field, table=self.table, where=WHERE[self.holder][0])

    @property
    def message_en(self) -> str:
        """The same in English."""
        return LACKS[self.code][1].format(field=self.field, table=self.table, where=WHERE[self.holder][1])


WHERE = {
    Holder.RECORD: ("trong hồ sơ lượt khám", "in the visit's record"),
    Holder.IDENTITY: ("trong thông tin hành chính của người bệnh", "in the patient's identity"),
    Holder.COVERAGE: ("bằng cách tra cứu thẻ BHYT", "by a look-up of the card"),
    Holder.BILL: ("ở dòng chi phí", "on the bill's line"),
    Holder.FACILITY: ("trong tệp thông tin cơ sở", "in the facility's file"),
}
LACKS = {
    "VISIT_OPEN": (
        "Lượt khám chưa kết thúc; hãy kết thúc lượt khám.",
        "The visit is still open; close it.",
    ),
    "SPLIT_MISSING": (
        "Lượt khám chưa được tính chi phí; hãy tính chi phí.",
        "The visit's cost is not split; split it.",
    ),
    "SPLIT_PROVISIONAL": (
        "Chi phí mới tạm tính vì chưa xác minh được BHYT; hệ thống sẽ tự tính lại.",
        "The split is provisional until the coverage is verified; it is computed again by itself.",
    ),
    "SPLIT_STALE": (
        "Chi phí được tính theo kết quả tra cứu cũ; hãy tính lại chi phí.",
        "The split rests on an older look-up; split again.",
    ),
    "COVERAGE_MISSING": (
        "Lượt khám chưa tra cứu BHYT; hãy tra cứu.",
        "The coverage was never looked up; look it up.",
    ),
    "COVERAGE_PENDING": (
        "Chưa xác minh được BHYT; hệ thống sẽ tự tra cứu lại.",
        "The coverage is not verified yet; it is checked again by itself.",
    ),
    "CARD_MISSING": (
        "Chưa có số thẻ BHYT; hãy ghi thẻ giấy của người bệnh vào hồ sơ (XML1.MA_THE_BHYT).",
        "The look-up gave no card; record the paper card in the visit (XML1.MA_THE_BHYT).",
    ),
    "FACILITY_FACTS_MISSING": (
        "Chưa khai báo thông tin cơ sở để lập hồ sơ; hãy báo quản trị.",
        "The facility is not in the file of claim facts; tell the administrator.",
    ),
    "ADDRESS_UNRESOLVED": (
        "Địa chỉ chưa xác định được xã, tỉnh; hãy chọn đơn vị hành chính đúng.",
        "The address leads to no single commune; choose it in the identity record.",
    ),
    "PRINCIPAL_DIAGNOSIS_MISSING": (
        "Chưa có chẩn đoán bệnh chính; hãy ghi mã ICD-10.",
        "No diagnosis is recorded; record its ICD-10 code.",
    ),
    "FIELD_NOT_RECORDED": (
        "Thiếu {field} của {table}; hãy bổ sung {where}.",
        "{field} of {table} is not recorded; record it {where}.",
    ),
    "NOTE_UNREADABLE": (
        "Ghi chú {table} của hồ sơ có dòng không dùng được ({field}); hãy ghi lại.",
        "A {table} note of the record has a line that cannot be used ({field}); write it again.",
    ),
}
"""What each lack says, in Vietnamese and English."""


def local(moment: datetime) -> str:
    """A moment as claims write it: yyyyMMddHHmm in Viet Nam."""
    return f"{moment.astimezone(VIETNAM):%Y%m%d%H%M}"


def day_of(moment: datetime) -> date:
    """The calendar day of a moment in Viet Nam."""
    return moment.astimezone(VIETNAM).date()
