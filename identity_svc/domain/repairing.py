"""What each proposal does to a person's facts when it is applied; pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from datetime import datetime

from identity_svc.domain.explanations import (
    ADD_NAME_ALIAS,
    ASK_REGISTER_CORRECTION,
    ESTIMATED_BIRTH_DATE,
    KEEP_CARD_VALUE,
    MISSING_MIDDLE_NAME,
    OLD_COMMUNE,
    RESCAN_CARD,
    explain,
)
from identity_svc.domain.model import CardFacts, Demographics, FieldCheck
from identity_svc.domain.repair_errors import (
    RepairNeedsScan,
    RepairNeedsValue,
    RepairNotProposed,
    RepairOvertaken,
    RepairValueWrong,
)
from standards.admin_units import AddressCandidate, resolve_address
from standards.errors import AddressTooLong
from standards.names import NameClass, compare_names, normalise_name

NAME_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRepair:
    """One proposal that was applied; undone at most once."""

    citizen_id: str
    repair_id: str
    verification_id: str
    """The check that proposed it; empty for a correction that the citizen asked for."""
    field: str
    reason: str
    """What the check said, UPPER_SNAKE."""
    code: str
    before_version: int
    after_version: int
    """Versions of the facts before and after; equal where no fact changed."""
    value_before: str = dataclasses.field(repr=False)
    value_after: str = dataclasses.field(repr=False)
    accepted_names: tuple[str, ...] = dataclasses.field(repr=False)
    """Spellings it accepted; the rows of `name_alias` carry its id."""
    apply_subject: str
    apply_time: datetime
    undo_subject: str
    undo_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a proposal would change."""

    facts: Demographics
    """The facts after it, equal to those before where it changes none."""
    accepted_names: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    ward_code: str = ""
    """Commune in force that a person chose, 5 digits; empty where none was to be chosen."""


def plan_repair(check: FieldCheck, code: str, *, value: str, card: CardFacts, stored: Demographics) -> Plan:
    """Work out what a proposal of one field changes about the facts in force.

    Args:
        check: What the check found about the field.
        code: The proposal.
        value: What a person added to it, or empty.
        card: The card that was checked.
        stored: The facts in force.
    Raises:
        RepairNotProposed: the check does not propose it for this field.
        RepairNeedsScan: it is done at the scanner.
        RepairNeedsValue, RepairValueWrong: its value is missing, or not of the kind it needs.
        RepairOvertaken: facts of a later card are in force.
    """
    if code not in {proposal.code for proposal in explain(check).repairs}:
        raise RepairNotProposed
    if code == RESCAN_CARD.code:
        raise RepairNeedsScan
    if code == ASK_REGISTER_CORRECTION.code:
        return Plan(facts=stored)
    if card.issue_date < stored.issue_date:
        raise RepairOvertaken
    if code == ADD_NAME_ALIAS.code:
        extra = (_name(value),) if value else ()
        return Plan(facts=stored, accepted_names=tuple(dict.fromkeys((card.full_name, *extra))))
    if code == MISSING_MIDDLE_NAME.code:
        return _with_middle_name(value, card=card, stored=stored)
    if code == ESTIMATED_BIRTH_DATE.code:
        return Plan(facts=replace(stored, birth_date=card.birth_date[:4], is_birth_date_estimated=True))
    if code == OLD_COMMUNE.code:
        return _in_force(value, card=card, stored=stored)
    assert code == KEEP_CARD_VALUE.code, code
    return _with_card_value(check.field, card=card, stored=stored)


def value_of(facts: Demographics, name: str) -> str:
    """The value of a field of the facts; empty for a field that is none of theirs, as the number."""
    return str(getattr(facts, name)) if name in ("full_name", "birth_date", "gender", "address") else ""


def _with_card_value(name: str, *, card: CardFacts, stored: Demographics) -> Plan:
    if name == "full_name":
        return Plan(facts=replace(stored, full_name=card.full_name))
    if name == "birth_date":
        return Plan(facts=replace(stored, birth_date=card.birth_date, is_birth_date_estimated=False))
    if name == "gender":
        return Plan(facts=replace(stored, gender=card.gender))
    assert name == "address", name
    return Plan(facts=replace(stored, address=card.address))


def _with_middle_name(value: str, *, card: CardFacts, stored: Demographics) -> Plan:
    if not value:
        raise RepairNeedsValue
    name = _name(value)
    is_longer = len(name.split()) > len(card.full_name.split())
    if not is_longer or compare_names(card.full_name, name).cls is not NameClass.MISSING_MIDDLE:
        raise RepairValueWrong
    return Plan(facts=replace(stored, full_name=name), accepted_names=(card.full_name,))


def _in_force(value: str, *, card: CardFacts, stored: Demographics) -> Plan:
    """Put the units in force into the address; of a commune that was split a person chooses the new one."""
    try:
        candidates = resolve_address(card.address).candidates
    except AddressTooLong:
        candidates = ()
    by_code: dict[str, AddressCandidate] = {}
    for each in candidates:
        by_code.setdefault(each.new_ward.code, each)
    if value and value not in by_code:
        raise RepairValueWrong
    if not value and len(by_code) != 1:
        raise RepairNeedsValue
    chosen = by_code[value] if value else next(iter(by_code.values()))
    parts = (chosen.detail, chosen.new_ward.name, chosen.new_province.name)
    address = ", ".join(part for part in parts if part)
    return Plan(facts=replace(stored, address=address), ward_code=value)


def _name(value: str) -> str:
    name = normalise_name(value)
    if not 1 <= len(name) <= NAME_CHARS_MAX or not any(character.isalpha() for character in name):
        raise RepairValueWrong
    return name
