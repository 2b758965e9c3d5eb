"""From the register's answer per field to one outcome that a clerk can act on."""

from __future__ import annotations

from identity_svc.domain.model import CardFacts, FieldCheck, FieldResult, Outcome, RegisterAnswer, TextQuality

FIELDS = ("personal_number", "full_name", "birth_date", "gender", "address")
"""Every field of a check, in the order in which it is shown."""

STORED_PERSON_DIFFERS = "STORED_PERSON_DIFFERS"
NUMBER_NOT_IN_REGISTER = "NUMBER_NOT_IN_REGISTER"
NAME_IS_KNOWN_ALIAS = "NAME_IS_KNOWN_ALIAS"
"""The register has another name, and a person accepted the card's as this citizen's."""
ANSWER_INCOMPLETE = "REGISTER_ANSWER_INCOMPLETE"
"""The register knows the number but answered neither name nor birth date: nothing is proved."""

# The register's words to ours, which never change. Accents that differ are a contradiction although the register calls
# it a part agreement: Lan and Lân are different people, and the insurer refuses the one for the other.
_REASONS = {
    ("full_name", "TONE_PLACE"): "NAME_DIFFERS_IN_TONE_PLACEMENT",
    ("full_name", "MARKS_MISSING"): "NAME_WITHOUT_ACCENTS",
    ("full_name", "MARKS_DIFFER"): "NAME_DIFFERS_IN_ACCENTS",
    ("full_name", "WORDS_MISSING"): "NAME_LACKS_WORDS",
    ("full_name", "DIFFERENT"): "NAME_DIFFERS",
    ("birth_date", "YEAR_ONLY"): "BIRTH_YEAR_ONLY",
    ("birth_date", "YEAR_SAME"): "BIRTH_DAY_DIFFERS",
    ("birth_date", "DIFFERENT"): "BIRTH_DATE_DIFFERS",
    ("gender", "DIFFERENT"): "GENDER_DIFFERS",
    ("address", "FORMER_UNIT"): "ADDRESS_OF_FORMER_UNIT",
    ("address", "MARKS_DIFFER"): "ADDRESS_DIFFERS_IN_ACCENTS",
    ("address", "DIFFERENT"): "ADDRESS_DIFFERS",
}
_FALLBACK_REASONS = {
    "full_name": ("NAME_PARTLY_AGREES", "NAME_DIFFERS"),
    "birth_date": ("BIRTH_DATE_PARTLY_AGREES", "BIRTH_DATE_DIFFERS"),
    "gender": ("GENDER_DIFFERS", "GENDER_DIFFERS"),
    "address": ("ADDRESS_PARTLY_AGREES", "ADDRESS_DIFFERS"),
}
_CONTRADICTIONS = frozenset({"NAME_DIFFERS_IN_ACCENTS"})
_DECIDING = ("personal_number", "full_name", "birth_date")


def judge(answer: RegisterAnswer, card: CardFacts) -> tuple[Outcome, tuple[FieldCheck, ...]]:
    """Give the outcome of a check and what was found per field.

    A name or birth date that contradicts, or a number the register does not know, makes it DISPUTED; a gender or an
    address that differs leaves the person confirmed and is explained (people move, and units were renamed on
    1 July 2025). Without an answer on both name and birth date nothing is proved: UNVERIFIED.
    """
    if not answer.found:
        unknown = FieldCheck(
            field="personal_number", result=FieldResult.MISMATCH, reason=NUMBER_NOT_IN_REGISTER
        )
        return Outcome.DISPUTED, (unknown, *not_asked(card)[1:])
    known = FieldCheck(field="personal_number", result=FieldResult.MATCH, reason="")
    checks = (known, *(_check(field, answer, card) for field in FIELDS[1:]))
    return _outcome(checks), checks


def not_asked(card: CardFacts) -> tuple[FieldCheck, ...]:
    """Give the fields of a check whose register was not heard."""
    return tuple(
        FieldCheck(field=field, result=FieldResult.NOT_CHECKED, reason=_unasked_reason(field, card))
        for field in FIELDS
    )


def disputed_by_store(fields: tuple[FieldCheck, ...]) -> tuple[FieldCheck, ...]:
    """Give the same fields, the number marked: it is held here for somebody with another name or birth date."""
    conflict = FieldCheck(field="personal_number", result=FieldResult.MISMATCH, reason=STORED_PERSON_DIFFERS)
    return tuple(conflict if check.field == "personal_number" else check for check in fields)


def contradicts_name(fields: tuple[FieldCheck, ...]) -> bool:
    """Say whether the register contradicted the name, so that an accepted alias may explain it."""
    name = next(check for check in fields if check.field == "full_name")
    return name.result is FieldResult.MISMATCH or name.reason in _CONTRADICTIONS


def explained_by_alias(fields: tuple[FieldCheck, ...]) -> tuple[Outcome, tuple[FieldCheck, ...]]:
    """Give outcome and fields of a check whose name the register contradicts and an accepted alias explains.

    The name becomes PARTIAL and never MATCH: the register was not heard to agree. What else it contradicts stays.
    """
    known = FieldCheck(field="full_name", result=FieldResult.PARTIAL, reason=NAME_IS_KNOWN_ALIAS)
    explained = tuple(known if check.field == "full_name" else check for check in fields)
    return _outcome(explained), explained


def no_longer_explained(fields: tuple[FieldCheck, ...]) -> tuple[Outcome, tuple[FieldCheck, ...]]:
    """Give outcome and fields of a check that an alias explained, once nobody accepts the alias any more."""
    differs = FieldCheck(field="full_name", result=FieldResult.MISMATCH, reason="NAME_DIFFERS")
    told = tuple(differs if check.reason == NAME_IS_KNOWN_ALIAS else check for check in fields)
    return _outcome(told), told


def _check(field: str, answer: RegisterAnswer, card: CardFacts) -> FieldCheck:
    result = answer.results.get(field, FieldResult.NOT_CHECKED)
    match result:
        case FieldResult.MATCH:
            reason = ""
        case FieldResult.NOT_CHECKED:
            reason = _unasked_reason(field, card)
        case FieldResult.PARTIAL:
            reason = _REASONS.get((field, answer.reasons.get(field, "")), _FALLBACK_REASONS[field][0])
        case FieldResult.MISMATCH:
            reason = _REASONS.get((field, answer.reasons.get(field, "")), _FALLBACK_REASONS[field][1])
    return FieldCheck(field=field, result=result, reason=reason)


def _unasked_reason(field: str, card: CardFacts) -> str:
    if card.text_quality is not TextQuality.DAMAGED:
        return ""
    return {"full_name": "NAME_TEXT_DAMAGED", "address": "ADDRESS_TEXT_DAMAGED"}.get(field, "")


def _outcome(checks: tuple[FieldCheck, ...]) -> Outcome:
    deciding = [check for check in checks if check.field in _DECIDING]
    if any(check.result is FieldResult.MISMATCH or check.reason in _CONTRADICTIONS for check in deciding):
        return Outcome.DISPUTED
    if all(check.result is FieldResult.NOT_CHECKED for check in deciding[1:]):
        return Outcome.UNVERIFIED
    # An address that the register has no opinion on leaves the person as proved as before.
    if any(check.result is FieldResult.NOT_CHECKED for check in deciding):
        return Outcome.PARTIAL
    if any(check.result in (FieldResult.PARTIAL, FieldResult.MISMATCH) for check in checks):
        return Outcome.PARTIAL
    return Outcome.VERIFIED
