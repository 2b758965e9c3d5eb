"""One visit is one trace: the code on the receipt leads to what every service did for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lienthong.gateway.v1 import gateway_pb2 as pb
from station.demo.patients import LINES, paid
from tests.support.edge import Edge, open_edge
from tests.support.fronts import Held, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_fronts = pytest.mark.parametrize("front", ["grpc", "http"])
JOURNEY = {
    ("gateway", "CheckIn"),
    ("gateway", "Discharge"),
    ("identity", "VerifyCard"),
    ("emr", "OpenVisit"),
    ("emr", "CloseVisit"),
    ("insurance", "CheckCoverage"),
    ("insurance", "SplitCost"),
    ("payment", "OpenBill"),
    ("payment", "IssueBill"),
    ("payment", "CreateIntent"),
    ("payment", "payment.settle"),
}
"""What has to be seen: service, and the last word of what it did."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    held = Held()
    yield await held.enter(open_edge(tmp_path_factory.mktemp("suite")))
    await held.leave()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def receipt_code(edge: Edge) -> str:
    """The code on the receipt of a whole journey, paid by a bank's webhook."""
    admitted = await edge.check_in()
    ended = await edge.desk.discharge(admitted.name, LINES)
    await edge.desk.transfer(ended.bill.patient_vnd, ended.bill.intents[-1].reference_code)
    settled = await paid(edge.desk, admitted.name)
    await edge.spans(
        admitted.name.removeprefix("visits/"),
        until=lambda spans: (
            {(span.service, span.name.rpartition("/")[2]) for span in spans if span.kind != "client"}
            >= JOURNEY
        ),
    )
    return str(settled.bill.receipts[0].trace_code)


@both_fronts
async def test_the_code_on_the_receipt_finds_the_work_of_every_service(
    edge: Edge, front: str, receipt_code: str
) -> None:
    found = await edge.front(front).call(
        "GetTrace", pb.GetTraceRequest(code=receipt_code), token=await edge.token("operator")
    )

    seen = {(span.service, span.operation.rpartition("/")[2]) for span in found.spans}
    assert seen >= JOURNEY
    assert {span.service for span in found.spans} == {"gateway", "identity", "emr", "insurance", "payment"}
    assert all(span.status for span in found.spans)
    assert {span.operation for span in found.spans} >= {"registry.verify", "portal.lookup", "leg.identity"}


@both_fronts
@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f" {code}",
    ],
    ids=["small letters", "no hyphens", "blanks", "a blank before"],
)
async def test_the_code_may_be_typed_carelessly(
    edge: Edge, front: str, receipt_code: str, typed: object
) -> None:
    assert callable(typed)
    found = await edge.front(front).call(
        "GetTrace", pb.GetTraceRequest(code=typed(receipt_code)), token=await edge.token("operator")
    )

    assert found.spans


@both_fronts
async def test_every_single_mistyped_character_is_seen(edge: Edge, front: str, receipt_code: str) -> None:
    operator = await edge.token("operator")
    for place, character in enumerate(receipt_code):
        if character == "-":
            continue
        other = "7" if character != "7" else "8"
        mistyped = receipt_code[:place] + other + receipt_code[place + 1 :]

        refused = await refusal(
            edge.front(front).call("GetTrace", pb.GetTraceRequest(code=mistyped), token=operator)
        )

        assert (refused.kind, refused.reason) == ("INVALID_ARGUMENT", "TRACE_CODE_MISTYPED"), mistyped
        assert refused.message
        assert refused.message_vi


@both_fronts
async def test_a_code_of_no_journey_is_not_found(edge: Edge, front: str) -> None:
    refused = await refusal(
        edge.front(front).call(
            "GetTrace", pb.GetTraceRequest(code="0000-0000-000"), token=await edge.token("operator")
        )
    )

    assert (refused.kind, refused.reason) == ("NOT_FOUND", "TRACE_NOT_FOUND")
    assert refused.message_vi
