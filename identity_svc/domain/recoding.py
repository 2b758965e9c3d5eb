"""Re-coding a register from the units before July 2025 to those in force: what is decided for one person; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from identity_svc.domain.residence import (
    Residence,
    ResidenceKind,
    residence_of,
    residence_of_code,
    unresolved,
)
from standards.admin_units import Vintage


class RecodingState(StrEnum):
    """Where a re-coding stands."""

    COUNTING = "COUNTING"
    COUNTED = "COUNTED"
    APPLYING = "APPLYING"
    APPLIED = "APPLIED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


class Walk(StrEnum):
    """One way through the register."""

    COUNT = "COUNT"
    """The dry run: nobody is changed."""
    APPLY = "APPLY"
    UNDO = "UNDO"


WALKS = {
    RecodingState.COUNTING: (Walk.COUNT, RecodingState.COUNTED),
    RecodingState.APPLYING: (Walk.APPLY, RecodingState.APPLIED),
    RecodingState.UNDOING: (Walk.UNDO, RecodingState.UNDONE),
}
"""The walk that goes on in a state, and the state at its end."""
WALK_OF = {
    RecodingState.COUNTING: Walk.COUNT,
    RecodingState.COUNTED: Walk.COUNT,
    RecodingState.APPLYING: Walk.APPLY,
    RecodingState.APPLIED: Walk.APPLY,
    RecodingState.UNDOING: Walk.UNDO,
    RecodingState.UNDONE: Walk.UNDO,
}
"""The newest walk of a re-coding in each state."""


class Finding(StrEnum):
    """What was found about one person."""

    IN_FORCE = "IN_FORCE"
    """The commune in force is known already."""
    KEPT = "KEPT"
    MERGED = "MERGED"
    SPLIT = "SPLIT"
    AMBIGUOUS = "AMBIGUOUS"
    UNRESOLVED = "UNRESOLVED"
    RESTORED = "RESTORED"
    """An undo brought the former residence back."""
    CHANGED_SINCE = "CHANGED_SINCE"
    """Somebody changed the residence after the re-coding: the undo leaves it alone."""


FOR_A_PERSON = frozenset({Finding.SPLIT, Finding.AMBIGUOUS, Finding.UNRESOLVED, Finding.CHANGED_SINCE})
"""Findings that are listed one by one, because a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoding:
    """One re-coding of the whole register."""

    recoding_id: str
    state: RecodingState
    cursor_id: str
    """The last citizen done in the present walk."""
    done_count: int
    total_count: int
    """People there were when the walk started."""
    requester: str
    """Who ordered the walk: our id."""
    create_time: datetime
    start_time: datetime
    """When the present walk started."""
    update_time: datetime

    def left_seconds(self) -> int:
        """Seconds left in the present walk at its rate so far; 0 when none goes on or nothing is known yet."""
        if self.state not in WALKS or not self.done_count:
            return 0
        spent_s = (self.update_time - self.start_time).total_seconds()
        return round(spent_s * max(0, self.total_count - self.done_count) / self.done_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecodingItem:
    """A person of a re-coding that a person has to look at. Codes only."""

    citizen_id: str
    finding: Finding
    reason: str
    old_ward_code: str
    candidates: tuple[str, ...]
    case_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a re-coding makes of one person."""

    finding: Finding
    residence: Residence


Figures = Counter[tuple[Finding, str]]
"""People per finding and old commune ('' where none was named)."""


def decide(former: Residence | None, address: str) -> Decision:
    """Find the commune in force of one person; what cannot be decided is said and never chosen.

    A residence in force stays. A code of the old vintage is converted, and the address may tell which part of a split
    commune is meant. Where nothing or nothing certain is kept, the address is read.

    Args:
        address: Address text, or empty.
    """
    if former is not None and former.is_settled:
        return Decision(finding=Finding.IN_FORCE, residence=former)
    residence = _read(former, address)
    return Decision(finding=Finding(residence.kind.value), residence=residence)


def _read(former: Residence | None, address: str) -> Residence:
    if former is None or former.vintage is Vintage.FROM_2025_07:
        return residence_of(address) if address or former is None else former
    converted = residence_of_code(former.ward_code, former.vintage)
    if converted.kind is not ResidenceKind.SPLIT or not address:
        return converted
    told = residence_of(address)
    return told if told.is_settled and told.ward_code in converted.candidates else converted


def unreadable() -> Decision:
    """What is decided where the kept address cannot be opened or is damaged."""
    return Decision(finding=Finding.UNRESOLVED, residence=unresolved("ADDRESS_UNREADABLE"))
