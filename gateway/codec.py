"""Messages of the gateway from messages of the services, and spans from the span store; pure."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.telemetry.records import SpanRow
from chassis.telemetry.waterfall import waterfall
from gateway.domain.errors import VisitNameMalformed
from gateway.domain.ids import visit_id_in
from lienthong.gateway.v1 import gateway_pb2 as pb


def visit_name(name: str, *, field: str) -> str:
    """The name itself when it is exactly a visit's; raises VisitNameMalformed."""
    if visit_id_in(name) is None or name.count("/") != 1:
        raise VisitNameMalformed(field)
    return name


def trace_answer(rows: Sequence[SpanRow]) -> pb.GetTraceResponse:
    """The spans of one trace in drawing order."""
    attributes = {row.span_id: row.attributes for row in rows}
    return pb.GetTraceResponse(
        trace_id=rows[0].trace_id,
        spans=[
            pb.Span(
                service=line.service,
                operation=line.name,
                depth=line.depth,
                offset_us=int(line.offset_ms * 1000),
                duration_us=int(line.duration_ms * 1000),
                status=line.reason or line.status,
                attributes={key: str(value) for key, value in attributes[line.span_id].items()},
            )
            for line in waterfall(rows)
        ],
    )
