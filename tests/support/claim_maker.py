"""Makes claims without a defect from a seed: invented people (prefix 099), every kind of visit, papers and cards.

Wards are real ones of before and after July 2025; everything else that could point to somebody is invented.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from standards.claims import ClaimFile, ClaimRecord, Row
from standards.claims.lint import CatalogueItem, CodeLists, Icd10
from tests.support.claim_lines import (
    DIAGNOSES,
    DRUGS,
    FACILITY,
    OTHER_FACILITIES,
    PAID_BY_RATIO,
    SERVICES,
    STAFF,
    SUPPLIES,
    Plan,
    Visit,
    add_lines,
)
from tests.support.claim_money import cents, dong, stamp

OLD_PLACES = (("01", "001", "00001"), ("01", "001", "00004"))
NEW_PLACES = (("01", "", "00004"), ("01", "", "00166"))
FAMILY, MIDDLE = ("NGUYỄN", "NÔNG", "TRIỆU", "HOÀNG"), ("VĂN", "THỊ", "MINH")
GIVEN = ("THỬ", "MẪU", "GIẢ", "VÍ DỤ")
KINDS = ("01", "01", "01", "02", "03", "03", "04", "05", "08", "09")
DAYS = (date(2024, 9, 3), date(2025, 3, 4), date(2025, 8, 5), date(2026, 1, 6), date(2026, 9, 8))


def drawn_plan(rng: random.Random) -> Plan:
    """A plan such as a hospital's month would bring."""
    kind = rng.choice(KINDS)
    has_birth = kind == "03" and rng.random() < 0.2
    is_referred_out = not has_birth and rng.random() < 0.15
    return Plan(
        kind=kind,
        day=rng.choice(DAYS) + timedelta(days=rng.randrange(20)),
        has_birth=has_birth,
        is_referred_in=rng.random() < 0.15,
        is_referred_out=is_referred_out,
        has_appointment=not is_referred_out and rng.random() < 0.4,
        has_leave=kind == "01" and rng.random() < 0.2,
        card_count=2 if rng.random() < 0.15 else 1,
        has_other_funding=rng.random() < 0.25,
        has_undercharge=rng.random() < 0.2,
    )


def clean_claim(seed: int, plan: Plan | None = None) -> ClaimRecord:
    """One visit without a defect; the same seed makes the same one."""
    rng = random.Random(seed)
    plan = plan or drawn_plan(rng)
    plan.kind = plan.kind or "01"
    day = plan.day or date(2026, 1, 6)
    admit = datetime.combine(day, time(8, rng.randrange(60)))
    length = {
        "03": timedelta(days=rng.randrange(2, 9), hours=3),
        "04": timedelta(hours=9),
        "09": timedelta(hours=3),
    }
    leave = admit + length.get(plan.kind, timedelta(hours=rng.randrange(3, 8)))
    if plan.kind in ("02", "08"):
        leave = admit + timedelta(days=5)
    visit = Visit(
        rng=rng, plan=plan, link=f"TEST{seed:08d}", admit=admit, leave=leave, rate=rng.choice((80, 95, 100)),
        is_2024=day.year == 2024,
    )  # fmt: skip
    add_lines(visit)
    visit.summary = _summary(visit)
    tables: dict[str, list[Row]] = {"XML1": [visit.summary]}
    tables |= {"XML2": visit.drugs, "XML3": visit.services, "XML4": visit.results, "XML5": _notes(visit)}
    tables |= _papers(visit)
    return ClaimRecord(tables={name: _numbered(name, rows) for name, rows in tables.items() if rows})


def claim_file(*records: ClaimRecord, is_signed: bool = True, made_date: str = "20261120") -> ClaimFile:
    """A file around visits."""
    return ClaimFile(
        facility_code=FACILITY,
        made_date=made_date,
        record_count=str(len(records)),
        records=records,
        is_signed=is_signed,
    )


def long_claim(line_count: int = 1_200, seed: int = 7) -> ClaimRecord:
    """A long stay; three in ten of its lines are drugs, the rest services with results, and supplies."""
    plan = Plan(
        kind="03",
        day=date(2026, 1, 6),
        drug_count=line_count * 3 // 10,
        service_count=line_count * 4 // 10,
        supply_count=line_count * 3 // 10 - 20,
    )
    return clean_claim(seed, plan)


def _summary(visit: Visit) -> Row:
    rng, plan = visit.rng, visit.plan
    day = visit.admit.date()
    age = plan.patient_age_years if plan.patient_age_years >= 0 else rng.randrange(18, 90)
    sex = "2" if plan.has_birth else rng.choice("12")
    age = rng.randrange(20, 40) if plan.has_birth else age
    province, district, ward = rng.choice(OLD_PLACES if day < date(2025, 7, 1) else NEW_PLACES)
    cards = [
        f"{rng.choice(('GD', 'DN', 'HT'))}499{rng.randrange(10**10):010d}" for _ in range(plan.card_count)
    ]
    birth = date(day.year - age - 1, rng.randrange(1, 13), rng.randrange(1, 28))
    row: Row = {
        "MA_LK": visit.link, "MA_BN": f"BN{rng.randrange(10**8):08d}",
        "HO_TEN": " ".join((rng.choice(FAMILY), rng.choice(MIDDLE), rng.choice(GIVEN))),
        "SO_CCCD": f"099{rng.randrange(10**9):09d}",
        "NGAY_SINH": rng.choice((f"{birth:%Y%m%d}0000", f"{birth:%Y}00000000")),
        "GIOI_TINH": sex, "MA_QUOCTICH": "000", "MA_DANTOC": f"{rng.randrange(1, 55):02d}",
        "MA_NGHE_NGHIEP": rng.choice(("00", "00000", "61", "22110")), "DIA_CHI": "Số 1, thôn Thử",
        "MATINH_CU_TRU": province, "MAHUYEN_CU_TRU": district, "MAXA_CU_TRU": ward,
        "MA_THE_BHYT": ";".join(cards), "MA_DKBD": ";".join([FACILITY] * len(cards)),
        "LY_DO_VV": "Mệt", "CHAN_DOAN_VAO": "Theo dõi", "CHAN_DOAN_RV": "Chẩn đoán thử",
        "MA_DOITUONG_KCB": "1.3" if plan.is_referred_in else rng.choice(("1.1", "2", "1.5")),
        "NGAY_VAO": stamp(visit.admit), "NGAY_RA": stamp(visit.leave), "KET_QUA_DTRI": rng.choice("1234"),
        "MA_LOAI_RV": "1", "MA_LOAI_KCB": plan.kind, "MA_KHOA": "K01;K02", "MA_CSKCB": FACILITY,
        "CAN_NANG": rng.choice(("51", "62.5", "70.25")), "MA_HSBA": f"HS{rng.randrange(10**6)}", "MA_TTDV": visit.head,
        "NGAY_TTOAN": stamp(visit.leave + timedelta(minutes=20)),
    }  # fmt: skip
    codes = rng.sample(DIAGNOSES, rng.randrange(1, 5))
    row |= {"MA_BENH_CHINH": codes[0], "MA_BENH_KT": ";".join(codes[1:])}
    row |= _card_days(day, len(cards)) | _stay(visit) | _totals(visit)
    paid = visit.leave + timedelta(minutes=20)
    row |= {"NAM_QT": str(paid.year), "THANG_QT": f"{paid.month:02d}"}
    if plan.is_referred_in:
        row |= {"GIAY_CHUYEN_TUYEN": f"{rng.randrange(999)}/GCT", "MA_NOI_DI": rng.choice(OTHER_FACILITIES)}
    if plan.is_referred_out:
        row |= {"MA_LOAI_RV": rng.choice("25"), "MA_NOI_DEN": rng.choice(OTHER_FACILITIES)}
    if any(line.get("MA_PTTT_QT") for line in visit.services):
        row["MA_PTTT_QT"] = "79.36;47.01"
    if plan.has_birth:
        row["CAN_NANG_CON"] = ";".join(["3100", "2900"][: rng.randrange(1, 3)])
    if rng.random() < 0.2:
        row["NAM_NAM_LIEN_TUC"] = "20200101"
    return row


def _card_days(day: date, count: int) -> Row:
    """The first card ends during the year and the next one begins there."""
    if count == 1:
        return {"GT_THE_TU": f"{day.year}0101", "GT_THE_DEN": f"{day.year}1231"}
    change = day + timedelta(days=1)
    return {
        "GT_THE_TU": f"{day.year}0101;{change:%Y%m%d}",
        "GT_THE_DEN": f"{day:%Y%m%d};{change.year + 1}1231",
    }


def _stay(visit: Visit) -> Row:
    kind = visit.plan.kind
    whole = (visit.leave.date() - visit.admit.date()).days + 1
    days = {"03": whole, "04": whole, "05": 30, "09": 0, "01": 0 if visit.is_2024 else 1}.get(kind, whole)
    if kind in ("02", "08") and not visit.is_2024:
        days = len({line["NGAY_TH_YL"][:8] for line in visit.services if line.get("MA_DICH_VU")})
    row = {"SO_NGAY_DTRI": str(days), "PP_DIEU_TRI": "Nội khoa"}
    if kind in ("03", "04"):
        row |= {"NGAY_VAO_NOI_TRU": stamp(visit.admit + timedelta(minutes=40)), "LY_DO_VNT": "Sốt cao"}
    return row


def _totals(visit: Visit) -> Row:
    lines = [*visit.drugs, *visit.services]

    def total(rows: list[Row], name: str) -> str:
        return dong(sum(cents(row[name]) for row in rows))

    supplies = [row for row in visit.services if row["MA_NHOM"] in ("10", "11")]
    return {
        "T_THUOC": total(visit.drugs, "THANH_TIEN_BV"), "T_VTYT": total(supplies, "THANH_TIEN_BV"),
        "T_TONGCHI_BV": total(lines, "THANH_TIEN_BV"), "T_TONGCHI_BH": total(lines, "THANH_TIEN_BH"),
        "T_BNTT": total(lines, "T_BNTT"), "T_BNCCT": total(lines, "T_BNCCT"), "T_BHTT": total(lines, "T_BHTT"),
        "T_NGUONKHAC": total(lines, "T_NGUONKHAC"), "T_BHTT_GDV": total(lines, "T_BHTT"),
    }  # fmt: skip


def _notes(visit: Visit) -> list[Row]:
    if visit.plan.kind in ("01", "07"):
        return []
    return [
        {
            "MA_LK": visit.link,
            "DIEN_BIEN_LS": "Tỉnh; CSST<M75_T37_HA120/70_NT18_HL2>",
            "THOI_DIEM_DBLS": stamp(visit.moment(0.05, 0.9)),
            "NGUOI_THUC_HIEN": visit.rng.choice(STAFF),
        }
        for _ in range(visit.rng.randrange(1, 4))
    ]


def _papers(visit: Visit) -> dict[str, list[Row]]:
    summary, plan = visit.summary, visit.plan
    leave_day = f"{visit.leave:%Y%m%d}"
    signers = {"MA_BS": STAFF[1], "MA_TTDV": visit.head, "NGAY_CT": leave_day}
    same = {name: summary[name] for name in ("MA_LK", "NGAY_VAO", "NGAY_RA", "CHAN_DOAN_RV")}
    papers: dict[str, list[Row]] = {}
    if plan.kind in ("03", "04"):
        papers["XML7"] = [
            same
            | signers
            | {
                "SO_LUU_TRU": "LT1",
                "MA_YTE": summary["MA_BN"],
                "MA_KHOA_RV": "K01",
                "PP_DIEUTRI": "Nội khoa",
                "TEN_BS": "Bác sĩ Thử",
                "MA_DINH_CHI_THAI": "0",
            }
        ]
        papers["XML8"] = [
            same | {
                "MA_LOAI_KCB": plan.kind, "CHAN_DOAN_VAO": "Theo dõi", "QT_BENHLY": "Ổn", "TOMTAT_KQ": "Bình thường",
                "PP_DIEUTRI": "Nội khoa", "KET_QUA_DTRI": summary["KET_QUA_DTRI"], "MA_TTDV": visit.head,
                "NGAY_CT": leave_day,
            }
        ]  # fmt: skip
    makers: tuple[tuple[str, bool, Callable[[Visit], list[Row]]], ...] = (
        ("XML9", plan.has_birth, _births),
        ("XML11", plan.has_leave, _sick_leave),
        ("XML13", plan.is_referred_out, _referral),
        ("XML14", plan.has_appointment, _appointment),
    )
    for name, is_wanted, make in makers:
        if is_wanted:
            papers[name] = make(visit)
    return papers


def _births(visit: Visit) -> list[Row]:
    summary = visit.summary
    weights = summary["CAN_NANG_CON"].split(";")
    born = visit.moment(0.2, 0.5)
    return [
        {
            "MA_LK": visit.link, "HO_TEN_NND": summary["HO_TEN"], "NGAYSINH_NND": summary["NGAY_SINH"][:8],
            "MA_DANTOC_NND": summary["MA_DANTOC"], "SO_CCCD_NND": summary["SO_CCCD"], "NGAYCAP_CCCD_NND": "20220102",
            "NOICAP_CCCD_NND": "Cục Thử", "NOI_CU_TRU_NND": summary["DIA_CHI"], "MA_QUOCTICH": "000",
            "MATINH_CU_TRU": summary["MATINH_CU_TRU"], "MAHUYEN_CU_TRU": summary["MAHUYEN_CU_TRU"],
            "MAXA_CU_TRU": summary["MAXA_CU_TRU"], "MA_THE_TAM": f"TE199{visit.rng.randrange(10**10):010d}",
            "GIOI_TINH_CON": "12"[number], "SO_CON": str(len(weights)), "LAN_SINH": "1",
            "SO_CON_SONG": str(len(weights)),
            "CAN_NANG_CON": weight, "NGAY_SINH_CON": stamp(born + timedelta(minutes=9 * number)),
            "NOI_SINH_CON": "Bệnh viện Thử", "TINH_TRANG_CON": "Khỏe", "SINHCON_PHAUTHUAT": "1",
            "SINHCON_DUOI32TUAN": "0", "GHI_CHU": "Sinh con phải phẫu thuật", "NGUOI_DO_DE": "Nữ hộ sinh Thử",
            "NGUOI_GHI_PHIEU": "Điều dưỡng Thử", "NGAY_CT": f"{visit.leave:%Y%m%d}", "SO": "1", "QUYEN_SO": "1",
            "MA_TTDV": visit.head,
        }
        for number, weight in enumerate(weights)
    ]  # fmt: skip


def _sick_leave(visit: Visit) -> list[Row]:
    days = visit.rng.randrange(1, 8)
    day = visit.admit.date()
    return [
        {
            "MA_LK": visit.link, "SO_CT": "CT1", "SO_SERI": "S1", "SO_KCB": "KCB1", "DON_VI": "Công ty Thử",
            "MA_BHXH": f"99{visit.rng.randrange(10**8):08d}", "MA_THE_BHYT": visit.summary["MA_THE_BHYT"],
            "CHAN_DOAN_RV": visit.summary["CHAN_DOAN_RV"], "PP_DIEUTRI": "Nội khoa", "SO_NGAY_NGHI": str(days),
            "TU_NGAY": f"{day:%Y%m%d}", "DEN_NGAY": f"{day + timedelta(days=days - 1):%Y%m%d}", "MA_TTDV": visit.head,
            "MA_BS": STAFF[1], "NGAY_CT": f"{day:%Y%m%d}", "MAU_SO": "CT07",
        }
    ]  # fmt: skip


def _referral(visit: Visit) -> list[Row]:
    summary = visit.summary
    same = (
        "MA_LK",
        "HO_TEN",
        "NGAY_SINH",
        "GIOI_TINH",
        "MA_BENH_CHINH",
        "MA_BENH_KT",
        "MA_LOAI_RV",
        "NGAY_VAO",
        "NGAY_RA",
    )
    row = {name: summary[name] for name in same} | {
        "SO_HOSO": "1", "SO_CHUYENTUYEN": "2", "GIAY_CHUYEN_TUYEN": "3/GCT", "MA_CSKCB": FACILITY,
        "DAU_HIEU_LS": "Ổn", "QT_BENHLY": "Ổn", "TOMTAT_KQ": "Bình thường", "HUONG_DIEU_TRI": "Tiếp tục",
        "MA_LYDO_CT": "3" if summary["MA_LOAI_RV"] == "5" else "1", "PHUONGTIEN_VC": "Xe cứu thương",
        "MA_BAC_SI": STAFF[2], "MA_TTDV": visit.head,
    }  # fmt: skip
    if not visit.is_2024:
        row["MA_CSKCB_DEN"] = summary["MA_NOI_DEN"]
    return [row]


def _appointment(visit: Visit) -> list[Row]:
    back = visit.leave + timedelta(days=visit.rng.randrange(7, 40))
    visit.summary["NGAY_TAI_KHAM"] = f"{back:%Y%m%d}"
    same = (
        "MA_LK", "MA_CSKCB", "HO_TEN", "NGAY_SINH", "GIOI_TINH", "MA_THE_BHYT", "GT_THE_DEN", "NGAY_VAO", "NGAY_RA",
        "MA_BENH_CHINH", "MA_DOITUONG_KCB",
    )  # fmt: skip
    return [
        {name: visit.summary[name] for name in same}
        | {
            "SO_GIAYHEN_KL": "1/GH",
            "NGAY_HEN_KL": f"{back:%Y%m%d%H%M}" if visit.is_2024 else f"{back:%Y%m%d}",
            "MA_BAC_SI": STAFF[2],
            "MA_TTDV": visit.head,
            "NGAY_CT": f"{visit.leave:%Y%m%d}",
        }
    ]


def _numbered(table: str, rows: list[Row]) -> list[Row]:
    if table in ("XML7", "XML8", "XML9", "XML11", "XML13", "XML14"):
        return rows
    return [row | {"STT": str(number)} for number, row in enumerate(rows, start=1)]


def code_lists(icd10: Icd10 | None = None) -> CodeLists:
    """The lists of the invented facility, such that every clean claim agrees with them."""
    drugs = {code: (CatalogueItem(name=name, strength=strength),) for code, (name, strength) in DRUGS.items()}
    others = (PAID_BY_RATIO, "40.17", "M0101.KT", "00.0000", f"VM.{OTHER_FACILITIES[0]}")
    drugs |= {code: (CatalogueItem(max_price="9000000"),) for code in others}
    services = {
        code: (CatalogueItem(name=name, max_price="300000"),) for code, (_, name, _) in SERVICES.items()
    }
    more = [f"{position:02d}.1896" for position in range(2, 8)] + [f"K{number:02d}.1916" for number in (1, 2)]
    more += [f"10.09{position:02d}.05{position:02d}" for position in range(3)] + [
        "K01.14",
        f"VC.{OTHER_FACILITIES[0]}",
    ]
    services |= {code: (CatalogueItem(),) for code in more}
    return CodeLists(
        icd10=icd10,
        facilities=frozenset((FACILITY, *OTHER_FACILITIES)),
        staff=frozenset(STAFF),
        drugs=drugs,
        services=services,
        supplies={code: (CatalogueItem(name="Vật tư thử"),) for code in SUPPLIES},
    )
