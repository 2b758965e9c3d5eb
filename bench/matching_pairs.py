"""Pairs of records that the master index would compare: they share a blocking key or a number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from identity_svc.domain.matching import MatchFacts, block_keys


def blocked_pairs(facts: Sequence[MatchFacts]) -> set[tuple[int, int]]:
    """Pairs of positions, smaller first."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for index, each in enumerate(facts):
        numbers = [f"{kind}:{value}" for kind, value in {*each.identifiers, *each.weak_identifiers}]
        for key in (*block_keys(each), *numbers):
            blocks[key].append(index)
    return {
        (first, second)
        for members in blocks.values()
        for place, first in enumerate(members)
        for second in members[place + 1 :]
    }
