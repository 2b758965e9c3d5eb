"""How matching bank lines grows with their number: lines per second at 1 k, 10 k and 100 k, and the ratio per line.

Run: `python -m bench.bank_lines`. Half of the lines are told by a notification, half only name their reference code.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import date

from payment_svc.domain.matching import OpenCollection, OpenLine, match

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 3
AMOUNT_VND = 37_500


def seconds(size: int) -> float:
    """Processor time of matching `size` lines against as many collections."""
    intents = {f"CODE{number}": f"intent{number}" for number in range(size)}
    references = [f"FT{number:08d}" if number % 2 else "" for number in range(size)]
    lines = [
        OpenLine(
            line_id=f"l{number:07d}",
            booking_date=date(2026, 3, 2),
            amount_vnd=AMOUNT_VND,
            bank_reference=reference,
            codes=(f"CODE{number}",),
            text_hash=b"",
        )
        for number, reference in enumerate(references)
    ]
    collections = [
        OpenCollection(
            collection_id=f"c{number:07d}",
            amount_vnd=AMOUNT_VND,
            bank_reference=reference,
            intent_id=f"intent{number}",
            text_hash=b"",
        )
        for number, reference in enumerate(references)
    ]
    begun = time.process_time()
    match(lines, collections, intents=intents)
    return time.process_time() - begun


def main() -> int:
    """Measure every size and print a Markdown table."""
    print("| lines | lines a second | time per line to the smallest |\n|---|---|---|")
    smallest = 0.0
    for size in SIZES:
        per_line = statistics.median(seconds(size) for _ in range(ROUNDS)) / size
        smallest = smallest or per_line
        print(f"| {size:,} | {1 / per_line:,.0f} | {per_line / smallest:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
