"""A claim says what the services hold, and names what nobody recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from insurance_svc.domain.claim_builder import BuiltClaim, build_claim, hundredths, is_claimable
from insurance_svc.domain.claim_check_in import build_check_in, check_in_bytes
from insurance_svc.domain.claim_errors import CheckInNotReady
from insurance_svc.domain.claim_facts import ClaimFacts, EntryKind, Residence, StayKind, day_of
from insurance_svc.domain.model import (
    Benefit,
    CostLine,
    Coverage,
    Finding,
    InsuranceCard,
    LineKind,
    Outcome,
    SplitCommand,
    StoredSplit,
)
from insurance_svc.domain.split import split_cost
from insurance_svc.domain.tables import load_rules
from standards.claims import ClaimFile, read_claim_file, schema_for, schema_named, write_claim_file
from standards.claims.errors import ClaimVersionUnknown
from standards.claims.lint import CoverageEvidence, LintContext, lint
from tests.support.claims import (
    CLOSED,
    ENTRIES,
    FACTS,
    LICENCE,
    OPENED,
    PERSON,
    entry,
    visit_record,
)
from tests.support.insurance import FACILITY

RULES = load_rules()
CARD = InsuranceCard(
    number="DN4190600000001",
    object_group="DN",
    benefit_level=4,
    valid_from_date=date(2026, 1, 1),
    valid_to_date=date(2026, 12, 31),
    registered_facility_code=FACILITY,
)


def line(line_id: str = "1", **fields: object) -> CostLine:
    whole: dict[str, object] = {
        "line_id": line_id,
        "service_code": "02.1896",
        "display_name": "Khám nội",
        "quantity": Decimal(1),
        "unit_price_vnd": 50_600,
        "covered_unit_price_vnd": 50_600,
        "cost_group": 13,
        "unit": "Lần",
        "order_time": OPENED + timedelta(minutes=15),
        "perform_time": OPENED + timedelta(minutes=16),
        "result_time": OPENED + timedelta(minutes=25),
        "prescriber_licence": LICENCE,
        "performer_licence": LICENCE,
    }
    return CostLine(**{**whole, **fields})  # type: ignore[arg-type]  # fields are of the dataclass


def drug(line_id: str = "2", **fields: object) -> CostLine:
    told = {"DUONG_DUNG": "1.01", "HAM_LUONG": "500mg", "LIEU_DUNG": "2 viên", "TT_THAU": "1.QĐ;G1;N1;2026"}
    whole: dict[str, object] = {
        "service_code": "40.155",
        "display_name": "Thuốc thử",
        "quantity": Decimal(20),
        "unit_price_vnd": 60_000,
        "covered_unit_price_vnd": 60_000,
        "cost_group": 4,
        "unit": "Viên",
        "claim_fields": tuple(sorted(told.items())),
    }
    return line(line_id, **{**whole, **fields})


def coverage(outcome: Outcome = Outcome.VALID, **fields: object) -> Coverage:
    finding = Finding(
        **{  # type: ignore[arg-type]  # fields are of the dataclass
            "outcome": outcome,
            "explanation_vi": "",
            "explanation_en": "",
            "card": CARD,
            **fields,
        }
    )
    return Coverage(
        coverage_id="k1",
        citizen_id="c1",
        visit_id="v1",
        facility=FACILITY,
        service_date=day_of(OPENED),
        check_number=1,
        finding=finding,
        question=None,
        as_of_time=OPENED,
    )


def stored(
    *lines: CostLine, finding: Finding | None = None, is_inpatient: bool = False, visit_code: str = ""
) -> StoredSplit:
    command = SplitCommand(
        visit_id="v1",
        service_date=day_of(OPENED),
        visit_code=visit_code,
        is_inpatient=is_inpatient,
        is_emergency=False,
        lines=lines or (line(), drug()),
    )
    found = finding or coverage().finding
    return StoredSplit(
        split_id="s1",
        citizen_id="c1",
        facility=FACILITY,
        coverage_id="k1",
        split_number=1,
        command=command,
        split=split_cost(command, found, facility=FACILITY, rules=RULES),
        create_time=CLOSED,
    )


def facts(**fields: object) -> ClaimFacts:
    whole: dict[str, object] = {
        "visit": visit_record(),
        "person": PERSON,
        "coverage": coverage(),
        "split": stored(),
        "facility": FACTS,
        "month": "",
        "today": day_of(CLOSED),
    }
    return ClaimFacts(**{**whole, **fields})  # type: ignore[arg-type]  # fields are of the dataclass


def lacking(built: BuiltClaim) -> set[str]:
    return {lack.field or lack.code for lack in built.lacks}


def findings_of(built: BuiltClaim) -> set[str]:
    file = ClaimFile(facility_code=FACILITY, made_date="20260901", record_count="1", records=(built.record,))
    evidence = CoverageEvidence(
        is_valid=True,
        card_number=CARD.number,
        valid_from=CARD.valid_from_date,
        valid_to=CARD.valid_to_date,
        benefit_rate_pct=Decimal(100),
    )
    read = read_claim_file(write_claim_file(file, schema=built.schema))
    report = lint(read, LintContext(coverage={"260901-v1": evidence}))
    return {each.rule_id for each in report.findings} - {"FILE_NOT_SIGNED"}


def test_a_whole_visit_makes_a_claim_that_lacks_nothing_and_lints_clean() -> None:
    built = build_claim(facts())

    assert built.lacks == ()
    assert findings_of(built) == set()
    assert built.month == "2026-09"
    assert list(built.record.tables) == ["XML1", "XML2", "XML3"]


def test_the_summary_says_who_when_and_how_much() -> None:
    summary = build_claim(facts()).record.tables["XML1"][0]

    assert {
        name: summary[name]
        for name in (
            "MA_LK",
            "MA_BN",
            "NGAY_SINH",
            "GIOI_TINH",
            "MA_QUOCTICH",
            "NGAY_VAO",
            "NGAY_RA",
            "MA_HSBA",
        )
    } == {
        "MA_LK": "260901-v1",
        "MA_BN": "BNc1",
        "NGAY_SINH": "199003050000",
        "GIOI_TINH": "2",
        "MA_QUOCTICH": "000",
        "NGAY_VAO": "202609010600",
        "NGAY_RA": "202609010800",
        "MA_HSBA": "HS260901-v1",
    }
    assert (summary["MA_BENH_CHINH"], summary["MA_BENH_KT"]) == ("J06.9", "I10")
    # 80 % of 1,250,600 recognised; above 15 % of the reference level.
    assert (summary["T_TONGCHI_BV"], summary["T_BHTT"], summary["T_BNCCT"]) == (
        "1250600",
        "1000480",
        "250120",
    )
    assert (summary["T_THUOC"], summary["T_VTYT"], summary["T_BHTT_GDV"]) == ("1200000", "0", "1000480")


def test_the_fund_is_asked_for_what_the_lines_owe_and_not_for_what_a_donor_paid() -> None:
    # 100 recognised of 120 at 80 %, a donor gives 30: the fund owes 80, the header formula says 90.
    lines = (drug("1", quantity=Decimal(1), unit_price_vnd=1_200_000, covered_unit_price_vnd=1_000_000,
                  kind=LineKind.SERVICE, cost_group=8, other_funding_vnd=300_000),)  # fmt: skip

    summary = build_claim(facts(split=stored(*lines))).record.tables["XML1"][0]

    assert (summary["T_BHTT"], summary["T_BNCCT"], summary["T_NGUONKHAC"]) == ("800000", "100000", "300000")


def test_the_rounding_trap_of_the_decision_is_told_as_it_stands() -> None:
    # 1 x 333333.333 at TYLE_TT_BH 50: the official formulas leave 0.01 open (records_claims_exchange 1.4).
    half = drug(
        "1",
        quantity=Decimal(1),
        unit_price_vnd=333_333,
        covered_unit_price_vnd=333_333,
        exact_unit_price=Decimal("333333.333"),
        exact_covered_unit_price=Decimal("333333.333"),
        in_scope_pct=50,
        cost_group=6,
    )
    other = line(unit_price_vnd=1_000_000, covered_unit_price_vnd=1_000_000, line_id="2", cost_group=8)

    built = build_claim(facts(split=stored(half, other)))

    row = built.record.tables["XML2"][0]
    assert (row["THANH_TIEN_BV"], row["THANH_TIEN_BH"], row["T_BNTT"]) == (
        "333333.33",
        "166666.67",
        "166666.67",
    )
    assert built.totals.closing == Decimal("0.01")
    assert built.record.tables["XML1"][0]["T_BHTT"] == "933333.33"
    assert hundredths(built.totals.fund_by_lines) == 93_333_333


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"visit": visit_record(close_time=None)}, {"VISIT_OPEN"}),
        ({"visit": visit_record(entries=ENTRIES[:1] + ENTRIES[3:])}, {"PRINCIPAL_DIAGNOSIS_MISSING"}),
        (
            {"visit": visit_record(entries=ENTRIES[:3])},
            {"MA_DANTOC", "MA_NGHE_NGHIEP", "KET_QUA_DTRI", "MA_LOAI_RV", "CAN_NANG"},
        ),
        ({"visit": visit_record(reason_text=" ")}, {"LY_DO_VV"}),
        ({"visit": visit_record(kind=StayKind.EMERGENCY)}, {"MA_LOAI_KCB", "SO_NGAY_DTRI"}),
        ({"person": replace(PERSON, residence=None)}, {"ADDRESS_UNRESOLVED"}),
        ({"person": replace(PERSON, citizen_number="", gender="")}, {"MA_QUOCTICH", "GIOI_TINH"}),
        ({"facility": None}, {"FACILITY_FACTS_MISSING", "MA_KHOA"}),
        ({"coverage": None, "split": None}, {"COVERAGE_MISSING", "SPLIT_MISSING"}),
        ({"coverage": coverage(card=None)}, {"MA_THE_BHYT"}),
        ({"coverage": replace(coverage(), coverage_id="k2")}, {"SPLIT_STALE"}),
        ({"split": stored(line(order_time=None, prescriber_licence=""))}, {"NGAY_YL", "MA_BAC_SI"}),
        ({"split": stored(line(cost_group=0))}, {"MA_NHOM"}),
        ({"split": stored(drug(claim_fields=()))}, {"HAM_LUONG", "DUONG_DUNG", "LIEU_DUNG", "TT_THAU"}),
    ],
)
def test_what_nobody_recorded_is_a_lack_and_never_a_guess(
    fields: dict[str, object], expected: set[str]
) -> None:
    built = build_claim(facts(**fields))

    assert lacking(built) == expected
    assert all(lack.message_vi and lack.message_en for lack in built.lacks)


def test_a_coverage_that_is_not_verified_keeps_the_claim_back() -> None:
    pending = coverage(Outcome.UNVERIFIED, card=None)

    built = build_claim(facts(coverage=pending, split=stored(finding=pending.finding)))

    assert {"SPLIT_PROVISIONAL", "COVERAGE_PENDING"} <= lacking(built)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"coverage": coverage(Outcome.SELF_PAY)}, False),
        ({"coverage": coverage(Outcome.NOT_VALID)}, False),
        ({"coverage": coverage(Outcome.NOT_FOUND)}, False),
        ({"coverage": coverage(Outcome.UNVERIFIED)}, True),
        ({"split": stored(visit_code="9")}, False),
    ],
)
def test_who_is_not_insured_has_no_claim(changed: dict[str, object], expected: bool) -> None:
    assert is_claimable(facts(**changed)) is expected


def test_a_paper_card_recorded_in_the_visit_stands_where_the_look_up_gave_none() -> None:
    note = entry(
        EntryKind.NOTE, "XML1", "MA_THE_BHYT=QN5979700000001\nMA_DKBD=97001\nGT_THE_TU=20260101", minutes=41
    )
    manual = coverage(Outcome.VALID_MANUAL, card=None)

    summary = build_claim(facts(visit=visit_record(entries=(*ENTRIES, note)), coverage=manual)).record.tables[
        "XML1"
    ][0]

    assert summary["MA_THE_BHYT"] == "QN5979700000001"
    # The portal's card is not overruled by what somebody wrote.
    known = build_claim(facts(visit=visit_record(entries=(*ENTRIES, note)))).record.tables["XML1"][0]
    assert known["MA_THE_BHYT"] == CARD.number


def test_a_note_cannot_say_who_when_or_how_much() -> None:
    note = entry(EntryKind.NOTE, "XML1", "HO_TEN=Ai đó\nT_BHTT=9\nNGAY_RA=2026\nMUC_GI_DO=1\nKET_QUA_DTRI=1")

    built = build_claim(facts(visit=visit_record(entries=(*ENTRIES, note))))

    assert {lack.field for lack in built.lacks if lack.code == "NOTE_UNREADABLE"} == {
        "HO_TEN", "T_BHTT", "NGAY_RA", "MUC_GI_DO",
    }  # fmt: skip
    summary = built.record.tables["XML1"][0]
    assert (summary["HO_TEN"], summary["KET_QUA_DTRI"]) == (PERSON.full_name, "1")


def test_an_order_of_the_record_tells_when_and_by_whom_where_the_bill_does_not() -> None:
    ordered = entry(EntryKind.SERVICE, "02.1896", "Khám nội", minutes=12)
    bare = line(order_time=None, prescriber_licence="")

    built = build_claim(facts(visit=visit_record(entries=(*ENTRIES, ordered)), split=stored(bare)))

    row = built.record.tables["XML3"][0]
    assert (row["NGAY_YL"], row["MA_BAC_SI"]) == ("202609010612", LICENCE)


def test_an_inpatient_stay_has_its_course_its_days_and_its_papers() -> None:
    entries = (
        *ENTRIES,
        entry(EntryKind.VITAL_SIGNS, text="pulse=75 /min, weight=53,5 kg", minutes=6),
        entry(EntryKind.NOTE, "XML7", "SO_LUU_TRU=12\nMA_YTE=34\nPP_DIEUTRI=Nội khoa\nTEN_BS=Thử\nNGAY_CT=20260901"),
        entry(EntryKind.NOTE, "XML8", "QT_BENHLY=Sốt hai ngày\nTOMTAT_KQ=Công thức máu bình thường\nNGAY_CT=20260901"),
        entry(EntryKind.NOTE, "XML4", "MA_DICH_VU=22.1\nTEN_CHI_SO=Hồng cầu\nGIA_TRI=4.5\nNGAY_KQ=202609010700"),
        entry(EntryKind.NOTE, "XML4", "MA_DICH_VU=22.1\nTEN_CHI_SO=Bạch cầu\nGIA_TRI=7\nNGAY_KQ=202609010700"),
    )  # fmt: skip
    stay = visit_record(kind=StayKind.INPATIENT, entries=entries, open_time=OPENED - timedelta(days=2))

    built = build_claim(facts(visit=stay, split=stored(is_inpatient=True)))

    assert lacking(built) == {"PP_DIEUTRI"}, "the record summary names no treatment"
    tables = built.record.tables
    assert list(tables) == ["XML1", "XML2", "XML3", "XML4", "XML5", "XML7", "XML8"]
    assert (tables["XML1"][0]["MA_LOAI_KCB"], tables["XML1"][0]["SO_NGAY_DTRI"]) == ("03", "3")
    assert tables["XML1"][0]["CAN_NANG"] == "52", "a note of the table wins over the vital signs"
    assert [row["STT"] for row in tables["XML4"]] == ["1", "2"]
    assert [row["NGUOI_THUC_HIEN"] for row in tables["XML5"]] == [LICENCE, LICENCE]
    paper = tables["XML7"][0]
    assert (paper["NGAY_RA"], paper["MA_KHOA_RV"], paper["MA_BS"]) == (
        tables["XML1"][0]["NGAY_RA"],
        "K01",
        LICENCE,
    )


def test_an_appointment_repeats_the_summary_and_only_exists_with_its_note() -> None:
    note = entry(EntryKind.NOTE, "XML14", "SO_GIAYHEN_KL=01/2026\nNGAY_HEN_KL=20260910\nNGAY_CT=20260901")
    again = entry(EntryKind.NOTE, "XML1", "NGAY_TAI_KHAM=20260910", minutes=42)

    built = build_claim(facts(visit=visit_record(entries=(*ENTRIES, again, note))))

    assert built.lacks == ()
    assert findings_of(built) == set()
    paper = built.record.tables["XML14"][0]
    assert (paper["HO_TEN"], paper["MA_BENH_CHINH"], paper["MA_BAC_SI"]) == (
        PERSON.full_name,
        "J06.9",
        LICENCE,
    )


def test_a_card_replaced_during_the_stay_stands_beside_the_new_one() -> None:
    old = replace(CARD, number="DN4190600000002", valid_to_date=day_of(OPENED))
    new = replace(CARD, valid_from_date=day_of(OPENED) + timedelta(days=1))
    changed = coverage(Outcome.CARD_CHANGED, card=new, replaced_card=old)

    summary = build_claim(facts(coverage=changed)).record.tables["XML1"][0]

    assert summary["MA_THE_BHYT"] == f"{old.number};{new.number}"
    assert summary["GT_THE_TU"] == "20260101;20260902"
    assert {summary[name].count(";") for name in ("MA_THE_BHYT", "MA_DKBD", "GT_THE_TU", "GT_THE_DEN")} == {1}


def test_a_visit_before_july_2025_names_the_old_units_with_their_district() -> None:
    opened = OPENED.replace(year=2025, month=6, day=1)
    person = replace(
        PERSON, former_residence=Residence(province_code="06", district_code="061", ward_code="01891")
    )

    summary = build_claim(
        facts(visit=visit_record(open_time=opened, close_time=opened + timedelta(hours=1)), person=person)
    ).record.tables["XML1"][0]

    assert (summary["MATINH_CU_TRU"], summary["MAHUYEN_CU_TRU"]) == ("06", "061")


def test_a_visit_before_the_tables_has_no_claim() -> None:
    with pytest.raises(ClaimVersionUnknown):
        build_claim(facts(visit=visit_record(open_time=OPENED.replace(year=2024, month=6, day=1))))


@pytest.mark.parametrize(
    ("birth_date", "expected"), [("1990", "199000000000"), ("1990-03", "199003000000"), ("", None)]
)
def test_unknown_parts_of_a_birth_date_are_zeros(birth_date: str, expected: str | None) -> None:
    built = build_claim(facts(person=replace(PERSON, birth_date=birth_date)))

    assert built.record.tables["XML1"][0].get("NGAY_SINH") == expected
    assert lacking(built) == (set() if expected else {"NGAY_SINH"})


def test_control_characters_of_the_record_do_not_reach_the_file() -> None:
    built = build_claim(facts(visit=visit_record(reason_text="ho\x00\x1b sốt\n")))

    assert built.record.tables["XML1"][0]["LY_DO_VV"] == "ho  sốt"
    assert findings_of(built) == set()


def test_a_check_in_names_the_visit_and_what_was_ordered_first() -> None:
    open_visit = facts(visit=visit_record(close_time=None, entries=()), split=None)

    row = build_check_in(open_visit, visit_code="1.1")

    assert {
        name: row[name] for name in ("MA_LK", "MA_DOITUONG_KCB", "MA_DICH_VU", "NGAY_YL", "MA_CSKCB")
    } == {
        "MA_LK": "260901-v1",
        "MA_DOITUONG_KCB": "1.1",
        "MA_DICH_VU": "KB-NOI",
        "NGAY_YL": "202609010600",
        "MA_CSKCB": FACILITY,
    }
    read = read_claim_file(check_in_bytes(row, schema_for(day_of(OPENED))))
    assert read.records[0].tables["XML0"][0]["HO_TEN"] == PERSON.full_name
    assert set(row) <= set(schema_named("3176").tables["XML0"].by_name)


def test_a_check_in_that_lacks_something_names_the_fields() -> None:
    open_visit = facts(visit=visit_record(kind=StayKind.EMERGENCY, entries=()), facility=None)

    with pytest.raises(CheckInNotReady) as refused:
        build_check_in(open_visit, visit_code="")

    assert set(refused.value.facts["fields"].split()) == {"MA_DOITUONG_KCB", "MA_LOAI_KCB", "MA_DICH_VU"}


def test_a_self_paid_benefit_is_no_claim_of_the_fund() -> None:
    nothing = stored(finding=coverage(Outcome.SELF_PAY).finding)

    assert isinstance(nothing.split.benefit, Benefit)
    assert not is_claimable(facts(coverage=None, split=nothing))
