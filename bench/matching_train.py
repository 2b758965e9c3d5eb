"""Makes identity_svc/domain/data/match_weights.json: counts levels on a labelled set, none of whose people is measured.

Run: `python -m bench.matching_train` (two minutes). m comes from the pairs of one person, u from pairs drawn by chance;
a level never seen counts as seen half a time. The thresholds are set by hand above what the training set's worst
wrong pair reaches; the run prints it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

from bench.matching_pairs import blocked_pairs
from bench.matching_set import PEOPLE_COUNT, TRAIN_SEED, LabelledSet, build
from identity_svc.domain.match_scoring import Compared, Level, MatchResult, Rule, score
from identity_svc.domain.match_weights import OTHER_NUMBER, WEIGHTS_FILE, MatchWeights, load_weights
from identity_svc.domain.model import IdentifierKind
from standards.names import NameClass, search_key
from standards.syllables import i_for_y

AUTOMATIC_BITS = 36.5
REVIEW_BITS = 18.0
CHANCE_PAIRS = 600_000
LEAST_COUNT = 0.5
SIDE_BITS_MAX = 20
"""Chance of two unrelated numbers being equal is taken as one in a million at least."""
_NAME_LEVELS = (*NameClass, Level.SIMILAR, Level.MIDDLE_DIFFERS)
_DATE_LEVELS = (
    Level.SAME, Level.DAY_MONTH_SWAPPED, Level.ONE_DIGIT, Level.YEAR_ONLY, Level.SAME_YEAR, Level.DIFFERENT,
)  # fmt: skip
_LEVELS: dict[str, tuple[str, ...]] = {
    "full_name": _NAME_LEVELS,
    "birth_date": _DATE_LEVELS,
    "gender": (Level.SAME, Level.DIFFERENT),
    "ward": (Level.SAME, Level.DIFFERENT),
    "citizen_number": (Level.SAME, Level.ONE_DIGIT, Level.DIFFERENT),
    "old_identity_number": (Level.SAME, Level.ONE_DIGIT, Level.DIFFERENT),
    "insurance_number": (Level.SAME, Level.ONE_DIGIT, Level.DIFFERENT),
}


def shares(counts: Counter[str], levels: Iterable[str]) -> dict[str, float]:
    """Each level's share among the pairs that have one; unseen levels as if seen LEAST_COUNT times."""
    total = sum(max(counts[level], LEAST_COUNT) for level in levels)
    return {level: max(counts[level], LEAST_COUNT) / total for level in levels}


def count_levels(results: Iterable[MatchResult]) -> dict[str, Counter[str]]:
    """How often each field showed each level."""
    counts: dict[str, Counter[str]] = {field: Counter() for field in _LEVELS}
    for result in results:
        for each in result.evidence:
            if each.field in counts and each.level != Level.ABSENT:
                counts[each.field][each.level] += 1
    return counts


def word_shares(made: LabelledSet) -> dict[str, dict[str, float]]:
    """The share of each folded word among people, by its place in the name."""
    counts: dict[str, Counter[str]] = {"family": Counter(), "middle": Counter(), "given": Counter()}
    for person in made.people:
        family, *middle, given = (i_for_y(word) for word in search_key(person.full_name).split())
        counts["family"][family] += 1
        counts["given"][given] += 1
        counts["middle"].update(middle)
    people_count = len(made.people)
    return {
        part: {word: round(count / people_count, 6) for word, count in sorted(found.items())}
        for part, found in counts.items()
    }


def train(made: LabelledSet) -> dict[str, object]:
    """The content of the weights file."""
    shares_of_words = word_shares(made)
    unknown = 1 / (2 * len(made.people))
    blank = MatchWeights(
        automatic_bits=AUTOMATIC_BITS,
        review_bits=REVIEW_BITS,
        chances={OTHER_NUMBER: {}},
        word_shares=shares_of_words,
        unknown_share=unknown,
    )
    sides = [Compared(record.facts) for record in made.records]
    rng = Random(TRAIN_SEED)
    matched = count_levels(score(sides[a], sides[b], blank) for a, b in made.true_pairs())
    chance_pairs = ((rng.randrange(len(sides)), rng.randrange(len(sides))) for _ in range(CHANCE_PAIRS))
    by_chance = count_levels(
        score(sides[a], sides[b], blank)
        for a, b in chance_pairs
        if made.records[a].person_id != made.records[b].person_id
    )
    chances: dict[str, dict[str, tuple[float, float]]] = {}
    for field, levels in _LEVELS.items():
        m, u = shares(matched[field], levels), shares(by_chance[field], levels)
        if field.endswith("_number"):
            u[Level.SAME] = u[Level.ONE_DIGIT] = 2.0**-SIDE_BITS_MAX
        chances[field] = {level: (round(m[level], 8), round(u[level], 8)) for level in levels}
    chances[OTHER_NUMBER] = chances[IdentifierKind.OLD_IDENTITY_NUMBER.lower()]
    return {
        "automatic_bits": AUTOMATIC_BITS,
        "review_bits": REVIEW_BITS,
        "chances": chances,
        "word_shares": shares_of_words,
        "unknown_share": unknown,
    }


def report(made: LabelledSet, weights: MatchWeights) -> None:
    """Print how far wrong pairs come on the training set, and where right ones stand."""
    sides = [Compared(record.facts) for record in made.records]
    true_pairs = made.true_pairs()
    right: list[float] = []
    wrong: list[tuple[float, tuple[Rule, ...]]] = []
    for a, b in blocked_pairs([record.facts for record in made.records]):
        result = score(sides[a], sides[b], weights)
        if (a, b) in true_pairs:
            right.append(result.weight_bits)
        else:
            wrong.append((result.weight_bits, result.rules))
    free = sorted((bits for bits, rules in wrong if not rules), reverse=True)
    print(f"{len(right):,} right and {len(wrong):,} wrong pairs share a block or a number")
    print("wrong pairs that no rule holds back, highest bits:", [round(bits, 1) for bits in free[:20]])
    right.sort()
    marks = [right[len(right) * part // 100] for part in (1, 2, 3, 5, 10, 25, 50)]
    print("right pairs at 1, 2, 3, 5, 10, 25, 50 %:", [round(bits, 1) for bits in marks])
    near = Counter(int(bits // 2) * 2 for bits, _ in wrong if bits >= 10)
    print("wrong pairs by bits:", sorted(near.items()))


def main() -> int:
    """Train, write, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.matching_train", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE_COUNT)
    parser.add_argument("--out", type=Path, default=WEIGHTS_FILE)
    given = parser.parse_args()
    made = build(TRAIN_SEED, given.people)
    given.out.write_text(
        json.dumps(train(made), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    report(made, load_weights(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
