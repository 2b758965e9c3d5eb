"""How many bills of 100 lines are split and explained in a second on one core, beside the arithmetic alone.

python -m bench.benefit [--quick] [--check] [--json FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from insurance_svc.domain.model import (
    CostLine,
    CostSplit,
    Finding,
    InsuranceCard,
    LineKind,
    Outcome,
    SplitCommand,
)
from insurance_svc.domain.split import split_cost
from insurance_svc.domain.tables import load_rules

LINE_COUNT = 100
BAR_BILLS_PER_S = 1_000
"""Bills per second and core: a hospital's whole day in seconds, so that a re-check can compute every bill again."""
ROUNDS, QUICK_ROUNDS = 9, 3
ROUND_S, QUICK_ROUND_S = 0.5, 0.1
FACILITY = "19999"
DAY = date(2026, 9, 1)


def bill() -> SplitCommand:
    """A bill as a short stay has it: examinations, tests, drugs with odd prices, supplies with ceilings, beds."""
    return SplitCommand(
        visit_id="v1",
        service_date=DAY,
        visit_code="",
        is_inpatient=True,
        is_emergency=False,
        lines=tuple(_line(number) for number in range(LINE_COUNT)),
    )


def _line(number: int) -> CostLine:
    kind = (LineKind.DRUG, LineKind.SERVICE, LineKind.SERVICE, LineKind.SUPPLY, LineKind.BED)[number % 5]
    group = {LineKind.DRUG: 4, LineKind.SUPPLY: 10, LineKind.BED: 15}.get(kind, 1 if number % 2 else 13)
    price_vnd = 10_000 + 737 * number
    is_drug = kind is LineKind.DRUG
    return CostLine(
        line_id=str(number),
        service_code=f"02.{number}",
        display_name=f"Dịch vụ số {number}",
        kind=kind,
        cost_group=group,
        quantity=Decimal(number % 7 + 1),
        unit_price_vnd=price_vnd,
        covered_unit_price_vnd=price_vnd if is_drug else price_vnd * 9 // 10,
        in_scope_pct=50 if number % 10 == 5 else 0,
        ceiling_vnd=40_000 if kind is LineKind.SUPPLY else 0,
        other_funding_vnd=500 if number % 20 == 7 else 0,
        order_time=datetime(2026, 9, 1 + number % 3, 3, number % 60, tzinfo=UTC),
    )


def finding() -> Finding:
    """A household member registered here, level 4."""
    card = InsuranceCard(
        number="",
        object_group="GD",
        benefit_level=4,
        valid_from_date=date(2026, 1, 1),
        valid_to_date=date(2026, 12, 31),
        registered_facility_code=FACILITY,
    )
    return Finding(outcome=Outcome.VALID, explanation_vi="", explanation_en="", card=card)


def plain_loop(command: SplitCommand) -> tuple[Decimal, Decimal]:
    """The arithmetic alone: the decision's two rounded products and differences for each line, with Decimal."""
    cent, rate, hundred = Decimal("0.01"), Decimal(80), Decimal(100)
    fund_sum = patient_sum = Decimal(0)
    for line in command.lines:
        total = (line.quantity * line.unit_price_vnd).quantize(cent, rounding=ROUND_HALF_UP)
        in_scope = Decimal(line.in_scope_pct or 100)
        covered = (line.quantity * line.covered_unit_price_vnd * in_scope / hundred).quantize(
            cent, rounding=ROUND_HALF_UP
        )
        fund = (covered * rate / hundred).quantize(cent, rounding=ROUND_HALF_UP)
        fund_sum += fund
        patient_sum += total - fund
    return fund_sum, patient_sum


def measure(work: Callable[[], object], *, round_s: float) -> float:
    """Times per second of processor time, so that a neighbour's share does not count."""
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < round_s:
        work()
        count += 1
    return count / spent


def main() -> int:
    """Measure, print, compare; 0 when the bar holds or is not asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test")
    parser.add_argument("--check", action="store_true", help="exit 1 below the bar")
    parser.add_argument("--json", type=Path, help="keep every measurement")
    chosen = parser.parse_args()
    rounds, round_s = (QUICK_ROUNDS, QUICK_ROUND_S) if chosen.quick else (ROUNDS, ROUND_S)
    command, found, rules = bill(), finding(), load_rules()

    def split() -> CostSplit:
        return split_cost(command, found, facility=FACILITY, rules=rules)

    made = split()
    assert made.benefit.rate_pct == 80, "the bench measures the case with a copayment"
    # What is loaded stays: a collector that walks the imports measures them, not the split.
    gc.freeze()
    loads = os.getloadavg()[0]
    bills, loops = [], []
    for _ in range(rounds):
        bills.append(measure(split, round_s=round_s))
        loops.append(measure(lambda: plain_loop(command), round_s=round_s))
    bills_per_s, loops_per_s = statistics.median(bills), statistics.median(loops)
    ratio = statistics.median(loop / bill for loop, bill in zip(loops, bills, strict=True))
    print(f"bills of {LINE_COUNT} lines split and explained: {bills_per_s:,.0f}/s (best {max(bills):,.0f})")
    print(f"the arithmetic alone, Decimal in a loop:   {loops_per_s:,.0f}/s (best {max(loops):,.0f})")
    print(f"a split costs {ratio:.1f} times the arithmetic; load before: {loads:.1f}")
    if chosen.json is not None:
        facts = {"bills_per_s": bills, "loops_per_s": loops, "load": loads}
        chosen.json.write_text(json.dumps(facts), encoding="utf-8")
    if chosen.check and bills_per_s < BAR_BILLS_PER_S:
        print(f"below the bar of {BAR_BILLS_PER_S:,}/s")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
