"""The sibling services as typed stubs; errors come out of them as AppError."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chassis.rpc.channel import Channel
from lienthong.emr.v1.emr_pb2_grpc import VisitServiceStub
from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceStub
from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceStub
from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceStub
from lienthong.payment.v1.payment_pb2_grpc import PaymentServiceStub, ReconciliationServiceStub

if TYPE_CHECKING:
    from lienthong.emr.v1.emr_pb2_grpc import VisitServiceAsyncStub
    from lienthong.identity.v1.identity_pb2_grpc import IdentityServiceAsyncStub
    from lienthong.insurance.v1.claims_pb2_grpc import ClaimServiceAsyncStub
    from lienthong.insurance.v1.insurance_pb2_grpc import CoverageServiceAsyncStub
    from lienthong.payment.v1.payment_pb2_grpc import PaymentServiceAsyncStub, ReconciliationServiceAsyncStub


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """One stub for each service below the gateway."""

    identity: IdentityServiceAsyncStub
    visits: VisitServiceAsyncStub
    coverage: CoverageServiceAsyncStub
    claims: ClaimServiceAsyncStub
    payment: PaymentServiceAsyncStub
    reconciliation: ReconciliationServiceAsyncStub


def connect(dial: Callable[[str], Channel]) -> Peers:
    """Stubs over the channels that `dial` gives; nothing is connected before the first call."""
    insurance, payment = dial("insurance"), dial("payment")
    return Peers(
        identity=IdentityServiceStub(dial("identity")),
        visits=VisitServiceStub(dial("emr")),
        coverage=CoverageServiceStub(insurance),
        claims=ClaimServiceStub(insurance),
        payment=PaymentServiceStub(payment),
        reconciliation=ReconciliationServiceStub(payment),
    )
