"""Precision and recall of matching on the labelled set, ours and Splink's side by side, and the time a record takes.

Run: `python -m bench.matching` (two minutes; `--no-splink` half of it; `--check` exits 1 below a bar). The bars:
precision of automatic links 1.000, recall of automatic links at least 0.95. Our weights and thresholds are the shipped
ones, made on another set (`bench.matching_train`, another seed). Splink is trained on that same other set with its
labels. Its threshold is given twice: the lowest without a wrong pair there, and, in its favour, the lowest without a
wrong pair on the measured set itself, which nobody can know beforehand.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.matching_pairs import blocked_pairs
from bench.matching_set import PEOPLE_COUNT, TEST_SEED, TRAIN_SEED, LabelledSet, Rates, build
from identity_svc.domain.match_scoring import Compared, MatchClass, score
from identity_svc.domain.match_weights import load_weights

PRECISION_MIN = 1.0
RECALL_MIN = 0.95
HARDER = (0.80, 0.60, 0.30)
"""Shares of records that carry a citizen number, and an insurance number, in the sets that show the fall."""

Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row of the table."""

    who: str
    precision: float
    recall: float
    wrong_count: int
    with_review: float
    """Share of the right pairs that are linked or shown to a steward."""
    review_right: float
    """Share of the pairs shown to a steward that are right."""
    per_record_ms: float

    def line(self) -> str:
        """As a row of a Markdown table."""
        return (
            f"| {self.who} | {self.precision:.4f} | {self.recall:.4f} | {self.wrong_count} | {self.with_review:.4f} "
            f"| {self.review_right:.2f} | {self.per_record_ms:.3f} |"
        )


HEAD = (
    "| who | precision, automatic | recall, automatic | wrong links | recall with review | right among reviewed "
    "| ms a record |\n|---|---|---|---|---|---|---|"
)


def figures(who: str, *, true: Pairs, automatic: Pairs, review: Pairs, per_record_ms: float) -> Figures:
    """Count a row."""
    right = automatic & true
    return Figures(
        who=who,
        precision=len(right) / len(automatic) if automatic else 1.0,
        recall=len(right) / len(true),
        wrong_count=len(automatic - true),
        with_review=len((automatic | review) & true) / len(true),
        review_right=len(review & true) / len(review) if review else 1.0,
        per_record_ms=per_record_ms,
    )


def ours(made: LabelledSet) -> tuple[Figures, Counter[str]]:
    """Our verdicts, and why right pairs were not linked by themselves."""
    weights = load_weights()
    began = time.perf_counter()
    sides = [Compared(record.facts) for record in made.records]
    results = {
        (a, b): score(sides[a], sides[b], weights)
        for a, b in blocked_pairs([record.facts for record in made.records])
    }
    per_record_ms = (time.perf_counter() - began) * 1_000 / len(made.records)
    true = made.true_pairs()
    why: Counter[str] = Counter()
    for pair in true:
        result = results.get(pair)
        if result is None:
            why["no common key"] += 1
        elif result.match_class is not MatchClass.AUTOMATIC:
            why[" + ".join(result.rules) or "too few bits"] += 1
    found = figures(
        "Liên Thông, shipped weights and thresholds",
        true=true,
        automatic={pair for pair, each in results.items() if each.match_class is MatchClass.AUTOMATIC},
        review={pair for pair, each in results.items() if each.match_class is MatchClass.REVIEW},
        per_record_ms=per_record_ms,
    )
    return found, why


def splinks(train: LabelledSet, test: LabelledSet) -> list[Figures]:
    """Splink's verdicts at two thresholds."""
    from bench.matching_splink import run_splink  # noqa: PLC0415 - the extra `bench` alone has it

    on_train, on_test = run_splink(train, train), run_splink(train, test)
    true = test.true_pairs()
    per_record_ms = on_test.predict_s * 1_000 / len(test.records)
    rows = []
    for why, threshold in (
        ("threshold from the training set", _lowest_clean(on_train.scored, train.true_pairs())),
        ("best threshold on this very set", _lowest_clean(on_test.scored, true)),
    ):
        automatic = {pair for weight, pair in on_test.scored if weight > threshold}
        review = {pair for weight, pair in on_test.scored if 0 < weight <= threshold}
        rows.append(
            figures(
                f"Splink {on_test.version}, {why} ({threshold:.1f} bits)",
                true=true,
                automatic=automatic,
                review=review,
                per_record_ms=per_record_ms,
            )
        )
    return rows


def _lowest_clean(scored: Iterable[tuple[float, tuple[int, int]]], true: Pairs) -> float:
    """The weight of the heaviest wrong pair: only pairs above it are linked."""
    return max((weight for weight, pair in scored if pair not in true), default=0.0)


def harder(people_count: int) -> list[str]:
    """How ours falls when fewer records carry numbers."""
    lines = [
        "| records with a citizen number, and with an insurance number | precision, automatic | recall, automatic "
        "| recall with review |\n|---|---|---|---|"
    ]
    for share in HARDER:
        rates = replace(Rates(), has_citizen_number=share, has_insurance_number=share)
        found, _ = ours(build(TEST_SEED + 1, people_count, rates))
        lines.append(
            f"| {share:.0%} | {found.precision:.4f} | {found.recall:.4f} | {found.with_review:.4f} |"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.matching", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE_COUNT)
    parser.add_argument("--no-splink", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit 1 below a bar")
    given = parser.parse_args(arguments)
    test = build(TEST_SEED, given.people)
    print(
        f"{len(test.people):,} people, {len(test.records):,} records, {len(test.true_pairs()):,} pairs of one person\n"
    )
    found, why = ours(test)
    print(HEAD)
    print(found.line(), flush=True)
    if not given.no_splink:
        for row in splinks(build(TRAIN_SEED, given.people), test):
            print(row.line(), flush=True)
    print("\nRight pairs that ours did not link by itself:")
    for reason, count in why.most_common():
        print(f"  {count:5} {reason}")
    print("\nOurs with fewer numbers:\n" + "\n".join(harder(given.people)))
    holds = found.precision >= PRECISION_MIN and found.recall >= RECALL_MIN
    print(f"\nprecision {found.precision:.4f} (bar 1.000), recall {found.recall:.4f} (bar 0.95): ", end="")
    print("hold" if holds else "MISSED")
    return 0 if holds or not given.check else 1


if __name__ == "__main__":
    sys.exit(main())
