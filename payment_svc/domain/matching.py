"""The reconciliation engine: a pure, near-linear function from open items to verdicts, each item claimed once.

Tiers, first to last: equal bank reference; reference code found in the transfer text; equal text and amount of money
that nobody could identify. What a tier claims is gone for the next. Where solutions of equal rank remain the verdict is
AMBIGUOUS and a person decides: a wrong automatic match is worse than an open one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from payment_svc.domain.ledger import derived_id
from payment_svc.domain.statement import is_trusted_reference, squeeze


class Outcome(StrEnum):
    """What the engine says of a line."""

    BANK_REFERENCE = "BANK_REFERENCE"
    """Matched: notification and line carry one bank reference and one amount."""
    REFERENCE_CODE = "REFERENCE_CODE"
    """Matched: the text names the intent of money that was told of."""
    SAME_TEXT = "SAME_TEXT"
    """Matched: money without a bill, told of and booked with one text and amount, unique on both sides."""
    POST_FROM_LINE = "POST_FROM_LINE"
    """The text names an intent and no notification is left for it: post from the line."""
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    """One payment, two amounts: the line proves the notification only in part."""
    AMBIGUOUS = "AMBIGUOUS"
    """Two or more solutions of equal rank."""
    UNIDENTIFIED = "UNIDENTIFIED"
    """A credit that names nothing of ours."""
    UNEXPLAINED_DEBIT = "UNEXPLAINED_DEBIT"
    """Money left and nothing of ours explains it."""


MATCHED = frozenset({Outcome.BANK_REFERENCE, Outcome.REFERENCE_CODE, Outcome.SAME_TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A statement line nothing was said of yet."""

    line_id: str
    booking_date: date
    amount_vnd: int
    """Credit above 0, debit below 0."""
    bank_reference: str
    codes: tuple[str, ...]
    """Sound reference codes in the text, in order."""
    text_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCollection:
    """Money we were told of that no line has proved yet."""

    collection_id: str
    amount_vnd: int
    bank_reference: str
    intent_id: str
    text_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the engine says of one line."""

    line_id: str
    outcome: Outcome
    collection_ids: tuple[str, ...] = ()
    """Money the line proves, sorted."""
    intent_id: str = ""
    """The intent to post to, with POST_FROM_LINE."""
    group: str = ""
    """Lines and money of one match share it; empty where nothing was matched."""


def match(
    lines: Iterable[OpenLine], collections: Iterable[OpenCollection], *, intents: dict[str, str]
) -> list[Verdict]:
    """Say of each line what it is.

    Args:
        lines: Open lines of one account; the order means nothing.
        collections: Unproved money of the same account; the order means nothing.
        intents: Intent id of each reference code of ours that a line names.
    Returns:
        One verdict a line, sorted by (booking date, line id), in which order they are to be applied.
    """
    engine = _Engine(
        sorted(lines, key=lambda line: (line.booking_date, line.line_id)),
        sorted(collections, key=lambda item: item.collection_id),
        intents,
    )
    engine.claim_by_bank_reference()
    engine.claim_by_code()
    engine.claim_by_text()
    engine.name_the_rest()
    return [engine.verdicts[line.line_id] for line in engine.lines]


def digest_of(results: Iterable[tuple[str, str, str]]) -> str:
    """SHA-256 over (line id, outcome, group), sorted: hex; equal results give equal digests in any order."""
    summed = hashlib.sha256()
    for result in sorted(results):
        summed.update("\x1f".join(result).encode("ascii"))
        summed.update(b"\n")
    return summed.hexdigest()


class _Engine:
    """The open items and what was decided so far."""

    def __init__(
        self, lines: Sequence[OpenLine], collections: Sequence[OpenCollection], intents: dict[str, str]
    ) -> None:
        self.lines = lines
        self.verdicts: dict[str, Verdict] = {}
        self._open = {item.collection_id: item for item in collections}
        self._intents = intents

    def claim_by_bank_reference(self) -> None:
        """Tier 1. A reference that two lines or two sums share proves nothing and is left to the next tiers."""
        by_reference: dict[str, list[OpenCollection]] = defaultdict(list)
        for item in self._open.values():
            if is_trusted_reference(item.bank_reference):
                by_reference[squeeze(item.bank_reference)].append(item)
        credits_by_reference: dict[str, list[OpenLine]] = defaultdict(list)
        for line in self.lines:
            if line.amount_vnd > 0 and is_trusted_reference(line.bank_reference):
                credits_by_reference[squeeze(line.bank_reference)].append(line)
        for reference, found in credits_by_reference.items():
            items = by_reference.get(reference, [])
            if len(found) != 1 or len(items) != 1:
                continue
            same = items[0].amount_vnd == found[0].amount_vnd
            self._close(found, items, Outcome.BANK_REFERENCE if same else Outcome.AMOUNT_MISMATCH)

    def claim_by_code(self) -> None:
        """Tier 2: by intent, equal amounts first, then what is left as a whole."""
        by_intent: dict[str, list[OpenCollection]] = defaultdict(list)
        for item in self._open.values():
            if item.intent_id:
                by_intent[item.intent_id].append(item)
        named: dict[str, list[OpenLine]] = defaultdict(list)
        for line in self._undecided_credits():
            intent_ids = {self._intents[code] for code in line.codes if code in self._intents}
            if len(intent_ids) == 1:
                named[next(iter(intent_ids))].append(line)
            elif intent_ids:
                self._say(line, Outcome.AMBIGUOUS)
        for intent_id, found in named.items():
            self._close_intent(intent_id, found, by_intent.get(intent_id, []))

    def claim_by_text(self) -> None:
        """Tier 3: money without a bill whose notification and line tell one text and amount, once each."""
        items: dict[tuple[bytes, int], list[OpenCollection]] = defaultdict(list)
        for item in self._open.values():
            if not item.intent_id and item.text_hash:
                items[item.text_hash, item.amount_vnd].append(item)
        found: dict[tuple[bytes, int], list[OpenLine]] = defaultdict(list)
        for line in self._undecided_credits():
            if line.text_hash and (line.text_hash, line.amount_vnd) in items:
                found[line.text_hash, line.amount_vnd].append(line)
        for key, same_lines in found.items():
            if len(same_lines) == 1 and len(items[key]) == 1:
                self._close(same_lines, items[key], Outcome.SAME_TEXT)

    def name_the_rest(self) -> None:
        """What no tier claimed."""
        for line in self.lines:
            if line.line_id not in self.verdicts:
                self._say(line, Outcome.UNIDENTIFIED if line.amount_vnd > 0 else Outcome.UNEXPLAINED_DEBIT)

    def _close_intent(
        self, intent_id: str, found: Sequence[OpenLine], items: Sequence[OpenCollection]
    ) -> None:
        by_amount: dict[int, deque[OpenCollection]] = defaultdict(deque)
        for item in items:
            by_amount[item.amount_vnd].append(item)
        rest: list[OpenLine] = []
        for line in found:
            same = by_amount[line.amount_vnd]
            if same:
                self._close([line], [same.popleft()], Outcome.REFERENCE_CODE)
            else:
                rest.append(line)
        left = [item for item in items if item.collection_id in self._open]
        if not rest:
            return
        outcome = _outcome_of_rest(rest, left)
        if outcome in (Outcome.REFERENCE_CODE, Outcome.AMOUNT_MISMATCH):
            self._close(rest, left, outcome)
            return
        for line in rest:
            self._say(line, outcome, intent_id=intent_id if outcome is Outcome.POST_FROM_LINE else "")

    def _close(self, found: Sequence[OpenLine], items: Sequence[OpenCollection], outcome: Outcome) -> None:
        group = derived_id("group", *sorted(line.line_id for line in found))
        collection_ids = tuple(sorted(item.collection_id for item in items))
        for collection_id in collection_ids:
            del self._open[collection_id]
        for line in found:
            self._say(line, outcome, collection_ids=collection_ids, group=group)

    def _say(
        self,
        line: OpenLine,
        outcome: Outcome,
        *,
        collection_ids: tuple[str, ...] = (),
        intent_id: str = "",
        group: str = "",
    ) -> None:
        assert line.line_id not in self.verdicts, "a line is decided once"
        self.verdicts[line.line_id] = Verdict(
            line_id=line.line_id,
            outcome=outcome,
            collection_ids=collection_ids,
            intent_id=intent_id,
            group=group,
        )

    def _undecided_credits(self) -> list[OpenLine]:
        return [line for line in self.lines if line.amount_vnd > 0 and line.line_id not in self.verdicts]


def _outcome_of_rest(rest: Sequence[OpenLine], left: Sequence[OpenCollection]) -> Outcome:
    """What lines of one intent are whose amounts no notification of it tells, given the notifications left over."""
    if not left:
        return Outcome.POST_FROM_LINE
    if sum(line.amount_vnd for line in rest) == sum(item.amount_vnd for item in left):
        # One notification for several transfers, or the other way round: together they agree.
        return Outcome.REFERENCE_CODE
    references = [line.bank_reference for line in rest] + [item.bank_reference for item in left]
    if all(is_trusted_reference(reference) for reference in references):
        # Tier 1 compared them, so other references are other payments; a notification that no line ever proves becomes
        # MISSING_IN_BANK, since the statement wins.
        return Outcome.POST_FROM_LINE
    return Outcome.AMOUNT_MISMATCH if len(rest) == len(left) == 1 else Outcome.AMBIGUOUS
