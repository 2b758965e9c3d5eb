"""Words of the data-quality queue in Vietnamese and English, and the ways out of a case; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from identity_svc.domain.cases import Case, CaseCause
from identity_svc.domain.correction import Correction, CorrectionState
from identity_svc.domain.explanations import explain
from identity_svc.domain.model import FieldCheck
from standards.admin_units import Vintage, resolve_ward
from standards.errors import WardCodeUnknown

_PACKAGE = "/lienthong.identity.v1."
_APPLY_REPAIR = f"{_PACKAGE}IdentityService/ApplyRepair"
_METHODS = {
    "PLAN_MERGE": f"{_PACKAGE}MasterIndexService/PlanMerge",
    "CHOOSE_RESIDENCE": f"{_PACKAGE}UnitService/ChooseResidence",
    "REPLACE_TEMPORARY": f"{_PACKAGE}IdentityService/ReplaceTemporary",
    "ANSWER_CORRECTION": f"{_PACKAGE}DataQualityService/AcceptCorrection",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One way out of a case: a call that can be made as it stands."""

    action: str
    """UPPER_SNAKE."""
    method: str
    """Full name of the gRPC method."""
    words: Words
    verification_id: str = ""
    field: str = ""
    code: str = ""
    ward_code: str = ""


def evidence_label(key: str) -> Words:
    """What a key of the evidence is; an unknown key stands for itself."""
    return _words("evidence").get(key, Words(vi=key, en=key))


def age_label(age: str) -> Words:
    """The words of an age class."""
    return _words("ages")[age]


def dirt_label(dirt_class: str) -> Words:
    """The words of a class of dirt."""
    return _words("dirt")[dirt_class]


def ward_label(ward_code: str) -> Words:
    """The name of a commune in force; the word for unknown where there is none."""
    try:
        name = resolve_ward(ward_code, Vintage.FROM_2025_07).name if ward_code else ""
    except WardCodeUnknown:
        name = ""
    return Words(vi=name, en=name) if name else _unknown()


def facility_label(facility_code: str) -> Words:
    """A facility's code; the word for unknown where there is none."""
    return Words(vi=facility_code, en=facility_code) if facility_code else _unknown()


def correction_sentence(request: Correction) -> Words:
    """Where a request stands, for the citizen."""
    words = _words("corrections")[request.state]
    if request.state is not CorrectionState.REQUESTED:
        return words
    due = request.answer_due_date
    return Words(vi=words.vi.format(due=f"{due:%d/%m/%Y}"), en=words.en.format(due=due.isoformat()))


def proposals_of(
    case: Case, *, verification_id: str, finding: FieldCheck | None, candidates: tuple[str, ...]
) -> tuple[Proposal, ...]:
    """The ways out of an open case.

    Args:
        case: Which.
        verification_id: The check behind it, or empty.
        finding: What that check found about the case's field.
        candidates: Communes in force that the address may mean.
    """
    if not case.state.is_open:
        return ()
    if case.cause is CaseCause.CORRECTION_REQUESTED:
        return (_proposal("ANSWER_CORRECTION"),)
    if case.cause is CaseCause.TEMPORARY_IDENTITY:
        return (_proposal("REPLACE_TEMPORARY"),)
    if case.cause in (CaseCause.ADDRESS_SPLIT, CaseCause.ADDRESS_UNRESOLVED):
        return tuple(_proposal("CHOOSE_RESIDENCE", ward_code=code) for code in candidates)
    merges = (_proposal("PLAN_MERGE"),) if case.other_citizen_id else ()
    return (*_repairs(verification_id, finding), *merges)


def _repairs(verification_id: str, finding: FieldCheck | None) -> tuple[Proposal, ...]:
    if finding is None:
        return ()
    return tuple(
        Proposal(
            action="APPLY_REPAIR",
            method=_APPLY_REPAIR,
            words=Words(vi=repair.vi, en=repair.en),
            verification_id=verification_id,
            field=finding.field,
            code=repair.code,
        )
        for repair in explain(finding).repairs
    )


def _proposal(action: str, *, ward_code: str = "") -> Proposal:
    words = _words("actions")[action]
    if ward_code:
        ward = ward_label(ward_code)
        words = Words(vi=words.vi.format(ward=ward.vi), en=words.en.format(ward=ward.en))
    return Proposal(action=action, method=_METHODS[action], words=words, ward_code=ward_code)


def _unknown() -> Words:
    return _words("others")["unknown"]


@cache
def _words(group: str) -> Mapping[str, Words]:
    return {key: Words(**words) for key, words in _table()[group].items()}


@cache
def _table() -> Mapping[str, dict[str, dict[str, str]]]:
    text = resources.files(__package__).joinpath("data/case_words.json").read_text(encoding="utf-8")
    found: Mapping[str, dict[str, dict[str, str]]] = json.loads(text)
    return found
