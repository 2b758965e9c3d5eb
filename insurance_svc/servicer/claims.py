"""The edge of claims: decode, call one operation, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chassis.idempotency import request_key
from chassis.rpc.context import current_caller, current_method
from insurance_svc.codec import claims as codec
from insurance_svc.codec.coverage import visit_id_of
from insurance_svc.domain.claim_errors import SettlementHeaderMissing
from insurance_svc.operations.claims import (
    BuildClaims,
    BuiltAnswer,
    CompareSettlement,
    ImportSettlement,
    LintClaims,
    ReadClaims,
    SubmitCheckIn,
    SubmitClaims,
    WorkItems,
)
from insurance_svc.operations.claims.desk import reason_of
from lienthong.insurance.v1 import claims_pb2 as pb
from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceServicer

CHUNK_BYTES = 256 * 1024
_REFERENCE_MAX_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerbs:
    """The operations behind the service."""

    build: BuildClaims
    read: ReadClaims
    lint: LintClaims
    submit: SubmitClaims
    check_in: SubmitCheckIn
    work: WorkItems
    settle: ImportSettlement
    compare: CompareSettlement


class ClaimServicer(ClaimServiceServicer):
    """Serves lienthong.insurance.v1.ClaimService; each `context` is the transport's (Any) and not used."""

    def __init__(self, verbs: ClaimVerbs) -> None:
        self._verbs = verbs

    async def BuildClaim(self, request: pb.BuildClaimRequest, context: Any) -> pb.BuildClaimResponse:
        """Build the claim of a visit."""
        caller = current_caller()
        answer = await self._verbs.build.build(
            visit_id_of(request.visit),
            month=codec.month_of(request.settlement_month, "settlement_month", may_be_empty=True),
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        if answer.view is None:
            return pb.BuildClaimResponse(readiness=pb.CLAIM_READINESS_NOT_INSURED)
        return pb.BuildClaimResponse(
            readiness=_readiness(answer),
            claim=codec.from_view(answer.view),
            lacks=codec.from_lacks(answer.lacks),
            new_version=answer.is_new,
            differs=answer.differs,
        )

    async def GetClaim(self, request: pb.GetClaimRequest, context: Any) -> pb.GetClaimResponse:
        """Read one claim."""
        view = await self._verbs.read.whole(visit_id_of(request.visit), current_caller())
        return pb.GetClaimResponse(claim=codec.from_view(view))

    async def ListClaims(self, request: pb.ListClaimsRequest, context: Any) -> pb.ListClaimsResponse:
        """List the facility's claims."""
        page_size = codec.page_size_of(request.page_size)
        found = await self._verbs.read.page(
            current_caller(),
            before=codec.moment_page(request.page_token, first=codec.first_claim_page()),
            state=codec.state_of(request.state),
            month=codec.month_of(request.settlement_month, "settlement_month", may_be_empty=True),
            page_size=page_size + 1,
        )
        page = found[:page_size]
        more = len(found) > page_size
        return pb.ListClaimsResponse(
            claims=[codec.from_claim(each) for each in page],
            next_page_token=codec.moment_token(page[-1].update_time, page[-1].claim_id) if more else "",
        )

    async def LintClaim(self, request: pb.LintClaimRequest, context: Any) -> pb.LintClaimResponse:
        """Check the newest version."""
        version, report = await self._verbs.lint.newest(visit_id_of(request.visit), current_caller())
        return pb.LintClaimResponse(report=codec.from_report(version.version, report))

    async def SubmitClaim(self, request: pb.SubmitClaimRequest, context: Any) -> pb.SubmitClaimResponse:
        """Check, sign and hand over."""
        caller = current_caller()
        accepted = request.accept_findings
        done = await self._verbs.submit.submit(
            visit_id_of(request.visit),
            accept_findings=reason_of(accepted, "accept_findings") if accepted else "",
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        report = None if done.report is None else codec.from_report(done.version, done.report)
        return pb.SubmitClaimResponse(claim=codec.from_view(done.view), report=report)

    async def SubmitCheckIn(self, request: pb.SubmitCheckInRequest, context: Any) -> pb.SubmitCheckInResponse:
        """Hand a check-in over."""
        caller = current_caller()
        submission = await self._verbs.check_in(
            visit_id_of(request.visit), key=request_key(current_method(), request, caller), caller=caller
        )
        return pb.SubmitCheckInResponse(check_in=codec.from_submission(submission))

    async def GetClaimFile(
        self, request: pb.GetClaimFileRequest, context: Any
    ) -> AsyncIterator[pb.GetClaimFileResponse]:
        """Give the bytes of a version, piece by piece."""
        content = await self._verbs.read.file(
            visit_id_of(request.visit), max(request.version, 0), current_caller()
        )
        for start in range(0, len(content), CHUNK_BYTES):
            yield pb.GetClaimFileResponse(content=content[start : start + CHUNK_BYTES])

    async def ReplaceClaim(self, request: pb.ReplaceClaimRequest, context: Any) -> pb.ReplaceClaimResponse:
        """Build a new version of a claim the portal has."""
        caller = current_caller()
        answer = await self._verbs.build.replace(
            visit_id_of(request.visit),
            month=codec.month_of(request.settlement_month, "settlement_month", may_be_empty=True),
            reason=reason_of(request.reason, "reason"),
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        assert answer.view is not None, "what is replaced exists"
        return pb.ReplaceClaimResponse(
            readiness=_readiness(answer),
            claim=codec.from_view(answer.view),
            lacks=codec.from_lacks(answer.lacks),
        )

    async def ReverseClaim(self, request: pb.ReverseClaimRequest, context: Any) -> pb.ReverseClaimResponse:
        """Take a claim back."""
        caller = current_caller()
        view = await self._verbs.submit.reverse(
            visit_id_of(request.visit),
            reason=reason_of(request.reason, "reason"),
            withdrawal_reference=request.withdrawal_reference.strip()[:_REFERENCE_MAX_CHARS],
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.ReverseClaimResponse(claim=codec.from_view(view))

    async def ListWorkItems(self, request: pb.ListWorkItemsRequest, context: Any) -> pb.ListWorkItemsResponse:
        """List what people have to look at."""
        page_size = codec.page_size_of(request.page_size)
        found = await self._verbs.work.page(
            current_caller(),
            after=codec.moment_page(request.page_token, first=codec.OLDEST_FIRST),
            cause=codec.cause_of(request.cause),
            show_resolved=request.show_resolved,
            page_size=page_size + 1,
        )
        page = found[:page_size]
        more = len(found) > page_size
        return pb.ListWorkItemsResponse(
            work_items=[codec.from_work_item(each) for each in page],
            next_page_token=codec.moment_token(page[-1].open_time, page[-1].work_item_id) if more else "",
        )

    async def ResolveWorkItem(
        self, request: pb.ResolveWorkItemRequest, context: Any
    ) -> pb.ResolveWorkItemResponse:
        """End a work item."""
        caller = current_caller()
        item = await self._verbs.work.resolve(
            codec.work_item_id_of(request.name),
            resolution=codec.resolution_of(request.resolution),
            note=reason_of(request.note, "note"),
            transaction_number=request.transaction_number.strip()[:_REFERENCE_MAX_CHARS],
            key=request_key(current_method(), request, caller),
            caller=caller,
        )
        return pb.ResolveWorkItemResponse(work_item=codec.from_work_item(item))

    async def ImportSettlement(
        self, request_iterator: AsyncIterator[pb.ImportSettlementRequest], context: Any
    ) -> pb.ImportSettlementResponse:
        """Take a result file in."""
        caller = current_caller()
        first = await anext(aiter(request_iterator), None)
        if first is None or first.WhichOneof("part") != "header":
            raise SettlementHeaderMissing
        settlement = await self._verbs.settle(
            codec.month_of(first.header.month, "month"),
            _contents(request_iterator),
            key=request_key(current_method(), first.header, caller),
            caller=caller,
        )
        return pb.ImportSettlementResponse(settlement=codec.from_settlement(settlement))

    async def CompareSettlement(
        self, request: pb.CompareSettlementRequest, context: Any
    ) -> pb.CompareSettlementResponse:
        """Compare a month."""
        comparison = await self._verbs.compare(
            codec.month_of(request.month, "month"),
            current_caller(),
            after=codec.difference_page(request.page_token),
            page_size=codec.page_size_of(request.page_size),
        )
        return codec.from_comparison(comparison)


def _readiness(answer: BuiltAnswer) -> pb.ClaimReadiness.ValueType:
    return codec.NOT_READY if answer.lacks else codec.READY


async def _contents(parts: AsyncIterator[pb.ImportSettlementRequest]) -> AsyncIterator[bytes]:
    async for part in parts:
        yield part.content
