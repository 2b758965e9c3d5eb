"""Between messages of master_index.proto and values of the domain; pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from datetime import date

from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.numbers import number_of
from identity_svc.domain.errors import WardCodeMalformed
from identity_svc.domain.identifier_systems import IdentifierSystems
from identity_svc.domain.index_errors import DuplicateNameMalformed
from identity_svc.domain.linking import Link, LinkReason, MergePlan
from identity_svc.domain.match_scoring import FieldEvidence, MatchClass, Rule
from identity_svc.domain.match_words import explain_evidence, explain_rule
from identity_svc.domain.matching import MatchFacts
from identity_svc.operations.match import Match, Matches
from identity_svc.operations.merge import PairView
from identity_svc.operations.rematch import Progress
from identity_svc.store.link_store import Pair, PairState, Sweep
from lienthong.identity.v1 import identity_pb2
from lienthong.identity.v1 import master_index_pb2 as pb
from standards.errors import ImpossibleDate
from standards.names import normalise_name

_PAIR_NAME = re.compile(r"citizens/([0-9a-z-]{1,64})/duplicates/([0-9a-z-]{1,64})", re.ASCII)
_FHIR_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", re.ASCII)
_WARD_CODE = re.compile(r"[0-9]{5}", re.ASCII)
_NO_SYSTEMS = IdentifierSystems({})
"""A preview names kinds and no systems."""
FIRST_PAIR = ("", "", "")
FIRST_LINK = "~"

_CLASSES = {
    MatchClass.AUTOMATIC: pb.MATCH_CLASS_AUTOMATIC,
    MatchClass.REVIEW: pb.MATCH_CLASS_REVIEW,
    MatchClass.NONE: pb.MATCH_CLASS_NONE,
}
_STATES = {
    PairState.PROPOSED: pb.DUPLICATE_STATE_PROPOSED,
    PairState.LINKED: pb.DUPLICATE_STATE_LINKED,
    PairState.REJECTED: pb.DUPLICATE_STATE_REJECTED,
    PairState.GONE: pb.DUPLICATE_STATE_GONE,
}
_STATES_BACK = {number: state for state, number in _STATES.items()}
_REASONS = {
    LinkReason.AUTOMATIC: pb.LINK_REASON_AUTOMATIC,
    LinkReason.STEWARD: pb.LINK_REASON_STEWARD,
}
_GENDERS = {"male": identity_pb2.GENDER_MALE, "female": identity_pb2.GENDER_FEMALE}
_GENDERS_BACK = {number: word for word, number in _GENDERS.items()}


def pair_ids_of(name: str) -> tuple[str, str]:
    """The two ids in "citizens/{citizen}/duplicates/{other}".

    Raises:
        DuplicateNameMalformed: the name has another form.
    """
    match = _PAIR_NAME.fullmatch(name)
    if match is None:
        raise DuplicateNameMalformed
    return match[1], match[2]


def state_of(request: pb.ListDuplicatesRequest) -> PairState:
    """The state asked for; proposed unless told otherwise."""
    return _STATES_BACK.get(request.state, PairState.PROPOSED)


def facts_of_message(message: pb.MatchFacts) -> MatchFacts:
    """The facts of a preview; numbers count as read from a paper at hand.

    Raises:
        FormatError: the date or a number is not in its form.
        WardCodeMalformed: the commune's code is not five digits.
        IdentifierKindRequired, IdentifierFormWrong: a number's kind is missing or another.
    """
    if message.ward_code and _WARD_CODE.fullmatch(message.ward_code) is None:
        raise WardCodeMalformed
    numbers = [number_of(each.kind, "", each.value, systems=_NO_SYSTEMS) for each in message.identifiers]
    return MatchFacts(
        full_name=normalise_name(message.full_name),
        birth_date=_birth_date(message.birth_date),
        gender=_GENDERS_BACK.get(message.gender, ""),
        ward_code=message.ward_code,
        identifiers=tuple((kind, value) for kind, value in numbers),
    )


def _birth_date(text: str) -> str:
    if text and _FHIR_DATE.fullmatch(text) is None:
        raise ImpossibleDate("facts.birth_date")
    try:
        date.fromisoformat((text + "-01-01")[:10] if len(text) != 7 else f"{text}-01")
    except ValueError:
        if text:
            raise ImpossibleDate("facts.birth_date") from None
    return text


def to_facts(facts: MatchFacts) -> pb.MatchFacts:
    """Facts as shown beside a candidate, without numbers."""
    return pb.MatchFacts(
        full_name=facts.full_name,
        birth_date=facts.birth_date,
        gender=_GENDERS.get(facts.gender, identity_pb2.GENDER_UNSPECIFIED),
        ward_code=facts.ward_code,
    )


def to_preview(matches: Matches) -> pb.PreviewMatchResponse:
    """Everybody who may be the same person."""
    return pb.PreviewMatchResponse(
        candidates=[_to_candidate(each) for each in matches.found],
        compared_count=matches.compared_count,
        capped=matches.is_capped,
    )


def _to_candidate(match: Match) -> pb.MatchCandidate:
    result = match.result
    return pb.MatchCandidate(
        citizen=f"citizens/{match.citizen_id}",
        match_class=_CLASSES[result.match_class],
        weight_bits=round(result.weight_bits, 2),
        evidence=to_evidence(result.evidence),
        rules=to_rules(result.rules),
        facts=to_facts(match.candidate.facts),
    )


def to_evidence(evidence: Sequence[FieldEvidence]) -> list[pb.MatchEvidence]:
    """Field by field, with the words for it."""
    return [
        pb.MatchEvidence(
            field=each.field,
            level=each.level,
            weight_bits=round(each.weight_bits, 2),
            explanation_vi=vi,
            explanation_en=en,
        )
        for each in evidence
        for vi, en in [explain_evidence(each.field, each.level)]
    ]


def to_rules(rules: Sequence[Rule]) -> list[pb.MatchRule]:
    """Rules that forbid an automatic link, with the words for them."""
    return [
        pb.MatchRule(code=each, explanation_vi=vi, explanation_en=en)
        for each in rules
        for vi, en in [explain_rule(each)]
    ]


def to_duplicate(pair: Pair) -> pb.Duplicate:
    """A pair with the evidence it was proposed with."""
    return pb.Duplicate(
        name=f"citizens/{pair.citizen_id}/duplicates/{pair.other_citizen_id}",
        citizen=f"citizens/{pair.citizen_id}",
        other_citizen=f"citizens/{pair.other_citizen_id}",
        state=_STATES[pair.state],
        weight_bits=pair.weight_bits,
        evidence=to_evidence(pair.evidence),
        rules=to_rules(pair.rules),
        create_time=to_timestamp(pair.create_time),
        update_time=to_timestamp(pair.update_time),
    )


def to_pair_view(view: PairView) -> pb.GetDuplicateResponse:
    """A pair with both people and the evidence as of now."""
    duplicate = to_duplicate(view.pair)
    del duplicate.evidence[:], duplicate.rules[:]
    duplicate.evidence.extend(to_evidence(view.result.evidence))
    duplicate.rules.extend(to_rules(view.result.rules))
    duplicate.weight_bits = round(view.result.weight_bits, 2)
    return pb.GetDuplicateResponse(
        duplicate=duplicate, facts=to_facts(view.facts), other_facts=to_facts(view.other_facts)
    )


def to_plan(plan: MergePlan) -> pb.MergePlan:
    """What a merge would do."""
    return pb.MergePlan(
        citizen=f"citizens/{plan.citizen_id}",
        survivor=f"citizens/{plan.survivor_id}",
        row_counts=plan.row_counts,
        followers=[f"citizens/{each}" for each in plan.follower_ids],
        moved_number_count=len(plan.moved_hashes),
        conflicts=list(plan.conflicts),
        digest=plan.digest,
    )


def to_link(link: Link) -> pb.CitizenLink:
    """One citizen linked into another."""
    return pb.CitizenLink(
        citizen=f"citizens/{link.citizen_id}",
        survivor=f"citizens/{link.survivor_id}",
        reason=_REASONS[link.reason],
        link_time=to_timestamp(link.link_time),
        end_time=None if link.end_time is None else to_timestamp(link.end_time),
    )


def to_rematch(sweep: Sweep) -> pb.Rematch:
    """How far a run over everybody is."""
    return pb.Rematch(
        start_time=to_timestamp(sweep.start_time),
        end_time=None if sweep.end_time is None else to_timestamp(sweep.end_time),
        total_count=sweep.total_count,
        matched_count=sweep.matched_count,
        linked_count=sweep.linked_count,
        proposed_count=sweep.proposed_count,
        left_s=sweep.left_s,
    )


def to_progress(progress: Progress) -> pb.GetRematchProgressResponse:
    """How far the newest run is, and who waits beside it."""
    return pb.GetRematchProgressResponse(
        rematch=None if progress.sweep is None else to_rematch(progress.sweep),
        pending_count=progress.pending_count,
    )


def write_token(*parts: str) -> str:
    """A page token; it holds times and ids of our own."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def read_token(token: str, first: tuple[str, ...]) -> tuple[str, ...]:
    """The parts of a page token, or `first` for the first page.

    Raises:
        PageTokenMalformed: no list of this kind made it.
    """
    if not token:
        return first
    try:
        parts = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise PageTokenMalformed from None
    if (
        not isinstance(parts, list)
        or len(parts) != len(first)
        or not all(isinstance(each, str) for each in parts)
    ):
        raise PageTokenMalformed
    return tuple(parts)
