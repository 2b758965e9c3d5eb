"""The claim of a discharged visit: built from what the services hold, checked, signed and put on its way."""

from __future__ import annotations

from gateway.domain.ids import child_request_id
from gateway.journeys.legs import Legs
from gateway.peers import Peers
from lienthong.gateway.v1 import gateway_pb2 as pb
from lienthong.insurance.v1 import claims_pb2 as claims


async def begin_claim(legs: Legs, request: pb.DischargeRequest, peers: Peers) -> claims.Claim | None:
    """Build the claim and submit it when nothing is lacking; None for who is not insured.

    What is lacking, or what the check found, waits in the insurer's work list; a discharge never waits for it.
    """
    built = await legs.run(
        "claim",
        lambda timeout: peers.claims.BuildClaim(
            claims.BuildClaimRequest(
                request_id=child_request_id(request.request_id, "claim"), visit=request.visit
            ),
            timeout=timeout,
        ),
    )
    if built is None or not built.HasField("claim"):
        return None
    if built.readiness != claims.CLAIM_READINESS_READY:
        return built.claim
    submitted = await legs.run(
        "claim-submit",
        lambda timeout: peers.claims.SubmitClaim(
            claims.SubmitClaimRequest(
                request_id=child_request_id(request.request_id, "claim-submit"), visit=request.visit
            ),
            timeout=timeout,
        ),
    )
    return submitted.claim if submitted else built.claim
