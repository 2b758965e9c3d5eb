"""The trained weights of matching, read from the file that ships with the service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path

WEIGHTS_FILE = Path(__file__).with_name("data") / "match_weights.json"
NAME_BITS_MAX = 22.0
"""Most that a rare name may count: beyond one in four million the file cannot know."""
OTHER_NUMBER = "other_number"
"""Weights for kinds of numbers the training set has none of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchWeights:
    """Probabilities of every level of every field, name frequencies, and the two thresholds."""

    automatic_bits: float
    """A pair from here on is linked, unless a rule forbids it."""
    review_bits: float
    """A pair from here on is shown to a steward."""
    chances: Mapping[str, Mapping[str, tuple[float, float]]]
    """Field, then level, then (m, u): the level's share among pairs of one person and among chance pairs."""
    word_shares: Mapping[str, Mapping[str, float]]
    """family, middle, given, then folded word: its share among people."""
    unknown_share: float
    """Share taken for a word the file does not hold."""

    def of(self, field: str, level: str) -> float:
        """log2(m / u) in bits; 0 for a level that says nothing, such as ABSENT."""
        chances = self._chances(field, level)
        return 0.0 if chances is None else log2(chances[0] / chances[1])

    def match_bits(self, field: str, level: str) -> float:
        """log2(m): what is left of a weight when the chance of agreeing comes from elsewhere."""
        chances = self._chances(field, level)
        return 0.0 if chances is None else log2(chances[0])

    def name_bits(self, words: tuple[str, ...]) -> float:
        """How rare a name is, in bits: -log2 of its share if its words were chosen apart.

        Args:
            words: Folded words, family name first; at least one.
        """
        family, *middle, given = words if len(words) > 1 else (words[0], words[0])
        shares = [self._share("family", family), self._share("given", given)]
        shares += [self._share("middle", word) for word in middle]
        return min(NAME_BITS_MAX, -sum(log2(share) for share in shares))

    def _share(self, part: str, word: str) -> float:
        return self.word_shares[part].get(word, self.unknown_share)

    def _chances(self, field: str, level: str) -> tuple[float, float] | None:
        levels = self.chances.get(field, self.chances[OTHER_NUMBER])
        return levels.get(level)


@cache
def load_weights(file: Path = WEIGHTS_FILE) -> MatchWeights:
    """Read the shipped weights; once a process."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return MatchWeights(
        automatic_bits=content["automatic_bits"],
        review_bits=content["review_bits"],
        chances={
            field: {level: (m, u) for level, (m, u) in levels.items()}
            for field, levels in content["chances"].items()
        },
        word_shares=content["word_shares"],
        unknown_share=content["unknown_share"],
    )
