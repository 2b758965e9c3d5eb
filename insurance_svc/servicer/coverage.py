"""The edge of insurance: decode, call one operation, encode."""

from __future__ import annotations

import asyncio
from typing import Any

from chassis.clock import Clock
from chassis.idempotency import request_key
from chassis.rpc.context import current_caller, current_method
from insurance_svc.codec import coverage as codec
from insurance_svc.codec import evidence
from insurance_svc.codec.paper import render
from insurance_svc.domain.days import vietnam_date
from insurance_svc.operations import (
    CheckCoverage,
    ExportEvidence,
    LookUpAgain,
    ReadCorrections,
    ReadCoverage,
    SplitCost,
)
from lienthong.insurance.v1 import insurance_pb2 as pb
from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceServicer


class CoverageServicer(CoverageServiceServicer):
    """Serves lienthong.insurance.v1.CoverageService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self,
        *,
        check_coverage: CheckCoverage,
        read_coverage: ReadCoverage,
        look_up_again: LookUpAgain,
        export_evidence: ExportEvidence,
        read_corrections: ReadCorrections,
        split_cost: SplitCost,
        clock: Clock,
    ) -> None:
        self._check_coverage = check_coverage
        self._read_coverage = read_coverage
        self._look_up_again = look_up_again
        self._export_evidence = export_evidence
        self._read_corrections = read_corrections
        self._split_cost = split_cost
        self._clock = clock

    async def CheckCoverage(self, request: pb.CheckCoverageRequest, context: Any) -> pb.CheckCoverageResponse:
        """Ask the portal for one visit and keep what it said."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        command = codec.to_check_command(request, today=vietnam_date(self._clock.now()))
        coverage = await self._check_coverage(command, key=key, caller=caller)
        return pb.CheckCoverageResponse(coverage=codec.from_coverage(coverage))

    async def LookUpAgain(self, request: pb.LookUpAgainRequest, context: Any) -> pb.LookUpAgainResponse:
        """Ask again during or at the end of a treatment."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        looked_up = await self._look_up_again(evidence.to_look_up_command(request), key=key, caller=caller)
        return evidence.from_looked_up(looked_up)

    async def ExportEvidence(
        self, request: pb.ExportEvidenceRequest, context: Any
    ) -> pb.ExportEvidenceResponse:
        """Make the paper about a visit's look-ups."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        exported = await self._export_evidence(evidence.to_export_command(request), key=key, caller=caller)
        # A page of text takes tens of milliseconds, in which the loop serves others.
        content = await asyncio.to_thread(render, exported.paper, exported.export.format)
        return evidence.from_export(exported.export, content)

    async def ListCorrections(
        self, request: pb.ListCorrectionsRequest, context: Any
    ) -> pb.ListCorrectionsResponse:
        """List what later look-ups changed."""
        query = evidence.to_corrections_query(request)
        found = await self._read_corrections(query, current_caller())
        return evidence.from_corrections(found, page_size=query.page_size)

    async def GetCoverage(self, request: pb.GetCoverageRequest, context: Any) -> pb.GetCoverageResponse:
        """Read the newest coverage of a visit."""
        coverage = await self._read_coverage.newest(codec.visit_id_of(request.visit), current_caller())
        return pb.GetCoverageResponse(coverage=codec.from_coverage(coverage))

    async def ListEvidence(self, request: pb.ListEvidenceRequest, context: Any) -> pb.ListEvidenceResponse:
        """List the calls behind a visit's coverages."""
        found = await self._read_coverage.evidence_of(codec.visit_id_of(request.visit), current_caller())
        return pb.ListEvidenceResponse(evidence=[codec.from_evidence(each) for each in found])

    async def GetEvidence(self, request: pb.GetEvidenceRequest, context: Any) -> pb.GetEvidenceResponse:
        """Read one call with its raw reply."""
        visit_id, evidence_id = codec.evidence_ids_of(request.name)
        found = await self._read_coverage.evidence(visit_id, evidence_id, current_caller())
        return pb.GetEvidenceResponse(evidence=codec.from_evidence(found))

    async def SplitCost(self, request: pb.SplitCostRequest, context: Any) -> pb.SplitCostResponse:
        """Split a visit's bill."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        command = codec.to_split_command(request, today=vietnam_date(self._clock.now()))
        stored = await self._split_cost(command, key=key, caller=caller)
        return pb.SplitCostResponse(split=codec.from_split(stored))

    async def GetSplit(self, request: pb.GetSplitRequest, context: Any) -> pb.GetSplitResponse:
        """Read the newest split of a visit."""
        stored = await self._split_cost.newest(codec.visit_id_of(request.visit), current_caller())
        return pb.GetSplitResponse(split=codec.from_split(stored))
