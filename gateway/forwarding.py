"""Passes calls on to the service that owns the method: what a service annotates for clients, clients may call.

A method with a `google.api.http` option is served here under its own full name, over gRPC and HTTP alike, with the
rights its own option states. So no message is spelled twice, and a method without the option stays inside the suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import grpc
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from chassis.rpc.binding import ServiceBinding
from chassis.rpc.channel import Channel
from lienthong.identity.v1 import (
    card_pb2,
    consent_pb2,
    identity_pb2,
    master_index_pb2,
    own_view_pb2,
    quality_pb2,
    register_import_pb2,
    units_pb2,
)
from lienthong.insurance.v1 import benefit_pb2, claims_pb2, fhir_pb2, insurance_pb2

_PROTOS: Mapping[str, Sequence[Any]] = {  # Any: generated modules have no common type
    "identity": (
        identity_pb2,
        master_index_pb2,
        consent_pb2,
        own_view_pb2,
        quality_pb2,
        card_pb2,
        units_pb2,
        register_import_pb2,
    ),
    "insurance": (insurance_pb2, benefit_pb2, claims_pb2, fhir_pb2),
}
FORWARDED: Mapping[str, Sequence[ServiceDescriptor]] = {
    peer: tuple(service for proto in protos for service in proto.DESCRIPTOR.services_by_name.values())
    for peer, protos in _PROTOS.items()
}
"""Services whose annotated methods clients may call, by the peer that serves them."""


def is_for_clients(method: MethodDescriptor) -> bool:
    """Whether a method may be called from outside the suite."""
    return bool(method.GetOptions().HasExtension(annotations_pb2.http))


def forward(channel: Channel, services: Sequence[ServiceDescriptor]) -> list[ServiceBinding]:
    """Bindings that pass the clients' methods of some services on over one channel."""
    return [
        ServiceBinding(
            service=service.full_name,
            handlers={
                method.name: _handler(channel, method) for method in service.methods if is_for_clients(method)
            },
        )
        for service in services
    ]


# Any in this module: each method has its own messages.
def _handler(channel: Channel, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    open_call, make = {
        (False, False): (channel.unary_unary, grpc.unary_unary_rpc_method_handler),
        (False, True): (channel.unary_stream, grpc.unary_stream_rpc_method_handler),
        (True, False): (channel.stream_unary, grpc.stream_unary_rpc_method_handler),
        (True, True): (channel.stream_stream, grpc.stream_stream_rpc_method_handler),
    }[method.client_streaming, method.server_streaming]
    call: Any = open_call(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    pass_on = _passing_many(call) if method.server_streaming else _passing_one(call)
    handler: grpc.RpcMethodHandler[Any, Any] = make(
        pass_on, request_deserializer=request.FromString, response_serializer=response.SerializeToString
    )
    return handler


def _passing_one(call: Any) -> Callable[..., Any]:
    async def pass_on(request: Any, _: Any) -> Any:
        return await call(request)

    return pass_on


def _passing_many(call: Any) -> Callable[..., Any]:
    async def pass_on(request: Any, _: Any) -> AsyncIterator[Any]:
        async for response in call(request):
            yield response

    return pass_on
