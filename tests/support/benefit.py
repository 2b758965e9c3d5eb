"""Rights and estimates of insurance on a local network, beside the coverages that they are about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from chassis.rpc.binding import collect
from chassis.rpc.local import LocalNetwork
from chassis.telemetry import Telemetry
from insurance_svc.domain.tables import load_rules
from insurance_svc.operations import PublishedCopay
from insurance_svc.operations.estimate import EstimateCost
from insurance_svc.operations.evaluate_benefit import EvaluateBenefit
from insurance_svc.servicer.benefit import BenefitServicer
from lienthong.insurance.v1.benefit_pb2_grpc import (
    BenefitServiceStub,
    add_BenefitServiceServicer_to_server,
)
from tests.support.echo_network import Keys
from tests.support.insurance import Insurance

if TYPE_CHECKING:
    from lienthong.insurance.v1.benefit_pb2_grpc import BenefitServiceAsyncStub


@asynccontextmanager
async def benefit_stub(insurance: Insurance, keys: Keys) -> AsyncIterator[BenefitServiceAsyncStub]:
    """A stub of the service behind the whole pipeline, without a socket."""
    telemetry = Telemetry("insurance")
    rules = load_rules()
    servicer = BenefitServicer(
        evaluate_benefit=EvaluateBenefit(rules=rules),
        estimate_cost=EstimateCost(
            db=insurance.db,
            store=insurance.store,
            rules=rules,
            published_copay=PublishedCopay(insurance.book, rules),
        ),
        clock=insurance.clock,
    )
    network = LocalNetwork()
    network.register(
        "insurance",
        [collect(add_BenefitServiceServicer_to_server, servicer)],
        verifier=keys.verifier(),
        telemetry=telemetry,
    )
    channel = network.channel("insurance", telemetry=telemetry, sender="gateway")
    try:
        # The generated stub answers awaitables on any channel of ours; only the .pyi tells two classes.
        yield cast("BenefitServiceAsyncStub", BenefitServiceStub(cast("Any", channel)))
    finally:
        await channel.close()
