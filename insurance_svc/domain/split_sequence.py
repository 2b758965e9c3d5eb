"""The rate of services that are paid less when they come together: examinations, surgery, shared beds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from insurance_svc.domain.days import vietnam_date
from insurance_svc.domain.model import CostLine

EXAMINATION_GROUP = 13
SURGERY_GROUP = 8
PROCEDURE_GROUP = 18
BED_GROUPS = frozenset({14, 15, 16})
EXAMINATION_PCTS = (100, 30, 30, 30, 10)
"""First, second to fourth, fifth; from the sixth on nothing."""
SAME_TEAM_PCT, OTHER_TEAM_PCT, PROCEDURE_PCT = 50, 80, 80
TWO_IN_BED_PCT, THREE_IN_BED_PCT, FOLDING_BED_PCT = 50, 33, 50
FOLDING_BED_LETTER = "K"
"""First letter of MA_GIUONG of stretchers and folding beds."""


def service_pcts(lines: Sequence[CostLine], service_date: date) -> list[int]:
    """TYLE_TT_DV of every line, 0 to 100, in the order of the lines; what a line tells itself counts.

    Source: annex of Decision 3176/QĐ-BYT, TYLE_TT_DV. Examinations are counted by day in Asia/Ho_Chi_Minh (the visit's
    where no time of order is told); in a session with several services the surgery with the highest covered price is
    the first one, which is our reading of "from the second service on".
    """
    found = [line.service_pct or _of_bed(line) for line in lines]
    _number_examinations(lines, found, service_date)
    _rank_surgery(lines, found)
    return found


def _of_bed(line: CostLine) -> int:
    if line.cost_group not in BED_GROUPS:
        return 100
    if line.bed_patient_count >= 3:
        return THREE_IN_BED_PCT
    if line.bed_patient_count == 2:
        return TWO_IN_BED_PCT
    return FOLDING_BED_PCT if line.bed_code.startswith(FOLDING_BED_LETTER) else 100


def _number_examinations(lines: Sequence[CostLine], found: list[int], service_date: date) -> None:
    by_day: dict[date, list[int]] = {}
    for index, line in enumerate(lines):
        if line.cost_group == EXAMINATION_GROUP:
            day = vietnam_date(line.order_time) if line.order_time is not None else service_date
            by_day.setdefault(day, []).append(index)
    for indices in by_day.values():
        for number, index in enumerate(_in_time(lines, indices)):
            if not lines[index].service_pct:
                found[index] = EXAMINATION_PCTS[number] if number < len(EXAMINATION_PCTS) else 0


def _in_time(lines: Sequence[CostLine], indices: Iterable[int]) -> list[int]:
    """By time of order; lines without one keep their place at the start."""
    return sorted(
        indices, key=lambda index: (time.timestamp() if (time := lines[index].order_time) else 0.0, index)
    )


def _rank_surgery(lines: Sequence[CostLine], found: list[int]) -> None:
    sessions: dict[str, list[int]] = {}
    for index, line in enumerate(lines):
        if line.surgery_session and line.cost_group in (SURGERY_GROUP, PROCEDURE_GROUP):
            sessions.setdefault(line.surgery_session, []).append(index)
    for indices in sessions.values():
        # Surgery before procedures; the dearest first; equals in the order of the bill.
        first, *later = sorted(
            indices,
            key=lambda index: (
                lines[index].cost_group != SURGERY_GROUP,
                -lines[index].covered_unit_price_vnd,
                index,
            ),
        )
        for index in later:
            if lines[index].service_pct:
                continue
            if lines[index].cost_group == PROCEDURE_GROUP:
                found[index] = PROCEDURE_PCT
            elif lines[index].surgery_team == lines[first].surgery_team:
                found[index] = SAME_TEAM_PCT
            else:
                found[index] = OTHER_TEAM_PCT
