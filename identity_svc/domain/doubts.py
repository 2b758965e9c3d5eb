"""Which doubts a check leaves behind, each with the cause of the case that a steward works on."""

from __future__ import annotations

from dataclasses import dataclass

from identity_svc.domain.cases import CaseCause
from identity_svc.domain.judgement import NUMBER_NOT_IN_REGISTER, STORED_PERSON_DIFFERS
from identity_svc.domain.model import Demographics, FieldCheck, TextQuality

_CAUSES = {
    "NAME_DIFFERS": CaseCause.NAME_DIFFERS,
    "NAME_DIFFERS_IN_ACCENTS": CaseCause.NAME_DIFFERS,
    "NAME_LACKS_WORDS": CaseCause.NAME_DIFFERS,
    "NAME_PARTLY_AGREES": CaseCause.NAME_DIFFERS,
    "BIRTH_YEAR_ONLY": CaseCause.BIRTH_DATE_DIFFERS,
    "BIRTH_DAY_DIFFERS": CaseCause.BIRTH_DATE_DIFFERS,
    "BIRTH_DATE_DIFFERS": CaseCause.BIRTH_DATE_DIFFERS,
    "BIRTH_DATE_PARTLY_AGREES": CaseCause.BIRTH_DATE_DIFFERS,
    "GENDER_DIFFERS": CaseCause.GENDER_DIFFERS,
    NUMBER_NOT_IN_REGISTER: CaseCause.NUMBER_NOT_IN_REGISTER,
    STORED_PERSON_DIFFERS: CaseCause.STORED_PERSON_DIFFERS,
}
_TEXT_CAUSES = {
    TextQuality.DAMAGED: CaseCause.TEXT_DAMAGED,
    TextQuality.WITHOUT_ACCENTS: CaseCause.TEXT_WITHOUT_ACCENTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One thing about a record that a person has to settle."""

    cause: CaseCause
    field: str
    """The field in doubt; empty for the whole text."""
    reason: str
    """The check's own reason, UPPER_SNAKE."""


def cause_of(reason: str) -> CaseCause | None:
    """The cause of the case that a check's reason opens; None where it is harmless.

    Harmless are tone placement, a name without accents, an accepted alias, and an address: people move, units were
    renamed on 1 July 2025, and whether an address leads to a commune is a doubt of its own.
    """
    return _CAUSES.get(reason)


def doubts_of(fields: tuple[FieldCheck, ...], stored: Demographics) -> tuple[Doubt, ...]:
    """The doubts that a check leaves about a record.

    Args:
        fields: What the check found.
        stored: The facts in force after the check: a good name that outlived a damaged scan is no doubt.
    """
    found = [
        Doubt(cause=_CAUSES[check.reason], field=check.field, reason=check.reason)
        for check in fields
        if check.reason in _CAUSES
    ]
    text_cause = _TEXT_CAUSES.get(stored.text_quality)
    if text_cause is not None:
        found.append(Doubt(cause=text_cause, field="", reason=text_cause.value))
    return tuple(found)
