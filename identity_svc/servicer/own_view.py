"""The edge of a citizen's own view: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.rpc.context import current_caller
from identity_svc.codec import consent as consent_codec
from identity_svc.codec import own_view as codec
from identity_svc.operations.own_view import OwnView
from lienthong.identity.v1 import own_view_pb2 as pb
from lienthong.identity.v1.own_view_pb2_grpc import OwnViewServiceServicer


class OwnViewServicer(OwnViewServiceServicer):
    """Serves lienthong.identity.v1.OwnViewService; the `context` of each method is the transport's (Any)."""

    def __init__(self, *, own_view: OwnView) -> None:
        self._own_view = own_view

    async def GetMyView(self, request: pb.GetMyViewRequest, context: Any) -> pb.GetMyViewResponse:
        """Who one is here."""
        citizen_id = consent_codec.optional_citizen_id_of(request.citizen)
        return codec.to_view(await self._own_view.view(citizen_id, caller=current_caller()))

    async def ListMyConsents(
        self, request: pb.ListMyConsentsRequest, context: Any
    ) -> pb.ListMyConsentsResponse:
        """A page of one's consents."""
        page_size = consent_codec.page_size_of(request.page_size)
        found = await self._own_view.consents(
            consent_codec.optional_citizen_id_of(request.citizen),
            before=consent_codec.page_start(request.page_token),
            page_size=page_size,
            caller=current_caller(),
        )
        return pb.ListMyConsentsResponse(
            consents=[consent_codec.to_consent(each) for each in found],
            next_page_token=consent_codec.next_page_token(found, page_size),
        )

    async def ListMyAccesses(
        self, request: pb.ListMyAccessesRequest, context: Any
    ) -> pb.ListMyAccessesResponse:
        """A page of who looked."""
        page_size = consent_codec.page_size_of(request.page_size)
        found = await self._own_view.accesses(
            consent_codec.optional_citizen_id_of(request.citizen),
            before=codec.access_start(request.page_token),
            page_size=page_size,
            caller=current_caller(),
        )
        return pb.ListMyAccessesResponse(
            accesses=[codec.to_access(each) for each in found],
            next_page_token=codec.next_access_token(found, page_size),
        )
