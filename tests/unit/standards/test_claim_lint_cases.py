"""Rules that no changed value brings about, days in force, tolerances, and what the source frees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from standards.claims import ClaimRecord, Doubt, read_claim_file
from standards.claims.lint import (
    CodeLists,
    CoverageEvidence,
    LintContext,
    Severity,
    lint,
    read_catalogue,
)
from tests.support.claim_edits import claim_with, edited
from tests.support.claim_findings import CONTEXT, GOLDEN, ICD10, in_file, places
from tests.support.claim_lines import STAFF
from tests.support.claim_maker import claim_file, clean_claim

SALARIES = ((date(2024, 7, 1), 2_340_000), (date(2026, 7, 1), 2_530_000))
Edits = dict[str, str | None]

# What no changed value brings about


def test_the_envelope_is_checked() -> None:
    record = clean_claim(1)
    file = claim_file(record, is_signed=False, made_date="2026112")

    assert in_file(file, "FILE_NOT_SIGNED") == [("", 0, "CHUKYDONVI")]
    assert in_file(file, "MADE_DATE_MALFORMED") == [("", 0, "NGAYLAP")]
    assert in_file(replace(file, facility_code=""), "FIELD_REQUIRED") == [("", 0, "MACSKCB")]
    assert in_file(replace(file, record_count="2"), "RECORD_COUNT_WRONG") == [("", 0, "SOLUONGHOSO")]
    assert (
        lint(replace(file, record_count="2"), CONTEXT, leave_out=["FILE_NOT_SIGNED"]).count(Severity.WARNING)
        == 0
    )


def test_a_visit_stands_once_in_a_file() -> None:
    report = lint(claim_file(clean_claim(1), clean_claim(2), clean_claim(1)), CONTEXT)

    assert [(each.record, each.rule_id, each.facts) for each in report.findings] == [
        (3, "VISIT_TWICE", {"record": "1"})
    ]


def test_a_record_has_one_summary() -> None:
    record = clean_claim(1)
    tables = record.tables

    assert places(ClaimRecord(tables={**tables, "XML1": []}), "SUMMARY_MISSING") == [("XML1", 0, "")]
    assert places(ClaimRecord(tables={**tables, "XML1": tables["XML1"] * 2}), "SUMMARY_TWICE") == [
        ("XML1", 0, "")
    ]
    assert places(ClaimRecord(tables={"XML0": [{"MA_LK": "1"}]}), "SUMMARY_MISSING") == []


@pytest.mark.parametrize(
    "code", ["TABLE_TWICE", "FIELD_UNKNOWN", "ELEMENT_UNKNOWN", "FIELD_TWICE", "CONTENT_INLINE"]
)
def test_what_the_reader_read_over_is_told(code: str) -> None:
    record = replace(clean_claim(1), doubts=(Doubt(code=code, table="XML2", row=1, field="X"),))

    assert places(record, code) == [("XML2", 1, "X")]


def test_the_names_of_2024_are_no_unknown_fields_in_2024() -> None:
    doubts = tuple(
        Doubt(code="FIELD_UNKNOWN", table="XML13", row=1, field=name)
        for name in ("MA_NOI_DEN", "TEN_THUOC", "X")
    )
    record = replace(clean_claim(1), doubts=doubts)
    then = edited(record, {"XML1.NGAY_VAO": "202409030800"})

    assert len(places(record, "FIELD_UNKNOWN")) == (1 if record.tables["XML1"][0]["NGAY_VAO"] < "2025" else 3)
    assert places(replace(then, doubts=doubts), "FIELD_UNKNOWN") == [("XML13", 1, "X")]


def test_a_visit_before_the_known_versions_is_told() -> None:
    assert places(edited(clean_claim(1), {"XML1.NGAY_VAO": "202406300800"}), "VERSION_UNKNOWN") == [
        ("XML1", 1, "NGAY_VAO")
    ]


@pytest.mark.parametrize(("table", "field"), [("XML2", "MA_THUOC"), ("XML3", "MA_VAT_TU")])
def test_a_line_stands_once(table: str, field: str) -> None:
    clean = claim_with("outpatient", f"{table}[{field}].STT")
    line = next(row for row in clean.tables[table] if row.get(field))
    lines = [*clean.tables[table], line | {"STT": "99"}]

    assert places(ClaimRecord(tables={**clean.tables, table: lines}), "LINE_TWICE") == [
        (table, len(lines), field)
    ]
    other = [*lines[:-1], lines[-1] | {"NGAY_YL": "202601060811"}]
    assert places(ClaimRecord(tables={**clean.tables, table: other}), "LINE_TWICE") == []


def test_an_inpatient_is_examined_for_money_once() -> None:
    clean = claim_with("inpatient", "XML3[MA_NHOM=13].STT")
    exam = next(row for row in clean.tables["XML3"] if row["MA_NHOM"] == "13")
    lines = [*clean.tables["XML3"], exam | {"STT": "99", "NGAY_YL": "202601060850"}]

    found = places(ClaimRecord(tables={**clean.tables, "XML3": lines}), "EXAMINATION_TWICE")

    assert found == [("XML3", len(lines), "MA_DICH_VU")]


def test_papers_stand_only_where_they_belong() -> None:
    outpatient, inpatient = claim_with("outpatient"), claim_with("inpatient")
    referred = claim_with("referred")

    with_summary = ClaimRecord(tables={**outpatient.tables, "XML8": inpatient.tables["XML8"]})
    assert places(with_summary, "RECORD_SUMMARY_NOT_FOR_TYPE") == [("XML8", 0, "")]
    with_referral = ClaimRecord(tables={**outpatient.tables, "XML13": referred.tables["XML13"]})
    assert places(with_referral, "REFERRAL_NOT_TRANSFERRED") == [("XML13", 0, "")]


@pytest.mark.parametrize(
    ("day", "covered", "is_small"),
    [
        ("202606300800", "350999.99", True),
        ("202606300800", "351000", False),
        ("202607010800", "379499.99", True),
        ("202607010800", "379500", False),
    ],
)
def test_a_bill_below_fifteen_percent_of_the_base_salary_is_paid_whole(
    day: str, covered: str, is_small: bool
) -> None:
    # The thresholds 351,000 and 379,500 dong are those of base_salary 2,340,000 and 2,530,000.
    clean = claim_with("chronic", "XML2[MUC_HUONG=80,PHAM_VI=1].MUC_HUONG", "XML1[MA_DOITUONG_KCB=1.1].MA_LK")
    record = edited(clean, {"XML1.NGAY_VAO": day, "XML1.T_TONGCHI_BH": covered})

    assert bool(places(record, "SMALL_BILL_NOT_WHOLE", replace(CONTEXT, base_salaries=SALARIES))) is is_small
    assert places(record, "SMALL_BILL_NOT_WHOLE") == []


EVIDENCE = CoverageEvidence(
    is_valid=True,
    card_number="",
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    benefit_rate_pct=None,
)


@pytest.mark.parametrize(
    ("rule_id", "field", "evidence"),
    [
        ("EVIDENCE_MISSING", "MA_THE_BHYT", None),
        ("EVIDENCE_NOT_VALID", "MA_THE_BHYT", replace(EVIDENCE, is_valid=False)),
        ("EVIDENCE_OTHER_CARD", "MA_THE_BHYT", replace(EVIDENCE, card_number="DN4990000000000")),
        ("EVIDENCE_OTHER_CARD", "MA_THE_BHYT", replace(EVIDENCE, card_number="0000000000")),
        ("EVIDENCE_OTHER_PERIOD", "GT_THE_DEN", replace(EVIDENCE, valid_to=date(2026, 1, 2))),
        ("EVIDENCE_OTHER_PERIOD", "GT_THE_DEN", replace(EVIDENCE, valid_from=date(2026, 6, 2))),
        ("RATE_ABOVE_EVIDENCE", "MUC_HUONG", replace(EVIDENCE, benefit_rate_pct=Decimal(40))),
    ],
)
def test_the_claim_says_what_the_look_ups_proved(
    rule_id: str, field: str, evidence: CoverageEvidence | None
) -> None:
    record = claim_with("chronic")
    link = record.visit_link
    known = {} if evidence is None else {link: evidence}

    assert [found[2] for found in places(record, rule_id, LintContext(coverage=known))][:1] == [field]
    agreeing = replace(
        EVIDENCE, card_number=record.tables["XML1"][0]["MA_THE_BHYT"][-10:], benefit_rate_pct=Decimal(100)
    )
    assert places(record, rule_id, LintContext(coverage={link: agreeing})) == []


def test_a_personal_number_in_the_evidence_is_no_other_card() -> None:
    record = claim_with("chronic")
    evidence = {record.visit_link: replace(EVIDENCE, card_number="099190000001")}

    assert places(record, "EVIDENCE_OTHER_CARD", LintContext(coverage=evidence)) == []


# Days and tolerance


@pytest.mark.parametrize(
    ("admitted", "code", "is_told"),
    [
        ("202607310800", "10", True),
        ("202608010800", "10", False),
        ("202608010800", "16", False),
        ("202608010800", "17", True),
    ],
)
def test_types_of_visit_of_decision_1804_begin_on_the_first_of_august_2026(
    admitted: str, code: str, is_told: bool
) -> None:
    record = edited(claim_with("chronic"), {"XML1.NGAY_VAO": admitted, "XML1.MA_LOAI_KCB": code})

    assert bool(places(record, "CODE_NOT_IN_LIST")) is is_told


@pytest.mark.parametrize(("admitted", "is_told"), [("202510160800", False), ("202510170800", True)])
def test_grounds_of_a_visit_are_those_of_decision_3276_from_its_day(admitted: str, is_told: bool) -> None:
    record = edited(claim_with("chronic"), {"XML1.NGAY_VAO": admitted, "XML1.MA_DOITUONG_KCB": "4.4"})

    assert bool(places(record, "CODE_NOT_IN_LIST")) is is_told


@pytest.mark.parametrize(("admitted", "is_told"), [("202506300800", True), ("202507010800", False)])
def test_districts_are_needed_until_the_end_of_june_2025(admitted: str, is_told: bool) -> None:
    record = edited(claim_with("chronic"), {"XML1.NGAY_VAO": admitted, "XML1.MAHUYEN_CU_TRU": ""})

    assert (("XML1", 1, "MAHUYEN_CU_TRU") in places(record, "FIELD_REQUIRED")) is is_told


@pytest.mark.parametrize(
    ("kind", "admitted", "left", "days", "is_told"),
    [
        ("01", "202409030800", "202409031000", "0", False),
        ("01", "202409030800", "202409031000", "1", True),
        ("01", "202601060800", "202601061000", "1", False),
        ("01", "202601060800", "202601061000", "0", False),
        ("01", "202601060800", "202601061000", "2", True),
        ("02", "202409030800", "202409051000", "3", False),
        ("02", "202409030800", "202409051000", "2", True),
        ("03", "202601060800", "202601061000", "1", False),
        ("03", "202601062359", "202601070001", "2", False),
        ("03", "202601062359", "202601070001", "1", True),
        ("07", "202409030800", "202409030900", "0", False),
        ("07", "202409030800", "202409030900", "30", True),
        ("07", "202601060800", "202601060900", "30", False),
        ("09", "202601060800", "202601061000", "0", False),
        ("09", "202601060800", "202601061000", "1", True),
    ],
)
def test_days_of_treatment_are_counted_as_the_version_of_the_day_says(
    kind: str, admitted: str, left: str, days: str, is_told: bool
) -> None:
    summary = {"MA_LK": "1", "MA_LOAI_KCB": kind, "NGAY_VAO": admitted, "NGAY_RA": left, "SO_NGAY_DTRI": days}

    assert bool(places(ClaimRecord(tables={"XML1": [summary]}), "TREATMENT_DAYS_WRONG")) is is_told


@pytest.mark.parametrize(
    ("off", "is_told"), [("-0.02", True), ("-0.01", False), ("0.01", False), ("0.02", True)]
)
def test_a_line_may_be_off_by_a_hundredth_of_a_dong(off: str, is_told: bool) -> None:
    clean = claim_with("chronic")
    total = str(Decimal(clean.tables["XML2"][0]["THANH_TIEN_BV"]) + Decimal(off))

    assert bool(places(edited(clean, {"XML2.THANH_TIEN_BV": total}), "LINE_TOTAL_WRONG")) is is_told


def test_a_sum_may_be_off_by_a_hundredth_a_line() -> None:
    clean = claim_with("chronic")
    slack = Decimal("0.01") * (len(clean.tables["XML2"]) + len(clean.tables["XML3"]))
    total = Decimal(clean.tables["XML1"][0]["T_TONGCHI_BV"])

    at = edited(clean, {"XML1.T_TONGCHI_BV": str(total + slack)})
    above = edited(clean, {"XML1.T_TONGCHI_BV": str(total + slack + Decimal("0.01"))})

    assert places(at, "SUMMARY_SUM_WRONG") == []
    assert places(above, "SUMMARY_SUM_WRONG") == [("XML1", 1, "T_TONGCHI_BV")]


def test_the_closing_trap_of_the_formulas_is_no_finding() -> None:
    """1 x 333333.333 at 50 %: T_BHTT + T_BNCCT is 166666.66 and THANH_TIEN_BH 166666.67 (the golden claim has it)."""
    report = lint(read_claim_file((GOLDEN / "full_claim.xml").read_bytes()))

    assert report.is_clean
    assert {(each.rule_id, each.field) for each in report.findings} == {
        ("FILE_NOT_SIGNED", "CHUKYDONVI"),
        ("RESIDENCE_UNKNOWN", "MAXA_CU_TRU"),
        ("TENDER_FORM", "TT_THAU"),
    }


def test_a_hospital_may_leave_the_part_that_the_fund_does_not_pay_uncharged() -> None:
    """The annex's own example: 100000, 40000, 30 % is 72000; the patient pays 60000 of it."""
    line = {
        "MA_LK": "1", "MA_NHOM": "13", "SO_LUONG": "1", "DON_GIA_BV": "100000", "DON_GIA_BH": "40000",
        "TYLE_TT_DV": "30", "TYLE_TT_BH": "100", "MUC_HUONG": "80", "THANH_TIEN_BV": "72000", "THANH_TIEN_BH": "12000",
        "T_BHTT": "9600", "T_BNCCT": "2400", "T_BNTT": "60000",
    }  # fmt: skip

    def told(**changed: str) -> set[str]:
        report = lint(claim_file(ClaimRecord(tables={"XML3": [line | changed]})))
        return {each.rule_id for each in report.findings} & {
            "LINE_TOTAL_WRONG",
            "SELF_PAY_WRONG",
            "COPAY_WRONG",
        }

    assert told() == set()
    assert told(T_BNTT="18000") == {"SELF_PAY_WRONG"}
    assert told(THANH_TIEN_BV="71000") == {"LINE_TOTAL_WRONG", "SELF_PAY_WRONG"}


# What the source frees, and earlier mistakes


def test_army_cards_have_no_last_day() -> None:
    assert places(edited(claim_with("chronic"), {"XML1.GT_THE_DEN": ""}), "CARD_NOT_VALID_ON_VISIT") == []


@pytest.mark.parametrize("birth", ["200003150000", "200000000000", "200010000000"])
def test_a_birth_in_2000_is_read_as_one(birth: str) -> None:
    """The year ends in zeros as an unknown month does."""
    record = edited(claim_with("chronic"), {"XML1.NGAY_SINH": birth})

    assert lint(claim_file(record), CONTEXT).findings == ()


def test_supplies_need_no_diagnosis_since_2025() -> None:
    record = claim_with("outpatient", "XML3[MA_VAT_TU].STT")
    assert "MA_BENH" not in next(row for row in record.tables["XML3"] if row.get("MA_VAT_TU"))

    then = edited(record, {"XML1.NGAY_VAO": "202412310800"})

    assert places(record, "FIELD_REQUIRED") == []
    assert {field for _, _, field in places(then, "FIELD_REQUIRED")} >= {"MA_BENH"}


def test_a_bed_line_may_cover_several_days_until_its_end() -> None:
    record = claim_with("inpatient", "XML3[MA_NHOM=15].STT")
    bed = next(row for row in record.tables["XML3"] if row["MA_NHOM"] == "15")

    assert Decimal(bed["SO_LUONG"]) > 1
    assert places(record, "BED_QUANTITY") == []
    assert places(edited(record, {"XML3[MA_NHOM=15].NGAY_KQ": ""}), "BED_QUANTITY") != []


def test_several_serial_numbers_of_one_machine_are_one_machine() -> None:
    record = claim_with("outpatient", "XML3[MA_NHOM=1].STT")

    assert places(edited(record, {"XML3[MA_NHOM=1].MA_MAY": "XH.3[vay].SN1;SN2"}), "MACHINE_MALFORMED") == []


def test_tests_done_elsewhere_need_neither_performer_nor_machine() -> None:
    record = edited(
        claim_with("outpatient", "XML3[MA_NHOM=1].STT"),
        {
            "XML3[MA_NHOM=1].NGUOI_THUC_HIEN": "",
            "XML3[MA_NHOM=1].NGAY_TH_YL": "",
            "XML3[MA_NHOM=1].MA_MAY": "",
            "XML3[MA_NHOM=1].MA_DICH_VU": "22.0120.1370.K.99002",
        },
    )

    assert {each.rule_id for each in lint(claim_file(record)).findings} <= {
        "RESULT_MISSING",
        "RESULT_WITHOUT_SERVICE",
    }


@pytest.mark.parametrize(
    "person", ["099190000001", f"{STAFF[0]}.099190000001", "1/X.TX.99002", "1/X.HD.99XXX", f"{STAFF[1]}(NV1)"]
)
def test_staff_without_a_licence_of_the_facility_are_known_by_their_form(person: str) -> None:
    record = edited(claim_with("outpatient"), {"XML2.MA_BAC_SI": person})

    assert [each.rule_id for each in lint(claim_file(record), CONTEXT).findings if each.table == "XML2"] == []


@pytest.mark.parametrize(
    ("diagnosis", "weeks", "days", "is_told"),
    [("J00", "", "30", False), ("J00", "", "31", True), ("A15.0", "", "180", False), ("A15.0", "", "181", True),
     ("J00", "13", "50", False), ("J00", "12", "31", True), ("J00", "13", "51", True)],
)  # fmt: skip
def test_the_longest_leave_depends_on_the_cause(diagnosis: str, weeks: str, days: str, is_told: bool) -> None:
    edits: Edits = {"XML1.MA_BENH_CHINH": diagnosis, "XML11.SO_NGAY_NGHI": days}
    if weeks:
        edits |= {"XML11.MA_DINH_CHI_THAI": "1", "XML11.TUOI_THAI": weeks}

    assert bool(places(edited(claim_with("outpatient"), edits), "LEAVE_TOO_LONG")) is is_told


def test_each_examination_of_a_day_counts_less() -> None:
    record = claim_with("outpatient", "XML3[MA_NHOM=13].STT")
    exam = next(row for row in record.tables["XML3"] if row["MA_NHOM"] == "13")

    def told(*rates: str) -> list[int]:
        lines = [
            exam | {"STT": str(n), "TYLE_TT_DV": rate, "NGAY_YL": f"2026010609{n:02d}"}
            for n, rate in enumerate(rates, start=1)
        ]
        return [
            row
            for _, row, _ in places(ClaimRecord(tables={**record.tables, "XML3": lines}), "EXAMINATION_RATE")
        ]

    assert told("100", "30", "30", "30", "10", "0") == []
    assert told("100", "100") == [2]
    assert told("100", "30", "30", "30", "30", "10") == [5, 6]
    assert told("90", "27") == [], "a price may be reduced"


def test_one_code_belongs_to_many_products() -> None:
    text = "code,name,strength,registration,tender,max_price\n40.155,A,1g,VD-1,,100\n40.155,A,2g,VD-2,,900\n"
    lists = CodeLists(drugs=read_catalogue("\ufeff" + text))
    line = {"MA_LK": "1", "MA_THUOC": "40.155", "TEN_THUOC": "a ", "HAM_LUONG": "2g", "SO_DANG_KY": "VD-2"}

    def told(**changed: str) -> list[tuple[str, str]]:
        report = lint(
            claim_file(ClaimRecord(tables={"XML2": [line | changed]})), LintContext(code_lists=lists)
        )
        return [(each.rule_id, each.field) for each in report.findings if "drugs" in each.rule.needs]

    assert told(DON_GIA="900") == []
    assert told(DON_GIA="900.5") == [("PRICE_ABOVE_CATALOGUE", "DON_GIA")]
    assert told(HAM_LUONG="3g") == [("ITEM_DIFFERS", "HAM_LUONG")]
    assert told(SO_DANG_KY="VD-1") == [("ITEM_DIFFERS", "SO_DANG_KY")]
    assert told(MA_THUOC="40.1") == [("ITEM_UNKNOWN", "MA_THUOC")]


def test_a_pair_of_codes_takes_the_dagger_from_the_first_column() -> None:
    """Annex A1: A08.5 (dagger) with M01.87 (asterisk), which is the principal one."""
    assert ICD10.pairs["M0187"] == {"A085"}
    assert ICD10.pair_principals["A085", "M0187"] == "M0187"
    record = edited(claim_with("chronic"), {"XML1.MA_BENH_CHINH": "M01.87", "XML1.MA_BENH_KT": "A08.5"})

    assert lint(claim_file(record), CONTEXT).findings == ()


def test_rules_without_their_list_are_told_as_skipped() -> None:
    skipped = lint(claim_file(clean_claim(1))).skipped

    assert skipped["staff"] == ("STAFF_UNKNOWN",)
    assert skipped["today"] == ("DISCHARGE_IN_FUTURE",)
    assert set(skipped) == {
        "icd10", "facilities", "staff", "drugs", "services", "supplies", "coverage", "today", "base_salaries",
    }  # fmt: skip
    assert "staff" not in lint(claim_file(clean_claim(1)), CONTEXT).skipped
