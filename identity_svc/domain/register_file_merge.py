"""What a row of a register file may change about a citizen who is known already; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from identity_svc.domain.card import is_same_day_or_coarser
from identity_svc.domain.cases import CaseCause
from identity_svc.domain.model import Demographics, Gender, Source, TextQuality
from identity_svc.domain.register_file_row import RegisterPerson
from standards.names import NameClass, compare_names
from standards.syllables import fold

_SAME_NAME = frozenset({NameClass.SAME, NameClass.EQUIVALENT})
_READ_FROM_A_PAPER = frozenset({Source.CARD_QR, Source.CARD_CHIP, Source.PASSPORT_MRZ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts that are to be kept as a citizen's next version."""

    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    gender: Gender
    address: str = field(repr=False)
    text_quality: TextQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A contradiction that a person has to look at; nothing is overwritten."""

    cause: CaseCause
    field: str


def change_by_row(
    row: RegisterPerson, stored: Demographics, *, is_older: bool, is_confirmed: bool
) -> Facts | Conflict | None:
    """Decide what a row about a known number does to the stored facts: new facts, a conflict, or nothing.

    Args:
        row: What the file tells.
        stored: The facts in force.
        is_older: The file is of an earlier day than the stored facts.
        is_confirmed: The population register confirmed the stored number.
    Source: design. A list was typed by people: it never lowers what a card told or the register confirmed, a damaged
        or accentless text never replaces a good one, and older facts never replace newer ones.
    """
    if not is_same_day_or_coarser(row.birth_date, stored.birth_date):
        if not _is_same_name(row, stored):
            return Conflict(cause=CaseCause.STORED_PERSON_DIFFERS, field="")
    elif row.text_quality is TextQuality.DAMAGED and stored.text_quality is not TextQuality.DAMAGED:
        return None
    if is_older:
        return None
    facts = _merged(row, stored)
    if is_confirmed or stored.source in _READ_FROM_A_PAPER:
        conflict = _contradiction(facts, stored)
        if conflict is not None:
            return conflict
    return None if _is_same(facts, stored) else facts


def _is_same_name(row: RegisterPerson, stored: Demographics) -> bool:
    """Whether the names say one person where the birth dates differ; a damaged name says nothing."""
    if TextQuality.DAMAGED in (row.text_quality, stored.text_quality):
        return False
    return compare_names(row.full_name, stored.full_name).cls not in (
        NameClass.DIFFERENT,
        NameClass.DIFFERENT_ACCENT,
        NameClass.ABBREVIATED,
    )


def _merged(row: RegisterPerson, stored: Demographics) -> Facts:
    """The row's facts, with the stored one wherever the row only lost something of it."""
    is_lossless = stored.text_quality is not TextQuality.DAMAGED
    name = row.full_name
    if is_lossless and (
        compare_names(name, stored.full_name).cls in _SAME_NAME or _lost_accents(name, stored.full_name)
    ):
        name = stored.full_name
    address = row.address
    if is_lossless and (
        not address
        or address.casefold() == stored.address.casefold()
        or _lost_accents(address, stored.address)
    ):
        address = stored.address
    is_finer = len(stored.birth_date) > len(row.birth_date)
    keeps_birth = is_finer and is_same_day_or_coarser(row.birth_date, stored.birth_date)
    words_are_stored = (name, address) == (stored.full_name, stored.address)
    return Facts(
        full_name=name,
        birth_date=stored.birth_date if keeps_birth else row.birth_date,
        gender=row.gender,
        address=address,
        text_quality=stored.text_quality if words_are_stored else row.text_quality,
    )


def _lost_accents(text: str, stored: str) -> bool:
    return fold(text) == text.casefold() and fold(stored) == text.casefold()


def _contradiction(facts: Facts, stored: Demographics) -> Conflict | None:
    if facts.full_name != stored.full_name:
        return Conflict(cause=CaseCause.NAME_DIFFERS, field="full_name")
    if not is_same_day_or_coarser(facts.birth_date, stored.birth_date):
        return Conflict(cause=CaseCause.BIRTH_DATE_DIFFERS, field="birth_date")
    if facts.gender != stored.gender:
        return Conflict(cause=CaseCause.GENDER_DIFFERS, field="gender")
    return None


def _is_same(facts: Facts, stored: Demographics) -> bool:
    return (facts.full_name, facts.birth_date, facts.gender, facts.address) == (
        stored.full_name,
        stored.birth_date,
        stored.gender,
        stored.address,
    )
