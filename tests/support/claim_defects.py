"""Puts one defect into a claim that had none, and says where the linter has to find it.

Each kind is a function that changes the tables in place and answers what is expected, or None where the claim has no
place for it. The fields are those a person would call right: of a formula that does not hold, each of its terms.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from standards.claims import ClaimRecord, Row, schema_named
from standards.claims.lint import Finding, catalogue
from standards.claims.lint.case import moment
from tests.support.claim_lines import FACILITY, STAFF
from tests.support.claim_maker import clean_claim
from tests.support.claim_money import cents, dong, stamp

Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Where a defect has to be found."""

    table: str
    row: int
    """0 for the table as a whole."""
    fields: frozenset[str]
    rule_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A claim with one defect."""

    kind: str
    record: ClaimRecord
    expected: Expected


Maker = Callable[[random.Random, Tables], Expected | None]
KINDS: dict[str, Maker] = {}


_ATTEMPTS_MAX = 2_000


def seeded_defects(count: int) -> Iterator[Defect]:
    """Defects of every kind in turn, each in a claim of its own; the same count gives the same ones."""
    kinds = sorted(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        for attempt in range(_ATTEMPTS_MAX):
            seed = number * _ATTEMPTS_MAX + attempt
            defect = defective(seed, kind, clean_claim(seed))
            if defect is not None:
                yield defect
                break
        else:
            raise LookupError(f"no claim has a place for {kind}")


def defective(seed: int, kind: str, record: ClaimRecord) -> Defect | None:
    """The claim with a defect of that kind, or None where it has no place for it or no rule of that day forbids it."""
    tables = copy.deepcopy(record.tables)
    expected = KINDS[kind](random.Random(seed), tables)
    admitted = moment(record.tables["XML1"][0]["NGAY_VAO"])
    if expected is None or admitted is None:
        return None
    if not any(catalogue()[rule_id].is_in_force(admitted.date()) for rule_id in expected.rule_ids):
        return None
    return Defect(kind=kind, record=ClaimRecord(tables=tables), expected=expected)


@dataclass(slots=True, kw_only=True)
class Score:
    """How the linter did on many defects."""

    total: int = 0
    found: int = 0
    """A finding of an expected rule, wherever it stands."""
    at_field: int = 0
    """A finding of an expected rule at the expected table, row and field."""
    missed: list[str] = field(default_factory=list)
    """Kinds whose defect was not found at its field."""

    def add(self, defect: Defect, findings: Iterable[Finding]) -> None:
        """Count one more."""
        wanted = defect.expected
        of_rule = [finding for finding in findings if finding.rule_id in wanted.rule_ids]
        is_at_field = any(
            (finding.table, finding.row) == (wanted.table, wanted.row) and finding.field in wanted.fields
            for finding in of_rule
        )
        self.total += 1
        self.found += bool(of_rule)
        self.at_field += is_at_field
        if not is_at_field:
            self.missed.append(defect.kind)


def _kind(make: Maker) -> Maker:
    KINDS[make.__name__.strip("_")] = make
    return make


def _expect(table: str, row: int, fields: str, rules: str) -> Expected:
    return Expected(
        table=table, row=row, fields=frozenset(fields.split() or [""]), rule_ids=frozenset(rules.split())
    )


def _any(
    rng: random.Random, tables: Tables, table: str, fits: Callable[[Row], object] = bool
) -> tuple[int, Row] | None:
    rows = [(number, row) for number, row in enumerate(tables.get(table, []), start=1) if fits(row)]
    return rng.choice(rows) if rows else None


def _put(table: str, field: str, value: str | Callable[[Row], str], rules: str, *, fields: str = "", kinds: str = "",
         fits: Callable[[Row], object] = bool, name: str = "") -> None:  # fmt: skip
    """A kind that writes one value into a row that fits, in visits of the types named."""

    def make(rng: random.Random, tables: Tables) -> Expected | None:
        if kinds and tables["XML1"][0]["MA_LOAI_KCB"] not in kinds.split():
            return None
        found = _any(rng, tables, table, fits)
        if found is None:
            return None
        number, row = found
        new = value(row) if callable(value) else value
        if row.get(field, "") == new:
            return None
        row[field] = new
        return _expect(table, number, fields or field, rules)

    make.__name__ = name or f"{table}_{field}_{rules.split(maxsplit=1)[0]}".lower()
    _kind(make)


def _plus(field: str, add_cents: int) -> Callable[[Row], str]:
    return lambda row: dong(cents(row[field]) + add_cents)


def _shifted(field: str, **by: int) -> Callable[[Row], str]:
    def shift(row: Row) -> str:
        when = moment(row[field])
        assert when is not None, "clean claims have readable moments"
        return stamp(when + timedelta(**by))

    return shift


def _has(field: str, *allowed: str) -> Callable[[Row], object]:
    return lambda row: row.get(field) in allowed if allowed else row.get(field)


_SCHEMA = schema_named("3176")
_PATIENT = "XML1"
_SUM_FIELDS = (
    "T_THUOC", "T_VTYT", "T_TONGCHI_BV", "T_TONGCHI_BH", "T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC", "T_BHTT_GDV",
)  # fmt: skip


@_kind
def _required_field_empty(rng: random.Random, tables: Tables) -> Expected | None:
    table = rng.choice(sorted(tables))
    names = [
        f.name for f in _SCHEMA.tables[table].fields if f.required.text == "always" and not f.required.until
    ]
    number, row = rng.choice(list(enumerate(tables[table], start=1)))
    name = rng.choice(names)
    if not row.get(name):
        return None
    row[name] = ""
    return _expect(table, number, name, "FIELD_REQUIRED")


@_kind
def _field_too_long(rng: random.Random, tables: Tables) -> Expected | None:
    table = rng.choice(sorted(tables))
    limits = {f.name: f.max_chars for f in _SCHEMA.tables[table].fields if f.max_chars and f.kind == "string"}
    name = rng.choice(sorted(limits))
    number, row = rng.choice(list(enumerate(tables[table], start=1)))
    row[name] = "x" * (limits[name] + 1)
    return _expect(table, number, name, "FIELD_TOO_LONG")


@_kind
def _summary_sum_wrong(rng: random.Random, tables: Tables) -> Expected | None:
    name = rng.choice(_SUM_FIELDS)
    row = tables["XML1"][0]
    row[name] = dong(cents(row[name]) + 100_000)
    return _expect("XML1", 1, name, "SUMMARY_SUM_WRONG")


@_kind
def _line_twice(rng: random.Random, tables: Tables) -> Expected | None:
    table = rng.choice(["XML2", "XML3"])
    found = _any(rng, tables, table)
    if found is None:
        return None
    tables[table].append(found[1] | {"STT": str(len(tables[table]) + 1)})
    return _expect(table, len(tables[table]), "MA_THUOC MA_DICH_VU MA_VAT_TU", "LINE_TWICE")


@_kind
def _link_differs(rng: random.Random, tables: Tables) -> Expected | None:
    table = rng.choice(sorted(set(tables) - {"XML1"}))
    number, row = rng.choice(list(enumerate(tables[table], start=1)))
    row["MA_LK"] += "9"
    return _expect(table, number, "MA_LK", "LINK_DIFFERS")


@_kind
def _position_twice(rng: random.Random, tables: Tables) -> Expected | None:
    tables_with_two = [name for name in ("XML2", "XML3", "XML4") if len(tables.get(name, [])) > 1]
    if not tables_with_two:
        return None
    table = rng.choice(tables_with_two)
    tables[table][-1]["STT"] = tables[table][0]["STT"]
    return _expect(table, len(tables[table]), "STT", "POSITION_TWICE")


@_kind
def _too_many_diagnoses(rng: random.Random, tables: Tables) -> Expected | None:
    tables["XML1"][0]["MA_BENH_KT"] = ";".join(
        f"{chapter}.{n}" for chapter in ("A15", "B20") for n in range(7)
    )
    return _expect("XML1", 1, "MA_BENH_KT", "TOO_MANY_DIAGNOSES")


@_kind
def _card_of_last_year(rng: random.Random, tables: Tables) -> Expected | None:
    row = tables["XML1"][0]
    if ";" in row["GT_THE_TU"]:
        return None
    year = int(row["NGAY_VAO"][:4]) - 1
    row |= {"GT_THE_TU": f"{year}0101", "GT_THE_DEN": f"{year}1231"}
    return _expect("XML1", 1, "GT_THE_TU GT_THE_DEN", "CARD_NOT_VALID_ON_VISIT")


@_kind
def _results_of_a_test_missing(rng: random.Random, tables: Tables) -> Expected | None:
    found = _any(rng, tables, "XML3", _has("MA_NHOM", "1", "2"))
    if found is None:
        return None
    number, line = found
    tables["XML4"] = [row for row in tables["XML4"] if row["MA_DICH_VU"] != line["MA_DICH_VU"]]
    rule = "RESULT_MISSING" if line["MA_NHOM"] == "1" else "CONCLUSION_MISSING"
    return _expect("XML3", number, "MA_DICH_VU", rule)


@_kind
def _second_examination_of_an_inpatient(rng: random.Random, tables: Tables) -> Expected | None:
    if tables["XML1"][0]["MA_LOAI_KCB"] not in ("03", "04"):
        return None
    line = next(row for row in tables["XML3"] if row["MA_NHOM"] == "13")
    count = len(tables["XML3"]) + 1
    later = _shifted("NGAY_YL", minutes=9)(line)
    tables["XML3"].append(line | {"STT": str(count), "NGAY_YL": later, "NGAY_TH_YL": later})
    return _expect("XML3", count, "MA_DICH_VU", "EXAMINATION_TWICE")


@_kind
def _second_examination_at_full_rate(rng: random.Random, tables: Tables) -> Expected | None:
    lines = [(n, row) for n, row in enumerate(tables["XML3"], start=1) if row["MA_NHOM"] == "13"]
    if tables["XML1"][0]["MA_LOAI_KCB"] in ("03", "04") or len(lines) < 2:
        return None
    number, row = lines[1]
    row["TYLE_TT_DV"] = "100"
    return _expect("XML3", number, "TYLE_TT_DV", "EXAMINATION_RATE")


@_kind
def _second_operation_at_full_rate(rng: random.Random, tables: Tables) -> Expected | None:
    lines = [(n, row) for n, row in enumerate(tables["XML3"], start=1) if row["MA_NHOM"] == "8"]
    if len(lines) < 2:
        return None
    number, row = lines[1]
    row["TYLE_TT_DV"] = "100"
    return _expect("XML3", number, "TYLE_TT_DV", "SURGERY_RATE")


@_kind
def _two_beds_at_once(rng: random.Random, tables: Tables) -> Expected | None:
    lines = [(n, row) for n, row in enumerate(tables.get("XML3", []), start=1) if row["MA_NHOM"] == "15"]
    if len(lines) < 2:
        return None
    number, row = lines[1]
    row["NGAY_TH_YL"] = row["NGAY_YL"] = _shifted("NGAY_TH_YL", hours=-5)(row)
    return _expect("XML3", number, "NGAY_TH_YL", "BED_TWICE")


def _drops(table: str, rules: str, *, fits: Callable[[Row], object] = bool) -> None:
    """A kind that leaves a table out of a visit whose summary fits."""

    def make(rng: random.Random, tables: Tables) -> Expected | None:
        if table not in tables or not fits(tables["XML1"][0]):
            return None
        del tables[table]
        return _expect(table, 0, "", rules)

    make.__name__ = f"{table}_left_out".lower()
    _kind(make)


_drops("XML5", "NOTES_MISSING")
_drops("XML8", "RECORD_SUMMARY_MISSING")
_drops("XML13", "REFERRAL_MISSING")
_drops("XML14", "APPOINTMENT_PAPER_MISSING")

# Values by themselves
_put("XML2", "SO_LUONG", "12,5", "FIELD_NOT_A_NUMBER")
_put("XML3", "T_BNTT", "-5", "NUMBER_NEGATIVE")
_put("XML2", "THANH_TIEN_BV", lambda row: f"{cents(row['THANH_TIEN_BV']) // 100}.1234", "NUMBER_TOO_PRECISE")
_put("XML3", "NGAY_YL", "202613011200", "DATE_MALFORMED")
_put("XML2", "NGAY_YL", lambda row: row["NGAY_YL"][:8], "DATE_LENGTH_WRONG")
_put(_PATIENT, "GIOI_TINH", "5", "CODE_NOT_IN_LIST")
_put(_PATIENT, "KET_QUA_DTRI", "9", "CODE_NOT_IN_LIST", name="unknown_result_of_treatment")
_put("XML3", "PHAM_VI", "4", "CODE_NOT_IN_LIST")
_put("XML2", "MA_PTTT", "7", "CODE_NOT_IN_LIST")
_put("XML3", "MA_NHOM", "25", "CODE_NOT_IN_LIST")
_put(_PATIENT, "SO_CCCD", "09912", "PERSON_NUMBER_MALFORMED")
_put(_PATIENT, "MA_THE_BHYT", "GD9990000000000", "CARD_NUMBER_MALFORMED")
_put(_PATIENT, "MA_THE_BHYT", "", "CARD_MISSING", fits=lambda row: cents(row["T_BHTT"]) > 0)
_put("XML9", "MA_THE_TAM", "TE2990000000000", "CHILD_CARD_MALFORMED")
_put(_PATIENT, "MA_DKBD", "9900", "FACILITY_CODE_MALFORMED")
_put(_PATIENT, "MA_CSKCB", "99002", "FACILITY_DIFFERS")
_put(_PATIENT, "MA_NOI_DI", "99999", "FACILITY_UNKNOWN")
_put(_PATIENT, "MA_DKBD", lambda row: f"{row['MA_DKBD']};{FACILITY}", "CARDS_UNEVEN",
     fields="MA_THE_BHYT MA_DKBD")  # fmt: skip
_put(_PATIENT, "CAN_NANG", "7025", "FIELD_FORM_WRONG")
_put(_PATIENT, "MAXA_CU_TRU", "99999", "RESIDENCE_UNKNOWN")
_put("XML9", "CAN_NANG_CON", "3.1", "WEIGHT_DOUBTFUL")
_put("XML3", "GOI_VTYT", "1", "FIELD_FORM_WRONG")
# The stay and its order in time
_put(_PATIENT, "NGAY_RA", _shifted("NGAY_VAO", days=-1), "DISCHARGE_BEFORE_ADMISSION")
_put(_PATIENT, "NGAY_VAO_NOI_TRU", _shifted("NGAY_VAO", days=-1), "WARD_OUTSIDE_STAY")
_put(_PATIENT, "NGAY_TTOAN", _shifted("NGAY_VAO", days=-1), "PAID_BEFORE_ADMISSION")
_put(_PATIENT, "NGAY_SINH", _shifted("NGAY_VAO", days=2), "BIRTH_AFTER_ADMISSION")
_put(_PATIENT, "NGAY_RA", "202712311200", "DISCHARGE_IN_FUTURE")
_put(_PATIENT, "NAM_QT", "2023", "SETTLED_BEFORE_PAID", fields="NAM_QT THANG_QT")
_put(_PATIENT, "THANG_QT", "13", "MONTH_OUT_OF_RANGE")
_put(_PATIENT, "SO_NGAY_DTRI", "77", "TREATMENT_DAYS_WRONG", kinds="01 03 04 09")
_put("XML14", "NGAY_HEN_KL", lambda row: row["NGAY_RA"][: len(row["NGAY_HEN_KL"])], "APPOINTMENT_NOT_LATER")
_put("XML3", "NGAY_YL", "202301010800", "ORDER_OUTSIDE_STAY")
_put("XML2", "NGAY_TH_YL", _shifted("NGAY_YL", minutes=-3), "DONE_BEFORE_ORDER")
_put("XML3", "NGAY_KQ", _shifted("NGAY_YL", minutes=-3), "RESULT_BEFORE_ORDER", fits=_has("NGAY_KQ"))
_put("XML4", "NGAY_KQ", "202301010800", "RESULT_BEFORE_ADMISSION")
_put("XML5", "THOI_DIEM_DBLS", "202301010800", "NOTE_OUTSIDE_STAY")
_put("XML11", "SO_NGAY_NGHI", "29", "LEAVE_DAYS_WRONG")
_put("XML7", "NGAY_CT", "20230101", "DISCHARGE_PAPER_DAY")
_put("XML9", "GHI_CHU", "Khỏe", "BIRTH_NOTE_WORDING")
# Money
_put("XML3", "SO_LUONG", "0", "QUANTITY_NOT_POSITIVE", fits=lambda row: row["MA_NHOM"] not in ("14", "15"))
_put("XML2", "SO_LUONG", lambda row: str(float(row["SO_LUONG"]) + 7), "LINE_TOTAL_WRONG",
     fields="SO_LUONG DON_GIA THANH_TIEN_BV")  # fmt: skip
_put("XML3", "T_NGUONKHAC", _plus("T_NGUONKHAC", 50_000), "OTHER_FUNDING_SUM")
_put("XML2", "THANH_TIEN_BV", _plus("THANH_TIEN_BV", 12_345), "LINE_TOTAL_WRONG")
_put(
    "XML3",
    "THANH_TIEN_BV",
    _plus("THANH_TIEN_BV", 2),
    "LINE_TOTAL_WRONG",
    name="line_total_wrong_by_two_cents",
)
_put("XML3", "THANH_TIEN_BH", _plus("THANH_TIEN_BH", 12_345), "LINE_COVERED_WRONG")
_put("XML2", "T_BHTT", _plus("T_BHTT", 12_345), "FUND_SHARE_WRONG")
_put("XML3", "T_BNCCT", _plus("T_BNCCT", 12_345), "COPAY_WRONG")
_put("XML2", "T_BNTT", _plus("T_BNTT", 12_345), "SELF_PAY_WRONG")
_put("XML3", "PHAM_VI", "2", "FUND_PAYS_OUT_OF_SCOPE", fits=lambda row: cents(row["T_BHTT"]) > 0,
     fields="PHAM_VI T_BHTT")  # fmt: skip
_put("XML3", "DON_GIA_BH", "99999999.5", "FUND_PRICE_ABOVE_PRICE")
_put("XML3", "T_TRANTT", "1", "FUND_PRICE_ABOVE_CEILING", fits=_has("T_TRANTT"), fields="DON_GIA_BH T_TRANTT")
_put("XML2", "MUC_HUONG", "120", "RATE_OUT_OF_RANGE")
_put("XML2", "TYLE_TT_BH", "100", "SCOPE_RATE_NOT_ZERO", fits=_has("PHAM_VI", "2"))
# Diagnoses
_put(_PATIENT, "MA_BENH_CHINH", "X99.9", "DIAGNOSIS_UNKNOWN")
_put(_PATIENT, "MA_BENH_KT", lambda row: row["MA_BENH_CHINH"], "DIAGNOSIS_TWICE")
_put(_PATIENT, "MA_BENH_CHINH", "N48.1", "DIAGNOSIS_SEX", fits=_has("GIOI_TINH", "2"))
_put(_PATIENT, "MA_BENH_CHINH", "P52.3", "DIAGNOSIS_AGE")
_put(_PATIENT, "MA_BENH_KT", "M01.87", "DIAGNOSIS_PAIR_MISSING")
_put(_PATIENT, "MA_BENH_CHINH", "Z87.8", "PRINCIPAL_NOT_ALLOWED")
_put(_PATIENT, "MA_BENH_CHINH", "U50.011", "PRINCIPAL_TRADITIONAL")
_put("XML3", "MA_BENH", "J00;X99.9", "DIAGNOSIS_UNKNOWN", fits=_has("MA_BENH"))
# Services, drugs, beds, staff and the catalogue
_put("XML3", "PP_VO_CAM", "", "ANAESTHESIA_MISSING", fits=_has("PP_VO_CAM"))
_put("XML3", "MA_MAY", "", "MACHINE_MISSING", fits=_has("MA_NHOM", "1", "2", "3"))
_put("XML3", "MA_MAY", "máy 1", "MACHINE_MALFORMED", fits=_has("MA_MAY"))
_put("XML3", "NGUOI_THUC_HIEN", "", "FIELD_REQUIRED", fits=_has("MA_NHOM", "1", "2", "3", "8"))
_put("XML3", "MA_GIUONG", "P01", "BED_MALFORMED", fits=_has("MA_GIUONG"))
_put("XML3", "MA_GIUONG", "", "BED_MISSING", fits=_has("MA_GIUONG"))
_put("XML3", "SO_LUONG", "41", "BED_QUANTITY", fits=_has("MA_NHOM", "15"))
_put("XML3", "NGUOI_THUC_HIEN", f"{STAFF[0]};009999/TEST-GPHN", "STAFF_UNKNOWN", fits=_has("NGUOI_THUC_HIEN"))
_put("XML2", "MA_BAC_SI", f"{STAFF[0]}.TX.9", "STAFF_SUFFIX_MALFORMED")
_put("XML2", "MA_THUOC", "40.9999", "ITEM_UNKNOWN", fits=_has("MA_NHOM", "4"))
_put("XML2", "HAM_LUONG", "9g", "ITEM_DIFFERS", fits=_has("MA_THUOC", "40.155", "40.2", "40.559"))
_put("XML3", "DON_GIA_BH", "300000.5", "PRICE_ABOVE_CATALOGUE", fits=_has("MA_NHOM", "1", "2", "3"))
_put("XML2", "MA_NHOM", "13", "GROUP_OF_OTHER_TABLE")
_put("XML2", "SO_DANG_KY", "VD 12345 21", "REGISTRATION_SPACED", fits=_has("SO_DANG_KY"))
_put("XML3", "TT_THAU", "G1 N1 2021", "TENDER_FORM", fits=_has("TT_THAU"))
_put("XML3", "MA_DICH_VU", "12.0001", "TRANSPORT_CODE_WRONG", fits=_has("MA_NHOM", "12"))
# Papers and the right to insurance
_put("XML14", "HO_TEN", "NGUYỄN THỊ KHÁC", "PAPER_DIFFERS")
_put("XML8", "NGAY_RA", _shifted("NGAY_RA", days=1), "PAPER_DIFFERS")
_put("XML13", "MA_LOAI_RV", "4", "PAPER_DIFFERS")
_put(_PATIENT, "GIAY_CHUYEN_TUYEN", "", "SLIP_NUMBER_MISSING", fits=_has("MA_DOITUONG_KCB", "1.3"))
_put(_PATIENT, "MA_NOI_DEN", "", "DESTINATION_MISSING", fits=_has("MA_LOAI_RV", "2", "5"))
_put(_PATIENT, "MA_NOI_DEN", "99002", "DESTINATION_WITHOUT_TRANSFER", fits=_has("MA_LOAI_RV", "1"))
