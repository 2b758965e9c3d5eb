"""The edge of rights and estimates: decode, call one operation, encode."""

from __future__ import annotations

from typing import Any

from chassis.clock import Clock
from chassis.rpc.context import current_caller
from insurance_svc.codec import benefit as codec
from insurance_svc.domain.days import vietnam_date
from insurance_svc.operations.estimate import EstimateCost
from insurance_svc.operations.evaluate_benefit import EvaluateBenefit
from lienthong.insurance.v1 import benefit_pb2 as pb
from lienthong.insurance.v1.benefit_pb2_grpc import BenefitServiceServicer


class BenefitServicer(BenefitServiceServicer):
    """Serves lienthong.insurance.v1.BenefitService.

    The `context` of each method is the transport's (Any); deadline, caller and checks are the chassis' business.
    """

    def __init__(
        self, *, evaluate_benefit: EvaluateBenefit, estimate_cost: EstimateCost, clock: Clock
    ) -> None:
        self._evaluate_benefit = evaluate_benefit
        self._estimate_cost = estimate_cost
        self._clock = clock

    async def EvaluateBenefit(
        self, request: pb.EvaluateBenefitRequest, context: Any
    ) -> pb.EvaluateBenefitResponse:
        """Tell which right counts on a day and why."""
        facts = codec.to_facts(
            request, facility=current_caller().facility, today=vietnam_date(self._clock.now())
        )
        evaluation = self._evaluate_benefit(facts, codec.to_cards(request))
        return codec.from_evaluation(evaluation, day=facts.service_date)

    async def EstimateCost(self, request: pb.EstimateCostRequest, context: Any) -> pb.EstimateCostResponse:
        """Estimate what planned services will cost."""
        command = codec.to_estimate_command(request, today=vietnam_date(self._clock.now()))
        return codec.from_estimate(await self._estimate_cost(command, caller=current_caller()))
