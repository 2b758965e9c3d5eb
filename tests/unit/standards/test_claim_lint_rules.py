"""Every rule of the linter: a claim in which it holds, and the same claim with one value changed."""

from __future__ import annotations

import csv
import string
from pathlib import Path

import pytest

from standards.claims.lint import Severity, catalogue, lint
from tests.support.claim_edits import claim_with, edited, place
from tests.support.claim_findings import CONTEXT, places
from tests.support.claim_lines import STAFF
from tests.support.claim_maker import claim_file

Edits = dict[str, str | None]

# Rule, kind of claim, what is written where; the first place is where it is found, unless a place is named.
CASES: list[tuple[str, str, Edits, str]] = [
    # the schema
    ("FIELD_REQUIRED", "outpatient", {"XML1.MA_HSBA": " "}, ""),
    ("FIELD_TOO_LONG", "inpatient", {"XML8.TOMTAT_KQ": "x" * 4_001}, ""),
    ("FIELD_NOT_A_NUMBER", "outpatient", {"XML2.DON_GIA": "1.000,5"}, ""),
    ("NUMBER_NEGATIVE", "outpatient", {"XML3.T_BNTT": "-1"}, ""),
    ("NUMBER_TOO_PRECISE", "outpatient", {"XML2.SO_LUONG": "1.2345"}, ""),
    ("DATE_MALFORMED", "outpatient", {"XML1.NGAY_TAI_KHAM": "20260230"}, ""),
    ("DATE_LENGTH_WRONG", "outpatient", {"XML1.NGAY_TTOAN": "20260106"}, ""),
    ("CODE_NOT_IN_LIST", "outpatient", {"XML1.MA_LOAI_KCB": "17"}, ""),
    # the record as a whole
    ("LINK_DIFFERS", "inpatient", {"XML7.MA_LK": "OTHER"}, ""),
    ("POSITION_TWICE", "outpatient", {"XML3[2].STT": "1"}, ""),
    ("FACILITY_DIFFERS", "outpatient", {"XML1.MA_CSKCB": "99002"}, ""),
    ("CARDS_UNEVEN", "outpatient", {"XML1.MA_DKBD": "99001;99002;99003"}, "XML1.MA_THE_BHYT"),
    ("TOO_MANY_DIAGNOSES", "outpatient", {"XML1.MA_BENH_KT": ";".join(f"A15.{n}" for n in range(13))}, ""),
    ("TOO_MANY_TRADITIONAL", "outpatient", {"XML1.MA_BENH_YHCT": ";".join(f"U50.{n}" for n in range(14))}, ""),
    # forms
    ("PERSON_NUMBER_MALFORMED", "outpatient", {"XML1.SO_CCCD": "09901"}, ""),
    ("CARD_NUMBER_MALFORMED", "outpatient", {"XML1.MA_THE_BHYT": "GD9990000000001"}, ""),
    ("CHILD_CARD_MALFORMED", "mother", {"XML9.MA_THE_TAM": "GD4990000000001"}, ""),
    ("FACILITY_CODE_MALFORMED", "outpatient", {"XML1.MA_DKBD": "9A001"}, ""),
    ("FIELD_FORM_WRONG", "inpatient", {"XML3[GOI_VTYT=G1].GOI_VTYT": "01"}, ""),
    ("FIELD_FORM_DOUBTFUL", "outpatient", {"XML1.MA_KHOA": "Khoa nội"}, ""),
    ("WEIGHT_DOUBTFUL", "mother", {"XML9.CAN_NANG_CON": "3.1"}, ""),
    ("RESIDENCE_UNKNOWN", "outpatient", {"XML1.MAXA_CU_TRU": "99999"}, ""),
    # the right to insurance
    ("CARD_MISSING", "chronic", {"XML1.MA_THE_BHYT": ""}, ""),
    ("CARD_OF_UNINSURED", "chronic", {"XML1.MA_DOITUONG_KCB": "9"}, "XML1.MA_THE_BHYT"),
    ("CARD_PERIOD_REVERSED", "outpatient", {"XML1.GT_THE_TU": "20270101"}, "XML1.GT_THE_DEN"),
    ("CARD_NOT_VALID_ON_VISIT", "outpatient", {"XML1.GT_THE_DEN": "20260105"}, ""),
    ("CHILD_CARD_TOO_OLD", "chronic", {"XML1.MA_THE_BHYT": "TE1990000000001"}, ""),
    ("PERSON_NUMBER_MISSING", "outpatient", {"XML1.SO_CCCD": ""}, ""),
    ("NEWBORN_TIME_MISSING", "chronic", {"XML1.NGAY_SINH": "202601050000"}, ""),
    ("SLIP_NUMBER_MISSING", "referred", {"XML1.GIAY_CHUYEN_TUYEN": ""}, ""),
    ("SLIP_FACILITY_MISSING", "referred", {"XML1.MA_NOI_DI": ""}, ""),
    ("DESTINATION_MISSING", "referred", {"XML1.MA_NOI_DEN": ""}, ""),
    ("DESTINATION_WITHOUT_TRANSFER", "outpatient", {"XML1.MA_NOI_DEN": "99002"}, ""),
    ("FACILITY_REFERS_TO_ITSELF", "referred", {"XML1.MA_NOI_DI": "99001"}, ""),
    ("FIVE_YEARS_MISSING", "outpatient",
     {"XML1.NGAY_MIEN_CCT": "20260601", "XML1.NAM_NAM_LIEN_TUC": ""}, "XML1.NAM_NAM_LIEN_TUC"),
    ("EXEMPT_PAYS_SHARE", "chronic",
     {"XML1.NGAY_MIEN_CCT": "20260101", "XML2[PHAM_VI=1].MUC_HUONG": "80"}, "XML2[PHAM_VI=1].MUC_HUONG"),
    # the stay
    ("DISCHARGE_BEFORE_ADMISSION", "outpatient", {"XML1.NGAY_RA": "202601050900"}, ""),
    ("WARD_OUTSIDE_STAY", "inpatient", {"XML1.NGAY_VAO_NOI_TRU": "202512310900"}, ""),
    ("INPATIENT_FIELD_MISSING", "day", {"XML1.LY_DO_VNT": ""}, ""),
    ("PAID_BEFORE_ADMISSION", "outpatient", {"XML1.NGAY_TTOAN": "202601050900"}, ""),
    ("BIRTH_AFTER_ADMISSION", "outpatient", {"XML1.NGAY_SINH": "202601070000"}, ""),
    ("DISCHARGE_IN_FUTURE", "chronic", {"XML1.NGAY_RA": "202611220001"}, ""),
    ("MADE_BEFORE_DISCHARGE", "chronic", {"XML1.NGAY_RA": "202611210001"}, ""),
    ("MONTH_OUT_OF_RANGE", "outpatient", {"XML1.THANG_QT": "0"}, ""),
    ("SETTLED_BEFORE_PAID", "outpatient", {"XML1.NAM_QT": "2025", "XML1.THANG_QT": "12"}, "XML1.THANG_QT"),
    ("TREATMENT_DAYS_WRONG", "short", {"XML1.SO_NGAY_DTRI": "1"}, ""),
    ("TREATMENT_DAYS_DOUBTFUL", "serial", {"XML1.SO_NGAY_DTRI": "30"}, ""),
    ("ORDER_OUTSIDE_STAY", "outpatient", {"XML3.NGAY_YL": "202601050800"}, ""),
    ("DONE_BEFORE_ORDER", "outpatient", {"XML2.NGAY_TH_YL": "202601050800"}, ""),
    ("DONE_AFTER_DISCHARGE", "outpatient", {"XML2.NGAY_TH_YL": "202601070800"}, ""),
    ("RESULT_BEFORE_ORDER", "outpatient", {"XML3[NGAY_KQ].NGAY_KQ": "202601050800"}, ""),
    ("RESULT_TOO_LATE", "outpatient", {"XML4.NGAY_KQ": "202603160800"}, ""),
    ("RESULT_BEFORE_ADMISSION", "outpatient", {"XML4.NGAY_KQ": "202601050800"}, ""),
    ("NOTE_OUTSIDE_STAY", "inpatient", {"XML5.THOI_DIEM_DBLS": "202601050800"}, ""),
    # money
    ("QUANTITY_NOT_POSITIVE", "outpatient", {"XML2.SO_LUONG": "0"}, ""),
    ("OTHER_FUNDING_SUM", "outpatient", {"XML3.T_NGUONKHAC": "100"}, ""),
    ("OTHER_FUNDING_ABOVE_TOTAL", "outpatient", {"XML3.T_NGUONKHAC_CL": "900000000"}, "XML3.T_NGUONKHAC"),
    ("LINE_TOTAL_WRONG", "outpatient", {"XML2.THANH_TIEN_BV": "0.07"}, ""),
    ("LINE_COVERED_WRONG", "outpatient", {"XML3.THANH_TIEN_BH": "0.07"}, ""),
    ("FUND_SHARE_WRONG", "outpatient", {"XML3.T_BHTT": "0.07"}, ""),
    ("COPAY_WRONG", "outpatient", {"XML3.T_BNCCT": "0.07"}, ""),
    ("SELF_PAY_WRONG", "outpatient", {"XML3.T_BNTT": "0.07"}, ""),
    ("FUND_PAYS_OUT_OF_SCOPE", "chronic", {"XML3[PHAM_VI=1].PHAM_VI": "2"}, "XML3[PHAM_VI=2].T_BHTT"),
    ("SCOPE_RATE_NOT_ZERO", "outpatient", {"XML2[PHAM_VI=2].TYLE_TT_BH": "50"}, ""),
    ("FUND_PAYS_GIVEN_DRUG", "chronic", {"XML2[PHAM_VI=1].NGUON_CTRA": "3"}, ""),
    ("FUND_PAYS_UNINSURED", "chronic", {"XML1.MA_DOITUONG_KCB": "9"}, "XML3[PHAM_VI=1].T_BHTT"),
    ("FUND_PRICE_ABOVE_PRICE", "outpatient", {"XML3.DON_GIA_BV": "1"}, "XML3.DON_GIA_BH"),
    ("FUND_PRICE_ABOVE_CEILING", "outpatient", {"XML3[T_TRANTT].T_TRANTT": "5"}, "XML3[T_TRANTT].DON_GIA_BH"),
    ("SUMMARY_SUM_WRONG", "outpatient", {"XML1.T_BHTT_GDV": "1"}, ""),
    # rates
    ("RATE_OUT_OF_RANGE", "outpatient", {"XML3.TYLE_TT_DV": "101"}, ""),
    ("RATE_UNUSUAL", "outpatient", {"XML2.MUC_HUONG": "81"}, ""),
    ("EXAMINATION_RATE", "outpatient",
     {"XML3[MA_NHOM=13,TYLE_TT_DV=30].TYLE_TT_DV": "40"}, "XML3[TYLE_TT_DV=40].TYLE_TT_DV"),
    ("SURGERY_RATE", "inpatient",
     {"XML3[MA_NHOM=8,TYLE_TT_DV=50].TYLE_TT_DV": "90"}, "XML3[TYLE_TT_DV=90].TYLE_TT_DV"),
    # diagnoses
    ("DIAGNOSIS_UNKNOWN", "outpatient", {"XML3[MA_BENH].MA_BENH": "J00;X99.9"}, ""),
    ("DIAGNOSIS_TWICE", "outpatient", {"XML1.MA_BENH_CHINH": "J00", "XML1.MA_BENH_KT": "I10;J00"}, "XML1.MA_BENH_KT"),
    ("DIAGNOSIS_SEX", "outpatient", {"XML1[GIOI_TINH=1].MA_BENH_CHINH": "N96"}, ""),
    ("DIAGNOSIS_AGE", "outpatient", {"XML1.MA_BENH_CHINH": "P52.3"}, ""),
    ("DIAGNOSIS_PAIR_MISSING", "outpatient", {"XML1.MA_BENH_KT": "M01.87"}, ""),
    ("DIAGNOSIS_PAIR_ORDER", "outpatient",
     {"XML1.MA_BENH_CHINH": "A08.5", "XML1.MA_BENH_KT": "M01.87"}, "XML1.MA_BENH_CHINH"),
    ("PRINCIPAL_NOT_ALLOWED", "outpatient", {"XML1.MA_BENH_CHINH": "Z87.8"}, ""),
    ("PRINCIPAL_TRADITIONAL", "outpatient", {"XML1.MA_BENH_CHINH": "U50.011"}, ""),
    # services and supplies
    ("GROUP_OF_OTHER_TABLE", "outpatient", {"XML2.MA_NHOM": "13"}, ""),
    ("ANAESTHESIA_MISSING", "inpatient", {"XML3[MA_NHOM=8].PP_VO_CAM": ""}, ""),
    ("MACHINE_MISSING", "outpatient", {"XML3[MA_NHOM=1].MA_MAY": ""}, ""),
    ("MACHINE_MALFORMED", "outpatient", {"XML3[MA_NHOM=1].MA_MAY": "HH.9.X"}, ""),
    ("PLACE_WITHOUT_SURGERY", "outpatient", {"XML3[MA_NHOM=13].VI_TRI_TH_DVKT": "3"}, ""),
    ("TRANSPORT_CODE_WRONG", "referred", {"XML3[MA_NHOM=12].MA_DICH_VU": "12.0001"}, ""),
    ("UNPRICED_NOT_FREE", "outpatient",
     {"XML3[MA_NHOM=1].MA_DICH_VU": "22.0120.0000"}, "XML3[MA_DICH_VU=22.0120.0000].DON_GIA_BH"),
    ("LOCAL_ANAESTHESIA_NAME", "inpatient",
     {"XML3[MA_NHOM=8].MA_DICH_VU": "10.0900.0500_GT"}, "XML3[MA_NHOM=8].TEN_DICH_VU"),
    ("PROCEDURE_CODE_ALONE", "outpatient", {"XML1.MA_PTTT_QT": "79.36"}, ""),
    ("RESULT_MISSING", "outpatient", {"XML3[MA_NHOM=1].MA_NHOM": "1", "XML4": None}, "XML3[MA_NHOM=1].MA_DICH_VU"),
    ("CONCLUSION_MISSING", "outpatient",
     {"XML3[MA_NHOM=2].MA_NHOM": "2", "XML4": None}, "XML3[MA_NHOM=2].MA_DICH_VU"),
    ("RESULT_WITHOUT_SERVICE", "outpatient", {"XML4.MA_DICH_VU": "22.9999.1370"}, ""),
    ("RESULT_EMPTY", "outpatient", {"XML4[GIA_TRI].GIA_TRI": ""}, ""),
    ("SUPPLY_FIELD_ALONE", "outpatient", {"XML3[MA_NHOM=13].TAI_SU_DUNG": "1"}, ""),
    ("REUSED_PRICE_DIFFERS", "outpatient", {"XML3[TAI_SU_DUNG=1].DON_GIA_BH": "5"}, ""),
    # drugs
    ("DRUG_CODE_FORM", "outpatient", {"XML2[MA_NHOM=4].MA_THUOC": "PARA500"}, ""),
    ("OXYGEN_CODE", "inpatient", {"XML2[MA_THUOC=40.17].MA_THUOC": "40.18"}, "XML2[MA_THUOC=40.18].MA_THUOC"),
    ("REGISTRATION_MISSING", "outpatient", {"XML2[MA_NHOM=4].SO_DANG_KY": ""}, ""),
    ("REGISTRATION_SPACED", "outpatient", {"XML2[MA_NHOM=4].SO_DANG_KY": "VD 1"}, ""),
    ("TENDER_FORM", "outpatient", {"XML3[TT_THAU].TT_THAU": "2026;G1;N1"}, ""),
    # beds
    ("BED_MALFORMED", "inpatient", {"XML3[MA_NHOM=15].MA_GIUONG": "H01"}, ""),
    ("BED_MISSING", "inpatient", {"XML3[MA_NHOM=15].MA_GIUONG": ""}, ""),
    ("BED_SEVERAL", "inpatient", {"XML3[MA_NHOM=15].MA_GIUONG": "H001;H002"}, ""),
    ("BED_RATE", "inpatient",
     {"XML3[MA_NHOM=15,TYLE_TT_DV=100].MA_GIUONG": "K001"}, "XML3[MA_GIUONG=K001].TYLE_TT_DV"),
    ("BED_QUANTITY", "inpatient", {"XML3[MA_NHOM=15].SO_LUONG": "40"}, ""),
    ("BED_UNDER_FOUR_HOURS", "short", {"XML3[MA_NHOM=13].MA_NHOM": "15"}, "XML3[MA_NHOM=15].SO_LUONG"),
    ("BED_ABOVE_ONE_DAY", "day", {"XML3[MA_NHOM=14].SO_LUONG": "2"}, ""),
    ("BED_ABOVE_STAY", "inpatient", {"XML3[MA_NHOM=15].SO_LUONG": "40"}, "last bed"),
    ("BED_TWICE", "inpatient", {"XML3[MA_DICH_VU=K02.1916].NGAY_TH_YL": "202601070900"}, ""),
    # lists of the operator
    ("FACILITY_UNKNOWN", "referred", {"XML1.MA_NOI_DI": "99998"}, ""),
    ("STAFF_UNKNOWN", "outpatient", {"XML2.MA_BAC_SI": f"{STAFF[0]};1/X"}, ""),
    ("STAFF_SUFFIX_MALFORMED", "outpatient", {"XML2.MA_BAC_SI": f"{STAFF[0]}.TX.9"}, ""),
    ("ITEM_UNKNOWN", "outpatient", {"XML3[MA_VAT_TU].MA_VAT_TU": "N99.1"}, ""),
    ("ITEM_DIFFERS", "outpatient", {"XML2[MA_NHOM=4].HAM_LUONG": "9g"}, ""),
    ("PRICE_ABOVE_CATALOGUE", "outpatient", {"XML3[MA_NHOM=1].DON_GIA_BH": "300001"}, ""),
    # tables and papers
    ("PAPER_DIFFERS", "inpatient", {"XML7.MA_YTE": "BN1"}, ""),
    ("RECORD_SUMMARY_MISSING", "inpatient", {"XML8": None}, "XML8"),
    ("NOTES_MISSING", "short", {"XML5": None}, "XML5"),
    ("REFERRAL_MISSING", "referred", {"XML13": None}, "XML13"),
    ("TRANSFER_REASON_DIFFERS", "referred",
     {"XML1[MA_LOAI_RV=2].MA_LOAI_RV": "2", "XML13.MA_LYDO_CT": "3"}, "XML13.MA_LYDO_CT"),
    ("APPOINTMENT_PAPER_MISSING", "outpatient", {"XML14": None}, "XML14"),
    ("APPOINTMENT_NOT_LATER", "outpatient", {"XML14.NGAY_HEN_KL": "20260106"}, ""),
    ("APPOINTMENT_DIFFERS", "outpatient", {"XML14.NGAY_HEN_KL": "20260506"}, ""),
    ("APPOINTMENT_OF_DEAD", "outpatient", {"XML1.KET_QUA_DTRI": "5"}, ""),
    ("PERIOD_REVERSED", "chronic", {"XML15.NGAYKT_DTRI_LAO": "20251231"}, ""),
    ("LEAVE_DAYS_WRONG", "chronic", {"XML10.SO_NGAY": "28"}, ""),
    ("LEAVE_STARTS_OUTSIDE_VISIT", "outpatient", {"XML11.TU_NGAY": "20260101"}, ""),
    ("LEAVE_BEFORE_DISCHARGE", "inpatient", {"XML7.NGOAITRU_TUNGAY": "20260107"}, ""),
    ("LEAVE_TOO_LONG", "outpatient", {"XML11.SO_NGAY_NGHI": "31"}, ""),
    ("LEAVE_PAPER_DAY", "outpatient", {"XML11.NGAY_CT": "20260107"}, ""),
    ("PREGNANCY_WEEKS", "inpatient", {"XML7.TUOI_THAI": "43"}, ""),
    ("PREGNANCY_OF_MAN", "inpatient",
     {"XML1[GIOI_TINH=1].GIOI_TINH": "1", "XML7.MA_DINH_CHI_THAI": "1"}, "XML7.MA_DINH_CHI_THAI"),
    ("ANTENATAL_WORDING", "chronic", {"XML10.CHAN_DOAN_RV": "Thai 20 tuần"}, ""),
    ("BIRTH_PAPER_COUNT", "mother", {"XML9.SO_CON": "3"}, ""),
    ("BIRTH_COUNT_ZERO", "mother", {"XML9.LAN_SINH": "0"}, ""),
    ("BIRTH_AFTER_DISCHARGE", "mother", {"XML9.NGAY_SINH_CON": "202602060800"}, ""),
    ("BIRTH_NOTE_WORDING", "mother", {"XML9.GHI_CHU": "Không"}, ""),
    ("DISCHARGE_PAPER_DAY", "inpatient", {"XML7.NGAY_CT": "20260101"}, ""),
    ("CHILD_DEATH_INCOMPLETE", "inpatient", {"XML8.SO_CONCHET": "1"}, "XML8.NGAY_SINHCON"),
    ("ARV_DAYS_TOO_MANY", "chronic", {"XML6.SO_NGAY_CAP_THUOC_ARV": "31"}, ""),
]  # fmt: skip
ELSEWHERE = {
    "VERSION_UNKNOWN", "VISIT_TWICE", "RECORD_COUNT_WRONG", "MADE_DATE_MALFORMED", "FILE_NOT_SIGNED",
    "SUMMARY_MISSING", "SUMMARY_TWICE", "TABLE_TWICE", "FIELD_UNKNOWN", "ELEMENT_UNKNOWN", "FIELD_TWICE",
    "CONTENT_INLINE", "LINE_TWICE", "EXAMINATION_TWICE", "SMALL_BILL_NOT_WHOLE", "RECORD_SUMMARY_NOT_FOR_TYPE",
    "REFERRAL_NOT_TRANSFERRED", "EVIDENCE_MISSING", "EVIDENCE_NOT_VALID", "EVIDENCE_OTHER_CARD",
    "EVIDENCE_OTHER_PERIOD", "RATE_ABOVE_EVIDENCE",
}  # fmt: skip
"""Rules that no changed value brings about; each has a test of its own in test_claim_lint_cases.py."""


def test_every_rule_is_tested_here() -> None:
    others = (Path(__file__).parent / "test_claim_lint_cases.py").read_text(encoding="utf-8")

    assert catalogue().keys() == {rule_id for rule_id, *_ in CASES} | ELSEWHERE
    assert not [rule_id for rule_id in ELSEWHERE if f'"{rule_id}"' not in others]


@pytest.mark.parametrize(("rule_id", "plan", "edits", "where"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_is_told_at_its_field_and_not_before(
    rule_id: str, plan: str, edits: Edits, where: str
) -> None:
    clean = claim_with(plan, *[path for path, value in edits.items() if value is not None])
    assert lint(claim_file(clean), CONTEXT).findings == ()

    broken = edited(clean, edits)

    found = places(broken, rule_id)
    if where == "last bed":
        beds = [n for n, row in enumerate(broken.tables["XML3"], start=1) if row["MA_NHOM"] == "15"]
        assert found == [("XML3", beds[-1], "SO_LUONG")]
    else:
        assert (place(broken, where) if where else place(clean, next(iter(edits)))) in found


def test_both_languages_a_source_and_a_repair_stand_with_every_rule() -> None:
    for rule in catalogue().values():
        texts = (rule.message_vi, rule.message_en, rule.repair_vi, rule.repair_en)
        assert all(text.endswith((".", '"')) and text == text.strip() for text in texts), rule.rule_id
        assert rule.source, rule.rule_id
        names = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
        assert names <= {"field", "found", "expected", "allowed", "code", "form", "least", "most", "phrase", "position",
                         "record"}, rule.rule_id  # fmt: skip
        if "own rule" in rule.source:
            assert rule.severity is not Severity.ERROR, rule.rule_id


def test_rules_that_no_source_states_exactly_say_so() -> None:
    with (Path(__file__).resolve().parents[3] / "standards/data/claims/lint_rules.csv").open(
        encoding="utf-8"
    ) as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == len(catalogue()), "no rule stands twice"
    assert sum("own rule" in row["source"] for row in rows) > 20
