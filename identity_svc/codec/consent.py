"""Between messages of consent.proto about consents and values of the domain; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from chassis import paging
from chassis.paging import PageTokenMalformed
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec.citizens import citizen_id_of
from identity_svc.domain.authority import Basis
from identity_svc.domain.consent import Channel, Consent, ConsentAnswer
from identity_svc.domain.consent_errors import (
    ChannelWrong,
    PurposeRequired,
    ResourceNameMalformed,
    ScopeRequired,
)
from identity_svc.domain.consent_texts import ConsentText, Purpose, Scope
from identity_svc.domain.consent_words import tell_answer, tell_consent
from identity_svc.operations.consent import ConsentOrder
from lienthong.identity.v1 import consent_pb2 as pb
from standards.facility_code import parse_facility_code

E = TypeVar("E", bound=StrEnum)
V_co = TypeVar("V_co", bound=int, covariant=True)

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200
_RESOURCE = re.compile(r"citizens/([0-9a-z-]{1,64})/([A-Za-z]+)/([0-9a-z-]{1,64})", re.ASCII)
_ID = re.compile(r"[0-9a-z-]{0,64}", re.ASCII)


class _WireEnum(Protocol[V_co]):
    def Value(self, name: str) -> V_co: ...  # noqa: N802  # protobuf's name


def wire_numbers(words: type[E], enum: _WireEnum[V_co], prefix: str) -> dict[E, V_co]:
    """Each domain word with its number on the wire, where it stands behind a prefix."""
    return {word: enum.Value(f"{prefix}_{word}") for word in words}


_PURPOSES = wire_numbers(Purpose, pb.ConsentPurpose, "CONSENT_PURPOSE")
_SCOPES = wire_numbers(Scope, pb.ConsentScope, "CONSENT_SCOPE")
_CHANNELS = wire_numbers(Channel, pb.ConsentChannel, "CONSENT_CHANNEL")
BASES = wire_numbers(Basis, pb.AuthorityBasis, "AUTHORITY_BASIS")
_PURPOSES_BACK = {number: purpose for purpose, number in _PURPOSES.items()}
_SCOPES_BACK = {number: scope for scope, number in _SCOPES.items()}
_CHANNELS_BACK = {number: channel for channel, number in _CHANNELS.items()}


def resource_of(name: str, collection: str) -> tuple[str, str]:
    """The two ids in "citizens/{citizen}/{collection}/{id}".

    Raises:
        ResourceNameMalformed: the name has another form.
    """
    match = _RESOURCE.fullmatch(name)
    if match is None or match[2] != collection:
        raise ResourceNameMalformed
    return match[1], match[3]


def optional_citizen_id_of(name: str) -> str:
    """The id in a citizen's name, or "" for ""; raises CitizenNameMalformed."""
    return citizen_id_of(name) if name else ""


def facility_code_of(text: str) -> str:
    """A facility code, or "" for ""; raises FormatError."""
    return parse_facility_code(text).code if text else ""


def page_size_of(asked: int) -> int:
    """Rows of a page; raises PageSizeOutOfRange."""
    return paging.page_size_of(asked, usual=PAGE_SIZE, largest=PAGE_SIZE_MAX)


def page_start(token: str) -> str:
    """The id a page begins behind; raises PageTokenMalformed."""
    if _ID.fullmatch(token) is None:
        raise PageTokenMalformed
    return token


def next_page_token(consents: Sequence[Consent], page_size: int) -> str:
    """The token behind a page, empty when it was not full."""
    return consents[-1].consent_id if len(consents) == page_size else ""


def moment_of(message: Timestamp, *, is_set: bool) -> datetime | None:
    """The moment of a field, None when it is unset."""
    return message.ToDatetime(UTC) if is_set else None


def to_moment(moment: datetime | None) -> Timestamp | None:
    """The message of a moment, None for none."""
    return None if moment is None else to_timestamp(moment)


def purpose_of(number: pb.ConsentPurpose.ValueType) -> Purpose:
    """A purpose; raises PurposeRequired."""
    purpose = _PURPOSES_BACK.get(number)
    if purpose is None:
        raise PurposeRequired
    return purpose


def scopes_of(wire: Iterable[pb.ConsentScope.ValueType]) -> frozenset[Scope]:
    """Kinds of data; raises ScopeRequired for none."""
    scopes = frozenset(_SCOPES_BACK[number] for number in wire if number in _SCOPES_BACK)
    if not scopes:
        raise ScopeRequired
    return scopes


def channel_of(number: pb.ConsentChannel.ValueType) -> Channel:
    """A channel; raises ChannelWrong for none."""
    channel = _CHANNELS_BACK.get(number)
    if channel is None:
        raise ChannelWrong
    return channel


def order_of(request: pb.GiveConsentRequest) -> ConsentOrder:
    """A consent as it is asked to be recorded.

    Raises:
        CitizenNameMalformed, PurposeRequired, ScopeRequired, ChannelWrong, FormatError.
    """
    return ConsentOrder(
        citizen_id=citizen_id_of(request.parent),
        purpose=purpose_of(request.purpose),
        scopes=scopes_of(request.scopes),
        facility_code=facility_code_of(request.facility_code),
        text_id=request.text_id,
        text_version=request.text_version,
        text_language=request.text_language,
        text_hash=request.text_hash,
        channel=channel_of(request.channel),
        giver_id=optional_citizen_id_of(request.giver),
        minor_agreed=request.minor_agreed,
        evidence_reference=request.evidence_reference,
        expire_time=moment_of(request.expire_time, is_set=request.HasField("expire_time")),
    )


def to_text(text: ConsentText) -> pb.ConsentText:
    """A text with its exact words."""
    return pb.ConsentText(
        text_id=text.text_id,
        version=text.version,
        language=text.language,
        purpose=_PURPOSES[text.purpose],
        scopes=[_SCOPES[scope] for scope in text.scopes],
        content=text.content,
        content_hash=text.content_hash,
        valid_from_date=text.valid_from_date.isoformat(),
        valid_to_date="" if text.valid_to_date is None else text.valid_to_date.isoformat(),
        lasting_days=text.lasting_days,
    )


def name_of(consent: Consent) -> str:
    """The resource name of a consent."""
    return f"citizens/{consent.citizen_id}/consents/{consent.consent_id}"


def to_consent(consent: Consent) -> pb.Consent:
    """A consent with its sentence."""
    words = tell_consent(consent)
    channel = consent.withdraw_channel
    return pb.Consent(
        name=name_of(consent),
        purpose=_PURPOSES[consent.purpose],
        scopes=[_SCOPES[scope] for scope in consent.scopes],
        facility_code=consent.facility_code,
        text_id=consent.text_id,
        text_version=consent.text_version,
        text_language=consent.text_language,
        text_hash=consent.text_hash,
        channel=_CHANNELS[consent.channel],
        given_as=BASES[consent.given_as],
        giver=f"citizens/{consent.giver_id}",
        minor_agreed=consent.minor_agreed,
        evidence_reference=consent.evidence_reference,
        recorded_at_facility_code=consent.recorded_at_facility_code,
        grant_time=to_timestamp(consent.grant_time),
        expire_time=to_moment(consent.expire_time),
        withdraw_time=to_moment(consent.withdraw_time),
        withdraw_channel=pb.CONSENT_CHANNEL_UNSPECIFIED if channel is None else _CHANNELS[channel],
        replaced=consent.is_replaced,
        sentence_vi=words.vi,
        sentence_en=words.en,
    )


def to_check_response(answer: ConsentAnswer, at: datetime) -> pb.CheckConsentResponse:
    """Whether a use is permitted, with words."""
    words = tell_answer(answer)
    return pb.CheckConsentResponse(
        decision=pb.CONSENT_DECISION_PERMITTED if answer.is_permitted else pb.CONSENT_DECISION_NOT_PERMITTED,
        consent="" if answer.consent is None else name_of(answer.consent),
        legal_reference=answer.legal_reference,
        reason=answer.refusal or "",
        explanation_vi=words.vi,
        explanation_en=words.en,
        at_time=to_timestamp(at),
    )
