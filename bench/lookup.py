"""Look-ups at 1 k, 100 k and 1.8 M rows in SQLite: a province has 1.8 M people, and a clerk must not feel it.

Run: `python -m bench.lookup` (minutes) or `python -m bench.lookup --rows 1000,100000`; add `--only identity`.
The bar: the median at the largest size is at most 1.3 times the median at the smallest.

A case is anything with `build(folder, row_count)` that gives keys and a look-up; add it to CASES.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from bench.lookup_identity import IdentityCase
from bench.lookup_insurance import InsuranceCase

ROWS_DEFAULT = "1000,100000,1800000"
RATIO_MAX = 1.3
LOOK_UPS = 3_000
WARM_UPS = 500
ROUNDS = 3
SEED = 20_260_302


class Subject(Protocol):
    """A filled store to look things up in."""

    row_count: int

    def key(self, index: int) -> str:
        """What is looked up for row `index`, 0 to row_count - 1."""
        ...

    async def look_up(self, key: str) -> bool:
        """Look one up as the service does; whether it was found."""
        ...

    async def close(self) -> None:
        """Let the store go."""
        ...


class Case(Protocol):
    """One kind of look-up."""

    name: str

    async def build(self, folder: Path, row_count: int) -> Subject:
        """Make and fill a store."""
        ...


CASES: tuple[Case, ...] = (IdentityCase(), InsuranceCase())


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured at one size."""

    case: str
    row_count: int
    p50_us: float
    p99_us: float
    per_second: float
    build_s: float


async def measure(subject: Subject, rng: Random) -> tuple[list[float], float]:
    """Look up random keys one after the other; microseconds of each and look-ups per second."""
    keys = [subject.key(rng.randrange(subject.row_count)) for _ in range(LOOK_UPS)]
    took_us: list[float] = []
    began = time.perf_counter()
    for key in keys:
        start = time.perf_counter_ns()
        assert await subject.look_up(key), "every key was written"
        took_us.append((time.perf_counter_ns() - start) / 1_000)
    return took_us, LOOK_UPS / (time.perf_counter() - began)


async def run_case(case: Case, sizes: Sequence[int], say: Callable[[str], None]) -> list[Figures]:
    """Build every size first, then measure them in turns, so that a busy moment of the machine hits all alike."""
    rng = Random(SEED)
    with tempfile.TemporaryDirectory(prefix="lookup-bench-") as folder:
        subjects: list[tuple[Subject, float]] = []
        for size in sizes:
            say(f"{case.name}: writing {size:,} rows …")
            began = time.perf_counter()
            subjects.append((await case.build(Path(folder), size), time.perf_counter() - began))
        took: list[list[float]] = [[] for _ in subjects]
        rates: list[list[float]] = [[] for _ in subjects]
        try:
            for subject, _ in subjects:
                for _ in range(WARM_UPS):
                    await subject.look_up(subject.key(rng.randrange(subject.row_count)))
            for _ in range(ROUNDS):
                for place, (subject, _) in enumerate(subjects):
                    measured, rate = await measure(subject, rng)
                    took[place] += measured
                    rates[place].append(rate)
        finally:
            for subject, _ in subjects:
                await subject.close()
    return [
        Figures(
            case=case.name,
            row_count=subject.row_count,
            p50_us=statistics.median(times),
            p99_us=statistics.quantiles(times, n=100)[98],
            per_second=statistics.median(rate),
            build_s=build_s,
        )
        for (subject, build_s), times, rate in zip(subjects, took, rates, strict=True)
    ]


def table(rows: Sequence[Figures]) -> list[str]:
    """The lines of the result as a Markdown table; the ratio is to the smallest size of the same case."""
    lines = [
        "| look-up | rows | p50 µs | p99 µs | per second, one client | p50 to the smallest | written in s |",
        "|---|---|---|---|---|---|---|",
    ]
    base = {row.case: row.p50_us for row in reversed(rows)}
    lines += [
        f"| {row.case} | {row.row_count:,} | {row.p50_us:.0f} | {row.p99_us:.0f} | {row.per_second:.0f} "
        f"| {row.p50_us / base[row.case]:.2f} | {row.build_s:.0f} |"
        for row in rows
    ]
    return lines


def worst_ratio(rows: Sequence[Figures]) -> float:
    """The largest p50 ratio of any case, largest size to smallest."""
    by_case: dict[str, list[Figures]] = {}
    for row in rows:
        by_case.setdefault(row.case, []).append(row)
    return max(figures[-1].p50_us / figures[0].p50_us for figures in by_case.values())


async def run(cases: Sequence[Case], sizes: Sequence[int]) -> int:
    """Measure, print, and return the exit code: 1 when the bar is missed."""
    rows: list[Figures] = []
    for case in cases:
        rows += await run_case(case, sizes, lambda line: print(line, file=sys.stderr, flush=True))
    print("\n".join(table(rows)))
    ratio = worst_ratio(rows)
    verdict = "holds" if ratio <= RATIO_MAX else "MISSED"
    print(f"\np50 ratio {ratio:.2f}, bar {RATIO_MAX}: {verdict}")
    return 0 if ratio <= RATIO_MAX else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m bench.lookup", description=__doc__)
    parser.add_argument("--rows", default=ROWS_DEFAULT, help=f"sizes, default {ROWS_DEFAULT}")
    parser.add_argument("--only", choices=names, help="one case alone")
    given = parser.parse_args(arguments)
    sizes = sorted({int(size) for size in given.rows.split(",")})
    if not sizes or sizes[0] < 1:
        parser.error("--rows takes whole numbers of at least 1, separated by commas")
    chosen = [case for case in CASES if given.only in (None, case.name)]
    return asyncio.run(run(chosen, sizes))


if __name__ == "__main__":
    sys.exit(main())
