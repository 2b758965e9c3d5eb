"""Linking one citizen into another: the plan a steward sees, its digest, what contradicts, and who survives; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from identity_svc.domain.match_scoring import Level, MatchResult, Rule
from identity_svc.domain.matching import MatchFacts
from identity_svc.domain.model import IdentifierKind
from standards.names import NameClass


class LinkReason(StrEnum):
    """Who made a link."""

    AUTOMATIC = "AUTOMATIC"
    STEWARD = "STEWARD"


class Conflict(StrEnum):
    """What contradicts between two records that are to be one person."""

    CITIZEN_NUMBERS_DIFFER = "CITIZEN_NUMBERS_DIFFER"
    NAMES_DIFFER = "NAMES_DIFFER"
    BIRTH_DATES_DIFFER = "BIRTH_DATES_DIFFER"
    GENDERS_DIFFER = "GENDERS_DIFFER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One citizen linked into another; its record stays as it is."""

    citizen_id: str
    link_id: str
    survivor_id: str
    reason: LinkReason
    link_time: datetime
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What a link would do, as of now."""

    citizen_id: str
    survivor_id: str
    row_counts: Mapping[str, int]
    """Rows of the linked citizen by table; none of them is touched."""
    follower_ids: tuple[str, ...]
    """Who is linked into the first one already."""
    moved_hashes: tuple[bytes, ...]
    """Look-up rows that would point at the survivor."""
    conflicts: tuple[Conflict, ...]
    survivor_version: int
    """The survivor's newest facts: other facts, another plan."""

    @property
    def digest(self) -> bytes:
        """32 bytes that are equal only for plans that do the same to the same state."""
        content = [
            self.citizen_id,
            self.survivor_id,
            sorted(self.row_counts.items()),
            sorted(self.follower_ids),
            sorted(each.hex() for each in self.moved_hashes),
            list(self.conflicts),
            self.survivor_version,
        ]
        return sha256(json.dumps(content, separators=(",", ":")).encode()).digest()


def conflicts_of(result: MatchResult) -> tuple[Conflict, ...]:
    """What contradicts between two records, from their comparison."""
    levels = {each.field: each.level for each in result.evidence}
    found = []
    if Rule.CITIZEN_NUMBERS_DIFFER in result.rules:
        found.append(Conflict.CITIZEN_NUMBERS_DIFFER)
    if levels["full_name"] in (NameClass.DIFFERENT, NameClass.DIFFERENT_ACCENT, Level.SIMILAR):
        found.append(Conflict.NAMES_DIFFER)
    if levels["birth_date"] in (Level.DIFFERENT, Level.SAME_YEAR, Level.ONE_DIGIT, Level.DAY_MONTH_SWAPPED):
        found.append(Conflict.BIRTH_DATES_DIFFER)
    if levels["gender"] == Level.DIFFERENT:
        found.append(Conflict.GENDERS_DIFFER)
    return tuple(found)


def choose_survivor(people: Sequence[tuple[str, MatchFacts]]) -> str:
    """Who answers for the others: a citizen number that was read or checked first, then more numbers, then the older.

    Args:
        people: (citizen id, facts), at least one; ids sort by the time they were made.
    """

    def rank(person: tuple[str, MatchFacts]) -> tuple[bool, int, str]:
        citizen_id, facts = person
        has_number = any(kind == IdentifierKind.CITIZEN_NUMBER for kind, _ in facts.identifiers)
        return (not has_number, -len(facts.identifiers), citizen_id)

    return min(people, key=rank)[0]
