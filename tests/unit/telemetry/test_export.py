"""Spans reach an OpenTelemetry collector as they are, over real OTLP."""

import importlib
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from chassis.telemetry import Telemetry
from chassis.telemetry.export import OtlpMissing
from tests.support.canary import scan


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[Any] = []  # Any: generated messages without types

    def Export(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> dict[str, trace_pb2.Span]:
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    made = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(made, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def test_collector_receives_the_tree_and_nothing_personal(collector: tuple[Collector, str]) -> None:
    # given
    made, endpoint = collector
    telemetry = Telemetry("identity", otlp_endpoint=endpoint)
    # when
    with (
        telemetry.span("outer", kind="server", rpc_method="VerifyCard") as outer,
        pytest.raises(ValueError, match="0992"),
        telemetry.span("inner", kind="db", citizen="099204012345"),
    ):
        raise ValueError("099204012345")
    assert telemetry.flush(10)
    telemetry.close()
    # then
    outer_sent, inner_sent = made.spans["outer"], made.spans["inner"]
    assert outer_sent.trace_id.hex() == inner_sent.trace_id.hex() == outer.trace_id
    assert inner_sent.parent_span_id == outer_sent.span_id
    assert not outer_sent.parent_span_id
    assert outer_sent.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert [(each.key, each.value.string_value) for each in outer_sent.attributes] == [
        ("rpc.method", "VerifyCard")
    ]
    assert outer_sent.status.code == trace_pb2.Status.STATUS_CODE_OK
    assert inner_sent.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    assert (inner_sent.status.message, len(inner_sent.events)) == ("", 0)
    assert outer_sent.end_time_unix_nano >= inner_sent.end_time_unix_nano > inner_sent.start_time_unix_nano
    resource = {
        each.key: each.value.string_value for each in made.requests[0].resource_spans[0].resource.attributes
    }
    assert resource["service.name"] == "identity"
    assert scan(b"".join(request.SerializeToString() for request in made.requests), ["099204012345"]) == []


def test_collector_that_is_away_costs_spans_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.telemetry.export.EXPORT_TIMEOUT_S", 1)
    telemetry = Telemetry("identity", otlp_endpoint="http://127.0.0.1:9")
    with telemetry.span("call"):
        pass
    assert telemetry.flush(20)
    assert telemetry.counts.dropped == 1
    telemetry.close(20)


def test_missing_exporter_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OtlpMissing, match="install"):
        Telemetry("identity", otlp_endpoint="http://127.0.0.1:4317")
