"""What the master index compares of a person, how that is kept, and the keys under which likely doubles meet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from identity_svc.domain.model import (
    Assurance,
    Demographics,
    EndReason,
    Gender,
    Identifier,
    IdentifierKind,
    TextQuality,
)
from standards.names import search_key
from standards.syllables import i_for_y

Numbers = tuple[tuple[str, str], ...]
"""(kind, value) pairs; the kind is a word of IdentifierKind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchFacts:
    """The facts of one person that matching looks at."""

    full_name: str = field(repr=False)
    """In the kept spelling (standards.names.normalise_name); empty where it is unknown or damaged."""
    birth_date: str = field(repr=False)
    """FHIR date: YYYY, YYYY-MM, YYYY-MM-DD, or empty."""
    gender: str = ""
    """`male`, `female`, or empty."""
    ward_code: str = ""
    """Commune of residence, 5 digits of the vintage in force since 2025-07-01; empty where unknown or split."""
    identifiers: Numbers = field(default=(), repr=False)
    """Numbers in use that were read or checked, not typed: two different ones contradict each other."""
    weak_identifiers: Numbers = field(default=(), repr=False)
    """Numbers that were typed, or that ended: an equal one supports, a different one says nothing."""


def pack(facts: MatchFacts) -> str:
    """One compact text of the facts, to be sealed; equal facts give equal texts."""
    return json.dumps(
        [
            facts.full_name,
            facts.birth_date,
            facts.gender,
            facts.ward_code,
            sorted(set(facts.identifiers)),
            sorted(set(facts.weak_identifiers)),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def unpack(text: str) -> MatchFacts:
    """The facts of a text that `pack` made."""
    full_name, birth_date, gender, ward_code, identifiers, weak = json.loads(text)
    return MatchFacts(
        full_name=full_name,
        birth_date=birth_date,
        gender=gender,
        ward_code=ward_code,
        identifiers=tuple((kind, value) for kind, value in identifiers),
        weak_identifiers=tuple((kind, value) for kind, value in weak),
    )


def pair_digest(first: MatchFacts, second: MatchFacts) -> bytes:
    """32 bytes that change when the facts of either change; the order of the two does not matter."""
    return sha256("\n".join(sorted((pack(first), pack(second)))).encode()).digest()


def block_keys(facts: MatchFacts) -> tuple[str, ...]:
    """The keys under which this person is looked for, at most four; two people who share one are compared.

    Chosen by measuring recall against candidates on the labelled set (identity_svc/domain/data/README.md). Numbers
    are no keys: identifier_lookup answers for them. Without a name and a birth year there is no key.
    """
    words = tuple(i_for_y(word) for word in search_key(facts.full_name).split())
    year = facts.birth_date[:4]
    if not words or not year:
        return ()
    keys = [f"W|{' '.join(sorted(words))}|{year}"]
    if len(facts.birth_date) == 10:
        keys.append(f"G|{words[-1]}|{facts.birth_date}")
        keys.append(f"D|{facts.birth_date}|{facts.gender}|{facts.ward_code or words[0]}")
    if has_no_day(facts.birth_date):
        keys.append(f"Y|{words[0]}|{words[-1]}|{year}|{facts.ward_code}")
    return tuple(keys)


def has_no_day(birth_date: str) -> bool:
    """Whether only the year is known: a card prints 1 January then."""
    return len(birth_date) == 4 or birth_date.endswith("-01-01")


def facts_of(
    demographics: Demographics, identifiers: Iterable[Identifier], *, ward_code: str, at: datetime
) -> MatchFacts:
    """What matching looks at of a person as stored.

    Args:
        demographics: The facts in force; a damaged name is left out.
        identifiers: Every number, ended ones too; temporary and wrong ones are left out.
        ward_code: Commune of residence in force since 2025-07-01, or empty.
        at: The moment that decides which numbers are in use.
    """
    strong: list[tuple[str, str]] = []
    weak: list[tuple[str, str]] = []
    for each in identifiers:
        if each.kind is IdentifierKind.TEMPORARY or each.end_reason is EndReason.WRONG:
            continue
        is_strong = each.assurance >= Assurance.SCANNED and each.is_in_use(at)
        (strong if is_strong else weak).append((each.kind, each.value))
    is_damaged = demographics.text_quality is TextQuality.DAMAGED
    return MatchFacts(
        full_name="" if is_damaged else demographics.full_name,
        birth_date=demographics.birth_date,
        gender=demographics.gender if demographics.gender in (Gender.MALE, Gender.FEMALE) else "",
        ward_code=ward_code,
        identifiers=tuple(strong),
        weak_identifiers=tuple(weak),
    )
