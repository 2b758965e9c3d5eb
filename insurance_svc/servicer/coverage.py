"""The edge of insurance: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.clock import Clock
from chassis.idempotency import request_key
from chassis.rpc.context import current_caller, current_method
from insurance_svc.codec import coverage as codec
from insurance_svc.operations import CheckCoverage, ReadCoverage, SplitCost
from insurance_svc.operations.ask_portal import vietnam_day
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
        split_cost: SplitCost,
        clock: Clock,
    ) -> None:
        self._check_coverage = check_coverage
        self._read_coverage = read_coverage
        self._split_cost = split_cost
        self._clock = clock

    async def CheckCoverage(self, request: pb.CheckCoverageRequest, context: Any) -> pb.CheckCoverageResponse:
        """Ask the portal for one visit and keep what it said."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        command = codec.to_check_command(request, today=vietnam_day(self._clock.now()))
        coverage = await self._check_coverage(command, key=key, caller=caller)
        return pb.CheckCoverageResponse(coverage=codec.from_coverage(coverage))

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
        evidence = await self._read_coverage.evidence(visit_id, evidence_id, current_caller())
        return pb.GetEvidenceResponse(evidence=codec.from_evidence(evidence))

    async def SplitCost(self, request: pb.SplitCostRequest, context: Any) -> pb.SplitCostResponse:
        """Split a visit's bill."""
        caller = current_caller()
        key = request_key(current_method(), request, caller)
        command = codec.to_split_command(request, today=vietnam_day(self._clock.now()))
        stored = await self._split_cost(command, key=key, caller=caller)
        return pb.SplitCostResponse(split=codec.from_split(stored))

    async def GetSplit(self, request: pb.GetSplitRequest, context: Any) -> pb.GetSplitResponse:
        """Read the newest split of a visit."""
        stored = await self._split_cost.newest(codec.visit_id_of(request.visit), current_caller())
        return pb.GetSplitResponse(split=codec.from_split(stored))
