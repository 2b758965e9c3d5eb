"""Checks of the right to insurance as the summary states it: number, card and its days, referral, exemption."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from standards.claims.lint.case import (
    NOT_INSURED,
    Case,
    Hit,
    amount,
    amount_or_zero,
    moment,
    of_summary,
    values,
)

_TRANSFER = ("2", "5")
_WITH_SLIP = "1.3"
_NEWBORN_DAYS = 28
_CHILD_CARD_DAYS = 7 * 366
"""A child's card ends on 30 September of the year in which the child is six."""
_FAR_DAY = datetime(9999, 12, 31)  # noqa: DTZ001 - compared with days alone


def check_card(case: Case) -> Iterator[Hit]:
    """Who claims names a card; who is not insured names none; numbers fit the age."""
    row = case.summary
    cards = values(row.get("MA_THE_BHYT", ""))
    if amount_or_zero(row, "T_BHTT") > 0 and not cards:
        yield of_summary("CARD_MISSING", "MA_THE_BHYT")
    if case.subject == NOT_INSURED and cards:
        yield of_summary("CARD_OF_UNINSURED", "MA_THE_BHYT")
    if case.ages_days is None:
        return
    youngest, oldest = case.ages_days
    if row and not row.get("SO_CCCD") and youngest > _NEWBORN_DAYS:
        yield of_summary("PERSON_NUMBER_MISSING", "SO_CCCD")
    if 0 <= oldest <= _NEWBORN_DAYS and row.get("NGAY_SINH", "")[8:] in ("", "0000"):
        yield of_summary("NEWBORN_TIME_MISSING", "NGAY_SINH")
    if youngest > _CHILD_CARD_DAYS and any(card.startswith("TE") for card in cards):
        yield of_summary("CHILD_CARD_TOO_OLD", "MA_THE_BHYT")


def check_card_period(case: Case) -> Iterator[Hit]:
    """One of the cards is valid on the day of admission; each begins before it ends."""
    row = case.summary
    firsts, lasts = values(row.get("GT_THE_TU", "")), values(row.get("GT_THE_DEN", ""))
    if not firsts or case.day is None or case.subject == NOT_INSURED or (lasts and len(lasts) != len(firsts)):
        return  # CARDS_UNEVEN tells the last
    starts = [moment(first) for first in firsts]
    # Army and police cards that the portal does not know have no last day (annex of 3176, GT_THE_DEN).
    ends = [moment(last) for last in lasts] or [_FAR_DAY] * len(firsts)
    spans = [(start.date(), end.date()) for start, end in zip(starts, ends, strict=True) if start and end]
    if len(spans) < len(firsts):
        return  # DATE_MALFORMED tells it
    if any(start > end for start, end in spans):
        yield of_summary("CARD_PERIOD_REVERSED", "GT_THE_DEN")
    elif not any(start <= case.day <= end for start, end in spans):
        yield of_summary("CARD_NOT_VALID_ON_VISIT", "GT_THE_DEN")


def check_referral(case: Case) -> Iterator[Hit]:
    """Where the patient came from and goes to."""
    row = case.summary
    if not row:
        return
    if case.subject == _WITH_SLIP:
        if not row.get("GIAY_CHUYEN_TUYEN"):
            yield of_summary("SLIP_NUMBER_MISSING", "GIAY_CHUYEN_TUYEN")
        if not row.get("MA_NOI_DI"):
            yield of_summary("SLIP_FACILITY_MISSING", "MA_NOI_DI")
    is_transferred = row.get("MA_LOAI_RV") in _TRANSFER
    if is_transferred and not row.get("MA_NOI_DEN"):
        yield of_summary("DESTINATION_MISSING", "MA_NOI_DEN")
    if row.get("MA_NOI_DEN") and row.get("MA_LOAI_RV") and not is_transferred:
        yield of_summary("DESTINATION_WITHOUT_TRANSFER", "MA_NOI_DEN")
    for field in ("MA_NOI_DI", "MA_NOI_DEN"):
        if row.get(field) and row[field] == row.get("MA_CSKCB"):
            yield of_summary("FACILITY_REFERS_TO_ITSELF", field)


def check_exemption(case: Case) -> Iterator[Hit]:
    """From the moment of exemption on, nobody on the right line pays a share; it takes five years without a gap."""
    exempt = moment(case.summary.get("NGAY_MIEN_CCT", ""))
    if exempt is None:
        return
    five_years = moment(case.summary.get("NAM_NAM_LIEN_TUC", ""))
    if five_years is None or five_years.date() > exempt.date():
        yield of_summary("FIVE_YEARS_MISSING", "NAM_NAM_LIEN_TUC")
    if not case.is_right_line:
        return
    for table in ("XML2", "XML3"):
        for number, row in case.numbered(table):
            ordered, rate = moment(row.get("NGAY_YL", "")), amount(row.get("MUC_HUONG", ""))
            if (
                ordered
                and ordered >= exempt
                and rate is not None
                and rate < 100
                and row.get("PHAM_VI") == "1"
            ):
                yield Hit(rule_id="EXEMPT_PAYS_SHARE", table=table, row=number, field="MUC_HUONG")
