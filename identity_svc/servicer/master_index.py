"""The edge of the master index: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.db.columns import to_text
from chassis.idempotency import request_key
from chassis.paging import page_size_of
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import master_index as codec
from identity_svc.codec.citizens import citizen_id_of, format_refusal
from identity_svc.operations.match import PreviewMatch
from identity_svc.operations.merge import Duplicates
from identity_svc.operations.rematch import Rematch
from lienthong.identity.v1 import master_index_pb2 as pb
from lienthong.identity.v1.master_index_pb2_grpc import MasterIndexServiceServicer
from standards.errors import FormatError

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200


class MasterIndexServicer(MasterIndexServiceServicer):
    """Serves lienthong.identity.v1.MasterIndexService; `context` is the transport's (Any)."""

    def __init__(self, *, preview: PreviewMatch, duplicates: Duplicates, rematch: Rematch) -> None:
        self._preview = preview
        self._duplicates = duplicates
        self._rematch = rematch

    async def PreviewMatch(self, request: pb.PreviewMatchRequest, context: Any) -> pb.PreviewMatchResponse:
        """Tell whom a person would match."""
        caller = current_caller()
        if request.citizen:
            return codec.to_preview(await self._preview.of_citizen(citizen_id_of(request.citizen), caller))
        try:
            facts = codec.facts_of_message(request.facts)
        except FormatError as refused:
            raise format_refusal(refused) from None
        return codec.to_preview(await self._preview.of_facts(facts, caller))

    async def ListDuplicates(
        self, request: pb.ListDuplicatesRequest, context: Any
    ) -> pb.ListDuplicatesResponse:
        """List pairs by state."""
        page_size = _page_size(request.page_size)
        time_text, first_id, second_id = codec.read_token(request.page_token, codec.FIRST_PAIR)
        pairs = await self._duplicates.pairs(
            codec.state_of(request), after=(time_text, first_id, second_id), page_size=page_size
        )
        token = ""
        if len(pairs) == page_size:
            last = pairs[-1]
            token = codec.write_token(to_text(last.update_time), last.citizen_id, last.other_citizen_id)
        return pb.ListDuplicatesResponse(
            duplicates=[codec.to_duplicate(each) for each in pairs], next_page_token=token
        )

    async def GetDuplicate(self, request: pb.GetDuplicateRequest, context: Any) -> pb.GetDuplicateResponse:
        """Read one pair."""
        ids = codec.pair_ids_of(request.name)
        return codec.to_pair_view(await self._duplicates.show(*ids, current_caller()))

    async def ConfirmLink(self, request: pb.ConfirmLinkRequest, context: Any) -> pb.ConfirmLinkResponse:
        """Link a proposed pair."""
        caller = current_caller()
        link = await self._duplicates.confirm(
            *codec.pair_ids_of(request.name),
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.ConfirmLinkResponse(link=codec.to_link(link))

    async def RejectLink(self, request: pb.RejectLinkRequest, context: Any) -> pb.RejectLinkResponse:
        """Keep a proposed pair apart."""
        caller = current_caller()
        pair = await self._duplicates.reject(
            *codec.pair_ids_of(request.name),
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.RejectLinkResponse(duplicate=codec.to_duplicate(pair))

    async def PlanMerge(self, request: pb.PlanMergeRequest, context: Any) -> pb.PlanMergeResponse:
        """Tell what a merge would do."""
        plan = await self._duplicates.plan(citizen_id_of(request.citizen), citizen_id_of(request.survivor))
        return pb.PlanMergeResponse(plan=codec.to_plan(plan))

    async def Merge(self, request: pb.MergeRequest, context: Any) -> pb.MergeResponse:
        """Link one citizen into another as planned."""
        caller = current_caller()
        link = await self._duplicates.merge(
            citizen_id_of(request.citizen),
            citizen_id_of(request.survivor),
            digest=request.plan_digest,
            accept_conflicts=request.accept_conflicts,
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.MergeResponse(link=codec.to_link(link))

    async def Unmerge(self, request: pb.UnmergeRequest, context: Any) -> pb.UnmergeResponse:
        """End a citizen's link."""
        caller = current_caller()
        link = await self._duplicates.unmerge(
            citizen_id_of(request.citizen),
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.UnmergeResponse(link=codec.to_link(link))

    async def ListLinks(self, request: pb.ListLinksRequest, context: Any) -> pb.ListLinksResponse:
        """List the links of a citizen."""
        page_size = _page_size(request.page_size)
        (before_id,) = codec.read_token(request.page_token, (codec.FIRST_LINK,))
        links = await self._duplicates.links_of(
            citizen_id_of(request.citizen), before_id=before_id, page_size=page_size
        )
        token = codec.write_token(links[-1].link_id) if len(links) == page_size else ""
        return pb.ListLinksResponse(links=[codec.to_link(each) for each in links], next_page_token=token)

    async def StartRematch(self, request: pb.StartRematchRequest, context: Any) -> pb.StartRematchResponse:
        """Begin to match everybody anew."""
        caller = current_caller()
        progress = await self._rematch.start(
            key=request_key(current_method(), request, caller), caller=caller
        )
        assert progress.sweep is not None, "a run was started"
        return pb.StartRematchResponse(rematch=codec.to_rematch(progress.sweep))

    async def GetRematchProgress(
        self, request: pb.GetRematchProgressRequest, context: Any
    ) -> pb.GetRematchProgressResponse:
        """Tell how far the newest run is."""
        return codec.to_progress(await self._rematch.progress())


def _page_size(asked: int) -> int:
    return page_size_of(asked, usual=PAGE_SIZE, largest=PAGE_SIZE_MAX)
