"""Checks between the summary and the tables and papers that belong to it."""

from __future__ import annotations

from collections.abc import Iterator

from standards.claims.lint.case import Case, Hit, moment, of_summary, values

_IDENTITY = ("NGAY_SINH", "GIOI_TINH", "DIA_CHI", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU")
_SUMMARISED = (
    "HO_TEN", "NGAY_SINH", "GIOI_TINH", "DIA_CHI", "MA_THE_BHYT", "GT_THE_DEN", "MA_BENH_CHINH", "MA_BENH_KT",
    "MA_BENH_YHCT", "CHAN_DOAN_RV", "NGAY_VAO_NOI_TRU", "MA_CSKCB",
)  # fmt: skip
_SAME = {
    "XML6": (*_IDENTITY, "SO_CCCD", "MA_THE_BHYT", "MA_CSKCB"),
    "XML7": ("NGAY_VAO", "NGAY_RA"),
    "XML8": ("NGAY_VAO", "NGAY_RA", "MA_LOAI_KCB", "KET_QUA_DTRI"),
    "XML11": ("MA_THE_BHYT",),
    "XML13": (*_SUMMARISED, "MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP", "MA_LOAI_RV"),
    "XML14": (*_SUMMARISED, "NGAY_VAO", "NGAY_RA", "MA_DOITUONG_KCB"),
    "XML15": ("MA_BN", "HO_TEN", "SO_CCCD", "MA_CSKCB"),
}
"""Fields that repeat the summary's; a table that does not carry one leaves it empty."""
_SAME_UNDER_OTHER_NAME = (("XML7", "MA_YTE", "MA_BN"), ("XML13", "MA_CSKCB_DEN", "MA_NOI_DEN"))
_SUMMARY_TYPES = ("03", "04", "06")
_NOTE_TYPES = ("02", "03", "04", "05", "06", "08", "09")
_TRANSFER = ("2", "5")
_ON_REQUEST = "3"
_DIED = ("5", "8")
_SUMMARY_RESULT_MAX_CHARS = 4_000


def check_repeats(case: Case) -> Iterator[Hit]:
    """What a paper repeats is what the summary says; the first of several values may stand alone."""
    if not case.summary:
        return
    pairs = [(table, field, field) for table, fields in _SAME.items() for field in fields]
    for table, field, of_field in (*pairs, *_SAME_UNDER_OTHER_NAME):
        expected = case.summary.get(of_field, "").strip()
        for number, row in case.numbered(table):
            found = row.get(field, "").strip()
            if found and found != expected and not set(values(found)) <= set(values(expected)):
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
    for number, row in case.numbered("XML13"):
        if (
            row.get("MA_LYDO_CT")
            and ended in _TRANSFER
            and (row["MA_LYDO_CT"] == _ON_REQUEST) != (ended == "5")
        ):
            yield Hit(rule_id="TRANSFER_REASON_DIFFERS", table="XML13", row=number, field="MA_LYDO_CT")
    for number, row in case.numbered("XML8"):
        if len(row.get("TOMTAT_KQ", "")) > _SUMMARY_RESULT_MAX_CHARS:
            facts = {"allowed": str(_SUMMARY_RESULT_MAX_CHARS)}
            yield Hit(rule_id="FIELD_TOO_LONG", table="XML8", row=number, field="TOMTAT_KQ", facts=facts)


def check_appointments(case: Case) -> Iterator[Hit]:
    """Appointments lie after the visit, in both places, and nobody dead has one."""
    days = values(case.summary.get("NGAY_TAI_KHAM", ""))
    last_day = moment(case.summary.get("NGAY_RA", "")[:8])
    if days and not case.rows("XML14"):
        yield Hit(rule_id="APPOINTMENT_PAPER_MISSING", table="XML14")
    if case.summary.get("KET_QUA_DTRI") in _DIED and (days or case.rows("XML14")):
        yield of_summary("APPOINTMENT_OF_DEAD", "KET_QUA_DTRI")
    for day in days:
        back = moment(day)
        if back and last_day and back <= last_day:
            yield of_summary("APPOINTMENT_NOT_LATER", "NGAY_TAI_KHAM")
    for number, row in case.numbered("XML14"):
        day = row.get("NGAY_HEN_KL", "")[:8]
        back = moment(day)
        if back and last_day and back <= last_day:
            yield Hit(rule_id="APPOINTMENT_NOT_LATER", table="XML14", row=number, field="NGAY_HEN_KL")
        elif back and days and day not in days:
            yield Hit(rule_id="APPOINTMENT_DIFFERS", table="XML14", row=number, field="NGAY_HEN_KL")
