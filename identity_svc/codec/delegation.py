"""Between messages of consent.proto about delegations, proxy codes and accounts and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.citizens import citizen_id_of
from identity_svc.codec.consent import (
    BASES,
    facility_code_of,
    moment_of,
    optional_citizen_id_of,
    resource_of,
    to_moment,
    wire_numbers,
)
from identity_svc.domain.authority import Action, EvidenceKind, Kind, ProxyCode, Relationship, Ruling
from identity_svc.domain.consent_words import tell_delegation, tell_ruling
from identity_svc.domain.delegation_errors import (
    AccountCodeMalformed,
    ActionRequired,
    DelegationKindRequired,
    RelationshipRequired,
)
from identity_svc.operations.accounts import CODE_DIGITS
from identity_svc.operations.authority import Acting
from identity_svc.operations.delegation import BothSides, Dated, DelegationOrder
from identity_svc.operations.proxy_codes import CodeOrder
from identity_svc.store.account_store import Account
from lienthong.identity.v1 import consent_pb2 as pb

_LINK_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}", re.ASCII)

_ACTIONS = wire_numbers(Action, pb.DelegatedAction, "DELEGATED_ACTION")
_KINDS = wire_numbers(Kind, pb.DelegationKind, "DELEGATION_KIND")
_RELATIONSHIPS = wire_numbers(Relationship, pb.Relationship, "RELATIONSHIP")
_EVIDENCE = wire_numbers(EvidenceKind, pb.EvidenceKind, "EVIDENCE_KIND")
_ACTIONS_BACK = {number: action for action, number in _ACTIONS.items()}
_KINDS_BACK = {number: kind for kind, number in _KINDS.items()}
_RELATIONSHIPS_BACK = {number: relationship for relationship, number in _RELATIONSHIPS.items()}
_EVIDENCE_BACK = {number: evidence for evidence, number in _EVIDENCE.items()}


def actions_of(wire: Iterable[pb.DelegatedAction.ValueType]) -> frozenset[Action]:
    """Actions, those that are told; the operation refuses none where one is needed."""
    return frozenset(_ACTIONS_BACK[number] for number in wire if number in _ACTIONS_BACK)


def action_of(number: pb.DelegatedAction.ValueType) -> Action:
    """One action; raises ActionRequired."""
    action = _ACTIONS_BACK.get(number)
    if action is None:
        raise ActionRequired
    return action


def acting_of(request: pb.CheckAuthorityRequest) -> Acting:
    """Who is to act; raises CitizenNameMalformed, ResourceNameMalformed."""
    which = request.WhichOneof("acting")
    return Acting(
        actor_id=citizen_id_of(request.actor) if which == "actor" else "",
        account_subject=request.account_subject,
        proxy_code=resource_of(request.proxy_code, "proxyCodes") if which == "proxy_code" else None,
    )


def delegation_order_of(request: pb.AddDelegationRequest) -> DelegationOrder:
    """A delegation as it is asked to be recorded.

    Raises:
        CitizenNameMalformed, DelegationKindRequired, RelationshipRequired.
    """
    kind = _KINDS_BACK.get(request.kind)
    if kind is None:
        raise DelegationKindRequired
    relationship = _RELATIONSHIPS_BACK.get(request.relationship)
    if relationship is None:
        raise RelationshipRequired
    return DelegationOrder(
        citizen_id=citizen_id_of(request.parent),
        kind=kind,
        representative_id=citizen_id_of(request.representative),
        relationship=relationship,
        actions=actions_of(request.actions),
        evidence_kind=_EVIDENCE_BACK.get(request.evidence_kind),
        evidence_reference=request.evidence_reference,
        end_time=moment_of(request.end_time, is_set=request.HasField("end_time")),
    )


def code_order_of(request: pb.IssueProxyCodeRequest) -> CodeOrder:
    """A proxy code as it is asked for; raises CitizenNameMalformed, FormatError."""
    return CodeOrder(
        citizen_id=citizen_id_of(request.parent),
        actions=actions_of(request.actions),
        facility_code=facility_code_of(request.facility_code),
        lifetime_h=request.lifetime_h,
        issuer_id=optional_citizen_id_of(request.issuer),
    )


def link_code_of(text: str) -> str:
    """The eight digits of a link code, blanks left out; raises AccountCodeMalformed."""
    digits = "".join(text.split())
    if _LINK_CODE.fullmatch(digits) is None:
        raise AccountCodeMalformed
    return digits


def to_delegation(dated: Dated) -> pb.Delegation:
    """A delegation with its sentence."""
    delegation = dated.delegation
    words = tell_delegation(delegation, end_time=dated.end_time)
    return pb.Delegation(
        name=delegation.name,
        kind=_KINDS[delegation.kind],
        representative=f"citizens/{delegation.representative_id}",
        relationship=_RELATIONSHIPS[delegation.relationship],
        actions=[_ACTIONS[action] for action in delegation.actions],
        evidence_kind=_EVIDENCE[delegation.evidence_kind],
        evidence_reference=delegation.evidence_reference,
        start_time=to_timestamp(delegation.start_time),
        end_time=to_moment(dated.end_time),
        revoke_time=to_moment(delegation.revoke_time),
        sentence_vi=words.vi,
        sentence_en=words.en,
    )


def to_proxy_code(code: ProxyCode) -> pb.ProxyCode:
    """A proxy code without its text."""
    return pb.ProxyCode(
        name=code.name,
        actions=[_ACTIONS[action] for action in code.actions],
        facility_code=code.facility_code,
        issuer=f"citizens/{code.issuer_id}",
        issue_time=to_timestamp(code.issue_time),
        expire_time=to_timestamp(code.expire_time),
        redeem_time=to_moment(code.redeem_time),
        redeemed_at_facility_code=code.redeemed_at_facility_code,
        bearer=f"citizens/{code.bearer_id}" if code.bearer_id else "",
        visit_end_time=to_moment(code.visit_end_time),
        revoke_time=to_moment(code.revoke_time),
    )


def to_both_sides(found: BothSides) -> pb.ListDelegationsResponse:
    """Everything about one citizen's delegations."""
    return pb.ListDelegationsResponse(
        delegations=[to_delegation(each) for each in found.delegations],
        representations=[to_delegation(each) for each in found.representations],
        proxy_codes=[to_proxy_code(each) for each in found.proxy_codes],
    )


def to_authority_response(ruling: Ruling, at: datetime) -> pb.CheckAuthorityResponse:
    """Whether somebody may act, with words."""
    words = tell_ruling(ruling)
    return pb.CheckAuthorityResponse(
        decision=pb.AUTHORITY_DECISION_ALLOWED if ruling.is_allowed else pb.AUTHORITY_DECISION_DENIED,
        basis=pb.AUTHORITY_BASIS_UNSPECIFIED if ruling.basis is None else BASES[ruling.basis],
        authority=ruling.authority,
        reason=ruling.denial or "",
        explanation_vi=words.vi,
        explanation_en=words.en,
        until_time=to_moment(ruling.until_time),
        at_time=to_timestamp(at),
    )


def to_account(account: Account) -> pb.Account:
    """An account without the sign-in's name."""
    return pb.Account(
        name=account.name,
        link_time=to_timestamp(account.link_time),
        facility_code=account.facility_code,
        unlink_time=to_moment(account.unlink_time),
    )
