"""The edge of the data-quality queue: decode, call one operation, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import Message

from chassis.clock import Clock
from chassis.idempotency import RequestKey, request_key
from chassis.rpc.context import current_caller, current_method
from identity_svc.codec import quality as codec
from identity_svc.domain.cases import CaseStep
from identity_svc.operations.case_queue import CaseQueue
from identity_svc.operations.correction import Corrections
from identity_svc.operations.quality_figures import QualityFigures
from lienthong.identity.v1 import quality_pb2 as pb
from lienthong.identity.v1.quality_pb2_grpc import DataQualityServiceServicer


class QualityServicer(DataQualityServiceServicer):
    """Serves lienthong.identity.v1.DataQualityService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self, *, queue: CaseQueue, figures: QualityFigures, corrections: Corrections, clock: Clock
    ) -> None:
        self._queue = queue
        self._figures = figures
        self._corrections = corrections
        self._clock = clock

    async def ListCases(self, request: pb.ListCasesRequest, context: Any) -> pb.ListCasesResponse:
        """A page of the queue."""
        caller = current_caller()
        page = await self._queue.list(
            codec.case_filter(request, me=caller.subject),
            caller,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListCasesResponse(
            cases=[codec.to_case(case, now=page.now) for case in page.cases],
            next_page_token=page.next_page_token,
        )

    async def GetCase(self, request: pb.GetCaseRequest, context: Any) -> pb.GetCaseResponse:
        """One case with everything to work it."""
        caller = current_caller()
        view = await self._queue.get(*codec.case_ids_of(request.name), caller)
        return codec.to_view(view, shows_correction="STEWARD" in caller.roles)

    async def CountCases(self, request: pb.CountCasesRequest, context: Any) -> pb.CountCasesResponse:
        """The map of the queue."""
        return codec.to_counts(await self._queue.count(current_caller()))

    async def AssignCase(self, request: pb.AssignCaseRequest, context: Any) -> pb.AssignCaseResponse:
        """Give a case to a steward."""
        citizen_id, case_id = codec.case_ids_of(request.name)
        case = await self._queue.assign(
            _key(request),
            current_caller(),
            citizen_id=citizen_id,
            case_id=case_id,
            assignee=request.assignee,
            take_over=request.take_over,
        )
        return pb.AssignCaseResponse(case=codec.to_case(case, now=self._clock.now()))

    async def AddCaseNote(self, request: pb.AddCaseNoteRequest, context: Any) -> pb.AddCaseNoteResponse:
        """Note something about a case."""
        case = await self._step(request, CaseStep.NOTED, code="")
        return pb.AddCaseNoteResponse(case=case)

    async def ResolveCase(self, request: pb.ResolveCaseRequest, context: Any) -> pb.ResolveCaseResponse:
        """End a case whose record is right now."""
        case = await self._step(request, CaseStep.RESOLVED, code=codec.resolution_of(request))
        return pb.ResolveCaseResponse(case=case)

    async def DismissCase(self, request: pb.DismissCaseRequest, context: Any) -> pb.DismissCaseResponse:
        """End a case in which nothing had to be repaired."""
        case = await self._step(request, CaseStep.DISMISSED, code=codec.dismissal_of(request))
        return pb.DismissCaseResponse(case=case)

    async def GetQualityFigures(
        self, request: pb.GetQualityFiguresRequest, context: Any
    ) -> pb.GetQualityFiguresResponse:
        """The figures of a place and a time."""
        place, days = codec.place_and_days(request, now=self._clock.now())
        return codec.to_figures(await self._figures.get(place, days))

    async def ExportQualityFigures(
        self, request: pb.ExportQualityFiguresRequest, context: Any
    ) -> AsyncIterator[pb.ExportQualityFiguresResponse]:
        """The counters behind the figures as CSV."""
        place, days = codec.place_and_days(request, now=self._clock.now())
        yield pb.ExportQualityFiguresResponse(csv_lines=codec.to_csv((), has_header=True))
        async for page in self._figures.export(place, days):
            yield pb.ExportQualityFiguresResponse(csv_lines=codec.to_csv(page, has_header=False))

    async def RebuildQualityFigures(
        self, request: pb.RebuildQualityFiguresRequest, context: Any
    ) -> pb.RebuildQualityFiguresResponse:
        """Have everything counted again."""
        await self._figures.rebuild(_key(request), current_caller())
        return pb.RebuildQualityFiguresResponse()

    async def RequestCorrection(
        self, request: pb.RequestCorrectionRequest, context: Any
    ) -> pb.RequestCorrectionResponse:
        """Ask for a correction."""
        done = await self._corrections.request(
            _key(request),
            current_caller(),
            citizen_id=codec.whose(request.parent),
            field=request.field,
            value=request.value,
            why=request.why,
        )
        return pb.RequestCorrectionResponse(correction=codec.to_correction(done))

    async def AcceptCorrection(
        self, request: pb.AcceptCorrectionRequest, context: Any
    ) -> pb.AcceptCorrectionResponse:
        """Write the asked value into the record."""
        citizen_id, correction_id = codec.correction_ids_of(request.name)
        done = await self._corrections.accept(
            _key(request), current_caller(), citizen_id=citizen_id, correction_id=correction_id
        )
        return pb.AcceptCorrectionResponse(
            correction=codec.to_correction(done), repair=f"citizens/{citizen_id}/repairs/{done.repair_id}"
        )

    async def RefuseCorrection(
        self, request: pb.RefuseCorrectionRequest, context: Any
    ) -> pb.RefuseCorrectionResponse:
        """Refuse a correction with a reason."""
        citizen_id, correction_id = codec.correction_ids_of(request.name)
        done = await self._corrections.refuse(
            _key(request),
            current_caller(),
            citizen_id=citizen_id,
            correction_id=correction_id,
            answer=request.answer,
        )
        return pb.RefuseCorrectionResponse(correction=codec.to_correction(done))

    async def ListMyCorrections(
        self, request: pb.ListMyCorrectionsRequest, context: Any
    ) -> pb.ListMyCorrectionsResponse:
        """The caller's own requests."""
        found = await self._corrections.list_own(current_caller(), citizen_id=codec.whose(request.citizen))
        return pb.ListMyCorrectionsResponse(corrections=[codec.to_correction(each) for each in found])

    async def _step(
        self,
        request: pb.AddCaseNoteRequest | pb.ResolveCaseRequest | pb.DismissCaseRequest,
        step: CaseStep,
        *,
        code: str,
    ) -> pb.Case:
        citizen_id, case_id = codec.case_ids_of(request.name)
        case = await self._queue.take_step(
            _key(request),
            current_caller(),
            citizen_id=citizen_id,
            case_id=case_id,
            step=step,
            code=code,
            note=request.note,
        )
        return codec.to_case(case, now=self._clock.now())


def _key(request: Message) -> RequestKey:
    return request_key(current_method(), request, current_caller())
