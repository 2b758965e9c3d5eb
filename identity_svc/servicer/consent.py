"""The edge of consents, delegations, proxy codes and accounts: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.idempotency import RequestKey, request_key
from chassis.rpc.access import require_same_facility
from chassis.rpc.context import current_caller, current_method
from chassis.rpc.timestamps import to_timestamp
from identity_svc.codec import consent as codec
from identity_svc.codec import delegation as delegation_codec
from identity_svc.codec.citizens import citizen_id_of
from identity_svc.operations.accounts import Accounts
from identity_svc.operations.authority import CheckAuthority
from identity_svc.operations.consent import Consents
from identity_svc.operations.delegation import Delegations
from identity_svc.operations.proxy_codes import ProxyCodes
from lienthong.identity.v1 import consent_pb2 as pb
from lienthong.identity.v1.consent_pb2_grpc import ConsentServiceServicer


class ConsentServicer(ConsentServiceServicer):
    """Serves lienthong.identity.v1.ConsentService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self,
        *,
        consents: Consents,
        delegations: Delegations,
        check_authority: CheckAuthority,
        proxy_codes: ProxyCodes,
        accounts: Accounts,
    ) -> None:
        self._consents = consents
        self._delegations = delegations
        self._check_authority = check_authority
        self._proxy_codes = proxy_codes
        self._accounts = accounts

    async def ListConsentTexts(
        self, request: pb.ListConsentTextsRequest, context: Any
    ) -> pb.ListConsentTextsResponse:
        """The texts that may be shown today."""
        purpose = codec.purpose_of(request.purpose) if request.purpose else None
        texts = self._consents.shown_texts(purpose=purpose, language=request.language)
        return pb.ListConsentTextsResponse(texts=[codec.to_text(each) for each in texts])

    async def GiveConsent(self, request: pb.GiveConsentRequest, context: Any) -> pb.GiveConsentResponse:
        """Record a consent."""
        consent = await self._consents.give(
            codec.order_of(request), key=_key(request), caller=current_caller()
        )
        return pb.GiveConsentResponse(consent=codec.to_consent(consent))

    async def WithdrawConsent(
        self, request: pb.WithdrawConsentRequest, context: Any
    ) -> pb.WithdrawConsentResponse:
        """End a consent."""
        ended = await self._consents.withdraw(
            *codec.resource_of(request.name, "consents"),
            channel=codec.channel_of(request.channel),
            whole_purpose=request.whole_purpose,
            key=_key(request),
            caller=current_caller(),
        )
        return pb.WithdrawConsentResponse(consents=[codec.to_consent(each) for each in ended])

    async def ListConsents(self, request: pb.ListConsentsRequest, context: Any) -> pb.ListConsentsResponse:
        """A page of consents."""
        page_size = codec.page_size_of(request.page_size)
        found = await self._consents.page(
            citizen_id_of(request.parent),
            before=codec.page_start(request.page_token),
            page_size=page_size,
            caller=current_caller(),
        )
        return pb.ListConsentsResponse(
            consents=[codec.to_consent(each) for each in found],
            next_page_token=codec.next_page_token(found, page_size),
        )

    async def CheckConsent(self, request: pb.CheckConsentRequest, context: Any) -> pb.CheckConsentResponse:
        """Whether a use is permitted."""
        caller = current_caller()
        answer, at = await self._consents.check(
            citizen_id_of(request.citizen),
            purpose=codec.purpose_of(request.purpose),
            scopes=codec.scopes_of(request.scopes),
            facility_code=codec.facility_code_of(request.facility_code) or caller.facility,
            at_time=codec.moment_of(request.at_time, is_set=request.HasField("at_time")),
            caller=caller,
        )
        return codec.to_check_response(answer, at)

    async def AddDelegation(self, request: pb.AddDelegationRequest, context: Any) -> pb.AddDelegationResponse:
        """Let one citizen act for another."""
        added = await self._delegations.add(
            delegation_codec.delegation_order_of(request), key=_key(request), caller=current_caller()
        )
        return pb.AddDelegationResponse(delegation=delegation_codec.to_delegation(added))

    async def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, context: Any
    ) -> pb.RevokeDelegationResponse:
        """End a delegation."""
        ended = await self._delegations.revoke(
            *codec.resource_of(request.name, "delegations"), key=_key(request), caller=current_caller()
        )
        return pb.RevokeDelegationResponse(delegation=delegation_codec.to_delegation(ended))

    async def ListDelegations(
        self, request: pb.ListDelegationsRequest, context: Any
    ) -> pb.ListDelegationsResponse:
        """Delegations from both sides, and proxy codes."""
        found = await self._delegations.both_sides(citizen_id_of(request.parent), caller=current_caller())
        return delegation_codec.to_both_sides(found)

    async def CheckAuthority(
        self, request: pb.CheckAuthorityRequest, context: Any
    ) -> pb.CheckAuthorityResponse:
        """Whether somebody may act."""
        caller = current_caller()
        ruling, at = await self._check_authority(
            citizen_id_of(request.citizen),
            delegation_codec.acting_of(request),
            action=delegation_codec.action_of(request.action),
            facility_code=codec.facility_code_of(request.facility_code) or caller.facility,
            at_time=codec.moment_of(request.at_time, is_set=request.HasField("at_time")),
            caller=caller,
        )
        return delegation_codec.to_authority_response(ruling, at)

    async def IssueProxyCode(
        self, request: pb.IssueProxyCodeRequest, context: Any
    ) -> pb.IssueProxyCodeResponse:
        """Make a code for one visit."""
        code, text = await self._proxy_codes.issue(
            delegation_codec.code_order_of(request), key=_key(request), caller=current_caller()
        )
        return pb.IssueProxyCodeResponse(proxy_code=delegation_codec.to_proxy_code(code), code_text=text)

    async def RedeemProxyCode(
        self, request: pb.RedeemProxyCodeRequest, context: Any
    ) -> pb.RedeemProxyCodeResponse:
        """Take a code at a desk."""
        caller = current_caller()
        facility_code = codec.facility_code_of(request.facility_code or caller.facility)
        require_same_facility(facility_code)
        code = await self._proxy_codes.redeem(
            request.code_text,
            facility_code=facility_code,
            bearer_id=codec.optional_citizen_id_of(request.bearer),
            key=_key(request),
            caller=caller,
        )
        return pb.RedeemProxyCodeResponse(
            proxy_code=delegation_codec.to_proxy_code(code), citizen=f"citizens/{code.citizen_id}"
        )

    async def RevokeProxyCode(
        self, request: pb.RevokeProxyCodeRequest, context: Any
    ) -> pb.RevokeProxyCodeResponse:
        """Make a code useless."""
        code = await self._proxy_codes.revoke(
            *codec.resource_of(request.name, "proxyCodes"), key=_key(request), caller=current_caller()
        )
        return pb.RevokeProxyCodeResponse(proxy_code=delegation_codec.to_proxy_code(code))

    async def RequestAccountLink(
        self, request: pb.RequestAccountLinkRequest, context: Any
    ) -> pb.RequestAccountLinkResponse:
        """Give a link code."""
        waiting = await self._accounts.request(key=_key(request), caller=current_caller())
        return pb.RequestAccountLinkResponse(
            link_code=waiting.code, expire_time=to_timestamp(waiting.expire_time)
        )

    async def ConfirmAccountLink(
        self, request: pb.ConfirmAccountLinkRequest, context: Any
    ) -> pb.ConfirmAccountLinkResponse:
        """Link a sign-in."""
        account = await self._accounts.confirm(
            citizen_id_of(request.citizen),
            delegation_codec.link_code_of(request.link_code),
            key=_key(request),
            caller=current_caller(),
        )
        return pb.ConfirmAccountLinkResponse(account=delegation_codec.to_account(account))

    async def UnlinkAccount(self, request: pb.UnlinkAccountRequest, context: Any) -> pb.UnlinkAccountResponse:
        """Part a sign-in from its citizen."""
        account = await self._accounts.unlink(
            *codec.resource_of(request.name, "accounts"), key=_key(request), caller=current_caller()
        )
        return pb.UnlinkAccountResponse(account=delegation_codec.to_account(account))


def _key(request: Any) -> RequestKey:  # Any: every write's message
    return request_key(current_method(), request, current_caller())
