"""Between messages of own_view.proto and values of the domain; pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

from chassis.db.columns import to_text, to_time
from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.consent import BASES, to_moment, wire_numbers
from identity_svc.codec.delegation import to_account, to_delegation, to_proxy_code
from identity_svc.domain.access_words import ActorKind, tell_access
from identity_svc.domain.model import Identifier, IdentifierKind
from identity_svc.domain.own_words import mask, tell_identifier, tell_link, tell_verification
from identity_svc.operations.own_view import DONE, Access, AccessKey, MyView
from identity_svc.store.consent_store import Link
from lienthong.identity.v1 import consent_pb2, identity_pb2
from lienthong.identity.v1 import own_view_pb2 as pb

_KINDS = wire_numbers(IdentifierKind, identity_pb2.IdentifierKind, "IDENTIFIER_KIND")
_KEY = re.compile(r"([0-9TZ:.-]{27})\|([a-z0-9-]{1,40})\|([0-9]{1,18})", re.ASCII)


def to_view(view: MyView) -> pb.GetMyViewResponse:
    """Who one is here, with words."""
    facts, check = view.citizen.demographics, view.citizen.verification
    words = None if check is None else tell_verification(check)
    basis = view.ruling.basis
    return pb.GetMyViewResponse(
        name=f"citizens/{view.citizen.citizen_id}",
        full_name=facts.full_name,
        birth_date=facts.birth_date,
        identifiers=[_to_identifier(each, view) for each in view.identifiers],
        links=[_to_link(each) for each in view.links],
        delegations=[to_delegation(each) for each in view.both_sides.delegations],
        representations=[to_delegation(each) for each in view.both_sides.representations],
        proxy_codes=[to_proxy_code(each) for each in view.both_sides.proxy_codes],
        accounts=[to_account(each) for each in view.accounts],
        seen_as=consent_pb2.AUTHORITY_BASIS_UNSPECIFIED if basis is None else BASES[basis],
        verification_vi="" if words is None else words.vi,
        verification_en="" if words is None else words.en,
    )


def to_access(access: Access) -> pb.MyAccess:
    """One look or change in a sentence."""
    entry = access.entry
    done = entry.outcome == DONE
    words = tell_access(access.kind, action=entry.action, facility_code=entry.facility, done=done)
    return pb.MyAccess(
        access_time=to_timestamp(entry.event_time),
        sentence_vi=words.vi,
        sentence_en=words.en,
        actor_kind=access.kind,
        facility_code=entry.facility,
        purpose=entry.purpose,
        action=entry.action,
        done=done,
        automatic=access.kind is ActorKind.SERVICE,
    )


def access_start(token: str) -> AccessKey | None:
    """The row a page begins behind, None for the first page; raises PageTokenMalformed."""
    if not token:
        return None
    try:
        match = _KEY.fullmatch(base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii"))
        if match is None:
            raise PageTokenMalformed
        return to_time(match[1]), match[2], int(match[3])
    except (ValueError, binascii.Error) as cause:
        raise PageTokenMalformed from cause


def next_access_token(accesses: Sequence[Access], page_size: int) -> str:
    """The token behind a page, empty when it was not full."""
    if len(accesses) < page_size:
        return ""
    moment, writer_id, seq = accesses[-1].key
    return base64.urlsafe_b64encode(f"{to_text(moment)}|{writer_id}|{seq}".encode()).decode("ascii")


def _to_identifier(identifier: Identifier, view: MyView) -> pb.MyIdentifier:
    words = tell_identifier(identifier)
    return pb.MyIdentifier(
        kind=_KINDS[identifier.kind],
        masked_value=mask(identifier.value),
        in_use=identifier.is_in_use(view.now),
        start_time=to_timestamp(identifier.start_time),
        sentence_vi=words.vi,
        sentence_en=words.en,
    )


def _to_link(link: Link) -> pb.MyLink:
    words = tell_link(link.link_time, link.end_time)
    return pb.MyLink(
        link_time=to_timestamp(link.link_time),
        unlink_time=to_moment(link.end_time),
        sentence_vi=words.vi,
        sentence_en=words.en,
    )
