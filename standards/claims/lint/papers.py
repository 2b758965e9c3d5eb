"""Checks between the summary and the papers and tables that belong to it, and with the evidence of look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from standards.claims.lint.case import Case, Hit, amount, amount_or_zero, values

_SAME = {
    "XML7": ("NGAY_VAO", "NGAY_RA"),
    "XML8": ("NGAY_VAO", "NGAY_RA", "MA_LOAI_KCB"),
    "XML13": ("HO_TEN", "NGAY_SINH", "GIOI_TINH", "MA_BENH_CHINH", "MA_LOAI_RV"),
    "XML14": ("HO_TEN", "NGAY_SINH", "GIOI_TINH", "NGAY_VAO", "NGAY_RA", "MA_BENH_CHINH", "MA_DOITUONG_KCB"),
}
"""Fields that repeat the summary's ("if filled it must equal table 1" in the insurer's validator)."""
_SUMMARY_TYPES = ("03", "04", "06")
_NOTE_TYPES = ("02", "03", "04", "05", "06", "08", "09")
_TRANSFER = ("2", "5")
_SUMMARY_RESULT_MAX_CHARS = 4_000
_NOT_INSURED = "9"


def check_repeats(case: Case) -> Iterator[Hit]:
    """What a paper repeats is what the summary says."""
    for table, fields in _SAME.items():
        for number, row in enumerate(case.rows(table), start=1):
            for field in fields:
                if row.get(field) and row[field] != case.summary.get(field, ""):
                    yield Hit(rule_id="PAPER_DIFFERS", table=table, row=number, field=field)


def check_presence(case: Case) -> Iterator[Hit]:
    """Tables stand where the type of visit and the way it ended call for them."""
    if not case.summary:
        return
    ended = case.summary.get("MA_LOAI_RV", "")
    if case.rows("XML8") and case.kind not in _SUMMARY_TYPES:
        yield Hit(rule_id="RECORD_SUMMARY_NOT_FOR_TYPE", table="XML8")
    if case.kind in _SUMMARY_TYPES and not case.rows("XML8"):
        yield Hit(rule_id="RECORD_SUMMARY_MISSING", table="XML8")
    if case.kind in _NOTE_TYPES and not case.rows("XML5"):
        yield Hit(rule_id="NOTES_MISSING", table="XML5")
    if ended in _TRANSFER and not case.rows("XML13"):
        yield Hit(rule_id="REFERRAL_MISSING", table="XML13")
    if case.rows("XML13") and ended not in _TRANSFER:
        yield Hit(rule_id="REFERRAL_NOT_TRANSFERRED", table="XML13")
    if case.summary.get("NGAY_TAI_KHAM") and not case.rows("XML14"):
        yield Hit(rule_id="APPOINTMENT_PAPER_MISSING", table="XML14")
    for number, row in enumerate(case.rows("XML8"), start=1):
        if len(row.get("TOMTAT_KQ", "")) > _SUMMARY_RESULT_MAX_CHARS:
            facts = {"allowed": str(_SUMMARY_RESULT_MAX_CHARS)}
            yield Hit(rule_id="FIELD_TOO_LONG", table="XML8", row=number, field="TOMTAT_KQ", facts=facts)


def check_rates(case: Case) -> Iterator[Hit]:
    """A rate is between 0 and 100, and who is not insured has none."""
    for table in ("XML2", "XML3"):
        for number, row in enumerate(case.rows(table), start=1):
            for field in ("MUC_HUONG", "TYLE_TT_BH", "TYLE_TT_DV"):
                rate = amount(row.get(field, ""))
                if rate is not None and not 0 <= rate <= 100:
                    yield Hit(rule_id="RATE_OUT_OF_RANGE", table=table, row=number, field=field)
            if case.summary.get("MA_DOITUONG_KCB") == _NOT_INSURED and amount_or_zero(row, "T_BHTT") > 0:
                yield Hit(rule_id="FUND_PAYS_UNINSURED", table=table, row=number, field="T_BHTT")


def check_evidence(case: Case) -> Iterator[Hit]:
    """The claim says what the look-ups proved."""
    known = case.context.coverage
    if known is None or case.summary.get("MA_DOITUONG_KCB") in ("", _NOT_INSURED):
        return
    found = known.get(case.record.visit_link)
    if found is None:
        yield Hit(rule_id="EVIDENCE_MISSING", table="XML1", row=1, field="MA_THE_BHYT")
        return
    if not found.is_valid:
        yield Hit(rule_id="EVIDENCE_NOT_VALID", table="XML1", row=1, field="MA_THE_BHYT")
    cards = values(case.summary.get("MA_THE_BHYT", ""))
    # The insurance number is the last ten characters of a card's fifteen.
    if found.card_number and cards and not any(_is_same_card(card, found.card_number) for card in cards):
        yield Hit(rule_id="EVIDENCE_OTHER_CARD", table="XML1", row=1, field="MA_THE_BHYT")
    if case.day and (
        (found.valid_from and case.day < found.valid_from) or (found.valid_to and case.day > found.valid_to)
    ):
        yield Hit(rule_id="EVIDENCE_OTHER_PERIOD", table="XML1", row=1, field="GT_THE_DEN")
    if found.benefit_rate_pct is not None:
        yield from _check_rate(case, found.benefit_rate_pct)


def _check_rate(case: Case, allowed: Decimal) -> Iterator[Hit]:
    for table in ("XML2", "XML3"):
        for number, row in enumerate(case.rows(table), start=1):
            rate = amount(row.get("MUC_HUONG", ""))
            if rate is not None and rate > allowed:
                facts = {"found": str(rate), "allowed": str(allowed)}
                yield Hit(
                    rule_id="RATE_ABOVE_EVIDENCE", table=table, row=number, field="MUC_HUONG", facts=facts
                )


def _is_same_card(one: str, other: str) -> bool:
    return one == other or (one[-10:] == other[-10:] and 15 in (len(one), len(other)))
