"""Builds a claim from the facts that the services hold; what nobody recorded is a lack, never a guess.

Source: annex of Decision 3176/QĐ-BYT (29/10/2024, visits from 01/01/2025) and, before that, of 4750/QĐ-BYT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from insurance_svc.domain.benefit import NOT_INSURED_CODE
from insurance_svc.domain.claim_amounts import ClaimTotals, claim_totals
from insurance_svc.domain.claim_facts import (
    ClaimFacts,
    Holder,
    Lack,
    StayKind,
    day_of,
    local,
)
from insurance_svc.domain.claim_lines import (
    ClaimLine,
    claim_lines,
    clean,
    fund_by_fee,
    money,
    supplies_total,
)
from insurance_svc.domain.claim_notes import Notes, read_notes
from insurance_svc.domain.claim_papers import papers
from insurance_svc.domain.claim_patient import card_fields, patient_fields
from insurance_svc.domain.model import PENDING, Outcome
from standards.claims import ClaimRecord, Row, Schema, schema_for

_NO_DAYS = ("01", "07", "09")
_WHOLE_STAY = ("02", "03", "04", "06")
_BY_SERVICES = "08"
_TYPE_OF_STAY = {StayKind.OUTPATIENT: "01", StayKind.INPATIENT: "03"}
"""MA_LOAI_KCB where the record names none; an emergency may be any of several types and has to name it."""
_HOLDERS = {
    "HO_TEN": Holder.IDENTITY, "NGAY_SINH": Holder.IDENTITY, "GIOI_TINH": Holder.IDENTITY, "DIA_CHI": Holder.IDENTITY,
    "MA_TTDV": Holder.FACILITY, "MA_DOITUONG_KCB": Holder.COVERAGE, "MA_PTTT": Holder.FACILITY,
}  # fmt: skip
_TOLD_BEFORE = {
    **dict.fromkeys(("NGAY_RA", "SO_NGAY_DTRI"), "VISIT_OPEN"),
    **dict.fromkeys(
        ("MA_BENH_CHINH", "CHAN_DOAN_VAO", "CHAN_DOAN_RV", "MA_BENH"), "PRINCIPAL_DIAGNOSIS_MISSING"
    ),
    **dict.fromkeys(("MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU"), "ADDRESS_UNRESOLVED"),
    **dict.fromkeys(("MA_TTDV", "MA_PTTT"), "FACILITY_FACTS_MISSING"),
    "MA_DOITUONG_KCB": "COVERAGE_PENDING",
}
"""Fields whose absence another lack explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltClaim:
    """A claim as built."""

    schema: Schema
    record: ClaimRecord = field(repr=False)
    lacks: tuple[Lack, ...]
    month: str
    totals: ClaimTotals

    @property
    def is_ready(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lacks


def build_claim(facts: ClaimFacts) -> BuiltClaim:
    """Build the claim of an insured visit.

    Raises:
        ClaimVersionUnknown: the visit began before 1 July 2024.
    """
    visit = facts.visit
    schema = schema_for(day_of(visit.open_time))
    notes = read_notes(visit.entries, schema)
    principal = notes.of("XML1").get("MA_BENH_CHINH", "") or (
        notes.diagnoses[0].code if notes.diagnoses else ""
    )
    lines: list[ClaimLine] = []
    if facts.split is not None:
        lines = claim_lines(
            facts.split,
            visit.entries,
            schema=schema,
            link_id=visit.link_id,
            facility=facts.facility,
            principal=principal,
        )
    month = facts.month or f"{day_of(visit.close_time) if visit.close_time else facts.today:%Y-%m}"
    totals = claim_totals(line.amounts for line in lines)
    summary = {
        name: value
        for name, value in {
            **{name: clean(value) for name, value in notes.of("XML1").items()},
            **_encounter(facts, notes, lines, principal),
            **patient_fields(facts, visit_day=day_of(visit.open_time)),
            **card_fields(facts, notes.of("XML1")),
            **_sums(totals, lines),
            "NAM_QT": month[:4],
            "THANG_QT": month[5:7],
        }.items()
        if value
    }
    tables: dict[str, list[Row]] = {"XML1": [summary]}
    for name in ("XML2", "XML3"):
        if rows := [line.row for line in lines if line.table == name]:
            tables[name] = rows
    tables |= papers(facts, notes, summary, schema)
    lacks = [
        *_general_lacks(facts, summary, principal),
        *notes.lacks,
        *_field_lacks(tables, schema, day_of(visit.open_time)),
    ]
    return BuiltClaim(
        schema=schema,
        record=ClaimRecord(tables=tables),
        lacks=_without_echoes(lacks),
        month=month,
        totals=totals,
    )


def _encounter(facts: ClaimFacts, notes: Notes, lines: Sequence[ClaimLine], principal: str) -> Row:
    """What XML1 says about the stay; a note wins only where the suite does not know better."""
    visit, noted = facts.visit, notes.of("XML1")
    kind = noted.get("MA_LOAI_KCB", "") or _TYPE_OF_STAY.get(visit.kind, "")
    others = [each.code for each in notes.diagnoses if each.code != principal]
    texts = [clean(each.text) for each in notes.diagnoses if each.text]
    first_text = clean(notes.diagnoses[0].text) if notes.diagnoses else ""
    return {
        "MA_LK": visit.link_id,
        "STT": "1",
        "LY_DO_VV": noted.get("LY_DO_VV", "") or clean(visit.reason_text),
        "CHAN_DOAN_VAO": noted.get("CHAN_DOAN_VAO", "") or first_text,
        "CHAN_DOAN_RV": noted.get("CHAN_DOAN_RV", "") or "; ".join(texts),
        "MA_BENH_CHINH": principal,
        "MA_BENH_KT": noted.get("MA_BENH_KT", "") or ";".join(others),
        "MA_DOITUONG_KCB": facts.split.split.visit_code if facts.split else "",
        "NGAY_VAO": local(visit.open_time),
        "NGAY_RA": local(visit.close_time) if visit.close_time else "",
        "SO_NGAY_DTRI": _days(facts, kind, noted, lines),
        "MA_LOAI_KCB": kind,
        "MA_KHOA": noted.get("MA_KHOA", "") or _department(facts, lines),
        "MA_CSKCB": visit.facility,
        "CAN_NANG": noted.get("CAN_NANG", "") or notes.weight_kg,
        "MA_TTDV": facts.facility.director_licence if facts.facility else "",
        "MA_HSBA": f"{facts.facility.record_prefix if facts.facility else ''}{visit.link_id}",
    }


def _days(facts: ClaimFacts, kind: str, noted: Row, lines: Sequence[ClaimLine]) -> str:
    """SO_NGAY_DTRI: none for examinations, the days of a stay with both ends, for type 08 the days with services."""
    visit = facts.visit
    if kind in _NO_DAYS:
        return "0"
    if kind == _BY_SERVICES:
        days = {line.row["NGAY_YL"][:8] for line in lines if line.table == "XML3" and "NGAY_YL" in line.row}
        return str(len(days)) if days else ""
    if kind in _WHOLE_STAY and visit.close_time is not None:
        return str((day_of(visit.close_time) - day_of(visit.open_time)) // timedelta(days=1) + 1)
    return noted.get("SO_NGAY_DTRI", "")


def _department(facts: ClaimFacts, lines: Sequence[ClaimLine]) -> str:
    """The department of the lines where they name one alone, else the facility's."""
    named = {line.row["MA_KHOA"] for line in lines if line.row.get("MA_KHOA")}
    if len(named) == 1:
        return named.pop()
    return facts.facility.department_code if facts.facility else ""


def _sums(totals: ClaimTotals, lines: Sequence[ClaimLine]) -> Row:
    """The totals of XML1. T_BHTT is the sum of the lines: the header formula claims what a donor paid."""
    if not lines:
        return {}
    return {
        "T_THUOC": money(totals.drugs),
        "T_VTYT": money(supplies_total(lines)),
        "T_TONGCHI_BV": money(totals.total),
        "T_TONGCHI_BH": money(totals.covered),
        "T_BNTT": money(totals.self_pay),
        "T_BNCCT": money(totals.copay),
        "T_BHTT": money(totals.fund_by_lines),
        "T_NGUONKHAC": money(totals.other_funding),
        "T_BHTT_GDV": money(fund_by_fee(lines)),
    }


def _general_lacks(facts: ClaimFacts, summary: Row, principal: str) -> Iterator[Lack]:
    """What is wrong with the claim as a whole."""
    if facts.visit.close_time is None:
        yield Lack(code="VISIT_OPEN", holder=Holder.RECORD)
    if facts.split is None:
        yield Lack(code="SPLIT_MISSING", holder=Holder.BILL)
    elif facts.split.split.benefit.is_provisional:
        yield Lack(code="SPLIT_PROVISIONAL", holder=Holder.COVERAGE)
    elif facts.coverage is not None and facts.split.coverage_id != facts.coverage.coverage_id:
        yield Lack(code="SPLIT_STALE", holder=Holder.BILL)
    if facts.coverage is None:
        yield Lack(code="COVERAGE_MISSING", holder=Holder.COVERAGE)
    elif facts.coverage.finding.outcome in PENDING:
        yield Lack(code="COVERAGE_PENDING", holder=Holder.COVERAGE)
    elif not summary.get("MA_THE_BHYT"):
        yield Lack(code="CARD_MISSING", holder=Holder.RECORD, table="XML1", field="MA_THE_BHYT")
    if facts.facility is None:
        yield Lack(code="FACILITY_FACTS_MISSING", holder=Holder.FACILITY)
    if facts.person.residence is None:
        yield Lack(code="ADDRESS_UNRESOLVED", holder=Holder.IDENTITY)
    if not principal:
        yield Lack(code="PRINCIPAL_DIAGNOSIS_MISSING", holder=Holder.RECORD)


def _field_lacks(tables: dict[str, list[Row]], schema: Schema, day: date) -> Iterator[Lack]:
    """Every field that the decision requires in a row and that is empty."""
    for name, rows in tables.items():
        asked = [each for each in schema.tables[name].fields if each.required.text != "never"]
        for number, row in enumerate(rows, start=1):
            for each in asked:
                if each.name in row or not each.required.holds(row, day):
                    continue
                if each.name == "MA_VAT_TU" and "MA_DICH_VU" not in row:
                    continue  # one of the two is asked for, and the service is told
                holder = _HOLDERS.get(each.name) or (
                    Holder.BILL if name in ("XML2", "XML3") else Holder.RECORD
                )
                yield Lack(code="FIELD_NOT_RECORDED", holder=holder, table=name, row=number, field=each.name)


def _without_echoes(lacks: Sequence[Lack]) -> tuple[Lack, ...]:
    """The lacks less the empty fields that another one explains."""
    codes = {lack.code for lack in lacks}
    has_no_lines = "SPLIT_MISSING" in codes
    return tuple(
        lack
        for lack in lacks
        if lack.code != "FIELD_NOT_RECORDED"
        or not (
            _TOLD_BEFORE.get(lack.field) in codes
            or (has_no_lines and (lack.field.startswith("T_") or lack.field == "MA_DOITUONG_KCB"))
        )
    )


def is_claimable(facts: ClaimFacts) -> bool:
    """Whether the fund may owe something: not for who pays themselves, and not without a valid card."""
    if facts.split is not None and facts.split.split.visit_code == NOT_INSURED_CODE:
        return False
    if facts.coverage is None:
        return facts.split is None or facts.split.split.fund_vnd > 0
    outcome = facts.coverage.finding.outcome
    return outcome not in (Outcome.SELF_PAY, Outcome.NOT_VALID, Outcome.NOT_FOUND)


def hundredths(amount: Decimal) -> int:
    """Dong with two places as whole hundredths, for the store."""
    return int(amount.scaleb(2).to_integral_exact())
