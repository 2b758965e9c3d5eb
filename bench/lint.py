"""How many defects the claim linter finds, how often it is wrong, and how fast claims are read, checked and written.

Run: `python -m bench.lint` (exits 1 below a bar). Defects and clean claims are the seeded ones of the tests; each
defect stands alone in a claim of its own.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import partial

from standards.claims import read_claim_file, schema_named, write_claim_file
from standards.claims.lint import LintContext, lint, lint_stream
from tests.support.claim_defects import KINDS, Score, seeded_defects
from tests.support.claim_findings import CONTEXT
from tests.support.claim_lines import Plan
from tests.support.claim_maker import claim_file, clean_claim, long_claim

DEFECTS, CLEAN = 1_000, 300
RECALL_BAR, LONG_BAR_S = 0.99, 0.5
ROUNDS = 5
FILE_VISITS = 1_000
SCHEMA = schema_named("3176")
JANUARY = date(2026, 1, 6)


def main() -> int:
    """Measure, print, and compare with the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: a tenth of everything")
    part = 10 if parser.parse_args().quick else 1
    is_good = _quality(DEFECTS // part, CLEAN // part)
    is_fast = _speed()
    _memory(FILE_VISITS // part)
    return 0 if is_good and is_fast else 1


def _quality(defects: int, clean: int) -> bool:
    score = Score()
    for defect in seeded_defects(defects):
        score.add(defect, lint(claim_file(defect.record), CONTEXT).findings)
    alarms = Counter(
        finding.rule_id
        for seed in range(clean)
        for finding in lint(claim_file(clean_claim(seed)), CONTEXT).findings
    )
    print(f"{score.total} single defects of {len(KINDS)} kinds, {clean} clean claims")
    print(f"  found by the right rule      {score.found / score.total:8.4f}")
    print(f"  at the right table and field {score.at_field / score.total:8.4f}")
    print(f"  false alarms                 {alarms.total():8d}  {dict(alarms) or ''}")
    for kind, count in Counter(score.missed).most_common():
        print(f"  missed: {kind} {count}")
    return min(score.found, score.at_field) >= RECALL_BAR * score.total and not alarms


def _speed() -> bool:
    print(
        f"\n{'claim':24}{'lines':>7}{'KB':>8}{'read ms':>9}{'lint ms':>9}{'write ms':>9}{'lint/s':>8}{'lines/s':>10}"
    )
    long_seconds = 0.0
    visit = clean_claim(5, Plan(kind="01", day=JANUARY))
    for name, record in (("outpatient", visit), ("a stay of 1,200 lines", long_claim())):
        file = claim_file(record)
        data = write_claim_file(file, schema=SCHEMA)
        lines = len(record.tables["XML2"]) + len(record.tables["XML3"])
        reading = _best(partial(read_claim_file, data))
        checking = _best(partial(lint, file, CONTEXT))
        writing = _best(partial(write_claim_file, file, schema=SCHEMA))
        print(
            f"{name:24}{lines:7}{len(data) / 1e3:8.0f}{reading * 1e3:9.2f}{checking * 1e3:9.2f}{writing * 1e3:9.2f}"
            f"{1 / checking:8.0f}{lines / checking:10,.0f}"
        )
        long_seconds = checking
    return long_seconds < LONG_BAR_S


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several rounds, each long enough to be measured."""
    times = []
    for _ in range(ROUNDS):
        start, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - start < 0.1:
            work()
            count += 1
        times.append((time.perf_counter() - start) / count)
    return min(times)


def _memory(visits: int) -> None:
    records = [clean_claim(seed, Plan(kind="01", day=JANUARY)) for seed in range(visits)]
    data = write_claim_file(claim_file(*records), schema=SCHEMA)
    del records
    print(f"\na file of {visits} visits, {len(data) / 1e6:.1f} MB:")
    works: dict[str, Callable[[], object]] = {
        "streamed": lambda: lint_stream(io.BytesIO(data), LintContext()),
        "read whole": lambda: lint(read_claim_file(data), LintContext()),
    }
    for name, work in works.items():
        start = time.perf_counter()
        work()
        seconds = time.perf_counter() - start
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"  {name:11} {seconds:6.2f} s, {visits / seconds:6.0f} visits/s, peak {peak / 1e6:6.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
