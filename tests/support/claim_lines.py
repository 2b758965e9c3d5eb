"""The lines of an invented claim: drugs, blood, examinations, tests, operations, beds, supplies, transport.

Facility, staff and item codes are invented; diagnoses are real codes of the shipped fixture.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from standards.claims import Row
from tests.support.claim_money import money_of_drug, money_of_service, stamp, thousandths

FACILITY = "99001"
OTHER_FACILITIES = ("99002", "99015", "99117")
STAFF = tuple(f"0990{number:02d}/TEST-GPHN" for number in range(1, 21))
# Known to the shipped ICD-10 fixture, for both sexes and every age.
DIAGNOSES = (
    "J00", "J18.9", "I10", "E11.9", "K02.1", "A09.0", "J20.9", "H10.9", "J45.9", "E78.5", "D50.9", "G40.9",
)  # fmt: skip
DRUGS = {
    "40.155": ("Amoxicilin thử", "500mg"),
    "40.2": ("Atropin thử", "0,25mg"),
    "40.559": ("Vitamin thử", "10mg"),
}
PAID_BY_RATIO = "40.370"
SERVICES = {
    "22.0120.1370": ("1", "Tổng phân tích tế bào máu", "HH.1.99001.A12345"),
    "23.0075.1494": ("1", "Định lượng Glucose", "SH.1.99001.B77"),
    "18.0001.0001": ("2", "Siêu âm tuyến giáp", "SA.2.99001.C901"),
    "18.0067.0028": ("2", "Chụp X-quang sọ", "XQ.3[vaynganhang].99001.D4"),
    "02.0085.1778": ("3", "Điện tim thường", "ĐT.1.99001.E5"),
}
SUPPLIES = ("N03.05.010", "N07.04.030", "N06.02.020.0123.174.0001")


@dataclass(kw_only=True)
class Plan:
    """What a claim shall be; whatever is left out is drawn."""

    kind: str = ""
    day: date | None = None
    drug_count: int = -1
    service_count: int = -1
    supply_count: int = -1
    has_birth: bool = False
    is_referred_in: bool = False
    is_referred_out: bool = False
    has_appointment: bool = False
    has_leave: bool = False
    card_count: int = 1
    has_other_funding: bool = False
    has_undercharge: bool = False
    patient_age_years: int = -1


@dataclass(kw_only=True)
class Visit:
    """The claim while it is made."""

    rng: random.Random
    plan: Plan
    link: str
    admit: datetime
    leave: datetime
    rate: int
    is_2024: bool
    summary: Row = field(default_factory=dict)
    drugs: list[Row] = field(default_factory=list)
    services: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)

    @property
    def head(self) -> str:
        """Who signs for the facility; 4750 had room for a social insurance number only."""
        return "9900000001" if self.is_2024 else STAFF[0]

    def moment(self, low: float = 0.1, high: float = 0.6) -> datetime:
        """A moment inside the stay, by its share."""
        share = self.rng.uniform(low, high)
        return (self.admit + (self.leave - self.admit) * share).replace(second=0, microsecond=0)


def add_lines(visit: Visit) -> None:
    """Fill in drugs, services and their results, as many as the plan says."""
    plan = visit.plan
    for _ in range(_count(visit, plan.drug_count, 6)):
        visit.drugs.append(_drug(visit))
    if plan.kind == "03" and visit.rng.random() < 0.3:
        visit.drugs += [_oxygen(visit), *_blood(visit)]
    for position in range(1 if plan.kind in ("03", "04") else visit.rng.randrange(1, 4)):
        visit.services.append(_examination(visit, position))
    for _ in range(_count(visit, plan.service_count, 5)):
        _add_test(visit)
    if plan.kind in ("03", "04"):
        visit.services += _beds(visit)
        for position in range(visit.rng.randrange(3)):
            visit.services.append(_surgery(visit, position))
    for _ in range(_count(visit, plan.supply_count, 3)):
        visit.services.append(_supply(visit))
    if plan.is_referred_out and visit.rng.random() < 0.5:
        visit.services.append(_transport(visit))


def _count(visit: Visit, planned: int, most: int) -> int:
    return visit.rng.randrange(1, most + 1) if planned < 0 else planned


def _others(visit: Visit, cents_at_most: int) -> int:
    if visit.plan.has_other_funding and visit.rng.random() < 0.4:
        return visit.rng.randrange(1, cents_at_most)
    return 0


def _line(visit: Visit, ordered: datetime) -> Row:
    return {
        "MA_LK": visit.link, "PHAM_VI": "1", "TYLE_TT_BH": "100", "MUC_HUONG": str(visit.rate), "MA_KHOA": "K01",
        "MA_BAC_SI": visit.rng.choice(STAFF), "NGAY_YL": stamp(ordered), "MA_PTTT": "1",
    }  # fmt: skip


def _drug(visit: Visit) -> Row:
    rng = visit.rng
    code = rng.choice((*DRUGS, PAID_BY_RATIO))
    name, strength = DRUGS.get(code, ("Thuốc theo tỷ lệ", "20mg/ml"))
    ordered = visit.moment()
    row = _line(visit, ordered) | {
        "MA_THUOC": code, "MA_NHOM": "6" if code == PAID_BY_RATIO else "4", "TEN_THUOC": name, "HAM_LUONG": strength,
        "DON_VI_TINH": "Viên", "DUONG_DUNG": "1.01", "DANG_BAO_CHE": "Viên nén",
        "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 5 ngày [2 viên/ngày]", "CACH_DUNG": "Uống sau ăn",
        "SO_DANG_KY": f"VD-{rng.randrange(10_000, 99_999)}-{rng.randrange(10, 25)}",
        "TT_THAU": rng.choice(("57/QĐ-TEST;G1;N1;2025", "57/QĐ-TEST;G1;N1;2025;G1.02", "46/QĐ-TEST;G1;N2;2024;00")),
        "NGAY_TH_YL": stamp(ordered + timedelta(minutes=5)), "NGUON_CTRA": "1",
    }  # fmt: skip
    if code == PAID_BY_RATIO:
        row["TYLE_TT_BH"] = rng.choice(("50", "70"))
    if rng.random() < 0.1:
        row |= {"MA_THUOC": "", "MA_NHOM": "5", "PHAM_VI": "2", "TYLE_TT_BH": "0"}
        row |= {"MA_THUOC": "00.0000"} if visit.is_2024 else {}
    price = rng.randrange(500_000, 400_000_000)
    money_of_drug(row, quantity=rng.randrange(1, 60) * 500, price=price, others=_others(visit, 300_000))
    return row


def _oxygen(visit: Visit) -> Row:
    row = _drug(visit) | {
        "MA_THUOC": "40.17", "MA_NHOM": "4", "TEN_THUOC": "Khí oxy", "HAM_LUONG": "", "DANG_BAO_CHE": "Khí",
        "SO_DANG_KY": "", "DON_VI_TINH": "Lít", "PHAM_VI": "1", "TYLE_TT_BH": "100",
    }  # fmt: skip
    money_of_drug(row, quantity=100_000, price=5_250, others=0)
    return row


def _blood(visit: Visit) -> list[Row]:
    blood = _drug(visit) | {
        "MA_THUOC": "M0101.KT", "MA_NHOM": "7", "TEN_THUOC": "Khối hồng cầu thử", "HAM_LUONG": "", "SO_DANG_KY": "",
        "TT_THAU": "", "PHAM_VI": "1", "TYLE_TT_BH": "100",
    }  # fmt: skip
    money_of_drug(blood, quantity=1_000, price=912_000_000, others=0)
    drive = blood | {
        "MA_THUOC": f"VM.{OTHER_FACILITIES[0]}", "MA_NHOM": "17", "TEN_THUOC": "Vận chuyển máu", "DUONG_DUNG": "",
        "LIEU_DUNG": "",
    }  # fmt: skip
    money_of_drug(drive, quantity=1_000, price=17_000_000, others=0)
    return [blood, drive]


def _service(visit: Visit, ordered: datetime, code: str, group: str, name: str) -> Row:
    return _line(visit, ordered) | {
        "MA_DICH_VU": code, "MA_NHOM": group, "TEN_DICH_VU": name, "DON_VI_TINH": "Lần", "TYLE_TT_DV": "100",
        "MA_BENH": visit.rng.choice(DIAGNOSES), "NGUOI_THUC_HIEN": ";".join(visit.rng.sample(STAFF, 2)),
        "NGAY_TH_YL": stamp(ordered + timedelta(minutes=4)), "NGAY_KQ": stamp(ordered + timedelta(minutes=40)),
    }  # fmt: skip


def _examination(visit: Visit, position: int) -> Row:
    rng = visit.rng
    ordered = visit.admit + timedelta(minutes=3 + 7 * position)
    row = _service(visit, ordered, f"{position + 2:02d}.1896", "13", "Khám thử")
    row["TYLE_TT_DV"] = str((100, 30, 30, 30, 10)[position])
    fund_price = rng.choice((36_500_000, 45_000_000, 50_600_000))
    price = fund_price + rng.choice((0, 0, 59_400_000))
    money_of_service(
        row,
        quantity=1_000,
        price=price,
        fund_price=fund_price,
        others=_others(visit, 200_000),
        is_undercharged=visit.plan.has_undercharge and position > 0,
    )
    return row


def _add_test(visit: Visit) -> None:
    rng = visit.rng
    code = rng.choice(tuple(SERVICES))
    group, name, machine = SERVICES[code]
    ordered = visit.moment(0.12, 0.6)
    row = _service(visit, ordered, code, group, name) | {"MA_MAY": machine}
    price = rng.randrange(20_000_000, 300_000_000)
    money_of_service(row, quantity=1_000, price=price, fund_price=price, others=_others(visit, 400_000))
    visit.services.append(row)
    result = {
        "MA_LK": visit.link, "MA_DICH_VU": code, "MA_CHI_SO": code, "TEN_CHI_SO": name, "DON_VI_DO": "mmol/L",
        "NGAY_KQ": row["NGAY_KQ"], "MA_BS_DOC_KQ": rng.choice(STAFF),
    }  # fmt: skip
    result |= (
        {"GIA_TRI": "5.4"} if group == "1" else {"MO_TA": "Không thấy bất thường", "KET_LUAN": "Bình thường"}
    )
    visit.results.append(result)


def _beds(visit: Visit) -> list[Row]:
    """One bed for most of the stay, and another one for the rest when there is time."""
    rng, days = visit.rng, (visit.leave.date() - visit.admit.date()).days
    start = visit.admit + timedelta(minutes=45)
    if visit.plan.kind == "04":
        row = _service(visit, start, "K01.14", "14", "Giường ban ngày") | {"MA_GIUONG": "H003"}
        row |= {"NGAY_TH_YL": stamp(start), "NGAY_KQ": stamp(visit.leave), "DON_VI_TINH": "Ngày"}
        money_of_service(row, quantity=1_000, price=257_100_000, fund_price=257_100_000, others=0)
        return [row]
    spans = [(start, visit.leave, days)]
    if days > 3:
        change = start + timedelta(days=2)
        spans = [(start, change, 2), (change, visit.leave, days - 2)]
    beds = []
    for number, (first, last, count) in enumerate(spans):
        row = _service(visit, first, f"K{number + 1:02d}.1916", "15", "Giường nội khoa thử")
        row |= {"MA_GIUONG": f"{rng.choice('HT')}{rng.randrange(1, 60):03d}", "DON_VI_TINH": "Ngày"}
        row |= {
            "NGAY_TH_YL": stamp(first),
            "NGAY_KQ": stamp(last),
            "TYLE_TT_DV": rng.choice(("100", "100", "50", "33")),
        }
        money_of_service(row, quantity=count * 1_000, price=212_600_000, fund_price=212_600_000, others=0)
        beds.append(row)
    return beds


def _surgery(visit: Visit, position: int) -> Row:
    rng = visit.rng
    ordered = visit.admit + (visit.leave - visit.admit) * 0.4
    row = _service(
        visit, ordered.replace(second=0), f"10.09{position:02d}.05{position:02d}", "8", "Phẫu thuật thử"
    )
    row |= {
        "PP_VO_CAM": "1",
        "MA_PTTT_QT": "79.36",
        "VI_TRI_TH_DVKT": "12",
        "GOI_VTYT": "G1",
        "MA_MAY": "PT.1.99001.F6",
    }
    row["TYLE_TT_DV"] = "100" if not position else rng.choice(("50", "80"))
    money_of_service(
        row, quantity=1_000, price=3_577_600_000, fund_price=3_577_600_000, others=_others(visit, 90_000)
    )
    return row


def _supply(visit: Visit) -> Row:
    rng = visit.rng
    row = _line(visit, visit.moment()) | {
        "MA_VAT_TU": rng.choice(SUPPLIES), "MA_NHOM": "10", "TEN_VAT_TU": "Vật tư thử", "DON_VI_TINH": "Cái",
        "TYLE_TT_DV": "100", "TT_THAU": rng.choice(("20.00;G1;N1;2021", "132.99001;G1;N0;2024")),
        "MA_HIEU_SP": f"SP{rng.randrange(10_000)}",
    }  # fmt: skip
    if visit.is_2024:
        row["MA_BENH"] = rng.choice(DIAGNOSES)
    row["NGAY_TH_YL"] = row["NGAY_YL"]
    price = fund_price = rng.randrange(5_000_000, 9_000_000_000)
    chance = rng.random()
    if chance < 0.3:
        fund_price = price * 2 // 3
        row["T_TRANTT"] = thousandths(fund_price)
    elif chance < 0.45:
        row["TAI_SU_DUNG"] = "1"
    money_of_service(
        row,
        quantity=rng.randrange(1, 4) * 1_000,
        price=price,
        fund_price=fund_price,
        others=_others(visit, 500_000),
    )
    return row


def _transport(visit: Visit) -> Row:
    ordered = visit.leave - timedelta(minutes=30)
    row = _service(visit, ordered, f"VC.{OTHER_FACILITIES[0]}", "12", "Vận chuyển người bệnh")
    row |= {"MA_XANG_DAU": "X.01", "NGAY_TH_YL": stamp(ordered), "NGAY_KQ": stamp(visit.leave)}
    money_of_service(row, quantity=12_500, price=21_000_000, fund_price=21_000_000, others=0)
    return row
